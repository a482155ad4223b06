"""Answers are kept by their addresses, and only as long as they are the same."""

from datetime import date, timedelta
from typing import Any

import pytest

from tests.cases import DAY
from tests.web.sites import client
from voicebill.web.answer_cache import ENTRY_BYTES, MAX_ANSWER_BYTES, Address, AnswerCache, KeptAnswer
from voicebill.web.bound_answers import answer_estimate
from voicebill.web.site import Limits

PLAN = "minutes=10&turns=20"


def address(query: str) -> Address:
    return Address(DAY, "http", "localhost", "", query.encode())


@pytest.fixture
def calculated(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The plans that are calculated."""
    plans: list[str] = []

    def record(bound: Any) -> Any:
        plans.append(str(bound.request.plan.minutes))
        return answer_estimate(bound)

    for user in ("routes.estimate", "estimate_view"):
        monkeypatch.setattr(f"voicebill.web.{user}.answer_estimate", record)
    return plans


@pytest.mark.parametrize("path", ["/api/estimate", "/answer", "/why", "/"])
def test_the_same_address_is_calculated_once(path: str, calculated: list[str]) -> None:
    site = client()
    first, second = site.get(f"{path}?{PLAN}"), site.get(f"{path}?{PLAN}")
    assert len(calculated) == 1
    assert (first.status_code, first.content) == (200, second.content)
    for name in ("etag", "content-type", "cache-control", "content-security-policy"):
        assert first.headers[name] == second.headers[name]
    assert site.get(f"{path}?{PLAN}", headers={"if-none-match": first.headers["etag"]}).status_code == 304
    assert site.head(f"{path}?{PLAN}").content == b""
    assert len(calculated) == 1


def test_another_day_name_or_field_is_another_answer(calculated: list[str]) -> None:
    days = [DAY]
    site = client(today=lambda: days[-1])
    site.get(f"/answer?{PLAN}")
    days.append(DAY + timedelta(days=1))
    site.get(f"/answer?{PLAN}")
    site.get(f"/answer?{PLAN}", headers={"host": "other.example"})
    site.get(f"/answer?{PLAN}&embed=1")
    assert len(calculated) == 4


def test_neither_errors_nor_what_is_posted_are_kept(calculated: list[str]) -> None:
    site = client()
    form = {"minutes": "10", "turns": "20", "discount": "10"}
    for _ in range(2):
        assert site.post("/answer", data=form).status_code == 200
        assert site.get("/api/estimate?minutes=10").status_code == 422
        assert site.get("/api/estimate?minutes=10&turns=20&discount=5").status_code == 422
    assert calculated == ["10", "10"]


def test_a_site_may_keep_nothing(calculated: list[str]) -> None:
    site = client(limits=Limits(kept_bytes=0))
    assert [site.get(f"/api/estimate?{PLAN}").status_code for _ in range(2)] == [200, 200]
    assert len(calculated) == 2


def test_the_answer_that_was_not_asked_for_for_longest_makes_room() -> None:
    """Of three answers of 1,000 bytes two have room; the first was asked for again, so the second goes."""
    cache = AnswerCache(max_bytes=2 * (1_000 + ENTRY_BYTES + 20))
    one, two, three = (address(name) for name in ("one", "two", "three"))
    for query in (one, two):
        cache.keep(query, KeptAnswer(bytes(1_000), None))
    assert cache.find(one) is not None
    cache.keep(three, KeptAnswer(bytes(1_000), None))
    assert list(cache.answers) == [one, three]
    cache.keep(two, KeptAnswer(bytes(MAX_ANSWER_BYTES + 1), None))
    assert list(cache.answers) == [one, three]
    assert cache.size == sum(1_000 + ENTRY_BYTES + len("localhost") + len(query.query) for query in (one, three))


def test_an_answer_that_two_calculate_at_once_counts_once() -> None:
    cache = AnswerCache(max_bytes=10_000)
    for _ in range(2):
        cache.keep(address("x"), KeptAnswer(bytes(100), None))
    assert cache.size == 100 + ENTRY_BYTES + len("localhost") + 1


def test_a_day_is_part_of_an_address() -> None:
    assert address("x") != address("x")._replace(today=date(2026, 1, 1))
