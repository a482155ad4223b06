"""Define `ledger.json`: which files of a ledger count, after how many recordings, and what these files contained.

Every recording also keeps a copy of its `ledger.json` in `history/`, under its number. An older `ledger.json` that is put back,
by a backup or a synchronisation, is recognised by the newer copy.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from voicebill.answers.recorded.unread_usage import UnreadUsage

MANIFEST = "ledger.json"
HISTORY_FOLDER = "history"
UNDATED = "undated"
REPLACED = "replaced"
VERSION = 5
"""Version 1 had other column names and is no longer read. Version 2 has no projects: its records have none. Versions 2 and 3
have no fingerprints: the first recording adds them. Records of versions before 5 have no details."""
READABLE_VERSIONS = (2, 3, 4, VERSION)
FIRST_VERSION_WITH_FINGERPRINTS = 4
MAX_SOURCES_NAMED = 5

PART_NAME_PATTERN = re.compile(r"part-[0-9a-f]{16}\.parquet(\.tmp)?")
"""A file of a ledger. Earlier versions wrote it under a name that ends in .tmp until it was complete."""
PART_FOLDER_PATTERN = re.compile(rf"\d{{4}}-\d\d-\d\d|{UNDATED}|{REPLACED}")
PART_PATH_PATTERN = re.compile(rf"(?:{PART_FOLDER_PATTERN.pattern})/part-[0-9a-f]{{16}}\.parquet")
HISTORY_NAME_PATTERN = re.compile(r"(\d{8,})\.json")


class InvalidManifest(ValueError):
    """A `ledger.json` that does not say which files count."""


class UnknownVersion(ValueError):
    """A `ledger.json` of another version, which is `version`."""

    def __init__(self, version: object) -> None:
        super().__init__(version)
        self.version = version


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a file contained when it was recorded: its size, and hashes of its last bytes and of all of it.

    The last bytes of a file contain its own name: they are compared whenever a ledger is opened.
    """

    size: int
    tail: str
    sha256: str


@dataclass(frozen=True, slots=True)
class LedgerPart:
    """A file of the ledger: its path in the ledger's folder, its numbers of rows and records, and the logs they come from.

    `sources` has the first logs only, `source_count` counts all. Files of earlier versions have no fingerprint.
    """

    path: str
    rows: int
    records: int
    fingerprint: Fingerprint | None = None
    sources: tuple[str, ...] = ()
    source_count: int = 0

    @property
    def folder(self) -> str:
        """The name of its folder: a day, `undated` or `replaced`."""
        return self.path.split("/", 1)[0]


@dataclass(frozen=True, slots=True)
class RetiredPart:
    """A file that the recording `generation` replaced; readers may still have it open."""

    path: str
    generation: int


@dataclass(frozen=True, slots=True)
class State:
    """The files of a ledger that count, after a number of recordings (`generation`)."""

    generation: int = 0
    parts: tuple[LedgerPart, ...] = ()
    retired: tuple[RetiredPart, ...] = ()
    unread: Mapping[str, UnreadUsage] = field(default_factory=dict)
    """Usage that was not read, by the log's fingerprint."""
    prompt_key: str | None = None
    """The key of the fingerprints of prompts, as hexadecimal digits; None before version 5."""


def parse_manifest(text: str) -> State:
    """Return the state that a `ledger.json` describes.

    Raises:
        UnknownVersion: it is of a version that is not read.
        InvalidManifest: it is damaged.
    """
    try:
        document = json.loads(text)
        version = document["version"]
        if isinstance(version, bool) or version not in READABLE_VERSIONS:
            raise UnknownVersion(version)
        generation = _count(document["generation"])
        state = State(
            generation,
            tuple(_part(entry, with_fingerprint=version >= FIRST_VERSION_WITH_FINGERPRINTS) for entry in document["parts"]),
            tuple(_retired_part(entry, generation) for entry in document["retired"]),
            {_text(name): _unread(entry) for name, entry in document.get("unread", {}).items()},
            _prompt_key(document.get("prompt_key")),
        )
    except UnknownVersion:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidManifest(str(error)) from None
    paths = [part.path for part in state.parts] + [part.path for part in state.retired]
    if len(set(paths)) < len(paths):
        raise InvalidManifest("a file is named twice")
    return state


def manifest_text(state: State) -> str:
    """Return the `ledger.json` of a state."""
    document = {
        "version": VERSION,
        "generation": state.generation,
        "parts": [_part_json(part) for part in state.parts],
        "retired": [{"path": part.path, "generation": part.generation} for part in state.retired],
        "unread": {
            name: {"items": entry.items, "source": entry.source, "line": entry.line_number, "counts": dict(entry.counts)}
            for name, entry in state.unread.items()
        },
        "prompt_key": state.prompt_key,
    }
    return json.dumps(document, indent=1)


def with_fingerprint(part: LedgerPart, fingerprint: Fingerprint, sources: list[str]) -> LedgerPart:
    """Return a part with what its file contains; `sources` are all its logs."""
    return replace(part, fingerprint=fingerprint, sources=tuple(sorted(sources)[:MAX_SOURCES_NAMED]), source_count=len(sources))


def _part_json(part: LedgerPart) -> dict[str, Any]:
    document: dict[str, Any] = {"path": part.path, "rows": part.rows, "records": part.records}
    if part.fingerprint is not None:
        document |= {"size": part.fingerprint.size, "tail": part.fingerprint.tail, "sha256": part.fingerprint.sha256}
    return document | {"sources": list(part.sources), "source_count": part.source_count}


def _part(entry: Mapping[str, Any], *, with_fingerprint: bool) -> LedgerPart:
    part = LedgerPart(_path(entry["path"]), _count(entry["rows"]), _count(entry["records"]))
    if not with_fingerprint:
        return part
    return replace(
        part,
        fingerprint=Fingerprint(_count(entry["size"]), _text(entry["tail"]), _text(entry["sha256"])),
        sources=tuple(_text(source) for source in entry["sources"]),
        source_count=_count(entry["source_count"]),
    )


def _retired_part(entry: object, generation: int) -> RetiredPart:
    """Versions 2 and 3 name the files that the last recording retired."""
    if isinstance(entry, Mapping):
        return RetiredPart(_path(entry["path"]), _count(entry["generation"]))
    return RetiredPart(_path(entry), generation)


def _unread(entry: Mapping[str, Any]) -> UnreadUsage:
    counts = {_text(name): _number(value) for name, value in entry["counts"].items()}
    return UnreadUsage(_count(entry["items"]), _text(entry["source"]), _count(entry["line"]), counts)


def _prompt_key(value: object) -> str | None:
    return None if value is None else bytes.fromhex(_text(value)).hex()


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidManifest(f"{value!r} is not a count")
    return value


def _number(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidManifest(f"{value!r} is not a number")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidManifest(f"{value!r} is not a text")
    return value


def _path(value: object) -> str:
    if not PART_PATH_PATTERN.fullmatch(_text(value)):
        raise InvalidManifest(f"{value!r} is not a file of a ledger")
    return _text(value)
