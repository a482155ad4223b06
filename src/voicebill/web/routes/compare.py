"""Serve comparisons: all alternatives for one plan, their break-even, two plans, and the bridge to a simple calculator."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Request, Response

from voicebill.answers.comparison.alternatives import DESCRIPTIONS, NOT_COMPARED, Alternative, Alternatives
from voicebill.answers.comparison.break_even import (
    AXES,
    UNITS,
    BreakEvenCurve,
)
from voicebill.answers.comparison.choices import LABELS
from voicebill.answers.comparison.compare import (
    Comparison,
    OfferEstimate,
    PlanDifference,
    compare_plans,
    offer_notes,
    split_by_ending,
)
from voicebill.answers.estimates.calculator_bridge import CalculatorBridge, bridge, is_counted
from voicebill.answers.estimates.model_selection import seller_of
from voicebill.answers.parameters.inputs import COMPARISON
from voicebill.answers.parsing.quantities import format_number
from voicebill.answers.reports.comparison import ComparisonReport
from voicebill.answers.reports.comparison_cells import bridge_subtotals, latency_text
from voicebill.billing.errors import VoicebillError
from voicebill.billing.offers import Offer
from voicebill.charts.inline.break_even_lines import break_even_lines
from voicebill.charts.inline.lines import LinesChart
from voicebill.facts.example_plans import EXAMPLE_PLANS
from voicebill.web import openapi
from voicebill.web.bound_answers import (
    BREAK_EVEN_FIELDS,
    ComparisonFilter,
    alternative_names,
    bind_comparison,
    break_even_curve,
    compare_alternatives,
    compare_offers,
    parse_comparison_filter,
)
from voicebill.web.forms.compare_link import OFFER_FIELDS, compare_query, with_pinned_offer
from voicebill.web.forms.fields import COMPARISON_FIELDS, query_string, with_defaults
from voicebill.web.forms.form import form_context, form_day, page_fields, problem_context
from voicebill.web.forms.model_choices import provider_label
from voicebill.web.forms.presets import preset
from voicebill.web.forms.requests import BoundRequest, bind_request, read_form, read_json, read_query
from voicebill.web.pages import Pages
from voicebill.web.ranking import RankedRow, Ranking
from voicebill.web.responses import json_body, json_response, run_in_threads, see_other
from voicebill.web.site import Site
from voicebill.web.status_reports import Problem

ORDERS: Mapping[str, tuple[str, Callable[[OfferEstimate], Any]]] = {
    "offer": ("Offer", lambda offer_estimate: offer_estimate.offer.id),
    "best": ("Best", lambda offer_estimate: offer_estimate.answer.per_conversation.best if offer_estimate.answer else 0),
    "expected": (
        "Expected",
        lambda offer_estimate: offer_estimate.answer.per_conversation.expected if offer_estimate.answer else 0,
    ),
    "worst": ("Worst", lambda offer_estimate: offer_estimate.answer.per_conversation.worst if offer_estimate.answer else 0),
    "month": (
        "Per month",
        lambda offer_estimate: (
            offer_estimate.answer.per_month.expected if offer_estimate.answer and offer_estimate.answer.per_month else 0
        ),
    ),
    "ends": ("Ends", lambda offer_estimate: (offer_estimate.ends is None, str(offer_estimate.ends))),
}
"""The columns by which the table can be sorted."""


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """A comparison as the page shows it.

    `ranked` and `ranked_ending` are conversational agents in rows; those that end within 90 days are apart, unless they are
    ranked with the others. `own` is the plan's own offer; without it, `own_missing` says why. `second_plan` has the
    differences to a second plan by offer, `bridge_offer` is the offer of the bridge, and `has_months` says whether months
    were calculated for every offer.
    `plan_query` is the query of the plan's comparison, `query` the same with what restricts it.
    """

    answer: Comparison
    alternatives: Alternatives
    own: RankedRow | None
    own_missing: str
    ranked: tuple[RankedRow, ...]
    ranked_ending: tuple[RankedRow, ...]
    partial: tuple[RankedRow, ...]
    partial_ending: tuple[RankedRow, ...]
    break_even: BreakEvenCurve | None
    break_even_chart: LinesChart | None
    break_even_error: str
    break_even_query: str
    available: tuple[OfferEstimate, ...]
    available_ending: tuple[OfferEstimate, ...]
    not_possible: tuple[OfferEstimate, ...]
    second_plan: tuple[PlanDifference, ...]
    second_plan_query: str
    second_plan_error: str
    bridge: CalculatorBridge | None
    bridge_offer: OfferEstimate | None
    plan_query: str
    pinned: str
    query: str
    discount: str
    has_months: bool


def second_plan_fields(text: str, site: Site) -> dict[str, str]:
    """Fields of the second plan, which is the name of an example plan or a link to a plan.

    Raises:
        Problem: it is neither.
    """
    name = text.lower().replace(" ", "-")
    if name in EXAMPLE_PLANS:
        return with_defaults(preset(name).fields)
    try:
        link = urlsplit(text)
    except ValueError as error:  # such as a half-typed address in brackets
        raise Problem(422, "Invalid input", [("against", f"is no address: {error}")]) from None
    if link.path.startswith("/") or link.netloc:
        return with_defaults(read_query(link.query, site.limits))
    query = text.lstrip("?")
    if "=" not in query:
        names = ", ".join(EXAMPLE_PLANS)
        raise Problem(422, "Invalid input", [("against", f"must be a link to a plan, or one of {names}, not {text[:60]!r}")])
    return with_defaults(read_query(query, site.limits))


COMPARISON_FILTERS = ("model", "provider", "deployment", "kind", "include_ending")
"""Fields that restrict the comparison, or rank what ends soon with the others."""

OPEN_RANKED_ROWS = 15
"""So many rows of the ranking are open; the others are folded."""

OPEN_PLAN_ROWS = 6
"""So many offers with a second plan are open."""

PIPELINE_FIELDS = tuple(name for name in COMPARISON if name not in COMPARISON_FILTERS)
COMPARISON_GROUPS = tuple(
    replace(group, fields=tuple(field for field in group.fields if field.name not in COMPARISON_FILTERS))
    for group in COMPARISON_FIELDS
)
"""The groups of the form without what the filter above the table has."""


async def _render_page(request: Request, values: dict[str, str], site: Site, pages: Pages) -> Response:
    fields, _ = page_fields(with_pinned_offer(values), site)
    context = form_context(fields, site, COMPARISON_GROUPS)
    main_group = context["main_group"]
    choices = site.model_choices(form_day(fields, site))
    context |= {
        "main_group": replace(main_group, fields=tuple(row for row in main_group.fields if row.name not in OFFER_FIELDS)),
        "filters": {name: values.get(name, "") for name in COMPARISON_FILTERS},
        "providers": [(name, provider_label(name)) for name in choices.all_providers],
        "orders": ORDERS,
        "sort": values.get("sort", ""),
        "offer_notes": offer_notes,
        "format_number": format_number,
        "max_open_rows": OPEN_RANKED_ROWS,
        "open_plan_rows": OPEN_PLAN_ROWS,
        "latency_text": latency_text,
        "bridge_subtotals": bridge_subtotals,
    }
    context |= {"labels": LABELS, "descriptions": DESCRIPTIONS, "not_compared": NOT_COMPARED, "axes": AXES, "units": UNITS}
    context |= {"break_even_fields": {name: values.get(name, "") for name in BREAK_EVEN_FIELDS}}
    context |= {"alternative_names": [*alternative_names(values), "", ""][:2], "against": values.get("against", "")}
    try:
        view = await run_in_threads(site, lambda: build_comparison_view(values, site), site.slow_workers)
    except Problem as error:
        return pages.page(request, "compare.html", context | problem_context(error, values), status=error.status)
    return pages.page(request, "compare.html", context | {"view": view})


async def _render_json(request: Request, table: object, site: Site) -> Response:
    bound = bind_request(table, site)
    break_even_fields = (
        {name: _field_text(table[name]) for name in BREAK_EVEN_FIELDS if name in table} if isinstance(table, Mapping) else {}
    )
    offer_filter = parse_comparison_filter(table)

    def work() -> bytes:
        return json_body(comparison_report(bound, break_even_fields, offer_filter))

    return json_response(request, await run_in_threads(site, work, site.slow_workers))


def routes(site: Site, pages: Pages) -> APIRouter:
    """The routes of comparisons."""
    router = APIRouter()

    @router.get("/compare", include_in_schema=False)
    async def page(request: Request) -> Response:
        """The page for a plan in the address."""
        return await _render_page(request, read_query(request.url.query, site.limits), site, pages)

    @router.post("/compare", include_in_schema=False)
    async def submit(request: Request) -> Response:
        """The form without JavaScript, as for estimates."""
        values = await read_form(request)
        if "discount" in values or "discount" in values.get("against", ""):
            return await _render_page(request, values, site, pages)
        kept = ("sort", "against", *COMPARISON_FILTERS, *PIPELINE_FIELDS, *BREAK_EVEN_FIELDS)
        extra = urlencode({name: values[name] for name in kept if values.get(name)})
        query = "&".join(filter(None, (compare_query(with_pinned_offer(values)), extra)))
        return see_other(request, f"{site.prefix}/compare{f'?{query}' if query else ''}")

    @router.get("/api/compare", **openapi.GET_COMPARE)
    async def api_get(request: Request) -> Response:
        """The API with a plan in the query."""
        return await _render_json(request, read_query(request.url.query, site.limits), site)

    @router.post("/api/compare", **openapi.POST_COMPARE)
    async def api_post(request: Request) -> Response:
        """The API with a plan in a JSON body."""
        return await _render_json(request, await read_json(request), site)

    return router


def comparison_report(
    bound: BoundRequest, break_even_fields: Mapping[str, str], offer_filter: ComparisonFilter
) -> ComparisonReport:
    """The comparison, with the break-even if the request has one of its fields."""
    answer = compare_offers(bound, offer_filter)
    alternatives = compare_alternatives(bound, answer, offer_filter)
    if "range" in break_even_fields and "break_even" not in break_even_fields:
        raise Problem(422, "Invalid input", [("break_even", f"is missing: the axis of the range, one of {', '.join(AXES)}")])
    curve = break_even_curve(break_even_fields, alternatives, bound.max_steps) if break_even_fields else None
    if curve is None and alternative_names(break_even_fields):
        raise Problem(422, "Invalid input", [("alternative", "a break-even needs two different alternatives: name another")])
    return ComparisonReport.of(answer, alternatives, [curve] if curve else [], bound.facts, bound.request.selection.day)


def _field_text(value: object) -> str:
    """A field of a JSON body as text; the names of a list are joined with commas."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _break_even_or_error(
    values: Mapping[str, str], alternatives: Alternatives, max_steps: int
) -> tuple[BreakEvenCurve | None, str]:
    """The break-even, or the reason why there is none; the rest of the page does not depend on it."""
    try:
        return break_even_curve(values, alternatives, max_steps), ""
    except Problem as error:
        return None, "; ".join(text for _, text in error.errors)


