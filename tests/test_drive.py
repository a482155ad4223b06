"""What voice packages log: the scripted server's usage, the verdicts, and the table in docs/log-formats.md."""

import json
import subprocess
import sys
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from drive.run import PAGE, documented_table, drive, table, with_table
from drive.script import SECONDS, TOKENS, Conversation, response_usage, transcription_usage
from drive.verdicts import Verdict, compare_amounts, read_verdicts

ROOT = Path(__file__).parents[1]
DRIVE_PYTHON = ROOT / ".venv-drive" / "bin" / "python"
DAY = date(2026, 11, 28)
READ_417 = {"text_in": 417, "text_out": 19, "audio_out": 97}
"""gpt-realtime-1.5: 417 × $4/M + 19 × $16/M + 97 × $64/M = $0.00818."""


ATTEMPTS = """
import socket
from drive.loopback import only_loopback, refused

only_loopback()
for attempt in (lambda: socket.socket().connect(("192.0.2.1", 80)), lambda: socket.getaddrinfo("example.org", 80)):
    try:
        attempt()
    except PermissionError:
        pass
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname()).close()
print(*refused, sep="\\n")
"""


def response_done(**usage: object) -> dict[str, object]:
    return {"type": "response.done", "response": {"id": "resp_1", "status": "completed", "usage": usage}}


def verdict_on(folder: Path, line: dict[str, object] | str, reported: dict[str, int] = READ_417) -> Verdict:
    """The verdict on a log of one line, when the server had reported one response of gpt-realtime-1.5."""
    item = {"part": "responses", "model": "gpt-realtime-1.5", "usage": reported}
    method = {"method": "print", "conversation": "tokens", "file": "01.jsonl", "not_logged": []}
    run = {"package": "p", "version": "1", "reported": {"tokens": [item]}, "methods": [method], "refused": []}
    (folder / "drive.json").write_text(json.dumps(run), encoding="utf-8")
    (folder / "01.jsonl").write_text(line if isinstance(line, str) else json.dumps(line), encoding="utf-8")
    [verdict] = read_verdicts(folder, DAY)
    return verdict


def test_a_response_reports_cached_tokens_as_part_of_its_input() -> None:
    usage = response_usage(SECONDS.steps[1])
    assert usage["input_tokens"] == 47 + 256 + 83 + 128 + 16 + 320
    assert usage["input_token_details"]["text_tokens"] == 47 + 256
    assert usage["input_token_details"]["cached_tokens_details"] == {
        "text_tokens": 256,
        "audio_tokens": 128,
        "image_tokens": 320,
    }
    assert usage["output_token_details"] == {"text_tokens": 107, "audio_tokens": 151, "reasoning_tokens": 79}
    assert usage["total_tokens"] == 850 + 258


@pytest.mark.parametrize("conversation", [TOKENS, SECONDS])
def test_the_parts_of_a_response_add_up(conversation: Conversation) -> None:
    for step in conversation.steps:
        assert response_usage(step)["total_tokens"] == sum(step.usage.values())
        assert step.reasoning <= step.usage["text_out"]


def test_a_transcription_reports_tokens_or_seconds() -> None:
    tokens, seconds = TOKENS.steps[1].speech, SECONDS.steps[1].speech
    assert tokens is not None
    assert seconds is not None
    assert transcription_usage(tokens)["input_tokens"] == 5 + 31
    assert transcription_usage(seconds) == {"type": "duration", "seconds": 2.3}


def test_the_right_amount_is_exact_with_the_options_that_the_log_needs(tmp_path: Path) -> None:
    details = {"input_token_details": {"text_tokens": 417}, "output_token_details": {"text_tokens": 19, "audio_tokens": 97}}
    verdict = verdict_on(tmp_path, response_done(input_tokens=417, output_tokens=116, total_tokens=533, **details))
    assert verdict.verdict == "exact"
    assert verdict.options == ("--day", "--model", "--transcription-model")
    assert "right $0.008180" in verdict.detail


def test_a_log_that_leaves_something_open_is_a_range(tmp_path: Path) -> None:
    """At least 417 × $4/M + 116 × $16/M = $0.003524, 43% of $0.00818; at most 417 × $32/M + 116 × $64/M = $0.020768, 254%."""
    verdict = verdict_on(tmp_path, response_done(input_tokens=417, output_tokens=116, total_tokens=533))
    assert verdict.verdict == "range (-57% to +154%)"


