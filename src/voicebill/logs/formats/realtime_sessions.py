"""Keep the sessions of a log of Realtime events: which event belongs to which, and which models they named, and when."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.logs.envelope import Name
from voicebill.logs.formats.realtime_conversations import ConversationState
from voicebill.logs.formats.realtime_events import EventSession, WrappedEvent
from voicebill.logs.owner_names import owners_of_document
from voicebill.logs.report import ReadReport

OTHER_SESSION_NAMES = (
    *(b'onId"', b'on.id"', b'on-id"', b'llId"', b'll.id"', b'll-id"', b'session_id"'),
    *(b'ID"', b'on.Id"', b'on-Id"', b'll.Id"', b'll-Id"'),
)
"""The ends of names of sessions in envelopes, other than those that `WrappedEvent` reads and that events themselves have."""
MAX_UNLINKED_SESSIONS = 1_000
"""The number of recent sessions without a conversation that are remembered."""
MAX_TIMED_SESSIONS = 1_000
"""The number of recent sessions among which one is found for seconds that name none."""

ActiveAndPausedMs = tuple[int, int]
"""How long a session was active, and how long paused."""


@dataclass(slots=True)
class SessionDuration:
    """The time of a session as reported so far, and the record that it becomes. Two readings contradict each other."""

    record: Record
    reported: tuple[ActiveAndPausedMs, ...] = ()
    reported_at: datetime | None = None
    is_final: bool = False

    @property
    def total_ms(self) -> int:
        """The milliseconds reported so far."""
        return sum(self.reported[0]) if self.reported else 0


class NameHistory:
    """The names that a log gave, such as a session's models, and when. A lookup takes logarithmic time."""

    __slots__ = ("_is_fully_timed", "_timed_names", "_times", "last")

    def __init__(self) -> None:
        self._times: list[datetime] = []
        self._timed_names: list[str] = []
        self.last: str | None = None
        """The name that was added last."""
        self._is_fully_timed = True

    def __bool__(self) -> bool:
        return self.last is not None

    def add(self, time: datetime | None, name: str | None) -> bool:
        """Add a name. Return whether it is the first, which records may be waiting for."""
        if not name:
            return False
        is_first = self.last is None
        self.last = name
        if time is None:
            self._is_fully_timed = False
        else:
            index = bisect_right(self._times, time)
            self._times.insert(index, time)
            self._timed_names.insert(index, name)
        return is_first

    def at(self, time: datetime | None) -> str | None:
        """Return the last name by a time. Before the first one, return the first: a session has a model from its start."""
        if time is not None and self._times:
            index = bisect_right(self._times, time)
            if index or self._is_fully_timed:
                return self._timed_names[max(index - 1, 0)]
        return self.last


@dataclass(slots=True)
class SessionState:
    """What is known about one session while its log is read."""

    name: str | None
    started_at: datetime | None = None
    models: NameHistory = field(default_factory=NameHistory)
    transcription_models: NameHistory = field(default_factory=NameHistory)
    waiting: list[Record] = field(default_factory=list)
    open_responses: set[str] = field(default_factory=set)
    last_usage: Usage | None = None
    turn: int = 0
    user_spoke: bool = False
    speech_seen: bool = False
    called_tool: bool = False
    has_usage: bool = False
    duration: SessionDuration | None = None
    last_time: datetime | None = None
    has_conversation: bool = False
    tenant: str | None = None
    project: str | None = None
    """What the session's own events name, for events that name none."""
    is_enveloped: bool = False
    """Whether envelopes name it: then its events say so."""
    conversation: ConversationState = field(default_factory=ConversationState)
    is_voice_live: bool = False
    """Whether its events showed that it is of Azure Voice Live, which has the same events and prices of its own."""

    @property
    def model(self) -> str | None:
        """The model that was named last, or None."""
        return self.models.last

    @property
    def transcription_model(self) -> str | None:
        """The transcription model that was named last, or None."""
        return self.transcription_models.last

    @property
    def reported_ms(self) -> int:
        """The milliseconds that it reported so far."""
        return self.duration.total_ms if self.duration else 0

    @property
    def is_closed(self) -> bool:
        """Whether it reported its total."""
        return self.duration is not None and self.duration.is_final


