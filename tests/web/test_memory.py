"""What requests leave behind: no text of a log, no object, no open file, no folder and no connection."""

import gc
import inspect
import json
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import _lru_cache_wrapper
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.bills import LOG, vendor_bill
from tests.web import sites
from tests.web.sites import client, serve_site
from voicebill.web.connections import ConnectionPool, server_settings
from voicebill.web.site import Limits

SUPPORT_DAY = LOG.read_bytes()
READERS = ("voicebill.logs", "voicebill.engines", "voicebill.answers.invoices")
"""What keeps the texts of logs and bills while it reads them."""
WITHOUT_ANSWERS = Limits(kept_bytes=0)
"""Limits with which no answer is kept, so that another one leaves nothing."""
MAX_BLOCKS_LEFT = 3_000
"""A plan of many turns left 7,000 when the lengths of its calls were kept."""


def text_caches() -> Iterator[tuple[str, "_lru_cache_wrapper[Any]"]]:
    """The caches of functions with parameters that the readers of logs and bills have, with their names."""
    for module_name, module in [*sys.modules.items()]:
        for name, value in [*vars(module).items()] if module_name.startswith(READERS) else ():
            if isinstance(value, _lru_cache_wrapper) and inspect.signature(value.__wrapped__).parameters:
                yield f"{module_name}.{name}", value


def log_of_long_names() -> bytes:
    """A log with names that no other log has, each as long as a line may be: of models, of a field and of tenants."""
    usage = {"input_tokens": 500, "output_tokens": 100}
    responses = (
        {"id": f"resp_{line}", "model": f"{line}-{'x' * 9_000}", "usage": usage, f"field_{line}{'y' * 9_000}": 1}
        for line in range(3)
    )
    lines = (json.dumps({"type": "response.done", "tenant": f"t{'z' * 400}", "response": response}) for response in responses)
    return "\n".join(lines).encode()


def reconcile(site: TestClient, log: bytes) -> Any:
    return site.post("/api/reconcile", files=[("log", ("log.jsonl", log)), ("bill", ("bill.csv", vendor_bill()))])


LOG_REQUESTS: dict[str, Callable[[TestClient, bytes], Any]] = {
    "a cost": lambda site, log: site.post("/api/cost", params={"by": "model,tenant"}, content=log),
    "a cost on the page": lambda site, log: site.post("/cost", files={"log": ("usage.jsonl", log)}),
    "an explanation": lambda site, log: site.post("/api/explain", content=log),
    "a fit": lambda site, log: site.post("/api/fit", content=log),
    "a replay": lambda site, log: site.post("/api/replay", params={"sample": "2"}, content=log),
    "a verification": lambda site, log: site.post("/api/verify", content=log),
    "a comparison with a bill": reconcile,
    "a damaged log": lambda site, log: site.post("/api/cost", content=log[:-40] + b"\xff,;\x00" + log[:1_000]),
    "a table": lambda site, log: site.post("/api/cost", content=b"session,model,input_tokens\n1," + log[60:5_000] + b",5\n"),
}


@pytest.mark.parametrize("ask", LOG_REQUESTS.values(), ids=LOG_REQUESTS)
@pytest.mark.parametrize("log", [SUPPORT_DAY, log_of_long_names()], ids=["ordinary", "of long names"])
def test_no_text_of_a_log_is_kept(ask: Callable[[TestClient, bytes], Any], log: bytes) -> None:
    """A process that serves reads the logs of all: what one contains is forgotten, whether or not it could be read."""
    assert ask(sites.SITE, log).status_code in (200, 422)
    assert {name: cache.cache_info().currsize for name, cache in text_caches() if cache.cache_info().currsize} == {}


REQUESTS: dict[str, Callable[[TestClient, int], Any]] = {
    "an estimate": lambda site, number: site.get(f"/api/estimate?minutes={10 + number}&turns=20&conversations=1000/month"),
    "a discount": lambda site, number: site.post("/api/estimate", json={"minutes": 10 + number, "turns": 20, "discount": "5%"}),
    "a page": lambda site, number: site.get(f"/?minutes={10 + number}&turns=20"),
    "a comparison": lambda site, number: site.get(f"/compare?minutes={10 + number}&turns=10"),
    "a quote": lambda site, number: site.get(f"/quote?minutes={10 + number}&turns=20"),
    "a table": lambda site, number: site.get(f"/export.csv?minutes={10 + number}&turns=20"),
    "a capacity": lambda site, number: site.get(f"/api/capacity?minutes={10 + number}&turns=20&conversations=1000/day"),
    "a log": lambda site, _: site.post("/api/cost", params={"by": "session"}, content=SUPPORT_DAY),
    "an explained log": lambda site, _: site.post("/api/explain", content=SUPPORT_DAY),
    "a plan of many turns": lambda site, number: site.get(f"/?minutes={500 + number}&turns=400&conversations=1/day"),
    "a wrong field": lambda site, number: site.get(f"/api/estimate?minutes=ten{number}"),
    "no page": lambda site, number: site.get(f"/page-{number}"),
}


