"""What the pictures show, as rows of numbers: dollars as floats, since a line on paper is no bill."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import accumulate
from typing import NamedTuple

from voicebill.answers.compare import Comparison
from voicebill.answers.cost import IN_ORDER, Cost, Group
from voicebill.answers.cost_shape import status_of
from voicebill.answers.costing import amount_of, lines_of
from voicebill.answers.crossings import Flips
from voicebill.answers.estimate import Estimate
from voicebill.answers.knobs import Effect
from voicebill.answers.scenarios import costs
from voicebill.billing.errors import VoicebillError
from voicebill.billing.money import PICODOLLARS_PER_DOLLAR, Amount
from voicebill.conversation.cache import usage
from voicebill.conversation.plan import at_length
from voicebill.conversation.rules import Cache

KINDS = {
    "audio_out": "assistant's speech",
    "text_out": "text out",
    "audio_in": "audio in, full rate",
    "image_in": "images in, full rate",
    "text_in": "text in, full rate",
    "audio_in_cached": "from the cache",
    "text_in_cached": "from the cache",
    "image_in_cached": "from the cache",
}
TRANSCRIPTION = "transcription"
"""What a turn's dollars are for, by meter, in the order in which they are stacked."""

MOST_BARS = 20
MOST_IN_TIME = 120
NOT_NAMED = "not named"

LENGTHS = tuple(Decimal(quarters) / 4 for quarters in (1, 2, 3, 4, 5, 6, 8, 10, 12))
"""Call lengths beside the plan's own, as multiples of it."""


class TurnRow(NamedTuple):
    """What one turn costs for one kind of thing."""

    turn: int
    kind: str
    dollars: float


class BandRow(NamedTuple):
    """An amount with its band, at a turn or a length."""

    at: float
    best: float
    expected: float
    worst: float


class BarRow(NamedTuple):
    """A bar from one value to another, with a mark at a third."""

    label: str
    low: float
    high: float
    mark: float


def per_turn(answer: Estimate) -> list[TurnRow]:
    """What each turn is expected to cost, by what it is for."""
    rates = answer.offered.found.rates
    sums: dict[tuple[int, str], float] = {}
    for response in answer.conversation.responses:
        for line in lines_of(usage(response, answer.conversation.expected), rates):
            key = (response.turn, KINDS[line.meter.name])
            sums[key] = sums.get(key, 0.0) + in_dollars(line.amount or 0)
    rows = [TurnRow(turn, kind, dollars) for (turn, kind), dollars in sums.items()]
    return rows + [TurnRow(turn, TRANSCRIPTION, in_dollars(amount)) for turn, amount in _heard(answer).items() if amount]


def _heard(answer: Estimate) -> dict[int, Amount]:
    """What the transcription of each turn costs."""
    sold = answer.offered.transcription
    if sold is None:
        return {}
    return {turn: amount_of(lines_of(used, sold.rates)) for turn, used in enumerate(answer.conversation.heard, start=1)}


def cumulative(answer: Estimate) -> list[BandRow]:
    """What the conversation has cost by the end of each turn."""
    held, rates, heard = answer.conversation, answer.offered.found.rates, _heard(answer)
    behaviours: tuple[Cache, ...] = ("all", held.expected.behaviour, "none")

    def reached(behaviour: Cache) -> Iterator[float]:
        rule = held.rule(behaviour)
        by_turn = {turn: heard.get(turn, 0) for turn in range(1, len(held.script.turns) + 1)}
        for response in held.responses:
            by_turn[response.turn] += amount_of(lines_of(usage(response, rule), rates))
        return accumulate(in_dollars(amount) for amount in by_turn.values())

    columns = zip(*(reached(behaviour) for behaviour in behaviours), strict=True)
    return [BandRow(turn, best, expected, worst) for turn, (best, expected, worst) in enumerate(columns, start=1)]


