"""Vapi's calls: each item of `costs` counts once, under the provider and model that it names; no charge is taken.

The shapes are those of vapi-server-sdk 3.0.0 (`Call`, `ServerMessageEndOfCallReport`, `CallCostsItem`), and of calls of June
2025 that a public repository contains; read 2026-11-28.
"""

import json
from datetime import date
from typing import Any

import pytest

from tests.logs.reading import read_records, usage_of
from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.python_engine import PythonEngine
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.record import Record
from voicebill.facts import load_facts
from voicebill.logs.report import ReadReport

Json = dict[str, Any]

MODEL = {
    "type": "model",
    "model": {"provider": "openai", "model": "gpt-4.1"},
    "promptTokens": 5000,
    "completionTokens": 400,
    "cachedPromptTokens": 3000,
    "cost": 9.99,
}
MINUTES = {"type": "vapi", "subType": "normal", "minutes": 2, "cost": 0.1}


def call(*costs: Json, name: str = "c1", **more: object) -> Json:
    times = {
        "createdAt": "2026-11-02T10:00:00.000Z",
        "startedAt": "2026-11-02T10:00:05.000Z",
        "endedAt": "2026-11-02T10:02:05Z",
    }
    return {"id": name, "orgId": "o1", "type": "webCall", "status": "ended", **times, "costs": list(costs), **more}


def read_calls(*documents: object) -> tuple[dict[str, Any], ReadReport]:
    """By its key, provider, model, kind and usage of each record."""
    items, report = read_records("\n".join(map(json.dumps, documents)))
    assert report.errors == []
    return {record.key: (record.provider, record.model, record.kind, as_text(record)) for record in items}, report


def as_text(record: Record) -> dict[str, int]:
    """What a record used if none of its tokens is audio: the reading of a text model."""
    return next(
        (dict(usage.items()) for usage in record.usage_candidates if not any("audio" in meter for meter, _ in usage.items())),
        usage_of(record),
    )


def test_each_component_counts_in_its_own_unit() -> None:
    """2 minutes are 120,000 ms; 2.1 minutes heard are 126,000 ms."""
    items, report = read_calls(
        call(
            {"type": "transport", "provider": "twilio", "minutes": 2, "cost": 0.02},
            {"type": "transcriber", "transcriber": {"provider": "deepgram", "model": "nova-3"}, "minutes": 2.1, "cost": 0.02},
            MODEL,
            {
                "type": "voice",
                "voice": {"provider": "openai", "model": "tts-1", "voiceId": "alloy"},
                "characters": 900,
                "cost": 1,
            },
            MINUTES,
        )
    )
    assert items == {
        "vapi:c1:transport:1": ("twilio", "transport", "session", {"call_ms": 120_000}),
        "vapi:c1:transcriber:1": ("deepgram", "nova-3", "transcription", {"audio_ms": 126_000}),
        "vapi:c1:model:1": ("openai", "gpt-4.1", "response", {"text_in": 2000, "text_in_cached": 3000, "text_out": 400}),
        "vapi:c1:voice:1": ("openai", "tts-1", "response", {"characters_in": 900}),
        "vapi:c1:vapi:1": ("vapi", "platform", "session", {"call_ms": 120_000}),
    }
    assert report.unread_usage is None


def test_the_amount_is_by_voicebills_prices_and_never_the_charge() -> None:
    """2000 × 2.00 + 3000 × 0.50 + 400 × 8.00 = 8700 millionths, and 2 minutes × 0.05 = 100,000; no charge of Vapi is in it."""
    items, _ = read_records(json.dumps(call(MODEL, MINUTES)))
    answer = cost(PythonEngine(items), CostQuery(deployment="global"), load_facts().prices)
    assert answer.total.low == answer.total.high == 108_700_000_000
    assert not answer.unpriced


def test_a_voice_without_a_model_is_not_of_the_models_of_the_log() -> None:
    voice = {"type": "voice", "voice": {"provider": "11labs", "voiceId": "v1"}, "characters": 818, "cost": 0}
    items, _ = read_calls(call(voice))
    assert list(items.values()) == [("11labs", "unnamed voice", "response", {"characters_in": 818})]


def test_the_calls_sums_are_not_counted_beside_their_parts() -> None:
    breakdown = {
        "llm": 0.01,
        "tts": 0.1,
        "total": 0.2,
        "llmPromptTokens": 5000,
        "llmCompletionTokens": 400,
        "ttsCharacters": 900,
    }
    part = {"structuredOutputId": "s1", "promptTokens": 700, "completionTokens": 60, "cost": 0.001}
    analysis = {**part, "type": "analysis", "model": {"provider": "openai", "model": "gpt-4.1-mini"}}
    items, report = read_calls(
        call(MODEL, {**analysis, "structuredOutputBreakdown": [part]}, costBreakdown=breakdown, cost=0.2)
    )
    assert [usage for *_, usage in items.values()] == [
        {"text_in": 2000, "text_in_cached": 3000, "text_out": 400},
        {"text_in": 700, "text_out": 60},
    ]
    assert report.unread_usage is None


