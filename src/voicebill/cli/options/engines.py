"""Open the engine that counts the records of logs or of a ledger."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from voicebill.answers.recorded.engine import Engine
from voicebill.answers.recorded.python_engine import PythonEngine, deduplicate
from voicebill.answers.recorded.unread_usage import UnreadUsage
from voicebill.billing.errors import InvalidInput
from voicebill.billing.record import Record
from voicebill.cli.options.logs import progress_bar

if TYPE_CHECKING:
    from voicebill.logs.report import ReadReport

ENGINES = ("duckdb", "spark", "python")


@contextmanager
def engine_over_records(
    records: Iterable[Record], name: str, report: "ReadReport", *, master: str, memory: str | None
) -> Iterator[Engine]:
    """An engine for the records of logs. It sets the number of repeated records in the report.

    Raises:
        EngineError: the memory or the disk is full.
        SparkUnavailable: Spark cannot start.
        MissingExtra: the packages of the engine are not installed.
    """
    if name == "python":
        unique_records = deduplicate(records).values()
        report.repeated = report.records - len(unique_records)
        yield PythonEngine(unique_records)
        return
    from voicebill.engines.in_duckdb import DuckDBEngine  # noqa: PLC0415 - engines need an extra

    with (
        progress_bar() as progress,
        DuckDBEngine(memory=memory, on_progress=lambda done: progress(done, "costing")) as database,
    ):
        report.repeated = database.load(records)
        if name == "duckdb":
            yield database
            return
        from voicebill.engines.in_spark import SparkEngine  # noqa: PLC0415

        with TemporaryDirectory(prefix="voicebill-") as folder:
            file = Path(folder) / "usage.parquet"
            database.write(file)
            with SparkEngine([file], master=master) as spark:
                yield spark


def unread_usage_of(ledger: Path | None) -> UnreadUsage | None:
    """The usage that was not read when the logs of a ledger were recorded; None if there is none.

    Raises:
        UnreadableFile: there is no ledger, or it cannot be read.
        MissingExtra: the packages that read ledgers are not installed.
    """
    from voicebill.engines.ledger import Ledger  # noqa: PLC0415 - engines need an extra

    return Ledger(ledger).unread_usage() if ledger is not None else None


@contextmanager
def engine_over_ledger(ledger: Path, name: str, *, master: str, memory: str | None) -> Iterator[Engine]:
    """An engine for the records of a ledger.

    Raises:
        InvalidInput: the engine is `python`, which counts logs only, or nothing has been recorded.
        UnreadableFile: there is no ledger, or it cannot be read.
        SparkUnavailable: Spark cannot start.
        MissingExtra: the packages of the engine are not installed.
    """
    if name == "python":
        raise InvalidInput("the Python engine counts logs; a ledger is counted by duckdb or spark")
    from voicebill.engines.ledger import Ledger  # noqa: PLC0415 - engines need an extra

    if name == "spark":
        from voicebill.engines.in_spark import SparkEngine  # noqa: PLC0415

        with Ledger(ledger).reading() as files, SparkEngine(files, master=master) as spark:
            yield spark
    else:
        from voicebill.engines.in_duckdb import DuckDBEngine  # noqa: PLC0415

        with (
            Ledger(ledger).reading() as files,
            progress_bar() as progress,
            DuckDBEngine(files, memory=memory, on_progress=lambda done: progress(done, "costing")) as database,
        ):
            yield database
