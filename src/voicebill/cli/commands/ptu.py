"""Define `voicebill ptu`: the PTUs that a load needs, their cost, and the break-even utilization."""

import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from rich.console import Console

from voicebill.answers.catalog.facts import Facts
from voicebill.answers.parameters.inputs import CALL_VOLUME, PLAN, PTU, SELECTION
from voicebill.answers.parameters.ptu_schema import errors_by_input, parse_ptu_request
from voicebill.answers.parameters.read_inputs import InvalidInputs
from voicebill.answers.parameters.request import EstimateRequest
from voicebill.answers.parameters.table_schema import Issue
from voicebill.answers.parsing.quantities import pluralize
from voicebill.answers.provisioned.caveats import format_mean
from voicebill.answers.provisioned.commitments import CommitmentOption, PtuMix
from voicebill.answers.provisioned.ptu import size_ptus
from voicebill.answers.provisioned.result import PtuSizing
from voicebill.answers.reports.table_cells import amounts_by_term, cheapest_option_text
from voicebill.billing.errors import VoicebillError
from voicebill.billing.money import Amount
from voicebill.billing.validation import Number
from voicebill.cli.display import terminal
from voicebill.cli.options.inputs import takes_inputs
from voicebill.cli.options.request import takes_request
from voicebill.cli.options.shared import (
    DEFAULT_THEME,
    ChartFileOption,
    ChartWidthOption,
    ExactOption,
    JsonOption,
    ThemeOption,
    parse_theme,
    require_chart_file,
    today,
)
from voicebill.facts.files import read_text

BREAK_EVEN_NOTE = (
    "Break-even: average load around the clock, as a share of the peak, from which the units cost less than pay as you go."
)


def _profile_text(text: str) -> str:
    """A load profile as it is given, or as it is in the file of that name."""
    is_numbers = re.fullmatch(r"[\d.,;\s]*", text) or ("," in text and not Path(text).exists())
    try:
        return text if is_numbers else read_text(Path(text))
    except VoicebillError as error:
        raise error.at("profile") from None


PLAN_OPTIONS = {
    name: replace(row, is_required=False, default_text="no plan") if row.is_required else row
    for name, row in {**PLAN, **CALL_VOLUME, "rules": SELECTION["rules"]}.items()
}
PTU_OPTIONS = {name: row for name, row in PTU.items() if name != "plan"} | {
    "profile": replace(PTU["profile"], help=f"{PTU['profile'].help}, or a file with them")
}

CHECKED_WITH_PLAN = {name: row for name, row in PTU_OPTIONS.items() if name != "profile"}


