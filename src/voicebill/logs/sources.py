"""Where logs lie: files, folders, patterns and standard input, plain or compressed, as numbered lines."""

import gzip
import io
import os
import sys
import zlib
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from glob import glob, has_magic
from itertools import chain, islice, takewhile
from pathlib import Path
from typing import IO, Any

from voicebill.billing.errors import InvalidInput, nearest
from voicebill.facts.files import UnreadableFile
from voicebill.logs.told import Report

SUFFIXES = (".jsonl", ".ndjson", ".json", ".log", ".txt", ".csv", ".tsv", ".parquet")
"""What is read in a folder, also with .gz or .zst behind it; a file named by itself may have any name."""
COMPRESSED = (".gz", ".zst")
LONGEST_LINE = 64 * 2**20
MOST_HELD = 2**30
"""So much of a Parquet file that only streams is held in memory."""
STANDARD_INPUT = "-"
LEDGER = "ledger.json"
"""The file by which a folder is a ledger, and no log."""
LINES_AT_ONCE = 1_000
"""So often the report learns of how many lines there were."""

GZIP, ZSTD, PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"


@dataclass(frozen=True, slots=True)
class Source:
    """One file of a log, or a stream: `name` is how it was named, `content` its bytes where there is no file.

    What is `plain` is not decompressed, whatever it begins with.
    """

    name: str
    path: Path | None = None
    content: IO[bytes] | None = None
    plain: bool = False

    @property
    def identity(self) -> str:
        """What tells it apart from other sources, packed or not: its folder's name and the file's bare one."""
        if self.path is None:
            return self.name
        bare = self.path.stem if self.path.suffix in COMPRESSED else self.path.name
        folder = os.path.basename(os.path.dirname(os.path.abspath(self.path)))  # noqa: PTH100, PTH119, PTH120 - follows no link
        return f"{folder}/{bare}"

    def open(self) -> IO[bytes]:
        """Its bytes, decompressed.

        Raises:
            UnreadableFile: it cannot be opened.
        """
        try:
            raw: Any = self.content if self.path is None else self.path.open("rb", buffering=2**20)
            return raw if self.plain else _decompressed(raw, self.name)
        except IsADirectoryError:
            raise UnreadableFile(f"{self.name} is a folder, not a file") from None
        except OSError as error:
            raise UnreadableFile(f"{self.name} cannot be read: {error.strerror or error}") from None

    @property
    def is_parquet(self) -> bool:
        """Whether it is a Parquet file, by its first bytes, which stay to be read. A pipe that has a name is none."""
        if self.path is None:
            return self.content is not None and _start(self.content).startswith(PARQUET)
        if not self.path.is_file():
            return False
        with self.open() as opened:
            try:
                return opened.read(4) == PARQUET
            except (EOFError, zlib.error, OSError):
                return False

    def seekable(self) -> IO[bytes]:
        """Its bytes where one can go back and forth, as Parquet needs; what only streams is held in memory.

        Raises:
            UnreadableFile: it cannot be opened, or streams more than fits.
        """
        opened = self.open()
        if opened.seekable():
            return opened
        with opened:
            held = opened.read(MOST_HELD + 1)
        if len(held) > MOST_HELD:
            raise UnreadableFile(f"{self.name} streams more than {MOST_HELD:,} bytes of Parquet: save it as a file first")
        return io.BytesIO(held)


def sources(named: Iterable[str | Path]) -> list[Source]:
    """The files that some paths, folders, patterns and `-` name, each once; a folder's in the order of their names.

    Raises:
        UnreadableFile: a path names nothing; the text names what lies beside it.
        InvalidInput: a folder or a pattern holds no log.
    """
    found: dict[Path | str, Source] = {}
    for name in named:
        if str(name) == STANDARD_INPUT:
            found.setdefault(STANDARD_INPUT, _standard_input())
            continue
        for path in _files(str(name)):
            found.setdefault(path.resolve(), Source(str(path), path=path))
    return list(found.values())


def _standard_input() -> Source:
    if sys.stdin is None or sys.stdin.closed:
        raise UnreadableFile("standard input is closed: name a file")
    return Source("standard input", content=sys.stdin.buffer)


