"""Test the ledger: repeated records, corrections, several writers, and recordings that are killed."""

import json
import multiprocessing
import random
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from datetime import date
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.engines.ledgers import costs, record, total
from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.filters import parse_filter
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.recorded.result import Cost
from voicebill.billing.errors import InvalidInput
from voicebill.billing.price_book import Adjustment
from voicebill.billing.record import Record, ResponseDetails
from voicebill.billing.usage import Usage
from voicebill.billing.validity import PartialDate
from voicebill.cli.display.table_files import write_table
from voicebill.engines.in_duckdb import DuckDBEngine, EngineError
from voicebill.engines.ledger import Ledger
from voicebill.engines.ledger_files import fingerprint_of
from voicebill.engines.ledger_writer import MAX_PARTS_PER_DAY
from voicebill.engines.recorded_sessions import recorded_sessions
from voicebill.engines.sql import DETAIL_COLUMNS
from voicebill.facts import load_facts
from voicebill.facts.files import UnreadableFile


def test_the_same_log_twice_changes_nothing(tmp_path: Path) -> None:
    """100 text tokens at $4 and 10 audio tokens at $64 a million, three times: 3 × 1,040 millionths of a dollar."""
    ledger, records = Ledger(tmp_path), [record(name) for name in "abc"]
    first = ledger.record(records)
    files = {file: file.read_bytes() for file in ledger.files()}
    again = ledger.record([*records, records[0]])
    assert (first.added, again.added, again.corrected, again.repeated) == (3, 0, 0, 4)
    assert {file: file.read_bytes() for file in ledger.files()} == files
    assert costs(tmp_path).total.low == 3 * 1040 * 10**6


def test_a_correction_replaces_the_record_for_good(tmp_path: Path) -> None:
    """100 text tokens are corrected to 90; recording the log with 100 again does not bring them back."""
    ledger, wrong, right = Ledger(tmp_path), record("a"), record("a", text=90)
    ledger.record([wrong, record("b")])
    assert ledger.record([right]).corrected == 1
    assert costs(tmp_path).total.low == total(right, record("b")).low
    assert ledger.record([wrong]).repeated == 1
    assert costs(tmp_path).total.low == total(right, record("b")).low


def test_within_one_log_the_later_record_replaces_the_earlier_one(tmp_path: Path) -> None:
    ledger, wrong, right = Ledger(tmp_path), record("a"), record("a", text=90)
    ledger.record([wrong, right])
    ledger.record([wrong])
    assert costs(tmp_path).total.low == total(right).low


def test_an_outdated_record_does_not_hide_a_new_one_in_the_same_log(tmp_path: Path) -> None:
    """100 was corrected to 90; a log with 90, 80 and 100 corrects it to 80."""
    ledger, first, second, third = Ledger(tmp_path), record("a"), record("a", text=90), record("a", text=80)
    ledger.record([first])
    ledger.record([second])
    assert ledger.record([second, third, first]).corrected == 1
    assert costs(tmp_path).total.low == total(third).low


def test_a_cumulative_record_never_shrinks(tmp_path: Path) -> None:
    """600 seconds were recorded; a log with 60 seconds of the same session comes late."""
    ledger = Ledger(tmp_path)
    long, short = (
        replace(
            record("s"),
            key="s",
            kind="session",
            cumulative=True,
            usage_candidates=(Usage({"session_ms": used}),),
            model="gpt-live-1",
        )
        for used in (600_000, 60_000)
    )
    ledger.record([long])
    assert ledger.record([short]).skipped == 1
    assert costs(tmp_path).total.low == total(long).low


def test_an_undated_record_does_not_replace_a_dated_one(tmp_path: Path) -> None:
    ledger, dated = Ledger(tmp_path), record("a", tenant=None)
    ledger.record([dated])
    undated = replace(dated, time=None, day=None, tenant="acme", provider="openai", deployment="global")
    assert ledger.record([undated]).skipped == 1
    assert costs(tmp_path).counts.unpriced == 0


