"""Pictures: what they show adds up to the answer, and what is drawn is the same every time."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner, Result

from tests.cases import DAY
from voicebill.answers.compare import alive, compare
from voicebill.answers.crossings import Crossing, Flips, Pair, Point, Range
from voicebill.answers.estimate import Estimate, estimate
from voicebill.answers.knobs import effects
from voicebill.answers.offered import Asked
from voicebill.answers.pictures import by_length, crossed, cumulative, in_dollars, per_turn, ranked, side_by_side, tornado
from voicebill.charts import draw
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


DOLLAR = 10**12


def crossing_at(*pairs: Pair, axis: str = "turns", gap: bool = False) -> Flips:
    """Two ways over four turns: one costs 1, 2, 3, 4 dollars and one always 2.50; with a gap, the first has no answer at 4."""
    flat = Fraction(5 * DOLLAR, 2)
    climbing = [None if gap and turn == 4 else Fraction(turn * DOLLAR) for turn in (1, 2, 3, 4)]
    points = tuple(Point(Decimal(turn), (climbs, flat)) for turn, climbs in enumerate(climbing, start=1))
    within = Range("volume" if axis == "volume" else "turns", Decimal(1), Decimal(4))
    return Flips(within, ("climbs", "flat"), points, pairs, ())


ONE = Pair("climbs", "flat", (Crossing(Decimal(2), Decimal(3), Decimal("2.5"), "climbs", "flat"),), None)
NEVER = Pair("climbs", "flat", (), "climbs")


def test_a_ranking_shows_every_amount_and_marks_where_the_lines_meet() -> None:
    """Between two turns ($2) and three ($3) the straight line reaches $2.50 in the middle."""
    found = crossing_at(ONE)
    assert [(row.at, row.dollars) for row in ranked(found) if row.way == "climbs"] == [(1, 1), (2, 2), (3, 3), (4, 4)]
    assert [(row.at, row.dollars) for row in ranked(found) if row.way == "flat"] == [(at, 2.5) for at in (1, 2, 3, 4)]
    assert [tuple(mark) for mark in crossed(found)] == [(2.5, 2.5, "climbs and flat")]


def test_where_a_way_has_no_answer_its_line_ends() -> None:
    assert [row.at for row in ranked(crossing_at(ONE, gap=True)) if row.way == "climbs"] == [1, 2, 3]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            crossing_at(ONE),
            ("the order changes at about 2.5", "turns, in as many minutes", "dollars a conversation"),
        ),
        (
            crossing_at(NEVER),
            ("the order never changes", "turns, in as many minutes", "dollars a conversation"),
        ),
        (crossing_at(ONE, axis="volume"), ("the order changes at about 2.5", "conversations a month", "dollars a month")),
    ],
)
@pytest.mark.parametrize("look", ["light", "dark", "print"])
@pytest.mark.parametrize("width", [480, 900])
def test_a_ranking_is_drawn_with_its_ways_units_and_source(found: Flips, said: tuple[str, ...], look: str, width: int) -> None:
    dress = replace(draw.LOOKS[look], width=width)
    first, second = (draw.rendered(draw.flips(found, "voicebill: 2026-11-22", dress), "svg") for _ in range(2))
    assert first == second
    drawn = ET.fromstring(first)
    shown = " ".join(drawn.itertext())
    for text in ("Where the ranking flips", "climbs", "flat", "voicebill: 2026-11-22", *said):
        assert text in shown
    assert drawn.get("width") == f"{width}.0"


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
