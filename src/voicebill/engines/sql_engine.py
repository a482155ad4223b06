"""Run the SQL statements in a database, and convert their rows to the totals of a cost report."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Protocol

from voicebill.answers.recorded.engine import (
    PERCENTILES,
    GroupTotals,
    LineTotals,
    Overview,
    QuantityTotals,
    SessionTotals,
    quantity_order,
)
from voicebill.answers.recorded.filters import fields_of
from voicebill.answers.recorded.price_table import PriceTable
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.sku_periods import Sku
from voicebill.engines import sql
from voicebill.engines.usage_table import parse_sku

ResultRow = Sequence[Any]

SKU_VIEW_COLUMNS = {"sku": str, **dict.fromkeys(sql.SKU_FIELDS, str)}
PERIOD_VIEW_COLUMNS = {"period": int, "sku": str, "since": date, "until": date, "offer": str, "has_price": int}
RATE_VIEW_COLUMNS = {"period": int, "meter": str, "rate": int, "lowest": int, "highest": int, "increment": int}
METER_VIEW_COLUMNS = {"period": int, "meter": str}
"""The columns of the views that belong to one query."""


MAX_NARROW_AMOUNT = 2**63
"""Integers below it have 64 bits with their sign."""


class Database(Protocol):
    """A database that has the view `usage`, runs statements, and can keep other views."""

    def query(self, statement: sql.Statement) -> Sequence[ResultRow]:
        """Run a statement and return its rows."""
        ...

    def materialize(self, view: str, statement: sql.Statement) -> None:
        """Run a statement and keep its rows as a view."""
        ...

    def register(self, view: str, columns: Mapping[str, type], rows: Sequence[ResultRow]) -> None:
        """Register a small table as a view."""
        ...


class SqlQuery:
    """The records that a query matches, counted by a database."""

    def __init__(self, database: Database, query: CostQuery) -> None:
        self._database = database
        self._query = query
        self._price_table: PriceTable | None = None
        self._skus: dict[str, Sku] = {}
        database.materialize("quantity_sums", sql.quantity_sums(query))
        self._current_overview = self._read_overview()

    def overview(self, price_table: PriceTable | None = None) -> Overview:
        """Return the SKUs and days that occur, and numbers of records. A filter that names offers is ignored without prices."""
        if price_table is not None:
            self._register_prices(price_table)
        return self._current_overview

    def _read_overview(self) -> Overview:
        days: dict[Sku, list[date]] = defaultdict(list)
        by_status: Counter[str] = Counter()
        unattributed: Counter[str] = Counter()
        has_ranges = False
        self._quantity = 0
        for name, status, first, last, records, is_range, quantity in self._database.query(sql.OVERVIEW):
            self._quantity += int(quantity)
            has_ranges = has_ranges or bool(is_range)
            sku, missing = parse_sku(name, self._query)
            self._skus[name] = sku
            days[sku] += [day for day in (first, last) if day]
            by_status[status] += int(records)
            unattributed.update(dict.fromkeys(missing, int(records)))
        self._has_ranges = has_ranges
        names = [(sku, min(days[sku], default=None), max(days[sku], default=None)) for sku in sorted(days)]
        return Overview(names, by_status, unattributed)

    def lines(self, price_table: PriceTable) -> Sequence[LineTotals]:
        """Return the quantities by price period, meter and SKU."""
        self._register_prices(price_table)
        return [
            LineTotals(period, meter, int(low), int(high), int(repeated), int(tracked), Sku(*sku_fields))
            for period, meter, *sku_fields, low, high, repeated, tracked in self._database.query(sql.LINE_QUANTITIES)
        ]

    def total(self, price_table: PriceTable) -> GroupTotals:
        """Return the total amount of all matching records."""
        self._register_prices(price_table)
        ((_, *figures),) = self._database.query(sql.groups(self._query, total=True))
        return _group_totals((sum(self._current_overview.by_status.values()), *figures), 0)

    def groups(self, price_table: PriceTable) -> Sequence[GroupTotals]:
        """Return the amounts by the fields of the query: in chronological order, or the highest first and at most `top`."""
        self._register_prices(price_table)
        return [_group_totals(row, len(self._query.by)) for row in self._database.query(sql.groups(self._query))]

    def quantities(self, price_table: PriceTable) -> Sequence[QuantityTotals]:
        """Return the quantities by the fields of the query, SKU, day, meter and status, in the order of these."""
        self._register_prices(price_table)
        rows = self._database.query(sql.quantities(self._query))
        return sorted((_quantity_totals(row, len(self._query.by)) for row in rows), key=quantity_order)

    def unpriced_records(self, price_table: PriceTable) -> int:
        """Return the number of records with a quantity that has no known price."""
        self._register_prices(price_table)
        ((records, mixed),) = self._database.query(sql.UNPRICED_COUNTS)
        if mixed:
            ((records,),) = self._database.query(sql.unpriced_records(self._query, with_included=bool(price_table.included)))
        return int(records or 0)

    def sessions(self, price_table: PriceTable) -> SessionTotals:
        """Return sums and percentiles of what sessions cost."""
        self._register_prices(price_table)
        statement = sql.session_costs(
            self._query,
            with_ranges=self._has_ranges,
            with_increments=_has_increments(price_table),
            with_included=bool(price_table.included),
            is_narrow=self._is_narrow(price_table),
        )
        self._database.materialize("session_costs", statement)
        ((sessions, timed, *sums),) = self._database.query(sql.SESSION_SUMS)
        if not sessions:
            return SessionTotals(0, 0, 0, {}, {}, 0, 0, {}, {})
        places, timed_places = _percentile_places(int(sessions)), _percentile_places(int(timed))
        percentiles = sql.session_percentiles(places.values(), timed_places.values(), with_ranges=self._has_ranges)
        figures = {(metric, place): (int(amount), int(ms)) for metric, place, amount, ms in self._database.query(percentiles)}
        low, low_minute = ("low", "low_minute")
        high, high_minute = ("high", "high_minute") if self._has_ranges else (low, low_minute)
        low_sum, high_sum, milliseconds = map(int, sums)
        return SessionTotals(
            sessions=int(sessions),
            low_sum=low_sum,
            high_sum=high_sum,
            low={percent: figures[low, place][0] for percent, place in places.items()},
            high={percent: figures[high, place][0] for percent, place in places.items()},
            timed=int(timed),
            milliseconds=milliseconds,
            low_minute={percent: figures[low_minute, place] for percent, place in timed_places.items()},
            high_minute={percent: figures[high_minute, place] for percent, place in timed_places.items()},
        )

    def _is_narrow(self, price_table: PriceTable) -> bool:
        """Return whether no sum of exact amounts can have 64 bits or more, as all quantities at the highest rate have less."""
        highest_rate = max((row.rate for row in price_table.rows), default=0)
        return not _has_increments(price_table) and self._quantity * highest_rate < MAX_NARROW_AMOUNT

    def _register_prices(self, price_table: PriceTable) -> None:
        """Register the prices in the database, once, and sum the quantities again if the rows depend on prices."""
        if price_table is self._price_table:
            return
        if self._price_table is None:
            self._database.materialize("sku_meters", sql.SKU_METERS)
        self._price_table = price_table
        priced_periods = {row.period for row in price_table.rows}
        periods = [
            (
                index,
                name,
                period.since,
                period.until,
                period.quote.offer.id if period.quote else None,
                int(index in priced_periods),
            )
            for name, sku in self._skus_with_prices(price_table).items()
            for index in price_table.by_sku.get(sku, ())
            for period in [price_table.periods[index]]
        ]
        rates = [(row.period, row.meter, row.rate, row.lowest, row.highest, row.increment) for row in price_table.rows]
        names = [(name, *(getattr(sku, field) for field in sql.SKU_FIELDS)) for name, sku in self._skus.items()]
        self._database.register("skus", SKU_VIEW_COLUMNS, names)
        self._database.register("price_periods", PERIOD_VIEW_COLUMNS, periods)
        self._database.register("rates", RATE_VIEW_COLUMNS, rates)
        self._database.materialize("meter_prices", sql.METER_PRICES)
        with_included = bool(price_table.included)
        if with_included:
            self._database.register("included_meters", METER_VIEW_COLUMNS, sorted(price_table.included))
            self._database.register("charged_time", METER_VIEW_COLUMNS, sorted(price_table.time))
            self._database.materialize("timed_sessions", sql.TIMED_SESSIONS)
        with_prices = "offer" in fields_of(self._query.where) or _has_increments(price_table) or with_included
        if with_prices:
            sums = sql.quantity_sums(self._query, with_prices=True, with_included=with_included)
            self._database.materialize("quantity_sums", sums)
            self._current_overview = self._read_overview()
        self._database.materialize("range_usage", sql.range_usage(self._query, is_empty=not self._has_ranges))
        candidates = sql.range_candidates(
            self._query, with_increments=_has_increments(price_table), with_included=with_included
        )
        self._database.materialize("range_candidates", candidates)
        range_sums = sql.range_quantity_sums(self._query, with_prices=with_prices, with_included=with_included)
        self._database.materialize("range_quantity_sums", range_sums)

    def _skus_with_prices(self, price_table: PriceTable) -> dict[str, Sku]:
        """Return the SKUs whose prices are joined, by their names in the usage table.

        If minutes include tokens, a record that does not match may have the time of a session, and name its SKU otherwise:
        with the provider that the query assumes for others.
        """
        if not price_table.included:
            return self._skus
        names = (name for (name,) in self._database.query(sql.SKU_NAMES))
        return {name: sku for name in names for sku, _ in [parse_sku(name, self._query)] if sku in price_table.by_sku}


def _percentile_places(count: int) -> dict[int, int]:
    """Return the place of each percentile among so many amounts in ascending order, from 1."""
    return {percent: -(-count * percent // 100) for percent in PERCENTILES if count}


def _has_increments(price_table: PriceTable) -> bool:
    """Whether any vendor bills in increments."""
    return any(row.increment != 1 for row in price_table.rows)


def _group_totals(row: ResultRow, width: int) -> GroupTotals:
    return GroupTotals(tuple(row[:width]), *(int(figure or 0) for figure in row[width:]))


def _quantity_totals(row: ResultRow, width: int) -> QuantityTotals:
    keys, sku_fields = tuple(row[:width]), row[width : width + len(sql.SKU_FIELDS)]
    day, meter, status, low, high, records = row[width + len(sql.SKU_FIELDS) :]
    return QuantityTotals(keys, Sku(*sku_fields), day, meter, status, int(low), int(high), int(records))
