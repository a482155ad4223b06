"""A Realtime server on this machine that follows a script, and remembers the usage that it reported.

It speaks the part of OpenAI's Realtime API that packages need to hold a conversation: a response follows `response.create`,
or some audio of the user's. GPT-Live sessions are at `/live/sessions`. Every other request is kept under its path, so that it
also serves as a sink for OTLP over HTTP.

Shapes: openai's types/realtime and types/live, version 3.57.0, read 2026-11-28.
"""

import asyncio
import base64
import itertools
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from drive.script import (
    Conversation,
    Event,
    LiveConversation,
    ReportedUsage,
    Step,
    UserSpeech,
    backend_usage,
    response_usage,
    transcription_usage,
)

SAMPLE_RATE = 24_000
TURN_BYTES = SAMPLE_RATE // 5 * 2
"""So much audio, a fifth of a second, is one turn of the user."""
SPEECH = base64.b64encode(bytes(SAMPLE_RATE // 10 * 2)).decode()
"""A tenth of a second of audio."""
TOOL = "order_status"
PAUSE_SECONDS = 0.2
"""What packages need to take in what the user does before the next response."""
TIMEOUT_SECONDS = 20
"""Seconds after which a step that was not played is an error."""


@dataclass
class Server:
    """A server with its script, and what it reported and received so far."""

    script: Conversation | LiveConversation
    reported: list[ReportedUsage] = field(default_factory=list)
    received: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    sent: list[Event] = field(default_factory=list)
    url: str = ""
    played: int = 0
    progress: asyncio.Condition = field(default_factory=asyncio.Condition)
    numbers: itertools.count = field(default_factory=lambda: itertools.count(1))  # type: ignore[type-arg]

    @property
    def websocket_url(self) -> str:
        """The address of the API for WebSockets."""
        return self.url.replace("http", "ws", 1)

    def name(self, prefix: str) -> str:
        """Return a new identifier."""
        return f"{prefix}_{self.script.name}{next(self.numbers):04}"

    @property
    def responses(self) -> int:
        """How many responses were reported."""
        return sum(item.part == "responses" for item in self.reported)

    async def wait(self, steps: int) -> None:
        """Wait until so many steps were played."""
        async with asyncio.timeout(TIMEOUT_SECONDS), self.progress:
            await self.progress.wait_for(lambda: self.played >= steps)

    async def advance(self, count: int = 1) -> None:
        """Note that steps were played."""
        async with self.progress:
            self.played += count
            self.progress.notify_all()


@asynccontextmanager
async def serve(script: Conversation | LiveConversation) -> AsyncIterator[Server]:
    """Serve a script on a free port of this machine."""
    server = Server(script)

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() != "websocket":
            server.received[request.path].append(await request.read())
            return web.json_response({})
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        session = LiveSession(server, socket) if isinstance(script, LiveConversation) else Session(server, socket)
        await session.run()
        return socket

    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


@dataclass
class Connection:
    """One WebSocket of a client."""

    server: Server
    socket: web.WebSocketResponse
    playing: asyncio.Task[None] | None = None

    async def send(self, kind: str, **fields: object) -> None:
        """Send an event."""
        event = {"type": kind, "event_id": self.server.name("event"), **fields}
        self.server.sent.append(event)
        if not self.socket.closed:
            await self.socket.send_str(json.dumps(event))

    async def run(self) -> None:
        """Answer the client until it leaves."""
        await self.open()
        async for message in self.socket:
            if message.type is WSMsgType.TEXT:
                await self.answer(json.loads(message.data))
        if self.playing is not None:
            await self.playing

    async def open(self) -> None:
        """Say what a server says first."""

    async def answer(self, event: Event) -> None:
        """Answer an event of the client's."""
        raise NotImplementedError


class Session(Connection):
    """A session of the Realtime API."""

    session: Event
    audio_bytes = 0
    owed: Event | None = None
    """A `response.create` that came while a response was played."""
    last_item: str | None = None

    @property
    def script(self) -> Conversation:
        """The conversation."""
        script = self.server.script
        assert isinstance(script, Conversation)
        return script

    async def open(self) -> None:
        """Send `session.created`."""
        audio_format = {"type": "audio/pcm", "rate": SAMPLE_RATE}
        self.session = {
            "type": "realtime",
            "object": "realtime.session",
            "id": self.server.name("sess"),
            "model": self.script.model,
            "output_modalities": ["audio"],
            "instructions": "",
            "tools": [],
            "tool_choice": "auto",
            "max_output_tokens": "inf",
            "tracing": None,
            "truncation": "auto",
            "expires_at": int(time.time()) + 3600,
            "include": None,
            "audio": {
                "input": {"format": audio_format, "transcription": None, "noise_reduction": None, "turn_detection": None},
                "output": {"format": audio_format, "voice": "marin", "speed": 1.0},
            },
        }
        await self.send("session.created", session=self.session)

    async def answer(self, event: Event) -> None:
        """Answer an event of the client's; those of no consequence need no answer."""
        kind = event["type"]
        if kind == "session.update":
            _merge(self.session, event["session"])
            await self.send("session.updated", session=self.session)
        elif kind == "conversation.item.create":
            await self._add_item({"status": "completed", **event["item"], "object": "realtime.item"})
        elif kind == "conversation.item.truncate":
            fields = {name: event[name] for name in ("item_id", "content_index", "audio_end_ms")}
            await self.send("conversation.item.truncated", **fields)
        elif kind == "conversation.item.delete":
            await self.send("conversation.item.deleted", item_id=event["item_id"])
        elif kind == "input_audio_buffer.append" and not self._is_playing:
            self.audio_bytes += len(base64.b64decode(event["audio"]))
            if self.audio_bytes >= TURN_BYTES:
                self._start(None)
        elif kind == "response.create":
            if self._is_playing:
                self.owed = event
            else:
                self._start((event.get("response") or {}).get("metadata"))

    @property
    def _is_playing(self) -> bool:
        return self.playing is not None and not self.playing.done()

    def _start(self, metadata: Event | None) -> None:
        self.audio_bytes = 0
        self.playing = asyncio.create_task(self._play(metadata))

    async def _play(self, metadata: Event | None) -> None:
        """Play the next step, and the one after it if it is cancelled."""
        index = self.server.played
        count = 0
        for step in self.script.steps[index:]:
            count += 1
            item = None if step.speech is None else await self._add_speech()
            await self._respond(step, metadata if count == 1 else None, item)
            if step.ending != "cancelled":
                break
        await self.server.advance(count)
        if self.owed is not None:
            owed, self.owed = self.owed, None
            self._start((owed.get("response") or {}).get("metadata"))

    async def _add_item(self, item: Event) -> str:
        item = {"id": self.server.name("item"), **{name: value for name, value in item.items() if value is not None}}
        for kind in ("conversation.item.added", "conversation.item.done"):
            await self.send(kind, previous_item_id=self.last_item, item=item)
        self.last_item = item["id"]
        return str(item["id"])

    async def _add_speech(self) -> str:
        """Take in what the user said. Return its item."""
        item = self.server.name("item")
        await self.send("input_audio_buffer.speech_started", audio_start_ms=100, item_id=item)
        await asyncio.sleep(PAUSE_SECONDS)
        await self.send("input_audio_buffer.speech_stopped", audio_end_ms=1400, item_id=item)
        await self.send("input_audio_buffer.committed", previous_item_id=self.last_item, item_id=item)
        content = [{"type": "input_audio", "transcript": None, "audio": None}]
        await self._add_item(
            {
                "id": item,
                "object": "realtime.item",
                "type": "message",
                "status": "completed",
                "role": "user",
                "content": content,
            }
        )
        await asyncio.sleep(PAUSE_SECONDS)
        return item

    async def _transcribe(self, speech: UserSpeech, item: str) -> None:
        fields = {"item_id": item, "content_index": 0}
        prefix = "conversation.item.input_audio_transcription"
        await self.send(f"{prefix}.delta", **fields, delta=speech.text, obfuscation="x")
        await self.send(
            f"{prefix}.completed", **fields, transcript=speech.text, usage=transcription_usage(speech), logprobs=None
        )
        self.server.reported.append(ReportedUsage("transcriptions", self.script.transcription_model, speech.usage))

    async def _respond(self, step: Step, metadata: Event | None, user_item: str | None) -> None:
        response: Event = {
            "object": "realtime.response",
            "id": self.server.name("resp"),
            "status": "in_progress",
            "status_details": None,
            "output": [],
            "conversation_id": f"conv_{self.script.name}",
            "output_modalities": ["audio"],
            "max_output_tokens": "inf",
            "audio": {"output": {"format": {"type": "audio/pcm", "rate": SAMPLE_RATE}, "voice": "marin"}},
            "usage": None,
            "metadata": metadata,
        }
        await self.send("response.created", response=response)
        if step.speech is not None and user_item is not None:
            await self._transcribe(step.speech, user_item)
        item = await (self._call_tool if step.ending == "tool" else self._speak)(response["id"], step)
        if step.ending == "cancelled":
            details = {"type": "cancelled", "reason": "turn_detected"}
            response = {**response, "status": "cancelled", "status_details": details}
        else:
            response = {**response, "status": "completed"}
        self.server.reported.append(ReportedUsage("responses", self.script.model, step.usage))
        usage = response_usage(step, splits_cached=self.script.splits_cached)
        await self.send("response.done", response={**response, "output": [item], "usage": usage})
        limits = [{"name": "tokens", "limit": 40_000, "remaining": 38_123, "reset_seconds": 2.8}]
        await self.send("rate_limits.updated", rate_limits=limits)
        await asyncio.sleep(PAUSE_SECONDS)

    async def _speak(self, response: str, step: Step) -> Event:
        item: Event = {"id": self.server.name("item"), "object": "realtime.item", "type": "message", "role": "assistant"}
        place = {"response_id": response, "item_id": item["id"], "output_index": 0, "content_index": 0}
        started = {**item, "status": "in_progress", "content": []}
        await self._output_item("response.output_item.added", "conversation.item.added", response, started)
        await self.send("response.content_part.added", **place, part={"type": "audio", "transcript": ""})
        await self.send("response.output_audio_transcript.delta", **place, delta="One moment, please.", obfuscation="x")
        for _ in range(3):
            await self.send("response.output_audio.delta", **place, delta=SPEECH)
            await asyncio.sleep(0.01)
        text = "One moment, please."
        if step.ending == "completed":
            await self.send("response.output_audio.done", **place)
            await self.send("response.output_audio_transcript.done", **place, transcript=text)
            await self.send("response.content_part.done", **place, part={"type": "audio", "transcript": text})
        status = "completed" if step.ending == "completed" else "incomplete"
        item = {**item, "status": status, "content": [{"type": "output_audio", "transcript": text}]}
        await self._output_item("response.output_item.done", "conversation.item.done", response, item)
        self.last_item = item["id"]
        return item

    async def _call_tool(self, response: str, _: Step) -> Event:
        item = {"id": self.server.name("item"), "object": "realtime.item", "type": "function_call", "name": TOOL}
        item |= {"call_id": self.server.name("call")}
        place = {"response_id": response, "item_id": item["id"], "output_index": 0, "call_id": item["call_id"]}
        arguments = '{"number": 12}'
        started = {**item, "status": "in_progress", "arguments": ""}
        await self._output_item("response.output_item.added", "conversation.item.added", response, started)
        await self.send("response.function_call_arguments.delta", **place, delta=arguments, obfuscation="x")
        await asyncio.sleep(PAUSE_SECONDS)
        await self.send("response.function_call_arguments.done", **place, name=TOOL, arguments=arguments)
        item = {**item, "status": "completed", "arguments": arguments}
        await self._output_item("response.output_item.done", "conversation.item.done", response, item)
        self.last_item = item["id"]
        return item

    async def _output_item(self, output_kind: str, item_kind: str, response: str, item: Event) -> None:
        await self.send(output_kind, response_id=response, output_index=0, item=item)
        await self.send(item_kind, previous_item_id=self.last_item, item=item)


class LiveSession(Connection):
    """A GPT-Live session: it reports its seconds while audio arrives, and its backend answers once."""

    started = False
    reports = 0

    @property
    def script(self) -> LiveConversation:
        """The session's script."""
        script = self.server.script
        assert isinstance(script, LiveConversation)
        return script

    async def answer(self, event: Event) -> None:
        """Answer an event of the client's; those of no consequence need no answer."""
        kind = event["type"]
        if kind == "session.start":
            self.session = {"model": self.script.model, **event["session"], "id": self.server.name("live")}
            await self.send("session.started", session=self.session)
        elif kind == "session.update":
            await self.send("session.updated", session=self.session)
        elif kind == "session.input_audio.append" and self.reports < len(self.script.seconds) - 1:
            seconds = self.script.seconds[self.reports]
            self.reports += 1
            await self.send("session.input_transcript.delta", delta="Hello", start_ms=0, end_ms=900)
            await self.send("session.output_audio.delta", delta=SPEECH)
            if self.reports == 1:
                await self._delegate()
            await self.send("session.usage.updated", usage={"seconds": seconds}, context_window={"usage_ratio": 0.02})
            await self.server.advance()
        elif kind == "session.close":
            seconds = self.script.seconds[-1]
            self.server.reported.append(ReportedUsage("seconds", self.script.model, {"session_ms": seconds * 1000}))
            await self.send("session.closed", reason="close_requested", session=self.session, usage={"seconds": seconds})
            await self.server.advance()

    async def _delegate(self) -> None:
        """Let the backend answer."""
        delegation = {"id": self.server.name("delegation"), "target": "responses"}
        await self.send("session.delegation.created", delegation=delegation)
        response = {
            "id": self.server.name("resp"),
            "object": "response",
            "created_at": int(time.time()),
            "model": self.script.backend_model,
            "output": [],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "service_tier": "default",
        }
        for kind, status, usage in (
            ("response.created", "in_progress", None),
            ("response.completed", "completed", backend_usage(self.script.backend)),
        ):
            nested = {"type": kind, "sequence_number": 0, "response": {**response, "status": status, "usage": usage}}
            await self.send("response.event", delegation_id=delegation["id"], event=nested)
        self.server.reported.append(ReportedUsage("backend", self.script.backend_model, self.script.backend))


def _merge(target: Event, changes: Event) -> None:
    """Set what an update contains, and keep the rest."""
    for name, value in changes.items():
        if isinstance(value, dict) and isinstance(target.get(name), dict):
            _merge(target[name], value)
        else:
            target[name] = value
