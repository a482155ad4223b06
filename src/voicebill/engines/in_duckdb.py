"""Run the SQL statements in embedded DuckDB, the default engine. It spills to disk, and downloads nothing."""

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

from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.errors import InvalidInput, VoicebillError
from voicebill.billing.record import Record
from voicebill.engines.sql import SUMMED_TYPE, Statement
from voicebill.engines.sql_engine import SqlQuery
from voicebill.engines.usage_table import INCOMING_SCHEMA, USAGE_COLUMNS, USAGE_SCHEMA, coded_batches, small_table

PROGRESS_INTERVAL_SECONDS = 0.2
"""Seconds between two updates of a query's progress."""
DUCKDB_SETTINGS = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "preserve_insertion_order": "false",
}


MIN_MEMORY_BYTES = 16 * 10**6
"""With less memory DuckDB cannot hold the blocks of even a short log."""
MEMORY_UNITS = {"kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
MAX_MEMORY_BYTES = 2**60


class EngineError(VoicebillError, RuntimeError):
    """An error of the engine: the disk or the memory is full, or a file is missing or cannot be read."""


@contextmanager
def open_connection(memory: str | None = None, threads: int | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Connect to a database in memory. Data that does not fit goes to a temporary folder while the connection is open.

    Raises:
        InvalidInput: the memory limit is not a size such as 1GB, or too small.
    """
    if memory is not None:
        validate_memory(memory)
    with TemporaryDirectory(prefix="voicebill-", ignore_cleanup_errors=True) as spill_folder:
        settings: dict[str, Any] = {**DUCKDB_SETTINGS, "temp_directory": spill_folder}
        if memory is not None:
            settings["memory_limit"] = memory
        if threads:
            settings["threads"] = str(threads)
        with translate_errors():
            connection = duckdb.connect(":memory:", config=settings)
        try:
            connection.execute("SET TimeZone = 'UTC'")
            yield connection
        finally:
            connection.close()


def validate_memory(memory: str) -> None:
    """Refuse a memory limit that is no size, or too small for any log.

    >>> validate_memory("1KB")
    Traceback (most recent call last):
    voicebill.billing.errors.InvalidInput: memory must be a size of at least 16MB, such as 1GB, not '1KB'

    Raises:
        InvalidInput: it is such a limit.
    """
    match = re.fullmatch(r"(\d{1,12}(?:\.\d{1,6})?)\s*([kmgt]i?b)", memory.strip().lower())
    size = float(match[1]) * MEMORY_UNITS[match[2]] if match else 0
    if not MIN_MEMORY_BYTES <= size <= MAX_MEMORY_BYTES:
        raise InvalidInput(f"must be a size of at least 16MB, such as 1GB, not {memory[:40]!r}", field="memory")


def insert_records(connection: duckdb.DuckDBPyConnection, records: Iterable[Record]) -> None:
    """Load records into the table `incoming`, duplicates included."""
    connection.execute("DROP TABLE IF EXISTS incoming")
    connection.from_arrow(INCOMING_SCHEMA.empty_table()).create("incoming")
    for batch in coded_batches(records):
        connection.from_arrow(pa.Table.from_batches([batch])).insert_into("incoming")


SERVER_MEMORY = "512MB"
"""The memory limit of a database that answers one request of a server."""


class DuckDBEngine:
    """An engine that counts a usage table in DuckDB: records that are loaded, or Parquet files.

    `memory`, such as "1GB", limits what is kept in memory before it is spilled to disk. `on_progress` is called regularly with
    the percentage of a query that is done.
    """

    def __init__(
        self,
        files: Sequence[Path] | None = None,
        *,
        memory: str | None = None,
        threads: int | None = None,
        on_progress: Callable[[float], None] | None = None,
    ) -> None:
        self._exit_stack = ExitStack()
        self.connection = self._exit_stack.enter_context(open_connection(memory, threads))
        self._on_progress = on_progress
        self._files = [file.absolute() for file in files or ()]  # DuckDB would take a folder ~name for a home
        if on_progress is not None:
            self.connection.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
        if files:
            with self._closed_on_failure(), self._naming_unreadable_files(), translate_errors():
                self.connection.from_arrow(USAGE_SCHEMA.empty_table()).create("usage_columns")
                self.connection.execute("SET parquet_metadata_cache = true")  # each statement would read all of it again
                self.connection.execute(f"CREATE VIEW usage AS {_usage_of_files(self._files)}")
        else:
            with translate_errors():
                self.connection.from_arrow(USAGE_SCHEMA.empty_table()).create("usage")

    def __enter__(self) -> "DuckDBEngine":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection and remove its temporary files."""
        self._exit_stack.close()

    def load(self, records: Iterable[Record]) -> int:
        """Replace the usage table with these records, of which each counts once. Return the number of duplicates."""
        with translate_errors():
            insert_records(self.connection, records)
            self.connection.execute(f"CREATE OR REPLACE TABLE usage AS {DEDUPLICATE_SQL}")
            ((repeated,),) = self.connection.execute(COUNT_REPEATED_SQL).fetchall()
            self.connection.execute("DROP TABLE incoming")
        return int(repeated)

    def write(self, file: Path) -> None:
        """Write the usage table as a Parquet file."""
        with translate_errors():
            self.connection.table("usage").write_parquet(str(file), compression="zstd")

    def query(self, statement: Statement) -> Sequence[Any]:
        """Run a statement and return its rows."""
        return self._execute(statement.text, statement).fetchall()

    def stream(self, statement: Statement, rows: int) -> Iterator[Any]:
        """Run a statement and yield its rows, of which so many are fetched at a time."""
        result = self._execute(statement.text, statement, self.connection.cursor())
        with translate_errors():
            while batch := result.fetchmany(rows):
                yield from batch

    def _execute(
        self, text: str, statement: Statement, connection: duckdb.DuckDBPyConnection | None = None
    ) -> duckdb.DuckDBPyConnection:
        connection = connection or self.connection
        with (
            self._naming_unreadable_files(),
            translate_errors(),
            report_progress(connection, self._on_progress),
        ):
            text = re.sub(r":(p\d+)\b", r"$\1", text).replace(SUMMED_TYPE, "BIGINT")
            return connection.execute(text, statement.values or None)

    @contextmanager
    def _closed_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise

    @contextmanager
    def _naming_unreadable_files(self) -> Iterator[None]:
        try:
            yield
        except EngineError as error:
            from voicebill.engines.ledger_check import explain_unreadable  # noqa: PLC0415 - only after an error

            raise EngineError(explain_unreadable(self._files) or str(error)) from None

    def materialize(self, view: str, statement: Statement) -> None:
        """Run a statement and keep its rows as a view."""
        self._execute(f"CREATE OR REPLACE TEMP TABLE {view} AS {statement.text}", statement)

    def register(self, view: str, columns: Mapping[str, type], rows: Sequence[Sequence[Any]]) -> None:
        """Register a small table as a view."""
        self.connection.register(view, small_table(columns, rows))

    def count(self, query: CostQuery) -> SqlQuery:
        """Count the records that a query matches."""
        return SqlQuery(self, query)


class translate_errors:  # noqa: N801 - used like a function, in a with statement
    """A context that raises DuckDB's errors as an `EngineError` of one sentence."""

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, duckdb.OutOfMemoryException):
            raise EngineError(f"there is not enough memory or disk space for this query: {_first_line(error)}") from None
        if isinstance(error, duckdb.IOException) and "No space left" in str(error):
            raise EngineError("the disk is full: free some space and try again; nothing was partly written") from None
        if isinstance(error, duckdb.IOException):
            raise EngineError(f"a file cannot be read or written: {_first_line(error)}") from None
        if isinstance(error, duckdb.Error):
            raise EngineError(f"DuckDB cannot do this: {_first_line(error)}") from None


@contextmanager
def report_progress(connection: duckdb.DuckDBPyConnection, on_progress: Callable[[float], None] | None) -> Iterator[None]:
    """Report the progress of a query, in per cent, from a separate thread while the block runs it."""
    if on_progress is None:
        yield
        return
    finished = Event()

    def watch() -> None:
        while not finished.wait(PROGRESS_INTERVAL_SECONDS):
            on_progress(max(0.0, connection.query_progress()))

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        finished.set()
        watcher.join()


def _usage_of_files(files: Iterable[Path]) -> str:
    """Select the rows of files. A column that an earlier version did not write is null."""
    names = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
    parquet = f"read_parquet([{names}], union_by_name = true, hive_partitioning = false)"
    return f"SELECT * FROM usage_columns UNION ALL BY NAME SELECT * FROM {parquet}"


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0][:300]


DEDUPLICATE_SQL = f"""
    SELECT {", ".join(f"t.{name} AS {name}" for name in USAGE_COLUMNS)}
    FROM incoming t JOIN (
        SELECT MAX_BY(place, (completeness, place)) AS place FROM incoming WHERE part = 0 GROUP BY key
    ) kept USING (place)
"""
"""The rows of each record once: of records with the same key, those of the most complete, or of the last among equals."""

COUNT_REPEATED_SQL = "SELECT COUNT(*) - COUNT(DISTINCT key) FROM incoming WHERE part = 0"