def test_a_less_complete_record_replaces_nothing(tmp_path: Path) -> None:
    """A retried event without its session, and one without usage, come after the complete one."""
    ledger, complete = Ledger(tmp_path), record("a")
    ledger.record([complete])
    poorer = [replace(complete, session=None), replace(complete, usage_candidates=(Usage({}, "missing"),))]
    assert ledger.record(poorer).corrected == 0
    assert costs(tmp_path).total.low == total(complete).low


def test_a_correction_may_change_the_day(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.record([record("a"), record("b")])
    ledger.record([record("a", day=25)])
    answer = costs(tmp_path, by=("day",))
    assert [(group.keys, group.records) for group in answer.groups] == [((date(2026, 11, 20),), 1), ((date(2026, 11, 25),), 1)]


def test_late_and_undated_records_are_stored_by_day(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.record([record("b", day=22)])
    summary = ledger.record([record("a", day=1), replace(record("c"), time=None, day=None)])
    assert summary.days == ("2026-11-01", "undated")
    answer = costs(tmp_path, by=("day",))
    assert [group.keys[0] for group in answer.groups] == [date(2026, 11, 1), date(2026, 11, 22), None]
    assert answer.counts.unpriced == 1


def test_a_corrected_price_restates_history(tmp_path: Path) -> None:
    """Prices are joined when a query is run: the same ledger with half the prices costs half."""
    Ledger(tmp_path).record([record("a")])
    half = Adjustment("half", Decimal("0.5"), (), (), (), PartialDate.parse("2026"), None, "a test")
    with DuckDBEngine(Ledger(tmp_path).files()) as database:
        halved = cost(database, CostQuery(), replace(load_facts().prices, adjustments=(half,)))
    assert halved.total.low == 520 * 10**6


def test_many_files_of_a_day_are_merged(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    for at in range(2 * MAX_PARTS_PER_DAY + 3):
        ledger.record([record(f"r{at}")])
    assert len(ledger.files()) <= MAX_PARTS_PER_DAY
    assert costs(tmp_path).counts.records == 2 * MAX_PARTS_PER_DAY + 3


@pytest.mark.parametrize(
    ("parts", "correction"),
    [
        pytest.param(MAX_PARTS_PER_DAY, record("another"), id="many files of a day"),
        pytest.param(2, record("r0", text=90), id="a correction"),
        pytest.param(2, record("r0", day=25), id="a correction of the day"),
    ],
)
def test_a_reader_that_opened_before_a_merge_still_reads_all(tmp_path: Path, parts: int, correction: Record) -> None:
    """The files that a recording replaces stay, also if the next recordings find nothing new, until one changes the ledger."""
    ledger = Ledger(tmp_path)
    for number in range(parts):
        ledger.record([record(f"r{number}")])
    files, before = ledger.files(), costs(tmp_path).total.low
    with DuckDBEngine(files) as reader:
        ledger.record([correction])
        replaced = set(files) - set(ledger.files())
        assert replaced
        for _ in range(2):
            assert cost(reader, CostQuery(), load_facts().prices).total.low == before
            with DuckDBEngine(files) as late:
                assert cost(late, CostQuery(), load_facts().prices).total.low == before
            assert ledger.record([record("r1")]).added == 0
    ledger.record([record("still another")])
    assert not any(file.exists() for file in replaced)
    assert costs(tmp_path).counts.records == len(ledger_keys(ledger))


def ledger_keys(ledger: Ledger) -> set[str]:
    """The keys of a ledger's records."""
    tables = [pq.read_table(file, columns=["key"]) for file in ledger.files()]
    return {str(key) for table in tables for key in table.column("key").to_pylist()}


def test_a_file_that_the_ledger_does_not_know_is_set_aside(tmp_path: Path) -> None:
    """A file that ledger.json does not name is not read; the next recording moves it and names it. Other files stay."""
    ledger = Ledger(tmp_path)
    ledger.record([record("a")])
    stray = ledger.files()[0].with_name("part-0123456789abcdef.parquet")
    stray.write_bytes(b"half a file")
    mine = tmp_path / "2026-11-20" / "notes.parquet"
    mine.write_bytes(b"not ours")
    assert costs(tmp_path).counts.records == 1
    summary = ledger.record([record("b")])
    assert summary.set_aside == ("2026-11-20/part-0123456789abcdef.parquet",)
    assert (stray.exists(), mine.exists()) == (False, True)
    assert (tmp_path / "set-aside" / summary.set_aside[0]).read_bytes() == b"half a file"


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda folder: None, "is not a ledger: create one with"),
        (lambda folder: (folder / "ledger.json").write_text("{"), "is damaged"),
        (
            lambda folder: (folder / "ledger.json").write_text('{"version": 99}'),
            "is a ledger of version 99; this voicebill reads version 5: install a newer one",
        ),
        (
            lambda folder: (folder / "ledger.json").write_text('{"version": 1, "generation": 3, "parts": [], "retired": []}'),
            r"is a ledger of version 1, which this voicebill no longer reads: "
            r"record the logs anew with voicebill record LOG\.\.\. --ledger NEW_DIR$",
        ),
    ],
)
def test_a_folder_without_a_readable_ledger_is_refused(tmp_path: Path, prepare: Callable[[Path], object], message: str) -> None:
    prepare(tmp_path)
    with pytest.raises(UnreadableFile, match=message):
        Ledger(tmp_path).files()


