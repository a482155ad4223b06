"""Pipecat's usage metrics: `LLMTokenUsage` by itself, in dumps of metrics frames, and in RTVI's metrics messages.

They name no response, session or time: that comes from the envelope they were logged in. Counts that include what was read
from a cache and counts beside it are told apart by their total. Pipecat counts audio apart and nothing else: the rest of a
count of which audio is told is text here, images among it too. Where it does not tell audio, text and audio stay open.
Transcriptions are not metered by it. The characters that were spoken are, and only a whole number of a processor that names
itself TTS is taken for them: delays are reported in the same shape.

Sources: pipecat's metrics/metrics.py and its RTVI observer, read 2026-11-22.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Struct

from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.logs.counts import Counts, readings
from voicebill.logs.documents import Document, any_of, decoded, documents
from voicebill.logs.envelope import Around, Envelope, layers_of
from voicebill.logs.realtime_events import Count
from voicebill.logs.sources import Lines
from voicebill.logs.told import Report, Told

NAME = "pipecat"
ABOUT = "Pipecat's token usage: by itself, in metrics frames, or in RTVI's metrics messages"

AZURE = "Azure"
"""How the names of Azure's services begin. OpenAI's are used with hosts of others too."""


class Tokens(Envelope, gc=False):
    """`LLMTokenUsage`, as it stands by itself or in something else."""

    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    total_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    reasoning_tokens: Count | None = None
    input_audio_tokens: Count | None = None
    output_audio_tokens: Count | None = None
    cache_read_input_audio_tokens: Count | None = None

    @property
    def counts(self) -> Counts:
        """Its counts, with what was read from a cache as a part of the input."""
        whole, cached, audio = self._input, self.cache_read_input_tokens, self.input_audio_tokens
        cached_audio = self.cache_read_input_audio_tokens
        return Counts(
            total=self.total_tokens,
            input=whole,
            output=self.completion_tokens,
            text_in=_rest(whole, audio),
            audio_in=audio,
            cached=cached,
            text_cached=_rest(cached, cached_audio),
            audio_cached=cached_audio,
            text_out=_rest(self.completion_tokens, self.output_audio_tokens),
            audio_out=self.output_audio_tokens,
            reasoning=self.reasoning_tokens,
        )

    @property
    def _input(self) -> int | None:
        """All that was read: some vendors' prompt leaves out what came from a cache, and their total does not."""
        if self.prompt_tokens is None or self.total_tokens is None:
            return self.prompt_tokens
        beside = self.prompt_tokens + (self.cache_read_input_tokens or 0) + (self.cache_creation_input_tokens or 0)
        return beside if self.total_tokens == beside + (self.completion_tokens or 0) else self.prompt_tokens


class Measured(Struct, gc=False):
    """Metrics data: which processor, which model, and what it measured. Only counts are of interest."""

    processor: str | None = None
    model: str | None = None
    value: Tokens | int | float | str | None = None

    @property
    def characters(self) -> int | None:
        """How many characters were spoken, where that is what was measured."""
        speaks = "TTS" in (self.processor or "")
        return self.value if speaks and type(self.value) is int and self.value >= 0 else None


class Line(Tokens, gc=False):
    """A document: usage itself, one measurement, a frame of them, RTVI's message, or an envelope around one of these."""

    processor: str | None = None
    model: str | None = None
    value: Tokens | int | float | str | None = None
    data: "list[Measured] | Line | str | None" = None
    event: "Line | str | None" = None
    payload: "Line | str | None" = None
    frame: "Line | str | None" = None
    tokens: list[Tokens] | None = None
    characters: list[Measured] | None = None

    @property
    def inside(self) -> "Line | None":
        """What an envelope holds."""
        return next((each for each in (self.data, self.event, self.payload, self.frame) if isinstance(each, Line)), None)

    @property
    def measured(self) -> Iterator[Measured]:
        """All that it says was measured, usage by itself included."""
        if self.prompt_tokens is not None:
            yield Measured(self.processor, self.model, self)
        if self.value is not None:
            yield Measured(self.processor, self.model, self.value)
        yield from self.data if isinstance(self.data, list) else ()
        yield from (Measured(self.processor, self.model, each) for each in self.tokens or ())
        yield from self.characters or ()


decoder = msgspec.json.Decoder(Line)
WORDS = ("cache_read_input_audio_tokens", "processor", "rtvi-ai")


def recognises(sample: Sequence[bytes]) -> bool:
    """Whether the first documents hold token usage as only Pipecat writes it."""
    return any(_has_tokens(layers_of(found)[-1]) for found in any_of(sample, decoder, WORDS))


def _has_tokens(line: Line) -> bool:
    if line.prompt_tokens is not None or line.tokens:
        return line.completion_tokens is not None or bool(line.tokens)
    return any(each.processor and isinstance(each.value, Tokens) for each in line.measured)


def read(logs: Iterable[Lines], told: Told, report: Report) -> Iterator[Record]:
    """The records of all sources."""
    for lines in logs:
        for document in documents(lines, report):
            line = decoded(document, decoder, report)
            if line is not None:
                yield from _records(document, layers_of(line), told, report)


def _records(document: Document, layers: list[Line], told: Told, report: Report) -> Iterator[Record]:
    around = Around(document, told, report, tuple(reversed(layers)))
    model = next((each.model for each in reversed(layers) if each.model), None)
    found = [(each, used) for each in layers[-1].measured if (used := _used(each))]
    if not found:
        report.other_lines += 1
    for number, (measured, used) in enumerate(found, 1):
        provider = "azure" if (measured.processor or "").startswith(AZURE) else None
        yield around.record(document.key_of(number), used, provider=provider, model=measured.model or model)


def _used(measured: Measured) -> tuple[Usage, ...]:
    if isinstance(measured.value, Tokens):
        return readings(measured.value.counts)
    return () if measured.characters is None else (Usage({"characters_in": measured.characters}),)


def _rest(whole: int | None, part: int | None) -> int | None:
    """What is left of a count when a part of it is told; a part that is more than the whole leaves nothing."""
    return None if whole is None or part is None else max(whole - part, 0)
