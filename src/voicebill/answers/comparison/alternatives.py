"""Compare alternatives to build the same agent, priced for one plan, whatever their meters count.

These are realtime models, pipelines, live models, text chat, transcription and translation. Conversational agents are
ranked separately from partial alternatives.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from itertools import islice
from typing import ClassVar, NamedTuple

from voicebill.answers.answer import Answer
from voicebill.answers.catalog.facts import Facts
from voicebill.answers.catalog.latency import ResponseLatency, response_latency
from voicebill.answers.catalog.stacks import CONVERSATIONAL, INTERACTIVE_TIERS, Architecture, Role, Stack
from voicebill.answers.comparison.compare import Comparison, OfferEstimate, split_by_ending
from voicebill.answers.comparison.stack_builder import StackBuilder
from voicebill.answers.comparison.stack_caveats import stack_assumptions
from voicebill.answers.comparison.stack_pricing import BuiltStack, StackComponent
from voicebill.answers.comparison.stack_usage import StackUsage, count_all_lengths
from voicebill.answers.connectivity.call_fees import CallFee, MonthlyCalls, call_fee, mean_call_fee
from voicebill.answers.connectivity.transport import ConnectionCosts, ConnectionEstimate, estimate_connection
from voicebill.answers.estimates.caveats import carrier_without_sip
from voicebill.answers.estimates.costing import total_amount
from voicebill.answers.estimates.estimate import Estimate, lengths_or_default
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.estimates.scenarios import Scenarios, plan_costs
from voicebill.billing.bill import Line, rate_warnings
from voicebill.billing.errors import VoicebillError
from voicebill.billing.money import Amount
from voicebill.billing.price_book import Quote, price_warnings
from voicebill.conversation.call_lengths import CallLengths, LengthDistribution
from voicebill.conversation.call_population import CallPopulation, call_population, planned_minutes, session_cap
from voicebill.conversation.plan import Plan
from voicebill.conversation.rules import Rules
from voicebill.conversation.volume import Volume

DESCRIPTIONS: Mapping[Architecture, str] = {
    "speech-to-speech": "one model for audio in and out, with tone of voice; its history is audio, re-sent for every response",
    "agent": "a whole agent at a price per minute; which models it uses, and how they are billed, is the provider's matter",
    "live": "listens while it speaks; billed by the second, including silence; a text model is its backend",
    "pipeline": "three models in sequence (STT, LLM, TTS); tone of voice is lost; models are replaceable; its history is text",
    "text": "typed and read, without audio",
    "transcription": "transcribes the speech only",
    "translation": "translates the speech into another language only",
}
"""How they differ."""

NOT_COMPARED = "voices and quality are not compared, nor latency where nobody measured it"

ANY_PIPELINE = Stack("any", "any pipeline", "pipeline", {})

TIER_NOTES: Mapping[str, str] = {
    "batch": "answers within 24 hours",
    "flex": "slower, and sometimes unavailable",
    "priority": "at the faster service tier",
}


@dataclass(frozen=True, slots=True)
class Component:
    """A model or a fee in an alternative: its role (None for a speech-to-speech model or a fee), quote and expected bill."""

    role: Role | None
    quote: Quote
    lines: tuple[Line, ...]

    @property
    def amount(self) -> Amount:
        """The expected amount for one conversation, in picodollars."""
        return total_amount(self.lines)


@dataclass(frozen=True, slots=True)
class Alternative:
    """One architecture for the agent with the costs of the plan, or the reason why it is not possible.

    `name` is the name of a stack, or the id of an offer. `ends` is the earliest day on which one of its models ends; it is
    `ending_soon` if that is within 90 days. `counting_assumptions` are those of its assumptions that say how usage is
    counted. `fixed_monthly_fee` is paid per month independently of the number of conversations, and is part of `per_month`.
    `mean` is the amount per conversation, averaged over calls of all lengths, from which `per_month` is computed (None
    without a volume), and `mean_cost` its expected amount, or that of the planned conversation without a volume.
    `price_plan` prices another plan.
    """

    name: str
    title: str
    architecture: Architecture
    components: tuple[Component, ...]
    per_conversation: Scenarios | None
    per_month: Scenarios | None
    latency: ResponseLatency | None
    ends: date | None
    ending_soon: bool
    description: str
    warnings: tuple[str, ...]
    assumptions: tuple[str, ...]
    counting_assumptions: tuple[str, ...] = ()
    reason: str | None = None
    candidate: OfferEstimate | None = None
    fixed_monthly_fee: Amount = 0
    mean: Scenarios | None = None
    mean_cost: Fraction = Fraction(0)
    price_plan: Callable[[Plan], Scenarios] | None = field(default=None, compare=False, repr=False)

    @property
    def model_components(self) -> tuple[Component, ...]:
        """The components that are models, without fees, in the order of processing."""
        is_offer = self.candidate is not None or len(self.components) == 1
        return tuple(component for component in self.components if component.role or is_offer)

    @property
    def models(self) -> str:
        """The models in the order of processing; models of another provider than the first one's, with their provider."""
        first_provider = self.components[0].quote.offer.provider if self.components else ""
        return " → ".join(_model_label(component.quote, first_provider) for component in self.model_components)

    def per_minute(self, plan: Plan) -> Scenarios:
        """Per minute of the conversation, silence included."""
        assert self.per_conversation is not None
        return self.per_conversation.per_minute(planned_minutes(plan, session_cap(plan, plan.session_minutes)))

    @property
    def short_names(self) -> tuple[str, ...]:
        """Shorter names of a realtime offer: its model without and with a version."""
        return () if self.candidate is None else (self.candidate.offer.model, self.candidate.offer.name)

    @property
    def expected(self) -> Fraction:
        """The expected amount for one conversation, for sorting."""
        assert self.per_conversation is not None
        return Fraction(self.per_conversation.expected)


