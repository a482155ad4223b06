"""What an answer needs to know: prices, rules and quotas, stacks and their latencies, transports, provisioned throughput."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from voicebill.answers.latency import Latency
from voicebill.answers.stacks import Stack
from voicebill.answers.transport import Transport, Ways
from voicebill.billing.offers import Offer
from voicebill.billing.price_book import PriceBook
from voicebill.billing.provisioned import Provisioned
from voicebill.billing.quotas import Quotas
from voicebill.conversation.rules import RuleBook, Ruling, Value


@dataclass(frozen=True)
class Facts:
    """Prices, rules and all else, as `voicebill.facts.load()` gives them."""

    prices: PriceBook
    rules: RuleBook
    quotas: Quotas = field(default_factory=Quotas)
    provisioned: Provisioned = field(default_factory=Provisioned)
    stacks: tuple[Stack, ...] = ()
    latencies: tuple[Latency, ...] = ()
    transports: tuple[Transport, ...] = ()

    @property
    def ways(self) -> Ways:
        """The transports by name, with the price book."""
        return Ways({row.name: row for row in self.transports}, self.prices)

    def ruling(
        self, offer: Offer, *, day: date, rules: str | None = None, overrides: Mapping[str, Value] | None = None
    ) -> Ruling:
        """The rules for a model as it is sold, on a day, with those that the user states instead.

        >>> from voicebill.facts import load
        >>> facts = load()
        >>> offer = facts.prices.find("gpt-4o-realtime-preview-2025-06-03", day=date(2026, 1, 1)).offer
        >>> facts.ruling(offer, day=date(2026, 1, 1)).rules.history
        'keep-all'

        Raises:
            UnknownName: there is no such rule set or parameter.
            InvalidInput: a stated value does not fit its parameter.
        """
        names = (offer.model, offer.name, *offer.also_named)
        known = self.rules.ruling(rules, models=names, provider=offer.provider, day=day, kind=offer.kind)
        return known.override(overrides or {})
