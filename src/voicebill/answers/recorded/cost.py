"""What conversations cost: totals, bill lines and groups of whatever was recorded.

An engine does the counting: `answers/recorded/python_engine.py`, which is the reference, or one of
`voicebill.engines`, which do the same over millions of rows. Prices and assumptions are found here, once for all engines.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from math import lcm
from typing import Protocol

from voicebill.answers.recorded.filters import Condition, FieldValue, fields_of, parse_field
from voicebill.billing.bill import Line, rate_warnings
from voicebill.billing.errors import InvalidInput, UnknownName
from voicebill.billing.money import Amount
from voicebill.billing.offers import Rate
from voicebill.billing.price_book import PriceBook
from voicebill.billing.sku_periods import PricePeriod, Sku, normalize_name, price_periods

PERCENTILES = (10, 50, 90, 99)
"""Nearest rank: the p-th percentile of n amounts is the smallest that is not below p % of them."""

MAX_GROUP_FIELDS = 6
MAX_RATE = 10**18
"""In the unit of `Priced.per`; engines count in whole numbers of so many digits."""
CHRONOLOGICAL_FIELDS = ("month", "day", "hour", "turn")
"""Groups by these come in their order; all others begin with the dearest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostQuery:
    """Which records, and grouped by what.

    `where` is a condition, such as `condition("turn > 1")`. `until` is exclusive. `calls` asks for what sessions cost, which
    takes longer.

    `provider`, `deployment` and `tier` are taken where a record names none; then the answer says so.
    """

    by: tuple[str, ...] = ()
    where: Condition | None = None
    since: date | None = None
    until: date | None = None
    top: int | None = None
    calls: bool = True
    provider: str = "openai"
    deployment: str = "global"
    region: str = ""
    tier: str = "standard"

    def __post_init__(self) -> None:
        if isinstance(self.by, str) or isinstance(self.where, str):
            raise InvalidInput("by is a tuple of fields, and where a condition: condition('turn > 1')")
        names = tuple(parse_field(name) for name in self.by)
        if len(set(names)) < len(names):
            raise InvalidInput(f"a field can be grouped by once: {', '.join(names)}")
        if len(names) > MAX_GROUP_FIELDS:
            raise InvalidInput(f"at most {MAX_GROUP_FIELDS} fields can be grouped by, not {len(names)}")
        object.__setattr__(self, "by", names)
        for name in ("provider", "deployment", "region", "tier"):
            object.__setattr__(self, name, normalize_name(getattr(self, name)))
        if self.top is not None and self.top < 1:
            raise InvalidInput(f"top must be 1 or more, not {self.top}")
        if self.since and self.until and self.since >= self.until:
            raise InvalidInput(f"nothing lies between {self.since} and {self.until}, which is exclusive")


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
class Overview:
    """What an engine sees first: names with the days on which they occur (None: records without a day), and counts.

    `unnamed` counts the records that name no provider, and no deployment.
    """

    names: Sequence[tuple[Sku, date | None, date | None]]
    by_status: Mapping[str, int]
    unattributed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RateRow:
    """The rate of a meter in a span: `rate × per` picodollars a unit, and the lowest and highest that a source gives."""

    period: int
    meter: str
    rate: int
    lowest: int
    highest: int
    increment: int


@dataclass(frozen=True)
class PriceTable:
    """The prices that a question needs: spans by their place, and rates over one denominator, so that sums stay whole."""

    periods: Sequence[PricePeriod]
    rows: Sequence[RateRow]
    denominator: int

    def amount(self, numerator: int) -> Amount:
        """Picodollars: whole where the rates divide, else a fraction."""
        return numerator // self.denominator if numerator % self.denominator == 0 else Fraction(numerator, self.denominator)

    @property
    def by_meter(self) -> Mapping[tuple[int, str], RateRow]:
        """The rows, by span and meter."""
        return {(row.period, row.meter): row for row in self.rows}


