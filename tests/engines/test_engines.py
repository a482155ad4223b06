"""Test that DuckDB and the Python engine give the same answer, to the last picodollar, to any query of any records."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cases import long_but
from tests.engines.records import COMPARED_FIELDS, contract, cost_queries, many_records, records
from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.engine import QuantityTotals
from voicebill.answers.recorded.filters import FILTER_FIELDS, parse_filter
from voicebill.answers.recorded.price_table import build_price_table
from voicebill.answers.recorded.python_engine import PythonEngine
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.recorded.result import Cost
from voicebill.billing.price_book import PriceBook
from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.engines.in_duckdb import DuckDBEngine
from voicebill.engines.usage_table import usage_table
from voicebill.facts import load_facts

several = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


class BothEngines:
    """The Python engine and DuckDB, to compare their answers to a query."""

    def __init__(self, prices: PriceBook, duck: DuckDBEngine) -> None:
        self.prices = prices
        self.duck = duck

    def agree(self, usage_records: list[Record], queries: list[CostQuery]) -> list[Cost]:
        """Return the answers if both engines give the same."""
        self.duck.load(usage_records)
        rows = PythonEngine(usage_records)
        answers = []
        for query in queries:
            ours, theirs = cost(rows, query, self.prices), cost(self.duck, query, self.prices)
            for name in COMPARED_FIELDS:
                assert getattr(theirs, name) == getattr(ours, name), (name, query)
            answers.append(ours)
        return answers

    def quantities(self, usage_records: list[Record], query: CostQuery) -> Sequence[QuantityTotals]:
        """Return the quantities by day if both engines give the same, and if they add up to the amount of the query."""
        self.duck.load(usage_records)
        ours, theirs = PythonEngine(usage_records).count(query), self.duck.count(query)
        price_table = build_price_table(ours.overview().names, self.prices)
        totals = ours.quantities(price_table)
        assert theirs.quantities(price_table) == totals, query
        rates = price_table.by_meter
        priced = [(entry, rates.get((price_table.period_on(entry.sku, entry.day), entry.meter))) for entry in totals]
        total = ours.total(price_table)
        assert sum(entry.low * rate.rate for entry, rate in priced if rate) == total.low
        assert sum(entry.high * rate.rate for entry, rate in priced if rate) == total.high
        assert sum(entry.records for entry in totals) <= total.records
        return totals


@pytest.fixture(scope="module")
def counters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BothEngines]:
    with DuckDBEngine(threads=1) as duck:
        yield BothEngines(load_facts(contract(tmp_path_factory.mktemp("prices"))).prices, duck)


@several
@given(st.lists(records(), max_size=12), st.lists(cost_queries(), min_size=1, max_size=3))
def test_engines_agree_on_any_query_of_any_records(
    counters: BothEngines, usage_records: list[Record], queries: list[CostQuery]
) -> None:
    """DuckDB and the Python engine give the same answer in every part."""
    counters.agree(usage_records, queries)


MANY = many_records(200)


def test_engines_agree_on_groups_by_any_field(counters: BothEngines) -> None:
    """200 records by each of the 19 fields."""
    for answer in counters.agree(MANY, [CostQuery(by=(name,)) for name in FILTER_FIELDS]):
        assert sum((group.low or 0) for group in answer.groups) == answer.total.low
        assert sum((group.high or 0) for group in answer.groups) == answer.total.high


NEIGHBOURS = tuple(zip(FILTER_FIELDS, (*FILTER_FIELDS[1:], FILTER_FIELDS[0]), strict=True))
"""19 pairs that have each field twice."""


@pytest.mark.parametrize("pair", long_but(NEIGHBOURS[::4], NEIGHBOURS), ids="-".join)
def test_engines_agree_on_groups_by_two_fields(counters: BothEngines, pair: tuple[str, str]) -> None:
    """200 records by each pair, all of the groups and the first five."""
    counters.agree(MANY, [CostQuery(by=pair, calls=False, top=top) for top in (None, 5)])


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
def test_engines_agree_on_filters(counters: BothEngines, where: str) -> None:
    """Quotes, keywords and text that looks like SQL or a parameter are ordinary values."""
    (answer,) = counters.agree(MANY, [CostQuery(where=parse_filter(where), by=("tenant", "kind"))])
    assert answer.counts.records == answer.total.records > 0


def record(meters: dict[str, int], **more: object) -> Record:
    values = {"key": "k", "kind": "session", "model": "stepper", "day": date(2026, 11, 22), "source": "a", "line_number": 1}
    return Record(usage_candidates=(Usage(meters),), **{**values, **more})  # type: ignore[arg-type]


def test_quantities_are_rounded_up_to_billing_increments_before_they_are_summed(counters: BothEngines) -> None:
    """Two calls of 61 s and one of 60 s at $0.01 a started minute: 2 + 2 + 1 minutes, $0.05; not 182 s, four minutes."""
    usage_records = [record({"call_ms": ms}, key=str(at)) for at, ms in enumerate((61_000, 61_000, 60_000))]
    (answer,) = counters.agree(usage_records, [CostQuery()])
    assert [line.line.quantity for line in answer.lines] == [300_000]
    assert answer.total.low == 50_000_000_000


@settings(several, max_examples=30)
@given(st.lists(records(), max_size=12), cost_queries())
def test_engines_agree_on_quantities_by_day(counters: BothEngines, usage_records: list[Record], query: CostQuery) -> None:
    """Quantities times rates are the total amount, exactly, and no record counts twice."""
    counters.quantities(usage_records, query)


@pytest.mark.parametrize("by", [(), ("meter", "tenant"), ("project", "hour", "kind"), ("offer", "day", "status", "model")])
def test_engines_agree_on_quantities_of_many_records(counters: BothEngines, by: tuple[str, ...]) -> None:
    assert sum(entry.records for entry in counters.quantities(MANY, CostQuery(by=by))) == len(MANY)


def test_quantities_are_summed_by_the_fields_of_a_query_and_by_day(counters: BothEngines) -> None:
    """Of Acme, 3 + 4 audio tokens on the 22nd and 5 on the 23rd; text in two of these records, and a record without usage."""
    rows = [
        response(3),
        record({"audio_in": 4, "text_in": 1}, key="b"),
        record({"text_in": 2, "audio_in": 5}, key="c", day=date(2026, 11, 23)),
        replace(record({}, key="d"), usage_candidates=(Usage({}, "missing"),)),
    ]
    usage_records = [replace(entry, tenant="Acme", model="gpt-realtime") for entry in rows]
    totals = counters.quantities(usage_records, CostQuery(by=("tenant",)))
    assert [(entry.keys, str(entry.day), entry.meter, entry.low, entry.records) for entry in totals] == [
        (("Acme",), "2026-11-22", "", 0, 1),
        (("Acme",), "2026-11-22", "audio_in", 7, 2),
        (("Acme",), "2026-11-22", "text_in", 1, 0),
        (("Acme",), "2026-11-23", "audio_in", 5, 0),
        (("Acme",), "2026-11-23", "text_in", 2, 1),
    ]


def minutes(key: str, meters: dict[str, int], session: str | None = "s1", model: str = "minutes", **more: object) -> Record:
    kind = "session" if "session_ms" in meters else "response"
    return record(meters, key=key, kind=kind, session=session, model=model, day=date(2026, 11, 1), **more)


BY_METER = [
    CostQuery(),
    CostQuery(by=("meter",)),
    CostQuery(by=("session", "kind")),
    CostQuery(where=parse_filter("meter = text_in")),
]


def test_tokens_that_the_minutes_include_cost_nothing_in_sessions_whose_time_is_recorded(counters: BothEngines) -> None:
    """Session s1 has 90 s at $0.08 a minute, $0.12, and 150 tokens; the 10 tokens of s2 have no price without its time."""
    tokens, time = minutes("1", {"text_in": 100, "audio_out": 50}), minutes("2", {"session_ms": 90_000})
    usage_records = [tokens, time, minutes("3", {"text_in": 7, "audio_in": 3}, "s2")]
    total, by_meter, *_ = counters.agree(usage_records, BY_METER)
    assert (total.total.low, total.total.unpriced, total.counts.records) == (120_000_000_000, 2, 3)
    assert (total.counts.billed, total.counts.unpriced) == (2, 1)
    assert {line.meter: (line.low, line.reason) for line in total.unpriced} == {
        meter: (
            count,
            "minutes bills the minutes of a session, which include tokens, and the time of these sessions is not known",
        )
        for meter, count in (("text_in", 7), ("audio_in", 3))
    }
    assert {group.keys: group.records for group in by_meter.groups} == {
        (None,): 1,
        ("session_ms",): 1,
        ("text_in",): 1,
        ("audio_in",): 1,
    }


def test_without_a_session_the_source_says_whose_time_it_is(counters: BothEngines) -> None:
    usage_records = [minutes("1", {"text_in": 100}, None), minutes("2", {"session_ms": 60_000}, None)]
    (answer, *_) = counters.agree(usage_records, BY_METER)
    assert (answer.total.low, answer.total.unpriced) == (80_000_000_000, 0)
    usage_records[1] = replace(usage_records[1], source="another log")
    (answer, *_) = counters.agree(usage_records, BY_METER)
    assert (answer.total.low, answer.total.unpriced) == (80_000_000_000, 1)


def test_the_time_of_a_session_may_be_of_a_record_that_names_the_default_provider(counters: BothEngines) -> None:
    """The filter selects the 100 tokens only. They are included in the minutes, whose record names what the query assumes."""
    usage_records = [minutes("1", {"text_in": 100}), minutes("2", {"session_ms": 90_000}, provider="OpenAI")]
    (answer,) = counters.agree(usage_records, [CostQuery(where=parse_filter("meter = text_in"))])
    assert (answer.counts.billed, answer.counts.unpriced, answer.total.low) == (1, 0, 0)


def test_minutes_and_text_are_both_billed_and_audio_is_included(counters: BothEngines) -> None:
    """30 s at $0.08 a minute, 1,000 text tokens in at $1 and 100 out at $2 a million: 0.04 + 0.001 + 0.0002."""
    both = {"session_ms": 30_000, "text_in": 1_000, "text_out": 100, "audio_in": 300, "audio_out": 500}
    (answer, *_) = counters.agree([minutes("1", both, model="minutes-and-text")], BY_METER)
    assert (answer.total.low, answer.total.unpriced) == (41_200_000_000, 0)


def test_minutes_that_the_log_does_not_have_are_missing_from_the_total(counters: BothEngines) -> None:
    """The text has a price, and its session's minutes would have one: the amount is a part."""
    (answer, *_) = counters.agree([minutes("1", {"text_in": 1_000}, model="minutes-and-text")], BY_METER)
    assert (answer.total.low, answer.total.unpriced) == (1_000_000_000, 1)
    (line,) = answer.unpriced
    assert (line.meter, line.reason) == (
        "session_ms",
        "minutes-and-text bills the minutes of a session as well, and the time of its sessions is not known",
    )


