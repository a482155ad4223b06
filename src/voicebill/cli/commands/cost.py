"""Define `voicebill cost`: the actual cost of conversations, from usage logs or a ledger."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from voicebill.answers.invoices.chargeback import Markup
from voicebill.answers.invoices.focus import FOCUS_VERSIONS, focus_columns, focus_rows
from voicebill.answers.invoices.usage_charges import OWNER_FIELDS, UsageCharge, sessions_by_tenant, usage_charges
from voicebill.answers.parameters.inputs import LOG_QUERY, QUERY
from voicebill.answers.parameters.read_inputs import read_inputs
from voicebill.answers.parsing.quantities import pluralize
from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.engine import Engine
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.recorded.result import Cost, CostGroup, CostLine, PerCall, UnpricedLine
from voicebill.answers.reports.chart_data import NOT_NAMED
from voicebill.answers.reports.statement import statement_handout
from voicebill.answers.reports.table_cells import amount_status, format_quantity_range
from voicebill.billing.money import Amount, format_exact
from voicebill.cli.display import terminal
from voicebill.cli.display.table_files import (
    require_handout_file,
    require_table_file,
    write_focus,
    write_handout,
    write_table,
)
from voicebill.cli.options.chargeback import (
    FOCUS_FORMAT,
    Chargeback,
    FocusVersionOption,
    IssuerOption,
    MarkupOption,
    ShowMarkupOption,
    StatementOption,
)
from voicebill.cli.options.engines import DEFAULT_MASTER, ENGINES, MasterOption, engine_of_input, engine_option
from voicebill.cli.options.inputs import takes_inputs
from voicebill.cli.options.logs import LogInput, MemoryOption, takes_logs
from voicebill.cli.options.shared import (
    DEFAULT_THEME,
    ChartFileOption,
    ChartWidthOption,
    ExactOption,
    JsonOption,
    PricesOption,
    ThemeOption,
    home_files,
    option,
    parse_theme,
    require_chart_file,
)
from voicebill.facts import load_facts

if TYPE_CHECKING:
    from voicebill.logs.report import ReadReport

TextRow = tuple[str, ...]
AMOUNT_SUFFIXES = {"partial": " + unpriced usage", "nothing": ", nothing counted"}
"""The suffix of an amount by status, if some usage of its group has no price or nothing was counted."""

MAX_GROUPS_SHOWN = 40
"""The maximum number of groups that are printed; files and JSON have all of them."""

MAX_UNPRICED_SHOWN = 40
"""The maximum number of quantities without a price that are printed; JSON has all of them."""


@takes_logs
@takes_inputs("query_table", LOG_QUERY)
def cost_command(
    *,
    log_input: LogInput,
    query_table: dict[str, Any],
    calls: Annotated[
        bool, typer.Option("--calls/--no-calls", help="Show the cost per call, in percentiles.", rich_help_panel=QUERY)
    ] = True,
    prices: PricesOption = None,
    out: Annotated[
        Path | None,
        option("--out", "Write the groups, or the bill's lines, to this .csv or .parquet file.", QUERY, metavar="FILE"),
    ] = None,
    focus_version: FocusVersionOption = None,
    statement: StatementOption = None,
    markup: MarkupOption = None,
    issuer: IssuerOption = None,
    show_markup: ShowMarkupOption = False,
    engine: Annotated[str, engine_option(*ENGINES)] = "duckdb",
    master: MasterOption = DEFAULT_MASTER,
    memory: MemoryOption = None,
    chart_file: ChartFileOption = None,
    width: ChartWidthOption = None,
    theme: ThemeOption = DEFAULT_THEME,
    exact: ExactOption = False,
    as_json: JsonOption = False,
) -> None:
    """Calculate the actual cost of conversations from usage logs or a ledger.

    \b
    A log, its bill, and by customer:
        voicebill cost docs/examples/support-day.jsonl
        voicebill cost docs/examples/support-day.jsonl --by tenant
        voicebill cost --ledger ledger --by day,model --since 2026-11-01
        voicebill cost docs/examples/support-day.jsonl --format focus --out focus.csv
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    require_chart_file(chart_file, width=width is not None, theme=theme != DEFAULT_THEME)
    if log_input.format == FOCUS_FORMAT:
        log_input, focus_version = replace(log_input, format=None), focus_version or FOCUS_VERSIONS[-1]
    chargeback = Chargeback.of(focus=focus_version, statement=statement, markup=markup, issuer=issuer, shows_markup=show_markup)
    if chargeback.version is not None:
        require_table_file(out, "a FOCUS file")
    require_handout_file(statement, "--statement")
    query_values = read_inputs(query_table, LOG_QUERY)
    price_book = load_facts(*home_files(), *(prices or ())).prices
    query = CostQuery.of({**query_values, **log_input.defaults}, price_book, calls=calls)
    with engine_of_input(log_input, price_book, engine, master=master, memory=memory) as (cost_engine, report, unread):
        answer = cost(cost_engine, query, price_book, unread_usage=unread)
        if chargeback.version is not None and out is not None:
            _write_focus(cost_engine, answer, chargeback, out)
        if chargeback.statement is not None:
            _write_statement(cost_engine, answer, chargeback, chargeback.statement)
    if out is not None and chargeback.version is None:
        write_table(answer, out)
    if chart_file is not None:
        from voicebill.charts import draw  # noqa: PLC0415 - most runs draw nothing

        draw.save(draw.costs_chart(answer, parse_theme(theme, width)), chart_file)
    if as_json:
        _print_json(answer, report)
    else:
        print_cost(answer, report, terminal.console(exact=exact))
    log_input.exit_if_incomplete(unread)


