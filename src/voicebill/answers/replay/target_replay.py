"""Represent what recorded calls would have cost with one target, and the steps from what they cost."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal

from voicebill.answers.replay.replay_steps import StepName
from voicebill.answers.replay.replay_sums import DearerCall
from voicebill.answers.replay.targets import OfferTarget, ReplayTarget, StackTarget
from voicebill.answers.sessions.log_explanation import UnusableCalls
from voicebill.billing.money import Amount

TargetKind = Literal["offer", "stack", "change"]


@dataclass(frozen=True)
class TargetReplay:
    """What calls would have cost with a target, in picodollars, and the steps from what they cost; these add up exactly.

    `recorded` is what the calls cost that could be replayed with it; `recorded_calls` of them were recorded with that offer.
    `dearer_calls` would have cost more, by `dearer_by` in all. `dropped` are transcription models that are not sold there, with
    the number of calls. `sampling_error` is that of the ratio, in 95 of 100 samples; None if all calls are replayed.
    """

    target: ReplayTarget
    calls: int
    recorded: Amount
    amount: Amount
    low: Amount
    high: Amount
    p50: int
    p90: int
    steps: tuple[tuple[StepName, Amount], ...]
    dearer_calls: int
    dearer_by: Amount
    dearer_examples: tuple[DearerCall, ...]
    left_out: tuple[UnusableCalls, ...]
    ends: date | None
    ending_soon: bool
    recorded_calls: int
    dropped: tuple[tuple[str, int], ...] = ()
    sampling_error: float | None = None

    @property
    def name(self) -> str:
        """The id of the offer, or the name of the stack or change."""
        return self.target.name

    @property
    def kind(self) -> TargetKind:
        """What the target is."""
        if isinstance(self.target, OfferTarget):
            return "offer"
        return "stack" if isinstance(self.target, StackTarget) else "change"

    @property
    def is_recorded(self) -> bool:
        """Whether all of the calls were recorded with it."""
        return self.recorded_calls == self.calls

    @property
    def mean(self) -> Fraction:
        """The mean of a call."""
        return Fraction(self.amount) / self.calls

    @property
    def ratio(self) -> Fraction | None:
        """What the calls would have cost divided by what they cost; None if they cost nothing."""
        return Fraction(self.amount) / Fraction(self.recorded) if self.recorded else None

    @property
    def replays_all(self) -> bool:
        """Whether no call is left out."""
        return not self.left_out
