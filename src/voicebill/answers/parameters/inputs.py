"""Declare what can be asked: one row per input, from which every interface takes names, help, defaults, choices and bounds.

A row that belongs to a field of a dataclass takes its default, choices and bounds from there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal, get_args

from voicebill.answers.capacity.targets import ASSUMED_BUSY_SHARE, ASSUMED_DAYS, CapacityTargets
from voicebill.answers.catalog.provider_names import PROVIDER_NAMES
from voicebill.answers.comparison.choices import LABELS, ComparisonChoices
from voicebill.answers.connectivity.transport import DEFAULT_INCREMENT_SECONDS, ConnectionCosts
from voicebill.answers.estimates.model_selection import DEFAULT_MODEL, ModelSelection
from voicebill.answers.parameters import kinds
from voicebill.answers.parameters.kinds import InputKind
from voicebill.answers.parsing.quantities import format_percent
from voicebill.answers.provisioned.plan_load import DEFAULT_TEXT_MODEL
from voicebill.answers.provisioned.request import PtuRequest
from voicebill.answers.recorded.filters import FILTER_FIELDS
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.errors import VoicebillError
from voicebill.billing.offers import DEPLOYMENTS, Kind
from voicebill.billing.validation import Between, default_of, field_types, to_decimal_between
from voicebill.conversation.call_lengths import ASSUMED_LENGTH_CV, LENGTH_CV_BOUNDS
from voicebill.conversation.plan import DEFAULT_SHARE, Plan
from voicebill.conversation.script import DEFAULT_TRANSPORT, Truncation


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One input. `help` is one line without the default; `meaning` says more, for the documentation. `hint` is a shorter help
    for where it stands right under the label.

    `owner` and `attribute` (default: the same name) are the dataclass and the field that hold it. `default` is for inputs
    without an owner, and `default_text` for a default that is not one value. `initial` is its value in an empty form.
    `requires` names the inputs without which it cannot be given. `models_of` is the kind of the models that are suggested:
    those that are sold on the day.
    """

    name: str
    label: str
    help: str
    kind: InputKind
    group: str
    owner: type | None = None
    attribute: str = ""
    default: object = None
    default_text: str = ""
    bounds_of_number: Between | None = None
    example: str = ""
    initial: str = ""
    meaning: str = ""
    hint: str = ""
    choice_labels: Mapping[str, str] | None = None
    suggestions: tuple[str, ...] = ()
    models_of: Kind | None = None
    requires: tuple[str, ...] = ()
    is_required: bool = False
    is_advanced: bool = True
    is_wide: bool = False
    is_private: bool = False

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that are possible; empty for all other kinds."""
        return self.kind.choices

    @property
    def bounds(self) -> Between | None:
        """The bounds of a number, if it has any."""
        if self.bounds_of_number is not None or self.owner is None:
            return self.bounds_of_number
        return field_types(self.owner)[self.attribute or self.name].bounds

    @property
    def default_value(self) -> Any:  # noqa: ANN401 - inputs of many kinds
        """The default; None if it is required, or determined by other inputs."""
        return self.default if self.owner is None else default_of(self.owner, self.attribute or self.name)

    @property
    def default_as_text(self) -> str:
        """The default for people; empty if the input is required.

        >>> [PLAN[name].default_as_text for name in ("played_share", "instructions_tokens", "user_share")]
        ['50%', '1,000', '40%']
        """
        value = self.default_value
        if self.default_text or self.is_required:
            return self.default_text
        if value is None or value is False or value == ():
            return "no" if value is False else "none"
        if self.kind is kinds.SHARE:
            return format_percent(float(value)) if value else "0"
        return f"{value:,}" if isinstance(value, int | Decimal) else str(value)

    @property
    def help_with_default(self) -> str:
        """The help with the default, as the command line and the API show it."""
        if self.is_required:
            return f"{self.help}. Required."
        return f"{self.help}. (default: {self.default_as_text})" if self.default_as_text else f"{self.help}."

    def read(self, value: object) -> Any:  # noqa: ANN401 - inputs of many kinds
        """Read a value as it is given, and check it against its field.

        Raises:
            VoicebillError: it is not of the kind, or its field cannot hold it; the error has the name of the input.
        """
        try:
            result = self.kind.read(value)
            if self.owner is not None:
                return field_types(self.owner)[self.attribute or self.name].check(self.name, result)
            if self.bounds is not None:
                return to_decimal_between(self.name, result, self.bounds)
        except VoicebillError as error:
            raise error.at(self.name) from None
        return result


Inputs = Mapping[str, Input]


def _rows(*rows: Input) -> Inputs:
    return {row.name: row for row in rows}


def _choice(owner: type, name: str) -> InputKind:
    return kinds.choice(*field_types(owner)[name].choices)


CONVERSATION = "Conversation"
MODEL = "Model and prices"
VOLUME_GROUP = "Volume"
TOOLS_GROUP = "Tools and greeting"
SPEECH = "Silence, interruptions, transcription"
CONTENT = "Typed turns, images, reasoning"
HISTORY = "History, cache and sessions"
CONNECTION = "Transport and connection"
BUSY_HOUR = "Busy hour"
LIMITS = "Limits and counting"
LOAD = "Load"
COMPARISON_GROUP = "Comparison"
PRICE_LIST_GROUP = "Price list"
LOG_VALUES = "Defaults for what the log does not state"
LOG_READING_GROUP = "The logs"
QUERY = "Query"
REPLAY_GROUP = "Replay"
BILL_GROUP = "The bill"
TRUNCATION_NAMES = ("truncation", "retention_ratio", "post_instructions_tokens")

SELECTION: Inputs = _rows(
    Input(
        name="model",
        label="Model",
        help="Model name as the vendor writes it, with or without a date",
        kind=kinds.TEXT,
        group=MODEL,
        default=DEFAULT_MODEL,
        example="gpt-realtime-mini",
        initial=DEFAULT_MODEL,
        models_of="realtime",
        meaning="the newest model without billed reasoning before replies",
        is_advanced=False,
        is_wide=True,
    ),
    Input(
        name="provider",
        label="Provider",
        help="Provider of the model: openai, azure",
        hint="Who sells the model",
        kind=kinds.TEXT,
        group=MODEL,
        owner=ModelSelection,
        example="azure",
        initial=str(default_of(ModelSelection, "provider")),
        choice_labels=PROVIDER_NAMES,
        is_advanced=False,
    ),
    Input(
        name="deployment",
        label="Deployment",
        help="Deployment type of Azure: global, data-zone, regional",
        hint="Where it is processed",
        kind=kinds.TEXT,
        group=MODEL,
        owner=ModelSelection,
        example="data-zone",
        initial=str(default_of(ModelSelection, "deployment")),
        choice_labels={"global": "Global", "data-zone": "Data Zone", "regional": "Regional"},
        is_advanced=False,
    ),
    Input(
        name="region",
        label="Azure region",
        help="Azure region, such as swedencentral",
        kind=kinds.TEXT,
        group=MODEL,
        owner=ModelSelection,
        default_text="any",
        example="swedencentral",
    ),
    Input(
        name="day",
        label="Day",
        help="Day whose prices and rules apply",
        kind=kinds.DAY,
        group=MODEL,
        default_text="today",
        example="2026-11-22",
    ),
    Input(
        name="rules",
        label="Rules",
        help="Rule set that counts conversations",
        kind=kinds.TEXT,
        group=MODEL,
        owner=ModelSelection,
        default_text="recorded-2026-11-27",
        example="web-calculator-2026-06",
        suggestions=("recorded-2026-11-27", "recorded-2026-11", "web-calculator-2026-06"),
    ),
)
"""The model, where it is deployed, and the day and the rules that apply."""

CALL_VOLUME: Inputs = _rows(
    Input(
        name="conversations",
        label="Calls",
        help="Volume per period: 1,000/month, 50/day",
        hint="How many conversations",
        kind=kinds.VOLUME,
        group=VOLUME_GROUP,
        default_text="none",
        example="30000/month",
        initial="1,000/month",
        meaning="for months and years; a year has 365 days, and a month is a twelfth of it. Without a period it is per month",
        is_advanced=False,
    ),
    Input(
        name="call_length_cv",
        label="Call length variation",
        help="Coefficient of variation of call lengths (standard deviation / mean); 0: all equal",
        kind=kinds.NUMBER,
        group=VOLUME_GROUP,
        default=ASSUMED_LENGTH_CV,
        bounds_of_number=LENGTH_CV_BOUNDS,
        example="0.5",
        meaning=(
            "assumed: service times in call centres are lognormal, but their variation differs by business. Turns, tool calls "
            "and text turns grow with the length. Calls that would exceed the session limit, or a full context that may not "
            "be truncated, are counted as ending there"
        ),
    ),
)
"""How many calls there are, and how their lengths differ."""

PLAN: Inputs = _rows(
    Input(
        name="minutes",
        label="Minutes",
        help="Duration of the conversation, silence included: 10, 90s, 1.5h",
        hint="With silence: 10, 90s, 1.5h",
        kind=kinds.MINUTES,
        group=CONVERSATION,
        owner=Plan,
        example="10",
        initial="10",
        meaning="at most a day",
        is_required=True,
        is_advanced=False,
    ),
    Input(
        name="turns",
        label="Turns",
        help="Number of turns: the user speaks, the assistant replies",
        hint="User speaks, it replies",
        kind=kinds.COUNT,
        group=CONVERSATION,
        owner=Plan,
        example="20",
        initial="20",
        is_required=True,
        is_advanced=False,
    ),
    Input(
        name="user_share",
        label="User speaks",
        help="Share of the time in which the user speaks: 40% or 0.4",
        hint="Share of the call's time",
        kind=kinds.SHARE,
        group=CONVERSATION,
        owner=Plan,
        default_text=format_percent(float(DEFAULT_SHARE)),
        example="45%",
        initial=format_percent(float(DEFAULT_SHARE)),
        meaning=(
            "assumed: both sides speak equally long, and a fifth of a call is silence. What one side leaves, the others fill"
        ),
        is_advanced=False,
    ),
    Input(
        name="assistant_share",
        label="Assistant speaks",
        help="Share of the time in which the assistant speaks: 40% or 0.4",
        hint="Share of the call's time",
        kind=kinds.SHARE,
        group=CONVERSATION,
        owner=Plan,
        default_text=format_percent(float(DEFAULT_SHARE)),
        example="45%",
        initial=format_percent(float(DEFAULT_SHARE)),
        meaning="assumed, as for the user; it counts what is played, not what is generated",
        is_advanced=False,
    ),
    Input(
        name="silence_share",
        label="Silence",
        help="Share of the time in which no one speaks",
        kind=kinds.SHARE,
        group=SPEECH,
        owner=Plan,
        default_text="the rest",
        example="20%",
    ),
    Input(
        name="instructions_tokens",
        label="Prompt tokens",
        help="Size of the prompt (instructions) in tokens",
        hint="The instructions",
        kind=kinds.TOKEN_COUNT,
        group=CONVERSATION,
        owner=Plan,
        example="2,500",
        initial=f"{default_of(Plan, 'instructions_tokens'):,}",
        meaning="the prompts of recorded sessions had 1,018 and 1,349. From a file: `--instructions-file`",
        is_advanced=False,
    ),
    Input(
        name="tools_tokens",
        label="Tool schema tokens",
        help="Size of the tool schemas in tokens, which every response reads again",
        kind=kinds.TOKEN_COUNT,
        group=TOOLS_GROUP,
        owner=Plan,
        example="800",
        meaning="no tools unless given. From a file: `--tools-file`",
    ),
    Input(
        name="tool_calls",
        label="Tool calls",
        help="Tool calls per conversation",
        kind=kinds.COUNT,
        group=TOOLS_GROUP,
        owner=Plan,
        example="4",
        meaning="spread evenly over the turns; each is a response of its own",
    ),
    Input(
        name="arguments_tokens",
        label="Argument tokens",
        help="Tokens that the model writes for each tool call",
        kind=kinds.TOKEN_COUNT,
        group=TOOLS_GROUP,
        owner=Plan,
        example="40",
        meaning="assumed: a name and two short arguments",
    ),
    Input(
        name="result_tokens",
        label="Result tokens",
        help="Tokens that the model reads after each tool call",
        kind=kinds.TOKEN_COUNT,
        group=TOOLS_GROUP,
        owner=Plan,
        example="300",
        meaning="assumed: a short record",
    ),
    Input(
        name="first_speaker",
        label="First speaker",
        help="Who speaks first; assistant: the conversation starts with a greeting",
        kind=_choice(Plan, "first_speaker"),
        group=TOOLS_GROUP,
        owner=Plan,
        example="assistant",
        meaning="the API waits for the user; a greeting is an extra turn before the first",
    ),
    Input(
        name="images",
        label="Images",
        help="Images shown per conversation",
        kind=kinds.COUNT,
        group=CONTENT,
        owner=Plan,
        example="2",
        meaning="spread evenly",
    ),
    Input(
        name="image_turns",
        label="Turns with an image",
        help="Turns in which the images are shown, such as 1,4; instead of their number",
        kind=kinds.TURN_NUMBERS,
        group=CONTENT,
        owner=Plan,
        default_text="evenly",
        example="1,4",
        meaning="an image is part of the input of every response from its turn on",
    ),
    Input(
        name="image_tiles",
        label="Tiles per image",
        help="Tiles of an image; 0: low detail",
        kind=kinds.COUNT,
        group=CONTENT,
        owner=Plan,
        example="4",
        meaning="1 is the smallest image at full detail",
    ),
    Input(
        name="text_turns",
        label="Typed turns",
        help="Turns that are typed and answered in text",
        kind=kinds.COUNT,
        group=CONTENT,
        owner=Plan,
        example="5",
        meaning="the speech is distributed over the other turns",
    ),
    Input(
        name="text_turn_user_tokens",
        label="Typed user tokens",
        help="Tokens that the user types per typed turn",
        kind=kinds.TOKEN_COUNT,
        group=CONTENT,
        owner=Plan,
        example="30",
        meaning="assumed: a sentence",
    ),
    Input(
        name="text_turn_reply_tokens",
        label="Typed reply tokens",
        help="Tokens that the assistant writes per typed turn",
        kind=kinds.TOKEN_COUNT,
        group=CONTENT,
        owner=Plan,
        example="100",
        meaning="assumed: a short paragraph",
    ),
    Input(
        name="interrupted_share",
        label="Interrupted replies",
        help="Share of the replies that the user interrupts",
        kind=kinds.SHARE,
        group=SPEECH,
        owner=Plan,
        example="10%",
        meaning="none unless given, since it varies most between agents",
    ),
    Input(
        name="played_share",
        label="Played before interruption",
        help="Share of an interrupted reply that was played",
        kind=kinds.SHARE,
        group=SPEECH,
        owner=Plan,
        example="30%",
        meaning="assumed: the interruption is in the middle",
    ),
    Input(
        name="reasoning_tokens",
        label="Reasoning tokens",
        help="Reasoning tokens per response, for reasoning models",
        kind=kinds.TOKEN_COUNT,
        group=CONTENT,
        owner=Plan,
        default_text="by the rules",
        example="200",
        meaning="by the rules: 60 on reasoning models (assumed; 20 to 100), 0 on others",
    ),
    Input(
        name="transcription_model",
        label="Transcription",
        help="Model that transcribes the user's speech",
        kind=kinds.TEXT,
        group=SPEECH,
        owner=Plan,
        example="gpt-4o-mini-transcribe",
        models_of="transcription",
        meaning="the API transcribes the user only if a model is named",
        is_wide=True,
    ),
    Input(
        name="truncation",
        label="Truncation",
        help="What happens when the history no longer fits: auto drops the oldest items, disabled ends with an error",
        kind=_choice(Truncation, "mode"),
        group=HISTORY,
        owner=Truncation,
        attribute="mode",
        example="disabled",
        meaning="the API's own default",
    ),
    Input(
        name="retention_ratio",
        label="Retention ratio",
        help="Share of the history budget kept after truncation",
        kind=kinds.SHARE,
        group=HISTORY,
        owner=Truncation,
        example="80%",
        meaning="the API's own default: truncation keeps everything that fits",
    ),
    Input(
        name="post_instructions_tokens",
        label="History token limit",
        help="Token limit of the history after the instructions",
        kind=kinds.TOKEN_COUNT,
        group=HISTORY,
        owner=Truncation,
        default_text="the model's",
        example="8,000",
        meaning="a lower limit than the model's",
    ),
    Input(
        name="cache",
        label="Expected cache",
        help='Cache behaviour of "expected": all, a share of the common prefix, or none',
        kind=_choice(Plan, "cache"),
        group=HISTORY,
        owner=Plan,
        default_text="prefix",
        example="none",
        meaning="by the rules",
    ),
    Input(
        name="prefix_reuse",
        label="Prefix reuse",
        help="Share of the common prefix that is cached",
        kind=kinds.SHARE,
        group=HISTORY,
        owner=Plan,
        default_text="by the rules",
        example="60%",
        meaning="by the rules of the model: 80% on gpt-realtime and 1.5, 100% on 2.x and without speech, 10% on previews",
    ),
    Input(
        name="instructions_change",
        label="Changing instructions",
        help="Share of the responses whose instructions differ from those before; true: all",
        kind=kinds.SHARE_OR_FLAG,
        group=HISTORY,
        owner=Plan,
        default_text="never",
        example="true",
        meaning="stable instructions: after a change the cache finds only what precedes it",
    ),
    Input(
        name="stable_instructions_tokens",
        label="Stable prompt tokens",
        help="Tokens at the start of the instructions that stay the same when they change",
        kind=kinds.TOKEN_COUNT,
        group=HISTORY,
        owner=Plan,
        default_text="65% of the prompt",
        example="300",
        meaning="by the rules; assumed from one application",
    ),
    Input(
        name="warm_cache",
        label="Warm cache",
        help="Another session has just used the same instructions",
        kind=kinds.FLAG,
        group=HISTORY,
        owner=Plan,
        meaning="the first response then finds them cached",
    ),
    Input(
        name="session_minutes",
        label="Session limit, minutes",
        help="Minutes after which a new session starts",
        kind=kinds.MINUTE_COUNT,
        group=HISTORY,
        owner=Plan,
        default_text="60, Azure 30",
        example="30",
        meaning="by the rules of the day; a turn belongs to the session in which its middle falls",
    ),
    Input(
        name="calls_end_with_session",
        label="Calls end with the session",
        help="Calls are cut at the session limit, and do not go on in a new session",
        kind=kinds.FLAG,
        group=HISTORY,
        owner=Plan,
        meaning="calls go on in a next session, with a cold cache and what is carried over",
    ),
    Input(
        name="session_carryover",
        label="Session carryover",
        help="What a new session starts with: text (the transcripts so far) or nothing",
        kind=_choice(Plan, "session_carryover"),
        group=HISTORY,
        owner=Plan,
        default_text="text",
        example="nothing",
        meaning="by the rules",
    ),
    Input(
        name="unconnected_share",
        label="Unconnected calls",
        help="Share of a month's calls that reach nobody, as in outbound campaigns",
        kind=kinds.SHARE,
        group=VOLUME_GROUP,
        owner=Plan,
        example="40%",
        meaning="they have no session and cost nothing; the number of conversations includes them",
    ),
    Input(
        name="short_share",
        label="Very short calls",
        help="Share of a month's calls that end after the first turn, such as those that reach a mailbox",
        kind=kinds.SHARE,
        group=VOLUME_GROUP,
        owner=Plan,
        example="20%",
        meaning="the plan describes the other calls",
    ),
    Input(
        name="transport",
        label="Transport",
        help="How the conversation reaches the model; a named one shows its traffic, requirements and fees",
        kind=_choice(Plan, "transport"),
        group=CONNECTION,
        owner=Plan,
        default_text=DEFAULT_TRANSPORT,
        example="sip",
        meaning="recommended for clients. The model costs the same over `websocket` and `sip`",
    ),
)
"""The conversation: fields of `Plan`, and the three parts of its truncation setting."""

CONNECTION_COSTS: Inputs = _rows(
    Input(
        name="codec",
        label="Codec",
        help="Audio codec: opus, pcm16 or g711",
        kind=kinds.TEXT,
        group=CONNECTION,
        owner=ConnectionCosts,
        default_text="the transport's first",
        example="g711",
        suggestions=("opus", "pcm16", "g711"),
        meaning="`opus` over WebRTC, `pcm16` or `g711` over WebSocket, `g711` over SIP",
    ),
    Input(
        name="carrier",
        label="Carrier",
        help="Id of a carrier's price, such as twilio/voice-inbound-us-local",
        kind=kinds.TEXT,
        group=CONNECTION,
        owner=ConnectionCosts,
        example="twilio/voice-inbound-us-local",
        meaning="built in (`voicebill prices --kind telephony`: examples) or your own",
        is_wide=True,
    ),
    Input(
        name="carrier_per_minute",
        label="Carrier price, dollars per minute",
        help="Your carrier's price in dollars per minute, instead of an id",
        kind=kinds.USD,
        group=CONNECTION,
        owner=ConnectionCosts,
        example="0.0085",
    ),
    Input(
        name="carrier_increment",
        label="Billing increment, seconds",
        help="Seconds to which your carrier rounds each call up",
        kind=kinds.SECONDS,
        group=CONNECTION,
        owner=ConnectionCosts,
        default_text=str(DEFAULT_INCREMENT_SECONDS),
        example="6",
        meaning="a carrier with an id has its own",
        requires=("carrier_per_minute",),
    ),
    Input(
        name="egress_per_gb",
        label="Egress, dollars per GB",
        help="Your cloud's price for outgoing traffic in dollars per GB (10^9 bytes)",
        kind=kinds.USD,
        group=CONNECTION,
        owner=ConnectionCosts,
        example="0.09",
    ),
    Input(
        name="platforms",
        label="Platforms",
        help="Ids of platform prices in your own files",
        kind=kinds.NAMES,
        group=CONNECTION,
        owner=ConnectionCosts,
        example="livekit/cloud",
        is_wide=True,
    ),
    Input(
        name="concurrent_calls",
        label="Calls at the same time",
        help="Calls at the same time that a platform must allow: beyond those that its plan includes, each costs a fee a month",
        kind=kinds.COUNT,
        group=CONNECTION,
        owner=ConnectionCosts,
        example="40",
        meaning="`voicebill capacity` says how many calls the busy hour has",
        requires=("platforms",),
    ),
)
"""Fees in addition to the models."""

CAPACITY: Inputs = _rows(
    Input(
        name="calls_per_hour",
        label="Busy-hour calls",
        help="Calls in the busy hour, instead of a volume",
        hint="Calls that arrive in it, instead of a volume",
        kind=kinds.NUMBER,
        group=BUSY_HOUR,
        owner=CapacityTargets,
        default_text="from the volume",
        example="200",
    ),
    Input(
        name="busy_hour_share",
        label="Busy-hour share",
        help="Share of a day's calls in the busy hour",
        hint="Of a day's calls",
        kind=kinds.SHARE,
        group=BUSY_HOUR,
        owner=CapacityTargets,
        default_text=format_percent(float(ASSUMED_BUSY_SHARE)),
        example="15%",
    ),
    Input(
        name="days",
        label="Days per month",
        help="Days per month with calls",
        kind=kinds.NUMBER,
        group=BUSY_HOUR,
        owner=CapacityTargets,
        default_text=str(ASSUMED_DAYS),
        example="30",
    ),
    Input(
        name="blocking_probability",
        label="Blocking probability",
        help="Share of calls that may be blocked",
        hint="Calls that find no free line (grade of service)",
        kind=kinds.SHARE,
        group=BUSY_HOUR,
        owner=CapacityTargets,
        example="0.5%",
    ),
    Input(
        name="service_level",
        label="Service level",
        help="Service level if calls queue: 80% in 20s",
        hint="Answered in time if callers queue: 80% in 20s",
        kind=kinds.SERVICE_LEVEL,
        group=BUSY_HOUR,
        owner=CapacityTargets,
        example="90% in 10s",
        is_wide=True,
    ),
    Input(
        name="quota_tokens",
        label="Token limit per minute",
        help="Token limit of one quota per minute",
        kind=kinds.TOKEN_COUNT,
        group=LIMITS,
        owner=CapacityTargets,
        default_text="as published",
        example="200k",
    ),
    Input(
        name="quota_requests",
        label="Request limit per minute",
        help="Request limit of one quota per minute",
        kind=kinds.COUNT,
        group=LIMITS,
        owner=CapacityTargets,
        default_text="as published",
        example="1,000",
    ),
    Input(
        name="quota_sessions",
        label="Concurrent session limit",
        help="Concurrent session limit of one quota",
        kind=kinds.COUNT,
        group=LIMITS,
        owner=CapacityTargets,
        default_text="as published",
        example="100",
    ),
    Input(
        name="tier",
        label="Azure's quota tier",
        help="Quota tier of your Azure subscription: 1 to 6",
        kind=kinds.TIER,
        group=LIMITS,
        owner=CapacityTargets,
        default_text="the lowest",
        example="tier-3",
        suggestions=tuple(f"tier-{number}" for number in range(1, 7)),
    ),
    Input(
        name="exceedance",
        label="Exceedance",
        help="Share of minutes in which the load may exceed the quota",
        kind=kinds.SHARE,
        group=LIMITS,
        owner=CapacityTargets,
        example="5%",
    ),
    Input(
        name="cached_tokens",
        label="Cached tokens",
        help="Whether cached tokens count towards the limit",
        kind=kinds.CACHED_TOKENS,
        group=LIMITS,
        owner=CapacityTargets,
        default_text="as the provider counts",
        example="free",
    ),
    Input(
        name="request_unit",
        label="Request unit",
        help="What a request limit counts",
        kind=_choice(CapacityTargets, "request_unit"),
        group=LIMITS,
        owner=CapacityTargets,
        default_text="as the provider counts",
        example="session",
    ),
    Input(
        name="reserved_output_tokens",
        label="Reserved output tokens",
        help="Output tokens counted for every response, whatever it generates",
        kind=kinds.TOKEN_COUNT,
        group=LIMITS,
        owner=CapacityTargets,
        default_text="as generated",
        example="500",
    ),
)
"""What capacity is planned for, in addition to the plan and the volume."""

PTU: Inputs = _rows(
    Input(
        name="plan",
        label="Plan",
        help="Fields of a plan of a voice conversation, whose text model is sized",
        kind=kinds.PLAN_FIELDS,
        group=LOAD,
        meaning=(
            "the load is that of the text model of a pipeline (STT, LLM, TTS) that holds its conversations; what is given with "
            "it replaces what is derived. In an address it is text: `minutes=10&turns=20&conversations=30000/month`, encoded"
        ),
    ),
    Input(
        name="model",
        label="Text model",
        help="Text model, such as gpt-5.2",
        kind=kinds.TEXT,
        group=LOAD,
        owner=PtuRequest,
        default_text=f"{DEFAULT_TEXT_MODEL} with a plan",
        example="gpt-5.2",
        is_advanced=False,
        is_wide=True,
    ),
    Input(
        name="deployment",
        label="Deployment",
        help="Deployment type of Azure",
        kind=_choice(PtuRequest, "deployment"),
        group=LOAD,
        owner=PtuRequest,
        example="data-zone",
        is_advanced=False,
    ),
    Input(
        name="region",
        label="Azure region",
        help="Azure region; required for a regional deployment",
        kind=kinds.TEXT,
        group=LOAD,
        owner=PtuRequest,
        default_text="any",
        example="swedencentral",
        is_advanced=False,
    ),
    Input(
        name="calls_per_minute",
        label="Peak calls per minute",
        help="Model calls per minute in the busiest hour",
        kind=kinds.NUMBER,
        group=LOAD,
        owner=PtuRequest,
        default_text="the busiest hour of the profile",
        example="1,000",
        meaning="with a plan, its requests in the busy hour",
        is_advanced=False,
    ),
    Input(
        name="prompt_tokens",
        label="Prompt tokens",
        help="Input tokens of an average call",
        kind=kinds.NUMBER,
        group=LOAD,
        owner=PtuRequest,
        default_text="from the plan",
        example="200",
        is_advanced=False,
    ),
    Input(
        name="response_tokens",
        label="Response tokens",
        help="Output tokens of an average call",
        kind=kinds.NUMBER,
        group=LOAD,
        owner=PtuRequest,
        default_text="from the plan",
        example="20",
        is_advanced=False,
    ),
    Input(
        name="cache_rate",
        label="Cached share of input",
        help="Share of the input that is cached",
        kind=kinds.SHARE,
        group=LOAD,
        owner=PtuRequest,
        example="50%",
        meaning="with a plan, the share that its conversations are expected to have",
        is_advanced=False,
    ),
    Input(
        name="profile",
        label="Hourly load profile: 24 numbers, or 168 for a week",
        help="Load per hour: 24 numbers, or 168 for a week",
        kind=kinds.LOAD_PROFILE,
        group=LOAD,
        owner=PtuRequest,
        default_text="constant",
        meaning="with a plan, the hours of a business day, on the days on which its conversations come",
        is_advanced=False,
        is_wide=True,
    ),
    Input(
        name="buy_ptus",
        label="PTUs to buy",
        help="Number of PTUs to buy; the rest spills over to pay as you go",
        kind=kinds.COUNT,
        group=LOAD,
        owner=PtuRequest,
        attribute="ptus",
        default_text="as the peak requires",
        example="60",
        is_advanced=False,
    ),
    Input(
        name="day",
        label="Day",
        help="Day whose prices apply",
        kind=kinds.DAY,
        group=LOAD,
        default_text="today",
        example="2026-11-22",
        meaning="with a plan, that of the plan, if it has one",
        is_advanced=False,
    ),
    *(replace(CAPACITY[name], meaning="of the plan's conversations") for name in ("calls_per_hour", "busy_hour_share", "days")),
)
"""The load of model calls for which PTUs are sized, or a plan with the busy hour of its conversations."""


SCRIPT_OVERRIDES: Inputs = {
    row.name: replace(row, owner=None, default=None, bounds_of_number=row.bounds, default_text="as in the script")
    for row in (*SELECTION.values(), PLAN["cache"], PLAN["prefix_reuse"])
}
"""What can be given instead of a script's own values."""

