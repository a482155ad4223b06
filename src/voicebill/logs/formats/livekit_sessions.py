"""Decide which sums of LiveKit sessions count: a session may be logged by growing sums, a report, a summary and single metrics.

Sums that name their session are grouped by it, and the largest counts. A sum that the logs also give in another form, or
whose single metrics they give, is skipped. Without a common name it is recognised by its amounts: those of another sum, of all
single metrics, or of successive ones. Where it may or may not be contained in something else, both readings are kept: its
usage, or nothing.

The same goes for raw events in the logs, whose sessions have other names: a sum of successive responses of theirs repeats them.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import reduce

from voicebill.billing.record import Record
from voicebill.logs.envelope import first_text
from voicebill.logs.formats.livekit_sums import (
    GrowingSums,
    ModelRole,
    Names,
    SessionSum,
    SumPart,
    SumQuantities,
    are_within,
    maybe,
    totals_of,
    totals_of_record,
)
from voicebill.logs.report import ReadReport

SUM_OF_SINGLE_METRICS = "sums whose single metrics are in the log too"
SUM_OF_EVENTS = "sums of sessions whose events are in the logs too"
SUM_IN_ANOTHER_FORM = "sums of sessions that the log gives in another form too"

REPEATED_SINGLE_METRICS = "single metrics that the log gives with their identifier too"

MAX_WAITING_SINGLES = 100_000
MAX_RESPONSE_SECONDS = 600
"""Metrics have the time at which a response began, and a logger's line that at which it ended."""
MAX_SINGLES = 200_000
"""At most so many single metrics of a model are kept, to find those of a sum; beyond, only their total is known."""
MAX_LATER_SUMS = 100
"""Of sums that name no session, each may be contained in so many later ones."""
SLACK = timedelta(minutes=1)
SNAPSHOT = re.compile(r"-\d{4}-\d\d-\d\d$")
"""The date in the name of a version of a model."""


@dataclass(slots=True)
class Singles:
    """The single metrics of one model and session in one source."""

    part: ModelRole
    model: str | None
    names: Names
    source: str
    total: SumQuantities = field(default_factory=SumQuantities)
    entries: list[tuple[float, SumQuantities]] = field(default_factory=list)
    """The quantities of each, with its time in seconds since 1970; without a time 0."""
    first: datetime | None = None
    last: datetime | None = None

    def add(self, time: datetime | None, totals: SumQuantities) -> None:
        """Add the metrics of a response, a transcription or a speech."""
        self.total = self.total.plus(totals)
        if time is not None:
            self.first, self.last = min(self.first or time, time), max(self.last or time, time)
        if len(self.entries) < MAX_SINGLES:
            self.entries.append((time.timestamp() if time else 0.0, totals))

    def may_be_of_model(self, model: str | None) -> bool:
        """Return whether the metrics may be those of a model: agents may name it without the date of its version."""
        return model is None or SNAPSHOT.sub("", self.model or "") == SNAPSHOT.sub("", model)

    def have_run(self, total: SumQuantities) -> bool:
        """Return whether successive metrics have a total, which shows that they are those of a session."""
        entries = [totals for _, totals in sorted(self.entries, key=lambda entry: entry[0])]
        start, so_far = 0, SumQuantities()
        for totals in entries:
            so_far = so_far.plus(totals)
            while not so_far.is_within(total):
                so_far = so_far.minus(entries[start])
                start += 1
            if so_far.is_equal(total):
                return True
        return False

    def may_be_of(self, session_sum: SessionSum) -> bool:
        """Return whether the metrics may be those of a session: not if they are all later than its sum, or earlier."""
        is_later = self.first is not None and session_sum.time is not None and self.first > session_sum.time + SLACK
        is_earlier = self.last is not None and session_sum.started is not None and self.last < session_sum.started - SLACK
        return not is_later and not is_earlier


@dataclass(slots=True)
class NamedSession:
    """A session that its sums name: of each model the largest sum."""

    latest: SessionSum
    parts: dict[tuple[str, str, str], SumPart] = field(default_factory=dict)

    def add(self, session_sum: SessionSum) -> None:
        """Add a sum of the session."""
        names = Names(*(mine or theirs for mine, theirs in zip(self.latest.names, session_sum.names, strict=True)))
        started = min((time for time in (self.latest.started, session_sum.started) if time is not None), default=None)
        self.latest = replace(session_sum, names=names, started=started)
        for part in session_sum.parts:
            model = (part.part, part.metrics.provider or "", part.metrics.model or "")
            if model not in self.parts or _quantity(part.record) >= _quantity(self.parts[model].record):
                self.parts[model] = part

    @property
    def session_sum(self) -> SessionSum:
        """The largest sums."""
        return replace(self.latest, parts=tuple(self.parts.values()))


