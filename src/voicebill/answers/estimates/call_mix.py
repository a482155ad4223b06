"""Estimate the mean cost of calls whose lengths differ.

Every turn reads the history again, so cost grows faster than length, and the mean cost of calls is higher than the cost of
the mean call. A few representative lengths are counted, each as a plan of its own. Their usage depends on the rules only
and is counted once; each offer then prices it.
"""

from bisect import bisect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Generic, Literal, NamedTuple, TypeVar

from voicebill.answers.estimates.costing import ScenarioUsage, priced_lines, total_amount, usage_of_plan
from voicebill.answers.estimates.model_selection import ResolvedModel
from voicebill.answers.estimates.scenarios import Scenarios
from voicebill.billing.errors import ContextOverflow
from voicebill.billing.money import Amount
from voicebill.billing.offers import Rates
from voicebill.billing.usage import Usage, total_usage
from voicebill.conversation.call_lengths import (
    MAX_CALL_MINUTES,
    MAX_MULTIPLE_OF_MEAN,
    CallLengths,
    LengthBucket,
    LengthDistribution,
    interpolation_weights,
    jittered,
    length_buckets,
    quantile,
    sample_buckets,
    turn_count,
)
from voicebill.conversation.plan import Plan, with_length

PERCENTS = (10, 50, 90)


class DurationCap(NamedTuple):
    """Minutes after which calls end, by the session limit or by a full context that may not be truncated."""

    minutes: float
    by: Literal["session", "context"]


@dataclass(frozen=True, slots=True)
class Percentile:
    """A percentile of call length in minutes, and the expected amount of a call of that length."""

    percent: int
    minutes: float
    amount: Amount


@dataclass(frozen=True, slots=True)
class CallMix:
    """The mean cost of a call over all call lengths.

    `length_uplift` is the difference to the planned call, as a share of the latter, both expected. Calls longer than `cap`
    are counted at the cap; it is None where the plan itself needs more than one session.
    """

    lengths: LengthDistribution | CallLengths
    mean: Scenarios
    length_uplift: Fraction
    cap: DurationCap | None
    mean_minutes: float
    percentiles: tuple[Percentile, ...]


Measure = TypeVar("Measure")
"""What is measured of a call: its usage or its costs."""


class WeightedCall(NamedTuple, Generic[Measure]):
    """The measure of a call of one length, and its weight."""

    minutes: float
    weight: int
    measure: Measure


class DurationLimits(NamedTuple):
    """What may end a call: the session limit in minutes (0: none), and a full context unless the history can be truncated."""

    minutes: int
    can_truncate: bool


@dataclass(frozen=True, slots=True)
class SampledCalls(Generic[Measure]):
    """A weighted sample of calls; its weighted mean is the mean over calls of all lengths.

    `percentiles` has the calls at the 10th, 50th and 90th percentile of call length.
    """

    lengths: LengthDistribution | CallLengths
    cap: DurationCap | None
    mean_minutes: float
    calls: tuple[WeightedCall[Measure], ...]
    percentiles: tuple[tuple[int, WeightedCall[Measure]], ...]


class RepresentativeCalls(NamedTuple):
    """A few plans with weights; a weighted mean over them is the mean over calls of all lengths.

    `longest` is the length in minutes above which calls are not distinguished; None where all calls have the same length.
    """

    cap: DurationCap | None
    longest: float | None
    mean_minutes: float
    weighted_plans: tuple[tuple[Plan, int], ...]


def representative_calls(plan: Plan, lengths: LengthDistribution | CallLengths, model: ResolvedModel) -> RepresentativeCalls:
    """Representative calls for a model, where the plan describes the call of mean length.

    Turns, tool calls and text turns grow with the length. With a coefficient of variation of 0 every call is the plan's.

    Raises:
        ContextOverflow: the provider would end even the shortest calls with an error.
    """
    return _representative_calls(
        plan, lengths, _duration_limits(plan, model), lambda call_plan: usage_of_plan(call_plan, model)
    )


