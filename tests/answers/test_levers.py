"""Knobs and advice: re-runs, never formulas; and nothing is recommended that would cost more."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.cases import DAY
from tests.conversation.scripts import GA
from voicebill.answers.advice import advice, cheapest_truncation, least_remembered
from voicebill.answers.estimate import estimate
from voicebill.answers.knobs import KNOBS, effects
from voicebill.answers.lengths import Spread
from voicebill.answers.offered import Asked, offered
from voicebill.answers.scenarios import costs
from voicebill.billing.errors import InvalidInput
from voicebill.conversation.context import responses
from voicebill.conversation.plan import Plan
from voicebill.conversation.script import Script, Truncation, Turn
from voicebill.facts import load

FACTS = load()
ASKED = Asked(model="gpt-realtime-1.5", day=DAY)
PLAN = Plan(minutes=10, turns=20, tool_calls=4, instructions_tokens=2000)
BASE = estimate(PLAN, ASKED, FACTS).per_conversation.expected
MOVED = {effect.knob.name: effect for effect in effects(PLAN, ASKED, FACTS)}


@pytest.mark.parametrize("knob", KNOBS, ids=lambda knob: knob.name)
def test_a_knobs_effect_is_two_plain_runs(knob: object) -> None:
    effect = next(each for each in MOVED.values() if each.knob is knob)
    for end, added in ((effect.knob.low, effect.low), (effect.knob.high, effect.high)):
        asked = replace(ASKED, overrides=end.rules)
        answer = estimate(end.plan(PLAN), asked, FACTS, lengths=end.spread)
        found = answer.population.mean if answer.population else answer.per_conversation
        assert added == found.expected - BASE


def test_the_widest_swing_comes_first() -> None:
    swings = [effect.swing for effect in MOVED.values()]
    assert swings == sorted(swings, reverse=True)


def test_ends_that_are_the_plan_move_nothing() -> None:
    assert (MOVED["interruptions"].low, MOVED["spread"].low, MOVED["truncation"].high) == (0, 0, 0)


def test_what_the_provider_would_refuse_is_no_figure() -> None:
    large = Plan(minutes=10, turns=20, instructions_tokens=20_000)
    prompt = next(effect for effect in effects(large, ASKED, FACTS) if effect.knob.name == "prompt")
    assert prompt.high is None
    assert prompt.low is not None
    assert prompt.low < 0


@pytest.mark.parametrize(
    ("plan", "asked"),
    [
        (PLAN, ASKED),
        (Plan(minutes=60, turns=200), Asked(model="gpt-realtime", day=DAY, provider="azure", deployment="data-zone")),
        (Plan(minutes=3, turns=2, cache="none"), Asked(model="gpt-realtime-mini", day=DAY)),
    ],
)
def test_advice_saves_what_a_plain_run_saves_and_never_costs_more(plan: Plan, asked: Asked) -> None:
    found = advice(plan, asked, FACTS)
    assert found
    assert all(each.saves > 0 for each in found)
    assert [each.saves for each in found] == sorted((each.saves for each in found), reverse=True)
    base = estimate(plan, asked, FACTS).per_conversation.expected
    halved = replace(plan, instructions_tokens=plan.instructions_tokens // 2)
    saved = base - estimate(halved, asked, FACTS).per_conversation.expected
    assert next(each.saves for each in found if each.change == "halve the prompt") == saved


def test_advice_knows_the_small_model_and_the_plain_deployment() -> None:
    changes = {each.change for each in advice(PLAN, replace(ASKED, provider="azure", deployment="data-zone"), FACTS)}
    assert "deploy gpt-realtime-1.5 as global" in changes
    assert "use gpt-realtime-2.1-mini" in {each.change for each in advice(PLAN, ASKED, FACTS)}


def test_what_is_remembered_after_a_cut() -> None:
    """The hour of tests/cases/hour.toml: at turn 81 the reply of turn 17 and all of turns 18 to 80 are left, 63 whole ones."""
    turn = Turn(user_audio_tokens=42, reply_text_tokens=48, silence_ms=4_800)
    talk = Script(instructions_tokens=1000, turns=(turn,) * 81, truncation=Truncation("auto", Decimal("0.8"), 8000))
    assert least_remembered(talk, tuple(responses(talk, GA)), GA) == 63
    short = replace(talk, turns=talk.turns[:80])
    assert least_remembered(short, tuple(responses(short, GA)), GA) == 79


def test_the_search_equals_trying_every_setting() -> None:
    plan = Plan(minutes=20, turns=60, instructions_tokens=500)
    limits, ratios = (1500, 2500, 4000), (Decimal("0.5"), Decimal("0.8"))
    found = cheapest_truncation(plan, ASKED, FACTS, keep_turns=10, limits=limits, ratios=ratios)
    assert found is not None
    every = [
        cheapest_truncation(plan, ASKED, FACTS, keep_turns=10, limits=(limit,), ratios=(ratio,))
        for limit in limits
        for ratio in ratios
    ]
    assert found.expected == min(each.expected for each in every if each)
    assert found.remembered_turns >= 10
    assert found.expected == estimate(replace(plan, truncation=found.truncation), ASKED, FACTS).per_conversation.expected


def test_a_spread_knob_reads_the_mean_call() -> None:
    mean = estimate(PLAN, ASKED, FACTS, lengths=Spread(1)).population
    assert mean is not None
    assert MOVED["spread"].high == mean.mean.expected - BASE


def test_a_session_that_ends_and_carries_nothing_is_forgotten() -> None:
    plan = Plan(minutes=90, turns=100, carry="nothing")
    assert cheapest_truncation(plan, ASKED, FACTS, keep_turns=5, limits=(), ratios=()) is None
    found = cheapest_truncation(replace(plan, carry="text"), ASKED, FACTS, keep_turns=5, limits=(), ratios=())
    assert found is not None
    assert found.remembered_turns == 99


def test_more_turns_keep_their_share_of_written_ones() -> None:
    written = Plan(minutes=10, turns=10, text_turns=10)
    turns = next(effect for effect in effects(written, ASKED, FACTS) if effect.knob.name == "turns")
    assert turns.low is not None
    assert turns.high is not None
    assert turns.low < 0 < turns.high


def test_what_is_cheaper_for_the_average_call_and_dearer_over_a_month_is_not_advised() -> None:
    """The small preview keeps all history: a tenth of a cent cheaper at six minutes, and far dearer for longer calls."""
    asked = Asked(model="gpt-realtime-mini", provider="azure", day=DAY)
    plan = Plan(minutes=6, turns=10)
    preview = replace(asked, model="gpt-4o-mini-realtime-preview")
    assert costs(plan, offered(preview, None, FACTS)).expected < costs(plan, offered(asked, None, FACTS)).expected
    assert not any("preview" in each.change for each in advice(plan, asked, FACTS))


def test_more_turns_than_there_are_cannot_be_kept() -> None:
    with pytest.raises(InvalidInput, match="has at most 19 earlier ones"):
        cheapest_truncation(Plan(minutes=10, turns=20), Asked(model="gpt-realtime", day=DAY), FACTS, keep_turns=20)
