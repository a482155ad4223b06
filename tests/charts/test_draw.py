"""Pictures: what they show adds up to the answer, and what is drawn is the same every time."""

import os
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner, Result

from tests.answers.estimates.cache_writes import estimate_with_cache_writes
from tests.cases import DAY
from tests.fonts import needs_font, uses_fontconfig
from voicebill.answers.comparison.break_even import BreakEven, BreakEvenCurve, PairComparison, SweepPoint, SweepRange
from voicebill.answers.comparison.compare import available_offers, compare
from voicebill.answers.estimates.estimate import Estimate, estimate
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.reports.chart_data import (
    METER_LABELS,
    break_even_points,
    cost_by_length,
    cumulative_costs,
    offer_ranges,
    sweep_points,
    to_dollars,
    tornado,
    turn_costs,
)
from voicebill.answers.sensitivity.sensitivity import sensitivity
from voicebill.charts import draw
from voicebill.charts.themes import THEMES
from voicebill.cli.app import app
from voicebill.conversation.cache import usage_from_tokens
from voicebill.conversation.history import Tokens
from voicebill.conversation.plan import Plan
from voicebill.facts import load_facts

pytest.importorskip("lets_plot")

SELECTION = ModelSelection(model="gpt-realtime-1.5", day=DAY)
PLAN = Plan(minutes=10, turns=20, tool_calls=3)


@cache
def answer_of(transcription_model: str | None = None) -> Estimate:
    """The estimate of the plan, with or without transcription."""
    return estimate(replace(PLAN, transcription_model=transcription_model), SELECTION, load_facts())


def expected_dollars(answer: Estimate) -> float:
    """The expected amount of a conversation."""
    return to_dollars(answer.per_conversation.expected)


def test_the_turns_add_up_to_the_conversation() -> None:
    rows = turn_costs(answer_of())
    assert sum(row.dollars for row in rows) == pytest.approx(expected_dollars(answer_of()))
    assert {row.turn for row in rows} == set(range(1, 21))
    assert {row.kind for row in rows} == {
        "assistant audio",
        "text out",
        "audio in, uncached",
        "text in, uncached",
        "cached input",
    }


def test_transcription_is_in_the_pictures_too() -> None:
    rows = turn_costs(answer_of("whisper-1"))
    assert sum(row.dollars for row in rows) == pytest.approx(expected_dollars(answer_of("whisper-1")))
    assert sum(row.kind == "transcription" for row in rows) == 20


def test_cache_writes_are_drawn_with_the_uncached_text(tmp_path: Path) -> None:
    answer = estimate_with_cache_writes(tmp_path)
    rows = turn_costs(answer)
    assert sum(row.dollars for row in rows) == pytest.approx(expected_dollars(answer))
    assert "text in, uncached" in {row.kind for row in rows}
    assert cumulative_costs(answer)[-1].expected == pytest.approx(expected_dollars(answer))


def test_every_kind_of_usage_of_a_response_has_a_label() -> None:
    counts = Tokens(300, 300, 300)
    assert {meter for meter, _ in usage_from_tokens(counts, Tokens(100, 100, 100), 1, 1, 100).items()} == set(METER_LABELS)


@pytest.mark.parametrize("transcription_model", [None, "whisper-1"])
def test_what_grows_ends_at_the_three_amounts(transcription_model: str | None) -> None:
    answer = answer_of(transcription_model)
    rows = cumulative_costs(answer)
    last = rows[-1]
    amounts = answer.per_conversation
    assert (last.best, last.expected, last.worst) == pytest.approx(
        (to_dollars(amounts.best), to_dollars(amounts.expected), to_dollars(amounts.worst))
    )
    assert [row.expected for row in rows] == sorted(row.expected for row in rows)


def test_the_plans_own_length_is_on_the_curve() -> None:
    rows = {row.value: row.expected for row in cost_by_length(answer_of())}
    assert rows[10.0] == pytest.approx(expected_dollars(answer_of()))
    assert list(rows.values()) == sorted(rows.values())


