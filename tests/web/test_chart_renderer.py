"""The cache of charts keeps what was used last; processes that render are replaced, and end; no work waits for a chart."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

import pytest

from tests.cases import DAY, long_but
from tests.web.rendering import end_process, process_id, wait_forever
from tests.web.sites import client, run
from voicebill.charts import draw
from voicebill.web import chart_renderer, painter
from voicebill.web.chart_renderer import CACHED_CHART_BYTES, MAX_PNG_WIDTH, MAX_QUEUED, ChartRenderer
from voicebill.web.site import Site
from voicebill.web.status_reports import Problem

ENTRY_BYTES = len(repr(("a",))) + CACHED_CHART_BYTES
"""What a chart of `Charts` takes in addition to its picture."""


class Charts:
    """A renderer whose charts are as many bytes as asked for; `drawn` are the keys of those that were not in the cache."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
        self.site, self.renderer, self.drawn = Site(today=lambda: DAY), ChartRenderer(), list[str]()
        monkeypatch.setattr(chart_renderer, "MAX_CACHE_BYTES", limit)
        monkeypatch.setattr(self.renderer, "_paint", lambda chart, kind: chart)

    def get(self, key: str, size: int = 4) -> bytes:
        def plot() -> bytes:
            self.drawn.append(key)
            return key.encode() * size

        return run(lambda: self.renderer.render(self.site, (key,), plot, "svg"))


