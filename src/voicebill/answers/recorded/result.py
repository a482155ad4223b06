"""Define the cost of recorded usage: totals, lines, groups and sessions, each exact, a range, or unpriced."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import ClassVar

from voicebill.answers.answer import Answer
from voicebill.answers.recorded.filters import FieldValue
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.bill import Line
from voicebill.billing.money import Amount
from voicebill.billing.price_book import PriceBook
from voicebill.billing.sku_periods import PricePeriod, Sku


@dataclass(frozen=True, slots=True)
class RecordCounts:
    """How many records there were: each is billed, unpriced (at least in part), or without usage.

    Of these, some are bounded or inconsistent. `unnamed` says by field how many name no provider or deployment.
    """

    billed: int
    unpriced: int
    without_usage: int
    ambiguous: int
    inconsistent: int
    unattributed: Mapping[str, int] = field(default_factory=dict)

    @property
    def records(self) -> int:
        """All of them."""
        return self.billed + self.unpriced + self.without_usage


@dataclass(frozen=True, slots=True)
class CostLine:
    """One line of the bill: a meter of an offer over the days of one price row.

    The quantities and amounts are those of the cheapest and the dearest reading; they are equal where nothing is bounded.
    """

    period: PricePeriod
    line: Line
    high: Line

    @property
    def low_amount(self) -> Amount:
        """Picodollars in the cheapest reading."""
        return self.line.amount or 0

    @property
    def high_amount(self) -> Amount:
        """Picodollars in the dearest reading."""
        return self.high.amount or 0


@dataclass(frozen=True, slots=True)
class UnpricedLine:
    """Quantities for which no price is known, and why. A range where the counts leave it open."""

    sku: Sku
    meter: str
    low: int
    high: int
    reason: str


@dataclass(frozen=True, slots=True)
class CostGroup:
    """What a group cost: exact where both amounts are equal, a range otherwise; None: no part of it has a price.

    `low` is its part of the cheapest reading and `high` of the dearest, so that groups add up to the total in each; of a
    single meter the first can be the larger one, since what is less of one meter is more of another. Of its `quantities`,
    one for each record and meter, no price is known for `unpriced`.
    """

    keys: tuple[FieldValue, ...]
    records: int
    low: Amount | None
    high: Amount | None
    disputed: tuple[Amount, Amount] | None
    quantities: int
    unpriced: int


@dataclass(frozen=True, slots=True)
class PerCall:
    """What sessions cost, over those whose every quantity has a price: mean and percentiles, as (low, high).

    `per_minute` is taken over the sessions whose length the log shows: from their first event to the last billed one.
    """

    sessions: int
    mean: tuple[Amount, Amount]
    percentiles: Mapping[int, tuple[Amount, Amount]]
    timed: int
    minutes: Fraction
    per_minute: Mapping[int, tuple[Amount, Amount]]


@dataclass(frozen=True)
class Cost(Answer):
    """The answer: what was counted, what it cost, and what stands in doubt."""

    REPORT: ClassVar = "cost:CostReport"

    query: CostQuery
    counts: RecordCounts
    first: date | None
    last: date | None
    total: CostGroup
    lines: tuple[CostLine, ...]
    unpriced: tuple[UnpricedLine, ...]
    groups: tuple[CostGroup, ...]
    remainder: CostGroup | None
    per_call: PerCall | None
    cache_hit_share: Fraction | None
    repeated_input_cost_share: Fraction | None
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]
    prices: PriceBook
