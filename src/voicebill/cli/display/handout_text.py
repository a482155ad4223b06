"""Show a document that is handed out on the terminal: its summary, and each section with its terms, table and notes."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from rich.console import Console
from rich.text import Text

from voicebill.answers.answer import JsonDocument
from voicebill.answers.reports.handout import Handout, HandoutAmount, HandoutSection, HandoutTable
from voicebill.cli.display import terminal


def print_handout(handout: Handout, out: Console) -> None:
    """Print a document."""
    out.print(terminal.heading(handout.title))
    out.print(handout.summary)
    for section in handout.sections:
        if section.notes:
            for note in terminal.notes(section.title, section.notes, style="yellow" if section.title == "Warnings" else ""):
                out.print(note)
            continue
        out.print()
        out.print(terminal.heading(section.title))
        for part in _parts(section):
            out.print(part)


def _parts(section: HandoutSection) -> Iterator[Any]:
    for term, value in section.terms:
        yield terminal.indent(Text(f"{term}: {value}"))
    yield from (terminal.indent(Text(text)) for text in section.paragraphs)
    if section.table is not None:
        yield terminal.indent(_table(section.table))


def _table(table: HandoutTable) -> terminal.DataTable:
    """A table whose columns of text stand on the left, in the order of the document."""
    shown = terminal.table(*table.columns, wrapped=(0, *table.text_columns))
    for row in table.rows:
        shown.add_row(*(cell.text if isinstance(cell, HandoutAmount) else cell for cell in row))
    return shown


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
