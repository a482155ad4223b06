"""Serve PTU sizings: PTUs for a load, their cost and break-even, as a page and as JSON."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from voicebill.answers.parameters.inputs import PTU
from voicebill.answers.parameters.ptu_schema import errors_by_input, load_issue, parse_ptu_request, plan_issue, split_plan
from voicebill.answers.parameters.table_schema import Issue
from voicebill.answers.parsing.quantities import pluralize
from voicebill.answers.provisioned.caveats import plan_assumptions
from voicebill.answers.provisioned.plan_load import PlanLoad
from voicebill.answers.provisioned.ptu import available_models, size_ptus
from voicebill.answers.provisioned.result import PtuSizing
from voicebill.answers.reports.table_cells import TERM_HOURS, amounts_by_term, cheapest_option_text
from voicebill.billing.errors import VoicebillError
from voicebill.billing.money import Amount, column_decimals
from voicebill.billing.validation import Number
from voicebill.charts import draw
from voicebill.charts.inline.load_charts import hour_columns, ptu_cost_lines
from voicebill.web import openapi
from voicebill.web.chart_renderer import MEDIA_TYPES, ChartRenderer, chart_response, theme_from_fields
from voicebill.web.forms.fields import PTU_BUSY_HOUR_FIELDS, PTU_FIELDS, PTU_MORE_FIELDS, FieldGroup, FormField
from voicebill.web.forms.ptu_link import INITIAL_PLAN, ptu_query
from voicebill.web.forms.requests import (
    BoundRequest,
    bind_request,
    issue_errors,
    issue_problem,
    problem_from,
    read_form,
    read_json,
    read_query,
    reject_oversized,
)
from voicebill.web.pages import Pages
from voicebill.web.responses import json_body, json_response, run_in_threads, see_other
from voicebill.web.site import Site
from voicebill.web.status_reports import Problem

EXAMPLE_FIELDS: Mapping[str, str] = {
    "model": "gpt-5.2",
    "deployment": "data-zone",
    "calls_per_minute": "1,000",
    "prompt_tokens": "200",
    "response_tokens": "20",
    "cache_rate": "50%",
}
"""Initial values of the form: Microsoft's example."""

PTU_LABELS = {row.name: row.label for row in PTU.values()}


def routes(site: Site, pages: Pages, renderer: ChartRenderer) -> APIRouter:
    """The page, its chart, and the API."""
    router = APIRouter()

    @router.get("/ptu", include_in_schema=False)
    async def page(request: Request) -> Response:
        return await _render_page(request, site, pages)

    @router.get("/ptu/answer", include_in_schema=False)
    async def answer_part(request: Request) -> Response:
        return await _render_part(request, site, pages)

    @router.post("/ptu", include_in_schema=False)
    async def submit(request: Request) -> Response:
        values = {name: value for name, value in (await read_form(request)).items() if name in PTU and value}
        return see_other(request, f"{site.prefix}/ptu?{urlencode(values)}")

    @router.get("/api/ptu", **openapi.GET_PTU)
    async def api_get(request: Request) -> Response:
        values = read_query(request.url.query, site.limits)
        return json_response(request, await run_in_threads(site, lambda: json_body(answer_ptus(values, site))))

    @router.post("/api/ptu", **openapi.POST_PTU)
    async def api_post(request: Request) -> Response:
        table = await read_json(request)
        return json_response(request, await run_in_threads(site, lambda: json_body(answer_ptus(table, site))))

    @router.get("/chart/ptu.{kind}", include_in_schema=False)
    async def chart(request: Request, kind: str) -> Response:
        if kind not in MEDIA_TYPES:
            raise Problem(404, "Not found", [(None, "a chart is .svg or .png")])
        values = read_query(request.url.query, site.limits)
        theme = theme_from_fields(values, kind)
        fields = {name: value for name, value in values.items() if name not in ("theme", "width")}
        answer = await run_in_threads(site, lambda: answer_ptus(fields, site))
        key = (repr(answer.request), answer.digest, site.facts.prices.digest, "ptu", kind, theme)
        return await chart_response(
            request, site, renderer, key=key, plot=lambda: draw.ptu_costs_chart(answer, theme), kind=kind
        )

    return router


async def _render_page(request: Request, site: Site, pages: Pages) -> Response:
    fields = _page_fields(request, site) or dict(EXAMPLE_FIELDS)
    try:
        answer = await run_in_threads(site, lambda: answer_ptus(fields, site))
    except Problem as problem:
        context = _template_context(fields, site, problem=problem.in_words(PTU_LABELS))
        return pages.page(request, "ptu.html", context, status=problem.status)
    return pages.page(request, "ptu.html", _template_context(fields, site, view=answer))


async def _render_part(request: Request, site: Site, pages: Pages) -> Response:
    """The result part of the page, for the script."""
    fields = _page_fields(request, site)
    try:
        answer = await run_in_threads(site, lambda: answer_ptus(fields, site))
    except Problem as problem:
        raise problem.in_words(PTU_LABELS) from None
    return pages.page(request, "_ptu_answer.html", _template_context(fields, site, view=answer) | {"is_part": True})


def _page_fields(request: Request, site: Site) -> dict[str, str]:
    return {name: value for name, value in read_query(request.url.query, site.limits).items() if name != "embed"}