@dataclass(frozen=True, slots=True)
class LineTotals:
    """Quantities of a meter in a span (-1: no day), in the cheapest and the dearest reading.

    `again` is how much of it had been read before, of `followed` for which that is known.
    """

    period: int
    meter: str
    low: int
    high: int
    repeated_tokens: int
    tracked_tokens: int
    sku: Sku


@dataclass(frozen=True, slots=True)
class GroupTotals:
    """A group: its records, its amounts as numerators over `Priced.per`, and how many quantities no price is known for."""

    keys: tuple[FieldValue, ...]
    records: int
    low: int
    high: int
    disputed_low: int
    disputed_high: int
    priced: int
    unpriced: int


@dataclass(frozen=True, slots=True)
class SessionTotals:
    """Percentiles over sessions whose every quantity has a price: numerators over `Priced.per`, by percentile.

    `low_minute` and `high_minute` give the numerator and the milliseconds of the session that is the percentile.
    """

    sessions: int
    low_sum: int
    high_sum: int
    low: Mapping[int, int]
    high: Mapping[int, int]
    timed: int
    milliseconds: int
    low_minute: Mapping[int, tuple[int, int]]
    high_minute: Mapping[int, tuple[int, int]]


class CountedQuery(Protocol):
    """The records that are asked about, as an engine counts them."""

    def overview(self, price_table: PriceTable | None = None) -> Overview:
        """The names and days that occur, and how many records. Before prices are known, an offer cannot be asked for."""
        ...

    def lines(self, price_table: PriceTable) -> Sequence[LineTotals]:
        """Quantities by span and meter."""
        ...

    def total(self, price_table: PriceTable) -> GroupTotals:
        """The amount of everything."""
        ...

    def groups(self, price_table: PriceTable) -> Sequence[GroupTotals]:
        """Amounts by the fields asked for: in order, or dearest first and at most so many as were asked for."""
        ...

    def unpriced_records(self, price_table: PriceTable) -> int:
        """How many records have a quantity that no price is known for."""
        ...

    def sessions(self, price_table: PriceTable) -> SessionTotals:
        """What sessions cost."""
        ...


class Engine(Protocol):
    """Counts a usage table. Every engine gives the same figures, to the last picodollar."""

    def count(self, query: CostQuery) -> CountedQuery:
        """The records that are asked about."""
        ...


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
class Cost:
    """The answer: what was counted, what it cost, and what stands in doubt."""

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


def cost(engine: Engine, query: CostQuery, prices: PriceBook) -> Cost:
    """What the records of a usage table cost.

    Raises:
        InvalidInput: a price of one's own is beyond any use.
    """
    counted_query = engine.count(query)
    overview = counted_query.overview()
    price_table = _price_table(overview, prices)
    if "offer" in fields_of(query.where):
        overview = counted_query.overview(price_table)
    line_totals = counted_query.lines(price_table)
    lines, unpriced = _lines(line_totals, price_table, prices)
    total = _group(counted_query.total(price_table), price_table)
    groups = tuple(_group(totals, price_table) for totals in counted_query.groups(price_table)) if query.by else ()
    unpriced_records = counted_query.unpriced_records(price_table) if unpriced else 0
    days = [day for _, *bounds in overview.names for day in bounds if day]
    notes = _notes(overview, query, price_table, lines)
    return Cost(
        query=query,
        counts=_counts(overview, unpriced_records),
        first=min(days, default=None),
        last=max(days, default=None),
        total=total,
        lines=lines,
        unpriced=unpriced,
        groups=groups,
        remainder=_remainder(total, groups) if query.top else None,
        per_call=_per_call(counted_query.sessions(price_table), price_table) if query.calls else None,
        cache_hit_share=_cache_hit_share(line_totals, prices),
        repeated_input_cost_share=_repeated_input_cost_share(line_totals, price_table),
        assumptions=tuple(notes[0]),
        warnings=tuple(notes[1]),
        prices=prices,
    )


