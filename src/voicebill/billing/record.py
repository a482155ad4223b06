"""Define a record: what a log reports about one response, transcription or session.

A record holds its usage and everything that pricing, grouping and deduplication need, and nothing of the conversation's
content.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal, get_args

from voicebill.billing.errors import InvalidInput
from voicebill.billing.fingerprint import fingerprint
from voicebill.billing.usage import Status, Usage

RecordKind = Literal["response", "out-of-band", "transcription", "session"]
"""What was billed: a response, an out-of-band response, the transcription of the user, or the time of a session."""

RECORD_KINDS: tuple[RecordKind, ...] = get_args(RecordKind)


@dataclass(frozen=True, slots=True)
class ResponseDetails:
    """What events tell of a response beyond its usage: numbers, and a fingerprint. None: not known.

    New is what came after the response before it in the same session: `user_messages` are spoken messages, which last
    `user_audio_ms` as committed; `text_messages` are typed; `tool_results` are results of tools. `played_ms`: how much of the
    reply before it was played, if the user interrupted that; `deleted_items` are items that the client deleted. Of its own
    output: `tool_calls`, `reply_messages`, and `reasoning_tokens`, which are part of its text tokens. `prompt` is a
    fingerprint of its instructions and tools, made with a key that belongs to one log or ledger.
    """

    user_messages: int | None = None
    user_audio_ms: int | None = None
    text_messages: int | None = None
    tool_results: int | None = None
    played_ms: int | None = None
    deleted_items: int | None = None
    tool_calls: int | None = None
    reply_messages: int | None = None
    reasoning_tokens: int | None = None
    prompt: str | None = None


NO_DETAILS = ResponseDetails()


@dataclass(frozen=True, slots=True)
class ReportedCost:
    """What another tool says that a record cost: it is compared with our amount, and never counted.

    `amount` is in picodollars. `covers` are the keys of further records that are in the amount, such as those of a call that
    has one amount. `has_uncounted` says that it also covers charges whose usage the log does not have. `reasoning_tokens` are
    those of the record, which are part of its text tokens: tools bill them twice.
    """

    amount: int
    covers: tuple[str, ...] = ()
    has_uncounted: bool = False
    reasoning_tokens: int = 0


_TRUST: dict[Status, int] = {"missing": 0, "inconsistent": 1, "ambiguous": 2, "exact": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One billed response, transcription or session, as a log reports it.

    `key` identifies it: two records with the same key are duplicates. `usage_candidates` are the usages that its counts
    allow: one, or every extreme one if the status is ambiguous or inconsistent. A field that the log does not report is
    None; `region` is also None if a price applies everywhere. `repeated_input` is, per meter, how much of the quantity was
    already part of the conversation; None if that is not known. `session_started_at` is the time of the first event of its
    session. `source` and `line_number` say where it was read: a file and the line or row in it, from 1. A `cumulative`
    record reports everything that its session has used so far. `details` are known from raw events only; None if all are
    unknown. `reported_cost` is in no key, no hash and no ledger; None if the log has no amount.
    """

    key: str
    kind: RecordKind
    usage_candidates: tuple[Usage, ...]
    source: str
    line_number: int
    provider: str | None = None
    model: str | None = None
    deployment: str | None = None
    region: str | None = None
    tier: str | None = None
    session: str | None = None
    turn: int | None = None
    tenant: str | None = None
    project: str | None = None
    time: datetime | None = None
    day: date | None = None
    session_started_at: datetime | None = None
    outcome: str | None = None
    repeated_input: dict[str, int] | None = None
    cumulative: bool = False
    details: ResponseDetails | None = None
    reported_cost: ReportedCost | None = None

    def __post_init__(self) -> None:
        if not self.usage_candidates:
            raise InvalidInput(f"{self.key} needs a usage (it may be empty)")
        if len(self.usage_candidates) > 1 and self.status not in ("ambiguous", "inconsistent"):
            raise InvalidInput(
                f"{self.key} has {len(self.usage_candidates)} usages, so its status must be ambiguous or inconsistent, "
                f"not {self.status}"
            )
        if self.details == NO_DETAILS:
            object.__setattr__(self, "details", None)
        for name in ("time", "session_started_at"):
            moment: datetime | None = getattr(self, name)
            if moment is not None and moment.tzinfo is not UTC:
                object.__setattr__(self, name, _in_utc(name, moment))
        if self.day is None and self.time is not None:
            object.__setattr__(self, "day", self.time.date())

    @property
    def usage(self) -> Usage:
        """Its usage; one of the candidates if there are several."""
        return self.usage_candidates[0]

    @property
    def is_range(self) -> bool:
        """Whether its amount is a range: its counts do not determine its usage."""
        return len(self.usage_candidates) > 1 or self.status == "ambiguous"

    @property
    def status(self) -> Status:
        """How far its counts can be trusted."""
        return self.usage.status

    @property
    def completeness(self) -> int:
        """A score for choosing between duplicates: the higher score is kept, and the later record if scores are equal.

        Any usage ranks above none; a known day, without which a record cannot be priced, ranks next; then details, the status
        of the counts, and the number of known names. Of cumulative records the one with the largest usage is kept in any order.
        """
        names = (self.model, self.session, self.tenant, self.project, self.provider, self.deployment, self.region)
        trust = _TRUST[self.status]
        score = 128 * (trust > 0) + 64 * (self.day is not None) + 32 * (self.details is not None) + 8 * trust
        score += len(names) - names.count(None)
        is_running_total = self.cumulative or self.kind == "session"
        return sum(self.usage.quantities.values()) * 256 + score if is_running_total else score

    @property
    def content_hash(self) -> str:
        """A fingerprint of its content, without where it was read and what preceded it in the session.

        Without a project and details it is that of ledgers from before these were recorded. Of details, which depend on what
        preceded, it is only whether there are any.
        """
        usages = tuple((usage.status, tuple(sorted(usage.items()))) for usage in self.usage_candidates)
        sku = (self.provider, self.model, self.deployment, self.region, self.tier)
        context = (self.session, self.tenant, self.time, self.day, *(() if self.project is None else (self.project,)))
        extent = () if self.details is None else ("details",)
        return fingerprint((self.kind, self.outcome, usages, sku, context, *extent))


def _in_utc(name: str, moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise InvalidInput(f"{name} needs a time zone, so that its day is known: {moment}")
    return moment.astimezone(UTC)
