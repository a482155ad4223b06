"""Raw events of OpenAI's and Azure's Realtime API, as JSON lines: bare, or wrapped with time, tenant, session and call.

An event that carries usage does not name its model: that is learnt from its session's events, wherever in the log they
stand. Preview-era events and current ones are read alike. GPT-Live's cumulative seconds and its backend's tokens are too.
Most lines of such a log are pieces of audio; they are checked to be whole and passed over.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec

from voicebill.billing.record import Record, RecordKind
from voicebill.billing.usage import Usage
from voicebill.logs.counts import no_usage, readings, reread
from voicebill.logs.documents import documents, sampled
from voicebill.logs.envelope import Name
from voicebill.logs.keys import place_key, response_key
from voicebill.logs.providers import deployment_meant, provider_named, region_meant
from voicebill.logs.realtime_events import EventUsage, Response, Session, Wrapped
from voicebill.logs.sources import Lines
from voicebill.logs.told import Report, Told, first_time, not_json

NAME = "realtime"
ABOUT = "raw events of the OpenAI or Azure Realtime API, as JSON lines, bare or wrapped"

DONE = "response.done"
HEARD = "conversation.item.input_audio_transcription.completed"
FAMILIES = (
    "session.",
    "response.",
    "conversation.",
    "input_audio_buffer.",
    "output_audio_buffer.",
    "transcription_session.",
    "rate_limits.",
)
"""How the names of events begin."""

LONG = 1024
"""Bytes from which it pays to look for audio in a line before it is parsed."""
BACKSLASH = ord("\\")
MOST_LAYERS = 4
MOST_TYPES = 1_000
MOST_KNOWN = 100_000
"""So many of the last responses are remembered, to know them again."""
MOST_WAITING = 10_000
"""So many records of one session wait for an event that names its model."""
MOST_WAITING_IN_ALL = 200_000
MOST_BARE = 1_000
"""So many of the last sessions whose conversation has not come yet are remembered."""

decode_line = msgspec.json.Decoder(Wrapped).decode
_decode_conversation = msgspec.json.Decoder(Session).decode


def recognises(sample: Sequence[bytes]) -> bool:
    """Whether the first lines of a source hold events of this API."""
    if any(_is_event(line) for line in sample):
        return True
    return bool(sample) and _is_of_documents(sample[0]) and any(_is_event(each) for each in sampled(sample))


def _is_of_documents(first: bytes) -> bool:
    """Whether a source does not hold an event a line, by its first: an array of objects, or an event over many lines."""
    start = first.strip()
    return start in (b"[", b"{") or (start.startswith(b"[") and start[1:].lstrip().startswith(b"{"))


def _pieces(lines: Lines, report: Report) -> Iterator[tuple[int, bytes, int]]:
    """What may be an event: the line it begins on, its bytes, and from 1 its place where several stand on one line."""
    first = lines.sample(1, 1)
    if first and _is_of_documents(first[0]):
        for each in documents(lines, report):
            yield each.ordinal, each.content, each.index
    else:
        for ordinal, line in lines:
            yield ordinal, line, 0


def _is_event(line: bytes) -> bool:
    """Whether a line is an event of this API, be it one whose counts cannot be read."""
    try:
        return _event_type(msgspec.json.decode(line)) is not None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False


def _layers(line: Wrapped) -> list[Wrapped]:
    """A line's envelopes from the outside in, and last the event. An envelope may name the event's type, or one of its own."""
    layers = [line]
    while len(layers) < MOST_LAYERS and not line.is_event:
        inside = line.inside
        if isinstance(inside, str):
            inside = decode_line(inside)
        if inside is None:
            break
        layers.append(inside)
        line = inside
    events = [at for at, each in enumerate(layers, 1) if each.type is not None and each.type.startswith(FAMILIES)]
    return layers[: events[-1]] if events else layers


@dataclass(slots=True)
class Talk:
    """What is known of one session while its log is read."""

    name: str | None
    began: datetime | None = None
    named_at: list[tuple[datetime | None, str]] = field(default_factory=list)
    heard_by: list[tuple[datetime | None, str]] = field(default_factory=list)
    waiting: list[Record] = field(default_factory=list)
    begun: set[str] = field(default_factory=set)
    last: Usage | None = None
    turn: int = 0
    spoke: bool = False
    speech_seen: bool = False
    called_tool: bool = False
    used: bool = False
    live: Record | None = None
    conversing: bool = False

    @property
    def model(self) -> str | None:
        """The model that was named last."""
        return self.named_at[-1][1] if self.named_at else None


@dataclass(frozen=True, slots=True)
class First:
    """How a response was told first: how it ended, its turn, and what had been in the conversation before it."""

    status: str
    turn: int
    before: Usage | None


@dataclass(slots=True)
class Where:
    """Where an event stands, and its envelopes from the outside in, the event being the last."""

    lines: Lines
    ordinal: int
    content: bytes
    time: datetime | None
    layers: Sequence[Wrapped]
    index: int = 0

    @property
    def key(self) -> str:
        """What makes something itself that has no identifier of its own: its place, and what stands there."""
        return place_key(self.lines.identity, f"{self.ordinal}.{self.index}" if self.index else self.ordinal, self.content)

    def said(self, *names: str) -> str | None:
        """The first that any of some words of the envelopes says."""
        for layer in self.layers:
            for name in names:
                value = getattr(layer, name)
                if value not in (None, ""):
                    return str(value)
        return None


def read(logs: Iterable[Lines], told: Told, report: Report) -> Iterator[Record]:
    """The records of all sources: responses, transcriptions and live sessions, as soon as their model is known."""
    reader = Reader(told, report)
    for lines in logs:
        reader.begin()
        for ordinal, line, index in _pieces(lines, report):
            try:
                found = decode_line(_without_audio(line) if len(line) > LONG else line)
                if _type_to_pass(found) not in reader.without_usage:
                    yield from reader.line(found, lines, ordinal, line, index)
            except msgspec.ValidationError as error:
                reader.misshapen(line, lines.name, ordinal, str(error))
            except msgspec.DecodeError as error:
                report.broke(lines.name, ordinal, not_json(error))
            except (RecursionError, UnicodeError):
                report.broke(lines.name, ordinal, "not usable JSON")
    yield from reader.end()


def _without_audio(line: bytes) -> bytes:
    r"""A line without the text that fills more than half of it, and so stands at its middle; else as it is.

    Nothing is lost: such a text is audio, or what somebody said. The line stays whole JSON, or broken, as its other parts
    are: what follows on a closing quote in whole JSON is no letter, and in a broken line the quotes that meet keep it broken.
    It takes a fifth of the time that a parser needs to look at every byte.

    >>> _without_audio(b'{"type": "x.delta", "delta": "UklGRiSAAABXQVZFZm10IBAAAAABAAEAwF0AAIC7AAACABAA"}')
    b'{"type": "x.delta", "delta": ""}'
    """
    middle = len(line) // 2
    start, end = line.rfind(b'"', 0, middle) + 1, line.find(b'"', middle)
    if end - start < middle or not line[start : start + 1].isalnum():
        return line
    if line[end - 1] == BACKSLASH:
        end -= 1  # it stands inside of another text, or goes on behind a quote
        if line[end - 1] == BACKSLASH:
            return line
    return line[:start] + line[end:]


def _type_to_pass(line: Wrapped) -> str | None:
    """The type of the event in a line, if it is one that can be passed over by that: in no more than one envelope."""
    inside = line.inside
    if inside is None:
        return line.type
    if type(inside) is not Wrapped or (line.type is not None and line.is_event) or not inside.holds_nothing:
        return None
    return inside.type


class Reader:
    """Reads events in their order, and keeps what has to be remembered between them."""

    def __init__(self, told: Told, report: Report) -> None:
        self._told = told
        self._report = report
        self._talks: dict[str, Talk] = {}
        self._by_conversation: dict[str, Talk] = {}
        self._unnamed = Talk(None)
        self._all_unnamed: list[Talk] = []
        self._first: dict[str, First] = {}
        self._bare: dict[str, Talk] = {}
        self._waiting = 0
        self.without_usage: set[str | None] = set()
        """Types of events that were met and need no look: nearly all lines are of one of them."""
        self._steps: dict[str, Callable[[Wrapped, Talk, Where], Iterable[Record]]] = {
            DONE: self._done,
            HEARD: self._heard,
            "response.created": self._begun,
            "response.completed": self._completed,
            "input_audio_buffer.committed": self._spoke,
            "conversation.item.created": self._item,
            "conversation.item.added": self._item,
            "session.created": self._session,
            "session.updated": self._session,
            "conversation.created": self._conversation,
            "transcription_session.created": self._session,
            "transcription_session.updated": self._session,
            "session.usage.updated": self._seconds,
            "session.closed": self._seconds,
        }

    def begin(self) -> None:
        """A new source begins: events without any identifier belong to no session of the one before."""
        self._unnamed = self._new_unnamed()
        self._bare.clear()

    def _new_unnamed(self) -> Talk:
        self._all_unnamed.append(talk := Talk(None))
        return talk

    def line(self, line: Wrapped, lines: Lines, ordinal: int, content: bytes, index: int = 0) -> Iterable[Record]:
        """What a line gives; most give nothing."""
        event = line
        layers = [line]
        if not line.is_event:
            layers = _layers(line)
            event = layers[-1]
        step = self._steps.get(event.type or "")
        if step is None:
            self._pass_over(event)
            return ()
        where = Where(lines, ordinal, content, self._time(layers), layers, index)
        talk = self._talk(layers, event)
        if talk.began is None:
            talk.began = where.time
        return step(event, talk, where)

    def misshapen(self, line: bytes, source: str, ordinal: int, why: str) -> None:
        """A line that is JSON, and not of the expected shape: a fault only where it should carry usage."""
        try:
            named = _event_type(msgspec.json.decode(line))
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            self._report.broke(source, ordinal, "not whole JSON")
            return
        if named in self._steps:
            self._report.broke(source, ordinal, f"{named} is not as the API writes it: {why}")
        else:
            self._report.other_lines += 1

    def end(self) -> Iterator[Record]:
        """What was still waiting when all sources had been read."""
        for talk in (*self._talks.values(), *self._all_unnamed):
            yield from self._released(talk)
            if talk.live is not None:
                yield self._finished(talk.live, talk)
            self._report.unfinished += len(talk.begun)
            if not talk.used and talk.named_at:
                self._report.silent_sessions += 1

    def _pass_over(self, event: Wrapped) -> None:
        if event.type is None or not (event.type.startswith(FAMILIES) or event.type == "error"):
            self._report.other_lines += 1
        elif len(self.without_usage) < MOST_TYPES:
            self.without_usage.add(event.type)

    def _time(self, layers: Sequence[Wrapped]) -> datetime | None:
        return first_time(self._report, (value for each in layers for value in each.times))

    def _talk(self, layers: Sequence[Wrapped], event: Wrapped) -> Talk:
        for each in layers:
            named = each.session if not isinstance(each.session, Session) else None
            for text in _texts(each.session_id, named, each.call_id):
                return self._known(text)
        if isinstance(event.session, Session) and event.session.id:
            self._unnamed = self._known(event.session.id)
            self._is_bare(event.session.id, self._unnamed)
            return self._unnamed
        conversation = event.response.conversation_id if event.response else None
        if isinstance(conversation, str):
            talk = self._by_conversation.get(conversation)
            return talk or self._tied(conversation, self._of_new_conversation())
        return self._unnamed

    def _is_bare(self, name: str, talk: Talk) -> None:
        """A session that no envelope names, and whose conversation may come."""
        if not talk.conversing:
            self._bare[name] = talk
            if len(self._bare) > MOST_BARE:
                del self._bare[next(iter(self._bare))]

    def _of_new_conversation(self) -> Talk:
        """The session of a conversation that is met first: the one that has none yet, or a new one where that is not known."""
        free = list(self._bare.values())
        if len(free) > 1 and len({talk.model for talk in free}) > 1:
            self._report.untied += 1
            return self._new_unnamed()
        return free[0] if len(free) == 1 and self._unnamed.conversing else self._unnamed

    def _tied(self, conversation: str, talk: Talk) -> Talk:
        talk.conversing = True
        self._bare.pop(talk.name or "", None)
        self._by_conversation[conversation] = talk
        return talk

    def _conversation(self, event: Wrapped, talk: Talk, _where: Where) -> Iterable[Record]:
        """A conversation begins: that of the session that was created last."""
        try:
            begun = _decode_conversation(event.conversation).id
        except msgspec.DecodeError:
            return ()
        if begun:
            self._tied(begun, next(reversed(self._bare.values()), talk) if talk is self._unnamed else talk)
        return ()

    def _known(self, name: str) -> Talk:
        talk = self._talks.get(name)
        if talk is None:
            talk = self._talks[name] = Talk(name)
        return talk

    def _session(self, event: Wrapped, talk: Talk, where: Where) -> Iterator[Record]:
        session = event.session if isinstance(event.session, Session) else Session()
        learnt = _learnt(talk.named_at, where.time, session.model)
        if _learnt(talk.heard_by, where.time, session.transcription_model) or learnt:
            yield from self._released(talk, only_known=True)

    def _begun(self, event: Wrapped, talk: Talk, _where: Where) -> Iterable[Record]:
        if event.response and event.response.id:
            talk.begun.add(event.response.id)
        return ()

    def _spoke(self, _event: Wrapped, talk: Talk, _where: Where) -> Iterable[Record]:
        talk.spoke = talk.speech_seen = True
        return ()

    def _item(self, event: Wrapped, talk: Talk, where: Where) -> Iterable[Record]:
        return self._spoke(event, talk, where) if event.item and event.item.role == "user" else ()

    def _done(self, event: Wrapped, talk: Talk, where: Where) -> Iterable[Record]:
        response = event.response or Response()
        talk.begun.discard(response.id or "")
        talk.used = talk.used or response.usage is not None
        beside = response.conversation_id is None
        found = no_usage() if response.usage is None else readings(response.usage.counts)
        key, first = self._known_response(response, where)
        turn = known = None
        if first is not None:
            turn = first.turn or None
        elif not beside:
            self._count_turn(talk, response)
        before = talk.last if first is None else first.before
        if not beside:
            known = reread(found[0], before)
            if first is None and response.usage is not None:
                talk.last = found[0]
        if first is None:
            self._remember(key, First(response.status or "completed", talk.turn + talk.spoke, before))
        model = where.said("model") or response.model or _in_force(talk.named_at, where.time)
        kind: RecordKind = "out-of-band" if beside else "response"
        return self._given(
            self._record(key, kind, found, talk, where, model=model, outcome=response.status, reread=known, turn=turn),
            talk,
        )

    def _known_response(self, response: Response, where: Where) -> tuple[str, First | None]:
        """A response's key, and how it was told first, if it was. One that ended in another way is another response.

        Vendors end a response once: identifiers that come again with another end are those of a made-up log.
        """
        if not response.id:
            return where.key, None
        key, status = response_key(response.id), response.status or "completed"
        first = self._first.get(key)
        if first is not None and first.status != status:
            key = f"{key}:{status}"
            first = self._first.get(key)
        return key, first

    def _remember(self, key: str, first: First) -> None:
        self._first[key] = first
        if len(self._first) > MOST_KNOWN:
            del self._first[next(iter(self._first))]

    def _count_turn(self, talk: Talk, response: Response) -> None:
        """A turn begins when the user has spoken; where the log does not show that, with every response but a tool's second."""
        if talk.turn == 0 or talk.spoke or (not talk.speech_seen and not talk.called_tool):
            talk.turn += 1
        talk.spoke = False
        talk.called_tool = any(item.type == "function_call" for item in response.output or ())

    def _heard(self, event: Wrapped, talk: Talk, where: Where) -> Iterable[Record]:
        talk.used = talk.used or event.usage is not None
        found = no_usage() if event.usage is None else _hearing(event.usage)
        name = f"{event.item_id}:{event.content_index or 0}"
        if event.event_id:
            key = f"heard:{event.event_id}"
        else:
            key = f"heard:{talk.name}:{name}" if talk.name and event.item_id else where.key
        model = where.said("transcription_model") or _in_force(talk.heard_by, where.time)
        return self._given(self._record(key, "transcription", found, talk, where, model=model, outcome="completed"), talk)

    def _completed(self, event: Wrapped, talk: Talk, where: Where) -> Iterable[Record]:
        """A response of the text model behind a live session: its tokens are text, and never priced as the voice model's."""
        response = event.response or Response()
        talk.used = True
        if response.usage is None:
            found = no_usage()
        else:
            counts = response.usage.counts
            images = counts.image_in or 0
            counts.text_in = None if counts.input is None else counts.input - images
            counts.text_out, counts.text_cached = counts.output, counts.cached
            found = readings(counts)
        key, first = self._known_response(response, where)
        if first is None:
            self._remember(key, First(response.status or "completed", talk.turn, None))
        model = response.model or where.said("model")
        yield self._record(key, "response", found, talk, where, model=model, outcome=response.status)

    def _seconds(self, event: Wrapped, talk: Talk, where: Where) -> Iterable[Record]:
        """The seconds of a live session: cumulative, so the most that was said counts, once."""
        if event.usage is None or event.usage.seconds is None:
            return ()
        talk.used = True
        used = round(event.usage.seconds * 1000)
        if talk.live is None or used >= talk.live.usage["session_ms"]:
            key = f"session:{talk.name}" if talk.name else where.key
            talk.live = self._record(key, "session", (Usage({"session_ms": used}),), talk, where)
        if event.type == "session.closed":
            talk.live = replace(talk.live, outcome="closed")
        return ()

    def _record(
        self,
        key: str,
        kind: RecordKind,
        found: tuple[Usage, ...],
        talk: Talk,
        where: Where,
        *,
        model: str | None = None,
        outcome: str | None = None,
        reread: dict[str, int] | None = None,
        turn: int | None = None,
    ) -> Record:
        told = self._told
        provider = provider_named(where.said("provider")) or told.provider
        return Record(
            key=key,
            kind=kind,
            readings=found,
            source=where.lines.name,
            ordinal=where.ordinal,
            provider=provider,
            model=model,
            deployment=deployment_meant(where.said("deployment")) or told.deployment,
            region=region_meant(where.said("region"), provider) or told.region,
            tier=told.tier,
            session=talk.name,
            turn=turn or talk.turn + talk.spoke or None,
            tenant=where.said("tenant", "tenant_id", "customer", "customer_id") or told.tenant,
            time=where.time,
            day=None if where.time else told.day,
            began=talk.began,
            outcome=outcome,
            reread=reread,
        )

    def _given(self, record: Record, talk: Talk) -> Iterable[Record]:
        """A record as soon as its model is known: said beside it, or by an event of its session."""
        if record.model:
            return (record,)
        talk.waiting.append(record)
        self._waiting += 1
        return self._released(talk) if len(talk.waiting) > MOST_WAITING or self._waiting > MOST_WAITING_IN_ALL else ()

    def _released(self, talk: Talk, *, only_known: bool = False) -> Iterator[Record]:
        """The waiting records, with their session's model; those without one at the end with what was told."""
        waiting, talk.waiting = talk.waiting, []
        for record in waiting:
            heard = record.kind == "transcription"
            model = _in_force(talk.heard_by if heard else talk.named_at, record.time)
            if model is None and only_known:
                talk.waiting.append(record)
                continue
            self._waiting -= 1
            yield replace(record, model=model or (self._told.transcription_model if heard else self._told.model))

    def _finished(self, record: Record, talk: Talk) -> Record:
        return replace(record, model=_in_force(talk.named_at, record.time) or self._told.model)


