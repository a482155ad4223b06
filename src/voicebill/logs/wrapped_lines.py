"""Take JSON out of what loggers and containers put around a line: text before it, and envelopes with the line as a text.

An object that was printed in Python's own form is turned into JSON, and so is the usage that Pipecat's loggers print.

Envelopes are those of Docker's json-file driver, CloudWatch, journald, Google Cloud, loguru and structlog. The time of the
innermost envelope that has one is added to the JSON as `received_at`, which every reader takes if the JSON has no time, and so
are the owners and the names that the envelopes give, such as the tenant. A line of OpenTelemetry's logs has many records: it
becomes a line for each, with the JSON in its body. A body that is no JSON becomes the message of a record with the record's
attributes as its fields, as loggers write them.

Sources: livekit-agents 1.8.9 (LK_OPENAI_DEBUG), opentelemetry-proto's JSON mapping of logs, docker's json-file driver,
CloudWatch's filtered events, systemd's journal export, loguru's `serialize`, and structlog's JSON renderer, read 2026-11-28.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from voicebill.logs.owner_names import owners_in
from voicebill.logs.pipecat_text import pipecat_usage
from voicebill.logs.python_text import python_object

MAX_WRAPPINGS = 4
"""Envelopes in envelopes are opened to this depth."""
MAX_PREFIX_BYTES = 400
"""What stands before the JSON of a line is not longer: a time, a level, a logger's name."""

MESSAGE_FIELDS = ("log", "message", "MESSAGE", "msg", "textPayload", "jsonPayload", "line", "text")
"""The fields in which envelopes carry a line, as text or as an object."""
OBJECT_FIELDS = ("extra", "fields", "event", "data", "payload")
"""The fields in which structured loggers carry objects, or an object of them."""
EVENT_FIELDS = ("event_id", "response", "session", "usage", "item", "item_id", "response_id", "conversation")
"""An object whose type has a dot and with one of these fields is an event of the Realtime API."""
MESSAGE_NAMES = (
    *("usageMetadata", "usage_metadata", "setupComplete", "setup_complete", "serverContent", "server_content"),
    *("usageEvent", "usage_event"),
)
"""An object with one of these is a message of Gemini's Live API or an event of Nova Sonic."""
CONTENT_FIELDS = frozenset({*MESSAGE_FIELDS, *OBJECT_FIELDS} - {"extra", "fields"})
TIME_FIELDS = ("time", "timestamp", "@timestamp", "ts", "__REALTIME_TIMESTAMP", "ingestionTime")
NAME_FIELDS = ("provider", "model", "transcription_model", "deployment", "region")
"""The fields of an envelope that are kept, beside its time and its owners, since readers take them from envelopes."""
JSON_STARTS = (b"{", b"}", b"[", b"]", b",", b":", b'"')
"""A line that begins with one of these is JSON, or a part of a document over many lines."""
OTLP_LOGS = b'"resourceLogs"'
OTLP_TIME_FIELDS = ("timeUnixNano", "observedTimeUnixNano")
MAX_OTLP_DEPTH = 8
"""Values of OTLP in values are taken to this depth."""
PYTHON_OBJECT = re.compile(rb"\{'|\[[A-Z]\w*\(")
"""A line that begins like this is no JSON, but was printed in Python's own form."""
COLOR = re.compile(rb"\x1b\[[0-9;]*m")
"""The codes with which loggers color a line on a terminal."""
TIMESTAMP = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?")

_decode = msgspec.json.decode
_encode = msgspec.json.encode


def strip_prefix(line: bytes) -> bytes:
    """Return the JSON at the end of a line that begins with something else; another line unchanged.

    >>> strip_prefix(b'2026-11-22 10:15:00,250 INFO agent: {"type": "response.done"}')
    b'{"received_at":"2026-11-22 10:15:00,250","type": "response.done"}'
    """
    if line[:1] in JSON_STARTS and not PYTHON_OBJECT.match(line):
        return line
    body = COLOR.sub(b"", line).strip() if b"\x1b[" in line else line.strip()
    if not body or (body[:1] in JSON_STARTS and not PYTHON_OBJECT.match(body)):
        return line
    start = body.find(b"{", 0, MAX_PREFIX_BYTES)
    is_json = start >= 0 and body.endswith(b"}") and _decoded(body[start:]) is not None
    printed = pipecat_usage(body)
    if printed is None and not (is_json and python_object(body[:start]) is None):
        printed = python_object(body)
    if printed is None and not is_json:
        return line
    content, prefix = printed or (body[start:], body[:start])
    time = TIMESTAMP.search(prefix)
    return _with_context(content, {"received_at": time[0].decode()} if time else {})


def unwrap_line(line: bytes, own_names: Mapping[str, str] | None = None, depth: int = MAX_WRAPPINGS) -> bytes:
    r"""Return the JSON in so many of a line's envelopes, or behind its prefix; a line without any unchanged.

    `own_names` are the user's own names of fields, by field, which are kept as well.

    >>> unwrap_line(b'{"log": "{\\"type\\": \\"response.done\\"}\\n", "stream": "stdout", "time": "2026-11-22T10:15:00Z"}')
    b'{"received_at":"2026-11-22T10:15:00Z","type": "response.done"}'
    """
    stripped = strip_prefix(line)
    content = stripped.strip()
    context: dict[str, str | float] = {}
    for _ in range(depth):
        document = _decoded(content)
        inner = next(_contents(document), None) if document is not None else None
        if document is None or inner is None:
            break
        context |= _context_of(document, own_names or {})
        content = inner
    return stripped if content == stripped.strip() else _with_context(content, context)