def _files(name: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        if _is_ledger(path):
            raise InvalidInput(f"{name} is a ledger: ask it with --ledger {name}")
        files = _of_folder(path)
        if not files:
            raise InvalidInput(f"the folder {path} holds no log: files ending in {', '.join(SUFFIXES)}, plain, .gz or .zst")
        return files
    if path.exists():
        if not path.is_file() and not path.is_fifo():
            raise UnreadableFile(f"{name} is no regular file")
        return [path]
    if has_magic(name):
        matched = sorted(Path(each) for each in glob(name, recursive=True))  # noqa: PTH207 - patterns may be absolute
        fixed = sum(1 for _ in takewhile(lambda part: not has_magic(part), path.parts))
        in_ledger = cache(_is_ledger)
        found = (each for each in matched if not any(map(in_ledger, _folders_of(each, fixed))))
        files = [file for each in found for file in (_of_folder(each) if each.is_dir() else [each])]
        if not files:
            raise InvalidInput(f"no file matches {name}")
        return files
    raise UnreadableFile(f"there is no file {name}{_beside(path)}")


def _is_ledger(folder: Path) -> bool:
    return (folder / LEDGER).is_file()


def _folders_of(path: Path, fixed: int) -> Iterator[Path]:
    """A path and the folders it lies in, from the one on that a pattern's first parts name."""
    for many in range(max(fixed, 1), len(path.parts) + 1):
        yield Path(*path.parts[:many])


def _of_folder(folder: Path) -> list[Path]:
    """Its logs in any depth, without the ledgers that lie in it."""
    files: list[Path] = []
    for where, folders, names in os.walk(folder):
        if LEDGER in names:
            folders.clear()
            continue
        files += (Path(where, name) for name in names if not name.startswith("."))
    return sorted(each for each in files if _plain_suffix(each) in SUFFIXES and each.is_file())


def _plain_suffix(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while suffixes and (suffixes[-1] in COMPRESSED or suffixes[-1][1:].isdigit()):
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _beside(path: Path) -> str:
    if not path.parent.is_dir():
        return ""
    near = nearest(path.name, (each.name for each in path.parent.iterdir() if each.suffix == path.suffix), most=1)
    return f"; beside it lies {near[0]}" if near else ""


class _Gzip(io.RawIOBase):
    """Gives what is there before it breaks off, where it does, and closes what it reads from as well."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._unpacked = gzip.GzipFile(fileobj=raw)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - whatever bytes can be written to
        """So much as is there."""
        found = self._unpacked.read1(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def close(self) -> None:
        """Close both."""
        super().close()
        self._unpacked.close()
        self._raw.close()


def _start(raw: Any) -> bytes:  # noqa: ANN401 - whatever can be peeked at
    found: bytes = raw.getbuffer()[:4].tobytes() if isinstance(raw, io.BytesIO) else raw.peek(4)[:4]
    return found


def _decompressed(raw: Any, name: str) -> IO[bytes]:  # noqa: ANN401 - whatever can be peeked at
    start = _start(raw)
    if start.startswith(GZIP):
        return io.BufferedReader(_Gzip(raw), buffer_size=2**20)
    if start.startswith(ZSTD):
        import pyarrow as pa  # noqa: PLC0415 - only for such files: it takes a while to load

        try:
            return io.BufferedReader(pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd"), buffer_size=2**20)
        except pa.ArrowException as error:
            raise UnreadableFile(f"{name} cannot be read: {error}") from None
    return raw  # type: ignore[no-any-return]


Line = tuple[int, bytes]


class Lines:
    """A source as numbered lines, from 1, empty ones left out; the first ones can be looked at before they are read."""

    def __init__(self, source: Source, report: Report) -> None:
        self.source = source
        self.is_parquet = source.is_parquet
        self.name = source.name
        self.identity = source.identity
        self._report = report
        self._opened = self._numbered(source)
        self._lines: Iterator[Line] = self._opened

    def __iter__(self) -> Iterator[Line]:
        if self.is_parquet:
            self._report.broke(self.name, 0, "Parquet has no lines: leave its --format out, or name columns")
            return iter(())
        return self._lines

    def sample(self, most_lines: int, most_bytes: int) -> list[bytes]:
        """The first lines, which stay to be read; of Parquet, which has none, the bytes that it begins with."""
        if self.is_parquet:
            return [PARQUET]
        taken: list[Line] = []
        size = 0
        for line in islice(self._lines, most_lines):
            taken.append(line)
            size += len(line[1])
            if size > most_bytes:
                break
        self._lines = chain(taken, self._lines)
        return [content for _, content in taken]

    def close(self) -> None:
        """Read no further."""
        self._opened.close()

    def _numbered(self, source: Source) -> Generator[Line, None, None]:
        ordinal = told = 0
        try:
            with source.open() as opened:
                readline = opened.readline
                while line := readline(LONGEST_LINE):
                    ordinal += 1
                    if ordinal - told == LINES_AT_ONCE:
                        self._report.lines += LINES_AT_ONCE
                        told = ordinal
                    if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                        self._report.broke(self.name, ordinal, f"longer than {LONGEST_LINE:,} bytes")
                        while line and not line.endswith(b"\n"):
                            line = readline(LONGEST_LINE)
                        continue
                    if line.isspace():
                        continue
                    if ordinal == 1:
                        line = line.removeprefix(b"\xef\xbb\xbf")
                    yield ordinal, line
        except UnreadableFile:
            raise
        except (EOFError, zlib.error, OSError) as error:
            why = getattr(error, "strerror", None) or str(error)
            self._report.broke(self.name, 0, f"cannot be read beyond line {ordinal:,}: {why}")
        finally:
            self._report.lines += ordinal - told
