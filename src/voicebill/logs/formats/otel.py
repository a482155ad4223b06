"""Read spans of OpenTelemetry's GenAI conventions: OTLP JSON, or one span per line, with current and older attribute names.

Totals include their parts, and cached counts are parts of the input. Only spans that carry usage count. Of nested spans with
usage, the outer one counts only if it is a call itself: spans of an agent or a workflow are sums of the spans in them, and
so is a span that counts exactly what the spans in it do. Spans are kept until their trace is complete, or until too many
are waiting: then the oldest traces are resolved as far as they are known. The conventions do not record whether a response
was cancelled, nor which turn it belongs to.

Sources: OpenTelemetry's GenAI registry and LiveKit's telemetry/trace_types.py, read 2026-11-22.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Struct

from voicebill.answers.recorded.unread_usage import UnreadUsage
from voicebill.billing.record import Record, RecordKind
from voicebill.billing.usage import Usage
from voicebill.logs.counts import MAX_COUNT, TokenCounts, possible_usages
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.documents import decode_document, documents, matching_documents
from voicebill.logs.envelope import RecordContext, Time
from voicebill.logs.keys import response_key
from voicebill.logs.providers import normalize_provider
from voicebill.logs.report import ReadReport
from voicebill.logs.sources import NumberedLines
from voicebill.logs.unread_usage import counts_in

NAME = "otel"
ABOUT = "OpenTelemetry GenAI spans: OTLP JSON, or one span per line, with new and old attribute names"

USAGE_PREFIX = "gen_ai.usage."
COUNT_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "total": ("total_tokens",),
    "input": ("input_tokens", "prompt_tokens"),
    "output": ("output_tokens", "completion_tokens"),
    "text_in": ("text.input_tokens", "input_text_tokens"),
    "audio_in": ("audio.input_tokens", "input_audio_tokens"),
    "image_in": ("image.input_tokens", "input_image_tokens"),
    "cached": (
        "cache_read.input_tokens",
        "cache_read_input_tokens",
        "input_cached_tokens",
        "cached_tokens",
        "cached_input_tokens",
    ),
    "text_cached": ("text.cache_read.input_tokens", "input_cached_text_tokens", "cached_text_tokens"),
    "audio_cached": ("audio.cache_read.input_tokens", "input_cached_audio_tokens", "cached_audio_tokens"),
    "image_cached": ("image.cache_read.input_tokens", "input_cached_image_tokens", "cached_image_tokens"),
    "text_out": ("text.output_tokens", "output_text_tokens"),
    "audio_out": ("audio.output_tokens", "output_audio_tokens"),
    "reasoning": ("reasoning.output_tokens", "reasoning_tokens", "output_reasoning_tokens", "reasoning_output_tokens"),
}
"""The attributes under `gen_ai.usage.` that carry each count, the current name first."""

SUMMING_OPERATIONS = frozenset({"invoke_agent", "create_agent", "invoke_workflow"})
"""Operations whose spans contain the charged calls."""
SPEECH_QUANTITIES = {"stt": "metrics.audio_seconds", "tts": "metrics.character_count"}
"""The attribute with the seconds or characters of speech, by operation, as Pipecat writes them."""
SUM_OF_OTHER_SPANS = "spans that sum other spans"

MAX_WAITING_SPANS = 200_000
"""At most so many spans wait for the end of their trace."""
MAX_SPAN_DEPTH = 1_000

Attributes = Mapping[str, object]


class AttributeValue(Struct, gc=False):
    """A value in OTLP; integers may be written as text."""

    stringValue: str | None = None  # noqa: N815 - OTLP's name
    intValue: int | str | None = None  # noqa: N815
    doubleValue: float | str | None = None  # noqa: N815

    @property
    def plain(self) -> object:
        """The value."""
        return next((value for value in (self.stringValue, self.intValue, self.doubleValue) if value is not None), None)


class Attribute(Struct, gc=False):
    """A key and its value."""

    key: str | None = None
    value: AttributeValue | None = None


class Context(Struct, gc=False):
    """The context of a span, as SDKs print it."""

    trace_id: str | None = None
    span_id: str | None = None


class Span(Struct, gc=False):
    """A span, as OTLP or as dumps with one span per line write it."""

    traceId: str | None = None  # noqa: N815 - OTLP's name
    spanId: str | None = None  # noqa: N815
    parentSpanId: str | None = None  # noqa: N815
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    parent_id: str | None = None
    context: Context | None = None
    endTimeUnixNano: int | str | None = None  # noqa: N815
    end_time_unix_nano: int | str | None = None
    end_time: Time | list[int] = None
    endTime: Time | list[int] = None  # noqa: N815
    startTimeUnixNano: int | str | None = None  # noqa: N815
    start_time_unix_nano: int | str | None = None
    start_time: Time | list[int] = None
    startTime: Time | list[int] = None  # noqa: N815
    attributes: list[Attribute] | dict[str, Any] | None = None

    @property
    def ids(self) -> tuple[str, str, str]:
        """The identifiers of its trace, of the span and of its parent; empty if not logged."""
        context = self.context or Context()
        return (
            self.traceId or self.trace_id or context.trace_id or "",
            self.spanId or self.span_id or context.span_id or "",
            self.parentSpanId or self.parent_span_id or self.parent_id or "",
        )

    @property
    def times(self) -> tuple[object, ...]:
        """The end of the span, or else its start."""
        end_times = (self.endTimeUnixNano, self.end_time_unix_nano, self.end_time, self.endTime)
        start_times = (self.startTimeUnixNano, self.start_time_unix_nano, self.start_time, self.startTime)
        return tuple(time[0] if isinstance(time, list) and time else time for time in (*end_times, *start_times))

    @property
    def genai_attributes(self) -> Attributes:
        """The attributes of these conventions, without the text of the conversation."""
        pairs = self.all_attributes.items()
        return {key: value for key, value in pairs if key in CONTEXT_ATTRIBUTES or key.startswith(USAGE_PREFIX)}

    @property
    def all_attributes(self) -> Attributes:
        """All attributes of the span."""
        if isinstance(self.attributes, list):
            return {attribute.key or "": attribute.value.plain if attribute.value else None for attribute in self.attributes}
        return self.attributes or {}


CONTEXT_ATTRIBUTES = frozenset(
    {
        "gen_ai.operation.name",
        "gen_ai.provider.name",
        "gen_ai.system",
        "gen_ai.request.model",
        "gen_ai.response.model",
        "gen_ai.response.id",
        "gen_ai.conversation.id",
        "server.address",
        "session.id",
    }
)


class Scope(Struct, gc=False):
    """The spans of one instrumentation."""

    spans: list[Span] | None = None


class Resource(Struct, gc=False):
    """The spans of one service; older exports use `instrumentationLibrarySpans`."""

    scopeSpans: list[Scope] | None = None  # noqa: N815 - OTLP's name
    scope_spans: list[Scope] | None = None
    instrumentationLibrarySpans: list[Scope] | None = None  # noqa: N815


class OtelLine(Span, gc=False):
    """A document: one span, or many."""

    resourceSpans: list[Resource] | None = None  # noqa: N815 - OTLP's name
    resource_spans: list[Resource] | None = None
    spans: list[Span] | None = None

    @property
    def all_spans(self) -> Iterator[Span]:
        """Yield every span in the document."""
        for resource in (*(self.resourceSpans or ()), *(self.resource_spans or ())):
            for scope in (
                *(resource.scopeSpans or ()),
                *(resource.scope_spans or ()),
                *(resource.instrumentationLibrarySpans or ()),
            ):
                yield from scope.spans or ()
        yield from self.spans or ()
        if self.attributes is not None:
            yield self


_decoder = msgspec.json.Decoder(OtelLine)
_KEYWORDS = ("gen_ai.", "resourceSpans")


def matches(sample: Sequence[bytes]) -> bool:
    """Return whether the first documents are OTLP, or contain a span with an attribute of these conventions."""
    return any(
        line.resourceSpans is not None or any(span.genai_attributes for span in line.all_spans)
        for line in matching_documents(sample, _decoder, _KEYWORDS)
    )


def read(logs: Iterable[NumberedLines], defaults: LogDefaults, report: ReadReport) -> Iterator[Record]:
    """Yield the records of all sources, trace by trace."""
    traces = Traces(report)
    for lines in logs:
        for document in documents(lines, report):
            line = decode_document(document, _decoder, report)
            if line is None:
                continue
            spans = list(line.all_spans)
            if not spans:
                report.add_other_line(document.source, document.line_number, document.content)
            for number, span in enumerate(spans, 1):
                context = RecordContext(document, defaults, report)
                usage_span = _parse_span(span, context, number, report)
                counts = counts_in(span.all_attributes) if usage_span is None else {}
                unread = UnreadUsage(1, document.source, document.line_number, counts) if counts else None
                yield from traces.add_span(span, usage_span, unread)
    yield from traces.finish()


@dataclass(frozen=True, slots=True)
class UsageSpan:
    """A span with usage: its record, and whether its operation sums other spans."""

    record: Record
    counts: TokenCounts
    is_summing_operation: bool


def _parse_span(span: Span, context: RecordContext, number: int, report: ReadReport) -> UsageSpan | None:
    attributes = span.genai_attributes
    try:
        counts = counts_from_attributes(attributes)
    except ValueError as error:
        report.add_error(context.document.source, context.document.line_number, str(error))
        return None
    if counts is None:
        return _parse_speech_span(span, attributes, context, number)
    is_summing = _text(attributes, "gen_ai.operation.name") in SUMMING_OPERATIONS
    return UsageSpan(_record(span, attributes, possible_usages(counts), context, number), counts, is_summing)


def _parse_speech_span(span: Span, attributes: Attributes, context: RecordContext, number: int) -> UsageSpan | None:
    """Return the usage of a span of speech-to-text by seconds, or of text-to-speech by characters; None for other spans."""
    operation = _text(attributes, "gen_ai.operation.name")
    quantity = span.all_attributes.get(SPEECH_QUANTITIES.get(operation or "", ""))
    if isinstance(quantity, str) and quantity.isascii() and quantity.isdigit() and len(quantity) < 16:
        quantity = int(quantity)
    if not isinstance(quantity, int | float) or isinstance(quantity, bool) or not 0 <= quantity <= 10**9:
        return None
    is_transcription = operation == "stt"
    usage = Usage({"audio_ms": round(quantity * 1000)} if is_transcription else {"characters_in": round(quantity)})
    kind: RecordKind = "transcription" if is_transcription else "response"
    return UsageSpan(_record(span, attributes, (usage,), context, number, kind=kind), TokenCounts(), is_summing_operation=False)


def _record(
    span: Span,
    attributes: Attributes,
    usages: tuple[Usage, ...],
    context: RecordContext,
    number: int,
    *,
    kind: RecordKind = "response",
) -> Record:
    trace_id, span_id, _ = span.ids
    identifier = _text(attributes, "gen_ai.response.id")
    if identifier:
        key = response_key(identifier)
    else:
        key = f"span:{trace_id}:{span_id}" if trace_id and span_id else context.document.key_of(number)
    return context.record(
        key,
        usages,
        kind=kind,
        provider=_provider(attributes),
        model=_text(attributes, "gen_ai.response.model", "gen_ai.request.model"),
        session=_text(attributes, "gen_ai.conversation.id", "session.id"),
        times=span.times,
    )


def _provider(attributes: Attributes) -> str | None:
    """Return the provider; for OpenAI-compatible clients it follows from the host as well."""
    provider = normalize_provider(_text(attributes, "gen_ai.provider.name", "gen_ai.system"))
    host_provider = normalize_provider(_text(attributes, "server.address"))
    return "azure" if provider in (None, "openai") and host_provider == "azure" else provider


def _text(attributes: Attributes, *names: str) -> str | None:
    return next((value for name in names if isinstance(value := attributes.get(name), str) and value), None)


def counts_from_attributes(attributes: Attributes) -> TokenCounts | None:
    """Return the counts among a span's attributes, or None if there are none.

    >>> answer = counts_from_attributes({"gen_ai.usage.input_tokens": "12", "gen_ai.usage.completion_tokens": 3})
    >>> answer.input, answer.output, answer.total
    (12, 3, None)

    Raises:
        ValueError: a value is not a count.
    """
    values = {}
    for count, names in COUNT_ATTRIBUTES.items():
        name = next((USAGE_PREFIX + suffix for suffix in names if attributes.get(USAGE_PREFIX + suffix) is not None), None)
        if name is not None:
            values[count] = _parse_count(name, attributes[name])
    return TokenCounts(**values) if values else None


def _parse_count(name: str, value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_COUNT:
        raise ValueError(f"{name} is not a whole number from 0 to {MAX_COUNT:,}")
    return value


@dataclass(slots=True)
class Trace:
    """The spans of a trace so far: their parents, and their usage."""

    parents: dict[str, str] = field(default_factory=dict)
    usage_spans: dict[str, UsageSpan] = field(default_factory=dict)
    unread_spans: dict[str, UnreadUsage] = field(default_factory=dict)
    """Spans with counts of which nothing was read."""


@dataclass(slots=True)
class Traces:
    """The unfinished traces of a source, in the order they began."""

    report: ReadReport
    waiting: dict[str, Trace] = field(default_factory=dict)
    spans: int = 0

    def add_span(self, span: Span, usage_span: UsageSpan | None, unread: UnreadUsage | None = None) -> Iterator[Record]:
        """Add a span; yield the records that are now final."""
        trace_id, span_id, parent_id = span.ids
        if not trace_id or not span_id:
            if usage_span is not None:
                yield usage_span.record
            elif unread is not None:
                self.report.add_unread_counts(unread.source, unread.line_number, unread.counts)
            return
        trace = self.waiting.setdefault(trace_id, Trace())
        self.spans += span_id not in trace.parents
        trace.parents[span_id] = parent_id
        if usage_span is not None:
            trace.usage_spans[span_id] = usage_span
        elif unread is not None:
            trace.unread_spans[span_id] = unread
        while self.spans > MAX_WAITING_SPANS:
            yield from self._close_trace(next(iter(self.waiting)))

    def finish(self) -> Iterator[Record]:
        """Yield the records that were still waiting."""
        for trace_id in list(self.waiting):
            yield from self._close_trace(trace_id)

    def _close_trace(self, trace_id: str) -> Iterator[Record]:
        trace = self.waiting.pop(trace_id)
        self.spans -= len(trace.parents)
        children = _children(trace)
        for unread in _unread_spans(trace):
            self.report.add_unread_counts(unread.source, unread.line_number, unread.counts)
        for span_id, usage_span in trace.usage_spans.items():
            if _is_sum(usage_span, children.get(span_id, [])):
                self.report.skipped[SUM_OF_OTHER_SPANS] += 1
            else:
                yield usage_span.record


def _children(trace: Trace) -> dict[str, list[UsageSpan]]:
    """Return the calls directly inside each call, ignoring other spans between them."""
    children: dict[str, list[UsageSpan]] = {}
    for span_id, usage_span in trace.usage_spans.items():
        parent_id, steps = trace.parents[span_id], 0
        while parent_id in trace.parents and parent_id not in trace.usage_spans and steps < MAX_SPAN_DEPTH:
            parent_id, steps = trace.parents[parent_id], steps + 1
        if parent_id in trace.usage_spans and parent_id != span_id:
            children.setdefault(parent_id, []).append(usage_span)
    return children


def _unread_spans(trace: Trace) -> Iterator[UnreadUsage]:
    """Yield the spans whose counts no other span has: none of those around or inside a span with usage, which repeat it."""
    if not trace.unread_spans:
        return
    around_usage = {ancestor for span_id in trace.usage_spans for ancestor in _ancestors(trace, span_id)}
    for span_id, unread in trace.unread_spans.items():
        if span_id not in around_usage and trace.usage_spans.keys().isdisjoint(_ancestors(trace, span_id)):
            yield unread


def _ancestors(trace: Trace, span_id: str) -> Iterator[str]:
    """Yield the spans around a span, from the inside out."""
    for _ in range(MAX_SPAN_DEPTH):
        span_id = trace.parents.get(span_id, "")
        if not span_id:
            return
        yield span_id


def _is_sum(usage_span: UsageSpan, children: Sequence[UsageSpan]) -> bool:
    if not children:
        return False
    return usage_span.is_summing_operation or all(_adds_up(usage_span, children, side) for side in ("input", "output"))


def _adds_up(usage_span: UsageSpan, children: Sequence[UsageSpan], side: str) -> bool:
    return (getattr(usage_span.counts, side) or 0) == sum(getattr(child.counts, side) or 0 for child in children)
