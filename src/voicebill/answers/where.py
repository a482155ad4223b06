"""Which records are asked about: a small closed grammar, so that nothing else than a question can be asked.

model = gpt-realtime-mini and day >= 2026-11-01 and (tenant in (acme, globex) or not status = exact)
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from voicebill.billing.dated import Day
from voicebill.billing.errors import InvalidInput, UnknownName
from voicebill.billing.sold import plain

Value: TypeAlias = str | int | date | None

TEXTS = (
    "provider",
    "model",
    "offer",
    "deployment",
    "region",
    "tier",
    "tenant",
    "session",
    "meter",
    "kind",
    "status",
    "outcome",
    "source",
)
CASELESS = ("provider", "model", "offer", "deployment", "region", "tier")
FIELDS = (*TEXTS, "month", "day", "hour", "turn")
"""What records can be asked for and grouped by. A month is written 2026-11, an hour 2026-11-22T14 (UTC)."""

OPERATORS: Mapping[str, Callable[[Value, Value], bool]] = {
    "=": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "<=": lambda one, other: one is not None and one <= other,  # type: ignore[operator]
    ">=": lambda one, other: one is not None and one >= other,  # type: ignore[operator]
    "<": lambda one, other: one is not None and one < other,  # type: ignore[operator]
    ">": lambda one, other: one is not None and one > other,  # type: ignore[operator]
}
MOST_CHARACTERS = 4000
MOST_DEPTH = 50
MOST_COMPARISONS = 100


@dataclass(frozen=True, slots=True)
class Compared:
    """A field compared with a value. What a record does not have is unequal to everything, and not smaller or larger."""

    field: str
    operator: str
    value: Value


@dataclass(frozen=True, slots=True)
class OneOf:
    """A field that is one of some values."""

    field: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """What is not."""

    condition: "Condition"


@dataclass(frozen=True, slots=True)
class Both:
    """Two conditions, joined by `and`."""

    one: "Condition"
    other: "Condition"


@dataclass(frozen=True, slots=True)
class Either:
    """Two conditions, joined by `or`."""

    one: "Condition"
    other: "Condition"


Condition: TypeAlias = Compared | OneOf | Not | Both | Either


def holds(condition: Condition, row: Mapping[str, Value]) -> bool:
    """Whether a condition holds for a row, given by its fields."""
    match condition:
        case Compared():
            return OPERATORS[condition.operator](row[condition.field], condition.value)
        case OneOf():
            return row[condition.field] in condition.values
        case Not():
            return not holds(condition.condition, row)
        case Both():
            return holds(condition.one, row) and holds(condition.other, row)
        case Either():
            return holds(condition.one, row) or holds(condition.other, row)


def fields_of(condition: Condition | None) -> set[str]:
    """The fields that a condition asks for."""
    match condition:
        case None:
            return set()
        case Compared() | OneOf():
            return {condition.field}
        case Not():
            return fields_of(condition.condition)
        case Both() | Either():
            return fields_of(condition.one) | fields_of(condition.other)


def condition(text: str) -> Condition:
    """Read a condition.

    >>> asked = condition("model = gpt-realtime-mini and not turn > 3")
    >>> holds(asked, {"model": "gpt-realtime-mini", "turn": 2}), holds(asked, {"model": "gpt-realtime-mini", "turn": 4})
    (True, False)

    Raises:
        InvalidInput: it is not of the grammar; the text says where.
        UnknownName: there is no such field.
    """
    if len(text) > MOST_CHARACTERS:
        raise InvalidInput(f"a condition has at most {MOST_CHARACTERS:,} characters")
    reader = _Words(text)
    found = _either(reader, 0)
    if reader.word is not None:
        raise InvalidInput(f"a condition goes on with and, or; not with {reader.said()}")
    return found


def field_named(text: str) -> str:
    """A field by its name, in whatever case.

    Raises:
        UnknownName: there is none.
    """
    name = text.strip().lower()
    if name not in FIELDS:
        raise UnknownName("field", text, FIELDS)
    return name


_WORD = re.compile(
    r"""\s*(?:(?P<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*")|(?P<sign><=|>=|!=|<>|==|[=<>(),])|(?P<word>[^\s=<>!(),'"]+))"""
)


class _Words:
    """The words of a condition, one after the other."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.word: str | None = None
        self.quoted = False
        self.comparisons = 0
        self.next()

    def next(self) -> str | None:
        """Go on to the next word; give the one that was."""
        was = self.word
        if not self._text[self._at :].strip():
            self.word, self.quoted = None, False
            return was
        found = _WORD.match(self._text, self._at)
        if found is None:
            raise InvalidInput(f"a condition cannot be read from {self._text[self._at :].strip()[:40]!r} on")
        self._at = found.end()
        self.quoted = found["quoted"] is not None
        mark = found["quoted"][0] if self.quoted else ""
        self.word = found["quoted"][1:-1].replace(mark * 2, mark) if self.quoted else found["sign"] or found["word"]
        return was

    def is_word(self, *words: str) -> bool:
        """Whether the word is one of the grammar's own."""
        return self.word is not None and not self.quoted and self.word.lower() in words

    def said(self) -> str:
        """The word, for a refusal."""
        return "the end" if self.word is None else repr(self.word)


