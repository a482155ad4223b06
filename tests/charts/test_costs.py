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
from voicebill.billing.usage import Usage
from voicebill.charts import draw
from voicebill.facts import load_facts


def costs(*by: str, days: int = 3, top: int | None = None) -> Cost:
    """So many days, with one more response on each than on the day before."""
    records = [
        Record(
            key=f"{day} {at}",
            kind="response",
            usage_candidates=(Usage.tokens(audio_out=100),),
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