@dataclass(frozen=True, slots=True)
class Alternatives(Answer):
    """The alternatives, cheapest first: conversational agents and partial alternatives.

    With a volume they are ranked by the expected amount per month (calls of all lengths, monthly fees), else by that of the
    planned conversation. Those with a model that ends within 90 days follow the others, unless `include_ending` ranks them
    with the others. `connection` has the transport and its fees, the same for all conversational agents: their totals
    include them.
    """

    REPORT: ClassVar = "alternatives:AlternativesReport"

    plan: Plan
    volume: Volume | None
    conversational: tuple[Alternative, ...]
    partial: tuple[Alternative, ...]
    not_possible: tuple[Alternative, ...]
    connection: ConnectionEstimate | None = None
    include_ending: bool = False

    @property
    def by_month(self) -> bool:
        """Whether the ranking is by cost per month, not per planned conversation."""
        return _have_monthly_costs((*self.conversational, *self.partial))

    def total(self, alternative: Alternative) -> Scenarios | None:
        """Its amounts per conversation, with connection fees if it is a conversational agent; None if it is not possible."""
        return _plus(alternative.per_conversation, self._fees(alternative).per_conversation)

    def total_mean(self, alternative: Alternative) -> Scenarios | None:
        """Its mean amounts over calls of all lengths, with connection fees as for `total`; None without a volume."""
        return _plus(alternative.mean, self._fees(alternative).mean_per_conversation)

    def total_per_month(self, alternative: Alternative) -> Scenarios | None:
        """Its amounts per month, with connection fees as for `total`; None without a volume."""
        return _plus(alternative.per_month, self._fees(alternative).per_month)

    def monthly_fee(self, alternative: Alternative) -> Amount:
        """What it costs per month independently of the number of conversations, connection fees included."""
        return alternative.fixed_monthly_fee + self._fees(alternative).monthly_fees

    def _fees(self, alternative: Alternative) -> "_Fees":
        if self.connection is None or alternative.architecture not in CONVERSATIONAL:
            return _Fees()
        connection = self.connection
        return _Fees(
            connection.per_conversation, connection.mean_per_conversation, connection.per_month, connection.monthly_fees
        )

    def ratio_to_cheapest(self, alternative: Alternative) -> Fraction | None:
        """Its expected cost divided by that of the cheapest conversational agent that lasts, both with connection fees."""
        if not self.conversational or alternative.per_conversation is None:
            return None
        cheapest, amount = self._ranking_total(self.conversational[0]), self._ranking_total(alternative)
        return amount / cheapest if cheapest else None

    def _ranking_total(self, alternative: Alternative) -> Fraction:
        total = self.total_per_month(alternative) if self.by_month else self.total(alternative)
        assert total is not None
        return Fraction(total.expected)

    def split_by_ending(self, rows: Iterable[Alternative]) -> tuple[tuple[Alternative, ...], tuple[Alternative, ...]]:
        """Some of the alternatives: those of the main group, and those with a model that ends within 90 days."""
        return split_by_ending(rows, include_ending=self.include_ending)

    def offer_ratio_to_cheapest(self, candidate: OfferEstimate) -> Fraction | None:
        """The same for a compared realtime offer; None if it cannot serve the plan."""
        alternative = self.find(candidate.offer.id)
        return None if alternative is None else self.ratio_to_cheapest(alternative)

    def of_kind(self, kind: Architecture | None) -> "Alternatives":
        """The alternatives of one kind (None: all)."""
        if kind is None:
            return self
        return replace(
            self,
            conversational=tuple(row for row in self.conversational if row.architecture == kind),
            partial=tuple(row for row in self.partial if row.architecture == kind),
            not_possible=tuple(row for row in self.not_possible if row.architecture == kind),
        )

    def shown(self, candidates: Iterable[OfferEstimate]) -> tuple[OfferEstimate, ...]:
        """Those of compared offers that are among the alternatives, possible or not."""
        names = {row.name for row in (*self.conversational, *self.partial, *self.not_possible)}
        return tuple(candidate for candidate in candidates if candidate.offer.id in names)

    def find(self, name: str) -> Alternative | None:
        """The possible alternative with a name; None if there is none."""
        return next((alternative for alternative in (*self.conversational, *self.partial) if alternative.name == name), None)

    @property
    def listed_warnings(self) -> list[str]:
        """Warnings for a list of alternatives, each once: on prices of all of them, then all of conversational stacks.

        Other warnings of offers are in their notes.
        """
        of_stacks = (text for row in self.conversational if row.candidate is None for text in row.warnings)
        return list(dict.fromkeys((*self.warnings_on_prices, *of_stacks)))

    @property
    def warnings_on_prices(self) -> list[str]:
        """Warnings on the prices of all alternatives, each once."""
        components = (row for alternative in (*self.conversational, *self.partial) for row in alternative.components)
        return list(dict.fromkeys(text for component in components for text in price_warnings(component.quote.rates)))

    @property
    def cheapest_by_architecture(self) -> tuple[Alternative, ...]:
        """The cheapest conversational agent that lasts of each architecture, cheapest first."""
        first: dict[Architecture, Alternative] = {}
        lasting, ending = self.split_by_ending(self.conversational)
        for alternative in lasting or ending:
            first.setdefault(alternative.architecture, alternative)
        return tuple(first.values())


