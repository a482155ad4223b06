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

from voicebill.answers import caveats, erlang
from voicebill.answers.costing import Conversation, conversation
from voicebill.answers.demand import Counted, Demand, Load, demand, most_calls
from voicebill.answers.facts import Facts
from voicebill.answers.lengths import Lengths, Spread
from voicebill.answers.offered import Asked, Offered, offered
from voicebill.answers.population import Cap, standing_for
from voicebill.answers.quantities import MONTHS_PER_YEAR, Volume
from voicebill.billing.checks import Number, exact, share, within
from voicebill.billing.errors import InvalidInput
from voicebill.billing.quotas import Counting, Quota, RequestIs, tiers
from voicebill.conversation.plan import Plan, script

ASSUMED_DAYS, ASSUMED_BUSY_SHARE = Decimal(22), Decimal("0.17")
"""Business days a month, and the busy hour's share of a day: Cisco, CID course book, "Traffic Engineering", page 627."""

LimitName = Literal["tokens", "requests", "sessions"]

MOST = 10**12
MOST_STEPS = 10


@dataclass(frozen=True, slots=True)
class Service:
    """How soon calls are to be answered where they wait: a share of them within so many seconds.

    >>> str(Service(Decimal("0.8"), Decimal(20)))
    '80% within 20 s'
    """

    share: Number = Decimal("0.8")
    seconds: Number = Decimal(20)

    def __post_init__(self) -> None:
        object.__setattr__(self, "share", share("service_level", self.share))
        object.__setattr__(self, "seconds", exact("service_level", self.seconds))
        if self.share == 1:
            raise InvalidInput("service_level must be less than 100%: no number of channels is never busy")
        if not 0 <= self.seconds <= 86_400:
            raise InvalidInput(f"service_level must be within 0 to 86,400 s (a day), not {self.seconds}")

    def __str__(self) -> str:
        return f"{percent(float(self.share))} within {self.seconds} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be carried and how well. None: as published or, where nothing is, as assumed and said.

    `calls_per_hour` is the busy hour itself, instead of a volume with its `busy_hour_share` and `days` a month.
    `minutes_over` is the share of minutes in which the calls that a quota carries may ask for more than it.
    """

    calls_per_hour: Number | None = None
    busy_hour_share: Number | None = None
    days: Number | None = None
    refused: Number = Decimal("0.01")
    service_level: Service = Service()
    minutes_over: Number = Decimal("0.01")
    tier: str | None = None
    quota_tokens: int | None = None
    quota_requests: int | None = None
    quota_sessions: int | None = None
    cached_tokens: bool | None = None
    request_is: RequestIs | None = None
    reserved_output_tokens: int | None = None

    def __post_init__(self) -> None:
        for name in ("calls_per_hour", "busy_hour_share", "days", "refused", "minutes_over"):
            stated = getattr(self, name)
            if stated is not None:
                object.__setattr__(self, name, exact(name, stated))
        _more_than("calls_per_hour", self.calls_per_hour, Decimal(MOST))
        _more_than("busy_hour_share", self.busy_hour_share, Decimal(1), "1 (100%)")
        _more_than("days", self.days, Decimal(31))
        _more_than("refused", self.refused, Decimal(1), "1 (100%)")
        _more_than("minutes_over", self.minutes_over, Decimal("0.5"), "0.5 (50%)")
        for name in ("quota_tokens", "quota_requests", "quota_sessions"):
            stated = getattr(self, name)
            if stated is not None:
                within(name, stated, 1, MOST)
        if self.reserved_output_tokens is not None:
            within("reserved_output_tokens", self.reserved_output_tokens, 0, 1_000_000)
        if self.calls_per_hour is not None and (self.busy_hour_share is not None or self.days is not None):
            raise InvalidInput("calls_per_hour is the busy hour already: leave out busy_hour_share and days, or state a volume")


def _more_than(name: str, value: Number | None, most: Decimal, said: str = "") -> None:
    if value is not None and not 0 < value <= most:
        raise InvalidInput(f"{name} must be more than 0 and at most {said or f'{most:,}'}, not {value}")


@dataclass(frozen=True, slots=True)
class Traffic:
    """The busy hour. `volume`, `busy_share` and `days` are None where it was stated as it is."""

    calls_per_hour: Fraction
    minutes: Fraction
    volume: Volume | None
    busy_share: Decimal | None
    days: Decimal | None

    @property
    def erlangs(self) -> float:
        """The load: calls held at once on average, if none is refused."""
        return float(self.calls_per_hour * self.minutes / 60)

    @property
    def calls_a_minute(self) -> Fraction:
        """Calls that begin in a minute."""
        return self.calls_per_hour / 60

    def without(self, lost: float) -> "Traffic":
        """What is left of it if a share of the calls is refused."""
        return replace(self, calls_per_hour=self.calls_per_hour * (1 - Fraction(lost)))


@dataclass(frozen=True, slots=True)
class Queue:
    """Channels where calls wait: how many, the share that waits, seconds on average, the share answered in time."""

    channels: int
    waiting: float
    mean_wait_seconds: float
    answered: float


@dataclass(frozen=True, slots=True)
class Crowd:
    """What calls of all lengths ask on average, and how their lengths differ; longer ones than `cap` count as so long.

    `minutes` is their mean, so cut.
    """

    lengths: Spread | Lengths
    cap: Cap | None
    minutes: Fraction
    tokens: Load
    requests: Load


@dataclass(frozen=True, slots=True)
class Carried:
    """Calls at once that a quota carries: on average, in all but a few minutes, and even all in their heaviest minute."""

    on_average: int
    seldom_over: int
    always: int


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: what the calls that are not refused ask of it, and what a quota of it carries (both None: not known).

    `mean`, `seldom_over` and `worst`: on average, exceeded in a few minutes only, and all channels in their heaviest minute (of
    calls of few turns a channel may end one and begin another in a minute, and ask for a little more). Of sessions, these are
    calls at once.
    """

    name: LimitName
    mean: float
    seldom_over: float
    worst: int
    quota: int | None
    stated: bool
    carried: Carried | None


