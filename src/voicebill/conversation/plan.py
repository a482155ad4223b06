"""A plan: a conversation by its averages; and the script that it becomes.

The turns of that script add up to the plan's totals token by token. They vary around their mean, always in the same
way: equal turns would make every block of the cache round in the same direction.
"""

import itertools
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from fractions import Fraction
from typing import Literal, NamedTuple

from voicebill.billing.checks import Number, exact, one_of, share, within
from voicebill.billing.errors import InvalidInput
from voicebill.conversation import counting
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import MOST_IMAGES, MOST_TOKENS, MOST_TURNS, Script, Setup, ToolCall, Turn

DEFAULT_SHARE = Decimal("0.4")
"""Of the conversation's time, for each side's speech; the fifth that is left is silence."""

USER_STEP, REPLY_STEP = 618_034, 754_878
"""Fractional parts, in millionths, of the golden ratio and of the plastic number: their multiples fill an interval
evenly and never repeat, and the two do not keep step with each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Setup):
    """A conversation by its averages. Shares are of the conversation's time; None: what the others leave.

    `tool_calls`, `images` and `text_turns` are counts per conversation, spread evenly. In a text turn the user types
    and the assistant answers in writing. `interrupted_share` of the replies are broken off, and `heard_share` of such
    a reply was heard; the assistant's share of time is what was heard.

    >>> Plan(minutes=10, turns=20).silence
    Decimal('0.2')
    """

    instructions_tokens: int = 1000
    minutes: Number
    turns: int
    user_share: Number | None = None
    assistant_share: Number | None = None
    silence_share: Number | None = None
    first_speaker: Literal["user", "assistant"] = "user"
    tool_calls: int = 0
    arguments_tokens: int = 20
    result_tokens: int = 100
    images: int = 0
    image_tiles: int = 1
    text_turns: int = 0
    text_turn_user_tokens: int = 20
    text_turn_reply_tokens: int = 60
    interrupted_share: Number = 0
    heard_share: Number = Decimal("0.5")
    reasoning_tokens: int = 0

    def __post_init__(self) -> None:
        Setup.__post_init__(self)
        object.__setattr__(self, "minutes", exact("minutes", self.minutes))
        if not 0 < self.minutes <= 1440:
            raise InvalidInput(f"minutes must be more than 0 and at most 1,440 (a day), not {self.minutes}")
        within("turns", self.turns, 1, MOST_TURNS)
        for name in ("user_share", "assistant_share", "silence_share", "interrupted_share", "heard_share"):
            stated = getattr(self, name)
            if stated is not None or name in ("interrupted_share", "heard_share"):
                object.__setattr__(self, name, share(name, stated))
        one_of("first_speaker", self.first_speaker, ("user", "assistant"))
        for name in (
            "arguments_tokens",
            "result_tokens",
            "text_turn_user_tokens",
            "text_turn_reply_tokens",
            "reasoning_tokens",
        ):
            within(name, getattr(self, name), 0, MOST_TOKENS)
        within("tool_calls", self.tool_calls, 0, MOST_TURNS)
        within("images", self.images, 0, MOST_IMAGES)
        within("image_tiles", self.image_tiles, 0, 1000)
        within("text_turns", self.text_turns, 0, MOST_TURNS)
        if self.text_turns > self.turns:
            raise InvalidInput(f"text_turns ({self.text_turns}) must be between 0 and the turns ({self.turns})")
        if self.heard_share == 0:
            raise InvalidInput("heard_share must be more than 0: a reply that nobody heard takes none of the time")
        self._check_shares()

    def _check_shares(self) -> None:
        user, assistant = self.talk
        if user + assistant > 1:
            raise InvalidInput(f"user_share ({user}) and assistant_share ({assistant}) are more than 1 together")
        if self.silence_share is not None and user + assistant + Decimal(self.silence_share) != 1:
            raise InvalidInput(
                f"user_share ({user}), assistant_share ({assistant}) and silence_share ({self.silence_share}) must add "
                "up to 1; leave one out to have it filled in"
            )

    @property
    def talk(self) -> tuple[Decimal, Decimal]:
        """The shares of the user's and the assistant's speech, with what was left open filled in."""
        user, assistant, silence = (
            None if stated is None else Decimal(stated)
            for stated in (self.user_share, self.assistant_share, self.silence_share)
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
        """The share of time in which nobody speaks."""
        user, assistant = self.talk
        return 1 - user - assistant


def at_length(plan: Plan, turns: int, minutes: Number) -> Plan:
    """The plan of a call of other turns and minutes: what is counted per conversation grows with the turns.

    >>> longer = at_length(Plan(minutes=10, turns=20, tool_calls=4, text_turns=5), 30, 15)
    >>> longer.tool_calls, longer.text_turns, longer.minutes
    (6, 8, Decimal('15'))
    """
    grown = Fraction(turns, plan.turns)
    written = turns if plan.text_turns == plan.turns else min(turns, round(plan.text_turns * grown))
    return replace(plan, turns=turns, minutes=minutes, tool_calls=round(plan.tool_calls * grown), text_turns=written)


def script(plan: Plan, rules: Rules) -> Script:
    """The plan as a conversation turn by turn. A greeting, if the assistant speaks first, is a turn before the first.

    >>> from voicebill.facts import load
    >>> from datetime import date
    >>> offer = load().prices.find("gpt-realtime", day=date(2026, 11, 22)).offer
    >>> rules = load().ruling(offer, day=date(2026, 11, 22)).rules
    >>> turns = script(Plan(minutes=10, turns=20), rules).turns
    >>> sum(turn.reply_audio_tokens for turn in turns), sum(turn.user_audio_tokens - 8 for turn in turns)
    (4800, 2400)
    """
    setup = {name: getattr(plan, name) for name in _SETUP}
    return Script(turns=tuple(_turns(plan, rules)), **setup)


_SETUP = tuple(each.name for each in fields(Setup))


class Speech(NamedTuple):
    """Who speaks how much, turn by turn: audio tokens that the user commits, padding included, and that are heard of the
    replies; which turns are typed; and how long nobody speaks.
    """

    said: list[int]
    heard: list[int]
    typed: list[int]
    quiet_ms: int


def speech(plan: Plan, rules: Rules) -> Speech:
    """The plan's talk spread over its turns; a greeting, if the assistant speaks first, is a turn before the first."""
    greeting = int(plan.first_speaker == "assistant")
    typed = [0] * greeting + evenly(plan.text_turns, plan.turns)
    speaking = [int(not text) for text in typed]
    listening = [0] * greeting + speaking[greeting:]
    ms = round(Fraction(plan.minutes) * 60_000)
    user_share, assistant_share = plan.talk
    variation, padding = rules.turn_variation, rules.padding_tokens
    said = _apportioned(int(ms * user_share) // rules.user_audio_ms_per_token, listening, variation, USER_STEP)
    heard = _apportioned(int(ms * assistant_share) // rules.reply_audio_ms_per_token, speaking, variation, REPLY_STEP)
    committed = [tokens + padding * listens for tokens, listens in zip(said, listening, strict=True)]
    spoken_ms = sum(committed) * rules.user_audio_ms_per_token + sum(heard) * rules.reply_audio_ms_per_token
    return Speech(committed, heard, typed, max(0, ms - spoken_ms))


def _turns(plan: Plan, rules: Rules) -> Iterator[Turn]:
    said, heard, typed, quiet_ms = speech(plan, rules)
    greeting = len(typed) - plan.turns
    speaking = [int(not text) for text in typed]
    silence = _apportioned(quiet_ms, [1] * len(typed), Decimal(0), USER_STEP)
    calls = [0] * greeting + evenly(plan.tool_calls, plan.turns)
    pictures = [0] * greeting + evenly(plan.images, plan.turns)
    broken = _chosen(round(plan.interrupted_share * sum(speaking)), speaking)
    call = ToolCall(plan.arguments_tokens, plan.result_tokens)
    picture = counting.image(plan.image_tiles, rules)
    for at, text in enumerate(typed):
        interrupted = broken[at] and heard[at] > 0
        yield Turn(
            user_audio_tokens=said[at],
            user_text_tokens=plan.text_turn_user_tokens if text else 0,
            image_tokens=(picture,) * pictures[at],
            tool_calls=(call,) * calls[at],
            reply_audio_tokens=round(heard[at] / Fraction(plan.heard_share)) if interrupted else heard[at],
            reply_text_tokens=plan.text_turn_reply_tokens if text else None if heard[at] else 0,
            reasoning_tokens=plan.reasoning_tokens,
            heard_ms=heard[at] * rules.reply_audio_ms_per_token if interrupted else None,
            silence_ms=silence[at],
        )


def evenly(count: int, places: int) -> list[int]:
    """A count spread over places as evenly as whole numbers go, centred: 2 over 5 is 0 1 0 1 0."""
    if not count:
        return [0] * places
    marks = [(2 * count * place + places) // (2 * places) for place in range(places + 1)]
    return list(map(operator.sub, marks[1:], marks))


def _chosen(count: int, among: Sequence[int]) -> list[bool]:
    """Which of the places that count (1, not 0) are chosen, evenly."""
    if not count:
        return [False] * len(among)
    marks = iter(evenly(count, sum(among) or 1))
    return [bool(place and next(marks)) for place in among]


def _apportioned(total: int, places: Sequence[int], variation: Decimal, step: int) -> list[int]:
    """A total over the places that count, each varying by up to `variation` around the mean; the parts add up to it."""
    spread = int(variation * 1_000_000)
    weights = places
    if spread:
        weights = [
            place * (1_000_000_000_000 + spread * (2 * (at * step % 1_000_000) - 1_000_000))
            for at, place in enumerate(places, start=1)
        ]
    reached = list(itertools.accumulate(weights, initial=0))
    whole = reached[-1] or 1
    marks = [total * upto // whole for upto in reached]
    return list(map(operator.sub, marks[1:], marks))
