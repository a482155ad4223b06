"""Test damaged ledgers: what a ledger does not know is never deleted, what is damaged is named, and a repair loses nothing.

A record of `record` costs 1,040 millionths of a dollar: 100 text tokens at $4 and 10 audio tokens at $64 a million.
"""

import errno
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.engines.ledgers import costs, record, total
from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.errors import VoicebillError
from voicebill.engines import ledger_state
from voicebill.engines.in_duckdb import DuckDBEngine, EngineError
from voicebill.engines.ledger import Ledger
from voicebill.engines.ledger_check import STRANGER
from voicebill.engines.ledger_files import DamagedLedger
from voicebill.engines.ledger_manifest import State
from voicebill.engines.ledger_writer import LedgerWriter
from voicebill.facts import load_facts
from voicebill.facts.files import UnreadableFile

RECORD_COST = 1040 * 10**6
posix = pytest.mark.skipif(sys.platform == "win32", reason="permissions and locks of POSIX")


def ledger_of_days(folder: Path, days: int = 3) -> Ledger:
    """Return a ledger with a recording of one record for each day."""
    ledger = Ledger(folder)
    for day in range(20, 20 + days):
        ledger.record([record(f"r{day}", day=day)])
    return ledger


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files of a ledger that have a content, by their path."""
    files = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    return {path: content for path, content in files.items() if content}


def part(ledger: Ledger, day: int) -> Path:
    """Return the only file of a day."""
    (path,) = [part.path for part in ledger.state().parts if part.folder == f"2026-11-{day}"]
    return ledger.folder / path


def edit(ledger: Ledger, **values: Any) -> None:
    """Change values of a `ledger.json`."""
    file = ledger.folder / "ledger.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


# What the ledger does not know


def test_an_older_manifest_is_refused_and_repaired(tmp_path: Path) -> None:
    """Three records were recorded; with the ledger.json of one, nothing is read, recorded or removed. The repair knows all."""
    ledger = ledger_of_days(tmp_path, 1)
    older = (tmp_path / "ledger.json").read_bytes()
    ledger.record([record("r21", day=21), record("r22", day=22)])
    ledger.record([record("r20", day=20, text=90)])
    (tmp_path / "ledger.json").write_bytes(older)
    before = contents(tmp_path)
    for use in (lambda: ledger.record([record("another")]), ledger.files):
        with pytest.raises(
            UnreadableFile, match="is older than its ledger: it is of recording 1, and there were 3: put the newer"
        ):
            use()
    assert not ledger.check().is_intact
    assert contents(tmp_path) == before
    assert ledger.repair().set_aside == ("ledger.json",)
    assert ledger.check().is_intact
    assert costs(tmp_path).total.low == total(record("r20", text=90), record("r21"), record("r22")).low


def test_without_any_newer_copy_unknown_files_are_set_aside_and_named(tmp_path: Path) -> None:
    """Also the copies in history/ are as old as ledger.json: the files that it does not name are kept."""
    ledger = ledger_of_days(tmp_path / "ledger", 1)
    backup = shutil.copytree(ledger.folder, tmp_path / "backup")
    ledger.record([record("r21", day=21)])
    unknown = part(ledger, 21)
    content, path = unknown.read_bytes(), str(unknown.relative_to(ledger.folder))
    shutil.rmtree(ledger.folder / "history")
    shutil.copytree(backup, ledger.folder, dirs_exist_ok=True)
    check = ledger.check()
    assert [(problem.path, problem.problem) for problem in check.problems] == [(path, STRANGER)]
    assert ledger.record([record("r22", day=22)]).set_aside == (path,)
    assert (ledger.folder / "set-aside" / path).read_bytes() == content
    assert ledger.record([record("r21", day=21)]).added == 1
    assert costs(ledger.folder).total.low == 3 * RECORD_COST


def test_a_newer_manifest_that_is_put_back_finds_its_files_again(tmp_path: Path) -> None:
    """A file that a recording with an old ledger.json has set aside is taken back by a repair with the newer one."""
    ledger = ledger_of_days(tmp_path, 2)
    path = part(ledger, 21)
    path.parent.rename(tmp_path / "elsewhere")
    (tmp_path / "set-aside").mkdir()
    (tmp_path / "elsewhere").rename(tmp_path / "set-aside" / "2026-11-21")
    repair = ledger.repair()
    assert repair.restored == (str(path.relative_to(tmp_path)),)
    assert not repair.check.record_again
    assert costs(tmp_path).total.low == 2 * RECORD_COST


# Damaged files


def swap(ledger: Ledger) -> None:
    """Replace the file of one day by that of another."""
    shutil.copyfile(part(ledger, 20), part(ledger, 21))


def flip(ledger: Ledger) -> None:
    """Change a byte in the middle."""
    content = bytearray(part(ledger, 21).read_bytes())
    content[len(content) // 3] ^= 1
    part(ledger, 21).write_bytes(content)


DAMAGES: list[Any] = [
    pytest.param(lambda ledger: part(ledger, 21).unlink(), "is missing", id="missing"),
    pytest.param(lambda ledger: part(ledger, 21).write_bytes(b""), "has 0 bytes, and ", id="empty"),
    pytest.param(lambda ledger: os.truncate(part(ledger, 21), 700), "has 700 bytes, and ", id="cut"),
    pytest.param(swap, "is not the file that was recorded|bytes, and", id="another file"),
]
HIDDEN_DAMAGE = pytest.param(flip, "is not the file that was recorded", id="one byte")


@pytest.mark.parametrize(("spoil", "problem"), DAMAGES)
def test_a_damaged_file_is_named_and_nothing_is_changed(
    tmp_path: Path, spoil: Callable[[Ledger], object], problem: str
) -> None:
    """Neither a cost nor a recording goes on: $0.00312 would be shown as $0.00208."""
    ledger = ledger_of_days(tmp_path)
    name = part(ledger, 21).name
    spoil(ledger)
    before = contents(tmp_path)
    for use in (lambda: ledger.record([record("another")]), ledger.files):
        with pytest.raises(DamagedLedger, match=rf"2026-11-21/{name} .*({problem}).*: voicebill record --check --ledger"):
            use()
    assert contents(tmp_path) == before


@pytest.mark.parametrize(("spoil", "problem"), [*DAMAGES, HIDDEN_DAMAGE])
def test_a_repair_sets_damaged_files_aside_and_says_what_to_record_again(
    tmp_path: Path, spoil: Callable[[Ledger], object], problem: str
) -> None:
    """Three records, of which that of November 21 is damaged: it is recorded again, and all three count."""
    ledger = ledger_of_days(tmp_path)
    path = part(ledger, 21)
    spoil(ledger)
    before = contents(tmp_path)
    check = ledger.check()
    assert contents(tmp_path) == before
    assert [entry.path for entry in check.problems] == [str(path.relative_to(tmp_path))]
    assert check.record_again == ("1 record of 2026-11-21: log.jsonl",)
    damaged = path.read_bytes() if path.exists() else None
    repair = ledger.repair()
    assert repair.check.record_again == check.record_again
    if damaged is not None:
        assert (tmp_path / "set-aside" / path.relative_to(tmp_path)).read_bytes() == damaged
    assert ledger.check().is_intact
    assert costs(tmp_path).total.low == 2 * RECORD_COST
    assert ledger.record([record("r21", day=21)]).added == 1
    assert costs(tmp_path).total.low == 3 * RECORD_COST


def test_a_file_of_the_same_size_is_noticed(tmp_path: Path) -> None:
    """Every file contains its own name at its end: two with equal sizes are told apart when the ledger is opened."""
    ledger = Ledger(tmp_path)
    ledger.record([record("a"), record("b", day=21)])
    content = part(ledger, 20).read_bytes()
    size = part(ledger, 21).stat().st_size
    assert abs(len(content) - size) <= 8
    padded = content[:4] + b"\0" * (size - len(content)) + content[4:] if len(content) <= size else content[: -size or None]
    part(ledger, 21).write_bytes(padded[-size:])
    assert part(ledger, 21).stat().st_size == size
    with pytest.raises(DamagedLedger, match="is not the file that was recorded"):
        ledger.files()


def test_a_file_that_is_unreadable_inside_is_named_in_a_sentence_of_ours(tmp_path: Path) -> None:
    """The middle is overwritten, so that DuckDB fails; the file is named."""
    ledger = ledger_of_days(tmp_path)
    file = part(ledger, 21)
    content = file.read_bytes()
    half = len(content) // 2
    file.write_bytes(content[:4] + b"\xff" * (half - 4) + content[half:])
    with pytest.raises(EngineError, match=rf"{file.name} cannot be read: it is damaged: voicebill record --check"):
        costs(tmp_path, by=("tenant", "session", "day"))


def test_a_damaged_file_is_not_merged(tmp_path: Path) -> None:
    """A correction rewrites the file of its day: its content is compared before."""
    ledger = ledger_of_days(tmp_path)
    flip(ledger)
    before = contents(tmp_path)
    with pytest.raises(DamagedLedger, match="is not the file that was recorded"):
        ledger.record([record("r21", day=21, text=90)])
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    "values",
    [
        {"generation": "3"},
        {"generation": None},
        {"generation": True},
        {"generation": -1},
        {"parts": [{"path": 7, "rows": 1, "records": 1}]},
        {"parts": [{"path": "../../etc/passwd", "rows": 1, "records": 1}]},
        {"parts": {}},
        {"parts": 5},
        {"retired": ["2026-11-20/notes.txt"]},
        {"retired": [None]},
        {"unread": {"log": {"items": "1", "source": "a", "line": 1, "counts": {}}}},
        {"unread": 5},
    ],
    ids=str,
)
def test_a_manifest_with_values_of_another_type_is_damaged(tmp_path: Path, values: dict[str, Any]) -> None:
    """One sentence, nothing is changed, and the repair takes the copy."""
    ledger = ledger_of_days(tmp_path, 2)
    edit(ledger, **values)
    if values == {"parts": {}}:  # an empty object names no file: both files are unknown
        assert len(ledger.check().problems) == 2
        return
    before = contents(tmp_path)
    for use in (lambda: ledger.record([record("another")]), ledger.files):
        with pytest.raises(UnreadableFile, match=r"ledger\.json is damaged: it does not say which files count"):
            use()
    assert contents(tmp_path) == before
    ledger.repair()
    assert costs(tmp_path).total.low == 2 * RECORD_COST


def test_a_file_that_is_named_twice_does_not_count_twice(tmp_path: Path) -> None:
    ledger = ledger_of_days(tmp_path, 1)
    (entry,) = json.loads((tmp_path / "ledger.json").read_text())["parts"]
    edit(ledger, parts=[entry, entry])
    with pytest.raises(UnreadableFile, match="is damaged"):
        ledger.files()


@pytest.mark.parametrize("remains", ["a copy", "no copy"])
def test_a_missing_manifest_is_repaired(tmp_path: Path, remains: str) -> None:
    """From its copy; without one, all files are set aside, and they say which logs have their records."""
    ledger = ledger_of_days(tmp_path, 2)
    (tmp_path / "ledger.json").unlink()
    if remains == "no copy":
        shutil.rmtree(tmp_path / "history")
    with pytest.raises(VoicebillError):
        ledger.record([record("another")])
    repair = ledger.repair()
    if remains == "a copy":
        assert costs(tmp_path).total.low == 2 * RECORD_COST
        return
    assert repair.check.record_again == ("all records of 2026-11-20: log.jsonl", "all records of 2026-11-21: log.jsonl")
    assert len(repair.set_aside) == 2
    assert ledger.record([record("r20"), record("r21", day=21)]).added == 2


def test_a_folder_that_is_no_ledger_is_neither_checked_nor_repaired(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    for use in (Ledger(tmp_path).check, Ledger(tmp_path).repair, Ledger(tmp_path / "nowhere").repair):
        with pytest.raises(UnreadableFile, match="is not a ledger"):
            use()
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


# Ledgers of earlier versions


def as_version_3(ledger: Ledger) -> None:
    """Make a ledger one of version 3: no fingerprints, no copies, no logs by file."""
    document = json.loads((ledger.folder / "ledger.json").read_text())
    parts = [{name: part[name] for name in ("path", "rows", "records")} for part in document["parts"]]
    edit(ledger, version=3, parts=parts, retired=[part["path"] for part in document["retired"]])
    shutil.rmtree(ledger.folder / "history")


def test_a_ledger_without_fingerprints_is_read_and_gets_them(tmp_path: Path) -> None:
    ledger = ledger_of_days(tmp_path)
    ledger.record([record("r20", text=90)])
    as_version_3(ledger)
    assert len(ledger.state().retired) == 1
    assert ledger.check().is_intact
    assert ledger.record([record("r23", day=23)]).added == 1
    assert all(part.fingerprint for part in ledger.state().parts)
    assert ledger.check().is_intact
    assert costs(tmp_path).total.low == total(record("r20", text=90), *(record(f"r{day}") for day in (21, 22, 23))).low


def test_damage_in_a_ledger_without_fingerprints(tmp_path: Path) -> None:
    """A file with another number of rows is noticed before its fingerprint is taken."""
    ledger = ledger_of_days(tmp_path)
    as_version_3(ledger)
    pq.write_table(pq.read_table(part(ledger, 21)).slice(0, 1), part(ledger, 21))
    assert [problem.problem for problem in ledger.check().problems] == ["has 1 rows, and 2 were recorded"]
    before = contents(tmp_path)
    with pytest.raises(DamagedLedger, match="has 1 rows, and 2 were recorded"):
        ledger.record([record("r23", day=23)])
    assert contents(tmp_path) == before
    assert ledger.repair().check.record_again == ("1 record of 2026-11-21",)
    assert ledger.check().is_intact


# Readers


@posix
def test_a_reader_that_outlasts_recordings_ends_with_the_right_answer(tmp_path: Path) -> None:
    """Four corrections replace the file that the reader has opened; it is removed when nobody reads."""
    ledger = ledger_of_days(tmp_path, 1)
    with ledger.reading() as files, DuckDBEngine(files) as reader:
        for text in (90, 80, 70, 60):
            ledger.record([record("r20", text=text)])
        assert cost(reader, CostQuery(), load_facts().prices).total.low == RECORD_COST
    ledger.record([record("r20", text=50)])
    assert not files[0].exists()
    assert ledger.check().is_intact


def test_a_reader_that_does_not_say_that_it_reads_is_told_so(tmp_path: Path) -> None:
    ledger = ledger_of_days(tmp_path, 1)
    with DuckDBEngine(ledger.files()) as reader:
        for text in (90, 80, 70):
            ledger.record([record("r20", text=text)])
        with pytest.raises(EngineError, match="was replaced by recordings since this query began, and removed: run the query"):
            cost(reader, CostQuery(), load_facts().prices)


@pytest.mark.parametrize("name", ["~led", "le'd", "led[1]", "tenant=globex", "le d%20"])
def test_a_folder_may_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Also one that DuckDB would take for a home, a pattern or the value of a column."""
    monkeypatch.chdir(tmp_path)
    ledger = Ledger(name)
    ledger.record([record("a", tenant="acme")])
    assert ledger.record([record("a", tenant="acme", text=90), record("b", tenant="acme")]).corrected == 1
    assert [group.keys for group in costs(Path(name), by=("tenant",)).groups] == [("acme",)]
    assert Path(name, "ledger.json").exists()
    assert ledger.check().is_intact


