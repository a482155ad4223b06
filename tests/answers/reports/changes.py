"""Find out which keys of a JSON shape depend on which field of an answer: change one field, and see which keys change."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

Path = tuple[str | int, ...]


def dependencies(
    answer: Any, shape: Callable[[Any], Any], opaque: tuple[type, ...], others: Mapping[str, Any] | None = None
) -> dict[str, set[str]]:
    """For every field of an answer, the keys that change with it; places in lists are left out, except those of numbers.

    Values of the types in `opaque` are not looked into. `others` has the changed values of fields that only take certain ones;
    None: the field takes no other.
    """
    original, result = shape(answer), dict[str, set[str]]()
    for path, value in leaves(answer, opaque):
        name = dotted(path)
        other = (others or {}).get(name, changed(value))
        if other is not None:
            result.setdefault(name, set()).update(differences(original, shape(with_value(answer, path, other))))
    return result


def leaves(value: Any, opaque: tuple[type, ...], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The fields of an answer, of its parts, and of theirs, that are text, numbers or days."""
    if isinstance(value, opaque):
        return
    if isinstance(value, str | int | float | Decimal | Fraction | date):
        yield path, value
    elif is_dataclass(value):
        for field in fields(value):
            if field.init:
                yield from leaves(getattr(value, field.name), opaque, (*path, field.name))
    elif isinstance(value, tuple):
        for name, part in zip(getattr(value, "_fields", places(value)), value, strict=True):
            yield from leaves(part, opaque, (*path, name))
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from leaves(part, opaque, (*path, str(key)))


def changed(value: Any) -> Any:
    """Another value of the same type; a share stays one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return f"{value} changed"
    if isinstance(value, date):
        return value + timedelta(days=1)
    if 0 < value < 1:
        return value / 2
    return type(value)(value * 2 + 1)


def with_value(value: Any, path: Path, new: Any) -> Any:
    """An answer with one of its fields changed."""
    if not path:
        return new
    name, rest = path[0], path[1:]
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{str(name): with_value(getattr(value, str(name)), rest, new)})
    if isinstance(value, Mapping):
        return {key: with_value(part, rest, new) if str(key) == name else part for key, part in value.items()}
    if hasattr(value, "_replace"):
        return value._replace(**{str(name): with_value(getattr(value, str(name)), rest, new)})
    return tuple(
        with_value(part, rest, new) if place == name else part for place, part in zip(places(value), value, strict=True)
    )


def differences(one: Any, other: Any, path: Path = ()) -> Iterator[str]:
    """The keys under which two JSON values differ."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            yield from differences(one[key], other[key], (*path, key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, first, second in zip(places(one), one, other, strict=True):
            yield from differences(first, second, (*path, place))
    elif one != other:
        yield dotted(path)


def places(values: Sequence[Any]) -> list[str | int]:
    """The places in a list: named where its members are numbers, such as the lowest and the highest."""
    numbers = all(isinstance(value, int | float | Decimal | Fraction) for value in values)
    return [str(place) if numbers else place for place in range(len(values))]


def dotted(path: Path) -> str:
    """A path without the places in lists of other than numbers.

    >>> dotted(("limits", 0, "quantities", "1"))
    'limits.quantities.1'
    """
    return ".".join(part for part in path if isinstance(part, str))
