"""Count records one by one in plain Python.

This is the reference engine: every other engine must return the same figures. It is fast enough for small logs.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TypeVar

from voicebill.answers.recorded.engine import (
    PERCENTILES,
    GroupTotals,
    LineTotals,
    Overview,
    QuantityTotals,
    SessionTotals,
    quantity_order,
)
from voicebill.answers.recorded.filters import FieldValue, fields_of, matches_row
from voicebill.answers.recorded.price_table import PriceTable, RateRow
from voicebill.answers.recorded.query import CHRONOLOGICAL_FIELDS, CostQuery
from voicebill.billing.price_book import Quote
from voicebill.billing.record import Record
from voicebill.billing.sku_periods import Sku, normalize_name

T = TypeVar("T")
FieldValues = Mapping[str, FieldValue]
SessionKey = tuple[str | None, str | None]
"""A tenant and one of its sessions."""
CandidateTotals = tuple[int, int, int]
"""The amount of a usage candidate, the sum of its quantities, and its index in `Record.usage_candidates`."""
RatesByMeter = Mapping[tuple[int, str], RateRow]


def deduplicate(records: Iterable[Record]) -> dict[str, Record]:
    """Records by key, each key once: the most complete record of a key, or the last of equally complete ones."""
    records_by_key: dict[str, Record] = {}
    for record in records:
        previous = records_by_key.get(record.key)
        if previous is None or record.completeness >= previous.completeness:
            records_by_key[record.key] = record
    return records_by_key


@dataclass(frozen=True, slots=True)
class CountedQuantity:
    """One quantity of a record in one of its usage candidates; `meter` is empty if the candidate counts nothing."""

    record: Record
    candidate: int
    meter: str
    quantity: int
    fields: FieldValues


QuantityKey = tuple[tuple[FieldValue, ...], Sku, date | None, str, str]
"""The values of the fields of a query, a SKU, a day, a meter, and the status of records."""
AssignedQuantity = tuple[int, int, CountedQuantity]
"""The index of a price period (-1: none), the quantity rounded up to the billing increment, and the original quantity."""


@dataclass(frozen=True, slots=True)
class RecordAmount:
    """What a record cost, as numerators over `PriceTable.denominator`, and the index of its price period (-1: none)."""

    record: Record
    period: int
    low: int
    high: int
    is_unpriced: bool


class PythonEngine:
    """An engine that counts records one by one. Of records with the same key it counts one."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = list(deduplicate(records).values())

    def count(self, query: CostQuery) -> "PythonQuery":
        """The records that a query matches."""
        return PythonQuery(self._records, query)


