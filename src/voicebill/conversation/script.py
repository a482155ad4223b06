"""A script: a conversation turn by turn, as it was or is expected to be.

Everything is in the provider's tokens or in milliseconds; what is left out is counted by the rules.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from voicebill.billing.checks import Number, of_type, one_of, share, within
from voicebill.billing.errors import InvalidInput
from voicebill.conversation.rules import Cache, Carry

Transport = Literal["webrtc", "websocket", "sip"]

MOST_TURNS = 20_000
MOST_TOKENS = 10_000_000
MOST_IMAGES = 1_000
MOST_MS = 24 * 60 * 60 * 1000
"""Bounds on what one conversation can hold: far beyond any context, and small enough to answer at once."""


@dataclass(frozen=True, slots=True)
class Truncation:
    """What happens when the history no longer fits.

    `auto` drops the oldest items; on overflow it keeps at most `retention_ratio` of the room that instructions and
    tools leave. `post_instructions_tokens` lowers that room. `disabled` makes the provider answer with an error.
    """

    mode: Literal["auto", "disabled"] = "auto"
    retention_ratio: Number = Decimal(1)
    post_instructions_tokens: int | None = None

    def __post_init__(self) -> None:
        one_of("truncation mode", self.mode, ("auto", "disabled"))
        object.__setattr__(self, "retention_ratio", share("retention_ratio", self.retention_ratio))
        if self.mode == "disabled" and (self.retention_ratio != 1 or self.post_instructions_tokens is not None):
            raise InvalidInput("retention_ratio and post_instructions_tokens mean nothing where truncation is disabled")
        if self.post_instructions_tokens is not None:
            within("post_instructions_tokens", self.post_instructions_tokens, 1, MOST_TOKENS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What holds for a whole conversation, planned or scripted. None: as the rules say.

    `cache` is the behaviour that "expected" uses, `reuse` the share of the common prefix that is found in the cache,
    `warm` whether another session has just used the same instructions. A session ends after `session_minutes`, and
    `carry` says what the next one starts with. Without a `transport` it is taken for WebRTC, and nothing is said of it.
    """

    instructions_tokens: int = 0
    tools_tokens: int = 0
    transcription_model: str | None = None
    truncation: Truncation = Truncation()
    cache: Cache | None = None
    reuse: Number | None = None
    warm: bool = False
    session_minutes: int | None = None
    carry: Carry | None = None
    transport: Transport | None = None

    def __post_init__(self) -> None:
        within("instructions_tokens", self.instructions_tokens, 0, MOST_TOKENS)
        within("tools_tokens", self.tools_tokens, 0, MOST_TOKENS)
        of_type("truncation", self.truncation, Truncation)
        of_type("warm", self.warm, bool)
        if self.transcription_model is not None:
            of_type("transcription_model", self.transcription_model, str)
        one_of("cache", self.cache, (None, "all", "prefix", "none"))
        one_of("carry", self.carry, (None, "text", "nothing"))
        one_of("transport", self.transport, (None, "webrtc", "websocket", "sip"))
        if self.reuse is not None:
            object.__setattr__(self, "reuse", share("reuse", self.reuse))
        if self.session_minutes is not None:
            within("session_minutes", self.session_minutes, 1, 24 * 60)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call: its arguments are the output of one response, its result is read by the next."""

    arguments_tokens: int
    result_tokens: int

    def __post_init__(self) -> None:
        within("arguments_tokens", self.arguments_tokens, 0, MOST_TOKENS)
        within("result_tokens", self.result_tokens, 0, MOST_TOKENS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The user speaks, types or shows something; the assistant answers.

    User audio is what was committed, turn detection's padding included, in tokens or in ms. A reply with audio is
    spoken, and `reply_text_tokens` is the text billed beside it; without audio it is written, and that is its text.
    Reasoning is billed on top of either, in every response of the turn. `heard_ms`: the user broke in, and the rest of
    the reply was generated and billed all the same. `cancelled`: the response ended before any output.
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
    heard_ms: int | None = None
    silence_ms: int = 0
    cancelled: bool = False

    def __post_init__(self) -> None:
        if not _plainly_counted(self):
            _check_counts(self)
        if self.image_tokens or self.tool_calls or type(self.cancelled) is not bool:
            _check_parts(self)
        contradiction = _user_contradiction(self) or _reply_contradiction(self)
        if contradiction:
            raise InvalidInput(contradiction)


def _plainly_counted(turn: Turn) -> bool:
    """Whether nothing is stated but whole numbers within bounds: one glance, for the many turns that plans are made of."""
    stated = (turn.user_audio_tokens, turn.user_text_tokens, turn.reply_audio_tokens, turn.reasoning_tokens, turn.silence_ms)
    others = (turn.user_audio_ms, turn.user_transcript_tokens, turn.reply_audio_ms, turn.reply_transcript_tokens)
    if set(map(type, stated)) != _WHOLE or min(stated) < 0 or max(stated) > MOST_TOKENS:
        return False
    return others == _UNSAID and turn.reply_text_tokens is None and turn.heard_ms is None


_WHOLE = {int}
_UNSAID = (None, None, None, None)


def _check_counts(turn: Turn) -> None:
    for name, (most, needed) in _COUNTS.items():
        count = getattr(turn, name)
        if needed or count is not None:
            within(name, count, 0, most)


def _check_parts(turn: Turn) -> None:
    of_type("cancelled", turn.cancelled, bool)
    of_type("image_tokens", turn.image_tokens, tuple)
    of_type("tool_calls", turn.tool_calls, tuple)
    for count in turn.image_tokens:
        within("image_tokens", count, 1, MOST_TOKENS)
    for call in turn.tool_calls:
        of_type("tool_calls", call, ToolCall)


def _user_contradiction(turn: Turn) -> str | None:
    if turn.user_audio_ms is not None and turn.user_audio_tokens:
        return "user_audio_tokens and user_audio_ms say the same thing: give one"
    if turn.user_transcript_tokens is not None and not (turn.user_audio_tokens or turn.user_audio_ms):
        return "user_transcript_tokens needs user audio"
    return None


def _reply_contradiction(turn: Turn) -> str | None:
    if turn.reply_audio_ms is not None and turn.reply_audio_tokens:
        return "reply_audio_tokens and reply_audio_ms say the same thing: give one"
    spoken = bool(turn.reply_audio_tokens or turn.reply_audio_ms)
    if turn.cancelled:
        wrote = spoken or turn.reply_text_tokens or turn.reply_transcript_tokens or turn.reasoning_tokens
        return "a turn cancelled before any output has no reply, transcript or reasoning" if wrote else None
    if not spoken and turn.reply_text_tokens is None:
        return "no reply: give reply_audio_tokens, reply_audio_ms or reply_text_tokens, or say that it was cancelled"
    if not spoken and turn.heard_ms is not None:
        return "heard_ms needs a spoken reply"
    if not spoken and turn.reply_transcript_tokens is not None:
        return "reply_transcript_tokens needs a spoken reply"
    return None


_COUNTS = {
    "user_audio_tokens": (MOST_TOKENS, True),
    "user_audio_ms": (MOST_MS, False),
    "user_transcript_tokens": (MOST_TOKENS, False),
    "user_text_tokens": (MOST_TOKENS, True),
    "reply_audio_tokens": (MOST_TOKENS, True),
    "reply_audio_ms": (MOST_MS, False),
    "reply_text_tokens": (MOST_TOKENS, False),
    "reply_transcript_tokens": (MOST_TOKENS, False),
    "reasoning_tokens": (MOST_TOKENS, True),
    "heard_ms": (MOST_MS, False),
    "silence_ms": (MOST_MS, True),
}
"""The most that each may count, and whether it must be there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script(Setup):
    """A conversation turn by turn."""

    turns: tuple[Turn, ...]

    def __post_init__(self) -> None:
        Setup.__post_init__(self)
        of_type("turns", self.turns, tuple)
        for turn in () if set(map(type, self.turns)) == {Turn} else self.turns:
            of_type("turns", turn, Turn)
        images = sum(len(turn.image_tokens) for turn in self.turns)
        if images > MOST_IMAGES:
            raise InvalidInput(f"a script has at most {MOST_IMAGES:,} images, not {images:,}")
        if not self.turns:
            raise InvalidInput("a script needs at least one turn")
        if len(self.turns) > MOST_TURNS:
            raise InvalidInput(f"a script has at most {MOST_TURNS:,} turns, not {len(self.turns):,}")
