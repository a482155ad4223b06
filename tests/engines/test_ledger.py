"""The ledger: recorded once, corrected, added to by several, and never half written."""

import json
import multiprocessing
import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from voicebill.answers.cost import Cost, CostAsked, cost
from voicebill.answers.rows import RowEngine
from voicebill.billing.dated import Day
from voicebill.billing.errors import InvalidInput
from voicebill.billing.price_book import Adjustment
from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.cli.table_files import write_table
from voicebill.engines.in_duckdb import DuckDB, EngineFailed
from voicebill.engines.ledger import Ledger
from voicebill.engines.recording import MOST_PARTS
from voicebill.facts import load
from voicebill.facts.files import UnreadableFile

PRICES = load().prices
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def record(name: str, *, text: int = 100, day: int = 20, **more: Any) -> Record:
    """A response of a session: so many text tokens read, 10 spoken."""
    return Record(
        key=f"{name}:completed",
        kind="response",
        readings=(Usage.tokens(text_in=text, audio_out=10),),
        source="log.jsonl",
        ordinal=1,
        model="gpt-realtime",
        time=NOON + timedelta(days=day - 20),
        session="s1",
        **more,
    )


def costs(folder: Path, **asked: Any) -> Cost:
    """What is in a ledger."""
    with DuckDB(Ledger(folder).files()) as database:
        return cost(database, CostAsked(**asked), PRICES)


def total(*records: Record) -> Any:
    """The row path's total of some records."""
    return cost(RowEngine(records), CostAsked(), PRICES).total


def test_the_same_log_twice_changes_nothing(tmp_path: Path) -> None:
    """100 text tokens at $4 and 10 audio tokens at $64 a million, three times: 3 × 1,040 millionths of a dollar."""
    ledger, records = Ledger(tmp_path), [record(name) for name in "abc"]
    first = ledger.record(records)
    files = {file: file.read_bytes() for file in ledger.files()}
    again = ledger.record([*records, records[0]])
    assert (first.added, again.added, again.corrected, again.repeated) == (3, 0, 0, 4)
    assert {file: file.read_bytes() for file in ledger.files()} == files
    assert costs(tmp_path).total.low == 3 * 1040 * 10**6


def test_a_correction_takes_the_place_of_what_it_corrects_and_stays(tmp_path: Path) -> None:
    """100 text tokens were 90: the log with 100, recorded once more, does not bring them back."""
    ledger, wrong, right = Ledger(tmp_path), record("a"), record("a", text=90)
    ledger.record([wrong, record("b")])
    assert ledger.record([right]).corrected == 1
    assert costs(tmp_path).total.low == total(right, record("b")).low
    assert ledger.record([wrong]).repeated == 1
    assert costs(tmp_path).total.low == total(right, record("b")).low


def test_within_one_log_the_later_telling_counts_and_the_earlier_one_stays_replaced(tmp_path: Path) -> None:
    ledger, wrong, right = Ledger(tmp_path), record("a"), record("a", text=90)
    ledger.record([wrong, right])
    ledger.record([wrong])
    assert costs(tmp_path).total.low == total(right).low


def test_a_stale_telling_beside_a_new_one_hides_nothing(tmp_path: Path) -> None:
    """100 was corrected to 90; a log that tells 90, 80 and 100 again corrects it to 80."""
    ledger, first, second, third = Ledger(tmp_path), record("a"), record("a", text=90), record("a", text=80)
    ledger.record([first])
    ledger.record([second])
    assert ledger.record([second, third, first]).corrected == 1
    assert costs(tmp_path).total.low == total(third).low


def test_a_cumulative_record_grows_and_does_not_shrink(tmp_path: Path) -> None:
    """600 seconds were told; the log that still said 60 comes late."""
    ledger = Ledger(tmp_path)
    long, short = (
        replace(
            record("s"), key="s", kind="session", cumulative=True, readings=(Usage({"session_ms": used}),), model="gpt-live-1"
        )
        for used in (600_000, 60_000)
    )
    ledger.record([long])
    assert ledger.record([short]).left_out == 1
    assert costs(tmp_path).total.low == total(long).low


