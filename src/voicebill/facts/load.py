"""From TOML files to the price book and the rule book.

Our own files come with the package; files of one's own may be put beside them. A faulty file reports all its faults at
once, each with its line.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from itertools import product
from os import PathLike
from pathlib import Path
from typing import TypeVar

from voicebill.answers.facts import Facts
from voicebill.answers.latency import Latency
from voicebill.answers.stacks import Stack
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


def _facts(sources: list[Readable]) -> Facts:
    """Read file by file: a later one may use the meters, models and rule sets of those before it."""
    names: set[str] = set()
    meters: dict[str, Meter] = {}
    offers: dict[str, Offer] = {}
    rule_sets: dict[str, RuleSet] = {}
    aliases: list[Alias] = []
    lifecycle: list[Lifecycle] = []
    surcharges: list[Surcharge] = []
    availability: list[Availability] = []
    negotiated: dict[str, tuple[PriceRow, ...]] = {}
    adjustments: list[Adjustment] = []
    currencies: list[Currency] = []
    stacks: dict[str, Stack] = {}
    latencies: list[Latency] = []
    transports: dict[str, Transport] = {}
    throughputs: list[Throughput] = []
    hours: list[HourlyPrice] = []
    reservations: list[Reservation] = []
    quotas: list[Quota] = []
    counting: list[Counting] = []
    for source in sources:
        file = _File(source, names)
        _add_meters(file, meters)
        _add_offers(file, offers)
        aliases += file.build("aliases", file.maker.alias)
        lifecycle += file.build("lifecycle", file.maker.lifecycle)
        surcharges += file.build("surcharges", file.maker.surcharge)
        availability += file.build("availability", file.maker.availability)
        latencies += file.build("latency", file.maker.latency)
        transports.update((row.name, row) for row in file.build("transports", file.maker.transport))
        _add_stacks(file, stacks, list(offers.values()))
        throughputs += file.build("provisioned_models", file.maker.throughput)
        hours += file.build("provisioned_hours", file.maker.hourly)
        reservations += file.build("provisioned_reservations", file.maker.reservation)
        _add_quotas(file, quotas)
        counting += file.build("counting", file.maker.counting)
        _add_currencies(file, currencies)
        _add_negotiated(file, negotiated, offers)
        _add_adjustments(file, adjustments)
        file.faults += _unheard_of(file, "adjustments", list(offers.values()))
        _add_rules(file, rule_sets, offers.values())
        file.refuse_if_faulty()
    prices = PriceBook(
        meters=meters,
        offers=tuple(offers.values()),
        aliases=tuple(aliases),
        lifecycle=tuple(lifecycle),
        surcharges=tuple(surcharges),
        availability=tuple(availability),
        negotiated=negotiated,
        adjustments=tuple(adjustments),
        currencies=tuple(currencies),
    )
    ordered = sorted(rule_sets.values(), key=lambda known: known.name != DEFAULT_RULES)
    return Facts(
        prices=prices,
        rules=RuleBook(tuple(ordered)),
        provisioned=Provisioned(tuple(throughputs), tuple(hours), tuple(reservations)),
        stacks=tuple(stacks.values()),
        latencies=tuple(latencies),
        transports=tuple(transports.values()),
        quotas=Quotas(tuple(quotas), tuple(counting)),
    )


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
            known = {name for offer in offers for name in (offer.model, offer.name, *offer.also_named)}
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
