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

from voicebill.billing.checks import Number, exact
from voicebill.billing.errors import InvalidInput
from voicebill.conversation.plan import Plan

ASSUMED_SPREAD = Decimal("0.8")
"""Coefficient of variation of call lengths where nothing is known. Service times in call centres are lognormal (Brown et
al., JASA 2005); how wide they spread differs by business, so this figure is assumed, and your own logs should replace it."""

NODES = 32
"""Groups of calls that are run; the rest is interpolated."""

SILVER = 0.414214
"""Multiples of it, without their whole part, fill an interval evenly."""


LEAST_SPREAD = Decimal("0.001")
"""Below that calls are all alike."""

LONGEST_MINUTES = 1440
LONGEST_TIMES = 6
"""Calls that go on in another session are counted up to so many times the average one; longer ones as so long."""

MOST_STEPS = 20_000
"""Up to so many steps of a carrier's rounding are added up; of finer ones a call is taken to be billed half of one more."""

SMALLEST_SHARE = 1e-9


@dataclass(frozen=True, slots=True)
class Spread:
    """How call lengths differ: lognormal with a coefficient of variation (standard deviation over mean)."""

    coefficient: Number = ASSUMED_SPREAD

    def __post_init__(self) -> None:
        object.__setattr__(self, "coefficient", exact("the spread of lengths", self.coefficient))
        if not 0 <= self.coefficient <= 5:
            raise InvalidInput(f"the spread of lengths must be between 0 and 5, not {self.coefficient}")
        if self.coefficient < LEAST_SPREAD:
            object.__setattr__(self, "coefficient", Decimal(0))


@dataclass(frozen=True, slots=True)
class Lengths:
    """Call lengths as they were counted: minutes, and how many calls lasted so long.

    They replace the plan's length; its turns a minute stay.
    """

    counted: tuple[tuple[Number, int], ...]

    def __post_init__(self) -> None:
        if not any(count for _, count in self.counted):
            raise InvalidInput("there are no call lengths")
        for minutes, count in self.counted:
            if not 0 < exact("minutes", minutes) <= LONGEST_MINUTES or type(count) is not int or not 0 <= count <= 10**9:
                raise InvalidInput(
                    f"a call lasts more than 0 and at most 1,440 minutes, not {minutes}; calls are whole: {count}"
                )


class Group(NamedTuple):
    """The calls of one number of turns: their mean length and their share of all calls."""

    turns: int
    minutes: float
    share: float


def groups_of(plan: Plan, lengths: Spread | Lengths, cap: float) -> list[Group]:
    """Calls put together by their number of turns, the shortest first; those longer than `cap` minutes count as so long."""
    per_minute = plan.turns / float(plan.minutes)
    if isinstance(lengths, Spread):
        found = list(_lognormal(float(plan.minutes), float(lengths.coefficient), per_minute, cap))
    else:
        found = _counted(lengths, per_minute, cap)
    return [group for group in found if group.share > SMALLEST_SHARE]


def turns_in(minutes: float, per_minute: float) -> int:
    """Turns of a call of some length, where there are so many a minute."""
    return max(1, round(minutes * per_minute))


def _counted(lengths: Lengths, per_minute: float, cap: float) -> list[Group]:
    sums: dict[int, tuple[float, int]] = {}
    whole = sum(count for _, count in lengths.counted)
    for said, count in lengths.counted:
        minutes = min(float(said), cap)
        turns = turns_in(minutes, per_minute)
        total, calls = sums.get(turns, (0.0, 0))
        sums[turns] = (total + minutes * count, calls + count)
    return [Group(turns, total / calls, calls / whole) for turns, (total, calls) in sorted(sums.items()) if calls]


def quantile(plan: Plan, lengths: Spread | Lengths, percent: int, cap: float) -> float:
    """Minutes that so many per cent of the calls last at most."""
    if isinstance(lengths, Lengths):
        ordered = sorted((float(minutes), count) for minutes, count in lengths.counted)
        reached = list(accumulate(count for _, count in ordered))
        return min(ordered[bisect_left(reached, reached[-1] * percent / 100)][0], cap)
    mu, sigma = _lognormal_of(float(plan.minutes), float(lengths.coefficient))
    low, high = -8.0, 8.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _normal(middle) < percent / 100 else (low, middle)
    return min(exp(mu + low * sigma), cap)


