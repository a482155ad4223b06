"""Count the tokens of speech, text and images by the rules."""

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from math import lcm

from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Turn


def user_audio(turn: Turn, rules: Rules) -> int:
    """Audio tokens of a turn's committed user audio: one per full 100 ms (by the rules)."""
    if turn.user_audio_ms is None:
        return turn.user_audio_tokens
    return turn.user_audio_ms // rules.user_audio_ms_per_token


def listening(lasts_ms: int, user_tokens: int, rules: Rules) -> int:
    """Audio tokens that are billed for the time of a turn in which the user does not speak; 0 if silence is not billed."""
    return max(0, lasts_ms // rules.user_audio_ms_per_token - user_tokens) if rules.bills_silence else 0


def output_transcripts(user_tokens: int, reply_tokens: int, rules: Rules) -> int:
    """Text tokens of the transcripts of a turn's speech that are billed as output."""
    if rules.transcript_output == "none":
        return 0
    seconds = Decimal(reply_tokens * rules.reply_audio_ms_per_token) / 1000
    reply = round(rules.reply_transcript_tokens_per_second * seconds)
    return reply if rules.transcript_output == "replies" else reply + transcript_tokens(user_tokens, rules)


def reply_audio(turn: Turn, rules: Rules) -> int:
    """Audio tokens generated for a turn's reply, played or not."""
    if turn.reply_audio_ms is None:
        return turn.reply_audio_tokens
    return turn.reply_audio_ms // rules.reply_audio_ms_per_token


def reply_text(turn: Turn, audio: int, rules: Rules) -> tuple[int, int]:
    """The text tokens billed with a reply of `audio` tokens, and the transcript tokens that the history keeps of it.

    If only one of them is known, the other is computed from it; if neither is known, both are computed from the audio.
    """
    return text_and_transcript(turn.reply_text_tokens, turn.reply_transcript_tokens, audio, rules)


def text_and_transcript(text: int | None, transcript: int | None, audio: int, rules: Rules) -> tuple[int, int]:
    """The text tokens billed with `audio` tokens of speech and those of its transcript; None: computed from the other, or from
    the audio.

    >>> from types import SimpleNamespace as RulesJson
    >>> rules = RulesJson(reply_text_base=Decimal(8), reply_text_per_audio_token=Decimal("0.224"),
    ...     reply_overhead_base=Decimal("8.13"), reply_overhead_per_audio_token=Decimal("0.0478"))
    >>> text_and_transcript(60, None, 240, rules), text_and_transcript(None, 40, 240, rules)
    ((60, 40), (60, 40))
    """
    if not audio:
        written = text or 0
        return written, written
    overhead = rules.reply_overhead_base + rules.reply_overhead_per_audio_token * audio
    if text is None:
        if transcript is None:
            text = round(rules.reply_text_base + rules.reply_text_per_audio_token * audio)
        else:
            text = round(transcript + overhead)
    if transcript is None:
        transcript = max(0, round(text - overhead))
    return text, transcript


def reply_text_counter(rules: Rules) -> Callable[[int], tuple[int, int]]:
    """A function equal to `reply_text` for replies of which only the audio is known.

    It counts in integers, and replies are so alike that most have been counted before: together that is ten times faster.

    >>> from types import SimpleNamespace as RulesJson
    >>> rules = RulesJson(reply_text_base=Decimal(8), reply_text_per_audio_token=Decimal("0.224"),
    ...     reply_overhead_base=Decimal("8.13"), reply_overhead_per_audio_token=Decimal("0.0478"))
    >>> reply_text_counter(rules)(200)
    (53, 35)
    """
    return _reply_text_counter(
        rules.reply_text_base,
        rules.reply_text_per_audio_token,
        rules.reply_overhead_base,
        rules.reply_overhead_per_audio_token,
    )


@lru_cache(maxsize=16)
def _reply_text_counter(*terms: Decimal) -> Callable[[int], tuple[int, int]]:
    ratios = [term.as_integer_ratio() for term in terms]
    scale = lcm(*(denominator for _, denominator in ratios))
    text_base, text_per_token, overhead_base, overhead_per_token = (
        numerator * (scale // denominator) for numerator, denominator in ratios
    )

    @lru_cache(maxsize=2048)
    def count_text(audio: int) -> tuple[int, int]:
        if not audio:
            return 0, 0
        numerator = text_base + text_per_token * audio  # rounded half to even, here and below: the inner loop calls nothing
        text, twice = numerator // scale, numerator % scale * 2
        text += twice > scale or (twice == scale and text & 1)
        numerator = text * scale - overhead_base - overhead_per_token * audio
        transcript, twice = numerator // scale, numerator % scale * 2
        transcript += twice > scale or (twice == scale and transcript & 1)
        return text, max(0, transcript)

    return count_text


def user_transcript(turn: Turn, audio: int, rules: Rules) -> int:
    """Text tokens of the transcript of `audio` committed audio tokens of the user."""
    if turn.user_transcript_tokens is not None:
        return turn.user_transcript_tokens
    return transcript_tokens(audio, rules)


def transcript_tokens(audio: int, rules: Rules) -> int:
    """Text tokens of the speech in `audio` committed audio tokens, padding excluded."""
    return transcript_counter(rules)(audio)


def transcript_counter(rules: Rules) -> Callable[[int], int]:
    """`transcript_tokens` for many turns, which are so alike that most have been counted before."""
    return _transcript_counter(rules.user_transcript_tokens_per_second, rules.user_audio_ms_per_token, rules.padding_tokens)


@lru_cache(maxsize=16)
def _transcript_counter(tokens_per_second: Decimal, ms_per_token: int, padding: int) -> Callable[[int], int]:
    @lru_cache(maxsize=2048)
    def count_words(audio: int) -> int:
        return round(tokens_per_second * (Decimal(max(0, audio - padding) * ms_per_token) / 1000))

    return count_words


def image(tiles: int, rules: Rules) -> int:
    """Tokens of an image with a number of tiles; 0 tiles means low detail."""
    return rules.image_base_tokens + rules.image_tile_tokens * tiles
