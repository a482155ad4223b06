"""Names from logs, files and requests are shown as text in every medium, whatever they contain."""

import ast
import csv
import io
import json
import logging
import re
import sys
from collections.abc import Iterator
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from rich.text import Text

from mcp import Client
from tests.cases import DAY
from tests.cli.invoke import run
from tests.mcp.clients import run_async
from tests.price_tables import azure_item, azure_page, save
from tests.web.sites import client
from voicebill.answers.escaping import csv_text, json_text, visible_text
from voicebill.cli.commands.prices import KIND_CHOICES
from voicebill.cli.display import terminal
from voicebill.cli.display.plain_lines import PlainFormatter
from voicebill.facts import load_facts
from voicebill.mcp.server import create_server
from voicebill.mcp.tools import ToolContext

HOSTILE = '=1+1\x1b[2k\x1b]0;t\x07\x9b31m\u202ecod\u2066\x7f\r[/b]:smile:<a href="javascript:x()">y</a>\\(x^2\\)|[z](w)'
"""A terminal's sequences, marks of direction, and the markup of Rich, HTML, charts, Markdown and spreadsheets."""
SHOWN = "\\x1b[2k\\x1b]0;t\\x07\\x9b31m\\u202ecod\\u2066\\x7f\\r[/b]"
INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
COMMANDS = Path(sys.modules["voicebill.cli"].__path__[0])
CALL = ("--minutes", "3", "--turns", "6", "--day", DAY.isoformat())

USAGE = {"input_tokens": 55, "output_tokens": 0, "input_token_details": {"text_tokens": 55}}
FIELDS = ("tenant", "project", "session_id", "model", "provider", "deployment", "region", "tier")


def log_line(key: str, **fields: Any) -> str:
    response = {"id": key, "status": "completed", "usage": USAGE}
    common = {"session_id": "s", "model": "gpt-realtime-1.5", "time": "2026-11-20T10:00:00Z"}
    return json.dumps({**common, **fields, "event": {"type": "response.done", "response": response}})


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of which each line has the hostile name in another field, and one is no JSON."""
    file = tmp_path / f"usage{HOSTILE.replace('/', '')}.jsonl"
    lines = [log_line(f"resp_{name}", **{name: HOSTILE}) for name in FIELDS]
    lines += [log_line(HOSTILE, tenant="acme"), f'{{"type":"response.done","response":{{"id":5, "x":"{HOSTILE}"']
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


@pytest.fixture
def price_file(tmp_path: Path) -> Path:
    """An own price file whose texts all have the hostile name."""
    name = json.dumps(HOSTILE).replace("\x7f", "\\u007f")
    values = {
        "user_audio_ms_per_token": "40",
        "reply_audio_ms_per_token": "40",
        "history": '"keep-all"',
        "caches_input": "true",
        "bills_silence": "false",
        "transcript_output": '"none"',
    }
    rules = "".join(f'[[rules]]\nparameter = "{parameter}"\nvalue = {value}\n' for parameter, value in values.items())
    file = tmp_path / f"prices{HOSTILE.replace('/', '')}.toml"
    file.write_text(
        f"""
