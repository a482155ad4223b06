"""Tables as people write them, in TOML or JSON, read into checked values with every fault at once.

A schema says what a table may hold: per key a reader and, unless the key must be there, what stands for it when left
out. A fault knows the path to its place, so that whoever has the file can name the line.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from voicebill.answers.parameters.renamed_keys import replacement_for
from voicebill.billing.errors import InvalidInput, UnknownName, VoicebillError, closest_names
from voicebill.billing.validation import format_value, is_reasonable
from voicebill.billing.validity import PartialDate, parse_day

TablePath = tuple[str | int, ...]
Values = dict[str, Any]
ValueReader = Callable[[object], Any]


@dataclass(frozen=True, slots=True)
class Issue:
    """One error in a table, with its path: keys and positions from the root.

    `message` is the text without the key, for interfaces that show it beside the field; empty: the text does not name it.
    `error` is what was raised, if anything.
    """

    path: TablePath
    text: str
    message: str = ""
    error: VoicebillError | None = field(default=None, compare=False)

    @classmethod
    def of(cls, error: VoicebillError) -> "Issue":
        """An error as an issue of its field."""
        return cls(() if error.field is None else (error.field,), str(error), error.message, error)

    def __str__(self) -> str:
        place = self.path if self.path and isinstance(self.path[-1], int) else self.path[:-1]  # the text names the key
        return f"{format_path(place)}: {self.text}" if place else self.text


class _Sentinel:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = _Sentinel()


@dataclass(frozen=True, slots=True)
class Field:
    """A key with one value. `default` stands for it when it is left out."""

    read: ValueReader
    default: Any = REQUIRED


@dataclass(frozen=True, slots=True)
class TableList:
    """A key with a list of tables. `check` looks at a row as a whole: at the values that it has, and may refuse them."""

    schema: "Schema"
    check: Callable[[Values], None] | None = None


Schema = Mapping[str, Field | TableList]


class MultipleErrors(InvalidInput):
    """More than one thing that is wrong with a value."""

    def __init__(self, texts: Sequence[str]) -> None:
        super().__init__("; ".join(texts))
        self.messages = texts


def read_table(data: object, schema: Schema, issues: list[Issue], path: TablePath = ()) -> Values:
    """The table's values by key, defaults filled in. What is faulty is left out, and added to `issues`.

    Of a list of tables, a row with faults is None, so that the others keep their places.
    """
    if not isinstance(data, Mapping):
        issues.append(Issue(path, f"must be a group of keys, not {_describe(data)}"))
        return {}
    values: Values = {}
    issues.extend(Issue((*path, key), _unknown_key_text(str(key), schema)) for key in data if key not in schema)
    for key, spec in schema.items():
        if isinstance(spec, TableList):
            values[key] = _rows(data.get(key, []), spec, issues, (*path, key))
        elif key in data:
            issues.extend(
                Issue((*path, key), _text_with_key(key, error), error.message, error)
                for error in _read_key(key, spec, data[key], values)
            )
        elif spec.default is REQUIRED:
            issues.append(Issue(path, f"{key!r} is missing"))
        else:
            values[key] = spec.default
    return values


def _read_key(key: str, spec: Field, value: object, values: Values) -> Sequence[VoicebillError]:
    """Read one value; say what is wrong with it."""
    try:
        values[key] = spec.read(value)
    except MultipleErrors as error:
        return [InvalidInput(text).at(key) for text in error.messages]
    except VoicebillError as error:
        return [error.at(key)]
    return ()


def _rows(data: object, spec: TableList, issues: list[Issue], path: TablePath) -> tuple[Values | None, ...]:
    if not isinstance(data, list):
        issues.append(Issue(path, f"{path[-1]}: must be a list of groups of keys, not {_describe(data)}"))
        return ()
    rows: list[Values | None] = []
    for index, row in enumerate(data):
        before = len(issues)
        values = read_table(row, spec.schema, issues, (*path, index))
        if spec.check is not None:
            try:
                spec.check(values)
            except VoicebillError as error:
                issues.append(Issue((*path, index), str(error)))
        rows.append(values if len(issues) == before else None)
    return tuple(rows)


def _text_with_key(key: str, error: VoicebillError) -> str:
    """The text of an error of a key's value, which begins with the key."""
    return str(error) if str(error).startswith(key) else f"{key}: {error.message}"


