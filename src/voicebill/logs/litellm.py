"""LiteLLM's spend logs (rows of `LiteLLM_SpendLogs`) and its standard logging payloads, as JSON.

A realtime session is one row there, the sum of its responses. What LiteLLM itself makes of it in dollars is not read. Rows
that it answered from its own cache cost nothing at the provider and are left out. Rows that count nothing have no usage:
speech and transcriptions by the second are logged with zeros. The tenant is the end user, or else the team, or the user of
the key. Of Azure the model is the one that LiteLLM prices by, since the name in front is a deployment's.

Sources: LiteLLM's proxy/_types.py and types/utils.py, read 2026-11-22.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.logs.counts import Counts, no_usage, readings
from voicebill.logs.documents import Document, any_of, decoded, documents
from voicebill.logs.envelope import Around, Name, Time, text
from voicebill.logs.keys import response_key
from voicebill.logs.providers import provider_named
from voicebill.logs.realtime_events import Count, Split
from voicebill.logs.sources import Lines
from voicebill.logs.told import Report, Told, first_of

NAME = "litellm"
ABOUT = "LiteLLM's spend logs and standard logging payloads, as JSON"

OUTCOMES = {"success": "completed", "failure": "failed"}
HEARING = frozenset({"transcription", "atranscription"})
FROM_CACHE = "answered from LiteLLM's own cache"
ZONES = {"global": "global", "global-standard": "global", "eu": "data-zone", "us": "data-zone"}
"""What may stand between Azure's name and the model's in LiteLLM's prices, and the deployment that it means."""


class Details(Struct, gc=False):
    """The parts of a side; any may be null."""

    text_tokens: Count | None = None
    audio_tokens: Count | None = None
    image_tokens: Count | None = None
    cached_tokens: Count | None = None
    cached_tokens_details: Split | None = None
    reasoning_tokens: Count | None = None


class Used(Struct, gc=False):
    """`usage_object`: counts as LiteLLM passes them on."""

    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    total_tokens: Count | None = None
    prompt_tokens_details: Details | None = None
    completion_tokens_details: Details | None = None
    cache_read_input_tokens: Count | None = None
    seconds: Annotated[float, Meta(ge=0, le=10**9)] | None = None


class Priced(Struct, gc=False):
    """By which model LiteLLM prices."""

    model_map_key: str | None = None


class Metadata(Struct, gc=False):
    """What LiteLLM keeps beside a call."""

    usage_object: Used | None = None
    model_map_information: Priced | None = None
    user_api_key_end_user_id: Name = None
    user_api_key_team_id: Name = None
    user_api_key_user_id: Name = None


class Row(Struct, gc=False):
    """A spend log's row, or a standard logging payload; also what either comes in."""

    request_id: str | None = None
    id: str | None = None
    call_type: str | None = None
    model: str | None = None
    custom_llm_provider: str | None = None
    startTime: Time = None  # noqa: N815 - as LiteLLM writes it
    endTime: Time = None  # noqa: N815
    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    total_tokens: Count | None = None
    user: Name = None
    end_user: Name = None
    team_id: Name = None
    session_id: Name = None
    trace_id: Name = None
    status: str | None = None
    cache_hit: str | bool | None = None
    model_map_information: Priced | None = None
    metadata: Metadata | str | None = None
    standard_logging_object: "Row | None" = None
    data: "list[Row] | Row | str | None" = None

    @property
    def rows(self) -> Iterator["Row"]:
        """The rows that a document holds."""
        if self.call_type is not None:
            yield self
        elif self.standard_logging_object is not None:
            yield self.standard_logging_object
        elif isinstance(self.data, list):
            yield from self.data


decoder = msgspec.json.Decoder(Row)
decode_metadata = msgspec.json.Decoder(Metadata).decode
WORDS = ("call_type",)


def recognises(sample: Sequence[bytes]) -> bool:
    """Whether the first documents hold rows of calls, with LiteLLM's names for their kind and provider."""
    return any(_is_ours(row) for found in any_of(sample, decoder, WORDS) for row in found.rows)


def _is_ours(row: Row) -> bool:
    named = row.request_id is not None or row.id is not None
    return named and row.call_type is not None and (row.prompt_tokens is not None or row.custom_llm_provider is not None)


