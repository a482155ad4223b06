"""`voicebill capacity`: how many calls are held at once, and how much quota they take."""

from collections.abc import Iterator
from typing import Annotated, Any

from rich.console import Console

from voicebill.answers import quantities
from voicebill.answers.capacity import (
    ASSUMED_BUSY_SHARE,
    ASSUMED_DAYS,
    Capacity,
    Limit,
    Service,
    Wanted,
    capacity,
    percent,
)
from voicebill.answers.capacity_shape import capacity_shape
from voicebill.answers.capacity_table import CACHED, service_said, tier_said
from voicebill.answers.demand import shown_minutes
from voicebill.answers.lengths import Spread
from voicebill.answers.offered import Asked
from voicebill.answers.question import DEFAULT_DEPLOYMENT, DEFAULT_MODEL, DEFAULT_PROVIDER
from voicebill.cli import screen
from voicebill.cli.options import (
    Conversations,
    Deployment,
    Json,
    LengthsFile,
    LengthSpread,
    Model,
    OnDay,
    PricesOption,
    Provider,
    Region,
    RuleOption,
    RulesOption,
    facts_and_rules,
    lengths_stated,
    option,
    overrides,
    today,
    word,
)
from voicebill.cli.plan_options import takes_plan
from voicebill.conversation.plan import Plan

TRAFFIC = "The busy hour"
LIMITS = "Limits and how they count"


CallsPerHour = Annotated[
    Any, option("--calls-per-hour", "Calls in the busy hour, instead of a volume.", TRAFFIC, quantities.number, "COUNT")
]
BusyHourShare = Annotated[
    Any,
    option(
        "--busy-hour-share",
        f"Share of a day's calls that fall into its busiest hour. (default: {percent(float(ASSUMED_BUSY_SHARE))})",
        TRAFFIC,
        quantities.share,
        "SHARE",
    ),
]
Days = Annotated[
    Any,
    option("--days", f"Days a month on which calls come. (default: {ASSUMED_DAYS})", TRAFFIC, quantities.number, "DAYS"),
]
Refused = Annotated[
    Any, option("--refused", "Share of calls that may be refused. (default: 1%)", TRAFFIC, quantities.share, "SHARE")
]
ServiceLevel = Annotated[
    Any,
    option(
        "--service-level",
        f'Where calls wait: how soon they are answered. (default: "{Service()}")',
        TRAFFIC,
        service_said,
        '"SHARE in TIME"',
    ),
]
Tier = Annotated[Any, option("--tier", "Azure's quota tier, 1 to 6. (default: the lowest)", LIMITS, tier_said, "NAME")]
QuotaTokens = Annotated[
    Any, option("--quota-tokens", "Your limit on tokens a minute: 200k.", LIMITS, quantities.count, "TOKENS")
]
QuotaRequests = Annotated[
    Any, option("--quota-requests", "Your limit on requests a minute.", LIMITS, quantities.count, "COUNT")
]
QuotaSessions = Annotated[Any, option("--quota-sessions", "Your limit on sessions at once.", LIMITS, quantities.count, "COUNT")]
MinutesOver = Annotated[
    Any,
    option(
        "--minutes-over",
        "Share of minutes in which calls at once may ask for more than the quota. (default: 1%)",
        LIMITS,
        quantities.share,
        "SHARE",
    ),
]
CachedTokens = Annotated[
    str | None,
    option(
        "--cached-tokens",
        "counted or free: towards the limit. (default: as the provider does)",
        LIMITS,
        word(*CACHED),
        "NAME",
    ),
]
RequestIs = Annotated[
    Any,
    option(
        "--request-is",
        "response or session: what a request is. (default: as the provider counts)",
        LIMITS,
        word("response", "session"),
        "NAME",
    ),
]
ReservedOutputTokens = Annotated[
    Any,
    option(
        "--reserved-output-tokens",
        "Output tokens that count for every response, whatever it writes. (default: those generated)",
        LIMITS,
        quantities.count,
        "TOKENS",
    ),
]


