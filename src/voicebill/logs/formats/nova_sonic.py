"""Read raw events of Amazon Nova Sonic's bidirectional stream, as JSON lines: bare, or wrapped with time, tenant and session.

A `usageEvent` reports what its session has used so far (`total`) and since the event before (`delta`), speech and text apart.
The totals are running counts, so they are never summed: a session is one record, of its largest totals. Events without
totals are summed by their deltas. No event names the model: it is that of an envelope, or the default.

Events that lost their session are of the one whose totals they continue. Totals that shrink are of another session.

Sources, read 2026-11-28: the user guide of Amazon Nova (output events); pipecat 1.14.0 and LiteLLM 1.110.2, which read these
events; a captured event in pipecat #4783, and the totals of sessions in tau2-bench #454.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec import Raw, Struct

from voicebill.billing.record import Record
from voicebill.logs.counts import TokenCounts, possible_usages
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.documents import Document, decode_document, documents, matching_documents
from voicebill.logs.envelope import Envelope, RecordContext, first_text, unwrap
from voicebill.logs.formats.realtime_events import Count
from voicebill.logs.providers import AMAZON, normalize_provider
from voicebill.logs.report import ReadReport
from voicebill.logs.sources import NumberedLines

NAME = "nova-sonic"
ABOUT = "raw events of Amazon Nova Sonic with the running usage of each session, bare or wrapped"

TOKEN_NAMES = ("text_in", "audio_in", "text_out", "audio_out")
MAX_OPEN_STREAMS = 64
"""An event without a session continues one of the sessions that were updated last."""


class SpeechAndText(Struct, gc=False):
    """The tokens of one direction."""

    speech_tokens: Count | None = None
    text_tokens: Count | None = None


class InputAndOutput(Struct, gc=False):
    """The tokens of both directions."""

    input: SpeechAndText | None = None
    output: SpeechAndText | None = None

    @property
    def counts(self) -> dict[str, int | None]:
        """The tokens by voicebill's names; None if not reported."""
        inputs, outputs = self.input or SpeechAndText(), self.output or SpeechAndText()
        return dict(
            zip(
                TOKEN_NAMES, (inputs.text_tokens, inputs.speech_tokens, outputs.text_tokens, outputs.speech_tokens), strict=True
            )
        )

    @property
    def numbers(self) -> dict[str, int]:
        """The tokens by voicebill's names, 0 if not reported."""
        return {name: count or 0 for name, count in self.counts.items()}


class DeltaAndTotal(Struct, gc=False):
    """What was used since the event before, and so far."""

    delta: InputAndOutput | None = None
    total: InputAndOutput | None = None


class UsageEvent(Struct, gc=False):
    """`usageEvent`."""

    session_id: str | None = None
    prompt_name: str | None = None
    total_input_tokens: Count | None = None
    total_output_tokens: Count | None = None
    total_tokens: Count | None = None
    details: DeltaAndTotal | None = None

    @property
    def total(self) -> InputAndOutput | None:
        """What the session has used so far, by modality."""
        return self.details.total if self.details else None

    @property
    def delta(self) -> InputAndOutput | None:
        """What was used since the event before."""
        return self.details.delta if self.details else None

    @property
    def has_totals(self) -> bool:
        """Whether it reports what the session has used so far."""
        totals = (self.total_input_tokens, self.total_output_tokens, self.total_tokens)
        return self.total is not None or any(total is not None for total in totals)

    @property
    def total_count(self) -> int:
        """All tokens of the session so far: the largest number that the event gives for them."""
        by_modality = sum(self.total.numbers.values()) if self.total else 0
        by_direction = (self.total_input_tokens or 0) + (self.total_output_tokens or 0)
        return max(by_modality, by_direction, self.total_tokens or 0)


class NovaSonicLine(Envelope, gc=False):
    """An event, or an envelope around one. Events without usage are not decoded."""

    usage_event: UsageEvent | None = None
    completion_start: Raw = msgspec.field(default=Raw(b""), name="completionStart")
    completion_end: Raw = msgspec.field(default=Raw(b""), name="completionEnd")
    model: str | None = None
    model_id: str | None = None
    model_name: str | None = None
    camel_model_id: str | None = msgspec.field(default=None, name="modelId")
    provider: str | None = None
    event: "NovaSonicLine | str | float | list[Raw] | None" = None
    data: "NovaSonicLine | str | float | list[Raw] | None" = None
    payload: "NovaSonicLine | str | float | list[Raw] | None" = None
    message: "NovaSonicLine | str | float | list[Raw] | None" = None
    body: "NovaSonicLine | str | float | list[Raw] | None" = None
    msg: "NovaSonicLine | str | float | list[Raw] | None" = None
    response: "NovaSonicLine | str | float | list[Raw] | None" = None

    @property
    def inside(self) -> "NovaSonicLine | None":
        """The event in this envelope, or None."""
        contents = (self.event, self.data, self.payload, self.message, self.body, self.msg, self.response)
        return next((content for content in contents if isinstance(content, NovaSonicLine)), None)


_decoder = msgspec.json.Decoder(NovaSonicLine)
_KEYWORDS = ("usageEvent", "usage_event", '"completionStart"', '"completionEnd"')
OTHER_EVENTS = (
    *(b'"audioOutput"', b'"textOutput"', b'"audioInput"', b'"textInput"', b'"contentStart"', b'"contentEnd"', b'"toolUse"'),
    *(b'"completionStart"', b'"completionEnd"', b'"sessionStart"', b'"sessionEnd"', b'"promptStart"', b'"promptEnd"'),
)
"""The names of events without usage."""


