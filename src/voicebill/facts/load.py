"""Load facts from TOML files: prices, rules, stacks, transports and capacity.

The package's own files are always read; users may add files. An invalid file reports all its errors at once, each with its
line.
"""

import pickle
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from os import PathLike
from pathlib import Path
from typing import TypeVar

from voicebill.answers.catalog.facts import Facts
from voicebill.answers.catalog.latency import Latency
from voicebill.answers.catalog.mechanics import Mechanics
from voicebill.answers.catalog.stacks import ROLE_KINDS, Stack
from voicebill.answers.catalog.transports import TransportProfile
from voicebill.answers.parameters.table_schema import Issue, TablePath, Values, read_table
from voicebill.billing.currency import Currency
from voicebill.billing.errors import InvalidInput, UnknownName, VoicebillError
from voicebill.billing.meters import Meter
from voicebill.billing.offers import Offer, PriceRow
from voicebill.billing.price_book import Adjustment, Alias, Availability, Lifecycle, PriceBook, Surcharge, UnpricedProvider
from voicebill.billing.provisioned_throughput import HourlyPrice, ProvisionedThroughput, Reservation, Throughput
from voicebill.billing.quotas import Quota, QuotaCountingRule, Quotas
from voicebill.conversation.rules import HISTORY_SWITCHES, PARAMETERS, HistoryPolicy, RuleBook, RuleSet
from voicebill.facts.builders import RowBuilder, require_no_overlap
from voicebill.facts.files import InvalidFile, Traversable, read_toml
from voicebill.facts.prepared import read_prepared, write_prepared
from voicebill.facts.schema import file_schema

DEFAULT_RULES = "recorded-2026-11-27"
NEUTRAL_RULES = "neutral"
"""The rules of a provider that says nothing about them."""

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
"""The defaults for all rows of a file that does not give its own valid ones."""

RowValue = TypeVar("RowValue")


def load_facts(*extra_files: str | PathLike[str]) -> Facts:
    """Return the package's facts, and those of additional files.

    >>> len(load_facts().prices.offers) > 100
    True

    Raises:
        UnreadableFile: one of the files cannot be read.
        InvalidFile: one of the files has errors; the text lists all of them with their lines.
    """
    if extra_files:
        own_files = {Path(file).resolve(): Path(file) for file in extra_files}  # a file that is named twice is read once
        builder = _packaged_builder()
        builder.replaces_rules = True
        builder.add_files(own_files.values())
        return builder.build()
    return _packaged_facts()


def prepare_facts() -> None:
    """Write the prepared form of the package's facts."""
    write_prepared(pickle.dumps(_read_packaged_files()))


@lru_cache(maxsize=1)
def _packaged_facts() -> Facts:
    return _packaged_builder().build()


def _packaged_builder() -> "_FactsBuilder":
    """The package's own facts, from their prepared form if there is one of these files."""
    form = read_prepared()
    if form is None:
        return _read_packaged_files()
    builder: _FactsBuilder = pickle.loads(form)
    return builder


def _read_packaged_files() -> "_FactsBuilder":
    builder = _FactsBuilder()
    builder.add_files(_packaged_files())
    return builder


def _packaged_files() -> Iterator[Traversable]:
    from importlib.resources import files  # noqa: PLC0415 - costs start-up time, and the prepared form needs no file

    root = files("voicebill.facts")
    for folder in (root, root / "prices", root / "rules", root / "providers", root / "alternatives"):
        yield from sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)


