"""Define the result of sizing provisioned throughput."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar

from voicebill.answers.answer import Answer
from voicebill.answers.provisioned.commitments import CommitmentOption
from voicebill.answers.provisioned.request import PtuRequest
from voicebill.billing.money import Amount
from voicebill.billing.price_book import Quote
from voicebill.billing.provisioned_throughput import HourlyPrice, PtuIncrements, Throughput


@dataclass(frozen=True, slots=True)
class PtuSizing(Answer):
    """A sizing. `needed` are the PTUs for the busiest hour, `bought` those that are bought.

    `per_call` is the pay-as-you-go price of a call in picodollars; if it is None, `missing_reason` says why.
    """

    REPORT: ClassVar = "ptu:PtuReport"

    request: PtuRequest
    throughput: Throughput
    increments: PtuIncrements
    hourly: HourlyPrice
    needed: int
    bought: int
    options: tuple[CommitmentOption, ...]
    quote: Quote | None
    missing_reason: str
    per_call: Amount | None
    digest: str
    assumptions: tuple[str, ...] = field(default=())
    warnings: tuple[str, ...] = field(default=())

    @property
    def normalized_tokens(self) -> Fraction:
        """Normalized tokens per call: output weighted as input, without the cached part."""
        return self.request.normalized_tokens(self.throughput)

    @property
    def normalized_tpm(self) -> Fraction:
        """Normalized tokens per minute in the busiest hour."""
        return self.request.peak * self.normalized_tokens

    @property
    def raw_ptus(self) -> Fraction:
        """PTUs for the busiest hour, before they are rounded up to a number that can be deployed."""
        return self.normalized_tpm / self.throughput.input_tpm_per_ptu

    @property
    def peak_utilization(self) -> Fraction:
        """The share of the bought PTUs that the busiest hour uses."""
        return min(Fraction(1), self.raw_ptus / self.bought)

    @property
    def average_utilization(self) -> Fraction:
        """The share of the bought PTUs that is used, averaged over all hours."""
        tpm_per_ptu, bought_ptus = self.throughput.input_tpm_per_ptu, Fraction(self.bought)
        used = [min(calls * self.normalized_tokens / tpm_per_ptu, bought_ptus) for calls in self.request.hours]
        return sum(used, Fraction(0)) / len(self.request.hours) / self.bought

    @property
    def load_factor(self) -> Fraction:
        """The average load as a share of the busiest hour's."""
        return self.request.average / self.request.peak

    @property
    def max_calls_per_minute(self) -> Fraction | None:
        """The most calls per minute that the bought PTUs serve; None if calls use none of them."""
        return self.bought * self.throughput.input_tpm_per_ptu / self.normalized_tokens if self.normalized_tokens else None

    def pay_as_you_go_cost(self, calls_per_minute: Fraction) -> Amount | None:
        """Picodollars per hour for calls, pay as you go; None if they have no price."""
        return None if self.per_call is None else calls_per_minute * 60 * self.per_call
