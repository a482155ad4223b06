"""Print answers on a terminal or into a pipe: tables that never cut an amount, headings, notes and JSON."""

import shutil
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Span, Text

from voicebill.answers.answer import JsonDocument
from voicebill.answers.connectivity.transport import ConnectionEstimate
from voicebill.answers.escaping import visible_text
from voicebill.answers.estimates.estimate import Estimate
from voicebill.answers.estimates.model_selection import ResolvedModel
from voicebill.answers.estimates.scenarios import Scenarios
from voicebill.answers.estimates.simulate import Simulation
from voicebill.answers.parsing.quantities import format_number
from voicebill.answers.reports.estimate_text import fee_rows
from voicebill.billing.bill import Line
from voicebill.billing.currency import Currency
from voicebill.billing.money import Amount, column_decimals, format_amount, format_exact, format_in_column, share_of
from voicebill.conversation.rules import EffectiveRules
from voicebill.conversation.volume import Volume

BAR_WIDTH = 16


MIN_KEY_WIDTH = 8
"""The minimum width of a column of names; names are folded to fit."""

MIN_PROSE_WIDTH = 20
"""The minimum width of a column of prose, except of shorter texts."""

GAP = 2
"""The blanks between two columns of a table."""

NARROW = 60
"""On a terminal with fewer columns, bars are left out."""

_EXACT: ContextVar[bool] = ContextVar("exact", default=False)
"""Whether amounts are printed with all digits; set by `console` for each answer."""


