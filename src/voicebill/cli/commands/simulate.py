"""Define `voicebill simulate`: the bill of a scripted conversation, response by response."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from voicebill.answers.estimates.simulate import Simulation, simulate
from voicebill.answers.parameters.inputs import SCRIPT_OVERRIDES
from voicebill.answers.parameters.read_inputs import read_inputs
from voicebill.answers.parameters.script_schema import ScriptRequest, parse_script
from voicebill.answers.parameters.table_schema import Issue
from voicebill.cli.display import terminal
from voicebill.cli.options.inputs import takes_inputs
from voicebill.cli.options.shared import (
    ExactOption,
    JsonOption,
    PricesOption,
    RuleOption,
    load_facts_and_rules,
    parse_overrides,
    today,
)
from voicebill.cli.options.token_files import count_text_file, count_tools_file
from voicebill.conversation.context import Response
from voicebill.facts.files import InvalidFile, read_toml

RESPONSE_COLUMNS = (
    ("text", "text_in"),
    ("cached", "text_in_cached"),
    ("audio", "audio_in"),
    ("cached", "audio_in_cached"),
    ("text out", "text_out"),
    ("audio out", "audio_out"),
)


@takes_inputs("settings", SCRIPT_OVERRIDES)
def simulate_command(
    *,
    script: Annotated[
        Path, typer.Argument(help="The conversation turn by turn, in TOML.", metavar="SCRIPT.toml", show_default=False)
    ],
    settings: dict[str, Any],
    prices: PricesOption = None,
    rule: RuleOption = None,
    exact: ExactOption = False,
    as_json: JsonOption = False,
) -> None:
    """Bill a scripted conversation response by response.

    \b
    A script in docs/examples, under each cache behaviour:
        voicebill simulate docs/examples/support-call.toml
        voicebill simulate docs/examples/support-call.toml --cache none --json
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    settings = read_inputs(settings, SCRIPT_OVERRIDES)
    cache_settings = {name: settings.pop(name) for name in ("cache", "prefix_reuse") if name in settings}
    request = read_script(script, **cache_settings)
    facts, rule_set = load_facts_and_rules(settings.pop("rules", None) or request.selection_values["rules"], prices)
    overrides = {**request.selection_values["overrides"], **parse_overrides(rule)}
    day = settings.pop("day", None) or request.selection_values["day"] or today()
    selection = request.selection(**settings, day=day, rules=rule_set, overrides=overrides)
    answer = simulate(request.script, selection, facts)
    if as_json:
        terminal.print_json(answer)
    else:
        print_simulation(answer, terminal.console(exact=exact))


def read_script(file: Path, **settings: object) -> ScriptRequest:
    """The request in a script file. `settings` that are not None replace those of the file.

    Raises:
        UnreadableFile: the file cannot be read.
        InvalidFile: the file has errors, or tokens of another file cannot be counted; the message lists all with their lines.
    """
    tables, lines = read_toml(file)
    issues: list[Issue] = []
    for key, value in settings.items():
        if value is not None:
            tables[key] = value

    def count(file_name: str) -> int:
        path = file.parent / file_name
        return count_tools_file(path) if path.suffix == ".json" else count_text_file(path)

    request = parse_script(tables, issues, count)
    if request is None:
        raise InvalidFile(str(file), issues, lines)
    return request


def print_simulation(answer: Simulation, out: Console) -> None:
    """Print a simulation."""
    model = answer.model
    cache_rule = answer.conversation.expected
    has_speech = any(billed.response.input.audio for billed in answer.responses)
    share = f", {cache_rule.percent(has_speech=has_speech)} of the prefix reused" if cache_rule.behaviour == "prefix" else ""
    out.print(terminal.heading(f"{terminal.selection_title(model)}; cache: {cache_rule.behaviour}{share}"))
    out.print()
    images = any(billed_response.response.images for billed_response in answer.responses)
    table = terminal.table("turn", *(title for title, _ in RESPONSE_COLUMNS), *(["images"] if images else []), "amount")
    for billed_response in answer.responses:
        counts = [f"{billed_response.usage[meter]:,}" for _, meter in RESPONSE_COLUMNS]
        if images:
            counts.append(f"{billed_response.response.input.image:,}")
        table.add_row(
            f"{billed_response.response.turn}{_status_suffix(billed_response.response)}",
            *counts,
            terminal.AmountCell(billed_response.amount),
        )
    out.print(terminal.indent(table))
    out.print()
    out.print(terminal.heading("The bill"))
    out.print(terminal.indent(terminal.bill_table(answer)))
    out.print()
    total_rows = [("total", answer.scenarios)]
    out.print(terminal.indent(terminal.scenario_table(total_rows)))
    for currency_table in terminal.currency_tables(model.currency, total_rows):
        out.print()
        out.print(currency_table)
    for note in (
        *terminal.notes("Warnings", answer.warnings, style="yellow"),
        *terminal.notes("Assumptions", answer.assumptions),
    ):
        out.print(note)
    out.print()
    out.print(terminal.footer(model.effective_rules, model.facts.prices.digest, model.quote.rates.row.checked))


def _status_suffix(response: Response) -> str:
    """A word that marks a response as a tool call, an interrupted reply and so on; empty for a plain reply."""
    if response.kind == "tool-call":
        return " tool"
    if response.status == "cancelled":
        return " barge-in" if response.audio_out else " cancelled"
    return " cut" if response.dropped else ""
