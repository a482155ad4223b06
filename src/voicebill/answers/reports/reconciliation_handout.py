"""Build the document of a reconciliation, which the terminal, the page and files show."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from fractions import Fraction

from voicebill.answers.escaping import CsvCell
from voicebill.answers.invoices.causes import Cause, CauseSum
from voicebill.answers.invoices.cells import BillDays
from voicebill.answers.invoices.line_groups import LineGroup
from voicebill.answers.invoices.reconciliation import LEAST_NAMED, Reconciliation
from voicebill.answers.parsing.quantities import pluralize
from voicebill.answers.reports.handout import (
    Handout,
    HandoutAmount,
    HandoutCell,
    HandoutSection,
    HandoutTable,
    note_sections,
)
from voicebill.answers.reports.report import package_version
from voicebill.billing.money import Amount, column_decimals, format_amount, format_dollars, format_exact, format_in_column

MAX_LINES_SHOWN = 31
"""So many groups of lines are shown, which are the days of a month; JSON and CSV have all."""
MAX_NAMES_SHOWN = 3
RECONCILIATION_BASIS = "Recorded usage at published prices, beside the vendor's bill. The bill is authoritative."
LINE_COLUMNS = (
    *("day", "account", "model", "meter", "recorded_quantity", "billed_quantity", "recorded_dollars", "billed_dollars"),
    *("difference_dollars", "causes", "not_explained_dollars"),
)
FIELD_TITLES = {"account": "project"}
VERSION_DAY = re.compile(r"-20\d\d-\d\d-\d\d\b")
"""The day in the name of a model's version."""


def reconciliation_handout(answer: Reconciliation, *, exact: bool = False) -> Handout:
    """The document of a reconciliation. Its records are the groups of lines."""
    return Handout(
        title="Recorded usage and the bill",
        summary=reconciliation_summary(answer, exact=exact),
        sections=tuple(_sections(answer, exact=exact)),
        records=(LINE_COLUMNS, *(_record(group, answer.by) for group in answer.groups)),
        version=package_version(),
        is_wide=True,
        basis=RECONCILIATION_BASIS,
    )


def reconciliation_summary(answer: Reconciliation, *, exact: bool = False) -> str:
    """A reconciliation in a sentence."""
    show = format_exact if exact else format_amount
    days = _days_text(answer.days)
    name = "bill" if answer.has_money else "vendor's count, at our prices,"
    face = face_text(answer, exact=exact)
    if not answer.difference:
        return f"The {name}{days} is {face}, exactly what was recorded."
    size, more, share = difference_texts(answer, exact=exact)
    rest = abs(Fraction(answer.unexplained))
    explained = (
        "all of it is explained" if rest * 1000 < abs(Fraction(answer.difference)) else f"{show(rest)} of it is not explained"
    )
    ratio = share and f" ({share})"
    return f"The {name}{days} is {face} for {show(answer.recorded)} recorded: {size} {more}{ratio}; {explained}."


def _days_text(days: BillDays) -> str:
    if days.first is None:
        return ""
    return f" of {days.first}" if days.first == days.last else f" from {days.first} to {days.last}"


def difference_texts(answer: Reconciliation, *, exact: bool = False) -> tuple[str, str, str]:
    """The size of the difference, whether it is more or less, and its share of what was recorded, empty without one.

    With a bill in another currency the size has no sign of a currency: it is the difference of two numbers.
    """
    size = (format_exact if exact else format_amount)(abs(Fraction(answer.difference)))
    more = "more" if answer.difference > 0 else "less"
    share = "" if answer.ratio is None else f"{float(answer.ratio):+.2%}"
    return size if answer.currency == "USD" else size.replace("$", ""), more, share


def face_text(answer: Reconciliation, *, exact: bool = False) -> str:
    """The sum of a bill in its own currency."""
    text = (format_exact if exact else format_amount)(answer.face)
    return text if answer.currency == "USD" else text.replace("$", f"{answer.currency} ")


def _sections(answer: Reconciliation, *, exact: bool) -> Iterator[HandoutSection]:
    yield HandoutSection("From what was recorded to the bill", table=_bridge(answer, exact=exact))
    shown = answer.groups[:MAX_LINES_SHOWN]
    if shown:
        yield HandoutSection(f"By {listed_fields(answer.by)}", table=_lines_table(shown, answer, exact=exact))
    yield from note_sections(
        ("Notes", (*reconciliation_notes(answer, exact=exact), *_hidden_note(len(answer.groups) - len(shown)))),
        ("Warnings", answer.warnings),
        ("Assumptions", answer.assumptions),
    )


