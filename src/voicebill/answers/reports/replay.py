"""Report what recorded calls would have cost with other offers, stacks and changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from voicebill.answers.replay.replay import Replay, Sample
from voicebill.answers.replay.replay_steps import StepName
from voicebill.answers.replay.replay_sums import DearerCall
from voicebill.answers.replay.savings import Saving
from voicebill.answers.replay.target_replay import TargetKind, TargetReplay
from voicebill.answers.reports.explanation import UnusableCallsReport
from voicebill.answers.reports.report import Dollars, Ratio, Report, format_decimal, package_version
from voicebill.billing.money import format_dollars


@dataclass(frozen=True, slots=True, kw_only=True)
class DearerCallReport(Report):
    """A call that would have cost more."""

    session: str
    """Name of its session."""
    tenant: str | None
    """Customer, if the log names one."""
    recorded_dollars: Dollars
    """What it cost."""
    dollars: Dollars
    """What it would have cost."""

    @classmethod
    def of(cls, call: DearerCall) -> "DearerCallReport":
        """One call."""
        return cls(
            session=call.session,
            tenant=call.tenant or None,
            recorded_dollars=format_dollars(call.recorded),
            dollars=format_dollars(call.amount),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetReplayReport(Report):
    """What the calls would have cost with one offer or stack."""

    name: str
    """Id of the offer, or name of the stack."""
    kind: TargetKind
    """What it is."""
    is_recorded: bool
    """Whether all of the calls were recorded with this offer."""
    recorded_calls: int
    """How many were."""
    calls: int
    """Calls that are replayed with it: all its figures are of them."""
    recorded_dollars: Dollars
    """What these calls cost."""
    dollars: Dollars
    """What they would have cost."""
    low_dollars: Dollars
    """The least that they would have cost, by what the log leaves open."""
    high_dollars: Dollars
    """The most that they would have cost, by what the log leaves open."""
    ratio: Ratio | None
    """What they would have cost, divided by what they cost; null if they cost nothing."""
    ratio_error: Ratio | None
    """Error of the ratio in 95 of 100 samples; null if all calls are replayed."""
    mean_dollars: Dollars
    """Mean of a call."""
    p50_dollars: Dollars
    """Median of a call, to four significant digits."""
    p90_dollars: Dollars
    """What nine of ten calls do not exceed, to four significant digits."""
    steps: Mapping[StepName, Dollars]
    """The difference in steps, which add up to it."""
    dearer_calls: int
    """Calls that would have cost more."""
    dearer_by_dollars: Dollars
    """How much more these would have cost."""
    dearer_examples: tuple[DearerCallReport, ...]
    """Those that would have cost most more."""
    not_replayed: tuple[UnusableCallsReport, ...]
    """Calls that cannot be replayed with it, by reason."""
    not_transcribed: Mapping[str, int]
    """Transcription models that are not sold there, with the number of calls: these are not transcribed."""
    ends: str | None
    """Day on which one of its models ends, as far as known."""
    ending_soon: bool
    """Whether that is within 90 days."""

    @classmethod
    def of(cls, row: TargetReplay) -> "TargetReplayReport":
        """One target."""
        return cls(
            name=row.name,
            kind=row.kind,
            is_recorded=row.is_recorded,
            recorded_calls=row.recorded_calls,
            calls=row.calls,
            recorded_dollars=format_dollars(row.recorded),
            dollars=format_dollars(row.amount),
            low_dollars=format_dollars(row.low),
            high_dollars=format_dollars(row.high),
            ratio=None if row.ratio is None else format_decimal(row.ratio),
            ratio_error=None if row.sampling_error is None else format_decimal(Fraction(row.sampling_error)),
            mean_dollars=format_dollars(row.mean),
            p50_dollars=format_dollars(row.p50),
            p90_dollars=format_dollars(row.p90),
            steps={name: format_dollars(amount) for name, amount in row.steps},
            dearer_calls=row.dearer_calls,
            dearer_by_dollars=format_dollars(row.dearer_by),
            dearer_examples=tuple(map(DearerCallReport.of, row.dearer_examples)),
            not_replayed=tuple(map(UnusableCallsReport.of, row.left_out)),
            not_transcribed=dict(row.dropped),
            ends=None if row.ends is None else str(row.ends),
            ending_soon=row.ending_soon,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingReport(Report):
    """A change, replayed on all calls."""

    change: str
    """What is changed."""
    saved_dollars: Dollars
    """What the calls would have cost less; negative if they would have cost more."""
    trade_off: str
    """What it costs in behaviour."""
    target: str
    """Id of the offer or name of the change."""
    dearer_calls: int
    """Calls that would have cost more."""

    @classmethod
    def of(cls, entry: Saving) -> "SavingReport":
        """One change."""
        return cls(
            change=entry.change,
            saved_dollars=format_dollars(entry.saved),
            trade_off=entry.trade_off,
            target=entry.target,
            dearer_calls=entry.dearer_calls,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpossibleTargetReport(Report):
    """An offer or a stack with which no call can be replayed."""

    name: str
    """Id of the offer, or name of the stack."""
    reason: str
    """Why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleReport(Report):
    """A random sample of the calls."""

    calls: int
    """Calls in the log."""
    taken: int
    """Calls in the sample: all other figures are of them."""

    @classmethod
    def of(cls, sample: Sample) -> "SampleReport":
        """A sample."""
        return cls(calls=sample.calls, taken=sample.taken)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayReport(Report):
    """What recorded calls would have cost elsewhere, or with changes."""

    voicebill: str
    """Version of voicebill."""
    day: str
    """Day whose prices and rules apply elsewhere."""
    calls: int
    """Calls that are looked at: sessions of which a record matches the query, or the sample of them."""
    replayed_calls: int
    """Calls that can be replayed."""
    recorded_dollars: Dollars
    """What these calls cost."""
    changed_dollars: Dollars
    """What they would have cost with their own models and the changes that are asked for: savings are measured from it."""
    offers: Mapping[str, int]
    """Offers of these calls, with the number of calls."""
    open_calls: int
    """Calls of which the log leaves something open."""
    targets: tuple[TargetReplayReport, ...]
    """What they would have cost, the cheapest first; those that end within 90 days or replay fewer calls follow."""
    savings: tuple[SavingReport, ...]
    """What changes would have saved, the most first; empty unless asked for."""
    not_possible: tuple[ImpossibleTargetReport, ...]
    """Offers and stacks with which no call can be replayed."""
    not_replayed: tuple[UnusableCallsReport, ...]
    """Calls that cannot be replayed at all, by reason."""
    not_replayed_dollars: Dollars
    """What these cost, as far as it is known."""
    sample: SampleReport | None
    """The sample, if one was asked for."""
    records_without_session: int
    """Records that belong to no call."""
    assumptions: tuple[str, ...]
    """Assumptions of the figures."""
    warnings: tuple[str, ...]
    """What to know about how the log was read."""

    @classmethod
    def of(cls, answer: Replay) -> "ReplayReport":
        """A replay."""
        return cls(
            voicebill=package_version(),
            day=str(answer.request.day),
            calls=answer.calls,
            replayed_calls=answer.usable,
            recorded_dollars=format_dollars(answer.recorded),
            changed_dollars=format_dollars(answer.changed),
            offers=dict(answer.offers),
            open_calls=answer.open_calls,
            targets=tuple(map(TargetReplayReport.of, answer.targets)),
            savings=tuple(map(SavingReport.of, answer.savings)),
            not_possible=tuple(ImpossibleTargetReport(name=entry.name, reason=entry.reason) for entry in answer.impossible),
            not_replayed=tuple(map(UnusableCallsReport.of, answer.left_out)),
            not_replayed_dollars=format_dollars(answer.other_amount),
            sample=None if answer.sample is None else SampleReport.of(answer.sample),
            records_without_session=answer.records_without_session,
            assumptions=answer.assumptions,
            warnings=answer.warnings,
        )
