"""The capacity: calls at once and quota for a plan, on a page and as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from voicebill.answers.capacity import Capacity, Wanted, capacity, percent
from voicebill.answers.capacity_shape import capacity_shape
from voicebill.answers.capacity_table import parted, wanted_fault, wanted_from
from voicebill.answers.demand import shown_minutes
from voicebill.answers.tables import Fault
from voicebill.billing.errors import VoicebillError
from voicebill.web import openapi
from voicebill.web.asking import (
    MOST_CHARACTERS,
    PAGE_FIELDS,
    Asking,
    Refused,
    asking,
    body_of,
    fault_errors,
    fields_of,
    form_of,
    refused,
)
from voicebill.web.fields import CAPACITY_FOLDED, NO_PART_OF_CAPACITY, address, filled
from voicebill.web.form import form_context, refusal_context
from voicebill.web.pages import Pages
from voicebill.web.reply import as_json, worked
from voicebill.web.site import Site


@dataclass(frozen=True, slots=True)
class View:
    """A capacity as the page shows it; `pinned` leads to it again on its day, `api_query` to the same as JSON.

    `within`: the share of minutes in which no more is asked than is said.
    """

    answer: Capacity
    within: str
    pinned: str
    api_query: str


def asked_of(table: object, site: Site) -> tuple[Asking, Wanted]:
    """Read a question and what is wanted of it, within the site's bounds.

    Raises:
        Refused: either cannot be meant; every error of both names its field.
    """
    said, rest = parted(table)
    for name, value in said.items():
        if isinstance(value, str) and len(value) > MOST_CHARACTERS:
            raise Refused(422, "Wrong input", [(name, f"has more than {MOST_CHARACTERS} characters")])
    faults: list[Fault] = []
    wanted = wanted_from(said, faults)
    try:
        asked = asking(rest, site)
    except Refused as error:
        raise Refused(error.status, error.title, [*fault_errors(faults), *error.errors]) from None
    if wanted is None or faults:
        raise Refused(422, "Wrong input", fault_errors(faults))
    return asked, wanted


def answered(asked: Asking, wanted: Wanted) -> Capacity:
    """The capacity of a question.

    Raises:
        Refused: there is none.
    """
    question = asked.question
    try:
        return capacity(question.plan, question.asked, asked.facts, question.volume, wanted, lengths=question.lengths)
    except VoicebillError as error:
        fault = wanted_fault(error)
        if fault.path:
            raise Refused(422, "No answer", fault_errors([fault])) from None
        raise refused(error, question.plan) from None


def view(given: Mapping[str, str], site: Site) -> View:
    """A capacity and everything that the page says of it."""
    fields = filled(given)
    asked, wanted = asked_of(fields, site)
    answer = answered(asked, wanted)
    return View(
        answer=answer,
        within=percent(1 - float(wanted.minutes_over)),
        pinned=address(given, day=asked.question.asked.day.isoformat()),
        api_query=urlencode({name: value for name, value in fields.items() if value and name not in PAGE_FIELDS}),
    )


class CapacityRoutes:
    """The page and the API."""

    def __init__(self, site: Site, pages: Pages) -> None:
        self.site = site
        self.pages = pages

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter()
        router.add_api_route("/capacity", self.page, methods=["GET"], include_in_schema=False)
        router.add_api_route("/capacity", self.submitted, methods=["POST"], include_in_schema=False)
        router.add_api_route("/api/capacity", self.from_address, methods=["GET"], **openapi.GET_CAPACITY)
        router.add_api_route("/api/capacity", self.from_body, methods=["POST"], **openapi.POST_CAPACITY)
        return router

    async def page(self, request: Request) -> Response:
        """The page, its question in the address."""
        given = fields_of(request.url.query, self.site.bounds)
        context = form_context(filled(given), self.site) | {
            "folded": CAPACITY_FOLDED,
            "percent": percent,
            "shown_minutes": shown_minutes,
        }
        try:
            seen = await worked(self.site, lambda: view(given, self.site))
        except Refused as error:
            return self.pages.page(request, "capacity.html", context | refusal_context(error), status=error.status)
        return self.pages.page(request, "capacity.html", context | {"view": seen})

    async def submitted(self, request: Request) -> Response:
        """The form without JavaScript: its state becomes an address."""
        given = {name: value for name, value in (await form_of(request)).items() if name not in NO_PART_OF_CAPACITY}
        query = address(given)
        return Response(status_code=303, headers={"location": f"{self.site.prefix}/capacity{f'?{query}' if query else ''}"})

    async def from_address(self, request: Request) -> Response:
        """The API: a question in the address."""
        return await self._api(request, fields_of(request.url.query, self.site.bounds))

    async def from_body(self, request: Request) -> Response:
        """The API: a question in a JSON body."""
        return await self._api(request, await body_of(request))

    async def _api(self, request: Request, table: object) -> Response:
        asked, wanted = asked_of(table, self.site)
        return as_json(request, await worked(self.site, lambda: capacity_shape(answered(asked, wanted))), self.site)
