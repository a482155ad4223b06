"""What other price tables say about the price book: differences, new and gone entries, and agreements, with their reasons."""

import json
import tomllib
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.cases import DAY
from tests.price_tables import (
    azure_item,
    azure_page,
    genai_model,
    genai_table,
    items_of_book,
    litellm_entry,
    pages,
    save,
)
from voicebill.answers.catalog.price_comparison import PriceComparison, TableComparison, compare_price_tables
from voicebill.answers.catalog.price_drafts import price_drafts
from voicebill.answers.reports.price_comparison import PriceComparisonReport
from voicebill.billing.errors import UnknownName
from voicebill.billing.offers import Offer
from voicebill.billing.price_book import PriceBook
from voicebill.facts import load_facts
from voicebill.facts.price_tables.read import read_price_tables

AUDIO_IN = "gpt-latest 05052026 inp Gl 1M Tokens"
TEXT_IN = "gpt-realtime-2 Text inp Gl 1M Tokens"
OFFER = "azure/gpt-realtime-2-2026-05-06"


def compare_all(*files: Path, day: date = DAY, provider: str | None = None) -> PriceComparison:
    return compare_price_tables(load_facts().prices, read_price_tables(files), day, provider)


def compare_one(*files: Path, day: date = DAY, provider: str | None = None) -> TableComparison:
    (comparison,) = compare_all(*files, day=day, provider=provider).tables
    return comparison


def azure(tmp_path: Path, *items: object, day: date = DAY) -> TableComparison:
    return compare_one(save(tmp_path, azure_page(*items, next_page="further pages")), day=day)


def differences_in(item: TableComparison) -> list[tuple[str, str, str, Any]]:
    return [(row.reason, row.offer.id, row.meter, row.theirs) for row in item.differences]


def offer_of(offer_id: str, book: PriceBook) -> Offer:
    return next(offer for offer in book.offers if offer.id == offer_id)


def test_a_list_with_the_prices_of_the_price_book_agrees_in_all_of_them(tmp_path: Path) -> None:
    """Prices of the hour, the thousand and the million, in every region of every offer."""
    item = compare_one(save(tmp_path, *pages(items_of_book(load_facts().prices), 1000)))
    assert (item.differences, item.new, item.gone, item.disputed) == ((), (), (), ())
    assert item.agreements > 300
    assert item.warnings == ()


def test_another_price_is_a_difference_with_its_first_day_and_its_ratio(tmp_path: Path) -> None:
    item = azure(tmp_path, azure_item(AUDIO_IN, 28, effectiveStartDate="2026-11-15T00:00:00Z"), azure_item(TEXT_IN, 4))
    (difference,) = item.differences
    assert (difference.reason, difference.offer.id, difference.meter) == ("price-differs", OFFER, "audio_in")
    assert (difference.ours, difference.theirs, difference.ratio) == (Decimal(32), Decimal(28), Fraction(7, 8))
    assert (difference.since, difference.regions) == (date(2026, 11, 15), ("eastus2",))
    assert str(difference.row.since) == "2026-05-01"
    assert item.agreements == 1


def test_only_the_price_that_began_last_counts_and_a_later_one_is_announced(tmp_path: Path) -> None:
    prices = {"2026-05-01": 99, "2026-09-01": 32, "2027-01-01": 16}
    item = azure(tmp_path, *(azure_item(AUDIO_IN, price, effectiveStartDate=day) for day, price in prices.items()))
    assert differences_in(item) == [("starts-later", OFFER, "audio_in", 16)]
    assert item.agreements == 1


def test_a_price_that_differs_in_some_regions_says_in_which(tmp_path: Path) -> None:
    regions = {"eastus2": 32, "swedencentral": 33, "westus": 33}
    item = azure(tmp_path, *(azure_item(AUDIO_IN, price, armRegionName=region) for region, price in regions.items()))
    assert differences_in(item) == [("differs-in-some-regions", OFFER, "audio_in", 33)]
    assert item.differences[0].regions == ("swedencentral", "westus")
    assert item.agreements == 1


