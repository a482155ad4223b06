"""Compare offers with a vendor's own list of meters, by the names that meters have on its invoices, and by region."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from voicebill.answers.catalog.meter_names import MeterNameParts, parse_meter_name
from voicebill.answers.catalog.price_findings import (
    ComparedOffers,
    DifferenceReason,
    Finding,
    GoneEntry,
    GoneReason,
    NewEntry,
    NotCompared,
    PriceAgreement,
    PriceDifference,
)
from voicebill.answers.catalog.price_tables import PublishedPriceTable, VendorPrice, kind_of_name
from voicebill.billing.offers import Kind, Offer, PriceRow

AZURE, AZURE_VOICE_LIVE = "azure", "azure-voice-live"
AI_PRODUCT = re.compile(r"openai|foundry|cognitive|speech|voice|\bAI\b", re.IGNORECASE)
"""The products and services among whose meters new ones of voice are looked for."""

GroupsByPrice = Mapping[tuple[Decimal, str], Sequence[VendorPrice]]
"""Entries by what they cost per price unit of a meter, and by the unit in which they are listed."""
PricesByMeter = Mapping[str, Sequence[VendorPrice]]
Service = tuple[str, Kind]
"""A provider, and a kind of service of it."""


def compare_vendor_meters(table: PublishedPriceTable, offers: ComparedOffers) -> Iterator[Finding]:
    """Compare every offer that names its meters with the prices of these meters in its regions, and list new meters."""
    listed: dict[str, list[VendorPrice]] = defaultdict(list)
    for price in table.vendor_prices:
        listed[price.meter_name].append(price)
    regions = frozenset(price.region for price in table.vendor_prices)
    metered = [offer for offer in offers if offer.vendor_meters]
    services = frozenset(
        _service(offer) for offer in metered if any(name in listed for name, _ in offer.vendor_meters.values())
    )
    for offer in metered:
        if row := offers.open_row(offer):
            yield from _compare_offer(offer, row, listed, offers)
            if table.is_complete and _service(offer) in services and (not offer.regions or regions & {*offer.regions}):
                yield from _gone(offer, row, listed)
    yield from _coverage(table, metered, services, offers)
    yield from _new_meters(listed, offers)


def _service(offer: Offer) -> Service:
    return offer.provider, offer.kind


def _coverage(
    table: PublishedPriceTable, metered: Iterable[Offer], services: frozenset[Service], offers: ComparedOffers
) -> Iterator[NotCompared]:
    """Say of which services of ours the table has no meter at all, and that it is not complete."""
    absent = sorted({_service(offer) for offer in metered if offers.open_row(offer)} - services)
    if absent:
        names = ", ".join(f"{provider} {kind}" for provider, kind in absent)
        yield NotCompared("", 0, f"no meter of these services is in the files, so they are not compared: {names}")
    if not table.is_complete:
        yield NotCompared("", 0, "the last page is not in the files: what is gone cannot be seen")


class _OwnPrice(NamedTuple):
    """A price of ours: the meter of an offer's row, with the unit in which the vendor lists it."""

    offer: Offer
    row: PriceRow
    meter: str
    unit: str

    @property
    def price(self) -> Decimal:
        return self.row.unit_prices[self.meter]

    @property
    def rivals(self) -> set[Decimal]:
        return {dispute.price for dispute in self.row.disputes.get(self.meter, ())}

    def difference(self, reason: DifferenceReason, theirs: Decimal, group: Sequence[VendorPrice]) -> PriceDifference:
        """The difference of a price of the table, which a group of entries has."""
        return PriceDifference(
            reason=reason,
            offer=self.offer,
            row=self.row,
            meter=self.meter,
            theirs=theirs,
            listed_as=group[0].meter_name,
            unit=group[0].unit,
            regions=_regions(group),
            since=_first_day(group),
        )


