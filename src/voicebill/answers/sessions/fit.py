"""Fit a plan to recorded calls, with the rules of their replies' text and their lengths, and try it on later calls."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from math import exp, log, sqrt
from typing import ClassVar, NamedTuple, TypeVar

from voicebill.answers.answer import Answer
from voicebill.answers.estimates.counted_calls import count_calls
from voicebill.answers.estimates.estimate import estimate
from voicebill.answers.estimates.model_selection import ModelSelection, resolve_model
from voicebill.answers.estimates.scenarios import usage_costs
from voicebill.answers.parameters.inputs import CALL_VOLUME
from voicebill.answers.sessions.fitted_parameters import (
    MS_PER_MINUTE,
    ParameterEstimate,
    SumFormulas,
    estimate_parameters,
    unconnected_parameter,
    values_of,
    warm_parameter,
)
from voicebill.answers.sessions.log_explanation import NAMES_PER_REASON, UnusableCalls
from voicebill.answers.sessions.moments import CONFIDENCE_Z, Moments, positive_interval, variation
from voicebill.answers.sessions.reconstruction import UnusableSession, conversation_responses
from voicebill.answers.sessions.recorded_models import RecordedModels
from voicebill.answers.sessions.recorded_session import RecordedResponse, RecordedSession
from voicebill.answers.sessions.session_explanation import reconstruct_recorded
from voicebill.answers.sessions.session_sums import MAX_PAUSE_MS, CallSums, session_sums, start_of
from voicebill.billing.money import PICODOLLARS_PER_DOLLAR
from voicebill.conversation.call_lengths import LENGTH_CV_BOUNDS, MAX_CALL_MINUTES, CallLengths, turn_count
from voicebill.conversation.plan import MAX_MINUTES, Plan
from voicebill.conversation.rules import EffectiveRules, Rules
from voicebill.conversation.script import MAX_TURNS
from voicebill.conversation.volume import HOURS_PER_MONTH, Volume

MIN_CALLS = 30
"""With fewer calls of a model, no plan is fitted."""
STEPS_PER_LOG = 100
"""Lengths and costs of calls are counted in steps of about a hundredth."""
MS_PER_HOUR = 60 * MS_PER_MINUTE


Value = TypeVar("Value", int, float)


class ModelCalls(NamedTuple):
    """A model, as the log names it, and the number of its calls."""

    model: str
    calls: int


class Backtest(NamedTuple):
    """A plan fitted to the earlier half of the calls, tried on the later half. Amounts in dollars.

    `forecast_mean` is the mean of calls as long as the earlier ones. `sampling_error` is the 99% half-width of the difference
    that two samples of these sizes have by chance, as a share of the recorded mean. `call_error` is the median error of the
    forecast of a single call whose length is known, as a share of what it cost.
    """

    earlier_calls: int
    later_calls: int
    forecast_mean: float
    recorded_mean: float
    sampling_error: float
    call_error: float

    @property
    def error(self) -> float:
        """The error of the forecast in sum, as a share of the recorded sum: that of the mean."""
        return self.forecast_mean / self.recorded_mean - 1 if self.recorded_mean else 0.0

    @property
    def forecast_sum(self) -> float:
        """The forecast for all later calls."""
        return self.forecast_mean * self.later_calls

    @property
    def recorded_sum(self) -> float:
        """What all later calls cost."""
        return self.recorded_mean * self.later_calls


@dataclass(frozen=True)
class Fit(Answer):
    """A plan fitted to the calls of the model that has most of them, and what it replaces.

    `plan` is None with fewer calls than `MIN_CALLS`. `rules` are the rules that the calls show otherwise than the rule set has
    them; `lengths` are the lengths of the calls. `other_models` have calls that are not used.
    """

    REPORT: ClassVar = "fitted_plan:FitReport"

    model: str | None
    calls: int
    parameters: tuple[ParameterEstimate, ...]
    plan: Plan | None
    selection: ModelSelection | None
    rules: EffectiveRules | None
    rule_values: Mapping[str, Decimal]
    volume: Volume | None
    lengths: CallLengths | None
    backtest: Backtest | None
    other_models: tuple[ModelCalls, ...]
    unusable: tuple[UnusableCalls, ...]
    warnings: tuple[str, ...] = ()

    def parameter(self, name: str) -> ParameterEstimate:
        """A parameter by its name."""
        return next(entry for entry in self.parameters if entry.name == name)

    @property
    def length_variation(self) -> Decimal | None:
        """The coefficient of variation of the call lengths, within its bounds."""
        value = next((entry.value for entry in self.parameters if entry.name == "call_length_cv"), None)
        return None if value is None else min(Decimal(LENGTH_CV_BOUNDS.high), _decimal(value, 3))


def _length_step(sums: CallSums) -> int:
    return round(STEPS_PER_LOG * log(1 + sums.span + sums.last_reply))


@dataclass
class _LengthCounts:
    """Call lengths by steps: of each, the number of calls and the sums of what their lengths are made of, in ms."""

    steps: dict[tuple[int, int], list[float]] = field(default_factory=dict)

    def add(self, sums: CallSums) -> None:
        step = self.steps.setdefault((int(sums.timed_starts), _length_step(sums)), [0, 0.0, 0.0])
        step[0] += 1
        step[1] += sums.span
        step[2] += sums.last_reply

    def __add__(self, other: "_LengthCounts") -> "_LengthCounts":
        result = _LengthCounts({key: list(step) for key, step in self.steps.items()})
        for key, step in other.steps.items():
            result.steps[key] = [a + b for a, b in zip(result.steps.get(key, [0, 0.0, 0.0]), step, strict=True)]
        return result

    def minutes(self, played: float, first_turn_ms: float) -> list[tuple[float, int]]:
        """Lengths in minutes with numbers of calls, given the share of speech that is played and the time of a first turn."""
        lengths = []
        for (has_start, _), (count, span, last_reply) in sorted(self.steps.items()):
            ms = (span + played * last_reply) / count + (0 if has_start else first_turn_ms)
            lengths.append((min(float(MAX_CALL_MINUTES), max(0.01, ms / MS_PER_MINUTE)), int(count)))
        return lengths


class CallFigures(NamedTuple):
    """What a plan is fitted from: the sums of a call, None with the reason, or without one if nobody was connected.

    `start_ms` is when it began, in ms since 1970, `first` its first response, `transcriptions` the models that transcribe it.
    """

    name: str
    start_ms: int | None
    first: RecordedResponse | None = None
    sums: CallSums | None = None
    reason: str | None = None
    transcriptions: frozenset[str] = frozenset()


def call_figures(session: RecordedSession, models: RecordedModels) -> CallFigures:
    """Sum up a call for a fit."""
    empty = CallFigures(session.name, start_of(session))
    if not conversation_responses(session):
        return empty
    reconstruction = reconstruct_recorded(session, models)
    if isinstance(reconstruction, UnusableSession):
        return empty._replace(reason=reconstruction.reason)
    first = reconstruction.responses[0].record
    rules = models.of(first).rules
    assert rules is not None
    sums = session_sums(reconstruction, rules.rules, models)
    if isinstance(sums, str):
        return empty._replace(reason=sums)
    transcriptions = frozenset(record.model or "" for record in session.records if record.kind == "transcription")
    return empty._replace(first=first, sums=sums, transcriptions=transcriptions)


def sum_up_calls(sessions: Iterable[RecordedSession], models: RecordedModels) -> list[CallFigures]:
    """Sum up calls in their order, such as those of a part of a log in a process of its own."""
    return [call_figures(session, models) for session in sessions]


@dataclass
class _Part:
    """The calls of one model in one half of the log. `first_ms` and `last_ms` are when the first and the last began.

    `costs` counts calls by whether their start is on record, and by the steps of their length and cost.
    """

    moments: Moments = field(default_factory=Moments)
    lengths: _LengthCounts = field(default_factory=_LengthCounts)
    costs: Counter[tuple[int, int, int]] = field(default_factory=Counter)
    transcriptions: Counter[str] = field(default_factory=Counter)
    first_ms: int | None = None
    last_ms: int | None = None

    def add(self, sums: CallSums, call: CallFigures) -> None:
        self.moments.add(sums)
        self.lengths.add(sums)
        if sums.dollars > 0:
            self.costs[int(sums.timed_starts), _length_step(sums), round(STEPS_PER_LOG * log(sums.dollars))] += 1
        self.transcriptions.update(call.transcriptions)
        start = call.start_ms
        if start is not None:
            self.first_ms = start if self.first_ms is None else min(self.first_ms, start)
            self.last_ms = start if self.last_ms is None else max(self.last_ms, start)

    def __add__(self, other: "_Part") -> "_Part":
        starts = [ms for ms in (self.first_ms, other.first_ms) if ms is not None]
        ends = [ms for ms in (self.last_ms, other.last_ms) if ms is not None]
        return _Part(
            self.moments + other.moments,
            self.lengths + other.lengths,
            self.costs + other.costs,
            self.transcriptions + other.transcriptions,
            min(starts, default=None),
            max(ends, default=None),
        )


@dataclass
class _Calls:
    """The calls of one model: the earlier and the later half, and its newest response."""

    newest: RecordedResponse
    parts: tuple[_Part, _Part] = field(default_factory=lambda: (_Part(), _Part()))

    @property
    def count(self) -> int:
        return sum(part.moments.count for part in self.parts)


@dataclass
class _Log:
    """All calls of a log."""

    models: dict[tuple[str | None, ...], _Calls] = field(default_factory=dict)
    unconnected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    names: dict[str, list[str]] = field(default_factory=dict)

    def add(self, call: CallFigures, *, is_later: bool) -> None:
        first, sums = call.first, call.sums
        if call.reason is not None:
            self._add_unusable(call.name, call.reason)
        elif first is None or sums is None:
            self.unconnected += 1
        else:
            calls = self._calls_like(first)
            if (first.time_ms or 0) > (calls.newest.time_ms or 0):
                calls.newest = first
            calls.parts[is_later].add(sums, call)

    def _calls_like(self, first: RecordedResponse) -> _Calls:
        """The calls of the model of a response."""
        key = (first.provider, first.model, first.deployment, first.region, first.tier)
        if key not in self.models:
            self.models[key] = _Calls(first)
        return self.models[key]

    def _add_unusable(self, name: str, reason: str) -> None:
        self.reasons[reason] += 1
        names = self.names.setdefault(reason, [])
        if len(names) < NAMES_PER_REASON:
            names.append(name)


def fit(
    sessions: Callable[[], Iterable[RecordedSession]],
    models: RecordedModels,
    *,
    without_usage: int = 0,
    on_call: Callable[[int], None] | None = None,
) -> Fit:
    """Fit a plan to recorded calls; `sessions` gives them anew at every call. `on_call` is called with the number so far.

    `without_usage` are further calls of which the log shows that they began, and no usage: they count as unconnected.

    The model with the most calls is fitted. Calls that cannot be reconstructed are counted with the reason.
    """
    minutes = Counter(start // MS_PER_MINUTE for session in sessions() if (start := start_of(session)) is not None)
    calls = (call_figures(session, models) for session in sessions())
    return fit_calls(calls, minutes, models, without_usage=without_usage, on_call=on_call)


def fit_calls(
    calls: Iterable[CallFigures],
    start_minutes: Mapping[int, int],
    models: RecordedModels,
    *,
    without_usage: int = 0,
    on_call: Callable[[int], None] | None = None,
) -> Fit:
    """The same from the figures of the calls, in their order, and the minutes, since 1970, in which how many of them began."""
    middle = _middle_start(start_minutes)
    tally = _Log(unconnected=without_usage)
    for number, call in enumerate(calls, start=1):
        tally.add(call, is_later=(call.start_ms or 0) >= middle)
        if on_call is not None:
            on_call(number)
    ranked = sorted(tally.models.values(), key=lambda calls: -calls.count)
    unusable = tuple(UnusableCalls(reason, count, tuple(tally.names[reason])) for reason, count in tally.reasons.most_common())
    others = tuple(ModelCalls(calls.newest.model or "", calls.count) for calls in ranked[1:])
    if not ranked:
        warning = f"no call can be used: {MIN_CALLS} calls of one model are needed"
        return Fit(None, 0, (), None, None, None, {}, None, None, None, others, unusable, (warning,))
    return _fit_model(ranked[0], tally.unconnected, others, unusable, models)


def _middle_start(minutes: Mapping[int, int]) -> int:
    """The start of the middle one of sessions, in ms since 1970, to the minute; 0 without times."""
    return MS_PER_MINUTE * _weighted_median(list(minutes.items())) if minutes else 0


def _fit_model(
    calls: _Calls,
    unconnected: int,
    others: tuple[ModelCalls, ...],
    unusable: tuple[UnusableCalls, ...],
    models: RecordedModels,
) -> Fit:
    rules = models.of(calls.newest).rules
    assert rules is not None
    name = calls.newest.model or ""
    if calls.count < MIN_CALLS:
        warning = f"too few calls of {name} for a plan: {calls.count}, and {MIN_CALLS} are needed; all defaults are kept"
        return Fit(name, calls.count, (), None, None, rules, {}, None, None, None, others, unusable, (warning,))
    part = calls.parts[0] + calls.parts[1]
    model = _FittedModel(part, unconnected, calls.newest, rules, models)
    return Fit(
        name,
        calls.count,
        tuple(model.estimates.values()),
        model.plan(),
        model.selection(),
        rules,
        model.rule_values(),
        model.volume(),
        model.lengths,
        _backtest(calls, rules, models),
        others,
        unusable,
        tuple(model.warnings()),
    )


class _FittedModel:
    """What the calls of a model show, and the plan that follows."""

    def __init__(
        self, part: _Part, unconnected: int, newest: RecordedResponse, rules: EffectiveRules, models: RecordedModels
    ) -> None:
        self.part, self.newest, self.models, self.unconnected = part, newest, models, unconnected
        self.rules: Rules = rules.rules
        self.means = part.moments.means
        self.formulas = SumFormulas(self.rules, has_events=not self.means.eventless)
        count = part.moments.count
        minutes = part.lengths.minutes(self.formulas.played(self.means), self.formulas.first_turn_ms(self.means))
        coefficient, error = variation(minutes)
        self.lengths = CallLengths(tuple((_decimal(length, 4), number) for length, number in minutes))
        entries = [
            *estimate_parameters(part.moments, self.rules),
            warm_parameter(round(self.means.warm * count), count),
            unconnected_parameter(unconnected, count + unconnected),
            ParameterEstimate(
                "call_length_cv",
                "variation of call lengths",
                "ratio",
                coefficient,
                *positive_interval(coefficient, error, count),
                count,
                CALL_VOLUME["call_length_cv"].default_as_text,
            ),
        ]
        self.estimates = {entry.name: entry for entry in entries}
        self.values = values_of(self.estimates)

    def plan(self) -> Plan:
        """The plan of the mean call. Counts of a call are whole numbers; the assistant speaks as much as was generated."""
        values, means = self.values, self.means
        has_greeting = means.greetings > means.calls / 2
        turns = min(MAX_TURNS, max(1, round(values["turns"])))
        typed = min(turns, round(values["typed_share"] * turns))
        defaults = {name: value for name, value in self._optional_values().items() if value is not None}
        spoken = turns - typed + has_greeting
        interrupted = values.get("interrupted_share", 0.0)
        rounded_share = round(interrupted * spoken) / spoken if spoken else 0.0
        played = float(_decimal(values.get("played_share", 0.5), 4)) or 0.5
        user = min(1.0, values["user_share"])
        assistant = values["generated_share"] / (1 - rounded_share + rounded_share / played)
        user_share = _decimal(user, 4)
        return Plan(
            minutes=min(Decimal(MAX_MINUTES), max(Decimal("0.01"), _decimal(values["minutes"], 3))),
            turns=turns,
            user_share=user_share,
            assistant_share=min(1 - user_share, _decimal(assistant, 4)),
            first_speaker="assistant" if has_greeting else "user",
            tool_calls=round(values["tool_calls"] * turns / values["turns"]) if values["turns"] else 0,
            interrupted_share=_decimal(interrupted, 4),
            played_share=_decimal(played, 4),
            text_turns=typed,
            warm_cache=values["warm_share"] >= 0.5,
            unconnected_share=min(Decimal("0.99"), _decimal(values.get("unconnected_share", 0.0), 4)),
            transcription_model=self._transcription_model(),
            **defaults,  # type: ignore[arg-type]
        )

    def _optional_values(self) -> dict[str, int | Decimal | None]:
        """The values of fields that keep their default where the calls show nothing."""
        values, means = self.values, self.means
        tokens: dict[str, int | Decimal | None] = {
            name: None if name not in values else round(values[name])
            for name in ("instructions_tokens", "text_turn_user_tokens", "text_turn_reply_tokens")
        }
        reuse = values.get("prefix_reuse")
        tokens["prefix_reuse"] = None if reuse is None else _decimal(reuse, 4)
        reasoning = self._reasoning()
        if self.rules.is_reasoning_model:
            tokens["reasoning_tokens"] = round(reasoning)
        if means.tool_calls:
            arguments = max(0.0, means.arguments / means.tool_calls - (reasoning if means.open_reasoning else 0))
            both = means.answered_tokens / means.answered_calls if means.answered_calls else arguments
            tokens |= {"arguments_tokens": round(arguments), "result_tokens": round(max(0.0, both - arguments))}
        return tokens

    def _reasoning(self) -> float:
        """The reasoning of a response; where the log does not show it, the text of replies that the rules do not expect."""
        means, rules = self.means, self.rules
        if not means.open_reasoning:
            return means.reasoning / means.responses
        expected = float(rules.reply_text_base) * means.replies + float(rules.reply_text_per_audio_token) * means.reply_tokens
        return max(0.0, means.reply_output - expected) / means.replies if means.replies else 0.0

    def _transcription_model(self) -> str | None:
        """The model that transcribes most calls, if most calls are transcribed."""
        if not self.part.transcriptions:
            return None
        name, count = self.part.transcriptions.most_common(1)[0]
        return name if name and count > self.part.moments.count / 2 else None

    def rule_values(self) -> dict[str, Decimal]:
        """The rules of a reply's text, as the calls show them."""
        names = ("reply_text_base", "reply_text_per_audio_token")
        if not all(name in self.values for name in names):
            return {}
        return {name: _decimal(max(0.0, self.values[name]), 4) for name in names}

    def selection(self) -> ModelSelection:
        """The model, with the rules that the calls show."""
        quote, query = self.models.of(self.newest).quote, self.models.query
        assert quote is not None
        overrides = {**self.models.overrides, **self.rule_values()}
        return ModelSelection(
            model=self.newest.model or "",
            day=self.newest.day or date.min,
            provider=self.newest.provider or query.provider,
            deployment=self.newest.deployment or query.deployment,
            region=self.newest.region or query.region or None,
            rules=self.models.rules,
            overrides=overrides,
        )

    def volume(self) -> Volume | None:
        """The calls of a month at the pace of the log, unconnected ones included; None if they all began at once."""
        per_hour = _calls_per_hour(self.part)
        if per_hour is None:
            return None
        share = self.part.moments.count / (self.part.moments.count + self.unconnected)
        return Volume(Decimal(max(1, round(per_hour * float(HOURS_PER_MONTH) / share))), "month")

    def warnings(self) -> Iterable[str]:
        """What the plan takes instead of what the log does not determine."""
        if self.means.open_reasoning:
            yield f"reasoning is not known: the plan has {self._reasoning():.0f} tokens, the text beyond what the rules expect"
        if not self.formulas.has_events and self.means.interrupted:
            yield "how much of interrupted replies was played is not known: the plan has the default, and the speech generated"
        minutes = self.means.pause * self.part.moments.count / MS_PER_MINUTE
        if minutes >= 1:
            yield f"pauses count as {MAX_PAUSE_MS // MS_PER_MINUTE} minutes at most: {minutes:,.0f} minutes are left out"

    def forecast(self) -> float:
        """The mean cost of a connected call in dollars, over calls as long as these."""
        plan = replace(self.plan(), unconnected_share=0)
        answer = estimate(plan, self.selection(), self.models.facts, Volume(Decimal(1), "month"), self.lengths)
        assert answer.mean_per_conversation is not None
        return float(Fraction(answer.mean_per_conversation.expected) / PICODOLLARS_PER_DOLLAR)


