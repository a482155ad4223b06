"""Write one recording to a ledger: find the new and the corrected records, and write them as Parquet files."""

import os
import shutil
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import duckdb

from voicebill.engines.ledger_files import fingerprint_of, hidden_damage, require_undamaged, sync_folder
from voicebill.engines.ledger_manifest import REPLACED, UNDATED, LedgerPart, with_fingerprint
from voicebill.engines.ledger_state import DRAFTS
from voicebill.engines.usage_table import USAGE_COLUMNS

MAX_PARTS_PER_DAY = 12
"""If a day has at least this many files, a recording that adds to the day merges them into one."""

FIND_CHANGES_SQL = (
    """CREATE OR REPLACE TEMP TABLE candidates AS
    SELECT key, place, content_hash, completeness FROM incoming t WHERE part = 0
        AND NOT EXISTS (SELECT 1 FROM replaced r WHERE r.key = t.key AND r.content_hash = t.content_hash)""",
    """CREATE OR REPLACE TEMP TABLE heads AS
    SELECT key, MAX_BY(place, (completeness, place)) AS place, MAX_BY(content_hash, (completeness, place)) AS content_hash,
        MAX(completeness) AS completeness
    FROM candidates GROUP BY key""",
    """CREATE OR REPLACE TEMP TABLE existing AS
    SELECT k.key, k.completeness, k.content_hash, k.filename FROM kept k SEMI JOIN heads h ON h.key = k.key""",
    """CREATE OR REPLACE TEMP TABLE accepted AS
    SELECT h.key, h.place, k.filename AS corrects, k.content_hash AS old_content_hash
    FROM heads h LEFT JOIN existing k ON k.key = h.key
    WHERE k.key IS NULL OR (k.content_hash <> h.content_hash AND h.completeness >= k.completeness)""",
    """CREATE OR REPLACE TEMP TABLE skipped AS
    SELECT h.key FROM heads h JOIN existing k ON k.key = h.key
    WHERE k.content_hash <> h.content_hash AND h.completeness < k.completeness
    UNION SELECT t.key FROM incoming t ANTI JOIN heads h ON h.key = t.key WHERE t.part = 0""",
    """CREATE OR REPLACE TEMP TABLE outdated AS
    SELECT DISTINCT key, content_hash FROM (
        SELECT key, old_content_hash AS content_hash FROM accepted WHERE corrects IS NOT NULL
        UNION ALL
        SELECT t.key, t.content_hash FROM candidates t JOIN heads h ON h.key = t.key AND h.content_hash <> t.content_hash
            ANTI JOIN skipped l ON l.key = t.key
    )""",
)
"""The temporary tables, in this order: incoming records that no correction has replaced before (`candidates`); the most
complete one of each key (`heads`); the records that the ledger already has of these keys (`existing`); those to write,
because they are new or correct a record that is not more complete (`accepted`); keys that are skipped, because the incoming
record is less complete or was replaced before (`skipped`); contents that must not come back (`outdated`)."""

KEEP_ACCEPTED_SQL = "DELETE FROM incoming t WHERE NOT EXISTS (SELECT 1 FROM accepted n WHERE n.place = t.place)"
"""Leave only the rows to write in `incoming`: to copy these takes ten times as long, and memory for a second copy."""

COUNT_CHANGES_SQL = """SELECT (SELECT COUNT(*) FROM incoming WHERE part = 0), COUNT(*) FILTER (WHERE corrects IS NULL),
    COUNT(*) FILTER (WHERE corrects IS NOT NULL), (SELECT COUNT(*) FROM skipped) FROM accepted"""


@dataclass(frozen=True, slots=True)
class RecordSummary:
    """What a recording changed: records read, added, corrected and repeated, and the days concerned.

    `skipped` counts the repeated records whose content differs from the ledger's, but is less complete or was corrected
    before. `set_aside` has the files that `ledger.json` did not name, which were moved to the folder `set-aside`.
    """

    records_read: int
    added: int
    corrected: int
    repeated: int
    skipped: int
    days: tuple[str, ...]
    set_aside: tuple[str, ...] = ()


