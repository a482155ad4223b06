"""Define `voicebill record`: add the records of logs to a ledger."""

from voicebill.answers.recorded.recorded_names import RecordedNames
from voicebill.billing.errors import InvalidInput
from voicebill.cli.display import terminal
from voicebill.cli.options.logs import LogInput, takes_logs
from voicebill.cli.options.shared import JsonOption, PricesOption, home_files
from voicebill.facts import load_facts

MAX_DAYS_SHOWN = 8
"""The maximum number of days that are named."""


@takes_logs
def record_command(
    *,
    log_input: LogInput,
    prices: PricesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record usage logs in a ledger; each record is kept once.

    \b
    Keep a folder of logs, and cost it by day whenever you like:
        voicebill record logs/ --ledger ledger
        voicebill cost --ledger ledger --by day
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    ledger = log_input.ledger
    if not log_input.logs or ledger is None:
        raise InvalidInput("name the logs and the ledger: voicebill record LOG... --ledger DIR")
    price_book = load_facts(*home_files(), *(prices or ())).prices
    names = RecordedNames(price_book, log_input.defaults)
    report, records = log_input.read(price_book.model_aliases)
    from voicebill.engines.ledger import Ledger  # noqa: PLC0415 - the ledger needs an extra
    from voicebill.logs.report_text import report_notes  # noqa: PLC0415

    summary = Ledger(ledger).record(names.watch(records), unread_usage=report.unread_by_file)
    unread = report.unread_usage
    warnings = [*([unread.warning] if unread else []), *names.warnings(), *report_notes(report)]
    if as_json:
        from voicebill.answers.reports.cost import (  # noqa: PLC0415 - only for JSON: reports cost start-up time
            RecordingReport,
            UnreadUsageReport,
            completeness,
        )
        from voicebill.answers.reports.report import package_version  # noqa: PLC0415

        terminal.print_json(
            RecordingReport(
                voicebill=package_version(),
                ledger=str(ledger),
                input=summary.records_read,
                added=summary.added,
                corrected=summary.corrected,
                repeated=summary.repeated,
                skipped=summary.skipped,
                days=tuple(summary.days),
                error_count=report.error_count,
                status=completeness(unread),
                unread_usage=UnreadUsageReport.of(unread) if unread else None,
                warnings=tuple(warnings),
            )
        )
        log_input.exit_if_incomplete(unread)
        return
    out = terminal.console()
    out.print(
        f"{terminal.pluralize(summary.records_read, 'record')} read from {terminal.pluralize(len(report.sources), 'file')}: "
        f"{summary.added:,} added, {summary.corrected:,} corrected, {summary.repeated:,} known already"
    )
    if summary.days:
        out.print(
            f"changed in {ledger}: {', '.join(summary.days[:MAX_DAYS_SHOWN])}"
            + (" and more" if len(summary.days) > MAX_DAYS_SHOWN else "")
        )
    if summary.skipped:
        out.print(
            f"{summary.skipped:,} of these differ from the ledger and were skipped: they are less complete (no model, session, "
            "tenant or time), or were corrected before"
        )
    for note in terminal.notes("Warnings", warnings, style="yellow"):
        out.print(note)
    log_input.exit_if_incomplete(unread)
