"""Read tables with named columns: CSV (also with tabs, semicolons or bars) and Parquet, one row per response or transcription.

A row has either charged quantities, by voicebill's meter names (`text_in`, `audio_in_cached`, ...), or reported counts
(`input_tokens`, `cached_tokens`, ...; there cached counts are part of the input, as vendors report them). A table in long
form, with the columns `meter` and `quantity`, gives one record per row. An empty field counts as not reported.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from voicebill.billing.errors import InvalidInput, VoicebillError, closest_names
from voicebill.billing.record import RECORD_KINDS, Record, RecordKind
from voicebill.billing.usage import Usage
from voicebill.conversation.work import check_work
from voicebill.facts.load import load_facts
from voicebill.logs.counts import TokenCounts, no_usage, possible_usages
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.delimited import (
    VENDOR_TABLES,
    CellValue,
    Header,
    InvalidRow,
    TextLines,
    delimited_rows,
    is_vendor_table,
    normalize_column,
    parse_cell_count,
    parse_cell_milliseconds,
    parse_header,
)
from voicebill.logs.keys import place_key, response_key
from voicebill.logs.owner_names import OWNER_NAMES, normal_name
from voicebill.logs.providers import normalize_deployment, normalize_provider, normalize_region, split_model_name
from voicebill.logs.report import ReadReport
from voicebill.logs.sources import PARQUET, NumberedLines
from voicebill.logs.unread_usage import counts_in, meaning_of

NAME = "columns"
ABOUT = "CSV or Parquet with named columns: meters as voicebill names them, or counts as vendors report them"

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
    "provider": ("provider", "custom_llm_provider"),
    "deployment": ("deployment",),
    "region": ("region",),
    "tier": ("tier",),
    "session": OWNER_NAMES["session"],
    "turn": ("turn",),
    "tenant": OWNER_NAMES["tenant"],
    "project": OWNER_NAMES["project"],
    "time": ("time", "timestamp", "start_time"),
    "day": ("day", "date"),
    "outcome": ("outcome", "status"),
    "seconds": ("seconds",),
    "meter": ("meter",),
    "quantity": ("quantity",),
    "run_type": ("run_type", "span_kind"),
}
"""The other fields of a row, and the columns that they are read from."""
STRICT_TIME_COLUMNS = ("time", "timestamp")
"""The columns in which only a time is valid; another one may have been meant otherwise."""

SUMMING_RUN_TYPES = frozenset({"chain", "tool", "retriever", "prompt", "parser", "agent", "workflow", "task", "retrieval"})
"""The types of rows that are no calls, in tables from LangSmith's and Datadog's runs: their counts sum those of the calls."""
ROWS_OF_OTHER_RUNS = "rows of chains, agents and tools, which sum the calls in them"

TableRow = Mapping[str, CellValue]
"""The filled fields of a row, by column name."""


@dataclass(frozen=True, slots=True)
class Table:
    """The known columns of a table, by their kind."""

    field_columns: Mapping[str, tuple[str, ...]]
    count_columns: Mapping[str, tuple[str, ...]]
    meter_columns: tuple[str, ...]
    remarks: Mapping[str, str]
    """What is to be said of an unknown column that has values, by its name."""

    @classmethod
    def from_names(cls, names: Iterable[str], remarks: Mapping[str, str], own_names: Mapping[str, str]) -> "Table":
        """Return the table with these columns. A field's own name, if there is one, is preferred to the usual ones."""
        present = set(names)
        own_columns = {field: (normal_name(name),) for field, name in own_names.items()}
        field_columns, count_columns = (
            {
                field: columns
                for field, aliases in columns_by_field.items()
                if (columns := tuple(name for name in (*own_columns.get(field, ()), *aliases) if name in present))
            }
            for columns_by_field in (FIELD_COLUMNS, COUNT_COLUMNS)
        )
        return cls(field_columns, count_columns, tuple(sorted(meter_names() & present)), remarks)

    def remarks_on(self, row: TableRow) -> Iterator[str]:
        """Yield what is to be said of a row: that an unknown column has a value other than zero."""
        return (remark for name, remark in self.remarks.items() if str(row.get(name) or "0").strip("0."))


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
    if any(is_vendor_table(log_format, sample) for log_format in VENDOR_TABLES):
        return False
    return sample[0].startswith(PARQUET) or _supported_header(sample[0]) is not None


