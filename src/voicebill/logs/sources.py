"""Open log files, folders, patterns and standard input, plain or compressed, as numbered lines."""

import io
import os
import stat
import sys
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cache, partial
from glob import has_magic
from itertools import chain, islice, takewhile
from pathlib import Path
from typing import IO, Any

from voicebill.billing.errors import InvalidInput, closest_names
from voicebill.facts.files import UnreadableFile
from voicebill.logs.compression import BUFFER_BYTES, COMPRESSED, decompress, first_bytes
from voicebill.logs.folders import (
    IS_LEDGER,
    LINKED,
    LOG_SUFFIXES,
    Skip,
    is_ledger,
    logs_in_folder,
    matching_paths,
    unreadable_reason,
)
from voicebill.logs.keys import place_key
from voicebill.logs.report import ReadReport, describe_encoding_error, printable_name

MAX_LINE_BYTES = 64 * 2**20
MAX_BUFFERED_BYTES = 2**30
"""A Parquet file that cannot be rewound is kept in memory up to this size."""
STANDARD_INPUT = "-"
FINGERPRINT_LINES = 2
"""A log is recognised by its name and its first lines: a table has its header and one row in them."""
LINES_PER_UPDATE = 1_000
"""The number of lines between two updates of the report."""
FIRST_BYTES = 2**12
"""Enough of a file to tell what it is."""

PARQUET = b"PAR1"


@dataclass(frozen=True, slots=True)
class Source:
    """A log file or a stream: `name` as the user gave it, `content` its bytes if there is no file.

    A `plain` source is never decompressed. One that is not `is_named` was met in a folder or by a pattern.
    """

    name: str
    path: Path | None = None
    content: IO[bytes] | None = None
    plain: bool = False
    is_named: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", printable_name(self.name))

    @property
    def identity(self) -> str:
        """The name that identifies the source, compressed or not: its folder's name and its file name."""
        if self.path is None:
            return self.name
        bare = self.path.stem if self.path.suffix in COMPRESSED else self.path.name
        folder = os.path.basename(os.path.dirname(os.path.abspath(self.path)))  # noqa: PTH100, PTH119, PTH120 - follows no link
        return printable_name(f"{folder}/{bare}")

    def open(self, buffer_bytes: int = BUFFER_BYTES) -> IO[bytes]:
        """Open the source, decompressed. So many bytes of it are read at a time.

        Raises:
            UnreadableFile: it cannot be opened.
        """
        try:
            raw: Any = self.content if self.path is None else self.path.open("rb", buffering=buffer_bytes)
            return raw if self.plain else decompress(raw, self.name)
        except IsADirectoryError:
            raise UnreadableFile(f"{self.name} is a folder, not a file") from None
        except OSError as error:
            raise UnreadableFile(f"{self.name} cannot be read: {error.strerror or error}") from None

    @property
    def is_parquet(self) -> bool:
        """Whether it is a Parquet file, by its first bytes, which are not consumed. A named pipe is not."""
        if self.path is None:
            return self.content is not None and first_bytes(self.content).startswith(PARQUET)
        if not self.path.is_file():
            return False
        with self.open(FIRST_BYTES) as opened:
            try:
                return opened.read(len(PARQUET)) == PARQUET
            except (EOFError, zlib.error, OSError):
                return False

    def parquet_columns(self) -> list[str]:
        """Return the names of the columns of a Parquet file; none for another file, a broken one, or a stream.

        Bytes in memory are no stream: they are read from their beginning again.
        """
        in_memory = isinstance(self.content, io.BytesIO) and not self.content.closed
        if not (self.path is not None or in_memory) or not self.is_parquet:
            return []
        import pyarrow as pa  # noqa: PLC0415 - only for such files: it takes a while to load
        import pyarrow.parquet as pq  # noqa: PLC0415

        try:
            if isinstance(self.content, io.BytesIO):
                return list(pq.read_schema(pa.BufferReader(self.content.getvalue())).names)
            with self.open_seekable() as opened:
                return list(pq.read_schema(opened).names)
        except (pa.ArrowException, OSError, ValueError):
            return []

    def open_seekable(self) -> IO[bytes]:
        """Open the source for random access, as Parquet needs; a stream is read into memory.

        Raises:
            UnreadableFile: it cannot be opened, or a stream is too large.
        """
        opened = self.open()
        if opened.seekable():
            return opened
        with opened:
            content = opened.read(MAX_BUFFERED_BYTES + 1)
        if len(content) > MAX_BUFFERED_BYTES:
            raise UnreadableFile(
                f"{self.name} is a stream of more than {MAX_BUFFERED_BYTES:,} bytes of Parquet: save it as a file first"
            )
        return io.BytesIO(content)


