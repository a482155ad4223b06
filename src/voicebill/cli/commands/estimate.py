"""Define `voicebill estimate`: the cost of a planned conversation."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console, Group

from voicebill.answers.catalog.facts import Facts
from voicebill.answers.estimates.costing import COST_COMPONENT_LABELS
from voicebill.answers.estimates.estimate import Estimate, estimate
from voicebill.answers.parameters.inputs import ESTIMATE
from voicebill.answers.parameters.request import EstimateRequest
from voicebill.answers.parsing.quantities import parse_count, pluralize
from voicebill.answers.reports.estimate_text import amount_rows, call_mix_lines, models_alone_text, planning_range_text
from voicebill.answers.sensitivity.recommendations import (
    CheapestTruncation,
    Recommendation,
    cheapest_truncation,
    recommendations,
)
from voicebill.answers.sensitivity.sensitivity import Swing, sensitivity
from voicebill.billing.errors import NotAvailable
from voicebill.billing.money import Amount
from voicebill.charts.kinds import ESTIMATE_CHARTS, SENSITIVITY_CHART
from voicebill.cli.display import terminal
from voicebill.cli.options.request import takes_request
from voicebill.cli.options.shared import (
    CHART_PANEL,
    DEFAULT_THEME,
    SELECTION_PANEL,
    ChartFileOption,
    ChartWidthOption,
    ExactOption,
    JsonOption,
    ThemeOption,
    choice_parser,
    option,
    parse_theme,
    require_chart_file,
    today,
)


@takes_request(ESTIMATE)
def estimate_command(
    *,
    request: EstimateRequest,
    facts: Facts,
    with_lines: Annotated[
        bool, typer.Option("--lines", help="Show the expected bill line by line.", rich_help_panel=SELECTION_PANEL)
    ] = False,
    min_remembered_turns: Annotated[
        int | None,
        option(
            "--min-remembered-turns",
            "Find the cheapest truncation that always keeps this many turns.",
            SELECTION_PANEL,
            parse_count,
            "COUNT",
        ),
    ] = None,
    chart_file: ChartFileOption = None,
    chart: Annotated[
        str,
        option(
            "--chart",
            f"Which: {', '.join((*ESTIMATE_CHARTS, SENSITIVITY_CHART))}. (default: {ESTIMATE_CHARTS[0]})",
            CHART_PANEL,
            choice_parser(*ESTIMATE_CHARTS, SENSITIVITY_CHART),
            "NAME",
        ),
    ] = ESTIMATE_CHARTS[0],
    width: ChartWidthOption = None,
    theme: ThemeOption = DEFAULT_THEME,
    with_sensitivity: Annotated[
        bool,
        typer.Option("--sensitivity", help="Sensitivity, and what would be cheaper.", rich_help_panel=SELECTION_PANEL),
    ] = False,
    out_file: Annotated[
        Path | None,
        option("--out", "Write a quote to hand out to this .md, .csv or .html file.", SELECTION_PANEL, metavar="FILE"),
    ] = None,
    exact: ExactOption = False,
    as_json: JsonOption = False,
) -> None:
    """Estimate what a planned conversation costs, with breakdown, assumptions and warnings.

    \b
    Ten minutes and twenty turns, thirty thousand times a month:
        voicebill estimate --minutes 10 --turns 20 --conversations 30000/month
    On Azure, in the Data Zone, with a prompt of 3,000 tokens:
        voicebill estimate --minutes 6 --turns 20 --provider azure \\
            --deployment data-zone --instructions-tokens 3000
    A quote to hand out, as one page that prints on paper:
        voicebill estimate --minutes 6 --turns 20 --conversations 1000/month --out quote.html
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    require_chart_file(chart_file, width=width is not None, theme=theme != DEFAULT_THEME, chart=chart != ESTIMATE_CHARTS[0])
    plan, selection = request.plan, request.selection
    answer = estimate(plan, selection, facts, request.volume, request.lengths, connection_costs=request.connection_costs)
    swings = sensitivity(plan, selection, facts) if with_sensitivity or (chart_file and chart == SENSITIVITY_CHART) else ()
    if chart_file:
        from voicebill.charts import draw  # noqa: PLC0415 - most runs draw nothing

        chart_theme = parse_theme(theme, width)
        drawing = (
            draw.sensitivity_chart(swings, answer.model, chart_theme)
            if chart == SENSITIVITY_CHART
            else draw.ESTIMATE_FUNCTIONS[chart](answer, chart_theme)
        )
        draw.save(drawing, chart_file)
    suggestions = recommendations(plan, selection, facts) if with_sensitivity else ()
    truncation = (
        None
        if min_remembered_turns is None
        else cheapest_truncation(plan, selection, facts, min_remembered_turns=min_remembered_turns)
    )
    if min_remembered_turns is not None and truncation is None:
        raise NotAvailable(f"no truncation setting that was tried remembers {min_remembered_turns:,} turns throughout")
    if out_file:
        from voicebill.answers.reports.estimate_handout import estimate_handout  # noqa: PLC0415 - most runs write no file
        from voicebill.cli.display.table_files import write_handout  # noqa: PLC0415

        write_handout(estimate_handout(answer, today(), exact=exact), out_file)
    if as_json:
        from voicebill.answers.reports.estimate import EstimateReport  # noqa: PLC0415 - only for JSON: reports cost start-up time

        report = EstimateReport.of(answer)
        report = report.with_sensitivity(answer, swings, suggestions) if with_sensitivity else report
        terminal.print_json(report.with_truncation(truncation) if truncation else report)
        return
    print_estimate(answer, terminal.console(exact=exact), with_lines=with_lines)
    if truncation:
        print_truncation(truncation, min_remembered_turns or 0, terminal.console(exact=exact))
    if with_sensitivity:
        print_sensitivity(swings, suggestions, terminal.console(exact=exact))


