"""Split a source into JSON documents: one per line, one over many lines, or the elements of an array.

Exports come as JSON lines, as an array on one line, as an array with one element per line, and as indented documents. An
incomplete document is reported once, and reading continues after it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TypeVar

import msgspec

from voicebill.conversation.work import check_work
from voicebill.logs.keys import place_key
from voicebill.logs.python_text import with_printed_values
from voicebill.logs.report import ReadReport, describe_encoding_error, format_json_error
from voicebill.logs.sources import MAX_LINE_BYTES, NumberedLine, NumberedLines
from voicebill.logs.unread_usage import snake_case

MAX_DOCUMENT_BYTES = MAX_LINE_BYTES
"""A document over many lines is kept in memory, up to so many bytes."""

COMPLETE_LINE = (b"}\n", b"}\r\n")
"""Nearly every line ends like this. Those that do need not be copied to find out whether a document goes on after them."""
MAX_NESTING = 200
"""No known log nests deeper."""
MAX_RETRY_LINES = 10
"""A truncated line is noticed within two more lines. In a document that went on for longer, no line is read by itself."""

MAX_SAMPLED_DOCUMENTS = 400
"""The number of documents that are examined to recognise a format."""

NumberedReason = tuple[int, str]
StructType = TypeVar("StructType")

_decode = msgspec.json.decode
_decode_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Document(msgspec.Struct, frozen=True, gc=False):
    """A JSON value that may contain usage: its bytes, and where it begins. There may be one on each of millions of lines."""

    source: str
    identity: str
    line_number: int
    content: bytes
    index: int = 0
    """From 1 if there are several on one line, else 0."""
    encoding_error: NumberedReason | None = None
    """A line of it that is not UTF-8, and where."""

    @property
    def key(self) -> str:
        """The key of a record without an identifier of its own."""
        return self.key_of(0)

    def key_of(self, part: int) -> str:
        """Return the key of one of several records in a document, counted from 1."""
        place = ".".join(str(number) for number in (self.line_number, self.index, part) if number)
        return place_key(self.identity, place, self.content)


def documents(lines: NumberedLines, report: ReadReport, beginning: NumberedLine | None = None) -> Iterator[Document]:
    """Yield the documents of a source, in order. Those on one line may still be invalid: see `decode_document`.

    `beginning` is a line that was already taken from `lines`: only the document that begins there is read, and what follows
    until none is open.
    """
    open_document = _OpenDocument(lines.name, report)
    encoding_error: NumberedReason | None = None
    name, identity = lines.name, lines.identity
    for line_number, line in lines if beginning is None else chain([beginning], lines):
        if open_document.is_idle:
            body = line.strip()
            if body.startswith(b"{") and body.endswith(b"}") and body.isascii():
                yield Document(name, identity, line_number, body)
                continue
        if (reason := describe_encoding_error(line)) is not None:
            encoding_error = (line_number, reason)
        for first_line, content in open_document.add_line(line_number, line):
            yield from _elements(lines, first_line, content, encoding_error)
        if beginning is not None and open_document.is_idle:
            return
    for first_line, content in open_document.finish():
        yield from _elements(lines, first_line, content, encoding_error)


def sample_documents(sample: Sequence[bytes]) -> list[bytes]:
    """Return the documents in the first lines of a source."""
    contents: list[bytes] = []
    open_document = _OpenDocument("", ReadReport())
    for line_number, line in enumerate(sample, 1):
        check_work()
        for _, content in open_document.add_line(line_number, line):
            contents += _array_items(content) or [content]
        if len(contents) >= MAX_SAMPLED_DOCUMENTS:
            return contents
    unfinished = open_document.closed_content
    return [*contents, *(_array_items(unfinished) or [unfinished])] if unfinished else contents


def begins_document(line: bytes) -> bool:
    r"""Return whether a line begins a document over several lines.

    >>> begins_document(b'{"data": [\n'), begins_document(b'{"data": []}\n'), begins_document(b"id,model,")
    (True, False, False)
    """
    if line.endswith(COMPLETE_LINE):
        return False
    return line.rstrip()[-1:] in _CONTINUED and line.lstrip()[:1] in (b"{", b"[")


def is_within_document(sample: Sequence[bytes]) -> bool:
    """Return whether the first lines of a source end within a document over many lines."""
    open_document = _OpenDocument("", ReadReport())
    for line_number, line in enumerate(sample, 1):
        check_work()
        for _ in open_document.add_line(line_number, line):
            pass
    return bool(open_document.content)


def decode_document(
    document: Document, decoder: msgspec.json.Decoder[StructType], report: ReadReport, *, any_case: bool = False
) -> StructType | None:
    """Decode a document into its format's type, with names in any case. One of another shape is reported, and gives None."""
    try:
        return decoder.decode(_normalized(document.content, any_case=any_case))
    except msgspec.ValidationError as error:
        report.add_error(document.source, document.line_number, f"not as the format requires: {error}")
        report.add_unread_line(document.source, document.line_number, document.content, is_record=True)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        reason = (document.line_number, format_json_error(error, document.content))
        report.add_error(document.source, *(document.encoding_error or reason))
        report.add_unread_line(document.source, document.line_number, document.content)
    return None


