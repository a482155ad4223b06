"""Compare offers with a third party's table of models, by provider, model and deployment."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal

from voicebill.answers.catalog.price_findings import (
    ComparedOffers,
    Finding,
    GoneEntry,
    NewEntry,
    NewReason,
    NotCompared,
    PriceAgreement,
    PriceDifference,
)
from voicebill.answers.catalog.price_tables import ModelPrices, PublishedPriceTable
from voicebill.billing.offers import Kind, Offer, PriceRow
from voicebill.billing.validity import effective_row

MODEL_DATE = re.compile(r"-(\d{4}-\d\d-\d\d|\d{6,8})$")
"""A date at the end of a model's name."""
FAMILY = re.compile(r"[a-z]+-?\d+[a-z]?")
"""The beginning of a model's name, such as `gpt-4o` or `gpt-5` or `o3`."""

ServiceTerms = tuple[str, Kind, str]
"""A provider, a kind of service of it, and a deployment."""


def compare_models(table: PublishedPriceTable, offers: ComparedOffers) -> Iterator[Finding]:
    """Compare the prices of every model of the table with those of its offer, and list new models and those that are gone."""
    by_provider: dict[str, list[Offer]] = defaultdict(list)
    for offer in offers:
        by_provider[offer.provider].append(offer)
    listed_ids: set[str] = set()
    for listing in _in_effect(table.models, offers.day):
        own_offers = by_provider.get(listing.provider, ())
        matching = _matching_offers(listing, own_offers, offers)
        listed_ids.update(offer.id for offer in matching)
        if not own_offers:
            yield NotCompared("other-providers")
        elif matching:
            for offer in matching:
                yield from _compare_listing(listing, offer, offers)
        else:
            yield from _new_model(listing, own_offers, offers.day)
    yield from _gone(offers, listed_ids)


def _in_effect(models: Iterable[ModelPrices], day: date) -> Iterator[ModelPrices]:
    """Of the periods of a model's prices, yield that in effect on a day, which began last, and those that begin later."""
    current: dict[tuple[str, str], ModelPrices] = {}
    for listing in models:
        key, start = (listing.key, listing.tier), listing.since or date.min
        if start > day:
            yield listing
        elif key not in current or start >= (current[key].since or date.min):
            current[key] = listing
    yield from current.values()


def _matching_offers(listing: ModelPrices, own_offers: Iterable[Offer], offers: ComparedOffers) -> Sequence[Offer]:
    """The offers of a listed model under its terms: the version it names, or else that which its undated name stands for."""
    name = listing.model.lower()
    on_terms = [offer for offer in own_offers if _has_terms(offer, listing)]
    exact = [offer for offer in on_terms if name in (offer.name.lower(), *map(str.lower, offer.also_named))]
    if exact:
        return exact
    versions = [offer for offer in on_terms if offer.model.lower() == name]
    if versions:
        return _current_version(versions, offers)
    undated = MODEL_DATE.sub("", name)
    return [offer for offer in on_terms if offer.model.lower() == undated and offer.version is None]


def _has_terms(offer: Offer, listing: ModelPrices) -> bool:
    return (
        offer.deployment == listing.deployment
        and offer.tier == listing.tier
        and (not offer.zone or not listing.zone or offer.zone == listing.zone)
    )


def _current_version(versions: Sequence[Offer], offers: ComparedOffers) -> Sequence[Offer]:
    """The version that an undated name stands for on the day, or else the newest one with prices."""
    alias = effective_row(offers.book.aliases_of(versions[0]), offers.day)
    by_alias = [
        offer for offer in versions if alias is not None and alias.version is not None and offer.version == alias.version
    ]
    priced = [offer for offer in versions if offers.open_row(offer)] or versions
    newest = max(offer.version or "" for offer in priced)
    return by_alias or [offer for offer in priced if (offer.version or "") == newest]