def find_sources(names: Sequence[str | Path], report: ReadReport) -> list[Source]:
    """Return the files that paths, folders, patterns and `-` name, each once; those of a folder by name.

    What is in a named folder or matches a pattern, and is not read, is reported.

    Raises:
        UnreadableFile: there is no such file; the text suggests a similar name.
        InvalidInput: a folder or a pattern has no log.
        InvalidLog: the report is strict, and something in a folder cannot be read.
    """
    sources: dict[str, Source] = {}
    skipped: dict[Path, str] = {}
    for name in names:
        if str(name) == STANDARD_INPUT:
            sources.setdefault(STANDARD_INPUT, _standard_input())
            continue
        paths, is_named = _files(str(name), skipped.__setitem__)
        for path in paths:
            place = os.path.realpath(path)
            source = sources.setdefault(place, Source(str(path), path=path, is_named=is_named))
            sources[place] = replace(source, is_named=source.is_named or is_named)
    folders = {os.path.realpath(name) for name in names}
    for path, reason in skipped.items():
        if os.path.realpath(path) not in (folders if reason == LINKED else sources):
            report.add_skipped_file(str(path), reason)
    return list(sources.values())


def _standard_input() -> Source:
    if sys.stdin is None or sys.stdin.closed:
        raise UnreadableFile("standard input is closed: name a file")
    return Source("standard input", content=sys.stdin.buffer)


