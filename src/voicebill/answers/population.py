"""A month of calls: lengths differ, and since every turn reads the history again, long calls cost more than they are long.

So the average of the costs is more than the cost of the average. Calls are put together by their number of turns, and a
few of these groups are priced, each as the plan that it is; the others lie on a smooth curve between them. Nothing is
drawn by chance.
"""

from bisect import bisect, bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from math import erf, log, sqrt
from typing import NamedTuple

from voicebill.answers.offered import Offered
from voicebill.answers.scenarios import Scenarios, costs
from voicebill.billing.checks import Number, exact
from voicebill.billing.errors import InvalidInput
from voicebill.billing.money import Amount
from voicebill.conversation.plan import Plan, at_length

ASSUMED_SPREAD = Decimal("0.8")
"""Coefficient of variation of call lengths where nothing is known. Service times in call centres are lognormal (Brown et
al., JASA 2005); how wide they spread differs by business, so this figure is assumed, and your own logs should replace it."""

NODES = 32
"""Groups of calls that are priced; the rest is interpolated."""

LONGEST_MINUTES = 1440
SMALLEST_SHARE = 1e-9


@dataclass(frozen=True, slots=True)
class Spread:
    """How call lengths differ: lognormal with a coefficient of variation (standard deviation over mean)."""

    coefficient: Number = ASSUMED_SPREAD

    def __post_init__(self) -> None:
        object.__setattr__(self, "coefficient", exact("the spread of lengths", self.coefficient))
        if not 0 <= self.coefficient <= 5:
            raise InvalidInput(f"the spread of lengths must be between 0 and 5, not {self.coefficient}")


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
            if not 0 < exact("minutes", minutes) <= LONGEST_MINUTES or type(count) is not int or count < 0:
                raise InvalidInput(f"a call lasts between 0 and 1,440 minutes, and calls are whole: {minutes}, {count}")


@dataclass(frozen=True, slots=True)
class Percentile:
    """A call that is at least as long as `percent` of all calls, and what it is expected to cost."""

    percent: int
    minutes: float
    amount: Amount


@dataclass(frozen=True, slots=True)
class Population:
    """What a call costs on average over all lengths.

    `surcharge` is how much more that is than the call that the plan describes, as a share of it, both expected. Calls
    longer than `cap_minutes`, the end of a session, are counted as so long; there is none where the plan itself needs more
    than one session.
    """

    lengths: Spread | Lengths
    mean: Scenarios
    surcharge: Fraction
    cap_minutes: int | None
    percentiles: tuple[Percentile, ...]


class Group(NamedTuple):
    """The calls of one number of turns: their mean length and their share of all calls."""

    turns: int
    minutes: float
    share: float


def population(plan: Plan, lengths: Spread | Lengths, sold: Offered) -> Population:
    """The cost of a call on average, where the plan describes the call of average length.

    Turns, tool calls and text turns grow with the length. With a spread of 0 every call is the plan's. Measured beside 2,000
    lengths priced one by one: within 0.1 % at two turns a minute, 0.3 % at five, where cache blocks weigh more.

    Raises:
        ContextOverflow: the provider would end the longest calls with an error.
    """
    per_minute = plan.turns / float(plan.minutes)
    limit = sold.ruling.rules.session_minutes if plan.session_minutes is None else plan.session_minutes
    if plan.minutes > limit:
        limit = 0  # calls that go on in another session do not end with one
    average = costs(plan, sold)
    if isinstance(lengths, Spread) and not lengths.coefficient:
        same = tuple(Percentile(percent, float(plan.minutes), average.expected) for percent in (10, 50, 90))
        return Population(lengths, average, Fraction(0), limit or None, same)
    groups = _groups(plan, lengths, per_minute, float(limit or LONGEST_MINUTES))
    nodes = _nodes(groups)
    priced = [_cost(plan, node, sold) for node in nodes]
    weights = _weights(groups, [node.minutes for node in nodes])
    mean = Scenarios(*(_weighted(weights, [getattr(each, name) for each in priced]) for name in ("best", "expected", "worst")))
    return Population(
        lengths=lengths,
        mean=mean,
        surcharge=Fraction(mean.expected) / Fraction(average.expected) - 1 if average.expected else Fraction(0),
        cap_minutes=limit or None,
        percentiles=tuple(_percentiles(plan, groups, sold)),
    )