def test_sums_without_their_parts_name_no_model_and_are_not_read() -> None:
    breakdown = {"llm": 0.01, "total": 0.2, "llmPromptTokens": 5000, "llmCompletionTokens": 400, "ttsCharacters": 900}
    items, report = read_calls({"id": "c1", "orgId": "o1", "costBreakdown": breakdown}, call(MODEL, name="c2"))
    assert list(items) == ["vapi:c2:model:1"]
    assert report.unread_usage is not None
    assert (report.unread_usage.items, report.unread_usage.line_number) == (1, 1)
    assert report.unread_usage.counts["llmPromptTokens"] == 5000


def test_tokens_by_modality_are_exact_and_those_of_a_voice_model_a_range() -> None:
    names = ("promptTextTokens", "promptAudioTokens", "completionTextTokens", "completionAudioTokens")
    detection = {"type": "voicemail-detection", "provider": "openai", **dict(zip(names, (22356, 1056, 485, 0), strict=True))}
    detection["model"] = {"provider": "openai", "model": "gpt-audio-mini"}
    spoken = {**MODEL, "model": {"provider": "openai", "model": "gpt-realtime-2025-08-28"}}
    exact, ranged = read_records(json.dumps(call(detection, spoken)))[0]
    assert (exact.status, usage_of(exact)) == ("exact", {"text_in": 22356, "audio_in": 1056, "text_out": 485})
    assert (exact.kind, ranged.status) == ("out-of-band", "ambiguous")


def test_a_live_model_has_seconds_and_its_reasoner_tokens() -> None:
    model = {"provider": "openai", "model": "gpt-live-1.1", "reasoner": {"provider": "openai", "model": "gpt-5.6-terra"}}
    item = {"type": "model", "model": model, "seconds": 61.5, "promptTokens": 900, "completionTokens": 50, "cost": 1}
    items, _ = read_calls(call(item))
    assert items == {
        "vapi:c1:model:1": ("openai", "gpt-live-1.1", "session", {"session_ms": 61_500}),
        "vapi:c1:model:1:reasoner": ("openai", "gpt-5.6-terra", "response", {"text_in": 900, "text_out": 50}),
    }


def test_usage_that_vapi_calls_incomplete_makes_the_answer_so() -> None:
    items, report = read_calls(call({**MODEL, "usageComplete": False}))
    assert items["vapi:c1:model:1"][3]["text_out"] == 400
    assert report.unread_usage is not None


@pytest.mark.parametrize(
    "item",
    [
        {"type": "chat", "cost": 0.3},
        {"type": "sms", "segments": 3, "cost": 0.02},
        {"type": "storage", "minutes": 3, "cost": 0},
        {"type": "model", "model": {"provider": "openai", "model": "gpt-4.1"}, "cost": 0.3},
        {"type": "model", "model": {"provider": "openai", "model": "gpt-4.1"}, "outputTokens": 77, "cost": 0},
    ],
    ids=str,
)
def test_an_item_of_which_no_count_is_known_is_not_passed_over(item: Json) -> None:
    """Its charge is not taken for its usage."""
    items, report = read_calls(call(MINUTES, item))
    assert list(items) == ["vapi:c1:vapi:1"]
    assert report.unread_usage is not None


def test_items_that_count_nothing_are_no_records() -> None:
    knowledge = {"type": "knowledge-base", "model": {"provider": "google", "model": "gemini-1.5-flash"}, "cost": 0}
    items, report = read_calls(call(MINUTES, {**knowledge, "promptTokens": 0, "completionTokens": 0}))
    assert list(items) == ["vapi:c1:vapi:1"]
    assert report.unread_usage is None


def test_a_report_to_a_server_is_the_call_of_the_api() -> None:
    """A call in both counts once."""
    message = {"type": "end-of-call-report", "costs": [MODEL, MINUTES], "cost": 1, "endedAt": "2026-11-02T10:02:05Z"}
    report_line = {"message": {**message, "timestamp": 1793613730000, "call": {"id": "c1", "orgId": "o1"}}}
    other_message = {"message": {"type": "status-update", "status": "ended", "call": {"id": "c1", "orgId": "o1"}}}
    both, report = read_calls(call(MODEL, MINUTES), report_line, other_message)
    assert list(both) == ["vapi:c1:model:1", "vapi:c1:vapi:1"]
    assert (report.other_lines, report.unread_usage) == (1, None)
    (record, _), _ = read_records(json.dumps(report_line))
    assert (record.session, record.day) == ("c1", date(2026, 11, 2))


def test_a_list_and_a_page_of_calls_are_read() -> None:
    calls = [call(MODEL), call(MODEL, name="c2")]
    for document in (json.dumps(calls), json.dumps(calls, indent=1), json.dumps({"results": calls, "metadata": {}})):
        assert len(read_records(document)[0]) == 2


def test_a_call_without_costs_shows_nothing() -> None:
    items, report = read_calls(call(MODEL), {"id": "c2", "orgId": "o1", "status": "queued", "type": "webCall"})
    assert (len(items), report.other_lines) == (1, 1)


def test_nothing_of_the_conversation_is_kept() -> None:
    text = {"messages": [{"role": "bot", "message": "a secret reply"}], "transcript": "a secret", "summary": "a secret"}
    content = json.dumps({**call(MODEL, {"type": "chat", "cost": 1}), **text})
    items, report = read_records(content)
    assert "secret" not in repr((items, report))
