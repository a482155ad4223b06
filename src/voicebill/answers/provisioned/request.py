"""State a load of model calls for provisioned throughput, and how its PTUs are bought."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from voicebill.billing.errors import InvalidInput, UnknownName
from voicebill.billing.provisioned_throughput import DEPLOYMENTS
from voicebill.billing.validation import to_decimal, to_share
from voicebill.conversation.volume import HOURS_PER_DAY, HOURS_PER_WEEK

MAX_CALLS_PER_MINUTE, MAX_TOKENS_PER_CALL = 10**9, 10**8


@dataclass(frozen=True, slots=True)
class PtuRequest:
    """A load of calls to a text model, and the PTUs that are bought for it.

    `calls_per_minute` are the model calls per minute in the busiest hour, tokens are per average call, `cache_rate` is the
    cached share of the prompt. `profile` is the load per hour of a day (24 numbers) or a week (168), in any unit: its busiest
    hour has `calls_per_minute`; without that, its numbers are calls per minute. Without a profile, the load is constant.
    `ptus` are the PTUs that are bought, if not those that the busiest hour needs.

    Raises:
        InvalidInput: a number is negative, missing, not a number, or out of range.
        UnknownName: the deployment is unknown.
    """

    model: str
    day: date
    prompt_tokens: Decimal
    response_tokens: Decimal
    calls_per_minute: Decimal | None = None
    cache_rate: Decimal = Decimal(0)
    profile: tuple[Decimal, ...] = ()
    deployment: str = "global"
    region: str | None = None
    ptus: int | None = None

    def __post_init__(self) -> None:
        for name in ("prompt_tokens", "response_tokens"):
            object.__setattr__(self, name, _require_at_most(name, getattr(self, name), MAX_TOKENS_PER_CALL))
        if self.prompt_tokens + self.response_tokens == 0:
            raise InvalidInput("a call without tokens takes nothing: prompt_tokens and response_tokens are both 0")
        object.__setattr__(self, "cache_rate", to_share("cache_rate", self.cache_rate))
        object.__setattr__(
            self, "profile", tuple(_require_at_most("profile", calls, MAX_CALLS_PER_MINUTE) for calls in self.profile)
        )
        if self.profile and len(self.profile) not in (HOURS_PER_DAY, HOURS_PER_WEEK):
            raise InvalidInput(f"profile holds 24 numbers, an hour each, or 168 for a week, not {len(self.profile)}")
        if self.profile and not any(self.profile):
            raise InvalidInput("profile holds no load: each of its hours is 0")
        if self.calls_per_minute is None and not self.profile:
            raise InvalidInput("calls_per_minute is missing: how many model calls there are in the busiest minute")
        if self.calls_per_minute is not None:
            peak = _require_at_most("calls_per_minute", self.calls_per_minute, MAX_CALLS_PER_MINUTE)
            if not peak:
                raise InvalidInput("calls_per_minute must be more than 0")
            object.__setattr__(self, "calls_per_minute", peak)
        object.__setattr__(self, "deployment", self.deployment.strip().lower())
        if self.deployment not in DEPLOYMENTS:
            raise UnknownName("deployment", self.deployment, DEPLOYMENTS)
        object.__setattr__(self, "region", (self.region or "").strip().lower() or None)

    @property
    def hours(self) -> tuple[Fraction, ...]:
        """Calls per minute, hour by hour; one number for a constant load."""
        if not self.profile:
            return (Fraction(self.calls_per_minute or 0),)
        busiest = max(self.profile)
        peak = busiest if self.calls_per_minute is None else self.calls_per_minute
        return tuple(Fraction(calls) * Fraction(peak) / Fraction(busiest) for calls in self.profile)

    @property
    def peak(self) -> Fraction:
        """Calls per minute in the busiest hour."""
        return max(self.hours)

    @property
    def input_tpm(self) -> Fraction:
        """Input tokens per minute in the busiest hour, cached ones included."""
        return self.peak * Fraction(self.prompt_tokens)

    @property
    def uncached_input_tpm(self) -> Fraction:
        """Uncached input tokens per minute in the busiest hour."""
        return self.input_tpm * (1 - Fraction(self.cache_rate))

    @property
    def output_tpm(self) -> Fraction:
        """Output tokens per minute in the busiest hour."""
        return self.peak * Fraction(self.response_tokens)

    @property
    def average(self) -> Fraction:
        """Calls per minute, averaged over all hours."""
        return sum(self.hours, Fraction(0)) / len(self.hours)


def _require_at_most(name: str, value: Decimal, maximum: int) -> Decimal:
    number = to_decimal(name, value)
    if number < 0:
        raise InvalidInput(f"{name} cannot be negative: {number}")
    if number > maximum:
        raise InvalidInput(f"{name} must be at most {maximum:,}, not {number:,}")
    return number
