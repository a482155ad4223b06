"""Note what raw events tell of a conversation beyond its usage: what was new before a response, and which prompt it had.

Only numbers are kept, and keyed fingerprints of instructions and tools. What came before `response.created` is new for that
response; what follows is new for the next one. A response without usage leaves what was new to the next one.
"""

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal

from msgspec import Raw

from voicebill.billing.record import ResponseDetails
from voicebill.logs.formats.realtime_events import EventItem, EventResponse, EventSession, WrappedEvent

MAX_RESPONSES_IN_PROGRESS = 8
"""So many responses of one session may be in progress; of more, the oldest is given up."""
MAX_READ_ITEMS = 8
"""So many items that a response has read are remembered: events of theirs may follow."""
INPUT_AUDIO = b'"input_audio"'
PROMPT_DIGEST_BYTES = 8
NewItemKind = Literal["speech", "text", "tool-result"]


@dataclass(slots=True)
class NewItems:
    """What was new before a response: items by identifier, how long speech lasted, what was played of the reply before."""

    kinds: dict[str, NewItemKind] = field(default_factory=dict)
    speech_ms: dict[str, float] = field(default_factory=dict)
    played_ms: float | None = None
    deleted: int = 0

    def count(self, kind: NewItemKind) -> int:
        """The number of items of a kind."""
        return sum(value == kind for value in self.kinds.values())

    @property
    def total_speech_ms(self) -> int | None:
        """How long all spoken messages lasted; None if that is not known of one of them."""
        lengths = [self.speech_ms.get(item) for item, kind in self.kinds.items() if kind == "speech"]
        return None if None in lengths else round(sum(length or 0 for length in lengths))

    def add_earlier(self, earlier: "NewItems") -> None:
        """Add what was new before, and has not been read."""
        self.kinds = {**earlier.kinds, **self.kinds}
        self.speech_ms = {**earlier.speech_ms, **self.speech_ms}
        self.played_ms = earlier.played_ms if self.played_ms is None else self.played_ms
        self.deleted += earlier.deleted


@dataclass(frozen=True, slots=True)
class ResponseInProgress:
    """A response that has begun: what was new for it, and its prompt."""

    name: str
    new: NewItems
    prompt: str | None


