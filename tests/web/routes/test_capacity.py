"""Capacity plans on the page and in the API: equal figures everywhere, and every error at its field."""

import html
import json
import re
from urllib.parse import urlencode

import pytest
from typer.testing import CliRunner

from tests.cases import DAY
from tests.web.sites import SITE, in_form_words, read_report
from voicebill.answers.reports.capacity import CapacityReport
from voicebill.cli.app import app as command_line

QUERY = {
    "minutes": "6",
    "turns": "20",
    "conversations": "30000/month",
    "provider": "azure",
    "model": "gpt-realtime",
    "tier": "tier-6",
    "blocking_probability": "2%",
    "call_length_cv": "0",
}


def figure(text: str) -> str:
    """The headline figure of a page."""
    match = re.search(r'<span class="figure">(.*?)</span>', text)
    assert match is not None, text
    return html.unescape(match[1])


def test_page_api_and_command_line_give_the_same_figures() -> None:
    query = urlencode(QUERY)
    shape = SITE.get(f"/api/capacity?{query}").json()
    assert SITE.post("/api/capacity", json=QUERY).json() == shape
    words = [word for name, value in QUERY.items() for word in (f"--{name.replace('_', '-')}", value)]
    printed = CliRunner().invoke(command_line, ["capacity", *words, "--day", str(DAY), "--json"]).stdout
    assert json.loads(printed) == shape
    assert figure(SITE.get(f"/capacity?{query}").text) == str(shape["quota_requirement"]["pooled"]) == "3"
    assert read_report(CapacityReport, shape).limits[0].quota == 150_000


def test_the_form_without_a_script_becomes_an_address_and_back() -> None:
    sent = SITE.post("/capacity", data=QUERY | {"discount": "20", "days": ""}, follow_redirects=False)
    assert sent.status_code == 303
    assert sent.headers["location"].startswith("/capacity?")
    assert "discount" not in sent.headers["location"]
    page = SITE.get(sent.headers["location"]).text
    assert figure(page) == "3"
    assert 'id="f-blocking_probability" value="2%"' in page
    assert re.search(r"<details open>\s*<summary>Limits and counting</summary>", page)
    assert re.search(r"<details>\s*<summary>Busy hour</summary>", page)


def test_a_permalink_fixes_the_day() -> None:
    page = SITE.get(f"/capacity?{urlencode(QUERY)}").text
    link = html.unescape(re.search(r'href="([^"]+)" rel="bookmark"', page)[1])  # type: ignore[index]
    assert f"day={DAY}" in link
    assert figure(SITE.get(link).text) == figure(page)


def test_the_part_for_the_script_has_the_answer_and_what_lies_outside_it() -> None:
    query = urlencode(QUERY)
    page, part = SITE.get(f"/capacity?{query}").text, SITE.get(f"/capacity/answer?{query}").text
    assert figure(part) == figure(page) == "3"
    answer = part.partition("<template")[0].strip()
    assert answer in page
    places = re.findall(r'<template data-for="([^"]+)"', part)
    assert places == ["c-model", "c-provider", "c-deployment", "c-region", "presets", "nav", "sticky", "more"]
    assert all(f'id="{place}"' in page for place in places)
    problem = SITE.get("/capacity/answer?days=40&minutes=soon", headers={"accept": "text/html"})
    assert problem.status_code == 422
    assert {error["field"] for error in problem.json()["errors"]} == {"days", "minutes"}


def test_a_warning_names_fields_as_the_form_does() -> None:
    page = html.unescape(SITE.get("/capacity").text)
    assert "set your own: “Token limit per minute”, “Request limit per minute” and “Concurrent session limit”" in page


def test_occupancy_is_the_carried_load_by_channels() -> None:
    """60 calls of a minute in the busy hour offer 1 erlang; 5 channels block 0.31 % of it, so each is busy 20 % of the time."""
    page = SITE.get("/capacity?minutes=1&turns=2&calls_per_hour=60&call_length_cv=0").text
    assert "an offered load of <b>1.0 erlangs</b>" in page
    assert "0.31% of calls find none free (Erlang B), and each is busy 20% of the time" in page


