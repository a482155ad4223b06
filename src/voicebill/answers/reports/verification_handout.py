"""Build the document of a comparison with other tools' amounts, which the terminal and files show."""

from collections.abc import Iterator, Sequence

from voicebill.answers.escaping import CsvCell
from voicebill.answers.invoices.verify import CauseTotal, ComparedCost, ToolTotal, Verification
from voicebill.answers.parsing.quantities import pluralize
from voicebill.answers.reports.handout import Handout, HandoutAmount, HandoutCell, HandoutSection, HandoutTable, note_sections
from voicebill.answers.reports.report import package_version
from voicebill.billing.money import Amount, column_decimals, format_amount, format_dollars, format_exact, format_in_column

VERIFICATION_BASIS = "Ours is computed from the usage in the log and published prices. The provider's invoice is authoritative."
VERIFICATION_RECORD_COLUMNS = (
    *("cause", "amounts", "records", "calls", "dollars", "reported_dollars", "difference_dollars", "examples"),
)


def verification_handout(answer: Verification, *, exact: bool = False) -> Handout:
    """The document of a comparison. Its records are the sums by cause."""
    return Handout(
        title="What other tools say these calls cost",
        summary=_summary(answer, exact=exact),
        sections=tuple(_sections(answer, exact=exact)),
        records=(VERIFICATION_RECORD_COLUMNS, *map(_record, answer.causes)),
        version=package_version(),
        basis=VERIFICATION_BASIS,
    )


def _summary(answer: Verification, *, exact: bool) -> str:
    show = format_exact if exact else format_amount
    ratio = "" if answer.ratio is None else f", {float(answer.ratio):+.1%}"
    totals = f"{show(answer.reported)} by the tools, {show(answer.ours)} by us"
    return f"{pluralize(answer.amounts, 'amount')}: {totals} ({show(answer.difference)}{ratio})."


def _sections(answer: Verification, *, exact: bool) -> Iterator[HandoutSection]:
    amounts = [amount for total in answer.causes for amount in (total.reported, total.ours, total.difference)]
    decimals = 12 if exact else column_decimals(amounts)
    yield HandoutSection("Differences by cause", table=_causes_table(answer, decimals))
    if len(answer.tools) > 1:
        yield HandoutSection("Tools", table=_tools_table(answer, decimals))
    if answer.difference:
        yield HandoutSection("Largest differences", table=_largest_table(answer, decimals))
    yield from note_sections(("Notes", _notes(answer)), ("Warnings", answer.warnings))


def _causes_table(answer: Verification, decimals: int) -> HandoutTable:
    columns = ("cause", "amounts", "calls", "tool", "ours", "difference", "such as")
    return HandoutTable(
        columns, tuple(_cause_row(total, decimals) for total in answer.causes), text_columns=(6,), main_columns=(5,)
    )


def _tools_table(answer: Verification, decimals: int) -> HandoutTable:
    columns = ("tool", "amounts", "tool's", "ours", "decimals")
    return HandoutTable(columns, tuple(_tool_row(total, decimals) for total in answer.tools))


def _largest_table(answer: Verification, decimals: int) -> HandoutTable:
    rows = tuple(_largest_row(cost, decimals) for cost in answer.largest if cost.difference)
    return HandoutTable(("where", "model", "tool", "ours", "cause"), rows, text_columns=(1, 4))


def _notes(answer: Verification) -> Iterator[str]:
    if answer.records_without_cost:
        yield f"{pluralize(answer.records_without_cost, 'record')} without an amount of a tool: in no sum"
    if answer.range_amounts:
        yield f"{pluralize(answer.range_amounts, 'amount')} beside a range, of which the nearest amount counts"
    if answer.cut_amounts:
        yield f"{pluralize(answer.cut_amounts, 'amount')} of calls of which the filter takes a part: in no sum"


def _places(places: Sequence[str]) -> str:
    """Files and lines in short: the lines of each file by its name without folders.

    >>> _places(("logs/spend.jsonl:5", "logs/spend.jsonl:3", "logs/more.jsonl:8"))
    'spend.jsonl:5, 3; more.jsonl:8'
    """
    lines: dict[str, list[str]] = {}
    for place in places:
        source, _, line = place.rpartition(":")
        lines.setdefault(source, []).append(line)
    return "; ".join(f"{source.rpartition('/')[2]}:{', '.join(numbers)}" for source, numbers in lines.items())


def _cell(amount: Amount, decimals: int) -> HandoutAmount:
    return HandoutAmount(format_dollars(amount), format_in_column(amount, decimals))


def _cause_row(total: CauseTotal, decimals: int) -> tuple[HandoutCell, ...]:
    amounts = (_cell(amount, decimals) for amount in (total.reported, total.ours, total.difference))
    return (total.text, f"{total.amounts:,}", f"{total.calls:,}", *amounts, _places(total.examples))


def _tool_row(total: ToolTotal, decimals: int) -> tuple[HandoutCell, ...]:
    return (total.tool, f"{total.amounts:,}", _cell(total.reported, decimals), _cell(total.ours, decimals), str(total.digits))


def _largest_row(cost: ComparedCost, decimals: int) -> tuple[HandoutCell, ...]:
    ours: HandoutCell = "no price" if cost.ours is None else _cell(cost.ours, decimals)
    return (_places((cost.place,)), cost.model, _cell(cost.reported, decimals), ours, cost.text)


def _record(total: CauseTotal) -> tuple[CsvCell, ...]:
    amounts = (format_dollars(amount) for amount in (total.ours, total.reported, total.difference))
    return (total.text, total.amounts, total.records, total.calls, *amounts, " ".join(total.examples))