class PlainConsole(Console):
    """A console that shows texts as they are, and never crops a line: a pipe has no width, and a terminal wraps long lines.

    Texts are neither Rich's markup nor a terminal's control sequences, whatever they contain.
    """

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - Rich's own signature
        super().__init__(**{"markup": False, "emoji": False, "highlight": False, "soft_wrap": False, **settings})

    def render_str(self, text: str, **settings: Any) -> Text:  # noqa: ANN401 - Rich's own signature
        """A text with invisible characters as their code."""
        return super().render_str(visible_text(text), **settings)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of what is printed, with invisible characters of texts as their code."""
        return super().render(_visible(renderable) if isinstance(renderable, Text) else renderable, options)

    def print(self, *objects: Any, **settings: Any) -> None:  # noqa: ANN401 - Rich's own signature
        """Print without cropping lines."""
        super().print(*objects, **{"crop": False, **settings})


def console(*, exact: bool = False) -> Console:
    """A console on standard output. It is as wide as the terminal, at most 100 columns; in a pipe, prose has 80 columns.

    `exact`: amounts are printed with all digits.
    """
    _EXACT.set(exact)
    return PlainConsole(width=_console_width())


def _visible(text: Text) -> Text:
    """A text with invisible characters as their code, in the same styles."""
    if visible_text(text.plain, keep="\n") == text.plain:
        return text
    visible = text.blank_copy()
    for character in text.divide(range(1, len(text))):
        plain = visible_text(character.plain, keep="\n")
        visible.append_text(Text(plain, character.style, spans=[Span(0, len(plain), span.style) for span in character.spans]))
    return visible


def _console_width() -> int:
    return min(shutil.get_terminal_size((80, 24)).columns, 100) if sys.stdout.isatty() else 80


def amount_text(amount: Amount) -> str:
    """An amount for headlines and sentences: with three significant digits, or with all if the console is exact."""
    return format_exact(amount) if _EXACT.get() else format_amount(amount)


def print_json(answer: JsonDocument) -> None:
    """Print an answer or a report as JSON."""
    sys.stdout.write(answer.to_json() + "\n")


@dataclass(frozen=True, slots=True)
class AmountCell:
    """An amount in a table, or a range of two; all amounts of a column have the same number of decimals.

    `signed`: an increase is shown with a plus sign, no change as a dash. `suffix` is added to the text.
    """

    low: Amount
    high: Amount | None = None
    suffix: str = ""
    signed: bool = False
    style: str = ""

    def format(self, decimals: int) -> Text:
        """The text of the cell with a number of decimals."""
        low, high = sorted((self.low, self.low if self.high is None else self.high))
        text = _format_cell_amount(low, decimals)
        if low != high:
            upper = _format_cell_amount(high, decimals)
            text = f"{text} to {upper}" if text != upper else f"{format_exact(low)} to {format_exact(high)}"
        if self.signed:
            text = "-" if not self.low else f"+{text}" if self.low > 0 and text[0] == "$" else text
        return Text(text + self.suffix, style=self.style)


def _format_cell_amount(amount: Amount, decimals: int) -> str:
    return format_exact(amount) if _EXACT.get() else format_in_column(amount, decimals)


Cell = str | Text | AmountCell


@dataclass(frozen=True, slots=True)
class Section:
    """A name above the rows that follow; it may be as long as a line."""

    name: str
    style: str = ""


class DataTable:
    """A table without frames: the first `left` columns are names, aligned left; the others are aligned right.

    In a pipe it is as wide as necessary. On a narrow terminal names are folded, and amounts are not; if that does not fit,
    each row is printed as a block of lines. `wrapped` has the indexes of columns of prose.
    """

    def __init__(self, *columns: str, left: int = 1, wrapped: Sequence[int] = ()) -> None:
        self.columns = columns
        self.left = left
        self.wrapped = frozenset(wrapped)
        self.indentation = 0
        self._rows: list[Section | tuple[Cell, ...]] = []

    def add_row(self, *cells: Cell) -> None:
        """Add a row, with a cell for each column."""
        self._rows.append(cells)

    def add_section(self, name: str, style: str = "") -> None:
        """Add a name above the rows that follow."""
        self._rows.append(Section(visible_text(name), style))

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """The width of the table: that of the console."""
        return Measurement(options.max_width, options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The table as columns, or as blocks of lines if it does not fit."""
        rows = self._format_rows()
        available = options.max_width - self.indentation
        widths = self._widths(rows)
        room = available - GAP * (len(widths) - 1)
        _shrink(widths, self.wrapped, room, MIN_PROSE_WIDTH)
        if console.is_terminal:
            _shrink(widths, range(self.left), room, MIN_KEY_WIDTH)
            if sum(widths) > room:
                yield from self._blocks(rows)
                return
        width = max(available, sum(widths) + GAP * (len(widths) - 1))
        for part in self._tables(rows, widths):
            for line in console.render_lines(part, options.update(width=width, height=None), pad=False):
                yield Segment(" " * self.indentation)
                yield from line
                yield Segment.line()

    def _format_rows(self) -> list[Section | list[Text]]:
        data = [row for row in self._rows if not isinstance(row, Section)]
        decimals = [
            column_decimals([amount for cell in cells if isinstance(cell, AmountCell) for amount in (cell.low, cell.high or 0)])
            for cells in zip(*data, strict=True)
        ]
        return [
            row if isinstance(row, Section) else [_cell_text(cell, places) for cell, places in zip(row, decimals, strict=True)]
            for row in self._rows
        ]

    def _widths(self, rows: Sequence[Section | list[Text]]) -> list[int]:
        data = [row for row in rows if not isinstance(row, Section)]
        return [
            max(len(title), *(row[index].cell_len for row in data)) if data else len(title)
            for index, title in enumerate(self.columns)
        ]

    def _tables(self, rows: Sequence[Section | list[Text]], widths: Sequence[int]) -> Iterator[Table | Padding]:
        """The header with the rows before the first section, then the name and the rows of each section."""
        part = self._empty_table(widths, show_header=True)
        for row in rows:
            if isinstance(row, Section):
                if part.row_count or part.show_header:
                    yield part
                name = row.name.lstrip()
                yield indent(Text(name, style=row.style), len(row.name) - len(name))
                part = self._empty_table(widths, show_header=False)
            else:
                part.add_row(*row)
        if part.row_count or part.show_header:
            yield part

    def _empty_table(self, widths: Sequence[int], *, show_header: bool) -> Table:
        part = Table(
            box=box.SIMPLE_HEAD,
            show_edge=False,
            pad_edge=False,
            padding=(0, 0, 0, 1),
            header_style="bold",
            show_header=show_header,
        )
        for index, (title, width) in enumerate(zip(self.columns, widths, strict=True)):
            is_text = index < self.left or index in self.wrapped
            justify: Literal["left", "right"] = "left" if is_text else "right"
            part.add_column(title, justify=justify, width=width, no_wrap=not is_text, overflow="fold")
        return part

    def _blocks(self, rows: Sequence[Section | list[Text]]) -> RenderResult:
        """Each row as a block of lines: its names, then one line for each figure. What the names are is said first."""
        if names := " · ".join(title for title in self.columns[: self.left] if title):
            yield Text(names, style="dim")
        label_width = max((len(title) for title in self.columns[self.left :]), default=0)
        for row in rows:
            if isinstance(row, Section):
                yield Text(row.name, style=row.style)
                continue
            yield Text(" · ".join(cell.plain for cell in row[: self.left] if cell.plain), style="bold")
            figures = Table.grid(padding=(0, 2, 0, 0))
            figures.add_column(width=label_width)
            figures.add_column(overflow="fold")
            for title, cell in zip(self.columns[self.left :], row[self.left :], strict=True):
                if title or cell.plain:
                    figures.add_row(title, cell)
            yield indent(figures)


