"""Count what a simple plan's responses read, column by column: sums over turns instead of a history that changes by the turn.

This holds for speech alone whose history is never truncated. Then each response reads the user's speech so far in the session,
the newest reply, and the older replies in the form in which the history keeps them. Most plans are such. The results equal
those of script and context to the token; tests compare the two on random plans.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, pairwise
from operator import add
from typing import NamedTuple

from voicebill.conversation import token_counting
from voicebill.conversation.context import ContextBudget, Response, fixed_tokens, session_limit_ms
from voicebill.conversation.history import Tokens
from voicebill.conversation.plan import Plan, SpeechSchedule, schedule_speech
from voicebill.conversation.rules import Rules

Column = Sequence[int]
"""A number for every turn."""


class Items(NamedTuple):
    """Tokens by turn: of the user's item, its text and audio; the reply's audio; and the text and audio of the reply's item.

    The latter are those that the next response reads, and those that stay in the history after it.
    """

    framing: Column
    user_audio: Column
    replies: Column
    newest_text: Column
    newest_audio: Column
    older_text: Column
    older_audio: Column


class SessionColumns(NamedTuple):
    """Tokens by turn: the input without silence that is not kept, what of it was seen before, and the common prefix."""

    text: Column
    audio: Column
    seen_text: Column
    seen_audio: Column
    prefix_text: Column
    prefix_audio: Column


class InputColumns(NamedTuple):
    """Tokens by turn, the greeting included: columns of what `Response` holds, and the speech that they come from.

    `text_out` includes reasoning and transcripts. `first_session` is the number of turns in the first session. The first
    `fitting` turns are as these columns say; if that is not all of them, the history is truncated from then on.
    """

    speech: SpeechSchedule
    items: Items
    text: Column
    audio: Column
    seen_text: Column
    seen_audio: Column
    prefix_text: Column
    prefix_audio: Column
    unseen_text: Column
    unseen_audio: Column
    text_out: Column
    audio_out: Column
    reasoning: int
    first_session: int
    fitting: int

    @property
    def is_complete(self) -> bool:
        """Whether the history fits to the end."""
        return self.fitting == len(self.text)

    def responses(self, turns: int) -> Iterator[Response]:
        """The first responses, all in the first session and before the history is truncated.

        `tuple.__new__` takes a third of the time of the named tuples' constructors.
        """
        columns = zip(*self[2:-3], strict=True)
        for turn, row in zip(range(1, turns + 1), columns, strict=False):
            text, audio, seen_text, seen_audio, prefix_text, prefix_audio, unseen_text, unseen_audio, text_out, audio_out = row
            yield tuple.__new__(
                Response,
                (
                    turn,
                    "reply",
                    "completed",
                    tuple.__new__(Tokens, (text, audio, 0)),
                    tuple.__new__(Tokens, (unseen_text, unseen_audio, 0)),
                    tuple.__new__(Tokens, (prefix_text, prefix_audio, 0)),
                    tuple.__new__(Tokens, (seen_text, seen_audio, 0)),
                    (),
                    text_out,
                    audio_out,
                    self.reasoning,
                    1,
                    0,
                ),
            )


def is_simple(plan: Plan, rules: Rules) -> bool:
    """Whether a plan has speech alone, and the rules change no item of it but the older replies."""
    if plan.tool_calls or plan.image_count or plan.text_turns or plan.interrupted_share or plan.instructions_change:
        return False
    if rules.cache_writes or rules.user_speech != "audio" or rules.newest_reply == "transcript" != rules.older_replies:
        return False
    return not plan.calls_end_with_session


def count_inputs(plan: Plan, rules: Rules, turns: int) -> InputColumns | None:
    """The columns of a plan's call of `turns` turns; None if it is not simple. Who counts with them takes the steps.

    Raises:
        ContextOverflow: instructions and tools alone exceed the model's limit.
    """
    if not is_simple(plan, rules):
        return None
    budget, speech = ContextBudget(plan, rules), schedule_speech(plan, rules, turns)
    silence, passing_audio, transcripts = listening_columns(speech, rules)
    items, billed = _items(speech, silence, rules)
    starts = new_sessions(plan, rules, speech)
    sessions = list(_sessions(items, speech, starts, plan, rules))
    columns = sessions[0] if len(sessions) == 1 else SessionColumns(*map(list, map(chain, *sessions)))
    first_session = starts[0] if starts else len(speech.user_tokens)
    reasoning, user_audio, audio = plan.reasoning_per_response(rules), items.user_audio, columns.audio
    if any(passing_audio):
        user_audio, audio = list(map(add, user_audio, passing_audio)), list(map(add, audio, passing_audio))
    return InputColumns(
        speech,
        items,
        columns.text,
        audio,
        *columns[2:],
        items.framing,
        user_audio,
        [tokens + words + reasoning for tokens, words in zip(billed, transcripts, strict=True)],
        speech.reply_tokens,
        reasoning,
        first_session,
        _fitting_turns(columns, budget, first_session),
    )


def _fitting_turns(columns: SessionColumns, budget: ContextBudget, first_session: int) -> int:
    """The turns before the history is first truncated; 0 if that is in a later session."""
    most, sums = budget.tokens + budget.fixed, list(map(add, columns.text, columns.audio))
    if max(sums) <= most:
        return len(sums)
    turns = next(turn for turn, tokens in enumerate(sums) if tokens > most)
    return turns if turns < first_session else 0


def _items(speech: SpeechSchedule, silence: Column, rules: Rules) -> tuple[Items, Column]:
    """The items of the history, and the text tokens that are billed with each reply."""
    replies, item = speech.reply_tokens, rules.assistant_item_tokens
    billed, words = zip(*map(token_counting.reply_text_counter(rules), replies), strict=True)
    transcripts = list(map(add, words, _where(replies, item + rules.transcript_item_tokens, item)))
    none = [0] * len(replies)
    with_audio = [tokens + item for tokens in billed], replies
    newest = with_audio if rules.newest_reply == "audio" else (transcripts, none)
    older = with_audio if rules.older_replies == "audio" else (transcripts, none)
    user_audio = list(map(add, speech.user_tokens, silence)) if any(silence) else speech.user_tokens
    return Items(_where(speech.user_tokens, rules.user_audio_item_tokens, 0), user_audio, replies, *newest, *older), billed


def _sessions(
    items: Items, speech: SpeechSchedule, starts: Sequence[int], plan: Plan, rules: Rules
) -> Iterator[SessionColumns]:
    """The columns of each session. A next one starts without a cache, perhaps with the words of those before it as text."""
    fixed = fixed_tokens(plan, rules)
    if not starts:
        yield _read_session(items, rules, fixed, fixed if plan.warm_cache else 0)
        return
    carried = [0] * (len(items.replies) + 1)
    if (plan.session_carryover or rules.session_carryover) == "text":
        carried = list(accumulate(_carried_tokens(speech, rules), initial=0))
    for start, end in pairwise((0, *starts, len(items.replies))):
        part = Items(*(column[start:end] for column in items))
        yield _read_session(part, rules, fixed + carried[start], 0 if start or not plan.warm_cache else fixed)


def _carried_tokens(speech: SpeechSchedule, rules: Rules) -> Iterator[int]:
    """The text tokens with which a next session starts for each turn."""
    count_text, count_words = token_counting.reply_text_counter(rules), token_counting.transcript_counter(rules)
    for audio, reply in zip(speech.user_tokens, speech.reply_tokens, strict=True):
        user = rules.user_text_item_tokens + count_words(audio) if audio else 0
        yield user + count_text(reply)[1] + rules.assistant_item_tokens


def _read_session(items: Items, rules: Rules, first: int, cached: int) -> SessionColumns:
    """What the responses of one session read, which begins with `first` text tokens, of which the cache has `cached`."""
    before_text = _before_replies(items.framing, items.older_text, first)
    before_audio = _before_replies(items.user_audio, items.older_audio, 0)
    seen_text = list(map(add, before_text[:-1], items.newest_text))
    seen_audio = list(map(add, before_audio[:-1], items.newest_audio))
    return SessionColumns(
        list(map(add, (first, *seen_text), items.framing)),
        list(map(add, (0, *seen_audio), items.user_audio)),
        [cached, *seen_text],
        [0, *seen_audio],
        [cached, *_common_prefix(rules, items.replies, before_text, seen_text)],
        [0, *_common_prefix(rules, items.replies, before_audio, seen_audio)],
    )


def _where(column: Column, value: int, other: int) -> list[int]:
    """One value where a column has any tokens, which is nearly everywhere, else the other."""
    return [value] * len(column) if all(column) else [value if tokens else other for tokens in column]


def _before_replies(user: Column, older: Column, fixed: int) -> list[int]:
    """By turn, the tokens before its reply: the user's so far, and the earlier replies as the history keeps them."""
    return list(map(add, accumulate(user), accumulate(older, initial=fixed)))


