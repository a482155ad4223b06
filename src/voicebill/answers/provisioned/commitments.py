"""Price a load of model calls by commitment: PTUs that are bought, spillover, break-even, and the cheapest number of PTUs."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import accumulate
from typing import Literal

from voicebill.answers.provisioned.request import PtuRequest
from voicebill.billing.money import Amount, picodollars
from voicebill.billing.provisioned_throughput import HourlyPrice, ProvisionedThroughput, PtuIncrements, Throughput
from voicebill.conversation.volume import HOURS_PER_MONTH, MONTHS_PER_YEAR

CommitmentName = Literal["hourly", "month", "year"]


@dataclass(frozen=True, slots=True)
class Commitment:
    """A way to buy PTUs, with the price of one PTU per hour of its term."""

    name: CommitmentName
    label: str
    per_ptu_hour: Fraction
    checked: date
    source: str


@dataclass(frozen=True, slots=True)
class PtuMix:
    """A number of PTUs for the whole load, per average hour. `spillover` is None if its price is unknown."""

    ptus: int
    provisioned: Amount
    spillover: Amount | None
    spillover_share: Fraction
    """The share of all calls."""

    @property
    def per_hour(self) -> Amount | None:
        """Picodollars per hour, on average; None if a part of it has no price."""
        return None if self.spillover is None else self.provisioned + self.spillover


@dataclass(frozen=True, slots=True)
class CommitmentOption:
    """A commitment with the PTUs that are bought, and with the cheapest number of PTUs (0: pay as you go only).

    `break_even` are the calls per minute, on average around the clock, at which the PTUs cost the same as pay as you go; None
    if the PTUs cannot serve that many, the load does not reach it, or pay as you go has no price. `break_even_utilization` is
    the same as a share of the peak.
    """

    commitment: Commitment
    mix: PtuMix
    break_even: Fraction | None
    break_even_utilization: Fraction | None
    cheapest_mix: PtuMix | None


def commitments_on(hourly: HourlyPrice, provisioned: ProvisionedThroughput, day: date) -> Iterator[Commitment]:
    """The ways to buy PTUs on a day: by the hour, and reserved for a month or a year where a price is known."""
    yield Commitment("hourly", "by the hour", Fraction(hourly.per_hour), hourly.checked, hourly.source)
    terms: tuple[tuple[CommitmentName, str, int], ...] = (
        ("month", "reserved for a month", 1),
        ("year", "reserved for a year", MONTHS_PER_YEAR),
    )
    for name, label, months in terms:
        row = provisioned.reservation(months, day)
        if row is not None:
            per_hour = picodollars(row.dollars) / (HOURS_PER_MONTH * months)
            yield Commitment(name, label, per_hour, row.checked, row.source)


class PtuLoad:
    """A load in PTUs, hour by hour, and its cost with any number of PTUs."""

    def __init__(self, request: PtuRequest, row: Throughput, per_call: Amount | None) -> None:
        self.peak, self.average, self.per_call = request.peak, request.average, per_call
        self.ptus_per_call = request.normalized_tokens(row) / row.input_tpm_per_ptu
        self.units = sorted(calls * self.ptus_per_call for calls in request.hours)
        self._sums_above = [*accumulate(reversed(self.units), initial=Fraction(0))][::-1]
        """By position: the sum of the PTUs from there on."""

    def spillover_calls(self, ptus: int) -> Fraction:
        """Calls per minute that do not fit in a number of PTUs, on average."""
        if not ptus:
            return self.average
        first = bisect_right(self.units, ptus)
        excess = self._sums_above[first] - ptus * (len(self.units) - first)
        return excess / len(self.units) / self.ptus_per_call if excess else Fraction(0)

    def mix(self, ptus: int, commitment: Commitment) -> PtuMix:
        """The cost of the load with a number of PTUs and spillover."""
        calls = self.spillover_calls(ptus)
        spillover = Fraction(0) if not calls else None if self.per_call is None else calls * 60 * self.per_call
        return PtuMix(ptus, ptus * commitment.per_ptu_hour, spillover, calls / self.average)

    def option(self, commitment: Commitment, bought: int, increments: PtuIncrements) -> CommitmentOption:
        """A commitment with the bought and with the cheapest number of PTUs."""
        mix = self.mix(bought, commitment)
        if self.per_call is None:
            return CommitmentOption(commitment, mix, None, None, None)
        break_even = self._break_even(mix)
        utilization = None if break_even is None else break_even / self.peak
        return CommitmentOption(commitment, mix, break_even, utilization, self._cheapest(commitment, increments))

    def _break_even(self, mix: PtuMix) -> Fraction | None:
        if not self.per_call:
            return None
        calls = Fraction(mix.provisioned) / (60 * self.per_call)
        max_calls = min(self.peak, mix.ptus / self.ptus_per_call) if self.ptus_per_call else self.peak
        return calls if calls <= max_calls else None

    def _cheapest(self, commitment: Commitment, increments: PtuIncrements) -> PtuMix:
        """The cheapest number of PTUs, which may be 0.

        Cost is convex in the PTUs and bends only where an hour just fits, so only the numbers beside those are tried.
        """
        candidates = {0, increments.minimum_deployable}
        for units in set(self.units):
            above = increments.round_up(units)
            candidates |= {above, max(increments.minimum_deployable, above - increments.increment)}
        mixes = (self.mix(ptus, commitment) for ptus in sorted(candidates))
        return min(mixes, key=cost_order)


def cost_order(mix: PtuMix) -> tuple[bool, Fraction]:
    """The order by cost: the cheapest first; a mix without a known price last, never as if it were free."""
    return mix.per_hour is None, Fraction(mix.per_hour or 0)
