"""Hold money exactly, in whole picodollars (or fractions of them where a rate divides), and format it for people.

A rate in micro-dollars per million tokens equals picodollars per token, so every token price is a whole number. A rate
per minute keeps its divisor, so such an amount can be a fraction; it stays exact until it is formatted.
"""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from statistics import median
from typing import TypeAlias

from voicebill.billing.errors import InvalidInput
from voicebill.billing.validation import is_reasonable

PICODOLLARS_PER_DOLLAR = 10**12

Amount: TypeAlias = int | Fraction
"""An exact amount in picodollars, whole if the rate is per token."""


def picodollars(dollars: Decimal | int) -> int:
    """Convert a price in dollars to whole picodollars.

    >>> picodollars(Decimal("0.0045"))
    4500000000

    Raises:
        InvalidInput: the price has more than twelve decimals, or is not a finite number.
    """
    if isinstance(dollars, Decimal) and not dollars.is_finite():
        raise InvalidInput(f"a price must be a finite number, not {dollars}")
    if not is_reasonable(Decimal(dollars)):
        raise InvalidInput(f"a price has at most twelve decimals and fifteen digits before the point, not {dollars}")
    exact = Fraction(dollars) * PICODOLLARS_PER_DOLLAR
    if exact.denominator != 1:
        raise InvalidInput(f"a price has at most twelve decimals, not {dollars}")
    return exact.numerator


def format_dollars(amount: Amount) -> str:
    """An amount as a plain decimal string of dollars, exact to the picodollar (fractions rounded half even).

    >>> format_dollars(128_899_200_000), format_dollars(Fraction(1, 3)), format_dollars(0)
    ('0.1288992', '0', '0')
    """
    units = amount if type(amount) is int else round(amount)
    integer, fraction = divmod(abs(units), PICODOLLARS_PER_DOLLAR)
    text = f"{integer}.{fraction:012d}".rstrip("0") if fraction else str(integer)
    return f"-{text}" if units < 0 else text


def share_of(part: Amount, total: Amount) -> Fraction:
    """The share of an amount in a total; 0 of a total of 0."""
    return Fraction(part) / Fraction(total) if total else Fraction(0)


def format_amount(amount: Amount) -> str:
    """An amount for headlines and prose: three significant digits, rounded half even.

    >>> [format_amount(round(x * 10**12)) for x in (28312, 943.4, 15.24, 1.4738, 0.8372544, 0.046, 0.00022)]
    ['$28,300', '$943', '$15.2', '$1.47', '$0.837', '$0.0460', '$0.000220']
    >>> format_amount(-999_600_000_000), format_amount(0)
    ('-$1.00', '$0')
    """
    if amount == 0:
        return "$0"
    size = -amount if amount < 0 else amount
    decimals = _decimals_for_three_digits(size)
    if _units(size, decimals) == 1000:
        decimals -= 1
    return _with_sign(amount, _fixed(_units(size, decimals), decimals))


def format_exact(amount: Amount) -> str:
    """An amount with all its digits, to the picodollar, and never fewer than cents.

    >>> format_exact(837_254_400_000), format_exact(28_312_500_000_000_000), format_exact(0)
    ('$0.8372544', '$28,312.50', '$0.00')
    """
    integer, _, decimals = format_dollars(abs(Fraction(amount))).partition(".")
    return _with_sign(round(amount), f"{int(integer):,}.{decimals:0<2}")


def column_decimals(amounts: Iterable[Amount]) -> int:
    """The number of decimals that all amounts of a table's column are given, so that their decimal points line up.

    It gives the median of the absolute non-zero amounts three significant digits. It is never 1, because dollars have
    no decimals or cents; it is 0 when the median is $100 or more, and at most 12. A column without amounts gets cents.

    >>> [column_decimals([round(x * 10**12) for x in column]) for column in ((0.837, 0.0412, 3.1), (15.2,), (943, 28300), ())]
    [3, 2, 0, 2]
    """
    sizes = [abs(Fraction(amount)) for amount in amounts if amount]
    if not sizes:
        return 2
    decimals = _decimals_for_three_digits(median(sizes))
    return 2 if decimals == 1 else min(max(decimals, 0), 12)


def format_in_column(amount: Amount, decimals: int) -> str:
    """An amount with its column's number of decimals (see `column_decimals`), rounded half even.

    An amount that is not zero never looks free: it is shown as less than the column's smallest step.

    >>> [format_in_column(round(x * 10**12), 4) for x in (0.8372544, 0.00002, -0.00002, 0)]
    ['$0.8373', '<$0.0001', '>-$0.0001', '$0']
    """
    if amount == 0:
        return "$0"
    units = _units(-amount if amount < 0 else amount, decimals)
    if not units:
        return ("<" if amount > 0 else ">") + _with_sign(amount, _fixed(1, decimals))
    return _with_sign(amount, _fixed(units, decimals))


def _decimals_for_three_digits(size: Amount) -> int:
    """How many decimals show three significant digits of a positive amount (negative: so many zeros before the point)."""
    numerator, denominator = size.numerator, size.denominator * PICODOLLARS_PER_DOLLAR
    exponent = len(str(numerator)) - len(str(denominator))
    if numerator * 10 ** max(-exponent, 0) < denominator * 10 ** max(exponent, 0):
        exponent -= 1
    return 2 - exponent


def _units(size: Amount, decimals: int) -> int:
    """An amount that is not negative in units of the last of so many decimals, rounded half even.

    Whole numbers take a quarter of the time that fractions do, and a page shows thirty amounts.
    """
    numerator: int = size.numerator * 10 ** max(decimals, 0)
    denominator: int = size.denominator * PICODOLLARS_PER_DOLLAR * 10 ** max(-decimals, 0)
    units, rest = divmod(numerator, denominator)
    is_up = 2 * rest > denominator or (2 * rest == denominator and units % 2 == 1)
    return units + is_up


def _fixed(units: int, decimals: int) -> str:
    """So many units of the last decimal as a number with so many decimals and thousands separators."""
    if decimals <= 0:
        return f"{units * 10**-decimals:,}"
    integer, fraction = divmod(units, 10**decimals)
    return f"{integer:,}.{fraction:0{decimals}d}"


def _with_sign(amount: Amount, digits: str) -> str:
    return f"{'-' if amount < 0 else ''}${digits}"


def format_price(price: Decimal | Fraction | int) -> str:
    """A list price in dollars with all its digits, and never fewer than two decimals.

    >>> format_price(Decimal("4")), format_price(Decimal("0.0792")), format_price(Fraction(1, 2))
    ('$4.00', '$0.0792', '$0.50')
    """
    text = format_dollars(Fraction(price) * PICODOLLARS_PER_DOLLAR)
    integer, _, decimals = text.partition(".")
    return f"${integer}.{decimals:0<2}"
