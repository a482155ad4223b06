"""Facts that change: which row holds on a day, and how sure that is."""

from dataclasses import dataclass
from datetime import date

import pytest

from voicebill.billing.dated import Day, doubt_on, holds_on, in_force, known_range
from voicebill.billing.errors import InvalidInput


@dataclass(frozen=True)
class Row:
    since: Day
    until: Day | None = None


def row(since: str, until: str | None = None) -> Row:
    return Row(Day.parse(since), Day.parse(until) if until else None)


def test_since_is_inclusive_and_until_exclusive() -> None:
    price = row("2026-01-13", "2026-07-23")
    held = [holds_on(price, date(2026, month, day)) for month, day in ((1, 12), (1, 13), (7, 22), (7, 23))]
    assert held == [False, True, True, False]


def test_an_end_known_to_the_month_lasts_until_the_month_is_over_in_doubt() -> None:
    price = row("2024-10-30", "2025-10")
    assert holds_on(price, date(2025, 10, 31))
    assert not holds_on(price, date(2025, 11, 1))
    assert doubt_on(price, date(2025, 9, 30)) is None
    assert doubt_on(price, date(2025, 10, 1)) == "its source says only that it ended in 2025-10"


def test_of_two_rows_in_doubt_the_later_one_holds() -> None:
    assert in_force([row("2025", "2026-03"), row("2026-03")], date(2026, 3, 5)) == row("2026-03")


def test_days_without_an_answer_are_named() -> None:
    rows = [row("2026-05-01"), row("2024-10-01", "2024-10-30"), row("2024-10-30", "2025-10")]
    assert known_range(rows) == "from 2024-10-01 until 2025-10, and from 2026-05-01 on"
    assert known_range([row("2024"), row("2025-01-01", "2025-02-01")]) == "from 2024 on"


@pytest.mark.parametrize("text", ["2026-13", "2026-02-30", "22.11.2026", "soon", "2026-1-1", ""])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="is not a date"):
        Day.parse(text)
