"""Describe a conversation by its averages (a plan), and expand it to a script turn by turn.

The turns of the script add up to the plan's totals exactly. They vary around their mean, always in the same way, because
with equal turns every cache block would be rounded in the same direction.
"""

import itertools
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal, NamedTuple

from voicebill.billing.errors import InvalidInput
from voicebill.billing.validation import Between, Number, Share, validate
from voicebill.conversation import token_counting
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import MAX_IMAGES, MAX_TURNS, ConversationSettings, Script, TokenCount, ToolCall, Turn

MAX_MINUTES = 1440

DEFAULT_SHARE = Decimal("0.4")
"""Default share of the conversation's time for each speaker; the remaining fifth is silence."""

USER_STEP, REPLY_STEP = 618_034, 754_878
"""Fractional parts, in millionths, of the golden ratio and of the plastic number: their multiples fill an interval
evenly, never repeat, and are not correlated with each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(ConversationSettings):
    """A conversation described by its averages. Shares are of the conversation's time; None: the remainder.

    `tool_calls`, `images` and `text_turns` are counts per conversation, spread evenly. In a text turn the user types
    and the assistant answers as text. `interrupted_share` is the share of replies that the user interrupts, and
    `played_share` the share of an interrupted reply that is played; `assistant_share` is the time of played speech.

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
    image_tiles: Annotated[int, Between(0, 1000)] = 1
    text_turns: Annotated[int, Between(0, MAX_TURNS)] = 0
    text_turn_user_tokens: TokenCount = 20
    text_turn_reply_tokens: TokenCount = 60
    interrupted_share: Share = 0
    played_share: Annotated[Number, Between(0, 1, above=True, text="1 (100%)")] = Decimal("0.5")
    reasoning_tokens: TokenCount = 0

    def __post_init__(self) -> None:
        validate(self)
        if self.text_turns > self.turns:
            raise InvalidInput(
                f"({self.text_turns}) must be between 0 and turns ({self.turns})", field="text_turns", mentions=("turns",)
            )
        self._check_shares()

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
    """The plan with other turns and minutes; counts per conversation, except images, are scaled with the turns.

    >>> longer = with_length(Plan(minutes=10, turns=20, tool_calls=4, text_turns=5), 30, 15)
    >>> longer.tool_calls, longer.text_turns, longer.minutes
    (6, 8, Decimal('15'))
    """
    ratio = Fraction(turns, plan.turns)
    text_turns = turns if plan.text_turns == plan.turns else min(turns, round(plan.text_turns * ratio))
    return replace(plan, turns=turns, minutes=minutes, tool_calls=round(plan.tool_calls * ratio), text_turns=text_turns)


def script(plan: Plan, rules: Rules) -> Script:
    """The plan as a conversation turn by turn. If the assistant speaks first, its greeting is an extra turn at the start.

    >>> from voicebill.facts import load_facts
    >>> from datetime import date
    >>> offer = load_facts().prices.quote("gpt-realtime", day=date(2026, 11, 22)).offer
    >>> rules = load_facts().rules_for(offer, day=date(2026, 11, 22)).rules
    >>> turns = script(Plan(minutes=10, turns=20), rules).turns
    >>> sum(turn.reply_audio_tokens for turn in turns), sum(turn.user_audio_tokens - 8 for turn in turns)
    (4800, 2400)
    """
    settings = {name: getattr(plan, name) for name in _SETTINGS}
    return Script(turns=tuple(_turns(plan, rules)), **settings)


_SETTINGS = tuple(field.name for field in fields(ConversationSettings))


class SpeechSchedule(NamedTuple):
    """Speech by turn: audio tokens that the user commits, padding included; audio tokens of the replies that are played;
    which turns are typed (1, otherwise 0); and the total silence.
    """

    user_tokens: list[int]
    reply_tokens: list[int]
    typed_turns: list[int]
    silence_ms: int


