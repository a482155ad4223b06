"""Serve PTU sizings: PTUs for a load, their cost and break-even, as a page and as JSON."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from voicebill.answers.parameters.renamed_keys import replacement_for
from voicebill.answers.parsing import quantities
from voicebill.answers.parsing.quantities import parse_load_profile, parse_positive_number
from voicebill.answers.provisioned.ptu import size_ptus
from voicebill.answers.provisioned.request import PtuRequest
from voicebill.answers.provisioned.result import PtuSizing
from voicebill.answers.reports.table_cells import TERM_HOURS, amounts_by_term, cheapest_option_text
from voicebill.billing.errors import InvalidInput, VoicebillError
from voicebill.billing.money import Amount, column_decimals
from voicebill.billing.provisioned_throughput import DEPLOYMENTS
from voicebill.billing.validation import is_reasonable
from voicebill.billing.validity import parse_day
from voicebill.charts import draw
from voicebill.conversation.volume import HOURS_PER_WEEK
from voicebill.extras import MissingExtra
from voicebill.web import openapi
from voicebill.web.chart_renderer import CHART_HEADERS, MEDIA_TYPES, ChartRenderer, theme_from_fields
from voicebill.web.forms.requests import Problem, read_form, read_json, read_query
from voicebill.web.pages import Pages
from voicebill.web.responses import json_body, json_response, run_in_threads, with_etag
from voicebill.web.site import Site

EXAMPLE_FIELDS: Mapping[str, str] = {
    "model": "gpt-5.2",
    "deployment": "data-zone",
    "calls_per_minute": "1,000",
    "prompt_tokens": "200",
    "response_tokens": "20",
    "cache_rate": "50%",
}
"""Initial values of the form: Microsoft's example."""
MAX_PTU_FIELD_CHARACTERS = 2_000
"""Maximum length of a field; the hourly load of a week has some hundred characters."""


def _parse_deployment(text: str) -> str:
    if text.lower() not in DEPLOYMENTS:
        raise InvalidInput(f"must be one of {', '.join(DEPLOYMENTS)}, not {text[:40]!r}")
    return text.lower()


FIELD_PARSERS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "model": ("model", str),
    "deployment": ("deployment", _parse_deployment),
    "region": ("region", str),
    "calls_per_minute": ("calls_per_minute", parse_positive_number),
    "prompt_tokens": ("prompt_tokens", quantities.parse_number),
    "response_tokens": ("response_tokens", quantities.parse_number),
    "cache_rate": ("cache_rate", quantities.parse_share),
    "profile": ("profile", parse_load_profile),
    "buy_ptus": ("ptus", quantities.parse_count),
    "day": ("day", parse_day),
}
"""By field: the parameter of the request, and its parser."""
FIELD_BY_MESSAGE = {
    "unknown region": "region",
    "have their price by region": "region",
    "cannot be sized": "model",
    "unknown model": "model",
    "have no row for": "model",
    "without tokens": "prompt_tokens",
}
"""Words of an error message that identify its field."""


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
        values = {name: value for name, value in (await read_form(request)).items() if name in FIELD_PARSERS and value}
        return Response(status_code=303, headers={"location": f"{site.prefix}/ptu?{urlencode(values)}"})

    @router.get("/api/ptu", **openapi.GET_PTU)
    async def api_get(request: Request) -> Response:
        values = read_query(request.url.query, site.limits)
        return json_response(request, await run_in_threads(site, lambda: json_body(answer_ptus(values, site))))

    @router.post("/api/ptu", **openapi.POST_PTU)
    async def api_post(request: Request) -> Response:
        values = _fields_from_json(await read_json(request))
        return json_response(request, await run_in_threads(site, lambda: json_body(answer_ptus(values, site))))

    @router.get("/chart/ptu.{kind}", include_in_schema=False)
    async def chart(request: Request, kind: str) -> Response:
        if kind not in MEDIA_TYPES:
            raise Problem(404, "Not found", [(None, "a chart is .svg or .png")])
        values = read_query(request.url.query, site.limits)
        theme = theme_from_fields(values)
        fields = {name: value for name, value in values.items() if name not in ("theme", "width")}
        answer = await run_in_threads(site, lambda: answer_ptus(fields, site))
        key = (repr(answer.request), answer.digest, site.facts.prices.digest, "ptu", kind, theme)
        try:
            body = await run_in_threads(site, lambda: renderer.render(key, lambda: draw.ptu_costs_chart(answer, theme), kind))
        except MissingExtra as error:
            raise Problem(503, "No chart", [(None, str(error))]) from None
        except VoicebillError as error:
            raise Problem(422, "No chart", [(None, str(error))]) from None
        return with_etag(request, body, MEDIA_TYPES[kind], headers=CHART_HEADERS)

    return router


