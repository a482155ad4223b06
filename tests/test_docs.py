"""Check that the docs name every parameter with its default, every public name, and every error."""

import gzip
import json
import re
import runpy
import shlex
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from typer.testing import CliRunner

import voicebill
from tests.web.sites import client
from voicebill.answers.parameters.capacity_schema import TARGETS_SCHEMA
from voicebill.answers.parameters.documentation import INPUT_TABLES, with_input_tables
from voicebill.answers.parameters.script_schema import SCRIPT_SCHEMA, TURN_SCHEMA
from voicebill.answers.recorded.filters import FILTER_FIELDS
from voicebill.billing.errors import VoicebillError
from voicebill.cli.app import COMMANDS, app, load_command
from voicebill.conversation.rules import PARAMETERS
from voicebill.logs.owner_names import OWNER_NAMES, PREFIXES
from voicebill.logs.read import LOG_FORMATS

DOCS = Path(__file__).parents[1] / "docs"
PAGES = (*sorted(DOCS.rglob("*.md")), *(DOCS.parent / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")))
TEXT = (DOCS / "parameters.md").read_text(encoding="utf-8")


def part(heading: str) -> str:
    """A part of the page about parameters, without its heading."""
    return re.split(r"^## ", TEXT.partition(f"\n## {heading}\n")[2], flags=re.MULTILINE)[0]


def first_cells(text: str) -> list[str]:
    """The names in the first column of a text's tables."""
    return re.findall(r"^\| `([\w-]+)` \|", text, flags=re.MULTILINE)


def test_the_tables_of_inputs_are_those_that_make_docs_writes() -> None:
    assert with_input_tables(TEXT) == TEXT, "run make docs"


def test_every_input_is_in_a_table() -> None:
    assert re.findall(r"<!-- inputs: ([a-z ]+) -->", TEXT) == list(INPUT_TABLES)
    tables = re.findall(r"(?s)<!-- inputs: ([a-z ]+) -->(.*?)<!-- end of inputs -->", TEXT)
    assert {name: first_cells(table) for name, table in tables} == {name: list(rows) for name, rows in INPUT_TABLES.items()}


def test_a_table_follows_its_inputs() -> None:
    changed = TEXT.replace("| `turns` | required |", "| `turns` | 20 |")
    assert changed != TEXT
    assert with_input_tables(changed) == TEXT


def test_every_parameter_of_break_even_is_documented() -> None:
    text = part("Connection and break-even")
    assert set(re.findall(r"^\| `--[a-z-]+`[^|]*\| ([^|]*) \|", text, flags=re.MULTILINE)) == {
        "`break_even`",
        "`alternative`, repeated",
        "`range`",
    }


def test_every_key_of_a_script_is_documented() -> None:
    text = part("Scripts")
    assert set(first_cells(text)) == set(TURN_SCHEMA)
    assert {name for name in SCRIPT_SCHEMA if f"`{name}`" not in text and f"`{name} =" not in text} <= {"turns"}


def test_every_capacity_target_is_documented() -> None:
    text = (DOCS / "capacity.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]*) \|", text, flags=re.MULTILINE))))
    assert named == {*TARGETS_SCHEMA, "call_length_cv", "call_lengths"}


def test_every_rule_is_documented() -> None:
    assert set(first_cells(part("Rules"))) == set(PARAMETERS)


def test_every_option_that_a_page_names_is_an_option_of_a_command() -> None:
    options = {option for name in COMMANDS for parameter in load_command(name).params for option in parameter.opts}
    named = {(page.name, option) for page in PAGES for option in re.findall(r"`(--[a-z][a-z-]*)", page.read_text("utf-8"))}
    assert {(page, option) for page, option in named if option not in options} == set()


def test_every_folder_and_environment_that_a_command_in_the_readme_names_is_in_a_clone() -> None:
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    folders = re.findall(r"--root ([\w/.-]+)", readme)
    assert folders
    assert [folder for folder in folders if not (DOCS.parent / folder).is_dir()] == []
    assert re.findall(r"(?<!/)\bpip install", readme) == []


