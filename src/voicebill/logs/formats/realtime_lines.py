"""Find the events in lines of Realtime logs: inside envelopes, over many lines, and without decoding audio."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from voicebill.logs.documents import COMPLETE_LINE, Document, begins_document, documents
from voicebill.logs.formats.realtime_events import WrappedEvent
from voicebill.logs.report import ReadReport
from voicebill.logs.sources import NumberedLines

EVENT_PREFIXES = (
    "session.",
    "response.",
    "conversation.",
    "input_audio_buffer.",
    "output_audio_buffer.",
    "transcription_session.",
    "rate_limits.",
)
"""The prefixes of event names."""

ENDINGS_WITHOUT_USAGE = (
    *(".delta", ".added", ".created", ".started", ".stopped", ".committed", ".cleared", ".truncated", ".deleted"),
    *(".retrieved", "_started", "_stopped", "rate_limits.updated", "error"),
    *("audio.done", "transcript.done", "text.done", "part.done", "item.done", "arguments.done"),
)
"""The endings of events that carry no usage by the API's specification: they are skipped by their type alone.

Another event that no reader takes, such as one of a later API, is searched for usage.
"""

MAX_EVENT_LAYERS = 4
TYPES_WITH_CONTENT = frozenset(
    (
        *("response.done", "response.completed", "conversation.item.input_audio_transcription.completed"),
        *("session.created", "session.updated", "session.usage.updated", "session.closed"),
    )
)
"""The types of events that have content to read. A line with the type but without the content may have it under any name."""
TYPES_WITH_PROMPT = frozenset(("session.created", "session.updated", "response.create", None))
"""The types of events with instructions, and None for an event in several envelopes. They are parsed with all their text."""
decode_line = msgspec.json.Decoder(WrappedEvent).decode


def with_content(event: WrappedEvent, line: bytes) -> WrappedEvent:
    """Return a line's event. An envelope that repeats the type of its event may have it under any name, as object or as text.

    >>> line = b'{"type": "response.done", "details": {"type": "response.done", "response": {"id": "resp_1"}}}'
    >>> with_content(decode_line(line), line).event.response.id
    'resp_1'
    """
    if event.type not in TYPES_WITH_CONTENT or event.is_event or event.inside is not None:
        return event
    for value in msgspec.json.decode(line).values():
        content = decode_text(value) if isinstance(value, str) else value
        if isinstance(content, dict) and content.get("type") == event.type:
            return msgspec.structs.replace(event, event=decode_line(msgspec.json.encode(content)))
    return event


def decoding_error(line: bytes) -> Exception | None:
    r"""Return why a line is not JSON as it was logged: with its audio, and without what ends the line.

    >>> decoding_error(b'{"type": "response.do\n')
    DecodeError('Input data was truncated')
    """
    try:
        msgspec.json.decode(line.rstrip())
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        return error
    return None


def decode_text(text: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return the JSON object in a text, or None."""
    try:
        return msgspec.json.decode(text) if text.lstrip().startswith("{") else None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def holds_documents(first_line: bytes) -> bool:
    """Return whether, by its first line, a source is an array of objects or has events over many lines."""
    start = first_line.strip()
    return start in (b"[", b"{") or (start.startswith(b"[") and start[1:].lstrip().startswith(b"{"))


def candidate_events(lines: NumberedLines, report: ReadReport) -> Iterator[tuple[int, bytes, int]]:
    """Yield possible events: the line each begins on, its bytes, and its index from 1 if there are several on one line."""
    first = lines.sample(1, 1)
    if first and holds_documents(first[0]):
        yield from _events_in_documents(documents(lines, report), report)
        return
    for line_number, line in lines:
        if not line.endswith(COMPLETE_LINE) and (begins_document(line) or holds_documents(line)):
            yield from _events_in_documents(documents(lines, report, (line_number, line)), report)
        else:
            yield line_number, line, 0


def _events_in_documents(events: Iterable[Document], report: ReadReport) -> Iterator[tuple[int, bytes, int]]:
    for document in events:
        if document.encoding_error is None or is_event_line(document.content):
            yield document.line_number, document.content, document.index
        else:
            report.add_error(document.source, *document.encoding_error)
            report.add_unread_line(document.source, document.line_number, document.content)


def is_event_line(line: bytes) -> bool:
    """Return whether a line is an event of this API, even if its counts are unreadable."""
    try:
        return type_of_event(msgspec.json.decode(line)) is not None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False


def unwrap_event(line: WrappedEvent) -> list[WrappedEvent]:
    """Return a line's envelopes from the outside in, and last the event. An envelope may have the event's type or its own."""
    layers = [line]
    while len(layers) < MAX_EVENT_LAYERS and not line.is_event:
        inside = line.inside
        if isinstance(inside, str):
            inside = decode_line(inside)
        if inside is None:
            break
        layers.append(inside)
        line = inside
    event_depths = [
        index for index, layer in enumerate(layers, 1) if layer.type is not None and layer.type.startswith(EVENT_PREFIXES)
    ]
    return layers[: event_depths[-1]] if event_depths else layers


def ignorable_type(line: WrappedEvent) -> str | None:
    """Return the event type of a line that can be skipped by its type alone, in at most one envelope; else None.

    Raises:
        MsgspecError: the envelope has an event as text, which cannot be read.
    """
    inside = line.event
    if type(inside) is not WrappedEvent:
        inside = None if line.has_no_content else line.inside
        if inside is None:
            return line.type
        if isinstance(inside, str):
            if line.is_event:
                return None
            inside = decode_line(inside)
    return None if (line.type is not None and line.is_event) or not inside.has_no_content else inside.type


def type_of_event(line: Any) -> str | None:  # noqa: ANN401 - whatever JSON holds
    """Return the event type in a JSON value of any shape: that of the innermost envelope, not of an event's own content."""
    event_type = None
    for _ in range(MAX_EVENT_LAYERS):
        if not isinstance(line, dict):
            break
        kind = line.get("type")
        if isinstance(kind, str) and kind.startswith(EVENT_PREFIXES):
            event_type = kind
            if any(name in line for name in ("response", "usage", "item")) or isinstance(line.get("session"), dict):
                break
        fields = (line.get(name) for name in ("event", "data", "payload", "message", "body", "msg"))
        line = next((value for value in fields if isinstance(value, dict) or str(value).lstrip().startswith("{")), None)
        line = msgspec.json.decode(line) if isinstance(line, str) else line
    return event_type
