"""Read, check, lock and move the files of a ledger."""

import os
import shlex
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from voicebill.engines.ledger_manifest import (
    HISTORY_FOLDER,
    HISTORY_NAME_PATTERN,
    PART_FOLDER_PATTERN,
    PART_NAME_PATTERN,
    Fingerprint,
    LedgerPart,
    State,
)
from voicebill.facts.files import UnreadableFile

fcntl: Any
msvcrt: Any
try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    import msvcrt

    fcntl = None

SET_ASIDE = "set-aside"
TAIL_BYTES = 256
"""The end of a Parquet file: the end of its statistics, its own name in the ledger, and who wrote it."""
PARQUET_END = b"PAR1"
REMEDY = "voicebill record --check --ledger {} lists all that is wrong, and --repair sets damaged files aside"


class DamagedLedger(UnreadableFile):
    """Files of a ledger that are missing, or are not what was recorded."""


def fingerprint_of(file: Path) -> Fingerprint:
    """Return what a file contains."""
    with file.open("rb", buffering=0) as stream:
        size, tail = _size_and_tail(stream)
    return Fingerprint(size, _hash(tail), _sha256(file))


def sources_of(file: Path) -> list[str]:
    """Return the logs that the records of a file come from; none for earlier versions of records."""
    if "source" not in pq.read_schema(file).names:
        return []
    sources: set[str] = set()
    with pq.ParquetFile(file, read_dictionary=["source"]) as parquet:  # distinct without pyarrow.compute, which loads slowly
        for batch in parquet.iter_batches(columns=["source"]):
            sources.update(batch.column(0).dictionary.to_pylist())
    return sorted(sources)


def damage(folder: Path, part: LedgerPart) -> str | None:
    """What is wrong with a file as far as its size and its last bytes show; None if nothing is.

    >>> damage(Path("/nowhere"), LedgerPart("undated/part-0123456789abcdef.parquet", 1, 1))
    'is missing'
    """
    try:
        with open(f"{folder}/{part.path}", "rb", buffering=0) as stream:  # noqa: PTH123 - a ledger may have thousands
            size, tail = _size_and_tail(stream)
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    recorded = part.fingerprint
    if recorded is not None and size != recorded.size:
        return f"has {size:,} bytes, and {recorded.size:,} were recorded"
    if not tail.endswith(PARQUET_END) or (recorded is not None and _hash(tail) != recorded.tail):
        return "is not the file that was recorded"
    return None


def hidden_damage(folder: Path, part: LedgerPart) -> str | None:
    """What is wrong with a file, of which everything is read; None if nothing is."""
    visible_damage = damage(folder, part)
    if visible_damage is not None:
        return visible_damage
    file = folder / part.path
    if part.fingerprint is not None:
        try:
            return None if _sha256(file) == part.fingerprint.sha256 else "is not the file that was recorded"
        except OSError as error:
            return f"cannot be read: {error.strerror or error}"
    problem = unreadable(file)
    if problem is None:
        rows = pq.read_metadata(file).num_rows
        problem = None if rows == part.rows else f"has {rows:,} rows, and {part.rows:,} were recorded"
    return problem


def unreadable(file: Path) -> str | None:
    """Why a Parquet file cannot be read to its end; None if it can."""
    try:
        with file.open("rb") as stream, pq.ParquetFile(stream) as parquet:
            for _ in parquet.iter_batches():
                pass
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror or 'it is damaged'}"
    except (pa.ArrowException, ValueError):
        return "cannot be read: it is damaged"
    return None


def require_undamaged(
    folder: Path, parts: Iterable[LedgerPart], check: Callable[[Path, LedgerPart], str | None] = damage
) -> None:
    """Refuse a ledger with a damaged file.

    Raises:
        DamagedLedger: a file is damaged; the first one is named.
    """
    problems = [f"{folder / part.path} {problem}" for part in parts if (problem := check(folder, part))]
    if problems:
        more = f" (and {len(problems) - 1:,} more)" if len(problems) > 1 else ""
        raise DamagedLedger(f"{problems[0]}{more}: {remedy(folder)}")


def remedy(folder: Path) -> str:
    """Return what helps if files of a ledger are damaged."""
    return REMEDY.format(shlex.quote(str(folder)))


