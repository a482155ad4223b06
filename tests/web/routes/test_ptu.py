"""PTU sizing on the page and over HTTP: equal to the command line, usable without a script, errors at their fields."""

import html
import json
import re
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.web.sites import SITE, read_report
from voicebill.answers.parameters.inputs import PTU
from voicebill.answers.reports.ptu import PtuReport
from voicebill.cli.app import app
from voicebill.web.openapi import EXAMPLE_LOAD
from voicebill.web.status_reports import ProblemReport

QUERY = {
    "model": "gpt-5.2",
    "deployment": "data-zone",
    "calls_per_minute": "1,000",
    "prompt_tokens": "200",
    "response_tokens": "20",
    "cache_rate": "50%",
    "day": "2026-11-22",
}
HOURLY_LOAD = ["2"] * 8 + ["10"] * 12 + ["2"] * 4


def test_the_api_answers_as_the_command_line() -> None:
    words = [part for name, value in QUERY.items() for part in (f"--{name.replace('_', '-')}", value)]
    printed = json.loads(CliRunner().invoke(app, ["ptu", *words, "--json"]).stdout)
    shape = SITE.get("/api/ptu", params=QUERY).json()
    assert shape == printed
    answer = read_report(PtuReport, shape)
    assert (answer.ptus, answer.normalized_tpm) == (80, 260_000)
    assert SITE.post("/api/ptu", json=EXAMPLE_LOAD).json() == shape


def test_a_body_may_hold_numbers_and_lists() -> None:
    body: dict[str, Any] = {**EXAMPLE_LOAD, "buy_ptus": 60, "cache_rate": 0, "profile": [int(calls) for calls in HOURLY_LOAD]}
    shape = SITE.post("/api/ptu", json=body).json()
    assert read_report(PtuReport, shape).prices[1].with_spillover.total.month == "22176.57"
    assert (
        SITE.get("/api/ptu", params=QUERY | {"buy_ptus": "60", "cache_rate": "0", "profile": ",".join(HOURLY_LOAD)}).json()
        == shape
    )


