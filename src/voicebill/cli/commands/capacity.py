"""Define `voicebill capacity`: the concurrent calls of the busy hour, and the quota that they need."""

from collections.abc import Iterator
from typing import Any

from rich.console import Console

from voicebill.answers.capacity.capacity import plan_capacity
from voicebill.answers.capacity.quota_usage import LimitUsage
from voicebill.answers.capacity.result import Capacity
from voicebill.answers.catalog.facts import Facts
from voicebill.answers.parameters.capacity_schema import parse_targets
from voicebill.answers.parameters.inputs import CALL_VOLUME, CAPACITY, PLAN, SELECTION
from voicebill.answers.parameters.read_inputs import InvalidInputs
from voicebill.answers.parameters.request import EstimateRequest
from voicebill.answers.parameters.table_schema import Issue
from voicebill.answers.parsing.quantities import format_percent, pluralize
from voicebill.answers.reports.table_cells import abbreviate_minutes
from voicebill.cli.display import terminal
from voicebill.cli.options.inputs import takes_inputs
from voicebill.cli.options.request import takes_request
from voicebill.cli.options.shared import (
    JsonOption,
)
from voicebill.conversation.call_lengths import LengthDistribution

CAPACITY_REQUEST = {**PLAN, **CALL_VOLUME, **SELECTION}


@takes_request(CAPACITY_REQUEST, CAPACITY)
@takes_inputs("targets_table", CAPACITY)
def capacity_command(
    *,
    request: EstimateRequest,
    facts: Facts,
    targets_table: dict[str, Any],
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
    issues: list[Issue] = []
    targets = parse_targets(targets_table, issues)
    if targets is None:
        raise InvalidInputs(issues)
    answer = plan_capacity(request.plan, request.selection, facts, request.volume, targets, lengths=request.lengths)
    if as_json:
        terminal.print_json(answer)
    else:
        print_capacity(answer, terminal.console())


def print_capacity(answer: Capacity, out: Console) -> None:
    """Print a capacity plan."""
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
        f"{pluralize(answer.channels, 'call')} all in their heaviest minute"
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


def _concurrency_table(answer: Capacity) -> Any:  # noqa: ANN401 - any content that Rich can print
    queue, targets = answer.queue, answer.targets
    table = terminal.table("", "calls", "", wrapped=(2,))
    table.add_row("on average", f"{answer.traffic.erlangs:,.1f}", "erlangs, if none is blocked")
    allowed = format_percent(float(targets.blocking_probability))
    table.add_row(
        f"room for at most {allowed} blocked",
        f"{answer.channels:,}",
        f"{format_percent(answer.blocking_probability)} are blocked",
    )
    waits = f"{format_percent(queue.wait_probability)} do, {queue.mean_wait_seconds:,.1f} s on average over all calls"
    table.add_row(f"room for {targets.service_level}", f"{queue.channels:,}", f"if calls wait instead: {waits}")
    return table


def _minute_table(answer: Capacity) -> Any:  # noqa: ANN401 - any content that Rich can print
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
    if answer.average_load.calls.lengths != LengthDistribution(0):
        average = answer.average_load
        table.add_row(
            "on average over calls of all lengths",
            f"{float(average.tokens.per_call):,.0f}",
            f"{float(average.requests.per_call):,.1f}",
        )
    return table


def _limit_table(answer: Capacity) -> Any:  # noqa: ANN401 - any content that Rich can print
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
    yield pluralize(limit.calls_per_quota.percentile, "call") if limit.calls_per_quota else "-"


def _quota_sentences(answer: Capacity) -> Iterator[str]:
    """Sentences on the calls that fit in one quota and the number of quotas required; none if no limit is known."""
    requirement, target = answer.needed, format_percent(float(answer.targets.blocking_probability))
    if requirement is None:
        return
    yield (
        f"One {answer.per} allows {pluralize(requirement.calls_at_once, 'concurrent call')}; the binding limit is "
        f"{requirement.binding_limit}. With a single one, {format_percent(requirement.blocking_with_one)} of calls are blocked."
    )
    if requirement.pooled is None or requirement.partitioned is None:
        return
    text = f"A blocking probability of at most {target} takes {pluralize(requirement.pooled, answer.per)}"
    if requirement.partitioned == requirement.pooled:
        yield f"{text}, with or without pooling."
    else:
        yield (
            f"{text} if calls are routed to wherever capacity is free (pooled), {requirement.partitioned:,} without pooling. "
            f"The unused quota of one {answer.per} cannot be used by another."
        )
