"""Read what OpenTelemetry exports about calls of a model: spans, log records and metrics, as OTLP JSON or one per line.

The attributes are those of OpenTelemetry's GenAI conventions, current and older, and of their dialects: see
`otel_attributes`. Only spans that carry usage count, and calls whose usage the log does not contain: see `otel_traces`. A log
record has the usage of its span, where the span has none. Metrics count where no span has the usage: see `otel_metrics`. The
conventions do not record whether a response was cancelled, nor which turn it belongs to.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from voicebill.answers.recorded.unread_usage import UnreadUsage
from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.logs.counts import no_usage
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.documents import decode_document, documents, matching_documents
from voicebill.logs.envelope import RecordContext
from voicebill.logs.formats.otel_attributes import (
    HOST_ATTRIBUTE,
    flat_attributes,
    kind_of,
    model_of,
    provider_of,
    reasoning_of,
    reported_cost_of,
    role_of,
    text_of,
    usages_of,
)
from voicebill.logs.formats.otel_documents import Attributes, OtelLine, Span
from voicebill.logs.formats.otel_metrics import MetricSums
from voicebill.logs.formats.otel_traces import TracedSpan, Traces
from voicebill.logs.keys import response_key
from voicebill.logs.providers import normalize_provider
from voicebill.logs.report import ReadReport
from voicebill.logs.reported_costs import with_reported_cost
from voicebill.logs.sources import NumberedLines
from voicebill.logs.unread_usage import counts_in

NAME = "otel"
ABOUT = "OpenTelemetry's spans, log records and metrics of GenAI calls: OTLP JSON, or one per line, in all dialects"

_decoder = msgspec.json.Decoder(OtelLine)
_KEYWORDS = (
    *(
        "gen_ai",
        "resourceSpans",
        "resourceMetrics",
        "resource_metrics",
        "token_count",
        "openinference",
        "traceloop",
        "llm.usage",
    ),
    *("langfuse", "lk.tts_metrics", "ai.usage", "ai.operationId"),
)


def matches(sample: Sequence[bytes]) -> bool:
    """Return whether the first documents are OTLP, or contain an attribute with usage or with the kind of a call."""
    return any(_is_distinctive(line) for line in matching_documents(sample, _decoder, _KEYWORDS))


def _is_distinctive(line: OtelLine) -> bool:
    if line.resourceSpans is not None or line.resourceMetrics is not None or line.resource_metrics is not None:
        return True
    return any(_is_about_call(span) for span in (*line.all_spans, *(log_record for log_record, _ in line.all_log_records)))


def _is_about_call(span: Span) -> bool:
    attributes = flat_attributes(span.all_attributes)
    if role_of(attributes) or any(name.startswith("gen_ai.") for name in attributes):
        return True
    try:
        return usages_of(attributes, ReadReport()) is not None
    except ValueError:
        return True


def read(logs: Iterable[NumberedLines], defaults: LogDefaults, report: ReadReport) -> Iterator[Record]:
    """Yield the records of all sources: those of spans trace by trace, and last those of metrics."""
    traces, metrics = Traces(report), MetricSums(report)
    for lines in logs:
        for document in documents(lines, report):
            line = decode_document(document, _decoder, report)
            if line is None:
                continue
            context = RecordContext(document, defaults, report)
            spans, log_records, streams = list(line.all_spans), list(line.all_log_records), list(line.all_metrics)
            if not spans and not log_records and not streams:
                report.add_other_line(document.source, document.line_number, document.content)
            for number, span in enumerate(spans, 1):
                yield from metrics.note_records(traces.add_span(_traced_span(span, context, number)))
            for number, (log_record, body) in enumerate(log_records, len(spans) + 1):
                traced = _traced_span(log_record, context, number, body=body, is_log=True)
                if traced.record is not None or traced.unread is not None:
                    yield from metrics.note_records(traces.add_span(traced))
            metrics.add_metrics(streams, context)
    yield from metrics.note_records(traces.finish())
    yield from metrics.finish()


def _traced_span(span: Span, context: RecordContext, number: int, *, body: object = None, is_log: bool = False) -> TracedSpan:
    """Interpret a span or a log record. A count that is none is reported, and makes it one without usage."""
    attributes = flat_attributes(span.all_attributes)
    source, line_number = context.document.source, context.document.line_number
    role, model = role_of(attributes), model_of(attributes)
    usages: tuple[Usage, ...] | None = None
    is_valid = True
    try:
        usages = usages_of(attributes, context.report)
    except ValueError as error:
        context.report.add_error(source, line_number, str(error))
        is_valid = False
    is_call = role == "call" and not is_log
    counts = counts_in({**attributes, "body": body}, any_name=is_call) if usages is None and is_valid else {}
    if usages is None and is_call:
        usages = no_usage()
    trace_id, span_id, parent_id = span.ids
    return TracedSpan(
        trace_id,
        span_id,
        parent_id,
        role,
        model,
        _provider(attributes),
        record=None if usages is None else _record(span, attributes, usages, context, number),
        unread=UnreadUsage(1, source, line_number, counts) if counts else None,
        is_log=is_log,
    )


def _record(span: Span, attributes: Attributes, usages: tuple[Usage, ...], context: RecordContext, number: int) -> Record:
    trace_id, span_id, _ = span.ids
    identifier = text_of(attributes, "gen_ai.response.id")
    if identifier:
        key = response_key(identifier)
    else:
        key = f"span:{trace_id}:{span_id}" if trace_id and span_id else context.document.key_of(number)
    record = context.record(
        key,
        usages,
        kind=kind_of(attributes),
        provider=_provider(attributes),
        model=model_of(attributes),
        times=span.times,
        owner_objects=span.owner_objects,
        part={},
    )
    amount = reported_cost_of(attributes)
    if amount is None:
        return record
    (costed,) = with_reported_cost((record,), amount, reasoning_tokens=reasoning_of(attributes))
    return costed


def _provider(attributes: Attributes) -> str | None:
    """Return the provider; for OpenAI-compatible clients it follows from the host as well."""
    provider = normalize_provider(provider_of(attributes))
    host_provider = normalize_provider(text_of(attributes, HOST_ATTRIBUTE))
    return "azure" if provider in (None, "openai") and host_provider == "azure" else provider
