"""The fields of a question as people see them: on the page's form, and as parameters of the API."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from voicebill.answers.compare import alive
from voicebill.answers.question import DEFAULT_DEPLOYMENT, DEFAULT_MODEL, DEFAULT_PROVIDER
from voicebill.billing.price_book import PriceBook
from voicebill.web.asking import PAGE_FIELDS


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `value` is what the form starts with, `blank` what an empty field means, `hint` how it is meant."""

    name: str
    label: str
    hint: str
    value: str = ""
    blank: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    ticked: bool = False
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that fold out together; the first group is always open."""

    title: str
    fields: tuple[Field, ...]


def _choices(*words: str, none: str = "") -> tuple[tuple[str, str], ...]:
    return ((("", none),) if none else ()) + tuple((word, word) for word in words)


SHORT = Group(
    "",
    (
        Field(
            "model", "Model", "as the vendor writes it, dated or not", DEFAULT_MODEL, choices=_choices(DEFAULT_MODEL), wide=True
        ),
        Field("provider", "Provider", "who sells it", DEFAULT_PROVIDER, choices=(("openai", "OpenAI"), ("azure", "Azure"))),
        Field(
            "deployment",
            "Deployment",
            "how Azure sells it",
            DEFAULT_DEPLOYMENT,
            choices=(("global", "Global"), ("data-zone", "Data Zone"), ("regional", "Regional")),
        ),
        Field("minutes", "Minutes", "how long the conversation lasts: 10, 90s, 1.5h", "10"),
        Field("turns", "Turns", "how often the user speaks and the assistant answers", "20"),
        Field("user_share", "User speaks", "share of the time: 40% or 0.4", "40%"),
        Field("assistant_share", "Assistant speaks", "share of the time in which it is heard: 40% or 0.4", "40%"),
        Field("instructions_tokens", "Prompt, tokens", "the size of the instructions: 1,000 or 1k", "1,000"),
        Field("conversations", "Conversations", "how many in a period: 1,000/month, 50/day", "1,000/month"),
    ),
)

FOLDED = (
    Group(
        "Tools and greeting",
        (
            Field("first_speaker", "Who speaks first", "the assistant: a greeting", choices=_choices("assistant", none="user")),
            Field("tools_tokens", "Tool schemas, tokens", "read in every response, as the prompt is", blank="0"),
            Field("tool_calls", "Tool calls", "per conversation", blank="0"),
            Field("arguments_tokens", "Arguments, tokens", "written by the model for each call", blank="20"),
            Field("result_tokens", "Result, tokens", "read by the model after each call", blank="100"),
        ),
    ),
    Group(
        "Silence, interruptions, transcription",
        (
            Field("silence_share", "Nobody speaks", "share of the time: 20%", blank="the rest"),
            Field("interrupted_share", "Replies broken off", "share of the replies: 10%", blank="0"),
            Field("heard_share", "Heard of these", "share of such a reply that was heard", blank="50%"),
            Field(
                "transcription_model",
                "Transcription",
                "a model that writes down what the user says",
                choices=_choices("gpt-4o-transcribe", "gpt-4o-mini-transcribe", "whisper-1", none="none"),
                wide=True,
            ),
        ),
    ),
    Group(
        "Typed turns, images, reasoning",
        (
            Field("text_turns", "Typed turns", "of the turns, those typed and answered in writing", blank="0"),
            Field("text_turn_user_tokens", "Typed by the user, tokens", "in such a turn", blank="20"),
            Field("text_turn_reply_tokens", "Written in reply, tokens", "in such a turn", blank="60"),
            Field("images", "Images", "shown in a conversation", blank="0"),
            Field("image_tiles", "Tiles of an image", "0 at low detail", blank="1"),
            Field("reasoning_tokens", "Reasoning, tokens", "thought before each reply, by models that reason", blank="0"),
        ),
    ),
    Group(
        "History, cache and sessions",
        (
            Field(
                "cache",
                "Expected cache",
                "prefix: a share of the common prefix is found",
                choices=_choices("all", "none", none="prefix"),
            ),
            Field("reuse", "Share found", "of the common prefix: 80%", blank="80%"),
            Field(
                "truncation",
                "Truncation",
                "what happens when the history no longer fits",
                choices=_choices("disabled", none="auto"),
            ),
            Field("retention_ratio", "Kept by a cut", "share of the room for history", blank="100%"),
            Field("post_instructions_tokens", "History, tokens at most", "a lower limit of your own", blank="as the model"),
            Field("session_minutes", "Session, minutes", "when a new one is needed", blank="60, Azure 30"),
            Field(
                "carry",
                "A new session starts with",
                "the transcripts so far, or nothing",
                choices=_choices("nothing", none="text"),
            ),
            Field("warm", "Instructions are warm", "another session has just used the same", ticked=True),
        ),
    ),
    Group(
        "Months, transport, contract, day",
        (
            Field("length_spread", "Spread of lengths", "standard deviation over mean; 0: all calls alike", blank="0.8"),
            Field(
                "transport",
                "Transport",
                "how the conversation reaches the model; named, it is told what that carries, needs and takes",
                choices=_choices("webrtc", "websocket", "sip", none="not named"),
            ),
            Field("codec", "Codec", "opus, pcm16 or g711", blank="the transport's"),
            Field("carrier", "Carrier", "the id of a price: twilio/voice-inbound-us-local", blank="none", wide=True),
            Field("carrier_per_minute", "Your carrier, dollars a minute", "instead of an id", blank="none"),
            Field("carrier_seconds", "Rounds a call up to, seconds", "each call by itself", blank="60"),
            Field("egress_per_gb", "Bandwidth, dollars a GB", "what your cloud takes for what leaves it", blank="none"),
            Field("fees", "Platforms", "ids of prices in a file of your own, with commas", blank="none", wide=True),
            Field("discount", "Discount, per cent", "of your contract; never part of an address", blank="0"),
            Field("region", "Azure region", "such as swedencentral", blank="any"),
            Field("day", "Day", "prices and rules of this day: 2026-11-22", blank="today"),
            Field("rules", "Rules", "how conversations are counted", choices=_choices("page-2026-06", none="recorded-2026-11")),
        ),
    ),
)
GROUPS = (SHORT, *FOLDED)

CAPACITY = (
    Group(
        "The busy hour",
        (
            Field("busy_hour_share", "In the busiest hour", "share of a day's calls: 15%", blank="17%"),
            Field("days", "Days a month", "on which calls come", blank="22"),
            Field("calls_per_hour", "Or: calls an hour", "in the busy hour, instead of conversations", blank="as above"),
            Field("refused", "Refused at most", "share of the calls: 1%", blank="1%"),
            Field("service_level", "Or: answered", "where calls wait instead: 80% in 20s", blank="80% in 20s", wide=True),
        ),
    ),
    Group(
        "Limits and how they count",
        (
            Field("quota_tokens", "Your limit, tokens a minute", "of one quota: 200k", blank="as published"),
            Field("quota_requests", "Your limit, requests a minute", "of one quota: 1,000", blank="as published"),
            Field("quota_sessions", "Your limit, sessions at once", "of one quota", blank="as published"),
            Field(
                "tier",
                "Azure's quota tier",
                "as your subscription shows it",
                choices=_choices(*(f"tier-{number}" for number in range(2, 7)), none="tier-1"),
            ),
            Field("minutes_over", "Minutes over the limit", "share of minutes that may ask for more: 1%", blank="1%"),
            Field(
                "cached_tokens",
                "Cached tokens",
                "whether they count towards the limit",
                choices=_choices("counted", "free", none="by provider"),
            ),
            Field(
                "request_is",
                "A request is",
                "what a limit on requests counts",
                choices=_choices("response", "session", none="by provider"),
            ),
            Field(
                "reserved_output_tokens",
                "Output reserved, tokens",
                "that count for every response, whatever it writes",
                blank="as generated",
            ),
        ),
    ),
)
"""What a capacity is asked beside the question; prices are no part of it."""

NO_PART_OF_CAPACITY = ("discount",)
CAPACITY_FOLDED = (
    *CAPACITY,
    *(Group(group.title, tuple(field for field in group.fields if field.name not in NO_PART_OF_CAPACITY)) for group in FOLDED),
)
FIELDS: Mapping[str, Field] = {field.name: field for group in GROUPS for field in group.fields}


def filled(given: Mapping[str, str]) -> dict[str, str]:
    """The fields of the page: what was given, and elsewhere what the form starts with."""
    return {field.name: field.value for field in SHORT.fields if field.value} | dict(given)


def address(given: Mapping[str, str], **more: str) -> str:
    """The query that leads to the same answer: only what differs from the form as it starts, and never a discount."""
    said = {
        name: value
        for name, value in given.items()
        if (name not in PAGE_FIELDS or name == "embed")
        and not (name in FIELDS and value == FIELDS[name].value)
        and (value or (name in FIELDS and FIELDS[name].value))
    }
    return urlencode({name: said[name] for name in sorted(said, key=_order)} | {k: v for k, v in more.items() if v})


def _order(name: str) -> int:
    return list(FIELDS).index(name) if name in FIELDS else len(FIELDS)


def models(book: PriceBook, day: date) -> Iterator[str]:
    """The undated names of the realtime models alive on a day, the newest and largest first."""
    newest: dict[str, tuple[date, str]] = {}
    for offer in alive(book, day):
        since = min(row.since.first for row in offer.rows)
        newest[offer.model] = max(newest.get(offer.model, (since, offer.model)), (since, offer.model))
    yield from sorted(newest, key=lambda model: ("mini" in model, "preview" in model, -newest[model][0].toordinal(), model))
