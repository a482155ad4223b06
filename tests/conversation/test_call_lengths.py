"""Call lengths: which are counted, with which weights, worked out by hand; and a mean over few against one over all."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import log, sqrt
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebill.conversation import call_sample
from voicebill.conversation.call_lengths import CallLengths, LengthBucket, LengthDistribution, length_buckets
from voicebill.conversation.call_sample import interpolation_weights, jittered, sample_buckets
from voicebill.conversation.plan import Plan

PLAN = Plan(minutes=10, turns=20)
"""Two turns a minute."""


def buckets_of(shares: Sequence[float]) -> list[LengthBucket]:
    """Buckets of 1, 2, 3… turns with the given shares, half a minute a turn."""
    return [LengthBucket(turns, turns / 2, share) for turns, share in enumerate(shares, start=1)]


@pytest.mark.parametrize(
    ("shares", "indexes"),
    [
        # Calls:   0.40 0.30 0.10 0.10 0.05 0.03 0.02, together 1
        # Cost:    0.40 1.20 0.90 1.60 1.25 1.08 0.98, together 7.41 (share times turns squared)
        # Range:   1    1/2  1/3  1/4  1/5  1/6  1/7,  together 2.5929
        # 0.6 calls / 1 + 0.3 cost / 7.41 + 0.1 range / 2.5929, added up:
        #          0.2948 0.5426 0.6519 0.7863 0.8747 0.9428 1
        # Three between the first and the last, at 1/6, 1/2 and 5/6: the first, the second and the fifth
        ([0.4, 0.3, 0.1, 0.1, 0.05, 0.03, 0.02], [0, 1, 4, 6]),
        # Calls:   five of 0.01, and 0.95
        # Cost:    0.01 0.04 0.09 0.16 0.25 34.2, together 34.75
        # Range:   together 2.45
        # Added up: 0.0469 0.0736 0.0940 0.1116 0.1280 1; 1/6 is beyond the fifth
        ([0.01, 0.01, 0.01, 0.01, 0.01, 0.95], [0, 5]),
        # Nearly all calls are of one turn. Cost: 0.94 0.08 0.09 0.16 0.25 0.36, together 1.88
        # Added up: 0.7548 0.8000 0.8340 0.8758 0.9299 1; 5/6 is just within the third
        ([0.94, 0.02, 0.01, 0.01, 0.01, 0.01], [0, 2, 5]),
        # No more than five: all
        ([0.2, 0.2, 0.2, 0.2, 0.2], [0, 1, 2, 3, 4]),
        ([1.0], [0]),
    ],
)
def test_six_tenths_stand_for_calls_three_for_cost_and_one_for_the_range(
    monkeypatch: pytest.MonkeyPatch, shares: list[float], indexes: list[int]
) -> None:
    """Five buckets are counted: the shortest, the longest, and three between them (some of which may be the same)."""
    monkeypatch.setattr(call_sample, "NODES", 5)
    assert sample_buckets(buckets_of(shares)) == indexes


def test_thirty_two_buckets_are_counted_and_more_only_as_so_many() -> None:
    assert sample_buckets(buckets_of([1 / 32] * 32)) == list(range(32))
    indexes = sample_buckets(buckets_of([1 / 200] * 200))
    assert (indexes[0], indexes[-1]) == (0, 199)
    assert 20 <= len(indexes) <= 32


@pytest.mark.parametrize(
    ("order", "turns"), [(0, "9.5"), (1, "9.914214"), (2, "10.328428"), (3, "9.742642"), (5, "9.57107"), (7, "10.399498")]
)
def test_a_length_lies_within_half_a_turn_of_its_bucket(order: int, turns: str) -> None:
    """From 9.5 turns on, the part of 0.414214 × order beyond whole numbers; half a minute a turn."""
    bucket = jittered(LengthBucket(10, 5.0, 0.25), order, PLAN)
    assert (bucket.turns, bucket.share) == (10, 0.25)
    assert bucket.minutes == pytest.approx(float(Decimal(turns) / 2), abs=1e-12)


@pytest.mark.parametrize(
    ("nodes", "minutes", "sixteenths"),
    [
        # The cubic through four nodes at 1.5 between them, and at half a step from either end
        ([0, 1, 2, 3], 1.5, [-1, 9, 9, -1]),
        ([0, 1, 2, 3, 4], 0.5, [5, 15, -5, 1, 0]),
        ([0, 1, 2, 3, 4], 3.5, [0, 1, -5, 15, 5]),
        # Of five or seven nodes, the two on either side
        ([0, 1, 2, 3, 4], 2.5, [0, -1, 9, 9, -1]),
        ([0, 1, 2, 3, 4, 5, 6], 2.5, [0, -1, 9, 9, -1, 0, 0]),
        ([0, 1, 2, 3, 4, 5, 6], 3.5, [0, 0, -1, 9, 9, -1, 0]),
        # On a node: that one alone
        ([0, 1, 2, 3, 4], 2, [0, 0, 16, 0, 0]),
        ([0, 1, 2, 3, 4], 4, [0, 0, 0, 0, 16]),
        # Two nodes: on the line between them; one node: all
        ([0, 1], 0.25, [12, 4]),
        ([3], 7, [16]),
    ],
)
def test_weights_are_those_of_the_cubic_through_four_nodes(nodes: list[float], minutes: float, sixteenths: list[int]) -> None:
    """Lagrange's weights in sixteenths, in units of 10⁻¹²; a bucket with a quarter of the calls has a quarter of them."""
    full = [count * 10**12 // 16 for count in sixteenths]
    assert interpolation_weights([LengthBucket(1, minutes, 1.0)], nodes) == full
    assert interpolation_weights([LengthBucket(1, minutes, 0.25)], nodes) == [weight // 4 for weight in full]


@given(
    nodes=st.lists(st.integers(1, 400), min_size=4, max_size=32, unique=True).map(sorted),
    minutes=st.lists(st.integers(1, 400), min_size=1, max_size=40),
    cubic=st.tuples(*[st.integers(-9, 9)] * 4),
)
def test_the_mean_of_any_cubic_is_exact(nodes: list[float], minutes: list[int], cubic: tuple[int, ...]) -> None:
    """Within the range of the nodes, as all buckets are: what grows at most with the cube of the length has its exact mean."""
    inside = [minute for minute in minutes if nodes[0] <= minute <= nodes[-1]] or [int(nodes[0])]

    def cost(length: float) -> float:
        return float(sum(factor * (length / 100) ** power for power, factor in enumerate(cubic)))

    weights = interpolation_weights([LengthBucket(1, minute, 1 / len(inside)) for minute in inside], nodes)
    few = sum(weight * cost(node) for weight, node in zip(weights, nodes, strict=True)) / 10**12
    assert few == pytest.approx(sum(map(cost, inside)) / len(inside), abs=1e-5)


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


@pytest.mark.parametrize("turns", [20, 40])
@pytest.mark.parametrize("coefficient", [0.5, 0.8, 1.0])
def test_the_mean_over_the_counted_buckets_is_that_over_all_within_a_thousandth(turns: int, coefficient: float) -> None:
    """A cost that grows with the square of the turns, as re-read history does, and one that grows with their number."""
    plan = Plan(minutes=10, turns=turns)
    buckets = length_buckets(plan, LengthDistribution(coefficient), 60)
    indexes = sample_buckets(buckets)
    assert len(indexes) < len(buckets)
    weights = interpolation_weights(buckets, [buckets[index].minutes for index in indexes])
    for power in (1, 2):
        few = sum(
            Fraction(weight, 10**12) * buckets[index].turns ** power for weight, index in zip(weights, indexes, strict=True)
        )
        every = sum(bucket.share * bucket.turns**power for bucket in buckets)
        assert float(few) == pytest.approx(every, rel=1e-3)
