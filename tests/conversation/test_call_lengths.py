"""Call lengths: their shares by the number of turns, and the calls of a month, worked out by hand."""

from dataclasses import replace
from decimal import Decimal
from math import log, sqrt
from statistics import NormalDist

import pytest

from voicebill.billing.errors import InvalidInput
from voicebill.conversation.call_lengths import CallLengths, LengthDistribution, length_buckets
from voicebill.conversation.call_population import DurationCap, call_population
from voicebill.conversation.plan import Plan

PLAN = Plan(minutes=10, turns=20)
"""Two turns a minute."""


def test_observed_lengths_are_grouped_by_their_turns() -> None:
    """At two turns a minute 5.0 and 5.1 minutes are 10 turns: (3 × 5 + 5.1) / 4 = 5.025 minutes; 20 minutes are cut at 15."""
    observed = CallLengths(((20, 4), (Decimal("5.1"), 1), (5, 3), (7, 0)))
    assert length_buckets(PLAN, observed, 60) == [(10, pytest.approx(5.025), 0.5), (40, 20.0, 0.5)]
    assert length_buckets(PLAN, observed, 15)[-1] == (30, 15.0, 0.5)


@pytest.mark.parametrize("coefficient", [0.3, 0.8, 1.5])
def test_buckets_of_a_spread_have_the_share_of_the_lognormal_curve(coefficient: float) -> None:
    """A bucket of n turns has the calls from n - 0.5 to n + 0.5 turns, the first all shorter ones, the last all longer ones."""
    sigma = sqrt(log(1 + coefficient**2))
    curve = NormalDist(log(10) - sigma**2 / 2, sigma)
    buckets = length_buckets(PLAN, LengthDistribution(coefficient), 60)
    assert buckets[-1].turns <= 120
    for bucket in buckets:
        above = 1.0 if bucket.turns == 120 else curve.cdf(log((bucket.turns + 0.5) / 2))
        below = 0.0 if bucket.turns == 1 else curve.cdf(log((bucket.turns - 0.5) / 2))
        assert bucket.share == pytest.approx(above - below, abs=1e-9)
        assert (bucket.turns - 0.5) / 2 - 1e-6 <= bucket.minutes or bucket.turns == 1
        assert bucket.minutes <= (bucket.turns + 0.5) / 2 + 1e-6
    assert sum(bucket.share for bucket in buckets) == pytest.approx(1, abs=1e-6)


def test_a_turn_counts_as_often_as_calls_reach_it() -> None:
    """Of four calls three have 10 turns and one has 40: all reach the tenth, a quarter the eleventh."""
    calls = call_population(PLAN, CallLengths(((5, 3), (20, 1))))
    assert calls.weights == [(10, 3 * 10**12 // 4), (40, 10**12 // 4)]
    assert calls.turn_weights == [10**12] * 10 + [10**12 // 4] * 30
    greeted = call_population(replace(PLAN, first_speaker="assistant"), CallLengths(((5, 3), (20, 1))))
    assert greeted.turn_weights == [10**12] * 11 + [10**12 // 4] * 30
    assert calls.mean_minutes == 8.75


def test_calls_beyond_a_cap_end_there_and_are_counted() -> None:
    """A quarter of the calls is cut at 15 minutes: (3 × 5 + 15) / 4 = 7.5 instead of 8.75 minutes."""
    calls = call_population(PLAN, CallLengths(((5, 3), (20, 1))), DurationCap(15, "session"))
    assert (calls.cut_share, calls.mean_minutes, calls.full_mean_minutes) == (0.25, 7.5, 8.75)
    curve = NormalDist(log(10) - log(1.64) / 2, sqrt(log(1.64)))
    spread = call_population(PLAN, LengthDistribution(Decimal("0.8")), DurationCap(30, "session"))
    assert spread.cut_share == pytest.approx(1 - curve.cdf(log(30)), abs=1e-9)


def test_sessions_are_counted_by_the_length_of_calls() -> None:
    """In sessions of 30 minutes: none for 30 minutes, one for 30.5, two for 90: (0 + 1 + 2 × 2) / 4."""
    calls = call_population(PLAN, CallLengths(((30, 1), (Decimal("30.5"), 1), (90, 2))))
    assert calls.mean_reconnections(30) == 1.25
    assert calls.mean_reconnections(0) == 0


def test_without_variation_every_call_is_the_planned_one() -> None:
    calls = call_population(PLAN, LengthDistribution(0))
    assert (calls.weights, calls.mean_minutes, calls.cut_share) == ([(20, 10**12)], 10, 0)
    assert [call.turns for call in calls.percentiles] == [20, 20, 20]
    cut = call_population(PLAN, LengthDistribution(0), DurationCap(5, "context"))
    assert (cut.longest_turns, cut.mean_minutes, cut.cut_share) == (10, 5, 1)


def test_unconnected_and_short_calls_are_a_share_of_all() -> None:
    """Of ten calls four reach nobody, two end after the first turn of half a minute, and four last ten minutes."""
    plan = replace(PLAN, unconnected_share=Decimal("0.4"), short_share=Decimal("0.2"))
    calls = call_population(plan, LengthDistribution(0))
    assert calls.weights == [(1, 2 * 10**11), (20, 4 * 10**11)]
    assert calls.total_weight == 10**12
    assert calls.mean_minutes == pytest.approx(0.2 * 0.5 + 0.4 * 10)
    assert calls.full_mean_minutes == pytest.approx(calls.mean_minutes)
    assert calls.turn_weights == [6 * 10**11] + [4 * 10**11] * 19
    assert calls.mean_reconnections(30) == calls.mean_reconnections(0) == 0
    assert calls.mean_reconnections(5) == pytest.approx(0.4)


@pytest.mark.parametrize(("unconnected", "short"), [("1", "0"), ("0.7", "0.3"), ("0", "1")])
def test_a_month_must_have_calls_that_the_plan_describes(unconnected: str, short: str) -> None:
    with pytest.raises(InvalidInput, match="must add up to less than 1"):
        replace(PLAN, unconnected_share=Decimal(unconnected), short_share=Decimal(short))
