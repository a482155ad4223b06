"""Report the rules by which a model's conversations are counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from voicebill.answers.reports.provenance import RuleReport, rule_reports
from voicebill.answers.reports.report import DayText, Report, package_version
from voicebill.billing.offers import Offer
from voicebill.conversation.rules import EffectiveRules


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRulesReport(Report):
    """The rules for a model on a day."""

    voicebill: str
    """Version of voicebill."""
    offer: str
    """Id of the model's offer."""
    day: DayText
    """Day of the rules."""
    name: str
    """Name of the rule set, such as `recorded-2026-11-27`."""
    digest: str
    """Digest of the rules; it changes with every value."""
    evidence: Mapping[str, RuleReport]
    """The rules by name, each with its value and evidence."""

    @classmethod
    def of(cls, offer: Offer, rules: EffectiveRules, day: date) -> "ModelRulesReport":
        """The rules of an offer's model."""
        return cls(
            voicebill=package_version(),
            offer=offer.id,
            day=day.isoformat(),
            name=rules.name,
            digest=rules.digest,
            evidence=rule_reports(rules),
        )