@takes_plan("model", "provider", "deployment", "region", "day", "rules", "conversations", "length_spread")
def capacity_command(
    *,
    plan: Plan,
    conversations: Conversations = None,
    length_spread: LengthSpread = None,
    lengths: LengthsFile = None,
    calls_per_hour: CallsPerHour = None,
    busy_hour_share: BusyHourShare = None,
    days: Days = None,
    refused: Refused = None,
    service_level: ServiceLevel = None,
    tier: Tier = None,
    quota_tokens: QuotaTokens = None,
    quota_requests: QuotaRequests = None,
    quota_sessions: QuotaSessions = None,
    minutes_over: MinutesOver = None,
    cached_tokens: CachedTokens = None,
    request_is: RequestIs = None,
    reserved_output_tokens: ReservedOutputTokens = None,
    model: Model = None,
    provider: Provider = None,
    deployment: Deployment = None,
    region: Region = None,
    day: OnDay = None,
    prices: PricesOption = None,
    rules: RulesOption = None,
    rule: RuleOption = None,
    as_json: Json = False,
) -> None:
    """How many calls are held at once, what they ask of limits a minute, and how much quota that takes.

    \b
    Thirty thousand calls a month on Azure:
        voicebill capacity --minutes 6 --turns 20 --conversations 30000/month \\
            --provider azure --model gpt-realtime
    Two hundred calls in the busy hour, against limits of your own:
        voicebill capacity --minutes 6 --turns 20 --calls-per-hour 200 \\
            --quota-tokens 250k --quota-requests 1000
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    stated = {
        "calls_per_hour": calls_per_hour,
        "busy_hour_share": busy_hour_share,
        "days": days,
        "refused": refused,
        "service_level": service_level,
        "minutes_over": minutes_over,
        "tier": tier,
        "quota_tokens": quota_tokens,
        "quota_requests": quota_requests,
        "quota_sessions": quota_sessions,
        "cached_tokens": None if cached_tokens is None else CACHED[cached_tokens],
        "request_is": request_is,
        "reserved_output_tokens": reserved_output_tokens,
    }
    wanted = Wanted(**{name: value for name, value in stated.items() if value is not None})
    facts, rule_set = facts_and_rules(rules, prices)
    question = Asked(
        model=model or DEFAULT_MODEL,
        provider=provider or DEFAULT_PROVIDER,
        deployment=deployment or DEFAULT_DEPLOYMENT,
        region=region,
        day=day or today(),
        rules=rule_set,
        overrides=overrides(rule),
    )
    answer = capacity(plan, question, facts, conversations, wanted, lengths=lengths_stated(length_spread, lengths))
    if as_json:
        screen.as_json(capacity_shape(answer))
    else:
        show(answer, screen.console())


def show(answer: Capacity, out: Console) -> None:
    """Print a capacity for people."""
    sold = answer.offered
    out.print(screen.heading(screen.sold_as(sold)))
    out.print(_busy_hour(answer))
    out.print()
    out.print(screen.heading("Calls at once"))
    out.print(screen.indented(_at_once(answer)))
    out.print()
    out.print(screen.heading("The call of average length, minute by minute"))
    out.print(screen.indented(_minutes(answer)))
    out.print()
    out.print(screen.heading("All calls that are not refused, a minute"))
    out.print(
        f"on average; not exceeded in {within(answer)} of minutes; worst, {screen.counted(answer.channels, 'call')} all in the "
        "heaviest minute of the longest"
    )
    out.print(screen.indented(_limits(answer)))
    for line in _needed(answer):
        out.print()
        out.print(line)
    for note in (*screen.notes("Mind", answer.warnings, style="yellow"), *screen.notes("Assumed", answer.assumptions)):
        out.print(note)
    out.print()
    out.print(screen.footing(sold.ruling, sold.facts.prices.digest, sold.found.rates.row.checked))


def _busy_hour(answer: Capacity) -> str:
    traffic = answer.traffic
    minutes = round(float(traffic.minutes), 2)
    calls = f"{float(traffic.calls_per_hour):,.4g} calls in the busy hour, {minutes:,g} minutes each on average"
    if traffic.volume is None or traffic.busy_share is None:
        return calls
    days = f" on {traffic.days} days a month" if traffic.days is not None else ""
    return f"{traffic.volume}{days}, {percent(float(traffic.busy_share))} of a day in its busiest hour: {calls}"


def _at_once(answer: Capacity) -> Any:  # noqa: ANN401 - whatever Rich can show
    queue, wanted = answer.queue, answer.wanted
    table = screen.table("", "calls", "")
    table.columns[2].justify, table.columns[2].no_wrap = "left", False
    table.add_row("on average", f"{answer.traffic.erlangs:,.1f}", "erlangs, if none is refused")
    allowed = percent(float(wanted.refused))
    table.add_row(f"room for at most {allowed} refused", f"{answer.channels:,}", f"{percent(answer.refused)} are refused")
    waits = f"{percent(queue.waiting)} do, {queue.mean_wait_seconds:,.1f} s on average over all calls"
    table.add_row(f"room for {wanted.service_level}", f"{queue.channels:,}", f"if calls wait instead: {waits}")
    return table


def _minutes(answer: Capacity) -> Any:  # noqa: ANN401 - whatever Rich can show
    asks = answer.demand
    table = screen.table("minute", "tokens", "requests")
    for each in shown_minutes(asks.minutes):
        table.add_row(
            f"{each.number}" if each else "...", f"{each.tokens:,}" if each else "", f"{each.requests:,}" if each else ""
        )
    table.add_row("heaviest, wherever it begins", f"{asks.tokens.heaviest:,}", f"{asks.requests.heaviest:,}")
    found = f" ({asks.cached:,} of them cached)" if asks.cached else ""
    table.add_row(f"the whole call{found}", f"{int(asks.tokens.each):,}", f"{int(asks.requests.each):,}")
    if answer.crowd.lengths != Spread(0):
        mean = answer.crowd
        table.add_row(
            "on average over calls of all lengths", f"{float(mean.tokens.each):,.0f}", f"{float(mean.requests.each):,.1f}"
        )
    return table


def _limits(answer: Capacity) -> Any:  # noqa: ANN401 - whatever Rich can show
    table = screen.table("", "on average", f"{within(answer)} of minutes", "worst", "one quota", "carries")
    for limit in answer.limits:
        name = "sessions at once" if limit.name == "sessions" else limit.name
        table.add_row(name, *_figures(limit))
    return table


def within(answer: Capacity) -> str:
    """The share of minutes in which calls ask for no more than is said."""
    return percent(1 - float(answer.wanted.minutes_over))


def _figures(limit: Limit) -> Iterator[str]:
    yield f"{limit.mean:,.0f}" if limit.name != "sessions" else f"{limit.mean:,.1f}"
    yield f"{limit.seldom_over:,.0f}"
    yield f"{limit.worst:,}"
    yield f"{limit.quota:,}" if limit.quota else "not known"
    yield screen.counted(limit.carried.seldom_over, "call") if limit.carried else "-"


def _needed(answer: Capacity) -> Iterator[str]:
    """How much quota it takes, in sentences."""
    needed, target = answer.needed, percent(float(answer.wanted.refused))
    if needed is None:
        return
    yield (
        f"One {answer.per} carries {screen.counted(needed.calls_at_once, 'call')} at once; its limit on {needed.binds} binds. "
        f"With one alone {percent(needed.refused_with_one)} of the calls are refused."
    )
    if needed.together is None or needed.apart is None:
        return
    takes = f"For at most {target} refused it takes {screen.counted(needed.together, answer.per)}"
    if needed.apart == needed.together:
        yield f"{takes}, however calls are spread over them."
    else:
        yield (
            f"{takes} where calls go wherever there is room, {needed.apart:,} where they are spread blindly. "
            f"What one {answer.per} leaves unused of its quota is of no use to the others."
        )
