"""Check how an unknown name is reported: with the closest names, with all of a few, or with some of many."""

import pytest

from voicebill.billing.errors import UnknownName, closest_names


def message(name: str, choices: list[str]) -> str:
    return str(UnknownName("model", name, choices))


def test_a_few_names_are_all_known_and_of_many_the_first_four() -> None:
    """Twelve are listed, in order; of thirteen four."""
    names = [f"{letter}{letter}{letter}" for letter in "mlkjihgfedcba"]
    assert message("0", []) == "unknown model '0'"
    assert message("0", names[1:]) == "unknown model '0'; known: aaa, bbb, ccc, ddd, eee, fff, ggg, hhh, iii, jjj, kkk, lll"
    assert message("0", names) == "unknown model '0'; 13 are known, such as aaa, bbb, ccc, ddd"


@pytest.mark.parametrize(("length", "shown"), [(60, 60), (61, 60)])
def test_a_long_name_is_shortened(length: int, shown: int) -> None:
    text = message("x" * length, [])
    expected = "x" * 60 if length == 60 else "x" * 57 + "..."
    assert len(expected) == shown
    assert text == f"unknown model '{expected}'"


def test_parts_of_names_of_three_letters_are_recognised() -> None:
    names = ["prefix_reuse", "tools_tokens", "turns"]
    assert closest_names("too", names) == ["tools_tokens"]
    assert closest_names("reuse", names) == ["prefix_reuse"]
