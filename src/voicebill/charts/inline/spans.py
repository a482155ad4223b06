"""Place horizontal spans in rows with labels: amounts, and what assumptions change."""

from collections.abc import Sequence
from dataclasses import dataclass

from voicebill.answers.reports.chart_data import BarRow
from voicebill.charts.inline.axes import (
    Scale,
    Tick,
    dollar_label,
    labelled_ticks,
    multiples,
    nice_step,
    percent,
    short_amount,
)

OPEN_COUNTS = "what open counts may add"
"""The label of the part of an amount that depends on how ambiguous counts are read."""


@dataclass(frozen=True, slots=True)
class SpanBar:
    """A bar of a row, in percent of the area; `style` is `amount` or `open`, or `low` or `high` for the change at an end."""

    x: str
    width: str
    style: str


@dataclass(frozen=True, slots=True)
class PlacedRow:
    """A row with its bars."""

    label: str
    value: str
    text: str
    bars: tuple[SpanBar, ...]


@dataclass(frozen=True, slots=True)
class SpansChart:
    """Rows of spans, placed; `keys` are styles of bars with their meaning."""

    title: str
    unit: str
    about: str
    rows: tuple[PlacedRow, ...]
    across: tuple[Tick, ...]
    keys: tuple[tuple[str, str], ...]


def tornado_spans(rows: Sequence[BarRow], *, title: str, unit: str, about: str) -> SpansChart:
    """Rows with the change at the low and at the high value, from zero to either side; the shorter bar is in front."""
    scale, across = _axis([dollars for row in rows for dollars in (row.low, row.high)], signed=True)
    placed = tuple(
        PlacedRow(
            label=row.label,
            value="",
            text=f"low value {short_amount(row.low)}, high value {short_amount(row.high)}",
            bars=tuple(
                _bar_between(scale, 0.0, dollars, style)
                for style, dollars in sorted((("low", row.low), ("high", row.high)), key=lambda end: -abs(end[1]))
                if dollars
            ),
        )
        for row in rows
    )
    return SpansChart(title, unit, about, placed, across, (("low", "at the low value"), ("high", "at the high value")))


def amount_spans(rows: Sequence[BarRow], *, title: str, unit: str, about: str) -> SpansChart:
    """Rows with bars from zero to the mark, and on to the highest amount, which is what open counts may add."""
    scale, across = _axis([row.high for row in rows])
    placed = tuple(
        PlacedRow(
            label=row.label,
            value=short_amount(row.high) if row.mark == row.high else f"≤ {short_amount(row.high)}",
            text=short_amount(row.high) if row.mark == row.high else f"{short_amount(row.mark)} to {short_amount(row.high)}",
            bars=(
                _bar_between(scale, 0.0, row.mark, "amount"),
                *([_bar_between(scale, row.mark, row.high, "open")] if row.mark < row.high else []),
            ),
        )
        for row in rows
    )
    open_key = (("open", OPEN_COUNTS),) if any(row.mark < row.high for row in rows) else ()
    return SpansChart(title, unit, about, placed, across, (("amount", "amount"), *open_key))


def bridge_spans(rows: Sequence[BarRow], *, title: str, unit: str, about: str) -> SpansChart:
    """Rows from one subtotal to the next, each of which ends at its mark; the first and the last are the totals."""
    scale, across = _axis([dollars for row in rows for dollars in (row.low, row.high)])
    placed = []
    for number, row in enumerate(rows):
        is_total, rises = number in (0, len(rows) - 1), row.mark == row.high
        text = short_amount(row.mark if is_total else (row.high - row.low) * (1 if rises else -1))
        value = text if is_total or not rises else f"+{text}"
        bar = _bar_between(scale, row.low, row.high, "amount" if is_total else "open" if rises else "low")
        placed.append(PlacedRow(label=row.label, value=value, text=value, bars=(bar,)))
    styles = {bar.style for row in placed for bar in row.bars}
    keys = (("amount", "total"), ("low", "less"), ("open", "more"))
    return SpansChart(title, unit, about, tuple(placed), across, tuple(key for key in keys if key[0] in styles))


def _axis(dollars: Sequence[float], *, signed: bool = False) -> tuple[Scale, tuple[Tick, ...]]:
    """The scale from the lowest to the highest value, or zero, and its labels."""
    low, high = min((0.0, *dollars)), max((0.0, *dollars))
    if low == high:
        return Scale(0.0, 1.0), (Tick("0", "$0", is_zero=True),)
    scale, step = Scale(low, high), nice_step(high - low, 5)
    values = multiples(step, low, high)
    labels = [(scale.across(value), dollar_label(value, step, signed=signed)) for value in values]
    return scale, labelled_ticks(labels, [round(value / step) for value in values])


def _bar_between(scale: Scale, one: float, other: float, style: str) -> SpanBar:
    low, high = sorted((one, other))
    return SpanBar(scale.across(low), percent(scale.share(high) - scale.share(low)), style)
