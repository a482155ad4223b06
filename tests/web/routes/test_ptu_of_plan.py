"""PTUs of the text model of a plan: page, API, tool and command line give the same, and what is derived can be replaced."""

import html
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from typer.testing import CliRunner

from tests.cases import DAY
from tests.web.sites import SITE
from voicebill.answers.provisioned.plan_load import DEFAULT_TEXT_MODEL
from voicebill.cli.app import app
from voicebill.facts import load_facts
from voicebill.mcp.tools import ToolContext, tools_for
from voicebill.web.forms.ptu_link import ptu_query

PLAN = {"minutes": "10", "turns": "20", "conversations": "30000/month", "tool_calls": "6", "text_turns": "3"}
QUERY = {"plan": urlencode(PLAN), "day": DAY.isoformat()}


def by_command(*words: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["ptu", *words, "--json"])
    assert result.exit_code == 0, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def refusal(*words: str) -> str:
    result = CliRunner().invoke(app, ["ptu", *words])
    assert (result.exit_code, result.stdout) == (2, "")
    return result.stderr


def options(fields: dict[str, str]) -> list[str]:
    return [part for name, value in fields.items() for part in (f"--{name.replace('_', '-')}", value)]


def page_of(fields: dict[str, str]) -> str:
    return html.unescape(SITE.get("/ptu", params=fields).text)


@pytest.fixture
def plan_file(tmp_path: Path) -> Path:
    file = tmp_path / "plan.toml"
    lines = ['conversations = "30000/month"', "minutes = 10", "turns = 20", "tool_calls = 6", "text_turns = 3"]
    file.write_text("\n".join([*lines, f"day = {DAY}", 'model = "gpt-realtime-mini"']), encoding="utf-8")
    return file


def test_every_interface_sizes_the_same(plan_file: Path) -> None:
    """A file, options, an address, a body and a tool; only the plan's own model, which is not sized, is another in the file."""
    printed = by_command(*options(PLAN), "--day", DAY.isoformat())
    assert SITE.get("/api/ptu", params=QUERY).json() == printed
    body = {"plan": PLAN | {"minutes": 10, "turns": 20}, "day": DAY.isoformat()}
    assert SITE.post("/api/ptu", json=body).json() == printed
    tool = tools_for(ToolContext(load_facts(), lambda: DAY))["size_ptus"]
    assert (
        json.loads(json.dumps(tool.answer({"plan": PLAN, "detail": True}, ToolContext(load_facts(), lambda: DAY)))) == printed
    )
    by_file = by_command("--plan", str(plan_file))
    assert by_file["plan_load"]["realtime_model"] == "gpt-realtime-mini"
    assert by_file["ptus"] == printed["ptus"]
    assert by_file["load"] == printed["load"]
    assert f'<span class="figure">{printed["ptus"]} PTUs</span>' in page_of(QUERY)
    assert (printed["model"], printed["plan_load"]["requests"]) == (DEFAULT_TEXT_MODEL, by_file["plan_load"]["requests"])


