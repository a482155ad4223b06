"""A month of calls: against brute force, and exact where lengths do not differ."""

from dataclasses import astuple, replace
from decimal import Decimal
from functools import cache
from math import exp, log, sqrt
from statistics import NormalDist
from typing import Any

import pytest

from tests.cases import DAY
from voicebill.answers.estimates.call_mix import CallMix, call_mix, mean_costs, sample_calls
from voicebill.answers.estimates.costing import usage_of_plan
from voicebill.answers.estimates.model_selection import ModelSelection, ResolvedModel, resolve_model
from voicebill.answers.estimates.scenarios import Scenarios, plan_costs
from voicebill.billing.errors import ContextOverflow, InvalidInput
from voicebill.conversation.call_lengths import CallLengths, LengthDistribution
from voicebill.conversation.call_sample import SampledCalls, WeightedCall
from voicebill.conversation.plan import Plan, with_length
from voicebill.facts import load_facts

PLAN = Plan(minutes=10, turns=20)


@cache
def resolved_model() -> ResolvedModel:
    """The model that the tests price with."""
    return resolve_model(ModelSelection(model="gpt-realtime-1.5", day=DAY), None, load_facts())


def price_calls(plan: Plan, lengths: LengthDistribution | CallLengths, model: ResolvedModel) -> CallMix:
    """What calls of a plan's average length cost with an offer."""
    return call_mix(sample_calls(plan, lengths, model), plan_costs(plan, model), model)


def one_by_one(plan: Plan, minutes: list[float], model: ResolvedModel) -> float:
    """The mean cost of calls of so many minutes, each priced as a plan of its own."""
    per_minute = plan.turns / float(plan.minutes)
    total = 0
    for length in minutes:
        turns = max(1, round(length * per_minute))
        total += int(plan_costs(replace(plan, minutes=Decimal(f"{length:.6f}"), turns=turns), model).expected)
    return total / len(minutes)


def lognormal(mean: float, coefficient: float, cap: float, count: int) -> list[float]:
    """The middles of equal shares of a lognormal distribution, cut at the cap."""
    sigma = sqrt(log(1 + coefficient**2))
    inverse = NormalDist(log(mean) - sigma**2 / 2, sigma).inv_cdf
    return [min(exp(inverse((index + 0.5) / count)), cap) for index in range(count)]


@pytest.mark.parametrize(("turns", "coefficient"), [(20, 0.5), (20, 0.8), (20, 1.0), (40, 0.8)])
def test_a_month_equals_two_thousand_lengths_one_by_one_within_a_thousandth(turns: int, coefficient: float) -> None:
    plan = replace(PLAN, turns=turns)
    mix = price_calls(plan, LengthDistribution(coefficient), resolved_model())
    expected = one_by_one(plan, lognormal(10, coefficient, 60, 2000), resolved_model())
    assert float(mix.mean.expected) == pytest.approx(expected, rel=1e-3)


def test_without_a_spread_a_month_is_the_average_call_exactly() -> None:
    mix = price_calls(PLAN, LengthDistribution(0), resolved_model())
    assert mix.mean == plan_costs(PLAN, resolved_model())
    assert mix.length_uplift == 0
    assert {percentile.amount for percentile in mix.percentiles} == {mix.mean.expected}


def test_the_wider_the_spread_the_dearer_the_month_and_best_stays_best() -> None:
    mixes = [price_calls(PLAN, LengthDistribution(spread), resolved_model()) for spread in (0, 0.5, 1.0)]
    assert mixes[0].length_uplift < mixes[1].length_uplift < mixes[2].length_uplift
    assert all(mix.mean.best < mix.mean.expected < mix.mean.worst for mix in mixes)


def test_at_four_turns_a_minute_half_a_spread_adds_about_eight_per_cent() -> None:
    """The vendor-independent figure collected elsewhere is about 8 % at 0.5."""
    mix = price_calls(Plan(minutes=10, turns=40), LengthDistribution(0.5), resolved_model())
    assert float(mix.length_uplift) == pytest.approx(0.08, abs=0.01)
    assert mix.cap == (60, "session")


def test_percentiles_are_calls_of_their_length() -> None:
    ten, fifty, ninety = price_calls(PLAN, LengthDistribution(), resolved_model()).percentiles
    assert ten.minutes < fifty.minutes < 10 < ninety.minutes
    assert ten.amount < fifty.amount < ninety.amount


def test_lengths_that_were_counted_are_priced_as_they_are() -> None:
    """Three calls of 5 minutes and one of 20: the mean of their own estimates."""
    mix = price_calls(PLAN, CallLengths(((5, 3), (20, 1))), resolved_model())
    five, twenty = (plan_costs(Plan(minutes=minutes, turns=2 * minutes), resolved_model()).expected for minutes in (5, 20))
    assert round(mix.mean.expected) == round((3 * five + twenty) / 4)


@pytest.mark.parametrize("transcription", ["whisper-1", "gpt-4o-transcribe"])
def test_transcription_is_part_of_the_mean_and_of_the_percentiles(transcription: str) -> None:
    """Three calls of 5 minutes and one of 20, each with its own transcription."""
    model = resolve_model(resolved_model().selection, transcription, resolved_model().facts)
    mix = price_calls(replace(PLAN, transcription_model=transcription), CallLengths(((5, 3), (20, 1))), model)
    five, twenty = (
        plan_costs(Plan(minutes=minutes, turns=2 * minutes, transcription_model=transcription), model) for minutes in (5, 20)
    )
    for amounts in zip(*(astuple(scenarios) for scenarios in (mix.mean, five, twenty)), strict=True):
        assert round(amounts[0]) == round((3 * amounts[1] + amounts[2]) / 4)
    assert [percentile.amount for percentile in mix.percentiles] == [five.expected, five.expected, twenty.expected]


