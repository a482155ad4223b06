"""List the prices that a tool may have used instead of an offer's: another model's, other terms' or another day's."""

from collections.abc import Iterable, Iterator
from datetime import date

from voicebill.answers.invoices.cost_mistakes import CostCause, OtherRates
from voicebill.billing.offers import DEFAULT_PROVIDER, Offer, PriceRow, Rates
from voicebill.billing.price_book import PriceBook, Quote

MAX_OFFER_NAMES = 2
"""Of offers with equal prices, at most so many are named."""

CauseOfRates = tuple[str, str, Rates]
"""The code of a cause, the name of the offer or price row, and its rates."""


def other_rates_on(day: date, quote: Quote, meters: frozenset[str], prices: PriceBook) -> tuple[OtherRates, ...]:
    """The rates that may stand for those of a quote in pricing some meters, each once.

    Offers of equal rates are named together. Rates that lack one of the meters are left out, and so are equal rates.
    """
    own = _vector(quote.rates, meters)
    names: dict[tuple[str, object], list[str]] = {}
    rates_of: dict[tuple[str, object], Rates] = {}
    for code, name, rates in _candidates(day, quote.offer, prices):
        vector = _vector(rates, meters)
        if vector is None or vector == own:
            continue
        names.setdefault((code, vector), []).append(name)
        rates_of.setdefault((code, vector), rates)
    return tuple(
        OtherRates(CostCause(key[0], _TEXTS[key[0]].format(_joined(names[key], quote.offer))), quote.offer.id, rates)
        for key, rates in rates_of.items()
    )


_TEXTS = {
    "list-price": "the list price of {}, without your contract",
    "other-price-row": "another price of the same offer: {}",
    "other-terms": "other terms: the price of {}",
    "other-model": "another model's price: {}",
}
"""Texts of causes by code; the name of the offers follows."""


def _vector(rates: Rates, meters: frozenset[str]) -> tuple[tuple[str, int, int], ...] | None:
    """The rates of some meters; None if one of them has no price."""
    by_meter = rates.by_meter
    if not all(meter in by_meter for meter in meters):
        return None
    return tuple((meter, by_meter[meter].picodollars, by_meter[meter].per) for meter in sorted(meters))


def _candidates(day: date, own: Offer, prices: PriceBook) -> Iterator[CauseOfRates]:
    list_row, row = own.row_on(day), prices.price_row(own, day)
    if list_row is not None and list_row != row:
        yield "list-price", own.name, Rates.from_row(own, list_row, prices.meters)
    for other_row in own.rows:
        if other_row not in (list_row, row):
            yield "other-price-row", _row_name(own, other_row), Rates.from_row(own, other_row, prices.meters)
    for offer in _comparable_offers(own, prices.offers):
        offer_row = prices.price_row(offer, day)
        if offer_row is None:
            continue
        rates = Rates.from_row(offer, offer_row, prices.meters)
        if _is_same_model(offer, own) and not _has_same_terms(offer, own):
            yield "other-terms", offer.id, rates
        elif _has_same_terms(offer, own):
            yield "other-model", offer.name, rates


def _row_name(offer: Offer, row: PriceRow) -> str:
    period = f"since {row.since}" + (f" until {row.until}" if row.until is not None else "")
    return f"{offer.name} {period}"


def _comparable_offers(own: Offer, offers: Iterable[Offer]) -> Iterator[Offer]:
    return (offer for offer in offers if offer is not own and not offer.example)


def _is_same_model(offer: Offer, own: Offer) -> bool:
    """Whether it is the same model and version; a seller that names no version sells the same."""
    return offer.model == own.model and (offer.version == own.version or None in (offer.version, own.version))


def _has_same_terms(offer: Offer, own: Offer) -> bool:
    names = ("provider", "deployment", "tier", "zone", "regions")
    return all(getattr(offer, name) == getattr(own, name) for name in names)


def _joined(names: list[str], own: Offer) -> str:
    """Names in a sentence: those of the offer's own seller and of OpenAI first."""
    sellers = (f"{own.provider}/", f"{DEFAULT_PROVIDER}/")
    distinct = sorted(dict.fromkeys(names), key=lambda name: (not name.startswith(sellers), name))
    others = len(distinct) - MAX_OFFER_NAMES
    listed = ", ".join(distinct[:MAX_OFFER_NAMES])
    return f"{listed} and {others} more at the same price" if others > 0 else listed
