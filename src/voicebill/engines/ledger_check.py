"""Check a ledger, with all that its files contain, and repair it: what is damaged is set aside, nothing is deleted."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from voicebill.engines.ledger_files import (
    SET_ASIDE,
    fingerprint_of,
    hidden_damage,
    history,
    remedy,
    set_aside,
    sources_of,
    strangers,
    take_back,
    unreadable,
)
from voicebill.engines.ledger_manifest import (
    HISTORY_FOLDER,
    MANIFEST,
    REPLACED,
    UNDATED,
    InvalidManifest,
    LedgerPart,
    State,
    UnknownVersion,
    parse_manifest,
    with_fingerprint,
)
from voicebill.engines.ledger_state import commit, read_manifest, read_state, version_error
from voicebill.facts.files import UnreadableFile

STRANGER = "is not named by ledger.json: it was recorded by a recording that was stopped, or ledger.json is not the newest"


@dataclass(frozen=True, slots=True)
class LedgerProblem:
    """A file of a ledger, and what is wrong with it."""

    path: str
    problem: str

    def __str__(self) -> str:
        return f"{self.path} {self.problem}"


@dataclass(frozen=True, slots=True)
class LedgerCheck:
    """All that is wrong with a ledger, with its numbers of recordings, files and records as far as they are known.

    `record_again` says which logs have the records of damaged files.
    """

    generation: int | None
    parts: int
    records: int
    problems: tuple[LedgerProblem, ...]
    record_again: tuple[str, ...] = ()

    @property
    def is_intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class LedgerRepair:
    """What was wrong with a ledger, and what was moved to `set-aside/` or taken back from there."""

    check: LedgerCheck
    set_aside: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()


def check_ledger(folder: Path) -> LedgerCheck:
    """Read all files of a ledger, and return all that is wrong. Nothing is changed.

    Raises:
        UnreadableFile: there is no ledger, or it is of another version.
    """
    state, problems = _newest_state(folder)
    damaged = _damaged(folder, state.parts if state else ())
    problems += [LedgerProblem(part.path, problem) for part, problem in damaged.items()]
    problems += [LedgerProblem(path, STRANGER) for path in strangers(folder, state or State())]
    parts = [part for part in state.parts if part.folder != REPLACED] if state else []
    return LedgerCheck(
        state.generation if state else None,
        len(parts),
        sum(part.records for part in parts),
        tuple(problems),
        (*_logs_of_parts(damaged), *(_logs_of_strangers(folder) if state is None else ())),
    )


def explain_unreadable(files: Iterable[Path]) -> str | None:
    """Why files that were given to an engine cannot be read, with the first of them; None if all can be read."""
    for file in files:
        folder = file.parent.parent
        problem = unreadable(file)
        if problem is None:
            continue
        if not (folder / MANIFEST).exists():
            return f"{file} {problem}"
        path = f"{file.parent.name}/{file.name}"
        try:
            was_replaced = path not in {part.path for part in read_manifest(folder).parts}
        except UnreadableFile as error:
            return str(error)
        if was_replaced:
            return f"{file} was replaced by recordings since this query began, and removed: run the query again"
        return f"{file} {problem}: {remedy(folder)}"
    return None


def repair_ledger(folder: Path) -> LedgerRepair:
    """Make a ledger count what is intact: the newest `ledger.json`, and its files that are as they were recorded.

    Other files are moved to `set-aside/`, and those that were recorded are taken back from there. The caller holds the ledger's
    lock.

    Raises:
        UnreadableFile: there is no ledger, it is of another version, or files cannot be read for want of permission.
        OSError: the ledger cannot be written to.
    """
    check = check_ledger(folder)
    if check.is_intact:
        return LedgerRepair(check)
    state, manifest_problems = _newest_state(folder)
    state = state or State()
    moved = [problem.path for problem in manifest_problems if problem.path != MANIFEST and set_aside(folder, problem.path)]
    restored: list[str] = []
    damaged = _damaged(folder, state.parts)
    _require_permission(folder, damaged)
    for part in damaged:
        if set_aside(folder, part.path):
            moved.append(part.path)
        if take_back(folder, part):
            restored.append(part.path)
    lost = {part.path for part in damaged} - set(restored)
    intact = tuple(_complete(folder, part) for part in state.parts if part.path not in lost)
    if any(problem.path == MANIFEST for problem in manifest_problems) and set_aside(folder, MANIFEST):
        moved.append(MANIFEST)
    commit(folder, replace(state, generation=max([state.generation, *history(folder)]) + 1, parts=intact))
    moved += [path for path in strangers(folder, replace(state, parts=intact)) if set_aside(folder, path)]
    lost_parts = [part for part in damaged if part.path in lost]
    again = (*_logs_of_parts(lost_parts), *(_logs_of_set_aside(folder, moved) if not state.parts else ()))
    return LedgerRepair(replace(check, record_again=again), tuple(moved), tuple(restored))


def _newest_state(folder: Path) -> tuple[State | None, list[LedgerProblem]]:
    """The state after the last recording, from `ledger.json` or its newest copy, if any, and what is wrong with these."""
    files = {HISTORY_FOLDER + "/" + file.name: file for _, file in sorted(history(folder).items())}
    files = {MANIFEST: folder / MANIFEST} | files
    problems = []
    states: dict[str, State] = {}
    for name, file in files.items():
        try:
            states[name] = parse_manifest(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            problems.append(LedgerProblem(name, "is missing"))
        except OSError as error:
            problems.append(LedgerProblem(name, f"cannot be read: {error.strerror or error}"))
        except UnknownVersion as error:
            raise UnreadableFile(version_error(folder, error.version)) from None
        except (InvalidManifest, UnicodeError):
            problems.append(LedgerProblem(name, "is damaged: it does not say which files count"))
    current = states.get(MANIFEST)
    if current is None and len(files) == 1 and not strangers(folder, State()):
        read_state(folder)  # the sentence about a folder that is not a ledger
    newest = max(states.values(), key=lambda state: state.generation, default=None)
    if current is not None and newest is not None and current.generation < newest.generation:
        text = f"is older than its ledger: it is of recording {current.generation:,}, and there were {newest.generation:,}"
        problems.insert(0, LedgerProblem(MANIFEST, text))
        return newest, problems
    return current or newest, problems


def _damaged(folder: Path, parts: Iterable[LedgerPart]) -> dict[LedgerPart, str]:
    return {part: problem for part in parts if (problem := hidden_damage(folder, part))}


def _require_permission(folder: Path, damaged: Iterable[LedgerPart]) -> None:
    for part in damaged:
        try:
            (folder / part.path).open("rb").close()
        except PermissionError as error:
            raise UnreadableFile(f"{folder / part.path} cannot be read: {error.strerror}; allow that first") from None
        except OSError:
            continue


def _complete(folder: Path, part: LedgerPart) -> LedgerPart:
    """The part with its fingerprint, which files of earlier versions do not have."""
    if part.fingerprint is not None:
        return part
    return with_fingerprint(part, fingerprint_of(folder / part.path), sources_of(folder / part.path))


def _logs_of_parts(parts: Iterable[LedgerPart]) -> list[str]:
    """What to record again for lost files."""
    sentences = []
    for part in parts:
        if part.folder == REPLACED:
            sentences.append(
                f"{part.records:,} earlier versions of corrected records are no longer known: an old log that is recorded "
                "again can bring them back"
            )
            continue
        more = part.source_count - len(part.sources)
        logs = ", ".join(part.sources) + (f" and {more:,} more" if more else "")
        records = "1 record" if part.records == 1 else f"{part.records:,} records"
        sentences.append(f"{records} {_day_text(part.folder)}{f': {logs}' if logs else ''}")
    return sentences


def _logs_of_strangers(folder: Path) -> list[str]:
    return _logs_of_files(folder, strangers(folder, State()))


def _logs_of_set_aside(folder: Path, paths: Iterable[str]) -> list[str]:
    return _logs_of_files(
        folder / SET_ASIDE, (path for path in paths if path != MANIFEST and not path.startswith(HISTORY_FOLDER))
    )


def _logs_of_files(folder: Path, paths: Iterable[str]) -> list[str]:
    """What to record again for files of which only they themselves say what they contain."""
    sources: dict[str, list[str]] = {}
    for path in sorted(paths):
        names = sources.setdefault(path.split("/", 1)[0], [])
        try:
            names += sources_of(folder / path)
        except (OSError, pa.ArrowException, ValueError):
            continue
    sources.pop(REPLACED, None)
    return [
        f"all records {_day_text(day)}{': ' if names else ''}{', '.join(dict.fromkeys(names))}"
        for day, names in sources.items()
    ]


def _day_text(folder: str) -> str:
    return "without a day" if folder == UNDATED else f"of {folder}"
