"""Read metrics of LiveKit agents: per response, or summed over a session by model, as JSON lines or session reports.

A sum over a session is one record, of the kind `response` like single ones; the number of responses in it is not logged. If
a log repeats a session's growing sum, the largest is used. Sums are skipped if the same source also logs the single
metrics. Details that a plugin does not know are logged as 0: if they do not add up to the total, they count as absent. A
response without usage is logged like one that used nothing. Usage with tokens is charged by tokens; seconds and characters
count only without tokens. Tokens of a chat model are text: images are not reported separately.

An agent's own logger prints single metrics beside a message such as "RealtimeModel metrics". Agents in JavaScript write the
same names in camel case, and durations in milliseconds.

Sources: livekit-agents' metrics/usage.py, metrics/base.py and voice/report.py, read 2026-11-22; agents-js' metrics/base.ts.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from voicebill.billing.record import Record, RecordKind
from voicebill.billing.usage import Usage
from voicebill.logs.counts import TokenCounts, no_usage, possible_usages
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.documents import Document, decode_document, documents, matching_documents
from voicebill.logs.envelope import Envelope, Name, RecordContext, first_text, unwrap
from voicebill.logs.formats.realtime_events import Count, InputDetails, OutputDetails
from voicebill.logs.keys import response_key
from voicebill.logs.providers import normalize_provider
from voicebill.logs.report import ReadReport
from voicebill.logs.sources import NumberedLines

NAME = "livekit"
ABOUT = "metrics of LiveKit agents, single or summed per session, as JSON lines or session reports"

Seconds = Annotated[float, Meta(ge=0, le=10**9)]
Milliseconds = Annotated[float, Meta(ge=0, le=10**12)]

SUM_TYPES = {"llm_usage": "llm", "stt_usage": "stt", "tts_usage": "tts"}
SINGLE_TYPES = {"realtime_model_metrics": "realtime", "llm_metrics": "chat", "stt_metrics": "stt", "tts_metrics": "tts"}
LOGGED_TYPES = {
    "RealtimeModel metrics": "realtime_model_metrics",
    "LLM metrics": "llm_metrics",
    "STT metrics": "stt_metrics",
    "TTS metrics": "tts_metrics",
}
"""The messages with which an agent's own logger prints single metrics, and their types."""
SESSION_USAGE_UPDATED = "session_usage_updated"
"""The event with a session's sums so far, which is logged repeatedly."""
USAGE_EVENTS = tuple(f'"{name}"'.encode() for name in (SESSION_USAGE_UPDATED, "metrics_collected"))
"""The only events in a session report that carry usage."""
SUM_OF_SINGLE_METRICS = "sums whose single metrics are in the log too"


def _milliseconds(seconds: float | None, milliseconds: float | None) -> int | None:
    if seconds is not None:
        return round(seconds * 1000)
    return None if milliseconds is None else round(milliseconds)


class ModelMetadata(Struct, gc=False):
    """The model and provider of metrics."""

    model_name: str | None = None
    model_provider: str | None = None


class Metrics(Envelope, gc=False):
    """A sum or single metrics, with the fields of all kinds."""

    type: str | None = None
    provider: str | None = None
    model: str | None = None
    metadata: ModelMetadata | None = None
    request_id: Name = None
    cancelled: bool | None = None
    input_tokens: Count | None = None
    input_cached_tokens: Count | None = None
    input_text_tokens: Count | None = None
    input_cached_text_tokens: Count | None = None
    input_audio_tokens: Count | None = None
    input_cached_audio_tokens: Count | None = None
    input_image_tokens: Count | None = None
    input_cached_image_tokens: Count | None = None
    output_tokens: Count | None = None
    output_text_tokens: Count | None = None
    output_audio_tokens: Count | None = None
    output_reasoning_tokens: Count | None = None
    input_token_details: InputDetails | None = None
    output_token_details: OutputDetails | None = None
    prompt_tokens: Count | None = None
    prompt_cached_tokens: Count | None = None
    completion_tokens: Count | None = None
    total_tokens: Count | None = None
    audio_duration: Seconds | None = None
    session_duration: Seconds | None = None
    audio_duration_ms: Milliseconds | None = None
    session_duration_ms: Milliseconds | None = None
    characters_count: Count | None = None

    @property
    def part(self) -> str | None:
        """The part of the agent that was measured; None if nothing in it is charged."""
        parts = {**SUM_TYPES, **SINGLE_TYPES}
        if self.type is not None:
            return parts.get(self.type)
        if not self.provider or not self.model:
            return None
        if self.characters_count is not None:
            return "tts"
        if self.audio_ms is not None:
            return "stt"
        return None if self.input_tokens is None and self.output_tokens is None and self.session_duration is None else "llm"

    @property
    def audio_ms(self) -> int | None:
        """The milliseconds of audio: agents in Python log seconds, those in JavaScript milliseconds."""
        return _milliseconds(self.audio_duration, self.audio_duration_ms)

    @property
    def session_ms(self) -> int | None:
        """The milliseconds of the session."""
        return _milliseconds(self.session_duration, self.session_duration_ms)

    @property
    def is_distinctive(self) -> bool:
        """Whether only LiveKit writes documents like this: its types occur nowhere else, and its reports have none."""
        return (
            self.type in SUM_TYPES
            or self.type in SINGLE_TYPES
            or (self.type is None and self.input_cached_text_tokens is not None)
        )


