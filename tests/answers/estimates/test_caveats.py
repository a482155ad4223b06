"""Check when an assumption or a warning is part of an answer, and when it is not: at the edge of its condition."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.cases import DAY
from voicebill.answers.capacity.capacity import plan_capacity
from voicebill.answers.capacity.targets import CapacityTargets
from voicebill.answers.connectivity.transport import ConnectionCosts
from voicebill.answers.estimates import caveats
from voicebill.answers.estimates.estimate import estimate
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.estimates.simulate import simulate
from voicebill.billing.validation import default_of
from voicebill.conversation.plan import Plan
from voicebill.conversation.script import Script, Truncation, Turn
from voicebill.conversation.volume import Volume
from voicebill.facts import load_facts


def selection_of(model: str = "gpt-realtime-1.5", **more: Any) -> ModelSelection:
    return ModelSelection(**{"model": model, "day": DAY, **more})


def plan_assumptions(selection: ModelSelection | None = None, **plan: Any) -> tuple[str, ...]:
    return estimate(Plan(**{"minutes": 10, "turns": 20, **plan}), selection or selection_of(), load_facts()).assumptions


def plan_warnings(selection: ModelSelection | None = None, **plan: Any) -> tuple[str, ...]:
    return estimate(Plan(**{"minutes": 10, "turns": 20, **plan}), selection or selection_of(), load_facts()).warnings


def script_notes(*turns: Turn, model: str = "gpt-realtime-1.5", **settings: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The assumptions and the warnings of a script."""
    simulation = simulate(Script(turns=turns, **settings), selection_of(model), load_facts())
    return simulation.assumptions, simulation.warnings


def count(texts: tuple[str, ...], part: str) -> int:
    return sum(part in text for text in texts)


@pytest.mark.parametrize(
    ("plan", "first"),
    [
        ({}, "expected: 80% of the prefix in common with the previous input is cached; best: all repeated input; worst: none"),
        ({"prefix_reuse": Decimal("0.375")}, "expected: 37.5% of the prefix in common"),
        ({"cache": "all"}, "expected: all repeated input is cached"),
        ({"cache": "none"}, "expected: no input is cached"),
    ],
    ids=str,
)
def test_the_first_assumption_is_the_cache(plan: dict[str, Any], first: str) -> None:
    assert plan_assumptions(**plan)[0].startswith(first)


def test_a_warm_cache_is_an_assumption() -> None:
    assert [
        count(plan_assumptions(warm_cache=warm), "because another session has just used them") for warm in (True, False)
    ] == [*(1, 0)]


def test_instructions_and_tools_that_are_not_counted_are_named_with_their_tokens() -> None:
    calculator = selection_of(rules="web-calculator-2026-06")
    assert (
        count(plan_assumptions(calculator, instructions_tokens=1000, tools_tokens=200), "the 1,200 tokens given are left out")
        == 1
    )
    assert count(plan_assumptions(calculator, instructions_tokens=0), "left out") == 0
    assert count(plan_assumptions(), "left out") == 0


def test_the_share_of_the_cache_is_an_assumption_only_where_it_is_used_and_not_given() -> None:
    assert count(plan_assumptions(), "cache_reuse_share is 0.8") == 1
    assert count(plan_assumptions(prefix_reuse=Decimal("0.8")), "cache_reuse_share") == 0
    assert count(plan_assumptions(cache="none"), "cache_reuse_share") == 0


@pytest.mark.parametrize(("typed", "times"), [(8, 0), (9, 1)])
def test_a_disputed_limit_is_named_where_an_input_reaches_more_than_half_of_it(typed: int, times: int) -> None:
    """14,100 + 4 + 8 = 14,112 is half of 28,224."""
    assumptions, _ = script_notes(Turn(user_text_tokens=typed, reply_text_tokens=1), instructions_tokens=14_100)
    assert count(assumptions, "input_limit_tokens is 28224, disputed (28672)") == times


