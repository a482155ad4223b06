"""Define what an engine returns: counts of records and totals as whole numbers, over the denominator of a price table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from voicebill.answers.recorded.filters import FieldValue
from voicebill.answers.recorded.price_table import PriceTable
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.sku_periods import Sku

PERCENTILES = (10, 50, 90, 99)
"""Nearest rank: the p-th percentile of n amounts is the smallest that is not below p % of them."""


@dataclass(frozen=True, slots=True)
class Overview:
    """What an engine sees first: names with the days on which they occur (None: records without a day), and counts.

    `unnamed` counts the records that name no provider, and no deployment.
    """

    names: Sequence[tuple[Sku, date | None, date | None]]
    by_status: Mapping[str, int]
    unattributed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class LineTotals:
    """Quantities of a meter in a span (-1: no day), in the cheapest and the dearest reading.

    `again` is how much of it had been read before, of `followed` for which that is known.
    """

    period: int
    meter: str
    low: int
    high: int
    repeated_tokens: int
    tracked_tokens: int
    sku: Sku


@dataclass(frozen=True, slots=True)
class GroupTotals:
    """A group: its records, its amounts as numerators over `Priced.per`, and how many quantities no price is known for."""

    keys: tuple[FieldValue, ...]
    records: int
    low: int
    high: int
    disputed_low: int
    disputed_high: int
    priced: int
    unpriced: int


@dataclass(frozen=True, slots=True)
class SessionTotals:
    """Percentiles over sessions whose every quantity has a price: numerators over `Priced.per`, by percentile.

    `low_minute` and `high_minute` give the numerator and the milliseconds of the session that is the percentile.
    """

    sessions: int
    low_sum: int
    high_sum: int
    low: Mapping[int, int]
    high: Mapping[int, int]
    timed: int
    milliseconds: int
    low_minute: Mapping[int, tuple[int, int]]
    high_minute: Mapping[int, tuple[int, int]]


class CountedQuery(Protocol):
    """The records that are asked about, as an engine counts them."""

    def overview(self, price_table: PriceTable | None = None) -> Overview:
        """The names and days that occur, and how many records. Before prices are known, an offer cannot be asked for."""
        ...

    def lines(self, price_table: PriceTable) -> Sequence[LineTotals]:
        """Quantities by span and meter."""
        ...

    def total(self, price_table: PriceTable) -> GroupTotals:
        """The amount of everything."""
        ...

    def groups(self, price_table: PriceTable) -> Sequence[GroupTotals]:
        """Amounts by the fields asked for: in order, or dearest first and at most so many as were asked for."""
        ...

    def unpriced_records(self, price_table: PriceTable) -> int:
        """How many records have a quantity that no price is known for."""
        ...

    def sessions(self, price_table: PriceTable) -> SessionTotals:
        """What sessions cost."""
        ...


class Engine(Protocol):
    """Counts a usage table. Every engine gives the same figures, to the last picodollar."""

    def count(self, query: CostQuery) -> CountedQuery:
        """The records that are asked about."""
        ...
