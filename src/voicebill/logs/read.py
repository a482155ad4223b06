"""Read logs: find the sources, recognise the format of each, and yield their records."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import NamedTuple, TypeVar

from voicebill.billing.errors import InvalidInput, UnknownName
from voicebill.billing.record import Record
from voicebill.conversation.work import check_work
from voicebill.facts.files import UnreadableFile
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.delimited import VENDOR_TABLES, is_vendor_table
from voicebill.logs.documents import documents, is_within_document, sample_documents
from voicebill.logs.formats import (
    agents,
    columns,
    datadog,
    gemini_live,
    langfuse,
    langsmith,
    litellm,
    livekit,
    nova_sonic,
    openai_usage,
    otel,
    pipecat,
    realtime,
    retell,
    vapi,
)
from voicebill.logs.invoices import invoice_refusal, spend_refusal
from voicebill.logs.model_sellers import with_seller
from voicebill.logs.report import ReadReport, describe_encoding_error, describe_wide_encoding
from voicebill.logs.sources import PARQUET, NumberedLine, NumberedLines, Source, find_sources
from voicebill.logs.unread_usage import mentions_usage
from voicebill.logs.wrapped_lines import MAX_WRAPPINGS, listed_events, strip_prefix, unwrap_line, unwrap_log_records

Examined = TypeVar("Examined")

TABLE_HEADER = re.compile(rb"""[\s"]*[A-Za-z_][\w .\-()$/"']*(?:[,;|\t][\w .\-()$/"']+)+\s*""")
"""A line that may be the header of a table: names with something between them."""
EVENT_HINT = re.compile(rb'"(?:session|transcription_session)\.')
"""A session's events may be usage without any of the words for it, if the session is billed by time."""
SHORT_NAMES = re.compile(rb"""["'{(,\s]([A-Za-z_][A-Za-z_.\-]{0,60})(?=["'=])""")
"""The names in JSON and in printed objects, and texts of one word."""
MIN_EXAMINED_BYTES = 2_000
"""To examine a short line takes as long as to examine one of so many bytes."""
MAX_EXAMINED_BYTES = 40_000_000
NOT_EXAMINED = "lines that are not of the log's format, and too many to be searched for other formats"
SAMPLE_LINES = 400
SAMPLE_BYTES = 4_000_000
DOCUMENT_SAMPLE_LINES = 1_000_000
DOCUMENT_SAMPLE_BYTES = 16_000_000
"""Usage may be at the end of a document over many lines, such as a report: so much of it is examined."""


@dataclass(frozen=True, slots=True)
class LogFormat:
    """A log format: its name, how to recognise it by the first lines of a source, and how to read it."""

    name: str
    about: str
    matches: Callable[[Sequence[bytes]], bool]
    read: Callable[[Iterable[NumberedLines], LogDefaults, ReadReport], Iterator[Record]]


class Recognition(NamedTuple):
    """The format of a source, and how to take its JSON out of the lines; None if they are that JSON.

    Envelopes may be in documents instead of lines: elements of an array, or over many lines.
    """

    log_format: LogFormat
    rewrite_line: Callable[[bytes], bytes] | None = None
    in_documents: bool = False


LOG_FORMATS = tuple(
    LogFormat(module.NAME, module.ABOUT, module.matches, module.read)
    for module in (
        *(realtime, openai_usage, livekit, pipecat, otel, litellm, agents),
        *(langfuse, langsmith, datadog, vapi, retell, gemini_live, nova_sonic, columns),
    )
)

REWRITINGS: Sequence[Callable[[bytes], bytes]] = (
    strip_prefix,
    *(partial(unwrap_line, depth=depth) for depth in range(1, MAX_WRAPPINGS + 1)),
    *(partial(unwrap_log_records, depth=depth) for depth in range(MAX_WRAPPINGS + 1)),
)
"""How JSON is taken out of lines: the first that gives a known format, so that no more is opened than must be."""


