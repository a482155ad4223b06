"""Describe parts of answers in words and figures, for the tables of the command line and of the page."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Literal

from voicebill.answers.capacity.demand import MinuteDemand
from voicebill.answers.parsing.quantities import format_percent
from voicebill.answers.provisioned.commitments import cost_order
from voicebill.answers.provisioned.result import PtuSizing
from voicebill.answers.recorded.result import CostGroup
from voicebill.billing.money import Amount
from voicebill.billing.price_book import PriceBook
from voicebill.conversation.volume import HOURS_PER_MONTH, HOURS_PER_YEAR

MAX_SHOWN_MINUTES = 10

TERM_HOURS = {"hour": Fraction(1), "month": HOURS_PER_MONTH, "year": Fraction(HOURS_PER_YEAR)}
"""The terms for which costs are given, in hours."""

AmountStatus = Literal["exact", "range", "partial", "unpriced", "nothing"]


def abbreviate_minutes(minutes: tuple[MinuteDemand, ...]) -> Iterator[MinuteDemand | None]:
    """The minutes of a call that a table shows: all, or the first and the last, with None between them.

    >>> answer = [MinuteDemand(number, 0, 0) for number in range(1, 61)]
    >>> [row.number if row else "..." for row in abbreviate_minutes(tuple(answer))]
    [1, 2, 3, 4, 5, '...', 57, 58, 59, 60]
    """
    if len(minutes) <= MAX_SHOWN_MINUTES:
        yield from minutes
        return
    yield from minutes[: MAX_SHOWN_MINUTES // 2]
    yield None
    yield from minutes[1 - MAX_SHOWN_MINUTES // 2 :]


def amount_status(group: CostGroup) -> AmountStatus:
    """How an amount is to be read: exact, a range, only a part of what it should be, unpriced, or of nothing counted."""
    if not group.quantities:
        return "nothing"
    if group.low is None:
        return "unpriced"
    if group.unpriced:
        return "partial"
    return "exact" if group.low == group.high else "range"


def format_quantity_range(low: int, high: int, meter: str, prices: PriceBook) -> str:
    """A quantity as people read it; a range where it is one."""
    priced_meter = prices.meters.get(meter)
    quantities = [
        priced_meter.format_quantity(quantity) if priced_meter else f"{quantity:,}" for quantity in sorted({low, high})
    ]
    return " to ".join(quantities)


def amounts_by_term(per_hour: Amount) -> dict[str, Amount]:
    """The amounts of an average hour, of a month of 730 hours and of a year of 8,760."""
    return {term: per_hour * hours for term, hours in TERM_HOURS.items()}


def cheapest_option_text(answer: PtuSizing) -> str:
    """The cheapest way to pay for the load, as a sentence; empty if there is nothing to compare with."""
    pay_as_you_go = answer.pay_as_you_go_cost(answer.request.average)
    mixes = [(option.cheapest_mix, option.commitment.label) for option in answer.options if option.cheapest_mix is not None]
    if pay_as_you_go is None or not mixes:
        return ""
    mix, label = min(mixes, key=lambda pair: cost_order(pair[0]))
    if not mix.ptus or mix.per_hour is None:
        return "Cheapest: pay as you go alone; no number of PTUs costs less."
    saved = 1 - Fraction(mix.per_hour) / Fraction(pay_as_you_go)
    return f"Cheapest: {mix.ptus:,} PTUs {label}, {format_percent(float(saved))} below pay as you go alone."