class LedgerWriter:
    """A recording that holds the ledger's lock. The connection has the records in the table `incoming`; only new ones stay."""

    def __init__(self, folder: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self._folder = folder.absolute()  # DuckDB would take a folder ~name for a home
        self._connection = connection
        self._written: list[str] = []

    def find_changes(self, previous: Sequence[LedgerPart]) -> RecordSummary:
        """Find the records that are new, correct others, or are known already."""
        self._find_changes(previous)
        ((records_read, added, corrected, skipped),) = self._connection.execute(COUNT_CHANGES_SQL).fetchall()
        if records_read > added + corrected:
            self._connection.execute(KEEP_ACCEPTED_SQL)
        days = self._connection.execute("SELECT DISTINCT CAST(day AS VARCHAR) FROM incoming").fetchall()
        repeated = records_read - added - corrected
        return RecordSummary(
            records_read, added, corrected, repeated, skipped, tuple(sorted(day or UNDATED for (day,) in days))
        )

    def write(self, previous: Sequence[LedgerPart], days: Iterable[str]) -> tuple[LedgerPart, ...]:
        """Write the new files as drafts; return the files that are to count. No file is removed."""
        parts = list(previous)
        stale = {
            Path(name).resolve()
            for (name,) in self._connection.execute("SELECT DISTINCT corrects FROM accepted").fetchall()
            if name
        }
        touched = {part.folder for part in previous if (self._folder / part.path).resolve() in stale}
        for day in sorted({*days, *touched}):
            parts = self._rewrite_day(day, parts, stale)
        parts += self._write(REPLACED, "SELECT key, content_hash FROM outdated")
        return tuple(parts)

    def publish(self) -> None:
        """Give the drafts their names. They count when `ledger.json` names them."""
        for path in self._written:
            target = self._folder / path
            target.parent.mkdir(exist_ok=True)
            (self._folder / DRAFTS / target.name).replace(target)
        for folder in {self._folder / path.split("/", 1)[0] for path in self._written}:
            sync_folder(folder)

    def discard(self, keep: Collection[str] = ()) -> None:
        """Remove the files that this recording has written, except those to keep."""
        for path in self._written:
            if path not in keep:
                with suppress(OSError):
                    (self._folder / path).unlink()
                with suppress(OSError):  # it is not empty
                    (self._folder / path).parent.rmdir()

    def remove_drafts(self) -> None:
        """Remove the drafts, also those of recordings that were killed."""
        shutil.rmtree(self._folder / DRAFTS, ignore_errors=True)

    def _find_changes(self, previous: Sequence[LedgerPart]) -> None:
        record_parts = [part for part in previous if part.folder != REPLACED]
        self._create_view("kept", record_parts, ("key", "completeness", "content_hash", "filename"), "WHERE part = 0")
        self._create_view("replaced", [part for part in previous if part.folder == REPLACED], ("key", "content_hash"), "")
        for text in FIND_CHANGES_SQL:
            self._connection.execute(text)

    def _create_view(self, name: str, parts: Sequence[LedgerPart], columns: Sequence[str], where: str) -> None:
        if parts:
            source = f"SELECT {', '.join(columns)} FROM {self._read_parquet(parts)} {where}"
        else:
            null_columns = ", ".join(
                f"CAST(NULL AS {'BIGINT' if column == 'completeness' else 'VARCHAR'}) AS {column}" for column in columns
            )
            source = f"SELECT * FROM (SELECT {null_columns}) WHERE FALSE"
        self._connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {source}")

    def _rewrite_day(self, day: str, parts: Sequence[LedgerPart], stale: set[Path]) -> list[LedgerPart]:
        """Write a day's new rows, together with what remains of the files that they correct; return the files that count."""
        day_parts = [part for part in parts if part.folder == day]
        rewritten_parts = (
            day_parts
            if len(day_parts) >= MAX_PARTS_PER_DAY
            else [part for part in day_parts if (self._folder / part.path).resolve() in stale]
        )
        require_undamaged(self._folder, rewritten_parts, hidden_damage)
        columns = ", ".join(USAGE_COLUMNS)
        select = f"SELECT {columns} FROM incoming WHERE {'day IS NULL' if day == UNDATED else f'day = DATE {_quote(day)}'}"
        if rewritten_parts:
            select += f""" UNION ALL SELECT {columns} FROM (
                    SELECT * FROM incoming WHERE FALSE UNION ALL BY NAME SELECT * FROM {self._read_parquet(rewritten_parts)}
                ) rewritten ANTI JOIN (SELECT key FROM accepted WHERE corrects IS NOT NULL) c USING (key)"""
        new_parts = self._write(day, f"SELECT * FROM ({select}) ORDER BY reading > 0, source, line_number, key, reading, part")
        return [part for part in parts if part not in rewritten_parts] + new_parts

    def _write(self, folder: str, query: str) -> list[LedgerPart]:
        """Write the rows of a query as a draft of a file in a folder. No rows, no file."""
        name = f"part-{uuid4().hex[:16]}.parquet"
        draft = self._folder / DRAFTS / name
        draft.parent.mkdir(exist_ok=True)
        self._connection.execute(
            f"COPY ({query}) TO {_quote(draft)} (FORMAT parquet, COMPRESSION zstd, KV_METADATA {{part: {_quote(name)}}})"
        )
        counts = "COUNT(*), []" if folder == REPLACED else "COUNT(*) FILTER (WHERE part = 0), LIST(DISTINCT source)"
        ((rows, records, sources),) = self._connection.execute(
            f"SELECT COUNT(*), {counts} FROM read_parquet({_quote(draft)})"
        ).fetchall()
        if not rows:
            draft.unlink()
            return []
        with draft.open("r+b") as stream:
            os.fsync(stream.fileno())
        part = LedgerPart(f"{folder}/{name}", rows, records)
        self._written.append(part.path)
        return [with_fingerprint(part, fingerprint_of(draft), sources)]

    def _read_parquet(self, parts: Iterable[LedgerPart]) -> str:
        names = ", ".join(_quote(self._folder / part.path) for part in parts)
        return f"read_parquet([{names}], filename = true, hive_partitioning = false, union_by_name = true)"


def _quote(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"
