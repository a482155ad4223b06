"""Measure how long a default answer takes beside clients that ask for the most expensive things, as fast as they can.

Each crowd consists of clients in threads, which repeat one kind of request; the last crowd is all of them. The site runs
with its own limits in a process of its own.
"""

import gzip
import itertools
import json
import random
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from benchmarks.web import ServerProcess, site_with_limits

DEFAULT = "/api/estimate?minutes=10&turns=20", "/"
SECONDS = 12.0


def get(path: str) -> bytes:
    """A request without a body."""
    return f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode()


def post(path: str, body: bytes) -> bytes:
    """A request with a body."""
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def brackets() -> bytes:
    """A compressed log whose lines are slow to read."""
    return gzip.compress((b"INFO input_tokens=1 " + b"[" * 60_000 + b"\n") * 400)


def responses() -> bytes:
    """A log of 20,000 responses."""
    usage = {"input_tokens": 500, "output_tokens": 100}
    lines = (
        json.dumps({"type": "response.done", "response": {"id": f"resp_{number}", "usage": usage}}) for number in range(20_000)
    )
    return gzip.compress("\n".join(lines).encode())


def crowds() -> dict[str, list[Iterator[bytes]]]:
    """The clients of every crowd, as the requests that they repeat."""
    numbers = itertools.count()
    chance = random.Random(20261128)

    def different(make: Callable[[int], bytes], clients: int) -> list[Iterator[bytes]]:
        return [(make(next(numbers)) for _ in itertools.count()) for _ in range(clients)]

    return {
        "long plans": different(lambda n: get(f"/compare?minutes={300 + n % 900}&turns=600"), 16),
        "sessions that carry text": different(
            lambda n: get(f"/?minutes={400 + n % 900}&turns=1000&session_minutes=1&session_carryover=text"), 16
        ),
        "break-even": different(lambda n: get(f"/api/compare?minutes={60 + n % 60}&turns=100&break_even=minutes"), 16),
        "PNGs": different(lambda n: get(f"/chart/turns.png?width={900 + n % 300}&minutes={10 + n % 50}&turns=20"), 8),
        "logs of brackets": different(lambda _: post("/api/cost", brackets()), 4),
        "logs of responses": different(lambda _: post("/api/cost?model=gpt-realtime-1.5&by=session", responses()), 4),
        "heads without end": different(lambda _: b"GET / HTTP/1.1\r\nx: " + b"a" * chance.randrange(2**20), 8),
    }


def ask(port: int, request: bytes) -> bytes:
    """The beginning of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        with suppress(OSError):
            connection.sendall(request)
        answer = connection.recv(2**16)
        while answer and connection.recv(2**16):
            pass
        return answer[:12]


def measure(port: int, name: str, clients: list[Iterator[bytes]]) -> None:
    """Print how long default answers take beside these clients."""
    over = threading.Event()
    statuses: list[bytes] = []

    def repeat(requests: Iterator[bytes]) -> None:
        while not over.is_set():
            try:
                statuses.append(ask(port, next(requests))[9:])
            except OSError:
                statuses.append(b"---")

    threads = [threading.Thread(target=repeat, args=(requests,), daemon=True) for requests in clients]
    for thread in threads:
        thread.start()
    spent: dict[str, list[float]] = {path: [] for path in DEFAULT}
    until = time.perf_counter() + SECONDS
    refused = 0
    while time.perf_counter() < until:
        for path, seconds in spent.items():
            begun = time.perf_counter()
            refused += not ask(port, get(path)).startswith(b"HTTP/1.1 200")
            seconds.append(time.perf_counter() - begun)
    over.set()
    for thread in threads:
        thread.join(60)
    counts = ", ".join(f"{count}x {status.decode()}" for status in sorted(set(statuses)) if (count := statuses.count(status)))
    for path, seconds in spent.items():
        print(f"{name:26} {path:36} median {statistics.median(seconds):6.3f} s  worst {max(seconds):6.3f} s  of {len(seconds)}")
    print(f"{'':26} the crowd: {counts or 'none'}; default answers that were refused: {refused}", flush=True)


def main() -> None:
    """Run the benchmark and print the results."""
    server = ServerProcess(site_with_limits)
    try:
        measure(server.port, "nobody", [])
        everyone: list[Iterator[bytes]] = []
        for name, clients in crowds().items():
            measure(server.port, name, clients)
        for clients in crowds().values():
            everyone += clients[: max(2, len(clients) // 2)]
        measure(server.port, "all of them", everyone)
    finally:
        server.process.terminate()


if __name__ == "__main__":
    main()
