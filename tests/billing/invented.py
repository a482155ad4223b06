"""Invent offers, contracts and price books, so that a test can place their days and prices where it needs them."""

from decimal import Decimal
from typing import Any

from tests.cases import DAY
from voicebill.billing.meters import Meter
from voicebill.billing.offers import Offer, PriceRow
from voicebill.billing.price_book import Adjustment, Alias, PriceBook
from voicebill.billing.validity import PartialDate

METERS = {
    "text_in": Meter("text_in", "text in", "token", 1_000_000, "/M", "in", "text"),
    "text_in_cached": Meter("text_in_cached", "text in, cached", "token", 1_000_000, "/M", "in", "text", "text_in"),
    "audio_in": Meter("audio_in", "audio in", "token", 1_000_000, "/M", "in", "audio"),
    "audio_in_cached": Meter("audio_in_cached", "audio in, cached", "token", 1_000_000, "/M", "in", "audio", "audio_in"),
    "text_out": Meter("text_out", "text out", "token", 1_000_000, "/M", "out", "text"),
}
BOTH = {"text_in": 4, "text_out": 16}


def price_row(prices: dict[str, int], since: str = "2026-01-01", until: str | None = None, **more: Any) -> PriceRow:
    end = PartialDate.parse(until) if until else None
    unit_prices = {meter: Decimal(price) for meter, price in prices.items()}
    return PriceRow(PartialDate.parse(since), end, unit_prices, DAY, ("a test",), **more)


def make_offer(version: str | None = None, *rows: PriceRow, model: str = "parrot", **more: Any) -> Offer:
    more = {"provider": "acme", "deployment": "global"} | more
    return Offer(model=model, version=version, kind="realtime", rows=rows or (price_row(BOTH),), **more)


def make_book(*offers: Offer, **more: Any) -> PriceBook:
    parts: dict[str, Any] = {"aliases": (), "lifecycle": (), "surcharges": (), "availability": ()} | more
    return PriceBook(METERS, offers, **parts)


def make_adjustment(factor: str, since: str = "2026-03-01", until: str | None = "2026-06-01", **scope: Any) -> Adjustment:
    end = PartialDate.parse(until) if until else None
    scope = {"providers": (), "models": (), "deployments": ()} | scope
    return Adjustment("discount", Decimal(factor), since=PartialDate.parse(since), until=end, source="our contract", **scope)


def make_alias(version: str | None, since: str, until: str | None = None) -> Alias:
    return Alias("acme", "parrot", version, PartialDate.parse(since), PartialDate.parse(until) if until else None, "a test")
