"""Define what an engine returns: counts of records, quantities, and amounts.

Every amount is a whole number, the numerator over `PriceTable.denominator`, in picodollars.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from voicebill.answers.recorded.filters import FieldValue
from voicebill.answers.recorded.price_table import PriceTable
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.sku_periods import Sku

PERCENTILES = (10, 50, 90, 99)
"""Percentiles by nearest rank: the p-th percentile of n amounts is number ⌈n × p / 100⌉ of them in ascending order."""


@dataclass(frozen=True, slots=True)
class Overview:
    """The SKUs of the matching records, each with its first and last day, and counts of records.

    The days are None if no record of the SKU has a day. `by_status` has the number of records by status; `unattributed` has
    the number of records without a provider and without a deployment, by field.
    """

    names: Sequence[tuple[Sku, date | None, date | None]]
    by_status: Mapping[str, int]
    unattributed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class LineTotals:
    """The quantities of a meter for a SKU in a price period, from the usage candidates of the lowest and the highest amount.

    `period` is an index in `PriceTable.periods`, or -1 if there is none for the day. `repeated_tokens` is the repeated input
    among `tracked_tokens`, the part of the quantity for which that is known.
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
    """The number of records in a group, its amounts, and the numbers of its quantities with and without a price.

    A quantity is one meter of one record. `disputed_low` and `disputed_high` are the amounts at the lowest and at the highest
    of all prices that sources give.
    """

    keys: tuple[FieldValue, ...]
    records: int
    low: int
    high: int
    disputed_low: int
    disputed_high: int
    priced: int
    unpriced: int


@dataclass(frozen=True, slots=True)
class QuantityTotals:
    """The quantity of a meter for a SKU on a day, in one group, from the usage candidates of the lowest and highest amount.

    `keys` are the values of `CostQuery.by`. The meter is empty if records count nothing. Quantities are rounded up to the
    vendor's billing increments. Of each record, the first quantity counts as a record, so that `records` can be summed.
    """

    keys: tuple[FieldValue, ...]
    sku: Sku
    day: date | None
    meter: str
    status: str
    low: int
    high: int
    records: int


@dataclass(frozen=True, slots=True)
class SessionTotals:
    """Sums and percentiles of what sessions cost, over the sessions whose quantities all have a price.

    `low` and `high` have an amount by percentile. `timed` is the number of sessions with a known length, and `milliseconds`
    the sum of their lengths. `low_minute` and `high_minute` are percentiles of the cost per minute over these sessions: the
    amount and the milliseconds of the session at the percentile.
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


def quantity_order(totals: QuantityTotals) -> tuple[object, ...]:
    """The place of quantities among others: by their keys, SKU, day, meter and status; without a value comes last."""
    keys = (*totals.keys, totals.sku, totals.day, totals.meter, totals.status)
    return tuple((key is None, "" if key is None else key) for key in keys)


class CountedQuery(Protocol):
    """The records that a query matches, counted by an engine."""

    def overview(self, price_table: PriceTable | None = None) -> Overview:
        """The SKUs and days that occur, and the number of records. A filter that names offers is ignored without prices."""
        ...

    def lines(self, price_table: PriceTable) -> Sequence[LineTotals]:
        """The quantities by price period, meter and SKU."""
        ...

    def total(self, price_table: PriceTable) -> GroupTotals:
        """The total amount of all matching records."""
        ...

    def groups(self, price_table: PriceTable) -> Sequence[GroupTotals]:
        """The amounts by the fields of the query: in chronological order, or the highest first and at most `CostQuery.top`."""
        ...

    def quantities(self, price_table: PriceTable) -> Sequence[QuantityTotals]:
        """The quantities by the fields of the query, SKU, day, meter and status, in the order of these."""
        ...

    def unpriced_records(self, price_table: PriceTable) -> int:
        """The number of records with a quantity that has no known price."""
        ...

    def sessions(self, price_table: PriceTable) -> SessionTotals:
        """Sums and percentiles of what sessions cost."""
        ...


class Engine(Protocol):
    """A counter of records. Every engine returns the same figures, exactly."""

    def count(self, query: CostQuery) -> CountedQuery:
        """The records that a query matches."""
        ...
