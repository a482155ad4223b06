r"""Turn usage objects that a program printed in Python's own form into JSON: `Usage(input_tokens=132, ...)` in a line of a log.

Read are calls with keyword arguments, dictionaries, and fields side by side, as pydantic prints an object without its class:
`input_tokens=132 output_tokens=121`. Values are literals, lists, dictionaries and such calls; nothing is evaluated. The class
gives the type, where a printed object leaves it out. The time is linear in the length of the text, whatever it contains:
Python's own parser takes minutes for some texts.

Sources: the classes of livekit-agents 1.8.9, openai-agents 0.24, openai 3.57 and pipecat-ai 1.14, and pydantic's `__str__` and
`__repr__`, read 2026-11-28.
"""

import ast
import re
import warnings
from typing import Any

import msgspec

from voicebill.conversation.work import check_work
from voicebill.logs.unread_usage import UNCHARGED_OBJECTS, counts_in

MAX_PRINTED_BYTES = 128 * 1024
MAX_STARTS = 8
"""An object is looked for at so many places of a line."""
MAX_SEARCHED_CHARACTERS = 2 * MAX_PRINTED_BYTES
"""So much is read in all, from these places on."""
MAX_PRINTED_NESTING = 50
MAX_LEADING_CHARACTERS = 80
"""At most so much of the text in front of fields is taken for their message."""

TYPES_BY_CLASS = {
    "RealtimeModelMetrics": "realtime_model_metrics",
    "LLMMetrics": "llm_metrics",
    "STTMetrics": "stt_metrics",
    "TTSMetrics": "tts_metrics",
    "VADMetrics": "vad_metrics",
    "EOUMetrics": "eou_metrics",
    "LLMModelUsage": "llm_usage",
    "STTModelUsage": "stt_usage",
    "TTSModelUsage": "tts_usage",
    "MetricsCollectedEvent": "metrics_collected",
    "SessionUsageUpdatedEvent": "session_usage_updated",
    "RealtimeModelUsageEvent": "usage",
}
"""The types of objects by their class."""

PRINTED_OBJECT = re.compile(
    rb"(?:[Tt]oken|[Ss]econd|[Dd]uration|[Cc]haracter)\w{0,60}(?:=|'\s*:)\s*\d|'(?:type|setup)'\s*:|(?:Metrics|Usage|Session\w*Event)\("
)
"""Without this, a line has no object with counts, with a type or with a session's model: it is not decoded."""
OBJECT_START = re.compile(r"\[(?=[A-Z]\w*\(\w+=)|\b[A-Z]\w*\((?=\s{0,9}\w+=|\))|\{(?=')|(?<![\w.(,{\[])(?<!, )(?=\w+=)")
"""Where an object may begin: a list of calls, a call, a dictionary, or fields side by side."""
STRING_OR_BRACKET = re.compile(r"""'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+"|[()\[\]{}'"]""")
PRINTED_VALUE = re.compile(rb""":\s?"(?:[A-Z]\w{0,60}\((?:\\n[ ]{0,8})?(?:\w{1,60}=|\))|\{')""")
"""A value in JSON that may be a printed object."""
PRINTED_NUMBER = re.compile(r"(?:\d(?:_?\d)*+(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d{1,9})?(?![\w.])")
LEADING_ZERO = re.compile(r"0_?\d")
MAX_NUMBER_CHARACTERS = 40
PRINTED_TEXT = re.compile(r"""([rRuU]?)('(?:[^'\\\n]|\\.)*+'|"(?:[^"\\\n]|\\.)*+")""")
WORD = re.compile(r"[^\W\d]\w*+")
CLASS = re.compile(r"(?:[^\W\d]\w*+\s*\.\s*)*+([^\W\d]\w*+)\s*\(")
SPACE = re.compile(r"\s*+")
CONSTANTS = {"None": None, "True": True, "False": False}
PRINTED_MEMBER = re.compile(r"<\w{1,60}\.\w{1,60}: ('[^'\\\n]{0,200}'|\d{1,9})>")
"""A member of an enumeration, as Python prints it: `<MediaModality.AUDIO: 'AUDIO'>`. It is read as its value."""
LEADING_WORDS = re.compile(r"([A-Za-z][\w ]*?):?\s*$")
"""The words in front of fields without a class."""


