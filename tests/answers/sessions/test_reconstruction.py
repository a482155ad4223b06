"""Check that a recorded session becomes the script again that it was."""

from dataclasses import replace
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
from tests.calls.call import calls
from tests.conversation.scripts import rules_of
from voicebill.answers.sessions.reconstruction import Reconstruction, UnusableSession, reconstruct
from voicebill.answers.sessions.recorded_session import RecordedSession, TokenQuantities
from voicebill.billing.record import ResponseDetails
from voicebill.conversation.script import Turn

GA = rules_of("gpt-realtime")
LOGS: list[LogKind] = ["raw", "usage"]


def reconstructed(session: RecordedSession, rules: object = GA) -> Reconstruction:
    """The reconstruction of a session that has one."""
    result = reconstruct(session, rules)  # type: ignore[arg-type]
    assert isinstance(result, Reconstruction), result.reason
    return result


def test_the_golden_session_is_reconstructed_to_the_token() -> None:
    """The transcripts are those that were counted from the text: 48, 45, 37 and 33 tokens; later ones never shrank."""
    answer = reconstructed(case_session(GOLDEN))
    assert (answer.script.instructions_tokens, answer.intervals) == (1018, ())
    assert answer.error == 0
    turns = answer.script.turns
    assert [turn.user_audio_tokens for turn in turns] == [16, 57, 59, 32, 60, 20]
    assert [turn.reply_transcript_tokens for turn in turns] == [48, 45, 37, 33, None, None]


