"""What has ended on the day is offered nowhere, and what ends within 90 days stands below the rest, on every face alike."""

import csv
import html
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from mcp import Client
from tests.mcp.clients import run_async
from tests.web.sites import client
from voicebill.answers.catalog.stacks import ROLES
from voicebill.answers.comparison.alternatives import alternatives, cheapest_pipelines, speech_rules
from voicebill.answers.comparison.compare import available_offers, compare
from voicebill.answers.comparison.model_choices import ModelChoices
from voicebill.answers.comparison.stack_builder import StackBuilder
from voicebill.answers.comparison.stack_usage import StackUsage
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.parameters.inputs import PLAN, SELECTION
from voicebill.answers.reports.chart_data import offer_ranges
from voicebill.billing.offers import Offer
from voicebill.cli.app import app
from voicebill.cli.options.inputs import input_option
from voicebill.conversation.plan import Plan
from voicebill.facts import load_facts
from voicebill.mcp.server import create_server
from voicebill.mcp.tools import TOOLS, ToolContext

DAY = date(2026, 11, 28)
CALL = Plan(minutes=6, turns=20)
ENDED = ("azure/gpt-4o-realtime-preview-2024-10-01", "openai/gpt-4.1-nano", "azure/gpt-4o-transcribe-2025-03-20")
"""Offers with a price on the day, which ended on 2025-03-26, 2026-10-23 and 2026-10-15."""

ENDING = "openai/gpt-realtime-2025-08-28"
"""It ends on 2027-01-20."""

FIELDS = {"minutes": "6", "turns": "20", "conversations": "3000/month", "day": DAY.isoformat()}
OPENAI = (
    *["compare", "--minutes", "6", "--turns", "20", "--provider", "openai", "--break-even", "none", "--day"],
    DAY.isoformat(),
)
FACES = ("cli", "http", "mcp")


def offers_by_id() -> dict[str, Offer]:
    return {offer.id: offer for offer in load_facts().prices.offers}


def run(*words: str) -> str:
    result = CliRunner().invoke(app, [*words])
    assert result.exit_code == 0, result.output
    return result.stdout


def call_tool(name: str, arguments: dict[str, Any], day: date) -> Any:
    async def ask() -> Any:
        async with Client(create_server(ToolContext(load_facts(), lambda: day))) as agent:
            return await agent.call_tool(name, arguments)

    result = run_async(ask)
    assert not result.is_error, result
    return result.structured_content


def compared(face: str, day: date = DAY, *, include_ending: bool = False) -> dict[str, Any]:
    """The JSON of a comparison on a day, by one of the faces."""
    fields = FIELDS | {"day": day.isoformat()}
    document: dict[str, Any]
    if face == "cli":
        words = [word for name, value in fields.items() for word in (f"--{name}", value)]
        flag = ["--include-ending"] if include_ending else []
        document = json.loads(run("compare", *words, *flag, "--break-even", "none", "--json"))
    elif face == "http":
        flags = {"include_ending": "true"} if include_ending else {}
        document = client().get("/api/compare", params=fields | flags).json()
    else:
        document = call_tool("compare", {**fields, "include_ending": include_ending, "detail": True}, day)
    return document


def listed(face: str, day: date = DAY) -> list[str]:
    """The ids of the offers in the price list of a day, by one of the faces; the page lists those of its own today."""
    if face == "cli":
        return [offer["id"] for offer in json.loads(run("prices", "--day", day.isoformat(), "--json"))["offers"]]
    if face == "http":
        return [offer["id"] for offer in client(today=lambda: day).get("/api/prices").json()["offers"]]
    return [offer["id"] for offer in call_tool("prices", {"day": day.isoformat()}, day)["offers"]]


def offer_ids(document: dict[str, Any]) -> Iterator[str]:
    """Every offer that a comparison names."""
    yield from (offer["offer"]["id"] for offer in document["offers"])
    for alternative in (*document["alternatives"], *document["partial_alternatives"]):
        yield from (component["offer"] for component in alternative["components"])


# --- what has ended ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ENDED)
def test_an_offer_with_a_price_that_has_ended_is_not_available(name: str) -> None:
    offer, book = offers_by_id()[name], load_facts().prices
    assert book.price_row(offer, DAY) is not None
    assert book.is_shut_down(offer, DAY)
    assert not book.is_available(offer, DAY)


@pytest.mark.parametrize("face", FACES)
def test_no_comparison_names_what_has_ended(face: str) -> None:
    ids = set(offer_ids(compared(face)))
    assert len(ids) > 20
    assert [name for name in ids if name.startswith(ENDED)] == []