def _compare_offer(offer: Offer, row: PriceRow, listed: PricesByMeter, offers: ComparedOffers) -> Iterator[Finding]:
    """Compare the prices of an offer, meter by meter."""
    for meter in row.unit_prices:
        name, unit = offer.vendor_meters.get(meter, ("", ""))
        prices = [price for price in listed.get(name, ()) if not offer.regions or price.region in offer.regions]
        current, later = _by_start(prices, offers.day)
        own = _OwnPrice(offer, row, meter, unit)
        yield from _compare_meter(own, _by_price(current, meter, offers))
        yield from _later_prices(own, later, offers)


def _by_start(prices: Iterable[VendorPrice], day: date) -> tuple[list[VendorPrice], list[VendorPrice]]:
    """The prices in effect on a day, in each region those that began last, and the prices that begin later."""
    current: dict[str, list[VendorPrice]] = {}
    later = []
    for price in sorted(prices, key=_start):
        if _start(price) > day:
            later.append(price)
        elif price.region in current and _start(current[price.region][0]) == _start(price):
            current[price.region].append(price)
        else:
            current[price.region] = [price]
    return [price for group in current.values() for price in group], later


def _start(price: VendorPrice) -> date:
    return price.since or date.min


def _compare_meter(own: _OwnPrice, groups: GroupsByPrice) -> Iterator[Finding]:
    """Yield an agreement if the price of any region is ours, and a difference for every other price or unit."""
    prices = {price for price, _ in groups}
    if own.price in prices:
        yield PriceAgreement(own.offer, own.meter)
    for (theirs, unit), group in groups.items():
        if theirs == own.price and unit != own.unit:
            yield own.difference("unit-differs", theirs, group)
        elif theirs != own.price and theirs in own.rivals:
            yield PriceAgreement(own.offer, own.meter, is_disputed=True)
        elif theirs != own.price:
            reason: DifferenceReason = "price-differs" if len(prices) == 1 else "differs-in-some-regions"
            yield own.difference(reason, theirs, group)


def _by_price(prices: Iterable[VendorPrice], meter: str, offers: ComparedOffers) -> GroupsByPrice:
    """Prices by what they are per price unit of a meter, and by the unit in which they are listed."""
    groups: dict[tuple[Decimal, str], list[VendorPrice]] = defaultdict(list)
    for price in prices:
        converted = price.price_of(offers.book.meters[meter])
        if converted is not None:
            groups[converted, price.unit].append(price)
    return groups


def _later_prices(own: _OwnPrice, later: Iterable[VendorPrice], offers: ComparedOffers) -> Iterator[PriceDifference]:
    by_start: dict[date, list[VendorPrice]] = defaultdict(list)
    for price in later:
        by_start[_start(price)].append(price)
    for prices in by_start.values():
        for (theirs, _), group in _by_price(prices, own.meter, offers).items():
            if theirs != own.price:
                yield own.difference("starts-later", theirs, group)


def _regions(prices: Iterable[VendorPrice]) -> tuple[str, ...]:
    return tuple(sorted({price.region for price in prices if price.region}))


def _first_day(prices: Iterable[VendorPrice]) -> date | None:
    return min((price.since for price in prices if price.since), default=None)


def _gone(offer: Offer, row: PriceRow, listed: PricesByMeter) -> Iterator[GoneEntry]:
    """Yield the meters of an offer that the table does not have in any of its regions."""
    meters = tuple(meter for meter in row.unit_prices if meter in offer.vendor_meters)
    gone = tuple(meter for meter in meters if not _is_listed(offer, listed.get(offer.vendor_meters[meter][0], ())))
    if gone:
        reason: GoneReason = "not-in-table" if len(gone) == len(meters) else "meters-not-in-table"
        yield GoneEntry(reason=reason, offer=offer, row=row, meters=gone)


def _is_listed(offer: Offer, prices: Iterable[VendorPrice]) -> bool:
    return any(not offer.regions or price.region in offer.regions for price in prices)


