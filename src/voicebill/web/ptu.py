"""Provisioned throughput: how many units a load needs, what they cost, and when that pays, as a page and as JSON."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from voicebill.answers import quantities
from voicebill.answers.ptu import (
    A_WEEK,
    HOURS_PER_MONTH,
    HOURS_PER_YEAR,
    Ptu,
    PtuAsked,
    cheapest_way,
    more_than_none,
    profile,
    ptu,
)
from voicebill.answers.ptu_shape import ptu_shape
from voicebill.billing.checks import plain
from voicebill.billing.dated import Day
from voicebill.billing.errors import InvalidInput, VoicebillError
from voicebill.billing.provisioned import DEPLOYMENTS
from voicebill.charts import draw
from voicebill.web import openapi
from voicebill.web.asking import Refused, body_of, fields_of, form_of
from voicebill.web.charts import KINDS, POLICY, Gallery, look_of
from voicebill.web.pages import Pages
from voicebill.web.reply import as_json, tagged, worked
from voicebill.web.site import Site

START: Mapping[str, str] = {
    "model": "gpt-5.2",
    "deployment": "data-zone",
    "calls_per_minute": "1,000",
    "prompt": "200",
    "response": "20",
    "cache_rate": "50%",
}
"""What the form starts with: Microsoft's own example."""
MOST_CHARACTERS = 2_000
"""Of a field: a week's load by the hour has some hundreds."""


def _deployment(said: str) -> str:
    if said.lower() not in DEPLOYMENTS:
        raise InvalidInput(f"must be one of {', '.join(DEPLOYMENTS)}, not {said[:40]!r}")
    return said.lower()


def _day(said: str) -> date:
    day = Day.parse(said)
    if not day.exact:
        raise InvalidInput(f"{said!r} is not a day: write 2026-11-22")
    return day.first


FIELDS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "model": ("model", str),
    "deployment": ("deployment", _deployment),
    "region": ("region", str),
    "calls_per_minute": ("calls_per_minute", more_than_none),
    "prompt": ("prompt_tokens", quantities.number),
    "response": ("response_tokens", quantities.number),
    "cache_rate": ("cache_rate", quantities.share),
    "profile": ("profile", profile),
    "ptus": ("ptus", quantities.count),
    "day": ("day", _day),
}
"""By its name in an address: what a field is in the question, and how it is read."""
WHERE = {
    "unknown region": "region",
    "have their price by region": "region",
    "cannot be sized": "model",
    "unknown model": "model",
    "have no row for": "model",
    "without tokens": "prompt",
}
"""Words of a refusal by which its field is known."""


@dataclass(frozen=True, slots=True)
class Bar:
    """An hour's load, and the part of it that the bought units serve, as shares of the page's tallest bar."""

    hour: int
    calls: float
    high: float
    served: float


def routes(site: Site, pages: Pages, gallery: Gallery) -> APIRouter:
    """The page, its picture, and the API."""
    router = APIRouter()

    @router.get("/ptu", include_in_schema=False)
    async def page(request: Request) -> Response:
        given = {name: value for name, value in fields_of(request.url.query, site.bounds).items() if name != "embed"}
        told = given or dict(START)
        try:
            answer = await worked(site, lambda: answered(told, site))
        except Refused as refusal:
            return pages.page(request, "ptu.html", _context(told, site, refusal=refusal), status=refusal.status)
        return pages.page(request, "ptu.html", _context(told, site, view=answer, query=urlencode(told)))

    @router.post("/ptu", include_in_schema=False)
    async def submitted(request: Request) -> Response:
        given = {name: value for name, value in (await form_of(request)).items() if name in FIELDS and value}
        return Response(status_code=303, headers={"location": f"{site.prefix}/ptu?{urlencode(given)}"})

    @router.get("/api/ptu", **openapi.GET_PTU)
    async def from_address(request: Request) -> Response:
        given = fields_of(request.url.query, site.bounds)
        return as_json(request, await worked(site, lambda: ptu_shape(answered(given, site))), site)

    @router.post("/api/ptu", **openapi.POST_PTU)
    async def from_body(request: Request) -> Response:
        given = _written(await body_of(request))
        return as_json(request, await worked(site, lambda: ptu_shape(answered(given, site))), site)

    @router.get("/chart/ptu.{kind}", include_in_schema=False)
    async def chart(request: Request, kind: str) -> Response:
        if kind not in KINDS:
            raise Refused(404, "Not found", [(None, "a picture is .svg or .png")])
        given = fields_of(request.url.query, site.bounds)
        look = look_of(given)
        told = {name: value for name, value in given.items() if name not in ("look", "width")}
        answer = await worked(site, lambda: answered(told, site))
        key = (repr(answer.asked), answer.digest, site.facts.prices.digest, "ptu", kind, look)
        try:
            body = await worked(site, lambda: gallery.picture(key, lambda: draw.provisioned(answer, look), kind))
        except draw.MissingPlot as error:
            raise Refused(503, "No pictures", [(None, str(error))]) from None
        except VoicebillError as error:
            raise Refused(422, "No picture", [(None, str(error))]) from None
        return tagged(request, body, KINDS[kind], headers=POLICY)

    return router


