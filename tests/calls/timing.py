"""Give generated calls the times of the service, which generates a reply faster than it is played."""

from collections.abc import Iterator
from dataclasses import replace

from tests.calls.call import RESPONSE_MS, Call, CallResponse
from voicebill.conversation.context import duration_ms


def played_later(call: Call) -> Call:
    """The call with responses that end when they are generated: a reply is played from then on.

    A turn begins with silence, then the user speaks; every response takes some of the silence. So the call lasts as long as
    its turns, and ends when its last reply has been played.
    """
    return replace(call, responses=tuple(_timed(call)))


def call_minutes(call: Call) -> float:
    """How long a call lasts: the time of all its turns."""
    return sum(duration_ms(turn, call.rules) for turn in call.script.turns) / 60_000 if call.script else 0.0


def _timed(call: Call) -> Iterator[CallResponse]:
    if call.script is None:
        return
    start_ms = last = place = 0
    for entry in call.responses:
        turn = call.script.turns[entry.response.turn - 1]
        if entry.response.turn != last:
            if last:
                start_ms += duration_ms(call.script.turns[last - 1], call.rules)
            last, place = entry.response.turn, 0
        place += 1
        rounds = len(turn.tool_calls) + 1
        latency_ms = min(RESPONSE_MS, turn.silence_ms // rounds)
        spoken_ms = turn.silence_ms + turn.user_audio_tokens * call.rules.user_audio_ms_per_token
        yield replace(entry, ended_ms=start_ms + spoken_ms - latency_ms * (rounds - place))
