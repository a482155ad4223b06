"""Collect what happens while logs are read: counts, errors, and assumptions about times."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from voicebill.answers.recorded.unread_usage import UnreadUsage, total_unread
from voicebill.billing.errors import InvalidInput, VoicebillError
from voicebill.billing.record import Record
from voicebill.logs.unread_usage import unread_counts

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_LISTED_ERRORS = 20
"""At most so many errors are listed; the others are only counted."""
MAX_LISTED_FILES = 20
"""At most so many names of files that were not read are listed for each reason."""
UNREADABLE = "cannot be read"
"""How the reason begins for a file that the system does not let be read."""
MAX_EVENT_RECORDS = 200_000
EMPTY_LOG = "the log is empty: choose a file with a usage log"


class InvalidLog(VoicebillError, ValueError):
    """A log with something unreadable in it, in strict mode."""


@dataclass(frozen=True, slots=True)
class ReadError:
    """Something that could not be read: the line or row (from 1; 0 for the whole file), and the reason."""

    source: str
    line_number: int
    reason: str

    def __str__(self) -> str:
        return f"{self.source}, line {self.line_number}: {self.reason}" if self.line_number else f"{self.source}: {self.reason}"


@dataclass(slots=True)
class ReadReport:
    """What has been read so far. It grows while records are read, and is complete once all were."""

    strict: bool = False
    sources: dict[str, str] = field(default_factory=dict)
    """The format of each source, by the source's name."""
    lines: int = 0
    records: int = 0
    repeated: int = 0
    error_count: int = 0
    errors: list[ReadError] = field(default_factory=list)
    """The first errors, at most `MAX_LISTED_ERRORS`."""
    other_lines: int = 0
    """Complete lines that are not events of the format."""
    unread_by_source: dict[str, UnreadUsage] = field(default_factory=dict)
    """Usage that was not read, by source."""
    fingerprints: dict[str, str] = field(default_factory=dict)
    """A hash of each source's identity and first lines, by source."""
    unfinished_responses: int = 0
    """Responses whose start was logged, but not their end and usage."""
    sessions_without_usage: int = 0
    """Sessions with events but without any usage in the log: their audio may use another connection."""
    open_sessions: int = 0
    """Sessions billed by time that reported seconds, but whose end is not in the log."""
    sessions_by_times: int = 0
    """Sessions billed by time that reported nothing: their events' times bound their duration."""
    sessions_without_times: int = 0
    """Sessions billed by time of which the log has neither seconds nor times."""
    sessions_in_memory: int = 0
    """Sessions with a name in raw events, whose state was kept until the end of the logs."""
    ambiguous_sessions: int = 0
    """Conversations that the log does not assign to one of several sessions."""
    live_sessions: set[str] = field(default_factory=set)
    """The names of live sessions whose total of seconds was read."""
    event_records: list[Record] = field(default_factory=list)
    """The records of raw events, if the logs also have sums that may repeat them; at most `MAX_EVENT_RECORDS`."""
    ambiguous_sums: int = 0
    """Sums of sessions that may be contained in what other records of the logs report."""
    naive_times: int = 0
    """Times without a time zone, which are taken as UTC."""
    skipped_files: dict[str, list[str]] = field(default_factory=dict)
    """What lies in named folders and was not read, by reason: its first names, at most `MAX_LISTED_FILES`."""
    skipped_file_counts: Counter[str] = field(default_factory=Counter)
    """The number of files and folders that were not read, by reason."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Counts of what was skipped on purpose, by reason."""
    remarks: Counter[str] = field(default_factory=Counter)
    """Counts of the rows that something is to be said about, by what is to be said."""
    recognises_usage: Callable[[bytes], bool] | None = field(default=None, repr=False, compare=False)
    """Whether a line that a reader did not take has usage in another format; set while logs are read."""

    def add_error(self, source: str, line_number: int, reason: str) -> None:
        """Add something that cannot be read.

        Raises:
            InvalidLog: the report is strict.
        """
        error = ReadError(source, line_number, reason)
        if self.strict:
            raise InvalidLog(str(error))
        self.error_count += 1
        if len(self.errors) < MAX_LISTED_ERRORS:
            self.errors.append(error)

    def add_skipped_file(self, name: str, reason: str) -> None:
        """Add a file or folder in a named folder that is not read.

        Raises:
            InvalidLog: the report is strict, and it cannot be read.
        """
        if self.strict and reason.startswith(UNREADABLE):
            raise InvalidLog(f"{printable_name(name)} {reason}")
        self.skipped_file_counts[reason] += 1
        names = self.skipped_files.setdefault(reason, [])
        if len(names) < MAX_LISTED_FILES:
            names.append(printable_name(name))

    def add_other_line(self, source: str, line_number: int, content: bytes) -> None:
        """Add a complete line that is not an event of the format, and its usage if it shows any."""
        self.other_lines += 1
        self.add_unread_line(source, line_number, content)

    def add_unread_line(
        self, source: str, line_number: int, content: bytes, *, has_usage: bool = False, is_record: bool = False
    ) -> None:
        """Add a line of which no usage was read, if it shows any, or if it is certain to have a usage object.

        In a record of the format, every number in a usage object is usage.
        """
        counts = unread_counts(content, any_name=is_record)
        if counts or has_usage or self.is_of_another_format(content):
            self.add_unread_counts(source, line_number, counts)

    def add_invalid_line(self, source: str, line_number: int, error: Exception, content: bytes) -> None:
        """Add a line that is not valid JSON. It is usage that was not read if it is of another format."""
        self.add_error(source, line_number, format_json_error(error, content))
        if self.is_of_another_format(content):
            self.add_unread_counts(source, line_number, unread_counts(content))

    def is_of_another_format(self, content: bytes) -> bool:
        """Return whether a line that a reader did not take has usage in another format, or is the header of a table."""
        return self.recognises_usage is not None and self.recognises_usage(content)

    def add_unread_counts(self, source: str, line_number: int, counts: Mapping[str, int | float]) -> None:
        """Add counts that were not read, of one line, row or span."""
        before = self.unread_by_source.get(source)
        if before is None:
            self.unread_by_source[source] = UnreadUsage(1, source, line_number, counts)
        else:
            self.unread_by_source[source] = replace(before, items=before.items + 1)

    def noting_events(self, records: Iterable[Record]) -> Iterator[Record]:
        """Yield the records of raw events, and note them for the formats that are read later."""
        for record in records:
            if len(self.event_records) < MAX_EVENT_RECORDS:
                self.event_records.append(record)
            yield record

    def unread_by_file(self) -> dict[str, UnreadUsage | None]:
        """Return the usage that was not read by the file's fingerprint, which a moved or longer file keeps; None: all was."""
        names = {**self.sources, **self.unread_by_source}  # a file of no known format is no source, and may show usage
        return {self.fingerprints.get(name, name): self.unread_by_source.get(name) for name in names}

    @property
    def unread_usage(self) -> UnreadUsage | None:
        """The usage that was not read, with an example; None if there is none."""
        return total_unread(self.unread_by_source.values())

    def require_content(self) -> None:
        """Refuse a log without a line of text, once it is read: its cost would be $0, as if there had been no calls.

        Raises:
            InvalidInput: nothing was read, and nothing was unreadable.
        """
        is_blank = not self.lines or set(self.sources.values()) == {"empty"}
        if is_blank and not self.records and not self.error_count:
            raise InvalidInput(EMPTY_LOG, field="log", is_sentence=True)

    def parse_time(self, value: object) -> datetime | None:
        """Return a logged time in UTC, or None if it is not one. A time without a zone is taken as UTC, and counted."""
        time = _parse_time(value)
        if time is not None and time.tzinfo is None:
            self.naive_times += 1
            return time.replace(tzinfo=UTC)
        return time


