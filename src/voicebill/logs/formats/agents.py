"""Read usage of realtime sessions that was logged without the API's events: by OpenAI's Agents SDKs, or on its own.

The SDKs have `RealtimeModelUsageEvent`, alone or as a raw model event; `turn_done` and `response_done`, whose response has an
identifier; and `Usage` of one request, alone or in `usage_update`, which is left out where the source also has its response.
Names are in snake or camel case, and details are an object or a list of one for each request.

A usage object of the Realtime API, alone on a line, in `usage` or in a response, is one response; one of the type `tokens` or
`duration` in `usage` is a transcription.

Without a response, a line has no identifier, status or model: the model is a default. The running total in the
session's context does not separate text from audio tokens, and is never read. A log that also forwards the server's own
events is read as realtime events, which are more detailed.

Sources: openai-agents-python 0.24's realtime/model_events.py and realtime/openai_realtime.py, openai-agents-js 0.20's
agents-realtime/src/openaiRealtimeBase.ts and agents-core/src/usage.ts, and openai-python 3.57's
types/realtime/realtime_response_usage.py and types/audio/transcription.py, read 2026-11-28.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, NamedTuple, TypeVar

import msgspec
from msgspec import Meta, Struct

from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.logs.counts import TokenCounts, possible_usages
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.documents import Document, decode_document, documents, matching_documents
from voicebill.logs.envelope import Envelope, Name, RecordContext, first_text, unwrap
from voicebill.logs.formats.realtime_events import Count, InputDetails, ModalityTokens, OutputDetails
from voicebill.logs.keys import response_key
from voicebill.logs.report import ReadReport
from voicebill.logs.sources import NumberedLines
from voicebill.logs.unread_usage import names_in

NAME = "agents"
ABOUT = "usage events of the OpenAI Agents SDK's realtime sessions, and usage objects of the Realtime API without an event"

USAGE_EVENT = "usage"
RESPONSE_EVENTS = ("turn_done", "response_done")
RESPONSE_PREFIX = "resp_"
"""The identifiers of responses begin with it."""
TRANSCRIPTION_USAGES = ("tokens", "duration")
"""The types of the usage of a transcription; that of a response has none."""
UPDATE_EVENT = "usage_update"
MAX_WAITING_UPDATES = 100_000
"""At most so many updates wait for a response, which would show that they repeat responses."""
MAX_EARLY_UPDATES = 1_000
"""An update is at most so many updates before its response."""
UPDATE_OF_RESPONSE = "updates of usage whose responses are in the log too"

UpdateTokens = tuple[int, int]
"""Input and output tokens."""


class AgentsUsage(Struct, gc=False):
    """The SDK's `Usage`, in which counts that were not reported are 0, or the usage of the Realtime API."""

    type: str | None = None
    seconds: Annotated[float, Meta(ge=0, le=10**9)] | None = None
    input_token_details: InputDetails | None = None
    output_token_details: OutputDetails | None = None
    requests: Count | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    total_tokens: Count | None = None
    input_tokens_details: InputDetails | list[InputDetails] | None = None
    output_tokens_details: OutputDetails | list[OutputDetails] | None = None

    @property
    def is_of_api(self) -> bool:
        """Whether this is the usage of the Realtime API, by the names that only it has."""
        has_details = self.input_token_details is not None or self.output_token_details is not None
        return has_details and self.input_tokens is not None

    @property
    def is_of_transcription(self) -> bool:
        """Whether this is the usage of a transcription."""
        return self.type in TRANSCRIPTION_USAGES and (self.seconds is not None or self.is_of_api)


class AgentsResponse(Struct, gc=False):
    """A response of the JavaScript SDK, without its content."""

    id: str | None = None
    status: str | None = None
    usage: AgentsUsage | None = None


