"""The page of usage logs in a browser: dropped logs, the sample, regrouping in place, progress, downloads and long tables."""

import csv
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal
from urllib.request import Request as Query
from urllib.request import urlopen

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Request, Route, expect

from tests.bills import vendor_bill
from tests.web.page_faults import GUIDELINES, refuse_faults
from voicebill.billing.money import format_amount, picodollars
from voicebill.web.sample_logs import read_sample_log

TIMEOUT_MS = 5000
FIGURE = "#log-answer .figure"
SAMPLE = "/cost?sample=support-day&by=tenant"

DROP = """([contents, target]) => {
  const transfer = new DataTransfer()
  for (const [name, text] of contents)
    if (name) transfer.items.add(new File([text], name)); else transfer.setData("text/plain", text)
  const options = {bubbles: true, cancelable: true, dataTransfer: transfer}
  const element = document.querySelector(target)
  const seen = []
  for (const kind of ["dragenter", "dragover", "drop"]) {
    const accepted = !element.dispatchEvent(new DragEvent(kind, options))
    seen.push([kind, accepted, document.querySelector("#log-form").classList.contains("dropping")])
  }
  return seen
}"""
"""Drags files, or a text without a name, over an element and drops them: is the event taken, and is the drop zone shown?"""


@pytest.fixture(autouse=True)
def requests(page: Page, address: str) -> Iterator[list[Request]]:
    """The requests of the page: none to another machine. Nor may a script fail or the security policy be violated."""
    with refuse_faults(page, address) as requests:
        yield requests


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log on disk, as a user chooses it."""
    file = tmp_path / "calls.jsonl"
    file.write_bytes(read_sample_log("support-day"))
    return file


def api_cost(address: str, query: str, log: bytes) -> dict[str, Any]:
    """What the API says that a log costs."""
    with urlopen(Query(f"{address}/api/cost?{query}", data=log, method="POST")) as reply:
        document: dict[str, Any] = json.load(reply)
    return document


def drop(page: Page, *contents: tuple[str, str], target: str = "main") -> list[list[Any]]:
    """Drop files with their names, or a text without one."""
    events: list[list[Any]] = page.evaluate(DROP, [[list(pair) for pair in contents], target])
    return events


def groups_of(page: Page) -> list[str]:
    """The names in the first table of groups."""
    return page.locator("[aria-label=Groups] tbody th").all_inner_texts()


@pytest.mark.parametrize("target", ["h1", "#log-form label", "#log-answer", "#f-where"])
def test_a_log_that_is_dropped_anywhere_is_costed(page: Page, address: str, log: Path, target: str) -> None:
    """On a text of the card, beside it and on a field for text; the drop zone is over the whole card meanwhile."""
    page.goto(f"{address}/cost")
    assert drop(page, ("calls.jsonl", log.read_text()), target=target) == [
        ["dragenter", False, True],
        ["dragover", True, True],
        ["drop", True, False],
    ]
    amount = Decimal(api_cost(address, "", log.read_bytes())["total"]["low"])
    expect(page.locator(FIGURE)).to_have_text(format_amount(picodollars(amount)), timeout=TIMEOUT_MS)
    assert page.evaluate("document.querySelector('#f-log').files[0].name") == "calls.jsonl"
    expect(page.locator("#status")).to_contain_text("55 records")


def test_the_drop_zone_covers_the_card(page: Page, address: str) -> None:
    page.goto(f"{address}/cost")
    page.evaluate("document.querySelector('#log-form').classList.add('dropping')")
    card, zone = (page.locator(name).bounding_box() for name in ("#log-form", ".drop-here"))
    assert card is not None
    assert zone is not None
    assert zone["width"] >= card["width"] - 4
    assert zone["height"] >= card["height"] - 4


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ([("a.jsonl", "x"), ("b.jsonl", "y")], "These are 2 files: drop one log at a time."),
        ([("", "turn 3")], "This is text, not a file: drop a file with a usage log."),
        ([("notes.txt", "hello")], "is not in a known format (realtime"),
        ([("empty.jsonl", "")], "the log is empty: choose a file with a usage log"),
    ],
)
def test_what_is_no_log_is_answered_at_the_field(
    page: Page, address: str, contents: list[tuple[str, str]], message: str
) -> None:
    """The last result stays, marked as outdated."""
    page.goto(f"{address}{SAMPLE}")
    before = page.locator(FIGURE).inner_text()
    drop(page, *contents, target="#log-form")
    expect(page.locator("#e-log")).to_contain_text(message, timeout=TIMEOUT_MS)
    expect(page.locator("#log-answer > .notice")).to_have_text("Not updated: see Usage log.")
    assert page.get_attribute("#f-log", "aria-invalid") == "true"
    assert page.locator(FIGURE).inner_text() == before
    assert "stale" in (page.get_attribute("#log-answer", "class") or "")
    assert page.url == f"{address}{SAMPLE}"


def test_a_folder_is_answered_at_the_field(page: Page, address: str) -> None:
    page.goto(f"{address}/cost")
    page.evaluate(
        """() => {
          const event = new Event("drop", {bubbles: true, cancelable: true})
          const entry = {isDirectory: true, name: "logs"}
          event.dataTransfer = {types: ["Files"], files: [new File([], "logs")], items: [{webkitGetAsEntry: () => entry}]}
          document.querySelector("#log-form").dispatchEvent(event)
        }"""
    )
    expect(page.locator("#e-log")).to_contain_text("“logs” is a folder: drop a file.")


def test_a_text_can_be_dropped_into_a_field_for_text(page: Page, address: str) -> None:
    """The script leaves it to the browser; elsewhere on the page a text means nothing."""
    page.goto(f"{address}/cost")
    for target in ("#f-where", "h1"):
        assert [accepted for _, accepted, _ in drop(page, ("", "turn = 3"), target=target)] == [False, False, False]
    expect(page.locator("#e-log")).to_have_text("")


def test_a_log_is_regrouped_and_filtered_without_choosing_it_again(
    page: Page, address: str, log: Path, requests: list[Request]
) -> None:
    """The result is replaced in place, the file is sent again once for each change, and the address has the fields."""
    page.goto(f"{address}/cost?plan=minutes%3D5")
    loaded = len(requests)
    page.evaluate("window.kept = 1")
    page.set_input_files("#f-log", log)
    expect(page.locator(FIGURE)).to_be_visible(timeout=TIMEOUT_MS)
    page.select_option("#f-by", "tenant")
    expect(page.locator("#log-answer h2:has-text('By tenant')")).to_be_visible(timeout=TIMEOUT_MS)
    assert groups_of(page) == ["acme", "initech", "globex"]
    page.fill("#f-where", "tenant = acme")
    page.press("#f-where", "Enter")
    expect(page.locator("#status")).to_contain_text("19 records", timeout=TIMEOUT_MS)
    assert groups_of(page) == ["acme"]
    amount = Decimal(api_cost(address, "where=tenant%20%3D%20acme", log.read_bytes())["total"]["low"])
    assert page.locator(FIGURE).inner_text() == format_amount(picodollars(amount))
    assert page.evaluate("window.kept") == 1
    assert [request.method for request in requests[loaded:] if "/cost" in request.url] == ["POST", "POST", "POST"]
    assert page.url == f"{address}/cost?by=tenant&where=tenant+%3D+acme&plan=minutes%3D5"
    assert "plan=minutes%3D5" in (page.get_attribute("#log-answer a[href*='/prices/']", "href") or "")
    page.reload()
    assert page.input_value("#f-where") == "tenant = acme"
    assert page.locator(FIGURE).count() == 0


def test_a_wrong_filter_is_reported_at_its_field_and_mended(page: Page, address: str, log: Path) -> None:
    page.goto(f"{address}/cost")
    page.set_input_files("#f-log", log)
    expect(page.locator(FIGURE)).to_be_visible(timeout=TIMEOUT_MS)
    page.click("summary:has-text('Days')")
    page.fill("#f-since", "soon")
    page.press("#f-since", "Enter")
    expect(page.locator("#e-since")).to_contain_text("must be a day such as 2026-11-22", timeout=TIMEOUT_MS)
    expect(page.locator("#log-answer > .notice")).to_have_text("Not updated: see From (inclusive).")
    page.fill("#f-since", "2026-11-20")
    page.press("#f-since", "Enter")
    expect(page.locator("#e-since")).to_have_text("", timeout=TIMEOUT_MS)
    assert page.locator("#log-answer > .notice").count() == 0


def test_the_sample_is_a_link_and_so_are_its_groups(page: Page, address: str) -> None:
    page.goto(f"{address}/cost")
    page.click("text=Try the sample log")
    assert page.url == f"{address}{SAMPLE}"
    assert groups_of(page) == ["acme", "initech", "globex"]
    page.evaluate("window.kept = 1")
    page.select_option("#f-by", "hour")
    expect(page).to_have_url(f"{address}/cost?sample=support-day&by=hour", timeout=TIMEOUT_MS)
    assert groups_of(page)[0] == "2026-11-20T08"
    assert page.locator("#log-answer figure.plot .series rect").count() > 1
    assert page.evaluate("window.kept") == 1
    page.go_back()
    expect(page).to_have_url(f"{address}{SAMPLE}")
    expect(page.locator("#log-answer h2:has-text('By tenant')")).to_be_visible(timeout=TIMEOUT_MS)
    assert page.input_value("#f-by") == "tenant"


def test_a_log_takes_the_place_of_the_sample(page: Page, address: str, log: Path) -> None:
    log.write_bytes(log.read_bytes().replace(b'"acme"', b'"umbrella"'))
    page.goto(f"{address}{SAMPLE}")
    page.set_input_files("#f-log", log)
    expect(page.locator("[aria-label=Groups]")).to_contain_text("umbrella", timeout=TIMEOUT_MS)
    assert page.url == f"{address}/cost?by=tenant"
    assert "sample" not in page.locator("#log-answer").inner_html()


def test_the_progress_of_a_log_is_shown_until_its_result_is_there(page: Page, address: str, log: Path) -> None:
    """First what was sent, then that the cost is calculated; a second log is not sent beside a cancelled one."""
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.goto(f"{address}/cost")
    page.route("**/cost/answer", hold)
    expect(page.locator("progress")).to_be_hidden()
    page.set_input_files("#f-log", log)
    expect(page.locator("progress")).to_be_visible(timeout=TIMEOUT_MS)
    expect(page.locator(".transfer p")).to_have_text(re.compile("Sending calls.jsonl|Calculating"))
    assert page.get_attribute("#log-answer", "aria-busy") == "true"
    page.click(".transfer button")
    expect(page.locator("progress")).to_be_hidden()
    expect(page.locator("#e-log")).to_have_text("")
    page.click("button:has-text('Calculate cost')")
    expect(page.locator("progress")).to_be_visible(timeout=TIMEOUT_MS)
    assert len(waiting) == 2
    waiting[0].abort()
    waiting[1].continue_()
    expect(page.locator(FIGURE)).to_be_visible(timeout=TIMEOUT_MS)
    expect(page.locator("progress")).to_be_hidden()
    assert page.get_attribute("#log-answer", "aria-busy") is None


def test_a_long_upload_shows_its_share(page: Page, address: str) -> None:
    """Of 3 MiB the script shows how much was sent, and then that the cost is calculated."""
    page.goto(f"{address}/cost")
    page.evaluate(
        """() => {
          window.seen = []
          const text = document.querySelector(".transfer p")
          new MutationObserver(() => window.seen.push(text.textContent)).observe(text, {childList: true})
        }"""
    )
    padding = json.dumps({"type": "session.created", "session": {"id": "s", "note": "x" * 1000}}) + "\n"
    drop(page, ("long.jsonl", padding * 3000 + read_sample_log("support-day").decode()))
    expect(page.locator(FIGURE)).to_be_visible(timeout=4 * TIMEOUT_MS)
    seen = page.evaluate("window.seen")
    assert [text for text in seen if re.fullmatch(r"Sending long\.jsonl: \d+% of 3(\.\d)? MiB", text)]
    assert seen[-1] == "Calculating"


def test_a_log_that_is_too_long_is_not_sent(page: Page, address: str, log: Path, requests: list[Request]) -> None:
    page.goto(f"{address}/cost")
    with log.open("wb") as file:
        file.truncate(33 * 2**20)
    page.set_input_files("#f-log", log)
    expect(page.locator("#e-log")).to_contain_text("has 33 MiB, and at most 32 MiB are possible here")
    assert [request.url for request in requests if request.method == "POST"] == []


def test_a_site_that_cannot_be_reached_is_reported(page: Page, address: str, log: Path) -> None:
    page.goto(f"{address}/cost")
    page.route("**/cost/answer", lambda route: route.abort())
    page.set_input_files("#f-log", log)
    expect(page.locator("#e-log")).to_have_text("The site cannot be reached; try again.", timeout=TIMEOUT_MS)
    page.unroute("**/cost/answer")
    page.click("button:has-text('Calculate cost')")
    expect(page.locator(FIGURE)).to_be_visible(timeout=TIMEOUT_MS)


def test_without_a_log_the_form_asks_for_one(page: Page, address: str) -> None:
    page.goto(f"{address}/cost")
    page.click("button:has-text('Calculate cost')")
    expect(page.locator("#e-log")).to_have_text("choose a file with a usage log")
    assert page.evaluate("document.activeElement.id") == "f-log"


@pytest.mark.parametrize("path", ["/cost", SAMPLE])
def test_the_downloads_have_the_numbers_of_the_page(page: Page, address: str, log: Path, path: str) -> None:
    """The CSV adds up to the figure, and the JSON is that of the API, in which the log has no name."""
    page.goto(f"{address}{path}")
    name = "support-day.jsonl"
    if path == "/cost":
        name = log.name
        page.set_input_files("#f-log", log)
        expect(page.locator(FIGURE)).to_be_visible(timeout=TIMEOUT_MS)
        page.select_option("#f-by", "tenant")
        expect(page.locator("#log-answer h2:has-text('By tenant')")).to_be_visible(timeout=TIMEOUT_MS)
    with page.expect_download() as table:
        page.locator("#log-answer .links :text('CSV of the groups')").click()
    assert table.value.suggested_filename == "cost.csv"
    rows = list(csv.DictReader(table.value.path().read_text(encoding="utf-8").splitlines()))
    assert [row["tenant"] for row in rows] == groups_of(page)
    total = sum(Decimal(row["dollars_low"]) for row in rows)
    assert page.locator(FIGURE).inner_text() == format_amount(picodollars(total))
    with page.expect_download() as document:
        page.locator("#log-answer .links :text('JSON')").click()
    text = document.value.path().read_text(encoding="utf-8")
    assert json.loads(text.replace(name, "the log")) == api_cost(address, "by=tenant", log.read_bytes())
    assert page.locator(FIGURE).is_visible()


def test_long_tables_are_folded_and_stay_open(page: Page, address: str) -> None:
    page.goto(f"{address}/cost?sample=support-day&by=session,turn")
    assert page.locator("[aria-label=Groups] tbody tr").count() == 10
    every = page.locator("[aria-label='All groups'] tbody tr")
    expect(every.first).to_be_hidden()
    page.click("summary:has-text('All 27 groups')")
    expect(every.last).to_be_visible()
    assert every.count() == 27
    page.fill("#f-where", "turn >= 2")
    page.press("#f-where", "Enter")
    expect(page.locator("#status")).not_to_have_text("", timeout=TIMEOUT_MS)
    expect(every.last).to_be_visible()


def test_without_a_script_the_form_the_sample_and_the_files_work(page_without_script: Page, address: str, log: Path) -> None:
    page = page_without_script
    page.goto(f"{address}/cost")
    page.set_input_files("#f-log", log)
    with page.expect_download() as document:
        page.click("#log-form button:has-text('JSON')")
    text = document.value.path().read_text(encoding="utf-8")
    assert json.loads(text.replace(log.name, "the log")) == api_cost(address, "", log.read_bytes())
    page.select_option("#f-by", "tenant")
    page.click("button:has-text('Calculate cost')")
    assert groups_of(page) == ["acme", "initech", "globex"]
    page.goto(f"{address}{SAMPLE}")
    page.select_option("#f-by", "hour")
    page.click("button:has-text('Calculate cost')")
    assert page.url == f"{address}/cost?sample=support-day&by=hour"
    with page.expect_download() as table:
        page.click("#log-answer a:has-text('CSV')")
    assert table.value.path().read_text(encoding="utf-8").startswith("hour,records,")
    page.fill("#f-where", "turn = three")
    page.click("button:has-text('Calculate cost')")
    expect(page.locator("#e-where")).to_have_text("turn is compared with a whole number, not 'three'")
    page.goto(f"{address}/cost")
    page.set_input_files("#f-log", {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"hello"})
    page.click("button:has-text('Calculate cost')")
    expect(page.locator("#e-log")).to_contain_text("is not in a known format")


def test_wide_tables_scroll_in_themselves_and_bills_are_cards(page: Page, address: str) -> None:
    """A table of four long columns is wider than a phone, which the page is not; the bill needs no scrolling."""
    page.set_viewport_size({"width": 320, "height": 800})
    page.goto(f"{address}/cost?sample=support-day&by=tenant,session,offer,hour,meter")
    widths = page.evaluate(
        """() => ["Groups", "Bill"].map(name => {
          const region = document.querySelector(`[aria-label="${name}"]`)
          return region.scrollWidth - region.clientWidth
        })"""
    )
    assert widths[0] > 0
    assert widths[1] == 0
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_a_click_on_a_call_explains_it_and_the_way_back_is_a_click(page: Page, address: str, log: Path) -> None:
    """The chosen file stays, so that it is sent again for another view."""
    page.goto(f"{address}/cost?by=session")
    page.set_input_files("#f-log", log)
    page.locator("#log-answer button[data-fields]", has_text="sess_1").first.click()
    expect(page.locator("#log-answer h2").first).to_have_text("What call sess_1 cost, and why")
    page.get_by_role("button", name="All calls").click()
    expect(page.locator("#log-answer h2").first).to_have_text("What the calls cost, and why")
    page.get_by_role("button", name="Bill", exact=True).click()
    expect(page.locator(FIGURE)).to_be_visible()
    assert "session=" not in page.url


@pytest.fixture
def bill(tmp_path: Path) -> Path:
    """A vendor's bill on disk."""
    file = tmp_path / "bill.csv"
    file.write_bytes(vendor_bill())
    return file