def test_the_mean_of_priced_calls_is_weighted() -> None:
    """(1 x 10 + 3 x 30) / 4 = 25, and so on."""
    calls = tuple(WeightedCall(5.0, weight, Scenarios(amount, 2 * amount, 3 * amount)) for weight, amount in ((1, 10), (3, 30)))
    assert mean_costs(SampledCalls(LengthDistribution(), None, 5.0, calls, ())) == Scenarios(25, 50, 75)


@pytest.mark.parametrize(
    ("plan", "overrides", "cap"),
    [
        (Plan(minutes=10, turns=20, session_minutes=20), {}, (20, "session")),
        (Plan(minutes=60, turns=60), {}, (60, "session")),
        (Plan(minutes=Decimal("60.01"), turns=60), {}, None),
        (PLAN, {"session_minutes": 0}, None),
        (PLAN, {"session_minutes": 3_000}, (1_440, "session")),
    ],
    ids=str,
)
def test_calls_end_with_the_session_unless_the_plan_needs_more_than_one(plan: Plan, overrides: Any, cap: Any) -> None:
    model = resolve_model(replace(resolved_model().selection, overrides=overrides), None, resolved_model().facts)
    assert price_calls(plan, LengthDistribution(0.1), model).cap == cap


def test_where_the_provider_ignores_truncation_a_full_context_ends_calls() -> None:
    """Azure's gpt-realtime-2.1 reads at most 96,000 tokens: after 90,000 of instructions, longer calls do not fit."""
    azure, openai = (
        resolve_model(ModelSelection(model="gpt-realtime-2.1", provider=provider, day=DAY), None, load_facts())
        for provider in ("azure", "openai")
    )
    plan = replace(PLAN, instructions_tokens=90_000)
    cap = price_calls(plan, LengthDistribution(0.8), azure).cap
    assert cap is not None
    assert cap.by == "context"
    assert 10 < cap.minutes < 30
    usage_of_plan(with_length(plan, round(2 * cap.minutes), Decimal(f"{cap.minutes:.6f}")), azure)
    with pytest.raises(ContextOverflow):
        usage_of_plan(with_length(plan, round(2.2 * cap.minutes), Decimal(f"{1.1 * cap.minutes:.6f}")), azure)
    assert price_calls(plan, LengthDistribution(0.8), openai).cap == (60, "session")


def test_percentiles_are_those_of_the_lengths_however_few_the_turns() -> None:
    """A lognormal of mean 5 and deviation 4 has its median at 5 / sqrt(1 + 0.8^2) = 3.904."""
    median = price_calls(Plan(minutes=5, turns=1), LengthDistribution(0.8), resolved_model()).percentiles[1]
    assert median.minutes == pytest.approx(3.904, abs=0.001)
    observed = price_calls(Plan(minutes=20, turns=2), CallLengths(((2, 1), (3, 1), (4, 1))), resolved_model())
    assert [percentile.minutes for percentile in observed.percentiles] == [2, 3, 4]
    assert observed.mean_minutes == 3


def test_a_cap_that_shortens_the_mean_is_warned_of() -> None:
    mix = price_calls(Plan(minutes=50, turns=50), LengthDistribution(0.8), resolved_model())
    assert mix.mean_minutes < 45


def test_calls_beyond_the_cap_are_counted_as_so_long() -> None:
    mix = price_calls(PLAN, CallLengths(((90, 1),)), resolved_model())
    assert mix.mean.expected == plan_costs(Plan(minutes=60, turns=120), resolved_model()).expected


@pytest.mark.parametrize("wrong", [-0.1, 5.1, float("nan")])
def test_a_spread_that_cannot_be_is_refused(wrong: float) -> None:
    with pytest.raises(InvalidInput, match="call_length_cv must be"):
        LengthDistribution(wrong)


@pytest.mark.parametrize("wrong", [(), ((5, 0),), ((0, 1),), ((5, -1), (6, 3)), ((5, 1.5),)])
def test_lengths_that_cannot_be_are_refused(wrong: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(InvalidInput):
        CallLengths(wrong)


def test_a_plan_of_several_sessions_is_not_cut_at_the_first() -> None:
    """A spread of next to nothing costs next to what the plan does."""
    plan = Plan(minutes=90, turns=100)
    mix = price_calls(plan, LengthDistribution(0.01), resolved_model())
    assert mix.cap is None
    assert float(mix.length_uplift) == pytest.approx(0, abs=0.01)


def test_the_longest_group_is_no_longer_than_a_day() -> None:
    """A plan of more than one session has no cap but the day; its last group is a sliver, whose mean must not exceed it."""
    azure = resolve_model(ModelSelection(model="gpt-realtime-1.5", provider="azure", day=DAY), None, load_facts())
    for minutes in (31, 34, 37, 40):
        mix = price_calls(Plan(minutes=minutes, turns=2), LengthDistribution(), azure)
        assert mix.mean_minutes == pytest.approx(minutes, rel=0.01)
