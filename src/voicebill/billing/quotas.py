"""Quotas: how much a vendor lets through in a minute, and how it counts what is let through.

A quota is no price: it changes nothing on a bill. It is a dated fact all the same, with its source.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from voicebill.billing.dated import Day, holds_on, in_force, known_range
from voicebill.billing.errors import UnknownName
from voicebill.billing.offers import Offer

RequestIs = Literal["response", "session"]
"""What a limit on requests counts: every charged model call, or every new connection."""

Evidence = Literal["documented", "measured", "inferred", "assumed", "defined"]


@dataclass(frozen=True, slots=True)
class Quota:
    """What a deployment of some models lets through in a minute, by the customer's tier; None: no source gives it."""

    provider: str
    models: tuple[str, ...]
    deployment: str
    tiers: tuple[str, ...]
    since: Day
    until: Day | None
    tokens_per_minute: int | None
    requests_per_minute: int | None
    sessions: int | None
    checked: date
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Counting:
    """How a provider counts against its limits: cached tokens too or not, and what a request is; with what speaks for it.

    `per` names what has a limit of its own, `scope` says what shares one, `output` how tokens count that are yet to come.
    """

    provider: str
    cached_tokens: bool
    request_is: RequestIs
    per: str
    scope: str
    output: str
    evidence: Evidence
    basis: str
    since: Day
    until: Day | None
    checked: date
    source: str


@dataclass(frozen=True, slots=True)
class Quotas:
    """All that is known of quotas."""

    rows: tuple[Quota, ...] = ()
    counting: tuple[Counting, ...] = ()

    def of(self, offer: Offer, day: date) -> tuple[Quota, ...]:
        """The quotas published for an offer on a day, one per row of tiers; none where nothing is published."""
        return tuple(row for row in self._named(offer) if holds_on(row, day))

    def find(self, offer: Offer, day: date, tier: str | None = None) -> Quota | None:
        """The quota of a tier, or of the lowest; None where nothing is published for the offer on that day.

        >>> from voicebill.facts import load
        >>> facts, day = load(), date(2026, 11, 22)
        >>> offer = facts.prices.find("gpt-realtime", day=day, provider="azure").offer
        >>> facts.quotas.find(offer, day).tokens_per_minute, facts.quotas.find(offer, day, "tier-6").tokens_per_minute
        (100000, 150000)

        Raises:
            UnknownName: quotas are published, but not of that tier.
        """
        rows = self.of(offer, day)
        if not rows:
            return None
        if tier is None:
            return min(rows, key=lambda row: row.tiers)
        found = next((row for row in rows if tier in row.tiers), None)
        if found is None:
            raise UnknownName("quota tier", tier, [name for row in rows for name in row.tiers], of=f" of {offer.name}")
        return found

    def missing(self, offer: Offer, day: date) -> str:
        """Why there is no quota of an offer on a day, in words, with the days on which there was one."""
        known = self._named(offer)
        then = f"; figures are known {known_range(known)}" if known else ""
        how = "" if offer.deployment == "global" else f" as {offer.deployment}"
        return f"no quota of {offer.name} at {offer.provider}{how} is published for {day}{then}"

    def counted(self, provider: str, day: date) -> Counting | None:
        """How a provider counts against its limits on a day, as far as it is known."""
        return in_force((row for row in self.counting if row.provider == provider), day)

    def _named(self, offer: Offer) -> list[Quota]:
        names = {offer.model, offer.name, *offer.also_named}
        return [
            row
            for row in self.rows
            if (row.provider, row.deployment) == (offer.provider, offer.deployment) and names & set(row.models)
        ]


def tiers(rows: Iterable[Quota]) -> list[str]:
    """The tiers that some quotas are published for, the lowest first."""
    return sorted({name for row in rows for name in row.tiers})
