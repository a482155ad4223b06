"""Recommend changes that reduce the cost of a plan, each priced by a re-run, with its trade-off."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from voicebill.answers.catalog.facts import Facts
from voicebill.answers.comparison.compare import available_offers
from voicebill.answers.estimates.call_mix import count_population, mean_costs
from voicebill.answers.estimates.model_selection import ModelSelection, ResolvedModel, resolve_model
from voicebill.answers.estimates.scenarios import plan_costs
from voicebill.answers.sensitivity.changes import (
    HALVE_PROMPT,
    HALVE_TOOL_CALLS,
    KEEP_PROMPT_STABLE,
    OTHER_DEPLOYMENT_TRADE_OFF,
    OTHER_MODEL_TRADE_OFF,
    SHORT_HISTORY,
    SHORTEN_HISTORY,
    WRITE_TURNS,
    DescribedChange,
)
from voicebill.billing.errors import InvalidInput, VoicebillError
from voicebill.billing.money import Amount
from voicebill.billing.offers import Offer
from voicebill.conversation import token_counting
from voicebill.conversation.call_lengths import LengthDistribution
from voicebill.conversation.context import Response, responses
from voicebill.conversation.plan import Plan, script
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script, Truncation

TRUNCATION_RATIOS = tuple(Decimal(tenths) / 10 for tenths in range(5, 11))
TRUNCATION_LIMITS = tuple(range(500, 12_001, 500))
"""The truncation settings that `cheapest_truncation` tries."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A change, its savings per conversation (expected, in picodollars), and its trade-off.

    `plan` and `selection` are those after the change.
    """

    change: str
    savings: Amount
    trade_off: str
    plan: Plan
    selection: ModelSelection


@dataclass(frozen=True, slots=True)
class CheapestTruncation:
    """A truncation setting, the expected amount with it, and the number of earlier turns that it always keeps."""

    truncation: Truncation
    expected: Amount
    remembered_turns: int


Change = Callable[[Plan], Plan | None]
"""Returns the changed plan, or None where the change does not apply."""


def _halve_prompt(plan: Plan) -> Plan | None:
    """Half of the instructions; where they change, half of what stays the same, too."""
    stable = plan.stable_instructions_tokens
    halved_stable = None if stable is None else stable // 2
    return (
        replace(plan, instructions_tokens=plan.instructions_tokens // 2, stable_instructions_tokens=halved_stable)
        if plan.instructions_tokens > 1
        else None
    )


def _halve_tool_calls(plan: Plan) -> Plan | None:
    return replace(plan, tool_calls=plan.tool_calls // 2) if plan.tool_calls else None


def _type_quarter_of_turns(plan: Plan) -> Plan | None:
    """A quarter of the turns as text turns, with correspondingly less speech."""
    text_turns = plan.text_turns + max(1, plan.turns // 4)
    if text_turns >= plan.turns:
        return None
    spoken_share = Decimal(plan.turns - text_turns) / (plan.turns - plan.text_turns)
    user, assistant = (round(share * spoken_share, 9) for share in plan.speech_shares)
    return replace(plan, text_turns=text_turns, user_share=user, assistant_share=assistant, silence_share=None)


def _truncate_history(plan: Plan) -> Plan | None:
    return replace(plan, truncation=SHORT_HISTORY)


def _keep_prompt_stable(plan: Plan) -> Plan | None:
    if plan.instructions_change:
        return replace(plan, instructions_change=0, stable_instructions_tokens=None)
    return replace(plan, cache="prefix") if plan.cache == "none" else None


CHANGES: tuple[tuple[DescribedChange, Change], ...] = (
    (HALVE_PROMPT, _halve_prompt),
    (HALVE_TOOL_CALLS, _halve_tool_calls),
    (WRITE_TURNS, _type_quarter_of_turns),
    (SHORTEN_HISTORY, _truncate_history),
    (KEEP_PROMPT_STABLE, _keep_prompt_stable),
)


def recommendations(plan: Plan, selection: ModelSelection, facts: Facts) -> tuple[Recommendation, ...]:
    """Changes that make the plan cheaper, the largest savings first.

    A change must be cheaper both for the planned call and on average over calls of different lengths.

    Raises:
        VoicebillError: the plan itself cannot be estimated.
    """
    model = resolve_model(selection, plan.transcription_model, facts)
    current = _Current(plan, selection, model, plan_costs(plan, model).expected, _mean_expected_amount(plan, model))
    changes = (*_plan_changes(current), *_other_offers(current))
    cheaper = [change for change in changes if change.savings > 0]
    return tuple(sorted(cheaper, key=lambda recommendation: recommendation.savings, reverse=True))


class _Current(NamedTuple):
    """The plan as it is: with its model, and its expected amounts for the planned call and on average over call lengths."""

    plan: Plan
    selection: ModelSelection
    model: ResolvedModel
    amount: Amount
    mean_amount: Amount


def _plan_changes(current: _Current) -> Iterator[Recommendation]:
    for (label, trade_off), change in CHANGES:
        changed = change(current.plan)
        if changed is None:
            continue
        try:
            amount = plan_costs(changed, current.model).expected
        except VoicebillError:
            continue
        if _mean_expected_amount(changed, current.model) < current.mean_amount:
            yield Recommendation(label, current.amount - amount, trade_off, changed, current.selection)


def _is_doubtful(offer: Offer, selection: ModelSelection, facts: Facts) -> bool:
    """Whether an offer is not to be recommended: it may not be available, or ends within 90 days."""
    book = facts.prices
    return book.availability_unconfirmed(offer) or book.is_ending_soon(offer, selection.day)


def _other_offers(current: _Current) -> Iterator[Recommendation]:
    """The cheapest other model of the provider under the same deployment, and the cheapest other deployment of the model."""
    plan, selection, facts, offer = current.plan, current.selection, current.model.facts, current.model.quote.offer
    models: list[tuple[Amount, str, ResolvedModel]] = []
    deployments: list[tuple[Amount, str, ResolvedModel]] = []
    for other in available_offers(facts.prices, selection.day):
        if other.provider != offer.provider or other.id == offer.id or _is_doubtful(other, selection, facts):
            continue
        is_same_model, is_same_deployment = other.model == offer.model, other.deployment == offer.deployment
        if is_same_model == is_same_deployment:
            continue
        region = other.regions[0] if other.deployment == "regional" else selection.region
        other_selection = replace(selection, model=other.name, deployment=other.deployment, region=region)
        try:
            resolved = resolve_model(other_selection, plan.transcription_model, facts)
            amount = plan_costs(plan, resolved).expected
        except VoicebillError:
            continue
        if is_same_model:
            deployments.append((amount, other.deployment, resolved))
        else:
            models.append((amount, other.model, resolved))
    for amount, model, resolved in _cheapest(models):
        if _mean_expected_amount(plan, resolved) < current.mean_amount:
            rules = resolved.effective_rules.rules
            uncounted_reasoning = rules.is_reasoning_model and not plan.reasoning_per_response(rules)
            trade_off = OTHER_MODEL_TRADE_OFF
            yield Recommendation(
                f"use {model}",
                current.amount - amount,
                f"{trade_off}; its reasoning is billed, and not counted here" if uncounted_reasoning else trade_off,
                plan,
                replace(resolved.selection, model=model),
            )
    for amount, deployment, resolved in _cheapest(deployments):
        if _mean_expected_amount(plan, resolved) < current.mean_amount:
            change, trade_off = f"deploy {offer.model} as {deployment}", OTHER_DEPLOYMENT_TRADE_OFF
            changed = replace(resolved.selection, model=selection.model)
            yield Recommendation(change, current.amount - amount, trade_off, plan, changed)


def _cheapest(options: list[tuple[Amount, str, ResolvedModel]]) -> list[tuple[Amount, str, ResolvedModel]]:
    return sorted(options, key=lambda option: option[:2])[:1]


def _mean_expected_amount(plan: Plan, model: ResolvedModel) -> Amount:
    """The expected amount averaged over call lengths: a change that is cheaper for the mean call may cost more on average."""
    try:
        return mean_costs(count_population(plan, LengthDistribution(), model), model).expected
    except VoicebillError:
        return plan_costs(plan, model).expected


def cheapest_truncation(
    plan: Plan,
    selection: ModelSelection,
    facts: Facts,
    *,
    min_remembered_turns: int,
    limits: Sequence[int] = TRUNCATION_LIMITS,
    ratios: Sequence[Decimal] = TRUNCATION_RATIOS,
) -> CheapestTruncation | None:
    """The cheapest truncation with which every response still has `min_remembered_turns` earlier turns, or all there are.

    None if no setting that is tried keeps as many.

    Raises:
        VoicebillError: the plan itself cannot be estimated.
    """
    if min_remembered_turns >= plan.turns > 1:
        raise InvalidInput(
            f"a conversation of {plan.turns:,} turns has at most {plan.turns - 1:,} earlier ones to keep in memory"
        )
    model = resolve_model(selection, plan.transcription_model, facts)
    rules, best = model.effective_rules.rules, None
    for setting in (Truncation(), *(Truncation("auto", ratio, limit) for limit in limits for ratio in ratios)):
        changed = replace(plan, truncation=setting)
        changed_script = script(changed, rules)
        try:
            remembered = count_remembered_turns(changed_script, tuple(responses(changed_script, rules)), rules)
            amount = plan_costs(changed, model).expected
        except VoicebillError:
            continue
        if remembered >= min(min_remembered_turns, len(changed_script.turns) - 1) and (best is None or amount < best.expected):
            best = CheapestTruncation(setting, amount, remembered)
    return best


def count_remembered_turns(script: Script, responses: Sequence[Response], rules: Rules) -> int:
    """The number of earlier turns that every response still has in full; all of them if nothing is truncated."""
    items: deque[_Item] = deque()
    fewest = len(script.turns) - 1
    by_turn: dict[int, list[Response]] = {}
    for response in responses:
        by_turn.setdefault(response.turn, []).append(response)
    session = 1
    for number, turn in enumerate(script.turns, start=1):
        turn_session = by_turn[number][0].session
        if turn_session != session:
            session = turn_session
            carries_text = (script.session_carryover or rules.session_carryover) == "text"
            items = deque(item for item in items if carries_text and not item.image)
        items.extend(_Item(number, image=True) for _ in turn.image_tokens)
        user_items = bool(turn.user_text_tokens) + bool(token_counting.user_audio(turn, rules))
        items.extend([_Item(number, image=False)] * user_items)
        for response in by_turn[number]:
            _drop(items, response.dropped)
            if response.kind == "tool-call":
                items.extend([_Item(number, image=False)] * 2)
        oldest = items[0].turn if items else number
        remembered = number - oldest - (1 if _is_partial(items, oldest, number) else 0)
        if remembered < number - 1:
            fewest = min(fewest, max(0, remembered))
        if not turn.cancelled:
            items.append(_Item(number, image=False))
    return fewest


class _Item(NamedTuple):
    """An item of the history: its turn, and whether it is an image, which is not carried over to another session."""

    turn: int
    image: bool


def _drop(items: deque[_Item], count: int) -> None:
    for _ in range(count):
        items.popleft()


def _is_partial(items: deque[_Item], oldest: int, number: int) -> bool:
    """Whether the beginning of the oldest remaining turn has been truncated."""
    return oldest < number and sum(item.turn == oldest for item in items) < 2
