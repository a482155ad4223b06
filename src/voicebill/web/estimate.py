"""The estimate: the page that people open, what it is made of, and the same as JSON and CSV."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from voicebill.answers.advice import Advice, advice
from voicebill.answers.costing import PART_LABELS
from voicebill.answers.estimate import Estimate, estimate
from voicebill.answers.knobs import Effect, effects
from voicebill.answers.ledger import Entry, ledger
from voicebill.answers.scenarios import Scenarios
from voicebill.answers.shape import TOKEN_METERS, estimate_shape, levers_shape
from voicebill.billing.errors import VoicebillError
from voicebill.billing.money import Amount, dollars, shown
from voicebill.web import openapi
from voicebill.web.asking import PAGE_FIELDS, Asking, Refused, asking, body_of, fields_of, form_of, refused
from voicebill.web.fields import address, filled
from voicebill.web.form import form_context, refusal_context
from voicebill.web.pages import Pages
from voicebill.web.reply import as_json, tagged, worked
from voicebill.web.site import Site


@dataclass(frozen=True, slots=True)
class Range:
    """One row of the picture of best, expected and worst: the amounts, and where they lie, in hundredths of the worst."""

    label: str
    best: str
    expected: str
    worst: str
    best_at: float
    expected_at: float


@dataclass(frozen=True, slots=True)
class Share:
    """One of the places where the money goes."""

    label: str
    amount: str
    percent: int
    width: float


@dataclass(frozen=True, slots=True)
class View:
    """An estimate as the page shows it.

    `query` leads to it again, `api_query` to the same as JSON, and `pinned` to it with its day, its prices and its rules.
    """

    answer: Estimate
    ranges: tuple[Range, ...]
    shares: tuple[Share, ...]
    said: str
    query: str
    api_query: str
    pinned: str
    moved: tuple[str, ...]
    discount: str


def answered(asked: Asking) -> Estimate:
    """The estimate of a question.

    Raises:
        Refused: there is no such estimate.
    """
    question = asked.question
    try:
        return estimate(
            question.plan,
            question.asked,
            asked.facts,
            question.volume,
            question.lengths,
            carriage=question.carriage,
        )
    except VoicebillError as error:
        raise refused(error, question.plan) from None


def view(asked: Asking, given: Mapping[str, str]) -> View:
    """An estimate and everything that the page says of it at first sight."""
    answer = answered(asked)
    pins = {"day": answer.offered.asked.day.isoformat(), "prices_digest": asked.facts.prices.digest}
    pins["rules_digest"] = answer.offered.ruling.digest
    ranges = tuple(_ranges(answer))
    said = f"expected {ranges[0].expected} per conversation" + (f", {ranges[2].expected} per month" if len(ranges) > 2 else "")
    return View(
        answer=answer,
        ranges=ranges,
        shares=tuple(_shares(answer)),
        said=said,
        query=address(given),
        api_query=urlencode({name: value for name, value in given.items() if value and name not in PAGE_FIELDS}),
        pinned="" if asked.discount else address(given, **pins),
        moved=tuple(_moved(given, pins)) if not asked.discount else (),
        discount=f"{asked.discount.normalize():f}%" if asked.discount else "",
    )


def _moved(given: Mapping[str, str], pins: Mapping[str, str]) -> Iterator[str]:
    """What has changed since an address was pinned."""
    for name, what in (("prices_digest", "prices"), ("rules_digest", "rules")):
        if given.get(name) and given[name] != pins[name]:
            yield f"{what} have moved on since this link was made: it pinned {given[name][:16]}, these are {pins[name]}"


def _ranges(answer: Estimate) -> Iterator[Range]:
    yield _range("per conversation", answer.per_conversation)
    yield _range("per minute", answer.per_minute)
    if answer.per_month and answer.per_year:
        yield _range("per month", answer.per_month)
        yield _range("per year", answer.per_year)


def _range(label: str, amounts: Scenarios) -> Range:
    def at(amount: Amount) -> float:
        return round(100 * float(Fraction(amount) / Fraction(amounts.worst)), 2) if amounts.worst else 0.0

    best, expected, worst = amounts.best, amounts.expected, amounts.worst
    return Range(label, shown(best), shown(expected), shown(worst), at(best), at(expected))


def _shares(answer: Estimate) -> Iterator[Share]:
    whole = Fraction(answer.per_conversation.expected)
    for part in answer.parts:
        share = Fraction(part.amount) / whole if whole else Fraction(0)
        yield Share(PART_LABELS[part.name], shown(part.amount), round(100 * share), round(100 * float(share), 2))


@dataclass(frozen=True, slots=True)
class Why:
    """What stands behind an estimate: every response, what moves the figure, and what would lower it."""

    entries: tuple[Entry, ...]
    moved: tuple[Effect, ...]
    advised: tuple[Advice, ...]


def why(asked: Asking, answer: Estimate) -> Why:
    """The ledger, the knobs and the advice, all by re-runs."""
    return Why(tuple(ledger(answer.conversation, answer.offered)), *levers_of(asked))


def levers_of(asked: Asking) -> tuple[tuple[Effect, ...], tuple[Advice, ...]]:
    """What each assumption moves, and what would be cheaper.

    Raises:
        Refused: the plan itself cannot be estimated.
    """
    plan, question = asked.question.plan, asked.question.asked
    try:
        return effects(plan, question, asked.facts), advice(plan, question, asked.facts)
    except VoicebillError as error:
        raise refused(error, plan) from None


COLUMNS = ("turn", "kind", "status", "session", *TOKEN_METERS, "dollars", "reached", "why")


def as_csv(answer: Estimate) -> str:
    """The ledger as CSV, transcription as rows of its own, so that the dollars add up to the expected amount."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(COLUMNS)
    for entry in ledger(answer.conversation, answer.offered):
        response = entry.response
        counts = (entry.usage[meter] for meter in TOKEN_METERS)
        told = (response.turn, response.kind, response.status, response.session)
        table.writerow([*told, *counts, dollars(entry.amount), dollars(entry.reached), "; ".join(entry.why)])
    for line in answer.transcription_lines:
        empty = [""] * (len(TOKEN_METERS) + 2)
        said = f"{line.meter.counted(line.quantity)} of {line.meter.label} at {line.rate}"
        table.writerow(["", "transcription", *empty, dollars(line.amount or 0), "", said])
    return out.getvalue()


