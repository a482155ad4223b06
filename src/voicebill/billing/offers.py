"""Offers and rates: what is sold, and at which price on a day.

An offer is a model as sold: provider, model, version, deployment, region and service tier. Its price rows are dated;
the row in force on a day gives `Rates`, a rate per meter.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from voicebill.billing.dated import Day, in_force
from voicebill.billing.meters import Meter
from voicebill.billing.money import Amount, picodollars, quoted

Kind = Literal["realtime", "live", "translation", "transcription", "speech", "text", "audio-chat", "telephony", "platform"]
"""What is sold. Only `realtime` models are billed by the tokens of a spoken conversation; a carrier (`telephony`) and a
`platform` take something for the minutes of a call."""

Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True)
class Dispute:
    """Another figure that a source gives for a rate, in dollars per the meter's price unit."""

    price: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class PriceRow:
    """What an offer costs from `since` (inclusive) until `until` (exclusive).

    `prices` are dollars per the meter's price unit, as published. `checked` is the day on which the figures were last
    compared with their sources. A billing increment (`increments`, in the meter's unit) is how a vendor rounds a
    quantity up before pricing it.
    """

    since: Day
    until: Day | None
    prices: Mapping[str, Decimal]
    checked: date
    sources: tuple[str, ...]
    disputes: Mapping[str, tuple[Dispute, ...]] = field(default_factory=dict)
    increments: Mapping[str, int] = field(default_factory=dict)
    confidence: Confidence = "high"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """A model as sold.

    `also_named` are further names for it in calls and logs. `regions` is empty where a price holds everywhere.
    `vendor_meters` gives, by meter, the invoice's name for it and the unit it is listed in. An `example` is not for sale
    here: it shows what others charge.
    """

    provider: str
    model: str
    version: str | None
    kind: Kind
    deployment: str
    rows: tuple[PriceRow, ...]
    also_named: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    tier: str = "standard"
    vendor_meters: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    example: bool = False
    note: str = ""

    @property
    def name(self) -> str:
        """The model with its version, as it is written in an API call or a log."""
        return f"{self.model}-{self.version}" if self.version else self.model

    @property
    def id(self) -> str:
        """A stable name: provider/model, then deployment, region and tier where they are not the plain ones."""
        parts = [self.provider, self.name]
        if self.deployment != "global":
            parts.append(self.deployment)
        if self.deployment == "regional" and self.regions:
            parts.append(self.regions[0])
        return "/".join(parts) + ("" if self.tier == "standard" else f":{self.tier}")

    def row_on(self, day: date) -> PriceRow | None:
        """The price row in force on a day."""
        return in_force(self.rows, day)


@dataclass(frozen=True, slots=True)
class Rate:
    """The price of one meter: `picodollars` for every `per` units.

    `stands_in` marks a cached meter that has no rate of its own and is priced as fresh.
    """

    meter: Meter
    picodollars: int
    per: int
    stands_in: bool = False
    disputes: tuple[Dispute, ...] = ()

    @classmethod
    def quoted(cls, meter: Meter, price: Decimal, *, stands_in: bool = False, disputes: tuple[Dispute, ...] = ()) -> "Rate":
        """The rate for a price as published: dollars per the meter's price unit."""
        each = Fraction(picodollars(price), meter.priced_per)
        return cls(meter, each.numerator, each.denominator, stands_in, disputes)

    @property
    def price(self) -> Fraction:
        """Dollars per the meter's price unit."""
        return Fraction(self.picodollars * self.meter.priced_per, self.per * 10**12)

    def amount(self, quantity: int) -> Amount:
        """The price of a quantity, exact: whole picodollars where the rate divides, else a fraction."""
        product = quantity * self.picodollars
        return product // self.per if product % self.per == 0 else Fraction(product, self.per)

    def __str__(self) -> str:
        return f"{quoted(self.price)}{self.meter.price_unit}"


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates of one offer on one day, by the meter's name; `meters` describes every meter, priced or not."""

    offer: Offer
    row: PriceRow
    by_meter: Mapping[str, Rate]
    meters: Mapping[str, Meter]

    @classmethod
    def of(cls, offer: Offer, row: PriceRow, meters: Mapping[str, Meter]) -> "Rates":
        """The rates of a price row. A cached meter without a price takes the fresh one's."""
        return cls(offer, row, {rate.meter.name: rate for rate in _rates(row, meters)}, meters)

    def __getitem__(self, meter: str) -> Rate | None:
        return self.by_meter.get(meter)

    @property
    def incomplete(self) -> bool:
        """Whether a cached price stands without its fresh one: such a row is kept, and cannot price."""
        return any(self.meters[name].fresh not in (None, *self.row.prices) for name in self.row.prices)


def _rates(row: PriceRow, meters: Mapping[str, Meter]) -> Iterator[Rate]:
    for meter in meters.values():
        price = row.prices.get(meter.name)
        if price is not None:
            yield Rate.quoted(meter, price, disputes=row.disputes.get(meter.name, ()))
        elif meter.fresh is not None and meter.fresh in row.prices:
            yield Rate.quoted(meter, row.prices[meter.fresh], stands_in=True)
