"""The work of a request is bounded by what it counts: a seeded search for the most expensive requests finds none beyond."""

import asyncio
import random
import threading
from itertools import pairwise
from typing import Any

import pytest

from tests.cases import DAY
from tests.web.sites import SITE, client, run
from voicebill.conversation.work import STEPS_BETWEEN_CHECKS, checked, counted_steps
from voicebill.web import responses
from voicebill.web.forms.requests import MAX_CALL_LENGTHS
from voicebill.web.responses import StepBudget, run_in_threads, run_quickly
from voicebill.web.site import Limits, Site
from voicebill.web.status_reports import Problem

PATHS = (
    "/",
    "/why",
    "/compare",
    "/capacity",
    "/capacity/answer",
    "/export.csv",
    "/quote",
    "/compare.csv",
    "/api/estimate",
    "/api/compare",
    "/api/capacity",
    "/chart/lengths.svg",
    "/chart/sensitivity.svg",
    "/chart/offers.svg",
    "/chart/break-even.svg",
)
LEVERS: dict[str, tuple[str, ...]] = {
    "minutes": ("2", "40", "1440"),
    "turns": ("25", "50", "100"),
    "tool_calls": ("0", "50"),
    "images": ("0", "50"),
    "session_minutes": ("1", "60"),
    "session_carryover": ("text", "nothing"),
    "calls_end_with_session": ("no", "yes"),
    "interrupted_share": ("0%", "30%"),
    "instructions_change": ("0%", "50%"),
    "first_speaker": ("user", "assistant"),
    "conversations": ("9/month", "1000000/month"),
    "call_length_cv": ("0", "5"),
    "model": ("gpt-realtime-1.5", "gpt-realtime-2.1", "gpt-realtime-mini"),
    "break_even": ("minutes", "turns", "speech"),
    "range": ("1:100", "1:1440"),
    "against": ("minutes=40&turns=100", "support"),
    "sensitivity": ("true", "false"),
}
FIELDS_OF = {"break_even": "compare", "range": "compare", "against": "/compare", "sensitivity": "/api/estimate"}
"""Fields that only addresses with this text have."""

SMALL = Limits(turns=100, longest_call_turns=600, steps=10_000)


def random_request(chance: random.Random) -> tuple[str, dict[str, str]]:
    path = chance.choice(PATHS)
    fields = {name: chance.choice(values) for name, values in LEVERS.items() if chance.random() < 0.7}
    kept = {name: value for name, value in fields.items() if FIELDS_OF.get(name, "") in path or name == path}
    return path, kept


