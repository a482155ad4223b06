"""Facts that change: rows with a first and a last day.

A change of price is a new row, never an edit, so that last month's bill stays what it was. `since` is inclusive, `until`
exclusive. Some sources give only a month or a year; such a date keeps that precision.
"""

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Protocol, TypeVar

from voicebill.billing.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Day:
    """A date as precisely as its source gives it: a day, a month or a year.

    >>> Day.parse("2025-10").last, str(Day.parse("2025-10"))
    (datetime.date(2025, 10, 31), '2025-10')
    """

    first: date
    last: date
    text: str

    @classmethod
    def parse(cls, text: str) -> "Day":
        """Read `2025-10-30`, `2025-10` or `2025`.

        Raises:
            InvalidInput: it is none of these.
        """
        written = re.fullmatch(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", text.strip())
        try:
            if written is None:
                raise ValueError
            year, month, day = (int(part) if part else None for part in written.groups())
            assert year is not None
            first = date(year, month or 1, day or 1)
        except ValueError:
            raise InvalidInput(f"{text!r} is not a date: write 2026-11-22, or 2026-11 or 2026 if only that is known") from None
        last_month = month or 12
        return cls(first, first if day else date(year, last_month, monthrange(year, last_month)[1]), text.strip())

    def __str__(self) -> str:
        return self.text

    @property
    def exact(self) -> bool:
        """Whether the source gives the very day."""
        return self.first == self.last


class Dated(Protocol):
    """A row that holds from one day until another."""

    @property
    def since(self) -> Day:
        """The first day, inclusive."""
        ...

    @property
    def until(self) -> Day | None:
        """The last day, exclusive; None while the row is open."""
        ...


Row = TypeVar("Row", bound=Dated)


def holds_on(row: Dated, day: date) -> bool:
    """Whether the row is in force on a day; a month-long doubt at either end counts as in force.

    An end known to the day is exclusive; one known to the month lasts until the month is over.
    """
    if day < row.since.first:
        return False
    if row.until is None:
        return True
    return day < row.until.first if row.until.exact else day <= row.until.last


def doubt_on(row: Dated, day: date) -> str | None:
    """Why it is uncertain that the row was in force on the day, or None.

    >>> from types import SimpleNamespace as Row
    >>> doubt_on(Row(since=Day.parse("2026-09"), until=None), date(2026, 9, 3))
    'its source says only that it began in 2026-09'
    """
    if not row.since.exact and day <= row.since.last:
        return f"its source says only that it began in {row.since}"
    if row.until is not None and not row.until.exact and day >= row.until.first:
        return f"its source says only that it ended in {row.until}"
    return None


def in_force(rows: Iterable[Row], day: date) -> Row | None:
    """The row in force on a day; of two in doubt, the one that began later."""
    return max((row for row in rows if holds_on(row, day)), key=lambda row: row.since.first, default=None)


def known_range(rows: Iterable[Dated]) -> str:
    """For which days there is an answer, in words.

    >>> from types import SimpleNamespace as Row
    >>> known_range([Row(since=Day.parse("2024-10-01"), until=Day.parse("2025-10")), Row(since=Day.parse("2026"), until=None)])
    'from 2024-10-01 until 2025-10, and from 2026 on'
    """
    return ", and ".join(
        f"from {since} on" if until is None else f"from {since} until {until}" for since, until in _joined(rows)
    )


def _joined(rows: Iterable[Dated]) -> Iterator[tuple[Day, Day | None]]:
    current: tuple[Day, Day | None] | None = None
    for row in sorted(rows, key=lambda row: row.since.first):
        if current is None:
            current = (row.since, row.until)
        elif current[1] is None or row.since.first <= current[1].last:
            ends = (current[1], row.until)
            current = (current[0], None if None in ends else max((end for end in ends if end), key=lambda end: end.last))
        else:
            yield current
            current = (row.since, row.until)
    if current is not None:
        yield current
