"""Keep a usage table as Parquet files by day, to which records are added atomically.

`ledger.json` names the files that count. A recording writes new files first, and takes effect at the moment when a new
`ledger.json` replaces the old one. A process that is killed before that has recorded nothing. Writers wait for each other;
readers see the state before or after. Prices are not stored: they are joined when a query is run.

    DIR/ledger.json                                 which files count, and what they contained
    DIR/history/00000012.json                       a copy of the last two, by the number of the recording
    DIR/2026-11-22/part-59c567bd3ef44531.parquet    rows of the usage table, a record's rows together
    DIR/undated/part-….parquet                      records whose log gives no day
    DIR/replaced/part-….parquet                     earlier versions of corrected records: key and content hash
    DIR/set-aside/2026-11-22/part-….parquet         files that do not count, because `ledger.json` did not name them

A file is removed only if a recording that `ledger.json` knows has replaced it and no reader has opened the ledger before that.
"""

import errno
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from secrets import token_hex

import duckdb

from voicebill.answers.recorded.unread_usage import UnreadUsage, total_unread
from voicebill.billing.errors import InvalidInput, VoicebillError
from voicebill.billing.record import Record
from voicebill.engines.in_duckdb import EngineError, insert_records, open_connection, translate_errors
from voicebill.engines.ledger_check import LedgerCheck, LedgerRepair, check_ledger, repair_ledger
from voicebill.engines.ledger_files import (
    DamagedLedger,
    fingerprint_of,
    hidden_damage,
    history,
    reader_lock,
    require_undamaged,
    set_aside,
    sources_of,
    strangers,
    without_readers,
    writer_lock,
)
from voicebill.engines.ledger_manifest import (
    HISTORY_FOLDER,
    MANIFEST,
    REPLACED,
    LedgerPart,
    RetiredPart,
    State,
    with_fingerprint,
)
from voicebill.engines.ledger_state import DRAFTS, commit, read_manifest, read_state
from voicebill.engines.ledger_writer import LedgerWriter, RecordSummary
from voicebill.facts.files import UnreadableFile
from voicebill.logs.report import printable_name

LOCK = ".lock"
READERS = ".readers"
OWN_NAMES = (LOCK, READERS, DRAFTS, HISTORY_FOLDER)
PROMPT_KEY_BYTES = 16
FULL_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT)