@dataclass(slots=True)
class SessionSums:
    """Collect the sums and the single metrics of all sources, and yield the records that count at their end."""

    report: ReadReport
    named: dict[tuple[int, str], NamedSession] = field(default_factory=dict)
    growing: dict[str, GrowingSums] = field(default_factory=lambda: defaultdict(GrowingSums))
    unnamed: dict[str, list[SessionSum]] = field(default_factory=lambda: defaultdict(list))
    singles: dict[tuple[ModelRole, str | None, Names, str], Singles] = field(default_factory=dict)
    events: dict[tuple[ModelRole, str | None, str, str | None], Singles] = field(default_factory=dict)
    """What raw events reported: by part, model, source and session."""
    event_keys: set[str] = field(default_factory=set)
    """The keys of what they reported. Single metrics of the same response have the same key, and count once by it."""
    waiting: list[tuple[SumPart, Names, str]] = field(default_factory=list)
    """Single metrics without an identifier, with the names of their session and their source."""

    def add_single(self, single: SumPart, names: Names, source: str) -> bool:
        """Add single metrics. Return whether they wait: those without an identifier may be logged with one as well."""
        if single.record.key in self.event_keys:
            return False
        if first_text(single.metrics.request_id) is None and len(self.waiting) < MAX_WAITING_SINGLES:
            self.waiting.append((single, names, source))
            return True
        self._count_single(single, names, source)
        return False

    def add_event_record(self, record: Record) -> None:
        """Add a response, a transcription or a session that was read from raw events."""
        totals = totals_of_record(record)
        if not any(totals) or record.key in self.event_keys:
            return
        self.event_keys.add(record.key)
        part: ModelRole = "stt" if record.kind == "transcription" else "llm"
        key = (part, record.model, record.source, record.session)
        if key not in self.events:
            self.events[key] = Singles(part, record.model, Names(), record.source)
        self.events[key].add(record.time, totals)

    def _count_single(self, single: SumPart, names: Names, source: str) -> None:
        key = (single.part, single.model, names, source)
        if key not in self.singles:
            self.singles[key] = Singles(*key)
        self.singles[key].add(single.record.time, totals_of(single.metrics))

    def _waiting_records(self) -> Iterator[Record]:
        """Yield the records of single metrics that the logs do not give with an identifier, too, with equal amounts."""
        identified: dict[tuple[ModelRole, SumQuantities], list[tuple[Singles, float]]] = defaultdict(list)
        for of_model in (*self.singles.values(), *self.events.values()) if self.waiting else ():
            for moment, totals in of_model.entries:
                identified[of_model.part, totals.rounded].append((of_model, moment))
        for single, names, source in self.waiting:
            totals = totals_of(single.metrics)
            equals = identified[single.part, totals.rounded] if any(totals) else []
            index = next((index for index, equal in enumerate(equals) if _may_be_equal(single, names, *equal)), None)
            if index is None:
                self._count_single(single, names, source)
                yield single.record
            else:
                del equals[index]
                self.report.skipped[REPEATED_SINGLE_METRICS] += 1

    def add_sum(self, session_sum: SessionSum) -> None:
        """Add a sum."""
        identifiers = [(index, name) for index, name in enumerate(session_sum.names) if name is not None]
        if identifiers:
            session = self.named.get(identifiers[0]) or NamedSession(session_sum)
            session.add(session_sum)
            self.named.update(dict.fromkeys(identifiers, session))
        elif session_sum.form == "growing":
            self.growing[session_sum.source].add(session_sum)
        else:
            self.unnamed[session_sum.source].append(session_sum)

    def records(self) -> Iterator[Record]:
        """Yield the records that count, of sums and of single metrics without an identifier."""
        yield from self._waiting_records()
        sessions: list[tuple[SessionSum, bool]] = []
        for session_sum, may_repeat in self._sessions():
            others = [
                other
                for other, _ in sessions
                if other.form != session_sum.form
                and session_sum.names.same_as(other.names) is None
                and _is_not_later(session_sum, other)
            ]
            if any(_are_equal(session_sum.totals, other.totals) for other in others):
                self.report.skipped[SUM_IN_ANOTHER_FORM] += len(session_sum.parts)
            else:
                is_within = any(_are_within(session_sum.totals, other.totals) for other in others)
                sessions.append((session_sum, may_repeat or is_within))
        yield from self._compare_with_singles(sessions)
        for source, growing in self.growing.items():
            for part in growing.ambiguous_parts():
                singles = self._singles_of(part, Names())
                events = [of_model for of_model in self.events.values() if of_model.part == part.part]
                if any(of_model.source == source for of_model in singles):
                    self.report.skipped[SUM_OF_SINGLE_METRICS] += 1
                else:
                    self.report.ambiguous_sums += 1
                    yield maybe(part.record) if singles or events else part.record

    def _sessions(self) -> Iterator[tuple[SessionSum, bool]]:
        """Yield the sums of all sessions, and whether each may be contained in a later one: named ones first."""
        for session in {id(session): session for session in self.named.values()}.values():
            yield session.session_sum, False
        for growing in self.growing.values():
            others = [other for other in self.growing.values() if other is not growing]
            for session_sum in growing.sessions():
                yield session_sum, any(other.may_continue(session_sum) for other in others)
        for unnamed in self.unnamed.values():
            for index, session_sum in enumerate(unnamed):
                later_sums = unnamed[index + 1 : index + 1 + MAX_LATER_SUMS]
                yield session_sum, any(are_within(session_sum.counts, later.counts) for later in later_sums)

    def _compare_with_singles(self, sessions: list[tuple[SessionSum, bool]]) -> Iterator[Record]:
        """Yield the records of sums, without those whose single metrics are in the logs."""
        open_parts: dict[tuple[int, ...], list[tuple[SessionSum, SumPart, bool]]] = defaultdict(list)
        for session_sum, may_repeat in sessions:
            for part in session_sum.parts:
                is_of_events = self._is_of_events(session_sum, part)
                if is_of_events:
                    self.report.skipped[SUM_OF_EVENTS] += 1
                    continue
                may_be_repeated = may_repeat or is_of_events is None
                singles = self._singles_of(part, session_sum.names)
                same = [of_model for of_model in singles if of_model.names.same_as(session_sum.names)]
                others = [of_model for of_model in singles if of_model.may_be_of(session_sum)]
                if same:
                    is_within = totals_of(part.metrics).is_within(_total(same))
                    yield from self._records(session_sum, part, is_repeated=is_within, may_repeat=True)
                elif not others:
                    yield from self._records(session_sum, part, may_repeat=may_be_repeated)
                else:
                    open_parts[tuple(sorted(map(id, others)))].append((session_sum, part, may_be_repeated))
        for parts in open_parts.values():
            first_sum, first_part, _ = parts[0]
            singles = [of_model for of_model in self._singles_of(first_part, first_sum.names) if of_model.may_be_of(first_sum)]
            total = _sum_of(totals_of(part.metrics) for _, part, _ in parts)
            are_all = total.is_equal(_total(singles))
            for session_sum, part, _ in parts:
                own = totals_of(part.metrics)
                is_repeated = are_all or any(of_model.have_run(own) for of_model in singles)
                yield from self._records(session_sum, part, is_repeated=is_repeated, may_repeat=True)

    def _is_of_events(self, session_sum: SessionSum, part: SumPart) -> bool | None:
        """Return whether a sum is that of successive raw events, of a session or of all; None if it may be that of some."""
        own = totals_of(part.metrics)
        events = [
            of_model for of_model in self.events.values() if of_model.part == part.part and of_model.may_be_of(session_sum)
        ]
        if not any(own) or not events:
            return False
        if any(own.is_within(of_session.total) and of_session.have_run(own) for of_session in events):
            return True
        of_model = [of_session for of_session in events if of_session.may_be_of_model(part.model)]
        combined = Singles(part.part, part.model, Names(), "")
        combined.entries = [entry for of_session in of_model for entry in of_session.entries]
        if combined.have_run(own):
            return True
        return None if of_model else False

    def _records(
        self, session_sum: SessionSum, part: SumPart, *, is_repeated: bool = False, may_repeat: bool = False
    ) -> Iterator[Record]:
        """Yield the record of a sum, if it is not repeated by single metrics; if it may be, with both readings."""
        if is_repeated:
            self.report.skipped[SUM_OF_SINGLE_METRICS] += 1
            return
        record = session_sum.record_of(part)
        if may_repeat:
            self.report.ambiguous_sums += 1
            record = maybe(record)
        yield record

    def _singles_of(self, part: SumPart, names: Names) -> list[Singles]:
        """Return the single metrics of a sum's model that may be of its session."""
        return [
            of_model
            for of_model in self.singles.values()
            if of_model.part == part.part
            and (part.model is None or of_model.model == part.model)
            and of_model.names.same_as(names) is not False
        ]


