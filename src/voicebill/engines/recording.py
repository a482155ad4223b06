"""One recording: what of the records told is new, what corrects something, and the Parquet files that this makes."""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import duckdb

from voicebill.engines.usage_table import COLUMNS

UNDATED = "undated"
REPLACED = "replaced"
MOST_PARTS = 12
"""A day of more files than this is written anew as one."""

OURS = re.compile(r"part-[0-9a-f]{16}\.parquet(\.tmp)?")

DECIDE = (
    """CREATE OR REPLACE TEMP TABLE tellings AS
    SELECT key, place, digest, rank FROM told t WHERE part = 0
        AND NOT EXISTS (SELECT 1 FROM replaced r WHERE r.key = t.key AND r.digest = t.digest)""",
    """CREATE OR REPLACE TEMP TABLE heads AS
    SELECT key, MAX_BY(place, (rank, place)) AS place, MAX_BY(digest, (rank, place)) AS digest, MAX(rank) AS rank
    FROM tellings GROUP BY key""",
    """CREATE OR REPLACE TEMP TABLE known AS
    SELECT k.key, k.rank, k.digest, k.filename FROM kept k SEMI JOIN heads h ON h.key = k.key""",
    """CREATE OR REPLACE TEMP TABLE taken AS
    SELECT h.key, h.place, k.filename AS corrects, k.digest AS said
    FROM heads h LEFT JOIN known k ON k.key = h.key
    WHERE k.key IS NULL OR (k.digest <> h.digest AND h.rank >= k.rank)""",
    """CREATE OR REPLACE TEMP TABLE left_out AS
    SELECT h.key FROM heads h JOIN known k ON k.key = h.key WHERE k.digest <> h.digest AND h.rank < k.rank
    UNION SELECT t.key FROM told t ANTI JOIN heads h ON h.key = t.key WHERE t.part = 0""",
    """CREATE OR REPLACE TEMP TABLE outdated AS
    SELECT DISTINCT key, digest FROM (
        SELECT key, said AS digest FROM taken WHERE corrects IS NOT NULL
        UNION ALL
        SELECT t.key, t.digest FROM tellings t JOIN heads h ON h.key = t.key AND h.digest <> t.digest
            ANTI JOIN left_out l ON l.key = t.key
    )""",
    """CREATE OR REPLACE TEMP TABLE added AS
    SELECT t.* FROM told t JOIN taken n ON n.place = t.place""",
)
"""Of what was told and has not been replaced before, each key's best telling; what of these the ledger does not know yet, or
knows less of; what is left out, since it knows less than the ledger does or has been replaced; and what each taken one
replaces, which does not come back."""

COUNTS = """SELECT (SELECT COUNT(*) FROM told WHERE part = 0), COUNT(*) FILTER (WHERE corrects IS NULL),
    COUNT(*) FILTER (WHERE corrects IS NOT NULL), (SELECT COUNT(*) FROM left_out) FROM taken"""


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the ledger: where it lies in its folder, and how much is in it."""

    path: str
    rows: int
    records: int

    @property
    def folder(self) -> str:
        """Its day, `undated`, or `replaced`."""
        return self.path.split("/", 1)[0]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a recording has changed: records read, new ones, corrected ones, and those that were known; the days concerned.

    Of those known, `left_out` were told otherwise: by something that knows less, or that a correction had replaced before.
    """

    read: int
    added: int
    corrected: int
    repeated: int
    left_out: int
    days: tuple[str, ...]


