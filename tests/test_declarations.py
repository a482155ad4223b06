"""One declaration per input: a new row appears in every interface, and every interface reads the same question alike."""

import json
import re
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from mcp import Client
from tests.cases import DAY
from tests.mcp.clients import run_async
from tests.web.sites import SITE
from voicebill.answers.estimates.estimate import estimate
from voicebill.answers.parameters import kinds
from voicebill.answers.parameters.inputs import ESTIMATE, PLAN, SPEECH, Input, Inputs
from voicebill.answers.parameters.json_schema import input_json_schema
from voicebill.answers.parameters.plan_schema import input_schema
from voicebill.answers.parameters.request import parse_estimate_request
from voicebill.answers.parameters.table_schema import Issue, read_table
from voicebill.billing.money import format_amount, format_dollars
from voicebill.cli.app import app
from voicebill.cli.options.inputs import option_name, takes_inputs
from voicebill.facts import load_facts
from voicebill.mcp.server import create_server
from voicebill.mcp.tools import ToolContext
from voicebill.web.forms.fields import form_groups
from voicebill.web.openapi import input_parameters

INVENTED = Input(
    name="noise_share",
    label="Background noise",
    help="Share of the time with background noise",
    kind=kinds.SHARE,
    group=SPEECH,
    default=Decimal("0.1"),
    example="20%",
    meaning="assumed: an office",
)


def invented_inputs() -> Inputs:
    return {**PLAN, INVENTED.name: INVENTED}


def test_a_new_row_is_a_key_of_files_and_bodies() -> None:
    issues: list[Issue] = []
    schema = input_schema(invented_inputs().values())
    assert read_table({"noise_share": "20%"}, schema, issues)["noise_share"] == Decimal("0.2")
    assert not issues
    read_table({"noise_share": "much"}, schema, issues)
    assert [(issue.path, "not a share" in issue.message) for issue in issues] == [(("noise_share",), True)]


def test_a_new_row_is_an_option_with_help() -> None:
    tables: list[Any] = []

    @takes_inputs("table", invented_inputs())
    def command(table: dict[str, Any]) -> None:
        tables.append(table)

    single = typer.Typer()
    single.command()(command)
    shown = " ".join(re.sub(r"[│─╭╮╰╯]", " ", CliRunner().invoke(single, ["--help"]).output).split())
    assert "--noise-share SHARE Share of the time with background noise. (default: 10%)" in shown
    assert CliRunner().invoke(single, ["--noise-share", "20%"]).exit_code == 0
    assert tables == [{"noise_share": "20%"}]


def test_a_new_row_is_a_field_of_the_form() -> None:
    group = next(group for group in form_groups(invented_inputs().values()) if group.title == SPEECH)
    field = next(field for field in group.fields if field.name == "noise_share")
    assert (field.label, field.hint, field.placeholder, field.input_mode) == (
        "Background noise",
        "Share of the time with background noise",
        "10%",
        "decimal",
    )


def test_a_new_row_is_a_parameter_of_the_api_and_an_argument_of_tools() -> None:
    parameter = next(row for row in input_parameters(invented_inputs()) if row["name"] == "noise_share")
    assert parameter["description"] == "Share of the time with background noise. (default: 10%)"
    assert (parameter["schema"]["anyOf"][0], parameter["example"]) == ({"type": "number"}, "20%")
    schema = input_json_schema(invented_inputs())["properties"]["noise_share"]
    assert schema["anyOf"][0] == {"type": "number"}
    assert (schema["description"], schema["examples"]) == (parameter["description"], ["20%"])


# --- one question, asked everywhere ------------------------------------------------------------------------------------

TEXTS: dict[str, st.SearchStrategy[str]] = {
    "minutes": st.sampled_from(["10", "5 min", "90s", "1.5h", "0", "-3", "ten", "99999"]),
    "turns": st.sampled_from(["5", "0.004k", "1,5", "0", "3.5", "20,001"]),  # within the limits of the site
    "user_share": st.sampled_from(["40", "0.4", "40%", "0.5%", "101", "1.5", "-1"]),
    "instructions_tokens": st.sampled_from(["1,000", "1.5k", "2m", "11m", "x"]),
    "interrupted_share": st.sampled_from(["10%", "1", "0"]),
    "played_share": st.sampled_from(["30", "0", "100%"]),
    "first_speaker": st.sampled_from(["user", "Assistant", "nobody"]),
    "transport": st.sampled_from(["webrtc", "SIP", "carrier pigeon"]),
    "warm_cache": st.just("true"),
    "session_minutes": st.sampled_from(["30", "1h", "0", "2.5"]),
    "truncation": st.sampled_from(["auto", "disabled", "off"]),
    "retention_ratio": st.sampled_from(["80%", "0.8"]),
    "conversations": st.sampled_from(["1000", "1000/month", "50 per day", "3/fortnight"]),
    "call_length_cv": st.sampled_from(["0.5", "6"]),
    "model": st.sampled_from(["gpt-realtime", "gpt-realtime-mini", "gpt-realtme"]),
    "provider": st.sampled_from(["openai", "azure", "aws"]),
    "carrier_per_minute": st.sampled_from(["0.01", "2000"]),
}
QUESTIONS = st.fixed_dictionaries(
    {name: TEXTS[name] for name in ("minutes", "turns")},
    optional={name: strategy for name, strategy in TEXTS.items() if name not in ("minutes", "turns")},
)
SENTENCES = {"period": "conversations", "instructions": "instructions_tokens", "turn": "turns"}
"""The field of an error by the first word of a message that does not name it."""

