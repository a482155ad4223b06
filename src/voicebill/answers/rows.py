"""The row path: records costed one by one, in plain Python.

It is the reference that every engine must equal, and quick enough for what one person looks at.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TypeVar

from voicebill.answers.cost import (
    IN_ORDER,
    PERCENTILES,
    CostAsked,
    GroupTally,
    LineTally,
    Overview,
    Priced,
    PriceRow,
    SessionTally,
)
from voicebill.answers.where import Value, fields_of, holds
from voicebill.billing.record import Record
from voicebill.billing.sold import Sold, Span, plain

T = TypeVar("T")
Fields = Mapping[str, Value]
Session = tuple[str | None, str | None]
"""A tenant and its session."""
Reading = tuple[int, int, int]
"""What a reading costs, how much it counts, and its place."""
Rates = Mapping[tuple[int, str], PriceRow]


def settled(records: Iterable[Record]) -> dict[str, Record]:
    """Each thing once: of the records of one key the one of the highest rank, and of equals the last."""
    kept: dict[str, Record] = {}
    for record in records:
        before = kept.get(record.key)
        if before is None or record.rank >= before.rank:
            kept[record.key] = record
    return kept


@dataclass(frozen=True, slots=True)
class Counted:
    """One quantity of a record in one reading; `meter` is empty where a record has none."""

    record: Record
    reading: int
    meter: str
    quantity: int
    fields: Fields


Placed = tuple[int, int, Counted]
"""A quantity with its span (-1: none) and as its vendor rounds it."""


class RowEngine:
    """Counts settled records one by one."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = list(settled(records).values())

    def count(self, asked: CostAsked) -> "RowCounting":
        """The records that are asked about."""
        return RowCounting(self._records, asked)


