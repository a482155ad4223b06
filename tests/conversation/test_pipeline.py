"""Check the usage of each model of a pipeline, with worked numbers."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.conversation import scripts
from voicebill.conversation import pipeline
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script, ToolCall, Truncation, Turn

GA = replace(scripts.GA, vad_silence_ms=500)
"""Rules by which turn detection adds 0.8 s to what is said."""
SPOKEN = Turn(user_audio_tokens=128, reply_audio_tokens=240, silence_ms=6_000)
"""12 s of speech and 0.8 s of padding: 3.5 x 12 = 42 tokens of text. A reply of 12 s is billed 8 + 0.224 x 240 = 61.76, so 62
tokens of text in addition, of which 62 - 8.13 - 0.0478 x 240 = 42.398, so 42, are its words."""
TYPED = Turn(user_text_tokens=20, reply_text_tokens=60)
INTERRUPTED = replace(SPOKEN, played_ms=4_000)
UNANSWERED = Turn(user_audio_tokens=128, cancelled=True)
CALLING = replace(SPOKEN, tool_calls=(ToolCall(20, 100),))


def script_of(*turns: Turn) -> Script:
    return Script(turns=turns)


def quantities(usage: object) -> dict[str, int]:
    return dict(usage.items())  # type: ignore[attr-defined]


def test_transcription_by_tokens_bills_the_committed_audio_and_its_transcript() -> None:
    assert quantities(pipeline.turn_transcription_usage(SPOKEN, GA, by_time=False)) == {"audio_in": 128, "text_out": 42}


def test_transcription_by_time_bills_the_committed_audio_with_padding() -> None:
    assert quantities(pipeline.turn_transcription_usage(SPOKEN, GA, by_time=True)) == {"audio_ms": 12_800}


def test_transcription_by_time_uses_known_milliseconds() -> None:
    """Tokens are full tenths of a second; a clock is not."""
    turn = Turn(user_audio_ms=12_849, reply_text_tokens=1)
    assert quantities(pipeline.turn_transcription_usage(turn, GA, by_time=True)) == {"audio_ms": 12_849}
    assert quantities(pipeline.turn_transcription_usage(turn, GA, by_time=False)) == {"audio_in": 128, "text_out": 42}


@pytest.mark.parametrize("by_time", [True, False])
def test_typed_turns_have_no_transcription(by_time: bool) -> None:
    assert quantities(pipeline.turn_transcription_usage(TYPED, GA, by_time=by_time)) == {}


def test_a_given_transcript_is_used() -> None:
    assert pipeline.turn_transcription_usage(replace(SPOKEN, user_transcript_tokens=50), GA, by_time=False)["text_out"] == 50


def test_a_conversation_is_transcribed_without_silence() -> None:
    """Two turns of 12.8 s are committed; one turn is typed, and one reply is interrupted."""
    script = script_of(SPOKEN, TYPED, INTERRUPTED)
    assert quantities(pipeline.transcription_usage(script, GA, by_time=True)) == {"audio_ms": 2 * 12_800}
    assert quantities(pipeline.transcription_usage(script, GA, by_time=False)) == {"audio_in": 256, "text_out": 84}


def test_speech_becomes_text() -> None:
    turn = pipeline.as_text_conversation(script_of(SPOKEN), GA).turns[0]
    assert (turn.user_audio_tokens, turn.user_text_tokens) == (0, 42)
    assert (turn.reply_audio_tokens, turn.reply_text_tokens) == (0, 42)
    assert turn.silence_ms == 0


def test_typed_and_transcribed_text_of_a_turn_are_added() -> None:
    turn = pipeline.as_text_conversation(script_of(replace(SPOKEN, user_text_tokens=20)), GA).turns[0]
    assert turn.user_text_tokens == 20 + 42


def test_a_typed_turn_stays_as_it_is() -> None:
    assert pipeline.as_text_conversation(script_of(TYPED), GA).turns == (TYPED,)


def test_an_interrupted_reply_is_full_text() -> None:
    turn = pipeline.as_text_conversation(script_of(INTERRUPTED), GA).turns[0]
    assert (turn.reply_text_tokens, turn.played_ms) == (42, None)


def test_a_cancelled_reply_has_no_text() -> None:
    turn = pipeline.as_text_conversation(script_of(UNANSWERED), GA).turns[0]
    assert (turn.user_text_tokens, turn.reply_text_tokens, turn.cancelled) == (42, None, True)


def test_tools_images_reasoning_and_settings_are_kept() -> None:
    script = Script(
        instructions_tokens=1100,
        tools_tokens=200,
        turns=(replace(CALLING, image_tokens=(194,), reasoning_tokens=30),),
        cache="none",
        warm_cache=True,
        truncation=Truncation(post_instructions_tokens=8000),
    )
    text_script = pipeline.as_text_conversation(script, GA)
    assert (text_script.instructions_tokens, text_script.tools_tokens, text_script.cache, text_script.warm_cache) == (
        1100,
        200,
        "none",
        True,
    )
    assert text_script.truncation.post_instructions_tokens == 8000
    turn = text_script.turns[0]
    assert (turn.tool_calls, turn.image_tokens, turn.reasoning_tokens) == ((ToolCall(20, 100),), (194,), 30)


def test_the_text_of_a_reply_is_its_transcript_or_its_text() -> None:
    assert pipeline.reply_tokens(SPOKEN, GA) == 42
    assert pipeline.reply_tokens(replace(SPOKEN, reply_transcript_tokens=50), GA) == 50
    assert pipeline.reply_tokens(TYPED, GA) == 60


def test_every_spoken_reply_is_billed_by_characters_played_or_not() -> None:
    """42 + 42 tokens x 4.67 = 392.28; the written reply is not spoken."""
    assert quantities(pipeline.spoken_characters(script_of(SPOKEN, TYPED, INTERRUPTED), GA)) == {"characters_in": 392}
    assert quantities(pipeline.spoken_characters(script_of(TYPED), GA)) == {}


def test_characters_are_rounded_once_for_the_conversation() -> None:
    """Reply by reply 10 tokens x 4.67 = 46.7 would be 47 each; three are 140.1, and so 140."""
    short = Turn(reply_audio_tokens=1, reply_text_tokens=18, reply_transcript_tokens=10)
    assert pipeline.spoken_characters(script_of(short, short, short), GA)["characters_in"] == 140


def test_half_a_character_is_rounded_to_the_even_number() -> None:
    """150 tokens x 4.67 are 700.5."""
    reply = Turn(reply_audio_tokens=200, reply_transcript_tokens=50)
    assert pipeline.spoken_characters(script_of(reply, reply, reply), GA)["characters_in"] == 700


def test_the_reuse_of_the_prefix_is_kept() -> None:
    assert pipeline.as_text_conversation(replace(script_of(SPOKEN), prefix_reuse=0.5), GA).prefix_reuse == Decimal("0.5")


def test_instructions_that_change_do_so_for_a_text_model_too() -> None:
    changing = replace(script_of(SPOKEN), instructions_tokens=900, instructions_change=1, stable_instructions_tokens=576)
    text_script = pipeline.as_text_conversation(changing, GA)
    assert (text_script.instructions_change, text_script.stable_instructions_tokens) == (1, 576)


def test_speech_by_tokens_bills_text_in_and_audio_out() -> None:
    assert quantities(pipeline.spoken_tokens(script_of(SPOKEN, TYPED, INTERRUPTED), GA)) == {"text_in": 84, "audio_out": 480}


def test_a_realtime_model_reads_each_reply_as_one_typed_message() -> None:
    """4 + 42 tokens in, and the 62 tokens of text that are billed with 240 tokens of speech."""
    expected = {"text_in": 46, "text_out": 62, "audio_out": 240}
    assert quantities(pipeline.read_aloud_usage(script_of(SPOKEN), GA, GA)) == expected
    assert quantities(pipeline.read_aloud_usage(script_of(SPOKEN, TYPED, INTERRUPTED), GA, GA)) == {
        meter: 2 * count for meter, count in expected.items()
    }


def test_a_realtime_reader_is_billed_the_conversation_framing_for_each_reply() -> None:
    framed: Rules = replace(GA, conversation_tokens=3)
    assert pipeline.read_aloud_usage(script_of(SPOKEN, SPOKEN), framed, GA)["text_in"] == 2 * (3 + 4 + 42)
