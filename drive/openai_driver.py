"""Drive openai: its own types of events, written in the methods in which people dump them."""

import asyncio
import base64
import json
import logging
from io import StringIO
from typing import Any

from openai import AsyncOpenAI

from drive.logs import Logs, run_driver
from drive.script import CONVERSATIONS, LIVE, Conversation, Part
from drive.server import TURN_BYTES, Server, serve

AUDIO = base64.b64encode(bytes(TURN_BYTES)).decode()
WITH_USAGE = ("response.done", "conversation.item.input_audio_transcription.completed")
LIVE_WITH_USAGE = ("session.usage.updated", "session.closed", "response.event")


async def drive(logs: Logs) -> None:
    """Hold every conversation, and log it."""
    for script in CONVERSATIONS:
        async with serve(script) as server:
            events = await converse(server, script)
            _write(logs, server, events, WITH_USAGE)
            _write_usage(logs, server, [event for event in events if event.type in WITH_USAGE])
    async with serve(LIVE) as server:
        _write(logs, server, await _live_events(server), LIVE_WITH_USAGE)


def client(server: Server) -> AsyncOpenAI:
    """Return a client of the server."""
    return AsyncOpenAI(api_key="sk-none", base_url=f"{server.url}/v1", websocket_base_url=f"{server.websocket_url}/v1")


async def converse(server: Server, script: Conversation) -> list[Any]:
    """Hold a conversation. Return the server's events."""
    events: list[Any] = []
    async with client(server).realtime.connect(model=script.model) as connection:
        transcription = {"model": script.transcription_model}
        detection = {"type": "server_vad"}
        await connection.session.update(
            session={"type": "realtime", "audio": {"input": {"transcription": transcription, "turn_detection": detection}}}
        )
        await connection.response.create()
        while True:
            event = await asyncio.wait_for(connection.recv(), 20)
            events.append(event)
            if event.type != "rate_limits.updated":
                continue
            response = next(item.response for item in reversed(events) if item.type == "response.done")
            if response.status == "cancelled":
                continue
            await server.wait(server.responses)
            if server.played == len(script.steps):
                break
            output = response.output[0]
            if output.type == "function_call":
                await connection.conversation.item.create(
                    item={"type": "function_call_output", "call_id": output.call_id, "output": "on its method"}
                )
                await connection.response.create()
            else:
                await connection.input_audio_buffer.append(audio=AUDIO)
    return events


async def _live_events(server: Server) -> list[Any]:
    """Hold a GPT-Live session. Return the server's events."""
    events: list[Any] = []
    async with client(server).live.connect() as connection:
        await connection.send({"type": "session.start", "session": {"model": LIVE.model}})
        while not events or events[-1].type != "session.closed":
            event = await asyncio.wait_for(connection.recv(), 20)
            events.append(event)
            if event.type == "session.started" or (
                event.type == "session.usage.updated" and server.played < len(LIVE.seconds) - 1
            ):
                await connection.send({"type": "session.input_audio.append", "audio": AUDIO})
            elif event.type == "session.usage.updated":
                await connection.send({"type": "session.close"})
    return events


def _write(logs: Logs, server: Server, events: list[Any], with_usage: tuple[str, ...]) -> None:
    """Log all events, and those with usage only."""
    ended = [event for event in events if event.type in with_usage]
    logs.write(server, "`event.model_dump_json()`, all events", [event.model_dump_json() for event in events])
    logs.write(server, "`event.model_dump_json()`, events with usage", [event.model_dump_json() for event in ended])
    logs.write(server, "`event.to_json()`, indented", [event.to_json() for event in events], suffix="log")
    logs.write(server, "`json.dumps(event.to_dict())` in a `time` and `event` envelope", list(map(_enveloped, events)))
    logs.write(server, "`json.dump` of the list of events", json.dumps([event.to_dict() for event in events]), suffix="json")
    logs.write(
        server,
        "`logging.info(event.to_json(indent=None))`",
        _logged(event.to_json(indent=None) for event in events),
        suffix="log",
    )
    logs.write(server, "`print(event.to_dict())`", [str(event.to_dict()) for event in events], suffix="log")
    logs.write(server, "`print(event)`", [str(event) for event in events], suffix="log")


def _write_usage(logs: Logs, server: Server, events: list[Any]) -> None:
    """Log the usage of responses, which is all that some people keep."""
    responses = [event.response for event in events if event.type == "response.done"]
    not_logged: tuple[Part, ...] = ("transcriptions",)
    logs.write(
        server, "`response.to_json(indent=None)`", [item.to_json(indent=None) for item in responses], not_logged=not_logged
    )
    logs.write(
        server,
        "`response.usage.to_json(indent=None)`",
        [item.usage.to_json(indent=None) for item in responses],
        not_logged=not_logged,
    )
    logs.write(
        server,
        "`event.usage.to_json(indent=None)` of both",
        [(event.usage if hasattr(event, "usage") else event.response.usage).to_json(indent=None) for event in events],
    )
    logs.write(server, "`print(response.usage)`", [str(item.usage) for item in responses], not_logged=not_logged, suffix="log")
    logs.write(
        server,
        '`logging.info("usage: %s", response.usage)`',
        _logged(f"usage: {item.usage}" for item in responses),
        not_logged=not_logged,
        suffix="log",
    )


def _enveloped(event: Any) -> str:
    return json.dumps({"time": "2026-11-28T10:00:00Z", "session_id": "call-1", "event": event.to_dict()})


def _logged(messages: Any) -> str:
    """Return what Python's logging prints."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("voice")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.handlers = [handler]
    for message in messages:
        logger.info("%s", message)
    return stream.getvalue()


if __name__ == "__main__":
    run_driver("openai", drive)
