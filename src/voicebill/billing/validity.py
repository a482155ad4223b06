"""Select the row of a dated fact that is in effect on a day.

A price change is a new row, never an edit, so that last month's bill stays what it was. `since` is inclusive, `until`
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
class PartialDate:
    """A date as precisely as its source gives it: a day, a month or a year.

    >>> PartialDate.parse("2025-10").last, str(PartialDate.parse("2025-10"))
    (datetime.date(2025, 10, 31), '2025-10')
    """

    first: date
    last: date
    text: str

    @classmethod
    def parse(cls, text: str) -> "PartialDate":
        """Read `2025-10-30`, `2025-10` or `2025`.

        Raises:
            InvalidInput: the text has none of these forms.
        """
        match = re.fullmatch(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", text.strip())
        try:
            if match is None:
                raise ValueError
            year, month, day = (int(part) if part else None for part in match.groups())
            assert year is not None
            first = date(year, month or 1, day or 1)
        except ValueError:
            raise InvalidInput(f"{text!r} is not a date: write 2026-11-22, or 2026-11 or 2026 if only that is known") from None
        last_month = month or 12
        return cls(first, first if day else date(year, last_month, monthrange(year, last_month)[1]), text.strip())

    def __str__(self) -> str:
        return self.text

    @property
    def is_exact(self) -> bool:
        """Whether the source gives an exact day."""
        return self.first == self.last


def parse_day(text: str) -> date:
    """Read a day, such as `2026-11-22`.

    >>> parse_day("2026-11-22")
    datetime.date(2026, 11, 22)

    Raises:
        InvalidInput: the text is not an exact day.
    """
    try:
        day = PartialDate.parse(text)
        if day.is_exact:
            return day.first
    except InvalidInput:
        pass
    raise InvalidInput(f"{text!r} is not a day: write 2026-11-22")


class EffectiveDated(Protocol):
    """A row that is in effect from one day until another."""

    @property
    def since(self) -> PartialDate:
        """The first day, inclusive."""
        ...

    @property
    def until(self) -> PartialDate | None:
        """The last day, exclusive; None while the row is open."""
        ...


RowT = TypeVar("RowT", bound=EffectiveDated)


def is_effective(row: EffectiveDated, day: date) -> bool:
    """Whether the row is in effect on a day. If an end is known only to the month, the whole month counts as in effect.

    An end that is known to the day is exclusive.
    """
    if day < row.since.first:
        return False
    if row.until is None:
        return True
    return day < row.until.first if row.until.is_exact else day <= row.until.last


def uncertainty(row: EffectiveDated, day: date) -> str | None:
    """Why it is uncertain that the row was in effect on the day, or None.

    >>> from types import SimpleNamespace as RowT
    >>> uncertainty(RowT(since=PartialDate.parse("2026-09"), until=None), date(2026, 9, 3))
    'its source says only that it began in 2026-09'
    """
    if not row.since.is_exact and day <= row.since.last:
        return f"its source says only that it began in {row.since}"
    if row.until is not None and not row.until.is_exact and day >= row.until.first:
        return f"its source says only that it ended in {row.until}"
    return None


def effective_row(rows: Iterable[RowT], day: date) -> RowT | None:
    """The row in effect on a day, or None; if several may be in effect, the one that began last."""
    return max((row for row in rows if is_effective(row, day)), key=lambda row: row.since.first, default=None)


def describe_coverage(rows: Iterable[EffectiveDated]) -> str:
    """The days that the rows cover, as text.

    >>> from types import SimpleNamespace as RowT
    >>> closed = RowT(since=PartialDate.parse("2024-10-01"), until=PartialDate.parse("2025-10"))
    >>> describe_coverage([closed, RowT(since=PartialDate.parse("2026"), until=None)])
    'from 2024-10-01 until 2025-10, and from 2026 on'
    """
    return ", and ".join(
        f"from {since} on" if until is None else f"from {since} until {until}" for since, until in _merge_periods(rows)
    )


def _merge_periods(rows: Iterable[EffectiveDated]) -> Iterator[tuple[PartialDate, PartialDate | None]]:
    current: tuple[PartialDate, PartialDate | None] | None = None
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
