"""Read the data.json of genai-prices: providers with their models and prices, in the shape of versions 1 to 3.

Prices are dollars per million tokens, or by the hour, the character or the message. A model may have several, each from its
first day; of prices by the length of the context only the base is compared.
"""

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from voicebill.answers.catalog.price_tables import ModelPrices, PriceField, PublishedPriceTable, kind_of_name
from voicebill.billing.errors import InvalidInput, VoicebillError
from voicebill.facts.price_tables.saved_json import TableReading, first_day, listed_prices

PER_HOUR, PER_KILOSECOND = Fraction(1, 60), Fraction(60, 1000)
"""The factors of prices by the hour and by a thousand seconds of audio."""
METER_KEYS: Mapping[str, PriceField] = {
    "input_text_mtok": PriceField("text_in"),
    "input_mtok": PriceField("text_in"),
    "cache_text_read_mtok": PriceField("text_in_cached"),
    "cache_read_mtok": PriceField("text_in_cached"),
    "cache_text_write_mtok": PriceField("text_in_cache_write"),
    "cache_write_mtok": PriceField("text_in_cache_write"),
    "output_text_mtok": PriceField("text_out"),
    "output_mtok": PriceField("text_out"),
    "input_audio_mtok": PriceField("audio_in"),
    "cache_audio_read_mtok": PriceField("audio_in_cached"),
    "output_audio_mtok": PriceField("audio_out"),
    "input_image_mtok": PriceField("image_in"),
    "cache_image_read_mtok": PriceField("image_in_cached"),
    "input_audio_hours": PriceField("audio_ms", PER_HOUR, is_time=True),
    "audio_hours": PriceField("audio_ms", PER_HOUR, is_time=True),
    "output_audio_hours": PriceField("audio_out_ms", PER_HOUR, is_time=True),
    "input_audio_kseconds": PriceField("audio_ms", PER_KILOSECOND, is_time=True),
    "output_audio_kseconds": PriceField("audio_out_ms", PER_KILOSECOND, is_time=True),
    "input_mchars": PriceField("characters_in"),
    "input_kchars": PriceField("characters_in", Fraction(1000)),
    "input_text_messages_kcount": PriceField("messages", Fraction(1, 1000)),
}
"""The meter of a price, and the factor to that of our price unit; of several prices for one meter the first counts."""
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
        if constraint and "start_date" not in constraint:
            reading.skip("prices-on-conditions")
            continue
        yield ModelPrices(
            key=f"{provider}/{model['id']}",
            provider=provider,
            model=model["id"],
            kind=kind_of_name(model["id"]),
            prices=listed_prices(period["prices"], METER_KEYS),
            since=first_day(constraint.get("start_date")),
        )
