"""The simulation: conversations whose bill is worked out by hand, response by response."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.answers.estimates.simulations import run
from tests.cases import DAY, case_file, case_name, cases, micro_dollars
from tests.conversation.scripts import scripts, turns
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.estimates.simulate import simulate
from voicebill.billing.errors import ContextOverflow
from voicebill.billing.money import format_dollars
from voicebill.conversation.script import Script, Turn
from voicebill.facts import load_facts


@pytest.mark.parametrize("case", cases("conversations.toml"), ids=case_name)
def test_every_response_costs_what_its_written_sum_says(case: dict[str, Any]) -> None:
    simulation = run(case["script"])
    assert [response.amount for response in simulation.responses] == [micro_dollars(written) for written in case["bill"]]
    transcription_amount = micro_dollars(case.get("transcription", "0 × 0"))
    assert sum(transcription.amount for transcription in simulation.transcriptions) == transcription_amount
    assert simulation.total == transcription_amount + sum(micro_dollars(written) for written in case["bill"])
    if "total" in case:
        assert format_dollars(simulation.total) == case["total"]
    if "statuses" in case:
        assert [response.response.status for response in simulation.responses] == case["statuses"]


def test_an_hour_of_four_hundred_turns_costs_what_was_worked_out() -> None:
    turn = {"user_audio_tokens": 42, "reply_text_tokens": 48, "silence_seconds": 4.8}
    cut = {"retention_ratio": 0.8, "post_instructions_tokens": 8000}
    table = {"model": "gpt-realtime-1.5", "day": DAY, "instructions_tokens": 1000, "cache": "none", "truncation": cut}
    assert run({**table, "turns": [turn] * 400}).total == micro_dollars(case_file("hour.toml")["bill"])


SELECTIONS = st.sampled_from(
    [
        ModelSelection(model="gpt-realtime-1.5", day=DAY),
        ModelSelection(model="gpt-realtime-mini", day=DAY, provider="azure"),
        ModelSelection(model="gpt-realtime-1.5", day=DAY, rules="web-calculator-2026-06"),
    ]
)


def total(script: Script, selection: ModelSelection) -> Any:
    try:
        return simulate(script, selection, load_facts()).total
    except ContextOverflow:
        return None


@given(scripts(max_turns=6), turns(), SELECTIONS)
def test_a_turn_appended_never_costs_less(script: Script, turn: Turn, selection: ModelSelection) -> None:
    before, after = total(script, selection), total(replace(script, turns=(*script.turns, turn)), selection)
    assert before is None or after is None or before <= after


@given(scripts(), SELECTIONS)
def test_scenarios_stand_in_order_and_responses_add_up(script: Script, selection: ModelSelection) -> None:
    try:
        simulation = simulate(script, selection, load_facts())
    except ContextOverflow:
        return
    assert simulation.scenarios.best <= simulation.scenarios.expected <= simulation.scenarios.worst
    assert sum(response.amount for response in simulation.responses) == simulation.total


def test_transcriptions_have_the_numbers_of_their_turns() -> None:
    """The second turn is typed: nothing is transcribed."""
    spoken, typed = Turn(user_audio_tokens=50, reply_audio_tokens=100), Turn(user_text_tokens=5, reply_text_tokens=5)
    script = Script(turns=(spoken, typed, spoken), transcription_model="whisper-1")
    simulation = simulate(script, ModelSelection(model="gpt-realtime-1.5", day=DAY), load_facts())
    assert [(item.turn, item.usage["audio_ms"]) for item in simulation.transcriptions] == [(1, 5_000), (3, 5_000)]
