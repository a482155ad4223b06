"""Test that every collected figure of other providers is in the facts, or skipped with a reason, and that nothing else is."""

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.cases import DAY, case_file
from voicebill.billing.errors import UnknownName
from voicebill.billing.offers import Offer, PriceRow
from voicebill.facts import load_facts

CASES = case_file("collected_providers.toml")
ROWS: list[dict[str, Any]] = CASES["rows"]
CARRIED = [row for row in ROWS if "carried" in row]
CONFIDENCE = {"vendor": "high", "package": "medium", "third": "low"}
PACKAGES = ("litellm", "genai-prices", "voice-prices")
EARLIER = {row["carried"] for row in case_file("collected_prices.toml")["rows"] if "carried" in row}
"""Offers that were collected before."""


def row_name(row: dict[str, Any]) -> str:
    return f"{row['section']}: {row['row']}"


def offer_of(offer_id: str) -> Offer:
    return next(offer for offer in load_facts().prices.offers if offer.id == offer_id)


def price_row(row: dict[str, Any], offer_id: str) -> PriceRow:
    """The prices that a case is about: those in effect on its day, else on the day of all tests."""
    prices = offer_of(offer_id).row_on(date.fromisoformat(row["day"]) if "day" in row else DAY)
    assert prices is not None
    return prices


def figures(row: dict[str, Any]) -> dict[str, Decimal]:
    """A case's prices by meter: those of an hour are a sixtieth a minute, to the twelfth digit."""
    per_minute = {meter: round(Decimal(price) / 60, 12) for meter, price in row.get("hourly", {}).items()}
    return {meter: Decimal(price) for meter, price in row.get("usd", {}).items()} | per_minute


def test_every_collected_row_is_accounted_for() -> None:
    assert Counter(row["section"] for row in ROWS) == CASES["collected"]
    for row in ROWS:
        outcomes = [key for key in ("carried", "surcharge", "limits", "skipped") if row.get(key)]
        assert len(outcomes) == 1, row_name(row)
        assert row["quality"] in (*CONFIDENCE, "disputed"), row_name(row)


@pytest.mark.parametrize("row", CARRIED, ids=row_name)
def test_a_carried_row_has_the_collected_figures(row: dict[str, Any]) -> None:
    for offer_id in row["carried"]:
        prices = price_row(row, offer_id)
        for meter, figure in figures(row).items():
            assert prices.unit_prices[meter] == figure, (offer_id, meter)
        for meter, figure in row.get("disputed", {}).items():
            assert Decimal(figure) in {dispute.price for dispute in prices.disputes[meter]}, (offer_id, meter)
        for meter, steps in row.get("increments", {}).items():
            assert prices.increments[meter] == steps
        assert dict(prices.included) == row.get("included", {})
        assert prices.confidence == row.get("confidence", CONFIDENCE.get(row["quality"])), offer_id


@pytest.mark.parametrize("row", CARRIED, ids=row_name)
def test_a_carried_row_says_who_read_it_and_since_when_it_holds(row: dict[str, Any]) -> None:
    for offer_id in row["carried"]:
        prices = price_row(row, offer_id)
        assert prices.sources
        assert str(prices.checked).startswith(row.get("read", "")), offer_id
        if row["quality"] == "third":
            assert "third part" in prices.note, offer_id
        elif row["quality"] == "package":
            assert any(package in source for package in PACKAGES for source in prices.sources), offer_id
        if "since" in row:
            assert str(prices.since) == row["since"], offer_id
        else:
            words = ("first day was not found", "first day with Voice Live was not found", "month of the first reading")
            assert any(word in prices.note for word in words) or offer_of(offer_id).provider == "google", offer_id


@pytest.mark.parametrize("row", [row for row in ROWS if "surcharge" in row], ids=row_name)
def test_a_collected_surcharge_is_carried(row: dict[str, Any]) -> None:
    expected = row["surcharge"]
    (surcharge,) = (
        charge
        for charge in load_facts().prices.surcharges
        if (charge.provider, charge.name) == (expected["provider"], expected["name"])
    )
    assert Decimal(expected["figure"]) == (surcharge.dollars if surcharge.factor is None else surcharge.factor)


@pytest.mark.parametrize("row", [row for row in ROWS if "limits" in row], ids=row_name)
def test_what_is_no_price_is_among_the_limits(row: dict[str, Any]) -> None:
    (limits,) = (mechanics.limits for mechanics in load_facts().mechanics if mechanics.provider == row["limits"])
    assert row["text"] in limits


@pytest.mark.parametrize("row", [row for row in ROWS if "ends" in row], ids=row_name)
def test_a_model_ends_on_the_collected_day(row: dict[str, Any]) -> None:
    (offer_id,) = row["carried"]
    assert str(load_facts().prices.shutdown_day(offer_of(offer_id))) == row["ends"]


@pytest.mark.parametrize("row", [row for row in ROWS if "unpriced" in row], ids=row_name)
def test_a_model_without_a_price_has_none(row: dict[str, Any]) -> None:
    with pytest.raises(UnknownName):
        load_facts().prices.quote(row["unpriced"], provider=row["section"].partition(",")[0], day=DAY)


def test_no_price_was_invented() -> None:
    """Every price of every row, also of rows that have ended, is a collected figure of that meter."""
    collected: dict[tuple[str, str], set[Decimal]] = defaultdict(set)
    for row in CARRIED:
        for offer_id in row["carried"]:
            for meter, figure in figures(row).items():
                collected[offer_id, meter].add(figure)
    for offer in load_facts().prices.offers:
        for prices in () if offer.id in EARLIER else offer.rows:
            for meter, price in prices.unit_prices.items():
                assert price in collected[offer.id, meter], (offer.id, str(prices.since), meter)


def test_every_provider_says_how_it_bills_and_what_is_not_published() -> None:
    rows = load_facts().mechanics
    sellers = {
        offer.provider
        for offer in load_facts().prices.offers
        if offer.kind in ("realtime", "agent", "platform") and offer.id not in EARLIER
    }
    assert sellers == {row.provider for row in rows}
    unpublished: dict[str, str] = defaultdict(str)
    for row in rows:
        unpublished[row.provider] += " ".join(row.unpublished)
    assert "audio tokens per second" in unpublished["amazon"]
    assert "cached" in unpublished["amazon"]
    assert "billed again" in unpublished["amazon"]
    assert "data zones" in unpublished["azure-voice-live"]
    assert "azure-realtime" in unpublished["azure-voice-live"]
    for provider in ("vapi", "bland", "hume", "daily", "livekit"):
        assert "page of the vendor in autumn 2026" in unpublished[provider]


def test_the_meters_of_voice_live_are_named_as_on_its_invoices() -> None:
    """The vendor's own spelling, with its mistakes."""
    names = {meter for offer in load_facts().prices.offers for meter, _ in offer.vendor_meters.values()}
    assert names >= {
        "Voice Live API Pro - LLM Text Input Tokens",
        "Voice Live API Pro - LLM Audio Cached Tokens",
        "Voice Live API Std - Standard Speech Audio Outpt Tokens",
        "Voice Live API Std- LLM Audio Output Tokens",
        "Voice Live BYO Standard Speech Audio Input Tokens",
    }
    for offer in load_facts().prices.offers:
        if offer.provider == "azure-voice-live":
            assert set(offer.vendor_meters) == set(offer.rows[-1].unit_prices), offer.id
            assert {unit for _, unit in offer.vendor_meters.values()} == {"1K"}