def printable_name(name: str) -> str:
    r"""Return the name of a file as text: bytes in it that are not UTF-8 are written as their numbers.

    >>> printable_name("caf\udce9.jsonl"), printable_name("café.jsonl")
    ('caf\\xe9.jsonl', 'café.jsonl')
    """
    try:
        return name.encode(errors="surrogateescape").decode(errors="backslashreplace")
    except UnicodeEncodeError:  # a half of a surrogate pair, which Windows allows
        return name.encode(errors="backslashreplace").decode()


CUT_OFF = "not valid JSON: it is cut off"


def format_json_error(error: Exception, content: bytes) -> str:
    r"""Return why a line or a document is not valid JSON.

    >>> format_json_error(ValueError(), b'{"tenant": "caf\xe9"}')
    'not UTF-8 (byte 0xE9 at character 16): convert the file, for example with iconv -f latin1 -t utf-8'
    """
    if ends_within_character(content):
        return CUT_OFF
    if encoding_error := describe_encoding_error(content):
        return encoding_error
    if isinstance(error, RecursionError):
        return "nested too deeply to be read"
    reason = str(error).removeprefix("JSON is malformed: ")
    return CUT_OFF if reason == "Input data was truncated" else f"not valid JSON: {reason}"


def ends_within_character(content: bytes) -> bool:
    r"""Return whether a line is UTF-8 but for its last character, of which bytes are missing.

    >>> ends_within_character(b'{"tenant": "caf\xc3\n'), ends_within_character(b'{"tenant": "caf\xe9"}')
    (True, False)
    """
    try:
        content.rstrip().decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return False


