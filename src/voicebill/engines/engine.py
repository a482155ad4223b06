"""What every SQL engine has in common: ask the one text, and give its rows the names that answers use."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Protocol

from voicebill.answers.cost import (
    PERCENTILES,
    CostAsked,
    GroupTally,
    LineTally,
    Overview,
    Priced,
    SessionTally,
)
from voicebill.answers.where import fields_of
from voicebill.billing.sold import Sold
from voicebill.engines import sql
from voicebill.engines.usage_table import sold_as

Row = Sequence[Any]

NAMES = {"sold": str, **dict.fromkeys(sql.SOLD, str)}
SPANS = {"span": int, "sold": str, "since": date, "until": date, "offer": str}
RATES = {"span": int, "meter": str, "rate": int, "lowest": int, "highest": int, "step": int}
"""The columns of the views that belong to one question."""


class Database(Protocol):
    """What runs the text: it has a view `usage`, and can keep others."""

    def run(self, query: sql.Query) -> Sequence[Row]:
        """The rows of a query."""
        ...

    def keep(self, view: str, query: sql.Query) -> None:
        """Keep the rows of a query under a name."""
        ...

    def hold(self, view: str, columns: Mapping[str, type], rows: Sequence[Row]) -> None:
        """Make a small table known under a name."""
        ...


class SqlCounting:
    """The records that are asked about, as a database counts them."""

    def __init__(self, database: Database, asked: CostAsked) -> None:
        self._database = database
        self._asked = asked
        self._priced: Priced | None = None
        self._sold: dict[str, Sold] = {}
        database.keep("counted", sql.counted(asked))
        self._seen = self._overview()

    def overview(self, priced: Priced | None = None) -> Overview:
        """The names and days that occur, and how many records. Before prices are known, an offer cannot be asked for."""
        if priced is not None:
            self._hold(priced)
        return self._seen

    def _overview(self) -> Overview:
        days: dict[Sold, list[date]] = defaultdict(list)
        by_status: Counter[str] = Counter()
        unnamed: Counter[str] = Counter()
        for name, status, first, last, records in self._database.run(sql.OVERVIEW):
            sold, missing = sold_as(name, self._asked)
            self._sold[name] = sold
            days[sold] += [day for day in (first, last) if day]
            by_status[status] += int(records)
            unnamed.update(dict.fromkeys(missing, int(records)))
        self._with_open = by_status["bounded"] > 0
        names = [(sold, min(days[sold], default=None), max(days[sold], default=None)) for sold in sorted(days)]
        return Overview(names, by_status, unnamed)

    def lines(self, priced: Priced) -> Sequence[LineTally]:
        """Quantities by span and meter."""
        self._hold(priced)
        return [
            LineTally(span, meter, int(low), int(high), int(again), int(followed), Sold(*names))
            for span, meter, *names, low, high, again, followed in self._database.run(sql.LINES)
        ]

    def total(self, priced: Priced) -> GroupTally:
        """The amount of everything."""
        self._hold(priced)
        ((_, *figures),) = self._database.run(sql.groups(self._asked, whole=True))
        return _tally((sum(self._seen.by_status.values()), *figures), 0)

    def groups(self, priced: Priced) -> Sequence[GroupTally]:
        """Amounts by the fields asked for: in order, or dearest first and at most so many as were asked for."""
        self._hold(priced)
        return [_tally(row, len(self._asked.by)) for row in self._database.run(sql.groups(self._asked))]

    def unpriced_records(self, priced: Priced) -> int:
        """How many records have a quantity that no price is known for."""
        self._hold(priced)
        ((records, mixed),) = self._database.run(sql.UNPRICED)
        if mixed:
            ((records,),) = self._database.run(sql.unpriced_records(self._asked))
        return int(records or 0)

    def sessions(self, priced: Priced) -> SessionTally:
        """What sessions cost."""
        self._hold(priced)
        query = sql.sessions(self._asked, with_open=self._with_open, stepped=_stepped(priced))
        found: dict[str, dict[int, tuple[int, int, int]]] = defaultdict(dict)
        sums = (0, 0, 0, 0, 0)
        for what, place, n, low, high, milliseconds in self._database.run(query):
            figures = (int(low or 0), int(high or 0), int(milliseconds or 0))
            if what == "sums":
                sums = (int(place), int(n or 0), *figures)
                continue
            for percent in PERCENTILES:
                if 100 * place >= n * percent > 100 * (place - 1):
                    found[what][percent] = figures
        for side in ("low", "low_minute") if not self._with_open else ():
            found[side.replace("low", "high")] = found[side]
        return SessionTally(
            sessions=sums[0],
            low_sum=sums[2],
            high_sum=sums[3],
            low={percent: low for percent, (low, _, _) in found["low"].items()},
            high={percent: high for percent, (_, high, _) in found["high"].items()},
            timed=sums[1],
            milliseconds=sums[4],
            low_minute={percent: (low, length) for percent, (low, _, length) in found["low_minute"].items()},
            high_minute={percent: (high, length) for percent, (_, high, length) in found["high_minute"].items()},
        )

    def _hold(self, priced: Priced) -> None:
        """Make the prices known to the database, once, and count anew where rows need them."""
        if priced is self._priced:
            return
        self._priced = priced
        spans = [
            (at, name, span.since, span.until, span.found.offer.id if span.found else None)
            for name, sold in self._sold.items()
            for at, span in enumerate(priced.spans)
            if span.sold == sold
        ]
        rates = [(row.span, row.meter, row.rate, row.lowest, row.highest, row.step) for row in priced.rows]
        names = [(name, *(getattr(sold, part) for part in sql.SOLD)) for name, sold in self._sold.items()]
        self._database.hold("names", NAMES, names)
        self._database.hold("spans", SPANS, spans)
        self._database.hold("rates", RATES, rates)
        joined = "offer" in fields_of(self._asked.where) or _stepped(priced)
        if joined:
            self._database.keep("counted", sql.counted(self._asked, joined=True))
            self._seen = self._overview()
        self._database.keep("open_counted", sql.open_counted(self._asked, joined=joined, none=not self._with_open))


def _stepped(priced: Priced) -> bool:
    """Whether a vendor counts in steps."""
    return any(row.step != 1 for row in priced.rows)


def _tally(row: Row, width: int) -> GroupTally:
    return GroupTally(tuple(row[:width]), *(int(figure or 0) for figure in row[width:]))
