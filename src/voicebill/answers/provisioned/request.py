"""State a load of model calls for provisioned throughput, and how its PTUs are bought."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

from voicebill.billing.errors import InvalidInput
from voicebill.billing.offers import DEFAULT_DEPLOYMENT, Deployment
from voicebill.billing.provisioned_throughput import Throughput
from voicebill.billing.validation import Between, Number, Share, to_decimal_between, validate
from voicebill.conversation.volume import HOURS_PER_DAY, HOURS_PER_WEEK

MAX_CALLS_PER_MINUTE, MAX_TOKENS_PER_CALL, MAX_PTUS = 10**9, 10**8, 10**9

TokensPerCall = Annotated[Number, Between(0, MAX_TOKENS_PER_CALL)]


@dataclass(frozen=True, slots=True)
class PtuRequest:
    """A load of calls to a text model, and the PTUs that are bought for it.

    `calls_per_minute` are the model calls per minute in the busiest hour, tokens are per average call, `cache_rate` is the
    cached share of the prompt. `profile` is the load per hour of a day (24 numbers) or a week (168), in any unit: its busiest
    hour has `calls_per_minute`; without that, its numbers are calls per minute. Without a profile, the load is constant.
    `ptus` are the PTUs that are bought, if not those that the busiest hour needs.

    Raises:
        InvalidInput: a number is negative, missing, not a number, or out of range, or the deployment is unknown.
    """

    model: str
    day: date
    prompt_tokens: TokensPerCall
    response_tokens: TokensPerCall
    calls_per_minute: Annotated[Number | None, Between(0, MAX_CALLS_PER_MINUTE, above=True)] = None
    cache_rate: Share = Decimal(0)
    profile: tuple[Number, ...] = ()
    deployment: Deployment = DEFAULT_DEPLOYMENT
    region: str | None = None
    ptus: Annotated[int | None, Between(1, MAX_PTUS)] = None

    def __post_init__(self) -> None:
        for name in ("deployment", "region"):
            value = getattr(self, name)
            object.__setattr__(self, name, value.strip().lower() or None if isinstance(value, str) else value)
        validate(self)
        if Decimal(self.prompt_tokens) + Decimal(self.response_tokens) == 0:
            raise InvalidInput(
                "cannot be 0 if response_tokens is 0, too: a call without tokens needs no PTUs",
                field="prompt_tokens",
                mentions=("response_tokens",),
            )
        hours = tuple(to_decimal_between("profile", calls, Between(0, MAX_CALLS_PER_MINUTE)) for calls in self.profile)
        object.__setattr__(self, "profile", hours)
        if hours and len(hours) not in (HOURS_PER_DAY, HOURS_PER_WEEK):
            raise InvalidInput(f"must be 24 numbers, one per hour, or 168 for a week, not {len(hours)}", field="profile")
        if hours and not any(hours):
            raise InvalidInput("must have a load: each of its hours is 0", field="profile")
        if self.calls_per_minute is None and not hours:
            raise InvalidInput(
                "is missing: how many model calls per minute are there in the busiest hour?", field="calls_per_minute"
            )

    @property
    def hours(self) -> tuple[Fraction, ...]:
        """Calls per minute, hour by hour; one number for a constant load."""
        if not self.profile:
            return (Fraction(self.calls_per_minute or 0),)
        busiest = max(map(Fraction, self.profile))
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

    def normalized_tokens(self, row: Throughput) -> Fraction:
        """Normalized tokens per call: output weighted as input, without the cached part."""
        tokens = (Fraction(self.prompt_tokens), Fraction(self.response_tokens), Fraction(self.cache_rate))
        return row.normalized_tokens(*tokens)

    @property
    def average(self) -> Fraction:
        """Calls per minute, averaged over all hours."""
        return sum(self.hours, Fraction(0)) / len(self.hours)
