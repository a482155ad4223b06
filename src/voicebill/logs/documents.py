"""JSON documents in a source: one per line, or one over many lines, or the elements of an array, each by itself.

Exports come as JSON lines, as an array on one line, as an array with one element per line, and as whole documents that
were written to be read by people. What is not whole is reported once, and reading goes on with what follows it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from voicebill.logs.keys import place_key
from voicebill.logs.sources import LONGEST_LINE, Line, Lines
from voicebill.logs.told import Report, not_json

LONGEST_DOCUMENT = LONGEST_LINE
"""A document over many lines is held in memory as a whole, up to so many bytes."""

DEEPEST = 200
"""No log nests deeper."""
MOST_AGAIN = 10
"""A line that is cut off is noticed within two more: of a document that went on for longer, no line is one by itself."""

MOST_SAMPLED = 400
"""So many documents of a sample are looked at to recognise a dialect."""

Shape = TypeVar("Shape")

_decode = msgspec.json.decode
_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON value that may hold usage: the bytes of it, and where it begins."""

    source: str
    identity: str
    ordinal: int
    content: bytes
    index: int = 0
    """From 1 where several stand on one line."""

    @property
    def key(self) -> str:
        """What makes something itself that has no identifier of its own."""
        return self.key_of(0)

    def key_of(self, part: int) -> str:
        """The same for one of several things in a document, counted from 1."""
        place = ".".join(str(each) for each in (self.ordinal, self.index, part) if each)
        return place_key(self.identity, place, self.content)


def documents(lines: Lines, report: Report) -> Iterator[Document]:
    """The documents of a source, in order. Those on one line are not known to be whole yet: see `decoded`."""
    opened = _Opened(lines.name, report)
    for ordinal, line in lines:
        for begun, content in opened.take(ordinal, line):
            yield from _apart(lines, begun, content)
    for begun, content in opened.end():
        yield from _apart(lines, begun, content)


def sampled(sample: Sequence[bytes]) -> list[bytes]:
    """The first documents in the first lines of a source."""
    found: list[bytes] = []
    opened = _Opened("", Report())
    for ordinal, line in enumerate(sample, 1):
        for _, content in opened.take(ordinal, line):
            found += _inside(content) or [content]
        if len(found) >= MOST_SAMPLED:
            return found
    last = opened.closed
    return [*found, *(_inside(last) or [last])] if last else found


def decoded(document: Document, decode: msgspec.json.Decoder[Shape], report: Report) -> Shape | None:
    """What a document says, in the shape that its dialect gives it; None, and reported, where it has another one."""
    try:
        return decode.decode(document.content)
    except msgspec.ValidationError as error:
        report.broke(document.source, document.ordinal, f"not as it should be written: {error}")
    except msgspec.DecodeError as error:
        report.broke(document.source, document.ordinal, not_json(error))
    except (RecursionError, UnicodeError):
        report.broke(document.source, document.ordinal, "not usable JSON")
    return None


def any_of(sample: Sequence[bytes], decode: msgspec.json.Decoder[Shape], wanted: "Iterable[str]") -> Iterator[Shape]:
    """The documents of a sample that have a shape and hold any of the wanted words."""
    words = [word.encode() for word in wanted]
    for content in sampled(sample):
        if any(word in content for word in words):
            try:
                yield decode.decode(content)
            except (msgspec.MsgspecError, RecursionError, UnicodeError):
                continue


def _inside(content: bytes) -> list[bytes]:
    """The elements of an array; none of what is no array, or not whole."""
    if not content.startswith(b"["):
        return []
    try:
        return [bytes(each) for each in _elements(content)]
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return []


def _apart(lines: Lines, ordinal: int, content: bytes) -> Iterator[Document]:
    """The elements of an array, or else the document itself."""
    inside = _inside(content)
    if not inside:
        yield Document(lines.name, lines.identity, ordinal, content)
    for index, each in enumerate(inside, 1):
        yield Document(lines.name, lines.identity, ordinal, each, index)


