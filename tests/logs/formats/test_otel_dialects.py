"""Spans of calls as other conventions than OpenTelemetry's name them, and calls without usage.

Names: the tracing modules of livekit-agents 1.8.9 and pydantic-ai 2.68.0, OpenInference's semantic conventions 0.1.42 and its
instrumentation of the Agents SDK, Traceloop's instrumentation of OpenAI 0.62.4, the AI SDK 6.0.326, langfuse 5.0.4, and the
console exporters of OpenTelemetry's SDKs in Python and JavaScript.
"""

import json
from typing import Any

import pytest

from tests.logs.reading import read_record, read_records, usage_of
from voicebill.billing.record import Record
from voicebill.billing.usage import Status
from voicebill.logs.defaults import LogDefaults

CALL: dict[str, Any] = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-realtime"}
USAGE: dict[str, Any] = {"gen_ai.usage.text.input_tokens": 10, "gen_ai.usage.text.output_tokens": 10}
AGENT: dict[str, Any] = {"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "gpt-realtime"}
TOOL: dict[str, Any] = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "lookup"}
PARTS = {"text_in": 119, "audio_in": 13, "text_out": 30, "audio_out": 91}
"""132 tokens in and 121 out."""


def span(name: str, parent: str = "", **attributes: Any) -> dict[str, Any]:
    return {"traceId": "t", "spanId": name, "parentSpanId": parent, "attributes": attributes}


def lines(*spans: dict[str, Any]) -> str:
    return "\n".join(map(json.dumps, spans))


def read(*spans: dict[str, Any]) -> list[Record]:
    """The records of spans of which everything was read, in any order."""
    records, report = read_records(lines(*spans))
    assert (report.errors, report.unread_usage) == ([], None)
    return sorted(records, key=lambda record: record.key)


def statuses(*spans: dict[str, Any]) -> list[tuple[str, Status]]:
    """The span and the status of each record, whichever end of the trace was written first."""
    results = [[(record.key[-1], record.status) for record in read(*order)] for order in (spans, spans[::-1])]
    assert results[0] == results[1]
    return results[0]


@pytest.mark.parametrize(
    "attributes",
    [
        CALL,
        {"gen_ai.operation.name": "generate_content", "gen_ai.response.model": "gpt-realtime", "gen_ai.output.type": "speech"},
        {"openinference.span.kind": "LLM", "llm.model_name": "gpt-realtime", "llm.system": "openai"},
        {"langfuse.observation.type": "generation", "langfuse.observation.model.name": "gpt-realtime"},
        {"llm.request.type": "chat", "gen_ai.request.model": "gpt-realtime"},
        {"ai.operationId": "ai.streamText.doStream", "ai.model.id": "gpt-realtime"},
    ],
)
def test_a_call_whose_usage_was_lost_is_a_record_without_usage(attributes: dict[str, Any]) -> None:
    """Each convention says in its own words that a span is a call of a model."""
    (record,) = read(span("a", **attributes))
    assert (record.key, record.model, record.status) == ("span:t:a", "gpt-realtime", "missing")


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.operation.name": "embeddings", "gen_ai.request.model": "text-embedding-3-small"},
        {"gen_ai.operation.name": "llm_setup", "gen_ai.request.model": "gpt-realtime"},
        {"gen_ai.operation.name": "chat"},
        {"openinference.span.kind": "USER", "session.id": "s"},
        {"langfuse.observation.type": "retriever", "langfuse.observation.model.name": "gpt-realtime"},
        AGENT,
        TOOL,
    ],
)
def test_what_is_no_call_of_a_model_is_no_record(attributes: dict[str, Any]) -> None:
    assert read(span("a", **attributes), span("z", **CALL, **USAGE))[0].key == "span:t:z"


def test_what_wraps_a_call_or_is_wrapped_by_it_is_the_same_call() -> None:
    """A framework's span around a client's, and LiveKit's metrics that arrive after the turn, in a span of their own."""
    with_usage: dict[str, Any] = {**CALL, **USAGE}
    assert statuses(span("a", **CALL), span("b", "a", **with_usage)) == [("b", "exact")]
    assert statuses(span("a", **CALL), span("b", "a", step=1), span("c", "b", **with_usage)) == [("c", "exact")]
    assert statuses(span("a", **with_usage), span("b", "a", **CALL)) == [("a", "exact")]
    assert statuses(span("a", **CALL), span("b", "a", **CALL)) == [("b", "missing")]
    assert statuses(span("a", **CALL), span("b", "a", **CALL), span("c", "a", **CALL)) == [("b", "missing"), ("c", "missing")]


