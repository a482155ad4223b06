"""Spans of OpenTelemetry's GenAI conventions: OTLP as JSON, or one span per line, with today's attribute names and older ones.

Totals include their parts, and cached counts are parts of the input. Only spans that carry usage count. Where such spans
lie in each other, the outer one counts only if it is a call of its own: spans of an agent or a workflow that hold others
are sums of them, and so is a span that counts exactly what those in it do. Spans are kept until their trace is read to its
end, or until too many wait: then the oldest traces are settled as far as they are known. The conventions do not say whether
a response was cancelled, nor which response belongs to which turn.

Sources: OpenTelemetry's GenAI registry and LiveKit's telemetry/trace_types.py, read 2026-11-22.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Struct

from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.logs.counts import MOST, Counts, readings
from voicebill.logs.documents import any_of, decoded, documents
from voicebill.logs.envelope import Around, Time
from voicebill.logs.keys import response_key
from voicebill.logs.providers import provider_named
from voicebill.logs.sources import Lines
from voicebill.logs.told import Report, Told

NAME = "otel"
ABOUT = "OpenTelemetry GenAI spans: OTLP JSON, or one span per line, with new and old attribute names"

USAGE = "gen_ai.usage."
COUNTS: dict[str, tuple[str, ...]] = {
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
"""By the name of each count, the attributes behind `gen_ai.usage.` that carry it, today's first."""

SUMMING = frozenset({"invoke_agent", "create_agent", "invoke_workflow"})
"""Operations whose spans hold the calls that were charged."""
SUMS = "spans that sum those in them"

MOST_SPANS = 200_000
"""So many spans wait for the end of their trace."""
MOST_DEPTH = 1_000

Attributes = Mapping[str, object]


class Value(Struct, gc=False):
    """A value of OTLP; whole numbers may be written as text."""

    stringValue: str | None = None  # noqa: N815 - as OTLP writes it
    intValue: int | str | None = None  # noqa: N815
    doubleValue: float | str | None = None  # noqa: N815

    @property
    def plain(self) -> object:
        """What it is."""
        return next((each for each in (self.stringValue, self.intValue, self.doubleValue) if each is not None), None)


class Attribute(Struct, gc=False):
    """A key and its value."""

    key: str | None = None
    value: Value | None = None


class Context(Struct, gc=False):
    """Where a span belongs, as SDKs print it."""

    trace_id: str | None = None
    span_id: str | None = None


class Span(Struct, gc=False):
    """A span in any of its spellings: OTLP's, and those of dumps with one span per line."""

    traceId: str | None = None  # noqa: N815 - as OTLP writes it
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
    def place(self) -> tuple[str, str, str]:
        """Its trace, its own name in it, and its parent's; empty where they are not told."""
        context = self.context or Context()
        return (
            self.traceId or self.trace_id or context.trace_id or "",
            self.spanId or self.span_id or context.span_id or "",
            self.parentSpanId or self.parent_span_id or self.parent_id or "",
        )

    @property
    def times(self) -> tuple[object, ...]:
        """When it ended, or at least began."""
        ended = (self.endTimeUnixNano, self.end_time_unix_nano, self.end_time, self.endTime)
        began = (self.startTimeUnixNano, self.start_time_unix_nano, self.start_time, self.startTime)
        return tuple(each[0] if isinstance(each, list) and each else each for each in (*ended, *began))

    @property
    def said(self) -> Attributes:
        """Its attributes of these conventions; what was said in the conversation is not among them."""
        if isinstance(self.attributes, list):
            pairs = ((each.key or "", each.value.plain if each.value else None) for each in self.attributes)
        else:
            pairs = ((key, value) for key, value in (self.attributes or {}).items())
        return {key: value for key, value in pairs if key in WANTED or key.startswith(USAGE)}


