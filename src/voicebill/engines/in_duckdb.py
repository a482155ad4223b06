"""DuckDB, embedded: the default engine. It spills to disk what does not fit into memory, and downloads nothing."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from types import TracebackType
from typing import Any

import duckdb
import pyarrow as pa

from voicebill.answers.cost import CostAsked
from voicebill.billing.errors import VoicebillError
from voicebill.billing.record import Record
from voicebill.engines.engine import SqlCounting
from voicebill.engines.sql import Query
from voicebill.engines.usage_table import COLUMNS, SCHEMA, TOLD, batches, small_table

A_MOMENT = 0.2
"""Seconds between two looks at how far a query has got."""
SETTINGS = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "preserve_insertion_order": "false",
}


class EngineFailed(VoicebillError, RuntimeError):
    """The engine cannot go on: no room on the disk or in memory, or a file that has vanished."""


@contextmanager
def connected(memory: str | None = None, threads: int | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a database in memory; what does not fit goes into a folder of its own, for as long as it is open.

    Raises:
        EngineFailed: the memory is not stated as DuckDB understands it.
    """
    with TemporaryDirectory(prefix="voicebill-", ignore_cleanup_errors=True) as spill:
        settings: dict[str, Any] = {**SETTINGS, "temp_directory": spill}
        if memory:
            settings["memory_limit"] = memory
        if threads:
            settings["threads"] = str(threads)
        with failing_clearly():
            connection = duckdb.connect(":memory:", config=settings)
        try:
            connection.execute("SET TimeZone = 'UTC'")
            yield connection
        finally:
            connection.close()


def put_in(connection: duckdb.DuckDBPyConnection, records: Iterable[Record]) -> None:
    """Make records the table `told`, as often as they are told."""
    connection.execute("DROP TABLE IF EXISTS told")
    connection.from_arrow(TOLD.empty_table()).create("told")
    for batch in batches(records):
        connection.from_arrow(pa.Table.from_batches([batch])).insert_into("told")


class DuckDB:
    """Counts a usage table: rows put in, or Parquet files named.

    `memory`, such as "1GB", bounds what is held before it goes to disk; `tell` hears now and then how many per cent of a
    question are done.
    """

    def __init__(
        self,
        files: Sequence[Path] | None = None,
        *,
        memory: str | None = None,
        threads: int | None = None,
        tell: Callable[[float], None] | None = None,
    ) -> None:
        self._open = ExitStack()
        self.connection = self._open.enter_context(connected(memory, threads))
        self._tell = tell
        if tell is not None:
            self.connection.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
        if files:
            with failing_clearly():
                self.connection.from_parquet([str(file) for file in files]).create_view("usage")
        else:
            self.connection.from_arrow(SCHEMA.empty_table()).create("usage")

    def __enter__(self) -> "DuckDB":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of what it holds."""
        self._open.close()

    def take(self, records: Iterable[Record]) -> int:
        """Have these records, as often as they are told, in place of what it held: each counts once.

        Gives how many of them were told by others as well.
        """
        with failing_clearly():
            put_in(self.connection, records)
            self.connection.execute(f"CREATE OR REPLACE TABLE usage AS {SETTLED}")
            ((repeated,),) = self.connection.execute(REPEATED).fetchall()
            self.connection.execute("DROP TABLE told")
        return int(repeated)

    def write(self, file: Path) -> None:
        """Write the usage table as a Parquet file."""
        with failing_clearly():
            self.connection.table("usage").write_parquet(str(file), compression="zstd")

    def run(self, query: Query) -> Sequence[Any]:
        """The rows of a query."""
        return self._execute(query.text, query).fetchall()

    def _execute(self, text: str, query: Query) -> duckdb.DuckDBPyConnection:
        with failing_clearly(), told_aloud(self.connection, self._tell):
            return self.connection.execute(re.sub(r":(p\d+)\b", r"$\1", text), query.values or None)

    def keep(self, view: str, query: Query) -> None:
        """Keep the rows of a query under a name."""
        self._execute(f"CREATE OR REPLACE TEMP TABLE {view} AS {query.text}", query)

    def hold(self, view: str, columns: Mapping[str, type], rows: Sequence[Sequence[Any]]) -> None:
        """Make a small table known under a name."""
        self.connection.register(view, small_table(columns, rows))

    def count(self, asked: CostAsked) -> SqlCounting:
        """The records that are asked about."""
        return SqlCounting(self, asked)


class failing_clearly:  # noqa: N801 - reads as a sentence behind `with`
    """Says in a sentence what an engine could not do."""

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, duckdb.OutOfMemoryException):
            raise EngineFailed(f"there is not enough memory or disk for this question: {_first_line(error)}") from None
        if isinstance(error, duckdb.IOException) and "No space left" in str(error):
            raise EngineFailed("the disk is full: make room, and ask or record again; nothing is half done") from None
        if isinstance(error, duckdb.IOException) and "No files found" in str(error):
            raise EngineFailed("a file of the ledger is missing: put it back, or record the logs of its day anew") from None
        if isinstance(error, duckdb.IOException):
            raise EngineFailed(f"a file cannot be read or written: {_first_line(error)}") from None
        if isinstance(error, duckdb.Error):
            raise EngineFailed(f"DuckDB cannot do this: {_first_line(error)}") from None


@contextmanager
def told_aloud(connection: duckdb.DuckDBPyConnection, tell: Callable[[float], None] | None) -> Iterator[None]:
    """Has somebody told how far a query has got, from a thread of its own, while the block runs it."""
    if tell is None:
        yield
        return
    over = Event()

    def watch() -> None:
        while not over.wait(A_MOMENT):
            tell(max(0.0, connection.query_progress()))

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0][:300]


SETTLED = f"""
    SELECT {", ".join(f"t.{name} AS {name}" for name in COLUMNS)}
    FROM told t JOIN (SELECT MAX_BY(place, (rank, place)) AS place FROM told WHERE part = 0 GROUP BY key) kept USING (place)
"""
"""Each record once: of those of one key the one of the highest rank, and of equals the last."""

REPEATED = "SELECT COUNT(*) - COUNT(DISTINCT key) FROM told WHERE part = 0"