def _write_focus(engine: Engine, answer: Cost, chargeback: Chargeback, file: Path) -> None:
    """Write the charges of an answer as FOCUS, and say on standard error what is not in the file."""
    assert chargeback.version is not None
    by = answer.query.by or OWNER_FIELDS
    owners = by if chargeback.markup.is_zero or "tenant" in by else (*by, "tenant")
    charges = usage_charges(engine, replace(answer.query, by=owners), answer.prices)
    markup, issuer = chargeback.markup, chargeback.issuer
    rows = list(focus_rows(charges, chargeback.version, answer.prices, markup=markup, issuer=issuer))
    write_focus(focus_columns(chargeback.version), rows, file)
    _report_omissions(answer, file, charges, markup)


def _write_statement(engine: Engine, answer: Cost, chargeback: Chargeback, file: Path) -> None:
    """Write what each tenant is charged, and say on standard error what is not in the file."""
    charges = usage_charges(engine, replace(answer.query, by=("tenant",), top=None), answer.prices)
    calls = sessions_by_tenant(engine, answer.query, answer.prices)
    handout = statement_handout(
        charges, calls, markup=chargeback.markup, issuer=chargeback.issuer, shows_markup=chargeback.shows_markup
    )
    write_handout(handout, file)
    _report_omissions(answer, file, charges, chargeback.markup)


