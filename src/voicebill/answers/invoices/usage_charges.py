"""Price recorded usage by day: what each meter of a SKU cost on a day, for whoever caused it."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from voicebill.answers.recorded.engine import Engine, QuantityTotals
from voicebill.answers.recorded.filters import FieldValue, fields_of
from voicebill.answers.recorded.price_table import PriceTable, build_price_table
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.meters import Meter
from voicebill.billing.money import Amount
from voicebill.billing.offers import Offer, Rate, Rates
from voicebill.billing.price_book import PriceBook, Quote
from voicebill.billing.sku_periods import Sku
from voicebill.billing.validity import PartialDate

UsageChargeKey = tuple[tuple[FieldValue, ...], Sku, date | None, str]
"""The values of the fields of a query, a SKU, a day and a meter."""
OWNER_FIELDS = ("tenant", "project")
"""Who caused a charge, if a query groups by nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageCharge:
    """The quantity of one meter of a SKU on a day, at its rate.

    `owners` are the values of the fields of the query. `list_rate` is the vendor's rate without a contract; None if the vendor
    lists none. `is_lowest`: the counts of some records allow more, and this is the lowest reading.
    """

    day: date
    sku: Sku
    quote: Quote
    owners: Mapping[str, FieldValue]
    quantity: int
    rate: Rate
    list_rate: Rate | None
    is_lowest: bool

    @property
    def offer(self) -> Offer:
        """The offer that was used."""
        return self.quote.offer

    @property
    def meter(self) -> Meter:
        """What was counted."""
        return self.rate.meter

    @property
    def cost(self) -> Amount:
        """The vendor's cost in picodollars, at contracted prices where there are any."""
        return self.rate.amount(self.quantity)

    @property
    def list_cost(self) -> Amount:
        """The cost at list prices; the vendor's cost if none is listed."""
        return (self.list_rate or self.rate).amount(self.quantity)


def usage_charges(engine: Engine, query: CostQuery, prices: PriceBook) -> tuple[UsageCharge, ...]:
    """The charges of the records that a query matches, by its fields, day, SKU and meter: without what has no price.

    Their costs add up to the low amount of `cost`, exactly. `CostQuery.top` has no effect.

    Raises:
        InvalidInput: a price is too high for exact totals.
    """
    totals, price_table = _count_quantities(engine, query, prices)
    return tuple(_charges(totals, query, price_table, prices))


def sessions_by_tenant(engine: Engine, query: CostQuery, prices: PriceBook) -> Mapping[FieldValue, int]:
    """The number of sessions of each tenant among the records that a query matches."""
    totals, _ = _count_quantities(engine, replace(query, by=("tenant", "session")), prices)
    sessions = {entry.keys for entry in totals if entry.keys[1] is not None}
    return Counter(tenant for tenant, _ in sessions)


def _count_quantities(engine: Engine, query: CostQuery, prices: PriceBook) -> tuple[Sequence[QuantityTotals], PriceTable]:
    counted_query = engine.count(replace(query, top=None, calls=False))
    price_table = build_price_table(counted_query.overview().names, prices)
    if "offer" in fields_of(query.where):
        counted_query.overview(price_table)
    return counted_query.quantities(price_table), price_table


def _charges(
    totals: Sequence[QuantityTotals], query: CostQuery, price_table: PriceTable, prices: PriceBook
) -> Iterator[UsageCharge]:
    list_rates = _ListRates(prices)
    for (keys, sku, day, meter), (low, high) in _sums(totals).items():
        index = price_table.period_on(sku, day)
        quote = price_table.periods[index].quote if index >= 0 else None
        rate = quote.rates[meter] if quote else None
        if quote is None or rate is None or day is None or not low:
            continue
        yield UsageCharge(
            day=day,
            sku=sku,
            quote=quote,
            owners=dict(zip(query.by, keys, strict=True)),
            quantity=low,
            rate=rate,
            list_rate=list_rates.rate(quote.offer, day, meter),
            is_lowest=low != high,
        )


def _sums(totals: Sequence[QuantityTotals]) -> Mapping[UsageChargeKey, tuple[int, int]]:
    """The low and high quantities, whatever the status of the records."""
    sums: dict[UsageChargeKey, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for entry in totals:
        low, high = sums[entry.keys, entry.sku, entry.day, entry.meter]
        sums[entry.keys, entry.sku, entry.day, entry.meter] = (low + entry.low, high + entry.high)
    return sums


class _ListRates:
    """The rates of vendors' lists, without contracts; those of a price row are made once."""

    def __init__(self, prices: PriceBook) -> None:
        self._meters = prices.meters
        self._by_row: dict[tuple[str, PartialDate], Rates] = {}

    def rate(self, offer: Offer, day: date, meter: str) -> Rate | None:
        """The rate of a meter on a day; None if the vendor lists none."""
        row = offer.row_on(day)
        if row is None:
            return None
        key = (offer.id, row.since)
        if key not in self._by_row:
            self._by_row[key] = Rates.from_row(offer, row, self._meters)
        return self._by_row[key][meter]
