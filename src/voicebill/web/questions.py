"""Calculate the figures of the questions below the calculator, for the plan of the page."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from voicebill.answers.comparison.alternatives import speech_rules
from voicebill.answers.comparison.stack_usage import StackUsage
from voicebill.answers.estimates.calculator_bridge import is_counted
from voicebill.answers.estimates.costing import COST_COMPONENT_LABELS, CostComponentName
from voicebill.answers.estimates.estimate import Estimate
from voicebill.answers.estimates.model_selection import resolve_model
from voicebill.answers.estimates.response_breakdown import ResponseCost
from voicebill.answers.estimates.scenarios import plan_costs
from voicebill.answers.sensitivity.recommendations import Recommendation
from voicebill.billing.errors import VoicebillError
from voicebill.billing.money import Amount, format_amount, share_of
from voicebill.web.forms.model_choices import provider_label
from voicebill.web.forms.requests import BoundRequest
from voicebill.web.plan_columns import change_text
from voicebill.web.site import Site

SPEECH_COMPONENTS: tuple[CostComponentName, ...] = ("fresh_audio_in", "assistant_audio")
"""What speech costs once, when it is heard and when it is spoken."""

MAX_OTHER_COMPONENTS = 3


@dataclass(frozen=True, slots=True)
class TurnFigures:
    """Cost and input of the first and the last turn; `last_costs_more` than the first one."""

    first: str
    last: str
    first_tokens: int
    last_tokens: int
    last_number: int
    last_costs_more: bool


@dataclass(frozen=True, slots=True)
class CacheFigures:
    """The cost of a call by cache scenario; `times` compares the worst with the expected one (empty: nothing is cached).

    `share` of the input is expected to be cached.
    """

    best: str
    expected: str
    worst: str
    times: str
    share: float


@dataclass(frozen=True, slots=True)
class SpeechFigures:
    """What the speech costs once, its percentage of the call, and the largest other components."""

    amount: str
    percent: int
    total: str
    others: tuple[tuple[str, str], ...]
    has_bridge: bool


@dataclass(frozen=True, slots=True)
class OtherCost:
    """A call of this plan elsewhere: a name, its cost, how it compares, and a note."""

    name: str
    amount: str
    change: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class PlanFigures:
    """The figures of the questions about a plan; None where the plan has none.

    `by_turn`: it is billed turn by turn; `session` is what the length of the call costs, empty if it is not billed.
    """

    minute: str
    by_turn: bool
    session: str
    turns: TurnFigures | None
    cache: CacheFigures | None
    speech: SpeechFigures | None
    model: OtherCost | None
    provider: OtherCost | None
    pipeline: OtherCost | None
    total: str


def plan_figures(
    bound: BoundRequest, answer: Estimate, costs: Sequence[ResponseCost], suggestions: Sequence[Recommendation], site: Site
) -> PlanFigures:
    """The figures for an answer, its cost by response, and its recommendations; two further estimates are made."""
    return PlanFigures(
        minute=format_amount(answer.total_per_minute.expected),
        by_turn=any(cost.amount for cost in costs),
        session=next((format_amount(part.amount) for part in answer.breakdown if part.name == "session"), ""),
        turns=_turn_figures(costs),
        cache=_cache_figures(answer),
        speech=_speech_figures(answer, bound),
        model=_other_model(bound, answer, suggestions),
        provider=_other_provider(bound, answer, site),
        pipeline=_pipeline(bound, answer, site),
        total=format_amount(answer.total.expected),
    )


def _turn_figures(costs: Sequence[ResponseCost]) -> TurnFigures | None:
    """None if turns are not billed one by one, or there is only one."""
    amounts: dict[int, Amount] = {}
    for cost in costs:
        amounts[cost.response.turn] = amounts.get(cost.response.turn, 0) + cost.amount
    first, last = min(amounts, default=0), max(amounts, default=0)
    if first == last or not amounts[first] or not amounts[last]:
        return None
    tokens = {cost.response.turn: sum(cost.response.input) for cost in costs}
    return TurnFigures(
        format_amount(amounts[first]),
        format_amount(amounts[last]),
        tokens[first],
        tokens[last],
        last,
        last_costs_more=amounts[last] > amounts[first],
    )


def _cache_figures(answer: Estimate) -> CacheFigures | None:
    """None if the cache does not change the cost."""
    conversation, total = answer.conversation, answer.total
    read = sum(conversation.totals.input)
    if total.best == total.worst or not total.expected or not read:
        return None
    return CacheFigures(
        format_amount(total.best),
        format_amount(total.expected),
        format_amount(total.worst),
        f"{float(share_of(total.worst, total.expected)):.2g}" if total.worst > total.expected else "",
        sum(map(sum, conversation.hits)) / read,
    )


def _speech_figures(answer: Estimate, bound: BoundRequest) -> SpeechFigures | None:
    """None if nothing is billed by the tokens of speech."""
    speech = sum(part.amount for part in answer.breakdown if part.name in SPEECH_COMPONENTS)
    others = [part for part in answer.breakdown if part.name not in SPEECH_COMPONENTS]
    if not speech or not others:
        return None
    return SpeechFigures(
        format_amount(speech),
        round(100 * share_of(speech, answer.per_conversation.expected)),
        format_amount(answer.per_conversation.expected),
        tuple((COST_COMPONENT_LABELS[part.name], format_amount(part.amount)) for part in others[:MAX_OTHER_COMPONENTS]),
        has_bridge=is_counted(answer.model.quote.offer, bound.facts),
    )


def _other_model(bound: BoundRequest, answer: Estimate, suggestions: Sequence[Recommendation]) -> OtherCost | None:
    """The cheapest other model of the provider, if it is cheaper."""
    model = bound.request.selection.model
    suggestion = next((row for row in suggestions if row.selection.model != model), None)
    if suggestion is None:
        return None
    return _other_cost(suggestion.selection.model, answer.total.expected - suggestion.savings, answer, suggestion.trade_off)


def _other_provider(bound: BoundRequest, answer: Estimate, site: Site) -> OtherCost | None:
    """The same model at the first other provider that sells it; the agents of two providers are not the same."""
    selection, plan = bound.request.selection, bound.request.plan
    if answer.model.quote.offer.kind != "realtime":
        return None
    choices = site.model_choices(selection.day)
    others = (name for name in choices.providers(selection.model) if name != answer.model.quote.offer.provider)
    for provider in others:
        deployment = choices.deployments(selection.model, provider)[0]
        elsewhere = replace(selection, provider=provider, deployment=deployment, region=None)
        try:
            costs = plan_costs(plan, resolve_model(elsewhere, plan.transcription_model, bound.facts))
        except VoicebillError:
            continue
        fees = answer.total.expected - answer.per_conversation.expected
        return _other_cost(provider_label(provider), costs.expected + fees, answer)
    return None


def _pipeline(bound: BoundRequest, answer: Estimate, site: Site) -> OtherCost | None:
    """A pipeline of the models that are cheapest for the usual conversation; None if it cannot hold this one."""
    selection, plan = bound.request.selection, bound.request.plan
    if selection.overrides or not any(plan.speech_shares):
        return None
    pipeline = site.cheapest_pipeline(selection.day, selection.rules, bound.discount)
    if pipeline is None:
        return None
    try:
        costs = pipeline.costs(StackUsage(plan, speech_rules(selection, bound.facts)))
    except VoicebillError:
        return None
    fees = answer.total.expected - answer.per_conversation.expected
    return _other_cost(", ".join(part.offer.model for part in pipeline.components), costs.expected + fees, answer)


def _other_cost(name: str, amount: Amount, answer: Estimate, note: str = "") -> OtherCost:
    usual = answer.total.expected
    return OtherCost(name, format_amount(amount), change_text(share_of(amount, usual)) if usual else "", note)
