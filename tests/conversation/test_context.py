"""Check the input of every response against the literal definition and against worked cases."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.cases import case_file
from tests.conversation.literal import ReferenceContext
from tests.conversation.scripts import GA, PAGE, PREVIEW, RULES, changing_scripts, rules_of, run, scripts, turns
from voicebill.billing.errors import ContextOverflow, InvalidInput
from voicebill.conversation.context import ContextBudget, duration_ms, fixed_tokens, responses
from voicebill.conversation.history import History, Item, Tokens
from voicebill.conversation.plan import Plan
from voicebill.conversation.plan import script as expand_plan
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script, ToolCall, Truncation, Turn
from voicebill.conversation.work import counted_steps

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


@given(scripts() | changing_scripts(), RULES)
def test_running_sums_equal_the_history_written_out(script: Script, rules: Rules) -> None:
    """The implementation uses running sums; the definition reads the whole history again."""
    actual = [response for response in run(script, rules) if sum(response.input)]
    assume(actual)
    expected = [read for read in ReferenceContext(script, rules).responses() if sum(read.input)]
    assert [(r.turn, tuple(r.input), tuple(r.unseen), tuple(r.common_prefix), tuple(r.previously_seen)) for r in actual] == [
        (w.turn, w.input, w.unseen, w.common_prefix, w.previously_seen) for w in expected
    ]


@given(scripts() | changing_scripts(), RULES)
def test_parts_never_exceed_the_whole_and_nothing_is_negative(script: Script, rules: Rules) -> None:
    for response in run(script, rules):
        for part in (response.unseen, response.common_prefix, response.previously_seen):
            assert all(0 <= some <= limit for some, limit in zip(part, response.input, strict=True))
        assert all(some <= limit for some, limit in zip(response.common_prefix, response.previously_seen, strict=True))
        assert sum(response.images) == response.input.image


@given(scripts(), RULES)
def test_a_history_never_exceeds_its_budget(script: Script, rules: Rules) -> None:
    room = script.truncation.post_instructions_tokens
    fixed = fixed_tokens(script, rules)
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
    assert texts == [100 + 38 + 8, 7 + 100 + 38 + 278 + 8]


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


@pytest.mark.parametrize(("silence_ms", "session"), [(19_998, 1), (20_000, 2)])
def test_a_middle_on_the_limit_belongs_to_the_next_session(silence_ms: int, session: int) -> None:
    """Sessions of a minute: after 50 s, a turn of 20 s has its middle at 60 s, and one of 19.998 s at 59.999 s."""
    silent = Turn(reply_text_tokens=1, silence_ms=50_000)
    script = Script(turns=(silent, Turn(reply_text_tokens=1, silence_ms=silence_ms)), session_minutes=1)
    assert [response.session for response in responses(script, GA)] == [1, session]


def test_a_first_turn_that_outlasts_its_session_is_in_the_first_session() -> None:
    """Its middle is at 90 s, in the second minute; the cache is as warm as at the start."""
    turn = Turn(user_audio_tokens=5, reply_text_tokens=1, silence_ms=180_000)
    first, second = responses(Script(instructions_tokens=500, turns=(turn, turn), session_minutes=1, warm_cache=True), GA)
    assert (first.session, first.common_prefix, first.previously_seen) == (1, Tokens(500, 0, 0), Tokens(500, 0, 0))
    assert (second.session, second.common_prefix, second.previously_seen) == (2, Tokens(), Tokens())


PLAYED = Turn(
    user_audio_tokens=100,
    user_transcript_tokens=30,
    reply_audio_tokens=200,
    reply_text_tokens=55,
    reply_transcript_tokens=40,
    played_ms=3_000,
    silence_ms=60_000,
)
"""10 s of speech and 3 of 10 s of a reply: of its 40 tokens of transcript 12 are played."""
TYPED = Turn(user_text_tokens=7, reply_text_tokens=9, silence_ms=60_000)


@pytest.mark.parametrize(
    ("of_script", "of_rules", "texts"),
    [
        (None, "text", [108, 159]),
        (None, "nothing", [108, 111]),
        ("text", "nothing", [108, 159]),
        ("nothing", "text", [108, 111]),
    ],
)
def test_the_next_session_starts_with_what_was_said_as_text_or_with_nothing(
    of_script: Any, of_rules: Any, texts: list[int]
) -> None:
    """An audio message has 8 tokens of text. Then, as text, 4 + 30 of it and 2 + 12 of the reply, and 4 + 7 of a typed message:
    100 + 34 + 14 + 11 = 159. Without them 100 + 11 = 111.
    """
    turns = (PLAYED, TYPED)
    script = Script(instructions_tokens=100, turns=turns, session_minutes=1, session_carryover=of_script)
    assert [response.input.text for response in responses(script, replace(GA, session_carryover=of_rules))] == texts


def test_a_cancelled_turn_reads_and_writes_nothing_and_its_message_stays() -> None:
    cancelled = Turn(user_audio_tokens=50, cancelled=True)
    script = Script(instructions_tokens=100, turns=(cancelled, Turn(user_audio_tokens=40, reply_text_tokens=9)))
    nothing, second = responses(script, GA)
    assert (nothing.status, nothing.input, nothing.text_out, nothing.audio_out, nothing.session) == (
        "cancelled",
        Tokens(),
        *(0, 0, 1),
    )
    assert (nothing.reasoning, nothing.dropped, nothing.images, nothing.unseen) == (0, 0, (), Tokens())
    assert (second.input, second.unseen) == (Tokens(100 + 8 + 8, 50 + 40, 0), Tokens(8 + 8, 50 + 40, 0))


def test_images_are_listed_in_order_and_reasoning_is_part_of_the_text() -> None:
    turn = Turn(user_text_tokens=6, image_tokens=(194, 65), reply_text_tokens=9, reasoning_tokens=20)
    first, second = responses(Script(turns=(turn, replace(turn, image_tokens=()))), GA)
    assert (first.input, first.images, first.dropped) == (Tokens(10, 0, 259), (194, 65), 0)
    assert (first.text_out, first.reasoning) == (9 + 20, 20)
    assert (second.input, second.images) == (Tokens(10 + 11 + 10, 0, 259), (194, 65))


def test_a_turn_lasts_as_long_as_what_is_committed_played_and_silent() -> None:
    """10 s + 10 s of a reply + 1 s; 10 s + 3 s of it played + 1 s."""
    spoken = Turn(user_audio_tokens=100, reply_audio_tokens=200, silence_ms=1_000)
    assert [duration_ms(turn, GA) for turn in (spoken, replace(spoken, played_ms=3_000), replace(spoken, played_ms=0))] == [
        *(21_000, 14_000, 11_000)
    ]


def test_a_reply_too_short_for_a_token_can_be_interrupted() -> None:
    """49 ms are no full token of 50 ms."""
    turn = Turn(user_audio_tokens=5, reply_audio_ms=49, played_ms=0)
    assert [response.audio_out for response in responses(Script(turns=(turn, turn)), GA)] == [0, 0]


def test_instructions_tools_and_framing_are_fixed() -> None:
    """50 tokens of schemas are billed as 0.76 x 50 = 38, and 278 for the first tool; the web calculator counts neither."""
    newest = replace(rules_of("gpt-realtime-2.1"), conversation_tokens=3)
    settings = [Script(instructions_tokens=100, tools_tokens=tools, turns=(TYPED,)) for tools in (0, 50)]
    assert [fixed_tokens(one, newest) for one in settings] == [103, 103 + 38 + 278]
    assert [fixed_tokens(one, replace(PAGE, conversation_tokens=3)) for one in settings] == [3, 3]


@pytest.mark.parametrize(
    ("input_limit", "context", "limit"),
    [(28_224, 32_000, 28_224), (32_000, 28_224, 28_224), (0, 32_000, 32_000), (28_224, 0, 28_224)],
)
def test_the_smaller_limit_applies_and_none_is_no_limit(input_limit: int, context: int, limit: int) -> None:
    rules = replace(GA, input_limit_tokens=input_limit, context_tokens=context)
    assert ContextBudget(Script(instructions_tokens=limit - 1, turns=(TYPED,)), rules).tokens == 1
    with pytest.raises(ContextOverflow, match=f"leave no room in an input of {limit:,} tokens"):
        ContextBudget(Script(instructions_tokens=limit, turns=(TYPED,)), rules)


def test_without_limits_an_hour_of_a_million_tokens_fits() -> None:
    rules = replace(GA, input_limit_tokens=0, context_tokens=0)
    turn = Turn(user_text_tokens=1_000_000, reply_text_tokens=1)
    texts = [response.input.text for response in responses(Script(instructions_tokens=10, turns=(turn,) * 3), rules)]
    assert texts == [10 + 1_000_004, 10 + 2 * 1_000_004 + 3, 10 + 3 * 1_000_004 + 6]


def test_a_budget_is_the_smaller_of_what_is_set_and_what_fits() -> None:
    """28,224 - 100 fit. 0.8 of a budget of 8,001 is 6,400.8, of which 6,400 are kept."""
    for post, tokens, target in ((None, 28_124, 22_499), (8_001, 8_001, 6_400), (28_125, 28_124, 22_499)):
        script = Script(instructions_tokens=100, turns=(TYPED,), truncation=Truncation("auto", Decimal("0.8"), post))
        budget = ContextBudget(script, GA)
        assert (budget.tokens, budget.target_tokens) == (tokens, target)


@pytest.mark.parametrize(("text", "image"), [(7_997, 0), (1, 8_001)])
def test_a_newest_message_that_alone_exceeds_the_budget_is_an_error(text: int, image: int) -> None:
    """A message of text has 4 tokens of framing; an image message has none."""
    second = Turn(user_text_tokens=text, image_tokens=(), reply_text_tokens=5)
    if image:
        second = Turn(image_tokens=(image,), reply_text_tokens=5)
    script = Script(turns=(TYPED, second), truncation=Truncation("auto", 1, 8_000))
    with pytest.raises(ContextOverflow, match=r"turn 2: one message of 8,001 tokens is more than the 8,000 that fit"):
        list(responses(script, GA))


def test_a_newest_message_that_exactly_fits_replaces_all_others() -> None:
    script = Script(turns=(TYPED, Turn(user_text_tokens=7_996, reply_text_tokens=5)), truncation=Truncation("auto", 1, 8_000))
    last = list(responses(script, GA))[-1]
    assert (last.input, last.dropped, last.unseen) == (Tokens(8_000, 0, 0), 2, Tokens(8_000, 0, 0))


def test_a_history_that_exactly_fits_is_not_truncated() -> None:
    """11 + 11 of the first turn and 7,978 of the second message are 8,000."""
    for tokens, dropped in ((7_974, 0), (7_975, 1)):
        second = Turn(user_text_tokens=tokens, reply_text_tokens=5)
        last = list(responses(Script(turns=(TYPED, second), truncation=Truncation("auto", 1, 8_000)), GA))[-1]
        assert (last.dropped, last.input.text) == (dropped, 8_000 if not dropped else 7_990)


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


def test_a_message_that_nobody_answered_is_still_unseen_in_the_next_session() -> None:
    """The first turn was read and written, the second only committed: as text it has 4 + 12 tokens, the third 4 + 7.

    20 s, 15 s and 60 s: the middle of the third is at 65 s.
    """
    unanswered = Turn(user_audio_tokens=50, user_transcript_tokens=12, cancelled=True, silence_ms=10_000)
    turns = (replace(TYPED, silence_ms=20_000), unanswered, TYPED)
    third = list(responses(Script(instructions_tokens=100, turns=turns, session_minutes=1), GA))[2]
    assert (third.session, third.input, third.unseen) == (2, Tokens(100 + 11 + 11 + 16 + 11, 0, 0), Tokens(16 + 11, 0, 0))


@given(st.integers(1, 40))
def test_a_greeting_reads_the_instructions_alone(audio: int) -> None:
    script = Script(instructions_tokens=500, turns=(Turn(reply_audio_tokens=audio),))
    assert next(responses(script, GA)).input == Tokens(500, 0, 0)


CARRIED = {"session_minutes": 1, "session_carryover": "text"}


class MovedItems:
    """Counts the items that are put into histories."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        add, append_read = History.add, History._append_read

        def counted_add(history: History, item: Item, *, once_read: Item | None = None) -> None:
            self.count += 1
            add(history, item, once_read=once_read)

        def counted_append(history: History, item: Item, total: tuple[int, int, int]) -> None:
            self.count += 1
            append_read(history, item, total)

        monkeypatch.setattr(History, "add", counted_add)
        monkeypatch.setattr(History, "_append_read", counted_append)


