"""Recognise counts in a line of which no reader took usage: tokens, seconds, characters and charges under any name.

Names in camel case, snake case and with spaces are alike. Counts of tokens that name a direction or a modality are taken for
usage wherever they are, and so is any count in a usage object. Other quantities, such as seconds and charges, occur in
lines of any application; they are usage only in a line that names a model or a meter. What looks like usage and is not
charged is listed with its reason.

Only names and numbers leave this module. The time is linear in the length of the line.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

import msgspec

from voicebill.billing.recent_texts import cache_while_reading
from voicebill.conversation.work import check_work

MAX_COUNTS = 12
"""At most so many counts of a line are named."""
MAX_NAME_LENGTH = 60
MAX_TEXT_LAYERS = 3
"""JSON in a text in JSON is opened to this depth."""

USAGE_HINTS = (b"token", b"second", b"character", b"duration", b"usage", b"cost", b"spend")
"""Without one of these words, in any case, a line cannot carry usage: it is not decoded."""

UNCHARGED_NAMES: tuple[tuple[str, str], ...] = (
    (r"(^|_)(max|min|limit|limits|quota|remaining|budget|threshold|allowed|capacity)(_|$)", "a limit, not a count"),
    (r"(^|_)per_|(^|_)(rate|price|ratio|percent|share)(_|$)", "a speed, a price or a share"),
    (r"(^|_)(estimated|expected|predicted|average|avg|mean)(_|$)", "an estimate or a mean, not a measurement"),
    (r"(^|_)(cpu|gpu|memory|mem|heap|disk|network)(_|$)|(^|_)resource(_(?!logs$|spans$|metrics$)|$)", "a machine's"),
    (r"(^|_)(num_)?requests$", "how many requests it was"),
    (r"(^|_)(elapsed|latency|timeout|delay|idle|uptime|ttft|ttfb|queue)(_|$)", "a waiting time"),
)
"""Names of numbers that are not charged, as patterns, each with its reason."""

UNCHARGED_OBJECTS: Mapping[str, str] = {
    "context": "the Agents SDK's running total of the session, whose responses are logged one by one",
    "rate_limits": "limits and what is left of them",
    "token_limits": "settings of truncation",
    "context_window": "how full the context is",
    "arguments": "the conversation: what a tool is called with",
    "parameters": "the schema of a tool",
    "tools": "the schemas of tools",
    "instructions": "the conversation",
    "content": "the conversation",
    "transcript": "the conversation",
    "messages": "the conversation",
    "chat_history": "the conversation",
    "delta": "the conversation, or audio",
    "model_info": "prices of a model, in LiteLLM's logs",
    "litellm_params": "settings and prices of a model",
}
"""Objects that are not searched, each with its reason."""

UNCHARGED_EVENTS: Mapping[str, str] = {
    "rate_limits.updated": "limits and what is left of them",
    "session.update": "settings",
    "session.created": "settings",
    "session.updated": "settings",
    "transcription_session.created": "settings",
    "transcription_session.updated": "settings",
    "response.create": "settings",
    "response.created": "response.done has the usage of the response",
    "response.in_progress": "response.done has the usage of the response",
}
"""Types of events whose counts are not charged, each with its reason."""

USAGE_OBJECTS = re.compile(r"(^|_)usage(_(details|object|metadata|info|total))?$|^tokens$|^(input|output)_tokens?_details$")
_DIRECTED = (
    r"(input|output|prompt|completion|total|cached|cache|audio|text|image|speech|reasoning|response|candidates?|thoughts?)"
)
TOKEN_COUNTS = re.compile(rf"(^|_){_DIRECTED}(_[a-z0-9]+)*_tokens?(_count)?$|(^|_)token_counts?_(\w+_)*{_DIRECTED}(_|$)")
OTHER_COUNTS = re.compile(
    r"(^|_)(tokens|token_counts?|num_tokens)$"
    r"|(^|_)(characters|characters?_count|num_characters)$"
    r"|(^|_)(audio|speech|billed|billable|active|paused|transcribed|input|output)_(seconds|durations?)(_(seconds|secs?|s|ms))?$"
    r"|(^|_)(costs?|spend|charges?)(_(usd|dollars|in_usd|in_billing_currency))?$"
)
IN_USAGE = re.compile(
    rf"(^|_)({_DIRECTED}|tokens|characters|seconds|durations?|minutes|costs?)(_|$)",
)
"""Names of counts in a usage object."""
USAGE_ATTRIBUTES = re.compile(r"(^|_)usage_\w")
"""Names of counts that are written as attributes of a usage object."""
MODEL_NAMES = re.compile(r"(^|_)(model|model_name|model_id|meter_name|provided_model_name)$")

NAMED_FIELD = re.compile(rb'"(\w{1,60})"\s*:')
PRINTED_COUNT = re.compile(
    r"""(?:\b(?P<name>\w{1,60})=|'(?P<key>\w{1,60})'\s*:\s*)(?P<number>\d{1,15}(?:\.\d{1,12})?)(?=[\s,)}\]]|$)"""
)
"""A count in an object that was printed in Python's own form: as an argument of a call, or in a dictionary."""
PRINTED_CALL = re.compile(r"[A-Z]\w{0,60}\(\w{1,60}=")
"""The beginning of an object that was printed as a call."""
MAX_SEARCHED_BYTES = 256 * 1024

