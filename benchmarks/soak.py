"""Load the site for a long time with ordinary and with misbehaving clients, and watch its memory and its errors.

`python -m benchmarks.soak --minutes 30` starts `voicebill serve` with its own limits, and fills its caches. Then, of 20
clients, 13 ask as people and programs do, each after a short pause; 7 send slowly, stop in the middle, send too much, send
what is no HTTP, or do not read. Memory is judged after the minutes of `--warm-up`, when all caches are full and every thread
and process has begun.

Printed are the requests by kind with their statuses and times, every answer of 500 or more that is not the promised 503, and
the memory by kind of process with its slope. The slope is that of a line through the least memory of each minute, when no log
is being read. The process ends with 1 if there is an error that is not promised, or if memory grows: by more than
`MAX_GROWTH`, and not by chance, which is when all of the slope's 95 % interval is above 0.
"""

import argparse
import asyncio
import contextlib
import gzip
import itertools
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
from voicebill.web.chart_renderer import MAX_CACHE_BYTES
from voicebill.web.site import Limits

ROOT = Path(__file__).parents[1]
LOG = (ROOT / "docs" / "examples" / "support-day.jsonl").read_bytes()
SCRIPT = json.dumps(openapi.EXAMPLE_SCRIPT).encode()
PLAN = json.dumps({"minutes": 7, "turns": 12, "conversations": "500/month"}).encode()

ORDINARY_CLIENTS, MISBEHAVING_CLIENTS = 13, 7
ANSWER_SECONDS = 90.0
"""An answer that takes longer is counted as none."""

SAMPLE_SECONDS = 2.0
UNAVAILABLE, SERVER_ERROR = 503, 500

MAX_GROWTH = 60.0
"""MiB an hour by which the memory of all processes may grow; less cannot be told from chance in half an hour."""

FILLED_TIMES = 1.5
"""So often each cache is filled before the load: connections are dealt to processes by chance."""
FILLING_CLIENTS = 4
CHART_BYTES, PAGE_BYTES = 45_000, 85_000
"""About the sizes of a chart and of a first page."""

STARTED_BY = {"supervising": "serving", "serving": "painting"}
"""The kind of a process by the kind of the one that started it. Logs are read by threads of those that serve."""


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
        "plan of a log": repeat(post("/api/fit", LOG)),
        "replayed log": repeat(post("/api/replay?sample=20", LOG)),
        "page of a log": repeat(get("/cost?sample=support-day&by=tenant")),
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


async def upload_long_names(connection: Connection) -> bytes:
    """A log of 100 models, whose names have 20 KB."""
    number, usage = connection.chance.random(), {"input_tokens": 500, "output_tokens": 100}
    responses = ({"id": f"resp_{line}", "model": f"{number}-{line}-{'x' * 20_000}", "usage": usage} for line in range(100))
    lines = (json.dumps({"type": "response.done", "response": response}) for response in responses)
    await connection.send(post("/api/cost?by=model", gzip.compress("\n".join(lines).encode())))
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
    upload_long_names,
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


@dataclass(frozen=True, slots=True)
class Sample:
    """The memory of all processes of a kind in MiB, shared pages in proportion, by the kind; and their open files and threads.

    `minutes` have passed since the load began.
    """

    minutes: float
    mebibytes: dict[str, float]
    processes: int
    files: int
    threads: int

    @property
    def total(self) -> float:
        """The memory of all processes."""
        return sum(self.mebibytes.values())


