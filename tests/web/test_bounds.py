"""Bounds of requests, from both sides: what is as large as it may be is answered, and one more is refused."""

import json
from typing import Any

import pytest

from tests.web.sites import SITE, client
from voicebill.web.forms.requests import MAX_FIELD_CHARACTERS, MAX_REPORTED_ERRORS, MAX_REQUEST_FIELDS, MAX_REQUEST_IMAGES
from voicebill.web.site import Limits

PLAN = {"minutes": 10, "turns": 20}


@pytest.mark.parametrize(
    ("limits", "largest", "name", "message"),
    [
        # 48 turns and 2 tool calls are 50
        (Limits(turns=50), {"minutes": 10, "turns": 48, "tool_calls": 2}, "tool_calls", "at most 50 turns and tool calls"),
        (Limits(turns=50), {"minutes": 10, "turns": 50}, "turns", "at most 50 turns and tool calls"),
        (Limits(), PLAN | {"images": MAX_REQUEST_IMAGES}, "images", "at most 50 are possible"),
        # The longest call has six times as many turns as the planned one
        (Limits(longest_call_turns=120), PLAN, "turns", "the longest calls of a month would have 126 turns"),
        (Limits(turns_per_minute=5), {"minutes": 4, "turns": 20}, "turns", "not realistic: at most 5"),
    ],
    ids=["tool calls", "turns", "images", "longest call", "turns a minute"],
)
def test_a_plan_may_be_as_large_as_the_limit(limits: Limits, largest: dict[str, int], name: str, message: str) -> None:
    site = client(limits=limits)
    assert site.post("/api/estimate", json=largest).status_code == 200
    refused = site.post("/api/estimate", json=largest | {name: largest[name] + 1})
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == [name]
    assert message in refused.json()["detail"]


def test_a_query_may_be_as_long_as_the_limit() -> None:
    query = "minutes=10&turns=20"
    assert client(limits=Limits(query_bytes=len(query))).get(f"/api/estimate?{query}").status_code == 200
    assert client(limits=Limits(query_bytes=len(query) - 1)).get(f"/api/estimate?{query}").status_code == 414


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in pieces"])
def test_a_body_may_be_as_long_as_the_limit(chunked: bool) -> None:
    body = json.dumps(PLAN).encode()
    content: Any = (lambda: iter([body[:9], body[9:]])) if chunked else (lambda: body)
    headers = {"content-type": "application/json"}
    for limit, status in ((len(body), 200), (len(body) - 1, 413)):
        site = client(limits=Limits(body_bytes=limit))
        assert site.post("/api/estimate", content=content(), headers=headers).status_code == status


def test_a_field_may_have_so_many_characters() -> None:
    message = f"has more than {MAX_FIELD_CHARACTERS} characters"
    for count, is_refused in ((MAX_FIELD_CHARACTERS, False), (MAX_FIELD_CHARACTERS + 1, True)):
        by_value = SITE.post("/api/estimate", json=PLAN | {"model": "x" * count}).json()
        by_name = SITE.post("/api/estimate", json=PLAN | {"x" * count: 1}).json()
        assert [message in problem["detail"] for problem in (by_value, by_name)] == [is_refused] * 2


def test_a_request_may_have_so_many_fields_and_reports_so_many_errors() -> None:
    for count, is_refused in ((MAX_REQUEST_FIELDS, False), (MAX_REQUEST_FIELDS + 1, True)):
        fields = PLAN | {f"unknown{number}": 1 for number in range(count - len(PLAN))}
        problem = SITE.post("/api/estimate", json=fields).json()
        assert ("may have at most 100 fields, not 101" in problem["detail"]) == is_refused
        assert len(problem["errors"]) == (1 if is_refused else MAX_REPORTED_ERRORS)


@pytest.mark.parametrize(
    ("query", "ancestors"), [("", "'self'"), ("?embed=1", "*"), ("?embed=0", "'self'"), ("?embed=11", "'self'")]
)
def test_only_an_embedded_page_may_be_shown_within_others(query: str, ancestors: str) -> None:
    policy = SITE.get(f"/{query}", headers={"accept": "text/html"}).headers["content-security-policy"]
    assert f"frame-ancestors {ancestors}" in policy.split("; ") or policy.endswith(f"frame-ancestors {ancestors}")
