"""Read bills whose rows are charges of their own: what Azure's and FOCUS's exports have in common."""

import re
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from voicebill.answers.invoices.charge import Charge, ChargeCategory
from voicebill.logs.bills.bill_report import BillReport
from voicebill.logs.bills.bill_rows import BillRow, FieldColumns, bill_rows
from voicebill.logs.bills.repeated_charges import OTHER_STATE, RepeatedRows
from voicebill.logs.delimited import InvalidRow
from voicebill.logs.sources import NumberedLines

CREDIT_WORDS = frozenset({"credit", "credits"})
TAX_WORDS = frozenset({"tax", "taxes", "vat", "gst"})


def row_charges(
    bills: Sequence[NumberedLines],
    columns: FieldColumns,
    charge_of: Callable[[BillRow, BillReport], Charge],
    report: BillReport,
) -> Iterator[Charge]:
    """Yield the charge of each row of some bills of one format. Rows that are not charges are reported.

    Raises:
        UnreadableBill: nothing in a bill can be read.
    """
    repeated_rows = RepeatedRows(len(bills))
    for lines in bills:
        with report.reading_file(lines.name):
            for row in bill_rows(lines, columns, report):
                try:
                    charge = charge_of(row, report)
                except InvalidRow as error:
                    report.add_error(row.source, row.line_number, str(error))
                    continue
                report.rows += 1
                if charge.start is not None and repeated_rows.is_repeated(row.identity, charge.start.date()):
                    report.repeated += 1
                else:
                    yield charge
        if differing := repeated_rows.finish_file():
            report.remarks[OTHER_STATE] += differing


def category_by_sign(category: ChargeCategory, cost: Fraction | None, quantity: Fraction | None) -> ChargeCategory:
    """Return the category of a row: usage below zero sets earlier usage right.

    >>> category_by_sign("usage", Fraction(-1), None), category_by_sign("purchase", Fraction(-1), None)
    ('adjustment', 'purchase')
    """
    is_negative = (cost or 0) < 0 or (quantity or 0) < 0
    return "adjustment" if category == "usage" and is_negative else category


def category_by_name(name: str, cost: Fraction) -> ChargeCategory | None:
    """Return the category that a name tells, if it is one of a tax, or of a credit that is set off; None for other names.

    >>> category_by_name("Sales tax", Fraction(7)), category_by_name("Credit grant", Fraction(-5))
    ('tax', 'credit')
    """
    words = frozenset(re.findall("[a-z]+", name.lower()))
    if cost < 0 and words & CREDIT_WORDS:
        return "credit"
    return "tax" if words & TAX_WORDS else None


def last_segment(path: str) -> str:
    """Return the last part of the identifier of a resource or a subscription.

    >>> last_segment("/subscriptions/s1/resourceGroups/voice/providers/Microsoft.CognitiveServices/accounts/brook-voice")
    'brook-voice'
    """
    return path.rstrip("/").rpartition("/")[2]
