"""Check live sessions: billed time and delegated turns, with worked numbers."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.cases import DAY
from tests.conversation.scripts import GA
from voicebill.conversation import live_session
from voicebill.conversation.context import Response, responses
from voicebill.conversation.history import Tokens
from voicebill.conversation.pipeline import as_text_conversation
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script, ToolCall, Turn
from voicebill.facts import load_facts

SPOKEN = Turn(user_audio_tokens=120, reply_audio_tokens=240, silence_ms=6_000)
CALLING = replace(SPOKEN, tool_calls=(ToolCall(20, 100),))
UNANSWERED = Turn(user_audio_tokens=120, cancelled=True)


def script_of(*turns: Turn) -> Script:
    return Script(instructions_tokens=1100, turns=turns)


def rules_sharing(share: str) -> Rules:
    return replace(GA, delegated_share=Decimal(share))


def backend_rules() -> Rules:
    facts = load_facts()
    return facts.rules_for(
        facts.prices.quote("gpt-6-luna", day=DAY).offer, day=DAY, overrides={"vad_prefix_ms": 0, "vad_silence_ms": 0}
    ).rules


def test_a_session_lasts_from_start_to_end() -> None:
    assert dict(live_session.session_usage(90_000).items()) == {"session_ms": 90_000}


@pytest.mark.parametrize(
    ("lasts_ms", "billed_ms"), [(1, 15_000), (9_000, 15_000), (15_000, 15_000), (15_001, 15_001), (90_000, 90_000)]
)
def test_a_session_is_billed_at_least_for_its_creation(lasts_ms: int, billed_ms: int) -> None:
    assert live_session.session_usage(lasts_ms, creation_ms=15_000)["session_ms"] == billed_ms
    assert live_session.session_usage(lasts_ms)["session_ms"] == lasts_ms


def test_standby_is_counted_separately_and_never_exceeds_the_session() -> None:
    assert dict(live_session.session_usage(30_000, standby_ms=10_000).items()) == {"session_ms": 20_000, "standby_ms": 10_000}
    assert dict(live_session.session_usage(30_000, standby_ms=40_000).items()) == {"standby_ms": 30_000}


def test_a_short_session_with_standby_still_costs_what_its_creation_bills() -> None:
    """9 s with 3 s of standby are billed as 15 s, of which 3 s are standby."""
    assert dict(live_session.session_usage(9_000, standby_ms=3_000, creation_ms=15_000).items()) == {
        "session_ms": 12_000,
        "standby_ms": 3_000,
    }


@pytest.mark.parametrize(
    ("share", "turns"),
    [("0", set()), ("0.25", {2}), ("0.5", {1, 3}), ("0.75", {1, 2, 4}), ("1", {1, 2, 3, 4})],
)
def test_a_share_of_the_turns_is_delegated_evenly(share: str, turns: set[int]) -> None:
    assert live_session.backend_turns(script_of(SPOKEN, SPOKEN, SPOKEN, SPOKEN), rules_sharing(share)) == turns


def test_turns_with_tool_calls_are_always_delegated_and_not_part_of_the_share() -> None:
    """Half of the two turns without tools is one of them."""
    assert live_session.backend_turns(script_of(SPOKEN, CALLING, SPOKEN), rules_sharing("0")) == {2}
    turns = live_session.backend_turns(script_of(SPOKEN, CALLING, SPOKEN), rules_sharing("0.5"))
    assert 2 in turns
    assert len(turns) == 2
    assert live_session.backend_turns(script_of(SPOKEN, CALLING, SPOKEN), rules_sharing("1")) == {1, 2, 3}
    assert live_session.backend_turns(script_of(CALLING, CALLING), rules_sharing("0")) == {1, 2}


def test_cancelled_turns_are_not_delegated() -> None:
    assert live_session.backend_turns(script_of(SPOKEN, UNANSWERED, SPOKEN), rules_sharing("1")) == {1, 3}
    assert live_session.backend_turns(script_of(UNANSWERED), rules_sharing("1")) == frozenset()


def backend_results(script: Script, *turns: int) -> list[Response]:
    rules = backend_rules()
    return list(live_session.backend_responses(responses(as_text_conversation(script, rules), rules), frozenset(turns)))


INPUTS = [1149, 1241, 1333, 1425]
"""1,100 of instructions and 3 of framing, then 4 + 42 for each message: 1,103 + 46, and two messages per turn."""


def test_the_backend_reads_the_whole_conversation_so_far() -> None:
    results = backend_results(script_of(SPOKEN, SPOKEN, SPOKEN, SPOKEN), 2, 4)
    assert [response.turn for response in results] == [2, 4]
    assert [response.input.text for response in results] == [INPUTS[1], INPUTS[3]]


def test_the_backend_shares_a_prefix_with_its_own_previous_request() -> None:
    """Turn 4 shares what was read in turn 2, because turn 3 was not sent to the backend. Turn 2 is its first request."""
    results = backend_results(script_of(SPOKEN, SPOKEN, SPOKEN, SPOKEN), 2, 4)
    assert [response.common_prefix.text for response in results] == [0, INPUTS[1]]
    assert [response.previously_seen.text for response in results] == [0, INPUTS[1] + 46]


def test_a_backend_that_answers_every_turn_is_a_text_model() -> None:
    script, rules = script_of(SPOKEN, CALLING, SPOKEN), backend_rules()
    assert backend_results(script, 1, 2, 3) == list(responses(as_text_conversation(script, rules), rules))


def test_a_backend_without_turns_has_no_responses() -> None:
    assert backend_results(script_of(SPOKEN, SPOKEN)) == []


def test_a_tool_round_in_the_backend_is_two_requests() -> None:
    """The call is 20 + 2 tokens in the history, its result 100 + 1: 1,241 + 123 = 1,364."""
    first, second = backend_results(script_of(SPOKEN, CALLING, SPOKEN), 2)
    assert (first.input.text, first.text_out, first.common_prefix.text) == (1241, 20, 0)
    assert (second.input.text, second.text_out, second.common_prefix.text) == (1364, 42, 1241)


def test_every_second_turn_is_delegated_however_many_there_are() -> None:
    """Of a shorter call the same turns are delegated as of a longer one: half of 5 are the first, the third and the fifth."""
    script = Script(turns=(Turn(user_audio_tokens=5, reply_audio_tokens=5),) * 5)
    assert live_session.backend_turns(script, replace(GA, delegated_share=Decimal("0.5"))) == {1, 3, 5}


def test_the_shortest_prefix_is_the_one_with_the_fewest_tokens_of_all_kinds() -> None:
    """100 of text are fewer than 90 of text and 50 of audio."""
    prefixes = (Tokens(90, 50, 0), Tokens(100, 0, 0))
    read = [
        Response(number, "reply", "completed", Tokens(500, 0, 0), Tokens(), prefix, prefix, (), 0, 0, 0, 1, 0)
        for number, prefix in enumerate(prefixes, start=1)
    ]
    (backend,) = live_session.backend_responses(read, frozenset({2}))
    assert (backend.common_prefix, backend.previously_seen) == (Tokens(100, 0, 0), Tokens(100, 0, 0))
