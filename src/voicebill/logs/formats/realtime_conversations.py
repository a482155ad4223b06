"""Note what raw events tell of a conversation beyond its usage: what was new before a response, and which prompt it had.

Only numbers are kept, and a keyed fingerprint of instructions and tools. What came before `response.created` is new for that
response; what follows is new for the next one. A response without usage leaves what was new to the next one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from voicebill.billing.record import ResponseDetails
from voicebill.logs.formats.realtime_events import EventItem, EventResponse, EventSession, WrappedEvent

MAX_OPEN_WINDOWS = 8
"""So many responses of one session may be in progress."""
INPUT_AUDIO = b'"input_audio"'
PROMPT_DIGEST_BYTES = 8


@dataclass(slots=True)
class NewItems:
    """What was new before a response: spoken messages by their item with their length, typed messages, results, changes."""

    spoken_ms: dict[str, float | None] = field(default_factory=dict)
    typed: set[str] = field(default_factory=set)
    results: set[str] = field(default_factory=set)
    played_ms: float | None = None
    deleted: int = 0

    def add(self, earlier: "NewItems") -> None:
        """Add what no response has read so far."""
        self.spoken_ms = {**earlier.spoken_ms, **self.spoken_ms}
        self.typed |= earlier.typed
        self.results |= earlier.results
        self.played_ms = earlier.played_ms if self.played_ms is None else self.played_ms
        self.deleted += earlier.deleted


@dataclass(slots=True)
class ConversationState:
    """What is new in one session so far, by the response that reads it."""

    has_items: bool = False
    new: NewItems = field(default_factory=NewItems)
    _open: dict[str, tuple[NewItems, str | None]] = field(default_factory=dict)
    _before: frozenset[str] = frozenset()
    """The items that a response has read; later events of theirs say nothing new."""
    _speech_started: dict[str, float] = field(default_factory=dict)
    _prompt: str | None = None
    _prompt_of_next: str | None = None

    def note(self, event: WrappedEvent) -> None:
        """Note an event that changes what the next response reads."""
        item = event.item_id or ""
        match event.type:
            case "input_audio_buffer.speech_started" if event.audio_start_ms is not None:
                self._speech_started = {item: event.audio_start_ms}
            case "input_audio_buffer.speech_stopped" if event.audio_end_ms is not None and item in self._speech_started:
                self.new.spoken_ms[item] = max(0.0, event.audio_end_ms - self._speech_started.pop(item))
            case "input_audio_buffer.committed":
                self._add_spoken(item or f"message {len(self.new.spoken_ms)}")
            case "conversation.item.truncated":
                self.new.played_ms = event.audio_end_ms
            case "conversation.item.deleted":
                self.has_items = True
                self.new.deleted += 1
            case _:
                pass

    def _add_spoken(self, item: str) -> None:
        self.has_items = True
        if item not in self._before:
            self.new.spoken_ms.setdefault(item, None)

    def add_item(self, item: EventItem) -> None:
        """Note an item that was added to the conversation, or completed."""
        name = item.id or ""
        if item.type == "function_call_output":
            self.has_items = True
            if name not in self._before:
                self.new.results.add(name or f"result {len(self.new.results)}")
        elif item.role == "user":
            self.has_items = True
            if INPUT_AUDIO in bytes(item.content):
                if name:
                    self._add_spoken(name)
            elif name not in self._before and name not in self.new.spoken_ms and bytes(item.content):
                self.new.typed.add(name or f"text {len(self.new.typed)}")

    def on_session(self, session: EventSession, key: bytes) -> None:
        """The session has these instructions and tools from now on."""
        self._prompt = _fingerprint((bytes(session.instructions), bytes(session.tools)), key) or self._prompt

    def on_response_requested(self, response: EventResponse, key: bytes) -> None:
        """The client asks for a response, perhaps with instructions or tools of its own."""
        self._prompt_of_next = _fingerprint((bytes(response.instructions), bytes(response.tools)), key)

    def on_response_created(self, response: EventResponse) -> None:
        """A response begins: it reads all that is there."""
        if response.id:
            self._open[response.id] = self._take()
            if len(self._open) > MAX_OPEN_WINDOWS:
                del self._open[next(iter(self._open))]

    def _take(self) -> tuple[NewItems, str | None]:
        new, self.new = self.new, NewItems()
        self._before = frozenset((*new.spoken_ms, *new.typed, *new.results))
        prompt, self._prompt_of_next = self._prompt_of_next or self._prompt, None
        return new, prompt

    def details(self, response: EventResponse) -> ResponseDetails:
        """The details of a response that is done. Without usage, what was new for it is new for the next one."""
        new, prompt = self._open.pop(response.id) if response.id in self._open else self._take()
        usage = response.usage
        own = _output_details(response)
        if usage is None or not (usage.input_tokens or usage.output_tokens):
            self.new.add(new)
        if not self.has_items:
            return replace(own, prompt=prompt)
        lengths = tuple(new.spoken_ms.values())
        return replace(
            own,
            user_messages=len(lengths),
            user_audio_ms=None if None in lengths else round(sum(length or 0 for length in lengths)),
            text_messages=len(new.typed),
            tool_results=len(new.results),
            played_ms=None if new.played_ms is None else max(0, round(new.played_ms)),
            deleted_items=new.deleted,
            prompt=prompt,
        )


def _output_details(response: EventResponse) -> ResponseDetails:
    usage, output = response.usage, response.output
    reasoning = None
    if usage is not None and (own := usage.output_token_details or usage.output_tokens_details):
        reasoning = own.reasoning_tokens
    if not output:
        return ResponseDetails(reasoning_tokens=reasoning)
    types = [item.type for item in output]
    return ResponseDetails(
        tool_calls=types.count("function_call"), reply_messages=types.count("message"), reasoning_tokens=reasoning
    )


def _fingerprint(parts: Sequence[bytes], key: bytes) -> str | None:
    """A keyed fingerprint of parts of a prompt; None if there are none."""
    if not any(parts):
        return None
    return blake2b(b"\0".join(parts), key=key, digest_size=PROMPT_DIGEST_BYTES).hexdigest()
