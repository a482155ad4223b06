"""Columns of other plans: each has the amounts of its own page, and a faulty one does not spoil the others."""

import html
import re
from decimal import Decimal
from urllib.parse import urlencode

import pytest

from tests.web.sites import SITE
from voicebill.billing.money import format_amount, picodollars


def columns(query: str) -> list[tuple[str, ...]]:
    """The columns of a page, the first plan included: title, then the cells of each row."""
    table = re.search(r'<table class="columns">(.*?)</table>', SITE.get(f"/?{query}").text, re.DOTALL)
    assert table is not None
    rows = [re.findall(r"<(?:td|th scope=\"col\")[^>]*>(.*?)</(?:td|th)>", row) for row in table[1].split("<tr")[2:]]
    titles = re.findall(r'<th scope="col">(.*?)</th>', table[1])
    return [
        (html.unescape(title), *(html.unescape(re.sub("<[^>]+>", "", row[place])) for row in rows if len(row) > place))
        for place, title in enumerate(titles)
    ]


def amount_of(query: str) -> str:
    """The expected amount of a plan, as the page writes it."""
    report = SITE.get(f"/api/estimate?{query}").json()
    total = report.get("total_with_connection") or report
    return format_amount(picodollars(Decimal(total["per_conversation"]["expected"])))


PLAN = {"minutes": "6", "turns": "15", "conversations": "500/month"}


@pytest.mark.parametrize(
    ("column", "title", "fields"),
    [
        ("model=gpt-realtime-mini", "gpt-realtime-mini", {"model": "gpt-realtime-mini"}),
        ("provider=azure&deployment=data-zone", "Azure, Data Zone", {"provider": "azure", "deployment": "data-zone"}),
        ("model=gemini-3.8-live", "gemini-3.8-live, Google", {"model": "gemini-3.8-live"}),
        ("instructions_tokens=500", "Prompt tokens: 500", {"instructions_tokens": "500"}),
    ],
)
def test_a_column_of_changes_has_the_amount_of_the_changed_plan(column: str, title: str, fields: dict[str, str]) -> None:
    first, second = columns(urlencode(PLAN | {"compare": column}))
    assert first[:2] == ("this plan", amount_of(urlencode(PLAN)))
    assert second[:2] == (title, amount_of(urlencode(PLAN | fields)))


def test_a_column_of_its_own_plan_takes_nothing_from_the_first() -> None:
    _, kept = columns(urlencode(PLAN | {"tool_calls": "3", "compare": "?minutes=5&turns=9"}))
    assert kept[1] == amount_of("minutes=5&turns=9")
    assert "Minutes: 5" in kept[-2]
    assert "Tool calls: 0" in kept[-2]


def test_a_column_of_an_architecture_has_the_amount_of_the_comparison() -> None:
    _, stack = columns(urlencode(PLAN | {"compare": "stack=cheapest"}))
    alternatives = SITE.get(f"/api/compare?{urlencode(PLAN)}").json()["alternatives"]
    cheapest = next(row for row in alternatives if row["name"] == "cheapest")
    assert stack[1] == format_amount(picodollars(Decimal(cheapest["per_conversation"]["expected"])))
    assert stack[3] == format_amount(picodollars(Decimal(cheapest["per_month"]["expected"])))


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        ("minutes=abc", "minutes: 'abc' is not a duration"),
        ("model=gpt-realtme", "unknown model 'gpt-realtme'"),
        ("stack=nothing", "unknown architecture 'nothing'"),
        ("colour=red", "unknown key 'colour'"),
        ("?minutes=1&turns=900", "900 per minute are not realistic"),
        ("discount=90", "must not be in an address"),
        ("?discount=90", "must not be in an address"),
        ("=&&", ""),
        ("<script>alert(1)</script>", "must be changes such as turns=10"),
        ("<b>=1", "unknown key '<b>'"),
    ],
)
def test_a_column_that_cannot_be_estimated_says_why_and_the_others_stay(column: str, reason: str) -> None:
    page = SITE.get(f"/?{urlencode(PLAN | {'compare': column})}&compare=model%3Dgpt-realtime-mini")
    assert page.status_code == 200
    assert reason in html.unescape(page.text)
    assert "<script>alert" not in page.text
    assert amount_of(urlencode(PLAN | {"model": "gpt-realtime-mini"})) in page.text


def test_at_most_two_columns_are_possible_and_a_repeated_one_is_one() -> None:
    three = SITE.get("/?compare=turns%3D1&compare=turns%3D2&compare=turns%3D3")
    assert three.status_code == 422
    assert "at most 2 plans can be compared" in three.text
    assert len(columns("compare=turns%3D5&compare=turns%3D5")) == 2


def test_a_column_with_a_discount_has_the_discount_too() -> None:
    body = {"minutes": "10", "compare": "model=gpt-realtime-mini", "discount": "50"}
    half, full = (SITE.post("/answer", data=body | {"discount": percent}).text for percent in ("50", "0"))
    cells = [re.findall(r'<td class="main">\$([\d.]+)</td>', page.partition('class="columns"')[2]) for page in (half, full)]
    assert Decimal(cells[0][1]) / Decimal(cells[1][1]) == pytest.approx(Decimal("0.5"), abs=Decimal("0.01"))
    assert "discount" not in "".join(re.findall(r'(?:href|value)="([^"]*)"', half.partition('class="columns"')[2]))