@pytest.mark.parametrize("face", FACES)
def test_no_price_list_names_what_has_ended(face: str) -> None:
    assert [name for name in listed(face) if name.startswith(ENDED[0])] == []
    assert ENDING in listed(face)


def test_a_list_says_when_only_the_latest_possible_day_of_an_end_is_known() -> None:
    shown = " ".join(run("prices", "--provider", "azure", "--day", DAY.isoformat(), "--ended").split())
    assert "ended no later than 2026-07-07" in shown
    site = client(today=lambda: DAY)
    assert "ended no later than 2026-07-07" in site.get("/prices?provider=azure&ended=true").text
    assert "Ended no later than 2026-07-07" in site.get("/prices/azure/gpt-4o-realtime-preview-2025-06-03").text


def test_price_lists_name_what_has_ended_on_request() -> None:
    words = ("prices", "--kind", "text", "--day", DAY.isoformat())
    assert "openai/gpt-4.1-nano" not in run(*words)
    assert re.search(r"openai/gpt-4.1-nano\n.*ended 2026-10-23", run(*words, "--ended"))
    site = client(today=lambda: DAY)
    for path in ("/prices", "/api/prices"):
        current = site.get(f"{path}?kind=text").text.partition("No longer sold")[0]  # where the page folds them
        assert "openai/gpt-4.1-nano" not in current
        assert "openai/gpt-4.1-nano" in site.get(f"{path}?kind=text&ended=true").text
    assert "ended 2026-10-23" in site.get("/prices?kind=text&ended=true").text
    some, every = (call_tool("prices", {"ended": ended}, DAY)["offers"] for ended in (False, True))
    assert {offer["id"] for offer in every} - {offer["id"] for offer in some} >= {ENDED[0]}


def test_a_model_that_is_named_is_shown_with_its_end() -> None:
    assert "ends on 2026-10-23" in run("prices", "gpt-4.1-nano")
    assert "Ended on 2026-10-23" in client(today=lambda: DAY).get("/prices/openai/gpt-4.1-nano").text
    (offer,) = [
        offer for offer in call_tool("prices", {"model": "gpt-4.1-nano"}, DAY)["offers"] if offer["id"] == "openai/gpt-4.1-nano"
    ]
    assert offer["ends"] == "2026-10-23"


def test_an_estimate_that_names_a_model_that_has_ended_warns_of_it() -> None:
    words = ("--model", "gpt-4o-realtime-preview-2024-10-01", "--provider", "azure", "--day", DAY.isoformat())
    shown = " ".join(run("estimate", "--minutes", "6", "--turns", "20", *words).split())
    assert "was due to be shut down by azure on 2025-03-26" in shown


def test_neither_forms_nor_completion_offer_what_has_ended() -> None:
    book = load_facts().prices
    choices = ModelChoices(book, DAY)
    assert "gpt-4o-transcribe" not in choices.transcription_models("azure")
    assert "gpt-4o-transcribe" in ModelChoices(book, date(2026, 10, 14)).transcription_models("azure")
    assert "gpt-realtime" in choices.models
    assert "gpt-4o-realtime-preview" not in choices.models
    assert "gpt-4o-realtime-preview" in ModelChoices(book, date(2026, 5, 6)).models
    page = client(today=lambda: DAY).get("/", params={"day": "2026-10-14", "provider": "azure"}).text
    assert '<option value="gpt-4o-transcribe">' in page
    assert '<option value="gpt-4o-transcribe">' not in client(today=lambda: DAY).get("/", params={"provider": "azure"}).text


def test_completion_offers_the_models_of_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    def words(name: str, row: Any, day: date) -> list[str]:
        monkeypatch.setattr("voicebill.cli.options.inputs.today", lambda: day)
        option = input_option(row).__metadata__[0]
        return list(option.autocompletion(name))

    assert "gpt-realtime-2.1" in words("gpt-realtime", SELECTION["model"], DAY)
    assert words("whisper-1", PLAN["transcription_model"], date(2027, 2, 25)) == ["whisper-1"]
    assert words("whisper-1", PLAN["transcription_model"], date(2027, 2, 26)) == []


