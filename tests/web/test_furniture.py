"""What browsers, search engines and other sites ask of a page besides its content, and the pages of errors."""

import html
import re
import struct
from xml.etree import ElementTree

import pytest

from tests.web.sites import SITE, client
from voicebill.web.pages import NAVIGATION, STATIC
from voicebill.web.site import Limits

HTML = {"accept": "text/html,application/xhtml+xml"}
PAGES = [path for path, *_ in NAVIGATION]


def head_of(text: str) -> str:
    return html.unescape(text.partition("</head>")[0])


def meta(text: str, name: str) -> str:
    """The content of the one element with a name or a property."""
    (content,) = re.findall(rf'<meta (?:name|property)="{name}" content="([^"]*)">', head_of(text))
    return str(content)


def canonical(text: str) -> list[str]:
    return re.findall(r'<link rel="canonical" href="([^"]*)">', head_of(text))


def png_size(content: bytes) -> tuple[int, int]:
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def test_the_icons_that_browsers_ask_for_exist() -> None:
    icon = SITE.get("/favicon.ico")
    assert (icon.status_code, icon.headers["content-type"]) == (200, "image/x-icon")
    assert icon.content[:6] == struct.pack("<HHH", 0, 1, 1)
    length, offset = struct.unpack("<II", icon.content[14:22])
    assert png_size(icon.content[offset:]) == (32, 32)
    assert len(icon.content) == offset + length
    touch = SITE.get("/apple-touch-icon.png")
    assert (touch.headers["content-type"], png_size(touch.content)) == ("image/png", (180, 180))
    assert SITE.get("/favicon.ico", headers={"if-none-match": icon.headers["etag"]}).status_code == 304
    assert client(prefix="/voice").get("/voice/favicon.ico").content == icon.content


@pytest.mark.parametrize("path", PAGES)
def test_every_file_that_a_page_names_exists_and_is_kept(path: str) -> None:
    names = re.findall(r'(?:href|src|content)="(?:http://testserver)?(/static/[^"]+)"', SITE.get(path).text)
    elsewhere = set() if path == "/cost" else {"usage-logs.js"}
    assert {name.partition("?")[0].removeprefix("/static/") for name in names} == set(STATIC) - elsewhere
    for name in names:
        file = SITE.get(name)
        assert file.status_code == 200
        assert "immutable" in file.headers["cache-control"]


def test_the_preview_has_the_size_that_the_page_says_and_is_small() -> None:
    page = SITE.get("/").text
    image = SITE.get(meta(page, "og:image").removeprefix("http://testserver")).content
    assert png_size(image) == (int(meta(page, "og:image:width")), int(meta(page, "og:image:height"))) == (1200, 630)
    assert len(image) < 40_000


def test_icon_svg_is_a_picture_without_scripts() -> None:
    root = ElementTree.fromstring(SITE.get("/static/icon.svg").text)
    assert not [element.tag for element in root.iter() if element.tag.endswith(("script", "image", "foreignObject"))]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_names_its_address_without_a_query(path: str) -> None:
    assert canonical(SITE.get(path).text) == [f"http://testserver{path}"]


def test_a_plan_has_the_page_as_its_original_and_its_own_address_for_sharing() -> None:
    page = SITE.get("/?minutes=7&embed=1").text
    assert canonical(page) == ["http://testserver/"]
    assert meta(page, "og:url") == "http://testserver/?minutes=7"
    rules = SITE.get("/rules?model=gpt-realtime&plan=minutes%3D7").text
    assert canonical(rules) == ["http://testserver/rules"]
    assert meta(rules, "og:url") == "http://testserver/rules"


def test_behind_a_proxy_addresses_have_its_name_and_its_path() -> None:
    site = client(prefix="/voice", hosts=frozenset({"voice.example"}))
    page = site.get("https://voice.example/voice/compare?minutes=7").text
    assert canonical(page) == ["https://voice.example/voice/compare"]
    assert meta(page, "og:url") == "https://voice.example/voice/compare?minutes=7"
    assert meta(page, "og:image").startswith("https://voice.example/voice/static/preview.png?v=")


def test_a_name_in_the_request_cannot_leave_its_attribute() -> None:
    page = SITE.get("/rules", headers={"host": 'a"><script>alert(1)</script>'}).text
    assert "<script>alert" not in page


def test_the_description_of_a_plan_has_its_figures() -> None:
    page = SITE.get("/?minutes=7&turns=9&conversations=200/day").text
    figures = [re.sub("<[^>]*>", "", text) for text in re.findall(r'<span class="figure(?:-month)?">([^<]*)</span>', page)]
    assert len(figures) == 2
    for name in ("description", "og:description"):
        assert meta(page, name).startswith(f"About {figures[0]} a call, {figures[1]} a month: gpt-realtime-1.5 at OpenAI")
    assert "a month" not in meta(SITE.get("/?conversations=").text, "og:description")
    assert "About" not in meta(SITE.get("/rules").text, "og:description")


