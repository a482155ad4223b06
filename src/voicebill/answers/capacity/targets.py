"""State what capacity is planned for: the busy hour, blocking, the service level, and the quota."""

from dataclasses import dataclass
from decimal import Decimal

from voicebill.answers.parsing.quantities import format_percent
from voicebill.billing.errors import InvalidInput
from voicebill.billing.quotas import RequestUnit
from voicebill.billing.validation import Number, require_between, to_decimal, to_share

ASSUMED_DAYS, ASSUMED_BUSY_SHARE = Decimal(22), Decimal("0.17")
"""Business days a month, and the busy hour's share of a day: Cisco, CID course book, "Traffic Engineering", page 627."""

MAX_CALLS_OR_QUOTA = 10**12


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
        object.__setattr__(self, "seconds", to_decimal("service_level", self.seconds))
        if self.share == 1:
            raise InvalidInput("service_level must be less than 100%: no number of channels is never busy")
        if not 0 <= self.seconds <= 86_400:
            raise InvalidInput(f"service_level must be within 0 to 86,400 s (a day), not {self.seconds}")

    def __str__(self) -> str:
        return f"{format_percent(float(self.share))} within {self.seconds} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityTargets:
    """What capacity is planned for. None: as published, or else as assumed, which the answer says.

    `calls_per_hour` are the calls in the busy hour, instead of a volume with its `busy_hour_share` and `days` per month.
    `exceedance` is the share of minutes in which calls may need more than the quota.
    """

    calls_per_hour: Number | None = None
    busy_hour_share: Number | None = None
    days: Number | None = None
    blocking_probability: Number = Decimal("0.01")
    service_level: ServiceLevel = ServiceLevel()
    exceedance: Number = Decimal("0.01")
    tier: str | None = None
    quota_tokens: int | None = None
    quota_requests: int | None = None
    quota_sessions: int | None = None
    cached_tokens: bool | None = None
    request_unit: RequestUnit | None = None
    reserved_output_tokens: int | None = None

    def __post_init__(self) -> None:
        for name in ("calls_per_hour", "busy_hour_share", "days", "blocking_probability", "exceedance"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, to_decimal(name, value))
        _require_positive("calls_per_hour", self.calls_per_hour, Decimal(MAX_CALLS_OR_QUOTA))
        _require_positive("busy_hour_share", self.busy_hour_share, Decimal(1), "1 (100%)")
        _require_positive("days", self.days, Decimal(31))
        _require_positive("blocking_probability", self.blocking_probability, Decimal(1), "1 (100%)")
        _require_positive("exceedance", self.exceedance, Decimal("0.5"), "0.5 (50%)")
        for name in ("quota_tokens", "quota_requests", "quota_sessions"):
            value = getattr(self, name)
            if value is not None:
                require_between(name, value, 1, MAX_CALLS_OR_QUOTA)
        if self.reserved_output_tokens is not None:
            require_between("reserved_output_tokens", self.reserved_output_tokens, 0, 1_000_000)
        if self.calls_per_hour is not None and (self.busy_hour_share is not None or self.days is not None):
            raise InvalidInput("calls_per_hour is the busy hour already: leave out busy_hour_share and days, or state a volume")

    @property
    def percentile_text(self) -> str:
        """The share of minutes in which the quota is not exceeded, as text."""
        return format_percent(1 - float(self.exceedance))


def _require_positive(name: str, value: Number | None, maximum: Decimal, maximum_text: str = "") -> None:
    if value is not None and not 0 < value <= maximum:
        raise InvalidInput(f"{name} must be more than 0 and at most {maximum_text or f'{maximum:,}'}, not {value}")