class _FactsFile:
    """A facts file: its checked tables, and the errors found so far."""

    def __init__(self, file: Traversable, meters: Collection[str]) -> None:
        self.name = str(file)
        tables, self.lines = read_toml(file)
        if "turns" in tables:
            suggestion = ("plan", "estimate --plan") if "minutes" in tables else ("script", "simulate")
            raise InvalidInput(f"{file} looks like a {suggestion[0]}, not prices or rules: use voicebill {suggestion[1]}")
        self.issues: list[Issue] = []
        self.model_aliases = _take_model_aliases(tables, self.issues)
        meter_names = {*meters, *(str(row.get("name")) for row in _tables(tables.get("meters")))}
        self.values = read_table(tables, file_schema(sorted(meter_names)), self.issues)
        self.row_builder = RowBuilder({**DEFAULTS, **self.values})

    def build(self, key: str, build_row: Callable[[Values], RowValue]) -> tuple[RowValue, ...]:
        """Build a value from each valid row of a key. A row that cannot be built becomes an error."""
        values = []
        for index, row in enumerate(self.values.get(key, ())):
            if row is None:
                continue
            try:
                values.append(build_row(row))
            except VoicebillError as error:
                self.issues.append(Issue((key, index), str(error)))
        return tuple(values)

    def raise_if_invalid(self) -> None:
        if self.issues:
            raise InvalidFile(self.name, self.issues, self.lines)


def _take_model_aliases(tables: dict[str, object], issues: list[Issue]) -> dict[str, str]:
    """Remove a table `[aliases]` of models by names from a file's tables; a list `[[aliases]]` of versions stays."""
    table = tables.get("aliases")
    if not isinstance(table, dict):
        return {}
    del tables["aliases"]
    models: dict[str, str] = {}
    taken: set[str] = set()
    for name, model in table.items():
        path: TablePath = ("aliases", name)
        if isinstance(model, dict):
            path = (*path, str(next(iter(model), "")))
            reason = "must be the name of a model: put a name with dots in quotation marks"
        elif not isinstance(model, str) or not model.strip():
            reason = "must be the name of a model, such as 'gpt-realtime'"
        elif not name.strip() or name.strip().lower() in taken:
            reason = "must be a name that occurs once, in whatever case"
        else:
            models[name] = model.strip()
            taken.add(name.strip().lower())
            continue
        issues.append(Issue(path, f"{'.'.join(map(str, path[1:]))}: {reason}"))
    return models


def _tables(rows: object) -> list[Values]:
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


