"""The price book: every offer there has been, and how a name as people write it leads to one.

Vendors move an undated name from one snapshot to the next, sell a model under several deployments, and shut models
down. All of that is rows here; what had to be decided on the way comes back as assumptions and warnings.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from math import prod

from voicebill.billing.currency import Currency
from voicebill.billing.dated import Day, doubt_on, holds_on, in_force, known_range
from voicebill.billing.digest import digest
from voicebill.billing.errors import NotOffered, UnknownName, Unpriced
from voicebill.billing.meters import Meter
from voicebill.billing.offers import Kind, Offer, PriceRow, Rates

WARN_BEFORE_SHUTDOWN = timedelta(days=183)
"""A model that ends within half a year deserves a word: moving a voice agent takes months, not days."""


@dataclass(frozen=True, slots=True)
class Alias:
    """An undated name and the version that it meant from one day until another.

    `version` None: it moved with the newest version, on days that no source gives.
    """

    provider: str
    model: str
    version: str | None
    since: Day
    until: Day | None
    source: str


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """When a model ends, who says so, and what the vendor names instead. `version` None: all versions."""

    provider: str
    model: str
    version: str | None
    announced: Day | None
    shutdown: Day
    replacement: str | None
    checked: date
    source: str
    disputed: tuple[tuple[Day, str], ...] = ()

    @property
    def days(self) -> tuple[Day, ...]:
        """Every day that a source gives for the end, the one that is used first."""
        return (self.shutdown, *(other for other, _ in self.disputed))


@dataclass(frozen=True, slots=True)
class Surcharge:
    """A factor on, or a fee beside, the list prices of some models."""

    name: str
    provider: str
    models: tuple[str, ...]
    factor: Decimal | None
    dollars: Decimal | None
    per: str
    checked: date
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Availability:
    """Where a vendor's own table says that models can be deployed: a price meter alone does not prove it."""

    provider: str
    models: tuple[str, ...]
    deployment: str
    regions: tuple[str, ...]
    checked: date
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A factor of one's own contract on the prices of some offers: a discount, or a surcharge. Empty lists: all."""

    name: str
    factor: Decimal
    providers: tuple[str, ...]
    models: tuple[str, ...]
    deployments: tuple[str, ...]
    since: Day
    until: Day | None
    source: str

    def concerns(self, offer: Offer, day: date) -> bool:
        """Whether it applies to an offer on a day."""
        named = not self.models or bool({offer.model, offer.name, *offer.also_named} & set(self.models))
        sold = not self.providers or offer.provider in self.providers
        return named and sold and (not self.deployments or offer.deployment in self.deployments) and holds_on(self, day)


@dataclass(frozen=True, slots=True)
class Found:
    """An offer's rates on a day, and what was assumed and is to be feared."""

    rates: Rates
    region: str | None
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def offer(self) -> Offer:
        """What is sold."""
        return self.rates.offer