CAMEL_CASE = re.compile(
    rb'"(?:input|output|total|prompt|completion|cached|audio|text|characters|request|session(?=Duration)|usage(?=Metadata|Event)|llm|stt|tts)s?[A-Z]\w*"\s*:'
)
"""The name of a count or of an identifier as JavaScript writes it."""


def _normalized(content: bytes, *, any_case: bool) -> bytes:
    """Return a document with printed objects as JSON, and with names in snake case if they may be in any case."""
    content = with_printed_values(content)
    return in_snake_case(content) if any_case else content


def in_snake_case(content: bytes) -> bytes:
    """Return a JSON document with its names in snake case, if it has counts in camel case; else unchanged.

    >>> in_snake_case(b'{"inputTokens": 789, "requestId": "resp_1"}')
    b'{"input_tokens":789,"request_id":"resp_1"}'
    """
    if not CAMEL_CASE.search(content):
        return content
    try:
        return msgspec.json.encode(_with_snake_names(_decode(content)))
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return content


def _with_snake_names(value: object) -> object:
    if isinstance(value, dict):
        return {snake_case(str(name)): _with_snake_names(inner) for name, inner in value.items()}
    return [_with_snake_names(item) for item in value] if isinstance(value, list) else value


def matching_documents(
    sample: Sequence[bytes], decoder: msgspec.json.Decoder[StructType], words: "Iterable[str]", *, any_case: bool = False
) -> Iterator[StructType]:
    """Yield the documents of a sample that can be decoded and contain any of the words."""
    encoded_words = [word.encode() for word in words]
    for content in sample_documents(sample):
        check_work()
        if any(word in content for word in encoded_words):
            try:
                yield decoder.decode(_normalized(content, any_case=any_case))
            except (msgspec.MsgspecError, RecursionError, UnicodeError):
                continue


def _array_items(content: bytes) -> list[bytes]:
    """Return the elements of an array; none if the content is not a complete array."""
    if not content.startswith(b"["):
        return []
    try:
        return [bytes(element) for element in _decode_elements(content)]
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return []


def _elements(
    lines: NumberedLines, line_number: int, content: bytes, encoding_error: NumberedReason | None
) -> Iterator[Document]:
    """Yield the elements of an array, or else the document itself. The last line so far that is not UTF-8 may be in it."""
    if encoding_error is not None and encoding_error[0] < line_number:
        encoding_error = None
    items = _array_items(content)
    if not items:
        yield Document(lines.name, lines.identity, line_number, content, encoding_error=encoding_error)
    for index, item in enumerate(items, 1):
        check_work()
        yield Document(lines.name, lines.identity, line_number, item, index, encoding_error)


_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{}]')
_CLOSING = {ord("{"): b"}", ord("["): b"]"}
_CONTINUED = (b"{", b"[", b",", b":")


def _indent(line: bytes) -> int:
    return len(line) - len(line.lstrip())


