"""Estimate the cost of a planned conversation, with its breakdown, assumptions and warnings."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import ClassVar

from voicebill.answers.answer import Answer
from voicebill.answers.catalog.facts import Facts
from voicebill.answers.connectivity.call_fees import MonthlyCalls
from voicebill.answers.connectivity.transport import ConnectionCosts, ConnectionEstimate, estimate_connection
from voicebill.answers.estimates import caveats
from voicebill.answers.estimates.call_mix import CallMix, CountedPopulation, call_mix, count_population
from voicebill.answers.estimates.costing import CostComponent, cost_components, price_transcription, priced_lines
from voicebill.answers.estimates.counted_conversation import CountedConversation, count_plan
from voicebill.answers.estimates.model_selection import ModelSelection, ResolvedModel, resolve_model
from voicebill.answers.estimates.planning_range import AmountRange, RuleUncertainty, rule_uncertainty
from voicebill.answers.estimates.scenarios import Scenarios, conversation_costs
from voicebill.billing.bill import Line
from voicebill.billing.money import format_amount
from voicebill.conversation.call_lengths import CallLengths, LengthDistribution
from voicebill.conversation.call_population import planned_minutes, session_cap
from voicebill.conversation.context import session_limit_ms
from voicebill.conversation.plan import Plan
from voicebill.conversation.volume import MONTHS_PER_YEAR, Volume, require_volume


@dataclass(frozen=True)
class Estimate(Answer):
    """The cost of a planned conversation. `lines` are those of the expected bill; the components of `breakdown` add up to it.

    `connection` has the transport and the fees of carriers and platforms, if a transport or a fee is given.
    `included` is the price of the minutes that a month includes without charge, as far as they are used, in picodollars.
    `rule_uncertainty` has the effects of uncertain rules; None where an estimate is one of many that are compared.
    """

    REPORT: ClassVar = "estimate:EstimateReport"

    plan: Plan
    model: ResolvedModel
    volume: Volume | None
    call_mix: CallMix | None
    conversation: CountedConversation
    per_conversation: Scenarios
    lines: tuple[Line, ...]
    transcription_lines: tuple[Line, ...]
    breakdown: tuple[CostComponent, ...]
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]
    connection: ConnectionEstimate | None = None
    rule_uncertainty: RuleUncertainty | None = None
    included: Fraction = Fraction(0)

    @cached_property
    def planning_range(self) -> AmountRange | None:
        """The range per conversation for budgets, connection fees included: cache scenarios and uncertain rules together."""
        if self.rule_uncertainty is None:
            return None
        fees = self.connection.per_conversation if self.connection else 0
        return self.rule_uncertainty.planning_range(self.per_conversation).plus(fees)

    @cached_property
    def monthly_planning_range(self) -> AmountRange | None:
        """The same range for a month; None without a volume."""
        if self.rule_uncertainty is None or self.per_month is None:
            return None
        fees = (self.connection.per_month or 0) if self.connection else 0
        return self.rule_uncertainty.planning_range(self.per_month).plus(fees)

    @cached_property
    def minutes(self) -> Fraction:
        """The minutes of the planned call: those of the session, if it ends with one before."""
        limit_ms = session_limit_ms(self.plan, self.conversation.rules)
        return planned_minutes(self.plan, session_cap(self.plan, limit_ms / 60_000))

    @cached_property
    def total(self) -> Scenarios:
        """Per conversation, including connection fees."""
        return self.per_conversation.plus(self.connection.per_conversation if self.connection else 0)

    @cached_property
    def total_per_month(self) -> Scenarios | None:
        """Per month, including connection fees; None without a volume."""
        return self.per_month.plus(self.connection.per_month or 0) if self.per_month and self.connection else self.per_month

    @property
    def total_per_minute(self) -> Scenarios:
        """Per minute of conversation, including connection fees."""
        return self.total.per_minute(self.minutes)

    @property
    def total_mean(self) -> Scenarios | None:
        """The mean over calls of all lengths, including connection fees per call; None without a volume."""
        mean, connection = self.mean_per_conversation, self.connection
        return mean.plus(connection.mean_per_conversation or 0) if mean and connection else mean

    @property
    def total_per_year(self) -> Scenarios | None:
        """Per year, including connection fees; None without a volume."""
        return None if self.total_per_month is None else self.total_per_month.scaled(Fraction(MONTHS_PER_YEAR))

    @cached_property
    def per_minute(self) -> Scenarios:
        """Per minute of conversation, silence included."""
        return self.per_conversation.per_minute(self.minutes)

    @cached_property
    def per_month(self) -> Scenarios | None:
        """At the given volume, over calls of all lengths; None without a volume."""
        return None if self.volume is None else self._mean_conversation.scaled(self.volume.per_month).plus(-self.included)

    @cached_property
    def per_year(self) -> Scenarios | None:
        """At the given volume, as `per_month`."""
        if self.volume is None:
            return None
        return self._mean_conversation.scaled(self.volume.per_year).plus(-MONTHS_PER_YEAR * self.included)

    @property
    def mean_per_conversation(self) -> Scenarios | None:
        """The mean over calls of all lengths, from which `per_month` and `per_year` are computed; None without a volume."""
        return None if self.volume is None else self._mean_conversation

    @property
    def _mean_conversation(self) -> Scenarios:
        return self.per_conversation if self.call_mix is None else self.call_mix.mean


def estimate(
    plan: Plan,
    selection: ModelSelection,
    facts: Facts,
    volume: Volume | None = None,
    lengths: LengthDistribution | CallLengths | None = None,
    *,
    connection_costs: ConnectionCosts | None = None,
) -> Estimate:
    """Estimate the cost of a planned conversation with a model on a day.

    `lengths` is the distribution of call lengths, for months and years; with a volume and no `lengths`, one is assumed.
    `connection_costs` are fees in addition to the models: carrier, bandwidth, platforms.

    >>> from datetime import date
    >>> from voicebill.facts import load_facts
    >>> selection = ModelSelection(model="gpt-realtime-1.5", day=date(2026, 11, 22))
    >>> answer = estimate(Plan(minutes=10, turns=20), selection, load_facts())
    >>> answer.per_conversation.best <= answer.per_conversation.expected <= answer.per_conversation.worst
    True

    Raises:
        UnknownName: the model, provider, deployment, region or rule set is unknown.
        NotAvailable: no such offer is available on that day.
        Unpriced: the plan uses a meter that has no price.
        ContextOverflow: the provider would end the conversation with an error.
        InvalidInput: the volume is not a Volume.
    """
    require_volume(volume)
    model = resolve_model(selection, plan.transcription_model, facts)
    call_lengths = lengths_or_default(volume, lengths)
    population = None if call_lengths is None else count_population(plan, call_lengths, model)
    conversation = count_plan(plan, model, population.counts if population else None)
    answer = estimate_from_counts(plan, model, conversation, volume, population, lengths_specified=lengths is not None)
    uncertainty = rule_uncertainty(plan, model, answer.per_conversation)
    other_history = caveats.other_history(uncertainty, model.effective_rules)
    cut = caveats.planned_call_cut(plan, answer.minutes)
    costs = connection_costs or ConnectionCosts()
    has_connection = plan.transport is not None or costs.is_specified
    return replace(
        answer,
        rule_uncertainty=uncertainty,
        connection=_connection_estimate(answer, costs, call_lengths) if has_connection else None,
        assumptions=(*answer.assumptions, *other_history),
        warnings=(*answer.warnings, *cut, *(caveats.carrier_without_sip(plan, costs) if has_connection else ())),
    )


def _connection_estimate(
    answer: Estimate, connection_costs: ConnectionCosts, lengths: LengthDistribution | CallLengths | None
) -> ConnectionEstimate:
    cap = answer.call_mix.cap if answer.call_mix else None
    monthly_calls = MonthlyCalls(answer.volume.per_month, lengths, cap.minutes if cap else None) if answer.volume else None
    catalog, day = answer.model.facts.transport_catalog, answer.model.selection.day
    return estimate_connection(answer.plan, connection_costs, catalog, day, monthly_calls, minutes=answer.minutes)


def lengths_or_default(
    volume: Volume | None, lengths: LengthDistribution | CallLengths | None
) -> LengthDistribution | CallLengths | None:
    """The distribution of call lengths: the given one, else the assumed one if there is a volume, else None."""
    return LengthDistribution() if lengths is None and volume is not None else lengths


def estimate_from_counts(
    plan: Plan,
    model: ResolvedModel,
    conversation: CountedConversation,
    volume: Volume | None,
    population: CountedPopulation | None,
    *,
    lengths_specified: bool,
) -> Estimate:
    """The estimate of a plan from its counted conversation and its counted calls, so that offers can share the counts.

    `lengths_specified`: the distribution of call lengths was given, not assumed.

    Raises:
        Unpriced: the plan uses a meter that has no price in this offer.
    """
    rates = model.quote.rates
    transcription_lines = price_transcription(conversation, model)
    lines = priced_lines(conversation.expected_usage, rates)
    per_conversation = conversation_costs(conversation, model)
    mix = None if population is None else call_mix(population, per_conversation, model)
    included = Fraction(0) if volume is None else included_amount(conversation, population, model, volume)
    return Estimate(
        plan=plan,
        model=model,
        volume=volume,
        call_mix=mix,
        conversation=conversation,
        per_conversation=per_conversation,
        lines=lines,
        transcription_lines=transcription_lines,
        breakdown=cost_components(conversation, model),
        included=included,
        assumptions=(
            *caveats.assumptions(conversation, model),
            *_month(model, included),
            *_length_assumption(mix, lengths_specified=lengths_specified),
        ),
        warnings=(
            *caveats.warnings(conversation, model, lines, transcription_lines),
            *caveats.feasibility_warnings(conversation),
            *caveats.unused_fields(plan),
            *(caveats.shares_without_month(plan) if population is None else _cap_warnings(population)),
        ),
    )


def included_amount(
    conversation: CountedConversation, population: CountedPopulation | None, model: ResolvedModel, volume: Volume
) -> Fraction:
    """The price of the quantities that a month includes without charge, as far as its calls use them, in picodollars."""
    row, rates = model.quote.rates.row, model.quote.rates
    if not row.included:
        return Fraction(0)
    if population is None:
        usage, calls = conversation.session_usage, 1
    else:
        usage = population.counts.weighted_usage(population.calls.weights).voice[1]
        calls = population.calls.total_weight
    amount = Fraction(0)
    for meter, quantity in row.included.items():
        rate = rates[meter]
        if rate is not None:
            amount += min(Fraction(quantity), Fraction(usage[meter], calls) * volume.per_month) * Fraction(rate.amount(1))
    return amount


def _month(model: ResolvedModel, included: Fraction) -> Iterator[str]:
    if included:
        quantities = (
            f"{model.quote.rates.meters[name].format_quantity(quantity)} of {model.quote.rates.meters[name].label}"
            for name, quantity in model.quote.rates.row.included.items()
        )
        yield f"a month includes {' and '.join(quantities)}: {format_amount(included)} a month less than all its calls"


def _length_assumption(mix: CallMix | None, *, lengths_specified: bool) -> Iterator[str]:
    if mix is not None and not lengths_specified and isinstance(mix.lengths, LengthDistribution):
        yield (
            "months and years: call lengths are assumed to be lognormal, as in call centres, with a coefficient of variation "
            f"of {mix.lengths.coefficient}; it differs by business: give yours, or your calls' lengths"
        )


def _cap_warnings(population: CountedPopulation) -> Iterator[str]:
    yield from caveats.cut_calls(population.calls, over="in months and years ")
