"""`voicebill explain` as people and scripts use it, and what it says when something is wrong."""

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.calls.example import EXAMPLE, example_calls
from tests.cli.invoke import answer, refusal, run

LOG = str(EXAMPLE)
CONNECTED = [call for call in example_calls() if call.script is not None]
PAUSED = "sess_00000073"


def test_all_calls_are_explained_and_their_sum_is_that_of_the_log() -> None:
    explanation = answer("explain", LOG)
    assert (explanation["calls"], explanation["explained_calls"], explanation["unexplained"]) == (
        len(CONNECTED),
        len(CONNECTED),
        [],
    )
    assert explanation["dollars"] == answer("cost", LOG)["total"]["dollars"]
    causes = {entry["cause"]: entry["responses"] for entry in explanation["causes"]}
    assert {name: causes[name] for name in ("prompt-changed", "pause", "deletion", "not-explained")} == {
        "prompt-changed": 9,
        "pause": 6,
        "deletion": 3,
        "not-explained": 2,
    }


def test_a_ledger_gives_the_same_as_its_log(tmp_path: Path) -> None:
    ledger = str(tmp_path / "ledger")
    run("record", LOG, "--ledger", ledger)
    from_log, from_ledger = answer("explain", LOG), answer("explain", "--ledger", ledger)
    del from_log["warnings"], from_ledger["warnings"]
    assert from_ledger == from_log


def test_one_call_is_explained_response_by_response() -> None:
    call = answer("explain", LOG, "--session", PAUSED)
    assert sum(Decimal(response["dollars"]) for response in call["responses"]) == Decimal(call["dollars"])
    assert [loss["cause"] for response in call["responses"] for loss in response["losses"]].count("pause") == 1
    assert "pause longer than the cache lives" in " ".join(run("explain", LOG, "--session", PAUSED).stdout.split())


def test_filters_select_whole_calls() -> None:
    of_the_day = [call for call in CONNECTED if call.start.date() == date(2026, 11, 17)]
    assert answer("explain", LOG, "--since", "2026-11-17", "--until", "2026-11-18")["calls"] == len(of_the_day) > 0
    assert answer("explain", LOG, "--where", f"session = {PAUSED} and turn = 3")["responses"] == len(
        answer("explain", LOG, "--session", PAUSED)["responses"]
    )


def csv_rows(file: Path) -> list[dict[str, str]]:
    """The rows of a file."""
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


def test_files_have_the_dearest_calls_or_the_responses(tmp_path: Path) -> None:
    calls, responses = tmp_path / "calls.csv", tmp_path / "call.csv"
    run("explain", LOG, "--dearest", "4", "--out", str(calls))
    run("explain", LOG, "--session", PAUSED, "--out", str(responses))
    rows = csv_rows(calls)
    assert [Decimal(row["dollars"]) for row in rows] == sorted((Decimal(row["dollars"]) for row in rows), reverse=True)
    assert len(rows) == 4
    assert len(csv_rows(responses)) == len(answer("explain", LOG, "--session", PAUSED)["responses"])
    run("explain", LOG, "--out", str(tmp_path / "calls.html"), "--save-chart", str(tmp_path / "calls.svg"))
    assert "What the calls cost, and why" in (tmp_path / "calls.html").read_text()
    assert "a reply shrank" in (tmp_path / "calls.svg").read_text()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ((LOG, "--session", "nope"), "no call is named 'nope'"),
        ((LOG, "--where", "offer = openai/gpt-realtime"), "names an offer"),
        ((LOG, "--rules", "nobody"), "unknown rule set 'nobody'"),
        ((LOG, "--dearest", "many"), "dearest"),
        ((), "no logs are named"),
        ((LOG, "--ledger", "x"), "cannot be combined with logs"),
        ((LOG, "--out", "x.parquet"), "--out writes .md, .csv or .html"),
    ],
)
def test_what_is_wrong_is_said(options: tuple[str, ...], text: str) -> None:
    assert text in refusal("explain", *options)


def test_other_rules_are_tried_on_the_same_calls() -> None:
    """By rules that keep all audio, nearly no call has a script: where replies shrank, items would have left the history."""
    by_rule = answer("explain", LOG, "--set-rule", "history=keep-all")
    assert {entry["cause"] for entry in by_rule["causes"]} >= {"truncation"} or by_rule["explained_calls"] < len(CONNECTED)
