"""Numbers as people type them."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from voicebill.answers import asked
from voicebill.billing.errors import InvalidInput, UnknownName


@pytest.mark.parametrize(
    ("reader", "said", "meant"),
    [
        (asked.number, "1,500", 1500),
        (asked.number, "2k", 2000),
        (asked.number, "1.5M", 1_500_000),
        (asked.number, " 0.25 ", Decimal("0.25")),
        (asked.number, "10_000", 10_000),
        (asked.count, "12", 12),
        (asked.share, "0.45", Decimal("0.45")),
        (asked.share, "45%", Decimal("0.45")),
        (asked.share, "45 %", Decimal("0.45")),
        (asked.share, "1", 1),
        (asked.minutes, "10", 10),
        (asked.minutes, "5 min", 5),
        (asked.minutes, "90s", Decimal("1.5")),
        (asked.minutes, "1.5h", 90),
        (asked.minutes, "2 hours", 120),
    ],
)
def test_what_is_meant(reader: Any, said: str, meant: object) -> None:
    assert reader(said) == meant


@pytest.mark.parametrize(
    ("reader", "said", "answer"),
    [
        (asked.number, "ten", "'ten' is not a number"),
        (asked.number, "", "'' is not a number"),
        (asked.number, "nan", "'nan' is not a number"),
        (asked.number, "1e5", "'1e5' is not a number"),
        (asked.number, "1,50", "'1,50' is not a number"),
        (asked.number, "2x", "'2x' is not a number"),
        (asked.number, "-3", "-3 is negative"),
        (asked.count, "1.5", "1.5 is not a whole number"),
        (asked.count, "99999999999999999", "beyond any use"),
        (asked.share, "45", "45 is more than 1; for a percentage write 45%"),
        (asked.share, "145%", "145% is more than 100%"),
        (asked.minutes, "inf", "'inf' is not a duration"),
        (asked.minutes, "5 parsec", "'5 parsec' is not a duration"),
        (asked.minutes, "-5", "-5 is negative"),
        (asked.volume, "30000", "'30000' names no period"),
        (asked.volume, "-1/day", "-1 is negative"),
        (asked.volume, "9999999999999/day", "beyond any use"),
    ],
)
def test_what_cannot_be_meant_is_refused(reader: Any, said: str, answer: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        reader(said)
    assert answer in str(caught.value)


@pytest.mark.parametrize(
    ("said", "per_month"),
    [
        ("30000/month", Fraction(30_000)),
        ("1,000/day", Fraction(365_000, 12)),
        ("12/year", Fraction(1)),
        ("7 / week", Fraction(365, 12)),
        ("1/hour", Fraction(730)),
    ],
)
def test_a_month_is_the_twelfth_part_of_365_days(said: str, per_month: Fraction) -> None:
    assert asked.volume(said).per_month == per_month


def test_an_unknown_period_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="unknown period 'mnth'; the nearest is month"):
        asked.volume("5/mnth")
