"""Define the cost of recorded usage: total, lines, groups and sessions, each an exact amount, a range, or unpriced."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import ClassVar

from voicebill.answers.answer import Answer
from voicebill.answers.recorded.filters import FieldValue
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.recorded.unread_usage import UnreadUsage
from voicebill.billing.bill import Line
from voicebill.billing.money import Amount
from voicebill.billing.price_book import PriceBook
from voicebill.billing.sku_periods import PricePeriod, Sku


@dataclass(frozen=True, slots=True)
class RecordCounts:
    """Numbers of records. Each is billed, unpriced (at least in part), or without usage.

    `ambiguous` and `inconsistent` count the records with that status; they are included in the numbers above. `unattributed`
    has the number of records without a provider and without a deployment, by field.
    """

    billed: int
    unpriced: int
    without_usage: int
    ambiguous: int
    inconsistent: int
    unattributed: Mapping[str, int] = field(default_factory=dict)

    @property
    def records(self) -> int:
        """The number of all records."""
        return self.billed + self.unpriced + self.without_usage


@dataclass(frozen=True, slots=True)
class CostLine:
    """One line of the bill: a meter of an offer over the days of one price row.

    `line` is of the usage candidates with the lowest amount, `high` of those with the highest; they are equal if no record is
    ambiguous.
    """

    period: PricePeriod
    line: Line
    high: Line

    @property
    def low_amount(self) -> Amount:
        """Picodollars in the usage candidates with the lowest amount."""
        return self.line.amount or 0

    @property
    def high_amount(self) -> Amount:
        """Picodollars in the usage candidates with the highest amount."""
        return self.high.amount or 0


@dataclass(frozen=True, slots=True)
class UnpricedLine:
    """A quantity without a known price, and the reason; a range from `low` to `high` if records are ambiguous."""

    sku: Sku
    meter: str
    low: int
    high: int
    reason: str


@dataclass(frozen=True, slots=True)
class CostGroup:
    """The cost of a group in picodollars: exact if both amounts are equal, else a range; None if no part of it has a price.

    `low` is its part of the usage candidates with the lowest amount, `high` of those with the highest. So groups add up to the
    total in both. For a single meter `low` can exceed `high`, because a candidate with less of one meter has more of another.
    `disputed` is the range over disputed prices; None if it is the same. `quantities` is the number of quantities, one for
    each record and meter, of which `unpriced` have no known price.
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
    """The mean and percentiles of what sessions cost, as (low, high) in picodollars, over the sessions that are fully priced.

    `per_minute` has percentiles of the cost per minute over the `timed` sessions, whose length is known from the log: the time
    from the first event to the last billed one. `minutes` is the sum of these lengths.
    """

    sessions: int
    mean: tuple[Amount, Amount]
    percentiles: Mapping[int, tuple[Amount, Amount]]
    timed: int
    minutes: Fraction
    per_minute: Mapping[int, tuple[Amount, Amount]]


@dataclass(frozen=True)
class Cost(Answer):
    """The answer to a cost query: counts, amounts, assumptions and warnings.

    `first` and `last` are the days of the first and the last record. `remainder` is the total minus the listed groups, only
    if `CostQuery.top` is set. With `unread_usage` the answer is incomplete: every amount lacks what was not read.
    """

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
    cache_hit_share_range: tuple[Fraction, Fraction] | None
    repeated_input_cost_share: Fraction | None
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]
    prices: PriceBook
    unread_usage: UnreadUsage | None = None

    @property
    def cache_hit_share(self) -> Fraction | None:
        """The share of the voice models' input tokens that came from the cache; None where the counts leave it open."""
        low, high = self.cache_hit_share_range or (None, None)
        return low if low == high else None