LOG_DEFAULTS: Inputs = _rows(
    Input(
        name="model",
        label="Voice model",
        help="Voice model, if the log does not name one",
        kind=kinds.TEXT,
        group=LOG_VALUES,
        example=DEFAULT_MODEL,
    ),
    Input(
        name="transcription_model",
        label="Transcription model",
        help="Model that transcribes the user's speech, if the log does not name one",
        kind=kinds.TEXT,
        group=LOG_VALUES,
        example="gpt-4o-transcribe",
    ),
    Input(
        name="alias",
        label="Models of deployments",
        help="Models of the names that a log uses for them, such as those of Azure deployments",
        kind=kinds.ALIASES,
        group=LOG_VALUES,
        example="voice-prod=gpt-realtime,stt=gpt-4o-transcribe",
    ),
    Input(
        name="provider",
        label="Provider",
        help="Provider, if the log does not name one: openai, azure",
        kind=kinds.TEXT,
        group=LOG_VALUES,
        default_text=f"{default_of(CostQuery, 'provider')}, with a note",
        example="azure",
    ),
    Input(
        name="deployment",
        label="Deployment",
        help="Deployment, if the log does not name one: global, data-zone, regional",
        kind=kinds.TEXT,
        group=LOG_VALUES,
        default_text=f"{default_of(CostQuery, 'deployment')}, with a note",
        example="data-zone",
    ),
    Input(
        name="region",
        label="Azure region",
        help="Azure region, if the log does not name one",
        kind=kinds.TEXT,
        group=LOG_VALUES,
        example="swedencentral",
    ),
    Input(
        name="tenant",
        label="Tenant",
        help="Tenant (customer) of the conversations, if the log does not name one",
        kind=kinds.TEXT,
        group=LOG_VALUES,
        example="acme",
    ),
    Input(
        name="project",
        label="Project",
        help="Project of the conversations, if the log does not name one",
        kind=kinds.TEXT,
        group=LOG_VALUES,
        example="support",
    ),
    Input(
        name="column",
        label="Names in the log",
        help="Names of the columns, attributes or metadata with the tenant, session, project, model or time",
        kind=kinds.COLUMN_NAMES,
        group=LOG_VALUES,
        example="tenant=team_id,session=conversation.ref",
    ),
    Input(
        name="day",
        label="Day of records without a time",
        help="Day of the records without a time",
        kind=kinds.DAY,
        group=LOG_VALUES,
        example="2026-11-22",
    ),
)
"""The values for what a log does not state."""