def _common_prefix(rules: Rules, replies: Column, before: list[int], seen: list[int]) -> list[int]:
    """Of each response but the first, the tokens that it has in common with the one before it, from the beginning.

    They end before the reply that has become its transcript since; else before the newest reply, if that is not read as it was
    written; else after it. `before` and `seen` are the tokens before and after each reply.
    """
    as_written = seen if rules.cache_includes_output else before[:-1]
    if rules.newest_reply == rules.older_replies == "audio":
        return as_written
    if rules.newest_reply == "transcript":
        return [start if reply else end for start, reply, end in zip(before, replies, as_written, strict=False)]
    if all(replies):
        return [*as_written[:1], *before[: len(as_written) - 1]]
    shrinking = zip(before, replies, as_written[1:], strict=False)
    return [*as_written[:1], *(start if reply else end for start, reply, end in shrinking)]


def listening_columns(speech: SpeechSchedule, rules: Rules) -> tuple[list[int], list[int], list[int]]:
    """By turn: audio tokens of silence that stay in the history and that do not, and transcripts that are billed as output."""
    none = [0] * len(speech.user_tokens)
    silence = transcripts = none
    if rules.bills_silence:
        silence = [
            token_counting.listening(ms, user, rules)
            for ms, user in zip(durations_ms(speech, rules), speech.user_tokens, strict=True)
        ]
    if rules.transcript_output != "none":
        transcripts = [
            token_counting.output_transcripts(user, reply, rules)
            for user, reply in zip(speech.user_tokens, speech.reply_tokens, strict=True)
        ]
    return (silence, none, transcripts) if rules.silence_in_history else (none, silence, transcripts)


def new_sessions(plan: Plan, rules: Rules, speech: SpeechSchedule) -> list[int]:
    """The indexes of the turns that begin another session: those whose midpoint is the first in it."""
    limit_ms, user_ms, reply_ms = session_limit_ms(plan, rules), rules.user_audio_ms_per_token, rules.reply_audio_ms_per_token
    speech_ms = sum(speech.user_tokens) * user_ms + sum(speech.reply_tokens) * reply_ms
    if not 0 < limit_ms < speech_ms + sum(speech.silence_ms):
        return []
    durations = durations_ms(speech, rules)
    ends = accumulate(durations)
    sessions = [(2 * end - duration) // (2 * limit_ms) for end, duration in zip(ends, durations, strict=True)]
    return [index for index, (one, two) in enumerate(pairwise(sessions), start=1) if two > one]


def durations_ms(speech: SpeechSchedule, rules: Rules) -> list[int]:
    """The duration of each turn: the user's speech, the reply, and silence."""
    user_ms, reply_ms = rules.user_audio_ms_per_token, rules.reply_audio_ms_per_token
    return [
        user * user_ms + reply * reply_ms + silence
        for user, reply, silence in zip(speech.user_tokens, speech.reply_tokens, speech.silence_ms, strict=True)
    ]
