"""Check the token counts of speech, text and images against recorded sessions."""

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
    """200 tokens committed are 19.2 s of speech: 67 tokens at 3.5 a second."""
    assert token_counting.user_transcript(WRITTEN, 200, GA) == 67
    assert token_counting.user_transcript(WRITTEN, 8, GA) == 0
    assert (
        token_counting.user_transcript(Turn(user_audio_tokens=200, user_transcript_tokens=12, reply_text_tokens=1), 200, GA)
        == 12
    )
