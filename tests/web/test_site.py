"""The threads of a site: they end when it stops, and what waits for them is given up."""

import threading
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from starlette.testclient import TestClient

from tests.cases import DAY
from voicebill.facts import load_facts
from voicebill.web.app import create_app
from voicebill.web.chart_renderer import ChartRenderer
from voicebill.web.site import Limits, Site

POOLS = ("workers", "slow_workers", "log_workers")


def small_site() -> Site:
    """A site with one thread of each kind."""
    return Site(today=lambda: DAY, facts=load_facts(), limits=Limits(workers=1, slow_workers=1, log_workers=1))


def threads_of(pool: ThreadPoolExecutor) -> list[threading.Thread]:
    return [thread for thread in pool._threads if thread.is_alive()]


@pytest.mark.parametrize("name", POOLS)
def test_a_stopped_site_gives_up_what_waits_and_ends_its_threads(name: str) -> None:
    """One piece of work runs, one waits. The pool is still referred to, so that nothing but `stop` can end it."""
    site, begun, resume = small_site(), threading.Event(), threading.Event()
    pool: ThreadPoolExecutor = getattr(site, name)

    def work() -> bool:
        begun.set()
        return resume.wait(10)

    running = pool.submit(work)
    waiting = pool.submit(lambda: None)
    assert begun.wait(10)
    (thread,) = threads_of(pool)
    site.stop()
    assert waiting.cancelled()
    assert not running.done()
    resume.set()
    wait([running], timeout=10)
    thread.join(10)
    assert threads_of(pool) == []
    assert running.result() is True
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        pool.submit(lambda: None)


@pytest.mark.parametrize("name", POOLS)
def test_a_stopped_site_starts_new_threads_for_the_next_request(name: str) -> None:
    site = small_site()
    pool = getattr(site, name)
    assert getattr(site, name) is pool
    site.stop()
    site.stop()
    assert getattr(site, name).submit(lambda: 7).result(10) == 7
    assert getattr(site, name) is not pool
    site.stop()


def test_the_end_of_the_application_stops_its_threads_and_its_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = list[ChartRenderer]()

    def stop(renderer: ChartRenderer) -> None:
        stopped.append(renderer)

    monkeypatch.setattr(ChartRenderer, "stop", stop)
    site = small_site()
    with TestClient(create_app(site)) as client:
        assert client.get("/healthz").status_code == 200
        pools = [getattr(site, name) for name in POOLS]
        threads = [pool.submit(threading.current_thread).result(10) for pool in pools]
        assert stopped == []
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert len(stopped) == 1
    assert [name for name in POOLS if name in site.__dict__] == []
