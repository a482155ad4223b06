"""Amounts that have an order keep it, for any plan at any prices: scenarios, percentiles and ranges."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.answers.estimates.random_plans import random_request, with_random_contract
from tests.cases import long_but
from voicebill.answers.estimates.call_mix import CallMix
from voicebill.answers.estimates.estimate import Estimate, estimate
from voicebill.answers.estimates.planning_range import AmountRange
from voicebill.answers.estimates.scenarios import Scenarios
from voicebill.answers.reports.chart_data import cumulative_costs
from voicebill.billing.errors import VoicebillError
from voicebill.facts import load_facts

SEEDS_PER_TEST = 40
FIRST_SEEDS = range(0, 400, SEEDS_PER_TEST)
"""Where the tests begin. Of the first plans, one takes five seconds; others have its call lengths, too."""


def unordered(answer: Estimate) -> Iterator[str]:
    """What is not in order in an answer."""
    amounts = {
        "conversation": answer.total,
        "mean": answer.total_mean,
        "month": answer.total_per_month,
        "year": answer.total_per_year,
        "minute": answer.total_per_minute,
    }
    for name, costs in amounts.items():
        if costs is not None and not costs.best <= costs.expected <= costs.worst:
            yield f"{name}: {costs}"
    for costs, planned in ((answer.total, answer.planning_range), (answer.total_per_month, answer.monthly_planning_range)):
        if not is_within(costs, planned):
            yield f"{costs} is not within {planned}"
    for row in cumulative_costs(answer):
        if not row.best <= row.expected <= row.worst:
            yield f"turn {row.value}: {row}"
    yield from unordered_percentiles(answer.call_mix)


def unordered_percentiles(call_mix: CallMix | None) -> Iterator[str]:
    if call_mix is None:
        return
    for lower, higher in pairwise(call_mix.percentiles):
        if lower.minutes > higher.minutes or lower.amount > higher.amount:
            yield f"{lower} is above {higher}"
    if call_mix.short_call is not None and call_mix.short_call > call_mix.percentiles[0].amount:
        yield f"a call of one turn costs more than {call_mix.percentiles[0]}"


def is_within(costs: Scenarios | None, planned: AmountRange | None) -> bool:
    return costs is None or planned is None or planned.low <= costs.best <= costs.worst <= planned.high


@pytest.mark.parametrize("first", long_but(FIRST_SEEDS[1:], FIRST_SEEDS))
def test_scenarios_percentiles_and_ranges_of_any_plan_are_in_order(first: int) -> None:
    facts, answered = load_facts(), 0
    for seed in range(first, first + SEEDS_PER_TEST):
        request = random_request(seed)
        if request is None:
            continue
        for own_facts in (facts, with_random_contract(facts, request.selection.model, seed)):
            try:
                answer = estimate(request.plan, request.selection, own_facts, request.volume, request.lengths)
            except VoicebillError:
                continue  # the plan does not fit into the model's context
            answered += 1
            assert not list(unordered(answer)), (seed, request.plan)
    assert answered > SEEDS_PER_TEST
