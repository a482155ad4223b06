"""What every SQL engine has in common: ask the one text, and give its rows the names that answers use."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

from voicebill.answers.cost import PERCENTILES, CostAsked, GroupTally, LineTally, Overview, Priced, SessionTally
from voicebill.billing.sold import Sold
from voicebill.engines import sql

Row = Sequence[Any]


class SqlEngine:
    """An engine that runs SQL: it has to run a query, and to hold the prices of a question."""

    def __init__(self) -> None:
        self._priced: Priced | None = None
        self._bounded = False

    def run(self, query: sql.Query) -> Sequence[Row]:
        """The rows of a query."""
        raise NotImplementedError

    def hold(self, priced: Priced) -> None:
        """Make the prices of a question known as the views `spans` and `rates`."""
        raise NotImplementedError

    def overview(self, asked: CostAsked) -> Overview:
        """The names and days that occur, and how many records."""
        days: dict[Sold, list[date]] = defaultdict(list)
        counts: Counter[Sold] = Counter()
        by_status: Counter[str] = Counter()
        unnamed: Counter[str] = Counter()
        for *names, status, no_provider, no_deployment, first, last, records in self.run(sql.overview(asked)):
            sold = Sold(*names)
            counts[sold] += int(records)
            days[sold] += [day for day in (first, last) if day]
            by_status[status] += int(records)
            unnamed["provider"] += int(records) * no_provider
            unnamed["deployment"] += int(records) * no_deployment
        self._bounded = by_status["bounded"] > 0
        found = [(sold, min(days[sold], default=None), max(days[sold], default=None), counts[sold]) for sold in sorted(counts)]
        return Overview(found, by_status, unnamed)

    def lines(self, asked: CostAsked, priced: Priced) -> Sequence[LineTally]:
        """Quantities by span and meter."""
        found = self.run(sql.lines(asked, self._shape(priced)))
        return [
            LineTally(span, meter, int(low), int(high), int(again), int(followed), Sold(*names))
            for span, meter, *names, low, high, again, followed in found
        ]

    def groups(self, asked: CostAsked, priced: Priced) -> Sequence[GroupTally]:
        """Amounts by the fields asked for: in order, or dearest first and at most `asked.top`."""
        found = self.run(sql.groups(asked, self._shape(priced)))
        width = len(asked.by)
        return [
            GroupTally(tuple(row[:width]), *(int(figure or 0) for figure in row[width:]))
            for row in found
            if row[width] is not None
        ]

    def unpriced_records(self, asked: CostAsked, priced: Priced) -> int:
        """How many records have a quantity that no price is known for."""
        self._shape(priced)
        ((records,),) = self.run(sql.unpriced_records(asked))
        return int(records)

    def sessions(self, asked: CostAsked, priced: Priced) -> SessionTally:
        """What sessions cost."""
        per_percent: dict[str, dict[int, tuple[int, int, int]]] = defaultdict(dict)
        sums = (0, 0, 0, 0, 0)
        for what, place, n, low, high, milliseconds in self.run(sql.sessions(asked, self._shape(priced))):
            figures = (int(low or 0), int(high or 0), int(milliseconds or 0))
            if what == "sums":
                sums = (int(place), int(n or 0), *figures)
                continue
            for percent in PERCENTILES:
                if 100 * place >= n * percent > 100 * (place - 1):
                    per_percent[what][percent] = figures
        return SessionTally(
            sessions=sums[0],
            low_sum=sums[2],
            high_sum=sums[3],
            low={percent: figures[0] for percent, figures in per_percent["low"].items()},
            high={percent: figures[1] for percent, figures in per_percent["high"].items()},
            timed=sums[1],
            milliseconds=sums[4],
            per_minute={
                percent: ((figures[0] + figures[1]) // 2, figures[2]) for percent, figures in per_percent["minute"].items()
            },
        )

    def _shape(self, priced: Priced) -> sql.Shape:
        if priced is not self._priced:
            self.hold(priced)
            self._priced = priced
        return sql.Shape(self._bounded, any(row.step != 1 for row in priced.rows))
