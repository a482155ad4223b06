"""Prices and rules in a browser: short on a phone, cards with all figures, filters that work at once and without a script."""

import re

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.cases import long_but

MAX_PHONE_HEIGHT = 5000
PHONE_WIDTH = 390
PHONE = ViewportSize(width=PHONE_WIDTH, height=844)

STATES = (
    "/prices",
    "/prices?kind=text",
    "/prices?kind=transcription",
    "/prices?kind=telephony",
    "/prices?provider=azure",
    "/prices/azure/whisper-001",
    "/prices/azure-voice-live/gpt-4o?plan=minutes%3D7",
    "/rules",
    "/rules?model=gpt-realtime-2.1&provider=azure",
)

HIDDEN_VALUES = """() => [...document.querySelectorAll('table.cards td, table.cards tbody th')].filter(cell => {
  const box = cell.getBoundingClientRect()
  const edge = cell.closest('.scroll').getBoundingClientRect()
  const isShown = cell.textContent.trim() && cell.checkVisibility()
  return isShown && (!box.height || box.right > edge.right + 0.5 || cell.scrollWidth > cell.clientWidth)
}).map(cell => cell.textContent.trim())"""


@pytest.mark.parametrize("width", long_but((320,), [320, 390]))
@pytest.mark.parametrize("path", STATES)
def test_a_page_on_a_phone_is_short_and_shows_every_value_of_its_cards(page: Page, address: str, path: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(f"{address}{path}")
    height = page.evaluate("document.documentElement.scrollHeight")
    assert height < (MAX_PHONE_HEIGHT if width == PHONE_WIDTH else MAX_PHONE_HEIGHT * 1.2)
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    assert page.evaluate(HIDDEN_VALUES) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_card_names_its_prices_with_their_unit(page: Page, address: str) -> None:
    page.set_viewport_size(PHONE)
    page.goto(f"{address}/prices?kind=transcription")
    cell = page.get_by_role("row", name="whisper-1").locator("td[data-label='audio heard']")
    assert cell.inner_text() == "$0.006/min"
    assert cell.evaluate("cell => getComputedStyle(cell, '::before').content") == '"audio heard"'
    empty = page.get_by_role("row", name="whisper-1").locator("td[data-label='text in']")
    expect(empty).to_be_hidden()


def test_on_a_wide_screen_all_providers_are_open_and_their_columns_are_aligned(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{address}/prices")
    groups = page.locator("details.provider:not(.ended)")
    assert groups.count() > 5
    assert page.locator("details.provider:not(.ended):not([open])").count() == 0
    assert page.locator("details.ended[open]").count() == 0
    edges = page.evaluate(
        "() => [...document.querySelectorAll('details[open] table.priced')].map(table =>"
        " [...table.tBodies[0].rows[0].cells].map(cell => Math.round(cell.getBoundingClientRect().right)).join())"
    )
    assert len(edges) == groups.count()
    assert len(set(edges)) == 1
    page.set_viewport_size(PHONE)
    page.goto(f"{address}/prices")
    assert page.locator("details.provider:not(.ended):not([open])").count() > 0


def test_a_provider_is_shown_as_soon_as_it_is_selected(page: Page, address: str) -> None:
    page.goto(f"{address}/prices?kind=text&plan=minutes%3D7")
    expect(page.get_by_role("button", name="Show")).to_be_hidden()
    page.select_option("#f-provider", "azure")
    expect(page).to_have_url(re.compile(r"/prices\?plan=minutes%3D7&kind=text&provider=azure$"))
    expect(page.locator("details.provider:not(.ended) summary")).to_have_count(1)
    page.go_back()
    expect(page).to_have_url(re.compile(r"/prices\?kind=text&plan="))


def test_without_a_script_prices_are_filtered_folded_and_unfolded(page_without_script: Page, address: str) -> None:
    page = page_without_script
    page.set_viewport_size(PHONE)
    page.goto(f"{address}/prices?kind=text")
    page.select_option("#f-provider", "openai")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile(r"provider=openai"))
    expect(page.locator("a[href^='/prices/azure']")).to_have_count(0)
    page.goto(f"{address}/prices")
    row = page.get_by_role("link", name="higgs-realtime")
    expect(row).to_be_hidden()
    page.locator("summary", has_text="boson").click()
    expect(row).to_be_visible()
    page.goto(f"{address}/prices?ended=true")
    expect(page.get_by_role("region", name="OpenAI, no longer sold: realtime")).to_be_visible()


def test_a_price_leads_to_an_offer_and_from_there_to_the_same_figure_in_the_calculator(page: Page, address: str) -> None:
    page.goto(f"{address}/prices?plan=minutes%3D7%26turns%3D9")
    page.get_by_role("link", name="gpt-realtime-2.1", exact=True).first.click()
    figure = page.locator(".figure").inner_text()
    assert "7 minutes, 9 turns" in page.locator("main").inner_text()
    page.get_by_role("link", name="Estimate with this offer").click()
    expect(page).to_have_url(re.compile(r"/\?model=gpt-realtime-2\.1&minutes=7&turns=9$"))
    assert page.locator(".figure").inner_text() == figure


def test_the_chart_of_a_history_has_a_step_for_every_price_in_its_table(page: Page, address: str) -> None:
    page.goto(f"{address}/prices/azure-voice-live/gpt-4o")
    rows = page.locator("table.priced").first.locator("tbody tr")
    assert page.locator("figure.plot .targets rect").count() == rows.count() == 2
    out = rows.first.locator("td[data-label='audio out']").inner_text()
    expect(page.locator("figure.plot .ends")).to_contain_text(f"audio out {out}")
    expect(page.locator("figure.plot .targets rect title").first).to_have_text(re.compile("^since 2026-02"))


@pytest.mark.parametrize("width", [390, 1280])
def test_the_evidence_of_a_rule_is_visible_at_every_width(page: Page, address: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(f"{address}/rules")
    row = page.locator("table.rules tbody tr", has=page.get_by_role("rowheader", name="stable_instructions_share"))
    evidence = row.locator("td").last
    expect(evidence).to_contain_text("assumed, n = 172, range 0 to 0.9 [")
    expect(evidence.locator("b")).to_be_visible()
    rest = evidence.get_by_text("576 of about 900 prompt tokens")
    if width == PHONE_WIDTH:
        assert "576 of about 900" not in evidence.inner_text()
        evidence.locator("summary").click()
    assert "576 of about 900 prompt tokens" in evidence.inner_text()
    expect(rest).to_be_visible()
    evidence.get_by_role("link").first.click()
    expect(page.locator(":target")).to_be_in_viewport()


def test_a_wide_table_shows_that_it_scrolls(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 700, "height": 900})
    page.goto(f"{address}/prices")
    region = page.get_by_role("region", name="OpenAI: realtime")
    assert region.evaluate("box => box.scrollWidth > box.clientWidth")
    assert region.get_attribute("tabindex") == "0"
    assert region.evaluate("box => getComputedStyle(box).backgroundAttachment") == "local, local, scroll, scroll"