@pytest.mark.parametrize(
    ("transport", "interrupted", "carriers", "clients"),
    [("webrtc", 1, 0, 0), ("sip", 1, 1, 0), ("websocket", 1, 0, 1), ("websocket", 0, 0, 0)],
)
def test_a_transport_has_its_assumptions(transport: str, interrupted: int, carriers: int, clients: int) -> None:
    assumptions = plan_assumptions(transport=transport, interrupted_share=interrupted)
    assert count(assumptions, "over SIP the carrier bills its own minutes") == carriers
    assert count(assumptions, "over WebSocket the client truncates interrupted replies") == clients


@pytest.mark.parametrize(
    ("provider", "region", "transport", "warned"),
    [
        ("azure", "centralus", "sip", 1),
        ("azure", "centralus", "webrtc", 1),
        ("azure", "centralus", "websocket", 0),
        ("azure", "centralus", None, 0),
        ("azure", "eastus2", "sip", 0),
        ("azure", None, "sip", 0),
        ("openai", None, "sip", 0),
    ],
)
def test_a_transport_outside_its_regions_is_warned_of(
    provider: str, region: str | None, transport: str | None, warned: int
) -> None:
    warnings = plan_warnings(selection_of(provider=provider, region=region), transport=transport)
    assert count(warnings, "in eastus2 and swedencentral only: it may not be available in centralus") == warned


def test_a_truncation_setting_that_is_ignored_is_warned_of() -> None:
    ignoring = selection_of("gpt-realtime-2.1", provider="azure")
    half, text = Truncation("auto", Decimal("0.5")), "accepts a truncation setting for gpt-realtime-2.1 and ignores it"
    assert count(plan_warnings(ignoring, truncation=half), f"azure {text}") == 1
    assert count(plan_warnings(ignoring), text) == 0
    assert count(plan_warnings(selection_of("gpt-realtime-2.1"), truncation=half), text) == 0


@pytest.mark.parametrize(
    ("turn_count", "text"),
    [
        (2, None),
        (3, "from turn 3 on the history no longer fits: it is truncated once, 2 items are dropped"),
        (4, "from turn 3 on the history no longer fits: it is truncated 2 times, 4 items are dropped"),
    ],
)
def test_truncations_are_counted_with_their_items(turn_count: int, text: str | None) -> None:
    """A turn has 4 + 96 and 2 + 98 tokens, and 300 fit: two turns do, less the last reply."""
    turn = Turn(user_text_tokens=96, reply_text_tokens=98)
    _, warnings = script_notes(*[turn] * turn_count, truncation=Truncation("auto", 1, 300))
    assert [warning for warning in warnings if "no longer fits" in warning][:1] == [
        warning for warning in warnings if text is not None and text in warning
    ]
    assert count(warnings, "no longer fits") == (text is not None)


@pytest.mark.parametrize(("carryover", "text"), [(None, "with the transcripts so far"), ("nothing", "without history")])
def test_further_sessions_are_warned_of_with_what_they_start_with(carryover: Any, text: str) -> None:
    minute = Turn(user_text_tokens=5, reply_text_tokens=5, silence_ms=60_000)
    settings: dict[str, Any] = {"session_minutes": 1, "session_carryover": carryover}
    _, warnings = script_notes(minute, minute, minute, **settings)
    assert count(warnings, f"longer than a session: 3 are needed, each starting cold {text}") == 1
    assert count(script_notes(minute, **settings)[1], "longer than a session") == 0


def test_a_reply_longer_than_the_model_can_give_is_warned_of() -> None:
    """At most 4,096 tokens: 4,000 of audio and 96 of text are possible, one more is not; the longest reply is named."""
    longest, long, possible = (Turn(reply_audio_tokens=4_000, reply_text_tokens=text) for text in (98, 97, 96))
    assert count(script_notes(possible)[1], "more than the model's maximum") == 0
    text = "the reply of turn 2 has 4,097 tokens, more than the model's maximum of 4,096 per response"
    assert count(script_notes(possible, long)[1], f"{text}: it would be cut off (1 such reply)") == 1
    assert count(script_notes(long, longest, long)[1], "the reply of turn 2 has 4,098 tokens") == 1
    assert count(script_notes(long, longest, long)[1], "(3 such replies)") == 1


