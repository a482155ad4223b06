"""Another currency: vendors' lists and every sum here are in dollars, contracts and budgets are not always.

Sums stay in dollars, exact; an amount is exchanged last, at a rate that whoever asks has stated with its day.
"""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from voicebill.billing.dated import Day
from voicebill.billing.errors import InvalidInput
from voicebill.billing.money import Amount, dollars, shown

TWELVE_PLACES = Decimal("1e-12")


@dataclass(frozen=True, slots=True)
class Currency:
    """How much of a currency a dollar is worth from one day until another."""

    code: str
    per_dollar: Decimal
    since: Day
    until: Day | None
    checked: date
    source: str

    def __str__(self) -> str:
        return f"{self.code} at {self.per_dollar} a dollar since {self.since} ({self.source})"

    def of(self, amount: Amount) -> Fraction:
        """An amount of picodollars in millionths of millionths of this currency, exact."""
        return Fraction(amount) * Fraction(self.per_dollar)

    def plain(self, amount: Amount) -> str:
        """An amount of picodollars as a plain decimal string of this currency.

        >>> from datetime import date
        >>> euro = Currency("EUR", Decimal("0.86"), Day.parse("2026-11-20"), None, date(2026, 11, 20), "the central bank")
        >>> euro.plain(2 * 10**12), euro.shown(2 * 10**12)
        ('1.72', 'EUR 1.72')
        """
        return dollars(self.of(amount))

    def shown(self, amount: Amount) -> str:
        """An amount of picodollars as people read it, in this currency."""
        return shown(self.of(amount)).replace("$", f"{self.code} ")

    def in_dollars(self, price: Decimal) -> Decimal:
        """A price in this currency as dollars, to twelve places.

        Raises:
            InvalidInput: it is too large, or so small that nothing would be left of it.
        """
        try:
            found = (price / self.per_dollar).quantize(TWELVE_PLACES, rounding=ROUND_HALF_EVEN)
        except ArithmeticError:
            raise InvalidInput(f"{self.code} {price} at {self.per_dollar} a dollar is beyond any use") from None
        if price and not found:
            raise InvalidInput(f"{self.code} {price} at {self.per_dollar} a dollar would be nothing")
        return found
