"""The comparison: every offer for one plan, two plans side by side, and the original calculator's arithmetic beside ours."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response

from voicebill.answers.alternatives import DIFFERS, LABELS, Alternative, Alternatives, alternatives
from voicebill.answers.alternatives_shape import compared_shape
from voicebill.answers.bridge import Bridge, bridge
from voicebill.answers.compare import Candidate, Comparison, alive_and_wanted, compare, remarks
from voicebill.answers.crossings import AXES, UNITS, Flips, chosen, flips, range_said, usual
from voicebill.answers.lengths import LONGEST_TIMES
from voicebill.answers.shape import Shape
from voicebill.answers.stacks import sold_as_asked
from voicebill.billing.errors import UnknownName, VoicebillError
from voicebill.billing.offers import Offer
from voicebill.facts.plans import USES
from voicebill.web import openapi
from voicebill.web.asking import Asking, Refused, asking, body_of, fields_of, form_of, longest_turns, refused
from voicebill.web.fields import address, filled
from voicebill.web.form import form_context, refusal_context
from voicebill.web.pages import Pages
from voicebill.web.presets import preset
from voicebill.web.reply import as_json, worked
from voicebill.web.site import Site

ORDERS: Mapping[str, tuple[str, Callable[[Candidate], Any]]] = {
    "offer": ("Offer", lambda each: each.offer.id),
    "best": ("Best", lambda each: each.answer.per_conversation.best if each.answer else 0),
    "expected": ("Expected", lambda each: each.answer.per_conversation.expected if each.answer else 0),
    "worst": ("Worst", lambda each: each.answer.per_conversation.worst if each.answer else 0),
    "month": ("Per month", lambda each: each.answer.per_month.expected if each.answer and each.answer.per_month else 0),
    "ends": ("Ends", lambda each: (each.ends is None, str(each.ends))),
}
"""The columns by which the table can be sorted."""


DEPLOYMENTS = ("global", "data-zone", "regional")

FLIP_FIELDS = ("flip", "one", "two", "range")
"""What is said of the ranking: along what, which two ways (left out: the cheapest of each kind), and from where to where."""

MOST_TURNS_OF_A_MONTH = 600
"""Turns of the longest call up to which every offer's month is counted, too."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A comparison as the page shows it; `other`: the second plan's candidates by offer.

    `bridged` is the offer whose arithmetic is explained; `months`: whether every offer's month was counted.
    """

    answer: Comparison
    ways: Alternatives
    spoken: tuple[Alternative, ...]
    flips: Flips | None
    flips_wrong: str
    flip_query: str
    able: tuple[Candidate, ...]
    refused: tuple[Candidate, ...]
    other: Mapping[str, Candidate]
    other_query: str
    other_wrong: str
    bridge: Bridge | None
    bridged: Candidate | None
    query: str
    discount: str
    months: bool


@dataclass(frozen=True, slots=True)
class Only:
    """What is to be compared, where not everything is: a model, what one provider sells, or what is sold one way."""

    model: str | None = None
    provider: str | None = None
    deployment: str | None = None


EVERYTHING = Only()


def only(table: object) -> Only:
    """What a question to the API restricts a comparison to: the fields that it states itself."""
    stated = table if isinstance(table, Mapping) else {}
    given = {name: stated.get(name) for name in ("model", "provider", "deployment")}
    return Only(**{name: value.strip().lower() for name, value in given.items() if isinstance(value, str) and value.strip()})


def compared(asked: Asking, wanted: Only = EVERYTHING) -> Comparison:
    """Every realtime offer alive on the day that is wanted, for the plan.

    Raises:
        Refused: there is no offer, or no answer.
    """
    question = asked.question
    try:
        offers = _wanted(asked, wanted)
        volume = None if longest_turns(question, asked.facts) > MOST_TURNS_OF_A_MONTH else question.volume
        return compare(question.plan, offers, question.asked, asked.facts, volume, lengths=question.lengths if volume else None)
    except VoicebillError as error:
        raise refused(error, question.plan) from None


def _wanted(asked: Asking, wanted: Only) -> list[Offer]:
    book, on = asked.facts.prices, asked.question.asked.day
    if wanted.provider is not None and wanted.provider not in book.providers:
        raise UnknownName("provider", wanted.provider, book.providers)
    if wanted.deployment is not None and wanted.deployment not in DEPLOYMENTS:
        raise UnknownName("deployment", wanted.deployment, DEPLOYMENTS)
    return alive_and_wanted(book, on, [wanted.model] if wanted.model else (), wanted.provider, wanted.deployment)


def ways_of(asked: Asking, answer: Comparison, wanted: Only = EVERYTHING) -> Alternatives:
    """Every alternative for the plan, the realtime offers that were compared among them; of one model only these.

    Raises:
        Refused: what is stated of the way there cannot be meant.
    """
    question, plan = asked.question, asked.question.plan
    longest = max(longest_turns(question, asked.facts), LONGEST_TIMES * (plan.turns + plan.tool_calls))
    volume = None if longest > MOST_TURNS_OF_A_MONTH else question.volume
    lengths = question.lengths if volume else None
    stacks = [] if wanted.model else sold_as_asked(asked.facts.stacks, wanted.provider, wanted.deployment)
    try:
        return alternatives(
            answer, plan, question.asked, asked.facts, volume, stacks=stacks, lengths=lengths, carriage=question.carriage
        )
    except VoicebillError as error:
        raise refused(error, plan) from None


def ranking(given: Mapping[str, str], ways: Alternatives) -> Flips | None:
    """Where the ranking flips along what is asked for; None where there are no two ways.

    Raises:
        Refused: one of the ways or the range cannot be meant, or the plan has too many turns to be varied here.
    """
    axis = next((each for each in AXES if each == given.get("flip", AXES[0])), None)
    if axis is None:
        raise Refused(422, "Wrong input", [("flip", f"must be one of {', '.join(AXES)}, not {given['flip'][:40]!r}")])
    if ways.plan.turns > MOST_TURNS_OF_A_MONTH:
        said = f"plans of at most {MOST_TURNS_OF_A_MONTH} turns are varied here; the command line varies longer ones"
        raise Refused(422, "Too long", [("turns", said)])
    for name in ("one", "two"):
        try:
            chosen(ways, [given[name]] if given.get(name) else [])
        except VoicebillError as error:
            raise Refused(422, "Wrong input", [(name, str(error))]) from None
    try:
        ranked = chosen(ways, [given[name] for name in ("one", "two") if given.get(name)])
        if len({way.name for way in ranked}) < 2:
            return None
        within = range_said(axis, given["range"]) if given.get("range") else usual(axis, ways.plan, ways.volume)
        return flips(ranked, ways.plan, within)
    except VoicebillError as error:
        raise Refused(422, "Wrong input", [("range", str(error))]) from None


def second(said: str, site: Site) -> dict[str, str]:
    """The second plan's fields: a documented plan by its name, or a link to a plan.

    Raises:
        Refused: it is neither.
    """
    name = said.lower().replace(" ", "-")
    if name in USES:
        return filled(preset(name).fields)
    link = urlsplit(said)
    if link.path.startswith("/") or link.netloc:
        return filled(fields_of(link.query, site.bounds))
    query = said.lstrip("?")
    if "=" not in query:
        names = ", ".join(USES)
        raise Refused(422, "Wrong input", [("against", f"must be a link to a plan, or one of {names}, not {said[:60]!r}")])
    return filled(fields_of(query, site.bounds))


class CompareRoutes:
    """The page and the API."""

    def __init__(self, site: Site, pages: Pages) -> None:
        self.site = site
        self.pages = pages

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter()
        router.add_api_route("/compare", self.page, methods=["GET"], include_in_schema=False)
        router.add_api_route("/compare", self.submitted, methods=["POST"], include_in_schema=False)
        router.add_api_route("/api/compare", self.from_address, methods=["GET"], **openapi.GET_COMPARE)
        router.add_api_route("/api/compare", self.from_body, methods=["POST"], **openapi.POST_COMPARE)
        return router

    async def page(self, request: Request) -> Response:
        """The page, its question in the address."""
        return await self._page(request, fields_of(request.url.query, self.site.bounds))

    async def submitted(self, request: Request) -> Response:
        """The form without JavaScript, as that of the estimate."""
        given = await form_of(request)
        if "discount" in given or "discount" in given.get("against", ""):
            return await self._page(request, given)
        query = address(given, **{name: given[name] for name in ("sort", "against", *FLIP_FIELDS) if name in given})
        return Response(status_code=303, headers={"location": f"{self.site.prefix}/compare{f'?{query}' if query else ''}"})

    async def _page(self, request: Request, given: dict[str, str]) -> Response:
        context = form_context(filled(given), self.site)
        context |= {"orders": ORDERS, "sort": given.get("sort", "expected"), "day": self.site.calendar(), "remarks": remarks}
        context |= {"labels": LABELS, "differs": DIFFERS, "axes": AXES, "units": UNITS}
        context |= {"flip": {name: given.get(name, "") for name in FLIP_FIELDS}}
        try:
            seen = await worked(self.site, lambda: view(given, self.site))
        except Refused as error:
            return self.pages.page(request, "compare.html", context | refusal_context(error), status=error.status)
        context["day"] = next((each.answer.offered.asked.day for each in seen.able if each.answer), context["day"])
        return self.pages.page(request, "compare.html", context | {"view": seen})

    async def from_address(self, request: Request) -> Response:
        """The API: a question in the address."""
        return await self._api(request, fields_of(request.url.query, self.site.bounds))

    async def from_body(self, request: Request) -> Response:
        """The API: a question in a JSON body."""
        return await self._api(request, await body_of(request))

    async def _api(self, request: Request, table: object) -> Response:
        asked = asking(table, self.site)
        said = {name: str(table[name]) for name in FLIP_FIELDS if name in table} if isinstance(table, Mapping) else {}
        return as_json(request, await worked(self.site, lambda: told(asked, said, only(table))), self.site)


def told(asked: Asking, said: Mapping[str, str], wanted: Only) -> Shape:
    """The comparison as JSON; the ranking where one of its fields is given."""
    answer = compared(asked, wanted)
    ways = ways_of(asked, answer, wanted)
    if "range" in said and "flip" not in said:
        raise Refused(422, "Wrong input", [("flip", "is missing: a range of minutes, turns, talk or volume?")])
    ranked = ranking(said, ways) if said else None
    if ranked is None and (said.get("one") or said.get("two")):
        field = "two" if said.get("one") else "one"
        raise Refused(422, "Wrong input", [(field, "a ranking needs two different ways: name another")])
    return compared_shape(answer, ways, [ranked] if ranked else [], asked.facts, asked.question.asked.day)


def _one_of_each_model(ways: Alternatives, day: date) -> Iterator[Alternative]:
    """What holds the conversation, of every realtime model one offer: the cheapest that is sure to be sold, if one is."""
    models: dict[str, list[Alternative]] = {}
    for way in ways.spoken:
        models.setdefault(way.candidate.offer.model if way.candidate else way.name, []).append(way)
    found = [min(offers, key=lambda way: (_doubtful(way, day), way.expected)) for offers in models.values()]
    return (way for way in ways.spoken if way in found)


def _doubtful(way: Alternative, day: date) -> bool:
    return way.candidate is not None and (way.candidate.unproven or bool(way.ends and way.ends <= day))


def _ranking_or_why(given: Mapping[str, str], ways: Alternatives) -> tuple[Flips | None, str]:
    """The ranking, or why there is none; the rest of the page stands all the same."""
    try:
        return ranking(given, ways), ""
    except Refused as error:
        return None, "; ".join(text for _, text in error.errors)


def view(given: Mapping[str, str], site: Site) -> Beside:
    """A comparison and everything that the page says of it.

    Raises:
        Refused: one of the plans cannot be answered.
    """
    asked = asking(filled(given), site)
    answer = compared(asked)
    key = ORDERS.get(given.get("sort", "expected"), ORDERS["expected"])[1]
    other, other_query, wrong = _second(given.get("against", ""), asked, site)
    bridged = _chosen(asked, answer)
    ways = ways_of(asked, answer)
    ranked, ranked_wrong = _ranking_or_why(given, ways)
    return Beside(
        answer=answer,
        ways=ways,
        spoken=tuple(_one_of_each_model(ways, asked.question.asked.day)),
        flips=ranked,
        flips_wrong=ranked_wrong,
        flip_query=address(given, **{name: given.get(name, "") for name in FLIP_FIELDS}),
        able=tuple(sorted((each for each in answer.candidates if each.answer), key=key)),
        refused=tuple(each for each in answer.candidates if not each.answer),
        other=other,
        other_query=other_query,
        other_wrong=wrong,
        bridge=_bridge(asked, bridged),
        bridged=bridged,
        query=address(given),
        discount=f"{asked.discount.normalize():f}%" if asked.discount else "",
        months=bool(asked.question.volume) and any(each.answer and each.answer.per_month for each in answer.candidates),
    )


def _second(said: str, asked: Asking, site: Site) -> tuple[Mapping[str, Candidate], str, str]:
    """The second plan's candidates and the query that leads to it, or what is wrong with it."""
    if not said:
        return {}, "", ""
    try:
        fields = second(said, site)
        return _other(fields, asked, site), address(fields), ""
    except Refused as error:
        return {}, "", "; ".join(f"{name}: {text}" if name else text for name, text in error.errors)


