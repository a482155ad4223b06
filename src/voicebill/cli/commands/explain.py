"""Define `voicebill explain`: why recorded calls cost what they did."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from voicebill.answers.parameters.inputs import DEAREST_CALLS, SESSION_QUERY
from voicebill.answers.parameters.read_inputs import read_inputs
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.recorded.unread_usage import UnreadUsage
from voicebill.answers.reports.explanation_handout import call_explanation_handout, log_explanation_handout
from voicebill.answers.reports.handout import Handout
from voicebill.answers.sessions.log_explanation import LogExplanation, explain_call, explain_log
from voicebill.answers.sessions.recorded_models import RecordedModels
from voicebill.answers.sessions.recorded_session import RecordedSession
from voicebill.answers.sessions.session_explanation import SessionExplanation
from voicebill.cli.display import terminal
from voicebill.cli.display.handout_text import print_handout
from voicebill.cli.display.table_files import write_handout
from voicebill.cli.options.engines import usage_of_input
from voicebill.cli.options.inputs import takes_inputs
from voicebill.cli.options.logs import LogInput, MemoryOption, progress_bar, takes_logs
from voicebill.cli.options.shared import (
    ExactOption,
    JsonOption,
    PricesOption,
    RuleOption,
    load_facts_and_rules,
    option,
    parse_overrides,
)

if TYPE_CHECKING:
    from voicebill.engines.in_duckdb import DuckDBEngine
    from voicebill.logs.report import ReadReport

QUERY_PANEL = "Query"
CALLS_PER_UPDATE = 50


@takes_logs
@takes_inputs("query_table", SESSION_QUERY)
def explain_command(
    *,
    log_input: LogInput,
    query_table: dict[str, Any],
    prices: PricesOption = None,
    rule: RuleOption = None,
    out: Annotated[
        Path | None,
        option("--out", "Write the explanation to this .md, .csv or .html file.", QUERY_PANEL, metavar="FILE"),
    ] = None,
    memory: MemoryOption = None,
    exact: ExactOption = False,
    as_json: JsonOption = False,
) -> None:
    """Explain why recorded calls cost what they did: all of them, or one response by response.

    \b
    The calls of a log, and one of them:
        voicebill explain docs/examples/recorded-calls.jsonl.gz
        voicebill explain docs/examples/recorded-calls.jsonl.gz --session sess_04200003
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    values = read_inputs(query_table, SESSION_QUERY)
    facts, rule_set = load_facts_and_rules(values.get("rules"), prices)
    query = CostQuery.of({**values, **log_input.defaults}, facts.prices, calls=False)
    models = RecordedModels(facts, query, rule_set, parse_overrides(rule))
    with usage_of_input(log_input, facts.prices, memory=memory) as (engine, report, unread):
        answer = replace(_explain(engine, query, models, values), warnings=tuple(_warnings(report, unread)))
    if out is not None:
        write_handout(_handout(answer, exact=exact), out)
    if as_json:
        terminal.print_json(answer)
    else:
        console = terminal.console(exact=exact)
        print_handout(_handout(answer, exact=exact), console)
    log_input.exit_if_incomplete(unread)


def _explain(
    engine: "DuckDBEngine", query: CostQuery, models: RecordedModels, values: Mapping[str, Any]
) -> LogExplanation | SessionExplanation:
    from voicebill.engines.recorded_sessions import (  # noqa: PLC0415 - engines need an extra
        count_without_session,
        recorded_sessions,
    )

    def sessions(name: str | None = None) -> Iterable[RecordedSession]:
        return recorded_sessions(engine, query, name)

    if "session" in values:
        return explain_call(values["session"], sessions, models)
    with progress_bar() as progress:
        return explain_log(
            sessions,
            models,
            dearest=values.get("dearest", DEAREST_CALLS),
            records_without_session=count_without_session(engine, query),
            on_call=lambda calls: progress(None, f"{calls:,} calls") if calls % CALLS_PER_UPDATE == 0 else None,
        )


def _warnings(report: "ReadReport | None", unread: UnreadUsage | None) -> Iterator[str]:
    if unread is not None:
        yield unread.warning
    if report is not None:
        from voicebill.logs.report_text import report_notes  # noqa: PLC0415 - reading logs needs an extra

        yield from report_notes(report)


def _handout(answer: LogExplanation | SessionExplanation, *, exact: bool) -> Handout:
    if isinstance(answer, SessionExplanation):
        return call_explanation_handout(answer, exact=exact)
    return log_explanation_handout(answer, exact=exact)
