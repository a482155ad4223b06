"""Names in camel case and in snake case are one, and the JavaScript SDKs log what those in Python do."""

import json
from typing import Any

from tests.logs.reading import read_record, read_records, usage_of
from voicebill.logs.defaults import LogDefaults

USAGE = {"text_in": 55, "text_in_cached": 64, "audio_in": 13, "text_out": 30, "audio_out": 91}
DETAILS = {
    "textTokens": 119,
    "audioTokens": 13,
    "cachedTokens": 64,
    "cachedTokensDetails": {"textTokens": 64, "audioTokens": 0},
}
INPUT_DETAILS = {
    "text_tokens": 119,
    "audio_tokens": 13,
    "cached_tokens": 64,
    "cached_tokens_details": {"text_tokens": 64},
}
JS_USAGE = {
    "requests": 1,
    "inputTokens": 132,
    "outputTokens": 121,
    "totalTokens": 253,
    "inputTokensDetails": [INPUT_DETAILS],
    "outputTokensDetails": [{"text_tokens": 30, "audio_tokens": 91}],
}


def lines(*documents: Any) -> str:
    return "\n".join(json.dumps(document) for document in documents)


def test_livekit_metrics_in_camel_case_are_those_in_snake_case() -> None:
    metrics = {
        "type": "realtime_model_metrics",
        "timestamp": 1795521982444,
        "requestId": "resp_js_7",
        "inputTokens": 132,
        "outputTokens": 121,
        "totalTokens": 253,
        "inputTokenDetails": DETAILS,
        "outputTokenDetails": {"textTokens": 30, "audioTokens": 91},
        "metadata": {"modelName": "gpt-realtime", "modelProvider": "api.openai.com"},
    }
    record = read_record(lines(metrics))
    assert (record.key, record.model, record.provider, usage_of(record)) == ("resp_js_7", "gpt-realtime", "openai", USAGE)
    assert str(record.day) == "2026-11-24"


def test_livekit_durations_in_milliseconds_and_characters_are_read() -> None:
    transcription = {"type": "stt_metrics", "requestId": "a", "audioDurationMs": 57000, "label": "stt"}
    speech = {"type": "tts_metrics", "requestId": "b", "charactersCount": 1200, "audioDurationMs": 9000}
    records, report = read_records(lines(transcription, speech))
    assert [usage_of(record) for record in records] == [{"audio_ms": 57000}, {"characters_in": 1200}]
    assert report.unread_usage is None


def test_the_agents_sdk_in_javascript_logs_usage_alone_and_in_responses() -> None:
    """Details are a list with an entry for each request; a response has an identifier."""
    assert usage_of(read_record(lines(JS_USAGE))) == USAGE
    for kind in ("turn_done", "response_done"):
        record = read_record(lines({"type": kind, "response": {"id": "resp_9", "status": "completed", "usage": JS_USAGE}}))
        assert (record.key, record.outcome, usage_of(record)) == ("resp_9", "completed", USAGE)


def test_an_update_of_usage_counts_only_without_the_responses_that_it_repeats() -> None:
    update = {"type": "usage_update", "usage": JS_USAGE}
    response = {"type": "turn_done", "response": {"id": "resp_9", "usage": JS_USAGE}}
    assert len(read_records(lines(update, {**update, "n": 2}))[0]) == 2
    for documents in ((update, response), (response, update)):
        records, report = read_records(lines(*documents))
        assert [record.key for record in records] == ["resp_9"]
        assert (sum(report.skipped.values()), report.unread_usage) == (1, None)


def test_a_running_total_of_several_requests_is_not_costed_and_not_passed_over() -> None:
    records, report = read_records(lines(JS_USAGE, {**JS_USAGE, "requests": 2, "inputTokens": 264, "totalTokens": 385}))
    assert len(records) == 1
    assert report.unread_usage is not None
    assert report.unread_usage.items == 1


def test_tables_and_usage_maps_have_names_in_any_case() -> None:
    record = read_record("model,day,inputTextTokens,outputTextTokens\ngpt-realtime,2026-11-22,100,10\n")
    assert usage_of(record) == {"text_in": 100, "text_out": 10}
    observation = {"id": "o", "type": "GENERATION", "usageDetails": {"inputTextTokens": 100, "outputTextTokens": 10}}
    assert usage_of(read_record(lines(observation))) == {"text_in": 100, "text_out": 10}


def test_a_table_names_cached_tokens_as_frameworks_do() -> None:
    """64,000 of 78,900 tokens were cached: what is open is the modality, so all candidates have 64,000 cached."""
    table = "Date,Model,Prompt Tokens,Completion Tokens,Cache Read Input Tokens\n2026-09-02,gpt-realtime,78900,3200,64000\n"
    record = read_record(table, defaults=LogDefaults(provider="openai"))
    cached = {usage["text_in_cached"] + usage["audio_in_cached"] for usage in record.usage_candidates}
    assert (record.status, cached) == ("ambiguous", {64000})
