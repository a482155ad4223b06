"""Place the charts of loads: the tokens of a call by minute, calls by hour with what PTUs serve, and what PTUs cost."""

from voicebill.answers.capacity.demand import CallDemand
from voicebill.answers.provisioned.result import PtuSizing
from voicebill.answers.reports.chart_data import PAY_AS_YOU_GO, monthly_points
from voicebill.charts.inline.axes import Scale, Tick, labelled_ticks, number_ticks, percent
from voicebill.charts.inline.columns import (
    MAX_DRAWN_COLUMNS,
    ChartColumn,
    ColumnsChart,
    ColumnSeries,
    column_scale,
    columns_chart,
)
from voicebill.charts.inline.lines import ChartLine, LinesChart, lines_chart
from voicebill.conversation.volume import HOURS_PER_DAY

COMMITMENT_STYLES = ("dotted", "dashed", "long")
"""The lines of the commitments, in their order; pay as you go is the strong line."""

SERVED_STYLE, SPILLOVER_STYLE = 2, 5


def minute_columns(demand: CallDemand) -> ColumnsChart:
    """The tokens of a call that count in each of its minutes; of a long call, the mean of so many minutes in each column."""
    minutes = demand.minutes
    width = -(-len(minutes) // MAX_DRAWN_COLUMNS)
    columns = [
        ChartColumn(
            start=group[0].number - 0.5,
            end=group[-1].number + 0.5,
            name=f"minute {group[0].number:,}"
            if len(group) == 1
            else f"minutes {group[0].number:,} to {group[-1].number:,}, each on average",
            values=(sum(minute.tokens for minute in group) / len(group),),
        )
        for group in (minutes[first : first + width] for first in range(0, len(minutes), width))
    ]
    return columns_chart(
        columns,
        [ColumnSeries("tokens", SERVED_STYLE)],
        number_ticks(column_scale(columns), 1, len(minutes), integers_only=True),
        title="What a call of average length needs in each minute",
        unit="tokens that count towards the limit" + (f", averaged over {width} minutes" if width > 1 else ""),
        axis="minute of the call",
        about=f"Columns: tokens in each of {len(minutes):,} minutes of a call; the table below has the figures",
        in_dollars=False,
    )


def hour_columns(answer: PtuSizing) -> ColumnsChart:
    """The calls per minute of each hour of a day or a week: those that the bought PTUs serve, and the spillover."""
    hours, served = answer.request.hours, answer.max_calls_per_minute
    is_week = len(hours) > HOURS_PER_DAY
    columns = [
        ChartColumn(
            start=hour,
            end=hour + 1,
            name=(f"day {hour // HOURS_PER_DAY + 1}, " if is_week else "")
            + f"{hour % HOURS_PER_DAY}:00 to {hour % HOURS_PER_DAY + 1}:00",
            values=(float(calls), 0.0) if served is None else (float(min(calls, served)), max(float(calls - served), 0.0)),
        )
        for hour, calls in enumerate(hours)
    ]
    scale = column_scale(columns)
    if is_week:
        middles = range(HOURS_PER_DAY // 2, len(hours), HOURS_PER_DAY)
        across = tuple(Tick(scale.across(hour), f"day {day}") for day, hour in enumerate(middles, 1))
    else:
        marks = range(0, HOURS_PER_DAY + 1, 3)
        across = labelled_ticks([(scale.across(hour), f"{hour}:00") for hour in marks], [*range(len(marks))])
    series = [ColumnSeries(f"served by {answer.bought:,} PTUs", SERVED_STYLE), ColumnSeries("spillover", SPILLOVER_STYLE)]
    return columns_chart(
        columns,
        series,
        across,
        title="Load by hour",
        unit="calls per minute",
        axis="hour from midnight" if not is_week else "hours of a week",
        about=f"Columns: calls per minute by hour, the part that {answer.bought:,} PTUs serve and the spillover",
        in_dollars=False,
    )


def ptu_cost_lines(answer: PtuSizing) -> LinesChart | None:
    """A month at each average load: the bought PTUs by commitment, and pay as you go; None if that has no price."""
    points: dict[tuple[float, str], float] = {(calls, label): dollars for calls, label, dollars in monthly_points(answer)}
    if not points:
        return None
    loads = sorted({calls for calls, _ in points})
    styles = zip((option.commitment.label for option in answer.options), COMMITMENT_STYLES, strict=False)
    lines = [
        ChartLine(label, style, tuple(points[calls, label] for calls in loads))
        for label, style in [*styles, (PAY_AS_YOU_GO, "strong")]
    ]
    scale, average = Scale(0, loads[-1]), float(answer.request.average)
    return lines_chart(
        loads,
        lines,
        scale,
        number_ticks(scale, 0, loads[-1]),
        title=f"What {answer.bought:,} PTUs cost, and pay as you go",
        unit="dollars a month",
        axis="calls per minute on average, around the clock",
        value_name="{} calls per minute on average",
        about="Lines: monthly cost by average load, for each commitment and for pay as you go; the tables have the figures",
        marked=Tick(percent(scale.share(average)), "this load"),
    )
