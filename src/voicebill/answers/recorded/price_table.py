"""Build the price table of a query: the rate of every meter in every period, over one denominator."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property
from math import lcm

from voicebill.billing.errors import InvalidInput
from voicebill.billing.money import Amount
from voicebill.billing.offers import Rate
from voicebill.billing.price_book import PriceBook
from voicebill.billing.sku_periods import PricePeriod, Sku, price_periods

MAX_RATE = 10**18
"""Every `RateRow.rate` is below this, because engines store rates as whole numbers of at most 18 digits."""


@dataclass(frozen=True, slots=True)
class RateRow:
    """The rate of a meter in a price period, in picodollars per unit, as a numerator over `PriceTable.denominator`.

    `lowest` and `highest` include disputed prices. `period` is an index in `PriceTable.periods`. Quantities are rounded up to
    multiples of `increment`, the vendor's billing increment.
    """

    period: int
    meter: str
    rate: int
    lowest: int
    highest: int
    increment: int


@dataclass(frozen=True)
class PriceTable:
    """The prices that a query needs: price periods, and rates over one denominator, so that totals are whole numbers.

    `included` has the meters of tokens that an offer includes in its minutes, by index of the price period: they are not
    charged in sessions of which a quantity of `time` is recorded. In others they have no price: the minutes are unknown.
    """

    periods: Sequence[PricePeriod]
    rows: Sequence[RateRow]
    denominator: int
    included: frozenset[tuple[int, str]] = frozenset()
    time: frozenset[tuple[int, str]] = frozenset()

    def amount(self, numerator: int) -> Amount:
        """A numerator over the denominator as picodollars: a whole number if it divides, else a fraction."""
        return numerator // self.denominator if numerator % self.denominator == 0 else Fraction(numerator, self.denominator)

    @cached_property
    def by_meter(self) -> Mapping[tuple[int, str], RateRow]:
        """The rows by index of the price period and meter."""
        return {(row.period, row.meter): row for row in self.rows}

    @cached_property
    def by_sku(self) -> Mapping[Sku, Sequence[int]]:
        """The indexes of each SKU's price periods, in their order, without gaps."""
        indexes: dict[Sku, list[int]] = {}
        for index, period in enumerate(self.periods):
            indexes.setdefault(period.sku, []).append(index)
        return indexes

    def period_on(self, sku: Sku, day: date | None) -> int:
        """The index of a SKU's price period on a day; -1 if there is none."""
        indexes = self.by_sku.get(sku, ())
        position = 0 if day is None else bisect_right(indexes, day, key=lambda index: self.periods[index].since)
        return indexes[position - 1] if day is not None and position and day < self.periods[indexes[position - 1]].until else -1


def build_price_table(names: Iterable[tuple[Sku, date | None, date | None]], prices: PriceBook) -> PriceTable:
    """The rates of each SKU from its first to its last day. A SKU without a day is left out.

    Raises:
        InvalidInput: a price is too high for exact totals.
    """
    periods = [period for sku, first, last in names if first and last for period in price_periods(prices, sku, first, last)]
    meter_rates = [
        (index, meter, rate, period.quote.rates.row.increments.get(meter, 1))
        for index, period in enumerate(periods)
        if period.quote
        for meter, rate in period.quote.rates.by_meter.items()
    ]
    unit_prices = [
        (index, meter, [_unit_price(rate), *_disputed_prices(rate)], increment) for index, meter, rate, increment in meter_rates
    ]
    denominator = lcm(*(amount.denominator for _, _, amounts, _ in unit_prices for amount in amounts))
    rows = []
    if any(amount * denominator >= MAX_RATE for _, _, amounts, _ in unit_prices for amount in amounts):
        raise InvalidInput("these prices are out of range: one is a fortune for a single token, or for a millisecond")
    for index, meter, amounts, increment in unit_prices:
        scaled_rate, *_ = scaled_rates = [int(amount * denominator) for amount in amounts]
        rows.append(RateRow(index, meter, scaled_rate, min(scaled_rates), max(scaled_rates), increment))
    quotes = [(index, period.quote.rates) for index, period in enumerate(periods) if period.quote]
    included = frozenset((index, meter) for index, rates in quotes for meter in rates.included_meters)
    time = frozenset((index, meter) for index, rates in quotes if rates.included_meters for meter in rates.time_meters)
    return PriceTable(periods, rows, denominator, included, time)


def _unit_price(rate: Rate) -> Fraction:
    return Fraction(rate.picodollars, rate.per)


def _disputed_prices(rate: Rate) -> list[Fraction]:
    return [_unit_price(Rate.from_price(rate.meter, dispute.price)) for dispute in rate.disputes]
