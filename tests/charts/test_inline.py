"""Inline charts: ticks are round, what is placed is in proportion to the answer's amounts, and every plan has its charts."""

from dataclasses import replace
from decimal import Decimal
from functools import cache
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import voicebill
from tests.calls.example import EXAMPLE
from tests.cases import DAY
from voicebill.answers.comparison.alternatives import alternatives
from voicebill.answers.comparison.break_even import BreakEvenCurve, SweepRange, break_even, select_alternatives
from voicebill.answers.comparison.compare import available_offers, compare
from voicebill.answers.estimates.estimate import Estimate, estimate
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.reports.chart_data import BarRow, bridge_bars, cost_by_length, cumulative_costs, to_dollars, turn_costs
from voicebill.answers.sensitivity.sensitivity import sensitivity
from voicebill.billing.money import format_amount, picodollars
from voicebill.charts.inline.axes import Scale, dollar_axis, dollar_label, number_ticks, sampled, short_amount, spread
from voicebill.charts.inline.break_even_lines import MAX_LABELLED_ENDS, break_even_lines
from voicebill.charts.inline.columns import MAX_DRAWN_COLUMNS, ChartColumn, ColumnSeries, columns_chart
from voicebill.charts.inline.cost_charts import replay_spans
from voicebill.charts.inline.estimate_charts import cumulative_lines, estimate_charts, length_lines, turn_columns
from voicebill.charts.inline.lines import MAX_POINTS, ChartLine, lines_chart
from voicebill.charts.inline.spans import amount_spans, tornado_spans
from voicebill.conversation.plan import Plan
from voicebill.facts import load_facts

SELECTION = ModelSelection(model="gpt-realtime-1.5", day=DAY)
PLAN = Plan(minutes=10, turns=20, tool_calls=3)
WORDS = {"title": "Title", "unit": "dollars", "about": "about"}


@cache
def answer_of(turns: int = 20, transcription_model: str | None = None, minutes: int = 10) -> Estimate:
    """The estimate of a plan of so many turns."""
    plan = replace(PLAN, minutes=minutes, turns=turns, transcription_model=transcription_model)
    return estimate(plan, SELECTION, load_facts())


amounts = st.floats(min_value=1e-9, max_value=1e9)


@given(st.lists(amounts, min_size=1), st.integers(min_value=2, max_value=6))
def test_an_axis_of_dollars_has_few_round_ticks_around_all_values(values: list[float], intervals: int) -> None:
    scale, ticks, step = dollar_axis(values, intervals)
    assert scale.low <= 0 < max(values) <= scale.high * (1 + 1e-9)
    assert 2 <= len(ticks) <= intervals + 2
    assert f"{step:e}"[0] in "125"
    assert f"{step:e}"[1:9] == ".000000e"
    assert 0 in ticks
    labels = [dollar_label(tick, step) for tick in ticks]
    assert len(set(labels)) == len(labels), "two ticks with one label"


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0.034], ["$0", "$0.01", "$0.02", "$0.03", "$0.04"]),
        ([0.00000031], ["$0", "$0.0000001", "$0.0000002", "$0.0000003", "$0.0000004"]),
        ([1.7], ["$0", "$0.50", "$1.00", "$1.50", "$2.00"]),
        ([12_300_000], ["$0", "$5M", "$10M", "$15M"]),
        ([-0.3, 0.4], ["−$0.40", "−$0.20", "$0", "$0.20", "$0.40"]),
        ([0, 0], ["$0"]),
    ],
)
def test_labels_have_the_decimals_that_their_step_needs(values: list[float], labels: list[str]) -> None:
    _, ticks, step = dollar_axis(values)
    assert [dollar_label(tick, step) for tick in ticks] == labels


