"""A saved plan as people write it: any fields of a plan, and what is asked about it."""

from collections.abc import Callable
from typing import Any

from voicebill.answers.parameters.script_schema import truncation_setting
from voicebill.answers.parameters.table_schema import (
    Field,
    Issue,
    Schema,
    ValueReader,
    Values,
    boolean,
    decimal,
    exact_date,
    integer,
    list_of,
    one_of,
    read_table,
    text,
)
from voicebill.answers.parsing import quantities
from voicebill.conversation.script import Truncation
from voicebill.conversation.volume import Volume


def text_or(reader: ValueReader, parse: Callable[[str], Any]) -> ValueReader:
    """A number as TOML has it, or as people type it: 0.45 or "45%", 5 or "5 min"."""
    return lambda value: parse(value) if isinstance(value, str) else reader(value)


COUNT = text_or(integer, quantities.parse_count)
SHARE = text_or(decimal, quantities.parse_share)


def _volume(value: object) -> Volume:
    return quantities.parse_volume(value if isinstance(value, str) else f"{decimal(value):f}")


SELECTION_SCHEMA: Schema = {
    "model": Field(text, None),
    "provider": Field(text, None),
    "deployment": Field(text, None),
    "region": Field(text, None),
    "day": Field(exact_date, None),
    "rules": Field(text, None),
    "conversations": Field(_volume, None),
    "call_length_cv": Field(decimal, None),
}


def _names(value: object) -> tuple[str, ...]:
    """A list of names, or a text of them with commas between."""
    if isinstance(value, str):
        return tuple(name.strip() for name in value.split(",") if name.strip())
    return tuple(list_of(text)(value))


CONNECTION_SCHEMA: Schema = {
    "codec": Field(text, None),
    "carrier": Field(text, None),
    "carrier_per_minute": Field(text_or(decimal, quantities.parse_number), None),
    "carrier_increment": Field(COUNT, None),
    "egress_per_gb": Field(text_or(decimal, quantities.parse_number), None),
    "platforms": Field(_names, None),
}
"""Fees in addition to the models."""

PLAN_SCHEMA: Schema = {
    "minutes": Field(text_or(decimal, quantities.parse_minutes), None),
    "turns": Field(COUNT, None),
    "user_share": Field(SHARE, None),
    "assistant_share": Field(SHARE, None),
    "silence_share": Field(SHARE, None),
    "instructions_tokens": Field(COUNT, None),
    "tools_tokens": Field(COUNT, None),
    "tool_calls": Field(COUNT, None),
    "arguments_tokens": Field(COUNT, None),
    "result_tokens": Field(COUNT, None),
    "first_speaker": Field(one_of("user", "assistant"), None),
    "images": Field(COUNT, None),
    "image_tiles": Field(COUNT, None),
    "text_turns": Field(COUNT, None),
    "text_turn_user_tokens": Field(COUNT, None),
    "text_turn_reply_tokens": Field(COUNT, None),
    "interrupted_share": Field(SHARE, None),
    "played_share": Field(SHARE, None),
    "reasoning_tokens": Field(COUNT, None),
    "transcription_model": Field(text, None),
    "truncation": Field(truncation_setting, None),
    "cache": Field(one_of("all", "prefix", "none"), None),
    "prefix_reuse": Field(SHARE, None),
    "warm_cache": Field(boolean, None),
    "session_minutes": Field(COUNT, None),
    "session_carryover": Field(one_of("text", "nothing"), None),
    "transport": Field(one_of("webrtc", "websocket", "sip"), None),
}


def plan_values(table: object, issues: list[Issue]) -> tuple[Values, Values]:
    """What a saved plan says of the conversation, and what it says of model, day and volume; only what it says.

    A truncation setting comes as its three parts, named as the options that state them.
    """
    values = read_table(table, {**SELECTION_SCHEMA, **CONNECTION_SCHEMA, **PLAN_SCHEMA}, issues)
    fields = {key: value for key, value in values.items() if value is not None}
    setting = fields.pop("truncation", None)
    if isinstance(setting, Truncation):
        fields |= {"truncation": setting.mode, "retention_ratio": setting.retention_ratio}
        fields |= {"post_instructions_tokens": setting.post_instructions_tokens} if setting.post_instructions_tokens else {}
    selection = {key: fields.pop(key) for key in (*SELECTION_SCHEMA, *CONNECTION_SCHEMA) if key in fields}
    return fields, selection