Outcome = tuple[str | None, frozenset[str]]
"""The expected dollars of a conversation, or the fields at fault."""


def in_python(question: dict[str, str]) -> Outcome:
    issues: list[Issue] = []
    request = parse_estimate_request({**question, "day": DAY}, today=DAY, issues=issues)
    if request is None:
        return None, frozenset(str(issue.path[0]) for issue in issues)
    try:
        answer = estimate(request.plan, request.selection, load_facts(), request.volume, request.lengths)
    except Exception as error:
        return None, frozenset({str(getattr(error, "field", type(error)))})
    return format_dollars(answer.per_conversation.expected), frozenset()


def on_the_command_line(question: dict[str, str]) -> Outcome:
    words = [word for name, value in question.items() for word in _option(name, value)]
    result = CliRunner().invoke(app, ["estimate", *words, "--day", DAY.isoformat(), "--json"])
    return _command_outcome(result)


def _option(name: str, value: str) -> list[str]:
    return [option_name(name)] if name == "warm_cache" else [option_name(name), value]


def _command_outcome(result: Any) -> Outcome:
    if result.exit_code == 0:
        return json.loads(result.stdout)["per_conversation"]["expected"], frozenset()
    assert result.exit_code == 2
    names = {option_name(name): name for name in ESTIMATE}
    options = {names[word] for word in re.findall(r"^Error: (--[a-z-]+)", result.stderr, re.MULTILINE)}
    sentences = re.findall(r"^Error: (?:\S+plan.toml, line \d+: )?(?:unknown )?(\w+)", result.stderr, re.MULTILINE)
    return None, frozenset(options | {SENTENCES.get(word, word) for word in sentences})


def in_a_plan_file(question: dict[str, str], folder: Path) -> Outcome:
    lines = [f"{name} = {'true' if name == 'warm_cache' else json.dumps(value)}" for name, value in question.items()]
    file = folder / "plan.toml"
    file.write_text("\n".join([*lines, f"day = {DAY}"]))
    result = CliRunner().invoke(app, ["estimate", "--plan", str(file), "--json"])
    if result.exit_code == 2 and re.search(r" has \d+ errors?:", result.stderr):
        words = re.findall(r"^  line \d+: (?:unknown )?(\w+)", result.stderr, re.MULTILINE)
        return None, frozenset(SENTENCES.get(word, word) for word in words)
    return _command_outcome(result)


def over_http(question: dict[str, str], *, in_body: bool) -> Outcome:
    fields = {**question, "day": DAY.isoformat()}
    response = SITE.post("/api/estimate", json=fields) if in_body else SITE.get("/api/estimate", params=fields)
    if response.status_code == 200:
        return response.json()["per_conversation"]["expected"], frozenset()
    assert response.status_code == 422
    return None, frozenset(str(error["field"]) for error in response.json()["errors"])


def by_an_agent(question: dict[str, str]) -> Outcome:
    async def run() -> Any:
        async with Client(create_server(ToolContext(load_facts(), lambda: date(2026, 11, 22)))) as client:
            return await client.call_tool("estimate", {**question, "day": DAY.isoformat()})

    result = run_async(run)
    if result.is_error:
        return None, frozenset(str(error["field"]) for error in result.structured_content["errors"])
    return result.structured_content["per_conversation"]["expected"], frozenset()


@given(QUESTIONS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_interface_gives_the_same_answer_or_the_same_faults(tmp_path: Path, question: dict[str, str]) -> None:
    expected = in_python(question)
    assert on_the_command_line(question) == expected
    assert in_a_plan_file(question, tmp_path) == expected
    assert over_http(question, in_body=False) == over_http(question, in_body=True) == expected
    assert by_an_agent(question) == expected
    page = SITE.get("/", params={**question, "day": DAY.isoformat()})
    if expected[0] is None:
        assert page.status_code == 422
        assert all(f'id="f-{field}"' in page.text for field in expected[1])
    else:
        assert format_amount(Fraction(expected[0]) * 10**12) in page.text


@pytest.mark.parametrize("name", PLAN)
def test_every_row_of_a_plan_can_be_given_on_its_own(name: str) -> None:
    row = PLAN[name]
    assert row.help
    assert not row.help.endswith(".")
    if row.example:
        row.read(row.example)