class Ledger:
    """A ledger in a folder."""

    def __init__(self, folder: Path | str) -> None:
        """Name the ledger's folder, which need not exist.

        Raises:
            InvalidInput: its path is not UTF-8, as DuckDB needs it.
        """
        self.folder = Path(folder)
        path = str(self.folder.absolute())
        if printable_name(path) != path:
            raise InvalidInput(f"the path of the ledger, {printable_name(path)}, is not UTF-8: rename the folder")
        self._new_prompt_key = token_hex(PROMPT_KEY_BYTES)

    def state(self) -> State:
        """Return the current state: the files that count.

        Raises:
            UnreadableFile: there is no ledger, it cannot be read, is of another version, or is older than the last recording.
        """
        return read_state(self.folder)

    def prompt_key(self) -> bytes:
        """Return the key with which fingerprints of prompts are made; a new one, which the first recording keeps.

        It is `LogDefaults.prompt_key` of logs that are read for this ledger, so that prompts of several recordings compare.

        Raises:
            UnreadableFile: there is no ledger, it cannot be read, is of another version, or is older than the last recording.
        """
        recorded = self.state().prompt_key if (self.folder / MANIFEST).exists() else None
        return bytes.fromhex(recorded or self._new_prompt_key)

    def files(self) -> list[Path]:
        """Return the files with the rows of all records, as they are now.

        Recordings remove them after a while: `reading` keeps them. Their sizes and last bytes are compared with those that were
        recorded.

        Raises:
            UnreadableFile: there is no ledger, it cannot be read, is of another version, or is older than the last recording.
            DamagedLedger: a file is missing, or is not the one that was recorded.
            InvalidInput: nothing has been recorded yet.
        """
        while True:
            state = self.state()
            parts = [part for part in state.parts if part.folder != REPLACED]
            try:
                require_undamaged(self.folder, parts)
            except DamagedLedger:
                if self.state().generation != state.generation:  # recordings have replaced and removed files meanwhile
                    continue
                raise
            if not parts:
                raise InvalidInput(f"the ledger {self.folder} is empty: nothing has been recorded yet")
            return [self.folder.absolute() / part.path for part in parts]

    @contextmanager
    def reading(self) -> Iterator[list[Path]]:
        """Give the files with the rows of all records. No recording removes them during the block, however long it lasts.

        Raises:
            UnreadableFile: there is no ledger, it cannot be read, is of another version, or is older than the last recording.
            DamagedLedger: a file is missing, or is not the one that was recorded.
            InvalidInput: nothing has been recorded yet.
        """
        with reader_lock(self.folder / READERS):
            yield self.files()

    def unread_usage(self) -> UnreadUsage | None:
        """Return the usage that was not read when logs were recorded; None if there is none.

        Raises:
            UnreadableFile: there is no ledger, it cannot be read, is of another version, or is older than the last recording.
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
            UnreadableFile: the folder contains other files, cannot be written to, or `ledger.json` cannot be used.
            DamagedLedger: a file of the ledger is missing, or is not the one that was recorded.
            EngineError: the disk or the memory is full. In all cases the ledger is as it was before.
        """
        self._refuse_other_contents()
        if (self.folder / MANIFEST).exists():
            require_undamaged(self.folder, self.state().parts)  # before any log is read, which can take long
        with open_connection(memory) as connection, translate_errors():
            insert_records(connection, records)
            with self._writing(must_exist=False):
                return self._add(connection, unread_usage())

    def check(self) -> LedgerCheck:
        """Read all files, and return all that is wrong. Nothing is changed.

        Raises:
            UnreadableFile: there is no ledger, or it is of another version.
        """
        with reader_lock(self.folder / LOCK):
            return check_ledger(self.folder)

    def repair(self) -> LedgerRepair:
        """Make the ledger count what is intact, and move everything else to the folder `set-aside`.

        Raises:
            UnreadableFile: there is no ledger, it is of another version, or cannot be written to.
        """
        check_ledger(self.folder)  # a folder that is no ledger stays as it is
        with self._writing(must_exist=True):
            return repair_ledger(self.folder)

    def _add(self, connection: duckdb.DuckDBPyConnection, unread_usage: Mapping[str, UnreadUsage | None]) -> RecordSummary:
        previous = self.state()
        require_undamaged(self.folder, previous.parts)
        unnamed = strangers(self.folder, previous)
        writer = LedgerWriter(self.folder, connection)
        unread = {name: entry for name, entry in {**previous.unread, **unread_usage}.items() if entry is not None}
        with self._undone_on_failure(writer, previous.parts) as describe:
            summary = writer.find_changes(previous.parts)
            describe(summary)
            parts = writer.write(previous.parts, summary.days)
            if parts != previous.parts or unread != previous.unread:
                paths = {part.path for part in parts}
                retired = [part for part in previous.retired if (self.folder / part.path).exists()]
                generation = previous.generation + 1
                retired += [RetiredPart(part.path, generation) for part in previous.parts if part.path not in paths]
                prompt_key = previous.prompt_key or self._new_prompt_key
                state = State(generation, tuple(map(self._with_fingerprint, parts)), tuple(retired), unread, prompt_key)
                writer.publish()
                commit(self.folder, state)
                self._remove_retired(state)
        return replace(summary, set_aside=tuple(path for path in unnamed if set_aside(self.folder, path)))

    def _with_fingerprint(self, part: LedgerPart) -> LedgerPart:
        """Add what earlier versions did not record of a file."""
        if part.fingerprint is not None:
            return part
        require_undamaged(self.folder, [part], hidden_damage)
        file = self.folder / part.path
        return with_fingerprint(part, fingerprint_of(file), sources_of(file))

    def _remove_retired(self, state: State) -> None:
        """Remove files that a recording before the last one replaced, unless somebody is reading."""
        with suppress(OSError), without_readers(self.folder / READERS) as alone:
            for part in state.retired if alone else ():
                if part.generation < state.generation:
                    with suppress(OSError):
                        (self.folder / part.path).unlink(missing_ok=True)

    @contextmanager
    def _undone_on_failure(
        self, writer: LedgerWriter, previous: Sequence[LedgerPart]
    ) -> Iterator[Callable[[RecordSummary], None]]:
        """Remove what a failing recording has written, and say what it was to write: `describe` takes the summary."""
        missing = ["the records"]

        def describe(summary: RecordSummary) -> None:
            missing[0] = f"{summary.added:,} new and {summary.corrected:,} corrected records"

        try:
            yield describe
        except BaseException as error:
            with suppress(VoicebillError, OSError):  # what may count already is never removed
                writer.discard(keep={part.path for part in read_manifest(self.folder).parts})
            unwritten = f"{missing[0]} were not written to {self.folder}, which is as it was before"
            if _is_full_disk(error):
                raise EngineError(f"the disk is full: {unwritten}; free some space and record the logs again") from None
            if isinstance(error, duckdb.IOException):
                require_undamaged(self.folder, previous, hidden_damage)
                reason = str(error).splitlines()[0][:300]
                raise EngineError(f"a file cannot be read or written, and {unwritten}: {reason}") from None
            if isinstance(error, duckdb.Error):
                require_undamaged(self.folder, previous, hidden_damage)
            if isinstance(error, OSError) and not isinstance(error, VoicebillError):
                reason = f"{error.strerror or error}; {unwritten}"
                raise UnreadableFile(f"{self.folder} cannot be written to: {reason}") from None
            raise
        finally:
            writer.remove_drafts()

    @contextmanager
    def _writing(self, *, must_exist: bool) -> Iterator[None]:
        """Hold the lock of writers during the block. A ledger that is created for it is removed if the block fails."""
        try:
            with writer_lock(self.folder / LOCK):
                is_new = not must_exist and not (self.folder / MANIFEST).exists()
                try:
                    if is_new:
                        self._refuse_other_contents()
                        commit(self.folder, State())
                    yield
                except BaseException:
                    if is_new:
                        self._remove_new()
                    raise
        except (FileExistsError, NotADirectoryError):
            raise UnreadableFile(f"{self.folder} is not a folder") from None
        except VoicebillError:
            raise
        except OSError as error:
            if _is_full_disk(error):
                raise EngineError(
                    f"the disk is full: nothing was written to {self.folder}; free some space and try again"
                ) from None
            raise UnreadableFile(f"{self.folder} cannot be written to: {error.strerror or error}") from None

    def _remove_new(self) -> None:
        """Remove a ledger in which nothing was recorded."""
        with suppress(VoicebillError, OSError):
            if (self.folder / MANIFEST).exists() and read_manifest(self.folder) != State():
                return
            for file in (self.folder / MANIFEST, *history(self.folder).values(), self.folder / READERS):
                file.unlink(missing_ok=True)
            for name in (DRAFTS, HISTORY_FOLDER):
                folder = self.folder / name
                for file in folder.iterdir() if folder.is_dir() else ():
                    file.unlink()
                with suppress(FileNotFoundError):
                    folder.rmdir()
            (self.folder / LOCK).unlink()
            self.folder.rmdir()

    def _refuse_other_contents(self) -> None:
        """Refuse a folder with other files in it, before any log is read."""
        if self.folder.exists() and not self.folder.is_dir():
            raise UnreadableFile(f"{self.folder} is not a folder")
        if not self.folder.exists() or (self.folder / MANIFEST).exists():
            return
        if history(self.folder):
            read_manifest(self.folder)  # the sentence about a missing ledger.json
        other_names = [
            entry.name for entry in self.folder.iterdir() if entry.name not in OWN_NAMES and not entry.name.startswith(MANIFEST)
        ]
        if other_names:
            raise UnreadableFile(f"{self.folder} contains {other_names[0]} and is not a ledger: name an empty or a new folder")


def _is_full_disk(error: BaseException) -> bool:
    if isinstance(error, duckdb.IOException):
        return "No space left" in str(error) or "Disk quota" in str(error)
    return isinstance(error, OSError) and error.errno in FULL_DISK_ERRORS