def test_a_page_of_an_error_is_not_offered_to_search_engines_or_other_sites() -> None:
    for path in ("/nowhere", "/?minutes=x"):
        head = head_of(SITE.get(path, headers=HTML).text)
        assert "canonical" not in head
        assert "og:" not in head


def test_the_colours_of_the_browser_are_those_of_the_paper() -> None:
    style = SITE.get("/static/voicebill.css").text
    light, dark = re.findall(r"--paper: (#\w+);", style)[:2]
    head = head_of(SITE.get("/").text)
    assert f'<meta name="theme-color" content="{light}" media="(prefers-color-scheme: light)">' in head
    assert f'<meta name="theme-color" content="{dark}" media="(prefers-color-scheme: dark)">' in head


@pytest.mark.parametrize("prefix", ["", "/voice"])
def test_robots_read_pages_and_no_data(prefix: str) -> None:
    robots = client(prefix=prefix).get(f"{prefix}/robots.txt")
    assert robots.headers["content-type"] == "text/plain; charset=utf-8"
    refused = re.findall("^Disallow: (.+)$", robots.text, re.MULTILINE)
    assert robots.text.startswith("User-agent: *\n")
    for path in (
        "/api/estimate?minutes=5",
        "/answer?minutes=5",
        "/why",
        "/chart/turns.svg",
        "/export.csv?minutes=5",
        "/quote.md",
        "/compare.csv",
    ):
        assert any(f"{prefix}{path}".startswith(rule) for rule in refused)
    for path in [*PAGES, "/prices/openai/gpt-realtime-1.5", "/static/preview.png", "/?minutes=5"]:
        assert not any(f"{prefix}{path}".startswith(rule) for rule in refused)


@pytest.mark.parametrize(
    ("path", "address", "name"),
    [
        ("/compar", "/compare", "Compare"),
        ("/Learn/", "/learn", "Learn"),
        ("/estimate", "/", "Estimate"),
        ("/usage-logs", "/cost", "Usage logs"),
        ("/price/openai", "/prices", "Prices"),
    ],
)
def test_an_address_that_does_not_exist_is_answered_with_the_page_that_was_meant(path: str, address: str, name: str) -> None:
    page = SITE.get(path, headers=HTML)
    assert page.status_code == 404
    assert f'Did you mean <a href="{address}">{name}</a>?' in page.text
    assert f"This site has nothing at {path}." in page.text
    program = SITE.get(path)
    assert (program.status_code, program.json()["title"]) == (404, "Not Found")


def test_an_address_like_no_page_leads_to_all_of_them() -> None:
    main = SITE.get("/wp-login.php", headers=HTML).text.partition("<main")[2]
    assert "Did you mean" not in main
    assert re.findall(r'<a href="([^"]*)">', main) == PAGES
    nested = client(prefix="/voice").get("/voice/compar", headers=HTML).text
    assert 'Did you mean <a href="/voice/compare">Compare</a>?' in nested


def test_what_is_typed_into_an_address_is_shown_as_text() -> None:
    page = SITE.get("/%3Cb%3Ebold%3C/b%3E{method}", headers=HTML).text
    assert "nothing at /&lt;b&gt;bold&lt;/b&gt;{method}." in page


def test_a_wrong_kind_of_request_is_explained_to_a_reader() -> None:
    page = SITE.post("/learn", headers=HTML)
    assert (page.status_code, page.headers["allow"]) == (405, "GET, HEAD")
    assert "/learn does not take POST requests: open one of the pages." in page.text
    assert SITE.post("/learn").json()["title"] == "Method Not Allowed"


def test_a_request_that_is_refused_before_it_is_read_is_explained_to_a_reader() -> None:
    busy = client(limits=Limits(concurrent_requests=0))
    page = busy.get("/?embed=1", headers=HTML)
    assert (page.status_code, page.headers["retry-after"]) == (503, "1")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "Too many concurrent requests: try again in a second" in page.text
    assert 'class="embedded"' in page.text
    assert busy.get("/").headers["content-type"] == "application/problem+json"
    assert busy.get("/api/estimate?minutes=5&turns=9", headers=HTML).json()["title"] == "Busy"
    elsewhere = client(hosts=frozenset({"voice.example"})).get("/", headers={**HTML, "host": "other.example"})
    assert (elsewhere.status_code, "<h1>Another host</h1>" in elsewhere.text) == (421, True)


def test_a_name_that_is_none_and_bytes_that_are_no_text_get_an_answer() -> None:
    strict = client(hosts=frozenset({"voice.example"}))
    assert strict.get("/", headers={**HTML, "host": "[x"}).status_code == 421
    page = SITE.get("/?minutes=%", headers=HTML)
    assert page.status_code == 422
