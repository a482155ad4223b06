"""Write generated calls as logs: raw events of the Realtime API, or usage alone."""

import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from random import Random
from typing import Any

from tests.calls.call import Call, CallResponse
from voicebill.conversation.script import Turn

SETTINGS_MS = 150
"""When the client's settings are in force, from the start of a call."""
CONTINUED_AFTER_MS = 300
"""Where a user's speech is two messages, a response that begins after the first one is cancelled so much later."""
TURN_DETECTION = {"type": "server_vad", "prefix_padding_ms": 300, "silence_duration_ms": 500}
Event = dict[str, Any]


def usage_lines(calls: Iterable[Call]) -> Iterator[str]:
    """A log with the usage of responses alone: their time, session and model, and nothing of what else took place."""
    for call in calls:
        for index, entry in enumerate(call.responses):
            response = {**_response(call, index), "status": entry.outcome, "usage": _usage(entry, with_reasoning=False)}
            yield _line(call, entry.ended_ms, {"type": "response.done", "response": response}, model=entry.model)


def raw_lines(calls: Iterable[Call]) -> Iterator[str]:
    """A log of raw events, call by call, without audio and without a word of what was said."""
    for call in calls:
        yield from _RawCall(call).lines()


def _line(call: Call, at_ms: int, event: Event, **envelope: str) -> str:
    time = (call.start + timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds")
    return json.dumps({"time": time, "session_id": call.session, **envelope, "event": event}) + "\n"


def _response(call: Call, index: int | str) -> Event:
    return {"object": "realtime.response", "id": f"resp_{call.session}_{index}", "conversation_id": f"conv_{call.session}"}


def _usage(entry: CallResponse, *, with_reasoning: bool) -> Event:
    response, cached = entry.response, entry.cached
    text, audio, image = response.input
    output = {"text_tokens": response.text_out, "audio_tokens": response.audio_out}
    if with_reasoning:
        output["reasoning_tokens"] = response.reasoning
    return {
        "total_tokens": text + audio + image + response.text_out + response.audio_out,
        "input_tokens": text + audio + image,
        "output_tokens": response.text_out + response.audio_out,
        "input_token_details": {
            "text_tokens": text,
            "audio_tokens": audio,
            "image_tokens": image,
            "cached_tokens": sum(cached),
            "cached_tokens_details": {"text_tokens": cached.text, "audio_tokens": cached.audio, "image_tokens": cached.image},
        },
        "output_token_details": output,
    }


class _RawCall:
    """Writes one call as raw events.

    `items` are the names of the items in the history, the oldest first; `speech` is the item that the user is speaking, and
    `interrupted` the reply that the user has interrupted, with the milliseconds that were played.
    """

    def __init__(self, call: Call) -> None:
        self.call = call
        self.rng = Random(call.session)
        self.last_ms = -1
        self.count = 0
        self.settings = (call.parameters.model, 0, 0)
        self.items: list[str] = []
        self.speech: str | None = None
        self.interrupted: tuple[str, int] | None = None

    def lines(self) -> Iterator[str]:
        """The lines of all its events, in the order of their times."""
        session = {"id": self.call.session, "object": "realtime.session", "type": "realtime"}
        yield self._line(0, "session.created", session={**session, "model": self.call.parameters.model})
        yield self._line(SETTINGS_MS, "session.updated", session=self._session())
        turn_number = 0
        for index, entry in enumerate(self.call.responses):
            turn = self.call.turns[entry.response.turn - 1]
            if entry.response.turn != turn_number:
                turn_number = entry.response.turn
                yield from self._begin_turn(turn, entry)
            if (entry.model, entry.prompt, entry.tools) != self.settings:
                self.settings = (entry.model, entry.prompt, entry.tools)
                yield self._line(entry.created_ms, "session.updated", session=self._session())
            if entry.response.kind == "tool-call":
                yield from self._tool_call(index, entry)
            else:
                yield from self._reply(index, entry, turn)
        yield from self._truncate(round(60_000 * self.call.minutes))

    def _session(self) -> Event:
        model, prompt, tools = self.settings
        has_tools = tools or self.call.parameters.tools_tokens
        return {
            "id": self.call.session,
            "object": "realtime.session",
            "type": "realtime",
            "model": model,
            "instructions": f"prompt {prompt}",
            "tools": [{"type": "function", "name": f"function_{tools}"}] if has_tools else [],
            "audio": {"input": {"turn_detection": TURN_DETECTION}},
        }

    def _line(self, at_ms: int, kind: str, **content: object) -> str:
        """The line of an event, which comes after the one before it."""
        self.count += 1
        self.last_ms = max(at_ms, self.last_ms + 1)
        return _line(self.call, self.last_ms, {"type": kind, "event_id": f"event_{self.call.session}_{self.count}", **content})

    def _new_item(self) -> str:
        return f"item_{self.call.session}_{self.count}"

    def _item(self, at_ms: int, item: Event) -> Iterator[str]:
        """The events of an item that is complete when it is added."""
        item = {"object": "realtime.item", "status": "completed", **item}
        previous = self.items[-1] if self.items else None
        self.items.append(item["id"])
        for kind in ("conversation.item.added", "conversation.item.done"):
            yield self._line(at_ms, kind, previous_item_id=previous, item=item)

    # --- what comes before a turn's responses ------------------------------------------------------------------------------

    def _begin_turn(self, turn: Turn, first: CallResponse) -> Iterator[str]:
        begin_ms = first.created_ms - turn.user_audio_tokens * self.call.rules.user_audio_ms_per_token
        if turn.user_audio_tokens:
            yield from self._begin_speech(begin_ms)
        yield from self._truncate(begin_ms)
        for name in [self.items[place - 1] for place in turn.deleted_items]:
            self.items.remove(name)
            yield self._line(begin_ms, "conversation.item.deleted", item_id=name)
        if turn.user_text_tokens:
            content = [{"type": "input_text", "text": "typed"}]
            item = {"id": self._new_item(), "type": "message", "role": "user", "content": content}
            yield from self._item(first.created_ms, item)
        if turn.user_audio_tokens:
            yield from self._speak(turn, begin_ms)

    def _begin_speech(self, at_ms: int) -> Iterator[str]:
        """The user starts to speak, unless that began with an interruption."""
        if self.speech is None:
            self.speech = self._new_item()
            yield self._line(at_ms, "input_audio_buffer.speech_started", item_id=self.speech, audio_start_ms=at_ms)

    def _truncate(self, at_ms: int) -> Iterator[str]:
        """The client takes away what was not played of a reply that the user interrupted."""
        if self.interrupted is not None:
            item, played_ms = self.interrupted
            self.interrupted = None
            yield self._line(at_ms, "conversation.item.truncated", item_id=item, content_index=0, audio_end_ms=played_ms)

    def _speak(self, turn: Turn, begin_ms: int) -> Iterator[str]:
        """The user's speech, in one message or several: a response that begins after one of them is cancelled by the next."""
        ms_per_token = self.call.rules.user_audio_ms_per_token
        for number in range(turn.user_messages):
            start, end = (turn.user_audio_tokens * index // turn.user_messages for index in (number, number + 1))
            if number:
                yield from self._begin_again(begin_ms + start * ms_per_token)
            yield from self._commit(begin_ms + end * ms_per_token)

    def _begin_again(self, at_ms: int) -> Iterator[str]:
        """The user goes on to speak while a response begins, which ends without any output or usage."""
        response = _response(self.call, f"continued_{self.count}")
        yield self._line(at_ms, "response.created", response={**response, "status": "in_progress"})
        yield from self._begin_speech(at_ms)
        done = {**response, "status": "cancelled", "output": [], "usage": None}
        yield self._line(at_ms + CONTINUED_AFTER_MS, "response.done", response=done)

    def _commit(self, end_ms: int) -> Iterator[str]:
        """A spoken message is complete: it lasted up to a token longer than what is billed."""
        item, self.speech = self.speech, None
        rest_ms = self.rng.randrange(self.call.rules.user_audio_ms_per_token)
        yield self._line(end_ms, "input_audio_buffer.speech_stopped", item_id=item, audio_end_ms=end_ms + rest_ms)
        previous = self.items[-1] if self.items else None
        yield self._line(end_ms, "input_audio_buffer.committed", item_id=item, previous_item_id=previous)
        content = [{"type": "input_audio", "transcript": None}]
        yield from self._item(end_ms, {"id": item, "type": "message", "role": "user", "content": content})

    # --- responses ---------------------------------------------------------------------------------------------------------

    def _tool_call(self, index: int, entry: CallResponse) -> Iterator[str]:
        yield self._created(index, entry)
        call_id = f"call_{self.call.session}_{self.count}"
        function = {"type": "function_call", "name": f"function_{entry.tools}", "call_id": call_id, "arguments": "{}"}
        item = {"id": self._new_item(), **function}
        yield from self._item(entry.ended_ms, item)
        yield self._done(index, entry, item)
        output = {"type": "function_call_output", "call_id": call_id, "output": "result"}
        yield from self._item(entry.ended_ms, {"id": self._new_item(), **output})

    def _reply(self, index: int, entry: CallResponse, turn: Turn) -> Iterator[str]:
        yield self._created(index, entry)
        kind = "output_audio" if turn.reply_audio_tokens else "output_text"
        name, status = self._new_item(), "completed" if entry.outcome == "completed" else "incomplete"
        item = {"id": name, "type": "message", "status": status, "role": "assistant", "content": [{"type": kind}]}
        yield from self._item(entry.ended_ms, item)
        if entry.outcome == "cancelled" and self._speaks_next(entry):
            yield from self._begin_speech(entry.ended_ms)
        yield self._done(index, entry, item)
        if turn.played_ms is not None:
            self.interrupted = (name, turn.played_ms)

    def _speaks_next(self, entry: CallResponse) -> bool:
        """Whether the user speaks in the turn after a response's."""
        following = self.call.turns[entry.response.turn :]
        return bool(following) and following[0].user_audio_tokens > 0

    def _created(self, index: int, entry: CallResponse) -> str:
        response = {**_response(self.call, index), "status": "in_progress"}
        return self._line(entry.created_ms, "response.created", response=response)

    def _done(self, index: int, entry: CallResponse, item: Event) -> str:
        usage = _usage(entry, with_reasoning=self.call.rules.is_reasoning_model)
        response = {**_response(self.call, index), "status": entry.outcome, "output": [item], "usage": usage}
        return self._line(entry.ended_ms, "response.done", response=response)
