"""Place the four charts of an estimate; their rows are those of the painted charts."""

from collections.abc import Sequence
from dataclasses import dataclass

from voicebill.answers.estimates.estimate import Estimate
from voicebill.answers.reports.chart_data import (
    METER_LABELS,
    TRANSCRIPTION,
    BandRow,
    cost_by_length,
    cumulative_costs,
    tornado,
    turn_costs,
)
from voicebill.answers.sensitivity.sensitivity import Swing
from voicebill.charts.inline.axes import Scale, Tick, number_ticks, short_amount
from voicebill.charts.inline.columns import (
    MAX_DRAWN_COLUMNS,
    ChartColumn,
    ColumnsChart,
    ColumnSeries,
    column_scale,
    columns_chart,
)
from voicebill.charts.inline.lines import ChartLine, LinesChart, lines_chart
from voicebill.charts.inline.spans import SpansChart, tornado_spans

KINDS_BY_STYLE = tuple(dict.fromkeys((*METER_LABELS.values(), TRANSCRIPTION)))
"""The kinds of usage from the bottom of a column to its top; the number of a kind is that of its style."""


@dataclass(frozen=True, slots=True)
class EstimateCharts:
    """The charts of an estimate."""

    turns: ColumnsChart
    cumulative: LinesChart
    lengths: LinesChart | None
    sensitivity: SpansChart


def estimate_charts(answer: Estimate, swings: Sequence[Swing]) -> EstimateCharts:
    """The charts of an estimate and of its sensitivity."""
    return EstimateCharts(
        turns=turn_columns(answer),
        cumulative=cumulative_lines(answer),
        lengths=length_lines(answer),
        sensitivity=tornado_spans(
            tornado(swings),
            title="Sensitivity",
            unit="dollars added to a conversation, expected",
            about="Change of the cost at the low and the high value of each assumption",
        ),
    )


def turn_columns(answer: Estimate) -> ColumnsChart:
    """The expected cost of each turn by kind of usage; of a long conversation, the mean of so many turns in each column."""
    turn_count = answer.conversation.turn_facts.turns
    width = -(-turn_count // MAX_DRAWN_COLUMNS)
    sums: dict[tuple[int, str], float] = {}
    for row in turn_costs(answer):
        key = ((row.turn - 1) // width, row.kind)
        sums[key] = sums.get(key, 0.0) + row.dollars
    used = {kind for _, kind in sums}
    series = [ColumnSeries(kind, style) for style, kind in enumerate(KINDS_BY_STYLE) if kind in used]
    columns = [
        ChartColumn(
            start=first - 0.5,
            end=last + 0.5,
            name=f"turn {first:,}" if first == last else f"turns {first:,} to {last:,}, each on average",
            values=tuple(sums.get((index, one.label), 0.0) / (last - first + 1) for one in series),
        )
        for index, first in enumerate(range(1, turn_count + 1, width))
        for last in [min(first + width - 1, turn_count)]
    ]
    return columns_chart(
        columns,
        series,
        number_ticks(column_scale(columns), 1, turn_count, integers_only=True),
        title="What each turn costs",
        unit="dollars a turn, expected" + (f", averaged over {width} turns" if width > 1 else ""),
        axis="turn",
        about=f"Columns: cost of each of {turn_count:,} turns by component; the table below has the figures",
    )


def cumulative_lines(answer: Estimate) -> LinesChart:
    """The cumulative cost of the conversation by the end of each turn, from zero before the first."""
    rows = [BandRow(0, 0.0, 0.0, 0.0), *cumulative_costs(answer)]
    scale = Scale(0, rows[-1].value)
    return lines_chart(
        [row.value for row in rows],
        scenario_lines(rows),
        scale,
        number_ticks(scale, 0, rows[-1].value, integers_only=True),
        title="What the conversation has cost by each turn",
        unit="dollars so far",
        axis="turn",
        value_name="by turn {}",
        about="Lines: cumulative cost by turn, best, expected and worst; "
        f"expected ends at {short_amount(rows[-1].expected)}, and the table below has the figures",
        band=BEST_TO_WORST,
    )


def length_lines(answer: Estimate) -> LinesChart | None:
    """The cost of calls of other lengths; None if no such call is possible."""
    rows, minutes = cost_by_length(answer), float(answer.plan.minutes)
    if not rows:
        return None
    scale = Scale(0, rows[-1].value)
    return lines_chart(
        [row.value for row in rows],
        scenario_lines(rows),
        scale,
        number_ticks(scale, 0, rows[-1].value),
        title="What calls of other lengths cost",
        unit="dollars a conversation",
        axis="minutes",
        value_name="{} minutes",
        about="Lines: cost of calls of other lengths at the same number of turns per minute, best, expected and worst",
        band=BEST_TO_WORST,
        marked=Tick(scale.across(minutes), "this plan") if minutes <= scale.high else None,
    )


def scenario_lines(rows: Sequence[BandRow]) -> tuple[ChartLine, ...]:
    """The lines of the three cache scenarios."""
    return (
        ChartLine("worst", "dashed", tuple(row.worst for row in rows)),
        ChartLine("expected", "strong", tuple(row.expected for row in rows)),
        ChartLine("best", "dotted", tuple(row.best for row in rows)),
    )


BEST_TO_WORST = (0, 2)
"""The lines that bound the band."""
