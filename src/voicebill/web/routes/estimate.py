"""Serve estimates: the page and its parts, JSON and CSV."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from voicebill.answers.escaping import CsvCell, csv_text
from voicebill.answers.estimates.costing import COST_COMPONENT_LABELS
from voicebill.answers.estimates.estimate import Estimate
from voicebill.answers.estimates.response_breakdown import ResponseCost, response_costs
from voicebill.answers.estimates.scenarios import Scenarios
from voicebill.answers.parsing.quantities import format_monthly_calls
from voicebill.answers.reports.estimate import EstimateReport
from voicebill.answers.reports.simulation import TOKEN_METERS
from voicebill.answers.sensitivity.recommendations import Recommendation
from voicebill.answers.sensitivity.sensitivity import Swing
from voicebill.billing.money import column_decimals, format_amount, format_dollars, format_in_column, share_of
from voicebill.web import openapi
from voicebill.web.bound_answers import answer_estimate, sensitivity_and_recommendations
from voicebill.web.forms.fields import query_string, with_defaults
from voicebill.web.forms.form import form_context, problem_context
from voicebill.web.forms.requests import (
    PAGE_FIELDS,
    BoundRequest,
    bind_request,
    read_form,
    read_json,
    read_query,
)
from voicebill.web.pages import Pages, bar_width, mark_position
from voicebill.web.responses import json_body, json_response, run_in_threads, with_etag
from voicebill.web.site import Site
from voicebill.web.status_reports import Problem


@dataclass(frozen=True, slots=True)
class ScenarioRange:
    """Best, expected and worst amount; positions and widths are in percent of the worst."""

    label: str
    best: str
    expected: str
    worst: str
    best_position: float
    span_width: float
    mark_position: float


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

    `query` is the query of the same estimate, `api_query` of the same as JSON; `permalink` also fixes day, prices and rules.
    """

    answer: Estimate
    ranges: tuple[ScenarioRange, ...]
    shares: tuple[BreakdownShare, ...]
    summary: str
    query: str
    api_query: str
    permalink: str
    changes: tuple[str, ...]
    discount: str


def build_estimate_view(bound: BoundRequest, values: Mapping[str, str]) -> EstimateView:
    """The estimate for the page, without the explanation."""
    answer = answer_estimate(bound)
    pins = {"day": answer.model.selection.day.isoformat(), "prices_digest": bound.facts.prices.digest}
    pins["rules_digest"] = answer.model.effective_rules.digest
    ranges = tuple(_scenario_ranges(answer))
    summary = f"expected {ranges[0].expected} per conversation" + (
        f", {format_amount(answer.total_per_month.expected)} per month" if answer.total_per_month else ""
    )
    return EstimateView(
        answer=answer,
        ranges=ranges,
        shares=tuple(_breakdown_shares(answer)),
        summary=summary,
        query=query_string(values),
        api_query=urlencode({name: value for name, value in values.items() if value and name not in PAGE_FIELDS}),
        permalink="" if bound.discount else query_string(values, **pins),
        changes=tuple(_changes_since(values, pins)) if not bound.discount else (),
        discount=f"{bound.discount.normalize():f}%" if bound.discount else "",
    )


def _changes_since(values: Mapping[str, str], pins: Mapping[str, str]) -> Iterator[str]:
    """Changes of prices and rules since a permalink was created."""
    for name, label in (("prices_digest", "prices"), ("rules_digest", "rules")):
        if values.get(name) and values[name] != pins[name]:
            yield f"{label} have changed since this link was created: from {values[name][:16]} to {pins[name]}"