@dataclass
class _FactsBuilder:
    """The facts of the files read so far, by name if they have one."""

    meters: dict[str, Meter] = field(default_factory=dict)
    offers: dict[str, Offer] = field(default_factory=dict)
    history_policies: dict[str, HistoryPolicy] = field(default_factory=dict)
    rule_sets: dict[str, RuleSet] = field(default_factory=dict)
    default_rules: dict[str, str] = field(default_factory=dict)
    """The rule set of each provider that has one."""
    replaces_rules: bool = False
    """Whether the rule sets of the files that are added take the place of earlier ones of the same providers."""
    aliases: list[Alias] = field(default_factory=list)
    model_aliases: dict[str, str] = field(default_factory=dict)
    lifecycle: list[Lifecycle] = field(default_factory=list)
    surcharges: list[Surcharge] = field(default_factory=list)
    availability: list[Availability] = field(default_factory=list)
    contracted: dict[str, tuple[PriceRow, ...]] = field(default_factory=dict)
    adjustments: list[Adjustment] = field(default_factory=list)
    currencies: list[Currency] = field(default_factory=list)
    unpriced_providers: list[UnpricedProvider] = field(default_factory=list)
    stacks: dict[str, Stack] = field(default_factory=dict)
    latencies: list[Latency] = field(default_factory=list)
    mechanics: list[Mechanics] = field(default_factory=list)
    transports: dict[str, TransportProfile] = field(default_factory=dict)
    throughputs: list[Throughput] = field(default_factory=list)
    hourly_prices: list[HourlyPrice] = field(default_factory=list)
    reservations: list[Reservation] = field(default_factory=list)
    quotas: list[Quota] = field(default_factory=list)
    counting_rules: list[QuotaCountingRule] = field(default_factory=list)

    def add_files(self, sources: Iterable[Traversable]) -> None:
        """Add file by file: a later one may use the meters, models and rule sets of those before it.

        Raises:
            UnreadableFile: one of them cannot be read.
            InvalidFile: one of them has errors.
        """
        for source in sources:
            self._add(_FactsFile(source, self.meters))

    def _add(self, file: _FactsFile) -> None:
        """Add a file. The models that it names must be known by then.

        Raises:
            InvalidFile: it has errors.
        """
        _add_meters(file, self.meters)
        _add_offers(file, self.offers)
        self._add_offer_data(file)
        self._add_stacks_and_transports(file)
        self._add_capacity(file)
        _add_history_policies(file, self.history_policies)
        for rule_set in _add_rules(file, self.rule_sets, self.offers.values()):
            for provider in rule_set.providers:
                if self.replaces_rules or rule_set.name == DEFAULT_RULES or provider not in self.default_rules:
                    self.default_rules[provider] = rule_set.name
        file.raise_if_invalid()

    def _add_offer_data(self, file: _FactsFile) -> None:
        """Add what is known about offers in addition to their prices."""
        self.aliases += file.build("aliases", file.row_builder.alias)
        self.lifecycle += file.build("lifecycle", file.row_builder.lifecycle)
        self.surcharges += file.build("surcharges", file.row_builder.surcharge)
        self.availability += file.build("availability", file.row_builder.availability)
        self.unpriced_providers += file.build("unpriced_providers", file.row_builder.unpriced_provider)
        _add_model_aliases(file, self.model_aliases, self.offers.values())
        _add_currencies(file, self.currencies)
        _add_contracted(file, self.contracted, self.offers)
        _add_adjustments(file, self.adjustments)
        file.issues += _unknown_names(file, "adjustments", list(self.offers.values()))

    def _add_stacks_and_transports(self, file: _FactsFile) -> None:
        """Add stacks, latencies and transports."""
        self.latencies += file.build("latency", file.row_builder.latency)
        self.mechanics += file.build("mechanics", file.row_builder.mechanics)
        file.issues += _unknown_names(file, "mechanics", list(self.offers.values()))
        self.transports.update((row.name, row) for row in file.build("transports", file.row_builder.transport))
        _add_stacks(file, self.stacks, list(self.offers.values()))

    def _add_capacity(self, file: _FactsFile) -> None:
        """Add quotas and provisioned throughput."""
        self.throughputs += file.build("provisioned_models", file.row_builder.throughput)
        self.hourly_prices += file.build("provisioned_hours", file.row_builder.hourly_price)
        self.reservations += file.build("provisioned_reservations", file.row_builder.reservation)
        _add_quotas(file, self.quotas)
        self.counting_rules += file.build("counting", file.row_builder.counting_rule)

    def build(self) -> Facts:
        """Return all facts, with the default rules first."""
        prices = PriceBook(
            meters=self.meters,
            offers=tuple(self.offers.values()),
            aliases=tuple(self.aliases),
            lifecycle=tuple(self.lifecycle),
            surcharges=tuple(self.surcharges),
            availability=tuple(self.availability),
            contracted=self.contracted,
            adjustments=tuple(self.adjustments),
            currencies=tuple(self.currencies),
            unpriced_providers=tuple(self.unpriced_providers),
            model_aliases=self.model_aliases,
        )
        ordered = sorted(self.rule_sets.values(), key=lambda rule_set: rule_set.name != DEFAULT_RULES)
        return Facts(
            prices=prices,
            rules=RuleBook(tuple(ordered), self.history_policies, self.default_rules, NEUTRAL_RULES),
            provisioned=ProvisionedThroughput(tuple(self.throughputs), tuple(self.hourly_prices), tuple(self.reservations)),
            stacks=tuple(self.stacks.values()),
            latencies=tuple(self.latencies),
            mechanics=tuple(self.mechanics),
            transports=tuple(self.transports.values()),
            quotas=Quotas(tuple(self.quotas), tuple(self.counting_rules)),
        )