@several
@given(
    st.lists(
        st.builds(
            minutes,
            st.sampled_from(["k1", "k2", "k3", "k4"]),
            st.dictionaries(
                st.sampled_from(["session_ms", "text_in", "audio_in", "audio_out"]), st.integers(1, 99_999), max_size=3
            ),
            st.sampled_from([None, "s1", "s2"]),
            st.sampled_from(["minutes", "minutes-and-text", "MINUTES"]),
            provider=st.sampled_from([None, "openai", "OpenAI"]),
            tenant=st.sampled_from([None, "", "acme"]),
        ),
        max_size=8,
    ),
    st.lists(cost_queries() | st.sampled_from(BY_METER), min_size=2, max_size=4),
)
def test_engines_agree_on_minutes_that_include_tokens(
    counters: BothEngines, usage_records: list[Record], queries: list[CostQuery]
) -> None:
    counters.agree(usage_records, queries)


def test_quantities_of_a_trillion_are_summed_exactly(counters: BothEngines) -> None:
    """9 responses of 10¹² + 1 audio tokens out at $64 a million: 9 × (10¹² + 1) × 64 micro-dollars."""
    usage_records = [
        record({"audio_out": 10**12 + 1}, key=str(at), kind="response", model="gpt-realtime", day=date(2026, 11, 1))
        for at in range(9)
    ]
    (answer,) = counters.agree(usage_records, [CostQuery()])
    assert answer.total.low == 9 * (10**12 + 1) * 64_000_000


