"""Logs in memory, for tests."""

from io import BytesIO

from voicebill.billing.record import Record
from voicebill.logs.read import read_log
from voicebill.logs.sources import Source
from voicebill.logs.told import Report, Told


def records(content: str | bytes, dialect: str | None = None, told: Told | None = None) -> tuple[list[Record], Report]:
    """What a log gives, and the report of reading it."""
    report = Report()
    source = Source("a log", content=BytesIO(content if isinstance(content, bytes) else content.encode()))
    return list(read_log(source, dialect=dialect, told=told, report=report)), report


def the_record(content: str | bytes, dialect: str | None = None, told: Told | None = None) -> Record:
    """The only record of a log of which nothing is broken."""
    found, report = records(content, dialect, told)
    assert report.broken == []
    (record,) = found
    return record


def used(record: Record) -> dict[str, int]:
    """What a record used, by meter; where it is bounded, in the first of its readings."""
    return dict(record.usage.items())


def why(report: Report) -> list[str]:
    """Everything that was reported as broken, in words."""
    return [str(each) for each in report.broken]
