"""What an answer needs to know: prices, rules and quotas, stacks and their latencies, transports, provisioned throughput."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from voicebill.answers.catalog.latency import Latency
from voicebill.answers.catalog.mechanics import Mechanics
from voicebill.answers.catalog.stacks import Stack
from voicebill.answers.catalog.transports import TransportCatalog, TransportProfile
from voicebill.billing.offers import CONVERSATIONAL_KINDS, Offer, Rates
from voicebill.billing.price_book import PriceBook
from voicebill.billing.provisioned_throughput import ProvisionedThroughput
from voicebill.billing.quotas import Quotas
from voicebill.conversation.rules import EffectiveRules, ParameterValue, RuleBook


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
        sellers = self.prices.sellers(names)
        effective_rules = self.rules.rules_for(
            rules, models=names, provider=offer.provider, day=day, kind=offer.kind, sellers=sellers
        )
        return effective_rules.override(overrides or {})
