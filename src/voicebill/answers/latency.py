"""How long people wait for an answer: ranges that others measured or claim, added up over a stack. None enters a bill."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from voicebill.conversation.rules import Evidence


@dataclass(frozen=True, slots=True)
class Latency:
    """A range in ms from the middle case to a bad one, for some models (empty: all others), and what speaks for it."""

    part: str
    low_ms: int
    high_ms: int
    evidence: Evidence
    basis: str
    checked: date
    source: str
    models: tuple[str, ...] = ()


class Wait(NamedTuple):
    """From the end of the user's speech to the first sound of the answer; the rows that were added up."""

    low_ms: int
    high_ms: int
    rows: tuple[Latency, ...]

    @property
    def assumed(self) -> bool:
        """Whether a part of it was not measured on the very model."""
        return any(row.evidence != "measured" for row in self.rows)

    def __str__(self) -> str:
        return f"{self.low_ms / 1000:.1f} to {self.high_ms / 1000:.1f} s"


def wait(parts: Iterable[tuple[str, str]], known: Sequence[Latency]) -> Wait | None:
    """What some parts (each with the model that does it) take one after the other; None if of one nothing is known.

    >>> from voicebill.facts import load
    >>> str(wait([("hears", "gpt-transcribe"), ("answers", "gpt-5.4-mini"), ("speaks", "tts-1")], load().latencies))
    '1.4 to 3.1 s'
    """
    rows = [_row(part, model, known) for part, model in parts]
    found = tuple(row for row in rows if row is not None)
    if not rows or len(found) < len(rows):
        return None
    return Wait(sum(row.low_ms for row in found), sum(row.high_ms for row in found), found)


def _row(part: str, model: str, known: Sequence[Latency]) -> Latency | None:
    rows = [row for row in known if row.part == part and (model in row.models or not row.models)]
    return max(rows, key=lambda row: bool(row.models), default=None)
