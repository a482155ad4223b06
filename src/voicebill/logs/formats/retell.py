"""Read Retell's calls: answers and exports of its API, and the messages that it sends to a webhook.

Retell counts the seconds of a call, which are read (`platform` at `retell`). For everything else it gives charges in cents by
product, and how many tokens each request to its language model had, without a model or a direction. A charge is not usage:
these are reported as not read, and the charge of the call stands beside its seconds for comparison. Tokens are left out by
Retell if the language model is the user's own or a realtime model.

Sources: retell-sdk 6.2.13 (`PhoneCallResponse`, `WebCallResponse`, `CallListResponse`, `CallCost`, `LlmTokenUsage`), and two
messages in public repositories, read 2026-11-28.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.documents import decode_document, documents, matching_documents
from voicebill.logs.envelope import RecordContext, Time
from voicebill.logs.report import ReadReport
from voicebill.logs.reported_costs import ONE_CENT, parse_reported_cost, with_reported_cost
from voicebill.logs.sources import NumberedLines
from voicebill.logs.unread_usage import counts_in

NAME = "retell"
ABOUT = "Retell's calls, from its API or its webhooks: seconds of a call, and charges that are not read"

PLATFORM = "platform"
"""The model of the seconds that Retell itself charges."""
CALL_TYPES = ("phone_call", "web_call")

CallSeconds = Annotated[float, Meta(ge=0, le=10**9)]


class ProductCost(Struct, gc=False):
    """What one product was charged, in cents."""

    product: str | None = None
    cost: float | None = None


class CallCost(Struct, gc=False):
    """What a call was charged, in cents, and its seconds."""

    combined_cost: float | None = None
    total_duration_seconds: CallSeconds | None = None
    product_costs: list[ProductCost] | None = None


class TokenUsage(Struct, gc=False):
    """The tokens of each request to the language model."""

    values: list[float] | None = None
    num_requests: float | None = None


class RetellCall(Struct, gc=False):
    """A call, a message about one, or a page of calls."""

    call_id: str | None = None
    call_type: str | None = None
    call_status: str | None = None
    start_timestamp: Time = None
    end_timestamp: Time = None
    duration_ms: Annotated[float, Meta(ge=0, le=10**12)] | None = None
    call_cost: CallCost | None = None
    llm_token_usage: TokenUsage | None = None
    call: "RetellCall | None" = None
    items: "list[RetellCall] | None" = None

    @property
    def calls(self) -> Iterator["RetellCall"]:
        """Yield the calls in the document."""
        if self.call is not None:
            yield self.call
        elif self.items is not None:
            yield from self.items
        else:
            yield self

    @property
    def is_distinctive(self) -> bool:
        """Whether only Retell writes calls like this."""
        return self.call_id is not None and self.call_type in CALL_TYPES and self.call_status is not None

    @property
    def call_ms(self) -> int | None:
        """The length of the call: as it was charged, or else as it was measured; None before its end."""
        if self.call_cost is not None and self.call_cost.total_duration_seconds is not None:
            return round(self.call_cost.total_duration_seconds * 1000)
        return None if self.duration_ms is None else round(self.duration_ms)

    @property
    def unread(self) -> dict[str, int | float]:
        """The charges and the tokens of the call, by name."""
        cost, tokens = self.call_cost or CallCost(), self.llm_token_usage or TokenUsage()
        usage: dict[str, Any] = {
            "combined_cost": cost.combined_cost or sum(product.cost or 0 for product in cost.product_costs or ()),
            "llm_tokens": round(sum(tokens.values or ())),
        }
        return counts_in(usage, in_usage=True)


_decoder = msgspec.json.Decoder(RetellCall)
_KEYWORDS = ('"call_type"',)


def matches(sample: Sequence[bytes]) -> bool:
    """Return whether the first documents contain calls."""
    return any(call.is_distinctive for document in matching_documents(sample, _decoder, _KEYWORDS) for call in document.calls)


def read(logs: Iterable[NumberedLines], defaults: LogDefaults, report: ReadReport) -> Iterator[Record]:
    """Yield the records of all sources."""
    for lines in logs:
        for document in documents(lines, report):
            root = decode_document(document, _decoder, report)
            if root is None:
                continue
            context = RecordContext(document, defaults, report)
            records = [record for call in root.calls if (record := _record(call, context)) is not None]
            if not records:
                report.add_other_line(document.source, document.line_number, document.content)
            yield from records


def _record(call: RetellCall, context: RecordContext) -> Record | None:
    """Return the seconds of a call that has ended, and report what else it shows."""
    if call.call_id is None or call.call_ms is None:
        return None
    if unread := call.unread:
        context.report.add_unread_counts(context.document.source, context.document.line_number, unread)
    record = context.record(
        f"retell:{call.call_id}",
        (Usage({"call_ms": call.call_ms}),),
        kind="session",
        provider="retell",
        model=PLATFORM,
        session=call.call_id,
        times=(call.end_timestamp, call.start_timestamp),
    )
    amount = parse_reported_cost(call.call_cost.combined_cost if call.call_cost else None, ONE_CENT)
    (costed,) = with_reported_cost((record,), amount, has_uncounted=True)
    return costed
