"""Prepare an estimate and its explanation for the page: texts, bars and links."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import urlencode

from voicebill.answers.estimates.costing import COST_COMPONENT_LABELS
from voicebill.answers.estimates.estimate import Estimate
from voicebill.answers.estimates.response_breakdown import ResponseCost, response_costs
from voicebill.answers.estimates.scenarios import Scenarios
from voicebill.answers.parameters.changed_inputs import changed_inputs
from voicebill.answers.parsing.quantities import format_monthly_calls
from voicebill.answers.reports.estimate_text import amount_rows
from voicebill.answers.sensitivity.recommendations import Recommendation
from voicebill.answers.sensitivity.sensitivity import Swing
from voicebill.billing.money import column_decimals, format_amount, format_in_column, format_price, share_of
from voicebill.billing.price_book import Quote
from voicebill.charts.inline.estimate_charts import EstimateCharts, estimate_charts
from voicebill.web.bound_answers import answer_estimate, changes_since, link_pins, sensitivity_and_recommendations
from voicebill.web.forms.fields import plan_query_string, query_string
from voicebill.web.forms.model_choices import Choices, deployment_label, provider_label
from voicebill.web.forms.ptu_link import ptu_query
from voicebill.web.forms.requests import MAX_COLUMNS, PAGE_FIELDS, BoundRequest
from voicebill.web.pages import MARK_WIDTH, bar_width
from voicebill.web.plan_columns import PlanColumn, column_choices, column_texts, plan_columns, with_columns
from voicebill.web.questions import PlanFigures, plan_figures
from voicebill.web.site import Site


@dataclass(frozen=True, slots=True)
class ScenarioRange:
    """Best, expected and worst amount."""

    label: str
    best: str
    expected: str
    worst: str


@dataclass(frozen=True, slots=True)
class RangePicture:
    """The planning range of a call, and best to worst within it, in percent of the greatest amount; where the mark begins."""

    low: float
    best: float
    mark: float
    worst: float
    high: float


@dataclass(frozen=True, slots=True)
class BreakdownShare:
    """A component of the cost breakdown."""

    label: str
    amount: str
    percent: int
    width: float


@dataclass(frozen=True, slots=True)
class EstimateView:
    """An estimate as the page shows it.

    `query` is the query of the same page, `plan_query` of its plan without columns, `api_query` of the same as JSON;
    `permalink` also fixes day, prices and rules. `notes` say what was chosen instead of what is not sold.
    """

    answer: Estimate
    ranges: tuple[ScenarioRange, ...]
    month: ScenarioRange | None
    picture: RangePicture | None
    shares: tuple[BreakdownShare, ...]
    columns: tuple[PlanColumn, ...]
    column_choices: Sequence[tuple[str, Choices]]
    title: str
    rates: str
    summary: str
    handout: str
    notes: tuple[str, ...]
    query: str
    plan_query: str
    ptu_query: str
    api_query: str
    permalink: str
    changes: tuple[str, ...]
    discount: str


def build_estimate_view(bound: BoundRequest, values: Mapping[str, str], site: Site, notes: Sequence[str] = ()) -> EstimateView:
    """The estimate for the page, without the explanation."""
    answer = answer_estimate(bound)
    columns = tuple(plan_columns(bound, answer, values, site))
    choices = site.model_choices(bound.request.selection.day)
    pins = link_pins(bound, answer)
    ranges = tuple(_scenario_range(label, amounts) for label, amounts in amount_rows(answer, format_amount))
    summary = f"expected {ranges[0].expected} per conversation" + (
        f", {format_amount(answer.total_per_month.expected)} per month" if answer.total_per_month else ""
    )
    return EstimateView(
        answer=answer,
        ranges=ranges,
        month=_scenario_range("per month", answer.total_per_month) if answer.total_per_month else None,
        picture=_range_picture(answer),
        shares=tuple(_breakdown_shares(answer)),
        columns=columns,
        column_choices=column_choices(values, choices, site) if len(columns) < MAX_COLUMNS else (),
        title=plan_title(answer),
        rates=rates_text(answer.model.quote),
        summary=summary,
        handout=_handout(answer),
        notes=tuple(notes),
        query=query_string(values),
        plan_query=plan_query_string(values),
        ptu_query=ptu_query(values),
        api_query=urlencode({name: value for name, value in values.items() if value and name not in PAGE_FIELDS}),
        permalink="" if bound.discount else query_string(values, **pins),
        changes=tuple(changes_since(values, pins)) if not bound.discount else (),
        discount=f"{bound.discount.normalize():f}%" if bound.discount else "",
    )


def _scenario_range(label: str, amounts: Scenarios) -> ScenarioRange:
    return ScenarioRange(label, format_amount(amounts.best), format_amount(amounts.expected), format_amount(amounts.worst))


def _range_picture(answer: Estimate) -> RangePicture | None:
    """The picture of a call's range; None if it costs nothing."""
    fees = answer.total.expected - answer.per_conversation.expected
    planning = answer.planning_range
    low, high = (planning.low + fees, planning.high + fees) if planning else (answer.total.best, answer.total.worst)
    greatest = max(high, answer.total.worst)
    if not greatest:
        return None
    amounts = (low, answer.total.best, answer.total.expected, answer.total.worst, high)
    start, best, expected, worst, end = (round(100 * float(share_of(amount, greatest)), 2) for amount in amounts)
    return RangePicture(start, best, max(expected - MARK_WIDTH / 2, 0), worst, end)


