"""Estimate the response latency of a stack from published measurements and claims. Latency does not affect any amount."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from voicebill.billing.quotas import Evidence


@dataclass(frozen=True, slots=True)
class Latency:
    """A latency range from a typical to a slow case for some models (empty: all others), with its evidence and source."""

    part: str
    low_ms: int
    high_ms: int
    evidence: Evidence
    basis: str
    checked: date
    source: str
    models: tuple[str, ...] = ()


class ResponseLatency(NamedTuple):
    """The time from the end of the user's speech to the first sound of the reply, and the rows that were added up."""

    low_ms: int
    high_ms: int
    rows: tuple[Latency, ...]

    @property
    def is_assumed(self) -> bool:
        """Whether a part of it was not measured on the model itself."""
        return any(row.evidence != "measured" for row in self.rows)

    def __str__(self) -> str:
        return f"{self.low_ms / 1000:.1f} to {self.high_ms / 1000:.1f} s"


def response_latency(parts: Iterable[tuple[str, str]], latencies: Sequence[Latency]) -> ResponseLatency | None:
    """The sum of the latencies of some parts, each given with its model; None if a part has no known latency.

    >>> from voicebill.facts import load_facts
    >>> parts = [("transcriber", "gpt-transcribe"), ("llm", "gpt-5.4-mini"), ("tts", "tts-1")]
    >>> str(response_latency(parts, load_facts().latencies))
    '1.4 to 3.1 s'
    """
    rows = [_row(part, model, latencies) for part, model in parts]
    matches = tuple(row for row in rows if row is not None)
    if not rows or len(matches) < len(rows):
        return None
    return ResponseLatency(sum(row.low_ms for row in matches), sum(row.high_ms for row in matches), matches)


def _row(part: str, model: str, latencies: Sequence[Latency]) -> Latency | None:
    rows = [row for row in latencies if row.part == part and (model in row.models or not row.models)]
    return max(rows, key=lambda row: bool(row.models), default=None)
