"""Name the causes of a difference between recorded usage and a bill."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, get_args

from voicebill.billing.money import Amount

CauseName = Literal[
    "day-boundary",
    "cached-as-uncached",
    "duplicates",
    "open-counts",
    "responses-without-usage",
    "sessions-missing",
    "usage-not-billed",
    "deployment",
    "service-tier",
    "regional-uplift",
    "negotiated-rate",
    "price-change",
    "unpriced",
    "transcription",
    "other-models",
    "other-projects",
    "other-services",
    "purchases",
    "credits",
    "adjustments",
    "tax",
    "rounding",
    "currency",
]
"""What a difference can be due to, in the order in which causes are shown if their amounts are equal."""
CAUSE_NAMES: tuple[CauseName, ...] = get_args(CauseName)

CAUSE_TITLES: Mapping[CauseName, str] = {
    "day-boundary": "the bill's days begin at another hour (time zone)",
    "cached-as-uncached": "cached tokens counted as uncached",
    "duplicates": "responses recorded twice",
    "open-counts": "token counts that the log leaves open",
    "responses-without-usage": "responses whose usage is not in the log",
    "sessions-missing": "sessions that are not in the log",
    "usage-not-billed": "recorded usage that is not on this bill",
    "deployment": "billed as another deployment (Data Zone, regional)",
    "service-tier": "billed at another service tier",
    "regional-uplift": "uplift for regional processing or data residency",
    "negotiated-rate": "negotiated rate",
    "price-change": "a price that changed",
    "unpriced": "recorded usage without a price",
    "transcription": "transcription billed by its own model",
    "other-models": "models that are not in the log",
    "other-projects": "projects or resources that are not in the log",
    "other-services": "other services",
    "purchases": "purchases and commitments",
    "credits": "credits",
    "adjustments": "corrections and refunds",
    "tax": "tax",
    "rounding": "rounding on the bill",
    "currency": "the bill's currency",
}


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause, or several that the bill cannot tell apart, with what distinguishes it from others of that name.

    `detail` is the evidence in words, such as an hour, a ratio, or the names of models.
    """

    names: tuple[CauseName, ...]
    detail: str = ""

    @property
    def title(self) -> str:
        """The cause in words; with several, all of them."""
        return " or ".join(CAUSE_TITLES[name] for name in self.names)


@dataclass(slots=True)
class CauseSum:
    """What a cause amounts to: picodollars on the bill beyond what was recorded, and where it was seen.

    `moved` is the sum of its amounts, whatever their signs: a day's usage may be on another day of the same bill.
    """

    cause: Cause
    amount: Amount = 0
    moved: Amount = 0
    days: set[date] = field(default_factory=set)
    models: set[str] = field(default_factory=set)
    accounts: set[str] = field(default_factory=set)
