"""Build the JSON of alternatives and of their break-even, the same for Python, `--json` and HTTP."""

from collections.abc import Iterable
from datetime import date

from voicebill.answers.catalog.facts import Facts
from voicebill.answers.catalog.latency import ResponseLatency
from voicebill.answers.comparison.alternatives import LABELS, Alternative, Alternatives, Component
from voicebill.answers.comparison.break_even import UNITS, BreakEven, BreakEvenCurve, PairComparison
from voicebill.answers.comparison.compare import Comparison
from voicebill.answers.reports.shape import (
    Shape,
    comparison_shape,
    connection_shape,
    decimal_text,
    line_shapes,
    ratio_text,
    scenarios_shape,
)
from voicebill.billing.money import format_dollars


def full_comparison_shape(
    offers: Comparison, answer: Alternatives, curves: Iterable[BreakEvenCurve], facts: Facts, day: date
) -> Shape:
    """A comparison as JSON: the realtime offers, the alternatives, the connection, and break-even."""
    return {
        "day": day.isoformat(),
        "prices": facts.prices.digest,
        **comparison_shape(offers),
        **alternatives_shape(answer),
        "connection": connection_shape(answer.connection) if answer.connection else None,
        "break_even": break_even_shape(curves),
    }


def alternatives_shape(answer: Alternatives) -> Shape:
    """Alternatives as JSON: conversational agents and partial alternatives, each cheapest first, and those not possible."""
    return {
        "ranked_by": "month" if answer.by_month else "conversation",
        "alternatives": [_alternative(alternative, answer) for alternative in answer.conversational],
        "partial_alternatives": [_alternative(alternative, answer) for alternative in answer.partial],
        "not_possible": [
            {
                "name": alternative.name,
                "title": alternative.title,
                "architecture": alternative.architecture,
                "reason": alternative.reason,
            }
            for alternative in answer.not_possible
        ],
    }


def break_even_shape(curves: Iterable[BreakEvenCurve]) -> list[Shape]:
    """Break-even as JSON, by axis: the amounts at every value of the range, and the break-evens of every pair."""
    return [
        {
            "axis": curve.sweep_range.axis,
            "unit": UNITS[curve.sweep_range.axis],
            "from": decimal_text(curve.sweep_range.low),
            "to": decimal_text(curve.sweep_range.high),
            "values": len(curve.points),
            "pairs": [_pair(pair) for pair in curve.pairs],
            "missing": list(curve.missing),
            "points": [
                {
                    "value": decimal_text(point.value),
                    "dollars": {
                        name: None if amount is None else format_dollars(amount)
                        for name, amount in zip(curve.names, point.amounts, strict=True)
                    },
                }
                for point in curve.points
            ],
        }
        for curve in curves
    ]


def _alternative(alternative: Alternative, answer: Alternatives) -> Shape:
    assert alternative.per_conversation is not None
    return {
        "name": alternative.name,
        "title": alternative.title,
        "architecture": alternative.architecture,
        "label": LABELS[alternative.architecture],
        "models": alternative.models,
        "per_conversation": scenarios_shape(alternative.per_conversation),
        "per_minute": scenarios_shape(alternative.per_minute(answer.plan)),
        "per_month": scenarios_shape(alternative.per_month) if alternative.per_month else None,
        "ratio_to_cheapest": ratio_text(answer.ratio_to_cheapest(alternative)),
        "latency": _latency(alternative.latency) if alternative.latency else None,
        "ends": alternative.ends.isoformat() if alternative.ends else None,
        "description": alternative.description,
        "components": [_component(component) for component in alternative.components],
        "warnings": list(alternative.warnings),
        "assumptions": list(alternative.assumptions),
    }


def _component(component: Component) -> Shape:
    offer = component.quote.offer
    return {
        "role": component.role or ("live" if offer.kind == "realtime" else "connection"),
        "offer": offer.id,
        "dollars": format_dollars(component.amount),
        "lines": line_shapes(component.lines, component.quote),
    }


def _latency(latency: ResponseLatency) -> Shape:
    return {
        "low_ms": latency.low_ms,
        "high_ms": latency.high_ms,
        "parts": [
            {"part": row.part, "low_ms": row.low_ms, "high_ms": row.high_ms, "evidence": row.evidence}
            | {"basis": row.basis, "source": row.source}
            for row in latency.rows
        ],
    }


def _pair(pair: PairComparison) -> Shape:
    return {
        "first": pair.first,
        "second": pair.second,
        "break_evens": [_break_even(crossing) for crossing in pair.break_evens],
        "cheaper_throughout": pair.cheaper,
    }


def _break_even(crossing: BreakEven) -> Shape:
    return {
        "below": decimal_text(crossing.below),
        "above": decimal_text(crossing.above),
        "estimate": decimal_text(crossing.estimate),
        "cheaper_below": crossing.cheaper_below,
        "cheaper_above": crossing.cheaper_above,
    }
