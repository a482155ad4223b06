"""State what capacity is planned for: the busy hour, blocking, the service level, and the quota."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from voicebill.answers.parsing.quantities import format_percent
from voicebill.billing.errors import InvalidInput
from voicebill.billing.quotas import RequestUnit
from voicebill.billing.validation import Between, Number, to_decimal_between, to_share, validate

ASSUMED_DAYS, ASSUMED_BUSY_SHARE = Decimal(22), Decimal("0.17")
"""Business days a month, and the busy hour's share of a day: Cisco, CID course book, "Traffic Engineering", page 627."""

MAX_CALLS_OR_QUOTA = 10**12

PositiveShare = Annotated[Number, Between(0, 1, above=True, text="1 (100%)")]
QuotaLimit = Annotated[int, Between(1, MAX_CALLS_OR_QUOTA)]
SERVICE_SECONDS = Between(0, 86_400, text="86,400 s (a day)")


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """The share of calls to be answered within a number of seconds, where calls wait in a queue.

    >>> str(ServiceLevel(Decimal("0.8"), Decimal(20)))
    '80% within 20 s'
    """

    share: Number = Decimal("0.8")
    seconds: Number = Decimal(20)

    def __post_init__(self) -> None:
        object.__setattr__(self, "share", to_share("service_level", self.share))
        object.__setattr__(self, "seconds", to_decimal_between("service_level", self.seconds, SERVICE_SECONDS))
        if self.share == 1:
            raise InvalidInput("must be less than 100%: no number of channels is never busy", field="service_level")

    def __str__(self) -> str:
        return f"{format_percent(float(self.share))} within {self.seconds} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityTargets:
    """What capacity is planned for. None: as published, or else as assumed, which the answer says.

    `calls_per_hour` are the calls in the busy hour, instead of a volume with its `busy_hour_share` and `days` per month.
    `exceedance` is the share of minutes in which calls may need more than the quota.
    """

    calls_per_hour: Annotated[Number | None, Between(0, MAX_CALLS_OR_QUOTA, above=True)] = None
    busy_hour_share: PositiveShare | None = None
    days: Annotated[Number | None, Between(0, 31, above=True)] = None
    blocking_probability: PositiveShare = Decimal("0.01")
    service_level: ServiceLevel = ServiceLevel()
    exceedance: Annotated[Number, Between(0, Decimal("0.5"), above=True, text="0.5 (50%)")] = Decimal("0.01")
    tier: str | None = None
    quota_tokens: QuotaLimit | None = None
    quota_requests: QuotaLimit | None = None
    quota_sessions: QuotaLimit | None = None
    cached_tokens: bool | None = None
    request_unit: RequestUnit | None = None
    reserved_output_tokens: Annotated[int | None, Between(0, 1_000_000)] = None

    def __post_init__(self) -> None:
        validate(self)
        if self.calls_per_hour is not None and (self.busy_hour_share is not None or self.days is not None):
            raise InvalidInput(
                "is the busy hour already: leave out busy_hour_share and days, or give a volume",
                field="calls_per_hour",
                mentions=("busy_hour_share", "days"),
            )

    @property
    def percentile_text(self) -> str:
        """The share of minutes in which the quota is not exceeded, as text."""
        return format_percent(1 - float(self.exceedance))
