"""Say which seller a model is of where a log does not: the only one with a price of it, unless that is the default anyway."""

from dataclasses import replace

from voicebill.billing.offers import DEFAULT_PROVIDER
from voicebill.billing.recent_texts import cache_while_reading
from voicebill.billing.record import Record
from voicebill.facts.load import load_facts


@cache_while_reading(4096)
def only_seller(model: str | None) -> str | None:
    """Return the only provider with a model of that name; None for a model of several, of the default provider or of none.

    >>> only_seller("gemini-3.8-live"), only_seller("gpt-realtime"), only_seller("acme-voice"), only_seller(None)
    ('google', None, None, None)
    """
    sellers = load_facts().prices.sellers((model,)) if model else ()
    return sellers[0] if len(sellers) == 1 and sellers[0] != DEFAULT_PROVIDER else None


def with_seller(record: Record) -> Record:
    """Return a record with the only seller of its model, if neither the log nor a default names a provider."""
    seller = only_seller(record.model) if record.provider is None else None
    return record if seller is None else replace(record, provider=seller)
