"""Read metrics of LiveKit agents: per response, or summed over a session by model, as JSON lines or session reports.

A sum over a session is one record, of the kind `response` like single ones; the number of responses in it is not logged. A
response without usage is logged like one that used nothing. The seconds of a live session are logged as what was added since
the last report, so every report is a record. A transcription by the voice model's API has the identifier of the API's event.

Which sums count beside others and beside single metrics is decided over all sources, in `livekit_sessions`; their shapes are in
`livekit_metrics`. An agent's own logger prints single metrics beside a message such as "RealtimeModel metrics", and with
LK_OPENAI_DEBUG=1 the raw events too, which count: metrics and sums that repeat them do not.

Sources: see `livekit_metrics`; livekit-agents 1.8.9's llm/_realtime/gpt_live.py and openai.py and cli/log.py, and agents-js
1.9.0's plugin of OpenAI, realtime/gpt_live_model.ts, read 2026-11-28.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec

from voicebill.billing.record import Record
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.documents import Document, decode_document, documents, matching_documents
from voicebill.logs.envelope import Envelope, RecordContext, Time, first_text, unwrap
from voicebill.logs.formats.livekit_metrics import (
    LOGGED_TYPES,
    SESSION_USAGE_UPDATED,
    SINGLE_TYPES,
    SUM_TYPES,
    USAGE_EVENTS,
    LiveKitLine,
    Metrics,
    ModelMetadata,
    kind_and_usages,
)
from voicebill.logs.formats.livekit_sessions import SessionSums
from voicebill.logs.formats.livekit_sums import ROLES_BY_PART, Form, Names, SessionSum, SumPart
from voicebill.logs.formats.realtime import DocumentSource, EventReader
from voicebill.logs.formats.realtime_lines import decode_line, is_event_line
from voicebill.logs.keys import place_key, response_key
from voicebill.logs.providers import normalize_provider
from voicebill.logs.report import ReadReport, first_time
from voicebill.logs.sources import NumberedLines
from voicebill.logs.unread_usage import snake_case, unread_counts
from voicebill.logs.wrapped_lines import unwrap_line

NAME = "livekit"
ABOUT = "metrics of LiveKit agents, single or summed per session, as JSON lines or session reports"

SECONDS_OF_LIVE_SESSION = "seconds of live sessions whose events are in the logs too"
TURNS_OF_METRICS = "messages with the usage of turns whose metrics are in the logs too"
MAX_RAW_TURNS = 10_000
"""At most so many raw messages of Gemini's are kept, to find out whether they repeat metrics."""
SourceTokens = tuple[str, int, int]
"""A source, and a number of input and of output tokens."""
EVENT = re.compile(rb'"type"\s*:\s*"(?:session|response|conversation)\.')
"""What a raw event of the Realtime API contains, also one in an envelope."""
SERVER_EVENT = "event_"
"""The identifiers of a Realtime API's events begin with it."""

_decoder = msgspec.json.Decoder(LiveKitLine)
_envelope_decoder = msgspec.json.Decoder(Envelope)
_KEYWORDS = (
    *("model_usage", *SUM_TYPES, *SINGLE_TYPES, "input_cached_text_tokens", "job_id", *LOGGED_TYPES),
    *("tokens_per_second", "ttfb", "llm_prompt_tokens", "llmPromptTokens"),
)


def matches(sample: Sequence[bytes]) -> bool:
    """Return whether the first documents contain metrics of an agent, or a session report."""
    return any(_has_agent_metrics(line) for line in matching_documents(sample, _decoder, _KEYWORDS, any_case=True))


def _has_agent_metrics(line: LiveKitLine) -> bool:
    line = unwrap(line)[-1]
    metrics = [item for item in (line, line.logged, line.metrics, *line.sums) if item is not None]
    is_report = line.job_id is not None and (line.is_report or any(item.part for item in line.sums))
    return any(item.is_distinctive for item in metrics) or is_report or line.summary is not None


def read(logs: Iterable[NumberedLines], defaults: LogDefaults, report: ReadReport) -> Iterator[Record]:
    """Yield the records of all sources: single metrics with an identifier at once, others and sums at the end."""
    reader = MetricsReader(defaults, report, SessionSums(report), EventReader(defaults, report))
    for record in report.event_records:
        reader.sums.add_event_record(record)
    for lines in logs:
        reader.events.start_source()
        for document in documents(lines, report):
            line = decode_document(document, _decoder, report, any_case=True)
            if line is not None:
                yield from reader.add_document(document, line)
    yield from reader.finish()


