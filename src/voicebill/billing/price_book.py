"""Look up offers by name and day, and quote their rates.

Vendors move an undated name from one snapshot to the next, sell a model under several deployments, and shut models
down. All of that is dated rows here; each choice made during a lookup is returned as an assumption or a warning.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import chain, product
from math import prod
from typing import TypeVar

from voicebill.billing.currency import Currency
from voicebill.billing.errors import NotAvailable, UnknownName, Unpriced
from voicebill.billing.fingerprint import fingerprint
from voicebill.billing.meters import Meter
from voicebill.billing.offers import Kind, Offer, PriceRow, Rates
from voicebill.billing.validity import PartialDate, describe_coverage, effective_row, is_effective, uncertainty

WARN_BEFORE_SHUTDOWN = timedelta(days=183)
"""A shutdown within half a year is reported: migrating a voice agent takes months, not days."""

LEAST_PRICE = Decimal("0.000001")
"""Dollars per price unit, such as a million tokens or a minute, below which a price is taken for free. No vendor lists one."""

ENDING_SOON = timedelta(days=90)
"""A model that ends within so many days is compared apart from the others: an agent built today would outlive it."""


MAX_RECENT_QUOTES = 500
"""So many quotes are kept: those of all offers on some days."""

ModelKey = tuple[str, str]
"""A provider and a model."""
QuoteKey = tuple[str, date, str, str, str | None, str, Kind | None]
"""What a quote is of: the model, the day, the provider, the deployment, the region, the tier, and the kind."""
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Alias:
    """An undated name and the version that it referred to from one day until another.

    `version` None: the name moved to each newest version, on days that no source gives.
    """

    provider: str
    model: str
    version: str | None
    since: PartialDate
    until: PartialDate | None
    source: str


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """When a model is shut down, the source, and the replacement that the vendor names. `version` None: all versions.

    `is_latest_possible`: no source gives the day, only that the model had ended by `shutdown`.
    """

    provider: str
    model: str
    version: str | None
    announced: PartialDate | None
    shutdown: PartialDate
    replacement: str | None
    checked: date
    source: str
    disputed: tuple[tuple[PartialDate, str], ...] = ()
    is_latest_possible: bool = False

    @property
    def day_text(self) -> str:
        """The shutdown day as text: `2027-01-20`, or `no later than 2026-07-07` if the day itself is not known."""
        return f"no later than {self.shutdown}" if self.is_latest_possible else str(self.shutdown)

    @property
    def when(self) -> str:
        """The shutdown day in a sentence: `on 2027-01-20`, or `no later than 2026-07-07`."""
        return self.day_text if self.is_latest_possible else f"on {self.day_text}"

    @property
    def days(self) -> tuple[PartialDate, ...]:
        """Every shutdown day that a source gives; the first is the one that is used."""
        return (self.shutdown, *(other for other, _ in self.disputed))


@dataclass(frozen=True, slots=True)
class Surcharge:
    """A factor on the list prices of some models, or a fee added to them."""

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
class UnpricedProvider:
    """A seller without prices in the book that logs name, and why another seller's prices do not apply to it."""

    name: str
    title: str
    reason: str
    checked: date
    source: str


@dataclass(frozen=True, slots=True)
class Availability:
    """Where models can be deployed, according to the vendor's availability table. A listed price alone does not prove it.

    `transport_regions`: the only regions with a transport, by its name; a transport that is not named is not restricted.
    """

    provider: str
    models: tuple[str, ...]
    deployment: str
    regions: tuple[str, ...]
    checked: date
    source: str
    note: str = ""
    transport_regions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A discount or surcharge from the user's contract: a factor on the prices of some offers. Empty lists: all offers."""

    name: str
    factor: Decimal
    providers: tuple[str, ...]
    models: tuple[str, ...]
    deployments: tuple[str, ...]
    since: PartialDate
    until: PartialDate | None
    source: str


