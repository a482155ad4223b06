"""Parse filters on records, in a small grammar of comparisons that can do nothing but select records.

model = gpt-realtime-mini and day >= 2026-11-01 and (tenant in (acme, globex) or not status = exact)
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias, get_args

from voicebill.billing.errors import InvalidInput, UnknownName
from voicebill.billing.offers import DEPLOYMENTS
from voicebill.billing.record import RECORD_KINDS
from voicebill.billing.sku_periods import normalize_name
from voicebill.billing.usage import Status
from voicebill.billing.validity import PartialDate

FieldValue: TypeAlias = str | int | date | None

TEXT_FIELDS = (
    "provider",
    "model",
    "offer",
    "deployment",
    "region",
    "tier",
    "tenant",
    "project",
    "session",
    "meter",
    "kind",
    "status",
    "outcome",
    "source",
)
VOCABULARIES: Mapping[str, tuple[str, ...]] = {"kind": RECORD_KINDS, "status": get_args(Status), "deployment": DEPLOYMENTS}
"""The possible values of fields that have only certain ones."""

CASE_INSENSITIVE_FIELDS = ("provider", "model", "offer", "deployment", "region", "tier")
FILTER_FIELDS = (*TEXT_FIELDS, "month", "day", "hour", "half_hour", "turn")
"""The fields by which records can be filtered and grouped. A month is written 2026-11, an hour 2026-11-22T14, a half hour
2026-11-22T14:30 (UTC)."""

OPERATORS: Mapping[str, Callable[[FieldValue, FieldValue], bool]] = {
    "=": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "<=": lambda one, other: one is not None and one <= other,  # type: ignore[operator]
    ">=": lambda one, other: one is not None and one >= other,  # type: ignore[operator]
    "<": lambda one, other: one is not None and one < other,  # type: ignore[operator]
    ">": lambda one, other: one is not None and one > other,  # type: ignore[operator]
}
MAX_FILTER_CHARACTERS = 4000
MAX_FILTER_DEPTH = 50
MAX_COMPARISONS = 100


@dataclass(frozen=True, slots=True)
class FieldComparison:
    """A comparison of a field with a value. A field that a record lacks is unequal to every value, neither less nor more."""

    field: str
    operator: str
    value: FieldValue


@dataclass(frozen=True, slots=True)
class In:
    """The condition that a field has one of several values."""

    field: str
    values: tuple[FieldValue, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The negation of a condition."""

    condition: "Condition"


@dataclass(frozen=True, slots=True)
class And:
    """Two conditions, joined by `and`."""

    left: "Condition"
    right: "Condition"


@dataclass(frozen=True, slots=True)
class Or:
    """Two conditions, joined by `or`."""

    left: "Condition"
    right: "Condition"


Condition: TypeAlias = FieldComparison | In | Not | And | Or


def matches_row(condition: Condition, row: Mapping[str, FieldValue]) -> bool:
    """Whether a condition holds for a row, given by its fields."""
    match condition:
        case FieldComparison():
            return OPERATORS[condition.operator](row[condition.field], condition.value)
        case In():
            return row[condition.field] in condition.values
        case Not():
            return not matches_row(condition.condition, row)
        case And():
            return matches_row(condition.left, row) and matches_row(condition.right, row)
        case Or():
            return matches_row(condition.left, row) or matches_row(condition.right, row)


def fields_of(condition: Condition | None) -> set[str]:
    """The fields that a condition uses; none without a condition."""
    match condition:
        case None:
            return set()
        case FieldComparison() | In():
            return {condition.field}
        case Not():
            return fields_of(condition.condition)
        case And() | Or():
            return fields_of(condition.left) | fields_of(condition.right)


def parse_filter(text: str) -> Condition:
    """Parse a condition.

    >>> request = parse_filter("model = gpt-realtime-mini and not turn > 3")
    >>> [matches_row(request, {"model": "gpt-realtime-mini", "turn": turn}) for turn in (2, 4)]
    [True, False]

    Raises:
        InvalidInput: the text is not a condition of this grammar; the message says why.
        UnknownName: there is no field with that name.
    """
    if len(text) > MAX_FILTER_CHARACTERS:
        raise InvalidInput(f"a condition has at most {MAX_FILTER_CHARACTERS:,} characters")
    words = _Words(text)
    condition = _parse_or(words, 0)
    if words.word is not None:
        raise InvalidInput(f"a condition continues with and, or; not with {words.describe()}")
    return condition


def parse_field(text: str, field: str = "where") -> str:
    """The name of a field, given in upper or lower case.

    Raises:
        UnknownName: there is no field with that name; the error belongs to the input `field`.
    """
    name = text.strip().lower()
    if name not in FILTER_FIELDS:
        raise UnknownName("field", text, FILTER_FIELDS, field=field)
    return name


_WORD = re.compile(
    r"""\s*(?:(?P<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*")|(?P<sign><=|>=|!=|<>|==|[=<>(),])|(?P<word>[^\s=<>!(),'"]+))"""
)


