"""Drive livekit-agents with its openai plugin: a session without a room, and everything by which it tells its usage."""

import asyncio
import dataclasses
import json
import logging
import warnings
from collections.abc import Callable
from io import StringIO
from typing import Any

import aiohttp
from livekit import rtc
from livekit.agents import Agent, AgentSession, function_tool, metrics, telemetry
from livekit.agents.cli.log import ColoredFormatter, JsonFormatter
from livekit.agents.voice import io
from livekit.agents.voice.report import SessionReport
from livekit.plugins import openai
from openai.types.realtime import AudioTranscription
from openai.types.realtime.realtime_audio_input_turn_detection import ServerVad

from drive.logs import Logs, run_driver
from drive.script import CONVERSATIONS, LIVE, Conversation, Part
from drive.server import SAMPLE_RATE, TURN_BYTES, Server, serve
from drive.spans import memory_provider, otlp_lines

FRAME_BYTES = SAMPLE_RATE // 50 * 2
"""Twenty milliseconds of audio."""


class Microphone(io.AudioInput):
    """The user's audio, as the driver pushes it."""

    def __init__(self) -> None:
        super().__init__(label="microphone")
        self.frames: asyncio.Queue[rtc.AudioFrame] = asyncio.Queue()

    def speak(self) -> None:
        """Push the audio of one turn."""
        for _ in range(TURN_BYTES // FRAME_BYTES + 1):
            self.frames.put_nowait(rtc.AudioFrame(bytes(FRAME_BYTES), SAMPLE_RATE, 1, FRAME_BYTES // 2))

    async def __anext__(self) -> rtc.AudioFrame:
        return await self.frames.get()


class Speaker(io.AudioOutput):
    """A sink that has played audio as soon as it has it."""

    def __init__(self) -> None:
        super().__init__(label="speaker", capabilities=io.AudioOutputCapabilities(pause=False), sample_rate=SAMPLE_RATE)
        self.seconds = 0.0

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Take a frame."""
        await super().capture_frame(frame)
        self.seconds += frame.duration

    def flush(self) -> None:
        """End a segment."""
        super().flush()
        if self.seconds:
            self.on_playback_finished(playback_position=self.seconds, interrupted=False)
            self.seconds = 0.0

    def clear_buffer(self) -> None:
        """Drop what was not played: nothing."""


class Desk(Agent):
    """An agent with a tool."""

    def __init__(self) -> None:
        super().__init__(instructions="Help.")

    @function_tool
    async def order_status(self, number: int) -> str:
        """Return where an order is."""
        return f"order {number} is on its method"


@dataclasses.dataclass
class SessionOutput:
    """What a session reported."""

    collected: list[Any] = dataclasses.field(default_factory=list)
    updated: list[Any] = dataclasses.field(default_factory=list)
    debug_log: StringIO = dataclasses.field(default_factory=StringIO)
    server_events: list[Any] = dataclasses.field(default_factory=list)
    spans: list[Any] = dataclasses.field(default_factory=list)
    usage: Any = None
    report: Any = None


def _at_home(model: Any) -> Any:
    """Return a model that names the vendor's host as its provider, as it does there, and not that of our server."""
    kind = type(model)
    model.__class__ = type(
        kind.__name__, (kind,), {"provider": property(lambda _: "api.openai.com"), "__module__": kind.__module__}
    )
    return model


async def drive(logs: Logs) -> None:
    """Hold every conversation, and log it."""
    for script in CONVERSATIONS:
        async with serve(script) as server, aiohttp.ClientSession() as http:
            model = openai.realtime.RealtimeModel(
                model=script.model,
                base_url=f"{server.url}/v1",
                api_key="sk-none",
                http_session=http,
                input_audio_transcription=AudioTranscription(model=script.transcription_model),
                turn_detection=ServerVad(type="server_vad"),
            )
            _write(
                logs,
                server,
                await _converse(server, _at_home(model), lambda session, mic, s=script, v=server: _turns(v, s, session, mic)),
            )
    async with serve(LIVE) as server, aiohttp.ClientSession() as http:
        model = openai.realtime.GPTLiveModel(
            model=LIVE.model, base_url=f"{server.url}/v1", api_key="sk-none", http_session=http
        )
        _write(logs, server, await _converse(server, _at_home(model), lambda _, mic, v=server: _live_turns(v, mic)))


async def _converse(server: Server, model: Any, turns: Callable[..., Any]) -> SessionOutput:
    output = SessionOutput()
    provider, exporter = memory_provider()
    telemetry.set_tracer_provider(provider)
    session: Any = AgentSession(llm=model, vad=None)
    handler = logging.StreamHandler(output.debug_log)
    handler.setFormatter(JsonFormatter())
    loggers = [logging.getLogger(name) for name in ("livekit.agents", "livekit.plugins.openai")]
    for logger in loggers:
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(logging.DEBUG)
    session.on("metrics_collected", output.collected.append)
    session.on("session_usage_updated", output.updated.append)
    microphone = Microphone()
    session.input.audio = microphone
    session.output.audio = Speaker()
    await session.start(Desk(), record=False)
    rt_session = (
        session.current_agent.realtime_llm_session if server.script is not LIVE else session.current_agent.duplex_session
    )
    rt_session.on("openai_server_event_received", lambda event: output.server_events.append(json.dumps(event)))
    await turns(session, microphone)
    await asyncio.sleep(0.3)
    await session.aclose()
    output.usage = session.usage.model_usage
    output.report = SessionReport(
        job_id="AJ_desk1",
        room_id="RM_desk1",
        room="desk",
        options=session.options,
        events=session._recorded_events,  # noqa: SLF001 (as JobContext.make_session_report does)
        chat_history=session.history.copy(),
        model_usage=output.usage,
    )
    provider.force_flush()
    output.spans = list(exporter.get_finished_spans())
    return output


async def _turns(server: Server, script: Conversation, session: Any, microphone: Microphone) -> None:
    session.generate_reply(instructions="Greet the user.")
    await server.wait(1)
    while server.played < len(script.steps):
        played = server.played
        if script.steps[played - 1].ending != "tool":
            await asyncio.sleep(0.2)
            microphone.speak()
        await server.wait(played + 1)


async def _live_turns(server: Server, microphone: Microphone) -> None:
    for report in range(1, len(LIVE.seconds)):
        await asyncio.sleep(0.1)
        while server.played < report:
            microphone.speak()
            await asyncio.sleep(0.1)


def _write(logs: Logs, server: Server, output: SessionOutput) -> None:
    singles = [event.metrics for event in output.collected]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        old_collector = metrics.UsageCollector()
    collector = metrics.ModelUsageCollector()
    for item in singles:
        old_collector.collect(item)
        collector.collect(item)
    summary = old_collector.get_summary()
    sums = collector.flatten()
    is_live = server.script is LIVE
    unlogged: tuple[Part, ...] = ("seconds",) if is_live else ()

    def write(method: str, content: str | list[str], suffix: str = "jsonl", not_logged: tuple[Part, ...] = ()) -> None:
        logs.write(server, method, content, suffix=suffix, not_logged=not_logged)

    write(
        "`log_metrics` with the production logger's `JsonFormatter`",
        _logged(JsonFormatter(), lambda log: [metrics.log_metrics(item, logger=log) for item in singles]),
        "log",
        unlogged,
    )
    dev = ColoredFormatter(
        "%(asctime)s - %(esc_levelcolor)s%(levelname)-4s%(esc_reset)s %(name)s - %(message)s %(esc_gray)s%(extra)s"
    )
    write(
        "`log_metrics` with the development logger's `ColoredFormatter`",
        _logged(dev, lambda log: [metrics.log_metrics(item, logger=log) for item in singles]),
        "log",
        unlogged,
    )
    write("`metrics_collected`, `event.model_dump_json()`", [event.model_dump_json() for event in output.collected])
    write("`metrics_collected`, `event.metrics.model_dump_json()`", [item.model_dump_json() for item in singles])
    write("`metrics_collected`, `print(event.metrics)`", [repr(item) for item in singles], "log")
    write("`UsageCollector`, `json.dumps(asdict(summary))`", [json.dumps(dataclasses.asdict(summary))], "json", unlogged)
    write(
        '`UsageCollector`, `logger.info(f"Usage: {summary}")` with `JsonFormatter`',
        _logged(JsonFormatter(), lambda log: log.info(f"Usage: {summary}")),
        "log",
        unlogged,
    )
    write("`ModelUsageCollector`, `usage.model_dump_json()`", [item.model_dump_json() for item in sums])
    write(
        '`ModelUsageCollector`, `logger.info(f"Usage: {flatten()}")` with `JsonFormatter`',
        _logged(JsonFormatter(), lambda log: log.info(f"Usage: {sums}")),
        "log",
    )
    write("`session_usage_updated`, `event.model_dump_json()`", [event.model_dump_json() for event in output.updated])
    write("`session.usage.model_usage`, `usage.model_dump_json()`", [item.model_dump_json() for item in output.usage])
    write("session report, `json.dumps(report.to_dict())`", json.dumps(output.report.to_dict(), default=str), "json")
    write("session report, indented", json.dumps(output.report.to_dict(), default=str, indent=2), "json")
    write("production log at level DEBUG with LK_OPENAI_DEBUG=1", output.debug_log.getvalue(), "log")
    write("`openai_server_event_received`, `json.dumps(event)`", output.server_events)
    unlogged = ("seconds", "backend") if is_live else ("transcriptions",)
    write("OpenTelemetry spans, OTLP as JSON", otlp_lines(output.spans), "jsonl", unlogged)
    write("OpenTelemetry spans, `ConsoleSpanExporter`", [span.to_json() for span in output.spans], "log", unlogged)


def _logged(formatter: logging.Formatter, log: Callable[[logging.Logger], object]) -> str:
    """Return what a logger with a formatter prints."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger = logging.getLogger("my-agent")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.handlers = [handler]
    log(logger)
    return stream.getvalue()


if __name__ == "__main__":
    run_driver("livekit-agents", drive)
