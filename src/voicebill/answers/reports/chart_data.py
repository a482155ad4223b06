"""Compute the data rows of charts. Dollars are floats here, since charts are not bills."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from typing import NamedTuple

from voicebill.answers.comparison.break_even import BreakEvenCurve
from voicebill.answers.comparison.compare import Comparison
from voicebill.answers.estimates.costing import priced_lines, usage_amount
from voicebill.answers.estimates.counted_calls import count_calls
from voicebill.answers.estimates.counted_conversation import cache_scenarios
from voicebill.answers.estimates.estimate import Estimate
from voicebill.answers.estimates.scenarios import usage_costs
from voicebill.answers.invoices.reconciliation import Reconciliation
from voicebill.answers.provisioned.result import PtuSizing
from voicebill.answers.recorded.query import CHRONOLOGICAL_FIELDS
from voicebill.answers.recorded.result import Cost, CostGroup
from voicebill.answers.replay.target_replay import TargetReplay
from voicebill.answers.reports.explanation_handout import PART_TEXTS
from voicebill.answers.reports.replay_handout import STEP_TEXTS
from voicebill.answers.reports.table_cells import amount_status
from voicebill.answers.sensitivity.sensitivity import Swing
from voicebill.answers.sessions.cache_losses import LOSS_CAUSES, LOSS_TEXTS
from voicebill.answers.sessions.fit import Fit
from voicebill.answers.sessions.log_explanation import LogExplanation
from voicebill.answers.sessions.session_explanation import SessionExplanation
from voicebill.billing.money import PICODOLLARS_PER_DOLLAR, Amount
from voicebill.conversation.cache import usage
from voicebill.conversation.plan import MAX_MINUTES, Plan
from voicebill.conversation.rules import Cache
from voicebill.conversation.script import MAX_TURNS
from voicebill.conversation.volume import HOURS_PER_MONTH

METER_LABELS = {
    "audio_out": "assistant audio",
    "text_out": "text out",
    "audio_in": "audio in, uncached",
    "image_in": "images in, uncached",
    "text_in": "text in, uncached",
    "text_in_cache_write": "text in, uncached",
    "audio_in_cached": "cached input",
    "text_in_cached": "cached input",
    "image_in_cached": "cached input",
}
MIN_DRAWN_SHARE = 0.001
"""A smaller part of an amount cannot be seen in its chart."""
TRANSCRIPTION = "transcription"
"""The label of transcription; it is stacked after the labels of the meters, which are in stacking order."""

PAY_AS_YOU_GO = "pay as you go"

MAX_BARS = 20
MAX_TIME_BARS = 120
NOT_NAMED = "not named"

LENGTH_FACTORS = tuple(Decimal(quarters) / 4 for quarters in (1, 2, 3, 4, 5, 6, 8, 10, 12))
"""Call lengths in a chart, as multiples of the plan's length."""


class TurnRow(NamedTuple):
    """The cost of one kind of usage in a turn, in dollars."""

    turn: int
    kind: str
    dollars: float


class BandRow(NamedTuple):
    """The dollars of the three cache scenarios at a turn, or at a call length in minutes (`value`)."""

    value: float
    best: float
    expected: float
    worst: float


class BarRow(NamedTuple):
    """A bar from `low` to `high` with a mark, in dollars."""

    label: str
    low: float
    high: float
    mark: float


def turn_costs(answer: Estimate) -> list[TurnRow]:
    """The expected cost of each turn by kind of usage."""
    rates = answer.model.quote.rates
    sums: dict[tuple[int, str], float] = {}
    for response in answer.conversation.responses:
        for line in priced_lines(usage(response, answer.conversation.expected), rates):
            key = (response.turn, METER_LABELS[line.meter.name])
            sums[key] = sums.get(key, 0.0) + to_dollars(line.amount or 0)
    rows = [TurnRow(turn, kind, dollars) for (turn, kind), dollars in sums.items()]
    return rows + [
        TurnRow(turn, TRANSCRIPTION, to_dollars(amount)) for turn, amount in _transcription_amounts(answer).items() if amount
    ]


def _transcription_amounts(answer: Estimate) -> dict[int, Amount]:
    """The cost of transcription by turn."""
    transcription = answer.model.transcription
    if transcription is None:
        return {}
    return {
        turn: usage_amount(turn_usage, transcription.rates)
        for turn, turn_usage in enumerate(answer.conversation.transcription_usages, start=1)
    }


