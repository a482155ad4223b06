"""Count a simple plan without creating turns or responses: speech alone, without tools, images, text turns or interruptions.

Most plans are simple, and sensitivity and recommendations count hundreds of them. Where the history always fits one session, it
is counted from its columns, else in one loop. The results equal those of script, context and cache to the token; tests compare
them on random plans. For other plans `count_fast` returns None, and the caller counts them response by response.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, islice
from operator import add, mul
from typing import NamedTuple

from voicebill.conversation import token_counting
from voicebill.conversation.cache import CacheRule
from voicebill.conversation.context import ContextBudget
from voicebill.conversation.input_columns import Column, InputColumns, count_inputs, listening_columns, new_sessions
from voicebill.conversation.plan import Plan
from voicebill.conversation.rules import Rules
from voicebill.conversation.work import checked, take_steps

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


class RunningColumns(NamedTuple):
    """`RunningCounts` by the end of every turn, one column per count."""

    text_in: Column
    audio_in: Column
    image_in: Column
    best_text: Column
    best_audio: Column
    best_image: Column
    expected_text: Column
    expected_audio: Column
    expected_image: Column
    best_writes: Column
    expected_writes: Column
    worst_writes: Column
    text_out: Column
    audio_out: Column

    @property
    def turns(self) -> int:
        """The number of turns, the greeting included."""
        return len(self.text_in)

    def at_end_of(self, turn: int) -> RunningCounts:
        """The counts by the end of a turn."""
        return RunningCounts(*[column[turn - 1] for column in self])


def count_fast(plan: Plan, rules: Rules, best: CacheRule, expected: CacheRule, turns: int) -> RunningColumns | None:
    """The counts of a plan's call of `turns` turns under two cache behaviours, turn by turn, or None if it is not simple.

    Raises:
        ContextOverflow: instructions and tools alone exceed the model's limit.
    """
    inputs = count_inputs(plan, rules, turns)
    return None if inputs is None else count_from_inputs(plan, rules, best, expected, inputs)


def count_from_inputs(
    plan: Plan, rules: Rules, best: CacheRule, expected: CacheRule, inputs: InputColumns
) -> RunningColumns | None:
    """The same from the columns of that call. From where the history is truncated on, turns are counted in a loop."""
    take_steps(inputs.fitting)
    counts = _count_columns(inputs, best, expected)
    if inputs.is_complete:
        return counts
    rows = _run(plan, rules, (best, expected), inputs)
    if rows is None:
        return None
    columns = zip(counts, zip(*rows, strict=True), strict=True)
    return RunningColumns(*(_continued(column[: inputs.fitting], others) for column, others in columns))


def _continued(running: Column, others: Iterable[int]) -> Column:
    """Running counts, and those by the end of further turns."""
    return [*running[:-1], *accumulate(others, initial=running[-1])] if running else list(accumulate(others))


def _count_columns(inputs: InputColumns, best: CacheRule, expected: CacheRule) -> RunningColumns:
    none = [0] * len(inputs.text)
    best_text, best_audio = hit_columns(inputs, best)
    expected_text, expected_audio = hit_columns(inputs, expected)
    columns = (best_text, best_audio, none, expected_text, expected_audio, none, none, none, none)
    counts = (inputs.text, inputs.audio, none, *columns, inputs.text_out, inputs.audio_out)
    return RunningColumns(*(column if column is none else list(accumulate(column)) for column in counts))


def hit_columns(inputs: InputColumns, cache: CacheRule) -> tuple[Column, Column]:
    """The cached text and audio tokens of every response, equal to `cache.cached_tokens`."""
    if cache.behaviour == "none":
        return (0,) * len(inputs.text), (0,) * len(inputs.text)
    text, audio = inputs.seen_text, inputs.seen_audio
    if cache.behaviour == "prefix":
        text = _reused(inputs.prefix_text, inputs.audio, cache)
        audio = _reused(inputs.prefix_audio, inputs.audio, cache)
    if cache.minimum_tokens and min(map(add, text, audio)) < cache.minimum_tokens:
        fits = [first + second >= cache.minimum_tokens for first, second in zip(text, audio, strict=True)]
        text, audio = list(map(mul, text, fits)), list(map(mul, audio, fits))
    block = cache.block_tokens
    return [tokens - tokens % block for tokens in text], [tokens - tokens % block for tokens in audio]


def _reused(prefix: Column, audio_in: Column, cache: CacheRule) -> Column:
    """The share of the common prefix that is reused; it depends on whether the input has speech."""
    if all(audio_in) or cache.reuse_share == cache.reuse_share_without_speech:
        numerator, denominator = cache.reuse_share
        return [tokens * numerator // denominator for tokens in prefix]
    shares = [cache.share(has_speech=audio > 0) for audio in audio_in]
    return [tokens * share[0] // share[1] for tokens, share in zip(prefix, shares, strict=True)]


class _HistoryState(NamedTuple):
    """The history before a turn, all text and audio tokens as pairs.

    An item has its text, its audio, and the text that another session starts with. Of the newest reply: the tokens `before` it,
    and its audio, text, and text as a transcript while the next reply reduces it.
    """

    items: deque[tuple[int, int, int]]
    tokens: TokenPair
    previously_seen: TokenPair
    common_prefix: TokenPair
    before: TokenPair = (0, 0)
    last_audio: int = 0
    shown: int = 0
    shrunk: int = 0


def _state_before(turn: int, inputs: InputColumns, rules: Rules, fixed: int) -> _HistoryState:
    """The history before a turn of the first session, until which nothing was truncated."""
    seen = inputs.seen_text[turn], inputs.seen_audio[turn]
    prefix = inputs.prefix_text[turn], inputs.prefix_audio[turn]
    if not turn:
        return _HistoryState(deque(), (0, 0), seen, prefix)
    newest = inputs.items.newest_text[turn - 1], inputs.items.newest_audio[turn - 1]
    return _HistoryState(
        items=deque(_items_before(turn, inputs, rules)),
        tokens=(seen[0] - fixed, seen[1]),
        previously_seen=seen,
        common_prefix=prefix,
        before=(seen[0] - fixed - newest[0], seen[1] - newest[1]),
        last_audio=newest[1],
        shown=newest[0],
        shrunk=inputs.items.older_text[turn - 1],
    )


def _items_before(turn: int, inputs: InputColumns, rules: Rules) -> Iterator[tuple[int, int, int]]:
    """The items before a turn of the first session, until which nothing was truncated."""
    count_text, count_words = token_counting.reply_text_counter(rules), token_counting.transcript_counter(rules)
    rows = zip(*inputs.items, inputs.speech.user_tokens, strict=True)
    for index, row in enumerate(islice(rows, turn), start=1):
        framing, user_audio, reply, newest_text, newest_audio, older_text, older_audio, spoken = row
        if user_audio:
            yield framing, user_audio, rules.user_text_item_tokens + count_words(spoken) if spoken else 0
        text, audio = (newest_text, newest_audio) if index == turn else (older_text, older_audio)
        yield text, audio, count_text(reply)[1] + rules.assistant_item_tokens


def _run(plan: Plan, rules: Rules, caches: tuple[CacheRule, CacheRule], inputs: InputColumns) -> list[tuple[int, ...]] | None:
    """The counts of each turn from the first truncation on; None if the provider ends the conversation with an error."""
    budget, speech, first = ContextBudget(plan, rules), inputs.speech, inputs.fitting
    reply_text_of, count_words = token_counting.reply_text_counter(rules), token_counting.transcript_counter(rules)
    keeps_newest, keeps_older = (form == "audio" for form in (rules.newest_reply, rules.older_replies))
    includes_output, reasoning_tokens = rules.cache_includes_output, plan.reasoning_per_response(rules)
    reply_item, shrunk_item = rules.assistant_item_tokens, rules.transcript_item_tokens
    starts, rows = frozenset(new_sessions(plan, rules, speech)), list[tuple[int, ...]]()
    carries_text = bool(starts) and (plan.session_carryover or rules.session_carryover) == "text"
    framed = (0, 0), (rules.user_audio_item_tokens, rules.user_text_item_tokens)
    count_best, count_expected = (_hit_counter(cache) for cache in caches)
    fixed, max_tokens, carried_items = budget.fixed, budget.tokens, 0
    state = _state_before(first, inputs, rules, fixed)
    items, (text, audio), previously_seen, common_prefix, before, last_audio, shown, shrunk = state
    steps = list(zip(speech.user_tokens, speech.reply_tokens, *listening_columns(speech, rules), strict=True))
    for turn, (user_tokens, reply_tokens, in_history, passing_audio, transcripts) in enumerate(checked(steps[first:]), first):
        if turn in starts:
            dropped_text, carried_items = _carry_over(items, carried_items, carry_text=carries_text)
            text, audio, last_audio = text - dropped_text, 0, 0
            common_prefix = previously_seen = (0, 0)
        if user_audio := user_tokens + in_history:
            framing, carried = framed[user_tokens > 0]
            text, audio = text + framing, audio + user_audio
            words = count_words(user_tokens) if carries_text and user_tokens else 0
            items.append((framing, user_audio, carried + words))
        if text + audio > max_tokens:
            if not budget.can_truncate or sum(items[-1][:2]) > max_tokens:
                return None
            replies = 1 + bool(user_audio)  # items from the newest reply on
            dropped, dropped_text, dropped_audio = _drop_oldest(items, text + audio - budget.target_tokens)
            text, audio, carried_items = text - dropped_text, audio - dropped_audio, max(0, carried_items - dropped)
            before = (before[0] - dropped_text, before[1] - dropped_audio)
            last_audio = last_audio if len(items) >= replies else 0
            common_prefix = previously_seen = (fixed, 0) if any(previously_seen) else (0, 0)
        text_tokens, transcript = reply_text_of(reply_tokens)
        text_out, has_speech = text_tokens + reasoning_tokens + transcripts, audio + passing_audio > 0
        best_hit = count_best(previously_seen, common_prefix, has_speech)
        hit = count_expected(previously_seen, common_prefix, has_speech)
        rows.append((text + fixed, audio + passing_audio, 0, *best_hit, 0, *hit, 0, 0, 0, 0, text_out, reply_tokens))
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
    return rows


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
