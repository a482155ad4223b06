"""Sample calls of different lengths: a few weighted plans whose weighted mean is the mean over calls of all lengths.

Of the buckets of call lengths, some are counted; the others are interpolated on a smooth curve. Sampling is deterministic.
"""

from bisect import bisect, bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from typing import Generic, Literal, NamedTuple, TypeVar

from voicebill.billing.errors import ContextOverflow
from voicebill.conversation.call_lengths import (
    MAX_CALL_MINUTES,
    CallLengths,
    LengthBucket,
    LengthDistribution,
    length_buckets,
    longest_call_minutes,
    quantile,
    turn_count,
)
from voicebill.conversation.plan import Plan, with_length

NODES = 32
"""Buckets that are counted; the others are interpolated."""

SILVER_RATIO = 0.414214
"""The silver ratio minus 2: fractional parts of its multiples fill an interval evenly."""


PERCENTS = (10, 50, 90)

NOTICEABLE_SHORTENING = 0.97
"""Answers say so if a cap shortens the mean call to less than this share of the planned one."""


class DurationCap(NamedTuple):
    """Minutes after which calls end, by the session limit or by a full context that may not be truncated."""

    minutes: float
    by: Literal["session", "context"]


def noticeable_cap(
    lengths: LengthDistribution | CallLengths, cap: DurationCap | None, mean_minutes: float, plan: Plan
) -> DurationCap | None:
    """The cap if it makes the mean call noticeably shorter than the plan; observed lengths have a mean of their own."""
    has_mean_of_plan = isinstance(lengths, LengthDistribution)
    return cap if has_mean_of_plan and mean_minutes < NOTICEABLE_SHORTENING * float(plan.minutes) else None


Measure = TypeVar("Measure")
"""What is measured of a call: its usage or its costs."""


class WeightedCall(NamedTuple, Generic[Measure]):
    """The measure of a call of one length, and its weight."""

    minutes: float
    weight: int
    measure: Measure


class DurationLimits(NamedTuple):
    """What may end a call: the session limit in minutes (0: none), and a full context unless the history can be truncated."""

    minutes: int
    can_truncate: bool


@dataclass(frozen=True, slots=True)
class SampledCalls(Generic[Measure]):
    """A weighted sample of calls; its weighted mean is the mean over calls of all lengths.

    `percentiles` has the calls at the 10th, 50th and 90th percentile of call length.
    """

    lengths: LengthDistribution | CallLengths
    cap: DurationCap | None
    mean_minutes: float
    calls: tuple[WeightedCall[Measure], ...]
    percentiles: tuple[tuple[int, WeightedCall[Measure]], ...]


class RepresentativeCalls(NamedTuple):
    """A few plans with weights; a weighted mean over them is the mean over calls of all lengths.

    `longest` is the length in minutes above which calls are not distinguished; None where all calls have the same length.
    """

    cap: DurationCap | None
    longest: float | None
    mean_minutes: float
    weighted_plans: tuple[tuple[Plan, int], ...]


def measure_calls(
    plan: Plan, lengths: LengthDistribution | CallLengths, limits: DurationLimits, run: Callable[[Plan], Measure]
) -> SampledCalls[Measure]:
    """A sample of calls of different lengths; `run` measures each.

    Raises:
        ContextOverflow: the provider would end even the shortest calls with an error.
    """
    representative = representative_plans(plan, lengths, limits, run)
    weighted_calls = tuple(
        WeightedCall(float(call_plan.minutes), weight, run(call_plan)) for call_plan, weight in representative.weighted_plans
    )
    longest = representative.longest
    percentiles = (
        (
            percent,
            weighted_calls[0] if longest is None else _call_of_length(plan, quantile(plan, lengths, percent, longest), run),
        )
        for percent in PERCENTS
    )
    return SampledCalls(lengths, representative.cap, representative.mean_minutes, weighted_calls, tuple(percentiles))


