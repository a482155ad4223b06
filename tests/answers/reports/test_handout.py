"""What is handed out: Markdown, CSV and HTML carry the amounts of the JSON, and what they are the amounts of."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from tests.cases import DAY
from voicebill.answers.comparison.alternatives import alternatives
from voicebill.answers.comparison.compare import available_offers_matching, compare
from voicebill.answers.connectivity.transport import ConnectionCosts
from voicebill.answers.estimates.estimate import Estimate, estimate
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.reports.comparison_handout import comparison_handout
from voicebill.answers.reports.estimate_handout import ESTIMATE_COLUMNS, estimate_handout
from voicebill.answers.reports.handout import INVOICE_NOTE, Handout
from voicebill.answers.reports.handout_formats import HANDOUT_FORMATS, handout_csv, handout_markdown, handout_page
from voicebill.billing.currency import Currency
from voicebill.billing.money import format_amount, picodollars
from voicebill.billing.validity import PartialDate
from voicebill.conversation.plan import Plan
from voicebill.conversation.volume import Volume
from voicebill.facts import load_facts

PLAN = Plan(minutes=6, turns=20, tool_calls=3, transcription_model="gpt-transcribe", transport="sip")
SELECTION = ModelSelection(model="gpt-realtime", provider="azure", deployment="data-zone", region="eastus2", day=DAY)
VOLUME = Volume(Decimal(50), "day")
CARRIER = ConnectionCosts(carrier_per_minute=Decimal("0.0085"))
ISSUED = date(2026, 12, 3)
AMOUNTS = ("per_conversation", "per_minute", "mean_per_conversation", "per_month", "per_year")
SCENARIOS = ("best", "expected", "worst")


def answer_of(volume: Volume | None = VOLUME, *, fees: bool = True) -> Estimate:
    return estimate(PLAN, SELECTION, load_facts(), volume, connection_costs=CARRIER if fees else None)


def csv_rows(handout: Handout) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(handout_csv(handout))))


class Page(HTMLParser):
    """What an HTML file contains: its tags, its texts, the exact values of its amounts, and the terms with their values."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.values: list[Decimal] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.values += [Decimal(value) for name, value in attrs if tag == "data" and name == "value" and value]

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] != ["style"] and data.strip():
            self.texts.append(data.strip())

    def term(self, name: str) -> str:
        return self.texts[self.texts.index(name) + 1]


def test_the_csv_has_the_amounts_of_the_json_exactly() -> None:
    answer = answer_of()
    document, rows = answer.to_dict(), csv_rows(estimate_handout(answer, ISSUED))
    alone = {row["item"]: {name: row[name] for name in SCENARIOS} for row in rows if row["section"] == "models alone"}
    assert alone == {name: document[name] for name in AMOUNTS}
    totals = {row["item"]: row for row in rows if row["section"] == "amounts"}
    for item, key in (("per_conversation", "per_conversation"), ("per_month", "per_month")):
        assert {name: totals[item][name] for name in SCENARIOS} == document["total_with_connection"][key]
    budget = document["planning_range"]
    assert (totals["per_conversation"]["planning_low"], totals["per_conversation"]["planning_high"]) == (
        budget["low"],
        budget["high"],
    )
    assert totals["per_month"]["planning_high"] == budget["monthly_high"]
    breakdown = {row["item"]: row["expected"] for row in rows if row["section"] == "breakdown"}
    assert breakdown == {part["component"]: part["dollars"] for part in document["breakdown"]}


def test_every_row_of_the_csv_says_what_it_is_the_amount_of() -> None:
    answer = answer_of()
    rows = csv_rows(estimate_handout(answer, ISSUED))
    shared = {
        "offer": answer.model.quote.offer.id,
        "provider": "azure",
        "deployment": "data-zone",
        "region": "eastus2",
        "transport": "sip",
        "minutes": "6",
        "turns": "20",
        "conversations": "50",
        "period": "day",
        "day": DAY.isoformat(),
        "prices_digest": answer.model.facts.prices.digest,
        "rules_digest": answer.model.effective_rules.digest,
        "issued": "2026-12-03",
    }
    assert len(rows) > 12
    assert [{name: row[name] for name in shared} for row in rows] == [shared] * len(rows)
    assert list(rows[0]) == list(ESTIMATE_COLUMNS)


def test_the_html_has_the_exact_amounts_beside_those_for_people() -> None:
    answer = answer_of()
    page = Page(handout_page(estimate_handout(answer, ISSUED)))
    document = answer.to_dict()
    totals = (answer.total, answer.total_per_minute, answer.total_mean, answer.total_per_month, answer.total_per_year)
    first = [amount for costs in totals if costs for amount in (costs.best, costs.expected, costs.worst)]
    assert [format_amount(picodollars(value)) for value in page.values[: len(first)]] == [format_amount(row) for row in first]
    month = document["total_with_connection"]["per_month"]
    assert {Decimal(month[name]) for name in SCENARIOS} <= set(page.values)
    assert {Decimal(part["dollars"]) for part in document["breakdown"]} <= set(page.values)
    assert (page.term("Deployment"), page.term("Region")) == ("data-zone", "eastus2")
    assert page.term("Volume") == "50 conversations a day (1,520.8 a month)"
    assert page.term("Tool calls") == "3"
    assert page.term("Issued") == "2026-12-03"
    assert set(answer.assumptions) <= set(page.texts)
    assert set(answer.warnings) <= set(page.texts)
    assert any(INVOICE_NOTE in text for text in page.texts)


