"""Check the price periods of SKUs: offers and prices over a range of days, without gaps."""

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.billing.invented import make_adjustment, make_alias, make_book, make_offer
from voicebill.billing.errors import VoicebillError
from voicebill.billing.price_book import PriceBook
from voicebill.billing.sku_periods import PricePeriod, Sku, normalize_name, price_periods
from voicebill.facts import load_facts

FIRST, LAST = date(2024, 9, 1), date(2026, 12, 31)
CONTRACT = """
checked = 2026-11-01
sources = ["our contract"]

[[adjustments]]
name = "discount"
discount_percent = 10
models = ["gpt-realtime"]
since = 2026-03-01
until = "2026-05"

[[contracted]]
offer = "openai/gpt-realtime-1.5"
[[contracted.prices]]
since = 2026-04-01
until = 2026-06-01
usd = { audio_in = 28 }
"""


def make_sku(model: str, provider: str = "openai", deployment: str = "global", region: str = "") -> Sku:
    return Sku(provider, model, deployment, region, "standard")


def snapshots(sku: Sku, book: PriceBook | None = None, first: date = FIRST, last: date = LAST) -> list[tuple[str, str | None]]:
    """The first day of each period, and its snapshot; None if there is no price."""
    return [
        (str(period.since), period.quote.offer.name if period.quote else None)
        for period in price_periods(book or load_facts().prices, sku, first, last)
    ]


def audio_prices(periods: list[PricePeriod]) -> list[tuple[str, str]]:
    """The first day of each period, and its price of audio input."""
    return [
        (str(period.since), str(period.quote.rates.row.unit_prices["audio_in"].normalize()))
        for period in periods
        if period.quote
    ]


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> PriceBook:
    file: Path = tmp_path_factory.mktemp("prices") / "contract.toml"
    file.write_text(CONTRACT, encoding="utf-8")
    return load_facts(file).prices


def test_a_price_change_and_the_end_of_prices_begin_a_period() -> None:
    """Not yet available; without a cached price; with one; shut down in October 2025, on an unknown day."""
    assert snapshots(make_sku("gpt-4o-realtime-preview-2024-10-01")) == [
        ("2024-09-01", None),
        ("2024-10-01", "gpt-4o-realtime-preview-2024-10-01"),
        ("2024-10-30", "gpt-4o-realtime-preview-2024-10-01"),
        ("2025-11-01", None),
    ]


def test_an_alias_that_moves_begins_a_period() -> None:
    """The undated name referred to one snapshot until 2026-01-12, and to another since."""
    assert snapshots(make_sku("gpt-realtime-mini")) == [
        ("2024-09-01", None),
        ("2025-10-06", "gpt-realtime-mini-2025-10-06"),
        ("2026-01-13", "gpt-realtime-mini-2025-12-15"),
    ]


def test_days_without_a_change_are_one_period() -> None:
    """A single day and a month of a model that has had one price."""
    (month,) = price_periods(load_facts().prices, make_sku("gpt-realtime"), date(2026, 1, 1), date(2026, 1, 31))
    assert (month.since, month.until) == (date(2026, 1, 1), date(2026, 2, 1))
    (day,) = price_periods(load_facts().prices, make_sku("gpt-realtime"), date(2026, 1, 1), date(2026, 1, 1))
    assert (day.since, day.until) == (date(2026, 1, 1), date(2026, 1, 2))


def test_a_contract_discount_applies_on_its_days(contract: PriceBook) -> None:
    """10 % off $32 from March until an unknown day in May; the whole month is included."""
    periods = price_periods(contract, make_sku("gpt-realtime"), date(2026, 1, 1), LAST)
    assert audio_prices(periods) == [("2026-01-01", "32"), ("2026-03-01", "28.8"), ("2026-06-01", "32")]


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (date(2026, 3, 1), date(2026, 3, 31), [(date(2026, 3, 1), 2)]),
        (date(2026, 2, 28), date(2026, 3, 1), [(date(2026, 2, 28), 4), (date(2026, 3, 1), 2)]),
        (date(2026, 2, 1), date(2026, 2, 28), [(date(2026, 2, 1), 4)]),
        (date(2026, 5, 31), date(2026, 6, 1), [(date(2026, 5, 31), 2), (date(2026, 6, 1), 4)]),
    ],
)
def test_a_change_on_the_first_or_the_last_day_is_in_time(first: date, last: date, expected: list[tuple[date, int]]) -> None:
    """Half of $4 from March to May."""
    book = make_book(make_offer(), adjustments=(make_adjustment("0.5", "2026-03-01", "2026-06-01"),))
    periods = price_periods(book, make_sku("parrot", "acme"), first, last)
    prices = [(period.since, int(period.quote.rates.row.unit_prices["text_in"])) for period in periods if period.quote]
    assert prices == expected
    assert (periods[0].since, periods[-1].until) == (first, last + timedelta(days=1))


def test_two_versions_at_the_same_price_are_two_periods() -> None:
    aliases = (make_alias("2026-01-01", "2026-01-01", "2026-07-01"), make_alias("2026-05-01", "2026-07-01"))
    book = make_book(make_offer("2026-01-01"), make_offer("2026-05-01"), aliases=aliases)
    assert snapshots(make_sku("parrot", "acme"), book, date(2026, 6, 1), date(2026, 7, 31)) == [
        ("2026-06-01", "parrot-2026-01-01"),
        ("2026-07-01", "parrot-2026-05-01"),
    ]