@given(st.integers(min_value=1, max_value=999), st.integers(min_value=1, max_value=4), st.integers(min_value=-9, max_value=5))
def test_amounts_of_marks_are_written_as_everywhere(digits: int, rest: int, exponent: int) -> None:
    """Up to four digits, of which the last is rounded down."""
    dollars = Decimal(digits * 10 + rest).scaleb(exponent)
    assert short_amount(float(dollars)) == format_amount(picodollars(dollars))


@pytest.mark.parametrize("last", [1, 2, 7, 20, 100, 999, 1_000, 6_000])
def test_turns_are_labelled_by_whole_numbers_of_which_few_are_shown_on_a_phone(last: int) -> None:
    ticks = number_ticks(Scale(0.5, last + 0.5), 1, last, integers_only=True)
    numbers = [int(tick.label.replace(",", "")) for tick in ticks]
    assert numbers == sorted(set(numbers))
    assert 1 <= len(numbers) <= 7
    shown = [tick for tick in ticks if tick.is_coarse]
    assert 1 <= len(shown) <= 5
    assert len({float(tick.position) for tick in shown}) == len(shown)


@given(st.lists(st.floats(min_value=0, max_value=1), min_size=1, max_size=5))
def test_labels_are_moved_into_their_order_with_a_gap_between_them(positions: list[float]) -> None:
    ordered = sorted(positions)
    places = spread(ordered, 0.15, high=0.92)
    assert all(later - earlier >= 0.15 - 1e-9 for earlier, later in pairwise(places))
    assert all(-1e-9 <= place <= 0.92 + 1e-9 for place in places)
    roomy = all(later - earlier > 0.15 for earlier, later in pairwise(ordered)) and ordered[-1] <= 0.92
    assert not roomy or places == pytest.approx(ordered)


@given(st.integers(min_value=1, max_value=3_000), st.integers(min_value=2, max_value=120))
def test_a_sample_has_the_first_and_the_last_and_no_index_twice(count: int, maximum: int) -> None:
    indexes = sampled(count, maximum)
    assert (indexes[0], indexes[-1], len(indexes)) == (0, count - 1, min(count, maximum))
    assert indexes == sorted(set(indexes))


@pytest.mark.parametrize("transcription_model", [None, "whisper-1"])
@pytest.mark.parametrize("turns", [1, 20, 50, 100])
def test_the_columns_add_up_to_the_conversation(turns: int, transcription_model: str | None) -> None:
    """The heights of all parts, by the scale of the labels and the turns of each column, are the expected amount."""
    answer = answer_of(turns, transcription_model)
    chart = turn_columns(answer)
    assert len(chart.targets) <= MAX_DRAWN_COLUMNS
    dollars_of = {float(tick.position): float(tick.label.lstrip("$")) for tick in chart.down}
    dollars_per_percent = dollars_of[0.0] / 100
    turns_at = {float(target.x): float(target.width) / 100 * turns for target in chart.targets}

    def turns_of(x: float) -> float:
        return turns_at[max(start for start in turns_at if start <= x)]

    drawn = sum(
        float(part.height) * dollars_per_percent * turns_of(float(part.x)) for _, parts in chart.series for part in parts
    )
    assert drawn == pytest.approx(to_dollars(answer.per_conversation.expected), rel=0.01)


def test_the_parts_of_a_column_stand_on_each_other_in_the_order_of_their_series() -> None:
    answer = answer_of()
    chart = turn_columns(answer)
    rows = {(row.turn, row.kind): row.dollars for row in turn_costs(answer)}
    turn_of = {part.x: turn for turn, part in enumerate(chart.series[0][1], start=1)}
    bottoms = dict.fromkeys(turn_of, 100.0)
    top_label = float(chart.down[-1].label.lstrip("$"))
    for series, parts in chart.series:
        for part in parts:
            assert float(part.y) + float(part.height) == pytest.approx(bottoms[part.x], abs=0.03)
            assert float(part.height) == pytest.approx(100 * rows[turn_of[part.x], series.label] / top_label, abs=0.02)
            bottoms[part.x] = float(part.y)
    assert sum(len(parts) for _, parts in chart.series) == sum(dollars > 0 for dollars in rows.values())


