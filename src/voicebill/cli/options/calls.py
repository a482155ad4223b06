"""What commands about recorded calls share: how far they are, and what to know about how the log was read."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from voicebill.answers.recorded.unread_usage import UnreadUsage
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
