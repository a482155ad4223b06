"""Validate input values; errors name the field and what is allowed.

A dataclass states what its fields may hold in their annotations, and `validate` checks and converts them:
`turns: Annotated[int, Between(1, 20_000)]`, `share: Share | None`, `mode: Literal["auto", "disabled"]`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from decimal import Decimal, InvalidOperation
from functools import cache
from inspect import get_annotations
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from voicebill.billing.errors import InvalidInput

Number = int | float | Decimal

_TYPE_NAMES: dict[type, str] = {
    bool: "true or false",
    str: "text",
    int: "a whole number",
    tuple: "a list",
    Mapping: "a mapping",
}


class Between(NamedTuple):
    """The bounds of a number, inclusive; `above`: `low` itself is not allowed. `text` describes the upper bound."""

    low: int | Decimal
    high: int | Decimal
    above: bool = False
    text: str = ""

    def predicate(self) -> str:
        """What a number must be, as text.

        >>> Between(1, 20_000).predicate(), Between(0, 1440, above=True, text="1,440 (a day)").predicate()
        ('between 1 and 20,000', 'more than 0 and at most 1,440 (a day)')
        """
        high = self.text or f"{self.high:,}"
        return f"more than {self.low:,} and at most {high}" if self.above else f"between {self.low:,} and {high}"

    def allows(self, value: int | Decimal) -> bool:
        """Whether a number is within the bounds."""
        return (self.low < value if self.above else self.low <= value) and value <= self.high


SHARE_BOUNDS = Between(0, 1, text="1 (or 0% and 100%)")
Share = Annotated[Number, SHARE_BOUNDS]
"""A share between 0 and 1, kept as an exact decimal."""


def format_value(value: object) -> str:
    """A value as users write it in JSON, TOML and forms, for error messages.

    >>> format_value(True), format_value(None), format_value("ten"), format_value(Decimal("0.5"))
    ('true', 'nothing', "'ten'", '0.5')
    """
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, Decimal) else repr(value)


def to_decimal(name: str, value: Number) -> Decimal:
    """A number exactly as it is written: the float 0.1 becomes one tenth.

    >>> to_decimal("prefix_reuse", 0.1)
    Decimal('0.1')

    Raises:
        InvalidInput: it is not a finite number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise InvalidInput(f"must be a number, not {format_value(value)}", field=name)
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    if not number.is_finite():
        raise InvalidInput(f"must be a finite number, not {value}", field=name)
    if not is_reasonable(number):
        raise InvalidInput(f"is out of range: {value}", field=name)
    return number


def parse_exact(text: str) -> Decimal:
    """A number as JSON and TOML write it, exactly; one that no decimal can hold becomes one that is out of every range.

    >>> parse_exact("0.25"), parse_exact("1e99999999999999999999"), parse_exact("-1e-99999999999999999999")
    (Decimal('0.25'), Decimal('1E+999999'), Decimal('-1E-999999'))
    """
    try:
        return Decimal(text)
    except InvalidOperation:
        sign, (_, _, exponent) = "-" * text.startswith("-"), text.lower().partition("e")
        return Decimal(f"{sign}1E{'-' if exponent.startswith('-') else '+'}999999")


def is_reasonable(number: Decimal) -> bool:
    """Whether a number has at most 15 digits before the point and 18 after it; more is a mistake or an attack.

    >>> is_reasonable(Decimal("0.8")), is_reasonable(Decimal("1e-99999999"))
    (True, False)
    """
    exponent = number.as_tuple().exponent
    return number == 0 or (isinstance(exponent, int) and exponent >= -18 and number.adjusted() < 15)


def to_decimal_between(name: str, value: Number, bounds: Between) -> Decimal:
    """An exact number within bounds.

    Raises:
        InvalidInput: the value is not a number, or it is out of bounds.
    """
    number = to_decimal(name, value)
    if not bounds.allows(number):
        raise InvalidInput(f"must be {bounds.predicate()}, not {value}", field=name)
    return number


def to_share(name: str, value: Number) -> Decimal:
    """An exact share between 0 and 1.

    Raises:
        InvalidInput: the value is not a number between 0 and 1.
    """
    return to_decimal_between(name, value, SHARE_BOUNDS)


