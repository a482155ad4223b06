"""The page in a browser: live updates, shareable addresses, accessibility, and no request to other machines."""

import csv
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.web.page_faults import refuse_faults
from voicebill.billing.money import format_amount, picodollars

TIMEOUT_MS = 5000


@pytest.fixture(autouse=True)
def requests(page: Page, address: str) -> Iterator[list[Request]]:
    """The requests of the page: none to another machine. Nor may a script fail or the security policy be violated."""
    with refuse_faults(page, address) as requests:
        yield requests


def figure(page: Page) -> str:
    return page.locator(".figure").inner_text()


def is_figure_of(page: Page, amount: str) -> bool:
    """Whether an amount with more digits is the one that the figure shows with three."""
    return format_amount(picodollars(Decimal(amount.removeprefix("$")))) == figure(page)


def set_field(page: Page, name: str, value: str) -> None:
    page.fill(f"#f-{name}", value)


def test_a_changed_field_changes_the_figure_without_a_reload(page: Page, address: str) -> None:
    page.goto(address)
    page.evaluate("window.kept = 1")
    before = figure(page)
    earlier = page.locator(".ledger:not(.complete) tbody tr").last.locator("td").nth(7).inner_text()
    set_field(page, "minutes", "20")
    expect(page.locator(".figure")).not_to_have_text(before, timeout=TIMEOUT_MS)
    page.press("#f-minutes", "Tab")
    expect(page).to_have_url(re.compile(r"\?minutes=20$"), timeout=TIMEOUT_MS)
    assert page.evaluate("window.kept") == 1
    expect(page.locator("#status")).to_contain_text("expected $")
    cumulative = page.locator(".ledger:not(.complete) tbody tr").last.locator("td").nth(7)
    expect(cumulative).not_to_have_text(earlier, timeout=TIMEOUT_MS)
    assert is_figure_of(page, cumulative.inner_text())


def test_the_address_gives_the_same_figure_elsewhere_and_back_works(page: Page, address: str, browser: Browser) -> None:
    page.goto(address)
    first = figure(page)
    page.select_option("#f-model", "gpt-realtime-mini")
    expect(page.locator(".figure")).not_to_have_text(first, timeout=TIMEOUT_MS)
    second = figure(page)
    elsewhere = browser.new_context()
    other = elsewhere.new_page()
    other.goto(page.url)
    assert figure(other) == second
    elsewhere.close()
    page.go_back()
    expect(page.locator(".figure")).to_have_text(first, timeout=TIMEOUT_MS)
    assert page.input_value("#f-model") == "gpt-realtime-1.5"


def test_without_a_script_the_form_works(page_without_script: Page, address: str) -> None:
    page = page_without_script
    page.goto(address)
    before = figure(page)
    page.fill("#f-minutes", "5 min")
    page.click("#ask > button")
    assert page.url.endswith("?minutes=5+min")
    assert figure(page) != before
    page.fill("#f-minutes", "soon")
    page.click("#ask > button")
    assert "is not a duration" in page.locator("#e-minutes").inner_text()
    assert page.input_value("#f-minutes") == "soon"
    page.goto(f"{address}/compare")
    page.click("summary:has-text('realtime offers')")
    page.click("th a:has-text('Worst')")
    assert "sort=worst" in page.url


def test_invalid_input_is_reported_at_its_field_and_the_result_is_marked_as_outdated(page: Page, address: str) -> None:
    page.goto(address)
    before = figure(page)
    set_field(page, "turns", "many")
    expect(page.locator("#e-turns")).to_contain_text("'many' is not a number", timeout=TIMEOUT_MS)
    expect(page.locator("#answer")).to_contain_text("Not updated: see Turns")
    assert figure(page) == before
    assert page.get_attribute("#f-turns", "aria-invalid") == "true"
    set_field(page, "turns", "21")
    expect(page.locator("#answer")).not_to_contain_text("Not updated", timeout=TIMEOUT_MS)
    expect(page.locator("#e-turns")).to_have_text("")


def test_a_discount_changes_the_figure_and_stays_out_of_every_address(
    page: Page, address: str, requests: list[Request]
) -> None:
    page.goto(address)
    before = Decimal(figure(page).removeprefix("$"))
    earlier = page.locator(".ledger:not(.complete) tbody tr").last.locator("td").nth(7).inner_text()
    page.click("summary:has-text('Model and prices')")
    set_field(page, "discount", "50")
    expect(page.locator("#answer")).to_contain_text("With a discount of 50%", timeout=TIMEOUT_MS)
    assert Decimal(figure(page).removeprefix("$")) == pytest.approx(before / 2, rel=Decimal("0.005"))
    page.press("#f-discount", "Tab")
    expect(page.locator("#answer")).to_contain_text("With a discount of 50%")
    cumulative = page.locator(".ledger:not(.complete) tbody tr").last.locator("td").nth(7)
    expect(cumulative).not_to_have_text(earlier, timeout=TIMEOUT_MS)
    assert is_figure_of(page, cumulative.inner_text())
    page.evaluate("document.querySelector('.skip').click()")
    assert page.input_value("#f-discount") == "50"
    expect(page.locator("#answer")).to_contain_text("With a discount of 50%")
    assert not any("discount" in url for url in [page.url, *(request.url for request in requests)])


