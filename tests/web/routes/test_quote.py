"""The quote of the site: the page and the files have the amounts of the API, and a discount is in no address."""

import csv
import html
import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.cases import DAY
from tests.web.sites import SITE, client
from voicebill.answers.reports.handout_formats import HANDOUT_FORMATS

PLAN = {
    "minutes": "6",
    "turns": "15",
    "conversations": "250/day",
    "provider": "azure",
    "model": "gpt-realtime",
    "deployment": "data-zone",
    "region": "eastus2",
    "transport": "sip",
    "carrier_per_minute": "0.0085",
}
HOSTILE = '"><script>x()</script>'


def values_of(text: str) -> list[str]:
    return re.findall(r'<data value="([^"]*)">', text)


def link_of(text: str) -> str:
    return html.unescape(re.findall(r'<p class="link">Link: <a href="([^"]*)"', text)[0])


def test_the_page_has_the_amounts_of_the_api_and_what_they_are_the_amounts_of() -> None:
    total = SITE.get("/api/estimate", params=PLAN).json()["total_with_connection"]
    page = SITE.get("/quote", params=PLAN)
    assert page.status_code == 200
    assert {*total["per_conversation"].values(), *total["per_month"].values()} <= set(values_of(page.text))
    for term, value in (("Deployment", "data-zone"), ("Region", "eastus2"), ("Issued", DAY.isoformat())):
        assert f"<dt>{term}</dt><dd>{value}</dd>" in page.text
    assert "<dt>Volume</dt><dd>250 conversations a day (7,604.2 a month)</dd>" in page.text


def test_the_link_of_a_quote_opens_the_same_estimate_on_its_day() -> None:
    site = client(prefix="/voice")
    link = link_of(site.get("/voice/quote", params=PLAN | {"day": "2026-11-20", "compare": "turns=9", "embed": "1"}).text)
    parts = urlsplit(link)
    assert (parts.scheme, parts.netloc, parts.path) == ("http", "testserver", "/voice/")
    fields = parse_qsl(parts.query)
    assert set(PLAN.items()) <= set(fields)
    assert [name for name, _ in fields if name not in PLAN] == ["day", "prices_digest", "rules_digest"]
    opened = site.get(link)
    assert opened.status_code == 200
    assert "have changed since this link was created" not in opened.text
    changed = site.get("/voice/quote", params=dict(fields) | {"prices_digest": "0123456789ab"})
    assert "prices have changed since this link was created: from 0123456789ab to" in changed.text


def test_the_permalink_of_an_address_with_a_day_has_it_once() -> None:
    page = SITE.get("/", params={"day": "2026-11-20"}).text
    link = html.unescape(re.findall(r'<a href="([^"]*)" rel="bookmark">', page)[0])
    assert [name for name, _ in parse_qsl(urlsplit(link).query)] == ["day", "prices_digest", "rules_digest"]
    assert SITE.get(link).status_code == 200


def test_a_quote_without_a_volume_has_no_month() -> None:
    text = SITE.get("/quote", params={"conversations": ""}).text
    assert "per month" not in text
    assert "not given, so nothing is stated by month or year" in text


@pytest.mark.parametrize("kind", HANDOUT_FORMATS)
def test_a_quote_is_downloaded_in_every_format(kind: str) -> None:
    page = SITE.get("/quote", params=PLAN).text
    address = html.unescape(re.findall(rf'href="(/quote\.{kind}\?[^"]*)"', page)[0])
    response = SITE.get(address)
    assert response.headers["content-type"] == HANDOUT_FORMATS[kind].media_type
    assert response.headers["content-disposition"] == f'attachment; filename="quote.{kind}"'
    assert "data-zone" in response.text
    assert re.search("250 conversations a day|,250,day,", response.text)
    if kind == "csv":
        rows = csv.DictReader(response.text.splitlines())
        month = SITE.get("/api/estimate", params=PLAN).json()["total_with_connection"]["per_month"]
        months = [row for row in rows if (row["section"], row["item"]) == ("amounts", "per_month")]
        assert [{name: row[name] for name in month} for row in months] == [month]


@pytest.mark.parametrize("kind", HANDOUT_FORMATS)
def test_a_comparison_is_downloaded_with_what_the_page_shows(kind: str) -> None:
    fields = {"minutes": "6", "turns": "20", "conversations": "250/day", "kind": "pipeline"}
    page = SITE.get("/compare", params=fields).text
    response = SITE.get(html.unescape(re.findall(rf'href="(/compare\.{kind}\?[^"]*)"', page)[0]))
    assert response.headers["content-disposition"] == f'attachment; filename="comparison.{kind}"'
    rows = SITE.get("/api/compare", params=fields).json()["alternatives"]
    if kind == "csv":
        written = list(csv.DictReader(response.text.splitlines()))
        assert [row["name"] for row in written] == [row["name"] for row in rows]
    if kind == "html":
        months = {amount for row in rows for amount in row["total_with_connection"]["per_month"].values()}
        assert months <= set(values_of(response.text))
        link = link_of(response.text)
        assert link.startswith("http://testserver/compare?")
        assert ("kind", "pipeline") in parse_qsl(urlsplit(link).query)
        assert SITE.get(link).status_code == 200


def test_a_discount_is_in_the_quote_and_in_no_address() -> None:
    plan = PLAN | {"discount": "10"}
    page = SITE.post("/quote", data=plan)
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert "discount of 10%: prices × 0.9" in page.text
    assert "This quote includes your discount." in page.text
    assert '<p class="link">' not in page.text
    assert not [address for address in re.findall(r'(?:href|action)="([^"]*)"', page.text) if "discount" in address]
    expected = SITE.post("/api/estimate", json=plan).json()["total_with_connection"]["per_month"]["expected"]
    assert expected in values_of(page.text)
    hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text)
    written = SITE.post("/quote.csv", data={name: html.unescape(value) for name, value in hidden})
    assert expected in written.text
    assert written.headers["cache-control"] == "no-store"
    refused = SITE.get("/quote.csv", params=plan)
    assert refused.status_code == 422
    assert "must not be in an address" in refused.text


def test_a_form_without_a_discount_leads_to_the_address_of_its_quote() -> None:
    response = SITE.post("/quote", data={"minutes": "7", "turns": "20", "discount": ""}, follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (303, "/quote?minutes=7")


def test_a_plan_with_a_fault_has_no_quote_and_says_why() -> None:
    page = SITE.get("/quote", params={"minutes": "abc"}, headers={"accept": "text/html"})
    assert page.status_code == 422
    assert "<h1>There is no quote for this plan</h1>" in page.text
    assert "Minutes: &#39;abc&#39; is not a duration" in page.text
    assert 'href="/?minutes=abc"' in page.text
    problem = SITE.get("/quote.csv", params={"minutes": "abc"})
    assert (problem.status_code, problem.headers["content-type"]) == (422, "application/problem+json")
    assert [error["field"] for error in problem.json()["errors"]] == ["minutes"]


@pytest.mark.parametrize("path", ["/quote.pdf", "/compare.pdf"])
def test_another_format_is_not_found(path: str) -> None:
    response = SITE.get(path)
    assert response.status_code == 404
    assert "its name may end in .md, .csv, .html" in response.text


def test_names_in_a_request_are_text() -> None:
    for path in ("/quote", "/quote.html", "/compare.html"):
        response = SITE.get(path, params={"model": HOSTILE, "region": HOSTILE, "stt": HOSTILE}, headers={"accept": "text/html"})
        assert "<script>x()" not in response.text