def sample_calls(plan: Plan, lengths: LengthDistribution | CallLengths, model: ResolvedModel) -> SampledCalls[ScenarioUsage]:
    """A sample of calls of different lengths with the usage of each. Offers under the same rules can share the result.

    Raises:
        ContextOverflow: the provider would end even the shortest calls with an error.
    """
    return measure_calls(plan, lengths, _duration_limits(plan, model), lambda call_plan: usage_of_plan(call_plan, model))


def measure_calls(
    plan: Plan, lengths: LengthDistribution | CallLengths, limits: DurationLimits, run: Callable[[Plan], Measure]
) -> SampledCalls[Measure]:
    """A sample of calls of different lengths; `run` measures each.

    Raises:
        ContextOverflow: the provider would end even the shortest calls with an error.
    """
    representative = _representative_calls(plan, lengths, limits, run)
    weighted_calls = tuple(
        WeightedCall(float(call_plan.minutes), weight, run(call_plan)) for call_plan, weight in representative.weighted_plans
    )
    longest = representative.longest
    percentiles = (
        (
            percent,
            weighted_calls[0] if longest is None else _call_of_length(plan, quantile(plan, lengths, percent, longest), run),
        )
        for percent in PERCENTS
    )
    return SampledCalls(lengths, representative.cap, representative.mean_minutes, weighted_calls, tuple(percentiles))


def _duration_limits(plan: Plan, model: ResolvedModel) -> DurationLimits:
    rules = model.effective_rules.rules
    max_minutes = rules.session_minutes if plan.session_minutes is None else plan.session_minutes
    return DurationLimits(max_minutes, can_truncate=rules.supports_truncation and plan.truncation.mode == "auto")


def _representative_calls(
    plan: Plan, lengths: LengthDistribution | CallLengths, limits: DurationLimits, run: Callable[[Plan], object]
) -> RepresentativeCalls:
    """Representative calls; `run` must raise ContextOverflow for calls that the provider would end with an error."""
    spans_sessions = (
        not limits.minutes or plan.minutes > limits.minutes
    )  # calls that go on in another session do not end with one
    cap = None if spans_sessions else DurationCap(float(min(limits.minutes, MAX_CALL_MINUTES)), "session")
    if isinstance(lengths, LengthDistribution) and not lengths.coefficient:
        return RepresentativeCalls(cap, None, float(plan.minutes), ((plan, 1),))
    max_minutes = cap.minutes if cap else min(MAX_CALL_MINUTES, MAX_MULTIPLE_OF_MEAN * float(plan.minutes))
    buckets = length_buckets(plan, lengths, max_minutes)
    fitting = len(buckets) if limits.can_truncate else _count_fitting(plan, buckets, run)
    if fitting < len(buckets):
        cap = DurationCap(buckets[fitting - 1].minutes, "context")
        max_minutes = cap.minutes
        buckets = length_buckets(plan, lengths, max_minutes)
    shares = sum(bucket.share for bucket in buckets)
    mean = sum(bucket.share * bucket.minutes for bucket in buckets) / shares
    return RepresentativeCalls(
        cap, max_minutes, mean, _weighted_plans(plan, buckets, use_means=isinstance(lengths, CallLengths))
    )


def _count_fitting(plan: Plan, buckets: Sequence[LengthBucket], run: Callable[[Plan], object]) -> int:
    """The number of buckets, from the shortest, whose calls the provider does not end with an error; at least 1."""

    def fits(bucket: LengthBucket) -> bool:
        try:
            run(_plan_of_length(plan, bucket))
        except ContextOverflow:
            return False
        return True

    if fits(buckets[-1]):
        return len(buckets)
    return max(1, bisect(range(len(buckets)), False, key=lambda index: not fits(buckets[index])))


def _weighted_plans(plan: Plan, buckets: Sequence[LengthBucket], *, use_means: bool) -> tuple[tuple[Plan, int], ...]:
    """Plans of the sampled buckets with their weights. `use_means`: each has the mean length of its bucket, without jitter."""
    indexes = sample_buckets(buckets)
    unchanged = range(len(buckets)) if use_means or len(indexes) == len(buckets) else (0, len(buckets) - 1)
    nodes = [
        buckets[index] if index in unchanged else jittered(buckets[index], order, plan) for order, index in enumerate(indexes)
    ]
    weights = interpolation_weights(buckets, [node.minutes for node in nodes])
    return tuple((_plan_of_length(plan, node), weight) for node, weight in zip(nodes, weights, strict=True))


