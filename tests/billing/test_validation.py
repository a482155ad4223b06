"""Check the validation of numbers: what is a number, how large it may be, and how it is named in errors."""

from decimal import Decimal

import pytest

from voicebill.billing.errors import InvalidInput
from voicebill.billing.validation import format_value, is_reasonable, require_between, require_type, to_decimal, to_share


@pytest.mark.parametrize("fault", [True, False, None, "5", [1]], ids=str)
def test_only_numbers_are_numbers(fault: object) -> None:
    with pytest.raises(InvalidInput, match=f"minutes must be a number, not {format_value(fault)}".replace("[", r"\[")):
        to_decimal("minutes", fault)  # type: ignore[arg-type]


def test_a_number_has_at_most_fifteen_digits_before_the_point_and_eighteen_after() -> None:
    accepted = ["999999999999999", "-999999999999999", "1e14", "0.000000000000000001", "0", "0e-99", "0e99"]
    rejected = ["1000000000000000", "-1e15", "0.0000000000000000001", "1.0000000000000000001", "NaN", "-Infinity"]
    assert [is_reasonable(Decimal(text)) for text in accepted + rejected] == [True] * 7 + [False] * 6
    assert to_decimal("minutes", 0.1) == Decimal("0.1")
    with pytest.raises(InvalidInput, match="minutes is out of range: 1E"):
        to_decimal("minutes", Decimal("1e15"))
    with pytest.raises(InvalidInput, match="minutes must be a finite number, not nan"):
        to_decimal("minutes", float("nan"))


def test_a_share_is_from_0_to_1() -> None:
    assert [to_share("prefix_reuse", value) for value in (0, 1, 0.3)] == [0, 1, Decimal("0.3")]
    for fault in (Decimal("-0.001"), Decimal("1.001")):
        with pytest.raises(InvalidInput, match="prefix_reuse must be between 0 and 1"):
            to_share("prefix_reuse", fault)


def test_both_ends_of_a_range_are_in_it() -> None:
    require_between("turns", 1, 1, 20_000)
    require_between("turns", 20_000, 1, 20_000)
    for fault in (0, 20_001):
        with pytest.raises(InvalidInput, match=f"turns must be between 1 and 20,000, not {fault:,}"):
            require_between("turns", fault, 1, 20_000)


def test_a_type_is_named_as_users_know_it() -> None:
    require_type("warm_cache", True, bool)
    for kind, words in ((bool, "true or false"), (str, "text"), (int, "a whole number"), (tuple, "a list"), (dict, "a dict")):
        with pytest.raises(InvalidInput, match=f"it must be {words}, not 0.5"):
            require_type("it", Decimal("0.5"), kind)
