"""Advice: changes that a builder can make, each priced by a re-run, with what it costs in behaviour."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from voicebill.answers.compare import alive
from voicebill.answers.facts import Facts
from voicebill.answers.lengths import Spread
from voicebill.answers.offered import Asked, Offered, offered
from voicebill.answers.population import calls, over_all_lengths
from voicebill.answers.scenarios import costs
from voicebill.billing.errors import InvalidInput, VoicebillError
from voicebill.billing.money import Amount
from voicebill.conversation import counting
from voicebill.conversation.context import Response, responses
from voicebill.conversation.plan import Plan, script
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script, Truncation

RATIOS = tuple(Decimal(tenths) / 10 for tenths in range(5, 11))
LIMITS = tuple(range(500, 12_001, 500))
"""The settings that the search for the cheapest truncation tries."""


@dataclass(frozen=True, slots=True)
class Advice:
    """A change, what it saves of a conversation's expected amount, and what it takes away."""

    change: str
    saves: Amount
    at_the_cost_of: str


@dataclass(frozen=True, slots=True)
class CheapestTruncation:
    """A truncation setting, the expected amount with it, and how many earlier turns it always keeps in memory."""

    truncation: Truncation
    expected: Amount
    remembered_turns: int


Change = Callable[[Plan], Plan | None]
"""A plan changed, or None where there is nothing to change."""