def read_log(
    *logs: str | Path | Source,
    log_format: str | None = None,
    defaults: LogDefaults | None = None,
    report: ReadReport | None = None,
) -> Iterator[Record]:
    """Yield the records of logs, lazily: the usage of each response, transcription and live session.

    `logs` are files, folders, patterns and `-` for standard input. The format of each source is recognised unless it is
    named. `defaults` are used where the logs do not give a value. `report` shows, while and after records are read, how
    much was read, what was unreadable and what was repeated. A record that is logged again unchanged is yielded once. One
    that is logged again with changes is yielded again under the same `key`; the one of higher `completeness` counts, and of
    equally complete ones the later.

    >>> from io import BytesIO
    >>> line = (
    ...     b'{"type": "response.done", "response": {"id": "resp_1", "status": "completed", "usage": {'
    ...     b'"input_tokens": 55, "output_tokens": 0, "input_token_details": {"text_tokens": 55}}}}'
    ... )
    >>> for record in read_log(Source("memory", content=BytesIO(line)), defaults=LogDefaults(model="gpt-realtime")):
    ...     print(record.key, record.model, dict(record.usage.items()))
    resp_1 gpt-realtime {'text_in': 55}

    Raises:
        UnreadableFile: a source is missing or cannot be opened.
        InvalidInput: a source is of no known format.
        UnknownName: there is no format of that name.
        InvalidLog: the report is strict, and something cannot be read.
    """
    report = report if report is not None else ReadReport()
    seen: dict[str, str] = {}
    for record in _read_sources(logs, log_format, defaults or LogDefaults(), report):
        report.records += 1
        content_hash = record.content_hash
        if seen.get(record.key) == content_hash:
            report.repeated += 1
            continue
        seen[record.key] = content_hash
        yield record


def all_records(
    logs: Iterable[str | Path | Source], log_format: str | None, defaults: LogDefaults, report: ReadReport
) -> Iterator[Record]:
    """Yield the records of logs, lazily and with duplicates: for callers that resolve duplicates themselves."""
    for record in _read_sources(logs, log_format, defaults, report):
        report.records += 1
        yield record


def _read_sources(
    logs: Iterable[str | Path | Source], log_format: str | None, defaults: LogDefaults, report: ReadReport
) -> Iterator[Record]:
    paths = [log for log in logs if not isinstance(log, Source)]
    log_sources = [*find_sources(paths, report), *(log for log in logs if isinstance(log, Source))]
    report.recognises_usage = _OtherFormats(defaults, report)
    lines_by_format: dict[str, list[NumberedLines]] = {}
    is_only_source = len(log_sources) == 1
    for source in log_sources:
        named_format = _format_named(log_format) if log_format else None
        try:
            lines = NumberedLines(source, report)
            if source.path is not None and source.path.is_file():
                recognition = _sniff_file(source, report, named_format, is_only_source=is_only_source)
            else:
                recognition = _sniff(lines, report, named_format, is_only_source=is_only_source)
        except UnreadableFile as error:
            if source.is_named or is_only_source:
                raise
            report.add_skipped_file(source.name, str(error).removeprefix(f"{source.name} "))
            continue
        if recognition is not None:
            report.sources[source.name] = recognition.log_format.name
            _open_envelopes(lines, recognition, defaults, report)
            lines_by_format.setdefault(recognition.log_format.name, []).append(lines)
    for source_format in LOG_FORMATS:
        if source_format.name in lines_by_format:
            records = source_format.read(lines_by_format[source_format.name], defaults, report)
            if source_format.name == realtime.NAME and livekit.NAME in lines_by_format:
                records = report.noting_events(records)
            yield from map(with_seller, map(defaults.with_model, records) if defaults.alias else records)


