"""Format a read report as text, and as a part of the report of costs."""

from collections.abc import Iterator

from voicebill.answers.reports.cost import LogInputReport
from voicebill.logs.report import UNREADABLE, ReadReport

MANY_SESSIONS = 100_000
"""With more sessions the memory that reading takes is stated: a session takes 1.5 to 3 kB."""


def report_notes(report: ReadReport) -> Iterator[str]:
    """Yield what the user should know about how the logs were read."""
    yield from (f"unreadable: {error}" for error in report.errors)
    if report.error_count > len(report.errors):
        yield f"and {report.error_count - len(report.errors):,} more unreadable"
    for reason, names in sorted(report.skipped_files.items(), key=lambda item: not item[0].startswith(UNREADABLE)):
        more = report.skipped_file_counts[reason] - len(names)
        yield f"not read: {', '.join(names)}{f' and {more:,} more' if more else ''}: {reason}"
    if report.other_lines:
        verb = "is not an event" if report.other_lines == 1 else "are not events"
        yield f"{_pluralize(report.other_lines, 'line')} {verb} of the log's format"
    yield from _session_notes(report)
    if report.ambiguous_sums:
        verb = "is a sum" if report.ambiguous_sums == 1 else "are sums"
        yield (
            f"{_pluralize(report.ambiguous_sums, 'record')} {verb} of a session that the log does not name, and may repeat "
            "what other records report: the amount is a range; log a session_id with each"
        )
    if report.naive_times:
        yield f"{_pluralize(report.naive_times, 'time')} without a time zone, taken as UTC"
    yield from (f"{count:,} skipped: {reason}" for reason, count in report.skipped.items())
    yield from (f"{remark}: {_pluralize(count, 'row')}" for remark, count in report.remarks.items())


def _session_notes(report: ReadReport) -> Iterator[str]:
    """Yield what is not known about sessions and their responses, and that there are very many of them."""
    if report.sessions_in_memory > MANY_SESSIONS:
        yield (
            f"{report.sessions_in_memory:,} sessions were in memory at the same time, because a session may go on anywhere in "
            "a log: if memory is short, record parts of the log one after the other in a ledger, and cost that"
        )
    if report.unfinished_responses:
        yield f"{_pluralize(report.unfinished_responses, 'response')} without an end in the log: the usage is missing"
    if report.sessions_without_usage:
        yield (
            f"{_pluralize(report.sessions_without_usage, 'session')} without any usage: with WebRTC or SIP, usage is only "
            "visible on the client's data channel or on a sideband connection"
        )
    if report.open_sessions:
        verb = "does not end" if report.open_sessions == 1 else "do not end"
        yield (
            f"{_pluralize(report.open_sessions, 'session')} billed by time {verb} in the log: the seconds reported so far are "
            "a lower bound, to which the time until the last event is added"
        )
    if report.sessions_by_times:
        verb = "reports" if report.sessions_by_times == 1 else "report"
        yield (
            f"{_pluralize(report.sessions_by_times, 'session')} billed by time {verb} no usage: the time from the first to the "
            "last event is an upper bound"
        )
    if report.sessions_without_times:
        verb = "reports" if report.sessions_without_times == 1 else "report"
        yield (
            f"{_pluralize(report.sessions_without_times, 'session')} billed by time {verb} no usage, and the log has no times: "
            "log the time of each event"
        )
    if report.ambiguous_sessions:
        yield (
            f"{_pluralize(report.ambiguous_sessions, 'conversation')} without a known model: sessions of different models "
            "run at the same time, and the log does not say which of them it belongs to; log a session_id with each event"
        )


def _pluralize(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def log_input_report(report: ReadReport) -> LogInputReport:
    """Return the counts and errors as a part of the report of costs."""
    return LogInputReport(
        sources=report.sources,
        lines=report.lines,
        records=report.records,
        repeated=report.repeated,
        error_count=report.error_count,
        first_errors=tuple(str(error) for error in report.errors),
        other_lines=report.other_lines,
        skipped_files=report.skipped_file_counts.total(),
        first_skipped_files=tuple(f"{name}: {reason}" for reason, names in report.skipped_files.items() for name in names),
        notes=tuple(report_notes(report)),
    )
