"""Compare the engine with recorded sessions of each model family: inputs exact where the recording leaves nothing open."""

from datetime import date
from itertools import pairwise
from typing import Any

import pytest

from tests.cases import case_file
from tests.conversation.scripts import rules_of
from voicebill.conversation.cache import cache_rule, cached_tokens
from voicebill.conversation.context import responses
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script, ToolCall, Turn

RECORDED = case_file("recorded_sessions.toml")
SESSION: dict[str, Any] = RECORDED["sessions"][1]
ROWS: list[list[int]] = SESSION["responses"]
RULES = rules_of(SESSION["model"], provider=SESSION["provider"], day=SESSION["day"])


def transcribing_script(reasoning: int) -> Script:
    """The session's script, if so many tokens of each reply's text were reasoning."""
    turns = tuple(
        Turn(
            user_audio_ms=user_ms,
            reply_audio_tokens=audio_out,
            reply_text_tokens=text_out - reasoning,
            reasoning_tokens=reasoning,
        )
        for user_ms, _, _, _, _, text_out, audio_out in ROWS
    )
    return Script(instructions_tokens=900, instructions_change=1, turns=turns)


def test_no_assistant_audio_is_read_again() -> None:
    """The input audio of each of eleven responses is the audio that the user committed so far, to the token."""
    read = list(responses(transcribing_script(0), RULES))
    assert [response.input.audio for response in read] == [row[2] for row in ROWS]
    assert (read[0].input.text, ROWS[0][1]) == (907, 907)


def test_text_grows_by_what_reasoning_leaves_open_in_nine_of_ten_exchanges() -> None:
    """By 14 and the transcript: at most all text beyond 10 + 0.048 a, less what was reasoning. In the tenth the prompt grew."""
    most = list(responses(transcribing_script(0), RULES))
    growths = [later[1] - earlier[1] for earlier, later in pairwise(ROWS)]
    largest = [later.input.text - earlier.input.text for earlier, later in pairwise(most)]
    explained = [14 <= growth <= bound for growth, bound in zip(growths, largest, strict=True)]
    assert explained == [True] * 4 + [False] + [True] * 5


def test_of_changing_instructions_the_same_blocks_are_found_every_time() -> None:
    """0.65 of 907 tokens are 589, and so 9 blocks of 64, in each response but the first; no audio."""
    rule = cache_rule("prefix", RULES)
    hits = [cached_tokens(response, rule) for response in responses(transcribing_script(0), RULES)]
    assert [(hit.text, hit.audio) for hit in hits] == [(row[3], row[4]) for row in ROWS] == [(0, 0)] + [(576, 0)] * 10


@pytest.mark.parametrize("row", RECORDED["single_responses"]["rows"])
def test_a_single_response_has_the_recorded_input_and_text(row: list[Any]) -> None:
    """Text out is the transcript, 10 and 0.048 a, and the reasoning; a reply of two messages has about 16 more."""
    model, items, instructions, input_text, input_audio, text_out, audio_out, reasoning, transcript, messages = row
    rules = rules_of(model, provider="azure", day=date(2026, 8, 3))
    unanswered = (Turn(user_audio_tokens=2, cancelled=True),) * (items - 1)
    reply = Turn(
        user_audio_tokens=input_audio - 2 * (items - 1),
        reply_audio_tokens=audio_out,
        reply_transcript_tokens=transcript,
        reasoning_tokens=reasoning,
    )
    response = list(responses(Script(instructions_tokens=instructions, turns=(*unanswered, reply)), rules))[-1]
    assert (response.input.text, response.input.audio) == (input_text, input_audio)
    assert text_out - response.text_out == pytest.approx(16 * (messages - 1), abs=4)


@pytest.mark.parametrize("row", RECORDED["read_aloud"]["rows"])
def test_a_script_that_is_read_aloud_has_the_recorded_input_and_text(row: list[int]) -> None:
    text_out, audio_out, reasoning = row
    recorded = RECORDED["read_aloud"]
    rules = rules_of(recorded["model"], provider=recorded["provider"])
    turn = Turn(
        user_text_tokens=recorded["script_tokens"],
        reply_audio_tokens=audio_out,
        reply_transcript_tokens=recorded["script_tokens"],
        reasoning_tokens=reasoning,
    )
    (response,) = responses(Script(instructions_tokens=recorded["instructions_tokens"], turns=(turn,)), rules)
    assert response.input.text == recorded["input_text"]
    assert response.text_out == pytest.approx(text_out, abs=2)


@pytest.mark.parametrize("case", RECORDED["tool_rounds"], ids=lambda case: f"{case['model']} at {case['provider']}")
def test_a_tool_round_reads_what_was_recorded_at_both_providers(case: dict[str, Any]) -> None:
    """The second input has the billed output of the call, its result of 11 tokens, and 7 more at OpenAI."""
    rules: Rules = rules_of(case["model"], provider=case["provider"])
    turn = Turn(user_text_tokens=7, tool_calls=(ToolCall(case["call_output"], 11),), reply_text_tokens=11)
    script = Script(instructions_tokens=case["instructions_tokens"], tools_tokens=47, turns=(turn,))
    assert [response.input.text for response in responses(script, rules)] == case["input_text"]