def test_of_two_spans_of_one_call_the_one_that_knows_more_counts() -> None:
    """132 in and 121 out by modality around the totals, and in them; with the same around both, and with no output."""
    parts: dict[str, Any] = {**CALL, **PYDANTIC}
    totals: dict[str, Any] = {**CALL, "gen_ai.usage.input_tokens": 132, "gen_ai.usage.output_tokens": 121}
    partly: dict[str, Any] = {"llm.token_count.prompt": 132}
    assert statuses(span("a", **parts), span("b", "a", **totals)) == [("a", "exact")]
    assert statuses(span("a", **totals), span("b", "a", **parts)) == [("b", "exact")]
    assert statuses(span("a", **parts), span("b", "a", **totals), span("c", "b", **totals)) == [("a", "exact")]
    assert statuses(span("a", **totals), span("b", "a", **parts), span("c", "b", **totals)) == [("b", "exact")]
    assert statuses(span("a", **totals), span("b", "a", **partly)) == [("a", "ambiguous")]
    assert statuses(span("a", **partly), span("b", "a", **totals)) == [("b", "ambiguous")]


def test_a_call_that_a_tool_makes_is_another_one() -> None:
    """What the tool's call used says nothing about the call around it, nor the other way round."""
    inner, tool = span("c", "b", **CALL, **USAGE), span("b", "a", **TOOL)
    assert statuses(span("a", **CALL), tool, inner) == [("a", "missing"), ("c", "exact")]
    assert statuses(span("a", **CALL, **USAGE), tool, span("c", "b", **CALL)) == [("a", "exact"), ("c", "missing")]


def test_the_sum_of_an_agent_covers_its_calls_where_it_is_all_there_is() -> None:
    """With a call that has usage, the sum is skipped, and the call that has none is missing."""
    agent = span("a", **AGENT, **USAGE)
    assert statuses(agent, span("b", "a", **CALL)) == [("a", "exact")]
    assert statuses(agent, span("b", "a", **CALL), span("c", "a", **CALL, **USAGE)) == [("b", "missing"), ("c", "exact")]


def test_a_span_that_is_logged_again_without_its_usage_keeps_it() -> None:
    assert statuses(span("a", **CALL), span("a", **CALL, **USAGE)) == [("a", "exact")]


OPENINFERENCE: dict[str, Any] = {
    "openinference.span.kind": "LLM",
    "llm.system": "openai",
    "session.id": "sess_1",
    "llm.token_count.prompt": 132,
    "llm.token_count.completion": 121,
    "llm.token_count.total": 253,
}


def test_openinference_names_the_model_on_the_span_around_the_response() -> None:
    """It also reports the audio, which leaves the rest open here: 13 to 132 in, 91 to 121 out."""
    audio: dict[str, Any] = {"llm.token_count.prompt_details.audio": 13, "llm.token_count.completion_details.audio": 91}
    turn = span("a", **{"openinference.span.kind": "AUDIO", "llm.model_name": "gpt-realtime"})
    response = span("b", "a", **OPENINFERENCE, **audio)
    for spans in ((turn, response), (response, turn)):
        records, _ = read_records(lines(*spans), defaults=LogDefaults(model="gpt-realtime-mini"))
        (record,) = records
        assert (record.model, record.provider, record.session) == ("gpt-realtime", "openai", "sess_1")
        totals = {
            (usage["text_in"] + usage["audio_in"], usage["text_out"] + usage["audio_out"]) for usage in record.usage_candidates
        }
        assert totals == {(132, 121)}
        assert min(usage["audio_in"] for usage in record.usage_candidates) == 13


def test_the_nearest_model_counts_and_a_default_only_without_any() -> None:
    outer, inner = span("a", **{"llm.model_name": "gpt-realtime"}), span("b", "a", **{"llm.model_name": "gpt-realtime-mini"})
    text = span("c", "b", **OPENINFERENCE)
    assert read_record(lines(outer, inner, text)).model == "gpt-realtime-mini"
    assert read_record(lines(text), defaults=LogDefaults(model="gpt-realtime-1.5")).model == "gpt-realtime-1.5"
    own = span("c", "a", **OPENINFERENCE, **{"llm.model_name": "gpt-realtime-2", "llm.provider": "azure"})
    assert (read_record(lines(outer, own)).model, read_record(lines(own)).provider) == ("gpt-realtime-2", "azure")


