"""Generated logs, of which the truth is known: every way to count them finds it, to the last picodollar."""

import json
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from benchmarks.logs import TOLD_DAY, Truth, make_logs
from hypothesis import given
from hypothesis import strategies as st

from voicebill.answers.cost import Cost, CostAsked, cost
from voicebill.answers.rows import RowEngine, settled
from voicebill.answers.where import condition
from voicebill.billing.record import Record
from voicebill.engines.in_duckdb import DuckDB
from voicebill.engines.ledger import Ledger
from voicebill.facts import load
from voicebill.logs.read import every_record
from voicebill.logs.realtime import _without_audio
from voicebill.logs.told import Report, Told

PRICES = load().prices
TOTAL = CostAsked(calls=False)


def told(files: Iterable[Path], report: Report | None = None) -> Iterable[Record]:
    """What some files tell."""
    return every_record(list(files), None, Told(day=TOLD_DAY), report or Report())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    """A few megabytes with everything in them that logs hold in the wild."""
    return make_logs(tmp_path_factory.mktemp("logs"), PRICES, seed=22, sessions=12, reply_ms=100)


def agrees(found: Cost, truth: Truth) -> None:
    """The amounts and the counts are the truth."""
    assert (found.total.low, found.total.high) == (truth.low, truth.high)
    assert (found.counts.records, found.counts.unpriced) == (truth.records, truth.unpriced)
    assert (found.counts.bounded, found.counts.without_usage) == (truth.bounded, truth.without_usage)


def test_what_is_generated_has_everything(made: Truth) -> None:
    """The truth is worth comparing with: nothing that logs hold is missing from it."""
    assert made.bytes < 5_000_000
    assert min(made.unpriced, made.repeated, made.broken, made.bounded, made.without_usage) >= 5
    assert 0 < made.low < made.high


def test_the_row_path_finds_the_truth(made: Truth) -> None:
    """Costed one by one, the records cost what was drawn; every broken and every repeated line is counted."""
    report = Report()
    records = settled(told(made.files, report))
    agrees(cost(RowEngine(records.values()), TOTAL, PRICES), made)
    assert report.broken_count == made.broken
    assert report.records - len(records) == made.repeated


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_every_run_finds_the_truth(made: Truth, threads: int) -> None:
    """Twenty runs with as many threads as you like cost the same to the last picodollar."""
    records = list(told(made.files))
    with DuckDB(threads=threads) as duck:
        for _ in range(20):
            assert duck.take(records) == made.repeated
            agrees(cost(duck, TOTAL, PRICES), made)


def test_a_region_that_nothing_names_is_asked_for_in_vain(made: Truth) -> None:
    """None of the records names a region, so none is of this one."""
    with DuckDB(threads=1) as duck:
        duck.take(told(made.files))
        assert cost(duck, CostAsked(where=condition("region=eastus")), PRICES).counts.records == 0


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_ledger_of_two_halves_finds_the_truth(made: Truth, order: tuple[int, int], tmp_path: Path) -> None:
    """Recorded in two halves, each telling again some of the other, a ledger costs the same whichever comes first."""
    ledger = Ledger(tmp_path / "ledger")
    for half in order:
        ledger.record(told(made.halves[half]))
    with DuckDB(ledger.files()) as duck:
        agrees(cost(duck, TOTAL, PRICES), made)


texts = st.text(st.sampled_from('ab\\":,{}[] \n\u00e9'), max_size=40)
names = texts.filter(bool)
events = st.recursive(
    texts | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


def shape(value: object) -> object:
    """A value without its texts and names."""
    match value:
        case str():
            return ""
        case list():
            return [shape(each) for each in value]
        case dict():
            return {"in order": [shape(each) for each in value.values()]}
    return value


@given(st.dictionaries(names, events, min_size=1, max_size=4), st.booleans())
def test_what_is_passed_over_in_a_long_line_is_only_text(event: dict[str, object], as_text: bool) -> None:
    """Without the text at its middle a whole line is whole, and has the same numbers in the same places."""
    line = json.dumps({"message": json.dumps(event)} if as_text else event, ensure_ascii=False).encode()
    found = json.loads(_without_audio(line))
    assert shape(json.loads(found["message"]) if as_text else found) == shape(event)


@given(st.dictionaries(names, events, min_size=1, max_size=4), st.data())
def test_a_broken_line_stays_broken(event: dict[str, object], data: st.DataObject) -> None:
    """A line that ends too early, or begins again before its end, is as broken without the text at its middle."""
    line = json.dumps(event).encode()
    cut = data.draw(st.integers(1, len(line) - 1))
    for broken in (line[:cut], line[:cut] + line):
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(broken)
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(_without_audio(broken))
