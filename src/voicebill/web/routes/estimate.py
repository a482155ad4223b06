"""Serve estimates: the page and its parts, JSON and CSV."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor

from fastapi import APIRouter, Request, Response

from voicebill.answers.escaping import CsvCell, csv_text
from voicebill.answers.estimates.estimate import Estimate
from voicebill.answers.estimates.response_breakdown import response_costs
from voicebill.answers.reports.estimate import EstimateReport
from voicebill.answers.reports.simulation import TOKEN_METERS
from voicebill.billing.money import format_dollars
from voicebill.conversation.call_lengths import longest_call_turns
from voicebill.web import openapi
from voicebill.web.answer_cache import AnswerCache, kept_or_new
from voicebill.web.bound_answers import answer_estimate, sensitivity_and_recommendations
from voicebill.web.estimate_view import EstimateView, build_estimate_view, explain
from voicebill.web.forms.fields import query_string
from voicebill.web.forms.form import FIELD_LABELS, form_context, page_fields, problem_context
from voicebill.web.forms.requests import BoundRequest, bind_request, read_form, read_json, read_query
from voicebill.web.pages import Pages
from voicebill.web.plan_columns import column_texts, with_columns
from voicebill.web.responses import json_body, json_response, run_in_threads, run_quickly, see_other, with_etag
from voicebill.web.site import Site
from voicebill.web.status_reports import Problem

MAX_QUICK_TURNS = 100
"""A plan with more turns and tool calls is not tried with the quick requests."""

MAX_IMMEDIATE_TURNS = 160
"""An estimate whose longest call has more turns and tool calls is handed to a thread."""

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


def _is_immediate(bound: BoundRequest) -> bool:
    """Whether an estimate is expected to take a few milliseconds at most, its month included."""
    plan, has_month = bound.request.plan, bound.request.volume or bound.request.lengths
    turns = longest_call_turns(plan, bound.request.lengths) if has_month else plan.turns + plan.tool_calls
    return turns <= MAX_IMMEDIATE_TURNS and not plan.images


async def _render_page(request: Request, values: dict[str, str], site: Site, pages: Pages) -> Response:
    fields, notes = page_fields(values, site)
    context = form_context(fields, site)
    try:
        bound = bind_request(fields, site)
        workers = _workers_for(bound, site)
        view = await run_in_threads(site, lambda: build_estimate_view(bound, fields, site, notes), workers)
        explanation = await run_in_threads(site, lambda: explain(bound, view.answer, fields, site), workers)
    except Problem as error:
        return pages.page(request, "estimate.html", context | problem_context(error, fields), status=error.status)
    return pages.page(request, "estimate.html", context | {"view": view, "explanation": explanation, "rates": view.rates})


async def _render_part(request: Request, name: str, site: Site, pages: Pages, *, with_explanation: bool) -> Response:
    """A part of the page for a plan in the address, or in a form if it has a discount."""
    is_post = request.method == "POST"
    values = await read_form(request) if is_post else read_query(request.url.query, site.limits)
    fields, _ = page_fields(values, site)  # the form itself shows what was chosen instead of what is not sold
    explanation = None
    try:
        bound = bind_request(fields, site)
        workers = _workers_for(bound, site)

        def work() -> EstimateView:
            return build_estimate_view(bound, fields, site)

        is_immediate = _is_immediate(bound) and not column_texts(fields)
        view = await (run_quickly(site, work) if is_immediate else run_in_threads(site, work, workers))
        if with_explanation:
            explanation = await run_in_threads(site, lambda: explain(bound, view.answer, fields, site), workers)
    except Problem as error:
        raise error.in_words(FIELD_LABELS) from None
    context = form_context(fields, site) | {"view": view, "explanation": explanation, "rates": view.rates, "is_part": True}
    return pages.page(request, name, context)


async def _render_json(request: Request, table: object, site: Site, *, with_sensitivity: bool) -> Response:
    bound = bind_request(table, site)

    def work() -> bytes:
        answer = answer_estimate(bound)
        report = EstimateReport.of(answer)
        if with_sensitivity:
            report = report.with_sensitivity(answer, *sensitivity_and_recommendations(bound))
        return json_body(report)

    if not with_sensitivity and _is_immediate(bound):
        return json_response(request, await run_quickly(site, work))
    return json_response(request, await run_in_threads(site, work, _workers_for(bound, site)))


async def _answer_query(request: Request, site: Site) -> Response:
    values = read_query(request.url.query, site.limits)
    return await _render_json(request, values, site, with_sensitivity=openapi.parse_flag("sensitivity", values))


async def _render_or_redirect(request: Request, site: Site, pages: Pages) -> Response:
    """The page; a column that a form without JavaScript adds first becomes part of the address."""
    values = read_query(request.url.query, site.limits)
    if "add" in values:
        return _redirect(request, site, with_columns(values, [*column_texts(values), values["add"]]), "#side-by-side")
    return await _render_page(request, values, site, pages)


def _redirect(request: Request, site: Site, values: Mapping[str, str], anchor: str = "") -> Response:
    query = query_string(values)
    return see_other(request, f"{site.prefix}/{f'?{query}' if query else ''}{anchor}")


def routes(site: Site, pages: Pages) -> APIRouter:
    """The routes of estimates, what is asked for most often first: they are tried in this order."""
    router = APIRouter()
    cache = AnswerCache(site.limits.kept_bytes)

    @router.get("/api/estimate", **openapi.GET_ESTIMATE)
    async def api_get(request: Request) -> Response:
        """The API with a plan in the query."""
        return await kept_or_new(request, site, cache, lambda: _answer_query(request, site))

    @router.api_route("/answer", methods=["GET", "POST"], include_in_schema=False)
    async def answer_part(request: Request) -> Response:
        """The result part of the page, for the script."""
        return await kept_or_new(
            request, site, cache, lambda: _render_part(request, "_answer.html", site, pages, with_explanation=False)
        )

    @router.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        """The page for a plan in the address."""
        return await kept_or_new(request, site, cache, lambda: _render_or_redirect(request, site, pages))

    @router.post("/", include_in_schema=False)
    async def submit(request: Request) -> Response:
        """The form without JavaScript: redirect to the plan's address, unless there is a discount."""
        values = await read_form(request)
        if "discount" in values:
            return await _render_page(request, values, site, pages)
        return _redirect(request, site, values)

    @router.api_route("/why", methods=["GET", "POST"], include_in_schema=False)
    async def why_part(request: Request) -> Response:
        """The explanation part of the page, for the script."""
        return await kept_or_new(
            request, site, cache, lambda: _render_part(request, "_why.html", site, pages, with_explanation=True)
        )

    @router.get("/export.csv", include_in_schema=False)
    async def export(request: Request) -> Response:
        """The cost by response as a file."""
        fields, _ = page_fields(read_query(request.url.query, site.limits), site)
        bound = bind_request(fields, site)
        body = (await run_in_threads(site, lambda: breakdown_csv(answer_estimate(bound)))).encode()
        headers = {"content-disposition": 'attachment; filename="voicebill.csv"'}
        return with_etag(request, body, "text/csv; charset=utf-8", headers=headers)

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