class Recording:
    """One recording, under the ledger's lock. The connection holds what was told, as the table `told`."""

    def __init__(self, folder: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self._folder = folder
        self._connection = connection

    def merged(self, before: Sequence[Part]) -> tuple[Recorded, tuple[Part, ...]]:
        """What changes, and the files that count when it has; the new ones are written, and nothing is taken away."""
        self._decide(before)
        ((read, added, corrected, left_out),) = self._connection.execute(COUNTS).fetchall()
        days = [
            day or UNDATED for (day,) in self._connection.execute("SELECT DISTINCT CAST(day AS VARCHAR) FROM added").fetchall()
        ]
        parts = list(before)
        stale = {
            Path(name).resolve()
            for (name,) in self._connection.execute("SELECT DISTINCT corrects FROM taken").fetchall()
            if name
        }
        touched = {part.folder for part in before if (self._folder / part.path).resolve() in stale}
        for day in sorted({*days, *touched}):
            parts = self._day(day, parts, stale)
        parts += self._write(REPLACED, "SELECT key, digest FROM outdated")
        return Recorded(read, added, corrected, read - added - corrected, left_out, tuple(sorted(days))), tuple(parts)

    def sweep(self, keep: set[str]) -> None:
        """Remove files of ours that nobody counts any more: those of recordings that were killed, and retired ones."""
        for file in self._folder.glob("*/part-*"):
            if OURS.fullmatch(file.name) and f"{file.parent.name}/{file.name}" not in keep:
                file.unlink(missing_ok=True)

    def _decide(self, before: Sequence[Part]) -> None:
        rows = [part for part in before if part.folder != REPLACED]
        self._view("kept", rows, ("key", "rank", "digest", "filename"), "WHERE part = 0")
        self._view("replaced", [part for part in before if part.folder == REPLACED], ("key", "digest"), "")
        for text in DECIDE:
            self._connection.execute(text)

    def _view(self, name: str, parts: Sequence[Part], columns: Sequence[str], where: str) -> None:
        if parts:
            source = f"SELECT {', '.join(columns)} FROM {self._files(parts)} {where}"
        else:
            nothing = ", ".join(
                f"CAST(NULL AS {'BIGINT' if column == 'rank' else 'VARCHAR'}) AS {column}" for column in columns
            )
            source = f"SELECT * FROM (SELECT {nothing}) WHERE FALSE"
        self._connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {source}")

    def _day(self, day: str, parts: Sequence[Part], stale: set[Path]) -> list[Part]:
        """The files that count when a day's new rows are written, with what is left of the files that they correct."""
        here = [part for part in parts if part.folder == day]
        anew = here if len(here) >= MOST_PARTS else [part for part in here if (self._folder / part.path).resolve() in stale]
        columns = ", ".join(COLUMNS)
        new = f"SELECT {columns} FROM added WHERE {'day IS NULL' if day == UNDATED else f'day = DATE {_quoted(day)}'}"
        if anew:
            new += f""" UNION ALL SELECT {columns} FROM {self._files(anew)}
                ANTI JOIN (SELECT key FROM taken WHERE corrects IS NOT NULL) c USING (key)"""
        written = self._write(day, f"SELECT * FROM ({new}) ORDER BY reading > 0, source, ordinal, key, reading, part")
        return [part for part in parts if part not in anew] + written

    def _write(self, folder: str, query: str) -> list[Part]:
        """Write the rows of a query as a file of a folder: under another name until it is whole. None without rows."""
        name = f"part-{uuid4().hex[:16]}.parquet"
        (self._folder / folder).mkdir(exist_ok=True)
        draft, final = self._folder / folder / f"{name}.tmp", self._folder / folder / name
        try:
            self._connection.execute(f"COPY ({query}) TO {_quoted(draft)} (FORMAT parquet, COMPRESSION zstd)")
            count = "COUNT(*)" if folder == REPLACED else "COUNT(*) FILTER (WHERE part = 0)"
            ((rows, records),) = self._connection.execute(
                f"SELECT COUNT(*), {count} FROM read_parquet({_quoted(draft)})"
            ).fetchall()
            if not rows:
                return []
            with draft.open("r+b") as opened:
                os.fsync(opened.fileno())
            draft.replace(final)
        finally:
            draft.unlink(missing_ok=True)
        return [Part(f"{folder}/{name}", rows, records)]

    def _files(self, parts: Iterable[Part]) -> str:
        names = ", ".join(_quoted(self._folder / part.path) for part in parts)
        return f"read_parquet([{names}], filename = true, hive_partitioning = false)"


def _quoted(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"
