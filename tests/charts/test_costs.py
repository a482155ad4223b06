"""The picture of what conversations did cost: its bars are the answer's amounts."""

from datetime import date
from xml.etree import ElementTree as ET

import pytest

from voicebill.answers.cost import Cost, CostAsked, cost
from voicebill.answers.pictures import MOST_BARS, MOST_IN_TIME, cost_bars, in_dollars, in_time
from voicebill.answers.rows import RowEngine
from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.charts import draw
from voicebill.facts import load

PRICES = load().prices


def costs(*by: str, days: int = 3, top: int | None = None) -> Cost:
    """So many days, with one more response on each than on the day before."""
    records = [
        Record(
            key=f"{day} {at}",
            kind="response",
            readings=(Usage.tokens(audio_out=100),),
            source="log",
            ordinal=1,
            model="gpt-realtime",
            day=date.fromordinal(date(2026, 1, 1).toordinal() + day),
            tenant=f"t{day}",
        )
        for day in range(days)
        for at in range(day + 1)
    ]
    return cost(RowEngine(records), CostAsked(by=by, top=top), PRICES)


def test_bars_of_days_stand_in_their_order_and_add_up() -> None:
    """100 tokens at $64 a million are $0.0064: one, two and three of them."""
    answer = costs("day")
    assert in_time(answer)
    rows = cost_bars(answer)
    assert [row.label for row in rows] == ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert [row.high for row in rows] == pytest.approx([0.0064, 0.0128, 0.0192])


def test_of_many_groups_the_dearest_are_drawn_and_of_many_days_the_last() -> None:
    tenants = cost_bars(costs("tenant", days=MOST_BARS + 5))
    assert [row.label for row in tenants[:2]] == ["t24", "t23"]
    assert len(tenants) == MOST_BARS
    days = cost_bars(costs("day", days=MOST_IN_TIME + 2))
    assert (len(days), days[0].label) == (MOST_IN_TIME, "2026-01-03")


def test_without_groups_the_bars_are_meters() -> None:
    answer = costs()
    (bar,) = cost_bars(answer)
    assert bar.label == "audio out"
    assert bar.high == pytest.approx(in_dollars(answer.total.high or 0))


@pytest.mark.parametrize("by", [("day",), ("tenant",), ()])
def test_the_picture_is_an_svg_that_is_the_same_every_time(by: tuple[str, ...]) -> None:
    pytest.importorskip("lets_plot")
    answer = costs(*by, days=25)
    first = draw.rendered(draw.costs(answer), "svg")
    assert first == draw.rendered(draw.costs(answer), "svg")
    text = " ".join(ET.fromstring(first).itertext())
    assert "What it did cost" in text
    assert ("the dearest 20 of 25" in text) == (by == ("tenant",))