LOG_QUERY: Inputs = _rows(
    Input(
        name="by",
        label="Group by",
        help=f"Fields to group by: {', '.join(FILTER_FIELDS)}",
        kind=kinds.FIELD_NAMES,
        group=QUERY,
        example="tenant,model",
    ),
    Input(
        name="where",
        label="Filter",
        help="Filter of the records, such as turn >= 3 and status = exact",
        kind=kinds.FILTER,
        group=QUERY,
        example="tenant = acme and day >= 2026-11-01",
    ),
    Input(
        name="since",
        label="From (inclusive)",
        help="First day (UTC), inclusive",
        kind=kinds.DAY,
        group=QUERY,
        default_text="the first",
        example="2026-11-01",
    ),
    Input(
        name="until",
        label="Until (exclusive)",
        help="First day (UTC) that is no longer included",
        kind=kinds.DAY,
        group=QUERY,
        default_text="the day after the last",
        example="2026-12-01",
    ),
    Input(
        name="top",
        label="Only the most expensive groups",
        help="Number of groups, the most expensive first; all others are shown as one",
        kind=kinds.COUNT,
        group=QUERY,
        default_text="all",
        example="10",
    ),
)
"""Which records of a log or a ledger are asked about, and how they are grouped."""

OWN_PIPELINE = "with one of `stt`, `llm` and `tts` the comparison has a pipeline `own`; parts without a name are the cheapest"

