"""Prices of $0 come from files and discounts of one's own alone, and every answer that uses one says so."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cases import DAY
from tests.cli import invoke
from tests.web.sites import client
from voicebill.facts import load_facts
from voicebill.mcp.tools import TOOLS, ToolContext

TOP = 'checked = 2026-11-01\nsources = ["our contract"]\n'
CALL = ("--minutes", "3", "--turns", "6", "--day", DAY.isoformat())
PLAN = {"minutes": 3, "turns": 6, "day": DAY.isoformat()}
DISCOUNTS = "".join(
    f'[[adjustments]]\nname = "discount {number}"\nfactor = 0.000001\nsince = 2026-01-01\n' for number in range(4)
)
"""Each is a price a million times lower: of $64 all of them leave less than the twelve decimals of a price."""
FREE = "costs $0 by your prices and discounts: check them, unless it is free for you"
LOAD = ("--calls-per-minute", "9", "--prompt-tokens", "90", "--response-tokens", "9", "--day", DAY.isoformat())


def price_file(folder: Path, content: str) -> Path:
    file = folder / "own.toml"
    file.write_text(TOP + content, encoding="utf-8")
    return file


def log_file(folder: Path, model: str) -> Path:
    file = folder / "usage.jsonl"
    usage = {"input_tokens": 55, "output_tokens": 0, "input_token_details": {"text_tokens": 55}}
    file.write_text(json.dumps({"type": "response.done", "model": model, "response": {"id": "r1", "usage": usage}}))
    return file


def warnings_in(document: object) -> list[str]:
    """All warnings in a JSON document, at any depth."""
    if isinstance(document, list):
        return [text for item in document for text in warnings_in(item)]
    if not isinstance(document, dict):
        return []
    own = document.get("warnings", [])
    return [*own, *(text for name, item in document.items() if name != "warnings" for text in warnings_in(item))]


@pytest.fixture
def discounts(tmp_path: Path) -> Path:
    return price_file(tmp_path, DISCOUNTS)


def commands(log: Path) -> dict[str, tuple[str, ...]]:
    return {
        "estimate": ("estimate", *CALL),
        "simulate": ("simulate", "docs/examples/support-call.toml"),
        "compare": ("compare", *CALL),
        "capacity": ("capacity", *CALL, "--calls-per-hour", "9"),
        "cost": ("cost", str(log), "--day", DAY.isoformat()),
        "ptu": ("ptu", "--model", "gpt-5.2", *LOAD),
    }


@pytest.mark.parametrize("name", ["estimate", "simulate", "compare", "capacity", "cost", "ptu"])
def test_discounts_that_round_a_price_to_nothing_are_warned_of(name: str, discounts: Path) -> None:
    words = commands(log_file(discounts.parent, "gpt-realtime-1.5"))[name]
    own, listed = invoke.answer(*words, "--prices", str(discounts)), invoke.answer(*words)
    assert any(text.endswith(FREE) for text in warnings_in(own))
    assert not any("costs $0" in text for text in warnings_in(listed))
    printed = " ".join(invoke.run(*words, "--prices", str(discounts)).stdout.split())
    assert FREE in printed


def test_a_carrier_and_units_that_cost_nothing_are_warned_of(tmp_path: Path) -> None:
    units = '[[provisioned_hours]]\ndeployment = "global"\nplace = "here"\nsince = "2026-11-01"\nusd = 0\nis_default = true\n'
    file = price_file(tmp_path, DISCOUNTS + units)
    carrier = ("--carrier", "twilio/voice-inbound-us-local", "--transport", "sip")
    connection = invoke.answer("estimate", *CALL, *carrier, "--prices", str(file))["connection"]
    assert f"voice-inbound-us-local {FREE}" in connection["warnings"]
    sizing = invoke.answer("ptu", "--model", "gpt-5.2", *LOAD, "--prices", str(file))
    assert "units by the hour cost $0 by your prices: check them, unless they are free for you" in sizing["warnings"]


OWN = """
[[offers]]
provider = "openai"
model = "parrot"
kind = "realtime"
[[offers.prices]]
since = 2026-01-01
usd = {{ text_in = {text_in}, text_out = 16, audio_in = {audio_in}, audio_out = 64 }}
"""


@pytest.mark.parametrize(
    ("text_in", "audio_in", "warning"),
    [
        ("0", "32", "parrot costs $0 for text in by your"),
        ("0", "0", "parrot costs $0 for text in; audio in by your"),
        ("0.0000004", "0", "parrot costs almost $0 for text in; audio in by your"),
        ("0.000001", "32", None),
    ],
)
def test_an_offer_of_ones_own_names_its_meters_that_cost_nothing(
    text_in: str, audio_in: str, warning: str | None, tmp_path: Path
) -> None:
    file = price_file(tmp_path, OWN.format(text_in=text_in, audio_in=audio_in))
    quote = load_facts(file).prices.quote("parrot", day=DAY, provider="openai")
    expected = [f"{warning} prices and discounts: check them, unless it is free for you"] if warning else []
    assert [text for text in quote.warnings if "$0" in text] == expected
    answer = invoke.answer("estimate", *CALL, "--prices", str(file), "--model", "parrot", "--provider", "openai")
    assert [text for text in answer["warnings"] if " $0 " in text] == expected


def test_the_site_and_the_tools_for_agents_warn_of_them(discounts: Path) -> None:
    facts = load_facts(discounts)
    site = client(facts=facts)
    assert FREE in site.get("/answer", params={"minutes": 3, "turns": 6}).text
    assert FREE in site.get("/compare", params={"minutes": 3, "turns": 6}).text
    assert any(text.endswith(FREE) for text in site.get("/api/estimate", params={"minutes": 3, "turns": 6}).json()["warnings"])
    tools: dict[str, Any] = {tool.name: tool for tool in TOOLS}
    answer = tools["estimate"].answer(PLAN, ToolContext(facts, lambda: DAY))
    assert any(text.endswith(FREE) for text in answer["warnings"])


def test_the_list_of_alternatives_in_markdown_warns_of_them(discounts: Path) -> None:
    file = discounts.with_name("alternatives.md")
    assert invoke.run("compare", *CALL, "--prices", str(discounts), "--out", str(file)).exit_code == 0
    assert f"- gpt-realtime-2025-08-28 {FREE}" in file.read_text(encoding="utf-8")
