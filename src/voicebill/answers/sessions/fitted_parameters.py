"""Estimate the parameters of a plan from the sums of recorded calls: each with a 99% interval, and its default.

What the log does not determine has no value. Without events, it is not seen how much of an interrupted reply was played, and
reasoning is part of a reply's text.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Literal, NamedTuple

from voicebill.answers.parameters.inputs import PLAN
from voicebill.answers.parsing.quantities import format_percent, parse_number, parse_share
from voicebill.answers.sessions.moments import Moments, absence_limit, count_interval, positive_interval, share_interval
from voicebill.answers.sessions.session_sums import CallSums
from voicebill.conversation.rules import Rules

MIN_CASES = 10
"""What occurred less often in all calls, such as tool calls, is not estimated."""
MS_PER_MINUTE = 60_000
ParameterUnit = Literal["share", "minutes", "tokens", "count", "per minute", "ratio", "dollars"]


class ParameterEstimate(NamedTuple):
    """A parameter as the calls show it, with its 99% interval; None where the log does not determine it, for a reason.

    `calls` is the number of calls that it is estimated from. `default` is what it replaces, as text; empty without one.
    """

    name: str
    label: str
    unit: ParameterUnit
    value: float | None
    low: float | None
    high: float | None
    calls: int
    default: str = ""
    note: str = ""

    @property
    def default_number(self) -> float | None:
        """The default as a number; None without one.

        >>> ParameterEstimate("user_share", "user speaks", "share", 0.3, 0.2, 0.4, 100, "40%").default_number
        0.4
        """
        if not self.default:
            return None
        parse = parse_share if self.default.endswith("%") else parse_number
        return float(parse(self.default))


@dataclass(frozen=True, slots=True)
class SumFormulas:
    """What follows from the mean sums of calls, under the rules of their model. `has_events`: all responses have events."""

    rules: Rules
    has_events: bool

    def played(self, sums: CallSums) -> float:
        """The share of all generated speech that is played."""
        if not self.has_events or not sums.closed_tokens:
            return 1.0
        return 1 - (sums.interrupted_tokens - sums.played_tokens) / sums.closed_tokens

    def first_turn_ms(self, sums: CallSums) -> float:
        """The mean time from the start of a call to its first response: as from the end of a reply to the response after it."""
        if not sums.gaps:
            return 0.0
        speech = self.played(sums) * sums.closed_tokens * self.rules.reply_audio_ms_per_token
        return max(0.0, sums.gap - speech) / sums.gaps

    def milliseconds(self, sums: CallSums) -> float:
        """The mean time of a call: to its last response, and until its last reply is played."""
        starts = (sums.calls - sums.timed_starts) * self.first_turn_ms(sums)
        return (sums.span + starts + self.played(sums) * sums.last_reply) / sums.calls

    def minutes(self, sums: CallSums) -> float:
        """The mean minutes of a call."""
        return self.milliseconds(sums) / MS_PER_MINUTE

    def turns_per_minute(self, sums: CallSums) -> float:
        """Turns of the user in a minute."""
        return _ratio(sums.turns, sums.calls * self.minutes(sums))

    def user_share(self, sums: CallSums, tokens: float | None = None) -> float:
        """The share of time in which the user speaks, without the padding that turn detection adds."""
        spoken = (sums.user_tokens if tokens is None else tokens) - self.rules.padding_tokens * sums.user_turns
        return _ratio(max(0.0, spoken) * self.rules.user_audio_ms_per_token, sums.calls * self.milliseconds(sums))

    def generated_share(self, sums: CallSums) -> float:
        """The time of all generated speech, as a share of that of the calls."""
        return _ratio(sums.reply_tokens * self.rules.reply_audio_ms_per_token, sums.calls * self.milliseconds(sums))

    def assistant_share(self, sums: CallSums) -> float:
        """The share of time in which the assistant speaks: what is played."""
        return self.played(sums) * self.generated_share(sums)

    def silence_share(self, sums: CallSums) -> float:
        """The share of time that is neither."""
        return 1 - self.user_share(sums) - self.assistant_share(sums)

    def text_per_audio_token(self, sums: CallSums) -> float:
        """The text tokens that a reply has more for each audio token: the slope of a line through all replies."""
        spread = sums.texted * sums.texted_square - sums.texted_audio**2
        return _ratio(sums.texted * sums.texted_product - sums.texted_audio * sums.texted_text, spread)

    def text_base(self, sums: CallSums) -> float:
        """The text tokens of a reply in addition to these."""
        return _ratio(sums.texted_text - self.text_per_audio_token(sums) * sums.texted_audio, sums.texted)


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else 0.0


class _Row(NamedTuple):
    """A parameter that is a function of the mean sums. `cases` is how often what it describes occurred in a call."""

    name: str
    label: str
    unit: ParameterUnit
    formula: Callable[[CallSums], float]
    cases: Callable[[CallSums], float]
    default: str = ""


def estimate_parameters(moments: Moments, rules: Rules) -> Iterator[ParameterEstimate]:
    """The parameters that are functions of sums, in the order of a plan."""
    means = moments.means
    formulas = SumFormulas(rules, has_events=not means.eventless)
    notes = dict(_open_parameters(means, formulas))
    for row in _rows(formulas):
        if row.name == "reasoning_tokens" and not rules.is_reasoning_model:
            continue
        if row.name in notes:
            yield _unknown(row, moments.count, notes[row.name])
        elif row.cases(means) * moments.count < MIN_CASES:
            yield _unknown(row, moments.count, "it occurs too seldom")
        else:
            yield _estimate(row, moments, formulas)


def warm_parameter(cases: int, calls: int) -> ParameterEstimate:
    """The share of calls whose first response has its prompt from the cache."""
    low, high = count_interval(cases, calls)
    return ParameterEstimate("warm_share", "calls with a warm start", "share", cases / calls, low, high, calls, "0")


def unconnected_parameter(cases: int, calls: int) -> ParameterEstimate:
    """The share of calls without a response, if the log shows any; a log of responses cannot."""
    name, label = "unconnected_share", "unconnected calls"
    if not cases:
        return ParameterEstimate(name, label, "share", None, None, None, calls, "0", "the log has no call without a response")
    return ParameterEstimate(name, label, "share", cases / calls, *count_interval(cases, calls), calls, "0")


def _unknown(row: _Row, calls: int, note: str) -> ParameterEstimate:
    return ParameterEstimate(row.name, row.label, row.unit, None, None, None, calls, row.default, note)


def _estimate(row: _Row, moments: Moments, formulas: SumFormulas) -> ParameterEstimate:
    means = moments.means
    value = min(1.0, row.formula(means)) if row.unit == "share" else row.formula(means)
    low, high = _interval(row, row.formula, moments)
    note = ""
    if row.name == "user_share" and means.user_low < means.user_high:
        note = "how much of the audio was an interrupted reply is not known: the interval has both extremes"
        low = _interval(row, lambda sums: formulas.user_share(sums, sums.user_low), moments)[0]
        high = _interval(row, lambda sums: formulas.user_share(sums, sums.user_high), moments)[1]
    if row.name == "prefix_reuse" and means.findable_low < means.findable:
        note = "how much of tool calls is reasoning, which no cache has, is not known: the interval has both extremes"
        high = _interval(row, lambda sums: _ratio(sums.cached, sums.findable_low), moments)[1]
    return ParameterEstimate(row.name, row.label, row.unit, value, low, high, moments.count, row.default, note)


def _interval(row: _Row, formula: Callable[[CallSums], float], moments: Moments) -> tuple[float, float]:
    value, error = formula(moments.means), moments.standard_error(formula)
    if row.unit != "share":
        return positive_interval(value, error, moments.count)
    if not value:
        return 0.0, absence_limit(row.cases(moments.means) * moments.count)
    if row.name == "played_share":
        effective, skewness = moments.effective_calls("interrupted_tokens"), moments.played_skewness
        return share_interval(value, error, effective, skewness * sqrt(effective / moments.count))
    return share_interval(value, error, moments.count)


def _open_parameters(means: CallSums, formulas: SumFormulas) -> Iterator[tuple[str, str]]:
    """The parameters that the log leaves open, each with the reason as a clause."""
    if not formulas.has_events:
        no_events = "the log has no events that show what was played"
        yield "played_share", no_events
        if means.interrupted:
            yield "assistant_share", no_events
            yield "silence_share", no_events
    if means.open_reasoning:
        open_reasoning = "the log does not tell reasoning from text"
        for name in ("reasoning_tokens", "arguments_tokens", "result_tokens", "text_turn_reply_tokens"):
            yield name, open_reasoning
        for name in ("reply_text_per_audio_token", "reply_text_base"):
            yield name, open_reasoning


def _rows(formulas: SumFormulas) -> tuple[_Row, ...]:
    rules = formulas.rules
    reuse = format_percent(float(rules.cache_reuse_share))
    reasoning = str(rules.reasoning_tokens_per_response)
    return (
        _Row("minutes", "minutes of a call", "minutes", formulas.minutes, _calls),
        _Row("turns", "turns of a call", "count", lambda sums: _ratio(sums.turns, sums.calls), _calls),
        _Row("turns_per_minute", "turns a minute", "per minute", formulas.turns_per_minute, _calls),
        _Row("user_share", "user speaks", "share", formulas.user_share, _calls, _default("user_share")),
        _Row("assistant_share", "assistant speaks", "share", formulas.assistant_share, _calls, _default("assistant_share")),
        _Row("silence_share", "silence", "share", formulas.silence_share, _calls, "20%"),
        _Row("generated_share", "speech generated, played or not", "share", formulas.generated_share, _calls),
        _Row(
            "instructions_tokens",
            "prompt and tools",
            "tokens",
            lambda sums: _ratio(sums.prompt_tokens, sums.prompts),
            lambda sums: sums.prompts,
            _default("instructions_tokens"),
        ),
        _Row("tool_calls", "tool calls of a call", "count", lambda sums: _ratio(sums.tool_calls, sums.calls), _calls, "0"),
        _Row(
            "arguments_tokens",
            "arguments of a tool call",
            "tokens",
            lambda sums: _ratio(sums.arguments, sums.tool_calls),
            lambda sums: sums.tool_calls,
            _default("arguments_tokens"),
        ),
        _Row(
            "result_tokens",
            "result of a tool call",
            "tokens",
            lambda sums: _ratio(sums.answered_tokens - sums.answered_output, sums.answered_calls),
            lambda sums: sums.answered_calls,
            _default("result_tokens"),
        ),
        _Row(
            "interrupted_share",
            "interrupted replies",
            "share",
            lambda sums: _ratio(sums.interrupted, sums.closed),
            lambda sums: sums.closed,
            _default("interrupted_share"),
        ),
        _Row(
            "played_share",
            "played before an interruption",
            "share",
            lambda sums: _ratio(sums.played_tokens, sums.interrupted_tokens),
            lambda sums: sums.interrupted,
            _default("played_share"),
        ),
        _Row(
            "reasoning_tokens",
            "reasoning of a response",
            "tokens",
            lambda sums: _ratio(sums.reasoning, sums.responses),
            lambda sums: sums.responses,
            reasoning,
        ),
        _Row("typed_share", "typed turns", "share", lambda sums: _ratio(sums.typed_turns, sums.turns), _calls, "0"),
        _Row(
            "text_turn_user_tokens",
            "typed by the user",
            "tokens",
            lambda sums: _ratio(sums.typed_user, sums.typed_user_turns),
            lambda sums: sums.typed_user_turns,
            _default("text_turn_user_tokens"),
        ),
        _Row(
            "text_turn_reply_tokens",
            "written in reply",
            "tokens",
            lambda sums: _ratio(sums.typed_reply, sums.typed_turns),
            lambda sums: sums.typed_turns,
            _default("text_turn_reply_tokens"),
        ),
        _Row(
            "prefix_reuse",
            "common prefix from the cache",
            "share",
            lambda sums: _ratio(sums.cached, sums.findable),
            lambda sums: sums.findable,
            reuse,
        ),
        _Row(
            "reply_text_per_audio_token",
            "text of a reply by audio token",
            "ratio",
            formulas.text_per_audio_token,
            lambda sums: sums.texted,
            str(rules.reply_text_per_audio_token),
        ),
        _Row(
            "reply_text_base",
            "text of a reply beside that",
            "tokens",
            formulas.text_base,
            lambda sums: sums.texted,
            str(rules.reply_text_base),
        ),
        _Row("dollars", "cost of a call", "dollars", lambda sums: _ratio(sums.dollars, sums.calls), _calls),
    )


def _calls(sums: CallSums) -> float:
    return sums.calls


def _default(name: str) -> str:
    return PLAN[name].default_as_text


def values_of(estimates: Mapping[str, ParameterEstimate]) -> dict[str, float]:
    """The values of the parameters that have one, by name."""
    return {name: entry.value for name, entry in estimates.items() if entry.value is not None}