def listed_fields(names: tuple[str, ...]) -> str:
    """The fields of lines in words."""
    titles = [FIELD_TITLES.get(name, name) for name in names]
    return " and ".join([", ".join(titles[:-1]), titles[-1]] if len(titles) > 1 else titles)


def _bridge(answer: Reconciliation, *, exact: bool) -> HandoutTable:
    amounts = [answer.recorded, *(total.amount for total in answer.causes), answer.unexplained, answer.face]
    decimals = 12 if exact else max(2, column_decimals(amounts))
    rows: tuple[tuple[HandoutCell, ...], ...] = (
        ("recorded", "", _cell(answer.recorded, decimals)),
        *((_cause_text(total, answer), _day_count(total), _signed_cell(total.amount, decimals)) for total in answer.causes),
        ("not explained", "", _cell(answer.unexplained, decimals)),
        ("billed", "", _face_cell(answer, decimals)),
    )
    return HandoutTable(("", "days", "amount"), rows, main_columns=(2,))


def _cause_text(total: CauseSum, answer: Reconciliation) -> str:
    """A cause, where it was seen, and what shows it."""
    detail = total.cause.detail
    return f"{total.cause.title}{_place_text(total, answer)}{': ' if detail else ''}{detail}"


def _place_text(total: CauseSum, answer: Reconciliation) -> str:
    """The models and the accounts that a cause concerns; nothing if it concerns all that are compared."""
    models, accounts = _some_models(total, answer), _some_accounts(total, answer)
    place = ", ".join(models) + (" in " if accounts else "") + ", ".join(accounts)
    return f", {place.strip()}" if place else ""


def _some_models(total: CauseSum, answer: Reconciliation) -> list[str]:
    names = _short_model_names(answer)
    metered = {line.model for line in answer.lines if line.meter}
    models = sorted(names[model] for model in total.models & metered)
    return [] if len(models) == len(metered) else _beginning(models)


def _some_accounts(total: CauseSum, answer: Reconciliation) -> list[str]:
    accounts = {line.account for line in answer.lines if line.meter and line.account}
    concerned = sorted(total.accounts & accounts)
    return [] if len(concerned) == len(accounts) else _beginning(concerned)


def _beginning(names: list[str]) -> list[str]:
    """The first names, and how many others there are."""
    others = len(names) - MAX_NAMES_SHOWN
    return [*names[:MAX_NAMES_SHOWN], *([f"{others} more"] if others > 0 else [])]


def where_text(total: CauseSum) -> str:
    """On which days a cause was seen, of which models."""
    names = sorted(name for name in total.models if name and name != total.cause.detail)
    others = len(names) - MAX_NAMES_SHOWN
    models = ", ".join(names[:MAX_NAMES_SHOWN]) + (f" and {others} more" if others > 0 else "")
    days = pluralize(len(total.days), "day") if total.days else ""
    return "; ".join(part for part in (models, days) if part)


def _day_count(total: CauseSum) -> str:
    return f"{len(total.days)}" if total.days else ""


def _short_model_names(answer: Reconciliation) -> dict[str, str]:
    """Names of the models to show: without the day of the version, unless two of them would then be alike.

    >>> VERSION_DAY.sub("", "gpt-realtime-2-2026-05-06")
    'gpt-realtime-2'
    """
    models = {line.model for line in answer.lines}
    short = {model: VERSION_DAY.sub("", model) for model in models}
    counts = Counter(short.values())
    return {model: name if counts[name] == 1 else model for model, name in short.items()}


def _lines_table(groups: list[LineGroup], answer: Reconciliation, *, exact: bool) -> HandoutTable:
    """The groups of lines: by meter with their quantities, otherwise with the causes of the difference."""
    amounts = [amount for group in groups for amount in (group.recorded_amount, group.billed_amount, group.difference)]
    decimals = 12 if exact else max(2, column_decimals(amounts))
    names = _short_model_names(answer)
    has_meter = "meter" in answer.by
    quantities, causes = (("recorded", "billed", "more"), ()) if has_meter else ((), ("why",))
    columns = ("", *quantities, "cost", "charge", "more", *causes)
    return HandoutTable(
        columns,
        tuple(_line_row(group, answer, names, decimals) for group in groups),
        text_columns=() if has_meter else (4,),
        main_columns=(len(columns) - 1 - len(causes),),
    )


