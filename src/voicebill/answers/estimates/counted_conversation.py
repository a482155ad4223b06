"""Count the responses of a conversation, scripted or planned, and its usage under each cache behaviour."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, repeat, takewhile
from typing import NamedTuple

from voicebill.answers.estimates.counted_calls import (
    NO_USAGE,
    CountedCalls,
    transcribed_tokens,
    usage_of_session,
    usage_of_transcripts,
    weighted_sums,
)
from voicebill.answers.estimates.model_selection import ResolvedModel
from voicebill.billing.usage import Usage
from voicebill.conversation.cache import CacheRule, cache_rule, cache_write_tokens, cached_tokens, usage_from_tokens
from voicebill.conversation.context import Response, responses
from voicebill.conversation.history import NOTHING, Tokens
from voicebill.conversation.input_columns import InputColumns, count_inputs
from voicebill.conversation.pipeline import turn_transcription_usage
from voicebill.conversation.plan import Plan, SpeechSchedule, greeting_turns, script
from voicebill.conversation.rules import Cache, Rules
from voicebill.conversation.script import Script, Turn
from voicebill.conversation.session_meters import schedule_meters, sum_meters, turn_meters
from voicebill.conversation.work import take_steps


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


def count_conversation(script: Script, rules: Rules, responses: tuple[Response, ...]) -> CountedConversation:
    """Count the cached tokens and the totals of a script whose responses are known."""
    expected = cache_rule(script.cache or rules.expected_cache, rules, script.prefix_reuse)
    hits = tuple(cached_tokens(response, expected) for response in responses)
    return CountedConversation(script, TurnFacts.of(script.turns), rules, expected, responses, hits, _totals(responses), ())


def count_plan(plan: Plan, model: ResolvedModel, longer_call: CountedCalls | None = None) -> CountedConversation:
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
        yield usage_of_transcripts(model.transcribed_by, ms, tokens, words)


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
    sums = weighted_sums(weights, rows) if rows else (0,) * 9
    return usage_from_tokens(Tokens(*sums[:3]), Tokens(*sums[3:6]), *sums[6:])


def usage_of_responses(pairs: Collection[tuple[Response, Tokens]], rule: CacheRule) -> Usage:
    """The usage of some responses under a cache rule, each given with its cached tokens."""
    write_tokens = sum(cache_write_tokens(response, hit, rule) for response, hit in pairs)
    return _usage(_totals(response for response, _ in pairs), (hit for _, hit in pairs), write_tokens)


def _usage(totals: Totals, hits: Iterable[Tokens], write_tokens: int) -> Usage:
    return usage_from_tokens(totals.input, sum_tokens(hits), totals.text_out, totals.audio_out, write_tokens)


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


def sum_tokens(counts: Iterable[Tokens]) -> Tokens:
    """The sum of some counts, by modality."""
    text = audio = image = 0
    for item in counts:
        text += item[0]
        audio += item[1]
        image += item[2]
    return Tokens(text, audio, image)
