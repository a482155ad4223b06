"""Build stacks from the cheapest available offers that meet their requirements."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from itertools import product
from typing import NamedTuple

from voicebill.answers.catalog.facts import Facts
from voicebill.answers.catalog.stacks import INTERACTIVE_TIERS, ROLE_KINDS, ROLES, Role, Stack
from voicebill.answers.comparison.stack_pricing import BuiltStack, StackComponent
from voicebill.answers.comparison.stack_usage import ConversationUsage
from voicebill.answers.connectivity.call_fees import per_minute_quote
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.estimates.scenarios import Scenarios
from voicebill.billing.errors import NotAvailable, Unpriced, VoicebillError
from voicebill.billing.offers import Offer
from voicebill.conversation.rules import Rules


class PricedComponent(NamedTuple):
    """A component with its costs for the planned conversation."""

    costs: Scenarios
    component: StackComponent


class StackBuilder:
    """Offers available on a day, by role, priced for the conversation of `stack_usage`.

    `selection` gives the day and the rules; its model and provider are ignored. A model that ends within 90 days is used only
    where no other meets the requirements, unless `include_ending` is set.
    """

    def __init__(
        self, facts: Facts, selection: ModelSelection, stack_usage: ConversationUsage, *, include_ending: bool = False
    ) -> None:
        self.facts = facts
        self.selection = selection
        self.stack_usage = stack_usage
        self.include_ending = include_ending
        self._candidates: dict[Role, tuple[StackComponent, ...]] = {}
        self._priced_components: dict[tuple[str, Role, int, bool], PricedComponent | str] = {}

    def build(self, stack: Stack) -> BuiltStack:
        """A stack of the cheapest offers that meet its requirements.

        Raises:
            NotAvailable: no offer meets the requirements of a role; the message names the role.
        """
        components = tuple(self._cheapest(role, stack).component for role in ROLES[stack.architecture])
        return BuiltStack(
            stack, components, tuple(per_minute_quote(name, self.facts.prices, self.selection.day) for name in stack.fees)
        )

    def all_pipelines(self, requirements: Stack) -> Iterator[tuple[Scenarios, tuple[StackComponent, ...]]]:
        """Every pipeline that meets some requirements, with models at any interactive service tier, unsorted."""
        columns = [
            [
                priced_component
                for tier in INTERACTIVE_TIERS
                for component in self._matching(role, replace(requirements, tier=tier))
                if (priced_component := self._price_or_none(component))
            ]
            for role in ROLES["pipeline"]
        ]
        columns = [
            list({priced_component.component.offer.id: priced_component for priced_component in column}.values())
            for column in columns
        ]
        for pipeline in product(*columns):
            best, expected, worst = (sum(costs) for costs in zip(*(_as_tuple(item.costs) for item in pipeline), strict=True))
            yield Scenarios(best, expected, worst), tuple(item.component for item in pipeline)

    def candidates(self, role: Role) -> tuple[StackComponent, ...]:
        """All offers for a role that are sold on the day."""
        if role not in self._candidates:
            book, day = self.facts.prices, self.selection.day
            kind = ROLE_KINDS[role]
            readers = self._readers() if role == "tts" else frozenset()
            offers = (
                offer
                for offer in book.offers
                if (offer.kind == kind or (offer.kind == "realtime" and not readers.isdisjoint((offer.model, offer.name))))
                and not offer.example
                and book.is_available(offer, day)
            )
            components = (stack_component(role, offer, self.selection, self.facts) for offer in offers)
            self._candidates[role] = tuple(component for component in components if component is not None)
        return self._candidates[role]

    def _readers(self) -> frozenset[str]:
        """Realtime models for text to speech: those that vendors name as replacements of speech models, or that stacks name."""
        speech = {offer.model for offer in self.facts.prices.offers if offer.kind == "speech"}
        replacements = {row.replacement for row in self.facts.prices.lifecycle if row.model in speech and row.replacement}
        return frozenset(replacements.union(*(stack.models.get("tts", ()) for stack in self.facts.stacks)))

    def _cheapest(self, role: Role, stack: Stack) -> PricedComponent:
        matching = list(self._matching(role, stack))
        if not matching:
            raise NotAvailable(self._no_candidate_message(role, stack))
        is_backend = stack.architecture == "live" and role == "llm"
        results = [self._price(replace(component, streams=stack.streams, as_backend=is_backend)) for component in matching]
        priced_components = [result for result in results if isinstance(result, PricedComponent)]
        if not priced_components:
            raise NotAvailable(f"no {role} has a known price: {next(result for result in results if isinstance(result, str))}")
        return min(priced_components, key=self._sort_key)

    def _sort_key(self, priced_component: PricedComponent) -> tuple[bool, Fraction, bool, bool, int, str]:
        """Models that last first, and of those the cheapest."""
        ranks_last = priced_component.component.ending_soon and not self.include_ending
        return ranks_last, *_cost_order(priced_component)

    def _matching(self, role: Role, stack: Stack) -> Iterator[StackComponent]:
        """Candidates that meet a stack's requirements. A price that only third parties state is used where it is asked for."""
        models = stack.models.get(role, ())
        tier = stack.tier if role == "llm" else "standard"
        until = self.selection.day + timedelta(days=stack.min_lifetime_days)
        for component in self.candidates(role):
            offer = component.offer
            is_named = not {offer.model, offer.name, *offer.also_named}.isdisjoint(models)
            is_available = stack.provider in (None, offer.provider) and stack.deployment in (None, offer.deployment)
            lasts = component.ends is None or component.ends >= until
            is_meant = is_named or (not models and component.quote.rates.row.confidence != "low")
            if is_meant and is_available and lasts and offer.tier == tier:
                yield component

    def _no_candidate_message(self, role: Role, stack: Stack) -> str:
        models = stack.models.get(role, ())
        requirements = [
            f"named {' or '.join(models)}" if models else "",
            f"of {stack.provider}" if stack.provider else "",
            f"({stack.deployment})" if stack.deployment else "",
            f"at service tier {stack.tier}" if role == "llm" and stack.tier != "standard" else "",
            f"supported until {self.selection.day + timedelta(days=stack.min_lifetime_days)}"
            if stack.min_lifetime_days
            else "",
        ]
        what = " ".join(requirement for requirement in requirements if requirement)
        return f"no {ROLE_KINDS[role]} model {what or 'at all'} is available on {self.selection.day}"

    def _price_or_none(self, component: StackComponent) -> PricedComponent | None:
        result = self._price(component)
        return result if isinstance(result, PricedComponent) else None

    def _price(self, component: StackComponent) -> PricedComponent | str:
        """A component with its costs, or the message that says why it cannot be priced."""
        key = (component.offer.id, component.role, component.streams, component.as_backend)
        if key not in self._priced_components:
            try:
                self._priced_components[key] = PricedComponent(component.costs(self.stack_usage), component)
            except VoicebillError as error:
                self._priced_components[key] = str(error)
        return self._priced_components[key]


