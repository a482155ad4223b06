"""`voicebill simulate`: a scripted conversation, billed response by response."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from voicebill.answers.script_table import Scripted, script_from
from voicebill.answers.shape import simulation_shape
from voicebill.answers.simulate import Simulation, simulate
from voicebill.answers.tables import Fault
from voicebill.billing.money import shown
from voicebill.cli import screen
from voicebill.cli.options import (
    QUESTION,
    Cache,
    Json,
    OnDay,
    PricesOption,
    Reuse,
    RuleOption,
    RulesOption,
    facts_and_rules,
    option,
    overrides,
    today,
)
from voicebill.cli.token_files import count_text_file, count_tools_file
from voicebill.conversation.context import Response
from voicebill.facts.files import FaultyFile, read_toml

COLUMNS = (
    ("text", "text_in"),
    ("cached", "text_in_cached"),
    ("audio", "audio_in"),
    ("cached", "audio_in_cached"),
    ("text out", "text_out"),
    ("audio out", "audio_out"),
)


def simulate_command(
    script: Annotated[
        Path, typer.Argument(help="The conversation turn by turn, in TOML.", metavar="SCRIPT.toml", show_default=False)
    ],
    *,
    model: Annotated[str | None, option("--model", "Instead of the script's model.", QUESTION, metavar="NAME")] = None,
    provider: Annotated[str | None, option("--provider", "Instead of the script's provider.", QUESTION, metavar="NAME")] = None,
    deployment: Annotated[
        str | None, option("--deployment", "Instead of the script's deployment.", QUESTION, metavar="NAME")
    ] = None,
    region: Annotated[str | None, option("--region", "Instead of the script's region.", QUESTION, metavar="NAME")] = None,
    day: OnDay = None,
    prices: PricesOption = None,
    rules: RulesOption = None,
    rule: RuleOption = None,
    cache: Cache = None,
    reuse: Reuse = None,
    as_json: Json = False,
) -> None:
    """Bill a scripted conversation response by response.

    \b
    A script in docs/examples, under each cache behaviour:
        voicebill simulate docs/examples/support-call.toml
        voicebill simulate docs/examples/support-call.toml --cache none --json
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    scripted = read_script(script, cache=cache, reuse=reuse)
    facts, rule_set = facts_and_rules(rules or scripted.asked["rules"], prices)
    asked = scripted.question(
        model=model,
        provider=provider,
        deployment=deployment,
        region=region,
        day=day or scripted.asked["day"] or today(),
        rules=rule_set,
        overrides={**scripted.asked["overrides"], **overrides(rule)},
    )
    answer = simulate(scripted.script, asked, facts)
    if as_json:
        screen.as_json(simulation_shape(answer))
    else:
        show(answer, screen.console())


def read_script(file: Path, **instead: object) -> Scripted:
    """A script file, with some of its settings stated instead (None: as the file says).

    Raises:
        UnreadableFile: the file cannot be read.
        FaultyFile: it has faults; all of them are listed with their lines.
    """
    tables, lines = read_toml(file)
    faults: list[Fault] = []
    for key, value in instead.items():
        if value is not None:
            tables[key] = value

    def count(named: str) -> int:
        path = file.parent / named
        return count_tools_file(path) if path.suffix == ".json" else count_text_file(path)

    scripted = script_from(tables, faults, count)
    if scripted is None:
        raise FaultyFile(str(file), faults, lines)
    return scripted


def show(answer: Simulation, out: Console) -> None:
    """Print a simulation for people."""
    sold = answer.offered
    rule = answer.conversation.expected
    share = f", {100 * rule.share[0] / rule.share[1]:.4g}% of it reused" if rule.behaviour == "prefix" else ""
    out.print(screen.heading(f"{screen.sold_as(sold)}; cache: {rule.behaviour}{share}"))
    out.print()
    images = any(billed.response.images for billed in answer.responses)
    table = screen.table("turn", *(title for title, _ in COLUMNS), *(["images"] if images else []), "amount")
    for billed in answer.responses:
        counts = [f"{billed.usage[meter]:,}" for _, meter in COLUMNS]
        if images:
            counts.append(f"{billed.response.input.image:,}")
        table.add_row(f"{billed.response.turn}{_happened(billed.response)}", *counts, shown(billed.amount))
    out.print(screen.indented(table))
    out.print()
    out.print(screen.heading("The bill"))
    out.print(screen.indented(screen.bill_of(answer)))
    out.print()
    whole = [("the whole conversation", answer.scenarios)]
    out.print(screen.indented(screen.scenarios(whole)))
    for told in screen.exchanged(sold.currency, whole):
        out.print()
        out.print(told)
    for note in (*screen.notes("Mind", answer.warnings, style="yellow"), *screen.notes("Assumed", answer.assumptions)):
        out.print(note)
    out.print()
    out.print(screen.footing(sold.ruling, sold.facts.prices.digest, sold.found.rates.row.checked))


def _happened(response: Response) -> str:
    """What sets a response apart from a plain reply, in a word."""
    if response.kind == "tool-call":
        return " tool"
    if response.status == "cancelled":
        return " barge-in" if response.audio_out else " cancelled"
    return " cut" if response.dropped else ""