class SessionUsage(Struct, gc=False):
    """A session's usage: one sum per model."""

    model_usage: list[Metrics] | None = None


class LiveKitLine(Metrics, gc=False):
    """A document: metrics, an event that carries them, or a session report."""

    job_id: Name = None
    room_id: Name = None
    message: str | dict[str, msgspec.Raw] | None = None
    msg: str | dict[str, msgspec.Raw] | None = None
    model_name: str | None = None
    model_provider: str | None = None
    cached_input_tokens: Count | None = None
    metrics: Metrics | None = None
    usage: list[Metrics] | SessionUsage | None = None
    model_usage: list[Metrics] | None = None
    events: list[msgspec.Raw] | None = None
    event: "LiveKitLine | str | None" = None
    data: "LiveKitLine | str | None" = None
    payload: "LiveKitLine | str | None" = None

    @property
    def inside(self) -> "LiveKitLine | None":
        """The document in this envelope, or None."""
        return next((content for content in (self.event, self.data, self.payload) if isinstance(content, LiveKitLine)), None)

    @property
    def logged(self) -> Metrics | None:
        """The metrics in a line of the agent's own logger, which has them beside its message; None if it is no such line."""
        texts = (text for text in (self.message, self.msg) if isinstance(text, str))
        kind = next((LOGGED_TYPES[text] for text in texts if text in LOGGED_TYPES), None)
        if kind is None or self.type is not None:
            return None
        fields = {name: getattr(self, name) for name in Metrics.__struct_fields__}
        named = {"type": kind, "metadata": ModelMetadata(self.model_name, self.model_provider)}
        return Metrics(**{**fields, **named, "input_cached_tokens": self.cached_input_tokens})

    @property
    def sums(self) -> list[Metrics]:
        """The sums in the document."""
        inside = self.usage.model_usage if isinstance(self.usage, SessionUsage) else self.usage
        return [*(inside or ()), *(self.model_usage or ())]


_decoder = msgspec.json.Decoder(LiveKitLine)
_KEYWORDS = ("model_usage", *SUM_TYPES, *SINGLE_TYPES, "input_cached_text_tokens", "job_id", *LOGGED_TYPES)


def matches(sample: Sequence[bytes]) -> bool:
    """Return whether the first documents contain metrics of an agent, or a session report."""
    return any(_has_agent_metrics(line) for line in matching_documents(sample, _decoder, _KEYWORDS, any_case=True))


def _has_agent_metrics(line: LiveKitLine) -> bool:
    line = unwrap(line)[-1]
    metrics = [item for item in (line, line.logged, line.metrics, *line.sums) if item is not None]
    return any(item.is_distinctive for item in metrics) or (line.job_id is not None and any(item.part for item in line.sums))


def read(logs: Iterable[NumberedLines], defaults: LogDefaults, report: ReadReport) -> Iterator[Record]:
    """Yield the records of all sources: single metrics at once, and sums at the end of their source."""
    for lines in logs:
        reader = MetricsReader(defaults, report)
        for document in documents(lines, report):
            line = decode_document(document, _decoder, report, any_case=True)
            if line is not None:
                yield from reader.add_document(document, line)
        yield from reader.finish()


