"""Two sums stay one: DuckDB counts what the row path counts, to the last picodollar, whatever is asked of whatever records."""

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import date
from itertools import combinations
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engines.records import contract, many, questions, records
from voicebill.answers.cost import Cost, CostAsked, cost
from voicebill.answers.rows import RowEngine
from voicebill.answers.where import FIELDS, condition
from voicebill.billing.price_book import PriceBook
from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.engines.in_duckdb import DuckDB
from voicebill.engines.usage_table import COLUMNS, batches
from voicebill.facts import load

COMPARED = [each.name for each in fields(Cost) if each.name not in ("asked", "prices")]

several = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


class Counters:
    """Both ways to count, and what they say of a question."""

    def __init__(self, prices: PriceBook, duck: DuckDB) -> None:
        self.prices = prices
        self.duck = duck

    def agree(self, told: list[Record], asked: list[CostAsked]) -> list[Cost]:
        """The answers, if both give the same."""
        self.duck.take(told)
        rows = RowEngine(told)
        answers = []
        for each in asked:
            ours, theirs = cost(rows, each, self.prices), cost(self.duck, each, self.prices)
            for name in COMPARED:
                assert getattr(theirs, name) == getattr(ours, name), (name, each)
            answers.append(ours)
        return answers


@pytest.fixture(scope="module")
def counters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counters]:
    with DuckDB(threads=1) as duck:
        yield Counters(load(contract(tmp_path_factory.mktemp("prices"))).prices, duck)


@several
@given(st.lists(records(), max_size=12), st.lists(questions(), min_size=1, max_size=3))
def test_any_question_of_any_records_has_one_answer(counters: Counters, told: list[Record], asked: list[CostAsked]) -> None:
    """Whatever is asked of whatever records, DuckDB and the row path give the same answer in every part."""
    counters.agree(told, asked)


MANY = many(200)


def test_grouped_by_any_field_or_two_the_answer_is_one(counters: Counters) -> None:
    """200 records by each of the 17 fields, and by a quarter of their 136 pairs, all of them or the first five."""
    one = [CostAsked(by=(name,)) for name in FIELDS]
    pairs = list(combinations(FIELDS, 2))[::4]
    two = [CostAsked(by=pair, calls=False, top=5 if at % 2 else None) for at, pair in enumerate(pairs)]
    answers = counters.agree(MANY, [*one, *two])
    for answer in answers[: len(one)]:
        assert sum((group.low or 0) for group in answer.groups) == answer.total.low
        assert sum((group.high or 0) for group in answer.groups) == answer.total.high


@pytest.mark.parametrize(
    "where",
    [
        'tenant = \'o\'\'brien\' or tenant = "say ""no"""',
        "tenant in ('; DROP TABLE usage', ':p0', '$p1', '🦊', '')",
        "model = 'A|B'",
        "not (day >= 2026-11-10 and provider = azure)",
        "meter in (audio_in, session_ms) and status != exact",
        "offer = openai/stepper or offer = openai/gpt-4.1-mini",
        "not offer >= openai and tenant != acme",
        "hour < 2026-11-09T12 and turn > 3",
    ],
)
def test_conditions_hold_for_the_same_records(counters: Counters, where: str) -> None:
    """Quotes, keywords and what looks like SQL or a parameter are values like any other."""
    (answer,) = counters.agree(MANY, [CostAsked(where=condition(where), by=("tenant", "kind"))])
    assert answer.counts.records == answer.total.records > 0


def record(meters: dict[str, int], **more: object) -> Record:
    values = {"key": "k", "kind": "session", "model": "stepper", "day": date(2026, 11, 22), "source": "a", "ordinal": 1}
    return Record(readings=(Usage(meters),), **{**values, **more})  # type: ignore[arg-type]


