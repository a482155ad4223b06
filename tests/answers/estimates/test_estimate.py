"""The estimate: the same money as the bill of its script, and the parts add up."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, reject

from tests.cases import DAY
from tests.conversation.plans import PLANS
from voicebill.answers.connectivity.transport import ConnectionCosts
from voicebill.answers.estimates.costing import cost_components
from voicebill.answers.estimates.estimate import Estimate, estimate
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.estimates.scenarios import Scenarios, plan_costs
from voicebill.answers.estimates.simulate import simulate
from voicebill.answers.parsing.quantities import parse_volume
from voicebill.billing.errors import ContextOverflow, InvalidInput, NotAvailable, UnknownName, Unpriced
from voicebill.billing.money import format_dollars
from voicebill.conversation.call_lengths import CallLengths, LengthDistribution
from voicebill.conversation.plan import Plan, script
from voicebill.conversation.script import Script, Truncation, Turn
from voicebill.facts import load_facts

HALF = Decimal("0.5")
PLAN = Plan(minutes=10, turns=20)


def selection_of(model: str = "gpt-realtime-1.5", **more: Any) -> ModelSelection:
    return ModelSelection(**{"model": model, "day": DAY, **more})


def answer(selection: ModelSelection | None = None, **plan: Any) -> Estimate:
    return estimate(Plan(**{"minutes": 10, "turns": 20, **plan}), selection or selection_of(), load_facts())


def test_the_original_calculators_example_comes_out_to_the_micro_dollar() -> None:
    """3,000 x 32 + 85,500 x 0.40 + 8,550 x 0.40 + 6,000 x 64 + 900 x 16 = 532,020 millionths."""
    result = answer(selection_of(rules="web-calculator-2026-06"), user_share=HALF, assistant_share=HALF)
    assert format_dollars(result.per_conversation.expected) == "0.53202"
    assert {line.meter.name: line.quantity for line in result.lines} == {
        "audio_in": 3000,
        "audio_in_cached": 85_500,
        "text_in_cached": 8_550,
        "audio_out": 6000,
        "text_out": 900,
    }


def estimate_or_reject(plan: Plan, selection: ModelSelection) -> Estimate:
    """The estimate of a plan that the provider would not refuse."""
    try:
        return estimate(plan, selection, load_facts())
    except ContextOverflow:
        reject()


@given(PLANS)
def test_a_plan_and_its_script_cost_the_same(plan: Plan) -> None:
    plan = replace(plan, transcription_model="gpt-4o-transcribe")
    selection = selection_of()
    planned = estimate_or_reject(plan, selection)
    simulated = simulate(script(plan, planned.model.effective_rules.rules), selection, load_facts())
    assert planned.per_conversation == simulated.scenarios
    assert (
        sum(response.amount for response in simulated.responses)
        + sum(transcription.amount for transcription in simulated.transcriptions)
        == simulated.total
    )


@given(PLANS)
def test_best_is_no_dearer_than_expected_and_expected_no_dearer_than_worst(plan: Plan) -> None:
    amounts = estimate_or_reject(plan, selection_of("gpt-realtime")).per_conversation
    assert amounts.best <= amounts.expected <= amounts.worst


@given(PLANS)
def test_lines_and_parts_add_up_to_the_expected_amount(plan: Plan) -> None:
    result = estimate_or_reject(replace(plan, transcription_model="whisper-1"), selection_of("gpt-realtime-mini"))
    amounts = [line.amount for line in (*result.lines, *result.transcription_lines)]
    assert sum(amount for amount in amounts if amount is not None) == result.per_conversation.expected
    assert sum(part.amount for part in result.breakdown) == result.per_conversation.expected


def test_minutes_months_and_years_are_the_conversation_multiplied() -> None:
    result = estimate(Plan(minutes=10, turns=20), selection_of(), load_facts(), parse_volume("1000/day"), LengthDistribution(0))
    expected = result.per_conversation.expected
    assert result.per_month is not None
    assert result.per_year is not None
    assert result.per_minute.expected * 10 == expected
    assert result.per_month.expected == expected * Fraction(365_000, 12)
    assert result.per_year.expected == expected * 365_000
    assert answer().per_month is None


def test_months_are_over_calls_of_different_lengths_by_default() -> None:
    assumed, explicit = (
        estimate(PLAN, selection_of(), load_facts(), parse_volume("1000/day"), lengths)
        for lengths in (None, LengthDistribution())
    )
    assert assumed.call_mix is not None
    assert assumed.per_year == assumed.call_mix.mean.scaled(Fraction(365_000)) == explicit.per_year
    assert any("call lengths are assumed" in text and "variation of 0.8" in text for text in assumed.assumptions)
    assert not any("call lengths are assumed" in text for text in explicit.assumptions)
    assert estimate(PLAN, selection_of(), load_facts()).call_mix is None


def test_calls_that_would_end_with_the_providers_error_end_there() -> None:
    """Behind a prompt of 15,000 tokens and without truncation, a 32k context is full before the hour."""
    endless = replace(PLAN, instructions_tokens=15_000, truncation=Truncation("disabled"))
    result = estimate(endless, selection_of("gpt-realtime"), load_facts(), parse_volume("1000/day"), LengthDistribution(2))
    assert result.call_mix is not None
    assert result.call_mix.cap is not None
    assert result.call_mix.cap.by == "context"
    assert 10 < result.call_mix.cap.minutes < 60
    assert any("with the provider's error, because the context is full" in text for text in result.warnings)
    with pytest.raises(ContextOverflow):
        estimate(replace(endless, minutes=60, turns=120), selection_of("gpt-realtime"), load_facts())


def test_expected_uses_the_cache_behaviour_that_is_stated() -> None:
    worst = answer(cache="none").per_conversation
    assert worst.expected == worst.worst
    best = answer(cache="all").per_conversation
    assert best.expected == best.best
    shared = answer(prefix_reuse=Decimal(1)).per_conversation
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
        {"warm_cache": True},
    ):
        assert answer(**setting).per_conversation.expected != plain, setting


def test_parts_name_where_the_money_goes() -> None:
    names = {
        part.name for part in answer(tool_calls=2, images=1, reasoning_tokens=9, transcription_model="whisper-1").breakdown
    }
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
    result = answer(tool_calls=4)
    simulated = simulate(script(result.plan, result.model.effective_rules.rules), selection_of(), load_facts())
    rounds = sum(response.amount for response in simulated.responses if response.response.kind == "tool-call")
    assert next(part.amount for part in result.breakdown if part.name == "tool_rounds") == rounds


def test_a_model_that_ends_soon_says_so() -> None:
    assert any(
        "2027-01-20; the named replacement is gpt-realtime-2.1" in text
        for text in answer(selection_of("gpt-realtime")).warnings
    )


def test_assumptions_are_part_of_the_answer() -> None:
    assumptions = answer().assumptions
    assert "history is last-assistant-audio: assumed, same as gpt-realtime" in assumptions
    assert any(text.startswith("expected: 80% of the prefix in common") for text in assumptions)
    assert not any("input_limit_tokens" in text for text in assumptions)
    assert any("input_limit_tokens is 28224, disputed (28672)" in text for text in answer(minutes=60, turns=200).assumptions)
    assert any("the carrier bills its own minutes" in text for text in answer(transport="sip").assumptions)
    broken = answer(transport="websocket", interrupted_share=HALF)
    assert any("the client truncates interrupted replies" in text for text in broken.assumptions)


def test_cuts_sessions_long_replies_and_unstated_reasoning_are_warned_of() -> None:
    assert any(
        "from turn" in text and "no longer fits" in text
        for text in answer(minutes=60, turns=300, instructions_tokens=20_000).warnings
    )
    assert any("2 are needed" in text for text in answer(minutes=90, turns=60).warnings)
    assert any("more than the model's maximum of 4,096 per response" in text for text in answer(minutes=30, turns=3).warnings)
    newest = selection_of("gpt-realtime-2.1")
    assert any("no reasoning tokens are counted" in text for text in answer(newest, reasoning_tokens=0).warnings)
    for counted in (answer(newest), answer(newest, reasoning_tokens=50)):
        assert not any("no reasoning tokens are counted" in text for text in counted.warnings)
    assumed = "reasoning_tokens_per_response is 60 (20 to 100): assumed"
    assert any(text.startswith(assumed) for text in answer(newest).assumptions)


def test_a_disputed_transcription_price_is_shown_with_the_other_figure() -> None:
    result = answer(transcription_model="gpt-4o-transcribe")
    assert any("$6.00/M is used; $2.50/M according to" in text for text in result.warnings)


def test_azure_transcribes_under_the_same_deployment_where_it_can() -> None:
    zone = answer(selection_of(provider="azure", deployment="data-zone"), transcription_model="gpt-4o-transcribe")
    assert zone.model.transcription is not None
    assert zone.model.transcription.offer.deployment == "data-zone"
    whisper = answer(selection_of(provider="azure", deployment="data-zone"), transcription_model="whisper")
    assert whisper.model.transcription is not None
    assert whisper.model.transcription.offer.deployment == "global"
    assert any("whisper is not available as data-zone" in text for text in whisper.assumptions)


def test_what_has_no_price_cannot_be_estimated() -> None:
    early = selection_of("gpt-4o-realtime-preview-2025-06-03", day=DAY.replace(month=1))
    with pytest.raises(Unpriced, match="has no price for image in"):
        answer(early, images=1)


def test_only_realtime_models_can_be_estimated() -> None:
    with pytest.raises(NotAvailable, match=r"gpt-live-1 is a live model, not a realtime model such as .*gpt-realtime"):
        answer(selection_of("gpt-live-1"))
    with pytest.raises(NotAvailable, match=r"gpt-4.1 is a text model, not a transcription model such as gpt-4o"):
        answer(transcription_model="gpt-4.1")
    with pytest.raises(UnknownName, match="unknown model 'whisper-2'; the nearest is whisper-1"):
        answer(transcription_model="whisper-2")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"day": "2026-11-22"}, "day must be a date"),
        ({"model": 5}, "model must be text"),
        ({"region": 5}, "region must be text, not 5"),
        ({"rules": 5}, "rules must be text, not 5"),
        ({"overrides": "cache_writes"}, "overrides must be a mapping, not 'cache_writes'"),
        ({"provider": None}, "provider must be"),
    ],
    ids=str,
)
def test_a_selection_that_is_none_is_rejected(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        selection_of(**wrong)
    with pytest.raises(InvalidInput, match="volume must be a Volume"):
        estimate(PLAN, selection_of(), load_facts(), 1000)  # type: ignore[arg-type]


def test_region_and_overrides_of_the_selection_are_used() -> None:
    assert answer(selection_of(provider="azure", region="swedencentral")).model.quote.region == "swedencentral"
    overridden = answer(selection_of(overrides={"cache_reuse_share": Decimal("0.3")})).per_conversation
    assert overridden.expected == answer(prefix_reuse=Decimal("0.3")).per_conversation.expected
    assert overridden.expected > answer().per_conversation.expected


def test_a_transcription_model_that_is_not_sold_in_the_region_is_priced_globally() -> None:
    result = answer(selection_of(provider="azure", region="australiaeast"), transcription_model="whisper")
    assert result.model.transcription is not None
    assert (result.model.transcription.offer.deployment, result.model.transcription.region) == ("global", None)
    assert not any("is not available as" in text for text in result.assumptions)


def test_only_models_of_the_kind_and_the_provider_are_suggested() -> None:
    with pytest.raises(UnknownName) as error:
        answer(selection_of("whisper-2"))
    assert "whisper-1" not in str(error.value)
    with pytest.raises(NotAvailable) as refusal:
        answer(selection_of("gpt-live-1"))
    assert "gpt-realtime-1.5" in str(refusal.value)
    assert "gpt-4o-realtime-preview" not in str(refusal.value)  # shut down on 2026-05-07


@pytest.mark.parametrize("cache", [None, "all", "none"])
@pytest.mark.parametrize("turns", range(1, 40, 6))
def test_the_planning_range_contains_best_and_worst_to_the_picodollar(turns: int, cache: Any) -> None:
    plan = Plan(minutes=10, turns=turns, cache=cache)
    volume = parse_volume("1000000/month")
    result = estimate(plan, selection_of("gpt-realtime-mini"), load_facts(), volume, LengthDistribution(Decimal("0.8")))
    for costs, planned in (
        (result.per_conversation, result.planning_range),
        (result.per_month, result.monthly_planning_range),
    ):
        assert costs is not None
        assert planned is not None
        assert planned.low <= costs.best <= costs.expected <= costs.worst <= planned.high


ENDING = replace(PLAN, calls_end_with_session=True)


@pytest.mark.parametrize(
    ("plan", "lengths", "lost"),
    [
        (replace(ENDING, minutes=50, turns=50), LengthDistribution(0.8), "27.1%"),
        (replace(ENDING, minutes=50, turns=50), CallLengths(((30, 3), (90, 1))), "25.0%"),
        (ENDING, LengthDistribution(0.3), None),
        (replace(PLAN, minutes=90, turns=50), LengthDistribution(0.8), None),
    ],
    ids=["cut", "observed", "short", "several sessions"],
)
def test_calls_that_end_with_the_session_are_told_as_lost(plan: Plan, lengths: Any, lost: str | None) -> None:
    """A lognormal of mean 50 and deviation 40 is beyond 60 in 1 - Phi((ln 60 - 3.6647) / 0.7034) = 27.1 %."""
    warnings = estimate(plan, selection_of(), load_facts(), parse_volume("1000/day"), lengths).warnings
    texts = [text for text in warnings if "of the calls end after 60 minutes with the session: they are lost" in text]
    assert [text.split(" of the calls")[0] for text in texts] == ([f"in months and years {lost}"] if lost else [])


@pytest.mark.parametrize("transcription", [None, "whisper-1", "gpt-4o-transcribe"])
@pytest.mark.parametrize(
    "more",
    [{}, {"tool_calls": 2}, {"cache": "all"}, {"cache": "none"}, {"first_speaker": "assistant", "warm_cache": True}],
    ids=str,
)
def test_a_plan_costs_the_same_with_and_without_its_responses(transcription: str | None, more: dict[str, Any]) -> None:
    """`plan_costs` counts a simple plan in one loop, transcription included, and others by their responses."""
    result = answer(transcription_model=transcription, **more)
    assert plan_costs(result.plan, result.model) == result.per_conversation


def test_a_plan_without_a_cache_of_its_own_has_that_of_the_rules() -> None:
    """The original calculator expects everything to be cached."""
    result = answer(selection_of(rules="web-calculator-2026-06"))
    amounts = plan_costs(result.plan, result.model)
    assert amounts == result.per_conversation
    assert amounts.best == amounts.expected < amounts.worst


def test_transcription_in_a_month_is_that_of_its_minutes() -> None:
    """whisper-1 costs $0.006 a minute. 4 minutes of speech and 20 times 0.8 s of padding are 4 min 16 s, or $0.0256."""
    result = answer(transcription_model="whisper-1")
    without = answer()
    assert plan_costs(result.plan, result.model).worst - plan_costs(without.plan, without.model).worst == 25_600_000_000


def test_the_breakdown_of_a_script_with_a_cancelled_turn_adds_up() -> None:
    """The cancelled turn reads nothing: of 100 tokens of instructions 2 responses read all at $4.00/M, as nothing is cached."""
    spoken = Turn(user_audio_tokens=50, reply_audio_tokens=100)
    cancelled = Turn(user_audio_tokens=50, cancelled=True)
    simulation = simulate(
        Script(turns=(spoken, cancelled, spoken), instructions_tokens=100, cache="none"), selection_of(), load_facts()
    )
    components = cost_components(simulation.conversation, simulation.model)
    assert sum(component.amount for component in components) == simulation.total
    amounts = [component.amount for component in components]
    assert amounts == sorted(amounts, reverse=True)
    assert all(amounts)
    assert {component.name: component.amount for component in components}["instructions"] == 2 * 100 * 4_000_000


def test_all_three_amounts_are_scaled_and_added_to() -> None:
    assert Scenarios(10, 20, 30).scaled(Fraction(1, 4)) == Scenarios(Fraction(5, 2), 5, Fraction(15, 2))
    assert Scenarios(10, 20, 30).plus(7) == Scenarios(17, 27, 37)


def test_a_planned_call_that_ends_with_its_session_is_counted_as_long_as_it_lasts() -> None:
    """45 minutes on Azure end after 30: the carrier bills 30, and an amount per minute is divided by 30."""
    plan = Plan(minutes=45, turns=90, transport="sip", calls_end_with_session=True)
    costs = ConnectionCosts(carrier_per_minute=Decimal("0.01"))
    result = estimate(plan, selection_of(provider="azure"), load_facts(), connection_costs=costs)
    assert result.minutes == 30
    assert result.per_minute.expected == Fraction(result.per_conversation.expected) / 30
    assert result.connection is not None
    assert result.connection.per_conversation == 30 * 10**10
    assert any("the planned call ends after 30 minutes with the session" in text for text in result.warnings)
    going_on = estimate(replace(plan, calls_end_with_session=False), selection_of(provider="azure"), load_facts())
    assert going_on.minutes == 45
    assert not any("planned call ends" in text for text in going_on.warnings)