def test_the_same_price_in_another_unit_is_a_difference_of_the_unit(tmp_path: Path) -> None:
    item = azure(tmp_path, azure_item(AUDIO_IN, 0.032, unitOfMeasure="1K"))
    assert differences_in(item) == [("unit-differs", OFFER, "audio_in", 32)]


def test_a_meter_of_several_offers_is_compared_with_that_of_the_region(tmp_path: Path) -> None:
    """The regional preview costs 5.5 in the US and 6.05 in Sweden, under one name."""
    name = "gpt4o realtime prvw text inp regn Tokens"
    day = date(2024, 12, 1)
    terms = {"unitOfMeasure": "1K", "effectiveStartDate": "2024-10-01"}
    item = azure(
        tmp_path,
        azure_item(name, 0.0055, armRegionName="eastus", **terms),
        azure_item(name, 0.0066, armRegionName="swedencentral", **terms),
        day=day,
    )
    offer_id = "azure/gpt-4o-realtime-preview-2024-10-01/regional/swedencentral"
    assert differences_in(item) == [("price-differs", offer_id, "text_in", Decimal("6.6"))]
    assert item.agreements == 1


def test_meters_of_voice_live_are_matched_as_they_are_misspelt(tmp_path: Path) -> None:
    name = "Voice Live API Std - Standard Speech Audio Outpt Tokens"
    own = [offer for offer in load_facts().prices.offers if name in {meter for meter, _ in offer.vendor_meters.values()}]
    item = azure(tmp_path, azure_item(name, 1, unitOfMeasure="1K"))
    assert {row.offer.id for row in item.differences} == {offer.id for offer in own}
    assert {row.theirs for row in item.differences} == {1000}


def test_new_are_meters_of_voice_and_regions_and_no_others(tmp_path: Path) -> None:
    item = azure(
        tmp_path,
        azure_item("gpt-realtime-3 Audio cd inp DZ 1M Tokens", 0.4),
        azure_item("gpt-realtime-2 Video inp Gl 1M Tokens", 9),
        azure_item("gpt-9 inp Gl 1M Tokens", 1),
        azure_item("Audio Amplifier", 1, productName="Furniture", serviceName="Storage"),
        azure_item(AUDIO_IN, 32, armRegionName="marscentral"),
    )
    assert [(entry.reason, entry.listed_as, entry.model) for entry in item.new] == [
        ("region-unknown", AUDIO_IN, "gpt-realtime-2-2026-05-06"),
        ("meter-unknown", "gpt-realtime-2 Video inp Gl 1M Tokens", "gpt-realtime-2 Video"),
        ("meter-unknown", "gpt-realtime-3 Audio cd inp DZ 1M Tokens", "gpt-realtime-3"),
    ]
    assert item.new[0].regions == ("marscentral",)
    assert (item.new[2].deployment, item.new[2].unit_prices) == ("data-zone", {"audio_in_cached": Decimal("0.4")})
    assert item.skipped == {"other-meters": 2}


def test_gone_are_offers_and_meters_that_a_complete_list_lacks(tmp_path: Path) -> None:
    items = [
        item
        for item in items_of_book(load_facts().prices)
        if item["meterName"] != TEXT_IN and "2.1-mini" not in item["meterName"]
    ]
    item = compare_one(save(tmp_path, azure_page(*items)))
    assert [(entry.reason, entry.offer.id) for entry in item.gone] == [
        ("meters-not-in-table", OFFER),
        ("not-in-table", "azure/gpt-realtime-2.1-mini-2026-07-07/data-zone"),
        ("not-in-table", "azure/gpt-realtime-2.1-mini-2026-07-07"),
    ]
    assert item.gone[0].meters == ("text_in",)


def test_nothing_is_gone_where_the_list_says_nothing(tmp_path: Path) -> None:
    """A page of some region or service is no proof about others, and without its last page a list proves nothing."""
    item = compare_one(save(tmp_path, azure_page(azure_item(TEXT_IN, 4, armRegionName="marscentral"))))
    assert item.gone == ()
    assert "azure transcription" in item.warnings[0]
    assert azure(tmp_path, azure_item(TEXT_IN, 4)).gone == ()
    assert azure(tmp_path, azure_item(TEXT_IN, 4)).warnings[-1].startswith("the last page is not in the files")


