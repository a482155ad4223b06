"""Sum up a recorded call: its times, turns, tokens, tools and cached tokens, in the small record that a plan is fitted from."""

from itertools import pairwise
from typing import NamedTuple

from voicebill.answers.sessions.cache_losses import CACHE_LIFE_MS, cached_input, findable_prefixes
from voicebill.answers.sessions.reconstruction import ReconstructedResponse, Reconstruction
from voicebill.answers.sessions.recorded_models import RecordedModels
from voicebill.answers.sessions.recorded_session import RecordedResponse, RecordedSession
from voicebill.billing.money import PICODOLLARS_PER_DOLLAR
from voicebill.conversation.context import fixed_tokens
from voicebill.conversation.history import Tokens
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Turn

MAX_PAUSE_MS = CACHE_LIFE_MS
"""In a longer pause between responses, nobody talks: what is beyond is not counted as time of the call."""
MIN_PREFIX_BLOCKS = 8
"""Where the common prefix has fewer blocks of the cache, the whole blocks say too little of the share that was cached."""


class CallSums(NamedTuple):
    """The sums of one connected call. Times in milliseconds, sizes in tokens, all others are counts.

    `span` lasts from the first event (with `timed_starts` 1) or else from the first response to the last response, `gaps` of
    the turns from the first response. Of replies, all but the last one of the call are `closed`: only there is it seen whether
    they were interrupted. `user_low` and `user_high` are what `user_tokens` may be. What the
    user typed is not seen in the first turn. `texted` are the spoken replies whose
    text without reasoning is known. `findable` is the common prefix of the cache without the first response, and
    `findable_low` at least, `cached` is what
    of it was cached, in the middle of its last block. `pause` is in none of the other times: what pauses are
    longer than the life of a cache.
    """

    calls: float = 1
    timed_starts: float = 0
    span: float = 0
    last_reply: float = 0
    gap: float = 0
    gaps: float = 0
    greetings: float = 0
    turns: float = 0
    user_turns: float = 0
    user_tokens: float = 0
    user_low: float = 0
    user_high: float = 0
    typed_turns: float = 0
    typed_user: float = 0
    typed_user_turns: float = 0
    typed_reply: float = 0
    replies: float = 0
    reply_tokens: float = 0
    closed: float = 0
    closed_tokens: float = 0
    interrupted: float = 0
    interrupted_tokens: float = 0
    played_tokens: float = 0
    tool_calls: float = 0
    arguments: float = 0
    answered_calls: float = 0
    answered_tokens: float = 0
    answered_output: float = 0
    responses: float = 0
    reasoning: float = 0
    open_reasoning: float = 0
    reply_output: float = 0
    texted: float = 0
    texted_audio: float = 0
    texted_text: float = 0
    texted_square: float = 0
    texted_product: float = 0
    prompts: float = 0
    prompt_tokens: float = 0
    findable: float = 0
    findable_low: float = 0
    cached: float = 0
    warm: float = 0
    eventless: float = 0
    pause: float = 0
    dollars: float = 0.0


def start_of(session: RecordedSession) -> int | None:
    """When a session began, in ms since 1970: its first event, or its first record; None without times."""
    times = [record.time_ms for record in session.records if record.time_ms is not None]
    starts = [*times, *([] if session.started_ms is None else [session.started_ms])]
    return min(starts, default=None)


def session_sums(reconstruction: Reconstruction, rules: Rules, models: RecordedModels) -> CallSums | str:
    """The sums of a reconstructed session; why it has none, as a clause."""
    pairs = reconstruction.responses
    times = [pair.record.time_ms for pair in pairs if pair.record.time_ms is not None]
    amounts = [models.amount(record) for record in reconstruction.session.records]
    if len(times) < len(pairs):
        return "its responses have no times"
    if None in amounts:
        return "a part of it has no known price"
    sums = _Sums(reconstruction, rules)
    sums.add_times(times)
    for pair in pairs:
        sums.add_response(pair, is_last=pair is pairs[-1])
    for (before, pair), prefix in zip(pairwise(pairs), findable_prefixes(reconstruction, rules)[1:], strict=True):
        sums.add_cache(prefix, cached_input(pair), before)
    sums.add_speech()
    sums.add_prompt()
    dollars = float(sum(amount for amount in amounts if amount is not None)) / PICODOLLARS_PER_DOLLAR
    return CallSums(**sums.values | {"dollars": dollars})


