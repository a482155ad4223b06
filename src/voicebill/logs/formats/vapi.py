"""Read Vapi's calls: exports and answers of its API, and the reports that it sends to a server at the end of a call.

Each entry of `costs` is an item with a count of its own: tokens of a model, minutes of a transcriber, characters of a voice,
minutes of a carrier, and minutes of Vapi itself (`platform` at `vapi`). These are read, with the provider and the model that
they name. Vapi's dollar amounts are charges, not usage, and are never counted: an item's stands beside ours for comparison, or
if items have none, that of `costBreakdown` for a part of which there is one item, or that of the call. `costBreakdown` sums the
same items and is ignored beside them otherwise; without them it names no model, so its counts are not read. A part of an item's
counts, such as `structuredOutputBreakdown`, is not read again. Tokens of the conversation have no modality.

Sources: vapi-server-sdk 3.0.0 (`Call`, `ServerMessageEndOfCallReport`, `CallCostsItem`, `ModelCost` and the types beside it),
and an export of calls of June 2025 in a public repository, read 2026-11-28.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta, Struct

from voicebill.billing.record import Record, RecordKind
from voicebill.billing.usage import Usage
from voicebill.logs.counts import MAX_COUNT, TokenCounts, possible_usages
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.documents import decode_document, documents, matching_documents
from voicebill.logs.envelope import RecordContext, Time
from voicebill.logs.providers import normalize_provider
from voicebill.logs.report import ReadReport, first_of
from voicebill.logs.reported_costs import first_reported_cost, parse_reported_cost, with_reported_cost
from voicebill.logs.sources import NumberedLines
from voicebill.logs.unread_usage import counts_in

NAME = "vapi"
ABOUT = "Vapi's calls and end-of-call reports, with the counts of each component"

CALL_MINUTES = {"vapi": ("vapi", "platform"), "transport": ("unnamed carrier", "transport")}
"""The provider, if an item names none, and the model of minutes of the call itself."""
LARGEST_QUANTITY = 10**9
MAX_TYPE_LENGTH = 40

CallTokens = Annotated[float, Meta(ge=0, le=MAX_COUNT)]
CallQuantity = Annotated[float, Meta(ge=0, le=LARGEST_QUANTITY)]


class CallComponent(Struct, gc=False):
    """A model, a voice or a transcriber, by provider and name."""

    provider: str | None = None
    model: str | None = None
    reasoner: "CallComponent | None" = None


class CostItem(Struct, gc=False, rename="camel"):
    """A component of a call with its counts."""

    type: str | None = None
    provider: str | None = None
    model: CallComponent | None = None
    transcriber: CallComponent | None = None
    voice: CallComponent | None = None
    minutes: CallQuantity | None = None
    seconds: CallQuantity | None = None
    characters: CallQuantity | None = None
    prompt_tokens: CallTokens | None = None
    completion_tokens: CallTokens | None = None
    cached_prompt_tokens: CallTokens | None = None
    reasoning_tokens: CallTokens | None = None
    prompt_text_tokens: CallTokens | None = None
    prompt_audio_tokens: CallTokens | None = None
    completion_text_tokens: CallTokens | None = None
    completion_audio_tokens: CallTokens | None = None
    usage_complete: bool | None = None
    cost: Any = None

    @property
    def counts(self) -> TokenCounts:
        """The counts of tokens. Those of voicemail detection are by modality."""
        return TokenCounts(
            input=_rounded(self.prompt_tokens),
            output=_rounded(self.completion_tokens),
            text_in=_rounded(self.prompt_text_tokens),
            audio_in=_rounded(self.prompt_audio_tokens),
            cached=_rounded(self.cached_prompt_tokens),
            text_out=_rounded(self.completion_text_tokens),
            audio_out=_rounded(self.completion_audio_tokens),
            reasoning=_rounded(self.reasoning_tokens),
        )

    @property
    def has_tokens(self) -> bool:
        """Whether it counts tokens, and not none of them."""
        counts = self.counts
        return any((counts.input, counts.output, counts.text_in, counts.audio_in, counts.text_out, counts.audio_out))

    @property
    def quantities(self) -> dict[str, int]:
        """The seconds and characters, by meter."""
        if self.type == "model" and self.seconds:
            return {"session_ms": round(self.seconds * 1000)}
        if self.minutes:
            return {"audio_ms" if self.type == "transcriber" else "call_ms": round(self.minutes * 60_000)}
        return {"characters_in": round(self.characters)} if self.characters else {}


class VapiCall(Struct, gc=False, rename="camel"):
    """A call, a chat, or a message to a server about one."""

    id: str | None = None
    created_at: Time = None
    started_at: Time = None
    ended_at: Time = None
    updated_at: Time = None
    timestamp: Time = None
    cost: Any = None
    costs: list[dict[str, Any]] | None = None
    cost_breakdown: dict[str, Any] | None = None
    call: "VapiCall | None" = None
    message: "VapiCall | str | None" = None
    results: "list[VapiCall] | None" = None

    @property
    def calls(self) -> Iterator["VapiCall"]:
        """Yield the calls in the document. A message has the costs of its call, which may lack them."""
        if isinstance(self.message, VapiCall):
            yield from self.message.calls
        elif self.results is not None:
            yield from self.results
        elif self.call is not None:
            call = self.call
            call.costs = self.costs if self.costs is not None else call.costs
            call.cost = self.cost if self.cost is not None else call.cost
            call.cost_breakdown = self.cost_breakdown or call.cost_breakdown
            call.started_at, call.ended_at = call.started_at or self.started_at, call.ended_at or self.ended_at
            call.timestamp = call.timestamp or self.timestamp
            yield call
        else:
            yield self

    @property
    def is_costed(self) -> bool:
        """Whether it shows what it used."""
        return any(str(item.get("type")) in KINDS_BY_COMPONENT for item in self.costs or ()) or bool(self.cost_breakdown)

    @property
    def times(self) -> tuple[Time, ...]:
        """The end of the call, or else another time of it."""
        return (self.ended_at, self.started_at, self.created_at, self.updated_at, self.timestamp)


BREAKDOWN_TYPES = {"stt": "transcriber", "llm": "model", "tts": "voice", "vapi": "vapi", "transport": "transport"}
"""The types of items by their part in `costBreakdown`."""

KINDS_BY_COMPONENT: dict[str, RecordKind] = {
    "transport": "session",
    "transcriber": "transcription",
    "model": "response",
    "voice": "response",
    "vapi": "session",
    "voicemail-detection": "out-of-band",
    "analysis": "out-of-band",
    "knowledge-base": "out-of-band",
}
"""The types of items that count something, and what kind of record each is."""

_decoder = msgspec.json.Decoder(VapiCall)
_KEYWORDS = ('"costs"', '"costBreakdown"')


def matches(sample: Sequence[bytes]) -> bool:
    """Return whether the first documents contain calls with what they used."""
    return any(
        call.is_costed and call.id is not None
        for document in matching_documents(sample, _decoder, _KEYWORDS)
        for call in document.calls
    )


def read(logs: Iterable[NumberedLines], defaults: LogDefaults, report: ReadReport) -> Iterator[Record]:
    """Yield the records of all sources."""
    for lines in logs:
        for document in documents(lines, report):
            root = decode_document(document, _decoder, report)
            if root is None:
                continue
            context = RecordContext(document, defaults, report)
            calls = list(root.calls)
            if not any(call.is_costed for call in calls):
                report.add_other_line(document.source, document.line_number, document.content)
            for number, call in enumerate(calls, 1):
                yield from _records(call, context, number)


def _records(call: VapiCall, context: RecordContext, number: int) -> Iterator[Record]:
    name = f"vapi:{call.id}" if call.id else context.document.key_of(number)
    seen: Counter[str] = Counter()
    items: list[_ItemRecords] = []
    for values in call.costs or ():
        kind = str(values.get("type"))[:MAX_TYPE_LENGTH]
        seen[kind] += 1
        records: list[Record] = []
        amount: int | None = None
        try:
            item = msgspec.convert(values, CostItem)
            records = list(_item_records(item, call, context, f"{name}:{kind}:{seen[kind]}"))
            amount = parse_reported_cost(item.cost)
        except msgspec.ValidationError as error:
            context.report.add_error(context.document.source, context.document.line_number, f"a cost of a call: {error}")
        if not records and (counts := counts_in(_numbers(values), in_usage=True)):
            context.report.add_unread_counts(context.document.source, context.document.line_number, counts)
        items.append(_ItemRecords(kind, amount, records))
    yield from _with_costs(call, items)
    if not call.costs and (counts := counts_in(call.cost_breakdown, in_usage=True)):
        context.report.add_unread_counts(context.document.source, context.document.line_number, counts)


class _ItemRecords(NamedTuple):
    """The type of an item, what it cost by Vapi in picodollars, and its records."""

    kind: str
    amount: int | None
    records: list[Record]


def _with_costs(call: VapiCall, items: Sequence[_ItemRecords]) -> Iterator[Record]:
    """Yield the records of a call, each with what Vapi says that it cost: by item, or else by part, or else in sum."""
    breakdown, kinds = call.cost_breakdown or {}, Counter(item.kind for item in items)
    parts = {BREAKDOWN_TYPES[name]: parse_reported_cost(value) for name, value in breakdown.items() if name in BREAKDOWN_TYPES}
    amounts = [parts.get(item.kind) if item.amount is None and kinds[item.kind] == 1 else item.amount for item in items]
    if all(amount is None for amount in amounts):
        records = [record for item in items for record in item.records]
        total = first_reported_cost(call.cost, breakdown.get("total"))
        yield from with_reported_cost(records, total, has_uncounted=any(not item.records for item in items))
        return
    for item, amount in zip(items, amounts, strict=True):
        yield from with_reported_cost(item.records, amount)


def _item_records(item: CostItem, call: VapiCall, context: RecordContext, key: str) -> Iterator[Record]:
    """Yield the records of an item: one, or two of a live model, whose seconds and whose reasoner's tokens are charged."""
    kind = KINDS_BY_COMPONENT.get(item.type or "")
    if kind is None:
        return
    component = item.model or item.transcriber or item.voice or CallComponent()
    if item.type in CALL_MINUTES:
        provider, model = CALL_MINUTES[item.type]
        component = CallComponent(item.provider or provider, model)
    if item.usage_complete is False:
        context.report.add_unread_counts(context.document.source, context.document.line_number, {})
    if quantities := item.quantities:
        record_kind: RecordKind = "session" if "session_ms" in quantities else kind
        yield _record(item, component, (Usage(quantities),), call, context, key=key, kind=record_kind)
        component = component.reasoner or CallComponent(component.provider)
        key = f"{key}:reasoner"
    if item.has_tokens:
        yield _record(item, component, possible_usages(item.counts), call, context, key=key, kind=kind)


def _record(
    item: CostItem,
    component: CallComponent,
    usages: tuple[Usage, ...],
    call: VapiCall,
    context: RecordContext,
    *,
    key: str,
    kind: RecordKind,
) -> Record:
    return context.record(
        key,
        usages,
        kind=kind,
        provider=normalize_provider(component.provider),
        model=first_of(component.model, f"unnamed {item.type}"),
        session=call.id,
        times=call.times,
    )


def _numbers(values: Mapping[str, object]) -> dict[str, object]:
    """Return the numbers of an item itself, without those in the settings of its model."""
    return {name: value for name, value in values.items() if isinstance(value, int | float)}


def _rounded(count: float | None) -> int | None:
    return None if count is None else round(count)
