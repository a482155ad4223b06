"""Read Pipecat's usage metrics: `LLMTokenUsage` alone, in frames, in RTVI's messages, and in the lines that its loggers print.

They name no response, session or time: these come from the envelope around them. The total shows whether the input count
includes cached tokens; without it, the kind of service does. Pipecat reports audio tokens separately and nothing else: the rest
of a count with an audio part is text here, images included, which the answer says for a model that has another price for
images. Without an audio part, the split into text and audio is ambiguous. Transcription is metered in seconds of audio since
1.14. Spoken characters are metered too: only an integer of a processor with TTS in its name is taken for them, since delays are
reported in the same shape.

The tokens that are reported under the name of a live model are those of the text model behind it. The seconds of a live session
are cumulative; those after which the log does not say that it closed are a lower bound.

Usage may be logged several times: printed by its processor, printed by an observer, and as data. Equal counts of one processor
in different forms are one usage if they are near in time, or near in the log where it has no times; where neither is
known, the later one is counted or not: a range.

Sources: pipecat's metrics/metrics.py and its RTVI observer, read 2026-11-22; for lines, see `pipecat_text`; for what an input
count includes, the services of 1.14.0, read 2026-11-28.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from voicebill.billing.record import Record, RecordKind
from voicebill.billing.usage import Usage
from voicebill.facts.load import load_facts
from voicebill.logs.counts import TokenCounts, possible_usages
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.documents import Document, decode_document, documents, matching_documents
from voicebill.logs.envelope import Envelope, RecordContext, unwrap
from voicebill.logs.formats.livekit_sums import maybe
from voicebill.logs.formats.realtime_events import Count, Seconds
from voicebill.logs.providers import ALIBABA, AMAZON, ELEVENLABS, GOOGLE, XAI
from voicebill.logs.report import ReadReport
from voicebill.logs.sources import NumberedLines
from voicebill.logs.time_meters import conversation_time_meters, time_meters
from voicebill.logs.wrapped_lines import JSON_STARTS

NAME = "pipecat"
ABOUT = "Pipecat's token usage: alone, in metrics frames, in RTVI's metrics messages, or printed by its loggers"

PROVIDER_PREFIXES = {
    "Azure": "azure",
    "Gemini": GOOGLE,
    "Google": GOOGLE,
    "AWS": AMAZON,
    "Grok": XAI,
    "XAI": XAI,
    "ElevenLabs": ELEVENLABS,
    "Qwen": ALIBABA,
}
"""The prefixes of services that name their provider. OpenAI's services are also used with other hosts, so they name none."""
SERVICES_INCLUDING_CACHED = ("OpenAI", "Azure", "Google", "Gemini")
SERVICES_EXCLUDING_CACHED = ("Anthropic", "AWS")
"""What the names of services contain whose input counts include cached tokens, and of those whose counts do not."""

LOGGED_AGAIN = "usage that the log gives in another form too"
MAY_BE_LOGGED_AGAIN = "usage that may be given in another form too, without a time: the amount is a range"
IMAGES_AS_TEXT = "Pipecat reports no image tokens: if images were sent, they are priced as text"
MAX_WAITING_USAGES = 100_000
"""At most so many usages wait for their repetitions."""
MAX_DELAY = timedelta(seconds=5)
MAX_DELAY_LINES = 20
"""An observer prints a usage right after its processor."""

LoggedForm = Literal["processor", "observer", "data"]
"""How usage is logged: printed by the processor or by an observer, or as data."""