def validate_sku(query: CostQuery, prices: PriceBook) -> None:
    """Refuse a provider or a deployment that nobody has, before anything is read.

    Raises:
        UnknownName: there is none of that name; the nearest are given.
    """
    providers = {offer.provider for offer in prices.offers}
    if query.provider not in providers:
        raise UnknownName("provider", query.provider, providers)
    deployments = {offer.deployment for offer in prices.offers}
    if query.deployment not in deployments:
        raise UnknownName("deployment", query.deployment, deployments)


def _price_table(overview: Overview, prices: PriceBook) -> PriceTable:
    """The rates of every name that occurs, over the days on which it does."""
    periods = [
        period for sku, first, last in overview.names if first and last for period in price_periods(prices, sku, first, last)
    ]
    rates = [
        (index, meter, rate, period.quote.rates.row.increments.get(meter, 1))
        for index, period in enumerate(periods)
        if period.quote
        for meter, rate in period.quote.rates.by_meter.items()
    ]
    unit_prices = [
        (index, meter, [_unit_price(rate), *_disputed_prices(rate)], increment) for index, meter, rate, increment in rates
    ]
    denominator = lcm(*(amount.denominator for _, _, amounts, _ in unit_prices for amount in amounts))
    rows = []
    if any(amount * denominator >= MAX_RATE for _, _, amounts, _ in unit_prices for amount in amounts):
        raise InvalidInput("these prices are beyond any use: one is a fortune for a single token, or for a millisecond")
    for index, meter, amounts, increment in unit_prices:
        scaled_rate, *_ = scaled_rates = [int(amount * denominator) for amount in amounts]
        rows.append(RateRow(index, meter, scaled_rate, min(scaled_rates), max(scaled_rates), increment))
    return PriceTable(periods, rows, denominator)


def _unit_price(rate: Rate) -> Fraction:
    return Fraction(rate.picodollars, rate.per)


def _disputed_prices(rate: Rate) -> list[Fraction]:
    return [_unit_price(Rate.from_price(rate.meter, dispute.price)) for dispute in rate.disputes]


def _lines(
    line_totals: Iterable[LineTotals], price_table: PriceTable, prices: PriceBook
) -> tuple[tuple[CostLine, ...], tuple[UnpricedLine, ...]]:
    billed, unpriced = [], []
    order = {name: index for index, name in enumerate(prices.meters)}
    for totals in sorted(
        line_totals, key=lambda entry: (entry.sku, entry.period, order.get(entry.meter, len(order)), entry.meter)
    ):
        if not (totals.low or totals.high):
            continue
        period = price_table.periods[totals.period] if totals.period >= 0 else None
        rate = period.quote.rates[totals.meter] if period and period.quote else None
        if period is None or rate is None:
            low, high = sorted((totals.low, totals.high))
            unpriced.append(UnpricedLine(totals.sku, totals.meter, low, high, _unpriced_reason(period, totals, prices)))
        else:
            billed.append(CostLine(period, Line(rate.meter, totals.low, rate), Line(rate.meter, totals.high, rate)))
    return tuple(billed), tuple(unpriced)


def _unpriced_reason(period: PricePeriod | None, totals: LineTotals, prices: PriceBook) -> str:
    if period is None:
        return "no day is known: name it with --day"
    if period.quote is None:
        return period.reason
    meter = prices.meters.get(totals.meter)
    return f"{period.quote.offer.name} has no price for {meter.label if meter else totals.meter}"


def _group(totals: GroupTotals, price_table: PriceTable) -> CostGroup:
    quantity_counts = (totals.priced + totals.unpriced, totals.unpriced)
    if not totals.priced:
        empty_amount = None if totals.unpriced else 0
        return CostGroup(totals.keys, totals.records, empty_amount, empty_amount, None, *quantity_counts)
    disputed = (price_table.amount(totals.disputed_low), price_table.amount(totals.disputed_high))
    low, high = price_table.amount(totals.low), price_table.amount(totals.high)
    return CostGroup(totals.keys, totals.records, low, high, None if disputed == (low, high) else disputed, *quantity_counts)