def test_every_format_field_and_option_of_usage_logs_is_documented() -> None:
    text = (DOCS / "usage-logs.md").read_text(encoding="utf-8")
    formats = text.partition("## What can be read")[2].partition("## Defaults for missing values")[0]
    assert set(first_cells(formats)) == {log_format.name for log_format in LOG_FORMATS}
    named = text.partition("The fields are:")[2].partition("A condition")[0]
    assert {name.strip() for name in named.split(",")} == set(FILTER_FIELDS)


def test_the_names_of_owners_are_documented_in_their_order() -> None:
    text = (DOCS / "usage-logs.md").read_text(encoding="utf-8").partition("## Tenant, session and project")[2]
    text = text.partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", text, flags=re.MULTILINE)
    assert {field: tuple(re.findall(r"`(\w+)`", names)) for field, names in rows} == OWNER_NAMES
    prefixes = {prefix.replace(".", "_") for prefix in re.findall(r"`([a-z_.]+)\.`", text)}
    assert prefixes == set(PREFIXES)


def test_the_example_log_is_what_its_generator_writes() -> None:
    script = DOCS.parent / "benchmarks" / "support_day.py"
    kept = (DOCS / "examples" / "support-day.jsonl").read_bytes()
    assert runpy.run_path(str(script))["file_text"]().encode() == kept


def test_the_example_month_is_what_its_generator_writes() -> None:
    script = DOCS.parent / "benchmarks" / "clinic_month.py"
    for name, text in runpy.run_path(str(script))["example_texts"]().items():
        kept = (DOCS / "examples" / name).read_bytes()
        assert (gzip.decompress(kept) if name.endswith(".gz") else kept).decode() == text, (
            "run python -m benchmarks.clinic_month"
        )


def test_one_call_is_what_make_docs_computes(tmp_path: Path) -> None:
    computed = tmp_path / "one-call.md"
    made = (DOCS.parent / "Makefile").read_text(encoding="utf-8").partition("voicebill compare ")[2].partition(" --out")[0]
    result = CliRunner().invoke(app, ["compare", *shlex.split(made), "--out", str(computed)])
    assert result.exit_code == 0, result.output
    kept = (DOCS / "one-call.md").read_text(encoding="utf-8")
    assert computed.read_text(encoding="utf-8") == kept, "run make docs"


def test_every_public_name_is_on_the_page_about_python_with_an_example() -> None:
    text = (DOCS / "python.md").read_text(encoding="utf-8")
    assert set(first_cells(text)) == set(voicebill.__all__)
    examples = "".join(re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL))
    assert {name for name in voicebill.__all__ if not re.search(rf"\b{name}\b", examples)} == set()


def subclasses(kind: type) -> Iterator[type]:
    children: list[type] = kind.__subclasses__()
    for child in children:
        yield child
        yield from subclasses(child)


def test_every_error_is_on_the_page_about_errors() -> None:
    for name in (*voicebill.__all__, "web.app", "cli.app", "extras"):  # modules that define errors
        getattr(voicebill, name, None) or import_module(f"voicebill.{name}")
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    errors = {error.__name__ for error in subclasses(VoicebillError) if error.__module__.startswith("voicebill.")}
    assert {name for name in errors if f"`{name}`" not in text} == set()


def test_the_api_answers_an_invalid_value_as_the_page_about_errors_shows() -> None:
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    example = json.loads(text.partition("```json\n")[2].partition("```")[0])
    response = client().post("/api/estimate", json={"minutes": 0, "turns": 20})
    assert (response.status_code, response.json()) == (422, example)


def anchors(page: Path) -> set[str]:
    """Return the anchors that a Markdown viewer gives to a page's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page.read_text(encoding="utf-8")):
            file = page.parent / target if target else page
            assert file.exists(), f"{page.name}: {target}"
            assert not anchor or anchor in anchors(file), f"{page.name}: {target}#{anchor}"