COMPARISON: Inputs = _rows(
    Input(
        name="include_ending",
        label="Rank models that end soon with the others",
        help="Rank models that end within 90 days with the others",
        kind=kinds.FLAG,
        group=COMPARISON_GROUP,
        owner=ComparisonChoices,
        meaning=(
            "otherwise they follow the others, in a group of their own, and a stack uses them only where no other model meets "
            "its requirements"
        ),
    ),
    Input(
        name="kind",
        label="Kind",
        help=f"Only this kind: {', '.join(LABELS)}",
        kind=_choice(ComparisonChoices, "kind"),
        group=COMPARISON_GROUP,
        owner=ComparisonChoices,
        default_text="all",
        example="agent",
        choice_labels=LABELS,
    ),
    Input(
        name="stt",
        label="Pipeline: speech to text",
        help="The transcription model of a pipeline of your own",
        kind=kinds.TEXT,
        group=COMPARISON_GROUP,
        owner=ComparisonChoices,
        default_text="the cheapest",
        example="gpt-realtime-whisper",
        models_of="transcription",
        meaning=OWN_PIPELINE,
    ),
    Input(
        name="llm",
        label="Pipeline: LLM",
        help="The text model of a pipeline of your own",
        kind=kinds.TEXT,
        group=COMPARISON_GROUP,
        owner=ComparisonChoices,
        default_text="the cheapest",
        example="gpt-4.1-mini",
        models_of="text",
        meaning=OWN_PIPELINE,
    ),
    Input(
        name="tts",
        label="Pipeline: text to speech",
        help="The speech model of a pipeline of your own",
        kind=kinds.TEXT,
        group=COMPARISON_GROUP,
        owner=ComparisonChoices,
        default_text="the cheapest",
        example="tts-1",
        models_of="speech",
        meaning=OWN_PIPELINE,
    ),
)
"""How offers and alternatives are compared."""