def _break_even_chart(curve: BreakEvenCurve, alternatives: Alternatives) -> LinesChart:
    """The lines of a break-even, with the titles of its alternatives."""
    named = ((name, alternatives.find(name)) for name in curve.names)
    return break_even_lines(curve, {name: alternative.title for name, alternative in named if alternative})


def build_comparison_view(values: Mapping[str, str], site: Site) -> ComparisonView:
    """The comparison for the page.

    Raises:
        Problem: the first plan has no result.
    """
    fields, _ = page_fields(with_pinned_offer(values), site)
    bound, offer_filter = bind_comparison(values, site)
    answer = compare_offers(bound, offer_filter)
    alternatives = compare_alternatives(bound, answer, offer_filter)
    own_offer, own, own_missing = _own_alternative(bound, alternatives)
    own_id = own_offer.id if own_offer else None
    ranking = Ranking(alternatives, fields, site.model_choices(bound.request.selection.day), own_id)
    shown = alternatives.shown(answer.candidates)
    sort_key = ORDERS.get(values.get("sort", ""), ORDERS["expected"])[1]
    available = sorted((offer_estimate for offer_estimate in shown if offer_estimate.answer), key=sort_key)
    ranked, ranked_ending = alternatives.split_by_ending(alternatives.conversational)
    partial, partial_ending = alternatives.split_by_ending(alternatives.partial)
    lasting_offers, ending_offers = split_by_ending(available, include_ending=answer.include_ending)
    bridge_offer = _select_bridge_offer(bound, answer, own_id)
    plan_query = compare_query(fields)
    restrictions = {name: values.get(name, "") for name in (*COMPARISON_FILTERS, *PIPELINE_FIELDS)}
    query = "&".join(filter(None, (plan_query, urlencode({name: value for name, value in restrictions.items() if value}))))
    break_even_fields = {name: values[name] for name in BREAK_EVEN_FIELDS if values.get(name)}
    calculator_bridge = _bridge_for(bound, bridge_offer)
    # what the page can do without comes last: it gets the work that is left
    second_comparison, second_plan_query, second_plan_error = _read_second_plan(values.get("against", ""), bound, site)
    curve, break_even_error = _break_even_or_error(values, alternatives, bound.max_steps) if break_even_fields else (None, "")
    return ComparisonView(
        answer=answer,
        alternatives=alternatives,
        own=ranking.own_row(own),
        own_missing=own_missing,
        ranked=ranking.rows(ranked),
        ranked_ending=ranking.rows(ranked_ending),
        partial=ranking.rows(partial),
        partial_ending=ranking.rows(partial_ending),
        break_even=curve,
        break_even_chart=_break_even_chart(curve, alternatives) if curve else None,
        break_even_error=break_even_error,
        break_even_query="&".join(filter(None, (query, urlencode(break_even_fields)))),
        available=lasting_offers,
        available_ending=ending_offers,
        not_possible=tuple(offer_estimate for offer_estimate in shown if not offer_estimate.answer),
        second_plan=compare_plans(replace(answer, candidates=tuple(available)), second_comparison) if second_comparison else (),
        second_plan_query=second_plan_query,
        second_plan_error=second_plan_error,
        bridge=calculator_bridge,
        bridge_offer=bridge_offer,
        plan_query=plan_query,
        pinned=values.get("pinned", ""),
        query=query,
        discount=f"{bound.discount.normalize():f}%" if bound.discount else "",
        has_months=bool(bound.request.volume)
        and any(offer_estimate.answer and offer_estimate.answer.per_month for offer_estimate in answer.candidates),
    )


