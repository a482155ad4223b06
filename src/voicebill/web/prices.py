"""The price book: every offer, its history, its sources and its disputes, as pages and as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, get_args

from fastapi import APIRouter, Request, Response

from voicebill.answers.shape import offer_shape
from voicebill.billing.errors import VoicebillError
from voicebill.billing.offers import Kind, Offer, PriceRow
from voicebill.billing.price_book import Lifecycle
from voicebill.web import openapi
from voicebill.web.asking import Refused, fields_of, refused
from voicebill.web.pages import Pages
from voicebill.web.reply import as_json, worked
from voicebill.web.site import Site

KINDS: tuple[str, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Listed:
    """An offer with its prices on a day and when it ends."""

    offer: Offer
    row: PriceRow | None
    ends: tuple[Lifecycle, ...]
    contract: tuple[str, ...] = ()


def offers_of(given: Mapping[str, str], site: Site) -> tuple[Offer, ...]:
    """The offers that were asked for: of a model, of a provider, of a kind.

    Raises:
        Refused: a name or a word is unknown.
    """
    book = site.facts.prices
    unknown = [name for name in given if name not in ("model", "provider", "kind")]
    if unknown:
        raise Refused(422, "Wrong input", [(name, "is no parameter here: model, provider or kind") for name in unknown])
    kind = given.get("kind", "" if "model" in given else "realtime").lower()
    if kind and kind not in KINDS:
        raise Refused(422, "Wrong input", [("kind", f"must be one of {', '.join(KINDS)}, not {kind[:60]!r}")])
    provider = given["provider"].lower() if "provider" in given else None
    try:
        if "model" in given:
            found = book.named(given["model"], provider)
        else:
            found = book.offers
            if provider is not None and provider not in {offer.provider for offer in found}:
                book.named("", provider)
    except VoicebillError as error:
        raise refused(error) from None
    return tuple(offer for offer in found if kind in ("", offer.kind) and provider in (None, offer.provider))


def listed(offers: tuple[Offer, ...], site: Site, day: date) -> list[Listed]:
    """Offers with what is known about them on a day, by provider and model, those that have ended last."""
    book = site.facts.prices

    def place(each: Listed) -> tuple[object, ...]:
        offer = each.offer
        ended = each.row is None or any(end.shutdown.last < day for end in each.ends)
        return ended, offer.example, offer.provider != "openai", offer.provider, "preview" in offer.model, offer.model, offer.id

    return sorted(
        (Listed(each, book.priced(each, day), tuple(book.ends(each)), tuple(book.contract(each, day))) for each in offers),
        key=place,
    )


def routes(site: Site, pages: Pages) -> APIRouter:
    """The pages and the API."""
    router = APIRouter()
    meters = site.facts.prices.meters

    @router.get("/prices", include_in_schema=False)
    async def prices_page(request: Request) -> Response:
        given = fields_of(request.url.query, site.bounds)
        embed = given.pop("embed", "")
        day = site.calendar()
        kind = given.get("kind", "realtime")
        context: dict[str, Any] = {"kinds": KINDS, "kind": kind, "day": day, "meters": meters, "embed": embed}
        try:
            found = listed(offers_of(given, site), site, day)
        except Refused as error:
            return pages.page(request, "prices.html", context | {"found": [], "refusal": error}, status=error.status)
        return pages.page(request, "prices.html", context | {"found": found})

    @router.get("/prices/{offer_id:path}", include_in_schema=False)
    async def offer_page(request: Request, offer_id: str) -> Response:
        book, day = site.facts.prices, site.calendar()
        offer = next((each for each in book.offers if each.id == offer_id), None)
        if offer is None:
            raise Refused(404, "Not found", [(None, f"no offer is {offer_id[:80]!r}: see {site.prefix}/prices")])
        around = {
            "surcharges": [each for each in book.surcharges if each.provider == offer.provider and offer.model in each.models],
            "places": [each for each in book.availability if each.provider == offer.provider and offer.model in each.models],
        }
        one = listed((offer,), site, day)[0]
        return pages.page(
            request, "offer.html", {"one": one, "listed": offer.row_on(day), "day": day, "meters": meters} | around
        )

    @router.get("/api/prices", **openapi.GET_PRICES)
    async def get_prices(request: Request) -> Response:
        given = fields_of(request.url.query, site.bounds)

        def work() -> dict[str, Any]:
            shapes = [offer_shape(offer) for offer in offers_of(given, site)]
            return {"digest": site.facts.prices.digest, "currency": "USD", "offers": shapes}

        return as_json(request, await worked(site, work), site)

    return router
