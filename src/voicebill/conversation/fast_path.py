"""Count a simple plan in one loop: speech alone, without tools, images, text turns or interruptions.

Most plans are simple, and sensitivity and recommendations count hundreds of them. The results equal those of script, context
and cache to the token, without creating turns or responses; tests compare the two on random plans. For other plans
`count_fast` returns None, and the caller counts them response by response.
"""

from collections import deque
from collections.abc import Callable
from itertools import accumulate, pairwise
from typing import NamedTuple

from voicebill.conversation import token_counting
from voicebill.conversation.cache import CacheRule
from voicebill.conversation.context import ContextBudget, session_limit_ms
from voicebill.conversation.plan import Plan, SpeechSchedule, schedule_speech
from voicebill.conversation.rules import Rules
from voicebill.conversation.work import checked

TokenPair = tuple[int, int]
"""Text and audio tokens."""


class RunningCounts(NamedTuple):
    """Token counts from the start of a conversation to the end of a turn, or a weighted sum of such counts.

    Input, cached input in the best and in the expected scenario, cache writes in all three scenarios, and output.
    """

    text_in: int
    audio_in: int
    image_in: int
    best_text: int
    best_audio: int
    best_image: int
    expected_text: int
    expected_audio: int
    expected_image: int
    best_writes: int
    expected_writes: int
    worst_writes: int
    text_out: int
    audio_out: int


def count_fast(plan: Plan, rules: Rules, best: CacheRule, expected: CacheRule, turns: int) -> list[RunningCounts] | None:
    """The counts of a plan's call of `turns` turns under two cache behaviours, turn by turn, or None if it is not simple.

    Raises:
        ContextOverflow: instructions and tools alone exceed the model's limit.
    """
    if plan.tool_calls or plan.image_count or plan.text_turns or plan.interrupted_share or plan.instructions_change:
        return None
    if rules.cache_writes or rules.user_speech != "audio" or rules.newest_reply == "transcript" != rules.older_replies:
        return None
    if plan.calls_end_with_session:
        return None
    return _run(plan, rules, ContextBudget(plan, rules), (best, expected), schedule_speech(plan, rules, turns))


def _run(
    plan: Plan, rules: Rules, budget: ContextBudget, caches: tuple[CacheRule, CacheRule], speech: SpeechSchedule
) -> list[RunningCounts] | None:
    reply_text_of = token_counting.reply_text_counter(rules)
    keeps_newest, keeps_older, includes_output = (
        rules.newest_reply == "audio",
        rules.older_replies == "audio",
        rules.cache_includes_output,
    )
    reply_item, shrunk_item, reasoning_tokens = (
        rules.assistant_item_tokens,
        rules.transcript_item_tokens,
        plan.reasoning_per_response(rules),
    )
    new_sessions, rows = _new_sessions(plan, rules, speech), list[tuple[int, ...]]()
    carries_text = bool(new_sessions) and (plan.session_carryover or rules.session_carryover) == "text"
    framed = (0, 0), (rules.user_audio_item_tokens, rules.user_text_item_tokens)
    count_best, count_expected = (_hit_counter(cache) for cache in caches)
    fixed, max_tokens = budget.fixed, budget.tokens
    items: deque[tuple[int, int, int]] = deque()  # text, audio, and the text that another session starts with
    text = audio = read_text = read_audio = best_text = best_audio = expected_text = expected_audio = text_out = audio_out = 0
    common_prefix = previously_seen = (fixed if plan.warm_cache else 0, 0)
    # of the newest reply: the tokens before it, and its audio, text, and text as a transcript while the next one reduces it
    before, last_audio, shown, shrunk, carried_items = (0, 0), 0, 0, 0, 0
    for turn, (user_tokens, reply_tokens, in_history, passing_audio, transcripts) in enumerate(
        checked(list(zip(speech.user_tokens, speech.reply_tokens, *_listening(speech, rules), strict=True)))
    ):
        if turn in new_sessions:
            dropped_text, carried_items = _carry_over(items, carried_items, carry_text=carries_text)
            text, audio, last_audio = text - dropped_text, 0, 0
            common_prefix = previously_seen = (0, 0)
        if user_audio := user_tokens + in_history:
            framing, carried = _user_item(user_tokens, rules) if carries_text and user_tokens else framed[user_tokens > 0]
            text, audio = text + framing, audio + user_audio
            items.append((framing, user_audio, carried))
        if text + audio > max_tokens:
            if not budget.can_truncate or sum(items[-1][:2]) > max_tokens:
                return None
            replies = 1 + bool(user_audio)  # items from the newest reply on
            dropped, dropped_text, dropped_audio = _drop_oldest(items, text + audio - budget.target_tokens)
            text, audio, carried_items = text - dropped_text, audio - dropped_audio, max(0, carried_items - dropped)
            before = (before[0] - dropped_text, before[1] - dropped_audio)
            last_audio = last_audio if len(items) >= replies else 0
            common_prefix = previously_seen = (fixed, 0) if any(previously_seen) else (0, 0)
        read_text, read_audio, has_speech = (
            read_text + text + fixed,
            read_audio + audio + passing_audio,
            audio + passing_audio > 0,
        )
        hit_text, hit_audio = count_best(previously_seen, common_prefix, has_speech)
        best_text, best_audio = best_text + hit_text, best_audio + hit_audio
        hit_text, hit_audio = count_expected(previously_seen, common_prefix, has_speech)
        expected_text, expected_audio = expected_text + hit_text, expected_audio + hit_audio
        text_tokens, transcript = reply_text_of(reply_tokens)
        text_out, audio_out = text_out + text_tokens + reasoning_tokens + transcripts, audio_out + reply_tokens
        rows.append(
            (read_text, read_audio, 0, best_text, best_audio, 0, expected_text, expected_audio, 0, 0, 0, 0, text_out, audio_out)
        )
        shrinks = keeps_newest and not keeps_older and last_audio
        if shrinks:
            common_prefix = (before[0] + fixed, before[1])
            text, audio = text - shown + shrunk, audio - last_audio
            items[-2 if user_audio else -1] = (shrunk, 0, shrunk - shrunk_item)
        before, last_audio = (text, audio), reply_tokens if keeps_newest else 0
        shrunk = transcript + reply_item + shrunk_item if reply_tokens else text_tokens + reply_item
        shown = text_tokens + reply_item if keeps_newest else shrunk
        text, audio = text + shown, audio + last_audio
        items.append((shown, last_audio, transcript + reply_item))
        previously_seen = (text + fixed, audio)
        if not shrinks:
            is_written = includes_output and (keeps_newest or not reply_tokens)
            common_prefix = previously_seen if is_written else (before[0] + fixed, before[1])
    return [tuple.__new__(RunningCounts, row) for row in rows]  # a third of the time of the class's own constructor


