"""Model the distribution of call lengths, lognormal or as observed, in buckets of calls with equal turns."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache, lru_cache
from itertools import accumulate
from math import ceil, erf, exp, log, sqrt
from typing import NamedTuple

from voicebill.billing.errors import InvalidInput
from voicebill.billing.validation import Between, Number, to_decimal, to_decimal_between
from voicebill.conversation.plan import Plan

ASSUMED_LENGTH_CV = Decimal("0.8")
"""Coefficient of variation of call lengths unless it is given. Service times in call centres are lognormal (Brown et al.,
JASA 2005); their variation differs by business, so this figure is assumed, and your own logs should replace it."""

LENGTH_CV_BOUNDS = Between(0, 5)
"""Bounds of the coefficient of variation of call lengths."""

MIN_LENGTH_CV = Decimal("0.001")
"""Smaller coefficients of variation count as 0."""

MAX_CALL_MINUTES = 1440
MAX_MULTIPLE_OF_MEAN = 6
"""Without a session cap, calls longer than this multiple of the mean are counted at that length."""

MAX_BILLING_STEPS = 20_000
"""The maximum number of billing increments that are summed exactly; with more, calls are billed half an increment more."""

MIN_SHARE = 1e-9
MANY_TURNS = 300
"""If the longest call has more turns, the shapes of four plans only are kept: one of 3,600 turns takes half a megabyte."""

ROOT_OF_TWO = sqrt(2)


@dataclass(frozen=True, slots=True)
class LengthDistribution:
    """Lognormal call lengths with a coefficient of variation (standard deviation divided by mean)."""

    coefficient: Number = ASSUMED_LENGTH_CV

    def __post_init__(self) -> None:
        object.__setattr__(self, "coefficient", to_decimal_between("call_length_cv", self.coefficient, LENGTH_CV_BOUNDS))
        if self.coefficient < MIN_LENGTH_CV:
            object.__setattr__(self, "coefficient", Decimal(0))


@dataclass(frozen=True, slots=True)
class CallLengths:
    """Observed call lengths: pairs of minutes and the number of calls of that length.

    They replace the plan's length; its turns per minute are kept.
    """

    counts: tuple[tuple[Number, int], ...]

    def __post_init__(self) -> None:
        if not any(count for _, count in self.counts):
            raise InvalidInput("must have at least one call", field="call_lengths")
        for minutes, count in self.counts:
            if not 0 < to_decimal("minutes", minutes) <= MAX_CALL_MINUTES:
                raise InvalidInput(
                    f"must be calls of more than 0 and at most 1,440 minutes, not {minutes}", field="call_lengths"
                )
            if type(count) is not int or not 0 <= count <= 10**9:
                raise InvalidInput(f"must have numbers of calls from 0 to 10^9, not {count}", field="call_lengths")

    @property
    def mean_minutes(self) -> float:
        """The mean length of the calls."""
        return sum(float(minutes) * count for minutes, count in self.counts) / sum(count for _, count in self.counts)


class LengthBucket(NamedTuple):
    """The calls of one number of turns: their mean length and their share of all calls."""

    turns: int
    minutes: float
    share: float


def longest_call_minutes(plan: Plan, lengths: "LengthDistribution | CallLengths | None" = None) -> float:
    """The length at which calls of a plan are counted at most: a multiple of the mean, or the longest that was observed."""
    if isinstance(lengths, CallLengths):
        return max(float(minutes) for minutes, count in lengths.counts if count)
    return min(float(MAX_CALL_MINUTES), MAX_MULTIPLE_OF_MEAN * float(plan.minutes))


def short_minutes(plan: Plan) -> float:
    """The length of a call that ends after its first turn."""
    return float(plan.minutes) / plan.turns


def longest_call_turns(plan: Plan, lengths: "LengthDistribution | CallLengths | None" = None) -> float:
    """Turns and tool calls of the longest call of a month."""
    return (plan.turns + plan.tool_calls) / float(plan.minutes) * longest_call_minutes(plan, lengths)


def share_of_longer_calls(plan: Plan, lengths: "LengthDistribution | CallLengths", minutes: float) -> float:
    """The share of calls that are longer than some minutes."""
    if isinstance(lengths, CallLengths):
        longer = sum(count for length, count in lengths.counts if float(length) > minutes)
        return longer / sum(count for _, count in lengths.counts)
    mu, sigma = _lognormal_parameters(float(plan.minutes), float(lengths.coefficient))
    return 1 - _normal_cdf((log(minutes) - mu) / sigma)


def length_buckets(plan: Plan, lengths: LengthDistribution | CallLengths, cap: float) -> list[LengthBucket]:
    """Calls grouped by their number of turns, the shortest first; calls longer than `cap` minutes are counted at the cap."""
    if isinstance(lengths, LengthDistribution):
        return _lognormal_buckets(float(plan.minutes), float(lengths.coefficient), plan.turns, cap)
    per_minute = plan.turns / float(plan.minutes)
    return [bucket for bucket in _observed_buckets(lengths, per_minute, cap) if bucket.share > MIN_SHARE]


def turn_count(minutes: float, per_minute: float) -> int:
    """Turns of a call of the given length and turns per minute, or of a multiple of the mean call and its turns; at least 1."""
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
    """The percentile of call length in minutes, at most `cap`."""
    if isinstance(lengths, CallLengths):
        ordered = sorted((float(minutes), count) for minutes, count in lengths.counts)
        cumulative = list(accumulate(count for _, count in ordered))
        return min(ordered[bisect_left(cumulative, cumulative[-1] * percent / 100)][0], cap)
    mu, sigma = _lognormal_parameters(float(plan.minutes), float(lengths.coefficient))
    return min(exp(mu + _normal_quantile(percent) * sigma), cap)


@cache
def _normal_quantile(percent: int) -> float:
    """The percentile of the standard normal distribution, bisected as far as floats go."""
    low, high = -8.0, 8.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _normal_cdf(middle) < percent / 100 else (low, middle)
    return low


def mean_billed_ms(plan: Plan, lengths: LengthDistribution | CallLengths, step_ms: int, cap: float) -> Fraction:
    """Mean billed milliseconds of calls, each rounded up to a billing increment of `step_ms`; calls end at `cap` minutes.

    A call is billed one increment more for every multiple of the increment that it exceeds, so the mean is the sum of the
    shares of calls that exceed each multiple. An increment of 1 does not round.

    >>> counted = CallLengths(((Decimal("1.5"), 3), (4, 1)))  # three of 90 s and one of 240 s, to whole minutes
    >>> mean_billed_ms(Plan(minutes=2, turns=4), counted, 60_000, 60)
    Fraction(150000, 1)
    """
    if isinstance(lengths, CallLengths):
        call_count = sum(count for _, count in lengths.counts)
        billed_ms = (count * _round_up(min(Fraction(minutes), Fraction(cap)), step_ms) for minutes, count in lengths.counts)
        return Fraction(sum(billed_ms), call_count)
    if not lengths.coefficient:
        return Fraction(_round_up(min(Fraction(plan.minutes), Fraction(cap)), step_ms))
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
    """Mean and standard deviation of the logarithm."""
    sigma = sqrt(log(1 + coefficient**2))
    return log(mean) - sigma**2 / 2, sigma


def _normal_cdf(value: float) -> float:
    return 0.5 * (1 + erf(value / ROOT_OF_TWO))


def _lognormal_buckets(mean: float, coefficient: float, turns: int, cap: float) -> list[LengthBucket]:
    """The buckets of a lognormal distribution whose mean call has so many turns, with the tail beyond the cap counted there.

    There are hundreds in a month: `tuple.__new__` takes a third of the time of their constructor.
    """
    new, longest = tuple.__new__, cap / mean
    shape = (_kept_shape if longest * turns <= MANY_TURNS else _kept_long_shape)(coefficient, turns, longest)
    return [new(LengthBucket, (count, min(cap, mean * multiple), share)) for count, multiple, share in shape]


def _lognormal_shape(coefficient: float, turns: int, cap: float) -> Sequence[tuple[int, float, float]]:
    """By number of turns, the mean length of calls as a multiple of the mean call, and their share.

    It is the same for all calls with as many turns, however long they last. The cap is such a multiple, too.
    """
    buckets = []
    mu, sigma = _lognormal_parameters(1.0, coefficient)
    cumulative_share = cumulative_length = 0.0
    last = turn_count(cap, turns)
    uppers = [upper if (upper := (count + 0.5) / turns) < cap else cap for count in range(1, last)]
    for count, upper in enumerate((*uppers, cap), start=1):
        z = (log(upper) - mu) / sigma
        share, length = _normal_cdf(z) - cumulative_share, _normal_cdf(z - sigma) - cumulative_length
        cumulative_share, cumulative_length = cumulative_share + share, cumulative_length + length
        if count == last:
            share, length = share + 1 - cumulative_share, length + (1 - cumulative_share) * cap
        if share > MIN_SHARE:
            buckets.append((count, length / share, share))
    return buckets


_kept_shape = lru_cache(maxsize=64)(_lognormal_shape)
_kept_long_shape = lru_cache(maxsize=4)(_lognormal_shape)