def test_contracted_prices_apply_on_their_days(contract: PriceBook) -> None:
    periods = price_periods(contract, make_sku("gpt-realtime-1.5"), date(2026, 3, 1), LAST)
    assert audio_prices(periods) == [("2026-03-01", "32"), ("2026-04-01", "28"), ("2026-06-01", "32")]


@pytest.mark.parametrize(
    ("sku", "reason"),
    [
        (make_sku("gpt-realtme"), "unknown model 'gpt-realtme'; the nearest are gpt-realtime"),
        (make_sku("gpt-realtime", "nobody"), "unknown provider 'nobody'"),
        (make_sku(""), "the log names no model"),
        (make_sku("gpt-realtime", "openai", "regional"), "unknown deployment 'regional'"),
        (make_sku("gpt-realtime", "openai", "global", "eastus"), "openai does not sell gpt-realtime by region"),
    ],
)
def test_a_sku_without_prices_has_one_period_with_a_reason(sku: Sku, reason: str) -> None:
    (period,) = price_periods(load_facts().prices, sku, date(2026, 11, 1), date(2026, 11, 22))
    assert period.quote is None
    assert reason in period.reason


def test_before_the_first_price_the_known_range_is_named() -> None:
    before, after = price_periods(load_facts().prices, make_sku("gpt-realtime"), date(2025, 8, 1), date(2025, 8, 31))
    assert (before.quote, after.since) == (None, date(2025, 8, 28))
    assert before.reason == ("no price of gpt-realtime at openai is known for 2025-08-27: prices are known from 2025-08-28 on")


def test_a_sku_is_shown_with_its_non_default_terms() -> None:
    assert str(make_sku("m", "azure", "data-zone", "eastus")) == "m at azure (data-zone, eastus)"
    assert str(make_sku("")) == "an unnamed model at openai"


def test_names_are_compared_without_case_and_blanks() -> None:
    assert [normalize_name(name) for name in (" GPT-Realtime ", "a|b", "", None)] == ["gpt-realtime", "a/b", "", ""]


def every_sku() -> st.SearchStrategy[Sku]:
    """Any offer, and any combination of provider, model, deployment, region and tier, available or not."""
    return st.builds(
        Sku,
        st.sampled_from(sorted({offer.provider for offer in load_facts().prices.offers})),
        st.sampled_from(
            sorted({name for offer in load_facts().prices.offers for name in (offer.model, offer.name, *offer.also_named)})
        ),
        st.sampled_from(["global", "data-zone", "regional"]),
        st.sampled_from(["", "", "eastus", "swedencentral", "northeurope"]),
        st.sampled_from(["standard", "standard", "priority", "batch"]),
    ) | st.sampled_from(
        [
            Sku(offer.provider, offer.name, offer.deployment, (*offer.regions, "")[0], offer.tier)
            for offer in load_facts().prices.offers
        ]
    )


skus = st.deferred(every_sku)
days = st.dates(date(2022, 1, 1), date(2027, 12, 31))


@settings(max_examples=60, deadline=None)
@given(skus, days, st.integers(0, 1500), st.data())
def test_a_period_equals_the_quote_on_each_of_its_days(
    contract: PriceBook, sku: Sku, first: date, length: int, data: st.DataObject
) -> None:
    """For every offer and for unavailable combinations: no gaps, and each day equals its own quote."""
    book = contract if data.draw(st.booleans()) else load_facts().prices
    last = first + timedelta(days=length)
    periods = price_periods(book, sku, first, last)
    assert (periods[0].since, periods[-1].until) == (first, last + timedelta(days=1))
    assert all(one.until == other.since for one, other in pairwise(periods))
    edges = {day for period in periods for day in (period.since, period.until - timedelta(days=1))}
    inside = {first + timedelta(days=data.draw(st.integers(0, length))) for _ in range(8)}
    for day in edges | inside:
        (period,) = (period for period in periods if period.since <= day < period.until)
        try:
            quote = book.quote(
                sku.model,
                day=day,
                provider=sku.provider,
                deployment=sku.deployment,
                region=sku.region or None,
                tier=sku.tier,
            )
        except VoicebillError:
            assert period.quote is None
        else:
            assert period.quote is not None
            assert (period.quote.offer, period.quote.rates.row) == (quote.offer, quote.rates.row)


def test_every_offer_is_correct_on_the_days_around_its_changes() -> None:
    """All offers under their full names, on the day of each change, the day before and the day after."""
    for offer in load_facts().prices.offers:
        sku = Sku(offer.provider, offer.name, offer.deployment, (*offer.regions, "")[0], offer.tier)
        ends = [end for row in offer.rows for end in (row.since.first, row.until.last if row.until else None) if end]
        periods = price_periods(load_facts().prices, sku, min(ends) - timedelta(days=2), max(ends) + timedelta(days=40))
        for day in (end + timedelta(days=by) for end in ends for by in (-1, 0, 1)):
            (period,) = (period for period in periods if period.since <= day < period.until)
            row = offer.row_on(day)
            assert (period.quote.rates.row if period.quote else None) in (row, None), (offer.id, day)
            assert period.quote is not None or row is None or "some of the prices" in period.reason, (
                offer.id,
                day,
                period.reason,
            )
