"""`voicebill rules`: how talk becomes tokens for a model, and what speaks for each rule."""

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from voicebill.answers.facts import Facts
from voicebill.answers.question import DEFAULT_PROVIDER
from voicebill.answers.shape import rules_shape
from voicebill.answers.tolls import PAID_BY_THE_MINUTE
from voicebill.billing.errors import NotOffered
from voicebill.cli import screen
from voicebill.cli.options import OnDay, Provider, RuleOption, RulesOption, facts_and_rules, overrides, today
from voicebill.conversation.rules import Ruling


def rules_command(
    name: Annotated[
        str, typer.Argument(help="The model. (default: gpt-realtime-1.5)", metavar="[MODEL]", show_default=False)
    ] = "gpt-realtime-1.5",
    *,
    provider: Provider = None,
    rules: RulesOption = None,
    rule: RuleOption = None,
    day: OnDay = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """The rules that a model's conversations are counted by, each with its evidence.

    \b
        voicebill rules gpt-realtime
        voicebill rules gpt-realtime --rules page-2026-06
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    facts, rule_set = facts_and_rules(rules)
    on = day or today()
    offer = facts.prices.find(name, provider=provider or DEFAULT_PROVIDER, day=on).offer
    if offer.kind in PAID_BY_THE_MINUTE:
        raise NotOffered(f"{offer.name} is a {offer.kind} model: rules are of models that take part in a conversation")
    ruling = facts.ruling(offer, day=on, rules=rule_set, overrides=overrides(rule))
    if as_json:
        screen.as_json({"offer": offer.id, "day": on.isoformat(), **rules_shape(ruling)})
    else:
        show(offer.id, ruling, facts, screen.console())


def show(model: str, ruling: Ruling, facts: Facts, out: Console) -> None:
    """Print rules for people."""
    out.print(screen.heading(f"{ruling.name} for {model} ({ruling.digest}): {facts.rules.named(ruling.name).title}"))
    out.print()
    width = max(len(parameter) for parameter in ruling.rows)
    for parameter, row in ruling.rows.items():
        out.print(Text.assemble((f"{parameter:<{width}}  ", "bold"), f"{row.value}"))
        disputed = f"; disputed: {', '.join(str(value) for value in row.disputed)}" if row.disputed else ""
        out.print(screen.indented(f"{row.evidence}: {row.basis}{disputed}"), style="dim")
    out.print()
    others = ", ".join(known.name for known in facts.rules.sets if known.name != ruling.name)
    out.print(f"Other sets: {others}. One rule can be set otherwise with --rule NAME=VALUE.", style="dim")
