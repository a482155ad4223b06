"""The comparison in a browser: ranked with bars, short, filtered at once, and every row leads to its figure."""

import re

import pytest
from playwright.sync_api import Page, expect

from voicebill.web.routes.compare import OPEN_RANKED_ROWS

TIMEOUT_MS = 5000
HEIGHTS = {1280: 2500, 390: 3200}
SHOWN_BARS = "rows => rows.filter(row => row.querySelector('.bars svg')?.getBoundingClientRect().height > 5).length"


@pytest.mark.parametrize("width", HEIGHTS)
def test_the_ranking_is_short_and_every_row_has_its_bar(page: Page, address: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(f"{address}/compare")
    assert page.evaluate("document.documentElement.scrollHeight") < HEIGHTS[width]
    rows = page.locator("table.ranked").first.locator("tbody tr")
    assert rows.count() == 1 + OPEN_RANKED_ROWS
    assert rows.evaluate_all(SHOWN_BARS) == rows.count()
    figures = rows.locator("td.main").all_inner_texts()
    assert all(re.fullmatch(r"\$\d+\.\d+", text) for text in figures)


def test_the_mark_of_a_bar_lies_between_its_ends(page: Page, address: str) -> None:
    page.goto(f"{address}/compare")
    places = page.locator("table.ranked .bars svg").evaluate_all(
        "bars => bars.map(bar => ['.span', '.mark'].map(part => { const box = bar.querySelector(part).getBBox();"
        " return [box.x, box.x + box.width]; }))"
    )
    assert places
    assert all(span[0] - 1 <= mark[0] and mark[1] <= span[1] + 1 for span, mark in places)


def test_a_filter_applies_as_soon_as_it_is_selected_and_the_plan_stays_in_sight(page: Page, address: str) -> None:
    page.goto(f"{address}/compare?minutes=7&pinned=model%3Dgpt-realtime-2")
    own = page.locator("tr.own").first
    expect(own).to_contain_text("Your plan: gpt-realtime-2")
    figure = own.locator("td.main").inner_text()
    page.select_option("#f-provider", "azure")
    expect(page).to_have_url(re.compile(r"provider=azure"), timeout=TIMEOUT_MS)
    assert "pinned" in page.url
    assert "minutes=7" in page.url
    expect(own).to_contain_text("Your plan: gpt-realtime-2")
    assert own.locator("td.main").inner_text() == figure
    assert own.locator("th").evaluate("cell => getComputedStyle(cell).backgroundColor") != "rgba(0, 0, 0, 0)"
    others = page.locator("table.ranked").first.locator("tbody tr:not(.own) th > .small").all_inner_texts()
    assert any(text.startswith("speech to speech") for text in others)
    assert all(" · Azure" in text for text in others if text.startswith("speech to speech"))
    page.click("a:has-text('Show all')")
    expect(page.locator("#f-provider")).to_have_value("", timeout=TIMEOUT_MS)
    assert own.locator("td.main").inner_text() == figure


def test_a_kind_and_what_ends_soon_are_filters_with_addresses(page: Page, address: str) -> None:
    page.goto(f"{address}/compare")
    page.select_option("#f-kind", label="pipeline")
    expect(page).to_have_url(re.compile(r"kind=pipeline"), timeout=TIMEOUT_MS)
    kinds = page.locator("table.ranked").first.locator("tbody tr:not(.own) th > .small").all_inner_texts()
    assert kinds
    assert all(text.startswith("pipeline") for text in kinds)
    page.check("[name=include_ending]")
    expect(page).to_have_url(re.compile(r"include_ending=true"), timeout=TIMEOUT_MS)
    assert page.locator("[data-fold=ending]").count() == 0


def test_a_row_leads_to_its_figure_in_the_calculator(page: Page, address: str) -> None:
    page.goto(f"{address}/compare?minutes=7")
    row = page.locator("table.ranked").first.locator("tbody tr", has_text="gpt-realtime-2.1-mini").first
    expected = row.locator("td.main").inner_text()
    row.locator("a:has-text('Estimate')").click()
    expect(page.locator("#answer .figure")).to_have_text(re.compile(re.escape(expected)), timeout=TIMEOUT_MS)
    assert page.locator("#f-minutes").input_value() == "7"


def test_the_offers_of_a_model_unfold_and_lead_to_their_figures(page: Page, address: str) -> None:
    page.goto(f"{address}/compare?minutes=7")
    fold = page.locator("table.ranked details").first
    fold.locator("summary").click()
    offers = fold.locator("li")
    assert offers.count() == int(fold.locator("summary").inner_text().split()[0])
    text = offers.last.inner_text()
    figure = re.search(r"(\$\S+) a call", text)
    assert figure
    offers.last.locator("a").click()
    expect(page.locator("#answer .figure")).to_have_text(re.compile(re.escape(figure[1])), timeout=TIMEOUT_MS)


def test_a_pipeline_is_estimated_as_a_column_of_the_plan(page: Page, address: str) -> None:
    page.goto(f"{address}/compare?minutes=7")
    row = page.locator("table.ranked").first.locator("tbody tr", has_text="the cheapest pipeline").first
    expected = row.locator(".range-cell").inner_text()
    row.locator("a:has-text('Estimate')").click()
    expect(page.locator(".columns")).to_contain_text(expected, timeout=TIMEOUT_MS)


def test_a_second_plan_stands_in_the_first_screen(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{address}/compare?against=support-bot")
    box = page.locator("#two-plans").bounding_box()
    assert box
    assert box["y"] < 800
    page.fill("#f-against", "voice-assistant")
    page.press("#f-against", "Enter")
    expect(page).to_have_url(re.compile("against=voice-assistant"), timeout=TIMEOUT_MS)


def test_the_break_even_is_asked_for_and_then_open(page: Page, address: str) -> None:
    page.goto(f"{address}/compare")
    assert page.locator("#break-even table, #break-even img").count() == 0
    page.locator("#break-even summary").click()
    page.select_option("#f-break_even", "minutes")
    page.select_option("#f-alternative-1", "fast")
    page.select_option("#f-alternative-2", "openai/gpt-realtime-1.5")
    page.locator("#break-even button").click()
    expect(page).to_have_url(re.compile("break_even=minutes"), timeout=TIMEOUT_MS)
    assert page.locator("#break-even").get_attribute("open") is not None
    expect(page.locator("#break-even")).to_contain_text(re.compile("cheaper below|no order changes"))


def test_the_comparison_prints_its_ranking_and_no_controls(page: Page, address: str) -> None:
    page.goto(f"{address}/compare")
    page.emulate_media(media="print")
    assert page.locator("table.ranked").first.is_visible()
    assert not page.locator(".filters button").is_visible()
    assert not page.locator("table.ranked .acts a").first.is_visible()


def test_without_a_script_the_filters_have_a_button(page_without_script: Page, address: str) -> None:
    page = page_without_script
    page.goto(f"{address}/compare")
    page.select_option("#f-provider", "azure")
    page.click(".filters button")
    assert "provider=azure" in page.url
