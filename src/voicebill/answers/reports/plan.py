"""Report a plan, with the values that it left open."""

from dataclasses import dataclass, field, fields
from typing import Any, Literal

from voicebill.answers.estimates.counted_conversation import CountedConversation
from voicebill.answers.reports.report import Report, decimal_text, left_out, plain_value
from voicebill.conversation.plan import Plan
from voicebill.conversation.rules import Cache, SessionCarryover
from voicebill.conversation.script import DEFAULT_TRANSPORT, TransportName, Truncation
from voicebill.conversation.volume import Volume

PLAN_NAMES = tuple(row.name for row in fields(Plan))


@dataclass(frozen=True, slots=True, kw_only=True)
class TruncationReport(Report):
    """What happens when the history no longer fits into the context."""

    mode: Literal["auto", "disabled"]
    """`auto`: the oldest items are dropped; `disabled`: the provider returns an error."""
    retention_ratio: str
    """Share of the space for the history that is still used after a truncation."""
    post_instructions_tokens: int | None
    """Tokens of history after the instructions; null: as many as fit."""

    @classmethod
    def of(cls, setting: Truncation) -> "TruncationReport":
        """A truncation setting."""
        return cls(
            mode=setting.mode,
            retention_ratio=plain_value(setting.retention_ratio),
            post_instructions_tokens=setting.post_instructions_tokens,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanReport(Report):
    """The planned conversation, with the values that the plan left open."""

    instructions_tokens: int
    """Text tokens of the instructions."""
    tools_tokens: int
    """Text tokens of the tool schemas."""
    instructions_change: str
    """Share of the responses whose instructions differ from those of the response before."""
    stable_instructions_tokens: int | None
    """Tokens at the start of changing instructions that stay the same; null: as the rules say."""
    transcription_model: str | None
    """Model that transcribes the user's speech; null without transcription."""
    cache: Cache
    """Cache behaviour of the expected scenario."""
    prefix_reuse: str
    """Share of the common prefix that is cached in the expected scenario."""
    warm_cache: bool
    """Whether another session has just used the same instructions."""
    session_minutes: int | None
    """Minutes after which a session ends; null: the limit of the provider."""
    session_carryover: SessionCarryover | None
    """What the next session starts with; null: as the rules say."""
    transport: TransportName
    """Transport between the caller and the model."""
    minutes: str
    """Minutes of the conversation."""
    turns: int
    """Number of turns: the user speaks, the assistant replies."""
    user_share: str
    """Share of the time in which the user speaks."""
    assistant_share: str
    """Share of the time in which the assistant speaks."""
    silence_share: str
    """Share of the time in which nobody speaks."""
    first_speaker: Literal["user", "assistant"]
    """Who speaks first."""
    tool_calls: int
    """Tool calls per conversation."""
    arguments_tokens: int
    """Text tokens of the arguments of one tool call."""
    result_tokens: int
    """Text tokens of the result of one tool call."""
    images: int
    """Images per conversation."""
    image_turns: tuple[int, ...]
    """Turns in which an image is shown, one entry per image; empty: evenly spread."""
    image_tiles: int
    """Tiles per image."""
    text_turns: int
    """Turns in which the user types and the assistant answers as text."""
    text_turn_user_tokens: int
    """Text tokens that the user types in one of them."""
    text_turn_reply_tokens: int
    """Text tokens of the reply in one of them."""
    interrupted_share: str
    """Share of the replies that the user interrupts."""
    played_share: str
    """Share of an interrupted reply that is played."""
    reasoning_tokens: int
    """Reasoning tokens per response."""
    unconnected_share: str
    """Share of a month's calls that reach nobody."""
    short_share: str
    """Share of a month's calls that end after the first turn."""
    calls_end_with_session: bool
    """Whether calls are cut at the session limit; otherwise they go on in a next session."""
    truncation: TruncationReport
    """What happens when the history no longer fits."""
    conversations: str | None = field(default_factory=left_out)
    """Conversations in a period, such as `30,000/month`; null without a volume. Only in an estimate."""

    @classmethod
    def of(cls, plan: Plan, conversation: CountedConversation) -> "PlanReport":
        """A plan, without its volume."""
        return cls(**_values(plan, conversation))

    @classmethod
    def with_volume(cls, plan: Plan, conversation: CountedConversation, volume: Volume | None) -> "PlanReport":
        """A plan, with its volume."""
        return cls(**_values(plan, conversation), conversations=str(volume) if volume else None)


def _values(plan: Plan, conversation: CountedConversation) -> dict[str, Any]:
    values = {name: plain_value(getattr(plan, name)) for name in PLAN_NAMES}
    user, assistant = plan.speech_shares
    filled = {
        "user_share": decimal_text(user),
        "assistant_share": decimal_text(assistant),
        "silence_share": decimal_text(plan.silence),
        "cache": conversation.expected.behaviour,
        "images": plan.image_count,
        "reasoning_tokens": plan.reasoning_per_response(conversation.rules),
        "prefix_reuse": plain_value(conversation.rules.cache_reuse_share if plan.prefix_reuse is None else plan.prefix_reuse),
        "truncation": TruncationReport.of(plan.truncation),
        "transport": plan.transport or DEFAULT_TRANSPORT,
    }
    return values | filled