class _Words:
    """The words of a condition, read one at a time."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self.word: str | None = None
        self.quoted = False
        self.comparisons = 0
        self.next()

    def next(self) -> str | None:
        """Move to the next word, and return the previous one.

        Raises:
            InvalidInput: the text has no word at this position, such as an open quotation mark.
        """
        previous = self.word
        if not self._text[self._position :].strip():
            self.word, self.quoted = None, False
            return previous
        match = _WORD.match(self._text, self._position)
        if match is None:
            raise InvalidInput(f"a condition cannot be read from {self._text[self._position :].strip()[:40]!r} on")
        self._position = match.end()
        self.quoted = match["quoted"] is not None
        quote_mark = match["quoted"][0] if self.quoted else ""
        self.word = match["quoted"][1:-1].replace(quote_mark * 2, quote_mark) if self.quoted else match["sign"] or match["word"]
        return previous

    def is_word(self, *words: str) -> bool:
        """Whether the current word is one of these keywords or signs; a quoted word never is."""
        return self.word is not None and not self.quoted and self.word.lower() in words

    def describe(self) -> str:
        """The current word as an error message quotes it."""
        return "the end" if self.word is None else repr(self.word)


def _parse_or(words: _Words, depth: int) -> Condition:
    condition = _parse_and(words, depth)
    while words.is_word("or"):
        words.next()
        condition = Or(condition, _parse_and(words, depth))
    return condition


def _parse_and(words: _Words, depth: int) -> Condition:
    condition = _parse_term(words, depth)
    while words.is_word("and"):
        words.next()
        condition = And(condition, _parse_term(words, depth))
    return condition


def _parse_term(words: _Words, depth: int) -> Condition:
    if depth > MAX_FILTER_DEPTH:
        raise InvalidInput(f"a condition is nested at most {MAX_FILTER_DEPTH} deep")
    if words.is_word("not"):
        words.next()
        return Not(_parse_term(words, depth + 1))
    if words.is_word("("):
        words.next()
        condition = _parse_or(words, depth + 1)
        _expect(words, ")")
        return condition
    return _parse_comparison(words)


def _parse_comparison(words: _Words) -> Condition:
    if words.word is None or words.quoted or words.is_word(*OPERATORS, ")", ",", "and", "or", "in"):
        raise InvalidInput(f"a condition needs a field ({', '.join(FILTER_FIELDS)}), not {words.describe()}")
    words.comparisons += 1
    if words.comparisons > MAX_COMPARISONS:
        raise InvalidInput(f"a condition makes at most {MAX_COMPARISONS} comparisons: list values with in (...)")
    field = parse_field(words.next() or "")
    if words.is_word("not"):
        words.next()
        return Not(_parse_in(words, field))
    if words.is_word("in"):
        return _parse_in(words, field)
    operator = {"==": "=", "<>": "!="}.get(words.word or "", words.word or "")
    if words.quoted or operator not in OPERATORS:
        raise InvalidInput(f"{field} is followed by one of {', '.join(OPERATORS)}, in, not in; not by {words.describe()}")
    words.next()
    return FieldComparison(field, operator, _parse_value(words, field))


def _parse_in(words: _Words, field: str) -> Condition:
    _expect(words, "in")
    _expect(words, "(")
    values = [_parse_value(words, field)]
    while words.is_word(","):
        words.next()
        values.append(_parse_value(words, field))
    _expect(words, ")")
    return In(field, tuple(values))


def _expect(words: _Words, expected: str) -> None:
    if not words.is_word(expected):
        raise InvalidInput(f"a condition needs {expected!r}, not {words.describe()}")
    words.next()


def _parse_value(words: _Words, field: str) -> FieldValue:
    if words.word is None or (not words.quoted and words.is_word(*OPERATORS, "(", ")", ",")):
        raise InvalidInput(
            f"{field} needs a value to be compared with, not {words.describe()}; quote values with blanks or signs"
        )
    text = words.next() or ""
    if field == "turn":
        if not re.fullmatch(r"\d{1,9}", text):
            raise InvalidInput(f"turn is compared with a whole number, not {text!r}")
        return int(text)
    if field == "day":
        try:
            day = PartialDate.parse(text)
        except InvalidInput:
            raise InvalidInput(f"{text!r} is not a day: write 2026-11-22") from None
        if not day.is_exact:
            raise InvalidInput(f"{text!r} is not a day: write 2026-11-22, or ask for the month")
        return day.first
    if field in VOCABULARIES:
        return _vocabulary_word(field, text.lower())
    return normalize_name(text) if field in CASE_INSENSITIVE_FIELDS else text


def _vocabulary_word(field: str, word: str) -> str:
    """A word of a field that has only certain ones.

    Raises:
        UnknownName: it is none of them.
    """
    if word not in VOCABULARIES[field]:
        raise UnknownName(field, word, VOCABULARIES[field], field="where")
    return word
