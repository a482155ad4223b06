"""Open the engine that counts the records of logs or of a ledger."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from voicebill.answers.recorded.engine import Engine
from voicebill.answers.recorded.python_engine import PythonEngine, deduplicate
from voicebill.answers.recorded.unread_usage import UnreadUsage
from voicebill.billing.errors import InvalidInput
from voicebill.billing.price_book import PriceBook
from voicebill.billing.record import Record
from voicebill.cli.options.logs import LogInput, progress_bar

if TYPE_CHECKING:
    from voicebill.engines.in_duckdb import DuckDBEngine
    from voicebill.logs.report import ReadReport

ENGINES = ("duckdb", "spark", "python")


@contextmanager
def usage_of_input(
    log_input: LogInput, price_book: PriceBook, *, memory: str | None
) -> Iterator[tuple["DuckDBEngine", "ReadReport | None", UnreadUsage | None]]:
    """DuckDB with the usage of logs or a ledger, the report on reading the logs (None: a ledger), and what was not read.

    Raises:
        InvalidInput: neither logs nor a ledger are named, or both; the logs have no content; an option is for logs only.
        UnreadableFile: there is no ledger, or it cannot be read.
        EngineError: the memory or the disk is full.
        MissingExtra: the packages that read logs and ledgers are not installed.
    """
    ledger = log_input.only_ledger()
    if ledger is not None:
        with _ledger_files(ledger) as files, _duckdb(files, memory=memory) as database:
            yield database, None, unread_usage_of(ledger)
        return
    report, records = log_input.read(price_book.model_aliases)
    with _duckdb_over_records(records, report, memory=memory) as database:
        report.require_content()
        yield database, report, report.unread_usage


@contextmanager
def engine_of_input(
    log_input: LogInput, price_book: PriceBook, name: str, *, master: str, memory: str | None
) -> Iterator[tuple[Engine, "ReadReport | None", UnreadUsage | None]]:
    """An engine by its name: with the usage of logs or a ledger, and the same as `usage_of_input` beyond that.

    Raises:
        InvalidInput: as `usage_of_input`; or the engine is `python`, which counts logs only, and a ledger is named.
        UnreadableFile: there is no ledger, or it cannot be read.
        EngineError: the memory or the disk is full.
        SparkUnavailable: Spark cannot start.
        MissingExtra: the packages of the engine are not installed.
    """
    if name == "duckdb":
        with usage_of_input(log_input, price_book, memory=memory) as usage:
            yield usage
        return
    ledger = log_input.only_ledger()
    if ledger is not None:
        with _engine_over_ledger(ledger, name, master=master) as engine:
            yield engine, None, unread_usage_of(ledger)
        return
    report, records = log_input.read(price_book.model_aliases)
    with _engine_over_records(records, name, report, master=master, memory=memory) as engine:
        report.require_content()
        yield engine, report, report.unread_usage


def unread_usage_of(ledger: Path) -> UnreadUsage | None:
    """The usage that was not read when the logs of a ledger were recorded; None if there is none.

    Raises:
        UnreadableFile: there is no ledger, or it cannot be read.
        MissingExtra: the packages that read ledgers are not installed.
    """
    from voicebill.engines.ledger import Ledger  # noqa: PLC0415 - engines need an extra

    return Ledger(ledger).unread_usage()


@contextmanager
def _engine_over_records(
    records: Iterable[Record], name: str, report: "ReadReport", *, master: str, memory: str | None
) -> Iterator[Engine]:
    """The Python engine, or Spark, for the records of logs. It sets the number of repeated records in the report."""
    if name == "python":
        unique_records = deduplicate(records).values()
        report.repeated = report.records - len(unique_records)
        yield PythonEngine(unique_records)
        return
    from voicebill.engines.in_spark import SparkEngine  # noqa: PLC0415 - engines need an extra

    with (
        _duckdb_over_records(records, report, memory=memory) as database,
        TemporaryDirectory(prefix="voicebill-") as folder,
    ):
        file = Path(folder) / "usage.parquet"
        database.write(file)
        with SparkEngine([file], master=master) as spark:
            yield spark


@contextmanager
def _engine_over_ledger(ledger: Path, name: str, *, master: str) -> Iterator[Engine]:
    """Spark for the records of a ledger; the Python engine is refused."""
    if name == "python":
        raise InvalidInput("the Python engine counts logs; a ledger is counted by duckdb or spark")
    from voicebill.engines.in_spark import SparkEngine  # noqa: PLC0415 - engines need an extra

    with _ledger_files(ledger) as files, SparkEngine(files, master=master) as spark:
        yield spark


@contextmanager
def _ledger_files(ledger: Path) -> Iterator[Sequence[Path]]:
    from voicebill.engines.ledger import Ledger  # noqa: PLC0415 - engines need an extra

    with Ledger(ledger).reading() as files:
        yield files


@contextmanager
def _duckdb_over_records(records: Iterable[Record], report: "ReadReport", *, memory: str | None) -> Iterator["DuckDBEngine"]:
    """DuckDB with records, each once. It sets the number of repeated records in the report."""
    with _duckdb(None, memory=memory) as database:
        report.repeated = database.load(records)
        yield database


@contextmanager
def _duckdb(files: Sequence[Path] | None, *, memory: str | None) -> Iterator["DuckDBEngine"]:
    """DuckDB with a progress bar, which counts files, or records that are loaded later."""
    from voicebill.engines.in_duckdb import DuckDBEngine  # noqa: PLC0415 - engines need an extra

    with (
        progress_bar() as progress,
        DuckDBEngine(files, memory=memory, on_progress=lambda done: progress(done, "costing")) as database,
    ):
        yield database
