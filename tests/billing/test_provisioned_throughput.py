"""Check provisioned throughput: which numbers of units can be deployed, and the errors for others."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cases import DAY
from voicebill.billing.errors import InvalidInput, NotAvailable, UnknownName
from voicebill.billing.provisioned_throughput import HourlyPrice, ProvisionedThroughput, PtuIncrements, Reservation
from voicebill.billing.validity import PartialDate
from voicebill.facts import load_facts

SHARED, REGIONAL = PtuIncrements(15, 5), PtuIncrements(50, 50)


@pytest.mark.parametrize(
    ("steps", "units", "expected"),
    [
        (SHARED, Fraction(0), 15),
        (SHARED, Fraction(15), 15),
        (SHARED, Fraction(1501, 100), 20),
        (SHARED, Fraction(360_000, 3400), 110),
        (REGIONAL, Fraction(1), 50),
        (REGIONAL, Fraction(5001, 100), 100),
        (PtuIncrements(25, 50), Fraction(20), 50),  # o1: 25 is no multiple of 50
    ],
)
def test_units_are_rounded_up_to_the_increment_and_are_at_least_the_minimum(
    steps: PtuIncrements, units: Fraction, expected: int
) -> None:
    assert steps.round_up(units) == expected


@given(st.fractions(0, 10_000), st.sampled_from([SHARED, REGIONAL, PtuIncrements(25, 25), PtuIncrements(100, 100)]))
@settings(deadline=None)
def test_rounding_up_gives_the_smallest_deployable_number(units: Fraction, steps: PtuIncrements) -> None:
    deployable = steps.round_up(units)
    steps.validate(deployable, "it")
    assert deployable >= units
    assert deployable == steps.minimum_deployable or deployable - steps.increment < units


@pytest.mark.parametrize(("units", "near"), [(62, "60 or 65"), (3, "15"), (0, "15"), (-5, "15"), (1002, "1,000 or 1,005")])
def test_invalid_numbers_of_units_are_rejected_with_the_closest_valid_ones(units: int, near: str) -> None:
    with pytest.raises(InvalidInput, match=f"multiples of 5 PTUs from 15 on, not with {units:,}: use {near}$"):
        SHARED.validate(units, "gpt-5.2")


def test_a_day_before_the_first_row_is_rejected_with_the_known_days() -> None:
    with pytest.raises(NotAvailable, match=r"gpt-5.2 in a PTU is not known for 2026-05-20: it is known from 2026-05-21 on"):
        load_facts().provisioned.throughput("gpt-5.2", date(2026, 5, 20))
    with pytest.raises(
        NotAvailable, match="data-zone PTUs in japaneast is not known for 2026-07-31: it is known from 2026-08-01"
    ):
        load_facts().provisioned.hourly_price("data-zone", "japaneast", date(2026, 7, 31))


def test_regional_units_need_a_region_and_the_error_lists_all_with_their_price() -> None:
    with pytest.raises(
        NotAvailable, match=r"choose one. An hour costs \$2.00 in australiaeast, .*; \$2.20 in .*; \$2.40 in brazil"
    ):
        load_facts().provisioned.hourly_price("regional", None, DAY)
    with pytest.raises(UnknownName, match="unknown region 'swedencentrl' of regional PTUs; the nearest is swedencentral"):
        load_facts().provisioned.hourly_price("regional", "swedencentrl", DAY)


def test_a_model_without_regional_deployment_is_rejected() -> None:
    with pytest.raises(NotAvailable, match="DeepSeek-R1 is provisioned as a global or data-zone deployment"):
        load_facts().provisioned.throughput("deepseek-r1", DAY).increments("regional")


def test_an_unknown_model_is_rejected_with_the_closest_ones() -> None:
    with pytest.raises(UnknownName, match=r"unknown model of provisioned throughput 'gpt-5.3x'; the nearest"):
        load_facts().provisioned.throughput("gpt-5.3x", DAY)


def hourly(dollars: int, region: str, since: str, until: str | None = None) -> HourlyPrice:
    days = (PartialDate.parse(since), PartialDate.parse(until) if until else None)
    return HourlyPrice("regional", region, (region,), Decimal(dollars), False, "", *days, DAY, "a test")


def test_the_prices_to_choose_from_are_those_of_the_day() -> None:
    """Oslo had $1 until July and has $2 since; Bergen has no price before August."""
    rows = (hourly(1, "oslo", "2026-01-01", "2026-07-01"), hourly(2, "oslo", "2026-07-01"), hourly(3, "bergen", "2026-08-01"))
    book = ProvisionedThroughput(hourly_prices=rows)
    for day, places in (
        (date(2026, 6, 30), r"\$1.00 in oslo$"),
        (date(2026, 7, 1), r"\$2.00 in oslo$"),
        (date(2026, 8, 1), r"\$2.00 in oslo; \$3.00 in bergen$"),
    ):
        with pytest.raises(NotAvailable, match=f"An hour costs {places}"):
            book.hourly_price("regional", None, day)
    assert [book.hourly_price("regional", "oslo", date(2026, month, day)).dollars for month, day in ((6, 30), (7, 1))] == [1, 2]


def test_a_reservation_has_the_price_of_its_term_on_the_day() -> None:
    rows = tuple(
        Reservation(
            months, Decimal(dollars), PartialDate.parse(since), PartialDate.parse(until) if until else None, DAY, "a test"
        )
        for months, dollars, since, until in (
            (1, 260, "2026-01-01", "2026-07-01"),
            (1, 250, "2026-07-01", None),
            (12, 2600, "2026-01-01", None),
        )
    )
    book = ProvisionedThroughput(reservations=rows)
    days = (date(2025, 12, 31), date(2026, 1, 1), date(2026, 6, 30), date(2026, 7, 1))
    assert [book.reservation(1, day) for day in days] == [None, rows[0], rows[0], rows[1]]
    assert [book.reservation(months, DAY) for months in (12, 36)] == [rows[2], None]