PYDANTIC: dict[str, Any] = {
    "gen_ai.usage.input_tokens": 132,
    "gen_ai.usage.output_tokens": 121,
    "gen_ai.usage.details.input_text_tokens": 119,
    "gen_ai.usage.details.input_audio_tokens": 13,
    "gen_ai.usage.details.output_text_tokens": 30,
    "gen_ai.usage.details.audio_tokens": 91,
}
LANGFUSE: dict[str, Any] = {
    "input_text_tokens": 119,
    "input_audio_tokens": 13,
    "output_text_tokens": 30,
    "output_audio_tokens": 91,
}


@pytest.mark.parametrize(
    "attributes",
    [
        PYDANTIC,
        {name.replace("gen_ai.usage.", "gen_ai.aggregated_usage."): count for name, count in PYDANTIC.items()},
        {"langfuse.observation.usage_details": json.dumps(LANGFUSE)},
        {"langfuse.observation.usage_details": LANGFUSE},
        {"langfuse": {"observation": {"usage_details": LANGFUSE, "type": "generation"}}},
        {"gen_ai.usage": json.dumps(LANGFUSE)},
        {"gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 0, "gen_ai.usage": json.dumps(LANGFUSE)},
        {"gen_ai": {"usage": LANGFUSE, "system": "openai"}},
    ],
)
def test_the_parts_are_read_in_every_dialect(attributes: dict[str, Any]) -> None:
    """119 text and 13 audio in, 30 text and 91 audio out, flat or as an object, as text or not."""
    (record,) = read(span("a", **attributes))
    assert (record.status, usage_of(record)) == ("exact", PARTS)


def test_in_langfuses_map_every_key_may_count_apart() -> None:
    """More cached text than text: no part of it. Both meanings of the other map are possible, and so is what it costs."""
    details = {
        "input_text_tokens": 57,
        "input_audio_tokens": 92,
        "input_cached_text_tokens": 256,
        "input_cached_audio_tokens": 384,
        "output_text_tokens": 9,
        "output_audio_tokens": 23,
    }
    (record,) = read(span("a", **{"langfuse.observation.usage_details": json.dumps(details)}))
    assert (record.status, usage_of(record)) == (
        "exact",
        {
            "text_in": 57,
            "text_in_cached": 256,
            "audio_in": 92,
            "audio_in_cached": 384,
            "text_out": 9,
            "audio_out": 23,
        },
    )
    details |= {"input_cached_text_tokens": 50, "input_cached_audio_tokens": 0}
    (record,) = read(span("a", **{"langfuse.observation.usage_details": json.dumps(details)}))
    assert {usage["text_in"] for usage in record.usage_candidates} == {7, 57}


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.usage.prompt_tokens": 100, "gen_ai.usage.completion_tokens": 20, "llm.usage.total_tokens": 120},
        {"ai.usage.promptTokens": 100, "ai.usage.completionTokens": 20},
        {"ai.usage.inputTokens": 100, "ai.usage.outputTokens": 20, "gen_ai.usage.input_tokens": 100},
        {"llm": {"token_count": {"prompt": 100, "completion": 20}}},
    ],
)
def test_totals_in_every_dialect_leave_the_modality_open(attributes: dict[str, Any]) -> None:
    (record,) = read(span("a", **attributes))
    assert record.status == "ambiguous"
    assert {usage["text_in"] + usage["audio_in"] for usage in record.usage_candidates} == {100}
    assert {usage["text_out"] + usage["audio_out"] for usage in record.usage_candidates} == {20}


@pytest.mark.parametrize(
    "name",
    [
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "gen_ai.usage.details.cache_read_tokens",
        "llm.token_count.prompt_details.cache_read",
        "ai.usage.cachedInputTokens",
        "ai.usage.inputTokenDetails.cacheReadTokens",
    ],
)
def test_cached_tokens_are_a_part_of_the_input(name: str) -> None:
    """100 text tokens in, of which 40 were cached."""
    usage: dict[str, Any] = {"gen_ai.usage.text.input_tokens": 100, name: 40}
    (record,) = read(span("a", **usage))
    assert usage_of(record) == {"text_in": 60, "text_in_cached": 40}


def test_a_total_without_its_parts_is_usage_that_was_not_read() -> None:
    """Which way the tokens went is not known. The call is one without usage, and what it counts is shown."""
    total: dict[str, Any] = {"llm.usage.total_tokens": 253}
    records, report = read_records(lines(span("a", **CALL, **total)))
    assert [record.status for record in records] == ["missing"]
    assert report.unread_usage is not None
    assert dict(report.unread_usage.counts) == {"llm.usage.total_tokens": 253}


