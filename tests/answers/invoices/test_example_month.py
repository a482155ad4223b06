"""The month of docs/against-the-invoice.md: each planted difference is a cause with its amount, and nothing else is."""

from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from benchmarks import clinic_month as month

from tests.cli.invoke import answer
from voicebill.facts import load_facts

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
INVOICE = ("molar-calls.csv.gz", "molar-azure.csv.gz", "molar-invoice.csv")
REMINDERS = ("molar-reminders.csv.gz", "molar-openai-costs.csv", "molar-openai-usage.json.gz")


@cache
def reconciliation(*files: str) -> dict[str, Any]:
    reconciled: dict[str, Any] = answer("reconcile", *(str(EXAMPLES / name) for name in files))
    return reconciled


def causes(*files: str) -> dict[str, Decimal]:
    return {" or ".join(cause["names"]): Decimal(cause["dollars"]) for cause in reconciliation(*files)["causes"]}


def list_cost(offer_id: str, response: month.Response) -> Decimal:
    offer = next(offer for offer in load_facts().prices.offers if offer.id == offer_id)
    row = offer.row_on(response.time.date())
    assert row is not None
    return sum((row.unit_prices[meter] * tokens for meter, tokens in response.usage.items()), start=Decimal(0)) / 1_000_000


def global_offer(line: month.Line) -> str:
    """The offer that the log leads to, which names no deployment."""
    return line.offer_id.removesuffix("/data-zone")


def test_the_causes_of_the_month_are_the_planted_ones() -> None:
    assert set(causes(*INVOICE)) == {
        *("credits", "sessions-missing", "tax", "negotiated-rate", "deployment", "transcription"),
    }
    assert reconciliation(*INVOICE)["not_explained_dollars"] == "0"


def test_each_planted_difference_is_named_with_its_amount() -> None:
    """Missing calls are worth the price of the recorded deployment; a tenth more is that of the Data Zone."""
    responses = list(month.responses(*month.LINES))
    missing = sum(list_cost(global_offer(entry.line), entry) for entry in responses if not entry.is_logged)
    zone = sum(list_cost(entry.line.offer_id, entry) - list_cost(global_offer(entry.line), entry) for entry in responses)
    rows = month.export_rows()
    transcription = sum(row.cost for row in rows if row.offer.id == month.TRANSCRIBER)
    discount = sum(row.cost - row.list_price * row.tokens / 1_000_000 for row in rows if row.offer.id != month.TRANSCRIBER)
    amounts = causes(*INVOICE)
    assert amounts["sessions-missing"] == missing
    assert amounts["deployment"] == zone
    assert amounts["transcription"] == transcription
    assert amounts["negotiated-rate"] == discount
    assert (amounts["credits"], amounts["tax"]) == (-month.CREDIT, Decimal("1.73"))


def test_days_on_which_calls_and_usage_are_missing_have_both_as_candidates() -> None:
    """The sums of the three causes are the planted ones; the bill's requests tell all but two days apart."""
    responses = list(month.responses(month.REMINDERS))
    unlogged = [entry for entry in responses if not entry.is_logged or entry.index % month.EMPTY_EVERY == 0]
    amounts = causes(*REMINDERS)
    assert set(amounts) == {"responses-without-usage", "sessions-missing or responses-without-usage", "sessions-missing"}
    assert sum(amounts.values()) == sum(list_cost(month.REMINDERS.offer_id, entry) for entry in unlogged)


@pytest.mark.parametrize("files", [INVOICE, REMINDERS])
def test_recorded_causes_and_the_rest_add_up_to_the_bill(files: tuple[str, ...]) -> None:
    entry = reconciliation(*files)
    parts = (entry["recorded_dollars"], entry["not_explained_dollars"], *causes(*files).values())
    assert sum(map(Decimal, parts)) == Decimal(entry["billed"])
