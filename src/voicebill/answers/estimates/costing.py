"""Price scripted conversations. Every estimate, simulation and comparison is computed here.

Quantities are summed first and multiplied by their rate once, so that totals do not depend on the level of detail.
"""

import operator
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, repeat
from typing import Literal, NamedTuple

from voicebill.answers.estimates.model_selection import ResolvedModel
from voicebill.billing.bill import Line, bill, price_quantities, sum_lines
from voicebill.billing.errors import ContextOverflow, Unpriced
from voicebill.billing.money import Amount
from voicebill.billing.offers import Rates
from voicebill.billing.usage import Usage, total_usage, weighted_usage
from voicebill.conversation import token_counting
from voicebill.conversation.cache import CacheRule, cache_rule, cache_write_tokens, cached_tokens, usage_from_tokens
from voicebill.conversation.context import Response, fixed_tokens, responses
from voicebill.conversation.fast_path import RunningCounts, count_fast
from voicebill.conversation.history import NOTHING, Tokens
from voicebill.conversation.pipeline import turn_transcription_usage
from voicebill.conversation.plan import Plan, greeting_turns, schedule_speech, script
from voicebill.conversation.rules import Cache, Rules
from voicebill.conversation.script import Script, Turn
from voicebill.conversation.session_meters import SessionMeters, schedule_meters, sum_meters, turn_meters

CostComponentName = Literal[
    "fresh_audio_in",
    "instructions",
    "reread_history",
    "cached_history",
    "cache_writes",
    "assistant_audio",
    "text",
    "reasoning",
    "images",
    "tool_rounds",
    "session",
    "messages",
    "transcription",
]

COST_COMPONENT_LABELS: dict[CostComponentName, str] = {
    "fresh_audio_in": "user audio, first read",
    "instructions": "prompt and tools, uncached",
    "reread_history": "history, re-read uncached",
    "cached_history": "prompt and history, cached",
    "cache_writes": "text, written to the cache",
    "assistant_audio": "assistant audio",
    "text": "text, typed or with audio",
    "reasoning": "reasoning",
    "images": "images, first read",
    "tool_rounds": "tool rounds",
    "session": "time of the session and its audio",
    "messages": "typed messages",
    "transcription": "transcription of the user's speech",
}


NO_USAGE = Usage()


@dataclass(frozen=True, slots=True)
class CostComponent:
    """One part of the cost breakdown; the components of a conversation add up to its expected amount."""

    name: CostComponentName
    amount: Amount


class Totals(NamedTuple):
    """Input tokens (cached and uncached together) and output tokens of some responses."""

    input: Tokens
    text_out: int
    audio_out: int


@dataclass(frozen=True, slots=True)
class CountedConversation:
    """A script with its responses, the usage of the transcription model turn by turn, and that of meters other than tokens.

    `hits` has the cached tokens of each response under the expected cache behaviour, `totals` the tokens of all responses.
    """

    script: Script
    rules: Rules
    expected: CacheRule
    responses: tuple[Response, ...]
    hits: tuple[Tokens, ...]
    totals: Totals
    transcription_usages: tuple[Usage, ...]
    session_usage: Usage = NO_USAGE

    @property
    def sessions(self) -> int:
        """The number of sessions."""
        return max((response.session for response in self.responses), default=1)

    @property
    def carries_text(self) -> bool:
        """Whether a next session starts with the transcripts of the one before."""
        return (self.script.session_carryover or self.rules.session_carryover) == "text"

    def rule(self, behaviour: Cache) -> CacheRule:
        """The cache rule of a behaviour, with this conversation's prefix reuse."""
        return cache_rule(behaviour, self.rules, self.script.prefix_reuse)


