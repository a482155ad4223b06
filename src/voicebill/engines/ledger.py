"""Keep a usage table as Parquet files by day, to which records are added atomically.

`ledger.json` names the files that count. A recording writes new files first, and takes effect at the moment when a new
`ledger.json` replaces the old one. A process that is killed before that has recorded nothing, and the next recording removes
its files. Writers wait for each other; readers need no lock. Prices are not stored: they are joined when a query is run.

    DIR/ledger.json                                 which files count
    DIR/2026-11-22/part-59c567bd3ef44531.parquet    rows of the usage table, a record's rows together
    DIR/undated/part-….parquet                      records whose log gives no day
    DIR/replaced/part-….parquet                     earlier versions of corrected records: key and content hash
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from voicebill.answers.recorded.unread_usage import UnreadUsage, total_unread
from voicebill.billing.errors import InvalidInput
from voicebill.billing.record import Record
from voicebill.engines.in_duckdb import insert_records, open_connection, translate_errors
from voicebill.engines.ledger_writer import REPLACED, LedgerPart, LedgerWriter, RecordSummary
from voicebill.facts.files import UnreadableFile

fcntl: Any
msvcrt: Any
try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    import msvcrt

    fcntl = None

MANIFEST = "ledger.json"
LOCK = ".lock"
VERSION = 3
"""Version 1 had other column names and is no longer read. Version 2 has no projects: its records have none."""
READABLE_VERSIONS = (2, VERSION)


@dataclass(frozen=True, slots=True)
class State:
    """The files of a ledger that count, after a number of recordings (`generation`).

    `retired` files were replaced by the last recording; readers may still have them open.
    """

    generation: int = 0
    parts: tuple[LedgerPart, ...] = ()
    retired: tuple[str, ...] = ()
    unread: Mapping[str, UnreadUsage] = field(default_factory=dict)
    """Usage that was not read, by the log's fingerprint."""


