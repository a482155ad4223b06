"""Read LiteLLM spend logs (rows of `LiteLLM_SpendLogs`, as JSON or CSV), standard logging payloads and callback arguments.

A success callback is called with `kwargs`, which have the standard logging payload, and with the response and its times;
people log these together or `kwargs` alone. The payload counts if it is there, else the usage of the response.

A realtime session is one row, the sum of its responses. A session that is billed by time has zeros there: its usage is in the
events that its response lists, the seconds of the session and the tokens of the model behind it. So is that of a response
that was logged alone. LiteLLM's own dollar amounts stand beside ours for comparison; that of a session covers all records of
its row. Rows that LiteLLM answered from its own cache cost nothing at
the provider and are skipped. Rows without counts have no usage: speech, and transcription by the second, are logged with zeros.
The tenant is the team, or else the end user, or the user of the key. For Azure the model is the one that LiteLLM prices by,
since the row's model name is that of a deployment.

Sources: LiteLLM's proxy/_types.py and types/utils.py, read 2026-11-22; of 1.110.2 also proxy/schema.prisma,
integrations/custom_logger.py, litellm_core_utils/litellm_logging.py and llms/openai/live/handler.py, and public code that logs
callbacks, read 2026-11-28.
"""

import re
from ast import literal_eval
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct, structs

from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.logs.counts import TokenCounts, no_usage, possible_usages
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.delimited import InvalidRow, filled_rows, is_vendor_table, parse_cell_count
from voicebill.logs.documents import Document, decode_document, documents, matching_documents
from voicebill.logs.envelope import Name, RecordContext, Time, first_text
from voicebill.logs.formats.realtime import read_listed_events
from voicebill.logs.formats.realtime_events import Count, ModalityTokens
from voicebill.logs.keys import response_key
from voicebill.logs.providers import normalize_provider
from voicebill.logs.report import ReadReport, first_of
from voicebill.logs.reported_costs import first_reported_cost, with_reported_cost
from voicebill.logs.sources import NumberedLines

NAME = "litellm"
ABOUT = "LiteLLM's spend logs, as JSON or CSV, standard logging payloads and arguments of callbacks"

OUTCOMES = {"success": "completed", "failure": "failed"}
TRANSCRIPTION_CALLS = frozenset({"transcription", "atranscription"})
EVENT_WITH_USAGE = re.compile(
    rb"""\\?"type\\?":\s?\\?"(?:response\.(?:done|completed|event)|session\.(?:usage\.updated|closed)|[\w.]+tion\.completed)\\?\""""
)
"""The type of an event with usage, also in JSON in a text."""
MAX_LITERAL_LENGTH = 1_000_000
FROM_CACHE = "answered from LiteLLM's own cache"
DEPLOYMENT_ZONES = {"global": "global", "global-standard": "global", "eu": "data-zone", "us": "data-zone"}
"""The zone between Azure's name and the model's in LiteLLM's price names, and the deployment type that it means."""


class TokenDetails(Struct, gc=False):
    """The parts of the input or output; any may be null."""

    text_tokens: Count | None = None
    audio_tokens: Count | None = None
    image_tokens: Count | None = None
    cached_tokens: Count | None = None
    cached_tokens_details: ModalityTokens | None = None
    reasoning_tokens: Count | None = None


class UsageObject(Struct, gc=False):
    """`usage_object`: the counts that LiteLLM logs."""

    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    total_tokens: Count | None = None
    prompt_tokens_details: TokenDetails | None = None
    completion_tokens_details: TokenDetails | None = None
    cache_read_input_tokens: Count | None = None
    seconds: Annotated[float, Meta(ge=0, le=10**9)] | None = None


class ModelMapInformation(Struct, gc=False):
    """The model that LiteLLM prices by."""

    model_map_key: str | None = None


class Metadata(Struct, gc=False):
    """The metadata of a call."""

    usage_object: UsageObject | None = None
    model_map_information: ModelMapInformation | None = None


class CallParameters(Struct, gc=False):
    """`litellm_params` of a callback's arguments."""

    metadata: Metadata | str | None = None


