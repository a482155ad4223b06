"""Describe a conversation by its averages (a plan), and expand it to a script turn by turn.

The turns of the script add up to the plan's totals exactly. They vary around their mean, always in the same way, because
with equal turns every cache block would be rounded in the same direction. What happens in a turn depends on its number
alone, so a shorter call is the beginning of the planned one, and a longer call goes on as it began.
"""

import itertools
import operator
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import gcd
from typing import Annotated, Literal, NamedTuple

from voicebill.billing.errors import InvalidInput
from voicebill.billing.validation import Between, Number, Share, require_between
from voicebill.conversation import token_counting
from voicebill.conversation.context import duration_ms, session_limit_ms
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import MAX_IMAGES, MAX_TURNS, ConversationSettings, Script, TokenCount, ToolCall, Turn

MAX_MINUTES = 1440

DEFAULT_SHARE = Decimal("0.4")
"""Default share of the conversation's time for each speaker; the remaining fifth is silence."""

KEPT_WEIGHTS = 1_000
"""The weights of so many turns are kept."""

USER_STEP, REPLY_STEP = 618_034, 754_878
"""Fractional parts, in millionths, of the golden ratio and of the plastic number: their multiples fill an interval
evenly, never repeat, and are not correlated with each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(ConversationSettings):
    """A conversation described by its averages. Shares are of the conversation's time; None: the remainder.

    `tool_calls`, `images` and `text_turns` are counts per conversation, spread evenly; `image_turns` are the turns with an
    image instead, one entry per image. In a text turn the user types and the assistant answers as text. `reasoning_tokens`
    are those of every response (None: as the rules say). `interrupted_share` is the share of replies that the user
    interrupts, and `played_share` the share of an interrupted reply that is played; `assistant_share` is the time of played
    speech. `calls_end_with_session`: calls are cut at the session limit, and do not go on in another session. Of a month's
    calls, `unconnected_share` reaches nobody, and `short_share` ends after the first turn; the plan describes the others.

    >>> Plan(minutes=10, turns=20).silence
    Decimal('0.2')
    """

    instructions_tokens: TokenCount = 1000
    minutes: Annotated[Number, Between(0, MAX_MINUTES, above=True, text="1,440 (a day)")]
    turns: Annotated[int, Between(1, MAX_TURNS)]
    user_share: Share | None = None
    assistant_share: Share | None = None
    silence_share: Share | None = None
    first_speaker: Literal["user", "assistant"] = "user"
    tool_calls: Annotated[int, Between(0, MAX_TURNS)] = 0
    arguments_tokens: TokenCount = 20
    result_tokens: TokenCount = 100
    images: Annotated[int, Between(0, MAX_IMAGES)] = 0
    image_turns: tuple[int, ...] = ()
    image_tiles: Annotated[int, Between(0, 1000)] = 1
    text_turns: Annotated[int, Between(0, MAX_TURNS)] = 0
    text_turn_user_tokens: TokenCount = 20
    text_turn_reply_tokens: TokenCount = 60
    interrupted_share: Share = 0
    played_share: Annotated[Number, Between(0, 1, above=True, text="1 (100%)")] = Decimal("0.5")
    reasoning_tokens: TokenCount | None = None
    calls_end_with_session: bool = False
    unconnected_share: Share = 0
    short_share: Share = 0

    def __post_init__(self) -> None:
        ConversationSettings.__post_init__(self)
        if self.text_turns > self.turns:
            raise InvalidInput(
                f"({self.text_turns}) must be between 0 and turns ({self.turns})", field="text_turns", mentions=("turns",)
            )
        self._check_image_turns()
        self._check_shares()
        if Decimal(self.unconnected_share) + Decimal(self.short_share) >= 1:
            raise InvalidInput(
                f"({self.unconnected_share}) and short_share ({self.short_share}) must add up to less than 1: the plan "
                "describes the other calls",
                field="unconnected_share",
                mentions=("short_share",),
            )

    def _check_image_turns(self) -> None:
        count = len(self.image_turns)
        if count and self.images not in (0, count):
            raise InvalidInput(
                f"({self.images}) and image_turns ({count} entries) contradict each other: give one of them",
                field="images",
                mentions=("image_turns",),
            )
        if count > MAX_IMAGES:
            raise InvalidInput(f"must have at most {MAX_IMAGES:,} entries, not {count:,}", field="image_turns")
        for turn in self.image_turns:
            require_between("image_turns", turn, 1, self.turns)

    def _check_shares(self) -> None:
        user, assistant = self.speech_shares
        if user + assistant > 1:
            raise InvalidInput(
                f"({user}) and assistant_share ({assistant}) must add up to at most 1",
                field="user_share",
                mentions=("assistant_share",),
            )
        if self.silence_share is not None and user + assistant + Decimal(self.silence_share) != 1:
            raise InvalidInput(
                f"({self.silence_share}), user_share ({user}) and assistant_share ({assistant}) must add up to 1; omit one of "
                "them to have it computed",
                field="silence_share",
                mentions=("user_share", "assistant_share"),
            )

    @property
    def full_share(self) -> Decimal:
        """The share of a month's calls that the plan describes: those that are neither unconnected nor short."""
        return 1 - Decimal(self.unconnected_share) - Decimal(self.short_share)

    @property
    def image_count(self) -> int:
        """Images per conversation."""
        return len(self.image_turns) or self.images

    def reasoning_per_response(self, rules: Rules) -> int:
        """Reasoning tokens of a response: the plan's, else those of the rules."""
        return rules.reasoning_tokens_per_response if self.reasoning_tokens is None else self.reasoning_tokens

    @property
    def speech_shares(self) -> tuple[Decimal, Decimal]:
        """The shares of the user's and the assistant audio; shares that are not set are computed from the others."""
        user, assistant, silence = (
            None if share is None else Decimal(share) for share in (self.user_share, self.assistant_share, self.silence_share)
        )
        spoken = None if silence is None else 1 - silence
        if user is None and assistant is None:
            half = DEFAULT_SHARE if spoken is None else spoken / 2
            return half, half
        if user is None:
            assert assistant is not None
            return max(Decimal(0), spoken - assistant if spoken is not None else min(DEFAULT_SHARE, 1 - assistant)), assistant
        if assistant is None:
            return user, max(Decimal(0), spoken - user if spoken is not None else min(DEFAULT_SHARE, 1 - user))
        return user, assistant

    @property
    def silence(self) -> Decimal:
        """The share of time that is silence."""
        user, assistant = self.speech_shares
        return 1 - user - assistant


