"""Serve capacity plans: concurrent calls and quota, as a page and as JSON."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from voicebill.answers.capacity.result import Capacity
from voicebill.answers.capacity.targets import CapacityTargets
from voicebill.answers.parameters.capacity_schema import parse_targets, split_capacity
from voicebill.answers.parameters.table_schema import Issue
from voicebill.answers.parsing.quantities import format_percent, pluralize
from voicebill.answers.reports.table_cells import abbreviate_minutes
from voicebill.charts.inline.columns import ColumnsChart
from voicebill.charts.inline.load_charts import minute_columns
from voicebill.web import openapi
from voicebill.web.bound_answers import answer_capacity
from voicebill.web.forms.fields import CAPACITY_MAIN_FIELDS, CAPACITY_MORE_FIELDS, NOT_FOR_CAPACITY, query_string
from voicebill.web.forms.form import FIELD_LABELS, form_context, page_fields, problem_context
from voicebill.web.forms.model_choices import provider_label
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

    `query` is the query of the same page, `permalink` that of the same plan on the same day, `api_query` that of the plan as
    JSON. `warnings` name the fields as the form does. `percentile` is the share of minutes in which the usage stays within the
    quota, such as 99%. `notes` say what was chosen instead of what is not sold.
    """

    answer: Capacity
    warnings: tuple[str, ...]
    chart: ColumnsChart
    title: str
    summary: str
    percentile: str
    notes: tuple[str, ...]
    query: str
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


def build_capacity_view(fields: Mapping[str, str], site: Site, notes: Sequence[str] = ()) -> CapacityView:
    """The capacity plan for the page."""
    bound, targets = parse_capacity_request(fields, site)
    answer = answer_capacity(bound, targets)
    return CapacityView(
        answer=answer,
        warnings=tuple(re.sub(r"[a-z]+_[a-z_]+", _label, text) for text in answer.warnings),
        chart=minute_columns(answer.demand),
        title=f"{answer.model.quote.offer.model} at {provider_label(answer.model.quote.offer.provider)}",
        summary=_summary(answer),
        percentile=targets.percentile_text,
        notes=tuple(notes),
        query=query_string(fields),
        permalink=query_string(fields, day=bound.request.selection.day.isoformat()),
        api_query=urlencode({name: value for name, value in fields.items() if value and name not in PAGE_FIELDS}),
    )


def _label(name: re.Match[str]) -> str:
    return f"“{FIELD_LABELS[name[0]]}”" if name[0] in FIELD_LABELS else name[0]


def _summary(answer: Capacity) -> str:
    """The answer in a few words: the quota and the concurrent calls."""
    calls = pluralize(answer.channels, "concurrent call")
    return f"{pluralize(answer.needed.pooled, answer.per)} for {calls}" if answer.needed and answer.needed.pooled else calls


def _page_context(fields: Mapping[str, str], site: Site) -> dict[str, Any]:
    context = form_context(fields, site, CAPACITY_MORE_FIELDS, main_group=CAPACITY_MAIN_FIELDS)
    return context | {"percent": format_percent, "shown_minutes": abbreviate_minutes}


async def _render_json(request: Request, table: object, site: Site) -> Response:
    bound, targets = parse_capacity_request(table, site)
    return json_response(request, await run_in_threads(site, lambda: json_body(answer_capacity(bound, targets))))


def routes(site: Site, pages: Pages) -> APIRouter:
    """The routes of capacity plans."""
    router = APIRouter()

    @router.get("/capacity", include_in_schema=False)
    async def page(request: Request) -> Response:
        """The page for a plan in the address."""
        fields, notes = page_fields(read_query(request.url.query, site.limits), site)
        context = _page_context(fields, site)
        try:
            view = await run_in_threads(site, lambda: build_capacity_view(fields, site, notes))
        except Problem as error:
            return pages.page(request, "capacity.html", context | problem_context(error, fields), status=error.status)
        return pages.page(request, "capacity.html", context | {"view": view})

    @router.get("/capacity/answer", include_in_schema=False)
    async def answer_part(request: Request) -> Response:
        """The result part of the page, for the script."""
        fields, _ = page_fields(read_query(request.url.query, site.limits), site)
        try:
            view = await run_in_threads(site, lambda: build_capacity_view(fields, site))
        except Problem as error:
            raise error.in_words(FIELD_LABELS) from None
        return pages.page(request, "_capacity_answer.html", _page_context(fields, site) | {"view": view, "is_part": True})

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
