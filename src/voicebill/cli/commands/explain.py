"""Define `voicebill explain`: why recorded calls cost what they did."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from voicebill.answers.parameters.inputs import QUERY, SESSION_QUERY
from voicebill.answers.parameters.read_inputs import read_inputs
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.reports.explanation_handout import explanation_handout
from voicebill.answers.sessions.recorded_models import RecordedModels
from voicebill.cli.display.handout_text import show_answer
from voicebill.cli.display.table_files import require_handout_file, write_handout
from voicebill.cli.options.calls import calls_shown, reading_warnings
from voicebill.cli.options.engines import usage_of_input
from voicebill.cli.options.inputs import takes_inputs
from voicebill.cli.options.logs import LogInput, MemoryOption, progress_bar, takes_logs
from voicebill.cli.options.shared import (
    DEFAULT_THEME,
    ChartFileOption,
    ChartWidthOption,
    ExactOption,
    JsonOption,
    PricesOption,
    RuleOption,
    ThemeOption,
    load_facts_and_rules,
    option,
    parse_overrides,
    parse_theme,
    require_chart_file,
)


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
        option("--out", "Write the explanation to this .md, .csv or .html file.", QUERY, metavar="FILE"),
    ] = None,
    memory: MemoryOption = None,
    chart_file: ChartFileOption = None,
    width: ChartWidthOption = None,
    theme: ThemeOption = DEFAULT_THEME,
    exact: ExactOption = False,
    as_json: JsonOption = False,
) -> None:
    """Explain why recorded calls cost what they did: all of them, or one response by response.

    \b
    The calls of a log, and one of them:
        voicebill explain docs/examples/recorded-calls.jsonl.gz
        voicebill explain docs/examples/recorded-calls.jsonl.gz --session sess_00000073
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    require_chart_file(chart_file, width=width is not None, theme=theme != DEFAULT_THEME)
    require_handout_file(out)
    values = read_inputs(query_table, SESSION_QUERY)
    facts, rule_set = load_facts_and_rules(values.get("rules"), prices)
    query = CostQuery.of({**values, **log_input.defaults}, facts.prices, calls=False)
    models = RecordedModels(facts, query, rule_set, parse_overrides(rule))
    with usage_of_input(log_input, facts.prices, memory=memory) as (engine, report, unread):
        from voicebill.engines.explained_usage import explain_usage  # noqa: PLC0415 - engines need an extra
        from voicebill.engines.session_pool import available_processes  # noqa: PLC0415

        choices = {name: values[name] for name in ("session", "dearest") if name in values}
        with progress_bar() as progress:
            answer = explain_usage(
                engine, query, models, **choices, processes=available_processes(), on_call=calls_shown(progress)
            )
        answer = replace(answer, warnings=tuple(reading_warnings(report, unread)))
    handout = explanation_handout(answer, exact=exact)
    if out is not None:
        write_handout(handout, out)
    show_answer(
        answer,
        handout,
        chart_file=chart_file,
        chart=lambda draw: draw.explanation_chart(answer, parse_theme(theme, width)),
        as_json=as_json,
        exact=exact,
    )
    log_input.exit_if_incomplete(unread)
