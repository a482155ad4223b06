"""How much speech, text and pictures are in tokens, by the rules."""

from collections.abc import Callable
from decimal import Decimal
from math import lcm

from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Turn


def user_audio(turn: Turn, rules: Rules) -> int:
    """Audio tokens that a turn's committed user audio is billed as: every full 100 ms (by rule) is one."""
    if turn.user_audio_ms is None:
        return turn.user_audio_tokens
    return turn.user_audio_ms // rules.user_audio_ms_per_token


def reply_audio(turn: Turn, rules: Rules) -> int:
    """Audio tokens generated for a turn's reply, heard or not."""
    if turn.reply_audio_ms is None:
        return turn.reply_audio_tokens
    return turn.reply_audio_ms // rules.reply_audio_ms_per_token


def reply_text(turn: Turn, audio: int, rules: Rules) -> tuple[int, int]:
    """The text billed beside a reply of so many audio tokens, and the transcript that the history keeps of it.

    Each is taken from the other where only one is known, and both from the audio where neither is.
    """
    text, transcript = turn.reply_text_tokens, turn.reply_transcript_tokens
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


def beside_speech(rules: Rules) -> Callable[[int], tuple[int, int]]:
    """`reply_text` for replies of which only the audio is known, in whole numbers: the same, several times faster.

    >>> from types import SimpleNamespace as Rules
    >>> rules = Rules(reply_text_base=Decimal(8), reply_text_per_audio_token=Decimal("0.224"),
    ...     reply_overhead_base=Decimal("8.13"), reply_overhead_per_audio_token=Decimal("0.0478"))
    >>> beside_speech(rules)(200)
    (53, 35)
    """
    line, overhead = (
        (rules.reply_text_base, rules.reply_text_per_audio_token),
        (rules.reply_overhead_base, rules.reply_overhead_per_audio_token),
    )
    ratios = [part.as_integer_ratio() for part in (*line, *overhead)]
    scale = lcm(*(under for _, under in ratios))
    base, each, over_base, over_each = (over * (scale // under) for over, under in ratios)

    def of(audio: int) -> tuple[int, int]:
        if not audio:
            return 0, 0
        text = _half_even(base + each * audio, scale)
        return text, max(0, _half_even(text * scale - over_base - over_each * audio, scale))

    return of


def _half_even(over: int, under: int) -> int:
    """A fraction rounded half even."""
    whole, rest = divmod(over, under)
    return whole + (2 * rest > under or (2 * rest == under and whole % 2 == 1))


def user_transcript(turn: Turn, audio: int, rules: Rules) -> int:
    """Text tokens of what the user said in so many committed audio tokens: written by a transcription model."""
    if turn.user_transcript_tokens is not None:
        return turn.user_transcript_tokens
    return transcript_of(audio, rules)


def transcript_of(audio: int, rules: Rules) -> int:
    """Text tokens of the speech in so many committed audio tokens."""
    speech = max(0, audio - rules.padding_tokens)
    seconds = Decimal(speech * rules.user_audio_ms_per_token) / 1000
    return round(rules.user_transcript_tokens_per_second * seconds)


def image(tiles: int, rules: Rules) -> int:
    """Tokens of an image cut into so many tiles; 0 tiles is one at low detail."""
    return rules.image_base_tokens + rules.image_tile_tokens * tiles
