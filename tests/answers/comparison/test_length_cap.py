"""Answers over calls of all lengths say which share of them the session cuts, where the plan ends calls with the session."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.cases import DAY
from voicebill.answers.capacity.capacity import plan_capacity
from voicebill.answers.capacity.targets import CapacityTargets
from voicebill.answers.comparison.alternatives import alternatives
from voicebill.answers.comparison.compare import available_offers, compare, offer_notes
from voicebill.answers.estimates.estimate import estimate
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.conversation.call_lengths import CallLengths, LengthDistribution
from voicebill.conversation.plan import Plan
from voicebill.conversation.volume import Volume
from voicebill.facts import load_facts

SELECTION = ModelSelection(model="gpt-realtime-1.5", day=DAY)
MONTH = Volume(Decimal(1000), "month")
ENDING = Plan(minutes=16, turns=20, calls_end_with_session=True)
GOING_ON = Plan(minutes=16, turns=20)

Lengths = LengthDistribution | CallLengths | None


def estimate_texts(plan: Plan, lengths: Lengths) -> tuple[str, ...]:
    return estimate(plan, SELECTION, load_facts(), MONTH, lengths).warnings


def capacity_texts(plan: Plan, lengths: Lengths) -> tuple[str, ...]:
    return plan_capacity(plan, SELECTION, load_facts(), MONTH, CapacityTargets(), lengths=lengths).warnings


def comparison_texts(plan: Plan, lengths: Lengths) -> tuple[str, ...]:
    offers = load_facts().prices.offers_named("gpt-realtime-1.5", "openai", "realtime")
    (candidate,) = compare(plan, offers, SELECTION, load_facts(), MONTH, lengths=lengths).candidates
    return tuple(offer_notes(candidate))


@pytest.mark.parametrize("texts", [estimate_texts, capacity_texts, comparison_texts])
@pytest.mark.parametrize(
    ("plan", "lengths", "remarks"),
    [
        pytest.param(ENDING, None, 1, id="the assumed spread"),
        pytest.param(ENDING, LengthDistribution(Decimal("0.2")), 0, id="a small spread"),
        pytest.param(ENDING, LengthDistribution(0), 0, id="no spread"),
        pytest.param(ENDING, CallLengths(((10, 3), (61, 1))), 1, id="a quarter of the counted calls"),
        pytest.param(GOING_ON, None, 0, id="another session"),
        pytest.param(GOING_ON, CallLengths(((10, 3), (61, 1))), 0, id="counted calls go on"),
    ],
)
def test_calls_that_end_with_the_session_are_remarked_with_their_share(
    texts: object, plan: Plan, lengths: Lengths, remarks: int
) -> None:
    assert callable(texts)
    matching = [text for text in texts(plan, lengths) if "of the calls end a" in text]
    assert len(matching) == remarks


@pytest.mark.parametrize("volume", [None, MONTH], ids=["planned call", "month"])
@pytest.mark.parametrize(("minutes", "turns", "session"), [(90, 100, None), (90, 100, 30), (20, 33, 30), (45, 61, 30)])
def test_stacks_have_costs_where_calls_end_with_the_session(
    minutes: int, turns: int, session: int | None, volume: Volume | None
) -> None:
    plan = Plan(minutes=minutes, turns=turns, session_minutes=session, calls_end_with_session=True)
    assert alternatives(None, plan, SELECTION, load_facts(), volume).conversational


def test_a_stack_has_no_session_of_its_own_that_ends_calls() -> None:
    """A session of a realtime model ends after an hour; a call of a pipeline only after what the plan says."""
    plan = Plan(minutes=90, turns=100, calls_end_with_session=True)
    facts = load_facts()
    uncut, ending, cut = (
        alternatives(None, row, SELECTION, facts).conversational[0].expected
        for row in (replace(plan, calls_end_with_session=False), plan, replace(plan, session_minutes=30))
    )
    assert uncut == ending > 2 * cut


def test_a_greeting_that_is_longer_than_the_session_leaves_a_call_of_one_turn() -> None:
    plan = Plan(minutes=45, turns=1, first_speaker="assistant", calls_end_with_session=True)
    answer = estimate(plan, replace(SELECTION, provider="azure"), load_facts(), MONTH, LengthDistribution(0))
    assert answer.per_month is not None
    assert answer.per_month.expected == 1000 * answer.per_conversation.expected > 0


@pytest.mark.parametrize(("carryover", "history"), [(None, "with the history as text"), ("nothing", "without the history")])
def test_an_offer_with_shorter_sessions_says_that_a_call_goes_on_in_another(carryover: Any, history: str) -> None:
    """45 minutes are two sessions on Azure and one at OpenAI; what is carried over as text is cheaper to read than audio."""
    offers = [row for row in available_offers(load_facts().prices, DAY) if row.model == "gpt-realtime-1.5"]
    plan = Plan(minutes=45, turns=60, session_carryover=carryover)
    for candidate in compare(plan, offers, SELECTION, load_facts()).candidates:
        sessions = [note for note in offer_notes(candidate) if " sessions, " in note]
        is_azure = candidate.offer.provider == "azure"
        assert sessions == ([f"2 sessions, continued {history}"] if is_azure else [])