def open_bill_fields(page: Page) -> None:
    page.click('summary:has-text("Against the vendor\'s bill")')


def test_a_bill_is_compared_when_it_is_chosen_and_again_when_its_lines_are_listed_otherwise(
    page: Page, address: str, log: Path, bill: Path
) -> None:
    """The other views stay a click away, and the chosen bill is kept for the way back."""
    page.goto(f"{address}/cost")
    page.set_input_files("#f-log", log)
    page.get_by_role("button", name="Against the vendor's bill").click()
    expect(page.locator("#e-bill")).to_have_text("choose the files of the vendor's bill")
    assert page.evaluate("document.activeElement.id") == "f-bill"
    page.set_input_files("#f-bill", bill)
    expect(page.locator("#status")).to_contain_text("$0.0452 more (+13.16%)", timeout=TIMEOUT_MS)
    expect(page.locator("#e-bill")).to_have_text("")
    page.select_option("#f-bill_by", "day")
    expect(page.locator("[aria-label=Lines] tbody tr")).to_have_count(1, timeout=TIMEOUT_MS)
    page.get_by_role("button", name="Bill", exact=True).click()
    expect(page.locator(FIGURE)).to_have_text("$0.343", timeout=TIMEOUT_MS)
    page.get_by_role("button", name="Against the vendor's bill").click()
    expect(page.locator(FIGURE)).to_have_text("$0.0452", timeout=TIMEOUT_MS)
    with page.expect_download() as document:
        page.locator("#log-answer .links :text('JSON')").click()
    assert json.loads(document.value.path().read_text(encoding="utf-8"))["difference"] == "0.045168"


