"""Usage that a log shows and that no reader takes is counted, and what is not charged is not taken for usage."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.logs.reading import read_records
from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.python_engine import PythonEngine
from voicebill.answers.recorded.query import CostQuery
from voicebill.facts import load_facts
from voicebill.logs.read import LOG_FORMATS, read_log
from voicebill.logs.report import ReadReport
from voicebill.logs.unread_usage import UNCHARGED_EVENTS, UNCHARGED_NAMES, UNCHARGED_OBJECTS, unread_counts

ROOT = Path(__file__).parents[2]
SAMPLES = [
    *(ROOT / "docs" / "conformance").glob("*.jsonl"),
    ROOT / "docs" / "examples" / "support-day.jsonl",
    *(path for path in (ROOT / "tests" / "logs" / "corpus").iterdir() if path.stem not in ("litellm", "retell")),
]
READ = {
    "type": "response.done",
    "response": {"id": "resp_1", "usage": {"input_tokens": 55, "output_tokens": 9, "input_token_details": {"text_tokens": 55}}},
}


def lines(*documents: Any) -> str:
    return "\n".join(json.dumps(document) for document in documents)


def unread(content: str, log_format: str | None = None) -> tuple[int, dict[str, int | float]]:
    """The number of items with usage that was not read, and the counts of the first."""
    _, report = read_records(content, log_format)
    usage = report.unread_usage
    return (0, {}) if usage is None else (usage.items, dict(usage.counts))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: str(path.name))
def test_of_the_samples_everything_is_read(path: Path) -> None:
    report = ReadReport()
    list(read_log(path, report=report))
    assert report.unread_usage is None


def test_a_line_of_another_logger_with_counts_is_unread_and_gives_names_and_numbers_only() -> None:
    other = {"message": "turn of Ms Smith", "inputTokens": 789, "details": {"outputTokens": 32, "note": "call 555 1234"}}
    _, report = read_records(lines(READ, other, other))
    assert report.unread_usage is not None
    assert (report.unread_usage.items, report.unread_usage.line_number) == (2, 2)
    assert str(report.unread_usage) == "a log, line 2: inputTokens 789, outputTokens 32"


@pytest.mark.parametrize(
    ("document", "counts"),
    [
        ({"usage": {"input": 5, "output": 3}}, {"input": 5, "output": 3}),
        ({"data": [{"Prompt Tokens": "78900"}]}, {"Prompt Tokens": 78900}),
        ({"model": "gpt-realtime-whisper", "audio_seconds": 57.0}, {"audio_seconds": 57.0}),
        ({"model": "tts-1", "characters_count": 1200}, {"characters_count": 1200}),
        ({"meterName": "gpt rt aud Inp", "costInBillingCurrency": 1.5}, {"costInBillingCurrency": 1.5}),
        ({"usage": {"type": "duration", "seconds": 1.5}}, {"seconds": 1.5}),
        ({"text": json.dumps({"usage": {"total_tokens": 9}})}, {"total_tokens": 9}),
        ({"attributes": [{"key": "llm.token_count.prompt", "value": {"intValue": "132"}}]}, {"llm.token_count.prompt": 132}),
    ],
)
def test_counts_are_seen_under_any_name_and_in_any_place(document: Any, counts: dict[str, float]) -> None:
    assert unread_counts(json.dumps(document).encode()) == counts


@pytest.mark.parametrize(
    "document",
    [
        {"type": "rate_limits.updated", "rate_limits": [{"name": "tokens", "limit": 20000, "remaining": 19000, "usage": 5}]},
        {"type": "response.created", "response": {"usage": {"input_tokens": 5}}},
        {"session": {"max_response_output_tokens": 4096, "truncation": {"token_limits": {"post_instructions": 8000}}}},
        {"message": "played", "audio_seconds": 2.5, "session_duration": 120},
        {"message": "prompt is ready", "tokens": 512},
        {"model": "gpt-realtime", "tokens_per_second": 21.4, "input_cost_per_token": 0.000004, "ttft": 0.3},
        {"info": {"context": {"usage": {"input_tokens": 500}}}},
        {"cpu_usage": {"total": 12}, "memory_usage": {"total": 9}, "model": "gpt-realtime"},
        {"arguments": json.dumps({"input_tokens": 5})},
        {"usage": {"input_tokens": 0, "output_tokens": 0}},
        {"usage": None},
        {"input_tokens": "many"},
    ],
)
def test_limits_settings_speeds_and_running_totals_are_not_usage(document: Any) -> None:
    assert unread_counts(json.dumps(document).encode()) == {}


def test_every_exclusion_has_a_reason() -> None:
    assert all([*UNCHARGED_EVENTS.values(), *UNCHARGED_OBJECTS.values(), *(reason for _, reason in UNCHARGED_NAMES)])


@pytest.mark.parametrize("usage", [{}, {"units": 5}, {"inputTokenCount": {"text": 5}}])
def test_a_usage_object_without_a_known_count_is_missing_and_never_an_exact_zero(usage: Any) -> None:
    """100 such responses are 100 records without usage and 100 unread items, not 100 billed at exactly $0."""
    events = [{"type": "response.done", "response": {"id": f"resp_{number}", "usage": usage}} for number in range(100)]
    records, report = read_records(lines(*events))
    assert {record.status for record in records} == {"missing"}
    assert report.unread_usage is not None
    assert report.unread_usage.items == 100
    answer = cost(PythonEngine(records), CostQuery(), load_facts().prices, unread_usage=report.unread_usage)
    assert (answer.counts.billed, answer.counts.without_usage) == (0, 100)
    document = answer.to_dict()
    assert (document["status"], document["total"]["status"], document["total"]["dollars"]) == ("incomplete", "incomplete", None)
    assert document["unread_usage"]["items"] == 100


@pytest.mark.parametrize(
    ("log_format", "document", "items"),
    [
        ("livekit", {"message": "RealtimeModel metrics", "input_text_tokens": 313}, 1),
        (
            "pipecat",
            {
                "processor": "OpenAISTTService#0",
                "model": "gpt-realtime-whisper",
                "value": {"audio_minutes": 1, "output_tokens": 7},
            },
            1,
        ),
        ("agents", {"type": "usage", "usage": {}}, 1),
        ("litellm", {"call_type": "aspeech", "id": "a", "model": "tts-1", "spend": 0.018, "prompt_tokens": 0}, 1),
        ("langfuse", {"id": "o", "type": "GENERATION", "usageDetails": {"output_video_tokens": 7}}, 1),
        ("realtime", {"type": "session.output_translation.done", "usage": {"input_tokens": 7}}, 1),
        ("realtime", {"type": "session.closed", "usage": {"output_seconds": 300}}, 1),
        ("realtime", {"type": "response.done", "response": {"usage": {"input_tokens": -1, "output_tokens": 5}}}, 1),
        ("otel", {"attributes": {"gen_ai.request.model": "tts-1", "metrics.character_count": 1200}}, 1),
        ("otel", {"resourceSpans": [], "input_tokens": 5}, 1),
    ],
)
def test_no_format_passes_over_counts(log_format: str, document: Any, items: int) -> None:
    assert unread(lines(document), log_format)[0] == items


def test_a_new_event_with_usage_is_seen_each_time_and_its_kind_without_usage_never() -> None:
    events = [
        {"type": "session.translation.done", "usage": usage} for usage in (None, {"input_tokens": 4}, None, {"seconds": 2})
    ]
    assert unread(lines(READ, *events)) == (2, {"input_tokens": 4})


def test_rows_that_are_refused_or_count_elsewhere_are_unread() -> None:
    assert unread("model,day,input_tokens,Thought Tokens,total spend\ngpt-realtime,2026-09-02,,,1.25\n") == (
        1,
        {"total spend": 1.25},
    )


def test_a_span_around_one_with_usage_repeats_it_and_one_beside_it_does_not() -> None:
    def span(name: str, parent: str | None, **attributes: Any) -> Any:
        return {"context": {"trace_id": "t", "span_id": name}, "parent_id": parent, "attributes": attributes}

    usage = {"gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 3, "gen_ai.request.model": "gpt-realtime"}
    own = {"acme.token_count.prompt": 12}
    spans = [span("outer", None, **own), span("call", "outer", **usage), span("inner", "call", **own)]
    assert unread(lines(*spans)) == (0, {})
    assert unread(lines(*spans, span("speech", "outer", **{"acme.token_count.prompt": 40}))) == (
        1,
        {"acme.token_count.prompt": 40},
    )


def test_a_file_of_no_known_format_beside_a_log_is_unread_if_it_shows_usage(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(lines(READ))
    (tmp_path / "b.jsonl").write_text(lines({"hello": "world", "prompt_tokens": 5}))
    report = ReadReport()
    assert len(list(read_log(tmp_path, report=report))) == 1
    assert report.unread_usage is not None
    assert report.unread_usage.source.endswith("b.jsonl")


def test_a_line_that_is_not_json_stays_a_warning() -> None:
    _, report = read_records(lines(READ) + '\n{"usage": {"input_tokens": 5')
    assert (report.error_count, report.unread_usage) == (1, None)


START = "2026-11-20T10:00:00Z"
NAMES = {"model": "gpt-realtime", "custom_llm_provider": "openai"}


def with_usage(usage: Any) -> dict[str, Any]:
    """A response in every format, with a usage object of any content. What comes before a comma is the format."""
    item = {"type": "conversation.item.input_audio_transcription.completed", "item_id": "i", "content_index": 0}
    bucket = {"object": "bucket", "start_time": 1795478400, "end_time": 1795482000}
    result = {"object": "organization.usage.completions.result", "num_model_requests": 1, "model": "gpt-realtime"}
    metrics = {"request_id": "r", "timestamp": 1795345200.5, "label": "x"}
    frame = {"processor": "OpenAIRealtimeLLMService#0", "model": "gpt-realtime", "value": usage}
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-realtime"}
    span = {"traceId": "t", "spanId": "s", "endTimeUnixNano": "1795345200250000000"}
    row = {"request_id": "q", "call_type": "_arealtime", **NAMES, "startTime": START, "metadata": {"usage_object": usage}}
    call = {"call_type": "_arealtime", "litellm_call_id": "c", **NAMES}
    observation = {"id": "o", "traceId": "t", "type": "GENERATION", "startTime": START, "model": "gpt-realtime"}
    run = {"id": "r", "trace_id": "r", "name": "c", "run_type": "llm", "start_time": START}
    dog = {"trace_id": "t", "span_id": "s", "parent_id": "undefined", "span_kind": "llm", "model_name": "gpt-realtime"}
    vapi = {"id": "c", "orgId": "o", "type": "webCall", "status": "ended", "startedAt": START, "endedAt": START}
    return {
        "realtime, response": {"type": "response.done", "response": {"id": "r", "status": "completed", "usage": usage}},
        "realtime, transcription": {**item, "usage": usage},
        "realtime, session": {"type": "session.closed", "usage": usage},
        "openai-usage": {**bucket, "results": [{**result, **usage}]},
        "livekit, metrics": {"type": "realtime_model_metrics", **metrics, **usage},
        "livekit, transcription": {"type": "stt_metrics", **metrics, **usage},
        "livekit, sum": {"type": "llm_usage", "provider": "openai", "model": "gpt-realtime", **usage},
        "pipecat, message": {"label": "rtvi-ai", "type": "metrics", "data": {"tokens": [usage]}},
        "pipecat, frame": {"time": START, "data": [frame]},
        "otel": {**span, "attributes": {**attributes, **{f"gen_ai.usage.{name}": value for name, value in usage.items()}}},
        "litellm, row": row,
        "litellm, page": {"data": [row, row]},
        "litellm, callback": {"kwargs": call, "response_obj": {"id": "r", "usage": usage}},
        "agents, event": {"type": "usage", "usage": usage},
        "agents, response": {"type": "response_done", "response": {"id": "resp_1", "usage": usage}},
        "agents, update": {"type": "usage_update", "usage": usage},
        "langfuse, observation": {**observation, "usageDetails": usage},
        "langfuse, page": {"data": [{**observation, "usageDetails": usage}] * 2},
        "langsmith": {"runs": [{**run, "extra": {}, "outputs": {"usage_metadata": usage}}]},
        "datadog": {"data": [{"id": "s", "type": "span", "attributes": {**dog, "start_ns": 1793613600123, "metrics": usage}}]},
        "vapi": {**vapi, "costs": [{"type": "model", "model": {"provider": "openai", "model": "gpt-4.1"}, **usage}]},
        "gemini-live": {"usageMetadata": usage, "serverContent": {"turnComplete": True}},
        "nova-sonic": {"event": {"usageEvent": {"sessionId": "s", "completionId": "c", "promptName": "p", **usage}}},
        "retell": {"call_id": "c", "call_type": "web_call", "call_status": "ended", "call_cost": usage},
    }


def test_every_format_has_a_response_to_try() -> None:
    formats = {log_format.name for log_format in LOG_FORMATS}
    assert {name.partition(",")[0] for name in with_usage({})} | {"columns"} == formats


@pytest.mark.parametrize("name", with_usage({}))
@pytest.mark.parametrize(
    "usage",
    [{}, {"units": 5}, {"tokens": {"in": 9, "out": 9}}, {"input_tokens": None}, {"inputTokenCount": {"text": 5}}, {"x": []}],
)
def test_in_no_format_a_usage_object_without_a_known_count_is_exact(name: str, usage: Any) -> None:
    """Not one of 100 such responses is billed at an exact $0 beside one that is."""
    records, _ = read_records(lines(with_usage(usage)[name]), name.partition(",")[0])
    assert {record.status for record in records} <= {"missing"}
    answer = cost(PythonEngine(records), CostQuery(), load_facts().prices)
    assert answer.counts.billed == 0
    assert answer.to_dict()["total"]["status"] != "exact"


@pytest.mark.parametrize("cells", ["", "none", "n/a"])
def test_in_a_table_a_row_without_a_known_count_is_not_exact(cells: str) -> None:
    records, report = read_records(f"model,day,input_tokens,units\ngpt-realtime,2026-11-20,{cells},5\n")
    assert {record.status for record in records} <= {"missing"}
    assert len(records) + report.error_count == 1


AMONG_OTHERS = (
    *("openai-usage", "livekit, metrics", "livekit, transcription", "livekit, sum", "pipecat, frame", "vapi", "retell"),
)
"""Their counts are among other numbers, which are not usage."""


@pytest.mark.parametrize("name", [name for name in with_usage({}) if name not in AMONG_OTHERS])
@pytest.mark.parametrize("usage", [{"units": 5}, {"total_tokens": 0, "units": 5}])
def test_in_no_format_an_unknown_count_in_a_usage_object_is_passed_over(name: str, usage: Any) -> None:
    """Neither alone nor, except in attributes of spans, beside a known count of 0."""
    if name == "otel" and "total_tokens" in usage:
        return
    assert unread(lines(with_usage(usage)[name]), name.partition(",")[0])[0] > 0
