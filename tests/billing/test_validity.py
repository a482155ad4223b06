"""Check which dated row is in effect on a day, and how certain that is."""

from dataclasses import dataclass
from datetime import date

import pytest

from voicebill.billing.errors import InvalidInput
from voicebill.billing.validity import PartialDate, describe_coverage, effective_row, is_effective, uncertainty


@dataclass(frozen=True)
class Row:
    since: PartialDate
    until: PartialDate | None = None


def row(since: str, until: str | None = None) -> Row:
    return Row(PartialDate.parse(since), PartialDate.parse(until) if until else None)


def test_since_is_inclusive_and_until_exclusive() -> None:
    price = row("2026-01-13", "2026-07-23")
    effective = [is_effective(price, date(2026, month, day)) for month, day in ((1, 12), (1, 13), (7, 22), (7, 23))]
    assert effective == [False, True, True, False]


def test_an_end_known_to_the_month_is_uncertain_until_the_month_is_over() -> None:
    price = row("2024-10-30", "2025-10")
    assert is_effective(price, date(2025, 10, 31))
    assert not is_effective(price, date(2025, 11, 1))
    assert uncertainty(price, date(2025, 9, 30)) is None
    assert uncertainty(price, date(2025, 10, 1)) == "its source says only that it ended in 2025-10"


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026-02", date(2026, 2, 1), date(2026, 2, 28)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2026-12", date(2026, 12, 1), date(2026, 12, 31)),
        (" 2026-02-03 ", date(2026, 2, 3), date(2026, 2, 3)),
    ],
)
def test_a_date_covers_what_its_precision_leaves_open(text: str, first: date, last: date) -> None:
    partial = PartialDate.parse(text)
    assert (partial.first, partial.last, str(partial), partial.is_exact) == (first, last, text.strip(), first == last)


def test_a_beginning_known_to_the_month_is_uncertain_until_the_month_is_over() -> None:
    price = row("2026-09", "2026-11-15")
    days = [date(2026, 8, 31), date(2026, 9, 1), date(2026, 9, 30), date(2026, 10, 1)]
    assert [is_effective(price, day) for day in days] == [False, True, True, True]
    reason = "its source says only that it began in 2026-09"
    assert [uncertainty(price, day) for day in days[1:]] == [reason, reason, None]


def test_days_that_a_source_gives_are_certain() -> None:
    """On the first and the last day, and on the day after."""
    price = row("2026-01-13", "2026-07-23")
    assert [uncertainty(price, day) for day in (date(2026, 1, 13), date(2026, 7, 22), date(2026, 7, 23))] == [None] * 3


def test_of_two_uncertain_rows_the_later_one_applies() -> None:
    assert effective_row([row("2025", "2026-03"), row("2026-03")], date(2026, 3, 5)) == row("2026-03")


def test_the_covered_days_are_described() -> None:
    rows = [row("2026-05-01"), row("2024-10-01", "2024-10-30"), row("2024-10-30", "2025-10")]
    assert describe_coverage(rows) == "from 2024-10-01 until 2025-10, and from 2026-05-01 on"
    assert describe_coverage([row("2024"), row("2025-01-01", "2025-02-01")]) == "from 2024 on"
    assert describe_coverage([]) == ""
    separate = [row("2026-01-01", "2026-02-01"), row("2026-02-02", "2026-03-01"), row("2026-02-10", "2026-02-20")]
    assert describe_coverage(separate) == "from 2026-01-01 until 2026-02-01, and from 2026-02-02 until 2026-03-01"


@pytest.mark.parametrize("text", ["2026-13", "2026-02-30", "22.11.2026", "soon", "2026-1-1", ""])
def test_an_invalid_date_is_rejected(text: str) -> None:
    with pytest.raises(InvalidInput, match="is not a date"):
        PartialDate.parse(text)