def unwrap_log_records(line: bytes, own_names: Mapping[str, str] | None = None, depth: int = MAX_WRAPPINGS) -> bytes:
    """Return the JSON in the records of OpenTelemetry's logs, one per line; another line as `unwrap_line` does.

    Of envelopes in the records, so many are opened.
    """
    content = unwrap_line(line, own_names)
    return (b"\n".join(_log_records(content, own_names, depth)) or content) if OTLP_LOGS in content else content


def listed_events(content: bytes) -> list[bytes]:
    """Return the envelopes that a document lists as its events, as CloudWatch answers; of another document itself."""
    events = list(_dicts(_decoded(content), "events")) if b'"events"' in content and b'"message"' in content else []
    return [_encode(event) for event in events if "message" in event] or [content]


def _decoded(content: bytes) -> dict[str, Any] | None:
    try:
        document = _decode(content)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _contents(document: dict[str, Any]) -> Iterator[bytes]:
    """Yield the JSON that an envelope may carry, the likeliest first."""
    record = document.get("record")
    places: Sequence[dict[str, Any]] = [record, document] if isinstance(record, dict) else [document]
    for place in places:
        yield from _objects(place[name] for name in MESSAGE_FIELDS if name in place)
        for name in OBJECT_FIELDS:
            value = place.get(name)
            if name in ("extra", "fields") and isinstance(value, dict):
                yield from _objects(value.values())
            else:
                yield from _objects([value])
    others = (value for name, value in document.items() if name not in (*MESSAGE_FIELDS, *OBJECT_FIELDS))
    yield from (content for content in _objects(others) if _is_event(content))


def _is_event(content: bytes) -> bool:
    """Return whether an object is an event or a message of a vendor, which may be under any name, such as `lk.pii.event`."""
    event = _decoded(content) or {}
    if any(isinstance(event.get(name), dict) for name in MESSAGE_NAMES):
        return True
    return "." in str(event.get("type")) and any(name in event for name in EVENT_FIELDS)


def _objects(values: Iterable[object]) -> Iterator[bytes]:
    for value in values:
        if isinstance(value, dict):
            yield _encode(value)
        elif isinstance(value, str):
            content = strip_prefix(value.encode(errors="surrogatepass")).strip()
            if content.startswith(b"{") and _decoded(content) is not None:
                yield content


def _time_of(document: dict[str, Any]) -> str | float | None:
    record = document.get("record")
    if isinstance(record, dict) and isinstance(record.get("time"), dict):
        return _time_of(record["time"])
    values = (document.get(name) for name in TIME_FIELDS)
    return next((value for value in values if isinstance(value, str | int | float) and value), None)


def _owners_of(document: dict[str, Any], own_names: Mapping[str, str]) -> dict[str, str]:
    """Return the owners that an envelope names, by the names of their fields in every format, and by the user's own."""
    owners = owners_in([{name: value for name, value in document.items() if name not in CONTENT_FIELDS}], own_names)
    usual = {"session_id" if field == "session" else field: value for field, value in owners.usual.items()}
    return {**usual, **{own_names[field]: value for field, value in owners.own.items()}}


def _context_of(document: dict[str, Any], own_names: Mapping[str, str]) -> dict[str, str | float]:
    """Return the time, the owners and the names in an envelope."""
    names = {name: value for name in NAME_FIELDS if isinstance(value := document.get(name), str | int) and value != ""}
    context: dict[str, str | float] = {**names, **_owners_of(document, own_names)}
    time = _time_of(document)
    return context if time is None else {**context, "received_at": time}


def _with_context(content: bytes, context: Mapping[str, str | float]) -> bytes:
    """Add the time and the names of an envelope in front of an object's own fields, which take precedence."""
    if not context or not content.startswith(b"{") or content[1:].lstrip().startswith(b"}"):
        return content
    return _encode(context)[:-1] + b"," + content[1:].lstrip()


def _log_records(content: bytes, own_names: Mapping[str, str] | None, depth: int) -> Iterator[bytes]:
    """Yield the JSON of every record in a document of OpenTelemetry's logs: its body, or its attributes with it."""
    for resource in _dicts(_decoded(content), "resourceLogs"):
        for scope in _dicts(resource, "scopeLogs"):
            for log_record in _dicts(scope, "logRecords"):
                body = _otlp_value(log_record.get("body"))
                time = next((log_record[name] for name in OTLP_TIME_FIELDS if log_record.get(name)), None)
                inner = next(_objects([body]), None)
                if inner is None:
                    attributes = {attribute.get("key"): _otlp_value(attribute.get("value")) for attribute in _dicts(log_record)}
                    inner = _encode({**attributes, "message": body})
                yield _with_context(
                    unwrap_line(inner, own_names, depth), {"received_at": time} if isinstance(time, str | int) else {}
                )


def _dicts(value: object, name: str = "attributes") -> Iterator[dict[str, Any]]:
    items = value.get(name) if isinstance(value, dict) else None
    yield from (item for item in items or () if isinstance(item, dict)) if isinstance(items, list) else ()


def _otlp_value(value: object, depth: int = 0) -> object:
    """Return a value of OTLP as JSON would have it."""
    if not isinstance(value, dict) or depth == MAX_OTLP_DEPTH:
        return None
    if isinstance(value.get("kvlistValue"), dict):
        pairs = _dicts(value["kvlistValue"], "values")
        return {str(pair.get("key")): _otlp_value(pair.get("value"), depth + 1) for pair in pairs}
    if isinstance(value.get("arrayValue"), dict):
        return [_otlp_value(item, depth + 1) for item in _dicts(value["arrayValue"], "values")]
    if isinstance(number := value.get("intValue"), str) and number.removeprefix("-").isdigit() and len(number) < 20:
        return int(number)
    return next(iter(value.values()), None)
