"""Tables as people write them, in TOML or JSON, read into checked values with every fault at once.

A schema says what a table may hold: per key a reader and, unless the key must be there, what stands for it when left
out. A fault knows the path to its place, so that whoever has the file can name the line.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from voicebill.billing.checks import plain
from voicebill.billing.dated import Day
from voicebill.billing.errors import InvalidInput, UnknownName, VoicebillError, nearest

Path = tuple[str | int, ...]
Values = dict[str, Any]
Reader = Callable[[object], Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in a table, and where: keys and positions from the root."""

    path: Path
    text: str

    def __str__(self) -> str:
        place = self.path if self.path and isinstance(self.path[-1], int) else self.path[:-1]  # the text names the key
        return f"{where(place)}: {self.text}" if place else self.text


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = _Required()


@dataclass(frozen=True, slots=True)
class Key:
    """A key with one value. `default` stands for it when it is left out."""

    read: Reader
    default: Any = REQUIRED


@dataclass(frozen=True, slots=True)
class Rows:
    """A key with a list of tables. `check` looks at a row as a whole: at the values that it has, and may refuse them."""

    schema: "Schema"
    check: Callable[[Values], None] | None = None


Schema = Mapping[str, Key | Rows]


class Several(InvalidInput):
    """More than one thing that is wrong with a value."""

    def __init__(self, texts: Sequence[str]) -> None:
        super().__init__("; ".join(texts))
        self.texts = texts


def read(data: object, schema: Schema, faults: list[Fault], path: Path = ()) -> Values:
    """The table's values by key, defaults filled in. What is faulty is left out, and added to `faults`.

    Of a list of tables, a row with faults is None, so that the others keep their places.
    """
    if not isinstance(data, Mapping):
        faults.append(Fault(path, f"must be a table, not {_said(data)}"))
        return {}
    values: Values = {}
    faults.extend(Fault((*path, key), _unknown(str(key), schema)) for key in data if key not in schema)
    for key, spec in schema.items():
        if isinstance(spec, Rows):
            values[key] = _rows(data.get(key, []), spec, faults, (*path, key))
        elif key in data:
            faults.extend(Fault((*path, key), f"{key}: {text}") for text in _read_key(key, spec, data[key], values))
        elif spec.default is REQUIRED:
            faults.append(Fault(path, f"{key!r} is missing"))
        else:
            values[key] = spec.default
    return values


def _read_key(key: str, spec: Key, value: object, values: Values) -> Sequence[str]:
    """Read one value; say what is wrong with it."""
    try:
        values[key] = spec.read(value)
    except Several as error:
        return error.texts
    except VoicebillError as error:
        return [str(error)]
    return ()


def _rows(data: object, spec: Rows, faults: list[Fault], path: Path) -> tuple[Values | None, ...]:
    if not isinstance(data, list):
        faults.append(Fault(path, f"{path[-1]}: must be a list of tables, not {_said(data)}"))
        return ()
    rows: list[Values | None] = []
    for at, row in enumerate(data):
        before = len(faults)
        values = read(row, spec.schema, faults, (*path, at))
        if spec.check is not None:
            try:
                spec.check(values)
            except VoicebillError as error:
                faults.append(Fault((*path, at), str(error)))
        rows.append(values if len(faults) == before else None)
    return tuple(rows)


def _unknown(key: str, schema: Schema) -> str:
    near = nearest(key, schema, most=1)
    names = list(schema)
    known = ", ".join(names[:8]) + (" ..." if len(names) > 8 else "")
    return f"unknown key {key!r}" + (f"; the nearest is {near[0]!r}" if near else f"; known: {known}")


def where(path: Path) -> str:
    """A path as people read it.

    >>> where(("turns", 2, "user_audio_tokens"))
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
        raise InvalidInput(f"must be text, not {_said(value)}")
    return value


def flag(value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise InvalidInput(f"must be true or false, not {_said(value)}")
    return value


def whole(value: object) -> int:
    """A whole number, not negative; 12.0 will do."""
    number = decimal(value)
    if number % 1:
        raise InvalidInput(f"must be a whole number, not {value}")
    return int(number)


def decimal(value: object) -> Decimal:
    """A finite number, not negative, exactly as written."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise InvalidInput(f"must be a number, not {_said(value)}")
    number = Decimal(str(value))
    if not number.is_finite():
        raise InvalidInput(f"must be a finite number, not {value}")
    if number < 0:
        raise InvalidInput(f"cannot be negative: {value}")
    if not plain(number):
        raise InvalidInput(f"is beyond any use: {value}")
    return number


def a_share(value: object) -> Decimal:
    """A number between 0 and 1."""
    number = decimal(value)
    if number > 1:
        raise InvalidInput(f"must be between 0 and 1, not {value}")
    return number


def milliseconds(value: object) -> int:
    """Seconds, as whole milliseconds."""
    return round(decimal(value) * 1000)


def anything(value: object) -> object:
    """Any value, to be checked by whoever knows more."""
    return value


def a_day(value: object) -> Day:
    """A date as precisely as it is known: a TOML date, or text such as 2026-10."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return Day.parse(value.isoformat())
    return Day.parse(text(value))


def the_day(value: object) -> date:
    """A date known to the day."""
    try:
        day = a_day(value)
    except InvalidInput:
        day = None
    if day is None or not day.exact:
        raise InvalidInput(f"must be a day such as 2026-11-22, not {_said(value)}")
    return day.first


def one_of(*choices: str) -> Reader:
    """One of some words."""

    def read_choice(value: object) -> str:
        if value not in choices:
            near = nearest(str(value), choices, most=1)
            hint = f"; the nearest is {near[0]!r}" if near else ""
            raise InvalidInput(f"must be one of {', '.join(choices)}, not {_said(value)}{hint}")
        return str(value)

    return read_choice


def listed(reader: Reader) -> Reader:
    """A list of values, or a single one."""

    def read_list(value: object) -> tuple[Any, ...]:
        values = value if isinstance(value, list) else [value]
        return tuple(_each(((f"item {at}", each) for at, each in enumerate(values, start=1)), reader).values())

    return read_list


def mapped(reader: Reader, meters: Iterable[str] | None = None) -> Reader:
    """A table of values by name; `meters` are the names that there may be."""
    names = None if meters is None else tuple(meters)

    def read_map(value: object) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise InvalidInput(f"must be a table, not {_said(value)}")

        def read_one(name: object) -> Any:  # noqa: ANN401 - whatever the reader gives
            if names is not None and str(name) not in names:
                raise UnknownName("meter", str(name), names)
            return reader(value[name])

        return _each(((str(name), name) for name in value), read_one)

    return read_map


def _each(values: Iterable[tuple[str, Any]], reader: Reader) -> dict[str, Any]:
    """Every value read; or all that is wrong with any of them."""
    found: dict[str, Any] = {}
    wrong: list[str] = []
    for name, value in values:
        try:
            found[name] = reader(value)
        except UnknownName as error:
            wrong.append(str(error))
        except VoicebillError as error:
            wrong.append(f"{name}: {error}")
    if wrong:
        raise Several(wrong)
    return found


def _said(value: object) -> str:
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else value[:37] + "...")
    if isinstance(value, Sequence):
        return "a list"
    return "a table" if isinstance(value, Mapping) else str(value)
