"""The bill: quantity x rate = amount, line by line."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from voicebill.billing.errors import UnknownName
from voicebill.billing.meters import Meter
from voicebill.billing.money import PICODOLLARS_PER_DOLLAR, Amount, dollars, quoted
from voicebill.billing.offers import Rate, Rates
from voicebill.billing.usage import Usage


@dataclass(frozen=True, slots=True)
class Line:
    """One metered quantity at its rate. Without a rate it is unpriced, which is an answer, and never zero."""

    meter: Meter
    quantity: int
    rate: Rate | None

    @property
    def amount(self) -> Amount | None:
        """Picodollars, exact; None where no price is known."""
        return None if self.rate is None else self.rate.amount(self.quantity)

    def __str__(self) -> str:
        amount = self.amount
        counted = f"{self.meter.label} {self.meter.counted(self.quantity)}"
        if amount is None:
            return f"{counted}: no price known"
        return f"{counted} × {self.rate} = ${_six_places_or_more(amount)}"


def bill(usage: Usage, rates: Rates) -> Iterator[Line]:
    """Price each metered quantity at its rate in force; the lines stand in the price book's order.

    >>> from voicebill.facts import load
    >>> from datetime import date
    >>> rates = load().prices.find("gpt-realtime", day=date(2026, 11, 22)).rates
    >>> [str(line) for line in bill(Usage.tokens(text_in=55, text_in_cached=64, audio_in=13), rates)]
    ['text in 55 × $4.00/M = $0.000220', 'text in, cached 64 × $0.40/M = $0.0000256', 'audio in 13 × $32.00/M = $0.000416']

    Raises:
        UnknownName: the usage counts a meter that no row describes.
    """
    for name in usage.quantities:
        if name not in rates.meters:
            raise UnknownName("meter", name, rates.meters)
    for name, meter in rates.meters.items():
        if usage[name]:
            yield Line(meter, usage[name], rates[name])


def rounded_up(usage: Usage, rates: Rates) -> Usage:
    """One call's usage as its vendor counts it: each quantity rounded up to the vendor's increment, before it is summed.

    >>> from voicebill.facts import load
    >>> from datetime import date
    >>> rates = load().prices.find("voice-inbound-us-local", provider="twilio", day=date(2026, 11, 22)).rates
    >>> rounded_up(Usage({"call_ms": 61_000}), rates)["call_ms"]
    120000
    """
    steps = rates.row.increments
    return Usage(
        {meter: -(-quantity // steps.get(meter, 1)) * steps.get(meter, 1) for meter, quantity in usage.items()},
        usage.status,
    )


def total(lines: Iterable[Line]) -> Amount | None:
    """The sum of the lines in picodollars; None as soon as one of them has no price."""
    amount: Amount = 0
    for line in lines:
        if line.amount is None:
            return None
        amount += line.amount
    return amount


def amount(usage: Usage, rates: Rates) -> Amount | None:
    """What a usage costs in picodollars: the sum of its bill, without writing its lines; None if one had no price.

    >>> from voicebill.facts import load
    >>> from datetime import date
    >>> rates = load().prices.find("gpt-realtime", day=date(2026, 11, 22)).rates
    >>> amount(Usage.tokens(text_in=55, text_in_cached=64, audio_in=13), rates) == 220_000_000 + 25_600_000 + 416_000_000
    True

    Raises:
        UnknownName: the usage counts a meter that no row describes.
    """
    known = rates.by_meter
    added: Amount = 0
    for name, quantity in usage.quantities.items():
        rate = known.get(name)
        if rate is None:
            return total(bill(usage, rates))  # which says what is wrong, or that it has no price
        added += quantity * rate.picodollars if rate.per == 1 else rate.amount(quantity)
    return added


def warnings(lines: Iterable[Line], rates: Rates) -> Iterator[str]:
    """What is doubtful about the rates that these lines use: disputed figures, and fresh rates standing in for cached."""
    name = rates.offer.name
    for line in lines:
        rate = line.rate
        if rate is None:
            yield f"{name} has no price for {line.meter.label}: {line.meter.counted(line.quantity)} stay unpriced"
            continue
        for dispute in rate.disputes:
            yield (
                f"the price of {line.meter.label} of {name} is disputed: {rate} is used; "
                f"{quoted(dispute.price)}{line.meter.price_unit} according to {dispute.source}"
            )
        if rate.stands_in:
            yield f"{name} has no price for {line.meter.label}; it is priced as fresh, at {rate}"


def _six_places_or_more(amount: Amount) -> str:
    whole, _, rest = dollars(amount).partition(".")
    return f"{int(whole):,}.{rest:0<6}" if abs(Fraction(amount)) < PICODOLLARS_PER_DOLLAR else f"{int(whole):,}.{rest:0<2}"