def _texts(*values: Name) -> Iterator[str]:
    return (str(value) for value in values if value not in (None, ""))


def _learnt(said: list[tuple[datetime | None, str]], time: datetime | None, name: str | None) -> bool:
    """Keep a name that differs from the last one; whether it is the first, and so may be what records wait for."""
    if not name:
        return False
    if said and said[-1][1] == name:
        last = said[-1][0]
        if (last is None and time is None) or (last is not None and time is not None and last <= time):
            return False
    said.append((time, name))
    return len(said) == 1


def _in_force(said: Sequence[tuple[datetime | None, str]], time: datetime | None) -> str | None:
    """The last name that was said by a time; the first one for what came before it, since a session has one from the start."""
    if not said:
        return None
    timed = [(since, name) for since, name in said if since is not None]
    if time is not None:
        earlier = [(since, name) for since, name in reversed(timed) if since <= time]
        if earlier:
            return max(earlier, key=_since)[1]
        if len(timed) == len(said):
            return min(timed, key=_since)[1]
    return said[-1][1]


def _since(each: tuple[datetime, str]) -> datetime:
    return each[0]


def _hearing(usage: EventUsage) -> tuple[Usage, ...]:
    """What hearing the user used: seconds, or tokens. The tokens that come out are text."""
    if usage.seconds is not None:
        return (Usage({"audio_ms": round(usage.seconds * 1000)}),)
    counts = usage.counts
    if counts.text_out is None and counts.audio_out is None:
        counts.text_out = counts.output
    return readings(counts)


def _event_type(line: Any) -> str | None:  # noqa: ANN401 - whatever JSON holds
    """The type of the event in a line of any shape: the innermost, but of what an event itself holds."""
    found = None
    for _ in range(MOST_LAYERS):
        if not isinstance(line, dict):
            break
        kind = line.get("type")
        if isinstance(kind, str) and kind.startswith(FAMILIES):
            found = kind
            if any(name in line for name in ("response", "usage", "item")) or isinstance(line.get("session"), dict):
                break
        held = (line.get(name) for name in ("event", "data", "payload", "message", "body", "msg"))
        line = next((each for each in held if isinstance(each, dict) or str(each).lstrip().startswith("{")), None)
        line = msgspec.json.decode(line) if isinstance(line, str) else line
    return found
