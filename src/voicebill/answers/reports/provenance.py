"""Report what an answer is based on: the offer, its prices, and the rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar

from voicebill.answers.estimates.model_selection import ResolvedModel
from voicebill.answers.reports.report import DayText, Report, left_out, plain_value
from voicebill.billing.offers import Offer
from voicebill.billing.price_book import Quote
from voicebill.conversation.rules import EffectiveRules, RuleRow


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferReport(Report):
    """An offer: a model of a provider in a deployment."""

    id: str = field(metadata={"examples": ["openai/gpt-realtime-1.5"]})
    """Identifier of the offer."""
    provider: str
    """Provider, such as openai or azure."""
    model: str
    """Model, without its version."""
    version: str | None
    """Version of the model, usually its date; null without one."""
    deployment: str
    """Deployment: global, data-zone or regional."""
    region: str | None
    """Region of the price; null if the price does not depend on it."""
    tier: str
    """Service tier, such as standard."""
    regions: tuple[str, ...] = field(default_factory=left_out)
    """Regions in which the price applies, empty if everywhere. Only of an offer that cannot serve the plan."""

    @classmethod
    def of(cls, offer: Offer, quote: Quote | None) -> "OfferReport":
        """An offer, with the region of its quote or, without one, with all its regions."""
        if quote is None:
            return cls(**offer_values(offer), regions=offer.regions)
        return cls(**offer_values(offer, quote.region))


def offer_values(offer: Offer, region: str | None = None) -> dict[str, Any]:
    """The fields of an offer that all its reports have."""
    return {
        "id": offer.id,
        "provider": offer.provider,
        "model": offer.model,
        "version": offer.version,
        "deployment": offer.deployment,
        "region": region,
        "tier": offer.tier,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class PricesReport(Report):
    """The prices in use."""

    digest: str
    """Digest of the price book; it changes with every price."""
    since: str
    """First day of the prices; may be a month or year if the day is not known."""
    checked: DayText
    """Day on which the prices were last compared with their sources."""
    sources: tuple[str, ...]
    """Where the prices were read."""
    contract: tuple[str, ...]
    """Contract terms in the prices, as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleReport(Report):
    """The value of a rule, with its evidence."""

    value: int | bool | str
    """The value; a decimal is a string."""
    evidence: str = field(metadata={"examples": ["measured"]})
    """Kind of evidence: documented, measured, reported, inferred, assumed, defined or stated."""
    basis: str
    """What was measured, or what the value is assumed to resemble."""
    disputed: tuple[int | bool | str, ...]
    """Other values that sources give."""
    sample_size: int | None
    """Number of measurements; null where it is not counted."""
    range: tuple[int | bool | str, ...] | None
    """The low and the high end within which the value may lie; null where none is known."""

    @classmethod
    def of(cls, row: RuleRow) -> "RuleReport":
        """A row of a rule set."""
        return cls(
            value=plain_value(row.value),
            evidence=row.evidence,
            basis=row.basis,
            disputed=tuple(plain_value(value) for value in row.disputed),
            sample_size=row.sample_size,
            range=None if row.range is None else tuple(plain_value(value) for value in row.range),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RulesReport(Report):
    """The rules in use."""

    IS_SHARED: ClassVar = True

    name: str = field(metadata={"examples": ["recorded-2026-11-27"]})
    """Name of the rule set."""
    digest: str
    """Digest of the rules; it changes with every value."""
    evidence: Mapping[str, RuleReport]
    """The rules by name, each with its value and evidence."""

    def __eq__(self, other: object) -> bool:
        """Whether it is the same report: `Report` has no fields, so that by it all reports of a class would be equal."""
        return self is other

    def __hash__(self) -> int:
        return id(self)

    @classmethod
    def of(cls, rules: EffectiveRules) -> "RulesReport":
        """The rules of a model."""
        return _report_of_rules(rules)


@lru_cache(maxsize=128)
def _report_of_rules(rules: EffectiveRules) -> RulesReport:
    return RulesReport(name=rules.name, digest=rules.digest, evidence=rule_reports(rules))


def rule_reports(rules: EffectiveRules) -> Mapping[str, RuleReport]:
    """The rules by name, each with its evidence."""
    return {parameter: RuleReport.of(row) for parameter, row in rules.rows.items()}


def provenance_values(model: ResolvedModel) -> dict[str, Any]:
    """The fields that say on which day, offers, prices and rules an answer is based."""
    row = model.quote.rates.row
    return {
        "day": model.selection.day.isoformat(),
        "currency": "USD",
        "offer": OfferReport.of(model.quote.offer, model.quote),
        "transcription_offer": OfferReport.of(model.transcription.offer, model.transcription) if model.transcription else None,
        "prices": PricesReport(
            digest=model.facts.prices.digest,
            since=str(row.since),
            checked=row.checked.isoformat(),
            sources=row.sources,
            contract=tuple(model.facts.prices.contract_terms(model.quote.offer, model.selection.day)),
        ),
        "rules": RulesReport.of(model.effective_rules),
    }


def currency_values(model: ResolvedModel) -> dict[str, Any]:
    """The fields that describe the other currency of an answer; empty without one."""
    currency = model.currency
    if currency is None:
        return {}
    return {
        "currency": currency.code,
        "per_dollar": plain_value(currency.per_dollar),
        "since": str(currency.since),
        "source": currency.source,
    }