def _read_second_plan(text: str, bound: BoundRequest, site: Site) -> tuple[Comparison | None, str, str]:
    """The second plan's comparison and its query, or an error message."""
    if not text:
        return None, "", ""
    try:
        fields = second_plan_fields(text, site)
        return _compare_second_plan(fields, bound, site), query_string(fields), ""
    except Problem as error:
        return None, "", str(error)


def _own_alternative(bound: BoundRequest, alternatives: Alternatives) -> tuple[Offer | None, Alternative | None, str]:
    """The plan's own offer and its alternative, also where a filter leaves it out; without it, the reason."""
    selection = bound.request.selection
    provider = seller_of(selection.model, selection.provider, bound.facts)
    try:
        offer = bound.facts.prices.quote(
            selection.model,
            day=selection.day,
            provider=provider,
            deployment=selection.deployment,
            region=selection.region,
        ).offer
    except VoicebillError as error:
        return None, None, str(error)
    alternative = alternatives.find(offer.id)
    if alternative is None:
        alone = ComparisonFilter(offer.name, offer.provider, offer.deployment)
        try:
            answer = compare_offers(bound, alone)
        except Problem as error:
            return offer, None, str(error)
        alternative = compare_alternatives(bound, answer, alone).find(offer.id)
        reasons = (row.reason for row in answer.candidates if row.offer.id == offer.id)
        if alternative is None:
            return offer, None, next(reasons, None) or f"{offer.id} is not compared"
    return offer, alternative, ""


