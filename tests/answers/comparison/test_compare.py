"""The comparison: every figure is the offer's own estimate, and the bridge to the original calculator adds up."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given, reject, settings

from tests.cases import DAY
from tests.conversation.plans import PLANS
from voicebill.answers.comparison.compare import Comparison, available_offers, compare, split_by_ending
from voicebill.answers.estimates.calculator_bridge import STEPS, bridge
from voicebill.answers.estimates.estimate import estimate
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.parsing.quantities import parse_volume
from voicebill.billing.errors import ContextOverflow, InvalidInput
from voicebill.billing.money import format_dollars
from voicebill.conversation.plan import Plan
from voicebill.conversation.volume import Volume
from voicebill.facts import load_facts

SELECTION = ModelSelection(model="", day=DAY)
PLAN = Plan(minutes=10, turns=20, transcription_model="gpt-4o-mini-transcribe")


LAST_DAY_OF_PREVIEWS = date(2026, 7, 6)
"""Azure's previews are still sold, one of which its list prices only in part."""


@cache
def comparison() -> Comparison:
    """All offers of that day."""
    day = LAST_DAY_OF_PREVIEWS
    selection = ModelSelection(model="", day=day)
    return compare(PLAN, available_offers(load_facts().prices, day), selection, load_facts(), parse_volume("30000/month"))


def test_every_figure_is_the_offers_own_estimate() -> None:
    possible = [candidate for candidate in comparison().candidates if candidate.answer]
    assert len(possible) > 30
    for candidate in possible:
        offer = candidate.offer
        region = offer.regions[0] if offer.deployment == "regional" else None
        selection = ModelSelection(
            model=offer.name,
            day=LAST_DAY_OF_PREVIEWS,
            provider=offer.provider,
            deployment=offer.deployment,
            region=region,
        )
        assert candidate.answer is not None
        assert candidate.answer.per_conversation == estimate(PLAN, selection, load_facts()).per_conversation


def test_the_cheapest_comes_first_and_what_cannot_serve_comes_last_with_its_reason() -> None:
    costs = [candidate.answer.per_conversation.expected if candidate.answer else None for candidate in comparison().candidates]
    possible = [cost for cost in costs if cost is not None]
    lasting, ending = split_by_ending((row for row in comparison().candidates if row.answer), include_ending=False)
    assert possible == [*sorted(possible[: len(lasting)]), *sorted(possible[len(lasting) :])]
    assert len(lasting) + len(ending) == len(possible)
    assert costs[len(possible) :] == [None] * (len(costs) - len(possible))
    reasons = " ".join(str(candidate.reason) for candidate in comparison().candidates if candidate.answer is None)
    assert "has only some of the prices" in reasons
    assert "nova-2-sonic-v1:0 of amazon becomes tokens is not known" in reasons
    assert comparison().ratio_to_cheapest(comparison().candidates[0]) == 1
    assert comparison().ratio_to_cheapest(comparison().candidates[-1]) is None


def test_azures_data_zone_costs_a_tenth_more_than_global() -> None:
    plain = Plan(minutes=10, turns=20)
    offers = [
        offer for offer in load_facts().prices.offers_named("gpt-realtime-1.5", "azure") if offer.deployment != "regional"
    ]
    cheap, dear = compare(plain, offers, SELECTION, load_facts()).candidates
    assert (cheap.offer.deployment, dear.offer.deployment) == ("global", "data-zone")
    assert compare(plain, offers, SELECTION, load_facts()).ratio_to_cheapest(dear) == Decimal("1.1")
    assert (cheap.availability_unconfirmed, dear.availability_unconfirmed) == (False, True)


def test_only_what_is_alive_on_the_day_is_compared() -> None:
    def names(day: date) -> set[str]:
        return {offer.id for offer in available_offers(load_facts().prices, day)}

    assert "openai/gpt-4o-realtime-preview-2025-06-03" in names(date(2026, 5, 6))
    assert "openai/gpt-4o-realtime-preview-2025-06-03" not in names(date(2026, 5, 7))
    assert "azure/gpt-4o-realtime-preview-2024-10-01" not in names(DAY)
    # Azure's schedule of 2026-07-07 names it no more
    assert "azure/gpt-4o-realtime-preview-2025-06-03" in names(LAST_DAY_OF_PREVIEWS)
    assert "azure/gpt-4o-realtime-preview-2025-06-03" not in names(date(2026, 7, 7))
    # it ends by the source that is used, which gives 2027-04-06; another gives 2026-07-23
    assert "azure/gpt-realtime-mini-2025-10-06" in names(DAY)
    assert "azure/gpt-realtime-mini-2025-10-06" in names(date(2027, 4, 5))
    assert "azure/gpt-realtime-mini-2025-10-06" not in names(date(2027, 4, 6))
    assert "openai/gpt-realtime-2025-08-28" not in names(date(2027, 1, 20))


def test_a_comparison_without_offers_is_refused() -> None:
    with pytest.raises(InvalidInput, match="there is no offer to compare"):
        compare(PLAN, (), SELECTION, load_facts())


@given(PLANS)
@settings(max_examples=30)
def test_the_bridge_leads_from_the_calculators_figure_to_ours(plan: Plan) -> None:
    selection = ModelSelection(model="gpt-realtime-1.5", day=DAY)
    try:
        result = bridge(plan, selection, load_facts())
    except ContextOverflow:
        reject()
    assert result.calculator + sum(step.delta for step in result.steps) == result.voicebill
    assert result.voicebill == estimate(plan, selection, load_facts()).per_conversation.expected


def test_the_bridge_begins_at_the_calculators_own_example() -> None:
    half = Decimal("0.5")
    plan = Plan(minutes=10, turns=20, user_share=half, assistant_share=half)
    result = bridge(plan, ModelSelection(model="gpt-realtime-1.5", day=DAY), load_facts())
    assert format_dollars(result.calculator) == "0.53202"
    assert len(result.steps) == len(STEPS) + 1
    # 1,000 tokens of prompt: read once at $4.00/M, and 19 times from the cache at $0.40/M
    assert result.steps[0].delta == 1000 * 4_000_000 + 19 * 1000 * 400_000
    # 8 tokens more a turn are read once at $32.00/M and in all later turns, 190 in sum, from the cache
    assert result.steps[1].delta == 20 * 8 * 32_000_000 + 190 * 8 * 400_000


@pytest.mark.parametrize("minutes", [10, 45])
def test_no_offer_looks_cheaper_because_it_cuts_its_calls(minutes: int) -> None:
    """If calls end with the session, they end at every offer with the shortest one; at equal rates they cost the same."""
    plan = Plan(minutes=minutes, turns=2 * minutes, calls_end_with_session=True)
    book = load_facts().prices
    offers = [
        offer
        for provider in ("openai", "azure")
        for offer in book.offers_named("gpt-realtime-1.5", provider, "realtime")
        if offer.deployment == "global" and book.is_available(offer, DAY)
    ]
    selection = ModelSelection(model="any", day=DAY)
    answer = compare(plan, offers, selection, load_facts(), Volume(Decimal(1000), "month"))
    answers = [candidate.answer for candidate in answer.candidates if candidate.answer]
    assert len(answers) == len(offers) == 2
    assert answer.plan.session_minutes == 30
    assert answers[0].per_conversation == answers[1].per_conversation
    assert answers[0].per_month == answers[1].per_month
    going_on = compare(replace(plan, calls_end_with_session=False), offers, selection, load_facts())
    assert going_on.plan.session_minutes is None
