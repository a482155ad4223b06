"""Calculate what a call of the reader's plan, or of the usual one, costs with an offer of the price book."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from voicebill.answers.catalog.stacks import INTERACTIVE_TIERS, ROLE_KINDS, Role
from voicebill.answers.comparison.alternatives import speech_rules
from voicebill.answers.comparison.stack_builder import stack_component
from voicebill.answers.comparison.stack_usage import StackUsage
from voicebill.answers.connectivity.call_fees import call_fee, per_minute_quote
from voicebill.answers.estimates.scenarios import Scenarios
from voicebill.answers.parameters.read_inputs import join_field_errors
from voicebill.answers.parameters.request import EstimateRequest
from voicebill.answers.provisioned.ptu import available_models
from voicebill.billing.bill import Line
from voicebill.billing.errors import VoicebillError
from voicebill.billing.money import Amount
from voicebill.billing.offers import CONVERSATIONAL_KINDS, PER_MINUTE_KINDS, Kind, Offer
from voicebill.billing.provisioned_throughput import PROVIDER
from voicebill.conversation.plan import Plan
from voicebill.web.bound_answers import answer_estimate
from voicebill.web.forms.fields import query_string, with_defaults
from voicebill.web.forms.form import FIELD_LABELS
from voicebill.web.forms.ptu_link import ptu_query
from voicebill.web.forms.requests import PAGE_FIELDS, bind_request, problem_from, read_query
from voicebill.web.site import Site
from voicebill.web.status_reports import Problem

ROLES_BY_KIND: Mapping[Kind, Role] = {kind: role for role, kind in ROLE_KINDS.items()}

PURPOSES: Mapping[Kind, str] = {
    "transcription": "to transcribe what the user says",
    "text": "to write the replies, as the text model of a pipeline; transcription and speech cost extra",
    "speech": "to speak the replies",
    "live": "for the live session; the text model behind it costs extra",
    "translation": "to translate one direction of the call",
    "telephony": "for the time of the call",
    "platform": "for the time of the call",
}
"""What a call uses an offer for that is only a part of an agent."""


@dataclass(frozen=True, slots=True)
class OfferCost:
    """What a call costs with an offer, and for what; `problem`: why it cannot be estimated, and then there are no costs.

    `lines` are those of the bill of an offer that is a part of an agent, and `monthly_fee` what it costs in addition.
    `query` is that of the calculator with the plan and this offer; empty if the offer holds no conversation by itself.
    `sizing_query` is that of the page of PTUs; empty if no PTUs are sold for the model.
    """

    plan: Plan | None
    is_own_plan: bool
    purpose: str = ""
    costs: Scenarios | None = None
    lines: tuple[Line, ...] = ()
    monthly_fee: Amount = 0
    query: str = ""
    sizing_query: str = ""
    problem: str = ""


def offer_cost(offer: Offer, plan_query: str, site: Site) -> OfferCost | None:
    """What a call of a plan, by its query, costs today with an offer; None for an offer that no call of a plan uses.

    A plan of an earlier day is estimated with the prices of today, and without its volume.
    """
    if not _is_usable(offer, site):
        return None
    is_conversational = offer.kind in CONVERSATIONAL_KINDS
    query = ""
    try:
        fields = with_defaults(read_query(plan_query, site.limits))
        fields = {name: value for name, value in fields.items() if name not in (*PAGE_FIELDS, "day")}
        if is_conversational:
            fields |= _selection_fields(offer)
            query = query_string(fields)
        bound = bind_request({name: value for name, value in fields.items() if name != "conversations"}, site)
        plan = bound.request.plan
        sizing = _sizing_query(offer, fields, site)
        cost = OfferCost(plan, bool(plan_query), PURPOSES.get(offer.kind, ""), query=query, sizing_query=sizing)
        if not is_conversational:
            return _part_cost(offer, bound.request, site, cost)
        answer = answer_estimate(bound)
        return replace(cost, costs=answer.total) if answer.model.quote.offer.id == offer.id else None
    except Problem as problem:
        return OfferCost(None, bool(plan_query), query=query, problem=join_field_errors(problem.in_words(FIELD_LABELS).errors))


def _is_usable(offer: Offer, site: Site) -> bool:
    kinds = (*CONVERSATIONAL_KINDS, *PER_MINUTE_KINDS, *ROLES_BY_KIND)
    return offer.kind in kinds and offer.tier in INTERACTIVE_TIERS and site.facts.prices.is_available(offer, site.today())


def _selection_fields(offer: Offer) -> dict[str, str]:
    return {
        "model": offer.name,
        "provider": offer.provider,
        "deployment": offer.deployment,
        "region": offer.example_region or "",
    }


def _sizing_query(offer: Offer, fields: Mapping[str, str], site: Site) -> str:
    """The query of the PTUs of a plan with this text model."""
    if offer.provider != PROVIDER or offer.model not in available_models(site.facts, site.today()):
        return ""
    return f"{ptu_query({**fields, 'llm': offer.model})}&{urlencode({'deployment': offer.deployment})}"


def _part_cost(offer: Offer, request: EstimateRequest, site: Site, cost: OfferCost) -> OfferCost | None:
    selection = replace(request.selection, day=site.today())
    stack_usage = StackUsage(request.plan, speech_rules(selection, site.facts))
    try:
        if offer.kind in PER_MINUTE_KINDS:
            return _fee_cost(offer, stack_usage, site, cost)
        component = stack_component(ROLES_BY_KIND[offer.kind], offer, selection, site.facts)
        if component is None or component.offer.id != offer.id:
            return None
        return replace(cost, costs=component.costs(stack_usage), lines=component.lines(stack_usage))
    except VoicebillError as error:
        raise problem_from(error) from None


def _fee_cost(offer: Offer, stack_usage: StackUsage, site: Site, cost: OfferCost) -> OfferCost | None:
    """The fee of a carrier or a platform; None if it has prices that no call of a plan is counted by."""
    try:
        quote = per_minute_quote(offer.id, site.facts.prices, site.today())
    except VoicebillError:
        return None
    duration_ms, _ = stack_usage.durations_ms[0]
    fee = call_fee(quote, duration_ms)
    costs = Scenarios(fee.amount, fee.amount, fee.amount) if fee.line else None
    return replace(cost, costs=costs, lines=(fee.line,) if fee.line else (), monthly_fee=fee.monthly_fee)
