"""Read the amounts that other tools put beside usage, in whole picodollars."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from voicebill.billing.money import PICODOLLARS_PER_DOLLAR
from voicebill.billing.record import Record, ReportedCost

MAX_DOLLARS = 10**9
MAX_TEXT_LENGTH = 40
FLOAT_DIGITS = 15
"""The decimal digits that a binary number of 64 bits keeps."""

ONE_CENT = PICODOLLARS_PER_DOLLAR // 100
NANODOLLAR = PICODOLLARS_PER_DOLLAR // 10**9


def parse_reported_cost(value: object, unit: int = PICODOLLARS_PER_DOLLAR) -> int | None:
    """Return an amount in picodollars; None without one. `unit` is the picodollars of the unit that the tool writes.

    A binary number is taken with the fifteen digits that it keeps.

    >>> [parse_reported_cost(value) for value in ("0.0123", 0.1 + 0.2, "free")], parse_reported_cost(7, ONE_CENT)
    ([12300000000, 300000000000, None], 70000000000)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and len(value) > MAX_TEXT_LENGTH:
        return None
    try:
        amount = Decimal(f"{value:.{FLOAT_DIGITS}g}" if isinstance(value, float) else value)
    except InvalidOperation:
        return None
    if not amount.is_finite() or not 0 <= amount * unit <= MAX_DOLLARS * PICODOLLARS_PER_DOLLAR:
        return None
    return int((amount * unit).to_integral_value(ROUND_HALF_EVEN))


def first_reported_cost(*values: object) -> int | None:
    """Return the first of several values that is an amount in dollars, in picodollars."""
    amounts = (parse_reported_cost(value) for value in values if value is not None)
    return next((amount for amount in amounts if amount is not None), None)


def total_of_costs(costs: object) -> int | None:
    """Return the total of a map of costs, or else the sum of its parts, in picodollars; None without any.

    >>> total_of_costs({"input": 0.25, "output": 0.5}), total_of_costs({"input": 0.25, "total": 1})
    (750000000000, 1000000000000)
    """
    if not isinstance(costs, Mapping):
        return None
    total = parse_reported_cost(costs.get("total"))
    parts = [amount for value in costs.values() if (amount := parse_reported_cost(value)) is not None]
    return total if total is not None else (sum(parts) if parts else None)


def with_reported_cost(
    records: Sequence[Record], amount: int | None, *, reasoning_tokens: int = 0, has_uncounted: bool = False
) -> Iterator[Record]:
    """Yield records, the first of them with what all of them cost together by the tool."""
    if amount is None or not records:
        yield from records
        return
    first, *others = records
    covers = tuple(dict.fromkeys(record.key for record in others if record.key != first.key))
    yield replace(first, reported_cost=ReportedCost(amount, covers, has_uncounted, reasoning_tokens))
    yield from others