def test_messages_suggest_no_model_that_has_ended() -> None:
    result = CliRunner().invoke(
        app, ["estimate", "--minutes", "6", "--turns", "20", "--model", "gpt-5.4-nano", "--day", DAY.isoformat()]
    )
    suggested = result.stderr.partition("such as ")[2]
    assert "gpt-realtime" in suggested
    assert "gpt-4o-realtime-preview" not in suggested  # OpenAI's ended on 2026-05-07
    load = ("--calls-per-minute", "9", "--prompt-tokens", "9", "--response-tokens", "9")
    for day, is_sized in ((date(2027, 4, 13), True), (date(2027, 4, 14), False)):  # Azure's gpt-4.1-nano ends on 2027-04-14
        sized = CliRunner().invoke(app, ["ptu", "--model", "gpt-realtime", *load, "--day", day.isoformat()])
        assert "gpt-5.2" in sized.stderr
        assert ("gpt-4.1-nano" in sized.stderr) is is_sized


DAYS = st.dates(date(2025, 1, 1), date(2028, 6, 1))


@given(DAYS)
@settings(max_examples=25, deadline=None)
def test_nothing_that_is_offered_has_ended_on_the_day(day: date) -> None:
    """Offers, parts of stacks and alternatives, choices in forms."""
    facts, selection = load_facts(), ModelSelection(model="any", day=day)
    book = facts.prices
    builder = StackBuilder(facts, selection, StackUsage(CALL, speech_rules(selection, facts)))
    conversational = alternatives(None, CALL, selection, facts).conversational
    roles = {role for roles in ROLES.values() for role in roles}
    offered = [
        *available_offers(book, day),
        *(component.offer for role in roles for component in builder.candidates(role)),
        *(component.quote.offer for alternative in conversational for component in alternative.components),
    ]
    assert [offer.id for offer in offered if book.is_shut_down(offer, day)] == []
    choices = ModelChoices(book, day)
    assert set(choices.all_providers) == {offer.provider for offer in available_offers(book, day)}
    for name in choices.models:
        for provider in choices.providers(name):
            for deployment in choices.deployments(name, provider):
                offers = [offer for offer in choices.offers(name, provider) if offer.deployment == deployment]
                assert any(book.is_available(offer, day) for offer in offers)
    for name in choices.transcription_models("openai"):
        assert any(book.is_available(offer, day) for offer in book.offers_named(name) if offer.kind == "transcription")


@given(DAYS)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_face_offers_what_has_ended_on_the_day(day: date) -> None:
    book, offers = load_facts().prices, offers_by_id()
    for face in FACES:
        named = [*listed(face, day)]
        if list(available_offers(book, day)):
            named += offer_ids(compared(face, day))
        assert [name for name in named if name in offers and book.is_shut_down(offers[name], day)] == []


# --- what ends soon ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("face", FACES)
def test_what_ends_within_90_days_follows_the_rest_and_is_marked(face: str) -> None:
    document = compared(face)
    assert document["include_ending"] is False
    for rows in (document["offers"], document["alternatives"], document["partial_alternatives"]):
        possible = [row for row in rows if row["per_conversation"]]
        marks = [row["ending_soon"] for row in possible]
        assert marks == sorted(marks)
        assert len(set(marks)) == 2
        for row in possible:
            ends = row["ends"] and date.fromisoformat(row["ends"])
            assert row["ending_soon"] is bool(ends and DAY < ends <= DAY + timedelta(days=90))
    (ending,) = [row for row in document["offers"] if row["offer"]["id"] == ENDING]
    assert (ending["ends"], ending["ending_soon"]) == ("2027-01-20", True)
    assert document["alternatives"][0]["ratio_to_cheapest"] == "1"
    assert document["alternatives"][0]["ending_soon"] is False


@pytest.mark.parametrize("face", FACES)
def test_on_request_what_ends_soon_is_ranked_with_the_rest(face: str) -> None:
    document = compared(face, include_ending=True)
    assert document["include_ending"] is True
    months = [Decimal(row["per_month"]["expected"]) for row in document["alternatives"]]
    assert months == sorted(months)
    marks = [row["ending_soon"] for row in document["alternatives"]]
    assert marks != sorted(marks)
    assert document["alternatives"][0]["ending_soon"]  # the cheapest pipeline has a model that ends on 2026-12-11


def test_a_flag_that_is_neither_true_nor_false_is_refused() -> None:
    answer = client().get("/api/compare", params=FIELDS | {"include_ending": "perhaps"})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "include_ending", "detail": "must be true or false, not 'perhaps'"}]


