"""Compute how much of a response's input is billed at the cached rate, under three cache behaviours.

`all` reuses every item of the previous response's input and output that is still in the history, at any position: this is
the best case, and what calculators assume. `prefix` reuses a share of the common prefix: this is what recordings show.
`none` reuses nothing. The three are scenarios, not mathematical bounds.
"""

from typing import NamedTuple

from voicebill.billing.usage import Usage
from voicebill.billing.validation import Number, to_share
from voicebill.conversation.context import Response
from voicebill.conversation.history import NOTHING, Tokens
from voicebill.conversation.rules import Cache, Rules


class CacheRule(NamedTuple):
    """A cache behaviour with its parameters: reused share of the prefix (as a fraction), block size and minimum size.

    `reuse_share_without_speech` is the share for input of text and images only.
    `bills_writes`: tokens that are not cached are billed as cache writes, if the input has at least `minimum_tokens`.
    """

    behaviour: Cache
    reuse_share: tuple[int, int]
    reuse_share_without_speech: tuple[int, int]
    block_tokens: int
    minimum_tokens: int = 0
    bills_writes: bool = False

    def share(self, *, has_speech: bool) -> tuple[int, int]:
        """The reused share of the prefix of an input with or without speech, as a fraction."""
        return self.reuse_share if has_speech else self.reuse_share_without_speech

    def percent(self, *, has_speech: bool) -> str:
        """The reused share of the prefix as text, such as 80%."""
        numerator, denominator = self.share(has_speech=has_speech)
        return f"{100 * numerator / denominator:.4g}%"


def cache_rule(behaviour: Cache, rules: Rules, prefix_reuse: Number | None = None) -> CacheRule:
    """A cache behaviour with the parameters of the rules; the reuse share applies to `prefix` only.

    Of a provider without a cache it is always `none`. A `prefix_reuse` takes the place of both shares of the rules, with speech
    and without.
    """
    if not rules.caches_input:
        behaviour = "none"
    shares = (rules.cache_reuse_share, rules.cache_reuse_share_without_speech)
    if prefix_reuse is not None:
        shares = (to_share("prefix_reuse", prefix_reuse),) * 2
    with_speech, without_speech = (share.as_integer_ratio() for share in shares)
    return CacheRule(
        behaviour, with_speech, without_speech, rules.cache_block_tokens, rules.cache_minimum_tokens, rules.cache_writes
    )


def cached_tokens(response: Response, rule: CacheRule) -> Tokens:
    """The tokens of a response's input that are billed as cached: text and audio in whole blocks, images only as a whole."""
    if rule.behaviour == "none":
        return NOTHING
    if rule.behaviour == "all":
        text, audio, image = response.previously_seen
    else:
        numerator, denominator = rule.share(has_speech=response.input.audio > 0)
        text, audio, image = response.common_prefix
        text, audio, image = text * numerator // denominator, audio * numerator // denominator, image * numerator // denominator
    if text + audio + image < rule.minimum_tokens:
        return NOTHING
    block = rule.block_tokens
    return Tokens(text - text % block, audio - audio % block, _complete_images(response.images, image) if image else 0)


def usage(response: Response, rule: CacheRule) -> Usage:
    """The billed usage of a response under a cache behaviour."""
    hit = cached_tokens(response, rule)
    return usage_from_tokens(
        response.input, hit, response.text_out, response.audio_out, cache_write_tokens(response, hit, rule)
    )


def cache_write_tokens(response: Response, hit: Tokens, rule: CacheRule) -> int:
    """Text tokens of a response's input that are billed as cache writes; 0 if the provider does not bill them."""
    if not rule.bills_writes or sum(response.input) < rule.minimum_tokens:
        return 0
    return response.input.text - hit.text


def usage_from_tokens(input_tokens: Tokens, hit: Tokens, text_out: int, audio_out: int, cache_write: int = 0) -> Usage:
    """The usage for input tokens, of which `hit` are cached and `cache_write` are written to the cache, and output tokens."""
    text, audio, image = input_tokens
    return Usage.tokens(
        text_in=text - hit.text - cache_write,
        text_in_cached=hit.text,
        text_in_cache_write=cache_write,
        audio_in=audio - hit.audio,
        audio_in_cached=hit.audio,
        image_in=image - hit.image,
        image_in_cached=hit.image,
        text_out=text_out,
        audio_out=audio_out,
    )


def _complete_images(images: tuple[int, ...], max_tokens: int) -> int:
    total = 0
    for tokens in images:
        if total + tokens > max_tokens:
            break
        total += tokens
    return total
