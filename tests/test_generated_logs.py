"""Generated logs, of which the truth is known: every way to count them finds it, to the last picodollar."""

import json
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from benchmarks.logs import DEFAULT_DAY, Truth, make_logs
from hypothesis import given
from hypothesis import strategies as st

from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.filters import parse_filter
from voicebill.answers.recorded.python_engine import PythonEngine, deduplicate
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.recorded.result import Cost
from voicebill.billing.record import Record
from voicebill.engines.in_duckdb import DuckDBEngine
from voicebill.engines.ledger import Ledger
from voicebill.facts import load_facts
from voicebill.logs.audio import without_audio
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.read import all_records
from voicebill.logs.report import ReadReport

TOTAL = CostQuery(calls=False)


def read_records(files: Iterable[Path], report: ReadReport | None = None) -> Iterable[Record]:
    """What some files tell."""
    return all_records(list(files), None, LogDefaults(day=DEFAULT_DAY), report or ReadReport())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    """A few megabytes with everything in them that logs hold in the wild."""
    return make_logs(tmp_path_factory.mktemp("logs"), load_facts().prices, seed=22, sessions=12, reply_ms=100)


def assert_agrees(answer: Cost, truth: Truth) -> None:
    """The amounts and the counts are the truth."""
    assert (answer.total.low, answer.total.high) == (truth.low, truth.high)
    assert (answer.counts.records, answer.counts.unpriced) == (truth.records, truth.unpriced)
    assert (answer.counts.ambiguous, answer.counts.without_usage) == (truth.bounded, truth.without_usage)


def test_what_is_generated_has_everything(made: Truth) -> None:
    """The truth is worth comparing with: nothing that logs hold is missing from it."""
    assert made.bytes < 5_000_000
    assert min(made.unpriced, made.repeated, made.broken, made.bounded, made.without_usage) >= 5
    assert 0 < made.low < made.high


def test_the_row_path_finds_the_truth(made: Truth) -> None:
    """Costed one by one, the records cost what was drawn; every broken and every repeated line is counted."""
    report = ReadReport()
    records = deduplicate(read_records(made.files, report))
    assert_agrees(cost(PythonEngine(records.values()), TOTAL, load_facts().prices), made)
    assert report.error_count == made.broken
    assert report.records - len(records) == made.repeated


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_every_run_finds_the_truth(made: Truth, threads: int) -> None:
    """Twenty runs with as many threads as you like cost the same to the last picodollar."""
    records = list(read_records(made.files))
    with DuckDBEngine(threads=threads) as duck:
        for _ in range(20):
            assert duck.load(records) == made.repeated
            assert_agrees(cost(duck, TOTAL, load_facts().prices), made)


def test_a_region_that_nothing_names_is_asked_for_in_vain(made: Truth) -> None:
    """None of the records names a region, so none is of this one."""
    with DuckDBEngine(threads=1) as duck:
        duck.load(read_records(made.files))
        assert cost(duck, CostQuery(where=parse_filter("region=eastus")), load_facts().prices).counts.records == 0


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_ledger_of_two_halves_finds_the_truth(made: Truth, order: tuple[int, int], tmp_path: Path) -> None:
    """Recorded in two halves, each telling again some of the other, a ledger costs the same whichever comes first."""
    ledger = Ledger(tmp_path / "ledger")
    for half in order:
        ledger.record(read_records(made.halves[half]))
    with DuckDBEngine(ledger.files()) as duck:
        assert_agrees(cost(duck, TOTAL, load_facts().prices), made)


texts = st.text(st.sampled_from('ab\\":,{}[] \n\u00e9'), max_size=40)
names = texts.filter(bool)
events = st.recursive(
    texts | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


def without_text(value: object) -> object:
    """A value without its texts and names."""
    match value:
        case str():
            return ""
        case list():
            return [without_text(item) for item in value]
        case dict():
            return {"in order": [without_text(item) for item in value.values()]}
    return value


@given(st.dictionaries(names, events, min_size=1, max_size=4), st.booleans())
def test_what_is_passed_over_in_a_long_line_is_only_text(event: dict[str, object], as_text: bool) -> None:
    """Without the text at its middle a whole line is whole, and has the same numbers in the same places."""
    line = json.dumps({"message": json.dumps(event)} if as_text else event, ensure_ascii=False).encode()
    shortened = json.loads(without_audio(line))
    assert without_text(json.loads(shortened["message"]) if as_text else shortened) == without_text(event)


@given(st.dictionaries(names, events, min_size=1, max_size=4), st.data())
def test_a_broken_line_stays_broken(event: dict[str, object], data: st.DataObject) -> None:
    """A line that ends too early, or begins again before its end, is as broken without the text at its middle."""
    line = json.dumps(event).encode()
    cut = data.draw(st.integers(1, len(line) - 1))
    for broken in (line[:cut], line[:cut] + line):
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(broken)
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(without_audio(broken))
