"""Price scripted conversations. Every estimate, simulation and comparison is computed here.

Quantities are summed first and multiplied by their rate once, so that totals do not depend on the level of detail.
"""

import operator
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain, repeat, takewhile
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
from voicebill.conversation.fast_path import RunningColumns, RunningCounts, count_from_inputs, hit_columns
from voicebill.conversation.history import NOTHING, Tokens
from voicebill.conversation.input_columns import Column, InputColumns, count_inputs
from voicebill.conversation.pipeline import turn_transcription_usage
from voicebill.conversation.plan import Plan, SpeechSchedule, greeting_turns, script
from voicebill.conversation.rules import Cache, Rules
from voicebill.conversation.script import Script, Turn
from voicebill.conversation.session_meters import SessionMeters, schedule_meters, sum_meters, turn_meters
from voicebill.conversation.work import take_steps

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


class TurnFacts(NamedTuple):
    """What assumptions and warnings need to know of the turns of a conversation.

    Their number, in how many the user speaks, whether there is silence, whether a reply is interrupted, and the numbers of
    reasoning tokens that they have.
    """

    turns: int
    spoken_turns: int
    has_silence: bool
    has_interruptions: bool
    reasoning_tokens: frozenset[int]

    @classmethod
    def of(cls, turns: Sequence[Turn]) -> "TurnFacts":
        """The facts of some turns."""
        return cls(
            len(turns),
            sum(turn.user_audio_tokens > 0 for turn in turns),
            any(turn.silence_ms for turn in turns),
            any(turn.played_ms is not None for turn in turns),
            frozenset(turn.reasoning_tokens for turn in turns),
        )


@dataclass(frozen=True)
class CountedConversation:
    """A script or a plan with its responses, the usage of the transcription model by turn, and that of meters besides tokens.

    `hits` has the cached tokens of each response under the expected cache behaviour, `totals` the tokens of all responses.
    """

    settings: Script | Plan
    turn_facts: TurnFacts
    rules: Rules
    expected: CacheRule
    responses: tuple[Response, ...]
    hits: tuple[Tokens, ...]
    totals: Totals
    transcription_usages: tuple[Usage, ...]
    session_usage: Usage = NO_USAGE

    @cached_property
    def script(self) -> Script:
        """The conversation turn by turn. That of a plan is written when it is first needed: most answers can do without."""
        return self.settings if isinstance(self.settings, Script) else script(self.settings, self.rules)

    @cached_property
    def expected_usage(self) -> Usage:
        """The model's usage under the expected cache behaviour."""
        return usage_for_cache(self.expected.behaviour, self)

    @cached_property
    def sessions(self) -> int:
        """The number of sessions."""
        return max((response.session for response in self.responses), default=1)

    @property
    def carries_text(self) -> bool:
        """Whether a next session starts with the transcripts of the one before."""
        return (self.settings.session_carryover or self.rules.session_carryover) == "text"

    def rule(self, behaviour: Cache) -> CacheRule:
        """The cache rule of a behaviour, with this conversation's prefix reuse."""
        return cache_rule(behaviour, self.rules, self.settings.prefix_reuse)


def run_conversation(script: Script, model: ResolvedModel) -> CountedConversation:
    """Count the responses of a script under the rules of a model.

    Raises:
        ContextOverflow: the input exceeds the context window, and the history may not be truncated.
    """
    return _count_turns_of(script, script.turns, tuple(responses(script, model.effective_rules.rules)), model)


def _count_turns_of(
    settings: Script | Plan, turns: Sequence[Turn], responses: tuple[Response, ...], model: ResolvedModel
) -> CountedConversation:
    """The counts of a script, or of a plan, from its turns and its responses."""
    rules = model.effective_rules.rules
    by_time = model.transcribed_by == "time"
    transcription_usages = (
        tuple(turn_transcription_usage(turn, rules, by_time=by_time) for turn in turns) if model.transcription else ()
    )
    session_usage = NO_USAGE
    if model.session_meters:
        session_usage = usage_of_session(sum_meters(turn_meters(turn, rules) for turn in turns), model.session_meters)
    expected = cache_rule(settings.cache or rules.expected_cache, rules, settings.prefix_reuse)
    hits = tuple(cached_tokens(response, expected) for response in responses)
    totals, turn_facts = _totals(responses), TurnFacts.of(turns)
    return CountedConversation(
        settings, turn_facts, rules, expected, responses, hits, totals, transcription_usages, session_usage
    )


