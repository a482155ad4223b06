"""Print sentences without a console, and write the log of a server: as they are, however long they are."""

import logging
from types import TracebackType

import typer

from voicebill.answers.escaping import LINE_CONTROLS, visible_text

ErrorInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def print_line(text: str, *, error: bool = False) -> None:
    """Print a text; on standard error if it is about an error or about a server. The faults of a file have a line each."""
    typer.echo(visible_text(text, keep="\n"), err=error)


class PlainFormatter(logging.Formatter):
    """A format in which each message is one line; only a traceback has several."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name in `logging`
        """The line of a message, with invisible characters as their code."""
        return visible_text(super().formatMessage(record))

    def formatException(self, ei: ErrorInfo) -> str:  # noqa: N802 - the name in `logging`
        """A traceback, with invisible characters as their code."""
        return visible_text(super().formatException(ei), keep=LINE_CONTROLS)


def log_plain_lines() -> None:
    """Write warnings and errors of a server to standard error, in lines that contain no terminal's control sequences."""
    handler = logging.StreamHandler()
    handler.setFormatter(PlainFormatter("%(asctime)s %(message)s"))
    logging.basicConfig(handlers=[handler])