def test_the_table_has_a_group_of_what_ends_soon() -> None:
    words = OPENAI
    lasting, ending, partial, partial_ending = re.split(r"These end within 90 days|Partial alternatives", run(*words))
    assert "openai gpt-realtime " not in lasting
    assert "ends 2027-01-20" in ending.partition("openai gpt-realtime ")[2]
    assert "gpt-6-luna-typed" in partial
    assert "gpt-4.1-typed" in partial_ending
    ranked = run(*words, "--include-ending")
    assert "These end within 90 days" not in ranked
    assert "ends 2027-01-20" in ranked


def test_pipelines_of_what_lasts_come_first() -> None:
    selection = ModelSelection(model="any", day=DAY)
    first, _ = cheapest_pipelines(CALL, selection, load_facts(), 3)
    assert not any(pipeline.ending_soon for pipeline in first.conversational)
    ranked, _ = cheapest_pipelines(CALL, selection, load_facts(), 3, include_ending=True)
    assert all(pipeline.ending_soon for pipeline in ranked.conversational)
    assert ranked.conversational[0].expected < first.conversational[0].expected


def test_files_and_charts_keep_what_ends_soon_apart(tmp_path: Path) -> None:
    for name in ("table.csv", "table.md"):
        run(*OPENAI, "--out", str(tmp_path / name))
    rows = list(csv.DictReader((tmp_path / "table.csv").read_text(encoding="utf-8").splitlines()))
    for kind in ("yes", "no"):
        marks = [row["ending_soon"] == "yes" for row in rows if row["conversational"] == kind]
        assert marks == sorted(marks)
        assert len(set(marks)) == 2
    headings = re.findall(r"^## (.*)$", (tmp_path / "table.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[1:5] == [
        "Conversational agents",
        "Conversational agents that end within 90 days",
        "Partial alternatives",
        "Partial alternatives that end within 90 days",
    ]
    facts = load_facts()
    offers = available_offers(facts.prices, DAY)
    bars = offer_ranges(compare(CALL, offers, ModelSelection(model="any", day=DAY), facts))
    marks = ["(ends 20" in bar.label for bar in bars]
    assert f"{ENDING} (ends 2027-01-20)" in [bar.label for bar in bars]
    assert marks == sorted(marks)


def test_the_page_has_groups_of_what_ends_soon_and_a_box_to_rank_all_together() -> None:
    site = client(today=lambda: DAY)
    page = site.get("/compare", params=FIELDS).text
    assert len(re.findall(r"<summary>\d+ that end within 90 days</summary>", page)) == 1
    offers = page.partition('class="offers sortable"')[2].partition("</table>")[0]
    lasting, ending = offers.split("These end within 90 days")
    assert f'data-value="{ENDING}"' not in lasting
    assert f'data-value="{ENDING}"' in ending
    assert "ends 2027-01-20" in ending
    ranked = site.get("/compare", params=FIELDS | {"include_ending": "true"}).text
    assert "nd within 90 days" not in ranked
    assert re.search(r'name="include_ending" value="true"[^>]* checked', ranked)
    charts = [html.unescape(link) for link in re.findall(r'href="([^"]*/chart/[^"]*)"', ranked)]
    assert charts
    assert all("include_ending=true" in link for link in charts)
    sent = site.post("/compare", data=FIELDS | {"include_ending": "true"}, follow_redirects=False)
    assert "include_ending=true" in sent.headers["location"]


def test_a_stack_uses_what_ends_soon_only_where_nothing_else_will_do() -> None:
    facts, selection = load_facts(), ModelSelection(model="any", day=DAY)
    named = next(stack for stack in facts.stacks if stack.name == "cheapest")
    only = replace(named, name="only", models={"llm": ("gpt-5-nano",)})
    either = replace(named, name="either", models={"llm": ("gpt-5-nano", "gpt-6-luna")})
    answer = alternatives(None, CALL, selection, facts, stacks=[only, either])
    models = {row.name: [component.quote.offer.model for component in row.components] for row in answer.conversational}
    assert (models["either"][1], models["only"][1]) == ("gpt-6-luna", "gpt-5-nano")
    ranked = alternatives(None, CALL, selection, facts, stacks=[either], include_ending=True).conversational[0]
    assert ranked.components[1].quote.offer.model == "gpt-5-nano"


def test_every_tool_that_compares_has_the_switch() -> None:
    assert {tool.name for tool in TOOLS if "include_ending" in tool.input_schema["properties"]} == {"compare"}
    headline = call_tool("compare", FIELDS, DAY)
    assert all("ending_soon" in row and "mean_per_conversation" in row for row in headline["alternatives"])
