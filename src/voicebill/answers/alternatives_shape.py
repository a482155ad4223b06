"""The shape of alternatives and of where their ranking flips, as Python, `--json` and HTTP share it."""

from collections.abc import Iterable
from datetime import date

from voicebill.answers.alternatives import LABELS, Alternative, Alternatives, Leg
from voicebill.answers.compare import Comparison
from voicebill.answers.crossings import UNITS, Crossing, Flips, Pair
from voicebill.answers.facts import Facts
from voicebill.answers.latency import Wait
from voicebill.answers.shape import (
    Shape,
    carried_shape,
    comparison_shape,
    decimal_text,
    line_shapes,
    ratio_text,
    scenarios_shape,
)
from voicebill.billing.money import dollars


def compared_shape(offers: Comparison, answer: Alternatives, ranked: Iterable[Flips], facts: Facts, day: date) -> Shape:
    """A whole comparison: the realtime offers, every way, the way there, and where the ranking flips."""
    return {
        "day": day.isoformat(),
        "prices": facts.prices.digest,
        **comparison_shape(offers),
        **alternatives_shape(answer),
        "transport": carried_shape(answer.carried) if answer.carried else None,
        "flips": flips_shape(ranked),
    }


def alternatives_shape(answer: Alternatives) -> Shape:
    """Every way, the cheapest first: those that hold the conversation, those that do less, and those that cannot be."""
    return {
        "ranked_by": "month" if answer.by_month else "conversation",
        "alternatives": [_alternative(each, answer) for each in answer.spoken],
        "others": [_alternative(each, answer) for each in answer.others],
        "refused": [
            {"name": each.name, "title": each.title, "architecture": each.architecture, "refusal": each.refusal}
            for each in answer.refused
        ],
    }


def flips_shape(found: Iterable[Flips]) -> list[Shape]:
    """The ranking along some ranges: amounts at every value looked at, and every crossing of every pair."""
    return [
        {
            "along": each.within.axis,
            "unit": UNITS[each.within.axis],
            "from": decimal_text(each.within.low),
            "to": decimal_text(each.within.high),
            "values": len(each.points),
            "pairs": [_pair(pair) for pair in each.pairs],
            "gaps": list(each.gaps),
            "points": [
                {
                    "at": decimal_text(point.at),
                    "dollars": {
                        name: None if amount is None else dollars(amount)
                        for name, amount in zip(each.names, point.amounts, strict=True)
                    },
                }
                for point in each.points
            ],
        }
        for each in found
    ]


def _alternative(each: Alternative, answer: Alternatives) -> Shape:
    assert each.per_conversation is not None
    return {
        "name": each.name,
        "title": each.title,
        "architecture": each.architecture,
        "label": LABELS[each.architecture],
        "models": each.models,
        "per_conversation": scenarios_shape(each.per_conversation),
        "per_minute": scenarios_shape(each.per_minute(answer.plan)),
        "per_month": scenarios_shape(each.per_month) if each.per_month else None,
        "times_cheapest": ratio_text(answer.ratio(each)),
        "wait": _wait(each.wait) if each.wait else None,
        "ends": each.ends.isoformat() if each.ends else None,
        "differs": each.differs,
        "legs": [_leg(leg) for leg in each.legs],
        "warnings": list(each.warnings),
        "assumptions": list(each.assumptions),
    }


def _leg(leg: Leg) -> Shape:
    offer = leg.found.offer
    return {
        "does": leg.role or ("talks" if offer.kind == "realtime" else "carries"),
        "offer": offer.id,
        "dollars": dollars(leg.amount),
        "lines": line_shapes(leg.lines, leg.found),
    }


def _wait(wait: Wait) -> Shape:
    return {
        "low_ms": wait.low_ms,
        "high_ms": wait.high_ms,
        "parts": [
            {"part": row.part, "low_ms": row.low_ms, "high_ms": row.high_ms, "evidence": row.evidence}
            | {"basis": row.basis, "source": row.source}
            for row in wait.rows
        ],
    }


def _pair(pair: Pair) -> Shape:
    return {
        "first": pair.first,
        "second": pair.second,
        "crossings": [_crossing(each) for each in pair.crossings],
        "cheaper_throughout": pair.cheaper,
    }


def _crossing(each: Crossing) -> Shape:
    return {
        "below": decimal_text(each.below),
        "above": decimal_text(each.above),
        "near": decimal_text(each.near),
        "cheaper_below": each.cheaper_below,
        "cheaper_above": each.cheaper_above,
    }
