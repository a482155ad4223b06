"""Recorded sessions for the tests: those of the case file, and those that the logs of generated calls contain."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any, Literal

from tests.calls.call import Call
from tests.calls.logs import raw_lines, usage_lines
from tests.calls.parameters import HiddenParameters
from tests.cases import case_file
from voicebill.answers.sessions.recorded_session import (
    RecordedResponse,
    RecordedSession,
    TokenQuantities,
    sessions_of_records,
)
from voicebill.logs.read import read_log

LogKind = Literal["raw", "usage"]
GOLDEN, CHANGING_PROMPT = case_file("recorded_sessions.toml")["sessions"]
"""The recorded session of six turns, and the one whose instructions are sent with every response."""

PARAMETERS = {
    "last-assistant-audio": HiddenParameters(model="gpt-realtime-1.5", reuse_share=0.85),
    "transcripts": HiddenParameters(model="gpt-realtime-2.1", day=date(2026, 11, 20), reuse_share=1.0),
    "keep-all": HiddenParameters(model="gpt-4o-realtime-preview", reuse_share=0.9),
}
"""Hidden parameters with a model of each history policy."""


def case_session(case: dict[str, Any]) -> RecordedSession:
    """A session of the case file."""
    return RecordedSession("recorded", None, tuple(response(case, row, n) for n, row in enumerate(case["responses"])))


def response(case: dict[str, Any], row: list[int], number: int) -> RecordedResponse:
    """One row of a session of the case file."""
    _, text, audio, cached_text, cached_audio, text_out, audio_out = row
    tokens = TokenQuantities(
        text_in=text - cached_text,
        text_in_cached=cached_text,
        audio_in=audio - cached_audio,
        audio_in_cached=cached_audio,
        text_out=text_out,
        audio_out=audio_out,
    )
    return plain_response(number, tokens, case["model"], case["provider"], case["day"])


def plain_response(number: int, tokens: TokenQuantities, model: str, provider: str, day: date) -> RecordedResponse:
    """A completed response of which nothing but its tokens and its model is on record."""
    return RecordedResponse(
        f"resp_{number}", "response", "exact", provider, model, None, None, None, day, None, "completed", tokens
    )


def logged_sessions(calls: Iterable[Call], log: LogKind, folder: Path) -> dict[str, RecordedSession]:
    """The sessions that a log of generated calls contains, by name, as they are read from a file."""
    file = folder / f"{log}.jsonl"
    with file.open("w") as lines:
        lines.writelines(raw_lines(calls) if log == "raw" else usage_lines(calls))
    return {session.name: session for session in sessions_of_records(read_log(file))}
