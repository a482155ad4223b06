"""Add up OpenTelemetry's metrics of token usage: sums by service, model and attributes, without single calls.

The convention's histogram has the tokens in and out and not their modality: a range. LiveKit's own counters have the modality
too, and count instead of it. Cumulative values count from the start of a process, so the largest of each start counts, on the
day of the last one; of delta values, all count. Spans have the same usage call by call: where they have that of a model, its
metrics are skipped, and what they count in addition is reported as usage that was not read. Other metrics of tokens or charges
are reported too, if nothing was read for their model.

Sources: OpenTelemetry's GenAI metrics, and opentelemetry-proto's aggregation temporality; livekit-agents 1.8.9,
telemetry/otel_metrics.py; read 2026-11-28.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from voicebill.billing.fingerprint import fingerprint
from voicebill.billing.record import Record, RecordKind
from voicebill.billing.usage import Usage
from voicebill.logs.counts import MAX_COUNT, TokenCounts, possible_usages
from voicebill.logs.envelope import RecordContext
from voicebill.logs.formats.otel_attributes import model_of, provider_of, text_of
from voicebill.logs.formats.otel_documents import Attributes, DataPoint, MetricStream, plain_attributes
from voicebill.logs.providers import normalize_provider, split_model_name
from voicebill.logs.report import ReadReport
from voicebill.logs.unread_usage import MAX_NAME_LENGTH, counts_in

TOKEN_USAGE = "gen_ai.client.token.usage"
TOKEN_TYPE = "gen_ai.token.type"
TOKEN_TYPES = {"input": "input", "output": "output"}
DETAILED_PREFIX = "lk.agents.usage."
DETAILED_COUNTS = {
    "llm_input_tokens": "input",
    "llm_input_cached_tokens": "cached",
    "llm_input_text_tokens": "text_in",
    "llm_input_audio_tokens": "audio_in",
    "llm_output_tokens": "output",
    "llm_output_text_tokens": "text_out",
    "llm_output_audio_tokens": "audio_out",
    "llm_session_duration": "session_ms",
    "stt_audio_duration": "audio_ms",
    "tts_characters": "characters_in",
}
"""LiveKit's counters and what they count; durations are in seconds."""
UNCHARGED_COUNTERS = frozenset({"tts_audio_duration", "interruption_num_requests"})
"""LiveKit's counters of what is not charged, or charged by another one."""

IN_SPANS = "metrics of models whose calls are in the log as spans"
IN_DETAILED_METRICS = "metrics that more detailed metrics repeat"
DATED_MODEL = re.compile(r"-\d{4}-\d\d-\d\d$")


@dataclass(frozen=True, slots=True)
class Series:
    """What a sum is about: a service, a model and other attributes, from one start on."""

    service: str
    model: str
    attributes: str
    is_detailed: bool
    is_cumulative: bool


