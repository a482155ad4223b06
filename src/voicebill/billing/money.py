"""Money: whole picodollars, and exact fractions of them where a rate divides.

A rate in micro-dollars per million tokens is picodollars per token, so every token price is a whole number. A rate per
minute keeps its divisor, and such an amount may be a fraction; it stays exact until it is shown.
"""

from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

from voicebill.billing.checks import plain
from voicebill.billing.errors import InvalidInput

PICODOLLARS_PER_DOLLAR = 10**12

Amount: TypeAlias = int | Fraction
"""Picodollars: exact, and whole wherever the rate is per token."""


def picodollars(dollars: Decimal | int) -> int:
    """A price in dollars as whole picodollars.

    >>> picodollars(Decimal("0.0045"))
    4500000000

    Raises:
        InvalidInput: the price has more than twelve decimals, or is not a finite number.
    """
    if isinstance(dollars, Decimal) and not dollars.is_finite():
        raise InvalidInput(f"a price must be a finite number, not {dollars}")
    if not plain(Decimal(dollars)):
        raise InvalidInput(f"a price has at most twelve decimals, and is no fortune: {dollars}")
    exact = Fraction(dollars) * PICODOLLARS_PER_DOLLAR
    if exact.denominator != 1:
        raise InvalidInput(f"a price has at most twelve decimals: {dollars}")
    return exact.numerator


def dollars(amount: Amount) -> str:
    """An amount as a plain decimal string of dollars, exact to the picodollar (fractions rounded half even).

    >>> dollars(128_899_200_000), dollars(Fraction(1, 3)), dollars(0)
    ('0.1288992', '0', '0')
    """
    whole, rest = divmod(abs(round(amount)), PICODOLLARS_PER_DOLLAR)
    text = f"{whole}.{rest:012d}".rstrip("0").rstrip(".")
    return f"-{text}" if round(amount) < 0 else text


def shown(amount: Amount) -> str:
    """An amount as people read it: cents from a dollar on, four decimals from a tenth of a cent, else six.

    Rounded half even; a smaller amount that is not zero keeps two significant digits, so nothing looks free.

    >>> [shown(round(x * 10**12)) for x in (15960.6, 1.0, 0.53202, 0.0123, 0.00022)]
    ['$15,960.60', '$1.00', '$0.5320', '$0.0123', '$0.000220']
    >>> shown(25_600_000), shown(300), shown(0)
    ('$0.000026', '$0.00000000030', '$0')
    """
    if amount == 0:
        return "$0"
    size = abs(Fraction(amount))
    if size >= PICODOLLARS_PER_DOLLAR:
        places = 2
    elif size >= PICODOLLARS_PER_DOLLAR // 1000:
        places = 4
    else:
        places = max(6, 14 - len(str(round(size))))
    units = round(size * 10**places / PICODOLLARS_PER_DOLLAR)
    whole, rest = divmod(units, 10**places)
    return f"{'-' if amount < 0 else ''}${whole:,}.{rest:0{places}d}"


def quoted(price: Decimal | Fraction | int) -> str:
    """A list price in dollars: all its digits, and never fewer than cents.

    >>> quoted(Decimal("4")), quoted(Decimal("0.0792")), quoted(Fraction(1, 2))
    ('$4.00', '$0.0792', '$0.50')
    """
    text = dollars(Fraction(price) * PICODOLLARS_PER_DOLLAR)
    whole, _, rest = text.partition(".")
    return f"${whole}.{rest:0<2}"
