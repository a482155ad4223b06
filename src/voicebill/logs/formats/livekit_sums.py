"""Represent sums of LiveKit sessions, and assign those that name no session to sessions.

`session_usage_updated` names no session, and a worker logs all its sessions into one file. A sum of the same session never
shrinks: one that is smaller in any count is of another session. Where sums of several sessions interleave, several assignments
are possible; if the two extreme ones do not agree in the end, the usage is ambiguous.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Literal, NamedTuple

from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.logs.formats.livekit_metrics import Metrics, kind_and_usages

MAX_PAUSE = timedelta(minutes=10)
"""A session logs its sums at least so often: after every response, and while somebody speaks."""
MAX_OPEN_SESSIONS = 64
"""A sum continues one of the sessions that were updated last."""
TOLERANCE_MS = 100
"""Sums of rounded seconds differ by this from the rounded sum of the seconds."""

ModelRole = Literal["llm", "stt", "tts"]
Form = Literal["report", "growing", "summary"]
"""How a sum is logged: by a session report, by `session_usage_updated`, or as a summary."""
ROLES_BY_PART: Mapping[str, ModelRole] = {"realtime": "llm", "chat": "llm", "llm": "llm", "stt": "stt", "tts": "tts"}
SUMMED_FIELDS = tuple(
    name for name in Metrics.__struct_fields__ if name.endswith(("_tokens", "_duration", "_duration_ms", "_count"))
)


class Names(NamedTuple):
    """What identifies the session of metrics: each name is None if it is not logged."""

    job: str | None = None
    room: str | None = None
    session: str | None = None

    def same_as(self, other: "Names") -> bool | None:
        """Return whether these are names of one session; None if that cannot be known."""
        pairs = ((mine, theirs) for mine, theirs in zip(self, other, strict=True) if mine is not None and theirs is not None)
        return next((mine == theirs for mine, theirs in pairs), None)


class SumQuantities(NamedTuple):
    """The quantities of a sum or of single metrics, by which one is recognised in the other."""

    input: int = 0
    output: int = 0
    characters: int = 0
    audio_ms: int = 0
    session_ms: int = 0

    def plus(self, other: "SumQuantities") -> "SumQuantities":
        """Return the sum."""
        return SumQuantities(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    @property
    def rounded(self) -> "SumQuantities":
        """The quantities with durations in hundredths of a second, as an agent's own logger prints them."""
        return self._replace(audio_ms=round(self.audio_ms / 10), session_ms=round(self.session_ms / 10))

    def minus(self, other: "SumQuantities") -> "SumQuantities":
        """Return the difference."""
        return SumQuantities(*(mine - theirs for mine, theirs in zip(self, other, strict=True)))

    def is_within(self, other: "SumQuantities") -> bool:
        """Return whether no quantity is larger than in another total."""
        tolerances = (0, 0, 0, TOLERANCE_MS, TOLERANCE_MS)
        return all(mine <= theirs + more for mine, theirs, more in zip(self, other, tolerances, strict=True))

    def is_equal(self, other: "SumQuantities") -> bool:
        """Return whether all quantities are those of another total."""
        return self.is_within(other) and other.is_within(self)


def totals_of(metrics: Metrics) -> SumQuantities:
    """Return the quantities of metrics."""
    return SumQuantities(
        metrics.input_tokens or metrics.prompt_tokens or 0,
        metrics.output_tokens or metrics.completion_tokens or 0,
        metrics.characters_count or 0,
        metrics.audio_ms or 0,
        metrics.session_ms or 0,
    )


def totals_of_record(record: Record) -> SumQuantities:
    """Return the quantities of a response, a transcription or a session that was read from raw events."""
    totals = {"input": 0, "output": 0}
    for meter, quantity in record.usage.items():
        side = "output" if meter.endswith("_out") else "input" if meter.partition("_cached")[0].endswith("_in") else ""
        if side:
            totals[side] += quantity
    usage = record.usage
    return SumQuantities(**totals, audio_ms=usage["audio_ms"], session_ms=usage["session_ms"] + usage["standby_ms"])


@dataclass(frozen=True, slots=True)
class SumPart:
    """The sum of one model in a session: its metrics and the record that it becomes. A summary names no model."""

    part: ModelRole
    metrics: Metrics
    record: Record
    names_model: bool = True

    @property
    def model(self) -> str | None:
        """The model, or None if it may be several."""
        return self.record.model if self.names_model else None


@dataclass(frozen=True, slots=True)
class SessionSum:
    """What a session has used so far, as it was logged once."""

    source: str
    form: Form
    names: Names
    time: datetime | None
    started: datetime | None
    """A time at which the session was already running, or had begun before by a minute at most."""
    origin: str
    """Identifies the document by its content."""
    parts: tuple[SumPart, ...]

    def record_of(self, part: SumPart) -> Record:
        """Return the record of a part, with the session as its key."""
        names = (part.metrics.part or part.part, part.metrics.provider or "", part.metrics.model or "")
        return replace(part.record, key=":".join(("livekit", self.origin, *names)))

    @property
    def counts(self) -> dict[tuple[str, ...], int]:
        """All counts above zero, by part, provider, model and name."""
        return {
            (part.part, part.metrics.provider or "", part.metrics.model or "", name): round(value * 1000)
            for part in self.parts
            for name in SUMMED_FIELDS
            if (value := getattr(part.metrics, name))
        }

    @property
    def totals(self) -> dict[ModelRole, SumQuantities]:
        """The quantities by part, over all models."""
        totals: dict[ModelRole, SumQuantities] = {}
        for part in self.parts:
            totals[part.part] = totals.get(part.part, SumQuantities()).plus(totals_of(part.metrics))
        return {part: total for part, total in totals.items() if any(total)}


