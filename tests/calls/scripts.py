"""Draw the script of a call from hidden parameters: its turns, and a fault that the script shows."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from math import exp, log, sqrt
from random import Random
from typing import NamedTuple

from tests.calls.parameters import Fault, HiddenParameters
from voicebill.conversation.context import fixed_tokens, responses
from voicebill.conversation.script import Script, ToolCall, Truncation, Turn

LATENCY_MS = 600
"""The time from the start of a response to its first sound, or to its tool call."""
MIN_FAULTY_TURNS = 6
PAUSE_MS = (20 * 60_000, 60 * 60_000)
MIN_STABLE_TOKENS = 128
MAX_SESSION_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class PlantedFault:
    """A fault and the index of the turn at whose start it happens."""

    fault: Fault
    place: int


class _UserSpeech(NamedTuple):
    """What the user commits in a turn: audio tokens in some messages, and the padding in them."""

    tokens: int = 0
    messages: int = 1
    padding_ms: int = 0


def draw_script(parameters: HiddenParameters, rng: Random, *, has_fault: bool = False) -> Script:
    """A call without a fault; one that is to have one is long enough for it."""
    minutes = parameters.mean_minutes * _lognormal(rng, parameters.length_cv)
    least = max(parameters.min_turns, MIN_FAULTY_TURNS if has_fault else 1)
    count = max(least, round(minutes * parameters.turns_per_minute))
    return Script(
        instructions_tokens=parameters.instructions_tokens,
        tools_tokens=parameters.tools_tokens,
        warm_cache=rng.random() < parameters.warm_share,
        turns=tuple(_turns(parameters, rng, count)),
        session_minutes=MAX_SESSION_MINUTES,
    )


def _turns(parameters: HiddenParameters, rng: Random, count: int) -> Iterator[Turn]:
    after_interruption = False
    for number in range(-int(parameters.greets), count):
        turn = _turn(parameters, rng, is_greeting=number < 0)
        latency_ms = LATENCY_MS * (len(turn.tool_calls) + 1)
        yield replace(turn, silence_ms=latency_ms if after_interruption else max(latency_ms, turn.silence_ms))
        after_interruption = turn.played_ms is not None


def _turn(parameters: HiddenParameters, rng: Random, *, is_greeting: bool) -> Turn:
    tools = (
        () if is_greeting else tuple(_tool_call(parameters, rng) for _ in range(_number(parameters.tool_calls_per_turn, rng)))
    )
    reasoning = round(rng.gammavariate(4, parameters.reasoning_tokens / 4)) if parameters.rules.is_reasoning_model else 0
    silence_ms = round(_mean_silence_ms(parameters) * _lognormal(rng, parameters.speech_variation))
    if not is_greeting and rng.random() < parameters.typed_share:
        return Turn(
            user_text_tokens=rng.randint(8, 30),
            reply_text_tokens=rng.randint(20, 80),
            reasoning_tokens=reasoning,
            tool_calls=tools,
            silence_ms=silence_ms,
        )
    speech = _UserSpeech() if is_greeting else _user_speech(parameters, rng)
    return replace(
        _reply(parameters, rng),
        user_audio_tokens=speech.tokens,
        user_messages=speech.messages,
        tool_calls=tools,
        reasoning_tokens=reasoning,
        silence_ms=max(0, silence_ms - speech.padding_ms),
    )


def _mean_silence_ms(parameters: HiddenParameters) -> float:
    """The mean silence of turns that do not follow an interruption: those that do have no more than the wait for the reply."""
    total = 60_000 / parameters.turns_per_minute * (1 - parameters.user_share - parameters.assistant_share)
    waiting = LATENCY_MS * (1 + parameters.tool_calls_per_turn) + _padding_ms(parameters)
    after = parameters.interrupted_share
    return max(0.0, total - after * waiting) / ((1 - after) or 1)


def _padding_ms(parameters: HiddenParameters) -> int:
    rules = parameters.rules
    return rules.padding_tokens * rules.user_audio_ms_per_token


def _user_speech(parameters: HiddenParameters, rng: Random) -> _UserSpeech:
    rules = parameters.rules
    messages = 1 + (rng.random() < parameters.split_share)
    speech_ms = 60_000 / parameters.turns_per_minute * parameters.user_share * _lognormal(rng, parameters.speech_variation)
    tokens = max(messages, round(speech_ms / rules.user_audio_ms_per_token)) + messages * rules.padding_tokens
    return _UserSpeech(tokens, messages, messages * _padding_ms(parameters))


def _reply(parameters: HiddenParameters, rng: Random) -> Turn:
    rules = parameters.rules
    played_ms = 60_000 / parameters.turns_per_minute * parameters.assistant_share * _lognormal(rng, parameters.speech_variation)
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
        reply_audio_tokens=audio,
        reply_text_tokens=text,
        reply_transcript_tokens=max(1, round(text - overhead + rng.gauss(0, 0.7))),
        played_ms=played,
    )


def _tool_call(parameters: HiddenParameters, rng: Random) -> ToolCall:
    return ToolCall(
        max(5, round(rng.gauss(parameters.arguments_tokens, parameters.arguments_tokens / 5))),
        max(5, round(parameters.result_tokens * _lognormal(rng, parameters.result_variation))),
    )


def _number(mean: float, rng: Random) -> int:
    """A whole number with a mean, next to it."""
    count = int(mean)
    return count + (rng.random() < mean - count)


def _lognormal(rng: Random, variation: float) -> float:
    """A factor with mean 1 and a coefficient of variation."""
    sigma = sqrt(log(1 + variation**2))
    return exp(rng.gauss(-(sigma**2) / 2, sigma)) if sigma else 1.0


def script_with_fault(script: Script, planted: PlantedFault, parameters: HiddenParameters, rng: Random) -> Script:
    """The script as a fault changes it. Some faults leave it as it is: they are in the cache alone."""
    turns, place = list(script.turns), planted.place
    match planted.fault:
        case "prompt-changed" | "tools-changed":
            tokens = parameters.instructions_tokens + rng.choice([0, 0, 40, -60, 250])
            stable = rng.randint(MIN_STABLE_TOKENS, max(MIN_STABLE_TOKENS, parameters.instructions_tokens // 2))
            turns[place] = replace(turns[place], instructions_tokens=tokens)
            return replace(script, turns=tuple(turns), stable_instructions_tokens=stable)
        case "deletion":
            first = rng.randint(1, 2)
            turns[place] = replace(turns[place], deleted_items=tuple(range(first, first + rng.randint(1, 2))))
        case "pause":  # who pauses has let the reply end
            turns[place - 1] = replace(turns[place - 1], played_ms=None)
            turns[place] = replace(turns[place], silence_ms=rng.randint(*PAUSE_MS))
        case "truncation":
            fixed = fixed_tokens(script, parameters.rules)
            largest = max(sum(entry.input) - fixed for entry in responses(script, parameters.rules))
            return replace(script, truncation=Truncation("auto", Decimal("0.6"), largest * 3 // 4))
        case "cold-start":
            return replace(script, warm_cache=False)
        case _:
            pass
    return replace(script, turns=tuple(turns))
