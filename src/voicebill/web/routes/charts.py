"""Serve the charts of estimates and comparisons."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response

from voicebill.answers.sensitivity.sensitivity import sensitivity
from voicebill.charts import draw
from voicebill.charts.kinds import COMPARISON_CHARTS, ESTIMATE_CHARTS, SENSITIVITY_CHART
from voicebill.charts.themes import Theme
from voicebill.web.bound_answers import (
    BREAK_EVEN_FIELDS,
    NO_FILTER,
    ComparisonFilter,
    answer_estimate,
    bind_comparison,
    break_even_curve,
    compare_alternatives,
    compare_offers,
)
from voicebill.web.chart_renderer import MEDIA_TYPES, ChartRenderer, chart_response, theme_from_fields
from voicebill.web.forms.form import page_fields
from voicebill.web.forms.requests import BoundRequest, bind_request, read_query
from voicebill.web.site import Site
from voicebill.web.status_reports import Problem

CHART_NAMES = (*ESTIMATE_CHARTS, SENSITIVITY_CHART, *COMPARISON_CHARTS)


def build_chart(
    bound: BoundRequest, name: str, theme: Theme, break_even_fields: Mapping[str, str], offer_filter: ComparisonFilter
) -> Any:  # noqa: ANN401 - lets-plot's plot
    """The lets-plot chart for a request.

    Raises:
        Problem: there is no result.
    """
    if name == "offers":
        return draw.offers_chart(compare_offers(bound, offer_filter), theme)
    if name == "break-even":
        alternatives = compare_alternatives(bound, compare_offers(bound, offer_filter), offer_filter)
        curve = break_even_curve(break_even_fields, alternatives, bound.max_steps)
        if curve is None:
            raise Problem(422, "No chart", [(None, "a break-even needs two different alternatives")])
        return draw.break_even_chart(curve, bound.request.selection.day, bound.facts.prices.digest, theme)
    if name == SENSITIVITY_CHART:
        estimate_request = bound.request
        return draw.sensitivity_chart(
            sensitivity(estimate_request.plan, estimate_request.selection, bound.facts), answer_estimate(bound).model, theme
        )
    return draw.ESTIMATE_FUNCTIONS[name](answer_estimate(bound), theme)


def routes(site: Site, renderer: ChartRenderer) -> APIRouter:
    """The routes of the charts."""
    router = APIRouter()

    @router.get("/chart/{name}.{kind}", include_in_schema=False)
    async def chart(request: Request, name: str, kind: str) -> Response:
        if name not in CHART_NAMES or kind not in MEDIA_TYPES:
            raise Problem(404, "Not found", [(None, f"a chart is one of {', '.join(CHART_NAMES)}, as .svg or .png")])
        values = read_query(request.url.query, site.limits)
        theme, offer_filter = theme_from_fields(values, kind), NO_FILTER
        if name in COMPARISON_CHARTS:
            bound, offer_filter = bind_comparison(values, site)
        else:
            bound = bind_request(page_fields(values, site)[0], site)
        break_even_fields = (
            {field: values[field] for field in BREAK_EVEN_FIELDS if field in values} if name == "break-even" else {}
        )
        key = (
            repr(bound.request),
            *(bound.facts.prices.digest, name, kind, theme, tuple(break_even_fields.items()), offer_filter),
        )

        def plot() -> Any:  # noqa: ANN401 - lets-plot's plot
            return build_chart(bound, name, theme, break_even_fields, offer_filter)

        return await chart_response(request, site, renderer, key=key, plot=plot, kind=kind)

    return router