def test_no_request_within_the_bounds_takes_more_work_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 60 requests with random levers, each counts at most its 10,000 responses, and is answered or refused as too long."""
    budgets: list[StepBudget] = []
    outside = list[int]()

    class RecordedBudget(StepBudget):
        def __init__(self, steps: int) -> None:
            super().__init__(steps)
            budgets.append(self)

    monkeypatch.setattr(responses, "StepBudget", RecordedBudget)
    monkeypatch.setattr("voicebill.web.chart_renderer.ChartRenderer._paint", lambda *_: b"picture")
    site, chance, used, statuses = client(limits=SMALL), random.Random(20261128), list[int](), set[int]()
    for _ in range(60):
        path, fields = random_request(chance)
        budgets.clear()
        with counted_steps(outside.append):
            statuses.add(site.get(path, params=fields).status_code)
        used.append(sum(min(SMALL.steps, SMALL.steps - budget.left) for budget in budgets))
    assert statuses <= {200, 422}
    assert 200 in statuses
    assert max(used) > SMALL.steps / 2, "the search finds nothing expensive: give it other levers"
    assert max(used) <= 2 * SMALL.steps  # a page counts twice: the answer, and its explanation
    assert sum(outside) == 0, "conversations are counted outside the threads, without a limit"


def test_counting_stops_at_the_limit_and_the_error_names_what_to_reduce() -> None:
    site = client(limits=Limits(steps=200))
    fields = {"minutes": "20", "turns": "100"}
    assert site.get("/api/estimate", params={"minutes": "2", "turns": "4"}).status_code == 200
    refused = site.get("/api/compare", params=fields)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "turns")
    assert "takes more work than is possible here" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("limits", "request_fields"),
    [
        ({}, {"turns": "1000", "minutes": "1440"}),
        ({}, {"turns": "1000", "minutes": "300", "conversations": "1000/month"}),
        ({}, {"turns": "300", "minutes": "10", "conversations": "1000/month", "model": "gpt-realtime-2.1"}),
    ],
)
def test_long_plans_are_still_answered(limits: dict[str, Any], request_fields: dict[str, str]) -> None:
    """An hour-long call with all that the page shows is within the limit."""
    site = client(limits=Limits(**limits))
    for path in ("/api/estimate?sensitivity=true", "/compare"):
        separator = "&" if "?" in path else "?"
        query = "&".join(f"{name}={value}" for name, value in request_fields.items())
        answer = site.get(f"{path}{separator}{query}")
        assert answer.status_code == 200, answer.text[:300]


def test_a_break_even_is_estimated_before_it_is_counted() -> None:
    """At most 24 values from 1 to 20,000 turns are 24 x 10,000 turns for each of two alternatives."""
    query = "minutes=400&turns=100&break_even=turns&range=1:20000"
    refused = SITE.get(f"/api/compare?{query}")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "range")
    assert "the break-even would count" in refused.json()["detail"]
    many = ",".join(["gpt-realtime-1.5", "gpt-realtime-mini"] * 10)
    refused = SITE.get(f"/api/compare?minutes=10&turns=20&break_even=minutes&alternative={many}")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "alternative")


def test_so_many_call_lengths_are_possible() -> None:
    plan = {"minutes": 10, "turns": 20}
    for count, status in ((MAX_CALL_LENGTHS, 200), (MAX_CALL_LENGTHS + 1, 422)):
        lengths = [[1 + number / 1000, 1] for number in range(count)]
        assert SITE.post("/api/estimate", json=plan | {"call_lengths": lengths}).status_code == status


def test_work_stops_when_nobody_waits_for_it() -> None:
    """The thread of a request that is cancelled goes on to its next check, and no further."""
    site, started, cancelled, stopped = Site(today=lambda: DAY), threading.Event(), threading.Event(), list[str]()
    ended = threading.Event()

    def work() -> None:
        try:
            started.set()
            assert cancelled.wait(30)
            list(checked([0] * STEPS_BETWEEN_CHECKS))
        except Problem as problem:
            stopped.append(problem.title)
            raise
        finally:
            ended.set()

    async def go() -> None:
        task = asyncio.create_task(run_in_threads(site, work))
        assert await asyncio.get_running_loop().run_in_executor(None, started.wait, 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        cancelled.set()
        assert await asyncio.get_running_loop().run_in_executor(None, ended.wait, 30)

    run(go)
    site.stop()
    assert stopped == ["Too slow"]


def test_quick_requests_wait_for_no_slow_one() -> None:
    """While more slow requests are counted than there are threads for them, a plan of 20 turns is answered."""
    site, started, finish = Site(today=lambda: DAY), threading.Semaphore(0), threading.Event()
    slow_workers = site.limits.slow_workers

    def slow_work() -> str:
        list(checked([0] * (site.limits.quick_steps + STEPS_BETWEEN_CHECKS)))
        started.release()
        assert finish.wait(30)
        return threading.current_thread().name

    def quick_work() -> str:
        list(checked([0] * site.limits.quick_steps))
        return threading.current_thread().name

    async def go() -> tuple[list[str], list[str]]:
        loop = asyncio.get_running_loop()
        slow = [asyncio.create_task(run_in_threads(site, slow_work)) for _ in range(site.limits.workers + slow_workers)]
        for _ in range(slow_workers):
            assert await loop.run_in_executor(None, started.acquire, True, 30)
        quick = [await run_in_threads(site, quick_work) for _ in range(10)]
        assert not any(task.done() for task in slow)
        finish.set()
        return quick, await asyncio.gather(*slow)

    try:
        quick, slow = run(go)
    finally:
        finish.set()
        site.stop()
    assert not [name for name in quick if "slow" in name]
    assert not [name for name in slow if "slow" not in name]


def test_slow_work_has_all_its_steps() -> None:
    """The steps that it took in the threads for quick work do not count twice."""
    site = Site(today=lambda: DAY, limits=Limits(quick_steps=100, steps=1_000))

    async def go(steps: int) -> int:
        return await run_in_threads(site, lambda: len(list(checked([0] * steps))))

    assert run(lambda: go(1_000)) == 1_000
    with pytest.raises(Problem, match="takes more work than is possible here"):
        run(lambda: go(1_001))
    site.stop()


def test_work_that_runs_out_of_items_ends_as_an_error() -> None:
    """Asyncio passes no StopIteration on: without a conversion the request would wait until its time is over."""
    site = Site(today=lambda: DAY)

    def work() -> int:
        return next(iter(list[int]()))

    with pytest.raises(RuntimeError, match="no next item"):
        run(lambda: asyncio.wait_for(run_in_threads(site, work), 60))
    site.stop()


def test_quick_work_takes_turns_in_the_event_loop() -> None:
    """Three requests are calculated in their order; between two of them the loop does what else there is to do."""
    site, events = Site(today=lambda: DAY), list[str]()

    async def calculate(name: str) -> str:
        def work() -> str:
            events.append(name)
            return threading.current_thread().name

        return await run_quickly(site, work)

    async def go() -> list[str]:
        tasks = [asyncio.create_task(calculate(name)) for name in ("one", "two", "three")]
        while len(events) < 5:
            await asyncio.sleep(0)
            if events and events[-1] != "else":
                events.append("else")
        return [threading.current_thread().name, *await asyncio.gather(*tasks)]

    assert len(set(run(go))) == 1
    assert [name for name in events if name != "else"] == ["one", "two", "three"]
    assert ("one", "two") not in pairwise(events)
    site.stop()


@pytest.mark.parametrize("limits", [Limits(immediate_steps=100), Limits(immediate_steps=100, quick_steps=100)])
def test_work_that_is_not_quick_goes_on_in_a_thread(limits: Limits) -> None:
    site = Site(today=lambda: DAY, limits=limits)

    def work() -> str:
        list(checked([0] * 200))
        return threading.current_thread().name

    name = run(lambda: run_quickly(site, work))
    assert name.startswith("voicebill-slow" if limits.quick_steps == 100 else "voicebill_")
    site.stop()


def test_an_estimate_in_the_event_loop_has_no_more_steps_than_a_request_may_have() -> None:
    site = client(limits=Limits(steps=64))
    answer = site.get("/api/estimate?minutes=20&turns=100")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "turns")