def _user_item(user_tokens: int, rules: Rules) -> TokenPair:
    """The text tokens that frame the user's speech, and those with which another session starts, its words included."""
    words = token_counting.transcript_tokens(user_tokens, rules)
    return rules.user_audio_item_tokens, rules.user_text_item_tokens + words


def _listening(speech: SpeechSchedule, rules: Rules) -> tuple[list[int], list[int], list[int]]:
    """By turn: audio tokens of silence that stay in the history and that do not, and transcripts that are billed as output."""
    silence, transcripts = [0] * len(speech.user_tokens), [0] * len(speech.user_tokens)
    pairs = list(zip(speech.user_tokens, speech.reply_tokens, strict=True))
    if rules.bills_silence:
        user_ms, reply_ms = rules.user_audio_ms_per_token, rules.reply_audio_ms_per_token
        lasts_ms = (user * user_ms + reply * reply_ms + ms for (user, reply), ms in zip(pairs, speech.silence_ms, strict=True))
        silence = [token_counting.listening(ms, user, rules) for ms, (user, _) in zip(lasts_ms, pairs, strict=True)]
    if rules.transcript_output != "none":
        transcripts = [token_counting.output_transcripts(*pair, rules) for pair in pairs]
    none = [0] * len(silence)
    return (silence, none, transcripts) if rules.silence_in_history else (none, silence, transcripts)


def _carry_over(items: deque[tuple[int, int, int]], carried_items: int, *, carry_text: bool) -> TokenPair:
    """Reduce the items to those of the next session; return the text that is lost, and how many items there are then.

    Of the items, the first `carried_items` were carried over before, and stay as they are.
    """
    if not carry_text:
        lost = sum(text for text, _, _ in items)
        items.clear()
        return lost, 0
    lost, changed = 0, [items.pop() for _ in range(len(items) - carried_items)]
    for text, _, carried in reversed(changed):
        lost += text - carried
        if carried:
            items.append((carried, 0, carried))
    return lost, len(items)


def _drop_oldest(items: deque[tuple[int, int, int]], excess: int) -> tuple[int, int, int]:
    """Drop items until `excess` tokens or all but the newest are dropped; return how many, and the text and audio they had."""
    count, dropped_text, dropped_audio = len(items), 0, 0
    while len(items) > 1 and dropped_text + dropped_audio < excess:
        text, audio, _ = items.popleft()
        dropped_text, dropped_audio = dropped_text + text, dropped_audio + audio
    return count - len(items), dropped_text, dropped_audio


def _new_sessions(plan: Plan, rules: Rules, speech: SpeechSchedule) -> frozenset[int]:
    """The indexes of the turns that begin another session: those whose midpoint is the first in it."""
    limit_ms = session_limit_ms(plan, rules)
    durations = [
        user * rules.user_audio_ms_per_token + reply * rules.reply_audio_ms_per_token + silence
        for user, reply, silence in zip(speech.user_tokens, speech.reply_tokens, speech.silence_ms, strict=True)
    ]
    if not 0 < limit_ms < sum(durations):
        return frozenset()
    ends = accumulate(durations)
    sessions = [(2 * end - duration) // (2 * limit_ms) for end, duration in zip(ends, durations, strict=True)]
    return frozenset(index for index, (one, two) in enumerate(pairwise(sessions), start=1) if two > one)


def _hit_counter(cache: CacheRule) -> Callable[[TokenPair, TokenPair, bool], TokenPair]:
    """A function from previously seen and common-prefix tokens to cached tokens, equal to `cache.cached_tokens`.

    Its third argument is whether the input has speech.
    """
    if cache.behaviour == "none":
        return lambda _seen, _prefix, _has_speech: (0, 0)
    reuses_all, block, minimum = cache.behaviour == "all", cache.block_tokens, cache.minimum_tokens
    shares = [cache.share(has_speech=has_speech) for has_speech in (False, True)]

    def count_hits(previously_seen: TokenPair, common_prefix: TokenPair, has_speech: bool) -> TokenPair:  # noqa: FBT001 - inner loop
        text, audio = previously_seen if reuses_all else common_prefix
        numerator, denominator = (1, 1) if reuses_all else shares[has_speech]
        text, audio = text * numerator // denominator, audio * numerator // denominator
        if text + audio < minimum:
            return 0, 0
        return text - text % block, audio - audio % block

    return count_hits