def test_a_bill_can_be_dropped_on_its_field(page: Page, address: str, log: Path, bill: Path) -> None:
    """Several files at once: the same bill twice counts once."""
    page.goto(f"{address}/cost")
    page.set_input_files("#f-log", log)
    open_bill_fields(page)
    text = bill.read_text(encoding="utf-8")
    drop(page, ("bill.csv", text), ("again.csv", text), target="#c-bill label")
    expect(page.locator("#status")).to_contain_text("$0.0452 more (+13.16%)", timeout=TIMEOUT_MS)


def test_a_comparison_with_a_bill_is_accessible_without_a_script_and_on_a_phone(
    page_without_script: Page, audited_page: Page, address: str, log: Path, bill: Path
) -> None:
    page = page_without_script
    page.goto(f"{address}/cost")
    page.set_input_files("#f-log", log)
    open_bill_fields(page)
    page.set_input_files("#f-bill", bill)
    page.click("button:has-text('Compare with the bill')")
    expect(page.locator(FIGURE)).to_have_text("$0.0452")
    content = page.content()
    page = audited_page
    page.set_viewport_size({"width": 320, "height": 800})
    page.goto(f"{address}/cost")
    page.set_content(content)
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    colors: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in colors:
        page.emulate_media(color_scheme=scheme)
        results = Axe().run(page, options={"runOnly": {"type": "tag", "values": GUIDELINES}})
        assert results.violations_count == 0, results.generate_report()
