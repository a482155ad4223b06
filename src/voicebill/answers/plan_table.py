"""A saved plan as people write it: any fields of a plan, and what is asked about it."""

from collections.abc import Callable
from typing import Any

from voicebill.answers import quantities
from voicebill.answers.script_table import truncation
from voicebill.answers.tables import (
    Fault,
    Key,
    Reader,
    Schema,
    Values,
    decimal,
    flag,
    listed,
    one_of,
    read,
    text,
    the_day,
    whole,
)
from voicebill.conversation.script import Truncation


def typed(reader: Reader, said: Callable[[str], Any]) -> Reader:
    """A number as TOML has it, or as people type it: 0.45 or "45%", 5 or "5 min"."""
    return lambda value: said(value) if isinstance(value, str) else reader(value)


COUNT = typed(whole, quantities.count)
SHARE = typed(decimal, quantities.share)


def _volume(value: object) -> quantities.Volume:
    return quantities.volume(value if isinstance(value, str) else f"{decimal(value):f}")


ASKED: Schema = {
    "model": Key(text, None),
    "provider": Key(text, None),
    "deployment": Key(text, None),
    "region": Key(text, None),
    "day": Key(the_day, None),
    "rules": Key(text, None),
    "conversations": Key(_volume, None),
    "length_spread": Key(decimal, None),
}


def _names(value: object) -> tuple[str, ...]:
    """A list of names, or a text of them with commas between."""
    if isinstance(value, str):
        return tuple(name.strip() for name in value.split(",") if name.strip())
    return tuple(listed(text)(value))


CARRIAGE: Schema = {
    "codec": Key(text, None),
    "carrier": Key(text, None),
    "carrier_per_minute": Key(typed(decimal, quantities.number), None),
    "carrier_seconds": Key(COUNT, None),
    "egress_per_gb": Key(typed(decimal, quantities.number), None),
    "fees": Key(_names, None),
}
"""What is paid on the way beside the models."""

PLAN: Schema = {
    "minutes": Key(typed(decimal, quantities.minutes), None),
    "turns": Key(COUNT, None),
    "user_share": Key(SHARE, None),
    "assistant_share": Key(SHARE, None),
    "silence_share": Key(SHARE, None),
    "instructions_tokens": Key(COUNT, None),
    "tools_tokens": Key(COUNT, None),
    "tool_calls": Key(COUNT, None),
    "arguments_tokens": Key(COUNT, None),
    "result_tokens": Key(COUNT, None),
    "first_speaker": Key(one_of("user", "assistant"), None),
    "images": Key(COUNT, None),
    "image_tiles": Key(COUNT, None),
    "text_turns": Key(COUNT, None),
    "text_turn_user_tokens": Key(COUNT, None),
    "text_turn_reply_tokens": Key(COUNT, None),
    "interrupted_share": Key(SHARE, None),
    "heard_share": Key(SHARE, None),
    "reasoning_tokens": Key(COUNT, None),
    "transcription_model": Key(text, None),
    "truncation": Key(truncation, None),
    "cache": Key(one_of("all", "prefix", "none"), None),
    "reuse": Key(SHARE, None),
    "warm": Key(flag, None),
    "session_minutes": Key(COUNT, None),
    "carry": Key(one_of("text", "nothing"), None),
    "transport": Key(one_of("webrtc", "websocket", "sip"), None),
}


def plan_values(table: object, faults: list[Fault]) -> tuple[Values, Values]:
    """What a saved plan says of the conversation, and what it says of model, day and volume; only what it says.

    A truncation setting comes as its three parts, named as the options that state them.
    """
    values = read(table, {**ASKED, **CARRIAGE, **PLAN}, faults)
    stated = {key: value for key, value in values.items() if value is not None}
    cut = stated.pop("truncation", None)
    if isinstance(cut, Truncation):
        stated |= {"truncation": cut.mode, "retention_ratio": cut.retention_ratio}
        stated |= {"post_instructions_tokens": cut.post_instructions_tokens} if cut.post_instructions_tokens else {}
    asked = {key: stated.pop(key) for key in (*ASKED, *CARRIAGE) if key in stated}
    return stated, asked
