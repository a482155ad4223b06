"""Represent a recorded session: its responses in order, each with its tokens and what events told of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import NamedTuple

from voicebill.answers.recorded.python_engine import deduplicate, epoch_milliseconds
from voicebill.billing.record import Record, RecordKind, ResponseDetails
from voicebill.billing.sku_periods import normalize_name
from voicebill.billing.usage import Status


class TokenQuantities(NamedTuple):
    """The tokens of one response by the meter of the same name; cached and written tokens are not part of the others."""

    text_in: int = 0
    text_in_cached: int = 0
    text_in_cache_write: int = 0
    audio_in: int = 0
    audio_in_cached: int = 0
    image_in: int = 0
    image_in_cached: int = 0
    text_out: int = 0
    audio_out: int = 0

    @property
    def text(self) -> int:
        """All text tokens of the input."""
        return self.text_in + self.text_in_cached + self.text_in_cache_write

    @property
    def audio(self) -> int:
        """All audio tokens of the input."""
        return self.audio_in + self.audio_in_cached

    @property
    def image(self) -> int:
        """All image tokens of the input."""
        return self.image_in + self.image_in_cached


class RecordedResponse(NamedTuple):
    """One record of a session: a response, an out-of-band response, a transcription, or the time of the session.

    `time_ms` is the end of the response, in ms since 1970. `other` are quantities of other meters than tokens. A record whose
    counts do not determine its usage has the quantities of its first candidate.
    """

    key: str
    kind: RecordKind
    status: Status
    provider: str | None
    model: str | None
    deployment: str | None
    region: str | None
    tier: str | None
    day: date | None
    time_ms: int | None
    outcome: str | None
    tokens: TokenQuantities
    other: tuple[tuple[str, int], ...] = ()
    details: ResponseDetails | None = None


@dataclass(frozen=True, slots=True)
class RecordedSession:
    """The records of one session, in the order of time. `started_ms` is the time of its first event, in ms since 1970."""

    name: str
    started_ms: int | None
    records: tuple[RecordedResponse, ...]
    tenant: str | None = None


def sessions_of_records(records: Iterable[Record]) -> Iterator[RecordedSession]:
    """The sessions of records in the order of their tenants and names; records without a session are in none of them.

    Of several records of one response, the most complete one counts.
    """
    by_session: dict[tuple[str, str], list[Record]] = {}
    for record in deduplicate(records).values():
        if record.session is not None:
            by_session.setdefault((record.tenant or "", record.session), []).append(record)
    for (tenant, name), members in sorted(by_session.items(), key=itemgetter(0)):
        members.sort(key=_position)
        starts = [epoch_milliseconds(record.session_started_at) for record in members if record.session_started_at is not None]
        yield RecordedSession(name, min(starts, default=None), tuple(map(recorded_response, members)), tenant or None)


def _position(record: Record) -> tuple[bool, int, str, int, str]:
    """The order of a session's records: by time, then by place; those without a time come last."""
    time_ms = None if record.time is None else epoch_milliseconds(record.time)
    return time_ms is None, time_ms or 0, record.source, record.line_number, record.key


def recorded_response(record: Record) -> RecordedResponse:
    """A record as a part of its session."""
    quantities = dict(record.usage.quantities)
    tokens = TokenQuantities(*(quantities.pop(name, 0) for name in TokenQuantities._fields))
    return RecordedResponse(
        record.key,
        record.kind,
        record.status,
        normalize_name(record.provider) or None,
        normalize_name(record.model) or None,
        normalize_name(record.deployment) or None,
        normalize_name(record.region) or None,
        normalize_name(record.tier) or None,
        record.day,
        None if record.time is None else epoch_milliseconds(record.time),
        record.outcome,
        tokens,
        tuple(sorted(quantities.items())),
        record.details,
    )