class LLMTokenUsage(Envelope, gc=False):
    """`LLMTokenUsage`, alone or inside another document."""

    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    total_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    reasoning_tokens: Count | None = None
    input_audio_tokens: Count | None = None
    output_audio_tokens: Count | None = None
    cache_read_input_audio_tokens: Count | None = None
    audio_seconds: Annotated[float, Meta(ge=0, le=10**9)] | None = None
    """The only count of `STTUsage`."""

    @property
    def counts(self) -> TokenCounts:
        """The counts, with cached tokens as a part of the input."""
        return TokenCounts(
            total=self.total_tokens,
            input=self._input,
            output=self.completion_tokens,
            audio_in=self.input_audio_tokens,
            cached=self.cache_read_input_tokens,
            audio_cached=self.cache_read_input_audio_tokens,
            audio_out=self.output_audio_tokens,
            reasoning=self.reasoning_tokens,
        )

    @property
    def _input(self) -> int | None:
        """The whole input: some vendors' prompt count excludes cached tokens, while their total includes them."""
        if self.prompt_tokens is None or self.total_tokens is None:
            return self.prompt_tokens
        with_cache = self.prompt_tokens + self.cached_tokens
        return with_cache if self.total_tokens == with_cache + (self.completion_tokens or 0) else self.prompt_tokens

    @property
    def cached_tokens(self) -> int:
        """The tokens that were read from the cache or written to it."""
        return (self.cache_read_input_tokens or 0) + (self.cache_creation_input_tokens or 0)

    @property
    def quantities(self) -> tuple[int, ...]:
        """The counts by which usage is recognised in another form: those that are not reported are 0."""
        counts = (
            *(self.prompt_tokens, self.completion_tokens, self.cache_read_input_tokens, self.cache_creation_input_tokens),
            *(self.reasoning_tokens, self.input_audio_tokens, self.output_audio_tokens, self.cache_read_input_audio_tokens),
            None if self.audio_seconds is None else round(self.audio_seconds * 1000),
        )
        return tuple(count or 0 for count in counts)


class MetricsData(Struct, gc=False):
    """Metrics data: the processor, the model and the measured value. Only counts are used."""

    processor: str | None = None
    model: str | None = None
    value: LLMTokenUsage | int | float | str | None = None
    is_of_speech: bool = False

    @property
    def characters(self) -> int | None:
        """The number of spoken characters; None if something else was measured."""
        is_tts = self.is_of_speech or "TTS" in (self.processor or "")
        return self.value if is_tts and type(self.value) is int and self.value >= 0 else None


class PipecatLine(LLMTokenUsage, gc=False):
    """A document: usage, one measurement, a frame of them, an RTVI message, or an envelope around one of these."""

    processor: str | None = None
    model: str | None = None
    value: LLMTokenUsage | int | float | str | None = None
    data: "list[MetricsData] | PipecatLine | str | None" = None
    event: "PipecatLine | str | None" = None
    payload: "PipecatLine | str | None" = None
    frame: "PipecatLine | str | None" = None
    tokens: list[LLMTokenUsage] | None = None
    stt_usage: list[MetricsData] | None = None
    characters: list[MetricsData] | None = None
    logged: Literal["processor", "observer"] | None = None
    """Who printed it, if it was taken out of a line that Pipecat's loggers print."""
    characters_count: Count | None = None
    session_seconds: Seconds | None = None
    is_closed: bool = False

    @property
    def inside(self) -> "PipecatLine | None":
        """The document in this envelope, or None."""
        return next(
            (content for content in (self.data, self.event, self.payload, self.frame) if isinstance(content, PipecatLine)), None
        )

    @property
    def all_metrics(self) -> Iterator[MetricsData]:
        """Yield all measurements in the document, its own usage included."""
        if self.prompt_tokens is not None:
            yield MetricsData(self.processor, self.model, self)
        if self.value is not None:
            yield MetricsData(self.processor, self.model, self.value)
        if self.logged is not None and self.characters_count is not None:
            yield MetricsData(self.processor, self.model, self.characters_count, is_of_speech=True)
        yield from self.data if isinstance(self.data, list) else ()
        yield from (MetricsData(self.processor, self.model, tokens) for tokens in self.tokens or ())
        yield from self.characters or ()
        yield from self.stt_usage or ()


_decoder = msgspec.json.Decoder(PipecatLine)
_KEYWORDS = ("cache_read_input_audio_tokens", "processor", "rtvi-ai")


def matches(sample: Sequence[bytes]) -> bool:
    """Return whether the first documents contain token usage as only Pipecat writes it."""
    return any(_has_tokens(unwrap(line)[-1]) for line in matching_documents(sample, _decoder, _KEYWORDS, any_case=True))


def _has_tokens(line: PipecatLine) -> bool:
    if line.logged is not None:
        return not line.is_closed
    if line.prompt_tokens is not None or line.tokens:
        return line.completion_tokens is not None or bool(line.tokens)
    return any(metrics.processor and isinstance(metrics.value, LLMTokenUsage) for metrics in line.all_metrics)


