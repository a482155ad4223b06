"""Hold recorded usage beside a bill: the lines, their causes and what they add up to."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import ClassVar

from voicebill.answers.answer import Answer
from voicebill.answers.invoices.causes import CAUSE_NAMES, Cause, CauseSum
from voicebill.answers.invoices.cells import BillDays
from voicebill.answers.invoices.line_groups import LineGroup, ReconciledLine, group_lines
from voicebill.answers.parameters.inputs import DEFAULT_BILL_LINES
from voicebill.billing.money import PICODOLLARS_PER_DOLLAR, Amount
from voicebill.billing.price_book import PriceBook

LEAST_NAMED = PICODOLLARS_PER_DOLLAR // 200
"""A cause of less than half a cent is not named: it is left in what is not explained."""


@dataclass(frozen=True)
class Reconciliation(Answer):
    """Recorded usage beside a bill. Amounts are in picodollars, `face` in the same fraction of the bill's currency.

    `causes` are in the order of their amounts, the largest first. `elsewhere` is the cost of recorded usage on these days
    of providers that are not on the bill: it is not compared. `has_money`: the bill is no mere count of usage.
    """

    REPORT: ClassVar = "reconciliation:ReconciliationReport"

    recorded: Amount
    billed: Amount
    face: Amount
    currency: str
    days: BillDays
    account_field: str | None
    lines: tuple[ReconciledLine, ...]
    causes: tuple[CauseSum, ...]
    elsewhere: Amount
    rows: int
    has_money: bool
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]
    prices: PriceBook
    by: tuple[str, ...] = DEFAULT_BILL_LINES

    @cached_property
    def groups(self) -> list[LineGroup]:
        """The lines in groups by the fields that are asked for."""
        return group_lines(self.lines, self.by)

    @property
    def difference(self) -> Amount:
        """What was billed beyond what was recorded: the bill's own number less dollars recorded."""
        return self.face - self.recorded

    @property
    def unexplained(self) -> Amount:
        """The part of the difference without a cause."""
        return self.difference - sum(total.amount for total in self.causes)

    @property
    def ratio(self) -> Fraction | None:
        """The difference as a share of what was recorded; None if that is nothing."""
        return Fraction(self.difference) / Fraction(self.recorded) if self.recorded else None

    def exceeds(self, tolerance: Fraction) -> bool:
        """Whether the difference is more than a share of what was recorded."""
        return abs(Fraction(self.difference)) > tolerance * Fraction(self.recorded)


def causes_of_lines(lines: Iterable[ReconciledLine], exchanged: Amount, currency: Cause) -> tuple[CauseSum, ...]:
    """The causes with their sums, the largest first."""
    sums: dict[Cause, CauseSum] = {}
    for line in lines:
        for cause, amount in line.parts:
            total = sums.setdefault(cause, CauseSum(cause))
            total.amount += amount
            total.moved += abs(Fraction(amount))
            total.days |= {line.day} if line.day else set()
            total.models.add(line.model)
            total.accounts |= {line.account} if line.account is not None else set()
    if exchanged:
        sums[currency] = CauseSum(currency, exchanged, abs(Fraction(exchanged)))
    named = (total for total in sums.values() if abs(Fraction(total.amount)) >= LEAST_NAMED or _is_moved(total))
    return tuple(
        sorted(
            named, key=lambda total: (-abs(Fraction(total.amount)), CAUSE_NAMES.index(total.cause.names[0]), total.cause.detail)
        )
    )


def _is_moved(total: CauseSum) -> bool:
    """Whether usage is on other days of the same bill, so that nothing of it is left in the sum."""
    return total.cause.names == ("day-boundary",) and total.moved >= LEAST_NAMED
