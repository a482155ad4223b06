"""Read litellm's table of models, `model_prices_and_context_window.json`: an object of models by name.

Prices are dollars per token, second or character; those of other service tiers have a suffix. Prices by the length of the
context are not compared.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from voicebill.answers.catalog.price_tables import ModelPrices, PublishedPriceTable, kind_of_name, rounding_of, to_price
from voicebill.billing.errors import VoicebillError
from voicebill.billing.offers import Kind
from voicebill.facts.price_tables.saved_json import TableReading, exact_price

PER_SECOND = 60
"""The factor of a price by the second."""
METER_FIELDS: Mapping[str, tuple[str, int]] = {
    "input_cost_per_token": ("text_in", 1_000_000),
    "cache_read_input_token_cost": ("text_in_cached", 1_000_000),
    "cache_creation_input_token_cost": ("text_in_cache_write", 1_000_000),
    "output_cost_per_token": ("text_out", 1_000_000),
    "input_cost_per_audio_token": ("audio_in", 1_000_000),
    "cache_read_input_audio_token_cost": ("audio_in_cached", 1_000_000),
    "cache_read_input_token_cost_per_audio_token": ("audio_in_cached", 1_000_000),
    "output_cost_per_audio_token": ("audio_out", 1_000_000),
    "input_cost_per_image_token": ("image_in", 1_000_000),
    "cache_read_input_image_token_cost": ("image_in_cached", 1_000_000),
    "input_cost_per_second": ("audio_ms", PER_SECOND),
    "input_cost_per_audio_per_second": ("audio_ms", PER_SECOND),
    "input_cost_per_character": ("characters_in", 1_000_000),
}
"""The meter of a field, and the factor from its price to that of our price unit."""
TIER_SUFFIXES = {"standard": "", "priority": "_priority", "flex": "_flex", "batch": "_batches"}
PROVIDERS: Mapping[str, str] = {
    **{name: name for name in ("openai", "azure", "xai", "deepgram", "elevenlabs", "assemblyai", "mistral", "cartesia")},
    "text-completion-openai": "openai",
    "gemini": "google",
    "vertex_ai-language-models": "google",
    "vertex_ai": "google",
    "bedrock": "amazon",
    "bedrock_converse": "amazon",
    "dashscope": "alibaba",
}
"""Our names of its providers."""
MODES: Mapping[str, Kind] = {"audio_transcription": "transcription", "audio_speech": "speech", "realtime": "realtime"}
OTHER_MODES = frozenset(
    ("image_generation", "image_edit", "embedding", "moderation", "moderations", "video_generation", "rerank", "search", "ocr")
)
ZONES = {"us", "eu", "apac"}


def is_litellm(document: object) -> bool:
    """Whether a document is an object of models with litellm's provider of each."""
    return isinstance(document, dict) and any(
        isinstance(entry, dict) and "litellm_provider" in entry for entry in document.values()
    )


def read_litellm(documents: Iterable[object], files: tuple[str, ...], reading: TableReading) -> PublishedPriceTable:
    """Return the models of the table under each service tier that has prices of its own."""
    entries = {key: entry for document in documents if isinstance(document, dict) for key, entry in document.items()}
    entries.pop("sample_spec", None)
    models = tuple(model for key, entry in entries.items() for model in _models(key, entry, reading))
    return PublishedPriceTable(
        name="litellm", files=files, models=models, skipped=reading.skipped, malformed=tuple(reading.malformed)
    )


def _models(key: str, entry: object, reading: TableReading) -> Iterator[ModelPrices]:
    if not isinstance(entry, dict) or not isinstance(entry.get("litellm_provider"), str):
        reading.malformed.append(f"{key}: no object with litellm_provider")
        return
    provider = PROVIDERS.get(entry["litellm_provider"])
    if provider is None or key.startswith("ft:"):
        reading.skip("other-providers" if provider is None else "fine-tuned-models")
    elif entry.get("mode") in OTHER_MODES:
        reading.skip("other-models")
    else:
        yield from _tiers(key, provider, entry, reading)


def _tiers(key: str, provider: str, entry: Mapping[str, Any], reading: TableReading) -> Iterator[ModelPrices]:
    """Yield an entry's prices under each of its service tiers."""
    model, deployment, zone = _terms(key, provider)
    kind = MODES.get(str(entry.get("mode"))) or kind_of_name(model)
    for tier, suffix in TIER_SUFFIXES.items():
        try:
            prices = _listed_prices(entry, suffix)
        except VoicebillError as error:
            reading.malformed.append(f"{key}: {error}")
            continue
        if prices or tier == "standard":
            yield ModelPrices(
                key=key,
                provider=provider,
                model=model,
                kind=kind,
                unit_prices={meter: to_price(Fraction(price) * factor) for meter, (price, factor) in prices.items()},
                tolerances={
                    meter: rounding_of(price, Fraction(factor))
                    for meter, (price, factor) in prices.items()
                    if factor == PER_SECOND
                },
                deployment=deployment,
                zone=zone,
                tier=tier,
            )


def _listed_prices(entry: Mapping[str, Any], suffix: str) -> dict[str, tuple[Decimal, int]]:
    """An entry's prices as listed, with their factor, by our meters. A price of 0 stands for none."""
    prices: dict[str, tuple[Decimal, int]] = {}
    for name, (meter, factor) in METER_FIELDS.items():
        value = entry.get(f"{name}{suffix}")
        if value is not None and (price := exact_price(value)):
            prices.setdefault(meter, (price, factor))
    return prices


def _terms(key: str, provider: str) -> tuple[str, str, str]:
    """The model, the deployment and the zone that a name says.

    >>> _terms("azure/eu/gpt-4o-realtime-preview-2024-12-17", "azure"), _terms("gpt-realtime", "openai")
    (('gpt-4o-realtime-preview-2024-12-17', 'data-zone', 'eu'), ('gpt-realtime', 'global', ''))
    """
    *places, model = key.split("/")
    zone = next((place for place in places if place in ZONES), "") if provider == "azure" else ""
    return model, "data-zone" if zone else "global", zone
