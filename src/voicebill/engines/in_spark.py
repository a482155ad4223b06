"""Apache Spark: the same SQL text, on this machine or on any cluster. Needs the extra `spark`, and Java 17."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from voicebill.answers.cost import CostAsked
from voicebill.billing.errors import VoicebillError
from voicebill.engines.engine import SqlCounting
from voicebill.engines.sql import Query
from voicebill.engines.usage_table import small_table

LOCAL = "local[*]"

QUIET = Path(__file__).with_name("log4j2.properties")


class NoSpark(VoicebillError, RuntimeError):
    """Spark is not there, or cannot start."""


class Spark:
    """Counts the Parquet files of a usage table. `settings` are further ones of Spark's own, such as a cluster needs."""

    def __init__(self, files: Sequence[Path], *, master: str = LOCAL, settings: Mapping[str, str] | None = None) -> None:
        self._session = _started(master, settings or {})
        self._kept: dict[str, Any] = {}
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
        return [tuple(row) for row in self._frame(query).collect()]

    def keep(self, view: str, query: Query) -> None:
        """Keep the rows of a query under a name."""
        before = self._kept.pop(view, None)
        self._kept[view] = self._frame(query).persist()
        self._kept[view].createOrReplaceTempView(view)
        if before is not None:
            before.unpersist()

    def hold(self, view: str, columns: Mapping[str, type], rows: Sequence[Sequence[Any]]) -> None:
        """Make a small table known under a name."""
        self._session.createDataFrame(small_table(columns, rows)).createOrReplaceTempView(view)

    def count(self, asked: CostAsked) -> SqlCounting:
        """The records that are asked about."""
        return SqlCounting(self, asked)

    def _frame(self, query: Query) -> Any:  # noqa: ANN401 - pyspark's frame
        return self._session.sql(query.text, args=query.values)


def _started(master: str, settings: Mapping[str, str]) -> Any:  # noqa: ANN401 - pyspark's session
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415 - takes a second to load
    except ImportError:
        raise NoSpark("Spark is not installed: pip install 'voicebill[spark]'") from None
    try:
        builder = SparkSession.builder.master(master).appName("voicebill")
        for name, value in {**SETTINGS, **(LOCAL_SETTINGS if master.startswith("local") else {}), **settings}.items():
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
    "spark.driver.extraJavaOptions": f'"-Dlog4j2.configurationFile={QUIET.as_uri()}"',
}
LOCAL_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "4",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
}
