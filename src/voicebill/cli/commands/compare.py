"""Define `voicebill compare`: the cost of one plan with every offer and stack."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from voicebill.answers.catalog.facts import Facts
from voicebill.answers.catalog.stacks import Stack, restrict_stacks
from voicebill.answers.comparison.alternatives import ANY_PIPELINE, Alternatives, alternatives, cheapest_pipelines
from voicebill.answers.comparison.break_even import AXES, BreakEvenCurve, break_even, parse_range, select_alternatives, sweep
from voicebill.answers.comparison.choices import ComparisonChoices
from voicebill.answers.comparison.compare import Comparison, OfferEstimate, available_offers_matching, compare, compare_plans
from voicebill.answers.estimates.calculator_bridge import CalculatorBridge, bridge, is_counted
from voicebill.answers.parameters.inputs import CALL_VOLUME, COMPARISON, CONNECTION_COSTS, PLAN, SELECTION
from voicebill.answers.parameters.read_inputs import read_inputs
from voicebill.answers.parameters.request import EstimateRequest
from voicebill.answers.parsing import quantities
from voicebill.answers.reports.comparison_cells import bridge_subtotals
from voicebill.billing.errors import InvalidInput, UnknownName
from voicebill.billing.offers import DEPLOYMENTS, Offer
from voicebill.billing.sku_periods import normalize_name
from voicebill.charts.kinds import COMPARISON_CHARTS
from voicebill.charts.themes import Theme
from voicebill.cli.display import terminal
from voicebill.cli.display.alternatives import print_alternatives, print_break_even, print_pipelines
from voicebill.cli.options.inputs import takes_inputs
from voicebill.cli.options.request import read_plan_file, takes_request
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
    named_parser,
    option,
    parse_theme,
    require_chart_file,
)

RANKING_PANEL = "Break-even"
AXIS_CHOICES = (*AXES, "none")


COMPARE_REQUEST = {**PLAN, **CALL_VOLUME, "day": SELECTION["day"], "rules": SELECTION["rules"], **CONNECTION_COSTS}


@takes_request(COMPARE_REQUEST, COMPARISON)
@takes_inputs("comparison_table", COMPARISON)
def compare_command(
    *,
    request: EstimateRequest,
    facts: Facts,
    comparison_table: dict[str, Any],
    model: Annotated[
        list[str] | None,
        option("--model", "Only this model. Repeatable. (default: all available)", SELECTION_PANEL, metavar="NAME"),
    ] = None,
    provider: Annotated[
        str | None, option("--provider", "Only this provider's offers.", SELECTION_PANEL, metavar="NAME")
    ] = None,
    deployment: Annotated[
        str | None,
        option("--deployment", "Only this deployment.", SELECTION_PANEL, choice_parser(*DEPLOYMENTS), "NAME"),
    ] = None,
    against: Annotated[
        Path | None,
        option(
            "--against",
            "Compare with a second plan file.",
            SELECTION_PANEL,
            metavar="FILE",
        ),
    ] = None,
    stack: Annotated[
        list[str] | None,
        option(
            "--stack", "Only this stack in addition to the offers. Repeatable. (default: all)", SELECTION_PANEL, metavar="NAME"
        ),
    ] = None,
    pipelines: Annotated[
        int | None,
        option(
            "--pipelines",
            "Show this many of the cheapest possible pipelines.",
            SELECTION_PANEL,
            quantities.parse_count,
            "COUNT",
        ),
    ] = None,
    axis_names: Annotated[
        list[str] | None,
        option(
            "--break-even",
            "Axis of the break-even: minutes, turns, speech, volume, or none. (default: all that apply)",
            RANKING_PANEL,
            metavar="NAME",
        ),
    ] = None,
    alternative_names: Annotated[
        list[str] | None,
        option(
            "--alternative",
            "Stack name or offer id to compare; at least two. (default: the cheapest of each kind)",
            RANKING_PANEL,
            metavar="NAME",
        ),
    ] = None,
    range_text: Annotated[
        str | None,
        option("--range", "Range of the axis, such as 1:60; requires one --break-even.", RANKING_PANEL, metavar="LOW:HIGH"),
    ] = None,
    with_calculator: Annotated[
        bool,
        typer.Option(
            "--calculator",
            help="Explain the difference from a simple web calculator, step by step.",
            rich_help_panel=SELECTION_PANEL,
        ),
    ] = False,
    chart_file: ChartFileOption = None,
    chart: Annotated[
        str,
        option(
            "--chart",
            f"Which: {', '.join(COMPARISON_CHARTS)}. (default: {COMPARISON_CHARTS[0]})",
            CHART_PANEL,
            choice_parser(*COMPARISON_CHARTS),
            "NAME",
        ),
    ] = COMPARISON_CHARTS[0],
    width: ChartWidthOption = None,
    theme: ThemeOption = DEFAULT_THEME,
    out_file: Annotated[
        Path | None,
        option("--out", "Write the comparison to hand out to this .md, .csv or .html file.", SELECTION_PANEL, metavar="FILE"),
    ] = None,
    exact: ExactOption = False,
    as_json: JsonOption = False,
) -> None:
    """Compare the cost of one plan with all alternatives: realtime models, pipelines, live models and text chat.

    \b
        voicebill compare --minutes 6 --turns 15 --conversations 30000/month
        voicebill compare --minutes 6 --turns 15 --model gpt-realtime-mini
        voicebill compare --minutes 6 --turns 20 --break-even minutes --range 1:60 \\
            --alternative gpt-live-1.1 --alternative openai/gpt-realtime-1.5
        voicebill compare --minutes 6 --turns 20 --pipelines 20
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    require_chart_file(chart_file, width=width is not None, theme=theme != DEFAULT_THEME, chart=chart != COMPARISON_CHARTS[0])
    plan, conversations, lengths, connection_costs = request.plan, request.volume, request.lengths, request.connection_costs
    effective_day = request.selection.day
    provider = None if provider is None else normalize_name(provider)
    offers = available_offers_matching(facts.prices, effective_day, model or (), provider, deployment)
    selection = replace(request.selection, model="")
    choices = ComparisonChoices(**read_inputs(comparison_table, COMPARISON))
    include_ending = choices.include_ending
    answer = compare(plan, offers, selection, facts, conversations, lengths=lengths, include_ending=include_ending)
    stacks = [] if model and not stack else _stacks(facts, stack, provider, deployment)
    priced_alternatives = alternatives(
        answer,
        plan,
        selection,
        facts,
        conversations,
        stacks=choices.stacks(stacks),
        lengths=lengths,
        connection_costs=connection_costs,
        include_ending=include_ending,
    ).of_kind(choices.kind)
    curves = _break_even_curves(priced_alternatives, axis_names, alternative_names, range_text)
    requirements = replace(ANY_PIPELINE, provider=provider, deployment=deployment)
    max_pipelines = None if pipelines is None else _at_least_one("--pipelines", pipelines)
    pipeline_result = (
        None
        if max_pipelines is None
        else cheapest_pipelines(
            plan, selection, facts, max_pipelines, conversations, requirements=requirements, include_ending=include_ending
        )
    )
    second_plan = None if against is None else read_plan_file(against).plan
    second_comparison = (
        None
        if second_plan is None
        else compare(second_plan, offers, selection, facts, conversations, lengths=lengths, include_ending=include_ending)
    )
    cheapest = _cheapest_confirmed(answer, facts)
    bridge_result = bridge(plan, cheapest.answer.model.selection, facts) if with_calculator and cheapest.answer else None
    if chart_file:
        chart_theme = parse_theme(theme, width)
        _draw(answer, curves, chart_file, chart=chart, day=effective_day, digest=facts.prices.digest, theme=chart_theme)
    if out_file:
        from voicebill.answers.reports.comparison_handout import comparison_handout  # noqa: PLC0415 - most runs write no file
        from voicebill.cli.display.table_files import write_handout  # noqa: PLC0415

        write_handout(comparison_handout(priced_alternatives, selection, facts, exact=exact), out_file)
    if as_json:
        from voicebill.answers.reports.comparison import ComparisonReport  # noqa: PLC0415 - only for JSON: reports cost start-up time

        report = ComparisonReport.of(answer, priced_alternatives, curves, facts, effective_day)
        terminal.print_json(report.with_extras(pipelines=pipeline_result, calculator=bridge_result, against=second_comparison))
        return
    out = terminal.console(exact=exact)
    print_alternatives(priced_alternatives, effective_day, facts, out)
    print_break_even(curves, out)
    if pipeline_result:
        print_pipelines(*pipeline_result, out)
    if second_comparison:
        print_comparison(answer, second_comparison, out)
    if bridge_result:
        print_calculator_bridge(bridge_result, cheapest.offer, out)


