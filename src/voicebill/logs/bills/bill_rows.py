"""Read the rows of bills, from CSV, Parquet and JSON, as cells by field.

A format says which columns each of its fields is read from, the preferred one first. The names of columns are compared without
capitals and separators, as versions of the same export differ in them (`MeterName`, `meterName`, `Meter Name`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from typing import Any

import msgspec

from voicebill.billing.errors import VoicebillError
from voicebill.logs.bills.bill_report import BillReport
from voicebill.logs.bills.cells import (
    BillCell,
    is_numbered_date,
    parse_bill_time,
    parse_exact_number,
    parse_tags,
    shows_day_order,
)
from voicebill.logs.delimited import DELIMITERS, Header, InvalidRow, TextLines, delimited_rows, split_cells
from voicebill.logs.documents import decode_document, documents
from voicebill.logs.invoices import CONTAINERS, MAX_TITLE_LINES, bare_name, recognise_invoice
from voicebill.logs.report import ReadReport
from voicebill.logs.sources import NumberedLines

FieldColumns = Mapping[str, tuple[str, ...]]
"""The bare names of the columns that each field is read from, the preferred one first."""

PARQUET_ROWS_AT_ONCE = 8192
SAMPLED_LINES, SAMPLED_BYTES = 4_000, 4_000_000
"""So much of a stream, which cannot be read twice, is searched for a date that shows whether its month is first."""
EMPTY_CELLS = frozenset({"", "NULL", "null", "Null"})
NESTED_FIELDS = ("properties", "meterDetails")
"""The objects in results of Azure's API whose fields are those of the result."""
DATE_COLUMN = re.compile("date|period")
ASSUMED_MONTH_FIRST = "dates such as 09/02/2026, which no date of the file decides, are read month first"
UNREAD_TAGS = "tags that are not JSON are not read"


@dataclass(frozen=True, slots=True)
class BillRow:
    """A row of a bill: its filled cells by field.

    `identity` is a hash of all of its cells, also of those that are not read. `document` numbers the JSON documents of a
    file, from 1; it is 0 in a table. `column_names` are the columns of the file, by field, for messages. Between semicolons a
    comma in a number is open: it may be a decimal comma.
    """

    source: str
    line_number: int
    cells: Mapping[str, BillCell]
    identity: int
    column_names: Mapping[str, str]
    month_first: bool = True
    has_open_commas: bool = False
    document: int = 0

    def text(self, field: str) -> str:
        """The text in a field; empty if it is not filled."""
        cell = self.cells.get(field, "")
        return cell if isinstance(cell, str) else str(cell)

    def first_text(self, *fields: str) -> str:
        """The text of the first of some fields that is filled; empty if none is."""
        return next((self.text(field) for field in fields if field in self.cells), "")

    def number(self, field: str) -> Fraction | None:
        """The exact number in a field; None if it is not filled.

        Raises:
            InvalidRow: it is not a number.
        """
        if field not in self.cells:
            return None
        cell = self.cells[field]
        if self.has_open_commas and isinstance(cell, str) and "," in cell:
            raise InvalidRow(
                f"{self._column(field)} has a comma, which may be a decimal comma: write 1234.56, not {cell[:40]!r}"
            )
        number = parse_exact_number(cell)
        if number is None:
            raise InvalidRow(f"{self._column(field)} is not a number such as 1234.56: {self.text(field)[:40]!r}")
        return number

    def moment(self, field: str) -> datetime | None:
        """The time in a field, in the zone of the bill or, if the cell names its zone, in UTC; None if it is not filled.

        Raises:
            InvalidRow: it is not a time.
        """
        if field not in self.cells:
            return None
        moment = parse_bill_time(self.cells[field], month_first=self.month_first)
        if moment is None:
            order = "month/day/year" if self.month_first else "day/month/year"
            raise InvalidRow(f"{self._column(field)} is not a date ({order}, or ISO): {self.text(field)[:40]!r}")
        return moment

    def tags(self, field: str) -> Mapping[str, str] | None:
        """The names and values in a field; None if they are not JSON."""
        return parse_tags(self.cells[field]) if field in self.cells else {}

    def _column(self, field: str) -> str:
        return self.column_names.get(field, field)


