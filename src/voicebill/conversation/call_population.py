"""Describe the calls of a month by their number of turns.

A call of n turns is the beginning of every longer one, so one pass over the longest call counts calls of all lengths: each
turn is weighted with the number of calls that reach it.
"""

from dataclasses import dataclass
from itertools import accumulate
from math import ceil
from typing import Literal, NamedTuple

from voicebill.conversation.call_lengths import (
    CallLengths,
    LengthBucket,
    LengthDistribution,
    length_buckets,
    longest_call_minutes,
    quantile,
    share_of_longer_calls,
    turn_count,
)
from voicebill.conversation.plan import Plan, greeting_turns
from voicebill.conversation.script import MAX_TURNS

WEIGHT_SCALE = 10**12
"""The weight of all calls together, about: shares become whole numbers, so that weighted counts stay exact."""

PERCENTS = (10, 50, 90)


class DurationCap(NamedTuple):
    """Minutes after which calls end, by the session limit or by a full context that may not be truncated."""

    minutes: float
    by: Literal["session", "context"]


class PercentileCall(NamedTuple):
    """A percentile of call length: its minutes, and its number of turns."""

    percent: int
    minutes: float
    turns: int


@dataclass(frozen=True, slots=True)
class CallPopulation:
    """Calls of all lengths around a plan: their shares by the number of turns, the shortest first.

    Calls longer than `cap` end there: `cut_share` of them. Without a cap, calls beyond `longest` minutes are counted at that
    length. `mean_minutes` is the mean length of calls as they are counted.
    """

    plan: Plan
    lengths: LengthDistribution | CallLengths
    cap: DurationCap | None
    longest: float
    buckets: tuple[LengthBucket, ...]
    mean_minutes: float
    cut_share: float

    @property
    def full_mean_minutes(self) -> float:
        """The mean length of calls if none of them were cut."""
        if isinstance(self.lengths, CallLengths):
            return self.lengths.mean_minutes
        return float(self.plan.minutes)

    @property
    def longest_turns(self) -> int:
        """Turns of the longest call."""
        return self.buckets[-1].turns

    @property
    def weights(self) -> list[tuple[int, int]]:
        """Turns of a call and its weight: whole numbers in proportion to the shares of calls."""
        return [(bucket.turns, round(bucket.share * WEIGHT_SCALE)) for bucket in self.buckets]

    @property
    def total_weight(self) -> int:
        """The sum of all weights."""
        return sum(weight for _, weight in self.weights)

    @property
    def turn_weights(self) -> list[int]:
        """The weight of the calls that reach each turn, the greeting included if there is one."""
        ending = [0] * (self.longest_turns + 1)
        for turns, weight in self.weights:
            ending[turns] = weight
        reaching = list(accumulate(reversed(ending)))[::-1]
        return [reaching[1]] * greeting_turns(self.plan) + reaching[1:]

    @property
    def percentiles(self) -> tuple[PercentileCall, ...]:
        """Calls at percentiles of length."""
        if isinstance(self.lengths, LengthDistribution) and not self.lengths.coefficient:
            return tuple(PercentileCall(percent, self.longest, self.longest_turns) for percent in PERCENTS)
        per_minute = self.plan.turns / float(self.plan.minutes)
        minutes = {percent: quantile(self.plan, self.lengths, percent, self.longest) for percent in PERCENTS}
        return tuple(
            PercentileCall(percent, length, min(turn_count(length, per_minute), self.longest_turns))
            for percent, length in minutes.items()
        )

    def mean_sessions(self, limit_minutes: float) -> float:
        """The mean number of sessions of a call, if a session lasts for at most so many minutes (0: without limit)."""
        if not limit_minutes:
            return 1.0
        shares = sum(bucket.share for bucket in self.buckets)
        return sum(bucket.share * max(1, ceil(bucket.minutes / limit_minutes)) for bucket in self.buckets) / shares

    def ending_at_turn(self, turns: int, by: Literal["session", "context"]) -> "CallPopulation":
        """The calls if those with more turns end there."""
        per_minute = self.plan.turns / float(self.plan.minutes)
        return call_population(self.plan, self.lengths, DurationCap(turns / per_minute, by))


def call_population(plan: Plan, lengths: LengthDistribution | CallLengths, cap: DurationCap | None = None) -> CallPopulation:
    """The calls of a month; the plan describes the call of mean length, and observed lengths replace that mean.

    With a coefficient of variation of 0 every call is the planned one.
    """
    minutes = float(plan.minutes)
    if isinstance(lengths, LengthDistribution) and not lengths.coefficient:
        turns = plan.turns if cap is None else min(plan.turns, turn_count(cap.minutes, plan.turns / minutes))
        length = minutes if cap is None else min(minutes, cap.minutes)
        return CallPopulation(plan, lengths, cap, length, (LengthBucket(turns, length, 1.0),), length, float(length < minutes))
    longest = min(cap.minutes if cap else longest_call_minutes(plan, lengths), MAX_TURNS * minutes / plan.turns)
    buckets = tuple(length_buckets(plan, lengths, longest))
    shares = sum(bucket.share for bucket in buckets)
    mean = sum(bucket.share * bucket.minutes for bucket in buckets) / shares
    cut_share = share_of_longer_calls(plan, lengths, cap.minutes) if cap else 0.0
    return CallPopulation(plan, lengths, cap, longest, buckets, mean, cut_share)
