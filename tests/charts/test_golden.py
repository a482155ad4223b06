"""What the pictures show, kept as rows: a change in a figure is seen, whatever the drawing library does.

After a change that is meant, run the tests with VOICEBILL_GOLDEN=write and read the difference.
"""

import json
import os
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pytest

from tests.cases import DAY
from voicebill.answers.comparison.alternatives import alternatives
from voicebill.answers.comparison.break_even import SweepRange, break_even
from voicebill.answers.comparison.compare import available_offers, compare
from voicebill.answers.estimates.estimate import estimate
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.reports.chart_data import (
    break_even_points,
    cost_by_length,
    cumulative_costs,
    offer_ranges,
    sweep_points,
    tornado,
    turn_costs,
)
from voicebill.answers.sensitivity.sensitivity import sensitivity
from voicebill.conversation.plan import Plan
from voicebill.facts import load_facts

GOLDEN = Path(__file__).parents[1] / "golden" / "pictures.json"
SELECTION = ModelSelection(model="gpt-realtime-1.5", day=DAY)
PLAN = Plan(minutes=6, turns=8, tool_calls=2, transcription_model="gpt-4o-transcribe")


def rows() -> dict[str, list[list[str | float]]]:
    """The rows of every picture, dollars to the tenth decimal."""
    answer = estimate(PLAN, SELECTION, load_facts())
    comparison = compare(
        PLAN, load_facts().prices.offers_named("gpt-realtime-1.5", "openai", "realtime"), SELECTION, load_facts()
    )
    all_alternatives = alternatives(comparison, PLAN, SELECTION, load_facts())
    selected = [
        alternative
        for name in ("fast", "gpt-live-1.1", "openai/gpt-realtime-1.5")
        if (alternative := all_alternatives.find(name))
    ]
    series = break_even(selected, PLAN, SweepRange("speech", Decimal(5), Decimal(30)))
    drawn: dict[str, Iterable[tuple[str | float, ...]]] = {
        "turns": turn_costs(answer),
        "cumulative": cumulative_costs(answer),
        "lengths": cost_by_length(answer),
        "sensitivity": tornado(sensitivity(PLAN, SELECTION, load_facts())),
        "sweep_points": sweep_points(series),
        "break_even_points": break_even_points(series),
        "offers": offer_ranges(compare(PLAN, available_offers(load_facts().prices, DAY), SELECTION, load_facts())),
    }
    return {
        name: [[round(x, 10) if isinstance(x, float) else x for x in row] for row in series] for name, series in drawn.items()
    }


def test_the_pictures_show_what_they_showed() -> None:
    shown = rows()
    if os.environ.get("VOICEBILL_GOLDEN") == "write":
        GOLDEN.parent.mkdir(exist_ok=True)
        body = ",\n".join(
            f' "{name}": [\n' + ",\n".join("  " + json.dumps(row) for row in chart_rows) + "\n ]"
            for name, chart_rows in shown.items()
        )
        GOLDEN.write_text("{\n" + body + "\n}\n", encoding="utf-8")
    kept = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert shown.keys() == kept.keys()
    for name, chart_rows in shown.items():
        assert [row[0] for row in chart_rows] == [row[0] for row in kept[name]]
        for row, old in zip(chart_rows, kept[name], strict=True):
            assert same(row, old), f"{name}: {row} was {old}"


def same(row: list[str | float], old: list[str | float]) -> bool:
    """Whether words are equal, and numbers nearly."""
    return all(x == y if isinstance(x, str) else y == pytest.approx(x, abs=1e-9) for x, y in zip(row, old, strict=True))
