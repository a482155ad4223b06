"""Numbers as people type them."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from voicebill.answers import quantities
from voicebill.billing.errors import InvalidInput, UnknownName


@pytest.mark.parametrize(
    ("reader", "said", "meant"),
    [
        (quantities.number, "1,500", 1500),
        (quantities.number, "2k", 2000),
        (quantities.number, "1.5M", 1_500_000),
        (quantities.number, " 0.25 ", Decimal("0.25")),
        (quantities.number, "10_000", 10_000),
        (quantities.count, "12", 12),
        (quantities.share, "0.45", Decimal("0.45")),
        (quantities.share, "45%", Decimal("0.45")),
        (quantities.share, "45 %", Decimal("0.45")),
        (quantities.share, "1", 1),
        (quantities.minutes, "10", 10),
        (quantities.minutes, "5 min", 5),
        (quantities.minutes, "90s", Decimal("1.5")),
        (quantities.minutes, "1.5h", 90),
        (quantities.minutes, "100s", Decimal("1.666666667")),
        (quantities.minutes, "2 hours", 120),
    ],
)
def test_what_is_meant(reader: Any, said: str, meant: object) -> None:
    assert reader(said) == meant


@pytest.mark.parametrize(
    ("reader", "said", "answer"),
    [
        (quantities.number, "ten", "'ten' is not a number"),
        (quantities.number, "", "'' is not a number"),
        (quantities.number, "nan", "'nan' is not a number"),
        (quantities.number, "1e5", "'1e5' is not a number"),
        (quantities.number, "1,50", "'1,50' is not a number"),
        (quantities.number, "2x", "'2x' is not a number"),
        (quantities.number, "-3", "-3 is negative"),
        (quantities.count, "1.5", "1.5 is not a whole number"),
        (quantities.count, "99999999999999999", "beyond any use"),
        (quantities.share, "45", "45 is more than 1: write a share as 0.45, or as a percentage, 45%"),
        (quantities.share, "145%", "145% is more than 100%"),
        (quantities.minutes, "inf", "'inf' is not a duration"),
        (quantities.minutes, "5 parsec", "'5 parsec' is not a duration"),
        (quantities.minutes, "-5", "-5 is negative"),
        (quantities.volume, "30000", "'30000' names no period"),
        (quantities.volume, "-1/day", "-1 is negative"),
        (quantities.volume, "9999999999999/day", "at most 10^12"),
        (quantities.number, "1" * 40, "is beyond any use"),
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
    assert quantities.volume(said).per_month == per_month


def test_an_unknown_period_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="unknown period 'mnth'; the nearest is month"):
        quantities.volume("5/mnth")