class _Fees(NamedTuple):
    """Connection fees in picodollars; None without a volume."""

    per_conversation: Amount = 0
    mean_per_conversation: Amount | None = 0
    per_month: Amount | None = 0
    monthly_fees: Amount = 0


def _plus(amounts: Scenarios | None, fees: Amount | None) -> Scenarios | None:
    return None if amounts is None else amounts.plus(fees or 0)


def alternatives(
    comparison: Comparison | None,
    plan: Plan,
    selection: ModelSelection,
    facts: Facts,
    volume: Volume | None = None,
    *,
    stacks: Iterable[Stack] | None = None,
    lengths: LengthDistribution | CallLengths | None = None,
    connection_costs: ConnectionCosts | None = None,
    include_ending: bool = False,
) -> Alternatives:
    """The compared realtime offers and the stacks (None: all stacks of `facts`) for the same plan.

    `selection` gives the day and the rules only. `volume`, `lengths` and `connection_costs` as for `estimate`,
    `include_ending` as for `compare`.

    >>> from voicebill.facts import load_facts
    >>> selection = ModelSelection(model="any", day=date(2026, 11, 22))
    >>> answer = alternatives(None, Plan(minutes=6, turns=20), selection, load_facts())
    >>> answer.conversational[-1].name, answer.conversational[-1].models, answer.conversational[-1].ending_soon
    ('best', 'gpt-live-transcribe → gpt-6.1-sol → tts-1-hd', True)
    """
    plan = comparison.plan if comparison else plan
    context = _ComparisonContext(plan, selection, facts, volume, lengths)
    builder = StackBuilder(facts, selection, context.stack_usage(plan), include_ending=include_ending)
    all_alternatives = [_realtime_alternative(candidate, facts) for candidate in (comparison.candidates if comparison else ())]
    for stack in facts.stacks if stacks is None else stacks:
        try:
            all_alternatives.append(_stack_alternative(builder.build(stack), context))
        except VoicebillError as error:
            all_alternatives.append(_impossible_alternative(stack, str(error)))
    return replace(
        _rank(plan, volume, all_alternatives, include_ending=include_ending),
        connection=_estimate_connection(context, connection_costs or ConnectionCosts(), selection.day),
    )


