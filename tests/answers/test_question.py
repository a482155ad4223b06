"""A whole question from a form, a JSON body or a saved plan: read as people type, every fault at its field."""

from decimal import Decimal

import pytest

from tests.cases import DAY
from voicebill.answers.lengths import Lengths, Spread
from voicebill.answers.quantities import Volume
from voicebill.answers.question import Question, question_from
from voicebill.answers.tables import Fault


def read(**table: object) -> tuple[Question | None, list[Fault]]:
    faults: list[Fault] = []
    return question_from(table, today=DAY, faults=faults), faults


def test_a_form_is_read_as_people_type() -> None:
    found, faults = read(
        minutes="5 min", turns="1,500", user_share="45%", instructions_tokens="2k", conversations="1000/day", warm="on"
    )
    assert not faults
    assert found is not None
    assert (found.plan.minutes, found.plan.turns, found.plan.user_share) == (5, 1500, Decimal("0.45"))
    assert (found.plan.instructions_tokens, found.plan.warm) == (2000, True)
    assert found.volume == Volume(Decimal(1000), "day")
    assert (found.asked.model, found.asked.provider, found.asked.day) == ("gpt-realtime-1.5", "openai", DAY)
    assert found.lengths is None


def test_a_body_is_read_as_json_has_it() -> None:
    found, faults = read(
        minutes=6, turns=15, warm=False, truncation="auto", retention_ratio=0.8, overrides={"cache_block_tokens": 128}
    )
    assert not faults
    assert found is not None
    assert found.plan.truncation.retention_ratio == Decimal("0.8")
    assert found.asked.overrides == {"cache_block_tokens": 128}
    assert read(minutes=6, turns=15, length_spread="0.5")[0].lengths == Spread(Decimal("0.5"))  # type: ignore[union-attr]
    counted, _ = read(minutes=6, turns=15, lengths=[[5, 3], 20])
    assert counted is not None
    assert counted.lengths == Lengths(((Decimal(5), 3), (Decimal(20), 1)))


@pytest.mark.parametrize(
    ("table", "field", "said"),
    [
        ({"turns": "20"}, "minutes", "how long is the conversation?"),
        ({"minutes": "-5", "turns": "20"}, "minutes", "-5 is negative"),
        ({"minutes": "10", "turns": "many"}, "turns", "'many' is not a number"),
        ({"minutes": "10", "turns": "0"}, "turns", "between 1 and 20,000"),
        ({"minutes": "10", "turns": "20", "turn": "3"}, "turn", "the nearest is 'turns'"),
        ({"minutes": "10", "turns": "20", "user_share": "90%", "assistant_share": "30%"}, "user_share", "more than 1 together"),
        ({"minutes": "10", "turns": "20", "text_turns": "30"}, "text_turns", "between 0 and the turns"),
        ({"minutes": "10", "turns": "20", "conversations": "30000"}, "conversations", "names no period"),
        ({"minutes": "10", "turns": "20", "day": "someday"}, "day", "must be a day such as"),
        ({"minutes": "10", "turns": "20", "length_spread": "9"}, None, "between 0 and 5"),
        ({"minutes": "10", "turns": "20", "lengths": "9"}, "lengths", "must be a list"),
        ({"minutes": "10", "turns": "20", "lengths": [[1, 2, 3]]}, "lengths", "item 1"),
        ({"minutes": "10", "turns": "20", "length_spread": "1", "lengths": [5]}, "length_spread", "give one"),
        ({"minutes": "10", "turns": "20", "truncation": "disabled", "retention_ratio": "0.5"}, "truncation", "mean nothing"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(table: dict[str, object], field: str | None, said: str) -> None:
    found, faults = read(**table)
    assert found is None
    assert len(faults) == 1
    assert said in faults[0].text
    if field is not None and field != "truncation":
        assert faults[0].path == (field,)


def test_every_fault_is_reported_at_once() -> None:
    _, faults = read(minutes="x", turns="y", cache="often", user_share="2")
    assert {fault.path for fault in faults} == {("minutes",), ("turns",), ("cache",), ("user_share",)}