def _unknown_key_text(key: str, schema: Schema) -> str:
    if renamed := replacement_for(key, schema):
        return f"unknown key {key!r}: it is now {renamed!r}"
    near = closest_names(key, schema, limit=1)
    names = list(schema)
    choices = ", ".join(names[:8]) + (" ..." if len(names) > 8 else "")
    return f"unknown key {key!r}" + (f"; the nearest is {near[0]!r}" if near else f"; known: {choices}")


def format_path(path: TablePath) -> str:
    """A path as people read it.

    >>> format_path(("turns", 2, "user_audio_tokens"))
    'turns 3, user_audio_tokens'
    """
    parts: list[str] = []
    for part in path:
        if isinstance(part, int):
            parts[-1] += f" {part + 1}"
        else:
            parts.append(part)
    return ", ".join(parts)


# --- readers --------------------------------------------------------------------------------------------------------


def text(value: object) -> str:
    """A string that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(f"must be text, not {_describe(value)}")
    return value


def boolean(value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise InvalidInput(f"must be true or false, not {_describe(value)}")
    return value


def integer(value: object) -> int:
    """A whole number, not negative; 12.0 will do."""
    number = decimal(value)
    if number % 1:
        raise InvalidInput(f"must be a whole number, not {value}")
    return int(number)


def decimal(value: object) -> Decimal:
    """A finite number, not negative, exactly as written."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise InvalidInput(f"must be a number, not {_describe(value)}")
    number = Decimal(str(value))
    if not number.is_finite():
        raise InvalidInput(f"must be a finite number, not {value}")
    if number < 0:
        raise InvalidInput(f"cannot be negative: {value}")
    if not is_reasonable(number):
        raise InvalidInput(f"is out of range: {value}")
    return number


def share(value: object) -> Decimal:
    """A number between 0 and 1."""
    number = decimal(value)
    if number > 1:
        raise InvalidInput(f"must be between 0 and 1, not {value}")
    return number


def any_value(value: object) -> object:
    """Any value, to be checked by whoever knows more."""
    return value


def partial_date(value: object) -> PartialDate:
    """A date as precisely as it is known: a TOML date, or text such as 2026-10."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return PartialDate.parse(value.isoformat())
    return PartialDate.parse(text(value))


def exact_date(value: object) -> date:
    """A date known to the day."""
    try:
        return parse_day(value.isoformat() if isinstance(value, date) else str(value))
    except InvalidInput:
        raise InvalidInput(f"must be a day such as 2026-11-22, not {_describe(value)}") from None


def one_of(*choices: str) -> ValueReader:
    """One of some words."""

    def read_choice(value: object) -> str:
        if value not in choices:
            near = closest_names(str(value), choices, limit=1)
            hint = f"; the nearest is {near[0]!r}" if near else ""
            raise InvalidInput(f"must be one of {', '.join(choices)}, not {_describe(value)}{hint}")
        return str(value)

    return read_choice


def list_of(reader: ValueReader) -> ValueReader:
    """A list of values, or a single one."""

    def read_list(value: object) -> tuple[Any, ...]:
        values = value if isinstance(value, list) else [value]
        return tuple(_read_all(((f"item {position}", item) for position, item in enumerate(values, start=1)), reader).values())

    return read_list


def map_of(reader: ValueReader, choices: Iterable[str] | None = None, *, kind: str = "meter") -> ValueReader:
    """A table of values by name; `choices` are the names that there may be (None: any), and `kind` is what they name."""
    names = None if choices is None else tuple(choices)

    def read_map(value: object) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise InvalidInput(f"must be a group of keys, not {_describe(value)}")

        def read_one(name: object) -> Any:  # noqa: ANN401 - whatever the reader gives
            if names is not None and str(name) not in names:
                raise UnknownName(kind, str(name), names)
            return reader(value[name])

        return _read_all(((str(name), name) for name in value), read_one)

    return read_map


def _read_all(values: Iterable[tuple[str, Any]], reader: ValueReader) -> dict[str, Any]:
    """Every value read; or all that is wrong with any of them."""
    results: dict[str, Any] = {}
    messages: list[str] = []
    for name, value in values:
        try:
            results[name] = reader(value)
        except UnknownName as error:
            messages.append(str(error))
        except VoicebillError as error:
            messages.append(f"{name}: {error}")
    if messages:
        raise MultipleErrors(messages)
    return results


def _describe(value: object) -> str:
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else value[:37] + "...")
    if isinstance(value, Sequence):
        return "a list"
    if isinstance(value, Mapping):
        return "a group of keys"
    return format_value(value)
