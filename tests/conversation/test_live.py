"""A conversation with a live model: its clock, and what it hands to its backend, worked out by hand."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.cases import DAY
from tests.conversation.scripts import GA
from voicebill.conversation import live
from voicebill.conversation.context import Response, responses
from voicebill.conversation.pipeline import written
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script, ToolCall, Turn
from voicebill.facts import load

SPOKEN = Turn(user_audio_tokens=120, reply_audio_tokens=240, silence_ms=6_000)
CALLING = replace(SPOKEN, tool_calls=(ToolCall(20, 100),))
UNANSWERED = Turn(user_audio_tokens=120, cancelled=True)


def of(*turns: Turn) -> Script:
    return Script(instructions_tokens=1100, turns=turns)


def sharing(share: str) -> Rules:
    return replace(GA, delegated_share=Decimal(share))


def backend() -> Rules:
    facts = load()
    return facts.ruling(
        facts.prices.find("gpt-6-luna", day=DAY).offer, day=DAY, overrides={"vad_prefix_ms": 0, "vad_silence_ms": 0}
    ).rules


def test_a_session_lasts_from_beginning_to_end() -> None:
    assert dict(live.session(90_000).items()) == {"session_ms": 90_000}


@pytest.mark.parametrize(
    ("lasts_ms", "billed_ms"), [(1, 15_000), (9_000, 15_000), (15_000, 15_000), (15_001, 15_001), (90_000, 90_000)]
)
def test_creating_a_session_is_the_least_that_it_costs_and_is_credited_once_it_runs(lasts_ms: int, billed_ms: int) -> None:
    assert live.session(lasts_ms, create_ms=15_000)["session_ms"] == billed_ms
    assert live.session(lasts_ms)["session_ms"] == lasts_ms


def test_standby_is_counted_apart_and_is_never_more_than_the_session() -> None:
    assert dict(live.session(30_000, standby_ms=10_000).items()) == {"session_ms": 20_000, "standby_ms": 10_000}
    assert dict(live.session(30_000, standby_ms=40_000).items()) == {"standby_ms": 30_000}


def test_a_short_session_with_standby_still_costs_what_its_creation_bills() -> None:
    """9 s, of which 3 are paused: 15 s in all, of which 3 are paused."""
    assert dict(live.session(9_000, standby_ms=3_000, create_ms=15_000).items()) == {"session_ms": 12_000, "standby_ms": 3_000}


@pytest.mark.parametrize(
    ("share", "turns"),
    [("0", set()), ("0.25", {2}), ("0.5", {1, 3}), ("0.75", {1, 2, 4}), ("1", {1, 2, 3, 4})],
)
def test_a_share_of_the_turns_goes_to_the_backend_evenly(share: str, turns: set[int]) -> None:
    assert live.delegated_turns(of(SPOKEN, SPOKEN, SPOKEN, SPOKEN), sharing(share)) == turns


def test_turns_with_tool_calls_always_go_to_the_backend_and_are_not_part_of_the_share() -> None:
    """Half of the two turns without tools is one of them."""
    assert live.delegated_turns(of(SPOKEN, CALLING, SPOKEN), sharing("0")) == {2}
    found = live.delegated_turns(of(SPOKEN, CALLING, SPOKEN), sharing("0.5"))
    assert 2 in found
    assert len(found) == 2
    assert live.delegated_turns(of(SPOKEN, CALLING, SPOKEN), sharing("1")) == {1, 2, 3}
    assert live.delegated_turns(of(CALLING, CALLING), sharing("0")) == {1, 2}


def test_nobody_answers_what_was_never_answered() -> None:
    assert live.delegated_turns(of(SPOKEN, UNANSWERED, SPOKEN), sharing("1")) == {1, 3}
    assert live.delegated_turns(of(UNANSWERED), sharing("1")) == frozenset()


def delegated(script: Script, *turns: int) -> list[Response]:
    rules = backend()
    return list(live.delegated(responses(written(script, rules), rules), frozenset(turns)))


INPUTS = [1149, 1241, 1333, 1425]
"""1,100 of instructions and 3 of framing, then 4 + 42 for each thing that is said: 1,103 + 46, and two of these a turn."""


def test_the_backend_reads_the_whole_conversation_so_far() -> None:
    found = delegated(of(SPOKEN, SPOKEN, SPOKEN, SPOKEN), 2, 4)
    assert [response.turn for response in found] == [2, 4]
    assert [response.input.text for response in found] == [INPUTS[1], INPUTS[3]]


def test_the_backend_has_in_common_what_it_was_sent_itself() -> None:
    """Of turn 4 what it read in turn 2; turn 3 was never sent to it. Before turn 2 it had read nothing."""
    found = delegated(of(SPOKEN, SPOKEN, SPOKEN, SPOKEN), 2, 4)
    assert [response.common.text for response in found] == [0, INPUTS[1]]
    assert [response.known.text for response in found] == [0, INPUTS[1] + 46]


def test_a_backend_that_answers_every_turn_is_a_text_model() -> None:
    script, rules = of(SPOKEN, CALLING, SPOKEN), backend()
    assert delegated(script, 1, 2, 3) == list(responses(written(script, rules), rules))


def test_a_backend_that_answers_nothing_is_sent_nothing() -> None:
    assert delegated(of(SPOKEN, SPOKEN)) == []


def test_a_tool_round_in_the_backend_is_two_requests() -> None:
    """The call is 20 + 2 tokens in the history, its result 100 + 1: 1,241 + 123 = 1,364."""
    first, second = delegated(of(SPOKEN, CALLING, SPOKEN), 2)
    assert (first.input.text, first.text_out, first.common.text) == (1241, 20, 0)
    assert (second.input.text, second.text_out, second.common.text) == (1364, 42, 1241)
