"""`voicebill compare` beyond the realtime offers: stacks, pipelines, where the ranking flips, tables and pictures of it."""

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from voicebill.cli import app

ONE_OFFER = ("--minutes", "6", "--turns", "20", "--model", "gpt-realtime-1.5", "--provider", "openai", "--day", "2026-11-22")
REALTIME = "openai/gpt-realtime-1.5"


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["compare", *ONE_OFFER, *words])


def answer(*words: str) -> dict[str, Any]:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def shown(*words: str) -> str:
    result = run(*words)
    assert result.exit_code == 0, result.output
    return " ".join(result.stdout.split())


def names(found: dict[str, Any]) -> list[str]:
    return [way["name"] for way in (*found["alternatives"], *found["others"])]


# --- stacks and pipelines ------------------------------------------------------------------------------------------------


def test_only_the_stacks_that_were_named_stand_beside_the_offers() -> None:
    assert set(names(answer("--stack", "fast", "--stack", "gpt-live-1.1", "--flip", "none"))) == {
        "fast",
        "gpt-live-1.1",
        REALTIME,
    }


def test_a_stack_that_is_named_twice_is_told_once() -> None:
    assert sorted(names(answer("--stack", "fast", "--stack", "fast", "--flip", "none"))) == ["fast", REALTIME]


def test_a_model_that_was_named_stands_alone_unless_stacks_were_named_too() -> None:
    assert names(answer("--flip", "none")) == [REALTIME]


def test_the_cheapest_of_all_chains_are_so_many_and_in_order() -> None:
    found = answer("--pipelines", "5", "--flip", "none")["pipelines"]
    amounts = [Decimal(way["per_conversation"]["expected"]) for way in found["alternatives"]]
    assert len(amounts) == 5
    assert amounts == sorted(amounts)
    assert found["count"] > 500
    assert f"The 5 cheapest of {found['count']:,} pipelines" in shown("--pipelines", "5", "--flip", "none")


# --- where the ranking flips ------------------------------------------------------------------------------------------


def test_along_talk_the_order_changes_between_twelve_and_thirteen_per_cent() -> None:
    words = ("--stack", "fast", "--flip", "talk", "--range", "5%:100%", "--between", "fast", "--between", REALTIME)
    flips = answer(*words)["flips"]
    assert [(each["along"], each["from"], each["to"], each["values"]) for each in flips] == [("talk", "5", "100", 96)]
    crossing = flips[0]["pairs"][0]["crossings"][0]
    assert (crossing["below"], crossing["above"]) == ("12", "13")
    assert (crossing["cheaper_below"], crossing["cheaper_above"]) == (REALTIME, "fast")
    points = {point["at"]: point["dollars"] for point in flips[0]["points"]}
    assert Decimal(points["12"][REALTIME]) < Decimal(points["12"]["fast"])
    assert Decimal(points["13"][REALTIME]) > Decimal(points["13"]["fast"])
    assert f"fast and {REALTIME}: between 12 and 13; below {REALTIME} is cheaper, above fast" in shown(*words)


def test_unless_told_otherwise_three_axes_are_looked_at_over_their_usual_ranges() -> None:
    flips = answer("--stack", "fast")["flips"]
    assert [(each["along"], each["from"], each["to"]) for each in flips] == [
        ("minutes", "1", "60"),
        ("turns", "1", "60"),
        ("talk", "5", "100"),
    ]


def test_durations_are_read_as_people_write_them() -> None:
    flips = answer("--stack", "fast", "--flip", "minutes", "--range", "90s:1h")["flips"]
    assert (flips[0]["from"], flips[0]["to"]) == ("1.5", "60")


def test_volumes_are_looked_at_by_the_month() -> None:
    words = ("--stack", "fast", "--flip", "volume", "--range", "1:1k")
    assert "1 to 1,000 conversations a month" in shown(*words)
    assert answer(*words)["flips"][0]["pairs"][0]["cheaper_throughout"] == "fast"


def test_none_asks_for_no_ranking() -> None:
    assert answer("--stack", "fast", "--flip", "none")["flips"] == []
    assert "Where the ranking flips" not in shown("--stack", "fast", "--flip", "none")


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_table_for_spreadsheets_has_a_row_for_each_way_with_the_same_dollars(tmp_path: Path) -> None:
    file = tmp_path / "ways.CSV"
    found = answer("--stack", "fast", "--stack", "gpt-4.1-typed", "--flip", "none", "--out", str(file))
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    assert [row["name"] for row in rows] == names(found)
    for row, way in zip(rows, (*found["alternatives"], *found["others"]), strict=True):
        assert {name: row[name] for name in ("best", "expected", "worst")} == way["per_conversation"]
        assert row["sources"]
    assert [row["holds_the_conversation"] for row in rows] == ["yes", "yes", "no"]