class FirstSum(NamedTuple):
    """The first sum of a session: its origin identifies the session, also when the log has grown."""

    origin: str
    time: datetime | None


Assignment = dict[int, FirstSum]
"""For each session, the number of its last sum, and its first sum. The session that was updated last is the last."""


@dataclass(slots=True)
class GrowingSums:
    """The sums of one source that name no session, in their order.

    Two assignments to sessions are followed: where a sum may continue several sessions, one continues the session with the
    largest sum, the other one that with the smallest, so that the sums of sessions are smallest and largest in the end.
    """

    sums: dict[int, SessionSum] = field(default_factory=dict)
    counts: dict[int, dict[tuple[str, ...], int]] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)
    assignments: tuple[Assignment, Assignment] = field(default_factory=lambda: ({}, {}))
    added: int = 0
    first: SessionSum | None = None

    def add(self, session_sum: SessionSum) -> None:
        """Assign a sum to a session that it may continue, or else to a new one."""
        number, counts = self.added, session_sum.counts
        self.first = self.first or session_sum
        self.added += 1
        self.sums[number], self.counts[number], self.sizes[number] = session_sum, counts, sum(counts.values())
        for assignment, choose in zip(self.assignments, (max, min), strict=True):
            continued = self._continued(assignment, counts)
            last = choose(continued, key=self.sizes.__getitem__) if continued else None
            first = assignment.pop(last) if last is not None else FirstSum(session_sum.origin, session_sum.time)
            assignment[number] = first
            if last is not None and not any(last in others for others in self.assignments):
                del self.sums[last], self.counts[last], self.sizes[last]

    def _continued(self, assignment: Assignment, counts: Mapping[tuple[str, ...], int]) -> list[int]:
        """Return the last sums of the sessions that may have grown to these counts; the one that is equal, if there is one."""
        recent = list(islice(reversed(assignment), MAX_OPEN_SESSIONS))
        equal = next((last for last in recent if self.counts[last] == counts), None)
        return [equal] if equal is not None else [last for last in recent if are_within(self.counts[last], counts)]

    def may_continue(self, session_sum: SessionSum) -> bool:
        """Return whether the source may begin within a session of another one, as the next file of a rotated log does."""
        first = self.first
        if first is None or first.origin == session_sum.origin or not are_within(session_sum.counts, first.counts):
            return False
        if first.time is None or session_sum.time is None:
            return True
        return timedelta(0) <= first.time - session_sum.time <= MAX_PAUSE

    def sessions(self) -> Iterator[SessionSum]:
        """Yield the last sums of sessions on which the assignments agree, with the origin of the session's first sum."""
        for last, first in self.assignments[0].items():
            if last in self.assignments[1] and self.counts[last]:
                yield replace(self.sums[last], origin=first.origin, started=first.time)

    def ambiguous_parts(self) -> Iterator[SumPart]:
        """Yield the usage of each model whose sums the assignments distribute differently."""
        common = self.assignments[0].keys() & self.assignments[1].keys()
        by_model: dict[tuple[ModelRole, str, str], list[list[SumPart]]] = defaultdict(list)
        for assignment in self.assignments:
            of_assignment: dict[tuple[ModelRole, str, str], list[SumPart]] = defaultdict(list)
            for part in (part for last in assignment if last not in common for part in self.sums[last].parts):
                of_assignment[part.part, part.metrics.provider or "", part.metrics.model or ""].append(part)
            for model, parts in of_assignment.items():
                by_model[model].append(parts)
        for model, distributions in by_model.items():
            usages = [usage for parts in distributions for usage in kind_and_usages(_added(parts))[1]]
            if len(distributions) < len(self.assignments):
                usages.append(Usage())
            latest = distributions[-1][-1]
            record = with_candidates(latest.record, usages)
            key = ":".join(("livekit", next(iter(self.sums.values())).origin, "sessions", *model))
            yield replace(latest, record=replace(record, key=key))


def maybe(record: Record) -> Record:
    """Return a record that may repeat what other records contain: its usage, or nothing."""
    return with_candidates(record, (*record.usage_candidates, Usage()))


def with_candidates(record: Record, usages: Iterable[Usage]) -> Record:
    """Return a record with several possible usages; with one, if they are all equal."""
    different: dict[tuple[tuple[str, int], ...], Usage] = {}
    for usage in usages:
        different.setdefault(tuple(sorted(usage.items())), usage)
    if len(different) == 1:
        return replace(record, usage_candidates=tuple(different.values()))
    candidates = sorted(different.values(), key=lambda usage: -sum(usage.quantities.values()))
    return replace(record, usage_candidates=tuple(Usage(usage.quantities, "ambiguous") for usage in candidates))


def are_within(counts: Mapping[tuple[str, ...], int], others: Mapping[tuple[str, ...], int]) -> bool:
    """Return whether no count is larger than in others."""
    return all(count <= others.get(name, 0) for name, count in counts.items())


def _added(parts: list[SumPart]) -> Metrics:
    """Return the sum of the sums of one model."""
    fields = {name: getattr(parts[0].metrics, name) for name in Metrics.__struct_fields__}
    for name in SUMMED_FIELDS:
        counts = [count for part in parts if (count := getattr(part.metrics, name)) is not None]
        fields[name] = sum(counts) if counts else None
    return Metrics(**fields)
