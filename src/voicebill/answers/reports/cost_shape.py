"""Build the JSON of a cost report, the same for Python, `--json` and HTTP."""

from fractions import Fraction

from voicebill.answers.recorded.filters import FieldValue
from voicebill.answers.recorded.result import Cost, CostGroup, CostLine, RecordCounts, UnpricedLine
from voicebill.answers.reports.shape import Shape, line_shapes
from voicebill.billing.bill import Line
from voicebill.billing.money import Amount, format_dollars
from voicebill.billing.price_book import PriceBook


def cost_shape(answer: Cost) -> Shape:
    """A cost report as JSON. Dollars are exact decimal strings; each amount has a status (see `amount_status`)."""
    return {
        "records": _counts(answer.counts),
        "days": {"first": _day(answer.first), "last": _day(answer.last)},
        "total": _amounts(answer.total),
        "by": list(answer.query.by),
        "groups": [_group(group, answer.query.by) for group in answer.groups],
        "remainder": _amounts(answer.remainder) if answer.remainder else None,
        "lines": [_line(line) for line in answer.lines],
        "unpriced": [_unpriced(line) for line in answer.unpriced],
        "per_call": _per_call(answer),
        "cache_hit_share": _share(answer.cache_hit_share),
        "repeated_input_cost_share": _share(answer.repeated_input_cost_share),
        "warnings": list(answer.warnings),
        "assumptions": list(answer.assumptions),
        "facts": {"prices": answer.prices.digest},
    }


def _counts(counts: RecordCounts) -> Shape:
    return {
        "all": counts.records,
        "billed": counts.billed,
        "unpriced": counts.unpriced,
        "without_usage": counts.without_usage,
        "ambiguous": counts.ambiguous,
        "inconsistent": counts.inconsistent,
        "unattributed": {name: count for name, count in counts.unattributed.items() if count},
    }


def _group(group: CostGroup, by: tuple[str, ...]) -> Shape:
    """A group as JSON: its fields by name, and its amounts."""
    return {"keys": {name: _key_json(key) for name, key in zip(by, group.keys, strict=True)}} | _amounts(group)


def amount_status(group: CostGroup) -> str:
    """The status of an amount: exact, range, partial (some usage has no price), unpriced (all of it), or nothing (no usage)."""
    if not group.quantities:
        return "nothing"
    if group.low is None:
        return "unpriced"
    if group.unpriced:
        return "partial"
    return "exact" if group.low == group.high else "range"


def _amounts(group: CostGroup) -> Shape:
    exact = amount_status(group) in ("exact", "nothing")
    disputed = group.disputed
    return {
        "records": group.records,
        "status": amount_status(group),
        "dollars": _dollars(group.low) if exact else None,
        "low": _dollars(group.low),
        "high": _dollars(group.high),
        "disputed": {"low": format_dollars(disputed[0]), "high": format_dollars(disputed[1])} if disputed else None,
        "unpriced_quantities": group.unpriced,
    }


def _line(line: CostLine) -> Shape:
    """A line of the bill as JSON, with the ranges of its quantity and amount, and disputed prices."""
    assert line.period.quote is not None
    quote = line.period.quote
    (shape,) = line_shapes([line.line], quote)
    open_counts = line.line.quantity != line.high.quantity
    return shape | {
        "logged_model": line.period.sku.model,
        "since": quote.rates.row.since.text,
        "quantity": None if open_counts else line.line.quantity,
        "quantities": [line.line.quantity, line.high.quantity],
        "dollars": None if open_counts else shape["dollars"],
        "low": format_dollars(line.low_amount),
        "high": format_dollars(line.high_amount),
        "disputed": [{"dollars": str(dispute.price), "source": dispute.source} for dispute in line.line.rate.disputes]
        if line.line.rate
        else [],
    }


def _unpriced(line: UnpricedLine) -> Shape:
    return {
        "provider": line.sku.provider,
        "model": line.sku.model or None,
        "deployment": line.sku.deployment,
        "region": line.sku.region or None,
        "meter": line.meter,
        "quantities": [line.low, line.high],
        "reason": line.reason,
    }


def _per_call(answer: Cost) -> Shape | None:
    calls = answer.per_call
    if calls is None:
        return None
    return {
        "calls": calls.sessions,
        "mean": {"low": format_dollars(calls.mean[0]), "high": format_dollars(calls.mean[1])},
        "percentiles": {
            f"p{percent}": {"low": format_dollars(low), "high": format_dollars(high)}
            for percent, (low, high) in calls.percentiles.items()
        },
        "timed_calls": calls.timed,
        "minutes": str(round(float(calls.minutes), 3)),
        "per_minute": {
            f"p{percent}": {"low": format_dollars(low), "high": format_dollars(high)}
            for percent, (low, high) in calls.per_minute.items()
        },
    }


def format_quantity_range(low: int, high: int, meter: str, prices: PriceBook) -> str:
    """A quantity, or a range of two, as text with its unit."""
    priced_meter = prices.meters.get(meter)
    quantities = [
        Line(priced_meter, quantity, None).meter.format_quantity(quantity) if priced_meter else f"{quantity:,}"
        for quantity in sorted({low, high})
    ]
    return " to ".join(quantities)


def _share(share: Fraction | None) -> float | None:
    return None if share is None else round(float(share), 6)


def _dollars(amount: Amount | None) -> str | None:
    return None if amount is None else format_dollars(amount)


def _day(day: object) -> str | None:
    return str(day) if day else None


def _key_json(key: FieldValue) -> str | int | None:
    return key if key is None or isinstance(key, int) else str(key)
