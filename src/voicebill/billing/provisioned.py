"""Provisioned throughput: capacity that is bought by the unit (PTU) and hour, whatever is sent through it.

A unit serves so many input tokens a minute of a model; an output token counts as several input tokens, a cached one as
none. All of that, and the prices, are dated rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from math import ceil
from typing import TypeVar

from voicebill.billing.dated import Day, holds_on, known_range
from voicebill.billing.digest import digest
from voicebill.billing.errors import InvalidInput, NotOffered, UnknownName
from voicebill.billing.money import picodollars

DEPLOYMENTS = ("global", "data-zone", "regional")


@dataclass(frozen=True, slots=True)
class Steps:
    """Which numbers of units can be deployed: so many at least, and multiples of an increment."""

    minimum: int
    increment: int

    def rounded_up(self, units: Fraction) -> int:
        """The fewest units that can be deployed and are enough.

        >>> Steps(15, 5).rounded_up(Fraction(26, 340) * 1000), Steps(15, 5).rounded_up(Fraction(1))
        (80, 15)
        """
        return ceil(max(units, Fraction(self.minimum)) / self.increment) * self.increment

    @property
    def fewest(self) -> int:
        """The fewest units that can be deployed."""
        return self.rounded_up(Fraction(0))

    def refuse_others(self, units: int, what: str) -> None:
        """Refuse a number of units that cannot be deployed.

        Raises:
            InvalidInput: it is fewer than the minimum, or no multiple of the increment; the nearest ones are named.
        """
        if units >= self.fewest and units % self.increment == 0:
            return
        below, above = self.rounded_up(Fraction(units - self.increment)), self.rounded_up(Fraction(units))
        near = f"{above:,}" if below == above else f"{below:,} or {above:,}"
        how = f"in multiples of {self.increment} PTUs from {self.fewest} on"
        raise InvalidInput(f"ptus: {what} is deployed {how}, not with {units:,}: take {near}")


@dataclass(frozen=True, slots=True)
class Throughput:
    """What a unit serves of a model. `shared` are the steps of global and data-zone deployments; `regional` None: not sold so.

    An output token counts as `output_ratio` input tokens. Prompts longer than `most_prompt_tokens` are not served.
    """

    model: str
    input_tpm_per_ptu: int
    output_ratio: int
    shared: Steps
    regional: Steps | None
    since: Day
    until: Day | None
    checked: date
    source: str
    most_prompt_tokens: int | None = None
    note: str = ""

    def steps(self, deployment: str) -> Steps:
        """Which numbers of units can be deployed.

        Raises:
            NotOffered: there is no such deployment of the model.
        """
        if deployment != "regional":
            return self.shared
        if self.regional is None:
            raise NotOffered(f"{self.model} is provisioned as a global or data-zone deployment, not as a regional one")
        return self.regional

    def normalized(self, prompt_tokens: Fraction, response_tokens: Fraction, cache_rate: Fraction) -> Fraction:
        """What one call takes of the units, in input tokens: cached ones take nothing.

        >>> from voicebill.facts import load
        >>> row = load().provisioned.throughput("gpt-5.2", date(2026, 11, 22))
        >>> row.normalized(Fraction(200), Fraction(20), Fraction(1, 2))
        Fraction(260, 1)
        """
        return prompt_tokens * (1 - cache_rate) + self.output_ratio * response_tokens


@dataclass(frozen=True, slots=True)
class HourlyPrice:
    """Dollars for a unit and hour under a deployment. No `regions`: in all of them.

    `assumed`: it is taken where no region is named. `no_pay_as_you_go`: why the same load has no other price there.
    """

    deployment: str
    place: str
    regions: tuple[str, ...]
    dollars: Decimal
    assumed: bool
    no_pay_as_you_go: str
    since: Day
    until: Day | None
    checked: date
    source: str
    note: str = ""

    @property
    def per_hour(self) -> int:
        """Picodollars for a unit and hour."""
        return picodollars(self.dollars)


@dataclass(frozen=True, slots=True)
class Reservation:
    """Dollars for a unit over a whole term of months, used or not."""

    months: int
    dollars: Decimal
    since: Day
    until: Day | None
    checked: date
    source: str
    note: str = ""


Row = TypeVar("Row", Throughput, HourlyPrice, Reservation)


@dataclass(frozen=True)
class Provisioned:
    """Every row about provisioned throughput; where two speak of one thing, the later one counts: own files come last."""

    throughputs: tuple[Throughput, ...] = ()
    hours: tuple[HourlyPrice, ...] = ()
    reservations: tuple[Reservation, ...] = ()

    @cached_property
    def digest(self) -> str:
        """A fingerprint that changes whenever a figure, a date or a source does."""
        return digest((self.throughputs, self.hours, self.reservations))

    @cached_property
    def models(self) -> tuple[str, ...]:
        """The models that can be sized, in the order of the vendor's table."""
        return tuple(dict.fromkeys(row.model for row in self.throughputs))

    def throughput(self, model: str, day: date) -> Throughput:
        """What a unit serves of a model on a day.

        Raises:
            UnknownName: no row has that name; the nearest are given.
            NotOffered: no row holds on that day; the text gives the days that are known.
        """
        rows = [row for row in self.throughputs if row.model.lower() == model.strip().lower()]
        if not rows:
            raise UnknownName("model of provisioned throughput", model, self.models)
        return _last(rows, day, f"the throughput of {rows[0].model} in a PTU")

    def hourly(self, deployment: str, region: str | None, day: date) -> HourlyPrice:
        """The price of a unit and hour, where a region is named or the deployment needs none.

        Raises:
            UnknownName: no price is listed for the region; the nearest ones are named.
            NotOffered: prices differ and no region is named, or none is known for that day.
        """
        known = [row for row in self.hours if row.deployment == deployment]
        rows = [row for row in known if not row.regions or (row.assumed if region is None else region in row.regions)]
        if not rows and region is None:
            places = (f"${row.dollars:.2f} in {', '.join(row.regions)}" for row in known if holds_on(row, day))
            raise NotOffered(f"{deployment} PTUs have their price by region: name one. An hour costs {'; '.join(places)}")
        if not rows:
            raise UnknownName(
                "region", str(region), (name for row in known for name in row.regions), of=f" of {deployment} PTUs"
            )
        return _last(rows, day, f"the price of {deployment} PTUs{f' in {region}' if region else ''}")

    def reserved(self, months: int, day: date) -> Reservation | None:
        """The price of a unit reserved for a term, if one is known on a day."""
        return next((row for row in reversed(self.reservations) if row.months == months and holds_on(row, day)), None)


def _last(rows: Sequence[Row], day: date, what: str) -> Row:
    found = [row for row in rows if holds_on(row, day)]
    if not found:
        raise NotOffered(f"{what} is not known for {day}: it is known {known_range(rows)}")
    return found[-1]
