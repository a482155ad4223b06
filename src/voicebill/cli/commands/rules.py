"""Define `voicebill rules`: the counting rules of a model, each with its evidence."""

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from voicebill.answers.catalog.facts import Facts
from voicebill.answers.estimates.model_selection import DEFAULT_MODEL, resolve_rules
from voicebill.billing.offers import DEFAULT_PROVIDER
from voicebill.cli.display import terminal
from voicebill.cli.options.inputs import DAY_OPTION, PROVIDER_OPTION, RULES_OPTION
from voicebill.cli.options.shared import (
    PricesOption,
    RuleOption,
    load_facts_and_rules,
    parse_overrides,
    today,
)
from voicebill.conversation.rules import EffectiveRules


def rules_command(
    name: Annotated[
        str, typer.Argument(help=f"The model. (default: {DEFAULT_MODEL})", metavar="[MODEL]", show_default=False)
    ] = DEFAULT_MODEL,
    *,
    provider: PROVIDER_OPTION = None,
    prices: PricesOption = None,
    rules: RULES_OPTION = None,
    rule: RuleOption = None,
    day: DAY_OPTION = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show the counting rules of a model, each with its evidence.

    \b
        voicebill rules gpt-realtime
        voicebill rules gpt-realtime --rules web-calculator-2026-06
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    facts, rule_set = load_facts_and_rules(rules, prices)
    effective_day = day or today()
    offer, effective_rules = resolve_rules(
        name, provider or DEFAULT_PROVIDER, effective_day, facts, rules=rule_set, overrides=parse_overrides(rule)
    )
    if as_json:
        from voicebill.answers.reports.rules import ModelRulesReport  # noqa: PLC0415 - only for JSON: reports cost start-up time

        terminal.print_json(ModelRulesReport.of(offer, effective_rules, effective_day))
    else:
        print_rules(offer.id, effective_rules, facts, terminal.console())


def print_rules(model: str, effective_rules: EffectiveRules, facts: Facts, out: Console) -> None:
    """Print the rules of a model."""
    out.print(
        terminal.heading(
            f"{effective_rules.name} for {model} ({effective_rules.digest}): {facts.rules.rule_set(effective_rules.name).title}"
        )
    )
    out.print()
    width = max(len(parameter) for parameter in effective_rules.rows)
    for parameter, row in effective_rules.rows.items():
        out.print(Text.assemble((f"{parameter:<{width}}  ", "bold"), row.value_text))
        out.print(terminal.indent(row.evidence_text), style="dim")
    out.print()
    others = ", ".join(rule_set.name for rule_set in facts.rules.sets if rule_set.name != effective_rules.name)
    out.print(f"Other sets: {others}. Override a rule with --set-rule NAME=VALUE.", style="dim")
