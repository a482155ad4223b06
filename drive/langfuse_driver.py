"""Drive langfuse: a generation for each response of an openai session, exported over OTLP to a sink on this machine."""

import asyncio
from collections.abc import Callable, Iterable

from langfuse import Langfuse
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

from drive.logs import Logs, run_driver
from drive.openai_driver import converse
from drive.script import SECONDS, TOKENS, Event, Part
from drive.server import Server, serve
from drive.spans import memory_provider, otlp_json

SINK = "/api/public/otel/v1/traces"
UsageMap = Callable[[Event], Event]


async def drive(logs: Logs) -> None:
    """Hold every conversation, and log it."""
    for script in (TOKENS, SECONDS):
        async with serve(script) as server:
            responses = [event for event in await converse(server, script) if event.type == "response.done"]
            for name, usage_map in USAGE_MAPS.items():
                provider, exporter = memory_provider()
                server.received.clear()
                usages = [usage_map(event.response.usage.to_dict()) for event in responses]
                await asyncio.to_thread(_export, server, script.model, usages, provider)
                _write(logs, server, name, exporter.get_finished_spans())


def _write(logs: Logs, server: Server, name: str, spans: Iterable[ReadableSpan]) -> None:
    not_logged: tuple[Part, ...] = ("transcriptions",)
    bodies = [otlp_json(body) for body in server.received[SINK]]
    logs.write(server, f"`usage_details` with {name}, OTLP as JSON", bodies, not_logged=not_logged)
    lines = [span.to_json() for span in spans]
    logs.write(server, f"`usage_details` with {name}, `ConsoleSpanExporter`", lines, suffix="log", not_logged=not_logged)


def _export(server: Server, model: str, usages: list[Event], provider: TracerProvider) -> None:
    client = Langfuse(public_key=f"pk-{id(provider)}", secret_key="sk-none", base_url=server.url, tracer_provider=provider)
    with client.start_as_current_observation(name="call", as_type="span"):
        for usage in usages:
            client.start_observation(name="response", as_type="generation", model=model, usage_details=usage).end()
    client.flush()
    client.shutdown()


def _as_reported(usage: Event) -> Event:
    return usage


def _by_modality(usage: Event) -> Event:
    """Return the counts by the names of Langfuse's documentation, in which every token is in one count only."""
    read, cached = usage["input_token_details"], usage["input_token_details"]["cached_tokens_details"]
    written = usage["output_token_details"]
    counts = {f"input_{kind}_tokens": read[f"{kind}_tokens"] - cached[f"{kind}_tokens"] for kind in ("text", "audio", "image")}
    counts |= {f"input_cached_{kind}_tokens": cached[f"{kind}_tokens"] for kind in ("text", "audio", "image")}
    counts |= {f"output_{kind}_tokens": written[f"{kind}_tokens"] for kind in ("text", "audio")}
    return {**{name: count for name, count in counts.items() if count}, "total": usage["total_tokens"]}


def _totals(usage: Event) -> Event:
    return {"input": usage["input_tokens"], "output": usage["output_tokens"], "total": usage["total_tokens"]}


USAGE_MAPS: dict[str, UsageMap] = {
    "the usage of the response": _as_reported,
    "a count for each modality": _by_modality,
    "`input` and `output`": _totals,
}


if __name__ == "__main__":
    run_driver("langfuse", drive)