def test_what_has_no_day_does_not_replace_what_has_one(tmp_path: Path) -> None:
    ledger, dated = Ledger(tmp_path), record("a", tenant=None)
    ledger.record([dated])
    undated = replace(dated, time=None, day=None, tenant="acme", provider="openai", deployment="global")
    assert ledger.record([undated]).left_out == 1
    assert costs(tmp_path).counts.unpriced == 0


def test_what_knows_less_replaces_nothing(tmp_path: Path) -> None:
    """A retried event without its session, and one without usage, come after the whole one."""
    ledger, whole = Ledger(tmp_path), record("a")
    ledger.record([whole])
    poorer = [replace(whole, session=None), replace(whole, readings=(Usage({}, "none"),))]
    assert ledger.record(poorer).corrected == 0
    assert costs(tmp_path).total.low == total(whole).low


def test_a_correction_may_change_the_day(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.record([record("a"), record("b")])
    ledger.record([record("a", day=25)])
    found = costs(tmp_path, by=("day",))
    assert [(group.keys, group.records) for group in found.groups] == [((date(2026, 11, 20),), 1), ((date(2026, 11, 25),), 1)]


def test_late_events_and_undated_ones_have_their_place(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.record([record("b", day=22)])
    recorded = ledger.record([record("a", day=1), replace(record("c"), time=None, day=None)])
    assert recorded.days == ("2026-11-01", "undated")
    found = costs(tmp_path, by=("day",))
    assert [group.keys[0] for group in found.groups] == [date(2026, 11, 1), date(2026, 11, 22), None]
    assert found.counts.unpriced == 1


def test_a_corrected_price_restates_history(tmp_path: Path) -> None:
    """Prices join when asked: the same ledger under a price book of half the price costs half."""
    Ledger(tmp_path).record([record("a")])
    half = Adjustment("half", Decimal("0.5"), (), (), (), Day.parse("2026"), None, "a test")
    with DuckDB(Ledger(tmp_path).files()) as database:
        halved = cost(database, CostAsked(), replace(PRICES, adjustments=(half,)))
    assert halved.total.low == 520 * 10**6


def test_many_recordings_of_a_day_are_put_together(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    for at in range(2 * MOST_PARTS + 3):
        ledger.record([record(f"r{at}")])
    assert len(ledger.files()) <= MOST_PARTS
    assert costs(tmp_path).counts.records == 2 * MOST_PARTS + 3


def test_what_a_killed_recording_left_is_swept_away(tmp_path: Path) -> None:
    """A file that no ledger.json names is not read, and goes with the next recording; what is not ours stays."""
    ledger = Ledger(tmp_path)
    ledger.record([record("a")])
    stray = ledger.files()[0].with_name("part-0123456789abcdef.parquet")
    stray.write_bytes(b"half a file")
    mine = tmp_path / "2026-11-20" / "notes.parquet"
    mine.write_bytes(b"not ours")
    assert costs(tmp_path).counts.records == 1
    ledger.record([record("b")])
    assert (stray.exists(), mine.exists()) == (False, True)


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (lambda folder: None, "holds no ledger: make one with"),
        (lambda folder: (folder / "ledger.json").write_text("{"), "is damaged"),
        (lambda folder: (folder / "ledger.json").write_text('{"version": 99}'), "is a ledger of version 99"),
    ],
)
def test_what_is_no_ledger_is_said(tmp_path: Path, prepare: Callable[[Path], object], said: str) -> None:
    prepare(tmp_path)
    with pytest.raises(UnreadableFile, match=said):
        Ledger(tmp_path).files()


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UnreadableFile, match=r"holds thesis\.txt and no ledger"):
        Ledger(tmp_path).record([record("a")])
    with pytest.raises(UnreadableFile, match="is no folder"):
        Ledger(tmp_path / "thesis.txt").record([record("a")])


def test_an_empty_ledger_says_so(tmp_path: Path) -> None:
    Ledger(tmp_path).record([])
    with pytest.raises(InvalidInput, match="is empty"):
        Ledger(tmp_path).files()


