"""Serve what is handed out: the quote of an estimate as a page that prints, and estimates and comparisons as files."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from markupsafe import Markup

from voicebill.answers.parameters.inputs import COMPARISON
from voicebill.answers.reports.comparison_handout import comparison_handout
from voicebill.answers.reports.estimate_handout import estimate_handout
from voicebill.answers.reports.handout import Handout
from voicebill.answers.reports.handout_formats import HANDOUT_FORMATS, handout_body
from voicebill.web.bound_answers import (
    answer_estimate,
    bind_comparison,
    changes_since,
    compare_alternatives,
    compare_offers,
    link_pins,
)
from voicebill.web.forms.fields import plan_query_string, query_string
from voicebill.web.forms.form import FIELD_LABELS, page_fields
from voicebill.web.forms.requests import PAGE_FIELDS, BoundRequest, bind_request, read_form, read_query
from voicebill.web.pages import Pages
from voicebill.web.responses import run_in_threads, see_other, with_etag
from voicebill.web.site import Site
from voicebill.web.status_reports import Problem


@dataclass(frozen=True, slots=True)
class QuoteView:
    """A quote as the page shows it. `query` is that of its plan; with a discount it is in no address, and `fields` has it."""

    body: Markup
    formats: tuple[str, ...]
    query: str
    fields: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def origin(request: Request, site: Site) -> str:
    """The address under which a client sees the site, for links in what is handed out."""
    return f"{request.url.scheme}://{request.url.netloc}{site.prefix}"


def build_quote(bound: BoundRequest, values: Mapping[str, str], site: Site, address: str) -> tuple[Handout, tuple[str, ...]]:
    """The document of an estimate, and what has changed since the link that was followed.

    An address never has a discount, so with one there is no link.
    """
    answer = answer_estimate(bound)
    if bound.discount:
        return estimate_handout(answer, site.today()), ()
    pins = link_pins(bound, answer)
    link = f"{address}/?{_pinned_query(values, pins)}"
    return estimate_handout(answer, site.today(), link=link), tuple(changes_since(values, pins))


def build_comparison(values: Mapping[str, str], site: Site, address: str) -> Handout:
    """The document of a comparison; the link has the day, so that its prices are the same when it is opened."""
    bound, offer_filter = bind_comparison(values, site)
    answer = compare_alternatives(bound, compare_offers(bound, offer_filter), offer_filter)
    selection = bound.request.selection
    pinned = {name: value for name, value in values.items() if name not in PAGE_FIELDS or name in ("pinned", *COMPARISON)}
    query = urlencode({**pinned, "day": selection.day.isoformat()})
    link = "" if bound.discount else f"{address}/compare?{query}"
    return comparison_handout(answer, replace(selection, model=""), bound.facts, link=link)


def _pinned_query(values: Mapping[str, str], pins: Mapping[str, str]) -> str:
    """The query of a plan with some fields as they are now."""
    return query_string({name: value for name, value in values.items() if name not in PAGE_FIELDS}, **pins)


async def _render_page(request: Request, values: dict[str, str], site: Site, pages: Pages) -> Response:
    fields, notes = page_fields(values, site)
    query = plan_query_string(fields)
    context = {"fields": fields, "query": query, "field_labels": FIELD_LABELS, "problem": None, "view": None}
    try:
        bound = bind_request(fields, site)
        handout, changes = await run_in_threads(site, lambda: build_quote(bound, fields, site, origin(request, site)))
    except Problem as error:
        return pages.page(request, "quote.html", context | {"problem": error}, status=error.status)
    view = QuoteView(
        body=Markup(handout_body(handout)),
        formats=tuple(HANDOUT_FORMATS),
        query=query,
        fields=tuple(fields.items()) if bound.discount else (),
        notes=(*notes, *changes),
    )
    return pages.page(request, "quote.html", context | {"view": view})


def _download(request: Request, handout: Handout, kind: str, name: str) -> Response:
    media_type, write = HANDOUT_FORMATS[kind]
    headers = {"content-disposition": f'attachment; filename="{name}.{kind}"'}
    body = write(handout).encode()
    if request.method == "POST":
        return Response(body, media_type=media_type, headers=headers | {"cache-control": "no-store"})
    return with_etag(request, body, media_type, headers=headers)


async def _read_values(request: Request, site: Site) -> dict[str, str]:
    """The fields of a request: of its body, which may have a discount, or of its address."""
    return await read_form(request) if request.method == "POST" else read_query(request.url.query, site.limits)


def _require_format(kind: str) -> None:
    if kind not in HANDOUT_FORMATS:
        endings = ", ".join(f".{name}" for name in HANDOUT_FORMATS)
        raise Problem(404, "Not found", [(None, f"there is no such file: its name may end in {endings}")])


def routes(site: Site, pages: Pages) -> APIRouter:
    """The routes of what is handed out."""
    router = APIRouter()

    @router.get("/quote", include_in_schema=False)
    async def page(request: Request) -> Response:
        """The quote for a plan in the address."""
        return await _render_page(request, read_query(request.url.query, site.limits), site, pages)

    @router.post("/quote", include_in_schema=False)
    async def submit(request: Request) -> Response:
        """The quote of a form: redirect to the plan's address, unless there is a discount."""
        values = await read_form(request)
        if "discount" in values:
            return await _render_page(request, values, site, pages)
        query = plan_query_string(values)
        return see_other(request, f"{site.prefix}/quote{f'?{query}' if query else ''}")

    @router.api_route("/quote.{kind}", methods=["GET", "POST"], include_in_schema=False)
    async def quote_file(request: Request, kind: str) -> Response:
        """The quote as a file."""
        _require_format(kind)
        fields, _ = page_fields(await _read_values(request, site), site)
        bound = bind_request(fields, site)
        handout, _ = await run_in_threads(site, lambda: build_quote(bound, fields, site, origin(request, site)))
        return _download(request, handout, kind, "quote")

    @router.api_route("/compare.{kind}", methods=["GET", "POST"], include_in_schema=False)
    async def comparison_file(request: Request, kind: str) -> Response:
        """The comparison as a file."""
        _require_format(kind)
        values, address = await _read_values(request, site), origin(request, site)
        handout = await run_in_threads(site, lambda: build_comparison(values, site, address), site.slow_workers)
        return _download(request, handout, kind, "comparison")

    return router
