"""What commands about recorded calls share: how far they are, how the log was read, and how their answer is shown."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from voicebill.answers.answer import JsonDocument
from voicebill.answers.recorded.unread_usage import UnreadUsage
from voicebill.answers.reports.handout import Handout
from voicebill.cli.display import terminal
from voicebill.cli.display.handout_text import print_handout
from voicebill.cli.options.logs import TerminalProgress

if TYPE_CHECKING:
    from voicebill.logs.report import ReadReport

CALLS_PER_UPDATE = 50


def calls_shown(progress: TerminalProgress) -> Callable[[int], None]:
    """A function that shows the number of calls so far, which it is called with after every call."""

    def show(calls: int) -> None:
        if calls % CALLS_PER_UPDATE == 0:
            progress(None, f"{calls:,} calls")

    return show


def reading_warnings(report: "ReadReport | None", unread: UnreadUsage | None) -> Iterator[str]:
    """What to know about how the log was read; of a ledger, what was not read when it was recorded."""
    if unread is not None:
        yield unread.warning
    if report is not None:
        from voicebill.logs.report_text import report_notes  # noqa: PLC0415 - reading logs needs an extra

        yield from report_notes(report)


def show_answer(
    answer: JsonDocument,
    handout: Handout,
    *,
    chart_file: Path | None,
    chart: Callable[[ModuleType], Any],
    as_json: bool,
    exact: bool = False,
) -> None:
    """Save the chart of an answer that `chart` makes of the module that draws, and print the answer as JSON or as a document.

    Raises:
        InvalidInput: there is nothing to draw, or the file cannot be written.
        MissingExtra: the package that draws is not installed.
    """
    if chart_file is not None:
        from voicebill.charts import draw  # noqa: PLC0415 - most runs draw nothing

        draw.save(chart(draw), chart_file)
    if as_json:
        terminal.print_json(answer)
    else:
        print_handout(handout, terminal.console(exact=exact))