def test_models_of_litellm_are_compared_by_name_deployment_and_zone(tmp_path: Path) -> None:
    table = {
        "gpt-realtime-1.5": litellm_entry(input_cost_per_audio_token=3.2e-05, cache_read_input_token_cost=4e-07),
        "gpt-realtime-1.5-2026-02-23": litellm_entry(input_cost_per_audio_token=3.3e-05),
        "azure/eu/gpt-realtime-1.5-2026-02-23": litellm_entry("azure", input_cost_per_audio_token=3.2e-05),
        "gpt-realtime-mini": litellm_entry(output_cost_per_token=2.4e-06),
    }
    item = compare_one(save(tmp_path, table))
    assert differences_in(item) == [
        ("price-differs", "openai/gpt-realtime-1.5", "audio_in", 33),
        ("price-differs", "azure/gpt-realtime-1.5-2026-02-23/data-zone", "audio_in", 32),
    ]
    assert item.agreements == 3
    assert item.differences[0].listed_as == "gpt-realtime-1.5-2026-02-23"


def test_a_disputed_price_is_a_note_and_no_difference(tmp_path: Path) -> None:
    """The vendor's own page gives 2.5 for audio that the price book has at 6."""
    item = compare_one(save(tmp_path, {"gpt-4o-transcribe": litellm_entry(input_cost_per_audio_token=2.5e-06)}))
    assert [(row.offer.id, row.meter) for row in item.disputed] == [("openai/gpt-4o-transcribe", "audio_in")]
    assert (item.differences, item.agreements) == ((), 0)


@pytest.mark.parametrize(
    ("per_second", "agrees"), [(0.000833333333, True), (0.0008333, True), (0.00083, False), (0.000834, False)]
)
def test_a_price_by_the_second_is_the_same_if_ours_rounds_to_it(per_second: float, agrees: bool, tmp_path: Path) -> None:
    """Five cents a minute are 0.0008333... dollars a second; two digits of it are another price."""
    item = compare_one(save(tmp_path, {"gpt-live-1": litellm_entry(input_cost_per_second=per_second)}))
    assert (item.agreements, len(item.differences)) == ((1, 0) if agrees else (0, 1))


def test_a_cached_price_that_is_the_uncached_one_says_nothing_new(tmp_path: Path) -> None:
    costs = {"cache_read_input_audio_token_cost": 3.2e-05}
    item = compare_one(save(tmp_path, {"gpt-audio-1.5": litellm_entry(mode="chat", **costs)}))  # type: ignore[arg-type]
    assert (item.agreements, item.new) == (1, ())


def test_new_models_are_of_voice_or_of_a_family_that_is_listed(tmp_path: Path) -> None:
    table = {
        "gpt-realtime-9": litellm_entry(input_cost_per_audio_token=1e-05),
        "gpt-realtime-1.5-2027-01-01x": litellm_entry(input_cost_per_audio_token=1e-05),
        "azure/gpt-realtime-2.1-2029-01-01": litellm_entry("azure", input_cost_per_audio_token=1e-05),
        "azure/us/gpt-realtime-2": litellm_entry("azure", input_cost_per_audio_token=1e-05),
        "gpt-5.2-nova": litellm_entry(mode="chat", input_cost_per_token=1e-06),
        "babbage-2": litellm_entry(mode="completion", input_cost_per_token=1e-06),
        "whisper-0": litellm_entry(input_cost_per_second=0.0001, deprecation_date="2026-01-01"),
        "tts-9": litellm_entry(mode="audio_speech"),
        "gpt-realtime-1.5": litellm_entry(cache_creation_input_token_cost=1e-06),
        "gpt-realtime-mini": litellm_entry(input_cost_per_token_flex=1e-07),
        "grok-voice": litellm_entry("xai", input_cost_per_second=0.001),
    }
    item = compare_one(save(tmp_path, table))
    assert {entry.listed_as: entry.reason for entry in item.new} == {
        "gpt-realtime-9": "model-unknown",
        "gpt-realtime-1.5-2027-01-01x": "model-unknown",
        "azure/gpt-realtime-2.1-2029-01-01": "version-unknown",
        "azure/us/gpt-realtime-2": "deployment-unknown",
        "gpt-5.2-nova": "model-unknown",
        "gpt-realtime-1.5": "meter-unpriced",
        "grok-voice": "model-unknown",
    }
    assert item.skipped == {"ended-there": 1, "other-models": 1, "other-tiers": 1, "without-prices": 1}


