"""Check that a plan becomes a script whose turns add up to it exactly."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from tests.conversation.plans import PLANS
from tests.conversation.scripts import GA, PAGE
from voicebill.billing.errors import InvalidInput
from voicebill.conversation.context import duration_ms
from voicebill.conversation.plan import Plan, schedule_speech, script, spread_evenly, with_length
from voicebill.conversation.script import ToolCall


@given(PLANS)
def test_the_turns_add_up_to_the_plan_token_by_token(plan: Plan) -> None:
    turns = script(plan, GA).turns
    greeting = plan.first_speaker == "assistant"
    seconds = Decimal(plan.minutes) * 60
    user, assistant = plan.speech_shares
    assert len(turns) == plan.turns + greeting
    assert sum(turn.user_audio_tokens for turn in turns) == int(seconds * user * 10) + 5 * plan.turns
    played = [turn.reply_audio_tokens if turn.played_ms is None else turn.played_ms // 50 for turn in turns]
    assert sum(played) == int(seconds * assistant * 20)
    assert sum(len(turn.tool_calls) for turn in turns) == plan.tool_calls
    assert sum(len(turn.image_tokens) for turn in turns) == plan.images
    spoken = int(seconds * user * 10) * 100 + 500 * plan.turns + int(seconds * assistant * 20) * 50
    assert sum(duration_ms(turn, GA) for turn in turns) == max(seconds * 1000, spoken)


@given(PLANS)
def test_a_turn_is_never_more_than_three_times_its_mean_nor_less_than_a_third(plan: Plan) -> None:
    turns = script(plan, GA).turns
    mean = Decimal(plan.minutes) * 60 * plan.speech_shares[1] * 20 / len(turns)
    for turn in turns:
        played = turn.reply_audio_tokens if turn.played_ms is None else turn.played_ms // 50
        assert mean / 3 - 1 <= played <= mean * 3 + 1


def test_a_plan_always_becomes_the_same_script() -> None:
    """Of two turns one is as much above the mean as the other is below: 1 + 0.5 x (2 f - 1), and 1 minus it, f being
    0.618034 for the user and 0.754878 for the assistant.

    User: 240 x 1.118034 / 2 = 134.2, so 134 and 106. Assistant: 480 x 1.254878 / 2 = 301.2, so 301 and 179.
    """
    turns = script(Plan(minutes=1, turns=2), GA).turns
    assert [turn.user_audio_tokens - 5 for turn in turns] == [134, 106]
    assert [turn.reply_audio_tokens for turn in turns] == [301, 179]


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
    assert (first.user_audio_tokens, second.user_audio_tokens) == (0, 240 + 5)
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


def test_half_a_reply_is_interrupted_or_not_by_the_even_number() -> None:
    """Half of 5 replies is 2.5, and so 2, the second and the fourth; half of 7 is 3.5, and so 4, every other one."""
    for turn_count, interrupted in ((5, [1, 3]), (7, [0, 2, 4, 6])):
        turns = script(Plan(minutes=5, turns=turn_count, interrupted_share=Decimal("0.5")), GA).turns
        assert [index for index, turn in enumerate(turns) if turn.played_ms is not None] == interrupted


def test_one_played_token_of_0_4_of_a_reply_are_two_and_a_half_and_so_two() -> None:
    """0.1 of 600 ms is one token of 50 ms."""
    shares = {"user_share": 0, "assistant_share": Decimal("0.1"), "interrupted_share": 1, "played_share": Decimal("0.4")}
    (turn,) = script(Plan(minutes=Decimal("0.01"), turns=1, **shares), GA).turns  # type: ignore[arg-type]
    assert (turn.reply_audio_tokens, turn.played_ms) == (2, 50)


def test_silence_is_spread_evenly_to_the_millisecond() -> None:
    """A fifth of 10 minutes in 7 turns is 17,142.86 ms each. 0.000075 minutes are 4.5 ms, and so 4."""
    silence = [turn.silence_ms for turn in script(Plan(minutes=10, turns=7), PAGE).turns]
    assert (sum(silence), set(silence)) == (120_000, {17_142, 17_143})
    short = Plan(minutes=Decimal("0.000075"), turns=1, user_share=0, assistant_share=0)
    assert schedule_speech(short, PAGE, 1).silence_ms == [4]


def test_if_all_turns_are_typed_nobody_speaks() -> None:
    turns = script(Plan(minutes=5, turns=3, text_turns=3, first_speaker="assistant"), GA).turns
    assert [(turn.user_text_tokens, turn.reply_text_tokens, turn.user_audio_tokens) for turn in turns] == [
        (0, None, 0),
        *[(20, 60, 0)] * 3,
    ]
    assert [turn.reply_audio_tokens for turn in turns] == [5 * 60 * 20 * 2 // 5, 0, 0, 0]
    silent = script(Plan(minutes=5, turns=3, text_turns=3), GA).turns
    assert [(turn.user_audio_tokens, turn.reply_audio_tokens) for turn in silent] == [(0, 0)] * 3


def test_counts_grow_with_the_turns_half_to_even() -> None:
    """3 x 30 / 20 is 4.5, and so 4; 5 x 1.5 is 7.5, and so 8. If all turns are typed, all of the longer plan are."""
    plan = Plan(minutes=10, turns=20, tool_calls=3, text_turns=3, images=2)
    longer = with_length(plan, 30, 15)
    assert (longer.turns, longer.minutes, longer.tool_calls, longer.text_turns, longer.images) == (30, 15, 4, 4, 3)
    assert with_length(replace(plan, tool_calls=5, text_turns=5), 30, 15).tool_calls == 8
    assert with_length(replace(plan, text_turns=20), 7, 3).text_turns == 7
    assert with_length(replace(plan, text_turns=19), 1, 1).text_turns == 1


@pytest.mark.parametrize(
    ("count", "places", "spread"), [(2, 5, [0, 1, 0, 1, 0]), (3, 2, [2, 1]), (1, 4, [0, 1, 0, 0]), (0, 2, [0, 0])]
)
def test_a_count_is_spread_over_places(count: int, places: int, spread: list[int]) -> None:
    """The sum up to a place is rounded half up: of 3 over 2 it is 1.5, so 2, then 3; of 1 over 4 it is 0.25, 0.5, so 1."""
    assert spread_evenly(count, places) == spread


@pytest.mark.parametrize(
    ("overrides", "filled"),
    [
        ({}, ("0.4", "0.4", "0.2")),
        ({"user_share": "0.3"}, ("0.3", "0.4", "0.3")),
        ({"user_share": "0.9"}, ("0.9", "0.1", "0")),
        ({"assistant_share": "0.75"}, ("0.25", "0.75", "0")),
        ({"silence_share": "0.5"}, ("0.25", "0.25", "0.5")),
        ({"silence_share": "0.5", "user_share": "0.1"}, ("0.1", "0.4", "0.5")),
        ({"silence_share": "0.3", "user_share": "0.1"}, ("0.1", "0.6", "0.3")),
        ({"silence_share": "0.3", "assistant_share": "0.1"}, ("0.6", "0.1", "0.3")),
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
        ({"interrupted_share": None}, "interrupted_share must be a number, not nothing"),
        ({"instructions_tokens": -1}, "instructions_tokens must be between 0"),
        ({"cache": "some"}, "cache must be one of all, prefix, none, not 'some'"),
        ({"prefix_reuse": 2}, r"prefix_reuse must be between 0 and 1 \(or 0% and 100%\), not 2"),
        ({"session_minutes": 0}, "session_minutes must be between 1"),
    ],
)
def test_an_invalid_plan_is_rejected(fault: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Plan(**{"minutes": 2, "turns": 2, **fault})


@pytest.mark.parametrize(("first_speaker", "turns"), [("user", 1), ("assistant", 2)])
def test_a_call_that_ends_with_the_session_has_at_least_the_greeting_and_one_turn(first_speaker: Any, turns: int) -> None:
    """A session of a minute ends during the greeting, or the only turn, of a call of 45 minutes."""
    plan = Plan(minutes=45, turns=1, first_speaker=first_speaker, session_minutes=1, calls_end_with_session=True)
    assert len(script(plan, GA).turns) == turns