@dataclass(slots=True)
class SeriesPoints:
    """The values of a series: for each count, start and (unless they are cumulative) end, the largest and its end."""

    context: RecordContext
    attributes: Attributes
    values: dict[tuple[str, str, str], tuple[int, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UnreadMetric:
    """A metric that was not read: where it is, and its value."""

    source: str
    line_number: int
    counts: Mapping[str, int | float]


@dataclass(slots=True)
class MetricSums:
    """The sums of all metrics so far, and what the spans have read of each model."""

    report: ReadReport
    points: dict[Series, SeriesPoints] = field(default_factory=dict)
    unread: dict[tuple[str, str], UnreadMetric] = field(default_factory=dict)
    """By the metric's name and the model."""
    tokens_in_spans: Counter[str] = field(default_factory=Counter)

    def note_records(self, records: Iterable[Record]) -> Iterator[Record]:
        """Yield the records of spans, and note what they have read of each model."""
        for record in records:
            if record.status != "missing":
                self.tokens_in_spans[_undated(record.model)] += _total(record)
            yield record

    def add_metrics(self, metrics: Iterable[tuple[Attributes, MetricStream]], context: RecordContext) -> None:
        """Add the metrics of a document."""
        for service, metric in metrics:
            for point in metric.points.dataPoints or metric.points.data_points or ():
                attributes = plain_attributes(point.attributes)
                count = _count_name(metric.name or "", attributes)
                if metric.points.is_cumulative is None or count is None:
                    self._add_unread(metric, point, attributes, context)
                elif count:
                    self._add_point(_series(service, metric, attributes), count, point, attributes, context)

    def finish(self) -> Iterator[Record]:
        """Yield the records of the sums that no spans have, and report what was not read."""
        detailed = {(series.service, series.model) for series in self.points if series.is_detailed}
        tokens: Counter[str] = Counter()
        examples: dict[str, Record] = {}
        for series, points in self.points.items():
            for record in _records(series, points):
                if not series.is_detailed and (series.service, series.model) in detailed:
                    self.report.skipped[IN_DETAILED_METRICS] += 1
                elif series.model in self.tokens_in_spans or (self.tokens_in_spans and not series.model):
                    self.report.skipped[IN_SPANS] += 1
                    tokens[series.model] += _total(record)
                    examples[series.model] = record
                else:
                    yield record
        for model, record in examples.items():
            if (excess := tokens[model] - self.tokens_in_spans[model]) > 0:
                self.report.add_unread_counts(record.source, record.line_number, {"tokens in metrics, not in spans": excess})
        self._report_unread()

    def _add_point(self, series: Series, count: str, point: DataPoint, attributes: Attributes, context: RecordContext) -> None:
        value = round((point.number or 0) * (1000 if count.endswith("_ms") else 1))
        if not 0 <= value <= MAX_COUNT:
            source, line_number = context.document.source, context.document.line_number
            self.report.add_error(source, line_number, f"a metric is not a number from 0 to {MAX_COUNT:,}")
            return
        points = self.points.setdefault(series, SeriesPoints(context, attributes))
        points.context = context
        key = (count, point.start, "" if series.is_cumulative else point.end)
        before, end = points.values.get(key, (0, ""))
        points.values[key] = (max(before, value), max(end, point.end))

    def _add_unread(self, metric: MetricStream, point: DataPoint, attributes: Attributes, context: RecordContext) -> None:
        name, model, value = (metric.name or "")[:MAX_NAME_LENGTH], _model(attributes) or "", point.number
        is_tokens = "token" in (metric.unit or "").lower() or name == TOKEN_USAGE
        counts = {name: value} if is_tokens and value else counts_in({name: value, "model": model})
        if counts:
            document = context.document
            self.unread[name, _undated(model)] = UnreadMetric(document.source, document.line_number, counts)

    def _report_unread(self) -> None:
        models = {*self.tokens_in_spans, *(series.model for series in self.points)}
        for (_, model), metric in self.unread.items():
            if model not in models and not (models and not model):
                self.report.add_unread_counts(metric.source, metric.line_number, metric.counts)


def _count_name(name: str, attributes: Attributes) -> str | None:
    """Return what a metric counts; empty if it is not charged, None if it is not known."""
    if name == TOKEN_USAGE:
        return TOKEN_TYPES.get(text_of(attributes, TOKEN_TYPE) or "")
    suffix = name.removeprefix(DETAILED_PREFIX)
    if suffix == name:
        return None
    return "" if suffix in UNCHARGED_COUNTERS else DETAILED_COUNTS.get(suffix)


def _series(service: Attributes, metric: MetricStream, attributes: Attributes) -> Series:
    others = {name: value for name, value in attributes.items() if name != TOKEN_TYPE}
    return Series(
        service=_fingerprint(service),
        model=_undated(_model(attributes)),
        attributes=_fingerprint(others),
        is_detailed=metric.name != TOKEN_USAGE,
        is_cumulative=bool(metric.points.is_cumulative),
    )


def _fingerprint(attributes: Attributes) -> str:
    return fingerprint(tuple(sorted((name, str(value)) for name, value in attributes.items())))


def _model(attributes: Attributes) -> str | None:
    return model_of(attributes) or text_of(attributes, "model_name")


def _undated(model: str | None) -> str:
    """Return a model's name without its provider and date, by which spans and metrics may differ."""
    _, name = split_model_name(model, None)
    return DATED_MODEL.sub("", name or "")


def _records(series: Series, points: SeriesPoints) -> Iterator[Record]:
    for start, counts, end in _sums(series, points):
        kind, usages = _usages(counts)
        yield points.context.record(
            f"metrics:{fingerprint((series, start, '' if series.is_cumulative else end))}",
            usages,
            kind=kind,
            provider=normalize_provider(provider_of(points.attributes) or text_of(points.attributes, "model_provider")),
            model=_model(points.attributes),
            session=text_of(points.attributes, "room_id") if series.is_detailed else None,
            times=(end,),
            owner_objects=(points.attributes,),
            cumulative=series.is_cumulative,
            part={},
        )


def _sums(series: Series, points: SeriesPoints) -> Iterator[tuple[str, dict[str, int], str]]:
    """Yield the start, the counts and the end of each sum: of each process, or of each interval.

    The counters of a process may start one after the other. A counter that starts again is that of another process.
    """
    start, counts, last_end = "", dict[str, int](), ""
    for (count, begin, interval), (value, end) in sorted(points.values.items(), key=lambda item: (item[0][1:], item[0][0])):
        is_next = count in counts if series.is_cumulative else (begin, interval) != (start, last_end)
        if counts and is_next:
            yield start, counts, last_end
            counts, last_end = {}, ""
        start = begin if not counts else start
        counts[count] = value
        last_end = max(last_end, end)
    if counts:
        yield start, counts, last_end


def _usages(counts: Mapping[str, int]) -> tuple[RecordKind, tuple[Usage, ...]]:
    """Return the usage of a sum: of tokens, or else of seconds or characters."""
    tokens = {name: count for name, count in counts.items() if name in TokenCounts.__dataclass_fields__}
    if any(tokens.values()):
        return "response", possible_usages(TokenCounts(**tokens))
    if counts.get("session_ms"):
        return "session", (Usage({"session_ms": counts["session_ms"]}),)
    kind: RecordKind = "transcription" if counts.get("audio_ms") else "response"
    return kind, (Usage({name: count for name, count in counts.items() if name not in tokens}),)


def _total(record: Record) -> int:
    return sum(record.usage.quantities.values())
