"""Convert dollar amounts to another currency.

Vendors' price lists are in dollars; contracts and budgets are not always. All sums stay in exact dollars, and only the
result is converted, at the exchange rate that the user has configured with its day.
"""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from voicebill.billing.errors import InvalidInput
from voicebill.billing.money import Amount, format_amount, format_dollars, format_exact
from voicebill.billing.validity import PartialDate

TWELVE_PLACES = Decimal("1e-12")


@dataclass(frozen=True, slots=True)
class Currency:
    """An exchange rate: how much of a currency one dollar buys from one day until another."""

    code: str
    per_dollar: Decimal
    since: PartialDate
    until: PartialDate | None
    checked: date
    source: str

    def __str__(self) -> str:
        return f"{self.code} at {self.per_dollar} per dollar since {self.since} ({self.source})"

    def convert(self, amount: Amount) -> Fraction:
        """An amount of picodollars in exact picounits (10^-12) of this currency."""
        return Fraction(amount) * Fraction(self.per_dollar)

    def format_decimal(self, amount: Amount) -> str:
        """An amount of picodollars as a plain decimal string of this currency, without its code, as JSON and CSV hold it.

        >>> from datetime import date
        >>> euro = Currency("EUR", Decimal("0.86"), PartialDate.parse("2026-11-20"), None, date(2026, 11, 20), "ECB")
        >>> amount = 2_345_678_000_000
        >>> euro.format_decimal(amount), euro.format_exact(amount), euro.format_amount(amount)
        ('2.01728308', 'EUR 2.01728308', 'EUR 2.02')
        """
        return format_dollars(self.convert(amount))

    def format_exact(self, amount: Amount) -> str:
        """An amount of picodollars in this currency with all its digits."""
        return format_exact(self.convert(amount)).replace("$", f"{self.code} ")

    def format_amount(self, amount: Amount) -> str:
        """An amount of picodollars in this currency, with three significant digits, for headlines and prose."""
        return format_amount(self.convert(amount)).replace("$", f"{self.code} ")

    def to_dollars(self, price: Decimal) -> Decimal:
        """A price in this currency converted to dollars, rounded to twelve decimals.

        Raises:
            InvalidInput: the price is too large, or so small that it would be rounded to zero.
        """
        try:
            dollars = (price / self.per_dollar).quantize(TWELVE_PLACES, rounding=ROUND_HALF_EVEN)
        except ArithmeticError:
            raise InvalidInput(f"{self.code} {price} at {self.per_dollar} per dollar is out of range") from None
        if price and not dollars:
            raise InvalidInput(f"{self.code} {price} at {self.per_dollar} per dollar would be rounded to $0")
        return dollars
