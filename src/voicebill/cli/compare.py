"""`voicebill compare`: one plan against every offer that can serve it."""

from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from voicebill.answers import quantities
from voicebill.answers.alternatives import ANY_PIPELINE, Alternatives, alternatives, every_pipeline
from voicebill.answers.alternatives_shape import alternatives_shape, compared_shape
from voicebill.answers.bridge import Bridge, bridge
from voicebill.answers.compare import Candidate, Comparison, alive_and_wanted, compare
from voicebill.answers.crossings import AXES, Flips, along, chosen, flips, range_said
from voicebill.answers.facts import Facts
from voicebill.answers.offered import Asked
from voicebill.answers.plan_table import CARRIAGE
from voicebill.answers.shape import bridge_shape, comparison_shape
from voicebill.answers.stacks import Stack, sold_as_asked
from voicebill.billing.errors import InvalidInput, UnknownName
from voicebill.billing.money import shown
from voicebill.billing.offers import Offer
from voicebill.charts import draw
from voicebill.cli import screen
from voicebill.cli.alternatives import show, show_flips, show_pipelines
from voicebill.cli.options import (
    PLOTTING,
    QUESTION,
    Carrier,
    CarrierRate,
    CarrierSeconds,
    Codec,
    Conversations,
    Egress,
    Fees,
    Json,
    LengthsFile,
    LengthSpread,
    OnDay,
    PlotFile,
    PlotLook,
    PlotWidth,
    PricesOption,
    RuleOption,
    RulesOption,
    carriage_stated,
    facts_and_rules,
    lengths_stated,
    look_stated,
    option,
    overrides,
    said,
    today,
    word,
)
from voicebill.cli.plan_options import plan_from_file, takes_plan
from voicebill.cli.table_files import write_alternatives
from voicebill.conversation.plan import Plan

RANKING = "The ranking"
FLIPS = (*AXES, "none")


