"""Represent the prices of an offer's tokens, by meter."""

from fractions import Fraction
from typing import NamedTuple

from voicebill.billing.money import Amount
from voicebill.billing.offers import Rates
from voicebill.conversation.history import Tokens


def unpriced_places(rates: Rates) -> tuple[int, ...]:
    """The places of the meters that have no price in an offer, in the order of `TokenQuantities`."""
    meters = enumerate(TokenPrices._fields)
    return tuple(place for place, name in meters if rates[name] is None and name not in rates.included_meters)


class TokenPrices(NamedTuple):
    """Picodollars per token by meter, in the order of `TokenQuantities`; 0 for a meter that has no price."""

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
    def of(cls, rates: Rates) -> "TokenPrices":
        """The prices of an offer."""
        by_meter = (rates[meter] for meter in cls._fields)
        return cls._make(
            0 if rate is None else Fraction(rate.picodollars, rate.per) if rate.per != 1 else rate.picodollars
            for rate in by_meter
        )

    def uncached(self, tokens: Tokens) -> Amount:
        """The price of input tokens without a cache."""
        text, audio, image = tokens
        return text * self.text_in + audio * self.audio_in + image * self.image_in

    def cached(self, tokens: Tokens) -> Amount:
        """The price of input tokens from the cache."""
        text, audio, image = tokens
        return text * self.text_in_cached + audio * self.audio_in_cached + image * self.image_in_cached

    def savings(self, tokens: Tokens) -> Amount:
        """What input tokens cost less from the cache."""
        text, audio, image = tokens
        return (
            text * (self.text_in - self.text_in_cached)
            + audio * (self.audio_in - self.audio_in_cached)
            + image * (self.image_in - self.image_in_cached)
        )