def print_estimate(answer: Estimate, out: Console, *, with_lines: bool = False) -> None:
    """Print an estimate."""
    plan, model = answer.plan, answer.model
    out.print(terminal.heading(terminal.selection_title(model)))
    user, assistant = plan.speech_shares
    prompt = pluralize(plan.instructions_tokens + plan.tools_tokens, "token")
    counts_instructions = model.effective_rules.rules.counts_instructions
    prompt_text = f"prompt and tools of {prompt}" if counts_instructions else "no prompt"
    out.print(
        f"{pluralize(plan.minutes, 'minute')}, {pluralize(plan.turns, 'turn')}; "
        f"the user speaks {user:.0%} of the time, the assistant {assistant:.0%}; {prompt_text}; "
        f"{pluralize(len(answer.conversation.responses), 'response')}"
    )
    out.print()
    rows = amount_rows(answer, terminal.amount_text)
    out.print(terminal.indent(terminal.scenario_table(rows)))
    for table in terminal.currency_tables(model.currency, rows):
        out.print()
        out.print(table)
    for paragraph in _explanations(answer):
        out.print()
        out.print(paragraph)
    out.print()
    out.print(terminal.heading("Cost breakdown (expected)"))
    components = [(COST_COMPONENT_LABELS[component.name], component.amount) for component in answer.breakdown]
    if answer.connection and answer.connection.has_fees:
        components.append(("connection fees", answer.connection.per_conversation))
    out.print(terminal.indent(terminal.breakdown(components, answer.total.expected)))
    if answer.connection:
        for line in terminal.connection_section(answer.connection):
            out.print(line)
    if with_lines:
        out.print()
        out.print(terminal.heading("The bill (expected)"))
        out.print(terminal.indent(terminal.bill_table(answer)))
    for note in (
        *terminal.notes("Warnings", answer.warnings, style="yellow"),
        *terminal.notes("Assumptions", answer.assumptions),
    ):
        out.print(note)
    out.print()
    out.print(terminal.footer(model.effective_rules, model.facts.prices.digest, model.quote.rates.row.checked))


def _explanations(answer: Estimate) -> Iterator[str | Group]:
    """Paragraphs about the amounts: their planning range, calls of different lengths, connection fees."""
    if answer.planning_range:
        yield planning_range_text(answer, answer.planning_range, terminal.amount_text)
    if lines := list(call_mix_lines(answer, terminal.amount_text)):
        yield Group(*lines)
    if text := models_alone_text(answer, terminal.amount_text):
        yield text


def print_truncation(cheapest: CheapestTruncation, min_remembered_turns: int, out: Console) -> None:
    """Print the cheapest truncation that always remembers a number of turns."""
    setting = cheapest.truncation
    limit = setting.post_instructions_tokens
    setting_text = (
        "no lower limit" if limit is None else f"post_instructions {limit:,} tokens, retention_ratio {setting.retention_ratio}"
    )
    out.print()
    out.print(terminal.heading(f"The cheapest truncation that always remembers {pluralize(min_remembered_turns, 'turn')}"))
    out.print(
        terminal.indent(
            f"{setting_text}: {terminal.amount_text(cheapest.expected)} expected; at least "
            f"{cheapest.remembered_turns:,} remembered"
        )
    )


def print_sensitivity(swings: Iterable[Swing], suggestions: Iterable[Recommendation], out: Console) -> None:
    """Print the sensitivity and the recommendations."""
    out.print()
    out.print(terminal.heading("Sensitivity (expected, per conversation)"))
    table = terminal.table("", "low", "change", "high", "change")
    for swing in swings:
        table.add_row(
            swing.parameter.label,
            swing.parameter.low.label,
            _format_delta(swing.low),
            swing.parameter.high.label,
            _format_delta(swing.high),
        )
    out.print(terminal.indent(table))
    out.print()
    out.print(terminal.heading("Recommendations (savings per conversation)"))
    table = terminal.table("change", "savings", "trade-off", wrapped=(2,))
    for recommendation in suggestions:
        table.add_row(recommendation.change, terminal.AmountCell(recommendation.savings), recommendation.trade_off)
    out.print(terminal.indent(table))


def _format_delta(amount: Amount | None) -> terminal.Cell:
    if amount is None:
        return "not possible"
    return terminal.AmountCell(amount, signed=True)
