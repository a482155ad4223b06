"""Pictures: what they show adds up to the answer, and what is drawn is the same every time."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner, Result

from tests.cases import DAY
from voicebill.answers.compare import alive, compare
from voicebill.answers.estimate import Estimate, estimate
from voicebill.answers.knobs import effects
from voicebill.answers.offered import Asked
from voicebill.answers.pictures import by_length, cumulative, in_dollars, per_turn, side_by_side, tornado
from voicebill.cli import app
from voicebill.conversation.plan import Plan
from voicebill.facts import load

pytest.importorskip("lets_plot")

FACTS = load()
ASKED = Asked(model="gpt-realtime-1.5", day=DAY)
PLAN = Plan(minutes=10, turns=20, tool_calls=3)
ANSWER = estimate(PLAN, ASKED, FACTS)
EXPECTED = in_dollars(ANSWER.per_conversation.expected)


def test_the_turns_add_up_to_the_conversation() -> None:
    rows = per_turn(ANSWER)
    assert sum(row.dollars for row in rows) == pytest.approx(EXPECTED)
    assert {row.turn for row in rows} == set(range(1, 21))
    assert {row.kind for row in rows} == {
        "assistant's speech",
        "text out",
        "audio in, full rate",
        "text in, full rate",
        "from the cache",
    }


HEARD = estimate(replace(PLAN, transcription_model="whisper-1"), ASKED, FACTS)


def test_transcription_is_in_the_pictures_too() -> None:
    rows = per_turn(HEARD)
    assert sum(row.dollars for row in rows) == pytest.approx(in_dollars(HEARD.per_conversation.expected))
    assert sum(row.kind == "transcription" for row in rows) == 20


@pytest.mark.parametrize("answer", [ANSWER, HEARD], ids=["without transcription", "with transcription"])
def test_what_grows_ends_at_the_three_amounts(answer: Estimate) -> None:
    rows = cumulative(answer)
    last = rows[-1]
    amounts = answer.per_conversation
    assert (last.best, last.expected, last.worst) == pytest.approx(
        (in_dollars(amounts.best), in_dollars(amounts.expected), in_dollars(amounts.worst))
    )
    assert [row.expected for row in rows] == sorted(row.expected for row in rows)


def test_the_plans_own_length_is_on_the_curve() -> None:
    rows = {row.at: row.expected for row in by_length(ANSWER)}
    assert rows[10.0] == pytest.approx(EXPECTED)
    assert list(rows.values()) == sorted(rows.values())


def test_bars_are_the_effects_and_the_offers() -> None:
    moved = effects(PLAN, ASKED, FACTS)
    bars = tornado(moved)
    assert [bar.low for bar in bars] == [in_dollars(effect.low or 0) for effect in moved if effect.swing]
    found = compare(PLAN, alive(FACTS.prices, DAY), ASKED, FACTS)
    rows = side_by_side(found)
    assert [row.mark for row in rows] == sorted(row.mark for row in rows)
    assert all(row.low <= row.mark <= row.high for row in rows)


def run(*words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--minutes", "10", "--turns", "20", "--day", "2026-11-22"])


@pytest.mark.parametrize(
    ("picture", "title"),
    [
        ("turns", "What each turn costs"),
        ("cumulative", "What the conversation has cost by each turn"),
        ("lengths", "What calls of other lengths cost"),
        ("knobs", "What each assumption moves"),
    ],
)
def test_a_picture_has_title_units_and_source_and_is_the_same_every_time(tmp_path: Path, picture: str, title: str) -> None:
    files = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for file in files:
        result = run("estimate", "--plot", str(file), "--picture", picture)
        assert result.exit_code == 0, result.output
    first, second = (file.read_text(encoding="utf-8") for file in files)
    assert first == second
    shown = " ".join(ET.fromstring(first).itertext())
    assert title in shown
    assert "dollars" in shown
    assert "voicebill: gpt-realtime-1.5 at openai, 2026-11-22; rules recorded-2026-11" in shown


def test_offers_are_drawn_too_and_as_png(tmp_path: Path) -> None:
    file = tmp_path / "offers.png"
    assert run("compare", "--provider", "openai", "--plot", str(file)).exit_code == 0
    assert file.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("look", ["light", "dark", "print"])
@pytest.mark.parametrize("width", [600, 1200])
def test_a_picture_is_as_wide_as_asked_and_in_its_colours(tmp_path: Path, look: str, width: int) -> None:
    file = tmp_path / "turns.svg"
    assert run("estimate", "--plot", str(file), "--width", str(width), "--look", look).exit_code == 0
    drawn = file.read_text(encoding="utf-8")
    assert ET.fromstring(drawn).get("width") == f"{width}.0"
    assert ("rgb(20,24,29)" in drawn.replace(" ", "")) == (look == "dark")
    assert "a picture is 400 to 2,400 pixels wide, not 90" in run("estimate", "--plot", str(file), "--width", "90").stderr


def test_what_cannot_be_drawn_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "a picture is a .svg or a .png file" in run("estimate", "--plot", str(tmp_path / "x.gif")).stderr
    assert "cannot be written" in run("estimate", "--plot", str(tmp_path / "nowhere" / "x.svg")).stderr
    assert "cannot be written" in run("estimate", "--plot", str(tmp_path / "nowhere" / "x.png")).stderr
    monkeypatch.setitem(__import__("sys").modules, "lets_plot", None)
    result = run("estimate", "--plot", str(tmp_path / "x.svg"))
    assert (result.exit_code, "pip install 'voicebill[plot]'" in result.stderr) == (2, True)
