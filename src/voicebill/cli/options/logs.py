"""Define the options for logs and ledgers, and the defaults for what a log does not state."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import Parameter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from voicebill.answers.parameters.inputs import (
    LOG_DEFAULTS,
    LOG_QUERY,
    LOG_READING,
    LOG_READING_GROUP,
    RECORD_QUERY,
    REPLAY_LOG_DEFAULTS,
    Inputs,
    log_defaults_of,
)
from voicebill.answers.parameters.read_inputs import read_inputs
from voicebill.billing.errors import InvalidInput
from voicebill.cli.options.inputs import explicit_values, input_parameter
from voicebill.cli.options.shared import option
from voicebill.cli.options.signature import Command, option_parameter, with_options

if TYPE_CHECKING:
    from voicebill.answers.recorded.unread_usage import UnreadUsage
    from voicebill.billing.record import Record
    from voicebill.logs.report import ReadReport

LOGS_PANEL = LOG_READING_GROUP
EXIT_DIFFERENT = 1
"""The exit code of a comparison if the totals differ by more than the tolerance."""
EXIT_INCOMPLETE = 3
"""The exit code of an answer that lacks usage which the logs show."""

MemoryOption = Annotated[
    str | None,
    option("--memory", "Memory limit for DuckDB, such as 1GB; the rest is spilled to disk.", LOGS_PANEL, metavar="SIZE"),
]


def _files_parameter(text: str, metavar: str) -> Parameter:
    return option_parameter("logs", Annotated[list[str] | None, typer.Argument(help=text, metavar=metavar, show_default=False)])


_LOGS = _files_parameter("Log files, folders or patterns; - for standard input.", "LOG...")
_BILLS_AND_LOGS = _files_parameter("Bills, and logs unless there is a ledger: files, folders or patterns.", "BILL|LOG...")
_INPUT_PARAMETERS = (
    option_parameter("ledger", Annotated[Path | None, option("--ledger", "Folder of a ledger.", LOGS_PANEL, metavar="DIR")]),
    option_parameter(
        "format", Annotated[str | None, option("--format", "Log format. (default: detected)", LOGS_PANEL, metavar="NAME")]
    ),
    option_parameter(
        "strict",
        Annotated[bool, typer.Option("--strict", help="Stop at the first unreadable line.", rich_help_panel=LOGS_PANEL)],
        default=False,
    ),
    *(input_parameter(row) for row in LOG_READING.values()),
)


@dataclass(frozen=True, slots=True)
class LogInput:
    """Where the records of a command are: logs or a ledger; `defaults` are the values for what a log does not state."""

    logs: list[str] | None
    ledger: Path | None
    format: str | None
    strict: bool
    allow_unread: bool
    defaults: Mapping[str, Any]

    def exit_if_incomplete(self, unread: "UnreadUsage | None") -> None:
        """End with exit code 3 if usage was not read, unless that is accepted.

        Raises:
            Exit: the answer is incomplete.
        """
        if unread is not None and not self.allow_unread:
            raise typer.Exit(EXIT_INCOMPLETE)

    def only_ledger(self) -> Path | None:
        """The ledger, or None if logs are named.

        Raises:
            InvalidInput: neither is named, or both; or an option that applies to logs only is given with a ledger.
        """
        if self.ledger is None:
            if not self.logs:
                raise InvalidInput("no logs are named: LOG..., or a ledger with --ledger DIR")
            return None
        if self.logs:
            raise InvalidInput("cannot be combined with logs: give one", field="ledger")
        self._refuse_options_for_logs()
        return self.ledger

    def _refuse_options_for_logs(self) -> None:
        values = self.defaults if self.format is None else {**self.defaults, "format": self.format}
        for name in ("model", "transcription_model", "alias", "tenant", "project", "column", "day", "format"):
            if name in values:
                raise InvalidInput("applies when logs are recorded, not to the records of a ledger", field=name)

    def read(
        self, model_aliases: Mapping[str, str], *, prompt_key: bytes | None = None
    ) -> tuple["ReadReport", Iterator["Record"]]:
        """The report, and the records of the logs, repeated ones included. The report is filled while the records are read.

        `model_aliases` are those of the prices; those of the command take precedence. `prompt_key` is that of a ledger.

        Raises:
            MissingExtra: the packages that read logs are not installed.
        """
        from voicebill.logs.defaults import LogDefaults  # noqa: PLC0415 - reading logs needs an extra
        from voicebill.logs.read import all_records  # noqa: PLC0415
        from voicebill.logs.report import ReadReport  # noqa: PLC0415

        aliases = {**model_aliases, **self.defaults.get("alias", {})}
        keys = {} if prompt_key is None else {"prompt_key": prompt_key}
        defaults = LogDefaults(**{**self.defaults, **keys, "alias": aliases})
        report = ReadReport(strict=self.strict)
        return report, _with_progress(all_records(self.logs or [], self.format, defaults, report), report)


def takes_logs(command: Command) -> Command:
    """Add the options for logs and ledgers to a command, which receives them as the keyword `log_input`."""
    return _with_log_options(command, LOG_DEFAULTS)


def takes_bills_and_logs(command: Command) -> Command:
    """The same for a command that compares bills with logs or with a ledger, and has groups of its own."""
    return _with_log_options(command, LOG_DEFAULTS, RECORD_QUERY, _BILLS_AND_LOGS)


def takes_logs_to_replay(command: Command) -> Command:
    """The same for a command whose own options say where calls are replayed: those for logs are then named `--log-model`."""
    return _with_log_options(command, REPLAY_LOG_DEFAULTS)


def _with_log_options(
    command: Command, default_inputs: Inputs, query_inputs: Inputs = LOG_QUERY, files: Parameter = _LOGS
) -> Command:
    file_parameters = (files, *_INPUT_PARAMETERS)
    names = [parameter.name for parameter in file_parameters]
    parameters = [input_parameter(row) for row in default_inputs.values()]

    @with_options(command, ("log_input",), file_parameters, parameters)
    def run(**options: Any) -> None:  # noqa: ANN401 - options of many types
        inputs = {**default_inputs, **{name: row for name, row in query_inputs.items() if name in options}}
        values = read_inputs(explicit_values(options, inputs), inputs)  # so that the errors of all of them are reported
        defaults = log_defaults_of(values, default_inputs)
        log_input = LogInput(**{name: options[name] for name in names}, defaults=defaults)
        own = {name: value for name, value in options.items() if name not in names and name not in default_inputs}
        command(log_input=log_input, **own)

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
