"""Drive the OpenAI Agents SDK: a realtime session, with the events that it hands to its user."""

import asyncio
import dataclasses
import json
from typing import Any

from agents import function_tool, set_tracing_disabled
from agents.realtime import RealtimeAgent, RealtimeRunner
from agents.realtime.model_inputs import RealtimeModelSendRawMessage
from pydantic import TypeAdapter

from drive.logs import Logs, run_driver
from drive.script import CONVERSATIONS, Conversation, Part
from drive.server import TURN_BYTES, Server, serve


@function_tool
def order_status(number: int) -> str:
    """Return where an order is."""
    return f"order {number} is on its method"


async def drive(logs: Logs) -> None:
    """Hold every conversation, and log it."""
    set_tracing_disabled(True)
    for script in CONVERSATIONS:
        async with serve(script) as server:
            events, total = await _events(server, script)
            _write(logs, server, events, total)


async def _events(server: Server, script: Conversation) -> tuple[list[Any], Any]:
    """Hold a conversation. Return the session's events, and the usage in its context."""
    agent = RealtimeAgent(name="Desk", instructions="Help.", tools=[order_status])
    detection = {"type": "server_vad", "interrupt_response": True}
    settings = {
        "model_name": script.model,
        "audio": {"input": {"transcription": {"model": script.transcription_model}, "turn_detection": detection}},
    }
    runner = RealtimeRunner(agent, config={"model_settings": settings})
    url = f"{server.websocket_url}/v1/realtime?model={script.model}"
    events: list[Any] = []
    async with await runner.run(model_config={"api_key": "sk-none", "url": url}) as session:
        task = asyncio.create_task(_collect(session, events))
        await session.model.send_event(_raw("response.create"))
        await server.wait(1)
        while server.played < len(script.steps):
            played = server.played
            if script.steps[played - 1].ending != "tool":
                await asyncio.sleep(0.1)
                await session.send_audio(bytes(TURN_BYTES))
            await server.wait(played + 1)
        await asyncio.sleep(0.3)
        total = events[-1].info.context.usage
        task.cancel()
    return events, total


async def _collect(session: Any, events: list[Any]) -> None:
    async for event in session:
        events.append(event)  # noqa: PERF401 (the session goes on until this is cancelled)


def _raw(kind: str) -> Any:
    return RealtimeModelSendRawMessage(message={"type": kind})


def _write(logs: Logs, server: Server, events: list[Any], total: Any) -> None:
    raw = [event.data for event in events if event.type == "raw_model_event"]
    usages = [data for data in raw if data.type == "usage"]
    server_events = [data.data for data in raw if data.type == "raw_server_event"]
    not_logged: tuple[Part, ...] = ("transcriptions",)
    json_of = TypeAdapter(Any).dump_json
    logs.write(server, "raw server events, `json.dumps(event.data.data)`", [json.dumps(event) for event in server_events])
    logs.write(
        server, "usage events, `json.dumps(dataclasses.asdict(data))`", [_json(data) for data in usages], not_logged=not_logged
    )
    logs.write(server, "usage events, pydantic's JSON", [json_of(data).decode() for data in usages], not_logged=not_logged)
    logs.write(server, "usage events, `print(data)`", [str(data) for data in usages], not_logged=not_logged, suffix="log")
    logs.write(
        server,
        "usage events, `print(dataclasses.asdict(data))`",
        [str(_dict(data)) for data in usages],
        not_logged=not_logged,
        suffix="log",
    )
    logs.write(server, "all model events, `json.dumps(dataclasses.asdict(data), default=str)`", [_json(data) for data in raw])
    enveloped = [
        json.dumps({"type": event.type, "data": _dict(event.data)}, default=str)
        for event in events
        if event.type == "raw_model_event"
    ]
    logs.write(server, "session events with `type` and `data`, as JSON", enveloped)
    logs.write(server, "session events, `print(event)`", [str(event) for event in events], suffix="log")
    logs.write(server, "the context's `usage`, `json.dumps(dataclasses.asdict(usage))`", [_json(total)], not_logged=not_logged)


def _dict(data: Any) -> Any:
    return dataclasses.asdict(data)


def _json(data: Any) -> str:
    return json.dumps(_dict(data), default=str)


if __name__ == "__main__":
    run_driver("openai-agents", drive)