def test_every_field_is_documented() -> None:
    paths = SITE.get("/api/openapi.json").json()["paths"]["/api/ptu"]
    assert [parameter["name"] for parameter in paths["get"]["parameters"]] == list(PTU)
    body = paths["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert list(body["properties"]) == list(PTU)
    page = SITE.get("/ptu", params={"plan": "minutes=10&turns=20&conversations=30000/month"}).text
    assert [name for name in PTU if f'name="{name}"' not in page] == []


def test_the_page_starts_with_an_example_and_reads_fields_from_the_address() -> None:
    assert "80 PTUs" in SITE.get("/ptu").text
    page = html.unescape(SITE.get("/ptu", params=QUERY | {"cache_rate": "0"}).text)
    assert '<span class="figure">110 PTUs</span>' in page
    assert "105.88 PTUs, rounded up to a multiple of 5, at least 15: 360,000 normalized tokens per minute" in page
    assert 'aria-current="page">PTUs</a>' in page


def test_the_part_for_the_script_has_the_answer_and_what_a_plan_gives() -> None:
    query = {"plan": "minutes=10&turns=20&conversations=30000/month", "prompt_tokens": "900"}
    page, part = SITE.get("/ptu", params=query).text, SITE.get("/ptu/answer", params=query).text
    assert part.partition("<template")[0].strip() in page
    places = re.findall(r'<template data-for="([^"]+)"', part)
    assert places == ["sticky", "more", "f-plan", *(f"c-{name}" for name in PTU if name != "plan")]
    assert all(f'id="{place}"' in page for place in places)
    shown = re.search(r'id="f-response_tokens" value="" placeholder="([\d.,]+)"', part)
    assert shown is not None
    assert shown[1] == SITE.get("/api/ptu", params=query).json()["load"]["response_tokens"]
    assert 'id="f-prompt_tokens" value="900"' in part
    problem = SITE.get("/ptu/answer", params=query | {"cache_rate": "many"}, headers={"accept": "text/html"})
    assert [error["field"] for error in problem.json()["errors"]] == ["cache_rate"]
    assert SITE.get("/ptu/answer").status_code == 422  # the example is only for the page


def test_the_form_works_without_a_script() -> None:
    response = SITE.post("/ptu", data=QUERY | {"region": "", "buy_ptus": ""}, follow_redirects=False)
    assert response.status_code == 303
    assert response.headers["location"] == (
        "/ptu?model=gpt-5.2&deployment=data-zone&calls_per_minute=1%2C000&prompt_tokens=200&response_tokens=20&cache_rate=50%25&day=2026-11-22"
    )
    assert "80 PTUs" in SITE.get(response.headers["location"]).text


def test_a_profile_is_drawn_with_its_spillover() -> None:
    page = SITE.get("/ptu", params=QUERY | {"cache_rate": "0", "buy_ptus": "60", "profile": ",".join(HOURLY_LOAD)}).text
    assert "Load by hour" in page
    assert page.count(":00: 1,000\nspillover 433\nserved by 60 PTUs 567<") == 12  # 60 * 3,400 / (200 + 20 * 8) = 566.7
    assert page.count(":00: 200\nserved by 60 PTUs 200<") == 12
    assert "$22,177" in page
    assert "Cheapest: " in page
    assert "of the peak (break-even utilization); this load has 60%." in page  # (12 hours of 10 and 12 of 2) / 24 / 10


def test_the_page_says_why_there_is_no_pay_as_you_go_price() -> None:
    page = SITE.get("/ptu", params=QUERY | {"deployment": "regional", "region": "uksouth"}).text
    assert "100 PTUs" in page
    assert "No pay-as-you-go price to compare with: no source gives pay-as-you-go prices of regional deployments" in page
    assert "/chart/ptu.svg" not in page


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"calls_per_minute": "-3"}, "calls_per_minute", "cannot be negative: -3"),
        ({"calls_per_minute": "0"}, "calls_per_minute", "must be more than 0"),
        ({"calls_per_minute": ""}, "calls_per_minute", "is missing"),
        (
            {"calls_per_minute": "9,999,999,999"},
            "calls_per_minute",
            "must be more than 0 and at most 1,000,000,000, not 9999999999",
        ),
        ({"model": ""}, "model", "is missing"),
        ({"model": "gpt-realtime-1.5"}, "model", "list no realtime or audio model"),
        ({"model": "gtp-5.2"}, "model", "unknown model 'gtp-5.2'; the nearest are gpt-5.2"),
        ({"prompt_tokens": "many"}, "prompt_tokens", "'many' is not a number"),
        (
            {"prompt_tokens": "0", "response_tokens": "0"},
            "prompt_tokens",
            "cannot be 0 if response_tokens is 0, too: a call without tokens needs no PTUs",
        ),
        ({"cache_rate": "120"}, "cache_rate", "'120' is more than 100%"),
        ({"profile": "1,2"}, "profile", "24 numbers, or 168 for a week"),
        ({"profile": ",".join("0" * 24)}, "profile", "must have a load: each of its hours is 0"),
        ({"profile": "1" * 2001}, "profile", "more than 2,000 characters"),
        ({"buy_ptus": "62"}, "buy_ptus", "not with 62: use 60 or 65"),
        ({"deployment": "europe"}, "deployment", "must be one of global, data-zone, regional, not 'europe'"),
        ({"deployment": "regional"}, "region", "regional PTUs are priced by region: choose one"),
        ({"region": "uksouth"}, "region", "unknown region 'uksouth' of data-zone PTUs"),
        ({"day": "soon"}, "day", "must be a day such as 2026-11-22, not 'soon'"),
        ({"discounts": "5"}, "discounts", "unknown key 'discounts'; known: model, deployment, region"),
    ],
)
def test_invalid_input_is_reported_at_its_field(fields: dict[str, str], field: str, message: str) -> None:
    query = {name: value for name, value in (QUERY | fields).items() if value}
    reply = SITE.get("/api/ptu", params=query)
    assert reply.status_code == 422
    problem = read_report(ProblemReport, reply.json())
    assert [error.field for error in problem.errors] == [field]
    assert message in problem.errors[0].detail
    page = SITE.get("/ptu", params=query, headers={"accept": "text/html"})
    assert page.status_code == 422
    assert message.replace("response_tokens", "“Response tokens”") in html.unescape(page.text)


@pytest.mark.parametrize("body", ["[]", '"x"', "{"])
def test_an_invalid_body_is_rejected(body: str) -> None:
    reply = SITE.post("/api/ptu", content=body, headers={"content-type": "application/json"})
    assert reply.status_code == 422
    read_report(ProblemReport, reply.json())


@pytest.mark.parametrize("value", ["true", "[1]", '{"a": 1}', "1e99999999", "1e300", '"1e9"', "-1", "1e-99999"])
def test_a_value_that_is_not_a_number_is_reported_at_its_field(value: str) -> None:
    body = json.dumps(EXAMPLE_LOAD).replace('"prompt_tokens": 200', f'"prompt_tokens": {value}')
    reply = SITE.post("/api/ptu", content=body, headers={"content-type": "application/json"})
    assert reply.status_code == 422
    assert [error.field for error in read_report(ProblemReport, reply.json()).errors] == ["prompt_tokens"]


def test_numbers_in_a_body_may_have_an_exponent() -> None:
    body = json.dumps(EXAMPLE_LOAD).replace('"calls_per_minute": 1000', '"calls_per_minute": 1e3')
    reply = SITE.post("/api/ptu", content=body, headers={"content-type": "application/json"})
    assert reply.json()["load"]["calls_per_minute"] == "1000"


def test_the_chart_has_its_own_address() -> None:
    picture = SITE.get("/chart/ptu.svg", params=QUERY | {"theme": "dark", "width": "480"})
    assert picture.status_code == 200
    assert picture.headers["content-type"].startswith("image/svg+xml")
    assert "reserved for a year" in picture.text
    none = SITE.get("/chart/ptu.svg", params=QUERY | {"deployment": "regional", "region": "uksouth"})
    assert none.status_code == 422
    assert "there is nothing to draw" in none.text
    assert SITE.get("/chart/ptu.pdf", params=QUERY).status_code == 404
