"""Describe a conversation turn by turn (a script), as it took place or as expected.

All quantities are tokens of the provider or milliseconds; quantities that are not given are computed by the rules.
"""

import operator
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Literal

from voicebill.billing.errors import InvalidInput
from voicebill.billing.validation import Between, Share, require_between, require_type, validate
from voicebill.conversation.rules import Cache, SessionCarryover

TransportName = Literal["webrtc", "websocket", "sip"]
DEFAULT_TRANSPORT: TransportName = "webrtc"

MAX_TURNS = 20_000
MAX_TOKENS = 10_000_000
MAX_IMAGES = 1_000
MAX_MS = 24 * 60 * 60 * 1000
"""The maximum counts and durations of one conversation: above any context window, and small enough to compute quickly."""


@dataclass(frozen=True, slots=True)
class Truncation:
    """What happens when the history no longer fits.

    `auto` drops the oldest items until at most `retention_ratio` of the space after instructions and tools is used;
    `post_instructions_tokens` reduces that space. `disabled` makes the provider return an error.
    """

    mode: Literal["auto", "disabled"] = "auto"
    retention_ratio: Share = Decimal(1)
    post_instructions_tokens: Annotated[int | None, Between(1, MAX_TOKENS)] = None

    def __post_init__(self) -> None:
        validate(self)
        if self.mode == "disabled" and (self.retention_ratio != 1 or self.post_instructions_tokens is not None):
            raise InvalidInput(
                "is disabled: leave out retention_ratio and post_instructions_tokens",
                field="truncation",
                mentions=("retention_ratio", "post_instructions_tokens"),
            )


