"""Money: whole picodollars in, exact decimals out."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebill.billing.errors import InvalidInput
from voicebill.billing.money import dollars, picodollars, quoted, shown


@given(st.integers(-(10**30), 10**30))
def test_dollars_are_exact(amount: int) -> None:
    assert Fraction(dollars(amount)) * 10**12 == amount


@pytest.mark.parametrize(("amount", "written"), [(Fraction(1, 2), "0"), (Fraction(3, 2), "0.000000000002")])
def test_a_fraction_of_a_picodollar_is_rounded_half_even(amount: Fraction, written: str) -> None:
    assert dollars(amount) == written


@pytest.mark.parametrize("price", ["0.0000000000001", "NaN", "Infinity"])
def test_a_price_is_finite_and_has_at_most_twelve_decimals(price: str) -> None:
    with pytest.raises(InvalidInput, match="price"):
        picodollars(Decimal(price))


@given(st.fractions(min_value=1, max_value=10**15))
def test_what_costs_something_never_looks_free(amount: Fraction) -> None:
    assert any(digit in "123456789" for digit in shown(amount))


def test_negative_amounts_keep_their_sign() -> None:
    assert shown(-1_500_000_000_000) == "-$1.50"
    assert dollars(-1_500_000_000_000) == "-1.5"


def test_a_list_price_shows_all_its_digits() -> None:
    assert [quoted(Decimal(price)) for price in ("4", "0.4", "0.0792", "1.513")] == ["$4.00", "$0.40", "$0.0792", "$1.513"]