@pytest.fixture(scope="module", autouse=True)
def _without_earlier_objects() -> None:
    """Leave what earlier tests keep out of every count: with it, a count takes three times as long."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module")
def site_without_answers() -> TestClient:
    """A site that keeps no answers."""
    return client(limits=WITHOUT_ANSWERS)


def count_objects() -> Counter[str]:
    """The number of objects of each class of the package."""
    gc.collect()
    classes = (type(instance) for instance in gc.get_objects())
    return Counter(kind.__qualname__ for kind in classes if str(kind.__module__).startswith("voicebill."))


def objects_left_by(ask: Callable[[TestClient, int], Any], site: TestClient, numbers: Iterable[int]) -> dict[str, int]:
    """The classes of which there are more after some requests, by one or more for each."""
    requests = list(numbers)
    before = count_objects()
    for number in requests:
        ask(site, number)
    return {name: count for name, count in (count_objects() - before).items() if count >= len(requests)}


@pytest.mark.parametrize("ask", REQUESTS.values(), ids=REQUESTS)
def test_requests_leave_no_objects(ask: Callable[[TestClient, int], Any], site_without_answers: TestClient) -> None:
    """Three more of a kind, all of them different plans, do not leave an object each.

    An idle thread has its last answer until it gets another request: so after some rounds, when all threads have had one.
    """
    ask(site_without_answers, 0)
    rounds = (objects_left_by(ask, site_without_answers, range(start, start + 3)) for start in range(1, 25, 3))
    assert {} in rounds


@pytest.mark.parametrize("ask", REQUESTS.values(), ids=REQUESTS)
def test_requests_leave_little_memory(ask: Callable[[TestClient, int], Any], site_without_answers: TestClient) -> None:
    """After some rounds, three more requests of a kind leave fewer than 3,000 blocks of memory each."""
    ask(site_without_answers, 100)
    rounds = (blocks_left_by(ask, site_without_answers, range(start, start + 3)) for start in range(101, 125, 3))
    assert any(blocks < 3 * MAX_BLOCKS_LEFT for blocks in rounds)


def blocks_left_by(ask: Callable[[TestClient, int], Any], site: TestClient, numbers: Iterable[int]) -> int:
    """The blocks of memory that some requests leave allocated: about one for each number, tuple or other object."""
    gc.collect()
    before = sys.getallocatedblocks()
    for number in numbers:
        ask(site, number)
    gc.collect()
    return sys.getallocatedblocks() - before


@pytest.mark.parametrize("kind", ["a cost", "a fit", "a comparison with a bill", "a damaged log"])
def test_logs_leave_neither_files_nor_folders(kind: str, tmp_path: Path) -> None:
    """The folder into which a database would spill is gone, and so is every file that was opened for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path))
        LOG_REQUESTS[kind](sites.SITE, SUPPORT_DAY)
        before = count_open_files()
        LOG_REQUESTS[kind](sites.SITE, SUPPORT_DAY)
    assert count_open_files() <= before
    assert [*tmp_path.iterdir()] == []


def count_open_files() -> int:
    return len([*Path("/proc/self/fd").iterdir()]) if sys.platform == "linux" else 0


MISBEHAVIOURS = {
    "half a head": b"GET / HTTP/1.1\r\nhost: local",
    "half a body": b"POST /api/cost HTTP/1.1\r\nhost: localhost\r\ncontent-length: 900000\r\n\r\n" + bytes(300_000),
    "no HTTP": b"\x16\x03\x01\x02\r\n\r\n",
    "a head without end": b"GET / HTTP/1.1\r\nhost: localhost\r\nx: " + b"a" * 100_000,
    "a body that is too long": b"POST /api/cost HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4294967296\r\n\r\n"
    + bytes(9_000),
    "pages that are not read": b"GET /learn HTTP/1.1\r\nhost: localhost\r\n\r\n" * 12,
    "a plan that takes long": b"GET /compare?minutes=300&turns=600 HTTP/1.1\r\nhost: localhost\r\n\r\n",
}


def test_clients_that_misbehave_leave_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four clients of each kind send their bytes and go; when the site has stopped there is nothing of them."""
    pools: list[ConnectionPool] = []

    def settings_with_pool(limits: Limits) -> dict[str, Any]:
        settings = server_settings(limits)
        pools.append(settings["http"].keywords["pool"])
        return settings

    monkeypatch.setattr(sites, "server_settings", settings_with_pool)
    before = count_objects()
    with serve_site(limits=Limits(head_seconds=0.2, body_seconds=0.2)) as address:
        port = int(address.rpartition(":")[2])
        for sent in MISBEHAVIOURS.values():
            for _ in range(4):
                with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                    try_to_send(connection, sent)
    (pool,) = pools
    assert (pool.without_head, pool.without_body, pool.unread) == ({}, {}, {})
    left = count_objects() - before
    assert not left["BoundedProtocol"]
    assert not left["Slots"]


def try_to_send(connection: socket.socket, sent: bytes) -> None:
    """Send bytes, as far as the site takes them."""
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(sent)


FREE_AFTER_LARGE_BLOCKS = """
import sys
from pathlib import Path
import pyarrow as pa
from voicebill.web.serving import return_freed_memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

return_freed_memory()
before = resident()
blocks = [bytearray(b"x") * size for size in (24 * 2**20, 6 * 2**20, 6 * 2**20)]
column = pa.array(["x" * 2**20] * 30)
below = bytearray(2**16)  # what stands above the others keeps a heap from shrinking
del blocks, column
sys.exit(resident() - before > 8 * 2**20)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it reads the memory of a process from /proc")
def test_large_blocks_are_given_back_when_they_are_freed() -> None:
    """Of 66 MiB that are freed, a process that serves keeps less than 8, those of Arrow included."""
    subprocess.run([sys.executable, "-c", FREE_AFTER_LARGE_BLOCKS], check=True, timeout=60)
