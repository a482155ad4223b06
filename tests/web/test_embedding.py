"""A page in a frame of another site: its links stay there or open in a new tab, and the site chooses who may frame it."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import FrameLocator, Page, expect
from typer.testing import CliRunner

from tests.web.page_faults import console_errors
from tests.web.sites import SITE, client, serve_site
from voicebill.billing.errors import InvalidInput
from voicebill.cli.app import app
from voicebill.web.embedding import parse_frame_ancestors
from voicebill.web.site import Site

PAGES = (
    "/",
    "/?conversations=1000/day&compare=model%3Dgpt-realtime-mini",
    "/?minutes=x",
    "/answer",
    "/why",
    "/quote?minutes=5",
    "/compare",
    "/compare?against=support-bot",
    "/capacity",
    "/capacity?days=40",
    "/capacity/answer",
    "/ptu",
    "/ptu?model=gpt-realtime",
    "/ptu/answer?plan=minutes%3D10%26turns%3D20",
    "/cost",
    "/cost?sample=support-day&session=sess_1",
    "/prices",
    "/prices?kind=speech",
    "/prices/openai/gpt-realtime-1.5",
    "/rules",
    "/learn",
    "/api",
    "/nowhere",
)
HTML = {"accept": "text/html"}
TIMEOUT_MS = 10_000


class Links(HTMLParser):
    """The links of a page, and its forms with the names of their fields."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[dict[str, str]] = []
        self.forms: list[tuple[dict[str, str], set[str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.append(values)
        elif tag == "form":
            self.forms.append((values, set()))
        elif tag == "button" and "formaction" in values:
            self.forms.append(({"action": values["formaction"], "method": "post"}, set()))
        elif tag in ("input", "select") and self.forms:
            self.forms[-1][1].add(f"{values.get('name')}={values.get('value', '')}")


def embedded(path: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}embed=1"


def stays(address: str, prefix: str) -> bool:
    return address.startswith(f"{prefix}/") and "embed=1" in urlsplit(address).query.split("&")


def opens_a_tab(link: dict[str, str]) -> bool:
    return link.get("target") == "_blank" and ("noopener" in link["rel"] or link["rel"] == "bookmark")


@pytest.mark.parametrize(("path", "prefix"), [*((path, "") for path in PAGES), ("/", "/voicebill"), ("/rules", "/voicebill")])
def test_every_link_of_an_embedded_page_stays_in_the_frame_or_opens_in_a_tab(path: str, prefix: str) -> None:
    site = client(prefix=prefix) if prefix else SITE
    page = Links(site.get(f"{prefix}{embedded(path)}", headers=HTML).text)
    assert page.links
    for link in page.links:
        href = link["href"]
        assert href.startswith("#") or stays(href, prefix) or opens_a_tab(link) or "download" in link, link
        assert not (opens_a_tab(link) and stays(href, prefix)), link
    for form, fields in page.forms:
        assert stays(form["action"], prefix), form
        assert form["method"] == "post" or "embed=1" in fields


def test_a_link_to_keep_is_that_of_the_page_with_its_navigation() -> None:
    page = Links(SITE.get("/?minutes=7&embed=1").text)
    bookmark = next(link for link in page.links if link.get("rel") == "bookmark")
    assert "minutes=7" in bookmark["href"]
    assert "embed" not in bookmark["href"]
    assert bookmark["target"] == "_blank"


def test_a_page_of_its_own_has_no_trace_of_frames() -> None:
    for path in PAGES:
        page = Links(SITE.get(path, headers=HTML).text)
        assert not [link for link in page.links if "embed" in link.get("href", "") or "target" in link]


def test_every_page_that_a_frame_leads_to_may_be_shown_there() -> None:
    """One address of each page is followed: its path, and the names of its fields."""
    followed: dict[tuple[str, ...], str] = {}
    for path in ("/", "/compare", "/capacity", "/ptu", "/prices", "/rules", "/learn", "/api"):
        for link in Links(SITE.get(embedded(path)).text).links:
            address = urlsplit(link["href"])
            fields = (part.partition("=")[0] for part in address.query.split("&"))
            kind = "/prices/" if address.path.startswith("/prices/") else address.path
            if stays(link["href"], "") and "download" not in link:
                followed.setdefault((kind, *sorted(fields)), link["href"])
    assert {kind for kind, *_ in followed} >= {"/", "/compare", "/export.csv", "/prices", "/prices/", "/rules", "/ptu"}
    for href in followed.values():
        page = SITE.get(href)
        assert page.status_code == 200, href
        assert page.headers["content-security-policy"].endswith("frame-ancestors *")


@pytest.mark.parametrize("path", ["/", "/compare", "/capacity", "/ptu"])
def test_a_submitted_form_leads_to_an_embedded_page(path: str) -> None:
    answer = SITE.post(f"{path}?embed=1", data={"minutes": "5", "model": "gpt-5.2"}, follow_redirects=False)
    assert answer.status_code == 303
    assert stays(answer.headers["location"], "")
    assert answer.headers["location"].count("embed=1") == 1
    without = SITE.post(path, data={"minutes": "5", "model": "gpt-5.2"}, follow_redirects=False)
    assert "embed" not in without.headers["location"]


def test_a_discount_which_no_address_has_leaves_the_page_embedded() -> None:
    page = SITE.post("/answer", data={"minutes": "5", "turns": "9", "discount": "10", "embed": "1"})
    links = Links(page.text).links
    assert any(stays(link["href"], "") for link in links)
    assert all(stays(form["action"], "") for form, _ in Links(page.text).forms)
    assert "formaction" in page.text
    assert "discount" not in "".join(link["href"] for link in links)


def test_the_cost_of_a_log_stays_in_the_frame() -> None:
    log = b'{"type": "response.done", "response": {"usage": {}}}'
    page = SITE.post("/cost?embed=1", files={"log": ("usage.jsonl", log)}, headers=HTML)
    assert "frame-ancestors *" in page.headers["content-security-policy"]
    assert 'class="embedded"' in page.text


def test_a_site_names_the_sites_that_may_frame_it() -> None:
    site = client(frame_ancestors=parse_frame_ancestors("https://example.com https://*.intranet.example:8443"))
    policy = site.get("/rules?embed=1").headers["content-security-policy"]
    assert policy.endswith("frame-ancestors 'self' https://example.com https://*.intranet.example:8443")
    assert site.get("/rules").headers["content-security-policy"].endswith("frame-ancestors 'self'")
    alone = client(frame_ancestors=parse_frame_ancestors("self"))
    assert alone.get("/?embed=1").headers["content-security-policy"].endswith("frame-ancestors 'self'")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com",
        "https://example.com;script-src",
        "https://example.com; script-src *",
        "https://example.com\r\nset-cookie: a=b",
        "https://example.com,https://other.example",
        "https://example.com/path",
        "https://exämple.com",
        "'none'",
        "'unsafe-inline'",
        "data:",
        "https:",
        "https://*",
    ],
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    """Nothing else may come into the header."""
    with pytest.raises(InvalidInput, match=r"must be origins such as https://example\.com") as refusal:
        parse_frame_ancestors(text)
    assert refusal.value.field == "frame_ancestors"


def test_the_command_line_names_the_option() -> None:
    result = CliRunner().invoke(app, ["serve", "--frame-ancestors", "https://example.com; script-src *"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--frame-ancestors must be origins such as https://example.com" in " ".join(result.stderr.split())


def test_a_site_cannot_be_made_with_a_second_directive() -> None:
    with pytest.raises(InvalidInput, match="must be origins"):
        client(frame_ancestors=("https://example.com; script-src *",))
    assert Site.frame_ancestors == ("*",)


@contextmanager
def framing_page(address: str) -> Iterator[str]:
    """The address of another site, whose only page shows an address in a frame."""
    html = f'<!doctype html><title>Another site</title><iframe src="{address}" width="900" height="700"></iframe>'.encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("content-length", str(len(html)))
            self.end_headers()
            self.wfile.write(html)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in http.server
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(30)


@pytest.fixture
def framed(page: Page, address: str) -> Iterator[tuple[FrameLocator, list[str]]]:
    """The site in a frame of a page at another origin, and what the browser refused."""
    with framing_page(f"{address}/?minutes=6&embed=1") as other, console_errors(page) as refused:
        page.goto(other)
        yield page.frame_locator("iframe"), refused


def test_links_are_followed_in_the_frame_of_another_site(framed: tuple[FrameLocator, list[str]], page: Page) -> None:
    frame, refused = framed
    expect(frame.locator(".headline")).to_be_visible(timeout=TIMEOUT_MS)
    frame.locator("a", has_text="Compare offers").click()
    expect(frame.locator("h1")).to_contain_text("Compare", timeout=TIMEOUT_MS)
    frame.locator("summary", has_text="realtime offers").click()
    frame.locator("th a", has_text="Worst").first.click()
    frame.locator(".offers a[href*='/prices/']").first.click()
    expect(frame.locator("h1")).to_contain_text("/", timeout=TIMEOUT_MS)
    frame.locator("a", has_text=re.compile("^All .* offers$")).click()
    expect(frame.locator("h1")).to_have_text("Price book", timeout=TIMEOUT_MS)
    frame.locator("a", has_text="Back to the estimate").click()
    expect(frame.locator(".headline")).to_be_visible(timeout=TIMEOUT_MS)
    assert page.frames[1].url.endswith("/?minutes=6&embed=1")
    assert refused == []


def test_a_form_and_a_preset_stay_in_the_frame_of_another_site(framed: tuple[FrameLocator, list[str]], page: Page) -> None:
    frame, refused = framed
    frame.locator("#presets a").first.click()
    expect(frame.locator("#presets a[aria-current]")).to_be_visible(timeout=TIMEOUT_MS)
    before = frame.locator(".figure").inner_text()
    frame.locator("#f-minutes").fill("33")
    frame.locator("#f-minutes").press("Enter")
    expect(frame.locator(".figure")).not_to_have_text(before, timeout=TIMEOUT_MS)
    frame.locator("details", has_text="Assumptions").locator("summary").last.click()
    frame.locator("a", has_text="recorded-2026").click()
    expect(frame.locator("h1")).to_have_text("How conversations are counted", timeout=TIMEOUT_MS)
    frame.locator("button", has_text="Show").click()
    expect(frame.locator("table.rules")).to_be_visible(timeout=TIMEOUT_MS)
    assert "embed=1" in page.frames[1].url
    assert refused == []


def test_json_opens_in_a_tab_of_its_own(framed: tuple[FrameLocator, list[str]], page: Page) -> None:
    frame, _ = framed
    with page.context.expect_page() as opened:
        frame.locator("a", has_text="JSON").click()
    assert "/api/estimate?" in opened.value.url
    expect(frame.locator(".headline")).to_be_visible()


def test_a_file_is_saved_from_the_frame(framed: tuple[FrameLocator, list[str]], page: Page) -> None:
    frame, refused = framed
    with page.expect_download() as saved:
        frame.locator("a", has_text="CSV").click()
    assert saved.value.suggested_filename.endswith(".csv")
    assert refused == []


def test_a_site_that_is_not_named_is_refused_by_the_browser(page: Page) -> None:
    with (
        console_errors(page) as refused,
        serve_site(frame_ancestors=parse_frame_ancestors("https://example.com")) as site,
        framing_page(f"{site}/?embed=1") as other,
        framing_page(f"{site}/") as stranger,
    ):
        for address in (other, stranger):
            refused.clear()
            page.goto(address)
            assert any("frame-ancestors" in text for text in refused), refused
            assert page.frame_locator("iframe").locator(".headline").count() == 0
