"""Units of provisioned throughput: which numbers can be deployed, and what is refused."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cases import DAY
from voicebill.billing.errors import InvalidInput, NotOffered, UnknownName
from voicebill.billing.provisioned import Steps
from voicebill.facts import load

BOOK = load().provisioned
SHARED, REGIONAL = Steps(15, 5), Steps(50, 50)


@pytest.mark.parametrize(
    ("steps", "units", "wanted"),
    [
        (SHARED, Fraction(0), 15),
        (SHARED, Fraction(15), 15),
        (SHARED, Fraction(1501, 100), 20),
        (SHARED, Fraction(360_000, 3400), 110),
        (REGIONAL, Fraction(1), 50),
        (REGIONAL, Fraction(5001, 100), 100),
        (Steps(25, 50), Fraction(20), 50),  # o1: 25 is no multiple of 50
    ],
)
def test_units_are_rounded_up_to_the_increment_and_are_at_least_the_minimum(steps: Steps, units: Fraction, wanted: int) -> None:
    assert steps.rounded_up(units) == wanted


@given(st.fractions(0, 10_000), st.sampled_from([SHARED, REGIONAL, Steps(25, 25), Steps(100, 100)]))
@settings(deadline=None)
def test_no_fewer_units_that_can_be_deployed_would_do(units: Fraction, steps: Steps) -> None:
    found = steps.rounded_up(units)
    steps.refuse_others(found, "it")
    assert found >= units
    assert found == steps.fewest or found - steps.increment < units


@pytest.mark.parametrize(("units", "near"), [(62, "60 or 65"), (3, "15"), (0, "15"), (-5, "15"), (1002, "1,000 or 1,005")])
def test_other_numbers_are_refused_with_the_nearest(units: int, near: str) -> None:
    with pytest.raises(InvalidInput, match=f"multiples of 5 PTUs from 15 on, not with {units:,}: take {near}$"):
        SHARED.refuse_others(units, "gpt-5.2")


def test_a_day_before_the_first_row_is_refused_with_the_known_days() -> None:
    with pytest.raises(NotOffered, match=r"gpt-5.2 in a PTU is not known for 2026-05-20: it is known from 2026-05-21 on"):
        BOOK.throughput("gpt-5.2", date(2026, 5, 20))
    with pytest.raises(
        NotOffered, match="data-zone PTUs in japaneast is not known for 2026-07-31: it is known from 2026-08-01"
    ):
        BOOK.hourly("data-zone", "japaneast", date(2026, 7, 31))


def test_regional_units_need_a_region_and_the_refusal_names_all_with_their_price() -> None:
    with pytest.raises(
        NotOffered, match=r"name one. An hour costs \$2.00 in australiaeast, .*; \$2.20 in .*; \$2.40 in brazil"
    ):
        BOOK.hourly("regional", None, DAY)
    with pytest.raises(UnknownName, match="unknown region 'swedencentrl' of regional PTUs; the nearest is swedencentral"):
        BOOK.hourly("regional", "swedencentrl", DAY)


def test_a_model_that_is_not_sold_regionally_says_so() -> None:
    with pytest.raises(NotOffered, match="DeepSeek-R1 is provisioned as a global or data-zone deployment"):
        BOOK.throughput("deepseek-r1", DAY).steps("regional")
