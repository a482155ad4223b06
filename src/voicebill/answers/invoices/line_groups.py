"""Define the lines of a reconciliation, and group them by day, account, model and meter."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from voicebill.answers.invoices.causes import Cause
from voicebill.billing.money import Amount


@dataclass(frozen=True, slots=True)
class ReconciledLine:
    """A day, an account, a model and a meter: what was recorded and what was billed, with causes of the difference.

    Of charges for what was not recorded, `model` is their name on the bill and `meter` is empty.
    """

    day: date | None
    account: str | None
    model: str
    meter: str
    recorded: int
    billed: Amount
    recorded_amount: Amount
    billed_amount: Amount
    parts: tuple[tuple[Cause, Amount], ...]

    @property
    def difference(self) -> Amount:
        """What was billed beyond what was recorded, in picodollars."""
        return self.billed_amount - self.recorded_amount

    @property
    def unexplained(self) -> Amount:
        """The part of the difference without a cause."""
        return self.difference - sum(amount for _, amount in self.parts)


@dataclass(slots=True)
class LineGroup:
    """Sums of lines with the same values of the fields. `recorded` and `billed` are quantities, if all are of one meter."""

    keys: tuple[date | str | None, ...]
    recorded: int = 0
    billed: Amount = 0
    recorded_amount: Amount = 0
    billed_amount: Amount = 0
    parts: dict[Cause, Amount] = field(default_factory=dict)

    @property
    def difference(self) -> Amount:
        """What was billed beyond what was recorded, in picodollars."""
        return self.billed_amount - self.recorded_amount

    @property
    def unexplained(self) -> Amount:
        """The part of the difference without a cause."""
        return self.difference - sum(self.parts.values())

    def add(self, line: ReconciledLine) -> None:
        """Add a line."""
        self.recorded += line.recorded
        self.billed += line.billed
        self.recorded_amount += line.recorded_amount
        self.billed_amount += line.billed_amount
        for cause, amount in line.parts:
            self.parts[cause] = self.parts.get(cause, 0) + amount


def group_lines(lines: Iterable[ReconciledLine], by: Sequence[str]) -> list[LineGroup]:
    """The sums of lines by some fields: by day in the order of days, otherwise the largest difference first."""
    groups: dict[tuple[date | str | None, ...], LineGroup] = {}
    for line in lines:
        keys = tuple(getattr(line, name) for name in by)
        groups.setdefault(keys, LineGroup(keys)).add(line)
    if by[:1] == ("day",):
        return sorted(groups.values(), key=lambda group: tuple((key is None, str(key)) for key in group.keys))
    return sorted(groups.values(), key=_by_difference)


def _by_difference(group: LineGroup) -> tuple[Fraction, Fraction, str]:
    return -abs(Fraction(group.difference)), -Fraction(group.billed_amount), str(group.keys)