TTS = {"type": "tts_metrics", "label": "tts", "characters_count": 120, "input_tokens": 0, "output_tokens": 0}


@pytest.mark.parametrize(
    ("metrics", "usage"),
    [
        ({**TTS, "metadata": {"model_name": "tts-1", "model_provider": "api.openai.com"}}, {"characters_in": 120}),
        (
            {"type": "tts_metrics", "charactersCount": 120, "metadata": {"modelName": "tts-1", "modelProvider": "openai"}},
            {"characters_in": 120},
        ),
        (
            {**TTS, "input_tokens": 30, "output_tokens": 200, "metadata": {"model_name": "tts-1", "model_provider": "openai"}},
            {"text_in": 30, "audio_out": 200},
        ),
    ],
)
def test_livekits_metrics_of_speech_are_in_one_attribute(metrics: dict[str, Any], usage: dict[str, int]) -> None:
    """Tokens are charged by tokens, as in LiveKit's own logs."""
    (record,) = read(span("a", **{"lk.tts_label": "x", "lk.tts_metrics": json.dumps(metrics)}))
    assert (record.model, record.provider, usage_of(record)) == ("tts-1", "openai", usage)


def test_livekit_names_what_it_does_not_know_unknown() -> None:
    names: dict[str, Any] = {
        "gen_ai.provider.name": "unknown",
        "gen_ai.request.model": "unknown",
        "gen_ai.response.model": "unknown",
    }
    (record,) = read(span("a", **names, **USAGE))
    assert (record.model, record.provider) == (None, None)


def test_a_log_record_has_the_usage_of_its_span_only_where_the_span_has_none() -> None:
    """OpenTelemetry's event with the details of an operation may repeat the span, and know less than it."""

    def log_record(span_id: str) -> dict[str, Any]:
        attributes = [{"key": name, "value": {"intValue": "10"}} for name in USAGE]
        record = {"traceId": "t", "spanId": span_id, "timeUnixNano": "1795345200250000000", "attributes": attributes}
        return {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}

    assert statuses(span("a", **CALL), log_record("a")) == [("a", "exact")]
    assert statuses(log_record("a")) == [("a", "exact")]
    larger: dict[str, Any] = {"gen_ai.usage.text.input_tokens": 12}
    assert [usage_of(record) for record in read(log_record("a"), span("a", **CALL, **larger))] == [{"text_in": 12}]


def test_a_log_record_as_pythons_sdk_prints_it_has_the_usage_of_its_span() -> None:
    printed = {
        "body": "event",
        "severity_number": 9,
        "trace_id": "t",
        "span_id": "a",
        "attributes": USAGE,
        "event_name": "gen_ai",
    }
    assert statuses(span("a", **CALL), printed) == [("a", "exact")]


def test_a_spans_events_have_its_usage_too() -> None:
    with_event = {**span("a", **CALL), "events": [{"name": "gen_ai.usage", "attributes": USAGE}]}
    assert statuses(with_event) == [("a", "exact")]


def test_spans_as_javascripts_sdk_describes_them_know_their_parents() -> None:
    """Two steps of 10 in the AI SDK's span around them: 20 in all."""

    def printed(name: str, parent: str, tokens: int) -> dict[str, Any]:
        parent_context = {"parentSpanContext": {"traceId": "t", "spanId": parent}} if parent else {}
        usage = {"ai.usage.inputTokens": tokens, "ai.usage.outputTokens": tokens, "ai.operationId": "ai.streamText"}
        ids = {"traceId": "t", "id": name, **parent_context}
        return {**ids, "timestamp": 1795345200250000, "attributes": usage, "events": [], "status": {"code": 0}}

    records = read(printed("a", "", 20), printed("b", "a", 10), printed("c", "a", 10))
    assert [record.key for record in records] == ["span:t:b", "span:t:c"]
    assert all(record.time is not None and record.time.year == 2026 for record in records)


def test_what_is_in_many_objects_ends() -> None:
    """A faulty export does not hang the reader."""
    deep: dict[str, Any] = {"prompt": 5}
    for _ in range(50):
        deep = {"token_count": deep}
    records, report = read_records(lines(span("a", llm=deep, **CALL)))
    assert ([record.status for record in records], report.errors) == (["missing"], [])
