"""Build the document of a fitted plan, which the terminal and files show."""

from collections.abc import Iterator

from voicebill.answers.escaping import CsvCell
from voicebill.answers.parsing.quantities import format_percent, pluralize
from voicebill.answers.reports.handout import Handout, HandoutSection, HandoutTable, note_sections
from voicebill.answers.reports.report import package_version
from voicebill.answers.sessions.fit import Backtest, Fit
from voicebill.answers.sessions.fitted_parameters import ParameterEstimate, ParameterUnit

FIT_RECORD_COLUMNS = ("parameter", "value", "low", "high", "calls", "unit", "default", "note")
FIT_BASIS = "Estimated from recorded usage; each interval holds its parameter in 99 of 100 cases."


def fit_handout(answer: Fit) -> Handout:
    """The document of a fit. Its records are the parameters."""
    return Handout(
        title="A plan fitted to recorded calls",
        summary=_summary(answer),
        sections=tuple(_sections(answer)),
        records=(FIT_RECORD_COLUMNS, *map(_record, answer.parameters)),
        version=package_version(),
        basis=FIT_BASIS,
    )


def _summary(answer: Fit) -> str:
    if answer.plan is None:
        return "No plan: there are too few calls."
    return f"Fitted to {pluralize(answer.calls, 'call')} of {answer.model}."


def _sections(answer: Fit) -> Iterator[HandoutSection]:
    if answer.parameters:
        rows = tuple(map(_row, answer.parameters))
        yield HandoutSection(
            "Parameters",
            table=HandoutTable(("parameter", "value", "99% interval", "calls", "default"), rows, main_columns=(1,)),
        )
        open_parameters = [f"{entry.label}: {entry.note}" for entry in answer.parameters if entry.value is None and entry.note]
        yield from note_sections(("Not known", open_parameters))
    if answer.backtest is not None:
        yield HandoutSection("Backtest", terms=tuple(_backtest_terms(answer.backtest)))
    if answer.unusable:
        reasons = tuple((entry.reason, f"{entry.calls:,}", ", ".join(entry.names)) for entry in answer.unusable)
        yield HandoutSection(
            "Calls that are not used", table=HandoutTable(("reason", "calls", "such as"), reasons, text_columns=(2,))
        )
    others = (
        f"{pluralize(entry.calls, 'call')} of {entry.model} not used: fit that with --where 'model = {entry.model}'"
        for entry in answer.other_models
    )
    yield from note_sections(("Warnings", (*answer.warnings, *others)))


def _backtest_terms(test: Backtest) -> Iterator[tuple[str, str]]:
    yield "fitted to", f"the earlier {test.earlier_calls:,} calls, tried on the later {test.later_calls:,}"
    yield "a call on average", f"${test.forecast_mean:.4g} forecast, ${test.recorded_mean:.4g} recorded: {test.error:+.1%}"
    yield "in sum", f"${test.forecast_sum:,.2f} forecast, ${test.recorded_sum:,.2f} recorded"
    yield "by chance", f"up to ±{test.sampling_error:.1%} in 99 of 100 cases"
    yield "a single call", f"{test.call_error:.1%} off at the median, if its length is known"


def _row(entry: ParameterEstimate) -> tuple[str, ...]:
    if entry.value is None or entry.low is None or entry.high is None:
        return entry.label, "not known", "", f"{entry.calls:,}", entry.default
    interval = f"{_text(entry.low, entry.unit)} to {_text(entry.high, entry.unit)}"
    return entry.label, _text(entry.value, entry.unit), interval, f"{entry.calls:,}", entry.default


def _text(value: float, unit: ParameterUnit) -> str:
    if unit == "share":
        return f"{100 * value:.3g}%" if value else format_percent(0)
    if unit == "dollars":
        return f"${value:.4g}"
    return f"{value:,.0f}" if unit == "tokens" and value >= 1000 else f"{value:.4g}"


def _record(entry: ParameterEstimate) -> tuple[CsvCell, ...]:
    numbers = ("" if number is None else f"{number:.6g}" for number in (entry.value, entry.low, entry.high))
    return (entry.name, *numbers, entry.calls, entry.unit, entry.default, entry.note)
