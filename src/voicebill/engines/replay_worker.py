"""Replay calls in a process of its own, which imports no database: it is given sessions and returns sums."""

import signal

from voicebill.answers.replay.replay import Replayer
from voicebill.answers.replay.replay_sums import ReplaySums
from voicebill.answers.sessions.recorded_session import RecordedSession

_replayer: Replayer | None = None


def start_worker(replayer: Replayer) -> None:
    """Keep the replayer of this process. An interrupt ends the process that started it, and with that this one."""
    global _replayer  # noqa: PLW0603 - a process has one
    _replayer = replayer
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def replay_task(sessions: list[RecordedSession]) -> ReplaySums:
    """Replay some sessions."""
    assert _replayer is not None
    return _replayer.replay(sessions)
