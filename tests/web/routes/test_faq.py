"""The page of questions: its contents lead to every question, and its figures are calculated."""

import html
import re
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from tests.cases import DAY
from tests.web.sites import SITE
from voicebill.answers.estimates.estimate import estimate
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.billing.money import format_amount
from voicebill.conversation.plan import Plan
from voicebill.facts import load_facts

PLAN = Plan(minutes=10, turns=20)


def learn_page() -> str:
    return html.unescape(SITE.get("/learn").text)


def answer_to(anchor: str) -> str:
    """The text from a question to the next heading."""
    after = learn_page().partition(f' id="{anchor}">')[2]
    return re.sub("<[^>]*>", "", re.split(r"<h[23]", after)[0])


def expected(plan: Plan, model: str = "gpt-realtime-1.5") -> str:
    return format_amount(estimate(plan, ModelSelection(model=model, day=DAY), load_facts()).per_conversation.expected)


def test_the_contents_have_every_heading_once_in_its_order() -> None:
    text = learn_page()
    headings = re.findall(r'<h[23] id="([\w-]+)">([^<]+)</h', text)
    contents = text.partition('<div class="wide-contents">')[2].partition("</div>")[0]
    assert re.findall(r'<a href="#([\w-]+)">([^<]+)</a>', contents) == headings
    assert len(headings) > 20
    assert set(Counter(re.findall(r'\bid="([\w-]+)"', text)).values()) == {1}


@pytest.mark.parametrize(
    ("anchor", "plan"),
    [
        ("prompt", replace(PLAN, instructions_tokens=5000)),
        ("prompt", replace(PLAN, instructions_tokens=5000, instructions_change=1)),
        ("cache", replace(PLAN, instructions_change=1)),
        ("tools", replace(PLAN, tool_calls=5)),
        ("long-calls", replace(PLAN, minutes=60, turns=120)),
        ("interruptions", replace(PLAN, interrupted_share=Decimal("0.3"))),
        ("later-turns", replace(PLAN, turns=40)),
    ],
)
def test_an_answer_has_the_figure_of_its_plan(anchor: str, plan: Plan) -> None:
    assert expected(plan) in answer_to(anchor)


def test_the_small_models_are_priced() -> None:
    for model in ("gpt-realtime-mini", "gpt-realtime-2.1-mini"):
        assert expected(PLAN, model) in answer_to("small-model")


def test_the_table_of_rates_has_models_of_speech_only() -> None:
    rates = learn_page().partition('aria-label="Rates"')[2].partition("</table>")[0]
    assert "gpt-realtime-1.5" in rates
    assert "<td>-</td>" not in rates


def test_a_plan_is_kept_through_the_page() -> None:
    assert 'href="/?minutes=7"' in SITE.get("/learn?plan=minutes%3D7").text


def test_the_contents_stay_in_view_on_wide_screens_and_are_folded_on_phones(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{address}/learn#month")
    expect(page.locator(".wide-contents")).to_be_in_viewport()
    expect(page.locator("#month")).to_be_in_viewport()
    table = page.locator("[aria-label=Transports] table").bounding_box()
    text = page.locator("article > p").first.bounding_box()
    assert table is not None
    assert text is not None
    assert table["width"] > text["width"] > 600
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{address}/learn")
    link = page.locator(".narrow-contents a[href='#three-models']")
    expect(link).not_to_be_visible()
    page.click(".narrow-contents summary")
    link.click()
    expect(page.locator("#three-models")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
