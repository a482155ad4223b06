"""The one shape of what conversations did cost: what Python, `--json` and HTTP share, and the columns of exports."""

from fractions import Fraction

from voicebill.answers.cost import Cost, CostLine, Counts, Group, UnpricedLine
from voicebill.answers.shape import Shape, line_shapes
from voicebill.answers.where import Value
from voicebill.billing.bill import Line
from voicebill.billing.money import Amount, dollars
from voicebill.billing.price_book import PriceBook


def cost_shape(answer: Cost) -> Shape:
    """The whole answer. Dollars are exact decimal strings; a status says how an amount is to be read."""
    return {
        "records": _counts(answer.counts),
        "days": {"first": _day(answer.first), "last": _day(answer.last)},
        "total": _amounts(answer.total),
        "by": list(answer.asked.by),
        "groups": [_group(group, answer.asked.by) for group in answer.groups],
        "others": _amounts(answer.others) if answer.others else None,
        "lines": [_line(line) for line in answer.lines],
        "unpriced": [_unpriced(line) for line in answer.unpriced],
        "per_call": _per_call(answer),
        "cache_hit_share": _share(answer.cache_hits),
        "reread_share": _share(answer.reread),
        "warnings": list(answer.warnings),
        "assumptions": list(answer.assumptions),
        "facts": {"prices": answer.prices.digest},
    }


def _counts(counts: Counts) -> Shape:
    return {
        "all": counts.records,
        "billed": counts.billed,
        "unpriced": counts.unpriced,
        "without_usage": counts.without_usage,
        "bounded": counts.bounded,
        "inconsistent": counts.inconsistent,
        "unnamed": {name: count for name, count in counts.unnamed.items() if count},
    }


def _group(group: Group, by: tuple[str, ...]) -> Shape:
    """A group: its fields by name, and its amounts."""
    return {"keys": {name: _plain(key) for name, key in zip(by, group.keys, strict=True)}} | _amounts(group)


def status_of(group: Group) -> str:
    """How an amount is to be read: exact, a range, only a part of what it should be, unpriced, or of nothing counted."""
    if not group.quantities:
        return "nothing"
    if group.low is None:
        return "unpriced"
    if group.unpriced:
        return "partial"
    return "exact" if group.low == group.high else "range"


def _amounts(group: Group) -> Shape:
    exact = status_of(group) in ("exact", "nothing")
    disputed = group.disputed
    return {
        "records": group.records,
        "status": status_of(group),
        "dollars": _dollars(group.low) if exact else None,
        "low": _dollars(group.low),
        "high": _dollars(group.high),
        "disputed": {"low": dollars(disputed[0]), "high": dollars(disputed[1])} if disputed else None,
        "unpriced_quantities": group.unpriced,
    }


def _line(line: CostLine) -> Shape:
    """A line as every answer has it, with what is left open of its quantity and amount."""
    assert line.span.found is not None
    found = line.span.found
    (shape,) = line_shapes([line.line], found)
    open_counts = line.line.quantity != line.high.quantity
    return shape | {
        "named": line.span.sold.model,
        "since": found.rates.row.since.text,
        "quantity": None if open_counts else line.line.quantity,
        "quantities": [line.line.quantity, line.high.quantity],
        "dollars": None if open_counts else shape["dollars"],
        "low": dollars(line.low_amount),
        "high": dollars(line.high_amount),
        "disputed": [{"dollars": str(rival.price), "source": rival.source} for rival in line.line.rate.disputes]
        if line.line.rate
        else [],
    }


def _unpriced(line: UnpricedLine) -> Shape:
    return {
        "provider": line.sold.provider,
        "model": line.sold.model or None,
        "deployment": line.sold.deployment,
        "region": line.sold.region or None,
        "meter": line.meter,
        "quantities": [line.low, line.high],
        "why": line.why,
    }


def _per_call(answer: Cost) -> Shape | None:
    calls = answer.per_call
    if calls is None:
        return None
    return {
        "calls": calls.sessions,
        "mean": {"low": dollars(calls.mean[0]), "high": dollars(calls.mean[1])},
        "percentiles": {
            f"p{at}": {"low": dollars(low), "high": dollars(high)} for at, (low, high) in calls.percentiles.items()
        },
        "timed_calls": calls.timed,
        "minutes": str(round(float(calls.minutes), 3)),
        "per_minute": {f"p{at}": {"low": dollars(low), "high": dollars(high)} for at, (low, high) in calls.per_minute.items()},
    }


def quantity_shown(low: int, high: int, meter: str, prices: PriceBook) -> str:
    """A quantity as people read it; a range where it is one."""
    known = prices.meters.get(meter)
    told = [Line(known, each, None).meter.counted(each) if known else f"{each:,}" for each in sorted({low, high})]
    return " to ".join(told)


def _share(share: Fraction | None) -> float | None:
    return None if share is None else round(float(share), 6)


def _dollars(amount: Amount | None) -> str | None:
    return None if amount is None else dollars(amount)


def _day(day: object) -> str | None:
    return str(day) if day else None


def _plain(key: Value) -> str | int | None:
    return key if key is None or isinstance(key, int) else str(key)
