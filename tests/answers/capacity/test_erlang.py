"""Erlang's formulas, against published tables and what must always hold."""

from fractions import Fraction
from math import exp
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cases import case_file, case_name
from voicebill.answers.capacity.erlang import (
    channels_for_blocking,
    channels_for_service_level,
    erlang_b,
    erlang_c,
    load_for_blocking,
    mean_wait,
    service_level,
)
from voicebill.billing.errors import InvalidInput

CASES = case_file("erlangs.toml")
LOADS = st.floats(0.01, 2_000, allow_nan=False)
CHANNELS = st.integers(1, 2_200)


@pytest.mark.parametrize("case", CASES["refused"], ids=case_name)
def test_the_load_that_channels_carry_is_that_of_published_tables(case: dict[str, Any]) -> None:
    for row in case["loads"]:
        load = load_for_blocking(row["channels"], float(case["share"]))
        assert load == pytest.approx(float(row["load"]), abs=float(case["within"]))
        assert channels_for_blocking(load * 0.9999, float(case["share"])) == row["channels"]
        assert channels_for_blocking(load * 1.0001, float(case["share"])) == row["channels"] + 1


@pytest.mark.parametrize("case", CASES["waiting"], ids=case_name)
def test_waiting_is_that_of_published_examples(case: dict[str, Any]) -> None:
    load, seconds, soon = (float(case[name]) for name in ("load", "mean_seconds", "within_seconds"))
    assert channels_for_service_level(load, seconds, float(case["target"]), soon) == case["channels"]
    assert erlang_c(load, case["channels"]) == pytest.approx(float(case["waiting"]), abs=0.0005)
    assert service_level(load, case["channels"], seconds, soon) == pytest.approx(float(case["answered"]), abs=0.0005)


@given(load=st.integers(1, 60), channels=st.integers(0, 80))
def test_the_sum_is_erlangs_recursion_in_exact_fractions(load: int, channels: int) -> None:
    """B(0) = 1, B(n) = A B(n-1) / (n + A B(n-1))."""
    exact = Fraction(1)
    for channel in range(1, channels + 1):
        exact = load * exact / (channel + load * exact)
    assert erlang_b(load, channels) == pytest.approx(float(exact), rel=1e-13)


@given(load=LOADS, channels=CHANNELS)
def test_more_channels_refuse_fewer_and_more_load_refuses_more(load: float, channels: int) -> None:
    share = erlang_b(load, channels)
    assert 0 <= share < 1
    assert erlang_b(load, channels + 1) <= share
    assert erlang_b(load * 1.01, channels) >= share


@given(load=LOADS, channels=CHANNELS)
def test_no_fewer_wait_than_would_be_refused(load: float, channels: int) -> None:
    """B ≤ C: those that wait keep channels busy that those refused would have left free."""
    assert erlang_b(load, channels) <= erlang_c(load, channels) <= 1
    assert (erlang_c(load, channels) == 1) == (channels <= load) or channels > load


@given(load=LOADS, share=st.sampled_from([0.0001, 0.001, 0.01, 0.05, 0.2, 0.5]))
def test_channels_are_enough_and_not_one_too_many(load: float, share: float) -> None:
    channels = channels_for_blocking(load, share)
    assert erlang_b(load, channels) <= share * (1 + 1e-9)
    assert channels == 0 or erlang_b(load, channels - 1) > share * (1 - 1e-9)
    assert channels_for_blocking(load * 1.01, share) >= channels


@given(load=LOADS, share=st.sampled_from([0.5, 0.8, 0.99]), seconds=st.sampled_from([0, 20, 600]))
def test_calls_are_answered_in_time_by_no_fewer_channels(load: float, share: float, seconds: int) -> None:
    channels = channels_for_service_level(load, 300, share, seconds)
    assert channels > load
    assert service_level(load, channels, 300, seconds) >= share - 1e-9
    assert service_level(load, channels - 1, 300, seconds) < share + 1e-9
    assert channels_for_service_level(load * 1.01, 300, share, seconds) >= channels


@pytest.mark.parametrize("load", [1e2, 1e4, 1e5, 1e6, 1e7])
def test_large_loads_are_counted_in_few_steps_and_with_all_digits(load: float) -> None:
    """At N = A the share blocked tends to sqrt(2 / (pi A)) × (1 - ...): within 1% of it from a hundred erlangs on."""
    assert erlang_b(load, int(load)) == pytest.approx((2 / (3.141592653589793 * load)) ** 0.5, rel=0.08 / (load / 100) ** 0.5)
    assert erlang_b(load, 2 * int(load)) == pytest.approx(0, abs=1e-9)
    assert load * 0.98 < channels_for_blocking(load, 0.01) < load * 1.2


def test_what_waits_is_answered_in_the_end() -> None:
    """10 erlangs of 180 s on 14 channels: 17.4% wait, 7.8 s on average; a fourth of a call later hardly any still does."""
    assert mean_wait(10, 14, 180) == pytest.approx(erlang_c(10, 14) * 180 / 4)
    assert 1 - service_level(10, 14, 180, 45) == pytest.approx(erlang_c(10, 14) * exp(-1))
    assert mean_wait(10, 10, 180) == float("inf")
    assert service_level(10, 9, 180, 3600) == 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: erlang_b(-1, 3), "between 0 and 10,000,000 erlangs"),
        (lambda: erlang_b(1e8, 3), "not 100,000,000"),
        (lambda: erlang_b(float("nan"), 3), "between 0 and"),
        (lambda: erlang_b(1, -1), "channels must be 0 or more"),
        (lambda: channels_for_blocking(1, 0), "no number of channels blocks no calls"),
        (lambda: load_for_blocking(1, 1), "between 0 and 1"),
        (lambda: channels_for_service_level(1, 60, 1, 0), "no number of channels is never busy"),
    ],
)
def test_what_cannot_be_meant_is_refused(wrong: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        wrong()


def test_nobody_calls_or_nobody_answers() -> None:
    assert (erlang_b(0, 1), erlang_b(0, 0), erlang_b(5, 0), channels_for_blocking(0, 0.01)) == (0, 1, 1, 1)
