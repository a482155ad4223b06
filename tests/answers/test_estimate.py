"""The estimate: the same money as the bill of its script, and the parts add up."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, reject

from tests.cases import DAY
from tests.conversation.test_plan import PLANS
from voicebill.answers.estimate import Estimate, estimate
from voicebill.answers.lengths import Spread
from voicebill.answers.offered import Asked
from voicebill.answers.quantities import volume
from voicebill.answers.simulate import simulate
from voicebill.billing.errors import ContextOverflow, NotOffered, UnknownName, Unpriced
from voicebill.billing.money import dollars
from voicebill.conversation.plan import Plan, script
from voicebill.conversation.script import Truncation
from voicebill.facts import load

FACTS = load()
HALF = Decimal("0.5")
PLAN = Plan(minutes=10, turns=20)


def asked(model: str = "gpt-realtime-1.5", **more: Any) -> Asked:
    return Asked(**{"model": model, "day": DAY, **more})


def answer(question: Asked | None = None, **plan: Any) -> Estimate:
    return estimate(Plan(**{"minutes": 10, "turns": 20, **plan}), question or asked(), FACTS)


def test_the_original_calculators_example_comes_out_to_the_micro_dollar() -> None:
    """3,000 x 32 + 85,500 x 0.40 + 8,550 x 0.40 + 6,000 x 64 + 900 x 16 = 532,020 millionths."""
    found = answer(asked(rules="page-2026-06"), user_share=HALF, assistant_share=HALF)
    assert dollars(found.per_conversation.expected) == "0.53202"
    assert {line.meter.name: line.quantity for line in found.lines} == {
        "audio_in": 3000,
        "audio_in_cached": 85_500,
        "text_in_cached": 8_550,
        "audio_out": 6000,
        "text_out": 900,
    }


def held(plan: Plan, question: Asked) -> Estimate:
    """The estimate of a plan that the provider would not refuse."""
    try:
        return estimate(plan, question, FACTS)
    except ContextOverflow:
        reject()


@given(PLANS)
def test_a_plan_and_its_script_cost_the_same(plan: Plan) -> None:
    plan = replace(plan, transcription_model="gpt-4o-transcribe")
    question = asked()
    planned = held(plan, question)
    scripted = simulate(script(plan, planned.offered.ruling.rules), question, FACTS)
    assert planned.per_conversation == scripted.scenarios
    assert (
        sum(billed.amount for billed in scripted.responses) + sum(h.amount for h in scripted.transcriptions) == scripted.total
    )


@given(PLANS)
def test_best_is_no_dearer_than_expected_and_expected_no_dearer_than_worst(plan: Plan) -> None:
    found = held(plan, asked("gpt-realtime")).per_conversation
    assert found.best <= found.expected <= found.worst


@given(PLANS)
def test_lines_and_parts_add_up_to_the_expected_amount(plan: Plan) -> None:
    found = held(replace(plan, transcription_model="whisper-1"), asked("gpt-realtime-mini"))
    amounts = [line.amount for line in (*found.lines, *found.transcription_lines)]
    assert sum(amount for amount in amounts if amount is not None) == found.per_conversation.expected
    assert sum(part.amount for part in found.parts) == found.per_conversation.expected


def test_minutes_months_and_years_are_the_conversation_multiplied() -> None:
    found = estimate(Plan(minutes=10, turns=20), asked(), FACTS, volume("1000/day"), Spread(0))
    expected = found.per_conversation.expected
    assert found.per_month is not None
    assert found.per_year is not None
    assert found.per_minute.expected * 10 == expected
    assert found.per_month.expected == expected * Fraction(365_000, 12)
    assert found.per_year.expected == expected * 365_000
    assert answer().per_month is None


def test_months_are_taken_over_calls_that_differ_in_length_unless_they_are_said_not_to() -> None:
    assumed, stated = (estimate(PLAN, asked(), FACTS, volume("1000/day"), lengths) for lengths in (None, Spread()))
    assert assumed.population is not None
    assert assumed.per_year == assumed.population.mean.times(Fraction(365_000)) == stated.per_year
    assert any("call lengths spread by 0.8" in said and "assumed" in said for said in assumed.assumptions)
    assert not any("call lengths spread" in said for said in stated.assumptions)
    assert estimate(PLAN, asked(), FACTS).population is None


def test_calls_that_would_end_with_the_providers_error_end_there() -> None:
    """Behind a prompt of 15,000 tokens and without truncation, a 32k context is full before the hour."""
    endless = replace(PLAN, instructions_tokens=15_000, truncation=Truncation("disabled"))
    found = estimate(endless, asked("gpt-realtime"), FACTS, volume("1000/day"), Spread(2))
    assert found.population is not None
    assert found.population.cap is not None
    assert found.population.cap.by == "context"
    assert 10 < found.population.cap.minutes < 60
    assert any("fill the context and end with the provider's error" in said for said in found.warnings)
    with pytest.raises(ContextOverflow):
        estimate(replace(endless, minutes=60, turns=120), asked("gpt-realtime"), FACTS)


def test_expected_uses_the_cache_behaviour_that_is_stated() -> None:
    worst = answer(cache="none").per_conversation
    assert worst.expected == worst.worst
    best = answer(cache="all").per_conversation
    assert best.expected == best.best
    shared = answer(reuse=Decimal(1)).per_conversation
    assert best.best <= shared.expected <= answer().per_conversation.expected


def test_a_longer_prompt_costs_more_where_nothing_is_cached() -> None:
    """20 responses read 1,000 tokens more at $4.00/M: 20 x 1,000 x 4 millionths."""
    short, long = (answer(cache="none", instructions_tokens=tokens).per_conversation for tokens in (1000, 2000))
    assert long.worst - short.worst == 20 * 1000 * 4_000_000


def test_each_plan_setting_moves_the_bill() -> None:
    plain = answer().per_conversation.expected
    for setting in (
        {"tool_calls": 3},
        {"first_speaker": "assistant"},
        {"images": 1},
        {"text_turns": 2},
        {"interrupted_share": HALF},
        {"reasoning_tokens": 50},
        {"transcription_model": "whisper-1"},
        {"tools_tokens": 300},
        {"truncation": Truncation("auto", HALF, 1200)},
        {"session_minutes": 5},
        {"warm": True},
    ):
        assert answer(**setting).per_conversation.expected != plain, setting


def test_parts_name_where_the_money_goes() -> None:
    names = {part.name for part in answer(tool_calls=2, images=1, reasoning_tokens=9, transcription_model="whisper-1").parts}
    assert names == {
        "fresh_audio_in",
        "instructions",
        "reasoning",
        "reread_history",
        "cached_history",
        "assistant_audio",
        "text",
        "images",
        "tool_rounds",
        "transcription",
    }


def test_tool_rounds_cost_what_their_own_responses_cost() -> None:
    found = answer(tool_calls=4)
    scripted = simulate(script(found.plan, found.offered.ruling.rules), asked(), FACTS)
    rounds = sum(billed.amount for billed in scripted.responses if billed.response.kind == "tool-call")
    assert next(part.amount for part in found.parts if part.name == "tool_rounds") == rounds


def test_a_model_that_ends_soon_says_so() -> None:
    assert any(
        "2027-01-20; the named replacement is gpt-realtime-2.1" in said for said in answer(asked("gpt-realtime")).warnings
    )


def test_what_is_assumed_is_said_with_the_answer() -> None:
    said = answer().assumptions
    assert "history is last-assistant-audio: assumed, like gpt-realtime" in said
    assert any(text.startswith("expected: 80% of what the input has in common") for text in said)
    assert not any("input_limit_tokens" in text for text in said)
    assert any("input_limit_tokens is 28224, disputed (28672)" in text for text in answer(minutes=60, turns=200).assumptions)
    assert any("the carrier bills its own minutes" in text for text in answer(transport="sip").assumptions)
    broken = answer(transport="websocket", interrupted_share=HALF)
    assert any("the client truncates interrupted replies" in text for text in broken.assumptions)


def test_cuts_sessions_long_replies_and_unstated_reasoning_are_warned_of() -> None:
    assert any(
        "from turn" in said and "no longer fits" in said
        for said in answer(minutes=60, turns=300, instructions_tokens=20_000).warnings
    )
    assert any("2 are needed" in said for said in answer(minutes=90, turns=60).warnings)
    assert any("more than the 4,096 that the model gives" in said for said in answer(minutes=30, turns=3).warnings)
    assert any("no reasoning tokens are counted" in said for said in answer(asked("gpt-realtime-2.1")).warnings)
    reasoned = answer(asked("gpt-realtime-2.1"), reasoning_tokens=50)
    assert not any("no reasoning tokens are counted" in said for said in reasoned.warnings)


def test_a_disputed_transcription_price_is_shown_with_the_other_figure() -> None:
    found = answer(transcription_model="gpt-4o-transcribe")
    assert any("$6.00/M is used; $2.50/M according to" in said for said in found.warnings)


def test_azure_transcribes_under_the_same_deployment_where_it_can() -> None:
    zone = answer(asked(provider="azure", deployment="data-zone"), transcription_model="gpt-4o-transcribe")
    assert zone.offered.transcription is not None
    assert zone.offered.transcription.offer.deployment == "data-zone"
    whisper = answer(asked(provider="azure", deployment="data-zone"), transcription_model="whisper")
    assert whisper.offered.transcription is not None
    assert whisper.offered.transcription.offer.deployment == "global"
    assert any("whisper is not sold as data-zone" in said for said in whisper.assumptions)


def test_what_has_no_price_cannot_be_estimated() -> None:
    early = asked("gpt-4o-realtime-preview-2025-06-03", day=DAY.replace(month=1))
    with pytest.raises(Unpriced, match="has no price for image in"):
        answer(early, images=1)


def test_only_realtime_models_hold_a_conversation() -> None:
    with pytest.raises(NotOffered, match=r"gpt-live-1 is a live model: only realtime models .* such as gpt-realtime"):
        answer(asked("gpt-live-1"))
    with pytest.raises(NotOffered, match=r"gpt-4.1 is a text model, not a transcription model such as gpt-4o"):
        answer(transcription_model="gpt-4.1")
    with pytest.raises(UnknownName, match="unknown model 'whisper-2'; the nearest is whisper-1"):
        answer(transcription_model="whisper-2")
