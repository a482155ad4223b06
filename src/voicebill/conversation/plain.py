"""A plain conversation in one loop: speech on both sides in one session, nothing cut, nothing called, shown or broken off.

Most plans are so, and months, knobs and advice run hundreds of them. What is counted here is what script, context and cache
would count, to the token, without making a turn or a response: tests hold the two against each other on random plans. Where
a plan is not plain there is no answer here, and the ledger gives it.
"""

from collections.abc import Callable
from typing import NamedTuple

from voicebill.conversation import counting
from voicebill.conversation.cache import CacheRule
from voicebill.conversation.context import Room
from voicebill.conversation.history import Tokens
from voicebill.conversation.plan import Plan, speech
from voicebill.conversation.rules import Rules

Pair = tuple[int, int]
"""Text and audio tokens."""


class Plain(NamedTuple):
    """What a plain conversation reads, finds in the cache (best and expected), writes, and what the user says by turn."""

    read: Tokens
    best: Tokens
    expected: Tokens
    text_out: int
    audio_out: int
    said: list[int]


def plain(plan: Plan, rules: Rules, best: CacheRule, expected: CacheRule) -> Plain | None:
    """The counts of a plan under two cache behaviours, or None if it is not plain.

    Raises:
        ContextOverflow: instructions and tools alone do not fit.
    """
    if plan.tool_calls or plan.images or plan.text_turns or plan.interrupted_share or rules.cache_writes:
        return None
    room = Room(plan, rules)
    said, heard, _, quiet_ms = speech(plan, rules)
    lasts_ms = sum(said) * rules.user_audio_ms_per_token + sum(heard) * rules.reply_audio_ms_per_token + quiet_ms
    limit_ms = 60_000 * (rules.session_minutes if plan.session_minutes is None else plan.session_minutes)
    if 0 < limit_ms < lasts_ms:
        return None
    return _run(plan, rules, room, (best, expected), (said, heard))


def _run(
    plan: Plan, rules: Rules, room: Room, caches: tuple[CacheRule, CacheRule], talk: tuple[list[int], list[int]]
) -> Plain | None:
    text_of, shrinking = counting.beside_speech(rules), rules.history == "last-assistant-audio"
    item, reply_item, shrunk_item = rules.user_audio_item_tokens, rules.assistant_item_tokens, rules.transcript_item_tokens
    finders = [_finder(cache) for cache in caches]
    hits = [[0, 0], [0, 0]]
    fixed, most = room.fixed, room.tokens
    text = audio = read_text = read_audio = text_out = audio_out = 0
    common = known = (fixed if plan.warm else 0, 0)
    before, shown, reply, shrunk = (0, 0), 0, 0, 0  # of the newest reply: what stands before it, its size, its text once shrunk
    for said, spoken in zip(*talk, strict=True):
        if said:
            text, audio = text + item, audio + said
        if text + audio > most:
            return None
        read_text, read_audio = read_text + text + fixed, read_audio + audio
        for find, sums in zip(finders, hits, strict=True):
            found = find(known, common)
            sums[0] += found[0]
            sums[1] += found[1]
        written, transcript = text_of(spoken)
        text_out, audio_out = text_out + written + plan.reasoning_tokens, audio_out + spoken
        shrinks = shrinking and reply
        if shrinks:
            common = (before[0] + fixed, before[1])
            text, audio = text - shown + shrunk, audio - reply
        before, shown, reply = (text, audio), written + reply_item, spoken
        shrunk = transcript + reply_item + shrunk_item if spoken else shown
        text, audio = text + shown, audio + spoken
        known = (text + fixed, audio)
        if not shrinks:
            common = known if rules.cache_knows_output else (before[0] + fixed, before[1])
    best, expected = (Tokens(*sums) for sums in hits)
    return Plain(Tokens(read_text, read_audio), best, expected, text_out, audio_out, talk[0])


def _finder(cache: CacheRule) -> Callable[[Pair, Pair], Pair]:
    """What of the known and the common text and audio is found, as `cached` would say."""
    if cache.behaviour == "none":
        return lambda _known, _common: (0, 0)
    everything, block, minimum = cache.behaviour == "all", cache.block, cache.minimum
    over, under = (1, 1) if everything else cache.share

    def find(known: Pair, common: Pair) -> Pair:
        text, audio = known if everything else common
        text, audio = text * over // under, audio * over // under
        if text + audio < minimum:
            return 0, 0
        return text - text % block, audio - audio % block

    return find
