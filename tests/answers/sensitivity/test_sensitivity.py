"""Knobs and advice: re-runs, never formulas; and nothing is recommended that would cost more."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.cases import DAY
from tests.conversation.scripts import GA
from voicebill.answers.estimates.estimate import estimate
from voicebill.answers.estimates.model_selection import ModelSelection, resolve_model
from voicebill.answers.estimates.scenarios import plan_costs
from voicebill.answers.sensitivity.recommendations import cheapest_truncation, count_remembered_turns, recommendations
from voicebill.answers.sensitivity.sensitivity import SENSITIVITY_PARAMETERS, sensitivity
from voicebill.billing.errors import InvalidInput
from voicebill.conversation.call_lengths import LengthDistribution
from voicebill.conversation.context import responses
from voicebill.conversation.plan import Plan
from voicebill.conversation.script import Script, Truncation, Turn
from voicebill.facts import load_facts

FACTS = load_facts()
SELECTION = ModelSelection(model="gpt-realtime-1.5", day=DAY)
PLAN = Plan(minutes=10, turns=20, tool_calls=4, instructions_tokens=2000)
BASE = estimate(PLAN, SELECTION, FACTS).per_conversation.expected
SWINGS = {effect.parameter.name: effect for effect in sensitivity(PLAN, SELECTION, FACTS)}


@pytest.mark.parametrize("parameter", SENSITIVITY_PARAMETERS, ids=lambda parameter: parameter.name)
def test_a_swing_is_the_difference_of_two_estimates(parameter: object) -> None:
    swing = next(candidate for candidate in SWINGS.values() if candidate.parameter is parameter)
    for end, delta in ((swing.parameter.low, swing.low), (swing.parameter.high, swing.high)):
        selection = replace(SELECTION, overrides=end.rules)
        answer = estimate(end.change_plan(PLAN), selection, FACTS, lengths=end.length_distribution)
        amounts = answer.call_mix.mean if answer.call_mix else answer.per_conversation
        assert delta == amounts.expected - BASE


def test_the_widest_swing_comes_first() -> None:
    widths = [swing.width for swing in SWINGS.values()]
    assert widths == sorted(widths, reverse=True)


def test_ends_that_are_the_plan_move_nothing() -> None:
    assert (SWINGS["interruptions"].low, SWINGS["spread"].low, SWINGS["truncation"].high) == (0, 0, 0)


def test_what_the_provider_would_refuse_is_no_figure() -> None:
    large = Plan(minutes=10, turns=20, instructions_tokens=20_000)
    prompt = next(swing for swing in sensitivity(large, SELECTION, FACTS) if swing.parameter.name == "prompt")
    assert prompt.high is None
    assert prompt.low is not None
    assert prompt.low < 0


@pytest.mark.parametrize(
    ("plan", "selection"),
    [
        (PLAN, SELECTION),
        (Plan(minutes=60, turns=200), ModelSelection(model="gpt-realtime", day=DAY, provider="azure", deployment="data-zone")),
        (Plan(minutes=3, turns=2, cache="none"), ModelSelection(model="gpt-realtime-mini", day=DAY)),
    ],
)
def test_advice_saves_what_a_plain_run_saves_and_never_costs_more(plan: Plan, selection: ModelSelection) -> None:
    results = recommendations(plan, selection, FACTS)
    assert results
    assert all(recommendation.savings > 0 for recommendation in results)
    assert [recommendation.savings for recommendation in results] == sorted(
        (recommendation.savings for recommendation in results), reverse=True
    )
    base = estimate(plan, selection, FACTS).per_conversation.expected
    halved = replace(plan, instructions_tokens=plan.instructions_tokens // 2)
    savings = base - estimate(halved, selection, FACTS).per_conversation.expected
    assert next(recommendation.savings for recommendation in results if recommendation.change == "halve the prompt") == savings


def test_advice_knows_the_small_model_and_the_plain_deployment() -> None:
    changes = {
        recommendation.change
        for recommendation in recommendations(PLAN, replace(SELECTION, provider="azure", deployment="data-zone"), FACTS)
    }
    assert "deploy gpt-realtime-1.5 as global" in changes
    assert "use gpt-realtime-2.1-mini" in {recommendation.change for recommendation in recommendations(PLAN, SELECTION, FACTS)}


def test_what_is_remembered_after_a_cut() -> None:
    """The hour of tests/cases/hour.toml: at turn 81 the reply of turn 17 and all of turns 18 to 80 are left, 63 whole ones."""
    turn = Turn(user_audio_tokens=42, reply_text_tokens=48, silence_ms=4_800)
    script = Script(instructions_tokens=1000, turns=(turn,) * 81, truncation=Truncation("auto", Decimal("0.8"), 8000))
    assert count_remembered_turns(script, tuple(responses(script, GA)), GA) == 63
    short = replace(script, turns=script.turns[:80])
    assert count_remembered_turns(short, tuple(responses(short, GA)), GA) == 79


def test_the_search_equals_trying_every_setting() -> None:
    plan = Plan(minutes=20, turns=60, instructions_tokens=500)
    limits, ratios = (1500, 2500, 4000), (Decimal("0.5"), Decimal("0.8"))
    best = cheapest_truncation(plan, SELECTION, FACTS, min_remembered_turns=10, limits=limits, ratios=ratios)
    assert best is not None
    every = [
        cheapest_truncation(plan, SELECTION, FACTS, min_remembered_turns=10, limits=(limit,), ratios=(ratio,))
        for limit in limits
        for ratio in ratios
    ]
    assert best.expected == min(candidate.expected for candidate in every if candidate)
    assert best.remembered_turns >= 10
    assert best.expected == estimate(replace(plan, truncation=best.truncation), SELECTION, FACTS).per_conversation.expected


def test_the_call_length_parameter_uses_the_mean_call() -> None:
    mean = estimate(PLAN, SELECTION, FACTS, lengths=LengthDistribution(1)).call_mix
    assert mean is not None
    assert SWINGS["spread"].high == mean.mean.expected - BASE


def test_a_session_that_ends_and_carries_nothing_is_forgotten() -> None:
    plan = Plan(minutes=90, turns=100, session_carryover="nothing")
    assert cheapest_truncation(plan, SELECTION, FACTS, min_remembered_turns=5, limits=(), ratios=()) is None
    result = cheapest_truncation(
        replace(plan, session_carryover="text"), SELECTION, FACTS, min_remembered_turns=5, limits=(), ratios=()
    )
    assert result is not None
    assert result.remembered_turns == 99


def test_more_turns_keep_their_share_of_written_ones() -> None:
    written = Plan(minutes=10, turns=10, text_turns=10)
    turns = next(swing for swing in sensitivity(written, SELECTION, FACTS) if swing.parameter.name == "turns")
    assert turns.low is not None
    assert turns.high is not None
    assert turns.low < 0 < turns.high


def test_what_is_cheaper_for_the_average_call_and_dearer_over_a_month_is_not_advised() -> None:
    """The small preview keeps all history: a tenth of a cent cheaper at six minutes, and far dearer for longer calls."""
    selection = ModelSelection(model="gpt-realtime-mini", provider="azure", day=DAY)
    plan = Plan(minutes=6, turns=10)
    preview = replace(selection, model="gpt-4o-mini-realtime-preview")
    assert (
        plan_costs(plan, resolve_model(preview, None, FACTS)).expected
        < plan_costs(plan, resolve_model(selection, None, FACTS)).expected
    )
    assert not any("preview" in recommendation.change for recommendation in recommendations(plan, selection, FACTS))


def test_more_turns_than_there_are_cannot_be_kept() -> None:
    with pytest.raises(InvalidInput, match="has at most 19 earlier ones"):
        cheapest_truncation(
            Plan(minutes=10, turns=20), ModelSelection(model="gpt-realtime", day=DAY), FACTS, min_remembered_turns=20
        )
