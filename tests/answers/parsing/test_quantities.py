"""Numbers as people type them."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from voicebill.answers.parsing import quantities
from voicebill.billing.errors import InvalidInput, UnknownName
from voicebill.conversation.volume import Volume


@pytest.mark.parametrize(
    ("parser", "text", "expected"),
    [
        (quantities.parse_number, "1,500", 1500),
        (quantities.parse_number, "2k", 2000),
        (quantities.parse_number, "1.5M", 1_500_000),
        (quantities.parse_number, " 0.25 ", Decimal("0.25")),
        (quantities.parse_number, "10_000", 10_000),
        (quantities.parse_count, "12", 12),
        (quantities.parse_share, "0.45", Decimal("0.45")),
        (quantities.parse_share, "45%", Decimal("0.45")),
        (quantities.parse_share, "45 %", Decimal("0.45")),
        (quantities.parse_share, "1", 1),
        (quantities.parse_share, "45", Decimal("0.45")),
        (quantities.parse_share, "1.5", Decimal("0.015")),
        (quantities.parse_share, "0.5%", Decimal("0.005")),
        (quantities.parse_share, "100", 1),
        (quantities.parse_volume, "30k", Volume(Decimal(30_000), "month")),
        (quantities.parse_volume, "1,000 per day", Volume(Decimal(1000), "day")),
        (quantities.parse_minutes, "10", 10),
        (quantities.parse_minutes, "5 min", 5),
        (quantities.parse_minutes, "90s", Decimal("1.5")),
        (quantities.parse_minutes, "1.5h", 90),
        (quantities.parse_minutes, "100s", Decimal("1.666666667")),
        (quantities.parse_minutes, "2 hours", 120),
    ],
)
def test_quantities_are_parsed(parser: Any, text: str, expected: object) -> None:
    assert parser(text) == expected


@pytest.mark.parametrize(
    ("parser", "text", "message"),
    [
        (quantities.parse_share, "maybe", "'maybe' is not a share: write 45%, 45 or 0.45"),
        (quantities.parse_number, "ten", "'ten' is not a number"),
        (quantities.parse_number, "", "'' is not a number"),
        (quantities.parse_number, "nan", "'nan' is not a number"),
        (quantities.parse_number, "1e5", "'1e5' is not a number"),
        (quantities.parse_number, "1,50", "'1,50' is not a number"),
        (quantities.parse_number, "2x", "'2x' is not a number"),
        (quantities.parse_number, "-3", "cannot be negative: -3"),
        (quantities.parse_count, "1.5", "1.5 is not a whole number"),
        (quantities.parse_count, "99999999999999999", "is out of range"),
        (quantities.parse_share, "145", "'145' is more than 100%: write a share as 45%, 45 or 0.45"),
        (quantities.parse_share, "145%", "'145%' is more than 100%"),
        (quantities.parse_minutes, "inf", "'inf' is not a duration"),
        (quantities.parse_minutes, "5 parsec", "'5 parsec' is not a duration"),
        (quantities.parse_minutes, "-5", "cannot be negative: -5"),
        (quantities.parse_volume, "many", "'many' is not a number"),
        (quantities.parse_volume, "-1/day", "cannot be negative: -1"),
        (quantities.parse_volume, "9999999999999/day", "at most 10^12"),
        (quantities.parse_number, "1" * 40, "is out of range"),
    ],
)
def test_invalid_quantities_are_refused(parser: Any, text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parser(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "per_month"),
    [
        ("30000/month", Fraction(30_000)),
        ("1,000/day", Fraction(365_000, 12)),
        ("12/year", Fraction(1)),
        ("7 / week", Fraction(365, 12)),
        ("1/hour", Fraction(730)),
    ],
)
def test_a_month_is_the_twelfth_part_of_365_days(text: str, per_month: Fraction) -> None:
    assert quantities.parse_volume(text).per_month == per_month


def test_an_unknown_period_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="unknown period 'mnth'; the nearest is month"):
        quantities.parse_volume("5/mnth")