def _scenario_ranges(answer: Estimate) -> Iterator[ScenarioRange]:
    """The amounts that the page leads with, connection fees included."""
    yield _scenario_range("per conversation", answer.total)
    yield _scenario_range("per minute", answer.total_per_minute)
    mean, month, year = answer.total_mean, answer.total_per_month, answer.total_per_year
    if answer.volume and mean and month and year:
        monthly_fees = answer.connection.monthly_fees if answer.connection else 0
        fees = f" + {format_amount(monthly_fees)}" if monthly_fees else ""
        yield _scenario_range("a call on average", mean)
        yield _scenario_range(f"per month: × {format_monthly_calls(answer.volume)}{fees}", month)
        yield _scenario_range("per year", year)


def _scenario_range(label: str, amounts: Scenarios) -> ScenarioRange:
    best, expected, worst = amounts.best, amounts.expected, amounts.worst
    return ScenarioRange(
        label,
        format_amount(best),
        format_amount(expected),
        format_amount(worst),
        best_position=round(100 * float(share_of(best, worst)), 2),
        span_width=bar_width(worst - best, worst),
        mark_position=mark_position(expected, worst),
    )


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
class Explanation:
    """The explanation of an estimate: cost by response, sensitivity and recommendations."""

    response_costs: tuple[ResponseCost, ...]
    sensitivity: tuple[Swing, ...]
    recommendations: tuple[Recommendation, ...]


def explain(bound: BoundRequest, answer: Estimate) -> Explanation:
    """The explanation of an estimate; sensitivity and recommendations are simulated."""
    return Explanation(tuple(response_costs(answer.conversation, answer.model)), *sensitivity_and_recommendations(bound))


EXPORT_COLUMNS = ("turn", "kind", "status", "session", *TOKEN_METERS, "dollars", "cumulative", "reasons")


def breakdown_csv(answer: Estimate) -> str:
    """The cost by response as CSV. Transcription has separate rows, so that the dollars add up to the expected amount."""
    rows: list[Sequence[CsvCell]] = [EXPORT_COLUMNS]
    for response_cost in response_costs(answer.conversation, answer.model):
        response = response_cost.response
        counts = (response_cost.usage[meter] for meter in TOKEN_METERS)
        values = (response.turn, response.kind, response.status, response.session)
        rows.append(
            [
                *values,
                *counts,
                format_dollars(response_cost.amount),
                format_dollars(response_cost.cumulative),
                "; ".join(response_cost.reasons),
            ]
        )
    for line in answer.transcription_lines:
        empty = [""] * (len(TOKEN_METERS) + 2)
        text = f"{line.meter.format_quantity(line.quantity)} of {line.meter.label} at {line.rate}"
        rows.append(["", "transcription", *empty, format_dollars(line.amount or 0), "", text])
    return csv_text(rows)


def _workers_for(bound: BoundRequest, site: Site) -> Executor | None:
    """The threads for slow requests if a plan is long, else those in which it is tried first whether the request is quick."""
    plan = bound.request.plan
    return site.slow_workers if plan.turns + plan.tool_calls > MAX_QUICK_TURNS else None


async def _render_page(request: Request, values: dict[str, str], site: Site, pages: Pages) -> Response:
    fields = with_defaults(values)
    context = form_context(fields, site)
    try:
        bound = bind_request(fields, site)
        workers = _workers_for(bound, site)
        view = await run_in_threads(site, lambda: build_estimate_view(bound, fields), workers)
        explanation = await run_in_threads(site, lambda: explain(bound, view.answer), workers)
    except Problem as error:
        return pages.page(request, "estimate.html", context | problem_context(error), status=error.status)
    return pages.page(request, "estimate.html", context | {"view": view, "explanation": explanation})


async def _render_part(request: Request, name: str, site: Site, pages: Pages, *, with_explanation: bool) -> Response:
    """A part of the page for a plan in the address, or in a form if it has a discount."""
    is_post = request.method == "POST"
    fields = with_defaults(await read_form(request) if is_post else read_query(request.url.query, site.limits))
    bound = bind_request(fields, site)
    workers = _workers_for(bound, site)
    view = await run_in_threads(site, lambda: build_estimate_view(bound, fields), workers)
    explanation = await run_in_threads(site, lambda: explain(bound, view.answer), workers) if with_explanation else None
    return pages.page(request, name, {"view": view, "explanation": explanation, "fields": fields})


