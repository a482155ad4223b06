"""Name the owners of usage: under which names logs give the tenant, the session and the project of a record, and where.

`OWNER_NAMES` is the one table of these names, in order of preference: for columns of tables, fields of envelopes and of
metadata, and attributes of OpenTelemetry. Names in camel case, in snake case, with dots and with hyphens are alike. They are
looked for in a document, in the envelopes in it, in its metadata and attributes, and in its headers; never in the conversation.
A name of the user's own takes precedence, and is looked for in every object of a document.

Sources, read 2026-11-28: OpenTelemetry's attribute registry (`user.id`, `enduser.id`, `session.id`, `gen_ai.conversation.id`)
and public code that sets `tenant.id` and `customer.id`; Langfuse's, OpenInference's, OpenLLMetry's and the AI SDK's attributes;
LiteLLM 1.110.2 (`StandardLoggingUserAPIKeyMetadata`); openai 3.57.0 (`metadata` of a realtime response, `tracing.metadata` of a
session, the header `OpenAI-Project`); public code that sends `X-Tenant-ID`, `X-User-ID` and `X-Session-ID`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import msgspec

from voicebill.billing.recent_texts import cache_while_reading
from voicebill.logs.unread_usage import snake_case

OWNER_NAMES: Mapping[str, tuple[str, ...]] = {
    "tenant": (
        *("tenant", "tenant_id", "customer", "customer_id", "team", "team_id", "user_api_key_team_id"),
        *("end_user", "user_api_key_end_user_id", "user_id", "enduser_id", "user", "user_api_key_user_id"),
    ),
    "session": ("gen_ai_conversation_id", "session", "session_id", "call_id", "conversation_id"),
    "project": ("project", "project_id", "project_name", "user_api_key_project_id"),
}
"""The names of each field, the preferred one first."""
PREFIXES = (
    *("langfuse", "langfuse_trace_metadata", "langfuse_observation_metadata", "traceloop_association_properties"),
    *("ai_telemetry_metadata", "openinference", "gen_ai", "metadata"),
)
"""What may precede a name in an attribute, such as `langfuse.user.id` or `traceloop.association.properties.tenant_id`."""
HEADER_PREFIX = "x"
"""Headers have the same names behind `X-`, such as `X-Tenant-ID`."""
PROJECT_HEADERS = ("openai_project", "open_ai_project")
"""The header `OpenAI-Project`, and as its words are divided."""
PERSON_NAMES = frozenset({"user", "end_user"})
"""What people say is also logged under such names: a text with spaces is no identifier."""

ENVELOPE_NAMES = frozenset(
    ["event", "data", "payload", "message", "msg", "body", "log", "record", "frame", "kwargs", "standard_logging_object"]
)
METADATA_NAMES = frozenset(
    [
        *("metadata", "attributes", "resource_attributes", "extra", "fields", "tracing"),
        *("litellm_params", "spend_logs_metadata", "requester_metadata"),
    ]
)
"""Objects in which names are looked for, as objects or as JSON in a text."""
CONTENT_NAMES = frozenset({"response", "session", "resource", "scope", "call", "trace"})
"""Objects with fields of other meanings, of which only the metadata is looked into."""
NAMED_OBJECTS = frozenset({"tenant", "customer", "team", "user", "enduser", "project"})
"""Owners as objects with an `id`, such as `user.id`."""
HEADER_NAMES = frozenset({"headers", "request_headers", "requester_custom_headers"})
MAX_DEPTH = 6
MAX_OWNER_LENGTH = 500

Place = Literal["", "owner", "envelope", "content", "metadata", "headers"]
"""What is looked into under a name."""
FieldRanks = Mapping[str, tuple[int, str]]
"""Fields by names, with the position of the name in the order of preference."""
OwnNames = tuple[tuple[str, str], ...]
"""Fields, and the user's own names for them."""

normal_name = cache_while_reading(4096)(snake_case)
_decode_value = msgspec.json.Decoder(dict[str, msgspec.Raw] | list[Any] | str | int | float | bool | None).decode
_decode_items = msgspec.json.Decoder(list[msgspec.Raw]).decode


