"""Represent a recorded session: its responses in order, each with its tokens and what events told of it."""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from voicebill.billing.record import RecordKind, ResponseDetails
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
