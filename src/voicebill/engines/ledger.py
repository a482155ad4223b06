"""The ledger: a usage table kept as Parquet files by day, and added to without ever being half written.

`ledger.json` names the files that count. A recording writes new files beside them, and becomes true in the one moment in
which a new `ledger.json` takes the place of the old one: whoever is killed before has recorded nothing, and what they left
is swept away by the next. Writers wait for each other; readers need no lock. Prices are not kept: they join when asked for.

    DIR/ledger.json                                 which files count
    DIR/2026-11-22/part-59c567bd3ef44531.parquet    rows of the usage table, a record's rows together
    DIR/undated/part-….parquet                      records whose log names no day
    DIR/replaced/part-….parquet                     what corrected records said before: key and digest
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from voicebill.billing.errors import InvalidInput
from voicebill.billing.record import Record
from voicebill.engines.in_duckdb import connected, failing_clearly, put_in
from voicebill.engines.recording import REPLACED, Part, Recorded, Recording
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
VERSION = 1


@dataclass(frozen=True, slots=True)
class State:
    """Which files count. `retired` are those that the last recording has replaced: readers may still be at them."""

    generation: int = 0
    parts: tuple[Part, ...] = ()
    retired: tuple[str, ...] = ()


class Ledger:
    """A folder that holds a ledger."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    def state(self) -> State:
        """Which files count now.

        Raises:
            UnreadableFile: there is no ledger, or it cannot be read.
        """
        try:
            written = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
            if written["version"] != VERSION:
                raise UnreadableFile(
                    f"{self.folder} is a ledger of version {written['version']}; this voicebill reads {VERSION}"
                )
            parts = tuple(Part(each["path"], each["rows"], each["records"]) for each in written["parts"])
            return State(written["generation"], parts, tuple(written["retired"]))
        except FileNotFoundError:
            raise UnreadableFile(f"{self.folder} holds no ledger: make one with voicebill record LOG --ledger DIR") from None
        except OSError as error:
            raise UnreadableFile(f"{self.folder / MANIFEST} cannot be read: {error.strerror or error}") from None
        except (ValueError, KeyError, TypeError):
            raise UnreadableFile(f"{self.folder / MANIFEST} is damaged: it does not say which files count") from None

    def files(self) -> list[Path]:
        """The files with the rows of all records.

        Raises:
            UnreadableFile: there is no ledger, or it cannot be read.
            InvalidInput: nothing has been recorded yet.
        """
        found = [self.folder / part.path for part in self.state().parts if part.folder != REPLACED]
        if not found:
            raise InvalidInput(f"the ledger {self.folder} is empty: nothing has been recorded yet")
        return found

    def record(self, records: Iterable[Record], *, memory: str | None = None) -> Recorded:
        """Add records: each once, whatever was recorded before; one that says more, or says it later, takes its place.

        Raises:
            UnreadableFile: the folder holds something else, or cannot be written to.
            EngineFailed: there is no room.
        """
        self._check()
        with connected(memory) as connection, failing_clearly():
            put_in(connection, records)
            self._open()
            with _locked(self.folder / LOCK):
                return self._add(Recording(self.folder, connection))

    def _add(self, recording: Recording) -> Recorded:
        before = self.state()
        recording.sweep(keep={*(part.path for part in before.parts), *before.retired})
        recorded, parts = recording.merged(before.parts)
        if parts != before.parts:
            kept = {part.path for part in parts}
            retired = tuple(part.path for part in before.parts if part.path not in kept)
            self.commit(State(before.generation + 1, parts, retired))
            recording.sweep(keep={*kept, *retired})
        return recorded

    def _open(self) -> None:
        """Make an empty ledger where there is none yet."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if (self.folder / MANIFEST).exists():
                return
            self._check()
            with _locked(self.folder / LOCK):
                if not (self.folder / MANIFEST).exists():
                    self.commit(State())
        except (FileExistsError, NotADirectoryError):
            raise UnreadableFile(f"{self.folder} is no folder") from None
        except UnreadableFile:
            raise
        except OSError as error:
            raise UnreadableFile(f"{self.folder} cannot be written to: {error.strerror or error}") from None

    def _check(self) -> None:
        """Refuse a folder with other things in it, before anything is read."""
        if self.folder.exists() and not self.folder.is_dir():
            raise UnreadableFile(f"{self.folder} is no folder")
        if not self.folder.exists() or (self.folder / MANIFEST).exists():
            return
        others = [each.name for each in self.folder.iterdir() if each.name != LOCK and not each.name.startswith(MANIFEST)]
        if others:
            raise UnreadableFile(f"{self.folder} holds {others[0]} and no ledger: name an empty folder, or a new one")

    def commit(self, state: State) -> None:
        """Make a state the one that counts, in one moment."""
        written = {
            "version": VERSION,
            "generation": state.generation,
            "parts": [{"path": part.path, "rows": part.rows, "records": part.records} for part in state.parts],
            "retired": list(state.retired),
        }
        draft = self.folder / f"{MANIFEST}.{uuid4().hex[:12]}.tmp"
        try:
            with draft.open("w", encoding="utf-8") as opened:
                json.dump(written, opened, indent=1)
                opened.flush()
                os.fsync(opened.fileno())
            draft.replace(self.folder / MANIFEST)
        finally:
            draft.unlink(missing_ok=True)
        _synced(self.folder)


def _wait_on_windows(file: int) -> None:  # pragma: no cover - Windows
    """Windows gives up after ten attempts, one a second: go on waiting."""
    while True:
        try:
            return msvcrt.locking(file, msvcrt.LK_LOCK, 1)  # type: ignore[no-any-return]
        except OSError:
            continue


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Alone, until the end of the block or of the process; whoever comes second waits."""
    with file.open("a+b") as opened:
        if fcntl is None:  # pragma: no cover - Windows
            _wait_on_windows(opened.fileno())
        else:
            fcntl.flock(opened, fcntl.LOCK_EX)
        yield


def _synced(folder: Path) -> None:
    """Have a folder's names on the disk, where the system can do that."""
    if fcntl is None:  # pragma: no cover - Windows
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