def require_between(name: str, value: int, low: int, high: int) -> None:
    """Check that a value is a whole number in a range.

    Raises:
        InvalidInput: it is not a whole number, or it is out of range.
    """
    if type(value) is not int:
        raise InvalidInput(f"must be a whole number, not {format_value(value)}", field=name)
    if not low <= value <= high:
        raise InvalidInput(f"must be {Between(low, high).predicate()}, not {value:,}", field=name)


def require_type(name: str, value: object, kind: type) -> None:
    """Check that a value has a type.

    Raises:
        InvalidInput: it has another type.
    """
    if not isinstance(value, kind):
        raise InvalidInput(f"must be {_TYPE_NAMES.get(kind, f'a {kind.__name__}')}, not {format_value(value)}", field=name)


def require_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Check that a value is one of the choices.

    Raises:
        InvalidInput: it is none of them; the text lists them.
    """
    if value not in choices:
        raise InvalidInput(f"must be one of {', '.join(choices)}, not {format_value(value)}", field=name)


Check = Callable[[str, Any], Any]


class FieldType(NamedTuple):
    """What a field may hold: its type, and the bounds of a number or the choices of a text; `is_optional`: also None."""

    kind: type | Literal["number", "choice"]
    bounds: Between | None = None
    choices: tuple[str, ...] = ()
    is_optional: bool = False

    def check(self, name: str, value: Any) -> Any:  # noqa: ANN401 - a field of any type
        """The value, converted to an exact decimal if it is a number.

        Raises:
            InvalidInput: the field cannot hold it.
        """
        if value is None and self.is_optional:
            return None
        if self.kind == "number":
            return to_decimal(name, value) if self.bounds is None else to_decimal_between(name, value, self.bounds)
        if self.kind == "choice":
            require_choice(name, value, self.choices)
        elif self.kind is int:
            low, high = (self.bounds.low, self.bounds.high) if self.bounds else (0, 10**12)
            require_between(name, value, int(low), int(high))
        else:
            assert isinstance(self.kind, type)
            require_type(name, value, self.kind)
        return value


def _field_type(hint: Any) -> FieldType:  # noqa: ANN401 - an annotation
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        bounds = next((part for part in parts[1:] if isinstance(part, Between)), None)
        return _field_type(parts[0])._replace(bounds=bounds)
    if origin in (Union, UnionType):
        options = [part for part in parts if part is not NoneType]
        inner = FieldType("number") if set(options) == {int, float, Decimal} else _field_type(options[0])
        return inner._replace(is_optional=NoneType in parts)
    if origin is Literal:
        return FieldType("choice", choices=parts)
    return FieldType(origin or hint)


@cache
def field_types(owner: type) -> Mapping[str, FieldType]:
    """What each field of a dataclass may hold, by its annotation."""
    hints = {name: hint for base in reversed(owner.__mro__) for name, hint in get_annotations(base).items()}
    return {row.name: _field_type(hints[row.name]) for row in fields(owner)}


@cache
def default_of(owner: type, name: str) -> Any:  # noqa: ANN401 - a field of any type
    """The default of a dataclass's field; None if it is required."""
    row: Field[Any] = next(row for row in fields(owner) if row.name == name)
    return None if row.default is MISSING else row.default


@cache
def _checked_defaults(owner: type) -> Sequence[tuple[str, FieldType, object, object]]:
    """Each field of a dataclass with its default, as it is written and as it is kept: most have it, and need no check."""
    rows = []
    for row in fields(owner):
        field_type, default = field_types(owner)[row.name], row.default
        rows.append((row.name, field_type, default, default if default is MISSING else field_type.check(row.name, default)))
    return rows


def validate(instance: object) -> None:
    """Check all fields of a frozen dataclass, and convert its numbers to exact decimals; call it in `__post_init__`.

    Raises:
        InvalidInput: a field cannot hold its value; the error has its name.
    """
    for name, field_type, default, checked_default in _checked_defaults(type(instance)):  # type: ignore[arg-type]
        value = getattr(instance, name)
        checked = checked_default if value is default else field_type.check(name, value)
        if checked is not value:
            object.__setattr__(instance, name, checked)
