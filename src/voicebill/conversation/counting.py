"""How much speech, text and pictures are in tokens, by the rules."""

from decimal import Decimal

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


def user_transcript(turn: Turn, audio: int, rules: Rules) -> int:
    """Text tokens of what the user said in so many committed audio tokens: written by a transcription model."""
    if turn.user_transcript_tokens is not None:
        return turn.user_transcript_tokens
    speech = max(0, audio - rules.padding_tokens)
    seconds = Decimal(speech * rules.user_audio_ms_per_token) / 1000
    return round(rules.user_transcript_tokens_per_second * seconds)


def image(tiles: int, rules: Rules) -> int:
    """Tokens of an image cut into so many tiles; 0 tiles is one at low detail."""
    return rules.image_base_tokens + rules.image_tile_tokens * tiles
