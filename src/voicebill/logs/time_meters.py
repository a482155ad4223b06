"""Say which models are billed by time, and by which meters: the logs of such sessions report seconds, or nothing at all."""

from collections.abc import Mapping
from functools import cache

from voicebill.billing.offers import CONVERSATIONAL_KINDS, PER_MINUTE_KINDS
from voicebill.facts.load import load_facts


def time_meters(model: str | None) -> frozenset[str]:
    """Return the meters of a model that is billed by time only; none for another or an unknown model.

    >>> sorted(time_meters("gpt-live-1.1")), sorted(time_meters("gpt-realtime-translate")), sorted(time_meters("gpt-realtime"))
    (['session_ms', 'standby_ms'], ['audio_ms'], [])
    """
    return _meters_by_model().get((model or "").strip().lower(), frozenset())


def conversation_time_meters(model: str | None) -> frozenset[str]:
    """Return the meters of time of a voice model that is billed by the minute of its sessions, with or without tokens.

    Unlike a live session's, its tokens are its own. None for any other model.
    """
    return _conversation_meters_by_model().get((model or "").strip().lower(), frozenset())


def is_billed_by_minutes(model: str | None) -> bool:
    """Return whether the time of a model's sessions is billed: without it, no tokens are not nothing."""
    return bool(time_meters(model) or conversation_time_meters(model))


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


@cache
def _conversation_meters_by_model() -> Mapping[str, frozenset[str]]:
    prices = load_facts().prices
    meters: dict[str, set[str]] = {}
    for offer in prices.offers:
        for row in offer.rows if offer.kind in CONVERSATIONAL_KINDS else ():
            priced = {meter for meter in row.unit_prices if prices.meters[meter].unit == "ms"}
            for name in (offer.model, offer.name, *offer.also_named) if priced else ():
                meters.setdefault(name.lower(), set()).update(priced)
    return {name: frozenset(priced) for name, priced in meters.items()}
