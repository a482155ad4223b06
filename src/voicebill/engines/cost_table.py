"""Convert a cost report to an Arrow table of its groups or of its bill, for pandas, Polars, DuckDB and files."""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

import pyarrow as pa

from voicebill.answers.recorded.filters import FieldValue
from voicebill.answers.recorded.result import Cost, CostGroup, CostLine
from voicebill.answers.reports.table_cells import amount_status
from voicebill.billing.money import Amount

INTEGER_COLUMNS = ("records", "unpriced_quantities", "quantity_low", "quantity_high", "turn")
DOLLARS_TYPE = pa.decimal128(38, 12)
PICODOLLAR = Decimal("1e-12")

OutputValue = str | int | Decimal | None


def cost_table(answer: Cost) -> pa.Table:
    """Return a row per group; without groups, the lines of the bill and the unpriced quantities.

    Dollars are DECIMAL(38, 12), exact to the picodollar (fractions of one are rounded half even).
    """
    titles, rows = cost_cells(answer)
    integer_types = {name: pa.int64() for name in INTEGER_COLUMNS}
    column_types = [DOLLARS_TYPE if title.startswith("dollars") else integer_types.get(title, pa.string()) for title in titles]
    columns = zip(*rows, strict=True) if rows else ([] for _ in titles)
    arrays = [pa.array(list(column), column_type) for column_type, column in zip(column_types, columns, strict=True)]
    return pa.table(arrays, names=list(titles))


def cost_cells(answer: Cost) -> tuple[Sequence[str], Sequence[Sequence[OutputValue]]]:
    """Return the column titles and the rows of `cost_table`."""
    return _groups(answer) if answer.query.by else _lines(answer)


def _groups(answer: Cost) -> tuple[list[str], list[list[OutputValue]]]:
    titles = [*answer.query.by, "records", "amount_status", "dollars", "dollars_low", "dollars_high", "unpriced_quantities"]
    rows = [_group([_cell(key) for key in group.keys], group) for group in answer.groups]
    if answer.remainder:
        rows.append(_group([None] * len(answer.query.by), answer.remainder))
        rows[-1][-5] = f"others, {rows[-1][-5]}"
    return titles, rows


def _group(keys: list[OutputValue], group: CostGroup) -> list[OutputValue]:
    low, high = _dollars(group.low), _dollars(group.high)
    exact = low if amount_status(group) in ("exact", "nothing") else None
    return [*keys, group.records, amount_status(group), exact, low, high, group.unpriced]


def _lines(answer: Cost) -> tuple[list[str], list[list[OutputValue]]]:
    titles = ["offer", "since", "meter", "unit", "quantity_low", "quantity_high", "dollars_low", "dollars_high", "unpriced"]
    rows = [_line(line) for line in answer.lines]
    rows += [[str(line.sku), None, line.meter, None, line.low, line.high, None, None, line.reason] for line in answer.unpriced]
    return titles, rows


def _line(line: CostLine) -> list[OutputValue]:
    assert line.period.quote is not None
    quote, meter = line.period.quote, line.line.meter
    quantities = (line.line.quantity, line.high.quantity)
    amounts = (_dollars(line.low_amount), _dollars(line.high_amount))
    return [quote.offer.id, quote.rates.row.since.text, meter.name, meter.unit, *quantities, *amounts, None]


def _cell(key: FieldValue) -> OutputValue:
    return key if key is None or isinstance(key, str | int) else str(key)


def _dollars(amount: Amount | None) -> Decimal | None:
    if amount is None:
        return None
    with localcontext(prec=60):
        return (Decimal(round(Fraction(amount))) * PICODOLLAR).quantize(PICODOLLAR, rounding=ROUND_HALF_EVEN)
