"""Look up the prices and the rules of the models that recorded sessions name, once for each model and day."""

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from voicebill.answers.catalog.facts import Facts
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.sessions.recorded_session import RecordedResponse, TokenQuantities
from voicebill.answers.sessions.token_prices import TokenPrices, unpriced_places
from voicebill.billing.bill import price_quantities
from voicebill.billing.errors import UnknownName, VoicebillError
from voicebill.billing.meters import Meter
from voicebill.billing.money import Amount
from voicebill.billing.offers import Rates
from voicebill.billing.price_book import Quote
from voicebill.billing.sku_periods import normalize_name
from voicebill.conversation.rules import EffectiveRules, ParameterValue

_TOKEN_METERS = TokenQuantities._fields


class RecordedModel(NamedTuple):
    """The quote of a recorded model on a day, and its rules; what is not known is None, for the reason given as a clause.

    `reason` says why it cannot be reconstructed; a model without rules may have prices. `included_meters` are tokens that its
    price per minute includes. `prices` are whole picodollars by token meter, in the order of `TokenQuantities`, and 0 for the
    `other_prices`: meters, by their places, without such a price; `unpriced` are those of them without any.
    """

    quote: Quote | None
    rules: EffectiveRules | None
    reason: str | None
    included_meters: frozenset[str] = frozenset()
    prices: tuple[int, ...] = ()
    other_prices: tuple[int, ...] = ()
    unpriced: tuple[int, ...] = ()
    token_prices: TokenPrices | None = None

    @property
    def rates(self) -> Rates | None:
        """Its rates, if it has a price."""
        return None if self.quote is None else self.quote.rates

    def unpriced_meter(self, tokens: TokenQuantities) -> Meter | None:
        """The first meter with tokens and without a price."""
        if self.quote is None or not any(tokens[place] for place in self.unpriced):
            return None
        return next(self.quote.rates.meters[_TOKEN_METERS[place]] for place in self.unpriced if tokens[place])


@dataclass(frozen=True)
class RecordedModels:
    """Prices and rules of recorded models. `query` has the defaults for what a log does not name.

    `rules` names a rule set for the models that it describes, and `overrides` sets single rules of all.

    Raises:
        UnknownName: there is no such rule set.
    """

    facts: Facts
    query: CostQuery
    rules: str | None = None
    overrides: Mapping[str, ParameterValue] = field(default_factory=dict)
    _cache: dict[tuple[object, ...], RecordedModel] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.rules is not None:
            self.facts.rules.rule_set(self.rules)

    def of(self, record: RecordedResponse) -> RecordedModel:
        """The model of a record."""
        key = (record.provider, record.model, record.deployment, record.region, record.tier, record.day)
        model = self._cache.get(key)
        if model is None:
            model = self._cache[key] = _with_prices(self._look_up(record))
        return model

    def amount(self, record: RecordedResponse) -> Amount | None:
        """What a record cost, in picodollars; None if a part of it has no price."""
        model = self.of(record)
        if model.quote is None:
            return None
        if not record.other and not any(record.tokens[place] for place in model.other_prices):
            amount: int = sum(map(operator.mul, record.tokens, model.prices))
            return amount
        included = model.included_meters
        quantities = (*zip(_TOKEN_METERS, record.tokens, strict=True), *record.other)
        return price_quantities(
            ((name, count) for name, count in quantities if count and name not in included), model.quote.rates
        )

    def _look_up(self, record: RecordedResponse) -> RecordedModel:
        if not record.model or record.day is None:
            missing = "give its day" if record.model else "name its model"
            return RecordedModel(None, None, f"the log does not {missing}")
        try:
            quote = self._quote(record, record.model, record.day)
        except VoicebillError as error:
            return RecordedModel(None, None, error.short_message if isinstance(error, UnknownName) else str(error))
        return self._with_rules(quote, record.day)

    def _with_rules(self, quote: Quote, day: date) -> RecordedModel:
        if not quote.rates.bills_tokens:
            return RecordedModel(quote, None, f"{quote.offer.name} is not billed by tokens")
        try:
            name = self.facts.rule_set_for(quote.offer, self.rules)
            rules = self.facts.rules_for(quote.offer, day=day, rules=name, overrides=self.overrides)
        except VoicebillError as error:
            return RecordedModel(quote, None, str(error))
        if rules.unknown:
            return RecordedModel(quote, None, f"the rules {', '.join(rules.unknown)} of {quote.offer.name} are not known")
        return RecordedModel(quote, rules, None)

    def _quote(self, record: RecordedResponse, model: str, day: date) -> Quote:
        query = self.query
        return self.facts.prices.quote(
            model,
            day=day,
            provider=normalize_name(record.provider) or query.provider,
            deployment=normalize_name(record.deployment) or query.deployment,
            region=normalize_name(record.region) or query.region or None,
            tier=normalize_name(record.tier) or query.tier,
        )


def _with_prices(model: RecordedModel) -> RecordedModel:
    if model.quote is None:
        return model
    rates = model.quote.rates
    included = rates.included_meters
    by_place = [None if name in included else rates[name] for name in _TOKEN_METERS]
    prices = [None if rate is None or rate.per != 1 else rate.picodollars for rate in by_place]
    return model._replace(
        included_meters=included,
        unpriced=unpriced_places(rates),
        token_prices=TokenPrices.of(rates),
        prices=tuple(price or 0 for price in prices),
        other_prices=tuple(place for place, name in enumerate(_TOKEN_METERS) if prices[place] is None and name not in included),
    )
