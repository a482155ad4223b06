"""Calculate what recorded usage cost: totals, bill lines and groups.

An engine counts the records: the reference engine in `python_engine`, or one in `voicebill.engines`, which can count millions
of rows. Prices and assumptions are determined here, in the same way for every engine.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from voicebill.answers.recorded.engine import Engine, GroupTotals, LineTotals, Overview, SessionTotals
from voicebill.answers.recorded.filters import fields_of
from voicebill.answers.recorded.price_table import PriceTable, build_price_table
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.recorded.result import Cost, CostGroup, CostLine, PerCall, RecordCounts, UnpricedLine
from voicebill.answers.recorded.unread_usage import UnreadUsage
from voicebill.billing.bill import Line, rate_warnings
from voicebill.billing.errors import UnknownName, VoicebillError
from voicebill.billing.money import Amount
from voicebill.billing.offers import Kind
from voicebill.billing.price_book import PriceBook
from voicebill.billing.sku_periods import PricePeriod, normalize_name

KINDS_WITHOUT_CACHE: tuple[Kind, ...] = ("transcription", "speech")
"""Kinds of models that read each input once and cache nothing."""

MANY_GROUPS = 100_000
"""With more groups the memory that they take is stated: a group takes about 1 kB, and 3 kB as JSON."""

MAX_SUGGESTIONS = 100
"""The maximum number of names without prices for which the nearest names are looked for."""


def cost(engine: Engine, query: CostQuery, prices: PriceBook, *, unread_usage: UnreadUsage | None = None) -> Cost:
    """The cost of the records that a query matches, as counted by an engine.

    `unread_usage` is what the logs show beside these records: it makes the answer incomplete.

    Raises:
        InvalidInput: a price is too high for exact totals.
    """
    counted_query = engine.count(query)
    overview = counted_query.overview()
    price_table = build_price_table(overview.names, prices)
    if "offer" in fields_of(query.where):
        overview = counted_query.overview(price_table)
    line_totals = counted_query.lines(price_table)
    lines, unpriced = _lines(line_totals, price_table, prices)
    total = _group(counted_query.total(price_table), price_table)
    unknown_minutes = () if "meter" in fields_of(query.where) else _unknown_minutes(lines, unpriced)
    if unknown_minutes:
        count = len(unknown_minutes)
        total = replace(total, quantities=total.quantities + count, unpriced=total.unpriced + count)
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
        unpriced=(*unpriced, *unknown_minutes),
        groups=groups,
        remainder=_remainder(total, groups) if query.top else None,
        per_call=_per_call(counted_query.sessions(price_table), price_table) if query.calls else None,
        cache_hit_share_range=_cache_hit_share_range(line_totals, price_table, prices),
        repeated_input_cost_share=_repeated_input_cost_share(line_totals, price_table),
        assumptions=tuple(notes[0]),
        warnings=(*([unread_usage.warning] if unread_usage else []), *_many_groups(groups, query), *notes[1]),
        prices=prices,
        unread_usage=unread_usage,
    )


def _lines(
    line_totals: Iterable[LineTotals], price_table: PriceTable, prices: PriceBook
) -> tuple[tuple[CostLine, ...], tuple[UnpricedLine, ...]]:
    billed, unpriced = [], []
    reasons: dict[int, str] = {}
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
            if period and period.error and totals.period not in reasons:
                reasons[totals.period] = _short_reason(period.error) if len(reasons) >= MAX_SUGGESTIONS else period.reason
            reason = reasons.get(totals.period) or _unpriced_reason(period, totals, prices)
            unpriced.append(UnpricedLine(totals.sku, totals.meter, low, high, reason))
        else:
            billed.append(CostLine(period, Line(rate.meter, totals.low, rate), Line(rate.meter, totals.high, rate)))
    return tuple(billed), tuple(unpriced)


def _short_reason(error: VoicebillError) -> str:
    return error.short_message if isinstance(error, UnknownName) else str(error)


def _unknown_minutes(lines: Sequence[CostLine], unpriced: Sequence[UnpricedLine]) -> tuple[UnpricedLine, ...]:
    """The time of offers that bill the minutes of a session as well, if there are none of it beside the tokens."""
    periods = {line.period.sku: line.period for line in lines}
    timed = {line.period.quote.offer.id for line in lines if line.period.quote and line.line.meter.unit == "ms"}
    skus = {line.sku for line in unpriced}
    return tuple(
        UnpricedLine(
            period.sku,
            meter,
            0,
            0,
            f"{period.quote.offer.name} bills the minutes of a session as well, and the time of its sessions is not known",
        )
        for sku, period in periods.items()
        if period.quote and period.quote.offer.id not in timed and sku not in skus
        for meter in sorted(period.quote.rates.time_meters)
    )


def _unpriced_reason(period: PricePeriod | None, totals: LineTotals, prices: PriceBook) -> str:
    if period is None or period.quote is None:
        return "no day is known: give a day"
    name = period.quote.offer.name
    if totals.meter in period.quote.rates.included_meters:
        return f"{name} bills the minutes of a session, which include tokens, and the time of these sessions is not known"
    meter = prices.meters.get(totals.meter)
    reason = f"{name} has no price for {meter.label if meter else totals.meter}"
    if period.quote.rates["session_ms"] is not None and meter is not None and meter.unit == "token":
        return f"{reason}: its sessions are billed by time, and tokens are of a model behind it that the log does not name"
    return reason


def _group(totals: GroupTotals, price_table: PriceTable) -> CostGroup:
    quantity_counts = (totals.priced + totals.unpriced, totals.unpriced)
    if not totals.priced:
        empty_amount = None if totals.unpriced else 0
        return CostGroup(totals.keys, totals.records, empty_amount, empty_amount, None, *quantity_counts)
    disputed = (price_table.amount(totals.disputed_low), price_table.amount(totals.disputed_high))
    low, high = price_table.amount(totals.low), price_table.amount(totals.high)
    return CostGroup(totals.keys, totals.records, low, high, None if disputed == (low, high) else disputed, *quantity_counts)


def _remainder(total: CostGroup, groups: Sequence[CostGroup]) -> CostGroup | None:
    """The total minus the groups that are listed; None if nothing remains."""
    records = total.records - sum(group.records for group in groups)
    quantities = total.quantities - sum(group.quantities for group in groups)
    unpriced = total.unpriced - sum(group.unpriced for group in groups)
    if total.low is None or total.high is None:
        return CostGroup((), records, None, None, None, quantities, unpriced) if records > 0 else None
    low = total.low - sum((group.low or 0 for group in groups), Fraction(0))
    high = total.high - sum((group.high or 0 for group in groups), Fraction(0))
    return CostGroup((), records, low, high, None, quantities, unpriced) if records > 0 or low or high or unpriced else None


def _many_groups(groups: Sequence[CostGroup], query: CostQuery) -> Iterator[str]:
    if len(groups) > MANY_GROUPS and query.top is None:
        yield (
            f"{len(groups):,} groups by {', '.join(query.by)} are all in memory and in this answer: if memory is short, limit "
            "them to the most expensive with top"
        )


def _counts(overview: Overview, unpriced: int) -> RecordCounts:
    missing = overview.by_status.get("missing", 0)
    billed = sum(overview.by_status.values()) - missing - unpriced
    return RecordCounts(
        billed=billed,
        unpriced=unpriced,
        without_usage=missing,
        ambiguous=overview.by_status.get("ambiguous", 0),
        inconsistent=overview.by_status.get("inconsistent", 0),
        unattributed={name: overview.unattributed.get(name, 0) for name in ("provider", "deployment")},
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


def _cache_hit_share_range(
    line_totals: Iterable[LineTotals], price_table: PriceTable, prices: PriceBook
) -> tuple[Fraction, Fraction] | None:
    """The share of cached tokens in the input tokens, in the cheapest and in the dearest reading; None if it is not known.

    It is not known without input tokens, nor if none of them is reported as cached: the logs may not say which were.

    The input is that of the models that reply, which are the ones with a cache: not of the models that only transcribe or
    read aloud, nor of models that the log does not name, which may be such. Unpriced input counts only if all of it is.
    """
    without_cache = {
        normalize_name(name)
        for offer in prices.offers
        if offer.kind in KINDS_WITHOUT_CACHE
        for name in (offer.model, offer.name, *offer.also_named)
    }
    tokens: Counter[tuple[bool, int, bool]] = Counter()
    """Tokens by whether they are priced, side of the range, and whether they were cached."""
    for totals in line_totals:
        quote = price_table.periods[totals.period].quote if totals.period >= 0 else None
        if not totals.sku.model or totals.sku.model in without_cache or (quote and quote.offer.kind in KINDS_WITHOUT_CACHE):
            continue
        meter = prices.meters.get(totals.meter)
        if meter and meter.unit == "token" and meter.direction == "in":
            is_priced = (totals.period, totals.meter) in price_table.by_meter
            tokens[is_priced, 0, meter.is_cached] += totals.low
            tokens[is_priced, 1, meter.is_cached] += totals.high
    for is_priced in (True, False):
        sides = [(tokens[is_priced, side, True], tokens[is_priced, side, False]) for side in (0, 1)]
        if all(map(sum, sides)):
            first, second = sorted(Fraction(cached, cached + uncached) for cached, uncached in sides)
            return (first, second) if second else None
    return None


def _repeated_input_cost_share(line_totals: Iterable[LineTotals], price_table: PriceTable) -> Fraction | None:
    """The share of the cost that is repeated input, over the quantities for which that is known; None if there are none."""
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
    """Assumptions and warnings, each sentence once."""
    assumptions = [
        f"{count:,} {'record names' if count == 1 else 'records name'} no {name}: {default} is taken (else give a {name})"
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