def _calls_per_hour(part: _Part) -> float | None:
    """The connected calls that began in an hour; None if they all began at once."""
    count = part.moments.count
    if count < 2 or part.first_ms is None or part.last_ms is None or part.last_ms <= part.first_ms:
        return None
    return (count - 1) * MS_PER_HOUR / (part.last_ms - part.first_ms)


def _backtest(calls: _Calls, rules: EffectiveRules, models: RecordedModels) -> Backtest | None:
    earlier, later = calls.parts
    if min(earlier.moments.count, later.moments.count) < MIN_CALLS:
        return None
    model = _FittedModel(earlier, 0, calls.newest, rules, models)
    recorded = later.moments.means.dollars
    place = CallSums._fields.index("dollars")
    variance = sum(part.moments.covariance(place, place) / part.moments.count for part in calls.parts)
    return Backtest(
        earlier.moments.count,
        later.moments.count,
        model.forecast(),
        recorded,
        CONFIDENCE_Z * sqrt(variance) / recorded if recorded else 0.0,
        _call_error(model, later),
    )


def _call_error(model: _FittedModel, later: _Part) -> float:
    """The median error of the forecast of single calls by their lengths, as a share of what they cost."""
    plan, first_turn_ms = replace(model.plan(), unconnected_share=0), model.formulas.first_turn_ms(model.means)
    resolved = resolve_model(model.selection(), plan.transcription_model, model.models.facts)
    lengths = later.lengths.minutes(1.0, first_turn_ms)
    longest = turn_count(max(minutes for minutes, _ in lengths), plan.turns / float(plan.minutes))
    counts = count_calls(plan, resolved, longest)
    errors: list[tuple[float, int]] = []
    for (has_start, length_step, dollar_step), count in later.costs.items():
        ms = exp(length_step / STEPS_PER_LOG) - 1 + (0 if has_start else first_turn_ms)
        turns = min(counts.turns, turn_count(ms / MS_PER_MINUTE, plan.turns / float(plan.minutes)))
        forecast = float(usage_costs(counts.usage(turns), resolved).expected) / PICODOLLARS_PER_DOLLAR
        errors.append((abs(forecast / exp(dollar_step / STEPS_PER_LOG) - 1), count))
    return _weighted_median(errors)


def _weighted_median(values: list[tuple[Value, int]]) -> Value:
    values.sort()
    cumulative = list(accumulate(count for _, count in values))
    return values[bisect_left(cumulative, cumulative[-1] / 2)][0]


def _decimal(value: float, places: int) -> Decimal:
    return round(Decimal(value), places)
