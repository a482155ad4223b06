"""The one SQL text on Spark: the same answer as DuckDB's on the same Parquet, to the last picodollar."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.engines.records import contract, many
from tests.engines.test_engines import COMPARED
from voicebill.answers.cost import CostAsked, cost
from voicebill.answers.where import condition
from voicebill.billing.price_book import PriceBook
from voicebill.engines.in_duckdb import DuckDB
from voicebill.engines.in_spark import NoSpark, Spark
from voicebill.engines.usage_table import COLUMNS, batches
from voicebill.facts import load

pytestmark = pytest.mark.skipif(
    shutil.which("java") is None and "JAVA_HOME" not in os.environ and "CI" not in os.environ,
    reason="Spark needs Java, and there is none here",
)

SMALL = {"spark.sql.shuffle.partitions": "1", "spark.sql.adaptive.enabled": "false"}
"""What suits a few hundred rows."""


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> PriceBook:
    return load(contract(tmp_path_factory.mktemp("prices"))).prices


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """600 records in two files: exact, bounded, contradicting and none; known and unknown models; vendors' steps."""
    folder = tmp_path_factory.mktemp("usage ledger")
    found = []
    for name, records in (("a", many(400)), ("b'c", many(600)[400:])):
        found.append(folder / f"{name}.parquet")
        pq.write_table(pa.Table.from_batches(batches(records)).select(COLUMNS), found[-1])
    return found


@pytest.fixture(scope="module")
def spark(files: list[Path]) -> Iterator[Spark]:
    if "CI" not in os.environ:
        pytest.importorskip("pyspark")
    with Spark(files, master="local[2]", settings=SMALL) as engine:
        yield engine


@pytest.mark.parametrize(
    ("where", "asked"),
    [
        (None, {"by": ("tenant", "meter"), "top": 9}),
        (
            "(offer = openai/stepper or not provider = azure and hour < 2026-11-10T12) and meter in (audio_in, session_ms)",
            {"by": ("day", "model", "region", "status"), "calls": False},
        ),
    ],
)
def test_spark_and_duckdb_give_one_answer(
    spark: Spark, files: list[Path], prices: PriceBook, where: str | None, asked: dict[str, Any]
) -> None:
    """By one field and by several, of an offer, of a meter, with percentiles: every part of the answer is equal."""
    question = CostAsked(where=condition(where) if where else None, **asked)
    with DuckDB(files, threads=1) as duck:
        expected = cost(duck, question, prices)
    found = cost(spark, question, prices)
    for name in COMPARED:
        assert getattr(found, name) == getattr(expected, name), name
    assert found.counts.records > 0
    assert found.groups


def test_a_master_that_is_none_is_refused_in_a_sentence(
    spark: Spark, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever Spark itself says of it, in one line."""

    class Refusing:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError("no such cluster\nand a page of Java")

    monkeypatch.setattr("pyspark.sql.SparkSession.builder", Refusing())
    with pytest.raises(NoSpark, match=r"^Spark cannot start at spark://x:1; it needs Java 17 or later: no such cluster$"):
        Spark(files, master="spark://x:1")
