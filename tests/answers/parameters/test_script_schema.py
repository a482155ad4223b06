"""Scripts as people write them, and what is said when they are wrong."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from voicebill.answers.parameters.request import parse_estimate_request
from voicebill.answers.parameters.script_schema import SECONDS_KEYS, ScriptRequest, parse_script
from voicebill.answers.parameters.table_schema import Issue
from voicebill.billing.errors import InvalidInput
from voicebill.conversation.script import ToolCall, Truncation

TURN = {"user_audio_tokens": 10, "reply_audio_tokens": 20}


def read_script(table: dict[str, Any]) -> tuple[ScriptRequest | None, list[str]]:
    issues: list[Issue] = []
    return parse_script(table, issues), [str(issue) for issue in issues]


def test_every_key_is_read() -> None:
    table = {
        "model": "gpt-realtime",
        "day": date(2026, 11, 22),
        "instructions_tokens": 7,
        "truncation": {"mode": "auto", "retention_ratio": Decimal("0.8"), "post_instructions_tokens": 8000},
        "prefix_reuse": Decimal("0.5"),
        "turns": [
            {
                "user_seconds": Decimal("1.5"),
                "image_tokens": 194,
                "reply_seconds": 10,
                "played_seconds": 4,
                "silence_seconds": Decimal("0.25"),
                "reasoning_tokens": 3,
                "tool_calls": [{"arguments_tokens": 1, "result_tokens": 2}],
            }
        ],
    }
    request, issues = read_script(table)
    assert request is not None, issues
    turn = request.script.turns[0]
    assert (turn.user_audio_ms, turn.reply_audio_ms, turn.played_ms, turn.silence_ms) == (1500, 10_000, 4000, 250)
    assert (turn.image_tokens, turn.tool_calls, turn.reasoning_tokens) == ((194,), (ToolCall(1, 2),), 3)
    assert request.script.truncation == Truncation("auto", Decimal("0.8"), 8000)
    assert request.selection().day == date(2026, 11, 22)
    assert request.selection(model="gpt-realtime-mini", provider=None).model == "gpt-realtime-mini"


@pytest.mark.parametrize(
    ("flat", "table"),
    [
        ({"truncation": "AUTO"}, {"mode": "AUTO"}),
        ({"truncation": " disabled "}, {"mode": " disabled "}),
        ({"retention_ratio": "80%"}, {"retention_ratio": "80%"}),
        ({"retention_ratio": 0.8}, {"retention_ratio": 0.8}),
        ({"post_instructions_tokens": "8k"}, {"post_instructions_tokens": "8k"}),
    ],
)
def test_the_parts_of_a_truncation_table_are_read_as_the_inputs_are(flat: dict[str, Any], table: dict[str, Any]) -> None:
    plan = {"minutes": 10, "turns": 20}
    issues: list[Issue] = []
    by_input, by_table = (
        parse_estimate_request(plan | extra, today=date(2026, 11, 22), issues=issues) for extra in (flat, {"truncation": table})
    )
    request, script_issues = read_script({"model": "m", "truncation": table, "turns": [TURN]})
    assert (issues, script_issues) == ([], [])
    assert by_input is not None
    assert by_table is not None
    assert request is not None
    assert by_input.plan.truncation == by_table.plan.truncation == request.script.truncation


def test_truncation_may_be_a_word() -> None:
    request, _ = read_script({"model": "m", "truncation": "disabled", "turns": [TURN]})
    assert request is not None
    assert request.script.truncation.mode == "disabled"


@pytest.mark.parametrize(
    ("table", "messages"),
    [
        (
            {"turns": [{"user_audo_tokens": 5}]},
            ["turns 1: unknown key 'user_audo_tokens'; the nearest is 'user_audio_tokens'"],
        ),
        (
            {"instruction_tokens": 5, "turns": [TURN]},
            ["unknown key 'instruction_tokens'; the nearest is 'instructions_tokens'"],
        ),
        ({"turns": []}, ["a script needs at least one turn"]),
        ({}, ["a script needs at least one turn"]),
        ({"turns": [{"user_audio_tokens": -1}]}, ["turns 1: user_audio_tokens: cannot be negative: -1"]),
        (
            {"turns": [{"user_audio_tokens": 1.5}]},
            ["turns 1: user_audio_tokens: must be a whole number, not 1.5"],
        ),
        ({"turns": [{"user_seconds": "long"}]}, ["turns 1: user_seconds: must be a number, not 'long'"]),
        (
            {"turns": [{"user_seconds": float("nan")}]},
            ["turns 1: user_seconds: must be a finite number, not nan"],
        ),
        (
            {"turns": [TURN, {"played_seconds": 4, "reply_text_tokens": 1}]},
            ["turns 2: turn 2: played_seconds needs a spoken reply"],
        ),
        ({"turns": {"user_audio_tokens": 1}}, ["turns: must be a list of groups of keys, not a group of keys"]),
        ({"turns": [5]}, ["turns 1: must be a group of keys, not 5"]),
        (
            {"turns": [TURN], "truncation": {"ratio": 1}},
            ["truncation: unknown key 'ratio'; the nearest is 'retention_ratio'"],
        ),
        (
            {"turns": [TURN], "cache": "prefx"},
            ["cache: must be one of all, prefix, none, not 'prefx'; the nearest is 'prefix'"],
        ),
        ({"turns": [TURN], "prefix_reuse": 2}, ["prefix_reuse: must be between 0 and 1, not 2"]),
        ({"turns": [TURN], "instructions_file": "p.txt"}, ["files cannot be named here: give the tokens"]),
        (
            {"turns": [TURN], "tools_file": "p.json", "tools_tokens": 4},
            ["tools_tokens and tools_file say the same thing: give one"],
        ),
    ],
)
def test_faults_say_where_and_what(table: dict[str, Any], messages: list[str]) -> None:
    request, issues = read_script(table)
    assert request is None
    assert issues == messages


def test_all_faults_are_reported_at_once() -> None:
    _, issues = read_script({"model": 5, "day": "soon", "turns": [{"x": 1}, {"cancelled": "yes"}]})
    assert len(issues) == 4


def test_a_script_without_a_model_asks_for_one() -> None:
    request, _ = read_script({"turns": [TURN]})
    assert request is not None
    with pytest.raises(InvalidInput, match="no model: write model = "):
        request.selection(day=date(2026, 11, 22))


@pytest.mark.parametrize("key", SECONDS_KEYS.values())
def test_a_limit_is_stated_in_seconds_where_the_key_is_in_seconds(key: str) -> None:
    table = {"model": "m", "turns": [{"user_audio_tokens": 10, "reply_seconds": 10, key: 100_000}]}
    assert read_script(table)[1] == [f"turns 1: {key}: must be between 0 and 86,400, not 100000"]
    assert read_script({"model": "m", "turns": [{"user_seconds": 1, "reply_seconds": 10, key: 86_400}]})[1] == []
