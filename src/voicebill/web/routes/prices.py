"""Serve the price book: offers with price history, sources and disputed prices, as pages and as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, get_args

from fastapi import APIRouter, Request, Response

from voicebill.answers.catalog.price_list import listed_offers
from voicebill.answers.parameters.inputs import PRICE_LIST
from voicebill.answers.reports.prices import PriceListReport
from voicebill.billing.errors import VoicebillError
from voicebill.billing.offers import Kind, Offer, PriceRow
from voicebill.billing.price_book import Lifecycle
from voicebill.web import openapi
from voicebill.web.forms.requests import problem_from, read_query
from voicebill.web.pages import Pages
from voicebill.web.responses import json_body, json_response, run_in_threads
from voicebill.web.site import Site
from voicebill.web.status_reports import Problem

PRICE_FIELDS = ("model", "provider", "kind", *PRICE_LIST)

OFFER_KINDS: tuple[str, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class OfferListing:
    """An offer with its prices, shutdown dates and contract terms on a day."""

    offer: Offer
    row: PriceRow | None
    ends: str
    has_ended: bool
    lifecycle: tuple[Lifecycle, ...]
    contract: tuple[str, ...] = ()


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
    kind = values.get("kind", "" if "model" in values else "realtime").lower()
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


def list_offers(offers: tuple[Offer, ...], site: Site, day: date) -> list[OfferListing]:
    """Listings of offers on a day, by provider and model; offers that have ended come last."""
    book = site.facts.prices

    def sort_key(item: OfferListing) -> tuple[object, ...]:
        offer = item.offer
        return (
            not book.is_available(offer, day),
            offer.example,
            offer.provider != "openai",
            offer.provider,
            "preview" in offer.model,
            offer.model,
            offer.id,
        )

    return sorted(
        (
            OfferListing(
                item,
                book.price_row(item, day),
                end.day_text if (end := book.shutdown_of(item)) else "",
                book.is_shut_down(item, day),
                tuple(book.lifecycle_of(item)),
                tuple(book.contract_terms(item, day)),
            )
            for item in offers
        ),
        key=sort_key,
    )


def routes(site: Site, pages: Pages) -> APIRouter:
    """The pages and the API."""
    router = APIRouter()
    meters = site.facts.prices.meters

    @router.get("/prices", include_in_schema=False)
    async def prices_page(request: Request) -> Response:
        values = read_query(request.url.query, site.limits)
        embed = values.pop("embed", "")
        values.pop("plan", None)
        day = site.today()
        kind = values.get("kind", "realtime")
        context: dict[str, Any] = {
            "kinds": OFFER_KINDS,
            "kind": kind,
            "ended": values.get("ended", ""),
            "day": day,
            "meters": meters,
            "embed": embed,
            "problem": None,
        }
        try:
            listings = list_offers(select_offers(values, site), site, day)
        except Problem as error:
            return pages.page(request, "prices.html", context | {"listings": [], "problem": error}, status=error.status)
        return pages.page(request, "prices.html", context | {"listings": listings})

    @router.get("/prices/{offer_id:path}", include_in_schema=False)
    async def offer_page(request: Request, offer_id: str) -> Response:
        book, day = site.facts.prices, site.today()
        offer = next((row for row in book.offers if row.id == offer_id), None)
        if offer is None:
            raise Problem(404, "Not found", [(None, f"there is no offer {offer_id[:80]!r}: see {site.prefix}/prices")])
        related = {
            "surcharges": [row for row in book.surcharges if row.provider == offer.provider and offer.model in row.models],
            "availability": [row for row in book.availability if row.provider == offer.provider and offer.model in row.models],
        }
        listing = list_offers((offer,), site, day)[0]
        return pages.page(
            request, "offer.html", {"listing": listing, "listed": offer.row_on(day), "day": day, "meters": meters} | related
        )

    @router.get("/api/prices", **openapi.GET_PRICES)
    async def get_prices(request: Request) -> Response:
        values = read_query(request.url.query, site.limits)

        def work() -> bytes:
            return json_body(PriceListReport.of(site.facts.prices, select_offers(values, site), site.today()))

        return json_response(request, await run_in_threads(site, work))

    return router
