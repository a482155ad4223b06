"""Bills in memory, for tests. Brook & Tide, who own them, do not exist."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from fractions import Fraction
from io import BytesIO
from typing import Any

from voicebill.answers.invoices.charge import Charge
from voicebill.logs.bills.bill_report import BillReport
from voicebill.logs.bills.read_bills import read_bills
from voicebill.logs.sources import Source


def charges_of(*contents: str | bytes) -> tuple[list[Charge], BillReport]:
    """What bills give, and the report of reading them."""
    report = BillReport()
    encoded = [content if isinstance(content, bytes) else content.encode() for content in contents]
    sources = [Source(f"bill {index}", content=BytesIO(content)) for index, content in enumerate(encoded, 1)]
    return list(read_bills(*sources, report=report)), report


def charge_of(content: str | bytes) -> Charge:
    """The only charge of a bill of which nothing is broken."""
    charges, report = charges_of(content)
    assert report.errors == []
    (charge,) = charges
    return charge


def error_texts(report: BillReport) -> list[str]:
    """Everything that could not be read, in words."""
    return [str(error) for error in report.errors]


def table(*rows: Mapping[str, Any], delimiter: str = ",") -> str:
    """A table of rows with the same columns, with quotes around what needs them."""
    lines = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    return "".join(delimiter.join(map(_quoted, line)) + "\n" for line in lines)


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if set(cell) & set(',;"\n') else cell


def json_lines(*values: Any) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


def bill_time(year: int, month: int, day: int, hour: int = 0) -> datetime:
    """A time as a charge has it: in the zone of the bill, which it does not name."""
    return datetime(year, month, day, hour, tzinfo=UTC).replace(tzinfo=None)


def product(quantity: Fraction | None, unit_price: Fraction | None) -> Fraction:
    """What a quantity costs at a unit price, both of which are there."""
    assert quantity is not None
    assert unit_price is not None
    return quantity * unit_price
