"""A record: what a log says of one response, transcription or session.

It carries its usage together with everything that pricing, grouping and recognising it again needs, and nothing of what
was said in the conversation.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal, get_args

from voicebill.billing.digest import digest
from voicebill.billing.errors import InvalidInput
from voicebill.billing.usage import Status, Usage

RecordKind = Literal["response", "out-of-band", "transcription", "session"]
"""What was charged: a response of the conversation, one beside it, hearing the user, or a session's seconds."""

KINDS: tuple[RecordKind, ...] = get_args(RecordKind)

_TRUST: dict[Status, int] = {"none": 0, "inconsistent": 1, "bounded": 2, "exact": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One charged thing, as a log tells it.

    `key` is what makes it itself: two records of one key are the same thing told twice. `readings` are the usages that its
    counts allow: one, or, where the status is bounded, every extreme one. What a log does not name is None; `region` is
    None too where a price holds everywhere. `reread` is, per meter, how much of the quantity had been part of the
    conversation before; None where that cannot be known. `began` is when the first event of its session was seen.
    `source` and `ordinal` say where it was read: a file and the line or row in it, from 1. A `cumulative` one tells all that
    its session has used so far.
    """

    key: str
    kind: RecordKind
    readings: tuple[Usage, ...]
    source: str
    ordinal: int
    provider: str | None = None
    model: str | None = None
    deployment: str | None = None
    region: str | None = None
    tier: str | None = None
    session: str | None = None
    turn: int | None = None
    tenant: str | None = None
    time: datetime | None = None
    day: date | None = None
    began: datetime | None = None
    outcome: str | None = None
    reread: dict[str, int] | None = None
    cumulative: bool = False

    def __post_init__(self) -> None:
        if not self.readings:
            raise InvalidInput(f"{self.key} needs a usage, be it an empty one")
        if len(self.readings) > 1 and self.status != "bounded":
            raise InvalidInput(f"{self.key} has {len(self.readings)} usages, so its status is bounded, not {self.status}")
        for name in ("time", "began"):
            moment: datetime | None = getattr(self, name)
            if moment is not None and moment.tzinfo is not UTC:
                object.__setattr__(self, name, _in_utc(name, moment))
        if self.day is None and self.time is not None:
            object.__setattr__(self, "day", self.time.date())

    @property
    def usage(self) -> Usage:
        """Its usage; where the status is bounded, one of those that the counts allow."""
        return self.readings[0]

    @property
    def status(self) -> Status:
        """How far its counts can be trusted."""
        return self.usage.status

    @property
    def rank(self) -> int:
        """How much it knows: of two records of one key the higher rank counts, and of equals the later one.

        Any usage is more than none, one whose day is known more than one that cannot be priced, then come how far its counts
        can be trusted and how many names it knows. Of cumulative ones the largest counts, whenever it is told.
        """
        known = (self.model, self.session, self.tenant, self.provider, self.deployment, self.region)
        trust = _TRUST[self.status]
        knows = 128 * (trust > 0) + 64 * (self.day is not None) + 8 * trust + sum(each is not None for each in known)
        growing = self.cumulative or self.kind == "session"
        return sum(self.usage.quantities.values()) * 256 + knows if growing else knows

    @property
    def digest(self) -> str:
        """A fingerprint of what it says; where it was read, and what was seen before it, is no part of that."""
        usages = tuple((usage.status, tuple(sorted(usage.items()))) for usage in self.readings)
        sold = (self.provider, self.model, self.deployment, self.region, self.tier)
        placed = (self.session, self.tenant, self.time, self.day)
        return digest((self.kind, self.outcome, usages, sold, placed))


def _in_utc(name: str, moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise InvalidInput(f"{name} needs a zone, so that its day is known: {moment}")
    return moment.astimezone(UTC)