@dataclass(frozen=True, slots=True)
class Quote:
    """An offer's rates on a day, with the assumptions made and the warnings."""

    rates: Rates
    region: str | None
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def offer(self) -> Offer:
        """The offer that was quoted."""
        return self.rates.offer


@dataclass(frozen=True)
class PriceBook:
    """Every offer with its price history, and what is known about its availability and shutdown."""

    meters: Mapping[str, Meter]
    offers: tuple[Offer, ...]
    aliases: tuple[Alias, ...]
    lifecycle: tuple[Lifecycle, ...]
    surcharges: tuple[Surcharge, ...]
    availability: tuple[Availability, ...]
    contracted: Mapping[str, tuple[PriceRow, ...]] = field(default_factory=dict)
    adjustments: tuple[Adjustment, ...] = ()
    currencies: tuple[Currency, ...] = ()
    unpriced_providers: tuple[UnpricedProvider, ...] = ()
    model_aliases: Mapping[str, str] = field(default_factory=dict)
    """Models by the user's own names for them, such as those of Azure deployments, in lower case."""

    def price_row(self, offer: Offer, day: date) -> PriceRow | None:
        """An offer's prices on a day: contracted prices take precedence over list prices, then every adjustment is applied."""
        list_row = offer.row_on(day)
        contract_row = effective_row(self.contracted.get(offer.id, ()), day)
        row = list_row if contract_row is None else contract_row
        if row is None:
            return None
        if contract_row is not None and list_row is not None:
            untouched = {meter: rivals for meter, rivals in list_row.disputes.items() if meter not in contract_row.unit_prices}
            row = replace(contract_row, unit_prices={**list_row.unit_prices, **contract_row.unit_prices}, disputes=untouched)
        factor = prod((adjustment.factor for adjustment in self._adjustments_on(offer, day)), start=Decimal(1))
        if factor != 1:
            row = _scale(row, factor)
        return row

    def contract_terms(self, offer: Offer, day: date) -> list[str]:
        """The contract terms in an offer's prices on a day, as text."""
        contract_row = effective_row(self.contracted.get(offer.id, ()), day)
        terms = [f"contracted prices since {contract_row.since} ({'; '.join(contract_row.sources)})"] if contract_row else []
        return terms + [
            f"{adjustment.name}: prices × {adjustment.factor} ({adjustment.source})"
            for adjustment in self._adjustments_on(offer, day)
        ]

    def adjustments_of(self, offer: Offer) -> list[Adjustment]:
        """The adjustments that apply to an offer, each on its days."""
        names = ("", offer.model, offer.name, *offer.also_named)
        keys = product(names, ("", offer.provider))
        positions = sorted({position for key in keys for position in self._adjustment_index.get(key, ())})
        adjustments = (self.adjustments[position] for position in positions)
        return [row for row in adjustments if not row.deployments or offer.deployment in row.deployments]

    def _adjustments_on(self, offer: Offer, day: date) -> list[Adjustment]:
        return [adjustment for adjustment in self.adjustments_of(offer) if is_effective(adjustment, day)]

    @cached_property
    def _adjustment_index(self) -> Mapping[ModelKey, Sequence[int]]:
        """Positions of adjustments by model and provider; empty: of all models, or of all providers."""
        positions: dict[tuple[str, str], list[int]] = {}
        for position, row in enumerate(self.adjustments):
            for key in product(row.models or ("",), row.providers or ("",)):
                positions.setdefault(key, []).append(position)
        return positions

    @cached_property
    def digest(self) -> str:
        """A fingerprint that changes whenever a figure, or its date or source, changes."""
        published = (self.meters, self.offers, self.aliases, self.lifecycle, self.surcharges, self.availability)
        contract = (self.contracted, self.adjustments, self.currencies, *((self.model_aliases,) if self.model_aliases else ()))
        return fingerprint((published, *contract) if any(contract) else published)

    def currency(self, day: date) -> Currency | None:
        """The currency in which amounts of a day are shown in addition to dollars, if one is configured."""
        return effective_row(self.currencies, day)

    @cached_property
    def providers(self) -> tuple[str, ...]:
        """The providers of models, without carriers, whose rows are examples."""
        return tuple(sorted({offer.provider for offer in self.offers if not offer.example}))

    @cached_property
    def _sellers(self) -> frozenset[str]:
        return frozenset(offer.provider for offer in self.offers)

    @cached_property
    def _sellers_by_name(self) -> Mapping[str, Sequence[str]]:
        sellers: dict[str, list[str]] = {}
        for seller, name in self._by_name:
            sellers.setdefault(name, []).append(seller)
        return {name: sorted(namesakes) for name, namesakes in sellers.items()}

    @cached_property
    def _aliases_by_model(self) -> Mapping[ModelKey, Sequence[Alias]]:
        return _by_model(((row.provider, row.model), row) for row in self.aliases)

    @cached_property
    def _lifecycle_by_model(self) -> Mapping[ModelKey, Sequence[Lifecycle]]:
        return _by_model(((row.provider, row.model), row) for row in self.lifecycle)

    @cached_property
    def _availability_by_model(self) -> Mapping[ModelKey, Sequence[Availability]]:
        return _by_model(((row.provider, model), row) for row in self.availability for model in dict.fromkeys(row.models))

    def aliases_of(self, offer: Offer) -> Sequence[Alias]:
        """The versions that the undated name of an offer's model referred to."""
        return self._aliases_by_model.get((offer.provider, offer.model), ())

    def availability_of(self, offer: Offer) -> Sequence[Availability]:
        """The rows of the vendor's availability table that list an offer's model."""
        return self._availability_by_model.get((offer.provider, offer.model), ())

    @cached_property
    def _by_name(self) -> Mapping[tuple[str, str], tuple[Offer, ...]]:
        by_name: dict[tuple[str, str], list[Offer]] = {}
        for offer in self.offers:
            for name in {offer.model, offer.name, *offer.also_named}:
                by_name.setdefault((offer.provider.lower(), name.lower()), []).append(offer)
        return {key: tuple(offers) for key, offers in by_name.items()}

    def sellers(self, names: Iterable[str]) -> tuple[str, ...]:
        """The providers that sell a model with one of these names."""
        return tuple(dict.fromkeys(seller for name in names for seller in self._sellers_by_name.get(name.lower(), ())))

    def quote(
        self,
        model: str,
        *,
        day: date,
        provider: str = "openai",
        deployment: str = "global",
        region: str | None = None,
        tier: str = "standard",
        kind: Kind | None = None,
    ) -> Quote:
        """The offer that a name refers to on a day, with its rates.

        `model` is a vendor's name, dated (`gpt-realtime-1.5-2026-02-23`) or undated (`gpt-realtime-mini`), or an alias.
        `kind` restricts the names that are suggested for an unknown model; all of them are sold on the day.

        Raises:
            UnknownName: the model, provider, deployment, region or tier is unknown; the closest names are given.
            NotAvailable: the offer was not available on that day; the text gives the days for which prices are known.
            Unpriced: prices are only partly known, such as a cached rate without its uncached rate.
        """
        key = (model, day, provider, deployment, region, tier, kind)
        quote = self._recent_quotes.get(key)
        if quote is None:
            quote = self._find_quote(
                model, day=day, provider=provider, deployment=deployment, region=region, tier=tier, kind=kind
            )
            if len(self._recent_quotes) >= MAX_RECENT_QUOTES:
                self._recent_quotes.clear()
            self._recent_quotes[key] = quote
        return quote

    @cached_property
    def _recent_quotes(self) -> dict[QuoteKey, Quote]:
        return {}

    def _find_quote(
        self, model: str, *, day: date, provider: str, deployment: str, region: str | None, tier: str, kind: Kind | None
    ) -> Quote:
        provider, deployment = provider.strip().lower(), deployment.strip().lower()
        region = None if region is None else region.strip().lower()
        alias, model = model, self.model_of(model)
        offers = self.offers_named(model, provider, kind, day)
        deployable = self._deployable_regions(offers[0], deployment)
        candidates = _select_offers(offers, model, deployment=deployment, region=region, tier=tier, deployable=deployable)
        offer, assumptions, warnings = self._resolve_version(model, candidates, day)
        row = self.price_row(offer, day)
        if row is None:
            raise NotAvailable(self._no_price(model, candidates, day), field="model", is_sentence=True)
        rates = Rates.from_row(offer, row, self.meters)
        if rates.is_incomplete:
            raise Unpriced(
                f"{offer.id}: the vendor's list has only some of the prices ({', '.join(row.unit_prices)}), "
                "which is not enough to price a conversation; choose another region or deployment",
                field="region",
                is_sentence=True,
            )
        assumptions += [f"{alias} is an alias of {model}"] if alias != model else []
        assumptions += [*_row_assumptions(offer, row, day), *self.contract_terms(offer, day)]
        reason = uncertainty(row, day)
        if reason:
            warnings.append(f"the prices of {offer.name} may not apply on {day}: {reason}")
        warnings += [*price_warnings(rates), *self._shutdown_warnings(offer, day), *self._region_warnings(offer, region)]
        if region is None and offer.deployment == "regional" and len(offer.regions) == 1:
            region = offer.regions[0]
            assumptions.append(f"the region is {region}, the only one with {deployment} prices of {offer.name}")
        return Quote(rates, region, tuple(assumptions), tuple(warnings))

    def model_of(self, name: str) -> str:
        """The model that a name of the user's own stands for; any other name unchanged. A vendor's names take precedence."""
        model = self.model_aliases.get(name.strip().lower())
        return name if model is None or name.strip().lower() in self._offer_names else model

    @cached_property
    def _offer_names(self) -> frozenset[str]:
        return frozenset(name for _, name in self._by_name)

    def offers_named(
        self, model: str, provider: str | None = None, kind: Kind | None = None, day: date | None = None
    ) -> tuple[Offer, ...]:
        """Every offer that a name, dated or undated, can refer to. `kind` and `day` restrict the names that are suggested.

        Raises:
            UnknownName: no offer has that name; the closest names are given, with a `day` only of models sold on it.
            Unpriced: no price of that provider is known.
        """
        providers = self.providers if provider is None else (self._seller(provider),)
        name = self.model_of(model).strip().lower()
        offers = tuple(offer for seller in providers for offer in self._by_name.get((seller, name), ()))
        if not offers:
            elsewhere = self._sellers_by_name.get(name, ())
            remedy = f"{' and '.join(elsewhere)} has that name" if elsewhere else ""
            other_names = (
                other_name
                for (seller, other_name), namesakes in self._by_name.items()
                if seller in providers
                and any(kind in (None, offer.kind) and (day is None or self.is_available(offer, day)) for offer in namesakes)
            )
            raise UnknownName("model", model, chain(other_names, self.model_aliases), remedy=remedy)
        return offers

    def model_names(self, kind: Kind, day: date, provider: str | None = None) -> list[str]:
        """The undated names of the models of a kind and a provider (None: any) that are sold on a day, sorted."""
        return sorted(
            {
                offer.model
                for offer in self.offers
                if offer.kind == kind and provider in (None, offer.provider) and self.is_available(offer, day)
            }
        )

    def offers_of(self, kind: str | None = None, provider: str | None = None) -> tuple[Offer, ...]:
        """Every offer of a kind and a provider (None: any).

        Raises:
            UnknownName: no offer is of that provider.
        """
        seller = None if provider is None else self._seller(provider)
        return tuple(offer for offer in self.offers if kind in (None, offer.kind) and seller in (None, offer.provider))

    def _seller(self, provider: str) -> str:
        """A provider by its name in whatever case."""
        name = provider.strip().lower()
        if name not in self._sellers:
            unpriced = next((seller for seller in self.unpriced_providers if seller.name == name), None)
            if unpriced is not None:
                message = f"the price book has no prices of {unpriced.title}: {unpriced.reason}"
                raise Unpriced(message, field="provider", is_sentence=True)
            raise UnknownName("provider", provider, self.providers)
        return name

    def _resolve_version(self, model: str, candidates: Sequence[Offer], day: date) -> tuple[Offer, list[str], list[str]]:
        is_dated = (
            any(offer.version and offer.version in model for offer in candidates)
            or model.strip().lower() in candidates[0].also_named
        )
        if is_dated and len(candidates) == 1:
            return candidates[0], [], []
        aliases = self.aliases_of(candidates[0])
        alias = effective_row(aliases, day)
        if aliases and alias is None and all(a.until is not None and a.until.first <= day for a in aliases):
            names = " or ".join(offer.name for offer in candidates if self.is_available(offer, day))
            remedy = f"use {names}" if names else "none of its versions is sold on that day"
            raise NotAvailable(
                f"{candidates[0].provider} ended the undated name {model} by {day}; {remedy}",
                field="model",
                is_sentence=True,
            )
        for offer in candidates:
            if alias is not None and offer.version == alias.version:
                return offer, [f"{model} refers to {offer.name} on {day}"], []
        if len(candidates) == 1:
            return (
                candidates[0],
                [f"{model} is priced as {candidates[0].name}, its only version"] if candidates[0].version else [],
                [],
            )
        priceable = [offer for offer in candidates if self._is_priceable(offer, day)]
        if not priceable:
            raise NotAvailable(self._no_price(model, candidates, day), field="model", is_sentence=True)
        newest = max(priceable, key=lambda offer: offer.version or "")
        note = f"{model} is priced as {newest.name}, the newest version with prices on {day}"
        warnings = [
            f"{offer.name} is newer than {newest.name}, but the vendor's list has only some of its prices"
            for offer in candidates
            if (offer.version or "") > (newest.version or "") and offer.row_on(day)
        ]
        if alias is not None and len(priceable) > 1:
            return newest, [], [f"{note}; no source gives the days on which the undated name moved", *warnings]
        return newest, [note], warnings

    def _is_priceable(self, offer: Offer, day: date) -> bool:
        row = self.price_row(offer, day)
        return row is not None and not Rates.from_row(offer, row, self.meters).is_incomplete

    def _no_price(self, model: str, candidates: Sequence[Offer], day: date) -> str:
        rows = [row for offer in candidates for row in offer.rows]
        text = f"no price of {model} at {candidates[0].provider} is known for {day}: prices are known {describe_coverage(rows)}"
        ended = [end for offer in candidates for end in self.lifecycle_of(offer) if end.shutdown.first <= day]
        if not ended:
            return text
        last = max(ended, key=lambda end: end.shutdown.first)
        replacement = f"; the vendor names {last.replacement} instead" if last.replacement else ""
        return f"{text}. It was shut down {last.when}{replacement}"

    def lifecycle_of(self, offer: Offer) -> tuple[Lifecycle, ...]:
        """The lifecycle rows that apply to an offer."""
        rows = self._lifecycle_by_model.get((offer.provider, offer.model), ())
        return tuple(row for row in rows if row.version in (None, offer.version))

    def shutdown_of(self, offer: Offer) -> Lifecycle | None:
        """The lifecycle row by which an offer ends; None if none is known.

        An offer without a lifecycle row of its own is assumed to end with the last of its model's later versions. The
        shutdown of an earlier version says nothing about it.
        """
        own = self.lifecycle_of(offer)
        if own:
            return min(own, key=lambda row: row.shutdown.first)
        rows = self._lifecycle_by_model.get((offer.provider, offer.model), ())
        later = (row for row in rows if (row.version or "") >= (offer.version or ""))
        return max(later, key=lambda row: row.shutdown.first, default=None)

    def shutdown_day(self, offer: Offer) -> date | None:
        """The day on which an offer ends, by the source that is used; None if none is known.

        If that source gives only the latest possible day, it is that day.
        """
        end = self.shutdown_of(offer)
        return end.shutdown.first if end else None

    def is_shut_down(self, offer: Offer, day: date) -> bool:
        """Whether an offer has ended on a day, by the source that is used; the day of the shutdown is the first such day."""
        shutdown = self.shutdown_day(offer)
        return shutdown is not None and shutdown <= day

    def is_ending_soon(self, offer: Offer, day: date) -> bool:
        """Whether an offer has not ended on a day, but ends within 90 days."""
        shutdown = self.shutdown_day(offer)
        return shutdown is not None and day < shutdown <= day + ENDING_SOON

    def is_available(self, offer: Offer, day: date) -> bool:
        """Whether an offer has a price on a day and has not ended: only such offers are listed and compared."""
        return self.price_row(offer, day) is not None and not self.is_shut_down(offer, day)

    def _shutdown_warnings(self, offer: Offer, day: date) -> Iterable[str]:
        for row in self.lifecycle_of(offer):
            disputes = ", ".join(f"{other} according to {source}" for other, source in row.disputed)
            disputed = f" (disputed: {disputes})" if disputes else ""
            replacement = f"; the named replacement is {row.replacement}" if row.replacement else "; no replacement is named"
            earliest = min(end.first for end in row.days)
            if row.shutdown.first <= day:
                yield f"{offer.name} was due to be shut down by {row.provider} {row.when}{disputed}{replacement}"
            elif earliest - day <= WARN_BEFORE_SHUTDOWN:
                yield f"{offer.name} is shut down by {row.provider} {row.when}{disputed}{replacement}"

    def _deployable_regions(self, offer: Offer, deployment: str) -> frozenset[str]:
        """The regions that the vendor's availability table lists for a model under a deployment."""
        rows = self.availability_of(offer)
        return frozenset(region for row in rows if row.deployment == deployment for region in row.regions)

    def availability_unconfirmed(self, offer: Offer) -> bool:
        """Whether the vendor's availability table lists a model, but not under the offer's deployment."""
        rows = self.availability_of(offer)
        return bool(rows) and all(row.deployment != offer.deployment for row in rows)

    def transport_regions(self, offer: Offer, transport: str) -> tuple[str, ...]:
        """The only regions in which an offer's model has a transport, as far as the vendor says; () if it names none."""
        rows = self.availability_of(offer)
        return tuple(dict.fromkeys(region for row in rows for region in row.transport_regions.get(transport, ())))

    def _region_warnings(self, offer: Offer, region: str | None) -> Iterable[str]:
        rows = self.availability_of(offer)
        here = [row for row in rows if row.deployment == offer.deployment]
        if self.availability_unconfirmed(offer):
            yield (
                f"{offer.provider} lists {offer.deployment} prices for {offer.model}, but its availability table of "
                f"{rows[0].checked} lists it only under {rows[0].deployment}: a price does not prove that it can be deployed"
            )
        elif region and here and not any(row.regions for row in here):
            yield f"{offer.provider} does not publish the regions of {offer.model}: it may not be available in {region}"
        elif region and here and all(region not in row.regions for row in here):
            yield (
                f"{offer.provider}'s availability table of {here[0].checked} does not list {region} for {offer.model} "
                f"({offer.deployment}): it lists {', '.join(here[0].regions)}"
            )
        elif region and region not in offer.regions:
            yield f"{offer.provider} lists no price of {offer.model} in {region}: the {offer.deployment} price is used"


