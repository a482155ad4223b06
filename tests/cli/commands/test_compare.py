"""`voicebill compare` beyond the realtime offers: stacks, pipelines, break-even, tables and pictures of it."""

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from voicebill.cli.app import app

ONE_OFFER = ("--minutes", "6", "--turns", "20", "--model", "gpt-realtime-1.5", "--provider", "openai", "--day", "2026-11-22")
REALTIME = "openai/gpt-realtime-1.5"


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["compare", *ONE_OFFER, *words])


def answer(*words: str) -> dict[str, Any]:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def shown(*words: str) -> str:
    result = run(*words)
    assert result.exit_code == 0, result.output
    return " ".join(result.stdout.split())


def names(document: dict[str, Any]) -> list[str]:
    return [alternative["name"] for alternative in (*document["alternatives"], *document["partial_alternatives"])]


# --- stacks and pipelines ------------------------------------------------------------------------------------------------


def test_only_the_stacks_that_were_named_stand_beside_the_offers() -> None:
    assert set(names(answer("--stack", "fast", "--stack", "gpt-live-1.1", "--break-even", "none"))) == {
        "fast",
        "gpt-live-1.1",
        REALTIME,
    }


def test_a_stack_that_is_named_twice_is_told_once() -> None:
    assert sorted(names(answer("--stack", "fast", "--stack", "fast", "--break-even", "none"))) == ["fast", REALTIME]


def test_a_model_that_was_named_stands_alone_unless_stacks_were_named_too() -> None:
    assert names(answer("--break-even", "none")) == [REALTIME]


def test_the_cheapest_of_all_chains_are_so_many_and_in_order() -> None:
    pipelines = answer("--pipelines", "5", "--break-even", "none")["pipelines"]
    amounts = [Decimal(alternative["per_conversation"]["expected"]) for alternative in pipelines["alternatives"]]
    assert len(amounts) == 5
    assert amounts == sorted(amounts)
    assert pipelines["count"] > 500
    assert f"The 5 cheapest of {pipelines['count']:,} pipelines" in shown("--pipelines", "5", "--break-even", "none")


# --- break-even ------------------------------------------------------------------------------------------


def test_along_talk_the_order_changes_between_twelve_and_thirteen_per_cent() -> None:
    words = (
        "--stack",
        "fast",
        "--break-even",
        "speech",
        "--range",
        "5%:100%",
        "--alternative",
        "fast",
        "--alternative",
        REALTIME,
    )
    curves = answer(*words)["break_even"]
    assert [(curve["axis"], curve["from"], curve["to"], curve["values"]) for curve in curves] == [("speech", "5", "100", 96)]
    crossing = curves[0]["pairs"][0]["break_evens"][0]
    assert (crossing["below"], crossing["above"]) == ("12", "13")
    assert (crossing["cheaper_below"], crossing["cheaper_above"]) == (REALTIME, "fast")
    points = {point["value"]: point["dollars"] for point in curves[0]["points"]}
    assert Decimal(points["12"][REALTIME]) < Decimal(points["12"]["fast"])
    assert Decimal(points["13"][REALTIME]) > Decimal(points["13"]["fast"])
    assert f"fast and {REALTIME}: between 12 and 13; below {REALTIME} is cheaper, above fast" in shown(*words)


def test_unless_told_otherwise_three_axes_are_looked_at_over_their_usual_ranges() -> None:
    curves = answer("--stack", "fast")["break_even"]
    assert [(curve["axis"], curve["from"], curve["to"]) for curve in curves] == [
        ("minutes", "1", "60"),
        ("turns", "1", "60"),
        ("speech", "5", "100"),
    ]


def test_durations_are_read_as_people_write_them() -> None:
    curves = answer("--stack", "fast", "--break-even", "minutes", "--range", "90s:1h")["break_even"]
    assert (curves[0]["from"], curves[0]["to"]) == ("1.5", "60")


def test_volumes_are_looked_at_by_the_month() -> None:
    words = ("--stack", "fast", "--break-even", "volume", "--range", "1:1k")
    assert "1 to 1,000 conversations per month" in shown(*words)
    assert answer(*words)["break_even"][0]["pairs"][0]["cheaper_throughout"] == "fast"


def test_none_asks_for_no_ranking() -> None:
    assert answer("--stack", "fast", "--break-even", "none")["break_even"] == []
    assert "Break-even" not in shown("--stack", "fast", "--break-even", "none")


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_table_for_spreadsheets_has_a_row_for_each_way_with_the_same_dollars(tmp_path: Path) -> None:
    file = tmp_path / "ways.CSV"
    document = answer("--stack", "fast", "--stack", "gpt-4.1-typed", "--break-even", "none", "--out", str(file))
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    assert [row["name"] for row in rows] == names(document)
    for row, alternative in zip(rows, (*document["alternatives"], *document["partial_alternatives"]), strict=True):
        assert {name: row[name] for name in ("best", "expected", "worst")} == alternative["per_conversation"]
        assert row["sources"]
    assert [row["conversational"] for row in rows] == ["yes", "yes", "no"]