def test_a_table_of_models_lacks_offers_only_of_services_that_it_has(tmp_path: Path) -> None:
    item = compare_one(save(tmp_path, {"gpt-realtime-1.5": litellm_entry(input_cost_per_audio_token=3.2e-05)}))
    assert {(entry.offer.provider, entry.offer.kind) for entry in item.gone} == {("openai", "realtime")}
    assert "openai/gpt-realtime-2.1" in {entry.offer.id for entry in item.gone}
    assert "openai/gpt-4o-realtime-preview-2024-12-17" not in {entry.offer.id for entry in item.gone}, "it has ended"


def test_prices_of_genai_prices_are_those_of_the_day(tmp_path: Path) -> None:
    periods = [
        {"prices": {"input_mtok": 9}},
        {"constraint": {"start_date": "2026-03-01"}, "prices": {"input_mtok": 4, "output_audio_mtok": 65}},
        {"constraint": {"start_date": "2027-03-01"}, "prices": {"input_mtok": 3}},
    ]
    item = compare_one(save(tmp_path, genai_table(genai_model("gpt-realtime-1.5", periods))))
    assert sorted(differences_in(item)) == [
        ("price-differs", "openai/gpt-realtime-1.5", "audio_out", 65),
        ("starts-later", "openai/gpt-realtime-1.5", "text_in", 3),
    ]
    assert item.agreements == 1
    assert {row.since for row in item.differences} == {date(2026, 3, 1), date(2027, 3, 1)}


def test_one_provider_can_be_compared_alone(tmp_path: Path) -> None:
    entry = litellm_entry(input_cost_per_audio_token=1e-05)
    file = save(tmp_path, {"gpt-realtime-1.5": entry, "azure/gpt-realtime-1.5": entry | {"litellm_provider": "azure"}})
    assert {row.offer.provider for row in compare_one(file, provider="Azure").differences} == {"azure"}
    with pytest.raises(UnknownName):
        compare_one(file, provider="acme")


def drafts_of(*files: Path) -> str:
    return price_drafts(compare_all(*files))


def test_the_rows_to_review_are_a_price_file_beside_the_price_book(tmp_path: Path) -> None:
    """From the first day of a change on, the file's prices are those of the table; before it, ours."""
    prices = {"2026-11-15": 28, "2027-01-01": 16}
    items = [azure_item(AUDIO_IN, price, effectiveStartDate=day) for day, price in prices.items()]
    items.append(azure_item(TEXT_IN, 5, effectiveStartDate="2026-11-01"))
    file = tmp_path / "rows.toml"
    file.write_text(drafts_of(save(tmp_path, azure_page(*items))), encoding="utf-8")
    book = load_facts(file).prices
    offer = offer_of(OFFER, book)
    expected = {
        date(2026, 10, 31): (32, 4),
        date(2026, 11, 1): (32, 5),
        date(2026, 11, 15): (28, 5),
        date(2027, 1, 1): (16, 5),
    }
    for day, (audio_in, text_in) in expected.items():
        row = book.price_row(offer, day)
        assert row is not None
        assert row.unit_prices == {**row.unit_prices, "audio_in": audio_in, "text_in": text_in, "audio_out": 64}
    (contract,) = {row.sources for row in book.contracted[OFFER]}
    assert contract[0].startswith("Azure's retail prices (table.json): gpt-")
    assert {row.checked for row in book.contracted[OFFER]} == {DAY}


