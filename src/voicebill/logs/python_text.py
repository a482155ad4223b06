r"""Turn usage objects that a program printed in Python's own form into JSON: `Usage(input_tokens=132, ...)` in a line of a log.

Read are calls with keyword arguments, dictionaries, and fields side by side, as pydantic prints an object without its class:
`input_tokens=132 output_tokens=121`. Values are literals, lists, dictionaries and such calls; nothing is evaluated. The class
gives the type, where a printed object leaves it out.

Sources: the classes of livekit-agents 1.8.9, openai-agents 0.24, openai 3.57 and pipecat-ai 1.14, and pydantic's `__str__` and
`__repr__`, read 2026-11-28.
"""

import ast
import re
import warnings
from collections.abc import Iterator
from io import StringIO
from itertools import pairwise
from tokenize import NAME, OP, TokenError, generate_tokens
from typing import Any

import msgspec

from voicebill.logs.unread_usage import UNCHARGED_OBJECTS, counts_in

MAX_PRINTED_BYTES = 128 * 1024
MAX_STARTS = 8
"""An object is looked for at so many places of a line."""
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
    rb"(?:[Tt]oken|[Ss]econd|[Dd]uration|[Cc]haracter)\w*(?:=|'\s*:)\s*\d|'type'\s*:|(?:Metrics|Usage|Session\w*Event)\("
)
"""Without this, a line has no object with counts, with a type or with a session's model: it is not decoded."""
OBJECT_START = re.compile(r"\[(?=[A-Z]\w*\(\w+=)|\b[A-Z]\w*\((?=\w+=|\))|\{(?=')|(?<![\w.(,{\[])(?<!, )(?=\w+=)")
"""Where an object may begin: a list of calls, a call, a dictionary, or fields side by side."""
STRING_OR_BRACKET = re.compile(r"""'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+"|[()\[\]{}'"]""")
PRINTED_VALUE = re.compile(rb""":\s?"(?:[A-Z]\w{0,60}\((?:\w{1,60}=|\))|\{')""")
"""A value in JSON that may be a printed object."""
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
    text = line.decode(errors="replace").strip()
    position = 0
    for _ in range(MAX_STARTS):
        start = OBJECT_START.search(text, position)
        if start is None:
            return None
        fields, end = _object_at(text, start.start())
        if fields is not None and (_has_type(fields) or counts_in(fields)):
            return msgspec.json.encode(fields), text[: start.start()].encode()
        position = max(end if fields is not None else start.end(), start.start() + 1)
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
    text = text.strip()
    if len(text) > MAX_PRINTED_BYTES or OBJECT_START.match(text) is None or _end(text, 0) != len(text):
        return None
    return _object_at(text, 0)[0]


def _has_type(fields: dict[str, Any]) -> bool:
    """Return whether an object, or one in it, says what it is."""
    return any(isinstance(value.get("type"), str) for value in (fields, *fields.values()) if isinstance(value, dict))


def _object_at(text: str, start: int) -> tuple[dict[str, Any] | None, int]:
    """Return the object that begins at a place, with what JSON after it adds, and its end; None if it is not one.

    A list of objects with types of their own is the usage of several models.
    """
    if text[start] not in "{[" and "(" not in text[start:].partition("=")[0]:
        json_start = text.find(' {"', start)
        end = json_start if json_start >= 0 else len(text)
        message = LEADING_WORDS.search(text[max(start - MAX_LEADING_CHARACTERS, 0) : start])
        expression = f"_({_with_commas(text[start:end])})"
    else:
        end, message = _end(text, start), None
        expression = text[start:end]
    try:
        value = _json_value(_parsed(expression).body, 0)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
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


def _parsed(expression: str) -> ast.Expression:
    """Return the syntax of an expression, without Python's warnings about how it is written.

    Raises:
        SyntaxError: it is no expression; or a ValueError, RecursionError or MemoryError.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(expression, mode="eval")


def _end(text: str, start: int) -> int:
    """Return where the brackets that open at a place are closed, or the end of the text."""
    depth = 0
    for token in STRING_OR_BRACKET.finditer(text, start):
        character = token[0]
        if character in "'\"":
            break
        depth += (character in "([{") - (character in ")]}")
        if depth == 0 and character in ")]}":
            return token.end()
    return len(text)


def _with_commas(text: str) -> str:
    """Return fields with commas between them: `a=1 b=2` as `a=1, b=2`."""
    try:
        tokens = list(generate_tokens(StringIO(text.replace("\n", " ")).readline))
    except (TokenError, SyntaxError):
        return text
    starts: list[int] = []
    depth = 0
    for before, name, sign in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if before.type == OP:
            depth += (before.string in "([{") - (before.string in ")]}")
        if depth == 0 and name.type == NAME and sign.string == "=" and before.string != ",":
            starts.append(name.start[1])
    return ",".join(text[start:end] for start, end in pairwise((0, *starts, len(text))))


def _json_after(text: str) -> dict[str, Any]:
    """Return the JSON object at the end of a text, as loggers print the fields beside a message; empty if there is none."""
    start = text.find("{")
    try:
        fields = msgspec.json.decode(text[start:]) if start >= 0 else {}
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _json_value(node: ast.expr, depth: int) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return what an expression means in JSON.

    Raises:
        ValueError: it is neither a literal nor a call with keyword arguments.
    """
    if depth > MAX_PRINTED_NESTING:
        raise ValueError
    match node:
        case ast.Constant(value=str() as text):
            return _encodable(text)
        case ast.Constant(value=None | bool() | int() | float() as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_json_value(item, depth + 1) for item in items]
        case ast.Dict(keys=keys, values=values):
            return dict(_items(keys, values, depth))
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[], keywords=keywords):
            fields = {keyword.arg: _json_value(keyword.value, depth + 1) for keyword in keywords if keyword.arg is not None}
            return {"type": TYPES_BY_CLASS[name], **fields} if name in TYPES_BY_CLASS else fields
    raise ValueError


def _items(keys: list[ast.expr | None], values: list[ast.expr], depth: int) -> Iterator[tuple[str, Any]]:
    for key, value in zip(keys, values, strict=True):
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            raise ValueError  # noqa: TRY004 - of the text, not of an argument
        yield _encodable(key.value), _json_value(value, depth + 1)


def _encodable(text: str) -> str:
    """Return a text without halves of characters, which Python prints and JSON does not have."""
    return text.encode(errors="replace").decode()
