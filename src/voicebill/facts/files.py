"""Read TOML files with the line number of every key, so that errors can name it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Literal, Protocol

from voicebill.answers.parameters.table_schema import Issue, TablePath
from voicebill.billing.errors import VoicebillError, closest_names
from voicebill.billing.validation import parse_exact

MAX_FILE_BYTES = 4_000_000
MAX_INTEGER_BITS = 4_096


class UnreadableFile(VoicebillError, OSError):
    """A file that is missing, is not a regular file, cannot be opened, or is not text."""


class InvalidFile(VoicebillError, ValueError):
    """All errors in a file, one per line of the message, each with its line number."""

    def __init__(self, name: str, issues: Sequence[Issue], lines: Mapping[TablePath, int]) -> None:
        self.issues = tuple(issues)
        numbered = sorted((_line(issue.path, lines), issue.text) for issue in issues)
        count = "1 error" if len(numbered) == 1 else f"{len(numbered)} errors"
        listing = "\n".join(f"  line {line}: {text}" if line else f"  {text}" for line, text in numbered)
        super().__init__(f"{name} has {count}:\n{listing}")


class Traversable(Protocol):
    """A file on disk or in the package."""

    @property
    def name(self) -> str:
        """The file's name, without its folder."""
        ...

    def open(self, mode: Literal["rb"]) -> IO[bytes]:
        """Open the file for reading."""
        ...


class KeyLines(Mapping[TablePath, int]):
    """The line, from 1, of each table header and each key of a valid TOML text; found when the first is asked for."""

    def __init__(self, source: str) -> None:
        self._source = source

    @cached_property
    def _lines(self) -> dict[TablePath, int]:
        return key_lines(self._source)

    def __getitem__(self, path: TablePath) -> int:
        return self._lines[path]

    def __iter__(self) -> Iterator[TablePath]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)


def read_toml(file: Traversable) -> tuple[dict[str, Any], Mapping[TablePath, int]]:
    """Return a TOML file's tables, with exact numbers, and the line of each key and table.

    Raises:
        UnreadableFile: it is missing, a folder, not readable, too large, or binary.
        InvalidFile: it is not valid TOML; the message names the line.
    """
    import tomllib  # noqa: PLC0415 - costs start-up time, and most commands read no TOML file

    source = read_text(file)
    try:
        tables = tomllib.loads(source, parse_float=parse_exact)
        _refuse_long_integers(tables)
    except tomllib.TOMLDecodeError as error:
        raise InvalidFile(str(file), [Issue((), f"not valid TOML: {error}")], {}) from None
    except RecursionError:
        raise InvalidFile(str(file), [Issue((), "nested too deeply")], {}) from None
    except (ArithmeticError, ValueError) as error:
        raise InvalidFile(str(file), [Issue((), f"not usable TOML: {error}")], {}) from None
    return tables, KeyLines(source)


def _refuse_long_integers(value: object) -> None:
    """Refuse integers that cannot be written out: Python reads those of hexadecimal digits at any length.

    Raises:
        ValueError: there is one.
    """
    if isinstance(value, int) and value.bit_length() > MAX_INTEGER_BITS:
        raise ValueError(f"a number has more than {MAX_INTEGER_BITS:,} bits")
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            _refuse_long_integers(item)


def read_text(file: Traversable) -> str:
    """Return a text file's content.

    Raises:
        UnreadableFile: it is missing, a folder, not readable, too large, or binary.
    """
    try:
        if isinstance(file, Path) and file.exists() and not (file.is_file() or file.is_dir()):
            raise UnreadableFile(f"{file} is not a regular file")
        with file.open("rb") as opened:
            content = opened.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise UnreadableFile(f"there is no file {file}{_suggest_sibling(file)}") from None
    except IsADirectoryError:
        raise UnreadableFile(f"{file} is a folder, not a file") from None
    except UnreadableFile:
        raise
    except OSError as error:
        raise UnreadableFile(f"{file} cannot be read: {error.strerror or error}") from None
    if len(content) > MAX_FILE_BYTES:
        raise UnreadableFile(f"{file} has more than {MAX_FILE_BYTES:,} bytes")
    try:
        if b"\0" in content:
            raise UnicodeError
        return content.decode("utf-8-sig")
    except UnicodeError:
        raise UnreadableFile(f"{file} is not text in UTF-8") from None


def key_lines(source: str) -> dict[TablePath, int]:
    r"""Return the line, from 1, of each table header and each key of a valid TOML text.

    >>> key_lines('a = 1\n[[turns]]\nb = 2\n[[turns]]\nb = 3\n')[("turns", 1, "b")]
    5
    """
    lines: dict[TablePath, int] = {}
    counts: dict[TablePath, int] = {}
    table: TablePath = ()
    for number, line in enumerate(_blank_multiline_strings(source).splitlines(), start=1):
        header = re.match(r"\s*(\[\[?)\s*([^\]]+?)\s*\]", line)
        if header:
            table = _table_path(_keys(header[2]), counts, is_row=header[1] == "[[")
            lines.setdefault(_keys(header[2]), number)
            lines.setdefault(table, number)
            continue
        key = re.match(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""", line)
        if key:
            lines.setdefault((*table, *_keys(key[1])), number)
    return lines


def _table_path(keys: TablePath, counts: dict[TablePath, int], *, is_row: bool) -> TablePath:
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


def _blank_multiline_strings(source: str) -> str:
    """Empty the strings that span several lines, but keep their line breaks: nothing inside them is a key."""
    return re.sub(r'"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'', lambda match: "\n" * match[0].count("\n"), source)


def _line(path: TablePath, lines: Mapping[TablePath, int]) -> int:
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 0)


def _suggest_sibling(file: Traversable) -> str:
    if not isinstance(file, Path) or not file.parent.is_dir():
        return ""
    nearest_names = closest_names(
        file.name, (sibling.name for sibling in file.parent.iterdir() if sibling.suffix == file.suffix), limit=1
    )
    return f"; did you mean {nearest_names[0]}?" if nearest_names else ""
