"""Open the engine that counts the records of logs or of a ledger."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

from voicebill.answers.recorded.engine import Engine
from voicebill.answers.recorded.python_engine import PythonEngine, deduplicate
from voicebill.answers.recorded.unread_usage import UnreadUsage
from voicebill.billing.errors import InvalidInput
from voicebill.billing.price_book import PriceBook
from voicebill.billing.record import Record
from voicebill.cli.options.logs import LOGS_PANEL, LogInput, progress_bar
from voicebill.cli.options.shared import choice_parser, option

if TYPE_CHECKING:
    from voicebill.engines.in_duckdb import DuckDBEngine
    from voicebill.engines.in_spark import SparkEngine
    from voicebill.logs.report import ReadReport

ENGINES = ("duckdb", "spark", "python")
DATABASES = ("duckdb", "spark")
"""The engines that read ledgers, too."""
MasterOption = Annotated[str, option("--master", "Spark's master. (default: this machine)", LOGS_PANEL, metavar="URL")]
DEFAULT_MASTER = "local[*]"


def engine_option(*engines: str) -> Any:  # noqa: ANN401 - an option
    """The option that names one of some engines, of which the first is the default."""
    text = f"Engine: {', '.join(engines)}. (default: {engines[0]})"
    return option("--engine", text, LOGS_PANEL, choice_parser(*engines), "NAME")


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
    if name == "python":
        yield _python_engine(log_input, price_book)
        return
    with database_of_input(log_input, price_book, name, master=master, memory=memory) as usage:
        yield usage


@contextmanager
def database_of_input(
    log_input: LogInput, price_book: PriceBook, name: str, *, master: str, memory: str | None
) -> Iterator[tuple["DuckDBEngine | SparkEngine", "ReadReport | None", UnreadUsage | None]]:
    """DuckDB or Spark, by its name, as `engine_of_input`.

    Raises:
        VoicebillError: as `engine_of_input`.
    """
    if name == "duckdb":
        with usage_of_input(log_input, price_book, memory=memory) as usage:
            yield usage
        return
    from voicebill.engines.in_spark import SparkEngine  # noqa: PLC0415 - engines need an extra

    ledger = log_input.only_ledger()
    if ledger is not None:
        with _ledger_files(ledger) as files, SparkEngine(files, master=master) as spark:
            yield spark, None, unread_usage_of(ledger)
        return
    report, records = log_input.read(price_book.model_aliases)
    with (
        _duckdb_over_records(records, report, memory=memory) as database,
        TemporaryDirectory(prefix="voicebill-") as folder,
    ):
        file = Path(folder) / "usage.parquet"
        database.write(file)
        with SparkEngine([file], master=master) as spark:
            report.require_content()
            yield spark, report, report.unread_usage


def _python_engine(log_input: LogInput, price_book: PriceBook) -> tuple[Engine, "ReadReport", UnreadUsage | None]:
    """The Python engine with the records of logs. It sets the number of repeated records in the report."""
    if log_input.only_ledger() is not None:
        raise InvalidInput("the Python engine counts logs; a ledger is counted by duckdb or spark")
    report, records = log_input.read(price_book.model_aliases)
    unique_records = deduplicate(records).values()
    report.repeated = report.records - len(unique_records)
    report.require_content()
    return PythonEngine(unique_records), report, report.unread_usage


def unread_usage_of(ledger: Path) -> UnreadUsage | None:
    """The usage that was not read when the logs of a ledger were recorded; None if there is none.

    Raises:
        UnreadableFile: there is no ledger, or it cannot be read.
        MissingExtra: the packages that read ledgers are not installed.
    """
    from voicebill.engines.ledger import Ledger  # noqa: PLC0415 - engines need an extra

    return Ledger(ledger).unread_usage()


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
