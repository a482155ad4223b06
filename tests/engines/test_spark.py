"""Test that Spark gives the same answer as DuckDB on the same Parquet files, to the last picodollar."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.engines.records import COMPARED_FIELDS, contract, many_records
from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.filters import parse_filter
from voicebill.answers.recorded.price_table import build_price_table
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.price_book import PriceBook
from voicebill.engines.in_duckdb import DuckDBEngine
from voicebill.engines.in_spark import SparkEngine, SparkUnavailable
from voicebill.engines.usage_table import usage_table
from voicebill.facts import load_facts

pytestmark = pytest.mark.skipif(
    shutil.which("java") is None and "JAVA_HOME" not in os.environ and "CI" not in os.environ,
    reason="Spark needs Java: `apt-get install openjdk-17-jre-headless` brings it on Debian",
)

SMALL = {"spark.sql.shuffle.partitions": "1", "spark.sql.adaptive.enabled": "false"}
"""Settings for a few hundred rows."""
INTERPRETED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
"""Settings with which Spark compiles no Java for a query: of so few rows, that takes a quarter of the time."""


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> PriceBook:
    return load_facts(contract(tmp_path_factory.mktemp("prices"))).prices


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Write 600 records to two files, the second without projects, as an earlier version wrote them."""
    folder = tmp_path_factory.mktemp("usage ledger")
    paths = []
    for name, records in (("a", many_records(400)), ("b'c", many_records(600)[400:])):
        paths.append(folder / f"{name}.parquet")
        table = usage_table(records)
        pq.write_table(table if name == "a" else table.drop_columns(["project"]), paths[-1])
    return paths


@pytest.fixture(
    scope="module",
    params=[pytest.param(INTERPRETED, id="interpreted"), pytest.param({}, id="compiled", marks=pytest.mark.long)],
)
def spark(files: list[Path], request: pytest.FixtureRequest) -> Iterator[SparkEngine]:
    if "CI" not in os.environ:
        pytest.importorskip("pyspark")
    with SparkEngine(files, master="local[2]", settings=SMALL | request.param) as engine:
        yield engine


@pytest.mark.parametrize(
    ("where", "query_fields"),
    [
        (None, {"by": ("tenant", "project", "meter"), "top": 9}),
        pytest.param(
            "(offer = openai/stepper or not provider = azure and hour < 2026-11-10T12) and meter in (audio_in, session_ms)",
            {"by": ("day", "model", "region", "status"), "calls": False},
            marks=pytest.mark.long,
        ),
    ],
)
def test_spark_and_duckdb_agree(
    spark: SparkEngine, files: list[Path], prices: PriceBook, where: str | None, query_fields: dict[str, Any]
) -> None:
    """By one field and by several, of an offer, of a meter, with percentiles: every part of the answer is equal."""
    query = CostQuery(where=parse_filter(where) if where else None, **query_fields)
    with DuckDBEngine(files, threads=1) as duck:
        duckdb_answer = cost(duck, query, prices)
    spark_answer = cost(spark, query, prices)
    for name in COMPARED_FIELDS:
        assert getattr(spark_answer, name) == getattr(duckdb_answer, name), name
    assert spark_answer.counts.records > 0
    assert spark_answer.groups


def test_spark_and_duckdb_agree_on_quantities_by_day(spark: SparkEngine, files: list[Path], prices: PriceBook) -> None:
    query = CostQuery(by=("project", "hour", "kind"))
    with DuckDBEngine(files, threads=1) as duck:
        counted_query = duck.count(query)
        price_table = build_price_table(counted_query.overview().names, prices)
        totals = counted_query.quantities(price_table)
    assert spark.count(query).quantities(price_table) == totals
    assert sum(entry.records for entry in totals) == 600


def test_an_invalid_master_is_refused_in_one_sentence(
    spark: SparkEngine, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spark's own reason follows on the same line."""

    class Refusing:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError("no such cluster\nand a page of Java")

    monkeypatch.setattr("pyspark.sql.SparkSession.builder", Refusing())
    with pytest.raises(
        SparkUnavailable, match=r"^Spark cannot start at spark://x:1; it needs Java 17 or later: no such cluster$"
    ):
        SparkEngine(files, master="spark://x:1")