def _supported_header(line: bytes) -> Header | None:
    """Return the header in a line; None if it does not have two known columns, one of them with a quantity."""
    header = parse_header(line, supported_columns())
    supported = _supported(header.names)
    return header if len(supported) > 1 and not supported.isdisjoint(_counting_columns()) else None


def _supported(names: Iterable[str]) -> frozenset[str]:
    return supported_columns() & {normalize_column(name) for name in names}


def read(logs: Iterable[NumberedLines], defaults: LogDefaults, report: ReadReport) -> Iterator[Record]:
    """Yield the records of all tables."""
    for lines in logs:
        first_sum: tuple[int, TableRow] | None = None
        sum_count, has_calls = 0, False
        table_rows = _parquet_rows if lines.is_parquet else _text_rows
        for line_number, row, table in table_rows(lines, report, defaults.column):
            if any(str(row.get(column)).lower() in SUMMING_RUN_TYPES for column in table.field_columns.get("run_type", ())):
                sum_count += 1
                first_sum = first_sum or (line_number, row)
                continue
            has_calls = True
            try:
                record = _RowReader(lines, line_number, row, table, defaults, report).record()
            except (InvalidRow, InvalidInput) as error:
                report.add_error(lines.name, line_number, str(error))
                _report_unread(lines, line_number, row, report)
            else:
                if record.status == "missing":
                    _report_unread(lines, line_number, row, report)
                else:
                    report.remarks.update(table.remarks_on(row))
                yield record
        if has_calls and sum_count:
            report.skipped[ROWS_OF_OTHER_RUNS] += sum_count
        elif first_sum is not None:
            _report_unread(lines, *first_sum, report)


def _report_unread(lines: NumberedLines, line_number: int, row: TableRow, report: ReadReport) -> None:
    """Report a row without a record or usage, if it has counts."""
    if counts := counts_in(dict(row)):
        report.add_unread_counts(lines.name, line_number, counts)


def _text_rows(lines: NumberedLines, report: ReadReport, own_names: Mapping[str, str]) -> Iterator[tuple[int, TableRow, Table]]:
    numbered = TextLines(lines, report)
    first = next(numbered, None)
    if first is None:
        return
    line_number = numbered.first_line
    header = _supported_header(first.encode())
    if header is None:
        report.add_error(lines.name, line_number, "not a header of known columns with a quantity among them")
        report.add_unread_line(lines.name, line_number, first.encode())
        for numbered_line in lines:
            report.add_unread_line(lines.name, *numbered_line)
        return
    columns = _columns(header.names, lines.name, line_number, report, own_names)
    if not columns:
        return
    unread_columns = {
        index: name
        for index, name in enumerate(header.names)
        if index not in columns and meaning_of(name) not in ("", "uncharged")
    }
    table = Table.from_names(columns.values(), _column_remarks(header.names, columns), own_names)
    read_columns = {index: name for index, name in enumerate(header.names) if name in table.remarks} | unread_columns | columns
    for line_number, cells in delimited_rows(numbered, header, report):
        stripped = ((name, cells[index].strip()) for index, name in read_columns.items())
        yield line_number, {name: cell for name, cell in stripped if cell}, table


def _columns(
    names: Sequence[str], source: str, line_number: int, report: ReadReport, own_names: Mapping[str, str]
) -> dict[int, str]:
    """Return the known columns by position. A misspelt count is reported; a repeated column makes the table unreadable."""
    columns: dict[int, str] = {}
    own_columns = {normal_name(name) for name in own_names.values()}
    for index, name in enumerate(map(normalize_column, names)):
        if name in columns.values():
            report.add_error(source, line_number, f"the column {name} occurs twice")
            return {}
        if name in supported_columns() or name in own_columns:
            columns[index] = name
        elif count := _misspelt(name, _counting_columns()):
            report.add_error(source, line_number, f"the column {name[:60]!r} is unknown and ignored: did you mean {count}?")
    return columns


def _column_remarks(names: Sequence[str], columns: Mapping[int, str]) -> dict[str, str]:
    """Return what is to be said of the other columns if they have values: of tokens, and of misspelt names."""
    remarks = {}
    for index, name in enumerate(names):
        check_work()
        column = normalize_column(name)
        if index in columns or _misspelt(column, _counting_columns()):
            continue
        if meaning_of(name) == "count":
            remarks[name] = f"the column {name[:60]!r} is not read"
        elif field := _misspelt(column, supported_columns().difference(columns.values())):
            remarks[name] = f"the column {name[:60]!r} is not read (did you mean {field}?)"
    return remarks


