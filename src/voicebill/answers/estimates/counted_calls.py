"""Count one long call of a plan turn by turn, and so every shorter one, which is its beginning."""

import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, NamedTuple

from voicebill.answers.estimates.model_selection import ResolvedModel
from voicebill.billing.errors import ContextOverflow
from voicebill.billing.usage import Usage, weighted_usage
from voicebill.conversation import token_counting
from voicebill.conversation.cache import CacheRule, cache_rule, cache_write_tokens, cached_tokens, usage_from_tokens
from voicebill.conversation.context import Response, responses
from voicebill.conversation.fast_path import RunningColumns, RunningCounts, count_from_inputs, hit_columns
from voicebill.conversation.history import NOTHING, Tokens
from voicebill.conversation.input_columns import Column, InputColumns, count_inputs
from voicebill.conversation.plan import Plan, greeting_turns, script
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script, Turn
from voicebill.conversation.session_meters import SessionMeters, schedule_meters, turn_meters
from voicebill.conversation.work import take_steps

NO_USAGE = Usage()


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
        return voice, usage_of_transcripts(self.transcribed_by, *transcribed)

    def weighted_usage(self, weights: Iterable[tuple[int, int]]) -> ScenarioUsage:
        """The sum of the usages of calls, each given by its turns and multiplied by its whole weight."""
        turns, factors = zip(*weights, strict=True)
        columns = (self._at_ends(turns, column) if column[-1] else () for column in self.by_turn)
        counts = RunningCounts(*(sum(map(operator.mul, factors, column)) for column in columns))
        transcribed = (
            weighted_sums(factors, [self.transcribed[count - 1] for count in turns]) if self.transcribed else (0, 0, 0)
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
        return ScenarioUsage((best, expected, worst), usage_of_transcripts(self.transcribed_by, *transcribed))


def usage_of_transcripts(
    transcribed_by: Literal["time", "tokens"] | None, ms: int, audio_tokens: int, transcript_tokens: int
) -> Usage:
    """The usage of a transcription model that is billed by time or by tokens; none without one."""
    if transcribed_by is None:
        return NO_USAGE
    if transcribed_by == "time":
        return Usage({"audio_ms": ms})
    return Usage.tokens(audio_in=audio_tokens, text_out=transcript_tokens)


def weighted_sums(weights: Sequence[int], rows: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    """The sums of the columns of some rows, each row multiplied by its weight."""
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

    In columns where `count_inputs` and `count_from_inputs` support the plan, else response by response.

    Raises:
        ContextOverflow: instructions and tools alone exceed the context window.
    """
    rules = model.effective_rules.rules
    best_rule = cache_rule("all", rules, plan.prefix_reuse)
    expected_rule = cache_rule(plan.cache or rules.expected_cache, rules, plan.prefix_reuse)
    inputs = count_inputs(plan, rules, turns)
    counts = None if inputs is None else count_from_inputs(plan, rules, best_rule, expected_rule, inputs)
    overflow: ContextOverflow | None = None
    scripted: tuple[Turn, ...] = ()
    read: tuple[Response, ...] = ()
    if inputs is not None and counts is not None:
        transcribed = (transcribed_tokens(tokens, rules) for tokens in inputs.speech.user_tokens)
        meters: Iterable[SessionMeters] = schedule_meters(inputs.speech, rules) if model.session_meters else ()
    else:
        counts, overflow, scripted, read = _count_turns(script(plan, rules, turns), rules, best_rule, expected_rule)
        transcribed = (_transcribed_turn(turn, rules) for turn in scripted)
        meters = (turn_meters(turn, rules) for turn in scripted)
    greeting = greeting_turns(plan)
    sums = tuple((ms, audio, text) for ms, audio, text in _running_sums(transcribed)) if model.transcription else ()
    usages = _session_usages(meters, model) if model.session_meters else ()
    return CountedCalls(
        counts, greeting, sums[greeting:], model.transcribed_by, overflow, usages[greeting:], inputs, scripted, read
    )


def _session_usages(meters: Iterable[SessionMeters], model: ResolvedModel) -> tuple[Usage, ...]:
    """The usages of calls that end after each turn."""
    return tuple(usage_of_session(SessionMeters(*row), model.session_meters) for row in _running_sums(meters))


def _running_sums(rows: Iterable[tuple[int, ...]]) -> Iterator[tuple[int, ...]]:
    """The sums of the rows up to each of them, column by column."""
    return zip(*map(accumulate, zip(*rows, strict=True)), strict=True)


def _transcribed_turn(turn: Turn, rules: Rules) -> TranscribedCounts:
    audio = token_counting.user_audio(turn, rules)
    return audio * rules.user_audio_ms_per_token, audio, token_counting.user_transcript(turn, audio, rules) if audio else 0


def transcribed_tokens(audio: int, rules: Rules) -> TranscribedCounts:
    """What is transcribed of a turn with some tokens of committed user audio."""
    return audio * rules.user_audio_ms_per_token, audio, token_counting.transcript_tokens(audio, rules) if audio else 0


def usage_of_session(meters: SessionMeters, billed: Iterable[tuple[str, int]]) -> Usage:
    """One call's usage of the meters that are billed, rounded up to their increments."""
    return Usage({name: -(-getattr(meters, name) // increment) * increment for name, increment in billed})


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
