"""Replay the calls of a usage table: those of DuckDB in several processes, those of Spark in partitions of sessions."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from fractions import Fraction
from functools import partial
from itertools import islice
from multiprocessing import get_context
from typing import Any

from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.replay.replay import Replay, Replayer, Sample, prepare_replay
from voicebill.answers.replay.replay_sums import ReplaySums
from voicebill.answers.replay.request import ReplayRequest
from voicebill.answers.sessions.recorded_models import RecordedModels
from voicebill.answers.sessions.recorded_session import RecordedSession
from voicebill.billing.validation import require_between
from voicebill.engines.in_duckdb import DuckDBEngine, EngineError
from voicebill.engines.in_spark import SparkEngine
from voicebill.engines.recorded_sessions import ROWS_PER_FETCH, recorded_sessions, refuse_offers, sessions_of_rows
from voicebill.engines.replay_worker import replay_task, start_worker
from voicebill.engines.sql import (
    SESSION_ORDER,
    SessionRange,
    records_without_session,
    sample_limit,
    session_count,
    session_records,
)

CALLS_PER_TASK = 100
MAX_PROCESSES = 8
"""One process reads the sessions for all others; each of them takes 80 MB, so that all stay below 1 GiB."""
MAX_SAMPLE = 10**9
TASKS_PER_PROCESS = 3
"""So many tasks wait for each process: enough that it never waits, and few enough that sessions do not pile up."""


def replay_usage(
    engine: DuckDBEngine | SparkEngine,
    query: CostQuery,
    request: ReplayRequest,
    models: RecordedModels,
    *,
    sample: int | None = None,
    processes: int = 1,
    on_call: Callable[[int], None] | None = None,
) -> Replay:
    """Replay the calls of which a record matches the query.

    `sample`: about so many of them, chosen at random by their names. With DuckDB, `processes` replay them at once; Spark uses
    its own. `on_call` is called with the number of calls so far.

    Raises:
        UnknownName: there is no model, provider, deployment or stack of a name.
        InvalidInput: there is nothing to replay calls with, or no call that can be replayed; the filter needs prices; the
            sample is empty.
        EngineError: the memory or the disk is full.
    """
    refuse_offers(query)
    limit, total = None, None
    if sample is not None:
        require_between("sample", sample, 1, MAX_SAMPLE)
        ((total,),) = engine.query(session_count(query))
        limit = sample_limit(Fraction(sample, max(1, total)))

    def sessions() -> Iterator[RecordedSession]:
        if isinstance(engine, DuckDBEngine):
            return recorded_sessions(engine, query, sample=limit)
        return sessions_of_rows(engine.stream(session_records(query, between=SessionRange(sample=limit)), ROWS_PER_FETCH))

    prepared = prepare_replay(request, models, sessions)
    if isinstance(engine, DuckDBEngine):
        sums = _replay_in_processes(prepared.replayer, sessions(), processes, on_call)
    else:
        sums = _replay_in_spark(prepared.replayer, engine, query, limit, on_call)
    ((without,),) = engine.query(records_without_session(query))
    taken = None if limit is None else Sample(total or 0, sums.calls)
    return prepared.answer(sums, sample=taken, records_without_session=int(without))


def available_processes() -> int:
    """The number of processors that this process may use, up to the number of processes that are of use."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(processors, MAX_PROCESSES)


def _replay_in_processes(
    replayer: Replayer, sessions: Iterable[RecordedSession], processes: int, on_call: Callable[[int], None] | None
) -> ReplaySums:
    """Replay sessions in some processes; few sessions in this one, because starting others takes as long."""
    stream = iter(sessions)
    first = list(islice(stream, processes * CALLS_PER_TASK))
    if processes < 2 or len(first) < processes * CALLS_PER_TASK:
        return replayer.replay(_chained(first, stream), on_call)
    sums = replayer.replay(())
    waiting: deque[Future[ReplaySums]] = deque()

    def take() -> None:
        sums.merge(waiting.popleft().result())
        if on_call is not None:
            on_call(sums.calls)

    executor = ProcessPoolExecutor(processes, get_context("spawn"), start_worker, (replayer,))
    try:
        for task in _tasks(_chained(first, stream)):
            waiting.append(executor.submit(replay_task, task))
            if len(waiting) >= processes * TASKS_PER_PROCESS:
                take()
        while waiting:
            take()
    except BrokenProcessPool:
        raise EngineError("a process of the replay has ended, perhaps for lack of memory: free some and try again") from None
    finally:
        executor.shutdown(cancel_futures=True)
    return sums


def _chained(first: Sequence[RecordedSession], others: Iterator[RecordedSession]) -> Iterator[RecordedSession]:
    yield from first
    yield from others


def _tasks(sessions: Iterator[RecordedSession]) -> Iterator[list[RecordedSession]]:
    while task := list(islice(sessions, CALLS_PER_TASK)):
        yield task


def _replay_in_spark(
    replayer: Replayer, engine: SparkEngine, query: CostQuery, limit: str | None, on_call: Callable[[int], None] | None
) -> ReplaySums:
    """Replay sessions where Spark has them: voicebill must be installed there, too."""
    statement = session_records(query, between=SessionRange(sample=limit), is_partitioned=True)
    sums = replayer.replay(())
    parts = engine.map_partitions(
        statement, by=SESSION_ORDER[:2], order=SESSION_ORDER, function=partial(_replay_rows, replayer)
    )
    for part in parts:
        sums.merge(part)
        if on_call is not None:
            on_call(sums.calls)
    return sums


def _replay_rows(replayer: Replayer, rows: Iterator[Any]) -> ReplaySums:
    return replayer.replay(sessions_of_rows(rows))
