"""Read delimited text, such as CSV: a header of named columns, then rows of cells.

Names of columns in camel case, in snake case and with spaces are alike. A quoted cell may span several lines.
"""

import csv
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain

import msgspec

from voicebill.billing.recent_texts import cache_while_reading
from voicebill.logs.counts import MAX_COUNT
from voicebill.logs.documents import begins_document, documents
from voicebill.logs.report import ReadReport, describe_encoding_error
from voicebill.logs.sources import MAX_LINE_BYTES, NumberedLine, NumberedLines
from voicebill.logs.unread_usage import MAX_SEARCHED_BYTES, counts_in, split_camel_case

CSV_ERRORS = {
    "unexpected end of data": "a quote is opened in it and not closed",
    "line contains NUL": "it contains a zero byte",
}
"""What the standard library's messages mean."""
DELIMITERS = (",", "\t", ";", "|")
OTHER_TABLE = "the header of another table: give each table a file of its own"
AFTER_JSON = "it comes after JSON in a table, and is not read: give each format a file of its own"

VENDOR_TABLES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "langfuse": (("id", "trace_id", "usage_details"),),
    "litellm": (("request_id", "call_type", "start_time", "prompt_tokens"),),
    "openai-usage": (("start_time", "end_time", "start_time_iso", "end_time_iso"), ("num_model_requests",)),
}
"""The columns by which the tables of a format are recognised, all of one of these groups: they are not tables of one's own."""

CellValue = object


class InvalidRow(ValueError):
    """A row with an invalid value. The text is for the report."""


@cache_while_reading(4096)
def normalize_column(name: str) -> str:
    """Return the normalised name of a column.

    >>> normalize_column(" Input Tokens"), normalize_column("inputTokens")
    ('input_tokens', 'input_tokens')
    """
    return re.sub(r"[\s\-.]+", "_", split_camel_case(name.strip()))


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a table: its delimiter, and the names of its columns as they are written."""

    delimiter: str
    names: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The normalised names."""
        return tuple(normalize_column(name) for name in self.names)


def parse_header(line: bytes, expected: Collection[str]) -> Header:
    """Return the header in a line, with the delimiter that gives the most expected columns."""
    headers = (Header(delimiter, tuple(split_cells(line, delimiter))) for delimiter in DELIMITERS)
    return max(headers, key=lambda header: len({name for name in header.columns if name in expected}))