def _add_meters(file: _FactsFile, meters: dict[str, Meter]) -> None:
    def add(row: Values) -> None:
        meter = file.row_builder.meter(row)
        if meter.name in meters:
            raise InvalidInput(f"the meter {meter.name} exists already")
        meters[meter.name] = meter

    file.build("meters", add)
    for index, row in enumerate(file.values.get("meters", ())):
        uncached_meter = meters.get(row["uncached_meter"]) if row and row["uncached_meter"] else None
        if row and row["uncached_meter"] and (uncached_meter is None or uncached_meter.unit != row["unit"]):
            message = f"uncached_meter: no meter of the same unit is named {row['uncached_meter']!r}"
            file.issues.append(Issue(("meters", index, "uncached_meter"), message))


def _add_offers(file: _FactsFile, offers: dict[str, Offer]) -> None:
    def add(row: Values) -> None:
        offer = file.row_builder.offer(row)
        if offer.id in offers:
            raise InvalidInput(f"the offer {offer.id} exists already")
        offers[offer.id] = offer

    file.build("offers", add)


def _add_adjustments(file: _FactsFile, adjustments: list[Adjustment]) -> None:
    def add(row: Values) -> None:
        adjustment = file.row_builder.adjustment(row)
        same_name = [other for other in adjustments if other.name == adjustment.name]
        require_no_overlap([*same_name, adjustment], f"adjustments named {adjustment.name!r}")
        adjustments.append(adjustment)

    file.build("adjustments", add)


def _add_currencies(file: _FactsFile, currencies: list[Currency]) -> None:
    def add(row: Values) -> None:
        currency = file.row_builder.currency(row)
        require_no_overlap([*currencies, currency], "currencies")
        currencies.append(currency)

    file.build("currencies", add)


def _add_model_aliases(file: _FactsFile, model_aliases: dict[str, str], offers: Iterable[Offer]) -> None:
    """Add names for models. A later file's names replace those of an earlier one."""
    models = {name.lower(): name for offer in offers for name in (offer.model, offer.name, *offer.also_named)}
    for name, model in file.model_aliases.items():
        if model.lower() in models:
            model_aliases[name.strip().lower()] = models[model.lower()]
        else:
            error = UnknownName("model", model, models.values())
            file.issues.append(Issue(("aliases", name), f"{name}: {error}"))


def _add_stacks(file: _FactsFile, stacks: dict[str, Stack], offers: list[Offer]) -> None:
    def add(row: Values) -> None:
        stack = file.row_builder.stack(row)
        if stack.name in stacks:
            raise InvalidInput(f"the stack {stack.name} exists already")
        for role, models in stack.models.items():
            kinds = {ROLE_KINDS[role], "realtime"} if role == "tts" else {ROLE_KINDS[role]}
            candidates = (offer for offer in offers if offer.kind in kinds)
            names = {name for offer in candidates for name in (offer.model, offer.name, *offer.also_named)}
            for model in models:
                if model not in names:
                    raise UnknownName(f"{role} model", model, names)
        stacks[stack.name] = stack

    file.build("stacks", add)


def _add_quotas(file: _FactsFile, quotas: list[Quota]) -> None:
    """Add quotas. A model has one quota per tier at a time."""

    def add(row: Values) -> None:
        quota = file.row_builder.quota(row)
        for model, tier in product(quota.models, quota.tiers):
            same_tier = [
                other
                for other in quotas
                if _quota_sku(other) == _quota_sku(quota) and model in other.models and tier in other.tiers
            ]
            require_no_overlap([*same_tier, quota], f"quotas of {model} in {tier}")
        quotas.append(quota)

    file.build("quotas", add)


def _quota_sku(quota: Quota) -> tuple[str, str]:
    return quota.provider, quota.deployment


