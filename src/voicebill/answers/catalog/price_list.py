"""List the offers of the price book that are sold on a day."""

from datetime import date

from voicebill.billing.offers import Offer
from voicebill.billing.price_book import PriceBook


def listed_offers(
    book: PriceBook, day: date, kind: str | None = None, provider: str | None = None, *, ended: bool = False
) -> tuple[Offer, ...]:
    """The offers of a kind and a provider (None: any) that are sold on a day; with `ended` also all others.

    >>> from voicebill.facts import load_facts
    >>> day, book = date(2026, 11, 28), load_facts().prices
    >>> len(listed_offers(book, day, "text", "openai", ended=True)) > len(listed_offers(book, day, "text", "openai"))
    True

    Raises:
        UnknownName: no offer is of that provider.
    """
    return tuple(offer for offer in book.offers_of(kind, provider) if ended or book.is_available(offer, day))