def read(logs: Iterable[NumberedLines], defaults: LogDefaults, report: ReadReport) -> Iterator[Record]:
    """Yield the records of all sources, at their end: until then, usage may be logged again in another form."""
    log = UsageLog(report)
    for lines in logs:
        for document in documents(lines, report):
            if not document.content.startswith(JSON_STARTS):
                report.add_other_line(document.source, document.line_number, document.content)
                continue
            line = decode_document(document, _decoder, report, any_case=True)
            if line is not None:
                _add_document(log, document, unwrap(line), defaults)
        if len(log.usages) > MAX_WAITING_USAGES:
            yield from log.records()
    yield from log.records()


def _add_document(log: "UsageLog", document: Document, layers: list[PipecatLine], defaults: LogDefaults) -> None:
    context = RecordContext(document, defaults, log.report, tuple(reversed(layers)))
    line = layers[-1]
    model = next((item.model for item in reversed(layers) if item.model), None)
    if line.logged is not None and (line.session_seconds is not None or line.is_closed):
        log.add_session(context, line)
        return
    items = [(item, usages) for item in line.all_metrics if (usages := _usages(item, item.model or model))]
    if not items:
        log.report.add_other_line(document.source, document.line_number, document.content)
    for number, (metrics, usages) in enumerate(items, 1):
        record = context.record(
            document.key_of(number),
            usages,
            kind="transcription" if "audio_ms" in dict(usages[0].items()) else "response",
            provider=_provider_of(metrics.processor),
            model=metrics.model or model,
            part=None if len(items) == 1 else metrics,
        )
        log.add(LoggedUsage(record, _quantities(metrics), metrics.processor, line.logged or "data", metrics.model or model))


def _provider_of(processor: str | None) -> str | None:
    """Return the provider that the name of a service says, or None."""
    return next((provider for prefix, provider in PROVIDER_PREFIXES.items() if (processor or "").startswith(prefix)), None)


def _quantities(metrics: MetricsData) -> tuple[int, ...]:
    return metrics.value.quantities if isinstance(metrics.value, LLMTokenUsage) else (metrics.characters or 0,)


def _usages(metrics: MetricsData, model: str | None) -> tuple[Usage, ...]:
    usage = metrics.value
    if not isinstance(usage, LLMTokenUsage):
        return () if metrics.characters is None else (Usage({"characters_in": metrics.characters}),)
    if usage.audio_seconds is not None:
        return (Usage({"audio_ms": round(usage.audio_seconds * 1000)}),)
    counts = usage.counts
    if time_meters(model) and not conversation_time_meters(model):
        counts.text_in, counts.text_cached, counts.text_out = counts.input, counts.cached, counts.output
    if usage.total_tokens is not None or not usage.cached_tokens or counts.input is None:
        return possible_usages(counts)
    processor = metrics.processor or ""
    including, excluding = counts, replace(counts, input=counts.input + usage.cached_tokens)
    if any(name in processor for name in SERVICES_EXCLUDING_CACHED):
        return possible_usages(excluding)
    if any(name in processor for name in SERVICES_INCLUDING_CACHED):
        return possible_usages(including)
    usages = [*possible_usages(including), *possible_usages(excluding)]
    return tuple({tuple(sorted(usage.items())): replace(usage, status="ambiguous") for usage in usages}.values())


@dataclass(slots=True)
class LoggedUsage:
    """Usage as it was logged once, or several times in different forms: the record of the best of them."""

    record: Record
    quantities: tuple[int, ...]
    processor: str | None
    form: LoggedForm
    model: str | None
    """The model that the log names."""
    forms: set[LoggedForm] = field(default_factory=set)
    may_repeat: bool = False

    @property
    def short_name(self) -> str | None:
        """The processor; of a name with spaces the last word, which is all that can be found in a line."""
        return self.processor.split()[-1] if self.processor and self.processor.strip() else None

    @property
    def quality(self) -> tuple[bool, int]:
        """How much the record says."""
        return self.model is not None, self.record.completeness

    def is_same_as(self, other: "LoggedUsage") -> bool | None:
        """Return whether both are the same usage in two forms; None if the log does not say."""
        names = (self.short_name, other.short_name)
        if other.form in (self.form, *self.forms) or (None not in names and names[0] != names[1]):
            return False
        times = (self.record.time, other.record.time)
        if times[0] is not None and times[1] is not None:
            return abs(times[0] - times[1]) <= MAX_DELAY
        is_near = abs(self.record.line_number - other.record.line_number) <= MAX_DELAY_LINES
        return True if self.record.source == other.record.source and is_near else None


