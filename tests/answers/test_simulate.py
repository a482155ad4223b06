"""The simulation: conversations whose bill is worked out by hand, response by response."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cases import DAY, called, case_file, cases, micro_dollars
from tests.conversation.scripts import scripts, turns
from voicebill.answers.offered import Asked
from voicebill.answers.script_table import Scripted, script_from
from voicebill.answers.simulate import Simulation, simulate
from voicebill.answers.tables import Fault
from voicebill.billing.errors import ContextOverflow
from voicebill.billing.money import dollars
from voicebill.conversation.script import Script, Turn
from voicebill.facts import load

FACTS = load()


def scripted(table: dict[str, Any]) -> Scripted:
    faults: list[Fault] = []
    found = script_from(table, faults)
    assert found is not None, faults
    return found


def run(table: dict[str, Any]) -> Simulation:
    read = scripted(table)
    return simulate(read.script, read.question(), FACTS)


@pytest.mark.parametrize("case", cases("conversations.toml"), ids=called)
def test_every_response_costs_what_its_written_sum_says(case: dict[str, Any]) -> None:
    found = run(case["script"])
    assert [billed.amount for billed in found.responses] == [micro_dollars(written) for written in case["bill"]]
    heard = micro_dollars(case.get("transcription", "0 × 0"))
    assert sum(each.amount for each in found.transcriptions) == heard
    assert found.total == heard + sum(micro_dollars(written) for written in case["bill"])
    if "total" in case:
        assert dollars(found.total) == case["total"]
    if "statuses" in case:
        assert [billed.response.status for billed in found.responses] == case["statuses"]


def test_an_hour_of_four_hundred_turns_costs_what_was_worked_out() -> None:
    turn = {"user_audio_tokens": 42, "reply_text_tokens": 48, "silence_seconds": 4.8}
    cut = {"retention_ratio": 0.8, "post_instructions_tokens": 8000}
    table = {"model": "gpt-realtime-1.5", "day": DAY, "instructions_tokens": 1000, "cache": "none", "truncation": cut}
    assert run({**table, "turns": [turn] * 400}).total == micro_dollars(case_file("hour.toml")["bill"])


QUESTIONS = st.sampled_from(
    [
        Asked(model="gpt-realtime-1.5", day=DAY),
        Asked(model="gpt-realtime-mini", day=DAY, provider="azure"),
        Asked(model="gpt-realtime-1.5", day=DAY, rules="page-2026-06"),
    ]
)


def total(script: Script, question: Asked) -> Any:
    try:
        return simulate(script, question, FACTS).total
    except ContextOverflow:
        return None


@given(scripts(most=6), turns(), QUESTIONS)
def test_a_turn_appended_never_costs_less(script: Script, turn: Turn, question: Asked) -> None:
    before, after = total(script, question), total(replace(script, turns=(*script.turns, turn)), question)
    assert before is None or after is None or before <= after


@given(scripts(), QUESTIONS)
def test_scenarios_stand_in_order_and_responses_add_up(script: Script, question: Asked) -> None:
    try:
        found = simulate(script, question, FACTS)
    except ContextOverflow:
        return
    assert found.scenarios.best <= found.scenarios.expected <= found.scenarios.worst
    assert sum(billed.amount for billed in found.responses) == found.total
