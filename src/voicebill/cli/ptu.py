"""`voicebill ptu`: how many units of provisioned throughput a load needs, what they cost, and when that pays."""

import re
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

from rich.console import Console

from voicebill.answers import quantities
from voicebill.answers.ptu import (
    HOURS_PER_MONTH,
    HOURS_PER_YEAR,
    Choice,
    Held,
    Ptu,
    PtuAsked,
    cheapest_way,
    more_than_none,
    profile,
    ptu,
)
from voicebill.answers.ptu_shape import ptu_shape
from voicebill.billing.errors import InvalidInput
from voicebill.billing.money import Amount, shown
from voicebill.billing.provisioned import DEPLOYMENTS
from voicebill.charts import draw
from voicebill.cli import screen
from voicebill.cli.options import (
    QUESTION,
    Json,
    OnDay,
    PlotFile,
    PlotLook,
    PlotWidth,
    PricesOption,
    Region,
    home_files,
    look_stated,
    option,
    today,
    word,
)
from voicebill.facts import load
from voicebill.facts.files import read_text

LOAD = "The load"
PAYS_FROM = (
    "Pays from: what the units must serve on average, day and night, to cost less than pay as you go; a share of the peak."
)


def _profile(said: str) -> tuple[Decimal, ...]:
    """Numbers as they are written, or those in a file."""
    if re.fullmatch(r"[\d.,;\s]*", said):
        return profile(said)
    if "," in said and not Path(said).exists():
        return profile(said)  # which says what is no number
    return profile(read_text(Path(said)))


ModelOption = Annotated[str, option("--model", "A text model, such as gpt-5.2.", QUESTION, metavar="NAME")]
DeploymentOption = Annotated[
    str,
    option("--deployment", "global, data-zone or regional. (default: global)", QUESTION, word(*DEPLOYMENTS), "NAME"),
]
PtusOption = Annotated[
    Any, option("--ptus", "Buy so many units; what does not fit goes pay as you go.", QUESTION, quantities.count, "COUNT")
]
Prompt = Annotated[Any, option("--prompt", "Tokens of an average call's input.", LOAD, quantities.number, "TOKENS")]
Response = Annotated[Any, option("--response", "Tokens of an average call's output.", LOAD, quantities.number, "TOKENS")]
CallsPerMinute = Annotated[
    Any, option("--calls-per-minute", "Model calls in the busiest minute, such as 1,000.", LOAD, more_than_none, "COUNT")
]
CacheRate = Annotated[
    Any, option("--cache-rate", "Share of the input that is cached, 0.5 or 50%. (default: 0)", LOAD, quantities.share, "SHARE")
]
ProfileOption = Annotated[
    Any,
    option(
        "--profile",
        "The load by the hour: 24 numbers (168: a week) with commas, or a file of them. (default: always the same)",
        LOAD,
        _profile,
        "N,N,...|FILE",
    ),
]