TokenCount = Annotated[int, Between(0, MAX_TOKENS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationSettings:
    """Settings of a whole conversation, planned or scripted. None: the value of the rules.

    `cache` is the behaviour of the expected scenario, `prefix_reuse` the share of the common prefix that is cached, and
    `warm_cache` whether another session has just used the same instructions. A session ends after `session_minutes`, and
    `session_carryover` is what the next one starts with. The default `transport` is WebRTC. `instructions_change` is the
    share of responses whose instructions differ from those of the response before (True: all); of their instructions, the
    first `stable_instructions_tokens` are the same.
    """

    instructions_tokens: TokenCount = 0
    tools_tokens: TokenCount = 0
    transcription_model: str | None = None
    instructions_change: Share = 0
    stable_instructions_tokens: TokenCount | None = None
    truncation: Truncation = Truncation()
    cache: Cache | None = None
    prefix_reuse: Share | None = None
    warm_cache: bool = False
    session_minutes: Annotated[int | None, Between(1, 24 * 60)] = None
    session_carryover: SessionCarryover | None = None
    transport: TransportName | None = None

    def __post_init__(self) -> None:
        if isinstance(self.instructions_change, bool):
            object.__setattr__(self, "instructions_change", int(self.instructions_change))
        validate(self)
        stable = self.stable_instructions_tokens
        if stable is not None and stable > self.instructions_tokens:
            raise InvalidInput(
                f"({stable:,}) must be at most instructions_tokens ({self.instructions_tokens:,})",
                field="stable_instructions_tokens",
                mentions=("instructions_tokens",),
            )


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call: its arguments are the output of one response, its result is input of the next."""

    arguments_tokens: TokenCount
    result_tokens: TokenCount

    def __post_init__(self) -> None:
        validate(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turn: the user speaks, types or sends images, and the assistant replies.

    User audio is the committed audio, padding of turn detection included, in tokens or in ms. A reply with audio is
    spoken, and `reply_text_tokens` is the text that is billed in addition; a reply without audio is text. Reasoning tokens
    are billed in addition, in every response of the turn. `played_ms`: the user interrupted the reply after this time; the
    rest was generated and is billed, too. `cancelled`: the response ended before any output.

    `user_messages` is the number of messages that the user's audio was committed as. `instructions_tokens`: other instructions
    from this turn on. `deleted_items`: the client deletes these items before the turn, by their place in the history as the
    response before it left it, from 1 for the oldest.
    """

    user_audio_tokens: int = 0
    user_audio_ms: int | None = None
    user_transcript_tokens: int | None = None
    user_text_tokens: int = 0
    image_tokens: tuple[int, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    reply_audio_tokens: int = 0
    reply_audio_ms: int | None = None
    reply_text_tokens: int | None = None
    reply_transcript_tokens: int | None = None
    reasoning_tokens: int = 0
    played_ms: int | None = None
    silence_ms: int = 0
    cancelled: bool = False
    user_messages: int = 1
    instructions_tokens: int | None = None
    deleted_items: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not _has_plain_counts(self):
            _check_counts(self)
        if self.image_tokens or self.tool_calls or self.deleted_items or type(self.cancelled) is not bool:
            _check_parts(self)
        contradiction = _user_contradiction(self) or _reply_contradiction(self)
        if contradiction:
            raise InvalidInput(contradiction)


def _has_plain_counts(turn: Turn) -> bool:
    """Whether all counts are whole numbers within the smallest bounds: a fast check for many turns, which names no field."""
    counts: tuple[int, ...] = _REQUIRED_COUNTS(turn)
    optional_counts = _OPTIONAL_COUNTS(turn)
    if any(map(_IS_NOT_NONE, optional_counts)):
        counts += tuple(filter(_IS_NOT_NONE, optional_counts))
    if set(map(type, counts)) != _INT_ONLY or not 1 <= turn.user_messages <= MAX_TURNS:
        return False
    return min(counts) >= 0 and max(counts) <= MAX_TOKENS


_INT_ONLY = {int}
_IS_NOT_NONE = partial(operator.is_not, None)


def _check_counts(turn: Turn) -> None:
    require_between("user_messages", turn.user_messages, 1, MAX_TURNS)
    for name, (maximum, required) in _COUNT_BOUNDS.items():
        count = getattr(turn, name)
        if required or count is not None:
            require_between(name, count, 0, maximum)


def _check_parts(turn: Turn) -> None:
    require_type("cancelled", turn.cancelled, bool)
    require_type("image_tokens", turn.image_tokens, tuple)
    require_type("tool_calls", turn.tool_calls, tuple)
    require_type("deleted_items", turn.deleted_items, tuple)
    for place in turn.deleted_items:
        require_between("deleted_items", place, 1, MAX_TOKENS)
    for count in turn.image_tokens:
        require_between("image_tokens", count, 1, MAX_TOKENS)
    for call in turn.tool_calls:
        require_type("tool_calls", call, ToolCall)


def _user_contradiction(turn: Turn) -> str | None:
    if turn.user_audio_ms is not None and turn.user_audio_tokens:
        return "user_audio_tokens and user_audio_ms say the same thing: give one"
    if turn.user_transcript_tokens is not None and not (turn.user_audio_tokens or turn.user_audio_ms):
        return "user_transcript_tokens needs user audio"
    if turn.user_messages > 1 and not (turn.user_audio_tokens or turn.user_audio_ms):
        return "user_messages needs user audio"
    return None


def _reply_contradiction(turn: Turn) -> str | None:
    if turn.reply_audio_ms is not None and turn.reply_audio_tokens:
        return "reply_audio_tokens and reply_audio_ms say the same thing: give one"
    spoken = bool(turn.reply_audio_tokens or turn.reply_audio_ms)
    if turn.cancelled:
        reasoning = 0 if turn.tool_calls else turn.reasoning_tokens
        has_output = spoken or turn.reply_text_tokens or turn.reply_transcript_tokens or reasoning
        return "a turn cancelled before any output has no reply, transcript or reasoning" if has_output else None
    if not spoken and turn.reply_text_tokens is None:
        return "no reply: give reply_audio_tokens, reply_audio_ms or reply_text_tokens, or set cancelled"
    if not spoken and turn.played_ms is not None:
        return "played_ms needs a spoken reply"
    if not spoken and turn.reply_transcript_tokens is not None:
        return "reply_transcript_tokens needs a spoken reply"
    return None


_COUNT_BOUNDS = {
    "user_audio_tokens": (MAX_TOKENS, True),
    "user_audio_ms": (MAX_MS, False),
    "user_transcript_tokens": (MAX_TOKENS, False),
    "user_text_tokens": (MAX_TOKENS, True),
    "reply_audio_tokens": (MAX_TOKENS, True),
    "reply_audio_ms": (MAX_MS, False),
    "reply_text_tokens": (MAX_TOKENS, False),
    "reply_transcript_tokens": (MAX_TOKENS, False),
    "reasoning_tokens": (MAX_TOKENS, True),
    "played_ms": (MAX_MS, False),
    "silence_ms": (MAX_MS, True),
    "instructions_tokens": (MAX_TOKENS, False),
}
"""The maximum of each count, and whether it is required."""
_REQUIRED_COUNTS = operator.attrgetter("user_messages", *(name for name, (_, required) in _COUNT_BOUNDS.items() if required))
_OPTIONAL_COUNTS = operator.attrgetter(*(name for name, (_, required) in _COUNT_BOUNDS.items() if not required))
_TURN_FIELDS = tuple(row.name for row in fields(Turn))
_TURN_VALUES = operator.attrgetter(*_TURN_FIELDS)


def changed_turn(turn: Turn, values: Mapping[str, Any]) -> Turn:
    """A turn with other values of some fields, checked as any turn: `replace` in a third of the time, for millions of turns."""
    return Turn(**{**dict(zip(_TURN_FIELDS, _TURN_VALUES(turn), strict=True)), **values})


@dataclass(frozen=True, slots=True, kw_only=True)
class Script(ConversationSettings):
    """A conversation turn by turn."""

    turns: tuple[Turn, ...]

    def __post_init__(self) -> None:
        ConversationSettings.__post_init__(self)
        require_type("turns", self.turns, tuple)
        for turn in () if set(map(type, self.turns)) == {Turn} else self.turns:
            require_type("turns", turn, Turn)
        if self.turns and self.turns[0].instructions_tokens is not None:
            raise InvalidInput("the first turn has the instructions of the script: leave out its instructions_tokens")
        images = sum(len(turn.image_tokens) for turn in self.turns)
        if images > MAX_IMAGES:
            raise InvalidInput(f"a script has at most {MAX_IMAGES:,} images, not {images:,}")
        if not self.turns:
            raise InvalidInput("a script needs at least one turn")
        if len(self.turns) > MAX_TURNS:
            raise InvalidInput(f"a script has at most {MAX_TURNS:,} turns, not {len(self.turns):,}")
