"""Define `voicebill record`: add the records of logs to a ledger."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from voicebill.answers.parsing.quantities import pluralize
from voicebill.answers.recorded.recorded_names import RecordedNames
from voicebill.billing.errors import InvalidInput
from voicebill.cli.display import terminal
from voicebill.cli.options.logs import LogInput, takes_logs
from voicebill.cli.options.shared import JsonOption, PricesOption, home_files
from voicebill.facts import load_facts

if TYPE_CHECKING:
    from voicebill.engines.ledger_check import LedgerCheck, LedgerRepair

CHECK_PANEL = "Check of a ledger"
EXIT_DAMAGED = 1
"""The exit code of a check that finds something wrong."""
MAX_DAYS_SHOWN = 8
"""The maximum number of days that are named."""


@takes_logs
def record_command(
    *,
    log_input: LogInput,
    check: Annotated[
        bool,
        typer.Option("--check", help="Read all files of the ledger, and list what is wrong.", rich_help_panel=CHECK_PANEL),
    ] = False,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", help="Set damaged files aside, and list the logs to record again.", rich_help_panel=CHECK_PANEL
        ),
    ] = False,
    prices: PricesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record usage logs in a ledger; each record is kept once.

    \b
    Keep a folder of logs, and cost it by day whenever you like:
        voicebill record logs/ --ledger ledger
        voicebill cost --ledger ledger --by day

    Check its files, and count what is intact; nothing is deleted:
        voicebill record --check --ledger ledger
        voicebill record --repair --ledger ledger
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    if check or repair:
        _check_or_repair(_checked_ledger(log_input), repair=repair, as_json=as_json)
        return
    ledger = log_input.ledger
    if not log_input.logs or ledger is None:
        raise InvalidInput("name the logs and the ledger: voicebill record LOG... --ledger DIR")
    price_book = load_facts(*home_files(), *(prices or ())).prices
    names = RecordedNames(price_book, log_input.defaults)
    from voicebill.engines.ledger import Ledger  # noqa: PLC0415 - the ledger needs an extra
    from voicebill.logs.report_text import report_notes  # noqa: PLC0415

    recording = Ledger(ledger)
    report, records = log_input.read(price_book.model_aliases, prompt_key=recording.prompt_key())
    summary = recording.record(names.watch(records), unread_usage=report.unread_by_file)
    unread = report.unread_usage
    warnings = [*([unread.warning] if unread else []), *names.warnings(), *report_notes(report)]
    if summary.set_aside:
        warnings.append(_set_aside_warning(summary.set_aside, ledger))
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
                set_aside=summary.set_aside,
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
        f"{pluralize(summary.records_read, 'record')} read from {pluralize(len(report.sources), 'file')}: "
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


def _checked_ledger(log_input: LogInput) -> Path:
    """The ledger to check: that of --ledger, or the only folder that is named."""
    folders = [*(log_input.logs or ()), *([log_input.ledger] if log_input.ledger is not None else ())]
    if len(folders) != 1:
        raise InvalidInput("a check takes a ledger and no logs: voicebill record --check --ledger DIR")
    return Path(folders[0])


def _check_or_repair(folder: Path, *, repair: bool, as_json: bool) -> None:
    from voicebill.engines.ledger import Ledger  # noqa: PLC0415 - the ledger needs an extra
    from voicebill.engines.ledger_check import LedgerRepair  # noqa: PLC0415

    result = Ledger(folder).repair() if repair else LedgerRepair(Ledger(folder).check())
    if as_json:
        from voicebill.answers.reports.cost import LedgerCheckReport, LedgerProblemReport  # noqa: PLC0415 - only for JSON
        from voicebill.answers.reports.report import package_version  # noqa: PLC0415

        terminal.print_json(
            LedgerCheckReport(
                voicebill=package_version(),
                ledger=str(folder),
                status=_status(result.check, repair=repair),
                recordings=result.check.generation,
                files=result.check.parts,
                records=result.check.records,
                problems=tuple(LedgerProblemReport(entry.path, entry.problem) for entry in result.check.problems),
                set_aside=result.set_aside,
                restored=result.restored,
                record_again=result.check.record_again,
            )
        )
    else:
        _print_check(folder, result, repair=repair)
    if not repair and not result.check.is_intact:
        raise typer.Exit(EXIT_DAMAGED)


def _status(check: "LedgerCheck", *, repair: bool) -> Literal["intact", "damaged", "repaired"]:
    if check.is_intact:
        return "intact"
    return "repaired" if repair else "damaged"


def _print_check(folder: Path, result: "LedgerRepair", *, repair: bool) -> None:
    out = terminal.console()
    check = result.check
    if check.is_intact:
        files, records = pluralize(check.parts, "file"), pluralize(check.records, "record")
        out.print(f"{folder} is intact: {records} in {files}, after {pluralize(check.generation or 0, 'recording')}")
        return
    out.print(f"{folder} is not intact:")
    for note in terminal.notes("Damaged or unknown", [str(problem) for problem in check.problems], style="yellow"):
        out.print(note)
    for title, lines in (
        (f"Moved to {folder / 'set-aside'}", result.set_aside),
        (f"Taken back from {folder / 'set-aside'}", result.restored),
        ("Record the logs of these again", check.record_again),
    ):
        for note in terminal.notes(title, list(lines)):
            out.print(note)
    if not repair:
        out.print(f"voicebill record --repair --ledger {shlex.quote(str(folder))} counts what is intact, and deletes nothing")


def _set_aside_warning(paths: tuple[str, ...], ledger: Path) -> str:
    more = f" and {len(paths) - MAX_DAYS_SHOWN:,} more" if len(paths) > MAX_DAYS_SHOWN else ""
    return (
        f"ledger.json does not name {', '.join(paths[:MAX_DAYS_SHOWN])}{more}: moved to {ledger / 'set-aside'}; "
        "if no recording was stopped before, record the logs of these days again"
    )