@dataclass(frozen=True, slots=True)
class Step:
    """So many quotas together: the calls at once that they carry, and the share of calls refused then."""

    quotas: int
    calls_at_once: int
    refused: float


@dataclass(frozen=True, slots=True)
class Needed:
    """What one quota carries, and how many it takes.

    `together`: calls go wherever there is room; `apart`: they are spread evenly and refused where there is none. None where
    a single call asks for more than the quota. `refused_with_one`: the share of calls refused if there is no more than one;
    `steps`: the same from one quota to as many as it takes together.
    """

    binds: LimitName
    calls_at_once: int
    refused_with_one: float
    together: int | None
    apart: int | None
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Capacity:
    """The answer. `demand` is that of the call that the plan describes, `crowd` that of calls of all lengths.

    `needed` is None where no limit is known; `per` names what has a quota of its own.
    """

    plan: Plan
    offered: Offered
    conversation: Conversation
    wanted: Wanted
    traffic: Traffic
    channels: int
    refused: float
    queue: Queue
    demand: Demand
    crowd: Crowd
    counted: Counted
    counting: Counting | None
    quota: Quota | None
    tier: str | None
    limits: tuple[Limit, ...]
    needed: Needed | None
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def per(self) -> str:
        """What has a quota of its own."""
        return self.counting.per if self.counting else "quota"


