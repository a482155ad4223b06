"""LiteLLM's spend logs. Shapes: LiteLLM's proxy/_types.py (SpendLogsPayload) and types/utils.py (StandardLoggingPayload)."""

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest

from tests.logs.reading import error_texts, read_record, read_records, usage_of
from voicebill.logs.defaults import LogDefaults

USAGE: dict[str, Any] = {
    "prompt_tokens": 132,
    "completion_tokens": 121,
    "total_tokens": 253,
    "prompt_tokens_details": {"audio_tokens": 13, "cached_tokens": 64, "text_tokens": 119, "image_tokens": None},
    "completion_tokens_details": {"audio_tokens": 91, "reasoning_tokens": 0, "text_tokens": 30},
}
ROW: dict[str, Any] = {
    "request_id": "resp_1",
    "call_type": "_arealtime",
    "api_key": "never kept",
    "spend": 99.0,
    "total_tokens": 253,
    "prompt_tokens": 132,
    "completion_tokens": 121,
    "startTime": "2026-03-01T12:00:00+00:00",
    "endTime": "2026-03-01T12:05:00+00:00",
    "model": "gpt-realtime",
    "model_group": "voice",
    "custom_llm_provider": "openai",
    "user": "u1",
    "team_id": "team1",
    "end_user": None,
    "session_id": "sess_1",
    "cache_hit": "False",
    "status": "success",
    "metadata": {"usage_object": USAGE},
    "messages": {},
}


def line(*values: object) -> str:
    return "\n".join(json.dumps(value) for value in values)


def row(**changes: object) -> dict[str, Any]:
    return {**ROW, **changes}


def test_a_row_says_what_was_used_and_by_whom() -> None:
    """132 in, 64 cached of 119 text and 13 audio: 51 to 64 of them text, since LiteLLM does not split the cached."""
    record = read_record(line(ROW))
    assert record.status == "ambiguous"
    assert {usage["text_in_cached"] for usage in record.usage_candidates} == {51, 64}
    assert {usage["audio_out"] for usage in record.usage_candidates} == {91}
    assert (record.key, record.outcome, record.session, record.tenant) == ("resp_1", "completed", "sess_1", "team1")
    assert (record.provider, record.model, record.time) == ("openai", "gpt-realtime", datetime(2026, 3, 1, 12, 5, tzinfo=UTC))


def test_without_a_cache_the_counts_are_exact() -> None:
    """Nothing cached: 119 text and 13 audio in. Also where the database keeps metadata as text."""
    usage = {**USAGE, "prompt_tokens_details": {**USAGE["prompt_tokens_details"], "cached_tokens": 0}}
    for metadata in ({"usage_object": usage}, json.dumps({"usage_object": usage})):
        assert usage_of(read_record(line(row(metadata=metadata)))) == {
            "text_in": 119,
            "audio_in": 13,
            "text_out": 30,
            "audio_out": 91,
        }


def test_a_standard_payload_is_read_alike() -> None:
    """Its names differ: id, trace, times in seconds, the model it was priced by."""
    payload = {
        "id": "chatcmpl-1",
        "trace_id": "trace_1",
        "call_type": "acompletion",
        "response_cost": 1.0,
        "status": "success",
        "custom_llm_provider": "azure",
        "total_tokens": 112,
        "prompt_tokens": 100,
        "completion_tokens": 12,
        "startTime": 1795345200.0,
        "endTime": 1795345201.5,
        "model": "azure/my-own-name",
        "model_map_information": {"model_map_key": "azure/gpt-4.1-mini", "model_map_value": {}},
        "metadata": {"user_api_key_team_id": "team1", "user_api_key_user_id": "u1", "usage_object": None},
        "end_user": "acme",
    }
    for shape in (payload, {"standard_logging_object": payload}, {"data": [payload]}):
        record = read_record(line(shape))
        assert (record.key, record.session, record.tenant) == ("chatcmpl-1", "trace_1", "team1")
        assert (record.provider, record.model, record.status) == ("azure", "gpt-4.1-mini", "ambiguous")