def run_conversation(script: Script, model: ResolvedModel) -> CountedConversation:
    """Count the responses of a script under the rules of a model.

    Raises:
        ContextOverflow: the input exceeds the context window, and the history may not be truncated.
    """
    rules = model.effective_rules.rules
    by_time = model.transcribed_by == "time"
    transcription_usages = (
        tuple(turn_transcription_usage(turn, rules, by_time=by_time) for turn in script.turns) if model.transcription else ()
    )
    session_usage = Usage()
    if model.session_meters:
        session_usage = usage_of_session(sum_meters(turn_meters(turn, rules) for turn in script.turns), model.session_meters)
    return count_conversation(script, rules, tuple(responses(script, rules)), transcription_usages, session_usage)


def usage_of_session(meters: SessionMeters, billed: Iterable[tuple[str, int]]) -> Usage:
    """One call's usage of the meters that are billed, rounded up to their increments."""
    return Usage({name: -(-getattr(meters, name) // increment) * increment for name, increment in billed})


def count_conversation(
    script: Script,
    rules: Rules,
    responses: tuple[Response, ...],
    transcription_usages: tuple[Usage, ...] = (),
    session_usage: Usage = NO_USAGE,
) -> CountedConversation:
    """Count the cached tokens and the totals of a script whose responses are known."""
    expected = cache_rule(script.cache or rules.expected_cache, rules, script.prefix_reuse)
    hits = tuple(cached_tokens(response, expected) for response in responses)
    totals = _totals(responses)
    return CountedConversation(script, rules, expected, responses, hits, totals, transcription_usages, session_usage)


class ScenarioUsage(NamedTuple):
    """Usage of a conversation: the voice model's in the best, expected and worst cache scenario, and the transcription's."""

    voice: tuple[Usage, Usage, Usage]
    transcription: Usage


TranscribedCounts = tuple[int, int, int]
"""Committed user audio in milliseconds and in tokens, and the text tokens of its transcripts."""


@dataclass(frozen=True, slots=True)
class CountedCalls:
    """Counts of one long call by the end of every turn, and so of every call that is its beginning.

    `by_turn` begins with the planned conversation's first turn; a greeting before it is included in all counts.
    `transcribed` is empty without transcription. `session_usages` are those of meters other than tokens, each call rounded up;
    empty if there are none. `overflow` is the provider's error that ends the call after these turns.
    """

    by_turn: tuple[RunningCounts, ...]
    transcribed: tuple[TranscribedCounts, ...]
    transcribed_by: Literal["time", "tokens"] | None
    overflow: ContextOverflow | None = None
    session_usages: tuple[Usage, ...] = ()

    @property
    def turns(self) -> int:
        """Turns of the longest call that is counted."""
        return len(self.by_turn)

    def usage(self, turns: int) -> ScenarioUsage:
        """The usage of the call of some turns."""
        session = self.session_usages[turns - 1] if self.session_usages else Usage()
        return self._usage(self.by_turn[turns - 1], self.transcribed[turns - 1] if self.transcribed else (0, 0, 0), session)

    def weighted_usage(self, weights: Iterable[tuple[int, int]]) -> ScenarioUsage:
        """The sum of the usages of calls, each given by its turns and multiplied by its whole weight."""
        turns, factors = zip(*weights, strict=True)
        counts = _weighted_sums(factors, [self.by_turn[count - 1] for count in turns])
        transcribed = (
            _weighted_sums(factors, [self.transcribed[count - 1] for count in turns]) if self.transcribed else (0, 0, 0)
        )
        session = Usage()
        if self.session_usages:
            session = weighted_usage(
                (self.session_usages[count - 1], weight) for count, weight in zip(turns, factors, strict=True)
            )
        return self._usage(RunningCounts(*counts), transcribed, session)

    def _usage(self, counts: "RunningCounts", transcribed: tuple[int, ...], session: Usage) -> ScenarioUsage:
        input_tokens, output = Tokens(*counts[0:3]), (counts.text_out, counts.audio_out)
        hits = (Tokens(*counts[3:6]), Tokens(*counts[6:9]), NOTHING)
        best, expected, worst = (
            usage_from_tokens(input_tokens, hit, *output, write) for hit, write in zip(hits, counts[9:12], strict=True)
        )
        if session.quantities:
            best, expected, worst = best + session, expected + session, worst + session
        return ScenarioUsage((best, expected, worst), self._transcription_usage(*transcribed))

    def _transcription_usage(self, ms: int, audio_tokens: int, transcript_tokens: int) -> Usage:
        if self.transcribed_by is None:
            return Usage()
        if self.transcribed_by == "time":
            return Usage({"audio_ms": ms})
        return Usage.tokens(audio_in=audio_tokens, text_out=transcript_tokens)


def _weighted_sums(weights: Sequence[int], rows: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(sum(map(operator.mul, weights, column)) if any(column) else 0 for column in zip(*rows, strict=True))


def usage_of_plan(plan: Plan, model: ResolvedModel) -> ScenarioUsage:
    """The usage of a plan, without its responses.

    Raises:
        ContextOverflow: the input exceeds the context window, and the history may not be truncated.
    """
    counts = count_calls(plan, model, plan.turns)
    if counts.overflow is not None:
        raise counts.overflow
    return counts.usage(counts.turns)


def count_calls(plan: Plan, model: ResolvedModel, turns: int) -> CountedCalls:
    """Count a plan's call of `turns` turns, and with it every shorter one.

    In one loop where `count_fast` supports the plan, else response by response.

    Raises:
        ContextOverflow: instructions and tools alone exceed the context window.
    """
    rules = model.effective_rules.rules
    best_rule = cache_rule("all", rules, plan.prefix_reuse)
    expected_rule = cache_rule(plan.cache or rules.expected_cache, rules, plan.prefix_reuse)
    greeting, overflow, transcribed = greeting_turns(plan), None, []
    counts, meters = count_fast(plan, rules, best_rule, expected_rule, turns), []
    if counts is not None and model.transcription is not None:
        transcribed = [_transcribed_tokens(tokens, rules) for tokens in schedule_speech(plan, rules, turns).user_tokens]
    if counts is not None and model.session_meters:
        meters = schedule_meters(schedule_speech(plan, rules, turns), rules)
    if counts is None:
        counts, overflow, scripted = _count_turns(script(plan, rules, turns), rules, best_rule, expected_rule)
        if model.session_meters:
            meters = [turn_meters(turn, rules) for turn in scripted]
        if model.transcription is not None:
            transcribed = [_transcribed_turn(turn, rules) for turn in scripted]
    running = [(ms, audio, text) for ms, audio, text in zip(*map(accumulate, zip(*transcribed, strict=True)), strict=True)]
    sums = (SessionMeters(*row) for row in zip(*map(accumulate, zip(*meters, strict=True)), strict=True))
    usages = tuple(usage_of_session(row, model.session_meters) for row in sums)[greeting:]
    return CountedCalls(tuple(counts[greeting:]), tuple(running[greeting:]), model.transcribed_by, overflow, usages)


def _transcribed_turn(turn: Turn, rules: Rules) -> TranscribedCounts:
    audio = token_counting.user_audio(turn, rules)
    return audio * rules.user_audio_ms_per_token, audio, token_counting.user_transcript(turn, audio, rules) if audio else 0


def _transcribed_tokens(audio: int, rules: Rules) -> TranscribedCounts:
    return audio * rules.user_audio_ms_per_token, audio, token_counting.transcript_tokens(audio, rules) if audio else 0


def _count_turns(
    script: Script, rules: Rules, best: CacheRule, expected: CacheRule
) -> tuple[list[RunningCounts], ContextOverflow | None, tuple[Turn, ...]]:
    """The counts by turn, the error that ends the conversation, and the turns before it."""
    worst = cache_rule("none", rules)
    counts: list[RunningCounts] = []
    total = [0] * len(RunningCounts._fields)
    overflow = None
    try:
        for response in responses(script, rules):
            hits = cached_tokens(response, best), cached_tokens(response, expected)
            behaviours = zip((*hits, NOTHING), (best, expected, worst), strict=True)
            writes = [cache_write_tokens(response, hit, rule) for hit, rule in behaviours] if rules.cache_writes else (0, 0, 0)
            row = (*response.input, *hits[0], *hits[1], *writes, response.text_out, response.audio_out)
            total = list(map(operator.add, total, row))
            if response.kind == "reply":
                counts.append(RunningCounts(*total))
    except ContextOverflow as error:
        if not counts:
            raise
        overflow = error
    return counts, overflow, script.turns[: len(counts)]


def cache_scenarios(conversation: CountedConversation) -> tuple[Cache, Cache, Cache]:
    """The cache behaviours behind best, expected and worst."""
    return "all", conversation.expected.behaviour, "none"


def usage_for_cache(behaviour: Cache, conversation: CountedConversation, turn_weights: Sequence[int] | None = None) -> Usage:
    """The model's usage for a conversation under a cache behaviour; `turn_weights`: how often each turn counts (None: once)."""
    rule = conversation.rule(behaviour)
    if behaviour == conversation.expected.behaviour:
        hits = conversation.hits
    elif behaviour == "none" and not rule.bills_writes:
        hits = ()
    else:
        hits = tuple(cached_tokens(response, rule) for response in conversation.responses)
    if turn_weights is not None:
        return _weighted_usage(conversation.responses, hits, rule, turn_weights)
    write_tokens = (
        sum(cache_write_tokens(*pair, rule) for pair in zip(conversation.responses, hits, strict=True))
        if rule.bills_writes
        else 0
    )
    usage = _usage(conversation.totals, hits, write_tokens)
    return usage + conversation.session_usage if conversation.session_usage.quantities else usage


def _weighted_usage(
    responses: Iterable[Response], hits: Iterable[Tokens], rule: CacheRule, turn_weights: Sequence[int]
) -> Usage:
    rows, weights = [], []
    for response, hit in zip(responses, chain(hits, repeat(NOTHING)), strict=False):
        writes = cache_write_tokens(response, hit, rule)
        rows.append((*response.input, *hit, response.text_out, response.audio_out, writes))
        weights.append(turn_weights[response.turn - 1])
    sums = _weighted_sums(weights, rows) if rows else (0,) * 9
    return usage_from_tokens(Tokens(*sums[:3]), Tokens(*sums[3:6]), *sums[6:])


def _usage(totals: Totals, hits: Iterable[Tokens], write_tokens: int) -> Usage:
    return usage_from_tokens(totals.input, _sum(hits), totals.text_out, totals.audio_out, write_tokens)


def _totals(responses: Iterable[Response]) -> Totals:
    text = audio = image = text_out = audio_out = 0
    for response in responses:
        tokens = response.input
        text += tokens[0]
        audio += tokens[1]
        image += tokens[2]
        text_out += response.text_out
        audio_out += response.audio_out
    return Totals(Tokens(text, audio, image), text_out, audio_out)


def _sum(counts: Iterable[Tokens]) -> Tokens:
    text = audio = image = 0
    for item in counts:
        text += item[0]
        audio += item[1]
        image += item[2]
    return Tokens(text, audio, image)


def priced_lines(usage: Usage, rates: Rates) -> tuple[Line, ...]:
    """The lines of a bill, all with a price. Tokens that a price per minute includes have none.

    Raises:
        Unpriced: a meter has no price in this offer; a total without it would be too low.
    """
    lines = tuple(line for line in bill(usage, rates) if line.rate or line.meter.name not in rates.included_meters)
    for line in lines:
        if line.rate is None:
            raise Unpriced(
                f"{rates.offer.name} has no price for {line.meter.label} on that day "
                f"({line.meter.format_quantity(line.quantity)} would be used): it cannot be estimated"
            )
    return lines


def usage_amount(usage: Usage, rates: Rates) -> Amount:
    """The sum of `priced_lines` in picodollars. Only where a quantity has no price are there lines to look at.

    Raises:
        Unpriced: a meter has no price in this offer; a total without it would be too low.
    """
    amount = price_quantities(usage.items(), rates)
    return total_amount(priced_lines(usage, rates)) if amount is None else amount


def total_amount(lines: Iterable[Line]) -> Amount:
    """The sum of lines in picodollars; all of them must have a price."""
    amount = sum_lines(lines)
    assert amount is not None
    return amount


def price_transcription(conversation: CountedConversation, model: ResolvedModel) -> tuple[Line, ...]:
    """The transcription model's lines for a conversation; none without transcription."""
    if model.transcription is None:
        return ()
    return priced_lines(total_usage(conversation.transcription_usages), model.transcription.rates)


def cost_components(conversation: CountedConversation, model: ResolvedModel) -> tuple[CostComponent, ...]:
    """The cost breakdown under the expected cache behaviour, largest first, without components that cost nothing.

    Where cache writes are billed, they are all text that is not cached: of the prompt, the history and what is new.
    """
    rates, rule = model.quote.rates, conversation.expected
    responses_with_hits = list(zip(conversation.responses, conversation.hits, strict=True))
    replies = [pair for pair in responses_with_hits if pair[0].kind == "reply"]
    rounds = [pair for pair in responses_with_hits if pair[0].kind == "tool-call"]
    usage = _usage_of_responses(replies, rule)
    fixed = fixed_tokens(conversation.script, conversation.rules)
    without_writes = [(response, hit) for response, hit in replies if not cache_write_tokens(response, hit, rule)]
    prompt = sum(max(0, fixed - hit.text) for response, hit in without_writes if response.input.text)
    unseen_text = sum(response.unseen.text for response, _ in without_writes)
    reasoning = sum(response.reasoning for response, _ in replies)
    unseen = _sum(response.unseen for response, _ in replies)
    amounts: dict[CostComponentName, Usage] = {
        "fresh_audio_in": Usage.tokens(audio_in=unseen.audio),
        "reread_history": Usage.tokens(
            text_in=usage["text_in"] - unseen_text - prompt,
            audio_in=usage["audio_in"] - unseen.audio,
            image_in=usage["image_in"] - unseen.image,
        ),
        "cached_history": Usage.tokens(
            text_in_cached=usage["text_in_cached"],
            audio_in_cached=usage["audio_in_cached"],
            image_in_cached=usage["image_in_cached"],
        ),
        "cache_writes": Usage.tokens(text_in_cache_write=usage["text_in_cache_write"]),
        "assistant_audio": Usage.tokens(audio_out=usage["audio_out"]),
        "instructions": Usage.tokens(text_in=prompt),
        "text": Usage.tokens(text_in=unseen_text, text_out=usage["text_out"] - reasoning),
        "reasoning": Usage.tokens(text_out=reasoning),
        "images": Usage.tokens(image_in=unseen.image),
        "tool_rounds": _usage_of_responses(rounds, rule),
    }
    session = conversation.session_usage
    amounts["session"] = Usage({name: quantity for name, quantity in session.items() if name != "messages"})
    amounts["messages"] = Usage({"messages": session["messages"]})
    components = [CostComponent(name, usage_amount(component, rates)) for name, component in amounts.items()]
    components.append(CostComponent("transcription", total_amount(price_transcription(conversation, model))))
    return tuple(
        sorted(
            (component for component in components if component.amount), key=lambda component: component.amount, reverse=True
        )
    )


def _usage_of_responses(pairs: Collection[tuple[Response, Tokens]], rule: CacheRule) -> Usage:
    """The usage of some responses under a cache rule, each given with its cached tokens."""
    write_tokens = sum(cache_write_tokens(response, hit, rule) for response, hit in pairs)
    return _usage(_totals(response for response, _ in pairs), (hit for _, hit in pairs), write_tokens)
