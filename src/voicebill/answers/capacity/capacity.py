"""Capacity: how many calls are held at once, what they ask of a vendor's limits, how much quota that takes, who is refused.

Calls at once follow from calls an hour and their mean length alone (erlangs); tokens and requests a minute from the planned
conversation, whose every response reads the whole context again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Literal

from voicebill.answers.capacity import erlang
from voicebill.answers.capacity.demand import CallDemand, LimitLoad, QuotaCounting, call_demand, max_concurrent_calls
from voicebill.answers.catalog.facts import Facts
from voicebill.answers.estimates import caveats
from voicebill.answers.estimates.call_mix import DurationCap, representative_calls
from voicebill.answers.estimates.costing import CountedConversation, run_conversation
from voicebill.answers.estimates.model_selection import ModelSelection, ResolvedModel, resolve_model
from voicebill.answers.parsing.quantities import MONTHS_PER_YEAR, Volume
from voicebill.billing.errors import InvalidInput
from voicebill.billing.quotas import Quota, QuotaCountingRule, RequestUnit, tiers
from voicebill.billing.validation import Number, require_between, to_decimal, to_share
from voicebill.conversation.call_lengths import CallLengths, LengthDistribution
from voicebill.conversation.plan import Plan, script

ASSUMED_DAYS, ASSUMED_BUSY_SHARE = Decimal(22), Decimal("0.17")
"""Business days a month, and the busy hour's share of a day: Cisco, CID course book, "Traffic Engineering", page 627."""

LimitName = Literal["tokens", "requests", "sessions"]

MAX_CALLS_OR_QUOTA = 10**12
MAX_QUOTA_STEPS = 10


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """How soon calls are to be answered where they wait: a share of them within so many seconds.

    >>> str(ServiceLevel(Decimal("0.8"), Decimal(20)))
    '80% within 20 s'
    """

    share: Number = Decimal("0.8")
    seconds: Number = Decimal(20)

    def __post_init__(self) -> None:
        object.__setattr__(self, "share", to_share("service_level", self.share))
        object.__setattr__(self, "seconds", to_decimal("service_level", self.seconds))
        if self.share == 1:
            raise InvalidInput("service_level must be less than 100%: no number of channels is never busy")
        if not 0 <= self.seconds <= 86_400:
            raise InvalidInput(f"service_level must be within 0 to 86,400 s (a day), not {self.seconds}")

    def __str__(self) -> str:
        return f"{format_percent(float(self.share))} within {self.seconds} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityTargets:
    """What is to be carried and how well. None: as published or, where nothing is, as assumed and said.

    `calls_per_hour` is the busy hour itself, instead of a volume with its `busy_hour_share` and `days` a month.
    `exceedance` is the share of minutes in which the calls that a quota carries may ask for more than it.
    """

    calls_per_hour: Number | None = None
    busy_hour_share: Number | None = None
    days: Number | None = None
    blocking_probability: Number = Decimal("0.01")
    service_level: ServiceLevel = ServiceLevel()
    exceedance: Number = Decimal("0.01")
    tier: str | None = None
    quota_tokens: int | None = None
    quota_requests: int | None = None
    quota_sessions: int | None = None
    cached_tokens: bool | None = None
    request_unit: RequestUnit | None = None
    reserved_output_tokens: int | None = None

    def __post_init__(self) -> None:
        for name in ("calls_per_hour", "busy_hour_share", "days", "blocking_probability", "exceedance"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, to_decimal(name, value))
        _require_positive("calls_per_hour", self.calls_per_hour, Decimal(MAX_CALLS_OR_QUOTA))
        _require_positive("busy_hour_share", self.busy_hour_share, Decimal(1), "1 (100%)")
        _require_positive("days", self.days, Decimal(31))
        _require_positive("blocking_probability", self.blocking_probability, Decimal(1), "1 (100%)")
        _require_positive("exceedance", self.exceedance, Decimal("0.5"), "0.5 (50%)")
        for name in ("quota_tokens", "quota_requests", "quota_sessions"):
            value = getattr(self, name)
            if value is not None:
                require_between(name, value, 1, MAX_CALLS_OR_QUOTA)
        if self.reserved_output_tokens is not None:
            require_between("reserved_output_tokens", self.reserved_output_tokens, 0, 1_000_000)
        if self.calls_per_hour is not None and (self.busy_hour_share is not None or self.days is not None):
            raise InvalidInput("calls_per_hour is the busy hour already: leave out busy_hour_share and days, or state a volume")