def describe_encoding_error(content: bytes) -> str | None:
    """Return where a text stops being UTF-8 and what to do about it, or None if it is UTF-8. Characters count from 1."""
    if content.isascii():
        return None
    try:
        content.decode()
    except UnicodeDecodeError as error:
        character = len(content[: error.start].decode()) + 1
        place = f"byte 0x{content[error.start]:02X} at character {character:,}"
        return f"not UTF-8 ({place}): convert the file, for example with iconv -f latin1 -t utf-8"
    return None


def describe_wide_encoding(sample: Sequence[bytes]) -> str | None:
    """Return that a text is UTF-16, and what to do about it, by its byte order mark or its zero bytes; else None.

    >>> describe_wide_encoding(['{"type": "response.done"}'.encode("utf-16")])
    'UTF-16, not UTF-8: convert the file, for example with iconv -f utf-16 -t utf-8'
    """
    start = sample[0][:4] if sample else b""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16, not UTF-8: convert the file, for example with iconv -f utf-16 -t utf-8"
    for zeros, letters, name in ((start[1::2], start[::2], "utf-16le"), (start[::2], start[1::2], "utf-16be")):
        if zeros == b"\0\0" and 0 not in letters:
            return f"UTF-16, not UTF-8: convert the file, for example with iconv -f {name} -t utf-8"
    return None


def first_of(*values: str | None) -> str | None:
    """Return the first value that is not empty."""
    return next((value for value in values if value), None)


def first_time(report: ReadReport, values: Iterable[object]) -> datetime | None:
    """Return the first value that is a time."""
    for value in values:
        if value is not None and (time := report.parse_time(value)) is not None:
            return time
    return None


def _parse_time(value: object) -> datetime | None:
    """Parse ISO 8601, or seconds, ms, µs or ns since 1970. Years outside 2000 to 2200 are not taken for times."""
    try:
        time = _parse_time_text(value.strip()) if isinstance(value, str) else value
        if isinstance(time, int | float) and not isinstance(time, bool):
            time = _parse_unix_time(time)
        if not isinstance(time, datetime) or not 2000 <= time.year <= 2200:
            return None
        return time if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _parse_time_text(text: str) -> datetime | float | None:
    if not text[:1].isdigit():
        return None
    if text.replace(".", "", 1).isdigit() and len(text) > len("20261122"):
        return float(text)
    return datetime.fromisoformat(text.removesuffix(" UTC"))


def _parse_unix_time(number: float) -> datetime | None:
    for per_second in (1, 10**3, 10**6, 10**9):
        if 946_684_800 <= number / per_second < 7_258_118_400:
            return EPOCH + timedelta(microseconds=round(number * 10**6 / per_second))
    return None
