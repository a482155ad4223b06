"""JSON behind a prefix and in the envelopes of loggers and containers is read like JSON that stands by itself."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.logs.reading import read_record, read_records, usage_of
from voicebill.logs.providers import normalize_provider
from voicebill.logs.read import read_log
from voicebill.logs.report import ReadReport
from voicebill.logs.wrapped_lines import MAX_WRAPPINGS, strip_prefix, unwrap_line

EVENT = {
    "type": "response.done",
    "response": {
        "id": "resp_7",
        "status": "completed",
        "usage": {
            "input_tokens": 132,
            "output_tokens": 121,
            "input_token_details": {"text_tokens": 119, "audio_tokens": 13},
            "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
        },
    },
}
TEXT = json.dumps(EVENT)
USAGE = {"text_in": 119, "audio_in": 13, "text_out": 30, "audio_out": 91}
LOGURU = {"level": {"name": "INFO"}, "time": {"repr": "2026-11-24 10:15:30", "timestamp": 1795515330.0}}
WRAPPED = {
    "time and level": f"2026-11-24 10:15:30,250 INFO [agent] realtime event: {TEXT}",
    "level only": f"DEBUG:voice.agent:{TEXT}",
    "server-sent event": f"data: {TEXT}",
    "docker": json.dumps({"log": TEXT + "\n", "stream": "stdout", "time": "2026-11-24T10:15:30.123456789Z"}),
    "docker, with a prefix": json.dumps({"log": f"INFO {TEXT}\n", "stream": "stdout", "time": "2026-11-24T10:15:30Z"}),
    "CloudWatch": json.dumps({"eventId": "1", "timestamp": 1795515330000, "message": f"INFO {TEXT}"}),
    "journald": json.dumps({"__REALTIME_TIMESTAMP": "1795515330000000", "_PID": "7", "MESSAGE": TEXT}),
    "Google Cloud": json.dumps({"timestamp": "2026-11-24T10:15:30Z", "jsonPayload": EVENT}),
    "loguru, extra": json.dumps({"text": "event\n", "record": {**LOGURU, "message": "event", "extra": {"evt": EVENT}}}),
    "loguru, message": json.dumps({"text": f"{TEXT}\n", "record": {**LOGURU, "message": TEXT, "extra": {}}}),
    "structlog": json.dumps({"event": "realtime", "data": EVENT, "level": "info", "timestamp": "2026-11-24T10:15:30Z"}),
    "CloudWatch around Docker": json.dumps({"timestamp": 1795515330000, "message": json.dumps({"log": TEXT, "stream": "a"})}),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_an_event_in_an_envelope_or_behind_a_prefix_is_read_with_its_time(name: str) -> None:
    record = read_record(WRAPPED[name])
    assert (record.key, usage_of(record)) == ("resp_7", USAGE)
    if name not in ("level only", "server-sent event"):
        assert str(record.time)[:19] == "2026-11-24 10:15:30"


def test_every_format_is_read_in_an_envelope() -> None:
    corpus = Path(__file__).parent / "corpus"
    for path in corpus.glob("*.jsonl"):
        plain = [json.loads(line) for line in path.read_text().splitlines()]
        wrapped = "\n".join(json.dumps({"log": json.dumps(line), "stream": "stderr"}) for line in plain)
        report = ReadReport()
        usages = [usage_of(record) for record in read_log(path, report=report)]
        records, wrapped_report = read_records(wrapped)
        assert [usage_of(record) for record in records] == usages, path.name
        assert [*wrapped_report.sources.values()] == [*report.sources.values()]


def test_lines_with_a_prefix_among_others_are_read_too() -> None:
    records, report = read_records(f"{TEXT}\nINFO {TEXT.replace('resp_7', 'resp_8')}\nINFO started\n")
    assert [record.key for record in records] == ["resp_7", "resp_8"]
    assert [error.line_number for error in report.errors] == [3]


def test_a_forced_format_is_read_in_an_envelope() -> None:
    records, _ = read_records(WRAPPED["docker"], "realtime")
    assert [usage_of(record) for record in records] == [USAGE]


OTHER_LINES = [
    TEXT,
    "INFO {",
    "{}",
    "",
    '"context": {"a": 1}',
    '{"log": "started"}',
    '{"record": {"extra": {}}}',
    "[1]",
]


@pytest.mark.parametrize("line", OTHER_LINES)
def test_other_lines_are_unchanged(line: str) -> None:
    assert unwrap_line(line.encode()) == line.encode()


def test_envelopes_are_opened_to_a_depth_and_a_long_prefix_is_text() -> None:
    inner: Any = EVENT
    for _ in range(6):
        inner = {"log": json.dumps(inner)}
    assert unwrap_line(json.dumps(inner).encode()).count(b"log") == 6 - MAX_WRAPPINGS
    assert strip_prefix(b"x" * 500 + TEXT.encode()) == b"x" * 500 + TEXT.encode()


@pytest.mark.parametrize(
    "host",
    ["acme.openai.azure.com", "acme.services.ai.azure.com", "https://acme.cognitiveservices.azure.com/v1", "azure_openai"],
)
def test_the_hosts_and_names_of_azure_are_azure(host: str) -> None:
    assert normalize_provider(host) == "azure"


def test_a_table_names_providers_as_frameworks_do_and_models_with_their_provider() -> None:
    rows = "provider,model,text_in,day\nazure_openai,gpt-realtime-1.5,100,2026-11-27\n,openai/gpt-realtime,5,2026-11-27\n"
    records, _ = read_records(rows)
    names = [(record.provider, record.model) for record in records]
    assert names == [("azure", "gpt-realtime-1.5"), ("openai", "gpt-realtime")]


def otlp_logs(*bodies: Any, **attributes: Any) -> str:
    """Log records as OTLP writes them, with a text or an object as the body."""

    def value(plain: Any) -> dict[str, Any]:
        if isinstance(plain, dict):
            return {"kvlistValue": {"values": [{"key": key, "value": value(inner)} for key, inner in plain.items()]}}
        return {"intValue": str(plain)} if isinstance(plain, int) else {"stringValue": plain}

    pairs = [{"key": key, "value": value(plain)} for key, plain in attributes.items()]
    records = [{"timeUnixNano": "1795515330000000000", "body": value(body), "attributes": pairs} for body in bodies]
    return json.dumps({"resourceLogs": [{"resource": {}, "scopeLogs": [{"scope": {}, "logRecords": records}]}]})


def test_events_in_opentelemetrys_logs_are_read_with_their_time() -> None:
    """Several on a line, as text or as an object, behind a level, and between others."""
    other = TEXT.replace("resp_7", "resp_8")
    third = TEXT.replace("resp_7", "resp_9")
    log = "\n".join([otlp_logs(TEXT, "started", json.loads(other)), otlp_logs("stopped"), otlp_logs(f"INFO {third}")])
    records, report = read_records(log)
    assert [(record.key, usage_of(record)) for record in records] == [(f"resp_{number}", USAGE) for number in (7, 8, 9)]
    assert {str(record.time)[:19] for record in records} == {"2026-11-24 10:15:30"}
    assert (report.other_lines, report.unread_usage) == (2, None)


def test_what_a_logger_adds_to_a_message_is_in_the_attributes_of_a_log_record() -> None:
    """LiveKit's metrics, exported by OpenTelemetry's handler of Python's logging; and counts that nobody reads."""
    counts = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    log = otlp_logs("LLM metrics", model_name="gpt-4.1-mini", **counts)
    record = read_record(log)
    assert (record.model, usage_of(record)) == ("gpt-4.1-mini", {"text_in": 10, "text_out": 5})
    _, report = read_records(f"{log}\n{otlp_logs('turn ended', input_audio_tokens=77)}")
    assert report.unread_usage is not None
    assert dict(report.unread_usage.counts) == {"input_audio_tokens": 77}
