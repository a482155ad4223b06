"""Report the price book: offers with their price history."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from voicebill.answers.reports.provenance import offer_values
from voicebill.answers.reports.report import DayText, Report, decimal_text, package_version
from voicebill.billing.offers import Confidence, Kind, Offer, PriceRow
from voicebill.billing.price_book import PriceBook


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeReport(Report):
    """A different price that another source gives."""

    meter: str
    """Name of the meter."""
    list_price: str
    """Dollars per price unit of the meter, an exact decimal."""
    source: str
    """The other source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRowReport(Report):
    """Prices of one period."""

    since: str
    """First day; may be a month or year if the day is not known."""
    until: str | None
    """First day on which the prices no longer apply; null if no end is known."""
    list_prices: Mapping[str, str]
    """Dollars by meter, per price unit of the meter, such as a million tokens."""
    disputed: tuple[DisputeReport, ...]
    """Other prices that sources give."""
    checked: DayText
    """Day on which the prices were last compared with their sources."""
    confidence: Confidence
    """How certain the prices are."""
    sources: tuple[str, ...]
    """Where the prices were read."""
    note: str
    """A note; may be empty."""

    @classmethod
    def of(cls, row: PriceRow) -> "PriceRowReport":
        """A price row."""
        return cls(
            since=str(row.since),
            until=str(row.until) if row.until else None,
            list_prices={meter: decimal_text(price) for meter, price in row.unit_prices.items()},
            disputed=tuple(
                DisputeReport(meter=meter, list_price=decimal_text(dispute.price), source=dispute.source)
                for meter, disputes in row.disputes.items()
                for dispute in disputes
            ),
            checked=row.checked.isoformat(),
            confidence=row.confidence,
            sources=row.sources,
            note=row.note,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferHistoryReport(Report):
    """An offer with its complete price history."""

    id: str
    """Identifier of the offer, such as `openai/gpt-realtime-1.5`."""
    provider: str
    """Provider, such as openai or azure."""
    model: str
    """Model, without its version."""
    version: str | None
    """Version of the model, usually its date; null without one."""
    deployment: str
    """Deployment: global, data-zone or regional."""
    region: str | None
    """Always null: no region is selected; see `regions`."""
    tier: str
    """Service tier, such as standard."""
    regions: tuple[str, ...]
    """Regions in which the prices apply; empty if everywhere."""
    kind: Kind
    """Kind of service."""
    example: bool
    """Whether the offer is only an example of what carriers and platforms charge."""
    ends: DayText | None
    """Day on which the model ends or has ended, by the source that is used, or the latest day possible; null if unknown."""
    prices: tuple[PriceRowReport, ...]
    """The prices by period."""

    @classmethod
    def of(cls, offer: Offer, book: PriceBook) -> "OfferHistoryReport":
        """An offer with its prices, their sources and disputes."""
        ends = book.shutdown_day(offer)
        return cls(
            **offer_values(offer),
            regions=offer.regions,
            kind=offer.kind,
            example=offer.example,
            ends=ends.isoformat() if ends else None,
            prices=tuple(PriceRowReport.of(row) for row in offer.rows),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceListReport(Report):
    """The price book, or a part of it."""

    voicebill: str
    """Version of voicebill."""
    digest: str
    """Digest of the price book; it changes with every price."""
    day: DayText
    """The day of the answer: the prices in force are those of the period that contains it."""
    currency: Literal["USD"]
    """Currency of the prices."""
    offers: tuple[OfferHistoryReport, ...]
    """The offers."""

    @classmethod
    def of(cls, book: PriceBook, offers: Iterable[Offer], day: date) -> "PriceListReport":
        """Some offers of a price book, on a day."""
        return cls(
            voicebill=package_version(),
            digest=book.digest,
            day=day.isoformat(),
            currency="USD",
            offers=tuple(OfferHistoryReport.of(offer, book) for offer in offers),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceFileReport(Report):
    """A file of facts that has no errors, with what it adds."""

    voicebill: str
    """Version of voicebill."""
    file: str
    """The file."""
    faults: tuple[str, ...]
    """Always empty: a file with errors is refused."""
    offers: int
    """Number of offers in the file."""
    rule_sets: int
    """Number of rule sets in the file."""
    missing_rules: Mapping[str, tuple[str, ...]]
    """By the id of each offer that cannot be estimated, the rules that it lacks."""
    contracted: int
    """Number of offers with contracted prices."""
    adjustments: int
    """Number of price adjustments."""
    currencies: int
    """Number of exchange rates."""
    stacks: int
    """Number of stacks in the file."""
    aliases: int
    """Number of names for models in the file."""