def _cell_text(cell: Cell, decimals: int) -> Text:
    if isinstance(cell, AmountCell):
        return cell.format(decimals)
    text = cell if isinstance(cell, Text) else Text(cell)
    return Text(visible_text(text.plain), style=text.style)


def _shrink(widths: list[int], indexes: Collection[int], room: int, minimum: int) -> None:
    """Shrink the columns with these indexes, the widest first, until all columns fit, but none below a minimum."""
    while sum(widths) > room and (wide := [index for index in indexes if widths[index] > minimum]):
        widths[max(wide, key=lambda index: widths[index])] -= 1


def table(*columns: str, left: int = 1, wrapped: Sequence[int] = ()) -> DataTable:
    """A table whose first `left` columns are names, and whose `wrapped` columns contain prose."""
    return DataTable(*columns, left=left, wrapped=wrapped)


def selection_title(model: ResolvedModel) -> str:
    """A line about the selected offer: its name, provider, deployment, region, and the day."""
    offer, region = model.quote.offer, model.quote.region
    location = (
        "" if offer.deployment == "global" and not region else f" ({', '.join(filter(None, (offer.deployment, region)))})"
    )
    return f"{offer.name} at {offer.provider}{location} on {model.selection.day}"


def month_text(mean: Amount, volume: Volume, monthly_fee: Amount = 0) -> str:
    """How the cost of a month is computed: its calls, times their mean cost, and what is paid per month in any case."""
    fee = f" + {amount_text(monthly_fee)}" if monthly_fee else ""
    return f"{amount_text(mean)} a call on average × {format_number(volume.per_month)}{fee}"


def heading(text: str) -> Text:
    """A heading, in bold."""
    return Text(visible_text(text), style="bold")


def indent(content: Any, columns: int = 2) -> Any:  # noqa: ANN401 - any content that Rich can print
    """Content indented by a number of columns."""
    if isinstance(content, DataTable):
        content.indentation = columns
        return content
    return Padding(content, (0, 0, 0, columns))


def scenario_table(rows: Iterable[tuple[str, Scenarios]]) -> DataTable:
    """A table of the best, expected and worst amounts, with a row for each label."""
    grid = table("", "best", "expected", "worst")
    for label, amounts in rows:
        grid.add_row(
            label,
            amount_text(amounts.best),
            Text(amount_text(amounts.expected), style="bold"),
            amount_text(amounts.worst),
        )
    return grid


def currency_tables(currency: Currency | None, rows: Iterable[tuple[str, Scenarios]]) -> Iterable[Any]:
    """A table of the same amounts in a currency; nothing without a currency."""
    if currency is None:
        return
    grid = table(currency.code, "best", "expected", "worst")
    for label, amounts in rows:
        figures = (
            (currency.format_exact(amount) if _EXACT.get() else currency.format_amount(amount)).removeprefix(
                f"{currency.code} "
            )
            for amount in (amounts.best, amounts.expected, amounts.worst)
        )
        grid.add_row(label, *figures)
    yield indent(grid)