def cumulative_costs(answer: Estimate) -> list[BandRow]:
    """The cumulative cost of the conversation by the end of each turn."""
    conversation, rates, transcription_amounts = answer.conversation, answer.model.quote.rates, _transcription_amounts(answer)

    def running_totals(behaviour: Cache) -> Iterator[float]:
        rule = conversation.rule(behaviour)
        by_turn = {turn: transcription_amounts.get(turn, 0) for turn in range(1, conversation.turn_facts.turns + 1)}
        for response in conversation.responses:
            by_turn[response.turn] += usage_amount(usage(response, rule), rates)
        return accumulate(to_dollars(amount) for amount in by_turn.values())

    columns = zip(*(running_totals(behaviour) for behaviour in cache_scenarios(conversation)), strict=True)
    return [BandRow(turn, min(amounts), amounts[1], max(amounts)) for turn, amounts in enumerate(columns, start=1)]


def cost_by_length(answer: Estimate) -> list[BandRow]:
    """The cost of calls of other lengths, as the beginning of one long call, up to the length that the provider allows."""
    plan = answer.plan
    lengths = sorted({max(1, round(plan.turns * factor)) for factor in LENGTH_FACTORS})
    lengths = [turns for turns in lengths if turns <= MAX_TURNS and _minutes(plan, turns) <= MAX_MINUTES]
    counts = count_calls(plan, answer.model, lengths[-1])
    return [
        BandRow(float(_minutes(plan, turns)), *map(to_dollars, (amounts.best, amounts.expected, amounts.worst)))
        for turns in lengths
        if turns <= counts.turns
        for amounts in [usage_costs(counts.usage(turns), answer.model)]
    ]


def _minutes(plan: Plan, turns: int) -> Decimal:
    return Decimal(plan.minutes) * turns / plan.turns


def tornado(swings: Iterable[Swing]) -> list[BarRow]:
    """The swing of each sensitivity parameter in the given order, without parameters that change nothing."""
    return [
        BarRow(
            f"{swing.parameter.label} ({swing.parameter.low.label} to {swing.parameter.high.label})",
            to_dollars(swing.low or 0),
            to_dollars(swing.high or 0),
            0.0,
        )
        for swing in swings
        if swing.width
    ]


def offer_ranges(answer: Comparison) -> list[BarRow]:
    """Each offer from best to worst, with the expected amount as the mark: cheapest first, those that end soon last."""
    rows = []
    for candidate in answer.candidates:
        if candidate.answer is not None:
            amounts = candidate.answer.per_conversation
            label = f"{candidate.offer.id} (ends {candidate.ends})" if candidate.ending_soon else candidate.offer.id
            rows.append(BarRow(label, *(to_dollars(amount) for amount in (amounts.best, amounts.worst, amounts.expected))))
    return rows


class PointRow(NamedTuple):
    """The cost of an alternative, or of a break-even, at one value."""

    value: float
    dollars: float
    alternative: str


def sweep_points(curve: BreakEvenCurve) -> list[PointRow]:
    """The cost of every alternative at every value of a range, without values that cannot be estimated."""
    return [
        PointRow(float(point.value), to_dollars(amount), name)
        for index, name in enumerate(curve.names)
        for point in curve.points
        if (amount := point.amounts[index]) is not None
    ]


def break_even_points(curve: BreakEvenCurve) -> list[PointRow]:
    """The break-evens of every pair, with interpolated amounts."""
    rows = []
    for pair in curve.pairs:
        index = curve.names.index(pair.first)
        amounts = {point.value: point.amounts[index] for point in curve.points}
        for break_even in pair.break_evens:
            low, high = amounts[break_even.below], amounts[break_even.above]
            assert low is not None
            assert high is not None
            share = float((break_even.estimate - break_even.below) / (break_even.above - break_even.below))
            dollars = to_dollars(low) + share * (to_dollars(high) - to_dollars(low))
            rows.append(PointRow(float(break_even.estimate), dollars, f"{pair.first} and {pair.second}"))
    return rows


def cost_bars(answer: Cost) -> list[BarRow]:
    """The cost of each group, or of each meter without groups: bars up to the highest amount, with the lowest as the mark.

    If there are too many groups, a time series is cut to the last ones, and other groups to the most expensive ones.
    """
    if answer.query.by:
        rows = [
            _bar(" · ".join(NOT_NAMED if key is None else str(key) for key in group.keys), group) for group in answer.groups
        ]
        return rows[-MAX_TIME_BARS:] if is_time_series(answer) else rows[:MAX_BARS]
    return meter_bars(answer)


def meter_bars(answer: Cost) -> list[BarRow]:
    """The cost of each meter over all offers, in the order of the bill."""
    sums: dict[str, tuple[Amount, Amount]] = {}
    for line in answer.lines:
        low, high = sums.get(line.line.meter.label, (0, 0))
        sums[line.line.meter.label] = (low + line.low_amount, high + line.high_amount)
    return [BarRow(label, 0.0, to_dollars(high), to_dollars(low)) for label, (low, high) in sums.items()]


