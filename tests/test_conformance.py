"""The conformance suite in docs/conformance: every case costs what its written sum says, by every path there is."""

import json
import re
import subprocess
import tomllib
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.cases import case_name, long_but, micro_dollars
from voicebill.cli.app import app

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "conformance"
CASES: list[dict[str, Any]] = tomllib.loads((FOLDER / "cases.toml").read_text(encoding="utf-8"))["cases"]
STATUSES = {"exact", "ambiguous", "inconsistent", "no-usage", "disputed-rate"}

LAST_BY_STATUS = [*{case["status"]: case for case in CASES}.values()]
"""The last case of each status."""


def case_id(case: dict[str, Any]) -> str:
    return str(case["file"]).removesuffix(".jsonl")


parametrize_case = pytest.mark.parametrize("case", CASES, ids=case_id)


def voicebill(*words: str) -> dict[str, Any]:
    """What a command says as JSON."""
    result = CliRunner().invoke(app, [*words, "--json"])
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def read_inputs(case: dict[str, Any]) -> list[str]:
    """The log of a case, and what it does not say of itself."""
    names = ("model", "transcription_model", "provider", "deployment", "day")
    options = ((f"--{name.replace('_', '-')}", str(case[name])) for name in names if name in case)
    return [str(FOLDER / case["file"]), *(word for option in options for word in option)]


def status(answer: dict[str, Any]) -> str:
    """An answer's status, as cases name it."""
    records = answer["records"]
    if records["without_usage"] == records["all"]:
        return "no-usage"
    names = [name for name in ("ambiguous", "inconsistent") if records[name]]
    return names[0] if names else "disputed-rate" if answer["total"]["disputed"] else "exact"


def assert_costs_what_its_case_says(case: dict[str, Any], answer: dict[str, Any]) -> None:
    """The status, and the amounts to the last digit; of a disputed rate the other figure too."""
    total = answer["total"]
    assert (status(answer), total["low"], total["high"]) == (case["status"], case["low"], case["high"])
    assert answer["unpriced"] == []
    if "other" in case:
        assert sorted(total["disputed"].values()) == sorted([case["low"], case["other"]])
    else:
        assert total["disputed"] is None


@parametrize_case
@pytest.mark.parametrize("engine", ["duckdb", "python"])
def test_a_log_costs_what_its_case_says(case: dict[str, Any], engine: str) -> None:
    assert_costs_what_its_case_says(case, voicebill("cost", *read_inputs(case), "--engine", engine))


@pytest.mark.parametrize("case", long_but(LAST_BY_STATUS, CASES), ids=case_id)
def test_a_ledger_costs_what_its_case_says_however_often_it_is_recorded(case: dict[str, Any], tmp_path: Path) -> None:
    ledger = ["--ledger", str(tmp_path / "ledger")]
    first, again = (voicebill("record", *read_inputs(case), *ledger) for _ in range(2))
    assert (again["added"], again["corrected"], again["repeated"]) == (0, 0, first["input"])
    assert_costs_what_its_case_says(case, voicebill("cost", *ledger))


@parametrize_case
def test_the_written_sums_give_the_amounts(case: dict[str, Any]) -> None:
    ends = [end for end in ("low", "high", "other") if end in case]
    assert {end: dollars(case[end]) for end in ends} == {end: micro_dollars(case[f"{end}_sum"]) for end in ends}


def dollars(written: str) -> Fraction:
    """Dollars in picodollars."""
    return Fraction(written) * 10**12


@parametrize_case
def test_a_case_is_bounded_where_its_amounts_differ_and_disputed_where_there_is_another(case: dict[str, Any]) -> None:
    assert case["status"] in STATUSES
    assert (case["status"] in ("ambiguous", "inconsistent")) is (Fraction(case["low"]) < Fraction(case["high"]))
    assert (case["status"] == "disputed-rate") is ("other" in case)


def test_every_file_has_a_case_and_every_case_a_line_in_the_table_of_results() -> None:
    assert sorted(case["file"] for case in CASES) == sorted(file.name for file in FOLDER.glob("*.jsonl"))
    assert len({case_name(case) for case in CASES}) == len(CASES)
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for case in CASES:
        amount = f"${case['low']}" + (f" to ${case['high']}" if case["high"] != case["low"] else "")
        named = case["file"].removesuffix(".jsonl")
        assert f"| {named} | {case['status']} | {amount} |" in text, named


def test_second_opinions_differ_only_where_it_is_said_why() -> None:
    """The table in the docs is what genai-prices and litellm say, in the environment that `make bench` sets up."""
    python = ROOT / ".venv-bench" / "bin" / "python"
    versions = "from importlib.metadata import version as v; print('genai-prices', v('genai-prices'), 'litellm', v('litellm'))"
    installed = (
        subprocess.run([python, "-c", versions], capture_output=True, text=True, check=False) if python.exists() else None
    )
    if installed is None or installed.returncode:
        pytest.skip("genai-prices and litellm are not installed: `make .venv-bench/.bench` installs them")
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    if not re.search("{} {} and {} {} ".format(*map(re.escape, installed.stdout.split())), text):
        pytest.skip(f"the docs tell of other versions than {installed.stdout.strip()}")
    script = ROOT / "benchmarks" / "second_opinions.py"
    result = subprocess.run([python, "-W", "ignore", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert [line for line in result.stdout.splitlines() if line.startswith("|") and line not in text] == []