class Ledger:
    """A ledger in a folder."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    def state(self) -> State:
        """Return the current state: the files that count.

        Raises:
            UnreadableFile: there is no ledger, or it cannot be read, or it is of another version.
        """
        try:
            document = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
            if document["version"] not in READABLE_VERSIONS:
                raise UnreadableFile(self._version_error(document["version"]))
            parts = tuple(LedgerPart(entry["path"], entry["rows"], entry["records"]) for entry in document["parts"])
            unread = {
                name: UnreadUsage(entry["items"], entry["source"], entry["line"], entry["counts"])
                for name, entry in document.get("unread", {}).items()
            }
            return State(document["generation"], parts, tuple(document["retired"]), unread)
        except FileNotFoundError:
            raise UnreadableFile(f"{self.folder} is not a ledger: create one with voicebill record LOG --ledger DIR") from None
        except OSError as error:
            raise UnreadableFile(f"{self.folder / MANIFEST} cannot be read: {error.strerror or error}") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise UnreadableFile(f"{self.folder / MANIFEST} is damaged: it does not say which files count") from None

    def _version_error(self, version: object) -> str:
        if isinstance(version, int) and version > VERSION:
            return (
                f"{self.folder} is a ledger of version {version}; this voicebill reads version {VERSION}: install a newer one"
            )
        return (
            f"{self.folder} is a ledger of version {version}, which this voicebill no longer reads: record the logs anew with "
            "voicebill record LOG... --ledger NEW_DIR"
        )

    def files(self) -> list[Path]:
        """Return the files with the rows of all records.

        Raises:
            UnreadableFile: there is no ledger, or it cannot be read, or it is of another version.
            InvalidInput: nothing has been recorded yet.
        """
        files = [self.folder / part.path for part in self.state().parts if part.folder != REPLACED]
        if not files:
            raise InvalidInput(f"the ledger {self.folder} is empty: nothing has been recorded yet")
        return files

    def unread_usage(self) -> UnreadUsage | None:
        """Return the usage that was not read when logs were recorded; None if there is none.

        Raises:
            UnreadableFile: there is no ledger, or it cannot be read, or it is of another version.
        """
        return total_unread(self.state().unread.values())

    def record(
        self,
        records: Iterable[Record],
        *,
        memory: str | None = None,
        unread_usage: Callable[[], Mapping[str, UnreadUsage | None]] = dict,
    ) -> RecordSummary:
        """Add records, each once. A record replaces an earlier one of the same key if it is at least as complete.

        `unread_usage` is called when all records are read. It gives, by the log's fingerprint, the usage that was not read;
        it replaces what was noted of the same log before, and None removes that.

        Raises:
            UnreadableFile: the folder contains other files, or cannot be written to.
            EngineError: the disk or the memory is full.
        """
        self._refuse_other_contents()
        with open_connection(memory) as connection, translate_errors():
            insert_records(connection, records)
            self._create_if_missing()
            with _lock(self.folder / LOCK):
                return self._add(LedgerWriter(self.folder, connection), unread_usage())

    def _add(self, writer: LedgerWriter, unread_usage: Mapping[str, UnreadUsage | None]) -> RecordSummary:
        previous = self.state()
        writer.collect_garbage(keep={*(part.path for part in previous.parts), *previous.retired})
        summary, parts = writer.merge(previous.parts)
        unread = {name: entry for name, entry in {**previous.unread, **unread_usage}.items() if entry is not None}
        if parts != previous.parts or unread != previous.unread:
            paths = {part.path for part in parts}
            retired = tuple(part.path for part in previous.parts if part.path not in paths)
            self.commit(State(previous.generation + 1, parts, retired, unread))
            writer.collect_garbage(keep={*paths, *retired})
        return summary

    def _create_if_missing(self) -> None:
        """Create an empty ledger if there is none yet."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if (self.folder / MANIFEST).exists():
                return
            self._refuse_other_contents()
            with _lock(self.folder / LOCK):
                if not (self.folder / MANIFEST).exists():
                    self.commit(State())
        except (FileExistsError, NotADirectoryError):
            raise UnreadableFile(f"{self.folder} is not a folder") from None
        except UnreadableFile:
            raise
        except OSError as error:
            raise UnreadableFile(f"{self.folder} cannot be written to: {error.strerror or error}") from None

    def _refuse_other_contents(self) -> None:
        """Refuse a folder with other files in it, before any log is read."""
        if self.folder.exists() and not self.folder.is_dir():
            raise UnreadableFile(f"{self.folder} is not a folder")
        if not self.folder.exists() or (self.folder / MANIFEST).exists():
            return
        other_names = [
            entry.name for entry in self.folder.iterdir() if entry.name != LOCK and not entry.name.startswith(MANIFEST)
        ]
        if other_names:
            raise UnreadableFile(f"{self.folder} contains {other_names[0]} and is not a ledger: name an empty or a new folder")

    def commit(self, state: State) -> None:
        """Make a state the current one, atomically."""
        document = {
            "version": VERSION,
            "generation": state.generation,
            "parts": [{"path": part.path, "rows": part.rows, "records": part.records} for part in state.parts],
            "retired": list(state.retired),
            "unread": {
                name: {
                    "items": entry.items,
                    "source": entry.source,
                    "line": entry.line_number,
                    "counts": dict(entry.counts),
                }
                for name, entry in state.unread.items()
            },
        }
        draft = self.folder / f"{MANIFEST}.{uuid4().hex[:12]}.tmp"
        try:
            with draft.open("w", encoding="utf-8") as stream:
                json.dump(document, stream, indent=1)
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(self.folder / MANIFEST)
        finally:
            draft.unlink(missing_ok=True)
        _sync_folder(self.folder)


def _wait_on_windows(file: int) -> None:  # pragma: no cover - Windows
    """Wait for the lock. Windows gives up after ten attempts, one per second, so try again."""
    while True:
        try:
            return msvcrt.locking(file, msvcrt.LK_LOCK, 1)  # type: ignore[no-any-return]
        except OSError:
            continue


@contextmanager
def _lock(file: Path) -> Iterator[None]:
    """Hold an exclusive lock until the end of the block or of the process; others wait."""
    with file.open("a+b") as stream:
        if fcntl is None:  # pragma: no cover - Windows
            _wait_on_windows(stream.fileno())
        else:
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _sync_folder(folder: Path) -> None:
    """Flush a folder's file names to disk, where the system supports it."""
    if fcntl is None:  # pragma: no cover - Windows
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
