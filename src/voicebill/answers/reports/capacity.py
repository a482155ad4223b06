"""Report a capacity plan. Counts are whole numbers; means, shares and loads have six significant digits."""

from dataclasses import dataclass
from typing import Literal

from voicebill.answers.capacity.demand import CallDemand
from voicebill.answers.capacity.quota_usage import LimitName, LimitUsage
from voicebill.answers.capacity.result import Capacity
from voicebill.answers.reports.plan import PlanReport
from voicebill.answers.reports.provenance import OfferReport, PricesReport, RulesReport, provenance_values
from voicebill.answers.reports.report import DayText, Report, package_version
from voicebill.billing.quotas import RequestUnit
from voicebill.billing.validation import Number
from voicebill.conversation.call_lengths import LengthDistribution


@dataclass(frozen=True, slots=True, kw_only=True)
class BusyHourReport(Report):
    """The busy hour: number of calls, mean length, and load."""

    conversations: str | None
    """Conversations in a period, such as `30,000/month`; null if the calls of the busy hour are given."""
    busy_hour_share: float | None
    """Share of a day's calls that fall into the busy hour; null if not needed."""
    days: float | None
    """Days per month with calls; null if not needed."""
    calls: float
    """Calls in the busy hour."""
    minutes: float
    """Mean minutes of a call."""
    erlangs: float
    """Mean number of concurrent calls without blocking."""

    @classmethod
    def of(cls, answer: Capacity) -> "BusyHourReport":
        """The busy hour of a capacity plan."""
        traffic = answer.traffic
        return cls(
            conversations=str(traffic.volume) if traffic.volume else None,
            busy_hour_share=_number(traffic.busy_hour_share),
            days=_number(traffic.days),
            calls=_rounded(float(traffic.calls_per_hour)),
            minutes=_rounded(float(traffic.minutes)),
            erlangs=_rounded(traffic.erlangs),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ErlangBReport(Report):
    """Channels for the blocking probability (Erlang B: calls without a free channel are blocked)."""

    target: float
    """Share of calls that may be blocked."""
    channels: int
    """Channels, one for each concurrent call."""
    blocking_probability: float
    """Share of calls that are blocked with these channels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErlangCReport(Report):
    """Channels for the service level (Erlang C: calls without a free channel wait)."""

    target: float
    """Share of calls to answer within `within_seconds`."""
    within_seconds: float
    """Seconds within which they are to be answered."""
    channels: int
    """Channels, one for each concurrent call."""
    wait_probability: float
    """Share of calls that wait."""
    mean_wait_seconds: float
    """Mean seconds of waiting, over all calls, including those that do not wait."""
    service_level: float
    """Share of calls answered within `within_seconds`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMinuteReport(Report):
    """One minute of a call."""

    minute: int
    """Number of the minute; the first is 1."""
    tokens: int
    """Tokens that count towards the limit."""
    requests: int
    """Requests that count towards the limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCallReport(Report):
    """Tokens and requests of the planned call, as its context grows."""

    tokens: int
    """Tokens of the call that count towards the limit."""
    cached_tokens: int
    """Cached input tokens in the expected scenario."""
    requests: int
    """Requests of the call."""
    heaviest_minute_tokens: int
    """Tokens in its heaviest minute."""
    heaviest_minute_requests: int
    """Requests in its heaviest minute."""
    minutes: tuple[CallMinuteReport, ...]
    """The call minute by minute."""

    @classmethod
    def of(cls, demand: CallDemand) -> "PlannedCallReport":
        """The demand of the planned call."""
        return cls(
            tokens=int(demand.tokens.per_call),
            cached_tokens=demand.cached_tokens,
            requests=int(demand.requests.per_call),
            heaviest_minute_tokens=demand.tokens.heaviest,
            heaviest_minute_requests=demand.requests.heaviest,
            minutes=tuple(
                CallMinuteReport(minute=minute.number, tokens=minute.tokens, requests=minute.requests)
                for minute in demand.minutes
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AverageLoadReport(Report):
    """Tokens and requests of calls of all lengths: the average, and the heaviest minute of any call."""

    call_length_cv: float | None
    """Coefficient of variation of the call lengths; null if observed lengths are used."""
    cap_minutes: float | None
    """Minutes at which calls are cut; null if they are not."""
    tokens: float
    """Mean tokens of a call."""
    requests: float
    """Mean requests of a call."""
    heaviest_minute_tokens: int
    """Tokens in the heaviest minute of any call."""
    heaviest_minute_requests: int
    """Requests in the heaviest minute of any call."""

    @classmethod
    def of(cls, answer: Capacity) -> "AverageLoadReport":
        """The average load of a capacity plan."""
        load = answer.average_load
        lengths, cap = load.calls.lengths, load.calls.cap
        return cls(
            call_length_cv=_number(lengths.coefficient) if isinstance(lengths, LengthDistribution) else None,
            cap_minutes=_rounded(cap.minutes) if cap else None,
            tokens=_rounded(float(load.tokens.per_call)),
            requests=_rounded(float(load.requests.per_call)),
            heaviest_minute_tokens=load.tokens.heaviest,
            heaviest_minute_requests=load.requests.heaviest,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaCountingReport(Report):
    """What counts towards the limits."""

    cached_tokens: bool
    """Whether cached input tokens count."""
    request_unit: RequestUnit
    """Whether a response or a session is one request."""
    reserved_output_tokens: int | None
    """Output tokens that count for each response, whatever is generated; null: the generated tokens count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsPerQuotaReport(Report):
    """Concurrent calls that fit into one quota."""

    on_average: int
    """Calls whose mean usage fits."""
    percentile: int
    """Calls whose usage fits in all but the share `exceedance` of minutes."""
    always: int
    """Calls that fit in the worst case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitUsageReport(Report):
    """Usage of one limit per minute (sessions: concurrently) by the calls that are not blocked, and the calls per quota."""

    limit: LimitName
    """The limit."""
    mean: float
    """Mean usage."""
    percentile: float
    """Usage that is exceeded in at most the share `exceedance` of minutes."""
    worst: int
    """Usage with all concurrent calls in the heaviest minute of the longest call."""
    quota: int | None
    """Quota of one deployment or project; null if unknown."""
    is_override: bool
    """Whether the request contains the quota."""
    calls_per_quota: CallsPerQuotaReport | None
    """Concurrent calls that fit into one quota; null if it is unknown."""

    @classmethod
    def of(cls, limit: LimitUsage) -> "LimitUsageReport":
        """The usage of one limit."""
        calls = limit.calls_per_quota
        return cls(
            limit=limit.name,
            mean=_rounded(limit.mean),
            percentile=_rounded(limit.percentile),
            worst=limit.worst,
            quota=limit.quota,
            is_override=limit.is_override,
            calls_per_quota=None
            if calls is None
            else CallsPerQuotaReport(on_average=calls.on_average, percentile=calls.percentile, always=calls.always),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedQuotaReport(Report):
    """A quota that a vendor publishes."""

    tier: str | None
    """The tier of the account or subscription."""
    tokens_per_minute: int | None
    """Tokens per minute; null if not limited or not published."""
    requests_per_minute: int | None
    """Requests per minute; null if not limited or not published."""
    sessions: int | None
    """Concurrent sessions; null if not limited or not published."""
    since: str
    """First day of the quota; may be a month or year if the day is not known."""
    checked: DayText
    """Day on which it was last compared with its source."""
    source: str
    """Where it was read."""

    @classmethod
    def of(cls, answer: Capacity) -> "PublishedQuotaReport | None":
        """The quota of a capacity plan; None if none is published."""
        quota = answer.quota
        if quota is None:
            return None
        return cls(
            tier=answer.tier,
            tokens_per_minute=quota.tokens_per_minute,
            requests_per_minute=quota.requests_per_minute,
            sessions=quota.sessions,
            since=str(quota.since),
            checked=quota.checked.isoformat(),
            source=quota.source,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaStepReport(Report):
    """Concurrent calls and blocking probability with a number of quotas."""

    quotas: int
    """Number of quotas."""
    calls_at_once: int
    """Concurrent calls that fit into them."""
    blocking_probability: float
    """Share of calls that are blocked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaRequirementReport(Report):
    """Calls per quota and number of quotas required."""

    per: str
    """What each quota belongs to, such as a deployment."""
    binding_limit: LimitName
    """The limit that is reached first."""
    calls_at_once: int
    """Concurrent calls that fit into one quota."""
    blocking_with_one: float
    """Share of calls that are blocked with one quota."""
    pooled: int | None
    """Quotas required if each call is routed to free capacity; null where one call needs more than one quota."""
    partitioned: int | None
    """Quotas required without pooling; null where one call needs more than one quota."""
    steps: tuple[QuotaStepReport, ...]
    """Numbers of quotas around the required one."""

    @classmethod
    def of(cls, answer: Capacity) -> "QuotaRequirementReport | None":
        """The quotas that a capacity plan requires; None if no limit is known."""
        requirement = answer.needed
        if requirement is None:
            return None
        return cls(
            per=answer.per,
            binding_limit=requirement.binding_limit,
            calls_at_once=requirement.calls_at_once,
            blocking_with_one=_rounded(requirement.blocking_with_one),
            pooled=requirement.pooled,
            partitioned=requirement.partitioned,
            steps=tuple(
                QuotaStepReport(
                    quotas=step.quotas,
                    calls_at_once=step.calls_at_once,
                    blocking_probability=_rounded(step.blocking_probability),
                )
                for step in requirement.steps
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityReport(Report):
    """Concurrent calls, their tokens and requests per minute, and the quota that they need."""

    voicebill: str
    """Version of voicebill."""
    busy_hour: BusyHourReport
    """Calls in the busy hour."""
    erlang_b: ErlangBReport
    """Channels if calls without a free channel are blocked."""
    erlang_c: ErlangCReport
    """Channels if calls without a free channel wait."""
    planned_call: PlannedCallReport
    """Tokens and requests of the planned call."""
    average_call: AverageLoadReport
    """Tokens and requests of calls of all lengths."""
    quota_counting: QuotaCountingReport
    """What counts towards the limits."""
    exceedance: float
    """Share of minutes in which the usage may exceed the quota."""
    limits: tuple[LimitUsageReport, ...]
    """Usage of each limit."""
    quota: PublishedQuotaReport | None
    """The vendor's published quota; null if none is known."""
    quota_requirement: QuotaRequirementReport | None
    """Quotas required; null if no limit is known."""
    plan: PlanReport
    """The plan, with the values that it left open."""
    warnings: tuple[str, ...]
    """What may make the figures wrong."""
    assumptions: tuple[str, ...]
    """What was assumed."""
    day: DayText
    """Day of the prices, rules and quotas."""
    currency: Literal["USD"]
    """Currency of the prices."""
    offer: OfferReport
    """The voice model's offer."""
    transcription_offer: OfferReport | None
    """The transcription model's offer; null without transcription."""
    prices: PricesReport
    """The prices in use."""
    rules: RulesReport
    """The rules in use."""

    @classmethod
    def of(cls, answer: Capacity) -> "CapacityReport":
        """A capacity plan."""
        targets, queue, counting = answer.targets, answer.queue, answer.quota_counting
        return cls(
            voicebill=package_version(),
            busy_hour=BusyHourReport.of(answer),
            erlang_b=ErlangBReport(
                target=float(targets.blocking_probability),
                channels=answer.channels,
                blocking_probability=_rounded(answer.blocking_probability),
            ),
            erlang_c=ErlangCReport(
                target=float(targets.service_level.share),
                within_seconds=float(targets.service_level.seconds),
                channels=queue.channels,
                wait_probability=_rounded(queue.wait_probability),
                mean_wait_seconds=_rounded(queue.mean_wait_seconds),
                service_level=_rounded(queue.service_level),
            ),
            planned_call=PlannedCallReport.of(answer.demand),
            average_call=AverageLoadReport.of(answer),
            quota_counting=QuotaCountingReport(
                cached_tokens=counting.cached_tokens,
                request_unit=counting.request_unit,
                reserved_output_tokens=counting.reserved_output_tokens,
            ),
            exceedance=float(targets.exceedance),
            limits=tuple(LimitUsageReport.of(limit) for limit in answer.limits),
            quota=PublishedQuotaReport.of(answer),
            quota_requirement=QuotaRequirementReport.of(answer),
            plan=PlanReport.of(answer.plan, answer.conversation),
            warnings=answer.warnings,
            assumptions=answer.assumptions,
            **provenance_values(answer.model),
        )


def _number(value: Number | None) -> float | None:
    return None if value is None else float(value)


def _rounded(value: float) -> float:
    """Six significant digits: more would claim what no traffic keeps."""
    return float(f"{value:.6g}")
