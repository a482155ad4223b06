"""Read Azure's retail prices: saved pages of its price API, or their items.

The shape is that of `prices.azure.com/api/retail/prices`, api-version 2023-01-01-preview: a page has `Items` and a
`NextPageLink`, an item the meter's name, its unit, region, price and first day.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from voicebill.answers.catalog.price_tables import PublishedPriceTable, VendorPrice
from voicebill.billing.errors import InvalidInput, VoicebillError
from voicebill.facts.price_tables.saved_json import TableReading, exact_price, first_day

MULTIPLES = {"": 1, "K": 1_000, "M": 1_000_000}
LISTED_MILLISECONDS = {"second": 1_000, "minute": 60_000, "hour": 3_600_000}
LISTED_UNIT = re.compile(r"(\d+)\s*([KM]?)\b\s*(.*)", re.IGNORECASE)
COUNTED = re.compile(r"(tokens?|characters?|units?)?", re.IGNORECASE)
"""What follows the number in the unit of a meter of tokens or characters; most name nothing."""
SKIPPED_TYPES = {"reservation": "reservations", "devtestconsumption": "dev/test-prices"}


def is_azure_retail(document: object) -> bool:
    """Whether a document is a page, an item, or a list of items."""
    match document:
        case {"Items": list()}:
            return True
        case [first, *_]:
            return is_azure_retail(first)
        case _:
            return _is_item(document)


def _is_item(document: object) -> bool:
    return isinstance(document, dict) and "meterName" in document and bool({"retailPrice", "unitPrice"} & document.keys())


def read_azure_retail(documents: Iterable[object], files: tuple[str, ...], reading: TableReading) -> PublishedPriceTable:
    """Return the prices of all pages. Items that are equal count once, as pages may overlap."""
    pages = list(documents)
    prices = dict.fromkeys(price for item in _items(pages) for price in _prices(item, reading))
    links = [page.get("NextPageLink") for page in pages if isinstance(page, dict) and "Items" in page]
    return PublishedPriceTable(
        name="azure-retail",
        files=files,
        vendor_prices=tuple(prices),
        skipped=reading.skipped,
        malformed=tuple(reading.malformed),
        is_complete=not links or not all(links),
    )


def _items(documents: Iterable[object]) -> Iterator[object]:
    for document in documents:
        match document:
            case {"Items": list(items)}:
                yield from items
            case list():
                yield from _items(document)
            case _:
                yield document


def _prices(item: object, reading: TableReading) -> Iterator[VendorPrice]:
    """Yield the price of an item, or count why it has none that can be compared."""
    if not isinstance(item, dict) or not _is_item(item):
        reading.malformed.append(f"an item without meterName and retailPrice: {str(item)[:60]}")
        return
    try:
        reason = _skip_reason(item)
        unit = _parse_unit(_text_of(item, "unitOfMeasure"))
        if reason is not None or unit is None:
            reading.skip(reason or "other-units")
            return
        yield _vendor_price(item, unit[0], is_time=unit[1])
    except VoicebillError as error:
        reading.malformed.append(f"{item.get('meterName')}: {error}")


def _skip_reason(item: dict[str, Any]) -> str | None:
    """Why an item is not compared; None if it is."""
    kind = str(item.get("type", "Consumption")).lower()
    if kind != "consumption":
        return SKIPPED_TYPES.get(kind, "other-types")
    if item.get("currencyCode", "USD") != "USD":
        return "other-currencies"
    return "volume-prices" if exact_price(item.get("tierMinimumUnits") or "0") else None


def _vendor_price(item: dict[str, Any], per: int, *, is_time: bool) -> VendorPrice:
    return VendorPrice(
        meter_name=_text_of(item, "meterName").strip(),
        unit=_text_of(item, "unitOfMeasure").strip(),
        dollars=exact_price(item.get("retailPrice", item.get("unitPrice"))),
        per=per,
        is_time=is_time,
        region=_text_of(item, "armRegionName").strip(),
        since=first_day(item.get("effectiveStartDate")),
        product=" ".join(_text_of(item, name) for name in ("serviceName", "productName")).strip(),
    )


def _text_of(item: dict[str, Any], name: str) -> str:
    value = item.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidInput(f"{name} must be text")
    return value or ""


def _parse_unit(text: str) -> tuple[int, bool] | None:
    """The units that a price is for, and whether they are milliseconds; None for another unit, such as a gigabyte.

    >>> _parse_unit("1K"), _parse_unit("1 Hour"), _parse_unit("1 GB/Month")
    ((1000, False), (3600000, True), None)
    """
    match = LISTED_UNIT.fullmatch(text.strip())
    if match is None or not int(match[1]):
        return None
    count, word = int(match[1]) * MULTIPLES[match[2].upper()], match[3].lower().rstrip("s")
    if word in LISTED_MILLISECONDS:
        return count * LISTED_MILLISECONDS[word], True
    return (count, False) if COUNTED.fullmatch(match[3]) else None
