"""A month of calls: against brute force, and exact where lengths do not differ."""

from collections import Counter
from dataclasses import astuple, replace
from decimal import Decimal
from fractions import Fraction
from functools import cache
from math import exp, log, sqrt
from statistics import NormalDist
from typing import Any

import pytest

from tests.cases import DAY
from voicebill.answers.estimates.call_mix import CallMix, call_mix, count_population
from voicebill.answers.estimates.counted_conversation import run_conversation
from voicebill.answers.estimates.model_selection import ModelSelection, ResolvedModel, resolve_model
from voicebill.answers.estimates.scenarios import Scenarios, conversation_costs, plan_costs
from voicebill.billing.errors import ContextOverflow, InvalidInput
from voicebill.conversation.call_lengths import CallLengths, LengthDistribution
from voicebill.conversation.plan import Plan, script
from voicebill.conversation.rules import ParameterValue
from voicebill.facts import load_facts

PLAN = Plan(minutes=10, turns=20)


@cache
def resolved_model() -> ResolvedModel:
    """The model that the tests price with."""
    return resolve_model(ModelSelection(model="gpt-realtime-1.5", day=DAY), None, load_facts())


def price_calls(plan: Plan, lengths: LengthDistribution | CallLengths, model: ResolvedModel) -> CallMix:
    """What calls of a plan's average length cost with an offer."""
    return call_mix(count_population(plan, lengths, model), plan_costs(plan, model), model)


def one_by_one(plan: Plan, minutes: list[float], model: ResolvedModel) -> float:
    """The mean cost of calls of so many minutes, each priced response by response as a script of its own."""
    per_minute = plan.turns / float(plan.minutes)
    counted = Counter(max(1, round(length * per_minute)) for length in minutes)
    total = 0
    for turns, calls in counted.items():
        conversation = run_conversation(script(plan, model.effective_rules.rules, turns), model)
        total += calls * int(conversation_costs(conversation, model).expected)
    return total / len(minutes)


def lognormal(mean: float, coefficient: float, longest: float, count: int) -> list[float]:
    """The middles of equal shares of a lognormal distribution, cut at the longest."""
    sigma = sqrt(log(1 + coefficient**2))
    inverse = NormalDist(log(mean) - sigma**2 / 2, sigma).inv_cdf
    return [min(exp(inverse((index + 0.5) / count)), longest) for index in range(count)]


BUSY = replace(
    PLAN,
    tool_calls=5,
    images=2,
    text_turns=3,
    interrupted_share=Decimal("0.2"),
    first_speaker="assistant",
)
"""A plan with everything that does not happen in every turn."""


@pytest.mark.parametrize(
    ("plan", "coefficient"),
    [
        *((PLAN, coefficient) for coefficient in (0.5, 0.8, 1.0)),
        *((BUSY, coefficient) for coefficient in (0.5, 1.0)),
        (replace(PLAN, turns=40), 0.8),
        (replace(PLAN, instructions_change=1), 0.8),
    ],
)
def test_a_month_equals_six_thousand_lengths_one_by_one_within_a_thousandth(plan: Plan, coefficient: float) -> None:
    mix = price_calls(plan, LengthDistribution(coefficient), resolved_model())
    expected = one_by_one(plan, lognormal(10, coefficient, 60, 6000), resolved_model())
    assert float(mix.mean.expected) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("plan", [PLAN, BUSY], ids=["speech alone", "all kinds of turns"])
def test_a_shorter_call_is_the_beginning_of_a_longer_one(plan: Plan) -> None:
    rules = resolved_model().effective_rules.rules
    longest = script(plan, rules, 90).turns
    assert script(plan, rules).turns == longest[: plan.turns + (plan.first_speaker == "assistant")]
    for turns in (1, 7, 20, 89):
        assert script(plan, rules, turns).turns == longest[: turns + (plan.first_speaker == "assistant")]


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
    assert mix.cap is None


def test_percentiles_are_calls_of_their_length() -> None:
    ten, fifty, ninety = price_calls(PLAN, LengthDistribution(), resolved_model()).percentiles
    assert ten.minutes < fifty.minutes < 10 < ninety.minutes
    assert ten.amount < fifty.amount < ninety.amount


def costs_of_turns(plan: Plan, turns: int, model: ResolvedModel) -> Scenarios:
    """What the first turns of a plan cost."""
    return conversation_costs(run_conversation(script(plan, model.effective_rules.rules, turns), model), model)


def test_lengths_that_were_counted_are_priced_as_they_are() -> None:
    """Three calls of 5 minutes and one of 20: the mean of 10 turns and of 40."""
    mix = price_calls(PLAN, CallLengths(((5, 3), (20, 1))), resolved_model())
    five, twenty = (costs_of_turns(PLAN, turns, resolved_model()).expected for turns in (10, 40))
    assert mix.mean.expected == Fraction(3 * five + twenty, 4)


@pytest.mark.parametrize("transcription", ["whisper-1", "gpt-4o-transcribe"])
def test_transcription_is_part_of_the_mean_and_of_the_percentiles(transcription: str) -> None:
    """Three calls of 5 minutes and one of 20, each with its own transcription."""
    model = resolve_model(resolved_model().selection, transcription, resolved_model().facts)
    plan = replace(PLAN, transcription_model=transcription)
    mix = price_calls(plan, CallLengths(((5, 3), (20, 1))), model)
    five, twenty = (costs_of_turns(plan, turns, model) for turns in (10, 40))
    for amounts in zip(*(astuple(scenarios) for scenarios in (mix.mean, five, twenty)), strict=True):
        assert amounts[0] == Fraction(3 * amounts[1] + amounts[2], 4)
    assert [percentile.amount for percentile in mix.percentiles] == [five.expected, five.expected, twenty.expected]


