"""What other tools say that a call cost: each format keeps it beside the usage, exact, and changes nothing else by it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.logs.reading import read_record, read_records, usage_of
from voicebill.billing.record import Record, ReportedCost
from voicebill.logs.reported_costs import parse_reported_cost, total_of_costs

Json = dict[str, Any]
DOLLAR = 10**12

USAGE = {"prompt_tokens": 132, "completion_tokens": 9, "total_tokens": 141}
LITELLM = {"request_id": "r1", "call_type": "acompletion", "custom_llm_provider": "openai", "model": "gpt-4.1", **USAGE}
OBSERVATION = {"id": "o1", "type": "GENERATION", "traceId": "t", "startTime": "2026-11-02T10:00:00Z", "model": "gpt-4.1"}
COUNTED = {"usageDetails": {"input": 132, "output": 9, "total": 141}}
RUN = {"id": "r1", "trace_id": "t", "run_type": "llm", "prompt_tokens": 132, "completion_tokens": 9, "total_tokens": 141}
SPAN = {"span_id": "11", "trace_id": "t1", "span_kind": "llm", "model_name": "gpt-4.1", "start_ns": 1793613600000}
COUNTS = {"input_tokens": 132, "output_tokens": 9, "total_tokens": 141}


def otel(**attributes: object) -> Json:
    counts = {"gen_ai.usage.input_tokens": 132, "gen_ai.usage.output_tokens": 9}
    names = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4.1"}
    return {"trace_id": "t", "span_id": "s", "attributes": {**names, **counts, **attributes}}


LINES: dict[str, tuple[Json, int]] = {
    "LiteLLM's spend log": ({**LITELLM, "spend": 0.00012800000000000002}, 128_000_000),
    "LiteLLM's logging payload": ({**LITELLM, "response_cost": 0.000128}, 128_000_000),
    "LiteLLM, for nothing": ({**LITELLM, "spend": 0.0}, 0),
    "Langfuse's total": ({**OBSERVATION, **COUNTED, "calculatedTotalCost": "0.000128"}, 128_000_000),
    "Langfuse's total in snake case": ({**OBSERVATION, **COUNTED, "total_cost": 0.000128}, 128_000_000),
    "Langfuse's map": ({**OBSERVATION, **COUNTED, "costDetails": {"input": 0.25, "output": 0.5}}, 3 * DOLLAR // 4),
    "Langfuse's map with a total": ({**OBSERVATION, **COUNTED, "cost_details": {"input": 0.25, "total": 0.5}}, DOLLAR // 2),
    "Langfuse's older usage": ({**OBSERVATION, "usage": {"input": 132, "output": 9, "totalCost": 0.25}}, DOLLAR // 4),
    "LangSmith": ({**RUN, "total_cost": "0.000128"}, 128_000_000),
    "Datadog, by the application": ({**SPAN, "metrics": {**COUNTS, "total_cost": 0.000128}}, 128_000_000),
    "Datadog's estimate in nanodollars": ({**SPAN, "metrics": {**COUNTS, "estimated_total_cost": 128_000}}, 128_000_000),
    "Pydantic AI": (otel(**{"operation.cost": 0.000128}), 128_000_000),
    "openlit": (otel(**{"gen_ai.usage.cost": 0.000128}), 128_000_000),
    "OpenInference": (otel(**{"llm.cost.total": 0.000128}), 128_000_000),
    "Langfuse over OpenTelemetry": (otel(**{"langfuse.observation.cost_details": '{"total": 0.25}'}), DOLLAR // 4),
}


@pytest.mark.parametrize("name", LINES)
def test_a_format_keeps_what_its_tool_says(name: str) -> None:
    line, amount = LINES[name]
    record = read_record(json.dumps(line))
    assert record.reported_cost == ReportedCost(amount)
    assert sum(usage_of(record).values()) == 141


def test_an_amount_is_in_neither_key_nor_hash_nor_rank() -> None:
    record = read_record(json.dumps(LINES["LiteLLM's spend log"][0]))
    without = replace(record, reported_cost=None)
    assert (record.key, record.content_hash, record.completeness) == (
        without.key,
        without.content_hash,
        without.completeness,
    )


def test_what_is_no_amount_is_none() -> None:
    values: tuple[object, ...] = ("free", "", None, True, [1], {"a": 1}, float("nan"), float("inf"), -0.5, 1e30, "9" * 50)
    assert [parse_reported_cost(value) for value in values] == [None] * len(values)
    assert read_record(json.dumps({**LITELLM, "spend": {"usd": 1}})).reported_cost is None
    assert total_of_costs({"input": "n/a"}) is None


def test_a_table_of_litellm_has_amounts() -> None:
    table = "request_id,call_type,model,startTime,prompt_tokens,completion_tokens,total_tokens,spend\n"
    record = read_record(f"{table}r1,acompletion,gpt-4.1,2026-11-02T10:00:00Z,132,9,141,0.000128\n")
    assert record.reported_cost == ReportedCost(128_000_000)


def test_an_export_of_langfuse_has_amounts() -> None:
    header = "id,trace_id,type,model,start_time,usage_details,total_cost\n"
    record = read_record(f'{header}o1,t,GENERATION,gpt-4.1,2026-11-02T10:00:00Z,"{{""input"": 132, ""output"": 9}}",0.000128\n')
    assert record.reported_cost == ReportedCost(128_000_000)


def test_tokens_of_reasoning_go_with_the_amount() -> None:
    """Tools bill them twice: they are part of the output."""
    details = {**USAGE, "completion_tokens_details": {"text_tokens": 9, "reasoning_tokens": 4}}
    spend = read_record(json.dumps({**LITELLM, "spend": 0.5, "metadata": {"usage_object": details}}))
    assert spend.reported_cost == ReportedCost(DOLLAR // 2, reasoning_tokens=4)
    observation = {**OBSERVATION, "totalCost": 0.5, "usageDetails": {"input": 132, "output": 9, "output_reasoning_tokens": 4}}
    span = otel(**{"operation.cost": 0.5, "gen_ai.usage.details.reasoning_tokens": 4})
    for line in (observation, span):
        reported = read_record(json.dumps(line)).reported_cost
        assert reported is not None
        assert reported.reasoning_tokens == 4


def response(name: str, tokens: int) -> Json:
    usage = {"input_tokens": tokens, "output_tokens": 1, "input_token_details": {"text_tokens": tokens}}
    return {"type": "response.done", "response": {"id": name, "status": "completed", "usage": usage}}


def test_the_amount_of_a_session_of_litellm_covers_its_responses() -> None:
    row = {
        "request_id": "r1",
        "call_type": "_arealtime",
        "custom_llm_provider": "openai",
        "model": "gpt-realtime",
        "spend": 0.5,
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "results": [response("resp_1", 132), response("resp_2", 9)],
    }
    records, report = read_records(json.dumps(row))
    assert report.errors == []
    assert [record.reported_cost for record in records] == [ReportedCost(DOLLAR // 2, covers=("resp_2",)), None]


ITEMS: list[Json] = [
    {"type": "transcriber", "transcriber": {"provider": "deepgram", "model": "nova-3"}, "minutes": 2, "cost": 0.02},
    {
        "type": "model",
        "model": {"provider": "openai", "model": "gpt-4.1"},
        "promptTokens": 500,
        "completionTokens": 40,
        "cost": 0.0013,
    },
    {"type": "vapi", "minutes": 2, "cost": 0.1},
]


def vapi_records(*items: Json, **call: object) -> list[Record]:
    records, _ = read_records(json.dumps({"id": "call_1", "createdAt": "2026-11-02T10:00:00Z", "costs": list(items), **call}))
    return records


def without_cost(*items: Json) -> list[Json]:
    return [{name: value for name, value in item.items() if name != "cost"} for item in items]


def test_each_item_of_a_call_of_vapi_has_its_own_amount() -> None:
    amounts = [ReportedCost(20 * DOLLAR // 1000), ReportedCost(1_300_000_000), ReportedCost(DOLLAR // 10)]
    assert [record.reported_cost for record in vapi_records(*ITEMS, cost=0.1213)] == amounts


def test_the_breakdown_of_vapi_stands_in_by_part_and_the_total_for_the_call() -> None:
    by_part = vapi_records(*without_cost(*ITEMS), costBreakdown={"stt": 0.02, "llm": 0.0013, "vapi": 0.1, "total": 0.1213})
    assert [record.reported_cost.amount for record in by_part if record.reported_cost] == [
        20 * DOLLAR // 1000,
        1_300_000_000,
        DOLLAR // 10,
    ]
    first, *others = vapi_records(*without_cost(*ITEMS), cost=0.1213)
    assert first.reported_cost == ReportedCost(121_300_000_000, covers=tuple(record.key for record in others))


def test_a_call_of_retell_has_an_amount_in_cents_for_all_its_products() -> None:
    call = {
        "call_id": "call_1",
        "call_type": "phone_call",
        "call_status": "ended",
        "end_timestamp": 1793613702000,
        "call_cost": {"combined_cost": 12.27, "total_duration_seconds": 97},
    }
    (record,), _ = read_records(json.dumps(call))
    assert record.reported_cost == ReportedCost(122_700_000_000, has_uncounted=True)