def test_without_a_maximum_no_reply_is_too_long() -> None:
    unlimited = selection_of(overrides={"max_output_tokens": 0})
    assert count(plan_warnings(unlimited, minutes=30, turns=3), "more than the model's maximum") == 0


def test_what_was_measured_is_no_assumption() -> None:
    assert count(plan_assumptions(selection_of("gpt-realtime")), "history is") == 0
    assert count(plan_assumptions(), "history is last-assistant-audio: assumed, same as gpt-realtime") == 1


def test_one_turn_with_reasoning_is_enough() -> None:
    plain = Turn(user_text_tokens=5, reply_text_tokens=5)
    reasoning = Turn(user_text_tokens=5, reply_text_tokens=5, reasoning_tokens=9)
    assert count(script_notes(plain, reasoning, model="gpt-realtime-2.1")[1], "no reasoning tokens are counted") == 0


@pytest.mark.parametrize(
    ("model", "tokens", "anyway", "none"),
    [
        ("gpt-realtime-1.5", 9, 1, 0),
        ("gpt-realtime-1.5", 0, 0, 0),
        ("gpt-realtime-2.1", 9, 0, 0),
        ("gpt-realtime-2.1", 0, 0, 1),
    ],
)
def test_reasoning_is_warned_of_where_model_and_plan_disagree(model: str, tokens: int, anyway: int, none: int) -> None:
    warnings = plan_warnings(selection_of(model), reasoning_tokens=tokens)
    assert count(warnings, "is not known as a reasoning model; the given reasoning tokens are billed anyway") == anyway
    assert count(warnings, "no reasoning tokens are counted here because none are given") == none


def test_empty_replies_are_counted() -> None:
    """0.0001 of a minute is 6 ms and no token in any of 20 replies; 0.05 of it is 60 tokens, 3 for each."""
    assert count(plan_warnings(minutes=1, assistant_share=Decimal("0.0001")), "20 of the replies are empty") == 1
    assert count(plan_warnings(minutes=1, assistant_share=Decimal("0.05")), "replies are empty") == 0
    assert count(plan_warnings(text_turns=20), "replies are empty") == 0


def test_padding_that_is_more_than_the_silence_is_warned_of() -> None:
    """0.8 s in each of 20 turns are 16 s: more than the 12 s of silence in a minute, less than the 24 s in two."""
    text = "turn detection adds 0.8 s of silence to each of 20 turns, 16 s in all: more than the silence in the plan"
    assert [count(plan_warnings(minutes=minutes), text) for minutes in (1, 2)] == [1, 0]
    assert count(plan_warnings(minutes=1, first_speaker="assistant"), text) == 1  # a greeting has no padding
    assert count(plan_warnings(selection_of(rules="web-calculator-2026-06"), minutes=1, silence_share=0), "turn detection") == 0


def test_warnings_about_the_transcription_model_are_part_of_the_answer() -> None:
    assert (
        count(plan_warnings(transcription_model="gpt-4o-transcribe"), "the price of audio in of gpt-4o-transcribe is disputed")
        == 1
    )
    assert count(plan_warnings(), "gpt-4o-transcribe") == 0


def test_a_note_that_applies_twice_appears_once() -> None:
    assumptions = plan_assumptions(transcription_model="gpt-4o-mini-transcribe")
    assert len(set(assumptions)) == len(assumptions)