WANTED = frozenset(
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
    """The spans of one service; older exports say `instrumentationLibrarySpans`."""

    scopeSpans: list[Scope] | None = None  # noqa: N815 - as OTLP writes it
    scope_spans: list[Scope] | None = None
    instrumentationLibrarySpans: list[Scope] | None = None  # noqa: N815


class Line(Span, gc=False):
    """A document: a span itself, or many."""

    resourceSpans: list[Resource] | None = None  # noqa: N815 - as OTLP writes it
    resource_spans: list[Resource] | None = None
    spans: list[Span] | None = None

    @property
    def all_spans(self) -> Iterator[Span]:
        """Every span that it holds."""
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


decoder = msgspec.json.Decoder(Line)
WORDS = ("gen_ai.", "resourceSpans")


def recognises(sample: Sequence[bytes]) -> bool:
    """Whether the first documents hold spans, at least one with an attribute of these conventions, or are OTLP."""
    return any(
        found.resourceSpans is not None or any(span.said for span in found.all_spans)
        for found in any_of(sample, decoder, WORDS)
    )


def read(logs: Iterable[Lines], told: Told, report: Report) -> Iterator[Record]:
    """The records of all sources, trace by trace."""
    traces = Traces(report)
    for lines in logs:
        for document in documents(lines, report):
            line = decoded(document, decoder, report)
            if line is None:
                continue
            spans = list(line.all_spans)
            if not spans:
                report.other_lines += 1
            for number, span in enumerate(spans, 1):
                yield from traces.take(span, _called(span, Around(document, told, report), number, report))
    yield from traces.end()


@dataclass(frozen=True, slots=True)
class Call:
    """A span with usage: its record, and whether it is of an operation that sums others."""

    record: Record
    counts: Counts
    sums: bool


def _called(span: Span, around: Around, number: int, report: Report) -> Call | None:
    said = span.said
    try:
        counts = counted(said)
    except ValueError as error:
        report.broke(around.document.source, around.document.ordinal, str(error))
        return None
    if counts is None:
        return None
    sums = _text(said, "gen_ai.operation.name") in SUMMING
    return Call(_record(span, said, readings(counts), around, number), counts, sums)


def _record(span: Span, said: Attributes, found: tuple[Usage, ...], around: Around, number: int) -> Record:
    trace, name, _ = span.place
    identifier = _text(said, "gen_ai.response.id")
    if identifier:
        key = response_key(identifier)
    else:
        key = f"span:{trace}:{name}" if trace and name else around.document.key_of(number)
    return around.record(
        key,
        found,
        provider=_provider(said),
        model=_text(said, "gen_ai.response.model", "gen_ai.request.model"),
        session=_text(said, "gen_ai.conversation.id", "session.id"),
        times=span.times,
    )


def _provider(said: Attributes) -> str | None:
    """Who was asked: of OpenAI's own kind of client, also by the host that it talked to."""
    named = provider_named(_text(said, "gen_ai.provider.name", "gen_ai.system"))
    at = provider_named(_text(said, "server.address"))
    return "azure" if named in (None, "openai") and at == "azure" else named


def _text(said: Attributes, *names: str) -> str | None:
    return next((value for name in names if isinstance(value := said.get(name), str) and value), None)


def counted(said: Attributes) -> Counts | None:
    """The counts among a span's attributes; None where there are none.

    >>> found = counted({"gen_ai.usage.input_tokens": "12", "gen_ai.usage.completion_tokens": 3})
    >>> found.input, found.output, found.total
    (12, 3, None)

    Raises:
        ValueError: one of them is no count.
    """
    found = {}
    for count, names in COUNTS.items():
        name = next((USAGE + each for each in names if said.get(USAGE + each) is not None), None)
        if name is not None:
            found[count] = _whole(name, said[name])
    return Counts(**found) if found else None


def _whole(name: str, value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST:
        raise ValueError(f"{name} is no whole number from 0 to {MOST:,}")
    return value


@dataclass(slots=True)
class Trace:
    """The spans of a trace that were seen: their parents, and what was charged in them."""

    parents: dict[str, str] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)


@dataclass(slots=True)
class Traces:
    """The traces of a source that may still go on, in the order they began."""

    report: Report
    waiting: dict[str, Trace] = field(default_factory=dict)
    spans: int = 0

    def take(self, span: Span, call: Call | None) -> Iterator[Record]:
        """What is settled when a span has come."""
        trace, name, parent = span.place
        if not trace or not name:
            if call is not None:
                yield call.record
            return
        known = self.waiting.setdefault(trace, Trace())
        self.spans += name not in known.parents
        known.parents[name] = parent
        if call is not None:
            known.calls[name] = call
        while self.spans > MOST_SPANS:
            yield from self._settled(next(iter(self.waiting)))

    def end(self) -> Iterator[Record]:
        """What was still waiting."""
        for trace in list(self.waiting):
            yield from self._settled(trace)

    def _settled(self, name: str) -> Iterator[Record]:
        trace = self.waiting.pop(name)
        self.spans -= len(trace.parents)
        inside = _inside(trace)
        for span, call in trace.calls.items():
            if _is_sum(call, inside.get(span, [])):
                self.report.skipped[SUMS] += 1
            else:
                yield call.record


def _inside(trace: Trace) -> dict[str, list[Call]]:
    """For each call that holds others, those directly in it, over whatever lies between."""
    found: dict[str, list[Call]] = {}
    for span, call in trace.calls.items():
        parent, steps = trace.parents[span], 0
        while parent in trace.parents and parent not in trace.calls and steps < MOST_DEPTH:
            parent, steps = trace.parents[parent], steps + 1
        if parent in trace.calls and parent != span:
            found.setdefault(parent, []).append(call)
    return found


def _is_sum(call: Call, inside: Sequence[Call]) -> bool:
    if not inside:
        return False
    return call.sums or all(_add_up(call, inside, side) for side in ("input", "output"))


def _add_up(call: Call, inside: Sequence[Call], side: str) -> bool:
    return (getattr(call.counts, side) or 0) == sum(getattr(each.counts, side) or 0 for each in inside)
