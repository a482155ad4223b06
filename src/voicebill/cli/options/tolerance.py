"""What commands that compare totals share: the exit code beyond a tolerance, and the sentence about what differs."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Protocol

from voicebill.answers.parsing.quantities import format_percent
from voicebill.billing.money import Amount, format_amount

EXIT_DIFFERENT = 1
"""The exit code if the totals differ by more than the tolerance."""


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


def excess_text(answer: ComparedTotals, tolerance: Decimal | None, largest: Iterable[str]) -> str | None:
    """By how much the totals differ, with the largest differences in words; None within the tolerance, or without one."""
    if tolerance is None or not answer.exceeds(Fraction(tolerance)):
        return None
    ratio = "" if answer.ratio is None else f" ({float(answer.ratio):+.2%})"
    totals = f"the totals differ by {format_amount(answer.difference)}{ratio}, more than {format_percent(float(tolerance))}"
    return f"{totals}; the largest differences: {'; '.join(largest)}"
