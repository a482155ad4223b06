"""Report a comparison of one plan: realtime offers, alternatives, and break-even."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction

from voicebill.answers.catalog.facts import Facts
from voicebill.answers.comparison.alternatives import NOT_COMPARED, Alternatives
from voicebill.answers.comparison.break_even import BreakEvenCurve
from voicebill.answers.comparison.compare import Comparison, OfferEstimate
from voicebill.answers.estimates.calculator_bridge import CalculatorBridge
from voicebill.answers.estimates.estimate import Estimate
from voicebill.answers.reports.alternatives import (
    AlternativeReport,
    ImpossibleAlternativeReport,
    PipelinesReport,
    RankedBy,
    alternative_totals,
    ranked_by,
)
from voicebill.answers.reports.bill_lines import CurrencyScenariosReport, ScenariosReport
from voicebill.answers.reports.break_even import BreakEvenCurveReport
from voicebill.answers.reports.connection import ConnectionReport, TotalWithConnectionReport
from voicebill.answers.reports.provenance import OfferReport, currency_values
from voicebill.answers.reports.report import (
    DayText,
    Dollars,
    Ratio,
    Report,
    format_decimal,
    left_out,
    package_version,
)
from voicebill.billing.money import format_dollars


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferInCurrencyReport(Report):
    """The cost of the plan with an offer, in another currency."""

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
    per_month: CurrencyScenariosReport | None
    """Amount per month; null without a volume."""

    @classmethod
    def of(cls, answer: Estimate) -> "OfferInCurrencyReport | None":
        """The amounts of an estimate; None if no exchange rate is configured."""
        currency = answer.model.currency
        if currency is None:
            return None
        return cls(
            **currency_values(answer.model),
            per_conversation=CurrencyScenariosReport.of(answer.per_conversation, currency),
            per_month=CurrencyScenariosReport.or_null(answer.per_month, currency),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferEstimateReport(Report):
    """The cost of the plan with one offer, or the reason why the offer cannot serve it."""

    offer: OfferReport
    """The offer."""
    per_conversation: ScenariosReport | None
    """Dollars per conversation; null if the offer cannot serve the plan."""
    per_minute: ScenariosReport | None
    """Dollars per minute of conversation; null if the offer cannot serve the plan."""
    mean_per_conversation: ScenariosReport | None
    """Mean dollars per conversation, over calls of all lengths, from which `per_month` is computed; null without a volume."""
    per_month: ScenariosReport | None
    """Dollars per month, over calls of all lengths; null without a volume."""
    total_with_connection: TotalWithConnectionReport | None
    """The amounts with connection fees; null if the offer cannot serve the plan. Where only offers are compared, there are no
    such fees."""
    in_currency: OfferInCurrencyReport | None
    """The amounts in another currency; null unless an exchange rate is configured."""
    ratio_to_cheapest: Ratio | None
    """Expected cost / expected cost of the cheapest conversational agent that does not end within 90 days, both per
    `ranked_by` and with connection fees; null if the offer cannot serve the plan. Where only offers are compared (`compare`
    in Python, and `against`): / that of the cheapest such offer, per conversation."""
    ends: DayText | None
    """Day on which the model ends, by the source that is used; null if none is known."""
    ending_soon: bool
    """Whether it ends within 90 days of the day. Unless `include_ending`, such offers follow all others."""
    availability_unconfirmed: bool
    """Whether the vendor lists a price, but not the availability in this deployment."""
    history_assumed: bool
    """Whether it was not measured on this model what the history keeps."""
    warnings: tuple[str, ...]
    """What may make the figures wrong."""
    reason: str | None
    """Why the offer cannot serve the plan; null if it can."""

    @classmethod
    def of(
        cls, candidate: OfferEstimate, ratio: Fraction | None, total: TotalWithConnectionReport | None
    ) -> "OfferEstimateReport":
        """An offer with its ratio to the cheapest, and its amounts with connection fees."""
        answer = candidate.answer
        return cls(
            offer=OfferReport.of(candidate.offer, answer.model.quote if answer else None),
            per_conversation=ScenariosReport.of(answer.per_conversation) if answer else None,
            per_minute=ScenariosReport.of(answer.per_minute) if answer else None,
            mean_per_conversation=ScenariosReport.or_null(answer.mean_per_conversation) if answer else None,
            per_month=ScenariosReport.or_null(answer.per_month) if answer else None,
            total_with_connection=total,
            in_currency=OfferInCurrencyReport.of(answer) if answer else None,
            ratio_to_cheapest=None if ratio is None else format_decimal(ratio),
            ends=candidate.ends.isoformat() if candidate.ends else None,
            ending_soon=candidate.ending_soon,
            availability_unconfirmed=candidate.availability_unconfirmed,
            history_assumed=candidate.history_assumed,
            warnings=answer.warnings if answer else (),
            reason=candidate.reason,
        )

    @classmethod
    def all_of(cls, answer: Comparison, alternatives: Alternatives | None = None) -> "tuple[OfferEstimateReport, ...]":
        """The offers of a comparison, cheapest first; with `alternatives` those among these, with their ratio and fees."""
        shown = answer.candidates if alternatives is None else alternatives.shown(answer.candidates)
        ratio = answer.ratio_to_cheapest if alternatives is None else alternatives.offer_ratio_to_cheapest
        return tuple(
            cls.of(candidate, ratio(candidate), _total_with_connection(candidate, alternatives)) for candidate in shown
        )


def _total_with_connection(candidate: OfferEstimate, alternatives: Alternatives | None) -> TotalWithConnectionReport | None:
    """The amounts of an offer with the connection fees of the alternatives; None if it cannot serve the plan."""
    answer = candidate.answer
    if answer is None:
        return None
    alternative = None if alternatives is None else alternatives.find(candidate.offer.id)
    if alternatives is None or alternative is None:
        return TotalWithConnectionReport.of(answer.total, answer.total_mean, answer.total_per_month)
    return alternative_totals(alternative, alternatives)


@dataclass(frozen=True, slots=True, kw_only=True)
class OffersReport(Report):
    """One plan with each of some realtime offers, the cheapest first."""

    voicebill: str
    """Version of voicebill."""
    offers: tuple[OfferEstimateReport, ...]
    """The offers; those that cannot serve the plan come last."""
    include_ending: bool
    """Whether those that end within 90 days are ranked with the others; if not, they follow the others."""

    @classmethod
    def of(cls, answer: Comparison) -> "OffersReport":
        """A comparison of offers."""
        return cls(voicebill=package_version(), include_ending=answer.include_ending, offers=OfferEstimateReport.all_of(answer))


@dataclass(frozen=True, slots=True, kw_only=True)
class CalculatorStepReport(Report):
    """A difference between the arithmetic of the web calculator of June 2026 and voicebill's."""

    label: str
    """The difference."""
    delta: Dollars
    """Dollars per conversation that it adds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalculatorReport(Report):
    """From the figure of the web calculator of June 2026 to voicebill's, for the cheapest offer."""

    calculator: Dollars
    """Dollars per conversation by the calculator's arithmetic, at today's prices."""
    steps: tuple[CalculatorStepReport, ...]
    """The differences; they add up to that of the two figures."""
    voicebill: Dollars
    """Expected dollars per conversation."""

    @classmethod
    def of(cls, answer: CalculatorBridge) -> "CalculatorReport":
        """The differences of one plan."""
        return cls(
            calculator=format_dollars(answer.calculator),
            steps=tuple(CalculatorStepReport(label=step.label, delta=format_dollars(step.delta)) for step in answer.steps),
            voicebill=format_dollars(answer.voicebill),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonReport(Report):
    """One plan with every alternative, the cheapest first."""

    voicebill: str
    """Version of voicebill."""
    day: DayText
    """Day of the prices and rules."""
    prices: str
    """Digest of the price book."""
    offers: tuple[OfferEstimateReport, ...]
    """Realtime models."""
    ranked_by: RankedBy
    """The amount that determines the order of the alternatives, and every ratio."""
    include_ending: bool
    """Whether those that end within 90 days are ranked with the others; if not, they follow the others."""
    alternatives: tuple[AlternativeReport, ...]
    """Conversational agents."""
    partial_alternatives: tuple[AlternativeReport, ...]
    """Alternatives that do only a part, such as transcription."""
    not_possible: tuple[ImpossibleAlternativeReport, ...]
    """Alternatives that cannot serve the plan."""
    not_compared: str
    """What the comparison leaves out, in a sentence."""
    connection: ConnectionReport | None
    """The connection, which every conversational agent needs in addition; null if no transport and no fee is given."""
    break_even: tuple[BreakEvenCurveReport, ...]
    """Break-even by axis; in the HTTP API empty unless `break_even`, `alternative` or `range` is given."""
    pipelines: PipelinesReport | None = field(default_factory=left_out)
    """The cheapest pipelines; only on the command line, null unless requested."""
    calculator: CalculatorReport | None = field(default_factory=left_out)
    """The web calculator's figure and ours; only on the command line, null unless requested."""
    against: tuple[OfferEstimateReport, ...] | None = field(default_factory=left_out)
    """The realtime models with a second plan; only on the command line, null unless requested."""

    @classmethod
    def of(
        cls, offers: Comparison, answer: Alternatives, curves: Iterable[BreakEvenCurve], facts: Facts, day: date
    ) -> "ComparisonReport":
        """A comparison, without what only the command line adds."""
        return cls(
            voicebill=package_version(),
            day=day.isoformat(),
            prices=facts.prices.digest,
            offers=OfferEstimateReport.all_of(offers, answer),
            ranked_by=ranked_by(answer),
            include_ending=answer.include_ending,
            alternatives=AlternativeReport.all_of(answer.conversational, answer),
            partial_alternatives=AlternativeReport.all_of(answer.partial, answer),
            not_possible=ImpossibleAlternativeReport.all_of(answer),
            not_compared=NOT_COMPARED,
            connection=ConnectionReport.of(answer.connection) if answer.connection else None,
            break_even=tuple(BreakEvenCurveReport.of(curve) for curve in curves),
        )

    def with_extras(
        self,
        *,
        pipelines: tuple[Alternatives, int] | None,
        calculator: CalculatorBridge | None,
        against: Comparison | None,
    ) -> "ComparisonReport":
        """The same comparison, with what the command line adds: pipelines, the web calculator's figure, a second plan."""
        return replace(
            self,
            pipelines=PipelinesReport.of(*pipelines) if pipelines else None,
            calculator=CalculatorReport.of(calculator) if calculator else None,
            against=OfferEstimateReport.all_of(against) if against else None,
        )
