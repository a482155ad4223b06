"""The load of the text model of a plan's pipeline: what a comparison bills, in the busy hour of a capacity plan."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tests.cases import DAY
from voicebill.answers.capacity.capacity import plan_capacity
from voicebill.answers.capacity.targets import CapacityTargets
from voicebill.answers.catalog.stacks import Stack
from voicebill.answers.comparison.alternatives import Alternative, alternatives
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.provisioned.plan_load import PlanLoad
from voicebill.answers.provisioned.ptu import size_ptus
from voicebill.answers.provisioned.request import PtuRequest, derive_ptu_request
from voicebill.billing.errors import ContextOverflow, InvalidInput
from voicebill.conversation.call_lengths import CallLengths, LengthDistribution
from voicebill.conversation.plan import Plan
from voicebill.conversation.script import Truncation
from voicebill.conversation.volume import HOURS_PER_MONTH, Volume
from voicebill.facts import load_facts

SELECTION = ModelSelection(model="gpt-realtime-1.5", day=DAY)
MONTH = Volume(Decimal(30_000), "month")
ALL_EQUAL = LengthDistribution(0)
CALL = Plan(minutes=10, turns=20)
TYPED = Plan(
    minutes=10,
    turns=20,
    text_turns=20,
    text_turn_user_tokens=30,
    text_turn_reply_tokens=100,
    user_share=0,
    assistant_share=0,
)


def derived(plan: Plan, volume: Volume | None = MONTH, **fields: Any) -> PtuRequest:
    return derive_ptu_request(plan, volume, SELECTION, load_facts(), **fields)


def load_of(request: PtuRequest) -> PlanLoad:
    assert request.plan_load is not None
    return request.plan_load


def text_chat(plan: Plan, volume: Volume, lengths: LengthDistribution | CallLengths | None) -> Alternative:
    """What a comparison bills for the text model alone, on Azure."""
    stack = Stack("llm", "the text model", "text", {"llm": ("gpt-5.2",)}, provider="azure", deployment="global")
    (row,) = alternatives(None, plan, SELECTION, load_facts(), volume, stacks=[stack], lengths=lengths).partial
    return row


def test_a_typed_conversation_by_hand() -> None:
    """Request n reads the prompt of 1,000 tokens, 7 of the format, 30 typed ones, and 30 + 100 + 8 for each turn before.

    20 requests: 20 × 1,037 + 138 × (0 + 1 + ... + 19) = 20,740 + 138 × 190 = 46,960 tokens, 2,348 on average.
    The busy hour: 30,000 ÷ 22 days × 17% ÷ 60 minutes = 3.8636 conversations a minute × 20 requests = 77.2727.
    """
    request = derived(TYPED, lengths=ALL_EQUAL)
    load = load_of(request)
    assert list(map(int, (load.requests, load.prompt_tokens, load.response_tokens))) == [20, 46_960, 2_000]
    assert (request.prompt_tokens, request.response_tokens) == (2_348, 100)
    assert request.calls_per_minute == Decimal("77.2727")
    assert round(Fraction(30_000, 22) * Fraction(17, 100) / 60 * 20, 4) == Fraction("77.2727")


def test_the_ptus_of_a_plan_by_hand() -> None:
    """77.2727 × (2,348 × (1 - 0.5) + 8 × 100) = 152,536 normalized tokens, ÷ 3,400 = 44.86 PTUs, 45 in steps of five."""
    answer = size_ptus(derived(TYPED, lengths=ALL_EQUAL, cache_rate=Decimal("0.5")), load_facts())
    assert (round(answer.normalized_tpm), round(float(answer.raw_ptus), 2), answer.needed) == (152_536, 44.86, 45)


PLANS = {
    "spoken": CALL,
    "tools": replace(CALL, tool_calls=6, tools_tokens=700),
    "typed in part": replace(CALL, text_turns=5),
    "greeting": replace(CALL, first_speaker="assistant"),
    "short calls": replace(CALL, short_share=Decimal("0.1"), unconnected_share=Decimal("0.05")),
    "a session's end": replace(CALL, session_minutes=15, calls_end_with_session=True),
    "no cache": replace(CALL, cache="none"),
    "a full context": replace(
        TYPED, instructions_tokens=80_000, text_turn_reply_tokens=1_000, truncation=Truncation("disabled")
    ),
}


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_the_planned_conversation_has_the_tokens_that_a_comparison_bills(plan: Plan) -> None:
    """Where all calls have the planned length, sums are those of the lines of the pipeline's text model."""
    load = load_of(derived(replace(plan, short_share=0, unconnected_share=0), lengths=ALL_EQUAL))
    stack = Stack("own", "your pipeline", "pipeline", {"llm": ("gpt-5.2",)})
    context = alternatives(None, replace(plan, short_share=0, unconnected_share=0), SELECTION, load_facts(), stacks=[stack])
    (pipeline,) = context.conversational
    (llm,) = (component for component in pipeline.components if component.role == "llm")
    billed = {line.meter.name: line.quantity for line in llm.lines}
    cached = sum(quantity for name, quantity in billed.items() if name.endswith("_cached"))
    assert load.response_tokens == billed.pop("text_out")
    assert load.prompt_tokens == sum(billed.values())
    assert load.cached_tokens == cached


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
@pytest.mark.parametrize("volume", [MONTH, Volume(Decimal(900), "day"), Volume(Decimal(7_000), "week")], ids=str)
def test_a_month_pay_as_you_go_costs_what_a_comparison_bills(plan: Plan, volume: Volume) -> None:
    """Over calls of all lengths, on all days and hours of a week; but for the six digits to which numbers are derived."""
    answer = size_ptus(derived(plan, volume), load_facts())
    per_hour = answer.pay_as_you_go_cost(answer.request.average)
    billed = text_chat(plan, volume, None).per_month
    assert per_hour is not None
    assert billed is not None
    assert float(per_hour * HOURS_PER_MONTH) == pytest.approx(float(billed.expected), rel=1e-5)