def mean_billed_ms(plan: Plan, lengths: Spread | Lengths, step_ms: int, cap: float) -> Fraction:
    """Milliseconds that calls are billed on average, each rounded up to a step by itself; none is longer than `cap` minutes.

    A call is billed one step more for every multiple of the step that it exceeds, so that the mean is the sum of the shares of
    calls that do. A step of 1 leaves calls as they are.

    >>> counted = Lengths(((Decimal("1.5"), 3), (4, 1)))  # three of 90 s and one of 240 s, to whole minutes
    >>> mean_billed_ms(Plan(minutes=2, turns=4), counted, 60_000, 60)
    Fraction(150000, 1)
    """
    if isinstance(lengths, Lengths):
        whole = sum(count for _, count in lengths.counted)
        billed = (count * _rounded_up(min(Fraction(minutes), Fraction(cap)), step_ms) for minutes, count in lengths.counted)
        return Fraction(sum(billed), whole)
    if not lengths.coefficient:
        return Fraction(_rounded_up(Fraction(plan.minutes), step_ms))
    mean, step = float(plan.minutes), step_ms / 60_000
    mu, sigma = _lognormal_of(mean, float(lengths.coefficient))
    steps = ceil(cap / step)
    if steps <= MOST_STEPS:
        longer = (1 - _normal((log(at * step) - mu) / sigma) for at in range(1, steps))
        return step_ms * Fraction(1 + sum(longer))
    z = (log(cap) - mu) / sigma
    minutes = mean * _normal(z - sigma) + cap * (1 - _normal(z))
    return Fraction(minutes * 60_000) + Fraction(step_ms - 1, 2)


def _rounded_up(minutes: Fraction, step_ms: int) -> int:
    return -(-round(minutes * 60_000) // step_ms) * step_ms


def _lognormal_of(mean: float, coefficient: float) -> tuple[float, float]:
    """The mean and the deviation of the logarithm."""
    sigma = sqrt(log(1 + coefficient**2))
    return log(mean) - sigma**2 / 2, sigma


def _normal(value: float) -> float:
    return 0.5 * (1 + erf(value / sqrt(2)))


def _lognormal(mean: float, coefficient: float, per_minute: float, cap: float) -> Iterator[Group]:
    """The groups of a lognormal distribution, its tail beyond the cap put at the cap."""
    mu, sigma = _lognormal_of(mean, coefficient)
    reached = spent = 0.0
    last = turns_in(cap, per_minute)
    for turns in range(1, last + 1):
        upto = cap if turns == last else min((turns + 0.5) / per_minute, cap)
        z = (log(upto) - mu) / sigma
        share, minutes = _normal(z) - reached, mean * _normal(z - sigma) - spent
        reached, spent = reached + share, spent + minutes
        if turns == last:
            share, minutes = share + 1 - reached, minutes + (1 - reached) * cap
        if share > SMALLEST_SHARE:
            yield Group(turns, min(minutes / share, cap), share)


def chosen(groups: Sequence[Group]) -> list[int]:
    """Which groups are run: all of a few; else the shortest, the longest, and others.

    Of these, six tenths are spread over the calls, three over what they cost, which grows with about the square of their
    turns, and one over the whole range, so that no gap is too wide for the curve between them.
    """
    last = len(groups) - 1
    if last < NODES:
        return list(range(last + 1))
    at = {0, last}
    shares = [group.share for group in groups]
    costs = [group.share * group.turns**2 for group in groups]
    steps = [1 / group.turns for group in groups]
    many, whole = NODES - len(at), (sum(shares), sum(costs), sum(steps))
    parts = zip(shares, costs, steps, strict=True)
    reached = list(accumulate(0.6 * s / whole[0] + 0.3 * c / whole[1] + 0.1 * g / whole[2] for s, c, g in parts))
    at.update(min(bisect_left(reached, (step + 0.5) / many), last) for step in range(many))
    return sorted(at)


def within(group: Group, order: int, plan: Plan) -> Group:
    """The group, represented by a call somewhere between its shortest and its longest.

    Groups of the same minutes a turn would all fill the cache's blocks alike; lengths as they come do not.
    """
    turns = group.turns - 0.5 + order * SILVER % 1
    return group._replace(minutes=turns * float(plan.minutes) / plan.turns)


def weights_of(groups: Sequence[Group], nodes: Sequence[float]) -> list[int]:
    """How much each node counts, in millionths of millionths, when every group lies on the cubic through the four nodes
    around it.
    """
    weights = [0.0] * len(nodes)
    for group in groups:
        first = max(0, min(bisect(nodes, group.minutes) - 2, len(nodes) - 4))
        around = range(first, min(first + 4, len(nodes)))
        for at in around:
            weight = group.share
            for other in around:
                if other != at:
                    weight *= (group.minutes - nodes[other]) / (nodes[at] - nodes[other])
            weights[at] += weight
    return [round(weight * 10**12) for weight in weights]
