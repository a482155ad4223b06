"""`voicebill ptu`: how many units of provisioned throughput a load needs, what they cost, and when that pays."""

import re
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

from rich.console import Console

from voicebill.answers.parsing import quantities
from voicebill.answers.parsing.quantities import parse_load_profile, parse_positive_number
from voicebill.answers.provisioned.commitments import CommitmentOption, PtuMix
from voicebill.answers.provisioned.ptu import size_ptus
from voicebill.answers.provisioned.request import PtuRequest
from voicebill.answers.provisioned.result import PtuSizing
from voicebill.answers.reports.table_cells import amounts_by_term, cheapest_option_text
from voicebill.billing.errors import InvalidInput
from voicebill.billing.money import Amount
from voicebill.billing.provisioned_throughput import DEPLOYMENTS
from voicebill.charts import draw
from voicebill.cli.display import terminal
from voicebill.cli.options.shared import (
    SELECTION_PANEL,
    ChartFileOption,
    ChartWidthOption,
    DayOption,
    ExactOption,
    JsonOption,
    PricesOption,
    RegionOption,
    ThemeOption,
    choice_parser,
    home_files,
    option,
    parse_theme,
    today,
)
from voicebill.facts import load_facts
from voicebill.facts.files import read_text

LOAD_PANEL = "The load"
BREAK_EVEN_NOTE = (
    "Break-even: average load around the clock, as a share of the peak, from which the units cost less than pay as you go."
)


def _parse_profile(text: str) -> tuple[Decimal, ...]:
    """Numbers as they are written, or those in a file."""
    if re.fullmatch(r"[\d.,;\s]*", text):
        return parse_load_profile(text)
    if "," in text and not Path(text).exists():
        return parse_load_profile(text)  # which says what is no number
    return parse_load_profile(read_text(Path(text)))


TextModelOption = Annotated[str, option("--model", "A text model, such as gpt-5.2.", SELECTION_PANEL, metavar="NAME")]
PtuDeploymentOption = Annotated[
    str,
    option(
        "--deployment",
        "Deployment: global, data-zone or regional. (default: global)",
        SELECTION_PANEL,
        choice_parser(*DEPLOYMENTS),
        "NAME",
    ),
]
BuyPtusOption = Annotated[
    Any,
    option(
        "--buy-ptus",
        "Number of units to buy; the rest spills over to pay as you go.",
        SELECTION_PANEL,
        quantities.parse_count,
        "COUNT",
    ),
]
PromptTokensOption = Annotated[
    Any, option("--prompt-tokens", "Input tokens of an average call.", LOAD_PANEL, quantities.parse_number, "TOKENS")
]
ResponseTokensOption = Annotated[
    Any, option("--response-tokens", "Output tokens of an average call.", LOAD_PANEL, quantities.parse_number, "TOKENS")
]
CallsPerMinuteOption = Annotated[
    Any,
    option(
        "--calls-per-minute", "Model calls in the busiest minute, such as 1,000.", LOAD_PANEL, parse_positive_number, "COUNT"
    ),
]
CacheRateOption = Annotated[
    Any,
    option(
        "--cache-rate",
        "Share of the input that is cached, 0.5 or 50%. (default: 0)",
        LOAD_PANEL,
        quantities.parse_share,
        "SHARE",
    ),
]
LoadProfileOption = Annotated[
    Any,
    option(
        "--profile",
        "The load by the hour: 24 numbers (168: a week) with commas, or a file of them. (default: always the same)",
        LOAD_PANEL,
        _parse_profile,
        "N,N,...|FILE",
    ),
]


