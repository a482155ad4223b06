"""Knobs and advice: re-runs, never formulas; and nothing is recommended that would cost more."""

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import cache

import pytest

from tests.cases import DAY, micro_dollars
from tests.conversation.scripts import GA
from voicebill.answers.estimates.estimate import estimate
from voicebill.answers.estimates.model_selection import ModelSelection, resolve_model
from voicebill.answers.estimates.scenarios import plan_costs
from voicebill.answers.sensitivity.recommendations import CHANGES, cheapest_truncation, count_remembered_turns, recommendations
from voicebill.answers.sensitivity.sensitivity import SENSITIVITY_PARAMETERS, Swing, sensitivity
from voicebill.billing.errors import InvalidInput
from voicebill.billing.money import Amount
from voicebill.conversation.call_lengths import LengthDistribution
from voicebill.conversation.context import responses
from voicebill.conversation.plan import Plan, script
from voicebill.conversation.rules import ParameterValue
from voicebill.conversation.script import Script, Truncation, Turn
from voicebill.facts import load_facts

SELECTION = ModelSelection(model="gpt-realtime-1.5", day=DAY)
PLAN = Plan(minutes=10, turns=20, tool_calls=4, instructions_tokens=2000)
CUT = Truncation("auto", Decimal("0.8"), 4000)


def expected_amount(plan: Plan, selection: ModelSelection = SELECTION, lengths: LengthDistribution | None = None) -> Amount:
    """The expected amount of an estimate, over calls of all lengths where they differ."""
    answer = estimate(plan, selection, load_facts(), lengths=lengths)
    return (answer.call_mix.mean if answer.call_mix else answer.per_conversation).expected


@cache
def swings(plan: Plan = PLAN) -> dict[str, Swing]:
    """The swings of a plan by the name of their parameter."""
    return {swing.parameter.name: swing for swing in sensitivity(plan, SELECTION, load_facts())}


def with_rules(**values: ParameterValue) -> ModelSelection:
    return replace(SELECTION, overrides=values)


def with_speech(share: str) -> Plan:
    return replace(PLAN, user_share=Decimal(share), assistant_share=Decimal(share), silence_share=None)


ENDS: dict[tuple[str, str], tuple[Plan, ModelSelection, LengthDistribution | None]] = {
    ("prefix_reuse", "50%"): (replace(PLAN, cache="prefix", prefix_reuse=Decimal("0.5")), SELECTION, None),
    ("prefix_reuse", "100%"): (replace(PLAN, cache="prefix", prefix_reuse=Decimal(1)), SELECTION, None),
    ("turns", "-25%"): (replace(PLAN, turns=15), SELECTION, None),
    ("turns", "+33%"): (replace(PLAN, turns=27), SELECTION, None),
    ("speech", "-25%"): (with_speech("0.3"), SELECTION, None),
    ("speech", "+25%"): (with_speech("0.5"), SELECTION, None),
    ("prompt", "-50%"): (replace(PLAN, instructions_tokens=1000), SELECTION, None),
    ("prompt", "+100%"): (replace(PLAN, instructions_tokens=4000), SELECTION, None),
    # 20 audio tokens a second: 3 / 20 = 0.15; the rule's 0.224 x 1.2 = 0.2688
    ("text", "3 per second"): (PLAN, with_rules(reply_text_base=0, reply_text_per_audio_token=Decimal("0.15")), None),
    ("text", "+20%"): (PLAN, with_rules(reply_text_per_audio_token=Decimal("0.269")), None),
    ("interruptions", "none"): (replace(PLAN, interrupted_share=Decimal(0)), SELECTION, None),
    ("interruptions", "30%"): (replace(PLAN, interrupted_share=Decimal("0.3")), SELECTION, None),
    ("padding", "200 ms"): (PLAN, with_rules(vad_silence_ms=200), None),
    ("padding", "800 ms"): (PLAN, with_rules(vad_silence_ms=800), None),
    ("spread", "none"): (PLAN, SELECTION, LengthDistribution(0)),
    ("spread", "1.0"): (PLAN, SELECTION, LengthDistribution(1)),
    ("truncation", "4,000 x 0.8"): (replace(PLAN, truncation=CUT), SELECTION, None),
    ("truncation", "all that fits"): (PLAN, SELECTION, None),
}
"""What each end of a parameter means, by its label: the plan of 20 turns, 40% speech of each side and 2,000 tokens of prompt,
with what the label says."""