def _estimate_connection(
    context: "_ComparisonContext", connection_costs: ConnectionCosts, day: date
) -> ConnectionEstimate | None:
    """The connection; None without a transport or connection costs."""
    if not (context.plan.transport or connection_costs.is_specified):
        return None
    cap, catalog = context.cap, context.facts.transport_catalog
    cap_minutes = cap.minutes if cap else None
    monthly_calls = MonthlyCalls(context.volume.per_month, context.lengths, cap_minutes) if context.volume else None
    minutes = planned_minutes(context.plan, cap)
    connection = estimate_connection(context.plan, connection_costs, catalog, day, monthly_calls, minutes=minutes)
    return replace(connection, warnings=(*connection.warnings, *carrier_without_sip(context.plan, connection_costs)))


def cheapest_pipelines(
    plan: Plan,
    selection: ModelSelection,
    facts: Facts,
    top: int,
    volume: Volume | None = None,
    *,
    requirements: Stack = ANY_PIPELINE,
    include_ending: bool = False,
) -> tuple[Alternatives, int]:
    """The `top` cheapest pipelines that meet some requirements on the day, and the number of all that do.

    Pipelines of the same models from other providers or deployments appear once, at the cheapest. Those with a model that ends
    within 90 days come after all others, unless `include_ending` is set.
    """
    context = _ComparisonContext(plan, selection, facts, volume, None)
    builder = StackBuilder(facts, selection, context.stack_usage(plan))
    pipelines = sorted(
        builder.all_pipelines(requirements), key=lambda pipeline: _pipeline_sort_key(pipeline, include_ending=include_ending)
    )
    cheapest = []
    for components in islice(_distinct_models(components for _, components in pipelines), top):
        name = " → ".join(component.offer.id for component in components)
        cheapest.append(_stack_alternative(BuiltStack(Stack(name, "a pipeline", "pipeline", {}), components), context))
    return _rank(plan, volume, cheapest, include_ending=include_ending), len(pipelines)


def _distinct_models(pipelines: Iterable[tuple[StackComponent, ...]]) -> Iterator[tuple[StackComponent, ...]]:
    seen = set()
    for components in pipelines:
        models = tuple((component.offer.model, component.offer.tier) for component in components)
        if models not in seen:
            seen.add(models)
            yield components


def _pipeline_sort_key(
    pipeline: tuple[Scenarios, tuple[StackComponent, ...]], *, include_ending: bool
) -> tuple[bool, Amount, int, bool, str]:
    """Those that last first, then by cost; among equals those of a single provider, and OpenAI's own before others."""
    amounts, components = pipeline
    providers = {component.offer.provider for component in components}
    ranks_last = not include_ending and any(component.ending_soon for component in components)
    return ranks_last, amounts.expected, len(providers), providers != {"openai"}, components[0].offer.id


