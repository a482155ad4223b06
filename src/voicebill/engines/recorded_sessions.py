"""Stream recorded sessions from a usage table in DuckDB: one after another, however many there are."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from voicebill.answers.recorded.filters import fields_of
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.sessions.recorded_session import RecordedResponse, RecordedSession, TokenQuantities
from voicebill.billing.errors import InvalidInput
from voicebill.billing.record import ResponseDetails
from voicebill.engines import sql
from voicebill.engines.in_duckdb import DuckDBEngine

ROWS_PER_FETCH = 5_000
STARTED_MS = 2
_FIRST_FIELD = 3
_FIRST_TOKENS = 14
_FIRST_DETAIL = _FIRST_TOKENS + len(TokenQuantities._fields) + 1


def recorded_sessions(engine: DuckDBEngine, query: CostQuery, session: str | None = None) -> Iterator[RecordedSession]:
    """Stream the sessions of which a record matches the query, with all their records, in the order of tenants and names.

    `session`: only those of that name. The rows are sorted by DuckDB, on disk if they do not fit into its memory.

    Raises:
        InvalidInput: the filter needs prices.
        EngineError: the memory or the disk is full.
    """
    if "offer" in fields_of(query.where):
        raise InvalidInput("names an offer, which is known when sessions are priced: name model or provider", field="where")
    for (tenant, name), rows in groupby(engine.stream(sql.session_records(query, session), ROWS_PER_FETCH), itemgetter(0, 1)):
        members = list(rows)
        starts = [row[STARTED_MS] for row in members if row[STARTED_MS] is not None]
        yield RecordedSession(name, min(starts, default=None), tuple(map(_response, members)), tenant or None)


def count_without_session(engine: DuckDBEngine, query: CostQuery) -> int:
    """Return the number of records that match the query and belong to no session."""
    ((count,),) = engine.query(sql.records_without_session(query))
    return int(count)


def _response(row: Sequence[Any]) -> RecordedResponse:
    detail_values = row[_FIRST_DETAIL:]
    other = row[_FIRST_DETAIL - 1]
    has_details = any(value is not None for value in detail_values)
    return RecordedResponse._make(
        (
            *row[_FIRST_FIELD:_FIRST_TOKENS],
            TokenQuantities._make(map(int, row[_FIRST_TOKENS : _FIRST_DETAIL - 1])),
            _other_quantities(other) if other else (),
            ResponseDetails(*detail_values) if has_details else None,
        )
    )


def _other_quantities(text: str) -> tuple[tuple[str, int], ...]:
    """Return quantities of meters other than tokens, as the query writes them: name=quantity, by name."""
    entries = (entry.rpartition("=") for entry in text.split(","))
    return tuple(sorted((name, int(quantity)) for name, _, quantity in entries))
