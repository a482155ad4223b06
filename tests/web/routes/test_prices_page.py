"""Prices on the page: a row for a model with what its other terms change, an offer with its history and a call's cost."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from html import unescape

import pytest

from tests.cases import DAY
from tests.web.sites import SITE, client
from voicebill.answers.catalog.stacks import ROLE_KINDS
from voicebill.answers.estimates.estimate import estimate
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.billing.money import format_amount, format_price
from voicebill.billing.offers import CONVERSATIONAL_KINDS, PER_MINUTE_KINDS, Offer, PriceRow
from voicebill.billing.price_book import PriceBook
from voicebill.billing.validity import PartialDate
from voicebill.charts.inline.price_history import price_steps
from voicebill.conversation.plan import Plan
from voicebill.facts import load_facts
from voicebill.web.offer_costs import PURPOSES, ROLES_BY_KIND, offer_cost
from voicebill.web.price_tables import KindPrices, OfferListing, meter_columns, price_factor, price_lines, price_tables
from voicebill.web.routes.prices import OFFER_KINDS
from voicebill.web.site import Site


def book() -> PriceBook:
    """The built-in price book."""
    return load_facts().prices


def prices(**usd: str) -> PriceRow:
    """Prices of a meter each, in force since 2026."""
    unit_prices = {meter: Decimal(price) for meter, price in usd.items()}
    return PriceRow(PartialDate.parse("2026"), None, unit_prices, date(2026, 9, 1), ("a page",))


def listing(version: str, deployment: str = "global", regions: tuple[str, ...] = (), **usd: str) -> OfferListing:
    """An offer of the same model and provider on the day of the tests."""
    offer = Offer("acme", "talker", version, "realtime", deployment, (prices(**usd),), regions=regions)
    return OfferListing.of(offer, book(), DAY)


def table_of(kind: str) -> KindPrices:
    (table,) = price_tables(book().offers_of(kind), book(), DAY, kinds=OFFER_KINDS)
    return table


def lines_of(table: KindPrices) -> list[str]:
    """The names of all offers in a table that are sold, in the order of the page."""
    return [
        offer.offer.id
        for group in table.providers
        for line in group.lines
        for offer in (*line.versions, *(other for _, other in line.others))
    ]


@pytest.mark.parametrize("kind", OFFER_KINDS)
def test_every_offer_is_in_one_row_and_every_price_has_a_column(kind: str) -> None:
    table = table_of(kind)
    offers = book().offers_of(kind)
    available = {offer.id for offer in offers if book().is_available(offer, DAY)}
    assert sorted(lines_of(table)) == sorted(available)
    ended = [offer.offer.id for group in table.ended for line in group.lines for offer in line.versions]
    others = [other.offer.id for group in table.ended for line in group.lines for _, other in line.others]
    assert sorted(ended + others) == sorted({offer.id for offer in offers} - available)
    assert table.ended_count == len(ended + others)
    priced = {
        meter for offer in offers if offer.id in available for meter in (book().price_row(offer, DAY) or prices()).unit_prices
    }
    assert {meter.name for meter in table.columns} == priced


def test_audio_comes_before_text_and_input_before_output() -> None:
    names = [meter.name for meter in table_of("realtime").columns]
    assert names[:6] == ["audio_in", "audio_in_cached", "audio_out", "text_in", "text_in_cached", "text_out"]
    assert names[-2:] == ["session_ms", "messages"]
    assert [meter.name for meter in meter_columns([prices(months="1", characters_in="2")], book().meters)] == [
        "characters_in",
        "months",
    ]


def test_openai_and_azure_come_first_and_the_newest_model_of_each() -> None:
    table = table_of("realtime")
    names = [group.provider for group in table.providers]
    assert names[:2] == ["openai", "azure"]
    assert names[2:] == sorted(names[2:])
    for group in table.providers:
        days = [max(version.offer.rows[0].since.first for version in line.versions) for line in group.lines]
        assert days == sorted(days, reverse=True), group.provider


def test_terms_that_change_all_prices_alike_are_in_the_row_of_the_model() -> None:
    (line,) = price_lines(
        [
            listing("2026-03-01", audio_in="10", text_in="0.075"),
            listing("2026-01-01", audio_in="10", text_in="0.075"),
            listing("2026-03-01", "data-zone", audio_in="11", text_in="0.083"),
            listing("2026-01-01", "data-zone", audio_in="11", text_in="0.0825"),
            listing("2026-03-01", "regional", ("northeurope",), audio_in="13.2", text_in="0.099"),
        ]
    )
    assert line.listing.offer.name == "talker-2026-03-01"
    assert [version.offer.version for version in line.versions] == ["2026-03-01", "2026-01-01"]
    variants = [(one.terms, one.change, [line.item_label(other) for other in one.listings]) for one in line.variants]
    assert variants == [
        ("Data Zone", "+10%", ["2026-03-01", "2026-01-01"]),
        ("Regional", "+32%", ["northeurope 2026-03-01"]),
    ]


def test_prices_that_do_not_follow_from_those_of_the_model_have_a_row_of_their_own() -> None:
    lines = price_lines(
        [
            listing("2026-03-01", audio_in="10", text_in="1"),
            listing("2026-01-01", audio_in="20", text_in="2"),  # another version at another price
            listing("2026-03-01", "data-zone", audio_in="11", text_in="1"),  # only one of the prices is higher
            listing("2026-03-01", "regional", ("northeurope",), audio_in="12"),  # a meter is missing
        ]
    )
    assert [(line.listing.offer.version, line.listing.terms, line.variants) for line in lines] == [
        ("2026-03-01", "", ()),
        ("2026-01-01", "", ()),
        ("2026-03-01", "Data Zone", ()),
        ("2026-03-01", "Regional", ()),
    ]


def test_a_factor_allows_for_a_rounded_last_digit_and_not_for_more() -> None:
    base = prices(audio_in="10", text_in="0.075")
    assert price_factor(base, prices(audio_in="11", text_in="0.0825")) == Decimal("1.1")
    assert price_factor(base, prices(audio_in="11", text_in="0.083")) == Decimal("1.1")
    assert price_factor(base, prices(audio_in="11", text_in="0.084")) is None
    assert price_factor(base, replace(prices(audio_in="11", text_in="0.0825"), increments={"audio_in": 60})) is None
    assert price_factor(prices(call_ms="0"), prices(call_ms="0")) is None


def test_lists_are_open_until_they_are_long() -> None:
    groups = table_of("text").providers
    assert [group.is_open for group in groups] == [True, False]
    assert all(group.is_open for group in table_of("agent").providers)
    narrowed = SITE.get("/prices?kind=text&provider=azure").text
    assert re.findall(r'<details class="provider"[^>]*>', narrowed) == ['<details class="provider" data-wide-open open>']


def test_the_page_shows_the_offers_of_a_provider_in_whatever_case_and_keeps_it_for_other_kinds() -> None:
    page = unescape(SITE.get("/prices?provider=AZURE&kind=text").text)
    assert "/prices/azure/gpt-4.1-2025-04-14" in page
    assert "/prices/openai/" not in page
    assert '<option value="azure" selected>Azure</option>' in page
    assert 'href="/prices?provider=AZURE&kind=speech"' in page
    assert '<input type="hidden" name="kind" value="text">' in page
    nothing = SITE.get("/prices?provider=azure&kind=agent")
    assert nothing.status_code == 200
    assert "has no agent offers of this provider" in nothing.text
    assert SITE.get("/prices?provider=").status_code == 200


def test_what_has_ended_is_folded_unless_the_address_opens_it() -> None:
    folded, opened = SITE.get("/prices").text, SITE.get("/prices?ended=true").text
    assert '<details class="provider ended">' in folded
    assert '<details class="provider ended" open>' in opened
    for page in (folded, opened):
        assert "/prices/openai/gpt-4o-realtime-preview-2024-12-17" in page
    assert SITE.get("/prices?ended=maybe").status_code == 422
    assert 'name="ended" value="true"' in opened


def test_a_model_of_several_kinds_has_a_table_for_each() -> None:
    page = SITE.get("/prices?model=gpt-realtime-mini").text
    assert "all models" in page
    assert page.count('<details class="provider" data-wide-open open>') >= 2


def test_prices_have_their_unit_in_the_head_and_in_the_card() -> None:
    page = SITE.get("/prices?kind=transcription").text
    assert '<th scope="colgroup" colspan="3">$ per 1M tokens</th><th scope="colgroup" colspan="1">$ per minute</th>' in page
    assert '<td data-label="audio heard"><span>$0.006<span class="per">/min</span></span></td>' in page
    assert "$0.01667" in page  # a dollar an hour
    assert "disputed" in page


def test_sources_are_links_with_their_host_and_nothing_else_of_them_is_html() -> None:
    page = SITE.get("/prices/openai/gpt-realtime-1.5").text
    links = re.findall(r'<a href="(https?://[^"]*)"([^>]*)>([^<]*)</a>', page)
    assert links
    for address, attributes, text in links:
        assert attributes == ' rel="noopener"'
        assert address.removeprefix("https://").removeprefix("www.").startswith(text)
    framed = SITE.get("/prices/openai/gpt-realtime-1.5?embed=1").text
    for _, attributes, _ in re.findall(r'<a href="(https?://[^"]*)"([^>]*)>([^<]*)</a>', framed):
        assert attributes == ' target="_blank" rel="noopener"'
    hostile = replace(
        next(offer for offer in book().offers if offer.id == "openai/whisper-1"),
        rows=(replace(prices(audio_ms="1"), sources=('<b>https://a.example/"onclick="x</b>', "javascript:alert(1)")),),
    )
    offers = (hostile, *(offer for offer in book().offers if offer.id != "openai/whisper-1"))
    text = client(facts=replace(load_facts(), prices=replace(book(), offers=offers))).get("/prices/openai/whisper-1").text
    sources = text[text.index('<ul class="sources">') :]
    assert '&lt;b&gt;<a href="https://a.example/" rel="noopener">a.example</a>&#34;onclick' in sources.replace(
        "&quot;", "&#34;"
    )
    assert "<b>" not in sources
    assert "<li>javascript:alert(1)</li>" in sources


def test_a_page_says_what_a_call_costs_as_the_calculator_does() -> None:
    page = SITE.get("/prices/azure/gpt-realtime-2025-08-28/data-zone").text
    selection = ModelSelection(model="gpt-realtime-2025-08-28", day=DAY, provider="azure", deployment="data-zone")
    answer = estimate(Plan(minutes=10, turns=20, instructions_tokens=1000), selection, load_facts())
    assert f'<span class="figure">{format_amount(answer.total.expected)}</span> a call' in page
    assert f"{format_amount(answer.total.best)} to {format_amount(answer.total.worst)}" in page
    link = unescape(re.findall(r'<a href="([^"]*)">Estimate with this offer', page)[0])
    calculator = SITE.get(link)
    assert calculator.status_code == 200
    assert f'<span class="figure">{format_amount(answer.total.expected)}</span>' in calculator.text


def test_a_plan_of_the_reader_is_used_and_kept() -> None:
    page = unescape(SITE.get("/prices/openai/gpt-realtime-2.1", params={"plan": "minutes=5&turns=8"}).text)
    selection = ModelSelection(model="gpt-realtime-2.1", day=DAY)
    answer = estimate(Plan(minutes=5, turns=8, instructions_tokens=1000), selection, load_facts())
    assert "What your call costs on it" in page
    assert f'<span class="figure">{format_amount(answer.total.expected)}</span>' in page
    assert re.search(r'href="/\?model=gpt-realtime-2\.1&minutes=5&turns=8"', page)
    assert "minutes=5" in re.findall(r'<a href="(/compare[^"]*)">Compare with others', page)[0]


@pytest.mark.parametrize(
    "plan", ["minutes=soon", "turns=100000", "colour=1", "discount=5", "%FF", "minutes=5&minutes=6", "x" * 9000]
)
def test_a_plan_that_cannot_be_estimated_says_why_and_the_rest_of_the_page_stays(plan: str) -> None:
    page = SITE.get("/prices/openai/gpt-realtime-2.1", params={"plan": plan})
    assert page.status_code == 200
    assert "Your plan cannot be estimated with this offer:" in page.text
    assert "$32.00" in page.text


def test_a_part_of_an_agent_says_what_a_call_uses_of_it() -> None:
    page = unescape(SITE.get("/prices/openai/gpt-realtime-translate").text)
    assert "audio heard: 600 s × $0.034/min = $0.340" in page  # 10 minutes
    assert "to translate one direction of the call" in page
    assert "Estimate with this offer" not in page
    carrier = unescape(SITE.get("/prices/livekit/ship").text)
    assert "telephone call: 600 s × $0.01/min = $0.100" in carrier
    assert '<span class="figure-month">$50.0</span> a month' in carrier


@pytest.mark.parametrize("plan", ["", "minutes=5&turns=8&conversations=5000%2Fday"])
def test_the_text_model_of_a_plan_leads_to_its_ptus(plan: str) -> None:
    page = SITE.get("/prices/azure/gpt-4.1-2025-04-14/data-zone", params={"plan": plan}).text
    (link,) = re.findall(r'<a href="(/ptu[^"]*)">Size PTUs for it', page)
    sizing = SITE.get(unescape(link))
    assert sizing.status_code == 200
    assert re.search(r'<option value="(data-zone)?" selected>data-zone</option>', sizing.text)
    assert "Size PTUs" not in SITE.get("/prices/openai/gpt-4.1").text


def test_every_offer_that_a_call_can_use_has_a_cost_or_a_reason() -> None:
    kinds = {*CONVERSATIONAL_KINDS, *PER_MINUTE_KINDS, *ROLE_KINDS.values()}
    assert set(ROLES_BY_KIND) == set(ROLE_KINDS.values())
    assert set(PURPOSES) == kinds - set(CONVERSATIONAL_KINDS)
    missing = []
    site = Site(today=lambda: DAY, facts=load_facts())
    for offer in book().offers:
        cost = offer_cost(offer, "", site)
        is_usable = book().is_available(offer, DAY) and offer.kind in kinds and offer.tier in ("standard", "priority")
        if (cost is not None) != is_usable:
            missing.append(offer.id)
        elif cost is not None and cost.costs is None:
            assert cost.problem or cost.monthly_fee or offer.id == "retell/concurrent-call", offer.id
    assert missing == []


def test_an_offer_whose_price_changed_has_its_steps() -> None:
    offer = next(row for row in book().offers if row.id == "azure-voice-live/gpt-4o")
    chart = price_steps(offer, book().meters, DAY)
    assert chart is not None
    assert len(chart.targets) == len(chart.dots) == len(offer.rows) == 2
    assert [end.amount for end in chart.ends] == [
        format_price(price) for price in sorted(offer.rows[-1].unit_prices.values(), reverse=True)[:3]
    ]
    for line, points in chart.lines:
        corners = [point.split(",") for point in points.split()]
        assert len(corners) == 4
        assert corners[0][1] == corners[1][1]  # a price holds until the next one begins
        assert corners[1][0] == corners[2][0]
        assert (corners[1][1] == corners[2][1]) == (line.dollars[0] == line.dollars[1])
    assert 'class="drawing"' in SITE.get(f"/prices/{offer.id}").text


def test_an_offer_with_one_price_says_so_in_place_of_a_chart() -> None:
    offer = next(row for row in book().offers if row.id == "openai/gpt-realtime-2.1")
    assert price_steps(offer, book().meters, DAY) is None
    page = SITE.get(f"/prices/{offer.id}").text
    assert "One price is recorded, since 2026-07-06" in page
    assert 'class="drawing"' not in page


def test_every_history_can_be_drawn_or_has_one_price() -> None:
    for offer in book().offers:
        chart = price_steps(offer, book().meters, DAY)
        assert (chart is None) == (len(offer.rows) == 1), offer.id
