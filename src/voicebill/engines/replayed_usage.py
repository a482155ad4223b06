"""Replay the calls of a usage table: those of DuckDB in several processes, those of Spark in partitions of sessions."""

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import partial
from typing import Any

from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.replay.replay import Replay, Replayer, Sample, prepare_replay
from voicebill.answers.replay.replay_sums import ReplaySums
from voicebill.answers.replay.request import ReplayRequest
from voicebill.answers.sessions.recorded_models import RecordedModels
from voicebill.answers.sessions.recorded_session import RecordedSession
from voicebill.billing.validation import require_between
from voicebill.engines.in_duckdb import DuckDBEngine
from voicebill.engines.in_spark import SparkEngine
from voicebill.engines.recorded_sessions import ROWS_PER_FETCH, refuse_offers, session_rows
from voicebill.engines.session_pool import map_sessions
from voicebill.engines.session_rows import SessionRows, rows_by_session, session_of_rows
from voicebill.engines.sql import (
    SESSION_ORDER,
    SessionRange,
    records_without_session,
    sample_limit,
    session_count,
    session_records,
)

MAX_SAMPLE = 10**9


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

    def rows() -> Iterator[SessionRows]:
        if isinstance(engine, DuckDBEngine):
            return session_rows(engine, query, sample=limit)
        return rows_by_session(engine.stream(session_records(query, between=SessionRange(sample=limit)), ROWS_PER_FETCH))

    def sessions() -> Iterator[RecordedSession]:
        return map(session_of_rows, rows())

    prepared = prepare_replay(request, models, sessions)
    if isinstance(engine, DuckDBEngine):
        sums = _sum_up(prepared.replayer, map_sessions(prepared.replayer.replay, rows(), processes), on_call)
    else:
        sums = _replay_in_spark(prepared.replayer, engine, query, limit, on_call)
    ((without,),) = engine.query(records_without_session(query))
    taken = None if limit is None else Sample(total or 0, sums.calls)
    return prepared.answer(sums, sample=taken, records_without_session=int(without))


def _replay_in_spark(
    replayer: Replayer, engine: SparkEngine, query: CostQuery, limit: str | None, on_call: Callable[[int], None] | None
) -> ReplaySums:
    """Replay sessions where Spark has them: voicebill must be installed there, too."""
    statement = session_records(query, between=SessionRange(sample=limit), is_partitioned=True)
    parts = engine.map_partitions(
        statement, by=SESSION_ORDER[:2], order=SESSION_ORDER, function=partial(_replay_rows, replayer)
    )
    return _sum_up(replayer, parts, on_call)


def _replay_rows(replayer: Replayer, rows: Iterator[Any]) -> ReplaySums:
    return replayer.replay(map(session_of_rows, rows_by_session(rows)))


def _sum_up(replayer: Replayer, parts: Iterable[ReplaySums], on_call: Callable[[int], None] | None) -> ReplaySums:
    """The sum of the sums of parts of a log."""
    sums = replayer.replay(())
    for part in parts:
        sums.merge(part)
        if on_call is not None:
            on_call(sums.calls)
    return sums
