"""Spans of OpenTelemetry's GenAI conventions. Names: OpenTelemetry's registry, old and new, and LiveKit's trace_types.py."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.logs.reading import error_texts, read_record, read_records, usage_of

NEW = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-realtime",
    "gen_ai.response.model": "gpt-realtime-2025-08-28",
    "gen_ai.response.id": "resp_1",
    "gen_ai.conversation.id": "sess_1",
    "gen_ai.usage.input_tokens": 132,
    "gen_ai.usage.output_tokens": 121,
    "gen_ai.usage.cache_read.input_tokens": 64,
    "gen_ai.usage.text.input_tokens": 119,
    "gen_ai.usage.audio.input_tokens": 13,
    "gen_ai.usage.image.input_tokens": 0,
    "gen_ai.usage.text.cache_read.input_tokens": 64,
    "gen_ai.usage.audio.cache_read.input_tokens": 0,
    "gen_ai.usage.text.output_tokens": 30,
    "gen_ai.usage.audio.output_tokens": 91,
    "gen_ai.input.messages": "never kept",
}
OLD = {
    "gen_ai.system": "az.ai.openai",
    "gen_ai.request.model": "gpt-4o-realtime-preview",
    "gen_ai.usage.prompt_tokens": 132,
    "gen_ai.usage.completion_tokens": 121,
    "gen_ai.usage.total_tokens": 253,
    "gen_ai.usage.input_text_tokens": 119,
    "gen_ai.usage.input_audio_tokens": 13,
    "gen_ai.usage.input_cached_tokens": 0,
    "gen_ai.usage.output_text_tokens": 30,
    "gen_ai.usage.output_audio_tokens": 91,
}
EXPECTED_USAGE = {"text_in": 55, "text_in_cached": 64, "audio_in": 13, "text_out": 30, "audio_out": 91}


def span(name: str, parent: str = "", trace: str = "t1", attributes: Mapping[str, object] | None = None) -> dict[str, Any]:
    """A span per line, with its attributes as a map."""
    return {"traceId": trace, "spanId": name, "parentSpanId": parent, "name": "chat", "attributes": dict(attributes or {})}


def call(name: str, parent: str = "", tokens: int = 10, operation: str = "chat", trace: str = "t1") -> dict[str, Any]:
    """A span that read and wrote text."""
    attributes = {
        "gen_ai.operation.name": operation,
        "gen_ai.usage.input_tokens": tokens,
        "gen_ai.usage.output_tokens": tokens,
        "gen_ai.usage.text.input_tokens": tokens,
        "gen_ai.usage.text.output_tokens": tokens,
    }
    return span(name, parent, trace, attributes)


def otlp(*spans: dict[str, Any]) -> dict[str, Any]:
    """The same spans as OTLP writes them: attributes as lists, whole numbers as text."""

    def value(plain: object) -> dict[str, object]:
        return {"intValue": str(plain)} if isinstance(plain, int) else {"stringValue": plain}

    otlp_spans = [
        {**source_span, "attributes": [{"key": key, "value": value(plain)} for key, plain in source_span["attributes"].items()]}
        for source_span in spans
    ]
    return {"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"scope": {"name": "x"}, "spans": otlp_spans}]}]}


def line(*values: object) -> str:
    return "\n".join(json.dumps(value) for value in values)


def tokens(content: str) -> list[int]:
    records, report = read_records(content)
    assert report.errors == []
    return [record.usage["text_in"] for record in records]


@pytest.mark.parametrize("as_otlp", [True, False])
def test_todays_names_are_read(as_otlp: bool) -> None:
    """132 in, 64 of them cached text: 55 fresh. The response names model, record and session."""
    one = {"traceId": "t1", "spanId": "s1", "endTimeUnixNano": "1795345200250000000", "attributes": NEW}
    record = read_record(line(otlp(one) if as_otlp else one))
    assert (usage_of(record), record.status) == (EXPECTED_USAGE, "exact")
    assert (record.key, record.session, record.model) == ("resp_1", "sess_1", "gpt-realtime-2025-08-28")
    assert (record.provider, record.time) == ("openai", datetime(2026, 11, 22, 11, 0, 0, 250_000, tzinfo=UTC))


def test_older_names_are_read() -> None:
    """Nothing cached: 119 text and 13 audio in. Without a response's name the span is the record."""
    record = read_record(line({"traceId": "t1", "spanId": "s1", "attributes": OLD}))
    assert usage_of(record) == {"text_in": 119, "audio_in": 13, "text_out": 30, "audio_out": 91}
    assert (record.key, record.provider, record.model) == ("span:t1:s1", "azure", "gpt-4o-realtime-preview")


def test_a_span_as_pythons_sdk_prints_it() -> None:
    """Over many lines, with its own names for everything."""
    one: dict[str, object] = {
        "name": "chat",
        "context": {"trace_id": "0xabc", "span_id": "0xdef", "trace_state": "[]"},
        "kind": "SpanKind.CLIENT",
        "parent_id": None,
        "start_time": "2026-03-01T12:00:00.000000Z",
        "end_time": "2026-03-01T12:00:02.500000Z",
        "status": {"status_code": "UNSET"},
        "attributes": OLD,
        "events": [],
        "links": [],
        "resource": {"attributes": {}},
    }
    records, report = read_records(
        json.dumps(one, indent=4) + "\n" + json.dumps({**one, "context": {"trace_id": "0xabc", "span_id": "0x1"}}, indent=4)
    )
    assert report.errors == []
    assert [record.key for record in records] == ["span:0xabc:0xdef", "span:0xabc:0x1"]
    assert records[0].time == datetime(2026, 3, 1, 12, 0, 2, 500_000, tzinfo=UTC)


