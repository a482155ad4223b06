"""What lies in a named folder is read, or counted and named with the reason; circles of links end."""

import bz2
import gzip
import json
import lzma
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.cli.invoke import run
from voicebill.logs import folders
from voicebill.logs.folders import is_log_name
from voicebill.logs.read import read_log
from voicebill.logs.report import InvalidLog, ReadReport
from voicebill.logs.report_text import report_notes

DONE = (
    '{"type": "response.done", "model": "gpt-realtime", "time": "2026-11-20T10:00:00Z", '
    '"response": {"id": "%s", "usage": {"input_tokens": 5, "output_tokens": 0}}}\n'
)
ROTATED = (
    *(
        "usage.log",
        "usage.log.1",
        "usage.log.2.gz",
        "usage.log-20261120",
        "usage.log-20261119.gz",
        "usage.log-20261120-1732060800",
    ),
    *("usage.log.2026-11-18", "usage.log.2026-11-18_14", "usage.log.2026-11-18_14-05-09", "usage.log.2026-11-18.1.bz2"),
    *(
        "usage-2026-11-18.jsonl.gz",
        "usage-11-18-2026-1.log.xz",
        "usage.log.2026.11.18",
        "usage.log.18-Nov-2026",
        "usage.log.2026-11",
    ),
    *("0a1b-json.log.1", "0.log.20261120-101112.gz", "usage__2026-11-18_00-00-00.log", "usage.log.2026-W47", "usage.LOG.1.ZST"),
    *("usage.log.2026-11-18T10:00:00Z", "usage.log.1732060800", "usage-2026-11-18T14-05-09.000.jsonl", "usage.csv_20261120"),
)
NO_LOGS = (
    "notes.md",
    "usage.log.old",
    "usage.log~",
    "usage.log.bak",
    "usage",
    "picture.png",
    "usage.gz",
    "usage.logs",
    "jsonl",
)


def write_logs(folder: Path, *names: str) -> None:
    """Write a log with one response under each name, packed as the name says."""
    packings: dict[str, Callable[[bytes], bytes]] = {
        ".gz": gzip.compress,
        ".bz2": bz2.compress,
        ".xz": lzma.compress,
        ".zst": lambda log: pa.compress(log, "zstd", asbytes=True),
    }
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(packings.get(path.suffix.lower(), bytes)((DONE % name).encode()))


def read(*logs: str | Path, strict: bool = False) -> tuple[list[str], ReadReport]:
    """The responses in logs, by name."""
    report = ReadReport(strict=strict)
    return sorted(record.key for record in read_log(*logs, report=report)), report


def skipped(report: ReadReport, folder: Path) -> dict[str, str]:
    """The reason for each thing that was not read, by its name in a folder."""
    return {os.path.relpath(name, folder): reason for reason, names in report.skipped_files.items() for name in names}


def test_rotated_logs_are_read_by_whatever_name(tmp_path: Path) -> None:
    write_logs(tmp_path, *ROTATED)
    names, report = read(tmp_path)
    assert (names, report.skipped_files) == (sorted(ROTATED), {})


def test_other_names_are_no_logs_and_are_named(tmp_path: Path) -> None:
    write_logs(tmp_path, "a.jsonl", *NO_LOGS)
    assert not any(map(is_log_name, NO_LOGS))
    names, report = read(tmp_path)
    assert names == ["a.jsonl"]
    assert skipped(report, tmp_path) == dict.fromkeys(NO_LOGS, folders.NO_LOG)
    assert report.skipped_file_counts.total() == len(NO_LOGS)


def test_every_other_thing_in_a_folder_is_named_with_its_reason(tmp_path: Path) -> None:
    """Hidden, packed otherwise, a broken link, a link to itself, a pipe, a ledger, and linked folders."""
    logs = tmp_path / "logs"
    write_logs(
        tmp_path, "outside/o.jsonl", "logs/a.jsonl", "logs/deep/b.jsonl", "logs/.c.jsonl", "logs/kept/d.jsonl", "logs/e.zip"
    )
    (logs / "kept" / "ledger.json").touch()
    (logs / "broken.jsonl").symlink_to("nowhere")
    (logs / "itself.jsonl").symlink_to("itself.jsonl")
    (logs / "linked").symlink_to(tmp_path / "outside")
    (logs / "file.jsonl").symlink_to(tmp_path / "outside" / "o.jsonl")
    os.mkfifo(logs / "pipe.log")
    names, report = read(logs)
    assert names == ["logs/a.jsonl", "logs/deep/b.jsonl", "outside/o.jsonl"]
    assert skipped(report, logs) == {
        ".c.jsonl": folders.HIDDEN,
        "e.zip": folders.PACKED,
        "kept": folders.IS_LEDGER,
        "broken.jsonl": folders.BROKEN_LINK,
        "itself.jsonl": "cannot be read: Too many levels of symbolic links",
        "linked": folders.LINKED,
        "pipe.log": folders.NO_FILE,
    }


def test_a_linked_folder_is_read_if_it_is_named(tmp_path: Path) -> None:
    write_logs(tmp_path, "outside/o.jsonl", "logs/a.jsonl")
    (tmp_path / "logs" / "linked").symlink_to(tmp_path / "outside")
    for logs in ((tmp_path / "logs", tmp_path / "logs" / "linked"), (tmp_path / "logs" / "*",)):
        names, report = read(*logs)
        assert (names, report.skipped_files) == (["logs/a.jsonl", "outside/o.jsonl"], {})