def _open_envelopes(lines: NumberedLines, recognition: Recognition, defaults: LogDefaults, report: ReadReport) -> None:
    """Take the JSON of a format out of what is around it."""
    if recognition.in_documents:
        lines.replace(partial(_read_envelopes, report=report))
    if recognition.rewrite_line is not None:
        lines.rewrite(_with_own_names(recognition.rewrite_line, defaults))


class _OtherFormats:
    """Recognise usage of any format in the lines that a source's own format does not take.

    Lines with the same names differ in values only: one of them is examined. No more are than is quick.
    """

    def __init__(self, defaults: LogDefaults, report: ReadReport) -> None:
        self._defaults = defaults
        self._report = report
        self._shapes_without_usage: set[frozenset[bytes] | bytes] = set()
        self._bytes_examined = 0

    def __call__(self, content: bytes) -> bool:
        """Return whether a format reads usage in a line or document by itself, or a table begins with it."""
        is_header = TABLE_HEADER.fullmatch(content) is not None
        if not (is_header or mentions_usage(content) or EVENT_HINT.search(content)):
            return False
        shape = content if is_header else frozenset(SHORT_NAMES.findall(content))
        if shape in self._shapes_without_usage:
            return False
        self._bytes_examined += max(len(content), MIN_EXAMINED_BYTES)
        if self._bytes_examined > MAX_EXAMINED_BYTES:
            self._report.remarks[NOT_EXAMINED] += 1
            return False
        if self._has_usage(content):
            return True
        self._shapes_without_usage.add(shape)
        return False

    def _has_usage(self, content: bytes) -> bool:
        recognition = _recognise([content], LOG_FORMATS) or _recognise_documents([content], LOG_FORMATS)
        if recognition is None:
            return False
        report = ReadReport()
        lines = NumberedLines(Source("", content=BytesIO(content), plain=True), report)
        if is_table_header(content):
            return True
        _open_envelopes(lines, recognition, self._defaults, report)
        records = list(recognition.log_format.read([lines], self._defaults, report))
        has_usage = any(any(usage.quantities.values()) for record in records for usage in record.usage_candidates)
        return has_usage or report.unread_usage is not None or report.sessions_without_times > 0


def is_table_header(line: bytes) -> bool:
    """Return whether a line is the header of a table that is read."""
    is_of_vendor = any(is_vendor_table(name, [line]) for name in VENDOR_TABLES)
    return is_of_vendor or (not line.startswith(PARQUET) and columns.matches([line]))


def _with_own_names(rewrite_line: Callable[..., bytes], defaults: LogDefaults) -> Callable[[bytes], bytes]:
    """Return a rewriting of lines that also keeps what the user's own names give in envelopes."""
    return rewrite_line if rewrite_line is strip_prefix else partial(rewrite_line, own_names=defaults.column)


def _recognise(sample: Sequence[bytes], log_formats: Iterable[LogFormat]) -> Recognition | None:
    """Return the format of a sample as it is, or else of the JSON behind its prefixes or in its envelopes."""
    log_formats = tuple(log_formats)
    plain = next((log_format for log_format in _giving_up(log_formats) if log_format.matches(sample)), None)
    if plain is not None:
        is_table = b"{" not in sample[0] and plain.matches(sample[:1])
        has_prefix = not is_table and any(strip_prefix(line) != line for line in sample)
        return Recognition(plain, strip_prefix if has_prefix else None)
    if not sample or sample[0].startswith(PARQUET) or sample[0].strip() in (b"[", b"{"):
        return None
    before = [line.rstrip(b"\n") for line in sample]
    for rewrite_line in REWRITINGS:
        rewritten = [content for line in _giving_up(sample) for content in rewrite_line(line).rstrip(b"\n").split(b"\n")]
        if rewritten == before:
            continue
        before = rewritten
        matching = next((log_format for log_format in _giving_up(log_formats) if log_format.matches(rewritten)), None)
        if matching is not None:
            return Recognition(matching, rewrite_line)
    return None


