"""Logs that are not UTF-8: the reason is given as it is, in every format, and the rest is read."""

import re
from pathlib import Path

import pytest

from tests.logs.fuzz import CORPUS, DEFAULTS, FORMAT_NAMES, format_of
from tests.logs.reading import error_texts, read_records
from voicebill.billing.errors import InvalidInput
from voicebill.logs.read import read_log
from voicebill.logs.report import ReadReport

HINT = "convert the file, for example with iconv -f latin1 -t utf-8"
LINE = (
    b'{"type": "response.done", "tenant": "%s", "response": {"id": "%s", "usage": {"input_tokens": 5, "output_tokens": 0}}}\n'
)
MODEL = re.compile(rb"(?<=gpt|tts|per)-(?=[a-z0-9])")
LOGS = [file for file in sorted(CORPUS.iterdir()) if file.suffix in (".jsonl", ".csv") and MODEL.search(file.read_bytes())]


def test_a_line_in_another_encoding_is_named_with_its_place() -> None:
    """The é of café is character 41, wherever a character of two bytes is before it."""
    content = LINE % (b"caf\xe9", b"r1") + LINE % ("é, caf".encode() + b"\xe9", b"r2") + LINE % ("café".encode(), b"r3")
    records, report = read_records(content)
    assert [(record.key, record.tenant) for record in records] == [("r3", "café")]
    assert error_texts(report) == [
        f"a log, line 1: not UTF-8 (byte 0xE9 at character 41): {HINT}",
        f"a log, line 2: not UTF-8 (byte 0xE9 at character 44): {HINT}",
    ]


@pytest.mark.parametrize("before", [b"", b"2026-11-22 10:15:00 INFO agent: "], ids=["bare", "behind a prefix"])
def test_a_prefix_does_not_hide_the_reason(before: bytes) -> None:
    """Where the JSON cannot be taken out of a line, its encoding is the reason."""
    content = b"".join(before + line for line in (LINE % (b"acme", b"r1"), LINE % (b"caf\xe9", b"r2")))
    records, report = read_records(content)
    assert len(records) == 1
    assert error_texts(report) == [f"a log, line 2: not UTF-8 (byte 0xE9 at character {len(before) + 41}): {HINT}"]


@pytest.mark.parametrize("file", LOGS, ids=[file.name for file in LOGS])
def test_every_format_gives_the_reason(file: Path) -> None:
    """In the name of a model that was gpt-realtime, or another one with a dash."""
    lines = file.read_bytes().splitlines(keepends=True)
    index, place = next((index, match.start()) for index, line in enumerate(lines) if (match := MODEL.search(line)))
    lines[index] = lines[index][:place] + b"\xe9" + lines[index][place + 1 :]
    _, report = read_records(b"".join(lines), format_of(file), DEFAULTS)
    assert error_texts(report) == [f"a log, line {index + 1}: not UTF-8 (byte 0xE9 at character {place + 1}): {HINT}"]


@pytest.mark.parametrize("log_format", [name for name in FORMAT_NAMES if name not in ("columns", "pipecat")])
def test_a_document_over_many_lines_names_the_line(log_format: str) -> None:
    """The line in the document, not the one that it begins on."""
    content = b'[\n {\n  "id": "x",\n  "type": "caf\xe9",\n  "model": "gpt-realtime"\n }\n]\n'
    _, report = read_records(content, log_format)
    assert error_texts(report) in ([f"a log, line 4: not UTF-8 (byte 0xE9 at character 15): {HINT}"], [])
    assert error_texts(report) or report.other_lines


def test_a_log_of_which_no_line_is_utf_8_says_so() -> None:
    """Its format cannot be recognised, and that is not the reason."""
    with pytest.raises(InvalidInput, match=r"is not UTF-8 \(byte 0xE9 at character 41\): convert .* \(line 1\)"):
        read_records(LINE % (b"caf\xe9", b"r1"))
    with pytest.raises(InvalidInput, match="not in a known format"):
        read_records(b"caf\xe9\n")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_named(encoding: str, tmp_path: Path) -> None:
    """With a byte order mark, as PowerShell writes it, or without; among other files it is an error of its own."""
    content = (LINE % (b"acme", b"r1")).decode().encode(encoding)
    with pytest.raises(InvalidInput, match="is UTF-16, not UTF-8: convert the file, for example with iconv -f utf-16"):
        read_records(content)
    (tmp_path / "a.jsonl").write_bytes(content)
    (tmp_path / "b.jsonl").write_bytes(LINE % (b"acme", b"r2"))
    report = ReadReport()
    assert [record.key for record in read_log(tmp_path, report=report)] == ["r2"]
    assert "UTF-16" in report.errors[0].reason


def test_zero_bytes_are_not_taken_for_utf_16() -> None:
    """A file that was allocated and not written."""
    with pytest.raises(InvalidInput, match="not in a known format"):
        read_records(b"\0" * 64)


def test_json_that_nests_too_deeply_says_so() -> None:
    """It is valid, and no log."""
    content = LINE % (b"acme", b"r1") + b'{"type": "response.done", "response": ' + b'{"a":' * 5000 + b"1" + b"}" * 5001 + b"\n"
    _, report = read_records(content)
    assert error_texts(report) == ["a log, line 2: nested too deeply to be read"]
