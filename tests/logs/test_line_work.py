"""Reading a line takes work in proportion to its length, whatever it contains, and can be given up anywhere."""

import ast
import io
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any

import pytest

from voicebill.billing.errors import InvalidInput
from voicebill.conversation.work import counted_steps
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.python_text import PRINTED_OBJECT, python_object
from voicebill.logs.read import all_records
from voicebill.logs.report import ReadReport
from voicebill.logs.sources import Source

LINES: dict[str, Callable[[int], str]] = {
    "open brackets": lambda count: "INFO input_tokens=1 " + "[" * count,
    "open braces": lambda count: "{'input_tokens': 1, 'x': " + "{'a':" * (count // 5),
    "open calls": lambda count: "Usage(input_tokens=1, x=" + "A(a=" * (count // 4),
    "calls without an end": lambda count: "input_tokens=1 " + "U()(" * (count // 4),
    "groups of brackets": lambda count: "Usage(input_tokens=1, x=" + ("[" * 90 + "]" * 90 + ",") * (count // 181) + ")",
    "names without values": lambda count: "INFO input_tokens=1 " + "a=" * (count // 2),
    "fields": lambda count: "INFO input_tokens=x " + "a=1 " * (count // 4),
    "separators": lambda count: "input_tokens=1;" * (count // 15),
    "zero bytes": lambda count: "INFO input_tokens=1 \0" * (count // 21),
    "quotes": lambda count: "INFO input_tokens=1 " + "\"'" * (count // 2),
    "backslashes": lambda count: "INFO input_tokens=1 '" + "\\" * count,
    "operators": lambda count: "Usage(input_tokens=1, x=" + "-" * count + "1)",
    "a formatted text": lambda count: "Usage(input_tokens=1, x=f'" + "{1}" * (count // 3) + "')",
    "digits": lambda count: "Usage(input_tokens=1, x=" + "9" * count + ")",
    "hexadecimal digits": lambda count: "Usage(input_tokens=1, x=0x" + "f" * count + ")",
    "words": lambda count: "tokens=" * (count // 7),
    "printed objects in JSON": lambda count: '{"input_tokens": 5, "x": [' + '"U(a=[[[[)",' * (count // 12) + "1]}",
    "JSON in brackets": lambda count: "[" * count,
    "envelopes": lambda count: '{"message":' * (count // 12) + "1" + "}" * (count // 12),
    "numbers in an array": lambda count: "[" + "1," * (count // 2) + "1]",
    "lines of brackets": lambda count: "{\n" * (count // 2),
    "quoted cells": lambda count: "model,input_tokens\n" + '"a\n' * (count // 3),
}


def read(text: str) -> ReadReport:
    """What happens while a log of one text is read; a text in no known format is read, too."""
    report = ReadReport()
    records = all_records([Source("log", content=io.BytesIO(text.encode()), plain=True)], None, LogDefaults(), report)
    with suppress(InvalidInput):  # not in a known format
        deque(records, maxlen=0)
    return report


def count_calls(work: Callable[[], object]) -> int:
    """The calls of Python's functions while something is done."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return calls


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is handed to Python's own parser, which can take minutes for some expressions."""
    expressions: list[str] = []
    original = ast.parse

    def record(source: Any, *words: Any, **options: Any) -> Any:
        expressions.append(str(source))
        return original("0", *words, **options)

    monkeypatch.setattr(ast, "parse", record)
    return expressions


@pytest.mark.parametrize("line", LINES.values(), ids=LINES.keys())
def test_twice_the_line_takes_twice_the_calls(line: Callable[[int], str]) -> None:
    read(line(100))
    single, double = (count_calls(partial(read, line(size))) for size in (4_000, 8_000))
    assert double < 2.3 * single + 500, (single, double)


@pytest.mark.parametrize("line", LINES.values(), ids=LINES.keys())
def test_the_parser_of_python_sees_texts_in_quotation_marks_alone(line: Callable[[int], str], parsed: list[str]) -> None:
    read(line(1_000))
    assert [expression for expression in parsed if expression[:1] not in "'\""] == []


def test_names_of_counts_are_searched_so_far() -> None:
    """From each of 10,000 words in a row, the search would go on to the end of the line."""
    assert PRINTED_OBJECT.search(b"token" + b"s" * 60 + b"=1")
    assert not PRINTED_OBJECT.search(b"token" + b"s" * 61 + b"=1")
    assert python_object(b"INFO " + b"token" * 10_000) is None


def test_a_number_that_no_json_has_is_no_usage_and_no_error() -> None:
    """Python refuses to write an integer of more than 4,300 digits."""
    for number in ("0x" + "f" * 20_000, "9" * 20_000):
        assert python_object(f"INFO Usage(input_tokens=5, other={number})".encode()) is None
        assert read(f"INFO Usage(input_tokens=5, other={number})\n" * 2).records == 0


class DroppedError(Exception):
    """Nobody waits for the log any more."""


@pytest.mark.parametrize("line", LINES.values(), ids=LINES.keys())
def test_reading_can_be_given_up_at_every_line(line: Callable[[int], str]) -> None:
    """The first 400 lines are read before the format is known: recognising it can be given up at each of them, too."""
    text = (line(300).replace("\n", " ") + "\n") * 20
    checks = 0

    def count(_steps: int) -> None:
        nonlocal checks
        checks += 1

    with counted_steps(count):
        read(text)
    assert checks >= 20

    def give_up(_steps: int) -> None:
        raise DroppedError

    with counted_steps(give_up), pytest.raises(DroppedError):
        read(text)


def test_giving_up_takes_no_step_of_a_conversation() -> None:
    steps: list[int] = []
    with counted_steps(steps.append):
        read('{"type": "response.done", "response": {"id": "a", "usage": {"input_tokens": 1, "output_tokens": 1}}}\n')
    assert steps
    assert sum(steps) == 0