def test_observed_lengths_are_those_of_the_comparison() -> None:
    lengths = CallLengths(((Decimal(2), 30), (Decimal(12), 10)))
    answer = size_ptus(derived(CALL, lengths=lengths), load_facts())
    per_hour, billed = answer.pay_as_you_go_cost(answer.request.average), text_chat(CALL, MONTH, lengths).per_month
    assert per_hour is not None
    assert billed is not None
    assert float(per_hour * HOURS_PER_MONTH) == pytest.approx(float(billed.expected), rel=1e-5)


def test_each_tool_call_is_a_request_and_each_greeting_too() -> None:
    plan = replace(CALL, tool_calls=6, first_speaker="assistant")
    assert load_of(derived(plan, lengths=ALL_EQUAL)).requests == 20 + 6 + 1


def test_images_are_prompt_tokens_and_said_to_be_counted_as_text() -> None:
    """An image in the last turn is read once: what it adds to the prompts are its tokens."""
    plan = Plan(minutes=5, turns=10, image_turns=(10,))
    without, shown = (load_of(derived(variant, lengths=ALL_EQUAL)) for variant in (replace(plan, image_turns=()), plan))
    assert shown.prompt_tokens - without.prompt_tokens == shown.image_tokens > 0
    assumptions = size_ptus(derived(plan, lengths=ALL_EQUAL), load_facts()).assumptions
    assert [text for text in assumptions if "images" in text] == [
        f"images are {int(shown.image_tokens):,} of the prompt tokens in a conversation: counted and priced as text"
    ]


def test_the_busy_hour_is_that_of_a_capacity_plan() -> None:
    for targets in (CapacityTargets(), CapacityTargets(busy_hour_share=Decimal("0.1"), days=30)):
        traffic = load_of(derived(CALL, targets=targets)).traffic
        capacity = plan_capacity(CALL, SELECTION, load_facts(), MONTH, targets)
        assert traffic is not None
        assert traffic.calls_per_hour == capacity.traffic.calls_per_hour


def test_a_week_has_the_calls_of_an_average_week() -> None:
    """22 days a month are 22 × 12 ÷ 365 × 7 = 5.063 days a week: five whole ones, and 6.3% of a sixth."""
    week = derived(CALL).profile
    days = [sum(map(Fraction, week[24 * day : 24 * day + 24])) for day in range(7)]
    assert [round(float(day), 4) for day in days] == [100, 100, 100, 100, 100, 6.3014, 0]
    assert max(week) == 17
    assert [hour for hour, calls in enumerate(week[:24]) if calls] == list(range(9, 17))


def test_a_flatter_day_has_more_hours() -> None:
    """5% in the busiest hour: 95% in the others, of which none has more than 5%: 19 others."""
    week = derived(CALL, targets=CapacityTargets(busy_hour_share=Decimal("0.05"), days=30)).profile
    assert len([calls for calls in week[:24] if calls]) == 20
    assert max(week) == 5
    with pytest.raises(InvalidInput, match=r"busy_hour_share must be at least 4\.17%, a 24th of the day, not 4%"):
        derived(CALL, targets=CapacityTargets(busy_hour_share=Decimal("0.04")))