@pytest.mark.parametrize(
    ("model", "provider", "expected"),
    [
        ("azure/gpt-realtime-mini-2025-10-06", None, ("azure", None, "gpt-realtime-mini-2025-10-06")),
        ("azure/us/gpt-realtime-mini", "azure", ("azure", "data-zone", "gpt-realtime-mini")),
        ("azure/global/gpt-realtime-mini", "azure", ("azure", "global", "gpt-realtime-mini")),
        ("openai/gpt-realtime", "openai", ("openai", None, "gpt-realtime")),
        ("gpt-realtime", None, (None, None, "gpt-realtime")),
        ("groq/openai/gpt-oss-120b", "groq", ("groq", None, "groq/openai/gpt-oss-120b")),
        ("", "openai", ("openai", None, None)),
    ],
)
def test_the_provider_is_split_off_the_model(model: str, provider: str | None, expected: tuple[str | None, ...]) -> None:
    """Where it is one that voicebill knows; and of Azure the zone that LiteLLM's prices name."""
    record = read_record(line(row(model=model, custom_llm_provider=provider)))
    assert (record.provider, record.deployment, record.model) == expected


def test_calls_answered_from_litellms_cache_are_skipped() -> None:
    """Nobody was asked, so nothing was charged: it is mentioned."""
    records, report = read_records(line(ROW, row(request_id="resp_2", cache_hit="True")))
    assert (len(records), report.skipped) == (1, {"answered from LiteLLM's own cache": 1})


def test_a_failure_and_a_row_of_zeros_have_no_usage() -> None:
    """Speech is logged with zeros: that is not known to be free."""
    nothing: dict[str, object] = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "metadata": {}}
    failed = read_record(line(row(status="failure", **nothing)))
    assert (failed.status, failed.outcome, failed.key) == ("missing", "failed", "resp_1")
    assert read_record(line(row(call_type="aspeech", model="tts-1", **nothing))).status == "missing"


def test_transcriptions_are_charged_by_their_model() -> None:
    """17 audio tokens in and 9 text tokens out; 1.5 s of another model; a model that is not named is told."""
    usage_object = {
        "prompt_tokens": 17,
        "completion_tokens": 9,
        "total_tokens": 26,
        "prompt_tokens_details": {"audio_tokens": 17},
    }
    tokens, seconds = read_records(
        line(
            row(
                call_type="atranscription",
                model="gpt-4o-transcribe",
                prompt_tokens=17,
                completion_tokens=9,
                metadata={"usage_object": usage_object},
            ),
            row(
                call_type="transcription",
                request_id="r2",
                model="",
                metadata={"usage_object": {"type": "duration", "seconds": 1.5}},
            ),
        ),
        defaults=LogDefaults(model="gpt-realtime", transcription_model="whisper-1"),
    )[0]
    assert (tokens.kind, usage_of(tokens), tokens.model) == (
        "transcription",
        {"audio_in": 17, "text_out": 9},
        "gpt-4o-transcribe",
    )
    assert (seconds.kind, usage_of(seconds), seconds.model) == ("transcription", {"audio_ms": 1500}, "whisper-1")


def test_an_array_of_rows_is_read_row_by_row() -> None:
    """As exports of the database come, over many lines."""
    records, report = read_records(json.dumps([ROW, row(request_id="resp_2")], indent=2))
    assert report.errors == []
    assert [record.key for record in records] == ["resp_1", "resp_2"]


def test_reasoning_is_not_charged_beside_the_text() -> None:
    """29 out, 19 of them thought, none told as text: 29 text out, or audio."""
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 29,
        "total_tokens": 39,
        "prompt_tokens_details": {"text_tokens": 10},
        "completion_tokens_details": {"reasoning_tokens": 19, "text_tokens": 10},
    }
    assert usage_of(read_record(line(row(metadata={"usage_object": usage})))) == {"text_in": 10, "text_out": 29}


