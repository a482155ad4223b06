"""Read the data.json of genai-prices: providers with their models and prices.

Prices are dollars per million tokens, thousand seconds or thousand characters. A model may have several, each from its first
day; of prices by the length of the context only the base is compared.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from voicebill.answers.catalog.price_tables import ModelPrices, PublishedPriceTable, kind_of_name, rounding_of, to_price
from voicebill.billing.errors import InvalidInput, VoicebillError
from voicebill.facts.price_tables.saved_json import TableReading, exact_price, first_day

PER_KILOSECOND = Fraction(60, 1000)
"""The factor of a price by a thousand seconds."""
METER_KEYS: Mapping[str, tuple[str, Fraction]] = {
    "input_mtok": ("text_in", Fraction(1)),
    "cache_read_mtok": ("text_in_cached", Fraction(1)),
    "cache_write_mtok": ("text_in_cache_write", Fraction(1)),
    "output_mtok": ("text_out", Fraction(1)),
    "input_audio_mtok": ("audio_in", Fraction(1)),
    "cache_audio_read_mtok": ("audio_in_cached", Fraction(1)),
    "output_audio_mtok": ("audio_out", Fraction(1)),
    "input_image_mtok": ("image_in", Fraction(1)),
    "cache_image_read_mtok": ("image_in_cached", Fraction(1)),
    "input_audio_kseconds": ("audio_ms", PER_KILOSECOND),
    "output_audio_kseconds": ("audio_out_ms", PER_KILOSECOND),
    "input_kchars": ("characters_in", Fraction(1000)),
}
"""The meter of a price, and the factor to that of our price unit."""
OWN_PROVIDERS: Mapping[str, str] = {
    **{name: name for name in ("openai", "azure", "google", "deepgram", "elevenlabs", "assemblyai", "mistral", "cartesia")},
    "aws": "amazon",
    "x-ai": "xai",
    "alibaba": "alibaba",
}
"""Our names of its providers."""


def is_genai_prices(document: object) -> bool:
    """Whether a document is a list of providers with models, or an object with such a list."""
    return any(isinstance(provider, dict) and isinstance(provider.get("models"), list) for provider in _providers(document))


def _providers(document: object) -> list[Any]:
    match document:
        case {"providers": list(providers)} | list(providers):
            return providers
        case _:
            return []


def read_genai_prices(documents: Iterable[object], files: tuple[str, ...], reading: TableReading) -> PublishedPriceTable:
    """Return the models of all providers that the price book may have."""
    providers = [provider for document in documents for provider in _providers(document)]
    models = tuple(model for provider in providers for model in _models_of(provider, reading))
    return PublishedPriceTable(
        name="genai-prices", files=files, models=models, skipped=reading.skipped, malformed=tuple(reading.malformed)
    )


def _models_of(provider: object, reading: TableReading) -> Iterator[ModelPrices]:
    if not isinstance(provider, dict) or not isinstance(provider.get("models"), list):
        reading.malformed.append(f"a provider without models: {str(provider)[:60]}")
        return
    own_name = OWN_PROVIDERS.get(str(provider.get("id")))
    for model in provider["models"]:
        if own_name is None:
            reading.skip("other-providers")
            continue
        try:
            yield from _periods(own_name, model, reading)
        except VoicebillError as error:
            name = model.get("id") if isinstance(model, dict) else str(model)[:60]
            reading.malformed.append(f"{provider.get('id')}/{name}: {error}")


def _periods(provider: str, model: object, reading: TableReading) -> Iterator[ModelPrices]:
    """Yield the prices of a model, one entry for each period.

    Raises:
        InvalidInput: it has no name or no prices, or one of them is not a number.
    """
    if not isinstance(model, dict) or not isinstance(model.get("id"), str):
        raise InvalidInput("a model needs an id")
    prices = model.get("prices")
    for period in prices if isinstance(prices, list) else [{"prices": prices}]:
        if not isinstance(period, dict) or not isinstance(period.get("prices"), dict):
            raise InvalidInput("a model needs prices")
        constraint = period.get("constraint") or {}
        if not isinstance(constraint, dict):
            raise InvalidInput("a constraint must be an object")
        if "start_time" in constraint:
            reading.skip("prices-by-hour")
            continue
        prices_by_meter = _listed_prices_by_meter(period["prices"])
        yield ModelPrices(
            key=f"{provider}/{model['id']}",
            provider=provider,
            model=model["id"],
            kind=kind_of_name(model["id"]),
            unit_prices={meter: to_price(Fraction(price) * factor) for meter, (price, factor) in prices_by_meter.items()},
            tolerances={
                meter: rounding_of(price, factor)
                for meter, (price, factor) in prices_by_meter.items()
                if factor == PER_KILOSECOND
            },
            since=first_day(constraint.get("start_date")),
        )


def _listed_prices_by_meter(prices: Mapping[str, Any]) -> dict[str, tuple[Decimal, Fraction]]:
    """A model's base prices as listed, with their factor, by our meters. One of 0 stands for none."""
    by_meter: dict[str, tuple[Decimal, Fraction]] = {}
    for name, (meter, factor) in METER_KEYS.items():
        value = prices.get(name)
        base = value.get("base") if isinstance(value, dict) else value
        if base is not None and (price := exact_price(base)):
            by_meter[meter] = (price, factor)
    return by_meter