def test_bars_are_the_effects_and_the_offers() -> None:
    swings = sensitivity(PLAN, SELECTION, load_facts())
    bars = tornado(swings)
    assert [bar.low for bar in bars] == [to_dollars(swing.low or 0) for swing in swings if swing.width]
    comparison = compare(PLAN, available_offers(load_facts().prices, DAY), SELECTION, load_facts())
    rows = offer_ranges(comparison)
    lasting = [row for row in rows if "ends 20" not in row.label]
    ending = rows[len(lasting) :]
    assert ("openai/gpt-realtime-2025-08-28 (ends 2027-01-20)" in [row.label for row in ending]) is True
    for group in (lasting, ending):
        assert [row.mark for row in group] == sorted(row.mark for row in group)
    assert all(row.low <= row.mark <= row.high for row in rows)


DOLLAR = 10**12


def make_curve(*pairs: PairComparison, axis: str = "turns", gap: bool = False) -> BreakEvenCurve:
    """Two ways over four turns: one costs 1, 2, 3, 4 dollars and one always 2.50; with a gap, the first has no answer at 4."""
    flat = Fraction(5 * DOLLAR, 2)
    climbing = [None if gap and turn == 4 else Fraction(turn * DOLLAR) for turn in (1, 2, 3, 4)]
    points = tuple(SweepPoint(Decimal(turn), (climbing_value, flat)) for turn, climbing_value in enumerate(climbing, start=1))
    sweep_range = SweepRange("volume" if axis == "volume" else "turns", Decimal(1), Decimal(4))
    return BreakEvenCurve(sweep_range, ("climbs", "flat"), points, pairs, ())


ONE = PairComparison("climbs", "flat", (BreakEven(Decimal(2), Decimal(3), Decimal("2.5"), "climbs", "flat"),), None)
NEVER = PairComparison("climbs", "flat", (), "climbs")


def test_a_ranking_shows_every_amount_and_marks_where_the_lines_meet() -> None:
    """Between two turns ($2) and three ($3) the straight line reaches $2.50 in the middle."""
    curve = make_curve(ONE)
    assert [(row.value, row.dollars) for row in sweep_points(curve) if row.alternative == "climbs"] == [
        (1, 1),
        (2, 2),
        (3, 3),
        (4, 4),
    ]
    assert [(row.value, row.dollars) for row in sweep_points(curve) if row.alternative == "flat"] == [
        (at, 2.5) for at in (1, 2, 3, 4)
    ]
    assert [tuple(mark) for mark in break_even_points(curve)] == [(2.5, 2.5, "climbs and flat")]


def test_where_a_way_has_no_answer_its_line_ends() -> None:
    assert [row.value for row in sweep_points(make_curve(ONE, gap=True)) if row.alternative == "climbs"] == [1, 2, 3]


@pytest.mark.parametrize(
    ("curve", "texts"),
    [
        (
            make_curve(ONE),
            ("the order changes at about 2.5", "turns, in the same minutes", "dollars a conversation"),
        ),
        (
            make_curve(NEVER),
            ("the order never changes", "turns, in the same minutes", "dollars a conversation"),
        ),
        (make_curve(ONE, axis="volume"), ("the order changes at about 2.5", "conversations per month", "dollars a month")),
    ],
)
@pytest.mark.parametrize("theme", ["light", "dark", "print"])
@pytest.mark.parametrize("width", [480, 900])
def test_a_ranking_is_drawn_with_its_ways_units_and_source(
    curve: BreakEvenCurve, texts: tuple[str, ...], theme: str, width: int
) -> None:
    chart_theme = replace(THEMES[theme], width=width)
    first, second = (draw.render(draw.break_even_chart(curve, DAY, "0123456789ab", chart_theme), "svg") for _ in range(2))
    assert first == second
    drawn = ET.fromstring(first)
    shown = " ".join(drawn.itertext())
    for text in ("Break-even", "climbs", "flat", "voicebill: 2026-11-22", *texts):
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
        ("sensitivity", "Sensitivity"),
    ],
)
def test_a_picture_has_title_units_and_source_and_is_the_same_every_time(tmp_path: Path, picture: str, title: str) -> None:
    files = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for file in files:
        result = run("estimate", "--save-chart", str(file), "--chart", picture)
        assert result.exit_code == 0, result.output
    first, second = (file.read_text(encoding="utf-8") for file in files)
    assert first == second
    shown = " ".join(ET.fromstring(first).itertext())
    assert title in shown
    assert "dollars" in shown
    assert "voicebill: gpt-realtime-1.5 at openai, 2026-11-22; rules recorded-2026-11" in shown


