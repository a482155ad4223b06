"""From TOML rows to the price book and the rule book.

Our own files come with the package; files of one's own may be put beside them. A faulty file reports all its faults at
once, each with its line.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from voicebill.answers.facts import Facts
from voicebill.answers.tables import Fault, read
from voicebill.answers.tables import Path as TablePath
from voicebill.billing.dated import Day
from voicebill.billing.errors import InvalidInput, UnknownName, VoicebillError
from voicebill.billing.meters import Meter
from voicebill.billing.offers import Dispute, Offer, PriceRow, Rate
from voicebill.billing.price_book import Alias, Availability, Lifecycle, PriceBook, Surcharge
from voicebill.conversation.rules import RuleBook, RuleRow, RuleSet, parameter_value
from voicebill.facts.files import FaultyFile, Readable, read_toml
from voicebill.facts.schema import FILE

DEFAULT_RULES = "recorded-2026-11"

Built = TypeVar("Built")


@lru_cache(maxsize=8)
def load(*beside: Path) -> Facts:
    """The facts that come with the package, and those in files put beside them.

    >>> len(load().prices.offers) > 100
    True

    Raises:
        UnreadableFile: one of the files cannot be read.
        FaultyFile: one of the files has faults; the text lists all of them with their lines.
    """
    return _facts([_File(file) for file in (*_packaged(), *beside)])


def check(file: Path) -> Facts:
    """Read a file of prices or rules as if it lay beside ours, and refuse it with all its faults.

    Raises:
        UnreadableFile: the file cannot be read.
        FaultyFile: it has faults.
    """
    return load(file)


def _packaged() -> Iterator[Readable]:
    root = files("voicebill.facts")
    for folder in (root, root / "prices", root / "rules"):
        yield from sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)


class _File:
    """One facts file: its tables in checked types, and its faults as they are found."""

    def __init__(self, file: Readable) -> None:
        self.name = str(file)
        tables, self.lines = read_toml(file)
        self.faults: list[Fault] = []
        values = read(tables, FILE, self.faults)
        self.refuse_if_faulty()
        assert values is not None
        self.values = values

    def refuse_if_faulty(self) -> None:
        if self.faults:
            raise FaultyFile(self.name, self.faults, self.lines)

    def build(self, key: str, make: Callable[[dict[str, Any], TablePath], Built]) -> tuple[Built, ...]:
        """Make a value of each row of a key; a row that cannot be one becomes a fault."""
        made = []
        for at, row in enumerate(self.values[key]):
            try:
                made.append(make(row, (key, at)))
            except _Misplaced as error:
                self.faults.append(Fault((key, at, *error.path), str(error)))
            except VoicebillError as error:
                self.faults.append(Fault((key, at), str(error)))
        return tuple(made)

    def provider(self, row: Mapping[str, Any]) -> str:
        provider = row["provider"] or self.values["provider"]
        if provider is None:
            raise InvalidInput("'provider' is missing, in the row and at the top of the file")
        return str(provider)

    def checked(self, row: Mapping[str, Any]) -> date:
        checked = row["checked"] or self.values["checked"]
        if not isinstance(checked, date):
            raise InvalidInput("'checked', the day on which the figures were compared with their source, is missing")
        return checked

    def sources(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        sources: tuple[str, ...] = row["sources"] or self.values["sources"] or ()
        if not sources:
            raise InvalidInput("'sources' is missing: a fact needs one")
        return sources


class _Misplaced(VoicebillError):
    """A fault at a place within a row."""

    def __init__(self, path: TablePath, error: object) -> None:
        super().__init__(str(error))
        self.path = path


def _facts(parsed: list[_File]) -> Facts:
    meters = {meter.name: meter for file in parsed for meter in file.build("meters", lambda row, _: Meter(**row))}
    offers: dict[str, Offer] = {}
    aliases: list[Alias] = []
    lifecycle: list[Lifecycle] = []
    surcharges: list[Surcharge] = []
    availability: list[Availability] = []
    rule_sets: dict[str, RuleSet] = {}
    for file in parsed:
        for at, offer in enumerate(file.build("offers", _offer_maker(file, meters))):
            if offer.id in offers:
                file.faults.append(Fault(("offers", at), f"the offer {offer.id} exists already"))
            offers[offer.id] = offer
        aliases += file.build("aliases", _alias_maker(file))
        lifecycle += file.build("lifecycle", _lifecycle_maker(file))
        surcharges += file.build("surcharges", _surcharge_maker(file))
        availability += file.build("availability", _availability_maker(file))
        rules = file.build("rules", _rule_maker(file))
        if file.values["name"] or rules:
            rule_set = _rule_set(file, rules, rule_sets)
            rule_sets[rule_set.name] = rule_set
        file.refuse_if_faulty()
    prices = PriceBook(meters, tuple(offers.values()), tuple(aliases), tuple(lifecycle), tuple(surcharges), tuple(availability))
    ordered = sorted(rule_sets.values(), key=lambda known: known.name != DEFAULT_RULES)
    return Facts(prices, RuleBook(tuple(ordered)))


def _offer_maker(file: _File, meters: Mapping[str, Meter]) -> Callable[[dict[str, Any], TablePath], Offer]:
    def make(row: dict[str, Any], _: TablePath) -> Offer:
        provider = file.provider(row)
        prices = tuple(_price(file, price, at, meters) for at, price in enumerate(row["prices"]))
        if not prices:
            raise InvalidInput("an offer needs at least one [[offers.prices]]")
        _refuse_overlaps(prices)
        return Offer(
            provider=provider,
            model=row["model"],
            version=row["version"],
            kind=row["kind"],
            deployment=row["deployment"],
            rows=prices,
            also_named=row["also_named"],
            regions=_regions(row["regions"], file.values["region_lists"]),
            tier=row["tier"],
            vendor_meters=row["vendor_meters"],
            example=file.values["example"],
            note=row["note"],
        )

    return make


def _price(file: _File, row: Mapping[str, Any], at: int, meters: Mapping[str, Meter]) -> PriceRow:
    try:
        named = [*row["usd"], *row["increments"], *(dispute["meter"] for dispute in row["disputes"])]
        for name in named:
            if name not in meters:
                raise _Misplaced(("usd",), UnknownName("meter", name, meters))
        for name, price in row["usd"].items():
            Rate.quoted(meters[name], price)
        if not row["usd"]:
            raise InvalidInput("usd names no price")
        if row["until"] is not None and row["until"].last <= row["since"].first:
            raise _Misplaced(("until",), f"until ({row['until']}) is not after since ({row['since']})")
        return PriceRow(
            since=row["since"],
            until=row["until"],
            prices=row["usd"],
            checked=file.checked(row),
            sources=file.sources(row),
            disputes=_disputes(row["disputes"]),
            increments=row["increments"],
            confidence=row["confidence"],
            note=row["note"],
        )
    except VoicebillError as error:
        inner = error.path if isinstance(error, _Misplaced) else ()
        raise _Misplaced(("prices", at, *inner), error) from None


def _disputes(rows: Iterable[Mapping[str, Any]]) -> dict[str, tuple[Dispute, ...]]:
    disputes: dict[str, tuple[Dispute, ...]] = {}
    for row in rows:
        disputes[row["meter"]] = (*disputes.get(row["meter"], ()), Dispute(row["usd"], row["source"]))
    return disputes


def _refuse_overlaps(rows: tuple[PriceRow, ...]) -> None:
    ordered = sorted(rows, key=lambda row: row.since.first)
    for earlier, later in itertools.pairwise(ordered):
        if earlier.until is None or earlier.until.first > later.since.last:
            raise InvalidInput(f"the prices since {earlier.since} and since {later.since} overlap: give the first an 'until'")


def _regions(regions: str | tuple[str, ...], lists: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    if not isinstance(regions, str):
        return regions
    if regions not in lists:
        raise _Misplaced(("regions",), UnknownName("region list", regions, lists))
    return lists[regions]


def _alias_maker(file: _File) -> Callable[[dict[str, Any], TablePath], Alias]:
    def make(row: dict[str, Any], _: TablePath) -> Alias:
        source = "; ".join(file.sources(row))
        return Alias(file.provider(row), row["model"], row["version"], row["since"], row["until"], source)

    return make


def _lifecycle_maker(file: _File) -> Callable[[dict[str, Any], TablePath], Lifecycle]:
    def make(row: dict[str, Any], _: TablePath) -> Lifecycle:
        return Lifecycle(
            provider=file.provider(row),
            model=row["model"],
            version=row["version"],
            announced=row["announced"],
            shutdown=row["shutdown"],
            replacement=row["replacement"],
            checked=file.checked(row),
            source="; ".join(file.sources(row)),
            disputed=tuple((each["shutdown"], each["source"]) for each in row["disputed"]),
        )

    return make


def _surcharge_maker(file: _File) -> Callable[[dict[str, Any], TablePath], Surcharge]:
    def make(row: dict[str, Any], _: TablePath) -> Surcharge:
        if (row["factor"] is None) == (row["usd"] is None):
            raise InvalidInput("a surcharge has either a factor or usd")
        return Surcharge(
            name=row["name"],
            provider=file.provider(row),
            models=row["models"],
            factor=row["factor"],
            dollars=row["usd"],
            per=row["per"],
            checked=file.checked(row),
            source="; ".join(file.sources(row)),
            note=row["note"],
        )

    return make


def _availability_maker(file: _File) -> Callable[[dict[str, Any], TablePath], Availability]:
    def make(row: dict[str, Any], _: TablePath) -> Availability:
        return Availability(
            provider=file.provider(row),
            models=row["models"],
            deployment=row["deployment"],
            regions=row["regions"],
            checked=file.checked(row),
            source="; ".join(file.sources(row)),
            note=row["note"],
        )

    return make


def _rule_maker(file: _File) -> Callable[[dict[str, Any], TablePath], RuleRow]:
    def make(row: dict[str, Any], _: TablePath) -> RuleRow:
        try:
            value = parameter_value(row["parameter"], row["value"])
            disputed = tuple(parameter_value(row["parameter"], each) for each in row["disputed"])
        except UnknownName as error:
            raise _Misplaced(("parameter",), error) from None
        except InvalidInput as error:
            raise _Misplaced(("value",), error) from None
        evidence, basis = row["evidence"] or file.values["evidence"], row["basis"] or file.values["basis"]
        if evidence is None or basis is None:
            raise InvalidInput("a rule needs 'evidence' and 'basis', in the row or at the top of the file")
        return RuleRow(
            parameter=row["parameter"],
            value=value,
            evidence=evidence,
            basis=basis,
            models=row["models"],
            providers=row["providers"],
            disputed=disputed,
            sources=row["sources"] or file.values["sources"] or (),
            since=row["since"] or Day.parse("2024-10-01"),
            until=row["until"],
        )

    return make


def _rule_set(file: _File, rules: tuple[RuleRow, ...], known: Mapping[str, RuleSet]) -> RuleSet:
    name = file.values["name"]
    if name is None:
        file.faults.append(Fault((), "a file with [[rules]] needs a 'name' at its top"))
    elif name in known:
        file.faults.append(Fault(("name",), f"the rule set {name!r} exists already"))
    base = file.values["based_on"]
    if base is not None and base not in (*known, DEFAULT_RULES):
        file.faults.append(Fault(("based_on",), str(UnknownName("rule set", base, (*known, DEFAULT_RULES)))))
    return RuleSet(name or "", file.values["title"], base, rules, file.values["note"])
