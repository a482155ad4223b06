"""Metrics of LiveKit agents: of each response, or summed over a session by model, as JSON lines or in session reports.

A sum over a session is one record, of the kind `response` like the single ones; how many responses it holds is not told.
A log that tells a session's sum again as it grows gives the largest, and a sum of what the same source tells one by one is
left out. Details that a plugin does not know arrive as 0 there, as if nothing had been of that modality: where they do not
add up to the total, they count as absent. A response without usage arrives as one that used nothing. Whatever has tokens is
charged by them; seconds and characters count only where there are none. Of a chat model the tokens are text: images among
them are not told apart.

Sources: livekit-agents' metrics/usage.py, metrics/base.py and voice/report.py, read 2026-11-22.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from voicebill.billing.record import Record, RecordKind
from voicebill.billing.usage import Usage
from voicebill.logs.counts import Counts, no_usage, readings
from voicebill.logs.documents import Document, any_of, decoded, documents
from voicebill.logs.envelope import Around, Envelope, Name, layers_of, text
from voicebill.logs.keys import response_key
from voicebill.logs.providers import provider_named
from voicebill.logs.realtime_events import Count, InputDetails, OutputDetails
from voicebill.logs.sources import Lines
from voicebill.logs.told import Report, Told

NAME = "livekit"
ABOUT = "metrics of LiveKit agents, single or summed per session, as JSON lines or session reports"

Seconds = Annotated[float, Meta(ge=0, le=10**9)]

SUMS = {"llm_usage": "llm", "stt_usage": "stt", "tts_usage": "tts"}
SINGLES = {"realtime_model_metrics": "realtime", "llm_metrics": "chat", "stt_metrics": "stt", "tts_metrics": "tts"}
GROWING = "session_usage_updated"
"""The event that tells a session's sums so far, again and again."""
EVENTS = tuple(f'"{name}"'.encode() for name in (GROWING, "metrics_collected"))
"""Of what happened in a session, as a report lists it, only these carry usage."""
TOLD_ONE_BY_ONE = "sums of what the log also tells one by one"


class Named(Struct, gc=False):
    """Which model metrics are of."""

    model_name: str | None = None
    model_provider: str | None = None


class Metrics(Envelope, gc=False):
    """A sum or single metrics: every field that any of them counts in."""

    type: str | None = None
    provider: str | None = None
    model: str | None = None
    metadata: Named | None = None
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
    characters_count: Count | None = None

    @property
    def part(self) -> str | None:
        """Which part of an agent this is of; None where it counts nothing that is charged by use."""
        known = {**SUMS, **SINGLES}
        if self.type is not None:
            return known.get(self.type)
        if not self.provider or not self.model:
            return None
        if self.characters_count is not None:
            return "tts"
        if self.audio_duration is not None:
            return "stt"
        return None if self.input_tokens is None and self.output_tokens is None and self.session_duration is None else "llm"

    @property
    def shows_itself(self) -> bool:
        """Whether it can be nothing else: the types are written nowhere else, and reports leave them out."""
        return self.type in SUMS or self.type in SINGLES or (self.type is None and self.input_cached_text_tokens is not None)


class Sums(Struct, gc=False):
    """A session's usage: one sum for each model."""

    model_usage: list[Metrics] | None = None


class Line(Metrics, gc=False):
    """A document: metrics themselves, an event that carries them, or a session report."""

    job_id: Name = None
    room_id: Name = None
    metrics: Metrics | None = None
    usage: list[Metrics] | Sums | None = None
    model_usage: list[Metrics] | None = None
    events: list[msgspec.Raw] | None = None
    event: "Line | str | None" = None
    data: "Line | str | None" = None
    payload: "Line | str | None" = None

    @property
    def inside(self) -> "Line | None":
        """What an envelope holds."""
        return next((each for each in (self.event, self.data, self.payload) if isinstance(each, Line)), None)

    @property
    def sums(self) -> list[Metrics]:
        """The sums that it lists."""
        inside = self.usage.model_usage if isinstance(self.usage, Sums) else self.usage
        return [*(inside or ()), *(self.model_usage or ())]


