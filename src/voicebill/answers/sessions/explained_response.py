"""Represent an explained response: the parts of its input, what the cache missed of it, and their amounts."""

from typing import NamedTuple

from voicebill.answers.sessions.cache_losses import CacheUse, LossCause
from voicebill.answers.sessions.reconstruction import ReconstructedResponse
from voicebill.answers.sessions.token_prices import TokenPrices
from voicebill.billing.money import Amount
from voicebill.conversation.history import NOTHING, Tokens


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


class ExplainedResponse(NamedTuple):
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
    tokens, unseen, cached = pair.record.tokens, pair.simulated.unseen, use.cached
    new = Tokens(min(tokens.text_in, unseen.text), min(tokens.audio_in, unseen.audio), min(tokens.image_in, unseen.image))
    resent = Tokens(tokens.text_in - new.text, tokens.audio_in - new.audio, tokens.image_in - new.image)
    written = Tokens(tokens.text_in_cache_write) if tokens.text_in_cache_write else NOTHING
    amounts = PartAmounts(
        prices.uncached(new),
        prices.uncached(resent),
        prices.cached(cached),
        written.text * prices.text_in_cache_write,
        tokens.text_out * prices.text_out + tokens.audio_out * prices.audio_out,
    )
    losses = tuple([LossAmount(cause, prices.savings(missing)) for cause, missing in use.losses])
    expected = amounts.total + prices.savings(cached) - prices.savings(use.expected)
    return ExplainedResponse(pair, InputParts(new, resent, cached, written), use, amounts, losses, expected)