class SessionRegistry:
    """Find the session of an event: sessions by name and by conversation, and those that no envelope names."""

    def __init__(self, report: ReadReport, own_names: Mapping[str, str]) -> None:
        self._report = report
        self._own_names = own_names
        self._sessions: dict[str, SessionState] = {}
        self._by_conversation: dict[str, SessionState] = {}
        self._unnamed = SessionState(None)
        self._all_unnamed: list[SessionState] = []
        self._unlinked: dict[str, SessionState] = {}
        self._timed: dict[int, SessionState] = {}

    def __len__(self) -> int:
        """The number of sessions with a name, all of which are in memory."""
        return len(self._sessions)

    def __iter__(self) -> Iterator[SessionState]:
        """All sessions, the named ones first."""
        yield from self._sessions.values()
        yield from self._all_unnamed

    def start_source(self) -> None:
        """Begin a source: its events without an identifier do not belong to sessions of the source before."""
        self._unnamed = self._new_unnamed()
        self._unlinked.clear()
        self._timed.clear()

    def _new_unnamed(self) -> SessionState:
        self._all_unnamed.append(session := SessionState(None))
        return session

    def find(self, layers: Sequence[WrappedEvent], event: WrappedEvent, content: bytes) -> SessionState:
        """The session of an event: named by an envelope or by itself, else that of its conversation, else the unnamed one."""
        if (name := self._envelope_name(layers, content)) is not None:
            enveloped = self.named(name)
            enveloped.is_enveloped = True
            return enveloped
        if isinstance(event.session, EventSession) and event.session.id:
            self._unnamed = self.named(event.session.id)
            self._add_unlinked(event.session.id, self._unnamed)
            return self._unnamed
        conversation = event.response.conversation_id if event.response else None
        if isinstance(conversation, str):
            session = self._by_conversation.get(conversation)
            return session or self.link_conversation(conversation, self._session_for_conversation())
        return self._unnamed

    def _envelope_name(self, layers: Sequence[WrappedEvent], content: bytes) -> str | None:
        """Return the name that an envelope gives to the session, or None."""
        if self._own_names and (own_name := owners_of_document(content, (), self._own_names).own.get("session")):
            return own_name
        for layer in layers:
            session_name = layer.session if not isinstance(layer.session, EventSession) else None
            for name in _texts(layer.session_id, session_name, layer.call_id, layer.conversation_id):
                return name
        if any(map(content.__contains__, OTHER_SESSION_NAMES)):
            return owners_of_document(content, (), {}).value("session")
        return None

    def find_timed(
        self, layers: Sequence[WrappedEvent], event: WrappedEvent, content: bytes, total_ms: int, time: datetime | None
    ) -> SessionState:
        """The session of an event that reports seconds so far, which may name none, or only when the session is closed.

        Seconds never shrink. So those without a name are of the open session that reported most, but no more than that, or of
        a session that is closed already if they came late; else a new session reports them. The total of a session that was
        not known before continues the unnamed seconds of which it is the next.
        """
        session = self.find(layers, event, content)
        if self._envelope_name(layers, content) is not None:
            return session
        is_named = isinstance(event.session, EventSession) and bool(event.session.id)
        timed = [state for state in self._timed.values() if not state.is_enveloped] or list(self._timed.values())
        preceding = [state for state in timed if not state.is_closed and state.reported_ms <= total_ms]
        if is_named:
            unnamed = [state for state in preceding if state.name is None and state is not session]
            if session.duration is None and unnamed:
                self._continue(session, max(unnamed, key=_reported_ms))
            return session
        if preceding:
            return max(preceding, key=_reported_ms)
        late = [
            state
            for state in (session, *timed)
            if state.is_closed and state.reported_ms >= total_ms and not _is_after(time, state)
        ]
        if late:
            return late[-1]
        return session if session.duration is None else self._new_unnamed()

    def _continue(self, session: SessionState, unnamed: SessionState) -> None:
        """Make a session that is named late the one that was unnamed so far."""
        session.duration, unnamed.duration = unnamed.duration, None
        session.models = session.models or unnamed.models
        session.started_at = min(filter(None, (unnamed.started_at, session.started_at)), default=None)
        session.last_time = max(filter(None, (unnamed.last_time, session.last_time)), default=None)
        self._timed.pop(id(unnamed), None)
        self.add_timed(session)

    def add_timed(self, session: SessionState) -> None:
        """Add a session that is billed by time, to which seconds without a name may belong."""
        self._timed.setdefault(id(session), session)
        if len(self._timed) > MAX_TIMED_SESSIONS:
            del self._timed[next(iter(self._timed))]

    def _add_unlinked(self, name: str, session: SessionState) -> None:
        """Add a session that no envelope names, and whose conversation may follow."""
        if not session.has_conversation:
            self._unlinked[name] = session
            if len(self._unlinked) > MAX_UNLINKED_SESSIONS:
                del self._unlinked[next(iter(self._unlinked))]

    def _session_for_conversation(self) -> SessionState:
        """Return the session of a new conversation: the one without a conversation, or a new session if that is ambiguous."""
        unlinked = list(self._unlinked.values())
        if len(unlinked) > 1 and len({session.models.last for session in unlinked}) > 1:
            self._report.ambiguous_sessions += 1
            return self._new_unnamed()
        return unlinked[0] if len(unlinked) == 1 and self._unnamed.has_conversation else self._unnamed

    def link_conversation(self, conversation: str, session: SessionState) -> SessionState:
        """Remember the session of a conversation, and return it."""
        session.has_conversation = True
        self._unlinked.pop(session.name or "", None)
        self._by_conversation[conversation] = session
        return session

    def begin_conversation(self, conversation: str, session: SessionState) -> None:
        """Link a new conversation to the session that was created last."""
        newest = next(reversed(self._unlinked.values()), session) if session is self._unnamed else session
        self.link_conversation(conversation, newest)

    def named(self, name: str) -> SessionState:
        """The session of a name, created when it is first met."""
        session = self._sessions.get(name)
        if session is None:
            session = self._sessions[name] = SessionState(name)
        return session


def _reported_ms(session: SessionState) -> int:
    return session.reported_ms


def _is_after(time: datetime | None, session: SessionState) -> bool:
    """Return whether a time is after the end of a session."""
    end = session.duration.reported_at if session.duration else None
    return time is not None and end is not None and time > end


def _texts(*values: Name) -> Iterator[str]:
    return (str(value) for value in values if value not in (None, ""))
