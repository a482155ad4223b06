"""Logs in memory, for tests."""

from io import BytesIO

from voicebill.billing.record import Record
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.read import read_log
from voicebill.logs.report import ReadReport
from voicebill.logs.sources import Source


def read_records(
    content: str | bytes, log_format: str | None = None, defaults: LogDefaults | None = None
) -> tuple[list[Record], ReadReport]:
    """What a log gives, and the report of reading it."""
    report = ReadReport()
    source = Source("a log", content=BytesIO(content if isinstance(content, bytes) else content.encode()))
    return list(read_log(source, log_format=log_format, defaults=defaults, report=report)), report


def read_record(content: str | bytes, log_format: str | None = None, defaults: LogDefaults | None = None) -> Record:
    """The only record of a log of which nothing is broken."""
    records, report = read_records(content, log_format, defaults)
    assert report.errors == []
    (record,) = records
    return record


def usage_of(record: Record) -> dict[str, int]:
    """What a record used, by meter; where it is bounded, in the first of its readings."""
    return dict(record.usage.items())


def error_texts(report: ReadReport) -> list[str]:
    """Everything that was reported as broken, in words."""
    return [str(error) for error in report.errors]