class CallResponse(Struct, gc=False):
    """The response that a callback is called with."""

    id: str | None = None
    usage: UsageObject | str | None = None
    results: list[Raw] | None = None
    """The events of a realtime session."""


class SpendLogRow(Struct, gc=False):
    """A row of a spend log, a standard logging payload, the arguments of a callback, or an envelope around one of them."""

    request_id: str | None = None
    id: str | None = None
    call_type: str | None = None
    model: str | None = None
    custom_llm_provider: str | None = None
    startTime: Time = None  # noqa: N815 - LiteLLM's name
    endTime: Time = None  # noqa: N815
    start_time: Time = None
    end_time: Time = None
    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    total_tokens: Count | None = None
    spend: Any = None
    response_cost: Any = None
    session_id: Name = None
    trace_id: Name = None
    status: str | None = None
    cache_hit: str | bool | None = None
    model_map_information: ModelMapInformation | None = None
    metadata: Metadata | str | None = None
    litellm_call_id: str | None = None
    litellm_params: CallParameters | str | None = None
    combined_usage_object: UsageObject | str | None = None
    standard_logging_object: "SpendLogRow | str | None" = None
    kwargs: "SpendLogRow | str | None" = None
    response_obj: CallResponse | str | None = None
    completion_response: CallResponse | str | None = None
    completion_obj: CallResponse | str | None = None
    data: "list[SpendLogRow] | SpendLogRow | str | None" = None
    results: list[Raw] | None = None
    logged_response: Raw = msgspec.field(default=Raw(b""), name="response")
    """The response in a logging payload, as an object or as JSON in a text; of most calls it is the conversation."""

    @property
    def rows(self) -> Iterator["SpendLogRow"]:
        """The rows in a document."""
        if isinstance(self.standard_logging_object, SpendLogRow):
            yield self.standard_logging_object
        elif isinstance(self.kwargs, SpendLogRow):
            yield from structs.replace(
                self.kwargs, response_obj=self.response, start_time=self.start_time, end_time=self.end_time
            ).rows
        elif self.call_type is not None:
            yield self
        elif isinstance(self.data, list):
            yield from self.data if any(row.is_row for row in self.data) else ()
        elif self.usage_events:
            yield self

    @property
    def is_row(self) -> bool:
        """Whether this is a row of its own, and not an object of another product."""
        return self.call_type is not None or self.prompt_tokens is not None or bool(self.usage_events)

    @property
    def response(self) -> CallResponse | None:
        """The response that a callback was called with."""
        responses = (self.response_obj, self.completion_response, self.completion_obj)
        return next((response for response in responses if isinstance(response, CallResponse)), None)

    @property
    def usage_events(self) -> list[bytes]:
        """The events of a realtime session in the response, if any of them shows usage."""
        logged = _decoded_results(bytes(self.logged_response)) if EVENT_WITH_USAGE.search(bytes(self.logged_response)) else None
        results = self.results or (self.response.results if self.response else None) or logged or []
        events = [bytes(event) for event in results]
        return events if any(EVENT_WITH_USAGE.search(event) for event in events) else []

    @property
    def response_usage(self) -> UsageObject | None:
        """The usage among a callback's arguments: of a realtime session, or of the response."""
        usages = (self.combined_usage_object, self.response.usage if self.response else None)
        return next((usage for usage in usages if isinstance(usage, UsageObject)), None)


_decoder = msgspec.json.Decoder(SpendLogRow)
_decode_response = msgspec.json.Decoder(CallResponse | str).decode
_decode_metadata = msgspec.json.Decoder(Metadata).decode
_KEYWORDS = ("call_type", '"results"')
COUNT_COLUMNS_READ = ("prompt_tokens", "completion_tokens", "total_tokens")
TEXT_COLUMNS_READ = (
    *("request_id", "call_type", "model", "custom_llm_provider", "start_time", "end_time", "user", "end_user", "team_id"),
    *("session_id", "status", "cache_hit", "metadata", "spend"),
)


def matches(sample: Sequence[bytes]) -> bool:
    """Return whether the first line is the database's header, or the first documents have a call's type and provider."""
    return is_vendor_table(NAME, sample) or any(
        _is_spend_log(row) for document in matching_documents(sample, _decoder, _KEYWORDS) for row in document.rows
    )


