"""`voicebill estimate`: what a planned conversation will cost."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any

import typer
from rich.console import Console

from voicebill.answers.advice import Advice, CheapestTruncation, advice, cheapest_truncation
from voicebill.answers.costing import PART_LABELS
from voicebill.answers.estimate import Estimate, estimate
from voicebill.answers.knobs import Effect, effects
from voicebill.answers.lengths import Spread
from voicebill.answers.offered import Asked
from voicebill.answers.plan_table import CARRIAGE
from voicebill.answers.population import Population
from voicebill.answers.quantities import count
from voicebill.answers.question import DEFAULT_DEPLOYMENT, DEFAULT_MODEL, DEFAULT_PROVIDER
from voicebill.answers.scenarios import Scenarios
from voicebill.answers.shape import estimate_shape, levers_shape, truncation_shape
from voicebill.billing.errors import NotOffered
from voicebill.billing.money import Amount, shown
from voicebill.charts import draw
from voicebill.cli import screen
from voicebill.cli.options import (
    PLOTTING,
    QUESTION,
    Carrier,
    CarrierRate,
    CarrierSeconds,
    Codec,
    Conversations,
    Deployment,
    Egress,
    Fees,
    Json,
    LengthsFile,
    LengthSpread,
    Model,
    OnDay,
    PlotFile,
    PlotLook,
    PlotWidth,
    PricesOption,
    Provider,
    Region,
    RuleOption,
    RulesOption,
    carriage_stated,
    facts_and_rules,
    lengths_stated,
    look_stated,
    option,
    overrides,
    today,
    word,
)
from voicebill.cli.plan_options import takes_plan
from voicebill.conversation.plan import Plan

PICTURES: Mapping[str, Callable[[Estimate, draw.Look], Any]] = {
    "turns": draw.turns,
    "cumulative": draw.growing,
    "lengths": draw.lengths,
}
KNOBS_PICTURE = "knobs"
"""The pictures of an estimate, and that of the knobs, which shows their effects instead."""


@takes_plan("model", "provider", "deployment", "region", "day", "rules", "conversations", "length_spread", *CARRIAGE)
def estimate_command(
    *,
    plan: Plan,
    conversations: Conversations = None,
    length_spread: LengthSpread = None,
    lengths: LengthsFile = None,
    model: Model = None,
    provider: Provider = None,
    deployment: Deployment = None,
    region: Region = None,
    day: OnDay = None,
    prices: PricesOption = None,
    rules: RulesOption = None,
    rule: RuleOption = None,
    with_lines: Annotated[
        bool, typer.Option("--lines", help="Show the expected bill line by line.", rich_help_panel=QUESTION)
    ] = False,
    keep_turns: Annotated[
        int | None,
        option("--keep-turns", "Find the cheapest truncation that always remembers so many turns.", QUESTION, count, "COUNT"),
    ] = None,
    codec: Codec = None,
    carrier: Carrier = None,
    carrier_per_minute: CarrierRate = None,
    carrier_seconds: CarrierSeconds = None,
    egress_per_gb: Egress = None,
    fees: Fees = None,
    plot: PlotFile = None,
    picture: Annotated[
        str,
        option(
            "--picture",
            f"Which: {', '.join((*PICTURES, KNOBS_PICTURE))}. (default: turns)",
            PLOTTING,
            word(*PICTURES, KNOBS_PICTURE),
            "NAME",
        ),
    ] = "turns",
    width: PlotWidth = None,
    look: PlotLook = "light",
    levers: Annotated[
        bool,
        typer.Option("--levers", help="What each assumption moves, and what would be cheaper.", rich_help_panel=QUESTION),
    ] = False,
    as_json: Json = False,
) -> None:
    """What a planned conversation will cost, where the money goes, and how sure that is.

    \b
    Ten minutes and twenty turns, thirty thousand times a month:
        voicebill estimate --minutes 10 --turns 20 --conversations 30000/month
    On Azure, in the Data Zone, with a prompt of 3,000 tokens:
        voicebill estimate --minutes 6 --turns 20 --provider azure \\
            --deployment data-zone --instructions-tokens 3000
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    facts, rule_set = facts_and_rules(rules, prices)
    question = Asked(
        model=model or DEFAULT_MODEL,
        provider=provider or DEFAULT_PROVIDER,
        deployment=deployment or DEFAULT_DEPLOYMENT,
        region=region,
        day=day or today(),
        rules=rule_set,
        overrides=overrides(rule),
    )
    way = carriage_stated(
        codec=codec,
        carrier=carrier,
        per_minute=carrier_per_minute,
        seconds=carrier_seconds,
        egress=egress_per_gb,
        fees=fees,
    )
    answer = estimate(plan, question, facts, conversations, lengths_stated(length_spread, lengths), carriage=way)
    moved = effects(plan, question, facts) if levers or (plot and picture == KNOBS_PICTURE) else ()
    if plot:
        dress = look_stated(look, width)
        drawn = draw.knobs(moved, answer.offered, dress) if picture == KNOBS_PICTURE else PICTURES[picture](answer, dress)
        draw.save(drawn, plot)
    advised = advice(plan, question, facts) if levers else ()
    cut = None if keep_turns is None else cheapest_truncation(plan, question, facts, keep_turns=keep_turns)
    if keep_turns is not None and cut is None:
        raise NotOffered(f"no truncation setting that was tried remembers {keep_turns:,} turns throughout")
    if as_json:
        told = levers_shape(moved, advised) if levers else {}
        screen.as_json(estimate_shape(answer) | told | ({"cheapest_truncation": truncation_shape(cut)} if cut else {}))
        return
    show(answer, screen.console(), with_lines=with_lines)
    if cut:
        show_truncation(cut, keep_turns or 0, screen.console())
    if levers:
        show_levers(moved, advised, screen.console())


