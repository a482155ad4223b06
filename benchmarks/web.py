"""The site under load, beside a bare FastAPI route that returns a constant: one run, ratios.

Fifty clients on kept-open connections ask for plans of twenty turns, each another one, so that nothing is found ready.
The server and the clients are processes of their own on loopback.
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
from voicebill.web.site import Bounds, Site

CLIENTS = 50
DAY = date(2026, 11, 22)


def bare() -> FastAPI:
    """One route, one constant."""
    app = FastAPI()

    @app.get("/constant")
    async def constant() -> dict[str, str]:
        return {"expected": "0.8372544"}

    return app


def site() -> FastAPI:
    """Ours, with room for every client."""
    return create_app(Site(calendar=lambda: DAY, bounds=Bounds(at_once=4 * CLIENTS)))


def serve(make: Callable[[], FastAPI], listening: socket.socket) -> None:
    """Run a server until it is ended."""
    config = uvicorn.Config(make(), log_level="error", access_log=False)
    uvicorn.Server(config).run(sockets=[listening])


def plans(path: str) -> Iterator[str]:
    """Addresses of plans of twenty turns, no two alike for a long while."""
    for number in itertools.count():
        yield f"{path}minutes={8 + number % 4000 / 1000:.4f}&turns=20&instructions_tokens={1000 + number // 4000}"


async def ask(port: int, paths: Iterator[str], until: float, spent: list[float]) -> None:
    """One client: ask, read, ask again."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < until:
        begun = time.perf_counter()
        writer.write(f"GET {next(paths)} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        spent.append(time.perf_counter() - begun)
    writer.close()


async def load(port: int, paths: Iterator[str], seconds: float) -> list[float]:
    """All clients at once; how long each answer took."""
    spent: list[float] = []
    until = time.perf_counter() + seconds
    await asyncio.gather(*(ask(port, paths, until, spent) for _ in range(CLIENTS)))
    return spent


def memory(pid: int) -> float:
    """Resident megabytes of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


class Running:
    """A server in a process of its own."""

    def __init__(self, make: Callable[[], FastAPI]) -> None:
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        self.port: int = listening.getsockname()[1]
        self.process = multiprocessing.get_context("fork").Process(target=serve, args=(make, listening))
        self.process.start()
        listening.close()
        self.wait()

    def wait(self) -> None:
        """Until it answers."""
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return

    def measure(self, name: str, paths: Iterator[str], seconds: float, base: float | None = None) -> float:
        """Load it with one kind of question; print and give requests a second."""
        asyncio.run(load(self.port, paths, 1))
        spent = asyncio.run(load(self.port, paths, seconds))
        rate, ranked = len(spent) / seconds, statistics.quantiles(spent, n=100)
        beside = f"{rate / base:6.3f} of bare" if base else ""
        print(f"{name:<52} {rate:8,.0f}/s  p50 {ranked[49] * 1e3:7.1f} ms  p99 {ranked[98] * 1e3:7.1f} ms  {beside}")
        return rate


def main() -> None:
    """Measure and print."""
    plain, ours = Running(bare), Running(site)
    try:
        measure(plain, ours)
    finally:
        for running in (plain, ours):
            running.process.terminate()


def measure(plain: Running, ours: Running) -> None:
    """Ours beside the bare route, then its memory."""
    base = plain.measure("bare FastAPI, a constant", itertools.repeat("/constant"), 5)
    ours.measure("the answer as JSON, 20 turns", plans("/api/estimate?"), 5, base)
    ours.measure("the answer as JSON, with a month of call lengths", plans("/api/estimate?conversations=1000/month&"), 5, base)
    ours.measure("the page's answer, with its month", plans("/answer?"), 5, base)
    ours.measure("a chart of its own", plans("/chart/turns.svg?"), 5, base)
    pid = ours.process.pid or os.getpid()
    before = memory(pid)
    asked, drawn, answers, charts = 0, 0, plans("/api/estimate?"), plans("/chart/cumulative.svg?")
    while asked < 20_000:
        asked += len(asyncio.run(load(ours.port, answers, 5)))
    print(f"memory after {asked:,} more answers: {memory(pid):.0f} MB, before them {before:.0f} MB")
    while drawn < 2_000:
        drawn += len(asyncio.run(load(ours.port, charts, 5)))
    print(f"memory after {drawn:,} more charts: {memory(pid):.0f} MB")


if __name__ == "__main__":
    main()
