"""Retell's calls: their seconds are read, and what only a charge or a total shows is reported as not read.

The shapes are those of retell-sdk 6.2.13 (`PhoneCallResponse`, `CallCost`, `LlmTokenUsage`, `CallListResponse`) and of messages
to webhooks in public repositories; read 2026-11-28.
"""

import json
from datetime import date
from typing import Any

from tests.cases import micro_dollars
from tests.logs.reading import read_record, read_records, usage_of
from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.python_engine import PythonEngine
from voicebill.answers.recorded.query import CostQuery
from voicebill.facts import load_facts

Json = dict[str, Any]


def call(name: str = "call_1", **more: object) -> Json:
    times = {"start_timestamp": 1793613605000, "end_timestamp": 1793613702000, "duration_ms": 96800}
    ids = {"call_id": name, "call_type": "phone_call", "call_status": "ended", "agent_id": "agent_1"}
    return {**ids, **times, "transcript": "a secret question", **more}


COSTS: Json = {
    "total_duration_unit_price": 0.14,
    "product_costs": [{"product": "elevenlabs_tts", "cost": 11.3, "unit_price": 0.117}, {"product": "gpt_4o", "cost": 0.97}],
    "combined_cost": 12.27,
    "total_duration_seconds": 97,
}
TOKENS = {"values": [4762, 4814], "average": 4788, "num_requests": 2}


def test_a_call_is_as_long_as_it_was_charged_for_or_else_as_it_was() -> None:
    record = read_record(json.dumps(call()))
    assert (record.key, record.kind, record.provider, record.model) == ("retell:call_1", "session", "retell", "platform")
    assert (record.session, record.day, usage_of(record)) == ("call_1", date(2026, 11, 2), {"call_ms": 96_800})
    (charged,), _ = read_records(json.dumps(call(call_cost=COSTS)))
    assert usage_of(charged) == {"call_ms": 97_000}


def test_charges_and_tokens_without_a_model_are_usage_that_is_not_read() -> None:
    """4762 + 4814 tokens = 9576; 12.27 are cents, and never an amount: 97 s × 0.055 a minute are what Retell itself charges."""
    (record,), report = read_records(json.dumps(call(call_cost=COSTS, llm_token_usage=TOKENS)))
    assert report.unread_usage is not None
    assert dict(report.unread_usage.counts) == {"combined_cost": 12.27, "llm_tokens": 9576}
    answer = cost(PythonEngine([record]), CostQuery(), load_facts().prices)
    assert (answer.total.low, answer.total.high, answer.total.unpriced) == (*[micro_dollars("97 × 55000") / 60] * 2, 0)
    assert [line.period.quote and line.period.quote.offer.id for line in answer.lines] == ["retell/voice-infra"]


def test_charges_by_product_count_without_their_sum() -> None:
    costs = {"product_costs": COSTS["product_costs"], "total_duration_seconds": 97}
    _, report = read_records(json.dumps(call(call_cost=costs)))
    assert report.unread_usage is not None
    assert report.unread_usage.counts["combined_cost"] == 11.3 + 0.97


def test_messages_and_pages_hold_calls() -> None:
    """A call that is logged at its end and after its analysis is one call, of its largest length."""
    ended = {"event": "call_ended", "call": call()}
    analyzed = {"event": "call_analyzed", "call": call(call_cost=COSTS)}
    started = {"event": "call_started", "call": {**call(call_status="ongoing"), "duration_ms": None}}
    records, report = read_records("\n".join(map(json.dumps, (started, ended, analyzed))))
    assert ({record.key for record in records}, report.other_lines) == ({"retell:call_1"}, 1)
    assert max(records, key=lambda record: record.completeness).usage["call_ms"] == 97_000
    page = {"items": [call(), call("call_2", call_type="web_call")], "has_more": False}
    for document in (json.dumps(page), json.dumps(page["items"], indent=1)):
        assert [record.key for record in read_records(document)[0]] == ["retell:call_1", "retell:call_2"]


def test_a_call_that_reached_nobody_used_nothing() -> None:
    nobody = call(call_status="not_connected", duration_ms=0, call_cost={"product_costs": [], "combined_cost": 0})
    (record,), report = read_records(json.dumps(nobody))
    assert (usage_of(record), record.status, report.unread_usage) == ({}, "exact", None)


def test_nothing_of_the_conversation_is_kept() -> None:
    records, report = read_records(json.dumps(call(call_cost=COSTS)))
    assert "secret" not in repr((records, report))
