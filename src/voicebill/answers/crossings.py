"""Where the ranking flips: between which lengths, turns, shares of talk or volumes one way becomes cheaper than another.

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
from voicebill.billing.checks import exact
from voicebill.billing.errors import InvalidInput, UnknownName, VoicebillError
from voicebill.conversation.plan import Plan, at_length
from voicebill.conversation.script import MOST_TURNS

Axis = Literal["minutes", "turns", "talk", "volume"]
AXES: tuple[Axis, ...] = get_args(Axis)

MOST_STEPS, LEAST_STEPS = 600, 24
MOST_COUNTED = 5_000
"""Values of a range that are looked at: all of a short one, fewer where conversations have many turns together."""

MOST: dict[Axis, Decimal] = {
    "minutes": Decimal(1440),
    "turns": Decimal(MOST_TURNS),
    "talk": Decimal(100),
    "volume": Decimal(10**12),
}

UNITS: dict[Axis, str] = {
    "minutes": "minutes, with as many turns and tool calls a minute",
    "turns": "turns, in as many minutes",
    "talk": "per cent of the time in which anybody talks",
    "volume": "conversations a month",
}


@dataclass(frozen=True, slots=True)
class Range:
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
            object.__setattr__(self, end, exact(f"the range of {self.axis}", getattr(self, end)))
        if not 0 < self.low < self.high:
            raise InvalidInput(
                f"a range of {self.axis} rises from more than 0 to more than that, not from {self.low} to {self.high}"
            )
        if self.high > MOST[self.axis]:
            raise InvalidInput(f"a range of {self.axis} goes up to {MOST[self.axis]:,}, not to {self.high:,}")


@dataclass(frozen=True, slots=True)
class Point:
    """Amounts in picodollars at one value, expected: one for each way, None where a way has no answer there."""

    at: Decimal
    amounts: tuple[Fraction | None, ...]


class Crossing(NamedTuple):
    """Between two values the order of two ways changes: neighbours, unless they cost the same or have no answer between.

    `near` is where a straight line between the values would put it, for reading; `cheaper_below` and `cheaper_above` are the
    names of the cheaper way on either side.
    """

    below: Decimal
    above: Decimal
    near: Decimal
    cheaper_below: str
    cheaper_above: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two ways along a range: every crossing, and which is cheaper everywhere if there is none (None: they cost the same)."""

    first: str
    second: str
    crossings: tuple[Crossing, ...]
    cheaper: str | None


@dataclass(frozen=True, slots=True)
class Flips:
    """Some ways along one range, with every pair of them; `gaps` says where one of them has no answer."""

    within: Range
    names: tuple[str, ...]
    points: tuple[Point, ...]
    pairs: tuple[Pair, ...]
    gaps: tuple[str, ...]


def flips(ways: Sequence[Alternative], plan: Plan, within: Range) -> Flips:
    """How the ranking of some ways changes along a range.

    >>> from datetime import date
    >>> from voicebill.answers.alternatives import alternatives
    >>> from voicebill.answers.offered import Asked
    >>> from voicebill.facts import load
    >>> plan = Plan(minutes=6, turns=20)
    >>> known = alternatives(None, plan, Asked(model="any", day=date(2026, 11, 22)), load())
    >>> two = [known.named("gpt-live-1.1"), known.named("fast")]
    >>> flips(two, plan, Range("minutes", Decimal(1), Decimal(30))).pairs[0].cheaper
    'fast'

    Raises:
        InvalidInput: there are no two ways, one of them cannot be, or the range holds no value to look at.
    """
    if len({way.name for way in ways}) < 2:
        raise InvalidInput("a ranking needs two different ways: name another")
    for way in ways:
        if way.way is None:
            raise InvalidInput(f"{way.name} cannot be ranked: {way.refusal}")
    points = _closer(ways, plan, within, tuple(_points(ways, plan, within)))
    if not points:
        raise InvalidInput(
            f"no value of {within.axis} between {within.low} and {within.high} can be looked at: widen the range"
        )
    names = tuple(way.name for way in ways)
    return Flips(
        within=within,
        names=names,
        points=points,
        pairs=tuple(_pair(points, names, one, two) for one, two in combinations(range(len(names)), 2)),
        gaps=tuple(_gaps(points, names)),
    )


