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
from voicebill.answers.alternatives import alternatives
from voicebill.answers.compare import alive, compare
from voicebill.answers.crossings import Range, flips
from voicebill.answers.estimate import estimate
from voicebill.answers.knobs import effects
from voicebill.answers.offered import Asked
from voicebill.answers.pictures import by_length, crossed, cumulative, per_turn, ranked, side_by_side, tornado
from voicebill.conversation.plan import Plan
from voicebill.facts import load

GOLDEN = Path(__file__).parents[1] / "golden" / "pictures.json"
FACTS = load()
ASKED = Asked(model="gpt-realtime-1.5", day=DAY)
PLAN = Plan(minutes=6, turns=8, tool_calls=2, transcription_model="gpt-4o-transcribe")


def rows() -> dict[str, list[list[str | float]]]:
    """The rows of every picture, dollars to the tenth decimal."""
    answer = estimate(PLAN, ASKED, FACTS)
    compared = compare(PLAN, FACTS.prices.named("gpt-realtime-1.5", "openai", "realtime"), ASKED, FACTS)
    known = alternatives(compared, PLAN, ASKED, FACTS)
    ways = [way for name in ("fast", "gpt-live-1.1", "openai/gpt-realtime-1.5") if (way := known.named(name))]
    found = flips(ways, PLAN, Range("talk", Decimal(5), Decimal(30)))
    drawn: dict[str, Iterable[tuple[str | float, ...]]] = {
        "turns": per_turn(answer),
        "cumulative": cumulative(answer),
        "lengths": by_length(answer),
        "knobs": tornado(effects(PLAN, ASKED, FACTS)),
        "flips": ranked(found),
        "crossings": crossed(found),
        "offers": side_by_side(compare(PLAN, alive(FACTS.prices, DAY), ASKED, FACTS)),
    }
    return {
        name: [[round(x, 10) if isinstance(x, float) else x for x in row] for row in found] for name, found in drawn.items()
    }


def test_the_pictures_show_what_they_showed() -> None:
    shown = rows()
    if os.environ.get("VOICEBILL_GOLDEN") == "write":
        GOLDEN.parent.mkdir(exist_ok=True)
        body = ",\n".join(
            f' "{name}": [\n' + ",\n".join("  " + json.dumps(row) for row in found) + "\n ]" for name, found in shown.items()
        )
        GOLDEN.write_text("{\n" + body + "\n}\n", encoding="utf-8")
    kept = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert shown.keys() == kept.keys()
    for name, found in shown.items():
        assert [row[0] for row in found] == [row[0] for row in kept[name]]
        for row, old in zip(found, kept[name], strict=True):
            assert same(row, old), f"{name}: {row} was {old}"


def same(row: list[str | float], old: list[str | float]) -> bool:
    """Whether words are equal, and numbers nearly."""
    return all(x == y if isinstance(x, str) else y == pytest.approx(x, abs=1e-9) for x, y in zip(row, old, strict=True))
