"""Small invented price tables, as they are saved."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.cases import DAY
from voicebill.billing.price_book import PriceBook

PER_UNIT = {"1K": 1_000, "1M": 1_000_000}
Entry = dict[str, Any]


def azure_item(meter: str, price: float | str, **others: Any) -> Entry:
    """An item of Azure's retail prices: a meter by the million in eastus2 since May 2026, unless others say otherwise."""
    return {
        "currencyCode": "USD",
        "tierMinimumUnits": 0.0,
        "retailPrice": price,
        "unitPrice": price,
        "armRegionName": "eastus2",
        "effectiveStartDate": "2026-05-01T00:00:00Z",
        "meterName": meter,
        "productName": "Azure OpenAI",
        "serviceName": "Foundry Models",
        "unitOfMeasure": "1M",
        "type": "Consumption",
    } | others


def azure_page(*items: object, next_page: str | None = None) -> Entry:
    """A page of items."""
    return {"Items": list(items), "NextPageLink": next_page, "Count": len(items)}


def items_of_book(book: PriceBook) -> Iterator[Entry]:
    """An item for each price of the price book that has a meter's name, in each of its regions."""
    listed = set()
    for offer in book.offers:
        row = None if book.is_shut_down(offer, DAY) else offer.row_on(DAY)
        for meter, (name, unit) in offer.vendor_meters.items() if row else ():
            for region in offer.regions or ("eastus2",):
                if row and (name, region) not in listed:
                    listed.add((name, region))
                    price = row.unit_prices[meter] * 60 if unit == "1 Hour" else row.unit_prices[meter] * PER_UNIT[unit] / 10**6
                    yield azure_item(name, float(price), armRegionName=region, unitOfMeasure=unit)


def save(folder: Path, *documents: object, name: str = "table.json") -> Path:
    """A file with documents, one per line."""
    file = folder / name
    file.write_text("\n".join(map(json.dumps, documents)), encoding="utf-8")
    return file


def litellm_entry(provider: str = "openai", mode: str = "realtime", **costs: float | str | None) -> Entry:
    """An entry of litellm's table."""
    return {"litellm_provider": provider, "mode": mode, "max_tokens": 4096, **costs}


def genai_table(*models: Entry, provider: str = "openai") -> list[Entry]:
    """A table of genai-prices with the models of one provider."""
    return [{"id": provider, "name": provider.title(), "models": list(models)}]


def genai_model(name: str, prices: object) -> Entry:
    """A model of genai-prices."""
    return {"id": name, "match": {"equals": name}, "prices": prices}


def pages(items: Iterable[Entry], size: int) -> Iterator[Entry]:
    """Items as pages of a size, each but the last with a link to the next one."""
    rows = list(items)
    for start in range(0, len(rows), size):
        is_last = start + size >= len(rows)
        yield azure_page(
            *rows[start : start + size], next_page=None if is_last else f"https://prices.invalid/?$skip={start + size}"
        )