@dataclass(slots=True)
class MetricsReader:
    """Read one source, and keep sums until it is known whether they count."""

    defaults: LogDefaults
    report: ReadReport
    sums: dict[str, Record] = field(default_factory=dict)
    singles: set[tuple[str | None, str | None]] = field(default_factory=set)
    """Session and model of the single metrics."""

    def add_document(self, document: Document, line: LiveKitLine) -> Iterator[Record]:
        """Yield the records that a document gives at once."""
        entries = [entry for entry in self._metrics_entries(document, unwrap(line)) if entry.metrics.part is not None]
        if not entries:
            self.report.add_other_line(document.source, document.line_number, document.content)
        for number, entry in enumerate(entries, 1):
            record = _record(entry, number, part=_fields(entry.metrics) if len(entries) > 1 else None)
            if entry.metrics.type in SINGLE_TYPES:
                self.singles.add((record.session, record.model))
                yield record
            else:
                self._keep_largest(record)

    def finish(self) -> Iterator[Record]:
        """Yield the sums whose single metrics were not logged."""
        for record in self.sums.values():
            sessions = {session for session, model in self.singles if model == record.model}
            if sessions and (None in sessions or record.session is None or record.session in sessions):
                self.report.skipped[SUM_OF_SINGLE_METRICS] += 1
            else:
                yield record

    def _metrics_entries(self, document: Document, layers: list[LiveKitLine]) -> Iterator["MetricsEntry"]:
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
                    yield from self._metrics_entries(document, [*layers, event])
        context = RecordContext(document, self.defaults, self.report, tuple(reversed(layers)))
        job = next((name for layer in layers if (name := first_text(layer.job_id, layer.room_id))), None)
        session = context.session or job
        owner = job or session or (document.identity if line.type == SESSION_USAGE_UPDATED else None)
        for metrics in (line, line.logged, line.metrics, *line.sums):
            if metrics is not None and (metrics is not line or line.is_distinctive):
                yield MetricsEntry(context, metrics, session, owner)

    def _keep_largest(self, record: Record) -> None:
        before = self.sums.get(record.key)
        if before is None or _total_quantity(record) >= _total_quantity(before):
            self.sums[record.key] = record


def _total_quantity(record: Record) -> int:
    return sum(quantity for _, quantity in record.usage.items())


@dataclass(frozen=True, slots=True)
class MetricsEntry:
    """Metrics with their envelopes and session, and for a sum also what it is the sum of."""

    context: RecordContext
    metrics: Metrics
    session: str | None
    owner: str | None


def _fields(metrics: Metrics) -> dict[str, object]:
    """Return the fields of metrics, without those of a document that contains more."""
    return {name: getattr(metrics, name) for name in Metrics.__struct_fields__}


def _record(entry: MetricsEntry, number: int, *, part: object) -> Record:
    metrics = entry.metrics
    kind, usages = _usages(metrics)
    metadata = metrics.metadata or ModelMetadata()
    return entry.context.record(
        _key(entry, number),
        usages,
        kind=kind,
        provider=_provider(metrics.provider or metadata.model_provider),
        model=metrics.model or metadata.model_name,
        session=entry.session,
        times=(metrics.timestamp, metrics.created_at),
        outcome=_outcome(metrics),
        cumulative=metrics.type not in SINGLE_TYPES and entry.owner is not None,
        part=part,
    )


def _key(entry: MetricsEntry, number: int) -> str:
    """Return the key: the identifier; for STT and TTS with the time, since a request reports repeatedly; or a sum's owner."""
    metrics, request = entry.metrics, first_text(entry.metrics.request_id)
    if metrics.type not in SINGLE_TYPES and entry.owner is not None:
        return f"livekit:{entry.owner}:{metrics.part}:{metrics.provider or ''}:{metrics.model or ''}"
    if request and metrics.part in ("realtime", "chat"):
        return response_key(request)
    if request and metrics.type in SINGLE_TYPES and metrics.timestamp is not None:
        return f"livekit:{metrics.part}:{request}:{metrics.timestamp}"
    return entry.context.document.key_of(number)