def test_a_ledger_of_an_earlier_version_is_not_added_to(tmp_path: Path) -> None:
    """Its columns have other names: nothing is written to it."""
    manifest = '{"version": 1, "generation": 3, "parts": [], "retired": []}'
    (tmp_path / "ledger.json").write_text(manifest)
    with pytest.raises(UnreadableFile, match="is a ledger of version 1, which this voicebill no longer reads"):
        Ledger(tmp_path).record([record("a")])
    assert (tmp_path / "ledger.json").read_text() == manifest


def as_version_2(ledger: Ledger) -> None:
    """Make a ledger one of the version before: its files have no projects."""
    for file in ledger.files():
        table = pq.read_table(file)
        pq.write_table(table.drop_columns(["project"]), file)
    manifest = json.loads((ledger.folder / "ledger.json").read_text())
    (ledger.folder / "ledger.json").write_text(json.dumps(manifest | {"version": 2}))


def test_a_ledger_without_projects_is_read_and_added_to(tmp_path: Path) -> None:
    """The project of its records is unknown. The same record changes nothing; with its project it replaces the earlier one."""
    ledger = Ledger(tmp_path)
    ledger.record([record("a"), record("b"), record("c", day=21)])
    as_version_2(ledger)
    assert costs(tmp_path).counts.records == 3
    assert [group.keys for group in costs(tmp_path, by=("project",), where=parse_filter("not project = p")).groups] == [(None,)]
    assert ledger.record([record("a")]).repeated == 1
    summary = ledger.record([record("b", project="p"), record("d", project="q")])
    assert (summary.added, summary.corrected) == (1, 1)
    groups = {group.keys: group.records for group in costs(tmp_path, by=("project",)).groups}
    assert groups == {(None,): 2, ("p",): 1, ("q",): 1}
    assert json.loads((tmp_path / "ledger.json").read_text())["version"] == 5


DETAILS = ResponseDetails(user_messages=1, user_audio_ms=2_500, tool_calls=0, prompt="0123456789abcdef")


def as_version_4(ledger: Ledger) -> None:
    """Make a ledger one of version 4: its files have no details, and it has no key for prompts."""
    manifest = json.loads((ledger.folder / "ledger.json").read_text())
    for part in manifest["parts"]:
        file = ledger.folder / part["path"]
        pq.write_table(pq.read_table(file).drop_columns(list(DETAIL_COLUMNS)), file)
        part.update(asdict(fingerprint_of(file)))
    del manifest["prompt_key"]
    (ledger.folder / "ledger.json").write_text(json.dumps(manifest | {"version": 4}))


def recorded_details(folder: Path) -> dict[str, ResponseDetails | None]:
    """Return the details of a ledger's records by their keys."""
    with DuckDBEngine(Ledger(folder).files()) as database:
        sessions = recorded_sessions(database, CostQuery())
        return {entry.key: entry.details for session in sessions for entry in session.records}