def usual(axis: Axis, plan: Plan, volume: Volume | None = None) -> Range:
    """The range that is looked at unless another is stated: from a fraction of the plan to several times it."""
    turns = MOST_TURNS * plan.turns // max(plan.turns, plan.tool_calls)  # so that tool calls, which grow with them, fit too
    if axis == "minutes":
        longest = min(MOST[axis], round(Decimal(plan.minutes) * turns / plan.turns, 9))
        return Range(axis, min(Decimal(1), longest / 2), min(longest, max(Decimal(60), Decimal(plan.minutes) * 3)))
    if axis == "turns":
        return Range(axis, Decimal(1), Decimal(min(turns, max(60, 3 * plan.turns))))
    if axis == "talk":
        return Range(axis, Decimal(5), Decimal(100))
    month = Decimal(round(volume.per_month)) if volume else Decimal(30_000)
    return Range(axis, Decimal(1), min(MOST[axis], max(Decimal(1000), month * 10)))


def chosen(ways: Alternatives, names: Sequence[str] = ()) -> tuple[Alternative, ...]:
    """The ways whose ranking is looked at: those named, else the cheapest of each kind, or of one kind the cheapest two.

    Raises:
        UnknownName: there is none of a name.
        InvalidInput: one of them cannot be; the text says why.
    """
    known = {way.name: way for way in (*ways.spoken, *ways.others)}
    models = {name: way for way in reversed(ways.spoken) for name in way.goes_by}
    known = models | known
    refused = {way.name: way.refusal for way in ways.refused}
    for name in names:
        if name in refused:
            raise InvalidInput(f"{name} cannot be ranked: {refused[name]}")
        if name not in known:
            raise UnknownName("stack or offer", name, known, of=" among the ways that are compared")
    if names:
        return tuple(known[name] for name in names)
    return ways.cheapest_of_each if len(ways.cheapest_of_each) > 1 else ways.spoken[:2]


def range_said(axis: Axis, said: str) -> Range:
    """A range as people write it: `1:60`, `5%:100%`, `90s:1h`.

    >>> range_said("turns", "1:2k").high
    Decimal('2000')

    Raises:
        InvalidInput: it is not written so, or cannot be meant.
    """
    low, colon, high = said.partition(":")
    if not (colon and low.strip() and high.strip()) or ":" in high:
        raise InvalidInput(f"{said!r} is not a range: write LOW:HIGH, such as 1:60")
    read = quantities.minutes if axis == "minutes" else quantities.number
    return Range(axis, read(low.strip().rstrip("% ")), read(high.strip().rstrip("% ")))


def _points(ways: Sequence[Alternative], plan: Plan, within: Range) -> Iterator[Point]:
    if within.axis == "volume":
        yield from _lines(ways, within)
        return
    for at, varied in _plans(plan, within):
        yield Point(at, tuple(_expected(way, varied) for way in ways))


def _closer(ways: Sequence[Alternative], plan: Plan, within: Range, points: tuple[Point, ...]) -> tuple[Point, ...]:
    """The points, and those between two of them where the order changes: of a wide range not every value is among them."""
    found = {point.at: point for point in points}
    for below, above in pairwise(points):
        if within.axis != "volume" and _order(below) != _order(above):
            found |= {point.at: point for point in _points(ways, plan, Range(within.axis, below.at, above.at))}
    return tuple(found[at] for at in sorted(found))


def _order(point: Point) -> list[int]:
    """The ways by what they cost, as their places; those without an answer last."""
    return sorted(range(len(point.amounts)), key=lambda at: (point.amounts[at] is None, point.amounts[at] or Fraction(0)))


