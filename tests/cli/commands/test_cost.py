"""`voicebill cost` and `voicebill record` as people and scripts use them, and what they say when something is wrong."""

import csv
import json
import os
import signal
import subprocess
import sys
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from tests.cli.invoke import answer, refusal, run
from voicebill.logs.report import EMPTY_LOG

ON = ("--model", "gpt-realtime", "--day", "2026-11-22")


def event(name: str = "resp_1", *, audio_out: int = 91, **line: Any) -> str:
    """A response as the API ends it: 55 text tokens fresh and 64 cached, 13 audio tokens in, 30 text tokens out."""
    usage = {
        "input_tokens": 132,
        "output_tokens": 30 + audio_out,
        "input_token_details": {
            "text_tokens": 119,
            "audio_tokens": 13,
            "cached_tokens": 64,
            "cached_tokens_details": {"text_tokens": 64},
        },
        "output_token_details": {"text_tokens": 30, "audio_tokens": audio_out},
    }
    return json.dumps({"type": "response.done", **line, "response": {"id": name, "status": "completed", "usage": usage}})


def log(folder: Path, *lines: str, name: str = "usage.jsonl") -> str:
    """A log file of some lines."""
    file = folder / name
    file.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return str(file)


def words(text: str) -> str:
    """A text whatever its line breaks."""
    return " ".join(text.split())


def test_a_log_costs_what_its_sum_says(tmp_path: Path) -> None:
    """55 × 4 + 64 × 0.40 + 13 × 32 + 30 × 16 + 91 × 64 = 6,965.60 millionths of a dollar."""
    file = log(tmp_path, event())
    assert answer("cost", file, *ON)["total"]["dollars"] == "0.0069656"
    assert answer("cost", file, *ON, "--engine", "python")["total"]["dollars"] == "0.0069656"
    printed = words(run("cost", file, *ON).stdout)
    assert "1 record read from 1 file" in printed
    assert "audio out 91 $64.00/M $0.0058" in printed


def test_nothing_is_taken_for_a_missing_model_or_day(tmp_path: Path) -> None:
    file = log(tmp_path, event())
    without_model = words(run("cost", file, "--day", "2026-11-22").stdout)
    assert "unpriced" in without_model
    assert "the log names no model: give a model" in without_model
    without_day = words(run("cost", file, "--model", "gpt-realtime").stdout)
    assert "no day is known: give a day" in without_day
    assert "$0" not in without_day.split("prices")[0].replace("$0.", "")


def test_a_day_before_the_model_is_unpriced_with_the_days_that_are_known(tmp_path: Path) -> None:
    shown = words(run("cost", log(tmp_path, event()), "--model", "gpt-realtime-2", "--day", "2025-01-01").stdout)
    assert "no price of gpt-realtime-2 at openai is known for 2025-01-01: prices are known from 2026-05-07 on" in shown