def answer_ptus(values: Mapping[str, str], site: Site) -> PtuSizing:
    """The PTU sizing for fields.

    Raises:
        Problem: a field is unknown, missing or invalid; or there is no result.
    """
    parameters: dict[str, Any] = {"day": site.today()}
    errors: list[tuple[str | None, str]] = [
        (name[:40], f"is now {renamed}" if renamed else f"is none of {', '.join(FIELD_PARSERS)}")
        for name in list(values)[:20]
        if name not in FIELD_PARSERS
        for renamed in (replacement_for(name, FIELD_PARSERS),)
    ]
    for name, (parameter, parse) in FIELD_PARSERS.items():
        text = values.get(name, "").strip()
        if len(text) > MAX_PTU_FIELD_CHARACTERS:
            errors.append((name, f"has more than {MAX_PTU_FIELD_CHARACTERS:,} characters"))
        elif text:
            try:
                parameters[parameter] = parse(text)
            except VoicebillError as error:
                errors.append((name, str(error)))
        elif name in ("model", "prompt_tokens", "response_tokens") or (
            name == "calls_per_minute" and not values.get("profile")
        ):
            errors.append((name, "is missing"))
    if errors:
        raise Problem(422, "Invalid input", errors)
    try:
        return size_ptus(PtuRequest(**parameters), site.facts)
    except VoicebillError as error:
        raise Problem(422, "No answer", [(_field_of_message(str(error)), str(error).removeprefix("ptus: "))]) from None


def _field_of_message(message: str) -> str | None:
    """The field of an error message."""
    names = {parameter: name for name, (parameter, _) in FIELD_PARSERS.items()} | FIELD_BY_MESSAGE
    return next(
        (
            name
            for words, name in names.items()
            if words in message and (words in FIELD_BY_MESSAGE or message.startswith(words))
        ),
        None,
    )


def _fields_from_json(body: object) -> dict[str, str]:
    """A JSON body as text fields.

    Raises:
        Problem: the body is not a JSON object, or a value is neither a number, text nor a list.
    """
    if not isinstance(body, Mapping):
        raise Problem(422, "Invalid input", [(None, "the body must be a JSON object")])
    fields: dict[str, str] = {}
    for name, value in body.items():
        if value is not None:
            items = value if isinstance(value, list) and name == "profile" and len(value) <= HOURS_PER_WEEK else [value]
            fields[name] = ",".join(_format_value(name, item) for item in items)
    return fields


def _format_value(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not is_reasonable(Decimal(value)):
        raise Problem(422, "Invalid input", [(name[:40], "must be a number or text")])
    return f"{Decimal(value):f}"


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


def _template_context(values: Mapping[str, str], site: Site, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - a template's values
    view: PtuSizing | None = more.get("view")
    problem: Problem | None = more.get("problem")
    regions = sorted({name for row in site.facts.provisioned.hourly_prices for name in row.regions})
    empty: dict[str, Any] = {"view": None, "problem": None, "query": ""}
    return {
        "given": values,
        "errors": {name: text for name, text in problem.errors if name} if problem else {},
        "models": site.facts.provisioned.models,
        "deployments": DEPLOYMENTS,
        "regions": regions,
        "by_term": amounts_by_term,
        "cheapest": cheapest_option_text(view) if view is not None else "",
        "bars": _bars(view) if view is not None and view.request.profile else [],
        "decimals": _column_decimals(view) if view is not None else {},
        **empty,
        **more,
    }
