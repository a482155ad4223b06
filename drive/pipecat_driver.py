"""Drive pipecat-ai with its OpenAI Realtime and Live services: a pipeline without a transport, and what tells its usage."""

import asyncio
import dataclasses
import json
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from loguru import logger
from opentelemetry import trace
from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import (
    EndFrame,
    InputAudioRawFrame,
    LLMRunFrame,
    MetricsFrame,
    OutputTransportMessageUrgentFrame,
)
from pipecat.metrics.metrics import LLMUsageMetricsData
from pipecat.observers.base_observer import BaseObserver, FramePushed
from pipecat.observers.loggers.metrics_log_observer import MetricsLogObserver
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.services.openai.live.llm import OpenAILiveLLMService, ResponsesDelegation
from pipecat.services.openai.realtime import events
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.services.openai.responses.llm import OpenAIResponsesLLMService
from pipecat.workers.runner import WorkerRunner

from drive.logs import Logs, run_driver
from drive.script import CONVERSATIONS, LIVE, Conversation, Part
from drive.server import SAMPLE_RATE, TOOL, TURN_BYTES, Server, serve
from drive.spans import memory_provider, otlp_lines

FRAME_BYTES = SAMPLE_RATE // 50 * 2
"""Twenty milliseconds of audio."""


@dataclass(eq=False)
class SessionOutput(BaseObserver):
    """What a pipeline reported."""

    metrics: list[MetricsFrame] = field(default_factory=list)
    messages: list[Any] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    text_log: StringIO = field(default_factory=StringIO)
    json_log: StringIO = field(default_factory=StringIO)
    spans: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def on_push_frame(self, data: FramePushed) -> None:
        """Keep frames with metrics or messages, once."""
        frame = data.frame
        if frame.id in self.seen:
            return
        if isinstance(frame, MetricsFrame):
            self.metrics.append(frame)
        elif isinstance(frame, OutputTransportMessageUrgentFrame):
            self.messages.append(frame.message)
        else:
            return
        self.seen.add(frame.id)


async def drive(logs: Logs) -> None:
    """Hold every conversation, and log it."""
    provider, exporter = memory_provider()
    trace.set_tracer_provider(provider)
    for script in CONVERSATIONS:
        async with serve(script) as server:
            transcription = events.InputAudioTranscription(model=script.transcription_model)
            audio = events.AudioConfiguration(
                input=events.AudioInput(transcription=transcription, turn_detection=events.TurnDetection(type="server_vad"))
            )
            service = OpenAIRealtimeLLMService(
                api_key="sk-none",
                base_url=f"{server.websocket_url}/v1/realtime",
                settings=OpenAIRealtimeLLMService.Settings(
                    model=script.model, session_properties=events.SessionProperties(audio=audio)
                ),
            )
            _write(logs, server, await _converse(server, service, exporter), ("transcriptions",))
    async with serve(LIVE) as server:
        delegation = ResponsesDelegation(settings=OpenAIResponsesLLMService.Settings(model=LIVE.backend_model))
        live = OpenAILiveLLMService(
            api_key="sk-none",
            base_url=f"{server.websocket_url}/v1/live/sessions",
            settings=OpenAILiveLLMService.Settings(model=LIVE.model),
            delegation=delegation,
        )
        _write(logs, server, await _converse(server, live, exporter), ("seconds",))