def python_object(line: bytes) -> tuple[bytes, bytes] | None:
    """Return the first object with counts or a type in a line as JSON, and the text in front of it; None if there is none.

    >>> python_object(b"INFO agent: Usage(requests=1, details=InputTokensDetails(cached_tokens=0), input_tokens=132)")
    (b'{"requests":1,"details":{"cached_tokens":0},"input_tokens":132}', b'INFO agent: ')
    >>> python_object(b"LLM metrics: ttft=0.42, input_tokens=55")[0]
    b'{"message":"LLM metrics","ttft":0.42,"input_tokens":55}'
    """
    if len(line) > MAX_PRINTED_BYTES or not PRINTED_OBJECT.search(line):
        return None
    text = PRINTED_MEMBER.sub(r"\1", line.decode(errors="replace").strip())
    position = searched = 0
    for _ in range(MAX_STARTS):
        check_work()
        start = OBJECT_START.search(text, position)
        if start is None or searched > MAX_SEARCHED_CHARACTERS:
            return None
        fields, end = _object_at(text, start.start())
        if fields is not None and (_has_type(fields) or _is_setup(fields) or counts_in(fields)):
            return msgspec.json.encode(fields), text[: start.start()].encode()
        position = max(end if fields is not None else start.end(), start.start() + 1)
        searched += end - start.start()
    return None


def with_printed_values(content: bytes) -> bytes:
    """Return a JSON document with objects in place of values that are printed objects, as `default=str` leaves them.

    >>> with_printed_values(b'{"input_tokens": 55, "details": "InputTokensDetails(cached_tokens=0, image_tokens=None)"}')
    b'{"input_tokens":55,"details":{"cached_tokens":0,"image_tokens":null}}'
    """
    if not PRINTED_VALUE.search(content):
        return content
    try:
        return msgspec.json.encode(_with_objects(msgspec.json.decode(content)))
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return content


def _with_objects(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, dict):
        return {name: inner if name in UNCHARGED_OBJECTS else _with_objects(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_with_objects(item) for item in value]
    return _printed_object(value) or value if isinstance(value, str) else value


def _printed_object(text: str) -> dict[str, Any] | None:
    """Return the object that a text is, from its beginning to its end; None if it is not one."""
    text = PRINTED_MEMBER.sub(r"\1", text.strip())
    if len(text) > MAX_PRINTED_BYTES or OBJECT_START.match(text) is None or _end(text, 0) != len(text):
        return None
    return _object_at(text, 0)[0]


def _has_type(fields: dict[str, Any]) -> bool:
    """Return whether an object, or one in it, says what it is."""
    return any(isinstance(value.get("type"), str) for value in (fields, *fields.values()) if isinstance(value, dict))


def _is_setup(fields: dict[str, Any]) -> bool:
    """Return whether an object, or one in it, is the first message of a session of Gemini's Live API, which names its model."""
    objects = (value for value in (fields, *fields.values()) if isinstance(value, dict))
    return any(isinstance(value.get("setup"), dict) and "model" in value["setup"] for value in objects)


def _object_at(text: str, start: int) -> tuple[dict[str, Any] | None, int]:
    """Return the object that begins at a place, with what JSON after it adds, and its end; None if it is not one.

    A list of objects with types of their own is the usage of several models.
    """
    if text[start] not in "{[" and "(" not in text[start:].partition("=")[0]:
        json_start = text.find(' {"', start)
        end = json_start if json_start >= 0 else len(text)
        message = LEADING_WORDS.search(text[max(start - MAX_LEADING_CHARACTERS, 0) : start])
        values = _PrintedValues(text[start:end])
        read = values.read_fields
    else:
        end, message = _end(text, start), None
        values = _PrintedValues(text[start:end])
        read = values.read_all
    try:
        value = read()
    except ValueError:
        return None, end
    fields = {"usage": value} if _are_sums(value) else value
    if not isinstance(fields, dict):
        return None, end
    message_field = {"message": message[1]} if message else {}
    return {**_json_after(text[end:]), **message_field, **fields}, end


def _are_sums(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) and _has_own_type(item) for item in value)


def _has_own_type(fields: dict[str, Any]) -> bool:
    return fields.get("type") in TYPES_BY_CLASS.values()


def _end(text: str, start: int) -> int:
    """Return where the brackets that open at a place are closed, or the end of the text."""
    depth = 0
    for token in STRING_OR_BRACKET.finditer(text, start):
        character = token[0]
        if character in "'\"":
            break
        depth += (character in "([{") - (character in ")]}")
        if depth > MAX_PRINTED_NESTING:
            break
        if depth == 0 and character in ")]}":
            return token.end()
    return len(text)


def _json_after(text: str) -> dict[str, Any]:
    """Return the JSON object at the end of a text, as loggers print the fields beside a message; empty if there is none."""
    start = text.find("{")
    try:
        fields = msgspec.json.decode(text[start:]) if start >= 0 else {}
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


