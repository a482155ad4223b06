"""Define a cost query: which records are costed, and how they are grouped."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Self

from voicebill.answers.recorded.filters import Condition, parse_field
from voicebill.billing.errors import InvalidInput, UnknownName
from voicebill.billing.offers import DEFAULT_DEPLOYMENT, DEFAULT_PROVIDER
from voicebill.billing.price_book import PriceBook
from voicebill.billing.sku_periods import normalize_name

MAX_GROUP_FIELDS = 6
CHRONOLOGICAL_FIELDS = ("month", "day", "hour", "half_hour", "turn")
"""Groups by one of these fields are in chronological order; other groups begin with the highest amount."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostQuery:
    """A selection of records, and the fields by which they are grouped.

    `where` is a condition, such as `parse_filter("turn > 1")`. `until` is exclusive. `top` limits the groups to those with the
    highest amounts. `calls`: also compute what sessions cost, which takes longer.

    `provider`, `deployment`, `region` and `tier` are defaults for records that do not name one. If a provider or a deployment
    is taken from the defaults, the assumptions of the answer say so.
    """

    by: tuple[str, ...] = ()
    where: Condition | None = None
    since: date | None = None
    until: date | None = None
    top: int | None = None
    calls: bool = True
    provider: str = DEFAULT_PROVIDER
    deployment: str = DEFAULT_DEPLOYMENT
    region: str = ""
    tier: str = "standard"

    def __post_init__(self) -> None:
        if isinstance(self.by, str) or isinstance(self.where, str):
            raise InvalidInput("must be a tuple of fields, and where a filter: parse_filter('turn > 1')", field="by")
        names = tuple(parse_field(name, "by") for name in self.by)
        if len(set(names)) < len(names):
            raise InvalidInput(f"must name each field once, not {', '.join(names)}", field="by")
        if len(names) > MAX_GROUP_FIELDS:
            raise InvalidInput(f"must be at most {MAX_GROUP_FIELDS} fields, not {len(names)}", field="by")
        object.__setattr__(self, "by", names)
        for name in ("provider", "deployment", "region", "tier"):
            object.__setattr__(self, name, normalize_name(getattr(self, name)))
        if self.top is not None and self.top < 1:
            raise InvalidInput(f"must be 1 or more, not {self.top}", field="top")
        if self.top is not None and not self.by:
            raise InvalidInput("needs groups: give by, too", field="top", mentions=("by",))
        if self.since and self.until and self.since >= self.until:
            raise InvalidInput(
                f"({self.until}, exclusive) must be after since ({self.since})", field="until", mentions=("since",)
            )

    @classmethod
    def of(cls, values: Mapping[str, Any], prices: PriceBook, *, calls: bool = True) -> Self:
        """The query of values by the names of its fields; other names are left out.

        Raises:
            InvalidInput: a value is out of range.
            UnknownName: no offer has the provider or the deployment; the text names the closest names.
        """
        names = {field.name for field in fields(cls)}
        query = cls(**{name: value for name, value in values.items() if name in names}, calls=calls)
        providers = {offer.provider for offer in prices.offers} | {seller.name for seller in prices.unpriced_providers}
        if query.provider not in providers:
            raise UnknownName("provider", query.provider, providers)
        deployments = {offer.deployment for offer in prices.offers}
        if query.deployment not in deployments:
            raise UnknownName("deployment", query.deployment, deployments)
        return query