def test_a_table_for_documents_has_the_sources_below(tmp_path: Path) -> None:
    file = tmp_path / "ways.md"
    assert run("--stack", "fast", "--break-even", "none", "--out", str(file)).exit_code == 0
    text = file.read_text(encoding="utf-8")
    assert text.startswith("# One conversation of 6 minutes and 20 turns, every way, on 2026-11-22\n")
    assert "\n1. http" in text.partition("## Sources of the prices")[2]


def test_a_ranking_is_drawn_with_where_the_order_changes(tmp_path: Path) -> None:
    pytest.importorskip("lets_plot")
    file = tmp_path / "flips.svg"
    assert run("--stack", "fast", "--break-even", "speech", "--save-chart", str(file), "--chart", "break-even").exit_code == 0
    drawn = file.read_text(encoding="utf-8")
    assert "Break-even" in drawn
    assert "the order changes at about 12" in drawn


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--stack cheapst", "unknown stack 'cheapst'; the nearest is cheapest"),
        ("--stack nothing", "unknown stack 'nothing'; 16 are known, such as azure-only, best, cheapest, fast"),
        ("--pipelines 0", "--pipelines must be at least 1, not 0"),
        ("--pipelines -3", "--pipelines cannot be negative: -3"),
        ("--pipelines many", "--pipelines: 'many' is not a number"),
        ("--pipelines 2.5", "--pipelines: 2.5 is not a whole number"),
        ("--stack fast --break-even length", "--break-even: must be one of minutes, turns, speech, volume, none, not 'length'"),
        ("--break-even minutes", "a break-even needs two different alternatives: name both with --alternative"),
        ("--stack fast --alternative fast", "a break-even needs two different alternatives: name both with --alternative"),
        ("--stack fast --alternative fast --alternative fast", "a break-even needs two different alternatives"),
        (
            "--stack fast --alternative nobody --alternative fast",
            f"'nobody' among the compared alternatives; known: fast, gpt-realtime-1.5, {REALTIME}",
        ),
        ("--stack fast --alternative openai/gpt-realtime --alternative fast", f"the nearest is {REALTIME}"),
        ("--stack fast --range 1:60", "--range needs one --break-even that says of what"),
        ("--stack fast --break-even none --range 1:60", "--range needs one --break-even that says of what"),
        (
            "--stack fast --break-even minutes --break-even turns --range 1:60",
            "--range needs one --break-even that says of what",
        ),
        ("--stack fast --break-even minutes --range 60", "--range: '60' is not a range: write LOW:HIGH, such as 1:60"),
        ("--stack fast --break-even minutes --range :60", "--range: ':60' is not a range: write LOW:HIGH"),
        ("--stack fast --break-even minutes --range 1:", "--range: '1:' is not a range: write LOW:HIGH"),
        ("--stack fast --break-even minutes --range 1:2:3", "--range: '1:2:3' is not a range: write LOW:HIGH"),
        ("--stack fast --break-even minutes --range a:b", "--range: 'a' is not a duration: write 10, 5 min, 90s or 1.5h"),
        ("--stack fast --break-even turns --range a:b", "--range: 'a' is not a number"),
        ("--stack fast --break-even minutes --range 60:1", "must rise from a value above 0, not from 60 to 1"),
        ("--stack fast --break-even minutes --range 0:5", "must rise from a value above 0, not from 0 to 5"),
        ("--stack fast --break-even minutes --range -5:5", "--range cannot be negative: -5"),
        ("--stack fast --break-even minutes --range 1:2000", "a range of minutes goes up to 1,440, not to 2,000"),
        ("--stack fast --break-even speech --range 5%:400%", "a range of speech goes up to 100, not to 400"),
        ("--stack fast --break-even turns --range 1.2:1.8", "no value of turns between 1.2 and 1.8 can be evaluated: widen"),
        ("--stack fast --break-even none --out ways.pdf", "--out writes .md, .csv or .html, by the file's name, not ways.pdf"),
        (
            "--stack fast --break-even none --out nowhere/ways.csv",
            "nowhere/ways.csv cannot be written: No such file or directory",
        ),
        ("--stack fast --chart bars --save-chart x.svg", "--chart: must be one of offers, break-even, not 'bars'"),
        (
            "--stack fast --chart break-even --break-even none --save-chart x.svg",
            "there is no ranking to draw: give an axis (--break-even)",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_sentence(
    words: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*words.split())
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert message in " ".join(result.stderr.split())
    assert list(tmp_path.iterdir()) == []
