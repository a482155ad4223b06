"""Compute the bill of a usage: quantity x rate = amount, line by line."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from voicebill.billing.errors import UnknownName
from voicebill.billing.meters import Meter
from voicebill.billing.money import PICODOLLARS_PER_DOLLAR, Amount, format_dollars, format_price
from voicebill.billing.offers import Rate, Rates
from voicebill.billing.usage import Usage


@dataclass(frozen=True, slots=True)
class Line:
    """One metered quantity at its rate. A line without a rate is unpriced; it never counts as zero."""

    meter: Meter
    quantity: int
    rate: Rate | None

    @property
    def amount(self) -> Amount | None:
        """The exact amount in picodollars; None if no price is known."""
        return None if self.rate is None else self.rate.amount(self.quantity)

    def __str__(self) -> str:
        amount = self.amount
        description = f"{self.meter.label} {self.meter.format_quantity(self.quantity)}"
        if amount is None:
            return f"{description}: no price known"
        return f"{description} × {self.rate} = ${_format_line_amount(amount)}"


def bill(usage: Usage, rates: Rates) -> Iterator[Line]:
    """Price each metered quantity at its rate; the lines follow the order of the meters in the price book.

    >>> from voicebill.facts import load_facts
    >>> from datetime import date
    >>> rates = load_facts().prices.quote("gpt-realtime", day=date(2026, 11, 22)).rates
    >>> [str(line) for line in bill(Usage.tokens(text_in=55, text_in_cached=64, audio_in=13), rates)]
    ['text in 55 × $4.00/M = $0.000220', 'text in, cached 64 × $0.40/M = $0.0000256', 'audio in 13 × $32.00/M = $0.000416']

    Raises:
        UnknownName: the usage has a meter that is not in the price book.
    """
    for name in usage.quantities:
        if name not in rates.meters:
            raise UnknownName("meter", name, rates.meters)
    for name, meter in rates.meters.items():
        if usage[name]:
            yield Line(meter, usage[name], rates[name])


def round_to_increments(usage: Usage, rates: Rates) -> Usage:
    """One call's usage with each quantity rounded up to the vendor's billing increment. Carriers round before they sum.

    >>> from voicebill.facts import load_facts
    >>> from datetime import date
    >>> rates = load_facts().prices.quote("voice-inbound-us-local", provider="twilio", day=date(2026, 11, 22)).rates
    >>> round_to_increments(Usage({"call_ms": 61_000}), rates)["call_ms"]
    120000
    """
    increments = rates.row.increments
    return Usage(
        {meter: -(-quantity // increments.get(meter, 1)) * increments.get(meter, 1) for meter, quantity in usage.items()},
        usage.status,
    )


def sum_lines(lines: Iterable[Line]) -> Amount | None:
    """The sum of the lines in picodollars; None if one of them has no price."""
    amount: Amount = 0
    for line in lines:
        if line.amount is None:
            return None
        amount += line.amount
    return amount


def price_usage(usage: Usage, rates: Rates) -> Amount | None:
    """The cost of a usage in picodollars: the sum of its bill without creating the lines; None if one line has no price.

    >>> from voicebill.facts import load_facts
    >>> from datetime import date
    >>> rates = load_facts().prices.quote("gpt-realtime", day=date(2026, 11, 22)).rates
    >>> price_usage(Usage.tokens(text_in=55, text_in_cached=64, audio_in=13), rates) == 220_000_000 + 25_600_000 + 416_000_000
    True

    Raises:
        UnknownName: the usage has a meter that is not in the price book.
    """
    total = price_quantities(usage.quantities.items(), rates)
    return sum_lines(bill(usage, rates)) if total is None else total  # raises UnknownName for an unknown meter, otherwise None


def price_quantities(quantities: Iterable[tuple[str, int]], rates: Rates) -> Amount | None:
    """The cost of quantities by meter in picodollars; None if one of them has no price."""
    rates_by_meter = rates.by_meter
    total: Amount = 0
    for name, quantity in quantities:
        rate = rates_by_meter.get(name)
        if rate is None:
            return None
        total += quantity * rate.picodollars if rate.per == 1 else rate.amount(quantity)
    return total


def rate_warnings(lines: Iterable[Line], rates: Rates) -> Iterator[str]:
    """Warnings about the rates of these lines: missing or disputed prices, and uncached rates used for cached input."""
    name = rates.offer.name
    for line in lines:
        rate = line.rate
        if rate is None:
            yield f"{name} has no price for {line.meter.label}: {line.meter.format_quantity(line.quantity)} unpriced"
            continue
        for dispute in rate.disputes:
            yield (
                f"the price of {line.meter.label} of {name} is disputed: {rate} is used; "
                f"{format_price(dispute.price)}{line.meter.price_unit} according to {dispute.source}"
            )
        if rate.is_fallback:
            yield f"{name} has no price for {line.meter.label}; it is priced as uncached, at {rate}"


def _format_line_amount(amount: Amount) -> str:
    integer, _, decimals = format_dollars(amount).partition(".")
    return (
        f"{int(integer):,}.{decimals:0<6}"
        if abs(Fraction(amount)) < PICODOLLARS_PER_DOLLAR
        else f"{int(integer):,}.{decimals:0<2}"
    )