def test_an_html_file_needs_nothing_but_itself() -> None:
    handout = estimate_handout(answer_of(), ISSUED, link="https://calls.example/?minutes=6&turns=20")
    page = Page(handout_page(handout))
    assert not {"script", "link", "img", "iframe", "form"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("src", "style")]
    assert [value for name, value in page.attributes if name == "href"] == [handout.link]


def test_the_markdown_has_the_same_figures_for_people() -> None:
    answer = answer_of()
    text = handout_markdown(estimate_handout(answer, ISSUED))
    mean, month = answer.total_mean, answer.total_per_month
    assert mean is not None
    assert month is not None
    cells = [format_amount(month.best), f"**{format_amount(month.expected)}**", format_amount(month.worst)]
    assert f"| per month: 1,520.8 (50/day) × {format_amount(mean.expected)} | {' | '.join(cells)} |" in text
    assert "- **Deployment**: data-zone\n" in text
    assert "- **Volume**: 50 conversations a day (1,520.8 a month)\n" in text
    assert all(f"- {note}" in text.replace("\\", "") for note in (*answer.assumptions, *answer.warnings))
    exact = handout_markdown(estimate_handout(answer, ISSUED, exact=True))
    assert answer.to_dict()["total_with_connection"]["per_conversation"]["expected"] in exact


@pytest.mark.parametrize("write", [entry.write for entry in HANDOUT_FORMATS.values()], ids=HANDOUT_FORMATS)
def test_a_plan_without_a_volume_has_no_month(write: Callable[[Handout], str]) -> None:
    text = write(estimate_handout(answer_of(None, fees=False), ISSUED))
    assert "per month" not in text
    assert not re.search("per_month|per_year|mean_per_conversation", text)
    assert "data-zone" in text


def test_a_contract_and_another_currency_are_in_the_document() -> None:
    facts = load_facts()
    euro = Currency("EUR", Decimal("0.5"), PartialDate.parse("2026-01-01"), None, DAY, "our bank")
    facts = replace(facts, prices=replace(facts.prices, currencies=(euro,)))
    answer = estimate(PLAN, SELECTION, facts, VOLUME)
    handout = estimate_handout(answer, ISSUED)
    rows = [row for row in csv_rows(handout) if row["section"] == "amounts" and row["item"] == "per_month"]
    assert [row["currency"] for row in rows] == ["USD", "EUR"]
    assert Decimal(rows[1]["expected"]) == pytest.approx(Decimal(rows[0]["expected"]) / 2)
    assert "## Amounts in EUR" in handout_markdown(handout)


HOSTILE = '=1+1|<img src=x onerror="x()">\u202e[a](b)'


@pytest.mark.parametrize("kind", HANDOUT_FORMATS)
def test_a_hostile_name_is_text_in_every_format(kind: str) -> None:
    handout = estimate_handout(answer_of(), ISSUED, link='https://calls.example/?a="><script>')
    first, *others = handout.sections
    records = (handout.records[0], (HOSTILE, *handout.records[1][1:]))
    handout = replace(
        handout,
        title=HOSTILE,
        sections=(replace(first, title=HOSTILE, terms=((HOSTILE, HOSTILE),), notes=(HOSTILE,)), *others),
        records=records,
    )
    text = HANDOUT_FORMATS[kind].write(handout)
    assert "\u202e" not in text
    if kind == "html":
        page = Page(text)
        assert "img" not in page.tags
        assert "script" not in page.tags
        assert page.texts.count(HOSTILE.replace("\u202e", "\\u202e")) == 6
    elif kind == "md":
        assert not re.search(r"<img|<script|(?<!\\)\]\(", text)
    else:
        assert text.splitlines()[1].startswith("\"'=1+1")


def test_a_comparison_has_months_and_deployments_of_every_row() -> None:
    facts = load_facts()
    selection = ModelSelection(model="any", day=DAY)
    offers = available_offers_matching(facts.prices, DAY, ["gpt-realtime"], "azure", None)
    compared = compare(PLAN, offers, selection, facts, VOLUME)
    answer = alternatives(compared, PLAN, selection, facts, VOLUME, connection_costs=CARRIER)
    handout = comparison_handout(answer, selection, facts)
    rows, page, text = csv_rows(handout), Page(handout_page(handout)), handout_markdown(handout)
    report = answer.to_dict()
    reported = {row["name"]: row for row in (*report["alternatives"], *report["partial_alternatives"])}
    assert [row["name"] for row in rows] == list(reported)
    for row in rows:
        total = reported[row["name"]]["total_with_connection"]
        assert {name: row[name] for name in SCENARIOS} == total["per_conversation"]
        assert {name: row[f"{name}_per_month"] for name in SCENARIOS} == total["per_month"]
        assert {Decimal(row[f"{name}_per_month"]) for name in SCENARIOS} <= set(page.values)
        assert (row["conversations"], row["period"]) == ("50", "day")
        assert row["deployment"] in page.texts
        assert f"| {row['provider']} | {row['deployment']} |" in text
    assert {row["deployment"] for row in rows if row["models"].startswith("gpt-realtime →")} >= {"global", "data-zone → global"}
    assert page.term("Volume") == "50 conversations a day (1,520.8 a month)"