@dataclass(slots=True)
class MetricsReader:
    """Read documents: yield single metrics, and keep what may repeat them until it is known whether it counts."""

    defaults: LogDefaults
    report: ReadReport
    sums: SessionSums
    events: EventReader
    live: list[tuple[SumPart, Names, str]] = field(default_factory=list)
    """The seconds of live sessions, whose events may follow: with the names of the session and the source."""
    token_counts: Counter[SourceTokens] = field(default_factory=Counter)
    """How many metrics of each source have so many input and output tokens."""
    raw_turns: list[tuple[Document, SourceTokens]] = field(default_factory=list)
    """Messages of Gemini's Live API, which its plugin prints while it is debugged."""

    def add_document(self, document: Document, line: LiveKitLine) -> Iterator[Record]:
        """Yield the records that a document gives at once."""
        entries = list(self._entries(document, unwrap(line)))
        if not any(entry.has_usage for entry in entries):
            event = unwrap_line(document.content) if EVENT.search(document.content) else b""
            if event and is_event_line(event):
                yield from self._event_records(document, event)
                return
            self._add_other_line(document)
        is_shared = sum(len(entry.metrics) for entry in entries) > 1
        number = 0
        for entry in entries:
            parts: list[SumPart] = []
            for metrics in entry.metrics:
                if metrics.part is None or metrics.is_of_connection:
                    continue
                number += 1
                self.token_counts[document.source, metrics.input_tokens or 0, metrics.output_tokens or 0] += 1
                record = _record(entry, metrics, number, part=_fields(metrics) if is_shared else None)
                part = SumPart(ROLES_BY_PART[metrics.part], metrics, record, names_model=entry.form != "summary")
                if metrics.type not in SINGLE_TYPES:
                    parts.append(part)
                elif metrics.session_ms:
                    self.live.append((part, entry.names, document.source))
                elif record.status == "missing" or not self.sums.add_single(part, entry.names, document.source):
                    yield record
            if parts:
                self.sums.add_sum(_session_sum(entry, tuple(parts)))

    def finish(self) -> Iterator[Record]:
        """Yield the records that were still waiting at the end of all sources."""
        self._report_raw_turns()
        for record in self.events.finish():
            self.sums.add_event_record(record)
            yield record
        for part, names, source in self.live:
            if part.metrics.request_id in self.report.live_sessions:
                self.report.skipped[SECONDS_OF_LIVE_SESSION] += 1
            elif not self.sums.add_single(part, names, source):
                yield part.record
        yield from self.sums.records()

    def _add_other_line(self, document: Document) -> None:
        """Add a line without metrics. A raw message of Gemini's may have the usage of metrics."""
        counts = {snake_case(name): count for name, count in unread_counts(document.content).items()}
        if "prompt_token_count" not in counts or len(self.raw_turns) == MAX_RAW_TURNS:
            self.report.add_other_line(document.source, document.line_number, document.content)
            return
        self.report.other_lines += 1
        tokens = (int(counts["prompt_token_count"]), int(counts.get("response_token_count", 0)))
        self.raw_turns.append((document, (document.source, *tokens)))

    def _report_raw_turns(self) -> None:
        """Report the usage of raw messages that no metrics have."""
        for document, tokens in self.raw_turns:
            if self.token_counts[tokens] > 0:
                self.token_counts[tokens] -= 1
                self.report.skipped[TURNS_OF_METRICS] += 1
            else:
                self.report.add_unread_line(document.source, document.line_number, document.content)

    def _event_records(self, document: Document, content: bytes) -> Iterator[Record]:
        """Yield the records of a raw event, which agents print among their metrics."""
        source = DocumentSource(document.source, document.identity)
        try:
            for record in self.events.handle_line(decode_line(content), source, document.line_number, content):
                self.sums.add_event_record(record)
                yield record
        except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
            self.report.add_error(document.source, document.line_number, f"not as the API specifies: {error}")
            self.report.add_unread_line(document.source, document.line_number, document.content)

    def _entries(self, document: Document, layers: list[LiveKitLine]) -> Iterator["MetricsEntry"]:
        """Yield all metrics in a document: those of a report's events before those of the report itself."""
        line = layers[-1]
        for raw in map(bytes, line.events or ()):
            if any(word in raw for word in USAGE_EVENTS):
                event = decode_document(
                    Document(document.source, document.identity, document.line_number, raw),
                    _decoder,
                    self.report,
                    any_case=True,
                )
                if event is not None and not event.events:
                    yield from self._entries(document, [*layers, event])
        context = RecordContext(document, self.defaults, self.report, tuple(reversed(layers)))
        names = Names(
            first_text(*(layer.job_id for layer in layers)),
            first_text(*(layer.room_id for layer in layers)),
            context.session,
        )
        started = first_time(self.report, _first_event_times(line))
        singles = [metrics for metrics in (line, line.logged, line.metrics) if metrics is not None]
        for metrics in singles:
            if metrics is not line or line.is_distinctive:
                yield MetricsEntry(context, "report", names, started, (metrics,))
        if line.sums:
            form: Form = "growing" if line.type == SESSION_USAGE_UPDATED else "report"
            yield MetricsEntry(context, form, names, started, tuple(line.sums))
        if line.summary is not None:
            yield MetricsEntry(context, "summary", names, started, tuple(line.summary.summary_parts))


