"""The rules: how a model's conversations are counted, each parameter with what speaks for it."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from fastapi import APIRouter, Request, Response

from voicebill.answers.question import DEFAULT_MODEL, DEFAULT_PROVIDER
from voicebill.answers.shape import rules_shape
from voicebill.answers.tables import the_day
from voicebill.answers.tolls import PAID_BY_THE_MINUTE
from voicebill.billing.errors import NotOffered, VoicebillError
from voicebill.billing.offers import Offer
from voicebill.conversation.rules import Ruling
from voicebill.web import openapi
from voicebill.web.asking import Refused, fields_of, refused
from voicebill.web.fields import models
from voicebill.web.pages import Pages
from voicebill.web.reply import as_json
from voicebill.web.site import Site


def ruled(given: Mapping[str, str], site: Site) -> tuple[Offer, Ruling, date]:
    """The rules that were asked for, with the offer and the day that they are for.

    Raises:
        Refused: there are no such rules.
    """
    unknown = [name for name in given if name not in ("model", "provider", "day", "rules")]
    if unknown:
        raise Refused(422, "Wrong input", [(name, "is no parameter here: model, provider, day or rules") for name in unknown])
    try:
        day = the_day(given["day"]) if "day" in given else site.calendar()
    except VoicebillError as error:
        raise Refused(422, "Wrong input", [("day", str(error))]) from None
    try:
        name, provider = given.get("model", DEFAULT_MODEL), given.get("provider", DEFAULT_PROVIDER)
        offer = site.facts.prices.find(name, provider=provider, day=day, kind="realtime").offer
        if offer.kind in PAID_BY_THE_MINUTE:
            raise NotOffered(f"{offer.name} is a {offer.kind} model: rules are of models that take part in a conversation")
        return offer, site.facts.ruling(offer, day=day, rules=given.get("rules", site.rules)), day
    except VoicebillError as error:
        raise refused(error) from None


def routes(site: Site, pages: Pages) -> APIRouter:
    """The page and the API."""
    router = APIRouter()

    @router.get("/rules", include_in_schema=False)
    async def rules_page(request: Request) -> Response:
        given = fields_of(request.url.query, site.bounds)
        given.pop("embed", None)
        context: dict[str, Any] = {"sets": site.facts.rules.sets, "models": list(models(site.facts.prices, site.calendar()))}
        try:
            offer, ruling, day = ruled(given, site)
        except Refused as error:
            return pages.page(request, "rules.html", context | {"refusal": error, "given": given}, status=error.status)
        found = {"offer": offer, "ruling": ruling, "day": day, "given": given}
        return pages.page(request, "rules.html", context | found)

    @router.get("/api/rules", **openapi.GET_RULES)
    async def get_rules(request: Request) -> Response:
        offer, ruling, day = ruled(fields_of(request.url.query, site.bounds), site)
        return as_json(request, {"offer": offer.id, "day": day.isoformat(), **rules_shape(ruling)}, site)

    return router