def test_a_ledger_without_details_is_read_and_added_to(tmp_path: Path) -> None:
    """The details of its records are unknown. The same record changes nothing; with details it replaces the earlier one."""
    ledger = Ledger(tmp_path)
    ledger.record([record("a"), record("b")])
    as_version_4(ledger)
    assert recorded_details(tmp_path) == {"a:completed": None, "b:completed": None}
    assert ledger.record([record("a")]).repeated == 1
    summary = ledger.record([record("b", details=DETAILS), record("c", details=DETAILS)])
    assert (summary.added, summary.corrected) == (1, 1)
    assert recorded_details(tmp_path) == {"a:completed": None, "b:completed": DETAILS, "c:completed": DETAILS}
    assert costs(tmp_path).total.low == total(*map(record, "abc")).low


def test_details_that_are_recorded_are_kept(tmp_path: Path) -> None:
    """A log with usage alone does not undo details, and details that differ, as of a part of a log, do not replace them."""
    ledger = Ledger(tmp_path)
    ledger.record([record("a", details=DETAILS)])
    other = replace(DETAILS, user_messages=None)
    for later in (record("a"), record("a", details=other), record("a", details=DETAILS)):
        summary = ledger.record([later])
        assert (summary.added, summary.corrected, summary.repeated) == (0, 0, 1)
    assert recorded_details(tmp_path) == {"a:completed": DETAILS}


def test_a_ledger_keeps_the_key_of_its_prompts(tmp_path: Path) -> None:
    """The key with which the first log is read is that of all recordings; another ledger has another one."""
    ledger = Ledger(tmp_path / "one")
    key = ledger.prompt_key()
    assert len(key) == 16
    ledger.record([record("a")])
    ledger.record([record("b")])
    assert Ledger(tmp_path / "one").prompt_key() == key
    assert Ledger(tmp_path / "other").prompt_key() != key


def test_a_ledger_of_an_earlier_version_gets_a_key(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.record([record("a")])
    before = ledger.prompt_key()
    as_version_4(ledger)
    later = Ledger(tmp_path)
    key = later.prompt_key()
    later.record([record("b")])
    assert Ledger(tmp_path).prompt_key() == key != before


@pytest.mark.parametrize("key", [7, "not hexadecimal"])
def test_a_damaged_key_of_prompts_is_refused(tmp_path: Path, key: object) -> None:
    Ledger(tmp_path).record([record("a")])
    manifest = json.loads((tmp_path / "ledger.json").read_text())
    (tmp_path / "ledger.json").write_text(json.dumps(manifest | {"prompt_key": key}))
    with pytest.raises(UnreadableFile, match="is damaged"):
        Ledger(tmp_path).prompt_key()


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UnreadableFile, match=r"contains thesis\.txt and is not a ledger"):
        Ledger(tmp_path).record([record("a")])
    with pytest.raises(UnreadableFile, match="is not a folder"):
        Ledger(tmp_path / "thesis.txt").record([record("a")])


def test_an_empty_ledger_is_reported_as_empty(tmp_path: Path) -> None:
    Ledger(tmp_path).record([])
    with pytest.raises(InvalidInput, match="is empty"):
        Ledger(tmp_path).files()


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.record([record("a")])
    files = ledger.files()
    files[0].unlink()
    with (
        pytest.raises(EngineError, match=r"part-\w+\.parquet is missing: voicebill record --check --ledger"),
        DuckDBEngine(files) as database,
    ):
        cost(database, CostQuery(), load_facts().prices)


# Processes that are killed, and processes at once. They are forked from one that has loaded everything.

FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(["voicebill.engines.ledger", "voicebill.facts", "tests.engines.test_ledger"])
BATCHES, SIZE = 12, 15


def batch(number: int) -> list[Record]:
    """Return the records of one recording, over three days; every third recording corrects the one before."""
    records = [record(f"b{number}r{at}", day=20 + at % 3) for at in range(SIZE)]
    if number % 3 == 2:
        records.append(record(f"b{number - 1}r0", text=7))
    return records


def expected() -> Any:
    """Return the total of all recordings."""
    return total(*(entry for number in range(BATCHES) for entry in batch(number)))


def record_batches(folder: Path, numbers: Iterable[int], done: Connection | None = None) -> None:
    """Record one batch after the other, and report each when it is recorded."""
    for number in numbers:
        Ledger(folder).record(batch(number))
        if done is not None:
            done.send(number)


