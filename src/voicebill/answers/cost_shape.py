"""The one shape of what conversations did cost: what Python, `--json` and HTTP share, and the columns of exports."""

from collections.abc import Mapping
from dataclasses import asdict
from fractions import Fraction
from typing import Any

from voicebill.answers.cost import Cost, CostAsked, CostLine, Group, UnpricedLine
from voicebill.answers.where import Value
from voicebill.billing.bill import Line
from voicebill.billing.money import Amount, dollars
from voicebill.billing.price_book import PriceBook

Shape = dict[str, Any]


def cost_shape(answer: Cost) -> Shape:
    """The whole answer. Dollars are exact decimal strings; an amount has a status: exact, range, partial or unpriced."""
    return {
        "records": asdict(answer.counts) | {"all": answer.counts.records},
        "days": {"first": _day(answer.first), "last": _day(answer.last)},
        "total": _amounts(answer.total),
        "by": list(answer.asked.by),
        "groups": [group_shape(group, answer.asked) for group in answer.groups],
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


def group_shape(group: Group, asked: CostAsked) -> Shape:
    """A group: its fields by name, and its amounts."""
    return {name: _plain(key) for name, key in zip(asked.by, group.keys, strict=True)} | _amounts(group)


def status_of(group: Group) -> str:
    """How an amount is to be read: exact, a range, only a part of what it should be, or unpriced."""
    if group.low is None:
        return "unpriced"
    if group.unpriced:
        return "partial"
    return "exact" if group.low == group.high else "range"


def _amounts(group: Group) -> Shape:
    exact = status_of(group) == "exact"
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
    assert line.span.found is not None
    found = line.span.found
    rate = line.line.rate
    assert rate is not None
    return {
        "offer": found.offer.id,
        "named": line.span.sold.model,
        "provider": found.offer.provider,
        "since": found.rates.row.since.text,
        "meter": line.line.meter.name,
        "label": line.line.meter.label,
        "quantity": _quantity(line.line.quantity, line.high.quantity),
        "unit": line.line.meter.unit,
        "rate": {"dollars": dollars(rate.price * 10**12), "per": line.line.meter.price_unit, "stands_in": rate.stands_in},
        "low": dollars(line.low_amount),
        "high": dollars(line.high_amount),
        "disputed": [{"dollars": str(rival.price), "source": rival.source} for rival in rate.disputes],
        "sources": list(found.rates.row.sources),
    }


def _unpriced(line: UnpricedLine) -> Shape:
    return {
        "provider": line.sold.provider,
        "model": line.sold.model or None,
        "deployment": line.sold.deployment,
        "region": line.sold.region or None,
        "meter": line.meter,
        "quantity": _quantity(line.low, line.high),
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
        "per_minute": {f"p{at}": dollars(amount) for at, amount in calls.per_minute.items()},
    }


def quantity_shown(low: int, high: int, meter: str, prices: PriceBook) -> str:
    """A quantity as people read it; a range where it is one."""
    known = prices.meters.get(meter)
    told = [Line(known, each, None).meter.counted(each) if known else f"{each:,}" for each in sorted({low, high})]
    return " to ".join(told)


def _quantity(low: int, high: int) -> int | Mapping[str, int]:
    return low if low == high else {"low": low, "high": high}


def _share(share: Fraction | None) -> float | None:
    return None if share is None else round(float(share), 6)


def _dollars(amount: Amount | None) -> str | None:
    return None if amount is None else dollars(amount)


def _day(day: object) -> str | None:
    return str(day) if day else None


def _plain(key: Value) -> str | int | None:
    return key if key is None or isinstance(key, int) else str(key)