def _groups(plan: Plan, lengths: Spread | Lengths, per_minute: float, cap: float) -> list[Group]:
    if isinstance(lengths, Spread):
        found = list(_lognormal(float(plan.minutes), float(lengths.coefficient), per_minute, cap))
    else:
        found = _counted(lengths, per_minute, cap)
    return [group for group in found if group.share > SMALLEST_SHARE]


def _turns(minutes: float, per_minute: float) -> int:
    return max(1, round(minutes * per_minute))


def _counted(lengths: Lengths, per_minute: float, cap: float) -> list[Group]:
    sums: dict[int, tuple[float, int]] = {}
    whole = sum(count for _, count in lengths.counted)
    for said, count in lengths.counted:
        minutes = min(float(said), cap)
        turns = _turns(minutes, per_minute)
        total, calls = sums.get(turns, (0.0, 0))
        sums[turns] = (total + minutes * count, calls + count)
    return [Group(turns, total / calls, calls / whole) for turns, (total, calls) in sorted(sums.items()) if calls]


def _lognormal(mean: float, coefficient: float, per_minute: float, cap: float) -> Iterator[Group]:
    """The groups of a lognormal distribution, its tail beyond the cap put at the cap."""
    sigma = sqrt(log(1 + coefficient**2))
    mu = log(mean) - sigma**2 / 2

    def normal(value: float) -> float:
        return 0.5 * (1 + erf(value / sqrt(2)))

    reached = spent = 0.0
    last = _turns(cap, per_minute)
    for turns in range(1, last + 1):
        upto = cap if turns == last else min((turns + 0.5) / per_minute, cap)
        z = (log(upto) - mu) / sigma
        share, minutes = normal(z) - reached, mean * normal(z - sigma) - spent
        reached, spent = reached + share, spent + minutes
        if turns == last:
            share, minutes = share + 1 - reached, minutes + (1 - reached) * cap
        if share > SMALLEST_SHARE:
            yield Group(turns, minutes / share, share)


def _nodes(groups: Sequence[Group]) -> list[Group]:
    """The groups that are priced: all of a few, else more among the short calls, which are most."""
    if len(groups) <= NODES:
        return list(groups)
    last = len(groups) - 1
    return [groups[at] for at in sorted({round(last * (step / (NODES - 1)) ** 1.5) for step in range(NODES)})]


def _weights(groups: Sequence[Group], nodes: Sequence[float]) -> list[Fraction]:
    """How much each node counts, when every group lies on the cubic through the four nodes around it."""
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
    whole = sum(weights)
    return [Fraction(weight / whole) for weight in weights]


def _weighted(weights: Sequence[Fraction], amounts: Sequence[Amount]) -> Fraction:
    return sum((weight * Fraction(amount) for weight, amount in zip(weights, amounts, strict=True)), Fraction(0))


def _cost(plan: Plan, group: Group, sold: Offered) -> Scenarios:
    """The amounts of the plan at another length."""
    return costs(at_length(plan, group.turns, Decimal(f"{group.minutes:.6f}")), sold)


def _percentiles(plan: Plan, groups: Sequence[Group], sold: Offered) -> Iterator[Percentile]:
    reached = list(accumulate(group.share for group in groups))
    for percent in (10, 50, 90):
        group = groups[min(bisect_left(reached, percent / 100), len(groups) - 1)]
        yield Percentile(percent, group.minutes, _cost(plan, group, sold).expected)