decoder = msgspec.json.Decoder(Line)
WORDS = ("model_usage", *SUMS, *SINGLES, "input_cached_text_tokens", "job_id")


def recognises(sample: Sequence[bytes]) -> bool:
    """Whether the first documents hold metrics of an agent, or a session report."""
    return any(_is_ours(found) for found in any_of(sample, decoder, WORDS))


def _is_ours(line: Line) -> bool:
    line = layers_of(line)[-1]
    metrics = [each for each in (line, line.metrics, *line.sums) if each is not None]
    return any(each.shows_itself for each in metrics) or (line.job_id is not None and any(each.part for each in line.sums))


def read(logs: Iterable[Lines], told: Told, report: Report) -> Iterator[Record]:
    """The records of all sources: single metrics as they come, and sums at the end of their source."""
    for lines in logs:
        reader = Reader(told, report)
        for document in documents(lines, report):
            line = decoded(document, decoder, report)
            if line is not None:
                yield from reader.document(document, line)
        yield from reader.end()


@dataclass(slots=True)
class Reader:
    """Reads one source, and keeps sums until it is known whether they count."""

    told: Told
    report: Report
    sums: dict[str, Record] = field(default_factory=dict)
    singles: set[tuple[str | None, str | None]] = field(default_factory=set)
    """Session and model of what was told one by one."""

    def document(self, document: Document, line: Line) -> Iterator[Record]:
        """What a document gives at once."""
        found = [each for each in self._met(document, layers_of(line)) if each.metrics.part is not None]
        if not found:
            self.report.other_lines += 1
        for number, met in enumerate(found, 1):
            record = _record(met, number)
            if met.metrics.type in SINGLES:
                self.singles.add((record.session, record.model))
                yield record
            else:
                self._keep(record)

    def end(self) -> Iterator[Record]:
        """The sums of what was not told one by one."""
        for record in self.sums.values():
            sessions = {session for session, model in self.singles if model == record.model}
            if sessions and (None in sessions or record.session is None or record.session in sessions):
                self.report.skipped[TOLD_ONE_BY_ONE] += 1
            else:
                yield record

    def _met(self, document: Document, layers: list[Line]) -> Iterator["Met"]:
        """All metrics in a document: what an event of a report tells comes before what the report itself does."""
        line = layers[-1]
        for raw in map(bytes, line.events or ()):
            if any(word in raw for word in EVENTS):
                event = decoded(Document(document.source, document.identity, document.ordinal, raw), decoder, self.report)
                if event is not None and not event.events:
                    yield from self._met(document, [*layers, event])
        around = Around(document, self.told, self.report, tuple(reversed(layers)))
        job = next((said for each in layers if (said := text(each.job_id, each.room_id))), None)
        session = around.session or job
        owner = job or session or (document.identity if line.type == GROWING else None)
        for metrics in (line, line.metrics, *line.sums):
            if metrics is not None and (metrics is not line or line.shows_itself):
                yield Met(around, metrics, session, owner)

    def _keep(self, record: Record) -> None:
        before = self.sums.get(record.key)
        if before is None or _size(record) >= _size(before):
            self.sums[record.key] = record


def _size(record: Record) -> int:
    return sum(quantity for _, quantity in record.usage.items())


@dataclass(frozen=True, slots=True)
class Met:
    """Metrics, what stands around them, their session, and, of a sum, what it is the sum of."""

    around: Around
    metrics: Metrics
    session: str | None
    owner: str | None


def _record(met: Met, number: int) -> Record:
    metrics = met.metrics
    kind, found = _used(metrics)
    named = metrics.metadata or Named()
    return met.around.record(
        _key(met, number),
        found,
        kind=kind,
        provider=_provider(metrics.provider or named.model_provider),
        model=metrics.model or named.model_name,
        session=met.session,
        times=(metrics.timestamp, metrics.created_at),
        outcome=_outcome(metrics),
        cumulative=metrics.type not in SINGLES and met.owner is not None,
    )