@needs_font
def test_offers_are_drawn_too_and_as_png(tmp_path: Path) -> None:
    file = tmp_path / "offers.png"
    assert run("compare", "--provider", "openai", "--save-chart", str(file)).exit_code == 0
    assert file.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
@pytest.mark.parametrize("width", [600, 1200])
def test_a_picture_is_as_wide_as_asked_and_in_its_colours(tmp_path: Path, theme: str, width: int) -> None:
    file = tmp_path / "turns.svg"
    assert run("estimate", "--save-chart", str(file), "--width", str(width), "--theme", theme).exit_code == 0
    drawn = file.read_text(encoding="utf-8")
    assert ET.fromstring(drawn).get("width") == f"{width}.0"
    assert ("rgb(20,24,29)" in drawn.replace(" ", "")) == (theme == "dark")
    assert "a picture is 320 to 2,400 pixels wide, not 90" in run("estimate", "--save-chart", str(file), "--width", "90").stderr


def test_what_cannot_be_drawn_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "a picture is a .svg or a .png file" in run("estimate", "--save-chart", str(tmp_path / "x.gif")).stderr
    assert "cannot be written" in run("estimate", "--save-chart", str(tmp_path / "nowhere" / "x.svg")).stderr
    monkeypatch.setitem(__import__("sys").modules, "lets_plot", None)
    result = run("estimate", "--save-chart", str(tmp_path / "x.svg"))
    assert (result.exit_code, "pip install 'voicebill[plot]'" in result.stderr) == (2, True)


@needs_font
@uses_fontconfig
def test_a_png_is_drawn_without_a_word_of_libraries_or_refused_without_a_font(tmp_path: Path) -> None:
    """Nobody needs what lets-plot and fontconfig write about fonts; a machine without any is told what it lacks."""
    no_fonts = tmp_path / "fonts.conf"
    no_fonts.write_text("<fontconfig></fontconfig>", encoding="utf-8")
    options = ("--minutes=3", "--turns=4", "--save-chart", str(tmp_path / "turns.png"))
    command = [sys.executable, "-m", "voicebill", "estimate", *options]
    drawn = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (drawn.returncode, drawn.stderr if draw.FONT_SETTINGS.is_file() else "") == (0, "")
    environment = os.environ | {"FONTCONFIG_FILE": str(no_fonts)}
    refused = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, env=environment)
    assert refused.returncode == 2
    assert "Error: a PNG needs a font, and this machine has none" in refused.stderr


@needs_font
def test_a_png_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    assert "cannot be written" in run("estimate", "--save-chart", str(tmp_path / "nowhere" / "x.png")).stderr


def test_without_an_offer_that_can_be_estimated_there_is_a_reason_and_no_chart(tmp_path: Path) -> None:
    plan = ("--minutes=7", "--turns=5", "--transcription-model=nobodys", "--day=2026-11-22")
    result = CliRunner().invoke(app, ["compare", *plan, "--save-chart", str(tmp_path / "offers.svg")])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no offer can be drawn: unknown model 'nobodys'" in " ".join(result.stderr.split())