def _either(words: _Words, depth: int) -> Condition:
    found = _both(words, depth)
    while words.is_word("or"):
        words.next()
        found = Either(found, _both(words, depth))
    return found


def _both(words: _Words, depth: int) -> Condition:
    found = _one(words, depth)
    while words.is_word("and"):
        words.next()
        found = Both(found, _one(words, depth))
    return found


def _one(words: _Words, depth: int) -> Condition:
    if depth > MOST_DEPTH:
        raise InvalidInput(f"a condition is nested at most {MOST_DEPTH} deep")
    if words.is_word("not"):
        words.next()
        return Not(_one(words, depth + 1))
    if words.is_word("("):
        words.next()
        found = _either(words, depth + 1)
        _expect(words, ")")
        return found
    return _comparison(words)


def _comparison(words: _Words) -> Condition:
    if words.word is None or words.quoted or words.is_word(*OPERATORS, ")", ",", "and", "or", "in"):
        raise InvalidInput(f"a condition needs a field ({', '.join(FIELDS)}), not {words.said()}")
    words.comparisons += 1
    if words.comparisons > MOST_COMPARISONS:
        raise InvalidInput(f"a condition makes at most {MOST_COMPARISONS} comparisons: list values behind in (...)")
    field = field_named(words.next() or "")
    if words.is_word("not"):
        words.next()
        return Not(_listed(words, field))
    if words.is_word("in"):
        return _listed(words, field)
    operator = {"==": "=", "<>": "!="}.get(words.word or "", words.word or "")
    if words.quoted or operator not in OPERATORS:
        raise InvalidInput(f"behind {field} stands one of {', '.join(OPERATORS)}, in, not in; not {words.said()}")
    words.next()
    return Compared(field, operator, _value(words, field))


def _listed(words: _Words, field: str) -> Condition:
    _expect(words, "in")
    _expect(words, "(")
    values = [_value(words, field)]
    while words.is_word(","):
        words.next()
        values.append(_value(words, field))
    _expect(words, ")")
    return OneOf(field, tuple(values))


def _expect(words: _Words, wanted: str) -> None:
    if not words.is_word(wanted):
        raise InvalidInput(f"a condition needs {wanted!r}, not {words.said()}")
    words.next()


def _value(words: _Words, field: str) -> Value:
    if words.word is None or (not words.quoted and words.is_word(*OPERATORS, "(", ")", ",")):
        raise InvalidInput(f"{field} needs a value to be compared with, not {words.said()}; put odd ones into quotes")
    written = words.next() or ""
    if field == "turn":
        if not re.fullmatch(r"\d{1,9}", written):
            raise InvalidInput(f"turn is compared with a whole number, not {written!r}")
        return int(written)
    if field == "day":
        try:
            day = Day.parse(written)
        except InvalidInput:
            raise InvalidInput(f"{written!r} is not a day: write 2026-11-22") from None
        if not day.exact:
            raise InvalidInput(f"{written!r} is not a day: write 2026-11-22, or ask for the month")
        return day.first
    return plain(written) if field in CASELESS else written
