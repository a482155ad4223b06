"""Check what is said of a call, by sums worked out by hand: its parts, what it carried along, what was paid for nothing."""

from dataclasses import replace
from datetime import date
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.answers.sessions.recorded import GOLDEN, PARAMETERS, case_session, logged_sessions, plain_response
from tests.calls.call import calls
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.sessions.log_explanation import explain_call, explain_log
from voicebill.answers.sessions.reconstruction import UnusableSession
from voicebill.answers.sessions.recorded_models import RecordedModels
from voicebill.answers.sessions.recorded_session import RecordedSession, TokenQuantities
from voicebill.answers.sessions.session_explanation import SessionExplanation, explain_session
from voicebill.billing.errors import InvalidInput
from voicebill.billing.money import format_dollars
from voicebill.billing.record import ResponseDetails
from voicebill.facts import load_facts

DAY = date(2026, 11, 22)


@cache
def models() -> RecordedModels:
    """The models by the built-in prices and rules."""
    return RecordedModels(load_facts(), CostQuery())


def explained(session: RecordedSession) -> SessionExplanation:
    """The explanation of a session that has one."""
    answer = explain_session(session, models())
    assert isinstance(answer, SessionExplanation), answer.reason
    return answer


def session_of(*tokens: TokenQuantities, **details: ResponseDetails) -> RecordedSession:
    """A session of gpt-realtime; `details` by the number of the response, such as `r1`."""
    plain = [plain_response(n, entry, "gpt-realtime", "openai", DAY) for n, entry in enumerate(tokens)]
    records = [record._replace(details=details.get(f"r{n}")) for n, record in enumerate(plain)]
    return RecordedSession("made", None, tuple(records))


def test_the_golden_session_costs_what_was_reported() -> None:
    """$0.1404448. Of response 3, 67 text and 59 audio tokens were new: 8 of framing, 59 of speech; and the last reply's 65."""
    answer = explained(case_session(GOLDEN))
    assert format_dollars(answer.amount) == "0.1404448"
    assert sum(answer.parts) == answer.amount
    third = answer.responses[2]
    assert tuple(third.parts.new) == (8, 59, 0)
    assert third.amounts.new == (8 * 4 + 59 * 32) * 10**6
    assert third.amounts.cached == 832 * 400_000
    assert third.amounts.resent == ((1159 - 832 - 8) * 4 + (350 - 59) * 32) * 10**6
    assert third.amounts.output == (57 * 16 + 245 * 64) * 10**6


def test_what_a_shrinking_reply_cost_is_the_difference_of_the_rates() -> None:
    """In response 3, 125 text and 275 audio tokens were read without the cache: 125 × (4 − 0.40) + 275 × (32 − 0.40)."""
    loss = explained(case_session(GOLDEN)).responses[2].losses[0]
    assert (loss.cause, loss.amount) == ("reply-shrank", (125 * 3.6 + 275 * 31.6) * 10**6)


def test_the_prompt_is_carried_through_all_responses_but_the_first() -> None:
    """1,018 tokens: all cached in response 2, and 832 of them in the four after it: 1018 × 0.4 + 4 × (832 × 0.4 + 186 × 4)."""
    carried = {entry.kind: entry.amount for entry in explained(case_session(GOLDEN)).carried if entry.turn is None}
    assert carried["prompt"] == (1018 * 0.4 + 4 * (832 * 0.4 + 186 * 4)) * 10**6


def test_speech_that_nobody_heard_is_waste() -> None:
    """Of 240 tokens, 4.5 s of 12 s were played, that is 90: 150 × 64, and 150/240 of 60 text tokens × 16."""
    first = TokenQuantities(text_in=1008, audio_in=50, text_out=60, audio_out=240)
    second = TokenQuantities(text_in=1024, audio_in=180, text_out=60, audio_out=240)
    played = ResponseDetails(user_messages=1, played_ms=4_500, deleted_items=0)
    waste = {entry.kind: entry for entry in explained(session_of(first, second, r1=played)).waste}
    assert waste["unheard-speech"].low == waste["unheard-speech"].high == (150 * 64 + 37.5 * 16) * 10**6
    open_waste = {entry.kind: entry for entry in explained(session_of(first, second)).waste}["unheard-speech"]
    assert open_waste.low < waste["unheard-speech"].low < open_waste.high


