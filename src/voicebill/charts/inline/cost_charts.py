"""Place the charts of a log: what it cost, by times, groups or meters; its calls elsewhere; and the vendor's bill."""

from voicebill.answers.invoices.reconciliation import Reconciliation
from voicebill.answers.recorded.filters import FieldValue
from voicebill.answers.recorded.result import Cost
from voicebill.answers.replay.replay import Replay
from voicebill.answers.reports.chart_data import NOT_NAMED, bill_bars, bridge_bars, cost_bars, is_time_series, meter_bars
from voicebill.charts.inline.axes import Tick, labelled_ticks, percent
from voicebill.charts.inline.columns import ChartColumn, ColumnsChart, ColumnSeries, columns_chart
from voicebill.charts.inline.spans import OPEN_COUNTS, SpansChart, amount_spans, bridge_spans

MAX_DRAWN_BARS = 12
"""Bars of a chart: more would push the table off the screen."""

MAX_TIME_LABELS, MAX_LONG_TIME_LABELS, SHORT_LABEL = 7, 5, 7
"""Labels of an axis of times where there is room for them, of at most so many characters, and longer ones."""

SURE_SERIES = ColumnSeries("amount", 2)
OPEN_SERIES = ColumnSeries(OPEN_COUNTS, 4)


def cost_columns(answer: Cost) -> ColumnsChart | None:
    """The cost of each day, hour, month or turn from left to right; None if the groups are no times, or only one."""
    if not is_time_series(answer) or len(answer.groups) < 2:
        return None
    rows = cost_bars(answer)
    if not any(row.high for row in rows):
        return None
    groups = answer.groups[-len(rows) :]
    is_open = any(row.mark < row.high for row in rows)
    columns = [
        ChartColumn(
            start=index - 0.5,
            end=index + 0.5,
            name=row.label,
            values=(row.mark, row.high - row.mark) if is_open else (row.high,),
        )
        for index, row in enumerate(rows)
    ]
    field = answer.query.by[0]
    hidden = len(answer.groups) - len(rows)
    return columns_chart(
        columns,
        [SURE_SERIES, OPEN_SERIES] if is_open else [SURE_SERIES],
        _time_ticks(field, [group.keys[0] for group in groups]),
        title=f"Cost by {field}",
        unit=f"dollars; the last {len(rows)} of {len(answer.groups):,}" if hidden else "dollars",
        axis=field if field == "turn" else f"{field}s with records, UTC",
        about=f"Cost by {field}, from left to right",
    )


def cost_spans(answer: Cost) -> SpansChart | None:
    """The cost of the groups, or of the meters where there is only one group; None if nothing has a price."""
    by_group = len(answer.groups) > 1
    rows = cost_bars(answer) if by_group else meter_bars(answer)
    if not any(row.high for row in rows):
        return None
    name = ", ".join(answer.query.by) if by_group else "meter"
    drawn = sorted(rows, key=lambda row: -row.high)[:MAX_DRAWN_BARS]
    count = len(answer.groups) if by_group else len(rows)
    return amount_spans(
        drawn,
        title=f"Cost by {name}",
        unit=f"dollars; the {len(drawn)} most expensive of {count:,}" if len(drawn) < count else "dollars",
        about=f"Cost by {name}, the most expensive first",
    )


def replay_spans(answer: Replay) -> SpansChart | None:
    """The bridge from what was paid to the cheapest offer or stack; None without one."""
    row = answer.target(None)
    if row is None or not row.recorded:
        return None
    title = f"From what was paid to {row.name}"
    return bridge_spans(bridge_bars(row), title=title, unit="dollars", about=f"{title}, step by step")


def bill_spans(answer: Reconciliation) -> SpansChart | None:
    """The bridge from what was recorded to the bill, a bar for each cause; None if there is nothing between them."""
    rows = bill_bars(answer)
    if len(rows) < 3:
        return None
    unit = "dollars" if answer.currency == "USD" else f"dollars; the bill in {answer.currency}"
    title = "From what was recorded to the bill"
    return bridge_spans(rows, title=title, unit=unit, about=f"{title}, cause by cause")


def _time_ticks(field: str, keys: list[FieldValue]) -> tuple[Tick, ...]:
    """The labels of times below their columns; those of one day have no date."""
    texts = [NOT_NAMED if key is None else str(key) for key in keys]
    one_day = len({text[:10] for text in texts}) == 1
    labels = [_time_label(field, text, one_day=one_day) for text in texts]
    step = -(-len(keys) // (MAX_TIME_LABELS if max(map(len, labels)) <= SHORT_LABEL else MAX_LONG_TIME_LABELS))
    placed = [(percent((index + 0.5) / len(keys)), labels[index]) for index in range(step // 2, len(keys), step)]
    return labelled_ticks(placed, range(1, len(placed) + 1))  # the first may be left out: it is next to the other axis


def _time_label(field: str, text: str, *, one_day: bool) -> str:
    """A time as short as it can be told apart: the month and day of a day, and the time of an hour.

    >>> _time_label("day", "2026-11-20", one_day=False), _time_label("hour", "2026-11-20T08", one_day=True)
    ('11-20', '08:00')
    """
    if text == NOT_NAMED or field in ("month", "turn"):
        return text
    date, _, hour = text.partition("T")
    if not hour:
        return date[5:]
    return f"{hour}:00" if one_day else f"{date[5:]} {hour}h"