def explanation_bars(answer: LogExplanation | SessionExplanation) -> list[BarRow]:
    """What calls, or one call, cost by part, and then what each cause of a cache loss has cost of it."""
    if isinstance(answer, LogExplanation):
        losses = {entry.cause: entry.amount for entry in answer.causes}
    else:
        losses = {cause: answer.lost(cause) for cause in LOSS_CAUSES}
    of_resent = [(f"of it: {LOSS_TEXTS[cause]}", amount) for cause, amount in losses.items()]
    amounts: list[tuple[str, Amount]] = []
    for name, amount in answer.parts._asdict().items():
        amounts += [(PART_TEXTS[name], amount), *(of_resent if name == "resent" else [])]
    return [BarRow(label, 0.0, to_dollars(amount), to_dollars(amount)) for label, amount in amounts if amount]


def fit_bars(answer: Fit) -> list[BarRow]:
    """The interval of each fitted parameter as a multiple of its default, and its value as the mark; without those of 0."""
    rows = []
    for entry in answer.parameters:
        default = entry.default_number
        if default and entry.value is not None and entry.low is not None and entry.high is not None:
            label = f"{entry.label} (default {entry.default})"
            rows.append(BarRow(label, entry.low / default, entry.high / default, entry.value / default))
    return rows


def bridge_bars(row: TargetReplay) -> list[BarRow]:
    """What was paid, each step to what calls would have cost, and that, as bars from one subtotal to the next.

    Steps that are too small to be seen have no bar.
    """
    steps = [(STEP_TEXTS[name], amount) for name, amount in row.steps]
    return _bridge(("paid", row.recorded), steps, (row.name, row.amount))


def bill_bars(answer: Reconciliation) -> list[BarRow]:
    """What was recorded, each cause of the difference, what is not explained, and the bill, as bars in the same manner."""
    causes = [(total.cause.title, total.amount) for total in answer.causes]
    steps = [*causes, ("not explained", answer.unexplained)]
    return _bridge(("recorded", answer.recorded), steps, ("billed", answer.face))


def _bridge(start: tuple[str, Amount], steps: Iterable[tuple[str, Amount]], end: tuple[str, Amount]) -> list[BarRow]:
    bars, subtotal = [_total_bar(*start)], start[1]
    least = max(to_dollars(start[1]), to_dollars(end[1])) * MIN_DRAWN_SHARE
    for label, amount in steps:
        ends = to_dollars(subtotal), to_dollars(subtotal + amount)
        subtotal += amount
        if abs(ends[1] - ends[0]) >= least and amount:
            bars.append(BarRow(label, min(ends), max(ends), ends[1]))
    return [*bars, _total_bar(*end)]


def _total_bar(label: str, amount: Amount) -> BarRow:
    dollars = to_dollars(amount)
    return BarRow(label, min(0.0, dollars), max(0.0, dollars), dollars)


def is_time_series(answer: Cost) -> bool:
    """Whether the groups of an answer are a time series: all groups of one chronological field."""
    return answer.query.top is None and len(answer.query.by) == 1 and answer.query.by[0] in CHRONOLOGICAL_FIELDS


def _bar(label: str, group: CostGroup) -> BarRow:
    """The bar of a group up to its highest amount, with its lowest as the mark; the label says if usage has no price."""
    status_note = {"unpriced": " (no price)", "partial": " (in part)"}.get(amount_status(group), "")
    low, high = sorted((group.low or 0, group.high or 0))
    return BarRow(f"{label}{status_note}", 0.0, to_dollars(high), to_dollars(low))


def to_dollars(amount: Amount) -> float:
    """Picodollars as dollars, for drawing."""
    return float(amount) / PICODOLLARS_PER_DOLLAR


def monthly_points(answer: PtuSizing) -> Iterator[tuple[float, str, float]]:
    """Points of a chart: calls per minute, a commitment or pay as you go, and dollars per month, spillover included."""
    max_calls = (
        answer.request.peak if answer.max_calls_per_minute is None else min(answer.max_calls_per_minute, answer.request.peak)
    )
    for calls in (Fraction(0), max_calls, answer.request.peak):
        spillover = answer.pay_as_you_go_cost(calls - max_calls if calls > max_calls else Fraction(0))
        for option in answer.options:
            if spillover is not None:
                yield float(calls), option.commitment.label, _monthly_dollars(option.mix.provisioned + spillover)
        pay_as_you_go = answer.pay_as_you_go_cost(calls)
        if pay_as_you_go is not None:
            yield float(calls), PAY_AS_YOU_GO, _monthly_dollars(pay_as_you_go)


def _monthly_dollars(per_hour: Amount) -> float:
    return to_dollars(per_hour * HOURS_PER_MONTH)
