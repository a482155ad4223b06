"""`voicebill capacity`: how many calls are held at once, and how much quota they take."""

from collections.abc import Iterator
from typing import Annotated, Any

from rich.console import Console

from voicebill.answers.capacity.capacity import plan_capacity
from voicebill.answers.capacity.quota_usage import LimitUsage
from voicebill.answers.capacity.result import Capacity
from voicebill.answers.capacity.targets import ASSUMED_BUSY_SHARE, ASSUMED_DAYS, CapacityTargets, ServiceLevel
from voicebill.answers.parameters.capacity_schema import CACHED_TOKEN_COUNTING, parse_service_level, parse_tier
from voicebill.answers.parsing import quantities
from voicebill.answers.parsing.quantities import format_percent
from voicebill.answers.reports.table_cells import abbreviate_minutes
from voicebill.cli.display import terminal
from voicebill.cli.options.plan import takes_plan
from voicebill.cli.options.shared import (
    CallLengthCvOption,
    CallLengthsOption,
    ConversationsOption,
    DayOption,
    DeploymentOption,
    JsonOption,
    ModelOption,
    PricesOption,
    ProviderOption,
    RegionOption,
    RuleOption,
    RulesOption,
    choice_parser,
    load_selection,
    option,
    parse_lengths,
)
from voicebill.conversation.call_lengths import LengthDistribution
from voicebill.conversation.plan import Plan

TRAFFIC_PANEL = "Busy hour"
LIMITS_PANEL = "Limits and counting"


CallsPerHourOption = Annotated[
    Any,
    option("--calls-per-hour", "Calls in the busy hour, instead of a volume.", TRAFFIC_PANEL, quantities.parse_number, "COUNT"),
]
BusyHourShareOption = Annotated[
    Any,
    option(
        "--busy-hour-share",
        f"Share of a day's calls in the busy hour. (default: {format_percent(float(ASSUMED_BUSY_SHARE))})",
        TRAFFIC_PANEL,
        quantities.parse_share,
        "SHARE",
    ),
]
DaysOption = Annotated[
    Any,
    option("--days", f"Days per month with calls. (default: {ASSUMED_DAYS})", TRAFFIC_PANEL, quantities.parse_number, "DAYS"),
]
BlockingOption = Annotated[
    Any,
    option(
        "--blocking",
        "Blocking probability: share of calls that may be blocked. (default: 1%)",
        TRAFFIC_PANEL,
        quantities.parse_share,
        "SHARE",
    ),
]
ServiceLevelOption = Annotated[
    Any,
    option(
        "--service-level",
        f'Service level if calls queue: share answered within a time. (default: "{ServiceLevel()}")',
        TRAFFIC_PANEL,
        parse_service_level,
        '"SHARE in TIME"',
    ),
]
TierOption = Annotated[
    Any, option("--tier", "Azure's quota tier, 1 to 6. (default: the lowest)", LIMITS_PANEL, parse_tier, "NAME")
]
QuotaTokensOption = Annotated[
    Any, option("--quota-tokens", "Token limit per minute, such as 200k.", LIMITS_PANEL, quantities.parse_count, "TOKENS")
]
QuotaRequestsOption = Annotated[
    Any, option("--quota-requests", "Request limit per minute.", LIMITS_PANEL, quantities.parse_count, "COUNT")
]
QuotaSessionsOption = Annotated[
    Any, option("--quota-sessions", "Concurrent session limit.", LIMITS_PANEL, quantities.parse_count, "COUNT")
]
ExceedanceOption = Annotated[
    Any,
    option(
        "--exceedance",
        "Share of minutes in which the load may exceed the quota. (default: 1%)",
        LIMITS_PANEL,
        quantities.parse_share,
        "SHARE",
    ),
]
CachedTokensOption = Annotated[
    str | None,
    option(
        "--cached-tokens",
        "Whether cached tokens count towards the limit: counted or free. (default: as the provider does)",
        LIMITS_PANEL,
        choice_parser(*CACHED_TOKEN_COUNTING),
        "NAME",
    ),
]
RequestUnitOption = Annotated[
    Any,
    option(
        "--request-unit",
        "What a request is: response or session. (default: as the provider counts)",
        LIMITS_PANEL,
        choice_parser("response", "session"),
        "NAME",
    ),
]
ReservedOutputTokensOption = Annotated[
    Any,
    option(
        "--reserved-output-tokens",
        "Output tokens counted for every response. (default: those generated)",
        LIMITS_PANEL,
        quantities.parse_count,
        "TOKENS",
    ),
]