def breakdown(rows: Iterable[tuple[str, Amount]], total: Amount) -> Table | DataTable:
    """A table of the parts of a total, each with its share as a bar; without bars on a narrow terminal."""
    parts = list(rows)
    shares = [share_of(amount, total) for _, amount in parts]
    if _console_width() < NARROW:
        narrow = table("component", "amount", "share")
        for (label, amount), share in zip(parts, shares, strict=True):
            narrow.add_row(label, AmountCell(amount), f"{round(share * 100)}%")
        return narrow
    decimals = column_decimals(amount for _, amount in parts)
    grid = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    grid.add_column(ratio=1)
    grid.add_column(justify="right")
    grid.add_column(justify="right")
    grid.add_column(width=BAR_WIDTH)
    for (label, amount), share in zip(parts, shares, strict=True):
        full, least = ("█", "▏") if (sys.stdout.encoding or "").lower().startswith("utf") else ("#", "|")
        bar = full * round(share * BAR_WIDTH) or least
        grid.add_row(label, _format_cell_amount(amount, decimals), f"{round(share * 100)}%", Text(bar, style="cyan"))
    return grid


def bill_lines_table(*bills: tuple[str, Iterable[Line]]) -> DataTable:
    """A table of the lines of one or more bills; if there are several, each is under the name of its offer."""
    grid = table("meter", "quantity", "rate", "amount")
    named_bills = [(name, tuple(lines)) for name, lines in bills]
    several = sum(bool(lines) for _, lines in named_bills) > 1
    for name, lines in named_bills:
        if several and lines:
            grid.add_section(name, "dim")
        for line in lines:
            amount = "no price" if line.amount is None else format_exact(line.amount)
            margin = "  " if several else ""
            grid.add_row(
                f"{margin}{line.meter.label}", line.meter.format_quantity(line.quantity), str(line.rate or "-"), amount
            )
    return grid


def bill_table(answer: Estimate | Simulation) -> DataTable:
    """The expected bill: the voice model's lines, and the transcription model's."""
    transcription = answer.model.transcription
    return bill_lines_table(
        (answer.model.quote.offer.name, answer.lines),
        (transcription.offer.name if transcription else "", answer.transcription_lines),
    )


def notes(title: str, texts: Iterable[str], *, style: str = "") -> Iterable[Any]:
    """A heading and a list of sentences; nothing without sentences."""
    items = list(texts)
    if not items:
        return
    yield ""
    yield Text(title, style=f"bold {style}".strip())
    for text in items:
        row = Table.grid(padding=(0, 1))
        row.add_column(width=2, justify="right")
        row.add_column(ratio=1, overflow="fold")
        row.add_row("-", text)
        yield row


def connection_section(connection: ConnectionEstimate) -> Iterator[Any]:
    """A section on the connection: its properties and fees."""
    row = connection.transport
    yield ""
    yield heading(f"Connection: {row.title}, {connection.codec.name}")
    yield indent(
        f"{connection.megabytes_sent:.2g} MB in each direction; latency {row.latency}; suited to {row.best_for}; "
        f"set-up effort: {row.setup}. Requires {row.needs}; {row.truncation}. The provider does not charge for the connection."
    )
    if not connection.has_fees:
        return
    grid = table("fee", "amount")
    for label, amount in fee_rows(connection):
        grid.add_row(label, AmountCell(amount))
    yield indent(grid)
    month = "" if connection.per_month is None else f", {amount_text(connection.per_month)} per month"
    yield indent(f"{amount_text(connection.per_conversation)} per conversation{month}, included above")
    yield from notes("Connection warnings", connection.warnings, style="yellow")
    yield from notes("Connection assumptions", connection.assumptions)


def footer(effective_rules: EffectiveRules, prices_digest: str, checked: object) -> Text:
    """A line that names the rules and the prices of an answer."""
    return Text(
        f"rules {effective_rules.name} ({effective_rules.digest}) · prices checked {checked} ({prices_digest})", style="dim"
    )
