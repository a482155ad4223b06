"""Load the site for a long time with ordinary and with misbehaving clients, and watch its memory and its errors.

`python -m benchmarks.soak --minutes 30` starts `voicebill serve` with its own limits. Of 20 clients, 13 ask as people and
programs do, each after a short pause; 7 send slowly, stop in the middle, send too much, send what is no HTTP, or do not read.
Printed are the requests by kind with their statuses and times, the memory of all processes over time, and every answer of 500
or more that is not the promised 503. The process ends with 1 if there is one.
"""

import argparse
import asyncio
import contextlib
import gzip
import json
import os
import random
import socket
import statistics
import struct
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.crowd import brackets, get, post
from benchmarks.web import ServeCommand, plans, processes
from voicebill.web import openapi

ROOT = Path(__file__).parents[1]
LOG = (ROOT / "docs" / "examples" / "support-day.jsonl").read_bytes()
SCRIPT = json.dumps(openapi.EXAMPLE_SCRIPT).encode()
PLAN = json.dumps({"minutes": 7, "turns": 12, "conversations": "500/month"}).encode()

ORDINARY_CLIENTS, MISBEHAVING_CLIENTS = 13, 7
ANSWER_SECONDS = 90.0
"""An answer that takes longer is counted as none."""

SAMPLE_SECONDS = 10.0
UNAVAILABLE, SERVER_ERROR = 503, 500


@dataclass
class Results:
    """The statuses and the seconds of the requests of each kind, and what was answered with an error that is not promised."""

    statuses: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    seconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)

    def add(self, kind: str, answer: bytes, seconds: float) -> None:
        """Count the answer to a request; an empty one if the server closed the connection."""
        status = answer[9:12].decode("latin-1") if answer.startswith(b"HTTP/1.1 ") else "closed"
        self.statuses[kind][status] += 1
        self.seconds[kind].append(seconds)
        if status.isdigit() and int(status) >= SERVER_ERROR and int(status) != UNAVAILABLE:
            self.errors.append(f"{kind}: {answer[:12]!r} ... {answer[-200:]!r}")


def ordinary_requests(chance: random.Random) -> dict[str, Iterator[bytes]]:
    """Endless requests of people and programs, by kind. Most plans differ; some links are opened by many."""
    day = gzip.compress(LOG * 5)

    def addresses(path: str) -> Iterator[bytes]:
        return map(get, plans(f"{path}user_share={chance.uniform(0.3, 0.5):.4f}&"))

    def repeat(request: bytes) -> Iterator[bytes]:
        while True:
            yield request

    return {
        "estimate as JSON": addresses("/api/estimate?"),
        "with its month": addresses("/api/estimate?conversations=1000/month&"),
        "with sensitivity": addresses("/api/estimate?sensitivity=true&"),
        "the same link": repeat(get("/?minutes=12&turns=24&conversations=3000%2Fmonth")),
        "first page": addresses("/?"),
        "answer while typing": addresses("/answer?"),
        "explanation": addresses("/why?"),
        "comparison": addresses("/compare?"),
        "comparison as JSON": addresses("/api/compare?"),
        "capacity": addresses("/api/capacity?conversations=1000/day&"),
        "quote": addresses("/quote?"),
        "CSV": addresses("/export.csv?"),
        "chart as SVG": addresses("/chart/turns.svg?"),
        "chart as PNG": addresses("/chart/cumulative.png?width=480&"),
        "prices": repeat(get("/prices")),
        "rules": repeat(get("/rules")),
        "questions": repeat(get("/learn")),
        "style sheet": repeat(get("/static/voicebill.css")),
        "health": repeat(get("/healthz")),
        "plan as a body": repeat(post("/api/estimate", PLAN)),
        "script": repeat(post("/api/simulate", SCRIPT)),
        "usage log": repeat(post("/api/cost?by=session", LOG)),
        "compressed log": repeat(post("/api/cost?by=model", day)),
        "explained log": repeat(post("/api/explain", LOG)),
        "a field that is wrong": repeat(get("/api/estimate?minutes=ten&turns=20")),
        "no such page": repeat(get("/wp-login.php")),
    }