def split_cells(line: bytes, delimiter: str) -> list[str]:
    """Return the cells of a line; none if it is not text."""
    try:
        return next(csv.reader([line.decode()], delimiter=delimiter, strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        return []


def is_vendor_table(log_format: str, sample: Sequence[bytes]) -> bool:
    """Return whether the first line is the header of a table that a vendor writes.

    >>> is_vendor_table("litellm", [b"request_id,call_type,startTime,prompt_tokens,spend"])
    True
    """
    return bool(sample) and any(
        set(required) <= set(parse_header(sample[0], required).columns) for required in VENDOR_TABLES[log_format]
    )


def filled_rows(log_format: str, lines: NumberedLines, report: ReadReport) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of a vendor's table, each with the line it begins on: its filled cells by their normalised column."""
    numbered = TextLines(lines, report)
    first = next(numbered, None)
    if first is None:
        return
    header = parse_header(first.encode(), {name for required in VENDOR_TABLES[log_format] for name in required})
    for line_number, cells in delimited_rows(numbered, header, report):
        stripped = zip(header.columns, (cell.strip() for cell in cells), strict=True)
        yield line_number, {name: cell for name, cell in stripped if cell}


class TextLines:
    """The lines of a source as text, and where the current row began. What is JSON or not text is reported and skipped."""

    def __init__(self, lines: NumberedLines, report: ReadReport) -> None:
        self.name = lines.name
        self._lines = lines
        self._report = report
        self._iterator = iter(lines)
        self.first_line = 0
        """The first line given since the current row began; 0 before."""
        self.row = b""
        """The current row as far as it was given, up to its first lines."""

    def __iter__(self) -> "TextLines":
        return self

    def __next__(self) -> str:
        for line_number, line in self._iterator:
            if not self.first_line and line.lstrip()[:1] in (b"{", b"[") and self._skip_json(line_number, line):
                continue
            try:
                text = line.decode()
            except UnicodeDecodeError:
                self._report.add_error(self.name, line_number, describe_encoding_error(line) or "not text")
            else:
                self.first_line = self.first_line or line_number
                if len(self.row) < MAX_SEARCHED_BYTES:
                    self.row += line
                return text
        raise StopIteration

    def begin_row(self) -> None:
        """Begin a row with the next line."""
        self.first_line, self.row = 0, b""

    def _skip_json(self, line_number: int, line: bytes) -> bool:
        """Report a line of JSON where a row should be. Return whether it was one."""
        if begins_document(line):
            self._skip_documents((line_number, line))
            return True
        try:
            msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return False
        self._report.add_other_line(self.name, line_number, line)
        return True

    def _skip_documents(self, beginning: NumberedLine) -> None:
        """Report the rest of the source, which begins with a JSON document over several lines. Rows after it are not read."""
        rest = chain([beginning], self._iterator)
        self._lines.replace(lambda _lines: rest)
        for document in documents(self._lines, self._report):
            if document.content[:1] in (b"{", b"["):
                self._report.add_other_line(document.source, document.line_number, document.content)
            else:
                self._report.add_error(document.source, document.line_number, AFTER_JSON)
                self._report.add_unread_counts(document.source, document.line_number, {})


def delimited_rows(numbered: TextLines, header: Header, report: ReadReport) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows after the header, each with the line it begins on. A row of another length or table is reported."""
    csv.field_size_limit(MAX_LINE_BYTES)
    rows = csv.reader(numbered, delimiter=header.delimiter, strict=True)
    columns = header.columns
    other_header: Header | None = None
    while True:
        numbered.begin_row()
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            reason = CSV_ERRORS.get(str(error), str(error))
            report.add_error(numbered.name, numbered.first_line, f"not a CSV row: {reason}")
            report.add_unread_line(numbered.name, numbered.first_line, numbered.row)
            continue
        if cells and normalize_column(cells[0]) == columns[0] and tuple(map(normalize_column, cells)) == columns:
            other_header = None  # a table of the same columns was appended
        elif not any(cell[:1].isdigit() for cell in cells) and report.is_of_another_format(numbered.row):
            other_header = max((Header(mark, tuple(split_cells(numbered.row, mark))) for mark in DELIMITERS), key=_width)
            report.add_error(numbered.name, numbered.first_line, OTHER_TABLE)
            report.add_unread_counts(numbered.name, numbered.first_line, {})
        elif other_header is not None:
            other_cells = split_cells(numbered.row, other_header.delimiter)
            _report_unread_row(numbered, other_header, other_cells, report)
        elif len(cells) == len(header.names):
            yield numbered.first_line, cells
        else:
            reason = f"{len(cells)} fields, but the header has {len(header.names)}"
            report.add_error(numbered.name, numbered.first_line, reason)
            report.add_unread_line(numbered.name, numbered.first_line, numbered.row)
            _report_unread_row(numbered, header, cells, report)


def _width(header: Header) -> int:
    return len(header.names)


def _report_unread_row(numbered: TextLines, header: Header, cells: Sequence[str], report: ReadReport) -> None:
    if counts := counts_in(dict(zip(header.columns, cells, strict=False))):
        report.add_unread_counts(numbered.name, numbered.first_line, counts)


def parse_cell_count(name: str, value: CellValue) -> int:
    """Return a count as a non-negative integer. 12.0 is 12: tables with empty fields write integers like that.

    >>> parse_cell_count("input_tokens", "12"), parse_cell_count("input_tokens", 12.0)
    (12, 12)

    Raises:
        InvalidRow: it is anything else.
    """
    if isinstance(value, str) and len(value) <= 12 and value.isascii() and value.isdigit():
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"\d{1,3}\.\d{3}", value, re.ASCII):
        raise InvalidRow(f"{name} is ambiguous: write it with digits only")
    number = _parse_decimal(name, value)
    if number != number.to_integral_value():
        raise InvalidRow(f"{name} is not a whole number")
    return int(_require_in_range(name, number))


def parse_cell_milliseconds(name: str, value: CellValue) -> int:
    """Return seconds, with their fraction, as milliseconds.

    >>> parse_cell_milliseconds("seconds", "1.5")
    1500

    Raises:
        InvalidRow: it is not a number of seconds.
    """
    return round(_require_in_range(name, _parse_decimal(name, value) * 1000))


def _parse_decimal(name: str, value: CellValue) -> Decimal:
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,15}(\.\d{1,9})?", value, re.ASCII):
        return Decimal(value)
    if isinstance(value, Decimal | int | float) and not isinstance(value, bool):
        number = Decimal(str(value))
        if number.is_finite():
            return number
    raise InvalidRow(f"{name} is not a number of digits with an optional decimal point")


def _require_in_range(name: str, number: Decimal) -> Decimal:
    if number < 0:
        raise InvalidRow(f"{name} cannot be negative")
    if number > MAX_COUNT:
        raise InvalidRow(f"{name} is more than {MAX_COUNT:,}")
    return number