# Recordings that fail


@contextmanager
def unprivileged() -> Iterator[Path]:
    """A folder in which this process has no more rights than its owner."""
    with tempfile.TemporaryDirectory(dir="/tmp" if os.geteuid() == 0 else None) as name:
        folder = Path(name)
        if os.geteuid() != 0:
            yield folder
            return
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
        try:
            yield folder
        finally:
            os.seteuid(0)


@posix
def test_denied_permissions_end_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that cannot be written to, and a file that cannot be read. Nothing is changed or set aside."""
    with unprivileged() as folder:
        monkeypatch.setenv("TMPDIR", str(folder))
        monkeypatch.setattr(tempfile, "tempdir", None)
        ledger = ledger_of_days(folder / "ledger", 2)
        before = contents(ledger.folder)
        ledger.folder.chmod(0o500)
        with pytest.raises(UnreadableFile, match="cannot be written to: Permission denied"):
            ledger.record([record("another")])
        assert costs(ledger.folder).total.low == 2 * RECORD_COST
        ledger.folder.chmod(0o700)
        part(ledger, 21).chmod(0)
        for use in (lambda: ledger.record([record("another")]), ledger.files, ledger.repair):
            with pytest.raises(UnreadableFile, match="cannot be read: Permission denied"):
                use()
        part(ledger, 21).chmod(0o600)
        assert contents(ledger.folder) == before


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("is_new", [False, True])
@pytest.mark.parametrize("phase", ["the files", "the names of the files", "ledger.json"])
def test_a_full_disk_leaves_nothing_and_says_what_was_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phase: str, *, is_new: bool
) -> None:
    """The disk is full when the files are written, when they get their names, and exactly at ledger.json."""
    ledger = Ledger(tmp_path / "ledger") if is_new else ledger_of_days(tmp_path / "ledger")
    before = contents(tmp_path)
    with monkeypatch.context() as patch:
        if phase == "ledger.json":
            written = iter([ledger_state.commit] if is_new else [])  # the first of a new ledger is empty

            def commit(folder: Path, state: State) -> None:
                next(written, full)(folder, state)

            patch.setattr("voicebill.engines.ledger.commit", commit)
        else:
            patch.setattr(LedgerWriter, "_write" if phase == "the files" else "publish", full)
        with pytest.raises(
            EngineError,
            match=r"^the disk is full: 2 new and \d corrected records were not written to .*, which is as it was before; free",
        ):
            ledger.record([record("r20", text=90), record("x"), record("y", day=25)][1 if is_new else 0 :])
    assert contents(tmp_path) == before
    assert (tmp_path / "ledger").exists() is not is_new
    if not is_new:
        assert ledger.check().is_intact
    assert ledger.record([record("x"), record("y", day=25)]).added == 2


@posix
@pytest.mark.parametrize("size", [100, 5000])
def test_files_that_may_not_grow_leave_the_ledger_as_it_was(tmp_path: Path, size: int) -> None:
    """A limit below the size of the new files, and one above it that only ledger.json exceeds, really written."""
    import resource  # noqa: PLC0415 - POSIX
    import signal  # noqa: PLC0415

    ledger = Ledger(tmp_path)
    ledger.record([record(f"r{day}", day=day) for day in range(1, 30)])
    assert (tmp_path / "ledger.json").stat().st_size > 5000 > part(ledger, 20).stat().st_size
    before = contents(tmp_path)
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        with pytest.raises(VoicebillError, match="1 new and 0 corrected records were not written to"):
            ledger.record([record("x")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert contents(tmp_path) == before


def test_a_clock_that_goes_back_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recordings are numbered: files of tomorrow and a clock of yesterday do not matter."""
    ledger = ledger_of_days(tmp_path, 2)
    for file in tmp_path.rglob("*"):
        os.utime(file, (4e9, 4e9))
    monkeypatch.setattr(time, "time", lambda: 1e9)
    ledger.record([record("r20", text=90)])
    ledger.record([record("r20", text=80)])
    assert ledger.check().is_intact
    assert costs(tmp_path).total.low == total(record("r20", text=80), record("r21")).low