class _Sums:
    """The sums of a session so far, by their names."""

    def __init__(self, reconstruction: Reconstruction, rules: Rules) -> None:
        self.reconstruction, self.rules = reconstruction, rules
        self.turns = reconstruction.script.turns
        first = self.turns[0]
        is_greeting = not first.user_audio_tokens and not first.user_text_tokens and bool(first.reply_audio_tokens)
        self.values = dict.fromkeys(CallSums._fields, 0)
        self.values |= {"calls": 1, "greetings": int(is_greeting)}

    def add_times(self, times: list[int]) -> None:
        """Add the times of the responses, which are in order."""
        sums = self.values
        first, last = times[0], times[-1]
        started = self.reconstruction.session.started_ms
        has_start = started is not None and started < first
        sums["timed_starts"] += int(has_start)
        pause = sum(max(0, later - earlier - MAX_PAUSE_MS) for earlier, later in pairwise(times))
        sums["pause"] += pause
        sums["span"] += (last - started if has_start and started is not None else last - first) - pause
        sums["gap"] += last - first - pause

    def add_response(self, pair: ReconstructedResponse, *, is_last: bool) -> None:
        """Add what a response put out."""
        sums = self.values
        record, turn = pair.record, self.turns[pair.place.turn - 1]
        sums["responses"] += 1
        reasoning = self._reasoning(record)
        sums["reasoning"] += reasoning or 0
        sums["open_reasoning"] += int(reasoning is None)
        sums["eventless"] += int(record.details is None or record.details.user_messages is None)
        if pair.simulated.kind == "tool-call":
            sums["tool_calls"] += 1
            sums["arguments"] += record.tokens.text_out - (reasoning or 0)
            if not is_last:
                sums["answered_output"] += record.tokens.text_out - (reasoning or 0)
            return
        sums["turns"] += int(pair.place.turn > sums["greetings"])
        sums["gaps"] += int(not is_last)
        if record.tokens.audio_out:
            self._add_spoken(record, turn, reasoning, is_last=is_last)
        elif record.tokens.text_out:
            sums["typed_turns"] += 1
            if pair.place.turn > 1:
                sums["typed_user_turns"] += 1
                sums["typed_user"] += turn.user_text_tokens
            sums["typed_reply"] += record.tokens.text_out - (reasoning or 0)

    def _reasoning(self, record: RecordedResponse) -> int | None:
        if not self.rules.is_reasoning_model:
            return 0
        return None if record.details is None else record.details.reasoning_tokens

    def _add_spoken(self, record: RecordedResponse, turn: Turn, reasoning: int | None, *, is_last: bool) -> None:
        sums, audio, text = self.values, record.tokens.audio_out, record.tokens.text_out
        sums["replies"] += 1
        sums["reply_tokens"] += audio
        sums["reply_output"] += text
        if reasoning is not None:
            sums["texted"] += 1
            sums["texted_audio"] += audio
            sums["texted_text"] += text - reasoning
            sums["texted_square"] += audio * audio
            sums["texted_product"] += audio * (text - reasoning)
        if is_last:
            sums["last_reply"] += audio * self.rules.reply_audio_ms_per_token
            return
        sums["closed"] += 1
        sums["closed_tokens"] += audio
        if turn.played_ms is not None:
            sums["interrupted"] += 1
            sums["interrupted_tokens"] += audio
            sums["played_tokens"] += min(audio, turn.played_ms // self.rules.reply_audio_ms_per_token)

    def add_cache(self, findable: Tokens, cached_tokens: Tokens, before: ReconstructedResponse) -> None:
        """Add what the cache had of a response that is not the first one.

        What a tool call wrote is part of the prefix; of that, reasoning is not, of which usage may say nothing.
        """
        sums, block = self.values, self.rules.cache_block_tokens
        is_open = before.simulated.kind == "tool-call" and self._reasoning(before.record) is None
        open_tokens = (before.record.tokens.text_out if is_open else 0, 0)
        for prefix, cached, may_be_absent in zip(findable, cached_tokens, open_tokens, strict=False):
            if prefix >= MIN_PREFIX_BLOCKS * block:
                sums["findable"] += prefix
                sums["findable_low"] += prefix - may_be_absent
                sums["cached"] += min(cached, prefix) + (block // 2 if cached else 0)

    def add_speech(self) -> None:
        """Add what the user said, and what its open quantities may be."""
        sums = self.values
        low = high = 0
        for entry in self.reconstruction.intervals:
            if entry.quantity == "user_audio_tokens":
                tokens = self.turns[entry.turn - 1].user_audio_tokens
                low, high = low + entry.low - tokens, high + entry.high - tokens
        spoken = sum(turn.user_audio_tokens for turn in self.turns)
        sums["user_turns"] += sum(turn.user_audio_tokens > 0 for turn in self.turns)
        sums["user_tokens"] += spoken
        sums["user_low"] += spoken + low
        sums["user_high"] += spoken + high
        calls = [call for turn in self.turns for call in turn.tool_calls]
        if self.reconstruction.responses[-1].simulated.kind == "tool-call":
            calls.pop()
        sums["answered_calls"] += len(calls)
        sums["answered_tokens"] += sum(call.arguments_tokens + call.result_tokens for call in calls)

    def add_prompt(self) -> None:
        """Add the size of the prompt, and whether the first response had it from the cache."""
        sums = self.values
        first = self.reconstruction.responses[0]
        if self.turns[0].user_audio_tokens or sums["greetings"]:
            sums["prompts"] += 1
            sums["prompt_tokens"] += fixed_tokens(self.reconstruction.script, self.rules) - self.rules.conversation_tokens
        sums["warm"] += int(any((first.record.tokens.text_in_cached, first.record.tokens.audio_in_cached)))
