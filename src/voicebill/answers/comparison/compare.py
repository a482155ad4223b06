"""Compare the cost of a plan across realtime offers, each priced as its own estimate would be."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import ClassVar, Protocol, TypeVar

from voicebill.answers.answer import Answer
from voicebill.answers.catalog.facts import Facts
from voicebill.answers.catalog.mechanics import Mechanics, mechanics_of
from voicebill.answers.estimates.call_mix import CountedPopulation, count_population
from voicebill.answers.estimates.counted_conversation import CountedConversation, count_plan
from voicebill.answers.estimates.estimate import Estimate, estimate_from_counts, lengths_or_default
from voicebill.answers.estimates.model_selection import ModelSelection, ResolvedModel, resolve_model
from voicebill.billing.errors import InvalidInput, NotAvailable, UnknownName, VoicebillError
from voicebill.billing.money import Amount
from voicebill.billing.offers import CONVERSATIONAL_KINDS, DEPLOYMENTS, Offer
from voicebill.billing.price_book import PriceBook
from voicebill.conversation.call_lengths import CallLengths, LengthDistribution
from voicebill.conversation.plan import Plan
from voicebill.conversation.rules import EffectiveRules, Rules
from voicebill.conversation.volume import Volume

CountingKey = tuple[Rules, str | None, tuple[tuple[str, int], ...]]
"""What counts depend on: the rules, the unit by which transcription is billed, and what is billed in addition to tokens."""


@dataclass(frozen=True, slots=True)
class OfferEstimate:
    """An offer with the estimate of the plan, or the reason why it cannot be estimated.

    `ends` is the day on which the model ends, by the source that is used; it is `ending_soon` if that is within 90 days of
    the day asked. `availability_unconfirmed`: the vendor lists a price,
    but its availability table does not name the model for this deployment. `history_assumed`: the history
    policy was not measured on this model. `mechanics` says how its provider bills, where that differs from OpenAI's way.
    """

    offer: Offer
    answer: Estimate | None
    reason: str | None
    ends: date | None
    ending_soon: bool
    availability_unconfirmed: bool
    history_assumed: bool
    mechanics: Mechanics | None = None


class Ending(Protocol):
    """A compared offer or alternative, which may end within 90 days."""

    @property
    def ending_soon(self) -> bool:
        """Whether it ends within 90 days of the day asked."""
        ...


EndingT = TypeVar("EndingT", bound=Ending)


def split_by_ending(rows: Iterable[EndingT], *, include_ending: bool) -> tuple[tuple[EndingT, ...], tuple[EndingT, ...]]:
    """The rows of the main group, and those that end within 90 days; with `include_ending` all rows are in the main group."""
    all_rows = tuple(rows)
    return (
        tuple(row for row in all_rows if include_ending or not row.ending_soon),
        tuple(row for row in all_rows if row.ending_soon and not include_ending),
    )


@dataclass(frozen=True, slots=True)
class Comparison(Answer):
    """Candidates by their expected amount, cheapest first; those without an estimate come last.

    Models that end within 90 days follow the others, unless `include_ending` ranks them with the others.
    """

    REPORT: ClassVar = "comparison:OffersReport"

    plan: Plan
    candidates: tuple[OfferEstimate, ...]
    include_ending: bool = False

    def ratio_to_cheapest(self, candidate: OfferEstimate) -> Fraction | None:
        """The expected amount of a candidate divided by that of the cheapest that lasts; None without an estimate."""
        cheapest = self.candidates[0].answer
        if candidate.answer is None or cheapest is None or not cheapest.per_conversation.expected:
            return None
        return Fraction(candidate.answer.per_conversation.expected) / Fraction(cheapest.per_conversation.expected)


@dataclass(frozen=True, slots=True)
class PlanDifference:
    """The expected amounts of two plans with the same offer, per conversation."""

    offer: Offer
    first: Amount
    second: Amount

    @property
    def difference(self) -> Amount:
        """How much more the second plan costs."""
        return self.second - self.first

    @property
    def ratio(self) -> Fraction | None:
        """The second amount divided by the first; None if that is 0."""
        return Fraction(self.second) / Fraction(self.first) if self.first else None


def compare_plans(first: Comparison, second: Comparison) -> tuple[PlanDifference, ...]:
    """Two plans offer by offer, in the order of the first comparison; offers that one of them cannot use are left out."""
    second_answers = {candidate.offer.id: candidate.answer for candidate in second.candidates}
    return tuple(
        PlanDifference(candidate.offer, candidate.answer.per_conversation.expected, second_answer.per_conversation.expected)
        for candidate in first.candidates
        if candidate.answer and (second_answer := second_answers.get(candidate.offer.id))
    )


def compare(
    plan: Plan,
    offers: Iterable[Offer],
    selection: ModelSelection,
    facts: Facts,
    volume: Volume | None = None,
    *,
    lengths: LengthDistribution | CallLengths | None = None,
    include_ending: bool = False,
) -> Comparison:
    """Estimate a plan with each of some offers, on the day and under the rules of `selection`.

    `volume` and `lengths` have the same meaning as for `estimate`. `include_ending` ranks models that end within 90 days with
    the others.

    >>> from voicebill.facts import load_facts
    >>> facts, day = load_facts(), date(2026, 11, 22)
    >>> selection = ModelSelection(model="any", day=day)
    >>> answer = compare(Plan(minutes=10, turns=20), available_offers(facts.prices, day), selection, facts)
    >>> answer.candidates[0].offer.model
    'phi4-mm-realtime'

    Raises:
        InvalidInput: there is no offer to compare.
    """
    offers = tuple(offers)
    plan = _with_shortest_session(plan, offers, selection, facts)
    shared = _SharedCounts(plan, volume, lengths)
    candidates = [_estimate_offer(shared, offer, selection, facts) for offer in offers]
    if not candidates:
        raise InvalidInput("there is no offer to compare: no selected realtime model has a price on that day")
    ranked = sorted(candidates, key=lambda candidate: _sort_key(candidate, include_ending=include_ending))
    return Comparison(plan, tuple(ranked), include_ending)


def _with_shortest_session(plan: Plan, offers: Iterable[Offer], selection: ModelSelection, facts: Facts) -> Plan:
    """The plan, with calls that end with the session ending alike at every offer: at the shortest session among them.

    An offer would look cheaper if it only cut more of the calls.
    """
    if not plan.calls_end_with_session or plan.session_minutes is not None:
        return plan
    all_rules = (_rules_of(offer, selection, facts) for offer in offers)
    limits = [minutes for row in all_rules if (minutes := row.rules.session_minutes)]
    return replace(plan, session_minutes=min(limits)) if limits else plan


def available_offers(book: PriceBook, day: date) -> tuple[Offer, ...]:
    """Every realtime offer that is sold on a day: it has prices and has not ended."""
    return tuple(
        offer
        for offer in book.offers
        if offer.kind in CONVERSATIONAL_KINDS
        and offer.tier == "standard"
        and not offer.example
        and book.is_available(offer, day)
    )


def available_offers_matching(
    book: PriceBook, day: date, models: Iterable[str] = (), provider: str | None = None, deployment: str | None = None
) -> list[Offer]:
    """The realtime offers available on a day with the given model names (empty: all), provider and deployment (None: any).

    Raises:
        UnknownName: no offer has a given name, provider or deployment.
        NotAvailable: all models that are named were shut down by that day.
    """
    if provider is not None and provider not in book.providers:
        raise UnknownName("provider", provider, book.providers)
    if deployment is not None and deployment not in DEPLOYMENTS:
        raise UnknownName("deployment", deployment, DEPLOYMENTS)
    named_offers = [offer for name in models for offer in book.offers_named(name, provider, "realtime")]
    ids = {offer.id for offer in named_offers}
    available = [
        offer
        for offer in available_offers(book, day)
        if (not named_offers or offer.id in ids)
        and provider in (None, offer.provider)
        and deployment in (None, offer.deployment)
    ]
    shutdowns = [end for offer in named_offers for end in book.lifecycle_of(offer) if book.is_shut_down(offer, day)]
    if not available and shutdowns:
        last = max(shutdowns, key=lambda end: end.shutdown.first)
        replacement_note = f"; the vendor names {last.replacement} instead" if last.replacement else ""
        raise NotAvailable(f"{last.model} was shut down by {last.provider} {last.when}, before {day}{replacement_note}")
    return available


class _SharedCounts:
    """Counts that offers under the same rules share: the planned conversation and calls of all lengths."""

    def __init__(self, plan: Plan, volume: Volume | None, lengths: LengthDistribution | CallLengths | None) -> None:
        self.plan = plan
        self.volume = volume
        self.lengths_specified = lengths is not None
        self.lengths = lengths_or_default(volume, lengths)
        self.counts: dict[CountingKey, tuple[CountedConversation, CountedPopulation | None]] = {}

    def estimate(self, model: ResolvedModel) -> Estimate:
        """The estimate of the plan with an offer."""
        key = (model.effective_rules.rules, model.transcribed_by, model.session_meters)
        if key not in self.counts:
            population = None if self.lengths is None else count_population(self.plan, self.lengths, model)
            self.counts[key] = count_plan(self.plan, model, population.counts if population else None), population
        conversation, population = self.counts[key]
        return estimate_from_counts(
            self.plan, model, conversation, self.volume, population, lengths_specified=self.lengths_specified
        )


def select_offer(offer: Offer, selection: ModelSelection, facts: Facts) -> ModelSelection:
    """The selection of an offer on the day and under the rules of another selection; a regional one in its first region."""
    region = offer.regions[0] if offer.deployment == "regional" and offer.regions else None
    return replace(
        selection,
        model=offer.name,
        provider=offer.provider,
        deployment=offer.deployment,
        region=region,
        rules=facts.rule_set_for(offer, selection.rules),
    )


def _estimate_offer(shared: _SharedCounts, offer: Offer, selection: ModelSelection, facts: Facts) -> OfferEstimate:
    offer_selection = select_offer(offer, selection, facts)
    book = facts.prices
    effective_rules = _rules_of(offer, selection, facts)
    answer, reason = None, None
    try:
        answer = shared.estimate(resolve_model(offer_selection, shared.plan.transcription_model, facts))
    except VoicebillError as error:
        reason = str(error)
    return OfferEstimate(
        offer=offer,
        answer=answer,
        reason=reason,
        ends=book.shutdown_day(offer),
        ending_soon=book.is_ending_soon(offer, selection.day),
        availability_unconfirmed=book.availability_unconfirmed(offer),
        history_assumed=effective_rules.rows["history"].evidence == "assumed",
        mechanics=mechanics_of(offer, facts.mechanics),
    )


def _rules_of(offer: Offer, selection: ModelSelection, facts: Facts) -> EffectiveRules:
    rules = facts.rule_set_for(offer, selection.rules)
    return facts.rules_for(offer, day=selection.day, rules=rules, overrides=selection.overrides)


def _sort_key(candidate: OfferEstimate, *, include_ending: bool) -> tuple[bool, bool, Fraction, str]:
    if candidate.answer is None:
        return True, False, Fraction(0), candidate.offer.id
    ranks_last = candidate.ending_soon and not include_ending
    return False, ranks_last, Fraction(candidate.answer.per_conversation.expected), candidate.offer.id


def offer_notes(candidate: OfferEstimate) -> Iterator[str]:
    """Short notes on an offer: version, deployment, region, end, sessions, and what limits its estimate."""
    offer = candidate.offer
    yield " ".join(filter(None, (offer.version, offer.deployment, *offer.regions[: offer.deployment == "regional"])))
    if candidate.mechanics:
        yield candidate.mechanics.billing
    if candidate.ends:
        yield f"ends {candidate.ends}"
    if candidate.availability_unconfirmed:
        yield "availability unconfirmed"
    if candidate.history_assumed:
        yield "history not measured"
    answer = candidate.answer
    currency = answer.model.currency if answer else None
    if answer and currency:
        month = f", {currency.format_amount(answer.per_month.expected)} per month" if answer.per_month else ""
        yield f"{currency.format_amount(answer.per_conversation.expected)}{month}"
    if answer and answer.conversation.sessions > 1:
        history = "with the history as text" if answer.conversation.carries_text else "without the history"
        yield f"{answer.conversation.sessions} sessions, continued {history}"
    call_mix = answer.call_mix if answer else None
    if call_mix and call_mix.cap and round(call_mix.cut_share, 3):
        yield f"per month: {call_mix.cut_share:.1%} of the calls end at {call_mix.cap.minutes:.4g} minutes"
    if answer and any(line.rate and line.rate.is_fallback for line in answer.lines):
        yield "no cached price, priced as uncached"
    if (
        answer
        and answer.conversation.rules.is_reasoning_model
        and not answer.plan.reasoning_per_response(answer.conversation.rules)
    ):
        yield "reasoning not counted"
