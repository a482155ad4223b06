"""OpenTelemetry's metrics of usage. Shapes: opentelemetry-proto, the console exporter of opentelemetry-sdk in Python, and the
counters of livekit-agents 1.8.9.
"""

import json
from typing import Any

import pytest

from tests.logs.reading import error_texts, read_records, usage_of
from voicebill.billing.record import Record
from voicebill.logs.report import ReadReport

MINUTE = 60_000_000_000
START = 1795345200_000000000
NAMES = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-realtime"}
DELTA, CUMULATIVE = 1, 2


def otlp_attributes(values: dict[str, str]) -> list[dict[str, Any]]:
    return [{"key": name, "value": {"stringValue": value}} for name, value in values.items()]


def export(*metrics: dict[str, Any], service: str = "agent") -> dict[str, Any]:
    resource = {"attributes": otlp_attributes({"service.name": service})}
    return {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"scope": {"name": "x"}, "metrics": list(metrics)}]}]}


def tokens(
    kind: str, count: float, start: int = 0, end: int = 1, *, temporality: int | str = CUMULATIVE, model: str = "gpt-realtime"
) -> dict[str, Any]:
    """The convention's histogram, of tokens in or out, with its start and end in minutes."""
    attributes = otlp_attributes({**NAMES, "gen_ai.request.model": model, "gen_ai.token.type": kind})
    times = {"startTimeUnixNano": str(START + start * MINUTE), "timeUnixNano": str(START + end * MINUTE)}
    point = {"attributes": attributes, **times, "count": "3", "sum": count, "bucketCounts": [], "explicitBounds": []}
    histogram = {"dataPoints": [point], "aggregationTemporality": temporality}
    return {"name": "gen_ai.client.token.usage", "unit": "{token}", "histogram": histogram}


def counter(name: str, value: int, model: str = "gpt-realtime", **names: str) -> dict[str, Any]:
    """One of LiveKit's counters."""
    attributes = otlp_attributes({"model_provider": "api.openai.com", "model_name": model, "room_id": "RM_1", **names})
    times = {"startTimeUnixNano": str(START + len(name)), "timeUnixNano": str(START + MINUTE)}
    points = [{"attributes": attributes, **times, "asInt": str(value)}]
    return {"name": name, "sum": {"dataPoints": points, "aggregationTemporality": 2, "isMonotonic": True}}


def span(tokens_in: int, tokens_out: int, model: str = "gpt-realtime-2025-08-28") -> dict[str, Any]:
    usage = {"gen_ai.usage.text.input_tokens": tokens_in, "gen_ai.usage.text.output_tokens": tokens_out}
    return {"traceId": "t", "spanId": "s", "attributes": {"gen_ai.response.model": model, **usage}}


def read(*documents: dict[str, Any]) -> tuple[list[Record], ReadReport]:
    records, report = read_records("\n".join(map(json.dumps, documents)))
    assert report.errors == []
    return records, report


def totals(records: list[Record]) -> list[tuple[int, int]]:
    """The tokens in and out of each record, of which every reading has as many."""
    results: list[tuple[int, int]] = []
    for record in records:
        both = {
            (usage["text_in"] + usage["audio_in"], usage["text_out"] + usage["audio_out"]) for usage in record.usage_candidates
        }
        assert len(both) == 1
        results += both
    return results


def test_cumulative_values_count_once_and_delta_values_add_up() -> None:
    """300 in and 40 out so far; or 100 in and 40 out, then 200 in."""
    first = export(tokens("input", 100.0), tokens("output", 40.0))
    records, report = read(first, export(tokens("input", 300.0, end=2), tokens("output", 40.0, end=2)))
    assert (totals(records), records[0].status, records[0].cumulative) == ([(300, 40)], "ambiguous", True)
    assert (records[0].model, records[0].provider, records[0].session) == ("gpt-realtime", "openai", None)
    assert str(records[0].time) == "2026-11-22 11:02:00+00:00"
    first = export(tokens("input", 100, temporality=DELTA), tokens("output", 40, temporality=DELTA))
    second = export(tokens("input", 200, 1, 2, temporality="AGGREGATION_TEMPORALITY_DELTA"))
    batch = export(tokens("input", 200, 1, 2, temporality=DELTA), tokens("input", 100, temporality=DELTA))
    for documents in ([first, second], [second, first, second], [first, batch]):
        records, report = read(*documents)
        assert sorted(totals(records)) == [(100, 40), (200, 0)]
        assert report.unread_usage is None


def test_a_process_that_starts_again_counts_from_nought() -> None:
    """100 in and 40 out, then 30 in and 5 out. The counters of a process need not start at once."""
    first = export(tokens("input", 100, 0, 1), tokens("output", 40, 1, 1))
    second = export(tokens("input", 30, 5, 6), tokens("output", 5, 6, 6))
    for documents in ([first, second], [second, first], [first, second, first]):
        records, _ = read(*documents)
        assert totals(records) == [(100, 40), (30, 5)]


def test_services_and_models_are_sums_of_their_own() -> None:
    """Their keys differ, and stay when the log grows."""
    records, _ = read(
        export(tokens("input", 10)),
        export(tokens("input", 20), service="other"),
        export(tokens("input", 30, model="gpt-realtime-mini")),
    )
    assert [(record.model, totals([record])) for record in records] == [
        ("gpt-realtime", [(10, 0)]),
        ("gpt-realtime", [(20, 0)]),
        ("gpt-realtime-mini", [(30, 0)]),
    ]
    grown, _ = read(export(tokens("input", 10)), export(tokens("input", 11, end=2)))
    assert len({record.key for record in records}) == 3
    assert grown[0].key == records[0].key


