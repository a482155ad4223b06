"""The calculator in a browser: it answers while somebody types, compares on the spot, and keeps the plan everywhere."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.web.page_faults import faults, refuse_faults, watch_faults

TIMEOUT_MS = 5000
FIGURE = "#answer .figure"


@pytest.fixture(autouse=True)
def _no_faults(page: Page, address: str) -> Iterator[None]:
    with refuse_faults(page, address):
        yield


@pytest.mark.parametrize(
    ("name", "typed", "query"),
    [
        ("conversations", "250/day", "conversations=250%2Fday"),
        ("minutes", "1.5h", "minutes=1.5h"),
        ("user_share", "35%", "user_share=35%25"),
        ("instructions_tokens", "2,500", "instructions_tokens=2%2C500"),
    ],
)
def test_nothing_shouts_while_a_value_is_typed(page: Page, address: str, name: str, typed: str, query: str) -> None:
    page.goto(address)
    watch_faults(page)
    height = page.evaluate("document.getElementById('answer').getBoundingClientRect().top")
    page.fill(f"#f-{name}", "")
    page.type(f"#f-{name}", typed, delay=70)
    page.press(f"#f-{name}", "Tab")
    expect(page).to_have_url(re.compile(re.escape(query)), timeout=TIMEOUT_MS)
    assert faults(page) == []
    assert page.evaluate("document.getElementById('answer').getBoundingClientRect().top") == height


def test_a_half_typed_value_keeps_the_last_answer_and_is_a_fault_after_a_pause_or_on_leaving(page: Page, address: str) -> None:
    page.goto(address)
    before = page.locator(FIGURE).inner_text()
    tops = "[...document.querySelectorAll('#f-turns, #answer .headline')].map((e) => e.getBoundingClientRect().top)"
    places = page.evaluate(tops)
    page.fill("#f-minutes", "1x")
    expect(page.locator("#e-minutes")).to_contain_text("'1x' is not a duration", timeout=TIMEOUT_MS)  # after a pause
    assert page.locator(FIGURE).inner_text() == before
    assert page.evaluate(tops) == places
    page.fill("#f-minutes", "12")
    expect(page.locator("[role=alert]")).to_have_count(0, timeout=TIMEOUT_MS)
    expect(page.locator("#e-minutes")).to_have_text("")
    page.fill("#f-turns", "soon")
    page.press("#f-turns", "Tab")
    expect(page.locator("#answer")).to_contain_text("Not updated: see Turns", timeout=1000)


def test_all_faults_are_at_their_fields_in_the_words_of_the_form(page: Page, address: str) -> None:
    page.goto(f"{address}/?user_share=70%25&assistant_share=70%25")
    fault = "“User speaks” (0.7) and “Assistant speaks” (0.7) must add up to at most 1"
    expect(page.locator("#e-user_share")).to_have_text(fault)
    page.goto(f"{address}/?minutes=soon&turns=many&played_share=2x")
    for name in ("minutes", "turns", "played_share"):
        expect(page.locator(f"#e-{name}")).to_be_visible()
        assert page.get_attribute(f"#f-{name}", "aria-describedby") == f"h-{name} e-{name}"


def test_provider_and_deployment_follow_the_model(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("#h-model")).to_contain_text("audio $32 in, $0.40 cached, $64 out")
    assert page.locator("#f-deployment option").all_inner_texts() == ["Global"]
    page.select_option("#f-provider", "azure")
    expect(page.locator("#f-deployment option")).to_have_count(2, timeout=TIMEOUT_MS)
    page.select_option("#f-deployment", "data-zone")
    expect(page).to_have_url(re.compile("deployment=data-zone"), timeout=TIMEOUT_MS)
    page.select_option("#f-model", "gemini-3.8-live")
    expect(page.locator("#f-provider option")).to_have_text(["Google"], timeout=TIMEOUT_MS)
    expect(page.locator("#f-deployment")).to_have_value("global")
    expect(page.locator("#h-model")).to_contain_text("audio $3 in")
    assert page.locator("[role=alert]").count() == 0


def test_a_second_column_comes_from_a_link_and_follows_the_plan(page: Page, address: str) -> None:
    page.goto(f"{address}/?compare=model%3Dgpt-realtime-mini&compare=%3Fminutes%3D5%26turns%3D10")
    heads = page.locator(".columns thead th")
    expect(heads).to_have_text(["this plan", "gpt-realtime-mini", "kept plan"])
    call = page.locator(".columns tbody tr").first.locator("td")
    before = call.all_inner_texts()
    page.fill("#f-turns", "40")
    expect(call.first).not_to_have_text(before[0], timeout=TIMEOUT_MS)
    after = call.all_inner_texts()
    assert after[1] != before[1]
    assert after[2] == before[2]
    page.press("#f-turns", "Tab")
    expect(page).to_have_url(re.compile("turns=40.*compare="), timeout=TIMEOUT_MS)
    page.reload()
    assert page.locator(".columns tbody tr").first.locator("td").all_inner_texts() == after


def test_columns_are_added_used_and_removed_in_place(page: Page, address: str) -> None:
    page.goto(address)
    page.evaluate("window.kept = 1")
    page.select_option("#add", "stack=cheapest")
    page.click(".add button")
    expect(page.locator(".columns thead th")).to_have_count(2, timeout=TIMEOUT_MS)
    expect(page).to_have_url(re.compile("compare=stack%3Dcheapest"))
    page.select_option("#add", "model=gpt-realtime-mini")
    page.click(".add button")
    expect(page.locator(".columns thead th")).to_have_count(3, timeout=TIMEOUT_MS)
    expect(page.locator(".add")).to_have_count(0)
    page.locator(".columns .acts td").nth(2).locator("a:has-text('Remove')").click()
    expect(page.locator(".columns thead th")).to_have_text(["this plan", "gpt-realtime-mini"], timeout=TIMEOUT_MS)
    assert page.evaluate("window.kept") == 1
    cost = page.locator(".columns tbody tr").first.locator("td").nth(1).inner_text()
    page.click("a:has-text('Use this')")
    expect(page.locator(FIGURE)).to_have_text(cost, timeout=TIMEOUT_MS)
    assert page.input_value("#f-model") == "gpt-realtime-mini"


def test_columns_work_without_a_script(page_without_script: Page, address: str) -> None:
    page = page_without_script
    page.goto(f"{address}/?minutes=7")
    page.select_option("#add", "model=gpt-realtime-mini")
    page.click(".add button")
    assert urlsplit(page.url).query == "minutes=7&compare=model%3Dgpt-realtime-mini"
    expect(page.locator(".columns thead th")).to_have_text(["this plan", "gpt-realtime-mini"])
    page.click("a:has-text('Remove')")
    assert urlsplit(page.url).query == "minutes=7"


def test_a_recommendation_is_applied_and_compared(page: Page, address: str) -> None:
    page.goto(address)
    row = page.locator("tr:has(th:has-text('halve the prompt'))")
    row.locator("a:has-text('+ Compare')").click()
    expect(page.locator(".columns thead th").nth(1)).to_have_text("Prompt tokens: 500", timeout=TIMEOUT_MS)
    cost = page.locator(".columns tbody tr").first.locator("td").nth(1).inner_text()
    expect(page.locator("#why")).not_to_have_class(re.compile("stale"), timeout=TIMEOUT_MS)
    page.locator("tr:has(th:has-text('halve the prompt'))").locator("a:has-text('Apply')").click()
    expect(page.locator("#f-instructions_tokens")).to_have_value("500")
    expect(page.locator(FIGURE)).to_have_text(cost, timeout=TIMEOUT_MS)


def test_the_plan_travels_through_every_page_of_the_navigation(page: Page, address: str) -> None:
    page.goto(address)
    page.fill("#f-minutes", "7")
    page.press("#f-minutes", "Tab")
    expect(page).to_have_url(re.compile(r"minutes=7$"), timeout=TIMEOUT_MS)
    names = page.locator("nav a").all_inner_texts()
    for name in [*names, "Estimate"]:
        page.click(f"nav a:has-text('{name}')")
        assert page.locator("nav a[aria-current]").inner_text() == name
        query = parse_qs(urlsplit(page.url).query)
        assert query.get("minutes") == ["7"] or query.get("plan") == ["minutes=7"], name
        if page.locator("#f-minutes").count():
            assert page.input_value("#f-minutes") == "7", name
    assert page.input_value("#f-minutes") == "7"


def test_presets_keep_the_model_and_show_which_is_active(page: Page, address: str) -> None:
    page.goto(f"{address}/?model=gpt-realtime-mini&provider=azure")
    assert page.locator(".presets [aria-current]").count() == 0
    page.click(".presets a:has-text('support bot')")
    assert page.input_value("#f-model") == "gpt-realtime-mini"
    assert page.input_value("#f-provider") == "azure"
    assert page.input_value("#f-minutes") == "6"
    expect(page.locator(".presets [aria-current]")).to_have_text("support bot")
    expect(page.locator(".presets .hint")).to_have_text(re.compile("customer support bot"))
    page.fill("#f-minutes", "9")
    expect(page.locator(".presets [aria-current]")).to_have_count(0, timeout=TIMEOUT_MS)


def test_an_address_of_an_earlier_version_says_which_key_is_meant(page: Page, address: str) -> None:
    page.goto(f"{address}/?minutes=12&reuse=50%25")
    meaning = "reuse is a name of an earlier version; it is now prefix_reuse: Prefix reuse"
    expect(page.locator("[role=alert]")).to_contain_text(meaning)
    page.click("a:has-text('Open this address')")
    assert page.input_value("#f-prefix_reuse") == "50%"
    assert page.input_value("#f-minutes") == "12"


def test_sliders_and_steppers_change_their_field(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(address)
    before = page.locator(FIGURE).inner_text()
    page.click("#c-turns button:has-text('+')")
    expect(page.locator("#f-turns")).to_have_value("21")
    expect(page.locator(FIGURE)).not_to_have_text(before, timeout=TIMEOUT_MS)
    page.locator("#c-user_share .slider").fill("25")
    expect(page.locator("#f-user_share")).to_have_value("25%")
    page.click("#c-conversations button:has-text('−')")
    expect(page.locator("#f-conversations")).to_have_value("900")
    assert page.locator("#f-minutes").get_attribute("inputmode") == "decimal"
    expect(page).to_have_url(re.compile("turns=21.*user_share=25%25.*conversations=900%2Fmonth"), timeout=TIMEOUT_MS)


def test_on_a_phone_the_two_figures_are_always_in_sight(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(address)
    box = page.locator("#sticky").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 844
    assert page.locator("#sticky b").all_inner_texts() == [
        page.locator(FIGURE).inner_text(),
        page.locator("#answer .figure-month").inner_text(),
    ]
    before = page.locator(FIGURE).inner_text()
    page.fill("#f-minutes", "30")
    expect(page.locator(FIGURE)).not_to_have_text(before, timeout=TIMEOUT_MS)
    expect(page.locator("#sticky b").first).to_have_text(page.locator(FIGURE).inner_text(), timeout=TIMEOUT_MS)


def test_a_link_and_a_summary_are_copied(page: Page, address: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{address}/?minutes=7")
    page.click("button:has-text('Copy summary')")
    expect(page.locator("#status")).to_have_text("copied")
    text = page.evaluate("navigator.clipboard.readText()")
    figure = page.locator(FIGURE).inner_text()
    assert text.startswith(f"About {figure} a call (best ")
    assert "gpt-realtime-1.5 at OpenAI · 7 minutes · 20 turns · 1,000 calls a month" in text
    link = text.splitlines()[-1]
    page.click("button:has-text('Copy link')")
    page.wait_for_function("navigator.clipboard.readText().then((text) => text.startsWith('http'))")
    assert page.evaluate("navigator.clipboard.readText()") == link
    page.goto(link)
    assert page.locator(FIGURE).inner_text() == figure
    page.click("a:has-text('Reset')")
    assert page.url == f"{address}/"


def test_paper_has_the_answer_and_nothing_to_operate(page: Page, address: str) -> None:
    page.goto(f"{address}/?compare=model%3Dgpt-realtime-mini")
    page.emulate_media(media="print")
    for part in (
        ".headline",
        ".range figcaption",
        ".ranges",
        ".columns",
        ".shares",
        "section[aria-labelledby=sensitivity] .plot",
    ):
        expect(page.locator(part).first).to_be_visible()
    for part in (".slider", ".steps", ".add", ".acts", ".presets", "nav", ".notes:not([open])", "#answer .links"):
        for element in page.locator(part).all():
            expect(element).not_to_be_visible()
    number = page.locator("#f-conversations")
    assert number.evaluate("(field) => field.scrollWidth <= field.clientWidth + 1")


def test_no_figures_are_in_sight_where_there_are_none(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}/?minutes=soon")
    expect(page.locator("#sticky")).not_to_be_visible()
