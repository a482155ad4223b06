"""Define `voicebill fit`: a plan fitted to recorded calls."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from voicebill.answers.parameters.inputs import FIT_QUERY, QUERY
from voicebill.answers.parameters.read_inputs import read_inputs
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.reports.fitted_plan_files import lengths_text, plan_text, rules_text
from voicebill.answers.reports.fitted_plan_handout import fit_handout
from voicebill.answers.sessions.fit import Fit
from voicebill.answers.sessions.recorded_models import RecordedModels
from voicebill.cli.display.handout_text import show_answer
from voicebill.cli.display.plain_lines import print_line
from voicebill.cli.display.table_files import require_handout_file, write_handout, write_text
from voicebill.cli.options.calls import calls_shown, reading_warnings
from voicebill.cli.options.engines import usage_of_input
from voicebill.cli.options.inputs import takes_inputs
from voicebill.cli.options.logs import LogInput, MemoryOption, progress_bar, takes_logs
from voicebill.cli.options.shared import (
    DEFAULT_THEME,
    ChartFileOption,
    ChartWidthOption,
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

PLAN_SUFFIX = ".toml"


@takes_logs
@takes_inputs("query_table", FIT_QUERY)
def fit_command(
    *,
    log_input: LogInput,
    query_table: dict[str, Any],
    prices: PricesOption = None,
    rule: RuleOption = None,
    out: Annotated[
        list[Path] | None,
        option(
            "--out",
            "Write the plan to this .toml file, with its rules and call lengths in files next to it; or the table to this .md, "
            ".csv or .html file. Repeatable.",
            QUERY,
            metavar="FILE",
        ),
    ] = None,
    memory: MemoryOption = None,
    chart_file: ChartFileOption = None,
    width: ChartWidthOption = None,
    theme: ThemeOption = DEFAULT_THEME,
    as_json: JsonOption = False,
) -> None:
    """Fit a plan to recorded calls: minutes, turns, speech, tools, interruptions and cache as the logs show them.

    \b
    The plan of a log's calls, and what it costs by today's prices:
        voicebill fit docs/examples/recorded-calls.jsonl.gz --out plan.toml
        voicebill estimate --plan plan.toml --rules plan-rules.toml \\
            --call-lengths plan-lengths.csv
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    require_chart_file(chart_file, width=width is not None, theme=theme != DEFAULT_THEME)
    for file in out or ():
        if file.suffix.lower() != PLAN_SUFFIX:
            require_handout_file(file)
    values = read_inputs(query_table, FIT_QUERY)
    facts, rule_set = load_facts_and_rules(values.get("rules"), prices)
    query = CostQuery.of({**values, **log_input.defaults}, facts.prices, calls=False)
    models = RecordedModels(facts, query, rule_set, parse_overrides(rule))
    with usage_of_input(log_input, facts.prices, memory=memory) as (engine, report, unread):
        from voicebill.engines.fitted_usage import fit_usage  # noqa: PLC0415 - engines need an extra
        from voicebill.engines.session_pool import available_processes  # noqa: PLC0415

        without_usage = 0 if report is None else report.sessions_without_usage
        with progress_bar() as progress:
            answer = fit_usage(
                engine,
                query,
                models,
                without_usage=without_usage,
                processes=available_processes(),
                on_call=calls_shown(progress),
            )
    written = [line for file in out or () for line in _write(answer, file)]
    answer = replace(answer, warnings=(*answer.warnings, *reading_warnings(report, unread)))
    show_answer(
        answer,
        fit_handout(answer),
        chart_file=chart_file,
        chart=lambda draw: draw.fit_chart(answer, parse_theme(theme, width)),
        as_json=as_json,
    )
    for line in () if as_json else written:
        print_line(line)
    log_input.exit_if_incomplete(unread)


def _write(answer: Fit, file: Path) -> Iterator[str]:
    """Write a file, or a plan with the files that belong to it; give the command that uses them.

    Raises:
        InvalidInput: there are too few calls for a plan; or no format has the suffix.
        UnreadableFile: a file cannot be written.
    """
    if file.suffix.lower() != PLAN_SUFFIX:
        write_handout(fit_handout(answer), file)
        return
    write_text(plan_text(answer), file)
    options = [f"--plan {file}"]
    rules, lengths = rules_text(answer), lengths_text(answer)
    if rules:
        rules_file = file.with_name(f"{file.stem}-rules.toml")
        write_text(rules, rules_file)
        options.append(f"--rules {rules_file}")
    if lengths:
        lengths_file = file.with_name(f"{file.stem}-lengths.csv")
        write_text(lengths, lengths_file)
        options.append(f"--call-lengths {lengths_file}")
    yield f"wrote {file}: run voicebill estimate {' '.join(options)}"