def test_failed_and_repeated_responses_are_waste() -> None:
    """The second response reads the reply of the first, 62 and 240 tokens, and nothing new: it answers nothing."""
    first = TokenQuantities(text_in=1008, audio_in=50, text_out=60, audio_out=240)
    second = TokenQuantities(text_in=1070, audio_in=290, text_out=60, audio_out=240)
    session = session_of(first, second)
    repeated = {entry.kind: entry for entry in explained(session).waste}["repeated"]
    assert repeated.low == (1070 * 4 + 290 * 32 + 60 * 16 + 240 * 64) * 10**6
    failed = replace(session, records=(session.records[0]._replace(outcome="incomplete"), session.records[1]))
    assert {entry.kind: entry for entry in explained(failed).waste}["failed"].cases == 1


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"model": None}, "the log does not name its model"),
        ({"day": None}, "the log does not give its day"),
        ({"model": "gpt-live-1"}, "gpt-live-1 is not billed by tokens"),
        ({"model": "whisper-1"}, None),
    ],
)
def test_a_call_of_no_reconstructable_model_says_why(changed: dict[str, Any], reason: str | None) -> None:
    session = session_of(TokenQuantities(text_in=100, text_out=5, audio_out=5))
    answer = explain_session(replace(session, records=(session.records[0]._replace(**changed),)), models())
    assert isinstance(answer, UnusableSession)
    assert reason is None or answer.reason == reason


def test_a_call_with_usage_that_has_no_price_is_not_explained() -> None:
    session = session_of(TokenQuantities(text_in=1008, audio_in=50, text_out=60, audio_out=240))
    other = session.records[0]._replace(key="t", kind="transcription", model="nobody-1", tokens=TokenQuantities(audio_in=5))
    answer = explain_session(replace(session, records=(*session.records, other)), models())
    assert isinstance(answer, UnusableSession)
    assert answer.reason == "a part of it has no known price"


def test_a_call_is_explained_by_its_name_or_refused_with_the_reason() -> None:
    golden, other = case_session(GOLDEN), replace(case_session(GOLDEN), tenant="acme")
    assert explain_call("recorded", lambda _: [golden], models()).session == golden
    with pytest.raises(InvalidInput, match="no call is named 'nope'"):
        explain_call("nope", lambda _: [], models())
    with pytest.raises(InvalidInput, match="2 calls are named 'recorded', of the tenants none, acme"):
        explain_call("recorded", lambda _: [golden, other], models())
    with pytest.raises(InvalidInput, match="cannot be explained: no response has tokens"):
        explain_call("recorded", lambda _: [replace(golden, records=())], models())


def test_all_calls_add_up(tmp_path: Path) -> None:
    """The sums are those of the calls; calls without a response are counted, and the dearest stand first."""
    made = calls(replace(PARAMETERS["last-assistant-audio"], unconnected_share=0.2), 30, 4)
    sessions = list(logged_sessions(made, "raw", tmp_path).values())
    empty = RecordedSession("empty", None, ())
    answer = explain_log(lambda: [*sessions, empty], models(), dearest=3)
    one_by_one = [explained(session) for session in sessions]
    assert (answer.calls, answer.explained, len(answer.dearest)) == (len(sessions) + 1, len(sessions), 3)
    assert answer.amount == sum(call.amount for call in one_by_one)
    assert sum(answer.parts) == answer.amount
    assert [call.amount for call in answer.dearest] == sorted((call.amount for call in one_by_one), reverse=True)[:3]
    assert [(entry.reason, entry.calls, entry.names) for entry in answer.unusable] == [
        ("no response has tokens", 1, ("empty",))
    ]
    assert {entry.kind: entry.cases for entry in answer.waste}["unconnected"] == 1
    assert answer.expected == sum((call.expected for call in one_by_one), Fraction(0))
