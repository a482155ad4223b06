"""Check the input of every response against the literal definition and against worked cases."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.cases import case_file
from tests.conversation.literal import ReferenceContext
from tests.conversation.scripts import GA, PREVIEW, RULES, rules_of, run, scripts, turns
from voicebill.billing.errors import ContextOverflow, InvalidInput
from voicebill.conversation.context import responses
from voicebill.conversation.history import Tokens
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script, ToolCall, Truncation, Turn

GOLDEN = [(1026, 16), (1102, 292), (1159, 350), (1210, 409), (1251, 374), (1288, 357)]
GOLDEN_TURNS = tuple(
    Turn(user_audio_tokens=user, reply_audio_tokens=audio, reply_text_tokens=text, reply_transcript_tokens=transcript)
    for user, audio, text, transcript in [
        (16, 219, 66, 48),
        (57, 218, 63, 45),
        (59, 245, 57, 37),
        (32, 150, 49, 33),
        (60, 113, 41, 27),
        (20, 203, 54, 36),
    ]
)


def test_all_twelve_input_counts_of_the_recorded_session_are_exact() -> None:
    script = Script(instructions_tokens=1018, turns=GOLDEN_TURNS)
    assert [(response.input.text, response.input.audio) for response in responses(script, GA)] == GOLDEN


def test_keeping_all_audio_would_overstate_the_last_input_three_times() -> None:
    script = Script(instructions_tokens=1018, turns=GOLDEN_TURNS)
    last = list(responses(script, PREVIEW))[-1]
    assert last.input.audio == 16 + 219 + 57 + 218 + 59 + 245 + 32 + 150 + 60 + 113 + 20
    assert round(last.input.audio / 357, 1) == 3.3


@given(scripts(), RULES)
def test_running_sums_equal_the_history_written_out(script: Script, rules: Rules) -> None:
    """The implementation uses running sums; the definition reads the whole history again."""
    actual = [response for response in run(script, rules) if sum(response.input)]
    assume(actual)
    expected = [read for read in ReferenceContext(script, rules).responses() if sum(read.input)]
    assert [(r.turn, tuple(r.input), tuple(r.common_prefix), tuple(r.previously_seen)) for r in actual] == [
        (w.turn, w.input, w.common_prefix, w.previously_seen) for w in expected
    ]


@given(scripts(), RULES)
def test_parts_never_exceed_the_whole_and_nothing_is_negative(script: Script, rules: Rules) -> None:
    for response in run(script, rules):
        for part in (response.unseen, response.common_prefix, response.previously_seen):
            assert all(0 <= some <= limit for some, limit in zip(part, response.input, strict=True))
        assert all(some <= limit for some, limit in zip(response.common_prefix, response.previously_seen, strict=True))
        assert sum(response.images) == response.input.image


@given(scripts(), RULES)
def test_a_history_never_exceeds_its_budget(script: Script, rules: Rules) -> None:
    room = script.truncation.post_instructions_tokens
    fixed = script.instructions_tokens + script.tools_tokens
    for response in run(script, rules):
        assert room is None or sum(response.input) - fixed <= room


@given(scripts(), turns(), RULES)
def test_a_later_turn_changes_nothing_before_it(script: Script, turn: Turn, rules: Rules) -> None:
    longer = Script(
        instructions_tokens=script.instructions_tokens,
        tools_tokens=script.tools_tokens,
        turns=(*script.turns, turn),
        truncation=script.truncation,
        session_minutes=script.session_minutes,
        session_carryover=script.session_carryover,
        warm_cache=script.warm_cache,
    )
    both = run(longer, rules)
    assert not both or both[: len(run(script, rules))] == run(script, rules)


def test_a_turn_after_the_message_before_last_has_shrunk_reuses_only_what_came_before_it() -> None:
    script = Script(instructions_tokens=1018, turns=GOLDEN_TURNS[:3])
    third = list(responses(script, GA))[2]
    assert third.common_prefix == Tokens(1018 + 8, 16, 0)
    assert third.previously_seen == Tokens(1018 + 8 + 52 + 8 + 65, 16 + 57 + 218, 0)


def test_the_last_spoken_reply_keeps_its_audio_through_tool_rounds() -> None:
    call = ToolCall(20, 30)
    script = Script(
        instructions_tokens=100,
        turns=(
            Turn(user_audio_tokens=50, reply_audio_tokens=100, reply_text_tokens=30),
            Turn(user_audio_tokens=40, tool_calls=(call, call), reply_audio_tokens=60, reply_text_tokens=20),
        ),
    )
    assert [response.input.audio for response in responses(script, GA)] == [50, 190, 190, 190]


def test_tools_on_the_model_that_was_recorded_cost_more_than_their_text() -> None:
    newest = rules_of("gpt-realtime-2.1")
    script = Script(instructions_tokens=100, tools_tokens=50, turns=(Turn(user_audio_tokens=50, reply_audio_tokens=100),))
    texts = [next(responses(script, rules)).input.text for rules in (GA, newest)]
    assert texts == [158, 158 + 285]


HOUR = case_file("hour.toml")


@pytest.fixture(scope="module")
def hour() -> Script:
    turn = Turn(user_audio_tokens=42, reply_text_tokens=48, silence_ms=4_800)
    return Script(
        instructions_tokens=1000, turns=(turn,) * 400, truncation=Truncation("auto", Decimal("0.8"), 8000), cache="none"
    )


def test_an_hour_of_four_hundred_turns_is_truncated_as_worked_out(hour: Script) -> None:
    results = list(responses(hour, GA))
    cuts = {response.turn: response.dropped for response in results if response.dropped}
    assert cuts == {81: 33, **dict.fromkeys(range(98, 401, 17), 34)}
    kept = {sum(response.input) - 1000 for response in results if response.dropped}
    assert kept == {6400}
    assert {response.common_prefix for response in results if response.dropped} == {Tokens(1000, 0, 0)}
    assert sum(response.input.text for response in results) == HOUR["text_in"]
    assert sum(response.input.audio for response in results) == HOUR["audio_in"]


@pytest.mark.parametrize("percent", range(0, 101, 5))
@pytest.mark.parametrize("rules", [GA, PREVIEW], ids=["last-assistant-audio", "keep-all"])
def test_every_retention_ratio_holds_for_an_hour(percent: int, rules: Rules) -> None:
    turn = Turn(user_audio_tokens=48, reply_audio_tokens=72, silence_ms=1_400)
    ratio = Decimal(percent) / 100
    script = Script(instructions_tokens=1000, turns=(turn,) * 400, truncation=Truncation("auto", ratio))
    for response in responses(script, rules):
        assert min(*response.input, *response.common_prefix, *response.previously_seen, *response.unseen) >= 0
        assert sum(response.input) <= rules.input_limit_tokens


def test_at_a_retention_ratio_of_zero_the_newest_item_stays() -> None:
    turn = Turn(user_audio_tokens=300, reply_audio_tokens=300, reply_text_tokens=75)
    script = Script(instructions_tokens=0, turns=(turn,) * 3, truncation=Truncation("auto", Decimal(0), 700))
    cut = [response for response in responses(script, GA) if response.dropped]
    assert [response.input for response in cut] == [Tokens(8, 300, 0)] * 2


def test_a_message_that_does_not_fit_is_an_error() -> None:
    script = Script(instructions_tokens=100, turns=(Turn(user_text_tokens=30_000, reply_text_tokens=5),))
    with pytest.raises(ContextOverflow, match=r"turn 1: one message of 30,004 tokens is more than the 28,124 that fit"):
        list(responses(script, GA))


def test_instructions_that_fill_the_input_are_an_error() -> None:
    script = Script(instructions_tokens=30_000, turns=(Turn(user_audio_tokens=5, reply_text_tokens=5),))
    with pytest.raises(ContextOverflow, match=r"instructions and tools \(30,000 tokens\) leave no room"):
        list(responses(script, GA))


def test_without_truncation_a_full_context_is_an_error() -> None:
    turn = Turn(user_text_tokens=10_000, reply_text_tokens=10)
    script = Script(instructions_tokens=100, turns=(turn,) * 3, truncation=Truncation("disabled"))
    with pytest.raises(ContextOverflow, match=r"turn 3: .* 30,136 tokens, more than the model's limit of 28,224, .* disabled"):
        list(responses(script, GA))


def test_azures_newest_models_ignore_the_truncation_setting() -> None:
    rules = rules_of("gpt-realtime-2.1", provider="azure")
    turn = Turn(user_text_tokens=10_000, reply_text_tokens=10)
    script = Script(turns=(turn,) * 12, truncation=Truncation("auto", Decimal("0.5"), 4000))
    with pytest.raises(ContextOverflow, match=r"turn 10: .* this provider ignores the truncation setting"):
        list(responses(script, rules))


def test_no_more_than_the_reply_can_be_played() -> None:
    script = Script(turns=(Turn(user_audio_tokens=5, reply_audio_tokens=219, played_ms=12_000),))
    with pytest.raises(InvalidInput, match=r"turn 1: 12 s played are more than the reply's 10.95 s"):
        list(responses(script, GA))


@pytest.mark.parametrize(("turn_count", "sessions"), [(120, 1), (121, 2), (240, 2), (241, 3)])
def test_a_turn_belongs_to_the_session_in_which_its_middle_falls(turn_count: int, sessions: int) -> None:
    """Turns of 10 s + 10 s + 10 s in sessions of an hour: 120 fill one, the 121st begins the next."""
    turn = Turn(user_audio_tokens=100, reply_audio_tokens=200, silence_ms=10_000)
    results = list(responses(Script(turns=(turn,) * turn_count, session_minutes=60), GA))
    assert results[-1].session == sessions
    assert [response.turn for response in results if response.session == 2][:1] == ([121] if sessions > 1 else [])


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"user_audio_tokens": -1}, "user_audio_tokens must be between 0 and 10,000,000, not -1"),
        ({"user_audio_tokens": 5, "user_audio_ms": 500, "reply_text_tokens": 1}, "say the same thing: give one"),
        ({"user_audio_tokens": 5}, "no reply: give reply_audio_tokens, reply_audio_ms or reply_text_tokens"),
        ({"reply_text_tokens": 5, "user_transcript_tokens": 5}, "user_transcript_tokens needs user audio"),
        ({"reply_text_tokens": 5, "reply_transcript_tokens": 5}, "reply_transcript_tokens needs a spoken reply"),
        ({"played_ms": 5, "reply_text_tokens": 5}, "played_ms needs a spoken reply"),
        ({"cancelled": True, "reply_audio_tokens": 5}, "cancelled before any output has no reply"),
        ({"image_tokens": (0,), "reply_text_tokens": 1}, "image_tokens must be between 1"),
    ],
)
def test_an_invalid_turn_is_rejected(fault: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Turn(**fault)


def test_text_carried_into_a_new_session_is_not_unseen() -> None:
    """Only the second turn's message is unseen: 8 text and 200 audio tokens. The new session has nothing cached."""
    turn = Turn(user_audio_tokens=200, user_transcript_tokens=30, reply_audio_tokens=600)
    first, second = responses(Script(instructions_tokens=100, turns=(turn, turn), session_minutes=1), GA)
    assert (first.unseen, second.unseen) == (Tokens(8, 200, 0), Tokens(8, 200, 0))
    assert second.common_prefix == second.previously_seen == Tokens()


@given(st.integers(1, 40))
def test_a_greeting_reads_the_instructions_alone(audio: int) -> None:
    script = Script(instructions_tokens=500, turns=(Turn(reply_audio_tokens=audio),))
    assert next(responses(script, GA)).input == Tokens(500, 0, 0)