# Processes that are killed, and processes at once

FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(["voicebill.engines.ledger", "voicebill.facts", "tests.engines.test_ledger_damage"])


def stop_before(folder: Path, phase: str) -> None:
    """Record two records, and end at a phase as kill -9 does: nothing is cleaned up."""
    patch = pytest.MonkeyPatch()

    def die(*_: object) -> None:
        os._exit(9)

    if phase == "the copy of ledger.json":
        patch.setattr(ledger_state, "sync_folder", die)
    elif phase == "ledger.json":
        patch.setattr("voicebill.engines.ledger.commit", die)
    elif phase == "the names of the files":
        patch.setattr(LedgerWriter, "publish", die)
    else:
        patch.setattr("voicebill.engines.ledger_writer.fingerprint_of", die)
    Ledger(folder).record([record("r20", text=90), record("x", day=25)])


@pytest.mark.parametrize(
    ("phase", "unknown", "added"),
    [
        ("the end of a file", 0, 1),
        ("the names of the files", 0, 1),
        ("ledger.json", 3, 1),  # two days, and the fingerprint of the version that was corrected
        ("the copy of ledger.json", 0, 0),
    ],
)
def test_killed_in_the_writing_phase_nothing_is_lost_or_doubled(tmp_path: Path, phase: str, unknown: int, added: int) -> None:
    """The state is that before or after, and the next recording leaves no file behind that is not known or set aside."""
    ledger = ledger_of_days(tmp_path)
    worker = FORKED.Process(target=stop_before, args=(tmp_path, phase))
    worker.start()
    worker.join(60)
    assert worker.exitcode == 9
    assert costs(tmp_path).counts.records == 4 - added
    summary = ledger.record([record("r20", text=90), record("x", day=25)])
    assert (summary.added, len(summary.set_aside)) == (added, unknown)
    assert ledger.check().is_intact
    assert not (tmp_path / ".writing").exists()
    assert costs(tmp_path).total.low == total(record("r20", text=90), *(record(name) for name in ("r21", "r22", "x"))).low