def _giving_up(items: Iterable[Examined]) -> Iterator[Examined]:
    """Yield items that take some time each, unless nobody waits for them any more."""
    for item in items:
        check_work()
        yield item


def _recognise_documents(sample: Sequence[bytes], log_formats: Iterable[LogFormat]) -> Recognition | None:
    """Return the format of what is in envelopes that are documents over several lines, or elements of an array."""
    if not sample or sample[0].lstrip()[:1] not in (b"{", b"["):
        return None
    envelopes = [event for content in sample_documents(sample) for event in listed_events(content)]
    if envelopes == [line.strip() for line in sample]:
        return None
    recognition = _recognise(envelopes, log_formats)
    return recognition._replace(in_documents=True) if recognition else None


def _read_envelopes(lines: NumberedLines, report: ReadReport) -> Iterator[NumberedLine]:
    """Yield every envelope of a source as a line."""
    for document in documents(lines, report):
        yield from ((document.line_number, event) for event in listed_events(document.content))


def _format_named(name: str) -> LogFormat:
    for log_format in LOG_FORMATS:
        if log_format.name == name.strip().lower():
            return log_format
    raise UnknownName("format", name, (log_format.name for log_format in LOG_FORMATS))


def _sniff_file(
    source: Source, report: ReadReport, named_format: LogFormat | None, *, is_only_source: bool
) -> Recognition | None:
    """Return the format of a file, and close it: there may be more files than can be open at once."""
    trial_report = ReadReport()
    lines = NumberedLines(source, trial_report)
    try:
        recognition = _sniff(lines, trial_report, named_format, is_only_source=is_only_source)
    finally:
        lines.close()
    if recognition is None:
        report.sources.update(trial_report.sources)
        report.unread_by_source.update(trial_report.unread_by_source)
        report.fingerprints.update(trial_report.fingerprints)
        report.lines += trial_report.lines
        for error in trial_report.errors:
            report.add_error(error.source, error.line_number, error.reason)
    return recognition


def _sniff(
    lines: NumberedLines, report: ReadReport, named_format: LogFormat | None, *, is_only_source: bool
) -> Recognition | None:
    sample = lines.sample(SAMPLE_LINES, SAMPLE_BYTES)
    log_formats = (named_format,) if named_format else LOG_FORMATS
    refusal = describe_wide_encoding(sample) or invoice_refusal(sample, lines.source.parquet_columns())
    recognition = None if refusal else _recognise(sample, log_formats)
    if recognition is None and not refusal and is_within_document(sample):
        sample = lines.sample(DOCUMENT_SAMPLE_LINES, DOCUMENT_SAMPLE_BYTES)
        recognition = _recognise(sample, log_formats)
    if recognition is None and not refusal:
        recognition = _recognise_documents(sample, log_formats)
    if recognition is not None:
        return recognition
    if named_format is not None and not refusal:
        return Recognition(named_format)
    if not sample:
        report.sources[lines.name] = "empty"
        return None
    refusal = refusal or spend_refusal(sample) or _encoding_refusal(sample, log_formats)
    reason = refusal or f"not in a known format ({', '.join(log_format.name for log_format in LOG_FORMATS)}): give its format"
    if is_only_source:
        raise InvalidInput(f"{lines.name} is {reason}")
    report.add_error(lines.name, 0, reason if refusal is None else f"it is {refusal}")
    for content in () if refusal else sample_documents(sample):
        report.add_unread_line(lines.name, 1, content)
    return None


def _encoding_refusal(sample: Sequence[bytes], log_formats: Sequence[LogFormat]) -> str | None:
    """Return that a sample is not UTF-8, if nothing else keeps its format from being recognised."""
    for line_number, line in enumerate(sample, 1):
        if (encoding_error := describe_encoding_error(line)) is not None:
            as_utf8 = [line.decode("latin-1").encode() for line in sample]
            return f"{encoding_error} (line {line_number})" if _recognise(as_utf8, log_formats) else None
    return None