def _select_bridge_offer(bound: BoundRequest, answer: Comparison, own_offer: str | None) -> OfferEstimate | None:
    """The plan's own offer, or else the cheapest with confirmed availability, of those that the calculator knows."""
    available = [row for row in answer.candidates if row.answer and is_counted(row.offer, bound.facts)]
    confirmed = [offer_estimate for offer_estimate in available if not offer_estimate.availability_unconfirmed]
    return next((offer_estimate for offer_estimate in available if offer_estimate.offer.id == own_offer), None) or next(
        iter(confirmed), None
    )


def _compare_second_plan(fields: Mapping[str, str], bound: BoundRequest, site: Site) -> Comparison:
    """The second plan with all offers, on the day of the first plan."""
    second_bound = bind_request({**fields, "day": bound.request.selection.day.isoformat()}, site)
    return compare_offers(replace(second_bound, facts=bound.facts))


def _bridge_for(bound: BoundRequest, offer_estimate: OfferEstimate | None) -> CalculatorBridge | None:
    """The bridge from the simple calculator's figure to the expected cost of an offer."""
    if offer_estimate is None or offer_estimate.answer is None:
        return None
    try:
        return bridge(bound.request.plan, offer_estimate.answer.model.selection, bound.facts)
    except VoicebillError:
        return None
