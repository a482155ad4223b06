"""Break-even: between which lengths, turns, shares of talk or volumes one way becomes cheaper than another.

Amounts move in steps (turns are whole, caches have blocks), so a crossing is not solved for but looked for at every step of
a stated range: two neighbouring values between which the order changes. Nothing between the steps is claimed.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from itertools import combinations, pairwise
from math import ceil, floor
from typing import Literal, NamedTuple, get_args

from voicebill.answers import quantities
from voicebill.answers.alternatives import Alternative, Alternatives
from voicebill.answers.quantities import Volume
from voicebill.billing.errors import InvalidInput, UnknownName, VoicebillError
from voicebill.billing.validation import to_decimal
from voicebill.conversation.plan import Plan, with_length
from voicebill.conversation.script import MAX_TURNS

Axis = Literal["minutes", "turns", "speech", "volume"]
AXES: tuple[Axis, ...] = get_args(Axis)

MAX_SWEEP_STEPS, MIN_SWEEP_STEPS = 600, 24
MAX_TOTAL_TURNS = 5_000
"""Values of a range that are looked at: all of a short one, fewer where conversations have many turns together."""

MAX_VALUES: dict[Axis, Decimal] = {
    "minutes": Decimal(1440),
    "turns": Decimal(MAX_TURNS),
    "speech": Decimal(100),
    "volume": Decimal(10**12),
}

UNITS: dict[Axis, str] = {
    "minutes": "minutes, with as many turns and tool calls a minute",
    "turns": "turns, in as many minutes",
    "speech": "percent of the time with speech",
    "volume": "conversations a month",
}


@dataclass(frozen=True, slots=True)
class SweepRange:
    """What is varied, and from where to where: at most so many steps as are looked at.

    `minutes`: the call's length, its turns growing with it. `turns`: in the plan's time. `talk`: per cent of the time in which
    the user or the assistant speaks, shared between them as in the plan. `volume`: conversations a month, in amounts of a
    month.

    Raises:
        InvalidInput: the range is empty, or cannot be meant.
    """

    axis: Axis
    low: Decimal
    high: Decimal

    def __post_init__(self) -> None:
        if self.axis not in AXES:
            raise InvalidInput(f"the ranking can be looked at along {', '.join(AXES)}, not {self.axis!r}")
        for end in ("low", "high"):
            object.__setattr__(self, end, to_decimal(f"the range of {self.axis}", getattr(self, end)))
        if not 0 < self.low < self.high:
            raise InvalidInput(
                f"a range of {self.axis} rises from more than 0 to more than that, not from {self.low} to {self.high}"
            )
        if self.high > MAX_VALUES[self.axis]:
            raise InvalidInput(f"a range of {self.axis} goes up to {MAX_VALUES[self.axis]:,}, not to {self.high:,}")


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """Amounts in picodollars at one value, expected: one for each way, None where a way has no answer there."""

    value: Decimal
    amounts: tuple[Fraction | None, ...]


class BreakEven(NamedTuple):
    """Between two values the order of two ways changes: neighbours, unless they cost the same or have no answer between.

    `near` is where a straight line between the values would put it, for reading; `cheaper_below` and `cheaper_above` are the
    names of the cheaper way on either side.
    """

    below: Decimal
    above: Decimal
    estimate: Decimal
    cheaper_below: str
    cheaper_above: str


@dataclass(frozen=True, slots=True)
class PairComparison:
    """Two ways along a range: every crossing, and which is cheaper everywhere if there is none (None: they cost the same)."""

    first: str
    second: str
    break_evens: tuple[BreakEven, ...]
    cheaper: str | None


@dataclass(frozen=True, slots=True)
class BreakEvenCurve:
    """Some ways along one range, with every pair of them; `gaps` says where one of them has no answer."""

    sweep_range: SweepRange
    names: tuple[str, ...]
    points: tuple[SweepPoint, ...]
    pairs: tuple[PairComparison, ...]
    missing: tuple[str, ...]


def break_even(alternatives: Sequence[Alternative], plan: Plan, sweep_range: SweepRange) -> BreakEvenCurve:
    """How the ranking of some ways changes along a range.

    >>> from datetime import date
    >>> from voicebill.answers.alternatives import alternatives
    >>> from voicebill.answers.model_selection import ModelSelection
    >>> from voicebill.facts import load_facts
    >>> plan = Plan(minutes=6, turns=20)
    >>> answer = alternatives(None, plan, ModelSelection(model="any", day=date(2026, 11, 22)), load_facts())
    >>> two = [answer.find("gpt-live-1.1"), answer.find("fast")]
    >>> break_even(two, plan, SweepRange("minutes", Decimal(1), Decimal(30))).pairs[0].cheaper
    'fast'

    Raises:
        InvalidInput: there are no two ways, one of them cannot be, or the range holds no value to look at.
    """
    if len({alternative.name for alternative in alternatives}) < 2:
        raise InvalidInput("a break-even needs two different alternatives: name another")
    for alternative in alternatives:
        if alternative.price_plan is None:
            raise InvalidInput(f"{alternative.name} cannot be ranked: {alternative.reason}")
    points = _refine(alternatives, plan, sweep_range, tuple(_points(alternatives, plan, sweep_range)))
    if not points:
        raise InvalidInput(
            f"no value of {sweep_range.axis} between {sweep_range.low} and {sweep_range.high} can be looked at: widen the range"
        )
    names = tuple(alternative.name for alternative in alternatives)
    return BreakEvenCurve(
        sweep_range=sweep_range,
        names=names,
        points=points,
        pairs=tuple(_compare_pair(points, names, one, two) for one, two in combinations(range(len(names)), 2)),
        missing=tuple(_missing_values(points, names)),
    )


def default_range(axis: Axis, plan: Plan, volume: Volume | None = None) -> SweepRange:
    """The range that is looked at unless another is stated: from a fraction of the plan to several times it."""
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
    """The ways whose ranking is looked at: those named, else the cheapest of each kind, or of one kind the cheapest two.

    Raises:
        UnknownName: there is none of a name.
        InvalidInput: one of them cannot be; the text says why.
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
            raise UnknownName("stack or offer", name, by_name, context=" among the ways that are compared")
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
        InvalidInput: it is not written so, or cannot be meant.
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
    """The points, and those between two of them where the order changes: of a wide range not every value is among them."""
    by_value = {point.value: point for point in points}
    for below, above in pairwise(points):
        if sweep_range.axis != "volume" and _order(below) != _order(above):
            by_value |= {
                point.value: point
                for point in _points(alternatives, plan, SweepRange(sweep_range.axis, below.value, above.value))
            }
    return tuple(by_value[value] for value in sorted(by_value))