PRICE_LIST: Inputs = _rows(
    Input(
        name="ended",
        label="Also what is no longer sold",
        help="Also list offers that have ended or have no price on the day",
        kind=kinds.FLAG,
        group=PRICE_LIST_GROUP,
        default=False,
        meaning="a model that is named is shown in any case",
    ),
)
"""Which offers the price book lists."""

LOG_READING: Inputs = _rows(
    Input(
        name="allow_unread",
        label="Accept an incomplete answer",
        help="Exit with code 0 even if the logs show usage that was not read",
        kind=kinds.FLAG,
        group=LOG_READING_GROUP,
        default=False,
        meaning="otherwise the exit code is 3; the answer says incomplete in both cases",
    ),
)
"""What a command does about logs that cannot be read completely."""

DEAREST_CALLS = 10

RECORD_QUERY: Inputs = {name: LOG_QUERY[name] for name in ("where", "since", "until")}
"""Which records of a log or a ledger are asked about."""

SESSION_QUERY: Inputs = {
    **RECORD_QUERY,
    **_rows(
        Input(
            name="session",
            label="Call",
            help="The call to explain, by the name of its session",
            kind=kinds.TEXT,
            group=QUERY,
            default_text="all",
            example="sess_1",
        ),
        Input(
            name="dearest",
            label="Dearest calls",
            help="Number of the dearest calls that are listed",
            kind=kinds.COUNT,
            group=QUERY,
            default=DEAREST_CALLS,
        ),
    ),
    "rules": SELECTION["rules"],
}
"""Which calls of a log or a ledger are explained. A call is taken whole if one of its records matches."""