def _cheapest_confirmed(answer: Comparison, facts: Facts) -> OfferEstimate:
    """Of the models that the calculator knows, the cheapest that is known to be available; if there is none, of all."""
    counted = [row for row in answer.candidates if is_counted(row.offer, facts)] or answer.candidates
    return next((row for row in counted if not row.availability_unconfirmed), counted[0])


def _draw(
    answer: Comparison, curves: tuple[BreakEvenCurve, ...], file: Path, *, chart: str, day: date, digest: str, theme: Theme
) -> None:
    from voicebill.charts import draw  # noqa: PLC0415 - most runs draw nothing

    if chart == "offers":
        draw.save(draw.offers_chart(answer, theme), file)
    elif curves:
        draw.save(draw.break_even_chart(curves[0], day, digest, theme), file)
    else:
        raise InvalidInput("there is no ranking to draw: give an axis (--break-even) and two alternatives (--alternative)")


def _stacks(facts: Facts, names: list[str] | None, provider: str | None, deployment: str | None) -> list[Stack]:
    """The stacks with these names, or all stacks, restricted to a provider and a deployment if they are given.

    A stack that requires another provider or deployment is left out.

    Raises:
        UnknownName: there is no stack with a name.
    """
    stacks = {stack.name: stack for stack in facts.stacks}
    for name in names or ():
        if name not in stacks:
            raise UnknownName("stack", name, stacks)
    selected = [stacks[name] for name in dict.fromkeys(names)] if names else list(facts.stacks)
    return restrict_stacks(selected, provider, deployment)


