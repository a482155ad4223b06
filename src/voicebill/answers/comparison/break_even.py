"""Find the break-even between alternatives over minutes, turns, share of speech or volume.

Amounts change in steps (turns are whole, caches have blocks), so a break-even is searched for and not solved for: it lies
between two neighbouring values of a range at which the order of two alternatives differs. Between them nothing is claimed.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from itertools import combinations, pairwise
from math import ceil, floor
from typing import Literal, NamedTuple, get_args

from voicebill.answers.comparison.alternatives import Alternative, Alternatives
from voicebill.answers.parsing import quantities
from voicebill.billing.errors import InvalidInput, UnknownName, VoicebillError
from voicebill.billing.validation import to_decimal
from voicebill.conversation.plan import Plan, with_length
from voicebill.conversation.script import MAX_TURNS
from voicebill.conversation.volume import Volume

Axis = Literal["minutes", "turns", "speech", "volume"]
AXES: tuple[Axis, ...] = get_args(Axis)

MAX_SWEEP_STEPS, MIN_SWEEP_STEPS = 600, 24
MAX_TOTAL_TURNS = 5_000
"""Limits on the values of a range that are priced: all of a short range, fewer where conversations have many turns."""

MAX_VALUES: dict[Axis, Decimal] = {
    "minutes": Decimal(1440),
    "turns": Decimal(MAX_TURNS),
    "speech": Decimal(100),
    "volume": Decimal(10**12),
}

UNITS: dict[Axis, str] = {
    "minutes": "minutes, with the same turns and tool calls per minute",
    "turns": "turns, in the same minutes",
    "speech": "percent of the time with speech",
    "volume": "conversations per month",
}


@dataclass(frozen=True, slots=True)
class SweepRange:
    """The axis that is varied, and its range.

    `minutes`: the length of the call; turns grow with it. `turns`: in the plan's minutes. `speech`: per cent of the time in
    which the user or the assistant speaks, divided between them as in the plan. `volume`: conversations per month; amounts
    are per month, too.

    Raises:
        InvalidInput: the range is empty or too large, or the axis is unknown.
    """

    axis: Axis
    low: Decimal
    high: Decimal

    def __post_init__(self) -> None:
        if self.axis not in AXES:
            raise InvalidInput(f"a break-even axis is one of {', '.join(AXES)}, not {self.axis!r}")
        for end in ("low", "high"):
            object.__setattr__(self, end, to_decimal(f"the range of {self.axis}", getattr(self, end)))
        if not 0 < self.low < self.high:
            raise InvalidInput(f"a range of {self.axis} must rise from a value above 0, not from {self.low} to {self.high}")
        if self.high > MAX_VALUES[self.axis]:
            raise InvalidInput(f"a range of {self.axis} goes up to {MAX_VALUES[self.axis]:,}, not to {self.high:,}")


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """Expected amounts in picodollars at one value: one per alternative, None where it cannot be estimated."""

    value: Decimal
    amounts: tuple[Fraction | None, ...]


class BreakEven(NamedTuple):
    """Two values between which the order of two alternatives changes.

    They are neighbours, unless the alternatives cost the same or cannot be estimated in between. `estimate` is a linear
    interpolation for display; `cheaper_below` and `cheaper_above` are the names of the cheaper alternative on each side.
    """

    below: Decimal
    above: Decimal
    estimate: Decimal
    cheaper_below: str
    cheaper_above: str


@dataclass(frozen=True, slots=True)
class PairComparison:
    """Two alternatives over a range: every break-even; without one, `cheaper` is the cheaper name (None: the same cost)."""

    first: str
    second: str
    break_evens: tuple[BreakEven, ...]
    cheaper: str | None


@dataclass(frozen=True, slots=True)
class BreakEvenCurve:
    """Some alternatives over one range, and every pair of them; `missing` says where one of them cannot be estimated."""

    sweep_range: SweepRange
    names: tuple[str, ...]
    points: tuple[SweepPoint, ...]
    pairs: tuple[PairComparison, ...]
    missing: tuple[str, ...]


def break_even(alternatives: Sequence[Alternative], plan: Plan, sweep_range: SweepRange) -> BreakEvenCurve:
    """How the ranking of some alternatives changes over a range.

    >>> from datetime import date
    >>> from voicebill.answers.comparison.alternatives import alternatives
    >>> from voicebill.answers.estimates.model_selection import ModelSelection
    >>> from voicebill.facts import load_facts
    >>> plan = Plan(minutes=6, turns=20)
    >>> answer = alternatives(None, plan, ModelSelection(model="any", day=date(2026, 11, 22)), load_facts())
    >>> two = [answer.find("gpt-live-1.1"), answer.find("fast")]
    >>> break_even(two, plan, SweepRange("minutes", Decimal(1), Decimal(30))).pairs[0].cheaper
    'fast'

    Raises:
        InvalidInput: there are fewer than two alternatives, one of them is not possible, or the range has no value to price.
    """
    if len({alternative.name for alternative in alternatives}) < 2:
        raise InvalidInput("a break-even needs two different alternatives: name another")
    for alternative in alternatives:
        if alternative.price_plan is None:
            raise InvalidInput(f"{alternative.name} cannot be ranked: {alternative.reason}")
    points = _refine(alternatives, plan, sweep_range, tuple(_points(alternatives, plan, sweep_range)))
    if not points:
        raise InvalidInput(
            f"no value of {sweep_range.axis} between {sweep_range.low} and {sweep_range.high} can be evaluated: widen the range"
        )
    names = tuple(alternative.name for alternative in alternatives)
    return BreakEvenCurve(
        sweep_range=sweep_range,
        names=names,
        points=points,
        pairs=tuple(_compare_pair(points, names, one, two) for one, two in combinations(range(len(names)), 2)),
        missing=tuple(_missing_values(points, names)),
    )


def count_swept_turns(plan: Plan, sweep_range: SweepRange) -> int:
    """The turns and tool calls of all conversations that one alternative is priced for, at first: more where orders change.

    >>> count_swept_turns(Plan(minutes=10, turns=20), SweepRange("turns", Decimal(1), Decimal(4)))
    10

    Raises:
        InvalidInput: a plan of the range is not possible.
    """
    if sweep_range.axis == "volume":
        return 0
    return sum(varied.turns + varied.tool_calls for _, varied in _plans(plan, sweep_range))


def default_range(axis: Axis, plan: Plan, volume: Volume | None = None) -> SweepRange:
    """The range that is used unless one is given: from a fraction of the plan to a multiple of it."""
    turns = MAX_TURNS * plan.turns // max(plan.turns, plan.tool_calls)  # so that tool calls, which grow with them, fit too
    if axis == "minutes":
        longest = min(MAX_VALUES[axis], round(Decimal(plan.minutes) * turns / plan.turns, 9))
        return SweepRange(axis, min(Decimal(1), longest / 2), min(longest, max(Decimal(60), Decimal(plan.minutes) * 3)))
    if axis == "turns":
        return SweepRange(axis, Decimal(1), Decimal(min(turns, max(60, 3 * plan.turns))))
    if axis == "speech":
        return SweepRange(axis, Decimal(5), Decimal(100))
    month = Decimal(round(volume.per_month)) if volume else Decimal(30_000)
    return SweepRange(axis, Decimal(1), min(MAX_VALUES[axis], max(Decimal(1000), month * 10)))


def select_alternatives(alternatives: Alternatives, names: Sequence[str] = ()) -> tuple[Alternative, ...]:
    """The alternatives to compare: the named ones, else the cheapest of each architecture, or the cheapest two of a single one.

    Raises:
        UnknownName: no alternative has a given name.
        InvalidInput: one of them is not possible; the message says why.
    """
    by_name = {alternative.name: alternative for alternative in (*alternatives.conversational, *alternatives.partial)}
    by_short_name = {
        name: alternative for alternative in reversed(alternatives.conversational) for name in alternative.short_names
    }
    by_name = by_short_name | by_name
    reasons = {alternative.name: alternative.reason for alternative in alternatives.not_possible}
    for name in names:
        if name in reasons:
            raise InvalidInput(f"{name} cannot be ranked: {reasons[name]}")
        if name not in by_name:
            raise UnknownName("stack or offer", name, by_name, context=" among the compared alternatives", field="alternative")
    if names:
        return tuple(by_name[name] for name in names)
    return (
        alternatives.cheapest_by_architecture
        if len(alternatives.cheapest_by_architecture) > 1
        else alternatives.conversational[:2]
    )


def parse_range(axis: Axis, text: str) -> SweepRange:
    """A range as people write it: `1:60`, `5%:100%`, `90s:1h`.

    >>> parse_range("turns", "1:2k").high
    Decimal('2000')

    Raises:
        InvalidInput: the text is not a range, or its limits are not valid.
    """
    low, colon, high = text.partition(":")
    if not (colon and low.strip() and high.strip()) or ":" in high:
        raise InvalidInput(f"{text!r} is not a range: write LOW:HIGH, such as 1:60")
    parse = quantities.parse_minutes if axis == "minutes" else quantities.parse_number
    return SweepRange(axis, parse(low.strip().rstrip("% ")), parse(high.strip().rstrip("% ")))


def _points(alternatives: Sequence[Alternative], plan: Plan, sweep_range: SweepRange) -> Iterator[SweepPoint]:
    if sweep_range.axis == "volume":
        yield from _volume_points(alternatives, sweep_range)
        return
    for value, varied in _plans(plan, sweep_range):
        yield SweepPoint(value, tuple(_expected_amount(alternative, varied) for alternative in alternatives))


def _refine(
    alternatives: Sequence[Alternative], plan: Plan, sweep_range: SweepRange, points: tuple[SweepPoint, ...]
) -> tuple[SweepPoint, ...]:
    """The points, with more values between two neighbours where the order changes: a wide range has gaps."""
    by_value = {point.value: point for point in points}
    for below, above in pairwise(points):
        if sweep_range.axis != "volume" and _order(below) != _order(above):
            by_value |= {
                point.value: point
                for point in _points(alternatives, plan, SweepRange(sweep_range.axis, below.value, above.value))
            }
    return tuple(by_value[value] for value in sorted(by_value))


def _order(point: SweepPoint) -> list[int]:
    """Indexes of the alternatives by amount; those that cannot be estimated come last."""
    return sorted(
        range(len(point.amounts)), key=lambda index: (point.amounts[index] is None, point.amounts[index] or Fraction(0))
    )


def _volume_points(alternatives: Sequence[Alternative], sweep_range: SweepRange) -> Iterator[SweepPoint]:
    """Amounts per month over volumes: straight lines, whose intersections are exact to one conversation."""
    equal_at = set()
    for one, two in combinations(alternatives, 2):
        slope = one.mean_cost - two.mean_cost
        value = (Fraction(two.fixed_monthly_fee) - Fraction(one.fixed_monthly_fee)) / slope if slope else Fraction(-1)
        equal_at |= {
            Decimal(ceil(value) - 1),
            Decimal(floor(value) + 1),
        }  # they cost the same where they meet at a whole number
    steps = {Decimal(round(sweep_range.low + (sweep_range.high - sweep_range.low) * step / 20)) for step in range(21)}
    inside = {value for value in steps | equal_at if sweep_range.low < value < sweep_range.high}
    for volume in sorted({sweep_range.low, *inside, sweep_range.high}):
        yield SweepPoint(
            volume,
            tuple(alternative.fixed_monthly_fee + alternative.mean_cost * Fraction(volume) for alternative in alternatives),
        )


def _plans(plan: Plan, sweep_range: SweepRange) -> Iterator[tuple[Decimal, Plan]]:
    """The plan at every step of the range: single turns, or per cent of speech."""
    if sweep_range.axis == "turns":
        for turns in _integers(sweep_range.low, sweep_range.high, _step_limit(sweep_range.high)):
            yield Decimal(turns), with_length(plan, turns, plan.minutes)
    elif sweep_range.axis == "minutes":
        minutes_per_turn = Decimal(plan.minutes) / plan.turns
        last = max(Decimal(1), sweep_range.high / minutes_per_turn)
        for turns in _integers(max(Decimal(1), sweep_range.low / minutes_per_turn), last, _step_limit(last)):
            minutes = round(Decimal(plan.minutes) * turns / plan.turns, 9)
            yield minutes, with_length(plan, turns, min(minutes, MAX_VALUES["minutes"]))
    else:
        user, assistant = plan.speech_shares
        for percent in _integers(sweep_range.low, sweep_range.high, _step_limit(Decimal(2 * plan.turns))):
            speech_share = Decimal(percent) / 100
            user_fraction = user / (user + assistant) if user + assistant else Decimal("0.5")
            user_share = round(speech_share * user_fraction, 9)
            yield (
                Decimal(percent),
                replace(plan, user_share=user_share, assistant_share=speech_share - user_share, silence_share=None),
            )


def _step_limit(max_turns: Decimal) -> int:
    """The number of values to price, where conversations have up to `max_turns` turns, and half as many on average."""
    return max(MIN_SWEEP_STEPS, min(MAX_SWEEP_STEPS, int(2 * MAX_TOTAL_TURNS / max_turns)))


def _integers(low: Decimal, high: Decimal, max_count: int) -> list[int]:
    """Whole numbers of a range: all of them, or `max_count` evenly spaced ones."""
    first, last = ceil(low), floor(high)
    count = last - first + 1
    if count <= max_count:
        return list(range(first, last + 1))
    return sorted({first + round(Fraction(step * (count - 1), max_count - 1)) for step in range(max_count)})


def _expected_amount(alternative: Alternative, plan: Plan) -> Fraction | None:
    assert alternative.price_plan is not None
    try:
        return Fraction(alternative.price_plan(plan).expected)
    except VoicebillError:
        return None


def _compare_pair(points: Sequence[SweepPoint], names: Sequence[str], one: int, two: int) -> PairComparison:
    break_evens: list[BreakEven] = []
    last: tuple[Decimal, Fraction] | None = None  # the last value at which they did not cost the same
    for point in points:
        first, second = point.amounts[one], point.amounts[two]
        if first is None or second is None:
            continue
        difference = first - second
        if last is not None and difference * last[1] < 0:
            estimate = last[0] + (point.value - last[0]) * Decimal(float(abs(last[1]) / (abs(last[1]) + abs(difference))))
            below, above = (names[one], names[two])[:: 1 if last[1] < 0 else -1]
            break_evens.append(BreakEven(last[0], point.value, round(estimate, 3), below, above))
        if difference:
            last = (point.value, difference)
    differences = [a - b for point in points if (a := point.amounts[one]) is not None and (b := point.amounts[two]) is not None]
    sign = next((difference for difference in differences if difference), None)
    cheaper = None if break_evens or sign is None else names[one] if sign < 0 else names[two]
    return PairComparison(names[one], names[two], tuple(break_evens), cheaper)


def _missing_values(points: Sequence[SweepPoint], names: Sequence[str]) -> Iterator[str]:
    for index, name in enumerate(names):
        missing = [point.value for point in points if point.amounts[index] is None]
        if missing:
            yield f"{name} cannot be estimated at {len(missing)} of {len(points)} values, first at {missing[0].normalize():f}"


def sweep(
    alternatives: Sequence[Alternative], plan: Plan, axes: Iterable[Axis], volume: Volume | None = None
) -> tuple[BreakEvenCurve, ...]:
    """The ranking over several axes, each with its default range."""
    return tuple(break_even(alternatives, plan, default_range(axis, plan, volume)) for axis in axes)
