"""`voicebill ptu` as scripts and people use it."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from voicebill.cli.app import app

LOAD = ("--calls-per-minute", "1,000", "--prompt-tokens", "200", "--response-tokens", "20")
ON = ("--day", "2026-11-22")
EXAMPLE = ("--model", "gpt-5.2", "--deployment", "data-zone", *LOAD, *ON)
DAY_AND_NIGHT = ",".join(["2"] * 8 + ["10"] * 12 + ["2"] * 4)


CONTRACT = """
checked = 2026-11-01
sources = ["ours"]
[[provisioned_hours]]
deployment = "data-zone"
since = "2026-11-01"
usd = 0.5
"""


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["ptu", *words])


def answer(*words: str) -> dict[str, Any]:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def refusal(*words: str) -> str:
    result = run(*words)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    return " ".join(result.stderr.split())


def printed(*words: str) -> str:
    result = run(*words)
    assert result.exit_code == 0, result.output
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    return result.stdout


@pytest.mark.parametrize(("rate", "ptus", "raw", "normalized"), [("0.5", 80, "76.47", 260_000), ("0", 110, "105.88", 360_000)])
def test_microsofts_examples(rate: str, ptus: int, raw: str, normalized: int) -> None:
    document = answer(*EXAMPLE, "--cache-rate", rate)
    assert (document["ptus"], document["normalized_tpm"]) == (ptus, normalized)
    assert document["raw_ptus"].startswith(raw)
    assert [price["commitment"] for price in document["prices"]] == ["hourly", "month", "year"]


def test_numbers_are_read_as_people_write_them() -> None:
    plain = answer(*EXAMPLE, "--cache-rate", "0.5")
    typed = (
        "--model",
        "gpt-5.2",
        "--deployment",
        "Data-Zone",
        "--calls-per-minute",
        "1k",
        "--prompt-tokens",
        "0.2k",
        "--response-tokens",
        "20",
    )
    assert answer(*typed, *ON, "--cache-rate", "50%") == plain


def test_the_answer_for_people() -> None:
    output = " ".join(printed(*EXAMPLE, "--cache-rate", "50%").split())
    for part in (
        "1,000 calls per minute at the peak, each with 200 prompt tokens (50% cached) and 20 response tokens",
        "80 PTUs: 76.47, rounded up to a multiple of 5, at least 15",
        "260,000 normalized tokens per minute: 100,000 uncached input + 8 × 20,000 output",
        "91% (914/min)",
        "Cheapest: 75 PTUs reserved for a year, 25% below pay as you go alone.",
    ):
        assert part in output


def test_a_profile_is_numbers_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "load.csv"
    file.write_text(DAY_AND_NIGHT.replace(",", "\n"), encoding="utf-8")
    written = answer(*EXAMPLE, "--profile", DAY_AND_NIGHT)
    assert written == answer(*EXAMPLE, "--profile", str(file))
    assert written["load"]["average_calls_per_minute"] == "600"
    assert len(written["load"]["profile"]) == 24
    alone = ("--model", "gpt-5.2", "--prompt-tokens", "200", "--response-tokens", "20", *ON, "--profile", DAY_AND_NIGHT)
    assert answer(*alone)["load"]["calls_per_minute"] == "10"


def test_fewer_units_spill_over() -> None:
    output = printed(*EXAMPLE, "--profile", DAY_AND_NIGHT, "--buy-ptus", "60")
    assert "utilization of 60 PTUs: 100% at the peak, 68% on average" in output
    assert "reserved for a month    60        36%  $15,600         $6,577  $22,177" in output
    everything = printed(*EXAMPLE, "--profile", DAY_AND_NIGHT)
    assert "  cheapest number" in everything


def test_where_nothing_can_be_compared_it_is_said() -> None:
    output = printed("--model", "gpt-5.2", "--deployment", "regional", "--region", "uksouth", *LOAD, *ON)
    assert "150 PTUs: 105.88, rounded up to a multiple of 50, at least 50" in output
    assert "unknown" in output
    assert "No pay-as-you-go price to compare with: no source gives" in output


def test_prices_of_ones_own_come_first(tmp_path: Path) -> None:
    file = tmp_path / "contract.toml"
    file.write_text(CONTRACT, encoding="utf-8")
    assert answer(*EXAMPLE, "--prices", str(file))["prices"][0]["hour"] == "55"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--calls-per-minute", "-5"), "--calls-per-minute cannot be negative: -5"),
        (("--calls-per-minute", "0"), "--calls-per-minute must be more than 0 and at most 1,000,000,000, not 0"),
        (
            ("--calls-per-minute", "many"),
            "--calls-per-minute: 'many' is not a number: write 1500, 1,500 or 1.5k, with a point for decimals",
        ),
        (("--cache-rate", "150"), "--cache-rate: '150' is more than 100%: write a share as 45%, 45 or 0.45"),
        (("--prompt-tokens", "-1"), "--prompt-tokens cannot be negative: -1"),
        (("--response-tokens", "x"), "--response-tokens: 'x' is not a number"),
        (
            ("--model", "gpt-realtime-1.5"),
            "gpt-realtime-1.5 cannot be sized: Microsoft's provisioned tables of 2026-05-21 list no",
        ),
        (("--model", "gtp-5.2"), "unknown model 'gtp-5.2'; the nearest are gpt-5.2"),
        (("--deployment", "europe"), "--deployment must be one of global, data-zone, regional, not 'europe'"),
        (("--deployment", "regional"), "regional PTUs are priced by region: choose one"),
        (("--region", "uksouth"), "unknown region 'uksouth' of data-zone PTUs"),
        (
            ("--buy-ptus", "62"),
            "--buy-ptus: gpt-5.2 (data-zone) is deployed in multiples of 5 PTUs from 15 on, not with 62: use 60 or 65",
        ),
        (
            ("--profile", "1,2,3"),
            "--profile: a load by the hour has 24 numbers, or 168 for a week, with commas between them, not 3",
        ),
        (("--profile", "nowhere.csv"), "--profile: there is no file nowhere.csv"),
        (
            ("--day", "2026-05-01"),
            "the throughput of gpt-5.2 in a PTU is not known for 2026-05-01: it is known from 2026-05-21 on",
        ),
    ],
)
def test_wrong_input_is_refused_in_a_sentence(words: tuple[str, ...], message: str) -> None:
    assert f"Error: {message}" in refusal(*EXAMPLE, *words)


def test_a_load_that_nobody_names_is_asked_for() -> None:
    assert "--calls-per-minute is missing: how many model calls per minute are there in the busiest hour?" in refusal(
        "--model", "gpt-5.2", "--prompt-tokens", "200", "--response-tokens", "20"
    )
    assert "Error: --model is missing" in refusal(*LOAD)


def test_a_month_at_each_load_can_be_drawn(tmp_path: Path) -> None:
    file = tmp_path / "month.svg"
    printed(*EXAMPLE, "--save-chart", str(file), "--width", "600", "--theme", "print")
    drawn = file.read_text(encoding="utf-8")
    assert all(part in drawn for part in ("A month of 110 PTUs", "pay as you go", "reserved for a year", "calls a minute"))
    regional = (*EXAMPLE, "--deployment", "regional", "--region", "uksouth", "--save-chart", str(file))
    assert "there is nothing to draw: no source gives pay-as-you-go prices" in refusal(*regional)