def _decoded_results(response: bytes) -> list[Raw] | None:
    """Return the results in a response, which may be JSON in a text; None without any."""
    for _ in range(2):
        try:
            decoded = _decode_response(response)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None
        if isinstance(decoded, CallResponse):
            return decoded.results
        response = decoded.encode()
    return None


def _is_spend_log(row: SpendLogRow) -> bool:
    if row.call_type is None and row.usage_events:
        return True
    has_identifier = _identifier(row) is not None
    return (
        has_identifier and row.call_type is not None and (row.prompt_tokens is not None or row.custom_llm_provider is not None)
    )


def read(logs: Iterable[NumberedLines], defaults: LogDefaults, report: ReadReport) -> Iterator[Record]:
    """Yield the records of all sources."""
    for lines in logs:
        if is_vendor_table(NAME, lines.sample(1, 1)):
            for document, row in _table_rows(lines, report):
                yield from _records(row, RecordContext(document, defaults, report), 0, None)
            continue
        for document in documents(lines, report):
            root = decode_document(document, _decoder, report)
            if root is None:
                continue
            rows = list(root.rows)
            if not rows:
                report.add_other_line(document.source, document.line_number, document.content)
            for number, row in enumerate(rows, 1):
                part = structs.replace(row, response_cost=None) if len(rows) > 1 else None
                path = ("data", number - 1) if isinstance(root.data, list) else ()
                yield from _records(row, RecordContext(document, defaults, report, path=path), number, part)


def _table_rows(lines: NumberedLines, report: ReadReport) -> Iterator[tuple[Document, SpendLogRow]]:
    """Yield the rows of a table of the database, each with a document of its cells."""
    for line_number, row in filled_rows(NAME, lines, report):
        fields: dict[str, object] = {name: row[name] for name in TEXT_COLUMNS_READ if name in row}
        document = Document(lines.name, lines.identity, line_number, msgspec.json.encode(row))
        try:
            fields |= {name: parse_cell_count(name, row[name]) for name in COUNT_COLUMNS_READ if name in row}
        except InvalidRow as error:
            report.add_error(lines.name, line_number, str(error))
            report.add_unread_line(lines.name, line_number, document.content)
        else:
            yield document, msgspec.convert(fields, SpendLogRow)


def _records(row: SpendLogRow, context: RecordContext, number: int, part: SpendLogRow | None) -> Iterator[Record]:
    if str(row.cache_hit).lower() == "true":
        context.report.skipped[FROM_CACHE] += 1
        return
    metadata = _metadata(row, context.document, context.report)
    if metadata is None:
        return
    provider, deployment, model = _resolve_model(row, metadata)
    identifier, outcome = _identifier(row), OUTCOMES.get(row.status or "", row.status)
    counts = _counts(row, metadata.usage_object or row.response_usage or UsageObject())
    amount = first_reported_cost(row.spend, row.response_cost)
    usages, times = _usages(row, metadata), (row.endTime, row.end_time, row.startTime, row.start_time)
    events = row.usage_events if usages[0].status == "missing" or row.call_type is None else []
    if events:
        defaults = context.defaults
        records = read_listed_events(
            events,
            context.document,
            replace(
                defaults,
                provider=provider or defaults.provider,
                model=model or defaults.model,
                deployment=deployment or defaults.deployment,
            ),
            context.report,
            session=first_text(row.session_id, row.trace_id, identifier) or context.document.key_of(number),
            time=next((time for time in times if time is not None), None),
        )
        yield from with_reported_cost(list(records), amount)
        return
    record = context.record(
        response_key(identifier) if identifier else context.document.key_of(number),
        usages,
        kind="transcription" if row.call_type in TRANSCRIPTION_CALLS else "response",
        provider=provider,
        model=model,
        deployment=deployment,
        session=first_text(row.session_id, row.trace_id),
        times=times,
        outcome=outcome,
        part=part,
    )
    yield from with_reported_cost((record,), amount, reasoning_tokens=counts.reasoning or 0)


def _identifier(row: SpendLogRow) -> str | None:
    return first_of(row.request_id, row.id, row.response.id if row.response else None, row.litellm_call_id)