def bill_rows(lines: NumberedLines, columns: FieldColumns, report: BillReport) -> Iterator[BillRow]:
    """Yield the rows of a bill, in order. What cannot be read as a row is reported."""
    if lines.is_parquet:
        yield from _parquet_rows(lines, columns, report)
    elif lines.sample(1, 1)[:1] and lines.sample(1, 1)[0].lstrip()[:1] in (b"{", b"["):
        yield from _json_rows(lines, columns, report)
    else:
        yield from _table_rows(lines, columns, report)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the fields are in a table: positions by field, the preferred one last, and the columns' names for messages."""

    positions: Sequence[tuple[str, int]]
    column_names: Mapping[str, str]

    @classmethod
    def of_columns(cls, names: Sequence[str], columns: FieldColumns) -> "_Layout":
        indexes: dict[str, int] = {}
        for index, name in enumerate(map(bare_name, names)):
            indexes.setdefault(name, index)
        present = {field: [name for name in aliases if name in indexes] for field, aliases in columns.items()}
        return cls(
            [(field, indexes[name]) for field, aliases in present.items() for name in reversed(aliases)],
            {field: " or ".join(names[indexes[name]] for name in aliases) for field, aliases in present.items() if aliases},
        )

    def text_cells(self, cells: Sequence[str]) -> dict[str, BillCell]:
        """The filled cells of a row of text, by field."""
        return {field: cell for field, index in self.positions if (cell := cells[index].strip()) not in EMPTY_CELLS}

    def cells(self, values: Sequence[BillCell]) -> dict[str, BillCell]:
        """The filled cells of a row of any values, by field."""
        stripped = ((field, _stripped(values[index])) for field, index in self.positions)
        return {field: value for field, value in stripped if value is not None}


