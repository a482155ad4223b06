"""Check that a plan becomes a script whose turns add up to it exactly."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from tests.conversation.plans import PLANS
from tests.conversation.scripts import GA, PAGE
from voicebill.billing.errors import InvalidInput
from voicebill.conversation.context import duration_ms
from voicebill.conversation.plan import Plan, script
from voicebill.conversation.script import ToolCall


@given(PLANS)
def test_the_turns_add_up_to_the_plan_token_by_token(plan: Plan) -> None:
    turns = script(plan, GA).turns
    greeting = plan.first_speaker == "assistant"
    seconds = Decimal(plan.minutes) * 60
    user, assistant = plan.speech_shares
    assert len(turns) == plan.turns + greeting
    assert sum(turn.user_audio_tokens for turn in turns) == int(seconds * user * 10) + 8 * plan.turns
    played = [turn.reply_audio_tokens if turn.played_ms is None else turn.played_ms // 50 for turn in turns]
    assert sum(played) == int(seconds * assistant * 20)
    assert sum(len(turn.tool_calls) for turn in turns) == plan.tool_calls
    assert sum(len(turn.image_tokens) for turn in turns) == plan.images
    spoken = int(seconds * user * 10) * 100 + 800 * plan.turns + int(seconds * assistant * 20) * 50
    assert sum(duration_ms(turn, GA) for turn in turns) == max(seconds * 1000, spoken)


@given(PLANS)
def test_a_turn_is_never_more_than_three_times_its_mean_nor_less_than_a_third(plan: Plan) -> None:
    turns = script(plan, GA).turns
    mean = Decimal(plan.minutes) * 60 * plan.speech_shares[1] * 20 / len(turns)
    for turn in turns:
        played = turn.reply_audio_tokens if turn.played_ms is None else turn.played_ms // 50
        assert mean / 3 - 1 <= played <= mean * 3 + 1


def test_a_plan_always_becomes_the_same_script() -> None:
    """Weights are 1 + 0.5 x (2 f - 1), f being 0.618034, 0.236068 for the user and 0.754878, 0.509756 for the assistant.

    User: 240 x 1.118034 / 1.854102 = 144.7, so 144 and 96. Assistant: 480 x 1.254878 / 2.264634 = 265.98, so 265 and 215.
    """
    turns = script(Plan(minutes=1, turns=2), GA).turns
    assert [turn.user_audio_tokens - 8 for turn in turns] == [144, 96]
    assert [turn.reply_audio_tokens for turn in turns] == [265, 215]


def test_the_original_calculator_has_equal_turns_without_padding() -> None:
    plan = Plan(minutes=10, turns=20, user_share=Decimal("0.5"), assistant_share=Decimal("0.5"))
    turns = script(plan, PAGE).turns
    assert {(turn.user_audio_tokens, turn.reply_audio_tokens) for turn in turns} == {(150, 300)}


def test_counts_are_spread_evenly() -> None:
    turns = script(Plan(minutes=5, turns=6, tool_calls=3, images=2, arguments_tokens=7, result_tokens=9), GA).turns
    assert [len(turn.tool_calls) for turn in turns] == [1, 0, 1, 0, 1, 0]
    assert [len(turn.image_tokens) for turn in turns] == [0, 1, 0, 0, 1, 0]
    assert turns[0].tool_calls == (ToolCall(7, 9),)
    assert turns[1].image_tokens == (194,)


def test_a_greeting_comes_before_the_first_turn_and_has_no_user_audio() -> None:
    first, second = script(Plan(minutes=1, turns=1, first_speaker="assistant"), GA).turns
    assert (first.user_audio_tokens, second.user_audio_tokens) == (0, 240 + 8)
    assert first.reply_audio_tokens + second.reply_audio_tokens == 480


def test_text_turns_are_typed_and_the_speech_is_spread_over_the_others() -> None:
    turns = script(Plan(minutes=5, turns=5, text_turns=2), GA).turns
    typed = [turn for turn in turns if turn.user_text_tokens]
    assert [(turn.user_text_tokens, turn.reply_text_tokens, turn.reply_audio_tokens) for turn in typed] == [(20, 60, 0)] * 2
    assert sum(turn.reply_audio_tokens for turn in turns) == 5 * 60 * 20 * 2 // 5


def test_an_interrupted_reply_is_generated_in_full_and_played_in_part() -> None:
    plan = Plan(minutes=5, turns=10, interrupted_share=Decimal("0.3"), played_share=Decimal("0.25"))
    turns = script(plan, GA).turns
    interrupted = [turn for turn in turns if turn.played_ms is not None]
    assert len(interrupted) == 3
    for turn in interrupted:
        assert turn.played_ms is not None
        assert turn.reply_audio_tokens == turn.played_ms // 50 * 4
    played_ms = sum(turn.reply_audio_tokens * 50 if turn.played_ms is None else turn.played_ms for turn in turns)
    assert played_ms == 5 * 60 * 1000 * 2 // 5


@pytest.mark.parametrize(
    ("overrides", "filled"),
    [
        ({}, ("0.4", "0.4", "0.2")),
        ({"user_share": "0.3"}, ("0.3", "0.4", "0.3")),
        ({"user_share": "0.9"}, ("0.9", "0.1", "0")),
        ({"assistant_share": "0.75"}, ("0.25", "0.75", "0")),
        ({"silence_share": "0.5"}, ("0.25", "0.25", "0.5")),
        ({"silence_share": "0.5", "user_share": "0.1"}, ("0.1", "0.4", "0.5")),
        ({"user_share": "0.5", "assistant_share": "0.5"}, ("0.5", "0.5", "0")),
    ],
)
def test_omitted_shares_are_computed_from_the_others(overrides: dict[str, str], filled: tuple[str, ...]) -> None:
    shares: dict[str, Any] = {name: Decimal(share) for name, share in overrides.items()}
    plan = Plan(minutes=1, turns=1, **shares)
    assert (*plan.speech_shares, plan.silence) == tuple(Decimal(share) for share in filled)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"minutes": 0}, "minutes must be more than 0 and at most 1,440"),
        ({"minutes": Decimal("NaN")}, "minutes must be a finite number, not NaN"),
        ({"minutes": 1441}, "not 1441"),
        ({"turns": 0}, "turns must be between 1 and 20,000, not 0"),
        ({"user_share": Decimal("1.2")}, "user_share must be between 0 and 1"),
        ({"user_share": Decimal("0.7"), "assistant_share": Decimal("0.6")}, "must add up to at most 1"),
        ({"user_share": Decimal("0.5"), "assistant_share": Decimal("0.4"), "silence_share": Decimal("0.3")}, "add up to 1"),
        ({"user_share": Decimal("0.8"), "silence_share": Decimal("0.3")}, "add up to 1"),
        ({"text_turns": 3}, r"text_turns \(3\) must be between 0 and turns \(2\)"),
        ({"played_share": 0}, "played_share must be more than 0"),
        ({"instructions_tokens": -1}, "instructions_tokens must be between 0"),
        ({"cache": "some"}, "cache must be one of all, prefix, none, not 'some'"),
        ({"prefix_reuse": 2}, r"prefix_reuse must be between 0 and 1 \(or 0% and 100%\), not 2"),
        ({"session_minutes": 0}, "session_minutes must be between 1"),
    ],
)
def test_an_invalid_plan_is_rejected(fault: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Plan(**{"minutes": 2, "turns": 2, **fault})