def _line_row(group: LineGroup, answer: Reconciliation, names: Mapping[str, str], decimals: int) -> tuple[HandoutCell, ...]:
    texts = [key_text(name, value, answer) for name, value in zip(answer.by, group.keys, strict=True)]
    keys = [names[text] if name == "model" else text for name, text in zip(answer.by, texts, strict=True)]
    amounts = (
        _cell(group.recorded_amount, decimals),
        _cell(group.billed_amount, decimals),
        _signed_cell(group.difference, decimals),
    )
    if "meter" in answer.by:
        return (_joined(keys), *_quantity_cells(group, answer), *amounts)
    return (_joined(keys), *amounts, why_text(group))


def _joined(keys: list[str]) -> str:
    return " · ".join(filter(None, keys))


def _quantity_cells(group: LineGroup, answer: Reconciliation) -> tuple[str, str, str]:
    """What was recorded, what was billed and the difference, if the group is of one meter."""
    if not group.keys[answer.by.index("meter")]:
        return ("", "", "")
    return (f"{group.recorded:,}", f"{round(group.billed):,}", f"{round(group.billed - group.recorded):+,}")


def why_text(group: LineGroup) -> str:
    """The causes of the difference of a group of lines, in short, and whether a part has none."""
    names = [_short_text(cause) for cause, amount in group.parts.items() if amount]
    rest = ["not explained"] if abs(Fraction(group.unexplained)) >= LEAST_NAMED else []
    return ", ".join((*names, *rest))


def _short_text(cause: Cause) -> str:
    """The names of a cause, as the table of causes explains them."""
    return " or ".join(name.replace("-", " ") for name in cause.names)


def key_text(name: str, value: object, answer: Reconciliation) -> str:
    """The value of a field of lines in words."""
    if name == "meter" and value in answer.prices.meters:
        return answer.prices.meters[str(value)].label
    return "" if value is None else str(value)


def reconciliation_notes(answer: Reconciliation, *, exact: bool = False) -> Iterator[str]:
    """What is beside the sum: usage on other days, and what is not compared."""
    show = format_exact if exact else format_amount
    moved = next((total for total in answer.causes if total.cause.names == ("day-boundary",)), None)
    if moved is not None:
        yield f"{show(Fraction(moved.moved) / 2)} of usage is on another day of the bill than in UTC"
    if answer.elsewhere:
        yield f"{show(answer.elsewhere)} recorded on these days at providers that are not on the bill is not compared"


def _hidden_note(hidden: int) -> Iterator[str]:
    if hidden > 0:
        yield f"{pluralize(hidden, 'more line')}: JSON and CSV have all"


def _cell(amount: Amount, decimals: int) -> HandoutAmount:
    return HandoutAmount(format_dollars(amount), format_in_column(amount, decimals))


def _face_cell(answer: Reconciliation, decimals: int) -> HandoutAmount:
    """The sum of a bill in its own currency."""
    cell = _cell(answer.face, decimals)
    return cell if answer.currency == "USD" else cell._replace(text=cell.text.replace("$", f"{answer.currency} "))


def _signed_cell(amount: Amount, decimals: int) -> HandoutAmount:
    cell = _cell(amount, decimals)
    return cell._replace(text=f"+{cell.text}") if amount > 0 and cell.text.startswith("$") else cell


def _record(group: LineGroup, by: tuple[str, ...]) -> tuple[CsvCell, ...]:
    keys = dict(zip(by, group.keys, strict=True))
    cells = (None if keys.get(name) is None else str(keys[name]) for name in ("day", "account", "model", "meter"))
    quantities: tuple[CsvCell, ...] = (group.recorded, str(round(group.billed))) if keys.get("meter") else (None, None)
    amounts = (format_dollars(amount) for amount in (group.recorded_amount, group.billed_amount, group.difference))
    causes = " ".join("/".join(cause.names) for cause, amount in group.parts.items() if amount)
    return (*cells, *quantities, *amounts, causes, format_dollars(group.unexplained))
