"""Apply a function to recorded sessions in a process of its own, which imports no database: it is given rows."""

import signal
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from voicebill.answers.sessions.recorded_session import RecordedSession
from voicebill.engines.session_rows import SessionRows, session_of_rows

_function: Callable[[Iterable[RecordedSession]], Any] | None = None


def start_worker(function: Callable[[Iterable[RecordedSession]], Any]) -> None:
    """Keep the function of this process. An interrupt ends the process that started it, and with that this one."""
    global _function  # noqa: PLW0603 - a process has one
    _function = function
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def run_task(task: Sequence[SessionRows]) -> Any:  # noqa: ANN401 - what the function returns
    """Apply the function to some sessions."""
    assert _function is not None
    return _function(map(session_of_rows, task))
