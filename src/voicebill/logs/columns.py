"""Tables with named columns: CSV (also with tabs, semicolons or bars) and Parquet, one row per response or transcription.

A row says either what was charged, by meters as voicebill names them (`text_in`, `audio_in_cached`, ...), or what was
reported (`input_tokens`, `cached_tokens`, ...; cached counts are part of the input there, as vendors give them). A table in
the long form, with the columns `meter` and `quantity`, gives one record per row. An empty field is one that was not told.
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

from voicebill.billing.errors import InvalidInput, VoicebillError, nearest
from voicebill.billing.record import KINDS, Record, RecordKind
from voicebill.billing.usage import Usage
from voicebill.facts.load import load
from voicebill.logs.counts import MOST, Counts, no_usage, readings
from voicebill.logs.keys import place_key, response_key
from voicebill.logs.sources import PARQUET, Lines
from voicebill.logs.told import Report, Told

NAME = "columns"
ABOUT = "CSV or Parquet with named columns: meters as voicebill names them, or counts as vendors report them"

DELIMITERS = (",", "\t", ";", "|")
BATCH_ROWS = 8192

COUNTS: dict[str, tuple[str, ...]] = {
    "total": ("total_tokens",),
    "input": ("input_tokens", "prompt_tokens"),
    "output": ("output_tokens", "completion_tokens"),
    "text_in": ("input_text_tokens",),
    "audio_in": ("input_audio_tokens",),
    "image_in": ("input_image_tokens",),
    "cached": ("cached_tokens", "input_cached_tokens", "cached_input_tokens"),
    "text_cached": ("cached_text_tokens", "input_cached_text_tokens"),
    "audio_cached": ("cached_audio_tokens", "input_cached_audio_tokens"),
    "image_cached": ("cached_image_tokens", "input_cached_image_tokens"),
    "text_out": ("output_text_tokens",),
    "audio_out": ("output_audio_tokens",),
    "reasoning": ("reasoning_tokens", "output_reasoning_tokens"),
}
"""By the name of each count, the columns that report it: the first that is filled is taken."""

SAID: dict[str, tuple[str, ...]] = {
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
"""What else a row may say, and the columns that say it."""

Value = object
Row = Mapping[str, Value]
"""The filled fields of a row, by the column's name."""


@dataclass(frozen=True, slots=True)
class Table:
    """The known columns of a table, by what they say."""

    said: Mapping[str, tuple[str, ...]]
    counts: Mapping[str, tuple[str, ...]]
    metered: tuple[str, ...]

    @classmethod
    def of(cls, names: Iterable[str]) -> "Table":
        """The table that has these columns."""
        there = set(names)
        said, counts = (
            {what: found for what, each in known.items() if (found := tuple(name for name in each if name in there))}
            for known in (SAID, COUNTS)
        )
        return cls(said, counts, tuple(sorted(meters() & there)))


class BrokenRow(ValueError):
    """A row that does not say what its columns promise. The text is for the report."""


@cache
def meters() -> frozenset[str]:
    """The names of all meters."""
    return frozenset(load().prices.meters)


@cache
def known_columns() -> frozenset[str]:
    """The names of all columns that are read."""
    return meters().union(*COUNTS.values(), *SAID.values())


@cache
def _counting() -> frozenset[str]:
    return meters().union(*COUNTS.values(), ("seconds", "quantity"))


def recognises(sample: Sequence[bytes]) -> bool:
    """Whether a source begins with a header of known columns, one of which counts something, or is Parquet."""
    if not sample:
        return False
    return sample[0].startswith(PARQUET) or _delimiter(sample[0]) is not None


def _delimiter(header: bytes) -> str | None:
    """What separates the columns of a header: whatever gives the most known ones; None where it is no header of ours."""
    best = max(DELIMITERS, key=lambda each: len(_known(_split(header, each))))
    found = _known(_split(header, best))
    return best if len(found) > 1 and not found.isdisjoint(_counting()) else None


