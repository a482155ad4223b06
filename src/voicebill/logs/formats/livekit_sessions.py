"""Decide which sums of LiveKit sessions count: a session may be logged by growing sums, a report, a summary and single metrics.

Sums that name their session are grouped by it, and the largest counts. A sum that the logs also give in another form, or
whose single metrics they give, is skipped. Without a common name it is recognised by its amounts: those of another sum, of all
single metrics, or of successive ones. Where it may or may not be contained in something else, both readings are kept: its
usage, or nothing.

The same goes for raw events in the logs, whose sessions have other names: a sum of successive responses of theirs repeats them.
"""

import re
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import reduce
from itertools import chain
from math import inf

from voicebill.billing.record import Record
from voicebill.logs.envelope import first_text
from voicebill.logs.formats.livekit_sums import (
    Form,
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

TotalsByRole = Mapping[ModelRole, SumQuantities]
Named = frozenset[int]
"""Which of the names of a session are logged."""

SUM_OF_SINGLE_METRICS = "sums whose single metrics are in the log too"
SUM_OF_EVENTS = "sums of sessions whose events are in the logs too"
SUM_IN_ANOTHER_FORM = "sums of sessions that the log gives in another form too"

REPEATED_SINGLE_METRICS = "single metrics that the log gives with their identifier too"

MAX_WAITING_SINGLES = 100_000
MAX_RESPONSE_SECONDS = 600
"""Metrics have the time at which a response began, and a logger's line that at which it ended."""
MAX_SINGLES = 200_000
"""At most so many single metrics of a model are kept, to find those of a sum; beyond, only their total is known."""
MAX_RUN = 2_000
"""The metrics of a session are looked for among so many before the time of its sum."""
MAX_RUN_STEPS = 1_000_000
"""In the metrics of one model, so many are looked at for all sums: beyond, a sum may or may not repeat them."""
MAX_LATER_SUMS = 100
"""Of sums that name no session, each may be contained in so many later ones."""
MAX_OTHER_FORMS = 500
"""A sum is compared with so many sums of another form that follow it: beyond, it may be contained in them."""
MAX_NAMED_SINGLES = 500
"""Of single metrics of so many sessions, each is compared with a sum that names no session; of more, only their total."""
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
    remaining_steps: int = field(default_factory=lambda: MAX_RUN_STEPS)
    _sorted: bool = True

    def add(self, time: datetime | None, totals: SumQuantities) -> None:
        """Add the metrics of a response, a transcription or a speech."""
        self.total = self.total.plus(totals)
        if time is not None:
            self.first, self.last = min(self.first or time, time), max(self.last or time, time)
        if len(self.entries) < MAX_SINGLES:
            self.entries.append((time.timestamp() if time else 0.0, totals))
            self._sorted = False

    def add_all(self, others: "Singles") -> None:
        """Add the metrics of another session."""
        self.total = self.total.plus(others.total)
        self.entries += others.entries
        self._sorted = False

    def may_be_of_model(self, model: str | None) -> bool:
        """Return whether the metrics may be those of a model: agents may name it without the date of its version."""
        return model is None or SNAPSHOT.sub("", self.model or "") == SNAPSHOT.sub("", model)

    def have_run(self, total: SumQuantities, time: datetime | None) -> bool:
        """Return whether successive metrics have a total, which shows that they are those of a session that ended by a time."""
        if not self._sorted:
            self.entries.sort(key=_moment)
            self._sorted = True
        end = len(self.entries) if time is None else bisect_right(self.entries, (time + SLACK).timestamp(), key=_moment)
        entries = self.entries[max(end - MAX_RUN, 0) if time else 0 : end]
        start, so_far = 0, SumQuantities()
        for _, totals in entries[: self.remaining_steps]:
            so_far = so_far.plus(totals)
            while not so_far.is_within(total):
                so_far = so_far.minus(entries[start][1])
                start += 1
            if so_far.is_equal(total):
                return True
        self.remaining_steps -= min(len(entries), self.remaining_steps)
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
class SumsByForm:
    """The quantities of sums, by the form and the names that they have, sorted by time: those that no time has are the last."""

    totals: dict[tuple[Form, Named], list[tuple[float, TotalsByRole]]] = field(default_factory=dict)

    def add(self, session_sum: SessionSum, totals: TotalsByRole) -> None:
        """Add a sum."""
        moment = session_sum.time.timestamp() if session_sum.time else inf
        insort(self.totals.setdefault((session_sum.form, _named(session_sum.names)), []), (moment, totals), key=_moment)

    def others_of(self, session_sum: SessionSum) -> tuple[list[TotalsByRole], bool]:
        """Return sums of other forms that are not earlier, and that may be of the session; and whether these are all."""
        others: list[TotalsByRole] = []
        are_all = True
        moment = (session_sum.time - SLACK).timestamp() if session_sum.time else -inf
        for (form, named), totals in self.totals.items():
            if form != session_sum.form and named.isdisjoint(_named(session_sum.names)):
                start = bisect_left(totals, moment, key=_moment)
                others += (total for _, total in totals[start : start + MAX_OTHER_FORMS])
                are_all = are_all and len(totals) <= start + MAX_OTHER_FORMS
        return others, are_all


@dataclass(slots=True)
class SinglesIndex:
    """Find the single metrics that may be of a session: by the first name that both have; all if they have none in common."""

    by_name: dict[tuple[ModelRole, Named], dict[tuple[int, str], list[Singles]]] = field(default_factory=dict)
    all: dict[tuple[ModelRole, Named], list[Singles]] = field(default_factory=dict)

    def add(self, singles: Singles) -> None:
        """Add the single metrics of a model and a session."""
        key = (singles.part, _named(singles.names))
        by_name = self.by_name.setdefault(key, {})
        for index in key[1]:
            by_name.setdefault((index, singles.names[index] or ""), []).append(singles)
        self.all.setdefault(key, []).append(singles)

    def possible(self, part: ModelRole, names: Names) -> Iterator[Singles]:
        """Yield the single metrics that may be of a session with these names."""
        for (other_part, named), by_name in self.by_name.items():
            if other_part != part:
                continue
            common = named & _named(names)
            if common:
                yield from by_name.get((min(common), names[min(common)] or ""), ())
                continue
            if len(self.all[part, named]) > MAX_NAMED_SINGLES:
                self.all[part, named] = list(_merged(self.all[part, named]))
            yield from self.all[part, named]


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
    index: SinglesIndex = field(default_factory=SinglesIndex)
    indexed: int = 0
    """How many single metrics the index has."""
    combined_events: dict[tuple[ModelRole, str | None], Singles] = field(default_factory=dict)
    """What the raw events of all sessions reported, by part and by model without its date."""
    remaining_comparisons: int = field(default_factory=lambda: MAX_RUN_STEPS)
    """So many comparisons of a sum with the events of a session are left: beyond, it may or may not repeat them."""

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
        identified: dict[tuple[ModelRole, SumQuantities], list[tuple[float, Singles]]] = defaultdict(list)
        for of_model in (*self.singles.values(), *self.events.values()) if self.waiting else ():
            for moment, totals in of_model.entries:
                identified[of_model.part, totals.rounded].append((moment, of_model))
        for equals in identified.values():
            equals.sort(key=_moment)
        for single, names, source in self.waiting:
            totals = totals_of(single.metrics)
            equals = identified[single.part, totals.rounded] if any(totals) else []
            index = _index_of_equal(single, names, equals)
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
        forms = SumsByForm()
        for session_sum, may_repeat in self._sessions():
            totals = session_sum.totals
            others, are_all = forms.others_of(session_sum)
            if any(_are_equal(totals, other) for other in others):
                self.report.skipped[SUM_IN_ANOTHER_FORM] += len(session_sum.parts)
            else:
                is_within = not are_all or any(_are_within(totals, other) for other in others)
                sessions.append((session_sum, may_repeat or is_within))
                forms.add(session_sum, totals)
        yield from self._compare_with_singles(sessions)
        parts_of_events = {of_session.part for of_session in self.events.values()}
        for source, growing in self.growing.items():
            for part in growing.ambiguous_parts():
                singles = self._singles_of(part, Names())
                if any(of_model.source == source for of_model in singles):
                    self.report.skipped[SUM_OF_SINGLE_METRICS] += 1
                else:
                    self.report.ambiguous_sums += 1
                    yield maybe(part.record) if singles or part.part in parts_of_events else part.record

    def _sessions(self) -> Iterator[tuple[SessionSum, bool]]:
        """Yield the sums of all sessions, and whether each may be contained in a later one: named ones first."""
        for session in {id(session): session for session in self.named.values()}.values():
            yield session.session_sum, False
        for growing in self.growing.values():
            others = [other for other in self.growing.values() if other is not growing]
            for session_sum in growing.sessions():
                yield session_sum, any(other.may_continue(session_sum) for other in others)
        for unnamed in self.unnamed.values():
            counts = [session_sum.counts for session_sum in unnamed]
            for index, session_sum in enumerate(unnamed):
                later_counts = counts[index + 1 : index + 1 + MAX_LATER_SUMS]
                yield session_sum, any(are_within(counts[index], later) for later in later_counts)

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
                is_repeated = are_all or any(of_model.have_run(own, session_sum.time) for of_model in singles)
                yield from self._records(session_sum, part, is_repeated=is_repeated, may_repeat=True)

    def _is_of_events(self, session_sum: SessionSum, part: SumPart) -> bool | None:
        """Return whether a sum is that of successive raw events, of a session or of all; None if it may be that of some."""
        own = totals_of(part.metrics)
        if not any(own):
            return False
        of_model = False
        for of_session in self.events.values():
            if self.remaining_comparisons <= 0:
                return None
            self.remaining_comparisons -= 1
            if of_session.part == part.part and of_session.may_be_of(session_sum):
                if own.is_within(of_session.total) and of_session.have_run(own, session_sum.time):
                    return True
                of_model = of_model or of_session.may_be_of_model(part.model)
        if not of_model:
            return False
        return self._events_of_model(part).have_run(own, session_sum.time) or None

    def _events_of_model(self, part: SumPart) -> Singles:
        """Return what the raw events of all sessions with a sum's model reported."""
        key = (part.part, part.model and SNAPSHOT.sub("", part.model))
        if key not in self.combined_events:
            combined = self.combined_events[key] = Singles(part.part, part.model, Names(), "")
            for of_session in self.events.values():
                if of_session.part == part.part and of_session.may_be_of_model(part.model):
                    combined.add_all(of_session)
        return self.combined_events[key]

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
        if self.indexed != len(self.singles):
            self.index, self.indexed = SinglesIndex(), len(self.singles)
            for of_model in self.singles.values():
                self.index.add(of_model)
        return [
            of_model for of_model in self.index.possible(part.part, names) if part.model is None or of_model.model == part.model
        ]


def _named(names: Names) -> Named:
    """Return which names are logged."""
    return frozenset(index for index, name in enumerate(names) if name is not None)


def _merged(singles: Iterable[Singles]) -> Iterator[Singles]:
    """Yield the single metrics of each model as those of one session, of which only the total is known."""
    by_model: dict[tuple[ModelRole, str | None, str], Singles] = {}
    for of_model in singles:
        key = (of_model.part, of_model.model, of_model.source)
        merged = by_model.setdefault(key, Singles(of_model.part, of_model.model, Names(), of_model.source))
        merged.total = merged.total.plus(of_model.total)
        for time in (of_model.first, of_model.last):
            if time is not None:
                merged.first, merged.last = min(merged.first or time, time), max(merged.last or time, time)
    yield from by_model.values()


def _moment(entry: tuple[float, object]) -> float:
    return entry[0]


def _index_of_equal(single: SumPart, names: Names, equals: Sequence[tuple[float, Singles]]) -> int | None:
    """Return which of metrics with an identifier, sorted by time, may be single metrics without one; None if none may."""
    time = single.record.time
    if time is None:
        indices: Iterable[int] = range(len(equals))
    else:
        moment = time.timestamp()
        earliest = bisect_right(equals, moment - MAX_RESPONSE_SECONDS, key=_moment)
        latest = bisect_left(equals, moment + MAX_RESPONSE_SECONDS, key=_moment)
        indices = chain(range(bisect_right(equals, 0.0, key=_moment)), range(earliest, latest))
    return next((index for index in indices if _may_be_equal(single, names, equals[index][1])), None)


def _may_be_equal(single: SumPart, names: Names, of_model: Singles) -> bool:
    """Return whether single metrics without an identifier may be of a model and a session."""
    metadata = single.metrics.metadata
    names_model = metadata is not None and metadata.model_name is not None
    return (not names_model or of_model.may_be_of_model(single.model)) and names.same_as(of_model.names) is not False


def _quantity(record: Record) -> int:
    return sum(record.usage.quantities.values())


def _sum_of(totals: Iterable[SumQuantities]) -> SumQuantities:
    return reduce(SumQuantities.plus, totals, SumQuantities())


def _total(singles: Iterable[Singles]) -> SumQuantities:
    return _sum_of(of_model.total for of_model in singles)


def _are_within(totals: Mapping[ModelRole, SumQuantities], others: Mapping[ModelRole, SumQuantities]) -> bool:
    return bool(totals) and all(total.is_within(others.get(part, SumQuantities())) for part, total in totals.items())


def _are_equal(totals: Mapping[ModelRole, SumQuantities], others: Mapping[ModelRole, SumQuantities]) -> bool:
    return _are_within(totals, others) and _are_within(others, totals)