def test_what_is_given_replaces_what_is_derived(plan_file: Path) -> None:
    load = by_command("--plan", str(plan_file))["load"]
    other = by_command("--plan", str(plan_file), "--calls-per-minute", "9", "--cache-rate", "0", "--model", "gpt-4.1")
    assert other["model"] == "gpt-4.1"
    assert other["load"] | {"calls_per_minute": "9", "cache_rate": "0"} == other["load"]
    assert other["load"]["prompt_tokens"] == load["prompt_tokens"]
    assert by_command("--plan", str(plan_file), "--turns", "30")["load"]["prompt_tokens"] != load["prompt_tokens"]
    hour = by_command("--plan", str(plan_file), "--calls-per-hour", "600", "--call-length-cv", "0")
    assert hour["load"]["calls_per_minute"] == str(600 * 26 // 60)
    assert hour["load"]["profile"] is None


def test_the_command_tells_the_plan_and_the_sums(plan_file: Path) -> None:
    result = CliRunner().invoke(app, ["ptu", "--plan", str(plan_file), "--call-length-cv", "0"])
    text = " ".join(result.stdout.split())
    assert "the text model of a pipeline (STT, LLM, TTS), from the plan: 10 minutes, 20 turns, 30,000 a month" in text
    assert "26 in a conversation × 3.86364 conversations a minute in the busy hour" in text
    assert "gpt-realtime-mini is not sized: no realtime model has PTUs." in text


def test_errors_name_the_option_or_the_plan(tmp_path: Path) -> None:
    assert "Error: --conversations is missing: how many calls are there? Give a volume, such as 30000/month, or " in refusal(
        "--minutes", "10", "--turns", "20"
    )
    assert refusal("--minutes", "10") == "Error: --turns is missing: how many turns does it have?\n"
    assert "Error: --days applies to a --plan only" in refusal("--model", "gpt-5.2", "--days", "20")
    file = tmp_path / "plan.toml"
    file.write_text("minutes = 10\nturns = 0\n", encoding="utf-8")
    assert "line 2" in refusal("--plan", str(file))
    both = refusal("--minutes", "0", "--turns", "20", "--cache-rate", "101")
    assert both.count("Error: ") == 2


@pytest.mark.parametrize(
    ("fields", "field", "text"),
    [
        ({"plan": "turns=0"}, "plan", "turns: must be between 1 and 20,000, not 0"),
        ({"plan": "conversations="}, "plan", "conversations: is missing: how many calls are there?"),
        ({"plan": "turns=5000"}, "plan", "turns: at most 1,000 turns and tool calls are possible here"),
        ({"plan": "turns=1&turns=2"}, "plan", "turns: is given more than once"),
        ({"plan": "x"}, "plan", "must be the fields of a plan, such as minutes=10&turns=20"),
        ({"plan": "minutes=10", "busy_hour_share": "2%"}, "busy_hour_share", "must be at least 4.17%"),
        ({"plan": "minutes=10", "prompt_tokens": "many"}, "prompt_tokens", "'many' is not a number"),
        ({"days": "20", "model": "gpt-5.2", "prompt_tokens": "1", "response_tokens": "1"}, "days", "applies to a plan only"),
    ],
)
def test_the_errors_of_a_request_are_at_its_fields(fields: dict[str, str], field: str, text: str) -> None:
    response = SITE.get("/api/ptu", params=fields)
    assert response.status_code == 422
    assert [(error["field"], error["detail"][: len(text)]) for error in response.json()["errors"]] == [(field, text)]
    page = SITE.get("/ptu", params=fields)
    assert page.status_code == 422
    in_words = re.sub(r"“([^”]*)”", lambda label: label[1].lower(), html.unescape(page.text))  # fields by their labels
    assert text in in_words


def test_a_body_without_fields_of_a_plan_is_refused() -> None:
    errors = SITE.post("/api/ptu", json={"plan": [1]}).json()["errors"]
    assert errors == [{"field": "plan", "detail": "must be the fields of a plan, not a list"}]
    missing = SITE.post("/api/ptu", json={"plan": {"minutes": 10}}).json()["errors"]
    assert missing == [{"field": "plan", "detail": "turns: is missing: how many turns does it have?"}]


def derived(page: str, name: str) -> str:
    """What the plan gives for a field, which is the grey text of the empty field."""
    field = re.search(rf'<input name="{name}"[^>]* value="" placeholder="([^"]*)"', page)
    assert field is not None, name
    return html.unescape(field[1])


def form_fields(page: str) -> dict[str, str]:
    """The fields of the page's form with a value, as a browser sends them."""
    inputs = dict(re.findall(r'<input[^>]* name="(\w+)"[^>]* value="([^"]*)"', page.replace("<input name", "<input  name")))
    selected = dict(re.findall(r'<select name="(\w+)".*?<option value="([^"]*)" selected>', page, re.DOTALL))
    return {name: html.unescape(value) for name, value in (inputs | selected).items()}


def test_the_page_shows_the_plan_and_its_load_in_its_fields() -> None:
    page = SITE.get("/ptu", params=QUERY).text
    answer = SITE.get("/api/ptu", params=QUERY).json()
    fields = form_fields(page)
    for name in ("calls_per_minute", "prompt_tokens"):
        assert fields[name] == ""
        assert derived(page, name).replace(",", "") == answer["load"][name]
    assert derived(page, "model") == "gpt-5.2"
    assert (fields["deployment"], fields["plan"]) == ("", QUERY["plan"])
    text = html.unescape(page)
    assert f'From <a href="/?{QUERY["plan"]}">your plan</a>: 10 minutes, 20 turns, 30,000 a month.' in text
    assert "No realtime model has PTUs, gpt-realtime-1.5 included." in text
    assert "How your plan gives this load" in text
    assert "your plan" not in SITE.get("/ptu").text


def test_a_form_sends_on_only_what_was_changed() -> None:
    """Unchanged fields are derived again, so that another text model has its own numbers; an emptied one is derived, too."""
    fields = form_fields(SITE.get("/ptu", params=QUERY).text)
    sent = fields | {"model": "gpt-4.1", "cache_rate": "", "response_tokens": "60"}
    location = SITE.post("/ptu", data=sent, follow_redirects=False).headers["location"]
    assert dict(parse_qsl(location.partition("?")[2])) == {**QUERY, "model": "gpt-4.1", "response_tokens": "60"}
    assert SITE.get(location).status_code == 200
    unchanged = SITE.post("/ptu", data=fields, follow_redirects=False).headers["location"]
    assert dict(parse_qsl(unchanged.partition("?")[2])) == QUERY


def test_a_deployment_of_the_plan_can_be_replaced_by_the_default_one() -> None:
    plan = urlencode(PLAN | {"provider": "azure", "model": "gpt-realtime", "deployment": "data-zone"})
    page = SITE.get("/ptu", params={"plan": plan}).text
    fields = form_fields(page)
    assert fields["deployment"] == ""
    assert '<option value="" selected>data-zone</option>' in page
    location = SITE.post("/ptu", data=fields | {"deployment": "global"}, follow_redirects=False).headers["location"]
    assert SITE.get(f"/api{location}").json()["deployment"] == "global"


def test_the_query_of_a_plan_leads_to_its_ptus() -> None:
    """From the fields of the first page, also those with their initial value; the text model is that of the pipeline."""
    for fields in ({}, {"minutes": "10"}, PLAN, PLAN | {"user_share": "30%", "embed": "1", "compare": "minutes=5"}):
        query = dict(parse_qsl(ptu_query(fields)))
        plan = {"minutes": "10", "turns": "20", "conversations": "1,000/month"} | {
            name: value for name, value in fields.items() if name not in ("embed", "compare")
        }
        answer = SITE.get("/api/ptu", params=query | {"day": DAY.isoformat()}).json()
        assert answer == SITE.post("/api/ptu", json={"plan": plan, "day": DAY.isoformat()}).json()
    assert dict(parse_qsl(ptu_query({"llm": "gpt-4.1"})))["model"] == "gpt-4.1"


def test_the_chart_is_that_of_the_plan() -> None:
    page = page_of(QUERY)
    address = re.search(r'href="(/chart/ptu\.svg\?[^"]*)"', page)
    assert address is not None
    assert dict(parse_qsl(address[1].partition("?")[2]))["plan"] == QUERY["plan"]
    assert SITE.get(address[1]).status_code == 200