def answer_ptus(table: object, site: Site) -> PtuSizing:
    """The PTU sizing for fields or a JSON body.

    Raises:
        Problem: a field is unknown, missing or invalid; or there is no result.
    """
    if isinstance(table, Mapping):
        reject_oversized(table, max_characters=openapi.MAX_PROFILE_CHARACTERS)
        table = {name: value for name, value in table.items() if value not in ("", None)}
    bound, load = _bind_plan(table, site)
    facts = site.facts if bound is None else bound.facts
    issues: list[Issue] = []
    plan = None if bound is None else bound.request
    request = parse_ptu_request(load, today=site.today(), facts=facts, issues=issues, plan=plan)
    if request is None:
        raise issue_problem([*map(load_issue, issues)])
    try:
        with errors_by_input():
            return size_ptus(request, facts)
    except VoicebillError as error:
        raise problem_from(error) from None


def _bind_plan(table: object, site: Site) -> tuple[BoundRequest | None, object]:
    """The plan of a request within the site's limits (None: there is none), and the request without it.

    Raises:
        Problem: the plan is invalid; its errors are those of `plan`.
    """
    issues: list[Issue] = []
    fields, load = split_plan(_with_plan_fields(table, site), issues)
    if issues:
        raise Problem(422, "Invalid input", issue_errors(issues))
    try:
        return None if fields is None else bind_request(fields, site), load
    except Problem as problem:
        raise _plan_problem(problem) from None


def _plan_problem(problem: Problem) -> Problem:
    return Problem(problem.status, problem.title, issue_errors(plan_issue(*error) for error in problem.errors))


def _with_plan_fields(table: object, site: Site) -> object:
    """The request with the fields of its plan, which is text in an address: the query of the first page.

    Raises:
        Problem: the text is no query.
    """
    if not isinstance(table, Mapping) or not isinstance(text := table.get("plan"), str):
        return table
    try:
        fields = read_query(text, site.limits)
    except Problem as problem:
        raise _plan_problem(problem) from None
    if not fields:
        raise Problem(422, "Invalid input", [("plan", "must be the fields of a plan, such as minutes=10&turns=20")])
    return {**table, "plan": {**INITIAL_PLAN, **fields}}


def derived_values(answer: PtuSizing) -> dict[str, str]:
    """What the plan gives for the form's fields, as text; nothing without a plan."""
    request = answer.request
    if request.plan_load is None:
        return {}
    numbers = {name: getattr(request, name) for name in ("calls_per_minute", "prompt_tokens", "response_tokens")}
    return {
        "model": request.model,
        "deployment": request.deployment,
        "region": request.region or "",
        **{name: _text(number) for name, number in numbers.items() if number is not None},
        "cache_rate": f"{_text(100 * Decimal(request.cache_rate))}%",
        "profile": _week_text(request.plan_load),
    }


def _week_text(load: PlanLoad) -> str:
    hours = f": {load.hours_per_day} hours of a day, {float(load.days_per_week):.3g} days a week" if load.days_per_week else ""
    return f"from the plan{hours}"


def _text(number: Number) -> str:
    return f"{Decimal(number).normalize():,f}"


def _column_decimals(answer: PtuSizing) -> dict[str, int]:
    """Decimals of the amounts by column: price per hour, month and year, and monthly cost of the load."""
    prices = [option.mix.provisioned for option in answer.options]
    mixes = [mix for option in answer.options for mix in (option.mix, option.cheapest_mix) if mix is not None]
    costs: list[Amount | None] = [
        *(mix.provisioned for mix in mixes),
        *(mix.spillover for mix in mixes),
        *(mix.per_hour for mix in mixes),
    ]
    decimals = {term: column_decimals(amounts_by_term(price)[term] for price in prices) for term in TERM_HOURS}
    return decimals | {"mix": column_decimals(amounts_by_term(cost)["month"] for cost in costs if cost is not None)}


def _groups(view: PtuSizing | None, *, has_plan: bool) -> tuple[FieldGroup, ...]:
    """The fields of the form; with a plan, an empty field shows what is derived from it."""
    if not has_plan:
        return (PTU_FIELDS, *PTU_MORE_FIELDS)
    derived = derived_values(view) if view is not None else {}

    def of_plan(field: FormField) -> FormField:
        value = derived.get(field.name) or field.placeholder or field.choices[0][1]
        if not field.choices:
            return replace(field, placeholder=value)
        words = [label for _, label in field.choices if label != value]
        return replace(field, choices=(("", value), *((word, word) for word in words)))

    groups = (PTU_FIELDS, *PTU_MORE_FIELDS, PTU_BUSY_HOUR_FIELDS)
    return tuple(replace(group, fields=tuple(map(of_plan, group.fields))) for group in groups)


def _template_context(
    fields: Mapping[str, str], site: Site, *, view: PtuSizing | None = None, problem: Problem | None = None
) -> dict[str, Any]:
    has_plan = "plan" in fields
    regions = sorted({name for row in site.facts.provisioned.hourly_prices for name in row.regions})
    context: dict[str, Any] = {
        "given": fields,
        "has_plan": has_plan,
        "groups": _groups(view, has_plan=has_plan),
        "errors": {name: text for name, text in problem.errors if name} if problem else {},
        "field_labels": PTU_LABELS,
        "problem": problem,
        "view": view,
        "example_query": ptu_query({}),
        "datalists": {"model": list(available_models(site.facts, site.today())), "region": regions},
    }
    if view is None:
        return context
    return context | {
        "summary": f"{pluralize(view.needed, 'PTU')} for {view.throughput.model}",
        "query": urlencode(fields) if fields != EXAMPLE_FIELDS else "",
        "api_query": urlencode(fields),
        "permalink": urlencode({**fields, "day": view.request.day.isoformat()}),
        "from_plan": list(plan_assumptions(view.request)),
        "cost_chart": ptu_cost_lines(view),
        "hour_chart": hour_columns(view) if view.request.profile else None,
        "by_term": amounts_by_term,
        "cheapest": cheapest_option_text(view),
        "decimals": _column_decimals(view),
    }