def test_a_long_conversation_has_columns_of_means_which_say_so() -> None:
    """100 turns are 34 columns: 33 of three turns, and one of the last turn."""
    chart = turn_columns(answer_of(100))
    assert len(chart.targets) == 34
    assert chart.unit == "dollars a turn, expected, averaged over 3 turns"
    assert chart.targets[0].text.startswith("turns 1 to 3, each on average: $")
    assert chart.targets[-1].text.startswith("turn 100: $")
    assert sum(float(target.width) for target in chart.targets) == pytest.approx(100, abs=0.2)


def test_one_column_is_narrow_and_in_the_middle() -> None:
    (target,) = turn_columns(answer_of(1)).targets
    part = turn_columns(answer_of(1)).series[0][1][0]
    assert (target.x, target.width, part.x, part.width) == ("0", "100", "44", "12")


def test_columns_of_nothing_have_an_axis_and_no_parts() -> None:
    columns = [ChartColumn(0, 1, "Monday", (0.0,)), ChartColumn(1, 2, "Tuesday", (0.0,))]
    chart = columns_chart(columns, [ColumnSeries("cost", 2)], (), axis="day", title="", unit="", about="")
    assert chart.series[0][1] == ()
    assert [tick.label for tick in chart.down] == ["$0"]
    assert [target.text for target in chart.targets] == ["Monday: $0", "Tuesday: $0"]


def test_the_lines_end_at_the_three_amounts_and_begin_at_zero() -> None:
    answer = answer_of()
    chart = cumulative_lines(answer)
    amounts = answer.per_conversation
    assert [end.label for end in chart.ends] == ["worst", "expected", "best"]
    top = float(chart.down[-1].label.lstrip("$"))
    for (line, points), amount in zip(chart.lines, (amounts.worst, amounts.expected, amounts.best), strict=True):
        first, *_, last = (tuple(map(float, point.split(","))) for point in points.split())
        assert first == (0, 1000), line.label
        assert last == pytest.approx((1000, 1000 * (1 - to_dollars(amount) / top)), abs=0.6)
    assert len(chart.targets) == len(cumulative_costs(answer)) + 1


def test_the_plan_is_marked_among_the_lengths() -> None:
    chart = length_lines(answer_of())
    assert chart is not None
    assert chart.marked is not None
    assert float(chart.marked.position) == pytest.approx(100 * 10 / 30, abs=0.01)
    assert len(chart.dots) == len(cost_by_length(answer_of()))


def test_a_plan_of_which_no_other_length_is_possible_has_no_chart_of_lengths() -> None:
    """A call of a day that ends with its session of a minute is shorter than a quarter of the plan."""
    plan = Plan(minutes=1440, turns=100, session_minutes=1, calls_end_with_session=True)
    answer = estimate(plan, SELECTION, load_facts())
    charts = estimate_charts(answer, sensitivity(plan, SELECTION, load_facts()))
    assert charts.lengths is None
    assert len(charts.turns.targets) == len(answer.conversation.script.turns)


def test_a_line_of_many_values_has_fewer_points_and_ends_where_it_ends() -> None:
    values = list(range(1_001))
    lines = [ChartLine("expected", "strong", tuple(value / 100 for value in values))]
    chart = lines_chart(values, lines, Scale(0, 1_000), (), title="T", unit="u", about="a", axis="turn", value_name="turn {}")
    points = chart.lines[0][1].split()
    assert (len(points), points[0], points[-1]) == (MAX_POINTS, "0,1000", "1000,0")
    assert len(chart.targets) == 40
    assert chart.targets[-1].text == "turn 1,000\nexpected $10.0"