def _remainder(total: CostGroup, groups: Sequence[CostGroup]) -> CostGroup | None:
    """What is left of the total when the groups shown are taken away; None where nothing is."""
    records = total.records - sum(group.records for group in groups)
    quantities = total.quantities - sum(group.quantities for group in groups)
    unpriced = total.unpriced - sum(group.unpriced for group in groups)
    if total.low is None or total.high is None:
        return CostGroup((), records, None, None, None, quantities, unpriced) if records > 0 else None
    low = total.low - sum((group.low or 0 for group in groups), Fraction(0))
    high = total.high - sum((group.high or 0 for group in groups), Fraction(0))
    return CostGroup((), records, low, high, None, quantities, unpriced) if records > 0 or low or high or unpriced else None


def _counts(overview: Overview, unpriced: int) -> RecordCounts:
    missing = overview.by_status.get("missing", 0)
    billed = sum(overview.by_status.values()) - missing - unpriced
    return RecordCounts(
        billed=billed,
        unpriced=unpriced,
        without_usage=missing,
        ambiguous=overview.by_status.get("ambiguous", 0),
        inconsistent=overview.by_status.get("inconsistent", 0),
        unattributed=overview.unattributed,
    )


def _per_call(totals: SessionTotals, price_table: PriceTable) -> PerCall | None:
    if not totals.sessions:
        return None

    def mean(numerator: int) -> Amount:
        return Fraction(numerator, price_table.denominator * totals.sessions)

    percentiles = {
        percent: (price_table.amount(totals.low[percent]), price_table.amount(totals.high[percent])) for percent in totals.low
    }

    def amount_per_minute(amount_and_ms: tuple[int, int]) -> Amount:
        return Fraction(amount_and_ms[0] * 60_000, price_table.denominator * amount_and_ms[1])

    per_minute = {
        percent: (amount_per_minute(low), amount_per_minute(totals.high_minute[percent]))
        for percent, low in totals.low_minute.items()
    }
    return PerCall(
        totals.sessions,
        (mean(totals.low_sum), mean(totals.high_sum)),
        percentiles,
        totals.timed,
        Fraction(totals.milliseconds, 60_000),
        per_minute,
    )


def _cache_hit_share(line_totals: Iterable[LineTotals], prices: PriceBook) -> Fraction | None:
    """The share of input tokens that was found in the cache, taken where that is determined."""
    cached_tokens = input_tokens = 0
    for totals in line_totals:
        meter = prices.meters.get(totals.meter)
        if meter and meter.unit == "token" and meter.direction == "in" and totals.low == totals.high:
            input_tokens += totals.low
            cached_tokens += totals.low if meter.is_cached else 0
    return Fraction(cached_tokens, input_tokens) if input_tokens else None


def _repeated_input_cost_share(line_totals: Iterable[LineTotals], price_table: PriceTable) -> Fraction | None:
    """The share of the cost that is history read once more, over the records for which that is known."""
    rates = price_table.by_meter
    repeated_cost = tracked_cost = 0
    for totals in line_totals:
        row = rates.get((totals.period, totals.meter))
        if row is not None:
            repeated_cost += totals.repeated_tokens * row.rate
            tracked_cost += totals.tracked_tokens * row.rate
    return Fraction(repeated_cost, tracked_cost) if tracked_cost else None


def _notes(
    overview: Overview, query: CostQuery, price_table: PriceTable, lines: Sequence[CostLine]
) -> tuple[list[str], list[str]]:
    """What was assumed, and what is to be feared, each once."""
    assumptions = [
        f"{count:,} {'record names' if count == 1 else 'records name'} no {name}: {default} is taken (else say --{name})"
        for name, default in (("provider", query.provider), ("deployment", query.deployment))
        if (count := overview.unattributed.get(name, 0))
    ]
    warnings: list[str] = []
    used_periods = {id(line.period) for line in lines}
    for period in price_table.periods:
        if period.quote and id(period) in used_periods:
            assumptions += period.quote.assumptions
            warnings += period.quote.warnings
    for line in lines:
        if line.period.quote:
            warnings += rate_warnings([line.high], line.period.quote.rates)
    return list(dict.fromkeys(assumptions)), list(dict.fromkeys(warnings))
