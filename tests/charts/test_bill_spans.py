"""The drawing from what was recorded to the bill: a bar for each cause, from one subtotal to the next."""

from fractions import Fraction

from tests.answers.invoices.months import AZURE, bill, month, reconciled
from voicebill.answers.invoices.charge import Charge
from voicebill.answers.reports.chart_data import bill_bars
from voicebill.charts.inline.cost_charts import bill_spans
from voicebill.facts import load_facts

RECORDS = month(provider="azure", days=1, calls=2).records


def credit(dollars: int) -> Charge:
    """A credit on the bill."""
    return Charge(source="bill", line_number=99, provider="azure", category="credit", service="Credit", cost=Fraction(-dollars))


def test_bars_lead_from_what_was_recorded_to_the_bill() -> None:
    """A credit of $100 is more than the calls cost: the bill is below zero, and so is its bar, within the area."""
    prices = load_facts().prices
    answer = reconciled(RECORDS, [*bill(RECORDS, prices, AZURE), credit(100)], prices)
    recorded, step, billed = bill_bars(answer)
    assert (recorded.label, step.label, billed.label) == ("recorded", "credits", "billed")
    assert (step.high, step.low, step.mark) == (recorded.mark, billed.mark, billed.mark)
    assert round(recorded.mark - billed.mark, 9) == 100
    chart = bill_spans(answer)
    assert chart is not None
    ends = [float(number) for row in chart.rows for bar in row.bars for number in (bar.x, bar.width)]
    assert min(ends) >= 0
    assert all(float(bar.x) + float(bar.width) <= 100.01 for row in chart.rows for bar in row.bars)
    assert [row.value[0] for row in chart.rows] == ["$", "−", "−"]


def test_without_a_difference_there_is_no_drawing() -> None:
    prices = load_facts().prices
    assert bill_spans(reconciled(RECORDS, bill(RECORDS, prices, AZURE), prices)) is None
