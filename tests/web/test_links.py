"""The plan of the reader stays in every link to a page that has none of its own."""

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.web.sites import SITE, client

PLAN = "minutes=7&conversations=50%2Fday"


@pytest.mark.parametrize(
    "path",
    [
        *("/prices", "/prices?kind=text", "/prices?ended=true", "/prices/openai/gpt-realtime-1.5"),
        *("/rules", "/rules?model=gpt-realtime-mini", "/learn", "/cost", "/api"),
    ],
)
def test_every_link_of_a_page_without_a_plan_keeps_it(path: str) -> None:
    page = SITE.get(path, params={**{k: v[0] for k, v in parse_qs(urlsplit(path).query).items()}, "plan": PLAN})
    assert page.status_code == 200
    links = [html.unescape(link) for link in re.findall(r'<a [^>]*href="(/[^"]*)"', page.text)]
    assert len(links) > 9
    for link in links:
        address = urlsplit(link)
        query = parse_qs(address.query)
        if address.path in ("/", "/compare", "/capacity"):
            assert "minutes=7" in address.query or "minutes" in query, link
        elif address.path.split("/")[1] in ("prices", "rules", "learn", "cost") or address.path == "/api":
            assert query["plan"] == [PLAN], link
    for form in re.findall(r'<form[^>]*method="get".*?</form>', page.text, re.DOTALL):
        assert f'name="plan" value="{html.escape(PLAN)}"' in form


def test_a_plan_in_an_address_is_text() -> None:
    page = SITE.get("/learn", params={"plan": '"><script>alert(1)</script>'})
    assert page.status_code == 200
    assert "<script>alert" not in page.text


def test_without_a_plan_links_are_plain() -> None:
    assert "plan=" not in SITE.get("/learn").text
    assert 'href="/learn"' in SITE.get("/").text


def test_a_site_under_a_prefix_keeps_the_plan_too() -> None:
    page = client(prefix="/voice").get("/voice/prices", params={"plan": PLAN}).text
    assert re.search(r'href="/voice/rules\?plan=minutes%3D7', page)
