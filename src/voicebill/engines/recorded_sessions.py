"""Stream recorded sessions from a usage table in DuckDB: one after another, however many there are."""

from collections.abc import Iterator
from itertools import pairwise

from voicebill.answers.recorded.filters import fields_of
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.sessions.recorded_session import RecordedSession
from voicebill.billing.errors import InvalidInput
from voicebill.engines.in_duckdb import DuckDBEngine
from voicebill.engines.session_rows import SessionRows, rows_by_session, session_of_rows
from voicebill.engines.sql import (
    ALL_SESSIONS,
    SessionRange,
    Statement,
    records_without_session,
    session_records,
)

ROWS_PER_FETCH = 5_000
ROW_BYTES = 500
"""Sorting a row takes at most so much memory, on average."""
MEMORY_SHARE_FOR_ROWS = 4
"""At most a quarter of the memory is filled with rows: sorting on disk needs memory, too, and the more rows the more."""
SAMPLES_PER_RANGE = 64
MEMORY_BYTES = Statement("SELECT parse_formatted_bytes(current_setting('memory_limit'))")
ROW_COUNT = Statement("SELECT COUNT(*) FROM usage WHERE session IS NOT NULL")


def recorded_sessions(
    engine: DuckDBEngine, query: CostQuery, session: str | None = None, *, sample: str | None = None
) -> Iterator[RecordedSession]:
    """Stream the sessions of which a record matches the query, with all their records, in the order of tenants and names.

    `session`: only those of that name; `sample`: only those whose names have a smaller hash, see `sample_limit`. DuckDB sorts
    the rows: as many at a time as its memory allows.

    Raises:
        InvalidInput: the filter needs prices.
        EngineError: the memory or the disk is full.
    """
    return map(session_of_rows, session_rows(engine, query, session, sample=sample))


def session_rows(
    engine: DuckDBEngine, query: CostQuery, session: str | None = None, *, sample: str | None = None
) -> Iterator[SessionRows]:
    """The same as rows, which are sent to other processes in less time.

    Raises:
        InvalidInput: the filter needs prices.
        EngineError: the memory or the disk is full.
    """
    refuse_offers(query)
    for between in session_ranges(engine) if session is None else [ALL_SESSIONS]:
        statement = session_records(query, session, between._replace(sample=sample))
        yield from rows_by_session(engine.stream(statement, ROWS_PER_FETCH))


def refuse_offers(query: CostQuery) -> None:
    """Refuse a query of sessions by their offers.

    Raises:
        InvalidInput: it is one.
    """
    if "offer" in fields_of(query.where):
        raise InvalidInput("names an offer, which is known when sessions are priced: name model or provider", field="where")


def session_ranges(engine: DuckDBEngine) -> list[SessionRange]:
    """Divide the sessions into ranges whose rows fit into the memory. A sample of the rows shows where they begin."""
    ((memory_bytes,),), ((row_count,),) = engine.query(MEMORY_BYTES), engine.query(ROW_COUNT)
    rows_per_range = max(1, memory_bytes // MEMORY_SHARE_FOR_ROWS // ROW_BYTES)
    if row_count <= rows_per_range:
        return [ALL_SESSIONS]
    interval = max(1, rows_per_range // SAMPLES_PER_RANGE)
    sample = engine.query(
        Statement(f"""
            SELECT COALESCE(tenant, '') AS tenant, session FROM usage
            WHERE session IS NOT NULL AND hash(key, part) % {interval} = 0 ORDER BY 1, 2""")
    )
    starts = list(dict.fromkeys(sample[SAMPLES_PER_RANGE::SAMPLES_PER_RANGE]))
    return [SessionRange(*ends) for ends in pairwise((None, *starts, None))]


def count_without_session(engine: DuckDBEngine, query: CostQuery) -> int:
    """Return the number of records that match the query and belong to no session."""
    ((count,),) = engine.query(records_without_session(query))
    return int(count)
