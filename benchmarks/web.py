"""Measure the web site under load, as a ratio to a bare FastAPI route that returns a constant.

Fifty clients with persistent connections request estimates of twenty turns, every one different, so that no response is
cached. The server and the clients are separate processes on the loopback interface.
"""

import asyncio
import itertools
import multiprocessing
import os
import resource
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from voicebill.web.app import create_app
from voicebill.web.connections import server_settings
from voicebill.web.site import Limits, Site

CLIENTS = 50
DAY = date(2026, 11, 22)


def bare() -> FastAPI:
    """An app with one route that returns a constant."""
    app = FastAPI()

    @app.get("/constant")
    async def constant() -> dict[str, str]:
        return {"expected": "0.8372544"}

    return app


def site() -> FastAPI:
    """The web site of voicebill, with a request limit that admits every client."""
    return create_app(Site(today=lambda: DAY, limits=Limits(concurrent_requests=4 * CLIENTS)))


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


async def load(port: int, paths: Iterator[str], seconds: float) -> list[float]:
    """Run all clients at once; returns the seconds of each response."""
    spent: list[float] = []
    until = time.perf_counter() + seconds
    await asyncio.gather(*(ask(port, paths, until, spent) for _ in range(CLIENTS)))
    return spent


def memory(pid: int) -> float:
    """Resident memory of a process in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


class ServerProcess:
    """A server in a separate process."""

    def __init__(self, make: Callable[[], FastAPI]) -> None:
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        self.port: int = listening.getsockname()[1]
        self.process = multiprocessing.get_context("fork").Process(target=serve, args=(make, listening))
        self.process.start()
        listening.close()
        self.wait()

    def wait(self) -> None:
        """Wait until the server accepts connections."""
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return

    def measure(self, name: str, paths: Iterator[str], seconds: float, base: float | None = None) -> float:
        """Load the server with one kind of request; print and return the requests per second."""
        asyncio.run(load(self.port, paths, 1))
        spent = asyncio.run(load(self.port, paths, seconds))
        rate, ranked = len(spent) / seconds, statistics.quantiles(spent, n=100)
        ratio = f"{rate / base:6.3f} of bare" if base else ""
        print(f"{name:<52} {rate:8,.0f}/s  p50 {ranked[49] * 1e3:7.1f} ms  p99 {ranked[98] * 1e3:7.1f} ms  {ratio}")
        return rate


def main() -> None:
    """Run the benchmark and print the results."""
    baseline, ours = ServerProcess(bare), ServerProcess(site)
    try:
        measure(baseline, ours)
    finally:
        for server in (baseline, ours):
            server.process.terminate()


def measure(baseline: ServerProcess, ours: ServerProcess) -> None:
    """Compare the web site with the bare route, then measure its memory."""
    base = baseline.measure("bare FastAPI route, a constant", itertools.repeat("/constant"), 5)
    ours.measure("estimate as JSON, 20 turns", plans("/api/estimate?"), 5, base)
    ours.measure("estimate as JSON, with a month of call lengths", plans("/api/estimate?conversations=1000/month&"), 5, base)
    ours.measure("estimate as HTML, with a month of call lengths", plans("/answer?"), 5, base)
    ours.measure("a chart", plans("/chart/turns.svg?"), 5, base)
    pid = ours.process.pid or os.getpid()
    before = memory(pid)
    answer_count, chart_count, answers, charts = 0, 0, plans("/api/estimate?"), plans("/chart/cumulative.svg?")
    while answer_count < 20_000:
        answer_count += len(asyncio.run(load(ours.port, answers, 5)))
    print(f"memory after {answer_count:,} more estimates: {memory(pid):.0f} MiB, before {before:.0f} MiB")
    while chart_count < 2_000:
        chart_count += len(asyncio.run(load(ours.port, charts, 5)))
    print(f"memory after {chart_count:,} more charts: {memory(pid):.0f} MiB")


if __name__ == "__main__":
    main()
