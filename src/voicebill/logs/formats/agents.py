"""Read usage events of realtime sessions of OpenAI's Agents SDKs, in Python and in JavaScript.

Those are `RealtimeModelUsageEvent`, alone or as a raw model event; `turn_done` and `response_done`, whose response has an
identifier; and `Usage` of one request, alone or in `usage_update`, which is left out where the source also has responses.
Names are in snake or camel case, and details are an object or a list of one for each request.

Without a response, an event has no identifier, status or model: the model is a default. The running total in the
session's context does not separate text from audio tokens, and is never read. A log that also forwards the server's own
events is read as realtime events, which are more detailed.

Sources: openai-agents-python's realtime/model_events.py and realtime/openai_realtime.py, read 2026-11-22; openai-agents-js'
agents-realtime/src/openaiRealtimeBase.ts and agents-core/src/usage.ts.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import msgspec
from msgspec import Struct

from voicebill.billing.record import Record
from voicebill.logs.counts import TokenCounts, possible_usages
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.documents import Document, decode_document, documents, matching_documents
from voicebill.logs.envelope import Envelope, RecordContext, unwrap
from voicebill.logs.formats.realtime_events import Count, InputDetails, ModalityTokens, OutputDetails
from voicebill.logs.keys import response_key
from voicebill.logs.report import ReadReport
from voicebill.logs.sources import NumberedLines

NAME = "agents"
ABOUT = "usage events of the OpenAI Agents SDK's realtime sessions"

USAGE_EVENT = "usage"
RESPONSE_EVENTS = ("turn_done", "response_done")
UPDATE_EVENT = "usage_update"
MAX_WAITING_UPDATES = 100_000
"""At most so many updates wait for a response, which would show that they repeat responses."""
UPDATE_OF_RESPONSE = "updates of usage whose responses are in the log too"


class AgentsUsage(Struct, gc=False):
    """The SDK's `Usage`; counts that were not reported are 0."""

    requests: Count | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    total_tokens: Count | None = None
    input_tokens_details: InputDetails | list[InputDetails] | None = None
    output_tokens_details: OutputDetails | list[OutputDetails] | None = None


class AgentsResponse(Struct, gc=False):
    """A response of the JavaScript SDK, without its content."""

    id: str | None = None
    status: str | None = None
    usage: AgentsUsage | None = None


class AgentsLine(Envelope, gc=False):
    """A document: the event, or an envelope around it."""

    type: str | None = None
    model: str | None = None
    provider: str | None = None
    usage: AgentsUsage | None = None
    response: AgentsResponse | None = None
    requests: Count | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    total_tokens: Count | None = None
    input_tokens_details: InputDetails | list[InputDetails] | None = None
    output_tokens_details: OutputDetails | list[OutputDetails] | None = None
    data: "AgentsLine | str | None" = None
    event: "AgentsLine | str | None" = None
    payload: "AgentsLine | str | None" = None

    @property
    def inside(self) -> "AgentsLine | None":
        """The document in this envelope, or None."""
        return next((content for content in (self.data, self.event, self.payload) if isinstance(content, AgentsLine)), None)

    @property
    def is_update(self) -> bool:
        """Whether this is the usage of one request, alone or in an update, which a response may repeat."""
        return self.type == UPDATE_EVENT or (self.type is None and self.requests == 1 and self.total_tokens is not None)

    @property
    def is_leaf(self) -> bool:
        """Whether this is an event with usage, and no envelope."""
        return self.type in (USAGE_EVENT, *RESPONSE_EVENTS) or self.is_update

    @property
    def counts(self) -> TokenCounts | None:
        """The event's counts; None if this is not a usage event."""
        if self.type in RESPONSE_EVENTS:
            usage = self.response.usage if self.response is not None else None
        elif self.type is None and self.is_update:
            usage = AgentsUsage(self.requests, self.input_tokens, self.output_tokens, self.total_tokens)
        else:
            usage = self.usage if self.type in (USAGE_EVENT, UPDATE_EVENT) else None
        if usage is None:
            return None
        input_details = _only(self.input_tokens_details) or _only(usage.input_tokens_details) or InputDetails()
        output_details = _only(self.output_tokens_details) or _only(usage.output_tokens_details) or OutputDetails()
        input_totals = _only(usage.input_tokens_details) or InputDetails()
        output_totals = _only(usage.output_tokens_details) or OutputDetails()
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


Details = TypeVar("Details")


def _only(details: Details | list[Details] | None) -> Details | None:
    """Return the details; of a list, those of its only request. Details of several requests are not separable."""
    if not isinstance(details, list):
        return details
    return details[0] if len(details) == 1 else None


_decoder = msgspec.json.Decoder(AgentsLine)
_KEYWORDS = ('"usage"', "Tokens", "input_tokens")


def matches(sample: Sequence[bytes]) -> bool:
    """Return whether the first documents contain usage events."""
    return any(_unwrap(line)[-1].counts is not None for line in matching_documents(sample, _decoder, _KEYWORDS, any_case=True))


def _unwrap(line: AgentsLine) -> list[AgentsLine]:
    return unwrap(line, is_leaf=lambda layer: layer.is_leaf)


def read(logs: Iterable[NumberedLines], defaults: LogDefaults, report: ReadReport) -> Iterator[Record]:
    """Yield the records of all sources; updates at the end of their source, if it has no responses."""
    for lines in logs:
        updates: list[Record] = []
        has_responses = False
        for document in documents(lines, report):
            line = decode_document(document, _decoder, report, any_case=True)
            if line is None:
                continue
            layers = _unwrap(line)
            counts = layers[-1].counts
            if counts is None:
                report.add_other_line(document.source, document.line_number, document.content)
                continue
            record = _record(document, layers, counts, defaults, report)
            if layers[-1].is_update and not has_responses:
                updates.append(record)
                if len(updates) > MAX_WAITING_UPDATES:
                    yield from updates
                    updates.clear()
            elif layers[-1].is_update:
                report.skipped[UPDATE_OF_RESPONSE] += 1
            else:
                has_responses = has_responses or layers[-1].type in RESPONSE_EVENTS
                yield record
        if has_responses and updates:
            report.skipped[UPDATE_OF_RESPONSE] += len(updates)
        else:
            yield from updates


def _record(
    document: Document, layers: list[AgentsLine], counts: TokenCounts, defaults: LogDefaults, report: ReadReport
) -> Record:
    model, provider = (
        next((value for layer in layers if (value := getattr(layer, name))), None) for name in ("model", "provider")
    )
    usages = possible_usages(counts)
    if usages[0].status == "missing":
        report.add_unread_line(document.source, document.line_number, document.content, has_usage=True)
    response = layers[-1].response or AgentsResponse()
    return RecordContext(document, defaults, report, layers).record(
        response_key(response.id) if response.id else document.key,
        usages,
        model=model,
        provider=provider,
        outcome=response.status,
        part=AgentsUsage(),
    )
