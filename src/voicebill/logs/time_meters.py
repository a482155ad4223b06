"""Say which models are billed by time, and by which meters: the logs of such sessions report seconds, or nothing at all."""

from collections.abc import Mapping
from functools import cache

from voicebill.billing.offers import PER_MINUTE_KINDS
from voicebill.facts.load import load_facts


def time_meters(model: str | None) -> frozenset[str]:
    """Return the meters of a model that is billed by time only; none for another or an unknown model.

    >>> sorted(time_meters("gpt-live-1.1")), sorted(time_meters("gpt-realtime-translate")), sorted(time_meters("gpt-realtime"))
    (['session_ms', 'standby_ms'], ['audio_ms'], [])
    """
    return _meters_by_model().get((model or "").strip().lower(), frozenset())


@cache
def _meters_by_model() -> Mapping[str, frozenset[str]]:
    prices = load_facts().prices
    meters: dict[str, set[str]] = {}
    models = (offer for offer in prices.offers if offer.kind not in PER_MINUTE_KINDS)  # carriers and platforms are no models
    for offer in models:
        for name in (offer.model, offer.name, *offer.also_named):
            meters.setdefault(name.lower(), set()).update(meter for row in offer.rows for meter in row.unit_prices)
    return {
        name: frozenset(priced) for name, priced in meters.items() if all(prices.meters[meter].unit == "ms" for meter in priced)
    }
