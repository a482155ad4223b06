"""Keep the sessions of a log of Realtime events: which event belongs to which, and which models they named, and when."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.logs.envelope import Name
from voicebill.logs.formats.realtime_events import EventSession, WrappedEvent
from voicebill.logs.report import ReadReport

MAX_UNLINKED_SESSIONS = 1_000
"""The number of recent sessions without a conversation that are remembered."""


@dataclass(slots=True)
class SessionState:
    """What is known about one session while its log is read."""

    name: str | None
    started_at: datetime | None = None
    models: list[tuple[datetime | None, str]] = field(default_factory=list)
    transcription_models: list[tuple[datetime | None, str]] = field(default_factory=list)
    waiting: list[Record] = field(default_factory=list)
    open_responses: set[str] = field(default_factory=set)
    last_usage: Usage | None = None
    turn: int = 0
    user_spoke: bool = False
    speech_seen: bool = False
    called_tool: bool = False
    has_usage: bool = False
    session_record: Record | None = None
    has_conversation: bool = False
    is_voice_live: bool = False
    """Whether its events showed that it is of Azure Voice Live, which has the same events and prices of its own."""

    @property
    def model(self) -> str | None:
        """The model that was named last, or None."""
        return self.models[-1][1] if self.models else None


class SessionRegistry:
    """Find the session of an event: sessions by name and by conversation, and those that no envelope names."""

    def __init__(self, report: ReadReport) -> None:
        self._report = report
        self._sessions: dict[str, SessionState] = {}
        self._by_conversation: dict[str, SessionState] = {}
        self._unnamed = SessionState(None)
        self._all_unnamed: list[SessionState] = []
        self._unlinked: dict[str, SessionState] = {}

    def __iter__(self) -> Iterator[SessionState]:
        """All sessions, the named ones first."""
        yield from self._sessions.values()
        yield from self._all_unnamed

    def start_source(self) -> None:
        """Begin a source: its events without an identifier do not belong to sessions of the source before."""
        self._unnamed = self._new_unnamed()
        self._unlinked.clear()

    def _new_unnamed(self) -> SessionState:
        self._all_unnamed.append(session := SessionState(None))
        return session

    def find(self, layers: Sequence[WrappedEvent], event: WrappedEvent) -> SessionState:
        """The session of an event: named by an envelope or by itself, else that of its conversation, else the unnamed one."""
        for layer in layers:
            session_name = layer.session if not isinstance(layer.session, EventSession) else None
            for name in _texts(layer.session_id, session_name, layer.call_id):
                return self.named(name)
        if isinstance(event.session, EventSession) and event.session.id:
            self._unnamed = self.named(event.session.id)
            self._add_unlinked(event.session.id, self._unnamed)
            return self._unnamed
        conversation = event.response.conversation_id if event.response else None
        if isinstance(conversation, str):
            session = self._by_conversation.get(conversation)
            return session or self.link_conversation(conversation, self._session_for_conversation())
        return self._unnamed

    def _add_unlinked(self, name: str, session: SessionState) -> None:
        """Add a session that no envelope names, and whose conversation may follow."""
        if not session.has_conversation:
            self._unlinked[name] = session
            if len(self._unlinked) > MAX_UNLINKED_SESSIONS:
                del self._unlinked[next(iter(self._unlinked))]

    def _session_for_conversation(self) -> SessionState:
        """Return the session of a new conversation: the one without a conversation, or a new session if that is ambiguous."""
        unlinked = list(self._unlinked.values())
        if len(unlinked) > 1 and len({session.model for session in unlinked}) > 1:
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


def _texts(*values: Name) -> Iterator[str]:
    return (str(value) for value in values if value not in (None, ""))


def add_name(names: list[tuple[datetime | None, str]], time: datetime | None, name: str | None) -> bool:
    """Append a name that differs from the last one. Return whether it is the first, which records may be waiting for."""
    if not name:
        return False
    if names and names[-1][1] == name:
        last = names[-1][0]
        if (last is None and time is None) or (last is not None and time is not None and last <= time):
            return False
    names.append((time, name))
    return len(names) == 1


def name_at(names: Sequence[tuple[datetime | None, str]], time: datetime | None) -> str | None:
    """Return the last name logged by a time. Before the first one, return the first: a session has a model from its start."""
    if not names:
        return None
    timed_names = [(since, name) for since, name in names if since is not None]
    if time is not None:
        earlier = [(since, name) for since, name in reversed(timed_names) if since <= time]
        if earlier:
            return max(earlier, key=_start_time)[1]
        if len(timed_names) == len(names):
            return min(timed_names, key=_start_time)[1]
    return names[-1][1]


def _start_time(timed_name: tuple[datetime, str]) -> datetime:
    return timed_name[0]