def test_a_table_for_documents_has_the_sources_below(tmp_path: Path) -> None:
    file = tmp_path / "ways.md"
    assert run("--stack", "fast", "--flip", "none", "--out", str(file)).exit_code == 0
    text = file.read_text(encoding="utf-8")
    assert text.startswith("# One conversation of 6 minutes and 20 turns, every way, on 2026-11-22\n")
    assert "\n1. http" in text.partition("## Sources of the prices")[2]


def test_a_ranking_is_drawn_with_where_the_order_changes(tmp_path: Path) -> None:
    pytest.importorskip("lets_plot")
    file = tmp_path / "flips.svg"
    assert run("--stack", "fast", "--flip", "talk", "--plot", str(file), "--picture", "flips").exit_code == 0
    drawn = file.read_text(encoding="utf-8")
    assert "Where the ranking flips" in drawn
    assert "the order changes at about 12" in drawn


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--stack cheapst", "unknown stack 'cheapst'; the nearest is cheapest"),
        ("--stack nothing", "unknown stack 'nothing'; 16 are known, such as azure-only, best, cheapest, fast"),
        ("--pipelines 0", "--pipelines must be at least 1, not 0"),
        ("--pipelines -3", "--pipelines: -3 is negative"),
        ("--pipelines many", "--pipelines: 'many' is not a number"),
        ("--pipelines 2.5", "--pipelines: 2.5 is not a whole number"),
        ("--stack fast --flip length", "--flip: must be one of minutes, turns, talk, volume, none, not 'length'"),
        ("--flip minutes", "a ranking needs two different ways: name both with --between"),
        ("--stack fast --between fast", "a ranking needs two different ways: name both with --between"),
        ("--stack fast --between fast --between fast", "a ranking needs two different ways"),
        (
            "--stack fast --between nobody --between fast",
            f"'nobody' among the ways that are compared; known: fast, gpt-realtime-1.5, {REALTIME}",
        ),
        ("--stack fast --between openai/gpt-realtime --between fast", f"the nearest is {REALTIME}"),
        ("--stack fast --range 1:60", "--range needs one --flip that says of what"),
        ("--stack fast --flip none --range 1:60", "--range needs one --flip that says of what"),
        ("--stack fast --flip minutes --flip turns --range 1:60", "--range needs one --flip that says of what"),
        ("--stack fast --flip minutes --range 60", "--range: '60' is not a range: write LOW:HIGH, such as 1:60"),
        ("--stack fast --flip minutes --range :60", "--range: ':60' is not a range: write LOW:HIGH"),
        ("--stack fast --flip minutes --range 1:", "--range: '1:' is not a range: write LOW:HIGH"),
        ("--stack fast --flip minutes --range 1:2:3", "--range: '1:2:3' is not a range: write LOW:HIGH"),
        ("--stack fast --flip minutes --range a:b", "--range: 'a' is not a duration: write 10, 5 min, 90s or 1.5h"),
        ("--stack fast --flip turns --range a:b", "--range: 'a' is not a number"),
        ("--stack fast --flip minutes --range 60:1", "rises from more than 0 to more than that, not from 60 to 1"),
        ("--stack fast --flip minutes --range 0:5", "rises from more than 0 to more than that, not from 0 to 5"),
        ("--stack fast --flip minutes --range -5:5", "--range: -5 is negative"),
        ("--stack fast --flip minutes --range 1:2000", "a range of minutes goes up to 1,440, not to 2,000"),
        ("--stack fast --flip talk --range 5%:400%", "a range of talk goes up to 100, not to 400"),
        ("--stack fast --flip turns --range 1.2:1.8", "no value of turns between 1.2 and 1.8 can be looked at: widen"),
        ("--stack fast --flip none --out ways.pdf", "--out writes .csv or .md, by the file's name, not ways.pdf"),
        ("--stack fast --flip none --out nowhere/ways.csv", "nowhere/ways.csv cannot be written: No such file or directory"),
        ("--stack fast --picture bars --plot x.svg", "--picture: must be one of offers, flips, not 'bars'"),
        ("--stack fast --picture flips --flip none --plot x.svg", "there is no ranking to draw: name an axis with --flip"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_sentence(
    words: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*words.split())
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert said in " ".join(result.stderr.split())
    assert list(tmp_path.iterdir()) == []