@pytest.mark.parametrize(
    "bad",
    [
        row(prompt_tokens=-1),
        row(prompt_tokens="132"),
        row(metadata='{"usage_object": {"prompt_tokens": -1}}'),
        row(metadata="{"),
    ],
)
def test_wrong_rows_are_reported(bad: dict[str, object]) -> None:
    """The line is named, the next one is read, and nothing of what it holds is repeated."""
    records, report = read_records(line(bad, row(request_id="resp_2")))
    assert [record.key for record in records] == ["resp_2"]
    assert error_texts(report)[0].startswith("a log, line 1: ")
    assert "never kept" not in error_texts(report)[0]


HEADER = (
    "request_id,call_type,api_key,spend,total_tokens,prompt_tokens,completion_tokens,startTime,endTime,model,model_id,"
    "custom_llm_provider,user,metadata,cache_hit,team_id,end_user,request_tags,session_id,status"
)


def as_csv(*rows: dict[str, Any], dump: Callable[[object], str] = json.dumps) -> str:
    """Rows as the database exports them: JSON as text, nothing for null."""
    buffer = StringIO()
    writer = csv.DictWriter(buffer, HEADER.split(","), extrasaction="ignore")
    writer.writeheader()
    writer.writerows({name: dump(value) if isinstance(value, dict) else value for name, value in row.items()} for row in rows)
    return buffer.getvalue()


@pytest.mark.parametrize("dump", [json.dumps, repr], ids=["as JSON", "as Python writes it"])
def test_the_database_as_csv_gives_what_it_gives_as_json(dump: Callable[[object], str]) -> None:
    """The same key, usage, day, session and team; LiteLLM's spend and hashed key are not read."""
    rows = [row(), row(request_id="resp_2", team_id="", end_user="acme", metadata={}), row(request_id="r3", cache_hit="True")]
    records, report = read_records(as_csv(*rows, dump=dump))
    expected, _ = read_records(line(*rows))
    assert report.errors == []
    assert report.sources == {"a log": "litellm"}
    assert report.skipped == {"answered from LiteLLM's own cache": 1}
    assert [record.content_hash for record in records] == [record.content_hash for record in expected]
    assert [(record.key, record.tenant) for record in records] == [("resp_1", "team1"), ("resp_2", "acme")]


def test_a_row_of_the_database_that_cannot_be_read_is_unread() -> None:
    """A count that is none, and metadata that is cut off: two errors, and their counts are named."""
    records, report = read_records(as_csv(row(prompt_tokens="many"), row(metadata="{'usage_object': ")))
    assert records == []
    assert error_texts(report) == [
        "a log, line 2: prompt_tokens is not a number of digits with an optional decimal point",
        "a log, line 3: its metadata is not JSON in LiteLLM's format",
    ]
    assert report.unread_usage is not None
    assert report.unread_usage.items == 2


KWARGS: dict[str, Any] = {
    "model": "gpt-realtime",
    "messages": "never kept",
    "call_type": "_arealtime",
    "custom_llm_provider": "openai",
    "litellm_call_id": "call_1",
    "litellm_params": {"metadata": {"user_api_key_team_id": "team1"}, "api_base": ""},
}


def test_the_arguments_of_a_callback_are_read_from_their_payload() -> None:
    """The payload has what the spend log has; the type of the call beside it is not the payload's."""
    payload = {**ROW, "id": "resp_1", "request_id": None}
    arguments = {**KWARGS, "standard_logging_object": payload}
    for shape in (arguments, {"kwargs": arguments, "response_obj": {"id": "other"}, "start_time": "2026-03-02T12:00:00Z"}):
        record = read_record(line(shape))
        assert (record.key, record.tenant, record.status) == ("resp_1", "team1", "ambiguous")
        assert record.usage["text_out"] == 30


@pytest.mark.parametrize("name", ["response_obj", "completion_response", "completion_obj"])
def test_the_arguments_of_a_callback_without_payload_have_the_usage_in_the_response(name: str) -> None:
    """119 text, 13 audio, nothing cached; the times are those that the callback was called with."""
    usage = {**USAGE, "prompt_tokens_details": {**USAGE["prompt_tokens_details"], "cached_tokens": 0}}
    response = {"id": "resp_7", "object": "chat.completion", "usage": usage}
    times = {"start_time": "2026-03-01 12:00:00", "end_time": "2026-03-01 12:05:00"}
    record = read_record(line({"kwargs": KWARGS, name: response, **times}))
    assert usage_of(record) == {"text_in": 119, "audio_in": 13, "text_out": 30, "audio_out": 91}
    assert (record.key, record.tenant, record.model) == ("resp_7", "team1", "gpt-realtime")
    assert record.time == datetime(2026, 3, 1, 12, 5, tzinfo=UTC)
    assert read_record(line({**KWARGS, "combined_usage_object": usage})).key == "call_1"
    assert read_record(line({"kwargs": KWARGS, name: "ModelResponse(id='resp_7')"})).status == "missing"


