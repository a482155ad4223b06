"""Names over a range of days: what each meant and cost, in spans that leave no day out."""

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicebill.billing.errors import VoicebillError
from voicebill.billing.price_book import PriceBook
from voicebill.billing.sold import Sold, Span, plain, spans
from voicebill.facts import load

BOOK = load().prices
FIRST, LAST = date(2024, 9, 1), date(2026, 12, 31)
CONTRACT = """
checked = 2026-11-01
sources = ["our contract"]

[[adjustments]]
name = "discount"
percent_off = 10
models = ["gpt-realtime"]
since = 2026-03-01
until = "2026-05"

[[negotiated]]
offer = "openai/gpt-realtime-1.5"
[[negotiated.prices]]
since = 2026-04-01
until = 2026-06-01
usd = { audio_in = 28 }
"""


def named(model: str, provider: str = "openai", deployment: str = "global", region: str = "") -> Sold:
    return Sold(provider, model, deployment, region, "standard")


def over(sold: Sold, book: PriceBook = BOOK, first: date = FIRST, last: date = LAST) -> list[tuple[str, str | None]]:
    """The first day of each span, and the snapshot that it means; None where there is no price."""
    return [(str(each.since), each.found.offer.name if each.found else None) for each in spans(book, sold, first, last)]


def audio(found: list[Span]) -> list[tuple[str, str]]:
    """The first day of each span, and its price of audio in."""
    return [(str(each.since), str(each.found.rates.row.prices["audio_in"].normalize())) for each in found if each.found]


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> PriceBook:
    file: Path = tmp_path_factory.mktemp("prices") / "contract.toml"
    file.write_text(CONTRACT, encoding="utf-8")
    return load(file).prices


def test_a_price_change_begins_a_span_and_so_does_the_end_of_all_prices() -> None:
    """Not yet sold; without a cached price; with one; shut down in October 2025, nobody knows on which day."""
    assert over(named("gpt-4o-realtime-preview-2024-10-01")) == [
        ("2024-09-01", None),
        ("2024-10-01", "gpt-4o-realtime-preview-2024-10-01"),
        ("2024-10-30", "gpt-4o-realtime-preview-2024-10-01"),
        ("2025-11-01", None),
    ]


def test_an_alias_that_moves_begins_a_span() -> None:
    """The undated name meant one snapshot until 2026-01-12, and another one since."""
    assert over(named("gpt-realtime-mini")) == [
        ("2024-09-01", None),
        ("2025-10-06", "gpt-realtime-mini-2025-10-06"),
        ("2026-01-13", "gpt-realtime-mini-2025-12-15"),
    ]


def test_days_on_which_nothing_changes_are_one_span() -> None:
    """Asked for a single day, or for a month, of a model that has had one price."""
    (whole,) = spans(BOOK, named("gpt-realtime"), date(2026, 1, 1), date(2026, 1, 31))
    assert (whole.since, whole.until) == (date(2026, 1, 1), date(2026, 2, 1))
    (day,) = spans(BOOK, named("gpt-realtime"), date(2026, 1, 1), date(2026, 1, 1))
    assert (day.since, day.until) == (date(2026, 1, 1), date(2026, 1, 2))


def test_a_discount_of_ones_own_holds_on_its_days(contract: PriceBook) -> None:
    """10 % off $32 from March on until some day in May, which is taken to its end."""
    found = spans(contract, named("gpt-realtime"), date(2026, 1, 1), LAST)
    assert audio(found) == [("2026-01-01", "32"), ("2026-03-01", "28.8"), ("2026-06-01", "32")]


def test_negotiated_prices_hold_on_their_days(contract: PriceBook) -> None:
    found = spans(contract, named("gpt-realtime-1.5"), date(2026, 3, 1), LAST)
    assert audio(found) == [("2026-03-01", "32"), ("2026-04-01", "28"), ("2026-06-01", "32")]


