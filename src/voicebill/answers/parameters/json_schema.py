"""Describe the inputs of requests as JSON schemas, for the API and for MCP tools."""

from collections.abc import Mapping
from typing import Any

from voicebill.answers.parameters import script_schema
from voicebill.answers.parameters.inputs import PLAN, Inputs


def input_json_schema(inputs: Inputs, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The JSON schema of a table of inputs, with their types, bounds, choices and examples."""
    properties = {
        row.name: row.kind.schema(row.bounds)
        | {"description": row.help_with_default}
        | ({"examples": [row.example]} if row.example else {})
        for row in inputs.values()
    }
    return {
        "type": "object",
        "required": [row.name for row in inputs.values() if row.is_required],
        "properties": properties | dict(extra or {}),
        "additionalProperties": False,
    }


REQUEST_EXTRAS: dict[str, Any] = {
    "call_lengths": {
        "type": "array",
        "description": "observed call lengths: pairs of [minutes, number of calls]",
        "items": {},
    },
    "overrides": {"type": "object", "description": "rules with other values, such as cache_block_tokens"},
    "truncation": {
        "anyOf": [PLAN["truncation"].kind.schema(), {"type": "object"}],
        "description": PLAN["truncation"].help_with_default,
    },
}
"""The fields of a request that are no inputs: they have no option and no field in the form."""

_TURN: dict[str, Any] = {
    "type": "object",
    "description": "User input (speech, text or images) and the reply; in tokens or seconds.",
    "properties": {name: {} for name in script_schema.TURN_SCHEMA}
    | {
        "tool_calls": {
            "type": "array",
            "items": {"type": "object", "properties": {name: {} for name in script_schema.TOOL_CALL_SCHEMA}},
        }
    },
    "additionalProperties": False,
}
SCRIPT_JSON_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["model", "turns"],
    "properties": {name: {} for name in script_schema.SCRIPT_SCHEMA if not name.endswith("_file")}
    | {"model": {"type": "string"}, "turns": {"type": "array", "minItems": 1, "items": _TURN}},
    "additionalProperties": False,
}
"""A script, turn by turn."""