async def _converse(server: Server, service: Any, exporter: Any) -> SessionOutput:
    output = SessionOutput()
    logger.remove()
    logger.add(output.text_log, level="DEBUG")
    logger.add(output.json_log, level="DEBUG", serialize=True)
    exporter.clear()

    async def order_status(params: Any) -> None:
        await params.result_callback({"status": "on its way"})

    service.register_function(TOOL, order_status)
    tool = FunctionSchema(
        name=TOOL, description="Where an order is.", properties={"number": {"type": "integer"}}, required=["number"]
    )
    context = LLMContext([{"role": "user", "content": "Greet the user."}], tools=ToolsSchema(standard_tools=[tool]))
    pair = LLMContextAggregatorPair(context)
    worker = PipelineWorker(
        Pipeline([pair.user(), service, pair.assistant()]),
        params=PipelineParams(
            audio_in_sample_rate=SAMPLE_RATE,
            audio_out_sample_rate=SAMPLE_RATE,
            enable_metrics=True,
            enable_usage_metrics=True,
        ),
        observers=[output, MetricsLogObserver()],
        enable_tracing=True,
        conversation_id="call-1",
        enable_rtvi=True,
    )
    runner = WorkerRunner(handle_sigint=False)
    running = asyncio.create_task(_run(runner, worker))
    await worker.queue_frame(LLMRunFrame())
    await (_live_turns if server.script is LIVE else _turns)(server, worker)
    await asyncio.sleep(0.3)
    await worker.queue_frame(EndFrame())
    await asyncio.wait_for(running, 20)
    output.spans = list(exporter.get_finished_spans())
    return output


async def _run(runner: Any, worker: Any) -> None:
    await runner.add_workers(worker)
    await runner.run()


async def _turns(server: Server, worker: Any) -> None:
    script = server.script
    assert isinstance(script, Conversation)
    await server.wait(1)
    while server.played < len(script.steps):
        played = server.played
        if script.steps[played - 1].ending != "tool":
            await asyncio.sleep(0.2)
            await _speak(worker)
        await server.wait(played + 1)


async def _live_turns(server: Server, worker: Any) -> None:
    for report in range(1, len(LIVE.seconds)):
        while server.played < report:
            await _speak(worker)
            await asyncio.sleep(0.1)


async def _speak(worker: Any) -> None:
    for _ in range(TURN_BYTES // FRAME_BYTES + 1):
        await worker.queue_frame(InputAudioRawFrame(audio=bytes(FRAME_BYTES), sample_rate=SAMPLE_RATE, num_channels=1))


def _write(logs: Logs, server: Server, output: SessionOutput, not_logged: tuple[Part, ...]) -> None:
    def write(method: str, content: str | list[str], suffix: str = "jsonl", *, without: tuple[Part, ...] = not_logged) -> None:
        logs.write(server, method, content, suffix=suffix, not_logged=without)

    usages = [item for frame in output.metrics for item in frame.data if isinstance(item, LLMUsageMetricsData)]
    write("`LLMUsageMetricsData`, `data.model_dump_json()`", [item.model_dump_json() for item in usages])
    write("`LLMTokenUsage`, `data.value.model_dump_json()`", [item.value.model_dump_json() for item in usages])
    write("`LLMTokenUsage`, `print(data.value)`", [str(item.value) for item in usages], "log")
    write("`LLMUsageMetricsData`, `print(data)`", [str(item) for item in usages], "log")
    frames = [json.dumps(dataclasses.asdict(frame), default=lambda item: item.model_dump()) for frame in output.metrics]
    write("`MetricsFrame`, `json.dumps(asdict(frame))`", frames)
    write("RTVI messages, as JSON", [json.dumps(message) for message in output.messages])
    printed: tuple[Part, ...] = () if server.script is LIVE else not_logged
    write("loguru's text at level DEBUG, with `MetricsLogObserver`", output.text_log.getvalue(), "log", without=printed)
    write("loguru's `serialize=True` at level DEBUG", output.json_log.getvalue(), "log", without=printed)
    in_spans: tuple[Part, ...] = ("seconds", "backend") if server.script is LIVE else not_logged
    write("OpenTelemetry spans, OTLP as JSON", otlp_lines(output.spans), without=in_spans)
    write("OpenTelemetry spans, `ConsoleSpanExporter`", [span.to_json() for span in output.spans], "log", without=in_spans)


if __name__ == "__main__":
    run_driver("pipecat-ai", drive)
