"""Make sessions of the rows of `session_records`, in any process: this imports no database."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from voicebill.answers.sessions.recorded_session import RecordedResponse, RecordedSession, TokenQuantities
from voicebill.billing.record import ResponseDetails
from voicebill.engines.sql import DETAIL_COLUMNS, SESSION_RECORD_COLUMNS

_KEY, _OTHER_METER, _OTHER_QUANTITY, _FIRST_TOKENS = range(2, 6)
_STARTED_MS = _FIRST_TOKENS + len(TokenQuantities._fields)
_FIRST_FIELD = _STARTED_MS + 1
_END = _STARTED_MS + len(SESSION_RECORD_COLUMNS)
_FIRST_DETAIL = _END - len(DETAIL_COLUMNS)
_NO_DETAILS = (None,) * len(DETAIL_COLUMNS)

SessionRows = Sequence[Sequence[Any]]
"""The rows of one session: they take a third of the time of its records to be sent to another process."""


def rows_by_session(rows: Iterable[Sequence[Any]]) -> Iterator[SessionRows]:
    """The rows of each session, of rows that are in the order of tenants and names."""
    for _, members in groupby(rows, itemgetter(0, 1)):
        yield list(members)


def session_of_rows(rows: SessionRows) -> RecordedSession:
    """The session of its rows, which are in its order."""
    tenant, name = rows[0][:2]
    starts = [row[_STARTED_MS] for row in rows if row[_STARTED_MS] is not None]
    records = tuple(_response(list(members)) for _, members in groupby(rows, itemgetter(_KEY)))
    return RecordedSession(name, min(starts, default=None), records, tenant or None)


def _response(rows: SessionRows) -> RecordedResponse:
    """Return a record of its rows: one with its tokens, and one for each other meter; each of them has all that they share."""
    first = rows[0]
    details = tuple(first[_FIRST_DETAIL:_END])
    return RecordedResponse._make(
        (
            first[_KEY],
            *first[_FIRST_FIELD:_FIRST_DETAIL],
            TokenQuantities._make(first[_FIRST_TOKENS:_STARTED_MS]),
            tuple(sorted((row[_OTHER_METER], row[_OTHER_QUANTITY]) for row in rows if row[_OTHER_METER])),
            None if details == _NO_DETAILS else ResponseDetails(*details),
        )
    )