def _outcome(metrics: Metrics) -> str | None:
    if metrics.cancelled is None:
        return None
    return "cancelled" if metrics.cancelled else "completed"


def _provider(name: str | None) -> str | None:
    """Return the provider. OpenAI-compatible plugins log the host that they call; an unknown host names no provider."""
    provider = normalize_provider(name)
    return None if provider is not None and name is not None and "." in provider else provider


def _usages(metrics: Metrics) -> tuple[RecordKind, tuple[Usage, ...]]:
    part = metrics.part
    if part == "stt":
        return "transcription", _stt_usages(metrics)
    if part == "tts":
        return "response", _tts_usages(metrics)
    if part == "chat":
        return "response", _chat_usages(metrics)
    has_details = metrics.input_token_details is not None or metrics.output_token_details is not None
    counts = _realtime_counts(metrics) if part == "realtime" and has_details else _sum_counts(metrics)
    if metrics.session_ms and not counts.input and not counts.output:
        return "session", (Usage({"session_ms": metrics.session_ms}),)
    return "response", no_usage() if counts.input is None and counts.output is None else possible_usages(counts)


def _stt_usages(metrics: Metrics) -> tuple[Usage, ...]:
    """Return the usage of speech-to-text: audio tokens in and text tokens out, or seconds of audio."""
    input_tokens, output_tokens = metrics.input_tokens or 0, metrics.output_tokens or 0
    if input_tokens or output_tokens:
        audio = metrics.input_audio_tokens or input_tokens
        return possible_usages(
            TokenCounts(
                input=input_tokens,
                audio_in=audio,
                text_in=max(input_tokens - audio, 0),
                output=output_tokens,
                text_out=output_tokens,
            )
        )
    return no_usage() if metrics.audio_ms is None else (Usage({"audio_ms": metrics.audio_ms}),)


def _tts_usages(metrics: Metrics) -> tuple[Usage, ...]:
    """Return the usage of text-to-speech: text tokens in and audio tokens out, or spoken characters."""
    if metrics.input_tokens or metrics.output_tokens:
        return (Usage({"text_in": metrics.input_tokens or 0, "audio_out": metrics.output_tokens or 0}),)
    if metrics.characters_count is None:
        return no_usage()
    return (Usage({"characters_in": metrics.characters_count}),)


def _chat_usages(metrics: Metrics) -> tuple[Usage, ...]:
    if metrics.prompt_tokens is None and metrics.completion_tokens is None:
        return no_usage()
    return possible_usages(
        TokenCounts(
            total=metrics.total_tokens,
            input=metrics.prompt_tokens,
            text_in=metrics.prompt_tokens,
            cached=metrics.prompt_cached_tokens,
            output=metrics.completion_tokens,
            text_out=metrics.completion_tokens,
        )
    )


def _realtime_counts(metrics: Metrics) -> TokenCounts:
    input_details = metrics.input_token_details or InputDetails()
    cached = input_details.cached_tokens_details
    output_details = metrics.output_token_details or OutputDetails()
    return TokenCounts(
        total=metrics.total_tokens,
        input=metrics.input_tokens,
        output=metrics.output_tokens,
        text_in=input_details.text_tokens,
        audio_in=input_details.audio_tokens,
        image_in=input_details.image_tokens,
        cached=input_details.cached_tokens,
        text_cached=cached.text_tokens if cached else None,
        audio_cached=cached.audio_tokens if cached else None,
        image_cached=cached.image_tokens if cached else None,
        text_out=output_details.text_tokens,
        audio_out=output_details.audio_tokens,
    )


def _sum_counts(metrics: Metrics) -> TokenCounts:
    return TokenCounts(
        input=metrics.input_tokens,
        output=metrics.output_tokens,
        text_in=metrics.input_text_tokens,
        audio_in=metrics.input_audio_tokens,
        image_in=metrics.input_image_tokens,
        cached=metrics.input_cached_tokens,
        text_cached=metrics.input_cached_text_tokens,
        audio_cached=metrics.input_cached_audio_tokens,
        image_cached=metrics.input_cached_image_tokens,
        text_out=metrics.output_text_tokens,
        audio_out=metrics.output_audio_tokens,
        reasoning=metrics.output_reasoning_tokens,
    )