def with_length(plan: Plan, turns: int, minutes: Number) -> Plan:
    """The plan with other turns and minutes; counts per conversation are scaled with the turns.

    >>> longer = with_length(Plan(minutes=10, turns=20, tool_calls=4, text_turns=5), 30, 15)
    >>> longer.tool_calls, longer.text_turns, longer.minutes
    (6, 8, Decimal('15'))
    """
    ratio = Fraction(turns, plan.turns)
    text_turns = turns if plan.text_turns == plan.turns else min(turns, round(plan.text_turns * ratio))
    return replace(
        plan,
        turns=turns,
        minutes=minutes,
        tool_calls=round(plan.tool_calls * ratio),
        text_turns=text_turns,
        images=0 if plan.image_turns else round(plan.images * ratio),
        image_turns=tuple(turn for turn in plan.image_turns if turn <= turns),
    )


def script(plan: Plan, rules: Rules, turns: int | None = None) -> Script:
    """The plan as a conversation turn by turn. If the assistant speaks first, its greeting is an extra turn at the start.

    `turns` gives a call of another length: the first turns of the planned conversation, or the planned one and more turns
    like its own.

    >>> from voicebill.facts import load_facts
    >>> from datetime import date
    >>> offer = load_facts().prices.quote("gpt-realtime", day=date(2026, 11, 22)).offer
    >>> rules = load_facts().rules_for(offer, day=date(2026, 11, 22)).rules
    >>> turns = script(Plan(minutes=10, turns=20), rules).turns
    >>> sum(turn.reply_audio_tokens for turn in turns), sum(turn.user_audio_tokens - 5 for turn in turns)
    (4800, 2400)
    >>> script(Plan(minutes=10, turns=20), rules, turns=5).turns == turns[:5]
    True
    """
    settings = {name: getattr(plan, name) for name in _SETTINGS}
    scripted = _turns(plan, rules, plan.turns if turns is None else turns)
    if plan.calls_end_with_session:
        scripted = _first_session(scripted, session_limit_ms(plan, rules), rules, greeting_turns(plan))
    return Script(turns=tuple(scripted), **settings)


