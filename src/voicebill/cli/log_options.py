"""Options that say where logs lie, and what to take where they do not say it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from voicebill.cli.options import day_said, option

if TYPE_CHECKING:
    from voicebill.billing.record import Record
    from voicebill.logs.told import Report, Told

LOGS = "The logs"
UNSAID = "Where a log does not say it"

Logs = Annotated[
    list[str] | None,
    typer.Argument(help="Files, folders, patterns, or - for standard input.", metavar="LOG...", show_default=False),
]
LedgerOption = Annotated[Path | None, option("--ledger", "The folder of a ledger.", LOGS, metavar="DIR")]
Format = Annotated[
    str | None, option("--format", "How the logs are written; recognised unless it is named.", LOGS, metavar="NAME")
]
Strict = Annotated[bool, typer.Option("--strict", help="Stop at the first broken line.", rich_help_panel=LOGS)]

TheModel = Annotated[str | None, option("--model", "The voice model.", UNSAID, metavar="NAME")]
TheTranscription = Annotated[
    str | None, option("--transcription-model", "The model that hears the user.", UNSAID, metavar="NAME")
]
TheProvider = Annotated[
    str | None, option("--provider", "openai or azure. (default: openai, and it is said)", UNSAID, metavar="NAME")
]
TheDeployment = Annotated[
    str | None,
    option("--deployment", "global, data-zone or regional. (default: global, and it is said)", UNSAID, metavar="NAME"),
]
TheRegion = Annotated[str | None, option("--region", "Azure region, such as swedencentral.", UNSAID, metavar="NAME")]
TheTenant = Annotated[str | None, option("--tenant", "Whose conversations these are.", UNSAID, metavar="NAME")]
TheDay = Annotated[
    date | None, option("--day", "The day of records without a time. Nothing is taken for it.", UNSAID, day_said, "YYYY-MM-DD")
]


def told_as(
    *,
    model: str | None,
    transcription_model: str | None,
    provider: str | None,
    deployment: str | None,
    region: str | None,
    tenant: str | None,
    day: date | None,
) -> "Told":
    """What to take where a log does not say it.

    Raises:
        VoicebillError: what reads logs is not installed.
    """
    from voicebill.logs.told import Told  # noqa: PLC0415 - logs are read by an extra

    return Told(
        model=model,
        transcription_model=transcription_model,
        provider=provider,
        deployment=deployment,
        region=region,
        tenant=tenant,
        day=day,
    )


def records_of(logs: list[str], dialect: str | None, told: "Told", report: "Report") -> Iterator["Record"]:
    """The records of logs, as often as they are told; how far it has got is shown on a terminal."""
    from voicebill.logs.read import every_record  # noqa: PLC0415 - logs are read by an extra

    return _counted_aloud(every_record(logs, dialect, told, report), report)


def _counted_aloud(records: Iterable["Record"], report: "Report") -> Iterator["Record"]:
    with on_terminal() as shown:
        for at, record in enumerate(records):
            if at % 2000 == 0:
                shown(None, f"{report.lines:,} lines, {at:,} records")
            yield record


class Shown:
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
def on_terminal() -> Iterator[Shown]:
    """A bar on standard error while something runs; nothing where that is no terminal."""
    err = Console(stderr=True)
    if not err.is_terminal:
        yield Shown(None)
        return
    bar = Progress(SpinnerColumn(), BarColumn(), TextColumn("{task.description}"), console=err, transient=True)
    try:
        yield Shown(bar)
    finally:
        bar.stop()