def _files(name: str, skip: Skip) -> tuple[list[Path], bool]:
    """Return the files that a name stands for, and whether it is the name of a file."""
    path = Path(name)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        if has_magic(name):
            return _files_of_pattern(name, skip), False
        raise UnreadableFile(f"there is no file {name}{_suggest_sibling(path)}") from None
    except (OSError, ValueError) as error:
        raise UnreadableFile(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if stat.S_ISDIR(mode):
        return _files_of_folder(path, skip), False
    if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
        raise UnreadableFile(f"{name} is not a regular file")
    return [path], True


def _files_of_folder(folder: Path, skip: Skip) -> list[Path]:
    if is_ledger(folder):
        raise InvalidInput(f"{folder} is a ledger, not a log: use --ledger {folder}")
    skipped: list[tuple[Path, str]] = []
    files = logs_in_folder(folder, lambda path, reason: skipped.append((path, reason)))
    if not files:
        packings = ", ".join(COMPRESSED[:-1])
        example = "".join(f"; in it is {path.name} ({reason})" for path, reason in skipped[:1])
        suffixes = ", ".join(LOG_SUFFIXES)
        raise InvalidInput(
            f"the folder {folder} contains no log; logs end in {suffixes}, plain, {packings} or {COMPRESSED[-1]}{example}"
        )
    for path, reason in skipped:
        skip(path, reason)
    return files


def _files_of_pattern(pattern: str, skip: Skip) -> list[Path]:
    fixed_parts = sum(1 for _ in takewhile(lambda part: not has_magic(part), Path(pattern).parts))
    in_ledger = cache(is_ledger)
    files: list[Path] = []
    for match in matching_paths(pattern, skip):
        ledgers = [folder for folder in _enclosing_folders(match, fixed_parts) if in_ledger(folder)]
        if ledgers:
            skip(ledgers[0], IS_LEDGER)
        elif match.is_dir():
            try:
                files += logs_in_folder(match, skip)
            except UnreadableFile as error:
                skip(match, str(error).removeprefix(f"{match} "))
        elif reason := unreadable_reason(match):
            skip(match, reason)
        else:
            files.append(match)
    if not files:
        raise InvalidInput(f"no file matches {pattern}")
    return files


def _enclosing_folders(path: Path, fixed_parts: int) -> Iterator[Path]:
    """Yield the folders that contain a path, from the fixed part of the pattern on, and the path itself."""
    for depth in range(max(fixed_parts, 1), len(path.parts) + 1):
        yield Path(*path.parts[:depth])


def _suggest_sibling(path: Path) -> str:
    try:
        names = [sibling.name for sibling in path.parent.iterdir() if sibling.suffix == path.suffix]
    except OSError:
        return ""
    nearest_names = closest_names(path.name, names, limit=1)
    return f"; did you mean {nearest_names[0]}?" if nearest_names else ""


NumberedLine = tuple[int, bytes]


class NumberedLines:
    """The lines of a source with their numbers from 1, without empty lines. The first lines can be sampled beforehand."""

    def __init__(self, source: Source, report: ReadReport) -> None:
        self.source = source
        self.is_parquet = source.is_parquet
        self.name = source.name
        self.identity = source.identity
        self._report = report
        self._opened = self._read_lines(source)
        self._lines: Iterator[NumberedLine] = self._opened

    def __iter__(self) -> Iterator[NumberedLine]:
        if self.is_parquet:
            self._report.add_error(self.name, 0, "a Parquet file has no lines: omit the format, or give the format columns")
            return iter(())
        return self._lines

    def sample(self, max_lines: int, max_bytes: int) -> list[bytes]:
        """Return the first lines without consuming them; for Parquet, its magic bytes."""
        if self.is_parquet:
            return [PARQUET]
        lines: list[NumberedLine] = []
        size = 0
        for line in islice(self._lines, max_lines):
            lines.append(line)
            size += len(line[1])
            if size > max_bytes:
                break
        self._lines = chain(lines, self._lines)
        return [content for _, content in lines]

    def rewrite(self, rewrite_line: Callable[[bytes], bytes]) -> None:
        """Pass every line through a function from now on, which may make several of it. One that is not UTF-8 is reported."""
        self._lines = self._rewritten(self._lines, rewrite_line)

    def _rewritten(self, lines: Iterator[NumberedLine], rewrite_line: Callable[[bytes], bytes]) -> Iterator[NumberedLine]:
        for line_number, line in lines:
            if (encoding_error := describe_encoding_error(line)) is None:
                yield from ((line_number, content) for content in rewrite_line(line).rstrip(b"\n").split(b"\n"))
            else:
                self._report.add_error(self.name, line_number, encoding_error)
                self._report.add_unread_line(self.name, line_number, line)

    def replace(self, read_lines: Callable[["NumberedLines"], Iterator[NumberedLine]]) -> None:
        """Take other lines from now on, which a function makes of these."""
        self._lines = read_lines(copy(self))

    def close(self) -> None:
        """Close the source."""
        self._opened.close()

    def _read_lines(self, source: Source) -> Generator[NumberedLine, None, None]:
        line_number = reported = 0
        first_lines = b""
        try:
            with source.open() as opened:
                readline = partial(opened.readline, MAX_LINE_BYTES)
                for line_number, line in enumerate(iter(readline, b""), 1):
                    if line_number - reported == LINES_PER_UPDATE:
                        self._report.lines += LINES_PER_UPDATE
                        reported = line_number
                    if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
                        self._report.add_error(self.name, line_number, f"longer than {MAX_LINE_BYTES:,} bytes")
                        while (rest := readline()) and not rest.endswith(b"\n"):
                            pass
                        continue
                    if line.isspace():
                        continue
                    if line_number <= FINGERPRINT_LINES:
                        first = line.removeprefix(b"\xef\xbb\xbf") if line_number == 1 else line
                        self._report.fingerprints[self.name] = place_key(self.identity, line_number, first + first_lines)
                        first_lines += first
                        yield line_number, first
                        continue
                    yield line_number, line
        except UnreadableFile:
            raise
        except (EOFError, zlib.error, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self._report.add_error(self.name, 0, f"cannot be read beyond line {line_number:,}: {reason}")
        finally:
            self._report.lines += line_number - reported