def representative_plans(
    plan: Plan, lengths: LengthDistribution | CallLengths, limits: DurationLimits, run: Callable[[Plan], object]
) -> RepresentativeCalls:
    """Representative calls; `run` must raise ContextOverflow for calls that the provider would end with an error.

    Raises:
        ContextOverflow: the provider would end even the shortest calls with an error.
    """
    spans_sessions = (
        not limits.minutes or plan.minutes > limits.minutes
    )  # calls that go on in another session do not end with one
    cap = None if spans_sessions else DurationCap(float(min(limits.minutes, MAX_CALL_MINUTES)), "session")
    if isinstance(lengths, LengthDistribution) and not lengths.coefficient:
        return RepresentativeCalls(cap, None, float(plan.minutes), ((plan, 1),))
    max_minutes = cap.minutes if cap else longest_call_minutes(plan)
    buckets = length_buckets(plan, lengths, max_minutes)
    fitting = len(buckets) if limits.can_truncate else _count_fitting(plan, buckets, run)
    if fitting < len(buckets):
        cap = DurationCap(buckets[fitting - 1].minutes, "context")
        max_minutes = cap.minutes
        buckets = length_buckets(plan, lengths, max_minutes)
    shares = sum(bucket.share for bucket in buckets)
    mean = sum(bucket.share * bucket.minutes for bucket in buckets) / shares
    return RepresentativeCalls(
        cap, max_minutes, mean, _weighted_plans(plan, buckets, use_means=isinstance(lengths, CallLengths))
    )


def _count_fitting(plan: Plan, buckets: Sequence[LengthBucket], run: Callable[[Plan], object]) -> int:
    """The number of buckets, from the shortest, whose calls the provider does not end with an error; at least 1."""

    def fits(bucket: LengthBucket) -> bool:
        try:
            run(_plan_of_length(plan, bucket))
        except ContextOverflow:
            return False
        return True

    if fits(buckets[-1]):
        return len(buckets)
    return max(1, bisect(range(len(buckets)), False, key=lambda index: not fits(buckets[index])))


def _weighted_plans(plan: Plan, buckets: Sequence[LengthBucket], *, use_means: bool) -> tuple[tuple[Plan, int], ...]:
    """Plans of the sampled buckets with their weights. `use_means`: each has the mean length of its bucket, without jitter."""
    indexes = sample_buckets(buckets)
    unchanged = range(len(buckets)) if use_means or len(indexes) == len(buckets) else (0, len(buckets) - 1)
    nodes = [
        buckets[index] if index in unchanged else jittered(buckets[index], order, plan) for order, index in enumerate(indexes)
    ]
    weights = interpolation_weights(buckets, [node.minutes for node in nodes])
    return tuple((_plan_of_length(plan, node), weight) for node, weight in zip(nodes, weights, strict=True))


def _call_of_length(plan: Plan, minutes: float, run: Callable[[Plan], Measure]) -> WeightedCall[Measure]:
    """A call of the given minutes, with weight 1."""
    call_plan = _plan_of_length(plan, LengthBucket(turn_count(minutes, plan.turns / float(plan.minutes)), minutes, 1))
    return WeightedCall(float(call_plan.minutes), 1, run(call_plan))


def sample_buckets(buckets: Sequence[LengthBucket]) -> list[int]:
    """Indexes of the buckets that are counted: all if there are few, else the shortest, the longest, and others.

    Of the others, six tenths are spread over the calls, three tenths over their cost, which grows with about the square of
    the turns, and one tenth over the whole range, so that no gap is too wide for the interpolation.
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
    """The bucket with a length between its shortest and its longest call, deterministic in `order`.

    With the same minutes per turn in every bucket, all would fill cache blocks in the same way; real calls do not.
    """
    turns = bucket.turns - 0.5 + order * SILVER_RATIO % 1
    return bucket._replace(minutes=turns * float(plan.minutes) / plan.turns)


def interpolation_weights(buckets: Sequence[LengthBucket], nodes: Sequence[float]) -> list[int]:
    """The weight of each node in units of 10^-12, where every bucket lies on the cubic through the four nodes around it."""
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


def _plan_of_length(plan: Plan, bucket: LengthBucket) -> Plan:
    return with_length(plan, bucket.turns, Decimal(f"{bucket.minutes:.6f}"))
