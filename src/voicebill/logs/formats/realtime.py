"""Read raw events of OpenAI's and Azure's Realtime API, as JSON lines: bare, or wrapped with time, tenant, session and call.

An event with usage does not name its model: the model comes from the session's events, wherever they are in the log.
Preview-era and current events are both read, and so are GPT-Live's cumulative seconds and its backend's tokens. Most lines
of such a log are audio; they are checked to be complete JSON and skipped.

Frameworks log usage of their own beside the events, such as the Agents SDK's usage events. A line that is no event and has as
many input and output tokens as a response or a transcription in the same source repeats it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, Protocol

import msgspec

from voicebill.billing.record import Record, RecordKind, ResponseDetails
from voicebill.billing.usage import Usage
from voicebill.logs.audio import LONG_LINE_BYTES, without_audio
from voicebill.logs.counts import count_repeated_input, no_usage, possible_usages
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.documents import Document, sample_documents
from voicebill.logs.envelope import Time
from voicebill.logs.formats.realtime_durations import duration_record, is_billed_by_time, reported_milliseconds
from voicebill.logs.formats.realtime_events import EventResponse, EventSession, EventUsage, WrappedEvent
from voicebill.logs.formats.realtime_lines import (
    ENDINGS_WITHOUT_USAGE,
    EVENT_PREFIXES,
    TYPES_WITH_PROMPT,
    candidate_events,
    decode_line,
    decoding_error,
    holds_documents,
    ignorable_type,
    is_event_line,
    type_of_event,
    unwrap_event,
    with_content,
)
from voicebill.logs.formats.realtime_sessions import SessionDuration, SessionRegistry, SessionState
from voicebill.logs.keys import place_key, response_key
from voicebill.logs.owner_names import Owners, owners_of_document
from voicebill.logs.providers import (
    VOICE_LIVE,
    normalize_deployment,
    normalize_provider,
    normalize_region,
    split_model_name,
)
from voicebill.logs.python_text import with_printed_values
from voicebill.logs.report import ReadReport, first_time
from voicebill.logs.sources import NumberedLines
from voicebill.logs.unread_usage import snake_case, unread_counts

NAME = "realtime"
ABOUT = "raw events of the OpenAI or Azure Realtime API, as JSON lines, bare or wrapped"

RESPONSE_DONE = "response.done"
TRANSCRIPTION_COMPLETED = "conversation.item.input_audio_transcription.completed"
OWNER_WORDS = (b"tenant", b"customer", b"team", b"user", b"project")
"""Without one of these words in it, an event names neither a tenant nor a project: it is not searched."""
NO_OWNERS = Owners({}, {})
MAX_IGNORED_TYPES = 1_000
MAX_REMEMBERED_RESPONSES = 100_000
"""The number of recent responses that are remembered, to recognise repeats."""
MIN_UNIQUE_NAME = 12
"""The API's identifiers of items are longer, and unique; shorter ones are of synthetic logs, which use them again."""
MAX_WAITING_PER_SESSION = 10_000
"""The number of records per session that wait for an event that names the model."""
MAX_WAITING = 200_000
MAX_OTHER_LINES = 100_000
"""At most so many lines with usage that are no events are kept, to find out whether they repeat events."""
INPUT_NAMES = ("input_tokens", "prompt_tokens")
OUTPUT_NAMES = ("output_tokens", "completion_tokens")
USAGE_OF_EVENTS = "lines with the usage of responses whose events are in the log too"
_decode_conversation = msgspec.json.Decoder(EventSession).decode


def matches(sample: Sequence[bytes]) -> bool:
    """Return whether the first lines of a source contain events of this API."""
    if any(is_event_line(line) for line in sample):
        return True
    return bool(sample) and holds_documents(sample[0]) and any(is_event_line(content) for content in sample_documents(sample))


@dataclass(frozen=True, slots=True)
class FirstSeen:
    """The first record of a response: how it ended, its turn, the usage of the response before it, and its details."""

    status: str
    turn: int
    previous_usage: Usage | None
    details: ResponseDetails | None