def test_broken_lines_are_named_and_the_rest_is_costed(tmp_path: Path) -> None:
    file = log(tmp_path, event(), event("resp_2")[:90], event("resp_3").replace('"input_tokens": 132', '"input_tokens": -132'))
    document = answer("cost", file, *ON, "--allow-unread")  # of the third line, other counts are plain
    assert document["total"]["low"] == document["total"]["high"] == "0.0069656"
    assert document["input"]["error_count"] == 2
    assert document["input"]["first_errors"][0].startswith(f"{file}, line 2: not valid JSON")
    assert "line 3: response.done is not as the API specifies" in document["input"]["first_errors"][1]
    assert "line 2: not valid JSON" in refusal("cost", file, *ON, "--strict")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["cost"], "no logs are named: LOG..., or a ledger with --ledger DIR"),
        (["cost", "{log}", "--ledger", "{folder}"], "--ledger cannot be combined with logs: give one"),
        (["cost", "{folder}/usge.jsonl"], "there is no file"),
        (["cost", "{folder}/usge.jsonl"], "did you mean usage.jsonl?"),
        (["cost", "{folder}/*.gz"], "no file matches"),
        (["cost", "{log}", "--by", "modle"], "unknown field 'modle'; the nearest is model"),
        (["cost", "{log}", "--by", "day,day"], "--by must name each field once, not day, day"),
        (["cost", "{log}", "--where", "tenant ="], "--where: tenant needs a value"),
        (["cost", "{log}", "--where", "modl = x"], "unknown field 'modl'; the nearest is model"),
        (["cost", "{log}", "--top", "3"], "--top needs groups: give --by, too"),
        (["cost", "{log}", "--by", "day", "--top", "0"], "top must be 1 or more"),
        (
            ["cost", "{log}", "--since", "2026-11-22", "--until", "2026-11-22"],
            "--until (2026-11-22, exclusive) must be after --since (2026-11-22)",
        ),
        (["cost", "{log}", "--day", "2026-13-01"], "--day must be a day such as 2026-11-22, not '2026-13-01'"),
        (["cost", "{log}", "--format", "realtme"], "unknown format 'realtme'; the nearest is realtime"),
        (["cost", "{log}", "--engine", "abacus"], "--engine:"),
        (["cost", "{log}", "--out", "{folder}/costs.xlsx"], "--out writes .csv or .parquet"),
        (["cost", "{log}", "--out", "{folder}/no/costs.csv"], "cannot be written: No such file or directory"),
        (["cost", "--ledger", "{folder}/nowhere"], "is not a ledger: create one with voicebill record"),
        (["cost", "--ledger", "{folder}", "--model", "x"], "--model applies when logs are recorded"),
        (["cost", "--ledger", "{folder}", "--engine", "python"], "the Python engine counts logs"),
        (["record", "{log}"], "name the logs and the ledger"),
        (["record", "{log}", "--ledger", "{folder}"], "contains usage.jsonl and is not a ledger"),
    ],
)
def test_wrong_input_is_said_in_a_sentence(tmp_path: Path, command: list[str], message: str) -> None:
    file = log(tmp_path, event())
    assert message in refusal(*(word.format(log=file, folder=tmp_path) for word in command))


def test_a_file_that_is_no_log_is_refused_with_the_known_formats(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear all,\n")
    assert "is not in a known format (realtime, openai-usage, livekit" in refusal("cost", str(tmp_path / "letter.txt"))


def test_a_file_that_may_not_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = log(tmp_path, event())

    def denied(*_args: object, **_more: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    assert "cannot be read: Permission denied" in refusal("cost", file, *ON)


def test_groups_are_printed_and_written(tmp_path: Path) -> None:
    lines = (event(f"r{at}", tenant=tenant, time="2026-11-22T10:00:00Z") for at, tenant in enumerate(["b", "a", "b", "c"]))
    file, out = log(tmp_path, *lines), tmp_path / "costs.csv"
    shown = words(run("cost", file, "--model", "gpt-realtime", "--by", "tenant", "--top", "1", "--out", str(out)).stdout)
    assert "b 2 $0.0139 all other groups 2 $0.0139" in shown
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [(row["tenant"], row["records"], row["dollars"]) for row in rows[:1]] == [("b", "2", "0.013931200000")]
    table = tmp_path / "lines.parquet"
    run("cost", file, "--model", "gpt-realtime", "--out", str(table))
    written = pyarrow.parquet.read_table(table).to_pylist()
    assert sum(row["dollars_low"] for row in written) == Decimal("0.0278624")


def test_a_ledger_is_recorded_once_and_costed_by_day(tmp_path: Path) -> None:
    file = log(tmp_path, *(event(f"r{day}", time=f"2026-11-{day}T10:00:00Z") for day in (20, 21, 21)))
    ledger = str(tmp_path / "ledger")
    assert "3 records read from 1 file: 2 added, 0 corrected, 1 known already" in words(
        run("record", file, "--ledger", ledger, "--model", "gpt-realtime").stdout
    )
    again = answer("record", file, "--ledger", ledger, "--model", "gpt-realtime")
    assert (again["added"], again["repeated"], again["days"]) == (0, 3, [])
    document = answer("cost", "--ledger", ledger, "--by", "day", "--since", "2026-11-21")
    assert [(group["keys"], group["dollars"]) for group in document["groups"]] == [({"day": "2026-11-21"}, "0.0069656")]
    assert document["input"] is None


def test_an_event_whose_session_began_in_another_file_finds_its_model(tmp_path: Path) -> None:
    begun = json.dumps({"type": "session.created", "session_id": "s", "session": {"id": "s", "model": "gpt-realtime-mini"}})
    log(tmp_path, event("r1", session_id="s", time="2026-11-22T10:00:00Z"), name="a.jsonl")
    log(tmp_path, begun, name="b.jsonl")
    document = answer("cost", str(tmp_path), "--by", "model")
    assert [group["keys"] for group in document["groups"]] == [{"model": "gpt-realtime-mini"}]


COMMAND = [sys.executable, "-m", "voicebill"]


def test_ctrl_c_ends_with_a_sentence(tmp_path: Path) -> None:
    """More is written than a pipe holds, so that the command is at its reading when it is interrupted.

    Tests that run in the background of a shell ignore the signal, and so would the command that they start.
    """
    command = [*COMMAND, "record", "-", "--ledger", str(tmp_path / "ledger"), *ON]
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stderr=pipe, stdout=pipe, preexec_fn=heed) as process:  # noqa: PLW1509 - there are no threads yet
        assert process.stdin is not None
        for at in range(20_000):
            process.stdin.write(event(f"r{at}").encode() + b"\n")
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted" in stderr.decode()
    assert "Traceback" not in stderr.decode()
    assert not (tmp_path / "ledger").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="limits on files are set as POSIX does")
