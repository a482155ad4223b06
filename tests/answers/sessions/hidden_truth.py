"""Work out what a fit must find, from the hidden parameters that calls are drawn from."""

from functools import cache
from math import exp, log, pi, sqrt

from tests.calls.call import scripts
from tests.calls.parameters import HiddenParameters
from voicebill.conversation.context import duration_ms, fixed_tokens
from voicebill.conversation.script import Script, Turn

PLAYED_DEVIATION = 0.15
PLAYED_BOUNDS = (0.05, 0.95)
STEPS = 4000
TRUE_CALLS, TRUE_SEED = 4_000, 999


def hidden_truth(parameters: HiddenParameters) -> dict[str, float]:
    """The parameters as a fit defines them, by name.

    Shares are of the time of turns. The share that is played is that of all generated speech of interrupted replies: a harmonic
    mean.
    """
    rules = parameters.rules
    turns = mean_turns(parameters)
    turn_ms, user, assistant = time_of_turns(parameters)
    inverse = _gaussian_mean(lambda value: 1 / value, parameters.played_share, PLAYED_DEVIATION, PLAYED_BOUNDS)
    script = Script(
        instructions_tokens=parameters.instructions_tokens,
        tools_tokens=parameters.tools_tokens,
        turns=(Turn(user_audio_tokens=1, reply_audio_tokens=1),),
    )
    reuse_deviation = parameters.reuse_spread if parameters.reuse_share < 1 else 0.0
    return {
        "minutes": turns * turn_ms / 60_000,
        "turns": turns,
        "turns_per_minute": 60_000 / turn_ms,
        "user_share": user,
        "assistant_share": assistant,
        "silence_share": 1 - user - assistant,
        "generated_share": assistant * (1 + parameters.interrupted_share * (inverse - 1)),
        "instructions_tokens": fixed_tokens(script, rules) - rules.conversation_tokens,
        "tool_calls": turns * parameters.tool_calls_per_turn,
        "arguments_tokens": parameters.arguments_tokens,
        "result_tokens": parameters.result_tokens,
        "interrupted_share": parameters.interrupted_share,
        "played_share": 1 / inverse,
        "reasoning_tokens": parameters.reasoning_tokens,
        "typed_share": parameters.typed_share,
        "prefix_reuse": _gaussian_mean(lambda value: value, parameters.reuse_share, reuse_deviation, (0.0, 1.0)),
        "reply_text_per_audio_token": float(rules.reply_text_per_audio_token),
        "reply_text_base": float(rules.reply_text_base),
        "warm_share": parameters.warm_share,
        "call_length_cv": parameters.length_cv,
    }


@cache
def time_of_turns(parameters: HiddenParameters) -> tuple[float, float, float]:
    """The mean time of a turn in ms, and the shares of it in which the user speaks and the assistant is heard.

    Taken from many other calls: no turn is shorter than its speech and the wait for its reply, so that its time is a little
    more than a minute divided by the turns in it.
    """
    rules = parameters.rules
    turns = [turn for script in scripts(parameters, TRUE_CALLS, TRUE_SEED) for turn in script.turns]
    total = sum(duration_ms(turn, rules) for turn in turns)
    padding = rules.padding_tokens * rules.user_audio_ms_per_token
    user = sum(turn.user_audio_tokens * rules.user_audio_ms_per_token - turn.user_messages * padding for turn in turns)
    played = sum(
        turn.reply_audio_tokens * rules.reply_audio_ms_per_token if turn.played_ms is None else turn.played_ms for turn in turns
    )
    return total / len(turns), user / total, played / total


def mean_turns(parameters: HiddenParameters) -> float:
    """The mean of the turns of calls: of a lognormal length, rounded, and at least one."""
    sigma = sqrt(log(1 + parameters.length_cv**2))
    planned = parameters.mean_minutes * parameters.turns_per_minute

    def turns(score: float) -> float:
        return max(parameters.min_turns, round(planned * exp(sigma * score - sigma**2 / 2)))

    return _gaussian_mean(turns, 0.0, 1.0, (-8.0, 8.0))


def _gaussian_mean(function, mean: float, deviation: float, bounds: tuple[float, float]) -> float:  # type: ignore[no-untyped-def]
    """The mean of a function of a normal value that is clipped to bounds."""
    low, high = bounds
    if not deviation:
        return float(function(min(high, max(low, mean))))
    total = weight_sum = 0.0
    for step in range(STEPS):
        score = -8 + 16 * (step + 0.5) / STEPS
        weight = exp(-(score**2) / 2) / sqrt(2 * pi)
        total += weight * function(min(high, max(low, mean + deviation * score)))
        weight_sum += weight
    return total / weight_sum
