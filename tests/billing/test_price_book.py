"""Check that names lead to the right offer, with assumptions and warnings."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tests.cases import DAY
from voicebill.billing.errors import NotAvailable, UnknownName, Unpriced
from voicebill.facts import load_facts


@pytest.mark.parametrize(
    ("model", "day", "version"),
    [
        ("gpt-realtime-mini", date(2026, 1, 12), "2025-10-06"),
        ("gpt-realtime-mini", date(2026, 1, 13), "2025-12-15"),
        ("gpt-realtime-mini-2025-10-06", date(2026, 5, 1), "2025-10-06"),
        ("gpt-4o-realtime-preview", date(2024, 10, 5), "2024-10-01"),
        ("gpt-4o-realtime-preview", date(2025, 2, 1), "2024-12-17"),
        ("gpt-4o-realtime-preview", date(2025, 7, 1), "2025-06-03"),
        ("GPT-Realtime", DAY, "2025-08-28"),
    ],
)
def test_a_name_refers_to_the_version_of_the_day(model: str, day: date, version: str) -> None:
    assert load_facts().prices.quote(model, day=day).offer.version == version


def test_a_quote_is_looked_up_once_a_day_and_book() -> None:
    book = load_facts().prices
    quote = book.quote("gpt-realtime", day=DAY)
    assert book.quote("gpt-realtime", day=DAY) is quote
    assert book.quote("gpt-realtime", day=date(2026, 11, 23)) is not quote
    assert replace(book).quote("gpt-realtime", day=DAY) is not quote


def test_a_dated_name_of_a_model_whose_snapshot_is_not_published_is_known() -> None:
    assert load_facts().prices.quote("gpt-realtime-1.5-2026-02-23", day=DAY).offer.id == "openai/gpt-realtime-1.5"


def test_an_undated_azure_name_is_the_newest_version_with_rates() -> None:
    quote = load_facts().prices.quote("gpt-realtime-mini", provider="azure", day=DAY)
    assert quote.offer.version == "2025-12-15"
    assert quote.assumptions[0] == (
        "gpt-realtime-mini is priced as gpt-realtime-mini-2025-12-15, the newest version with prices on 2026-11-22"
    )
    earlier = load_facts().prices.quote("gpt-realtime-mini", provider="azure", day=date(2025, 11, 1))
    assert earlier.offer.version == "2025-10-06"


def test_an_alias_that_moved_on_unknown_days_warns() -> None:
    quote = load_facts().prices.quote("gpt-4o-realtime-preview", day=date(2025, 7, 1))
    assert "no source gives the days on which the undated name moved" in quote.warnings[0]


def test_a_shutdown_within_half_a_year_warns_with_date_and_replacement() -> None:
    quote = load_facts().prices.quote("gpt-realtime", day=DAY)
    assert quote.warnings == (
        "gpt-realtime-2025-08-28 is shut down by openai on 2027-01-20; the named replacement is gpt-realtime-2.1",
    )
    assert load_facts().prices.quote("gpt-realtime", day=date(2026, 1, 1)).warnings == ()


def test_a_disputed_shutdown_names_both_days() -> None:
    warnings = load_facts().prices.quote("gpt-realtime-mini", provider="azure", day=DAY).warnings
    disputed = "(disputed: 2026-12-15 according to Microsoft's schedule of 2026-07-07)"
    assert f"shut down by azure on 2027-06-15 {disputed}" in warnings[0]


def test_a_day_before_the_first_row_is_rejected_with_the_known_days() -> None:
    with pytest.raises(
        NotAvailable, match=r"no price of gpt-realtime-1.5 at openai is known for 2025-01-01: .* from 2026-02-23 on"
    ):
        load_facts().prices.quote("gpt-realtime-1.5", day=date(2025, 1, 1))


def test_a_day_after_the_shutdown_is_rejected_with_the_replacement() -> None:
    with pytest.raises(NotAvailable, match=r"It was shut down on 2026-05-07; the vendor names gpt-realtime-1.5 instead"):
        load_facts().prices.quote("gpt-4o-realtime-preview", day=DAY)


def test_an_open_row_applies_to_later_days_with_the_day_of_its_check() -> None:
    quote = load_facts().prices.quote("gpt-realtime-1.5", day=date(2030, 1, 1))
    assert "prices of gpt-realtime-1.5 were checked on 2026-11-22 and are assumed unchanged since" in quote.assumptions


def test_unknown_names_are_rejected_with_the_closest_ones() -> None:
    with pytest.raises(UnknownName, match="the nearest are gpt-realtime,"):
        load_facts().prices.quote("gpt-realtme", day=DAY)
    with pytest.raises(UnknownName, match="unknown provider 'azur'; the nearest is azure"):
        load_facts().prices.quote("gpt-realtime", provider="azur", day=DAY)
    with pytest.raises(UnknownName, match=r"unknown deployment 'data-zone' of gpt-realtime-2 at azure; known: global"):
        load_facts().prices.quote("gpt-realtime-2", provider="azure", deployment="data-zone", day=DAY)
    with pytest.raises(UnknownName, match=r"unknown region 'sweden' of gpt-realtime .global.; the nearest is swedencentral"):
        load_facts().prices.quote("gpt-realtime", provider="azure", region="sweden", day=DAY)


def test_the_provider_of_a_misplaced_model_is_suggested() -> None:
    with pytest.raises(UnknownName, match="openai has that name"):
        load_facts().prices.quote("gpt-live-1.1", provider="azure", day=DAY)


def test_regional_prices_that_differ_ask_for_the_region() -> None:
    with pytest.raises(NotAvailable, match="differ by region; choose one of eastus, eastus2"):
        load_facts().prices.quote("gpt-4o-transcribe", provider="azure", deployment="regional", day=DAY)
    quote = load_facts().prices.quote(
        "gpt-4o-transcribe", provider="azure", deployment="regional", region="swedencentral", day=DAY
    )
    assert str(quote.rates["audio_in"]) == "$7.26/M"


def test_prices_of_data_zones_that_differ_ask_for_the_region() -> None:
    """gpt-6-sol: $2.00 per million tokens of text input; × 1.1 in the US, × 1.2 in the EU and in APAC."""
    book = load_facts().prices
    with pytest.raises(NotAvailable, match="data-zone prices of gpt-6-sol at azure differ by region; choose one of"):
        book.quote("gpt-6-sol", provider="azure", deployment="data-zone", day=DAY)
    regions = {"eastus2": "us", "swedencentral": "eu", "japaneast": "apac"}
    quotes = {
        region: book.quote("gpt-6-sol", provider="azure", deployment="data-zone", region=region, day=DAY) for region in regions
    }
    assert [str(quote.rates["text_in"]) for quote in quotes.values()] == ["$2.20/M", "$2.40/M", "$2.40/M"]
    assert [quote.offer.id for quote in quotes.values()] == [
        f"azure/gpt-6-sol-2026-09-22/data-zone/{zone}" for zone in regions.values()
    ]


def test_a_row_with_only_cached_prices_is_kept_and_cannot_price() -> None:
    offers = [
        offer
        for offer in load_facts().prices.offers_named("gpt-4o-mini-realtime-preview", "azure")
        if offer.regions == ("northeurope",)
    ]
    assert set(offers[0].rows[0].unit_prices) == {"text_in_cached", "audio_in_cached"}
    with pytest.raises(Unpriced, match="has only some of the prices"):
        load_facts().prices.quote(
            "gpt-4o-mini-realtime-preview", provider="azure", deployment="regional", region="northeurope", day=DAY
        )


def test_a_price_meter_does_not_prove_that_a_model_can_be_deployed() -> None:
    warnings = load_facts().prices.quote("gpt-realtime-1.5", provider="azure", deployment="data-zone", day=DAY).warnings
    assert any("a price does not prove that it can be deployed" in warning for warning in warnings)
    warnings = load_facts().prices.quote("gpt-realtime-1.5", provider="azure", region="uksouth", day=DAY).warnings
    assert any("does not list uksouth for gpt-realtime-1.5 (global)" in warning for warning in warnings)


def test_a_price_known_to_the_month_is_uncertain_within_it() -> None:
    assert "it began in 2026-09" in load_facts().prices.quote("gpt-live-1", day=date(2026, 9, 10)).warnings[0]
    assert load_facts().prices.quote("gpt-live-1", day=date(2026, 10, 1)).warnings == ()


def test_service_tiers_are_separate_offers() -> None:
    assert str(load_facts().prices.quote("gpt-4.1", tier="batch", day=DAY).rates["text_in"]) == "$1.00/M"
    assert load_facts().prices.quote("gpt-4.1", tier="batch", day=DAY).offer.id == "openai/gpt-4.1:batch"
    with pytest.raises(UnknownName, match=r"unknown service tier 'flex' of gpt-4.1"):
        load_facts().prices.quote("gpt-4.1", tier="flex", day=DAY)


def test_ids_are_stable_names() -> None:
    ids = [offer.id for offer in load_facts().prices.offers]
    assert len(ids) == len(set(ids))
    assert {"openai/gpt-realtime-1.5", "azure/gpt-realtime-2025-08-28/data-zone"} <= set(ids)
    assert "azure/gpt-realtime-2025-08-28/regional/northeurope" in ids


def test_an_ended_undated_name_is_rejected_while_its_snapshot_continues() -> None:
    with pytest.raises(NotAvailable, match="openai ended the undated name gpt-4o-mini-realtime-preview by 2026-06-01; use"):
        load_facts().prices.quote("gpt-4o-mini-realtime-preview", day=date(2026, 6, 1))
    assert (
        load_facts().prices.quote("gpt-4o-mini-realtime-preview-2024-12-17", day=date(2026, 6, 1)).offer.version == "2024-12-17"
    )


def test_a_disputed_earlier_end_warns_early_enough() -> None:
    """Azure's gpt-realtime-1.5 ends on 2027-08-24, or 2027-02-23 by the older source: 145 days after 2026-10-01."""
    assert (
        "2027-08-24 (disputed: 2027-02-23"
        in load_facts().prices.quote("gpt-realtime-1.5", provider="azure", day=date(2026, 10, 1)).warnings[0]
    )