def _new_meters(listed: PricesByMeter, offers: ComparedOffers) -> Iterator[Finding]:
    """Yield meters of voice that no offer names, and the regions that no offer of a meter has."""
    owners: dict[str, list[Offer]] = defaultdict(list)
    for offer in offers.book.offers:
        for name, _ in offer.vendor_meters.values():
            owners[name].append(offer)
    for name, prices in sorted(listed.items()):
        if name in owners:
            yield from _new_regions(name, prices, owners[name], offers)
        elif kind_of_name(name) == "text" or not _is_ai(prices[0]):
            yield NotCompared("other-meters", len(prices))
        elif offers.provider in (None, _seller(name)):
            yield from _new_meter(name, prices, offers)


def _is_ai(price: VendorPrice) -> bool:
    return not price.product or AI_PRODUCT.search(price.product) is not None


def _seller(meter_name: str) -> str:
    return AZURE_VOICE_LIVE if meter_name.lower().startswith("voice live") else AZURE


def _new_meter(name: str, prices: Iterable[VendorPrice], offers: ComparedOffers) -> Iterator[NewEntry]:
    """Yield a meter that no offer names, with each of its prices."""
    current, later = _by_start(prices, offers.day)
    groups: dict[tuple[Decimal, str], list[VendorPrice]] = defaultdict(list)
    for price in current or later:
        groups[price.dollars, price.unit].append(price)
    parts = parse_meter_name(name, is_time=any(price.is_time for price in current or later))
    for (dollars, unit), group in groups.items():
        converted = group[0].price_of(offers.book.meters[parts.meter]) if parts.meter else None
        yield NewEntry(
            reason="meter-unknown",
            provider=_seller(name),
            model=parts.model,
            kind=kind_of_name(name),
            listed_as=name,
            unit_prices={} if converted is None else {parts.meter: converted},
            dollars=dollars,
            unit=unit,
            deployment=parts.deployment,
            regions=_regions(group),
            since=_first_day(group),
            offer=_offer_of(parts, name, _regions(group), offers),
        )


def _offer_of(parts: MeterNameParts, name: str, regions: Sequence[str], offers: ComparedOffers) -> Offer | None:
    """The offer that a new meter seems to extend: of that model and deployment, and in one of its regions."""
    return next(
        (
            offer
            for offer in offers
            if offer.provider == _seller(name)
            and parts.model.lower() in (offer.model.lower(), offer.name.lower())
            and offer.deployment == parts.deployment
            and (not offer.regions or not regions or not {*offer.regions}.isdisjoint(regions))
        ),
        None,
    )


def _new_regions(
    name: str, prices: Sequence[VendorPrice], owners: Sequence[Offer], offers: ComparedOffers
) -> Iterator[NewEntry]:
    """Yield the prices of a meter in regions that none of its offers has."""
    regions = {region for offer in owners for region in offer.regions}
    open_offers = [offer for offer in owners if offers.provider in (None, offer.provider) and offers.open_row(offer)]
    if not open_offers or any(not offer.regions for offer in owners):
        return
    current, _ = _by_start((price for price in prices if price.region and price.region not in regions), offers.day)
    groups: dict[tuple[Decimal, str], list[VendorPrice]] = defaultdict(list)
    for price in current:
        groups[price.dollars, price.unit].append(price)
    offer = open_offers[0]
    meter = next(meter for meter, (vendor_name, _) in offer.vendor_meters.items() if vendor_name == name)
    for (dollars, unit), group in groups.items():
        converted = group[0].price_of(offers.book.meters[meter])
        yield NewEntry(
            reason="region-unknown",
            provider=offer.provider,
            model=offer.name,
            kind=offer.kind,
            listed_as=name,
            unit_prices={} if converted is None else {meter: converted},
            dollars=dollars,
            unit=unit,
            deployment=offer.deployment,
            regions=_regions(group),
            since=_first_day(group),
            offer=offer,
        )
