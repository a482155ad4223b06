"""What an answer needs to know: the price book and the rule book."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from voicebill.billing.price_book import PriceBook
from voicebill.conversation.rules import RuleBook, Ruling, Value


@dataclass(frozen=True)
class Facts:
    """Prices and rules, as `voicebill.facts.load()` gives them."""

    prices: PriceBook
    rules: RuleBook

    def ruling(
        self,
        model: str | Iterable[str],
        *,
        day: date,
        provider: str = "openai",
        rules: str | None = None,
        overrides: Mapping[str, Value] | None = None,
    ) -> Ruling:
        """The rules for a model on a day, with those that the user states instead.

        Raises:
            UnknownName: there is no such rule set or parameter.
            InvalidInput: a stated value does not fit its parameter.
        """
        names = (model,) if isinstance(model, str) else tuple(model)
        return self.rules.ruling(rules, models=names, provider=provider, day=day).override(overrides or {})