@dataclass(frozen=True)
class PriceBook:
    """Every offer with its history, and what is known about where and until when it is sold."""

    meters: Mapping[str, Meter]
    offers: tuple[Offer, ...]
    aliases: tuple[Alias, ...]
    lifecycle: tuple[Lifecycle, ...]
    surcharges: tuple[Surcharge, ...]
    availability: tuple[Availability, ...]
    negotiated: Mapping[str, tuple[PriceRow, ...]] = field(default_factory=dict)
    adjustments: tuple[Adjustment, ...] = ()
    currencies: tuple[Currency, ...] = ()

    def priced(self, offer: Offer, day: date) -> PriceRow | None:
        """An offer's prices on a day: what was negotiated before what is listed, and then every adjustment."""
        listed = offer.row_on(day)
        agreed = in_force(self.negotiated.get(offer.id, ()), day)
        row = listed if agreed is None else agreed
        if row is None:
            return None
        if agreed is not None and listed is not None:
            untouched = {meter: rivals for meter, rivals in listed.disputes.items() if meter not in agreed.prices}
            row = replace(agreed, prices={**listed.prices, **agreed.prices}, disputes=untouched)
        factor = prod((each.factor for each in self.adjustments if each.concerns(offer, day)), start=Decimal(1))
        if factor != 1:
            row = _scaled(row, factor)
        return row

    def contract(self, offer: Offer, day: date) -> list[str]:
        """What of one's own contract is in an offer's prices on a day, in words."""
        agreed = in_force(self.negotiated.get(offer.id, ()), day)
        said = [f"negotiated prices since {agreed.since} ({'; '.join(agreed.sources)})"] if agreed else []
        concerned = (each for each in self.adjustments if each.concerns(offer, day))
        return said + [f"{each.name}: prices × {each.factor} ({each.source})" for each in concerned]

    @cached_property
    def digest(self) -> str:
        """A fingerprint that changes whenever a figure, a date or a source does."""
        listed = (self.meters, self.offers, self.aliases, self.lifecycle, self.surcharges, self.availability)
        own = (self.negotiated, self.adjustments, self.currencies)
        return digest((listed, *own) if any(own) else listed)

    def currency(self, day: date) -> Currency | None:
        """The currency to which amounts of a day are exchanged beside dollars, if one was stated."""
        return in_force(self.currencies, day)

    @cached_property
    def providers(self) -> tuple[str, ...]:
        """The sellers of models; carriers, whose rows are examples, are not among them."""
        return tuple(sorted({offer.provider for offer in self.offers if not offer.example}))

    @cached_property
    def _by_name(self) -> Mapping[tuple[str, str], tuple[Offer, ...]]:
        named: dict[tuple[str, str], list[Offer]] = {}
        for offer in self.offers:
            for name in {offer.model, offer.name, *offer.also_named}:
                named.setdefault((offer.provider.lower(), name.lower()), []).append(offer)
        return {key: tuple(offers) for key, offers in named.items()}

    def find(
        self,
        model: str,
        *,
        day: date,
        provider: str = "openai",
        deployment: str = "global",
        region: str | None = None,
        tier: str = "standard",
        kind: Kind | None = None,
    ) -> Found:
        """The offer that a name means on a day, with its rates.

        `model` is a name as the vendors write it, dated (`gpt-realtime-1.5-2026-02-23`) or not (`gpt-realtime-mini`).
        `kind` is what it should be for: names of that kind are the ones that are suggested.

        Raises:
            UnknownName: the model, provider, deployment, region or tier is unknown; the nearest are named.
            NotOffered: nothing was sold so on that day; the text gives the days for which prices are known.
            Unpriced: prices are known only in part, such as a cached rate without its fresh one.
        """
        provider, deployment = provider.strip().lower(), deployment.strip().lower()
        region = None if region is None else region.strip().lower()
        offers = self.named(model, provider, kind)
        deployable = self._deployable(offers[0], deployment)
        sold = _sold_as(offers, model, deployment=deployment, region=region, tier=tier, deployable=deployable)
        offer, assumptions, warnings = self._version_meant(model, sold, day)
        row = self.priced(offer, day)
        if row is None:
            raise NotOffered(self._no_price(model, sold, day))
        rates = Rates.of(offer, row, self.meters)
        if rates.incomplete:
            raise Unpriced(
                f"{offer.id}: the vendor's list holds only part of the prices ({', '.join(row.prices)}); "
                "they cannot price a conversation: choose another region or deployment"
            )
        assumptions += [*_row_assumptions(offer, row, day), *self.contract(offer, day)]
        doubt = doubt_on(row, day)
        if doubt:
            warnings.append(f"the price row of {offer.name} may not hold on {day}: {doubt}")
        warnings += [*self._end_warnings(offer, day), *self._place_warnings(offer, region)]
        if region is None and offer.deployment == "regional" and len(offer.regions) == 1:
            region = offer.regions[0]
            assumptions.append(f"the region is {region}, the only one with {deployment} prices of {offer.name}")
        return Found(rates, region, tuple(assumptions), tuple(warnings))

    def named(self, model: str, provider: str | None = None, kind: Kind | None = None) -> tuple[Offer, ...]:
        """Every offer that a name, dated or not, can mean.

        Raises:
            UnknownName: no offer goes by that name; the nearest names are given.
        """
        sellers = {offer.provider for offer in self.offers}
        providers = self.providers if provider is None else (provider.strip().lower(),)
        if provider is not None and providers[0] not in sellers:
            raise UnknownName("provider", provider, self.providers)
        name = model.strip().lower()
        offers = tuple(offer for seller in providers for offer in self._by_name.get((seller, name), ()))
        if not offers:
            elsewhere = sorted({seller for seller, known in self._by_name if known == name})
            remedy = f"{' and '.join(elsewhere)} has that name" if elsewhere else ""
            known = (
                known
                for (seller, known), named in self._by_name.items()
                if seller in providers and any(kind in (None, offer.kind) for offer in named)
            )
            raise UnknownName("model", model, known, remedy=remedy)
        return offers

    def _version_meant(self, model: str, sold: Sequence[Offer], day: date) -> tuple[Offer, list[str], list[str]]:
        dated = any(offer.version and offer.version in model for offer in sold) or model.strip().lower() in sold[0].also_named
        if dated and len(sold) == 1:
            return sold[0], [], []
        aliases = [a for a in self.aliases if (a.provider, a.model) == (sold[0].provider, sold[0].model)]
        alias = in_force(aliases, day)
        if aliases and alias is None and all(a.until is not None and a.until.first <= day for a in aliases):
            names = " or ".join(offer.name for offer in sold)
            raise NotOffered(f"the undated name {model} ended at {sold[0].provider} by {day}: name {names}")
        for offer in sold:
            if alias is not None and offer.version == alias.version:
                return offer, [f"{model} means {offer.name} on {day}"], []
        if len(sold) == 1:
            return sold[0], [f"{model} is taken for {sold[0].name}, its only version"] if sold[0].version else [], []
        alive = [offer for offer in sold if self._priced_on(offer, day)]
        if not alive:
            raise NotOffered(self._no_price(model, sold, day))
        newest = max(alive, key=lambda offer: offer.version or "")
        said = f"{model} is taken for {newest.name}, the newest version with prices on {day}"
        warnings = [
            f"{offer.name} is newer than {newest.name}, but the vendor's list holds only part of its prices there"
            for offer in sold
            if (offer.version or "") > (newest.version or "") and offer.row_on(day)
        ]
        if alias is not None and len(alive) > 1:
            return newest, [], [f"{said}; no source says on which days the undated name moved", *warnings]
        return newest, [said], warnings

    def _priced_on(self, offer: Offer, day: date) -> bool:
        row = self.priced(offer, day)
        return row is not None and not Rates.of(offer, row, self.meters).incomplete

    def _no_price(self, model: str, sold: Sequence[Offer], day: date) -> str:
        rows = [row for offer in sold for row in offer.rows]
        text = f"no price of {model} at {sold[0].provider} is known for {day}: prices are known {known_range(rows)}"
        over = [end for offer in sold for end in self.ends(offer) if end.shutdown.first <= day]
        if not over:
            return text
        last = max(over, key=lambda end: end.shutdown.first)
        instead = f"; the vendor names {last.replacement} instead" if last.replacement else ""
        return f"{text}. It was shut down ({last.shutdown}){instead}"

    def ends(self, offer: Offer) -> tuple[Lifecycle, ...]:
        """The lifecycle rows that speak of an offer."""
        return tuple(
            row
            for row in self.lifecycle
            if (row.provider, row.model) == (offer.provider, offer.model) and row.version in (None, offer.version)
        )

    def soonest_end(self, offer: Offer) -> date | None:
        """The first day that a source gives for an offer's end.

        An offer of which no source speaks ends with the later versions of its model, the last of them; that an earlier one
        ends says nothing of it.
        """
        own = [day.first for row in self.ends(offer) for day in row.days]
        if own:
            return min(own)
        namesakes = (
            row
            for row in self.lifecycle
            if (row.provider, row.model) == (offer.provider, offer.model) and (row.version or "") >= (offer.version or "")
        )
        return max((min(day.first for day in row.days) for row in namesakes), default=None)

    def ended(self, offer: Offer, day: date) -> bool:
        """Whether an offer has ended by a day, by every source that speaks of it."""
        ends = self.ends(offer)
        return bool(ends) and all(shutdown.first <= day for row in ends for shutdown in row.days)

    def _end_warnings(self, offer: Offer, day: date) -> Iterable[str]:
        for row in self.ends(offer):
            said = ", ".join(f"{other} according to {source}" for other, source in row.disputed)
            rivals = f" (disputed: {said})" if said else ""
            instead = f"; the named replacement is {row.replacement}" if row.replacement else "; no replacement is named"
            soonest = min(end.first for end in row.days)
            if row.shutdown.first <= day:
                yield f"{offer.name} was to be shut down by {row.provider} on {row.shutdown}{rivals}{instead}"
            elif soonest - day <= WARN_BEFORE_SHUTDOWN:
                yield f"{offer.name} is shut down by {row.provider} on {row.shutdown}{rivals}{instead}"

    def _deployable(self, offer: Offer, deployment: str) -> frozenset[str]:
        """The regions that the vendor's availability table names for a model under a deployment."""
        rows = (row for row in self.availability if row.provider == offer.provider and offer.model in row.models)
        return frozenset(region for row in rows if row.deployment == deployment for region in row.regions)

    def unproven(self, offer: Offer) -> bool:
        """Whether the vendor's availability table speaks of a model, but not under the offer's deployment."""
        known = [row for row in self.availability if row.provider == offer.provider and offer.model in row.models]
        return bool(known) and all(row.deployment != offer.deployment for row in known)

    def _place_warnings(self, offer: Offer, region: str | None) -> Iterable[str]:
        known = [row for row in self.availability if row.provider == offer.provider and offer.model in row.models]
        here = [row for row in known if row.deployment == offer.deployment]
        if self.unproven(offer):
            yield (
                f"{offer.provider} lists {offer.deployment} prices for {offer.model}, but its availability table of "
                f"{known[0].checked} names it only under {known[0].deployment}: a price does not prove that it can be deployed"
            )
        elif region and here and not any(row.regions for row in here):
            yield f"in which regions {offer.provider} offers {offer.model} is not published: {region} may not be one of them"
        elif region and here and all(region not in row.regions for row in here):
            yield (
                f"{offer.provider}'s availability table of {here[0].checked} does not name {region} for {offer.model} "
                f"({offer.deployment}): it names {', '.join(here[0].regions)}"
            )
        elif region and region not in offer.regions:
            yield f"{offer.provider}'s list has no {region} for {offer.model}: the {offer.deployment} price is used"


