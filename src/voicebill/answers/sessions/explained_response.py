"""Represent an explained response: the parts of its input, what the cache missed of it, and their amounts."""

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from voicebill.answers.sessions.cache_losses import CacheUse, LossCause
from voicebill.answers.sessions.reconstruction import ReconstructedResponse
from voicebill.answers.sessions.recorded_session import TokenQuantities
from voicebill.billing.money import Amount
from voicebill.billing.offers import Rates
from voicebill.conversation.history import Tokens


class InputParts(NamedTuple):
    """A response's input by what it was: new, sent again without the cache, from the cache, written to the cache."""

    new: Tokens
    resent: Tokens
    cached: Tokens
    written: Tokens


class PartAmounts(NamedTuple):
    """Picodollars of a response by part: the parts of its input, and its output."""

    new: Amount
    resent: Amount
    cached: Amount
    written: Amount
    output: Amount

    @property
    def total(self) -> Amount:
        """All parts."""
        return sum(self)


class LossAmount(NamedTuple):
    """What a response cost more because of a cause."""

    cause: LossCause
    amount: Amount


class TokenPrices(NamedTuple):
    """Picodollars per token by meter."""

    text_in: Amount
    text_in_cached: Amount
    text_in_cache_write: Amount
    audio_in: Amount
    audio_in_cached: Amount
    image_in: Amount
    image_in_cached: Amount
    text_out: Amount
    audio_out: Amount

    @classmethod
    def of(cls, rates: Rates, used: TokenQuantities) -> "TokenPrices | str":
        """The prices of an offer; the name of a meter that is used and has no price, if there is one."""
        prices: list[Amount] = []
        for meter, count in zip(cls._fields, used, strict=True):
            rate = rates[meter]
            if rate is None and count and meter not in rates.included_meters:
                return rates.meters[meter].label
            prices.append(0 if rate is None else Fraction(rate.picodollars, rate.per) if rate.per != 1 else rate.picodollars)
        return cls(*prices)

    def uncached(self, tokens: Tokens) -> Amount:
        """The price of input tokens without a cache."""
        return tokens.text * self.text_in + tokens.audio * self.audio_in + tokens.image * self.image_in

    def cached(self, tokens: Tokens) -> Amount:
        """The price of input tokens from the cache."""
        text, audio, image = tokens
        return text * self.text_in_cached + audio * self.audio_in_cached + image * self.image_in_cached


@dataclass(frozen=True, slots=True)
class ExplainedResponse:
    """One response: its place in the reconstructed script, the parts of its input, what the cache missed, and the amounts.

    `expected` is what it would have cost with the cached tokens that the rules expect.
    """

    pair: ReconstructedResponse
    parts: InputParts
    use: CacheUse
    amounts: PartAmounts
    losses: tuple[LossAmount, ...]
    expected: Amount


def explain_response(pair: ReconstructedResponse, use: CacheUse, prices: TokenPrices) -> ExplainedResponse:
    """Take a response's input and cost apart."""
    tokens, unseen = pair.record.tokens, pair.simulated.unseen
    uncached = Tokens(tokens.text_in, tokens.audio_in, tokens.image_in)
    new = Tokens(*map(min, uncached, unseen))
    resent = Tokens(*(one - other for one, other in zip(uncached, new, strict=True)))
    written = Tokens(tokens.text_in_cache_write)
    amounts = PartAmounts(
        prices.uncached(new),
        prices.uncached(resent),
        prices.cached(use.cached),
        written.text * prices.text_in_cache_write,
        tokens.text_out * prices.text_out + tokens.audio_out * prices.audio_out,
    )
    losses = tuple(LossAmount(loss.cause, prices.uncached(loss.tokens) - prices.cached(loss.tokens)) for loss in use.losses)
    cached_savings = prices.uncached(use.cached) - prices.cached(use.cached)
    expected = amounts.total + cached_savings - (prices.uncached(use.expected) - prices.cached(use.expected))
    return ExplainedResponse(pair, InputParts(new, resent, use.cached, written), use, amounts, losses, expected)