def test_the_chart_that_was_not_used_for_longest_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is room for two charts of 4 bytes, a and b; a is used again, and c takes the place of b."""
    charts = Charts(monkeypatch, limit=2 * (4 + ENTRY_BYTES) + 2)
    assert [charts.get(key) for key in "abac"] == [b"aaaa", b"bbbb", b"aaaa", b"cccc"]
    assert charts.drawn == ["a", "b", "c"]
    assert [charts.get(key) for key in "ca"] == [b"cccc", b"aaaa"]
    assert charts.drawn == ["a", "b", "c"]
    charts.get("b")
    assert charts.drawn == ["a", "b", "c", "b"]


def test_the_cache_is_filled_to_its_limit_and_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    charts = Charts(monkeypatch, limit=2 * (4 + ENTRY_BYTES))
    for key in "abcdefab":
        charts.get(key)
        assert sum(len(image) + ENTRY_BYTES for image in charts.renderer.cache.values()) == charts.renderer.cache_bytes
        assert charts.renderer.cache_bytes <= 2 * (4 + ENTRY_BYTES)
    charts.drawn.clear()
    assert [charts.get(key) for key in "ab"] == [b"aaaa", b"bbbb"]
    assert charts.drawn == []


def test_a_chart_larger_than_the_cache_is_returned_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    charts = Charts(monkeypatch, limit=8 + ENTRY_BYTES)
    assert charts.get("a", size=9) == b"a" * 9
    assert (charts.renderer.cache, charts.renderer.cache_bytes) == ({}, 0)


def test_the_limit_is_that_of_some_hundred_charts() -> None:
    assert chart_renderer.MAX_CACHE_BYTES == 16 * 2**20


@pytest.fixture
def renderer(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChartRenderer]:
    """A renderer whose process returns its number instead of a chart."""
    monkeypatch.setattr(draw, "render", process_id)
    chart_processes = ChartRenderer()
    yield chart_processes
    chart_processes.stop()


def render(renderer: ChartRenderer, kind: str = "svg") -> bytes:
    """What the process of a kind returns."""
    return run(lambda: renderer.render(Site(today=lambda: DAY), (object(),), lambda: None, kind))


def has_ended(process: BaseProcess) -> bool:
    """Whether a process ends within ten seconds."""
    return not process.is_alive() or bool(wait([process.sentinel], 10))


def test_a_process_is_replaced_after_so_many_charts_and_the_old_one_ends(
    renderer: ChartRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chart_renderer, "RENDERS_PER_PAINTER", 2)
    first = render(renderer)
    process = renderer.painters["svg"].process
    assert render(renderer) == first
    assert process.is_alive()
    assert render(renderer) != first
    assert has_ended(process)


def test_each_kind_has_a_process_of_its_own(renderer: ChartRenderer) -> None:
    assert render(renderer, "svg") != render(renderer, "png")


def test_a_stopped_renderer_has_no_process_and_starts_another(renderer: ChartRenderer) -> None:
    first, process = render(renderer), renderer.painters["svg"].process
    renderer.stop()
    assert has_ended(process)
    assert render(renderer) != first


def test_a_process_that_is_killed_is_a_problem_once(renderer: ChartRenderer, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as context:
        context.setattr(draw, "render", end_process)
        with pytest.raises(Problem) as caught:
            render(renderer)
    assert caught.value.status == 503
    assert render(renderer).isdigit()


def test_a_chart_that_takes_too_long_is_given_up_with_its_process(
    renderer: ChartRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert render(renderer).isdigit()
    process = renderer.painters["svg"].process
    with monkeypatch.context() as context:
        context.setattr(draw, "render", wait_forever)
        context.setattr(painter, "RENDER_SECONDS", 0.01)
        with pytest.raises(Problem) as caught:
            render(renderer)
    assert caught.value.status == 503
    assert has_ended(process)
    assert render(renderer).isdigit()


def test_charts_that_wait_hold_no_worker_of_the_site_and_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """While 6 PNGs are not finished, all 4 workers are free, an SVG is rendered, and a seventh PNG is refused."""
    site, renderer, finish, started = Site(today=lambda: DAY), ChartRenderer(), threading.Event(), threading.Event()

    def paint(chart: bytes, kind: str) -> bytes:
        if kind == "png":
            started.set()
            assert finish.wait(30)
        return chart

    monkeypatch.setattr(renderer, "_paint", paint)

    async def go() -> None:
        loop = asyncio.get_running_loop()
        pngs = [
            asyncio.create_task(renderer.render(site, (object(),), lambda: b"png", "png")) for _ in range(MAX_QUEUED["png"])
        ]
        assert await loop.run_in_executor(None, started.wait, 30)
        barrier = threading.Barrier(site.limits.workers)
        work = [loop.run_in_executor(site.workers, barrier.wait, 30) for _ in range(site.limits.workers)]
        assert sorted(await asyncio.gather(*work)) == list(range(site.limits.workers))
        assert await renderer.render(site, ("svg",), lambda: b"svg", "svg") == b"svg"
        with pytest.raises(Problem, match="too many charts") as caught:
            await renderer.render(site, ("seventh",), lambda: b"png", "png")
        assert caught.value.status == 503
        finish.set()
        assert await asyncio.gather(*pngs) == [b"png"] * len(pngs)
        assert await renderer.render(site, ("later",), lambda: b"png", "png") == b"png"

    try:
        run(go)
    finally:
        finish.set()
        renderer.stop()
        site.stop()


def test_a_png_is_no_wider_than_can_be_rendered_in_two_seconds() -> None:
    site = client()
    assert site.get(f"/chart/turns.png?width={MAX_PNG_WIDTH + 1}").status_code == 422
    assert site.get("/chart/turns.png?width=2400").json()["errors"][0]["field"] == "width"
    assert site.get("/chart/turns.svg?width=2400").status_code == 200


def answer(address: str, site: subprocess.Popen[bytes]) -> bytes:
    """The answer of a site that is starting; until it has, connections are refused or reset."""
    for _ in range(1_000):
        try:
            with urllib.request.urlopen(address) as response:
                content: bytes = response.read()
                return content
        except OSError:
            assert site.poll() is None, f"the site has ended: {site.communicate()[0].decode()}"
            threading.Event().wait(0.03)
    pytest.fail("the site does not start")


@pytest.mark.parametrize("painting", [False, True], ids=["idle", "painting"])
@pytest.mark.parametrize("how", long_but((signal.SIGKILL,), [signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
def test_no_process_outlives_the_site(how: signal.Signals, *, painting: bool) -> None:
    """The processes that render, and the tracker that Python starts, hold the output of the site: it ends with the last."""
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
            assert b"<svg" in answer(f"http://127.0.0.1:{port}/chart/turns.svg", site)
            with socket.create_connection(("127.0.0.1", port)) as client:
                if painting:
                    client.sendall(b"GET /chart/turns.png HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
                    assert b"ok" in answer(f"http://127.0.0.1:{port}/healthz", site)
                site.send_signal(how)
                output, _ = site.communicate(timeout=60)
            assert b"Traceback" not in output
        finally:
            if site.returncode is None:
                os.killpg(site.pid, signal.SIGKILL)