def test_the_page_starts_with_a_result_and_reports_unknown_limits() -> None:
    page = SITE.get("/capacity").text
    assert figure(page) == "5"
    assert "unknown" in page
    assert "no quota of gpt-realtime-1.5 at openai is published" in page
    assert figure(SITE.get("/capacity?quota_tokens=1000").text) == "none"


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ("calls_per_hour=-3", "calls_per_hour", "cannot be negative: -3"),
        ("blocking_probability=120%25", "blocking_probability", "'120%' is more than 100%"),
        ("blocking_probability=0", "blocking_probability", "must be more than 0"),
        ("busy_hour_share=none", "busy_hour_share", "is not a share"),
        ("days=40", "days", "at most 31, not 40"),
        ("service_level=soon", "service_level", "is not a share and a time"),
        ("quota_tokens=many", "quota_tokens", "is not a number"),
        ("exceedance=90%25", "exceedance", "at most 0.5"),
        ("request_unit=call", "request_unit", "must be one of response, session"),
        ("tier=tier-9&provider=azure&model=gpt-realtime", "tier", "unknown quota tier 'tier-9'"),
        ("conversations=", "conversations", "how many calls are there?"),
        ("conversations=10/hour", "conversations", "has no busy hour: give calls_per_hour"),
        ("calls_per_hour=1000000000000", "calls_per_hour", "concurrent calls are more than 10,000,000"),
        ("model=gpt-realtme", "model", "the nearest are gpt-realtime"),
        ("minutes=abc", "minutes", "is not a duration"),
        ("turns=5000", "turns", "at most 1,000 turns"),
        ("call_length_cv=9", "call_length_cv", "must be between 0 and 5"),
        ("colour=red", "colour", "unknown key 'colour'"),
        (f"tier={'9' * 300}", "tier", "more than 200 characters"),
    ],
)
def test_invalid_input_is_reported_at_its_field_on_the_page_and_in_the_api(query: str, field: str, message: str) -> None:
    page = SITE.get(f"/capacity?{query}")
    assert page.status_code == 422
    shown = in_form_words(message)
    assert shown in html.unescape(page.text)
    assert '<span class="figure">' not in page.text
    at_field = re.search(rf'<p class="error" id="e-{field}">(.+?)</p>', page.text)
    assert at_field is None or shown in html.unescape(at_field[1])
    fields = dict(pair.split("=") for pair in query.replace("%25", "%").split("&"))
    problem = SITE.get(f"/api/capacity?{urlencode({'minutes': '10', 'turns': '20', 'conversations': '9/day'} | fields)}")
    assert problem.status_code == 422
    assert problem.headers["content-type"] == "application/problem+json"
    assert any(error["field"] == field and message in error["detail"] for error in problem.json()["errors"])


def test_errors_of_plan_and_targets_are_reported_together() -> None:
    errors = SITE.get("/api/capacity?minutes=abc&turns=20&days=40&blocking_probability=200").json()["errors"]
    assert {error["field"] for error in errors} == {"minutes", "days", "blocking_probability"}
    errors = SITE.get("/api/capacity?minutes=abc&turns=20&days=40").json()["errors"]
    assert {error["field"] for error in errors} == {"minutes", "days"}


def test_an_invalid_body_is_rejected() -> None:
    assert SITE.post("/api/capacity", json=[1]).status_code == 422
    assert SITE.post("/api/capacity", json={"minutes": 6, "turns": 20, "calls_per_hour": {}}).status_code == 422
    assert SITE.post("/api/capacity", content=b"{", headers={"content-type": "application/json"}).status_code == 422


def test_the_openapi_document_describes_its_fields() -> None:
    paths = SITE.get("/api/openapi.json").json()["paths"]["/api/capacity"]
    names = {parameter["name"] for parameter in paths["get"]["parameters"]}
    assert {
        "minutes",
        "conversations",
        "calls_per_hour",
        "blocking_probability",
        "service_level",
        "quota_tokens",
        "tier",
    } <= names
    assert "discount" not in names
    example = paths["post"]["requestBody"]["content"]["application/json"]["example"]
    assert SITE.post("/api/capacity", json=example).status_code == 200
