"""Serve PTU sizings: PTUs for a load, their cost and break-even, as a page and as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Request, Response

from voicebill.answers.parameters.inputs import PTU
from voicebill.answers.parameters.ptu_schema import errors_by_input, load_issue, parse_ptu_request, plan_issue, split_plan
from voicebill.answers.parameters.table_schema import Issue
from voicebill.answers.provisioned.caveats import plan_assumptions
from voicebill.answers.provisioned.ptu import available_models, size_ptus
from voicebill.answers.provisioned.result import PtuSizing
from voicebill.answers.reports.table_cells import TERM_HOURS, amounts_by_term, cheapest_option_text
from voicebill.billing.errors import VoicebillError
from voicebill.billing.money import Amount, column_decimals
from voicebill.billing.validation import Number
from voicebill.charts import draw
from voicebill.web import openapi
from voicebill.web.chart_renderer import MEDIA_TYPES, ChartRenderer, chart_response, theme_from_fields
from voicebill.web.forms.fields import PTU_BUSY_HOUR_FIELDS, PTU_FIELDS, FieldGroup, FormField
from voicebill.web.forms.ptu_link import INITIAL_PLAN, ptu_query
from voicebill.web.forms.requests import (
    BoundRequest,
    bind_request,
    issue_errors,
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


@dataclass(frozen=True, slots=True)
class Bar:
    """The load of an hour, and the part that the PTUs serve; heights are in percent of the tallest bar."""

    hour: int
    calls: float
    high: float
    served: float


def routes(site: Site, pages: Pages, renderer: ChartRenderer) -> APIRouter:
    """The page, its chart, and the API."""
    router = APIRouter()

    @router.get("/ptu", include_in_schema=False)
    async def page(request: Request) -> Response:
        values = {name: value for name, value in read_query(request.url.query, site.limits).items() if name != "embed"}
        fields = values or dict(EXAMPLE_FIELDS)
        try:
            answer = await run_in_threads(site, lambda: answer_ptus(fields, site))
        except Problem as problem:
            return pages.page(request, "ptu.html", _template_context(fields, site, problem=problem), status=problem.status)
        return pages.page(request, "ptu.html", _template_context(fields, site, view=answer, query=urlencode(fields)))

    @router.post("/ptu", include_in_schema=False)
    async def submit(request: Request) -> Response:
        values = without_derived(await read_form(request))
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
        raise Problem(422, "Invalid input", issue_errors(map(load_issue, issues)))
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
    """The values of the form's fields that a plan gives, as text; none without a plan."""
    request = answer.request
    if request.plan_load is None:
        return {}
    numbers = {name: getattr(request, name) for name in ("calls_per_minute", "prompt_tokens", "response_tokens")}
    place = {"model": request.model, "deployment": request.deployment, "region": request.region or ""}
    return {
        **place,
        **{name: _text(number) for name, number in numbers.items() if number is not None},
        "cache_rate": f"{_text(100 * Decimal(request.cache_rate))}%",
    }


def _text(number: Number) -> str:
    return f"{Decimal(number).normalize():,f}"


def without_derived(form: Mapping[str, str]) -> dict[str, str]:
    """The fields of a submitted form, without those that still have the values derived from its plan."""
    derived = dict(parse_qsl(form.get("derived", "")))
    return {name: value for name, value in form.items() if name in PTU and value and value != derived.get(name)}


def _bars(answer: PtuSizing) -> list[Bar]:
    """The bars of the load by hour."""
    peak = answer.request.peak
    tallest = float(peak)
    served = tallest if answer.max_calls_per_minute is None else float(answer.max_calls_per_minute)
    return [
        Bar(hour, float(calls), 100 * float(calls / peak), 100 * min(float(calls), served) / tallest)
        for hour, calls in enumerate(answer.request.hours)
    ]


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


def _group_of_plan(view: PtuSizing | None) -> FieldGroup:
    """The fields of a load that a plan gives: an empty one is derived, so that no choice is empty."""
    load = view.request.plan_load if view is not None else None
    week = "from the plan"
    if load is not None and load.days_per_week is not None:
        week = f"{load.hours_per_day} hours on {float(load.days_per_week):.3g} days a week"

    def of_plan(field: FormField) -> FormField:
        if field.choices:
            return replace(field, choices=tuple((label, label) for _, label in field.choices))
        return replace(field, placeholder=week) if field.name == "profile" else field

    return replace(PTU_FIELDS, fields=tuple(map(of_plan, PTU_FIELDS.fields)))


def _template_context(values: Mapping[str, str], site: Site, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - a template's values
    view: PtuSizing | None = more.get("view")
    problem: Problem | None = more.get("problem")
    regions = sorted({name for row in site.facts.provisioned.hourly_prices for name in row.regions})
    derived = derived_values(view) if view is not None else {}
    has_plan = "plan" in values
    empty: dict[str, Any] = {"view": None, "problem": None, "query": ""}
    return {
        "given": {**derived, **values},
        "derived": urlencode({name: value for name, value in derived.items() if value}),
        "has_plan": has_plan,
        "from_plan": list(plan_assumptions(view.request)) if view is not None else [],
        "example_query": ptu_query({}),
        "group": PTU_FIELDS if not has_plan else _group_of_plan(view),
        "busy_hour": () if not has_plan else PTU_BUSY_HOUR_FIELDS,
        "errors": {name: text for name, text in problem.errors if name} if problem else {},
        "models": list(available_models(site.facts, site.today())),
        "regions": regions,
        "deployments": PTU["deployment"].choices,
        "by_term": amounts_by_term,
        "cheapest": cheapest_option_text(view) if view is not None else "",
        "bars": _bars(view) if view is not None and view.request.profile else [],
        "decimals": _column_decimals(view) if view is not None else {},
        **empty,
        **more,
    }
