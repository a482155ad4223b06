"""TOML files of ours and of others: read whole, with the line of every key, so that a fault can be found."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Literal, Protocol

from voicebill.answers.tables import Fault
from voicebill.answers.tables import Path as TablePath
from voicebill.billing.errors import VoicebillError, nearest

MOST_BYTES = 4_000_000


class UnreadableFile(VoicebillError, OSError):
    """A file that is missing, is no file, cannot be opened, or holds no text."""


class FaultyFile(VoicebillError, ValueError):
    """Everything that is wrong in a file, a line for each fault, with the line it stands in."""

    def __init__(self, name: str, faults: Sequence[Fault], lines: Mapping[TablePath, int]) -> None:
        self.faults = tuple(faults)
        placed = sorted((_line(fault.path, lines), fault.text) for fault in faults)
        many = "one fault" if len(placed) == 1 else f"{len(placed)} faults"
        said = "\n".join(f"  line {line}: {text}" if line else f"  {text}" for line, text in placed)
        super().__init__(f"{name} has {many}:\n{said}")


class Readable(Protocol):
    """A file on disk, or one that came with the package."""

    @property
    def name(self) -> str:
        """The file's name, without its folder."""
        ...

    def open(self, mode: Literal["rb"]) -> IO[bytes]:
        """The file, open for reading."""
        ...


def read_toml(file: Readable) -> tuple[dict[str, Any], dict[TablePath, int]]:
    """A TOML file's tables, numbers exact, and the line of each key and table.

    Raises:
        UnreadableFile: it is missing, a folder, not readable, too large, or binary.
        FaultyFile: it is not TOML; the text names the line.
    """
    source = read_text(file)
    try:
        tables = tomllib.loads(source, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise FaultyFile(str(file), [Fault((), f"not valid TOML: {error}")], {}) from None
    except RecursionError:
        raise FaultyFile(str(file), [Fault((), "nested too deeply")], {}) from None
    except (ArithmeticError, ValueError) as error:
        raise FaultyFile(str(file), [Fault((), f"not usable TOML: {error}")], {}) from None
    return tables, key_lines(source)


def read_text(file: Readable) -> str:
    """A text file's content; says in one sentence why it cannot be read.

    Raises:
        UnreadableFile: it is missing, a folder, not readable, too large, or binary.
    """
    try:
        if isinstance(file, Path) and file.exists() and not (file.is_file() or file.is_dir()):
            raise UnreadableFile(f"{file} is no regular file")
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise UnreadableFile(f"there is no file {file}{_beside(file)}") from None
    except IsADirectoryError:
        raise UnreadableFile(f"{file} is a folder, not a file") from None
    except UnreadableFile:
        raise
    except OSError as error:
        raise UnreadableFile(f"{file} cannot be read: {error.strerror or error}") from None
    if len(content) > MOST_BYTES:
        raise UnreadableFile(f"{file} has more than {MOST_BYTES:,} bytes")
    try:
        if b"\0" in content:
            raise UnicodeError
        return content.decode("utf-8-sig")
    except UnicodeError:
        raise UnreadableFile(f"{file} is not text in UTF-8") from None


def key_lines(source: str) -> dict[TablePath, int]:
    r"""The line, from 1, on which each table header and each key of a valid TOML text stands.

    >>> key_lines('a = 1\n[[turns]]\nb = 2\n[[turns]]\nb = 3\n')[("turns", 1, "b")]
    5
    """
    lines: dict[TablePath, int] = {}
    counts: dict[TablePath, int] = {}
    here: TablePath = ()
    for number, line in enumerate(_without_long_values(source).splitlines(), start=1):
        header = re.match(r"\s*(\[\[?)\s*([^\]]+?)\s*\]", line)
        if header:
            here = _opened(_keys(header[2]), counts, is_row=header[1] == "[[")
            lines.setdefault(_keys(header[2]), number)
            lines.setdefault(here, number)
            continue
        key = re.match(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""", line)
        if key:
            lines.setdefault((*here, *_keys(key[1])), number)
    return lines


def _opened(keys: TablePath, counts: dict[TablePath, int], *, is_row: bool) -> TablePath:
    path: TablePath = ()
    for depth, key in enumerate(keys):
        path = (*path, key)
        last = depth == len(keys) - 1
        if last and is_row:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _keys(dotted: str) -> TablePath:
    return tuple(part.strip().strip("\"'") for part in re.findall(r""""[^"]*"|'[^']*'|[^.]+""", dotted))


def _without_long_values(source: str) -> str:
    """The text with strings over several lines emptied, their line breaks kept: nothing inside them is a key."""
    return re.sub(r'"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'', lambda found: "\n" * found[0].count("\n"), source)


def _line(path: TablePath, lines: Mapping[TablePath, int]) -> int:
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 0)


def _beside(file: Readable) -> str:
    if not isinstance(file, Path) or not file.parent.is_dir():
        return ""
    near = nearest(file.name, (each.name for each in file.parent.iterdir() if each.suffix == file.suffix), most=1)
    return f"; beside it lies {near[0]}" if near else ""