def read(logs: Iterable[Lines], told: Told, report: Report) -> Iterator[Record]:
    """The records of all sources."""
    for lines in logs:
        for document in documents(lines, report):
            found = decoded(document, decoder, report)
            if found is None:
                continue
            rows = list(found.rows)
            if not rows:
                report.other_lines += 1
            for number, row in enumerate(rows, 1):
                yield from _records(row, Around(document, told, report), number)


def _records(row: Row, around: Around, number: int) -> Iterator[Record]:
    if str(row.cache_hit).lower() == "true":
        around.report.skipped[FROM_CACHE] += 1
        return
    metadata = _metadata(row, around.document, around.report)
    if metadata is None:
        return
    provider, deployment, model = _sold(row, metadata)
    identifier, outcome = row.request_id or row.id, OUTCOMES.get(row.status or "", row.status)
    yield around.record(
        response_key(identifier) if identifier else around.document.key_of(number),
        _used(row, metadata),
        kind="transcription" if row.call_type in HEARING else "response",
        provider=provider,
        model=model,
        deployment=deployment,
        session=text(row.session_id, row.trace_id),
        tenant=text(row.end_user, metadata.user_api_key_end_user_id, row.team_id, metadata.user_api_key_team_id)
        or text(row.user, metadata.user_api_key_user_id),
        times=(row.endTime, row.startTime),
        outcome=outcome,
    )


def _metadata(row: Row, document: Document, report: Report) -> Metadata | None:
    """A row's metadata, which the database keeps as text; None, and reported, where that cannot be read."""
    if not isinstance(row.metadata, str):
        return row.metadata or Metadata()
    try:
        return decode_metadata(row.metadata) if row.metadata.strip() else Metadata()
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        report.broke(document.source, document.ordinal, "its metadata is not as LiteLLM writes it")
        return None


def _sold(row: Row, metadata: Metadata) -> tuple[str | None, str | None, str | None]:
    """Provider, deployment and model, which LiteLLM writes as one name with slashes.

    >>> _sold(Row(model="azure/eu/gpt-4o-realtime-preview-2024-12-17"), Metadata())
    ('azure', 'data-zone', 'gpt-4o-realtime-preview-2024-12-17')
    >>> _sold(Row(model="gpt-realtime", custom_llm_provider="openai"), Metadata())
    ('openai', None, 'gpt-realtime')
    """
    priced = first_of(*(each.model_map_key for each in (row.model_map_information, metadata.model_map_information) if each))
    before, _, rest = (row.model or "").rpartition("/")
    provider = provider_named(first_of(row.custom_llm_provider, before.partition("/")[0]))
    if provider == "azure" and priced:
        before, _, rest = priced.rpartition("/")
    deployment = ZONES.get(before.rpartition("/")[2]) if provider == "azure" else None
    known = provider in ("openai", "azure") or not before
    return provider, deployment, (rest if known else row.model) or None


def _used(row: Row, metadata: Metadata) -> tuple[Usage, ...]:
    used = metadata.usage_object or Used()
    if row.call_type in HEARING and used.seconds:
        return (Usage({"audio_ms": round(used.seconds * 1000)}),)
    counts = _counts(row, used)
    if not counts.input and not counts.output and not counts.total:
        return no_usage()
    if row.call_type in HEARING and counts.text_out is None and counts.audio_out is None:
        counts.text_out = counts.output
    return readings(counts)


def _counts(row: Row, used: Used) -> Counts:
    given, made = used.prompt_tokens_details or Details(), used.completion_tokens_details or Details()
    cached = given.cached_tokens_details or Split()
    return Counts(
        total=_first(used.total_tokens, row.total_tokens),
        input=_first(used.prompt_tokens, row.prompt_tokens),
        output=_first(used.completion_tokens, row.completion_tokens),
        text_in=given.text_tokens,
        audio_in=given.audio_tokens,
        image_in=given.image_tokens,
        cached=_first(given.cached_tokens, used.cache_read_input_tokens),
        text_cached=cached.text_tokens,
        audio_cached=cached.audio_tokens,
        image_cached=cached.image_tokens,
        text_out=made.text_tokens,
        audio_out=made.audio_tokens,
        reasoning=made.reasoning_tokens,
    )


def _first(*counts: int | None) -> int | None:
    return next((each for each in counts if each is not None), None)