@pytest.mark.parametrize(("name", "label"), ENDS, ids=lambda text: text)
def test_a_swing_is_the_difference_of_two_estimates(name: str, label: str) -> None:
    plan, selection, lengths = ENDS[name, label]
    swing = swings()[name]
    deltas = {swing.parameter.low.label: swing.low, swing.parameter.high.label: swing.high}
    assert deltas[label] == expected_amount(plan, selection, lengths) - expected_amount(PLAN)


def test_every_end_is_written_out_here_low_before_high() -> None:
    ends = [(row.name, end.label) for row in SENSITIVITY_PARAMETERS for end in (row.low, row.high)]
    assert [end for end in ends if end[0] != "image_turns"] == list(ENDS)


def test_images_are_dearer_the_earlier_they_are_shown() -> None:
    plan = replace(PLAN, images=2)
    images = swings(plan)["image_turns"]
    last, first = (replace(PLAN, image_turns=(turn, turn)) for turn in (20, 1))
    assert (images.low, images.high) == tuple(expected_amount(end) - expected_amount(plan) for end in (last, first))
    assert expected_amount(last) < expected_amount(plan) < expected_amount(first)
    assert "image_turns" not in swings()


def test_a_prompt_of_which_a_part_is_stable_is_halved_with_that_part() -> None:
    changing = replace(PLAN, instructions_tokens=1000, instructions_change=1, stable_instructions_tokens=600)
    halved = replace(changing, instructions_tokens=500, stable_instructions_tokens=300)
    assert swings(changing)["prompt"].low == expected_amount(halved) - expected_amount(changing)
    savings = {row.change: row.savings for row in recommendations(changing, SELECTION, load_facts())}
    assert savings["halve the prompt"] == expected_amount(changing) - expected_amount(halved)


def test_rules_whose_value_lies_in_a_range_are_parameters() -> None:
    """60 tokens of reasoning per response, 20 to 100; the schemas of tools are billed at 0.76 of their tokens, 0.7 to 1."""
    newest = replace(SELECTION, model="gpt-realtime-2.1")
    plan = replace(PLAN, tools_tokens=500, instructions_change=1)
    by_name = {swing.parameter.name: swing for swing in sensitivity(plan, newest, load_facts())}
    for name, low, high in (
        ("reasoning_tokens_per_response", 20, 100),
        ("tools_billed_share", Decimal("0.7"), 1),
        ("stable_instructions_share", 0, Decimal("0.9")),
    ):
        ends = [replace(newest, overrides={name: value}) for value in (low, high)]
        base = expected_amount(plan, newest)
        assert (by_name[name].low, by_name[name].high) == tuple(expected_amount(plan, end) - base for end in ends)
    assert "reasoning_tokens_per_response" not in swings()


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("prompt", "500 × -4", "1000 × 4"),
        # 3 of the 8 tokens of padding fewer or more
        ("padding", "3 × -32", "3 × 32"),
        # a quarter of 240 and of 480 tokens of speech; text 8 + 0.224 x 480 = 116, with a quarter less 89, with more 142
        ("speech", "60 × -32 + 120 × -64 + 27 × -16", "60 × 32 + 120 × 64 + 26 × 16"),
        # 24 s x 3 = 72 instead of 116; 8 + 0.269 x 480 = 137
        ("text", "44 × -16", "21 × 16"),
        ("interruptions", "0 × 0", "0 × 0"),
        ("prefix_reuse", "0 × 0", "0 × 0"),
    ],
)
def test_swings_of_a_single_turn_worked_out_by_hand(name: str, low: str, high: str) -> None:
    """A minute of one turn without a cache: 1,000 tokens of prompt at $4, 24 s of user (240 audio tokens and 8 of padding) at
    $32, 24 s of reply: 480 audio tokens at $64 and text at $16.
    """
    single = Plan(minutes=1, turns=1, cache="none")
    swing = next(row for row in sensitivity(single, SELECTION, load_facts()) if row.parameter.name == name)
    assert (swing.low, swing.high) == (micro_dollars(low), micro_dollars(high))


def test_the_widest_swing_comes_first() -> None:
    widths = [swing.width for swing in swings().values()]
    assert widths == sorted(widths, reverse=True)


def test_call_lengths_vary_around_the_plan_whatever_share_of_calls_reaches_nobody() -> None:
    """A swing is a change of the planned conversation, not of a month's calls."""
    campaign = replace(PLAN, unconnected_share=Decimal("0.4"), short_share=Decimal("0.2"))
    assert swings(campaign) == swings()


