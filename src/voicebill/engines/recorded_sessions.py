"""Stream recorded sessions from a usage table in DuckDB: one after another, however many there are."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any

from voicebill.answers.recorded.filters import fields_of
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.sessions.recorded_session import RecordedResponse, RecordedSession, TokenQuantities
from voicebill.billing.errors import InvalidInput
from voicebill.billing.record import ResponseDetails
from voicebill.engines.in_duckdb import DuckDBEngine
from voicebill.engines.sql import (
    ALL_SESSIONS,
    DETAIL_COLUMNS,
    SESSION_RECORD_COLUMNS,
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
_KEY, _METER, _QUANTITY, _STARTED_MS, _FIRST_FIELD = range(2, 7)
_END = _STARTED_MS + len(SESSION_RECORD_COLUMNS)
_FIRST_DETAIL = _END - len(DETAIL_COLUMNS)


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
    refuse_offers(query)
    for between in session_ranges(engine) if session is None else [ALL_SESSIONS]:
        statement = session_records(query, session, between._replace(sample=sample))
        yield from sessions_of_rows(engine.stream(statement, ROWS_PER_FETCH))


def refuse_offers(query: CostQuery) -> None:
    """Refuse a query of sessions by their offers.

    Raises:
        InvalidInput: it is one.
    """
    if "offer" in fields_of(query.where):
        raise InvalidInput("names an offer, which is known when sessions are priced: name model or provider", field="where")


def sessions_of_rows(rows: Iterable[Sequence[Any]]) -> Iterator[RecordedSession]:
    """The sessions of the rows of `session_records`, which are in its order."""
    for (tenant, name), members in groupby(rows, itemgetter(0, 1)):
        records = [list(record) for _, record in groupby(members, itemgetter(_KEY))]
        starts = [first[_STARTED_MS] for first, *_ in records if first[_STARTED_MS] is not None]
        yield RecordedSession(name, min(starts, default=None), tuple(map(_response, records)), tenant or None)


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


def _response(rows: Sequence[Sequence[Any]]) -> RecordedResponse:
    """Return a record of its rows, one for each meter."""
    first = rows[0]
    quantities = {row[_METER]: row[_QUANTITY] for row in rows if row[_METER]}
    tokens = TokenQuantities._make(quantities.pop(name, 0) for name in TokenQuantities._fields)
    details = first[_FIRST_DETAIL:_END]
    has_details = any(value is not None for value in details)
    return RecordedResponse._make(
        (
            first[_KEY],
            *first[_FIRST_FIELD:_FIRST_DETAIL],
            tokens,
            tuple(sorted(quantities.items())),
            ResponseDetails(*details) if has_details else None,
        )
    )
