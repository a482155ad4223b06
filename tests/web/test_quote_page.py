"""The quote in a browser: one sheet of paper, without navigation, and a button only where it works."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.web.sites import SITE

LONG_PLAN = "/quote?transport=sip&carrier_per_minute=0.0085&conversations=50/day&transcription_model=gpt-4o-transcribe"


def sheets(page: Page, paper: str) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", page.pdf(format=paper, prefer_css_page_size=True)))


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_a_quote_prints_on_one_sheet(page: Page, address: str, paper: str) -> None:
    page.goto(f"{address}/quote")
    assert sheets(page, paper) == 1


def test_a_quote_file_prints_on_one_sheet(empty_page: Page) -> None:
    empty_page.set_content(SITE.get("/quote.html").text)
    assert sheets(empty_page, "A4") == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_but_the_quote_is_printed(page: Page, address: str, scheme: str) -> None:
    page.emulate_media(media="print", color_scheme="dark" if scheme == "dark" else "light")
    page.goto(address + LONG_PLAN)
    for hidden in (".top", "nav", ".brand", ".foot", ".quote-tools", "[data-print]"):
        expect(page.locator(hidden).first).to_be_hidden()
    for heading in ("What is estimated", "Assumptions", "Sources of the prices"):
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
    expect(page.locator(".handout .link a")).to_have_text(re.compile(rf"^{re.escape(address)}/\?.*prices_digest="))
    assert page.evaluate("getComputedStyle(document.querySelector('.handout')).color") == "rgb(0, 0, 0)"


def test_the_button_prints(page: Page, address: str) -> None:
    page.goto(f"{address}/quote")
    page.evaluate("() => { window.print = () => { window.printed = (window.printed || 0) + 1; }; }")
    page.get_by_role("button", name="Print or save as PDF").click()
    assert page.evaluate("window.printed") == 1


def test_without_a_script_there_is_no_button(page_without_script: Page, address: str) -> None:
    page = page_without_script
    page.goto(f"{address}/quote")
    expect(page.locator("[data-print]")).to_be_hidden()
    expect(page.get_by_role("link", name="CSV")).to_be_visible()


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_a_quote_never_scrolls_sideways(page: Page, address: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(address + LONG_PLAN)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
