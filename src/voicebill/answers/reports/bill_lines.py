"""Report amounts and the lines of a bill."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from voicebill.answers.estimates.scenarios import Scenarios
from voicebill.answers.reports.report import Dollars, Report, dollars_or_null
from voicebill.billing.bill import Line
from voicebill.billing.currency import Currency
from voicebill.billing.money import format_dollars
from voicebill.billing.price_book import Quote


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenariosReport(Report):
    """An amount in the three cache scenarios."""

    best: Dollars
    """Dollars if all repeated input is cached (cache behaviour `all`)."""
    expected: Dollars
    """Dollars under the expected cache behaviour."""
    worst: Dollars
    """Dollars if nothing is cached (cache behaviour `none`)."""

    @classmethod
    def of(cls, amounts: Scenarios) -> "ScenariosReport":
        """Amounts in dollars."""
        return cls(
            best=format_dollars(amounts.best),
            expected=format_dollars(amounts.expected),
            worst=format_dollars(amounts.worst),
        )

    @classmethod
    def or_null(cls, amounts: Scenarios | None) -> "ScenariosReport | None":
        """Amounts in dollars; None without any."""
        return None if amounts is None else cls.of(amounts)


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyScenariosReport(Report):
    """An amount in the three cache scenarios, in another currency than the dollar."""

    best: str
    """Amount if all repeated input is cached, an exact decimal."""
    expected: str
    """Amount under the expected cache behaviour, an exact decimal."""
    worst: str
    """Amount if nothing is cached, an exact decimal."""

    @classmethod
    def or_null(cls, amounts: Scenarios | None, currency: Currency) -> "CurrencyScenariosReport | None":
        """Amounts in a currency; None without any."""
        return None if amounts is None else cls.of(amounts, currency)

    @classmethod
    def of(cls, amounts: Scenarios, currency: Currency) -> "CurrencyScenariosReport":
        """Amounts in a currency."""
        return cls(
            best=currency.format_decimal(amounts.best),
            expected=currency.format_decimal(amounts.expected),
            worst=currency.format_decimal(amounts.worst),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LineReport(Report):
    """A line of a bill: a metered quantity at its rate."""

    offer: str | None
    """Id of the offer, such as `openai/gpt-realtime-1.5`."""
    meter: str = field(metadata={"examples": ["audio_in"]})
    """Name of the meter."""
    label: str
    """Name of the meter as people read it."""
    unit: str = field(metadata={"examples": ["token"]})
    """Unit of the quantity."""
    quantity: int
    """Quantity in this unit."""
    rate: str | None = field(metadata={"examples": ["$32.00/M"]})
    """The rate as text; null without a price."""
    unit_price: str | None
    """Dollars for `per` units, an exact decimal; null without a price."""
    per: int
    """Number of units to which `unit_price` applies."""
    dollars: Dollars | None
    """The amount in dollars; null without a price."""
    sources: tuple[str, ...]
    """Where the price was read."""

    @classmethod
    def all_of(cls, lines: Iterable[Line], quote: Quote | None) -> "tuple[LineReport, ...]":
        """Lines of one offer."""
        return tuple(cls(**line_values(line, quote)) for line in lines)


def line_values(line: Line, quote: Quote | None) -> dict[str, Any]:
    """The fields of a line's report."""
    return {
        "offer": quote.offer.id if quote else None,
        "meter": line.meter.name,
        "label": line.meter.label,
        "unit": line.meter.unit,
        "quantity": line.quantity,
        "rate": str(line.rate) if line.rate else None,
        "unit_price": line.rate.price_text if line.rate else None,
        "per": line.meter.priced_per,
        "dollars": dollars_or_null(line.amount),
        "sources": quote.rates.row.sources if quote else (),
    }
