"""Apply a function to many recorded sessions, in several processes, with the results in the order of the sessions."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from multiprocessing import get_context
from typing import TypeVar

from voicebill.answers.sessions.recorded_session import RecordedSession
from voicebill.engines.in_duckdb import EngineError
from voicebill.engines.session_rows import SessionRows, session_of_rows
from voicebill.engines.session_worker import run_task, start_worker

CALLS_PER_TASK = 100
MAX_PROCESSES = 8
"""One process reads the sessions for all others; each of them takes 80 MB, so that all stay below 1 GiB."""
TASKS_PER_PROCESS = 3
"""So many tasks wait for each process: enough that it never waits, and few enough that sessions do not pile up."""

TaskResult = TypeVar("TaskResult")


def available_processes() -> int:
    """The number of processors that this process may use, up to the number of processes that are of use."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(processors, MAX_PROCESSES)


def map_sessions(
    function: Callable[[Iterable[RecordedSession]], TaskResult], sessions: Iterable[SessionRows], processes: int
) -> Iterator[TaskResult]:
    """Apply a function to tasks of sessions, one after another, and yield the results in that order.

    In some processes, if there are enough sessions: starting a process takes as long as a task. The function must then be one
    that can be pickled, and is sent to each process once.

    Raises:
        EngineError: a process has ended.
    """
    tasks = _tasks(iter(sessions))
    first = list(islice(tasks, processes))
    if processes < 2 or sum(map(len, first)) < processes * CALLS_PER_TASK:
        for task in chain(first, tasks):
            yield function(map(session_of_rows, task))
        return
    executor = ProcessPoolExecutor(processes, get_context("spawn"), start_worker, (function,))
    waiting: deque[Future[TaskResult]] = deque()
    try:
        for task in chain(first, tasks):
            waiting.append(executor.submit(run_task, task))
            if len(waiting) >= processes * TASKS_PER_PROCESS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise EngineError(
            "a process that counts calls has ended, perhaps for lack of memory: free some and try again"
        ) from None
    finally:
        executor.shutdown(cancel_futures=True)


def _tasks(sessions: Iterator[SessionRows]) -> Iterator[list[SessionRows]]:
    while task := list(islice(sessions, CALLS_PER_TASK)):
        yield task