LIVE_RESPONSE: dict[str, Any] = {
    "results": [
        {"type": "session.started", "session": {"model": "gpt-live-1"}},
        {
            "type": "response.event",
            "event": {
                "type": "response.completed",
                "response": {
                    "id": "resp_7",
                    "model": "gpt-5.4-mini",
                    "usage": {"input_tokens": 160, "input_tokens_details": {"cached_tokens": 100}, "output_tokens": 20},
                },
            },
        },
        {"type": "session.usage.updated", "usage": {"seconds": 45}},
        {"type": "session.closed", "usage": {"seconds": 71}},
    ],
    "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
}
"""What LiteLLM 1.110.2 returns for a session of GPT-Live: its events, and zeros."""
LIVE_ROW: dict[str, Any] = {
    "id": "call-1",
    "call_type": "_arealtime",
    "custom_llm_provider": "openai",
    "model": "gpt-live-1",
    "endTime": "2026-11-28T12:00:00Z",
    "total_tokens": 0,
    "prompt_tokens": 0,
    "completion_tokens": 0,
    "metadata": {"usage_object": LIVE_RESPONSE["usage"], "user_api_key_team_id": "acme"},
}


@pytest.mark.parametrize(
    "row",
    [
        {**LIVE_ROW, "response": LIVE_RESPONSE},
        {**LIVE_ROW, "response": json.dumps(LIVE_RESPONSE)},
        {"standard_logging_object": {**LIVE_ROW, "response": LIVE_RESPONSE}, "call_type": "_arealtime"},
        {"kwargs": LIVE_ROW, "response_obj": LIVE_RESPONSE},
        LIVE_RESPONSE,
    ],
)
def test_a_session_that_is_billed_by_time_is_in_the_events_of_its_response(row: dict[str, Any]) -> None:
    """71 s of the session, and 60 fresh and 100 cached tokens of the text model behind it."""
    records, report = read_records(json.dumps(row))
    assert [(record.kind, record.model, usage_of(record)) for record in records] == [
        ("response", "gpt-5.4-mini", {"text_in": 60, "text_in_cached": 100, "text_out": 20}),
        ("session", "gpt-live-1", {"session_ms": 71000}),
    ]
    assert (report.errors, report.unread_usage, records[0].key) == ([], None, "resp_7")
    if row is not LIVE_RESPONSE:
        assert {(record.provider, record.tenant, record.session, str(record.day)) for record in records} == {
            ("openai", "acme", "call-1", "2026-11-28")
        }


def test_the_sum_of_a_row_counts_rather_than_the_events_of_its_response() -> None:
    """A row with counts is one record; the response alone is read by its events, which have identifiers."""
    usage = {"input_tokens": 132, "output_tokens": 121, "input_token_details": {"text_tokens": 119, "audio_tokens": 13}}
    usage["output_token_details"] = {"text_tokens": 30, "audio_tokens": 91}
    response = {"results": [{"type": "response.done", "response": {"id": "resp_9", "usage": usage}}], "usage": USAGE}
    (record,) = read_records(json.dumps({**ROW, "custom_llm_provider": "openai", "response": response}))[0]
    assert record.key == "resp_1"
    assert read_record(json.dumps(response)).key == "resp_9"


def test_results_without_usage_leave_a_row_without_usage() -> None:
    """Such as those of moderation, or a session of which only the start was logged."""
    for results in ([{"flagged": False}], LIVE_RESPONSE["results"][:1]):
        record = read_record(json.dumps({**LIVE_ROW, "response": {"results": results}}))
        assert record.status == "missing"
