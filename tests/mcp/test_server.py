"""The MCP server: the answers of the command line, through the SDK's own client."""

import json
import os
import re
import sys
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from mcp.client.stdio import stdio_client
from typer.testing import CliRunner

from mcp import Client, MCPError, StdioServerParameters
from tests.bills import LOG, vendor_bill
from tests.mcp.clients import run_async
from voicebill.answers.parameters.documentation import INPUT_TABLES
from voicebill.answers.parameters.inputs import (
    CALL_VOLUME,
    CAPACITY,
    CONNECTION_COSTS,
    ESTIMATE,
    LOG_DEFAULTS,
    LOG_QUERY,
    PTU,
    SELECTION,
)
from voicebill.answers.parameters.inputs import PLAN as PLAN_INPUTS
from voicebill.answers.parameters.script_schema import SCRIPT_SCHEMA
from voicebill.cli.app import app
from voicebill.facts import load_facts
from voicebill.mcp.server import GLOSSARY_URI, PRICES_URI, create_server
from voicebill.mcp.tools import TOOLS, ToolContext

DAY = "2026-11-22"
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
PLAN = {"minutes": 6, "turns": 20, "conversations": "30000/month", "day": DAY}
CAPACITY_PLAN = {**PLAN, "provider": "azure", "model": "gpt-realtime"}
LOAD = {"model": "gpt-5.2", "deployment": "data-zone", "calls_per_minute": 1000, "prompt_tokens": 200, "response_tokens": 20}


def with_client(use: Callable[[Any], Awaitable[Any]], root: Path | None = EXAMPLES) -> Any:
    """What a client gets from a server in this process."""

    async def run() -> Any:
        async with Client(create_server(ToolContext(load_facts(), lambda: date(2026, 11, 22), root))) as client:
            return await use(client)

    return run_async(run)


def call(tool: str, arguments: dict[str, Any], root: Path | None = EXAMPLES) -> Any:
    return with_client(lambda client: client.call_tool(tool, arguments), root)


