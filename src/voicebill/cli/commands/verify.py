"""Define `voicebill verify`: what other tools say that recorded calls cost, beside what they cost."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from voicebill.answers.invoices.verify import verify
from voicebill.answers.parameters.inputs import QUERY, VERIFY_QUERY
from voicebill.answers.parameters.read_inputs import read_inputs
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.reports.tolerance import verification_excess
from voicebill.answers.reports.verification_handout import verification_handout
from voicebill.billing.errors import InvalidInput
from voicebill.cli.display.handout_text import print_handout
from voicebill.cli.display.plain_lines import print_line
from voicebill.cli.display.table_files import require_handout_file, write_handout
from voicebill.cli.display.terminal import console, print_json
from voicebill.cli.options.calls import reading_warnings
from voicebill.cli.options.inputs import takes_inputs
from voicebill.cli.options.logs import EXIT_DIFFERENT, LogInput, takes_logs
from voicebill.cli.options.shared import ExactOption, JsonOption, PricesOption, load_facts_and_rules, option


@takes_logs
@takes_inputs("query_table", VERIFY_QUERY)
def verify_command(
    *,
    log_input: LogInput,
    query_table: dict[str, Any],
    prices: PricesOption = None,
    out: Annotated[
        Path | None,
        option("--out", "Write the comparison to this .md, .csv or .html file.", QUERY, metavar="FILE"),
    ] = None,
    exact: ExactOption = False,
    as_json: JsonOption = False,
) -> None:
    """Verify what other tools say that calls cost: their amounts beside ours, and the causes of the differences.

    \b
    The amounts in a spend log of LiteLLM; with exit code 1 if the totals differ by more than 1%:
        voicebill verify docs/examples/litellm-spend.jsonl
        voicebill verify docs/examples/litellm-spend.jsonl --tolerance 1%
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    require_handout_file(out)
    values = read_inputs(query_table, VERIFY_QUERY)
    facts, _ = load_facts_and_rules(None, prices)
    query = CostQuery.of({**values, **log_input.defaults}, facts.prices, calls=False)
    if log_input.only_ledger() is not None:
        raise InvalidInput("has no amounts of other tools, which are in logs only", field="ledger")
    report, log_records = log_input.read(facts.prices.model_aliases)
    records = list(log_records)
    report.require_content()
    answer = verify(records, query, facts.prices, tools=report.sources)
    answer = replace(answer, warnings=tuple(reading_warnings(report, report.unread_usage)))
    handout = verification_handout(answer, exact=exact)
    if out is not None:
        write_handout(handout, out)
    if as_json:
        print_json(answer)
    else:
        print_handout(handout, console(exact=exact))
    if (text := verification_excess(answer, values.get("tolerance"))) is not None:
        print_line(text, error=True)
        raise typer.Exit(EXIT_DIFFERENT)
    log_input.exit_if_incomplete(report.unread_usage)