def speech_rules(selection: ModelSelection, facts: Facts) -> Rules:
    """The rules that convert speech to tokens, independent of the model."""
    effective_rules = facts.rules.rules_for(selection.rules or facts.rules.default, models=(), provider="", day=selection.day)
    return effective_rules.override(selection.overrides).rules


class _ComparisonContext:
    """What all alternatives of a comparison share: the plan, the volume, and the usage of each plan, counted once."""

    def __init__(
        self,
        plan: Plan,
        selection: ModelSelection,
        facts: Facts,
        volume: Volume | None,
        lengths: LengthDistribution | CallLengths | None,
    ) -> None:
        self.plan = plan
        self.facts = facts
        self.volume = volume
        self.lengths = lengths_or_default(volume, lengths) if volume else None
        self.rules = speech_rules(selection, facts)
        self.cap = session_cap(plan, plan.session_minutes)
        self.stack_usages: dict[Plan, StackUsage] = {}
        self.population_usages: dict[int, StackUsage] = {}

    def stack_usage(self, plan: Plan) -> StackUsage:
        """The usage of a plan's conversation."""
        if plan not in self.stack_usages:
            self.stack_usages[plan] = StackUsage(plan, self.rules)
        return self.stack_usages[plan]

    def average_costs(self, built_stack: BuiltStack) -> Scenarios:
        """The mean cost per conversation over calls of all lengths, without a session limit.

        Fees per minute are rounded up to increments, so they are averaged over all lengths and not by the number of turns.
        """
        if self.volume is None or self.lengths is None:
            return built_stack.costs(self.stack_usage(self.plan))
        without_fees = replace(built_stack, fees=())
        monthly_calls = MonthlyCalls(self.volume.per_month, self.lengths, self.cap.minutes if self.cap else None)
        return self._population_costs(without_fees, call_population(self.plan, self.lengths, self.cap)).plus(
            sum((mean_call_fee(fee, self.plan, monthly_calls) for fee in built_stack.fees), start=Fraction(0))
        )

    def _population_costs(self, built_stack: BuiltStack, calls: CallPopulation) -> Scenarios:
        """The mean cost of calls."""
        stack_usage, costs = count_all_lengths(calls, self._population_usage, built_stack.costs)
        return costs.scaled(Fraction(1, stack_usage.total_weight))

    def _population_usage(self, calls: CallPopulation) -> StackUsage:
        turns = calls.longest_turns
        if turns not in self.population_usages:
            self.population_usages[turns] = StackUsage(self.plan, self.rules, calls)
        return self.population_usages[turns]


def _rank(plan: Plan, volume: Volume | None, alternatives: Iterable[Alternative], *, include_ending: bool) -> Alternatives:
    possible = [alternative for alternative in alternatives if alternative.per_conversation]
    by_month = _have_monthly_costs(possible)
    by_cost = sorted(possible, key=lambda alternative: _ranking_amount(alternative, by_month=by_month))
    lasting, ending = split_by_ending(by_cost, include_ending=include_ending)
    ranked = (*lasting, *ending)
    return Alternatives(
        plan=plan,
        volume=volume,
        conversational=tuple(alternative for alternative in ranked if alternative.architecture in CONVERSATIONAL),
        partial=tuple(alternative for alternative in ranked if alternative.architecture not in CONVERSATIONAL),
        not_possible=tuple(alternative for alternative in alternatives if not alternative.per_conversation),
        include_ending=include_ending,
    )


def _have_monthly_costs(alternatives: Iterable[Alternative]) -> bool:
    items = list(alternatives)
    return bool(items) and all(alternative.per_month for alternative in items)


def _ranking_amount(alternative: Alternative, *, by_month: bool) -> Fraction:
    """The amount by which alternatives are ranked."""
    return Fraction(alternative.per_month.expected) if by_month and alternative.per_month else alternative.expected


