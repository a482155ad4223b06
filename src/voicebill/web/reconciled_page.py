"""Prepare a reconciliation for the page: the rows of its tables, with amounts that line up."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from voicebill.answers.invoices.line_groups import LineGroup
from voicebill.answers.invoices.reconciliation import Reconciliation
from voicebill.answers.reports.handout_formats import handout_csv
from voicebill.answers.reports.reconciliation_handout import (
    RECONCILIATION_BASIS,
    difference_texts,
    key_text,
    listed_fields,
    reconciliation_handout,
    reconciliation_notes,
    reconciliation_summary,
    where_text,
    why_text,
)
from voicebill.billing.money import Amount, column_decimals, format_in_column


@dataclass(frozen=True, slots=True)
class BridgeRow:
    """A row of the table from what was recorded to the bill; `evidence` is what shows a cause, and where."""

    title: str
    evidence: str
    amount: str


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """A group of lines: what was recorded, billed, and the difference, each as an amount and, of one meter, a quantity."""

    label: str
    why: str
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class LogReconciled:
    """A log beside a vendor's bill."""

    answer: Reconciliation
    basis: str = RECONCILIATION_BASIS

    @property
    def document(self) -> Reconciliation:
        """The comparison as JSON."""
        return self.answer

    @property
    def csv(self) -> str:
        """The lines as a table."""
        return handout_csv(reconciliation_handout(self.answer))

    @cached_property
    def summary(self) -> str:
        """The comparison in a sentence."""
        return reconciliation_summary(self.answer)

    @property
    def difference(self) -> tuple[str, str, str]:
        """The headline: the size of the difference, what it is, and its share."""
        size, more, share = difference_texts(self.answer)
        return (size, f"{more} than recorded", share) if self.answer.difference else (size, "of difference", "")

    @property
    def listed_by(self) -> str:
        """The fields by which lines are listed."""
        return listed_fields(self.answer.by)

    @property
    def notes(self) -> list[str]:
        """What is beside the sum."""
        return list(reconciliation_notes(self.answer))

    @cached_property
    def bridge(self) -> list[BridgeRow]:
        """What was recorded, the causes, what is not explained, and the bill."""
        return list(_bridge_rows(self.answer))

    @cached_property
    def lines(self) -> list[ComparedRow]:
        """The groups of lines."""
        decimals = _decimals(amount for group in self.answer.groups for amount in _amounts(group))
        return [_compared_row(group, self.answer, decimals) for group in self.answer.groups]


def _bridge_rows(answer: Reconciliation) -> Iterator[BridgeRow]:
    amounts = [answer.recorded, *(total.amount for total in answer.causes), answer.unexplained, answer.face]
    decimals = _decimals(amounts)
    yield BridgeRow("recorded", "", format_in_column(answer.recorded, decimals))
    for total in answer.causes:
        evidence = "; ".join(filter(None, (total.cause.detail, where_text(total))))
        yield BridgeRow(total.cause.title, evidence, format_in_column(total.amount, decimals))
    yield BridgeRow("not explained", "", format_in_column(answer.unexplained, decimals))
    face = format_in_column(answer.face, decimals)
    is_foreign = answer.currency != "USD"
    yield BridgeRow("billed", "", face.replace("$", f"{answer.currency} ") if is_foreign else face)


def _decimals(amounts: Iterable[Amount]) -> int:
    return max(2, column_decimals(amounts))


def _amounts(group: LineGroup) -> tuple[Amount, Amount, Amount]:
    return group.recorded_amount, group.billed_amount, group.difference


def _compared_row(group: LineGroup, answer: Reconciliation, decimals: int) -> ComparedRow:
    keys = dict(zip(answer.by, group.keys, strict=True))
    texts = (key_text(name, value, answer) for name, value in keys.items())
    amounts = (format_in_column(amount, decimals) for amount in _amounts(group))
    quantities = _quantities(group) if keys.get("meter") else ("", "", "")
    label = " · ".join(filter(None, texts)) or "not named"
    return ComparedRow(label, why_text(group), tuple(zip(amounts, quantities, strict=True)))


def _quantities(group: LineGroup) -> Sequence[str]:
    more = round(group.billed - group.recorded)
    return f"{group.recorded:,}", f"{round(group.billed):,}", f"{more:+,}" if more else ""