def test_another_amount_is_wrong_and_refused_logs_are_not_recognised(tmp_path: Path) -> None:
    details = {"input_token_details": {"text_tokens": 417}, "output_token_details": {"text_tokens": 116}}
    verdict = verdict_on(tmp_path, response_done(input_tokens=417, output_tokens=116, total_tokens=533, **details))
    assert verdict.verdict == "wrong (-57%)"
    assert not verdict.is_good
    assert verdict_on(tmp_path, "hello").verdict == "not recognised"


def test_amounts_are_compared_at_both_ends() -> None:
    one, two, three = Fraction(1), Fraction(2), Fraction(3)
    assert compare_amounts(two, two, two, 0) == "exact"
    assert compare_amounts(one, three, two, 0) == "range (-50% to +50%)"
    assert compare_amounts(one, one, two, 3) == "3 without usage (-50%)"
    assert compare_amounts(three, three, two, 3) == "wrong (+50%)"
    assert compare_amounts(two, three, one, 0) == "wrong (+100% to +200%)"


def test_usage_that_was_not_read_is_incomplete(tmp_path: Path) -> None:
    lines = [response_done(), {"type": "billing.summary", "usage": {"audio_tokens": 97, "input_tokens": 417}}]
    assert verdict_on(tmp_path, "\n".join(map(json.dumps, lines))).verdict == "incomplete"


def test_a_package_that_attempts_an_outgoing_request_fails(tmp_path: Path) -> None:
    result = subprocess.run([sys.executable, "-c", ATTEMPTS], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines() == ["socket.connect 192.0.2.1", "socket.getaddrinfo example.org"]
    run = {"package": "p", "version": "1", "reported": {}, "methods": [], "refused": ["socket.connect 192.0.2.1"]}
    (tmp_path / "drive.json").write_text(json.dumps(run), encoding="utf-8")
    with pytest.raises(SystemExit, match=r"p attempted outgoing requests: socket\.connect 192\.0\.2\.1"):
        list(read_verdicts(tmp_path, DAY))


def test_a_table_has_a_row_for_each_method_and_a_column_for_each_conversation() -> None:
    verdicts = [
        Verdict("openai", "3", "print", "tokens", "exact", ("--day",)),
        Verdict("openai", "3", "print", "live", "wrong (+62%)", ("--model",), ("seconds",)),
    ]
    rows = table(verdicts)
    assert rows.splitlines()[2] == "| openai | 3 | print | exact |  |  | wrong (+62%) | `--day` | seconds |"
    page = "before\n<!-- begin: written by `make drive` -->\nold\n<!-- end -->\nafter\n"
    assert documented_table(with_table(page, rows)) == rows
    assert with_table(with_table(page, rows), rows) == with_table(page, rows)
    assert with_table(page, rows).endswith("<!-- end -->\nafter\n")


@pytest.mark.long
def test_the_documented_verdicts_are_those_on_what_the_packages_log(tmp_path: Path) -> None:
    if not DRIVE_PYTHON.exists():
        pytest.skip("the voice packages are not installed: `make .venv-drive/.drive` installs them")
    rows = table(drive(str(DRIVE_PYTHON), tmp_path))
    assert rows.splitlines() == documented_table(PAGE.read_text(encoding="utf-8")).splitlines()


def test_images_that_are_priced_as_text_are_told(tmp_path: Path) -> None:
    """Pipecat reports 417 tokens in, of which 337 were of an image: $0.000337 too little, which the answer says."""
    tokens = {"prompt_tokens": 417, "completion_tokens": 116, "total_tokens": 533, "input_audio_tokens": 0}
    value = {**tokens, "output_audio_tokens": 97, "cache_read_input_audio_tokens": 0, "cache_read_input_tokens": 0}
    reported = {"text_in": 80, "image_in": 337, "text_out": 19, "audio_out": 97}
    line: dict[str, object] = {"processor": "OpenAIRealtimeLLMService#0", "model": "gpt-realtime-1.5", "value": value}
    assert verdict_on(tmp_path, line, reported).verdict == "images as text (-4%)"