def _break_even_curves(
    priced_alternatives: Alternatives, axis_names: list[str] | None, alternative_names: list[str] | None, range_text: str | None
) -> tuple[BreakEvenCurve, ...]:
    """Break-even on the selected axes, or on all that apply.

    Raises:
        InvalidInput: a range is given without exactly one axis, or there are fewer than two alternatives.
    """
    volume_axis = (
        ("volume",) if any(alternative.fixed_monthly_fee for alternative in priced_alternatives.conversational) else ()
    )
    axes = [
        named_parser("--break-even", choice_parser(*AXIS_CHOICES))(name)
        for name in axis_names or ("minutes", "turns", "speech", *volume_axis)
    ]
    if range_text is not None and (axis_names is None or len(axes) != 1 or axes[0] == "none"):
        raise InvalidInput("--range needs one --break-even that says of what")
    if "none" in axes:
        return ()
    selected = select_alternatives(priced_alternatives, alternative_names or ())
    if len({alternative.name for alternative in selected}) < 2:
        if alternative_names or axis_names:
            raise InvalidInput("a break-even needs two different alternatives: name both with --alternative")
        return ()
    if range_text is not None:
        axis = next(axis for axis in AXES if axis == axes[0])
        return (
            break_even(
                selected, priced_alternatives.plan, named_parser("--range", lambda text: parse_range(axis, text))(range_text)
            ),
        )
    return sweep(selected, priced_alternatives.plan, [axis for axis in AXES if axis in axes], priced_alternatives.volume)


def _at_least_one(name: str, number: int) -> int:
    if number < 1:
        raise InvalidInput(f"{name} must be at least 1, not {number}")
    return number


def print_comparison(comparison: Comparison, second_comparison: Comparison, out: Console) -> None:
    """Print the expected costs of two plans and their difference, offer by offer."""
    out.print()
    out.print(terminal.heading("The first and the second plan (expected, per conversation)"))
    table = terminal.table("", "first", "second", "difference", "ratio")
    for row in compare_plans(comparison, second_comparison):
        table.add_row(
            f"{row.offer.provider} {row.offer.model} {row.offer.deployment}",
            terminal.AmountCell(row.first),
            terminal.AmountCell(row.second),
            terminal.AmountCell(row.difference, signed=True),
            "-" if row.ratio is None else f"{float(row.ratio):.2f}",
        )
    out.print(terminal.indent(table))


def print_calculator_bridge(bridge_result: CalculatorBridge, offer: Offer, out: Console) -> None:
    """Print the steps from the web calculator's amount to voicebill's."""
    out.print()
    out.print(terminal.heading(f"The original web calculator's arithmetic at the prices of {offer.id}, and ours (expected)"))
    table = terminal.table("", "difference", "subtotal")
    table.add_row("web calculator of June 2026", "", terminal.AmountCell(bridge_result.calculator))
    for step, subtotal in bridge_subtotals(bridge_result):
        table.add_row(step.label, terminal.AmountCell(step.delta, signed=True), terminal.AmountCell(subtotal))
    out.print(terminal.indent(table))