def test_metrics_as_pythons_sdk_prints_them() -> None:
    """Over many lines, with attributes as a map and names in snake case."""
    point = {"attributes": {**NAMES, "gen_ai.token.type": "input"}, "start_time_unix_nano": START, "time_unix_nano": START + 1}
    data = {"data_points": [{**point, "count": 2, "sum": 132, "exemplars": []}], "aggregation_temporality": 2}
    metric = {"name": "gen_ai.client.token.usage", "unit": "{token}", "data": data}
    scope = {"scope": {"name": "x"}, "metrics": [metric], "schema_url": ""}
    printed = {"resource_metrics": [{"resource": {"attributes": {}}, "scope_metrics": [scope], "schema_url": ""}]}
    records, report = read_records(json.dumps(printed, indent=4))
    assert (totals(records), report.errors) == ([(132, 0)], [])


def test_where_spans_have_the_usage_of_a_model_its_metrics_are_skipped() -> None:
    """In any order, and with the date in the model's name. The metrics of another model count."""
    metrics = export(tokens("input", 100), tokens("output", 20))
    other = export(tokens("input", 7, model="gpt-realtime-mini"))
    for documents in ([metrics, other, span(100, 20)], [span(100, 20), other, metrics]):
        records, report = read(*documents)
        assert [usage_of(record) for record in records[:1]] == [{"text_in": 100, "text_out": 20}]
        assert totals(records[1:]) == [(7, 0)]
        assert dict(report.skipped) == {"metrics of models whose calls are in the log as spans": 1}
        assert report.unread_usage is None


def test_what_metrics_count_beyond_the_spans_is_usage_that_was_not_read() -> None:
    """Of sampled traces, the log has only some: 150 tokens of 220."""
    _, report = read(export(tokens("input", 200), tokens("output", 20)), span(50, 20))
    assert report.unread_usage is not None
    assert dict(report.unread_usage.counts) == {"tokens in metrics, not in spans": 150}


def test_a_call_without_usage_does_not_hide_the_metrics() -> None:
    call = {"traceId": "t", "spanId": "s", "attributes": NAMES}
    records, report = read(call, export(tokens("input", 100)))
    assert [record.status for record in records] == ["missing", "ambiguous"]
    assert not report.skipped


def test_livekits_counters_have_the_modality_and_count_instead_of_the_histogram() -> None:
    """119 text and 13 audio in, 30 text and 91 audio out; of the room that LiveKit names."""
    counts = {
        "llm_input_tokens": 132,
        "llm_input_text_tokens": 119,
        "llm_input_audio_tokens": 13,
        "llm_output_tokens": 121,
        "llm_output_text_tokens": 30,
        "llm_output_audio_tokens": 91,
        "llm_session_duration": 60,
    }
    counters = [counter(f"lk.agents.usage.{name}", value) for name, value in counts.items()]
    records, report = read(export(tokens("input", 132), *counters, tokens("output", 121)))
    (record,) = records
    assert (record.status, usage_of(record)) == ("exact", {"text_in": 119, "audio_in": 13, "text_out": 30, "audio_out": 91})
    assert (record.model, record.provider, record.session) == ("gpt-realtime", "openai", "RM_1")
    assert dict(report.skipped) == {"metrics that more detailed metrics repeat": 1}


def test_livekits_counters_of_speech_and_of_sessions_count_time_and_characters() -> None:
    records, report = read(
        export(
            counter("lk.agents.usage.stt_audio_duration", 57, "gpt-realtime-whisper"),
            counter("lk.agents.usage.tts_characters", 120, "tts-1"),
            counter("lk.agents.usage.tts_audio_duration", 9, "tts-1"),
            counter("lk.agents.usage.llm_session_duration", 600, "gpt-live"),
        )
    )
    assert [(record.kind, record.model, usage_of(record)) for record in records] == [
        ("transcription", "gpt-realtime-whisper", {"audio_ms": 57_000}),
        ("response", "tts-1", {"characters_in": 120}),
        ("session", "gpt-live", {"session_ms": 600_000}),
    ]
    assert report.unread_usage is None


@pytest.mark.parametrize(
    ("metric", "counts"),
    [
        (tokens("input", 100, temporality=0), {"gen_ai.client.token.usage": 100}),
        (tokens("reasoning", 100), {"gen_ai.client.token.usage": 100}),
        (counter("acme.llm.tokens", 7), {"acme.llm.tokens": 7}),
        (counter("operation.cost", 3), {"operation.cost": 3}),
    ],
)
def test_what_cannot_be_added_up_is_usage_that_was_not_read(metric: dict[str, Any], counts: dict[str, int]) -> None:
    """It is not known whether a value contains the one before, or what it counts."""
    records, report = read(export(metric), export(metric))
    assert records == []
    assert report.unread_usage is not None
    assert (dict(report.unread_usage.counts), report.unread_usage.items) == (counts, 1)


def test_other_metrics_of_a_model_whose_usage_was_read_are_passed_over() -> None:
    """Its cost by an instrumentation's own price list, and waiting times."""
    durations = {**tokens("input", 0.4), "name": "gen_ai.client.operation.duration", "unit": "s"}
    records, report = read(export(tokens("input", 100), counter("operation.cost", 3), durations))
    assert (totals(records), report.unread_usage) == ([(100, 0)], None)


def test_a_value_that_is_no_count_is_reported() -> None:
    _, report = read_records(json.dumps(export(tokens("input", -1), tokens("output", 5))))
    assert error_texts(report) == ["a log, line 1: a metric is not a number from 0 to 1,000,000,000,000"]
