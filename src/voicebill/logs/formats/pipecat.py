"""Read Pipecat's usage metrics: `LLMTokenUsage` alone, in dumps of metrics frames, and in RTVI's metrics messages.

They name no response, session or time: these come from the envelope around them. The total shows whether the input count
includes cached tokens. Pipecat reports audio tokens separately and nothing else: the rest of a count with an audio part is
text here, images included. Without an audio part, the split into text and audio is ambiguous.
Transcription is metered in seconds of audio since 1.14. Spoken characters are metered too: only an integer of a processor
with TTS in its name is taken for them, since delays are reported in the same shape.

Sources: pipecat's metrics/metrics.py and its RTVI observer, read 2026-11-22.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.logs.counts import TokenCounts, possible_usages
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.documents import Document, decode_document, documents, matching_documents
from voicebill.logs.envelope import Envelope, RecordContext, unwrap
from voicebill.logs.formats.realtime_events import Count
from voicebill.logs.report import ReadReport
from voicebill.logs.sources import NumberedLines

NAME = "pipecat"
ABOUT = "Pipecat's token usage: alone, in metrics frames, or in RTVI's metrics messages"

AZURE_PREFIX = "Azure"
"""The prefix of Azure's services. OpenAI's services are also used with other hosts, so they name no provider."""


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
        with_cache = self.prompt_tokens + (self.cache_read_input_tokens or 0) + (self.cache_creation_input_tokens or 0)
        return with_cache if self.total_tokens == with_cache + (self.completion_tokens or 0) else self.prompt_tokens


class MetricsData(Struct, gc=False):
    """Metrics data: the processor, the model and the measured value. Only counts are used."""

    processor: str | None = None
    model: str | None = None
    value: LLMTokenUsage | int | float | str | None = None

    @property
    def characters(self) -> int | None:
        """The number of spoken characters; None if something else was measured."""
        is_tts = "TTS" in (self.processor or "")
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
    if line.prompt_tokens is not None or line.tokens:
        return line.completion_tokens is not None or bool(line.tokens)
    return any(metrics.processor and isinstance(metrics.value, LLMTokenUsage) for metrics in line.all_metrics)


def read(logs: Iterable[NumberedLines], defaults: LogDefaults, report: ReadReport) -> Iterator[Record]:
    """Yield the records of all sources."""
    for lines in logs:
        for document in documents(lines, report):
            line = decode_document(document, _decoder, report, any_case=True)
            if line is not None:
                yield from _records(document, unwrap(line), defaults, report)


def _records(document: Document, layers: list[PipecatLine], defaults: LogDefaults, report: ReadReport) -> Iterator[Record]:
    context = RecordContext(document, defaults, report, tuple(reversed(layers)))
    model = next((item.model for item in reversed(layers) if item.model), None)
    items = [(item, usages) for item in layers[-1].all_metrics if (usages := _usages(item))]
    if not items:
        report.add_other_line(document.source, document.line_number, document.content)
    for number, (metrics, usages) in enumerate(items, 1):
        provider = "azure" if (metrics.processor or "").startswith(AZURE_PREFIX) else None
        yield context.record(
            document.key_of(number),
            usages,
            kind="transcription" if "audio_ms" in dict(usages[0].items()) else "response",
            provider=provider,
            model=metrics.model or model,
            part=None if len(items) == 1 else metrics,
        )


def _usages(metrics: MetricsData) -> tuple[Usage, ...]:
    if isinstance(metrics.value, LLMTokenUsage) and metrics.value.audio_seconds is not None:
        return (Usage({"audio_ms": round(metrics.value.audio_seconds * 1000)}),)
    if isinstance(metrics.value, LLMTokenUsage):
        return possible_usages(metrics.value.counts)
    return () if metrics.characters is None else (Usage({"characters_in": metrics.characters}),)
