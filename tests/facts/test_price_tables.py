"""Saved price tables are read by their shape; what cannot be read or compared is counted and named."""

import gzip
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.price_tables import azure_item, azure_page, genai_model, genai_table, litellm_entry, save
from voicebill.answers.catalog.price_tables import PublishedPriceTable
from voicebill.billing.errors import InvalidInput
from voicebill.billing.meters import Meter
from voicebill.facts import load_facts
from voicebill.facts.files import UnreadableFile
from voicebill.facts.price_tables.read import read_price_tables

TEXT_IN = "gpt-realtime-2 Text inp Gl 1M Tokens"


def read_one(*files: Path) -> PublishedPriceTable:
    (table,) = read_price_tables(files)
    return table


def meter(name: str) -> Meter:
    return load_facts().prices.meters[name]


def test_pages_are_read_from_several_files_from_lines_and_from_gzip(tmp_path: Path) -> None:
    first, second = azure_page(azure_item("a", 1), next_page="x"), azure_page(azure_item("b", 2))
    by_line = save(tmp_path, first, second, name="lines.json")
    packed = tmp_path / "pages.json.gz"
    packed.write_bytes(gzip.compress(json.dumps([first, second], indent=2).encode()))
    files = (save(tmp_path, first, name="1.json"), save(tmp_path, second, name="2.json"))
    items = save(tmp_path, *first["Items"], *second["Items"], name="items.json")
    for table in (read_one(by_line), read_one(packed), read_one(*files), read_one(items)):
        assert {price.meter_name: price.dollars for price in table.vendor_prices} == {"a": Decimal(1), "b": Decimal(2)}
        assert (table.name, table.is_complete, table.malformed) == ("azure-retail", True, ())
    assert not read_one(files[0]).is_complete
    assert read_one(*files, files[0]).vendor_prices == read_one(*files).vendor_prices


@pytest.mark.parametrize(
    ("unit", "price", "name", "expected"),
    [
        ("1K", 0.0055, "text_in", "5.5"),  # 0.0055 for a thousand
        ("1M", 32, "audio_in", "32"),
        ("1 Hour", 1.02, "audio_ms", "0.017"),  # 1.02 / 60
        ("1 Hour", 1, "audio_ms", "0.016666666667"),
        ("1M", 15, "characters_in", "15"),
        ("10K", "0.3", "text_out", "30"),
        ("1 Hour", 1, "text_in", None),
        ("1M", 1, "audio_ms", None),
    ],
)
def test_a_listed_price_becomes_one_per_price_unit(
    unit: str, price: float | str, name: str, expected: str | None, tmp_path: Path
) -> None:
    (listed,) = read_one(save(tmp_path, azure_page(azure_item("x", price, unitOfMeasure=unit)))).vendor_prices
    assert listed.price_of(meter(name)) == (None if expected is None else Decimal(expected))


def test_what_is_no_price_of_consumption_in_dollars_is_counted(tmp_path: Path) -> None:
    items = [
        azure_item(TEXT_IN, 4, type="Reservation"),
        azure_item(TEXT_IN, 4, type="DevTestConsumption"),
        azure_item(TEXT_IN, 4, currencyCode="EUR"),
        azure_item(TEXT_IN, 4, tierMinimumUnits=1000.0),
        azure_item(TEXT_IN, 4, unitOfMeasure="1 GB/Month"),
    ]
    table = read_one(save(tmp_path, azure_page(*items)))
    assert table.vendor_prices == ()
    expected = ("reservations", "dev/test-prices", "other-currencies", "volume-prices", "other-units")
    assert table.skipped == dict.fromkeys(expected, 1)


def test_malformed_entries_are_named(tmp_path: Path) -> None:
    items: list[Any] = [
        *(azure_item(TEXT_IN, price) for price in ("ten", -1, 1e300)),
        azure_item(TEXT_IN, 4, effectiveStartDate="soon"),
        {"productName": "x"},
        5,
    ]
    file = save(tmp_path, azure_page(azure_item("good", 4), *items))
    file.write_text(file.read_text(encoding="utf-8") + "\n{broken\n", encoding="utf-8")
    table = read_one(file)
    assert len(table.vendor_prices) == 1
    assert len(table.malformed) == 7
    assert table.malformed[0] == "table.json, line 2: no JSON"
    assert all(text.startswith(TEXT_IN) for text in table.malformed[1:5])
    assert table.malformed[5].startswith("an item without meterName and retailPrice")