provider = {name}
checked = 2026-11-01
sources = [{name}]
name = {name}
title = {name}
evidence = "assumed"
basis = {name}
[aliases]
nickname = {name}
[[offers]]
model = {name}
kind = "realtime"
[[offers.prices]]
since = "2026-01"
confidence = "low"
note = {name}
usd = {{ text_in = 4, text_in_cached = 0.4, text_out = 16, audio_in = 32, audio_in_cached = 0.4, audio_out = 64 }}
[[adjustments]]
name = {name}
factor = 0.5
providers = [{name}]
since = 2026-11-01
[[mechanics]]
title = {name}
billing = {name}
usage_reports = "none"
limits = {name}
unpublished = [{name}]
{rules}
""",
        encoding="utf-8",
    )
    return file


def is_plain(text: str) -> bool:
    """Whether a text contains no invisible character, apart from line breaks and tabs."""
    return INVISIBLE.search(text) is None


def outputs_of_commands(log: Path, price_file: Path, folder: Path) -> Iterator[tuple[str, ...]]:
    ledger = folder / f"ledger{HOSTILE.replace('/', '')}"
    own = ("--prices", str(price_file))
    model = (*own, "--provider", HOSTILE, "--model", HOSTILE)
    yield "cost", str(log)
    yield "cost", str(log), *own
    for field in ("tenant", "project", "session", "model", "provider", "deployment", "region", "tier", "source", "offer"):
        yield "cost", str(log), "--by", f"{field},day", *own
    yield "cost", str(log), "--by", "tenant", "--json"
    yield "cost", str(log), "--alias", f"{HOSTILE}=gpt-realtime"
    yield "cost", str(log), "--where", f"tenant == {HOSTILE!r}"
    yield "record", str(log), "--ledger", str(ledger)
    yield "record", str(log), "--ledger", str(ledger), "--json"
    yield "record", "--check", "--ledger", str(ledger)
    yield "cost", "--ledger", str(ledger), "--by", "tenant"
    yield "cost", "--ledger", str(folder / HOSTILE)
    for command in ("estimate", "compare", "simulate"):
        yield command, *CALL, *model
        yield command, *CALL, *model, "--json"
    yield "compare", *CALL, *own, "--break-even", "minutes"
    yield "compare", *CALL, *own, "--stack", HOSTILE
    yield "capacity", *CALL, *model, "--calls-per-hour", "90"
    yield "prices", "--check", str(price_file)
    yield "prices", "--check", str(log)
    yield "prices", "--against", str(save(folder, azure_page(azure_item(f"tts {HOSTILE}", 1), azure_item(HOSTILE, -1))))
    yield "prices", "--against", str(folder / HOSTILE)
    yield "init", str(folder / f"plan{HOSTILE.replace('/', '')}.toml")
    yield "rules", "--model", HOSTILE
    for kind in KIND_CHOICES[:2]:
        yield "prices", HOSTILE, "--kind", kind
    for option in ("--turns", "--model", "--provider", "--region", "--day", "--plan", "--prices", "--set-rule", HOSTILE):
        yield "estimate", *CALL, option, HOSTILE
    yield "ptu", "--model", HOSTILE, "--calls-per-minute", "9", "--prompt-tokens", "9", "--response-tokens", "9"
    yield "estimate", HOSTILE
    yield HOSTILE, "estimate"
    yield f"--{HOSTILE}", "estimate"
    yield "cost", str(folder / HOSTILE)
    yield "serve", "--host", HOSTILE
    yield "mcp", "--root", HOSTILE


@pytest.mark.parametrize("color", [False, True])
def test_no_command_prints_what_a_terminal_would_obey(
    log: Path, price_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, color: bool
) -> None:
    if color:
        monkeypatch.setenv("FORCE_COLOR", "1")
    shown = 0
    for words in outputs_of_commands(log, price_file, tmp_path):
        result = run(*words)
        assert isinstance(result.exception, SystemExit | None), (words, result.exception)
        text = re.sub(r"\x1b\[[\d;]*m", "", result.output) if color else result.output
        assert is_plain(text), (words, INVISIBLE.findall(text))
        shown += "\\x1b" in text or "\\u001b" in text
    assert shown > 30


def test_prices_of_ones_own_are_listed_as_text(price_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    price_file.rename(home / "own.toml")
    monkeypatch.setenv("VOICEBILL_HOME", str(home))
    for words in ((), (HOSTILE,), ("--json",)):
        result = run("prices", *words, "--day", DAY.isoformat())
        assert result.exit_code == 0, result.output
        assert "\\u202ecod" in result.output
        assert is_plain(result.output)


def test_no_file_that_is_written_contains_a_formula_or_a_link(log: Path, price_file: Path, tmp_path: Path) -> None:
    table, document, picture = tmp_path / "costs.csv", tmp_path / "alternatives.md", tmp_path / "costs.svg"
    own = ("--prices", str(price_file))
    assert run("cost", str(log), "--by", "tenant", "--out", str(table), "--save-chart", str(picture)).exit_code == 0
    rows = list(csv.DictReader(io.StringIO(table.read_bytes().decode())))
    assert [row["tenant"] for row in rows if row["tenant"].startswith(f"'=1+1{SHOWN}")]
    assert is_plain(table.read_text(encoding="utf-8"))
    assert run("cost", str(log), *own, "--out", str(table)).exit_code == 0
    assert is_plain(table.read_text(encoding="utf-8"))
    assert not re.search(r'(^|,)"?[=+@]', table.read_text(encoding="utf-8"), re.MULTILINE)
    assert_plain_picture(picture.read_text(encoding="utf-8"))
    for command, suffix in product(("compare", "estimate"), (".csv", ".md", ".html")):
        file = document.with_suffix(suffix)
        provider = ("--provider", HOSTILE) if command == "estimate" else ()
        result = run(command, *CALL, *own, *provider, "--model", HOSTILE, "--out", str(file))
        assert result.exit_code == 0, result.output
        text = file.read_text(encoding="utf-8")
        assert is_plain(text)
        if suffix == ".html":
            assert "<a " not in text
        if suffix == ".md":
            assert visible_text(HOSTILE).partition("|")[0].replace("\\", "\\\\").replace("[", "\\[").split("]")[0] in text
            assert not re.search(r"(?<!\\)\]\(|<", text)


def assert_plain_picture(svg: str) -> None:
    """Assert that a chart has the hostile name as text, and no link."""
    assert is_plain(svg)
    root = ElementTree.fromstring(svg)
    assert not [element for element in root.iter() if element.tag.endswith("}a")]
    assert "javascript:x()" in "".join(root.itertext())


def test_every_page_and_answer_of_the_site_shows_names_as_text(log: Path, price_file: Path) -> None:
    site = client(facts=load_facts(price_file))
    content = log.read_bytes()
    plan = {"minutes": "3", "turns": "6", "model": HOSTILE, "provider": HOSTILE}
    pages = [
        site.get(path, params=plan)
        for path in ("/", "/answer", "/why", "/compare", "/capacity", "/capacity/answer", "/export.csv")
    ]
    pages += [site.get(path) for path in ("/prices", f"/prices/{quote(HOSTILE)}", "/rules", "/ptu", "/learn")]
    pages += [site.get("/", params={"turns": HOSTILE}), site.get(f"/{quote(HOSTILE)}", headers={"accept": "text/html"})]
    for field in FIELDS:
        name = field.removesuffix("_id")
        pages.append(site.post("/cost", data={"by": name}, files={"log": ("usage.jsonl", content)}))
    pages.append(site.post("/cost", data={"where": HOSTILE}, files={"log": (HOSTILE, content)}))
    answers = [site.post("/api/cost", params={"by": name}, content=content) for name in ("tenant", "model", "nothing\x9b")]
    answers += [site.get("/api/compare", params=plan), site.post("/api/estimate", json={"turns": HOSTILE})]
    answers += [site.get("/api/prices"), site.get("/api/estimate", params=plan), site.get(f"/{quote(HOSTILE)}")]
    shown = 0
    for response in (*pages, *answers):
        assert response.status_code != 500
        assert is_plain(response.text.replace("\r\n", "\n")), (response.url, INVISIBLE.findall(response.text))
        shown += "u202ecod" in response.text
        if response.headers["content-type"].startswith("text/html"):
            assert '<a href="javascript' not in response.text
    assert shown > 15
    for name in ("turns", "offers"):
        picture = site.get(f"/chart/{name}.svg", params=plan)
        assert picture.status_code == 200
        assert_plain_picture(picture.text)


def test_the_tools_for_agents_write_names_as_text(log: Path, price_file: Path) -> None:
    async def texts() -> list[str]:
        async with Client(create_server(ToolContext(load_facts(price_file), lambda: DAY, log.parent))) as agent:
            calls: list[tuple[str, dict[str, Any]]] = [
                ("cost", {"path": log.name, "by": "tenant", "detail": True}),
                ("cost", {"path": HOSTILE}),
                ("estimate", {"minutes": 3, "turns": 6, "model": HOSTILE, "provider": HOSTILE}),
                ("estimate", {"minutes": 3, "turns": HOSTILE}),
                ("prices", {}),
                (HOSTILE, {}),
            ]
            results: list[Any] = [await agent.call_tool(name, arguments) for name, arguments in calls]
            return [result.content[0].text for result in results]

    for text in run_async(texts):
        assert is_plain(text)
        assert "202ecod" in text or "root" in text


def test_the_log_of_a_server_has_a_line_for_each_message() -> None:
    error = ValueError(f"no price of {HOSTILE}")
    record = logging.LogRecord(
        "voicebill.access", logging.ERROR, "file", 1, "GET %s\n200", (HOSTILE,), (ValueError, error, None)
    )
    first, *traceback = PlainFormatter("%(message)s").format(record).split("\n")
    assert first == f"GET {visible_text(HOSTILE)}\\n200"
    assert traceback == [f"ValueError: no price of {visible_text(HOSTILE)}"]


def test_styles_remain_where_a_text_has_invisible_characters() -> None:
    out = terminal.PlainConsole(file=io.StringIO(), force_terminal=True, color_system="standard", width=40)
    out.print(Text.assemble(("a\x1b", "bold"), "b\x9b"))
    assert isinstance(out.file, io.StringIO)
    assert re.sub(r"(\x1b\[\d*m)+", "*", out.file.getvalue()) == "*a*\\x1b*b\\x9b\n"


@pytest.mark.parametrize("file", sorted(COMMANDS.rglob("*.py")), ids=lambda file: file.relative_to(COMMANDS).as_posix())
def test_commands_print_through_the_display_only(file: Path) -> None:
    """Whatever writes to a terminal elsewhere would have to escape by itself."""
    if file.parent.name == "display" or file == COMMANDS / "__init__.py":
        return
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    functions = [ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)]
    assert not [name for name in functions if name == "print" or name.startswith(("typer.echo", "typer.secho", "sys.std"))]


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30 1", "'+49 30 1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("-1+cmd|' /C calc'!A0", "'-1+cmd|' /C calc'!A0"),
        ("\t=1", "\\t=1"),
        ("\r=1", "\\r=1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        (" =1", "' =1"),
        ("a;=1", "a;'=1"),
        ("-0.5", "-0.5"),
        (Decimal("-0.5"), "-0.5"),
        (Decimal("1E-12"), "0.000000000001"),
        (-3, "-3"),
        (None, ""),
        ("acme", "acme"),
        ("a=b", "a=b"),
    ],
)
def test_a_cell_is_never_a_formula_and_a_number_stays_a_number(cell: Any, written: str) -> None:
    assert csv_text([[cell, "end"]]) == f"{written},end\n"


def test_json_has_other_escapes_for_the_same_texts() -> None:
    names = {HOSTILE: [HOSTILE, "\udcff", "\U000e0041", 1, None]}
    for indent in (None, 2):
        text = json_text(names, indent=indent)
        assert is_plain(text)
        assert text.isprintable() or indent
        assert json.loads(text) == names
        assert text.encode()