def _first_session(turns: Iterator[Turn], limit_ms: int, rules: Rules, greeting: int) -> Iterator[Turn]:
    """The turns whose midpoint falls in the first session; always the greeting, if there is one, and the turn after it."""
    elapsed_ms = 0
    for index, turn in enumerate(turns):
        turn_ms = duration_ms(turn, rules)
        if index > greeting and limit_ms and 2 * elapsed_ms + turn_ms >= 2 * limit_ms:
            return
        yield turn
        elapsed_ms += turn_ms


_SETTINGS = tuple(field.name for field in fields(ConversationSettings))


class SpeechSchedule(NamedTuple):
    """Speech by turn: audio tokens that the user commits, padding included; audio tokens of the replies that are played;
    which turns are typed (1, otherwise 0); and the silence in milliseconds.
    """

    user_tokens: list[int]
    reply_tokens: list[int]
    typed_turns: list[int]
    silence_ms: list[int]


def greeting_turns(plan: Plan) -> int:
    """The turns before the plan's own: 1 if the assistant speaks first, else 0."""
    return int(plan.first_speaker == "assistant")


def schedule_speech(plan: Plan, rules: Rules, turns: int) -> SpeechSchedule:
    """The plan's speech by turn, for a call of `turns` turns and the greeting, if there is one.

    The plan's own turns add up to its totals; further ones go on in the same way.
    """
    greeting = greeting_turns(plan)
    counted = max(turns, plan.turns)
    typed = [0] * greeting + spread_evenly(plan.text_turns, plan.turns, counted)
    planned = plan.turns + greeting
    speaking = [int(not text) for text in typed] if plan.text_turns else [1] * len(typed)
    listening = [0] * greeting + speaking[greeting:]
    ms, user_ms, assistant_ms = _speech_ms(plan.minutes, plan.speech_shares)
    variation, padding = rules.turn_variation, rules.padding_tokens
    user_tokens = _apportion(user_ms // rules.user_audio_ms_per_token, listening, planned, variation, USER_STEP)
    reply_total = assistant_ms // rules.reply_audio_ms_per_token
    reply_tokens = _apportion(reply_total, speaking, planned, variation, REPLY_STEP)
    committed = [tokens + padding * listens for tokens, listens in zip(user_tokens, listening, strict=True)]
    spoken_ms = (
        sum(committed[:planned]) * rules.user_audio_ms_per_token + sum(reply_tokens[:planned]) * rules.reply_audio_ms_per_token
    )
    silence_ms = _apportion(max(0, ms - spoken_ms), [1] * len(typed), planned, Decimal(0), USER_STEP)
    places = turns + greeting
    return SpeechSchedule(committed[:places], reply_tokens[:places], typed[:places], silence_ms[:places])


@lru_cache(maxsize=256)
def _speech_ms(minutes: Number, shares: tuple[Decimal, Decimal]) -> tuple[int, int, int]:
    """Milliseconds of a conversation, and of each speaker's share; a plan's are needed for each rule that is uncertain."""
    ms = round(Fraction(minutes) * 60_000)
    return ms, int(ms * shares[0]), int(ms * shares[1])


def _turns(plan: Plan, rules: Rules, turns: int) -> Iterator[Turn]:
    speech = schedule_speech(plan, rules, turns)
    greeting = greeting_turns(plan)
    calls = [0] * greeting + spread_evenly(plan.tool_calls, plan.turns, turns)
    images = [0] * greeting + _images(plan, turns)
    interruptions = _interruptions(plan, speech)
    call = ToolCall(plan.arguments_tokens, plan.result_tokens)
    image = token_counting.image(plan.image_tiles, rules)
    reasoning = plan.reasoning_per_response(rules)
    for index, (user_tokens, reply_tokens, text, silence_ms) in enumerate(zip(*speech, strict=True)):
        interrupted = interruptions[index] and reply_tokens > 0
        yield Turn(
            user_audio_tokens=user_tokens,
            user_text_tokens=plan.text_turn_user_tokens if text else 0,
            image_tokens=(image,) * images[index],
            tool_calls=(call,) * calls[index],
            reply_audio_tokens=round(reply_tokens / Fraction(plan.played_share)) if interrupted else reply_tokens,
            reply_text_tokens=plan.text_turn_reply_tokens if text else None if reply_tokens else 0,
            reasoning_tokens=reasoning,
            played_ms=reply_tokens * rules.reply_audio_ms_per_token if interrupted else None,
            silence_ms=silence_ms,
        )


def _images(plan: Plan, turns: int) -> list[int]:
    """The number of images by turn."""
    if not plan.image_turns:
        return spread_evenly(plan.images, plan.turns, turns)
    counts = Counter(plan.image_turns)
    return [counts[turn] for turn in range(1, turns + 1)]


def _interruptions(plan: Plan, speech: SpeechSchedule) -> list[bool]:
    """Which replies are interrupted: of the planned conversation's spoken replies a share, and of further ones the same."""
    if not plan.interrupted_share:
        return [False] * len(speech.typed_turns)
    spoken = greeting_turns(plan) + plan.turns - plan.text_turns
    speaking = [not text for text in speech.typed_turns]
    marks = iter(spread_evenly(round(plan.interrupted_share * spoken), spoken, sum(speaking)) if spoken else ())
    return [bool(speaks and next(marks)) for speaks in speaking]


def spread_evenly(count: int, places: int, length: int | None = None) -> list[int]:
    """A count spread over places as evenly as whole numbers allow, and centred: 2 over 5 is 0 1 0 1 0.

    `length` gives fewer places, or more at the same rate.
    """
    length = places if length is None else length
    if not count:
        return [0] * length
    marks = [(2 * count * place + places) // (2 * places) for place in range(length + 1)]
    return list(map(operator.sub, marks[1:], marks))


def _apportion(total: int, places: Sequence[int], planned: int, variation: Decimal, step: int) -> list[int]:
    """Split a total over places (1, not 0) that vary by up to `variation` around the mean.

    The first `planned` parts add up to the total; the others go on at the same scale. Every second part is as much below the
    mean as the one before it is above, or the reverse, so that longer and shorter calls have the same mean.
    """
    cumulative = _cumulative_weights(places, int(variation * 1_000_000), step)
    total_weight = cumulative[planned] or 1
    marks = [total * partial // total_weight for partial in cumulative]
    return list(map(operator.sub, marks[1:], marks))


def _cumulative_weights(places: Sequence[int], spread: int, step: int) -> Sequence[int]:
    """The sums of the weights of the first 0, 1, 2 ... places."""
    if not spread:
        return list(itertools.accumulate(places, initial=0))
    if len(places) <= KEPT_WEIGHTS and all(places):
        return _weights_of_turns(spread, step)[: len(places) + 1]
    return list(itertools.accumulate(map(operator.mul, places, _weights(places, spread, step)), initial=0))


@lru_cache(maxsize=16)
def _weights_of_turns(spread: int, step: int) -> Sequence[int]:
    """The same for as many places as most conversations have turns, none of them left out: plans differ in their totals only.

    The weights are divided by what they have in common, so that their products stay small.
    """
    weights = list(_weights([1] * KEPT_WEIGHTS, spread, step))
    divisor = gcd(*weights)
    return tuple(itertools.accumulate((weight // divisor for weight in weights), initial=0))


def _weights(places: Sequence[int], spread: int, step: int) -> Iterator[int]:
    """The weight of each place."""
    for ordinal in itertools.accumulate(places):
        deviation = spread * (2 * ((ordinal + 1) // 2 * step % 1_000_000) - 1_000_000)
        yield 1_000_000_000_000 + (deviation if ordinal % 2 else -deviation)
