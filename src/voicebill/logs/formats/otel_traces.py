"""Decide which spans of a trace are the charged calls: some sum others, repeat them, or only contain them.

Spans are kept until their trace is complete, or until too many are waiting: then the oldest traces are resolved as far as they
are known. Of nested spans with usage, the outer one counts only if it is a call itself: spans of an agent or a workflow are
sums of the spans in them, and so is a span that counts exactly what the spans in it do. Of two spans of the same call, such as
those of a framework and of its client, the one that knows more counts. A call without usage is a record
without usage, if nothing around it or in it has the usage, and it contains no other call: what only wraps a call is none. The
usage of a call that a tool makes is its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from voicebill.answers.recorded.unread_usage import UnreadUsage
from voicebill.billing.record import Record
from voicebill.logs.formats.otel_attributes import STATUS_ORDER, SpanRole
from voicebill.logs.providers import split_model_name
from voicebill.logs.report import ReadReport

SUM_OF_OTHER_SPANS = "spans that sum other spans"

MAX_WAITING_SPANS = 200_000
"""At most so many spans wait for the end of their trace."""
MAX_SPAN_DEPTH = 1_000


@dataclass(frozen=True, slots=True)
class TracedSpan:
    """What a span says: its identifiers, role and names, and its record, or else the counts in it that were not read.

    The record has the status `missing` if the span is a call without usage. `is_log` says that it is a log record about the
    span of that identifier: it counts only if the span itself has no usage.
    """

    trace_id: str
    span_id: str
    parent_id: str
    role: SpanRole
    model: str | None
    provider: str | None
    record: Record | None = None
    unread: UnreadUsage | None = None
    is_log: bool = False

    @property
    def has_usage(self) -> bool:
        """Whether it has usage that was read."""
        return self.record is not None and self.record.status != "missing"

    @property
    def is_boundary(self) -> bool:
        """Whether calls in it are others than the call around it."""
        return self.role in ("sum", "other")


@dataclass(slots=True)
class Trace:
    """The spans of a trace so far. Of most, only the parent matters."""

    parents: dict[str, str] = field(default_factory=dict)
    spans: dict[str, TracedSpan] = field(default_factory=dict)
    """Those with a record, unread counts, names or a role, without log records."""
    logs: dict[str, TracedSpan] = field(default_factory=dict)
    """Log records with usage, by their span."""

    def add(self, span: TracedSpan) -> None:
        """Add a span, or a log record about one. Of a span that is logged twice, the one with usage counts."""
        if span.is_log:
            if span.has_usage or span.span_id not in self.logs:
                self.logs[span.span_id] = span
            return
        self.parents[span.span_id] = span.parent_id
        before = self.spans.get(span.span_id)
        if (before is None or span.has_usage or not before.has_usage) and (
            span.record or span.unread or span.role or span.model or span.provider
        ):
            self.spans[span.span_id] = span

    def take_logs(self) -> None:
        """Let log records be the usage of spans that have none, or that are not in the log."""
        for span_id, log in self.logs.items():
            span = self.spans.get(span_id)
            if span is None:
                self.parents.setdefault(span_id, log.parent_id)
                self.spans[span_id] = log
            elif not span.has_usage:
                model, provider = log.model or span.model, log.provider or span.provider
                record, unread = log.record or span.record, log.unread or span.unread
                self.spans[span_id] = replace(span, record=record, unread=unread, model=model, provider=provider)
        self.logs.clear()

    def ancestors(self, span_id: str) -> Iterator[str]:
        """Yield the spans around a span, from the inside out."""
        for _ in range(MAX_SPAN_DEPTH):
            span_id = self.parents.get(span_id, "")
            if not span_id:
                return
            yield span_id

    def same_call(self, span_id: str) -> Iterator[str]:
        """Yield the spans around a span up to the first that contains other calls, which is the last one."""
        for ancestor in self.ancestors(span_id):
            yield ancestor
            span = self.spans.get(ancestor)
            if span is not None and span.is_boundary:
                return


@dataclass(slots=True)
class Traces:
    """The unfinished traces of a source, in the order they began."""

    report: ReadReport
    waiting: dict[str, Trace] = field(default_factory=dict)
    spans: int = 0

    def add_span(self, span: TracedSpan) -> Iterator[Record]:
        """Add a span; yield the records that are now final."""
        if not span.trace_id or not span.span_id:
            if span.record is not None and (span.has_usage or span.model):
                yield span.record
            self._add_unread(span)
            return
        trace = self.waiting.setdefault(span.trace_id, Trace())
        self.spans -= len(trace.parents) + len(trace.logs)
        trace.add(span)
        self.spans += len(trace.parents) + len(trace.logs)
        while self.spans > MAX_WAITING_SPANS:
            yield from self._close_trace(next(iter(self.waiting)))

    def finish(self) -> Iterator[Record]:
        """Yield the records that were still waiting."""
        for trace_id in list(self.waiting):
            yield from self._close_trace(trace_id)

    def _close_trace(self, trace_id: str) -> Iterator[Record]:
        trace = self.waiting.pop(trace_id)
        self.spans -= len(trace.parents) + len(trace.logs)
        trace.take_logs()
        with_usage = {span_id: span for span_id, span in trace.spans.items() if span.has_usage}
        repetitions = _repetitions(trace, with_usage)
        if repetitions:
            self.report.skipped[SUM_OF_OTHER_SPANS] += len(repetitions)
        counted = [span_id for span_id in with_usage if span_id not in repetitions]
        for span_id in (*counted, *_calls_without_usage(trace, frozenset(counted))):
            if (record := _named_record(trace, span_id)) is not None:
                yield record
        for span in _unread_spans(trace, with_usage):
            self._add_unread(span)

    def _add_unread(self, span: TracedSpan) -> None:
        if span.unread is not None:
            self.report.add_unread_counts(span.unread.source, span.unread.line_number, span.unread.counts)


def _repetitions(trace: Trace, with_usage: dict[str, TracedSpan]) -> set[str]:
    """Return the spans whose usage other spans have, from the inside out."""
    around = {span_id: _usage_around(trace, span_id, with_usage) for span_id in with_usage}
    inside: dict[str, list[str]] = {}
    repetitions: set[str] = set()
    for span_id in sorted(with_usage, key=lambda name: -around[name][1]):
        calls, counted = inside.get(span_id, []), [span_id]
        if calls and _is_sum(with_usage[span_id], [with_usage[name] for name in calls]):
            if len(calls) == 1 and _knowledge(with_usage[span_id]) > _knowledge(with_usage[calls[0]]):
                repetitions.update(calls)
            else:
                repetitions.add(span_id)
                counted = calls
        nearest, _ = around[span_id]
        if nearest is not None and nearest != span_id:
            inside.setdefault(nearest, []).extend(counted)
    return repetitions


def _usage_around(trace: Trace, span_id: str, with_usage: Mapping[str, TracedSpan]) -> tuple[str | None, int]:
    """Return the nearest span with usage around a span, and how many there are."""
    nearest, count = None, 0
    for name in trace.ancestors(span_id):
        if name in with_usage:
            nearest, count = nearest or name, count + 1
    return nearest, count


def _is_sum(span: TracedSpan, inside: Sequence[TracedSpan]) -> bool:
    """Return whether a span counts what the spans in it do. Of one span in it, the other may leave out the input or output."""
    if span.role == "sum":
        return True
    totals, sums = _totals(span), tuple(map(sum, zip(*map(_totals, inside), strict=True)))
    if len(inside) == 1 and any(total and other for total, other in zip(totals, sums, strict=True)):
        return all(total == other for total, other in zip(totals, sums, strict=True) if total and other)
    return totals == sums


def _knowledge(span: TracedSpan) -> tuple[bool, int, int]:
    """Return how much a span knows of a call, in comparison with another one of the same call."""
    certainty = -STATUS_ORDER.index(span.record.status) if span.record is not None else 0
    return span.role != "sum", sum(total > 0 for total in _totals(span)), certainty


def _totals(span: TracedSpan) -> tuple[int, ...]:
    """Return the tokens in and out, and the time and characters of speech: all readings of a usage have the same."""
    usage = span.record.usage.quantities if span.record is not None else {}
    tokens_in = sum(quantity for meter, quantity in usage.items() if "_in" in meter and meter != "characters_in")
    tokens_out = sum(quantity for meter, quantity in usage.items() if meter.endswith("_out"))
    return tokens_in, tokens_out, usage.get("audio_ms", 0), usage.get("characters_in", 0)


def _calls_without_usage(trace: Trace, counted: frozenset[str]) -> Iterator[str]:
    """Yield the innermost calls of which neither a span around them nor one in them has the usage."""
    calls = [span_id for span_id, span in trace.spans.items() if span.record is not None]
    around_calls = {ancestor for span_id in calls for ancestor in trace.same_call(span_id)}
    for span_id in calls:
        is_open = not trace.spans[span_id].has_usage and span_id not in around_calls
        if is_open and counted.isdisjoint(trace.same_call(span_id)):
            yield span_id


def _unread_spans(trace: Trace, with_usage: dict[str, TracedSpan]) -> Iterator[TracedSpan]:
    """Yield the spans whose counts no other span has: none of those around or inside a span with usage, which repeat it."""
    unread = {span_id: span for span_id, span in trace.spans.items() if span.unread is not None}
    if not unread:
        return
    around_usage = {ancestor for span_id in with_usage for ancestor in trace.ancestors(span_id)}
    for span_id, span in unread.items():
        if span_id not in around_usage and with_usage.keys().isdisjoint(trace.ancestors(span_id)):
            yield span


def _named_record(trace: Trace, span_id: str) -> Record | None:
    """Return the record of a span, with the model of the nearest span around it that names one if it names none itself.

    A call without usage that names no model may be no call of a model: it is no record.
    """
    span = trace.spans[span_id]
    record = span.record
    if record is None or span.model or record.kind == "transcription":
        return record if record is None or span.model or span.has_usage else None
    for ancestor in map(trace.spans.get, trace.ancestors(span_id)):
        if ancestor is not None and ancestor.model:
            provider, model = split_model_name(ancestor.model, span.provider or ancestor.provider)
            return replace(record, model=model, provider=provider or record.provider)
    return record if span.has_usage else None
