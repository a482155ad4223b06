"""Check that the cause of a cache loss is named where there is one, and none where there is none."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from tests.answers.sessions.recorded import (
    CHANGING_PROMPT,
    GOLDEN,
    PARAMETERS,
    LogKind,
    case_session,
    logged_sessions,
    plain_response,
)
from tests.calls.call import Call, calls
from tests.calls.parameters import Fault, HiddenParameters
from tests.conversation.scripts import rules_of
from voicebill.answers.sessions.cache_losses import LossCause, UsualCache, cache_uses
from voicebill.answers.sessions.reconstruction import ReconstructedResponse, Reconstruction, reconstruct
from voicebill.answers.sessions.recorded_session import RecordedSession, TokenQuantities
from voicebill.answers.sessions.turn_inference import ScriptPlace
from voicebill.conversation.context import responses
from voicebill.conversation.script import Script, Turn

NAMES: dict[Fault, LossCause] = {
    "prompt-changed": "prompt-changed",
    "tools-changed": "prompt-changed",
    "truncation": "truncation",
    "deletion": "deletion",
    "another-model": "another-model",
    "pause": "pause",
    "cold-start": "cold-start",
    "eviction": "not-explained",
}
FROM_USAGE = tuple(fault for fault in NAMES if fault != "deletion")
"""The faults that usage alone shows; which items are gone from the middle of a history it leaves open."""


def causes(call: Call, session: RecordedSession) -> list[tuple[int, LossCause]]:
    """The causes that are named in a call, each with its response; not that replies shrink, which is the model's way."""
    answer = reconstruct(session, call.rules)
    if not isinstance(answer, Reconstruction) or not answer.is_usable:
        return []
    usual = UsualCache(Decimal(str(call.parameters.reuse_share)), starts_warm=True)
    uses = cache_uses(answer, call.rules, usual)
    return [(index, loss.cause) for index, use in enumerate(uses) for loss in use.losses if loss.cause != "reply-shrank"]


def named_share(policy: str, fault: Fault, log: LogKind, count: int, folder: Path) -> Fraction:
    """The share of calls with a planted fault in which it is named, at the response where it shows."""
    made = calls(all_warm(policy), count, 11, fault)
    sessions = logged_sessions(made, log, folder)
    named = [(call.fault_response, NAMES[fault]) in causes(call, sessions[call.session]) for call in made]
    return Fraction(sum(named), count)


def all_warm(policy: str) -> HiddenParameters:
    """The hidden parameters of a policy, with calls that all start warm and connect."""
    return replace(PARAMETERS[policy], warm_share=1.0, unconnected_share=0.0)


@pytest.mark.parametrize("fault", NAMES)
@pytest.mark.parametrize("policy", PARAMETERS)
def test_a_planted_fault_is_named_from_events(policy: str, fault: Fault, tmp_path: Path) -> None:
    assert named_share(policy, fault, "raw", 12, tmp_path) >= Fraction(11, 12)


@pytest.mark.parametrize("fault", FROM_USAGE)
@pytest.mark.parametrize("policy", PARAMETERS)
def test_a_planted_fault_is_named_from_usage_alone(policy: str, fault: Fault, tmp_path: Path) -> None:
    assert named_share(policy, fault, "usage", 12, tmp_path) >= Fraction(10, 12)


@pytest.mark.parametrize("log", ["raw", "usage"])
@pytest.mark.parametrize("policy", PARAMETERS)
def test_nothing_is_named_in_a_clean_call(policy: str, log: LogKind, tmp_path: Path) -> None:
    made = calls(all_warm(policy), 25, 12)
    sessions = logged_sessions(made, log, tmp_path)
    assert [causes(call, sessions[call.session]) for call in made] == [[]] * 25


@pytest.mark.long
@pytest.mark.parametrize("policy", PARAMETERS)
def test_of_100_planted_faults_95_are_named_and_of_100_clean_calls_at_most_2_name_one(policy: str, tmp_path: Path) -> None:
    for fault in NAMES:
        assert named_share(policy, fault, "raw", 100, tmp_path) >= Fraction(95, 100), fault
    for log in ("raw", "usage"):
        made = calls(all_warm(policy), 100, 13)
        sessions = logged_sessions(made, log, tmp_path)
        assert sum(bool(causes(call, sessions[call.session])) for call in made) <= 2


def test_replies_that_shrink_are_what_the_golden_session_lost_by() -> None:
    """From turn 3 on: in turn 3, the reply of turn 1 (66 + 2 and 219) and all after it was read again: 125 and 275 tokens."""
    rules = rules_of("gpt-realtime")
    answer = reconstruct(case_session(GOLDEN), rules)
    assert isinstance(answer, Reconstruction)
    losses = [use.losses for use in cache_uses(answer, rules)]
    assert [[loss.cause for loss in entry] for entry in losses] == [[], [], *[["reply-shrank"]] * 4]
    assert tuple(losses[2][0].tokens) == (125, 275, 0)


def test_the_prompt_is_what_changed_where_the_same_576_tokens_are_cached_every_time() -> None:
    rules = rules_of(CHANGING_PROMPT["model"], provider="azure", day=CHANGING_PROMPT["day"])
    answer = reconstruct(case_session(CHANGING_PROMPT), rules)
    assert isinstance(answer, Reconstruction)
    named = [[loss.cause for loss in use.losses] for use in cache_uses(answer, rules)]
    assert named == [[], *[["prompt-changed"]] * 10]


def test_a_history_that_begins_anew_is_a_cold_start() -> None:
    """Only the prompt of 1,000 tokens and a new message of 30 are read after a reply of 62 and 240: nothing else is left."""
    tokens = [
        TokenQuantities(text_in=1008, audio_in=50, text_out=60, audio_out=240),
        TokenQuantities(text_in=1008, audio_in=30, text_out=60, audio_out=240),
    ]
    records = tuple(plain_response(n, entry, "gpt-realtime", "openai", GOLDEN["day"]) for n, entry in enumerate(tokens))
    rules = rules_of("gpt-realtime")
    answer = reconstruct(RecordedSession("anew", None, records), rules)
    assert isinstance(answer, Reconstruction)
    assert answer.error == 0
    assert (answer.script.turns[1].deleted_items, answer.script.turns[1].user_audio_tokens) == ((1, 2), 30)
    assert [loss.cause for loss in cache_uses(answer, rules)[1].losses] == ["cold-start"]


def test_a_prompt_that_would_not_have_left_room_is_not_put_back() -> None:
    """In an input of 28,224 tokens, a prompt of 27,000 leaves no room for a message of 5,000; the new one does."""
    rules = rules_of("gpt-realtime")
    turns = (
        Turn(user_audio_tokens=50, reply_audio_tokens=100),
        Turn(user_text_tokens=5_000, reply_audio_tokens=100, instructions_tokens=1_000),
    )
    script = Script(instructions_tokens=27_000, turns=turns)
    pairs = tuple(
        ReconstructedResponse(
            plain_response(n, tokens, "x", "openai", GOLDEN["day"]),
            ScriptPlace(entry.turn, ("prompt",) if n else ()),
            entry,
        )
        for n, entry in enumerate(responses(script, rules))
        for tokens in [TokenQuantities(text_in=entry.input.text, audio_in=entry.input.audio)]
    )
    session = RecordedSession("long", None, tuple(pair.record for pair in pairs))
    uses = cache_uses(Reconstruction(session, script, pairs, Fraction(0), ()), rules)
    causes = [[loss.cause for loss in use.losses if loss.cause != "reply-shrank"] for use in uses]
    assert causes == [[], ["prompt-changed"]]
