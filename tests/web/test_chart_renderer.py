"""The cache of charts keeps what was used last; the process that renders is replaced, and really ends."""

from collections.abc import Iterator
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

import pytest

from tests.web.rendering import end_process, process_id
from voicebill.charts import draw
from voicebill.web import chart_renderer
from voicebill.web.chart_renderer import ChartRenderer
from voicebill.web.forms.requests import Problem


class Charts:
    """A renderer whose charts are as many bytes as asked for; `drawn` are the keys of those that were not in the cache."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
        self.renderer, self.drawn = ChartRenderer(), list[str]()
        monkeypatch.setattr(chart_renderer, "MAX_CACHE_BYTES", limit)
        monkeypatch.setattr(self.renderer, "_render", lambda chart, kind: chart)

    def get(self, key: str, size: int = 4) -> bytes:
        def plot() -> bytes:
            self.drawn.append(key)
            return key.encode() * size

        return self.renderer.render((key,), plot, "svg")


def test_the_chart_that_was_not_used_for_longest_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 10 bytes, a and b take 8; a is used again, and with c it would be 12: b goes."""
    charts = Charts(monkeypatch, limit=10)
    assert [charts.get(key) for key in "abac"] == [b"aaaa", b"bbbb", b"aaaa", b"cccc"]
    assert charts.drawn == ["a", "b", "c"]
    assert [charts.get(key) for key in "ca"] == [b"cccc", b"aaaa"]
    assert charts.drawn == ["a", "b", "c"]
    charts.get("b")
    assert charts.drawn == ["a", "b", "c", "b"]


def test_the_cache_is_filled_to_its_limit_and_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    charts = Charts(monkeypatch, limit=8)
    for key in "abcdefab":
        charts.get(key)
        assert sum(map(len, charts.renderer.cache.values())) <= 8
    charts.drawn.clear()
    assert [charts.get(key) for key in "ab"] == [b"aaaa", b"bbbb"]
    assert charts.drawn == []


def test_a_chart_larger_than_the_cache_is_returned_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    charts = Charts(monkeypatch, limit=8)
    assert charts.get("a", size=9) == b"a" * 9
    assert charts.renderer.cache == {}


def test_the_limit_is_that_of_some_hundred_charts() -> None:
    assert chart_renderer.MAX_CACHE_BYTES == 32 * 2**20


@pytest.fixture
def renderer(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChartRenderer]:
    """A renderer whose process returns its number instead of a chart."""
    monkeypatch.setattr(draw, "render", process_id)
    chart_processes = ChartRenderer()
    yield chart_processes
    chart_processes.stop()


def has_ended(process: BaseProcess) -> bool:
    """Whether a process ends within ten seconds: by its sentinel, because the pool waits for it, too, and takes its status."""
    return bool(wait([process.sentinel], 10))


def test_a_process_is_replaced_after_so_many_charts_and_the_old_one_ends(
    renderer: ChartRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chart_renderer, "RENDERS_PER_WORKER", 2)
    first = renderer.render_once(None, "svg")
    assert renderer.worker is not None
    (process,) = renderer.worker._processes.values()
    assert renderer.render_once(None, "svg") == first
    assert process.is_alive()
    assert renderer.render_once(None, "svg") != first
    assert has_ended(process)


def test_a_stopped_renderer_has_no_process_and_starts_another(renderer: ChartRenderer) -> None:
    first, worker = renderer.render_once(None, "svg"), renderer.worker
    assert worker is not None
    (process,) = worker._processes.values()
    renderer.stop()
    assert has_ended(process)
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        worker.submit(process_id, None, "svg")
    assert renderer.render_once(None, "svg") != first


def test_a_process_that_is_killed_is_a_problem_once(renderer: ChartRenderer, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as context:
        context.setattr(draw, "render", end_process)
        with pytest.raises(Problem) as caught:
            renderer.render_once(None, "svg")
    assert caught.value.status == 503
    assert renderer.render_once(None, "svg").isdigit()
