"""What a recommendation changes can be typed: with its inputs, the plan costs what the recommendation says."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cases import DAY
from voicebill.answers.estimates.estimate import estimate
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.parameters.changed_inputs import changed_inputs
from voicebill.answers.parameters.request import parse_estimate_request
from voicebill.answers.parameters.table_schema import Issue
from voicebill.answers.sensitivity.recommendations import recommendations
from voicebill.conversation.plan import Plan
from voicebill.conversation.script import Truncation
from voicebill.facts import load_facts


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    turns=st.integers(2, 60),
    prompt=st.integers(0, 4000),
    share=st.integers(1, 59),
    tool_calls=st.integers(0, 5),
    model=st.sampled_from(["gpt-realtime-1.5", "gpt-realtime-2.1"]),
    provider=st.sampled_from(["openai", "azure"]),
    change=st.sampled_from(["0", "0.5"]),
)
def test_a_recommendation_saves_what_it_says_when_its_inputs_are_given(
    *, turns: int, prompt: int, share: int, tool_calls: int, model: str, provider: str, change: str
) -> None:
    inputs = {
        "minutes": "10",
        "turns": str(turns),
        "user_share": f"{share}%",
        "assistant_share": "40%",
        "instructions_tokens": str(prompt),
        "tool_calls": str(tool_calls),
        "instructions_change": change,
        "model": model,
        "provider": provider,
    }

    def cost(fields: dict[str, str]) -> tuple[Plan, ModelSelection, object]:
        issues: list[Issue] = []
        request = parse_estimate_request({k: v for k, v in fields.items() if v}, today=DAY, issues=issues)
        assert request is not None, issues
        return (
            request.plan,
            request.selection,
            estimate(request.plan, request.selection, load_facts()).per_conversation.expected,
        )

    plan, selection, amount = cost(inputs)
    for recommendation in recommendations(plan, selection, load_facts()):
        changes = changed_inputs(plan, recommendation.plan, selection, recommendation.selection)
        assert changes
        assert amount - cost(inputs | changes)[2] == recommendation.savings, (recommendation.change, changes)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("changed", "inputs"),
    [
        (Plan(minutes=10, turns=20), {}),
        (Plan(minutes=Decimal("2.50"), turns=20), {"minutes": "2.5"}),
        (Plan(minutes=10, turns=20, silence_share=Decimal("0.2")), {"silence_share": "20%"}),
        (Plan(minutes=10, turns=20, warm_cache=True), {"warm_cache": "true"}),
        (Plan(minutes=10, turns=20, image_turns=(1, 4)), {"image_turns": "1,4"}),
        (
            Plan(minutes=10, turns=20, truncation=Truncation("auto", Decimal("0.8"), 4000)),
            {"retention_ratio": "80%", "post_instructions_tokens": "4000"},
        ),
    ],
)
def test_changed_inputs_are_written_as_people_type_them(changed: Plan, inputs: dict[str, str]) -> None:
    assert changed_inputs(Plan(minutes=10, turns=20), changed) == inputs


def test_an_input_that_is_taken_back_is_empty() -> None:
    before = Plan(minutes=10, turns=20, silence_share=Decimal("0.2"))
    assert changed_inputs(before, Plan(minutes=10, turns=20)) == {"silence_share": ""}