def ptu_command(
    *,
    model: ModelOption,
    prompt: Prompt,
    response: Response,
    calls_per_minute: CallsPerMinute = None,
    cache_rate: CacheRate = Decimal(0),
    by_hour: ProfileOption = None,
    ptus: PtusOption = None,
    deployment: DeploymentOption = "global",
    region: Region = None,
    day: OnDay = None,
    prices: PricesOption = None,
    plot: PlotFile = None,
    width: PlotWidth = None,
    look: PlotLook = "light",
    as_json: Json = False,
) -> None:
    """Azure provisioned throughput (PTU): how many units a load needs, what they cost, and when that pays.

    Sized by Microsoft's formula; for text models, as no realtime model is listed.

    \b
    A thousand calls a minute at the peak, half of the prompt cached:
        voicebill ptu --model gpt-5.2 --deployment data-zone \\
            --calls-per-minute 1000 --prompt 200 --response 20 --cache-rate 0.5
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    if calls_per_minute is None and by_hour is None:
        raise InvalidInput("name the load: --calls-per-minute COUNT in the busiest minute, or --profile with calls a minute")
    asked = PtuAsked(
        model=model,
        day=day or today(),
        prompt_tokens=prompt,
        response_tokens=response,
        calls_per_minute=calls_per_minute,
        cache_rate=cache_rate,
        profile=by_hour or (),
        deployment=deployment,
        region=region,
        ptus=ptus,
    )
    answer = ptu(asked, load(*home_files(), *(prices or ())))
    if plot:
        draw.save(draw.provisioned(answer, look_stated(look, width)), plot)
    if as_json:
        screen.as_json(ptu_shape(answer))
        return
    show(answer, screen.console())


def show(answer: Ptu, out: Console) -> None:
    """Print a sizing for people."""
    asked, row = answer.asked, answer.throughput
    place = ", ".join(filter(None, (asked.deployment, asked.region)))
    out.print(screen.heading(f"{row.model} at azure, provisioned ({place}) on {asked.day}"))
    each = f"{_number(asked.prompt_tokens)} tokens in ({_number(100 * asked.cache_rate)}% cached)"
    out.print(f"{_number(asked.peak)} calls a minute at the peak, each of {each} and {_number(asked.response_tokens)} out")
    out.print()
    for line in _sizing(answer):
        out.print(screen.indented(line))
    out.print()
    out.print(screen.heading(f"What {screen.counted(answer.bought, 'PTU')} cost"))
    table = screen.table("", "an hour", "a month", "a year", "pays from")
    for choice in answer.choices:
        table.add_row(choice.commitment.label, *_terms(choice.held.provisioned), _break_even(choice, answer))
    if answer.per_call is not None:
        always = answer.as_you_go(asked.peak)
        table.add_row("pay as you go, at peak", *_terms(always), "")
    out.print(screen.indented(table))
    if answer.per_call is not None:
        out.print(screen.indented(PAYS_FROM), style="dim")
    for line in _over_the_load(answer):
        out.print(line)
    for note in (*screen.notes("Mind", answer.warnings, style="yellow"), *screen.notes("Assumed", answer.assumptions)):
        out.print(note)
    out.print()
    checked = f"sizing checked {row.checked} · hours {answer.hourly.checked} ({answer.digest})"
    out.print(screen.heading(checked), style="dim")


def _sizing(answer: Ptu) -> Iterator[str]:
    """How the units come about, as the vendor's formula has it."""
    asked, row, steps = answer.asked, answer.throughput, answer.steps
    yield (
        f"{screen.counted(answer.needed, 'PTU')}: {float(answer.raw):,.2f}, rounded up to a multiple of {steps.increment}, "
        f"at least {steps.fewest}"
    )
    fresh = asked.peak * Fraction(asked.prompt_tokens) * (1 - Fraction(asked.cache_rate))
    out = asked.peak * Fraction(asked.response_tokens)
    yield (
        f"{_number(answer.normalized_tpm)} normalized tokens a minute: {_number(fresh)} fresh in + {row.output_ratio} × "
        f"{_number(out)} out"
    )
    yield f"a PTU serves {row.input_tpm_per_ptu:,} a minute of {row.model}"
    bought = "" if answer.bought == answer.needed else f" of {screen.counted(answer.bought, 'PTU')}"
    average = f", {float(answer.on_average):.0%} on average" if asked.profile else ""
    yield f"used{bought}: {float(answer.at_peak):.0%} at the peak{average}"


def _over_the_load(answer: Ptu) -> Iterator[Any]:
    """What the load costs a month: pay as you go, with the units that were bought, and with the cheapest number of them."""
    yield ""
    if answer.missing:
        yield f"Nothing to compare with: {answer.missing}."
        return
    yield screen.heading(f"The load in a month ({_number(answer.asked.average)} calls a minute on average)")
    table = screen.table("", "PTUs", "spills", "units", "pay as you go", "together")
    table.add_row("pay as you go alone", "-", "-", "-", *2 * [_month(answer.as_you_go(answer.asked.average))])
    for choice in answer.choices:
        table.add_row(choice.commitment.label, *_held(choice.held))
        if choice.cheapest is not None and choice.cheapest.ptus and choice.cheapest.ptus != choice.held.ptus:
            table.add_row("  cheapest number", *_held(choice.cheapest))
    yield screen.indented(table)
    yield screen.indented(cheapest_way(answer))


def _held(held: Held) -> tuple[str, ...]:
    spills = f"{float(held.spilled_share):.0%}" if held.spilled_share else "-"
    return f"{held.ptus:,}", spills, _month(held.provisioned), _month(held.spilled), _month(held.per_hour)


def _break_even(choice: Choice, answer: Ptu) -> str:
    if answer.per_call is None:
        return "unknown"
    if choice.break_even is None:
        return "never"
    return f"{float(choice.break_even / answer.asked.peak):.0%} ({float(choice.break_even):,.0f}/min)"


def _month(per_hour: Amount | None) -> str:
    return "unknown" if per_hour is None else shown(per_hour * HOURS_PER_MONTH) if per_hour else "-"


def _terms(per_hour: Amount | None) -> tuple[str, ...]:
    if per_hour is None:
        return "unknown", "unknown", "unknown"
    return shown(per_hour), shown(per_hour * HOURS_PER_MONTH), shown(per_hour * HOURS_PER_YEAR)


def _number(number: Decimal | Fraction) -> str:
    """A number without digits that say nothing."""
    return f"{float(number):,.10g}" if number < 1000 else f"{round(number):,}"
