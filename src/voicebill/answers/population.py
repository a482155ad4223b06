"""A month of calls: lengths differ, and since every turn reads the history again, long calls cost more than they are long.

So the average of the costs is more than the cost of the average. A few lengths are run, each as the plan that it is, and
stand for all. What the calls use depends on the rules alone and is counted once; each offer then prices it.
"""

from bisect import bisect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Generic, Literal, NamedTuple, TypeVar

from voicebill.answers.costing import Used, amount_of, lines_of, used
from voicebill.answers.lengths import (
    LONGEST_MINUTES,
    LONGEST_TIMES,
    Group,
    Lengths,
    Spread,
    chosen,
    groups_of,
    quantile,
    turns_in,
    weights_of,
    within,
)
from voicebill.answers.offered import Offered
from voicebill.answers.scenarios import Scenarios
from voicebill.billing.errors import ContextOverflow
from voicebill.billing.money import Amount
from voicebill.billing.offers import Rates
from voicebill.billing.usage import Usage, total_usage
from voicebill.conversation.plan import Plan, at_length

PERCENTS = (10, 50, 90)


class Cap(NamedTuple):
    """What ends the longest calls: the session's limit, or a context that is full and may not be cut."""

    minutes: float
    by: Literal["session", "context"]


@dataclass(frozen=True, slots=True)
class Percentile:
    """Minutes that `percent` of all calls last at most, and what a call of that length is expected to cost."""

    percent: int
    minutes: float
    amount: Amount


@dataclass(frozen=True, slots=True)
class Population:
    """What a call costs on average over all lengths.

    `surcharge` is how much more that is than the call that the plan describes, as a share of it, both expected. Calls
    longer than the cap are counted as so long. There is none where the plan itself needs more than one session.
    """

    lengths: Spread | Lengths
    mean: Scenarios
    surcharge: Fraction
    cap: Cap | None
    mean_minutes: float
    percentiles: tuple[Percentile, ...]


Counted = TypeVar("Counted")
"""What is counted of a call: what it uses, or costs."""


class Weighed(NamedTuple, Generic[Counted]):
    """What a call of some length uses, and how much it counts."""

    minutes: float
    weight: int
    used: Counted


class Limits(NamedTuple):
    """What may end a call: a session's minutes (0: nothing), and a context that is full, unless the history is cut."""

    minutes: int
    cuts: bool


@dataclass(frozen=True, slots=True)
class Calls(Generic[Counted]):
    """Calls of all lengths, run through the context: some of them, each with a weight, so that the weighted mean is all's.

    `percentiles`: the calls that 10, 50 and 90 per cent of all last at most as long as.
    """

    lengths: Spread | Lengths
    cap: Cap | None
    mean_minutes: float
    weighed: tuple[Weighed[Counted], ...]
    percentiles: tuple[tuple[int, Weighed[Counted]], ...]


class Standing(NamedTuple):
    """The few calls that stand for all: each with a weight, so that a weighted mean over them is the mean over all.

    `longest` is the minutes of the longest that are told apart; None where all calls are alike.
    """

    cap: Cap | None
    longest: float | None
    mean_minutes: float
    weighed: tuple[tuple[Plan, int], ...]


def standing_for(plan: Plan, lengths: Spread | Lengths, sold: Offered) -> Standing:
    """The few calls that stand for all with an offer, where the plan describes the call of average length.

    Turns, tool calls and text turns grow with the length. With a spread of 0 every call is the plan's.

    Raises:
        ContextOverflow: the provider would end even the shortest calls with an error.
    """
    return _standing(plan, lengths, _limits(plan, sold), lambda each: used(each, sold))


def calls(plan: Plan, lengths: Spread | Lengths, sold: Offered) -> Calls[Used]:
    """Calls whose lengths differ, and what each uses. Offers under the same rules share what this gives.

    Raises:
        ContextOverflow: the provider would end even the shortest calls with an error.
    """
    return calls_of(plan, lengths, _limits(plan, sold), lambda each: used(each, sold))


def calls_of(plan: Plan, lengths: Spread | Lengths, limits: Limits, run: Callable[[Plan], Counted]) -> Calls[Counted]:
    """Calls whose lengths differ; `run` says what is counted of each.

    Raises:
        ContextOverflow: the provider would end even the shortest calls with an error.
    """
    found = _standing(plan, lengths, limits, run)
    weighed = tuple(Weighed(float(each.minutes), weight, run(each)) for each, weight in found.weighed)
    longest = found.longest
    percentiles = (
        (percent, weighed[0] if longest is None else _long(plan, quantile(plan, lengths, percent, longest), run))
        for percent in PERCENTS
    )
    return Calls(lengths, found.cap, found.mean_minutes, weighed, tuple(percentiles))


def _limits(plan: Plan, sold: Offered) -> Limits:
    rules = sold.ruling.rules
    limit = rules.session_minutes if plan.session_minutes is None else plan.session_minutes
    return Limits(limit, cuts=rules.truncation_honoured and plan.truncation.mode == "auto")


