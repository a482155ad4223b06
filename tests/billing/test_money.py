"""Check that money is exact, and that it is rounded as documented where people read it."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebill.billing.currency import Currency
from voicebill.billing.errors import InvalidInput
from voicebill.billing.money import (
    column_decimals,
    format_amount,
    format_dollars,
    format_exact,
    format_in_column,
    format_price,
    picodollars,
)
from voicebill.billing.validity import PartialDate


def dollars(text: str) -> int:
    """A written number of dollars in picodollars."""
    return int(Decimal(text) * 10**12)


@given(st.integers(-(10**30), 10**30))
def test_dollars_are_exact(amount: int) -> None:
    assert Fraction(format_dollars(amount)) * 10**12 == amount


@pytest.mark.parametrize(("amount", "written"), [(Fraction(1, 2), "0"), (Fraction(3, 2), "0.000000000002")])
def test_a_fraction_of_a_picodollar_is_rounded_half_even(amount: Fraction, written: str) -> None:
    assert format_dollars(amount) == written


@pytest.mark.parametrize("price", ["0.0000000000001", "NaN", "Infinity"])
def test_a_price_is_finite_and_has_at_most_twelve_decimals(price: str) -> None:
    with pytest.raises(InvalidInput, match="price"):
        picodollars(Decimal(price))


def test_a_price_has_at_most_fifteen_digits_before_the_point() -> None:
    assert picodollars(999_999_999_999_999) == 999_999_999_999_999_000_000_000_000
    with pytest.raises(InvalidInput, match="price"):
        picodollars(1_000_000_000_000_000)


@given(st.fractions(min_value=1, max_value=10**15))
def test_what_costs_something_never_looks_free(amount: Fraction) -> None:
    assert any(digit in "123456789" for digit in format_amount(amount))


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("0.8372544", "$0.837"),
        ("943.21", "$943"),
        ("28312.5", "$28,300"),
        ("1234567", "$1,230,000"),
        ("1.4738", "$1.47"),
        ("15.24", "$15.2"),
        ("0.046", "$0.0460"),
        ("0.00022", "$0.000220"),
        ("0.0000256", "$0.0000256"),
        ("0.0000000003", "$0.000000000300"),
        ("1", "$1.00"),
        ("0", "$0"),
        ("-1.5", "-$1.50"),
        ("-28312.5", "-$28,300"),
    ],
)
def test_headline_amounts_have_three_significant_digits(amount: str, written: str) -> None:
    assert format_amount(dollars(amount)) == written


@pytest.mark.parametrize(
    ("amount", "written"),
    [("1.125", "$1.12"), ("1.135", "$1.14"), ("28350", "$28,400"), ("28250", "$28,200"), ("0.08365", "$0.0836")],
)
def test_headline_amounts_are_rounded_half_even(amount: str, written: str) -> None:
    assert format_amount(dollars(amount)) == written


@pytest.mark.parametrize(
    ("amount", "written"),
    [("0.9996", "$1.00"), ("9.996", "$10.0"), ("99.96", "$100"), ("999.6", "$1,000"), ("9996", "$10,000")],
)
def test_rounding_up_to_a_power_of_ten_keeps_three_digits(amount: str, written: str) -> None:
    assert format_amount(dollars(amount)) == written


@given(st.fractions(min_value=Fraction(1, 1000), max_value=10**18))
def test_a_headline_amount_is_within_half_a_percent(amount: Fraction) -> None:
    shown = Fraction(format_amount(amount).replace("$", "").replace(",", "")) * 10**12
    assert abs(shown - amount) <= amount / 200


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("0.8372544", "$0.8372544"),
        ("28312.5", "$28,312.50"),
        ("0", "$0.00"),
        ("-1.5", "-$1.50"),
        ("0.000000000001", "$0.000000000001"),
    ],
)
def test_exact_amounts_show_all_digits_and_at_least_cents(amount: str, written: str) -> None:
    assert format_exact(dollars(amount)) == written


@pytest.mark.parametrize(
    ("amounts", "decimals"),
    [
        (["0.837"], 3),
        (["0.0412", "0.837", "3.1"], 3),
        (["0.0412", "0.0837"], 4),  # the median is 0.06245
        (["-0.837", "0.0412", "0", "0", "0", "3.1"], 3),  # zeros do not count; -0.837 counts as 0.837
        (["3.1"], 2),
        (["15.2"], 2),  # one decimal would do; dollars have two or none
        (["99.99"], 2),
        (["100"], 0),
        (["943", "28300"], 0),
        (["0.0000256"], 7),
        (["0.000000000001"], 12),
        (["0"], 2),
        ([], 2),
    ],
)
def test_a_column_has_the_decimals_that_its_median_needs(amounts: list[str], decimals: int) -> None:
    assert column_decimals(map(dollars, amounts)) == decimals


@pytest.mark.parametrize(
    ("amount", "decimals", "written"),
    [
        ("0.8372544", 4, "$0.8373"),
        ("0.00005", 4, "<$0.0001"),  # half even: it would show as 0.0000
        ("0.00006", 4, "$0.0001"),
        ("0.00002", 4, "<$0.0001"),
        ("-0.00002", 4, ">-$0.0001"),
        ("-0.8372544", 4, "-$0.8373"),
        ("0", 4, "$0"),
        ("0.3", 0, "<$1"),
        ("0.0000000000002", 12, "<$0.000000000001"),  # a fifth of a picodollar
        ("-0.0000000000002", 12, ">-$0.000000000001"),
        ("0.000000000001", 4, "<$0.0001"),
        ("28312.5", 0, "$28,312"),
        ("28312.5", 2, "$28,312.50"),
    ],
)
def test_an_amount_in_a_column_has_its_decimals_and_never_looks_free(amount: str, decimals: int, written: str) -> None:
    assert format_in_column(Fraction(amount) * 10**12, decimals) == written


def test_plain_decimals_keep_their_sign() -> None:
    assert format_dollars(-1_500_000_000_000) == "-1.5"


def test_another_currency_is_formatted_like_dollars() -> None:
    euro = Currency("EUR", Decimal("0.86"), PartialDate.parse("2026-11-20"), None, date(2026, 11, 20), "the central bank")
    amount = dollars("32921.511627")  # x 0.86 = 28312.49999922
    assert euro.format_amount(amount) == "EUR 28,300"
    assert euro.format_exact(amount) == "EUR 28,312.49999922"
    assert euro.format_decimal(amount) == "28312.49999922"
    assert euro.format_amount(-dollars("2")) == "-EUR 1.72"


def make_currency(per_dollar: str) -> Currency:
    return Currency("CHF", Decimal(per_dollar), PartialDate.parse("2026"), None, date(2026, 11, 20), "the central bank")


@pytest.mark.parametrize(
    ("price", "converted"),
    [("3", "1.5"), ("0.000000000003", "0.000000000002"), ("0.000000000005", "0.000000000002"), ("0", "0")],
)
def test_a_price_in_another_currency_is_converted_half_even_to_twelve_decimals(price: str, converted: str) -> None:
    """At 2 per dollar: 1.5 picodollars become 2, and so do 2.5."""
    assert make_currency("2").to_dollars(Decimal(price)) == Decimal(converted)


def test_a_converted_price_is_neither_rounded_to_nothing_nor_too_large() -> None:
    with pytest.raises(InvalidInput, match="CHF 1E-12 at 2 per dollar would be rounded to"):
        make_currency("2").to_dollars(Decimal("1e-12"))
    with pytest.raises(InvalidInput, match=r"CHF 1E\+17 at 2 per dollar is out of range"):
        make_currency("2").to_dollars(Decimal("1e17"))


def test_a_list_price_shows_all_its_digits() -> None:
    assert [format_price(Decimal(price)) for price in ("4", "0.4", "0.0792", "1.513")] == [
        "$4.00",
        "$0.40",
        "$0.0792",
        "$1.513",
    ]