def test_ends_that_are_the_plan_move_nothing() -> None:
    assert (swings()["interruptions"].low, swings()["spread"].low, swings()["truncation"].high) == (0, 0, 0)


def test_what_the_provider_would_refuse_is_no_figure() -> None:
    large = Plan(minutes=10, turns=20, instructions_tokens=20_000)
    prompt = next(swing for swing in sensitivity(large, SELECTION, load_facts()) if swing.parameter.name == "prompt")
    assert prompt.high is None
    assert prompt.low is not None
    assert prompt.low < 0


LONG = Plan(minutes=60, turns=200, tool_calls=8, instructions_tokens=2001, cache="none")
"""A plan to which every recommendation applies."""


def figures(text: str) -> list[Decimal]:
    """The figures that a text states.

    >>> figures("cut the history to 4,000 tokens, keeping 0.8")
    [Decimal('4000'), Decimal('0.8')]
    """
    return [Decimal(figure.replace(",", "")) for figure in re.findall(r"\d[\d,]*(?:\.\d+)?", text.replace(", ", " "))]


def truncated_plan(text: str) -> Plan:
    limit, ratio = figures(text)
    return replace(LONG, truncation=Truncation("auto", ratio, int(limit)))


MEANINGS: dict[str, Callable[[str], Plan]] = {
    "halve the prompt": lambda text: replace(LONG, instructions_tokens=1000),
    "halve the tool calls": lambda text: replace(LONG, tool_calls=4),
    # 150 of 200 turns are spoken: 40% x 150 / 200 = 30% of the time each
    "answer a quarter of the turns in writing": lambda text: replace(
        LONG, text_turns=50, user_share=Decimal("0.3"), assistant_share=Decimal("0.3")
    ),
    "cut the history to": truncated_plan,
    "keep instructions and tools unchanged within a session": lambda text: replace(LONG, cache="prefix"),
}
"""What the beginning of a recommendation means for the plan; a figure is taken from its text."""


@cache
def savings_of_long() -> dict[str, Amount]:
    """The savings of every recommendation for the long plan."""
    return {row.change: row.savings for row in recommendations(LONG, SELECTION, load_facts())}


@pytest.mark.parametrize("beginning", MEANINGS)
def test_a_recommendation_saves_what_the_plan_that_its_text_describes_saves(beginning: str) -> None:
    (text,) = (change for change in savings_of_long() if change.startswith(beginning))
    assert savings_of_long()[text] == expected_amount(LONG) - expected_amount(MEANINGS[beginning](text)) > 0


def test_every_recommendation_is_one_whose_meaning_is_written_out_here() -> None:
    """All others name a model or a deployment."""
    others = [change for change in savings_of_long() if not change.startswith(tuple(MEANINGS))]
    assert others == ["use gpt-realtime-2.1-mini"]
    assert [text.change for text, _ in CHANGES if not text.change.startswith(tuple(MEANINGS))] == []


def test_a_halved_prompt_without_a_cache_saves_a_written_sum() -> None:
    """200 replies and 8 tool calls are 208 responses, each with 1,001 tokens less at $4 a million."""
    assert savings_of_long()["halve the prompt"] == micro_dollars("208 × 1001 × 4")


def test_another_model_or_deployment_saves_what_an_estimate_with_it_saves() -> None:
    mini = replace(SELECTION, model="gpt-realtime-2.1-mini")
    assert savings_of_long()["use gpt-realtime-2.1-mini"] == expected_amount(LONG) - expected_amount(LONG, mini)
    zone = replace(SELECTION, provider="azure", deployment="data-zone")
    savings = {row.change: row.savings for row in recommendations(PLAN, zone, load_facts())}
    everywhere = replace(zone, deployment="global")
    assert savings["deploy gpt-realtime-1.5 as global"] == expected_amount(PLAN, zone) - expected_amount(PLAN, everywhere)


@pytest.mark.parametrize(
    ("plan", "selection"),
    [
        (PLAN, SELECTION),
        (Plan(minutes=60, turns=200), ModelSelection(model="gpt-realtime", day=DAY, provider="azure", deployment="data-zone")),
        (Plan(minutes=3, turns=2, cache="none"), ModelSelection(model="gpt-realtime-mini", day=DAY)),
    ],
)
def test_the_largest_savings_come_first_and_none_costs_more(plan: Plan, selection: ModelSelection) -> None:
    savings = [row.savings for row in recommendations(plan, selection, load_facts())]
    assert savings
    assert savings == sorted(savings, reverse=True)
    assert savings[-1] > 0