def record_corrections(folder: Path, name: str, count: int) -> None:
    """Record a record, and correct it again and again, so that files are replaced and removed."""
    for number in range(count):
        Ledger(folder).record([record(name, text=1000 - number), record(f"{name}{number}", day=20 + number % 3)])


def read_often(folder: Path, count: int) -> None:
    """Cost the ledger again and again: every answer is complete, and no answer has fewer records than one before."""
    book, before = load_facts().prices, 0
    for _ in range(count):
        with Ledger(folder).reading() as files, DuckDBEngine(files, threads=1) as database:
            records = [cost(database, CostQuery(), book).counts.records for _ in range(2)]
        assert records[0] == records[1] >= before
        before = records[0]


def use_at_once(folder: Path, rounds: int) -> None:
    """Let two writers and two readers use a ledger at once."""
    Ledger(folder).record([record("first")])
    workers = [FORKED.Process(target=record_corrections, args=(folder, name, rounds)) for name in "ab"]
    workers += [FORKED.Process(target=read_often, args=(folder, rounds)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(300)
    assert [worker.exitcode for worker in workers] == [0] * 4
    corrected = [record(name, text=1001 - rounds) for name in "ab"]
    added = [record(f"{name}{number}", day=20 + number % 3) for name in "ab" for number in range(rounds)]
    assert costs(folder).total.low == total(record("first"), *corrected, *added).low
    assert Ledger(folder).check().is_intact
    assert not (folder / "set-aside").exists()


@posix
def test_two_writers_and_two_readers_at_once(tmp_path: Path) -> None:
    use_at_once(tmp_path, 6)


@posix
@pytest.mark.long
def test_two_writers_and_two_readers_for_long(tmp_path: Path) -> None:
    use_at_once(tmp_path, 60)


@posix
def test_a_failing_first_recording_does_not_hinder_one_that_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of the failing one is removed, with the lock for which the other waits."""
    folder = tmp_path / "ledger"
    workers: list[Any] = []

    def fail_late(*_: object) -> None:
        workers.append(FORKED.Process(target=record_corrections, args=(folder, "a", 1)))
        workers[0].start()
        time.sleep(1)
        full()

    monkeypatch.setattr(LedgerWriter, "publish", fail_late)
    with pytest.raises(EngineError, match="the disk is full"):
        Ledger(folder).record([record("x")])
    workers[0].join(60)
    assert workers[0].exitcode == 0
    assert costs(folder).counts.records == 2
