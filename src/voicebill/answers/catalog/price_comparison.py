"""Compare the price book with other price tables: what differs, what is new there, what is gone, and what agrees."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from voicebill.answers.catalog.model_prices import compare_models
from voicebill.answers.catalog.price_findings import (
    ComparedOffers,
    GoneEntry,
    NewEntry,
    NotCompared,
    PriceAgreement,
    PriceDifference,
)
from voicebill.answers.catalog.price_tables import PublishedPriceTable
from voicebill.answers.catalog.vendor_meters import compare_vendor_meters
from voicebill.billing.price_book import PriceBook


@dataclass(frozen=True, slots=True, kw_only=True)
class TableComparison:
    """What one table says about our prices of a day."""

    table: PublishedPriceTable
    differences: tuple[PriceDifference, ...]
    new: tuple[NewEntry, ...]
    gone: tuple[GoneEntry, ...]
    disputed: tuple[PriceAgreement, ...]
    agreements: int
    skipped: Mapping[str, int]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceComparison:
    """What several tables say about our prices of a day."""

    book: PriceBook
    day: date
    tables: tuple[TableComparison, ...]


def compare_price_tables(
    book: PriceBook, tables: Iterable[PublishedPriceTable], day: date, provider: str | None = None
) -> PriceComparison:
    """Compare the list prices of a day, or those of one provider, with price tables.

    Raises:
        UnknownName: no offer is of that provider.
    """
    offers = ComparedOffers(book, day, book.offers_of(provider=provider)[0].provider if provider else None)
    return PriceComparison(book=book, day=day, tables=tuple(_compare_table(table, offers) for table in tables))


def _compare_table(table: PublishedPriceTable, offers: ComparedOffers) -> TableComparison:
    findings = list(compare_vendor_meters(table, offers) if table.name == "azure-retail" else compare_models(table, offers))
    not_compared = [item for item in findings if isinstance(item, NotCompared)]
    skipped = Counter(table.skipped)
    for item in not_compared:
        skipped[item.reason] += item.count
    agreements = [item for item in findings if isinstance(item, PriceAgreement)]
    return TableComparison(
        table=table,
        differences=tuple(item for item in findings if isinstance(item, PriceDifference)),
        new=tuple(item for item in findings if isinstance(item, NewEntry)),
        gone=tuple(item for item in findings if isinstance(item, GoneEntry)),
        disputed=tuple(item for item in agreements if item.is_disputed),
        agreements=sum(not item.is_disputed for item in agreements),
        skipped={reason: count for reason, count in sorted(skipped.items()) if count},
        warnings=tuple(item.text for item in not_compared if item.text),
    )