def _compare_listing(listing: ModelPrices, offer: Offer, offers: ComparedOffers) -> Iterator[Finding]:
    """Compare the prices of a listed model with those of an offer."""
    row = offers.open_row(offer)
    if row is None:
        yield NotCompared("ended-here")
        return
    starts_later = listing.since is not None and listing.since > offers.day
    for listed_meter, listed in listing.prices.items():
        meter, theirs = _meter_of(listed_meter, row), listed.price
        ours = row.unit_prices.get(meter)
        if ours is None and not _is_fallback(meter, theirs, row, offers):
            yield _new_entry("meter-unpriced", listing, {meter: theirs}, offer)
        elif ours is None or listed.is_equal(ours):
            yield PriceAgreement(offer, meter)
        elif any(listed.is_equal(dispute.price) for dispute in row.disputes.get(meter, ())):
            yield PriceAgreement(offer, meter, is_disputed=True)
        else:
            yield PriceDifference(
                reason="starts-later" if starts_later else "price-differs",
                offer=offer,
                row=row,
                meter=meter,
                theirs=theirs,
                listed_as=listing.key,
                since=listing.since,
            )


def _meter_of(listed_meter: str, row: PriceRow) -> str:
    """The meter of an offer that a table means: a model that is billed by its sessions is listed by seconds of audio."""
    is_session = listed_meter == "audio_ms" and "audio_ms" not in row.unit_prices and "session_ms" in row.unit_prices
    return "session_ms" if is_session else listed_meter


def _is_fallback(meter: str, theirs: Decimal, row: PriceRow, offers: ComparedOffers) -> bool:
    """Whether a cached price is the uncached one, which our row means by having none."""
    uncached_meter = offers.book.meters[meter].uncached_meter
    return uncached_meter is not None and row.unit_prices.get(uncached_meter) == theirs


def _new_model(listing: ModelPrices, own_offers: Sequence[Offer], day: date) -> Iterator[Finding]:
    """Yield a model of voice that is not in the price book, or a text model of a family that is."""
    undated = MODEL_DATE.sub("", listing.model.lower())
    namesakes = [offer for offer in own_offers if undated in (offer.model.lower(), offer.name.lower())]
    on_tier = [offer for offer in namesakes if offer.tier == listing.tier]
    if listing.ends is not None and listing.ends <= day:
        yield NotCompared("ended-there")
    elif listing.tier != "standard" and not on_tier:
        yield NotCompared("other-tiers")
    elif listing.kind == "text" and not _has_family(listing, own_offers):
        yield NotCompared("other-models")
    elif not listing.prices:
        yield NotCompared("without-prices")
    else:
        on_deployment = any(offer.deployment == listing.deployment for offer in namesakes)
        reason: NewReason = "version-unknown" if on_deployment else "deployment-unknown" if namesakes else "model-unknown"
        yield _new_entry(reason, listing, listing.unit_prices, None)


def _has_family(listing: ModelPrices, own_offers: Iterable[Offer]) -> bool:
    family = FAMILY.match(listing.model.lower())
    others = (FAMILY.match(offer.model.lower()) for offer in own_offers if offer.kind == "text")
    return family is not None and any(other is not None and other[0] == family[0] for other in others)


def _new_entry(reason: NewReason, listing: ModelPrices, prices: Mapping[str, Decimal], offer: Offer | None) -> NewEntry:
    return NewEntry(
        reason=reason,
        provider=listing.provider,
        model=listing.model if offer is None else offer.name,
        kind=listing.kind if offer is None else offer.kind,
        listed_as=listing.key,
        unit_prices=prices,
        deployment=listing.deployment,
        zone=listing.zone,
        tier=listing.tier,
        since=listing.since,
        offer=offer,
    )


def _gone(offers: ComparedOffers, listed_ids: set[str]) -> Iterator[GoneEntry]:
    """Yield the offers that the table does not have, of those services and deployments of which it has any."""
    standard = [offer for offer in offers if offer.tier == "standard"]
    services = {_terms(offer) for offer in standard if offer.id in listed_ids}
    for offer in standard:
        row = offers.open_row(offer)
        if row is not None and offer.id not in listed_ids and _terms(offer) in services:
            yield GoneEntry(reason="not-in-table", offer=offer, row=row, meters=tuple(row.unit_prices))


def _terms(offer: Offer) -> ServiceTerms:
    return offer.provider, offer.kind, offer.deployment
