"""What an answer needs to know: prices, rules and quotas, stacks and their latencies, transports, provisioned throughput."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from voicebill.answers.catalog.latency import Latency
from voicebill.answers.catalog.mechanics import Mechanics
from voicebill.answers.catalog.stacks import Stack
from voicebill.answers.catalog.transports import TransportCatalog, TransportProfile
from voicebill.billing.offers import CONVERSATIONAL_KINDS, Offer, Rates
from voicebill.billing.price_book import PriceBook
from voicebill.billing.provisioned_throughput import ProvisionedThroughput
from voicebill.billing.quotas import Quotas
from voicebill.conversation.rules import EffectiveRules, ParameterValue, RuleBook

MAX_RECENT_RULES = 500
"""So many rules of models on days are kept: all models that take part in conversations on some days."""

RulesKey = tuple[tuple[str, ...], str, str, date, str | None]
"""The names of a model, its provider and kind, a day, and the rule set that is asked for."""


@dataclass(frozen=True)
class Facts:
    """Prices, rules and all else, as `voicebill.facts.load()` gives them."""

    prices: PriceBook
    rules: RuleBook
    quotas: Quotas = field(default_factory=Quotas)
    provisioned: ProvisionedThroughput = field(default_factory=ProvisionedThroughput)
    stacks: tuple[Stack, ...] = ()
    latencies: tuple[Latency, ...] = ()
    transports: tuple[TransportProfile, ...] = ()
    mechanics: tuple[Mechanics, ...] = ()

    @property
    def transport_catalog(self) -> TransportCatalog:
        """The transports by name, with the price book."""
        return TransportCatalog({row.name: row for row in self.transports}, self.prices)

    def missing_rules(self, offers: Iterable[Offer], day: date) -> dict[str, tuple[str, ...]]:
        """By the id of each offer that cannot be estimated on a day, the rules that it lacks."""
        missing = {}
        for offer in offers:
            row = offer.row_on(day) or offer.rows[-1]
            bills_tokens = Rates.from_row(offer, row, self.prices.meters).bills_tokens
            names = self.rules_for(offer, day=day).unknown if offer.kind in CONVERSATIONAL_KINDS and bills_tokens else ()
            if names:
                missing[offer.id] = names
        return missing

    def rule_set_for(self, offer: Offer, rules: str | None) -> str | None:
        """The rule set that is asked for, if it describes an offer; else None, for that of the offer's provider.

        Raises:
            UnknownName: there is no such rule set.
        """
        sellers = (offer.provider, *self.prices.sellers((offer.model, offer.name, *offer.also_named)))
        return rules if rules is None or self.rules.describes(rules, sellers) else None

    def rules_for(
        self, offer: Offer, *, day: date, rules: str | None = None, overrides: Mapping[str, ParameterValue] | None = None
    ) -> EffectiveRules:
        """The rules for a model as it is sold, on a day, with those that the user states instead.

        >>> from voicebill.facts import load_facts
        >>> facts = load_facts()
        >>> offer = facts.prices.quote("gpt-4o-realtime-preview-2025-06-03", day=date(2026, 1, 1)).offer
        >>> facts.rules_for(offer, day=date(2026, 1, 1)).rules.history
        'keep-all'

        Raises:
            UnknownName: there is no such rule set or parameter.
            InvalidInput: a stated value does not fit its parameter.
        """
        names = (offer.model, offer.name, *offer.also_named)
        key = (names, offer.provider, offer.kind, day, rules)
        effective_rules = self._recent_rules.get(key)
        if effective_rules is None:
            sellers = self.prices.sellers(names)
            effective_rules = self.rules.rules_for(
                rules, models=names, provider=offer.provider, day=day, kind=offer.kind, sellers=sellers
            )
            self._keep_rules(key, effective_rules)
        return effective_rules.override(overrides or {})

    @cached_property
    def _recent_rules(self) -> dict[RulesKey, EffectiveRules]:
        return {}

    def _keep_rules(self, key: RulesKey, effective_rules: EffectiveRules) -> None:
        if len(self._recent_rules) >= MAX_RECENT_RULES:
            self._recent_rules.clear()
        self._recent_rules[key] = effective_rules
