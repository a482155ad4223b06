"""The comparison: every figure is the offer's own estimate, and the bridge to the original calculator adds up."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, reject, settings

from tests.cases import DAY
from tests.conversation.test_plan import PLANS
from voicebill.answers.bridge import STEPS, bridge
from voicebill.answers.compare import alive, compare
from voicebill.answers.estimate import estimate
from voicebill.answers.offered import Asked
from voicebill.answers.quantities import volume
from voicebill.billing.errors import ContextOverflow, InvalidInput
from voicebill.billing.money import dollars
from voicebill.conversation.plan import Plan
from voicebill.facts import load

FACTS = load()
ASKED = Asked(model="", day=DAY)
PLAN = Plan(minutes=10, turns=20, transcription_model="gpt-4o-mini-transcribe")
FOUND = compare(PLAN, alive(FACTS.prices, DAY), ASKED, FACTS, volume("30000/month"))


def test_every_figure_is_the_offers_own_estimate() -> None:
    able = [candidate for candidate in FOUND.candidates if candidate.answer]
    assert len(able) > 30
    for candidate in able:
        offer = candidate.offer
        region = offer.regions[0] if offer.deployment == "regional" else None
        asked = Asked(model=offer.name, day=DAY, provider=offer.provider, deployment=offer.deployment, region=region)
        assert candidate.answer is not None
        assert candidate.answer.per_conversation == estimate(PLAN, asked, FACTS).per_conversation


def test_the_cheapest_comes_first_and_what_cannot_serve_comes_last_with_its_reason() -> None:
    costs = [each.answer.per_conversation.expected if each.answer else None for each in FOUND.candidates]
    able = [cost for cost in costs if cost is not None]
    assert able == sorted(able)
    assert costs[len(able) :] == [None] * (len(costs) - len(able))
    assert "holds only part of the prices" in str(FOUND.candidates[-1].refusal)
    assert FOUND.ratio(FOUND.candidates[0]) == 1
    assert FOUND.ratio(FOUND.candidates[-1]) is None


def test_azures_data_zone_costs_a_tenth_more_than_global() -> None:
    plain = Plan(minutes=10, turns=20)
    offers = [offer for offer in FACTS.prices.named("gpt-realtime-1.5", "azure") if offer.deployment != "regional"]
    cheap, dear = compare(plain, offers, ASKED, FACTS).candidates
    assert (cheap.offer.deployment, dear.offer.deployment) == ("global", "data-zone")
    assert compare(plain, offers, ASKED, FACTS).ratio(dear) == Decimal("1.1")
    assert (cheap.unproven, dear.unproven) == (False, True)


def test_only_what_is_alive_on_the_day_is_compared() -> None:
    def names(day: date) -> set[str]:
        return {offer.id for offer in alive(FACTS.prices, day)}

    assert "openai/gpt-4o-realtime-preview-2025-06-03" in names(date(2026, 5, 6))
    assert "openai/gpt-4o-realtime-preview-2025-06-03" not in names(date(2026, 5, 7))
    assert "azure/gpt-4o-realtime-preview-2024-10-01" not in names(DAY)
    # one source says that it ended on 2026-07-23, another 2027-04-06: it stays, with a remark
    assert "azure/gpt-realtime-mini-2025-10-06" in names(DAY)
    assert "openai/gpt-realtime-2025-08-28" not in names(date(2027, 1, 20))


def test_nothing_to_compare_is_said() -> None:
    with pytest.raises(InvalidInput, match="there is no offer to compare"):
        compare(PLAN, (), ASKED, FACTS)


@given(PLANS)
@settings(max_examples=30)
def test_the_bridge_leads_from_the_calculators_figure_to_ours(plan: Plan) -> None:
    asked = Asked(model="gpt-realtime-1.5", day=DAY)
    try:
        found = bridge(plan, asked, FACTS)
    except ContextOverflow:
        reject()
    assert found.page + sum(step.adds for step in found.steps) == found.ours
    assert found.ours == estimate(plan, asked, FACTS).per_conversation.expected


def test_the_bridge_begins_at_the_calculators_own_example() -> None:
    half = Decimal("0.5")
    plan = Plan(minutes=10, turns=20, user_share=half, assistant_share=half)
    found = bridge(plan, Asked(model="gpt-realtime-1.5", day=DAY), FACTS)
    assert dollars(found.page) == "0.53202"
    assert len(found.steps) == len(STEPS) + 1
    # 1,000 tokens of prompt: read once at $4.00/M, and 19 times from the cache at $0.40/M
    assert found.steps[0].adds == 1000 * 4_000_000 + 19 * 1000 * 400_000
    # 8 tokens more a turn are read once at $32.00/M and in all later turns, 190 in sum, from the cache
    assert found.steps[1].adds == 20 * 8 * 32_000_000 + 190 * 8 * 400_000