def _key(met: Met, number: int) -> str:
    """A response's own; of hearing and speaking also the time, since their requests report several times; of a sum, whose."""
    metrics, request = met.metrics, text(met.metrics.request_id)
    if metrics.type not in SINGLES and met.owner is not None:
        return f"livekit:{met.owner}:{metrics.part}:{metrics.provider or ''}:{metrics.model or ''}"
    if request and metrics.part in ("realtime", "chat"):
        return response_key(request)
    if request and metrics.type in SINGLES and metrics.timestamp is not None:
        return f"livekit:{metrics.part}:{request}:{metrics.timestamp}"
    return met.around.document.key_of(number)


def _outcome(metrics: Metrics) -> str | None:
    if metrics.cancelled is None:
        return None
    return "cancelled" if metrics.cancelled else "completed"


def _provider(said: str | None) -> str | None:
    """Plugins of OpenAI's kind say the host that they talk to: one that is nobody's known names no provider."""
    found = provider_named(said)
    return None if found is not None and said is not None and "." in found else found


def _used(metrics: Metrics) -> tuple[RecordKind, tuple[Usage, ...]]:
    part = metrics.part
    if part == "stt":
        return "transcription", _heard(metrics)
    if part == "tts":
        return "response", _spoken(metrics)
    if part == "chat":
        return "response", _chatted(metrics)
    counts = _realtime(metrics) if part == "realtime" else _summed(metrics)
    if metrics.session_duration and not counts.input and not counts.output:
        return "session", (Usage({"session_ms": round(metrics.session_duration * 1000)}),)
    return "response", no_usage() if counts.input is None and counts.output is None else readings(counts)


def _heard(metrics: Metrics) -> tuple[Usage, ...]:
    """Audio tokens in and text tokens out, or the seconds heard."""
    whole, made = metrics.input_tokens or 0, metrics.output_tokens or 0
    if whole or made:
        audio = metrics.input_audio_tokens or whole
        return readings(Counts(input=whole, audio_in=audio, text_in=max(whole - audio, 0), output=made, text_out=made))
    if metrics.audio_duration is None:
        return no_usage()
    return (Usage({"audio_ms": round(metrics.audio_duration * 1000)}),)


def _spoken(metrics: Metrics) -> tuple[Usage, ...]:
    """Text tokens in and audio tokens out, or the characters spoken."""
    if metrics.input_tokens or metrics.output_tokens:
        return (Usage({"text_in": metrics.input_tokens or 0, "audio_out": metrics.output_tokens or 0}),)
    if metrics.characters_count is None:
        return no_usage()
    return (Usage({"characters_in": metrics.characters_count}),)


def _chatted(metrics: Metrics) -> tuple[Usage, ...]:
    if metrics.prompt_tokens is None and metrics.completion_tokens is None:
        return no_usage()
    return readings(
        Counts(
            total=metrics.total_tokens,
            input=metrics.prompt_tokens,
            text_in=metrics.prompt_tokens,
            cached=metrics.prompt_cached_tokens,
            output=metrics.completion_tokens,
            text_out=metrics.completion_tokens,
        )
    )


def _realtime(metrics: Metrics) -> Counts:
    given = metrics.input_token_details or InputDetails()
    cached = given.cached_tokens_details
    made = metrics.output_token_details or OutputDetails()
    return Counts(
        total=metrics.total_tokens,
        input=metrics.input_tokens,
        output=metrics.output_tokens,
        text_in=given.text_tokens,
        audio_in=given.audio_tokens,
        image_in=given.image_tokens,
        cached=given.cached_tokens,
        text_cached=cached.text_tokens if cached else None,
        audio_cached=cached.audio_tokens if cached else None,
        image_cached=cached.image_tokens if cached else None,
        text_out=made.text_tokens,
        audio_out=made.audio_tokens,
    )


def _summed(metrics: Metrics) -> Counts:
    return Counts(
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