@takes_plan("day", "rules", "conversations", "length_spread", *CARRIAGE)
def compare_command(
    *,
    plan: Plan,
    conversations: Conversations = None,
    length_spread: LengthSpread = None,
    lengths: LengthsFile = None,
    model: Annotated[
        list[str] | None, option("--model", "Only this model; may be repeated. (default: all alive)", QUESTION, metavar="NAME")
    ] = None,
    provider: Annotated[str | None, option("--provider", "Only this provider's offers.", QUESTION, metavar="NAME")] = None,
    deployment: Annotated[
        str | None,
        option("--deployment", "Only this deployment.", QUESTION, word("global", "data-zone", "regional"), "NAME"),
    ] = None,
    day: OnDay = None,
    prices: PricesOption = None,
    rules: RulesOption = None,
    rule: RuleOption = None,
    against: Annotated[
        Path | None,
        option(
            "--against",
            "A second saved plan; its conversation, priced in the same way, beside the first.",
            QUESTION,
            metavar="FILE",
        ),
    ] = None,
    stack: Annotated[
        list[str] | None,
        option("--stack", "Only this stack beside the offers; may be repeated. (default: all)", QUESTION, metavar="NAME"),
    ] = None,
    pipelines: Annotated[
        int | None,
        option("--pipelines", "The cheapest of all pipelines that can be made, so many.", QUESTION, quantities.count, "COUNT"),
    ] = None,
    flip: Annotated[
        list[str] | None,
        option(
            "--flip",
            "Where the ranking flips along this: minutes, turns, talk, volume, or none. (default: all that can flip)",
            RANKING,
            metavar="NAME",
        ),
    ] = None,
    between: Annotated[
        list[str] | None,
        option(
            "--between",
            "A stack or an offer's id whose rank is looked at; at least two. (default: the cheapest of each kind)",
            RANKING,
            metavar="NAME",
        ),
    ] = None,
    span: Annotated[
        str | None, option("--range", "From where to where, such as 1:60; needs one --flip.", RANKING, metavar="LOW:HIGH")
    ] = None,
    codec: Codec = None,
    carrier: Carrier = None,
    carrier_per_minute: CarrierRate = None,
    carrier_seconds: CarrierSeconds = None,
    egress_per_gb: Egress = None,
    fees: Fees = None,
    page: Annotated[
        bool,
        typer.Option(
            "--page", help="Beside it, the original web calculator's figure, explained step by step.", rich_help_panel=QUESTION
        ),
    ] = False,
    plot: PlotFile = None,
    picture: Annotated[
        str, option("--picture", "Which: offers, flips. (default: offers)", PLOTTING, word("offers", "flips"), "NAME")
    ] = "offers",
    width: PlotWidth = None,
    look: PlotLook = "light",
    out_file: Annotated[
        Path | None, option("--out", "Write every way into this .csv or .md file, with sources.", QUESTION, metavar="FILE")
    ] = None,
    as_json: Json = False,
) -> None:
    """One plan against every way to build it: realtime models, pipelines, live models, in writing; the cheapest first.

    \b
        voicebill compare --minutes 6 --turns 15 --conversations 30000/month
        voicebill compare --minutes 6 --turns 15 --model gpt-realtime-mini
        voicebill compare --minutes 6 --turns 20 --flip minutes --range 1:60 \\
            --between gpt-live-1.1 --between openai/gpt-realtime-1.5
        voicebill compare --minutes 6 --turns 20 --pipelines 20
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    facts, rule_set = facts_and_rules(rules, prices)
    on = day or today()
    provider = _seller(provider, facts)
    offers = alive_and_wanted(facts.prices, on, model or (), provider, deployment)
    asked = Asked(model="", day=on, rules=rule_set, overrides=overrides(rule))
    differing = lengths_stated(length_spread, lengths)
    answer = compare(plan, offers, asked, facts, conversations, lengths=differing)
    way = carriage_stated(
        codec=codec,
        carrier=carrier,
        per_minute=carrier_per_minute,
        seconds=carrier_seconds,
        egress=egress_per_gb,
        fees=fees,
    )
    stacks = [] if model and not stack else _stacks(facts, stack, provider, deployment)
    ways = alternatives(answer, plan, asked, facts, conversations, stacks=stacks, lengths=differing, carriage=way)
    ranked = _ranked(ways, flip, between, span)
    wishes = replace(ANY_PIPELINE, provider=provider, deployment=deployment)
    most = None if pipelines is None else _at_least_one("--pipelines", pipelines)
    every = None if most is None else every_pipeline(plan, asked, facts, most, conversations, wishes=wishes)
    second = None if against is None else plan_from_file(against)
    other = None if second is None else compare(second, offers, asked, facts, conversations, lengths=differing)
    cheapest = _cheapest_proven(answer, on)
    beside = bridge(plan, cheapest.answer.offered.asked, facts) if page and cheapest.answer else None
    if plot:
        footing = f"voicebill: {on}; prices {facts.prices.digest}"
        _draw(answer, ranked, plot, picture=picture, footing=footing, dress=look_stated(look, width))
    if out_file:
        how = f"{screen.counted(plan.minutes, 'minute')} and {screen.counted(plan.turns, 'turn')}"
        write_alternatives(ways, f"One conversation of {how}, every way, on {on}", out_file)
    if as_json:
        shape = compared_shape(answer, ways, ranked, facts, on)
        beside_it = {
            "pipelines": {"count": every[1], **alternatives_shape(every[0])} if every else None,
            "page": bridge_shape(beside) if beside else None,
            "against": comparison_shape(other)["offers"] if other else None,
        }
        screen.as_json(shape | beside_it)
        return
    out = screen.console()
    show(ways, on, facts, out)
    show_flips(ranked, out)
    if every:
        show_pipelines(*every, out)
    if other:
        show_both(answer, other, out)
    if beside:
        show_bridge(beside, cheapest.offer, out)


def _seller(name: str | None, facts: Facts) -> str | None:
    said = name.strip().lower() if name else None
    if said is not None and said not in facts.prices.providers:
        raise UnknownName("provider", said, facts.prices.providers)
    return said


def _cheapest_proven(answer: Comparison, day: date) -> Candidate:
    """The cheapest that is sure to be sold on the day, or else the cheapest."""
    proven = (each for each in answer.candidates if not each.unproven and not (each.ends and each.ends <= day))
    return next(proven, answer.candidates[0])


def _draw(answer: Comparison, ranked: tuple[Flips, ...], file: Path, *, picture: str, footing: str, dress: draw.Look) -> None:
    if picture == "offers":
        draw.save(draw.offers(answer, dress), file)
    elif ranked:
        draw.save(draw.flips(ranked[0], footing, dress), file)
    else:
        raise InvalidInput("there is no ranking to draw: name an axis with --flip, and two ways with --between")


def _stacks(facts: Facts, names: list[str] | None, provider: str | None, deployment: str | None) -> list[Stack]:
    """The stacks beside the offers: those named, else all that can be built as it is asked for.

    Of a provider or deployment that was named they are built of what is sold so; one that wishes for another is left out.
    """
    known = {stack.name: stack for stack in facts.stacks}
    for name in names or ():
        if name not in known:
            raise UnknownName("stack", name, known)
    wanted = [known[name] for name in dict.fromkeys(names)] if names else list(facts.stacks)
    return sold_as_asked(wanted, provider, deployment)


def _ranked(ways: Alternatives, flip: list[str] | None, between: list[str] | None, span: str | None) -> tuple[Flips, ...]:
    """Where the ranking flips, along what was asked for."""
    monthly = ("volume",) if any(way.monthly for way in ways.spoken) else ()
    axes = [said("--flip", word(*FLIPS))(each) for each in flip or ("minutes", "turns", "talk", *monthly)]
    if span is not None and (flip is None or len(axes) != 1 or axes[0] == "none"):
        raise InvalidInput("--range needs one --flip that says of what")
    if "none" in axes:
        return ()
    ranked = chosen(ways, between or ())
    if len({way.name for way in ranked}) < 2:
        if between or flip:
            raise InvalidInput("a ranking needs two different ways: name both with --between")
        return ()
    if span is not None:
        axis = next(axis for axis in AXES if axis == axes[0])
        return (flips(ranked, ways.plan, said("--range", lambda text: range_said(axis, text))(span)),)
    return along(ranked, ways.plan, [axis for axis in AXES if axis in axes], ways.volume)


def _at_least_one(name: str, number: int) -> int:
    if number < 1:
        raise InvalidInput(f"{name} must be at least 1, not {number}")
    return number


def show_both(answer: Comparison, other: Comparison, out: Console) -> None:
    """Print what the second plan costs beside the first, offer by offer, expected."""
    out.print()
    out.print(screen.heading("The first plan, and the one it is held against (expected, per conversation)"))
    table = screen.table("", "first", "second", "adds", "times")
    theirs = {candidate.offer.id: candidate.answer for candidate in other.candidates}
    for candidate in answer.candidates:
        second = theirs[candidate.offer.id]
        if candidate.answer and second:
            one, two = candidate.answer.per_conversation.expected, second.per_conversation.expected
            label = f"{candidate.offer.provider} {candidate.offer.model} {candidate.offer.deployment}"
            table.add_row(label, shown(one), shown(two), shown(two - one), f"{float(two / Fraction(one)):.2f}" if one else "-")
    out.print(screen.indented(table))


def show_bridge(beside: Bridge, offer: Offer, out: Console) -> None:
    """Print the way from the original calculator's figure to ours."""
    out.print()
    out.print(screen.heading(f"The original web calculator's arithmetic at the prices of {offer.id}, and ours (expected)"))
    table = screen.table("", "adds", "makes")
    reached = beside.page
    table.add_row("the calculator of June 2026", "", shown(reached))
    for step in beside.steps:
        reached += step.adds
        table.add_row(step.label, shown(step.adds) if step.adds else "-", shown(reached))
    out.print(screen.indented(table))
