"""Say in a line how a provider bills a conversation, what its logs report, and what is not known of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from voicebill.billing.offers import Offer

UsageReports = Literal["per response", "per turn, with the whole context", "running totals", "none"]
"""What the provider's events report: each response by itself, each turn with all that it read again (all of them are
billed), totals so far (the last is billed), or no usage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mechanics:
    """How a provider bills a conversation with some of its models (empty: all others).

    `billing` is one line that follows the name of a model. `on_units` says how it can use provisioned units. `limits` are those
    of sessions and connections; `unpublished` is what was looked for and not found, so that nothing is estimated from it.
    """

    provider: str
    title: str
    billing: str
    usage_reports: UsageReports
    checked: date
    source: str
    models: tuple[str, ...] = ()
    limits: str = ""
    on_units: str = ""
    unpublished: tuple[str, ...] = ()

    def describes(self, offer: Offer) -> bool:
        """Whether it is about an offer."""
        names = {offer.model, offer.name, *offer.also_named}
        return self.provider == offer.provider and (not self.models or not names.isdisjoint(self.models))


def mechanics_of(offer: Offer, rows: Iterable[Mechanics]) -> Mechanics | None:
    """How an offer is billed: the row that names its model, else the one for all models of its provider; None without one."""
    describing = [row for row in rows if row.describes(offer)]
    return max(describing, key=lambda row: bool(row.models), default=None)