async def _render_json(request: Request, table: object, site: Site, *, with_sensitivity: bool) -> Response:
    bound = bind_request(table, site)
    estimate_request = bound.request

    def work() -> bytes:
        answer = answer_estimate(bound)
        report = EstimateReport.of(answer)
        if with_sensitivity:
            report = report.with_sensitivity(answer, *sensitivity_and_recommendations(bound))
        return json_body(report)

    is_slow = estimate_request.volume or estimate_request.lengths or with_sensitivity or estimate_request.plan.images
    runs_inline = not is_slow and estimate_request.plan.turns + estimate_request.plan.tool_calls <= MAX_INLINE_TURNS
    return json_response(request, work() if runs_inline else await run_in_threads(site, work, _workers_for(bound, site)))


def routes(site: Site, pages: Pages) -> APIRouter:
    """The routes of estimates."""
    router = APIRouter()

    @router.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        """The page for a plan in the address."""
        return await _render_page(request, read_query(request.url.query, site.limits), site, pages)

    @router.post("/", include_in_schema=False)
    async def submit(request: Request) -> Response:
        """The form without JavaScript: redirect to the plan's address, unless there is a discount."""
        values = await read_form(request)
        if "discount" in values:
            return await _render_page(request, values, site, pages)
        query = query_string(values)
        return Response(status_code=303, headers={"location": f"{site.prefix}/{f'?{query}' if query else ''}"})

    @router.api_route("/answer", methods=["GET", "POST"], include_in_schema=False)
    async def answer_part(request: Request) -> Response:
        """The result part of the page, for the script."""
        return await _render_part(request, "_answer.html", site, pages, with_explanation=False)

    @router.api_route("/why", methods=["GET", "POST"], include_in_schema=False)
    async def why_part(request: Request) -> Response:
        """The explanation part of the page, for the script."""
        return await _render_part(request, "_why.html", site, pages, with_explanation=True)

    @router.get("/export.csv", include_in_schema=False)
    async def export(request: Request) -> Response:
        """The cost by response as a file."""
        bound = bind_request(with_defaults(read_query(request.url.query, site.limits)), site)
        body = (await run_in_threads(site, lambda: breakdown_csv(answer_estimate(bound)))).encode()
        headers = {"content-disposition": 'attachment; filename="voicebill.csv"'}
        return with_etag(request, body, "text/csv; charset=utf-8", headers=headers)

    @router.get("/api/estimate", **openapi.GET_ESTIMATE)
    async def api_get(request: Request) -> Response:
        """The API with a plan in the query."""
        values = read_query(request.url.query, site.limits)
        with_sensitivity = openapi.parse_flag("sensitivity", values)
        return await _render_json(request, values, site, with_sensitivity=with_sensitivity)

    @router.post("/api/estimate", **openapi.POST_ESTIMATE)
    async def api_post(request: Request) -> Response:
        """The API with a plan in a JSON body."""
        in_address, table = read_query(request.url.query, site.limits), await read_json(request)
        in_body = dict(table) if isinstance(table, Mapping) else {}
        if "sensitivity" in in_address and "sensitivity" in in_body:
            raise Problem(422, "Invalid input", [("sensitivity", "is in the address and in the body: give it once")])
        fields = in_body if "sensitivity" in in_body else in_address
        with_sensitivity = openapi.parse_flag("sensitivity", fields)
        return await _render_json(request, in_body or table, site, with_sensitivity=with_sensitivity)

    return router


MAX_QUICK_TURNS = 100
"""A plan with more turns and tool calls is not tried with the quick requests."""

MAX_INLINE_TURNS = 40
"""So few turns are counted in a millisecond, faster than a thread can be started."""
