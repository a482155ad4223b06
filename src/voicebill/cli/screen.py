"""How answers look on a terminal: at 80 columns too, and without colour where there is none."""

import json
import shutil
import sys
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from voicebill.answers.estimate import Estimate
from voicebill.answers.offered import Offered
from voicebill.answers.scenarios import Scenarios
from voicebill.answers.simulate import Simulation
from voicebill.answers.tolls import Toll
from voicebill.answers.transport import Carried
from voicebill.billing.bill import Line
from voicebill.billing.currency import Currency
from voicebill.billing.money import Amount, shown
from voicebill.conversation.rules import Ruling

BAR_WIDTH = 16


def console() -> Console:
    """A console on standard output: as wide as the terminal up to 100 columns, 80 where there is none."""
    width = min(shutil.get_terminal_size((80, 24)).columns, 100) if sys.stdout.isatty() else 80
    return Console(width=width, highlight=False, soft_wrap=False)


def as_json(shape: dict[str, Any]) -> None:
    """Print an answer's shape, with the version that gave it."""
    from voicebill import __version__  # noqa: PLC0415 - reading the version costs start-up time

    sys.stdout.write(json.dumps({"voicebill": __version__, **shape}, indent=2, ensure_ascii=False) + "\n")


def table(*columns: str, left: int = 1) -> Table:
    """A table without frames, the first columns flush left and the others right."""
    plain = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 0, 0, 1), header_style="bold")
    for at, column in enumerate(columns):
        plain.add_column(column, justify="left" if at < left else "right", no_wrap=at >= left)
    return plain


def sold_as(offered: Offered) -> str:
    """A model with its seller, and how and where it is sold."""
    offer, region = offered.found.offer, offered.found.region
    place = "" if offer.deployment == "global" and not region else f" ({', '.join(filter(None, (offer.deployment, region)))})"
    return f"{offer.name} at {offer.provider}{place} on {offered.asked.day}"


def counted(number: object, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "turn"), counted(1200, "turn")
    ('1 turn', '1,200 turns')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def heading(text: str) -> Text:
    """A heading over what follows."""
    return Text(text, style="bold")


def indented(content: Any) -> Padding:  # noqa: ANN401 - whatever Rich can show
    """Something moved in by two columns."""
    return Padding(content, (0, 0, 0, 2))


def scenarios(rows: Iterable[tuple[str, Scenarios]]) -> Table:
    """Best, expected and worst, a row each."""
    shape = table("", "best", "expected", "worst")
    for label, amounts in rows:
        shape.add_row(label, shown(amounts.best), Text(shown(amounts.expected), style="bold"), shown(amounts.worst))
    return shape


def exchanged(currency: Currency | None, rows: Iterable[tuple[str, Scenarios]]) -> Iterable[Padding]:
    """The same rows in the stated currency; nothing where none was stated."""
    if currency is None:
        return
    shape = table(currency.code, "best", "expected", "worst")
    for label, amounts in rows:
        figures = (
            currency.shown(each).removeprefix(f"{currency.code} ") for each in (amounts.best, amounts.expected, amounts.worst)
        )
        shape.add_row(label, *figures)
    yield indented(shape)


def shares(rows: Iterable[tuple[str, Amount]], whole: Amount) -> Table:
    """Parts of a whole with their share, drawn as a bar."""
    shape = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    shape.add_column(ratio=1)
    shape.add_column(justify="right")
    shape.add_column(justify="right")
    shape.add_column(width=BAR_WIDTH)
    for label, amount in rows:
        share = Fraction(amount) / Fraction(whole) if whole else Fraction(0)
        full, least = ("█", "▏") if (sys.stdout.encoding or "").lower().startswith("utf") else ("#", "|")
        bar = full * round(share * BAR_WIDTH) or least
        shape.add_row(label, shown(amount), f"{round(share * 100)}%", Text(bar, style="cyan"))
    return shape


def bill_lines(*bills: tuple[str, Iterable[Line]]) -> Table:
    """The lines of one or more bills, each under the name of its offer where there are several."""
    shape = table("meter", "quantity", "rate", "amount")
    told = [(name, tuple(lines)) for name, lines in bills]
    several = sum(bool(lines) for _, lines in told) > 1
    for name, lines in told:
        if several and lines:
            shape.add_row(Text(name, style="dim"))
        for line in lines:
            amount = "no price" if line.amount is None else shown(line.amount)
            indent = "  " if several else ""
            shape.add_row(f"{indent}{line.meter.label}", line.meter.counted(line.quantity), str(line.rate or "-"), amount)
    return shape


def bill_of(answer: Estimate | Simulation) -> Table:
    """The expected bill: the voice model's lines, and the transcription model's."""
    heard = answer.offered.transcription
    return bill_lines(
        (answer.offered.found.offer.name, answer.lines),
        (heard.offer.name if heard else "", answer.transcription_lines),
    )


def notes(title: str, texts: Iterable[str], *, style: str = "") -> Iterable[Any]:
    """A heading and a list of sentences; nothing where there are none."""
    said = list(texts)
    if not said:
        return
    yield ""
    yield Text(title, style=f"bold {style}".strip())
    for text in said:
        row = Table.grid(padding=(0, 1))
        row.add_column(width=2, justify="right")
        row.add_column(ratio=1)
        row.add_row("-", text)
        yield row


def way(found: Carried, altogether: Iterable[tuple[str, Scenarios]] = ()) -> Iterator[Any]:
    """How a conversation reaches the model, and what is paid for that, alone and with the models."""
    row, megabytes = found.transport, found.up_bytes / 10**6
    yield ""
    yield heading(f"The way there: {row.title}, {found.codec.name}")
    yield indented(
        f"{megabytes:.2g} MB each way; latency {row.latency}; best for {row.best_for}; set-up effort {row.setup}. "
        f"Needs {row.needs}; {row.truncates}. The provider charges nothing for it."
    )
    if not (found.tolls or found.egress is not None):
        return
    rows = [row for toll in found.tolls for row in _tolled(toll)]
    rows += [] if found.egress is None else [("bandwidth that your side sends", found.egress)]
    shape = table("paid on the way", "amount")
    for label, amount in rows:
        shape.add_row(label, shown(amount))
    yield indented(shape)
    month = "" if found.per_month is None else f", {shown(found.per_month)} a month"
    rows_altogether = list(altogether)
    if rows_altogether:
        yield indented(scenarios(rows_altogether))
    else:
        yield indented(f"{shown(found.per_conversation)} a conversation{month}, beside every way that holds it")
    yield from notes("Mind on the way", found.warnings, style="yellow")
    yield from notes("Assumed on the way", found.assumptions)


def _tolled(toll: Toll) -> Iterator[tuple[str, Amount]]:
    """What somebody takes for the call, and for the month if he takes anything for that."""
    if toll.line is not None:
        yield f"{toll.found.offer.id}: {toll.line.meter.counted(toll.line.quantity)} × {toll.line.rate}", toll.line.amount or 0
    if toll.line is None or toll.monthly:
        yield f"{toll.found.offer.id}, a month", toll.monthly


def footing(ruling: Ruling, prices_digest: str, checked: object) -> Text:
    """Which facts an answer stands on."""
    return Text(f"rules {ruling.name} ({ruling.digest}) · prices checked {checked} ({prices_digest})", style="dim")