@dataclass(frozen=True, slots=True)
class OtherLine:
    """A line with usage that is no event."""

    source: str
    line_number: int
    counts: Mapping[str, int | float]

    @property
    def tokens(self) -> tuple[int, int]:
        """The input and output tokens."""
        by_name = {snake_case(name): count for name, count in self.counts.items()}
        input_tokens, output_tokens = (
            next((int(by_name[name]) for name in names if name in by_name), 0) for names in (INPUT_NAMES, OUTPUT_NAMES)
        )
        return input_tokens, output_tokens


class EventSource(Protocol):
    """Where events are read from."""

    @property
    def name(self) -> str:
        """The name of the source."""
        ...

    @property
    def identity(self) -> str:
        """What identifies the source wherever it is."""
        ...


class DocumentSource(NamedTuple):
    """The source of events in a document of another format."""

    name: str
    identity: str


@dataclass(slots=True)
class EventContext:
    """The position of an event, and its envelopes from the outside in, with the event as the last."""

    lines: EventSource
    line_number: int
    content: bytes
    time: datetime | None
    layers: Sequence[WrappedEvent]
    index: int = 0

    @property
    def key(self) -> str:
        """The key of a record without an identifier: its place and its content."""
        return place_key(
            self.lines.identity, f"{self.line_number}.{self.index}" if self.index else self.line_number, self.content
        )

    def first_value(self, *names: str) -> str | None:
        """Return the first value of any of some fields in the envelopes."""
        for layer in self.layers:
            for name in names:
                value = getattr(layer, name)
                if value not in (None, ""):
                    return str(value)
        return None


def read(logs: Iterable[NumberedLines], defaults: LogDefaults, report: ReadReport) -> Iterator[Record]:
    """Yield the records of all sources: responses, transcriptions and live sessions, as soon as their model is known."""
    reader = EventReader(defaults, report)
    for lines in logs:
        reader.start_source()
        for line_number, line, index in candidate_events(lines, report):
            try:
                event = decode_line(without_audio(line) if len(line) > LONG_LINE_BYTES else line)
                event_type = ignorable_type(event)
                if event_type not in reader.ignored_types:
                    if len(line) > LONG_LINE_BYTES and event_type in TYPES_WITH_PROMPT:
                        event = decode_line(line)
                    yield from reader.handle_line(with_content(event, line), lines, line_number, line, index)
                elif reader.follows_time:
                    reader.follow(event, line)
            except msgspec.ValidationError as error:
                yield from reader.handle_invalid(line, lines, line_number, str(error), index)
            except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
                report.add_invalid_line(lines.name, line_number, decoding_error(line) or error, line)
    yield from reader.finish()


def read_listed_events(
    events: Sequence[bytes], document: Document, defaults: LogDefaults, report: ReadReport, *, session: str, time: Time
) -> Iterator[Record]:
    """Yield the records of the events of one session that a document of another format lists."""
    reader = EventReader(defaults, report)
    reader.start_source()
    source = DocumentSource(document.source, document.identity)
    for index, content in enumerate(events, 1):
        try:
            event = WrappedEvent(session_id=session, time=time, event=decode_line(content))
            yield from reader.handle_line(event, source, document.line_number, document.content, index)
        except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
            report.add_error(document.source, document.line_number, f"not as the API specifies: {error}")
            report.add_unread_line(document.source, document.line_number, content)
    yield from reader.finish()