def _metadata(row: SpendLogRow, document: Document, report: ReadReport) -> Metadata | None:
    """Return a row's metadata, which the database stores as text. Unreadable metadata is reported, and gives None."""
    metadata = row.metadata
    if metadata is None and isinstance(row.litellm_params, CallParameters):
        metadata = row.litellm_params.metadata
    if not isinstance(metadata, str):
        return metadata or Metadata()
    try:
        return _decode_metadata(_as_json(metadata)) if metadata.strip() else Metadata()
    except (msgspec.MsgspecError, ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        report.add_error(document.source, document.line_number, "its metadata is not JSON in LiteLLM's format")
        report.add_unread_line(document.source, document.line_number, document.content)
        return None


def _as_json(metadata: str) -> str | bytes:
    """Return metadata as JSON, also if a table was written by Python, which quotes names with apostrophes."""
    if not metadata.lstrip().startswith("{'") or len(metadata) > MAX_LITERAL_LENGTH:
        return metadata
    return msgspec.json.encode(literal_eval(metadata))


def _resolve_model(row: SpendLogRow, metadata: Metadata) -> tuple[str | None, str | None, str | None]:
    """Return provider, deployment and model, which LiteLLM writes as one name with slashes.

    >>> _resolve_model(SpendLogRow(model="azure/eu/gpt-4o-realtime-preview-2024-12-17"), Metadata())
    ('azure', 'data-zone', 'gpt-4o-realtime-preview-2024-12-17')
    >>> _resolve_model(SpendLogRow(model="gpt-realtime", custom_llm_provider="openai"), Metadata())
    ('openai', None, 'gpt-realtime')
    """
    pricing_key = first_of(
        *(
            information.model_map_key
            for information in (row.model_map_information, metadata.model_map_information)
            if information
        )
    )
    prefix, _, name = (row.model or "").rpartition("/")
    provider = normalize_provider(first_of(row.custom_llm_provider, prefix.partition("/")[0]))
    if provider == "azure" and pricing_key:
        prefix, _, name = pricing_key.rpartition("/")
    deployment = DEPLOYMENT_ZONES.get(prefix.rpartition("/")[2]) if provider == "azure" else None
    is_voicebill_provider = provider in ("openai", "azure") or not prefix
    return provider, deployment, (name if is_voicebill_provider else row.model) or None


def _usages(row: SpendLogRow, metadata: Metadata) -> tuple[Usage, ...]:
    usage_object = metadata.usage_object or row.response_usage or UsageObject()
    if row.call_type in TRANSCRIPTION_CALLS and usage_object.seconds:
        return (Usage({"audio_ms": round(usage_object.seconds * 1000)}),)
    counts = _counts(row, usage_object)
    if not counts.input and not counts.output and not counts.total:
        return no_usage()
    if row.call_type in TRANSCRIPTION_CALLS and counts.text_out is None and counts.audio_out is None:
        counts.text_out = counts.output
    return possible_usages(counts)


def _counts(row: SpendLogRow, usage_object: UsageObject) -> TokenCounts:
    input_details, output_details = (
        usage_object.prompt_tokens_details or TokenDetails(),
        usage_object.completion_tokens_details or TokenDetails(),
    )
    cached = input_details.cached_tokens_details or ModalityTokens()
    return TokenCounts(
        total=_first_count(usage_object.total_tokens, row.total_tokens),
        input=_first_count(usage_object.prompt_tokens, row.prompt_tokens),
        output=_first_count(usage_object.completion_tokens, row.completion_tokens),
        text_in=input_details.text_tokens,
        audio_in=input_details.audio_tokens,
        image_in=input_details.image_tokens,
        cached=_first_count(input_details.cached_tokens, usage_object.cache_read_input_tokens),
        text_cached=cached.text_tokens,
        audio_cached=cached.audio_tokens,
        image_cached=cached.image_tokens,
        text_out=output_details.text_tokens,
        audio_out=output_details.audio_tokens,
        reasoning=output_details.reasoning_tokens,
    )


def _first_count(*counts: int | None) -> int | None:
    return next((count for count in counts if count is not None), None)