FIT_QUERY: Inputs = {**RECORD_QUERY, "rules": SELECTION["rules"]}
"""To which calls of a log or a ledger a plan is fitted. A call is taken whole if one of its records matches."""

REPLAYED_NAMES = ("model", "provider", "deployment", "day")
"""Inputs of a replay that say where calls are replayed; the values of the same name for a log are named with `log_`."""

REPLAY_LOG_DEFAULTS: Inputs = _rows(
    *(replace(row, name=f"log_{row.name}") if row.name in REPLAYED_NAMES else row for row in LOG_DEFAULTS.values())
)
"""The values for what a log does not state, where its calls are replayed."""


def log_defaults_of(values: Mapping[str, Any], inputs: Inputs = REPLAY_LOG_DEFAULTS) -> dict[str, Any]:
    """The values for what a log does not state by their own names; `inputs` are those that were read, in the same order."""
    return {name: values[key] for name, key in zip(LOG_DEFAULTS, inputs, strict=True) if key in values}


REPLAY_QUERY: Inputs = {
    **RECORD_QUERY,
    **_rows(
        Input(
            name="model",
            label="Models",
            help="Only these models",
            kind=kinds.NAMES,
            group=REPLAY_GROUP,
            default_text="all",
            example="gpt-realtime-mini,gpt-realtime-2.1",
        ),
        Input(
            name="provider",
            label="Provider",
            help="Only this provider's offers",
            kind=kinds.TEXT,
            group=REPLAY_GROUP,
            default_text="all",
            example="azure",
        ),
        Input(
            name="deployment",
            label="Deployment",
            help="Only this deployment",
            kind=kinds.choice(*DEPLOYMENTS),
            group=REPLAY_GROUP,
            default_text="all",
            example="data-zone",
        ),
        Input(
            name="stack",
            label="Stacks",
            help="Stacks, such as pipelines, or all; alone, unless offers are selected, too",
            kind=kinds.NAMES,
            group=REPLAY_GROUP,
            example="best",
        ),
        Input(
            name="day",
            label="Day",
            help="Day whose prices and rules apply elsewhere",
            kind=kinds.DAY,
            group=REPLAY_GROUP,
            default_text="today",
            example="2026-11-22",
        ),
        SELECTION["rules"],
        Input(
            name="script",
            label="Changes of the calls",
            help="What the calls send differently, such as instructions_tokens=800",
            kind=kinds.SETTINGS,
            group=REPLAY_GROUP,
            example="instructions_tokens=800,warm_cache=true",
            meaning="the settings of a plan: prompt, its changes, reasoning, cache, session limit, transcription",
        ),
        *(replace(PLAN[name], group=REPLAY_GROUP, default_text="unchanged") for name in TRUNCATION_NAMES),
        Input(
            name="savings",
            label="What would have saved most",
            help="Also replay changes that save: shorter prompt, stable prompt, truncation, written turns, other offers",
            kind=kinds.FLAG,
            group=REPLAY_GROUP,
            default=False,
        ),
        Input(
            name="sample",
            label="Sample",
            help="Replay a random sample of about this many calls; the error is stated",
            kind=kinds.COUNT,
            group=REPLAY_GROUP,
            default_text="all",
            example="5,000",
        ),
    ),
}
"""Which calls of a log or a ledger are replayed, where, and with what changes."""

