"""A whole question from a form, a JSON body or a saved plan: read as people type, every fault at its field."""

from decimal import Decimal

import pytest

from tests.cases import DAY
from voicebill.answers.parameters.request import EstimateRequest, parse_estimate_request
from voicebill.answers.parameters.table_schema import Issue
from voicebill.conversation.call_lengths import CallLengths, LengthDistribution
from voicebill.conversation.volume import Volume


def read_request(**table: object) -> tuple[EstimateRequest | None, list[Issue]]:
    issues: list[Issue] = []
    return parse_estimate_request(table, today=DAY, issues=issues), issues


def test_a_form_is_read_as_people_type() -> None:
    request, issues = read_request(
        minutes="5 min", turns="1,500", user_share="45%", instructions_tokens="2k", conversations="1000/day", warm_cache="on"
    )
    assert not issues
    assert request is not None
    assert (request.plan.minutes, request.plan.turns, request.plan.user_share) == (5, 1500, Decimal("0.45"))
    assert (request.plan.instructions_tokens, request.plan.warm_cache) == (2000, True)
    assert request.volume == Volume(Decimal(1000), "day")
    assert (request.selection.model, request.selection.provider, request.selection.day) == ("gpt-realtime-1.5", "openai", DAY)
    assert request.lengths is None


def test_a_body_is_read_as_json_has_it() -> None:
    request, issues = read_request(
        minutes=6, turns=15, warm_cache=False, truncation="auto", retention_ratio=0.8, overrides={"cache_block_tokens": 128}
    )
    assert not issues
    assert request is not None
    assert request.plan.truncation.retention_ratio == Decimal("0.8")
    assert request.selection.overrides == {"cache_block_tokens": 128}
    assert read_request(minutes=6, turns=15, call_length_cv="0.5")[0].lengths == LengthDistribution(Decimal("0.5"))  # type: ignore[union-attr]
    with_lengths, _ = read_request(minutes=6, turns=15, call_lengths=[[5, 3], 20])
    assert with_lengths is not None
    assert with_lengths.lengths == CallLengths(((Decimal(5), 3), (Decimal(20), 1)))


@pytest.mark.parametrize(
    ("table", "field", "message"),
    [
        ({"turns": "20"}, "minutes", "how long is the conversation?"),
        ({"minutes": "-5", "turns": "20"}, "minutes", "cannot be negative: -5"),
        ({"minutes": "10", "turns": "many"}, "turns", "'many' is not a number"),
        ({"minutes": "10", "turns": "0"}, "turns", "between 1 and 20,000"),
        ({"minutes": "10", "turns": "20", "turn": "3"}, "turn", "the nearest is 'turns'"),
        (
            {"minutes": "10", "turns": "20", "user_share": "90%", "assistant_share": "30%"},
            "user_share",
            "must add up to at most 1",
        ),
        ({"minutes": "10", "turns": "20", "text_turns": "30"}, "text_turns", "must be between 0 and turns"),
        ({"minutes": "10", "turns": "20", "conversations": "30000/moon"}, "conversations", "unknown period 'moon'"),
        ({"minutes": "10", "turns": "20", "day": "someday"}, "day", "must be a day such as"),
        ({"minutes": "10", "turns": "20", "call_length_cv": "9"}, "call_length_cv", "between 0 and 5"),
        ({"minutes": "10", "turns": "20", "call_lengths": "9"}, "call_lengths", "must be a list"),
        ({"minutes": "10", "turns": "20", "call_lengths": [[1, 2, 3]]}, "call_lengths", "item 1"),
        ({"minutes": "10", "turns": "20", "call_length_cv": "1", "call_lengths": [5]}, "call_length_cv", "give one"),
        (
            {"minutes": "10", "turns": "20", "truncation": "disabled", "retention_ratio": "0.5"},
            "truncation",
            "is disabled: leave out",
        ),
    ],
)
def test_what_is_wrong_is_said_at_its_field(table: dict[str, object], field: str | None, message: str) -> None:
    request, issues = read_request(**table)
    assert request is None
    assert len(issues) == 1
    assert message in issues[0].text
    if field is not None and field != "truncation":
        assert issues[0].path == (field,)


def test_every_fault_is_reported_at_once() -> None:
    _, issues = read_request(minutes="x", turns="y", cache="often", user_share="200")
    assert {issue.path for issue in issues} == {("minutes",), ("turns",), ("cache",), ("user_share",)}
