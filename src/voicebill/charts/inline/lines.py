"""Place lines over an axis of numbers, with a band between two of them: turns, minutes, hours."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from voicebill.charts.inline.axes import (
    Scale,
    Tick,
    dollar_axis,
    down_ticks,
    percent,
    sampled,
    short_amount,
    spread,
    widest,
)
from voicebill.charts.inline.columns import Target, target_strips

MAX_POINTS = 120
"""Points of a line: more are closer than four pixels."""

MAX_TARGETS = 40
"""Strips that show their amounts: more are too narrow to be pointed at."""

MAX_DOTS = 12
"""Up to so many points are drawn on the strong line."""

LABEL_GAP = 0.15
"""The distance between two labels at the ends of lines, of two lines of text each, as a share of the height."""

LABEL_RANGE = (0.06, 0.92)
"""Where they may be, as a share of the height from the top: below the title, and above the labels of the axis."""


@dataclass(frozen=True, slots=True)
class ChartLine:
    """A line: `style` is `strong`, or one of the lighter `dashed` and `dotted`."""

    label: str
    style: str
    dollars: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class LineEnd:
    """The label at the right end of a line, in percent from the top."""

    y: str
    label: str
    amount: str
    style: str


@dataclass(frozen=True, slots=True)
class LinesChart:
    """Lines, placed: points are in thousandths of the chart's area, other positions in percent.

    `has_keys`: the names of the lines are above the chart; else at their ends.
    """

    title: str
    unit: str
    axis: str
    about: str
    lines: tuple[tuple[ChartLine, str], ...]
    band: str
    dots: tuple[tuple[str, str], ...]
    ends: tuple[LineEnd, ...]
    targets: tuple[Target, ...]
    down: tuple[Tick, ...]
    across: tuple[Tick, ...]
    marked: Tick | None
    has_keys: bool = False

    @property
    def widest_label(self) -> str:
        """The label for which room is made at the left."""
        return widest(tick.label for tick in self.down)

    @property
    def widest_end(self) -> str:
        """The label for which room is made at the right."""
        return widest(text for end in self.ends for text in (end.label, end.amount))

    @property
    def mark_anchor(self) -> str:
        """Which end of the mark's label is at the mark, so that it stays within the chart."""
        share = float(self.marked.position) if self.marked else 0
        return "start" if share < 25 else "end" if share > 75 else "middle"


def lines_chart(
    values: Sequence[float],
    lines: Sequence[ChartLine],
    scale: Scale,
    across: tuple[Tick, ...],
    *,
    title: str,
    unit: str,
    axis: str,
    about: str,
    value_name: str,
    band: tuple[int, int] | None = None,
    marked: Tick | None = None,
) -> LinesChart:
    """Lines with their labels at their right ends; `band` are the indexes of the lines between which the area is filled.

    `value_name` names a value in the text of a strip, such as "turn {}". There is at least one value.
    """
    up, ticks, step = dollar_axis(dollars for line in lines for dollars in line.dollars)
    kept = sampled(len(values), MAX_POINTS)
    points = [[line_point(scale.share(values[index]), 1 - up.share(line.dollars[index])) for index in kept] for line in lines]
    strong = next((line for line in lines if line.style == "strong"), None)
    return LinesChart(
        title=title,
        unit=unit,
        axis=axis,
        about=about,
        lines=tuple((line, " ".join(places)) for line, places in zip(lines, points, strict=True)),
        band=" ".join([*points[band[0]], *reversed(points[band[1]])]) if band else "",
        dots=tuple(
            (scale.across(value), up.down(dollars)) for value, dollars in zip(values, strong.dollars, strict=True) if value
        )
        if strong and len(values) <= MAX_DOTS
        else (),
        ends=line_ends(lines, up),
        targets=_line_targets(values, lines, scale, value_name),
        down=down_ticks(up, ticks, step),
        across=across,
        marked=marked,
    )


def line_point(x: float, y: float) -> str:
    """A point of a line at shares of the width and of the height from the top, in thousandths."""
    return f"{1000 * x:.4g},{1000 * y:.4g}"


def line_ends(
    lines: Sequence[ChartLine],
    up: Scale,
    format_end: Callable[[float], str] = short_amount,
    *,
    with_names: bool = True,
    gap: float = LABEL_GAP,
) -> tuple[LineEnd, ...]:
    """The labels at the right ends of lines, with their last amounts, and with their names."""
    ordered = sorted(lines, key=lambda line: -line.dollars[-1])
    places = spread([1 - up.share(line.dollars[-1]) for line in ordered], gap, *LABEL_RANGE)
    return tuple(
        LineEnd(percent(place), line.label if with_names else "", format_end(line.dollars[-1]), line.style)
        for line, place in zip(ordered, places, strict=True)
    )


def _line_targets(values: Sequence[float], lines: Sequence[ChartLine], scale: Scale, value_name: str) -> tuple[Target, ...]:
    """Strips around some of the values, from the middle between two of them to the next."""
    kept = sampled(len(values), MAX_TARGETS)
    texts = (
        "\n".join(
            [
                value_name.format(f"{values[index]:,.4g}"),
                *(f"{line.label} {short_amount(line.dollars[index])}" for line in lines),
            ]
        )
        for index in kept
    )
    return target_strips([scale.share(values[index]) for index in kept], texts)
