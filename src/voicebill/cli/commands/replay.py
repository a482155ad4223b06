"""Define `voicebill replay`: what recorded calls would have cost elsewhere, or with changes."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from voicebill.answers.parameters.inputs import QUERY, RECORD_QUERY, REPLAY_GROUP, REPLAY_QUERY
from voicebill.answers.parameters.read_inputs import read_inputs
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.replay.request import replay_request
from voicebill.answers.reports.replay_handout import replay_handout
from voicebill.answers.sessions.recorded_models import RecordedModels
from voicebill.cli.display.handout_text import show_answer
from voicebill.cli.display.table_files import require_handout_file, write_handout
from voicebill.cli.options.calls import calls_shown, reading_warnings
from voicebill.cli.options.engines import DATABASES, DEFAULT_MASTER, MasterOption, database_of_input, engine_option
from voicebill.cli.options.inputs import takes_inputs
from voicebill.cli.options.logs import LogInput, MemoryOption, progress_bar, takes_logs_to_replay
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
    today,
)

REPEATABLE = ("model", "stack", "script")
_INPUTS = {name: row for name, row in REPLAY_QUERY.items() if name not in REPEATABLE}


def _repeatable(name: str) -> Any:  # noqa: ANN401 - an option
    row = REPLAY_QUERY[name]
    return option(
        f"--{name}", f"{row.help}. Repeatable. (default: {row.default_as_text})", REPLAY_GROUP, metavar=row.kind.metavar
    )


@takes_logs_to_replay
@takes_inputs("query_table", _INPUTS)
def replay_command(
    *,
    log_input: LogInput,
    query_table: dict[str, Any],
    model: Annotated[list[str] | None, _repeatable("model")] = None,
    stack: Annotated[list[str] | None, _repeatable("stack")] = None,
    script: Annotated[list[str] | None, _repeatable("script")] = None,
    prices: PricesOption = None,
    rule: RuleOption = None,
    out: Annotated[
        Path | None,
        option("--out", "Write the replay to this .md, .csv or .html file.", QUERY, metavar="FILE"),
    ] = None,
    engine: Annotated[str, engine_option(*DATABASES)] = "duckdb",
    master: MasterOption = DEFAULT_MASTER,
    memory: MemoryOption = None,
    chart_file: ChartFileOption = None,
    width: ChartWidthOption = None,
    theme: ThemeOption = DEFAULT_THEME,
    exact: ExactOption = False,
    as_json: JsonOption = False,
) -> None:
    """Replay recorded calls: what the same calls would have cost with every offer, or with changes, and why.

    \b
    The calls of a log with all realtime models that are sold today; with one, and a shorter prompt:
        voicebill replay docs/examples/recorded-calls.jsonl.gz
        voicebill replay docs/examples/recorded-calls.jsonl.gz \\
            --model gpt-realtime-mini --script instructions_tokens=500
        voicebill replay docs/examples/recorded-calls.jsonl.gz --savings
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    require_chart_file(chart_file, width=width is not None, theme=theme != DEFAULT_THEME)
    require_handout_file(out)
    lists = {"model": model, "stack": stack, "script": script}
    texts = {name: ",".join(values) for name, values in lists.items() if values}
    values = read_inputs({**query_table, **texts}, REPLAY_QUERY)
    facts, rule_set = load_facts_and_rules(values.get("rules"), prices)
    records = {name: values[name] for name in RECORD_QUERY if name in values}
    query = CostQuery.of({**records, **log_input.defaults}, facts.prices, calls=False)
    request = replay_request({**values, "rules": rule_set}, today=today(), overrides=parse_overrides(rule))
    models = RecordedModels(facts, query, rule_set)
    with database_of_input(log_input, facts.prices, engine, master=master, memory=memory) as (database, report, unread):
        from voicebill.engines.replayed_usage import replay_usage  # noqa: PLC0415 - engines need an extra
        from voicebill.engines.session_pool import available_processes  # noqa: PLC0415

        with progress_bar() as progress:
            answer = replay_usage(
                database,
                query,
                request,
                models,
                sample=values.get("sample"),
                processes=available_processes(),
                on_call=calls_shown(progress),
            )
        answer = replace(answer, warnings=tuple(reading_warnings(report, unread)))
    handout = replay_handout(answer, exact=exact)
    if out is not None:
        write_handout(handout, out)
    show_answer(
        answer,
        handout,
        chart_file=chart_file,
        chart=lambda draw: draw.replay_chart(answer, parse_theme(theme, width)),
        as_json=as_json,
        exact=exact,
    )
    log_input.exit_if_incomplete(unread)