@pytest.mark.parametrize(
    ("sold", "why"),
    [
        (named("gpt-realtme"), "unknown model 'gpt-realtme'; the nearest are gpt-realtime"),
        (named("gpt-realtime", "nobody"), "unknown provider 'nobody'"),
        (named(""), "no model is named"),
        (named("gpt-realtime", "openai", "regional"), "unknown deployment 'regional'"),
        (named("gpt-realtime", "openai", "global", "eastus"), "openai does not sell gpt-realtime by region"),
    ],
)
def test_what_has_no_price_says_why_over_all_days(sold: Sold, why: str) -> None:
    (only,) = spans(BOOK, sold, date(2026, 11, 1), date(2026, 11, 22))
    assert only.found is None
    assert why in only.why


def test_before_the_first_price_the_known_range_is_named() -> None:
    before, after = spans(BOOK, named("gpt-realtime"), date(2025, 8, 1), date(2025, 8, 31))
    assert (before.found, after.since) == (None, date(2025, 8, 28))
    assert before.why == ("no price of gpt-realtime at openai is known for 2025-08-27: prices are known from 2025-08-28 on")


def test_a_name_is_shown_with_what_is_not_plain_of_it() -> None:
    assert str(named("m", "azure", "data-zone", "eastus")) == "m at azure (data-zone, eastus)"
    assert str(named("")) == "a model that is not named at openai"


def test_names_are_compared_without_case_and_blanks() -> None:
    assert [plain(said) for said in (" GPT-Realtime ", "a|b", "", None)] == ["gpt-realtime", "a/b", "", ""]


solds = st.builds(
    Sold,
    st.sampled_from(sorted({offer.provider for offer in BOOK.offers})),
    st.sampled_from(sorted({name for offer in BOOK.offers for name in (offer.model, offer.name, *offer.also_named)})),
    st.sampled_from(["global", "data-zone", "regional"]),
    st.sampled_from(["", "", "eastus", "swedencentral", "northeurope"]),
    st.sampled_from(["standard", "standard", "priority", "batch"]),
) | st.sampled_from(
    [Sold(offer.provider, offer.name, offer.deployment, (*offer.regions, "")[0], offer.tier) for offer in BOOK.offers]
)
days = st.dates(date(2022, 1, 1), date(2027, 12, 31))


@settings(max_examples=60, deadline=None)
@given(solds, days, st.integers(0, 1500), st.data())
def test_on_every_day_a_span_is_what_the_price_book_finds(
    contract: PriceBook, sold: Sold, first: date, length: int, data: st.DataObject
) -> None:
    """Every offer, and names that are sold nowhere so: spans without gaps, each day as asked by itself."""
    book = contract if data.draw(st.booleans()) else BOOK
    last = first + timedelta(days=length)
    found = spans(book, sold, first, last)
    assert (found[0].since, found[-1].until) == (first, last + timedelta(days=1))
    assert all(one.until == other.since for one, other in pairwise(found))
    edges = {day for each in found for day in (each.since, each.until - timedelta(days=1))}
    inside = {first + timedelta(days=data.draw(st.integers(0, length))) for _ in range(8)}
    for day in edges | inside:
        (span,) = (each for each in found if each.since <= day < each.until)
        try:
            alone = book.find(
                sold.model,
                day=day,
                provider=sold.provider,
                deployment=sold.deployment,
                region=sold.region or None,
                tier=sold.tier,
            )
        except VoicebillError:
            assert span.found is None
        else:
            assert span.found is not None
            assert (span.found.offer, span.found.rates.row) == (alone.offer, alone.rates.row)


def test_every_offer_is_right_on_the_days_around_its_changes() -> None:
    """All offers under their full names, on the day of each change, the day before and the day after."""
    for offer in BOOK.offers:
        sold = Sold(offer.provider, offer.name, offer.deployment, (*offer.regions, "")[0], offer.tier)
        ends = [end for row in offer.rows for end in (row.since.first, row.until.last if row.until else None) if end]
        found = spans(BOOK, sold, min(ends) - timedelta(days=2), max(ends) + timedelta(days=40))
        for day in (end + timedelta(days=by) for end in ends for by in (-1, 0, 1)):
            (span,) = (each for each in found if each.since <= day < each.until)
            row = offer.row_on(day)
            assert (span.found.rates.row if span.found else None) in (row, None), (offer.id, day)
            assert span.found is not None or row is None or "part of the prices" in span.why, (offer.id, day, span.why)
