"""The picture of what conversations cost: its bars are the answer's amounts."""

from datetime import date
from xml.etree import ElementTree as ET

import pytest

from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.python_engine import PythonEngine
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.recorded.result import Cost
from voicebill.answers.reports.chart_data import MAX_BARS, MAX_TIME_BARS, cost_bars, is_time_series, to_dollars
from voicebill.billing.record import Record
from voicebill.billing.usage import Status, Usage
from voicebill.charts import draw
from voicebill.charts.inline.cost_charts import MAX_DRAWN_BARS, MAX_TIME_LABELS, cost_columns, cost_spans
from voicebill.charts.inline.spans import OPEN_COUNTS
from voicebill.facts import load_facts


def costs(*by: str, days: int = 3, top: int | None = None, is_open: bool = False) -> Cost:
    """So many days, with one more response on each than on the day before; if open, each may have half as many tokens more."""
    status: Status = "ambiguous" if is_open else "exact"
    candidates = tuple(Usage({"audio_out": count}, status) for count in ((100, 150) if is_open else (100,)))
    records = [
        Record(
            key=f"{day} {at}",
            kind="response",
            usage_candidates=candidates,
            source="log",
            line_number=1,
            model="gpt-realtime",
            day=date.fromordinal(date(2026, 1, 1).toordinal() + day),
            tenant=f"t{day}",
        )
        for day in range(days)
        for at in range(day + 1)
    ]
    return cost(PythonEngine(records), CostQuery(by=by, top=top), load_facts().prices)


def test_bars_of_days_stand_in_their_order_and_add_up() -> None:
    """100 tokens at $64 a million are $0.0064: one, two and three of them."""
    answer = costs("day")
    assert is_time_series(answer)
    rows = cost_bars(answer)
    assert [row.label for row in rows] == ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert [row.high for row in rows] == pytest.approx([0.0064, 0.0128, 0.0192])


def test_of_many_groups_the_dearest_are_drawn_and_of_many_days_the_last() -> None:
    tenants = cost_bars(costs("tenant", days=MAX_BARS + 5))
    assert [row.label for row in tenants[:2]] == ["t24", "t23"]
    assert len(tenants) == MAX_BARS
    days = cost_bars(costs("day", days=MAX_TIME_BARS + 2))
    assert (len(days), days[0].label) == (MAX_TIME_BARS, "2026-01-03")


def test_without_groups_the_bars_are_meters() -> None:
    answer = costs()
    (bar,) = cost_bars(answer)
    assert bar.label == "audio out"
    assert bar.high == pytest.approx(to_dollars(answer.total.high or 0))


@pytest.mark.parametrize("by", [("day",), ("tenant",), ()])
def test_the_picture_is_an_svg_that_is_the_same_every_time(by: tuple[str, ...]) -> None:
    pytest.importorskip("lets_plot")
    answer = costs(*by, days=25)
    first = draw.render(draw.costs_chart(answer), "svg")
    assert first == draw.render(draw.costs_chart(answer), "svg")
    text = " ".join(ET.fromstring(first).itertext())
    assert "Actual cost" in text
    assert ("the dearest 20 of 25" in text) == (by == ("tenant",))


def test_times_are_columns_up_to_the_last_120_of_them() -> None:
    """The tallest of three days has three responses at $0.0064; the axis ends at $0.02."""
    chart = cost_columns(costs("day"))
    assert chart is not None
    assert [target.text for target in chart.targets] == ["2026-01-01: $0.00640", "2026-01-02: $0.0128", "2026-01-03: $0.0192"]
    ((_, rectangles),) = chart.series
    assert [rectangle.height for rectangle in rectangles] == ["32", "64", "96"]
    assert [tick.label for tick in chart.across] == ["01-01", "01-02", "01-03"]
    many = cost_columns(costs("day", days=MAX_TIME_BARS + 2))
    assert many is not None
    assert (len(many.targets), many.unit) == (MAX_TIME_BARS, "dollars; the last 120 of 122")
    assert len(many.across) <= MAX_TIME_LABELS
    assert cost_columns(costs("tenant")) is None
    assert cost_columns(costs("day", days=1)) is None


def test_other_groups_are_bars_the_most_expensive_first() -> None:
    chart = cost_spans(costs("tenant", days=MAX_DRAWN_BARS + 3))
    assert chart is not None
    assert [row.label for row in chart.rows[:2]] == ["t14", "t13"]
    assert (len(chart.rows), chart.unit) == (MAX_DRAWN_BARS, "dollars; the 12 most expensive of 15")
    alone = cost_spans(costs("tenant", days=1))
    assert alone is not None
    assert (alone.title, [row.label for row in alone.rows]) == ("Cost by meter", ["audio out"])


def test_what_open_counts_may_add_is_drawn_apart() -> None:
    """100 or 150 tokens: two thirds of the greatest amount are certain."""
    spans, columns = cost_spans(costs("tenant", is_open=True)), cost_columns(costs("day", is_open=True))
    assert spans is not None
    assert columns is not None
    assert [(bar.x, bar.width, bar.style) for bar in spans.rows[0].bars] == [
        ("0", "66.67", "amount"),
        ("66.67", "33.33", "open"),
    ]
    assert (spans.rows[0].value, spans.rows[0].text) == ("≤ $0.0288", "$0.0192 to $0.0288")
    assert [label for _, label in spans.keys] == ["amount", OPEN_COUNTS]
    assert columns.targets[2].text == f"2026-01-03: $0.0288\n{OPEN_COUNTS} $0.00960\namount $0.0192"
    closed = cost_spans(costs("tenant"))
    assert closed is not None
    assert [len(row.bars) for row in closed.rows] == [1, 1, 1]


def test_without_prices_nothing_is_drawn() -> None:
    """A chart of no amounts would say that they are zero."""
    records = [
        Record(
            key=f"{day}",
            kind="response",
            usage_candidates=(Usage.tokens(audio_out=100),),
            source="log",
            line_number=1,
            model="gpt-realtme",
            day=date(2026, 1, day),
        )
        for day in (1, 2)
    ]
    answer = cost(PythonEngine(records), CostQuery(by=("day",)), load_facts().prices)
    assert (cost_columns(answer), cost_spans(answer)) == (None, None)
