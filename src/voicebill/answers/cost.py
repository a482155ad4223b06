"""What conversations did cost: totals, bill lines and groups of whatever was recorded.

The counting is done by an engine: the row path in `answers/rows.py`, which is the reference, or one of `voicebill.engines`,
which do the same over millions of rows. Finding prices, and saying what was assumed, is done here, once for all of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from math import lcm
from typing import Protocol

from voicebill.answers.where import Condition, Value, field_named, fields_of
from voicebill.billing.bill import Line
from voicebill.billing.bill import warnings as doubts
from voicebill.billing.errors import InvalidInput, UnknownName
from voicebill.billing.money import Amount
from voicebill.billing.offers import Rate
from voicebill.billing.price_book import PriceBook
from voicebill.billing.sold import Sold, Span, plain, spans

PERCENTILES = (10, 50, 90, 99)
"""Nearest rank: the p-th percentile of n amounts is the smallest that is not below p % of them."""

MOST_BY = 6
MOST_RATE = 10**18
"""In the unit of `Priced.per`; engines count in whole numbers of so many digits."""
IN_ORDER = ("month", "day", "hour", "turn")
"""Groups by these come in their order; all others begin with the dearest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostAsked:
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
        names = tuple(field_named(name) for name in self.by)
        if len(set(names)) < len(names):
            raise InvalidInput(f"a field can be grouped by once: {', '.join(names)}")
        if len(names) > MOST_BY:
            raise InvalidInput(f"at most {MOST_BY} fields can be grouped by, not {len(names)}")
        object.__setattr__(self, "by", names)
        for name in ("provider", "deployment", "region", "tier"):
            object.__setattr__(self, name, plain(getattr(self, name)))
        if self.top is not None and self.top < 1:
            raise InvalidInput(f"top must be 1 or more, not {self.top}")
        if self.since and self.until and self.since >= self.until:
            raise InvalidInput(f"nothing lies between {self.since} and {self.until}, which is exclusive")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many records there were: each is billed, unpriced (at least in part), or without usage.

    Of these, some are bounded or inconsistent. `unnamed` says by field how many name no provider or deployment.
    """

    billed: int
    unpriced: int
    without_usage: int
    bounded: int
    inconsistent: int
    unnamed: Mapping[str, int] = field(default_factory=dict)

    @property
    def records(self) -> int:
        """All of them."""
        return self.billed + self.unpriced + self.without_usage


@dataclass(frozen=True, slots=True)
class Overview:
    """What an engine sees first: names with the days on which they occur (None: records without a day), and counts.

    `unnamed` counts the records that name no provider, and no deployment.
    """

    names: Sequence[tuple[Sold, date | None, date | None]]
    by_status: Mapping[str, int]
    unnamed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PriceRow:
    """The rate of a meter in a span: `rate × per` picodollars a unit, and the lowest and highest that a source gives."""

    span: int
    meter: str
    rate: int
    lowest: int
    highest: int
    step: int


@dataclass(frozen=True)
class Priced:
    """The prices that a question needs: spans by their place, and rates over one denominator, so that sums stay whole."""

    spans: Sequence[Span]
    rows: Sequence[PriceRow]
    per: int

    def amount(self, numerator: int) -> Amount:
        """Picodollars: whole where the rates divide, else a fraction."""
        return numerator // self.per if numerator % self.per == 0 else Fraction(numerator, self.per)

    @property
    def by_meter(self) -> Mapping[tuple[int, str], PriceRow]:
        """The rows, by span and meter."""
        return {(row.span, row.meter): row for row in self.rows}


@dataclass(frozen=True, slots=True)
class LineTally:
    """Quantities of a meter in a span (-1: no day), in the cheapest and the dearest reading.

    `again` is how much of it had been read before, of `followed` for which that is known.
    """

    span: int
    meter: str
    low: int
    high: int
    again: int
    followed: int
    sold: Sold


@dataclass(frozen=True, slots=True)
class GroupTally:
    """A group: its records, its amounts as numerators over `Priced.per`, and how many quantities no price is known for."""

    keys: tuple[Value, ...]
    records: int
    low: int
    high: int
    disputed_low: int
    disputed_high: int
    priced: int
    unpriced: int


@dataclass(frozen=True, slots=True)
class SessionTally:
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


class Counting(Protocol):
    """The records that are asked about, as an engine counts them."""

    def overview(self, priced: Priced | None = None) -> Overview:
        """The names and days that occur, and how many records. Before prices are known, an offer cannot be asked for."""
        ...

    def lines(self, priced: Priced) -> Sequence[LineTally]:
        """Quantities by span and meter."""
        ...

    def total(self, priced: Priced) -> GroupTally:
        """The amount of everything."""
        ...

    def groups(self, priced: Priced) -> Sequence[GroupTally]:
        """Amounts by the fields asked for: in order, or dearest first and at most so many as were asked for."""
        ...

    def unpriced_records(self, priced: Priced) -> int:
        """How many records have a quantity that no price is known for."""
        ...

    def sessions(self, priced: Priced) -> SessionTally:
        """What sessions cost."""
        ...


class Engine(Protocol):
    """Counts a usage table. Every engine gives the same figures, to the last picodollar."""

    def count(self, asked: CostAsked) -> Counting:
        """The records that are asked about."""
        ...


@dataclass(frozen=True, slots=True)
class CostLine:
    """One line of the bill: a meter of an offer over the days of one price row.

    The quantities and amounts are those of the cheapest and the dearest reading; they are equal where nothing is bounded.
    """

    span: Span
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

    sold: Sold
    meter: str
    low: int
    high: int
    why: str


@dataclass(frozen=True, slots=True)
class Group:
    """What a group cost: exact where both amounts are equal, a range otherwise; None: no part of it has a price.

    `low` is its part of the cheapest reading and `high` of the dearest, so that groups add up to the total in each; of a
    single meter the first can be the larger one, since what is less of one meter is more of another. Of its `quantities`,
    one for each record and meter, no price is known for `unpriced`.
    """

    keys: tuple[Value, ...]
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

    asked: CostAsked
    counts: Counts
    first: date | None
    last: date | None
    total: Group
    lines: tuple[CostLine, ...]
    unpriced: tuple[UnpricedLine, ...]
    groups: tuple[Group, ...]
    others: Group | None
    per_call: PerCall | None
    cache_hits: Fraction | None
    reread: Fraction | None
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]
    prices: PriceBook


def cost(engine: Engine, asked: CostAsked, prices: PriceBook) -> Cost:
    """What the records of a usage table cost.

    Raises:
        InvalidInput: a price of one's own is beyond any use.
    """
    counting = engine.count(asked)
    seen = counting.overview()
    priced = _priced(seen, prices)
    if "offer" in fields_of(asked.where):
        seen = counting.overview(priced)
    tallies = counting.lines(priced)
    lines, unpriced = _lines(tallies, priced, prices)
    total = _group(counting.total(priced), priced)
    shown = tuple(_group(each, priced) for each in counting.groups(priced)) if asked.by else ()
    lost = counting.unpriced_records(priced) if unpriced else 0
    days = [day for _, *both in seen.names for day in both if day]
    said = _said(seen, asked, priced, lines)
    return Cost(
        asked=asked,
        counts=_counts(seen, lost),
        first=min(days, default=None),
        last=max(days, default=None),
        total=total,
        lines=lines,
        unpriced=unpriced,
        groups=shown,
        others=_others(total, shown) if asked.top else None,
        per_call=_per_call(counting.sessions(priced), priced) if asked.calls else None,
        cache_hits=_cache_hits(tallies, prices),
        reread=_reread(tallies, priced),
        assumptions=tuple(said[0]),
        warnings=tuple(said[1]),
        prices=prices,
    )


def check_bought(asked: CostAsked, prices: PriceBook) -> None:
    """Refuse a provider or a deployment that nobody has, before anything is read.

    Raises:
        UnknownName: there is none of that name; the nearest are given.
    """
    sellers = {offer.provider for offer in prices.offers}
    if asked.provider not in sellers:
        raise UnknownName("provider", asked.provider, sellers)
    deployments = {offer.deployment for offer in prices.offers}
    if asked.deployment not in deployments:
        raise UnknownName("deployment", asked.deployment, deployments)


def _priced(seen: Overview, prices: PriceBook) -> Priced:
    """The rates of every name that occurs, over the days on which it does."""
    found = [span for sold, first, last in seen.names if first and last for span in spans(prices, sold, first, last)]
    rates = [
        (at, meter, rate, span.found.rates.row.increments.get(meter, 1))
        for at, span in enumerate(found)
        if span.found
        for meter, rate in span.found.rates.by_meter.items()
    ]
    figures = [(at, meter, [_each(rate), *_rivals(rate)], step) for at, meter, rate, step in rates]
    per = lcm(*(figure.denominator for _, _, known, _ in figures for figure in known))
    rows = []
    if any(figure * per >= MOST_RATE for _, _, known, _ in figures for figure in known):
        raise InvalidInput("these prices are beyond any use: one is a fortune for a single token, or for a millisecond")
    for at, meter, known, step in figures:
        used, *_ = whole = [int(figure * per) for figure in known]
        rows.append(PriceRow(at, meter, used, min(whole), max(whole), step))
    return Priced(found, rows, per)


def _each(rate: Rate) -> Fraction:
    return Fraction(rate.picodollars, rate.per)


def _rivals(rate: Rate) -> list[Fraction]:
    return [_each(Rate.quoted(rate.meter, dispute.price)) for dispute in rate.disputes]


def _lines(
    tallies: Iterable[LineTally], priced: Priced, prices: PriceBook
) -> tuple[tuple[CostLine, ...], tuple[UnpricedLine, ...]]:
    billed, unpriced = [], []
    order = {name: at for at, name in enumerate(prices.meters)}
    for tally in sorted(tallies, key=lambda each: (each.sold, each.span, order.get(each.meter, len(order)), each.meter)):
        if not (tally.low or tally.high):
            continue
        span = priced.spans[tally.span] if tally.span >= 0 else None
        rate = span.found.rates[tally.meter] if span and span.found else None
        if span is None or rate is None:
            low, high = sorted((tally.low, tally.high))
            unpriced.append(UnpricedLine(tally.sold, tally.meter, low, high, _why(span, tally, prices)))
        else:
            billed.append(CostLine(span, Line(rate.meter, tally.low, rate), Line(rate.meter, tally.high, rate)))
    return tuple(billed), tuple(unpriced)


def _why(span: Span | None, tally: LineTally, prices: PriceBook) -> str:
    if span is None:
        return "no day is known: name it with --day"
    if span.found is None:
        return span.why
    meter = prices.meters.get(tally.meter)
    return f"{span.found.offer.name} has no price for {meter.label if meter else tally.meter}"


def _group(tally: GroupTally, priced: Priced) -> Group:
    counted = (tally.priced + tally.unpriced, tally.unpriced)
    if not tally.priced:
        nothing = None if tally.unpriced else 0
        return Group(tally.keys, tally.records, nothing, nothing, None, *counted)
    disputed = (priced.amount(tally.disputed_low), priced.amount(tally.disputed_high))
    low, high = priced.amount(tally.low), priced.amount(tally.high)
    return Group(tally.keys, tally.records, low, high, None if disputed == (low, high) else disputed, *counted)


def _others(total: Group, shown: Sequence[Group]) -> Group | None:
    """What is left of the total when the groups shown are taken away; None where nothing is."""
    records = total.records - sum(group.records for group in shown)
    quantities = total.quantities - sum(group.quantities for group in shown)
    unpriced = total.unpriced - sum(group.unpriced for group in shown)
    if total.low is None or total.high is None:
        return Group((), records, None, None, None, quantities, unpriced) if records > 0 else None
    low = total.low - sum((group.low or 0 for group in shown), Fraction(0))
    high = total.high - sum((group.high or 0 for group in shown), Fraction(0))
    return Group((), records, low, high, None, quantities, unpriced) if records > 0 or low or high or unpriced else None


def _counts(seen: Overview, unpriced: int) -> Counts:
    none = seen.by_status.get("none", 0)
    counted = sum(seen.by_status.values()) - none - unpriced
    return Counts(
        billed=counted,
        unpriced=unpriced,
        without_usage=none,
        bounded=seen.by_status.get("bounded", 0),
        inconsistent=seen.by_status.get("inconsistent", 0),
        unnamed=seen.unnamed,
    )


def _per_call(sessions: SessionTally, priced: Priced) -> PerCall | None:
    if not sessions.sessions:
        return None

    def mean(numerator: int) -> Amount:
        return Fraction(numerator, priced.per * sessions.sessions)

    percentiles = {
        percent: (priced.amount(sessions.low[percent]), priced.amount(sessions.high[percent])) for percent in sessions.low
    }

    def a_minute(of: tuple[int, int]) -> Amount:
        return Fraction(of[0] * 60_000, priced.per * of[1])

    per_minute = {
        percent: (a_minute(low), a_minute(sessions.high_minute[percent])) for percent, low in sessions.low_minute.items()
    }
    return PerCall(
        sessions.sessions,
        (mean(sessions.low_sum), mean(sessions.high_sum)),
        percentiles,
        sessions.timed,
        Fraction(sessions.milliseconds, 60_000),
        per_minute,
    )


def _cache_hits(tallies: Iterable[LineTally], prices: PriceBook) -> Fraction | None:
    """The share of input tokens that was found in the cache, taken where that is determined."""
    cached = read = 0
    for tally in tallies:
        meter = prices.meters.get(tally.meter)
        if meter and meter.unit == "token" and meter.direction == "in" and tally.low == tally.high:
            read += tally.low
            cached += tally.low if meter.cached else 0
    return Fraction(cached, read) if read else None


def _reread(tallies: Iterable[LineTally], priced: Priced) -> Fraction | None:
    """The share of the cost that is history read once more, over the records for which that is known."""
    rates = priced.by_meter
    again = followed = 0
    for tally in tallies:
        row = rates.get((tally.span, tally.meter))
        if row is not None:
            again += tally.again * row.rate
            followed += tally.followed * row.rate
    return Fraction(again, followed) if followed else None


def _said(seen: Overview, asked: CostAsked, priced: Priced, lines: Sequence[CostLine]) -> tuple[list[str], list[str]]:
    """What was assumed, and what is to be feared, each once."""
    assumed = [
        f"{count:,} {'record names' if count == 1 else 'records name'} no {name}: {taken} is taken (else say --{name})"
        for name, taken in (("provider", asked.provider), ("deployment", asked.deployment))
        if (count := seen.unnamed.get(name, 0))
    ]
    feared: list[str] = []
    used = {id(line.span) for line in lines}
    for span in priced.spans:
        if span.found and id(span) in used:
            assumed += span.found.assumptions
            feared += span.found.warnings
    for line in lines:
        if line.span.found:
            feared += doubts([line.high], line.span.found.rates)
    return list(dict.fromkeys(assumed)), list(dict.fromkeys(feared))
