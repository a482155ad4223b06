"""Values that can be meant: what is checked before anything is counted, with both the value and what it may be."""

from decimal import Decimal

from voicebill.billing.errors import InvalidInput

Number = int | float | Decimal


def exact(name: str, value: Number) -> Decimal:
    """A number exactly as it is written: the float 0.1 is a tenth.

    >>> exact("reuse", 0.1)
    Decimal('0.1')

    Raises:
        InvalidInput: it is not a finite number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise InvalidInput(f"{name} must be a number, not {value!r}")
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    if not number.is_finite():
        raise InvalidInput(f"{name} must be a finite number, not {value}")
    if not plain(number):
        raise InvalidInput(f"{name} is beyond any use: {value}")
    return number


def plain(number: Decimal) -> bool:
    """Whether a number has at most 15 digits before the point and 18 behind it: more would be a slip, or mischief.

    >>> plain(Decimal("0.8")), plain(Decimal("1e-99999999"))
    (True, False)
    """
    exponent = number.as_tuple().exponent
    return number == 0 or (isinstance(exponent, int) and exponent >= -18 and number.adjusted() < 15)


def share(name: str, value: Number) -> Decimal:
    """A share between 0 and 1, exactly.

    Raises:
        InvalidInput: it is not.
    """
    number = exact(name, value)
    if not 0 <= number <= 1:
        raise InvalidInput(f"{name} must be between 0 and 1 (or 0% and 100%), not {value}")
    return number


def within(name: str, value: int, low: int, high: int) -> None:
    """Refuse what is not a whole number in a range.

    Raises:
        InvalidInput: it is not.
    """
    if type(value) is not int:
        raise InvalidInput(f"{name} must be a whole number, not {value!r}")
    if not low <= value <= high:
        raise InvalidInput(f"{name} must be between {low:,} and {high:,}, not {value:,}")


def of_type(name: str, value: object, kind: type) -> None:
    """Refuse what is not of a type.

    Raises:
        InvalidInput: it is not.
    """
    if not isinstance(value, kind):
        raise InvalidInput(f"{name} must be a {kind.__name__}, not {value!r}")


def one_of(name: str, value: str | None, choices: tuple[str | None, ...]) -> None:
    """Refuse a word that is not among the choices.

    Raises:
        InvalidInput: it is not.
    """
    if value not in choices:
        raise InvalidInput(f"{name} is one of {', '.join(choice for choice in choices if choice)}, not {value!r}")