def stack_component(role: Role, offer: Offer, selection: ModelSelection, facts: Facts) -> StackComponent | None:
    """An offer in a role, on the day of the selection; None if it has no price on it with which it can be used."""
    book = facts.prices
    try:
        quote = book.quote(
            offer.name,
            day=selection.day,
            provider=offer.provider,
            deployment=offer.deployment,
            region=offer.example_region,
            tier=offer.tier,
            kind=offer.kind,
        )
    except (NotAvailable, Unpriced):
        return None
    rules = component_rules(quote.offer, selection, facts)
    ends, ending_soon = book.shutdown_day(quote.offer), book.is_ending_soon(quote.offer, selection.day)
    return StackComponent(role, quote, rules, ends, ending_soon)


def component_rules(offer: Offer, selection: ModelSelection, facts: Facts) -> Rules:
    """The rules that count a component's usage; those of a rule set that does not describe its model are its provider's."""
    rules = facts.rule_set_for(offer, selection.rules)
    return facts.rules_for(offer, day=selection.day, rules=rules, overrides=selection.overrides).rules


def _as_tuple(costs: Scenarios) -> tuple[Fraction | int, Fraction | int, Fraction | int]:
    return costs.best, costs.expected, costs.worst


def _cost_order(priced_component: PricedComponent) -> tuple[Fraction, bool, bool, int, str]:
    """Cheapest first; among equals the offer with more certain prices, OpenAI's own before others, and the newest version."""
    offer = priced_component.component.offer
    is_certain = priced_component.component.quote.rates.row.confidence == "high"
    newest = -min(row.since.first.toordinal() for row in offer.rows)
    return Fraction(priced_component.costs.expected), not is_certain, offer.provider != "openai", newest, offer.id
