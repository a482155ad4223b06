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


API_USAGE: dict[str, Any] = {
    "total_tokens": 253,
    "input_tokens": 132,
    "output_tokens": 121,
    "input_token_details": {
        "text_tokens": 119,
        "audio_tokens": 13,
        "cached_tokens": 64,
        "cached_tokens_details": {"text_tokens": 64, "audio_tokens": 0},
    },
    "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
}


@pytest.mark.parametrize(
    ("shape", "key", "session"),
    [
        (API_USAGE, None, None),
        ({"usage": API_USAGE}, None, None),
        ({"ts": "2026-03-01T12:00:00Z", "session_id": "s1", "model": "gpt-realtime", "usage": API_USAGE}, None, "s1"),
        ({"call_id": "c1", "response_id": "resp_5", **API_USAGE}, "resp_5", "c1"),
        ({"object": "realtime.response", "id": "resp_5", "status": "completed", "usage": API_USAGE}, "resp_5", None),
        (
            {"msg": "done", "status": 200, "response": {"id": "resp_5", "status": "completed", "usage": API_USAGE}},
            "resp_5",
            None,
        ),
        ({"type": "usage_log", "usage": API_USAGE}, None, None),
    ],
)
def test_a_usage_object_of_the_api_is_a_response(shape: dict[str, Any], key: str | None, session: str | None) -> None:
    """Alone on a line, or beside a time, a session, a model or the identifier of its response."""
    defaults = LogDefaults(model="gpt-realtime")
    record = read_record(line(shape), defaults=defaults)
    assert (usage_of(record), record.model, record.session) == (EXPECTED_USAGE, "gpt-realtime", session)
    assert key in (None, record.key)


def test_each_line_with_a_usage_object_is_a_record() -> None:
    """Three equal lines are three responses: nothing says that they are one."""
    records, report = read_records(line(*([API_USAGE] * 3)))
    assert (len({record.key for record in records}), report.sources) == (3, {"a log": "agents"})


def test_a_usage_object_beside_responses_repeats_one_of_them() -> None:
    """A response with its identifier, and its usage alone: once."""
    response = {"type": "turn_done", "response": {"id": "resp_1", "status": "completed", "usage": API_USAGE}}
    records, report = read_records(line(API_USAGE, response))
    assert [record.key for record in records] == ["resp_1"]
    assert report.skipped == {"updates of usage whose responses are in the log too": 1}


def test_the_usage_of_a_transcription_names_its_type() -> None:
    """17 audio tokens in and 9 text tokens out, or 1.5 s: by the transcription model."""
    details = {"text_tokens": 0, "audio_tokens": 17}
    tokens = {"type": "tokens", "total_tokens": 26, "input_tokens": 17, "input_token_details": details, "output_tokens": 9}
    lines = line(tokens, {"text": "secret", "usage": tokens}, {"usage": {"type": "duration", "seconds": 1.5}})
    records, _ = read_records(lines, defaults=LogDefaults(model="gpt-realtime", transcription_model="gpt-4o-transcribe"))
    assert {(record.kind, record.model) for record in records} == {("transcription", "gpt-4o-transcribe")}
    by_tokens = {"audio_in": 17, "text_out": 9}
    assert [usage_of(record) for record in records] == [by_tokens, by_tokens, {"audio_ms": 1500}]


def test_a_duration_by_itself_is_of_a_transcription() -> None:
    """Beside usage objects of responses, as the API's own objects are logged one by one."""
    records, report = read_records(line(API_USAGE, {"type": "duration", "seconds": 2.3}))
    assert ("transcription", {"audio_ms": 2300}) in [(record.kind, usage_of(record)) for record in records]
    assert len(records) == 2
    assert report.unread_usage is None


def test_details_that_were_printed_into_json_are_read() -> None:
    """`json.dumps(..., default=str)` leaves objects as text: 64 cached tokens of 132."""
    usage = {
        "requests": 1,
        "input_tokens": 132,
        "output_tokens": 121,
        "total_tokens": 253,
        "request_usage_entries": [],
        "input_tokens_details": "InputTokensDetails(cached_tokens=64, cache_write_tokens_details=None)",
        "output_tokens_details": "OutputTokensDetails(reasoning_tokens=0)",
    }
    record = read_record(line({"type": "raw_model_event", "data": {"type": "usage", "usage": usage}}))
    assert {sum(n for meter, n in usage.items() if meter.endswith("_cached")) for usage in record.usage_candidates} == {64}


def test_a_total_of_several_requests_is_not_read() -> None:
    """It does not separate text from audio tokens, so it is reported as usage that was not read."""
    total = {"usage": {"requests": 9, "input_tokens": 9999, "output_tokens": 9999, "total_tokens": 19998}}
    records, report = read_records(line(API_USAGE, total))
    assert len(records) == 1
    assert report.unread_usage is not None
    assert report.unread_usage.items == 1
