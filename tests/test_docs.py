"""Check that the docs name every parameter with its default, every public name, and every error."""

import re
import runpy
import shlex
from collections.abc import Iterator
from dataclasses import MISSING, fields
from decimal import Decimal
from importlib import import_module
from pathlib import Path

from typer.testing import CliRunner

import voicebill
from voicebill.answers.parameters.capacity_schema import TARGETS_SCHEMA
from voicebill.answers.parameters.inputs import CONNECTION_COSTS, PLAN
from voicebill.answers.parameters.script_schema import SCRIPT_SCHEMA, TURN_SCHEMA
from voicebill.answers.recorded.filters import FILTER_FIELDS
from voicebill.billing.errors import VoicebillError
from voicebill.cli.app import app
from voicebill.conversation.plan import DEFAULT_SHARE, Plan
from voicebill.conversation.rules import PARAMETERS
from voicebill.logs.read import LOG_FORMATS

DOCS = Path(__file__).parents[1] / "docs"
PAGES = (*sorted(DOCS.rglob("*.md")), *(DOCS.parent / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")))
TEXT = (DOCS / "parameters.md").read_text(encoding="utf-8")
PLAN_PART, CONNECTION_PART, SCRIPT_PART, RULES_PART = re.split(
    r"^## (?:Connection and break-even|Scripts|Rules)$", TEXT, flags=re.MULTILINE
)


def rows(part: str) -> dict[str, str]:
    """Return the first two columns of a part's tables: parameter and default."""
    return {name: cell.strip() for name, cell in re.findall(r"^\| `(\w+)` \|([^|]*)\|", part, flags=re.MULTILINE)}


def test_every_field_of_a_plan_is_documented_with_its_default() -> None:
    documented = rows(PLAN_PART)
    for field in fields(Plan):
        default = "required" if field.default is MISSING else field.default
        if isinstance(default, bool):
            default = str(default).lower()
        if default is None or field.name == "truncation":
            assert field.name in documented
        else:
            assert documented[field.name] == str(default), field.name
    assert documented["user_share"] == documented["assistant_share"] == str(DEFAULT_SHARE) == str(Decimal("0.4"))
    truncation = {"retention_ratio": "1", "post_instructions_tokens": "none", "truncation": "auto"}
    assert {name: documented[name] for name in truncation} == truncation


def test_the_table_of_plans_names_nothing_else() -> None:
    assert set(rows(PLAN_PART)) == set(PLAN)


def test_every_parameter_of_connection_and_break_even_is_documented() -> None:
    assert set(rows(CONNECTION_PART)) == set(CONNECTION_COSTS)
    assert set(re.findall(r"^\| `--[a-z-]+`[^|]*\| ([^|]*) \|", CONNECTION_PART, flags=re.MULTILINE)) == {
        "`break_even`",
        "`alternative`, repeated",
        "`range`",
    }


def test_every_key_of_a_script_is_documented() -> None:
    assert set(rows(SCRIPT_PART)) == set(TURN_SCHEMA)
    assert {name for name in SCRIPT_SCHEMA if f"`{name}`" not in SCRIPT_PART and f"`{name} =" not in SCRIPT_PART} <= {"turns"}


def test_every_capacity_target_is_documented() -> None:
    text = (DOCS / "capacity.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]*) \|", text, flags=re.MULTILINE))))
    assert named == {*TARGETS_SCHEMA, "call_length_cv", "call_lengths"}


def test_every_rule_is_documented() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", RULES_PART, flags=re.MULTILINE)) == set(PARAMETERS)


def test_every_format_field_and_option_of_usage_logs_is_documented() -> None:
    text = (DOCS / "usage-logs.md").read_text(encoding="utf-8")
    part = text.partition("## What can be read")[2].partition("## Defaults for missing values")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", part, flags=re.MULTILINE)) == {log_format.name for log_format in LOG_FORMATS}
    named = text.partition("The fields are:")[2].partition("A condition")[0]
    assert {name.strip() for name in named.split(",")} == set(FILTER_FIELDS)


def test_the_example_log_is_what_its_generator_writes() -> None:
    script = DOCS.parent / "benchmarks" / "support_day.py"
    kept = (DOCS / "examples" / "support-day.jsonl").read_bytes()
    assert runpy.run_path(str(script))["file_text"]().encode() == kept


def test_one_call_is_what_make_docs_computes(tmp_path: Path) -> None:
    computed = tmp_path / "one-call.md"
    made = (DOCS.parent / "Makefile").read_text(encoding="utf-8").partition("voicebill compare ")[2].partition(" --out")[0]
    result = CliRunner().invoke(app, ["compare", *shlex.split(made), "--out", str(computed)])
    assert result.exit_code == 0, result.output
    kept = (DOCS / "one-call.md").read_text(encoding="utf-8")
    assert computed.read_text(encoding="utf-8") == kept, "run make docs"


def test_every_public_name_is_on_the_page_about_python() -> None:
    text = (DOCS / "python.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE)) == set(voicebill.__all__)


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