@pytest.mark.long
def test_killed_at_any_moment_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    """Killed with -9, fifty times: every reported batch is there, complete and once, and the next recording continues."""
    dice, recorded, killed = random.Random(5), -1, 0
    for _ in range(50):
        if recorded == BATCHES - 1:
            recorded = -1  # all over again: it must change nothing
        receiver, sender = FORKED.Pipe(duplex=False)
        worker = FORKED.Process(target=record_batches, args=(tmp_path, range(recorded + 1, BATCHES), sender))
        worker.start()
        sender.close()
        worker.join(dice.uniform(0.02, 0.5))
        killed += worker.exitcode is None
        worker.kill()
        worker.join()
        try:
            while receiver.poll():
                recorded = receiver.recv()
        except EOFError:
            pass
        if recorded >= 0 or (tmp_path / "ledger.json").exists():
            assert_complete_and_unique(tmp_path, recorded)
    record_batches(tmp_path, range(BATCHES))
    assert killed >= 25
    assert costs(tmp_path).total.low == expected().low
    assert costs(tmp_path).counts.records == BATCHES * SIZE


def assert_complete_and_unique(folder: Path, recorded: int) -> None:
    """Check that each batch is in the ledger completely or not at all, all reported ones are, and no key is there twice."""
    parts = Ledger(folder).state().parts
    assert all((folder / part.path).exists() for part in parts)
    if not any(part.folder != "replaced" for part in parts):
        assert recorded < 0
        return
    with DuckDBEngine(Ledger(folder).files()) as database:
        rows = database.connection.execute("SELECT key FROM usage WHERE part = 0").fetchall()
    keys = [key for (key,) in rows]
    assert len(keys) == len(set(keys))
    counts = {number: sum(key.startswith(f"b{number}r") for key in keys) for number in range(BATCHES)}
    assert set(counts.values()) <= {0, SIZE}
    assert all(counts[number] == SIZE for number in range(recorded + 1))


def test_two_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    """Four processes, two of them with the same log: as if one had recorded everything."""
    plain = [number for number in range(BATCHES) if number % 3 != 2]  # what corrects something must come after it
    shares = (plain[::2], plain[1::2], plain, plain)
    workers = [FORKED.Process(target=record_batches, args=(tmp_path, share)) for share in shares]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert costs(tmp_path).total.low == total(*(entry for number in plain for entry in batch(number))).low
    assert costs(tmp_path).counts.records == len(plain) * SIZE


def write_exports(answer: Cost, file: Path, begun: Connection) -> None:
    """Write the same table again and again, and report when that begins, and when one was written."""
    begun.send(True)
    write_table(answer, file)
    begun.send(True)
    while True:
        write_table(answer, file)


@pytest.mark.parametrize("name", ["costs.csv", "costs.parquet"])
def test_an_export_is_complete_or_absent(tmp_path: Path, name: str) -> None:
    """Killed with -9, twenty-five times for each kind of file: a file with the final name is always complete."""
    folder, file = tmp_path / "ledger", tmp_path / name
    Ledger(folder).record([record(f"r{at}", day=1 + at % 28, tenant="t") for at in range(100)])
    answer = costs(folder, by=("session", "day", "meter"))
    write_table(answer, tmp_path / f"whole-{name}")
    complete, dice, written = (tmp_path / f"whole-{name}").read_bytes(), random.Random(7), 0
    for attempt in range(25):
        receiver, begun = FORKED.Pipe(duplex=False)
        worker = FORKED.Process(target=write_exports, args=(answer, file, begun))
        worker.start()
        receiver.recv()
        if attempt % 5 == 0:  # on a busy machine no other one may be written in time
            receiver.recv()
        worker.join(dice.uniform(0.001, 0.04))
        worker.kill()
        worker.join()
        assert not file.exists() or file.read_bytes() == complete
        written += file.exists()
        file.unlink(missing_ok=True)
    assert written >= 5


def test_the_state_is_plain_json(tmp_path: Path) -> None:
    Ledger(tmp_path).record([record("a"), record("b", day=21)])
    written = json.loads((tmp_path / "ledger.json").read_text())
    assert [(part["path"].split("/")[0], part["records"]) for part in written["parts"]] == [
        ("2026-11-20", 1),
        ("2026-11-21", 1),
    ]