def test_noise_of_binary_floats_is_removed_and_nothing_else(tmp_path: Path) -> None:
    """Noise stands behind the fifteenth digit: 0.000031999999999999996 is 0.000032, and 0.00003201 stays."""
    entry = litellm_entry(
        input_cost_per_token=0.1 + 0.2, output_cost_per_token=3.201e-05, input_cost_per_audio_token=0.000031999999999999996
    )
    file = save(tmp_path, {"gpt-realtime": entry})
    assert read_one(file).models[0].unit_prices == {
        "text_in": Decimal(300_000),
        "text_out": Decimal("32.01"),
        "audio_in": Decimal(32),
    }


def test_a_name_of_litellm_says_deployment_zone_and_tier(tmp_path: Path) -> None:
    table = read_one(
        save(
            tmp_path,
            {
                "sample_spec": litellm_entry(),
                "azure/eu/gpt-realtime": litellm_entry("azure", input_cost_per_token=4.4e-06),
                "gpt-5.2": litellm_entry(mode="chat", input_cost_per_token=1e-06, input_cost_per_token_priority=2e-06),
                "whisper-1": litellm_entry(mode="audio_transcription", input_cost_per_second=0.0001, output_cost_per_second=0),
                "ft:gpt-4o": litellm_entry(),
                "groq/whisper": litellm_entry("groq"),
                "dall-e": litellm_entry(mode="image_generation"),
                "broken": 5,
                "negative": litellm_entry(input_cost_per_token=-1),
                "undated": litellm_entry(deprecation_date="soon", mode=["realtime"]),  # type: ignore[arg-type]
            },
        )
    )
    assert [(item.model, item.deployment, item.zone, item.tier, item.kind) for item in table.models] == [
        ("gpt-realtime", "data-zone", "eu", "standard", "realtime"),
        ("gpt-5.2", "global", "", "standard", "text"),
        ("gpt-5.2", "global", "", "priority", "text"),
        ("whisper-1", "global", "", "standard", "transcription"),
    ]
    assert table.models[3].unit_prices == {"audio_ms": Decimal("0.006")}
    assert table.skipped == {"fine-tuned-models": 1, "other-providers": 1, "other-models": 1}
    assert [text.partition(":")[0] for text in table.malformed] == ["broken", "negative", "undated"]


def test_prices_of_genai_prices_have_periods_and_bases(tmp_path: Path) -> None:
    periods = [
        {"prices": {"input_mtok": 5, "input_audio_kseconds": 0.1}},
        {
            "constraint": {"type": "start_date", "start_date": "2026-10-01"},
            "prices": {"input_mtok": {"base": "4", "tiers": []}},
        },
        {"constraint": {"start_time": "00:30:00Z", "end_time": "16:30:00Z"}, "prices": {"input_mtok": 1}},
    ]
    models = (genai_model("gpt-realtime", periods), genai_model("broken", None), genai_model("odd", {"input_mtok": "x"}))
    table = read_one(save(tmp_path, genai_table(*models), genai_table(genai_model("a", {}), provider="groq")))
    assert [(item.since, item.unit_prices) for item in table.models] == [
        (None, {"text_in": Decimal(5), "audio_ms": Decimal("0.006")}),
        (date(2026, 10, 1), {"text_in": Decimal(4)}),
    ]
    assert table.skipped == {"prices-on-conditions": 1, "other-providers": 1}
    assert [text.partition(":")[0] for text in table.malformed] == ["openai/broken", "openai/odd"]


@pytest.mark.parametrize(
    "content", [b"", b"model,price\ngpt-realtime,4\n", b"{}", b"[]", b'{"a": 1}', b"[1, 2]", b'"text"', b"[" * 9999]
)
def test_a_file_that_is_no_price_table_is_refused_with_what_is_read(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_bytes(content)
    with pytest.raises(
        InvalidInput, match=r"other\.json is no price table: read are saved pages of Azure's.*litellm's .*genai"
    ):
        read_price_tables([file])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no file"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (gzip.compress(b"{}" * 99, mtime=0)[:-9], "damaged or ends early"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(content: bytes | None, message: str, tmp_path: Path) -> None:
    file = tmp_path / "table.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UnreadableFile, match=message):
        read_price_tables([file])
    with pytest.raises(UnreadableFile, match="is a folder"):
        read_price_tables([tmp_path])
