"""A script as people write it, in TOML or JSON, read into a `Script` and what is asked about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from voicebill.answers.offered import Asked
from voicebill.answers.tables import (
    Fault,
    Key,
    Rows,
    Schema,
    Several,
    Values,
    a_share,
    anything,
    flag,
    listed,
    mapped,
    milliseconds,
    one_of,
    read,
    text,
    the_day,
    whole,
)
from voicebill.billing.errors import InvalidInput, VoicebillError
from voicebill.conversation.rules import Value, parameter_value
from voicebill.conversation.script import Script, ToolCall, Truncation, Turn

CountFile = Callable[[str], int]
"""Tokens of a file that a script names; whoever has the files supplies it."""

TOOL_CALL: Schema = {"arguments_tokens": Key(whole, 0), "result_tokens": Key(whole, 0)}

TURN: Schema = {
    "user_audio_tokens": Key(whole, 0),
    "user_seconds": Key(milliseconds, None),
    "user_transcript_tokens": Key(whole, None),
    "user_text_tokens": Key(whole, 0),
    "image_tokens": Key(listed(whole), ()),
    "tool_calls": Rows(TOOL_CALL),
    "reply_audio_tokens": Key(whole, 0),
    "reply_seconds": Key(milliseconds, None),
    "reply_text_tokens": Key(whole, None),
    "reply_transcript_tokens": Key(whole, None),
    "reasoning_tokens": Key(whole, 0),
    "silence_seconds": Key(milliseconds, 0),
    "heard_seconds": Key(milliseconds, None),
    "cancelled": Key(flag, False),
}

TRUNCATION: Schema = {
    "mode": Key(one_of("auto", "disabled"), "auto"),
    "retention_ratio": Key(a_share, None),
    "post_instructions_tokens": Key(whole, None),
}


def truncation(value: object) -> Truncation:
    """A truncation setting, as a table or as the word "auto" or "disabled"."""
    faults: list[Fault] = []
    table = read({"mode": value} if isinstance(value, str) else value, TRUNCATION, faults)
    if faults:
        raise Several([fault.text for fault in faults])
    return Truncation(**{key: given for key, given in table.items() if given is not None})


def overrides(value: object) -> dict[str, Value]:
    """Rules set otherwise, each in its own type."""
    given = mapped(anything)(value)
    found: dict[str, Value] = {}
    wrong: list[str] = []
    for name, each in given.items():
        try:
            found[name] = parameter_value(name, each)
        except VoicebillError as error:
            wrong.append(str(error))
    if wrong:
        raise Several(wrong)
    return found


SCRIPT: Schema = {
    "model": Key(text, None),
    "provider": Key(text, None),
    "deployment": Key(text, None),
    "region": Key(text, None),
    "day": Key(the_day, None),
    "rules": Key(text, None),
    "overrides": Key(overrides, {}),
    "instructions_tokens": Key(whole, None),
    "instructions_file": Key(text, None),
    "tools_tokens": Key(whole, None),
    "tools_file": Key(text, None),
    "transcription_model": Key(text, None),
    "truncation": Key(truncation, Truncation()),
    "cache": Key(one_of("all", "prefix", "none"), None),
    "reuse": Key(a_share, None),
    "warm": Key(flag, False),
    "session_minutes": Key(whole, None),
    "carry": Key(one_of("text", "nothing"), None),
    "transport": Key(one_of("webrtc", "websocket", "sip"), "webrtc"),
    "turns": Rows(TURN),
}

_ASKED = ("model", "provider", "deployment", "region", "day", "rules", "overrides")
_SETUP = ("transcription_model", "truncation", "cache", "reuse", "warm", "session_minutes", "carry", "transport")


@dataclass(frozen=True, slots=True)
class Scripted:
    """A script, and what its table says of the model, the day and the rules (only what it says)."""

    script: Script
    asked: Mapping[str, Any]

    def question(self, **instead: object) -> Asked:
        """What is asked: the table's words, and in their place what is stated instead (None: as the table says).

        Raises:
            InvalidInput: neither names a model.
        """
        words: dict[str, Any] = {key: value for key, value in self.asked.items() if value is not None}
        words |= {key: value for key, value in instead.items() if value is not None and value != {}}
        if "model" not in words:
            raise InvalidInput('no model: write model = "gpt-realtime" at the top of the script, or name one with --model')
        return Asked(**words)


def script_from(table: object, faults: list[Fault], count_file: CountFile | None = None) -> Scripted | None:
    """Read a script's table; None if it has faults, all of which are added to `faults`."""
    if isinstance(table, Mapping) and "turns" not in table and {"offers", "rules"} & {k for k in table if _is_rows(table[k])}:
        faults.append(Fault((), "this looks like prices or rules, not like a script: see voicebill prices --check"))
        return None
    values = read(table, SCRIPT, faults)
    counted = {f"{what}_tokens": _counted(what, values, faults, count_file) for what in ("instructions", "tools")}
    turns = [_turn(row, at, faults) for at, row in enumerate(values.get("turns", ())) if row is not None]
    if faults:
        return None
    try:
        script = Script(turns=tuple(turn for turn in turns if turn), **counted, **{key: values[key] for key in _SETUP})
    except VoicebillError as error:
        faults.append(Fault((), str(error)))
        return None
    return Scripted(script, {key: values[key] for key in _ASKED})


def _is_rows(value: object) -> bool:
    return isinstance(value, list)


def _counted(what: str, values: Values, faults: list[Fault], count_file: CountFile | None) -> Any:  # noqa: ANN401 - a count
    tokens, file = values.get(f"{what}_tokens"), values.get(f"{what}_file")
    if file is None:
        return tokens or 0
    try:
        if tokens is not None:
            raise InvalidInput(f"{what}_tokens and {what}_file say the same thing: give one")
        if count_file is None:
            raise InvalidInput("files cannot be named here: give the tokens")
        return count_file(file)
    except VoicebillError as error:
        faults.append(Fault((f"{what}_file",), str(error)))
        return 0


RENAMED = {
    "user_audio_ms": "user_seconds",
    "reply_audio_ms": "reply_seconds",
    "heard_ms": "heard_seconds",
    "silence_ms": "silence_seconds",
}
"""Fields of a turn whose key in a script is in seconds."""


def _turn(row: Values, at: int, faults: list[Fault]) -> Turn | None:
    fields = {key: field for field, key in RENAMED.items()}
    values = {fields.get(key, key): value for key, value in row.items()}
    try:
        return Turn(**values | {"tool_calls": tuple(ToolCall(**call) for call in values["tool_calls"])})
    except VoicebillError as error:
        said = str(error)
        for field, key in RENAMED.items():
            said = said.replace(field, key)
        faults.append(Fault(("turns", at), f"turn {at + 1}: {said}"))
        return None