def _split(header: bytes, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([header.decode()], delimiter=delimiter, strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        return []


def _known(names: Iterable[str]) -> frozenset[str]:
    return known_columns() & {column_name(name) for name in names}


def column_name(name: str) -> str:
    """The name of a column as it is known here.

    >>> column_name(" Input Tokens")
    'input_tokens'
    """
    return re.sub(r"[\s\-]+", "_", name.strip().lower())


def read(logs: Iterable[Lines], told: Told, report: Report) -> Iterator[Record]:
    """The records of all tables."""
    for lines in logs:
        for ordinal, row, table in _parquet_rows(lines, report) if lines.is_parquet else _text_rows(lines, report):
            try:
                yield _Reading(lines, ordinal, row, table, told, report).record()
            except (BrokenRow, InvalidInput) as error:
                report.broke(lines.name, ordinal, str(error))


def _text_rows(lines: Lines, report: Report) -> Iterator[tuple[int, Row, Table]]:
    numbered = _Numbered(lines, report)
    first = next(numbered, None)
    if first is None:
        return
    at = numbered.began
    delimiter = _delimiter(first.encode())
    if delimiter is None:
        report.broke(lines.name, at, "no header of known columns, one of which counts something")
        return
    names = _split(first.encode(), delimiter)
    columns = _columns(names, lines.name, at, report)
    if not columns:
        return
    table = Table.of(columns.values())
    for at, fields in _fields(numbered, delimiter, lines.name, report):
        if len(fields) != len(names):
            report.broke(lines.name, at, f"{len(fields)} fields, where the header has {len(names)}")
        else:
            stripped = ((name, fields[index].strip()) for index, name in columns.items())
            yield at, {name: field for name, field in stripped if field}, table


def _fields(numbered: "_Numbered", delimiter: str, source: str, report: Report) -> Iterator[tuple[int, list[str]]]:
    """The rows that follow, each with the line it begins on. A field may go over several lines where it is quoted."""
    rows = csv.reader(numbered, delimiter=delimiter, strict=True)
    while True:
        numbered.began = 0
        try:
            fields = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            report.broke(source, numbered.began, f"not a row of CSV ({error})")
        else:
            yield numbered.began, fields


class _Numbered:
    """The lines of a source as text, and where what is being read began. Those that are no text are left out."""

    def __init__(self, lines: Lines, report: Report) -> None:
        self._lines = lines
        self._report = report
        self._iterator = iter(lines)
        self.began = 0
        """The first line given since this was set to 0."""

    def __iter__(self) -> "_Numbered":
        return self

    def __next__(self) -> str:
        for ordinal, line in self._iterator:
            try:
                text = line.decode()
            except UnicodeDecodeError:
                self._report.broke(self._lines.name, ordinal, "not text in UTF-8")
            else:
                self.began = self.began or ordinal
                return text
        raise StopIteration


def _columns(names: Sequence[str], source: str, ordinal: int, report: Report) -> dict[int, str]:
    """The known columns by their place. One that looks misspelt is reported; one that stands twice makes the table useless."""
    found: dict[int, str] = {}
    for index, name in enumerate(map(column_name, names)):
        if name in found.values():
            report.broke(source, ordinal, f"the column {name} stands there twice")
            return {}
        if name in known_columns():
            found[index] = name
        elif meant := get_close_matches(name, known_columns(), n=1, cutoff=0.85):
            report.broke(source, ordinal, f"the column {name[:60]!r} is not known and not read: is {meant[0]} meant?")
    return found


def _parquet_rows(lines: Lines, report: Report) -> Iterator[tuple[int, Row, Table]]:
    import pyarrow as pa  # noqa: PLC0415 - only for such files: it takes a while to load
    import pyarrow.parquet as pq  # noqa: PLC0415

    ordinal = told = 0
    try:
        with lines.source.seekable() as opened, pq.ParquetFile(opened) as file:
            names = file.schema_arrow.names
            if _counting().isdisjoint(_known(names)):
                report.broke(lines.name, 0, "none of its columns is known to count anything")
                return
            columns = _columns(names, lines.name, 0, report)
            if not columns:
                return
            table = Table.of(columns.values())
            for batch in file.iter_batches(BATCH_ROWS, columns=[names[index] for index in columns]):
                report.lines += ordinal - told
                told = ordinal
                for row in _plain(batch.rename_columns(list(columns.values()))):
                    ordinal += 1
                    if row is None:
                        report.broke(lines.name, ordinal, "a value in it is beyond what can be meant")
                    else:
                        yield ordinal, {name: value for name, value in row.items() if _filled(value)}, table
    except VoicebillError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        report.broke(lines.name, 0, f"cannot be read beyond row {ordinal:,} ({type(error).__name__})")
    finally:
        report.lines += ordinal - told


def _plain(batch: Any) -> Iterator[Row | None]:  # noqa: ANN401 - Arrow's types are not known to type checkers
    """The rows of a batch; None for one with a value that Python has no word for, such as a day of the year 4,000,000."""
    try:
        yield from batch.to_pylist()
    except (OverflowError, ValueError):
        for index in range(batch.num_rows):
            try:
                row = batch.slice(index, 1).to_pylist()[0]
            except (OverflowError, ValueError):
                row = None
            yield row


def _filled(value: object) -> bool:
    return value is not None and value != "" and value == value  # noqa: PLR0124 - NaN is what an empty number becomes


@dataclass(frozen=True, slots=True)
class _Reading:
    """A row, and what is needed to make a record of it."""

    lines: Lines
    ordinal: int
    row: Row
    table: Table
    told: Told
    report: Report

    def record(self) -> Record:
        """What the row says.

        Raises:
            BrokenRow: something in it cannot be meant.
        """
        kind = self._kind()
        outcome = self._text("outcome")
        moment = self._moment()
        return Record(
            key=self._key(kind),
            kind=kind,
            readings=self._usages(kind),
            source=self.lines.name,
            ordinal=self.ordinal,
            provider=self._text("provider") or self.told.provider,
            model=self._model(kind),
            deployment=self._text("deployment") or self.told.deployment,
            region=self._text("region") or self.told.region,
            tier=self._text("tier") or self.told.tier,
            session=self._text("session"),
            turn=self._number("turn"),
            tenant=self._text("tenant") or self.told.tenant,
            time=moment,
            day=self._day(moment),
            outcome=outcome,
        )

    def _said(self, what: str) -> tuple[str, Value] | None:
        for name in self.table.said.get(what, ()):
            if name in self.row:
                return name, self.row[name]
        return None

    def _text(self, what: str) -> str | None:
        found = self._said(what)
        if found is None:
            return None
        name, value = found
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise BrokenRow(f"{name} is neither text nor a whole number")
        return str(value)

    def _number(self, what: str) -> int | None:
        found = self._said(what)
        return None if found is None else whole(*found)

    def _kind(self) -> RecordKind:
        said = self._text("kind")
        if said is None:
            only_heard = self._said("transcription_model") and not self._said("model")
            return "transcription" if only_heard else "response"
        kind = said.lower().replace("_", "-")
        if kind not in KINDS:
            raise BrokenRow(f"kind is none of {', '.join(KINDS)}")
        return kind

    def _model(self, kind: RecordKind) -> str | None:
        if kind == "transcription":
            return self._text("transcription_model") or self._text("model") or self.told.transcription_model
        return self._text("model") or self.told.model

    def _key(self, kind: RecordKind) -> str:
        """Its own key, or one of its identifier; a row of the long form is one meter of what the identifier names."""
        key, identifier, meter = (self._text(what) for what in ("key", "id", "meter"))
        if key is None and identifier is not None:
            whose = "" if kind in ("response", "out-of-band") else f"{kind}:"
            key = whose + response_key(identifier)
        if key is None:
            content = repr(sorted((name, str(value)) for name, value in self.row.items())).encode()
            return place_key(self.lines.identity, self.ordinal, content)
        return f"{key}:{meter}" if meter else key

    def _moment(self) -> datetime | None:
        found = self._said("time")
        if found is None:
            return None
        moment = self.report.moment(found[1])
        if moment is None:
            raise BrokenRow(f"{found[0]} is no time: write 2026-11-22T10:15:00Z, or seconds since 1970")
        return moment

    def _day(self, moment: datetime | None) -> date | None:
        found = self._said("day")
        if found is None:
            return None if moment else self.told.day
        name, value = found
        try:
            day = value if isinstance(value, date) else date.fromisoformat(str(value)[:10])
        except ValueError:
            raise BrokenRow(f"{name} is no day: write 2026-11-22") from None
        if not 2000 <= day.year <= 2200:
            raise BrokenRow(f"{name} is no day from 2000 to 2200")
        return day.date() if isinstance(day, datetime) else day

    def _usages(self, kind: RecordKind) -> tuple[Usage, ...]:
        charged = self._charged()
        counts = self._counts()
        metered = [name for name, quantity in charged.items() if quantity]
        reported = [name for name, count in counts.items() if count]
        if metered and reported:
            raise BrokenRow(f"it says both what was charged ({metered[0]}) and what was reported ({reported[0]})")
        if metered or (charged and not reported):
            return (Usage(charged),)
        seconds = self._said("seconds")
        if seconds is not None and not reported:
            return (self._timed(kind, milliseconds(*seconds)),)
        if not counts:
            return no_usage()
        found = Counts(**counts)
        if kind == "transcription" and found.text_out is None and found.audio_out is None:
            found.text_out = found.output
        return readings(found)

    def _charged(self) -> dict[str, int]:
        """Quantities by meter, in either form."""
        found = {name: whole(name, self.row[name]) for name in self.table.metered if name in self.row}
        meter, quantity = self._text("meter"), self._number("quantity")
        if meter is None:
            return found
        if meter not in meters():
            near = nearest(meter, meters(), most=1)
            raise BrokenRow(f"no meter is named so{f'; the nearest is {near[0]}' if near else ''}")
        if quantity is None:
            raise BrokenRow(f"{meter} has no quantity")
        return {**found, meter: quantity}

    def _counts(self) -> dict[str, int]:
        """Its reported counts, by their names here."""
        filled = (
            (count, next((name for name in names if name in self.row), None)) for count, names in self.table.counts.items()
        )
        return {count: whole(name, self.row[name]) for count, name in filled if name is not None}

    def _timed(self, kind: RecordKind, ms: int) -> Usage:
        if kind == "transcription":
            return Usage({"audio_ms": ms})
        if kind == "session":
            return Usage({"session_ms": ms})
        raise BrokenRow("seconds are of a transcription or of a session: say which in a column kind")


def whole(name: str, value: Value) -> int:
    """A count as a whole number, none negative; 12.0 is 12, as tables write it that have empty fields too.

    >>> whole("input_tokens", "12"), whole("input_tokens", 12.0)
    (12, 12)

    Raises:
        BrokenRow: it is anything else.
    """
    if isinstance(value, str) and len(value) <= 12 and value.isascii() and value.isdigit():
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"\d{1,3}\.\d{3}", value, re.ASCII):
        raise BrokenRow(f"{name} may mean two numbers: write it with digits alone")
    number = _decimal(name, value)
    if number != number.to_integral_value():
        raise BrokenRow(f"{name} is no whole number")
    return int(_within(name, number))


def milliseconds(name: str, value: Value) -> int:
    """Seconds, with their fraction, as milliseconds.

    >>> milliseconds("seconds", "1.5")
    1500

    Raises:
        BrokenRow: it is no number of seconds.
    """
    return round(_within(name, _decimal(name, value) * 1000))


def _decimal(name: str, value: Value) -> Decimal:
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,15}(\.\d{1,9})?", value, re.ASCII):
        return Decimal(value)
    if isinstance(value, Decimal | int | float) and not isinstance(value, bool):
        number = Decimal(str(value))
        if number.is_finite():
            return number
    raise BrokenRow(f"{name} is no number written with digits alone, and a point where it has a fraction")


def _within(name: str, number: Decimal) -> Decimal:
    if number < 0:
        raise BrokenRow(f"{name} is negative")
    if number > MOST:
        raise BrokenRow(f"{name} is more than {MOST:,}")
    return number