_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{}]')
_CLOSING = {ord("{"): b"}", ord("["): b"]"}


def _indent(line: bytes) -> int:
    return len(line) - len(line.lstrip())


class _Opened:
    """A document that goes over several lines, while it is read.

    One that breaks off costs itself and nothing else: it is reported, and the lines after it that begin no deeper are read
    anew. What is indented more belonged to it.
    """

    def __init__(self, source: str, report: Report) -> None:
        self._source = source
        self._report = report
        self._begun = 0
        self._indent = 0
        self._stack = bytearray()
        self._again: list[Line] = []
        self._array = 0
        self._lost = False
        self.content = bytearray()

    @property
    def closed(self) -> bytes:
        """What there is so far, closed as if it ended here: enough to see what it is."""
        return bytes(self.content).rstrip(b",") + b"".join(_CLOSING[each] for each in reversed(self._stack))

    def take(self, ordinal: int, line: bytes) -> Iterator[Line]:
        """The documents that end with a line, each with the line it began on."""
        body = line.strip()
        while self.content:
            if self._fits(body) and self._continues(line, body, ordinal):
                if not self._stack:
                    yield self._begun, self._whole()
                return
            yield from self._failed()
        indent = _indent(line)
        if not body or (self._lost and (indent > self._indent or body[:1] not in b"{[]")):
            return
        self._lost = False
        yield from self._first(ordinal, body, indent)

    def end(self) -> Iterator[Line]:
        """No more lines come."""
        while self.content:
            yield from self._failed()
        if self._array:
            self._report.broke(self._source, self._array, "an array begins here that does not end")

    def _first(self, ordinal: int, body: bytes, indent: int) -> Iterator[Line]:
        """A line where no document is open: a whole one, the first of several lines, or the frame of an array."""
        if body == b"[" and not self._array:
            self._array = ordinal
        elif self._array and body in (b"]", b","):
            self._array = 0 if body == b"]" else self._array
        else:
            content = body[:-1] if self._array and body.endswith(b",") else body
            if content[-1:] in b"{[,:" and content[:1] in b"{[" and self._counts(content):
                self._begun, self._indent, self._again = ordinal, indent, []
                self.content += content
            else:
                self._stack.clear()
                yield ordinal, content

    def _counts(self, body: bytes) -> bool:
        """Whether a line ends outside a text and closes no more than was opened, which is kept."""
        for found in _TOKEN.finditer(body):
            token = found[0]
            if token in b"{[":
                self._stack += token
            elif token in b"}]":
                if not self._stack or _CLOSING[self._stack.pop()] != token:
                    return False
            elif len(token) < 2 or not token.endswith(b'"'):
                return False
        return len(self._stack) <= DEEPEST

    def _fits(self, body: bytes) -> bool:
        """Whether JSON can go on with a line."""
        last, first = self.content[-1:], body[:1]
        if first in b"}],:":
            return True
        if self._stack[-1:] == b"{" and last in b"{,":
            return first == b'"'
        return last in b"{[,:"

    def _continues(self, line: bytes, body: bytes, ordinal: int) -> bool:
        if len(self.content) + len(body) > LONGEST_DOCUMENT or not self._counts(body):
            return False
        if _indent(line) <= self._indent and len(self._again) <= MOST_AGAIN:
            self._again.append((ordinal, line))
        self.content += body
        return True

    def _whole(self) -> bytes:
        content = bytes(self.content)
        self.content.clear()
        return content[: content.rindex(b"}" if content.startswith(b"{") else b"]") + 1]

    def _failed(self) -> Iterator[Line]:
        again, self._again = self._again if len(self._again) <= MOST_AGAIN else [], []
        self.content.clear()
        self._stack.clear()
        self._lost = True
        self._report.broke(self._source, self._begun, "not whole JSON: it begins here, and breaks off")
        for ordinal, line in again:
            yield from self.take(ordinal, line)
