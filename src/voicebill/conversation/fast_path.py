"""Count a simple plan in one loop: speech in one session, without truncation, tools, images, text turns or interruptions.

Most plans are simple, and call mixes, sensitivity and recommendations count hundreds of them. The results equal those of
script, context and cache to the token, without creating turns or responses; tests compare the two on random plans. For
other plans `count_fast` returns None, and the caller counts them response by response.
"""

from collections.abc import Callable
from typing import NamedTuple

from voicebill.conversation import token_counting
from voicebill.conversation.cache import CacheRule
from voicebill.conversation.context import ContextBudget
from voicebill.conversation.history import Tokens
from voicebill.conversation.plan import Plan, schedule_speech
from voicebill.conversation.rules import Rules

TokenPair = tuple[int, int]
"""Text and audio tokens."""


class FastCounts(NamedTuple):
    """Token counts of a simple plan: input, cached input (best and expected), output, and the user's audio by turn."""

    input: Tokens
    best: Tokens
    expected: Tokens
    text_out: int
    audio_out: int
    user_tokens: list[int]


def count_fast(plan: Plan, rules: Rules, best: CacheRule, expected: CacheRule) -> FastCounts | None:
    """The counts of a plan under two cache behaviours, or None if the plan is not simple.

    Raises:
        ContextOverflow: instructions and tools alone exceed the model's limit.
    """
    if plan.tool_calls or plan.images or plan.text_turns or plan.interrupted_share or rules.cache_writes:
        return None
    budget = ContextBudget(plan, rules)
    user_tokens, reply_tokens, _, silence_ms = schedule_speech(plan, rules)
    lasts_ms = (
        sum(user_tokens) * rules.user_audio_ms_per_token + sum(reply_tokens) * rules.reply_audio_ms_per_token + silence_ms
    )
    limit_ms = 60_000 * (rules.session_minutes if plan.session_minutes is None else plan.session_minutes)
    if 0 < limit_ms < lasts_ms:
        return None
    return _run(plan, rules, budget, (best, expected), (user_tokens, reply_tokens))


def _run(
    plan: Plan, rules: Rules, budget: ContextBudget, caches: tuple[CacheRule, CacheRule], speech: tuple[list[int], list[int]]
) -> FastCounts | None:
    reply_text_of, shrinking = token_counting.reply_text_counter(rules), rules.history == "last-assistant-audio"
    item, reply_item, shrunk_item = rules.user_audio_item_tokens, rules.assistant_item_tokens, rules.transcript_item_tokens
    hit_counters = [_hit_counter(cache) for cache in caches]
    hits = [[0, 0], [0, 0]]
    fixed, max_tokens = budget.fixed, budget.tokens
    text = audio = read_text = read_audio = text_out = audio_out = 0
    common_prefix = previously_seen = (fixed if plan.warm_cache else 0, 0)
    # of the newest reply: the tokens before it, its text and audio, and its text once it is reduced to its transcript
    before, shown, last_audio, shrunk = (0, 0), 0, 0, 0
    for user_tokens, reply_tokens in zip(*speech, strict=True):
        if user_tokens:
            text, audio = text + item, audio + user_tokens
        if text + audio > max_tokens:
            return None
        read_text, read_audio = read_text + text + fixed, read_audio + audio
        for count_hits, sums in zip(hit_counters, hits, strict=True):
            hit = count_hits(previously_seen, common_prefix)
            sums[0] += hit[0]
            sums[1] += hit[1]
        text_tokens, transcript = reply_text_of(reply_tokens)
        text_out, audio_out = text_out + text_tokens + plan.reasoning_tokens, audio_out + reply_tokens
        shrinks = shrinking and last_audio
        if shrinks:
            common_prefix = (before[0] + fixed, before[1])
            text, audio = text - shown + shrunk, audio - last_audio
        before, shown, last_audio = (text, audio), text_tokens + reply_item, reply_tokens
        shrunk = transcript + reply_item + shrunk_item if reply_tokens else shown
        text, audio = text + shown, audio + reply_tokens
        previously_seen = (text + fixed, audio)
        if not shrinks:
            common_prefix = previously_seen if rules.cache_includes_output else (before[0] + fixed, before[1])
    best, expected = (Tokens(*sums) for sums in hits)
    return FastCounts(Tokens(read_text, read_audio), best, expected, text_out, audio_out, speech[0])


def _hit_counter(cache: CacheRule) -> Callable[[TokenPair, TokenPair], TokenPair]:
    """A function from previously seen and common-prefix tokens to cached tokens, equal to `cache.cached_tokens`."""
    if cache.behaviour == "none":
        return lambda _seen, _prefix: (0, 0)
    reuses_all, block, minimum = cache.behaviour == "all", cache.block_tokens, cache.minimum_tokens
    numerator, denominator = (1, 1) if reuses_all else cache.reuse_share

    def count_hits(previously_seen: TokenPair, common_prefix: TokenPair) -> TokenPair:
        text, audio = previously_seen if reuses_all else common_prefix
        text, audio = text * numerator // denominator, audio * numerator // denominator
        if text + audio < minimum:
            return 0, 0
        return text - text % block, audio - audio % block

    return count_hits
