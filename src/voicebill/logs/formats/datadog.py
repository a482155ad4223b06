"""Read spans of Datadog's LLM Observability: pages of its Export API, spans of them, and what its SDK or API sends.

Only spans of the kinds `llm` and `embedding` are calls; the tokens of agents and workflows are sums of those in them (see
run_trees). Totals include their cached tokens. Datadog's integrations report no modality, so tokens of a voice model are a
range. Costs stand beside ours for comparison: those that the application reports in dollars, Datadog's own estimates in
nanodollars. Integrations that a call passes through mark all but one of its spans as a workflow.

Sources: Datadog's documentation of the Export API and of the HTTP API, and ddtrace 4.16.0 (`llmobs/_event_types.py`,
`llmobs/_constants.py`, `llmobs/_writer.py`, `llmobs/_integrations/openai.py`), read 2026-11-28.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct, field

from voicebill.answers.recorded.unread_usage import UnreadUsage
from voicebill.billing.record import Record
from voicebill.logs.counts import MAX_COUNT, TokenCounts, no_usage, possible_usages
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.documents import decode_document, documents, matching_documents
from voicebill.logs.envelope import RecordContext, Time
from voicebill.logs.formats.run_trees import Run, RunTrees
from voicebill.logs.providers import normalize_provider
from voicebill.logs.report import ReadReport, first_of
from voicebill.logs.reported_costs import NANODOLLAR, parse_reported_cost, with_reported_cost
from voicebill.logs.sources import NumberedLines
from voicebill.logs.unread_usage import counts_in

NAME = "datadog"
ABOUT = "spans of Datadog's LLM Observability, as its Export API gives them or as its SDK sends them"

CALL_KINDS = ("llm", "embedding")
SPAN_KINDS = (*CALL_KINDS, "agent", "workflow", "tool", "task", "retrieval")
UNKNOWN = "unknown"
"""What the SDK writes for a model or a provider that it does not know."""
NO_PARENT = "undefined"


class SpanKind(Struct, gc=False):
    """An object with the kind of a span."""

    kind: str | None = None


class SpanMeta(Struct, gc=False):
    """What the SDK writes about a span, without the text of the conversation."""

    model_name: str | None = None
    model_provider: str | None = None
    kind: str | None = None
    dotted_kind: str | None = field(default=None, name="span.kind")
    span: SpanKind | None = None


class DatadogSpan(Struct, gc=False):
    """A span, a resource with a span as its attributes, or a page or payload of spans."""

    span_id: str | int | None = None
    trace_id: str | int | None = None
    parent_id: str | int | None = None
    session_id: str | int | None = None
    ml_app: str | None = None
    start_ns: Time = None
    duration: float | None = None
    span_kind: str | None = None
    model_name: str | None = None
    model_provider: str | None = None
    metrics: dict[str, Any] | None = None
    meta: SpanMeta | None = None
    attributes: "DatadogSpan | None" = None
    spans: "list[DatadogSpan] | None" = None
    data: "DatadogSpan | list[DatadogSpan] | None" = None

    @property
    def kind(self) -> str | None:
        """What the span is, such as `llm`."""
        meta = self.meta or SpanMeta()
        return first_of(self.span_kind, meta.dotted_kind, meta.span.kind if meta.span else None, meta.kind)

    @property
    def all_spans(self) -> Iterator["DatadogSpan"]:
        """Yield every span in the document."""
        if self.span_id is not None and self.kind is not None:
            yield self
        data = self.data if isinstance(self.data, list) else [self.data]
        for inner in (self.attributes, *(self.spans or ()), *data):
            if inner is not None:
                inner.session_id = self.session_id if inner.session_id is None else inner.session_id
                yield from inner.all_spans

    @property
    def is_distinctive(self) -> bool:
        """Whether only this product writes spans like this."""
        return self.kind in SPAN_KINDS and self.trace_id is not None and (self.metrics is not None or self.start_ns is not None)


_decoder = msgspec.json.Decoder(DatadogSpan)
_KEYWORDS = ("span_kind", "span.kind", '"kind"')


def matches(sample: Sequence[bytes]) -> bool:
    """Return whether the first documents contain such spans."""
    return any(
        span.is_distinctive for document in matching_documents(sample, _decoder, _KEYWORDS) for span in document.all_spans
    )


def read(logs: Iterable[NumberedLines], defaults: LogDefaults, report: ReadReport) -> Iterator[Record]:
    """Yield the records of all sources, trace by trace."""
    trees = RunTrees(report)
    for lines in logs:
        for document in documents(lines, report):
            root = decode_document(document, _decoder, report)
            if root is None:
                continue
            spans = list(root.all_spans)
            if not spans:
                report.add_other_line(document.source, document.line_number, document.content)
            context = RecordContext(document, defaults, report)
            for span in spans:
                yield from trees.add(_parse_span(span, context))
    yield from trees.finish()


def _parse_span(span: DatadogSpan, context: RecordContext) -> Run:
    document, metrics = context.document, span.metrics or {}
    counts, record, unread = TokenCounts(), None, None
    try:
        counts = _counts(metrics)
        record = _record(span, counts, context) if span.kind in CALL_KINDS else None
    except ValueError as error:
        context.report.add_error(document.source, document.line_number, str(error))
    if record is None and (unread_counts := counts_in(metrics)):
        unread = UnreadUsage(1, document.source, document.line_number, unread_counts)
    parent = "" if span.parent_id in (None, NO_PARENT) else str(span.parent_id)
    return Run(str(span.trace_id or ""), str(span.span_id), parent, counts, record, unread)


def _record(span: DatadogSpan, counts: TokenCounts, context: RecordContext) -> Record:
    meta = span.meta or SpanMeta()
    model, provider = (
        next((name for name in names if name and name != UNKNOWN), None)
        for names in ((span.model_name, meta.model_name), (span.model_provider, meta.model_provider))
    )
    record = context.record(
        f"datadog:{span.trace_id or ''}:{span.span_id}",
        no_usage() if counts == TokenCounts() else possible_usages(counts),
        provider=normalize_provider(provider),
        model=model,
        session=None if span.session_id is None else str(span.session_id),
        times=(_end_time(span), span.start_ns),
        part={"model": model, "usage": span.metrics or {}},
    )
    (record,) = with_reported_cost((record,), _cost(span.metrics or {}), reasoning_tokens=counts.reasoning or 0)
    return record


def _cost(metrics: dict[str, Any]) -> int | None:
    """Return what a call cost by the span, in picodollars; None without an amount."""
    amount = parse_reported_cost(metrics.get("total_cost"))
    return parse_reported_cost(metrics.get("estimated_total_cost"), NANODOLLAR) if amount is None else amount


def _end_time(span: DatadogSpan) -> float | None:
    """Return the end of a span whose start is in nanoseconds, as the SDK writes it; other units are documented, too."""
    if not isinstance(span.start_ns, int) or span.duration is None or span.start_ns < 10**18:
        return None
    return span.start_ns + span.duration


def _counts(metrics: dict[str, Any]) -> TokenCounts:
    """Return the counts among a span's metrics.

    Raises:
        ValueError: a value is not a count.
    """
    return TokenCounts(
        total=_count(metrics, "total_tokens"),
        input=_count(metrics, "input_tokens"),
        output=_count(metrics, "output_tokens"),
        cached=_count(metrics, "cache_read_input_tokens"),
        reasoning=_count(metrics, "reasoning_output_tokens"),
    )


def _count(metrics: dict[str, Any], name: str) -> int | None:
    value = metrics.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_COUNT):
        raise ValueError(f"{name} is not a whole number from 0 to {MAX_COUNT:,}")
    return value
