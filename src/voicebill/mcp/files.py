"""Find the log files that an agent names, under the root folder that was named at start, and nowhere else."""

import os
from pathlib import Path

from voicebill.billing.errors import InvalidInput
from voicebill.logs.sources import Source

MAX_FILES = 10_000


def log_sources(root: Path, name: str, field: str = "path") -> list[Source]:
    """The file of a name, or all files of a folder, named relative to the root; hidden files and links are left out.

    `field` is the argument that has the name.

    Raises:
        InvalidInput: the name leads out of the root, is a link or a pattern, or there is nothing of that name.
    """
    if not name.strip() or "\0" in name or any(character in name for character in "*?[]"):
        raise InvalidInput("must be the path of a file or a folder below the root, without patterns", field=field)
    folder = root.resolve(strict=True)
    path = folder / name
    parts = Path(name).parts
    places = [folder.joinpath(*parts[: count + 1]) for count in range(len(parts))]
    if Path(name).is_absolute() or ".." in parts or any(map(_is_link, places)):
        raise InvalidInput("must be below the root, and not lead through '..' or a link", field=field)
    if path.is_file():
        return [Source(name, path)]
    if not path.is_dir():
        raise InvalidInput("names no file or folder below the root", field=field)
    files = sorted(_files_in(path))
    if len(files) > MAX_FILES:
        raise InvalidInput(f"has more than {MAX_FILES:,} files: name a folder with fewer", field=field)
    if not files:
        raise InvalidInput("is a folder without files", field=field)
    return [Source(file.relative_to(folder).as_posix(), file, is_named=False) for file in files]


def _is_link(path: Path) -> bool:
    """Whether a path is a link of any kind; the folder above it is none."""
    return path.is_symlink() or (path.exists() and path.resolve() != path)


def _files_in(folder: Path) -> list[Path]:
    log_paths = []
    for place, folders, names in os.walk(folder, followlinks=False):
        folders[:] = [name for name in folders if not name.startswith(".") and not _is_link(Path(place) / name)]
        candidates = [Path(place) / name for name in names if not name.startswith(".")]
        log_paths += [path for path in candidates if path.is_file() and not _is_link(path)]
    return log_paths
