"""Serve capacity plans: concurrent calls and quota, as a page and as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from voicebill.answers.capacity.result import Capacity
from voicebill.answers.capacity.targets import CapacityTargets
from voicebill.answers.parameters.capacity_schema import parse_targets, split_capacity
from voicebill.answers.parameters.table_schema import Issue
from voicebill.answers.parsing.quantities import format_percent
from voicebill.answers.reports.table_cells import abbreviate_minutes
from voicebill.web import openapi
from voicebill.web.bound_answers import answer_capacity
from voicebill.web.forms.fields import CAPACITY_MORE_FIELDS, NOT_FOR_CAPACITY, query_string, with_defaults
from voicebill.web.forms.form import form_context, problem_context
from voicebill.web.forms.requests import (
    PAGE_FIELDS,
    BoundRequest,
    bind_request,
    issue_errors,
    read_form,
    read_json,
    read_query,
    reject_oversized,
)
from voicebill.web.pages import Pages
from voicebill.web.responses import json_body, json_response, run_in_threads, see_other
from voicebill.web.site import Site
from voicebill.web.status_reports import Problem


@dataclass(frozen=True, slots=True)
class CapacityView:
    """A capacity plan as the page shows it.

    `permalink` is the query of the same plan on the same day, `api_query` the query of the same plan as JSON. `percentile` is
    the share of minutes in which the usage stays within the quota, such as 99%.
    """

    answer: Capacity
    percentile: str
    permalink: str
    api_query: str


def parse_capacity_request(table: object, site: Site) -> tuple[BoundRequest, CapacityTargets]:
    """Read the plan and the capacity targets of a request, within the site's limits.

    Raises:
        Problem: one of them is invalid; the errors of both name their fields.
    """
    values, plan_table = split_capacity(table)
    reject_oversized(values)
    issues: list[Issue] = []
    targets = parse_targets(values, issues)
    try:
        bound = bind_request(plan_table, site)
    except Problem as error:
        raise Problem(error.status, error.title, [*issue_errors(issues), *error.errors]) from None
    if targets is None or issues:
        raise Problem(422, "Invalid input", issue_errors(issues))
    return bound, targets


def build_capacity_view(values: Mapping[str, str], site: Site) -> CapacityView:
    """The capacity plan for the page."""
    fields = with_defaults(values)
    bound, targets = parse_capacity_request(fields, site)
    answer = answer_capacity(bound, targets)
    return CapacityView(
        answer=answer,
        percentile=targets.percentile_text,
        permalink=query_string(values, day=bound.request.selection.day.isoformat()),
        api_query=urlencode({name: value for name, value in fields.items() if value and name not in PAGE_FIELDS}),
    )


async def _render_json(request: Request, table: object, site: Site) -> Response:
    bound, targets = parse_capacity_request(table, site)
    return json_response(request, await run_in_threads(site, lambda: json_body(answer_capacity(bound, targets))))


def routes(site: Site, pages: Pages) -> APIRouter:
    """The routes of capacity plans."""
    router = APIRouter()

    @router.get("/capacity", include_in_schema=False)
    async def page(request: Request) -> Response:
        """The page for a plan in the address."""
        values = read_query(request.url.query, site.limits)
        context = form_context(with_defaults(values), site, CAPACITY_MORE_FIELDS) | {
            "percent": format_percent,
            "shown_minutes": abbreviate_minutes,
        }
        try:
            view = await run_in_threads(site, lambda: build_capacity_view(values, site))
        except Problem as error:
            return pages.page(request, "capacity.html", context | problem_context(error, values), status=error.status)
        return pages.page(request, "capacity.html", context | {"view": view})

    @router.post("/capacity", include_in_schema=False)
    async def submit(request: Request) -> Response:
        """The form without JavaScript: redirect to the address of the plan."""
        values = {name: value for name, value in (await read_form(request)).items() if name not in NOT_FOR_CAPACITY}
        query = query_string(values)
        return see_other(request, f"{site.prefix}/capacity{f'?{query}' if query else ''}")

    @router.get("/api/capacity", **openapi.GET_CAPACITY)
    async def api_get(request: Request) -> Response:
        """The API with a plan in the query."""
        return await _render_json(request, read_query(request.url.query, site.limits), site)

    @router.post("/api/capacity", **openapi.POST_CAPACITY)
    async def api_post(request: Request) -> Response:
        """The API with a plan in a JSON body."""
        return await _render_json(request, await read_json(request), site)

    return router