@pytest.mark.parametrize("pattern", ["", "*", "**", "**/*", "**/*.jsonl", "*/**/*.jsonl", "**/deep/**/*.jsonl"])
def test_circles_of_links_end(pattern: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two links to the top in each of three folders would be two to the fortieth paths; no folder is listed often."""
    write_logs(tmp_path, "x/deep/deep/a.jsonl")
    for folder in ("x", "x/deep", "x/deep/deep"):
        (tmp_path / folder / "one").symlink_to(tmp_path)
        (tmp_path / folder / "two").symlink_to(tmp_path / "x")
    listed = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path=".": listed.append(path) or scandir(path))  # type: ignore[func-returns-value]
    names, report = read(tmp_path / pattern)
    assert names == ["x/deep/deep/a.jsonl"]
    assert report.records == 1
    assert len(listed) < 100


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a log, and with a subfolder and a log without permission, also for those who may do everything."""
    write_logs(tmp_path, "a.jsonl", "locked/b.jsonl", "secret.jsonl")
    scandir, open_path = os.scandir, Path.open

    def refusing_scandir(path: Any = ".") -> Any:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    def refusing_open(path: Path, *settings: Any, **more: Any) -> Any:
        if path.name == "secret.jsonl":
            raise PermissionError(13, "Permission denied", str(path))
        return open_path(path, *settings, **more)

    monkeypatch.setattr(os, "scandir", refusing_scandir)
    monkeypatch.setattr(Path, "open", refusing_open)
    return tmp_path


@pytest.mark.parametrize("pattern", ["", "*", "**/*.jsonl"])
def test_without_permission_the_rest_is_read_and_the_files_and_folders_are_named(pattern: str, locked: Path) -> None:
    names, report = read(locked / pattern)
    assert names == ["a.jsonl"]
    assert skipped(report, locked) == dict.fromkeys(("locked", "secret.jsonl"), "cannot be read: Permission denied")


def test_a_strict_reading_ends_without_permission_and_not_with_other_files(locked: Path) -> None:
    with pytest.raises(InvalidLog, match="locked cannot be read: Permission denied"):
        read(locked, strict=True)
    write_logs(locked, "more/c.jsonl", "more/notes.md")
    assert read(locked / "more", strict=True)[0] == ["more/c.jsonl"]


def test_the_first_of_many_names_are_listed_and_all_are_counted(tmp_path: Path) -> None:
    """25 pictures: 20 names, and 5 more."""
    write_logs(tmp_path, "a.jsonl", *(f"{number:02}.png" for number in range(25)))
    _, report = read(tmp_path)
    (note,) = [note for note in report_notes(report) if note.startswith("not read: ")]
    assert f"{tmp_path}/00.png, " in note
    assert f"{tmp_path}/19.png and 5 more: not named like logs" in note


def test_terminal_and_json_of_both_commands_name_what_is_not_read(tmp_path: Path) -> None:
    write_logs(tmp_path, "logs/a.jsonl", "logs/notes.md")
    place = f"{tmp_path}/logs"
    assert "not read:" in run("cost", place).stdout
    log_input = json.loads(run("cost", place, "--json").stdout)["input"]
    assert log_input["skipped_files"] == 1
    assert log_input["first_skipped_files"] == [f"{place}/notes.md: {folders.NO_LOG}"]
    ledger = f"{tmp_path}/ledger"
    assert "not read:" in run("record", place, "--ledger", ledger).stdout
    assert any("notes.md" in text for text in json.loads(run("record", place, "--ledger", ledger, "--json").stdout)["warnings"])


def undecodable(folder: Path) -> Iterator[str]:
    """Write logs under names that are not UTF-8, one with an error and one with unread usage; yield their escaped names."""
    for number, extra in ((0xE8, b"broken\n"), (0xE9, b'{"model": "m", "input_tokens": 7}\n')):
        name = b"caf" + bytes((number,)) + b".jsonl"
        try:
            with open(os.fsencode(folder) + b"/" + name, "wb") as file:  # noqa: PTH123 - the name is bytes
                file.write(DONE.replace('"id": "%s", ', "").encode() + extra)
        except OSError:
            pytest.skip("this file system has no such names")
        yield name.decode(errors="backslashreplace")


def test_a_file_name_that_is_not_utf8_is_escaped_in_every_output(tmp_path: Path) -> None:
    """On the terminal, in JSON, CSV, Parquet and the ledger, and by both engines."""
    logs = tmp_path / "logs"
    logs.mkdir()
    names = list(undecodable(logs))
    for options in (
        (),
        ("--engine", "python"),
        ("--out", f"{tmp_path}/o.csv"),
        ("--out", f"{tmp_path}/o.parquet"),
        ("--json",),
    ):
        result = run("cost", str(logs), "--by", "source", *options)
        assert result.exit_code == 3, result.output
        assert all(f"/{name}" in result.stdout.replace("\\\\", "\\") for name in names)
    assert all(name in (tmp_path / "o.csv").read_text() for name in names)
    assert run("record", str(logs), "--ledger", f"{tmp_path}/ledger").exit_code == 3
    assert all(name in run("cost", "--ledger", f"{tmp_path}/ledger", "--by", "source").stdout for name in names)
    assert run("record", "--check", "--ledger", f"{tmp_path}/ledger").exit_code == 0
    undecodable_ledger = os.fsdecode(os.fsencode(tmp_path) + b"/led\xe9")
    refused = run("record", str(logs), "--ledger", undecodable_ledger)
    assert (refused.exit_code, "led\\xe9, is not UTF-8: rename the folder" in refused.output) == (2, True)