class AgentsLine(Envelope, gc=False):
    """A document: the event, or an envelope around it."""

    type: str | None = None
    id: Name = None
    response_id: Name = None
    status: Name = None
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
    input_token_details: InputDetails | None = None
    output_token_details: OutputDetails | None = None
    seconds: Annotated[float, Meta(ge=0, le=10**9)] | None = None
    data: "AgentsLine | str | None" = None
    event: "AgentsLine | str | None" = None
    payload: "AgentsLine | str | None" = None

    @property
    def inside(self) -> "AgentsLine | None":
        """The document in this envelope, or None."""
        return next((content for content in (self.data, self.event, self.payload) if isinstance(content, AgentsLine)), None)

    @property
    def is_update(self) -> bool:
        """Whether this is the usage of one request without its response, which another line may have."""
        usage = self.reported_usage
        is_of_transcription = usage is not None and usage.is_of_transcription
        is_of_response = self.type in (USAGE_EVENT, *RESPONSE_EVENTS) or self.response_key is not None
        return self.type == UPDATE_EVENT or not (is_of_transcription or is_of_response)

    @property
    def is_leaf(self) -> bool:
        """Whether this is an event with usage, and no envelope."""
        return self.reported_usage is not None

    @property
    def response_key(self) -> str | None:
        """The identifier of the response, or None."""
        response_id = self.response.id if self.response is not None else None
        own_id = first_text(self.id)
        is_response = own_id is not None and own_id.startswith(RESPONSE_PREFIX)
        return first_text(response_id, self.response_id) or (own_id if is_response else None)

    @property
    def reported_usage(self) -> AgentsUsage | None:
        """The usage in an event of the SDKs, or in a usage object without an event; None if there is none."""
        of_response = self.response.usage if self.response is not None else None
        if self.type in RESPONSE_EVENTS:
            return of_response
        if self.type in (USAGE_EVENT, UPDATE_EVENT):
            return self.usage
        if self.type is not None and "." in self.type:
            return None  # an event of the API, which the format `realtime` reads
        own = AgentsUsage(**{name: getattr(self, name) for name in OWN_FIELDS})
        is_of_sdk = own.requests == 1 and own.total_tokens is not None
        is_duration = self.type == "duration" and own.seconds is not None
        if is_duration or (self.type in (None, *TRANSCRIPTION_USAGES) and (own.is_of_api or is_of_sdk)):
            return own
        usages = (usage for usage in (self.usage, of_response) if usage is not None)
        return next((usage for usage in usages if usage.is_of_api or usage.is_of_transcription or usage.requests == 1), None)

    @property
    def counts(self) -> TokenCounts | None:
        """The event's counts; None if this is not a usage event."""
        usage = self.reported_usage
        if usage is None:
            return None
        input_totals = usage.input_token_details or _only(usage.input_tokens_details) or InputDetails()
        output_totals = usage.output_token_details or _only(usage.output_tokens_details) or OutputDetails()
        input_details = _only(self.input_tokens_details) or input_totals
        output_details = _only(self.output_tokens_details) or output_totals
        cached = input_details.cached_tokens_details or ModalityTokens()
        text_out = output_details.text_tokens
        if usage.is_of_transcription and text_out is None and output_details.audio_tokens is None:
            text_out = usage.output_tokens
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
            text_out=text_out,
            audio_out=output_details.audio_tokens,
            reasoning=output_totals.reasoning_tokens,
        )


OWN_FIELDS = tuple(name for name in AgentsUsage.__struct_fields__ if name in AgentsLine.__struct_fields__)
"""The fields of a usage object that is the document itself."""

Details = TypeVar("Details")


def _only(details: Details | list[Details] | None) -> Details | None:
    """Return the details; of a list, those of its only request. Details of several requests are not separable."""
    if not isinstance(details, list):
        return details
    return details[0] if len(details) == 1 else None


class _Update(NamedTuple):
    """The record of an update, with its tokens and the names of its fields."""

    record: Record
    tokens: UpdateTokens
    names: frozenset[str]


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
        updates: list[_Update] = []
        responses: Counter[UpdateTokens] = Counter()
        repeated: Counter[tuple[UpdateTokens, frozenset[str]]] = Counter()
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
            tokens = (counts.input or 0, counts.output or 0)
            if layers[-1].is_update:
                updates.append(_Update(record, tokens, names_in(document.content)))
                if len(updates) > MAX_WAITING_UPDATES:
                    yield from _resolve_updates(updates[:-MAX_EARLY_UPDATES], responses, repeated, report)
                    del updates[:-MAX_EARLY_UPDATES]
            else:
                if layers[-1].response_key is not None:
                    responses[tokens] += 1
                yield record
        yield from _resolve_updates(updates, responses, repeated, report)


def _resolve_updates(
    updates: Iterable[_Update],
    responses: Counter[UpdateTokens],
    repeated: Counter[tuple[UpdateTokens, frozenset[str]]],
    report: ReadReport,
) -> Iterator[Record]:
    """Yield updates of a source without responses. In others, an update is skipped if it has the tokens of a response.

    Each response is repeated once by updates of one shape. What else they have is usage that was not read.
    """
    for record, tokens, names in updates:
        if not responses:
            yield record
            continue
        repeated[tokens, names] += 1
        if repeated[tokens, names] <= responses[tokens]:
            report.skipped[UPDATE_OF_RESPONSE] += 1
        elif any(tokens):
            counts = dict(zip(("input_tokens", "output_tokens"), tokens, strict=True))
            report.add_unread_counts(record.source, record.line_number, counts)


def _record(
    document: Document, layers: list[AgentsLine], counts: TokenCounts, defaults: LogDefaults, report: ReadReport
) -> Record:
    line = layers[-1]
    usage = line.reported_usage or AgentsUsage()
    model, provider = (
        next((value for layer in layers if (value := getattr(layer, name))), None) for name in ("model", "provider")
    )
    usages = possible_usages(counts) if usage.seconds is None else (Usage({"audio_ms": round(usage.seconds * 1000)}),)
    context = RecordContext(document, defaults, report, layers)
    context.report_uncounted(usages)
    identifier = next((key for layer in reversed(layers) if (key := layer.response_key)), None)
    status = line.response.status if line.response is not None else line.status if line.response_key is not None else None
    return context.record(
        response_key(identifier) if identifier and not usage.is_of_transcription else document.key,
        usages,
        kind="transcription" if usage.is_of_transcription else "response",
        model=model,
        provider=provider,
        outcome=first_text(status),
        part=AgentsUsage(),
    )
