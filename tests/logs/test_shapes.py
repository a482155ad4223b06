"""The same log in another shape gives the same records: compressed, in envelopes, behind prefixes, printed, turned."""

import gzip
import json
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.logs.fuzz import CORPUS, DEFAULTS
from tests.logs.reading import read_record, read_records, usage_of
from tests.logs.shapes import WRAPPERS, camel_case, documents_of, json_lines, renamed, snake_case, wrapped
from voicebill.answers.recorded.python_engine import deduplicate
from voicebill.billing.record import Record
from voicebill.logs.read import read_log
from voicebill.logs.report import ReadReport
from voicebill.logs.sources import Source

TEXTS = [path for path in sorted(CORPUS.iterdir()) if path.suffix != ".parquet"]
JSON_LOGS = [path for path in TEXTS if documents_of(path.read_bytes())]
OWN_TIMES = {"CloudWatch", "structlog"}
"""Envelopes that readers open themselves, so that the time of the outer one counts."""
IDENTIFIED = [
    "datadog-spans",
    "langsmith",
    "litellm",
    "livekit",
    "otel",
    "otel-dialects",
    "otel-spans",
    "realtime-wrapped",
    "vapi",
]
"""Samples whose records have identifiers of their own."""
RENAMED = {
    camel_case: ["agents-usage", "livekit", "livekit-logger", "livekit-sums", "livekit-summary", "pipecat"],
    snake_case: [
        "agents-js",
        "livekit-camel",
        "langfuse",
        "otel",
        "otel-dialects",
        "otel-frameworks",
        "otel-metrics",
        "otel-spans",
    ],
}
"""Samples of programs that exist in Python and JavaScript, or whose fields have names in both cases, by the other case."""


def amounts(records: Iterable[Record]) -> list[Any]:
    """Return what is priced and grouped by, whatever the records' keys and times are."""
    return sorted(
        [
            *(record.kind, record.model or "", record.provider or "", record.session or "", record.tenant or ""),
            *(record.outcome or "", record.status),
            sorted(sorted(usage.items()) for usage in record.usage_candidates),
        ]
        for record in deduplicate(records).values()
    )


def amounts_of(content: bytes | str) -> list[Any]:
    """Return the amounts of a log of which nothing is broken."""
    records, report = read_records(content, defaults=DEFAULTS)
    assert report.errors == []
    return amounts(records)


def elements_of(path: Path) -> list[Any]:
    """Return the documents of a sample, and the elements of an array as documents."""
    documents = documents_of(path.read_bytes())
    return documents[0] if len(documents) == 1 and isinstance(documents[0], list) else documents


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_a_log_is_read_alike_compressed_and_with_other_ends_of_lines(path: Path) -> None:
    content = path.read_bytes()
    expected = amounts_of(content)
    for other in (gzip.compress(content), b"\xef\xbb\xbf" + content, content.replace(b"\n", b"\r\n"), content + b"\n\n"):
        assert amounts_of(other) == expected


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_a_log_that_is_read_twice_gives_nothing_new(path: Path) -> None:
    report = ReadReport()
    copies = [Source("a log", content=BytesIO(path.read_bytes())) for _ in range(2)]
    assert amounts(read_log(*copies, defaults=DEFAULTS, report=report)) == amounts_of(path.read_bytes())


@pytest.mark.parametrize("name", WRAPPERS)
@pytest.mark.parametrize("path", JSON_LOGS, ids=lambda path: path.name)
def test_a_log_is_read_alike_in_envelopes_and_behind_prefixes(path: Path, name: str) -> None:
    is_otlp_in_otlp = path.stem == "realtime-otlp-logs" and name == "OpenTelemetry's logs"
    if is_otlp_in_otlp or (path.stem == "realtime-durations" and name in OWN_TIMES):
        return
    documents = elements_of(path)
    assert amounts_of(wrapped(documents, WRAPPERS[name])) == amounts_of(json_lines(documents))


@pytest.mark.parametrize("path", JSON_LOGS, ids=lambda path: path.name)
def test_documents_are_read_alike_over_many_lines_and_in_an_array(path: Path) -> None:
    documents = elements_of(path)
    expected = amounts_of(json_lines(documents))
    assert amounts_of("\n".join(json.dumps(document, indent=2) for document in documents)) == expected
    for array in (json.dumps(documents), json.dumps(documents, indent=4)):
        assert amounts_of(array) == expected
    assert amounts_of("[\n" + ",\n".join(map(json.dumps, documents)) + "\n]") == expected


