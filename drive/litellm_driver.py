"""Drive litellm: the proxy's realtime call between a client and the server, and what its callbacks get.

The rows of the proxy's spend logs are not driven: the proxy's own requirements cannot be installed with the other packages.
"""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import litellm
from litellm.integrations.custom_logger import CustomLogger
from starlette.websockets import WebSocketDisconnect

from drive.logs import Logs, run_driver
from drive.openai_driver import AUDIO
from drive.script import CONVERSATIONS, LIVE, Conversation, Event, Part
from drive.server import Server, serve


@dataclass
class Client:
    """The socket of a client of the proxy, which follows the script."""

    server: Server
    outgoing: asyncio.Queue[Event | None] = field(default_factory=asyncio.Queue)
    scope: Event = field(default_factory=lambda: {"headers": [], "type": "websocket"})
    headers: Event = field(default_factory=dict)

    async def accept(self, *_: object, **__: object) -> None:
        """Take the connection."""

    async def close(self, *_: object, **__: object) -> None:
        """End the connection."""
        self.outgoing.put_nowait(None)

    async def receive_text(self) -> str:
        """Return the client's next event."""
        event = await self.outgoing.get()
        if event is None:
            raise WebSocketDisconnect
        return json.dumps(event)

    async def send_text(self, data: str) -> None:
        """Take an event of the server's, and answer it."""
        event = json.loads(data)
        script = self.server.script
        answers = await self._answers(event, script) if isinstance(script, Conversation) else _live_answers(event)
        for answer in answers:
            self.outgoing.put_nowait(answer)

    async def _answers(self, event: Event, script: Conversation) -> list[Event | None]:
        if event["type"] == "session.created":
            audio = {"transcription": {"model": script.transcription_model}, "turn_detection": {"type": "server_vad"}}
            session = {"type": "realtime", "audio": {"input": audio}}
            return [{"type": "session.update", "session": session}, {"type": "response.create"}]
        if event["type"] == "response.done":
            self.last = event["response"]
        if event["type"] != "rate_limits.updated" or self.last["status"] == "cancelled":
            return []
        await self.server.wait(self.server.responses)
        output = self.last["output"][0]
        if output["type"] == "function_call":
            item = {"type": "function_call_output", "call_id": output["call_id"], "output": "on its way"}
            return [{"type": "conversation.item.create", "item": item}, {"type": "response.create"}]
        if self.server.played == len(script.steps):
            return [None]
        return [{"type": "input_audio_buffer.append", "audio": AUDIO}]

    last: Event = field(default_factory=dict)


def _live_answers(event: Event) -> list[Event | None]:
    audio = {"type": "session.input_audio.append", "audio": AUDIO}
    if event["type"] == "session.started" or (
        event["type"] == "session.usage.updated" and event["usage"]["seconds"] == LIVE.seconds[0]
    ):
        return [audio]
    if event["type"] == "session.usage.updated":
        return [{"type": "session.close"}]
    return [None] if event["type"] == "session.closed" else []


@dataclass(eq=False)
class Callback(CustomLogger):
    """A custom callback that keeps what it gets."""

    calls: list[tuple[Event, Any, datetime, datetime]] = field(default_factory=list)
    called: asyncio.Event = field(default_factory=asyncio.Event)

    async def async_log_success_event(self, kwargs: Event, response_obj: Any, start_time: datetime, end_time: datetime) -> None:
        """Keep a call."""
        self.calls.append((kwargs, response_obj, start_time, end_time))
        self.called.set()


async def drive(logs: Logs) -> None:
    """Hold every conversation, and log it."""
    callback = Callback()
    litellm.callbacks = [callback]
    for script in (*CONVERSATIONS, LIVE):
        async with serve(script) as server:
            client = Client(server)
            options: Event = {"query_params": {"model": script.model}}
            if script is LIVE:
                options = {"live_session_start": {"type": "session.start", "session": {"model": LIVE.model}}}
            await litellm._arealtime(  # noqa: SLF001 (as the proxy's route calls it)
                model=f"openai/{script.model}", websocket=client, api_base=server.url, api_key="sk-none", **options
            )
            await asyncio.wait_for(callback.called.wait(), 20)
            await asyncio.sleep(0.3)
            _write(logs, server, callback)
            callback.calls.clear()
            callback.called.clear()


def _write(logs: Logs, server: Server, callback: Callback) -> None:
    not_logged: tuple[Part, ...] = () if server.script is LIVE else ("transcriptions",)

    def write(method: str, content: list[str], suffix: str = "jsonl") -> None:
        logs.write(server, f"callback, {method}", content, suffix=suffix, not_logged=not_logged)

    payloads = [kwargs["standard_logging_object"] for kwargs, *_ in callback.calls]
    results = [response for _, response, *_ in callback.calls]
    write('`json.dumps(kwargs["standard_logging_object"])`', _lines(payloads))
    write('`print(kwargs["standard_logging_object"])`', [str(item) for item in payloads], suffix="log")
    write("`response_obj` as JSON", _lines(results))
    write("`json.dumps(kwargs, default=str)`", _lines(kwargs for kwargs, *_ in callback.calls))


def _lines(items: Any) -> list[str]:
    return [
        json.dumps(item, default=lambda value: value.model_dump() if hasattr(value, "model_dump") else str(value))
        for item in items
    ]


if __name__ == "__main__":
    run_driver("litellm", drive)