def _lines(ways: Sequence[Alternative], within: Range) -> Iterator[Point]:
    """Amounts of a month over volumes: straight lines, so that where two of them meet can be told to the conversation."""
    meet = set()
    for one, two in combinations(ways, 2):
        steeper = one.each - two.each
        at = (Fraction(two.monthly) - Fraction(one.monthly)) / steeper if steeper else Fraction(-1)
        meet |= {Decimal(ceil(at) - 1), Decimal(floor(at) + 1)}  # they cost the same where they meet at a whole number
    steps = {Decimal(round(within.low + (within.high - within.low) * step / 20)) for step in range(21)}
    inside = {at for at in steps | meet if within.low < at < within.high}
    for volume in sorted({within.low, *inside, within.high}):
        yield Point(volume, tuple(way.monthly + way.each * Fraction(volume) for way in ways))


def _plans(plan: Plan, within: Range) -> Iterator[tuple[Decimal, Plan]]:
    """The plan at every step of the range: turns one by one, shares of talk by the per cent."""
    if within.axis == "turns":
        for turns in _whole(within.low, within.high, _steps(within.high)):
            yield Decimal(turns), at_length(plan, turns, plan.minutes)
    elif within.axis == "minutes":
        each = Decimal(plan.minutes) / plan.turns
        last = max(Decimal(1), within.high / each)
        for turns in _whole(max(Decimal(1), within.low / each), last, _steps(last)):
            minutes = round(Decimal(plan.minutes) * turns / plan.turns, 9)
            yield minutes, at_length(plan, turns, min(minutes, MOST["minutes"]))
    else:
        user, assistant = plan.talk
        for percent in _whole(within.low, within.high, _steps(Decimal(2 * plan.turns))):
            talks = Decimal(percent) / 100
            share = user / (user + assistant) if user + assistant else Decimal("0.5")
            one = round(talks * share, 9)
            yield Decimal(percent), replace(plan, user_share=one, assistant_share=talks - one, silence_share=None)


def _steps(most_turns: Decimal) -> int:
    """How many values are looked at, where conversations have up to so many turns, and half of it on average."""
    return max(LEAST_STEPS, min(MOST_STEPS, int(2 * MOST_COUNTED / most_turns)))


def _whole(low: Decimal, high: Decimal, most: int) -> list[int]:
    """Whole numbers of a range, all of them or evenly so many as are looked at."""
    first, last = ceil(low), floor(high)
    count = last - first + 1
    if count <= most:
        return list(range(first, last + 1))
    return sorted({first + round(Fraction(step * (count - 1), most - 1)) for step in range(most)})


def _expected(way: Alternative, plan: Plan) -> Fraction | None:
    assert way.way is not None
    try:
        return Fraction(way.way(plan).expected)
    except VoicebillError:
        return None


def _pair(points: Sequence[Point], names: Sequence[str], one: int, two: int) -> Pair:
    found: list[Crossing] = []
    last: tuple[Decimal, Fraction] | None = None  # the newest value at which they did not cost the same
    for point in points:
        first, second = point.amounts[one], point.amounts[two]
        if first is None or second is None:
            continue
        gap = first - second
        if last is not None and gap * last[1] < 0:
            near = last[0] + (point.at - last[0]) * Decimal(float(abs(last[1]) / (abs(last[1]) + abs(gap))))
            below, above = (names[one], names[two])[:: 1 if last[1] < 0 else -1]
            found.append(Crossing(last[0], point.at, round(near, 3), below, above))
        if gap:
            last = (point.at, gap)
    gaps = [a - b for point in points if (a := point.amounts[one]) is not None and (b := point.amounts[two]) is not None]
    sign = next((gap for gap in gaps if gap), None)
    cheaper = None if found or sign is None else names[one] if sign < 0 else names[two]
    return Pair(names[one], names[two], tuple(found), cheaper)


def _gaps(points: Sequence[Point], names: Sequence[str]) -> Iterator[str]:
    for at, name in enumerate(names):
        missing = [point.at for point in points if point.amounts[at] is None]
        if missing:
            yield f"{name} has no answer at {len(missing)} of {len(points)} values, first at {missing[0].normalize():f}"


def along(ways: Sequence[Alternative], plan: Plan, axes: Iterable[Axis], volume: Volume | None = None) -> tuple[Flips, ...]:
    """The ranking along several axes, each over its usual range."""
    return tuple(flips(ways, plan, usual(axis, plan, volume)) for axis in axes)
