"""Test that calls are replayed with the same result from records, in DuckDB, in several processes, and in Spark."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from tests.calls.example import EXAMPLE
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.recorded.filters import parse_filter
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.replay.replay import Replay, replay
from voicebill.answers.replay.request import ReplayRequest
from voicebill.answers.sessions.recorded_models import RecordedModels
from voicebill.answers.sessions.recorded_session import sessions_of_records
from voicebill.billing.errors import InvalidInput
from voicebill.billing.record import Record
from voicebill.engines import session_pool
from voicebill.engines.in_duckdb import DuckDBEngine
from voicebill.engines.in_spark import SparkEngine
from voicebill.engines.replayed_usage import replay_usage
from voicebill.facts import load_facts
from voicebill.logs.read import read_log

QUERY = CostQuery()
REQUEST = ReplayRequest(
    selection=ModelSelection(model="any", day=date(2026, 11, 22)),
    models=("gpt-realtime-2.1-mini", "grok-voice-3.0"),
    stacks=("best",),
    with_savings=True,
)


@cache
def models() -> RecordedModels:
    """Prices and rules of the recorded models."""
    return RecordedModels(load_facts(), QUERY)


@cache
def example_records() -> tuple[Record, ...]:
    """The records of the example log."""
    return tuple(read_log(EXAMPLE))


@pytest.fixture(scope="module")
def duck() -> Iterator[DuckDBEngine]:
    with DuckDBEngine() as engine:
        engine.load(example_records())
        yield engine


@pytest.fixture(scope="module")
def in_memory() -> Replay:
    """What the records in memory give."""
    return replay(REQUEST, models(), lambda: sessions_of_records(example_records()))


def figures(answer: Replay) -> dict[str, object]:
    """All that an answer says."""
    return {**answer.to_dict(), "records_without_session": 0}


def test_records_and_duckdb_give_the_same(duck: DuckDBEngine, in_memory: Replay) -> None:
    assert figures(replay_usage(duck, QUERY, REQUEST, models())) == figures(in_memory)


def test_several_processes_give_the_same(duck: DuckDBEngine, in_memory: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_pool, "CALLS_PER_TASK", 7)
    seen: list[int] = []
    answer = replay_usage(duck, QUERY, REQUEST, models(), processes=2, on_call=seen.append)
    assert figures(answer) == figures(in_memory)
    assert seen[-1] == answer.calls > len(seen)


@pytest.mark.long
@pytest.mark.skipif(
    shutil.which("java") is None and "JAVA_HOME" not in os.environ and "CI" not in os.environ, reason="Spark needs Java"
)
def test_spark_gives_the_same(duck: DuckDBEngine, in_memory: Replay, tmp_path: Path) -> None:
    """Sessions are in several partitions, each replayed by itself."""
    if "CI" not in os.environ:
        pytest.importorskip("pyspark")
    duck.write(tmp_path / "usage.parquet")
    settings = {"spark.sql.shuffle.partitions": "3", "spark.sql.adaptive.enabled": "false"}
    with SparkEngine([tmp_path / "usage.parquet"], master="local[2]", settings=settings) as spark:
        assert figures(replay_usage(spark, QUERY, REQUEST, models())) == figures(in_memory)
        sampled = replay_usage(spark, QUERY, REQUEST, models(), sample=40)
    assert figures(sampled) == figures(replay_usage(duck, QUERY, REQUEST, models(), sample=40))


def test_a_sample_states_its_size_and_its_error_and_is_the_same_each_time(duck: DuckDBEngine, in_memory: Replay) -> None:
    sampled = replay_usage(duck, QUERY, REQUEST, models(), sample=60)
    assert sampled.sample is not None
    assert (sampled.sample.calls, sampled.sample.taken) == (in_memory.calls, sampled.calls)
    assert 40 <= sampled.calls <= 80
    for row, of_all in zip(
        sorted(sampled.targets, key=lambda row: row.name), sorted(in_memory.targets, key=lambda row: row.name), strict=True
    ):
        assert row.sampling_error is not None
        assert row.ratio is not None
        assert of_all.ratio is not None
        assert abs(float(row.ratio - of_all.ratio)) <= 2 * row.sampling_error
    assert figures(replay_usage(duck, QUERY, REQUEST, models(), sample=60)) == figures(sampled)


def test_a_sample_larger_than_the_log_is_the_log(duck: DuckDBEngine, in_memory: Replay) -> None:
    assert figures(replay_usage(duck, QUERY, REQUEST, models(), sample=1_000)) == figures(in_memory)


def test_a_filter_selects_whole_calls_and_names_no_offers(duck: DuckDBEngine) -> None:
    one_day = CostQuery(since=date(2026, 11, 17), until=date(2026, 11, 18))
    answer = replay_usage(duck, one_day, REQUEST, replace(models(), query=one_day))
    assert 0 < answer.calls < 114
    with pytest.raises(InvalidInput, match="names an offer"):
        replay_usage(duck, CostQuery(where=parse_filter("offer = openai/gpt-realtime-1.5")), REQUEST, models())