def test_the_drafts_of_new_offers_are_a_price_file_once_they_are_no_comments(tmp_path: Path) -> None:
    azure_file = save(
        tmp_path,
        azure_page(
            azure_item("gpt-realtime-3 Audio inp Gl 1M Tokens", 20),
            azure_item("gpt-realtime-3 Text opt Gl 1M Tokens", 10),
            azure_item("gpt-realtime-3-whisper Opt DZ Unit", 1.02, unitOfMeasure="1 Hour"),
            next_page="more",
        ),
        name="azure.json",
    )
    entry = litellm_entry("azure", input_cost_per_audio_token=1e-05)
    litellm_file = save(tmp_path, {'azure/eu/gpt-realtime-"9"🦊\n': entry}, name="litellm.json")
    text = drafts_of(azure_file, litellm_file)
    lines = [line.removeprefix("# ") for line in text.splitlines() if line.startswith("# ") and ("=" in line or "[" in line)]
    file = tmp_path / "new.toml"
    file.write_text("\n".join(line for line in lines if not line.startswith("The contracted")), encoding="utf-8")
    book = load_facts(file).prices
    new = {offer.id: offer for offer in book.offers if offer not in load_facts().prices.offers}
    assert new["azure/gpt-realtime-3"].vendor_meters == {
        "text_out": ("gpt-realtime-3 Text opt Gl 1M Tokens", "1M"),
        "audio_in": ("gpt-realtime-3 Audio inp Gl 1M Tokens", "1M"),
    }
    assert new["azure/gpt-realtime-3"].rows[0].unit_prices == {"audio_in": 20, "text_out": 10}
    assert new["azure/gpt-realtime-3-whisper/data-zone"].rows[0].unit_prices == {"audio_ms": Decimal("0.017")}
    (other,) = (offer for offer in new.values() if offer.zone == "eu")
    assert (other.model, other.rows[0].confidence) == ('gpt-realtime-"9"🦊\\n', "medium")
    assert str(other.rows[0].since) == DAY.isoformat()


def test_of_two_tables_that_differ_the_vendor_s_own_gives_the_rows(tmp_path: Path) -> None:
    azure_file = save(tmp_path, azure_page(azure_item(AUDIO_IN, 28)), name="azure.json")
    entry = litellm_entry("azure", input_cost_per_audio_token=3e-05, output_cost_per_audio_token=6e-05)
    litellm_file = save(tmp_path, {"azure/gpt-realtime-2-2026-05-06": entry}, name="litellm.json")
    text = drafts_of(litellm_file, azure_file)
    (contract,) = tomllib.loads(text)["contracted"]
    assert [row["usd"] for row in contract["prices"]] == [{"audio_in": 28}, {"audio_in": 28, "audio_out": 60}]
    assert "audio in $30.00/M, not $32.00" in text


def test_the_report_has_every_finding(tmp_path: Path) -> None:
    item = azure_item(AUDIO_IN, 28, effectiveStartDate="2026-11-15T00:00:00Z")
    file = save(tmp_path, azure_page(item, azure_item("gpt-realtime-3 Audio inp Gl 1M Tokens", 20), azure_item("x", -1)))
    document: dict[str, Any] = json.loads(PriceComparisonReport.of(compare_all(file)).to_json())
    assert (document["day"], document["digest"]) == (DAY.isoformat(), load_facts().prices.digest)
    (table,) = document["tables"]
    assert (table["table"], table["files"], table["agrees"], len(table["malformed"])) == ("azure-retail", ["table.json"], 0, 1)
    (difference,) = table["differs"]
    assert (difference["ours"], difference["theirs"], difference["ratio"]) == ("32", "28", "0.875")
    assert (difference["since"], difference["our_since"]) == ("2026-11-15", "2026-05-01")
    assert difference["our_sources"][0].startswith("Azure Retail Prices API snapshot")
    (new,) = table["new"]
    assert (new["prices"], new["listed_price"], new["unit"]) == ({"audio_in": "20"}, "20", "1M")