def _order(point: SweepPoint) -> list[int]:
    """The ways by what they cost, as their places; those without an answer last."""
    return sorted(
        range(len(point.amounts)), key=lambda index: (point.amounts[index] is None, point.amounts[index] or Fraction(0))
    )


def _volume_points(alternatives: Sequence[Alternative], sweep_range: SweepRange) -> Iterator[SweepPoint]:
    """Amounts of a month over volumes: straight lines, so that where two of them meet can be told to the conversation."""
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
    """The plan at every step of the range: turns one by one, shares of talk by the per cent."""
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
    """How many values are looked at, where conversations have up to so many turns, and half of it on average."""
    return max(MIN_SWEEP_STEPS, min(MAX_SWEEP_STEPS, int(2 * MAX_TOTAL_TURNS / max_turns)))


def _integers(low: Decimal, high: Decimal, max_count: int) -> list[int]:
    """Whole numbers of a range, all of them or evenly so many as are looked at."""
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
    last: tuple[Decimal, Fraction] | None = None  # the newest value at which they did not cost the same
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
            yield f"{name} has no answer at {len(missing)} of {len(points)} values, first at {missing[0].normalize():f}"


def sweep(
    alternatives: Sequence[Alternative], plan: Plan, axes: Iterable[Axis], volume: Volume | None = None
) -> tuple[BreakEvenCurve, ...]:
    """The ranking along several axes, each over its usual range."""
    return tuple(break_even(alternatives, plan, default_range(axis, plan, volume)) for axis in axes)
