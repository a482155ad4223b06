"""Describe offers and their rates.

An offer is a model under specific terms: provider, model, version, deployment, region and service tier. Its price rows
are dated; the row in effect on a day gives `Rates`, one rate per meter.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Literal, get_args

from voicebill.billing.meters import Meter
from voicebill.billing.money import PICODOLLARS_PER_DOLLAR, Amount, format_dollars, format_price, picodollars
from voicebill.billing.validity import PartialDate, effective_row

Kind = Literal[
    "realtime", "agent", "live", "translation", "transcription", "speech", "text", "audio-chat", "telephony", "platform"
]
"""The kind of service. `realtime` models hear and speak, and most are billed by the tokens of the conversation; an `agent` is a
whole one, whose parts are not billed apart; a carrier (`telephony`) and a `platform` charge for the minutes of a call."""

CONVERSATIONAL_KINDS: tuple[Kind, ...] = ("realtime", "agent")
"""Kinds of offers that hold a spoken conversation by themselves."""

PER_MINUTE_KINDS: tuple[Kind, ...] = ("telephony", "platform")
"""Kinds of offers that charge for the minutes of a call."""

Deployment = Literal["global", "data-zone", "regional"]
DEPLOYMENTS: tuple[str, ...] = get_args(Deployment)

DEFAULT_PROVIDER = "openai"
DEFAULT_DEPLOYMENT: Deployment = "global"

Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True)
class Dispute:
    """A different price that another source gives for a rate, in dollars per price unit of the meter."""

    price: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class PriceRow:
    """The prices of an offer from `since` (inclusive) until `until` (exclusive).

    `unit_prices` are dollars per price unit of the meter, as published. `checked` is the day on which the figures were last
    compared with their sources. `increments` are billing increments in the meter's unit: the vendor rounds a quantity up to
    a multiple of its increment before pricing it. `included` are quantities that a month includes without charge, and
    `free` are meters of which the vendor says that they cost nothing.
    """

    since: PartialDate
    until: PartialDate | None
    unit_prices: Mapping[str, Decimal]
    checked: date
    sources: tuple[str, ...]
    disputes: Mapping[str, tuple[Dispute, ...]] = field(default_factory=dict)
    increments: Mapping[str, int] = field(default_factory=dict)
    included: Mapping[str, int] = field(default_factory=dict)
    free: tuple[str, ...] = ()
    confidence: Confidence = "high"
    note: str = ""


@dataclass(frozen=True)
class Offer:
    """A model under specific terms of sale.

    `also_named` are further names for it in API calls and logs. `regions` is empty if the price applies everywhere. `zone` is
    the data zone to which the price applies, if data zones differ.
    `vendor_meters` gives, by meter, its name on the invoice and the unit in which it is listed. An `example` is not a model
    that can be selected: it shows what carriers and platforms charge.
    """

    provider: str
    model: str
    version: str | None
    kind: Kind
    deployment: str
    rows: tuple[PriceRow, ...]
    also_named: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    zone: str = ""
    tier: str = "standard"
    vendor_meters: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    example: bool = False
    note: str = ""

    @cached_property
    def name(self) -> str:
        """The model with its version, as it is written in API calls and logs."""
        return f"{self.model}-{self.version}" if self.version else self.model

    @cached_property
    def id(self) -> str:
        """A stable identifier: provider/model, then deployment, zone or region, and tier if not global and standard."""
        parts = [self.provider, self.name]
        if self.deployment != "global":
            parts.append(self.deployment)
        if self.deployment == "regional" and self.regions:
            parts.append(self.regions[0])
        if self.zone:
            parts.append(self.zone)
        return "/".join(parts) + ("" if self.tier == "standard" else f":{self.tier}")

    @property
    def example_region(self) -> str | None:
        """A region for a quote, if the price depends on the region; None if no region is needed."""
        return self.regions[0] if self.regions and (self.deployment == "regional" or self.zone) else None

    def row_on(self, day: date) -> PriceRow | None:
        """The price row in effect on a day, or None."""
        return effective_row(self.rows, day)


@dataclass(frozen=True)
class Rate:
    """The price of one meter: `picodollars` for every `per` units.

    `is_fallback` marks a cached meter that has no rate of its own and is priced at the uncached rate.
    """

    meter: Meter
    picodollars: int
    per: int
    is_fallback: bool = False
    disputes: tuple[Dispute, ...] = ()

    @classmethod
    def from_price(
        cls, meter: Meter, price: Decimal, *, is_fallback: bool = False, disputes: tuple[Dispute, ...] = ()
    ) -> "Rate":
        """The rate for a published price in dollars per price unit of the meter."""
        per_unit = Fraction(picodollars(price), meter.priced_per)
        return cls(meter, per_unit.numerator, per_unit.denominator, is_fallback, disputes)

    @cached_property
    def price(self) -> Fraction:
        """Dollars per price unit of the meter."""
        return Fraction(self.picodollars * self.meter.priced_per, self.per * PICODOLLARS_PER_DOLLAR)

    @cached_property
    def price_text(self) -> str:
        """The same as an exact decimal."""
        return format_dollars(self.price * PICODOLLARS_PER_DOLLAR)

    @cached_property
    def text(self) -> str:
        """The price with its unit, such as $32.00/M."""
        return f"{format_price(self.price)}{self.meter.price_unit}"

    def amount(self, quantity: int) -> Amount:
        """The exact price of a quantity: whole picodollars if the rate divides evenly, otherwise a fraction."""
        product = quantity * self.picodollars
        return product // self.per if product % self.per == 0 else Fraction(product, self.per)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates of one offer on one day, by the meter's name; `meters` describes every meter, priced or not."""

    offer: Offer
    row: PriceRow
    by_meter: Mapping[str, Rate]
    meters: Mapping[str, Meter]

    @classmethod
    def from_row(cls, offer: Offer, row: PriceRow, meters: Mapping[str, Meter]) -> "Rates":
        """The rates of a price row. A cached meter without a price gets the uncached meter's price."""
        return cls(offer, row, {rate.meter.name: rate for rate in _rates(row, meters)}, meters)

    def __getitem__(self, meter: str) -> Rate | None:
        return self.by_meter.get(meter)

    @property
    def bills_tokens(self) -> bool:
        """Whether anything is billed by tokens."""
        return any(self.meters[name].unit == "token" for name in self.row.unit_prices)

    @property
    def included_meters(self) -> frozenset[str]:
        """The meters of tokens that a conversational offer does not bill, because its price per minute includes them.

        These are all tokens if none has a price, and audio tokens if only text has one.
        """
        if self.offer.kind not in CONVERSATIONAL_KINDS or all(self.meters[name].unit != "ms" for name in self.row.unit_prices):
            return frozenset()
        tokens = [meter for meter in self.meters.values() if meter.unit == "token"]
        bills_audio = any(meter.modality == "audio" and meter.name in self.row.unit_prices for meter in tokens)
        return frozenset(
            meter.name for meter in tokens if not self.bills_tokens or (meter.modality == "audio" and not bills_audio)
        )

    @property
    def time_meters(self) -> frozenset[str]:
        """The meters of time that a conversational offer is billed by; none for another offer."""
        if self.offer.kind not in CONVERSATIONAL_KINDS:
            return frozenset()
        return frozenset(name for name in self.row.unit_prices if self.meters[name].unit == "ms")

    @property
    def is_incomplete(self) -> bool:
        """Whether a cached price is listed without its uncached price. Such a row is kept but cannot price anything."""
        return any(self.meters[name].uncached_meter not in (None, *self.row.unit_prices) for name in self.row.unit_prices)


def _rates(row: PriceRow, meters: Mapping[str, Meter]) -> Iterator[Rate]:
    for meter in meters.values():
        price = row.unit_prices.get(meter.name)
        if price is not None:
            yield Rate.from_price(meter, price, disputes=row.disputes.get(meter.name, ()))
        elif meter.uncached_meter is not None and meter.uncached_meter in row.unit_prices:
            yield Rate.from_price(meter, row.unit_prices[meter.uncached_meter], is_fallback=True)
