"""Place stacked columns over an ordered axis: turns, days, minutes, hours."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from voicebill.charts.inline.axes import Scale, Tick, dollar_axis, down_ticks, percent, short_amount, short_number, widest

MAX_DRAWN_COLUMNS = 36
"""Columns of a chart, seven pixels apart on a phone; with seven series they take about 25 KB of text."""

COLUMN_SHARE = 0.84
"""The width of a column, as a share of its place on the axis."""

MAX_COLUMN_WIDTH = 0.12
"""The width of the column of a short series, as a share of the chart."""


@dataclass(frozen=True, slots=True)
class ColumnSeries:
    """What a part of every column stands for; `style` is the number of its colour and pattern."""

    label: str
    style: int


@dataclass(frozen=True, slots=True)
class ChartColumn:
    """A column from one value of the axis to another, with the dollars or the number of every series."""

    start: float
    end: float
    name: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A part of a column, in percent of the chart's area."""

    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class Target:
    """A strip of the chart that shows a text when it is pointed at, in percent of the area."""

    x: str
    width: str
    text: str


def target_strips(shares: Sequence[float], texts: Iterable[str]) -> tuple[Target, ...]:
    """Strips around places of an axis in ascending order, each from the middle between two of them to the next.

    >>> target_strips([0.25, 0.75], ["one", "two"])[1]
    Target(x='50', width='50', text='two')
    """
    edges = [0.0, *((one + other) / 2 for one, other in pairwise(shares)), 1.0]
    return tuple(
        Target(percent(start), percent(end - start), text) for text, (start, end) in zip(texts, pairwise(edges), strict=True)
    )


@dataclass(frozen=True, slots=True)
class ColumnsChart:
    """Stacked columns, placed: the parts of every series from bottom to top."""

    title: str
    unit: str
    axis: str
    about: str
    series: tuple[tuple[ColumnSeries, tuple[Rectangle, ...]], ...]
    targets: tuple[Target, ...]
    down: tuple[Tick, ...]
    across: tuple[Tick, ...]

    @property
    def widest_label(self) -> str:
        """The label for which room is made at the left."""
        return widest(tick.label for tick in self.down)


def column_scale(columns: Sequence[ChartColumn]) -> Scale:
    """The axis below columns, from the start of the first to the end of the last."""
    return Scale(columns[0].start, columns[-1].end)


def columns_chart(
    columns: Sequence[ChartColumn],
    series: Sequence[ColumnSeries],
    across: tuple[Tick, ...],
    *,
    title: str,
    unit: str,
    axis: str,
    about: str,
    in_dollars: bool = True,
) -> ColumnsChart:
    """Stacked columns, the first series at the bottom. Values are positive; there is at least one column."""
    scale, (up, ticks, step) = column_scale(columns), dollar_axis(sum(column.values) for column in columns)
    format_value: Callable[[float], str] = short_amount if in_dollars else short_number
    parts: list[list[Rectangle]] = [[] for _ in series]
    for column in columns:
        place = scale.share(column.end) - scale.share(column.start)
        width = min(COLUMN_SHARE * place, MAX_COLUMN_WIDTH)
        x, total = percent(scale.share(column.start) + (place - width) / 2), 0.0
        for index, value in enumerate(column.values):
            total += value
            if value > 0:
                height = percent(up.share(value))
                parts[index].append(Rectangle(x, up.down(total), percent(width), height))
    return ColumnsChart(
        title=title,
        unit=unit,
        axis=axis,
        about=about,
        series=tuple((one, tuple(rectangles)) for one, rectangles in zip(series, parts, strict=True)),
        targets=tuple(
            Target(
                scale.across(column.start),
                percent(scale.share(column.end) - scale.share(column.start)),
                _column_text(column, series, format_value),
            )
            for column in columns
        ),
        down=down_ticks(up, ticks, step, in_dollars=in_dollars),
        across=across,
    )


def _column_text(column: ChartColumn, series: Sequence[ColumnSeries], format_value: Callable[[float], str]) -> str:
    """The total of a column, and its parts from top to bottom, a line each."""
    parts = [f"{one.label} {format_value(value)}" for one, value in zip(series, column.values, strict=True) if value > 0]
    total = f"{column.name}: {format_value(sum(column.values))}"
    return "\n".join([total, *reversed(parts)]) if len(series) > 1 else total