def _require_positive(name: str, value: Number | None, maximum: Decimal, maximum_text: str = "") -> None:
    if value is not None and not 0 < value <= maximum:
        raise InvalidInput(f"{name} must be more than 0 and at most {maximum_text or f'{maximum:,}'}, not {value}")


@dataclass(frozen=True, slots=True)
class BusyHourTraffic:
    """The busy hour. `volume`, `busy_share` and `days` are None where it was stated as it is."""

    calls_per_hour: Fraction
    minutes: Fraction
    volume: Volume | None
    busy_hour_share: Decimal | None
    days: Decimal | None

    @property
    def erlangs(self) -> float:
        """The load: calls held at once on average, if none is refused."""
        return float(self.calls_per_hour * self.minutes / 60)

    @property
    def calls_per_minute(self) -> Fraction:
        """Calls that begin in a minute."""
        return self.calls_per_hour / 60

    def after_blocking(self, blocking: float) -> "BusyHourTraffic":
        """What is left of it if a share of the calls is refused."""
        return replace(self, calls_per_hour=self.calls_per_hour * (1 - Fraction(blocking)))


@dataclass(frozen=True, slots=True)
class ErlangCQueue:
    """Channels where calls wait: how many, the share that waits, seconds on average, the share answered in time."""

    channels: int
    wait_probability: float
    mean_wait_seconds: float
    service_level: float


@dataclass(frozen=True, slots=True)
class AverageLoad:
    """What calls of all lengths ask on average, and how their lengths differ; longer ones than `cap` count as so long.

    `minutes` is their mean, so cut.
    """

    lengths: LengthDistribution | CallLengths
    cap: DurationCap | None
    minutes: Fraction
    tokens: LimitLoad
    requests: LimitLoad


@dataclass(frozen=True, slots=True)
class CallsPerQuota:
    """Calls at once that a quota carries: on average, in all but a few minutes, and even all in their heaviest minute."""

    on_average: int
    percentile: int
    always: int


