"""Report an estimate: the cost of a planned conversation, with what it is based on."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from voicebill.answers.estimates.call_mix import CallMix
from voicebill.answers.estimates.costing import COST_COMPONENT_LABELS
from voicebill.answers.estimates.estimate import Estimate
from voicebill.answers.parameters.changed_inputs import changed_inputs
from voicebill.answers.reports.bill_lines import CurrencyScenariosReport, LineReport, ScenariosReport
from voicebill.answers.reports.connection import ConnectionReport, TotalWithConnectionReport
from voicebill.answers.reports.plan import PlanReport, TruncationReport
from voicebill.answers.reports.provenance import (
    OfferReport,
    PricesReport,
    RulesReport,
    currency_values,
    provenance_values,
)
from voicebill.answers.reports.report import (
    DayText,
    Dollars,
    Ratio,
    Report,
    dollars_or_null,
    format_decimal,
    left_out,
    package_version,
    plain_value,
)
from voicebill.answers.sensitivity.recommendations import CheapestTruncation, Recommendation
from voicebill.answers.sensitivity.sensitivity import ParameterEnd, Swing
from voicebill.billing.money import Amount, format_dollars
from voicebill.conversation.call_lengths import LengthDistribution


@dataclass(frozen=True, slots=True, kw_only=True)
class PercentileReport(Report):
    """A percentile of call length, with the cost of a call of that length."""

    percent: int
    """Percent of the calls that are not longer."""
    minutes: float
    """Minutes of such a call."""
    dollars: Dollars
    """Expected dollars of such a call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMixReport(Report):
    """Average cost over calls of different lengths."""

    call_length_cv: str | None
    """Coefficient of variation of the call lengths; null if observed lengths are used."""
    mean: ScenariosReport
    """Mean cost of a call."""
    mean_minutes: float
    """Mean minutes of a call."""
    mean_reconnections: float
    """Mean number of sessions of a call after its first one."""
    length_uplift: Ratio
    """Mean cost over all lengths / cost of the call of average length, minus 1."""
    cap_minutes: float | None
    """Minutes at which calls are cut; null if they are not."""
    cap_by: Literal["session", "context"] | None
    """What cuts them: the length of a session, or the context."""
    cut_share: float
    """Share of the calls that are cut."""
    percentiles: tuple[PercentileReport, ...]
    """Percentiles of the call length, without unconnected and short calls."""
    short_call: Dollars | None
    """Expected dollars of a call that ends after the first turn; null if the plan has none."""

    @classmethod
    def of(cls, answer: CallMix) -> "CallMixReport":
        """The call mix of an estimate."""
        lengths = answer.lengths
        return cls(
            call_length_cv=plain_value(lengths.coefficient) if isinstance(lengths, LengthDistribution) else None,
            mean=ScenariosReport.of(answer.mean),
            mean_minutes=round(answer.mean_minutes, 2),
            mean_reconnections=round(answer.mean_reconnections, 4),
            length_uplift=format_decimal(answer.length_uplift),
            cap_minutes=round(answer.cap.minutes, 2) if answer.cap else None,
            cap_by=answer.cap.by if answer.cap else None,
            cut_share=round(answer.cut_share, 4),
            percentiles=tuple(
                PercentileReport(
                    percent=percentile.percent,
                    minutes=round(percentile.minutes, 2),
                    dollars=format_dollars(percentile.amount),
                )
                for percentile in answer.percentiles
            ),
            short_call=dollars_or_null(answer.short_call),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleEffectReport(Report):
    """The expected cost of a conversation if an uncertain rule has another value."""

    rule: str = field(metadata={"examples": ["reasoning_tokens_per_response"]})
    """Name of the rule."""
    value: int | bool | str
    """The other value, an end of its range."""
    expected: Dollars
    """Expected dollars per conversation with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanningRangeReport(Report):
    """The range for budgets: the cache scenarios and the uncertain rules, combined as independent of each other."""

    low: Dollars
    """Low end, in dollars per conversation."""
    high: Dollars
    """High end, in dollars per conversation."""
    monthly_low: Dollars | None
    """Low end of a month; null without a volume."""
    monthly_high: Dollars | None
    """High end of a month; null without a volume."""
    rules: tuple[RuleEffectReport, ...]
    """The uncertain rules that change the cost, each at the ends of its range."""

    @classmethod
    def of(cls, answer: Estimate) -> "PlanningRangeReport | None":
        """The planning range of an estimate; None where it has none."""
        conversation, month, uncertainty = answer.planning_range, answer.monthly_planning_range, answer.rule_uncertainty
        if conversation is None or uncertainty is None:
            return None
        return cls(
            low=format_dollars(conversation.low),
            high=format_dollars(conversation.high),
            monthly_low=dollars_or_null(month.low if month else None),
            monthly_high=dollars_or_null(month.high if month else None),
            rules=tuple(
                RuleEffectReport(rule=row.parameter, value=plain_value(row.value), expected=format_dollars(row.amount))
                for row in uncertainty.effects
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CostComponentReport(Report):
    """A component of the cost breakdown."""

    component: str = field(metadata={"examples": ["reread_history"]})
    """Name of the component."""
    label: str
    """Name of the component as people read it."""
    dollars: Dollars
    """Expected dollars of the component in one conversation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateInCurrencyReport(Report):
    """The amounts of an estimate in another currency."""

    currency: str
    """Code of the currency, such as EUR."""
    per_dollar: str
    """Units of the currency per dollar."""
    since: str
    """First day of this exchange rate."""
    source: str
    """Source of the exchange rate."""
    per_conversation: CurrencyScenariosReport
    """Amount per conversation."""
    per_minute: CurrencyScenariosReport
    """Amount per minute of conversation."""
    per_month: CurrencyScenariosReport | None
    """Amount per month; null without a volume."""
    per_year: CurrencyScenariosReport | None
    """Amount per year; null without a volume."""

    @classmethod
    def of(cls, answer: Estimate) -> "EstimateInCurrencyReport | None":
        """The amounts of an estimate; None if no exchange rate is configured."""
        currency = answer.model.currency
        if currency is None:
            return None
        return cls(
            **currency_values(answer.model),
            per_conversation=CurrencyScenariosReport.of(answer.per_conversation, currency),
            per_minute=CurrencyScenariosReport.of(answer.per_minute, currency),
            per_month=CurrencyScenariosReport.or_null(answer.per_month, currency),
            per_year=CurrencyScenariosReport.or_null(answer.per_year, currency),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityEndReport(Report):
    """A low or high value of an assumption."""

    value: str
    """The value, with its unit."""
    delta: Dollars | None
    """Change of the expected dollars per conversation; null if the provider rejects the value."""

    @classmethod
    def of(cls, end: ParameterEnd, delta: Amount | None) -> "SensitivityEndReport":
        """One end of a parameter's range."""
        return cls(value=end.label, delta=dollars_or_null(delta))


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityParameterReport(Report):
    """Sensitivity of the expected cost to one assumption; both values are simulated."""

    name: str
    """Name of the assumption."""
    label: str
    """Name of the assumption as people read it."""
    low: SensitivityEndReport
    """Its low value."""
    high: SensitivityEndReport
    """Its high value."""
    basis: str
    """Why these two values."""

    @classmethod
    def of(cls, swing: Swing) -> "SensitivityParameterReport":
        """The swing of one parameter."""
        parameter = swing.parameter
        return cls(
            name=parameter.name,
            label=parameter.label,
            low=SensitivityEndReport.of(parameter.low, swing.low),
            high=SensitivityEndReport.of(parameter.high, swing.high),
            basis=parameter.basis,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommendationReport(Report):
    """A change that makes the plan cheaper."""

    change: str
    """The change."""
    savings: Dollars
    """Expected dollars that it saves per conversation."""
    trade_off: str
    """What is lost by it."""
    inputs: dict[str, str]
    """The inputs of the plan that it changes, as they can be given; an empty text: leave the input out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheapestTruncationReport(Report):
    """The cheapest truncation setting that remembers enough turns."""

    truncation: TruncationReport
    """The setting."""
    expected: Dollars
    """Expected dollars per conversation with it."""
    remembered_turns: int
    """Number of earlier turns that it always keeps."""

    @classmethod
    def of(cls, cheapest: CheapestTruncation) -> "CheapestTruncationReport":
        """A truncation setting with its cost."""
        return cls(
            truncation=TruncationReport.of(cheapest.truncation),
            expected=format_dollars(cheapest.expected),
            remembered_turns=cheapest.remembered_turns,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateReport(Report):
    """Expected cost of a planned conversation."""

    voicebill: str
    """Version of voicebill."""
    per_conversation: ScenariosReport
    """Dollars per conversation, for the models."""
    per_minute: ScenariosReport
    """Dollars per minute of conversation, silence included."""
    mean_per_conversation: ScenariosReport | None
    """Mean dollars per conversation, over calls of all lengths, from which `per_month` and `per_year` are computed; null
    without a volume."""
    per_month: ScenariosReport | None
    """Dollars per month, over calls of all lengths; null without a volume."""
    included_per_month: Dollars | None
    """Dollars of the minutes that a month of the offer includes: `per_month` is less by that. Null without a volume."""
    per_year: ScenariosReport | None
    """Dollars per year, over calls of all lengths; null without a volume."""
    planning_range: PlanningRangeReport | None
    """Range for budgets; null where the estimate is one of several that are compared."""
    call_mix: CallMixReport | None
    """Average over calls of different lengths; null without a volume and without call lengths."""
    lines: tuple[LineReport, ...]
    """The expected bill of one conversation."""
    breakdown: tuple[CostComponentReport, ...]
    """Cost breakdown; adds up to the expected amount."""
    warnings: tuple[str, ...]
    """What may make the figures wrong."""
    assumptions: tuple[str, ...]
    """What was assumed."""
    plan: PlanReport
    """The plan, with the values that it left open."""
    responses: int
    """Charged model calls in one conversation."""
    connection: ConnectionReport | None
    """The connection; null if no transport and no fee is given."""
    total_with_connection: TotalWithConnectionReport
    """Model cost plus connection fees."""
    in_currency: EstimateInCurrencyReport | None
    """The amounts in another currency; null unless an exchange rate is configured."""
    day: DayText
    """Day of the prices and rules."""
    currency: Literal["USD"]
    """Currency of all other amounts."""
    offer: OfferReport
    """The voice model's offer."""
    transcription_offer: OfferReport | None
    """The transcription model's offer; null without transcription."""
    prices: PricesReport
    """The prices in use."""
    rules: RulesReport
    """The rules in use."""
    sensitivity: tuple[SensitivityParameterReport, ...] = field(default_factory=left_out)
    """Sensitivity to each assumption, the largest first; only on request."""
    recommendations: tuple[RecommendationReport, ...] = field(default_factory=left_out)
    """Changes that make the plan cheaper; only on request."""
    cheapest_truncation: CheapestTruncationReport = field(default_factory=left_out)
    """The cheapest truncation setting that remembers enough; only on the command line, on request."""

    @classmethod
    def of(cls, answer: Estimate) -> "EstimateReport":
        """An estimate, without its sensitivity."""
        return cls(
            voicebill=package_version(),
            per_conversation=ScenariosReport.of(answer.per_conversation),
            per_minute=ScenariosReport.of(answer.per_minute),
            mean_per_conversation=ScenariosReport.or_null(answer.mean_per_conversation),
            per_month=ScenariosReport.or_null(answer.per_month),
            included_per_month=dollars_or_null(None if answer.volume is None else answer.included),
            per_year=ScenariosReport.or_null(answer.per_year),
            planning_range=PlanningRangeReport.of(answer),
            call_mix=CallMixReport.of(answer.call_mix) if answer.call_mix else None,
            lines=(
                *LineReport.all_of(answer.lines, answer.model.quote),
                *LineReport.all_of(answer.transcription_lines, answer.model.transcription),
            ),
            breakdown=tuple(
                CostComponentReport(
                    component=part.name, label=COST_COMPONENT_LABELS[part.name], dollars=format_dollars(part.amount)
                )
                for part in answer.breakdown
            ),
            warnings=answer.warnings,
            assumptions=answer.assumptions,
            plan=PlanReport.with_volume(answer.plan, answer.conversation, answer.volume),
            responses=len(answer.conversation.responses),
            connection=ConnectionReport.of(answer.connection) if answer.connection else None,
            total_with_connection=TotalWithConnectionReport.of(answer.total, answer.total_mean, answer.total_per_month),
            in_currency=EstimateInCurrencyReport.of(answer),
            **provenance_values(answer.model),
        )

    def with_sensitivity(
        self, answer: Estimate, swings: Iterable[Swing], recommendations: Iterable[Recommendation]
    ) -> "EstimateReport":
        """The same estimate, with its sensitivity and with recommendations."""
        return replace(
            self,
            sensitivity=tuple(SensitivityParameterReport.of(swing) for swing in swings),
            recommendations=tuple(
                RecommendationReport(
                    change=recommendation.change,
                    savings=format_dollars(recommendation.savings),
                    trade_off=recommendation.trade_off,
                    inputs=changed_inputs(answer.plan, recommendation.plan, answer.model.selection, recommendation.selection),
                )
                for recommendation in recommendations
            ),
        )

    def with_truncation(self, cheapest: CheapestTruncation) -> "EstimateReport":
        """The same estimate, with the cheapest truncation setting."""
        return replace(self, cheapest_truncation=CheapestTruncationReport.of(cheapest))
