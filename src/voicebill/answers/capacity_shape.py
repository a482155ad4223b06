"""The one shape of a capacity answer: what Python, `--json` and HTTP share.

Counts are whole numbers; means, shares and loads are numbers rounded to what they are worth.
"""

from typing import Any

from voicebill.answers.capacity import Capacity, Limit
from voicebill.answers.demand import Demand
from voicebill.answers.lengths import Spread
from voicebill.answers.shape import plan_shape, stands_on

Shape = dict[str, Any]


def capacity_shape(answer: Capacity) -> Shape:
    """Calls at once, what one call and all of them ask of each limit, and how much quota that takes."""
    traffic, queue, crowd = answer.traffic, answer.queue, answer.crowd
    return {
        "busy_hour": {
            "conversations": str(traffic.volume) if traffic.volume else None,
            "busy_hour_share": _number(traffic.busy_share),
            "days": _number(traffic.days),
            "calls": _rounded(float(traffic.calls_per_hour)),
            "minutes": _rounded(float(traffic.minutes)),
            "erlangs": _rounded(traffic.erlangs),
        },
        "refusing": {
            "target": float(answer.wanted.refused),
            "channels": answer.channels,
            "refused": _rounded(answer.refused),
        },
        "waiting": {
            "target": float(answer.wanted.service_level.share),
            "within_seconds": float(answer.wanted.service_level.seconds),
            "channels": queue.channels,
            "waiting": _rounded(queue.waiting),
            "mean_wait_seconds": _rounded(queue.mean_wait_seconds),
            "answered": _rounded(queue.answered),
        },
        "call": _call(answer.demand),
        "calls": {
            "length_spread": _number(crowd.lengths.coefficient) if isinstance(crowd.lengths, Spread) else None,
            "cap_minutes": _rounded(crowd.cap.minutes) if crowd.cap else None,
            "tokens": _rounded(float(crowd.tokens.each)),
            "requests": _rounded(float(crowd.requests.each)),
            "heaviest_minute_tokens": crowd.tokens.heaviest,
            "heaviest_minute_requests": crowd.requests.heaviest,
        },
        "counted": {
            "cached_tokens": answer.counted.cached_tokens,
            "request_is": answer.counted.request_is,
            "reserved_output_tokens": answer.counted.reserved_output_tokens,
        },
        "minutes_over": float(answer.wanted.minutes_over),
        "limits": [_limit(each) for each in answer.limits],
        "quota": _quota(answer),
        "needed": _needed(answer),
        "plan": plan_shape(answer.plan, answer.conversation),
        "warnings": list(answer.warnings),
        "assumptions": list(answer.assumptions),
        **stands_on(answer.offered),
    }


def _call(asks: Demand) -> Shape:
    return {
        "tokens": int(asks.tokens.each),
        "cached_tokens": asks.cached,
        "requests": int(asks.requests.each),
        "heaviest_minute_tokens": asks.tokens.heaviest,
        "heaviest_minute_requests": asks.requests.heaviest,
        "minutes": [{"minute": each.number, "tokens": each.tokens, "requests": each.requests} for each in asks.minutes],
    }


def _limit(limit: Limit) -> Shape:
    carried = limit.carried
    return {
        "limit": limit.name,
        "mean": _rounded(limit.mean),
        "seldom_over": _rounded(limit.seldom_over),
        "worst": limit.worst,
        "quota": limit.quota,
        "stated": limit.stated,
        "carries": None
        if carried is None
        else {"on_average": carried.on_average, "seldom_over": carried.seldom_over, "always": carried.always},
    }


def _quota(answer: Capacity) -> Shape | None:
    quota = answer.quota
    if quota is None:
        return None
    return {
        "tier": answer.tier,
        "tokens_per_minute": quota.tokens_per_minute,
        "requests_per_minute": quota.requests_per_minute,
        "sessions": quota.sessions,
        "since": str(quota.since),
        "checked": quota.checked.isoformat(),
        "source": quota.source,
    }


def _needed(answer: Capacity) -> Shape | None:
    needed = answer.needed
    if needed is None:
        return None
    return {
        "per": answer.per,
        "binds": needed.binds,
        "calls_at_once": needed.calls_at_once,
        "refused_with_one": _rounded(needed.refused_with_one),
        "together": needed.together,
        "apart": needed.apart,
        "steps": [
            {"quotas": step.quotas, "calls_at_once": step.calls_at_once, "refused": _rounded(step.refused)}
            for step in needed.steps
        ],
    }


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))


def _rounded(value: float) -> float:
    """Six significant digits: more would claim what no traffic keeps."""
    return float(f"{value:.6g}")