def show(answer: Estimate, out: Console, *, with_lines: bool = False) -> None:
    """Print an estimate for people."""
    plan, sold = answer.plan, answer.offered
    out.print(screen.heading(screen.sold_as(sold)))
    user, assistant = plan.talk
    prompt = screen.counted(plan.instructions_tokens + plan.tools_tokens, "token")
    counts = sold.ruling.rules.counts_instructions
    out.print(
        f"{screen.counted(plan.minutes, 'minute')}, {screen.counted(plan.turns, 'turn')}; the user speaks {user:.0%} of the "
        f"time, the assistant {assistant:.0%}; {f'prompt and tools of {prompt}' if counts else 'no prompt'}; "
        f"{screen.counted(len(answer.conversation.responses), 'response')}"
    )
    out.print()
    out.print(screen.indented(screen.scenarios(_rows(answer))))
    for table in screen.exchanged(sold.currency, _rows(answer)):
        out.print()
        out.print(table)
    if answer.population and answer.population.lengths != Spread(0):
        out.print()
        for line in _lengths(answer.population):
            out.print(line)
    out.print()
    out.print(screen.heading("Where it goes (expected)"))
    parts = ((PART_LABELS[part.name], part.amount) for part in answer.parts)
    out.print(screen.indented(screen.shares(parts, answer.per_conversation.expected)))
    if answer.way:
        rows = [("altogether per conversation", answer.altogether)]
        rows += [("altogether per month", month)] if (month := answer.altogether_per_month) else []
        for line in screen.way(answer.way, rows):
            out.print(line)
    if with_lines:
        out.print()
        out.print(screen.heading("The bill (expected)"))
        out.print(screen.indented(screen.bill_of(answer)))
    for note in (*screen.notes("Mind", answer.warnings, style="yellow"), *screen.notes("Assumed", answer.assumptions)):
        out.print(note)
    out.print()
    out.print(screen.footing(sold.ruling, sold.facts.prices.digest, sold.found.rates.row.checked))


def _lengths(found: Population) -> Iterator[str]:
    """What it means for a month that calls differ in length."""
    how = f"spread of {found.lengths.coefficient}" if isinstance(found.lengths, Spread) else "lengths as counted"
    cap = f", cut at {found.cap.minutes:.4g} minutes" if found.cap else ""
    yield (
        f"Calls differ in length ({how}{cap}): on average they last {found.mean_minutes:.1f} minutes and cost "
        f"{shown(found.mean.expected)}, {float(found.surcharge):+.1%} beside the call that the plan describes."
    )
    yield "; ".join(
        f"{each.percent}% of calls last at most {each.minutes:.1f} minutes ({shown(each.amount)})" for each in found.percentiles
    )


def _rows(answer: Estimate) -> list[tuple[str, Scenarios]]:
    rows = [("per conversation", answer.per_conversation), ("per minute", answer.per_minute)]
    if answer.per_month and answer.per_year:
        rows += [(f"per month, at {answer.volume}", answer.per_month), ("per year", answer.per_year)]
    return rows


def show_truncation(found: CheapestTruncation, keep_turns: int, out: Console) -> None:
    """Print the cheapest truncation that remembers enough."""
    setting = found.truncation
    limit = setting.post_instructions_tokens
    how = (
        "no lower limit" if limit is None else f"post_instructions {limit:,} tokens, retention_ratio {setting.retention_ratio}"
    )
    out.print()
    out.print(screen.heading(f"The cheapest truncation that always remembers {screen.counted(keep_turns, 'turn')}"))
    out.print(screen.indented(f"{how}: {shown(found.expected)} expected; at least {found.remembered_turns:,} remembered"))


def show_levers(moved: Iterable[Effect], advised: Iterable[Advice], out: Console) -> None:
    """Print what each assumption moves, and what would be cheaper."""
    out.print()
    out.print(screen.heading("What each assumption moves (expected, per conversation)"))
    table = screen.table("", "low", "adds", "high", "adds")
    for effect in moved:
        table.add_row(effect.knob.label, effect.knob.low.label, _added(effect.low), effect.knob.high.label, _added(effect.high))
    out.print(screen.indented(table))
    out.print()
    out.print(screen.heading("What would be cheaper (saves, per conversation)"))
    table = screen.table("", "saves", "at the cost of")
    table.columns[2].justify, table.columns[2].no_wrap = "left", False
    for each in advised:
        table.add_row(each.change, shown(each.saves), each.at_the_cost_of)
    out.print(screen.indented(table))


def _added(amount: Amount | None) -> str:
    if amount is None:
        return "refused"
    return f"+{shown(amount)}" if amount > 0 else shown(amount) if amount else "-"
