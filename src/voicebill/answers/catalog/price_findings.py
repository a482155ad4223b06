"""Define what the comparison with a price table finds: differences, new and gone entries, agreements."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from voicebill.billing.offers import DEFAULT_DEPLOYMENT, Kind, Offer, PriceRow
from voicebill.billing.price_book import PriceBook

DifferenceReason = Literal["price-differs", "differs-in-some-regions", "starts-later", "unit-differs"]
"""Why a price differs: it is another one; it is another one in some of the offer's regions only; it is another one from a later
day on; it is the same, but listed in another unit."""

NewReason = Literal[
    "meter-unknown", "region-unknown", "model-unknown", "version-unknown", "deployment-unknown", "meter-unpriced"
]
"""Why an entry is new: the price book lacks the vendor's meter, its region, the model, the version of the model or its
deployment; or it has the offer, without a price for this meter."""

GoneReason = Literal["not-in-table", "meters-not-in-table"]
"""What of an offer is gone: all of it, or some of its meters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceDifference:
    """A price of ours beside that of a table, both in dollars per price unit of the meter.

    `listed_as` is the meter or the model as the table names it, and `unit` the unit in which it is listed there, if it has one.
    `regions` are the offer's regions with that price, empty if it is not by region. `since` is the first day of their price.
    """

    reason: DifferenceReason
    offer: Offer
    row: PriceRow
    meter: str
    theirs: Decimal
    listed_as: str
    unit: str = ""
    regions: tuple[str, ...] = ()
    since: date | None = None

    @property
    def ours(self) -> Decimal:
        """Our price."""
        return self.row.unit_prices[self.meter]

    @property
    def ratio(self) -> Fraction | None:
        """Their price as a multiple of ours; None if ours is zero."""
        return Fraction(self.theirs) / Fraction(self.ours) if self.ours else None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """An entry of a table that the price book does not have.

    `unit_prices` are in dollars per price unit of our meters, as far as it is clear which these are. `dollars` is the price
    of a vendor's meter as listed, for its `unit`. `offer` is the offer that the entry extends, if there is one.
    """

    reason: NewReason
    provider: str
    model: str
    kind: Kind
    listed_as: str
    unit_prices: Mapping[str, Decimal] = field(default_factory=dict)
    dollars: Decimal | None = None
    unit: str = ""
    deployment: str = DEFAULT_DEPLOYMENT
    zone: str = ""
    tier: str = "standard"
    regions: tuple[str, ...] = ()
    since: date | None = None
    offer: Offer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GoneEntry:
    """An offer of ours with an open price row, of which a table does not have these meters."""

    reason: GoneReason
    offer: Offer
    row: PriceRow
    meters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PriceAgreement:
    """A price that is the same in both, or `is_disputed`: the same as one of the prices that our row has as disputed."""

    offer: Offer
    meter: str
    is_disputed: bool = False


@dataclass(frozen=True, slots=True)
class NotCompared:
    """An entry, or a service of ours, that is not compared, and why. `text` is a sentence about it, if it needs one."""

    reason: str
    count: int = 1
    text: str = ""


Finding = PriceDifference | NewEntry | GoneEntry | PriceAgreement | NotCompared


@dataclass(frozen=True, slots=True)
class ComparedOffers:
    """The offers that are compared: those of the price book, or of one provider of it, on a day."""

    book: PriceBook
    day: date
    provider: str | None = None

    def __iter__(self) -> Iterator[Offer]:
        return (
            offer
            for offer in self.book.offers
            if not offer.example and (self.provider is None or offer.provider == self.provider)
        )

    def open_row(self, offer: Offer) -> PriceRow | None:
        """The list prices of an offer on the day; None if it has none, or has ended."""
        return None if self.book.is_shut_down(offer, self.day) else offer.row_on(self.day)
