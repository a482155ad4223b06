"""Tolls: what carriers and platforms take for the minutes of calls beside the models, each call rounded up by itself."""

from datetime import date
from fractions import Fraction
from typing import NamedTuple

from voicebill.answers.lengths import LONGEST_MINUTES, LONGEST_TIMES, Lengths, Spread, mean_billed_ms
from voicebill.billing.bill import Line, bill, rounded_up
from voicebill.billing.errors import UnknownName, Unpriced
from voicebill.billing.money import Amount
from voicebill.billing.price_book import Found, PriceBook
from voicebill.billing.usage import Usage
from voicebill.conversation.plan import Plan

PAID_BY_THE_MINUTE = ("telephony", "platform")
"""Kinds of offers that take something for the minutes of a call."""

METERS = ("call_ms", "months")
"""What they can be priced by."""


class Toll(NamedTuple):
    """What somebody on the way takes for the minutes of calls: his price, his line for one call, picodollars a month."""

    found: Found
    line: Line | None
    monthly: Amount

    @property
    def amount(self) -> Amount:
        """Picodollars for the one call; 0 where only months are paid."""
        amount = self.line.amount if self.line else 0
        assert amount is not None
        return amount


class Calls(NamedTuple):
    """A month of calls: how many, how their lengths differ, and the minutes after which they end."""

    per_month: Fraction
    lengths: Spread | Lengths | None
    cap_minutes: float | None

    def mean_ms(self, plan: Plan, step_ms: int = 1) -> Fraction:
        """Milliseconds that a call is billed on average, each rounded up to a step by itself."""
        cap = self.cap_minutes or min(LONGEST_MINUTES, LONGEST_TIMES * float(plan.minutes))
        return mean_billed_ms(plan, self.lengths or Spread(0), step_ms, cap)


def paid_by_the_minute(name: str, book: PriceBook, day: date, *, what: str = "carrier or platform") -> Found:
    """A carrier's or platform's price by the id of its offer; `what` is what it was named as.

    Raises:
        UnknownName: there is none of that id.
        NotOffered: it has no price on the day.
        Unpriced: its price is not for minutes or months alone: with the rest left out, it would look cheaper than it is.
    """
    by_id = {offer.id: offer for offer in book.offers if offer.kind in PAID_BY_THE_MINUTE}
    if name not in by_id:
        remedy = "your own is an offer of kind telephony or platform in a file of prices"
        raise UnknownName(what, name, by_id, remedy=remedy)
    offer = by_id[name]
    found = book.find(offer.model, day=day, provider=offer.provider, kind=offer.kind)
    others = sorted(set(found.rates.by_meter) - set(METERS))
    if others:
        raise Unpriced(
            f"{name} is priced by {', '.join(others)}, and what a {what} takes is counted by {' and '.join(METERS)} alone: "
            "state its price for the minutes of a call, or for a month"
        )
    return found


def toll(found: Found, lasts_ms: int) -> Toll:
    """What is taken for one call of so many milliseconds, and for a month.

    >>> from voicebill.facts import load
    >>> twilio = paid_by_the_minute("twilio/voice-inbound-us-local", load().prices, date(2026, 11, 22))
    >>> str(toll(twilio, 61_000).line)
    'telephone call 120 s × $0.0085/min = $0.017000'
    """
    rates = found.rates
    lines = tuple(bill(rounded_up(Usage({"call_ms": lasts_ms}), rates), rates)) if rates["call_ms"] else ()
    month = rates["months"]
    return Toll(found, lines[0] if lines else None, month.amount(1) if month else 0)


def mean_toll(found: Found, plan: Plan, calls: Calls) -> Fraction:
    """Picodollars that a call costs on average over calls of all lengths, what is paid for months left out."""
    rate = found.rates["call_ms"]
    if rate is None:
        return Fraction(0)
    return Fraction(rate.amount(1)) * calls.mean_ms(plan, found.rates.row.increments.get("call_ms", 1))
