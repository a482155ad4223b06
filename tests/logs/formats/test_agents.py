"""Usage events of OpenAI's Agents SDK. Shapes: its realtime/model_events.py, as `dataclasses.asdict` gives them."""

import json
from typing import Any

import pytest

from tests.logs.reading import error_texts, read_record, read_records, usage_of
from voicebill.logs.defaults import LogDefaults

EVENT: dict[str, Any] = {
    "usage": {
        "requests": 1,
        "input_tokens": 132,
        "input_tokens_details": {"cached_tokens": 64},
        "output_tokens": 121,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 253,
        "request_usage_entries": [],
    },
    "input_tokens_details": {
        "text_tokens": 119,
        "audio_tokens": 13,
        "image_tokens": None,
        "cached_tokens": 64,
        "cached_tokens_details": {"text_tokens": 64, "audio_tokens": 0, "image_tokens": None},
    },
    "output_tokens_details": {"text_tokens": 30, "audio_tokens": 91},
    "type": "usage",
}
EXPECTED_USAGE = {"text_in": 55, "text_in_cached": 64, "audio_in": 13, "text_out": 30, "audio_out": 91}
RUNNING = {
    "context": {"context": None, "usage": {"requests": 9, "input_tokens": 9999, "output_tokens": 9999, "total_tokens": 19998}}
}


def line(*values: object) -> str:
    return "\n".join(json.dumps(value) for value in values)


@pytest.mark.parametrize(
    "shape",
    [
        EVENT,
        {"data": EVENT, "info": RUNNING, "type": "raw_model_event"},
        {"time": "2026-03-01T12:00:00Z", "event": {"data": EVENT, "info": RUNNING, "type": "raw_model_event"}},
    ],
)
def test_an_event_is_a_response(shape: object) -> None:
    """132 in, 64 of them cached text: 55 fresh. The session's running total beside it is not read."""
    record = read_record(line(shape), defaults=LogDefaults(model="gpt-realtime", provider="openai"))
    assert (usage_of(record), record.model, record.provider, record.outcome) == (EXPECTED_USAGE, "gpt-realtime", "openai", None)


def test_an_envelope_may_name_the_model() -> None:
    """What the log says is believed before what was told."""
    record = read_record(
        line({"model": "gpt-realtime-2", "session_id": "s1", "data": EVENT}), defaults=LogDefaults(model="gpt-realtime")
    )
    assert (record.model, record.session) == ("gpt-realtime-2", "s1")


def test_without_details_the_modality_stays_open() -> None:
    """132 in and 121 out: text or audio."""
    bare = {**EVENT, "input_tokens_details": None, "output_tokens_details": None}
    record = read_record(line(bare))
    assert record.status == "ambiguous"
    assert {usage["audio_out"] for usage in record.usage_candidates} == {0, 121}


def test_other_events_are_passed_over() -> None:
    """So is a total that is not an event: it has lost what it was made of."""
    _, report = read_records(line(EVENT, {"type": "turn_ended"}, {"type": "audio", "data": "AAAA"}, RUNNING))
    assert (report.records, report.other_lines, report.errors) == (1, 3, [])


def test_the_servers_own_events_say_more() -> None:
    """Where both are forwarded, the log is one of the Realtime API, and each response counts once."""
    done = {
        "type": "response.done",
        "response": {
            "id": "resp_1",
            "status": "completed",
            "conversation_id": "c",
            "usage": {"input_tokens": 5, "output_tokens": 0, "input_token_details": {"text_tokens": 5}},
        },
    }
    raw = {"type": "raw_model_event", "data": {"type": "raw_server_event", "data": done}}
    records, report = read_records(line({"type": "raw_model_event", "data": EVENT}, raw))
    assert report.sources == {"a log": "realtime"}
    assert [record.key for record in records] == ["resp_1"]


def test_wrong_counts_are_reported() -> None:
    """The line and the field are named."""
    _, report = read_records(line({**EVENT, "output_tokens_details": {"audio_tokens": -1}}, EVENT))
    assert error_texts(report) == [
        "a log, line 1: not as the format requires: Expected `int` >= 0 - at `$.output_tokens_details.audio_tokens`"
    ]