def usage_of_session(meters: SessionMeters, billed: Iterable[tuple[str, int]]) -> Usage:
    """One call's usage of the meters that are billed, rounded up to their increments."""
    return Usage({name: -(-getattr(meters, name) // increment) * increment for name, increment in billed})


def count_conversation(script: Script, rules: Rules, responses: tuple[Response, ...]) -> CountedConversation:
    """Count the cached tokens and the totals of a script whose responses are known."""
    expected = cache_rule(script.cache or rules.expected_cache, rules, script.prefix_reuse)
    hits = tuple(cached_tokens(response, expected) for response in responses)
    return CountedConversation(script, TurnFacts.of(script.turns), rules, expected, responses, hits, _totals(responses), ())


def count_plan(plan: Plan, model: ResolvedModel, longer_call: "CountedCalls | None" = None) -> CountedConversation:
    """Count the responses of a plan under the rules of a model. A counted longer call begins with them.

    Raises:
        ContextOverflow: the input exceeds the context window, and the history may not be truncated.
    """
    rules, turns = model.effective_rules.rules, plan.turns + greeting_turns(plan)
    inputs = longer_call.inputs if longer_call else None
    if inputs is None or len(inputs.text) < turns:
        inputs = count_inputs(plan, rules, plan.turns)
    if inputs is not None and turns <= min(inputs.first_session, inputs.fitting):
        take_steps(turns)
        return _count_inputs_of(plan, model, inputs, tuple(inputs.responses(turns)))
    if longer_call and longer_call.by_turn.turns >= turns and longer_call.responses:
        beginning = tuple(takewhile(lambda response: response.turn <= turns, longer_call.responses))
        return _count_turns_of(plan, longer_call.scripted[:turns], beginning, model)
    return run_conversation(script(plan, rules), model)


def _count_inputs_of(
    plan: Plan, model: ResolvedModel, inputs: InputColumns, responses: tuple[Response, ...]
) -> CountedConversation:
    """The counts of a plan from the columns of its responses, and perhaps of further ones."""
    rules, turns = model.effective_rules.rules, len(responses)
    speech = SpeechSchedule(*(column[:turns] for column in inputs.speech))
    expected = cache_rule(plan.cache or rules.expected_cache, rules, plan.prefix_reuse)
    session_usage = NO_USAGE
    if model.session_meters:
        session_usage = usage_of_session(sum_meters(schedule_meters(speech, rules)), model.session_meters)
    return CountedConversation(
        plan,
        TurnFacts(
            turns=turns,
            spoken_turns=sum(map(bool, speech.user_tokens)),
            has_silence=any(speech.silence_ms),
            has_interruptions=False,
            reasoning_tokens=frozenset([inputs.reasoning]),
        ),
        rules,
        expected,
        responses,
        tuple(cached_tokens(response, expected) for response in responses),
        _totals(responses),
        tuple(_transcription_usage_of(speech.user_tokens, model)),
        session_usage,
    )


def _transcription_usage_of(user_tokens: Iterable[int], model: ResolvedModel) -> Iterator[Usage]:
    """The usage of the transcription model by turn; nothing without one."""
    for audio in user_tokens if model.transcribed_by else ():
        ms, tokens, words = transcribed_tokens(audio, model.effective_rules.rules)
        yield _transcription_usage(model.transcribed_by, ms, tokens, words)


class ScenarioUsage(NamedTuple):
    """Usage of a conversation: the voice model's in the best, expected and worst cache scenario, and the transcription's."""

    voice: tuple[Usage, Usage, Usage]
    transcription: Usage


TranscribedCounts = tuple[int, int, int]
"""Committed user audio in milliseconds and in tokens, and the text tokens of its transcripts."""


@dataclass(frozen=True, slots=True)
class CountedCalls:
    """Counts of one long call by the end of every turn, and so of every call that is its beginning.

    `by_turn` begins with the greeting, if there is one; it is a turn of its own there, and part of every call.
    `transcribed` is empty without transcription. `session_usages` are those of meters other than tokens, each call rounded up;
    empty if there are none. Both begin with the planned conversation's first turn. `overflow` is the provider's error that ends
    the call after these turns. `inputs` is what the responses read, if they were counted in columns; otherwise `scripted` and
    `responses` are the turns and the responses.
    """

    by_turn: RunningColumns
    greeting: int
    transcribed: tuple[TranscribedCounts, ...]
    transcribed_by: Literal["time", "tokens"] | None
    overflow: ContextOverflow | None = None
    session_usages: tuple[Usage, ...] = ()
    inputs: InputColumns | None = None
    scripted: tuple[Turn, ...] = ()
    responses: tuple[Response, ...] = ()

    @property
    def turns(self) -> int:
        """Turns of the longest call that is counted."""
        return self.by_turn.turns - self.greeting

    def usage(self, turns: int) -> ScenarioUsage:
        """The usage of the call of some turns."""
        session = self.session_usages[turns - 1] if self.session_usages else NO_USAGE
        transcribed = self.transcribed[turns - 1] if self.transcribed else (0, 0, 0)
        return self._usage(self.by_turn.at_end_of(turns + self.greeting), transcribed, session)

    def expected_usage(self, turns: int) -> tuple[Usage, Usage]:
        """The usage of the call of some turns in the expected scenario: the voice model's and the transcription's."""
        counts = self.by_turn.at_end_of(turns + self.greeting)
        input_tokens, hit = Tokens(*counts[0:3]), Tokens(*counts[6:9])
        voice = usage_from_tokens(input_tokens, hit, counts.text_out, counts.audio_out, counts.expected_writes)
        if self.session_usages and self.session_usages[turns - 1].quantities:
            voice += self.session_usages[turns - 1]
        transcribed = self.transcribed[turns - 1] if self.transcribed else (0, 0, 0)
        return voice, _transcription_usage(self.transcribed_by, *transcribed)

    def weighted_usage(self, weights: Iterable[tuple[int, int]]) -> ScenarioUsage:
        """The sum of the usages of calls, each given by its turns and multiplied by its whole weight."""
        turns, factors = zip(*weights, strict=True)
        columns = (self._at_ends(turns, column) if column[-1] else () for column in self.by_turn)
        counts = RunningCounts(*(sum(map(operator.mul, factors, column)) for column in columns))
        transcribed = (
            _weighted_sums(factors, [self.transcribed[count - 1] for count in turns]) if self.transcribed else (0, 0, 0)
        )
        session = NO_USAGE
        if self.session_usages:
            session = weighted_usage(
                (self.session_usages[count - 1], weight) for count, weight in zip(turns, factors, strict=True)
            )
        return self._usage(counts, transcribed, session)

    def _at_ends(self, turns: Sequence[int], column: Column) -> Column:
        """The counts by the ends of calls of these turns, in ascending order."""
        if turns[-1] - turns[0] == len(turns) - 1:  # as most calls of a month: a slice takes no time
            return column[turns[0] + self.greeting - 1 : turns[-1] + self.greeting]
        return [column[count + self.greeting - 1] for count in turns]

    def _usage(self, counts: RunningCounts, transcribed: tuple[int, ...], session: Usage) -> ScenarioUsage:
        input_tokens, output = Tokens(*counts[0:3]), (counts.text_out, counts.audio_out)
        hits = (Tokens(*counts[3:6]), Tokens(*counts[6:9]), NOTHING)
        best, expected, worst = (
            usage_from_tokens(input_tokens, hit, *output, write) for hit, write in zip(hits, counts[9:12], strict=True)
        )
        if session.quantities:
            best, expected, worst = best + session, expected + session, worst + session
        return ScenarioUsage((best, expected, worst), _transcription_usage(self.transcribed_by, *transcribed))


def _transcription_usage(
    transcribed_by: Literal["time", "tokens"] | None, ms: int, audio_tokens: int, transcript_tokens: int
) -> Usage:
    if transcribed_by is None:
        return NO_USAGE
    if transcribed_by == "time":
        return Usage({"audio_ms": ms})
    return Usage.tokens(audio_in=audio_tokens, text_out=transcript_tokens)


def _weighted_sums(weights: Sequence[int], rows: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(sum(map(operator.mul, weights, column)) if any(column) else 0 for column in zip(*rows, strict=True))


def usage_of_plan(plan: Plan, model: ResolvedModel) -> ScenarioUsage:
    """The usage of a plan, without its responses.

    Raises:
        ContextOverflow: the input exceeds the context window, and the history may not be truncated.
    """
    counts = _count_to_the_end(plan, model)
    return counts.usage(counts.turns)


def expected_usage_of_plan(plan: Plan, model: ResolvedModel) -> tuple[Usage, Usage]:
    """The usage of a plan in the expected scenario: the voice model's and the transcription's.

    Raises:
        ContextOverflow: the input exceeds the context window, and the history may not be truncated.
    """
    rules = model.effective_rules.rules
    is_tokens_only = model.transcription is None and not model.session_meters
    inputs = count_inputs(plan, rules, plan.turns) if is_tokens_only else None
    if inputs is None or not inputs.is_complete:
        counts = _count_to_the_end(plan, model)
        return counts.expected_usage(counts.turns)
    take_steps(inputs.fitting)
    hits = hit_columns(inputs, cache_rule(plan.cache or rules.expected_cache, rules, plan.prefix_reuse))
    input_tokens, hit = (Tokens(sum(text), sum(audio), 0) for text, audio in ((inputs.text, inputs.audio), hits))
    return usage_from_tokens(input_tokens, hit, sum(inputs.text_out), sum(inputs.audio_out)), NO_USAGE


def _count_to_the_end(plan: Plan, model: ResolvedModel) -> CountedCalls:
    counts = count_calls(plan, model, plan.turns)
    if counts.overflow is not None:
        raise counts.overflow
    return counts


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
    inputs, meters = count_inputs(plan, rules, turns), []
    scripted: tuple[Turn, ...] = ()
    read: tuple[Response, ...] = ()
    counts = None if inputs is None else count_from_inputs(plan, rules, best_rule, expected_rule, inputs)
    if inputs is not None and counts is not None:
        if model.transcription is not None:
            transcribed = [transcribed_tokens(tokens, rules) for tokens in inputs.speech.user_tokens]
        if model.session_meters:
            meters = schedule_meters(inputs.speech, rules)
    if counts is None:
        counts, overflow, scripted, read = _count_turns(script(plan, rules, turns), rules, best_rule, expected_rule)
        if model.session_meters:
            meters = [turn_meters(turn, rules) for turn in scripted]
        if model.transcription is not None:
            transcribed = [_transcribed_turn(turn, rules) for turn in scripted]
    running = [(ms, audio, text) for ms, audio, text in zip(*map(accumulate, zip(*transcribed, strict=True)), strict=True)]
    sums = (SessionMeters(*row) for row in zip(*map(accumulate, zip(*meters, strict=True)), strict=True))
    usages = tuple(usage_of_session(row, model.session_meters) for row in sums)[greeting:]
    return CountedCalls(
        counts, greeting, tuple(running[greeting:]), model.transcribed_by, overflow, usages, inputs, scripted, read
    )


def _transcribed_turn(turn: Turn, rules: Rules) -> TranscribedCounts:
    audio = token_counting.user_audio(turn, rules)
    return audio * rules.user_audio_ms_per_token, audio, token_counting.user_transcript(turn, audio, rules) if audio else 0


def transcribed_tokens(audio: int, rules: Rules) -> TranscribedCounts:
    """What is transcribed of a turn with some tokens of committed user audio."""
    return audio * rules.user_audio_ms_per_token, audio, token_counting.transcript_tokens(audio, rules) if audio else 0


def _count_turns(
    script: Script, rules: Rules, best: CacheRule, expected: CacheRule
) -> tuple[RunningColumns, ContextOverflow | None, tuple[Turn, ...], tuple[Response, ...]]:
    """The counts by turn, the error that ends the conversation, and the turns and the responses before it."""
    worst = cache_rule("none", rules)
    counts: list[list[int]] = []
    read: list[Response] = []
    total = [0] * len(RunningColumns._fields)
    overflow = None
    try:
        for response in responses(script, rules):
            read.append(response)
            hits = cached_tokens(response, best), cached_tokens(response, expected)
            behaviours = zip((*hits, NOTHING), (best, expected, worst), strict=True)
            writes = [cache_write_tokens(response, hit, rule) for hit, rule in behaviours] if rules.cache_writes else (0, 0, 0)
            row = (*response.input, *hits[0], *hits[1], *writes, response.text_out, response.audio_out)
            total = list(map(operator.add, total, row))
            if response.kind == "reply":
                counts.append(total)
    except ContextOverflow as error:
        if not counts:
            raise
        overflow = error
    return RunningColumns(*zip(*counts, strict=True)), overflow, script.turns[: len(counts)], tuple(read)


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
    usage = _usage_of_responses(replies, rule) if rounds else conversation.expected_usage
    fixed = fixed_tokens(conversation.settings, conversation.rules)
    without_writes = replies
    if rule.bills_writes:
        without_writes = [(response, hit) for response, hit in replies if not cache_write_tokens(response, hit, rule)]
    prompt = sum(max(0, fixed - hit.text) for response, hit in without_writes if response.input.text)
    unseen_text = sum(response.unseen.text for response, _ in without_writes)
    reasoning = sum(response.reasoning for response, _ in replies)
    unseen = _sum(response.unseen for response, _ in replies)
    session = conversation.session_usage
    quantities: dict[CostComponentName, dict[str, int]] = {
        "fresh_audio_in": {"audio_in": unseen.audio},
        "reread_history": {
            "text_in": usage["text_in"] - unseen_text - prompt,
            "audio_in": usage["audio_in"] - unseen.audio,
            "image_in": usage["image_in"] - unseen.image,
        },
        "cached_history": {meter: usage[meter] for meter in ("text_in_cached", "audio_in_cached", "image_in_cached")},
        "cache_writes": {"text_in_cache_write": usage["text_in_cache_write"]},
        "assistant_audio": {"audio_out": usage["audio_out"]},
        "instructions": {"text_in": prompt},
        "text": {"text_in": unseen_text, "text_out": usage["text_out"] - reasoning},
        "reasoning": {"text_out": reasoning},
        "images": {"image_in": unseen.image},
        "tool_rounds": dict(_usage_of_responses(rounds, rule).items()) if rounds else {},
        "session": {name: quantity for name, quantity in session.items() if name != "messages"},
        "messages": {"messages": session["messages"]},
    }
    components = [
        CostComponent(name, usage_amount(Usage(counts), rates)) for name, counts in quantities.items() if any(counts.values())
    ]
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
