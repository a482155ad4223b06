"""Build the JSON of a capacity plan, the same for Python, `--json` and HTTP.

Counts are whole numbers; means, shares and loads have six significant digits.
"""

from collections.abc import Iterator
from typing import Any

from voicebill.answers.capacity.demand import CallDemand, MinuteDemand
from voicebill.answers.capacity.quota_usage import LimitUsage
from voicebill.answers.capacity.result import Capacity
from voicebill.answers.reports.shape import plan_shape, provenance_shape
from voicebill.conversation.call_lengths import LengthDistribution

CapacityShape = dict[str, Any]

MAX_SHOWN_MINUTES = 10


def capacity_shape(answer: Capacity) -> CapacityShape:
    """A capacity plan as JSON: concurrent calls, the load of one and of all calls on each limit, and the required quota."""
    traffic, queue, average_load = answer.traffic, answer.queue, answer.average_load
    return {
        "busy_hour": {
            "conversations": str(traffic.volume) if traffic.volume else None,
            "busy_hour_share": _number(traffic.busy_hour_share),
            "days": _number(traffic.days),
            "calls": _rounded(float(traffic.calls_per_hour)),
            "minutes": _rounded(float(traffic.minutes)),
            "erlangs": _rounded(traffic.erlangs),
        },
        "erlang_b": {
            "target": float(answer.targets.blocking_probability),
            "channels": answer.channels,
            "blocking_probability": _rounded(answer.blocking_probability),
        },
        "erlang_c": {
            "target": float(answer.targets.service_level.share),
            "within_seconds": float(answer.targets.service_level.seconds),
            "channels": queue.channels,
            "wait_probability": _rounded(queue.wait_probability),
            "mean_wait_seconds": _rounded(queue.mean_wait_seconds),
            "service_level": _rounded(queue.service_level),
        },
        "planned_call": _call(answer.demand),
        "average_call": {
            "call_length_cv": _number(average_load.lengths.coefficient)
            if isinstance(average_load.lengths, LengthDistribution)
            else None,
            "cap_minutes": _rounded(average_load.cap.minutes) if average_load.cap else None,
            "tokens": _rounded(float(average_load.tokens.per_call)),
            "requests": _rounded(float(average_load.requests.per_call)),
            "heaviest_minute_tokens": average_load.tokens.heaviest,
            "heaviest_minute_requests": average_load.requests.heaviest,
        },
        "quota_counting": {
            "cached_tokens": answer.quota_counting.cached_tokens,
            "request_unit": answer.quota_counting.request_unit,
            "reserved_output_tokens": answer.quota_counting.reserved_output_tokens,
        },
        "exceedance": float(answer.targets.exceedance),
        "limits": [_limit(limit) for limit in answer.limits],
        "quota": _quota(answer),
        "quota_requirement": _needed(answer),
        "plan": plan_shape(answer.plan, answer.conversation),
        "warnings": list(answer.warnings),
        "assumptions": list(answer.assumptions),
        **provenance_shape(answer.model),
    }


def _call(demand: CallDemand) -> CapacityShape:
    return {
        "tokens": int(demand.tokens.per_call),
        "cached_tokens": demand.cached_tokens,
        "requests": int(demand.requests.per_call),
        "heaviest_minute_tokens": demand.tokens.heaviest,
        "heaviest_minute_requests": demand.requests.heaviest,
        "minutes": [
            {"minute": minute.number, "tokens": minute.tokens, "requests": minute.requests} for minute in demand.minutes
        ],
    }


def _limit(limit: LimitUsage) -> CapacityShape:
    calls_per_quota = limit.calls_per_quota
    return {
        "limit": limit.name,
        "mean": _rounded(limit.mean),
        "percentile": _rounded(limit.percentile),
        "worst": limit.worst,
        "quota": limit.quota,
        "is_override": limit.is_override,
        "calls_per_quota": None
        if calls_per_quota is None
        else {
            "on_average": calls_per_quota.on_average,
            "percentile": calls_per_quota.percentile,
            "always": calls_per_quota.always,
        },
    }


def _quota(answer: Capacity) -> CapacityShape | None:
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


def _needed(answer: Capacity) -> CapacityShape | None:
    requirement = answer.needed
    if requirement is None:
        return None
    return {
        "per": answer.per,
        "binding_limit": requirement.binding_limit,
        "calls_at_once": requirement.calls_at_once,
        "blocking_with_one": _rounded(requirement.blocking_with_one),
        "pooled": requirement.pooled,
        "partitioned": requirement.partitioned,
        "steps": [
            {
                "quotas": step.quotas,
                "calls_at_once": step.calls_at_once,
                "blocking_probability": _rounded(step.blocking_probability),
            }
            for step in requirement.steps
        ],
    }


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))


def _rounded(value: float) -> float:
    """A number with six significant digits; traffic forecasts are not more precise."""
    return float(f"{value:.6g}")


def abbreviate_minutes(minutes: tuple[MinuteDemand, ...]) -> Iterator[MinuteDemand | None]:
    """The minutes of a call that a table shows: all of them, or the first and last ones with None between them.

    >>> answer = [MinuteDemand(number, 0, 0) for number in range(1, 61)]
    >>> [row.number if row else "..." for row in abbreviate_minutes(tuple(answer))]
    [1, 2, 3, 4, 5, '...', 57, 58, 59, 60]
    """
    if len(minutes) <= MAX_SHOWN_MINUTES:
        yield from minutes
        return
    yield from minutes[: MAX_SHOWN_MINUTES // 2]
    yield None
    yield from minutes[1 - MAX_SHOWN_MINUTES // 2 :]