def _field_ranks() -> tuple[FieldRanks, FieldRanks]:
    """Return the fields of names in objects, and those of names of headers."""
    ranks = {name: (rank, field) for field, names in OWNER_NAMES.items() for rank, name in enumerate(names)}
    prefixed = {f"{prefix}_{name}": entry for name, entry in ranks.items() for prefix in PREFIXES}
    headers = {f"{HEADER_PREFIX}_{name}": entry for name, entry in ranks.items()}
    return {**prefixed, **ranks}, {**headers, **dict.fromkeys(PROJECT_HEADERS, (0, "project"))}


_RANKS, _HEADER_RANKS = _field_ranks()


class KeyMeaning(NamedTuple):
    """What a key of an object means: its normalized name, whether it names an owner, and what is looked for under it."""

    name: str
    is_owner: bool
    place: Place


@cache_while_reading(4096)
def meaning_of_key(key: str) -> KeyMeaning | None:
    """Return the meaning of a key; None if nothing is looked for under it, as for nearly all keys."""
    name = normal_name(key)
    places: tuple[tuple[Place, frozenset[str]], ...] = (
        *(("owner", NAMED_OBJECTS), ("envelope", ENVELOPE_NAMES), ("content", CONTENT_NAMES)),
        *(("metadata", METADATA_NAMES), ("headers", HEADER_NAMES)),
    )
    place: Place = next((place for place, names in places if name in names), "")
    return KeyMeaning(name, name in _RANKS, place) if place or name in _RANKS else None


@dataclass(frozen=True, slots=True)
class Owners:
    """The owners that a document names, by field: under names of the user's own, and under usual ones."""

    own: Mapping[str, str]
    usual: Mapping[str, str]

    def value(self, field: str, of_format: str | None = None) -> str | None:
        """Return the value of a field: by the user's own name, else what the format's reader gives, else by a usual name."""
        return self.own.get(field) or of_format or self.usual.get(field)


def owners_in(objects: Iterable[Mapping[str, Any]], own_names: Mapping[str, str]) -> Owners:
    """Return the owners that objects name, the first object taking precedence among equal names.

    >>> owners = owners_in([{"userId": 7, "metadata": {"tenant.id": "acme"}}, {"session": "call-1"}], {})
    >>> owners.value("tenant"), owners.value("session"), owners.value("project")
    ('acme', 'call-1', None)
    >>> owners_in([{"tenant": "acme", "cost": {"centre": 12}}], {"tenant": "cost.centre"}).value("tenant")
    '12'
    """
    search = _Search({normal_name(name): field for field, name in own_names.items()})
    for fields in objects:
        search.add(fields)
    return Owners(search.own, {field: value for field, (_, value) in search.usual.items()})


def owners_of_document(content: bytes, path: Sequence[str | int], own_names: Mapping[str, str]) -> Owners:
    """Return the owners that a JSON document names, those of the object at a path in it first.

    Raises:
        UnicodeError: one of their names is not UTF-8.
    """
    return _owners_along(content, tuple(path), tuple(own_names.items()))


@cache_while_reading(2)
def _owners_along(content: bytes, path: tuple[str | int, ...], own_names: OwnNames) -> Owners:
    """Return the owners that a document names. A reader asks more than once for some of them."""
    return owners_in(_objects_along(content, path), dict(own_names))


def _objects_along(content: bytes, path: tuple[str | int, ...]) -> Iterator[Mapping[str, Any]]:
    """Yield the objects from the end of a path to the document itself."""
    for length in range(len(path), 0, -1):
        fields = _object(_at(content, path[:length]))
        if fields is not None:
            yield fields
    document = _object(msgspec.Raw(content))
    if document is not None:
        yield document


def value_at(content: bytes, path: tuple[str | int, ...]) -> object:
    """Return the value at a path in a JSON document, decoded; None if there is none."""
    value = _at(content, path)
    try:
        return msgspec.json.decode(value) if type(value) is msgspec.Raw else value
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None


def _at(content: bytes, path: tuple[str | int, ...]) -> object:
    if not path:
        return msgspec.Raw(content)
    *outer, last = path
    if isinstance(last, str):
        return (_object(_at(content, tuple(outer))) or {}).get(last)
    items = _items_at(content, tuple(outer))
    return items[last] if last < len(items) else None


@cache_while_reading(2)
def _items_at(content: bytes, path: tuple[str | int, ...]) -> Sequence[object]:
    """Return the items of an array, which is looked up once for each of them."""
    try:
        return _decode_items(bytes(_at(content, path)))  # type: ignore[call-overload]
    except (msgspec.MsgspecError, RecursionError, UnicodeError, TypeError):
        return ()


