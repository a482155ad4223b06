"""Measure the web site under load, as a ratio to a bare FastAPI route that returns a constant.

Fifty clients with persistent connections request estimates of twenty turns: every one different, so that no answer has been
kept, and then the same one, as of a link that many people open. Servers and clients are separate processes on the loopback
interface. The processor time of a server is printed, too: other work on the machine changes it less than the rate.

Beside the bare route, two routes show what FastAPI itself takes for a request like ours, without calculating anything: they
validate the same parameters by a Pydantic model, and return a constant of the size of our JSON, as bytes or as a dictionary.
"""

import asyncio
import contextlib
import itertools
import json
import multiprocessing
import os
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI, Query, Response
from pydantic import BaseModel, Field

from voicebill.web.app import create_app
from voicebill.web.connections import server_settings
from voicebill.web.serving import SiteProcess
from voicebill.web.site import Limits, Site

CLIENTS = 50
CHART_CLIENTS = 24
"""Fewer than the charts that may wait."""

WORKERS = 2
DAY = date(2026, 11, 22)

RATIO_AIM = 0.12
"""The aim of an answer with its month, as a ratio to the bare route."""
P99_AIM_MS = 300
"""The aim of the 99th percentile of every kind of request, with fifty clients."""
JSON_BYTES = 17_000
"""The size of the JSON of an estimate with its month."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of request: its name, its path, and the aim of its rate as a ratio to the bare route, if it has one."""

    name: str
    path: str
    aim: float | None = None


KINDS = (
    Kind("estimate as JSON", "/api/estimate?"),
    Kind("estimate as JSON, with its month", "/api/estimate?conversations=1000/month&", RATIO_AIM),
    Kind("answer of the page, with its month", "/answer?", RATIO_AIM),
)


def bare() -> FastAPI:
    """An app with one route that returns a constant."""
    app = FastAPI()

    @app.get("/constant")
    async def constant() -> dict[str, str]:
        return {"expected": "0.8372544"}

    return app


class PlanQuery(BaseModel):
    """The parameters that our requests have."""

    model_config = {"extra": "forbid"}

    minutes: Decimal = Field(gt=0)
    turns: int = Field(gt=0)
    instructions_tokens: int = Field(ge=0)
    conversations: str = "1000/month"


