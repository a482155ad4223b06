"""Cases that a price analyst can read and write: TOML with the sums written out."""

import tomllib
from collections.abc import Container, Iterable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import pytest

Case = TypeVar("Case")

FOLDER = Path(__file__).parent / "cases"
DAY = date(2026, 11, 22)


def case_file(name: str) -> dict[str, Any]:
    """A case file's tables."""
    return tomllib.loads((FOLDER / name).read_text(encoding="utf-8"), parse_float=Decimal)


def cases(name: str) -> list[Any]:
    """The cases of a file, for `pytest.mark.parametrize`."""
    return list(case_file(name)["cases"])


def long_but(quick: Container[Case], cases: Iterable[Case]) -> list[Any]:
    """Cases of one kind for `pytest.mark.parametrize`: the `quick` ones stand for all in `make test`, the others are long."""
    return [case if case in quick else pytest.param(case, marks=pytest.mark.long) for case in cases]


def case_name(case: dict[str, Any]) -> str:
    """A case's name, for the report."""
    return str(case["name"])


def micro_dollars(written: str) -> Fraction:
    """A written sum of products, such as `600 × 32 + 2400 × 0.40`, in picodollars.

    >>> micro_dollars("2 × 32 + 10 × 0.40")
    Fraction(68000000, 1)
    """
    products = ([Fraction(factor.strip()) for factor in product.split("×")] for product in written.split("+"))
    return sum((Fraction(1_000_000) * _product(factors) for factors in products), Fraction(0))


def _product(factors: list[Fraction]) -> Fraction:
    product = Fraction(1)
    for factor in factors:
        product *= factor
    return product
