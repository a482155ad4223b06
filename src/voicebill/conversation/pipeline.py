"""Compute the usage of a conversation in a pipeline: a transcriber (STT), a text model (LLM) and a speech model (TTS).

The words are those of the spoken conversation; each model bills them in other units: milliseconds or tokens of audio,
tokens of text, characters. The text model is sent the whole history as text for every response, as in `context`.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import accumulate, repeat

from voicebill.billing.usage import Usage, weighted_usage
from voicebill.conversation import token_counting
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script, Turn


def turn_transcription_usage(turn: Turn, rules: Rules, *, by_time: bool) -> Usage:
    """The usage of a transcription model for a turn's committed user audio, by time or by tokens."""
    audio = token_counting.user_audio(turn, rules)
    if not audio:
        return Usage()
    if by_time:
        ms = audio * rules.user_audio_ms_per_token if turn.user_audio_ms is None else turn.user_audio_ms
        return Usage({"audio_ms": ms})
    return Usage.tokens(audio_in=audio, text_out=token_counting.user_transcript(turn, audio, rules))


def transcription_usage(script: Script, rules: Rules, weights: Sequence[int] | None = None, *, by_time: bool) -> Usage:
    """The usage of a transcription model for all committed user audio, without silence between turns.

    `weights`: how often each turn counts, here and in the functions below (None: once).
    """
    return weighted_usage(
        (turn_transcription_usage(turn, rules, by_time=by_time), weight) for turn, weight in _weighted(script, weights)
    )


def _weighted(script: Script, weights: Sequence[int] | None) -> Iterator[tuple[Turn, int]]:
    return zip(script.turns, repeat(1) if weights is None else weights, strict=False)


def as_text_conversation(script: Script, rules: Rules) -> Script:
    """The same conversation as text: speech becomes typed text, and tools are called as before.

    An interrupted reply is generated in full, and its full text is in the history.

    >>> from voicebill.facts import load_facts
    >>> from datetime import date
    >>> offer = load_facts().prices.quote("gpt-realtime", day=date(2026, 11, 22)).offer
    >>> conversation = Script(turns=(Turn(user_audio_tokens=48, reply_audio_tokens=200),))
    >>> turn = as_text_conversation(conversation, load_facts().rules_for(offer, day=date(2026, 11, 22)).rules).turns[0]
    >>> turn.user_text_tokens, turn.reply_text_tokens
    (15, 35)
    """
    return Script(
        instructions_tokens=script.instructions_tokens,
        tools_tokens=script.tools_tokens,
        instructions_change=script.instructions_change,
        stable_instructions_tokens=script.stable_instructions_tokens,
        truncation=script.truncation,
        cache=script.cache,
        prefix_reuse=script.prefix_reuse,
        warm_cache=script.warm_cache,
        turns=tuple(_as_text_turn(turn, rules) for turn in script.turns),
    )


def _as_text_turn(turn: Turn, rules: Rules) -> Turn:
    text_tokens = turn.user_text_tokens
    audio = token_counting.user_audio(turn, rules)
    if audio:
        text_tokens += token_counting.user_transcript(turn, audio, rules)
    return Turn(
        user_text_tokens=text_tokens,
        image_tokens=turn.image_tokens,
        tool_calls=turn.tool_calls,
        reply_text_tokens=None if turn.cancelled else reply_tokens(turn, rules),
        reasoning_tokens=turn.reasoning_tokens,
        cancelled=turn.cancelled,
    )


def reply_tokens(turn: Turn, rules: Rules) -> int:
    """Text tokens of a reply: its transcript if it is spoken, otherwise its text."""
    return token_counting.reply_text(turn, token_counting.reply_audio(turn, rules), rules)[1]


def spoken_characters(
    script: Script,
    rules: Rules,
    calls: Sequence[tuple[int, int]] | None = None,
    characters_per_token: Decimal | None = None,
) -> Usage:
    """The usage of a speech model that is billed per character: every spoken reply in full, played or not.

    `calls`: the turns of each call that is a beginning of the script, and how often it counts (None: the script once);
    `characters_per_token` are those of the speech model, if they differ from those of the rules.
    """
    per_token = characters_per_token or rules.characters_per_token
    spoken = (reply_tokens(turn, rules) if token_counting.reply_audio(turn, rules) else 0 for turn in script.turns)
    characters = [round(tokens * per_token) for tokens in accumulate(spoken)]
    counted = [(len(characters), 1)] if calls is None else calls
    return Usage({"characters_in": sum(weight * characters[turns - 1] for turns, weight in counted)})


def spoken_tokens(script: Script, rules: Rules, weights: Sequence[int] | None = None) -> Usage:
    """The usage of a speech model that is billed per token: the text of every spoken reply, and its audio."""
    replies = [(token_counting.reply_audio(turn, rules), turn, weight) for turn, weight in _weighted(script, weights)]
    return Usage.tokens(
        text_in=sum(weight * reply_tokens(turn, rules) for audio, turn, weight in replies if audio),
        audio_out=sum(weight * audio for audio, _, weight in replies),
    )


def read_aloud_usage(script: Script, rules: Rules, speech_rules: Rules, weights: Sequence[int] | None = None) -> Usage:
    """The usage of a realtime model that only reads replies aloud, each on its own: the typed text in, and its speech out.

    `speech_rules` count the words of a reply, `rules` are those of the model that reads them.
    """
    usages = []
    for turn, weight in _weighted(script, weights):
        audio = token_counting.reply_audio(turn, rules)
        if audio:
            words = reply_tokens(turn, speech_rules)
            read = Turn(reply_audio_tokens=audio, reply_transcript_tokens=words)
            text_in = rules.conversation_tokens + rules.user_text_item_tokens + words
            text_out = token_counting.reply_text(read, audio, rules)[0] + rules.reasoning_tokens_per_response
            usages.append((Usage.tokens(text_in=text_in, text_out=text_out, audio_out=audio), weight))
    return weighted_usage(usages)