def _by_model(rows: Iterable[tuple[ModelKey, Row]]) -> Mapping[ModelKey, Sequence[Row]]:
    """Rows by provider and model, so that a log with many names is not compared with every row for each of them."""
    by_model: dict[ModelKey, list[Row]] = {}
    for key, row in rows:
        by_model.setdefault(key, []).append(row)
    return by_model


def price_warnings(rates: Rates) -> Iterable[str]:
    """Warnings about prices that no vendor lists, but that files and discounts of one's own may lead to.

    Such are prices of $0, or so small that they look like it, and cached input that is dearer than uncached input.
    """
    name = rates.offer.name
    free = {
        meter: price for meter, price in rates.row.unit_prices.items() if price < LEAST_PRICE and meter not in rates.row.free
    }
    if free:
        labels = "; ".join(rates.meters[meter].label for meter in free)
        meters = "" if len(free) == len(rates.row.unit_prices) else f" for {labels}"
        amount = "almost $0" if any(free.values()) else "$0"
        yield f"{name} costs {amount}{meters} by your prices and discounts: check them, unless it is free for you"
    for rate in rates.by_meter.values():
        uncached = rates[rate.meter.uncached_meter] if rate.meter.uncached_meter else None
        if uncached is not None and rate.price > uncached.price:
            yield (
                f"{rate.meter.label} of {name} costs more than {uncached.meter.label} ({rate}, not {uncached}): check your "
                "prices; best and worst remain the lowest and the highest amount"
            )


