"""Answers as tables in files: whole, or not there at all."""

import csv
import io
import os
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from uuid import uuid4

from voicebill.answers.cost import Cost, CostLine, Group
from voicebill.answers.cost_shape import status_of
from voicebill.answers.where import Value
from voicebill.billing.errors import InvalidInput
from voicebill.billing.money import Amount
from voicebill.facts.files import UnreadableFile

SUFFIXES = (".csv", ".parquet")
WHOLE = ("records", "unpriced_quantities", "quantity_low", "quantity_high", "turn")
TWELVE_PLACES = Decimal("1e-12")

Cell = str | int | Decimal | None


def write_table(answer: Cost, file: Path) -> None:
    """Write the groups of an answer, or its bill's lines where it has no groups, as CSV or Parquet by the file's name.

    Dollars are exact to twelve decimals. The file appears under its name when it is whole.

    Raises:
        InvalidInput: its name ends otherwise.
        UnreadableFile: it cannot be written.
    """
    suffix = file.suffix.lower()
    if suffix not in SUFFIXES:
        raise InvalidInput(f"--out writes {' or '.join(SUFFIXES)}, by the file's name, not {file.name}")
    titles, rows = _groups(answer) if answer.asked.by else _lines(answer)
    content = _csv(titles, rows) if suffix == ".csv" else _parquet(titles, rows)
    draft = file.with_name(f".{file.name}.{uuid4().hex[:12]}.tmp")
    try:
        with draft.open("wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        draft.replace(file)
    except OSError as error:
        raise UnreadableFile(f"{file} cannot be written: {error.strerror or error}") from None
    finally:
        draft.unlink(missing_ok=True)


def _groups(answer: Cost) -> tuple[list[str], list[list[Cell]]]:
    titles = [*answer.asked.by, "records", "status", "dollars", "dollars_low", "dollars_high", "unpriced_quantities"]
    rows = [_group([_cell(key) for key in group.keys], group) for group in answer.groups]
    if answer.others:
        rows.append(_group([None] * len(answer.asked.by), answer.others))
        rows[-1][-5] = f"others, {rows[-1][-5]}"
    return titles, rows


def _group(keys: list[Cell], group: Group) -> list[Cell]:
    low, high = _dollars(group.low), _dollars(group.high)
    exact = low if status_of(group) == "exact" else None
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


def _csv(titles: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(titles)
    writer.writerows([f"{cell:f}" if isinstance(cell, Decimal) else cell for cell in row] for row in rows)
    return text.getvalue().encode()


def _parquet(titles: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bytes:
    import pyarrow as pa  # noqa: PLC0415 - only where it is asked for
    from pyarrow import parquet  # noqa: PLC0415

    columns = zip(*rows, strict=True) if rows else ([] for _ in titles)
    whole = {name: pa.int64() for name in WHOLE}
    money = pa.decimal128(38, 12)
    kinds = [money if title.startswith("dollars") else whole.get(title, pa.string()) for title in titles]
    arrays = [pa.array(list(column), kind) for kind, column in zip(kinds, columns, strict=True)]
    buffer = io.BytesIO()
    parquet.write_table(pa.table(arrays, names=list(titles)), buffer, compression="zstd")
    return buffer.getvalue()
