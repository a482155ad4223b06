"""Price the fees of carriers and platforms per call and per month, each call rounded up separately."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from voicebill.billing.bill import Line, bill, round_to_increments
from voicebill.billing.errors import UnknownName, Unpriced
from voicebill.billing.money import Amount
from voicebill.billing.offers import PER_MINUTE_KINDS, Kind
from voicebill.billing.price_book import PriceBook, Quote
from voicebill.billing.usage import Usage
from voicebill.conversation.call_lengths import (
    CallLengths,
    LengthDistribution,
    longest_call_minutes,
    mean_billed_ms,
    short_minutes,
)
from voicebill.conversation.plan import Plan

FEE_FIELDS = {"carrier": "carrier", "platform": "platforms"}
"""The field of a request by the word for its offers."""

FEE_KINDS: Mapping[str, tuple[Kind, ...]] = {"carrier": ("telephony",), "platform": ("platform",)}
"""The kinds of offers that an error suggests, by the word for them; any other word stands for all."""

FEE_METERS = ("call_ms", "months", "concurrent_calls")
"""The meters by which fees can be priced."""


class CallFee(NamedTuple):
    """A carrier's or platform's fee: its quote, and the line of one call (None: paid per month only).

    `monthly_fee` is due per month, whatever the number of calls. `per_month` is the cost of a month: all calls, each rounded
    up separately, and the monthly fee; None without a number of calls. Both in picodollars.
    """

    quote: Quote
    line: Line | None
    monthly_fee: Amount
    per_month: Amount | None = None

    @property
    def amount(self) -> Amount:
        """Picodollars per call; 0 where the fee is per month only."""
        amount = self.line.amount if self.line else 0
        assert amount is not None
        return amount


class MonthlyCalls(NamedTuple):
    """The number of calls per month, the distribution of their lengths, and the minutes after which they end."""

    per_month: Fraction
    lengths: LengthDistribution | CallLengths | None
    cap_minutes: float | None

    def mean_ms(self, plan: Plan, step_ms: int = 1) -> Fraction:
        """Mean billed milliseconds of a call, each call rounded up to a billing increment of `step_ms`."""
        cap = self.cap_minutes or longest_call_minutes(plan, self.lengths)
        full = mean_billed_ms(plan, self.lengths or LengthDistribution(0), step_ms, cap)
        short = mean_billed_ms(replace(plan, minutes=short_minutes(plan)), LengthDistribution(0), step_ms, cap)
        return Fraction(plan.full_share) * full + Fraction(plan.short_share) * short if plan.full_share < 1 else full


def per_minute_quote(name: str, book: PriceBook, day: date, *, what: str = "carrier or platform") -> Quote:
    """The quote of a carrier or platform by the id of its offer; `what` is the word for it in error messages.

    Raises:
        UnknownName: no carrier or platform has that id.
        NotAvailable: it has no price on the day.
        Unpriced: it has prices for other meters than minutes and months; a fee without them would be too low.
    """
    by_id = {offer.id: offer for offer in book.offers if offer.kind in PER_MINUTE_KINDS}
    if name not in by_id:
        kinds = FEE_KINDS.get(what, PER_MINUTE_KINDS)
        names = [offer.id for offer in by_id.values() if offer.kind in kinds]
        remedy = f"add your own as an offer of kind {' or '.join(kinds)} in a price file"
        raise UnknownName(what, name, names, remedy=remedy, field=FEE_FIELDS.get(what))
    offer = by_id[name]
    quote = book.quote(offer.model, day=day, provider=offer.provider, kind=offer.kind)
    others = sorted(set(quote.rates.by_meter) - set(FEE_METERS))
    if others:
        raise Unpriced(
            f"{name} is priced by {', '.join(others)}, but a {what}'s fee can be counted by {' and '.join(FEE_METERS)} only: "
            "give its price per minute of a call, or per month"
        )
    return quote


def call_fee(quote: Quote, duration_ms: int, concurrent_calls: int | None = None) -> CallFee:
    """The fee for one call of the given length, and per month; calls at the same time may cost more than a plan includes.

    >>> from voicebill.facts import load_facts
    >>> twilio = per_minute_quote("twilio/voice-inbound-us-local", load_facts().prices, date(2026, 11, 22))
    >>> str(call_fee(twilio, 61_000).line)
    'telephone call 120 s × $0.0085/min = $0.017000'
    """
    rates = quote.rates
    lines = tuple(bill(round_to_increments(Usage({"call_ms": duration_ms}), rates), rates)) if rates["call_ms"] else ()
    monthly_rate, call_rate = rates["months"], rates["concurrent_calls"]
    monthly_fee = monthly_rate.amount(1) if monthly_rate else 0
    if call_rate and concurrent_calls is not None:
        monthly_fee += call_rate.amount(max(0, concurrent_calls - rates.row.included.get("concurrent_calls", 0)))
    return CallFee(quote, lines[0] if lines else None, monthly_fee)


def monthly_call_fee(fee: CallFee, plan: Plan, monthly_calls: MonthlyCalls) -> CallFee:
    """The same fee with its cost per month, without the minutes that a month includes."""
    all_calls = mean_call_fee(fee.quote, plan, monthly_calls) * monthly_calls.per_month
    rate = fee.quote.rates["call_ms"]
    included = Fraction(rate.amount(fee.quote.rates.row.included.get("call_ms", 0))) if rate else Fraction(0)
    return fee._replace(per_month=max(Fraction(0), all_calls - included) + fee.monthly_fee)


def mean_call_fee(quote: Quote, plan: Plan, monthly_calls: MonthlyCalls) -> Fraction:
    """The mean fee of a call in picodollars over calls of all lengths, without the monthly fee."""
    rate = quote.rates["call_ms"]
    if rate is None:
        return Fraction(0)
    return Fraction(rate.amount(1)) * monthly_calls.mean_ms(plan, quote.rates.row.increments.get("call_ms", 1))
