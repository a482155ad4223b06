"""Look up the throughput and prices of provisioned throughput units (PTUs), which are billed per hour, used or not.

A unit serves a number of input tokens per minute of a model. An output token counts as several input tokens, a cached
input token as none. All of these figures, and the prices, are dated rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from math import ceil
from typing import TypeVar

from voicebill.billing.errors import InvalidInput, NotAvailable, UnknownName
from voicebill.billing.fingerprint import fingerprint
from voicebill.billing.money import picodollars
from voicebill.billing.validity import PartialDate, describe_coverage, is_effective

PROVIDER = "azure"
"""The provider that sells provisioned throughput."""


@dataclass(frozen=True, slots=True)
class PtuIncrements:
    """The numbers of units that can be deployed: a minimum, and multiples of an increment."""

    minimum: int
    increment: int

    def round_up(self, units: Fraction) -> int:
        """The smallest deployable number of units that is at least `units`.

        >>> PtuIncrements(15, 5).round_up(Fraction(26, 340) * 1000), PtuIncrements(15, 5).round_up(Fraction(1))
        (80, 15)
        """
        return ceil(max(units, Fraction(self.minimum)) / self.increment) * self.increment

    @property
    def minimum_deployable(self) -> int:
        """The smallest number of units that can be deployed."""
        return self.round_up(Fraction(0))

    def validate(self, units: int, what: str) -> None:
        """Check that a number of units can be deployed.

        Raises:
            InvalidInput: it is below the minimum or not a multiple of the increment; the closest valid numbers are given.
        """
        if units >= self.minimum_deployable and units % self.increment == 0:
            return
        below, above = self.round_up(Fraction(units - self.increment)), self.round_up(Fraction(units))
        near = f"{above:,}" if below == above else f"{below:,} or {above:,}"
        how = f"in multiples of {self.increment} PTUs from {self.minimum_deployable} on"
        raise InvalidInput(f"{what} is deployed {how}, not with {units:,}: use {near}").at("ptus")


@dataclass(frozen=True, slots=True)
class Throughput:
    """The throughput of one unit for a model.

    `shared` are the increments of global and data-zone deployments; `regional` is None if regional deployments are not
    available. An output token counts as `output_ratio` input tokens. Prompts longer than `max_prompt_tokens` are not served.
    """

    model: str
    input_tpm_per_ptu: int
    output_ratio: int
    shared: PtuIncrements
    regional: PtuIncrements | None
    since: PartialDate
    until: PartialDate | None
    checked: date
    source: str
    max_prompt_tokens: int | None = None
    note: str = ""

    def increments(self, deployment: str) -> PtuIncrements:
        """The numbers of units that can be deployed.

        Raises:
            NotAvailable: the model has no such deployment.
        """
        if deployment != "regional":
            return self.shared
        if self.regional is None:
            raise NotAvailable(
                f"{self.model} is provisioned as a global or data-zone deployment, not as a regional one",
                field="deployment",
                is_sentence=True,
            )
        return self.regional

    def normalized_tokens(self, prompt_tokens: Fraction, response_tokens: Fraction, cache_rate: Fraction) -> Fraction:
        """The load of one model call in input tokens: output counts `output_ratio` times, cached input not at all.

        >>> from voicebill.facts import load_facts
        >>> row = load_facts().provisioned.throughput("gpt-5.2", date(2026, 11, 22))
        >>> row.normalized_tokens(Fraction(200), Fraction(20), Fraction(1, 2))
        Fraction(260, 1)
        """
        return prompt_tokens * (1 - cache_rate) + self.output_ratio * response_tokens


@dataclass(frozen=True, slots=True)
class HourlyPrice:
    """The price in dollars per unit and hour of a deployment. Empty `regions`: all regions.

    `is_default`: it is used if no region is given. `no_pay_as_you_go`: why the same load has no pay-as-you-go price there.
    """

    deployment: str
    place: str
    regions: tuple[str, ...]
    dollars: Decimal
    is_default: bool
    no_pay_as_you_go: str
    since: PartialDate
    until: PartialDate | None
    checked: date
    source: str
    note: str = ""

    @property
    def per_hour(self) -> int:
        """Picodollars per unit and hour."""
        return picodollars(self.dollars)


@dataclass(frozen=True, slots=True)
class Reservation:
    """The price in dollars of one unit for a whole reservation term in months, used or not."""

    months: int
    dollars: Decimal
    since: PartialDate
    until: PartialDate | None
    checked: date
    source: str
    note: str = ""


ProvisionedRowT = TypeVar("ProvisionedRowT", Throughput, HourlyPrice, Reservation)


@dataclass(frozen=True)
class ProvisionedThroughput:
    """All rows about provisioned throughput. Of two rows for the same thing the later one applies: user files come last."""

    throughputs: tuple[Throughput, ...] = ()
    hourly_prices: tuple[HourlyPrice, ...] = ()
    reservations: tuple[Reservation, ...] = ()

    @cached_property
    def digest(self) -> str:
        """A fingerprint that changes whenever a figure, a date or a source changes."""
        return fingerprint((self.throughputs, self.hourly_prices, self.reservations))

    @cached_property
    def models(self) -> tuple[str, ...]:
        """The models with known throughput, in the order of the vendor's table."""
        return tuple(dict.fromkeys(row.model for row in self.throughputs))

    def throughput(self, model: str, day: date) -> Throughput:
        """The throughput of one unit for a model on a day.

        Raises:
            UnknownName: no row has that name; the closest names are given.
            NotAvailable: no row applies on that day; the text gives the days that are known.
        """
        rows = [row for row in self.throughputs if row.model.lower() == model.strip().lower()]
        if not rows:
            raise UnknownName("model of provisioned throughput", model, self.models, field="model")
        return _effective_row(rows, day, f"the throughput of {rows[0].model} in a PTU")

    def hourly_price(self, deployment: str, region: str | None, day: date) -> HourlyPrice:
        """The price per unit and hour. A region is required if prices differ by region.

        Raises:
            UnknownName: no price is listed for the region; the closest names are given.
            NotAvailable: prices differ by region and no region is given, or no price is known for that day.
        """
        prices = [row for row in self.hourly_prices if row.deployment == deployment]
        rows = [row for row in prices if not row.regions or (row.is_default if region is None else region in row.regions)]
        if not rows and region is None:
            places = (f"${row.dollars:.2f} in {', '.join(row.regions)}" for row in prices if is_effective(row, day))
            raise NotAvailable(
                f"{deployment} PTUs are priced by region: choose one. An hour costs {'; '.join(places)}",
                field="region",
                is_sentence=True,
            )
        if not rows:
            raise UnknownName(
                "region", str(region), (name for row in prices for name in row.regions), context=f" of {deployment} PTUs"
            )
        return _effective_row(rows, day, f"the price of {deployment} PTUs{f' in {region}' if region else ''}")

    def reservation(self, months: int, day: date) -> Reservation | None:
        """The price of one unit reserved for a term of months; None if no price is known on the day."""
        return next((row for row in reversed(self.reservations) if row.months == months and is_effective(row, day)), None)


def _effective_row(rows: Sequence[ProvisionedRowT], day: date, what: str) -> ProvisionedRowT:
    effective = [row for row in rows if is_effective(row, day)]
    if not effective:
        raise NotAvailable(f"{what} is not known for {day}: it is known {describe_coverage(rows)}")
    return effective[-1]