def test_a_disk_that_takes_no_more_ends_with_a_sentence_and_a_whole_ledger(tmp_path: Path) -> None:
    """A file may grow to 2 KB here, so that the second recording, of another 400 records, does not fit."""
    import resource  # noqa: PLC0415 - POSIX

    ledger = str(tmp_path / "ledger")
    run("record", log(tmp_path, event(), name="one.jsonl"), "--ledger", ledger, *ON)
    many = log(tmp_path, *(event(f"r{os.urandom(8).hex()}") for _ in range(400)), name="many.jsonl")

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    command = [*COMMAND, "record", many, "--ledger", ledger, *ON]
    ended = subprocess.run(command, capture_output=True, text=True, preexec_fn=limited, check=False)
    assert ended.returncode == 2
    assert "a file cannot be read or written, and 400 new and 0 corrected records were not written to" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert answer("cost", "--ledger", ledger)["records"]["all"] == 1
    assert not list((tmp_path / "ledger").rglob("*.tmp"))


@pytest.mark.parametrize("size", ["1KB", "8MB", "0", "1", "-5MB", "5 %", "lots", "", "1e99GB", "9999999TB"])
def test_a_memory_limit_that_is_no_size_is_refused(tmp_path: Path, size: str) -> None:
    """Also for an empty log, which needs no memory."""
    for file in (log(tmp_path, event()), log(tmp_path, name="empty.jsonl")):
        sentence = f"Error: --memory must be a size of at least 16MB, such as 1GB, not {size!r}"
        assert refusal("cost", file, *ON, f"--memory={size}") == sentence


def test_the_least_memory_limit_suffices_for_a_short_log(tmp_path: Path) -> None:
    assert answer("cost", log(tmp_path, event()), *ON, "--memory", "16MB")["total"]["dollars"] == "0.0069656"


@pytest.mark.parametrize("engine", ["duckdb", "python"])
def test_an_empty_log_has_no_cost(tmp_path: Path, engine: str) -> None:
    """The sentence of the API, instead of $0; with a log that has usage, an empty one is read as such."""
    empty = log(tmp_path, name="empty.jsonl")
    for more in ((), ("--format", "realtime"), ("--json",)):
        assert refusal("cost", empty, *ON, "--engine", engine, *more) == f"Error: {EMPTY_LOG}"
    both = answer("cost", empty, log(tmp_path, event()), *ON, "--engine", engine)
    assert both["total"]["dollars"] == "0.0069656"


def test_no_assumption_or_reason_of_a_cost_names_an_option(tmp_path: Path) -> None:
    document = json.dumps(answer("cost", log(tmp_path, event())))
    assert "give a day" in document + json.dumps(answer("cost", log(tmp_path, event()), "--model", "gpt-realtime"))
    assert "--" not in document