def capacity(
    plan: Plan,
    asked: Asked,
    facts: Facts,
    volume: Volume | None,
    wanted: Wanted | None = None,
    *,
    lengths: Spread | Lengths | None = None,
) -> Capacity:
    """How many calls of a plan are held at once in the busy hour, and how much quota they take.

    `lengths` says how calls differ in length; where nothing is said, a spread is assumed.

    >>> from datetime import date
    >>> from voicebill.facts import load
    >>> azure = Asked(model="gpt-realtime", provider="azure", day=date(2026, 11, 22))
    >>> found = capacity(Plan(minutes=6, turns=20), azure, load(), Volume(Decimal(30_000), "month"))
    >>> round(found.traffic.erlangs, 2), found.channels, found.needed.binds
    (23.05, 34, 'tokens')

    Raises:
        UnknownName: the model, provider, deployment, region, rule set or quota tier is unknown.
        NotOffered: nothing was sold so on that day.
        ContextOverflow: the provider would end the conversation with an error.
        InvalidInput: neither a volume nor calls an hour are stated, or the load is beyond any use.
    """
    wanted = wanted or Wanted()
    sold = offered(asked, plan.transcription_model, facts)
    offer, day = sold.found.offer, asked.day
    quota, counting = facts.quotas.find(offer, day, wanted.tier), facts.quotas.counted(offer.provider, day)
    counted = _counted(wanted, counting)
    crowd = _crowd(plan, lengths or Spread(), sold, counted)
    traffic = _busy_hour(crowd.minutes, volume, wanted)
    held = conversation(script(plan, sold.ruling.rules), sold)
    channels = erlang.channels_for(traffic.erlangs, float(wanted.refused))
    lost = erlang.refused(traffic.erlangs, channels)
    limits = tuple(_limits(traffic.without(lost), crowd, channels, quota, wanted))
    needed = _needed(traffic, channels, limits, float(wanted.refused))
    tier = (wanted.tier or quota.tiers[0]) if quota else None
    found = Capacity(
        plan=plan,
        offered=sold,
        conversation=held,
        wanted=wanted,
        traffic=traffic,
        channels=channels,
        refused=lost,
        queue=_queue(traffic, wanted.service_level),
        demand=demand(held, counted),
        crowd=crowd,
        counted=counted,
        counting=counting,
        quota=quota,
        tier=tier,
        limits=limits,
        needed=needed,
        assumptions=(),
        warnings=(),
    )
    return replace(
        found, assumptions=tuple(_assumptions(found, stated=lengths is not None)), warnings=tuple(_warnings(found, volume))
    )


def _counted(wanted: Wanted, counting: Counting | None) -> Counted:
    """How the limits count: as stated, else as the provider does, else everything."""
    return Counted(
        cached_tokens=wanted.cached_tokens if wanted.cached_tokens is not None else counting is None or counting.cached_tokens,
        request_is=wanted.request_is or (counting.request_is if counting else "response"),
        reserved_output_tokens=wanted.reserved_output_tokens,
    )


def _crowd(plan: Plan, lengths: Spread | Lengths, sold: Offered, counted: Counted) -> Crowd:
    """A few calls that stand for all lengths, run."""
    standing = standing_for(plan, lengths, sold)
    rules = sold.ruling.rules
    asks = [(weight, demand(conversation(script(each, rules), sold), counted)) for each, weight in standing.weighed]
    return Crowd(
        lengths=lengths,
        cap=standing.cap,
        minutes=Fraction(f"{standing.mean_minutes:.6f}"),
        tokens=Load.over([(weight, each.tokens) for weight, each in asks]),
        requests=Load.over([(weight, each.requests) for weight, each in asks]),
    )


def _busy_hour(minutes: Fraction, volume: Volume | None, wanted: Wanted) -> Traffic:
    traffic = _traffic(minutes, volume, wanted)
    if traffic.erlangs > erlang.MOST_ERLANGS:
        name = "conversations" if traffic.volume else "calls_per_hour"
        raise InvalidInput(
            f"{name}: {traffic.erlangs:,.4g} calls held at once are beyond any use; at most {erlang.MOST_ERLANGS:,} are counted"
        )
    return traffic


