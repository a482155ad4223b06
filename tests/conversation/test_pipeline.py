"""A conversation held by a pipeline: what each of its models counts, worked out by hand."""

from dataclasses import replace

import pytest

from tests.conversation.scripts import GA
from voicebill.conversation import pipeline
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script, ToolCall, Truncation, Turn

SPOKEN = Turn(user_audio_tokens=128, reply_audio_tokens=240, silence_ms=6_000)
"""12 s of speech and 0.8 s of padding: 3.5 x 12 = 42 tokens of text. A reply of 12 s is billed 8 + 0.224 x 240 = 61.76, so 62
tokens of text beside it, of which 62 - 8.13 - 0.0478 x 240 = 42.398, so 42, are its words."""
TYPED = Turn(user_text_tokens=20, reply_text_tokens=60)
BROKEN_OFF = replace(SPOKEN, heard_ms=4_000)
UNANSWERED = Turn(user_audio_tokens=128, cancelled=True)
CALLING = replace(SPOKEN, tool_calls=(ToolCall(20, 100),))


def of(*turns: Turn) -> Script:
    return Script(turns=turns)


def counted(usage: object) -> dict[str, int]:
    return dict(usage.items())  # type: ignore[attr-defined]


def test_hearing_by_tokens_is_the_committed_audio_and_the_words_in_it() -> None:
    assert counted(pipeline.hearing(SPOKEN, GA, by_time=False)) == {"audio_in": 128, "text_out": 42}


def test_hearing_by_time_is_the_committed_audio_padding_included() -> None:
    assert counted(pipeline.hearing(SPOKEN, GA, by_time=True)) == {"audio_ms": 12_800}


def test_hearing_by_time_keeps_the_milliseconds_where_they_are_known() -> None:
    """Tokens are full tenths of a second; a clock is not."""
    turn = Turn(user_audio_ms=12_849, reply_text_tokens=1)
    assert counted(pipeline.hearing(turn, GA, by_time=True)) == {"audio_ms": 12_849}
    assert counted(pipeline.hearing(turn, GA, by_time=False)) == {"audio_in": 128, "text_out": 42}


@pytest.mark.parametrize("by_time", [True, False])
def test_nobody_is_paid_for_hearing_what_was_typed(by_time: bool) -> None:
    assert counted(pipeline.hearing(TYPED, GA, by_time=by_time)) == {}


def test_a_stated_transcript_is_what_was_written_down() -> None:
    assert pipeline.hearing(replace(SPOKEN, user_transcript_tokens=50), GA, by_time=False)["text_out"] == 50


def test_a_conversation_is_heard_without_the_silence_between() -> None:
    """Two turns of 12.8 s committed; one was typed, and in one the user broke in."""
    script = of(SPOKEN, TYPED, BROKEN_OFF)
    assert counted(pipeline.heard(script, GA, by_time=True)) == {"audio_ms": 2 * 12_800}
    assert counted(pipeline.heard(script, GA, by_time=False)) == {"audio_in": 256, "text_out": 84}


def test_what_was_said_is_typed_and_what_was_answered_is_written() -> None:
    turn = pipeline.written(of(SPOKEN), GA).turns[0]
    assert (turn.user_audio_tokens, turn.user_text_tokens) == (0, 42)
    assert (turn.reply_audio_tokens, turn.reply_text_tokens) == (0, 42)
    assert turn.silence_ms == 0


def test_what_was_typed_and_what_was_said_beside_it_stand_together() -> None:
    turn = pipeline.written(of(replace(SPOKEN, user_text_tokens=20)), GA).turns[0]
    assert turn.user_text_tokens == 20 + 42


def test_a_typed_turn_stays_as_it_is() -> None:
    assert pipeline.written(of(TYPED), GA).turns == (TYPED,)


def test_a_reply_that_was_broken_off_is_written_to_its_end() -> None:
    turn = pipeline.written(of(BROKEN_OFF), GA).turns[0]
    assert (turn.reply_text_tokens, turn.heard_ms) == (42, None)


def test_what_was_never_answered_has_no_reply_in_writing() -> None:
    turn = pipeline.written(of(UNANSWERED), GA).turns[0]
    assert (turn.user_text_tokens, turn.reply_text_tokens, turn.cancelled) == (42, None, True)


def test_tools_images_reasoning_and_the_setting_go_with_the_conversation() -> None:
    script = Script(
        instructions_tokens=1100,
        tools_tokens=200,
        turns=(replace(CALLING, image_tokens=(194,), reasoning_tokens=30),),
        cache="none",
        warm=True,
        truncation=Truncation(post_instructions_tokens=8000),
    )
    found = pipeline.written(script, GA)
    assert (found.instructions_tokens, found.tools_tokens, found.cache, found.warm) == (1100, 200, "none", True)
    assert found.truncation.post_instructions_tokens == 8000
    turn = found.turns[0]
    assert (turn.tool_calls, turn.image_tokens, turn.reasoning_tokens) == ((ToolCall(20, 100),), (194,), 30)


def test_the_words_of_a_reply_are_its_transcript_or_what_is_written() -> None:
    assert pipeline.reply_tokens(SPOKEN, GA) == 42
    assert pipeline.reply_tokens(replace(SPOKEN, reply_transcript_tokens=50), GA) == 50
    assert pipeline.reply_tokens(TYPED, GA) == 60


def test_characters_are_those_of_every_spoken_reply_heard_or_not() -> None:
    """42 + 42 tokens x 4.67 = 392.28; the written reply is not spoken."""
    assert counted(pipeline.spoken_characters(of(SPOKEN, TYPED, BROKEN_OFF), GA)) == {"characters_in": 392}
    assert counted(pipeline.spoken_characters(of(TYPED), GA)) == {}


def test_characters_are_rounded_once_for_the_conversation() -> None:
    """Reply by reply 10 tokens x 4.67 = 46.7 would be 47 each; three are 140.1, and so 140."""
    short = Turn(reply_audio_tokens=1, reply_text_tokens=18, reply_transcript_tokens=10)
    assert pipeline.spoken_characters(of(short, short, short), GA)["characters_in"] == 140


def test_speech_by_tokens_is_the_text_that_is_read_and_the_audio_made_of_it() -> None:
    assert counted(pipeline.spoken_tokens(of(SPOKEN, TYPED, BROKEN_OFF), GA)) == {"text_in": 84, "audio_out": 480}


def test_a_realtime_model_reads_each_reply_as_one_typed_message() -> None:
    """4 + 42 tokens in, and the 62 tokens of text that are billed beside 240 tokens of speech."""
    read = {"text_in": 46, "text_out": 62, "audio_out": 240}
    assert counted(pipeline.read_aloud(of(SPOKEN), GA)) == read
    assert counted(pipeline.read_aloud(of(SPOKEN, TYPED, BROKEN_OFF), GA)) == {
        meter: 2 * count for meter, count in read.items()
    }


def test_a_reader_is_billed_what_every_conversation_has_for_each_reply() -> None:
    framed: Rules = replace(GA, conversation_tokens=3)
    assert pipeline.read_aloud(of(SPOKEN, SPOKEN), framed)["text_in"] == 2 * (3 + 4 + 42)