def plan_title(answer: Estimate) -> str:
    """What is estimated, in a line: the model and where it is sold, the length of the call, and the volume."""
    offer, plan = answer.model.quote.offer, answer.plan
    parts = [f"{offer.model} at {provider_label(offer.provider)}"]
    if len(answer.model.facts.prices.offers_named(offer.model, offer.provider)) > 1:
        parts[0] += f", {deployment_label(offer.deployment)}"
    parts.append(f"{float(plan.minutes):g} {'minute' if plan.minutes == 1 else 'minutes'}")
    parts.append(f"{plan.turns:,} {'turn' if plan.turns == 1 else 'turns'}")
    if answer.volume:
        parts.append(f"{format_monthly_calls(answer.volume)} calls a month")
    return " · ".join(parts)


def rates_text(quote: Quote) -> str:
    """The rates of an offer in a line, with the day on which they were checked."""
    rates = quote.rates
    parts = []
    for modality in ("audio", "text"):
        named = [(word, rates[f"{modality}_{meter}"]) for word, meter in RATE_WORDS]
        listed = [(word, rate.price) for word, rate in named if rate and not rate.is_fallback]
        if listed:
            prices = ", ".join(f"{format_price(price).removesuffix('.00')} {word}" for word, price in listed)
            parts.append(f"{modality} {prices}")
    tokens = [f"{'; '.join(parts)} per 1M tokens"] if parts else []
    times = [f"{rates.meters[name].label} {rate}" for name in sorted(rates.time_meters) if (rate := rates[name])]
    return f"{'; '.join((*tokens, *times))}; checked {rates.row.checked}"


RATE_WORDS = (("in", "in"), ("cached", "in_cached"), ("out", "out"))


def _handout(answer: Estimate) -> str:
    """The estimate in a few lines, to be pasted into a chat or a mail; the page adds the link."""
    total, month, planning = answer.total, answer.total_per_month, answer.monthly_planning_range or answer.planning_range
    lines = [
        f"About {format_amount(total.expected)} a call (best {format_amount(total.best)}, worst {format_amount(total.worst)})"
        + (f", {format_amount(month.expected)} a month" if month else "")
        + ".",
        f"{plan_title(answer)}.",
    ]
    if planning:
        period = "a month" if answer.monthly_planning_range else "a call"
        without = " without connection fees" if answer.connection and answer.connection.has_fees else ""
        lines.append(f"Plan with {format_amount(planning.low)} to {format_amount(planning.high)} {period}{without}.")
    day, checked = answer.model.selection.day, answer.model.quote.rates.row.checked
    lines.append(f"Prices of {day}, checked {checked}; estimated by voicebill.")
    return "\n".join(lines)


def _breakdown_shares(answer: Estimate) -> Iterator[BreakdownShare]:
    decimals = column_decimals(part.amount for part in answer.breakdown)
    for part in answer.breakdown:
        share = share_of(part.amount, answer.per_conversation.expected)
        yield BreakdownShare(
            COST_COMPONENT_LABELS[part.name],
            format_in_column(part.amount, decimals),
            round(100 * share),
            bar_width(part.amount, answer.per_conversation.expected),
        )


@dataclass(frozen=True, slots=True)
class AppliedRecommendation:
    """A recommendation with the fields that it changes, the query of the changed plan, and the column that shows it."""

    recommendation: Recommendation
    fields_json: str
    query: str
    column: str
    column_query: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The explanation of an estimate: cost by response, sensitivity, recommendations and charts.

    `folded_costs` are the responses that differ from the one before; a number stands for so many similar ones.
    """

    response_costs: tuple[ResponseCost, ...]
    folded_costs: tuple[ResponseCost | int, ...]
    sensitivity: tuple[Swing, ...]
    recommendations: tuple[AppliedRecommendation, ...]
    charts: EstimateCharts
    questions: PlanFigures


def explain(bound: BoundRequest, answer: Estimate, values: Mapping[str, str], site: Site) -> Explanation:
    """The explanation of an estimate; sensitivity and recommendations are simulated."""
    costs = tuple(response_costs(answer.conversation, answer.model))
    swings, suggestions = sensitivity_and_recommendations(bound)
    applied = tuple(_applied(suggestion, bound, values) for suggestion in suggestions)
    return Explanation(
        costs,
        tuple(fold_similar(costs)),
        swings,
        applied,
        estimate_charts(answer, swings),
        plan_figures(bound, answer, costs, suggestions, site),
    )


def _applied(recommendation: Recommendation, bound: BoundRequest, values: Mapping[str, str]) -> AppliedRecommendation:
    request = bound.request
    changes = changed_inputs(request.plan, recommendation.plan, request.selection, recommendation.selection)
    changed = {name: value for name, value in (dict(values) | changes).items() if value}
    column, texts = urlencode(changes), column_texts(values)
    return AppliedRecommendation(
        recommendation,
        fields_json=json.dumps(changes),
        query=query_string(changed),
        column=column,
        column_query=query_string(with_columns(values, [*texts, column]))
        if len(texts) < MAX_COLUMNS and column not in texts
        else "",
    )


LEAST_FOLDED = 3
"""At least so many similar responses in a row are folded."""


def fold_similar(costs: Sequence[ResponseCost]) -> Iterator[ResponseCost | int]:
    """Responses in order; of a run whose costs have the same reasons the first two and the last, and the number between."""

    def kind(cost: ResponseCost) -> tuple[object, ...]:
        return (cost.response.kind, cost.response.status, *(re.sub(r"[\d,.]+", "", reason) for reason in cost.reasons))

    for _, group in groupby(costs, key=kind):
        run = list(group)
        folded = len(run) - 3
        if folded < LEAST_FOLDED:
            yield from run
        else:
            yield from run[:2]
            yield folded
            yield run[-1]