def process_kinds(pid: int, workers: int) -> dict[int, str]:
    """A process and all that it started, with their kinds, without Python's trackers."""
    kinds = {pid: "serving" if workers == 1 else "supervising"}
    for number in processes(pid)[1:]:
        with contextlib.suppress(OSError):
            parent = int(Path(f"/proc/{number}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[1])
            if "resource_tracker" not in Path(f"/proc/{number}/cmdline").read_text(encoding="utf-8") and parent in kinds:
                kinds[number] = STARTED_BY[kinds[parent]]
    return kinds


def take_sample(kinds: dict[int, str], minutes: float) -> Sample:
    """The memory, the files and the threads of processes of these kinds."""
    mebibytes, files, threads = dict.fromkeys(kinds.values(), 0.0), 0, 0
    for number, kind in kinds.items():
        process = Path(f"/proc/{number}")
        with contextlib.suppress(OSError):
            text = (process / "smaps_rollup").read_text(encoding="ascii")
            mebibytes[kind] += int(text.split("\nPss:")[1].split()[0]) / 1024
            files += len(list((process / "fd").iterdir()))
            threads += len(list((process / "task").iterdir()))
    return Sample(minutes, mebibytes, len(kinds), files, threads)


async def watch(pid: int, workers: int, until: float) -> list[Sample]:
    """Samples over time; one a minute is printed."""
    begun = time.perf_counter()
    samples: list[Sample] = []
    while time.perf_counter() < until:
        sample = take_sample(process_kinds(pid, workers), (time.perf_counter() - begun) / 60)
        if int(sample.minutes) > int(samples[-1].minutes if samples else -1):
            kinds = ", ".join(f"{kind} {mebibytes:.0f}" for kind, mebibytes in sample.mebibytes.items())
            print(
                f"minute {sample.minutes:5.1f}: {sample.total:6.1f} MiB in {sample.processes} processes ({kinds}); "
                f"{sample.files} files, {sample.threads} threads; load average {os.getloadavg()[0]:.1f}",
                flush=True,
            )
        samples.append(sample)
        await asyncio.sleep(min(SAMPLE_SECONDS, max(until - time.perf_counter(), 0)))
    return samples


async def fill(port: int, workers: int) -> None:
    """Fill the caches of charts and of answers of all processes."""
    charts = map(get, plans("/chart/turns.svg?user_share=0.51&"))
    pages = map(get, plans("/?user_share=0.51&"))
    counts = {charts: MAX_CACHE_BYTES / CHART_BYTES, pages: Limits().kept_bytes / PAGE_BYTES}
    for requests, count in counts.items():
        remaining = itertools.islice(requests, int(FILLED_TIMES * workers * count))

        async def ask_for_rest(remaining: Iterator[bytes] = remaining) -> None:
            for request in remaining:
                await ask(port, request)

        await asyncio.gather(*(ask_for_rest() for _ in range(FILLING_CLIENTS)))


async def soak(server: ServeCommand, workers: int, seconds: float, pause: float) -> tuple[Results, list[Sample]]:
    """Fill the caches and run all clients; returns what they were answered, and the samples."""
    port = server.port
    begun = time.perf_counter()
    await fill(port, workers)
    print(f"the caches were filled in {time.perf_counter() - begun:.0f} s", flush=True)
    results, until = Results(), time.perf_counter() + seconds
    clients = [behave(port, until, results, random.Random(number), pause) for number in range(ORDINARY_CLIENTS)]
    clients += [misbehave(port, until, results, random.Random(-number - 1), pause) for number in range(MISBEHAVING_CLIENTS)]
    watched = asyncio.ensure_future(watch(server.pid, workers, until))
    await asyncio.gather(*clients)
    return results, await watched


@dataclass(frozen=True, slots=True)
class Slope:
    """MiB an hour, with half the width of the 95 % interval; infinite if there are too few minutes for one."""

    mebibytes: float
    margin: float

    def __str__(self) -> str:
        low, high = self.mebibytes - self.margin, self.mebibytes + self.margin
        return f"{self.mebibytes:+.0f} MiB an hour (95 %: {low:+.0f} to {high:+.0f})"

    @property
    def is_growth(self) -> bool:
        """Whether it is more than may be, and not by chance."""
        return self.mebibytes > MAX_GROWTH and self.mebibytes > self.margin


def slope(points: Sequence[tuple[float, float]]) -> Slope:
    """The slope of the memory: of a line through the least of each minute.

    >>> print(slope([(0.1, 500), (0.6, 610), (1.1, 501), (2.1, 502), (3.1, 503), (4.1, 504)]))
    +60 MiB an hour (95 %: +60 to +60)
    >>> slope([(0, 500), (1, 530), (2, 500), (3, 530), (4, 500), (5, 530)]).is_growth
    False
    """
    floors: dict[int, float] = {}
    for minutes, mebibytes in points:
        floors[int(minutes)] = min(mebibytes, floors.get(int(minutes), mebibytes))
    freedom = len(floors) - 2
    if freedom < 1:
        return Slope(0.0, float("inf"))
    line = statistics.linear_regression([*floors], [*floors.values()])
    residuals = sum((value - line.intercept - line.slope * minute) ** 2 for minute, value in floors.items())
    mean = statistics.fmean(floors)
    error = (residuals / freedom / sum((minute - mean) ** 2 for minute in floors)) ** 0.5
    return Slope(60 * line.slope, 60 * student_t(freedom) * error)


def student_t(freedom: int) -> float:
    """The 97.5th percentile of Student's t (Abramowitz and Stegun, 26.7.5; within 3 % from 3 degrees of freedom).

    >>> [round(student_t(freedom), 2) for freedom in (5, 10, 23)]
    [2.57, 2.23, 2.07]
    """
    z = statistics.NormalDist().inv_cdf(0.975)
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def report_requests(results: Results, seconds: float) -> None:
    """Print the requests by kind, and the errors."""
    total = sum(counts.total() for counts in results.statuses.values())
    print(f"\n{total:,} requests in {seconds / 60:.1f} minutes; * misbehaving clients")
    print(f"{'kind':<26} {'requests':>8} {'p50 ms':>9} {'p99 ms':>9}  statuses")
    for kind in sorted(results.statuses, key=lambda kind: (kind.startswith("*"), kind)):
        counts, spent = results.statuses[kind], sorted(results.seconds[kind])
        p50, p99 = (1e3 * spent[int(share * (len(spent) - 1))] for share in (0.5, 0.99))
        statuses = ", ".join(f"{count}x {status}" for status, count in sorted(counts.items()))
        print(f"{kind:<26} {counts.total():>8,} {p50:>9,.1f} {p99:>9,.1f}  {statuses}")
    print(f"answers of 500 or more other than 503: {len(results.errors)}", *results.errors[:10], sep="\n")


def report_memory(samples: Sequence[Sample]) -> Slope:
    """Print the memory of each kind of process, and of all; returns the slope of all."""
    print(f"\nmemory from minute {samples[0].minutes:.0f} to {samples[-1].minutes:.0f}, {len(samples)} samples")
    series = {kind: [(sample.minutes, sample.mebibytes.get(kind, 0)) for sample in samples] for kind in samples[-1].mebibytes}
    series["all processes"] = [(sample.minutes, sample.total) for sample in samples]
    for kind, points in series.items():
        values = [mebibytes for _, mebibytes in points]
        print(
            f"{kind:<14} {min(values):5.0f} to {max(values):5.0f} MiB, median {statistics.median(values):5.0f}; {slope(points)}"
        )
    for name in ("processes", "files", "threads"):
        counts = [getattr(sample, name) for sample in samples]
        print(f"{name:<14} {min(counts):5} to {max(counts):5}, at the end {counts[-1]}")
    return slope(series["all processes"])


def main() -> None:
    """Run the soak and print the results."""
    parser = argparse.ArgumentParser(prog="benchmarks.soak", description="Load the site for a long time.")
    parser.add_argument("--minutes", type=float, default=30.0, help="how long (default: 30)")
    parser.add_argument("--warm-up", type=float, default=5.0, help="minutes of these that are not judged (default: 5)")
    parser.add_argument("--workers", type=int, default=1, help="processes of the site (default: 1)")
    parser.add_argument("--pause", type=float, default=0.25, help="mean seconds between requests of a client (default: 0.25)")
    options = parser.parse_args()
    server, seconds = ServeCommand(f"--workers={options.workers}"), 60 * options.minutes
    try:
        results, samples = asyncio.run(soak(server, options.workers, seconds, options.pause))
    finally:
        server.stop()
    report_requests(results, seconds)
    growth = report_memory([sample for sample in samples if sample.minutes >= options.warm_up] or samples)
    if growth.is_growth:
        print(f"memory grows: by more than {MAX_GROWTH:.0f} MiB an hour, and not by chance")
    sys.exit(1 if results.errors or growth.is_growth else 0)


if __name__ == "__main__":
    main()