class PythonQuery:
    """The records that a query matches, counted one by one."""

    def __init__(self, records: Sequence[Record], query: CostQuery) -> None:
        self._records = records
        self._query = query
        self._cache: tuple[PriceTable | None, Sequence[AssignedQuantity]] | None = None

    def overview(self, price_table: PriceTable | None = None) -> Overview:
        """The SKUs and days that occur, and the number of records. A filter that names offers is ignored without prices."""
        days: dict[Sku, list[date]] = defaultdict(list)
        by_status: Counter[str] = Counter()
        unattributed: Counter[str] = Counter()
        for record in self._matching_records(price_table):
            days[sku_of(record, self._query)] += [record.day] if record.day else []
            by_status[record.status] += 1
            unattributed["provider"] += not normalize_name(record.provider)
            unattributed["deployment"] += not normalize_name(record.deployment)
        names = [(sku, min(days[sku], default=None), max(days[sku], default=None)) for sku in sorted(days)]
        return Overview(names, by_status, unattributed)

    def lines(self, price_table: PriceTable) -> Sequence[LineTotals]:
        """The quantities by price period, meter and SKU."""
        low: Counter[tuple[int, str, Sku]] = Counter()
        high: Counter[tuple[int, str, Sku]] = Counter()
        repeated: Counter[tuple[int, str, Sku]] = Counter()
        tracked: Counter[tuple[int, str, Sku]] = Counter()
        for rows, totals in ((self._pick_candidates(price_table, min), low), (self._pick_candidates(price_table, max), high)):
            for period, quantity, row in rows:
                key = (period, row.meter, sku_of(row.record, self._query))
                totals[key] += quantity
                if totals is low and row.candidate == 0 and not row.record.is_range and row.record.repeated_input is not None:
                    repeated[key] += row.record.repeated_input.get(row.meter, 0)
                    tracked[key] += quantity
        return [
            LineTotals(key[0], key[1], low[key], high[key], repeated[key], tracked[key], key[2])
            for key in {**low, **high}
            if key[1]
        ]

    def total(self, price_table: PriceTable) -> GroupTotals:
        """The total amount of all matching records."""
        groups = self._groups(price_table, ()) or [GroupTotals((), 0, 0, 0, 0, 0, 0, 0)]
        return replace(groups[0], records=sum(1 for _ in self._matching_records(price_table)))

    def groups(self, price_table: PriceTable) -> Sequence[GroupTotals]:
        """The amounts by the fields of the query: in chronological order, or the highest first and at most `CostQuery.top`."""
        return sorted(self._groups(price_table, self._query.by), key=sort_key(self._query))[: self._query.top]

    def _groups(self, price_table: PriceTable, by: Sequence[str]) -> list[GroupTotals]:
        rates = price_table.by_meter
        figures: dict[tuple[FieldValue, ...], Counter[str]] = defaultdict(Counter)
        keys: dict[tuple[FieldValue, ...], set[str]] = defaultdict(set)
        priced: dict[tuple[FieldValue, ...], set[tuple[str, str]]] = defaultdict(set)
        unpriced: dict[tuple[FieldValue, ...], set[tuple[str, str]]] = defaultdict(set)
        for side, pick in (("low", min), ("high", max)):
            for period, quantity, row in self._pick_candidates(price_table, pick):
                group = tuple(row.fields[name] for name in by)
                keys[group].add(row.record.key)
                rate = rates.get((period, row.meter))
                if rate is None:
                    if row.meter:
                        unpriced[group].add((row.record.key, row.meter))
                    continue
                figures[group][side] += quantity * rate.rate
                figures[group][f"disputed_{side}"] += quantity * (rate.lowest if side == "low" else rate.highest)
                priced[group].add((row.record.key, row.meter))
        return [
            GroupTotals(
                group,
                len(keys[group]),
                figures[group]["low"],
                figures[group]["high"],
                figures[group]["disputed_low"],
                figures[group]["disputed_high"],
                len(priced[group]),
                len(unpriced[group]),
            )
            for group in keys
        ]

    def quantities(self, price_table: PriceTable) -> Sequence[QuantityTotals]:
        """The quantities by the fields of the query, SKU, day, meter and status, in the order of these."""
        low: Counter[QuantityKey] = Counter()
        high: Counter[QuantityKey] = Counter()
        first_rows: dict[str, CountedQuantity] = {}
        for pick, totals in ((min, low), (max, high)):
            for _, quantity, row in self._pick_candidates(price_table, pick):
                totals[self._quantity_key(row)] += quantity
                if row.candidate < first_rows.setdefault(row.record.key, row).candidate:
                    first_rows[row.record.key] = row
        records = Counter(map(self._quantity_key, first_rows.values()))
        rows = (QuantityTotals(*key, low[key], high[key], records[key]) for key in {**low, **high})
        return sorted(rows, key=quantity_order)

    def _quantity_key(self, row: CountedQuantity) -> QuantityKey:
        keys = tuple(row.fields[name] for name in self._query.by)
        return keys, sku_of(row.record, self._query), row.record.day, row.meter, row.record.status

    def record_amounts(self, price_table: PriceTable) -> dict[str, RecordAmount]:
        """What each matching record cost, by its key: of what the query matches of it."""
        rates = price_table.by_meter
        low: Counter[str] = Counter()
        high: Counter[str] = Counter()
        unpriced: set[str] = set()
        origins: dict[str, tuple[Record, int]] = {}
        for pick, totals in ((min, low), (max, high)):
            for period, quantity, row in self._pick_candidates(price_table, pick):
                key = row.record.key
                origins[key] = row.record, period
                rate = rates.get((period, row.meter))
                if rate is not None:
                    totals[key] += quantity * rate.rate
                elif row.meter:
                    unpriced.add(key)
        return {
            key: RecordAmount(record, period, low[key], high[key], key in unpriced) for key, (record, period) in origins.items()
        }

    def unpriced_records(self, price_table: PriceTable) -> int:
        """The number of records with a quantity that has no known price."""
        rates = price_table.by_meter
        return len(
            {row.record.key for period, _, row in self._possible_quantities(price_table) if _is_unpriced(period, row, rates)}
        )

    def sessions(self, price_table: PriceTable) -> SessionTotals:
        """Sums and percentiles of what sessions cost."""
        rates = price_table.by_meter
        low: Counter[SessionKey] = Counter()
        high: Counter[SessionKey] = Counter()
        unpriced: set[SessionKey] = set()
        times: dict[SessionKey, list[datetime]] = defaultdict(list)
        for _, _, row in self._quantities(price_table):
            times[row.record.tenant, row.record.session] += [
                entry for entry in (row.record.session_started_at, row.record.time) if entry
            ]
        for period, _, row in self._possible_quantities(price_table):
            if _is_unpriced(period, row, rates):
                unpriced.add((row.record.tenant, row.record.session))
        for pick, totals in ((min, low), (max, high)):
            for period, quantity, row in self._pick_candidates(price_table, pick):
                rate = rates.get((period, row.meter))
                totals[row.record.tenant, row.record.session] += quantity * rate.rate if rate else 0
        priced = [session for session in times if session[1] is not None and session not in unpriced]
        lengths = {session: _milliseconds(times[session]) for session in priced}
        timed = [session for session in priced if lengths[session] > 0]

        def per_minute(amounts: Mapping[SessionKey, int]) -> dict[int, tuple[int, int]]:
            pairs = ((amounts[session], lengths[session]) for session in timed)
            return dict(_percentiles(sorted(pairs, key=lambda entry: (float(entry[0]) / entry[1], *entry))))

        return SessionTotals(
            len(priced),
            sum(low[session] for session in priced),
            sum(high[session] for session in priced),
            dict(_percentiles(sorted(low[session] for session in priced))),
            dict(_percentiles(sorted(high[session] for session in priced))),
            len(timed),
            sum(lengths[session] for session in timed),
            per_minute(low),
            per_minute(high),
        )

    def _matching_records(self, price_table: PriceTable | None) -> Iterator[Record]:
        """The records of which at least one quantity matches the query."""
        seen = set()
        for _, _, row in self._quantities(price_table):
            if row.record.key not in seen:
                seen.add(row.record.key)
                yield row.record

    def _quantities(self, price_table: PriceTable | None) -> Sequence[AssignedQuantity]:
        """Every quantity that matches the query, in every usage candidate."""
        if self._cache is None or self._cache[0] is not price_table:
            self._cache = (price_table, list(self._assign(price_table)))
        return self._cache[1]

    def _assign(self, price_table: PriceTable | None) -> Iterator[AssignedQuantity]:
        query = self._query
        rates = price_table.by_meter if price_table else {}
        included = price_table.included if price_table else frozenset()
        condition = query.where
        if price_table is None and "offer" in fields_of(condition):
            condition = None
        timed = _timed_sessions(self._records, query, price_table) if price_table and price_table.included else frozenset()
        for record in self._records:
            if (query.since or query.until) and not _in_date_range(record.day, query):
                continue
            sku = sku_of(record, query)
            period = price_table.period_on(sku, record.day) if price_table else -1
            quote = price_table.periods[period].quote if price_table and period >= 0 else None
            fields = _fields(record, sku, quote.offer.id if quote else None)
            for index, usage in enumerate(record.usage_candidates):
                for meter, quantity in usage.quantities.items() or (("", 0),):
                    values = {**fields, "meter": meter or None}
                    if condition is None or matches_row(condition, values):
                        if timed and quote and (period, meter) in included and _session_of(record, quote) in timed:
                            yield (period, 0, CountedQuantity(record, index, "", 0, {**fields, "meter": None}))
                            continue
                        rate = rates.get((period, meter))
                        increment = rate.increment if rate else 1
                        yield (
                            period,
                            -(-quantity // increment) * increment,
                            CountedQuantity(record, index, meter, quantity, values),
                        )

    def _pick_candidates(
        self, price_table: PriceTable, pick: Callable[[Iterable[CandidateTotals]], CandidateTotals]
    ) -> Iterator[AssignedQuantity]:
        """The rows of each record in the usage candidate with the lowest (`min`) or the highest (`max`) amount.

        Of candidates with the same amount, `min` takes the one with the smaller sum of quantities, then the first; `max` takes
        the one with the larger sum, then the last. So different candidates still give a range. A candidate is also chosen if
        none of its quantities matches the query.
        """
        rates = price_table.by_meter
        for candidates in self._candidates(price_table):
            *_, best = pick(
                (
                    sum(
                        quantity * rates[period, row.meter].rate
                        for period, quantity, row in rows
                        if (period, row.meter) in rates
                    ),
                    sum(quantity for _, quantity, _ in rows),
                    index,
                )
                for index, rows in candidates.items()
            )
            yield from candidates[best]

    def _possible_quantities(self, price_table: PriceTable) -> Iterator[AssignedQuantity]:
        """The rows of every usage candidate that is possible."""
        for candidates in self._candidates(price_table):
            for rows in candidates.values():
                yield from rows

    def _candidates(self, price_table: PriceTable) -> Iterator[dict[int, list[AssignedQuantity]]]:
        """The possible usage candidates of each record, by index. If some are fully priced, the others are not possible.

        For example, a text model has no price for audio, so tokens of unknown modality are text there. If nothing in the
        record's price period has a price, all candidates stay, even one that counts nothing that the query matches.
        """
        rates = price_table.by_meter
        priced_periods = {period for period, _ in rates}
        by_record: dict[str, dict[int, list[AssignedQuantity]]] = {}
        for assigned in self._quantities(price_table):
            row = assigned[2]
            by_record.setdefault(row.record.key, {index: [] for index in range(len(row.record.usage_candidates))})[
                row.candidate
            ].append(assigned)
        for candidates in by_record.values():
            has_price = any(period in priced_periods for rows in candidates.values() for period, _, _ in rows)
            fully_priced = {
                index: rows
                for index, rows in candidates.items()
                if not any(_is_unpriced(period, row, rates) for period, _, row in rows)
            }
            yield fully_priced if fully_priced and has_price else candidates


TimedSession = tuple[str, str | None, str | None, str | None]
"""An offer, a tenant and one of its sessions; of records without a session, the source that they were read from."""


def _session_of(record: Record, quote: Quote) -> TimedSession:
    return quote.offer.id, record.tenant, record.session, record.source if record.session is None else None


def _timed_sessions(records: Iterable[Record], query: CostQuery, price_table: PriceTable) -> frozenset[TimedSession]:
    """The sessions of which time is recorded that their offer charges, whether the query matches it or not."""
    timed = set()
    for record in records:
        period = price_table.period_on(sku_of(record, query), record.day)
        quote = price_table.periods[period].quote if period >= 0 else None
        has_time = any((period, meter) in price_table.time for usage in record.usage_candidates for meter, _ in usage.items())
        if quote is not None and has_time:
            timed.add(_session_of(record, quote))
    return frozenset(timed)


def _is_unpriced(period: int, row: CountedQuantity, rates: RatesByMeter) -> bool:
    """Whether a quantity has no known price."""
    return row.meter != "" and (period, row.meter) not in rates


def sku_of(record: Record, query: CostQuery) -> Sku:
    """The SKU of a record, with the defaults of the query for what the record does not name."""
    return Sku(
        normalize_name(record.provider) or query.provider,
        normalize_name(record.model),
        normalize_name(record.deployment) or query.deployment,
        normalize_name(record.region) or query.region,
        normalize_name(record.tier) or query.tier,
    )


def sort_key(query: CostQuery) -> Callable[[GroupTotals], tuple[object, ...]]:
    """The order of groups: by their fields if the first one is chronological and `CostQuery.top` is not set, else by amount.

    By amount, the group with the highest amount comes first.
    """

    def by_keys(group: GroupTotals) -> tuple[object, ...]:
        return tuple((key is None, key if key is not None else "") for key in group.keys)

    if query.top is None and query.by and query.by[0] in CHRONOLOGICAL_FIELDS:
        return by_keys
    return lambda group: (-group.high, -group.low, by_keys(group))


def _in_date_range(day: date | None, query: CostQuery) -> bool:
    return day is not None and (query.since is None or day >= query.since) and (query.until is None or day < query.until)


def _fields(record: Record, sku: Sku, offer: str | None) -> dict[str, FieldValue]:
    return {
        "provider": sku.provider,
        "model": sku.model or None,
        "offer": offer,
        "deployment": sku.deployment,
        "region": sku.region or None,
        "tier": sku.tier,
        "tenant": record.tenant,
        "project": record.project,
        "session": record.session,
        "kind": record.kind,
        "status": record.status,
        "outcome": record.outcome,
        "source": record.source,
        "turn": record.turn,
        "day": record.day,
        "month": record.day.isoformat()[:7] if record.day else None,
        "hour": f"{record.day}T{record.time.hour:02}" if record.time else None,
        "half_hour": f"{record.day}T{record.time.hour:02}:{record.time.minute // 30 * 30:02}" if record.time else None,
    }


def _milliseconds(times: Sequence[datetime]) -> int:
    stamps = [epoch_milliseconds(time) for time in times]
    return max(stamps) - min(stamps) if stamps else 0


def epoch_milliseconds(time: datetime) -> int:
    """A time as whole milliseconds since 1970, rounded down."""
    return int(time.timestamp() // 1) * 1000 + time.microsecond // 1000


def _percentiles(ordered: Sequence[T]) -> Iterator[tuple[int, T]]:
    for percent in PERCENTILES if ordered else ():
        yield percent, ordered[-(-len(ordered) * percent // 100) - 1]