Meaning = Literal["count", "other count", "usage object", "uncharged", "model", ""]
_NUMBER = re.compile(r"\d{1,15}(\.\d{1,12})?")
_decode = msgspec.json.decode


class _Entry(NamedTuple):
    """A value in a line: its name, whether it is in a usage object, and how many texts it is in."""

    name: str
    value: object
    in_usage: bool
    layer: int


def mentions_usage(content: bytes) -> bool:
    """Return whether a line has a word without which it cannot carry usage. A pattern would take seven times as long.

    >>> mentions_usage(b'{"inputTokens": 789}'), mentions_usage(b'{"level": "info"}')
    (True, False)
    """
    lowered = content.lower()
    return any(map(lowered.__contains__, USAGE_HINTS))


def unread_counts(content: bytes, *, any_name: bool = False) -> dict[str, int | float]:
    """Return the counts in a line or document, by name; empty without usage, or if it is neither JSON nor printed by Python.

    With `any_name`, so are all numbers in its usage objects.

    >>> unread_counts(b'{"message": "LLM metrics", "inputTokens": 789, "session": {"max_output_tokens": 4096}}')
    {'inputTokens': 789}
    >>> unread_counts(b'{"type": "playback", "audio_seconds": 2.5}')
    {}
    >>> unread_counts(b"INFO Usage(input_tokens=132, max_tokens=4096, owner=<Agent>)")
    {'input_tokens': 132}
    """
    if not mentions_usage(content):
        return {}
    try:
        return counts_in(_decode(content.decode(errors="replace")), any_name=any_name)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return _printed_counts(content[:MAX_SEARCHED_BYTES].decode(errors="replace"))


def names_in(content: bytes) -> frozenset[str]:
    """Return the names in an object of JSON, in whatever depth: by these, lines of one shape are alike.

    >>> sorted(names_in(b'{"usage": {"input_tokens": 5}, "type": "usage"}'))
    ['input_tokens', 'type', 'usage']
    """
    return frozenset(name.decode(errors="replace") for name in NAMED_FIELD.findall(content))


def _printed_counts(text: str) -> dict[str, int | float]:
    """Return the counts of tokens of an object that was printed in Python's own form."""
    counts: dict[str, int | float] = {}
    for match in PRINTED_COUNT.finditer(text):
        name, number = match["name"] or match["key"], _number(match["number"])
        if meaning_of(name) == "count" and number and len(counts) < MAX_COUNTS:
            counts.setdefault(name, number)
    return counts


def counts_in(value: object, *, in_usage: bool = False, any_name: bool = False) -> dict[str, int | float]:
    """Return the counts in a JSON value, or in the cells of a row, by name; empty without usage.

    With `any_name`, all numbers in usage objects are counts, whatever their names.

    >>> counts_in({"Model": "gpt-realtime", "Spend ($)": "1.25"})
    {'Spend ($)': 1.25}
    """
    counts: dict[str, int | float] = {}
    other_counts: dict[str, int | float] = {}
    names_model = False
    waiting = [_Entry("", value, in_usage, 0)]
    while waiting and len(counts) < MAX_COUNTS:
        check_work()
        name, inner, is_in_usage, layer = waiting.pop()
        meaning = meaning_of(name)
        if meaning == "uncharged":
            continue
        if isinstance(inner, dict | list | str):
            names_model = names_model or (meaning == "model" and isinstance(inner, str) and bool(inner))
            waiting += reversed(list(_inner_entries(name, inner, layer, is_in_usage or meaning == "usage object")))
        number = _number(inner)
        if number:
            if meaning == "count" or _is_of_usage(snake_case(name), in_usage=is_in_usage, any_name=any_name):
                counts.setdefault(name, number)
            elif meaning == "other count" or name == "tokens":
                other_counts.setdefault(name, number)
    return {**counts, **other_counts} if counts or names_model else {}


