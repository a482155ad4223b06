"""Say what of an input could have been cached, what was, and why a response had less from the cache than it could.

What a session has read or written before could be cached. Of that, a cache finds the common prefix with the response before,
which ends early where the model's history policy shrinks a reply; of the prefix, it finds a share, in whole blocks, that
differs by model. What is missing beyond that has a cause: events or counts show it, or it is not explained.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple, get_args

from voicebill.answers.sessions.reconstruction import ReconstructedResponse, Reconstruction
from voicebill.answers.sessions.turn_inference import ends_in_prompt
from voicebill.billing.errors import VoicebillError
from voicebill.conversation.cache import CacheRule, cache_rule, cached_tokens
from voicebill.conversation.context import fixed_tokens, responses
from voicebill.conversation.history import NOTHING, Tokens
from voicebill.conversation.rules import Rules

CACHE_LIFE_MS = 5 * 60 * 1000
"""After a pause of this length a cache may have dropped what it had. OpenAI's guide to prompt caching: prefixes are cleared
after 5 to 10 minutes without use as a rule, and always within an hour."""
MISSED_SHARE = Fraction(1, 2)
"""A response has lost something if less than this share of what its model's cache usually has was cached. A cache that usually
has less than this share of the prefix misses at random."""
MIN_LOST_BLOCKS = 3
"""A smaller loss, in blocks of the cache, is part of the usual variation."""
MIN_REPEATED = 3
"""So many responses in a row with the same cached tokens, while the prefix grows, show a prefix that ends in the prompt."""

LossCause = Literal[
    "prompt-changed", "truncation", "deletion", "another-model", "pause", "cold-start", "reply-shrank", "not-explained"
]
LOSS_CAUSES: tuple[LossCause, ...] = get_args(LossCause)
LOSS_TEXTS: dict[LossCause, str] = {
    "prompt-changed": "prompt or tools changed",
    "truncation": "oldest items truncated",
    "deletion": "items deleted",
    "another-model": "another model",
    "pause": "pause longer than the cache lives",
    "cold-start": "cold start",
    "reply-shrank": "a reply shrank",
    "not-explained": "not explained",
}


class UsualCache(NamedTuple):
    """What a log's cache usually does: the share of the common prefix that it has (None: that of the rules), and whether first
    responses usually have their prompt from it.
    """

    share: Decimal | None = None
    starts_warm: bool = False


class CacheLoss(NamedTuple):
    """Input tokens that were sent again without the cache, and why."""

    cause: LossCause
    tokens: Tokens


class CacheUse(NamedTuple):
    """What of one response's input the cache had. All are parts of its input.

    `reusable` was read or written before; `prefix` is the common prefix if nothing had gone wrong; `expected` is what the rules
    expect of the cache, as things were; `cached` is what the service billed as cached. `losses` say what is missing.
    """

    reusable: Tokens
    prefix: Tokens
    expected: Tokens
    cached: Tokens
    losses: tuple[CacheLoss, ...]


def cache_uses(reconstruction: Reconstruction, rules: Rules, usual: UsualCache = UsualCache()) -> list[CacheUse]:  # noqa: B008
    """The cache use of every response of a session, whose losses are measured by what is usual."""
    pairs = reconstruction.responses
    expected_rule, usual_rule = cache_rule("prefix", rules), cache_rule("prefix", rules, usual.share)
    causes = _causes(reconstruction, rules, usual_rule, starts_warm=usual.starts_warm)
    prefixes = _undisturbed_prefixes(reconstruction, rules, causes)
    shrinks = rules.newest_reply != rules.older_replies or rules.user_speech == "transcript"
    uses = []
    for pair, prefix, cause in zip(pairs, prefixes, causes, strict=True):
        cached = cached_input(pair)
        reusable = _reusable(pair) if shrinks and cause != "cold-start" else prefix
        losses = _shrinkage(reusable, prefix, cached)
        if cause is not None:
            usually = cached_tokens(pair.simulated._replace(common_prefix=prefix), usual_rule)
            losses = (*losses, CacheLoss(cause, _minus(usually, cached)))
        uses.append(CacheUse(reusable, prefix, cached_tokens(pair.simulated, expected_rule), cached, losses))
    return uses


def findable_prefixes(reconstruction: Reconstruction, rules: Rules) -> list[Tokens]:
    """The `CacheUse.prefix` of every response alone, which takes half the time."""
    causes = _causes(reconstruction, rules, cache_rule("prefix", rules), starts_warm=False)
    return _undisturbed_prefixes(reconstruction, rules, causes)


def cached_input(pair: ReconstructedResponse) -> Tokens:
    """The input tokens of a response that the service billed as cached."""
    tokens = pair.record.tokens
    return Tokens(tokens.text_in_cached, tokens.audio_in_cached, tokens.image_in_cached)


def _reusable(pair: ReconstructedResponse) -> Tokens:
    """What a response read that an earlier one of the session had read or written; nothing for the first."""
    response = pair.simulated
    return _minus(response.input, response.unseen) if any(response.previously_seen) else NOTHING


def _minus(tokens: Tokens, others: Tokens) -> Tokens:
    (text, audio, image), (other_text, other_audio, other_image) = tokens, others
    return Tokens(
        text - other_text if text > other_text else 0,  # thrice as fast as max(), for every response
        audio - other_audio if audio > other_audio else 0,
        image - other_image if image > other_image else 0,
    )


def _shrinkage(reusable: Tokens, prefix: Tokens, cached: Tokens) -> tuple[CacheLoss, ...]:
    """What could not be found because a reply shrank, if any; what was found beyond the prefix is no loss."""
    if reusable == prefix:
        return ()
    missing = _minus(reusable, prefix)
    if not any(missing):
        return ()
    shrank = _minus(missing, _minus(cached, prefix))
    return (CacheLoss("reply-shrank", shrank),) if any(shrank) else ()


def _undisturbed_prefixes(reconstruction: Reconstruction, rules: Rules, causes: Sequence[LossCause | None]) -> list[Tokens]:
    """The common prefix of each response if the prompt had stayed as it was and nothing had been taken from the history.

    For other instructions the script is simulated with the first ones; where items are gone, all that is left could be found.
    """
    pairs = reconstruction.responses
    prefixes = [pair.simulated.common_prefix for pair in pairs]
    if "prompt-changed" in causes:
        with suppress(VoicebillError):  # with the first prompt the provider would have refused the call: it is left as it was
            prefixes = _prefixes_with_one_prompt(reconstruction, rules)
    left: dict[LossCause | None, Callable[[ReconstructedResponse], Tokens]] = {
        "truncation": _reusable,
        "deletion": _reusable,
        "cold-start": lambda pair: Tokens(pair.simulated.input.text - pair.simulated.unseen.text),
    }
    return [left[cause](pair) if cause in left else prefix for pair, prefix, cause in zip(pairs, prefixes, causes, strict=True)]


def _prefixes_with_one_prompt(reconstruction: Reconstruction, rules: Rules) -> list[Tokens]:
    script = reconstruction.script
    turns = tuple(
        turn if turn.instructions_tokens is None else replace(turn, instructions_tokens=None) for turn in script.turns
    )
    mended = [
        response
        for response in responses(replace(script, turns=turns), rules)
        if any(response.input) or response.status == "completed"
    ]
    return [
        Tokens(*map(min, response.common_prefix, pair.simulated.input))
        for response, pair in zip(mended, reconstruction.responses, strict=True)
    ]


def _causes(reconstruction: Reconstruction, rules: Rules, rule: CacheRule, *, starts_warm: bool) -> list[LossCause | None]:
    """What kept each response from its share of the cache; None where it had that, or never could."""
    pairs, prompt = reconstruction.responses, fixed_tokens(reconstruction.script, rules)
    is_cold = starts_warm and not any(cached_input(pairs[0])) and Fraction(*rule.reuse_share) >= MISSED_SHARE
    first: LossCause | None = "cold-start" if is_cold else None
    causes = [first, *(_cause(before, pair, rule, prompt) for before, pair in pairwise(pairs))]
    for index in _stuck(pairs, rule):
        causes[index] = "prompt-changed"
    return causes


def _cause(before: ReconstructedResponse, pair: ReconstructedResponse, rule: CacheRule, prompt: int) -> LossCause | None:
    return _shown_cause(before, pair) or (_suggested_cause(before, pair) if _has_missed(pair, rule, prompt) else None)


def _shown_cause(before: ReconstructedResponse, pair: ReconstructedResponse) -> LossCause | None:
    """What the log shows for certain, whatever was cached."""
    changes = pair.place.changes
    if pair.record.model != before.record.model:
        return "another-model"
    if "prompt" in changes:
        return "prompt-changed"
    if "deletion" in changes:
        return _removal_cause(pair)
    return None


def _removal_cause(pair: ReconstructedResponse) -> LossCause:
    """Who took items away: the client, if events show that; the service, if the oldest are gone.

    Where all are gone, and no events tell of items, the history may have begun anew.
    """
    details = pair.record.details
    if details is not None and details.deleted_items:
        return "deletion"
    shows_items = details is not None and details.user_messages is not None
    if pair.place.removed != "others":
        return "cold-start" if pair.place.removed == "all" and not shows_items else "truncation"
    return "deletion" if details is None or details.deleted_items is None else "not-explained"


def _suggested_cause(before: ReconstructedResponse, pair: ReconstructedResponse) -> LossCause:
    """What the counts and times suggest where too little was cached."""
    cached = cached_input(pair)
    if "instructions" in pair.place.changes:
        return "prompt-changed"
    if _pause_ms(before, pair) >= CACHE_LIFE_MS:
        return "pause"
    ends_in_prompt = bool(cached.text) and not cached.audio
    return "prompt-changed" if ends_in_prompt and not _shows_prompt(pair) else "not-explained"


def _shows_prompt(pair: ReconstructedResponse) -> bool:
    """Whether events show which prompt a response had."""
    return pair.record.details is not None and pair.record.details.prompt is not None


def _pause_ms(before: ReconstructedResponse, pair: ReconstructedResponse) -> int:
    start, end = before.record.time_ms, pair.record.time_ms
    return 0 if start is None or end is None else end - start


def _has_missed(pair: ReconstructedResponse, rule: CacheRule, prompt: int) -> bool:
    """Whether far less was cached than the model's cache usually has; `prompt` is the number of tokens before all items."""
    share = _usual_share(rule.share(has_speech=pair.simulated.input.audio > 0))
    if share is None:
        return False
    usual = sum(cached_tokens(pair.simulated, rule))
    cached = sum(cached_input(pair))
    if usual - cached < MIN_LOST_BLOCKS * rule.block_tokens:
        return False
    is_far_less = cached < MISSED_SHARE * usual
    return is_far_less or (not _shows_prompt(pair) and ends_in_prompt(pair.record.tokens, prompt, share))


