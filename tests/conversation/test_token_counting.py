"""Check the token counts of speech, text and images against recorded sessions."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.conversation.scripts import GA
from voicebill.conversation import token_counting
from voicebill.conversation.script import Turn

WRITTEN = Turn(reply_text_tokens=1)
RECORDED = [(219, 66, 48), (218, 63, 45), (245, 57, 37), (150, 49, 33), (113, 41, 27), (203, 54, 36)]
"""Audio, billed text and transcript tokens of the six replies of the golden session (openai-cookbook @17d1c0e6)."""


@pytest.mark.parametrize(("audio", "text", "transcript"), RECORDED)
def test_billed_text_follows_from_a_known_transcript_within_a_token(audio: int, text: int, transcript: int) -> None:
    turn = Turn(reply_audio_tokens=audio, reply_transcript_tokens=transcript)
    assert token_counting.reply_text(turn, audio, GA)[0] == pytest.approx(text, abs=1)


@pytest.mark.parametrize(("audio", "text", "transcript"), RECORDED)
def test_a_transcript_follows_from_known_billed_text_within_a_token(audio: int, text: int, transcript: int) -> None:
    turn = Turn(reply_audio_tokens=audio, reply_text_tokens=text)
    assert token_counting.reply_text(turn, audio, GA)[1] == pytest.approx(transcript, abs=1)


def test_without_either_both_follow_from_the_audio() -> None:
    """8.0 + 0.224 x 200 = 52.8; 53 - 8.13 - 0.0478 x 200 = 35.31."""
    assert token_counting.reply_text(Turn(reply_audio_tokens=200), 200, GA) == (53, 35)


def test_a_short_reply_has_no_negative_transcript() -> None:
    assert token_counting.reply_text(Turn(reply_audio_tokens=1, reply_text_tokens=2), 1, GA) == (2, 0)


def test_halves_of_a_token_are_rounded_to_the_even_number() -> None:
    """A reply billed with half a token more than its transcript: 2.5 is 2, 3.5 is 4; and 3 - 0.5 is 2, 4 - 0.5 is 4."""
    rules = replace(GA, reply_overhead_base=Decimal("0.5"), reply_overhead_per_audio_token=Decimal(0))
    spoken = Turn(reply_audio_tokens=10)
    texts = [token_counting.reply_text(replace(spoken, reply_transcript_tokens=n), 10, rules)[0] for n in (2, 3)]
    transcripts = [token_counting.reply_text(replace(spoken, reply_text_tokens=n), 10, rules)[1] for n in (3, 4)]
    assert (texts, transcripts) == ([2, 4], [2, 4])
    unknown = replace(rules, reply_text_base=Decimal("2.5"), reply_text_per_audio_token=Decimal("0.1"))
    for audio, both in ((0, (0, 0)), (10, (4, 4)), (20, (4, 4)), (30, (6, 6))):
        turn = replace(spoken, reply_audio_tokens=audio) if audio else Turn(reply_text_tokens=0)
        assert token_counting.reply_text(turn, audio, unknown) == both
        assert token_counting.reply_text_counter(unknown)(audio) == both


def test_a_reply_too_short_for_a_token_has_no_text() -> None:
    assert token_counting.reply_text(Turn(reply_audio_ms=49), 0, GA) == (0, 0)


def test_a_transcript_is_rounded_half_even_and_has_no_words_for_padding() -> None:
    """3.5 tokens a second: 1 s is 3.5, so 4, 3 s are 10.5, so 10, and 2,000 s are 7,000; the first 5 tokens are padding."""
    assert [token_counting.transcript_tokens(audio + 5, GA) for audio in (10, 30, 20_000)] == [4, 10, 7_000]
    fast = replace(GA, user_transcript_tokens_per_second=Decimal(10))
    assert [token_counting.transcript_tokens(audio, fast) for audio in (0, 4, 5, 6, 15)] == [0, 0, 0, 1, 10]


def test_a_written_reply_is_its_own_transcript() -> None:
    assert token_counting.reply_text(Turn(reply_text_tokens=40), 0, GA) == (40, 40)


def test_started_tenths_of_a_second_are_not_billed() -> None:
    assert [token_counting.user_audio(Turn(user_audio_ms=ms, reply_text_tokens=1), GA) for ms in (99, 100, 1_599, 1_600)] == [
        0,
        1,
        15,
        16,
    ]
    assert [token_counting.reply_audio(Turn(reply_audio_ms=ms), GA) for ms in (49, 50, 10_950)] == [0, 1, 219]


def test_images_cost_their_tiles() -> None:
    assert [token_counting.image(tiles, GA) for tiles in (0, 1, 2)] == [65, 194, 323]


def test_padding_holds_no_words() -> None:
    """200 tokens committed are 19.5 s of speech: 68.25 tokens at 3.5 a second."""
    assert token_counting.user_transcript(WRITTEN, 200, GA) == 68
    assert token_counting.user_transcript(WRITTEN, 5, GA) == 0
    assert (
        token_counting.user_transcript(Turn(user_audio_tokens=200, user_transcript_tokens=12, reply_text_tokens=1), 200, GA)
        == 12
    )