def test_a_tornado_has_both_sides_and_the_shorter_bar_in_front() -> None:
    chart = tornado_spans([BarRow("reuse", 3.0, -1.0, 0.0), BarRow("length", 1.0, 2.0, 0.0)], **WORDS)
    first, second = chart.rows
    assert [(bar.style, bar.x, bar.width) for bar in first.bars] == [("low", "25", "75"), ("high", "0", "25")]
    assert [bar.style for bar in second.bars] == ["high", "low"]
    assert [tick.label for tick in chart.across] == ["−$1", "$0", "+$1", "+$2", "+$3"]


def test_spans_without_rows_or_amounts_are_placed() -> None:
    assert tornado_spans([], **WORDS).rows == ()
    (row,) = amount_spans([BarRow("free", 0.0, 0.0, 0.0)], **WORDS).rows
    assert (row.value, row.bars[0].width) == ("$0", "0")


def test_a_bridge_leads_from_what_was_paid_to_the_total() -> None:
    """Each bar begins where the one before ends; what cannot be seen has none."""
    models = voicebill.RecordedModels(voicebill.load_facts(), voicebill.CostQuery())
    sessions = list(islice(voicebill.sessions_of_records(voicebill.read_log(EXAMPLE)), 20))
    request = voicebill.ReplayRequest(selection=SELECTION, models=("gpt-realtime-2.1",), provider="openai")
    answer = voicebill.replay(request, models, lambda: sessions)
    rows = bridge_bars(answer.targets[0])
    assert rows[0].label == "paid"
    assert rows[-1].label == "openai/gpt-realtime-2.1"
    visible = max(row.high for row in rows) / 100
    for before, row in pairwise(rows[:-1]):
        assert min(abs(row.low - before.mark), abs(row.high - before.mark)) < visible
    assert rows[-2].mark == pytest.approx(rows[-1].high, rel=0.01)
    chart = replay_spans(answer)
    assert chart is not None
    assert chart.rows[1].value[0] in "+−"
    assert [style for style, _ in chart.keys] == ["amount", "low", "open"]


def curve_of(*names: str) -> BreakEvenCurve:
    """The costs of some alternatives for a call of six minutes, from 5 to 100 percent of the time with speech."""
    plan = Plan(minutes=6, turns=20)
    offers = available_offers(load_facts().prices, DAY)
    answer = alternatives(compare(plan, offers, SELECTION, load_facts()), plan, SELECTION, load_facts())
    return break_even(select_alternatives(answer, names), plan, SweepRange("speech", Decimal(5), Decimal(100)))


def test_the_lines_of_a_break_even_have_a_dot_where_their_order_changes() -> None:
    """The pipeline costs less than the realtime model from about 12 % speech on: 7 % of the way from 5 to 100."""
    chart = break_even_lines(curve_of("fast", "openai/gpt-realtime-1.5"), {"fast": "a pipeline"})
    assert [(line.label, line.style) for line, _ in chart.lines] == [
        ("a pipeline", "strong"),
        ("openai/gpt-realtime-1.5", "other violet"),
    ]
    ((x, _),) = chart.dots
    assert 7 < float(x) < 8
    assert chart.marked
    assert (chart.marked.position, chart.unit) == (
        x,
        f"dollars a conversation, expected; the order changes at about {chart.marked.label}",
    )
    assert [(end.label, end.style) for end in chart.ends] == [("", "other violet"), ("", "strong")]
    assert len(chart.targets) == 40
    assert chart.targets[-1].text.startswith("100\na pipeline $")


def test_more_lines_than_styles_have_no_labels_at_their_ends() -> None:
    names = (
        "fast",
        "cheapest",
        *(f"openai/gpt-realtime{suffix}" for suffix in ("-1.5", "-2", "-2.1", "-2.1-mini")),
        "gpt-live-1.1",
    )
    chart = break_even_lines(curve_of(*names), {})
    assert len(chart.lines) == 7 > MAX_LABELLED_ENDS
    assert chart.ends == ()
    assert chart.lines[6][0].style == chart.lines[0][0].style