def test_a_session_whose_prompt_is_sent_with_every_response_is_reconstructed() -> None:
    """The user's clips were 36.5 to 66.5 tokens long and are billed as whole ones; in turn 6 text came from elsewhere."""
    rules = rules_of(CHANGING_PROMPT["model"], provider="azure", day=CHANGING_PROMPT["day"])
    answer = reconstructed(case_session(CHANGING_PROMPT), rules)
    assert answer.error == 0
    assert [turn.user_audio_tokens for turn in answer.script.turns] == [ms // 100 for ms, *_ in CHANGING_PROMPT["responses"]]
    assert [number for number, turn in enumerate(answer.script.turns, 1) if turn.user_text_tokens] == [6]


@pytest.mark.parametrize("log", LOGS)
@pytest.mark.parametrize("policy", PARAMETERS)
def test_generated_calls_are_reconstructed_where_the_log_determines_them(policy: str, log: LogKind, tmp_path: Path) -> None:
    """Every input is exact. From raw events so is every turn, but for what no later response reads; else a range has it."""
    made = [call for call in calls(PARAMETERS[policy], 40, 3) if call.script is not None]
    sessions = logged_sessions(made, log, tmp_path)
    for call in made:
        answer = reconstructed(sessions[call.session], call.rules)
        assert call.script is not None
        assert answer.error == 0
        open_quantities = {(entry.turn, entry.quantity): entry for entry in answer.intervals}
        for number, (actual, turn) in enumerate(zip(answer.script.turns, call.script.turns, strict=True), start=1):
            for quantity in ("user_audio_tokens", "played_ms"):
                if number == len(call.script.turns) and quantity == "played_ms":
                    continue
                value, truth = getattr(actual, quantity), getattr(turn, quantity)
                interval = open_quantities.get((number, quantity))
                assert value == truth or (log == "usage" and interval and interval.low <= truth <= interval.high)
            assert actual.reply_audio_tokens == turn.reply_audio_tokens
            assert total_of_tools(actual) == total_of_tools(turn)
            if log == "raw":
                assert actual.tool_calls == turn.tool_calls


def total_of_tools(turn: Turn) -> int:
    """Arguments and results of a turn's tools: without events, only their sum is in the counts."""
    return sum(call.arguments_tokens + call.result_tokens for call in turn.tool_calls)


@pytest.mark.parametrize("policy", PARAMETERS)
def test_as_many_items_are_deleted_as_were(policy: str, tmp_path: Path) -> None:
    """Which ones they were may stay open, if others are as large."""
    made = calls(PARAMETERS[policy], 20, 5, "deletion")
    sessions = logged_sessions(made, "raw", tmp_path)
    for call in made:
        answer = reconstructed(sessions[call.session], call.rules)
        assert call.script is not None
        assert answer.is_usable
        assert [len(turn.deleted_items) for turn in answer.script.turns] == [
            len(turn.deleted_items) for turn in call.script.turns
        ]


def session_of(*tokens: TokenQuantities, details: dict[int, ResponseDetails] | None = None) -> RecordedSession:
    """A session with some responses of gpt-realtime."""
    plain = [plain_response(n, entry, "gpt-realtime", "openai", GOLDEN["day"]) for n, entry in enumerate(tokens)]
    records = [record._replace(details=(details or {}).get(n)) for n, record in enumerate(plain)]
    return RecordedSession("made", None, tuple(records))


def test_an_interruption_without_events_leaves_a_range() -> None:
    """Text grew by 8 of the broken reply and 8 of the message: 1,008 to 1,024. Some of the 130 new audio tokens were played."""
    first = TokenQuantities(text_in=1008, audio_in=50, text_out=60, audio_out=240)
    second = TokenQuantities(text_in=1024, audio_in=180, text_out=60, audio_out=240)
    answer = reconstructed(session_of(first, second))
    assert answer.error == 0
    assert [(entry.turn, entry.quantity, entry.low, entry.high) for entry in answer.intervals] == [
        (2, "user_audio_tokens", 0, 130),
        (1, "played_ms", 0, 6500),
    ]


def test_events_settle_what_was_played() -> None:
    first = TokenQuantities(text_in=1008, audio_in=50, text_out=60, audio_out=240)
    second = TokenQuantities(text_in=1024, audio_in=180, text_out=60, audio_out=240)
    details = {1: ResponseDetails(user_messages=1, played_ms=4_500, deleted_items=0)}
    answer = reconstructed(session_of(first, second, details=details))
    assert (answer.script.turns[0].played_ms, answer.script.turns[1].user_audio_tokens) == (4_500, 40)
    assert not answer.intervals


def test_speech_in_two_messages_has_the_framing_of_two() -> None:
    """Text grows by 62 of the reply and 2 × 8 of messages."""
    first = TokenQuantities(text_in=1008, audio_in=50, text_out=60, audio_out=240)
    second = TokenQuantities(text_in=1086, audio_in=390, text_out=60, audio_out=240)
    (_, turn) = reconstructed(session_of(first, second)).script.turns
    assert (turn.user_messages, turn.user_audio_tokens) == (2, 100)


def test_other_instructions_are_those_that_events_show() -> None:
    first = TokenQuantities(text_in=1008, audio_in=50, text_out=60, audio_out=240)
    second = TokenQuantities(text_in=1378, audio_in=390, text_out=60, audio_out=240)
    shown = {
        number: ResponseDetails(user_messages=1, text_messages=0, tool_results=0, deleted_items=0, prompt=prompt)
        for number, prompt in enumerate(("one", "other"))
    }
    (_, turn) = reconstructed(session_of(first, second, details=shown)).script.turns
    assert (turn.instructions_tokens, turn.user_text_tokens) == (1300, 0)
    (_, turn) = reconstructed(session_of(first, second)).script.turns
    assert (turn.instructions_tokens, turn.user_text_tokens) == (None, 296)


@pytest.mark.parametrize(
    ("session", "reason"),
    [
        (session_of(), "no response has tokens"),
        (session_of(TokenQuantities()), "no response has tokens"),
        (
            replace(
                session_of(TokenQuantities(text_in=5)),
                records=(session_of(TokenQuantities(text_in=5)).records[0]._replace(status="ambiguous"),),
            ),
            "the counts of a response do not determine its usage",
        ),
    ],
)
def test_an_unusable_session_says_why(session: RecordedSession, reason: str) -> None:
    answer = reconstruct(session, GA)
    assert isinstance(answer, UnusableSession)
    assert answer.reason == reason


def test_a_session_that_nothing_explains_is_not_used() -> None:
    """Text grew by 62 of the reply, 8 of the message and 500 more, although nothing was typed and the prompt stayed: 17%."""
    first = TokenQuantities(text_in=1008, audio_in=50, text_out=60, audio_out=240)
    second = TokenQuantities(text_in=1578, audio_in=390, text_out=60, audio_out=240)
    shown = ResponseDetails(user_messages=1, text_messages=0, tool_results=0, deleted_items=0, prompt="one")
    answer = reconstructed(session_of(first, second, details={0: shown, 1: shown}))
    assert answer.error == Fraction(500, 1058 + 1968)
    assert not answer.is_usable
