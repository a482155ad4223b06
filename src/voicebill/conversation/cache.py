"""The cache: what of an input is billed at the cached rate, under three behaviours.

`all` reuses every item of the previous response's input and output that is still there, wherever it stands: what
calculators assume, and the best case. `prefix` reuses a share of the common prefix: what recordings show. `none`
reuses nothing. They are scenarios, not mathematical bounds.
"""

from typing import NamedTuple

from voicebill.billing.checks import Number, share
from voicebill.billing.usage import Usage
from voicebill.conversation.context import Response
from voicebill.conversation.history import NOTHING, Tokens
from voicebill.conversation.rules import Cache, Rules


class CacheRule(NamedTuple):
    """A cache behaviour with its numbers: the share of a prefix that is found (as a fraction), block size, least size.

    `writes`: what is not found is billed as written to the cache, in inputs of at least the least size.
    """

    behaviour: Cache
    share: tuple[int, int]
    block: int
    minimum: int = 0
    writes: bool = False


def cache_rule(behaviour: Cache, rules: Rules, reuse: Number | None = None) -> CacheRule:
    """The behaviour under some rules; the share applies to `prefix` alone."""
    found = rules.cache_reuse_share if reuse is None else share("reuse", reuse)
    share_found, least = found.as_integer_ratio(), rules.cache_minimum_tokens
    return CacheRule(behaviour, share_found, rules.cache_block_tokens, least, rules.cache_writes)


def cached(response: Response, rule: CacheRule) -> Tokens:
    """How much of a response's input is billed as cached: text and audio in whole blocks, images whole."""
    if rule.behaviour == "none":
        return NOTHING
    if rule.behaviour == "all":
        text, audio, image = response.known
    else:
        over, under = rule.share
        text, audio, image = response.common
        text, audio, image = text * over // under, audio * over // under, image * over // under
    if text + audio + image < rule.minimum:
        return NOTHING
    block = rule.block
    return Tokens(text - text % block, audio - audio % block, _whole_images(response.images, image) if image else 0)


def usage(response: Response, rule: CacheRule) -> Usage:
    """What a response is charged for under a cache behaviour."""
    hit = cached(response, rule)
    return charged(response.input, hit, response.text_out, response.audio_out, written(response, hit, rule))


def written(response: Response, hit: Tokens, rule: CacheRule) -> int:
    """Text tokens of a response's input that are billed as written to the cache, where its provider bills that."""
    if not rule.writes or sum(response.input) < rule.minimum:
        return 0
    return response.input.text - hit.text


def charged(read: Tokens, hit: Tokens, text_out: int, audio_out: int, stored: int = 0) -> Usage:
    """The usage of reading so much, part of it found in the cache or stored there, and of writing so much."""
    text, audio, image = read
    return Usage.tokens(
        text_in=text - hit.text - stored,
        text_in_cached=hit.text,
        text_in_cache_write=stored,
        audio_in=audio - hit.audio,
        audio_in_cached=hit.audio,
        image_in=image - hit.image,
        image_in_cached=hit.image,
        text_out=text_out,
        audio_out=audio_out,
    )


def _whole_images(images: tuple[int, ...], most: int) -> int:
    taken = 0
    for tokens in images:
        if taken + tokens > most:
            break
        taken += tokens
    return taken
