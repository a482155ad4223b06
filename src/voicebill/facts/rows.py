"""From checked rows to values: one maker for each kind of row, with what a file says once for all its rows filled in."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from voicebill.answers.latency import Latency
from voicebill.answers.stacks import KINDS, Stack
from voicebill.answers.tables import Values
from voicebill.answers.transport import Codec, Transport
from voicebill.billing.currency import Currency
from voicebill.billing.dated import Dated, Day, in_force
from voicebill.billing.errors import InvalidInput, UnknownName
from voicebill.billing.meters import Meter
from voicebill.billing.offers import Dispute, Offer, PriceRow
from voicebill.billing.price_book import Adjustment, Alias, Availability, Lifecycle, Surcharge
from voicebill.billing.provisioned import HourlyPrice, Reservation, Throughput
from voicebill.billing.quotas import Counting, Quota
from voicebill.conversation.rules import RuleRow, parameter_value

SINCE_EVER = Day.parse("2024-10-01")
"""The first day of the first realtime model: rules without a day hold since then."""


class Maker:
    """Makes values of a file's rows. `defaults` are the file's own `provider`, `checked`, `sources` and the like."""

    def __init__(self, defaults: Values) -> None:
        self.defaults = defaults

    def meter(self, row: Values) -> Meter:
        """A meter."""
        return Meter(**row)

    def offer(self, row: Values) -> Offer:
        """An offer with its prices."""
        rows = tuple(self._price(price) for price in row["prices"])
        if not rows:
            raise InvalidInput("an offer needs at least one [[offers.prices]]")
        refuse_overlaps(rows, "prices")
        return Offer(
            provider=self._provider(row),
            model=row["model"],
            version=row["version"],
            kind=row["kind"],
            deployment=row["deployment"],
            rows=rows,
            also_named=row["also_named"],
            regions=self._regions(row["regions"]),
            tier=row["tier"],
            vendor_meters=row["vendor_meters"],
            example=self.defaults["example"],
            note=row["note"],
        )

    def negotiated(self, row: Values) -> tuple[PriceRow, ...]:
        """Prices of one's own contract for an offer."""
        rows = tuple(self._price(price) for price in row["prices"])
        if not rows:
            raise InvalidInput("negotiated prices need at least one [[negotiated.prices]]")
        refuse_overlaps(rows, "prices")
        return rows

    def adjustment(self, row: Values) -> Adjustment:
        """A discount or surcharge of one's own contract."""
        factor = 1 - row["percent_off"] / 100 if row["factor"] is None else row["factor"]
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
        """What an undated name means."""
        return Alias(self._provider(row), row["model"], row["version"], row["since"], row["until"], self._source(row))

    def lifecycle(self, row: Values) -> Lifecycle:
        """When a model ends."""
        return Lifecycle(
            provider=self._provider(row),
            model=row["model"],
            version=row["version"],
            announced=row["announced"],
            shutdown=row["shutdown"],
            replacement=row["replacement"],
            checked=self._checked(row),
            source=self._source(row),
            disputed=tuple((each["shutdown"], each["source"]) for each in row["disputed"]),
        )

    def surcharge(self, row: Values) -> Surcharge:
        """A factor or a fee."""
        return Surcharge(
            name=row["name"],
            provider=self._provider(row),
            models=row["models"],
            factor=row["factor"],
            dollars=row["usd"],
            per=row["per"],
            checked=self._checked(row),
            source=self._source(row),
            note=row["note"],
        )

    def availability(self, row: Values) -> Availability:
        """Where models can be deployed."""
        return Availability(
            provider=self._provider(row),
            models=row["models"],
            deployment=row["deployment"],
            regions=row["regions"],
            checked=self._checked(row),
            source=self._source(row),
            note=row["note"],
        )

    def stack(self, row: Values) -> Stack:
        """What a stack is to be built of."""
        return Stack(
            name=row["name"],
            title=row["title"],
            architecture=row["architecture"],
            models={role: row[role] for role in KINDS if row[role]},
            provider=row["provider"],
            deployment=row["deployment"],
            tier=row["tier"],
            lives_days=row["lives_days"],
            streams=row["streams"],
            fees=row["fees"],
            note=row["note"],
            sources=row["sources"] or (),
        )

    def transport(self, row: Values) -> Transport:
        """A way to the model."""
        if not row["codecs"]:
            raise InvalidInput("a transport needs at least one [[transports.codecs]]")
        said = {key: row[key] for key in ("name", "title", "best_for", "setup", "needs", "truncates", "usage_seen")}
        return Transport(
            **said,
            low_ms=row["low_ms"],
            high_ms=row["high_ms"],
            codecs=tuple(Codec(**codec) for codec in row["codecs"]),
            checked=self._checked(row),
            source=self._source(row),
        )

    def latency(self, row: Values) -> Latency:
        """How long something takes."""
        if row["high_ms"] < row["low_ms"]:
            raise InvalidInput(f"high_ms ({row['high_ms']}) is less than low_ms ({row['low_ms']})")
        return Latency(
            part=row["part"],
            models=row["models"],
            low_ms=row["low_ms"],
            high_ms=row["high_ms"],
            evidence=row["evidence"],
            basis=row["basis"],
            checked=self._checked(row),
            source=self._source(row),
        )

    def throughput(self, row: Values) -> Throughput:
        """What a provisioned unit serves of a model."""
        return Throughput(**self._provisioned(row))

    def hourly(self, row: Values) -> HourlyPrice:
        """What a provisioned unit costs an hour."""
        return HourlyPrice(**self._provisioned(row) | {"regions": self._regions(row["regions"])})

    def reservation(self, row: Values) -> Reservation:
        """What a provisioned unit costs over a term."""
        return Reservation(**self._provisioned(row))

    def quota(self, row: Values) -> Quota:
        """What is let through in a minute."""
        return Quota(**self._sourced(row))

    def counting(self, row: Values) -> Counting:
        """How a provider counts what it lets through."""
        return Counting(**{name: value for name, value in self._sourced(row).items() if name != "note"})

    def currency(self, row: Values) -> Currency:
        """What a dollar is worth in another currency."""
        return Currency(
            code=row["code"],
            per_dollar=row["per_dollar"],
            since=row["since"],
            until=row["until"],
            checked=self._checked(row),
            source=self._source(row),
        )

    def rule(self, row: Values) -> RuleRow:
        """A parameter's value."""
        evidence, basis = row["evidence"] or self.defaults["evidence"], row["basis"] or self.defaults["basis"]
        if evidence is None or basis is None:
            raise InvalidInput("a rule needs 'evidence' and 'basis', in the row or at the top of the file")
        return RuleRow(
            parameter=row["parameter"],
            value=parameter_value(row["parameter"], row["value"]),
            evidence=evidence,
            basis=basis,
            models=row["models"],
            providers=row["providers"],
            kinds=row["kinds"],
            disputed=tuple(parameter_value(row["parameter"], each) for each in row["disputed"]),
            sources=row["sources"] or self.defaults["sources"] or (),
            since=row["since"] or SINCE_EVER,
            until=row["until"],
        )

    def _price(self, row: Values) -> PriceRow:
        return PriceRow(
            since=row["since"],
            until=row["until"],
            prices=self._in_dollars(row),
            checked=self._checked(row),
            sources=self._sources(row),
            disputes=_disputes(row["disputes"]),
            increments=row["increments"],
            confidence=row["confidence"],
            note=row["note"],
        )

    def _in_dollars(self, row: Values) -> Mapping[str, Decimal]:
        """Prices as they are, or exchanged at the rate that this file states for their first day."""
        if row["usd"] is not None:
            prices: Mapping[str, Decimal] = row["usd"]
            return prices
        stated = (each for each in self.defaults["currencies"] if each and each["code"] == row["currency"])
        found = in_force((self.currency(each) for each in stated), row["since"].first)
        if found is None:
            raise InvalidInput(f"no [[currencies]] in this file says what {row['currency']} is worth on {row['since']}")
        return {meter: found.in_dollars(price) for meter, price in row["amounts"].items()}

    def _provisioned(self, row: Values) -> Values:
        """A row with its source in one text."""
        told = {{"usd": "dollars"}.get(key, key): value for key, value in row.items() if key != "sources"}
        return told | {"checked": self._checked(row), "source": self._source(row)}

    def _provider(self, row: Values) -> str:
        provider = row["provider"] or self.defaults["provider"]
        if provider is None:
            raise InvalidInput("'provider' is missing, in the row and at the top of the file")
        return str(provider)

    def _checked(self, row: Values) -> date:
        checked = row["checked"] or self.defaults["checked"]
        if not isinstance(checked, date):
            raise InvalidInput("'checked', the day on which the figures were compared with their source, is missing")
        return checked

    def _sources(self, row: Values) -> tuple[str, ...]:
        sources: tuple[str, ...] = row["sources"] or self.defaults["sources"] or ()
        if not sources:
            raise InvalidInput("'sources' is missing: a fact needs one")
        return sources

    def _sourced(self, row: Values) -> Values:
        """A row with its provider, the day it was checked and its source, and without its list of sources."""
        said = {name: value for name, value in row.items() if name != "sources"}
        return said | {"provider": self._provider(row), "checked": self._checked(row), "source": self._source(row)}

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


def refuse_overlaps(rows: Iterable[Dated], what: str) -> None:
    """Refuse rows of which two would be in force on one day.

    Raises:
        InvalidInput: two overlap; the text gives their first days.
    """
    ordered = sorted(rows, key=lambda row: row.since.first)
    for earlier, later in pairwise(ordered):
        if earlier.until is None or earlier.until.first > later.since.last:
            raise InvalidInput(f"the {what} since {earlier.since} and since {later.since} overlap: give the first an 'until'")
