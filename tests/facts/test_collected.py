"""Test that every collected figure is in the facts, or skipped with a reason."""

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from tests.cases import case_file
from voicebill.billing.validity import PartialDate
from voicebill.facts import load_facts

PRICES = case_file("collected_prices.toml")
OTHER_PROVIDERS = case_file("collected_providers.toml")
LIFECYCLE = case_file("collected_lifecycle.toml")["rows"]


def test_every_collected_row_is_accounted_for() -> None:
    counts = Counter(row["section"] for row in PRICES["rows"])
    assert {section: counts[section] for section in PRICES["collected"]} == PRICES["collected"]
    for row in PRICES["rows"]:
        outcomes = [key for key in ("carried", "surcharge", "availability", "skipped") if row.get(key)]
        assert len(outcomes) == 1, row["row"]


@pytest.mark.parametrize("row", [row for row in PRICES["rows"] if "carried" in row], ids=lambda row: row["row"])
def test_a_carried_row_has_the_collected_figures(row: dict[str, Any]) -> None:
    offer = next(offer for offer in load_facts().prices.offers if offer.id == row["carried"])
    prices = next(prices for prices in offer.rows if str(prices.since) == row["since"])
    for meter, figure in row["usd"].items():
        name = meter.removesuffix("_legacy")
        figures = {prices.unit_prices.get(name), *(dispute.price for dispute in prices.disputes.get(name, ()))}
        assert Decimal(figure) in figures, meter
    extra = set(prices.unit_prices) - {meter.removesuffix("_legacy") for meter in row["usd"]}
    assert extra <= {"text_in"}, "a price that nobody collected"
    assert prices.sources
    assert prices.checked
    if row["section"].startswith("openai"):
        assert str(prices.until or "") == row.get("until", "")
    if "meters" in row:
        assert {name: f"{meter} ({unit})" for name, (meter, unit) in offer.vendor_meters.items()} == row["meters"]
        assert len(set(offer.regions)) == len(offer.regions) == row["regions"]


def test_only_transcription_models_have_a_text_price_from_another_source() -> None:
    """The vendor's row has none; the sources that dispute its audio price give it."""
    extra = {
        row["carried"]
        for row in PRICES["rows"]
        if "carried" in row
        for offer in load_facts().prices.offers
        if offer.id == row["carried"] and "text_in" in offer.rows[0].unit_prices and "text_in" not in row["usd"]
    }
    assert extra == {"openai/gpt-4o-transcribe", "openai/gpt-4o-mini-transcribe"}


def test_the_book_holds_nothing_that_was_not_collected() -> None:
    collected_ids = {row["carried"] for row in PRICES["rows"] if "carried" in row}
    collected_ids |= {offer_id for row in OTHER_PROVIDERS["rows"] for offer_id in row.get("carried", ())}
    assert {offer.id for offer in load_facts().prices.offers} == collected_ids


@pytest.mark.parametrize("row", [row for row in PRICES["rows"] if "surcharge" in row], ids=lambda row: row["row"])
def test_a_carried_surcharge_has_the_collected_figure(row: dict[str, Any]) -> None:
    expected = row["surcharge"]
    surcharge = next(
        s for s in load_facts().prices.surcharges if (s.name, s.provider) == (expected["name"], expected["provider"])
    )
    assert Decimal(expected["figure"]) == (surcharge.dollars if surcharge.factor is None else surcharge.factor)


@pytest.mark.parametrize("row", LIFECYCLE, ids=lambda row: f"{row['provider']} {row['model']} {row.get('version', '')}")
def test_a_model_ends_on_the_collected_day(row: dict[str, Any]) -> None:
    ends = [
        end
        for end in load_facts().prices.lifecycle
        if (end.provider, end.model, end.version) == (row["provider"], row["model"], row.get("version"))
    ]
    assert [end.shutdown for end in ends] == [PartialDate.parse(row["shutdown"])]
    assert ends[0].replacement == row.get("replacement")
    assert ends[0].is_latest_possible == row.get("is_latest_possible", False)
    if "announced" in row:
        assert str(ends[0].announced) == row["announced"]
    if "disputed" in row:
        assert PartialDate.parse(row["disputed"]) in [day for day, _ in ends[0].disputed]
    if row["provider"] == "azure":
        assert [str(day) for day, _ in ends[0].disputed] == ([row["disputed"]] if "disputed" in row else [])


def test_where_models_can_be_deployed_is_as_collected() -> None:
    """Microsoft's matrix of 2026-07-23: six regions under Global Standard, for three models."""
    models = {model for place in load_facts().prices.availability if place.regions for model in place.models}
    assert models == {"gpt-realtime", "gpt-realtime-mini", "gpt-realtime-1.5"}
    regions = {"canadacentral", "centralus", "eastus2", "francecentral", "southindia", "swedencentral"}
    assert [set(place.regions) for place in load_facts().prices.availability if place.regions] == [regions]
    assert {place.deployment for place in load_facts().prices.availability} == {"global"}
    residency = next(charge for charge in load_facts().prices.surcharges if charge.name == "data residency")
    assert residency.models == ("gpt-realtime-2", "gpt-realtime-2.1", "gpt-realtime-2.1-mini")


def test_no_lifecycle_was_invented() -> None:
    assert len(load_facts().prices.lifecycle) == len(LIFECYCLE)


def test_telephony_rows_are_marked_as_examples() -> None:
    examples = {offer.provider for offer in load_facts().prices.offers if offer.example}
    assert examples == {"azure-communication-services", "telnyx", "twilio"}
    carriers = {offer.provider for offer in load_facts().prices.offers if offer.kind == "telephony" and not offer.example}
    assert carriers == {"cartesia", "daily", "fish-audio", "livekit"}, "telephony that belongs to a platform or an agent"
    assert {"azure", "google", "openai"} < set(load_facts().prices.providers)
    assert "twilio" not in load_facts().prices.providers


def test_azure_names_its_meters_and_their_units() -> None:
    """Text models were read from a third party's table, which does not give them."""
    offers = [offer for offer in load_facts().prices.offers if offer.provider == "azure" and offer.kind != "text"]
    confident_offers = [offer for offer in offers if offer.rows[0].confidence != "low"]
    for offer in confident_offers:
        assert set(offer.vendor_meters) == set(offer.rows[0].unit_prices), offer.id
        assert {unit for _, unit in offer.vendor_meters.values()} <= {"1K", "1M", "1 Hour"}
    renamed = load_facts().prices.offers_named("gpt-realtime-2", "azure")[0].vendor_meters["audio_in"]
    assert renamed == ("gpt-latest 05052026 inp Gl 1M Tokens", "1M")