@cache
def _column_words() -> frozenset[str]:
    """Return the words that names of counts are made of: another one of them is another count, not a misspelling."""
    return frozenset(word for name in supported_columns() for word in name.split("_")) | {"uncached"}


def _misspelt(name: str, columns: Iterable[str]) -> str | None:
    """Return the column of which a name is a misspelling: a letter more, less, different or exchanged in some of its words.

    >>> _misspelt("input_audio_token", supported_columns()), _misspelt("inputtokens", supported_columns())
    ('input_audio_tokens', 'input_tokens')
    >>> _misspelt("remaining_tokens", supported_columns()), _misspelt("input_uncached_tokens", supported_columns())
    (None, None)
    """
    words = name.split("_")
    for column in sorted(columns):
        column_words = column.split("_")
        if "".join(column_words) == "".join(words) or (
            len(column_words) == len(words)
            and all(
                word == right or (word not in _column_words() and len(right) > 3 and _is_one_letter_off(word, right))
                for word, right in zip(words, column_words, strict=True)
            )
        ):
            return column
    return None


def _is_one_letter_off(word: str, right: str) -> bool:
    start = next((index for index, (one, other) in enumerate(zip(word, right, strict=False)) if one != other), 0)
    if word[: min(len(word), len(right))] == right[: min(len(word), len(right))]:
        return abs(len(word) - len(right)) == 1
    rests = ((1, 0), (0, 1), (1, 1))
    is_exchanged = word[start : start + 2] == right[start : start + 2][::-1] and word[start + 2 :] == right[start + 2 :]
    return is_exchanged or any(word[start + skipped :] == right[start + missed :] for skipped, missed in rests)


def _parquet_rows(
    lines: NumberedLines, report: ReadReport, own_names: Mapping[str, str]
) -> Iterator[tuple[int, TableRow, Table]]:
    import pyarrow as pa  # noqa: PLC0415 - only for such files: it takes a while to load
    import pyarrow.parquet as pq  # noqa: PLC0415

    row_number = reported = 0
    try:
        with lines.source.open_seekable() as opened, pq.ParquetFile(opened) as file:
            names = file.schema_arrow.names
            if _counting_columns().isdisjoint(_supported(names)):
                report.add_error(lines.name, 0, "none of its columns has a known quantity")
                return
            columns = _columns(names, lines.name, 0, report, own_names)
            if not columns:
                return
            table = Table.from_names(columns.values(), _column_remarks(names, columns), own_names)
            read_columns = {
                index: columns.get(index, name) for index, name in enumerate(names) if index in columns or name in table.remarks
            }
            for batch in file.iter_batches(PARQUET_BATCH_ROWS, columns=[names[index] for index in read_columns]):
                report.lines += row_number - reported
                reported = row_number
                for row in _python_rows(batch.rename_columns(list(read_columns.values()))):
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
        deployment = self._text("deployment")
        provider, model = split_model_name(self._model(kind), normalize_provider(self._text("provider")))
        return Record(
            key=self._key(kind),
            kind=kind,
            usage_candidates=self._usages(kind),
            source=self.lines.name,
            line_number=self.line_number,
            provider=provider or self.defaults.provider,
            model=model,
            deployment=normalize_deployment(deployment) or deployment or self.defaults.deployment,
            region=normalize_region(self._text("region"), provider or self.defaults.provider or "azure")
            or self.defaults.region,
            tier=self._text("tier") or self.defaults.tier,
            session=self._text("session"),
            turn=self._number("turn"),
            tenant=self._text("tenant") or self.defaults.tenant,
            project=self._text("project") or self.defaults.project,
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
        if field not in self.table.field_columns or (cell := self._find(field)) is None:
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
            own_columns = {normal_name(name) for name in self.defaults.column.values()} - supported_columns()
            cells = ((name, str(value)) for name, value in self.row.items() if name not in own_columns)
            content = repr(sorted(cells)).encode()
            return place_key(self.lines.identity, self.line_number, content)
        return f"{key}:{meter}" if meter else key

    def _time(self) -> datetime | None:
        cell = self._find("time")
        if cell is None:
            return None
        time = self.report.parse_time(cell[1])
        if time is None and cell[0] in STRICT_TIME_COLUMNS:
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
