"""Define the fields of the form, which are also the parameters of the API."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from voicebill.answers.comparison.compare import available_offers
from voicebill.answers.estimates.model_selection import DEFAULT_DEPLOYMENT, DEFAULT_MODEL, DEFAULT_PROVIDER
from voicebill.billing.price_book import PriceBook
from voicebill.web.forms.requests import PAGE_FIELDS


@dataclass(frozen=True, slots=True)
class FormField:
    """A field. `value` is its initial value, `placeholder` the meaning of an empty field, `hint` an explanation."""

    name: str
    label: str
    hint: str
    value: str = ""
    placeholder: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    is_checkbox: bool = False
    wide: bool = False


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """Fields that open together; the first group is always open."""

    title: str
    fields: tuple[FormField, ...]


def _choices(*words: str, none: str = "") -> tuple[tuple[str, str], ...]:
    return ((("", none),) if none else ()) + tuple((word, word) for word in words)


MAIN_FIELDS = FieldGroup(
    "",
    (
        FormField(
            "model",
            "Model",
            "the vendor's model name, with or without a date",
            DEFAULT_MODEL,
            choices=_choices(DEFAULT_MODEL),
            wide=True,
        ),
        FormField(
            "provider",
            "Provider",
            "provider of the model",
            DEFAULT_PROVIDER,
            choices=(("openai", "OpenAI"), ("azure", "Azure")),
        ),
        FormField(
            "deployment",
            "Deployment",
            "Azure deployment type",
            DEFAULT_DEPLOYMENT,
            choices=(("global", "Global"), ("data-zone", "Data Zone"), ("regional", "Regional")),
        ),
        FormField("minutes", "Minutes", "length of the conversation: 10, 90s, 1.5h", "10"),
        FormField("turns", "Turns", "number of turns; in each, the user speaks and the assistant replies", "20"),
        FormField("user_share", "User speaks", "share of the time: 40% or 0.4", "40%"),
        FormField("assistant_share", "Assistant speaks", "share of the time: 40% or 0.4", "40%"),
        FormField("instructions_tokens", "Prompt tokens", "size of the instructions: 1,000 or 1k", "1,000"),
        FormField("conversations", "Conversations", "volume per period: 1,000/month, 50/day", "1,000/month"),
    ),
)

MORE_FIELDS = (
    FieldGroup(
        "Tools and greeting",
        (
            FormField(
                "first_speaker",
                "First speaker",
                "assistant: the conversation starts with a greeting",
                choices=_choices("assistant", none="user"),
            ),
            FormField("tools_tokens", "Tool schema tokens", "read again by every response, like the prompt", placeholder="0"),
            FormField("tool_calls", "Tool calls", "per conversation", placeholder="0"),
            FormField("arguments_tokens", "Argument tokens", "written by the model for each tool call", placeholder="20"),
            FormField("result_tokens", "Result tokens", "read by the model after each tool call", placeholder="100"),
        ),
    ),
    FieldGroup(
        "Silence, interruptions, transcription",
        (
            FormField("silence_share", "Silence", "share of the time: 20%", placeholder="remainder"),
            FormField("interrupted_share", "Interrupted replies", "share of the replies: 10%", placeholder="0"),
            FormField(
                "played_share", "Played before interruption", "share of an interrupted reply that was played", placeholder="50%"
            ),
            FormField(
                "transcription_model",
                "Transcription",
                "model that transcribes the user's speech",
                choices=_choices("gpt-4o-transcribe", "gpt-4o-mini-transcribe", "whisper-1", none="none"),
                wide=True,
            ),
        ),
    ),
    FieldGroup(
        "Typed turns, images, reasoning",
        (
            FormField("text_turns", "Typed turns", "turns that are typed and answered in text", placeholder="0"),
            FormField("text_turn_user_tokens", "Typed user tokens", "per typed turn", placeholder="20"),
            FormField("text_turn_reply_tokens", "Typed reply tokens", "per typed turn", placeholder="60"),
            FormField("images", "Images", "per conversation", placeholder="0"),
            FormField("image_tiles", "Tiles per image", "0 for low detail", placeholder="1"),
            FormField("reasoning_tokens", "Reasoning tokens", "per response, for reasoning models", placeholder="0"),
        ),
    ),
    FieldGroup(
        "History, cache and sessions",
        (
            FormField(
                "cache",
                "Expected cache",
                "prefix: a share of the common prefix is reused",
                choices=_choices("all", "none", none="prefix"),
            ),
            FormField("prefix_reuse", "Prefix reuse", "share of the common prefix found in the cache: 80%", placeholder="80%"),
            FormField(
                "truncation",
                "Truncation",
                "what happens when the history no longer fits",
                choices=_choices("disabled", none="auto"),
            ),
            FormField(
                "retention_ratio", "Retention ratio", "share of the history budget kept after truncation", placeholder="100%"
            ),
            FormField(
                "post_instructions_tokens", "History token limit", "post_instructions token limit", placeholder="model's"
            ),
            FormField("session_minutes", "Session limit, minutes", "when a new session starts", placeholder="60, Azure 30"),
            FormField(
                "session_carryover",
                "Session carryover",
                "a new session starts with the transcripts so far, or with nothing",
                choices=_choices("nothing", none="text"),
            ),
            FormField("warm_cache", "Warm cache", "another session has just used the same instructions", is_checkbox=True),
        ),
    ),
    FieldGroup(
        "Months, transport, contract, day",
        (
            FormField(
                "call_length_cv",
                "Call length variation",
                "coefficient of variation (standard deviation / mean); 0: all calls equal",
                placeholder="0.8",
            ),
            FormField(
                "transport",
                "Transport",
                "how the conversation reaches the model; select one to see its traffic, requirements and fees",
                choices=_choices("webrtc", "websocket", "sip", none="not specified"),
            ),
            FormField("codec", "Codec", "opus, pcm16 or g711", placeholder="the transport's"),
            FormField(
                "carrier", "Carrier", "id of a carrier price: twilio/voice-inbound-us-local", placeholder="none", wide=True
            ),
            FormField("carrier_per_minute", "Carrier price, dollars per minute", "instead of an id", placeholder="none"),
            FormField("carrier_increment", "Billing increment, seconds", "each call is rounded up to it", placeholder="60"),
            FormField("egress_per_gb", "Egress, dollars per GB", "your cloud's price for outgoing traffic", placeholder="none"),
            FormField(
                "platforms", "Platforms", "ids of prices in your own file, separated by commas", placeholder="none", wide=True
            ),
            FormField("discount", "Discount, %", "of your contract; never part of an address", placeholder="0"),
            FormField("region", "Azure region", "such as swedencentral", placeholder="any"),
            FormField("day", "Day", "prices and rules of this day: 2026-11-22", placeholder="today"),
            FormField(
                "rules",
                "Rules",
                "how conversations are counted",
                choices=_choices("web-calculator-2026-06", none="recorded-2026-11"),
            ),
        ),
    ),
)
FIELD_GROUPS = (MAIN_FIELDS, *MORE_FIELDS)

CAPACITY_GROUPS = (
    FieldGroup(
        "Busy hour",
        (
            FormField("busy_hour_share", "Busy-hour share", "share of a day's calls: 15%", placeholder="17%"),
            FormField("days", "Days per month", "days with calls", placeholder="22"),
            FormField("calls_per_hour", "Busy-hour calls", "instead of the volume above", placeholder="as above"),
            FormField(
                "blocking_probability", "Blocking probability", "share of calls that may be blocked: 1%", placeholder="1%"
            ),
            FormField(
                "service_level", "Service level", "if calls queue instead: 80% in 20s", placeholder="80% in 20s", wide=True
            ),
        ),
    ),
    FieldGroup(
        "Limits and counting",
        (
            FormField("quota_tokens", "Token limit per minute", "of one quota: 200k", placeholder="as published"),
            FormField("quota_requests", "Request limit per minute", "of one quota: 1,000", placeholder="as published"),
            FormField("quota_sessions", "Concurrent session limit", "of one quota", placeholder="as published"),
            FormField(
                "tier",
                "Azure's quota tier",
                "as your subscription shows it",
                choices=_choices(*(f"tier-{number}" for number in range(2, 7)), none="tier-1"),
            ),
            FormField("exceedance", "Exceedance", "share of minutes that may exceed the quota: 1%", placeholder="1%"),
            FormField(
                "cached_tokens",
                "Cached tokens",
                "whether they count towards the limit",
                choices=_choices("counted", "free", none="by provider"),
            ),
            FormField(
                "request_unit",
                "Request unit",
                "what a request limit counts",
                choices=_choices("response", "session", none="by provider"),
            ),
            FormField(
                "reserved_output_tokens",
                "Reserved output tokens",
                "counted for every response, whatever it generates",
                placeholder="as generated",
            ),
        ),
    ),
)
"""Fields of a capacity request in addition to the plan; it needs no prices."""

NOT_FOR_CAPACITY = ("discount",)
CAPACITY_MORE_FIELDS = (
    *CAPACITY_GROUPS,
    *(
        FieldGroup(group.title, tuple(field for field in group.fields if field.name not in NOT_FOR_CAPACITY))
        for group in MORE_FIELDS
    ),
)
FORM_FIELDS: Mapping[str, FormField] = {field.name: field for group in FIELD_GROUPS for field in group.fields}


def with_defaults(values: Mapping[str, str]) -> dict[str, str]:
    """The given values, with the initial values of the form for all other fields."""
    return {field.name: field.value for field in MAIN_FIELDS.fields if field.value} | dict(values)


def query_string(values: Mapping[str, str], **extra: str) -> str:
    """The query of the same request: only values that differ from the initial form, and never a discount."""
    changed = {
        name: value
        for name, value in values.items()
        if (name not in PAGE_FIELDS or name == "embed")
        and not (name in FORM_FIELDS and value == FORM_FIELDS[name].value)
        and (value or (name in FORM_FIELDS and FORM_FIELDS[name].value))
    }
    return urlencode(
        {name: changed[name] for name in sorted(changed, key=_field_order)} | {k: v for k, v in extra.items() if v}
    )


def _field_order(name: str) -> int:
    return list(FORM_FIELDS).index(name) if name in FORM_FIELDS else len(FORM_FIELDS)


def realtime_model_names(book: PriceBook, day: date) -> Iterator[str]:
    """Undated names of the realtime models available on a day, the newest and largest first."""
    newest: dict[str, tuple[date, str]] = {}
    for offer in available_offers(book, day):
        since = min(row.since.first for row in offer.rows)
        newest[offer.model] = max(newest.get(offer.model, (since, offer.model)), (since, offer.model))
    yield from sorted(newest, key=lambda model: ("mini" in model, "preview" in model, -newest[model][0].toordinal(), model))