def _realtime_alternative(candidate: OfferEstimate, facts: Facts) -> Alternative:
    offer, answer = candidate.offer, candidate.answer
    architecture: Architecture = "agent" if offer.kind == "agent" else "speech-to-speech"
    mechanics = candidate.mechanics
    components: list[Component] = []
    if answer is not None:
        model = answer.model
        components.append(Component(None, model.quote, answer.lines))
        if model.transcription is not None:
            components.append(Component("transcriber", model.transcription, answer.transcription_lines))
    return Alternative(
        name=offer.id,
        title=f"{offer.name} at {offer.provider}",
        architecture=architecture,
        components=tuple(components),
        per_conversation=answer.per_conversation if answer else None,
        per_month=answer.per_month if answer else None,
        latency=response_latency([(architecture, offer.model)], facts.latencies) if mechanics is None else None,
        ends=candidate.ends,
        ending_soon=candidate.ending_soon,
        description=mechanics.billing if mechanics else DESCRIPTIONS[architecture],
        warnings=answer.warnings if answer else (),
        assumptions=answer.assumptions if answer else (),
        reason=candidate.reason,
        candidate=candidate,
        mean=answer.mean_per_conversation if answer else None,
        mean_cost=_mean_cost(answer) if answer else Fraction(0),
        price_plan=None if answer is None else lambda plan: plan_costs(plan, answer.model),
    )


def _mean_cost(answer: Estimate) -> Fraction:
    return Fraction((answer.call_mix.mean if answer.call_mix else answer.per_conversation).expected)


def _stack_alternative(built_stack: BuiltStack, context: _ComparisonContext) -> Alternative:
    stack, stack_usage, volume = built_stack.stack, context.stack_usage(context.plan), context.volume
    average = context.average_costs(built_stack)
    components = [
        Component(stack_component.role, stack_component.quote, stack_component.lines(stack_usage))
        for stack_component in built_stack.components
    ]
    components += [_fee_component(call_fee(fee, stack_usage.durations_ms[0][0])) for fee in built_stack.fees]
    parts: list[tuple[str, str]] = [
        (stack_component.role, stack_component.offer.model) for stack_component in built_stack.components
    ]
    if stack.architecture == "live":
        parts = [("live", built_stack.components[0].offer.model)]
    counting_assumptions = tuple(stack_assumptions(built_stack, stack_usage))
    latency = (
        response_latency(parts, context.facts.latencies)
        if stack.architecture in (*CONVERSATIONAL, "text") and stack.tier in INTERACTIVE_TIERS
        else None
    )
    return Alternative(
        name=stack.name,
        title=stack.title,
        architecture=stack.architecture,
        components=tuple(components),
        per_conversation=built_stack.costs(stack_usage),
        per_month=average.scaled(volume.per_month).plus(built_stack.fixed_monthly_fee) if volume else None,
        latency=latency,
        ends=built_stack.ends,
        ending_soon=built_stack.ending_soon,
        description=f"{DESCRIPTIONS[stack.architecture]}{'; ' + TIER_NOTES[stack.tier] if stack.tier in TIER_NOTES else ''}",
        warnings=tuple(
            dict.fromkeys(
                text
                for component in components
                for text in (*component.quote.warnings, *rate_warnings(component.lines, component.quote.rates))
            )
        ),
        assumptions=tuple(
            dict.fromkeys(text for text in (*counting_assumptions, *_offer_assumptions(components), stack.note) if text)
        ),
        counting_assumptions=counting_assumptions,
        fixed_monthly_fee=built_stack.fixed_monthly_fee,
        mean=average if volume else None,
        mean_cost=Fraction(average.expected),
        price_plan=lambda plan: built_stack.costs(context.stack_usage(plan)),
    )


def _fee_component(fee: CallFee) -> Component:
    return Component(None, fee.quote, (fee.line,) if fee.line else ())


def _impossible_alternative(stack: Stack, reason: str) -> Alternative:
    return Alternative(
        stack.name, stack.title, stack.architecture, (), None, None, None, None, False, "", (), (), reason=reason
    )


def _offer_assumptions(components: Iterable[Component]) -> Iterator[str]:
    for component in components:
        yield from component.quote.assumptions


def _model_label(quote: Quote, first_provider: str) -> str:
    offer = quote.offer
    seller = "" if offer.provider == first_provider else f"{offer.provider} "
    return f"{seller}{offer.model}{'' if offer.tier == 'standard' else f' ({offer.tier})'}"
