"""Scripts of conversations from the keys of their schema, and their TOML."""

import json
from random import Random
from typing import Any

from tests.cases import DAY
from tests.fuzz.values import JSON_VALUES, ODD, WRONG
from voicebill.answers.parameters.script_schema import SCRIPT_SCHEMA, TOOL_CALL_SCHEMA, TURN_SCHEMA

SCRIPT_VALUES: dict[str, tuple[Any, ...]] = {
    "model": ("gpt-realtime", "gpt-realtime-mini", "gpt-realtime-2.1", "gpt-realtime-1.5"),
    "provider": ("openai", "azure"),
    "deployment": ("global", "data-zone"),
    "region": ("swedencentral",),
    "day": (DAY.isoformat(),),
    "rules": ("web-calculator-2026-06",),
    "overrides": ({}, {"cache_block_tokens": 64}),
    "transcription_model": ("whisper-1", "gpt-4o-transcribe"),
    "truncation": ("auto", "disabled", {"retention_ratio": 0.5}),
    "instructions_change": (0, 0.5, "20%"),
    "cache": ("all", "none", "prefix"),
    "prefix_reuse": (0.5, "30%"),
    "warm_cache": (True, False),
    "session_minutes": (1, 30),
    "session_carryover": ("text", "nothing"),
    "transport": ("webrtc", "websocket", "sip"),
    "image_tokens": ([], [100], [65, 129]),
    "cancelled": (True, False),
}
"""Right values of the keys that are no tokens and no seconds."""

FILE_KEYS = ("instructions_file", "tools_file")


def random_script(random: Random, *, oddness: float) -> dict[str, Any]:
    """Return a script of some turns, with any keys of its schema."""
    script = _random_table(random, [key for key in SCRIPT_SCHEMA if key != "turns"], 0.1, oddness)
    script.setdefault("day", DAY.isoformat())
    script["turns"] = [_random_turn(random, oddness) for _ in range(random.randint(1, 6))]
    return script


def _random_turn(random: Random, oddness: float) -> dict[str, Any]:
    turn = _random_table(random, [key for key in TURN_SCHEMA if key != "tool_calls"], 0.25, oddness)
    if random.random() < 0.2:
        turn["tool_calls"] = [_random_table(random, [*TOOL_CALL_SCHEMA], 0.8, oddness) for _ in range(random.randint(1, 2))]
    return turn


def _random_table(random: Random, keys: list[str], share: float, oddness: float) -> dict[str, Any]:
    return {key: _random_value(random, key, oddness) for key in keys if random.random() < share and key not in FILE_KEYS}


def _random_value(random: Random, key: str, oddness: float) -> Any:
    if random.random() < oddness / 2:
        return random.choice((*JSON_VALUES, *ODD, *WRONG))
    if key in SCRIPT_VALUES:
        return random.choice(SCRIPT_VALUES[key])
    return random.choice((0, 0.5, 3, 12.25) if key.endswith("_seconds") else (0, 1, 17, 120, 900))


def toml_text(table: dict[str, Any]) -> str:
    """A table as TOML, a key per line; keys without a value are left out, which TOML does not have."""
    return "".join(f"{json.dumps(key)} = {_toml_value(value)}\n" for key, value in table.items() if value is not None)


def _toml_value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_toml_value(v)}" for k, v in value.items() if v is not None) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_toml_value(item) for item in value if item is not None) + "]"
    return json.dumps(value) if isinstance(value, bool | int | float | str) else str(value)