def with_overrides(**overrides: ParameterValue) -> ResolvedModel:
    """The model under other rules."""
    return resolve_model(replace(resolved_model().selection, overrides=overrides), None, resolved_model().facts)


@pytest.mark.parametrize(
    ("plan", "overrides", "cap"),
    [
        (Plan(minutes=10, turns=20, session_minutes=20), {}, None),
        (Plan(minutes=10, turns=20, session_minutes=20, calls_end_with_session=True), {}, (20, "session")),
        (Plan(minutes=60, turns=60, calls_end_with_session=True), {}, (60, "session")),
        (Plan(minutes=90, turns=90, calls_end_with_session=True), {}, (60, "session")),
        (Plan(minutes=10, turns=20, calls_end_with_session=True), {"session_minutes": 0}, None),
    ],
    ids=str,
)
def test_calls_go_on_in_another_session_unless_they_end_with_it(plan: Plan, overrides: Any, cap: Any) -> None:
    assert price_calls(plan, LengthDistribution(0.1), with_overrides(**overrides)).cap == cap


def test_a_call_that_goes_on_is_counted_with_its_sessions_and_a_cut_one_as_lost() -> None:
    """Calls of 45 minutes: two sessions of 30 minutes, or one that is cut."""
    plan = Plan(minutes=45, turns=90, session_minutes=30)
    going_on = price_calls(plan, LengthDistribution(0), resolved_model())
    assert (going_on.mean_reconnections, going_on.cut_share, going_on.mean_minutes) == (1, 0, 45)
    cut = price_calls(replace(plan, calls_end_with_session=True), LengthDistribution(0), resolved_model())
    assert (cut.mean_reconnections, cut.cut_share, cut.mean_minutes) == (0, 1, 30)
    assert cut.mean.expected == costs_of_turns(plan, 60, resolved_model()).expected
    assert cut.mean.expected < going_on.mean.expected


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
    fitting = round(2 * cap.minutes)
    costs_of_turns(plan, fitting, azure)
    with pytest.raises(ContextOverflow):
        costs_of_turns(plan, fitting + 1, azure)
    assert price_calls(plan, LengthDistribution(0.8), openai).cap is None


def test_percentiles_are_those_of_the_lengths_however_few_the_turns() -> None:
    """A lognormal of mean 5 and deviation 4 has its median at 5 / sqrt(1 + 0.8^2) = 3.904."""
    median = price_calls(Plan(minutes=5, turns=1), LengthDistribution(0.8), resolved_model()).percentiles[1]
    assert median.minutes == pytest.approx(3.904, abs=0.001)
    observed = price_calls(Plan(minutes=20, turns=2), CallLengths(((2, 1), (3, 1), (4, 1))), resolved_model())
    assert [percentile.minutes for percentile in observed.percentiles] == [2, 3, 4]
    assert observed.mean_minutes == 3


def test_observed_calls_are_counted_as_long_as_they_are() -> None:
    mix = price_calls(PLAN, CallLengths(((90, 1),)), resolved_model())
    assert mix.mean.expected == costs_of_turns(PLAN, 180, resolved_model()).expected


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


def test_the_longest_group_is_no_longer_than_the_longest_call() -> None:
    """The last group of a distribution is a sliver, whose mean must not exceed the longest call."""
    azure = resolve_model(ModelSelection(model="gpt-realtime-1.5", provider="azure", day=DAY), None, load_facts())
    for minutes in (31, 34, 37, 40):
        mix = price_calls(Plan(minutes=minutes, turns=2), LengthDistribution(), azure)
        assert mix.mean_minutes == pytest.approx(minutes, rel=0.01)


@pytest.mark.parametrize("minutes", [10, 45])
def test_equal_rates_cost_the_same_at_both_providers_up_to_reconnections(minutes: int) -> None:
    """gpt-realtime-1.5 has the same rates at OpenAI and on Azure; sessions last 60 and 30 minutes."""
    azure = resolve_model(ModelSelection(model="gpt-realtime-1.5", provider="azure", day=DAY), None, load_facts())
    plan = Plan(minutes=minutes, turns=2 * minutes)
    ours, theirs = (price_calls(plan, LengthDistribution(), model) for model in (resolved_model(), azure))
    assert ours.mean_minutes == theirs.mean_minutes
    assert ours.cap is None is theirs.cap
    assert theirs.mean_reconnections > ours.mean_reconnections
    unlimited = [
        price_calls(replace(plan, session_minutes=1440), LengthDistribution(), m).mean for m in (resolved_model(), azure)
    ]
    assert unlimited[0] == unlimited[1]


def test_a_campaign_costs_what_its_calls_cost_one_by_one() -> None:
    """Of ten calls four reach nobody, two end after the greeting and one turn, and four are the planned call."""
    campaign = replace(PLAN, first_speaker="assistant", unconnected_share=Decimal("0.4"), short_share=Decimal("0.2"))
    mix = price_calls(campaign, LengthDistribution(0), resolved_model())
    short, full = (costs_of_turns(campaign, turns, resolved_model()).expected for turns in (1, 20))
    assert mix.short_call == short
    assert mix.mean.expected == Fraction(2 * short + 4 * full, 10)
    assert price_calls(PLAN, LengthDistribution(0), resolved_model()).short_call is None