def response(tokens: int) -> Record:
    return record({"audio_in": tokens}, kind="response")


@pytest.mark.parametrize("responses", [1, 20])
def test_sessions_of_more_than_64_bits_are_summed_exactly(counters: BothEngines, responses: int) -> None:
    """A trillion tokens at $4 per million are 4 × 10^18 picodollars, and 64 bits end at 9.2 × 10^18."""
    day = date(2026, 11, 1)
    usage_records = [
        record({"text_in": 10**12}, key=str(at), kind="response", model="gpt-realtime", day=day, session="long")
        for at in range(responses)
    ]
    (answer,) = counters.agree(usage_records, [CostQuery()])
    assert answer.per_call is not None
    assert answer.total.low == responses * 4 * 10**18


def test_the_most_complete_of_repeated_records_counts_wherever_it_stands(counters: BothEngines) -> None:
    """Exact before inconsistent before missing; of equally complete ones the later: 300 tokens, then 7 again and again."""
    worse = replace(response(9), usage_candidates=(Usage({"audio_in": 9}, "inconsistent"),))
    none = replace(worse, usage_candidates=(Usage({}, "missing"),))
    for usage_records, tokens in (
        ([response(300), worse, none], 300),
        ([none, worse, response(300)], 300),
        ([response(300), response(7)], 7),
        ([none, worse], 9),
    ):
        (answer,) = counters.agree(usage_records, [CostQuery()])
        assert [line.line.quantity for line in answer.lines] == [tokens]
        assert counters.duck.load(usage_records) == len(usage_records) - 1