@pytest.mark.parametrize("stem", ["realtime", "realtime-live", "agents-js", "agents-usage", "livekit-live", "pipecat"])
def test_dictionaries_that_python_printed_are_read_as_json(stem: str) -> None:
    """Events without counts too: they name the model and the session."""
    documents = documents_of((CORPUS / f"{stem}.jsonl").read_bytes())
    assert amounts_of("\n".join(f"INFO got {document!r}" for document in documents)) == amounts_of(json_lines(documents))


@pytest.mark.parametrize("stem", IDENTIFIED)
def test_the_order_of_lines_does_not_change_which_records_there_are(stem: str) -> None:
    (path,) = (path for path in JSON_LOGS if path.stem == stem)
    documents = elements_of(path)
    records, _ = read_records(json_lines(documents), defaults=DEFAULTS)
    turned, _ = read_records(json_lines(documents[::-1]), defaults=DEFAULTS)
    assert {record.key for record in turned} == {record.key for record in records}
    assert amounts(turned) == amounts(records)


@pytest.mark.parametrize(("rename", "stem"), [(rename, stem) for rename, stems in RENAMED.items() for stem in stems])
def test_names_in_camel_case_and_in_snake_case_give_the_same(rename: Any, stem: str) -> None:
    documents = documents_of((CORPUS / f"{stem}.jsonl").read_bytes())
    changed = renamed(documents, rename)
    assert changed != documents
    assert amounts_of(json_lines(changed)) == amounts_of(json_lines(documents))


@pytest.mark.parametrize("path", JSON_LOGS, ids=lambda path: path.name)
def test_names_in_another_case_are_never_skipped_silently(path: Path) -> None:
    """Where a program writes its names in one case only, those in another are read, or said to be unread, or refused."""
    for rename in (camel_case, snake_case):
        changed = json_lines(renamed(elements_of(path), rename))
        try:
            records, report = read_records(changed, defaults=DEFAULTS)
        except ValueError:
            continue
        is_reported = report.errors or report.unread_usage or any(record.status == "missing" for record in records)
        assert is_reported or sum(map(len, amounts(records))) >= sum(map(len, amounts_of(json_lines(elements_of(path)))))


EVENT = {"type": "response.done", "response": {"id": "resp_1", "usage": {"input_tokens": 5, "output_tokens": 0}}}
OWN = {"ts": "2026-11-24T08:00:00Z", "tenant": "acme", "call_id": "c7", "event": EVENT}


@pytest.mark.parametrize("name", WRAPPERS)
def test_the_names_and_the_time_of_ones_own_envelope_are_kept_in_another(name: str) -> None:
    record = read_record(wrapped([OWN], WRAPPERS[name]))
    assert (record.tenant, record.session) == ("acme", "c7")
    assert name in OWN_TIMES or str(record.time)[:19] == "2026-11-24 08:00:00"


def test_records_of_opentelemetrys_logs_are_read_after_other_lines_and_in_dockers_envelopes() -> None:
    otlp, docker = WRAPPERS["OpenTelemetry's logs"], WRAPPERS["Docker"]
    lines = [json.dumps({"message": "started"}), otlp(json.dumps(EVENT))]
    for text in ("\n".join(lines), "\n".join(map(docker, lines))):
        assert [record.key for record in read_records(text)[0]] == ["resp_1"]


def test_opentelemetrys_logs_that_are_not_read_show_their_counts() -> None:
    """Their name begins like that of a machine's resources, which are no usage."""
    line = WRAPPERS["OpenTelemetry's logs"]('{"kind": "usage", "input_tokens": 5}')
    _, report = read_records(line, "realtime")
    assert report.unread_usage is not None
    assert report.unread_usage.counts == {"input_tokens": 5}


def test_events_that_cloudwatch_lists_in_one_document_are_read() -> None:
    """As `aws logs filter-log-events` prints them, over many lines."""
    events = [{"timestamp": 1795515330123, "message": f"INFO {json.dumps(EVENT)}", "eventId": "1"}]
    document = {"events": events, "searchedLogStreams": []}
    for indent in (None, 4):
        record = read_record(json.dumps(document, indent=indent))
        assert (record.key, str(record.time)[:19]) == ("resp_1", "2026-11-24 10:15:30")


def test_half_a_character_in_a_printed_object_loses_no_usage() -> None:
    record = read_record(f"INFO {EVENT!r}".replace("{'id'", r"{'object': '\ud800', '\udfff': 1, 'id'"))
    assert sum(usage_of(record).values()) == 5


def test_python_does_not_warn_about_a_printed_object(recwarn: pytest.WarningsRecorder) -> None:
    read_records(
        "INFO Usage(input_tokens=5if 1else 2)\nINFO Usage(input_tokens=5, output_tokens=0, total_tokens=5)\n", "agents"
    )
    assert not recwarn.list