def answered(given: Mapping[str, str], site: Site) -> Ptu:
    """The answer to what the fields ask.

    Raises:
        Refused: a field is unknown, missing, or cannot be read; or there is no answer.
    """
    told: dict[str, Any] = {"day": site.calendar()}
    errors: list[tuple[str | None, str]] = [
        (name[:40], f"is none of {', '.join(FIELDS)}") for name in list(given)[:20] if name not in FIELDS
    ]
    for name, (inside, read) in FIELDS.items():
        said = given.get(name, "").strip()
        if len(said) > MOST_CHARACTERS:
            errors.append((name, f"has more than {MOST_CHARACTERS:,} characters"))
        elif said:
            try:
                told[inside] = read(said)
            except VoicebillError as error:
                errors.append((name, str(error)))
        elif name in ("model", "prompt", "response") or (name == "calls_per_minute" and not given.get("profile")):
            errors.append((name, "is missing"))
    if errors:
        raise Refused(422, "Wrong input", errors)
    try:
        return ptu(PtuAsked(**told), site.facts)
    except VoicebillError as error:
        raise Refused(422, "No answer", [(_place(str(error)), str(error).removeprefix("ptus: "))]) from None


def _place(said: str) -> str | None:
    """The field that a refusal speaks of."""
    names = {inside: name for name, (inside, _) in FIELDS.items()} | WHERE
    return next((name for words, name in names.items() if words in said and (words in WHERE or said.startswith(words))), None)


def _written(body: object) -> dict[str, str]:
    """A JSON body as fields: numbers and lists as they would be typed.

    Raises:
        Refused: it is no table, or holds something else.
    """
    if not isinstance(body, Mapping):
        raise Refused(422, "Wrong input", [(None, "the body must be a JSON object")])
    given: dict[str, str] = {}
    for name, value in body.items():
        if value is not None:
            each = value if isinstance(value, list) and name == "profile" and len(value) <= A_WEEK else [value]
            given[name] = ",".join(_typed(name, one) for one in each)
    return given


def _typed(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not plain(Decimal(value)):
        raise Refused(422, "Wrong input", [(name[:40], "must be a number or text")])
    return f"{Decimal(value):f}"


def _bars(answer: Ptu) -> list[Bar]:
    """The load hour by hour."""
    peak = answer.asked.peak
    tallest = float(peak)
    served = tallest if answer.served is None else float(answer.served)
    return [
        Bar(hour, float(calls), 100 * float(calls / peak), 100 * min(float(calls), served) / tallest)
        for hour, calls in enumerate(answer.asked.hours)
    ]


def _context(given: Mapping[str, str], site: Site, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - a template's values
    view: Ptu | None = more.get("view")
    refusal: Refused | None = more.get("refusal")
    regions = sorted({name for row in site.facts.provisioned.hours for name in row.regions})
    empty: dict[str, Any] = {"view": None, "refusal": None, "query": ""}
    return {
        "given": given,
        "errors": {name: text for name, text in refusal.errors if name} if refusal else {},
        "models": site.facts.provisioned.models,
        "deployments": DEPLOYMENTS,
        "regions": regions,
        "month": HOURS_PER_MONTH,
        "year": HOURS_PER_YEAR,
        "cheapest": cheapest_way(view) if view is not None else "",
        "bars": _bars(view) if view is not None and view.asked.profile else [],
        **empty,
        **more,
    }
