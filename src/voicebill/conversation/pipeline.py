"""A conversation held by a pipeline of models: one hears, one answers in writing, one speaks.

The words are those of the spoken conversation. What each model counts of them differs: milliseconds or tokens of audio,
tokens of text, characters. The text model is sent the whole history in writing again for every answer, as `context` has it.
"""

from voicebill.billing.usage import Usage, total_usage
from voicebill.conversation import counting
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script, Turn


def hearing(turn: Turn, rules: Rules, *, by_time: bool) -> Usage:
    """What a transcription model uses for the user's audio of a turn as it was committed, by time or by tokens."""
    audio = counting.user_audio(turn, rules)
    if not audio:
        return Usage()
    if by_time:
        ms = audio * rules.user_audio_ms_per_token if turn.user_audio_ms is None else turn.user_audio_ms
        return Usage({"audio_ms": ms})
    return Usage.tokens(audio_in=audio, text_out=counting.user_transcript(turn, audio, rules))


def heard(script: Script, rules: Rules, *, by_time: bool) -> Usage:
    """What a transcription model uses for what the user said in a conversation, the silence between left out."""
    return total_usage(hearing(turn, rules, by_time=by_time) for turn in script.turns)


def written(script: Script, rules: Rules) -> Script:
    """The same conversation in writing: what was said is typed, tools are called as before.

    A reply that was broken off is written to its end, and so it stands in the history.

    >>> from voicebill.facts import load
    >>> from datetime import date
    >>> offer = load().prices.find("gpt-realtime", day=date(2026, 11, 22)).offer
    >>> talk = Script(turns=(Turn(user_audio_tokens=48, reply_audio_tokens=200),))
    >>> turn = written(talk, load().ruling(offer, day=date(2026, 11, 22)).rules).turns[0]
    >>> turn.user_text_tokens, turn.reply_text_tokens
    (14, 35)
    """
    return Script(
        instructions_tokens=script.instructions_tokens,
        tools_tokens=script.tools_tokens,
        truncation=script.truncation,
        cache=script.cache,
        reuse=script.reuse,
        warm=script.warm,
        turns=tuple(_written(turn, rules) for turn in script.turns),
    )


def _written(turn: Turn, rules: Rules) -> Turn:
    said = turn.user_text_tokens
    audio = counting.user_audio(turn, rules)
    if audio:
        said += counting.user_transcript(turn, audio, rules)
    return Turn(
        user_text_tokens=said,
        image_tokens=turn.image_tokens,
        tool_calls=turn.tool_calls,
        reply_text_tokens=None if turn.cancelled else reply_tokens(turn, rules),
        reasoning_tokens=turn.reasoning_tokens,
        cancelled=turn.cancelled,
    )


def reply_tokens(turn: Turn, rules: Rules) -> int:
    """Text tokens of a reply: the words that are spoken, or written."""
    return counting.reply_text(turn, counting.reply_audio(turn, rules), rules)[1]


def spoken_characters(script: Script, rules: Rules) -> Usage:
    """What a speech model that is billed by characters uses: those of every spoken reply, heard or not."""
    tokens = sum(reply_tokens(turn, rules) for turn in script.turns if counting.reply_audio(turn, rules))
    return Usage({"characters_in": round(tokens * rules.characters_per_token)})


def spoken_tokens(script: Script, rules: Rules) -> Usage:
    """What a speech model that is billed by tokens uses: the text of every spoken reply, and the audio made of it."""
    spoken = [(counting.reply_audio(turn, rules), turn) for turn in script.turns]
    return Usage.tokens(
        text_in=sum(reply_tokens(turn, rules) for audio, turn in spoken if audio),
        audio_out=sum(audio for audio, _ in spoken),
    )


def read_aloud(script: Script, rules: Rules) -> Usage:
    """What a realtime model uses that only reads replies out, each by itself: its text as a typed message, and its speech."""
    usages = []
    for turn in script.turns:
        audio = counting.reply_audio(turn, rules)
        if audio:
            beside, words = counting.reply_text(turn, audio, rules)
            read = rules.conversation_tokens + rules.user_text_item_tokens + words
            usages.append(Usage.tokens(text_in=read, text_out=beside, audio_out=audio))
    return total_usage(usages)