@takes_request(PLAN_OPTIONS, CHECKED_WITH_PLAN, file_inputs={**PLAN_OPTIONS, **SELECTION}, is_optional=True)
@takes_inputs("load", PTU_OPTIONS)
def ptu_command(
    *,
    request: EstimateRequest | None,
    facts: Facts,
    load: dict[str, Any],
    chart_file: ChartFileOption = None,
    width: ChartWidthOption = None,
    theme: ThemeOption = DEFAULT_THEME,
    exact: ExactOption = False,
    as_json: JsonOption = False,
) -> None:
    """Azure provisioned throughput (PTU): how many units a load needs, what they cost, and when that pays.

    Sized by Microsoft's formula; for text models, as no realtime model is listed.

    From a plan of a voice conversation, the load is that of the text model of a pipeline (STT, LLM, TTS).

    \b
    A thousand calls a minute at the peak, half of the prompt cached:
        voicebill ptu --model gpt-5.2 --deployment data-zone \\
            --calls-per-minute 1000 --prompt-tokens 200 --response-tokens 20 --cache-rate 0.5
    The text model of thirty thousand conversations a month:
        voicebill ptu --minutes 10 --turns 20 --conversations 30000/month
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    require_chart_file(chart_file, width=width is not None, theme=theme != DEFAULT_THEME)
    if "profile" in load:
        load["profile"] = _profile_text(load["profile"])
    issues: list[Issue] = []
    ptu_request = parse_ptu_request(load, today=today(), facts=facts, issues=issues, plan=request)
    if ptu_request is None:
        raise InvalidInputs(issues)
    with errors_by_input():
        answer = size_ptus(ptu_request, facts)
    if chart_file:
        from voicebill.charts import draw  # noqa: PLC0415 - most runs draw nothing

        draw.save(draw.ptu_costs_chart(answer, parse_theme(theme, width)), chart_file)
    if as_json:
        terminal.print_json(answer)
        return
    print_ptu_sizing(answer, terminal.console(exact=exact))


def print_ptu_sizing(answer: PtuSizing, out: Console) -> None:
    """Print a PTU sizing."""
    request, throughput = answer.request, answer.throughput
    location = ", ".join(filter(None, (request.deployment, request.region)))
    out.print(terminal.heading(f"{throughput.model} at azure, provisioned ({location}) on {request.day}"))
    if request.plan_load is not None:
        out.print(f"the text model of a pipeline (STT, LLM, TTS), from the plan: {request.plan_load.summary}")
    input_text = f"{_format_number(request.prompt_tokens)} prompt tokens ({_format_number(100 * request.cache_rate)}% cached)"
    out.print(
        f"{_format_number(request.peak)} calls per minute at the peak, each with {input_text} and "
        f"{_format_number(request.response_tokens)} response tokens"
    )
    out.print()
    for line in _sizing(answer):
        out.print(terminal.indent(line))
    out.print()
    out.print(terminal.heading(f"What {pluralize(answer.bought, 'PTU')} cost"))
    table = terminal.table("", "per hour", "per month", "per year", "break-even")
    for commitment_option in answer.options:
        table.add_row(
            commitment_option.commitment.label,
            *_format_terms(commitment_option.mix.provisioned),
            _break_even(commitment_option, answer),
        )
    if answer.per_call is not None:
        pay_as_you_go = answer.pay_as_you_go_cost(request.peak)
        table.add_row("pay as you go, at peak", *_format_terms(pay_as_you_go), "")
    out.print(terminal.indent(table))
    if answer.per_call is not None:
        out.print(terminal.indent(BREAK_EVEN_NOTE), style="dim")
    for line in _monthly_cost(answer):
        out.print(line)
    for note in (
        *terminal.notes("Warnings", answer.warnings, style="yellow"),
        *terminal.notes("Assumptions", answer.assumptions),
    ):
        out.print(note)
    out.print()
    checked = f"sizing checked {throughput.checked} · hours {answer.hourly.checked} ({answer.digest})"
    out.print(terminal.heading(checked), style="dim")


def _sizing(answer: PtuSizing) -> Iterator[str]:
    """Lines on how the number of PTUs is computed by the vendor's formula, and on their utilization."""
    request, throughput, increments = answer.request, answer.throughput, answer.increments
    yield (
        f"{pluralize(answer.needed, 'PTU')}: {float(answer.raw_ptus):,.2f}, rounded up to a multiple of "
        f"{increments.increment}, at least {increments.minimum_deployable}"
    )
    yield (
        f"{_format_number(answer.normalized_tpm)} normalized tokens per minute: "
        f"{_format_number(request.uncached_input_tpm)} uncached input + "
        f"{throughput.output_ratio} × {_format_number(request.output_tpm)} output"
    )
    yield f"one PTU serves {throughput.input_tpm_per_ptu:,} per minute of {throughput.model}"
    bought_text = "" if answer.bought == answer.needed else f" of {pluralize(answer.bought, 'PTU')}"
    average = f", {float(answer.average_utilization):.0%} on average" if request.profile else ""
    yield f"utilization{bought_text}: {float(answer.peak_utilization):.0%} at the peak{average}"


def _monthly_cost(answer: PtuSizing) -> Iterator[Any]:
    """A table of monthly costs: pay as you go only, the PTUs bought under each commitment, and the cheapest number of PTUs."""
    yield ""
    if answer.missing_reason:
        yield f"No pay-as-you-go price to compare with: {answer.missing_reason}."
        return
    yield terminal.heading(f"Monthly cost of the load ({format_mean(answer.request.average)} calls per minute on average)")
    table = terminal.table("", "PTUs", "spillover", "units", "pay as you go", "total")
    table.add_row("pay as you go only", "-", "-", "-", *2 * [_format_month(answer.pay_as_you_go_cost(answer.request.average))])
    for commitment_option in answer.options:
        table.add_row(commitment_option.commitment.label, *_mix_cells(commitment_option.mix))
        if (
            commitment_option.cheapest_mix is not None
            and commitment_option.cheapest_mix.ptus
            and commitment_option.cheapest_mix.ptus != commitment_option.mix.ptus
        ):
            table.add_row("  cheapest number", *_mix_cells(commitment_option.cheapest_mix))
    yield terminal.indent(table)
    yield terminal.indent(cheapest_option_text(answer))


def _mix_cells(mix: PtuMix) -> tuple[terminal.Cell, ...]:
    spills = f"{float(mix.spillover_share):.0%}" if mix.spillover_share else "-"
    return f"{mix.ptus:,}", spills, _format_month(mix.provisioned), _format_month(mix.spillover), _format_month(mix.per_hour)


def _break_even(option: CommitmentOption, answer: PtuSizing) -> str:
    if answer.per_call is None:
        return "unknown"
    if option.break_even is None or option.break_even_utilization is None:
        return "never"
    return f"{float(option.break_even_utilization):.0%} ({float(option.break_even):,.0f}/min)"


def _format_month(per_hour: Amount | None) -> terminal.Cell:
    return "unknown" if per_hour is None else terminal.AmountCell(amounts_by_term(per_hour)["month"]) if per_hour else "-"


def _format_terms(per_hour: Amount | None) -> tuple[terminal.Cell, ...]:
    if per_hour is None:
        return "unknown", "unknown", "unknown"
    return tuple(terminal.AmountCell(amount) for amount in amounts_by_term(per_hour).values())


def _format_number(number: Number | Fraction) -> str:
    """A number for display: whole from 1,000 on, else with up to ten significant digits."""
    return f"{float(number):,.10g}" if number < 1000 else f"{round(number):,}"