def test_no_records_cost_nothing(counters: BothEngines) -> None:
    """No record at all: no line, no group, no session, and $0."""
    (answer,) = counters.agree([], [CostQuery(by=("day",), top=1)])
    assert (answer.counts.records, answer.total.low, answer.lines, answer.per_call) == (0, 0, (), None)


@pytest.fixture(scope="module")
def parquet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a usage table of 30 row groups, so that threads share the work."""
    file = tmp_path_factory.mktemp("usage") / "usage.parquet"
    table = usage_table(many_records(3_000))
    pq.write_table(table, file, row_group_size=len(table) // 30)
    return file


@pytest.mark.parametrize("times", long_but((5,), [5, 20]))
def test_the_answer_is_the_same_on_any_number_of_threads_and_at_any_time(
    counters: BothEngines, parquet: Path, times: int
) -> None:
    """1, 2 and 4 threads over 30 row groups, and again and again on 4."""
    query = CostQuery(by=("model", "tenant"), top=7)
    answers = []
    for threads in (1, 2, 4):
        with DuckDBEngine([parquet], threads=threads) as engine:
            answers.append(cost(engine, query, counters.prices))
            if threads == 4:
                answers += [cost(engine, replace(query, calls=False), counters.prices) for _ in range(times)]
    first = answers[0]
    assert {answer.total for answer in answers} == {first.total}
    assert all(
        (answer.groups, answer.lines, answer.unpriced) == (first.groups, first.lines, first.unpriced) for answer in answers
    )
    assert len({answer.per_call.mean for answer in answers if answer.per_call}) == 1


def test_a_record_that_may_count_nothing_is_a_range(counters: BothEngines) -> None:
    """One reading has a text token, the other one nothing: $0 to the price of a token."""
    readings = (Usage({"text_in": 1}, "ambiguous"), Usage({}, "ambiguous"))
    uncertain = replace(response(1), usage_candidates=readings, model="gpt-4.1-mini")
    (answer,) = counters.agree([uncertain], [CostQuery()])
    assert answer.total.low == 0
    assert answer.total.high


def test_a_record_of_an_unknown_model_is_unpriced_in_every_reading(counters: BothEngines) -> None:
    """One reading has no audio, the other one token: without a known model neither is priced, not even at $0."""
    readings = (Usage({"text_in": 1}, "ambiguous"), Usage({"text_in": 1, "audio_in": 1}, "ambiguous"))
    unattributed = Record(key="k", kind="response", usage_candidates=readings, source="a.jsonl", line_number=1)
    (answer,) = counters.agree([unattributed], [CostQuery(where=parse_filter("meter = audio_in"))])
    assert (answer.counts.billed, answer.counts.unpriced) == (0, 1)


@pytest.mark.parametrize("counts_nothing_first", [True, False])
def test_a_record_that_may_count_nothing_is_unpriced_without_a_price(counters: BothEngines, counts_nothing_first: bool) -> None:
    """Without a model, a record of 7 text tokens or of nothing is 0 to 7 unpriced tokens, and its session has no amount."""
    readings = [Usage({"text_in": 7}, "ambiguous"), Usage({}, "ambiguous")]
    candidates = tuple(readings[::-1] if counts_nothing_first else readings)
    uncertain = Record(key="k", kind="response", usage_candidates=candidates, source="a.jsonl", line_number=1, session="s")
    (answer,) = counters.agree([uncertain], [CostQuery()])
    assert (answer.counts.billed, answer.counts.unpriced, answer.total.low, answer.per_call) == (0, 1, None, None)
    assert [(line.meter, line.low, line.high) for line in answer.unpriced] == [("text_in", 0, 7)]