def _chosen(asked: Asking, answer: Comparison) -> Candidate | None:
    """The candidate that the form names, or else the cheapest whose availability is not in doubt."""
    able = [each for each in answer.candidates if each.answer]
    try:
        named = asked.facts.prices.find(
            asked.question.asked.model,
            day=asked.question.asked.day,
            provider=asked.question.asked.provider,
            deployment=asked.question.asked.deployment,
            region=asked.question.asked.region,
        ).offer.id
    except VoicebillError:
        named = ""
    proven = [each for each in able if not each.unproven]
    return next((each for each in able if each.offer.id == named), None) or next(iter(proven), None)


def _other(fields: Mapping[str, str], asked: Asking, site: Site) -> dict[str, Candidate]:
    """The second plan's candidates, on the first one's day."""
    second_asked = asking({**fields, "day": asked.question.asked.day.isoformat()}, site)
    theirs = compared(replace(second_asked, facts=asked.facts))
    return {each.offer.id: each for each in theirs.candidates if each.answer}


def _bridge(asked: Asking, candidate: Candidate | None) -> Bridge | None:
    """The original calculator's figure for the cheapest proven offer, step by step to ours."""
    if candidate is None or candidate.answer is None:
        return None
    try:
        return bridge(asked.question.plan, candidate.answer.offered.asked, asked.facts)
    except VoicebillError:
        return None
