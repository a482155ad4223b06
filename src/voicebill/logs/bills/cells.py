"""Parse the cells of bills: exact numbers, times, and tags.

A cell is text in CSV; in Parquet and JSON it may be a number, a date or an object. Nothing is rounded: a number of binary
floating point, as in some Parquet files, stands for the shortest decimal that is written like it.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction

import msgspec

from voicebill.billing.recent_texts import cache_while_reading

BillCell = object

EXACT_NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+|(?=\.\d))(?:\.\d*)?(?:[eE][+-]?\d{1,3})?", re.ASCII)
MAX_NUMBER_LENGTH = 80
MAX_EXPONENT = 40
"""A number of more digits before the point, or of so many zeros after it, is an error: no bill has one."""
NUMBERED_DATE = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?:[ T](.+))?", re.ASCII)
"""A date by its numbers, month and day before the year. With points, the day is first."""
TWELVE_HOURS = ("%I:%M:%S %p", "%I:%M %p")
FIRST_YEAR, LAST_YEAR = 2000, 2200


def parse_exact_number(cell: BillCell) -> Fraction | None:
    """Return a cell as an exact number; None if it is not one.

    >>> parse_exact_number("1,234.56"), parse_exact_number("1.5E-03"), parse_exact_number("1,5"), parse_exact_number(0.1)
    (Fraction(30864, 25), Fraction(3, 2000), None, Fraction(1, 10))
    """
    if isinstance(cell, str):
        return _parse_number_text(cell)
    if isinstance(cell, float):
        return _parse_number_text(repr(cell))
    if isinstance(cell, Decimal | int) and not isinstance(cell, bool):
        return _fraction(Decimal(cell))
    return None


@cache_while_reading(16_384)
def _parse_number_text(text: str) -> Fraction | None:
    if len(text) > MAX_NUMBER_LENGTH or not EXACT_NUMBER.fullmatch(text):
        return None
    return _fraction(Decimal(text.replace(",", "")))


def _fraction(number: Decimal) -> Fraction | None:
    if not number.is_finite() or (number and abs(number.adjusted()) > MAX_EXPONENT):
        return None
    return Fraction(number)


def parse_bill_time(cell: BillCell, *, month_first: bool = True) -> datetime | None:
    """Return a cell as a time without a time zone; one that names its zone is converted to UTC. None if it is not a time.

    >>> parse_bill_time("09/02/2026"), parse_bill_time("09/02/2026", month_first=False), parse_bill_time("13/02/2026")
    (datetime.datetime(2026, 9, 2, 0, 0), datetime.datetime(2026, 2, 9, 0, 0), None)
    >>> parse_bill_time("2026-09-02T02:00:00+02:00")
    datetime.datetime(2026, 9, 2, 0, 0)
    """
    if isinstance(cell, str):
        return _parse_time_text(cell, month_first)
    if isinstance(cell, date) and not isinstance(cell, datetime):
        cell = datetime.combine(cell, time())
    return _as_bill_time(cell) if isinstance(cell, datetime) else None


@cache_while_reading(4096)
def _parse_time_text(text: str, month_first: bool) -> datetime | None:  # noqa: FBT001 - the cache wants it by position
    try:
        if (match := NUMBERED_DATE.fullmatch(text)) is None:
            return _as_bill_time(datetime.fromisoformat(text.removesuffix(" UTC")))
        first, separator, second, year, rest = match.groups()
        month, day = (int(first), int(second)) if month_first and separator != "." else (int(second), int(first))
        return _as_bill_time(datetime.combine(date(int(year), month, day), _parse_clock(rest) if rest else time()))
    except (ValueError, OverflowError):
        return None


def _parse_clock(text: str) -> time:
    for pattern in TWELVE_HOURS if text.upper().endswith("M") else ():
        try:
            moment = datetime.strptime(text, pattern)  # noqa: DTZ007 - a time of day
        except ValueError:
            continue
        return time(moment.hour, moment.minute, moment.second)
    return time.fromisoformat(text)


def _as_bill_time(moment: datetime) -> datetime | None:
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        return None
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def shows_day_order(text: str) -> bool | None:
    """Return whether a date has its month before its day, if only one of both is possible; else None.

    >>> shows_day_order("09/30/2026"), shows_day_order("30/09/2026"), shows_day_order("09/02/2026")
    (True, False, None)
    """
    match = NUMBERED_DATE.fullmatch(text)
    if match is None or match[2] == ".":
        return None
    first, second = int(match[1]), int(match[3])
    if 1 <= first <= 12 < second <= 31:
        return True
    return False if 1 <= second <= 12 < first <= 31 else None


def is_numbered_date(text: str) -> bool:
    """Return whether a text is a date whose order of month and day is open."""
    match = NUMBERED_DATE.fullmatch(text)
    return match is not None and match[2] != "."


def day_after(start: datetime | None) -> datetime | None:
    """Return the end of the day that begins at a time; None if no day does."""
    return start + timedelta(days=1) if start is not None and start == datetime.combine(start, time()) else None


def parse_tags(cell: BillCell) -> Mapping[str, str] | None:
    """Return the tags in a cell: JSON, also without its outer braces as Azure writes it, or an object. None if unreadable.

    >>> parse_tags('"team": "voice","env": "prod"'), parse_tags("team=voice")
    ({'team': 'voice', 'env': 'prod'}, None)
    """
    if isinstance(cell, str):
        return _parse_tags_text(cell)
    if isinstance(cell, list):
        cell = dict(cell) if all(isinstance(item, tuple) and len(item) == 2 for item in cell) else None
    return _as_tags(cell)


@cache_while_reading(16_384)
def _parse_tags_text(text: str) -> Mapping[str, str] | None:
    try:
        return _as_tags(msgspec.json.decode(text if text.startswith("{") else f"{{{text}}}"))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _as_tags(value: object) -> Mapping[str, str] | None:
    if not isinstance(value, Mapping):
        return None
    return {str(name): _tag_text(content) for name, content in value.items() if content is not None}


def _tag_text(value: object) -> str:
    if isinstance(value, bool | list | dict):
        return msgspec.json.encode(value).decode()
    return str(value)
