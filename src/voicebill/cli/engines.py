"""Which engine counts, and over what."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from voicebill.answers.cost import Engine
from voicebill.answers.rows import RowEngine, settled
from voicebill.billing.errors import InvalidInput
from voicebill.billing.record import Record
from voicebill.cli.log_options import on_terminal

if TYPE_CHECKING:
    from voicebill.logs.told import Report

ENGINES = ("duckdb", "spark", "rows")


@contextmanager
def engine_over_records(
    records: Iterable[Record], name: str, report: "Report", *, master: str, memory: str | None
) -> Iterator[Engine]:
    """An engine over records that are being read; the report learns how many were told more than once."""
    if name == "rows":
        kept = settled(records).values()
        report.repeated = report.records - len(kept)
        yield RowEngine(kept)
        return
    from voicebill.engines.in_duckdb import DuckDB  # noqa: PLC0415 - engines are extras

    with on_terminal() as shown, DuckDB(memory=memory, tell=lambda done: shown(done, "costing")) as database:
        report.repeated = database.take(records)
        if name == "duckdb":
            yield database
            return
        from voicebill.engines.in_spark import Spark  # noqa: PLC0415

        with TemporaryDirectory(prefix="voicebill-") as folder:
            file = Path(folder) / "usage.parquet"
            database.write(file)
            with Spark([file], master=master) as spark:
                yield spark


@contextmanager
def engine_over_ledger(ledger: Path, name: str, *, master: str, memory: str | None) -> Iterator[Engine]:
    """An engine over a ledger."""
    if name == "rows":
        raise InvalidInput("the row path counts logs; a ledger is counted by duckdb or spark")
    from voicebill.engines.ledger import Ledger  # noqa: PLC0415 - engines are extras

    files = Ledger(ledger).files()
    if name == "spark":
        from voicebill.engines.in_spark import Spark  # noqa: PLC0415

        with Spark(files, master=master) as spark:
            yield spark
    else:
        from voicebill.engines.in_duckdb import DuckDB  # noqa: PLC0415

        with on_terminal() as shown, DuckDB(files, memory=memory, tell=lambda done: shown(done, "costing")) as database:
            yield database