def _is_of_usage(name: str, *, in_usage: bool, any_name: bool) -> bool:
    """Return whether a name in snake case is that of a count because it is in a usage object."""
    if any_name:
        return in_usage or USAGE_ATTRIBUTES.search(name) is not None
    return in_usage and IN_USAGE.search(name) is not None


def _inner_entries(name: str, value: dict[object, object] | list[object] | str, layer: int, in_usage: bool) -> Iterator[_Entry]:  # noqa: FBT001 - of the walk
    """Yield what is in a value: the fields of an object or of the JSON in a text, and attributes as OTLP lists them."""
    if isinstance(value, str):
        text = value.lstrip()
        if layer < MAX_TEXT_LAYERS and text[:1] in ("{", "[") and mentions_usage(text.encode(errors="ignore")):
            try:
                yield _Entry(name, _decode(text), in_usage, layer + 1)
            except (msgspec.MsgspecError, UnicodeError, RecursionError):
                return
        elif PRINTED_CALL.match(text):
            yield from (_Entry(key, count, in_usage, layer + 1) for key, count in _printed_counts(text).items())
    elif isinstance(value, list):
        yield from (_Entry(name, item, in_usage, layer) for item in value)
    elif isinstance(key := value.get("key"), str) and isinstance(attribute := value.get("value"), dict):
        yield from (_Entry(key, item, in_usage, layer) for item in attribute.values())
    elif (kind := _type_of(value)) not in UNCHARGED_EVENTS:
        is_duration = kind == "duration"
        yield from (_Entry(str(key), item, in_usage or is_duration, layer) for key, item in value.items())


def _type_of(value: dict[object, object]) -> str:
    """Return the type that an object names, or an empty text."""
    kind = value.get("type")
    return kind if isinstance(kind, str) else ""


def _number(value: object) -> int | float:
    """Return a positive number, also one that is written as text; else 0."""
    if isinstance(value, str) and len(value) <= 28 and _NUMBER.fullmatch(value):
        value = float(value) if "." in value else int(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 10**15 else 0


_UNCHARGED = re.compile("|".join(pattern for pattern, _ in UNCHARGED_NAMES))


@cache_while_reading(4096)
def snake_case(name: str) -> str:
    """Return a name in snake case.

    >>> snake_case("inputTokenDetails"), snake_case("Cache Read Input Tokens"), snake_case("gen_ai.usage.input_tokens")
    ('input_token_details', 'cache_read_input_tokens', 'gen_ai_usage_input_tokens')
    """
    return re.sub(r"[^a-z0-9]+", "_", split_camel_case(name[: MAX_NAME_LENGTH + 1])).strip("_")


def split_camel_case(name: str) -> str:
    """Return a name in lower case, its words in camel case divided; dots and spaces stay.

    >>> split_camel_case("inputTokens"), split_camel_case("text.inputTokens"), split_camel_case("Prompt Tokens")
    ('input_tokens', 'text.input_tokens', 'prompt tokens')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


@cache_while_reading(4096)
def meaning_of(name: str) -> Meaning:
    """Return what a name of a field says about its value.

    >>> meaning_of("outputTokens"), meaning_of("max_output_tokens"), meaning_of("audio_seconds"), meaning_of("usage")
    ('count', 'uncharged', 'other count', 'usage object')
    """
    plain = snake_case(name)
    if len(name) > MAX_NAME_LENGTH:
        return ""
    if plain in UNCHARGED_OBJECTS or _UNCHARGED.search(plain):
        return "uncharged"
    if USAGE_OBJECTS.search(plain):
        return "usage object"
    if TOKEN_COUNTS.search(plain):
        return "count"
    if OTHER_COUNTS.search(plain):
        return "other count"
    return "model" if MODEL_NAMES.search(plain) else ""