def test_what_does_not_apply_is_not_recommended() -> None:
    """One turn, one token of prompt, no tool call, and a cache that is used already."""
    smallest = Plan(minutes=1, turns=1, instructions_tokens=1)
    assert not any(row.change.startswith(tuple(MEANINGS)) for row in recommendations(smallest, SELECTION, load_facts()))


def test_what_is_remembered_after_a_cut() -> None:
    """The hour of tests/cases/hour.toml: at turn 81 the reply of turn 17 and all of turns 18 to 80 are left, 63 whole ones."""
    turn = Turn(user_audio_tokens=42, reply_text_tokens=48, silence_ms=4_800)
    conversation = Script(instructions_tokens=1000, turns=(turn,) * 81, truncation=Truncation("auto", Decimal("0.8"), 8000))
    assert count_remembered_turns(conversation, tuple(responses(conversation, GA)), GA) == 63
    short = replace(conversation, turns=conversation.turns[:80])
    assert count_remembered_turns(short, tuple(responses(short, GA)), GA) == 79


def test_the_search_equals_trying_every_setting() -> None:
    """Every setting is estimated by itself; the cheapest of those that remember ten turns is the answer."""
    plan = Plan(minutes=20, turns=60, instructions_tokens=500)
    limits, ratios = (1500, 2500, 4000), (Decimal("0.5"), Decimal("0.8"))
    best = cheapest_truncation(plan, SELECTION, load_facts(), min_remembered_turns=10, limits=limits, ratios=ratios)
    assert best is not None
    amounts: dict[Truncation, Amount] = {}
    for setting in (Truncation(), *(Truncation("auto", ratio, limit) for limit in limits for ratio in ratios)):
        changed = replace(plan, truncation=setting)
        conversation = script(changed, GA)
        if count_remembered_turns(conversation, tuple(responses(conversation, GA)), GA) >= 10:
            amounts[setting] = expected_amount(changed)
    assert 1 < len(amounts) < 7
    assert (best.truncation, best.expected) == min(amounts.items(), key=lambda item: item[1])
    assert best.remembered_turns >= 10


def test_the_call_length_parameter_uses_the_mean_call() -> None:
    mean = estimate(PLAN, SELECTION, load_facts(), lengths=LengthDistribution(1)).call_mix
    assert mean is not None
    assert swings()["spread"].high == mean.mean.expected - expected_amount(PLAN)


def test_a_session_that_ends_and_carries_nothing_is_forgotten() -> None:
    plan = Plan(minutes=90, turns=100, session_carryover="nothing")
    assert cheapest_truncation(plan, SELECTION, load_facts(), min_remembered_turns=5, limits=(), ratios=()) is None
    result = cheapest_truncation(
        replace(plan, session_carryover="text"), SELECTION, load_facts(), min_remembered_turns=5, limits=(), ratios=()
    )
    assert result is not None
    assert result.remembered_turns == 99


def test_more_turns_keep_their_share_of_written_ones() -> None:
    written = Plan(minutes=10, turns=10, text_turns=10)
    turns = next(swing for swing in sensitivity(written, SELECTION, load_facts()) if swing.parameter.name == "turns")
    assert turns.low is not None
    assert turns.high is not None
    assert turns.low < 0 < turns.high


def test_what_is_cheaper_for_the_average_call_and_dearer_over_a_month_is_not_advised() -> None:
    """By the former rules the small preview is a tenth of a cent cheaper at six minutes, and far dearer for longer calls."""
    selection = ModelSelection(model="gpt-realtime-mini", provider="azure", day=DAY, rules="recorded-2026-11")
    plan = Plan(minutes=6, turns=10)
    preview = replace(selection, model="gpt-4o-mini-realtime-preview")
    assert (
        plan_costs(plan, resolve_model(preview, None, load_facts())).expected
        < plan_costs(plan, resolve_model(selection, None, load_facts())).expected
    )
    assert not any("preview" in recommendation.change for recommendation in recommendations(plan, selection, load_facts()))


def test_more_turns_than_there_are_cannot_be_kept() -> None:
    with pytest.raises(InvalidInput, match="has at most 19 earlier ones"):
        cheapest_truncation(
            Plan(minutes=10, turns=20), ModelSelection(model="gpt-realtime", day=DAY), load_facts(), min_remembered_turns=20
        )
