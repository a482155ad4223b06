"""How call lengths differ, and which lengths stand for all of them.

Calls are put together by their number of turns. Some of these groups are run; every other lies on a smooth curve between
them, so that a weighted mean over few is the mean over all. Nothing is drawn by chance.
"""

from bisect import bisect, bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from math import ceil, erf, exp, log, sqrt
from typing import NamedTuple

from voicebill.billing.errors import InvalidInput
from voicebill.billing.validation import Number, to_decimal
from voicebill.conversation.plan import Plan

ASSUMED_LENGTH_CV = Decimal("0.8")
"""Coefficient of variation of call lengths where nothing is known. Service times in call centres are lognormal (Brown et
al., JASA 2005); how wide they spread differs by business, so this figure is assumed, and your own logs should replace it."""

NODES = 32
"""Groups of calls that are run; the rest is interpolated."""

SILVER_RATIO = 0.414214
"""Multiples of it, without their whole part, fill an interval evenly."""


MIN_LENGTH_CV = Decimal("0.001")
"""Below that calls are all alike."""

MAX_CALL_MINUTES = 1440
MAX_MULTIPLE_OF_MEAN = 6
"""Calls that go on in another session are counted up to so many times the average one; longer ones as so long."""

MAX_BILLING_STEPS = 20_000
"""Up to so many steps of a carrier's rounding are added up; of finer ones a call is taken to be billed half of one more."""

MIN_SHARE = 1e-9


@dataclass(frozen=True, slots=True)
class LengthDistribution:
    """How call lengths differ: lognormal with a coefficient of variation (standard deviation over mean)."""

    coefficient: Number = ASSUMED_LENGTH_CV

    def __post_init__(self) -> None:
        object.__setattr__(self, "coefficient", to_decimal("the spread of lengths", self.coefficient))
        if not 0 <= self.coefficient <= 5:
            raise InvalidInput(f"the spread of lengths must be between 0 and 5, not {self.coefficient}")
        if self.coefficient < MIN_LENGTH_CV:
            object.__setattr__(self, "coefficient", Decimal(0))


@dataclass(frozen=True, slots=True)
class CallLengths:
    """Call lengths as they were counted: minutes, and how many calls lasted so long.

    They replace the plan's length; its turns a minute stay.
    """

    counts: tuple[tuple[Number, int], ...]

    def __post_init__(self) -> None:
        if not any(count for _, count in self.counts):
            raise InvalidInput("there are no call lengths")
        for minutes, count in self.counts:
            if not 0 < to_decimal("minutes", minutes) <= MAX_CALL_MINUTES or type(count) is not int or not 0 <= count <= 10**9:
                raise InvalidInput(
                    f"a call lasts more than 0 and at most 1,440 minutes, not {minutes}; calls are whole: {count}"
                )


class LengthBucket(NamedTuple):
    """The calls of one number of turns: their mean length and their share of all calls."""

    turns: int
    minutes: float
    share: float


def length_buckets(plan: Plan, lengths: LengthDistribution | CallLengths, cap: float) -> list[LengthBucket]:
    """Calls put together by their number of turns, the shortest first; those longer than `cap` minutes count as so long."""
    per_minute = plan.turns / float(plan.minutes)
    if isinstance(lengths, LengthDistribution):
        buckets = list(_lognormal_buckets(float(plan.minutes), float(lengths.coefficient), per_minute, cap))
    else:
        buckets = _observed_buckets(lengths, per_minute, cap)
    return [bucket for bucket in buckets if bucket.share > MIN_SHARE]


def turn_count(minutes: float, per_minute: float) -> int:
    """Turns of a call of some length, where there are so many a minute."""
    return max(1, round(minutes * per_minute))


def _observed_buckets(lengths: CallLengths, per_minute: float, cap: float) -> list[LengthBucket]:
    sums: dict[int, tuple[float, int]] = {}
    call_count = sum(count for _, count in lengths.counts)
    for observed_minutes, count in lengths.counts:
        minutes = min(float(observed_minutes), cap)
        turns = turn_count(minutes, per_minute)
        total, calls = sums.get(turns, (0.0, 0))
        sums[turns] = (total + minutes * count, calls + count)
    return [LengthBucket(turns, total / calls, calls / call_count) for turns, (total, calls) in sorted(sums.items()) if calls]


def quantile(plan: Plan, lengths: LengthDistribution | CallLengths, percent: int, cap: float) -> float:
    """Minutes that so many per cent of the calls last at most."""
    if isinstance(lengths, CallLengths):
        ordered = sorted((float(minutes), count) for minutes, count in lengths.counts)
        cumulative = list(accumulate(count for _, count in ordered))
        return min(ordered[bisect_left(cumulative, cumulative[-1] * percent / 100)][0], cap)
    mu, sigma = _lognormal_parameters(float(plan.minutes), float(lengths.coefficient))
    low, high = -8.0, 8.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _normal_cdf(middle) < percent / 100 else (low, middle)
    return min(exp(mu + low * sigma), cap)


