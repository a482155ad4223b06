"""Describe totals that differ by more than a tolerance, with the largest differences."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Protocol

from voicebill.answers.invoices.reconciliation import Reconciliation
from voicebill.answers.invoices.verify import Verification
from voicebill.answers.parsing.quantities import format_percent
from voicebill.billing.money import Amount, format_amount

MAX_PARTS_NAMED = 3
"""So many parts of the difference of a bill are named."""


class ComparedTotals(Protocol):
    """An answer that compares a total with ours."""

    @property
    def difference(self) -> Amount:
        """The other total less ours, in picodollars."""
        ...

    @property
    def ratio(self) -> Fraction | None:
        """The difference as a share of ours; None if that is nothing."""
        ...

    def exceeds(self, tolerance: Fraction) -> bool:
        """Whether the difference is more than a share of ours."""
        ...


def verification_excess(answer: Verification, tolerance: Decimal | None) -> str | None:
    """What differs by more than the tolerance, with the largest amounts; None within it, or without one."""
    largest = (f"{cost.place} {format_amount(cost.difference)}, {cost.text}" for cost in answer.largest)
    return _excess_text(answer, tolerance, largest)


def reconciliation_excess(answer: Reconciliation, tolerance: Decimal | None) -> str | None:
    """What differs by more than the tolerance, with the largest causes; None within it, or without one."""
    return _excess_text(answer, tolerance, _largest_parts(answer))


def _largest_parts(answer: Reconciliation) -> Iterator[str]:
    parts = [*((total.cause.title, total.amount) for total in answer.causes), ("not explained", answer.unexplained)]
    largest = sorted(parts, key=lambda part: -abs(Fraction(part[1])))[:MAX_PARTS_NAMED]
    yield from (f"{title} {format_amount(amount)}" for title, amount in largest if amount)


def _excess_text(answer: ComparedTotals, tolerance: Decimal | None, largest: Iterable[str]) -> str | None:
    if tolerance is None or not answer.exceeds(Fraction(tolerance)):
        return None
    ratio = "" if answer.ratio is None else f" ({float(answer.ratio):+.2%})"
    totals = f"the totals differ by {format_amount(answer.difference)}{ratio}, more than {format_percent(float(tolerance))}"
    return f"{totals}; the largest differences: {'; '.join(largest)}"