@dataclass(frozen=True, slots=True)
class LimitUsage:
    """One limit: what the calls that are not refused ask of it, and what a quota of it carries (both None: not known).

    `mean`, `seldom_over` and `worst`: on average, exceeded in a few minutes only, and all channels in their heaviest minute (of
    calls of few turns a channel may end one and begin another in a minute, and ask for a little more). Of sessions, these are
    calls at once.
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
    """So many quotas together: the calls at once that they carry, and the share of calls refused then."""

    quotas: int
    calls_at_once: int
    blocking_probability: float


@dataclass(frozen=True, slots=True)
class QuotaRequirement:
    """What one quota carries, and how many it takes.

    `together`: calls go wherever there is room; `apart`: they are spread evenly and refused where there is none. None where
    a single call asks for more than the quota. `blocking_with_one`: the share of calls refused if there is no more than one;
    `steps`: the same from one quota to as many as it takes together.
    """

    binding_limit: LimitName
    calls_at_once: int
    blocking_with_one: float
    pooled: int | None
    partitioned: int | None
    steps: tuple[QuotaStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Capacity:
    """The answer. `demand` is that of the call that the plan describes, `crowd` that of calls of all lengths.

    `needed` is None where no limit is known; `per` names what has a quota of its own.
    """

    plan: Plan
    model: ResolvedModel
    conversation: CountedConversation
    targets: CapacityTargets
    traffic: BusyHourTraffic
    channels: int
    blocking_probability: float
    queue: ErlangCQueue
    demand: CallDemand
    average_load: AverageLoad
    quota_counting: QuotaCounting
    counting_rule: QuotaCountingRule | None
    quota: Quota | None
    tier: str | None
    limits: tuple[LimitUsage, ...]
    needed: QuotaRequirement | None
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def per(self) -> str:
        """What has a quota of its own."""
        return self.counting_rule.per if self.counting_rule else "quota"


def plan_capacity(
    plan: Plan,
    selection: ModelSelection,
    facts: Facts,
    volume: Volume | None,
    targets: CapacityTargets | None = None,
    *,
    lengths: LengthDistribution | CallLengths | None = None,
) -> Capacity:
    """How many calls of a plan are held at once in the busy hour, and how much quota they take.

    `lengths` says how calls differ in length; where nothing is said, a spread is assumed.

    >>> from datetime import date
    >>> from voicebill.facts import load_facts
    >>> azure = ModelSelection(model="gpt-realtime", provider="azure", day=date(2026, 11, 22))
    >>> answer = plan_capacity(Plan(minutes=6, turns=20), azure, load_facts(), Volume(Decimal(30_000), "month"))
    >>> round(answer.traffic.erlangs, 2), answer.channels, answer.needed.binding_limit
    (23.05, 34, 'tokens')

    Raises:
        UnknownName: the model, provider, deployment, region, rule set or quota tier is unknown.
        NotOffered: nothing was sold so on that day.
        ContextOverflow: the provider would end the conversation with an error.
        InvalidInput: neither a volume nor calls an hour are stated, or the load is beyond any use.
    """
    targets = targets or CapacityTargets()
    model = resolve_model(selection, plan.transcription_model, facts)
    offer, day = model.quote.offer, selection.day
    quota, counting_rule = facts.quotas.find(offer, day, targets.tier), facts.quotas.counting_rule(offer.provider, day)
    quota_counting = _quota_counting(targets, counting_rule)
    average_load = _average_load(plan, lengths or LengthDistribution(), model, quota_counting)
    traffic = _busy_hour(average_load.minutes, volume, targets)
    conversation = run_conversation(script(plan, model.effective_rules.rules), model)
    channels = erlang.channels_for_blocking(traffic.erlangs, float(targets.blocking_probability))
    blocking = erlang.erlang_b(traffic.erlangs, channels)
    limits = tuple(_limits(traffic.after_blocking(blocking), average_load, channels, quota, targets))
    needed = _needed(traffic, channels, limits, float(targets.blocking_probability))
    tier = (targets.tier or quota.tiers[0]) if quota else None
    answer = Capacity(
        plan=plan,
        model=model,
        conversation=conversation,
        targets=targets,
        traffic=traffic,
        channels=channels,
        blocking_probability=blocking,
        queue=_queue(traffic, targets.service_level),
        demand=call_demand(conversation, quota_counting),
        average_load=average_load,
        quota_counting=quota_counting,
        counting_rule=counting_rule,
        quota=quota,
        tier=tier,
        limits=limits,
        needed=needed,
        assumptions=(),
        warnings=(),
    )
    return replace(
        answer,
        assumptions=tuple(_assumptions(answer, has_lengths=lengths is not None)),
        warnings=tuple(_warnings(answer, volume)),
    )


def _quota_counting(targets: CapacityTargets, counting_rule: QuotaCountingRule | None) -> QuotaCounting:
    """How the limits count: as stated, else as the provider does, else everything."""
    return QuotaCounting(
        cached_tokens=targets.cached_tokens
        if targets.cached_tokens is not None
        else counting_rule is None or counting_rule.cached_tokens,
        request_unit=targets.request_unit or (counting_rule.request_unit if counting_rule else "response"),
        reserved_output_tokens=targets.reserved_output_tokens,
    )


def _average_load(
    plan: Plan, lengths: LengthDistribution | CallLengths, model: ResolvedModel, quota_counting: QuotaCounting
) -> AverageLoad:
    """A few calls that stand for all lengths, run."""
    representative = representative_calls(plan, lengths, model)
    rules = model.effective_rules.rules
    demands = [
        (weight, call_demand(run_conversation(script(call, rules), model), quota_counting))
        for call, weight in representative.weighted_plans
    ]
    return AverageLoad(
        lengths=lengths,
        cap=representative.cap,
        minutes=Fraction(f"{representative.mean_minutes:.6f}"),
        tokens=LimitLoad.weighted_mean([(weight, call.tokens) for weight, call in demands]),
        requests=LimitLoad.weighted_mean([(weight, call.requests) for weight, call in demands]),
    )


def _busy_hour(minutes: Fraction, volume: Volume | None, targets: CapacityTargets) -> BusyHourTraffic:
    traffic = _traffic(minutes, volume, targets)
    if traffic.erlangs > erlang.MAX_ERLANGS:
        name = "conversations" if traffic.volume else "calls_per_hour"
        raise InvalidInput(
            f"{name}: {traffic.erlangs:,.4g} calls held at once are beyond any use; at most {erlang.MAX_ERLANGS:,} are counted"
        )
    return traffic


def _traffic(minutes: Fraction, volume: Volume | None, targets: CapacityTargets) -> BusyHourTraffic:
    if targets.calls_per_hour is not None:
        return BusyHourTraffic(Fraction(targets.calls_per_hour), minutes, None, None, None)
    if volume is None:
        raise InvalidInput(
            "conversations are missing: how many calls are there? state a volume, such as 30000/month, or calls_per_hour in "
            "the busy hour"
        )
    if volume.period == "hour":
        raise InvalidInput(
            f"conversations: {volume} says no busy hour: state calls_per_hour, or a volume by the day, week, month or year"
        )
    busy_hour_share = Decimal(targets.busy_hour_share or ASSUMED_BUSY_SHARE)
    days = Decimal(targets.days or ASSUMED_DAYS)
    calls_per_day = (
        Fraction(volume.conversations) if volume.period == "day" else volume.per_year / (MONTHS_PER_YEAR * Fraction(days))
    )
    return BusyHourTraffic(
        calls_per_day * Fraction(busy_hour_share), minutes, volume, busy_hour_share, None if volume.period == "day" else days
    )


def _queue(traffic: BusyHourTraffic, service_level: ServiceLevel) -> ErlangCQueue:
    load, seconds = traffic.erlangs, float(traffic.minutes * 60)
    channels = erlang.channels_for_service_level(load, seconds, float(service_level.share), float(service_level.seconds))
    return ErlangCQueue(
        channels=channels,
        wait_probability=erlang.erlang_c(load, channels),
        mean_wait_seconds=erlang.mean_wait(load, channels, seconds),
        service_level=erlang.service_level(load, channels, seconds, float(service_level.seconds)),
    )


def _limits(
    traffic: BusyHourTraffic, average_load: AverageLoad, channels: int, quota: Quota | None, targets: CapacityTargets
) -> Iterator[LimitUsage]:
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


def _needed(traffic: BusyHourTraffic, channels: int, limits: tuple[LimitUsage, ...], target: float) -> QuotaRequirement | None:
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
    """From one to the most, all or so many as a table has room for.

    >>> _steps(4), _steps(1000)
    ([1, 2, 3, 4], [1, 112, 223, 334, 445, 556, 667, 778, 889, 1000])
    """
    count = min(maximum, MAX_QUOTA_STEPS)
    return [1 + (maximum - 1) * index // (count - 1) for index in range(count)] if count > 1 else [1]


def format_percent(value: float) -> str:
    """A share for people: a few digits, and never 0 for what is not.

    >>> format_percent(0.01), format_percent(0.00953), format_percent(0.6821), format_percent(1)
    ('1%', '0.95%', '68%', '100%')
    """
    hundredths = 100 * value
    return f"{hundredths:.2g}%" if hundredths < 99.5 else f"{hundredths:.4g}%"


def _assumptions(answer: Capacity, *, has_lengths: bool) -> Iterator[str]:
    targets, traffic = answer.targets, answer.traffic
    if traffic.volume and targets.days is None and traffic.days is not None:
        yield f"calls come on {ASSUMED_DAYS} days a month, the business days of a month: assumed"
    if traffic.volume and targets.busy_hour_share is None:
        busy_percent = format_percent(float(ASSUMED_BUSY_SHARE))
        yield f"{busy_percent} of a day's calls fall into its busiest hour: assumed, a planner's rule of thumb"
    yield (
        "calls begin at random and without regard to each other; those refused do not try again. How many are refused depends "
        "on the mean length of calls alone, however lengths differ; how many wait, and how long, is for exponential lengths"
    )
    if not has_lengths and isinstance(answer.average_load.lengths, LengthDistribution):
        yield (
            f"call lengths have a coefficient of variation of {answer.average_load.lengths.coefficient}, assumed: "
            "lognormal as in call centres, and different in each business; set your own, or give your calls' lengths"
        )
    yield from _counting_assumptions(answer)
    if (
        answer.quota
        and targets.tier is None
        and len(tiers(answer.model.facts.quotas.quotas_of(answer.model.quote.offer, answer.model.selection.day))) > 1
    ):
        yield f"the quota is that of {answer.tier}, the lowest: assumed"
    yield from caveats.uncertain_rules(answer.conversation, answer.model.effective_rules)


def _counting_assumptions(answer: Capacity) -> Iterator[str]:
    counting_rule, quota_counting, reserved = (
        answer.counting_rule,
        answer.quota_counting,
        answer.quota_counting.reserved_output_tokens,
    )
    cached = "count" if quota_counting.cached_tokens else "do not count"
    basis = (
        f"{counting_rule.evidence}, {counting_rule.basis}" if counting_rule else "assumed, nothing is known of this provider"
    )
    if answer.targets.cached_tokens is not None or answer.targets.request_unit is not None:
        basis = "as stated"
    yield f"cached tokens {cached} towards the limit, and a request is a {quota_counting.request_unit}: {basis}"
    if reserved is not None:
        yield f"of every response at least {reserved:,} output tokens count, as a limit on its output reserves them"
    elif counting_rule:
        yield (
            f"output counts as generated; {counting_rule.output}: set that limit near the length of replies, or count what "
            "it reserves"
        )


def _warnings(answer: Capacity, volume: Volume | None) -> Iterator[str]:
    offer, day, quotas = answer.model.quote.offer, answer.model.selection.day, answer.model.facts.quotas
    if volume is not None and answer.targets.calls_per_hour is not None:
        yield f"calls_per_hour is taken as it is stated; conversations ({volume}) are not used"
    if answer.quota is None and not answer.needed:
        yield (
            f"{quotas.explain_missing(offer, day)}; set your own: quota_tokens and quota_requests per minute, "
            "quota_sessions for concurrent sessions"
        )
    if answer.quota is None and answer.targets.tier:
        yield f"{answer.targets.tier} says nothing: {quotas.explain_missing(offer, day)}"
    if answer.quota and answer.quota.note:
        yield answer.quota.note
    average_load = answer.average_load
    if (
        average_load.cap
        and isinstance(average_load.lengths, LengthDistribution)
        and float(average_load.minutes) < 0.97 * float(answer.plan.minutes)
    ):
        yield (
            f"calls end at {average_load.cap.minutes:.4g} minutes, so they last "
            f"{float(average_load.minutes):.1f} minutes on average and "
            f"not {answer.plan.minutes}: state a smaller spread, longer sessions, or your calls' lengths"
        )
    if answer.needed and answer.needed.pooled is None:
        yield (
            f"a single call needs more {answer.needed.binding_limit} per minute than the quota allows: no number of "
            f"{answer.per}s is enough; shorten prompt and history, or ask for a larger quota"
        )
    if answer.needed and answer.needed.pooled and answer.needed.pooled > 1 and answer.counting_rule:
        yield answer.counting_rule.scope
    yield from (
        *caveats.warnings(answer.conversation, answer.model, (), ()),
        *caveats.feasibility_warnings(answer.conversation),
    )