@lru_cache(maxsize=64)
def _usual_share(share: tuple[int, int]) -> float | None:
    """The share of the prefix that a cache usually has, of a fraction; None if it is so small that misses say nothing."""
    fraction = Fraction(*share)
    return float(fraction) if fraction >= MISSED_SHARE else None


def _stuck(pairs: Sequence[ReconstructedResponse], rule: CacheRule) -> Iterator[int]:
    """The responses that have the same cached text and no audio again and again, although their prefix grows.

    Such a prefix ends in the prompt, at the place where each response has its own.
    """
    run: list[int] = []
    last = NOTHING
    for index, cached in enumerate(map(cached_input, pairs)):
        continues = run and cached == last
        last = cached
        if not continues:
            if _is_stuck(pairs, run, rule):
                yield from run
            run = []
        if cached.text and not cached.audio:
            run.append(index)
    if _is_stuck(pairs, run, rule):
        yield from run


def _is_stuck(pairs: Sequence[ReconstructedResponse], run: Sequence[int], rule: CacheRule) -> bool:
    if len(run) < MIN_REPEATED or Fraction(*rule.reuse_share) < MISSED_SHARE:
        return False
    last = pairs[run[-1]].simulated.common_prefix
    return sum(cached_input(pairs[run[0]])) < MISSED_SHARE * sum(last) and sum(last) >= MIN_LOST_BLOCKS * rule.block_tokens
