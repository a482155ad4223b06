"""Look up vendors' rate limits (quotas), and how vendors count usage against them.

A quota does not change a bill, but it is a dated fact with a source like every price.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from voicebill.billing.errors import UnknownName
from voicebill.billing.offers import Offer
from voicebill.billing.validity import PartialDate, describe_coverage, effective_row, is_effective

RequestUnit = Literal["response", "session"]
"""What a request limit counts: every billed model call, or every new session."""

Evidence = Literal["documented", "measured", "reported", "inferred", "assumed", "defined", "stated", "unknown"]
"""What supports a value: a document, a measurement, a report by others, an inference, an assumption, a definition, or the
user's setting."""


@dataclass(frozen=True, slots=True)
class Quota:
    """The limits per minute of a deployment of some models, by customer tier. None: no source gives the figure.

    `audio_minutes_per_minute` limits models that are billed by the minute of audio.
    """

    provider: str
    models: tuple[str, ...]
    deployment: str
    tiers: tuple[str, ...]
    since: PartialDate
    until: PartialDate | None
    tokens_per_minute: int | None
    requests_per_minute: int | None
    sessions: int | None
    audio_minutes_per_minute: int | None
    checked: date
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class QuotaCountingRule:
    """How a provider counts usage against its limits, with the evidence: whether cached tokens count, and what a request is.

    `per` names what has its own limit, `scope` what shares a limit, and `output` how tokens that are not yet generated count.
    """

    provider: str
    cached_tokens: bool
    request_unit: RequestUnit
    per: str
    scope: str
    output: str
    evidence: Evidence
    basis: str
    since: PartialDate
    until: PartialDate | None
    checked: date
    source: str


@dataclass(frozen=True, slots=True)
class Quotas:
    """All known quotas and counting rules."""

    rows: tuple[Quota, ...] = ()
    counting_rules: tuple[QuotaCountingRule, ...] = ()

    def quotas_of(self, offer: Offer, day: date) -> tuple[Quota, ...]:
        """The quotas published for an offer on a day, one per group of tiers; empty if nothing is published."""
        return tuple(row for row in self._rows_of(offer) if is_effective(row, day))

    def find(self, offer: Offer, day: date, tier: str | None = None) -> Quota | None:
        """The quota of a tier, by default the lowest; None if no quota is published for the offer on that day.

        >>> from voicebill.facts import load_facts
        >>> facts, day = load_facts(), date(2026, 11, 22)
        >>> offer = facts.prices.quote("gpt-realtime", day=day, provider="azure").offer
        >>> facts.quotas.find(offer, day).tokens_per_minute, facts.quotas.find(offer, day, "tier-6").tokens_per_minute
        (100000, 150000)

        Raises:
            UnknownName: no quota is published for that tier, or quotas of the offer are, but not for that tier.
        """
        rows, all_tiers = self.quotas_of(offer, day), tiers(self.rows)
        if not rows and tier is not None and all_tiers and tier not in all_tiers:
            raise UnknownName("quota tier", tier, all_tiers, field="tier")
        if not rows:
            return None
        if tier is None:
            return min(rows, key=lambda row: row.tiers)
        quota = next((row for row in rows if tier in row.tiers), None)
        if quota is None:
            raise UnknownName(
                "quota tier", tier, [name for row in rows for name in row.tiers], context=f" of {offer.name}", field="tier"
            )
        return quota

    def explain_missing(self, offer: Offer, day: date) -> str:
        """Text that says why an offer has no quota on a day, with the days for which quotas are known."""
        rows = self._rows_of(offer)
        then = f"; figures are known {describe_coverage(rows)}" if rows else ""
        how = "" if offer.deployment == "global" else f" as {offer.deployment}"
        return f"no quota of {offer.name} at {offer.provider}{how} is published for {day}{then}"

    def counting_rule(self, provider: str, day: date) -> QuotaCountingRule | None:
        """How a provider counts usage against its limits on a day; None if unknown."""
        return effective_row((row for row in self.counting_rules if row.provider == provider), day)

    def _rows_of(self, offer: Offer) -> list[Quota]:
        names = {offer.model, offer.name, *offer.also_named}
        return [
            row
            for row in self.rows
            if (row.provider, row.deployment) == (offer.provider, offer.deployment) and names & set(row.models)
        ]


def tiers(rows: Iterable[Quota]) -> list[str]:
    """The names of the tiers of some quotas, in alphabetical order."""
    return sorted({name for row in rows for name in row.tiers})