def test_each_quantity_is_rounded_up_as_its_vendor_does_before_it_is_summed(counters: Counters) -> None:
    """Two calls of 61 s and one of 60 s at $0.01 a started minute: 2 + 2 + 1 minutes, $0.05; not 182 s, four minutes."""
    told = [record({"call_ms": ms}, key=str(at)) for at, ms in enumerate((61_000, 61_000, 60_000))]
    (answer,) = counters.agree(told, [CostAsked()])
    assert [line.line.quantity for line in answer.lines] == [300_000]
    assert answer.total.low == 50_000_000_000


def test_quantities_of_a_trillion_are_summed_exactly(counters: Counters) -> None:
    """9 responses of 10¹² + 1 audio tokens out at $64 a million: 9 × (10¹² + 1) × 64 micro-dollars."""
    told = [
        record({"audio_out": 10**12 + 1}, key=str(at), kind="response", model="gpt-realtime", day=date(2026, 11, 1))
        for at in range(9)
    ]
    (answer,) = counters.agree(told, [CostAsked()])
    assert answer.total.low == 9 * (10**12 + 1) * 64_000_000


def response(tokens: int) -> Record:
    return record({"audio_in": tokens}, kind="response")


def test_of_a_record_told_again_the_one_that_knows_more_counts_wherever_it_stands(counters: Counters) -> None:
    """Exact before inconsistent before none; of equals the later: 300 tokens, then 7 again and again."""
    worse = replace(response(9), readings=(Usage({"audio_in": 9}, "inconsistent"),))
    none = replace(worse, readings=(Usage({}, "none"),))
    for told, tokens in (
        ([response(300), worse, none], 300),
        ([none, worse, response(300)], 300),
        ([response(300), response(7)], 7),
        ([none, worse], 9),
    ):
        (answer,) = counters.agree(told, [CostAsked()])
        assert [line.line.quantity for line in answer.lines] == [tokens]
        assert counters.duck.take(told) == len(told) - 1


def test_nothing_costs_nothing(counters: Counters) -> None:
    """No record at all: no line, no group, no session, and $0."""
    (answer,) = counters.agree([], [CostAsked(by=("day",), top=1)])
    assert (answer.counts.records, answer.total.low, answer.lines, answer.per_call) == (0, 0, (), None)


@pytest.fixture(scope="module")
def parquet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 row groups of a usage table, so that threads have something to share."""
    file = tmp_path_factory.mktemp("usage") / "usage.parquet"
    table = pa.Table.from_batches(batches(many(3_000))).select(COLUMNS)
    pq.write_table(table, file, row_group_size=len(table) // 30)
    return file


def test_the_answer_is_the_same_on_any_number_of_threads_and_at_any_time(counters: Counters, parquet: Path) -> None:
    """1, 2 and 4 threads over 30 row groups, and 20 times on 4."""
    asked = CostAsked(by=("model", "tenant"), top=7)
    answers = []
    for threads in (1, 2, 4):
        with DuckDB([parquet], threads=threads) as engine:
            answers.append(cost(engine, asked, counters.prices))
            if threads == 4:
                answers += [cost(engine, replace(asked, calls=False), counters.prices) for _ in range(20)]
    first = answers[0]
    assert {answer.total for answer in answers} == {first.total}
    assert all(
        (answer.groups, answer.lines, answer.unpriced) == (first.groups, first.lines, first.unpriced) for answer in answers
    )
    assert len({answer.per_call.mean for answer in answers if answer.per_call}) == 1


def test_what_no_price_is_known_for_is_unpriced_in_every_reading(counters: Counters) -> None:
    """One reading has no audio at all, the other one token: of a model that nobody names neither is billed, not even $0."""
    readings = (Usage({"text_in": 1}, "bounded"), Usage({"text_in": 1, "audio_in": 1}, "bounded"))
    unnamed = Record(key="k", kind="response", readings=readings, source="a.jsonl", ordinal=1)
    (answer,) = counters.agree([unnamed], [CostAsked(where=condition("meter = audio_in"))])
    assert (answer.counts.billed, answer.counts.unpriced) == (0, 1)