@pytest.mark.parametrize(
    ("unused", "value", "amount", "used"),
    [
        ("arguments_tokens", 40, "tool_calls", 4),
        ("result_tokens", 300, "tool_calls", 4),
        ("image_tiles", 4, "images", 2),
        ("stable_instructions_tokens", 100, "instructions_change", 1),
        ("text_turn_user_tokens", 30, "text_turns", 5),
        ("text_turn_reply_tokens", 100, "text_turns", 5),
        ("played_share", Decimal("0.3"), "interrupted_share", Decimal("0.2")),
    ],
)
def test_a_field_that_describes_what_the_plan_does_not_have_is_warned_of(
    unused: str, value: Any, amount: str, used: Any
) -> None:
    warning = f"{unused} has no effect: {amount} is 0"
    assert warning in plan_warnings(**{unused: value})
    assert warning not in plan_warnings(**{unused: value, amount: used})
    assert warning not in plan_warnings(**{unused: default_of(Plan, unused)})
    plan, alone = Plan(minutes=10, turns=20), replace(Plan(minutes=10, turns=20), **{unused: value})
    costs = [estimate(one, selection_of(), load_facts()).per_conversation for one in (plan, alone)]
    assert costs[0] == costs[1]  # it has indeed no effect


@pytest.mark.parametrize("name", ["unconnected_share", "short_share"])
def test_a_share_of_a_months_calls_without_a_month_is_warned_of(name: str) -> None:
    warning = f"{name} has no effect: it is a share of a month's calls, and there are no conversations per month"
    share: dict[str, Any] = {name: Decimal("0.2")}
    plan = Plan(minutes=10, turns=20, **share)
    assert warning in estimate(plan, selection_of(), load_facts()).warnings
    assert warning not in estimate(plan, selection_of(), load_facts(), Volume(Decimal(100), "month")).warnings
    assert warning not in plan_warnings()


def test_every_dependent_field_is_tested_above() -> None:
    (mark,) = test_a_field_that_describes_what_the_plan_does_not_have_is_warned_of.pytestmark
    names = {field: caveats.AMOUNT_NAMES.get(amount, amount) for field, amount in caveats.DEPENDENT_FIELDS.items()}
    assert {unused: amount for unused, _, amount, _ in mark.args[1]} == names


@pytest.mark.parametrize(("cache", "times"), [("all", 1), ("none", 1), ("prefix", 0), (None, 0)])
def test_a_prefix_reuse_without_a_prefix_is_warned_of(cache: Any, times: int) -> None:
    assert count(plan_warnings(cache=cache, prefix_reuse=Decimal("0.5")), "prefix_reuse has no effect") == times
    assert count(plan_warnings(cache=cache), "prefix_reuse") == 0


@pytest.mark.parametrize(
    ("transport", "costs", "text"),
    [
        (
            None,
            {"carrier_per_minute": Decimal("0.01")},
            "carrier_per_minute: phone carriers bill only calls over SIP, but no tr",
        ),
        (
            "websocket",
            {"carrier": "twilio/voice-inbound-us-local"},
            "carrier: phone carriers bill only calls over SIP, but the",
        ),
        ("sip", {"carrier": "twilio/voice-inbound-us-local"}, None),
        ("webrtc", {"egress_per_gb": Decimal("0.09")}, None),
    ],
)
def test_a_carrier_without_sip_is_counted_and_warned_of(transport: Any, costs: dict[str, Any], text: str | None) -> None:
    plan = Plan(minutes=10, turns=20, transport=transport)
    answer = estimate(plan, selection_of(), load_facts(), connection_costs=ConnectionCosts(**costs))
    assert count(answer.warnings, text or "phone carriers bill") == (text is not None)
    assert answer.connection is not None
    assert answer.connection.per_conversation > 0


def test_unused_fields_are_warned_of_in_capacity_plans() -> None:
    plan = Plan(minutes=10, turns=20, image_tiles=4)
    capacity = plan_capacity(plan, selection_of(), load_facts(), None, CapacityTargets(calls_per_hour=200))
    assert "image_tiles has no effect: images is 0" in capacity.warnings