def test_a_region_is_rejected_if_a_model_is_not_sold_by_region() -> None:
    with pytest.raises(NotAvailable, match="openai does not sell gpt-realtime by region"):
        load_facts().prices.quote("gpt-realtime", region="swedencentral", day=DAY)


def test_a_region_missing_from_the_price_list_has_the_global_price() -> None:
    quote = load_facts().prices.quote("gpt-realtime-1.5", provider="azure", region="canadacentral", day=DAY)
    assert str(quote.rates["audio_in"]) == "$32.00/M"
    assert any("lists no price of gpt-realtime-1.5 in canadacentral" in warning for warning in quote.warnings)


def test_the_only_region_of_a_regional_price_is_named() -> None:
    quote = load_facts().prices.quote("gpt-realtime", provider="azure", deployment="regional", day=DAY)
    assert quote.region == "northeurope"
    assert any("the region is northeurope" in assumption for assumption in quote.assumptions)


def test_newer_versions_that_cannot_be_priced_are_named() -> None:
    quote = load_facts().prices.quote(
        "gpt-4o-realtime-preview", provider="azure", deployment="regional", region="northeurope", day=date(2025, 8, 1)
    )
    assert any("gpt-4o-realtime-preview-2025-06-03 is newer" in warning for warning in quote.warnings)


def test_an_earlier_version_ends_with_a_later_one_and_never_the_other_way_round() -> None:
    """No source speaks of Azure's gpt-4o-mini-tts of March 2025, but of its successor of December 2025; the preview of June
    2025 does not end with its predecessor of October 2024, on 2025-03-26, but by the schedule that names it no more.
    """
    ends = {offer.id: load_facts().prices.shutdown_day(offer) for offer in load_facts().prices.offers}
    assert ends["azure/gpt-4o-mini-tts-2025-03-20"] == date(2027, 6, 15)
    assert ends["azure/gpt-4o-realtime-preview-2025-06-03"] == date(2026, 7, 7)


UNPRICED = """
[[unpriced_providers]]
name = "parrot-ai"
title = "Parrot AI"
reason = "it charges by the feather"
checked = 2026-11-01
sources = ["an invented price list"]
"""


def test_a_seller_without_known_prices_is_named_with_the_reason(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(UNPRICED, encoding="utf-8")
    with pytest.raises(Unpriced, match="no prices of Parrot AI: it charges by the feather"):
        load_facts(file).prices.quote("gpt-realtime", provider="parrot-ai", day=DAY)
