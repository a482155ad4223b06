"""Find the logs in folders and behind patterns, and say of everything else there why it is not read."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from glob import escape, glob, has_magic
from itertools import dropwhile
from pathlib import Path

from voicebill.facts.files import UnreadableFile
from voicebill.logs.compression import COMPRESSED

LOG_SUFFIXES = (".jsonl", ".ndjson", ".json", ".log", ".txt", ".csv", ".tsv", ".parquet")
"""The files that are read in a folder, also compressed and rotated. A file that is named itself may have any name."""
LEDGER = "ledger.json"
"""The file that marks a folder as a ledger."""
ANY_DEPTH = "**"

_SUFFIXES, _COMPRESSED = ("|".join(re.escape(suffix[1:]) for suffix in suffixes) for suffixes in (LOG_SUFFIXES, COMPRESSED))
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_STAMP = rf"[-._+:@]|\d|(?<=\d)[tz]|w(?=\d)|{_MONTHS}"
LOG_NAME = re.compile(rf".*\.(?:{_SUFFIXES})(?:[-._@](?:{_STAMP}|(?<=\.)(?:{_COMPRESSED}))*)?", re.IGNORECASE | re.DOTALL)
"""The name of a log: a suffix, and after it what rotation appends: numbers, dates, times, and the suffixes of compression.

So logrotate, Python's logging, log4j, Docker, Kubernetes, pm2 and others name the logs before the current one.
"""
OTHER_PACKINGS = (".zip", ".7z", ".rar", ".tar", ".tgz", ".tbz2", ".txz", ".lz4", ".lzma", ".br", ".z", ".sz")

HIDDEN = "hidden files are not read"
NO_LOG = f"not named like logs, which end in {', '.join(LOG_SUFFIXES)}, compressed or rotated too: name them to read them"
PACKED = "packed in a way that is not read: unpack them, or compress logs as .gz, .bz2, .xz or .zst"
IS_LEDGER = "ledgers are not logs: cost a ledger with --ledger"
LINKED = "linked folders are not followed: name them as well; a log that is in two places is read once"
BROKEN_LINK = "links to what does not exist"
NO_FILE = "neither files nor folders"

Skip = Callable[[Path, str], None]
"""Takes what is not read, with the reason, in the plural: `cannot_be_read` or one of the constants above."""


def cannot_be_read(error: OSError) -> str:
    """Return the reason why the system does not let something be read."""
    return f"cannot be read: {error.strerror or error}"


def is_log_name(name: str) -> bool:
    """Return whether a file in a folder is a log by its name.

    >>> [is_log_name(name) for name in ("usage.log-20261120.gz", "usage.log.2026-11-18_14", "usage.log.1", "usage.log.old")]
    [True, True, True, False]
    """
    return LOG_NAME.fullmatch(name) is not None


def is_ledger(folder: Path) -> bool:
    """Return whether a folder is a ledger."""
    return os.path.isfile(folder / LEDGER)  # noqa: PTH113 - Path raises an error where it may not look


def logs_in_folder(folder: Path, skip: Skip) -> list[Path]:
    """Return the logs in a folder and its subfolders, by name. Linked subfolders are not followed, so that circles end."""
    logs: list[Path] = []
    for parent, names in _walk(folder, skip):
        for name in names:
            path = parent / name
            if reason := _reason_not_read(path):
                skip(path, reason)
            else:
                logs.append(path)
    return sorted(logs)


def matching_paths(pattern: str, skip: Skip) -> list[Path]:
    """Return what a pattern matches, by name. `**` is every folder below, without ledgers, hidden and linked folders."""
    parts = Path(pattern).parts
    if ANY_DEPTH not in parts:
        return [Path(match) for match in sorted(glob(pattern))]  # noqa: PTH207 - patterns may be absolute
    depth = parts.index(ANY_DEPTH)
    fixed = str(Path(*parts[:depth]))
    rest = list(dropwhile(lambda part: part == ANY_DEPTH, parts[depth:]))
    matches: dict[Path, None] = {}
    for top in sorted(glob(fixed)) if has_magic(fixed) else [fixed]:  # noqa: PTH207
        if not os.path.isdir(top):  # noqa: PTH112
            continue
        for parent, _ in _walk(Path(top), skip, with_hidden=False):
            below = os.path.join(escape(str(parent)), *(rest or ["*"]))  # noqa: PTH118
            matches.update(dict.fromkeys(matching_paths(below, skip)))
    return sorted(path for path in matches if rest or not path.is_dir())


def unreadable_reason(path: Path) -> str | None:
    """Return why a path that is no folder cannot be read as a file; None if it is a file."""
    try:
        path.stat()
    except FileNotFoundError:
        return BROKEN_LINK
    except OSError as error:
        return cannot_be_read(error)
    return None if path.is_file() else NO_FILE


def _walk(top: Path, skip: Skip, *, with_hidden: bool = True) -> Iterator[tuple[Path, Sequence[str]]]:
    """Yield a folder and those below it, each with the names of its files; ledgers and links are skipped.

    Raises:
        UnreadableFile: the folder itself cannot be read.
    """

    def on_error(error: OSError) -> None:
        if error.filename is None or Path(error.filename) == top:
            raise UnreadableFile(f"{top} {cannot_be_read(error)}")
        skip(Path(error.filename), cannot_be_read(error))

    for parent, folders, names in os.walk(top, onerror=on_error):
        place = Path(parent)
        if is_ledger(place):
            skip(place, IS_LEDGER)
            folders.clear()
            continue
        linked = {name for name in folders if (place / name).is_symlink()}
        for name in sorted(linked):
            skip(place / name, LINKED)
        folders[:] = sorted(name for name in folders if name not in linked and (with_hidden or not name.startswith(".")))
        yield place, sorted(names)


def _reason_not_read(path: Path) -> str | None:
    """Return why a file in a folder is not read; None if it is a log."""
    if path.name.startswith("."):
        return HIDDEN
    if reason := unreadable_reason(path):
        return reason
    if is_log_name(path.name):
        return None
    return PACKED if path.suffix.lower() in OTHER_PACKINGS else NO_LOG
