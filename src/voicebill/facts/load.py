"""From TOML files to the facts: prices, rules, ways to build an agent, capacity.

Our own files come with the package; files of one's own may be put beside them. A faulty file reports all its faults at
once, each with its line.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from itertools import product
from os import PathLike
from pathlib import Path
from typing import TypeVar

from voicebill.answers.facts import Facts
from voicebill.answers.latency import Latency
from voicebill.answers.stacks import KINDS, Stack
from voicebill.answers.tables import Fault, Values, read
from voicebill.answers.transport import Transport
from voicebill.billing.currency import Currency
from voicebill.billing.errors import InvalidInput, UnknownName, VoicebillError
from voicebill.billing.meters import Meter
from voicebill.billing.offers import Offer, PriceRow
from voicebill.billing.price_book import Adjustment, Alias, Availability, Lifecycle, PriceBook, Surcharge
from voicebill.billing.provisioned import HourlyPrice, Provisioned, Reservation, Throughput
from voicebill.billing.quotas import Counting, Quota, Quotas
from voicebill.conversation.rules import PARAMETERS, RuleBook, RuleSet
from voicebill.facts.files import FaultyFile, Readable, read_toml
from voicebill.facts.rows import Maker, refuse_overlaps
from voicebill.facts.schema import file_schema

DEFAULT_RULES = "recorded-2026-11"

DEFAULTS: Values = {
    "provider": None,
    "checked": None,
    "sources": None,
    "example": False,
    "region_lists": {},
    "evidence": None,
    "basis": None,
    "currencies": (),
}
"""What a file that is silent, or faulty there, says once for all its rows."""

Built = TypeVar("Built")


def load(*beside: str | PathLike[str]) -> Facts:
    """The facts that come with the package, and those in files put beside them.

    >>> len(load().prices.offers) > 100
    True

    Raises:
        UnreadableFile: one of the files cannot be read.
        FaultyFile: one of the files has faults; the text lists all of them with their lines.
    """
    if beside:
        own = {Path(file).resolve(): Path(file) for file in beside}  # the same file twice is read once
        return _facts([*_packaged(), *own.values()])
    return _ours()


def check(file: str | PathLike[str]) -> Facts:
    """Read a file of prices or rules as if it lay beside ours, and refuse it with all its faults.

    Raises:
        UnreadableFile: the file cannot be read.
        FaultyFile: it has faults.
    """
    return load(file)


@lru_cache(maxsize=1)
def _ours() -> Facts:
    return _facts(list(_packaged()))


def _packaged() -> Iterator[Readable]:
    root = files("voicebill.facts")
    for folder in (root, root / "prices", root / "rules", root / "alternatives"):
        yield from sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)


class _File:
    """One facts file: its tables in checked types, and its faults as they are found."""

    def __init__(self, file: Readable, meters: set[str]) -> None:
        self.name = str(file)
        tables, self.lines = read_toml(file)
        if "turns" in tables:
            what = ("plan", "estimate --plan") if "minutes" in tables else ("script", "simulate")
            raise InvalidInput(f"{file} looks like a {what[0]}, not like prices or rules: try voicebill {what[1]}")
        meters |= {str(row.get("name")) for row in _tables(tables.get("meters"))}
        self.faults: list[Fault] = []
        self.values = read(tables, file_schema(sorted(meters)), self.faults)
        self.maker = Maker({**DEFAULTS, **self.values})

    def build(self, key: str, make: Callable[[Values], Built]) -> tuple[Built, ...]:
        """Make a value of each row of a key that has no faults yet; a row that cannot be one becomes a fault."""
        made = []
        for at, row in enumerate(self.values.get(key, ())):
            if row is None:
                continue
            try:
                made.append(make(row))
            except VoicebillError as error:
                self.faults.append(Fault((key, at), str(error)))
        return tuple(made)

    def refuse_if_faulty(self) -> None:
        if self.faults:
            raise FaultyFile(self.name, self.faults, self.lines)


def _tables(rows: object) -> list[Values]:
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


@dataclass
class _Gathered:
    """What the files read so far have said; what has a name under that name."""

    meters: dict[str, Meter] = field(default_factory=dict)
    offers: dict[str, Offer] = field(default_factory=dict)
    rule_sets: dict[str, RuleSet] = field(default_factory=dict)
    aliases: list[Alias] = field(default_factory=list)
    lifecycle: list[Lifecycle] = field(default_factory=list)
    surcharges: list[Surcharge] = field(default_factory=list)
    availability: list[Availability] = field(default_factory=list)
    negotiated: dict[str, tuple[PriceRow, ...]] = field(default_factory=dict)
    adjustments: list[Adjustment] = field(default_factory=list)
    currencies: list[Currency] = field(default_factory=list)
    stacks: dict[str, Stack] = field(default_factory=dict)
    latencies: list[Latency] = field(default_factory=list)
    transports: dict[str, Transport] = field(default_factory=dict)
    throughputs: list[Throughput] = field(default_factory=list)
    hours: list[HourlyPrice] = field(default_factory=list)
    reservations: list[Reservation] = field(default_factory=list)
    quotas: list[Quota] = field(default_factory=list)
    counting: list[Counting] = field(default_factory=list)

    def add(self, file: _File) -> None:
        """Add a file; what it says of models is held against those that are known by then.

        Raises:
            FaultyFile: it has faults.
        """
        _add_meters(file, self.meters)
        _add_offers(file, self.offers)
        self._add_sold(file)
        self._add_ways(file)
        self._add_capacity(file)
        _add_rules(file, self.rule_sets, self.offers.values())
        file.refuse_if_faulty()

    def _add_sold(self, file: _File) -> None:
        """What is said of offers beside their prices."""
        self.aliases += file.build("aliases", file.maker.alias)
        self.lifecycle += file.build("lifecycle", file.maker.lifecycle)
        self.surcharges += file.build("surcharges", file.maker.surcharge)
        self.availability += file.build("availability", file.maker.availability)
        _add_currencies(file, self.currencies)
        _add_negotiated(file, self.negotiated, self.offers)
        _add_adjustments(file, self.adjustments)
        file.faults += _unheard_of(file, "adjustments", list(self.offers.values()))

    def _add_ways(self, file: _File) -> None:
        """Ways to build an agent and to reach it."""
        self.latencies += file.build("latency", file.maker.latency)
        self.transports.update((row.name, row) for row in file.build("transports", file.maker.transport))
        _add_stacks(file, self.stacks, list(self.offers.values()))

    def _add_capacity(self, file: _File) -> None:
        """What is let through, and what can be bought to be let through more."""
        self.throughputs += file.build("provisioned_models", file.maker.throughput)
        self.hours += file.build("provisioned_hours", file.maker.hourly)
        self.reservations += file.build("provisioned_reservations", file.maker.reservation)
        _add_quotas(file, self.quotas)
        self.counting += file.build("counting", file.maker.counting)

    def facts(self) -> Facts:
        """All of it, the default rules first."""
        prices = PriceBook(
            meters=self.meters,
            offers=tuple(self.offers.values()),
            aliases=tuple(self.aliases),
            lifecycle=tuple(self.lifecycle),
            surcharges=tuple(self.surcharges),
            availability=tuple(self.availability),
            negotiated=self.negotiated,
            adjustments=tuple(self.adjustments),
            currencies=tuple(self.currencies),
        )
        ordered = sorted(self.rule_sets.values(), key=lambda known: known.name != DEFAULT_RULES)
        return Facts(
            prices=prices,
            rules=RuleBook(tuple(ordered)),
            provisioned=Provisioned(tuple(self.throughputs), tuple(self.hours), tuple(self.reservations)),
            stacks=tuple(self.stacks.values()),
            latencies=tuple(self.latencies),
            transports=tuple(self.transports.values()),
            quotas=Quotas(tuple(self.quotas), tuple(self.counting)),
        )


def _facts(sources: list[Readable]) -> Facts:
    """Read file by file: a later one may use the meters, models and rule sets of those before it."""
    names: set[str] = set()
    gathered = _Gathered()
    for source in sources:
        gathered.add(_File(source, names))
    return gathered.facts()


def _add_meters(file: _File, meters: dict[str, Meter]) -> None:
    def add(row: Values) -> None:
        meter = file.maker.meter(row)
        if meter.name in meters:
            raise InvalidInput(f"the meter {meter.name} exists already")
        meters[meter.name] = meter

    file.build("meters", add)
    for at, row in enumerate(file.values.get("meters", ())):
        fresh = meters.get(row["fresh"]) if row and row["fresh"] else None
        if row and row["fresh"] and (fresh is None or fresh.unit != row["unit"]):
            file.faults.append(Fault(("meters", at, "fresh"), f"fresh: no meter of the same unit is named {row['fresh']!r}"))


def _add_offers(file: _File, offers: dict[str, Offer]) -> None:
    def add(row: Values) -> None:
        offer = file.maker.offer(row)
        if offer.id in offers:
            raise InvalidInput(f"the offer {offer.id} exists already")
        offers[offer.id] = offer

    file.build("offers", add)


def _add_adjustments(file: _File, adjustments: list[Adjustment]) -> None:
    def add(row: Values) -> None:
        adjustment = file.maker.adjustment(row)
        namesakes = [each for each in adjustments if each.name == adjustment.name]
        refuse_overlaps([*namesakes, adjustment], f"adjustments named {adjustment.name!r}")
        adjustments.append(adjustment)

    file.build("adjustments", add)


def _add_currencies(file: _File, currencies: list[Currency]) -> None:
    def add(row: Values) -> None:
        currency = file.maker.currency(row)
        refuse_overlaps([*currencies, currency], "currencies")
        currencies.append(currency)

    file.build("currencies", add)


def _add_stacks(file: _File, stacks: dict[str, Stack], offers: list[Offer]) -> None:
    def add(row: Values) -> None:
        stack = file.maker.stack(row)
        if stack.name in stacks:
            raise InvalidInput(f"the stack {stack.name} exists already")
        for role, models in stack.models.items():
            kinds = {KINDS[role], "realtime"} if role == "speaks" else {KINDS[role]}
            able = (offer for offer in offers if offer.kind in kinds)
            known = {name for offer in able for name in (offer.model, offer.name, *offer.also_named)}
            for model in models:
                if model not in known:
                    raise UnknownName(f"model that {role}", model, known)
        stacks[stack.name] = stack

    file.build("stacks", add)


def _add_quotas(file: _File, quotas: list[Quota]) -> None:
    """Add quotas; of one tier, a model has one at a time."""

    def add(row: Values) -> None:
        quota = file.maker.quota(row)
        for model, tier in product(quota.models, quota.tiers):
            same = [each for each in quotas if _sold(each) == _sold(quota) and model in each.models and tier in each.tiers]
            refuse_overlaps([*same, quota], f"quotas of {model} in {tier}")
        quotas.append(quota)

    file.build("quotas", add)


def _sold(quota: Quota) -> tuple[str, str]:
    return quota.provider, quota.deployment


def _add_negotiated(file: _File, negotiated: dict[str, tuple[PriceRow, ...]], offers: Mapping[str, Offer]) -> None:
    def add(row: Values) -> None:
        if row["offer"] not in offers:
            raise UnknownName("offer", row["offer"], offers, remedy="the ids are those of voicebill prices")
        if row["offer"] in negotiated:
            raise InvalidInput(f"prices of {row['offer']} were negotiated already: put all rows under one [[negotiated]]")
        negotiated[row["offer"]] = file.maker.negotiated(row)

    file.build("negotiated", add)


def _add_rules(file: _File, known: dict[str, RuleSet], offers: Iterable[Offer]) -> None:
    rules = file.build("rules", file.maker.rule)
    name, base = file.values.get("name"), file.values.get("based_on")
    if name is None and not file.values.get("rules"):
        return
    if name is None:
        file.faults.append(Fault((), "a file with [[rules]] needs a 'name' at its top"))
        return
    if name in known:
        file.faults.append(Fault(("name",), f"the rule set {name!r} exists already"))
        return
    file.faults += [*_unheard_of(file, "rules", list(offers)), *_said_twice(file)]
    known[name] = RuleSet(name, file.values.get("title", ""), base, rules, file.values.get("note", ""))
    if base is not None and base not in (*known, DEFAULT_RULES):
        file.faults.append(Fault(("based_on",), str(UnknownName("rule set", base, (*known, DEFAULT_RULES)))))
    missing = set(PARAMETERS) - {row.parameter for row in rules if not (row.models or row.providers or row.kinds)}
    if base is None and missing and not file.faults:
        said = f'{len(missing)} of {len(PARAMETERS)} parameters have no value for every model: add based_on = "{DEFAULT_RULES}"'
        file.faults.append(Fault(("name",), said))


def _said_twice(file: _File) -> Iterator[Fault]:
    """Rules that give one parameter two values for the same models, providers and days."""
    seen: set[tuple[object, ...]] = set()
    for at, row in enumerate(file.values.get("rules", ())):
        if row is None:
            continue
        key = tuple(row[name] for name in ("parameter", "models", "providers", "kinds", "since"))
        if key in seen:
            yield Fault(("rules", at), f"{row['parameter']} has a value for these models already")
        seen.add(key)


def _unheard_of(file: _File, table: str, offers: list[Offer]) -> Iterator[Fault]:
    """Rows for models or providers that no offer knows: they would never be used, and nobody would notice."""
    known: Mapping[str, set[str]] = {
        "models": {name for offer in offers for name in (offer.model, offer.name, *offer.also_named)},
        "providers": {offer.provider for offer in offers},
    }
    for at, row in enumerate(file.values.get(table, ())):
        for key, names in known.items():
            for name in row[key] if row else ():
                if name not in names:
                    yield Fault((table, at, key), str(UnknownName(key.removesuffix("s"), name, names)))