def ptu_command(
    *,
    model: TextModelOption,
    prompt_tokens: PromptTokensOption,
    response_tokens: ResponseTokensOption,
    calls_per_minute: CallsPerMinuteOption = None,
    cache_rate: CacheRateOption = Decimal(0),
    load_profile: LoadProfileOption = None,
    buy_ptus: BuyPtusOption = None,
    deployment: PtuDeploymentOption = "global",
    region: RegionOption = None,
    day: DayOption = None,
    prices: PricesOption = None,
    chart_file: ChartFileOption = None,
    width: ChartWidthOption = None,
    theme: ThemeOption = "light",
    exact: ExactOption = False,
    as_json: JsonOption = False,
) -> None:
    """Azure provisioned throughput (PTU): how many units a load needs, what they cost, and when that pays.

    Sized by Microsoft's formula; for text models, as no realtime model is listed.

    \b
    A thousand calls a minute at the peak, half of the prompt cached:
        voicebill ptu --model gpt-5.2 --deployment data-zone \\
            --calls-per-minute 1000 --prompt-tokens 200 --response-tokens 20 --cache-rate 0.5
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    if calls_per_minute is None and load_profile is None:
        raise InvalidInput("name the load: --calls-per-minute COUNT in the busiest minute, or --profile with calls a minute")
    request = PtuRequest(
        model=model,
        day=day or today(),
        prompt_tokens=prompt_tokens,
        response_tokens=response_tokens,
        calls_per_minute=calls_per_minute,
        cache_rate=cache_rate,
        profile=load_profile or (),
        deployment=deployment,
        region=region,
        ptus=buy_ptus,
    )
    answer = size_ptus(request, load_facts(*home_files(), *(prices or ())))
    if chart_file:
        draw.save(draw.ptu_costs_chart(answer, parse_theme(theme, width)), chart_file)
    if as_json:
        terminal.print_json(answer)
        return
    print_ptu_sizing(answer, terminal.console(exact=exact))


def print_ptu_sizing(answer: PtuSizing, out: Console) -> None:
    """Print a sizing for people."""
    request, throughput = answer.request, answer.throughput
    location = ", ".join(filter(None, (request.deployment, request.region)))
    out.print(terminal.heading(f"{throughput.model} at azure, provisioned ({location}) on {request.day}"))
    input_text = f"{_format_number(request.prompt_tokens)} prompt tokens ({_format_number(100 * request.cache_rate)}% cached)"
    out.print(
        f"{_format_number(request.peak)} calls per minute at the peak, each with {input_text} and "
        f"{_format_number(request.response_tokens)} response tokens"
    )
    out.print()
    for line in _sizing(answer):
        out.print(terminal.indent(line))
    out.print()
    out.print(terminal.heading(f"What {terminal.pluralize(answer.bought, 'PTU')} cost"))
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
    """How the units come about, as the vendor's formula has it."""
    request, throughput, increments = answer.request, answer.throughput, answer.increments
    yield (
        f"{terminal.pluralize(answer.needed, 'PTU')}: {float(answer.raw_ptus):,.2f}, rounded up to a multiple of "
        f"{increments.increment}, at least {increments.minimum_deployable}"
    )
    yield (
        f"{_format_number(answer.normalized_tpm)} normalized tokens per minute: "
        f"{_format_number(request.uncached_input_tpm)} uncached input + "
        f"{throughput.output_ratio} × {_format_number(request.output_tpm)} output"
    )
    yield f"one PTU serves {throughput.input_tpm_per_ptu:,} per minute of {throughput.model}"
    bought_text = "" if answer.bought == answer.needed else f" of {terminal.pluralize(answer.bought, 'PTU')}"
    average = f", {float(answer.average_utilization):.0%} on average" if request.profile else ""
    yield f"utilization{bought_text}: {float(answer.peak_utilization):.0%} at the peak{average}"


def _monthly_cost(answer: PtuSizing) -> Iterator[Any]:
    """What the load costs a month: pay as you go, with the units that were bought, and with the cheapest number of them."""
    yield ""
    if answer.missing_reason:
        yield f"No pay-as-you-go price to compare with: {answer.missing_reason}."
        return
    yield terminal.heading(f"Monthly cost of the load ({_format_number(answer.request.average)} calls per minute on average)")
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


def _format_number(number: Decimal | Fraction) -> str:
    """A number without digits that say nothing."""
    return f"{float(number):,.10g}" if number < 1000 else f"{round(number):,}"
