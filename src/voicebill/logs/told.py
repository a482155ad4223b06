"""What a log does not say of itself, and what a reading has met: both are stated, and nothing is guessed in silence."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from voicebill.billing.errors import VoicebillError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SHOWN_FAULTS = 20
"""So many broken lines are named one by one; the others are counted."""


class BrokenLog(VoicebillError, ValueError):
    """A log with something in it that cannot be read, where that was asked to be an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is to be taken where a log does not say it. A log that does say it is believed."""

    provider: str | None = None
    model: str | None = None
    transcription_model: str | None = None
    deployment: str | None = None
    region: str | None = None
    tier: str | None = None
    tenant: str | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """Something that could not be read: the line or row (from 1; 0 for the file as a whole), and why."""

    source: str
    ordinal: int
    why: str

    def __str__(self) -> str:
        return f"{self.source}, line {self.ordinal}: {self.why}" if self.ordinal else f"{self.source}: {self.why}"


@dataclass(slots=True)
class Report:
    """What a reading has met so far. Grows while records are read; whole once they all were."""

    strict: bool = False
    sources: dict[str, str] = field(default_factory=dict)
    """By the name of each source, the dialect it was read as."""
    lines: int = 0
    records: int = 0
    repeated: int = 0
    broken_count: int = 0
    broken: list[Broken] = field(default_factory=list)
    """The first of them."""
    other_lines: int = 0
    """Lines that are whole, and are no events of the dialect."""
    unfinished: int = 0
    """Responses that were begun, and whose end and usage the log does not hold."""
    silent_sessions: int = 0
    """Sessions of which the log holds events, but no usage at all: their audio may have gone another way."""
    untied: int = 0
    """Conversations of which the log does not say which of several sessions they are of."""
    zoneless: int = 0
    """Times without a zone, taken as UTC."""
    skipped: Counter[str] = field(default_factory=Counter)
    """What was left out on purpose, by reason."""

    def broke(self, source: str, ordinal: int, why: str) -> None:
        """Take note of something that cannot be read.

        Raises:
            BrokenLog: the reading is strict.
        """
        fault = Broken(source, ordinal, why)
        if self.strict:
            raise BrokenLog(str(fault))
        self.broken_count += 1
        if len(self.broken) < SHOWN_FAULTS:
            self.broken.append(fault)

    def moment(self, value: object) -> datetime | None:
        """A time as logs write it, in UTC; None where it is none. One without a zone is taken as UTC, and counted."""
        found = _moment(value)
        if found is not None and found.tzinfo is None:
            self.zoneless += 1
            return found.replace(tzinfo=UTC)
        return found


def not_json(error: Exception) -> str:
    """Why a line or a document is no JSON, in words."""
    return f"not whole JSON: {str(error).removeprefix('JSON is malformed: ')}"


def first_of(*values: str | None) -> str | None:
    """The first that says anything."""
    return next((value for value in values if value), None)


def first_time(report: Report, values: Iterable[object]) -> datetime | None:
    """The first of some values that is a time."""
    return next((found for value in values if value is not None and (found := report.moment(value))), None)


def _moment(value: object) -> datetime | None:
    """ISO 8601, or seconds, ms, µs or ns since 1970; years outside 2000 to 2200 are no times of a log."""
    try:
        found = _written(value.strip()) if isinstance(value, str) else value
        if isinstance(found, int | float) and not isinstance(found, bool):
            found = _since_1970(found)
        if not isinstance(found, datetime) or not 2000 <= found.year <= 2200:
            return None
        return found if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _written(text: str) -> datetime | float | None:
    if not text[:1].isdigit():
        return None
    if text.replace(".", "", 1).isdigit() and len(text) > len("20261122"):
        return float(text)
    return datetime.fromisoformat(text.removesuffix(" UTC"))


def _since_1970(number: float) -> datetime | None:
    for per_second in (1, 10**3, 10**6, 10**9):
        if 946_684_800 <= number / per_second < 7_258_118_400:
            return EPOCH + timedelta(microseconds=round(number * 10**6 / per_second))
    return None
