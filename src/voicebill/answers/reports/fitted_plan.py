"""Report a plan fitted to recorded calls: each parameter with its interval and its default, and the backtest."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from voicebill.answers.reports.explanation import UnusableCallsReport
from voicebill.answers.reports.fitted_plan_files import plan_values
from voicebill.answers.reports.report import Ratio, Report, format_decimal, package_version, plain_value
from voicebill.answers.sessions.fit import Backtest, Fit
from voicebill.answers.sessions.fitted_parameters import ParameterEstimate, ParameterUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedParameterReport(Report):
    """A parameter as the calls show it."""

    name: str
    """Name; that of the plan's field or the rule, where it is one."""
    label: str
    """What it is, in words."""
    unit: ParameterUnit
    """Unit."""
    value: Ratio | None
    """Value; null if the log does not determine it."""
    low: Ratio | None
    """Lower end of the 99% interval."""
    high: Ratio | None
    """Upper end of the 99% interval."""
    calls: int
    """Calls from which it is estimated."""
    default: str
    """Default that it replaces; empty without one."""
    note: str
    """Why it is not determined, or what the interval contains."""

    @classmethod
    def of(cls, entry: ParameterEstimate) -> "FittedParameterReport":
        """A parameter."""
        return cls(
            name=entry.name,
            label=entry.label,
            unit=entry.unit,
            value=_ratio_or_null(entry.value),
            low=_ratio_or_null(entry.low),
            high=_ratio_or_null(entry.high),
            calls=entry.calls,
            default=entry.default,
            note=entry.note,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestReport(Report):
    """A plan fitted to the earlier half of the calls, tried on the later half."""

    earlier_calls: int
    """Calls to which the plan was fitted."""
    later_calls: int
    """Calls that it was to forecast."""
    forecast_dollars: Ratio
    """Forecast mean cost of a call."""
    recorded_dollars: Ratio
    """Recorded mean cost of a call."""
    forecast_sum_dollars: Ratio
    """Forecast sum of the later calls."""
    recorded_sum_dollars: Ratio
    """Recorded sum of the later calls."""
    error: Ratio
    """Error of the forecast in sum, as a share of the recorded sum."""
    sampling_error: Ratio
    """Difference that two samples of these sizes have by chance in 99 of 100 cases at most, as such a share."""
    call_error: Ratio
    """Median error of the forecast of a single call whose length is known, as a share of what it cost."""

    @classmethod
    def of(cls, test: Backtest) -> "BacktestReport":
        """A backtest."""
        return cls(
            earlier_calls=test.earlier_calls,
            later_calls=test.later_calls,
            forecast_dollars=_ratio(test.forecast_mean),
            recorded_dollars=_ratio(test.recorded_mean),
            forecast_sum_dollars=_ratio(test.forecast_sum),
            recorded_sum_dollars=_ratio(test.recorded_sum),
            error=_ratio(test.error),
            sampling_error=_ratio(test.sampling_error),
            call_error=_ratio(test.call_error),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FitReport(Report):
    """A plan fitted to recorded calls."""

    voicebill: str
    """Version of voicebill."""
    model: str | None
    """Model whose calls are fitted, as the log names it; null without calls."""
    calls: int
    """Calls of this model that are used."""
    parameters: tuple[FittedParameterReport, ...]
    """Parameters; none with too few calls."""
    plan: Mapping[str, object] | None
    """Keys of the plan, as a plan file has them; null with too few calls."""
    rules: Mapping[str, Ratio]
    """Rules that the calls show."""
    call_lengths: tuple[tuple[Ratio, int], ...]
    """Lengths of the calls in minutes, each with the number of calls."""
    backtest: BacktestReport | None
    """The plan tried on later calls; null with too few calls."""
    other_models: Mapping[str, int]
    """Calls of other models, which are not used."""
    unusable: tuple[UnusableCallsReport, ...]
    """Calls that cannot be used, by reason."""
    warnings: tuple[str, ...]
    """What to know about the plan, and about how the log was read."""

    @classmethod
    def of(cls, answer: Fit) -> "FitReport":
        """A fit."""
        lengths = () if answer.lengths is None else answer.lengths.counts
        others: dict[str, int] = {}
        for entry in answer.other_models:
            others[entry.model] = others.get(entry.model, 0) + entry.calls
        return cls(
            voicebill=package_version(),
            model=answer.model,
            calls=answer.calls,
            parameters=tuple(map(FittedParameterReport.of, answer.parameters)),
            plan=None if answer.plan is None else {name: plain_value(value) for name, value in plan_values(answer).items()},
            rules={name: plain_value(value) for name, value in answer.rule_values.items()},
            call_lengths=tuple((format_decimal(Fraction(minutes)), count) for minutes, count in lengths),
            backtest=None if answer.backtest is None else BacktestReport.of(answer.backtest),
            other_models=others,
            unusable=tuple(map(UnusableCallsReport.of, answer.unusable)),
            warnings=answer.warnings,
        )


def _ratio(value: float) -> str:
    return format_decimal(Fraction(value))


def _ratio_or_null(value: float | None) -> str | None:
    return None if value is None else _ratio(value)