class EstimateRoutes:
    """The page and its parts, the export, and the API."""

    def __init__(self, site: Site, pages: Pages) -> None:
        self.site = site
        self.pages = pages

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter()
        router.add_api_route("/", self.page, methods=["GET"], include_in_schema=False)
        router.add_api_route("/", self.submitted, methods=["POST"], include_in_schema=False)
        router.add_api_route("/answer", self.answer_part, methods=["GET", "POST"], include_in_schema=False)
        router.add_api_route("/why", self.why_part, methods=["GET", "POST"], include_in_schema=False)
        router.add_api_route("/export.csv", self.export, methods=["GET"], include_in_schema=False)
        router.add_api_route("/api/estimate", self.from_address, methods=["GET"], **openapi.GET_ESTIMATE)
        router.add_api_route("/api/estimate", self.from_body, methods=["POST"], **openapi.POST_ESTIMATE)
        return router

    async def page(self, request: Request) -> Response:
        """The page, its question in the address."""
        return await self._page(request, fields_of(request.url.query, self.site.bounds))

    async def submitted(self, request: Request) -> Response:
        """The form without JavaScript: its state becomes an address, except with a discount, which must not be in one."""
        given = await form_of(request)
        if "discount" in given:
            return await self._page(request, given)
        query = address(given)
        return Response(status_code=303, headers={"location": f"{self.site.prefix}/{f'?{query}' if query else ''}"})

    async def _page(self, request: Request, given: dict[str, str]) -> Response:
        fields = filled(given)
        context = form_context(fields, self.site)
        try:
            asked = asking(fields, self.site)
            seen = await worked(self.site, lambda: view(asked, fields))
            behind = await worked(self.site, lambda: why(asked, seen.answer))
        except Refused as error:
            return self.pages.page(request, "estimate.html", context | refusal_context(error), status=error.status)
        return self.pages.page(request, "estimate.html", context | {"view": seen, "why": behind})

    async def answer_part(self, request: Request) -> Response:
        """The answer, for the script."""
        return await self._part(request, "_answer.html", deep=False)

    async def why_part(self, request: Request) -> Response:
        """What stands behind the answer, for the script."""
        return await self._part(request, "_why.html", deep=True)

    async def _part(self, request: Request, name: str, *, deep: bool) -> Response:
        """A part of the page: from the address, or from a submitted form that holds a discount."""
        posted = request.method == "POST"
        fields = filled(await form_of(request) if posted else fields_of(request.url.query, self.site.bounds))
        asked = asking(fields, self.site)
        seen = await worked(self.site, lambda: view(asked, fields))
        behind = await worked(self.site, lambda: why(asked, seen.answer)) if deep else None
        return self.pages.page(request, name, {"view": seen, "why": behind, "fields": fields})

    async def export(self, request: Request) -> Response:
        """The ledger as a file."""
        asked = asking(filled(fields_of(request.url.query, self.site.bounds)), self.site)
        body = (await worked(self.site, lambda: as_csv(answered(asked)))).encode()
        saved = {"content-disposition": 'attachment; filename="voicebill.csv"'}
        return tagged(request, body, "text/csv; charset=utf-8", headers=saved)

    async def from_address(self, request: Request) -> Response:
        """The API: a question in the address."""
        given = fields_of(request.url.query, self.site.bounds)
        levers = openapi.flag("levers", given)
        return await self._api(request, given, levers=levers)

    async def from_body(self, request: Request) -> Response:
        """The API: a question in a JSON body."""
        levers = openapi.flag("levers", fields_of(request.url.query, self.site.bounds))
        return await self._api(request, await body_of(request), levers=levers)

    async def _api(self, request: Request, table: object, *, levers: bool) -> Response:
        asked = asking(table, self.site)
        question = asked.question

        def work() -> dict[str, Any]:
            shape = estimate_shape(answered(asked))
            return shape | levers_shape(*levers_of(asked)) if levers else shape

        several = question.volume or question.lengths or levers or question.plan.images
        quick = not several and question.plan.turns + question.plan.tool_calls <= QUICK_TURNS
        return as_json(request, work() if quick else await worked(self.site, work), self.site)


QUICK_TURNS = 40
"""So few turns are counted in a millisecond, sooner than a thread takes over."""
