"""`voicebill record --check` and `--repair`: exit codes, sentences and JSON."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.invoke import run
from tests.engines.ledgers import record
from voicebill.engines.ledger import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A ledger of two days, with a record each."""
    ledger = Ledger(tmp_path / "my ledger")
    ledger.record([record("a")])
    ledger.record([record("b", day=21)])
    return ledger


def words(text: str) -> str:
    return " ".join(text.split())


def test_an_intact_ledger(ledger: Ledger) -> None:
    """The ledger is given as for other commands, or as the only folder."""
    for arguments in (("--ledger", str(ledger.folder)), (str(ledger.folder),)):
        checked = run("record", "--check", *arguments)
        assert checked.exit_code == 0
        assert "is intact: 2 records in 2 files, after 2 recordings" in words(checked.stdout)
    document = json.loads(run("record", "--repair", "--ledger", str(ledger.folder), "--json").stdout)
    assert (document["status"], document["recordings"], document["problems"]) == ("intact", 2, [])


def test_a_damaged_ledger_is_named_repaired_and_recorded_again(ledger: Ledger) -> None:
    """One file is replaced by the other: exit code 1 for the check, 0 for the repair, and what is lost has its log."""
    first, second = ledger.files()
    shutil.copyfile(first, second)
    path = f"2026-11-21/{second.name}"
    checked = run("record", "--check", "--ledger", str(ledger.folder))
    assert checked.exit_code == 1
    assert path in checked.stdout
    assert "1 record of 2026-11-21: log.jsonl" in words(checked.stdout)
    assert "voicebill record --repair --ledger '" in words(checked.stdout)
    document = json.loads(run("record", "--check", "--ledger", str(ledger.folder), "--json").stdout)
    assert (document["status"], [problem["path"] for problem in document["problems"]]) == ("damaged", [path])
    repaired = run("record", "--repair", "--ledger", str(ledger.folder), "--json")
    assert repaired.exit_code == 0
    document = json.loads(repaired.stdout)
    assert (document["status"], document["set_aside"]) == ("repaired", [path])
    assert document["record_again"] == ["1 record of 2026-11-21: log.jsonl"]
    assert run("record", "--check", "--ledger", str(ledger.folder)).exit_code == 0


@pytest.mark.parametrize("arguments", [("--check",), ("--check", "log.jsonl", "--ledger", "ledger"), ("--repair", "a", "b")])
def test_a_check_takes_a_ledger_and_no_logs(arguments: tuple[str, ...]) -> None:
    refused = run("record", *arguments)
    assert refused.exit_code == 2
    assert "a check takes a ledger and no logs: voicebill record --check --ledger DIR" in words(refused.stderr)