def by_length(answer: Estimate) -> list[BandRow]:
    """What calls of other lengths cost, with as many turns a minute; lengths that the provider refuses are left out."""
    plan, found = answer.plan, []
    for factor in LENGTHS:
        turns = max(1, round(plan.turns * factor))
        minutes = min(Decimal(plan.minutes) * turns / plan.turns, Decimal(1440))
        try:
            amounts = costs(at_length(plan, turns, round(minutes, 9)), answer.offered)
        except VoicebillError:
            continue
        found.append(BandRow(float(minutes), *(in_dollars(each) for each in (amounts.best, amounts.expected, amounts.worst))))
    return found


def tornado(moved: Iterable[Effect]) -> list[BarRow]:
    """What each knob adds at its ends, the widest first; those that move nothing are left out."""
    return [
        BarRow(
            f"{effect.knob.label} ({effect.knob.low.label} to {effect.knob.high.label})",
            in_dollars(effect.low or 0),
            in_dollars(effect.high or 0),
            0.0,
        )
        for effect in moved
        if effect.swing
    ]


def side_by_side(answer: Comparison) -> list[BarRow]:
    """Each offer from best to worst, with the expected amount marked, the cheapest first."""
    rows = []
    for candidate in answer.candidates:
        if candidate.answer is not None:
            amounts = candidate.answer.per_conversation
            label = candidate.offer.id
            rows.append(BarRow(label, *(in_dollars(each) for each in (amounts.best, amounts.worst, amounts.expected))))
    return rows


class PointRow(NamedTuple):
    """What one way costs at one value."""

    at: float
    dollars: float
    way: str


def ranked(found: Flips) -> list[PointRow]:
    """What every way costs at every value that was looked at; where it has no answer, nothing."""
    return [
        PointRow(float(point.at), in_dollars(amount), name)
        for at, name in enumerate(found.names)
        for point in found.points
        if (amount := point.amounts[at]) is not None
    ]


def crossed(found: Flips) -> list[PointRow]:
    """Where the order of two ways changes, and about at which amount."""
    rows = []
    for pair in found.pairs:
        at = found.names.index(pair.first)
        amounts = {point.at: point.amounts[at] for point in found.points}
        for each in pair.crossings:
            low, high = amounts[each.below], amounts[each.above]
            assert low is not None
            assert high is not None
            share = float((each.near - each.below) / (each.above - each.below))
            dollars = in_dollars(low) + share * (in_dollars(high) - in_dollars(low))
            rows.append(PointRow(float(each.near), dollars, f"{pair.first} and {pair.second}"))
    return rows


def cost_bars(answer: Cost, most: int = MOST_BARS) -> list[BarRow]:
    """What each group did cost, or each meter where there are no groups: up to the dearest reading, the cheapest marked.

    Groups in time keep their order, the last ones; of others the dearest are shown.
    """
    if answer.asked.by:
        rows = [
            _bar(" · ".join(NOT_NAMED if key is None else str(key) for key in group.keys), group) for group in answer.groups
        ]
        return rows[-MOST_IN_TIME:] if in_time(answer) else rows[:most]
    sums: dict[str, tuple[Amount, Amount]] = {}
    for line in answer.lines:
        low, high = sums.get(line.line.meter.label, (0, 0))
        sums[line.line.meter.label] = (low + line.low_amount, high + line.high_amount)
    return [BarRow(label, 0.0, in_dollars(high), in_dollars(low)) for label, (low, high) in sums.items()]


def in_time(answer: Cost) -> bool:
    """Whether the groups of an answer stand for times, one after the other."""
    return answer.asked.top is None and len(answer.asked.by) == 1 and answer.asked.by[0] in IN_ORDER


def _bar(label: str, group: Group) -> BarRow:
    """A group up to its cheapest reading (mark) and its dearest; what has no price says so, and is no bar of nothing."""
    beside = {"unpriced": " (no price)", "partial": " (in part)"}.get(status_of(group), "")
    low, high = sorted((group.low or 0, group.high or 0))
    return BarRow(f"{label}{beside}", 0.0, in_dollars(high), in_dollars(low))


def in_dollars(amount: Amount) -> float:
    """Picodollars as dollars, for drawing."""
    return float(amount) / PICODOLLARS_PER_DOLLAR