class Connection:
    """A connection of a misbehaving client."""

    def __init__(self, port: int, chance: random.Random) -> None:
        self.port = port
        self.chance = chance

    async def open(self) -> None:
        """Connect."""
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)

    async def send(self, data: bytes) -> None:
        """Send bytes, as far as the server takes them."""
        with contextlib.suppress(OSError):
            if not self.writer.transport.is_closing():
                self.writer.write(data)
                await self.writer.drain()

    async def read(self) -> bytes:
        """What the server answers until it closes the connection."""
        with contextlib.suppress(OSError):
            return await self.reader.read(-1)
        return b""

    def reset(self) -> None:
        """End the connection at once, as a client that is killed does."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


async def drip(connection: Connection, parts: Sequence[bytes], seconds: float) -> bytes:
    """Send parts one by one until the server has enough of it."""
    answer = asyncio.ensure_future(connection.read())
    for part in parts:
        await connection.send(part)
        await asyncio.wait([answer], timeout=seconds)
        if answer.done():
            break
    return await answer


def single_bytes(data: bytes) -> list[bytes]:
    """Bytes as parts of one byte each."""
    return [data[index : index + 1] for index in range(len(data))]


async def send_head_slowly(connection: Connection) -> bytes:
    """A head, a byte every 0.4 seconds."""
    return await drip(connection, single_bytes(get("/api/estimate?minutes=10&turns=20&instructions_tokens=500")), 0.4)


async def send_body_slowly(connection: Connection) -> bytes:
    """A head at once, and its body a byte a second."""
    await connection.send(post("/api/estimate", PLAN)[: -len(PLAN)])
    return await drip(connection, single_bytes(PLAN), 1.0)


async def stop_in_body(connection: Connection) -> bytes:
    """Half of an upload, and then nothing."""
    await connection.send(post("/api/cost", LOG)[: len(LOG) // 2])
    return await connection.read()


async def leave_before_answer(connection: Connection) -> bytes:
    """A request that takes long, whose client is gone before it is answered."""
    await connection.send(get(f"/compare?minutes={connection.chance.randrange(60, 400)}&turns=200"))
    await asyncio.sleep(connection.chance.random() / 10)
    connection.reset()
    return b""


async def leave_within_answer(connection: Connection) -> bytes:
    """A page of which the first bytes are read, and no more."""
    await connection.send(get(f"/?minutes={connection.chance.randrange(1, 4000) / 100}&turns=20"))
    answer = await connection.reader.read(64)
    connection.reset()
    return answer


async def announce_too_much(connection: Connection) -> bytes:
    """A body of 4 GiB, of which a part is sent."""
    await connection.send(b"POST /api/cost HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4294967296\r\n\r\n" + bytes(2**16))
    return await connection.read()


async def send_too_much(connection: Connection) -> bytes:
    """A body without end, in chunks."""
    head = b"POST /api/estimate HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
    return await drip(connection, [head, *[b"10000\r\n" + bytes(2**16) + b"\r\n"] * 64], 0.01)


async def send_garbage(connection: Connection) -> bytes:
    """Bytes that are no HTTP."""
    await connection.send(connection.chance.randbytes(connection.chance.randrange(1, 5000)) + b"\r\n\r\n")
    return await connection.read()


async def send_long_head(connection: Connection) -> bytes:
    """A head without end."""
    await connection.send(b"GET / HTTP/1.1\r\nhost: localhost\r\nx: " + b"a" * connection.chance.randrange(2**20))
    return await connection.read()


async def stay_silent(connection: Connection) -> bytes:
    """A connection on which nothing is sent."""
    return await connection.read()


async def ask_without_reading(connection: Connection) -> bytes:
    """Twelve pages on one connection, none of which is read for a while."""
    request = b"GET /learn HTTP/1.1\r\nhost: localhost\r\n\r\n"
    await connection.send(request * 12)
    await asyncio.sleep(5)
    connection.reset()
    return b""


async def upload_slow_lines(connection: Connection) -> bytes:
    """A log whose lines are slow to read."""
    await connection.send(post("/api/cost", SLOW_LOG))
    return await connection.read()


async def upload_no_log(connection: Connection) -> bytes:
    """A log of random bytes."""
    await connection.send(post("/api/cost", connection.chance.randbytes(200_000)))
    return await connection.read()


async def ask_for_longest_plan(connection: Connection) -> bytes:
    """The most expensive plan that the site calculates."""
    await connection.send(get(f"/?minutes={connection.chance.randrange(400, 900)}&turns=1000&session_carryover=text"))
    return await connection.read()


SLOW_LOG = brackets()
MISBEHAVIOURS: tuple[Callable[[Connection], Awaitable[bytes]], ...] = (
    send_head_slowly,
    send_body_slowly,
    stop_in_body,
    leave_before_answer,
    leave_within_answer,
    announce_too_much,
    send_too_much,
    send_garbage,
    send_long_head,
    stay_silent,
    ask_without_reading,
    upload_slow_lines,
    upload_no_log,
    ask_for_longest_plan,
)


async def ask(port: int, request: bytes) -> bytes:
    """The beginning of an answer, all of which is read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        answer = await reader.read(2**12)
        while await reader.read(2**16):
            pass
        return answer
    finally:
        writer.close()


async def timed(results: Results, kind: str, answer: Awaitable[bytes]) -> None:
    """Count what is answered, and the time that it takes."""
    begun, received = time.perf_counter(), b""
    with contextlib.suppress(OSError, TimeoutError):
        received = await asyncio.wait_for(answer, ANSWER_SECONDS)
    results.add(kind, received, time.perf_counter() - begun)


async def behave(port: int, until: float, results: Results, chance: random.Random, pause: float) -> None:
    """One ordinary client."""
    requests = ordinary_requests(chance)
    while time.perf_counter() < until:
        kind = chance.choice([*requests])
        await timed(results, kind, ask(port, next(requests[kind])))
        await asyncio.sleep(chance.expovariate(1 / pause))


