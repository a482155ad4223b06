"""A site in several processes: what each of them is started with, and that none outlives the first."""

import gc
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from contextlib import ExitStack, suppress
from functools import partial
from subprocess import PIPE

import pyarrow as pa
import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from voicebill.cli.app import app
from voicebill.cli.options.shared import today
from voicebill.facts import load_facts
from voicebill.web.connections import server_settings
from voicebill.web.serving import GARBAGE_THRESHOLDS, SWITCH_SECONDS, SharedPort, SiteProcess
from voicebill.web.site import Limits, Site


def set_up_nothing() -> None:
    """Leave the log of this process as it is."""


def test_what_a_process_is_started_with_can_be_sent_to_it() -> None:
    """The facts travel with it: a price file that changes later is not read by a process that takes another's place."""
    interval, thresholds, memory_pool = sys.getswitchinterval(), gc.get_threshold(), pa.default_memory_pool()
    facts = load_facts()
    process = SiteProcess(partial(Site, today=today, facts=facts, prefix="/bill"), set_up_nothing)
    settings = server_settings(Limits(connections=7))
    make_app, copied_settings = pickle.loads(pickle.dumps((process, settings)))
    try:
        health = TestClient(make_app()).get("/bill/healthz").json()
        assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)
        assert pa.default_memory_pool().backend_name == "system"
        assert gc.get_threshold() == GARBAGE_THRESHOLDS
        assert gc.get_freeze_count() > 100_000
    finally:
        gc.unfreeze()
        sys.setswitchinterval(interval)
        gc.set_threshold(*thresholds)
        pa.set_memory_pool(memory_pool)
    assert health["prices"] == facts.prices.digest
    assert copied_settings["http"].keywords["pool"].limits.connections == 7


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere processes share a socket")
def test_every_process_listens_on_the_port_by_itself() -> None:
    """Of 64 connections to two sockets each gets some: the system deals them out by their addresses."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    sockets = [pickle.loads(pickle.dumps(SharedPort("127.0.0.1", port))) for _ in range(2)]
    with ExitStack() as stack:
        for listening in sockets:
            stack.enter_context(listening).listen(64)
            listening.setblocking(False)
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(64)]
        counts = [count_accepted(listening, stack) for listening in sockets]
    assert sum(counts) == len(clients)
    assert min(counts) > 0


def count_accepted(listening: socket.socket, stack: ExitStack) -> int:
    """The number of connections that wait for a socket."""
    count = 0
    with suppress(BlockingIOError):
        while True:
            stack.enter_context(listening.accept()[0])
            count += 1
    return count


def test_the_command_starts_so_many_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []
    monkeypatch.setattr("voicebill.web.serving.serve_site", lambda *_, workers, **_more: started.append(workers))
    monkeypatch.setattr("voicebill.cli.commands.serve.require_free_port", lambda _host, _port: None)
    for words in ((), ("--workers", "3")):
        assert CliRunner().invoke(app, ["serve", *words]).exit_code == 0
    assert started == [1, 3]
    for count in ("0", "65", "two"):
        assert CliRunner().invoke(app, ["serve", "--workers", count]).exit_code == 2


def stop_site(how: signal.Signals, *options: str) -> str:
    """Start the site as a command, stop it by a signal when it answers, and return what it prints after its address.

    All of its processes hold its output: that ends with the last.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "voicebill", "serve", "--port", str(port), *options]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a shell's job in the background ignores it
    both = subprocess.STDOUT
    with subprocess.Popen(command, stdout=PIPE, stderr=both, env=environment, text=True, preexec_fn=heed) as site:  # noqa: PLW1509 - there are no threads yet
        assert site.stdout is not None
        assert "voicebill at" in site.stdout.readline()
        for _ in range(1_000):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as response:
                    assert json.load(response)["status"] == "ok"
                break
            except OSError:
                threading.Event().wait(0.05)
        site.send_signal(how)
        output, _ = site.communicate(timeout=60)
    return output


def test_ctrl_c_ends_the_site_without_a_word() -> None:
    assert stop_site(signal.SIGINT).strip() == ""


@pytest.mark.long
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=["terminated", "interrupted", "killed"])
def test_no_worker_outlives_the_supervisor(how: signal.Signals) -> None:
    output = stop_site(how, "--workers", "2")
    assert output.strip() == "" or how == signal.SIGKILL, output
