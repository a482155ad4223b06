"""Report the comparison of the price book with other price tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal

from voicebill.answers.catalog.price_comparison import PriceComparison, TableComparison
from voicebill.answers.catalog.price_findings import (
    DifferenceReason,
    GoneEntry,
    GoneReason,
    NewEntry,
    NewReason,
    PriceAgreement,
    PriceDifference,
)
from voicebill.answers.catalog.price_tables import PriceTableName
from voicebill.answers.reports.report import DayText, Ratio, Report, decimal_text, format_decimal, package_version
from voicebill.billing.offers import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceDifferenceReport(Report):
    """A price that differs."""

    reason: DifferenceReason
    """Why it differs: the price, the price in some regions only, a price from a later day on, or the unit it is listed in."""
    offer: str
    """Identifier of our offer."""
    meter: str
    """Name of the meter."""
    ours: str
    """Our price, dollars per price unit of the meter, an exact decimal."""
    our_since: str
    """First day of our price row; may be a month or year."""
    our_sources: tuple[str, ...]
    """Where our price was read."""
    theirs: str
    """The price of the table, dollars per price unit of the meter, an exact decimal."""
    ratio: Ratio | None
    """Their price as a multiple of ours; null if ours is zero."""
    since: DayText | None
    """First day of their price; null if the table does not give it."""
    listed_as: str
    """The name of the meter or the model in the table."""
    unit: str
    """The unit in which the table lists the price; empty without one."""
    regions: tuple[str, ...]
    """Regions of the offer with their price; empty if prices are not by region."""

    @classmethod
    def of(cls, difference: PriceDifference) -> "PriceDifferenceReport":
        """A difference."""
        return cls(
            reason=difference.reason,
            offer=difference.offer.id,
            meter=difference.meter,
            ours=decimal_text(difference.ours),
            our_since=str(difference.row.since),
            our_sources=difference.row.sources,
            theirs=decimal_text(difference.theirs),
            ratio=_ratio_text(difference.ratio),
            since=_day_text(difference.since),
            listed_as=difference.listed_as,
            unit=difference.unit,
            regions=difference.regions,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntryReport(Report):
    """An entry of a table that the price book does not have."""

    reason: NewReason
    """What the price book lacks: the meter, its region, the model, its version, its deployment, or a price of the meter."""
    offer: str | None
    """Identifier of the offer that it extends; null if it is a new one."""
    provider: str
    """Provider."""
    model: str
    """Model, as far as its name says it."""
    kind: Kind
    """Kind of service that the name suggests."""
    deployment: str
    """Deployment: global, data-zone or regional."""
    zone: str
    """Data zone; empty without one."""
    tier: str
    """Service tier."""
    prices: Mapping[str, str]
    """Dollars by our meter, per price unit, exact decimals; empty if the name does not say which meter it is."""
    listed_price: str | None
    """The price of a vendor's meter as listed, an exact decimal; null in a table of models."""
    unit: str
    """The unit in which the table lists the price; empty without one."""
    since: DayText | None
    """First day of the price; null if the table does not give it."""
    listed_as: str
    """The name of the meter or the model in the table."""
    regions: tuple[str, ...]
    """Regions with this price; empty if prices are not by region."""

    @classmethod
    def of(cls, entry: NewEntry) -> "NewEntryReport":
        """A new entry."""
        return cls(
            reason=entry.reason,
            offer=entry.offer.id if entry.offer else None,
            provider=entry.provider,
            model=entry.model,
            kind=entry.kind,
            deployment=entry.deployment,
            zone=entry.zone,
            tier=entry.tier,
            prices={meter: decimal_text(price) for meter, price in entry.unit_prices.items()},
            listed_price=None if entry.dollars is None else decimal_text(entry.dollars),
            unit=entry.unit,
            since=_day_text(entry.since),
            listed_as=entry.listed_as,
            regions=entry.regions,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GoneEntryReport(Report):
    """An offer of ours that a table does not have."""

    reason: GoneReason
    """Whether all of the offer is gone, or some of its meters."""
    offer: str
    """Identifier of our offer."""
    meters: tuple[str, ...]
    """The meters that are gone."""
    our_since: str
    """First day of our price row; may be a month or year."""
    our_sources: tuple[str, ...]
    """Where our prices were read."""

    @classmethod
    def of(cls, entry: GoneEntry) -> "GoneEntryReport":
        """An offer that is gone."""
        return cls(
            reason=entry.reason,
            offer=entry.offer.id,
            meters=entry.meters,
            our_since=str(entry.row.since),
            our_sources=entry.row.sources,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmedDisputeReport(Report):
    """A price of ours that sources dispute: the table has one of the other prices that its row lists."""

    offer: str
    """Identifier of our offer."""
    meter: str
    """Name of the meter."""

    @classmethod
    def of(cls, agreement: PriceAgreement) -> "ConfirmedDisputeReport":
        """A disputed price."""
        return cls(offer=agreement.offer.id, meter=agreement.meter)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableComparisonReport(Report):
    """What one price table says about our prices."""

    table: PriceTableName
    """The table."""
    files: tuple[str, ...]
    """Names of its files."""
    agrees: int
    """Number of prices that are the same, each counted by offer and meter."""
    differs: tuple[PriceDifferenceReport, ...]
    """Prices that differ."""
    disputed: tuple[ConfirmedDisputeReport, ...]
    """Prices that equal one that our row has as disputed; they are no differences."""
    new: tuple[NewEntryReport, ...]
    """Entries that the price book does not have."""
    gone: tuple[GoneEntryReport, ...]
    """Offers of ours that the table does not have."""
    skipped: Mapping[str, int]
    """Number of entries that are not compared, by reason."""
    malformed: tuple[str, ...]
    """Entries that cannot be read, each with its fault."""
    warnings: tuple[str, ...]
    """What the comparison cannot see."""

    @classmethod
    def of(cls, comparison: TableComparison) -> "TableComparisonReport":
        """The comparison with one table."""
        return cls(
            table=comparison.table.name,
            files=comparison.table.files,
            agrees=comparison.agreements,
            differs=tuple(map(PriceDifferenceReport.of, comparison.differences)),
            disputed=tuple(map(ConfirmedDisputeReport.of, comparison.disputed)),
            new=tuple(map(NewEntryReport.of, comparison.new)),
            gone=tuple(map(GoneEntryReport.of, comparison.gone)),
            skipped=comparison.skipped,
            malformed=comparison.table.malformed,
            warnings=comparison.warnings,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceComparisonReport(Report):
    """The price book beside other price tables."""

    voicebill: str
    """Version of voicebill."""
    digest: str
    """Digest of the price book; it changes with every price."""
    day: DayText
    """The day on which our prices are taken."""
    currency: Literal["USD"]
    """Currency of the prices."""
    tables: tuple[TableComparisonReport, ...]
    """The tables."""

    @classmethod
    def of(cls, comparison: PriceComparison) -> "PriceComparisonReport":
        """A comparison."""
        return cls(
            voicebill=package_version(),
            digest=comparison.book.digest,
            day=comparison.day.isoformat(),
            currency="USD",
            tables=tuple(map(TableComparisonReport.of, comparison.tables)),
        )


def _day_text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _ratio_text(ratio: Fraction | None) -> str | None:
    return None if ratio is None else format_decimal(ratio)