def test_totals_alone_leave_the_modality_open() -> None:
    """100 in and 20 out: text or audio."""
    record = read_record(line(span("s1", attributes={"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 20})))
    assert record.status == "ambiguous"


@pytest.mark.parametrize(
    ("attributes", "provider"),
    [
        ({"gen_ai.provider.name": "azure.ai.openai"}, "azure"),
        ({"gen_ai.provider.name": "openai", "server.address": "acme.openai.azure.com"}, "azure"),
        ({"gen_ai.provider.name": "openai", "server.address": "gateway.local"}, "openai"),
        ({"gen_ai.system": "openai"}, "openai"),
        ({"gen_ai.provider.name": "anthropic"}, "anthropic"),
        ({}, None),
    ],
)
def test_the_provider_is_named_where_it_is_certain(attributes: dict[str, str], provider: str | None) -> None:
    """OpenAI's client talking to Azure's host is Azure: its meters have prices of their own."""
    assert read_record(line(span("s1", attributes={"gen_ai.usage.input_tokens": 1, **attributes}))).provider == provider


def test_an_agent_span_that_sums_its_calls_is_skipped() -> None:
    """Two calls of 10 under an agent that says 20: 20 in all, also where the calls were written first or far below."""
    agent, between, first, second = call("a", "", 20, "invoke_agent"), span("b", "a"), call("c", "b"), call("d", "a")
    for spans in ([agent, between, first, second], [second, first, between, agent]):
        assert sorted(tokens(line(*spans))) == [10, 10]
        records, report = read_records(line(otlp(*spans)))
        assert (len(records), report.skipped) == (2, {"spans that sum other spans": 1})


def test_an_agents_span_alone_counts() -> None:
    """Where its calls are not in the log, the agent's sum is all there is."""
    assert tokens(line(call("a", "", 20, "invoke_agent"), span("b", "a"))) == [20]


def test_a_span_around_another_with_the_same_counts_is_skipped() -> None:
    """A framework's span around that of a client: one call."""
    assert tokens(line(call("a", "", 10), call("b", "a", 10))) == [10]


def test_a_call_in_a_call_counts_beside_it() -> None:
    """A tool that asks a model has used other tokens than the call that asked for the tool."""
    assert sorted(tokens(line(call("a", "", 10), call("b", "a", 7)))) == [7, 10]


def test_traces_do_not_mix() -> None:
    """Two traces may name their spans alike."""
    assert tokens(line(call("a", "", 20, "invoke_agent", "t1"), call("b", "a", 10, "chat", "t2"))) == [20, 10]


def test_a_span_told_twice_counts_once() -> None:
    """An exporter that tried again."""
    assert tokens(line(call("a"), call("a"))) == [10]


def test_spans_without_usage_are_no_records() -> None:
    """Tools and steps are passed over; so is a document that holds no span."""
    records, report = read_records(
        line(call("a"), span("b", "a", attributes={"gen_ai.operation.name": "execute_tool"}), {"note": "none"})
    )
    assert (len(records), report.other_lines, report.errors) == (1, 1, [])


@pytest.mark.parametrize("value", [-1, "twelve", 1.5, True, "99999999999999999999", [1]])
def test_a_count_that_is_none_is_reported(value: object) -> None:
    """The line and the attribute are named; the other spans count."""
    records, report = read_records(line(span("s1", attributes={"gen_ai.usage.input_tokens": value}), call("b")))
    assert len(records) == 1
    assert error_texts(report) == ["a log, line 1: gen_ai.usage.input_tokens is not a whole number from 0 to 1,000,000,000,000"]


def test_an_export_that_breaks_off_is_reported() -> None:
    """The documents before it count."""
    records, report = read_records(line(otlp(call("a"))) + "\n" + line(otlp(call("b")))[:200])
    assert (len(records), report.error_count) == (1, 1)


def test_an_operation_that_is_no_text_is_no_operation() -> None:
    """Any JSON may stand in a map of attributes."""
    assert usage_of(
        read_record(line(span("s1", attributes={"gen_ai.operation.name": {}, "gen_ai.usage.text.input_tokens": 5})))
    ) == {"text_in": 5}


def test_parents_in_a_circle_end() -> None:
    """A faulty export does not hang the reader."""
    assert tokens(line(call("a", "b"), span("b", "c"), span("c", "b"))) == [10]


def test_spans_of_speech_count_by_seconds_and_characters() -> None:
    def span(name: str, operation: str, model: str, **quantity: float) -> dict[str, Any]:
        names = {"gen_ai.provider.name": "openai", "gen_ai.request.model": model, "gen_ai.operation.name": operation}
        attributes = {**names, **{f"metrics.{key}": value for key, value in quantity.items()}}
        return {"context": {"trace_id": "t", "span_id": name}, "end_time": "2026-09-01T10:00:02Z", "attributes": attributes}

    spans = [
        span("a", "stt", "gpt-realtime-whisper", audio_seconds=57.0),
        span("b", "tts", "tts-1", character_count=1200),
        span("c", "tts", "tts-1", ttfb=0.3),
    ]
    records, report = read_records("\n".join(map(json.dumps, spans)))
    assert [(record.kind, record.status, usage_of(record)) for record in records] == [
        ("transcription", "exact", {"audio_ms": 57000}),
        ("response", "exact", {"characters_in": 1200}),
        ("response", "missing", {}),
    ]
    assert report.unread_usage is None