def _select_offers(
    offers: tuple[Offer, ...], model: str, *, deployment: str, region: str | None, tier: str, deployable: frozenset[str]
) -> tuple[Offer, ...]:
    """The offers of a model under a deployment, in a region, at a service tier.

    A global price applies wherever the model can be deployed, even if the price list omits the region.
    """
    provider = offers[0].provider
    offers = _filter_offers(offers, "deployment", deployment, lambda offer: (offer.deployment,), f" of {model} at {provider}")
    offers = _filter_offers(offers, "service tier", tier, lambda offer: (offer.tier,), f" of {model}")
    if region is not None:
        if not any(offer.regions for offer in offers):
            raise NotAvailable(
                f"{provider} does not sell {model} by region: omit the region ({region!r})", field="region", is_sentence=True
            )
        extra_regions = deployable if deployment == "global" else frozenset()
        context = f" of {model} ({deployment})"
        return _filter_offers(offers, "region", region, lambda offer: (*offer.regions, *extra_regions), context)
    if len({(offer.version, offer.tier) for offer in offers}) < len(offers):
        regions = sorted({name for offer in offers for name in offer.regions})
        raise NotAvailable(
            f"{deployment} prices of {model} at {provider} differ by region; choose one of {', '.join(regions)}",
            field="region",
            is_sentence=True,
        )
    return offers


def _filter_offers(
    offers: tuple[Offer, ...], what: str, choice: str, values: Callable[[Offer], tuple[str, ...]], context: str
) -> tuple[Offer, ...]:
    matching = tuple(offer for offer in offers if choice in values(offer))
    if not matching:
        raise UnknownName(what, choice, (value for offer in offers for value in values(offer)), context=context)
    return matching


def _scale(row: PriceRow, factor: Decimal) -> PriceRow:
    """A price row with every price, disputed ones included, multiplied by a factor and rounded to twelve decimals."""
    return replace(
        row,
        unit_prices={meter: round(price * factor, 12) for meter, price in row.unit_prices.items()},
        disputes={
            meter: tuple(replace(rival, price=round(rival.price * factor, 12)) for rival in rivals)
            for meter, rivals in row.disputes.items()
        },
    )


def _row_assumptions(offer: Offer, row: PriceRow, day: date) -> list[str]:
    assumptions = []
    if day > row.checked and row.until is None:
        assumptions.append(f"prices of {offer.name} were checked on {row.checked} and are assumed unchanged since")
    if row.confidence != "high":
        assumptions.append(
            f"the price row of {offer.name} has {row.confidence} confidence{': ' + row.note if row.note else ''}"
        )
    return assumptions
