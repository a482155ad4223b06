"""Find what a charge is for: the model and the meter behind the vendor's meter name, through the price book's meter names.

A name on a bill often stands for several models: Voice Live has one set of meters for all its realtime models. So models that
share a meter name of their vendor are one `BilledModel`, which a bill cannot tell apart. The deployments of a model, such as
global and Data Zone, have meters of their own: they are several of these, in one family.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from voicebill.answers.invoices.charge import Charge
from voicebill.billing.errors import VoicebillError
from voicebill.billing.offers import Kind, Offer
from voicebill.billing.price_book import PriceBook
from voicebill.billing.sku_periods import normalize_name

MeterKey = tuple[str, str]
"""A provider, and a vendor's meter name in lower case."""
MAX_MODEL_NAMES = 3


@dataclass(frozen=True, slots=True)
class BilledModel:
    """What a bill can tell apart: the offers that share meters on it, by the number of the first one in the price book.

    `family` is the same for all deployments of its models. A model without a price has no offers, and its own name as number.
    """

    number: int | str
    family: int | str
    provider: str
    offers: tuple[Offer, ...]
    names: tuple[str, ...]

    @property
    def kind(self) -> Kind | None:
        """What the model does; None without a price."""
        return self.offers[0].kind if self.offers else None

    @property
    def label(self) -> str:
        """Its names, without those that only a version tells apart."""
        names = self.names[:MAX_MODEL_NAMES]
        others = len(self.names) - len(names)
        return ", ".join(names) + (f" and {others} more" if others else "")


class BilledModels:
    """Every model of a price book, by its names in logs and on bills."""

    def __init__(self, prices: PriceBook) -> None:
        self._prices = prices
        self._offers = prices.offers
        self._meters = _offers_by_meter_name(prices.offers)
        sharing = [[number for number, _ in entries] for entries in self._meters.values()]
        self._numbers = _joined(len(prices.offers), sharing)
        names: dict[tuple[str, str], list[int]] = {}
        for number, offer in enumerate(prices.offers):
            names.setdefault((offer.provider, offer.name.lower()), []).append(number)
        self._families = _joined(len(prices.offers), [*sharing, *names.values()])
        self._positions = {id(offer): number for number, offer in enumerate(prices.offers)}
        self._models: dict[int | str, BilledModel] = {}
        self._matches: dict[tuple[str, ...], tuple[tuple[Offer, str], ...]] = {}

    def of_offer(self, offer: Offer) -> BilledModel:
        """The billed model that an offer belongs to."""
        number = self._numbers[self._positions[id(offer)]]
        model = self._models.get(number)
        if model is None:
            numbers = [index for index, root in enumerate(self._numbers) if root == number]
            offers = tuple(self._offers[index] for index in numbers)
            names = tuple(dict.fromkeys(offer.name for offer in offers))
            model = BilledModel(number, self._families[numbers[0]], offers[0].provider, offers, names)
            self._models[number] = model
        return model

    def unpriced(self, provider: str, name: str) -> BilledModel:
        """A model that the price book does not have."""
        key = f"{provider}/{normalize_name(name)}"
        return self._models.setdefault(key, BilledModel(key, key, provider, (), (name or "unnamed model",)))

    def offers_of(self, charge: Charge, day: date) -> tuple[tuple[Offer, str], ...]:
        """The offers that a charge may be of, each with the meter; none if its names are in no price list.

        Of several the price list cannot say which: they share the vendor's meter.
        """
        region = normalize_name(charge.region)
        key = (charge.provider, charge.model, charge.meter, charge.meter_name, charge.deployment, region, charge.tier, str(day))
        if key not in self._matches:
            offers = self._of_model(charge, day) or self._of_meter_name(charge)
            self._matches[key] = tuple(_in_region(offers, region))
        return self._matches[key]

    def _of_meter_name(self, charge: Charge) -> list[tuple[Offer, str]]:
        name = normalize_meter_name(charge.meter_name)
        providers = {provider for provider, _ in self._meters if _may_sell(charge.provider, provider)}
        numbers = (entry for provider in sorted(providers) for entry in self._meters.get((provider, name), ()))
        return [(self._offers[number], meter) for number, meter in numbers]

    def _of_model(self, charge: Charge, day: date) -> list[tuple[Offer, str]]:
        if not charge.model:
            return []
        try:
            offers = self._prices.offers_named(charge.model, charge.provider or None)
        except VoicebillError:
            return []
        offer = self._quoted(charge, offers[0].provider, day)
        selected = [offer] if offer else _preferred(offers, charge)
        return [(offer, meter) for offer in selected for meter in [charge.meter or _only_meter(offer)] if meter]

    def _quoted(self, charge: Charge, provider: str, day: date) -> Offer | None:
        try:
            return self._prices.quote(
                charge.model,
                day=day,
                provider=provider,
                deployment=charge.deployment or "global",
                region=normalize_name(charge.region) or None if charge.deployment not in ("", "global") else None,
                tier=charge.tier or "standard",
            ).offer
        except VoicebillError:
            return None


def normalize_meter_name(name: str) -> str:
    """A vendor's meter name for comparison: in lower case, with single blanks.

    >>> normalize_meter_name(" gpt-latest  05052026 inp Gl 1M Tokens")
    'gpt-latest 05052026 inp gl 1m tokens'
    """
    return re.sub(r"\s+", " ", name).strip().lower()


def _offers_by_meter_name(offers: Sequence[Offer]) -> Mapping[MeterKey, Sequence[tuple[int, str]]]:
    by_name: dict[MeterKey, list[tuple[int, str]]] = {}
    for number, offer in enumerate(offers):
        for meter, (name, _) in offer.vendor_meters.items():
            by_name.setdefault((offer.provider, normalize_meter_name(name)), []).append((number, meter))
    return by_name


def _joined(count: int, groups: Iterable[Sequence[int]]) -> list[int]:
    """The smallest member of each number's set, when the members of each group are in one set."""
    roots = list(range(count))

    def root(number: int) -> int:
        while roots[number] != number:
            number = roots[number]
        return number

    for members in groups:
        smallest = min(map(root, members))
        for member in members:
            roots[root(member)] = smallest
    return [root(number) for number in range(count)]


def _may_sell(charged_by: str, provider: str) -> bool:
    """Whether the seller that a bill names may sell the offers of a provider: Azure bills Voice Live, too."""
    return charged_by in ("", provider) or provider.startswith(f"{charged_by}-")


def _in_region(offers: Sequence[tuple[Offer, str]], region: str) -> Sequence[tuple[Offer, str]]:
    """The offers that are sold in a region; all of them if the region tells nothing."""
    there = [entry for entry in offers if region in entry[0].regions]
    return there or offers


def _preferred(offers: Sequence[Offer], charge: Charge) -> list[Offer]:
    deployment = charge.deployment or "global"
    return [offer for offer in offers if offer.deployment == deployment][:1] or list(offers[:1])


def _only_meter(offer: Offer) -> str:
    """The meter of an offer that is billed by one; empty if it has several."""
    meters = {meter for row in offer.rows for meter in row.unit_prices}
    return next(iter(meters)) if len(meters) == 1 else ""