def _may_be_equal(single: SumPart, names: Names, of_model: Singles, moment: float) -> bool:
    """Return whether single metrics without an identifier may be those of a model, a session and a moment."""
    time, metadata = single.record.time, single.metrics.metadata
    is_near = time is None or not moment or abs(time.timestamp() - moment) < MAX_RESPONSE_SECONDS
    names_model = metadata is not None and metadata.model_name is not None
    return (
        is_near and (not names_model or of_model.may_be_of_model(single.model)) and names.same_as(of_model.names) is not False
    )


def _quantity(record: Record) -> int:
    return sum(record.usage.quantities.values())


def _sum_of(totals: Iterable[SumQuantities]) -> SumQuantities:
    return reduce(SumQuantities.plus, totals, SumQuantities())


def _total(singles: Iterable[Singles]) -> SumQuantities:
    return _sum_of(of_model.total for of_model in singles)


def _is_not_later(session_sum: SessionSum, other: SessionSum) -> bool:
    return session_sum.time is None or other.time is None or session_sum.time <= other.time + SLACK


def _are_within(totals: Mapping[ModelRole, SumQuantities], others: Mapping[ModelRole, SumQuantities]) -> bool:
    return bool(totals) and all(total.is_within(others.get(part, SumQuantities())) for part, total in totals.items())


def _are_equal(totals: Mapping[ModelRole, SumQuantities], others: Mapping[ModelRole, SumQuantities]) -> bool:
    return _are_within(totals, others) and _are_within(others, totals)
