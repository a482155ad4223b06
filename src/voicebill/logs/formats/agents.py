"""Read usage events of realtime sessions of OpenAI's Agents SDK: `RealtimeModelUsageEvent`, alone or as a raw model event.

Each event is one response, without its identifier, status or model: the model is a default. The running total in the
session's context does not separate text from audio tokens, and is never read. A log that also forwards the server's own
events is read as realtime events, which are more detailed.

Source: openai-agents-python's realtime/model_events.py and realtime/openai_realtime.py, read 2026-11-22.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Struct

from voicebill.billing.record import Record
from voicebill.logs.counts import TokenCounts, possible_usages
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.documents import decode_document, documents, matching_documents
from voicebill.logs.envelope import Envelope, RecordContext, unwrap
from voicebill.logs.formats.realtime_events import Count, InputDetails, ModalityTokens, OutputDetails
from voicebill.logs.report import ReadReport
from voicebill.logs.sources import NumberedLines

NAME = "agents"
ABOUT = "usage events of the OpenAI Agents SDK's realtime sessions"

USAGE_EVENT = "usage"


class AgentsUsage(Struct, gc=False):
    """The SDK's `Usage`; counts that were not reported are 0."""

    requests: Count | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    total_tokens: Count | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None


class AgentsLine(Envelope, gc=False):
    """A document: the event, or an envelope around it."""

    type: str | None = None
    model: str | None = None
    provider: str | None = None
    usage: AgentsUsage | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None
    data: "AgentsLine | str | None" = None
    event: "AgentsLine | str | None" = None
    payload: "AgentsLine | str | None" = None

    @property
    def inside(self) -> "AgentsLine | None":
        """The document in this envelope, or None."""
        return next((content for content in (self.data, self.event, self.payload) if isinstance(content, AgentsLine)), None)

    @property
    def counts(self) -> TokenCounts | None:
        """The event's counts; None if this is not a usage event."""
        if self.type != USAGE_EVENT or self.usage is None:
            return None
        usage, input_details = self.usage, self.input_tokens_details or InputDetails()
        output_details = self.output_tokens_details or OutputDetails()
        input_totals, output_totals = (
            usage.input_tokens_details or InputDetails(),
            usage.output_tokens_details or OutputDetails(),
        )
        cached = input_details.cached_tokens_details or ModalityTokens()
        return TokenCounts(
            total=usage.total_tokens,
            input=usage.input_tokens,
            output=usage.output_tokens,
            text_in=input_details.text_tokens,
            audio_in=input_details.audio_tokens,
            image_in=input_details.image_tokens,
            cached=input_totals.cached_tokens if input_details.cached_tokens is None else input_details.cached_tokens,
            text_cached=cached.text_tokens,
            audio_cached=cached.audio_tokens,
            image_cached=cached.image_tokens,
            text_out=output_details.text_tokens,
            audio_out=output_details.audio_tokens,
            reasoning=output_totals.reasoning_tokens,
        )


_decoder = msgspec.json.Decoder(AgentsLine)
_KEYWORDS = ('"usage"',)


def matches(sample: Sequence[bytes]) -> bool:
    """Return whether the first documents contain usage events."""
    return any(
        unwrap(line, is_leaf=lambda layer: layer.type == USAGE_EVENT)[-1].counts is not None
        for line in matching_documents(sample, _decoder, _KEYWORDS)
    )


def read(logs: Iterable[NumberedLines], defaults: LogDefaults, report: ReadReport) -> Iterator[Record]:
    """Yield the records of all sources."""
    for lines in logs:
        for document in documents(lines, report):
            line = decode_document(document, _decoder, report)
            if line is None:
                continue
            layers = unwrap(line, is_leaf=lambda layer: layer.type == USAGE_EVENT)
            counts = layers[-1].counts
            if counts is None:
                report.add_other_line(document.source, document.line_number, document.content)
                continue
            model, provider = (
                next((value for layer in layers if (value := getattr(layer, name))), None) for name in ("model", "provider")
            )
            usages = possible_usages(counts)
            if usages[0].status == "missing":
                report.add_unread_line(document.source, document.line_number, document.content, has_usage=True)
            yield RecordContext(document, defaults, report, layers).record(
                document.key, usages, model=model, provider=provider, part=AgentsUsage()
            )