async def misbehave(port: int, until: float, results: Results, chance: random.Random, pause: float) -> None:
    """One client that misbehaves, each time in another way."""
    while time.perf_counter() < until:
        act = chance.choice(MISBEHAVIOURS)

        async def connect_and_act(act: Callable[[Connection], Awaitable[bytes]] = act) -> bytes:
            connection = Connection(port, chance)
            await connection.open()
            try:
                return await act(connection)
            finally:
                connection.writer.close()

        await timed(results, f"* {act.__name__.replace('_', ' ')}", connect_and_act())
        await asyncio.sleep(chance.expovariate(1 / pause))


def memory(pid: int) -> tuple[float, int]:
    """The memory of a process and all that it started in MiB, shared pages in proportion, and how many processes they are."""
    pids, kibibytes = processes(pid), 0
    for number in pids:
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{number}/smaps_rollup").read_text(encoding="ascii")
            kibibytes += int(text.split("\nPss:")[1].split()[0])
    return kibibytes / 1024, len(pids)


async def watch(pid: int, until: float) -> list[tuple[float, float]]:
    """The memory over time, as minutes and MiB; printed once a minute."""
    begun = time.perf_counter()
    samples: list[tuple[float, float]] = []
    while time.perf_counter() < until:
        mebibytes, count = memory(pid)
        minutes = (time.perf_counter() - begun) / 60
        if int(minutes) > int(samples[-1][0] if samples else -1):
            load = os.getloadavg()[0]
            print(f"minute {minutes:5.1f}: {mebibytes:6.1f} MiB in {count} processes; load average {load:.1f}", flush=True)
        samples.append((minutes, mebibytes))
        await asyncio.sleep(min(SAMPLE_SECONDS, max(until - time.perf_counter(), 0)))
    return samples


async def soak(port: int, pid: int, seconds: float, pause: float) -> tuple[Results, list[tuple[float, float]]]:
    """Run all clients; returns what they were answered, and the memory over time."""
    results, until = Results(), time.perf_counter() + seconds
    clients = [behave(port, until, results, random.Random(number), pause) for number in range(ORDINARY_CLIENTS)]
    clients += [misbehave(port, until, results, random.Random(-number - 1), pause) for number in range(MISBEHAVING_CLIENTS)]
    watched = asyncio.ensure_future(watch(pid, until))
    await asyncio.gather(*clients)
    return results, await watched


def growth(samples: list[tuple[float, float]]) -> float:
    """MiB per hour in the second half: the slope of a line through the least of each minute, when no log is being read."""
    least: dict[int, float] = {}
    for minutes, mebibytes in samples[len(samples) // 2 :]:
        least[int(minutes)] = min(mebibytes, least.get(int(minutes), mebibytes))
    return 60 * statistics.linear_regression([*least], [*least.values()]).slope if len(least) > 1 else 0.0


def report(results: Results, samples: list[tuple[float, float]], seconds: float) -> bool:
    """Print the results; returns whether they are as promised."""
    total = sum(counts.total() for counts in results.statuses.values())
    print(f"\n{total:,} requests in {seconds / 60:.1f} minutes; * misbehaving clients")
    print(f"{'kind':<26} {'requests':>8} {'p50 ms':>9} {'p99 ms':>9}  statuses")
    for kind in sorted(results.statuses, key=lambda kind: (kind.startswith("*"), kind)):
        counts, spent = results.statuses[kind], sorted(results.seconds[kind])
        p50, p99 = (1e3 * spent[int(share * (len(spent) - 1))] for share in (0.5, 0.99))
        statuses = ", ".join(f"{count}x {status}" for status, count in sorted(counts.items()))
        print(f"{kind:<26} {counts.total():>8,} {p50:>9,.1f} {p99:>9,.1f}  {statuses}")
    half = [mebibytes for _, mebibytes in samples[len(samples) // 2 :]]
    print(
        f"\nmemory in the second half: {min(half):.0f} to {max(half):.0f} MiB, its floor by {growth(samples):+.0f} MiB an hour"
    )
    print(f"answers of 500 or more other than 503: {len(results.errors)}", *results.errors[:10], sep="\n")
    return not results.errors


def main() -> None:
    """Run the soak and print the results."""
    parser = argparse.ArgumentParser(prog="benchmarks.soak", description="Load the site for a long time.")
    parser.add_argument("--minutes", type=float, default=30.0, help="how long (default: 30)")
    parser.add_argument("--workers", type=int, default=1, help="processes of the site (default: 1)")
    parser.add_argument("--pause", type=float, default=0.25, help="mean seconds between requests of a client (default: 0.25)")
    options = parser.parse_args()
    server, seconds = ServeCommand(f"--workers={options.workers}"), 60 * options.minutes
    try:
        results, samples = asyncio.run(soak(server.port, server.pid, seconds, options.pause))
    finally:
        server.stop()
    sys.exit(0 if report(results, samples, seconds) else 1)


if __name__ == "__main__":
    main()
