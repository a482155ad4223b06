"""Sum up replayed calls. Sums of parts of a log are added up in any order, with the same result."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil, sqrt
from typing import NamedTuple

from voicebill.answers.replay.replay_steps import StepName
from voicebill.answers.replay.targets import Replayed
from voicebill.answers.sessions.log_explanation import MAX_LISTED_REASONS, NAMES_PER_REASON, UnusableCalls
from voicebill.answers.sessions.recorded_session import RecordedSession
from voicebill.billing.money import Amount

SIGNIFICANT_DIGITS = 4
"""Percentiles are of amounts with so many significant digits: that bounds what is kept of millions of calls."""
DEARER_EXAMPLES = 3
PICODOLLARS_PER_NANODOLLAR = 1_000


class DearerCall(NamedTuple):
    """A call that would have cost more: by how much, its session, and both amounts, in picodollars."""

    extra: int
    session: str
    tenant: str
    recorded: int
    amount: int


@dataclass
class UnusableTally:
    """Calls that are left out, by reason, with the first names of each in alphabetical order."""

    calls: Counter[str] = field(default_factory=Counter)
    names: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, session: RecordedSession) -> None:
        """Add a call."""
        self._add(reason, 1, [session.name])

    def merge(self, other: "UnusableTally") -> None:
        """Add the calls of another part of the log."""
        for reason, calls in other.calls.items():
            self._add(reason, calls, other.names[reason])

    def _add(self, reason: str, calls: int, names: Iterable[str]) -> None:
        self.calls[reason] += calls
        self.names[reason] = sorted({*self.names.get(reason, ()), *names})[:NAMES_PER_REASON]

    def entries(self) -> tuple[UnusableCalls, ...]:
        """The reasons, the commonest first; the rarest of many are one."""
        ordered = sorted(self.calls, key=lambda reason: (-self.calls[reason], reason))
        entries = [
            UnusableCalls(reason, self.calls[reason], tuple(self.names[reason])) for reason in ordered[:MAX_LISTED_REASONS]
        ]
        others = ordered[MAX_LISTED_REASONS:]
        if others:
            names = sorted(name for reason in others for name in self.names[reason])[:NAMES_PER_REASON]
            entries.append(UnusableCalls("other reasons", sum(self.calls[reason] for reason in others), tuple(names)))
        return tuple(entries)


@dataclass
class TargetSums:
    """The sums of the calls that are replayed with one target. Amounts in picodollars.

    `recorded` is what these calls cost. `dearer` would have cost more than that and the error of their scripts, by `dearer_by`
    in all. `dropped` are transcription models that are not sold there, by the number of calls.
    """

    calls: int = 0
    recorded: Amount = 0
    amount: Amount = 0
    low: Amount = 0
    high: Amount = 0
    steps: dict[StepName, Amount] = field(default_factory=dict)
    dearer: int = 0
    dearer_by: Amount = 0
    examples: list[DearerCall] = field(default_factory=list)
    histogram: Counter[int] = field(default_factory=Counter)
    left_out: UnusableTally = field(default_factory=UnusableTally)
    dropped: Counter[str] = field(default_factory=Counter)
    squares: tuple[int, int, int] = (0, 0, 0)

    def add(self, session: RecordedSession, recorded: Amount, replayed: Replayed) -> None:
        """Add a call."""
        amount = replayed.amount
        self.calls += 1
        self.recorded += recorded
        self.amount += amount
        self.low += replayed.low
        self.high += replayed.high
        for name, step in replayed.steps.items():
            if step:
                self.steps[name] = self.steps.get(name, 0) + step
        self.histogram[significant(round(amount))] += 1
        self.dropped.update(replayed.dropped)
        extra = amount - recorded
        if extra > max(0, replayed.steps.get("reconstruction", 0)):
            self.dearer += 1
            self.dearer_by += extra
            call = DearerCall(round(extra), session.name, session.tenant or "", round(recorded), round(amount))
            self._add_examples([call])
        new, old = round(amount) // PICODOLLARS_PER_NANODOLLAR, round(recorded) // PICODOLLARS_PER_NANODOLLAR
        self._add_squares((new * new, new * old, old * old))

    def merge(self, other: "TargetSums") -> None:
        """Add the calls of another part of the log."""
        self.calls += other.calls
        self.recorded += other.recorded
        self.amount += other.amount
        self.low += other.low
        self.high += other.high
        for name, step in other.steps.items():
            self.steps[name] = self.steps.get(name, 0) + step
        self.dearer += other.dearer
        self.dearer_by += other.dearer_by
        self._add_examples(other.examples)
        self.histogram.update(other.histogram)
        self.left_out.merge(other.left_out)
        self.dropped.update(other.dropped)
        self._add_squares(other.squares)

    def percentile(self, percent: int) -> int:
        """An amount that so many per cent of the calls do not exceed, to four significant digits."""
        rank, seen = ceil(self.calls * percent / 100), 0
        for amount in sorted(self.histogram):
            seen += self.histogram[amount]
            if seen >= rank:
                return amount
        return 0

    def ratio_error(self, share: float) -> float | None:
        """The standard error of the ratio of the amounts, if these calls are a random sample of a share of all; None of one."""
        if self.calls < 2 or not self.recorded:
            return None
        recorded = float(self.recorded) / PICODOLLARS_PER_NANODOLLAR
        ratio = float(self.amount) / float(self.recorded)
        new, both, old = self.squares
        residuals = max(0.0, new - 2 * ratio * both + ratio * ratio * old)
        return sqrt(residuals * self.calls / (self.calls - 1) * max(0.0, 1 - share)) / recorded

    def _add_examples(self, calls: Iterable[DearerCall]) -> None:
        self.examples = sorted([*self.examples, *calls], key=lambda call: (-call.extra, *call[1:3]))[:DEARER_EXAMPLES]

    def _add_squares(self, squares: tuple[int, int, int]) -> None:
        new, both, old = self.squares
        self.squares = new + squares[0], both + squares[1], old + squares[2]


@dataclass
class ReplaySums:
    """The sums of a log or a part of it: calls, those that can be replayed, and the sums of each target, by its name.

    `recorded` is what the calls cost that can be replayed, `other_amount` what the others cost as far as it is known. Of
    `open_calls` the log leaves something open; `offers` are the offers of the calls that can be replayed. With the changes of
    the builder, `changed` is what these would have cost with their own models.
    """

    targets: Mapping[str, TargetSums]
    calls: int = 0
    usable: int = 0
    recorded: Amount = 0
    changed: Amount = 0
    other_amount: Amount = 0
    open_calls: int = 0
    offers: Counter[str] = field(default_factory=Counter)
    left_out: UnusableTally = field(default_factory=UnusableTally)

    def merge(self, other: "ReplaySums") -> None:
        """Add the calls of another part of the log."""
        self.calls += other.calls
        self.usable += other.usable
        self.recorded += other.recorded
        self.changed += other.changed
        self.other_amount += other.other_amount
        self.open_calls += other.open_calls
        self.offers.update(other.offers)
        self.left_out.merge(other.left_out)
        for name, sums in other.targets.items():
            self.targets[name].merge(sums)


def significant(amount: int) -> int:
    """A whole number with its first significant digits.

    >>> significant(123_456_789), significant(999_960), significant(42)
    (123500000, 1000000, 42)
    """
    unit: int = 10 ** max(0, len(str(amount)) - SIGNIFICANT_DIGITS)
    return (amount + unit // 2) // unit * unit
