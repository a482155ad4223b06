"""The docs name every parameter, with the default that it has."""

import re
import runpy
import shlex
from dataclasses import MISSING, fields
from decimal import Decimal
from pathlib import Path

from typer.testing import CliRunner

from voicebill.answers.capacity_schema import TARGETS_SCHEMA
from voicebill.answers.filters import FILTER_FIELDS
from voicebill.answers.plan_schema import CONNECTION_SCHEMA
from voicebill.answers.script_schema import SCRIPT_SCHEMA, TURN_SCHEMA
from voicebill.cli import app
from voicebill.cli.plan_options import PLAN_PARAMETERS as OPTIONS
from voicebill.conversation.plan import DEFAULT_SHARE, Plan
from voicebill.conversation.rules import PARAMETERS
from voicebill.logs.read import LOG_FORMATS

DOCS = Path(__file__).parents[1] / "docs"
TEXT = (DOCS / "parameters.md").read_text(encoding="utf-8")
PLAN_PART, CONNECTION_PART, SCRIPT_PART, RULES_PART = re.split(
    r"^## (?:Connection[^\n]*|A script|The rules)", TEXT, flags=re.MULTILINE
)


def rows(part: str) -> dict[str, str]:
    """The first two columns of a part's table."""
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


def test_the_plans_table_names_nothing_else() -> None:
    files = {"plan_file", "instructions_file", "tools_file"}
    assert set(rows(PLAN_PART)) == {option.name for option in OPTIONS} - files


def test_everything_that_is_asked_of_the_way_and_of_a_ranking_is_documented() -> None:
    assert set(rows(CONNECTION_PART)) == set(CONNECTION_SCHEMA)
    assert set(re.findall(r"^\| `--[a-z-]+`[^|]*\| ([^|]*) \|", CONNECTION_PART, flags=re.MULTILINE)) == {
        "`break_even`",
        "`alternative`, repeated",
        "`range`",
    }


def test_every_key_of_a_script_is_documented() -> None:
    assert set(rows(SCRIPT_PART)) == set(TURN_SCHEMA)
    assert {name for name in SCRIPT_SCHEMA if f"`{name}`" not in SCRIPT_PART and f"`{name} =" not in SCRIPT_PART} <= {"turns"}


def test_everything_that_is_asked_of_a_capacity_is_documented() -> None:
    text = (DOCS / "capacity.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]*) \|", text, flags=re.MULTILINE))))
    assert named == {*TARGETS_SCHEMA, "call_length_cv", "call_lengths"}


def test_every_rule_is_documented() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", RULES_PART, flags=re.MULTILINE)) == set(PARAMETERS)


def test_every_format_field_and_option_of_usage_logs_is_documented() -> None:
    text = (DOCS / "usage-logs.md").read_text(encoding="utf-8")
    part = text.partition("## What can be read")[2].partition("## Where a log")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", part, flags=re.MULTILINE)) == {log_format.name for log_format in LOG_FORMATS}
    named = text.partition("the dearest groups and all others as one:")[2].partition("A condition")[0]
    assert {name.strip() for name in named.split(",")} == set(FILTER_FIELDS)


def test_the_example_log_is_what_its_generator_writes() -> None:
    script = DOCS.parent / "benchmarks" / "support_day.py"
    kept = (DOCS / "examples" / "support-day.jsonl").read_bytes()
    assert runpy.run_path(str(script))["file_text"]().encode() == kept


def test_the_table_of_every_way_is_what_make_docs_computes(tmp_path: Path) -> None:
    computed = tmp_path / "one-call.md"
    made = (DOCS.parent / "Makefile").read_text(encoding="utf-8").partition("voicebill compare ")[2].partition(" --out")[0]
    result = CliRunner().invoke(app, ["compare", *shlex.split(made), "--out", str(computed)])
    assert result.exit_code == 0, result.output
    kept = (DOCS / "one-call.md").read_text(encoding="utf-8")
    assert computed.read_text(encoding="utf-8") == kept, "make docs computes it anew"


def test_links_lead_somewhere() -> None:
    for file in (*DOCS.glob("*.md"), DOCS.parent / "README.md", DOCS.parent / "CONTRIBUTING.md"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", file.read_text(encoding="utf-8")):
            assert (file.parent / target).exists(), f"{file.name}: {target}"
