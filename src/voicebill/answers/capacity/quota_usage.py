"""Calculate how much of a quota calls use, and how many quotas they need."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Literal

from voicebill.answers.capacity import erlang
from voicebill.answers.capacity.demand import NO_LOAD, LimitLoad, QuotaCounting, loads_by_turn, max_concurrent_calls
from voicebill.answers.capacity.targets import CapacityTargets
from voicebill.answers.capacity.traffic import BusyHourTraffic
from voicebill.answers.estimates.call_mix import count_population
from voicebill.answers.estimates.counted_conversation import run_conversation
from voicebill.answers.estimates.model_selection import ResolvedModel
from voicebill.billing.quotas import Quota, QuotaCountingRule
from voicebill.conversation.call_lengths import CallLengths, LengthDistribution
from voicebill.conversation.call_population import CallPopulation
from voicebill.conversation.plan import Plan, greeting_turns, script

LimitName = Literal["tokens", "requests", "sessions"]

MAX_QUOTA_STEPS = 10


@dataclass(frozen=True, slots=True)
class AverageLoad:
    """The mean load of calls of all lengths."""

    calls: CallPopulation
    tokens: LimitLoad
    requests: LimitLoad

    @property
    def minutes(self) -> Fraction:
        """The mean length of a call; calls that are cut count as far as they last."""
        return Fraction(f"{self.calls.mean_minutes:.6f}")


@dataclass(frozen=True, slots=True)
class CallsPerQuota:
    """Concurrent calls that fit in a quota: on average, in all but a few minutes, and if all are in their heaviest minute."""

    on_average: int
    percentile: int
    always: int


@dataclass(frozen=True, slots=True)
class LimitUsage:
    """How much of one limit the calls that are not blocked use, and how many calls fit in a quota (None: no limit is known).

    `mean`: on average; `percentile`: exceeded in a few minutes only; `worst`: with all channels in their heaviest minute (a
    channel whose calls have few turns may end one and begin another within a minute, and use a little more). For sessions,
    these are concurrent calls.
    """

    name: LimitName
    mean: float
    percentile: float
    worst: int
    quota: int | None
    is_override: bool
    calls_per_quota: CallsPerQuota | None


@dataclass(frozen=True, slots=True)
class QuotaStep:
    """A number of quotas used together: the concurrent calls that fit, and the share of calls that is blocked."""

    quotas: int
    calls_at_once: int
    blocking_probability: float


@dataclass(frozen=True, slots=True)
class QuotaRequirement:
    """What fits in one quota, and how many quotas are needed.

    `pooled`: each call uses any quota that has room; `partitioned`: calls are spread evenly over the quotas, and are blocked
    if theirs is full. Both are None if a single call needs more than the quota. `blocking_with_one` is the share of calls
    blocked with one quota; `steps` has the same for one to `pooled` quotas.
    """

    binding_limit: LimitName
    calls_at_once: int
    blocking_with_one: float
    pooled: int | None
    partitioned: int | None
    steps: tuple[QuotaStep, ...] = ()


def quota_counting_of(targets: CapacityTargets, counting_rule: QuotaCountingRule | None) -> QuotaCounting:
    """How limits are counted: as given, else as the provider does, else everything."""
    return QuotaCounting(
        cached_tokens=targets.cached_tokens
        if targets.cached_tokens is not None
        else counting_rule is None or counting_rule.cached_tokens,
        request_unit=targets.request_unit or (counting_rule.request_unit if counting_rule else "response"),
        reserved_output_tokens=targets.reserved_output_tokens,
    )


def average_load_of(
    plan: Plan, lengths: LengthDistribution | CallLengths, model: ResolvedModel, quota_counting: QuotaCounting
) -> AverageLoad:
    """The mean load of calls of all lengths."""
    calls = count_population(plan, lengths, model).calls
    rules = model.effective_rules.rules
    longest = run_conversation(script(plan, rules, calls.longest_turns), model)
    loads = loads_by_turn(longest, quota_counting)[greeting_turns(plan) :]
    weighted = [(weight, loads[turns - 1]) for turns, weight in calls.weights]
    weighted.append((calls.total_weight - sum(weight for weight, _ in weighted), (NO_LOAD, NO_LOAD)))  # unconnected calls
    return AverageLoad(
        calls=calls,
        tokens=LimitLoad.weighted_mean([(weight, tokens) for weight, (tokens, _) in weighted]),
        requests=LimitLoad.weighted_mean([(weight, requests) for weight, (_, requests) in weighted]),
    )


def limit_usages(
    traffic: BusyHourTraffic, average_load: AverageLoad, channels: int, quota: Quota | None, targets: CapacityTargets
) -> Iterator[LimitUsage]:
    """The usage of the limits on tokens, requests and sessions, and the calls that fit in a quota of each."""
    exceedance = float(targets.exceedance)
    loads: tuple[tuple[LimitName, LimitLoad, int | None, int | None], ...] = (
        ("tokens", average_load.tokens, targets.quota_tokens, quota.tokens_per_minute if quota else None),
        ("requests", average_load.requests, targets.quota_requests, quota.requests_per_minute if quota else None),
    )
    for name, load, override, published in loads:
        limit, worst, mean = override or published, channels * load.heaviest, float(load.mean(traffic.calls_per_minute))
        yield LimitUsage(
            name=name,
            mean=mean,
            percentile=max(mean, min(float(worst), load.percentile(traffic.calls_per_minute, exceedance))),
            worst=worst,
            quota=limit,
            is_override=override is not None,
            calls_per_quota=CallsPerQuota(*max_concurrent_calls(load, average_load.minutes, limit, exceedance))
            if limit
            else None,
        )
    session_quota = targets.quota_sessions or (quota.sessions if quota else None)
    calls_per_quota = CallsPerQuota(session_quota, session_quota, session_quota) if session_quota else None
    yield LimitUsage(
        "sessions",
        traffic.erlangs,
        float(channels),
        channels,
        session_quota,
        targets.quota_sessions is not None,
        calls_per_quota,
    )


def required_quotas(
    traffic: BusyHourTraffic, channels: int, limits: tuple[LimitUsage, ...], target: float
) -> QuotaRequirement | None:
    """The number of quotas with which no more than the target share of calls is blocked; None if no limit is known."""
    candidates = [(limit.calls_per_quota.percentile, limit.name) for limit in limits if limit.calls_per_quota]
    if not candidates:
        return None
    calls_at_once, binding_limit = min(candidates, key=lambda pair: pair[0])
    if not calls_at_once:
        return QuotaRequirement(binding_limit, 0, 1.0, None, None)
    pooled = max(1, ceil(channels / calls_at_once))
    max_load = erlang.load_for_blocking(calls_at_once, target) if target < 1 else traffic.erlangs
    return QuotaRequirement(
        binding_limit=binding_limit,
        calls_at_once=calls_at_once,
        blocking_with_one=erlang.erlang_b(traffic.erlangs, calls_at_once),
        pooled=pooled,
        partitioned=max(pooled, ceil(traffic.erlangs / max_load - 1e-9)),
        steps=tuple(
            QuotaStep(count, count * calls_at_once, erlang.erlang_b(traffic.erlangs, count * calls_at_once))
            for count in _steps(pooled)
        ),
    )


def _steps(maximum: int) -> list[int]:
    """Numbers of quotas from one to the maximum: all of them, or ten evenly spaced.

    >>> _steps(4), _steps(1000)
    ([1, 2, 3, 4], [1, 112, 223, 334, 445, 556, 667, 778, 889, 1000])
    """
    count = min(maximum, MAX_QUOTA_STEPS)
    return [1 + (maximum - 1) * index // (count - 1) for index in range(count)] if count > 1 else [1]
