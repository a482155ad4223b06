"""Place the lines of a break-even: what some alternatives cost along a range, and where their order changes."""

from collections.abc import Mapping, Sequence

from voicebill.answers.comparison.break_even import UNITS, BreakEvenCurve
from voicebill.answers.reports.chart_data import PointRow, break_even_points, sweep_points
from voicebill.charts.inline.axes import Scale, Tick, dollar_axis, down_ticks, number_ticks, sampled, short_amount
from voicebill.charts.inline.columns import Target, target_strips
from voicebill.charts.inline.lines import LABEL_GAP, MAX_POINTS, MAX_TARGETS, ChartLine, LinesChart, line_ends, line_point

ALTERNATIVE_STYLES = ("strong", "other violet", "other long", "other dotted", "other dash-dot", "other short")
"""The styles of the lines in their order; with more than six alternatives they are used again."""

MAX_LABELLED_ENDS = 6
"""So many lines have their amounts at their ends; of more, the labels would be in each other's way."""


def break_even_lines(curve: BreakEvenCurve, titles: Mapping[str, str]) -> LinesChart:
    """The expected cost of the alternatives along their range, with a dot where two of them cost the same.

    `titles` are the names of the alternatives as people read them.
    """
    rows, marks = sweep_points(curve), break_even_points(curve)
    low, high = float(curve.sweep_range.low), float(curve.sweep_range.high)
    scale, (up, ticks, step) = Scale(low, high), dollar_axis(row.dollars for row in rows)
    lines, points = [], []
    for index, name in enumerate(curve.names):
        own = [row for row in rows if row.alternative == name]
        style = ALTERNATIVE_STYLES[index % len(ALTERNATIVE_STYLES)]
        lines.append(ChartLine(titles.get(name, name), style, tuple(row.dollars for row in own)))
        points.append(" ".join(_point(own[place], scale, up) for place in sampled(len(own), MAX_POINTS)))
    labelled = [line for line in lines if line.dollars] if len(lines) <= MAX_LABELLED_ENDS else []
    return LinesChart(
        title="Break-even",
        unit=f"dollars a {'month' if curve.sweep_range.axis == 'volume' else 'conversation'}, expected; {_changes_text(marks)}",
        axis=UNITS[curve.sweep_range.axis],
        about="Lines: cost of the alternatives along the range, break-even points marked; the table above has the figures",
        lines=tuple(zip(lines, points, strict=True)),
        band="",
        dots=tuple((scale.across(mark.value), up.down(mark.dollars)) for mark in marks),
        ends=line_ends(labelled, up, with_names=False, gap=LABEL_GAP / 2),
        targets=_targets(rows, scale, titles),
        down=down_ticks(up, ticks, step),
        across=number_ticks(scale, low, high),
        marked=Tick(scale.across(marks[0].value), _value_text(marks[0])) if len(marks) == 1 else None,
        has_keys=True,
    )


def _point(row: PointRow, scale: Scale, up: Scale) -> str:
    return line_point(scale.share(row.value), 1 - up.share(row.dollars))


def _value_text(row: PointRow) -> str:
    return f"{row.value:,.4g}"


def _changes_text(marks: Sequence[PointRow]) -> str:
    values = ", ".join(_value_text(mark) for mark in marks)
    return f"the order changes at about {values}" if marks else "the order never changes"


def _targets(rows: Sequence[PointRow], scale: Scale, titles: Mapping[str, str]) -> tuple[Target, ...]:
    """Strips around some of the values, with the amounts of all alternatives there."""
    values = sorted({row.value for row in rows})
    kept = [values[index] for index in sampled(len(values), MAX_TARGETS)]
    texts = []
    for value in kept:
        amounts = [(titles.get(row.alternative, row.alternative), row.dollars) for row in rows if row.value == value]
        texts.append("\n".join([f"{value:,.4g}", *(f"{title} {short_amount(dollars)}" for title, dollars in amounts)]))
    return target_strips([scale.share(value) for value in kept], texts)