def _shorter_prompt(plan: Plan) -> Plan | None:
    return replace(plan, instructions_tokens=plan.instructions_tokens // 2) if plan.instructions_tokens > 1 else None


def _fewer_tools(plan: Plan) -> Plan | None:
    return replace(plan, tool_calls=plan.tool_calls // 2) if plan.tool_calls else None


def _written(plan: Plan) -> Plan | None:
    """A quarter of the turns typed and answered in writing, and their speech not spoken."""
    more = plan.text_turns + max(1, plan.turns // 4)
    if more >= plan.turns:
        return None
    still = Decimal(plan.turns - more) / (plan.turns - plan.text_turns)
    user, assistant = (round(share * still, 9) for share in plan.talk)
    return replace(plan, text_turns=more, user_share=user, assistant_share=assistant, silence_share=None)


def _cut(plan: Plan) -> Plan | None:
    return replace(plan, truncation=Truncation("auto", Decimal("0.8"), 4000))


def _stable(plan: Plan) -> Plan | None:
    return replace(plan, cache="prefix") if plan.cache == "none" else None


CHANGES: tuple[tuple[str, Change, str], ...] = (
    ("halve the prompt", _shorter_prompt, "fewer instructions; move what is rarely needed into tools"),
    ("halve the tool calls", _fewer_tools, "fetch more at once, or know less"),
    ("answer a quarter of the turns in writing", _written, "the user reads and types there"),
    ("cut the history to 4,000 tokens, keeping 0.8", _cut, "older turns are forgotten"),
    ("keep instructions and tools unchanged within a session", _stable, "what varies goes to the end of the conversation"),
)


def advice(plan: Plan, asked: Asked, facts: Facts) -> tuple[Advice, ...]:
    """What would make the plan cheaper, the largest saving first. Nothing is recommended that would cost more.

    Raises:
        VoicebillError: the plan itself cannot be estimated.
    """
    base = costs(plan, offered(asked, plan.transcription_model, facts)).expected
    found = [
        Advice(label, base - amount, price)
        for label, amount, price in (*_changed(plan, asked, facts), *_elsewhere(plan, asked, facts))
        if amount < base
    ]
    return tuple(sorted(found, key=lambda each: each.saves, reverse=True))


def _changed(plan: Plan, asked: Asked, facts: Facts) -> Iterator[tuple[str, Amount, str]]:
    sold = offered(asked, plan.transcription_model, facts)
    usual = _over_a_month(plan, sold)
    for label, change, price in CHANGES:
        changed = change(plan)
        if changed is None:
            continue
        try:
            amount = costs(changed, sold).expected
        except VoicebillError:
            continue
        if _over_a_month(changed, sold) < usual:
            yield label, amount, price


def _elsewhere(plan: Plan, asked: Asked, facts: Facts) -> Iterator[tuple[str, Amount, str]]:
    """The provider's other models under the same deployment, and other deployments of the same model: the cheapest each."""
    here = offered(asked, plan.transcription_model, facts).found.offer
    models: list[tuple[Amount, str, Offered]] = []
    deployments: list[tuple[Amount, str, Offered]] = []
    for offer in alive(facts.prices, asked.day):
        if offer.provider != here.provider or offer.id == here.id or facts.prices.unproven(offer):
            continue
        region = offer.regions[0] if offer.deployment == "regional" else asked.region
        other = replace(asked, model=offer.name, deployment=offer.deployment, region=region)
        try:
            sold = offered(other, plan.transcription_model, facts)
            amount = costs(plan, sold).expected
        except VoicebillError:
            continue
        if offer.model == here.model and offer.deployment != here.deployment:
            deployments.append((amount, offer.deployment, sold))
        elif offer.model != here.model and offer.deployment == here.deployment:
            models.append((amount, offer.model, sold))
    usual = _over_a_month(plan, offered(asked, plan.transcription_model, facts))
    for amount, model, sold in _cheapest(models):
        if _over_a_month(plan, sold) < usual:
            thinks = sold.ruling.rules.reasons and not plan.reasoning_tokens
            price = "another model's voice and judgement: try it"
            yield f"use {model}", amount, f"{price}; what it reasons is billed, and not counted here" if thinks else price
    for amount, deployment, sold in _cheapest(deployments):
        if _over_a_month(plan, sold) < usual:
            yield f"deploy {here.model} as {deployment}", amount, "data may be processed elsewhere"


def _cheapest(found: list[tuple[Amount, str, Offered]]) -> list[tuple[Amount, str, Offered]]:
    return sorted(found, key=lambda each: each[:2])[:1]


def _over_a_month(plan: Plan, sold: Offered) -> Amount:
    """The mean expected amount where calls differ in length: what is cheaper for the average call may be dearer there."""
    try:
        return over_all_lengths(calls(plan, Spread(), sold), sold).expected
    except VoicebillError:
        return costs(plan, sold).expected


def cheapest_truncation(
    plan: Plan,
    asked: Asked,
    facts: Facts,
    *,
    keep_turns: int,
    limits: Sequence[int] = LIMITS,
    ratios: Sequence[Decimal] = RATIOS,
) -> CheapestTruncation | None:
    """The cheapest setting under which every response still knows so many earlier turns (or all there are), or None.

    Raises:
        VoicebillError: the plan itself cannot be estimated.
    """
    if keep_turns >= plan.turns > 1:
        raise InvalidInput(
            f"a conversation of {plan.turns:,} turns has at most {plan.turns - 1:,} earlier ones to keep in memory"
        )
    sold = offered(asked, plan.transcription_model, facts)
    rules, best = sold.ruling.rules, None
    for setting in (Truncation(), *(Truncation("auto", ratio, limit) for limit in limits for ratio in ratios)):
        changed = replace(plan, truncation=setting)
        talk = script(changed, rules)
        try:
            remembered = least_remembered(talk, tuple(responses(talk, rules)), rules)
            amount = costs(changed, sold).expected
        except VoicebillError:
            continue
        if remembered >= min(keep_turns, len(talk.turns) - 1) and (best is None or amount < best.expected):
            best = CheapestTruncation(setting, amount, remembered)
    return best


def least_remembered(talk: Script, held: Sequence[Response], rules: Rules) -> int:
    """Of how many earlier turns every response knows everything, where so many have been; all, if nothing is ever cut."""
    items: deque[_Item] = deque()
    least = len(talk.turns) - 1
    by_turn: dict[int, list[Response]] = {}
    for response in held:
        by_turn.setdefault(response.turn, []).append(response)
    session = 1
    for number, turn in enumerate(talk.turns, start=1):
        now = by_turn[number][0].session
        if now != session:
            session = now
            carried = (talk.carry or rules.session_carry) == "text"
            items = deque(item for item in items if carried and not item.image)
        items.extend(_Item(number, image=True) for _ in turn.image_tokens)
        user = bool(turn.user_text_tokens) + bool(counting.user_audio(turn, rules))
        items.extend([_Item(number, image=False)] * user)
        for response in by_turn[number]:
            _drop(items, response.dropped)
            if response.kind == "tool-call":
                items.extend([_Item(number, image=False)] * 2)
        oldest = items[0].turn if items else number
        whole = number - oldest - (1 if _broken(items, oldest, number) else 0)
        if whole < number - 1:
            least = min(least, max(0, whole))
        if not turn.cancelled:
            items.append(_Item(number, image=False))
    return least


class _Item(NamedTuple):
    """An item of the history: the turn that it belongs to, and whether it is an image, which no session carries over."""

    turn: int
    image: bool


def _drop(items: deque[_Item], many: int) -> None:
    for _ in range(many):
        items.popleft()


def _broken(items: deque[_Item], oldest: int, number: int) -> bool:
    """Whether the oldest turn that is left has lost its beginning: then it is not known whole."""
    return oldest < number and sum(item.turn == oldest for item in items) < 2
