"""Validate input values; errors name the value and what is allowed."""

from decimal import Decimal

from voicebill.billing.errors import InvalidInput

Number = int | float | Decimal

_TYPE_NAMES: dict[type, str] = {bool: "true or false", str: "a text", int: "a whole number", tuple: "a list"}


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
        raise InvalidInput(f"{name} must be a number, not {format_value(value)}")
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    if not number.is_finite():
        raise InvalidInput(f"{name} must be a finite number, not {value}")
    if not is_reasonable(number):
        raise InvalidInput(f"{name} is out of range: {value}")
    return number


def is_reasonable(number: Decimal) -> bool:
    """Whether a number has at most 15 digits before the point and 18 after it; more is a mistake or an attack.

    >>> is_reasonable(Decimal("0.8")), is_reasonable(Decimal("1e-99999999"))
    (True, False)
    """
    exponent = number.as_tuple().exponent
    return number == 0 or (isinstance(exponent, int) and exponent >= -18 and number.adjusted() < 15)


def to_share(name: str, value: Number) -> Decimal:
    """An exact share between 0 and 1.

    Raises:
        InvalidInput: the value is not a number between 0 and 1.
    """
    number = to_decimal(name, value)
    if not 0 <= number <= 1:
        raise InvalidInput(f"{name} must be between 0 and 1 (or 0% and 100%), not {value}")
    return number


def require_between(name: str, value: int, low: int, high: int) -> None:
    """Check that a value is a whole number in a range.

    Raises:
        InvalidInput: it is not a whole number, or it is out of range.
    """
    if type(value) is not int:
        raise InvalidInput(f"{name} must be a whole number, not {format_value(value)}")
    if not low <= value <= high:
        raise InvalidInput(f"{name} must be between {low:,} and {high:,}, not {value:,}")


def require_type(name: str, value: object, kind: type) -> None:
    """Check that a value has a type.

    Raises:
        InvalidInput: it has another type.
    """
    if not isinstance(value, kind):
        raise InvalidInput(f"{name} must be {_TYPE_NAMES.get(kind, f'a {kind.__name__}')}, not {format_value(value)}")


def require_choice(name: str, value: str | None, choices: tuple[str | None, ...]) -> None:
    """Check that a value is one of the choices.

    Raises:
        InvalidInput: it is none of them; the text lists them.
    """
    if value not in choices:
        raise InvalidInput(
            f"{name} must be one of {', '.join(choice for choice in choices if choice)}, not {format_value(value)}"
        )