def _call_of_length(plan: Plan, minutes: float, run: Callable[[Plan], Measure]) -> WeightedCall[Measure]:
    """A call of the given minutes, with weight 1."""
    call_plan = _plan_of_length(plan, LengthBucket(turn_count(minutes, plan.turns / float(plan.minutes)), minutes, 1))
    return WeightedCall(float(call_plan.minutes), 1, run(call_plan))


def call_mix(sampled_calls: SampledCalls[ScenarioUsage], average: Scenarios, model: ResolvedModel) -> CallMix:
    """The mean cost of sampled calls with a model; `average` is the cost of the call of mean length.

    Accuracy, checked against 2,000 lengths priced one by one with coefficients of variation of 0.5 to 1.0: within 0.1 % at
    two and four turns per minute, within 0.2 % at five. Within 1 % where a call has few tool calls or typed turns, which are
    whole numbers.

    Raises:
        Unpriced: the plan uses a meter that has no price in this offer.
    """
    mean = price_sampled_calls(sampled_calls, model)
    return CallMix(
        lengths=sampled_calls.lengths,
        mean=mean,
        length_uplift=Fraction(mean.expected) / Fraction(average.expected) - 1 if average.expected else Fraction(0),
        cap=sampled_calls.cap,
        mean_minutes=sampled_calls.mean_minutes,
        percentiles=tuple(_percentile(percent, call, model) for percent, call in sampled_calls.percentiles),
    )


def price_sampled_calls(sampled_calls: SampledCalls[ScenarioUsage], model: ResolvedModel) -> Scenarios:
    """The mean amounts over calls of all lengths, transcription included."""
    transcription = Fraction(0)
    if model.transcription is not None:
        transcription = _mean(
            ((call.weight, call.measure.transcription) for call in sampled_calls.calls), model.transcription.rates
        )
    best, expected, worst = (
        _mean(((call.weight, call.measure.voice[index]) for call in sampled_calls.calls), model.quote.rates) + transcription
        for index in range(3)
    )
    return Scenarios(best, expected, worst)


def _mean(weighted: Iterable[tuple[int, Usage]], rates: Rates) -> Fraction:
    """The weighted mean amount: rates are linear, so the mean quantity of each meter is priced once."""
    pairs = list(weighted)
    total_weight = sum(weight for weight, _ in pairs)
    mean = Fraction(0)
    for line in priced_lines(total_usage(usage for _, usage in pairs), rates):
        assert line.rate is not None
        quantity = sum(weight * usage[line.meter.name] for weight, usage in pairs)
        mean += Fraction(quantity, total_weight) * Fraction(line.rate.amount(1))
    return mean


def _percentile(percent: int, call: WeightedCall[ScenarioUsage], model: ResolvedModel) -> Percentile:
    transcription = (
        total_amount(priced_lines(call.measure.transcription, model.transcription.rates)) if model.transcription else 0
    )
    return Percentile(
        percent, call.minutes, total_amount(priced_lines(call.measure.voice[1], model.quote.rates)) + transcription
    )


def mean_costs(sampled_calls: SampledCalls[Scenarios]) -> Scenarios:
    """The mean amounts of calls that are already priced."""
    total_weight = sum(call.weight for call in sampled_calls.calls)

    def mean(amounts: Iterable[Amount]) -> Fraction:
        return sum(
            (Fraction(call.weight, total_weight) * amount for call, amount in zip(sampled_calls.calls, amounts, strict=True)),
            Fraction(0),
        )

    return Scenarios(
        mean(call.measure.best for call in sampled_calls.calls),
        mean(call.measure.expected for call in sampled_calls.calls),
        mean(call.measure.worst for call in sampled_calls.calls),
    )


def _plan_of_length(plan: Plan, bucket: LengthBucket) -> Plan:
    return with_length(plan, bucket.turns, Decimal(f"{bucket.minutes:.6f}"))
