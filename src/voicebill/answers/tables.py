"""Tables as people write them, in TOML or JSON, read into checked values with every fault at once.

A schema says what a table may hold: per key a reader and, unless the key must be there, what stands for it when left
out. A fault knows the path to its place, so that whoever has the file can name the line.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from voicebill.billing.dated import Day
from voicebill.billing.errors import InvalidInput, VoicebillError, nearest

Path = tuple[str | int, ...]
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
    """A key with a list of tables; None when it is left out and `default` is None."""

    schema: "Schema"
    default: Any = ()


Schema = Mapping[str, Key | Rows]


def read(data: object, schema: Schema, faults: list[Fault], path: Path = ()) -> dict[str, Any] | None:
    """The table's values by key, defaults filled in; None if it has faults, all of which are added to `faults`."""
    if not isinstance(data, Mapping):
        faults.append(Fault(path, f"must be a table, not {_said(data)}"))
        return None
    before = len(faults)
    values: dict[str, Any] = {}
    for key in data:
        if key not in schema:
            near = nearest(str(key), schema, most=1)
            hint = f"; the nearest is {near[0]!r}" if near else f"; known: {', '.join(schema)}"
            faults.append(Fault((*path, key), f"unknown key {key!r}{hint}"))
    for key, spec in schema.items():
        if key not in data:
            if spec.default is REQUIRED:
                faults.append(Fault(path, f"{key!r} is missing"))
            values[key] = spec.default
        elif isinstance(spec, Rows):
            values[key] = _rows(data[key], spec.schema, faults, (*path, key))
        else:
            try:
                values[key] = spec.read(data[key])
            except VoicebillError as error:
                faults.append(Fault((*path, key), f"{key}: {error}"))
    return values if len(faults) == before else None


def _rows(data: object, schema: Schema, faults: list[Fault], path: Path) -> tuple[dict[str, Any], ...]:
    if not isinstance(data, list):
        faults.append(Fault(path, f"{path[-1]}: must be a list of tables, not {_said(data)}"))
        return ()
    rows = (read(row, schema, faults, (*path, at)) for at, row in enumerate(data))
    return tuple(row for row in rows if row is not None)


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
    if number > 10**15:
        raise InvalidInput(f"is beyond any use: {value}")
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
    day = a_day(value)
    if not day.exact:
        raise InvalidInput(f"must be a day such as 2026-11-22, not {day}")
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
        return tuple(reader(each) for each in value) if isinstance(value, list) else (reader(value),)

    return read_list


def mapped(reader: Reader) -> Reader:
    """A table of values by name."""

    def read_map(value: object) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise InvalidInput(f"must be a table, not {_said(value)}")
        found = {}
        for name, each in value.items():
            try:
                found[str(name)] = reader(each)
            except VoicebillError as error:
                raise InvalidInput(f"{name}: {error}") from None
        return found

    return read_map


def _said(value: object) -> str:
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else value[:37] + "...")
    if isinstance(value, Sequence):
        return "a list"
    return "a table" if isinstance(value, Mapping) else str(value)
