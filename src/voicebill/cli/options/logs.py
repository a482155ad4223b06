"""Define the options for logs and ledgers, and the defaults for what a log does not state."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import date
from inspect import Parameter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from voicebill.answers.estimates.model_selection import DEFAULT_DEPLOYMENT, DEFAULT_PROVIDER
from voicebill.billing.errors import InvalidInput
from voicebill.billing.validity import parse_day
from voicebill.cli.options.shared import option
from voicebill.cli.options.signature import Command, option_parameter, with_options

if TYPE_CHECKING:
    from voicebill.billing.record import Record
    from voicebill.logs.report import ReadReport

LOGS_PANEL = "The logs"
LOG_DEFAULTS_PANEL = "Defaults for what the log does not state"

_INPUT_PARAMETERS = (
    option_parameter(
        "logs",
        Annotated[
            list[str] | None,
            typer.Argument(help="Log files, folders or patterns; - for standard input.", metavar="LOG...", show_default=False),
        ],
    ),
    option_parameter("ledger", Annotated[Path | None, option("--ledger", "Folder of a ledger.", LOGS_PANEL, metavar="DIR")]),
    option_parameter(
        "format", Annotated[str | None, option("--format", "Log format. (default: detected)", LOGS_PANEL, metavar="NAME")]
    ),
    option_parameter(
        "strict",
        Annotated[bool, typer.Option("--strict", help="Stop at the first unreadable line.", rich_help_panel=LOGS_PANEL)],
        default=False,
    ),
)


def _default(name: str, help_text: str) -> Parameter:
    info = option(f"--{name.replace('_', '-')}", help_text, LOG_DEFAULTS_PANEL, metavar="NAME")
    return option_parameter(name, Annotated[str | None, info])


_DEFAULT_PARAMETERS = (
    _default("model", "Voice model."),
    _default("transcription_model", "Transcription model."),
    _default("provider", f"Provider: openai or azure. (default: {DEFAULT_PROVIDER}, with a note)"),
    _default("deployment", f"Deployment: global, data-zone or regional. (default: {DEFAULT_DEPLOYMENT}, with a note)"),
    _default("region", "Azure region, such as swedencentral."),
    _default("tenant", "Tenant (customer) of the conversations."),
    option_parameter(
        "day",
        Annotated[
            date | None,
            option("--day", "Day of records without a time. (default: none)", LOG_DEFAULTS_PANEL, parse_day, "YYYY-MM-DD"),
        ],
    ),
)


@dataclass(frozen=True, slots=True)
class LogInput:
    """The logs or the ledger of a command, and the defaults for what a log does not state."""

    logs: list[str] | None
    ledger: Path | None
    format: str | None
    strict: bool
    model: str | None
    transcription_model: str | None
    provider: str | None
    deployment: str | None
    region: str | None
    tenant: str | None
    day: date | None

    @property
    def sku_defaults(self) -> dict[str, str]:
        """The defaults for provider, deployment and region that are given."""
        names = {name: getattr(self, name) for name in ("provider", "deployment", "region")}
        return {name: value.strip().lower() for name, value in names.items() if value}

    def refuse_for_ledger(self) -> None:
        """Refuse the options that apply to logs only.

        Raises:
            InvalidInput: one of them is given.
        """
        for name in ("model", "transcription_model", "tenant", "day", "format"):
            if getattr(self, name) is not None:
                option_name = f"--{name.replace('_', '-')}"
                raise InvalidInput(f"{option_name} applies when logs are recorded, not to the records of a ledger")

    def read(self) -> tuple["ReadReport", Iterator["Record"]]:
        """The report, and the records of the logs, repeated ones included. The report is filled while the records are read.

        Raises:
            MissingExtra: the packages that read logs are not installed.
        """
        from voicebill.logs.defaults import LogDefaults  # noqa: PLC0415 - reading logs needs an extra
        from voicebill.logs.read import all_records  # noqa: PLC0415
        from voicebill.logs.report import ReadReport  # noqa: PLC0415

        names = {row.name for row in fields(self)} & {row.name for row in fields(LogDefaults)}
        defaults = LogDefaults(**{name: getattr(self, name) for name in names})
        report = ReadReport(strict=self.strict)
        return report, _with_progress(all_records(self.logs or [], self.format, defaults, report), report)


def takes_logs(command: Command) -> Command:
    """Add the options for logs and ledgers to a command, which receives them as the keyword `log_input`."""
    names = [row.name for row in fields(LogInput)]

    @with_options(command, "log_input", _INPUT_PARAMETERS, _DEFAULT_PARAMETERS)
    def run(**options: Any) -> None:  # noqa: ANN401 - options of many types
        command(log_input=LogInput(**{name: options.pop(name) for name in names}), **options)

    return run


def _with_progress(records: Iterable["Record"], report: "ReadReport") -> Iterator["Record"]:
    with progress_bar() as progress:
        for count, record in enumerate(records):
            if count % 2000 == 0:
                progress(None, f"{report.lines:,} lines, {count:,} records")
            yield record


class TerminalProgress:
    """A progress display on a terminal, which starts with the first update; nothing without a bar."""

    def __init__(self, bar: Progress | None) -> None:
        self._bar = bar
        self._task: TaskID | None = None

    def __call__(self, percent: float | None, text: str) -> None:
        """Show the percentage that is done (None: unknown) with a text."""
        if self._bar is None:
            return
        if self._task is None:
            self._bar.start()
            self._task = self._bar.add_task(text, total=None)
        self._bar.update(self._task, description=text, total=None if percent is None else 100, completed=percent or 0)


@contextmanager
def progress_bar() -> Iterator[TerminalProgress]:
    """A progress bar on standard error during the block; nothing is shown if that is not a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield TerminalProgress(None)
        return
    bar = Progress(SpinnerColumn(), BarColumn(), TextColumn("{task.description}"), console=console, transient=True)
    try:
        yield TerminalProgress(bar)
    finally:
        bar.stop()