def matches(sample: Sequence[bytes]) -> bool:
    """Return whether the first documents contain usage events, or completions with the names of a stream."""
    return any(_is_event(unwrap(line)[-1]) for line in matching_documents(sample, _decoder, _KEYWORDS, any_case=True))


def _is_event(line: NovaSonicLine) -> bool:
    completions = (bytes(line.completion_start), bytes(line.completion_end))
    return line.usage_event is not None or any(b'"promptName"' in completion for completion in completions)


def read(logs: Iterable[NumberedLines], defaults: LogDefaults, report: ReadReport) -> Iterator[Record]:
    """Yield the records of all sources, at their end: one for each session."""
    reader = StreamReader(defaults, report)
    for lines in logs:
        for document in documents(lines, report):
            line = decode_document(document, _decoder, report, any_case=True)
            if line is not None:
                reader.add(document, unwrap(line))
    yield from reader.records()


@dataclass(slots=True)
class Stream:
    """What a session has used so far: its largest totals, its deltas, and where both were read."""

    key: str
    session: str | None
    event: UsageEvent | None = None
    deltas: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TOKEN_NAMES, 0))
    has_deltas: bool = False
    context: RecordContext | None = None
    model: str | None = None
    provider: str | None = None

    @property
    def total_count(self) -> int:
        """All tokens so far."""
        return self.event.total_count if self.event else 0

    @property
    def counts(self) -> TokenCounts:
        """The counts of its largest totals. Without modalities, those of its deltas count if they add up to the totals."""
        event = self.event
        if event is None:
            return TokenCounts(**self.deltas) if self.has_deltas else TokenCounts()
        inputs, outputs = self.deltas["text_in"] + self.deltas["audio_in"], self.deltas["text_out"] + self.deltas["audio_out"]
        parts: dict[str, int | None] = {}
        if event.total is not None:
            parts |= event.total.counts
        elif (inputs, outputs) == (event.total_input_tokens, event.total_output_tokens):
            parts |= self.deltas
        return TokenCounts(total=event.total_tokens, input=event.total_input_tokens, output=event.total_output_tokens, **parts)


class StreamReader:
    """Read events in order, and keep what each session has used."""

    def __init__(self, defaults: LogDefaults, report: ReadReport) -> None:
        self._defaults = defaults
        self._report = report
        self._named: dict[str, Stream] = {}
        self._unnamed: dict[str, list[Stream]] = {}
        """The streams without a session of their own, by what else may tell them apart."""

    def add(self, document: Document, layers: list[NovaSonicLine]) -> None:
        """Add an event to its session."""
        event = layers[-1].usage_event
        if event is None:
            if not any(name in document.content for name in OTHER_EVENTS):
                self._report.add_other_line(document.source, document.line_number, document.content)
            return
        context = RecordContext(document, self._defaults, self._report, tuple(reversed(layers)))
        stream = self._stream(event, context)
        stream.model = _first(layers, "model_id", "camel_model_id", "model", "model_name") or stream.model
        stream.provider = normalize_provider(_first(layers, "provider")) or stream.provider
        if event.delta is not None:
            stream.has_deltas = stream.has_deltas or any(count is not None for count in event.delta.counts.values())
            for name, count in event.delta.numbers.items():
                stream.deltas[name] += count
        if not event.total_count and not any(stream.deltas.values()):
            context.report_uncounted(possible_usages(stream.counts))
        if event.has_totals and event.total_count >= stream.total_count:
            stream.event, stream.context = event, context
        elif stream.event is None:
            stream.context = context

    def records(self) -> Iterator[Record]:
        """Yield what every session has used."""
        for stream in (*self._named.values(), *(stream for streams in self._unnamed.values() for stream in streams)):
            if stream.context is None:
                continue
            yield stream.context.record(
                stream.key,
                possible_usages(stream.counts),
                provider=stream.provider or AMAZON,
                model=stream.model,
                session=stream.context.session or stream.session,
                cumulative=True,
            )

    def _stream(self, event: UsageEvent, context: RecordContext) -> Stream:
        """Return the session of an event: by its own name, or the one whose totals it continues."""
        if event.session_id:
            return self._named.setdefault(event.session_id, Stream(f"{NAME}:{event.session_id}", event.session_id))
        owner = first_text(event.prompt_name, context.session) or f"in {context.document.source}"
        streams = self._unnamed.setdefault(owner, [])
        if not event.has_totals and streams:
            return streams[-1]
        stream = _continued(event, streams[-MAX_OPEN_STREAMS:])
        if stream is None:
            stream = Stream(context.document.key, context.session)
            streams.append(stream)
        return stream


def _continued(event: UsageEvent, streams: Sequence[Stream]) -> Stream | None:
    """Return the session that an event continues: by its totals before the delta, or else the largest that is not above."""
    before = event.total_count - sum(event.delta.numbers.values()) if event.delta else None
    exact = [stream for stream in streams if stream.total_count in (before, event.total_count)]
    if exact:
        return exact[-1]
    if before == 0:
        return None
    return max((stream for stream in streams if stream.total_count <= event.total_count), key=_total_count, default=None)


def _total_count(stream: Stream) -> int:
    return stream.total_count


def _first(layers: Sequence[NovaSonicLine], *names: str) -> str | None:
    """Return the first value of some fields in the envelopes, from the inside out."""
    return first_text(*(getattr(layer, name) for layer in reversed(layers) for name in names))
