"""Read tables with named columns: CSV (also with tabs, semicolons or bars) and Parquet, one row per response or transcription.

A row has either charged quantities, by voicebill's meter names (`text_in`, `audio_in_cached`, ...), or reported counts
(`input_tokens`, `cached_tokens`, ...; there cached counts are part of the input, as vendors report them). A table in long
form, with the columns `meter` and `quantity`, gives one record per row. An empty field counts as not reported.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from typing import Any

from voicebill.billing.errors import InvalidInput, VoicebillError, closest_names
from voicebill.billing.record import RECORD_KINDS, Record, RecordKind
from voicebill.billing.usage import Usage
from voicebill.facts.load import load_facts
from voicebill.logs.counts import MAX_COUNT, TokenCounts, no_usage, possible_usages
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.keys import place_key, response_key
from voicebill.logs.providers import normalize_provider, split_model_name
from voicebill.logs.report import ReadReport
from voicebill.logs.sources import PARQUET, NumberedLines
from voicebill.logs.unread_usage import counts_in, meaning_of, split_camel_case

NAME = "columns"
ABOUT = "CSV or Parquet with named columns: meters as voicebill names them, or counts as vendors report them"

DELIMITERS = (",", "\t", ";", "|")
PARQUET_BATCH_ROWS = 8192

COUNT_COLUMNS: dict[str, tuple[str, ...]] = {
    "total": ("total_tokens",),
    "input": ("input_tokens", "prompt_tokens"),
    "output": ("output_tokens", "completion_tokens"),
    "text_in": ("input_text_tokens",),
    "audio_in": ("input_audio_tokens",),
    "image_in": ("input_image_tokens",),
    "cached": ("cached_tokens", "input_cached_tokens", "cached_input_tokens", "cache_read_input_tokens"),
    "text_cached": ("cached_text_tokens", "input_cached_text_tokens"),
    "audio_cached": ("cached_audio_tokens", "input_cached_audio_tokens"),
    "image_cached": ("cached_image_tokens", "input_cached_image_tokens"),
    "text_out": ("output_text_tokens",),
    "audio_out": ("output_audio_tokens",),
    "reasoning": ("reasoning_tokens", "output_reasoning_tokens"),
}
"""The columns that report each count: the first one that is filled is used."""

FIELD_COLUMNS: dict[str, tuple[str, ...]] = {
    "key": ("key",),
    "id": ("response_id", "id", "request_id"),
    "kind": ("kind",),
    "model": ("model",),
    "transcription_model": ("transcription_model",),
    "provider": ("provider",),
    "deployment": ("deployment",),
    "region": ("region",),
    "tier": ("tier",),
    "session": ("session", "session_id", "call_id"),
    "turn": ("turn",),
    "tenant": ("tenant", "tenant_id", "customer", "customer_id"),
    "time": ("time", "timestamp"),
    "day": ("day", "date"),
    "outcome": ("outcome", "status"),
    "seconds": ("seconds",),
    "meter": ("meter",),
    "quantity": ("quantity",),
}
"""The other fields of a row, and the columns that they are read from."""

CellValue = object
TableRow = Mapping[str, CellValue]
"""The filled fields of a row, by column name."""


@dataclass(frozen=True, slots=True)
class Table:
    """The known columns of a table, by their kind."""

    field_columns: Mapping[str, tuple[str, ...]]
    count_columns: Mapping[str, tuple[str, ...]]
    meter_columns: tuple[str, ...]

    @classmethod
    def from_names(cls, names: Iterable[str]) -> "Table":
        """Return the table with these columns."""
        present = set(names)
        field_columns, count_columns = (
            {
                field: columns
                for field, aliases in columns_by_field.items()
                if (columns := tuple(name for name in aliases if name in present))
            }
            for columns_by_field in (FIELD_COLUMNS, COUNT_COLUMNS)
        )
        return cls(field_columns, count_columns, tuple(sorted(meter_names() & present)))


class InvalidRow(ValueError):
    """A row with an invalid value. The text is for the report."""


@cache
def meter_names() -> frozenset[str]:
    """Return the names of all meters."""
    return frozenset(load_facts().prices.meters)


@cache
def supported_columns() -> frozenset[str]:
    """Return the names of all columns that are read."""
    return meter_names().union(*COUNT_COLUMNS.values(), *FIELD_COLUMNS.values())


@cache
def _counting_columns() -> frozenset[str]:
    return meter_names().union(*COUNT_COLUMNS.values(), ("seconds", "quantity"))


def matches(sample: Sequence[bytes]) -> bool:
    """Return whether a source is Parquet, or begins with a header of known columns with a quantity among them."""
    if not sample:
        return False
    return sample[0].startswith(PARQUET) or _delimiter(sample[0]) is not None


def _delimiter(header: bytes) -> str | None:
    """Return the delimiter that gives the most known columns; None if this is not a known header."""
    best = max(DELIMITERS, key=lambda delimiter: len(_supported(_split(header, delimiter))))
    columns = _supported(_split(header, best))
    return best if len(columns) > 1 and not columns.isdisjoint(_counting_columns()) else None


def _split(header: bytes, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([header.decode()], delimiter=delimiter, strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        return []


def _supported(names: Iterable[str]) -> frozenset[str]:
    return supported_columns() & {normalize_column(name) for name in names}


def normalize_column(name: str) -> str:
    """Return the normalised name of a column.

    >>> normalize_column(" Input Tokens"), normalize_column("inputTokens")
    ('input_tokens', 'input_tokens')
    """
    return re.sub(r"[\s\-]+", "_", split_camel_case(name.strip()))


def read(logs: Iterable[NumberedLines], defaults: LogDefaults, report: ReadReport) -> Iterator[Record]:
    """Yield the records of all tables."""
    for lines in logs:
        for line_number, row, table in _parquet_rows(lines, report) if lines.is_parquet else _text_rows(lines, report):
            try:
                record = _RowReader(lines, line_number, row, table, defaults, report).record()
            except (InvalidRow, InvalidInput) as error:
                report.add_error(lines.name, line_number, str(error))
                _report_unread(lines, line_number, row, report)
            else:
                if record.status == "missing":
                    _report_unread(lines, line_number, row, report)
                yield record


def _report_unread(lines: NumberedLines, line_number: int, row: TableRow, report: ReadReport) -> None:
    """Report a row without a record or usage, if it has counts."""
    if counts := counts_in(dict(row)):
        report.add_unread_counts(lines.name, line_number, counts)


def _text_rows(lines: NumberedLines, report: ReadReport) -> Iterator[tuple[int, TableRow, Table]]:
    numbered = _TextLines(lines, report)
    first = next(numbered, None)
    if first is None:
        return
    line_number = numbered.first_line
    delimiter = _delimiter(first.encode())
    if delimiter is None:
        report.add_error(lines.name, line_number, "not a header of known columns with a quantity among them")
        return
    names = _split(first.encode(), delimiter)
    columns = _columns(names, lines.name, line_number, report)
    if not columns:
        return
    table = Table.from_names(columns.values())
    unread_columns = {
        index: name for index, name in enumerate(names) if index not in columns and meaning_of(name) not in ("", "uncharged")
    }
    for line_number, fields in _fields(numbered, delimiter, lines.name, report):
        if len(fields) != len(names):
            report.add_error(lines.name, line_number, f"{len(fields)} fields, but the header has {len(names)}")
        else:
            stripped = ((name, fields[index].strip()) for index, name in {**columns, **unread_columns}.items())
            yield line_number, {name: field for name, field in stripped if field}, table


def _fields(numbered: "_TextLines", delimiter: str, source: str, report: ReadReport) -> Iterator[tuple[int, list[str]]]:
    """Yield the following rows, each with the line it begins on. A quoted field may span several lines."""
    rows = csv.reader(numbered, delimiter=delimiter, strict=True)
    while True:
        numbered.first_line = 0
        try:
            fields = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            report.add_error(source, numbered.first_line, f"not a CSV row ({error})")
        else:
            yield numbered.first_line, fields


class _TextLines:
    """The lines of a source as text, and the line on which the current row began. Lines that are not text are skipped."""

    def __init__(self, lines: NumberedLines, report: ReadReport) -> None:
        self._lines = lines
        self._report = report
        self._iterator = iter(lines)
        self.first_line = 0
        """The first line given since this was set to 0."""

    def __iter__(self) -> "_TextLines":
        return self

    def __next__(self) -> str:
        for line_number, line in self._iterator:
            try:
                text = line.decode()
            except UnicodeDecodeError:
                self._report.add_error(self._lines.name, line_number, "not text in UTF-8")
            else:
                self.first_line = self.first_line or line_number
                return text
        raise StopIteration


def _columns(names: Sequence[str], source: str, line_number: int, report: ReadReport) -> dict[int, str]:
    """Return the known columns by position. A likely misspelling is reported; a repeated column makes the table unreadable."""
    columns: dict[int, str] = {}
    for index, name in enumerate(map(normalize_column, names)):
        if name in columns.values():
            report.add_error(source, line_number, f"the column {name} occurs twice")
            return {}
        if name in supported_columns():
            columns[index] = name
        elif nearest_names := get_close_matches(name, supported_columns(), n=1, cutoff=0.85):
            report.add_error(
                source, line_number, f"the column {name[:60]!r} is unknown and ignored: did you mean {nearest_names[0]}?"
            )
    return columns


def _parquet_rows(lines: NumberedLines, report: ReadReport) -> Iterator[tuple[int, TableRow, Table]]:
    import pyarrow as pa  # noqa: PLC0415 - only for such files: it takes a while to load
    import pyarrow.parquet as pq  # noqa: PLC0415

    row_number = reported = 0
    try:
        with lines.source.open_seekable() as opened, pq.ParquetFile(opened) as file:
            names = file.schema_arrow.names
            if _counting_columns().isdisjoint(_supported(names)):
                report.add_error(lines.name, 0, "none of its columns has a known quantity")
                return
            columns = _columns(names, lines.name, 0, report)
            if not columns:
                return
            table = Table.from_names(columns.values())
            for batch in file.iter_batches(PARQUET_BATCH_ROWS, columns=[names[index] for index in columns]):
                report.lines += row_number - reported
                reported = row_number
                for row in _python_rows(batch.rename_columns(list(columns.values()))):
                    row_number += 1
                    if row is None:
                        report.add_error(lines.name, row_number, "a value in it is out of range")
                    else:
                        yield row_number, {name: value for name, value in row.items() if _is_filled(value)}, table
    except VoicebillError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        report.add_error(lines.name, 0, f"cannot be read beyond row {row_number:,} ({type(error).__name__})")
    finally:
        report.lines += row_number - reported


def _python_rows(batch: Any) -> Iterator[TableRow | None]:  # noqa: ANN401 - Arrow's types are not known to type checkers
    """Yield the rows of a batch; None for a row with a value that Python cannot represent, such as the year 4,000,000."""
    try:
        yield from batch.to_pylist()
    except (OverflowError, ValueError):
        for index in range(batch.num_rows):
            try:
                row = batch.slice(index, 1).to_pylist()[0]
            except (OverflowError, ValueError):
                row = None
            yield row


def _is_filled(value: object) -> bool:
    return value is not None and value != "" and value == value  # noqa: PLR0124 - NaN is what an empty number becomes


@dataclass(frozen=True, slots=True)
class _RowReader:
    """A row, and what is needed to make a record from it."""

    lines: NumberedLines
    line_number: int
    row: TableRow
    table: Table
    defaults: LogDefaults
    report: ReadReport

    def record(self) -> Record:
        """Return the record of the row.

        Raises:
            InvalidRow: a value in it is invalid.
        """
        kind = self._kind()
        outcome = self._text("outcome")
        time = self._time()
        provider, model = split_model_name(self._model(kind), normalize_provider(self._text("provider")))
        return Record(
            key=self._key(kind),
            kind=kind,
            usage_candidates=self._usages(kind),
            source=self.lines.name,
            line_number=self.line_number,
            provider=provider or self.defaults.provider,
            model=model,
            deployment=self._text("deployment") or self.defaults.deployment,
            region=self._text("region") or self.defaults.region,
            tier=self._text("tier") or self.defaults.tier,
            session=self._text("session"),
            turn=self._number("turn"),
            tenant=self._text("tenant") or self.defaults.tenant,
            time=time,
            day=self._day(time),
            outcome=outcome,
        )

    def _find(self, field: str) -> tuple[str, CellValue] | None:
        for name in self.table.field_columns.get(field, ()):
            if name in self.row:
                return name, self.row[name]
        return None

    def _text(self, field: str) -> str | None:
        cell = self._find(field)
        if cell is None:
            return None
        name, value = cell
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise InvalidRow(f"{name} is neither text nor a whole number")
        return str(value)

    def _number(self, field: str) -> int | None:
        cell = self._find(field)
        return None if cell is None else parse_cell_count(*cell)

    def _kind(self) -> RecordKind:
        text = self._text("kind")
        if text is None:
            is_transcription = self._find("transcription_model") and not self._find("model")
            return "transcription" if is_transcription else "response"
        kind = text.lower().replace("_", "-")
        if kind not in RECORD_KINDS:
            raise InvalidRow(f"kind is not one of {', '.join(RECORD_KINDS)}")
        return kind

    def _model(self, kind: RecordKind) -> str | None:
        if kind == "transcription":
            return self._text("transcription_model") or self._text("model") or self.defaults.transcription_model
        return self._text("model") or self.defaults.model

    def _key(self, kind: RecordKind) -> str:
        """Return the row's key, from its identifier if it has one. In long form a row is one meter of a record."""
        key, identifier, meter = (self._text(field) for field in ("key", "id", "meter"))
        if key is None and identifier is not None:
            prefix = "" if kind in ("response", "out-of-band") else f"{kind}:"
            key = prefix + response_key(identifier)
        if key is None:
            content = repr(sorted((name, str(value)) for name, value in self.row.items())).encode()
            return place_key(self.lines.identity, self.line_number, content)
        return f"{key}:{meter}" if meter else key

    def _time(self) -> datetime | None:
        cell = self._find("time")
        if cell is None:
            return None
        time = self.report.parse_time(cell[1])
        if time is None:
            raise InvalidRow(f"{cell[0]} is not a time: write 2026-11-22T10:15:00Z, or seconds since 1970")
        return time

    def _day(self, time: datetime | None) -> date | None:
        cell = self._find("day")
        if cell is None:
            return None if time else self.defaults.day
        name, value = cell
        try:
            day = value if isinstance(value, date) else date.fromisoformat(str(value)[:10])
        except ValueError:
            raise InvalidRow(f"{name} is not a day: write 2026-11-22") from None
        if not 2000 <= day.year <= 2200:
            raise InvalidRow(f"{name} is not a day from 2000 to 2200")
        return day.date() if isinstance(day, datetime) else day

    def _usages(self, kind: RecordKind) -> tuple[Usage, ...]:
        quantities = self._quantities()
        counts = self._counts()
        nonzero_meters = [name for name, quantity in quantities.items() if quantity]
        nonzero_counts = [name for name, count in counts.items() if count]
        if nonzero_meters and nonzero_counts:
            raise InvalidRow(
                f"it has both a charged quantity ({nonzero_meters[0]}) and a reported count ({nonzero_counts[0]}): "
                "give only one kind"
            )
        if nonzero_meters or (quantities and not nonzero_counts):
            return (Usage(quantities),)
        seconds = self._find("seconds")
        if seconds is not None and not nonzero_counts:
            return (self._duration_usage(kind, parse_cell_milliseconds(*seconds)),)
        if not counts:
            return no_usage()
        token_counts = TokenCounts(**counts)
        if kind == "transcription" and token_counts.text_out is None and token_counts.audio_out is None:
            token_counts.text_out = token_counts.output
        return possible_usages(token_counts)

    def _quantities(self) -> dict[str, int]:
        """Return quantities by meter, in either form."""
        quantities = {name: parse_cell_count(name, self.row[name]) for name in self.table.meter_columns if name in self.row}
        meter, quantity = self._text("meter"), self._number("quantity")
        if meter is None:
            return quantities
        if meter not in meter_names():
            nearest_names = closest_names(meter, meter_names(), limit=1)
            raise InvalidRow(f"there is no meter of this name{f'; did you mean {nearest_names[0]}?' if nearest_names else ''}")
        if quantity is None:
            raise InvalidRow(f"{meter} has no quantity")
        return {**quantities, meter: quantity}

    def _counts(self) -> dict[str, int]:
        """Return the reported counts, by voicebill's names."""
        filled = (
            (count, next((name for name in names if name in self.row), None))
            for count, names in self.table.count_columns.items()
        )
        return {count: parse_cell_count(name, self.row[name]) for count, name in filled if name is not None}

    def _duration_usage(self, kind: RecordKind, ms: int) -> Usage:
        if kind == "transcription":
            return Usage({"audio_ms": ms})
        if kind == "session":
            return Usage({"session_ms": ms})
        raise InvalidRow("seconds belong to a transcription or to a session: add a column kind that says which")


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
