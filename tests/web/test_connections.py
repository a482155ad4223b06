"""What clients can make a server hold: heads, trailers, connections, pipelined requests, and answers that nobody reads."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.web.sites import serve_site
from voicebill.web.site import Limits

GET = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n"
ESTIMATE = b"GET /api/estimate?minutes=10&turns=20 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
CHUNKED = b"POST /api/estimate HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
CONTENT_TYPE = b"content-type: application/problem+json"
ENDLESS = 4 * 2**20
"""Far more bytes than a head may have; a server that stops at its limit does not receive them."""


def connect(port: int) -> socket.socket:
    """A connection to the site, on which nothing takes longer than 30 seconds."""
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def exchange(port: int, *sent: bytes) -> bytes:
    """What the site answers until it closes the connection, on which all of this is sent."""
    with connect(port) as connection:
        return received(connection, *sent)


def received(connection: socket.socket, *sent: bytes) -> bytes:
    answer = bytearray()
    try:
        for part in sent:
            connection.sendall(part)
    except (BrokenPipeError, ConnectionResetError):
        pass  # the site did not want to have all of it
    try:
        while part := connection.recv(2**16):
            answer += part
    except ConnectionResetError:
        pass
    return bytes(answer)


def status(answer: bytes) -> int:
    """The status of the first answer; 0 without one."""
    return int(answer.split(b" ", 2)[1]) if answer else 0


def port_of(address: str) -> int:
    port = urlsplit(address).port
    assert port is not None
    return port


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a site with the usual limits."""
    with serve_site() as address:
        yield port_of(address)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (GET + b"x: " + b"a" * 32_600 + b"\r\nconnection: close\r\n\r\n", 200),
        (GET + b"x: " + b"a" * 33_000 + b"\r\n\r\n", 431),
        (GET + b"x: a\r\n" * 7_000 + b"\r\n", 431),
        (b"GET /" + b"a" * 33_000 + b" HTTP/1.1\r\nhost: localhost\r\n\r\n", 414),
        (GET + b"x: " + b"a" * ENDLESS, 431),
        (GET + b"x" * ENDLESS, 431),
        (GET + b"x: a\r\n" * (ENDLESS // 6), 431),
        (b"GET /" + b"a" * ENDLESS, 414),
        (b"\r\n" * (ENDLESS // 2), 431),
        (CHUNKED + b"2\r\n{}\r\n0\r\nx: " + b"a" * ENDLESS, 431),
        (CHUNKED + b"2\r\n{}\r\n0\r\n" + b"x: a\r\n" * (ENDLESS // 6), 431),
        (CHUNKED + b"2;x=" + b"a" * ENDLESS, 431),
        (b"HELLO\r\n\r\n", 400),
        (b"CONNECT localhost:80 HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
        (CHUNKED + b"no number\r\n", 400),
    ],
    ids=(
        "long",
        "too-long",
        "too-many",
        "long-address",
        "endless-value",
        "endless-name",
        "endless-list",
        "endless-address",
        "endless-blank-lines",
        "endless-trailer",
        "endless-trailers",
        "endless-chunk-extension",
        "no-http",
        "tunnel",
        "bad-chunk",
    ),
)
def test_a_head_of_32_kib_is_answered_and_no_longer_one_is_received(port: int, head: bytes, expected: int) -> None:
    answer = exchange(port, head)
    assert status(answer) == expected, answer[:300]
    if expected != 200:
        assert CONTENT_TYPE in answer
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == expected
    assert status(exchange(port, ESTIMATE)) == 200


def test_a_large_body_in_many_small_chunks_is_no_long_head(port: int) -> None:
    """10,000 chunks of 10 bytes have 60 KB of sizes and line ends."""
    body = b'{"minutes": 10, "turns": 20' + b" " * 100_000 + b"}"
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[at : at + 10] for at in range(0, len(body), 10)))
    answer = exchange(port, CHUNKED.replace(b"host:", b"connection: close\r\nhost:"), chunks, b"0\r\nx-trailer: 1\r\n\r\n")
    assert status(answer) == 200, answer[:300]


def test_a_head_that_does_not_end_is_refused_in_time() -> None:
    with serve_site(limits=Limits(head_seconds=0.05)) as address:
        answer = exchange(port_of(address), GET + b"x: a\r\n")
        assert (status(answer), CONTENT_TYPE in answer) == (408, True)
        assert b"the head of a request must arrive within 0.05 seconds" in answer
        assert exchange(port_of(address)) == b"", "a connection without a request is closed without an answer"
        after_an_answer = exchange(port_of(address), GET + b"\r\n", GET)
        assert after_an_answer.count(b"HTTP/1.1 200") == 1
        assert after_an_answer.count(b"HTTP/1.1 408") == 1


@pytest.mark.parametrize(
    "sent",
    [b"", GET, CHUNKED.replace(b"host:", b"expect: 100-continue\r\nhost:") + b"1\r\n{\r\n", GET + b"\r\n"],
    ids=["silent", "half-head", "half-body", "idle"],
)
def test_clients_without_a_complete_request_keep_nobody_out(sent: bytes) -> None:
    """Of 30 such clients on a site with 10 connections, those that waited for longest made room."""
    with serve_site(limits=Limits(connections=10)) as address, ExitStack() as stack:
        longest = stack.enter_context(connect(port_of(address)))
        longest.sendall(sent)
        for _ in range(29):
            assert status(exchange(port_of(address), ESTIMATE)) == 200
            client = stack.enter_context(connect(port_of(address)))
            client.sendall(sent)
            if b"100-continue" in sent:
                assert client.recv(12) == b"HTTP/1.1 100", "the site reads the body"
        first = received(longest).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert status(first) == (0 if not sent else 200 if sent.endswith(b"\r\n\r\n") else 503), first


def test_connections_whose_answers_are_worked_out_are_not_closed_for_others() -> None:
    """One connection, whose request waits for a body in the other place, is kept; a further client is refused."""
    body = b'{"minutes": 10, "turns": 20}'
    head = b"POST /api/estimate HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
    with serve_site(limits=Limits(connections=1)) as address, connect(port_of(address)) as first:
        first.sendall(head)
        assert status(exchange(port_of(address), ESTIMATE)) == 200
        assert status(received(first, body)) in (0, 503)


def test_pipelined_requests_are_answered_in_order_up_to_a_limit(port: int) -> None:
    """16 may wait for one that is answered; the connection ends after those."""
    ten = exchange(port, (GET + b"\r\n") * 9, GET + b"connection: close\r\n\r\n")
    assert ten.count(b"HTTP/1.1 200") == 10
    many = exchange(port, (GET + b"\r\n") * 1_000)
    assert many.count(b"HTTP/1.1 200") == 17
    assert many.count(b"HTTP/1.1") == 17


def test_what_is_no_request_after_a_request_does_not_come_before_its_answer(port: int) -> None:
    answer = exchange(port, ESTIMATE.replace(b"connection: close\r\n", b"") + b"HELLO\r\n\r\n")
    assert status(answer) == 200
    assert answer.count(b"HTTP/1.1") == 1


def test_another_protocol_is_not_spoken(port: int) -> None:
    upgrade = GET + b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: x\r\nsec-websocket-version: 13\r\n\r\n"
    answer = exchange(port, upgrade, b"\0" * 1_000)
    assert (status(answer), answer.count(b"HTTP/1.1")) == (200, 1)


DOCUMENT = b"GET /api/openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n"


@contextmanager
def deaf_client(port: int) -> Iterator[socket.socket]:
    """A client that requests 16 long answers at once, and reads no more than that the first has begun."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.settimeout(30)
        client.connect(("127.0.0.1", port))
        client.sendall(DOCUMENT * 16)
        assert client.recv(12) == b"HTTP/1.1 200"
        yield client


def test_answers_that_nobody_reads_hold_no_place() -> None:
    """With one place for requests, eight clients that do not read leave it to the ninth."""
    with serve_site(limits=Limits(concurrent_requests=1), send_buffer=4_096) as address, ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(deaf_client(port_of(address)))
        assert [status(exchange(port_of(address), ESTIMATE)) for _ in range(10)] == [200] * 10


def test_a_client_that_reads_slowly_receives_all_its_answers() -> None:
    with serve_site(send_buffer=4_096) as address, deaf_client(port_of(address)) as client:
        client.sendall(GET + b"connection: close\r\n\r\n")
        answers = b"HTTP/1.1 200" + received(client)
    assert answers.count(b"HTTP/1.1 200") == 17


def test_answers_that_nobody_reads_are_dropped_when_they_are_too_large() -> None:
    with serve_site(limits=Limits(unread_bytes=1), send_buffer=4_096) as address, deaf_client(port_of(address)) as client:
        assert status(exchange(port_of(address), ESTIMATE)) == 200
        assert received(client).count(b"HTTP/1.1") == 0


def test_long_bodies_are_received_up_to_a_number_and_fill_no_memory() -> None:
    """Of 62 logs of 8 MiB, six are received, and the others are refused after their first 256 KiB; plans are answered."""
    head = b"POST /api/cost HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % (8 * 2**20)
    with serve_site() as address, ExitStack() as stack:
        port = port_of(address)
        logs = [stack.enter_context(connect(port)) for _ in range(62)]
        for log in logs:
            log.sendall(head + b"x" * 300_000)
        waiting = list(logs)
        while len(waiting) > 6:
            answered, _, _ = select.select(waiting, [], [], 30)
            assert {log.recv(12) for log in answered} == {b"HTTP/1.1 503"}
            waiting = [log for log in waiting if log not in answered]
        assert len(waiting) == 6
        assert status(exchange(port, ESTIMATE)) == 200
        assert select.select(waiting, [], [], 0) == ([], [], [])


def wait_for_site(port: int) -> None:
    """Return when a site that is starting answers."""
    for _ in range(1_000):
        try:
            assert status(exchange(port, ESTIMATE)) == 200
        except ConnectionRefusedError:
            threading.Event().wait(0.03)
        else:
            return
    pytest.fail("the site does not start")


def resident_mebibytes(process: int) -> int:
    """The memory that a process has used at most."""
    text = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(next(line for line in text.splitlines() if line.startswith("VmHWM")).split()[1]) // 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the memory of a process is read from /proc")
def test_the_command_serves_with_these_limits() -> None:
    """600 half-sent heads, 60 heads without end and 16,000 pipelined requests cost the process less than 100 MiB."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "voicebill", "serve", "--port", str(port)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, start_new_session=True
    ) as site:
        assert site.stdout is not None
        try:
            assert b"voicebill at" in site.stdout.readline()
            wait_for_site(port)
            before = resident_mebibytes(site.pid)
            with ExitStack() as stack:
                for _ in range(600):
                    stack.enter_context(connect(port)).sendall(GET)
                assert status(exchange(port, ESTIMATE)) == 200
            for _ in range(60):
                assert status(exchange(port, GET + b"x: " + b"a" * ENDLESS)) == 431
            for _ in range(16):
                assert exchange(port, (GET + b"\r\n") * 1_000).count(b"HTTP/1.1 200") == 17
            assert resident_mebibytes(site.pid) - before < 100
            site.send_signal(signal.SIGTERM)
            output, _ = site.communicate(timeout=30)
            assert output == b"", "what clients do wrong is not printed"
        finally:
            if site.returncode is None:
                os.killpg(site.pid, signal.SIGKILL)