def test_calls_of_every_day_come_on_seven_days() -> None:
    assert load_of(derived(CALL, Volume(Decimal(900), "day"))).days_per_week == 7
    assert derived(CALL, None, targets=CapacityTargets(calls_per_hour=200)).profile == ()


def test_what_is_given_is_not_derived_and_not_explained() -> None:
    request = derived(CALL, calls_per_minute=Decimal(50), prompt_tokens=Decimal(900), model="gpt-4.1")
    other = derived(CALL, model="gpt-4.1")
    assert [request.model, request.peak, request.prompt_tokens] == ["gpt-4.1", 50, 900]
    assert (request.response_tokens, request.cache_rate) == (other.response_tokens, other.cache_rate)
    assumptions = "\n".join(size_ptus(request, load_facts()).assumptions)
    assert "model calls a minute at the peak" not in assumptions
    assert "prompt tokens a model call" not in assumptions
    assert "response tokens a model call" in assumptions
    assert "the text model is" not in assumptions


def test_every_derived_number_is_told_with_its_sum() -> None:
    assumptions = size_ptus(derived(TYPED, lengths=ALL_EQUAL), load_facts()).assumptions
    assert [text for text in assumptions if "÷" in text or "×" in text] == [
        "77.2727 model calls a minute at the peak: 20 in a conversation × 3.86364 conversations a minute in the busy hour",
        "2,348 prompt tokens a model call: 46,960 in a conversation ÷ 20 model calls, each of which reads the prompt, the "
        "tools and the history as text",
        "100 response tokens a model call: 2,000 in a conversation ÷ 20 model calls",
    ]
    assert "calls come on 22 days a month, the business days of a month: assumed" in assumptions
    assert "17% of a day's calls fall into its busiest hour: assumed, a planner's rule of thumb" in assumptions
    assert any(text.startswith("gpt-realtime-1.5 is not sized: no realtime model has PTUs") for text in assumptions)
    assert any(text.startswith("the text model is gpt-5.2: assumed") for text in assumptions)
    assert not any("coefficient of variation" in text for text in assumptions)
    assert any("coefficient of variation of 0.8" in text for text in size_ptus(derived(CALL), load_facts()).assumptions)


def test_a_volume_is_needed_unless_the_calls_per_minute_are_given() -> None:
    with pytest.raises(InvalidInput, match="conversations is missing") as caught:
        derived(CALL, None)
    assert caught.value.field == "conversations"
    assert derived(CALL, None, calls_per_minute=Decimal(9)).peak == 9
    assert derived(CALL, None, profile=(Decimal(9),) * 24).peak == 9
    with pytest.raises(InvalidInput, match="has no busy hour"):
        derived(CALL, Volume(Decimal(9), "hour"))


def test_a_plan_on_azure_names_the_deployment_and_the_region() -> None:
    selection = ModelSelection(
        model="gpt-realtime", provider="azure", deployment="data-zone", region="swedencentral", day=date(2026, 11, 20)
    )
    request = derive_ptu_request(CALL, MONTH, selection, load_facts())
    assert (request.deployment, request.region, request.day) == ("data-zone", "swedencentral", date(2026, 11, 20))
    assert derive_ptu_request(CALL, MONTH, selection, load_facts(), deployment="global", region=None).region is None
    assert derived(CALL).deployment == "global"


def test_the_numbers_that_are_shown_are_those_that_are_calculated_with() -> None:
    """The same load, typed from what is shown, needs the same PTUs and costs the same."""
    request = derived(CALL)
    names = ("calls_per_minute", "prompt_tokens", "response_tokens")
    shown: dict[str, Any] = {name: Decimal(str(getattr(request, name))) for name in names}
    typed = PtuRequest(request.model, DAY, cache_rate=request.cache_rate, profile=request.profile, **shown)
    sizing, same = (size_ptus(load, load_facts()) for load in (request, typed))
    assert (sizing.raw_ptus, sizing.options) == (same.raw_ptus, same.options)
    assert all(len(number.normalize().as_tuple().digits) <= 6 for number in shown.values())


def test_a_conversation_that_does_not_fit_is_refused_and_longer_calls_end() -> None:
    """As in a comparison: the planned conversation must fit; of longer ones that do not, the end is not counted, and told."""
    fits = PLANS["a full context"]
    warnings = size_ptus(derived(fits), load_facts()).warnings
    assert [text for text in warnings if "context" in text] != []
    assert [text for text in size_ptus(derived(CALL), load_facts()).warnings if "context" in text] == []
    with pytest.raises(ContextOverflow):
        derived(replace(fits, text_turn_reply_tokens=9_000))