@takes_plan("model", "provider", "deployment", "region", "day", "rules", "conversations", "call_length_cv")
def capacity_command(
    *,
    plan: Plan,
    conversations: ConversationsOption = None,
    call_length_cv: CallLengthCvOption = None,
    call_lengths: CallLengthsOption = None,
    calls_per_hour: CallsPerHourOption = None,
    busy_hour_share: BusyHourShareOption = None,
    days: DaysOption = None,
    blocking_probability: BlockingOption = None,
    service_level: ServiceLevelOption = None,
    tier: TierOption = None,
    quota_tokens: QuotaTokensOption = None,
    quota_requests: QuotaRequestsOption = None,
    quota_sessions: QuotaSessionsOption = None,
    exceedance: ExceedanceOption = None,
    cached_tokens: CachedTokensOption = None,
    request_unit: RequestUnitOption = None,
    reserved_output_tokens: ReservedOutputTokensOption = None,
    model: ModelOption = None,
    provider: ProviderOption = None,
    deployment: DeploymentOption = None,
    region: RegionOption = None,
    day: DayOption = None,
    prices: PricesOption = None,
    rules: RulesOption = None,
    rule: RuleOption = None,
    as_json: JsonOption = False,
) -> None:
    """Size the busy hour: concurrent calls, use of the limits per minute, and quota.

    \b
    Thirty thousand calls a month on Azure:
        voicebill capacity --minutes 6 --turns 20 --conversations 30000/month \\
            --provider azure --model gpt-realtime
    Two hundred calls in the busy hour, against limits of your own:
        voicebill capacity --minutes 6 --turns 20 --calls-per-hour 200 \\
            --quota-tokens 250k --quota-requests 1000
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    values = {
        "calls_per_hour": calls_per_hour,
        "busy_hour_share": busy_hour_share,
        "days": days,
        "blocking_probability": blocking_probability,
        "service_level": service_level,
        "exceedance": exceedance,
        "tier": tier,
        "quota_tokens": quota_tokens,
        "quota_requests": quota_requests,
        "quota_sessions": quota_sessions,
        "cached_tokens": None if cached_tokens is None else CACHED_TOKEN_COUNTING[cached_tokens],
        "request_unit": request_unit,
        "reserved_output_tokens": reserved_output_tokens,
    }
    targets = CapacityTargets(**{name: value for name, value in values.items() if value is not None})
    selection, facts = load_selection(
        model=model,
        provider=provider,
        deployment=deployment,
        region=region,
        day=day,
        rules=rules,
        overrides=rule,
        prices=prices,
    )
    answer = plan_capacity(plan, selection, facts, conversations, targets, lengths=parse_lengths(call_length_cv, call_lengths))
    if as_json:
        terminal.print_json(answer)
    else:
        print_capacity(answer, terminal.console())


def print_capacity(answer: Capacity, out: Console) -> None:
    """Print a capacity for people."""
    model = answer.model
    out.print(terminal.heading(terminal.selection_title(model)))
    out.print(_busy_hour(answer))
    out.print()
    out.print(terminal.heading("Calls at once"))
    out.print(terminal.indent(_concurrency_table(answer)))
    out.print()
    out.print(terminal.heading("The call of average length, minute by minute"))
    out.print(terminal.indent(_minute_table(answer)))
    out.print()
    out.print(terminal.heading("Use of the limits per minute, all calls that are not blocked"))
    out.print(
        f"on average; not exceeded in {answer.targets.percentile_text} of minutes; worst case, "
        f"{terminal.pluralize(answer.channels, 'call')} all in their heaviest minute"
    )
    out.print(terminal.indent(_limit_table(answer)))
    for line in _quota_sentences(answer):
        out.print()
        out.print(line)
    for note in (
        *terminal.notes("Warnings", answer.warnings, style="yellow"),
        *terminal.notes("Assumptions", answer.assumptions),
    ):
        out.print(note)
    out.print()
    out.print(terminal.footer(model.effective_rules, model.facts.prices.digest, model.quote.rates.row.checked))


def _busy_hour(answer: Capacity) -> str:
    traffic = answer.traffic
    minutes = round(float(traffic.minutes), 2)
    calls = f"{float(traffic.calls_per_hour):,.4g} calls in the busy hour, {minutes:,g} minutes each on average"
    if traffic.volume is None or traffic.busy_hour_share is None:
        return calls
    days = f" on {traffic.days} days a month" if traffic.days is not None else ""
    return f"{traffic.volume}{days}, {format_percent(float(traffic.busy_hour_share))} of a day in its busiest hour: {calls}"


def _concurrency_table(answer: Capacity) -> Any:  # noqa: ANN401 - whatever Rich can show
    queue, targets = answer.queue, answer.targets
    table = terminal.table("", "calls", "", wrapped=(2,))
    table.add_row("on average", f"{answer.traffic.erlangs:,.1f}", "erlangs, if none is refused")
    allowed = format_percent(float(targets.blocking_probability))
    table.add_row(
        f"room for at most {allowed} refused",
        f"{answer.channels:,}",
        f"{format_percent(answer.blocking_probability)} are refused",
    )
    waits = f"{format_percent(queue.wait_probability)} do, {queue.mean_wait_seconds:,.1f} s on average over all calls"
    table.add_row(f"room for {targets.service_level}", f"{queue.channels:,}", f"if calls wait instead: {waits}")
    return table


def _minute_table(answer: Capacity) -> Any:  # noqa: ANN401 - whatever Rich can show
    demand = answer.demand
    table = terminal.table("minute", "tokens", "requests")
    for minute in abbreviate_minutes(demand.minutes):
        table.add_row(
            f"{minute.number}" if minute else "...",
            f"{minute.tokens:,}" if minute else "",
            f"{minute.requests:,}" if minute else "",
        )
    table.add_row("heaviest, wherever it begins", f"{demand.tokens.heaviest:,}", f"{demand.requests.heaviest:,}")
    cached = f" ({demand.cached_tokens:,} of them cached)" if demand.cached_tokens else ""
    table.add_row(f"the whole call{cached}", f"{int(demand.tokens.per_call):,}", f"{int(demand.requests.per_call):,}")
    if answer.average_load.lengths != LengthDistribution(0):
        average = answer.average_load
        table.add_row(
            "on average over calls of all lengths",
            f"{float(average.tokens.per_call):,.0f}",
            f"{float(average.requests.per_call):,.1f}",
        )
    return table


def _limit_table(answer: Capacity) -> Any:  # noqa: ANN401 - whatever Rich can show
    table = terminal.table("", "on average", f"{answer.targets.percentile_text} of minutes", "worst", "one quota", "carries")
    for limit in answer.limits:
        name = "sessions at once" if limit.name == "sessions" else limit.name
        table.add_row(name, *_limit_figures(limit))
    return table


def _limit_figures(limit: LimitUsage) -> Iterator[str]:
    yield f"{limit.mean:,.0f}" if limit.name != "sessions" else f"{limit.mean:,.1f}"
    yield f"{limit.percentile:,.0f}"
    yield f"{limit.worst:,}"
    yield f"{limit.quota:,}" if limit.quota else "not known"
    yield terminal.pluralize(limit.calls_per_quota.percentile, "call") if limit.calls_per_quota else "-"


def _quota_sentences(answer: Capacity) -> Iterator[str]:
    """How much quota it takes, in sentences."""
    requirement, target = answer.needed, format_percent(float(answer.targets.blocking_probability))
    if requirement is None:
        return
    yield (
        f"One {answer.per} allows {terminal.pluralize(requirement.calls_at_once, 'concurrent call')}; the binding limit is "
        f"{requirement.binding_limit}. With a single one, {format_percent(requirement.blocking_with_one)} of calls are blocked."
    )
    if requirement.pooled is None or requirement.partitioned is None:
        return
    text = f"A blocking probability of at most {target} takes {terminal.pluralize(requirement.pooled, answer.per)}"
    if requirement.partitioned == requirement.pooled:
        yield f"{text}, with or without pooling."
    else:
        yield (
            f"{text} if calls are routed to wherever capacity is free (pooled), {requirement.partitioned:,} without pooling. "
            f"The unused quota of one {answer.per} cannot be used by another."
        )
