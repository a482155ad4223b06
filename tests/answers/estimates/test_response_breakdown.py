"""The ledger: amounts that add up, and what made each response cost what it does."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from tests.answers.estimates.cache_writes import estimate_with_cache_writes
from tests.cases import DAY
from voicebill.answers.estimates.estimate import Estimate, estimate
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.estimates.response_breakdown import ResponseCost, response_costs
from voicebill.answers.estimates.simulate import simulate
from voicebill.conversation.plan import Plan
from voicebill.conversation.script import Script, Truncation, Turn
from voicebill.facts import load_facts

PLAN = Plan(minutes=10, turns=20, tool_calls=2, interrupted_share=Decimal("0.1"))


def response_costs_of(plan: Plan) -> tuple[Estimate, list[ResponseCost]]:
    answer = estimate(plan, ModelSelection(model="gpt-realtime-1.5", day=DAY), load_facts())
    return answer, list(response_costs(answer.conversation, answer.model))


def test_the_entries_add_up_to_the_voice_models_bill() -> None:
    answer, responses = response_costs_of(replace(PLAN, transcription_model="whisper-1"))
    voice = sum(line.amount or 0 for line in answer.lines)
    assert sum(response.amount for response in responses) == voice == responses[-1].cumulative
    assert len(responses) == 22


def test_every_response_has_the_reasons_of_its_cost() -> None:
    _, responses = response_costs_of(PLAN)
    assert responses[0].reasons == ("first response: nothing is cached yet",)
    reasons = {reason for response in responses[1:] for reason in response.reasons}
    assert any("an older reply has shrunk to its transcript; 80% of the" in reason for reason in reasons)
    assert "a tool call is a separate response that reads the whole input" in reasons
    assert "the user interrupts: all generated tokens are billed, played or not" in reasons
    assert any("tokens in common are cached, in blocks of 64" in reason for reason in reasons)


def test_cuts_and_new_sessions_are_named() -> None:
    _, cut = response_costs_of(replace(PLAN, truncation=Truncation("auto", Decimal("0.8"), 2000)))
    assert any("the history no longer fits" in reason for response in cut for reason in response.reasons)
    _, long = response_costs_of(replace(PLAN, session_minutes=5))
    assert any("session 2 starts with a cold cache" in response.reasons for response in long)


def test_other_cache_behaviours_are_named() -> None:
    assert response_costs_of(replace(PLAN, cache="none"))[1][4].reasons[-1] == "nothing is cached"
    assert "repeated tokens are cached" in response_costs_of(replace(PLAN, cache="all"))[1][4].reasons[-1]
    assert response_costs_of(replace(PLAN, warm_cache=True))[1][0].reasons == (
        "another session has just used the same instructions",
    )


def test_a_cancelled_response_costs_nothing_and_says_so() -> None:
    spoken = Turn(user_audio_tokens=50, reply_audio_tokens=100)
    script = Script(turns=(spoken, Turn(user_audio_tokens=50, cancelled=True), spoken))
    simulation = simulate(script, ModelSelection(model="gpt-realtime-1.5", day=DAY), load_facts())
    first, cancelled, last = response_costs(simulation.conversation, simulation.model)
    assert (cancelled.amount, cancelled.cumulative) == (0, first.amount)
    assert cancelled.reasons == ("cancelled before any output: nothing is billed",)
    assert last.cumulative == first.amount + last.amount == simulation.total


def test_a_reply_that_has_not_shrunk_leaves_all_in_common() -> None:
    """Written replies do not shrink: after 500 + 9 + 7 tokens, all of 516 without speech are 8 blocks of 64."""
    typed = Turn(user_text_tokens=5, reply_text_tokens=5)
    script = Script(turns=(typed, typed), instructions_tokens=500)
    simulation = simulate(script, ModelSelection(model="gpt-realtime-1.5", day=DAY), load_facts())
    last = list(response_costs(simulation.conversation, simulation.model))[1]
    assert last.reasons == ("100% of the 516 tokens in common are cached, in blocks of 64",)
    assert last.usage["text_in_cached"] == 512


def test_cache_writes_are_in_the_breakdown_and_in_every_response(tmp_path: Path) -> None:
    answer = estimate_with_cache_writes(tmp_path)
    responses = list(response_costs(answer.conversation, answer.model))
    expected = answer.per_conversation.expected
    assert sum(component.amount for component in answer.breakdown) == expected == responses[-1].cumulative
    assert any(response.usage["text_in_cache_write"] for response in responses)
    amounts = {component.name: component.amount for component in answer.breakdown}
    written = sum(response.usage["text_in_cache_write"] for response in responses if response.response.kind == "reply")
    assert amounts["cache_writes"] == written * 5_000_000
    assert "instructions" not in amounts


def test_an_input_too_short_for_the_cache_is_no_cache_write(tmp_path: Path) -> None:
    answer = estimate_with_cache_writes(tmp_path, minimum_tokens=2000)
    amounts = {component.name: component.amount for component in answer.breakdown}
    assert amounts["instructions"] > 0
    assert amounts["cache_writes"] > 0
    assert sum(amounts.values()) == answer.per_conversation.expected