def command_line(*words: str) -> Any:
    result = CliRunner().invoke(app, [*words, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_every_tool_has_arguments_with_descriptions_and_types() -> None:
    tools = {tool.name: tool for tool in with_client(lambda client: client.list_tools()).tools}
    assert set(tools) == {
        "estimate",
        "simulate",
        "compare",
        "cost",
        "explain",
        "fit",
        "replay",
        "verify",
        "reconcile",
        "prices",
        "rules",
        "plan_capacity",
        "size_ptus",
    }
    for name in set(tools) - {"simulate"}:
        for argument, schema in tools[name].input_schema["properties"].items():
            assert schema["description"], (name, argument)
            assert {"type", "anyOf"} & set(schema) or argument == "overrides", (name, argument)
    properties = tools["estimate"].input_schema["properties"]
    assert set(ESTIMATE) < set(properties)
    assert properties["transport"]["enum"] == ["webrtc", "websocket", "sip"]
    assert properties["turns"]["anyOf"][0] == {"type": "integer", "minimum": 1, "maximum": 20_000}
    assert tools["estimate"].input_schema["required"] == ["minutes", "turns"]


def test_without_a_root_no_files_are_offered() -> None:
    tools = with_client(lambda client: client.list_tools(), root=None).tools
    assert {"cost", "explain", "fit", "replay", "verify", "reconcile"}.isdisjoint(tool.name for tool in tools)
    assert call("cost", {"path": "support-day.jsonl"}, root=None).is_error


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("estimate", PLAN, ("estimate", "--minutes", "6", "--turns", "20", "--conversations", "30000/month", "--day", DAY)),
        (
            "compare",
            {**PLAN, "provider": "openai"},
            (
                *("compare", "--minutes", "6", "--turns", "20", "--conversations", "30000/month", "--day", DAY),
                *("--provider", "openai", "--break-even", "none"),
            ),
        ),
        (
            "plan_capacity",
            CAPACITY_PLAN,
            (
                *("capacity", "--minutes", "6", "--turns", "20", "--conversations", "30000/month", "--day", DAY),
                *("--provider", "azure", "--model", "gpt-realtime"),
            ),
        ),
        (
            "size_ptus",
            {**LOAD, "day": DAY},
            (
                *("ptu", "--model", "gpt-5.2", "--deployment", "data-zone", "--calls-per-minute", "1000", "--day", DAY),
                *("--prompt-tokens", "200", "--response-tokens", "20"),
            ),
        ),
        ("rules", {"model": "gpt-realtime"}, ("rules", "gpt-realtime", "--day", DAY)),
        (
            "explain",
            {"path": "support-day.jsonl", "session": "sess_1"},
            ("explain", "support-day.jsonl", "--session", "sess_1"),
        ),
        (
            "replay",
            {"path": "support-day.jsonl", "model": "gpt-realtime-2.1", "log_provider": "openai", "day": DAY},
            ("replay", "support-day.jsonl", "--model", "gpt-realtime-2.1", "--log-provider", "openai", "--day", DAY),
        ),
        (
            "verify",
            {"path": "litellm-spend.jsonl", "where": "model = gpt-realtime-2.1"},
            ("verify", "litellm-spend.jsonl", "--where", "model = gpt-realtime-2.1"),
        ),
        (
            "cost",
            {"path": "support-day.jsonl", "by": "tenant"},
            ("cost", "support-day.jsonl", "--by", "tenant"),
        ),
        ("prices", {"model": "gpt-realtime-mini"}, ("prices", "gpt-realtime-mini", "--day", DAY)),
        ("prices", {"provider": "Azure", "day": DAY}, ("prices", "--provider", "Azure", "--day", DAY)),
    ],
)
def test_details_are_those_of_the_command_line(
    monkeypatch: pytest.MonkeyPatch, tool: str, arguments: dict[str, Any], words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(EXAMPLES)
    short, detailed = call(tool, arguments), call(tool, {**arguments, "detail": True})
    assert not short.is_error
    assert not detailed.is_error
    assert json.loads(detailed.content[0].text) == detailed.structured_content
    assert len(short.content[0].text) < len(detailed.content[0].text)
    assert set(short.structured_content) <= set(detailed.structured_content)
    absent_extras = dict.fromkeys(("pipelines", "calculator", "against")) if tool == "compare" else {}
    assert detailed.structured_content | absent_extras == command_line(*words)


def test_a_short_estimate_is_short() -> None:
    answer = call("estimate", PLAN).structured_content
    assert (
        answer["per_conversation"]["expected"]
        == command_line("estimate", "--minutes", "6", "--turns", "20", "--day", DAY)["per_conversation"]["expected"]
    )
    assert answer["assumptions"]
    assert len(json.dumps(answer)) < 3_000


def test_a_script_is_simulated() -> None:
    script = {"model": "gpt-realtime", "day": DAY, "turns": [{"user_seconds": 6, "reply_seconds": 9}]}
    assert call("simulate", script).structured_content["total"]["usage"]["audio_out"] == 180


@pytest.mark.parametrize(
    ("tool", "arguments", "fields"),
    [
        ("estimate", {"minutes": 0, "turns": "nine", "user_share": "140%"}, ["minutes", "turns", "user_share"]),
        ("estimate", {}, ["minutes", "turns"]),
        ("estimate", {**PLAN, "model": "gpt-realtme"}, ["model"]),
        ("estimate", {**PLAN, "colour": "red"}, ["colour"]),
        ("estimate", {**PLAN, "detail": "very"}, ["detail"]),
        ("plan_capacity", {**CAPACITY_PLAN, "days": 40, "turns": 0}, ["days", "turns"]),
        ("size_ptus", {**LOAD, "buy_ptus": 7, "day": DAY}, ["ptus"]),
        ("size_ptus", {"model": "gpt-5.2"}, ["prompt_tokens", "response_tokens"]),
        ("cost", {"path": "../conformance"}, ["path"]),
        ("cost", {}, ["path"]),
        ("cost", {"path": "support-day.jsonl", "by": "tenat"}, ["by"]),
        ("cost", {"path": "support-day.jsonl", "format": 5}, ["format"]),
        ("cost", {"path": "support-day.jsonl", "format": "jsonn"}, ["format"]),
        ("cost", {"path": "support-day.jsonl", "provider": "foo"}, ["provider"]),
        ("cost", {"path": "support-day.jsonl", "top": 3}, ["top"]),
        ("cost", {"path": "support-day.jsonl", "colour": "red"}, ["colour"]),
        ("explain", {}, ["path"]),
        ("verify", {"path": "support-day.jsonl"}, [None]),
        ("verify", {"path": "litellm-spend.jsonl", "tolerance": "2%%"}, ["tolerance"]),
        ("reconcile", {"path": "support-day.jsonl"}, ["bills"]),
        ("reconcile", {"path": "support-day.jsonl", "bills": 7}, ["bills"]),
        ("reconcile", {"path": "support-day.jsonl", "bills": ["../bill.csv"]}, ["bills"]),
        ("reconcile", {"path": "support-day.jsonl", "bills": "litellm-spend.jsonl"}, ["bills"]),
        ("reconcile", {"path": "support-day.jsonl", "bills": "support-day.jsonl"}, ["path"]),
        ("reconcile", {"path": "x", "bills": "y", "by": "week", "account": "team"}, ["by", "account"]),
        ("fit", {"path": "support-day.jsonl", "session": "sess_1"}, ["session"]),
        ("replay", {"path": "support-day.jsonl", "script": "prompt=1"}, ["script"]),
        ("replay", {"path": "support-day.jsonl", "model": "gpt-realtime-99"}, ["model"]),
        ("explain", {"path": "support-day.jsonl", "session": "nope"}, ["session"]),
        ("explain", {"path": "support-day.jsonl", "by": "tenant"}, ["by"]),
        ("compare", {**PLAN, "provider": "foo"}, ["provider"]),
        ("compare", {**PLAN, "deployment": "foo"}, ["deployment"]),
        ("prices", {"provider": "foo"}, ["provider"]),
        ("rules", {"provider": "foo"}, ["provider"]),
        ("rules", {"model": "gpt-realtime", "rule": "x"}, ["rule"]),
        ("nothing", {}, [None]),
    ],
)
def test_errors_name_their_arguments(tool: str, arguments: dict[str, Any], fields: list[str | None]) -> None:
    result = call(tool, arguments)
    assert result.is_error
    assert [error["field"] for error in result.structured_content["errors"]] == fields
    assert all(error["detail"] for error in result.structured_content["errors"])


@pytest.fixture
def month(tmp_path: Path) -> Path:
    """A folder with a log and its bill."""
    (tmp_path / "support-day.jsonl").write_bytes(LOG.read_bytes())
    (tmp_path / "bill.csv").write_bytes(vendor_bill())
    return tmp_path


def test_a_bill_is_reconciled_as_on_the_command_line(month: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the root the bill may be in the folder of the logs; it is none of them."""
    monkeypatch.chdir(month)
    arguments = {"path": "support-day.jsonl", "bills": ["bill.csv"], "by": "day,model"}
    short, detailed = call("reconcile", arguments, month), call("reconcile", {**arguments, "detail": True}, month)
    assert detailed.structured_content == command_line("reconcile", "support-day.jsonl", "bill.csv", "--by", "day,model")
    assert set(short.structured_content) < set(detailed.structured_content)
    causes = [(cause["names"], cause["dollars"]) for cause in short.structured_content["causes"]]
    assert causes == [(["tax"], "0.06"), (["price-change"], "-0.014832")]
    assert short.structured_content["not_explained_dollars"] == "0"
    with_folder = call("reconcile", {**arguments, "path": ".", "bills": "bill.csv"}, month)
    assert with_folder.structured_content == short.structured_content


@pytest.mark.parametrize(("tolerance", "count"), [("20%", 0), ("1%", 1)])
def test_a_difference_beyond_the_tolerance_is_the_first_warning(month: Path, tolerance: str, count: int) -> None:
    """An agent sees no exit code. 0.38838892 of 0.34322092 is 13.16% more."""
    answer = call("reconcile", {"path": ".", "bills": "bill.csv", "tolerance": tolerance}, month).structured_content
    warnings = [text for text in answer["warnings"][:1] if text.startswith("the totals differ by $0.0452 (+13.16%), more than")]
    assert len(warnings) == count


def test_an_empty_log_costs_nothing_that_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("", encoding="utf-8")
    result = call("cost", {"path": "empty.jsonl"}, root=tmp_path)
    assert (result.is_error, "the log is empty" in result.content[0].text) == (True, True)


def test_an_error_in_a_turn_names_the_turn_and_the_key() -> None:
    turns = [{"user_seconds": 1, "reply_seconds": 2}, {"user_seconds": -6, "reply_seconds": 9}]
    (error,) = call("simulate", {"model": "gpt-realtime", "day": DAY, "turns": turns}).structured_content["errors"]
    assert (error["field"], error["detail"]) == ("turns", "turns 2, user_seconds: cannot be negative: -6")


def test_the_price_book_and_the_glossary_are_resources() -> None:
    prices = with_client(lambda client: client.read_resource(PRICES_URI)).contents[0]
    assert json.loads(prices.text)["digest"] == load_facts().prices.digest
    glossary = with_client(lambda client: client.read_resource(GLOSSARY_URI)).contents[0]
    assert glossary.text.startswith("# Glossary")


def server_command(*words: str) -> StdioServerParameters:
    """The server as a command of an agent."""
    environment = {**os.environ, "VOICEBILL_HOME": os.environ.get("VOICEBILL_HOME", "")}
    return StdioServerParameters(command=sys.executable, args=["-m", "voicebill", "mcp", *words], env=environment)


def test_an_agent_starts_the_server_as_a_command() -> None:
    """Over standard input and output, in a process of its own."""

    async def run() -> Any:
        async with Client(server_command("--root", str(EXAMPLES))) as client:
            return await client.call_tool("cost", {"path": "support-day.jsonl"})

    answer = run_async(run).structured_content
    assert answer["input"]["records"] == 56
    assert answer["total"]


def test_an_unknown_resource_is_an_error_of_the_protocol_and_nothing_is_logged(tmp_path: Path) -> None:
    log = tmp_path / "stderr.txt"

    async def run() -> str:
        with log.open("w", encoding="utf-8") as errors:
            async with Client(stdio_client(server_command(), errlog=errors)) as client:
                with pytest.raises(MCPError) as caught:
                    await client.read_resource("voicebill://price")
                return caught.value.message

    assert run_async(run) == f"unknown resource voicebill://price; known: {PRICES_URI}, {GLOSSARY_URI}"
    assert log.read_text(encoding="utf-8") == ""


PAGE = (Path(__file__).parents[2] / "docs" / "mcp.md").read_text(encoding="utf-8")
LINKED_INPUTS: dict[str, set[str]] = {
    "plans": set(PLAN_INPUTS),
    "model-and-day": set(SELECTION),
    "volume": set(CALL_VOLUME),
    "connection-and-break-even": set(CONNECTION_COSTS),
    "capacity": set(CAPACITY),
    "provisioned-throughput": set(PTU),
    "usage-logs": {*LOG_DEFAULTS, *LOG_QUERY},
    "replays": set(INPUT_TABLES["replay query"]),
    "bills": set(INPUT_TABLES["reconcile query"]),
    "verification": set(INPUT_TABLES["verify query"]),
    "scripts": {name for name in SCRIPT_SCHEMA if not name.endswith("_file")},
}
"""The inputs in each part of the page about parameters, by its anchor."""


def test_the_page_lists_every_tool_with_its_arguments() -> None:
    table = PAGE.partition("## Tools\n")[2].partition("## Resources")[0]
    documented: dict[str, set[str]] = {}
    for name, cell in re.findall(r"^\| `(\w+)` \|[^|]*\| ([^|]*) \|$", table, flags=re.MULTILINE):
        names = set(re.findall(r"`(\w+)`", cell))
        for anchor in re.findall(r"parameters\.md#([\w-]+)", cell):
            names |= LINKED_INPUTS[anchor]
        for tool in names & set(documented):
            names = names - {tool} | documented[tool]
        documented[name] = names
    assert documented == {tool.name: set(tool.input_schema["properties"]) - {"detail"} for tool in TOOLS}


def test_the_page_shows_the_errors_and_resources_that_an_agent_gets() -> None:
    blocks = [json.loads(block) for block in re.findall(r"(?s)```json\n(.*?)```", PAGE)]
    result = call("estimate", {"minutes": "six", "turns": 0})
    assert result.structured_content in blocks
    resources = with_client(lambda client: client.list_resources()).resources
    assert re.findall(r"^\| `(voicebill://\w+)` \|", PAGE, flags=re.MULTILINE) == [str(row.uri) for row in resources]


def test_the_configuration_on_the_page_is_a_command_with_its_options() -> None:
    blocks = [json.loads(block) for block in re.findall(r"(?s)```json\n(.*?)```", PAGE)]
    server = blocks[0]["mcpServers"]["voicebill"]
    assert server["command"] == "voicebill"
    assert server["args"][0] == "mcp"
    options = set(re.findall(r"--[a-z]+", CliRunner().invoke(app, ["mcp", "--help"]).output))
    assert {word for word in server["args"] if word.startswith("--")} <= options