def schedule_speech(plan: Plan, rules: Rules) -> SpeechSchedule:
    """The plan's speech spread over its turns. If the assistant speaks first, its greeting is an extra turn at the start."""
    greeting = int(plan.first_speaker == "assistant")
    typed = [0] * greeting + spread_evenly(plan.text_turns, plan.turns)
    speaking = [int(not text) for text in typed]
    listening = [0] * greeting + speaking[greeting:]
    ms = round(Fraction(plan.minutes) * 60_000)
    user_share, assistant_share = plan.speech_shares
    variation, padding = rules.turn_variation, rules.padding_tokens
    user_tokens = _apportion(int(ms * user_share) // rules.user_audio_ms_per_token, listening, variation, USER_STEP)
    reply_tokens = _apportion(int(ms * assistant_share) // rules.reply_audio_ms_per_token, speaking, variation, REPLY_STEP)
    committed = [tokens + padding * listens for tokens, listens in zip(user_tokens, listening, strict=True)]
    spoken_ms = sum(committed) * rules.user_audio_ms_per_token + sum(reply_tokens) * rules.reply_audio_ms_per_token
    return SpeechSchedule(committed, reply_tokens, typed, max(0, ms - spoken_ms))


def _turns(plan: Plan, rules: Rules) -> Iterator[Turn]:
    user_tokens, reply_tokens, typed, silence_ms = schedule_speech(plan, rules)
    greeting = len(typed) - plan.turns
    speaking = [int(not text) for text in typed]
    silence = _apportion(silence_ms, [1] * len(typed), Decimal(0), USER_STEP)
    calls = [0] * greeting + spread_evenly(plan.tool_calls, plan.turns)
    images = [0] * greeting + spread_evenly(plan.images, plan.turns)
    interruptions = _select_evenly(round(plan.interrupted_share * sum(speaking)), speaking)
    call = ToolCall(plan.arguments_tokens, plan.result_tokens)
    image = token_counting.image(plan.image_tiles, rules)
    for index, text in enumerate(typed):
        interrupted = interruptions[index] and reply_tokens[index] > 0
        yield Turn(
            user_audio_tokens=user_tokens[index],
            user_text_tokens=plan.text_turn_user_tokens if text else 0,
            image_tokens=(image,) * images[index],
            tool_calls=(call,) * calls[index],
            reply_audio_tokens=round(reply_tokens[index] / Fraction(plan.played_share)) if interrupted else reply_tokens[index],
            reply_text_tokens=plan.text_turn_reply_tokens if text else None if reply_tokens[index] else 0,
            reasoning_tokens=plan.reasoning_tokens,
            played_ms=reply_tokens[index] * rules.reply_audio_ms_per_token if interrupted else None,
            silence_ms=silence[index],
        )


def spread_evenly(count: int, places: int) -> list[int]:
    """A count spread over places as evenly as whole numbers allow, and centred: 2 over 5 is 0 1 0 1 0."""
    if not count:
        return [0] * places
    marks = [(2 * count * place + places) // (2 * places) for place in range(places + 1)]
    return list(map(operator.sub, marks[1:], marks))


def _select_evenly(count: int, eligible: Sequence[int]) -> list[bool]:
    """Select `count` of the eligible places (1, not 0), evenly."""
    if not count:
        return [False] * len(eligible)
    marks = iter(spread_evenly(count, sum(eligible) or 1))
    return [bool(place and next(marks)) for place in eligible]


def _apportion(total: int, places: Sequence[int], variation: Decimal, step: int) -> list[int]:
    """Split a total over places (1, not 0) that vary by up to `variation` around the mean; the parts add up to it."""
    spread = int(variation * 1_000_000)
    weights = places
    if spread:
        weights = [
            place * (1_000_000_000_000 + spread * (2 * (index * step % 1_000_000) - 1_000_000))
            for index, place in enumerate(places, start=1)
        ]
    cumulative = list(itertools.accumulate(weights, initial=0))
    total_weight = cumulative[-1] or 1
    marks = [total * partial // total_weight for partial in cumulative]
    return list(map(operator.sub, marks[1:], marks))
