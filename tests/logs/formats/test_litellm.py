"""LiteLLM's spend logs. Shapes: LiteLLM's proxy/_types.py (SpendLogsPayload) and types/utils.py (StandardLoggingPayload)."""

import json
from datetime import UTC, datetime
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
        assert (record.key, record.session, record.tenant) == ("chatcmpl-1", "trace_1", "acme")
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
