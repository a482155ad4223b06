"""Generate calls from hidden parameters: their scripts, what each response read, what was cached, and when it took place."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Literal

from tests.calls.parameters import OTHER_MODELS, Fault, HiddenParameters
from tests.calls.scripts import LATENCY_MS, PlantedFault, draw_script, script_with_fault
from voicebill.conversation.context import Response, duration_ms, responses
from voicebill.conversation.history import NOTHING, Tokens
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script, Turn
from voicebill.conversation.token_counting import reply_audio

CALLS_START = timedelta(hours=8)
CALL_GAP_SECONDS = 97
LOSING_ALL = ("another-model", "pause", "cold-start", "eviction")
"""The faults after which the cache has nothing for a response."""


@dataclass(frozen=True, slots=True)
class CallResponse:
    """One response of a call: what it read and wrote, the tokens that were cached, its model, and how it ended.

    `created_ms` and `ended_ms` are the times of its first and last event, from the start of the call. `prompt` and `tools` are
    the numbers of the instructions and of the tools that it had.
    """

    response: Response
    cached: Tokens
    model: str
    outcome: Literal["completed", "cancelled"]
    created_ms: int
    ended_ms: int
    prompt: int = 0
    tools: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its truth. `start` is when the session began; an unconnected call has no script and no responses.

    `fault_response` is the number of the response, from 0, at which the fault shows.
    """

    session: str
    parameters: HiddenParameters
    start: datetime
    script: Script | None
    responses: tuple[CallResponse, ...]
    fault: Fault | None = None
    fault_response: int | None = None

    @property
    def rules(self) -> Rules:
        """The rules of its model."""
        return self.parameters.rules

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns of its script; none if it did not connect."""
        return () if self.script is None else self.script.turns

    @property
    def minutes(self) -> float:
        """How long it lasted: until the last reply was played or interrupted."""
        return sum(duration_ms(turn, self.rules) for turn in self.turns) / 60_000


def calls(parameters: HiddenParameters, count: int, seed: int, fault: Fault | None = None) -> list[Call]:
    """Calls that follow one another, each with the fault, if there is one. The same seed gives the same calls.

    Calls with a fault are all connected, and long enough for it.
    """
    first = datetime.combine(parameters.day, datetime.min.time(), UTC) + CALLS_START
    return [
        _call(
            parameters,
            f"sess_{seed:03}{index:05}",
            first + timedelta(seconds=CALL_GAP_SECONDS * index),
            Random(f"{seed}-{index}"),
            fault,
        )
        for index in range(count)
    ]


def scripts(parameters: HiddenParameters, count: int, seed: int) -> Iterator[Script]:
    """The scripts of the calls that connect, of those that the same seed gives without a fault."""
    for index in range(count):
        rng = Random(f"{seed}-{index}")
        if rng.random() >= parameters.unconnected_share:
            yield draw_script(parameters, rng)


def _call(parameters: HiddenParameters, session: str, start: datetime, rng: Random, fault: Fault | None) -> Call:
    if fault is None:
        if rng.random() < parameters.unconnected_share:
            return Call(session, parameters, start, None, ())
        script = draw_script(parameters, rng)
        return Call(session, parameters, start, script, tuple(_responses(script, parameters, rng)))
    script = draw_script(parameters, rng, has_fault=True)
    planted = PlantedFault(fault, rng.randrange(len(script.turns) // 2 + 1, len(script.turns)))
    script = script_with_fault(script, planted, parameters, rng)
    clean = list(_responses(script, parameters, rng))
    shows_at = _fault_response([entry.response for entry in clean], planted)
    read = (_affected(entry, fault, index - shows_at, parameters) for index, entry in enumerate(clean))
    return Call(session, parameters, start, script, tuple(read), fault, shows_at)


def _responses(script: Script, parameters: HiddenParameters, rng: Random) -> Iterator[CallResponse]:
    """The responses as they take place. Silence comes before the user speaks, but for the wait for the reply.

    The first response of a turn begins when the user has spoken, and each other one when the response before has ended.
    """
    rules = parameters.rules
    turn_number = turn_end_ms = created_ms = 0
    for entry in responses(script, rules):
        turn = script.turns[entry.turn - 1]
        if entry.turn != turn_number:
            turn_number = entry.turn
            turn_end_ms += duration_ms(turn, rules)
            created_ms = turn_end_ms - _played_ms(turn, rules) - LATENCY_MS * (len(turn.tool_calls) + 1)
        cached = _cached(entry, parameters, rng)
        if entry.kind == "tool-call":
            yield CallResponse(entry, cached, parameters.model, "completed", created_ms, created_ms + LATENCY_MS)
            created_ms += LATENCY_MS
            continue
        is_cancelled = turn.played_ms is not None and rng.random() < parameters.cancelled_share
        generated_ms = _played_ms(turn, rules)
        if not is_cancelled:
            audio_ms = reply_audio(turn, rules) * rules.reply_audio_ms_per_token
            generated_ms = min(generated_ms, round(audio_ms / parameters.generation_speed))
        outcome: Literal["completed", "cancelled"] = "cancelled" if is_cancelled else "completed"
        yield CallResponse(entry, cached, parameters.model, outcome, created_ms, created_ms + LATENCY_MS + generated_ms)


def _played_ms(turn: Turn, rules: Rules) -> int:
    if turn.played_ms is not None:
        return turn.played_ms
    return reply_audio(turn, rules) * rules.reply_audio_ms_per_token


def _cached(entry: Response, parameters: HiddenParameters, rng: Random) -> Tokens:
    """What the cache had of a response's input: a share of the common prefix, in whole blocks."""
    spread = parameters.reuse_spread if parameters.reuse_share < 1 else 0.0
    share = min(1.0, max(0.0, rng.gauss(parameters.reuse_share, spread)))
    is_short, is_text = rng.random() < parameters.short_share, rng.random() < 0.5
    if rng.random() < parameters.miss_share:
        return NOTHING
    block = parameters.rules.cache_block_tokens
    text, audio = (int(tokens * share) // block for tokens in entry.common_prefix[:2])
    if is_short and is_text:
        text = max(0, text - 1)
    elif is_short:
        audio = max(0, audio - 1)
    return Tokens(text * block, audio * block, 0)


def _affected(entry: CallResponse, fault: Fault, since: int, parameters: HiddenParameters) -> CallResponse:
    """A response as a fault leaves it; `since` is how many responses came after the first one with the fault."""
    if since < 0:
        return entry
    if since == 0 and fault in LOSING_ALL:
        entry = replace(entry, cached=NOTHING)
    model = OTHER_MODELS[parameters.model] if fault == "another-model" else entry.model
    return replace(entry, model=model, prompt=int(fault == "prompt-changed"), tools=int(fault == "tools-changed"))


def _fault_response(read: Sequence[Response], planted: PlantedFault) -> int:
    """The number of the response, from 0, at which a fault shows."""
    if planted.fault == "cold-start":
        return 0
    if planted.fault == "truncation":
        return next(index for index, entry in enumerate(read) if entry.dropped)
    return next(index for index, entry in enumerate(read) if entry.turn == planted.place + 1)
