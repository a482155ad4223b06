"""A script as people write it, in TOML or JSON, read into a `Script` and what is asked about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from voicebill.answers.estimates.model_selection import SELECTION_FIELDS, ModelSelection, select_model
from voicebill.answers.parameters.inputs import PLAN
from voicebill.answers.parameters.table_schema import (
    Field,
    Issue,
    MultipleErrors,
    Schema,
    TableList,
    ValueReader,
    Values,
    any_value,
    boolean,
    decimal,
    exact_date,
    integer,
    list_of,
    map_of,
    one_of,
    read_table,
    share,
    text,
)
from voicebill.billing.errors import InvalidInput, VoicebillError
from voicebill.billing.validation import Between, field_types
from voicebill.conversation.rules import ParameterValue, parse_parameter
from voicebill.conversation.script import DEFAULT_TRANSPORT, MAX_MS, Script, ToolCall, Truncation, Turn

FileTokenCounter = Callable[[str], int]
"""Tokens of a file that a script names; whoever has the files supplies it."""

SECONDS_BOUNDS = Between(0, MAX_MS // 1000)


def _seconds_to_ms(value: object) -> int:
    """Seconds, as whole milliseconds."""
    seconds = decimal(value)
    if not SECONDS_BOUNDS.allows(seconds):
        raise InvalidInput(f"must be {SECONDS_BOUNDS.predicate()}, not {value}")
    return round(seconds * 1000)


def _choice_of(owner: type, name: str) -> ValueReader:
    """One of the words that a field of a dataclass may hold."""
    return one_of(*field_types(owner)[name].choices)


TOOL_CALL_SCHEMA: Schema = {"arguments_tokens": Field(integer, 0), "result_tokens": Field(integer, 0)}

TURN_SCHEMA: Schema = {
    "user_audio_tokens": Field(integer, 0),
    "user_seconds": Field(_seconds_to_ms, None),
    "user_transcript_tokens": Field(integer, None),
    "user_text_tokens": Field(integer, 0),
    "image_tokens": Field(list_of(integer), ()),
    "tool_calls": TableList(TOOL_CALL_SCHEMA),
    "reply_audio_tokens": Field(integer, 0),
    "reply_seconds": Field(_seconds_to_ms, None),
    "reply_text_tokens": Field(integer, None),
    "reply_transcript_tokens": Field(integer, None),
    "reasoning_tokens": Field(integer, 0),
    "silence_seconds": Field(_seconds_to_ms, 0),
    "played_seconds": Field(_seconds_to_ms, None),
    "cancelled": Field(boolean, False),
    "user_messages": Field(integer, 1),
    "instructions_tokens": Field(integer, None),
    "deleted_items": Field(list_of(integer), ()),
}

TRUNCATION_SCHEMA: Schema = {
    row.attribute or row.name: Field(row.read, None) for row in PLAN.values() if row.owner is Truncation
}
"""The parts of a truncation setting, each read as the input of its own."""


def truncation_setting(value: object) -> Truncation:
    """A truncation setting, as a table or as the word "auto" or "disabled".

    >>> truncation_setting("Disabled").mode, str(truncation_setting({"retention_ratio": "80%"}).retention_ratio)
    ('disabled', '0.8')
    """
    if isinstance(value, str):
        return Truncation(PLAN["truncation"].read(value))
    issues: list[Issue] = []
    table = read_table(value, TRUNCATION_SCHEMA, issues)
    if issues:
        raise MultipleErrors([issue.text for issue in issues])
    return Truncation(**{key: item for key, item in table.items() if item is not None})


def rule_overrides(value: object) -> dict[str, ParameterValue]:
    """Rules set otherwise, each in its own type."""
    settings = map_of(any_value)(value)
    rules: dict[str, ParameterValue] = {}
    messages: list[str] = []
    for name, setting in settings.items():
        try:
            rules[name] = parse_parameter(name, setting)
        except VoicebillError as error:
            messages.append(str(error))
    if messages:
        raise MultipleErrors(messages)
    return rules


SCRIPT_SCHEMA: Schema = {
    "model": Field(text, None),
    "provider": Field(text, None),
    "deployment": Field(text, None),
    "region": Field(text, None),
    "day": Field(exact_date, None),
    "rules": Field(text, None),
    "overrides": Field(rule_overrides, {}),
    "instructions_tokens": Field(integer, None),
    "instructions_file": Field(text, None),
    "tools_tokens": Field(integer, None),
    "tools_file": Field(text, None),
    "transcription_model": Field(text, None),
    "truncation": Field(truncation_setting, Truncation()),
    "instructions_change": Field(PLAN["instructions_change"].read, 0),
    "stable_instructions_tokens": Field(integer, None),
    "cache": Field(_choice_of(Script, "cache"), None),
    "prefix_reuse": Field(share, None),
    "warm_cache": Field(boolean, False),
    "session_minutes": Field(integer, None),
    "session_carryover": Field(_choice_of(Script, "session_carryover"), None),
    "transport": Field(_choice_of(Script, "transport"), DEFAULT_TRANSPORT),
    "turns": TableList(TURN_SCHEMA),
}

_SETTINGS_KEYS = (
    "transcription_model",
    "instructions_change",
    "stable_instructions_tokens",
    "truncation",
    "cache",
    "prefix_reuse",
    "warm_cache",
    "session_minutes",
    "session_carryover",
    "transport",
)


@dataclass(frozen=True, slots=True)
class ScriptRequest:
    """A script, and what its table says of the model, the day and the rules (only what it says)."""

    script: Script
    selection_values: Mapping[str, Any]

    def selection(self, **overrides: object) -> ModelSelection:
        """What is asked: the table's words, and in their place what is stated instead (None: as the table says).

        Raises:
            InvalidInput: neither names a model.
        """
        values: dict[str, Any] = {key: value for key, value in self.selection_values.items() if value is not None}
        values |= {key: value for key, value in overrides.items() if value is not None and value != {}}
        if "model" not in values:
            message = 'no model: write model = "gpt-realtime" at the top of the script, or name one with --model'
            raise InvalidInput(message, field="model", is_sentence=True)
        return select_model(values)


def parse_script(table: object, issues: list[Issue], count_file: FileTokenCounter | None = None) -> ScriptRequest | None:
    """Read a script's table; None if it has faults, all of which are added to `issues`."""
    if isinstance(table, Mapping) and "turns" not in table and {"offers", "rules"} & {k for k in table if _is_list(table[k])}:
        issues.append(Issue((), "this looks like prices or rules, not like a script: see voicebill prices --check"))
        return None
    values = read_table(table, SCRIPT_SCHEMA, issues)
    token_counts = {f"{what}_tokens": _token_count(what, values, issues, count_file) for what in ("instructions", "tools")}
    turns = [_turn(row, index, issues) for index, row in enumerate(values.get("turns", ())) if row is not None]
    if issues:
        return None
    try:
        script = Script(
            turns=tuple(turn for turn in turns if turn), **token_counts, **{key: values[key] for key in _SETTINGS_KEYS}
        )
    except VoicebillError as error:
        issues.append(Issue.of(error))
        return None
    return ScriptRequest(script, {key: values[key] for key in SELECTION_FIELDS})


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _token_count(what: str, values: Values, issues: list[Issue], count_file: FileTokenCounter | None) -> Any:  # noqa: ANN401 - a count
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
        issues.append(Issue((f"{what}_file",), str(error), error.message))
        return 0


SECONDS_KEYS = {
    "user_audio_ms": "user_seconds",
    "reply_audio_ms": "reply_seconds",
    "played_ms": "played_seconds",
    "silence_ms": "silence_seconds",
}
"""Fields of a turn whose key in a script is in seconds."""


def _turn(row: Values, index: int, issues: list[Issue]) -> Turn | None:
    fields = {key: field for field, key in SECONDS_KEYS.items()}
    values = {fields.get(key, key): value for key, value in row.items()}
    try:
        return Turn(**values | {"tool_calls": tuple(ToolCall(**call) for call in values["tool_calls"])})
    except VoicebillError as error:
        message = str(error)
        for field, key in SECONDS_KEYS.items():
            message = message.replace(field, key)
        issues.append(Issue(("turns", index), f"turn {index + 1}: {message}"))
        return None
