"""Test that sessions are streamed from DuckDB as they are from records in memory, whatever is in them and however many."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engines.records import many_records, records
from voicebill.answers.recorded.filters import parse_filter
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.sessions.recorded_session import TokenQuantities, sessions_of_records
from voicebill.billing.errors import InvalidInput
from voicebill.billing.record import Record, ResponseDetails
from voicebill.billing.usage import Usage
from voicebill.engines import recorded_sessions as module
from voicebill.engines.in_duckdb import DuckDBEngine
from voicebill.engines.recorded_sessions import count_without_session, recorded_sessions
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.read import all_records
from voicebill.logs.report import ReadReport

SUPPORT_DAY = Path("docs/examples/support-day.jsonl")
several = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
START = datetime(2026, 11, 22, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def duck() -> Iterator[DuckDBEngine]:
    with DuckDBEngine(threads=1) as engine:
        yield engine


def response(key: str, session: str | None = "s", seconds: int = 0, **more: object) -> Record:
    values = {"kind": "response", "model": "gpt-realtime", "source": "a.jsonl", "line_number": 1, **more}
    usages = (Usage({"text_in": 10, "audio_out": 5}),)
    return Record(
        **{"key": key, "session": session, "usage_candidates": usages, "time": START + timedelta(seconds=seconds), **values}  # type: ignore[arg-type]
    )


@several
@given(st.lists(records(), max_size=12))
def test_both_ways_to_sessions_give_the_same(duck: DuckDBEngine, usage_records: list[Record]) -> None:
    """Any records: the same sessions in the same order, with the same values."""
    duck.load(usage_records)
    assert list(recorded_sessions(duck, CostQuery())) == list(sessions_of_records(usage_records))


def test_empty_names_and_empty_details_are_none(duck: DuckDBEngine) -> None:
    """A tenant without a name is none, and details of which nothing is known are none: in both ways."""
    usage_record = response("a", tenant="", details=ResponseDetails())
    duck.load([usage_record])
    sessions = list(recorded_sessions(duck, CostQuery()))
    assert sessions == list(sessions_of_records([usage_record]))
    assert (sessions[0].tenant, sessions[0].records[0].details) == (None, None)


def test_the_example_log_has_the_same_sessions_both_ways(duck: DuckDBEngine) -> None:
    """The sessions of a log of a day, and the records of each, are those of its records in memory."""
    usage_records = list(all_records([str(SUPPORT_DAY)], None, LogDefaults(), ReadReport()))
    duck.load(usage_records)
    sessions = list(recorded_sessions(duck, CostQuery()))
    assert sessions == list(sessions_of_records(usage_records))
    assert len(sessions) == len({record.session for record in usage_records if record.session}) > 1


def test_a_session_is_ordered_by_time_then_by_place(duck: DuckDBEngine) -> None:
    """A record without a time comes last; of two at one time, the one of the earlier line comes first."""
    usage_records = [
        response("d", time=None),
        response("c", seconds=5, line_number=9),
        response("b", seconds=5, line_number=2, session_started_at=START - timedelta(seconds=3)),
        response("a", seconds=9),
    ]
    duck.load(usage_records)
    (session,) = recorded_sessions(duck, CostQuery())
    assert [entry.key for entry in session.records] == ["b", "c", "a", "d"]
    assert session.started_ms == 1_795_338_000_000 - 3_000
    assert session.records[0].time_ms == 1_795_338_000_000 + 5_000


def test_a_record_is_one_row_with_its_meters_and_details(duck: DuckDBEngine) -> None:
    """Tokens have fields, other quantities are listed by name, and names are in lower case."""
    details = ResponseDetails(user_messages=1, user_audio_ms=2_500, played_ms=0, prompt="0123456789abcdef")
    quantities = {"text_in": 3, "text_in_cached": 64, "audio_in": 20, "audio_out": 7, "session_ms": 9, "call_ms": 60_000}
    usage_record = response(
        "a", usage_candidates=(Usage(quantities),), model="GPT-Realtime", tier="Priority", details=details, outcome="cancelled"
    )
    duck.load([usage_record])
    ((entry,),) = (session.records for session in recorded_sessions(duck, CostQuery()))
    assert entry.tokens == TokenQuantities(text_in=3, text_in_cached=64, audio_in=20, audio_out=7)
    assert entry.other == (("call_ms", 60_000), ("session_ms", 9))
    assert entry.details == details
    assert (entry.model, entry.tier, entry.provider, entry.outcome) == ("gpt-realtime", "priority", None, "cancelled")
    assert (entry.day, entry.status) == (date(2026, 11, 22), "exact")


def test_a_record_with_a_range_has_the_first_of_its_usages(duck: DuckDBEngine) -> None:
    usages = (Usage({"text_in": 5, "audio_in": 1}, "ambiguous"), Usage({"text_in": 1, "audio_in": 5}, "ambiguous"))
    duck.load([response("a", usage_candidates=usages)])
    ((entry,),) = (session.records for session in recorded_sessions(duck, CostQuery()))
    assert (entry.tokens, entry.status) == (TokenQuantities(text_in=5, audio_in=1), "ambiguous")


def test_sessions_of_one_name_belong_to_their_tenants(duck: DuckDBEngine) -> None:
    """Two tenants call a session "s": these are two sessions."""
    duck.load([response("a", tenant="acme"), response("b", tenant="bolt"), response("c", tenant="acme", seconds=1)])
    sessions = {session.tenant: [entry.key for entry in session.records] for session in recorded_sessions(duck, CostQuery())}
    assert sessions == {"acme": ["a", "c"], "bolt": ["b"]}


def keys(duck: DuckDBEngine, query: CostQuery, session: str | None = None) -> dict[str, list[str]]:
    return {entry.name: [record.key for record in entry.records] for entry in recorded_sessions(duck, query, session)}


def test_a_filter_selects_sessions_with_all_their_records(duck: DuckDBEngine) -> None:
    """A session of which one record matches is there as a whole: without its other records its history is not known."""
    usage_records = [
        response("a", "s1"),
        response("b", "s1", 86_400, model="GPT-realtime-mini"),
        response("c", "s2"),
        response("d", None),
        response("e", None, 86_400),
    ]
    duck.load(usage_records)
    assert keys(duck, CostQuery()) == {"s1": ["a", "b"], "s2": ["c"]}
    assert keys(duck, CostQuery(where=parse_filter("model = gpt-realtime-mini"))) == {"s1": ["a", "b"]}
    assert keys(duck, CostQuery(since=date(2026, 11, 23))) == {"s1": ["a", "b"]}
    assert keys(duck, CostQuery(until=date(2026, 11, 23))) == {"s1": ["a", "b"], "s2": ["c"]}
    assert keys(duck, CostQuery(where=parse_filter("meter = audio_in"))) == {}
    assert count_without_session(duck, CostQuery()) == 2
    assert count_without_session(duck, CostQuery(since=date(2026, 11, 23))) == 1
    assert count_without_session(duck, CostQuery(where=parse_filter("model = gpt-realtime-mini"))) == 0


@pytest.mark.parametrize("name", ["s'3", ":p0", "%", "", "two\nlines"])
def test_one_session_is_selected_by_its_exact_name(duck: DuckDBEngine, name: str) -> None:
    """A name that looks like SQL is an ordinary name."""
    duck.load([response("a", name), response("b", "s1")])
    assert keys(duck, CostQuery(), name) == {name: ["a"]}
    assert keys(duck, CostQuery(where=parse_filter("model = nothing")), name) == {}


def test_a_filter_by_offer_is_refused(duck: DuckDBEngine) -> None:
    """Prices are not known yet when sessions are read: the error names the filter, and what to write instead."""
    with pytest.raises(InvalidInput, match="name model or provider") as refusal:
        list(recorded_sessions(duck, CostQuery(where=parse_filter("not offer = openai/gpt-realtime"))))
    assert refusal.value.field == "where"


def test_the_answer_of_another_query_does_not_end_the_stream(duck: DuckDBEngine) -> None:
    """Sessions are streamed over a connection of their own: 700 sessions, with a count between any two."""
    usage_records = many_records(3_000)
    duck.load(usage_records)
    names: list[tuple[str, str]] = []
    for session in recorded_sessions(duck, CostQuery()):
        if not names:
            assert count_without_session(duck, CostQuery()) == sum(entry.session is None for entry in usage_records)
        names.append((session.tenant or "", session.name))
    assert names == sorted({(entry.tenant or "", entry.session) for entry in usage_records if entry.session})


@pytest.mark.parametrize("where", [None, "kind = response"])
def test_sessions_are_the_same_if_few_rows_are_sorted_at_a_time(
    duck: DuckDBEngine, monkeypatch: pytest.MonkeyPatch, where: str | None
) -> None:
    """As if memory had room for some hundred rows: many ranges of sessions, each session in one of them, none twice."""
    usage_records = many_records(3_000)
    duck.load(usage_records)
    query = CostQuery(where=parse_filter(where) if where else None)
    undivided = list(recorded_sessions(duck, query))
    monkeypatch.setattr(module, "SAMPLES_PER_RANGE", 4)
    ((memory_bytes,),) = duck.query(module.MEMORY_BYTES)
    monkeypatch.setattr(module, "ROW_BYTES", memory_bytes // module.MEMORY_SHARE_FOR_ROWS // 300)
    assert len(module.session_ranges(duck)) > 5
    assert list(recorded_sessions(duck, query)) == undivided
    assert len(undivided) > 700


def test_little_memory_is_enough_for_many_sessions() -> None:
    """With 64 MB, of which 16 MB may hold rows, 40,000 records are streamed in the order of their sessions; none is missing."""
    usage_records = [replace(entry, session=f"s{index % 700:03}") for index, entry in enumerate(many_records(40_000))]
    with DuckDBEngine(memory="64MB", threads=1) as engine:
        engine.load(usage_records)
        counts = {
            (session.tenant or "", session.name): len(session.records) for session in recorded_sessions(engine, CostQuery())
        }
    assert sum(counts.values()) == 40_000
    assert list(counts) == sorted(counts)