def strangers(folder: Path, state: State) -> list[str]:
    """Return the paths of a ledger's files that its `ledger.json` does not name."""
    named_paths = {part.path for part in state.parts} | {part.path for part in state.retired}
    paths = (
        f"{file.parent.name}/{file.name}"
        for file in folder.glob("*/part-*")
        if PART_FOLDER_PATTERN.fullmatch(file.parent.name) and PART_NAME_PATTERN.fullmatch(file.name)
    )
    return sorted(path for path in paths if path not in named_paths)


def history(folder: Path) -> dict[int, Path]:
    """Return the copies of `ledger.json`, by the number of the recording."""
    try:
        names = os.listdir(folder / HISTORY_FOLDER)  # noqa: PTH208 - no file is looked at
    except OSError:
        return {}
    matches = (HISTORY_NAME_PATTERN.fullmatch(name) for name in names)
    return {int(match[1]): folder / HISTORY_FOLDER / match[0] for match in matches if match}


def history_file(folder: Path, generation: int) -> Path:
    """Return the copy of the `ledger.json` of a recording."""
    return folder / HISTORY_FOLDER / f"{generation:08}.json"


def set_aside(folder: Path, path: str) -> bool:
    """Move a file of a ledger to the same path under `set-aside/`. Return whether there was one that could be moved."""
    with suppress(OSError):
        target = folder / SET_ASIDE / path
        target.parent.mkdir(parents=True, exist_ok=True)
        names = (target if number == 0 else target.with_name(f"{target.name}.{number}") for number in count())
        (folder / path).rename(next(name for name in names if not name.exists()))
        return True
    return False


def take_back(folder: Path, part: LedgerPart) -> bool:
    """Move the file that was recorded back from `set-aside/`. Return whether it is there."""
    target = folder / part.path
    for file in sorted((folder / SET_ASIDE / part.folder).glob(f"{target.name}*")):
        if part.fingerprint is not None and file.is_file() and _sha256(file) == part.fingerprint.sha256:
            target.parent.mkdir(exist_ok=True)
            file.rename(target)
            return True
    return False


def sync_folder(folder: Path) -> None:
    """Flush a folder's file names to disk, where the system supports it."""
    if fcntl is None:  # pragma: no cover - Windows
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def writer_lock(file: Path) -> Iterator[None]:
    """Hold an exclusive lock until the end of the block or of the process; others wait. The folder is created if necessary."""
    while True:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            stream = file.open("a+b")
        except FileNotFoundError:  # a failed first recording has just removed the folder
            continue
        with stream:
            if fcntl is None:  # pragma: no cover - Windows
                _wait_on_windows(stream.fileno())
            else:
                fcntl.flock(stream, fcntl.LOCK_EX)
            if fcntl is not None and not _is_same_file(stream.fileno(), file):
                continue
            yield
            return


@contextmanager
def reader_lock(file: Path) -> Iterator[None]:
    """Hold a shared lock during the block, where the file exists and the system has such locks."""
    with _open_if_possible(file) as stream:
        if stream is not None and fcntl is not None:
            with suppress(OSError):
                fcntl.flock(stream, fcntl.LOCK_SH)
        yield


@contextmanager
def without_readers(file: Path) -> Iterator[bool]:
    """Keep readers out during the block; give False, and wait for none, if one is reading."""
    with file.open("a+b") as stream:
        if fcntl is None:  # pragma: no cover - Windows does not remove a file that is read
            yield True
            return
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True


@contextmanager
def _open_if_possible(file: Path) -> Iterator[Any]:
    """Open a file for reading; None if that is not possible."""
    try:
        stream = file.open("rb")
    except OSError:
        yield None
        return
    with stream:
        yield stream


def _is_same_file(descriptor: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), file.stat())
    except FileNotFoundError:
        return False


def _wait_on_windows(file: int) -> None:  # pragma: no cover - Windows
    """Wait for the lock. Windows gives up after ten attempts, one per second, so try again."""
    while True:
        try:
            return msvcrt.locking(file, msvcrt.LK_LOCK, 1)  # type: ignore[no-any-return]
        except OSError:
            continue


def _hash(tail: bytes) -> str:
    return sha256(tail).hexdigest()[:16]


def _size_and_tail(stream: Any) -> tuple[int, bytes]:  # noqa: ANN401 - an unbuffered file
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - TAIL_BYTES))
    return size, stream.read(TAIL_BYTES)


def _sha256(file: Path) -> str:
    digest = sha256()
    with file.open("rb") as stream:
        while block := stream.read(2**20):
            digest.update(block)
    return digest.hexdigest()
