"""Estimate the mean cost of calls whose lengths differ.

Every turn reads the history again, so cost grows faster than length, and the mean cost of calls is higher than the cost of
the mean call. A call is the beginning of every longer one, so the longest call is counted once, turn by turn, and the counts
by the end of each turn are those of the calls that end there. They depend on the rules only; each offer then prices them.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from voicebill.answers.estimates.counted_calls import CountedCalls, count_calls
from voicebill.answers.estimates.model_selection import ResolvedModel
from voicebill.answers.estimates.scenarios import Scenarios, expected_cost, usage_costs
from voicebill.billing.money import Amount
from voicebill.conversation.call_lengths import CallLengths, LengthDistribution
from voicebill.conversation.call_population import CallPopulation, DurationCap, call_population, session_cap
from voicebill.conversation.context import session_limit_ms
from voicebill.conversation.plan import Plan


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
    end there: `cut_share` of them; it is None where calls go on in another session. `mean_reconnections` is the mean
    number of sessions of a call after its first one. `short_call` is the expected amount of a call that ends after
    the first turn; None if the plan has none. Unconnected calls cost nothing, and count in the mean.
    """

    lengths: LengthDistribution | CallLengths
    mean: Scenarios
    length_uplift: Fraction
    cap: DurationCap | None
    cut_share: float
    mean_minutes: float
    mean_reconnections: float
    percentiles: tuple[Percentile, ...]
    short_call: Amount | None = None


class CountedPopulation(NamedTuple):
    """Calls of all lengths with their counts. Offers under the same rules can share it."""

    calls: CallPopulation
    counts: CountedCalls


def calls_of_plan(plan: Plan, lengths: LengthDistribution | CallLengths, model: ResolvedModel) -> CallPopulation:
    """The calls of a month with a model: they go on in another session, unless the plan ends them with the session."""
    limit_ms = session_limit_ms(plan, model.effective_rules.rules)
    return call_population(plan, lengths, session_cap(plan, limit_ms / 60_000))


def count_population(plan: Plan, lengths: LengthDistribution | CallLengths, model: ResolvedModel) -> CountedPopulation:
    """Count calls of all lengths in one pass over the longest one. A full context that may not be truncated ends calls.

    Raises:
        ContextOverflow: the provider would end even the shortest calls with an error.
    """
    calls = calls_of_plan(plan, lengths, model)
    counts = count_calls(plan, model, calls.longest_turns)
    if counts.overflow is not None and not counts.turns:
        raise counts.overflow
    if counts.overflow is not None:
        calls = calls.ending_at_turn(counts.turns)
    elif counts.turns < calls.longest_turns:  # the session ends during the turns that are missing
        calls = calls.with_turns_at_most(counts.turns)
    return CountedPopulation(calls, counts)


def call_mix(population: CountedPopulation, average: Scenarios, model: ResolvedModel) -> CallMix:
    """The mean cost of calls of all lengths with a model; `average` is the cost of the call of mean length.

    Each length is priced as the script of that many turns would be, so the mean is exact for the assumed lengths.

    Raises:
        Unpriced: the plan uses a meter that has no price in this offer.
    """
    calls, counts = population
    mean = mean_costs(population, model)
    limit_ms = session_limit_ms(calls.plan, model.effective_rules.rules)
    return CallMix(
        lengths=calls.lengths,
        mean=mean,
        length_uplift=Fraction(mean.expected) / Fraction(average.expected) - 1 if average.expected else Fraction(0),
        cap=calls.cap,
        cut_share=calls.cut_share,
        mean_minutes=calls.mean_minutes,
        mean_reconnections=calls.mean_reconnections(limit_ms / 60_000),
        percentiles=tuple(
            Percentile(call.percent, call.minutes, expected_cost(counts.expected_usage(call.turns), model))
            for call in calls.percentiles
        ),
        short_call=expected_cost(counts.expected_usage(1), model) if calls.plan.short_share else None,
    )


def mean_costs(population: CountedPopulation, model: ResolvedModel) -> Scenarios:
    """The mean amounts over calls of all lengths, transcription included: rates are linear, so usage is summed first.

    Raises:
        Unpriced: the plan uses a meter that has no price in this offer.
    """
    usage = population.counts.weighted_usage(population.calls.weights)
    return usage_costs(usage, model).divided_by(population.calls.total_weight)