def _plain(value: object) -> object:
    """Return a value of JSON: of an object, the fields as they stand in the document."""
    if type(value) is not msgspec.Raw:
        return value
    try:
        return _decode_value(value)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None


def _object(value: object) -> Mapping[str, Any] | None:
    """Return the fields of an object, of JSON of one in a text, or of a list of keys and values; None for anything else."""
    value = _plain(value)
    if isinstance(value, dict):
        return value
    if isinstance(value, str):
        inner = _plain(msgspec.Raw(value)) if value.lstrip().startswith("{") else None
        return inner if isinstance(inner, dict) else None
    if isinstance(value, list):
        pairs = (pair for pair in value if isinstance(pair, dict) and isinstance(pair.get("key"), str))
        return {pair["key"]: _otlp_value(pair.get("value")) for pair in pairs}
    return None


def _otlp_value(value: object) -> object:
    return next(iter(value.values()), None) if isinstance(value, dict) else value


def _text(value: object) -> str | None:
    """Return the text or the whole number of a field, as text; of a list with one item, that of the item; else None.

    Raises:
        UnicodeError: it is not UTF-8.
    """
    if type(value) is msgspec.Raw:
        bytes(value).decode()
    value = _plain(value)
    if isinstance(value, list):
        value = value[0] if len(value) == 1 else None
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip()
    return text if 0 < len(text) <= MAX_OWNER_LENGTH and "\n" not in text else None


class _Search:
    """The owners so far, and where to look for them."""

    def __init__(self, own_fields: Mapping[str, str]) -> None:
        self._own_fields = own_fields
        self.own: dict[str, str] = {}
        self.usual: dict[str, tuple[int, str]] = {}

    def add(self, fields: Mapping[str, Any]) -> None:
        """Look for owners in an object."""
        if self._own_fields:
            self._add_own(fields, (), 0)
        self._add_usual(fields, 0)

    def _add_own(self, fields: Mapping[str, Any], paths: Sequence[str], depth: int) -> None:
        """Take the values of the user's own names, which may be written as paths; the outer objects first."""
        inner: list[tuple[Mapping[str, Any], Sequence[str]]] = []
        for key, value in fields.items():
            name = normal_name(key)
            names = (name, *(f"{path}_{name}" for path in paths))
            field = next((self._own_fields[candidate] for candidate in names if candidate in self._own_fields), None)
            if field is not None and (text := _text(value)) is not None:
                self.own.setdefault(field, text)
            elif depth < MAX_DEPTH and (nested := _object(value)) is not None:
                inner.append((nested, names))
        for nested, outer_names in inner:
            self._add_own(nested, outer_names, depth + 1)

    def _add_usual(self, fields: Mapping[str, Any], depth: int, *, metadata_only: bool = False) -> None:
        for key, value in fields.items():
            meaning = meaning_of_key(key)
            if meaning is None or (metadata_only and meaning.place != "metadata"):
                continue
            if meaning.is_owner:
                self._take(_RANKS, meaning.name, value)
            if meaning.place in ("envelope", "metadata"):
                self._add_nested(value, depth)
            elif meaning.place == "content":
                self._add_nested(value, depth, metadata_only=True)
            elif meaning.place == "owner":
                self._take_all(_RANKS, f"{meaning.name}_", value)
            elif meaning.place == "headers":
                self._take_all(_HEADER_RANKS, "", value)

    def _add_nested(self, value: object, depth: int, *, metadata_only: bool = False) -> None:
        if depth < MAX_DEPTH and (fields := _object(value)) is not None:
            self._add_usual(fields, depth + 1, metadata_only=metadata_only)

    def _take_all(self, ranks: FieldRanks, prefix: str, value: object) -> None:
        for key, inner in (_object(value) or {}).items():
            self._take(ranks, prefix + normal_name(key), inner)

    def _take(self, ranks: FieldRanks, name: str, value: object) -> None:
        if name not in ranks:
            return
        rank, field = ranks[name]
        before = self.usual.get(field)
        text = _text(value) if before is None or rank < before[0] else None
        if text is not None and not (name in PERSON_NAMES and " " in text):
            self.usual[field] = (rank, text)
