"""Define `voicebill reconcile`: recorded usage beside a vendor's bill, and the causes of the difference."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from voicebill.answers.invoices.request import reconcile_request
from voicebill.answers.parameters.inputs import QUERY, RECONCILE_QUERY
from voicebill.answers.parameters.read_inputs import read_inputs
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.reports.reconciliation_handout import reconciliation_handout
from voicebill.answers.reports.tolerance import reconciliation_excess
from voicebill.billing.errors import InvalidInput
from voicebill.cli.display.handout_text import print_handout
from voicebill.cli.display.plain_lines import print_line
from voicebill.cli.display.table_files import require_handout_file, write_handout
from voicebill.cli.display.terminal import console, print_json
from voicebill.cli.options.calls import reading_warnings
from voicebill.cli.options.engines import DATABASES, DEFAULT_MASTER, MasterOption, database_of_input, engine_option
from voicebill.cli.options.inputs import takes_inputs
from voicebill.cli.options.logs import EXIT_DIFFERENT, LogInput, MemoryOption, takes_bills_and_logs
from voicebill.cli.options.shared import ExactOption, JsonOption, PricesOption, home_files, option
from voicebill.facts import load_facts


@takes_bills_and_logs
@takes_inputs("query_table", RECONCILE_QUERY)
def reconcile_command(
    *,
    log_input: LogInput,
    query_table: dict[str, Any],
    prices: PricesOption = None,
    out: Annotated[
        Path | None,
        option("--out", "Write the comparison to this .md, .csv or .html file.", QUERY, metavar="FILE"),
    ] = None,
    engine: Annotated[str, engine_option(*DATABASES)] = "duckdb",
    master: MasterOption = DEFAULT_MASTER,
    memory: MemoryOption = None,
    exact: ExactOption = False,
    as_json: JsonOption = False,
) -> None:
    """Reconcile recorded usage with a vendor's bill: by how much they differ, and why.

    Bills are told from logs by their content; with a ledger every file is a bill.

    \b
    A log and a bill, by project; a ledger and the exports of a month, with exit
    code 1 beyond 1%:
        voicebill reconcile docs/examples/molar-calls.csv.gz \\
            docs/examples/molar-azure.csv.gz --by account,model
        voicebill reconcile --ledger ledger september.csv.gz --tolerance 1%
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    from voicebill.engines.invoiced_usage import reconcile_usage  # noqa: PLC0415 - engines and bills need an extra
    from voicebill.logs.bills.bill_report import BillReport  # noqa: PLC0415
    from voicebill.logs.bills.read_bills import read_bills  # noqa: PLC0415

    require_handout_file(out)
    values = read_inputs(query_table, RECONCILE_QUERY)
    price_book = load_facts(*home_files(), *(prices or ())).prices
    query = CostQuery.of({"where": values.get("where"), **log_input.defaults}, price_book, calls=False)
    bills, logs = _split_input(log_input)
    bill_report = BillReport()
    with database_of_input(replace(log_input, logs=logs), price_book, engine, master=master, memory=memory) as usage:
        database, report, unread = usage
        charges = read_bills(*bills, report=bill_report)
        answer = reconcile_usage(database, query, charges, price_book, reconcile_request(values))
    warnings = (*bill_report.notes(), *reading_warnings(report, unread), *answer.warnings)
    answer = replace(answer, warnings=warnings)
    handout = reconciliation_handout(answer, exact=exact)
    if out is not None:
        write_handout(handout, out)
    if as_json:
        print_json(answer)
    else:
        print_handout(handout, console(exact=exact))
    if (text := reconciliation_excess(answer, values.get("tolerance"))) is not None:
        print_line(text, error=True)
        raise typer.Exit(EXIT_DIFFERENT)
    log_input.exit_if_incomplete(unread)


def _split_input(log_input: LogInput) -> tuple[Sequence[str], list[str] | None]:
    """The files that are bills, and the others; with a ledger all files are bills.

    Raises:
        InvalidInput: no file is a bill.
    """
    from voicebill.logs.bills.read_bills import split_bills  # noqa: PLC0415 - bills need an extra

    files = log_input.logs or []
    bills, logs = split_bills(files) if log_input.ledger is None else (files, None)
    if not bills and files:
        raise InvalidInput(f"no bill is among the files ({', '.join(files)}): none has the columns or keys of an export")
    if not bills:
        raise InvalidInput("no bill is named: BILL..., beside LOG... or a ledger with --ledger DIR")
    return bills, logs