def _sold_as(
    offers: tuple[Offer, ...], model: str, *, deployment: str, region: str | None, tier: str, deployable: frozenset[str]
) -> tuple[Offer, ...]:
    """The offers of a model under a deployment, in a region, at a service tier.

    A global price holds wherever the model can be deployed, even where the price list forgets the region.
    """
    provider = offers[0].provider
    offers = _narrowed(offers, "deployment", deployment, lambda offer: (offer.deployment,), f" of {model} at {provider}")
    offers = _narrowed(offers, "service tier", tier, lambda offer: (offer.tier,), f" of {model}")
    if region is not None:
        if not any(offer.regions for offer in offers):
            raise NotOffered(f"{provider} does not sell {model} by region: leave the region ({region!r}) out")
        beside = deployable if deployment == "global" else frozenset()
        of = f" of {model} ({deployment})"
        return _narrowed(offers, "region", region, lambda offer: (*offer.regions, *beside), of)
    if len({(offer.version, offer.tier) for offer in offers}) < len(offers):
        regions = sorted({name for offer in offers for name in offer.regions})
        raise NotOffered(f"{deployment} prices of {model} at {provider} differ by region; name one of {', '.join(regions)}")
    return offers


def _narrowed(
    offers: tuple[Offer, ...], what: str, asked: str, values: Callable[[Offer], tuple[str, ...]], of: str
) -> tuple[Offer, ...]:
    kept = tuple(offer for offer in offers if asked in values(offer))
    if not kept:
        raise UnknownName(what, asked, (value for offer in offers for value in values(offer)), of=of)
    return kept


def _scaled(row: PriceRow, factor: Decimal) -> PriceRow:
    """A price row with every figure, disputed ones too, times a factor, to twelve decimals."""
    return replace(
        row,
        prices={meter: round(price * factor, 12) for meter, price in row.prices.items()},
        disputes={
            meter: tuple(replace(rival, price=round(rival.price * factor, 12)) for rival in rivals)
            for meter, rivals in row.disputes.items()
        },
    )


def _row_assumptions(offer: Offer, row: PriceRow, day: date) -> list[str]:
    said = []
    if day > row.checked and row.until is None:
        said.append(f"prices of {offer.name} were checked on {row.checked} and are assumed unchanged since")
    if row.confidence != "high":
        said.append(f"the price row of {offer.name} is of {row.confidence} confidence{': ' + row.note if row.note else ''}")
    return said
