"""Apache Spark: the same SQL text, on this machine or on any cluster. Needs the extra `spark`, and Java 17."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any

from voicebill.answers.cost import Priced
from voicebill.billing.errors import VoicebillError
from voicebill.engines.engine import SqlEngine
from voicebill.engines.sql import SOLD, Query

LOCAL = "local[*]"

SPANS = "span INT, provider STRING, model STRING, deployment STRING, region STRING, tier STRING, since DATE, until DATE, offer STRING"
RATES = "span INT, meter STRING, rate DECIMAL(18, 0), lowest DECIMAL(18, 0), highest DECIMAL(18, 0), step BIGINT"


class NoSpark(VoicebillError, RuntimeError):
    """Spark is not there, or cannot start."""


class Spark(SqlEngine):
    """Counts the Parquet files of a usage table."""

    def __init__(self, files: Sequence[Path], *, master: str = LOCAL) -> None:
        super().__init__()
        self._session = _started(master)
        self._session.read.parquet(*(str(file.resolve()) for file in files)).createOrReplaceTempView("usage")

    def __enter__(self) -> "Spark":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop the session that was started."""
        self._session.stop()

    def run(self, query: Query) -> Sequence[Any]:
        """The rows of a query."""
        return [tuple(row) for row in self._session.sql(query.text, args=query.values).collect()]

    def hold(self, priced: Priced) -> None:
        """Make the prices of a question known as the views `spans` and `rates`."""
        spans = [
            (
                at,
                *(getattr(span.sold, name) for name in SOLD),
                span.since,
                span.until,
                span.found.offer.id if span.found else None,
            )
            for at, span in enumerate(priced.spans)
        ]
        rates = [
            (row.span, row.meter, Decimal(row.rate), Decimal(row.lowest), Decimal(row.highest), row.step) for row in priced.rows
        ]
        self._view("spans", spans, SPANS)
        self._view("rates", rates, RATES)

    def _view(self, name: str, rows: Sequence[tuple[Any, ...]], schema: str) -> None:
        self._session.createDataFrame(rows, schema).createOrReplaceTempView(name)


def _started(master: str) -> Any:  # noqa: ANN401 - pyspark's session
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415 - takes a second to load
    except ImportError:
        raise NoSpark("Spark is not installed: pip install 'voicebill[spark]'") from None
    try:
        builder = SparkSession.builder.master(master).appName("voicebill")
        for name, value in {**SETTINGS, **(LOCAL_SETTINGS if master.startswith("local") else {})}.items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("OFF")
    except Exception as error:
        why = str(error).splitlines()[0][:200]
        raise NoSpark(f"Spark cannot start at {master}; it needs Java 17 or later: {why}") from None
    return session


SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.ui.showConsoleProgress": "false",
}
LOCAL_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "4",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
}
