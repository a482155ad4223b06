"""`voicebill rules`: how talk becomes tokens for a model, and what speaks for each rule."""

from typing import Annotated

import typer
from rich.console import Console

from voicebill.answers.facts import Facts
from voicebill.answers.shape import rules_shape
from voicebill.cli import screen
from voicebill.cli.options import OnDay, Provider, RuleOption, RulesOption, facts_and_rules, overrides, today
from voicebill.conversation.rules import Ruling


def rules_command(
    name: Annotated[
        str, typer.Argument(help="The model. (default: gpt-realtime-1.5)", metavar="[MODEL]", show_default=False)
    ] = "gpt-realtime-1.5",
    *,
    provider: Provider = "openai",
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
    offers = facts.prices.named(name, provider)
    names = {known for offer in offers for known in (offer.model, name.strip().lower())}
    ruling = facts.ruling(names, day=day or today(), provider=provider, rules=rule_set, overrides=overrides(rule))
    if as_json:
        screen.as_json({"model": name, "provider": provider, **rules_shape(ruling)})
    else:
        show(name, ruling, facts, screen.console())


def show(model: str, ruling: Ruling, facts: Facts, out: Console) -> None:
    """Print rules for people."""
    out.print(screen.heading(f"{ruling.name} for {model} ({ruling.digest}): {facts.rules.named(ruling.name).title}"))
    out.print()
    table = screen.table("rule", "value", "evidence", left=1)
    table.columns[1].overflow = "fold"
    table.columns[2].justify, table.columns[2].no_wrap = "left", False
    for parameter, row in ruling.rows.items():
        disputed = f"; disputed: {', '.join(str(value) for value in row.disputed)}" if row.disputed else ""
        table.add_row(parameter, str(row.value), f"{row.evidence}: {row.basis}{disputed}")
    out.print(table)
    out.print()
    others = ", ".join(known.name for known in facts.rules.sets if known.name != ruling.name)
    out.print(f"Other sets: {others}. One rule can be set otherwise with --rule NAME=VALUE.", style="dim")
