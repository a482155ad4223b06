"""Capacity and PTUs in a browser: they answer while somebody types, as the calculator does, and every state is an address."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.cases import long_but
from tests.web.page_faults import faults, refuse_faults, watch_faults
from voicebill.answers.parameters.inputs import CAPACITY, PTU

TIMEOUT_MS = 5000
AT_AZURE = "/capacity?provider=azure&model=gpt-realtime&conversations=30000/month"
PLANNED = "/ptu?plan=minutes%3D10%26turns%3D20%26conversations%3D30000%252Fmonth"
FIGURE = "#answer .figure"


@pytest.fixture(autouse=True)
def _no_faults(page: Page, address: str) -> Iterator[None]:
    with refuse_faults(page, address):
        yield


TYPED = (
    ("/capacity", "conversations", "900/day"),
    ("/capacity", "minutes", "90s"),
    ("/capacity", "blocking_probability", "0.5%"),
    ("/capacity", "service_level", "90% in 10s"),
    ("/capacity", "busy_hour_share", "22%"),
    ("/ptu", "calls_per_minute", "2,500"),
    ("/ptu", "cache_rate", "75%"),
    ("/ptu", "model", "gpt-4.1"),
    (PLANNED, "prompt_tokens", "1.5k"),
)
"""A page, a field and what is typed there."""


@pytest.mark.parametrize("case", long_but((TYPED[3], TYPED[7], TYPED[8]), TYPED))
def test_nothing_shouts_while_a_value_is_typed(page: Page, address: str, case: tuple[str, str, str]) -> None:
    path, name, typed = case
    page.goto(f"{address}{path}")
    page.evaluate("window.kept = 1")
    watch_faults(page)
    before = page.locator("#answer .seen").inner_text()
    page.fill(f"#f-{name}", "")
    page.type(f"#f-{name}", typed, delay=50)
    page.press(f"#f-{name}", "Tab")
    expect(page).to_have_url(re.compile(re.escape(urlencode({name: typed}))), timeout=TIMEOUT_MS)
    assert faults(page) == []
    assert page.locator("#answer .seen").inner_text() != before
    assert page.evaluate("window.kept") == 1
    assert page.locator("#status").inner_text() == page.locator("#answer .seen").get_attribute("data-summary")


HALF_TYPED = (
    ("/capacity", "blocking_probability", ("1x", "2%"), "'1x' is not a number"),
    ("/capacity", "service_level", ("80% in", "80% in 30s"), "is not a share and a time"),
    ("/ptu", "prompt_tokens", ("2,0", "2,000"), "'2,0' is not a number"),
    ("/ptu", "model", ("gpt-9", "gpt-5.1"), "unknown model 'gpt-9'"),
)
"""A page, a field, what is wrong and what is right there, and the fault."""


@pytest.mark.parametrize("case", long_but((HALF_TYPED[1], HALF_TYPED[3]), HALF_TYPED))
def test_a_half_typed_value_keeps_the_last_answer_and_is_a_fault_after_a_pause(
    page: Page, address: str, case: tuple[str, str, tuple[str, str], str]
) -> None:
    path, name, (half, right), fault = case
    label = (PTU if path == "/ptu" else CAPACITY)[name].label
    page.goto(f"{address}{path}")
    before = page.locator(FIGURE).inner_text()
    page.fill(f"#f-{name}", half)
    expect(page.locator(f"#e-{name}")).to_contain_text(fault, timeout=TIMEOUT_MS)
    expect(page.locator("#answer")).to_have_class(re.compile("stale"))
    expect(page.locator("#answer")).to_contain_text(f"Not updated: see {label}")
    assert page.locator(FIGURE).inner_text() == before
    expect(page.locator("#more")).to_have_css("opacity", "0.5")
    page.fill(f"#f-{name}", right)
    expect(page.locator("[role=alert]")).to_have_count(0, timeout=TIMEOUT_MS)
    expect(page.locator("#answer")).not_to_have_class(re.compile("stale"))
    expect(page.locator("#more")).to_have_css("opacity", "1")


def test_a_fault_shows_at_once_when_its_field_is_left(page: Page, address: str) -> None:
    page.goto(f"{address}/ptu")
    page.click("summary:has-text('PTUs to buy')")
    page.fill("#f-buy_ptus", "62")
    page.press("#f-buy_ptus", "Tab")
    expect(page.locator("#e-buy_ptus")).to_contain_text("use 60 or 65", timeout=1000)


@pytest.mark.parametrize(
    ("path", "name", "value"), [(AT_AZURE, "conversations", "9000"), ("/ptu", "calls_per_minute", "4,000")]
)
def test_the_address_gives_the_same_answer_elsewhere_and_back_works(
    page: Page, address: str, path: str, name: str, value: str
) -> None:
    page.goto(f"{address}{path}")
    first, before = page.locator(FIGURE).inner_text(), page.input_value(f"#f-{name}")
    page.fill(f"#f-{name}", value)
    page.press(f"#f-{name}", "Tab")
    expect(page.locator(FIGURE)).not_to_have_text(first, timeout=TIMEOUT_MS)
    expect(page).to_have_url(re.compile(name))
    elsewhere = page.context.browser.new_context()  # type: ignore[union-attr]
    other = elsewhere.new_page()
    for link in (page.url, page.locator("a[rel=bookmark]").evaluate("link => link.href")):
        other.goto(link)
        assert other.locator("#answer .facts").inner_text() == page.locator("#answer .facts").inner_text()
        assert other.locator("#more").inner_text() == page.locator("#more").inner_text()
    elsewhere.close()
    page.go_back()
    expect(page.locator(FIGURE)).to_have_text(first, timeout=TIMEOUT_MS)
    assert page.input_value(f"#f-{name}") == before


def test_what_lies_outside_the_result_follows_it(page: Page, address: str) -> None:
    """The charts, the choices of the form, and the plan that the navigation keeps."""
    page.goto(f"{address}{AT_AZURE}")
    chart = page.locator("#more .drawing").get_attribute("aria-label")
    steps = page.locator("#more .shares tbody tr").count()
    page.click("summary:has-text('Tokens and requests by minute')")
    page.fill("#f-minutes", "20")
    expect(page.locator("#more .drawing")).not_to_have_attribute("aria-label", chart or "", timeout=TIMEOUT_MS)
    assert page.locator("#more .shares tbody tr").count() > steps
    expect(page.locator("#more details")).to_have_attribute("open", "")
    page.press("#f-minutes", "Tab")
    expect(page.locator("nav a:has-text('Estimate')")).to_have_attribute("href", re.compile("minutes=20"), timeout=TIMEOUT_MS)
    expect(page.locator(".presets a").first).to_have_attribute("href", re.compile("^/capacity"))
    page.select_option("#f-model", "gemini-3.8-live")
    expect(page.locator("#f-provider option")).to_have_text(["Google"], timeout=TIMEOUT_MS)
    assert page.locator("[role=alert]").count() == 0


def test_what_a_plan_gives_is_grey_and_an_emptied_field_is_derived_again(page: Page, address: str) -> None:
    page.goto(f"{address}{PLANNED}")
    names = ("calls_per_minute", "prompt_tokens", "response_tokens", "cache_rate")
    derived = {name: page.get_attribute(f"#f-{name}", "placeholder") for name in names}
    assert all(re.fullmatch(r"[\d,.]+%?", text or "") for text in derived.values()), derived
    assert [page.input_value(f"#f-{name}") for name in names] == [""] * len(names)
    first = page.locator(FIGURE).inner_text()
    page.fill("#f-prompt_tokens", "9,000")
    expect(page.locator(FIGURE)).not_to_have_text(first, timeout=TIMEOUT_MS)
    page.press("#f-prompt_tokens", "Tab")
    expect(page).to_have_url(re.compile("prompt_tokens=9%2C000"), timeout=TIMEOUT_MS)
    assert set(parse_qs(urlsplit(page.url).query)) == {"plan", "prompt_tokens"}
    page.fill("#f-prompt_tokens", "")
    expect(page.locator(FIGURE)).to_have_text(first, timeout=TIMEOUT_MS)
    page.click("summary:has-text('Busy hour')")
    page.fill("#f-calls_per_hour", "999")
    expect(page.locator("#f-calls_per_minute")).not_to_have_attribute(
        "placeholder", derived["calls_per_minute"] or "", timeout=TIMEOUT_MS
    )
    expect(page.locator("#f-plan")).to_contain_text("999 in the busy hour")
    assert page.get_attribute("#f-prompt_tokens", "placeholder") == derived["prompt_tokens"]


def test_a_field_that_is_typed_in_meanwhile_is_not_overwritten(page: Page, address: str) -> None:
    """The answer to what was typed first comes while another field is typed in: that field keeps what is typed."""
    page.goto(f"{address}{PLANNED}")
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route("**/ptu/answer?*", hold)
    with page.expect_request("**/ptu/answer?*"):
        page.fill("#f-response_tokens", "77")
    page.locator("#f-prompt_tokens").evaluate("field => { field.value = '4,000'; }")
    with page.expect_response("**/ptu/answer?*"):
        waiting[0].continue_()
    expect(page.locator("#answer .seen")).to_have_attribute("data-query", re.compile("response_tokens=77$"), timeout=TIMEOUT_MS)
    assert page.input_value("#f-prompt_tokens") == "4,000"
    page.unroute("**/ptu/answer?*")
    page.locator("#f-prompt_tokens").dispatch_event("input")
    both = re.compile("prompt_tokens=4%2C000.*response_tokens=77")
    expect(page.locator("#answer .seen")).to_have_attribute("data-query", both, timeout=TIMEOUT_MS)


def test_sliders_and_steppers_begin_at_what_an_empty_field_stands_for(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}{AT_AZURE}")
    assert page.input_value("#c-busy_hour_share .slider") == "17"
    page.click("#c-busy_hour_share button:has-text('+')")
    expect(page.locator("#f-busy_hour_share")).to_have_value("18%")
    page.locator("#c-busy_hour_share .slider").fill("25")
    expect(page).to_have_url(re.compile("busy_hour_share=25%25"), timeout=TIMEOUT_MS)


@pytest.mark.parametrize("path", [AT_AZURE, "/ptu"])
def test_on_a_phone_the_answer_is_always_in_sight(page: Page, address: str, path: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}{path}")
    box = page.locator("#sticky").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 844
    assert page.locator("#sticky").inner_text().startswith(page.locator(FIGURE).inner_text())


@pytest.mark.parametrize("path", [AT_AZURE, "/ptu", PLANNED])
def test_the_answer_stands_at_the_form_on_a_wide_screen(page: Page, address: str, path: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{address}{path}")
    for part in (".headline", ".facts", "#answer h2"):
        box = page.locator(part).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 800, part


def test_the_form_works_without_a_script(page_without_script: Page, address: str) -> None:
    page = page_without_script
    page.goto(f"{address}/capacity")
    page.fill("#f-conversations", "30,000")
    page.fill("#f-blocking_probability", "2%")
    page.click("#ask > button")
    assert urlsplit(page.url).query == "conversations=30%2C000%2Fmonth&blocking_probability=2%25"
    assert "at 2% at most" in page.locator(".facts").inner_text()
    page.goto(f"{address}{PLANNED}")
    before = page.locator(FIGURE).inner_text()
    page.fill("#f-prompt_tokens", "9,000")
    page.click("#ask > button")
    assert set(parse_qs(urlsplit(page.url).query)) == {"plan", "prompt_tokens"}
    assert page.locator(FIGURE).inner_text() != before
    page.fill("#f-prompt_tokens", "")
    page.click("#ask > button")
    assert page.locator(FIGURE).inner_text() == before
    page.fill("#f-cache_rate", "many")
    page.click("#ask > button")
    assert "is not a share" in page.locator("#e-cache_rate").inner_text()


@pytest.mark.parametrize("path", [AT_AZURE, "/ptu", PLANNED])
def test_the_page_prints_on_one_sheet(page: Page, address: str, path: str) -> None:
    page.goto(f"{address}{path}")
    printed = page.pdf(format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