def _stripped(value: BillCell) -> BillCell:
    """Return a value, and text without space around it; None if it is empty."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    return None if text in EMPTY_CELLS else text


def _table_rows(lines: NumberedLines, columns: FieldColumns, report: BillReport) -> Iterator[BillRow]:
    order = _month_first(lines)
    numbered = TextLines(lines, report.reading)
    header = next(filter(None, map(_bill_header, islice(numbered, MAX_TITLE_LINES))), None)
    if header is None:
        report.add_error(lines.name, 1, "no header with the columns of a bill is in the first lines")
        return
    layout = _Layout.of_columns(header.names, columns)
    report.remarks.update([ASSUMED_MONTH_FIRST] if order is None else ())
    for line_number, cells in delimited_rows(numbered, header, report.reading):
        filled = layout.text_cells(cells)
        yield BillRow(
            lines.name,
            line_number,
            filled,
            hash(tuple(cells)),
            layout.column_names,
            month_first=order is not False,
            has_open_commas=header.delimiter == ";",
        )


def _bill_header(text: str) -> Header | None:
    """Return the header in a line; None if it is a title or another line."""
    line = text.encode()
    if recognise_invoice([line]) is None:
        return None
    return max((Header(mark, tuple(split_cells(line, mark))) for mark in DELIMITERS), key=lambda header: len(header.names))


def _month_first(lines: NumberedLines) -> bool | None:
    """Return whether the dates of a table have their month first, by the first date that shows it; None if none does.

    If they are not written in that manner, the answer is True.
    """
    source = lines.source
    if source.path is None or not source.path.is_file():
        return _day_order(lines.sample(SAMPLED_LINES, SAMPLED_BYTES))
    trial = NumberedLines(source, ReadReport())
    try:
        return _day_order(line for _, line in trial)
    finally:
        trial.close()


def _day_order(lines: Iterable[bytes]) -> bool | None:
    rest = iter(lines)
    first_texts = (line.decode(errors="replace") for line in islice(rest, MAX_TITLE_LINES))
    header = next(filter(None, map(_bill_header, first_texts)), None)
    names = header.names if header else ()
    indexes = [index for index, name in enumerate(names) if DATE_COLUMN.search(bare_name(name))]
    if header is None or not indexes:
        return True
    for cells in (split_cells(line, header.delimiter) for line in rest):
        dates = [cells[index].strip() for index in indexes] if len(cells) == len(names) else []
        orders = [order for order in map(shows_day_order, dates) if order is not None]
        if orders:
            return orders[0]
        if dates and not any(map(is_numbered_date, dates)):
            return True
    return None


def _parquet_rows(lines: NumberedLines, columns: FieldColumns, report: BillReport) -> Iterator[BillRow]:
    import pyarrow as pa  # noqa: PLC0415 - only for such files: it takes a while to load
    import pyarrow.parquet as pq  # noqa: PLC0415

    row_number = 0
    try:
        with lines.source.open_seekable() as opened, pq.ParquetFile(opened) as file:
            layout = _Layout.of_columns(file.schema_arrow.names, columns)
            for batch in file.iter_batches(PARQUET_ROWS_AT_ONCE):
                for values in _rows_of_batch(batch):
                    row_number += 1
                    if values is None:
                        report.add_error(lines.name, row_number, "a value in it is out of range")
                        continue
                    cells = layout.cells(values)
                    yield BillRow(lines.name, row_number, cells, _hash_values(values), layout.column_names)
    except VoicebillError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        report.add_error(lines.name, 0, f"cannot be read beyond row {row_number:,} ({type(error).__name__})")


def _rows_of_batch(batch: Any) -> Iterator[Sequence[BillCell] | None]:  # noqa: ANN401 - Arrow's types are not known to type checkers
    """Yield the rows of a batch; None for a row with a value that Python cannot represent."""
    try:
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
    except (OverflowError, ValueError):
        for index in range(batch.num_rows):
            try:
                row = tuple(column[index].as_py() for column in batch.columns)
            except (OverflowError, ValueError):
                row = None
            yield row


def _hash_values(values: Sequence[BillCell]) -> int:
    try:
        return hash(values)
    except TypeError:  # tags may be lists or objects
        return hash(repr(values))


_decoder = msgspec.json.Decoder(float_hook=Decimal)


def _json_rows(lines: NumberedLines, columns: FieldColumns, report: BillReport) -> Iterator[BillRow]:
    layout = _Layout.of_columns((), columns)
    layout_names: tuple[str, ...] = ()
    for number, document in enumerate(documents(lines, report.reading), 1):
        for fields in _results_in(decode_document(document, _decoder, report.reading), {}):
            if (names := tuple(fields)) != layout_names:
                layout, layout_names = _Layout.of_columns(names, columns), names
            cells = layout.cells(list(fields.values()))
            identity = hash(msgspec.json.encode(fields))
            yield BillRow(document.source, document.line_number, cells, identity, layout.column_names, document=number)


def _results_in(value: object, bucket: dict[str, object]) -> Iterator[Mapping[str, object]]:
    """Yield the results in a page, each with the times of its bucket; an object that carries none is a result itself."""
    if isinstance(value, list):
        for item in value:
            yield from _results_in(item, bucket)
    elif isinstance(value, dict):
        carried = [items for name in CONTAINERS if isinstance(items := value.get(name), list)]
        if carried:
            yield from _results_in(
                carried, bucket | {name: time for name, time in value.items() if name.startswith(("start_time", "end_time"))}
            )
        else:
            yield {**bucket, **_flattened(value)}


def _flattened(result: Mapping[str, object]) -> dict[str, object]:
    """Return the fields of a result, with those of its objects beside them: `amount.value` is `amount_value`."""
    fields: dict[str, object] = {}
    for name, value in result.items():
        if isinstance(value, dict) and name in NESTED_FIELDS:
            fields |= _flattened(value)
        elif isinstance(value, dict) and name == "amount":
            fields |= {f"{name}_{part}": content for part, content in value.items()}
        else:
            fields[name] = value
    return fields