class RowCounting:
    """The records that are asked about, counted one by one."""

    def __init__(self, records: Sequence[Record], asked: CostAsked) -> None:
        self._records = records
        self._asked = asked
        self._kept: tuple[Priced | None, Sequence[Placed]] | None = None

    def overview(self, priced: Priced | None = None) -> Overview:
        """The names and days that occur, and how many records. Before prices are known, an offer cannot be asked for."""
        days: dict[Sold, list[date]] = defaultdict(list)
        by_status: Counter[str] = Counter()
        unnamed: Counter[str] = Counter()
        for record in self._asked_for(priced):
            days[sold_as(record, self._asked)] += [record.day] if record.day else []
            by_status[record.status] += 1
            unnamed["provider"] += not plain(record.provider)
            unnamed["deployment"] += not plain(record.deployment)
        names = [(sold, min(days[sold], default=None), max(days[sold], default=None)) for sold in sorted(days)]
        return Overview(names, by_status, unnamed)

    def lines(self, priced: Priced) -> Sequence[LineTally]:
        """Quantities by span and meter."""
        low: Counter[tuple[int, str, Sold]] = Counter()
        high: Counter[tuple[int, str, Sold]] = Counter()
        again: Counter[tuple[int, str, Sold]] = Counter()
        followed: Counter[tuple[int, str, Sold]] = Counter()
        for rows, into in ((self._chosen(priced, min), low), (self._chosen(priced, max), high)):
            for span, quantity, row in rows:
                key = (span, row.meter, sold_as(row.record, self._asked))
                into[key] += quantity
                if into is low and row.reading == 0 and row.record.status != "bounded" and row.record.reread is not None:
                    again[key] += row.record.reread.get(row.meter, 0)
                    followed[key] += quantity
        return [
            LineTally(key[0], key[1], low[key], high[key], again[key], followed[key], key[2])
            for key in {**low, **high}
            if key[1]
        ]

    def total(self, priced: Priced) -> GroupTally:
        """The amount of everything."""
        found = self._groups(priced, ()) or [GroupTally((), 0, 0, 0, 0, 0, 0, 0)]
        return replace(found[0], records=sum(1 for _ in self._asked_for(priced)))

    def groups(self, priced: Priced) -> Sequence[GroupTally]:
        """Amounts by the fields asked for: in order, or dearest first and at most so many as were asked for."""
        return sorted(self._groups(priced, self._asked.by), key=order_of(self._asked))[: self._asked.top]

    def _groups(self, priced: Priced, by: Sequence[str]) -> list[GroupTally]:
        rates = priced.by_meter
        figures: dict[tuple[Value, ...], Counter[str]] = defaultdict(Counter)
        keys: dict[tuple[Value, ...], set[str]] = defaultdict(set)
        known: dict[tuple[Value, ...], set[tuple[str, str]]] = defaultdict(set)
        missing: dict[tuple[Value, ...], set[tuple[str, str]]] = defaultdict(set)
        for side, pick in (("low", min), ("high", max)):
            for span, quantity, row in self._chosen(priced, pick):
                group = tuple(row.fields[name] for name in by)
                keys[group].add(row.record.key)
                rate = rates.get((span, row.meter))
                if rate is None:
                    if row.meter:
                        missing[group].add((row.record.key, row.meter))
                    continue
                figures[group][side] += quantity * rate.rate
                figures[group][f"disputed_{side}"] += quantity * (rate.lowest if side == "low" else rate.highest)
                known[group].add((row.record.key, row.meter))
        return [
            GroupTally(
                group,
                len(keys[group]),
                figures[group]["low"],
                figures[group]["high"],
                figures[group]["disputed_low"],
                figures[group]["disputed_high"],
                len(known[group]),
                len(missing[group]),
            )
            for group in keys
        ]

    def unpriced_records(self, priced: Priced) -> int:
        """How many records have a quantity that no price is known for."""
        rates = priced.by_meter
        return len({row.record.key for span, _, row in self._possible(priced) if _lost(span, row, rates)})

    def sessions(self, priced: Priced) -> SessionTally:
        """What sessions cost."""
        rates = priced.by_meter
        low: Counter[Session] = Counter()
        high: Counter[Session] = Counter()
        lost: set[Session] = set()
        spans: dict[Session, list[datetime]] = defaultdict(list)
        for _, _, row in self._rows(priced):
            spans[row.record.tenant, row.record.session] += [each for each in (row.record.began, row.record.time) if each]
        for span, _, row in self._possible(priced):
            if _lost(span, row, rates):
                lost.add((row.record.tenant, row.record.session))
        for pick, into in ((min, low), (max, high)):
            for span, quantity, row in self._chosen(priced, pick):
                rate = rates.get((span, row.meter))
                into[row.record.tenant, row.record.session] += quantity * rate.rate if rate else 0
        whole = [session for session in spans if session[1] is not None and session not in lost]
        lengths = {session: _milliseconds(spans[session]) for session in whole}
        timed = [session for session in whole if lengths[session] > 0]

        def a_minute(amounts: Mapping[Session, int]) -> dict[int, tuple[int, int]]:
            found = ((amounts[session], lengths[session]) for session in timed)
            return dict(_percentiles(sorted(found, key=lambda each: (float(each[0]) / each[1], *each))))

        return SessionTally(
            len(whole),
            sum(low[session] for session in whole),
            sum(high[session] for session in whole),
            dict(_percentiles(sorted(low[session] for session in whole))),
            dict(_percentiles(sorted(high[session] for session in whole))),
            len(timed),
            sum(lengths[session] for session in timed),
            a_minute(low),
            a_minute(high),
        )

    def _asked_for(self, priced: Priced | None) -> Iterator[Record]:
        """The records of which at least one quantity is asked for."""
        seen = set()
        for _, _, row in self._rows(priced):
            if row.record.key not in seen:
                seen.add(row.record.key)
                yield row.record

    def _rows(self, priced: Priced | None) -> Sequence[Placed]:
        """Every quantity asked for in every reading."""
        if self._kept is None or self._kept[0] is not priced:
            self._kept = (priced, list(self._placed(priced)))
        return self._kept[1]

    def _placed(self, priced: Priced | None) -> Iterator[Placed]:
        asked = self._asked
        rates = priced.by_meter if priced else {}
        spans: dict[Sold, list[tuple[int, Span]]] = defaultdict(list)
        for at, each in enumerate(priced.spans if priced else ()):
            spans[each.sold].append((at, each))
        condition = asked.where
        if priced is None and "offer" in fields_of(condition):
            condition = None
        for record in self._records:
            if (asked.since or asked.until) and not _within(record.day, asked):
                continue
            sold = sold_as(record, asked)
            span = _span(spans[sold], record.day)
            found = priced.spans[span].found if priced and span >= 0 else None
            fields = _fields(record, sold, found.offer.id if found else None)
            for at, usage in enumerate(record.readings):
                for meter, quantity in usage.quantities.items() or (("", 0),):
                    placed = {**fields, "meter": meter or None}
                    if condition is None or holds(condition, placed):
                        rate = rates.get((span, meter))
                        step = rate.step if rate else 1
                        yield span, -(-quantity // step) * step, Counted(record, at, meter, quantity, placed)

    def _chosen(self, priced: Priced, pick: Callable[[Iterable[Reading]], Reading]) -> Iterator[Placed]:
        """The rows of each record in its cheapest (`min`) or dearest (`max`) reading, whether or not it counts what is asked.

        Of equals it is the one that counts less, or more, and then the first, or the last: what is open stays open.
        """
        rates = priced.by_meter
        for found in self._readings(priced):
            *_, best = pick(
                (
                    sum(quantity * rates[span, row.meter].rate for span, quantity, row in rows if (span, row.meter) in rates),
                    sum(quantity for _, quantity, _ in rows),
                    at,
                )
                for at, rows in found.items()
            )
            yield from found[best]

    def _possible(self, priced: Priced) -> Iterator[Placed]:
        """The rows of every reading that can be meant."""
        for found in self._readings(priced):
            for rows in found.values():
                yield from rows

    def _readings(self, priced: Priced) -> Iterator[dict[int, list[Placed]]]:
        """The readings of each record, by their place: where some have a price throughout, only these can be meant.

        A text model is not sold with audio, so tokens of unknown modality are text there. Of a name that has no price at all
        no reading has one, even where it counts nothing of what is asked for.
        """
        rates = priced.by_meter
        known = {span for span, _ in rates}
        by_record: dict[str, dict[int, list[Placed]]] = {}
        for placed in self._rows(priced):
            row = placed[2]
            by_record.setdefault(row.record.key, {at: [] for at in range(len(row.record.readings))})[row.reading].append(placed)
        for found in by_record.values():
            sold = any(span in known for rows in found.values() for span, _, _ in rows)
            whole = {at: rows for at, rows in found.items() if not any(_lost(span, row, rates) for span, _, row in rows)}
            yield whole if whole and sold else found


def _lost(span: int, row: Counted, rates: Rates) -> bool:
    """Whether no price is known for a quantity."""
    return row.meter != "" and (span, row.meter) not in rates


def sold_as(record: Record, asked: CostAsked) -> Sold:
    """The model and how it was bought, with what is taken where the record does not say it."""
    return Sold(
        plain(record.provider) or asked.provider,
        plain(record.model),
        plain(record.deployment) or asked.deployment,
        plain(record.region) or asked.region,
        plain(record.tier) or asked.tier,
    )


def order_of(asked: CostAsked) -> Callable[[GroupTally], tuple[object, ...]]:
    """How groups are ordered: by a time first if they are grouped by one and all are asked for, else dearest first."""

    def by_keys(group: GroupTally) -> tuple[object, ...]:
        return tuple((key is None, key if key is not None else "") for key in group.keys)

    if asked.top is None and asked.by and asked.by[0] in IN_ORDER:
        return by_keys
    return lambda group: (-group.high, -group.low, by_keys(group))


def _within(day: date | None, asked: CostAsked) -> bool:
    return day is not None and (asked.since is None or day >= asked.since) and (asked.until is None or day < asked.until)


def _span(spans: Iterable[tuple[int, Span]], day: date | None) -> int:
    return next((at for at, span in spans if day is not None and span.since <= day < span.until), -1)


def _fields(record: Record, sold: Sold, offer: str | None) -> dict[str, Value]:
    return {
        "provider": sold.provider,
        "model": sold.model or None,
        "offer": offer,
        "deployment": sold.deployment,
        "region": sold.region or None,
        "tier": sold.tier,
        "tenant": record.tenant,
        "session": record.session,
        "kind": record.kind,
        "status": record.status,
        "outcome": record.outcome,
        "source": record.source,
        "turn": record.turn,
        "day": record.day,
        "month": record.day.isoformat()[:7] if record.day else None,
        "hour": f"{record.day}T{record.time.hour:02}" if record.time else None,
    }


def _milliseconds(times: Sequence[datetime]) -> int:
    stamps = [milliseconds(time) for time in times]
    return max(stamps) - min(stamps) if stamps else 0


def milliseconds(time: datetime) -> int:
    """A time as whole milliseconds since 1970, rounded down."""
    return int(time.timestamp() // 1) * 1000 + time.microsecond // 1000


def _percentiles(ordered: Sequence[T]) -> Iterator[tuple[int, T]]:
    for percent in PERCENTILES if ordered else ():
        yield percent, ordered[-(-len(ordered) * percent // 100) - 1]