def _report_omissions(answer: Cost, file: Path, charges: Sequence[UsageCharge], markup: Markup) -> None:
    """Say what a file of charges lacks or lowers, and which tenants of the markup are not in it."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    for sentence in _omissions(answer):
        console.print(Text(f"{file.name} {sentence}"))
    tenants = {charge.owners.get("tenant") for charge in charges}
    for tenant in markup.by_tenant:
        if tenant not in tenants:
            console.print(Text(f"{file.name} has no charge of {tenant}, whose markup is given"))


def _omissions(answer: Cost) -> Iterator[str]:
    if answer.unpriced:
        unpriced, records = answer.total.unpriced, pluralize(answer.counts.unpriced, "record")
        quantities = f"{unpriced:,} {'quantity' if unpriced == 1 else 'quantities'}"
        yield f"lacks {quantities} without a price, of {records}: its total is a part of the cost"
    if answer.total.low != answer.total.high:
        yield "has the lowest reading of ambiguous counts: its total is the lower end of the range"
    if answer.unread_usage:
        yield "lacks usage that was not read"


def _print_json(answer: Cost, report: "ReadReport | None") -> None:
    """Print costs as JSON; without what was read for a ledger, where that was reported when it was recorded."""
    from voicebill.answers.reports.cost import CostReport  # noqa: PLC0415 - only for JSON: reports cost start-up time

    if report is None:
        terminal.print_json(CostReport.of(answer))
        return
    from voicebill.logs.report_text import log_input_report  # noqa: PLC0415 - logs are read by an extra

    terminal.print_json(CostReport.of(answer, log_input_report(report)))


def print_cost(answer: Cost, report: "ReadReport | None", out: Console) -> None:
    """Print a cost report, with the report on reading the logs if there is one."""
    warnings = list(dict.fromkeys([*answer.warnings[: bool(answer.unread_usage)], *_notes(report), *answer.warnings]))
    for part in (
        *_heading(answer, report),
        "",
        terminal.heading(_total_line(answer)),
        *(_groups(answer) if answer.query.by else _bill(answer.lines)),
        *_unpriced(answer.unpriced, answer),
        *_calls(answer.per_call, partly=bool(answer.unpriced)),
        *_share_sentences(answer),
        *terminal.notes("Warnings", warnings, style="yellow"),
        *terminal.notes("Assumptions", answer.assumptions),
        "",
        Text(f"prices {answer.prices.digest}", style="dim"),
    ):
        out.print(part)


def _notes(report: "ReadReport | None") -> Iterator[str]:
    if report is not None:
        from voicebill.logs.report_text import report_notes  # noqa: PLC0415 - reading logs needs an extra

        yield from report_notes(report)


def _heading(answer: Cost, report: "ReadReport | None") -> Iterator[str]:
    counts = answer.counts
    if report is None:
        yield f"{pluralize(counts.records, 'record')} in the ledger, of which"
    else:
        files = pluralize(len(report.sources), "file")
        yield f"{pluralize(report.records, 'record')} read from {files}, of which"
    parts = [f"{counts.billed:,} billed"]
    parts += [f"{report.repeated:,} repeated"] if report else []
    parts += [f"{counts.without_usage:,} without usage", f"{counts.unpriced:,} unpriced"]
    not_selected = report.records - report.repeated - counts.records if report else 0
    parts += [f"{not_selected:,} outside the filter"] if not_selected else []
    yield f"  {', '.join(parts)};"
    unreadable = f"; {pluralize(report.error_count, 'unreadable line')}" if report and report.error_count else ""
    yield f"  {counts.ambiguous:,} ambiguous and {counts.inconsistent:,} inconsistent token counts{unreadable}"


def _total_line(answer: Cost) -> str:
    days = (
        ""
        if answer.first is None
        else f" on {answer.first}"
        if answer.first == answer.last
        else f" from {answer.first} to {answer.last}"
    )
    total = answer.total
    records_text = f"{pluralize(total.records, 'record')}{days}"
    unread = " + usage that was not read" if answer.unread_usage else ""
    if total.records == answer.counts.without_usage:
        nothing = "no usage was read" if unread else "no usage was reported" if total.records else "nothing to cost"
        return f"{records_text}: {nothing}{', although the logs show some' if unread else ''}"
    text = f"{records_text}: {_format_group_amount(total)}{unread}"
    if total.disputed and total.low is not None and total.high is not None:
        text += f" (disputed prices: {_format_range(*total.disputed)})"
    return text


def _format_group_amount(group: CostGroup) -> str:
    if group.low is None or group.high is None:
        return "unpriced"
    return f"{_format_range(group.low, group.high)}{AMOUNT_SUFFIXES.get(amount_status(group), '')}"


def _group_cell(group: CostGroup) -> terminal.Cell:
    if group.low is None or group.high is None:
        return "unpriced"
    return terminal.AmountCell(group.low, group.high, AMOUNT_SUFFIXES.get(amount_status(group), ""))


def _exact_range(low: Amount, high: Amount) -> str:
    """An amount, or a range of two, with all digits."""
    return format_exact(low) if low == high else f"{format_exact(low)} to {format_exact(high)}"


def _format_range(low: Amount, high: Amount) -> str:
    """An amount, or a range of two; with all digits if the two would look the same when rounded."""
    low, high = sorted((low, high))
    if low == high:
        return terminal.amount_text(low)
    text = f"{terminal.amount_text(low)} to {terminal.amount_text(high)}"
    return text if terminal.amount_text(low) != terminal.amount_text(high) else f"{format_exact(low)} to {format_exact(high)}"


def _groups(answer: Cost) -> Iterator[Any]:
    fields = answer.query.by
    table = terminal.table(*fields, "records", "amount", left=len(fields))
    for group in answer.groups[:MAX_GROUPS_SHOWN]:
        table.add_row(*(_format_key(key) for key in group.keys), f"{group.records:,}", _group_cell(group))
    if answer.remainder:
        table.add_row(
            "all other groups", *[""] * (len(fields) - 1), f"{answer.remainder.records:,}", _group_cell(answer.remainder)
        )
    yield ""
    yield terminal.indent(table)
    if len(answer.groups) > MAX_GROUPS_SHOWN:
        hidden = len(answer.groups) - MAX_GROUPS_SHOWN
        yield f"  and {hidden:,} more groups: --top shows the most expensive, --out FILE writes all"


def _format_key(key: object) -> Text:
    return Text(NOT_NAMED if key is None else str(key), style="dim" if key is None else "")


def _bill(lines: Sequence[CostLine]) -> Iterator[Any]:
    rows: dict[str, list[TextRow]] = {}
    for line in lines:
        assert line.period.quote is not None
        section = f"{line.period.quote.offer.id}, at prices since {line.period.quote.rates.row.since}"
        meter = line.line.meter
        quantity = " to ".join(meter.format_quantity(value) for value in sorted({line.line.quantity, line.high.quantity}))
        low, high = sorted((line.low_amount, line.high_amount))
        rows.setdefault(section, []).append((meter.label, quantity, str(line.line.rate), _exact_range(low, high)))
    yield from _sections("The bill", ("meter", "quantity", "rate", "amount"), rows, "dim")


def _unpriced(lines: Sequence[UnpricedLine], answer: Cost) -> Iterator[Any]:
    rows: dict[str, list[TextRow]] = {}
    for line in lines[:MAX_UNPRICED_SHOWN]:
        meter = answer.prices.meters.get(line.meter)
        quantity = format_quantity_range(line.low, line.high, line.meter, answer.prices)
        rows.setdefault(f"{line.sku}: {line.reason}", []).append((meter.label if meter else line.meter, quantity))
    yield from _sections("Unpriced usage (not in the total)", ("meter", "quantity"), rows, "yellow")
    if len(lines) > MAX_UNPRICED_SHOWN:
        yield f"  and {len(lines) - MAX_UNPRICED_SHOWN:,} more: --json has all"


def _sections(title: str, columns: TextRow, sections: Mapping[str, Sequence[TextRow]], style: str) -> Iterator[Any]:
    """A table with rows under the names of their sections, each on a line of its own; nothing without sections."""
    if not sections:
        return
    yield ""
    yield terminal.heading(title)
    table = terminal.table(*columns)
    for name, rows in sections.items():
        table.add_section(name, style)
        for row in rows:
            table.add_row(f"  {row[0]}", *row[1:])
    yield terminal.indent(table)


def _calls(calls: PerCall | None, *, partly: bool) -> Iterator[Any]:
    if calls is None:
        return
    yield ""
    without = ", without partly unpriced calls" if partly else ""
    yield terminal.heading(f"Per call ({pluralize(calls.sessions, 'call')}{without})")
    timed = "" if calls.timed == calls.sessions else f" ({pluralize(calls.timed, 'call')})"
    table = terminal.table("", "per call", *([f"per minute{timed}"] if calls.per_minute else []))
    table.add_row("mean", terminal.AmountCell(*calls.mean), *([""] if calls.per_minute else []))
    for percent, amounts in calls.percentiles.items():
        minute = [terminal.AmountCell(*calls.per_minute[percent])] if calls.per_minute else []
        table.add_row(f"p{percent}", terminal.AmountCell(*amounts), *minute)
    yield terminal.indent(table)


def _share_sentences(answer: Cost) -> Iterator[str]:
    sentences = []
    if answer.cache_hit_share_range is not None:
        percents = dict.fromkeys(f"{round(100 * share)}%" for share in answer.cache_hit_share_range)
        sentences.append(f"{' to '.join(percents)} of the voice model's input tokens came from the cache")
    if answer.repeated_input_cost_share is not None:
        sentences.append(f"{round(100 * answer.repeated_input_cost_share)}% of the cost is repeated input")
    if sentences:
        yield ""
        yield "; ".join(sentences)
