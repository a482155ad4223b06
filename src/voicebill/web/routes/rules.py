"""Serve the rules by which conversations are counted, with their evidence, as a page and as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import APIRouter, Request, Response

from voicebill.answers.estimates.model_selection import DEFAULT_MODEL, resolve_rules
from voicebill.answers.parameters.inputs import RULE_INPUTS
from voicebill.answers.parameters.table_schema import exact_date
from voicebill.answers.reports.rules import ModelRulesReport
from voicebill.billing.errors import VoicebillError
from voicebill.billing.offers import DEFAULT_PROVIDER, Offer
from voicebill.conversation.rules import EffectiveRules, RuleRow
from voicebill.web import openapi
from voicebill.web.forms.model_choices import provider_label
from voicebill.web.forms.requests import problem_from, read_query
from voicebill.web.pages import Pages
from voicebill.web.responses import json_body, json_response
from voicebill.web.site import Site
from voicebill.web.status_reports import Problem

MAX_START = 30
"""Characters of a rule's basis that stay in sight on a phone, about a line with the kind of evidence; the rest is folded."""

MIN_REST = 24
"""So many more characters are not folded."""


@dataclass(frozen=True, slots=True)
class RuleEvidence:
    """A rule with the start of its basis, the rest of it, and the numbers of its sources."""

    name: str
    row: RuleRow
    start: str
    rest: str
    sources: tuple[int, ...]


def rule_evidence(rules: EffectiveRules) -> tuple[list[RuleEvidence], list[str]]:
    """The evidence of rules, and all of their sources in the order of their numbers, which start at 1."""
    sources = list(dict.fromkeys(source for row in rules.rows.values() for source in row.sources))
    numbers = {source: number for number, source in enumerate(sources, 1)}
    return [
        RuleEvidence(name, row, *split_basis(row.basis), tuple(numbers[source] for source in row.sources))
        for name, row in rules.rows.items()
    ], sources


def split_basis(basis: str) -> tuple[str, str]:
    """A short start of a text, up to the end of a word, and the rest; a text that is only a little longer has no rest.

    >>> split_basis("recorded sessions")
    ('recorded sessions', '')
    >>> [len(part) for part in split_basis("the common prefix explains a session " * 5)]
    [28, 155]
    """
    if len(basis) <= MAX_START + MIN_REST:
        return basis, ""
    start = basis[: max(basis.rfind(" ", 0, MAX_START + 1), 0)] or basis
    return start, basis[len(start) :].strip()


def select_rules(values: Mapping[str, str], site: Site) -> tuple[Offer, EffectiveRules, date]:
    """The rules of a model, with its offer and the day.

    Raises:
        Problem: a field is invalid, or there are no such rules.
    """
    unknown = [name for name in values if name not in RULE_INPUTS]
    if unknown:
        raise Problem(422, "Invalid input", [(name, f"is unknown; known fields: {', '.join(RULE_INPUTS)}") for name in unknown])
    try:
        day = exact_date(values["day"]) if "day" in values else site.today()
    except VoicebillError as error:
        raise Problem(422, "Invalid input", [("day", str(error))]) from None
    try:
        name, provider = values.get("model", DEFAULT_MODEL), values.get("provider", DEFAULT_PROVIDER)
        offer, rules = resolve_rules(name, provider, day, site.facts, rules=values.get("rules", site.rules), overrides={})
    except VoicebillError as error:
        raise problem_from(error) from None
    return offer, rules, day


def routes(site: Site, pages: Pages) -> APIRouter:
    """The page and the API."""
    router = APIRouter()

    @router.get("/rules", include_in_schema=False)
    async def rules_page(request: Request) -> Response:
        values = read_query(request.url.query, site.limits)
        values = {name: value for name, value in values.items() if name not in ("embed", "plan")}
        choices = site.model_choices(site.today())
        context: dict[str, Any] = {
            "sets": site.facts.rules.sets,
            "models": choices.models,
            "providers": [(name, provider_label(name)) for name in choices.all_providers],
            "problem": None,
        }
        try:
            offer, rules, day = select_rules(values, site)
        except Problem as error:
            return pages.page(request, "rules.html", context | {"problem": error, "given": values}, status=error.status)
        evidence, sources = rule_evidence(rules)
        details = {"offer": offer, "rules": rules, "day": day, "given": values, "evidence": evidence, "sources": sources}
        return pages.page(request, "rules.html", context | details)

    @router.get("/api/rules", **openapi.GET_RULES)
    async def get_rules(request: Request) -> Response:
        offer, rules, day = select_rules(read_query(request.url.query, site.limits), site)
        return json_response(request, json_body(ModelRulesReport.of(offer, rules, day)))

    return router