def mean_billed_ms(plan: Plan, lengths: LengthDistribution | CallLengths, step_ms: int, cap: float) -> Fraction:
    """Milliseconds that calls are billed on average, each rounded up to a step by itself; none is longer than `cap` minutes.

    A call is billed one step more for every multiple of the step that it exceeds, so that the mean is the sum of the shares of
    calls that do. A step of 1 leaves calls as they are.

    >>> counted = CallLengths(((Decimal("1.5"), 3), (4, 1)))  # three of 90 s and one of 240 s, to whole minutes
    >>> mean_billed_ms(Plan(minutes=2, turns=4), counted, 60_000, 60)
    Fraction(150000, 1)
    """
    if isinstance(lengths, CallLengths):
        call_count = sum(count for _, count in lengths.counts)
        billed_ms = (count * _round_up(min(Fraction(minutes), Fraction(cap)), step_ms) for minutes, count in lengths.counts)
        return Fraction(sum(billed_ms), call_count)
    if not lengths.coefficient:
        return Fraction(_round_up(Fraction(plan.minutes), step_ms))
    mean, step = float(plan.minutes), step_ms / 60_000
    mu, sigma = _lognormal_parameters(mean, float(lengths.coefficient))
    steps = ceil(cap / step)
    if steps <= MAX_BILLING_STEPS:
        longer = (1 - _normal_cdf((log(index * step) - mu) / sigma) for index in range(1, steps))
        return step_ms * Fraction(1 + sum(longer))
    z = (log(cap) - mu) / sigma
    minutes = mean * _normal_cdf(z - sigma) + cap * (1 - _normal_cdf(z))
    return Fraction(minutes * 60_000) + Fraction(step_ms - 1, 2)


def _round_up(minutes: Fraction, step_ms: int) -> int:
    return -(-round(minutes * 60_000) // step_ms) * step_ms


def _lognormal_parameters(mean: float, coefficient: float) -> tuple[float, float]:
    """The mean and the deviation of the logarithm."""
    sigma = sqrt(log(1 + coefficient**2))
    return log(mean) - sigma**2 / 2, sigma


def _normal_cdf(value: float) -> float:
    return 0.5 * (1 + erf(value / sqrt(2)))


def _lognormal_buckets(mean: float, coefficient: float, per_minute: float, cap: float) -> Iterator[LengthBucket]:
    """The groups of a lognormal distribution, its tail beyond the cap put at the cap."""
    mu, sigma = _lognormal_parameters(mean, coefficient)
    cumulative_share = cumulative_minutes = 0.0
    last = turn_count(cap, per_minute)
    for turns in range(1, last + 1):
        upper = cap if turns == last else min((turns + 0.5) / per_minute, cap)
        z = (log(upper) - mu) / sigma
        share, minutes = _normal_cdf(z) - cumulative_share, mean * _normal_cdf(z - sigma) - cumulative_minutes
        cumulative_share, cumulative_minutes = cumulative_share + share, cumulative_minutes + minutes
        if turns == last:
            share, minutes = share + 1 - cumulative_share, minutes + (1 - cumulative_share) * cap
        if share > MIN_SHARE:
            yield LengthBucket(turns, min(minutes / share, cap), share)


def sample_buckets(buckets: Sequence[LengthBucket]) -> list[int]:
    """Which groups are run: all of a few; else the shortest, the longest, and others.

    Of these, six tenths are spread over the calls, three over what they cost, which grows with about the square of their
    turns, and one over the whole range, so that no gap is too wide for the curve between them.
    """
    last = len(buckets) - 1
    if last < NODES:
        return list(range(last + 1))
    indexes = {0, last}
    shares = [bucket.share for bucket in buckets]
    costs = [bucket.share * bucket.turns**2 for bucket in buckets]
    steps = [1 / bucket.turns for bucket in buckets]
    count, totals = NODES - len(indexes), (sum(shares), sum(costs), sum(steps))
    parts = zip(shares, costs, steps, strict=True)
    cumulative = list(accumulate(0.6 * s / totals[0] + 0.3 * c / totals[1] + 0.1 * g / totals[2] for s, c, g in parts))
    indexes.update(min(bisect_left(cumulative, (step + 0.5) / count), last) for step in range(count))
    return sorted(indexes)


def jittered(bucket: LengthBucket, order: int, plan: Plan) -> LengthBucket:
    """The group, represented by a call somewhere between its shortest and its longest.

    Groups of the same minutes a turn would all fill the cache's blocks alike; lengths as they come do not.
    """
    turns = bucket.turns - 0.5 + order * SILVER_RATIO % 1
    return bucket._replace(minutes=turns * float(plan.minutes) / plan.turns)


def interpolation_weights(buckets: Sequence[LengthBucket], nodes: Sequence[float]) -> list[int]:
    """How much each node counts, in millionths of millionths, when every group lies on the cubic through the four nodes
    around it.
    """
    weights = [0.0] * len(nodes)
    for bucket in buckets:
        first = max(0, min(bisect(nodes, bucket.minutes) - 2, len(nodes) - 4))
        neighbours = range(first, min(first + 4, len(nodes)))
        for index in neighbours:
            weight = bucket.share
            for other in neighbours:
                if other != index:
                    weight *= (bucket.minutes - nodes[other]) / (nodes[index] - nodes[other])
            weights[index] += weight
    return [round(weight * 10**12) for weight in weights]
