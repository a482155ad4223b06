"""Tolls: what carriers and platforms take for the minutes of calls beside the models, each call rounded up by itself."""

from datetime import date
from fractions import Fraction
from typing import NamedTuple

from voicebill.answers.call_lengths import (
    MAX_CALL_MINUTES,
    MAX_MULTIPLE_OF_MEAN,
    CallLengths,
    LengthDistribution,
    mean_billed_ms,
)
from voicebill.billing.bill import Line, bill, round_to_increments
from voicebill.billing.errors import UnknownName, Unpriced
from voicebill.billing.money import Amount
from voicebill.billing.price_book import PriceBook, Quote
from voicebill.billing.usage import Usage
from voicebill.conversation.plan import Plan

PER_MINUTE_KINDS = ("telephony", "platform")
"""Kinds of offers that take something for the minutes of a call."""

FEE_METERS = ("call_ms", "months")
"""What they can be priced by."""


class CallFee(NamedTuple):
    """What somebody on the way takes for the minutes of calls: his price, his line for one call, picodollars a month."""

    quote: Quote
    line: Line | None
    monthly_fee: Amount

    @property
    def amount(self) -> Amount:
        """Picodollars for the one call; 0 where only months are paid."""
        amount = self.line.amount if self.line else 0
        assert amount is not None
        return amount


class MonthlyCalls(NamedTuple):
    """A month of calls: how many, how their lengths differ, and the minutes after which they end."""

    per_month: Fraction
    lengths: LengthDistribution | CallLengths | None
    cap_minutes: float | None

    def mean_ms(self, plan: Plan, step_ms: int = 1) -> Fraction:
        """Milliseconds that a call is billed on average, each rounded up to a step by itself."""
        cap = self.cap_minutes or min(MAX_CALL_MINUTES, MAX_MULTIPLE_OF_MEAN * float(plan.minutes))
        return mean_billed_ms(plan, self.lengths or LengthDistribution(0), step_ms, cap)


def per_minute_quote(name: str, book: PriceBook, day: date, *, what: str = "carrier or platform") -> Quote:
    """A carrier's or platform's price by the id of its offer; `what` is what it was named as.

    Raises:
        UnknownName: there is none of that id.
        NotOffered: it has no price on the day.
        Unpriced: its price is not for minutes or months alone: with the rest left out, it would look cheaper than it is.
    """
    by_id = {offer.id: offer for offer in book.offers if offer.kind in PER_MINUTE_KINDS}
    if name not in by_id:
        remedy = "your own is an offer of kind telephony or platform in a file of prices"
        raise UnknownName(what, name, by_id, remedy=remedy)
    offer = by_id[name]
    quote = book.quote(offer.model, day=day, provider=offer.provider, kind=offer.kind)
    others = sorted(set(quote.rates.by_meter) - set(FEE_METERS))
    if others:
        raise Unpriced(
            f"{name} is priced by {', '.join(others)}, and what a {what} takes is counted by {' and '.join(FEE_METERS)} alone: "
            "state its price for the minutes of a call, or for a month"
        )
    return quote


def call_fee(quote: Quote, duration_ms: int) -> CallFee:
    """What is taken for one call of so many milliseconds, and for a month.

    >>> from voicebill.facts import load_facts
    >>> twilio = per_minute_quote("twilio/voice-inbound-us-local", load_facts().prices, date(2026, 11, 22))
    >>> str(call_fee(twilio, 61_000).line)
    'telephone call 120 s × $0.0085/min = $0.017000'
    """
    rates = quote.rates
    lines = tuple(bill(round_to_increments(Usage({"call_ms": duration_ms}), rates), rates)) if rates["call_ms"] else ()
    monthly_rate = rates["months"]
    return CallFee(quote, lines[0] if lines else None, monthly_rate.amount(1) if monthly_rate else 0)


def mean_call_fee(quote: Quote, plan: Plan, monthly_calls: MonthlyCalls) -> Fraction:
    """Picodollars that a call costs on average over calls of all lengths, what is paid for months left out."""
    rate = quote.rates["call_ms"]
    if rate is None:
        return Fraction(0)
    return Fraction(rate.amount(1)) * monthly_calls.mean_ms(plan, quote.rates.row.increments.get("call_ms", 1))
