"""Options that say where logs lie, and what to take where they do not say it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from voicebill.cli.options.shared import option, parse_day

if TYPE_CHECKING:
    from voicebill.billing.record import Record
    from voicebill.logs.defaults import LogDefaults
    from voicebill.logs.report import ReadReport

LOGS_PANEL = "The logs"
LOG_DEFAULTS_PANEL = "Defaults for what the log does not state"

LogsArgument = Annotated[
    list[str] | None,
    typer.Argument(help="Log files, folders or patterns; - for standard input.", metavar="LOG...", show_default=False),
]
LedgerOption = Annotated[Path | None, option("--ledger", "Folder of a ledger.", LOGS_PANEL, metavar="DIR")]
FormatOption = Annotated[str | None, option("--format", "Log format. (default: detected)", LOGS_PANEL, metavar="NAME")]
StrictOption = Annotated[bool, typer.Option("--strict", help="Stop at the first unreadable line.", rich_help_panel=LOGS_PANEL)]

DefaultModelOption = Annotated[str | None, option("--model", "Voice model.", LOG_DEFAULTS_PANEL, metavar="NAME")]
DefaultTranscriptionOption = Annotated[
    str | None, option("--transcription-model", "Transcription model.", LOG_DEFAULTS_PANEL, metavar="NAME")
]
DefaultProviderOption = Annotated[
    str | None,
    option("--provider", "Provider: openai or azure. (default: openai, with a note)", LOG_DEFAULTS_PANEL, metavar="NAME"),
]
DefaultDeploymentOption = Annotated[
    str | None,
    option(
        "--deployment",
        "Deployment: global, data-zone or regional. (default: global, with a note)",
        LOG_DEFAULTS_PANEL,
        metavar="NAME",
    ),
]
DefaultRegionOption = Annotated[
    str | None, option("--region", "Azure region, such as swedencentral.", LOG_DEFAULTS_PANEL, metavar="NAME")
]
DefaultTenantOption = Annotated[
    str | None, option("--tenant", "Tenant (customer) of the conversations.", LOG_DEFAULTS_PANEL, metavar="NAME")
]
DefaultDayOption = Annotated[
    date | None,
    option("--day", "Day of records without a time. (default: none)", LOG_DEFAULTS_PANEL, parse_day, "YYYY-MM-DD"),
]


def log_defaults(
    *,
    model: str | None,
    transcription_model: str | None,
    provider: str | None,
    deployment: str | None,
    region: str | None,
    tenant: str | None,
    day: date | None,
) -> "LogDefaults":
    """What to take where a log does not say it.

    Raises:
        VoicebillError: what reads logs is not installed.
    """
    from voicebill.logs.defaults import LogDefaults  # noqa: PLC0415 - logs are read by an extra

    return LogDefaults(
        model=model,
        transcription_model=transcription_model,
        provider=provider,
        deployment=deployment,
        region=region,
        tenant=tenant,
        day=day,
    )


def read_records(logs: list[str], format_name: str | None, defaults: "LogDefaults", report: "ReadReport") -> Iterator["Record"]:
    """The records of logs, as often as they are told; how far it has got is shown on a terminal."""
    from voicebill.logs.read import all_records  # noqa: PLC0415 - logs are read by an extra

    return _with_progress(all_records(logs, format_name, defaults, report), report)


def _with_progress(records: Iterable["Record"], report: "ReadReport") -> Iterator["Record"]:
    with progress_bar() as progress:
        for count, record in enumerate(records):
            if count % 2000 == 0:
                progress(None, f"{report.lines:,} lines, {count:,} records")
            yield record


class TerminalProgress:
    """Says on a terminal how far something has got, from the first time on that it is told."""

    def __init__(self, bar: Progress | None) -> None:
        self._bar = bar
        self._task: TaskID | None = None

    def __call__(self, percent: float | None, text: str) -> None:
        """How much is done, if that is known, and of what."""
        if self._bar is None:
            return
        if self._task is None:
            self._bar.start()
            self._task = self._bar.add_task(text, total=None)
        self._bar.update(self._task, description=text, total=None if percent is None else 100, completed=percent or 0)


@contextmanager
def progress_bar() -> Iterator[TerminalProgress]:
    """A bar on standard error while something runs; nothing where that is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield TerminalProgress(None)
        return
    bar = Progress(SpinnerColumn(), BarColumn(), TextColumn("{task.description}"), console=console, transient=True)
    try:
        yield TerminalProgress(bar)
    finally:
        bar.stop()