@pytest.mark.parametrize("fields", [{}, {"tool_calls": 100}, {"images": 50}], ids=["speech", "tools", "images"])
def test_sessions_that_carry_text_move_items_in_proportion_to_the_turns(
    monkeypatch: pytest.MonkeyPatch, fields: dict[str, int]
) -> None:
    """Every turn of 1.44 minutes is a session: each item is added once, and carried over once."""
    moved = MovedItems(monkeypatch)
    plan = Plan(minutes=1440, turns=1000, **CARRIED, **fields)  # type: ignore[arg-type]
    last = list(responses(expand_plan(plan, GA), GA))[-1]
    assert last.session == 1000
    assert moved.count <= 2 * (2 * 1000 + 2 * fields.get("tool_calls", 0) + fields.get("images", 0))
    assert last.input.text > 10_000 - fields.get("tool_calls", 0)


def test_messages_that_nobody_answers_are_carried_through_many_sessions_once(monkeypatch: pytest.MonkeyPatch) -> None:
    moved = MovedItems(monkeypatch)
    silence = [Turn(user_audio_tokens=9, cancelled=True, silence_ms=60_000) for _ in range(1000)]
    script = Script(turns=(*silence, Turn(user_audio_tokens=9, reply_audio_tokens=9)), **CARRIED)  # type: ignore[arg-type]
    last = list(responses(script, GA))[-1]
    assert moved.count <= 2 * 1001 + 1
    assert last.unseen.audio == 9
    assert last.unseen.text == last.input.text - fixed_tokens(script, GA)


def test_counting_can_be_given_up_within_a_conversation() -> None:
    class StopError(Exception):
        pass

    steps = list[int]()

    def count_steps(count: int) -> None:
        steps.append(count)
        if sum(steps) > 100:
            raise StopError

    script = Script(turns=(Turn(user_audio_tokens=9, reply_audio_tokens=9, tool_calls=(ToolCall(1, 1),)),) * 1000)
    with counted_steps(count_steps), pytest.raises(StopError):
        list(responses(script, GA))
    assert 100 < sum(steps) <= 200