@dataclass(slots=True)
class ConversationState:
    """What is new in one session so far, by the response that reads it; also which kinds of events its log has.

    There is one for each session of a log, so it takes little memory while nothing is new.
    """

    has_speech_events: bool = False
    has_item_events: bool = False
    _new: NewItems | None = None
    _in_progress: tuple[ResponseInProgress, ...] = ()
    _read_items: tuple[str, ...] = ()
    _speech_start: tuple[str, float] | None = None
    """The item that the user is speaking, and the time in the session's audio at which it began, in ms."""
    _instructions: bytes | None = None
    _tools: bytes | None = None
    """Keyed digests of the session's instructions and tools; None: not known."""
    _next_prompt: str | None = None
    """That of the next response, if its request has one of its own."""

    @property
    def new(self) -> NewItems:
        """What is new for the next response."""
        if self._new is None:
            self._new = NewItems()
        return self._new

    def on_speech_started(self, event: WrappedEvent) -> None:
        """The user begins to speak."""
        if event.item_id and event.audio_start_ms is not None:
            self._speech_start = event.item_id, event.audio_start_ms

    def on_speech_stopped(self, event: WrappedEvent) -> None:
        """The user has spoken. From start to stop it is the audio that the model gets, padding and silence included."""
        if self._speech_start is None or event.audio_end_ms is None or event.item_id != self._speech_start[0]:
            return
        item, start_ms = self._speech_start
        self._speech_start = None
        self.has_speech_events = True
        self._add(item, "speech")
        if item in self.new.kinds:
            self.new.speech_ms[item] = self.new.speech_ms.get(item, 0.0) + max(0.0, event.audio_end_ms - start_ms)

    def on_committed(self, event: WrappedEvent) -> None:
        """What the user has said becomes a message."""
        self.has_speech_events = True
        self._add(event.item_id or self._new_name(), "speech")

    def on_item(self, item: EventItem, *, is_done: bool) -> None:
        """An item was added to the conversation, or is complete (`is_done`), for which there may be both events."""
        self.has_item_events = True
        if item.type == "function_call_output":
            kind: NewItemKind = "tool-result"
        elif item.role != "user" or not bytes(item.content):
            return
        else:
            kind = "speech" if INPUT_AUDIO in bytes(item.content) else "text"
        if item.id:
            self._add(item.id, kind)
        elif not is_done and kind != "speech":
            self._add(self._new_name(), kind)

    def on_truncated(self, event: WrappedEvent) -> None:
        """The user interrupted a reply, of which so much had been played."""
        self.new.played_ms = event.audio_end_ms

    def on_deleted(self) -> None:
        """The client deleted an item."""
        self.new.deleted += 1

    def _new_name(self) -> str:
        return f"item {len(self.new.kinds)}"

    def _add(self, item: str, kind: NewItemKind) -> None:
        if item not in self._read_items:
            self.new.kinds.setdefault(item, kind)

    def on_session(self, session: EventSession, key: bytes) -> None:
        """The session has these instructions and tools from now on."""
        self._instructions = _digest(session.instructions, key) or self._instructions
        self._tools = _digest(session.tools, key) or self._tools

    def on_response_requested(self, response: EventResponse, key: bytes) -> None:
        """The client asks for a response, perhaps with instructions or tools of its own instead of the session's."""
        instructions, tools = _digest(response.instructions, key), _digest(response.tools, key)
        if response.conversation != "none":
            has_own = instructions is not None or tools is not None
            self._next_prompt = _prompt(instructions or self._instructions, tools or self._tools) if has_own else None

    def on_response_created(self, response: EventResponse) -> None:
        """A response begins: it reads all that is there."""
        if response.id and all(entry.name != response.id for entry in self._in_progress):
            self._in_progress = (*self._in_progress, self._begin(response.id))[-MAX_RESPONSES_IN_PROGRESS:]

    def _begin(self, name: str) -> ResponseInProgress:
        new, self._new = self._new or NewItems(), None
        if new.kinds:
            self._read_items = (*self._read_items, *new.kinds)[-MAX_READ_ITEMS:]
        prompt, self._next_prompt = self._next_prompt or _prompt(self._instructions, self._tools), None
        return ResponseInProgress(name, new, prompt)

    def _end(self, name: str) -> ResponseInProgress:
        """The response that ends; it begins only now if its log does not say when."""
        for entry in self._in_progress:
            if entry.name == name:
                self._in_progress = tuple(other for other in self._in_progress if other is not entry)
                return entry
        return self._begin(name)

    def details(self, response: EventResponse) -> ResponseDetails:
        """The details of a response that is done. Without usage, what was new for it is new for the next one."""
        ended = self._end(response.id or "")
        new = ended.new
        usage = response.usage
        if usage is None or not (usage.input_tokens or usage.output_tokens):
            self.new.add_earlier(new)
        has_messages = self.has_speech_events or self.has_item_events
        usage_details = None if usage is None else usage.output_token_details or usage.output_tokens_details
        calls, messages = _output_counts(response)
        return ResponseDetails(
            user_messages=new.count("speech") if has_messages else None,
            user_audio_ms=new.total_speech_ms if has_messages else None,
            text_messages=new.count("text") if self.has_item_events else None,
            tool_results=new.count("tool-result") if self.has_item_events else None,
            played_ms=None if new.played_ms is None else max(0, round(new.played_ms)),
            deleted_items=new.deleted if new.deleted or self.has_item_events else None,
            tool_calls=calls,
            reply_messages=messages,
            reasoning_tokens=None if usage_details is None else usage_details.reasoning_tokens,
            prompt=ended.prompt,
        )


def _output_counts(response: EventResponse) -> tuple[int | None, int | None]:
    """The tool calls and messages of a response; None if the log leaves its items out, as where it has output but no items."""
    usage, output = response.usage, response.output
    if output is None or (not output and usage is not None and usage.output_tokens):
        return None, None
    types = [item.type for item in output]
    return types.count("function_call"), types.count("message")


def _digest(content: Raw, key: bytes) -> bytes | None:
    """A keyed digest of a part of a prompt; None if an event does not have it."""
    part = bytes(content)
    return None if part in (b"", b"null") else blake2b(part, key=key, digest_size=PROMPT_DIGEST_BYTES).digest()


def _prompt(instructions: bytes | None, tools: bytes | None) -> str | None:
    """The fingerprint of a prompt; None if its instructions are not known. Digests have a key, so this needs none."""
    if instructions is None:
        return None
    return blake2b(instructions + (tools or b""), digest_size=PROMPT_DIGEST_BYTES).hexdigest()