def peers() -> FastAPI:
    """An app whose routes validate parameters like ours, and return a constant of the size of our JSON."""
    app = FastAPI()
    amounts: dict[str, Any] = {f"amount_{number:03}": {"expected": "0.8372544"} for number in range(JSON_BYTES // 38)}
    body = json.dumps(amounts, separators=(",", ":")).encode()

    @app.get("/bytes")
    async def ready(plan: Annotated[PlanQuery, Query()]) -> Response:  # noqa: ARG001 - validated alone
        return Response(body, media_type="application/json")

    @app.get("/dictionary")
    async def dictionary(plan: Annotated[PlanQuery, Query()]) -> dict[str, Any]:  # noqa: ARG001 - validated alone
        return amounts

    return app


def site() -> FastAPI:
    """The web site of voicebill, with a request limit that admits every client."""
    limits = Limits(concurrent_requests=4 * CLIENTS)
    return SiteProcess(lambda: Site(today=lambda: DAY, limits=limits), set_up_logging=lambda: None)()


def site_with_limits() -> FastAPI:
    """The web site of voicebill with the limits that it has."""
    return create_app(Site(today=lambda: DAY))


def serve(make: Callable[[], FastAPI], listening: socket.socket) -> None:
    """Run a server until its process is terminated."""
    config = uvicorn.Config(make(), **server_settings(Limits()))
    uvicorn.Server(config).run(sockets=[listening])


def plans(path: str) -> Iterator[str]:
    """Endless addresses of different plans of twenty turns."""
    for number in itertools.count():
        yield f"{path}minutes={8 + number % 4000 / 1000:.4f}&turns=20&instructions_tokens={1000 + number // 4000}"


async def ask(port: int, paths: Iterator[str], until: float, spent: list[float]) -> None:
    """One client that sends requests one after the other until a time, and records how long each took."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < until:
        begun = time.perf_counter()
        writer.write(f"GET {next(paths)} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        spent.append(time.perf_counter() - begun)
    writer.close()


async def load(port: int, paths: Iterator[str], seconds: float, clients: int = CLIENTS) -> list[float]:
    """Run all clients at once; returns the seconds of each response."""
    spent: list[float] = []
    until = time.perf_counter() + seconds
    await asyncio.gather(*(ask(port, paths, until, spent) for _ in range(clients)))
    return spent


def memory(pid: int) -> float:
    """Resident memory of a process in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def processes(pid: int) -> list[int]:
    """A process and all that it started, directly or not."""
    pids = [pid]
    for parent in pids:  # grows as it goes
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                pids += map(int, (task / "children").read_text(encoding="ascii").split())
    return pids


def processor_seconds(pid: int) -> float:
    """The processor time that a process and all that it started have used."""
    ticks = 0
    for number in processes(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{number}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def wait_for(port: int, is_running: Callable[[], bool]) -> None:
    """Wait until a server accepts connections."""
    while is_running():
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.05)
    sys.exit("the server does not start")


class Server:
    """A server in processes of its own."""

    port: int
    pid: int

    def measure(
        self,
        name: str,
        paths: Iterator[str],
        base: float | None = None,
        *,
        seconds: float = 3,
        clients: int = CLIENTS,
        aim: float | None = None,
    ) -> float:
        """Load the server with one kind of request; print and return the requests per second. `aim`: of the ratio to base."""
        asyncio.run(load(self.port, paths, 1, clients))
        used = processor_seconds(self.pid)
        spent = asyncio.run(load(self.port, paths, seconds, clients))
        used = 1e3 * (processor_seconds(self.pid) - used) / len(spent)
        rate, ranked = len(spent) / seconds, statistics.quantiles(spent, n=100)
        times = f"p50 {ranked[49] * 1e3:6.1f} ms  p99 {ranked[98] * 1e3:6.1f} ms  processor {used:6.2f} ms"
        ratio = f"  {rate / base:6.3f} of bare" if base else ""
        print(f"{name:<58} {rate:7,.0f}/s  {times}{ratio}{f' (aim {aim})' if aim else ''}", flush=True)
        return rate


class ServerProcess(Server):
    """A server in a separate process, forked from this one."""

    def __init__(self, make: Callable[[], FastAPI]) -> None:
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        self.process = multiprocessing.get_context("fork").Process(target=serve, args=(make, listening))
        self.process.start()
        listening.close()
        self.pid = self.process.pid or os.getpid()
        wait_for(self.port, self.process.is_alive)

    def stop(self) -> None:
        """End it."""
        self.process.terminate()


class ServeCommand(Server):
    """The site as `voicebill serve` runs it, with other options."""

    def __init__(self, *options: str) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
        command = [sys.executable, "-m", "voicebill", "serve", "--port", str(self.port), *options]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self.pid = self.process.pid
        wait_for(self.port, lambda: self.process.poll() is None)

    def stop(self) -> None:
        """End it, and wait for it."""
        self.process.terminate()
        self.process.wait()


def main() -> None:
    """Run the benchmark and print the results."""
    workers = f"--workers={WORKERS}", f"--at-once={4 * CLIENTS}"
    baseline, others, ours, several = ServerProcess(bare), ServerProcess(peers), ServerProcess(site), ServeCommand(*workers)
    try:
        measure(baseline, others, ours, several)
        measure_memory(ours)
    finally:
        for server in (baseline, others, ours, several):
            server.stop()


def measure(baseline: Server, others: Server, ours: Server, several: Server) -> None:
    """Compare the web site, in one process and in several, with the bare route; the others are for orientation."""
    print(f"{CLIENTS} clients; the aim of every p99 is {P99_AIM_MS} ms")
    base = baseline.measure("bare FastAPI route, a constant", itertools.repeat("/constant"))
    others.measure(f"peer: Pydantic query, {JSON_BYTES:,} bytes that are ready", plans("/bytes?"), base)
    others.measure(f"peer: Pydantic query, {JSON_BYTES:,} bytes from a dictionary", plans("/dictionary?"), base)
    for kind in KINDS:
        link = next(plans(kind.path))
        ours.measure(kind.name, plans(kind.path), base, aim=kind.aim)
        several.measure(f"{kind.name}, {WORKERS} processes", plans(kind.path), base)
        ours.measure(f"{kind.name}, the same link", itertools.repeat(link), base)
    ours.measure("a chart as SVG", plans("/chart/turns.svg?"), base, clients=CHART_CLIENTS)


def measure_memory(ours: Server) -> None:
    """Print the memory of the site after many estimates, and after many charts."""
    pid = ours.pid
    before = memory(pid)
    answer_count, chart_count, answers, charts = 0, 0, plans("/api/estimate?"), plans("/chart/cumulative.svg?")
    while answer_count < 20_000:
        answer_count += len(asyncio.run(load(ours.port, answers, 5)))
    print(f"memory after {answer_count:,} more estimates: {memory(pid):.0f} MiB, before {before:.0f} MiB")
    while chart_count < 1_000:
        chart_count += len(asyncio.run(load(ours.port, charts, 5, CHART_CLIENTS)))
    print(f"memory after {chart_count:,} more charts: {memory(pid):.0f} MiB")


if __name__ == "__main__":
    main()