@dataclass(slots=True)
class LiveSession:
    """The seconds of a live session so far."""

    context: RecordContext
    key: str
    seconds: float = 0.0
    is_closed: bool = False
    is_closing: bool = False
    """Whether the next seconds are the last ones."""
    record: Record | None = None


@dataclass(slots=True)
class UsageLog:
    """The usage in all sources, until it is known what repeats what."""

    report: ReadReport
    usages: list[LoggedUsage] = field(default_factory=list)
    sessions: dict[tuple[str, str], list[LiveSession]] = field(default_factory=lambda: defaultdict(list))
    """The live sessions of each processor in each source."""

    def add(self, usage: LoggedUsage) -> None:
        """Add usage."""
        self.usages.append(usage)

    def add_session(self, context: RecordContext, line: PipecatLine) -> None:
        """Add the seconds of a live session so far, or its end. Seconds never shrink: smaller ones are of another session."""
        sessions = self.sessions[context.document.source, line.processor or ""]
        last = sessions[-1] if sessions else None
        if line.is_closed:
            if last is not None:
                last.is_closing = True
            return
        seconds = line.session_seconds or 0.0
        if last is None or last.is_closed or seconds < last.seconds:
            last = LiveSession(context, context.document.key)
            sessions.append(last)
        last.seconds, last.is_closed = seconds, last.is_closing
        kind: RecordKind = "session"
        usage = Usage({"session_ms": round(seconds * 1000)}, "exact" if last.is_closed else "ambiguous")
        last.record = context.record(
            last.key,
            (usage,),
            kind=kind,
            provider=_provider_of(line.processor),
            outcome="closed" if last.is_closed else None,
        )

    def records(self) -> Iterator[Record]:
        """Yield the records of all usage so far, each once."""
        models = self._models()
        for usage in self._without_repetitions():
            record = usage.record
            model = models.get((record.source, usage.short_name or ""))
            if usage.model is None and model is not None:
                record = replace(record, model=model)
            if _has_images_as_text(record):
                self.report.remarks[IMAGES_AS_TEXT] += 1
            if usage.may_repeat:
                self.report.remarks[MAY_BE_LOGGED_AGAIN] += 1
                record = maybe(record)
            yield record
        for (source, processor), sessions in self.sessions.items():
            for session in sessions:
                if session.record is not None:
                    self.report.open_sessions += not session.is_closed
                    yield replace(session.record, model=models.get((source, processor)) or session.record.model)
        self.usages.clear()
        self.sessions.clear()

    def _models(self) -> dict[tuple[str, str], str]:
        """Return the models of the processors that a source names with one model."""
        models: dict[tuple[str, str], set[str]] = defaultdict(set)
        for usage in self.usages:
            if usage.model is not None and usage.short_name is not None:
                models[usage.record.source, usage.short_name].add(usage.model)
        return {processor: next(iter(names)) for processor, names in models.items() if len(names) == 1}

    def _without_repetitions(self) -> list[LoggedUsage]:
        kept: list[LoggedUsage] = []
        by_quantities: dict[tuple[int, ...], list[LoggedUsage]] = defaultdict(list)
        for usage in self.usages:
            equals = by_quantities[usage.quantities] if any(usage.quantities) else []
            sameness = [(other, other.is_same_as(usage)) for other in equals]
            same = next((other for other, is_same in sameness if is_same), None)
            if same is not None:
                self.report.skipped[LOGGED_AGAIN] += 1
                same.forms |= {usage.form}
                if usage.quality > same.quality:
                    same.record, same.model = usage.record, usage.model
                continue
            usage.may_repeat = any(is_same is None for _, is_same in sameness)
            equals.append(usage)
            kept.append(usage)
        return kept


@cache
def _models_with_images() -> frozenset[str]:
    """Return the names of models whose price for images is another than that for text."""
    return frozenset(
        name.lower()
        for offer in load_facts().prices.offers
        for name in (offer.model, offer.name, *offer.also_named)
        for prices in (row.unit_prices for row in offer.rows)
        if "image_in" in prices and prices["image_in"] != prices.get("text_in")
    )


def _has_images_as_text(record: Record) -> bool:
    """Return whether tokens that are taken as text may be images, at another price."""
    has_text = any(usage["text_in"] or usage["text_in_cached"] for usage in record.usage_candidates)
    return has_text and (record.model or "").lower() in _models_with_images()
