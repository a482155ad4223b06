"""Generate calls from hidden parameters: their scripts, what each response read, what was cached, and when it took place."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import exp, log, sqrt
from random import Random

from tests.calls.parameters import OTHER_MODELS, Fault, HiddenParameters
from voicebill.conversation.context import Response, duration_ms, fixed_tokens, responses
from voicebill.conversation.history import NOTHING, Tokens
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script, ToolCall, Truncation, Turn

MIN_FAULTY_TURNS = 6
CALLS_START = timedelta(hours=8)
CALL_GAP_SECONDS = 97
RESPONSE_MS = 600
LOSING_ALL = ("another-model", "pause", "cold-start", "eviction")
PAUSE_MS = (20 * 60_000, 60 * 60_000)


@dataclass(frozen=True, slots=True)
class CallResponse:
    """One response of a call: what it read and wrote, the tokens that were cached, its model, and when it ended.

    `prompt` is the number of the prompt that it had, `reasoning_tokens` are part of its text.
    """

    response: Response
    cached: Tokens
    model: str
    ended_ms: int
    prompt: int
    tools: int
    reasoning_tokens: int


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its truth. `start` is when the session began; an unconnected call has no responses.

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


def calls(parameters: HiddenParameters, count: int, seed: int, fault: Fault | None = None) -> list[Call]:
    """Calls that follow one another, each with the fault, if there is one. The same seed gives the same calls."""
    return list(_calls(parameters, count, seed, fault))


def _calls(parameters: HiddenParameters, count: int, seed: int, fault: Fault | None) -> Iterator[Call]:
    start = datetime.combine(parameters.day, datetime.min.time(), UTC) + CALLS_START
    for index in range(count):
        rng = Random(f"{seed}-{index}")
        yield _call(parameters, f"sess_{seed:03}{index:05}", start + timedelta(seconds=CALL_GAP_SECONDS * index), rng, fault)


def _call(parameters: HiddenParameters, session: str, start: datetime, rng: Random, fault: Fault | None) -> Call:
    if fault is None and rng.random() < parameters.unconnected_share:
        return Call(session, parameters, start, None, ())
    script = _script(parameters, rng, max(parameters.min_turns, MIN_FAULTY_TURNS if fault else 1))
    if fault is None:
        return Call(session, parameters, start, script, tuple(_responses(script, parameters, rng)))
    place = rng.randrange(len(script.turns) // 2 + 1, len(script.turns))
    script = _with_fault(script, fault, place, parameters, rng)
    fault_response = _fault_response([entry for entry in responses(script, parameters.rules) if any(entry.input)], fault, place)
    read = [
        _affected(entry, fault, index - fault_response, parameters)
        for index, entry in enumerate(_responses(script, parameters, rng))
    ]
    return Call(session, parameters, start, script, tuple(read), fault, fault_response)


def _script(parameters: HiddenParameters, rng: Random, least: int) -> Script:
    minutes = parameters.mean_minutes * _lognormal(rng, parameters.length_cv)
    count = max(least, round(minutes * parameters.turns_per_minute))
    turns = [_turn(parameters, rng) for _ in range(count)]
    if parameters.greets:
        turns.insert(0, _turn(replace(parameters, user_share=0.0, tool_calls_per_turn=0.0, typed_share=0.0), rng))
    return Script(
        instructions_tokens=parameters.instructions_tokens,
        tools_tokens=parameters.tools_tokens,
        warm_cache=rng.random() < parameters.warm_share,
        turns=tuple(turns),
        session_minutes=24 * 60,
    )


def _turn(parameters: HiddenParameters, rng: Random) -> Turn:
    rules = parameters.rules
    turn_ms = 60_000 / parameters.turns_per_minute
    tools = tuple(_tool_call(parameters, rng) for _ in range(_times(parameters.tool_calls_per_turn, rng)))
    reasoning = round(rng.gammavariate(4, parameters.reasoning_tokens / 4)) if rules.is_reasoning_model else 0
    user_ms = turn_ms * parameters.user_share * _lognormal(rng, parameters.speech_variation)
    silence_share = 1 - parameters.user_share - parameters.assistant_share
    silence_ms = round(turn_ms * silence_share * _lognormal(rng, parameters.speech_variation))
    if rng.random() < parameters.typed_share:
        return Turn(
            user_text_tokens=rng.randint(8, 30),
            reply_text_tokens=rng.randint(20, 80),
            reasoning_tokens=reasoning,
            tool_calls=tools,
        )
    played_ms = turn_ms * parameters.assistant_share * _lognormal(rng, parameters.speech_variation)
    audio = max(8, round(played_ms / rules.reply_audio_ms_per_token))
    played = None
    if rng.random() < parameters.interrupted_share:
        played = audio * rules.reply_audio_ms_per_token
        share = min(0.95, max(0.05, rng.gauss(parameters.played_share, 0.15)))
        audio = round(audio / share)
    line = float(rules.reply_text_base + rules.reply_text_per_audio_token * audio)
    text = max(4, round(line + rng.gauss(0, parameters.text_noise)))
    overhead = float(rules.reply_overhead_base + rules.reply_overhead_per_audio_token * audio)
    return Turn(
        user_audio_tokens=max(0, int(user_ms) // rules.user_audio_ms_per_token),
        tool_calls=tools,
        reply_audio_tokens=audio,
        reply_text_tokens=text,
        reply_transcript_tokens=max(1, round(text - overhead + rng.gauss(0, 0.7))),
        reasoning_tokens=reasoning,
        played_ms=played,
        silence_ms=silence_ms,
    )


def _tool_call(parameters: HiddenParameters, rng: Random) -> ToolCall:
    return ToolCall(
        max(5, round(rng.gauss(parameters.arguments_tokens, parameters.arguments_tokens / 5))),
        max(5, round(parameters.result_tokens * _lognormal(rng, 0.4))),
    )


def _times(mean: float, rng: Random) -> int:
    """A number of calls with a mean of at most 1, or of more than one in a row."""
    count = int(mean)
    return count + (rng.random() < mean - count)


def _lognormal(rng: Random, variation: float) -> float:
    """A factor with mean 1 and a coefficient of variation."""
    sigma = sqrt(log(1 + variation**2))
    return exp(rng.gauss(-(sigma**2) / 2, sigma)) if sigma else 1.0


def _with_fault(script: Script, fault: Fault, place: int, parameters: HiddenParameters, rng: Random) -> Script:
    """The script with a fault that belongs to it; `place` is the index of its turn."""
    turns = list(script.turns)
    if fault in ("prompt-changed", "tools-changed"):
        tokens = parameters.instructions_tokens + rng.choice([0, 0, 40, -60, 250])
        turns[place] = replace(turns[place], instructions_tokens=tokens)
    elif fault == "deletion":
        first = rng.randint(1, 2)
        turns[place] = replace(turns[place], deleted_items=tuple(range(first, first + rng.randint(1, 2))))
    elif fault == "pause":
        turns[place] = replace(turns[place], silence_ms=rng.randint(*PAUSE_MS))
    elif fault == "truncation":
        read = list(responses(script, parameters.rules))
        fixed = fixed_tokens(script, parameters.rules)
        most = max(sum(entry.input) - fixed for entry in read)
        return replace(script, truncation=Truncation("auto", Decimal("0.6"), most * 3 // 4))
    return replace(script, turns=tuple(turns), warm_cache=script.warm_cache and fault != "cold-start")


def _responses(script: Script, parameters: HiddenParameters, rng: Random) -> Iterator[CallResponse]:
    """The responses as they took place: with their times and cached tokens."""
    rules = parameters.rules
    ended_ms = turn = 0
    for entry in responses(script, rules):
        if any(entry.input):
            ended_ms += RESPONSE_MS
            if entry.turn != turn:
                turn = entry.turn
                ended_ms += max(0, duration_ms(script.turns[turn - 1], rules) - RESPONSE_MS)
            yield CallResponse(entry, _cached(entry, parameters, rng), parameters.model, ended_ms, 0, 0, entry.reasoning)


def _affected(entry: CallResponse, fault: Fault, since: int, parameters: HiddenParameters) -> CallResponse:
    """A response as a fault leaves it; `since` is how many responses came after the first one with the fault."""
    if since < 0:
        return entry
    if since == 0 and fault in LOSING_ALL:
        entry = replace(entry, cached=NOTHING)
    model = OTHER_MODELS[parameters.model] if fault == "another-model" else entry.model
    return replace(entry, model=model, prompt=int(fault == "prompt-changed"), tools=int(fault == "tools-changed"))


def _fault_response(read: Sequence[Response], fault: Fault, place: int) -> int:
    """The number of the response, from 0, at which a fault shows."""
    if fault == "cold-start":
        return 0
    if fault == "truncation":
        return next(index for index, entry in enumerate(read) if entry.dropped)
    return next(index for index, entry in enumerate(read) if entry.turn == place + 1)


def _cached(entry: Response, parameters: HiddenParameters, rng: Random) -> Tokens:
    """What the cache had of a response's input: a share of the common prefix, in whole blocks."""
    share = min(1.0, max(0.0, rng.gauss(parameters.reuse_share, 0.06 if parameters.reuse_share < 1 else 0.0)))
    block = parameters.rules.cache_block_tokens
    text, audio = (int(tokens * share) // block * block for tokens in entry.common_prefix[:2])
    return Tokens(text, audio, 0)
