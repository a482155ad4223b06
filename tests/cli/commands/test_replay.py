"""`voicebill replay` as people and scripts use it, and what it says when something is wrong."""

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from tests.calls.example import EXAMPLE
from tests.cli.invoke import answer, refusal, run

LOG = str(EXAMPLE)
DAY = ("--day", "2026-11-22")


def test_the_calls_of_a_log_are_replayed_with_all_offers_of_the_day() -> None:
    replayed = answer("replay", LOG, *DAY)
    assert replayed["recorded_dollars"] == answer("cost", LOG)["total"]["dollars"]
    own = next(row for row in replayed["targets"] if row["is_recorded"])
    assert abs(Decimal(own["ratio"]) - 1) < Decimal("0.0001")
    for row in replayed["targets"]:
        assert sum(map(Decimal, row["steps"].values())) == Decimal(row["dollars"]) - Decimal(row["recorded_dollars"])


def test_models_stacks_and_changes_may_be_repeated_or_listed() -> None:
    repeated = answer("replay", LOG, *DAY, "--model", "gpt-realtime-2.1", "--model", "gpt-realtime-mini")
    listed = answer("replay", LOG, *DAY, "--model", "gpt-realtime-2.1,gpt-realtime-mini")
    assert repeated == listed
    changed = answer(
        "replay", LOG, *DAY, "--model", "gpt-realtime-1.5", "--script", "instructions_tokens=500", "--script", "warm_cache=yes"
    )
    assert all("changes" in row["steps"] for row in changed["targets"])
    stacks = answer("replay", LOG, *DAY, "--stack", "best")
    assert [row["kind"] for row in stacks["targets"]] == ["stack"]
    both = answer("replay", LOG, *DAY, "--stack", "best", "--provider", "openai")
    assert {row["kind"] for row in both["targets"]} == {"stack", "offer"}


def test_model_and_provider_say_where_calls_are_replayed_not_what_the_log_lacks() -> None:
    azure = answer("replay", LOG, *DAY, "--provider", "azure", "--deployment", "data-zone")
    assert {row["name"].split("/")[0] for row in azure["targets"]} == {"azure"}
    assert azure["offers"] == {"openai/gpt-realtime-1.5": 114}
    recorded_at_azure = answer("replay", LOG, *DAY, "--log-provider", "azure", "--model", "gpt-realtime-1.5")
    assert list(recorded_at_azure["offers"]) == ["azure/gpt-realtime-1.5-2026-02-23"]


def test_a_rule_changes_how_calls_are_counted_elsewhere() -> None:
    own = ("replay", LOG, *DAY, "--model", "gpt-realtime-1.5", "--provider", "openai")
    (row,) = answer(*own, "--set-rule", "cache_reuse_share=0.2")["targets"]
    assert Decimal(row["ratio"]) > Decimal("1.1")
    assert Decimal(row["steps"]["cache"]) > 0


def test_truncation_savings_and_a_sample_are_options() -> None:
    truncated = answer("replay", LOG, *DAY, "--model", "gpt-realtime-1.5", "--post-instructions-tokens", "1,000")
    assert "changes" in truncated["targets"][0]["steps"]
    text = " ".join(run("replay", LOG, *DAY, "--model", "gpt-realtime-mini", "--savings", "--sample", "60").stdout.split())
    assert "What would have saved most" in text
    assert "These are a random sample from 114 calls." in text
    assert "±" in text


def test_a_ledger_gives_the_same_as_its_log(tmp_path: Path) -> None:
    ledger = str(tmp_path / "ledger")
    run("record", LOG, "--ledger", ledger)
    options = (*DAY, "--model", "gpt-realtime-2.1")
    from_log, from_ledger = answer("replay", LOG, *options), answer("replay", "--ledger", ledger, *options)
    del from_log["warnings"], from_ledger["warnings"]
    assert from_ledger == from_log


def test_files_have_every_offer_with_its_steps(tmp_path: Path) -> None:
    table, chart, page = tmp_path / "replay.csv", tmp_path / "replay.svg", tmp_path / "replay.html"
    shown = run("replay", LOG, *DAY, "--out", str(table), "--save-chart", str(chart)).stdout
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == len(answer("replay", LOG, *DAY)["targets"]) > 25
    assert "dearer offers not shown: CSV and JSON have all" in " ".join(shown.split())
    for row in rows:
        steps = sum(Decimal(value) for name, value in row.items() if name.startswith("step_"))
        assert steps == Decimal(row["dollars"]) - Decimal(row["recorded_dollars"])
    assert "From what was paid" in chart.read_text(encoding="utf-8")
    run("replay", LOG, *DAY, "--model", "gpt-realtime-2.1", "--out", str(page))
    assert "history policy and limits" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--model", "gpt-realtime-9"), "gpt-realtime-9"),
        (("--provider", "opnai"), "openai"),
        (("--stack", "cheap"), "stack"),
        (("--deployment", "moon"), "--deployment must be one of global, data-zone, regional"),
        (("--script", "prompt=500"), "prompt"),
        (("--script", "instructions_tokens"), "--script must be NAME=VALUE"),
        (("--script", "instructions_tokens=x"), "instructions_tokens 'x' is not a number"),
        (("--sample", "0"), "--sample"),
        (("--where", "offer = x"), "names an offer"),
        (("--engine", "python"), "duckdb, spark"),
        (("--day", "2023-01-01"), "2023"),
        (("--out", "replay.txt"), ".txt"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(options: tuple[str, ...], message: str) -> None:
    assert message in refusal("replay", LOG, *DAY, *options)