class _PrintedValues:
    """A reader of values that Python printed, as JSON has them. Its methods raise ValueError at anything else."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0

    def read_all(self) -> Any:  # noqa: ANN401 - whatever JSON holds
        """Return the value that the text is."""
        value = self._read_value(0)
        self._require_end()
        return value

    def read_fields(self) -> dict[str, Any]:
        """Return the fields that the text is, with or without commas between them."""
        fields: dict[str, Any] = {}
        while self._skip(WORD) is not None:
            fields |= self._read_field(0)
            self._take(",")
        self._require_end()
        return fields

    def _read_value(self, depth: int) -> Any:  # noqa: ANN401 - whatever JSON holds
        if depth > MAX_PRINTED_NESTING:
            raise ValueError
        if self._take("["):
            return self._read_items("]", depth)[0]
        if self._take("("):
            items, has_comma = self._read_items(")", depth)
            return items[0] if len(items) == 1 and not has_comma else items
        if self._take("{"):
            return self._read_pairs(depth)
        call = self._skip(CLASS)
        return self._read_literal() if call is None else self._read_call(call, depth)

    def _read_literal(self) -> str | float | None:
        if self._take("-"):
            return -self._read_number()
        if self._skip(PRINTED_TEXT) is not None:
            return self._read_text()
        word = self._skip(WORD)
        if word is None:
            return self._read_number()
        if word[0] not in CONSTANTS:
            raise ValueError
        self._position = word.end()
        return CONSTANTS[word[0]]

    def _read_items(self, closing: str, depth: int) -> tuple[list[Any], bool]:
        """Return the items up to a bracket, and whether a comma follows the last of them."""
        items: list[Any] = []
        has_comma = True
        while not self._take(closing):
            if not has_comma:
                raise ValueError
            items.append(self._read_value(depth + 1))
            has_comma = self._take(",")
        return items, has_comma and bool(items)

    def _read_pairs(self, depth: int) -> dict[str, Any]:
        pairs: dict[str, Any] = {}
        has_comma = True
        while not self._take("}"):
            if not has_comma:
                raise ValueError
            name = self._read_text()
            self._require(":")
            pairs[name] = self._read_value(depth + 1)
            has_comma = self._take(",")
        return pairs

    def _read_call(self, call: re.Match[str], depth: int) -> dict[str, Any]:
        self._position = call.end()
        name = call[1]
        fields: dict[str, Any] = {"type": TYPES_BY_CLASS[name]} if name in TYPES_BY_CLASS else {}
        has_comma = True
        while not self._take(")"):
            if not has_comma:
                raise ValueError
            fields |= self._read_field(depth)
            has_comma = self._take(",")
        return fields

    def _read_field(self, depth: int) -> dict[str, Any]:
        word = self._skip(WORD)
        if word is None:
            raise ValueError
        self._position = word.end()
        self._require("=")
        return {word[0]: self._read_value(depth + 1)}

    def _read_text(self) -> str:
        """Return a text, also one that is printed in several parts."""
        parts: list[str] = []
        while (part := self._skip(PRINTED_TEXT)) is not None:
            self._position = part.end()
            parts.append(_unescaped(part) if "\\" in part[2] else part[2][1:-1])
        if not parts:
            raise ValueError
        return _encodable("".join(parts))

    def _read_number(self) -> int | float:
        number = self._skip(PRINTED_NUMBER)
        if number is None or len(number[0]) > MAX_NUMBER_CHARACTERS:
            raise ValueError
        self._position = number.end()
        if not number[0].replace("_", "").isdecimal():
            return float(number[0])
        if LEADING_ZERO.match(number[0]) and int(number[0]):
            raise ValueError
        return int(number[0])

    def _skip(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Return what the text goes on with, behind white space, if it is this."""
        space = SPACE.match(self._text, self._position)
        self._position = space.end() if space else self._position
        return pattern.match(self._text, self._position)

    def _take(self, sign: str) -> bool:
        """Read a sign, if the text goes on with it."""
        self._skip(SPACE)
        is_next = self._text.startswith(sign, self._position)
        self._position += is_next
        return is_next

    def _require(self, sign: str) -> None:
        if not self._take(sign):
            raise ValueError

    def _require_end(self) -> None:
        self._skip(SPACE)
        if self._position != len(self._text):
            raise ValueError


def _unescaped(part: re.Match[str]) -> str:
    """Return a text in quotation marks as Python reads it, without warnings about how it is written.

    Raises:
        ValueError: it has an escape that means nothing.
    """
    if part[1] in "rR" and part[1]:
        return part[2][1:-1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return str(ast.literal_eval(part[2]))
        except (SyntaxError, MemoryError):
            raise ValueError from None


def _encodable(text: str) -> str:
    """Return a text without halves of characters, which Python prints and JSON does not have."""
    return text.encode(errors="replace").decode()
