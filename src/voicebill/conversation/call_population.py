"""Describe the calls of a month by their number of turns.

A call of n turns is the beginning of every longer one, so one pass over the longest call counts calls of all lengths: each
turn is weighted with the number of calls that reach it.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
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
    short_minutes,
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


@dataclass(frozen=True)
class CallPopulation:
    """Calls of all lengths around a plan: their shares by the number of turns, the shortest first.

    Calls longer than `cap` end there: `cut_share` of them. Without a cap, calls beyond `longest` minutes are counted at that
    length. `mean_minutes` is the mean length of calls as they are counted. Short calls are among those of one turn, and
    unconnected ones, which have no turns, count in all shares and means.
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
        observed = self.lengths.mean_minutes if isinstance(self.lengths, CallLengths) else float(self.plan.minutes)
        return float(self.plan.full_share) * observed + float(self.plan.short_share) * short_minutes(self.plan)

    @property
    def longest_turns(self) -> int:
        """Turns of the longest call."""
        return self.buckets[-1].turns

    @cached_property
    def weights(self) -> list[tuple[int, int]]:
        """Turns of a call and its weight: whole numbers in proportion to the shares of calls."""
        return [(turns, round(share * WEIGHT_SCALE)) for turns, _, share in self.buckets]

    @property
    def total_weight(self) -> int:
        """The weight of all calls, unconnected ones included."""
        return sum(weight for _, weight in self.weights) + round(self.plan.unconnected_share * WEIGHT_SCALE)

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

    def mean_reconnections(self, limit_minutes: float) -> float:
        """The mean number of reconnections of a call, if a session lasts for at most so many minutes (0: without limit)."""
        if not limit_minutes or max(minutes for _, minutes, _ in self.buckets) <= limit_minutes:
            return 0.0
        return sum(share * (max(1, ceil(minutes / limit_minutes)) - 1) for _, minutes, share in self.buckets)

    def ending_at_turn(self, turns: int) -> "CallPopulation":
        """The calls if those with more turns end there, because the context is full."""
        per_minute = self.plan.turns / float(self.plan.minutes)
        return call_population(self.plan, self.lengths, DurationCap(turns / per_minute, "context"))

    def with_turns_at_most(self, turns: int) -> "CallPopulation":
        """The same calls, as long as before, if they have no more turns than that."""
        kept = [bucket for bucket in self.buckets if bucket.turns < turns]
        others = [bucket for bucket in self.buckets if bucket.turns >= turns]
        share = sum(bucket.share for bucket in others)
        minutes = sum(bucket.share * bucket.minutes for bucket in others) / share
        return replace(self, buckets=(*kept, LengthBucket(turns, minutes, share)))


def session_cap(plan: Plan, session_minutes: float | None) -> DurationCap | None:
    """The cap of calls that end with a session of some minutes; None where they go on, or sessions have no limit."""
    return DurationCap(float(session_minutes), "session") if plan.calls_end_with_session and session_minutes else None


def planned_minutes(plan: Plan, cap: DurationCap | None) -> Fraction:
    """The minutes of the planned call, as far as it lasts."""
    return Fraction(plan.minutes) if cap is None else min(Fraction(plan.minutes), Fraction(cap.minutes))


def call_population(plan: Plan, lengths: LengthDistribution | CallLengths, cap: DurationCap | None = None) -> CallPopulation:
    """The calls of a month; the plan describes the call of mean length, and observed lengths replace that mean.

    With a coefficient of variation of 0 every call is the planned one.
    """
    minutes = float(plan.minutes)
    if isinstance(lengths, LengthDistribution) and not lengths.coefficient:
        longest = min(minutes, cap.minutes) if cap else minutes
        turns = min(plan.turns, turn_count(longest, plan.turns / minutes))
        buckets, cut_share = [LengthBucket(turns, longest, 1.0)], float(longest < minutes)
    else:
        longest = min(cap.minutes if cap else longest_call_minutes(plan, lengths), MAX_TURNS * minutes / plan.turns)
        buckets = length_buckets(plan, lengths, longest)
        cut_share = share_of_longer_calls(plan, lengths, cap.minutes) if cap else 0.0
    calls = _with_short_calls(plan, buckets)
    mean_minutes = sum(share * minutes for _, minutes, share in calls)
    return CallPopulation(plan, lengths, cap, longest, calls, mean_minutes, cut_share * float(plan.full_share))


def _with_short_calls(plan: Plan, buckets: list[LengthBucket]) -> tuple[LengthBucket, ...]:
    """The calls that a plan describes, in `buckets`, as their share of all calls, together with its short ones."""
    scale = float(plan.full_share) / sum(share for _, _, share in buckets)
    new = tuple.__new__  # a third of the time of the constructor
    scaled = [new(LengthBucket, (turns, minutes, share * scale)) for turns, minutes, share in buckets]
    if plan.short_share:
        first = scaled.pop(0) if scaled[0].turns == 1 else LengthBucket(1, 0.0, 0.0)
        share = first.share + float(plan.short_share)
        minutes = (first.share * first.minutes + float(plan.short_share) * short_minutes(plan)) / share
        scaled.insert(0, LengthBucket(1, minutes, share))
    return tuple(scaled)