def _standing(plan: Plan, lengths: Spread | Lengths, limits: Limits, run: Callable[[Plan], object]) -> Standing:
    """The few calls that stand for all; `run` fails with calls that a provider would end with an error."""
    goes_on = not limits.minutes or plan.minutes > limits.minutes  # calls that go on in another session do not end with one
    cap = None if goes_on else Cap(float(min(limits.minutes, LONGEST_MINUTES)), "session")
    if isinstance(lengths, Spread) and not lengths.coefficient:
        return Standing(cap, None, float(plan.minutes), ((plan, 1),))
    most = cap.minutes if cap else min(LONGEST_MINUTES, LONGEST_TIMES * float(plan.minutes))
    groups = groups_of(plan, lengths, most)
    fitting = len(groups) if limits.cuts else _fitting(plan, groups, run)
    if fitting < len(groups):
        cap = Cap(groups[fitting - 1].minutes, "context")
        most = cap.minutes
        groups = groups_of(plan, lengths, most)
    shares = sum(group.share for group in groups)
    mean = sum(group.share * group.minutes for group in groups) / shares
    return Standing(cap, most, mean, _weighed(plan, groups, even=isinstance(lengths, Lengths)))


def _fitting(plan: Plan, groups: Sequence[Group], run: Callable[[Plan], object]) -> int:
    """How many of the groups, from the shortest, have calls that the provider does not end with an error."""

    def fits(group: Group) -> bool:
        try:
            run(_as_long(plan, group))
        except ContextOverflow:
            return False
        return True

    if fits(groups[-1]):
        return len(groups)
    return max(1, bisect(range(len(groups)), False, key=lambda at: not fits(groups[at])))


def _weighed(plan: Plan, groups: Sequence[Group], *, even: bool) -> tuple[tuple[Plan, int], ...]:
    """Plans of some of the groups, with their weights. `even`: each as long as its calls are on average."""
    at = chosen(groups)
    as_they_are = range(len(groups)) if even or len(at) == len(groups) else (0, len(groups) - 1)
    nodes = [groups[each] if each in as_they_are else within(groups[each], order, plan) for order, each in enumerate(at)]
    weights = weights_of(groups, [node.minutes for node in nodes])
    return tuple((_as_long(plan, node), weight) for node, weight in zip(nodes, weights, strict=True))


def _long(plan: Plan, minutes: float, run: Callable[[Plan], Counted]) -> Weighed[Counted]:
    """One call of so many minutes."""
    as_long = _as_long(plan, Group(turns_in(minutes, plan.turns / float(plan.minutes)), minutes, 1))
    return Weighed(float(as_long.minutes), 1, run(as_long))


def population(held: Calls[Used], average: Scenarios, sold: Offered) -> Population:
    """What calls cost with an offer; `average` is what the call of average length does.

    Measured beside 2,000 lengths priced one by one, at two and four turns a minute and spreads of 0.5 to 1.0: within 0.1 %, at
    five within 0.2 %.
    Where a call has few tool calls or typed turns, which are whole numbers, within 1 %.

    Raises:
        Unpriced: the plan uses something that has no price there.
    """
    mean = over_all_lengths(held, sold)
    return Population(
        lengths=held.lengths,
        mean=mean,
        surcharge=Fraction(mean.expected) / Fraction(average.expected) - 1 if average.expected else Fraction(0),
        cap=held.cap,
        mean_minutes=held.mean_minutes,
        percentiles=tuple(_percentile(percent, call, sold) for percent, call in held.percentiles),
    )


def over_all_lengths(held: Calls[Used], sold: Offered) -> Scenarios:
    """The mean amounts of calls of all lengths."""
    heard = Fraction(0)
    if sold.transcription is not None:
        heard = _mean(((each.weight, each.used.heard) for each in held.weighed), sold.transcription.rates)
    best, expected, worst = (
        _mean(((each.weight, each.used.voice[at]) for each in held.weighed), sold.found.rates) + heard for at in range(3)
    )
    return Scenarios(best, expected, worst)


def _mean(weighted: Iterable[tuple[int, Usage]], rates: Rates) -> Fraction:
    """The weighted mean amount: rates multiply quantities, so what counts is the mean quantity of each meter."""
    pairs = list(weighted)
    whole = sum(weight for weight, _ in pairs)
    mean = Fraction(0)
    for line in lines_of(total_usage(usage for _, usage in pairs), rates):
        assert line.rate is not None
        quantity = sum(weight * usage[line.meter.name] for weight, usage in pairs)
        mean += Fraction(quantity, whole) * Fraction(line.rate.amount(1))
    return mean


def _percentile(percent: int, call: Weighed[Used], sold: Offered) -> Percentile:
    heard = amount_of(lines_of(call.used.heard, sold.transcription.rates)) if sold.transcription else 0
    return Percentile(percent, call.minutes, amount_of(lines_of(call.used.voice[1], sold.found.rates)) + heard)


def mean_costs(held: Calls[Scenarios]) -> Scenarios:
    """The mean amounts of calls of which each has its costs."""
    whole = sum(each.weight for each in held.weighed)

    def mean(amounts: Iterable[Amount]) -> Fraction:
        return sum(
            (Fraction(each.weight, whole) * amount for each, amount in zip(held.weighed, amounts, strict=True)), Fraction(0)
        )

    return Scenarios(
        mean(each.used.best for each in held.weighed),
        mean(each.used.expected for each in held.weighed),
        mean(each.used.worst for each in held.weighed),
    )


def _as_long(plan: Plan, group: Group) -> Plan:
    return at_length(plan, group.turns, Decimal(f"{group.minutes:.6f}"))
