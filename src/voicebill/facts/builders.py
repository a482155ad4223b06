"""Build values from checked rows, one method per kind of row. A file's own defaults fill what a row leaves out."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from voicebill.answers.catalog.latency import Latency
from voicebill.answers.catalog.mechanics import Mechanics
from voicebill.answers.catalog.stacks import ROLE_KINDS, Stack
from voicebill.answers.catalog.transports import Codec, TransportProfile
from voicebill.answers.parameters.table_schema import Values
from voicebill.billing.currency import Currency
from voicebill.billing.errors import InvalidInput, UnknownName
from voicebill.billing.meters import Meter
from voicebill.billing.offers import Dispute, Offer, PriceRow
from voicebill.billing.price_book import Adjustment, Alias, Availability, Lifecycle, Surcharge, UnpricedProvider
from voicebill.billing.provisioned_throughput import HourlyPrice, Reservation, Throughput
from voicebill.billing.quotas import Quota, QuotaCountingRule
from voicebill.billing.validity import EffectiveDated, PartialDate, effective_row
from voicebill.conversation.rules import ParameterValue, RuleRow, parse_parameter

FIRST_REALTIME_DAY = PartialDate.parse("2024-10-01")
"""The first day of the first realtime model: rules without a day apply since then."""


class RowBuilder:
    """Build values from a file's rows. `defaults` are the file's own `provider`, `checked`, `sources` and so on."""

    def __init__(self, defaults: Values) -> None:
        self.defaults = defaults

    def meter(self, row: Values) -> Meter:
        """Return a meter."""
        return Meter(**row)

    def offer(self, row: Values) -> Offer:
        """Return an offer with its prices."""
        rows = tuple(self._price(price) for price in row["prices"])
        if not rows:
            raise InvalidInput("an offer needs at least one [[offers.prices]]")
        require_no_overlap(rows, "prices")
        return Offer(
            provider=self._provider(row),
            model=row["model"],
            version=row["version"],
            kind=row["kind"],
            deployment=row["deployment"],
            rows=rows,
            also_named=row["also_named"],
            regions=self._regions(row["regions"]),
            zone=row["zone"],
            tier=row["tier"],
            vendor_meters=row["vendor_meters"],
            example=self.defaults["example"],
            note=row["note"],
        )

    def contracted_prices(self, row: Values) -> tuple[PriceRow, ...]:
        """Return the contracted prices of an offer."""
        rows = tuple(self._price(price) for price in row["prices"])
        if not rows:
            raise InvalidInput("contracted prices need at least one [[contracted.prices]]")
        require_no_overlap(rows, "prices")
        return rows

    def adjustment(self, row: Values) -> Adjustment:
        """Return a discount or surcharge from a contract."""
        factor = 1 - row["discount_percent"] / 100 if row["factor"] is None else row["factor"]
        return Adjustment(
            name=row["name"],
            factor=factor,
            providers=row["providers"],
            models=row["models"],
            deployments=row["deployments"],
            since=row["since"],
            until=row["until"],
            source=self._source(row),
        )

    def alias(self, row: Values) -> Alias:
        """Return the version that an undated model name stands for."""
        return Alias(self._provider(row), row["model"], row["version"], row["since"], row["until"], self._source(row))

    def lifecycle(self, row: Values) -> Lifecycle:
        """Return a model's shutdown and replacement."""
        return Lifecycle(
            provider=self._provider(row),
            model=row["model"],
            version=row["version"],
            announced=row["announced"],
            shutdown=row["shutdown"],
            replacement=row["replacement"],
            checked=self._checked_day(row),
            source=self._source(row),
            disputed=tuple((dispute["shutdown"], dispute["source"]) for dispute in row["disputed"]),
            is_latest_possible=row["is_latest_possible"],
        )

    def surcharge(self, row: Values) -> Surcharge:
        """Return a price factor or a fee."""
        return Surcharge(
            name=row["name"],
            provider=self._provider(row),
            models=row["models"],
            factor=row["factor"],
            dollars=row["usd"],
            per=row["per"],
            checked=self._checked_day(row),
            source=self._source(row),
            note=row["note"],
        )

    def unpriced_provider(self, row: Values) -> UnpricedProvider:
        """Return a seller without known prices."""
        return UnpricedProvider(
            name=row["name"],
            title=row["title"],
            reason=row["reason"],
            checked=self._checked_day(row),
            source=self._source(row),
        )

    def availability(self, row: Values) -> Availability:
        """Return the regions where models can be deployed."""
        return Availability(
            provider=self._provider(row),
            models=row["models"],
            deployment=row["deployment"],
            regions=row["regions"],
            transport_regions=row["transport_regions"],
            checked=self._checked_day(row),
            source=self._source(row),
            note=row["note"],
        )

    def stack(self, row: Values) -> Stack:
        """Return a stack's requirements."""
        return Stack(
            name=row["name"],
            title=row["title"],
            architecture=row["architecture"],
            models={role: row[role] for role in ROLE_KINDS if row[role]},
            provider=row["provider"],
            deployment=row["deployment"],
            tier=row["tier"],
            min_lifetime_days=row["min_lifetime_days"],
            streams=row["streams"],
            fees=row["fees"],
            note=row["note"],
            sources=row["sources"] or (),
        )

    def transport(self, row: Values) -> TransportProfile:
        """Return a transport: how audio reaches the model."""
        if not row["codecs"]:
            raise InvalidInput("a transport needs at least one [[transports.codecs]]")
        texts = {key: row[key] for key in ("name", "title", "best_for", "setup", "needs", "truncation", "usage_visibility")}
        return TransportProfile(
            **texts,
            low_ms=row["low_ms"],
            high_ms=row["high_ms"],
            codecs=tuple(Codec(**codec) for codec in row["codecs"]),
            checked=self._checked_day(row),
            source=self._source(row),
        )

    def latency(self, row: Values) -> Latency:
        """Return the latency range of one part of a response."""
        if row["high_ms"] < row["low_ms"]:
            raise InvalidInput(f"high_ms ({row['high_ms']}) is less than low_ms ({row['low_ms']})")
        return Latency(
            part=row["part"],
            models=row["models"],
            low_ms=row["low_ms"],
            high_ms=row["high_ms"],
            evidence=row["evidence"],
            basis=row["basis"],
            checked=self._checked_day(row),
            source=self._source(row),
        )

    def mechanics(self, row: Values) -> Mechanics:
        """Return how a provider bills a conversation."""
        return Mechanics(**{name: value for name, value in self._with_provider_and_source(row).items() if name != "note"})

    def throughput(self, row: Values) -> Throughput:
        """Return the throughput of a provisioned unit for a model."""
        return Throughput(**self._with_source(row))

    def hourly_price(self, row: Values) -> HourlyPrice:
        """Return the hourly price of a provisioned unit."""
        return HourlyPrice(**self._with_source(row) | {"regions": self._regions(row["regions"])})

    def reservation(self, row: Values) -> Reservation:
        """Return the price of a reserved provisioned unit for its term."""
        return Reservation(**self._with_source(row))

    def quota(self, row: Values) -> Quota:
        """Return the limits per minute of a model."""
        return Quota(**self._with_provider_and_source(row))

    def counting_rule(self, row: Values) -> QuotaCountingRule:
        """Return how a provider counts towards its limits."""
        return QuotaCountingRule(
            **{name: value for name, value in self._with_provider_and_source(row).items() if name != "note"}
        )

    def currency(self, row: Values) -> Currency:
        """Return an exchange rate."""
        return Currency(
            code=row["code"],
            per_dollar=row["per_dollar"],
            since=row["since"],
            until=row["until"],
            checked=self._checked_day(row),
            source=self._source(row),
        )

    def rule(self, row: Values) -> RuleRow:
        """Return a rule: the value of a parameter."""
        evidence, basis = row["evidence"] or self.defaults["evidence"], row["basis"] or self.defaults["basis"]
        if evidence is None or basis is None:
            raise InvalidInput("a rule needs 'evidence' and 'basis', in the row or at the top of the file")
        return RuleRow(
            parameter=row["parameter"],
            value=parse_parameter(row["parameter"], row["value"]),
            evidence=evidence,
            basis=basis,
            models=row["models"],
            providers=row["providers"],
            kinds=row["kinds"],
            disputed=tuple(parse_parameter(row["parameter"], value) for value in row["disputed"]),
            sample_size=row["sample_size"],
            range=None if row["range"] is None else self._range(row),
            sources=row["sources"] or self.defaults["sources"] or (),
            since=row["since"] or FIRST_REALTIME_DAY,
            until=row["until"],
        )

    def _range(self, row: Values) -> tuple[ParameterValue, ParameterValue]:
        low, high = (parse_parameter(row["parameter"], value) for value in row["range"])
        return low, high

    def _price(self, row: Values) -> PriceRow:
        return PriceRow(
            since=row["since"],
            until=row["until"],
            unit_prices=self._dollar_prices(row),
            checked=self._checked_day(row),
            sources=self._sources(row),
            disputes=_disputes(row["disputes"]),
            increments=row["increments"],
            included=row["included"],
            free=row["free"],
            confidence=row["confidence"],
            note=row["note"],
        )

    def _dollar_prices(self, row: Values) -> Mapping[str, Decimal]:
        """Return prices in dollars, exchanged if necessary at the rate that this file gives for their first day."""
        if row["usd"] is not None:
            prices: Mapping[str, Decimal] = row["usd"]
            return prices
        currency_rows = (
            currency_row
            for currency_row in self.defaults["currencies"]
            if currency_row and currency_row["code"] == row["currency"]
        )
        currency = effective_row((self.currency(currency_row) for currency_row in currency_rows), row["since"].first)
        if currency is None:
            raise InvalidInput(f"no [[currencies]] in this file gives a rate for {row['currency']} on {row['since']}")
        return {meter: currency.to_dollars(price) for meter, price in row["amounts"].items()}

    def _with_source(self, row: Values) -> Values:
        """Return a row's fields, with its sources joined in one text."""
        fields = {{"usd": "dollars"}.get(key, key): value for key, value in row.items() if key != "sources"}
        return fields | {"checked": self._checked_day(row), "source": self._source(row)}

    def _provider(self, row: Values) -> str:
        provider = row["provider"] or self.defaults["provider"]
        if provider is None:
            raise InvalidInput("'provider' is missing: give it in the row or at the top of the file")
        return str(provider)

    def _checked_day(self, row: Values) -> date:
        checked = row["checked"] or self.defaults["checked"]
        if not isinstance(checked, date):
            raise InvalidInput("'checked' is missing: the day on which the figures were compared with their source")
        return checked

    def _sources(self, row: Values) -> tuple[str, ...]:
        sources: tuple[str, ...] = row["sources"] or self.defaults["sources"] or ()
        if not sources:
            raise InvalidInput("'sources' is missing: give at least one")
        return sources

    def _with_provider_and_source(self, row: Values) -> Values:
        """Return a row's fields with its provider, the day it was checked, and its sources joined in one text."""
        fields = {name: value for name, value in row.items() if name != "sources"}
        return fields | {"provider": self._provider(row), "checked": self._checked_day(row), "source": self._source(row)}

    def _source(self, row: Values) -> str:
        return "; ".join(self._sources(row))

    def _regions(self, regions: str | tuple[str, ...]) -> tuple[str, ...]:
        lists: Mapping[str, tuple[str, ...]] = self.defaults["region_lists"]
        if not isinstance(regions, str):
            return regions
        if regions not in lists:
            raise UnknownName("region list", regions, lists)
        return lists[regions]


def _disputes(rows: Iterable[Mapping[str, Any]]) -> dict[str, tuple[Dispute, ...]]:
    disputes: dict[str, tuple[Dispute, ...]] = {}
    for row in rows:
        disputes[row["meter"]] = (*disputes.get(row["meter"], ()), Dispute(row["usd"], row["source"]))
    return disputes


def require_no_overlap(rows: Iterable[EffectiveDated], what: str) -> None:
    """Refuse rows if two of them apply on the same day.

    Raises:
        InvalidInput: two overlap; the text gives their first days.
    """
    ordered = sorted(rows, key=lambda row: row.since.first)
    for earlier, later in pairwise(ordered):
        if earlier.until is None or earlier.until.first > later.since.last:
            raise InvalidInput(f"the {what} since {earlier.since} and since {later.since} overlap: give the first an 'until'")
