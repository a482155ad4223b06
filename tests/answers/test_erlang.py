"""Erlang's formulas, against published tables and what must always hold."""

from fractions import Fraction
from math import exp
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cases import called, case_file
from voicebill.answers.erlang import (
    answered_within,
    lines_for,
    lines_to_answer,
    load_for,
    mean_wait,
    refused,
    waiting,
)
from voicebill.billing.errors import InvalidInput

CASES = case_file("erlangs.toml")
LOADS = st.floats(0.01, 2_000, allow_nan=False)
LINES = st.integers(1, 2_200)


@pytest.mark.parametrize("case", CASES["refused"], ids=called)
def test_the_load_that_lines_carry_is_that_of_published_tables(case: dict[str, Any]) -> None:
    for row in case["loads"]:
        found = load_for(row["lines"], float(case["share"]))
        assert found == pytest.approx(float(row["load"]), abs=float(case["within"]))
        assert lines_for(found * 0.9999, float(case["share"])) == row["lines"]
        assert lines_for(found * 1.0001, float(case["share"])) == row["lines"] + 1


@pytest.mark.parametrize("case", CASES["waiting"], ids=called)
def test_waiting_is_that_of_published_examples(case: dict[str, Any]) -> None:
    load, seconds, soon = (float(case[name]) for name in ("load", "mean_seconds", "within_seconds"))
    assert lines_to_answer(load, seconds, float(case["target"]), soon) == case["lines"]
    assert waiting(load, case["lines"]) == pytest.approx(float(case["waiting"]), abs=0.0005)
    assert answered_within(load, case["lines"], seconds, soon) == pytest.approx(float(case["answered"]), abs=0.0005)


@given(load=st.integers(1, 60), lines=st.integers(0, 80))
def test_the_sum_is_erlangs_recursion_in_exact_fractions(load: int, lines: int) -> None:
    """B(0) = 1, B(n) = A B(n-1) / (n + A B(n-1))."""
    exact = Fraction(1)
    for line in range(1, lines + 1):
        exact = load * exact / (line + load * exact)
    assert refused(load, lines) == pytest.approx(float(exact), rel=1e-13)


@given(load=LOADS, lines=LINES)
def test_more_lines_refuse_fewer_and_more_load_refuses_more(load: float, lines: int) -> None:
    share = refused(load, lines)
    assert 0 <= share < 1
    assert refused(load, lines + 1) <= share
    assert refused(load * 1.01, lines) >= share


@given(load=LOADS, lines=LINES)
def test_no_fewer_wait_than_would_be_refused(load: float, lines: int) -> None:
    """B ≤ C: those that wait keep lines busy that those refused would have left free."""
    assert refused(load, lines) <= waiting(load, lines) <= 1
    assert (waiting(load, lines) == 1) == (lines <= load) or lines > load


@given(load=LOADS, share=st.sampled_from([0.0001, 0.001, 0.01, 0.05, 0.2, 0.5]))
def test_lines_are_enough_and_not_one_too_many(load: float, share: float) -> None:
    lines = lines_for(load, share)
    assert refused(load, lines) <= share * (1 + 1e-9)
    assert lines == 0 or refused(load, lines - 1) > share * (1 - 1e-9)
    assert lines_for(load * 1.01, share) >= lines


@given(load=LOADS, share=st.sampled_from([0.5, 0.8, 0.99]), seconds=st.sampled_from([0, 20, 600]))
def test_calls_are_answered_in_time_by_no_fewer_lines(load: float, share: float, seconds: int) -> None:
    lines = lines_to_answer(load, 300, share, seconds)
    assert lines > load
    assert answered_within(load, lines, 300, seconds) >= share - 1e-9
    assert answered_within(load, lines - 1, 300, seconds) < share + 1e-9
    assert lines_to_answer(load * 1.01, 300, share, seconds) >= lines


@pytest.mark.parametrize("load", [1e2, 1e4, 1e5, 1e6, 1e7])
def test_large_loads_are_counted_in_few_steps_and_with_all_digits(load: float) -> None:
    """At N = A the share refused tends to sqrt(2 / (pi A)) × (1 - ...): within 1% of it from a hundred erlangs on."""
    assert refused(load, int(load)) == pytest.approx((2 / (3.141592653589793 * load)) ** 0.5, rel=0.08 / (load / 100) ** 0.5)
    assert refused(load, 2 * int(load)) == pytest.approx(0, abs=1e-9)
    assert load * 0.98 < lines_for(load, 0.01) < load * 1.2


def test_what_waits_is_answered_in_the_end() -> None:
    """10 erlangs of 180 s on 14 lines: 17.4% wait, 7.8 s on average; a fourth of a call later hardly any still does."""
    assert mean_wait(10, 14, 180) == pytest.approx(waiting(10, 14) * 180 / 4)
    assert 1 - answered_within(10, 14, 180, 45) == pytest.approx(waiting(10, 14) * exp(-1))
    assert mean_wait(10, 10, 180) == float("inf")
    assert answered_within(10, 9, 180, 3600) == 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: refused(-1, 3), "between 0 and 10,000,000 erlangs"),
        (lambda: refused(1e8, 3), "not 100,000,000"),
        (lambda: refused(float("nan"), 3), "between 0 and"),
        (lambda: refused(1, -1), "lines must be 0 or more"),
        (lambda: lines_for(1, 0), "no number of lines refuses none"),
        (lambda: load_for(1, 1), "between 0 and 1"),
        (lambda: lines_to_answer(1, 60, 1, 0), "no number of lines is never busy"),
    ],
)
def test_what_cannot_be_meant_is_refused(wrong: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        wrong()


def test_nobody_calls_or_nobody_answers() -> None:
    assert (refused(0, 1), refused(0, 0), refused(5, 0), lines_for(0, 0.01)) == (0, 1, 1, 1)
