"""State which records are asked about, and how they are grouped."""

from dataclasses import dataclass
from datetime import date

from voicebill.answers.recorded.filters import Condition, parse_field
from voicebill.billing.errors import InvalidInput, UnknownName
from voicebill.billing.price_book import PriceBook
from voicebill.billing.sku_periods import normalize_name

MAX_GROUP_FIELDS = 6
CHRONOLOGICAL_FIELDS = ("month", "day", "hour", "turn")
"""Groups by these come in their order; all others begin with the dearest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostQuery:
    """Which records, and grouped by what.

    `where` is a condition, such as `condition("turn > 1")`. `until` is exclusive. `calls` asks for what sessions cost, which
    takes longer.

    `provider`, `deployment` and `tier` are taken where a record names none; then the answer says so.
    """

    by: tuple[str, ...] = ()
    where: Condition | None = None
    since: date | None = None
    until: date | None = None
    top: int | None = None
    calls: bool = True
    provider: str = "openai"
    deployment: str = "global"
    region: str = ""
    tier: str = "standard"

    def __post_init__(self) -> None:
        if isinstance(self.by, str) or isinstance(self.where, str):
            raise InvalidInput("must be a tuple of fields, and where a filter: parse_filter('turn > 1')", field="by")
        names = tuple(parse_field(name) for name in self.by)
        if len(set(names)) < len(names):
            raise InvalidInput(f"must name each field once, not {', '.join(names)}", field="by")
        if len(names) > MAX_GROUP_FIELDS:
            raise InvalidInput(f"must be at most {MAX_GROUP_FIELDS} fields, not {len(names)}", field="by")
        object.__setattr__(self, "by", names)
        for name in ("provider", "deployment", "region", "tier"):
            object.__setattr__(self, name, normalize_name(getattr(self, name)))
        if self.top is not None and self.top < 1:
            raise InvalidInput(f"must be 1 or more, not {self.top}", field="top")
        if self.since and self.until and self.since >= self.until:
            raise InvalidInput(f"({self.until}, exclusive) must be after since ({self.since})", field="until")


def validate_sku(query: CostQuery, prices: PriceBook) -> None:
    """Refuse a provider or a deployment that nobody has, before anything is read.

    Raises:
        UnknownName: there is none of that name; the nearest are given.
    """
    providers = {offer.provider for offer in prices.offers}
    if query.provider not in providers:
        raise UnknownName("provider", query.provider, providers)
    deployments = {offer.deployment for offer in prices.offers}
    if query.deployment not in deployments:
        raise UnknownName("deployment", query.deployment, deployments)
