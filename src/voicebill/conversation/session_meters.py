"""Count what a realtime session may be billed for in addition to tokens: its time, its audio by the minute, and messages."""

from collections.abc import Iterable
from typing import NamedTuple

from voicebill.conversation import token_counting
from voicebill.conversation.context import duration_ms
from voicebill.conversation.plan import SpeechSchedule
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Turn


class SessionMeters(NamedTuple):
    """Quantities by the meter of the same name: milliseconds of the session, of the user's audio and of the replies' audio, and
    typed messages.
    """

    session_ms: int = 0
    audio_ms: int = 0
    audio_out_ms: int = 0
    messages: int = 0


def turn_meters(turn: Turn, rules: Rules) -> SessionMeters:
    """The quantities of one turn. Unplayed speech of an interrupted reply was sent, and counts.

    A session that is billed for its audio only has no silence. The audio sent is all of the session if silence is billed.
    """
    user_ms = token_counting.user_audio(turn, rules) * rules.user_audio_ms_per_token
    reply_ms = token_counting.reply_audio(turn, rules) * rules.reply_audio_ms_per_token
    return _meters(user_ms, reply_ms, duration_ms(turn, rules), int(turn.user_text_tokens > 0), rules)


def schedule_meters(speech: SpeechSchedule, rules: Rules) -> list[SessionMeters]:
    """The same for each turn of a plan's speech, none of which is interrupted."""
    return [
        _meters(user_ms, reply_ms, user_ms + reply_ms + silence_ms, typed, rules)
        for user_ms, reply_ms, typed, silence_ms in zip(
            (tokens * rules.user_audio_ms_per_token for tokens in speech.user_tokens),
            (tokens * rules.reply_audio_ms_per_token for tokens in speech.reply_tokens),
            speech.typed_turns,
            speech.silence_ms,
            strict=True,
        )
    ]


def sum_meters(meters: Iterable[SessionMeters]) -> SessionMeters:
    """The sum of the quantities of turns."""
    return SessionMeters(*map(sum, zip(SessionMeters(), *meters, strict=True)))


def _meters(user_ms: int, reply_ms: int, lasts_ms: int, messages: int, rules: Rules) -> SessionMeters:
    session_ms = lasts_ms if rules.session_time == "connected" else user_ms + reply_ms
    return SessionMeters(session_ms, lasts_ms if rules.bills_silence else user_ms, reply_ms, messages)
