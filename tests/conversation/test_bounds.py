"""Check that every count of a conversation is accepted up to its bounds and rejected by name beyond them."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.conversation.scripts import GA
from voicebill.billing.errors import InvalidInput
from voicebill.conversation.plan import Plan
from voicebill.conversation.rules import parse_parameter
from voicebill.conversation.script import Script, ToolCall, Truncation, Turn

TOKENS = 10_000_000
DAY_MS = 86_400_000
SPOKEN = Turn(user_audio_tokens=5, reply_audio_tokens=5)
CONTEXT: dict[str, Any] = {
    "user_audio_ms": {"user_audio_tokens": 0},
    "reply_audio_ms": {"reply_audio_tokens": 0},
}
"""What a count of a turn excludes."""


def make_turn(name: str, value: Any) -> Turn:
    return replace(SPOKEN, **CONTEXT.get(name, {}), **{name: value})


def make_plan(name: str, value: Any) -> Plan:
    return Plan(**{"minutes": 1, "turns": 20_000, name: value})


def make_script(name: str, value: Any) -> Script:
    return Script(**{"turns": (SPOKEN,), name: value})


def make_call(name: str, value: Any) -> ToolCall:
    return ToolCall(**{"arguments_tokens": 1, "result_tokens": 1, name: value})


def make_truncation(name: str, value: Any) -> Truncation:
    return Truncation(**{name: value})


BOUNDS: list[tuple[Callable[[str, Any], object], str, int, int]] = [
    (make_turn, "user_audio_tokens", 0, TOKENS),
    (make_turn, "user_audio_ms", 0, DAY_MS),
    (make_turn, "user_transcript_tokens", 0, TOKENS),
    (make_turn, "user_text_tokens", 0, TOKENS),
    (make_turn, "reply_audio_tokens", 0, TOKENS),
    (make_turn, "reply_audio_ms", 0, DAY_MS),
    (make_turn, "reply_text_tokens", 0, TOKENS),
    (make_turn, "reply_transcript_tokens", 0, TOKENS),
    (make_turn, "reasoning_tokens", 0, TOKENS),
    (make_turn, "played_ms", 0, DAY_MS),
    (make_turn, "silence_ms", 0, DAY_MS),
    (make_call, "arguments_tokens", 0, TOKENS),
    (make_call, "result_tokens", 0, TOKENS),
    (make_truncation, "post_instructions_tokens", 1, TOKENS),
    (make_script, "instructions_tokens", 0, TOKENS),
    (make_script, "tools_tokens", 0, TOKENS),
    (make_script, "session_minutes", 1, 1_440),
    (make_plan, "instructions_tokens", 0, TOKENS),
    (make_plan, "session_minutes", 1, 1_440),
    (make_plan, "turns", 1, 20_000),
    (make_plan, "tool_calls", 0, 20_000),
    (make_plan, "arguments_tokens", 0, TOKENS),
    (make_plan, "result_tokens", 0, TOKENS),
    (make_plan, "images", 0, 1_000),
    (make_plan, "image_tiles", 0, 1_000),
    (make_plan, "text_turns", 0, 20_000),
    (make_plan, "text_turn_user_tokens", 0, TOKENS),
    (make_plan, "text_turn_reply_tokens", 0, TOKENS),
    (make_plan, "reasoning_tokens", 0, TOKENS),
]


@pytest.mark.parametrize(("make", "name", "low", "high"), BOUNDS, ids=[f"{make.__name__}-{name}" for make, name, *_ in BOUNDS])
def test_a_count_is_a_whole_number_within_its_bounds(
    make: Callable[[str, Any], object], name: str, low: int, high: int
) -> None:
    needs_other = {"user_audio_tokens", "reply_audio_tokens"}  # 0 of them is valid, with or without the other fields
    for value in (low, high):
        if not (value == 0 and name in needs_other) and not (name == "reply_audio_ms" and value == 0):
            assert getattr(make(name, value), name) == value
    for value in (low - 1, high + 1):
        with pytest.raises(InvalidInput, match=f"{name} must be between {low:,} and {high:,}, not {value:,}"):
            make(name, value)
    for fault in (1.5, True, "5"):
        with pytest.raises(InvalidInput, match=f"{name} must be a whole number"):
            make(name, fault)


@pytest.mark.parametrize(
    "name", ["user_audio_tokens", "user_text_tokens", "reply_audio_tokens", "reasoning_tokens", "silence_ms"]
)
def test_a_count_with_a_default_cannot_be_nothing(name: str) -> None:
    with pytest.raises(InvalidInput, match=f"{name} must be a whole number, not nothing"):
        replace(SPOKEN, **{name: None})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("cache_block_tokens", 1, 10**9), ("user_audio_ms_per_token", 1, 10**9), ("reply_audio_ms_per_token", 1, 10**9)]
    + [("context_tokens", 0, 10**9), ("session_minutes", 0, 10**9), ("characters_per_token", 0, 10**9)]
    + [(name, 0, 1) for name in ("cache_reuse_share", "turn_variation", "delegated_share", "standby_share")],
)
def test_a_rule_is_accepted_up_to_its_bounds(name: str, low: int, high: int) -> None:
    assert [parse_parameter(name, str(value)) for value in (low, high)] == [low, high]
    for value in (low - 1, high + 1):
        with pytest.raises(InvalidInput, match=f"{name} must be a.* between {low} and {high:,}, not '{value}'"):
            parse_parameter(name, str(value))


def test_a_rule_has_at_most_eighteen_decimals() -> None:
    assert parse_parameter("characters_per_token", "0.000000000000000001") == Decimal("1e-18")
    with pytest.raises(InvalidInput, match="characters_per_token must be a number"):
        parse_parameter("characters_per_token", "0.0000000000000000001")


@pytest.mark.parametrize("name", ["user_share", "assistant_share", "silence_share", "interrupted_share"])
def test_a_share_of_a_plan_is_from_0_to_1(name: str) -> None:
    others = {"user_share": 0, "assistant_share": 0} if name == "interrupted_share" else {}
    for value in (0, 1):
        assert getattr(Plan(minutes=1, turns=1, **others, **{name: value}), name) == value  # type: ignore[arg-type]
    for fault in ("-0.000001", "1.000001"):
        with pytest.raises(InvalidInput, match=f"{name} must be between 0 and 1"):
            Plan(minutes=1, turns=1, **{name: Decimal(fault)})  # type: ignore[arg-type]


def test_a_plan_lasts_more_than_nothing_and_a_day_at_most() -> None:
    assert [Plan(minutes=minutes, turns=1).minutes for minutes in (Decimal("0.001"), 1440)] == [Decimal("0.001"), 1440]
    for fault in (0, -1, Decimal("1440.001")):
        with pytest.raises(InvalidInput, match="minutes must be more than 0 and at most 1,440"):
            Plan(minutes=fault, turns=1)


def test_the_played_share_is_more_than_nothing_and_at_most_everything() -> None:
    assert [Plan(minutes=1, turns=1, played_share=share).played_share for share in (Decimal("0.01"), 1)] == [Decimal("0.01"), 1]
    for fault in (0, Decimal("1.01"), None):
        with pytest.raises(InvalidInput, match="played_share must be"):
            Plan(minutes=1, turns=1, played_share=fault)  # type: ignore[arg-type]


def test_all_turns_may_be_typed() -> None:
    assert Plan(minutes=1, turns=3, text_turns=3).text_turns == 3
    with pytest.raises(InvalidInput, match=r"text_turns \(4\) must be between 0 and turns \(3\)"):
        Plan(minutes=1, turns=3, text_turns=4)


def test_a_script_has_at_most_twenty_thousand_turns_and_a_thousand_images() -> None:
    assert len(Script(turns=(SPOKEN,) * 20_000).turns) == 20_000
    with pytest.raises(InvalidInput, match="at most 20,000 turns, not 20,001"):
        Script(turns=(SPOKEN,) * 20_001)
    with pytest.raises(InvalidInput, match="at least one turn"):
        Script(turns=())
    seen = replace(SPOKEN, image_tokens=(65,) * 500)
    assert len(Script(turns=(seen, seen)).turns) == 2
    with pytest.raises(InvalidInput, match="at most 1,000 images, not 1,001"):
        Script(turns=(seen, seen, replace(SPOKEN, image_tokens=(65,))))


@pytest.mark.parametrize("tokens", [1, TOKENS])
def test_an_image_has_at_least_one_token(tokens: int) -> None:
    assert replace(SPOKEN, image_tokens=(tokens,)).image_tokens == (tokens,)
    for fault in (0, TOKENS + 1):
        with pytest.raises(InvalidInput, match="image_tokens must be between 1 and 10,000,000"):
            replace(SPOKEN, image_tokens=(tokens, fault))


@pytest.mark.parametrize(
    ("make", "name", "fault"),
    [
        (make_turn, "cancelled", 1),
        (make_turn, "image_tokens", [194]),
        (make_turn, "tool_calls", [ToolCall(1, 1)]),
        (make_turn, "tool_calls", ((1, 1),)),
        (make_script, "turns", [SPOKEN]),
        (make_script, "turns", (SPOKEN, "spoken")),
        (make_script, "warm_cache", 1),
        (make_script, "transcription_model", 5),
        (make_script, "truncation", "auto"),
        (make_script, "cache", "some"),
        (make_script, "session_carryover", "everything"),
        (make_script, "transport", "telegraph"),
        (make_plan, "warm_cache", "yes"),
        (make_plan, "cache", "some"),
        (make_plan, "first_speaker", "nobody"),
        (make_truncation, "mode", "sometimes"),
    ],
)
def test_a_value_of_the_wrong_type_or_an_unknown_choice_is_rejected_by_name(
    make: Callable[[str, Any], object], name: str, fault: Any
) -> None:
    with pytest.raises(InvalidInput, match=f"{name} must be"):
        make(name, fault)


@pytest.mark.parametrize("more", [{"retention_ratio": Decimal("0.8")}, {"post_instructions_tokens": 8000}], ids=str)
def test_disabled_truncation_has_no_further_settings(more: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="truncation is disabled: leave out retention_ratio and post_instructions_tokens"):
        Truncation("disabled", **more)
    assert Truncation("disabled").mode == "disabled"
    assert Truncation("disabled", 1).retention_ratio == 1
    with pytest.raises(InvalidInput, match="retention_ratio must be between 0 and 1"):
        Truncation("auto", Decimal("1.01"))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"user_audio_tokens": 5, "user_audio_ms": 500}, "user_audio_tokens and user_audio_ms"),
        ({"user_audio_tokens": 5, "user_audio_ms": 0}, "user_audio_tokens and user_audio_ms"),
        ({"user_audio_tokens": 0, "user_transcript_tokens": 3}, "user_transcript_tokens needs user audio"),
        ({"reply_audio_tokens": 5, "reply_audio_ms": 250}, "reply_audio_tokens and reply_audio_ms"),
        ({"reply_audio_tokens": 0}, "no reply"),
        ({"reply_audio_tokens": 0, "reply_audio_ms": 0}, "no reply"),
        ({"reply_audio_tokens": 0, "reply_text_tokens": 3, "played_ms": 0}, "played_ms needs a spoken reply"),
        ({"reply_audio_tokens": 0, "reply_text_tokens": 3, "reply_transcript_tokens": 3}, "reply_transcript_tokens needs"),
        *(
            ({"reply_audio_tokens": 0, "cancelled": True, name: 1}, "a turn cancelled before any output has no reply")
            for name in ("reply_audio_ms", "reply_text_tokens", "reply_transcript_tokens", "reasoning_tokens")
        ),
    ],
    ids=str,
)
def test_fields_that_contradict_each_other_are_rejected(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        replace(SPOKEN, **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"user_audio_tokens": 0, "user_audio_ms": 500, "user_transcript_tokens": 3},
        {"user_transcript_tokens": 3},
        {"reply_audio_tokens": 0, "reply_text_tokens": 0},
        {"reply_audio_tokens": 0, "cancelled": True, "reply_text_tokens": 0},
        {"reply_audio_tokens": 0, "reply_audio_ms": 250, "reply_transcript_tokens": 2, "played_ms": 0},
    ],
    ids=str,
)
def test_fields_that_agree_are_accepted(fields: dict[str, Any]) -> None:
    turn = replace(SPOKEN, **fields)
    assert {name: getattr(turn, name) for name in fields} == fields


def test_padding_is_counted_in_full_tokens() -> None:
    """300 ms before and 200 ms after speech are 5 tokens of 100 ms; 50 ms less are 4."""
    assert (GA.padding_tokens, replace(GA, vad_silence_ms=150).padding_tokens) == (5, 4)
