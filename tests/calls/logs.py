"""Write generated calls as logs: raw events of the Realtime API, or usage alone."""

import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from tests.calls.call import Call, CallResponse
from voicebill.conversation.script import Turn

VAD_PREFIX_MS = 300
Event = dict[str, Any]


def usage_lines(calls: Iterable[Call]) -> Iterator[str]:
    """A log with the usage of responses alone: their time, session and model, and nothing of what else took place."""
    for call in calls:
        for index, entry in enumerate(call.responses):
            response = {
                "id": f"resp_{call.session}_{index}",
                "conversation_id": f"conv_{call.session}",
                "status": _status(entry),
            }
            event = {"type": "response.done", "response": {**response, "usage": _usage(entry, with_reasoning=False)}}
            yield _line(call, entry.ended_ms, event, model=entry.model)


def raw_lines(calls: Iterable[Call]) -> Iterator[str]:
    """A log of raw events, without audio and without a word of what was said."""
    for call in calls:
        yield from _RawCall(call).lines()


def _line(call: Call, at_ms: float, event: Event, **envelope: str) -> str:
    time = (call.start + timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds")
    return json.dumps({"time": time, "session_id": call.session, **envelope, "event": event}) + "\n"


def _status(entry: CallResponse) -> str:
    return "completed" if entry.response.status == "completed" else "cancelled"


def _usage(entry: CallResponse, *, with_reasoning: bool) -> Event:
    response, cached = entry.response, entry.cached
    text, audio, image = response.input
    output = {"text_tokens": response.text_out, "audio_tokens": response.audio_out}
    if with_reasoning:
        output["reasoning_tokens"] = entry.reasoning_tokens
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
    """Writes one call as raw events; `at_ms` is the time of the call so far."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.at_ms = 0.0
        self.buffer_ms = 0
        self.items: list[str] = []
        self.count = 0
        self.prompt = (0, 0)
        self.reply_item: str | None = None
        self.interrupted: Turn | None = None

    def lines(self) -> Iterator[str]:
        """The lines of all its events."""
        yield self._event("session.created", session=self._session())
        script = self.call.script
        last = 0
        for index, entry in enumerate(self.call.responses):
            assert script is not None
            turn = script.turns[entry.response.turn - 1]
            begins = entry.response.turn != last
            last = entry.response.turn
            self.at_ms = entry.ended_ms - 550
            if (entry.prompt, entry.tools) != self.prompt:
                self.prompt = (entry.prompt, entry.tools)
                yield self._event("session.updated", session=self._session())
            if begins:
                yield from self._user(turn)
            yield from self._response(index, entry, turn)

    def _session(self) -> Event:
        prompt, tools = self.prompt
        functions = [{"type": "function", "name": f"function {tools}"}]
        return {
            "id": self.call.session,
            "model": self.call.parameters.model,
            "instructions": f"prompt {prompt}",
            "tools": functions if self.call.parameters.tools_tokens else [],
        }

    def _event(self, kind: str, **content: object) -> str:
        self.count += 1
        self.at_ms += 1
        name = f"event_{self.call.session}_{self.count}"
        return _line(self.call, self.at_ms, {"type": kind, "event_id": name, **content})

    def _new_item(self, kind: str) -> str:
        self.count += 1
        return f"item_{self.call.session}_{kind}{self.count}"

    def _user(self, turn: Turn) -> Iterator[str]:
        if self.interrupted is not None and self.reply_item is not None:
            played = self.interrupted.played_ms
            yield self._event("conversation.item.truncated", item_id=self.reply_item, content_index=0, audio_end_ms=played)
        self.interrupted = None
        for _ in turn.deleted_items:
            yield self._event("conversation.item.deleted", item_id=self.items[0])
        if turn.user_text_tokens:
            item = self._new_item("text")
            content = [{"type": "input_text"}]
            yield self._event(
                "conversation.item.added", item={"id": item, "type": "message", "role": "user", "content": content}
            )
            self.items.append(item)
        if turn.user_audio_tokens:
            yield from self._speech(turn)

    def _speech(self, turn: Turn) -> Iterator[str]:
        item = self._new_item("speech")
        ms = turn.user_audio_tokens * self.call.rules.user_audio_ms_per_token + 40
        start = self.buffer_ms + 100
        self.buffer_ms = start + ms
        yield self._event("input_audio_buffer.speech_started", item_id=item, audio_start_ms=start)
        yield self._event("input_audio_buffer.speech_stopped", item_id=item, audio_end_ms=start + ms)
        yield self._event("input_audio_buffer.committed", item_id=item)
        content = [{"type": "input_audio"}]
        message = {"id": item, "type": "message", "role": "user", "content": content}
        yield self._event("conversation.item.added", item=message)
        yield self._event("conversation.item.done", item=message)
        self.items.append(item)

    def _response(self, index: int, entry: CallResponse, turn: Turn) -> Iterator[str]:
        name = f"resp_{self.call.session}_{index}"
        base = {"id": name, "conversation_id": f"conv_{self.call.session}"}
        yield self._event("response.created", response={**base, "status": "in_progress"})
        is_tool_call = entry.response.kind == "tool-call"
        item = self._new_item("call" if is_tool_call else "reply")
        output = {"id": item, "type": "function_call"} if is_tool_call else {"id": item, "type": "message", "role": "assistant"}
        self.items.append(item)
        self.at_ms = entry.ended_ms - 1
        usage = _usage(entry, with_reasoning=self.call.rules.is_reasoning_model)
        status = "completed" if is_tool_call else _status(entry)
        done = {**base, "status": status, "model": entry.model, "output": [output], "usage": usage}
        yield self._event("response.done", response=done)
        if is_tool_call:
            result = self._new_item("result")
            yield self._event("conversation.item.added", item={"id": result, "type": "function_call_output"})
            self.items.append(result)
        else:
            self.reply_item = item
            self.interrupted = turn if turn.played_ms is not None else None
