"""An answer as a table: its groups, or the lines of its bill; as Arrow, and so for pandas, Polars, DuckDB and files."""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

import pyarrow as pa

from voicebill.answers.cost import Cost, CostLine, Group
from voicebill.answers.cost_shape import status_of
from voicebill.answers.where import Value
from voicebill.billing.money import Amount

WHOLE = ("records", "unpriced_quantities", "quantity_low", "quantity_high", "turn")
MONEY = pa.decimal128(38, 12)
TWELVE_PLACES = Decimal("1e-12")

Cell = str | int | Decimal | None


def cost_table(answer: Cost) -> pa.Table:
    """An answer's groups, a row each; or, where it has none, the lines of its bill and what is unpriced.

    Dollars are DECIMAL(38, 12), exact to the picodollar (fractions of one rounded half even).
    """
    titles, rows = cells(answer)
    whole = {name: pa.int64() for name in WHOLE}
    kinds = [MONEY if title.startswith("dollars") else whole.get(title, pa.string()) for title in titles]
    columns = zip(*rows, strict=True) if rows else ([] for _ in titles)
    arrays = [pa.array(list(column), kind) for kind, column in zip(kinds, columns, strict=True)]
    return pa.table(arrays, names=list(titles))


def cells(answer: Cost) -> tuple[Sequence[str], Sequence[Sequence[Cell]]]:
    """The titles and the rows of that table."""
    return _groups(answer) if answer.asked.by else _lines(answer)


def _groups(answer: Cost) -> tuple[list[str], list[list[Cell]]]:
    titles = [*answer.asked.by, "records", "amount_status", "dollars", "dollars_low", "dollars_high", "unpriced_quantities"]
    rows = [_group([_cell(key) for key in group.keys], group) for group in answer.groups]
    if answer.others:
        rows.append(_group([None] * len(answer.asked.by), answer.others))
        rows[-1][-5] = f"others, {rows[-1][-5]}"
    return titles, rows


def _group(keys: list[Cell], group: Group) -> list[Cell]:
    low, high = _dollars(group.low), _dollars(group.high)
    exact = low if status_of(group) in ("exact", "nothing") else None
    return [*keys, group.records, status_of(group), exact, low, high, group.unpriced]


def _lines(answer: Cost) -> tuple[list[str], list[list[Cell]]]:
    titles = ["offer", "since", "meter", "unit", "quantity_low", "quantity_high", "dollars_low", "dollars_high", "unpriced"]
    rows = [_line(line) for line in answer.lines]
    rows += [[str(line.sold), None, line.meter, None, line.low, line.high, None, None, line.why] for line in answer.unpriced]
    return titles, rows


def _line(line: CostLine) -> list[Cell]:
    assert line.span.found is not None
    found, meter = line.span.found, line.line.meter
    quantities = (line.line.quantity, line.high.quantity)
    amounts = (_dollars(line.low_amount), _dollars(line.high_amount))
    return [found.offer.id, found.rates.row.since.text, meter.name, meter.unit, *quantities, *amounts, None]


def _cell(key: Value) -> Cell:
    return key if key is None or isinstance(key, str | int) else str(key)


def _dollars(amount: Amount | None) -> Decimal | None:
    if amount is None:
        return None
    with localcontext(prec=60):
        return (Decimal(round(Fraction(amount))) * TWELVE_PLACES).quantize(TWELVE_PLACES, rounding=ROUND_HALF_EVEN)
