"""Read litellm's table of models, `model_prices_and_context_window.json`: an object of models by name.

Prices are dollars per token, second or character; those of other service tiers have a suffix. Prices by the length of the
context are not compared.
"""

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from voicebill.answers.catalog.price_tables import ModelPrices, PriceField, PublishedPriceTable, kind_of_name
from voicebill.billing.errors import VoicebillError
from voicebill.billing.offers import Kind
from voicebill.facts.price_tables.saved_json import TableReading, first_day, listed_prices

PER_TOKEN, PER_SECOND = Fraction(1_000_000), Fraction(60)
"""The factors of prices by the token or character, and by the second."""
METER_FIELDS: Mapping[str, PriceField] = {
    "input_cost_per_token": PriceField("text_in", PER_TOKEN),
    "cache_read_input_token_cost": PriceField("text_in_cached", PER_TOKEN),
    "cache_creation_input_token_cost": PriceField("text_in_cache_write", PER_TOKEN),
    "output_cost_per_token": PriceField("text_out", PER_TOKEN),
    "input_cost_per_audio_token": PriceField("audio_in", PER_TOKEN),
    "cache_read_input_audio_token_cost": PriceField("audio_in_cached", PER_TOKEN),
    "cache_read_input_token_cost_per_audio_token": PriceField("audio_in_cached", PER_TOKEN),
    "cache_creation_input_audio_token_cost": PriceField("audio_in_cached", PER_TOKEN),
    "output_cost_per_audio_token": PriceField("audio_out", PER_TOKEN),
    "input_cost_per_image_token": PriceField("image_in", PER_TOKEN),
    "cache_read_input_image_token_cost": PriceField("image_in_cached", PER_TOKEN),
    "input_cost_per_second": PriceField("audio_ms", PER_SECOND, is_time=True),
    "input_cost_per_audio_per_second": PriceField("audio_ms", PER_SECOND, is_time=True),
    "input_cost_per_character": PriceField("characters_in", PER_TOKEN),
}
"""The meter of a field, and the factor from its price to that of our price unit; of several fields of a meter the first counts.

Older entries of realtime models have the price of cached audio as that of writing it to the cache, which nobody charges."""
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
    elif str(entry.get("mode")) in OTHER_MODES:
        reading.skip("other-models")
    else:
        yield from _tiers(key, provider, entry, reading)


def _tiers(key: str, provider: str, entry: Mapping[str, Any], reading: TableReading) -> Iterator[ModelPrices]:
    """Yield an entry's prices under each of its service tiers."""
    model, deployment, zone = _terms(key, provider)
    kind = kind_of_name(model)
    if kind == "text":
        kind = MODES.get(str(entry.get("mode")), kind)
    try:
        ends = first_day(entry.get("deprecation_date"))
        by_tier = {tier: listed_prices(entry, _fields(suffix)) for tier, suffix in TIER_SUFFIXES.items()}
    except VoicebillError as error:
        reading.malformed.append(f"{key}: {error}")
        return
    for tier, prices in by_tier.items():
        if prices or tier == "standard":
            yield ModelPrices(
                key=key,
                provider=provider,
                model=model,
                kind=kind,
                prices=prices,
                deployment=deployment,
                zone=zone,
                tier=tier,
                ends=ends,
            )


def _fields(suffix: str) -> Mapping[str, PriceField]:
    return {f"{name}{suffix}": price_field for name, price_field in METER_FIELDS.items()}


def _terms(key: str, provider: str) -> tuple[str, str, str]:
    """The model, the deployment and the zone that a name says.

    >>> _terms("azure/eu/gpt-4o-realtime-preview-2024-12-17", "azure"), _terms("gpt-realtime", "openai")
    (('gpt-4o-realtime-preview-2024-12-17', 'data-zone', 'eu'), ('gpt-realtime', 'global', ''))
    """
    *places, model = key.split("/")
    zone = next((place for place in places if place in ZONES), "") if provider == "azure" else ""
    return model, "data-zone" if zone else "global", zone