def _traffic(minutes: Fraction, volume: Volume | None, wanted: Wanted) -> Traffic:
    if wanted.calls_per_hour is not None:
        return Traffic(Fraction(wanted.calls_per_hour), minutes, None, None, None)
    if volume is None:
        raise InvalidInput(
            "conversations are missing: how many calls are there? state a volume, such as 30000/month, or calls_per_hour in "
            "the busy hour"
        )
    if volume.period == "hour":
        raise InvalidInput(
            f"conversations: {volume} says no busy hour: state calls_per_hour, or a volume by the day, week, month or year"
        )
    busy = Decimal(wanted.busy_hour_share or ASSUMED_BUSY_SHARE)
    days = Decimal(wanted.days or ASSUMED_DAYS)
    of_a_day = (
        Fraction(volume.conversations) if volume.period == "day" else volume.per_year / (MONTHS_PER_YEAR * Fraction(days))
    )
    return Traffic(of_a_day * Fraction(busy), minutes, volume, busy, None if volume.period == "day" else days)


def _queue(traffic: Traffic, wanted: Service) -> Queue:
    load, seconds = traffic.erlangs, float(traffic.minutes * 60)
    channels = erlang.channels_to_answer(load, seconds, float(wanted.share), float(wanted.seconds))
    return Queue(
        channels=channels,
        waiting=erlang.waiting(load, channels),
        mean_wait_seconds=erlang.mean_wait(load, channels, seconds),
        answered=erlang.answered_within(load, channels, seconds, float(wanted.seconds)),
    )


def _limits(traffic: Traffic, asks: Crowd, channels: int, quota: Quota | None, wanted: Wanted) -> Iterator[Limit]:
    over = float(wanted.minutes_over)
    each: tuple[tuple[LimitName, Load, int | None, int | None], ...] = (
        ("tokens", asks.tokens, wanted.quota_tokens, quota.tokens_per_minute if quota else None),
        ("requests", asks.requests, wanted.quota_requests, quota.requests_per_minute if quota else None),
    )
    for name, load, stated, published in each:
        limit, worst, mean = stated or published, channels * load.heaviest, float(load.mean(traffic.calls_a_minute))
        yield Limit(
            name=name,
            mean=mean,
            seldom_over=max(mean, min(float(worst), load.exceeded_seldom(traffic.calls_a_minute, over))),
            worst=worst,
            quota=limit,
            stated=stated is not None,
            carried=Carried(*most_calls(load, asks.minutes, limit, over)) if limit else None,
        )
    at_once = wanted.quota_sessions or (quota.sessions if quota else None)
    carried = Carried(at_once, at_once, at_once) if at_once else None
    yield Limit("sessions", traffic.erlangs, float(channels), channels, at_once, wanted.quota_sessions is not None, carried)


def _needed(traffic: Traffic, channels: int, limits: tuple[Limit, ...], target: float) -> Needed | None:
    known = [(limit.carried.seldom_over, limit.name) for limit in limits if limit.carried]
    if not known:
        return None
    each, binds = min(known, key=lambda pair: pair[0])
    if not each:
        return Needed(binds, 0, 1.0, None, None)
    together = max(1, ceil(channels / each))
    most_load = erlang.load_for(each, target) if target < 1 else traffic.erlangs
    return Needed(
        binds=binds,
        calls_at_once=each,
        refused_with_one=erlang.refused(traffic.erlangs, each),
        together=together,
        apart=max(together, ceil(traffic.erlangs / most_load - 1e-9)),
        steps=tuple(Step(count, count * each, erlang.refused(traffic.erlangs, count * each)) for count in _steps(together)),
    )


