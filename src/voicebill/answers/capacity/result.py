"""Define the result of capacity planning."""

from dataclasses import dataclass
from typing import ClassVar

from voicebill.answers.answer import Answer
from voicebill.answers.capacity.demand import CallDemand, QuotaCounting
from voicebill.answers.capacity.quota_usage import AverageLoad, LimitUsage, QuotaRequirement
from voicebill.answers.capacity.targets import CapacityTargets
from voicebill.answers.capacity.traffic import BusyHourTraffic, ErlangCQueue
from voicebill.answers.estimates.counted_conversation import CountedConversation
from voicebill.answers.estimates.model_selection import ResolvedModel
from voicebill.billing.quotas import Quota, QuotaCountingRule
from voicebill.conversation.plan import Plan


@dataclass(frozen=True, slots=True)
class Capacity(Answer):
    """A capacity plan. `demand` is of the planned call, `average_load` the mean over calls of all lengths.

    `needed` is None if no limit is known.
    """

    REPORT: ClassVar = "capacity:CapacityReport"

    plan: Plan
    model: ResolvedModel
    conversation: CountedConversation
    targets: CapacityTargets
    traffic: BusyHourTraffic
    channels: int
    blocking_probability: float
    queue: ErlangCQueue
    demand: CallDemand
    average_load: AverageLoad
    quota_counting: QuotaCounting
    counting_rule: QuotaCountingRule | None
    quota: Quota | None
    tier: str | None
    limits: tuple[LimitUsage, ...]
    needed: QuotaRequirement | None
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def occupancy(self) -> float:
        """The share of the time in which a channel is busy, of those that keep blocking within the target."""
        return self.traffic.after_blocking(self.blocking_probability).erlangs / self.channels if self.channels else 0.0

    @property
    def queue_occupancy(self) -> float:
        """The same of the channels with which callers queue, of whom none is blocked."""
        return self.traffic.erlangs / self.queue.channels

    @property
    def per(self) -> str:
        """What has a quota of its own, such as a deployment."""
        return self.counting_rule.per if self.counting_rule else "quota"
