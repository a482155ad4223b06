"""Usage events of realtime sessions of OpenAI's Agents SDK: `RealtimeModelUsageEvent`, by itself or as a raw model event.

Each is one response, without its name, its status or its model: the model is what was told. The running total that the
session keeps in its context has lost which tokens were text and which audio, and is never read. A log that also forwards the
server's own events is read as those: they say more.

Source: openai-agents-python's realtime/model_events.py and realtime/openai_realtime.py, read 2026-11-22.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Struct

from voicebill.billing.record import Record
from voicebill.logs.counts import Counts, readings
from voicebill.logs.documents import any_of, decoded, documents
from voicebill.logs.envelope import Around, Envelope, layers_of
from voicebill.logs.realtime_events import Count, InputDetails, OutputDetails, Split
from voicebill.logs.sources import Lines
from voicebill.logs.told import Report, Told

NAME = "agents"
ABOUT = "usage events of the OpenAI Agents SDK's realtime sessions"

USAGE = "usage"


class Used(Struct, gc=False):
    """The SDK's `Usage`; where a count was not reported it says 0."""

    requests: Count | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    total_tokens: Count | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None


class Line(Envelope, gc=False):
    """A document: the event, or what it was logged in."""

    type: str | None = None
    model: str | None = None
    provider: str | None = None
    usage: Used | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None
    data: "Line | str | None" = None
    event: "Line | str | None" = None
    payload: "Line | str | None" = None

    @property
    def inside(self) -> "Line | None":
        """What an envelope holds."""
        return next((each for each in (self.data, self.event, self.payload) if isinstance(each, Line)), None)

    @property
    def counts(self) -> Counts | None:
        """The event's counts; None where this is no such event."""
        if self.type != USAGE or self.usage is None:
            return None
        used, given = self.usage, self.input_tokens_details or InputDetails()
        made = self.output_tokens_details or OutputDetails()
        kept, thought = used.input_tokens_details or InputDetails(), used.output_tokens_details or OutputDetails()
        cached = given.cached_tokens_details or Split()
        return Counts(
            total=used.total_tokens,
            input=used.input_tokens,
            output=used.output_tokens,
            text_in=given.text_tokens,
            audio_in=given.audio_tokens,
            image_in=given.image_tokens,
            cached=kept.cached_tokens if given.cached_tokens is None else given.cached_tokens,
            text_cached=cached.text_tokens,
            audio_cached=cached.audio_tokens,
            image_cached=cached.image_tokens,
            text_out=made.text_tokens,
            audio_out=made.audio_tokens,
            reasoning=thought.reasoning_tokens,
        )


decoder = msgspec.json.Decoder(Line)
WORDS = ('"usage"',)


def recognises(sample: Sequence[bytes]) -> bool:
    """Whether the first documents hold usage events."""
    return any(
        layers_of(found, whole=lambda each: each.type == USAGE)[-1].counts is not None
        for found in any_of(sample, decoder, WORDS)
    )


def read(logs: Iterable[Lines], told: Told, report: Report) -> Iterator[Record]:
    """The records of all sources."""
    for lines in logs:
        for document in documents(lines, report):
            line = decoded(document, decoder, report)
            if line is None:
                continue
            layers = layers_of(line, whole=lambda each: each.type == USAGE)
            counts = layers[-1].counts
            if counts is None:
                report.other_lines += 1
                continue
            model, provider = (
                next((said for each in layers if (said := getattr(each, name))), None) for name in ("model", "provider")
            )
            yield Around(document, told, report, layers).record(document.key, readings(counts), model=model, provider=provider)