def _add_contracted(file: _FactsFile, contracted: dict[str, tuple[PriceRow, ...]], offers: Mapping[str, Offer]) -> None:
    def add(row: Values) -> None:
        if row["offer"] not in offers:
            raise UnknownName("offer", row["offer"], offers, remedy="voicebill prices lists the ids")
        if row["offer"] in contracted:
            raise InvalidInput(f"{row['offer']} has contracted prices already: put all rows under one [[contracted]]")
        contracted[row["offer"]] = file.row_builder.contracted_prices(row)

    file.build("contracted", add)


def _add_history_policies(file: _FactsFile, policies: dict[str, HistoryPolicy]) -> None:
    """Add the file's history policies, and find rules that name one that does not exist."""

    def add(row: Values) -> None:
        if row["name"] in policies:
            raise InvalidInput(f"the history policy {row['name']!r} exists already")
        policies[row["name"]] = HistoryPolicy(**row)

    file.build("history_policies", add)
    for index, row in enumerate(file.values.get("rules", ())):
        if row and row["parameter"] == "history":
            for name in (row["value"], *row["disputed"], *(row["range"] or ())):
                if name not in policies:
                    file.issues.append(Issue(("rules", index), str(UnknownName("history policy", name, policies))))


def _add_rules(file: _FactsFile, rule_sets: dict[str, RuleSet], offers: Iterable[Offer]) -> Iterator[RuleSet]:
    """Add the file's rule set, if it has one, and yield it."""
    rules = file.build("rules", file.row_builder.rule)
    name, base = file.values.get("name"), file.values.get("based_on")
    if name is None and not file.values.get("rules"):
        return
    if name is None:
        file.issues.append(Issue((), "a file with [[rules]] needs a 'name' at its top"))
        return
    if name in rule_sets:
        file.issues.append(Issue(("name",), f"the rule set {name!r} exists already"))
        return
    file.issues += [*_unknown_names(file, "rules", list(offers)), *_duplicates(file)]
    provider = file.values.get("provider")
    providers = file.values.get("providers") or ((provider,) if provider else ())
    rule_sets[name] = RuleSet(name, file.values.get("title", ""), base, rules, file.values.get("note", ""), providers)
    yield rule_sets[name]
    if base is not None and base not in (*rule_sets, DEFAULT_RULES):
        file.issues.append(Issue(("based_on",), str(UnknownName("rule set", base, (*rule_sets, DEFAULT_RULES)))))
    unscoped = {row.parameter for row in rules if not (row.models or row.providers or row.kinds)}
    missing = set(PARAMETERS) - set(HISTORY_SWITCHES) - unscoped
    if base is None and missing and not providers and not file.issues:
        message = (
            f"{len(missing)} of {len(PARAMETERS)} parameters have no value for every model: add based_on = "
            f'"{DEFAULT_RULES}", or the providers whose models the rules describe'
        )
        file.issues.append(Issue(("name",), message))


def _duplicates(file: _FactsFile) -> Iterator[Issue]:
    """Find rules that give a parameter two values for the same models, providers and days."""
    seen: set[tuple[object, ...]] = set()
    for index, row in enumerate(file.values.get("rules", ())):
        if row is None:
            continue
        key = tuple(row[name] for name in ("parameter", "models", "providers", "kinds", "since"))
        if key in seen:
            yield Issue(("rules", index), f"{row['parameter']} has a value for these models already")
        seen.add(key)


def _unknown_names(file: _FactsFile, table: str, offers: list[Offer]) -> Iterator[Issue]:
    """Find rows for models or providers without an offer: they would never be used, without any notice."""
    names_by_key: Mapping[str, set[str]] = {
        "models": {name for offer in offers for name in (offer.model, offer.name, *offer.also_named)},
        "providers": {offer.provider for offer in offers},
    }
    for index, row in enumerate(file.values.get(table, ())):
        for key, names in names_by_key.items():
            for name in row.get(key, ()) if row else ():
                if name not in names:
                    yield Issue((table, index, key), str(UnknownName(key.removesuffix("s"), name, names)))
