"""Reading takes a time that grows with the length of a log, whatever is in it."""

import json
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import pytest

from tests.logs.reading import read_records

USAGE = {"input_tokens": 132, "output_tokens": 121}
MODEL = {"model_name": "gpt-realtime", "model_provider": "api.openai.com"}
START = 1795345200


def alternating_models(count: int) -> list[Any]:
    """Return a session whose model changes before every response."""
    return [
        event
        for number in range(count)
        for event in (
            {"time": START + number, "type": "session.updated", "session": {"id": "s", "model": f"model-{number % 2}"}},
            {"time": START + number, "type": "response.done", "response": {"id": f"resp_{number}", "usage": USAGE}},
        )
    ]


def metrics(number: int, **more: Any) -> dict[str, Any]:
    """Return the metrics of a response."""
    single = {"type": "realtime_model_metrics", "timestamp": START + number, **USAGE, "total_tokens": 253, "metadata": MODEL}
    return {**single, "input_token_details": {}, "output_token_details": {}, **more}


def summed(number: int, tokens: int, **more: Any) -> dict[str, Any]:
    """Return the sum of a session."""
    usage = {"type": "llm_usage", "provider": "api.openai.com", "model": "gpt-realtime", "input_tokens": tokens}
    line = {"type": "session_usage_updated", "created_at": START + number}
    return {**line, "usage": {"model_usage": [{**usage, "output_tokens": tokens}]}, **more}


def metrics_without_identifier(count: int) -> list[Any]:
    """Return metrics with an identifier, and as many of equal amounts without one, long after."""
    identified = [metrics(number, request_id=f"resp_{number}") for number in range(count)]
    return [*identified, *(metrics(10**6 + number) for number in range(count))]


def sums_and_metrics(count: int) -> list[Any]:
    """Return a sum and a response in each of many sessions."""
    return [
        line
        for number in range(count)
        for line in (
            summed(number, number + 1, session_id=f"s{number}"),
            metrics(number, request_id=f"resp_{number}", session_id=f"s{number}"),
        )
    ]


def sums_and_raw_events(count: int) -> list[Any]:
    """Return a sum and the raw events of one of many sessions, which have other names."""
    return [
        line
        for number in range(count)
        for line in (
            raw(number, {"type": "session.created", "session": {"id": f"sess_{number}", "model": "gpt-realtime"}}),
            raw(number, {"type": "response.done", "response": {"id": f"resp_{number}", "usage": USAGE}}),
            summed(number, number + 1, session_id=f"s{number}"),
        )
    ]


def raw(number: int, event: Any) -> dict[str, Any]:
    """Return an agent's line of a raw event."""
    return {"message": "<<<", "name": "livekit.agents", "lk.pii.event": event, "timestamp": START + number}


def steps_of(function: Callable[[], object]) -> int:
    """Return how many calls of functions and of generators a function takes."""
    steps = 0

    def count(_: FrameType, event: str, __: object) -> None:
        nonlocal steps
        steps += event in ("call", "c_call")

    previous = sys.getprofile()
    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(previous)
    return steps


@pytest.mark.parametrize("lines", [alternating_models, metrics_without_identifier, sums_and_metrics, sums_and_raw_events])
def test_four_times_the_lines_take_about_four_times_as_many_steps(
    lines: Callable[[int], list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What looks at all earlier lines for every line takes sixteen times as many, unless it is given up after some."""
    monkeypatch.setattr("voicebill.logs.formats.livekit_sessions.MAX_RUN_STEPS", 2_000)
    logs = {count: "\n".join(map(json.dumps, lines(count))) for count in (300, 1_200)}
    read_records(logs[300])
    few, many = (steps_of(partial(read_records, content)) for content in logs.values())
    assert many < 6 * few
