"""Run the SQL statements in Apache Spark, on this machine or on a cluster. Needs the extra `spark`, and Java 17."""

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.errors import VoicebillError
from voicebill.engines.in_duckdb import EngineError
from voicebill.engines.ledger_check import explain_unreadable
from voicebill.engines.sql import SUMMED_TYPE, Statement
from voicebill.engines.sql_engine import SqlQuery
from voicebill.engines.usage_table import USAGE_SCHEMA, small_table
from voicebill.extras import import_extra

LOCAL_MASTER = "local[*]"
PartitionResult = TypeVar("PartitionResult")

SPARK_TYPES = {
    "string": "STRING",
    "int64": "BIGINT",
    "int32": "INT",
    "date32[day]": "DATE",
    "timestamp[us, tz=UTC]": "TIMESTAMP",
}
USAGE_COLUMNS_DDL = ", ".join(f"{field.name} {SPARK_TYPES[str(field.type)]}" for field in USAGE_SCHEMA)
"""The columns of the usage table: one that an earlier version did not write to a file is null."""

LOG4J_CONFIG = Path(__file__).with_name("log4j2.properties")


class SparkUnavailable(VoicebillError, RuntimeError):
    """Spark is not installed, or cannot start."""


class SparkEngine:
    """An engine that counts a usage table in Parquet files with Spark.

    `master` is Spark's master URL; `settings` are further Spark settings, as a cluster may need.
    """

    def __init__(self, files: Sequence[Path], *, master: str = LOCAL_MASTER, settings: Mapping[str, str] | None = None) -> None:
        self._session = _start_session(master, settings or {})
        self._materialized: dict[str, Any] = {}
        self._files = [file.resolve() for file in files]
        names = (re.sub(r"([\[\]{}*?\\])", r"\\\1", str(file)) for file in self._files)  # Spark takes them for patterns
        with self._stopped_on_failure(), self._translated_errors():
            # The option keeps Spark from reading columns from the names of folders, such as tenant=acme.
            reader = self._session.read.schema(USAGE_COLUMNS_DDL).option("recursiveFileLookup", "true")
            reader.parquet(*names).createOrReplaceTempView("usage")

    def __enter__(self) -> "SparkEngine":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop the Spark session."""
        self._session.stop()

    def query(self, statement: Statement) -> Sequence[Any]:
        """Run a statement and return its rows."""
        with self._translated_errors():
            return [tuple(row) for row in self._frame(statement).collect()]

    def stream(self, statement: Statement, rows: int) -> Iterator[Any]:  # noqa: ARG002 - Spark fetches a partition at a time
        """Run a statement and yield its rows, one partition after another."""
        with self._translated_errors():
            yield from map(tuple, self._frame(statement).toLocalIterator())

    def materialize(self, view: str, statement: Statement) -> None:
        """Run a statement and keep its rows as a view."""
        previous = self._materialized.pop(view, None)
        with self._translated_errors():
            self._materialized[view] = self._frame(statement).persist()
            self._materialized[view].createOrReplaceTempView(view)
        if previous is not None:
            previous.unpersist()

    def register(self, view: str, columns: Mapping[str, type], rows: Sequence[Sequence[Any]]) -> None:
        """Register a small table as a view."""
        self._session.createDataFrame(small_table(columns, rows)).createOrReplaceTempView(view)

    def map_partitions(
        self,
        statement: Statement,
        *,
        by: Sequence[str],
        order: Sequence[str],
        function: Callable[[Iterator[Any]], PartitionResult],
    ) -> Iterator[PartitionResult]:
        """Apply a function to the rows of a statement in every partition, and yield its results one after another.

        Rows that are equal in the columns `by` are in one partition; in each, rows are in order, and nulls come last.
        """
        with self._translated_errors():
            frame = self._frame(statement).repartition(*by)
            ordered = frame.sortWithinPartitions(*(frame[name].asc_nulls_last() for name in order))
            yield from ordered.rdd.mapPartitions(lambda rows: [function(rows)]).toLocalIterator()

    def count(self, query: CostQuery) -> SqlQuery:
        """Count the records that a query matches."""
        return SqlQuery(self, query)

    @contextmanager
    def _stopped_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        """Raise Spark's errors, which are pages of Java, as an `EngineError` of one sentence."""
        try:
            yield
        except Exception as error:
            reason = explain_unreadable(self._files) or f"Spark cannot do this: {str(error).splitlines()[0][:300]}"
            raise EngineError(reason) from None

    def _frame(self, statement: Statement) -> Any:  # noqa: ANN401 - pyspark's frame
        text = statement.text.replace(SUMMED_TYPE, "DECIMAL(18, 0)")  # of a BIGINT, Spark's sums have 64 bits
        return self._session.sql(text, args=statement.values)


def _start_session(master: str, settings: Mapping[str, str]) -> Any:  # noqa: ANN401 - pyspark's session
    spark_session = import_extra("spark", "costing with Spark", "pyspark.sql").SparkSession
    try:
        builder = spark_session.builder.master(master).appName("voicebill")
        for name, value in {
            **SPARK_SETTINGS,
            **(LOCAL_SPARK_SETTINGS if master.startswith("local") else {}),
            **settings,
        }.items():
            builder = builder.config(name, value)
        with _own_python() if master.startswith("local") else nullcontext():
            session = builder.getOrCreate()
        session.sparkContext.setLogLevel("OFF")
    except Exception as error:
        reason = str(error).splitlines()[0][:200]
        raise SparkUnavailable(f"Spark cannot start at {master}; it needs Java 17 or later: {reason}") from None
    return session


@contextmanager
def _own_python() -> Iterator[None]:
    """Let Spark on this machine start this Python, which has voicebill: a context reads that from the environment alone."""
    before = os.environ.get(PYTHON_VARIABLE)
    os.environ[PYTHON_VARIABLE] = before or sys.executable
    try:
        yield
    finally:
        if before is None:
            del os.environ[PYTHON_VARIABLE]


PYTHON_VARIABLE = "PYSPARK_PYTHON"
SPARK_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.extraJavaOptions": f'"-Dlog4j2.configurationFile={LOG4J_CONFIG.as_uri()}"',
}
LOCAL_SPARK_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "4",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
}
