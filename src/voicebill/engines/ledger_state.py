"""Read the current state of a ledger, and make another one current, atomically."""

import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from voicebill.engines.ledger_files import history, history_file, remedy, sync_folder
from voicebill.engines.ledger_manifest import (
    HISTORY_FOLDER,
    MANIFEST,
    VERSION,
    InvalidManifest,
    State,
    UnknownVersion,
    manifest_text,
    parse_manifest,
)
from voicebill.facts.files import UnreadableFile

DRAFTS = ".writing"
"""The folder of files that are being written. What a killed recording left in it is removed by the next."""
COPIES_KEPT = 2


def read_state(folder: Path) -> State:
    """Return the state of a ledger.

    Raises:
        UnreadableFile: there is no ledger, or it cannot be read, is of another version, or is older than the last recording.
    """
    newest = max(history(folder), default=0)  # first: a recording writes the copy after ledger.json
    state = read_manifest(folder)
    if state.generation < newest:
        raise UnreadableFile(
            f"{folder / MANIFEST} is older than its ledger: it is of recording {state.generation:,}, and there were "
            f"{newest:,}: put the newer file back; {remedy(folder)}"
        )
    return state


def read_manifest(folder: Path) -> State:
    """Return the state that `ledger.json` describes, also if it is older than the last recording.

    Raises:
        UnreadableFile: there is no ledger, or it cannot be read, or it is of another version.
    """
    file = folder / MANIFEST
    try:
        return parse_manifest(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if history(folder):
            raise UnreadableFile(f"{file} is missing: put it back; {remedy(folder)}") from None
        raise UnreadableFile(f"{folder} is not a ledger: create one with voicebill record LOG --ledger DIR") from None
    except OSError as error:
        raise UnreadableFile(f"{file} cannot be read: {error.strerror or error}") from None
    except UnknownVersion as error:
        raise UnreadableFile(version_error(folder, error.version)) from None
    except (InvalidManifest, UnicodeError):
        raise UnreadableFile(f"{file} is damaged: it does not say which files count; {remedy(folder)}") from None


def version_error(folder: Path, version: object) -> str:
    """Return why a ledger of another version cannot be read."""
    if isinstance(version, int) and version > VERSION:
        return f"{folder} is a ledger of version {version}; this voicebill reads version {VERSION}: install a newer one"
    return (
        f"{folder} is a ledger of version {version}, which this voicebill no longer reads: record the logs anew with "
        "voicebill record LOG... --ledger NEW_DIR"
    )


def commit(folder: Path, state: State) -> None:
    """Make a state the current one, atomically, and keep a copy of its `ledger.json`.

    Raises:
        OSError: it cannot be written; the state is as it was before.
    """
    text = manifest_text(state)
    drafts = folder / DRAFTS
    for part_folder in (drafts, folder / HISTORY_FOLDER):
        part_folder.mkdir(exist_ok=True)
    draft, copy = (_written(drafts / f"{MANIFEST}.{uuid4().hex[:12]}", text) for _ in range(2))
    draft.replace(folder / MANIFEST)
    # From here on the state is current, whatever happens: without its copy, an older ledger.json is not recognised as such.
    with suppress(OSError):
        sync_folder(folder)
        copy.replace(history_file(folder, state.generation))
        for generation, file in history(folder).items():
            if generation <= state.generation - COPIES_KEPT:
                file.unlink()


def _written(file: Path, text: str) -> Path:
    with file.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    return file