def _steps(most: int) -> list[int]:
    """From one to the most, all or so many as a table has room for.

    >>> _steps(4), _steps(1000)
    ([1, 2, 3, 4], [1, 112, 223, 334, 445, 556, 667, 778, 889, 1000])
    """
    shown = min(most, MOST_STEPS)
    return [1 + (most - 1) * at // (shown - 1) for at in range(shown)] if shown > 1 else [1]


def percent(value: float) -> str:
    """A share for people: a few digits, and never 0 for what is not.

    >>> percent(0.01), percent(0.00953), percent(0.6821), percent(1)
    ('1%', '0.95%', '68%', '100%')
    """
    hundredths = 100 * value
    return f"{hundredths:.2g}%" if hundredths < 99.5 else f"{hundredths:.4g}%"


def _assumptions(of: Capacity, *, stated: bool) -> Iterator[str]:
    wanted, traffic = of.wanted, of.traffic
    if traffic.volume and wanted.days is None and traffic.days is not None:
        yield f"calls come on {ASSUMED_DAYS} days a month, the business days of a month: assumed"
    if traffic.volume and wanted.busy_hour_share is None:
        busy = percent(float(ASSUMED_BUSY_SHARE))
        yield f"{busy} of a day's calls fall into its busiest hour: assumed, a planner's rule of thumb"
    yield (
        "calls begin at random and without regard to each other; those refused do not try again. How many are refused depends "
        "on the mean length of calls alone, however lengths differ; how many wait, and how long, is for exponential lengths"
    )
    if not stated and isinstance(of.crowd.lengths, Spread):
        yield (
            f"call lengths spread by {of.crowd.lengths.coefficient} (standard deviation over mean), assumed: lognormal as in "
            "call centres, how wide differs by business; state yours, or give your calls' lengths"
        )
    yield from _counting(of)
    if (
        of.quota
        and wanted.tier is None
        and len(tiers(of.offered.facts.quotas.of(of.offered.found.offer, of.offered.asked.day))) > 1
    ):
        yield f"the quota is that of {of.tier}, the lowest: assumed"
    yield from caveats.weak_rules(of.conversation, of.offered.ruling)


def _counting(of: Capacity) -> Iterator[str]:
    counting, counted, reserved = of.counting, of.counted, of.counted.reserved_output_tokens
    cached = "count" if counted.cached_tokens else "do not count"
    basis = f"{counting.evidence}, {counting.basis}" if counting else "assumed, nothing is known of this provider"
    if of.wanted.cached_tokens is not None or of.wanted.request_is is not None:
        basis = "as stated"
    yield f"cached tokens {cached} towards the limit, and a request is a {counted.request_is}: {basis}"
    if reserved is not None:
        yield f"of every response at least {reserved:,} output tokens count, as a limit on its output reserves them"
    elif counting:
        yield (
            f"output counts as generated; {counting.output}: set that limit near what replies take, or count what it reserves"
        )


def _warnings(of: Capacity, volume: Volume | None) -> Iterator[str]:
    offer, day, quotas = of.offered.found.offer, of.offered.asked.day, of.offered.facts.quotas
    if volume is not None and of.wanted.calls_per_hour is not None:
        yield f"calls_per_hour is taken as it is stated; conversations ({volume}) are not used"
    if of.quota is None and not of.needed:
        yield f"{quotas.missing(offer, day)}; state yours: quota_tokens and quota_requests a minute, quota_sessions at once"
    if of.quota is None and of.wanted.tier:
        yield f"{of.wanted.tier} says nothing: {quotas.missing(offer, day)}"
    if of.quota and of.quota.note:
        yield of.quota.note
    crowd = of.crowd
    if crowd.cap and isinstance(crowd.lengths, Spread) and float(crowd.minutes) < 0.97 * float(of.plan.minutes):
        yield (
            f"calls are cut at {crowd.cap.minutes:.4g} minutes, so they last {float(crowd.minutes):.1f} minutes on average and "
            f"not {of.plan.minutes}: state a smaller spread, longer sessions, or your calls' lengths"
        )
    if of.needed and of.needed.together is None:
        yield (
            f"a single call asks for more {of.needed.binds} a minute than the quota lets through: no number of {of.per}s "
            "carries it; shorten prompt and history, or ask for a larger quota"
        )
    if of.needed and of.needed.together and of.needed.together > 1 and of.counting:
        yield of.counting.scope
    yield from (*caveats.cautions(of.conversation, of.offered, (), ()), *caveats.crowding(of.conversation))