class EventReader:
    """Read events in order, and keep the state of sessions between them."""

    def __init__(self, defaults: LogDefaults, report: ReadReport) -> None:
        self._defaults = defaults
        self._report = report
        self._sessions = SessionRegistry(report, defaults.column)
        self._first_seen: dict[str, FirstSeen] = {}
        self._transcribed: dict[tuple[str, int], tuple[str, tuple[Usage, ...]]] = {}
        """The key and the usage of recent transcriptions, by item and part of its content."""
        self._waiting = 0
        self._token_counts: dict[str, Counter[tuple[int, int]]] = defaultdict(Counter)
        """How many responses and transcriptions of each source have so many input and output tokens."""
        self._other_lines: list[OtherLine] = []
        self.ignored_types: set[str | None] = set()
        """Types of events that were met and need no look: nearly all lines are of one of them."""
        self.follows_time = False
        """Whether a session is billed by time, so that the times of all its events matter."""
        self._handlers: dict[str, Callable[[WrappedEvent, SessionState, EventContext], Iterable[Record]]] = {
            RESPONSE_DONE: self._on_response_done,
            TRANSCRIPTION_COMPLETED: self._on_transcription,
            "response.created": self._on_response_created,
            "response.completed": self._on_backend_response,
            "response.create": self._on_response_requested,
            "input_audio_buffer.speech_started": self._on_speech_started,
            "input_audio_buffer.speech_stopped": self._on_speech_stopped,
            "input_audio_buffer.committed": self._on_committed,
            "conversation.item.created": self._on_item,
            "conversation.item.added": self._on_item,
            "conversation.item.done": self._on_item,
            "conversation.item.truncated": self._on_truncated,
            "conversation.item.deleted": self._on_deleted,
            "session.created": self._on_session,
            "session.started": self._on_session,
            "session.updated": self._on_session,
            "session.update": self._on_client_settings,
            "session.avatar.connecting": self._on_voice_live,
            "session.avatar.switch_to_speaking": self._on_voice_live,
            "conversation.created": self._on_conversation,
            "transcription_session.created": self._on_session,
            "transcription_session.updated": self._on_session,
            "session.usage.updated": self._on_session_usage,
            "session.closed": self._on_session_usage,
        }

    def start_source(self) -> None:
        """Begin a source: its events without an identifier do not belong to sessions of the source before."""
        self._sessions.start_source()

    def handle_line(
        self, line: WrappedEvent, lines: EventSource, line_number: int, content: bytes, index: int = 0
    ) -> Iterable[Record]:
        """Read a line; yield its records, if any."""
        event = line
        layers = [line]
        if not line.is_event:
            layers = unwrap_event(line)
            event = layers[-1]
        handler = self._handlers.get(event.type or "")
        if handler is None:
            if event.type not in self.ignored_types:
                self._ignore(event, lines.name, line_number, content)
            if self.follows_time:
                self.follow(line, content)
            return ()
        context = EventContext(lines, line_number, content, self._time(layers, content), layers, index)
        session = self._sessions.find(layers, event, content)
        _extend(session, context.time)
        return handler(event, session, context)

    def handle_invalid(
        self, line: bytes, lines: EventSource, line_number: int, reason: str, index: int = 0
    ) -> Iterable[Record]:
        """Read a JSON line of another shape, which may have printed objects. It is an error only if it should carry usage."""
        source, printed = lines.name, with_printed_values(line)
        if printed != line:
            try:
                return tuple(self.handle_line(decode_line(printed), lines, line_number, printed, index))
            except msgspec.MsgspecError:
                pass
        try:
            event_type = type_of_event(msgspec.json.decode(line))
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            self._report.add_invalid_line(source, line_number, error, line)
            return ()
        if event_type in self._handlers:
            self._report.add_error(source, line_number, f"{event_type} is not as the API specifies: {reason}")
            self._report.add_unread_line(source, line_number, line)
        else:
            self._add_other_line(source, line_number, line)
        return ()

    def finish(self) -> Iterator[Record]:
        """Yield the records that were still waiting at the end of all sources."""
        self._report_other_lines()
        self._report.sessions_in_memory += len(self._sessions)
        for session in self._sessions:
            yield from self._release_waiting(session)
            record = self._duration_record(session)
            if record is not None:
                self._report.live_sessions.add(session.name or "")
                yield record
            self._report.unfinished_responses += len(session.open_responses)
            if record is None and not session.has_usage and (session.models or session.transcription_models):
                self._report.sessions_without_usage += 1

    def follow(self, line: WrappedEvent, content: bytes) -> None:
        """Note the time of an event that is not read: its session may be billed by time, or turn out to be."""
        layers = unwrap_event(line)
        _extend(self._sessions.find(layers, layers[-1], content), self._time(layers, content))

    def _ignore(self, event: WrappedEvent, source: str, line_number: int, content: bytes) -> None:
        if event.type is None or not (event.type.startswith(EVENT_PREFIXES) or event.type == "error"):
            self._add_other_line(source, line_number, content)
            return
        if not event.type.endswith(ENDINGS_WITHOUT_USAGE):
            self._report.add_unread_line(source, line_number, content)
        elif len(self.ignored_types) < MAX_IGNORED_TYPES:
            self.ignored_types.add(event.type)

    def _add_other_line(self, source: str, line_number: int, content: bytes) -> None:
        """Add a line that is no event. Its usage, if it shows any, may be that of an event."""
        if len(self._other_lines) == MAX_OTHER_LINES:
            self._report.add_other_line(source, line_number, content)
            return
        self._report.other_lines += 1
        if counts := unread_counts(with_printed_values(content)):
            self._other_lines.append(OtherLine(source, line_number, counts))
        else:
            self._report.add_unread_line(source, line_number, content)

    def _report_other_lines(self) -> None:
        """Report the usage of other lines that is not that of an event. Each event is repeated once by lines of one shape."""
        repeated: Counter[tuple[str, tuple[int, int], frozenset[str]]] = Counter()
        for line in self._other_lines:
            place = (line.source, line.tokens, frozenset(line.counts))
            repeated[place] += 1
            if any(line.tokens) and repeated[place] <= self._token_counts[line.source][line.tokens]:
                self._report.skipped[USAGE_OF_EVENTS] += 1
            else:
                self._report.add_unread_counts(line.source, line.line_number, line.counts)
        self._other_lines.clear()

    def _count_tokens(self, usage: EventUsage | None, context: EventContext) -> None:
        if usage is not None:
            self._token_counts[context.lines.name][usage.input_tokens or 0, usage.output_tokens or 0] += 1

    def _owners(self, content: bytes) -> Owners:
        """Return the owners that an event and its envelopes name; the session's name comes from elsewhere."""
        if not self._defaults.column and not any(map(content.lower().__contains__, OWNER_WORDS)):
            return NO_OWNERS
        return owners_of_document(content, (), self._defaults.column)

    def _time(self, layers: Sequence[WrappedEvent], content: bytes) -> datetime | None:
        if "time" in self._defaults.column and (own_time := first_time(self._report, (self._owners(content).own.get("time"),))):
            return own_time
        return next((time for layer in layers if (time := first_time(self._report, layer.times)) is not None), None)

    def _on_conversation(self, event: WrappedEvent, session: SessionState, _context: EventContext) -> Iterable[Record]:
        """Begin a conversation: it belongs to the session that was created last."""
        try:
            conversation = _decode_conversation(event.conversation).id
        except msgspec.DecodeError:
            return ()
        if conversation:
            self._sessions.begin_conversation(conversation, session)
        return ()

    def _on_session(self, event: WrappedEvent, state: SessionState, context: EventContext) -> Iterator[Record]:
        session = event.session if isinstance(event.session, EventSession) else EventSession()
        state.is_voice_live = state.is_voice_live or session.is_voice_live
        state.conversation.on_session(session, self._defaults.prompt_key)
        owners = self._owners(context.content)
        state.tenant = owners.value("tenant", state.tenant)
        state.project = owners.value("project", state.project)
        has_first_model = state.models.add(context.time, session.model)
        if state.transcription_models.add(context.time, session.transcription_model) or has_first_model:
            yield from self._release_waiting(state, only_named=True)
        if is_billed_by_time(state) or event.type == "session.started":
            self._start_duration(state, context)

    def _start_duration(self, state: SessionState, context: EventContext) -> SessionDuration:
        """Return the time of a session, from its first event on."""
        self.follows_time = True
        self._sessions.add_timed(state)
        if state.duration is None:
            kind: RecordKind = "session" if state.models or not state.transcription_models else "transcription"
            key = f"session:{state.name}" if state.name else context.key
            state.duration = SessionDuration(self._record(key, kind, (Usage(),), state, context))
        return state.duration

    def _on_client_settings(self, event: WrappedEvent, state: SessionState, _context: EventContext) -> Iterable[Record]:
        """Read which product a client's settings are for. What else applies is in the event that answers it."""
        if isinstance(event.session, EventSession):
            state.is_voice_live = state.is_voice_live or event.session.is_voice_live
        return ()

    def _on_voice_live(self, _event: WrappedEvent, state: SessionState, _context: EventContext) -> Iterable[Record]:
        state.is_voice_live = True
        return ()

    def _on_response_created(self, event: WrappedEvent, session: SessionState, _context: EventContext) -> Iterable[Record]:
        if event.response and event.response.id:
            session.open_responses.add(event.response.id)
            if event.response.conversation_id is not None:
                session.conversation.on_response_created(event.response)
        return ()

    def _on_response_requested(self, event: WrappedEvent, session: SessionState, _context: EventContext) -> Iterable[Record]:
        if event.response is not None:
            session.conversation.on_response_requested(event.response, self._defaults.prompt_key)
        return ()

    def _on_speech_started(self, event: WrappedEvent, session: SessionState, _context: EventContext) -> Iterable[Record]:
        session.conversation.on_speech_started(event)
        return ()

    def _on_speech_stopped(self, event: WrappedEvent, session: SessionState, _context: EventContext) -> Iterable[Record]:
        session.conversation.on_speech_stopped(event)
        return ()

    def _on_committed(self, event: WrappedEvent, session: SessionState, _context: EventContext) -> Iterable[Record]:
        session.user_spoke = session.speech_seen = True
        session.conversation.on_committed(event)
        return ()

    def _on_item(self, event: WrappedEvent, session: SessionState, _context: EventContext) -> Iterable[Record]:
        if event.item is not None:
            is_done = event.type == "conversation.item.done"
            if event.item.role == "user" and not is_done:
                session.user_spoke = session.speech_seen = True
            session.conversation.on_item(event.item, is_done=is_done)
        return ()

    def _on_truncated(self, event: WrappedEvent, session: SessionState, _context: EventContext) -> Iterable[Record]:
        session.conversation.on_truncated(event)
        return ()

    def _on_deleted(self, _event: WrappedEvent, session: SessionState, _context: EventContext) -> Iterable[Record]:
        session.conversation.on_deleted()
        return ()

    def _on_response_done(self, event: WrappedEvent, session: SessionState, context: EventContext) -> Iterable[Record]:
        response = event.response or EventResponse()
        session.open_responses.discard(response.id or "")
        session.has_usage = session.has_usage or response.usage is not None
        session.is_voice_live = session.is_voice_live or response.is_voice_live
        is_out_of_band = response.conversation_id is None
        usages = no_usage() if response.usage is None else possible_usages(response.usage.counts)
        key, first_seen = self._identify_response(response, context)
        turn = repeated_input = None
        details = first_seen.details if first_seen is not None else None
        if first_seen is None and not is_out_of_band:
            details = session.conversation.details(response)
        if first_seen is not None:
            turn = first_seen.turn or None
        elif not is_out_of_band:
            self._count_turn(session, response)
        previous_usage = session.last_usage if first_seen is None else first_seen.previous_usage
        if not is_out_of_band:
            if previous_usage is None or previous_usage.status == "exact":
                repeated_input = count_repeated_input(usages[0], previous_usage)
            if first_seen is None and (usages[0].quantities or len(usages) > 1):
                session.last_usage = usages[0]
        if first_seen is None:
            turn_now = session.turn + session.user_spoke
            self._remember(key, FirstSeen(response.status or "completed", turn_now, previous_usage, details))
            self._count_tokens(response.usage, context)
        model = context.first_value("model") or response.model or session.models.at(context.time)
        kind: RecordKind = "out-of-band" if is_out_of_band else "response"
        return self._release_or_wait(
            self._record(
                key,
                kind,
                usages,
                session,
                context,
                model=model,
                outcome=response.status,
                repeated_input=repeated_input,
                turn=turn,
                details=details,
            ),
            session,
        )

    def _identify_response(self, response: EventResponse, context: EventContext) -> tuple[str, FirstSeen | None]:
        """Return a response's key and its first record, if any. The same identifier with another end is another response.

        A response ends once: identifiers that are repeated with another end come from synthetic logs.
        """
        if not response.id:
            return context.key, None
        key, status = response_key(response.id), response.status or "completed"
        first_seen = self._first_seen.get(key)
        if first_seen is not None and first_seen.status != status:
            key = f"{key}:{status}"
            first_seen = self._first_seen.get(key)
        return key, first_seen

    def _remember(self, key: str, first_seen: FirstSeen) -> None:
        self._first_seen[key] = first_seen
        if len(self._first_seen) > MAX_REMEMBERED_RESPONSES:
            del self._first_seen[next(iter(self._first_seen))]

    def _count_turn(self, session: SessionState, response: EventResponse) -> None:
        """Count turns: one begins when the user has spoken or, if that is not logged, with a response not after a tool."""
        if session.turn == 0 or session.user_spoke or (not session.speech_seen and not session.called_tool):
            session.turn += 1
        session.user_spoke = False
        session.called_tool = any(item.type == "function_call" for item in response.output or ())

    def _on_transcription(self, event: WrappedEvent, session: SessionState, context: EventContext) -> Iterable[Record]:
        session.has_usage = session.has_usage or event.usage is not None
        usages = no_usage() if event.usage is None else _transcription_usages(event.usage)
        key = self._transcription_key(event, session, context, usages)
        self._count_tokens(event.usage, context)
        model = context.first_value("transcription_model") or session.transcription_models.at(context.time)
        return self._release_or_wait(
            self._record(key, "transcription", usages, session, context, model=model, outcome="completed"), session
        )

    def _transcription_key(
        self, event: WrappedEvent, session: SessionState, context: EventContext, usages: tuple[Usage, ...]
    ) -> str:
        """Return a transcription's key: its event's identifier, or else its item's.

        Two connections of one session may give the same transcription to two events: if an item of a name that occurs once
        is transcribed again with the same usage, it is the same one.
        """
        item, part = event.item_id or "", event.content_index or 0
        before = self._transcribed.get((item, part))
        if before is not None and before[1] == usages:
            return before[0]
        if event.event_id:
            key = f"transcription:{event.event_id}"
        else:
            key = f"transcription:{session.name}:{item}:{part}" if session.name and item else context.key
        if len(item) >= MIN_UNIQUE_NAME:
            self._transcribed[item, part] = (key, usages)
            if len(self._transcribed) > MAX_REMEMBERED_RESPONSES:
                del self._transcribed[next(iter(self._transcribed))]
        return key

    def _on_backend_response(self, event: WrappedEvent, session: SessionState, context: EventContext) -> Iterable[Record]:
        """Yield a response of the text model behind a live session: its tokens are text, not priced as the voice model's."""
        response = event.response or EventResponse()
        session.has_usage = True
        if response.usage is None:
            usages = no_usage()
        else:
            counts = response.usage.counts
            images = counts.image_in or 0
            counts.text_in = None if counts.input is None else counts.input - images
            counts.text_out, counts.text_cached = counts.output, counts.cached
            usages = possible_usages(counts)
        key, first_seen = self._identify_response(response, context)
        if first_seen is None:
            self._remember(key, FirstSeen(response.status or "completed", session.turn, None, None))
        model = response.model or context.first_value("model")
        yield self._record(key, "response", usages, session, context, model=model, outcome=response.status)

    def _on_session_usage(self, event: WrappedEvent, nearest: SessionState, context: EventContext) -> Iterable[Record]:
        """Note the seconds of a session, which are cumulative: the total of a closed session counts, or else the most."""
        reported = () if event.usage is None else reported_milliseconds(event.usage)
        if not reported:
            self._report.add_unread_line(context.lines.name, context.line_number, context.content, is_record=True)
            return self._on_session(event, nearest, context) if isinstance(event.session, EventSession) else ()
        session = self._sessions.find_timed(context.layers, event, context.content, sum(reported[0]), context.time)
        session.has_usage = True
        is_final = event.type == "session.closed"
        if isinstance(event.session, EventSession):
            session.models.add(context.time, event.session.model)
        duration = self._start_duration(session, context)
        if is_final or (not duration.is_final and sum(reported[0]) >= duration.total_ms):
            key = f"session:{session.name}" if session.name else duration.record.key
            record = self._record(key, "session", (Usage(),), session, context)
            duration.record = replace(record, outcome="closed" if is_final else None)
            duration.reported, duration.reported_at, duration.is_final = reported, context.time, is_final
        return ()

    def _duration_record(self, session: SessionState) -> Record | None:
        """Return the time of a session as a record, or None if it is not billed by time."""
        if session.duration is None:
            return None
        time, is_transcription = session.duration.record.time, session.duration.record.kind == "transcription"
        default = self._defaults.transcription_model if is_transcription else self._defaults.model
        names = session.transcription_models if is_transcription and not session.models else session.models
        return duration_record(session, names.at(time) or default, self._report)

    def _record(
        self,
        key: str,
        kind: RecordKind,
        usages: tuple[Usage, ...],
        session: SessionState,
        context: EventContext,
        *,
        model: str | None = None,
        outcome: str | None = None,
        repeated_input: dict[str, int] | None = None,
        turn: int | None = None,
        details: ResponseDetails | None = None,
    ) -> Record:
        defaults, owners = self._defaults, self._owners(context.content)
        model = owners.value("model", model)
        provider, model = split_model_name(model, normalize_provider(context.first_value("provider")))
        provider = VOICE_LIVE if session.is_voice_live else provider
        provider = provider or defaults.provider
        if kind != "session" and not any(any(usage.quantities.values()) for usage in usages):
            event = context.layers[-1]
            has_usage = event.usage is not None or (event.response is not None and event.response.usage is not None)
            is_missing = usages[0].status == "missing"
            self._report.add_unread_line(
                context.lines.name, context.line_number, context.content, has_usage=has_usage and is_missing, is_record=True
            )
        return Record(
            key=key,
            kind=kind,
            usage_candidates=usages,
            source=context.lines.name,
            line_number=context.line_number,
            provider=provider,
            model=model,
            deployment=normalize_deployment(context.first_value("deployment")) or defaults.deployment,
            region=normalize_region(context.first_value("region"), provider) or defaults.region,
            tier=defaults.tier,
            session=session.name,
            turn=turn or session.turn + session.user_spoke or None,
            tenant=owners.value("tenant") or session.tenant or defaults.tenant,
            project=owners.value("project") or session.project or defaults.project,
            time=context.time,
            day=None if context.time else defaults.day,
            session_started_at=session.started_at,
            outcome=outcome,
            repeated_input=repeated_input,
            details=details,
        )

    def _release_or_wait(self, record: Record, session: SessionState) -> Iterable[Record]:
        """Yield a record if its model is known, from the record itself or from its session; else let it wait."""
        if record.model:
            return (record,)
        session.waiting.append(record)
        self._waiting += 1
        return (
            self._release_waiting(session)
            if len(session.waiting) > MAX_WAITING_PER_SESSION or self._waiting > MAX_WAITING
            else ()
        )

    def _release_waiting(self, session: SessionState, *, only_named: bool = False) -> Iterator[Record]:
        """Yield the waiting records with their session's model; at the end, those without a model get the default."""
        waiting, session.waiting = session.waiting, []
        for record in waiting:
            is_transcription = record.kind == "transcription"
            model = (session.transcription_models if is_transcription else session.models).at(record.time)
            if model is None and only_named:
                session.waiting.append(record)
                continue
            self._waiting -= 1
            yield self._with_model(
                record, session, model or (self._defaults.transcription_model if is_transcription else self._defaults.model)
            )

    def _with_model(self, record: Record, session: SessionState, model: str | None) -> Record:
        """Return a record with its session's model, and with the provider in its name if the log gives no other."""
        provider, model = split_model_name(model, None)
        is_logged = record.provider != self._defaults.provider
        provider = record.provider if is_logged else provider or record.provider
        return replace(record, model=model, provider=VOICE_LIVE if session.is_voice_live else provider)


def _extend(session: SessionState, time: datetime | None) -> None:
    """Note that a session was running at a time."""
    if time is not None and (session.started_at is None or time < session.started_at):
        session.started_at = time
    if time is not None and (session.last_time is None or time > session.last_time):
        session.last_time = time


def _transcription_usages(usage: EventUsage) -> tuple[Usage, ...]:
    """Return the usage of a transcription: seconds or tokens. Output tokens are text."""
    if usage.seconds is not None:
        return (Usage({"audio_ms": round(usage.seconds * 1000)}),)
    counts = usage.counts
    if counts.text_out is None and counts.audio_out is None:
        counts.text_out = counts.output
    return possible_usages(counts)