def test_a_file_that_vanished_is_said(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.record([record("a")])
    files = ledger.files()
    files[0].unlink()
    with pytest.raises(EngineFailed, match="a file of the ledger is missing"), DuckDB(files) as database:
        cost(database, CostAsked(), PRICES)


# Processes that are killed, and processes at once. They are forked from one that has loaded everything.

FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(["voicebill.engines.ledger", "voicebill.facts", "tests.engines.test_ledger"])
BATCHES, SIZE = 12, 15


def batch(number: int) -> list[Record]:
    """A recording: over three days, and every third time with a correction of the one before."""
    found = [record(f"b{number}r{at}", day=20 + at % 3) for at in range(SIZE)]
    if number % 3 == 2:
        found.append(record(f"b{number - 1}r0", text=7))
    return found


def expected() -> Any:
    """What all recordings come to."""
    return total(*(each for number in range(BATCHES) for each in batch(number)))


def record_batches(folder: Path, numbers: Iterable[int], done: Connection | None = None) -> None:
    """Record one batch after the other, and say of each that it is recorded."""
    for number in numbers:
        Ledger(folder).record(batch(number))
        if done is not None:
            done.send(number)


def test_killed_at_any_moment_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    """Killed with -9, fifty times: what was said to be recorded is there, whole and once, and the next one goes on."""
    dice, recorded, killed = random.Random(5), -1, 0
    for _ in range(50):
        if recorded == BATCHES - 1:
            recorded = -1  # all over again: it must change nothing
        heard, done = FORKED.Pipe(duplex=False)
        worker = FORKED.Process(target=record_batches, args=(tmp_path, range(recorded + 1, BATCHES), done))
        worker.start()
        done.close()
        worker.join(dice.uniform(0.02, 0.5))
        killed += worker.exitcode is None
        worker.kill()
        worker.join()
        try:
            while heard.poll():
                recorded = heard.recv()
        except EOFError:
            pass
        if recorded >= 0 or (tmp_path / "ledger.json").exists():
            whole_and_once(tmp_path, recorded)
    record_batches(tmp_path, range(BATCHES))
    assert killed >= 25
    assert costs(tmp_path).total.low == expected().low
    assert costs(tmp_path).counts.records == BATCHES * SIZE


def whole_and_once(folder: Path, recorded: int) -> None:
    """Every batch is in the ledger as a whole or not at all, up to the last one that was said to be, and no key twice."""
    parts = Ledger(folder).state().parts
    assert all((folder / part.path).exists() for part in parts)
    if not any(part.folder != "replaced" for part in parts):
        assert recorded < 0
        return
    with DuckDB(Ledger(folder).files()) as database:
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
    assert costs(tmp_path).total.low == total(*(each for number in plain for each in batch(number))).low
    assert costs(tmp_path).counts.records == len(plain) * SIZE


def write_exports(folder: Path, name: str, begun: Connection) -> None:
    """Write the same table again and again, and say when that begins."""
    answer = costs(folder, by=("session", "day", "meter"))
    begun.send(True)
    while True:
        write_table(answer, folder.parent / name)


@pytest.mark.parametrize("name", ["costs.csv", "costs.parquet"])
def test_an_export_is_whole_or_not_there(tmp_path: Path, name: str) -> None:
    """Killed with -9, twenty-five times for each kind of file: whatever stands under the final name is the whole table."""
    folder, file = tmp_path / "ledger", tmp_path / name
    Ledger(folder).record([record(f"r{at}", day=1 + at % 28, tenant="t") for at in range(300)])
    write_table(costs(folder, by=("session", "day", "meter")), tmp_path / f"whole-{name}")
    whole, dice, written = (tmp_path / f"whole-{name}").read_bytes(), random.Random(7), 0
    for _ in range(25):
        heard, begun = FORKED.Pipe(duplex=False)
        worker = FORKED.Process(target=write_exports, args=(folder, name, begun))
        worker.start()
        heard.recv()
        worker.join(dice.uniform(0.001, 0.1))
        worker.kill()
        worker.join()
        assert not file.exists() or file.read_bytes() == whole
        written += file.exists()
        file.unlink(missing_ok=True)
    assert written


def test_the_state_is_plain_json(tmp_path: Path) -> None:
    Ledger(tmp_path).record([record("a"), record("b", day=21)])
    written = json.loads((tmp_path / "ledger.json").read_text())
    assert [(part["path"].split("/")[0], part["records"]) for part in written["parts"]] == [
        ("2026-11-20", 1),
        ("2026-11-21", 1),
    ]
