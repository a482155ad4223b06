"""Serve the price book: offers with price history, sources and disputed prices, as pages and as JSON."""

from collections.abc import Mapping
from typing import Any, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from voicebill.answers.catalog.price_list import listed_offers
from voicebill.answers.parameters.inputs import PRICE_LIST
from voicebill.answers.reports.prices import PriceListReport
from voicebill.billing.errors import VoicebillError
from voicebill.billing.offers import Kind, Offer
from voicebill.charts.inline.price_history import price_steps
from voicebill.web import openapi
from voicebill.web.forms.model_choices import provider_label
from voicebill.web.forms.requests import problem_from, read_query
from voicebill.web.offer_costs import offer_cost
from voicebill.web.pages import Pages
from voicebill.web.price_tables import OfferListing, meter_columns, price_tables, provider_order, unit_headings
from voicebill.web.responses import json_body, json_response, run_in_threads
from voicebill.web.site import Site
from voicebill.web.status_reports import Problem

PRICE_FIELDS = ("model", "provider", "kind", *PRICE_LIST)

OFFER_KINDS: tuple[Kind, ...] = get_args(Kind)

PAGE_ONLY = ("embed", "plan")
"""Fields of an address of the page that select no offers."""


def _kind_of(values: Mapping[str, str]) -> str:
    """The kind that a list shows; empty: all kinds of a named model."""
    return values.get("kind", "" if "model" in values else "realtime").lower()


def _provider_choices(values: Mapping[str, str], site: Site) -> list[tuple[str, str]]:
    """The providers that sell or sold offers of the list's kind, the usual ones first."""
    kind = _kind_of(values)
    names = {offer.provider for offer in site.facts.prices.offers if kind in ("", offer.kind)}
    return [(name, provider_label(name)) for name in sorted(names, key=provider_order)]


def select_offers(values: Mapping[str, str], site: Site) -> tuple[Offer, ...]:
    """The offers of a model, provider and kind that are sold today; with `ended` also all others, and all of a named model.

    Raises:
        Problem: a field or a name is unknown.
    """
    book = site.facts.prices
    unknown = [name for name in values if name not in PRICE_FIELDS]
    if unknown:
        raise Problem(
            422, "Invalid input", [(name, f"is unknown; known fields: {', '.join(PRICE_FIELDS)}") for name in unknown]
        )
    kind = _kind_of(values)
    if kind and kind not in OFFER_KINDS:
        raise Problem(422, "Invalid input", [("kind", f"must be one of {', '.join(OFFER_KINDS)}, not {kind[:60]!r}")])
    provider = values.get("provider")
    ended = openapi.parse_flag("ended", dict(values))
    try:
        offers = (
            book.offers_named(values["model"], provider, day=site.today())
            if "model" in values
            else listed_offers(book, site.today(), provider=provider, ended=ended)
        )
    except VoicebillError as error:
        raise problem_from(error) from None
    return tuple(offer for offer in offers if kind in ("", offer.kind))


def routes(site: Site, pages: Pages) -> APIRouter:
    """The pages and the API."""
    router = APIRouter()
    meters = site.facts.prices.meters

    @router.get("/prices", include_in_schema=False)
    async def prices_page(request: Request) -> Response:
        values = {name: value for name, value in read_query(request.url.query, site.limits).items() if name not in PAGE_ONLY}
        context: dict[str, Any] = {
            "kinds": OFFER_KINDS,
            "kind": _kind_of(values),
            "values": values,
            "providers": _provider_choices(values, site),
            "ended": values.get("ended", ""),
            "day": site.today(),
            "query_with": lambda **changes: urlencode({**values, **changes}),
            "unit_headings": unit_headings,
            "tables": (),
            "problem": None,
        }
        try:
            openapi.parse_flag("ended", dict(values))
            offers = select_offers({**values, "ended": "true"}, site)
        except Problem as error:
            return pages.page(request, "prices.html", context | {"problem": error}, status=error.status)
        is_narrowed = "model" in values or "provider" in values
        tables = price_tables(offers, site.facts.prices, site.today(), kinds=OFFER_KINDS, all_open=is_narrowed)
        return pages.page(request, "prices.html", context | {"tables": tables})

    @router.get("/prices/{offer_id:path}", include_in_schema=False)
    async def offer_page(request: Request, offer_id: str) -> Response:
        book, day = site.facts.prices, site.today()
        offer = next((row for row in book.offers if row.id == offer_id), None)
        if offer is None:
            raise Problem(404, "Not found", [(None, f"there is no offer {offer_id[:80]!r}: see {site.prefix}/prices")])
        cost = await run_in_threads(site, lambda: offer_cost(offer, request.query_params.get("plan", ""), site))
        listing = OfferListing.of(offer, book, day)
        context: dict[str, Any] = {
            "listing": listing,
            "provider": provider_label(offer.provider),
            "row_in_force": offer.row_on(day),
            "day": day,
            "meters": meters,
            "columns": meter_columns(offer.rows, meters),
            "unit_headings": unit_headings,
            "history": price_steps(offer, meters, day),
            "cost": cost,
            "surcharges": [row for row in book.surcharges if row.provider == offer.provider and offer.model in row.models],
            "availability": book.availability_of(offer),
        }
        return pages.page(request, "offer.html", context)

    @router.get("/api/prices", **openapi.GET_PRICES)
    async def get_prices(request: Request) -> Response:
        values = read_query(request.url.query, site.limits)

        def work() -> bytes:
            return json_body(PriceListReport.of(site.facts.prices, select_offers(values, site), site.today()))

        return json_response(request, await run_in_threads(site, work))

    return router
