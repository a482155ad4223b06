"""Collect what happens while bills are read: which files, how many rows, and what could not be read."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from voicebill.billing.errors import VoicebillError
from voicebill.logs.report import ReadError, ReadReport
from voicebill.logs.report_text import report_notes


class UnreadableBill(VoicebillError, ValueError):
    """A file that is no bill, or a bill without anything that can be read. The text says which file and why."""


@dataclass(slots=True)
class BillReport:
    """What has been read of bills so far. It grows while charges are read, and is complete once all were.

    `rows` counts what could be read of rows, results and sums; `charges` what was made of them. `repeated` counts rows of one
    file that another file has too: they count once. `reading` collects the errors, of which the first ones are listed, and
    remarks.
    """

    formats: dict[str, str] = field(default_factory=dict)
    """The format of each bill, by the file's name."""
    rows: int = 0
    charges: int = 0
    repeated: int = 0
    reading: ReadReport = field(default_factory=ReadReport)

    @property
    def errors(self) -> Sequence[ReadError]:
        """The first errors: file, line or row, and reason."""
        return self.reading.errors

    @property
    def error_count(self) -> int:
        """The number of all errors."""
        return self.reading.error_count

    @property
    def remarks(self) -> Counter[str]:
        """Counts of the rows that something is to be said about, by what is to be said."""
        return self.reading.remarks

    @property
    def skipped(self) -> Counter[str]:
        """Counts of what was left out on purpose, by reason."""
        return self.reading.skipped

    def add_error(self, source: str, line_number: int, reason: str) -> None:
        """Add something that cannot be read.

        Raises:
            InvalidLog: the report is strict.
        """
        self.reading.add_error(source, line_number, reason)

    @contextmanager
    def reading_file(self, name: str) -> Iterator[None]:
        """Read a file in it: a bill of which nothing can be read is refused.

        Raises:
            UnreadableBill: it has errors only.
        """
        rows, error_count, listed = self.rows, self.error_count, len(self.errors)
        yield
        if self.rows == rows and self.error_count > error_count:
            example = "".join(f"; {error}" for error in self.errors[listed : listed + 1])
            raise UnreadableBill(f"{name} has no row that can be read{example}")

    def notes(self) -> Iterator[str]:
        """Yield what the user should know about how bills were read."""
        yield from report_notes(self.reading)
        if self.repeated:
            yield f"{self.repeated:,} rows are in several of the bills: they count once"
