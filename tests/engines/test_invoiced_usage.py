"""Test that a bill beside the usage in DuckDB and in Spark gives what the Python engine gives, to the last picodollar."""

import os
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.answers.invoices.months import (
    OPENAI_COSTS,
    OPENAI_USAGE,
    BillStyle,
    bill,
    month,
    reconciled,
    twice,
    without_sessions,
    without_usage,
)
from voicebill.answers.invoices.charge import Charge
from voicebill.answers.invoices.reconciliation import Reconciliation
from voicebill.answers.invoices.request import ReconcileRequest
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.price_book import PriceBook
from voicebill.billing.record import Record
from voicebill.engines.in_duckdb import DuckDBEngine
from voicebill.engines.invoiced_usage import CountingDatabase, reconcile_usage
from voicebill.engines.usage_table import usage_table
from voicebill.facts import load_facts

PACIFIC = -14
STYLES = {"usage": OPENAI_USAGE, "costs": OPENAI_COSTS, "another time zone": replace(OPENAI_COSTS, offset=PACIFIC)}


@pytest.fixture(scope="module")
def prices() -> PriceBook:
    return load_facts().prices


def faulty_log() -> tuple[list[Record], list[Record]]:
    """Ten days of calls, and the log of them: without some sessions and some usage, and with some responses twice."""
    records = list(month(days=10, calls=5).records)
    kept = without_usage(twice(without_sessions(records, share=0.1), share=0.1), share=0.05)
    later = [replace(record, time=record.time + timedelta(seconds=2)) for record in kept if record.time]
    return records, [after if after.key.startswith("copy-") else record for record, after in zip(kept, later, strict=True)]


def in_database(database: CountingDatabase, charges: list[Charge], prices: PriceBook) -> Reconciliation:
    return reconcile_usage(database, CostQuery(), charges, prices, ReconcileRequest())


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_duckdb_gives_what_the_python_engine_gives(prices: PriceBook, style: BillStyle) -> None:
    records, kept = faulty_log()
    charges = bill(records, prices, style)
    with DuckDBEngine(threads=1) as duck:
        duck.load(kept)
        answer = in_database(duck, charges, prices)
    expected = reconciled(kept, charges, prices)
    assert (answer.lines, answer.causes) == (expected.lines, expected.causes)
    assert (answer.days, answer.warnings, answer.assumptions) == (expected.days, expected.warnings, expected.assumptions)
    assert {name for total in answer.causes for name in total.cause.names} >= {"duplicates", "sessions-missing"}


@pytest.mark.long
@pytest.mark.skipif(
    shutil.which("java") is None and "JAVA_HOME" not in os.environ and "CI" not in os.environ, reason="Spark needs Java"
)
def test_spark_gives_what_the_python_engine_gives(prices: PriceBook, tmp_path: Path) -> None:
    if "CI" not in os.environ:
        pytest.importorskip("pyspark")
    from voicebill.engines.in_spark import SparkEngine  # noqa: PLC0415 - needs pyspark

    records, kept = faulty_log()
    file = tmp_path / "usage.parquet"
    pq.write_table(usage_table(kept), file)
    with SparkEngine([file], master="local[2]", settings={"spark.sql.shuffle.partitions": "1"}) as spark:
        for style in STYLES.values():
            charges = bill(records, prices, style)
            answer, expected = in_database(spark, charges, prices), reconciled(kept, charges, prices)
            assert (answer.lines, answer.causes) == (expected.lines, expected.causes)