class _OpenDocument:
    """A document over several lines, while it is read.

    An incomplete document loses only itself: it is reported, and the lines after it that are not indented more are read
    again. Lines that are indented more belonged to it.
    """

    def __init__(self, source: str, report: ReadReport) -> None:
        self._source = source
        self._report = report
        self._first_line = 0
        self._indent = 0
        self._stack = bytearray()
        self._retry_lines: list[NumberedLine] = []
        self._array_line = 0
        self._is_skipping = False
        self.content = bytearray()

    @property
    def is_idle(self) -> bool:
        """Whether a line that begins and ends with a brace is a document of its own."""
        return not (self.content or self._array_line or self._is_skipping)

    @property
    def closed_content(self) -> bytes:
        """The content so far, with all brackets closed: enough to recognise the format."""
        return bytes(self.content).rstrip(b",") + b"".join(_CLOSING[bracket] for bracket in reversed(self._stack))

    def add_line(self, line_number: int, line: bytes) -> Iterator[NumberedLine]:
        """Add a line; yield the documents that end with it, each with the line it began on."""
        body = line.strip()
        while self.content:
            if self._can_continue(body) and self._append(line, body, line_number):
                if not self._stack:
                    yield self._first_line, self._take_content()
                return
            yield from self._abandon()
        indent = _indent(line)
        if not body:
            return
        if self._is_skipping and (indent > self._indent or body[:1] not in b"{[]"):
            self._report.add_unread_line(self._source, line_number, body)
            return
        self._is_skipping = False
        yield from self._begin(line_number, body, indent)

    def finish(self) -> Iterator[NumberedLine]:
        """End the source: yield what can be read of an incomplete document."""
        while self.content:
            yield from self._abandon()
        if self._array_line:
            self._report.add_error(self._source, self._array_line, "an array begins here and does not end")

    def _begin(self, line_number: int, body: bytes, indent: int) -> Iterator[NumberedLine]:
        """Begin with a line: a complete document, the first of several lines, or the bracket of an array."""
        if body == b"[" and not self._array_line:
            self._array_line = line_number
        elif self._array_line and body in (b"]", b","):
            self._array_line = 0 if body == b"]" else self._array_line
        else:
            content = body[:-1] if self._array_line and body.endswith(b",") else body
            if begins_document(content) and self._track_brackets(content):
                self._first_line, self._indent, self._retry_lines = line_number, indent, []
                self.content += content
            else:
                self._stack.clear()
                yield line_number, content

    def _track_brackets(self, body: bytes) -> bool:
        """Track open brackets. Return whether the line ends outside a string and closes only brackets that were opened."""
        for match in _TOKEN.finditer(body):
            token = match[0]
            if token in b"{[":
                self._stack += token
            elif token in b"}]":
                if not self._stack or _CLOSING[self._stack.pop()] != token:
                    return False
            elif len(token) < 2 or not token.endswith(b'"'):
                return False
        return len(self._stack) <= MAX_NESTING

    def _can_continue(self, body: bytes) -> bool:
        """Return whether the line can continue the JSON so far."""
        last, first = self.content[-1:], body[:1]
        if first in b"}],:":
            return True
        if self._stack[-1:] == b"{" and last in b"{,":
            return first == b'"'
        return last in b"{[,:"

    def _append(self, line: bytes, body: bytes, line_number: int) -> bool:
        if len(self.content) + len(body) > MAX_DOCUMENT_BYTES or not self._track_brackets(body):
            return False
        if _indent(line) <= self._indent and len(self._retry_lines) <= MAX_RETRY_LINES:
            self._retry_lines.append((line_number, line))
        self.content += body
        return True

    def _take_content(self) -> bytes:
        content = bytes(self.content)
        self.content.clear()
        return content[: content.rindex(b"}" if content.startswith(b"{") else b"]") + 1]

    def _abandon(self) -> Iterator[NumberedLine]:
        retry_lines, self._retry_lines = self._retry_lines if len(self._retry_lines) <= MAX_RETRY_LINES else [], []
        self.content.clear()
        self._stack.clear()
        self._is_skipping = True
        self._report.add_error(self._source, self._first_line, "not valid JSON: the document begins here and is incomplete")
        for line_number, line in retry_lines:
            yield from self.add_line(line_number, line)
