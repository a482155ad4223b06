"""`voicebill compare`: one plan against every offer that can serve it."""

from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from voicebill.answers.bridge import Bridge, bridge
from voicebill.answers.compare import Candidate, Comparison, alive, compare, remarks
from voicebill.answers.offered import Asked
from voicebill.answers.shape import bridge_shape, comparison_shape
from voicebill.billing.errors import UnknownName
from voicebill.billing.money import Amount, shown
from voicebill.billing.offers import Offer
from voicebill.charts import draw
from voicebill.cli import screen
from voicebill.cli.options import (
    QUESTION,
    Conversations,
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
    facts_and_rules,
    lengths_stated,
    look_stated,
    option,
    overrides,
    today,
    word,
)
from voicebill.cli.plan_options import plan_from_file, takes_plan
from voicebill.conversation.plan import Plan

WIDTH = 9
"""Columns for a figure."""


@takes_plan("day", "rules", "conversations", "length_spread")
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
    page: Annotated[
        bool,
        typer.Option(
            "--page", help="Beside it, the original web calculator's figure, explained step by step.", rich_help_panel=QUESTION
        ),
    ] = False,
    plot: PlotFile = None,
    width: PlotWidth = None,
    look: PlotLook = "light",
    as_json: Json = False,
) -> None:
    """One plan against every offer that can serve it, the cheapest first.

    \b
        voicebill compare --minutes 6 --turns 15 --conversations 30000/month
        voicebill compare --minutes 6 --turns 15 --model gpt-realtime-mini
        voicebill compare --minutes 6 --turns 15 --provider openai --page
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    facts, rule_set = facts_and_rules(rules, prices)
    on = day or today()
    provider = provider.strip().lower() if provider else None
    if provider is not None and provider not in facts.prices.providers:
        raise UnknownName("provider", provider, facts.prices.providers)
    named = {offer.id for name in model or () for offer in facts.prices.named(name, provider, "realtime")}
    chosen = [
        offer
        for offer in alive(facts.prices, on)
        if (not model or offer.id in named) and provider in (None, offer.provider) and deployment in (None, offer.deployment)
    ]
    asked = Asked(model="", day=on, rules=rule_set, overrides=overrides(rule))
    differing = lengths_stated(length_spread, lengths)
    answer = compare(plan, chosen, asked, facts, conversations, lengths=differing)
    second = None if against is None else plan_from_file(against)
    other = None if second is None else compare(second, chosen, asked, facts, conversations, lengths=differing)
    proven = (each for each in answer.candidates if not each.unproven and not (each.ends and each.ends <= on))
    cheapest = next(proven, answer.candidates[0])
    beside = bridge(plan, cheapest.answer.offered.asked, facts) if page and cheapest.answer else None
    if plot:
        draw.save(draw.offers(answer, look_stated(look, width)), plot)
    if as_json:
        shape = (
            {"day": on.isoformat(), "prices": facts.prices.digest}
            | comparison_shape(answer)
            | {"page": bridge_shape(beside) if beside else None}
        )
        screen.as_json(shape | {"against": comparison_shape(other)["offers"] if other else None})
    else:
        show(answer, on, screen.console())
        if other:
            show_both(answer, other, screen.console())
        if beside:
            show_bridge(beside, cheapest.offer, screen.console())


def show(answer: Comparison, day: date, out: Console) -> None:
    """Print a comparison for people."""
    able = [candidate for candidate in answer.candidates if candidate.answer]
    volume = able[0].answer.volume if able and able[0].answer else None
    monthly = f"; expected per month at {volume}" if volume else ""
    out.print(screen.heading(f"per conversation on {day}, the cheapest first{monthly}"))
    out.print()
    titles = ["best", "expected", "worst", *(["month"] if volume else []), "times"]
    out.print(Text(f"{'offer':<35}" + "".join(f"{title:>{WIDTH}}" for title in titles), style="bold"))
    for candidate in able:
        assert candidate.answer is not None
        costs, month, ratio = candidate.answer.per_conversation, candidate.answer.per_month, answer.ratio(candidate)
        figures = [shown(costs.best), shown(costs.expected), shown(costs.worst)]
        figures += [*([_rounded(month.expected)] if month else []), f"{float(ratio or 0):.2f}"]
        offer = candidate.offer
        out.print(f"{offer.provider + ' ' + offer.model:<35}" + "".join(f"{figure:>{WIDTH}}" for figure in figures))
        out.print(screen.indented(Text(", ".join(remarks(candidate, day)), style="dim")))
    refused = (_refused(candidate) for candidate in answer.candidates if not candidate.answer)
    for note in screen.notes("Cannot serve this plan", refused):
        out.print(note)
    out.print()
    out.print(
        "unproven: the vendor lists a price, but its availability table does not name the model under that deployment; "
        "history assumed: how the model treats history was not measured on it",
        style="dim",
    )


def _refused(candidate: Candidate) -> str:
    """Why an offer cannot serve the plan, the offer named once."""
    said = str(candidate.refusal)
    return said if said.startswith(candidate.offer.id) else f"{candidate.offer.id}: {said}"


def _rounded(amount: Amount) -> str:
    return f"${round(amount / 10**12):,}"


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