def test_the_explanation_always_belongs_to_the_result(page: Page, address: str) -> None:
    """The plan is changed and changed back while its explanation is loading, and then changed again."""
    page.goto(address)
    for turns in ("40", "20", "40"):
        set_field(page, "turns", turns)
        expect(page.locator("#answer .ranges")).to_be_visible()
    last = page.locator(".ledger:not(.complete) tbody tr").last
    expect(last.locator("th")).to_have_text("40", timeout=TIMEOUT_MS)
    expect(page.locator("#why")).not_to_have_class(re.compile("stale"), timeout=TIMEOUT_MS)
    assert is_figure_of(page, last.locator("td").nth(7).inner_text())


def test_a_click_right_after_typing_is_not_lost(page: Page, address: str) -> None:
    page.goto(address)
    before = figure(page)
    set_field(page, "turns", "33")
    expect(page.locator(".figure")).not_to_have_text(before, timeout=TIMEOUT_MS)
    page.click("a:has-text('Compare offers')", delay=150)
    expect(page).to_have_url(re.compile(r"/compare\?turns=33"), timeout=TIMEOUT_MS)


def test_an_emptied_required_field_is_reported(page: Page, address: str) -> None:
    page.goto(address)
    set_field(page, "turns", "")
    expect(page.locator("#e-turns")).to_contain_text("how many turns does it have?", timeout=TIMEOUT_MS)
    set_field(page, "turns", "20")
    set_field(page, "conversations", "")
    expect(page.locator(".ranges")).not_to_contain_text("per month", timeout=TIMEOUT_MS)
    page.press("#f-conversations", "Tab")
    page.reload()
    expect(page.locator(".ranges")).not_to_contain_text("per month")


def test_the_comparison_sorts_in_place(page: Page, address: str) -> None:
    page.goto(f"{address}/compare")
    page.click("summary:has-text('realtime offers')")
    rows = page.locator("table.offers tbody").first.locator("tr")
    cheapest = rows.first.inner_text()
    page.click("th a:has-text('Expected')")
    assert rows.last.inner_text() == cheapest
    page.click("th a:has-text('Offer')")
    offers = rows.locator("th").evaluate_all("cells => cells.map(cell => cell.dataset.value)")
    assert offers == sorted(offers)
    assert page.locator("th[aria-sort]").count() == 1


def test_exports_have_the_same_numbers(page: Page, address: str) -> None:
    page.goto(f"{address}/?minutes=7&tool_calls=2&transcription_model=whisper-1")
    with page.expect_download() as saved:
        page.click("a:has-text('CSV')")
    text = saved.value.path().read_text(encoding="utf-8")
    total = sum(Decimal(row["dollars"]) for row in csv.DictReader(text.splitlines()))
    link = page.get_attribute("#answer .links a:has-text('JSON')", "href")
    with urlopen(f"{address}{link}") as reply:
        shape = json.load(reply)
    assert Decimal(shape["per_conversation"]["expected"]) == total
    assert is_figure_of(page, f"${total}")
    with page.expect_download() as drawn:
        page.locator("figcaption a:has-text('SVG')").first.click()
    assert "<svg" in drawn.value.path().read_text(encoding="utf-8")


def test_the_break_even_is_drawn_in_the_page(page: Page, address: str) -> None:
    page.goto(f"{address}/compare?minutes=6&turns=20&break_even=speech&alternative=fast&alternative=openai/gpt-realtime-1.5")
    drawn = page.locator("#break-even svg.drawing")
    drawn.scroll_into_view_if_needed()
    assert drawn.evaluate("svg => svg.getBoundingClientRect().width") > 300
    assert page.locator("img").count() == 0


def test_the_first_screen_needs_no_scrolling(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(address)
    for part in ("#ask", ".headline", ".ranges", ".shares"):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 800, part


def test_the_page_can_be_used_by_keyboard(page: Page, address: str) -> None:
    page.goto(address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    page.focus("#f-turns")
    page.keyboard.press("Control+A")
    page.keyboard.type("30")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("turns=30"), timeout=TIMEOUT_MS)


def test_the_page_prints_on_one_sheet(page: Page, address: str) -> None:
    page.goto(address)
    page.evaluate("for (const image of document.images) image.loading = 'eager'")
    page.wait_for_load_state("networkidle")
    printed = page.pdf(format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