def _first_event_times(line: LiveKitLine) -> tuple[object, ...]:
    """Return the times of a report's first event: the session has begun by then."""
    try:
        return _envelope_decoder.decode(line.events[0]).times if line.events else ()
    except msgspec.MsgspecError:
        return ()


@dataclass(frozen=True, slots=True)
class MetricsEntry:
    """Single metrics, or the sums of a session, with their envelopes and the names of the session."""

    context: RecordContext
    form: Form
    names: Names
    started: datetime | None
    metrics: tuple[Metrics, ...]

    @property
    def own_times(self) -> tuple[Time, ...]:
        """The times of the event or report itself, which are better than those of a logger."""
        line = self.context.envelopes[0]
        return (line.timestamp, line.created_at)

    @property
    def has_usage(self) -> bool:
        """Whether these are metrics of what is charged, or a summary, even if nothing was used."""
        return self.form == "summary" or any(metrics.part is not None for metrics in self.metrics)


def _session_sum(entry: MetricsEntry, parts: tuple[SumPart, ...]) -> SessionSum:
    document, time = entry.context.document, parts[0].record.time
    session_sum = SessionSum(document.source, entry.form, entry.names, time, entry.started, document.key, parts)
    owner = first_text(*entry.names)
    if owner is None and time is not None:
        owner = place_key("", time.isoformat(), repr(sorted(session_sum.counts.items())).encode())
    return replace(session_sum, origin=owner or document.key)


def _fields(metrics: Metrics) -> dict[str, object]:
    """Return the fields of metrics, without those of a document that contains more."""
    return {name: getattr(metrics, name) for name in Metrics.__struct_fields__}


def _record(entry: MetricsEntry, metrics: Metrics, number: int, *, part: object) -> Record:
    kind, usages = kind_and_usages(metrics)
    metadata = metrics.metadata or ModelMetadata()
    return entry.context.record(
        _key(entry, metrics, number),
        usages,
        kind=kind,
        provider=normalize_provider(metrics.provider or metadata.model_provider),
        model=metrics.model or metadata.model_name,
        session=entry.names.session or entry.names.job or entry.names.room,
        times=(metrics.timestamp, metrics.created_at, *entry.own_times),
        outcome=_outcome(metrics),
        cumulative=metrics.type not in SINGLE_TYPES and (entry.form == "growing" or any(entry.names)),
        part=part,
    )


def _key(entry: MetricsEntry, metrics: Metrics, number: int) -> str:
    """Return the key of single metrics: the identifier, with the time where a request or a session reports repeatedly."""
    request, document = first_text(metrics.request_id), entry.context.document
    if request is None or metrics.type not in SINGLE_TYPES:
        return document.key_of(number)
    if metrics.session_ms:
        times = (metrics.timestamp, *(time for layer in entry.context.envelopes for time in layer.times))
        time = next((time for time in times if time is not None), None)
        return document.key_of(number) if time is None else f"livekit:session:{request}:{time}:{metrics.session_ms}"
    if metrics.part in ("realtime", "chat"):
        return response_key(request)
    if metrics.part == "stt" and request.startswith(SERVER_EVENT):
        return f"transcription:{request}"
    return document.key_of(number) if metrics.timestamp is None else f"livekit:{metrics.part}:{request}:{metrics.timestamp}"


def _outcome(metrics: Metrics) -> str | None:
    if metrics.cancelled is None:
        return None
    return "cancelled" if metrics.cancelled else "completed"