TOLERANCE_INPUT = Input(
    name="tolerance",
    label="Tolerance",
    help="Difference of the totals, as a share of ours, that is accepted",
    kind=kinds.SHARE,
    group=QUERY,
    default_text="any",
    example="1%",
    meaning="a command exits with code 1 if the totals differ by more",
)

BILL_LINE_FIELDS = ("day", "account", "model", "meter")
"""The fields by which a bill and a log are compared."""
DEFAULT_BILL_LINES = ("model", "meter")
BillAccount = Literal["project", "tenant", "none"]
"""What the projects or resources of a bill are in the log."""
DEFAULT_BILL_ACCOUNT: BillAccount = "project"

RECONCILE_QUERY: Inputs = {
    **RECORD_QUERY,
    **_rows(
        Input(
            name="by",
            label="Group by",
            help=f"Fields by which recorded and billed usage are listed: {', '.join(BILL_LINE_FIELDS)}",
            kind=kinds.names_of(*BILL_LINE_FIELDS),
            group=BILL_GROUP,
            default_text=",".join(DEFAULT_BILL_LINES),
            example="day,model",
        ),
        Input(
            name="account",
            label="Projects",
            help="What the bill's projects or resources are in the log",
            kind=kinds.choice(*get_args(BillAccount)),
            group=BILL_GROUP,
            default_text=DEFAULT_BILL_ACCOUNT,
            example="tenant",
            meaning="they are compared if the bill has the same names; with `none` they are not",
        ),
        Input(
            name="exchange_rate",
            label="Exchange rate",
            help="How much of the bill's currency a dollar buys",
            kind=kinds.EXCHANGE_RATES,
            group=BILL_GROUP,
            default_text="the bill's own",
            example="EUR=0.86",
        ),
        TOLERANCE_INPUT,
    ),
}
"""How a bill is compared with a log or a ledger."""

VERIFY_QUERY: Inputs = {**RECORD_QUERY, **_rows(TOLERANCE_INPUT)}
"""Which amounts of other tools are compared, and how much they may differ."""

LOG_INPUTS: Inputs = {**LOG_DEFAULTS, **LOG_QUERY}
"""Everything that the cost of logs can be asked with."""

RULE_INPUTS: Inputs = {name: SELECTION[name] for name in ("model", "provider", "day", "rules")}
"""Everything that the rules of a model can be asked with."""

ESTIMATE: Inputs = {**SELECTION, **PLAN, **CALL_VOLUME, **CONNECTION_COSTS}
"""Everything that an estimate or a comparison can be asked with."""


def groups_of(inputs: Iterable[Input]) -> dict[str, list[Input]]:
    """Inputs by their group, in the order of their first rows."""
    groups: dict[str, list[Input]] = {}
    for row in inputs:
        groups.setdefault(row.group, []).append(row)
    return groups
