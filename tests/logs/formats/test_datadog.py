"""Datadog's spans: the counts of calls, from its Export API and from what its SDK sends; sums and costs are not read.

The shapes are those of Datadog's documentation of the Export API and of the HTTP API, and of ddtrace 4.16.0
(`llmobs/_event_types.py`, `llmobs/_writer.py`), read 2026-11-28.
"""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.logs.reading import error_texts, read_record, read_records, usage_of

Json = dict[str, Any]

METRICS = {
    "input_tokens": 1000,
    "non_cached_input_tokens": 488,
    "cache_read_input_tokens": 512,
    "output_tokens": 10,
    "total_tokens": 1010,
    "estimated_input_cost": 1500,
    "estimated_total_cost": 7500,
}
START_NS = 1793613600 * 10**9


def exported(name: str = "11", kind: str = "llm", *, parent: str = "undefined", **more: Any) -> Json:
    """A span as the Export API gives it."""
    return {
        "span_id": name,
        "trace_id": "t1",
        "parent_id": parent,
        "ml_app": "desk",
        "span_kind": kind,
        "model_name": "gpt-4o-mini",
        "model_provider": "openai",
        "start_ns": START_NS // 10**6,
        "duration": 83000,
        "metrics": METRICS,
        "input": {"messages": [{"role": "user", "content": "a secret question"}]},
        "metadata": {"temperature": 1},
        **more,
    }


def sent(name: str = "11", kind: Json | None = None, **more: Any) -> Json:
    """A span as the SDK sends it."""
    meta = {**(kind or {"span": {"kind": "llm"}}), "model_name": "gpt-4o-mini", "model_provider": "azure_openai"}
    ids = {"span_id": name, "trace_id": "t1", "parent_id": "undefined", "session_id": "call-1"}
    return {**ids, "start_ns": START_NS, "duration": 2 * 10**9, "meta": meta, "metrics": METRICS, **more}


def page(*spans: Json) -> str:
    data = [{"id": span["span_id"], "type": "span", "attributes": span} for span in spans]
    return json.dumps({"data": data, "meta": {"elapsed": 3, "status": "done"}})


def candidates(content: str) -> list[dict[str, int]]:
    return [dict(usage.items()) for usage in read_record(content).usage_candidates]


def test_a_call_of_the_export_is_read_with_its_cached_tokens() -> None:
    """1000 in, of which 512 cached: 488 are not; the example in the documentation has milliseconds under `start_ns`."""
    record = read_record(page(exported()))
    assert (record.key, record.provider, record.model) == ("datadog:t1:11", "openai", "gpt-4o-mini")
    assert record.time == datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
    assert {"text_in": 488, "text_in_cached": 512, "text_out": 10} in candidates(page(exported()))


@pytest.mark.parametrize(
    "kind", [{"span": {"kind": "llm"}}, {"span.kind": "llm"}, {"kind": "llm"}], ids=["now", "before", "HTTP API"]
)
def test_what_the_sdk_sends_is_read_in_every_form(kind: Json) -> None:
    span = sent(kind=kind)
    payload = {"_dd.stage": "raw", "_dd.tracer_version": "4.16.0", "event_type": "span", "spans": [span]}
    for document in (span, payload, [payload], {"data": {"type": "span", "attributes": {"session_id": "c", "spans": [span]}}}):
        record = read_record(json.dumps(document))
        assert (record.key, record.provider, record.session) == ("datadog:t1:11", "azure", "call-1")
        assert record.time == datetime(2026, 11, 2, 10, 0, 2, tzinfo=UTC)


def test_the_session_of_a_payload_is_that_of_its_spans() -> None:
    span = {name: value for name, value in sent().items() if name != "session_id"}
    document = {"data": {"type": "span", "attributes": {"ml_app": "desk", "session_id": "call-2", "spans": [span]}}}
    assert read_record(json.dumps(document)).session == "call-2"


def test_tokens_of_a_voice_model_are_a_range() -> None:
    content = page(exported(model_name="gpt-realtime"))
    assert read_record(content).status == "ambiguous"
    assert {"audio_in": 488, "audio_in_cached": 512, "audio_out": 10} in candidates(content)


def test_a_workflow_with_the_counts_of_its_calls_is_no_call() -> None:
    flow = exported("1", "workflow")
    records, report = read_records(page(flow, exported("11", parent="1")))
    assert [record.key for record in records] == ["datadog:t1:11"]
    assert report.unread_usage is None
    records, report = read_records(page(flow))
    assert (records, report.unread_usage is not None) == ([], True)


def test_an_unknown_model_is_none() -> None:
    record = read_record(page(exported(model_name="unknown", model_provider="unknown")))
    assert (record.model, record.provider) == (None, None)


def test_a_call_without_counts_is_without_usage_and_other_metrics_are_not_passed_over() -> None:
    record = read_record(page(exported(metrics={})))
    assert (record.status, usage_of(record)) == ("missing", {})
    (record,), report = read_records(page(exported(metrics={"billable_character_count": 818})))
    assert record.status == "missing"
    assert report.unread_usage is not None


def test_metrics_of_other_spans_are_not_usage() -> None:
    tool = exported("2", "tool", metrics={"rows": 7, "input_length": 90})
    _, report = read_records(page(tool, exported()))
    assert report.unread_usage is None


def test_an_impossible_count_is_an_error_and_not_read() -> None:
    records, report = read_records(page(exported(metrics={"input_tokens": 1.5}), exported("12")))
    assert [record.key for record in records] == ["datadog:t1:12"]
    assert "input_tokens is not a whole number" in error_texts(report)[0]


def test_nothing_of_the_conversation_is_kept() -> None:
    records, report = read_records(page(exported(), exported("1", "agent", metrics={"input_tokens": 5000})))
    assert "secret" not in repr((records, report))
