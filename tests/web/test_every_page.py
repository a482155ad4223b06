"""Every page in a browser, in each look and width: accessible, and no wider than the screen."""

from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.cases import long_but
from tests.web.page_faults import GUIDELINES, refuse_faults

PAGES = (
    "/",
    "/?minutes=abc",
    "/cost",
    "/cost?sample=support-day&by=tenant",
    "/cost?sample=support-day&by=hour",
    "/cost?sample=support-day&by=session,turn",
    "/cost?sample=support-day&explain=true",
    "/cost?sample=support-day&explain=replay",
    "/cost?sample=support-day&session=sess_1",
    "/cost?sample=support-day&where=turn+%3D+three",
    "/compare",
    "/compare?against=support-bot&provider=azure&break_even=turns",
    "/quote",
    "/quote?minutes=abc",
    "/ptu?model=gpt-4.1&calls_per_minute=1000&prompt_tokens=200&response_tokens=20&profile=1,1,1,1,1,1,2,5,9,9,9,9,9,9,9,9,7,4,2,2,2,1,1,1&buy_ptus=60",
    "/ptu?model=gpt-realtime",
    "/ptu?plan=minutes%3D10%26turns%3D20&prompt_tokens=900",
    "/capacity?provider=azure&model=gpt-realtime&conversations=30000/month",
    "/capacity",
    "/capacity?days=40",
    "/prices",
    "/prices?kind=text&provider=azure&ended=true",
    "/prices?provider=azur",
    "/prices/openai/gpt-4o-transcribe",
    "/prices/azure-voice-live/gpt-4o?plan=minutes%3D7",
    "/rules",
    "/rules?model=gpt-realtime-2.1&provider=azure",
    "/learn",
    "/api",
)
QUICK_PAGES = (
    *("/", "/cost", "/cost?sample=support-day&by=tenant", "/cost?sample=support-day&explain=replay", "/quote", "/capacity"),
    *("/compare?against=support-bot&provider=azure&break_even=turns", "/ptu?model=gpt-realtime", "/prices"),
    *("/prices/openai/gpt-4o-transcribe", "/rules?model=gpt-realtime-2.1&provider=azure", "/learn", "/api"),
)
"""One of each kind, which `make test` visits."""
LOOKS: dict[str, tuple[int, dict[str, Any]]] = {
    "light": (1280, {"color_scheme": "light", "forced_colors": "none"}),
    "dark": (390, {"color_scheme": "dark", "forced_colors": "none"}),
    "forced": (320, {"color_scheme": "light", "forced_colors": "active"}),
}
"""How pages are looked at: the width in pixels, and the colours; with forced colours, one page of each kind."""
LOADED_AXE = Axe("null")
"""Axe for a page in which its script, half a mebibyte, has been evaluated: once for all looks."""
OPEN_FOLDS = "for (const fold of document.querySelectorAll('details')) fold.open = true"
KEEP_THREE_ALIKE = """() => {
    const markup = element => [
        element.localName, ...Array.from(element.attributes, ({name, value}) => name === "class" ? value : name),
        `(${Array.from(element.children, markup)})`,
    ].join(" ")
    for (const parent of new Set(Array.from(document.querySelectorAll("tr, li, option"), item => item.parentElement))) {
        const times = {}
        for (const item of Array.from(parent.children)) {
            const key = markup(item)
            times[key] = (times[key] || 0) + 1
            if (times[key] > 3) item.remove()
        }
    }
}"""
"""Leaves three of the rows, items and options of a list that have the same elements, attributes and classes."""


def show(page: Page, look: str) -> None:
    """Give a page the width and the colours of a look."""
    width, colours = LOOKS[look]
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(**colours)


@pytest.mark.parametrize("path", long_but(QUICK_PAGES, PAGES))
def test_no_page_violates_the_accessibility_guidelines(audited_page: Page, address: str, path: str) -> None:
    """In each look. Rows that are marked up alike are looked at three times, since each takes time in each look."""
    page = audited_page
    show(page, "light")
    with refuse_faults(page, address):
        page.goto(f"{address}{path}")
        page.evaluate(OPEN_FOLDS)
        page.evaluate(KEEP_THREE_ALIKE)
        page.evaluate(AXE_SCRIPT)
        for look in LOOKS:
            if look == "forced" and "?" in path:
                continue
            show(page, look)
            options = {"runOnly": {"type": "tag", "values": GUIDELINES}, "resultTypes": ["violations"]}
            results = LOADED_AXE.run(page, options=options)
            assert results.violations_count == 0, f"{look}: {results.generate_report()}"


@pytest.mark.parametrize("path", long_but(QUICK_PAGES, PAGES))
def test_no_page_scrolls_sideways(page: Page, address: str, path: str) -> None:
    with refuse_faults(page, address):
        page.goto(f"{address}{path}")
        for width in (320, 390, 768, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
