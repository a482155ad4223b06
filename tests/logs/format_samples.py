"""One small log for each format and each form that is laid out otherwise, with token counts that only it has."""

import json
from collections.abc import Callable, Mapping
from typing import Any

TIME = "2026-11-20T10:00:00Z"


def _lines(*documents: Any) -> str:
    return "".join(json.dumps(document) + "\n" for document in documents)


def _realtime(number: int) -> str:
    usage = {
        "input_tokens": number,
        "output_tokens": 0,
        "total_tokens": number,
        "input_token_details": {"text_tokens": number, "audio_tokens": 0},
    }
    event = {"type": "response.done", "response": {"id": f"resp_rt{number}", "status": "completed", "usage": usage}}
    return _lines({"time": TIME, "model": "gpt-realtime", "event": event})


def _openai_usage(number: int) -> str:
    result = {
        "object": "organization.usage.completions.result",
        "input_tokens": number,
        "output_tokens": 3,
        "num_model_requests": 1,
        "model": "gpt-realtime",
    }
    return _lines({"object": "bucket", "start_time": 1795478400, "end_time": 1795482000, "results": [result]})


def _openai_usage_table(number: int) -> str:
    return (
        "start_time,end_time,start_time_iso,end_time_iso,num_model_requests,model,input_tokens,output_tokens\n"
        f"1795564800,1795651200,2026-11-25T00:00:00+00:00,2026-11-26T00:00:00+00:00,1,gpt-realtime,{number},3\n"
    )


def _livekit(number: int) -> str:
    metrics = {
        "type": "realtime_model_metrics",
        "request_id": f"resp_lk{number}",
        "timestamp": 1795345200.5,
        "label": "x",
        "input_tokens": number,
        "output_tokens": 3,
        "total_tokens": number + 3,
        "input_token_details": {"text_tokens": number, "audio_tokens": 0, "cached_tokens": 0},
        "output_token_details": {"text_tokens": 3, "audio_tokens": 0},
    }
    return _lines(metrics)


def _livekit_seconds(number: int) -> str:
    names = {"type": "stt_metrics", "request_id": f"stt{number}", "timestamp": 1795345200.0, "label": "x", "streamed": True}
    return _lines({**names, "duration": 0.0, "audio_duration": float(number)})


def _livekit_characters(number: int) -> str:
    return _lines({"type": "tts_metrics", "request_id": f"tts{number}", "timestamp": 1.0, "characters_count": number})


def _pipecat(number: int) -> str:
    usage = {"prompt_tokens": number, "completion_tokens": 3, "total_tokens": number + 3}
    return _lines({"label": "rtvi-ai", "type": "metrics", "data": {"tokens": [usage]}})


def _otel_span(number: int) -> str:
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-realtime",
        "gen_ai.usage.input_tokens": number,
        "gen_ai.usage.output_tokens": 3,
    }
    ids = {"traceId": f"t{number}", "spanId": f"s{number}", "parentSpanId": ""}
    return _lines({**ids, "endTimeUnixNano": "1795345200250000000", "attributes": attributes})


def _otel_metrics(number: int) -> str:
    attributes = [
        {"key": "gen_ai.token.type", "value": {"stringValue": "input"}},
        {"key": "gen_ai.request.model", "value": {"stringValue": "gpt-realtime"}},
    ]
    point = {"attributes": attributes, "timeUnixNano": "1795345200250000000", "count": "1", "sum": number}
    metric = {"name": "gen_ai.client.token.usage", "histogram": {"aggregationTemporality": 1, "dataPoints": [point]}}
    scope = {"scope": {"name": "x"}, "metrics": [metric]}
    return _lines({"resourceMetrics": [{"resource": {"attributes": []}, "scopeMetrics": [scope]}]})


def _litellm(number: int) -> str:
    usage = {"prompt_tokens": number, "completion_tokens": 3, "total_tokens": number + 3}
    call = {"request_id": f"req{number}", "call_type": "_arealtime", "model": "gpt-realtime", "custom_llm_provider": "openai"}
    return _lines({**call, "startTime": TIME, **usage, "spend": 0.1, "metadata": {"usage_object": usage}})


def _litellm_table(number: int) -> str:
    return (
        "request_id,call_type,spend,total_tokens,prompt_tokens,completion_tokens,startTime,model\n"
        f"req-t{number},_arealtime,9.0,{number + 3},{number},3,{TIME},gpt-realtime\n"
    )


def _agents(number: int) -> str:
    usage = {
        "total_tokens": number + 3,
        "input_tokens": number,
        "output_tokens": 3,
        "input_token_details": {"text_tokens": number, "audio_tokens": 0, "cached_tokens": 0},
        "output_token_details": {"text_tokens": 3, "audio_tokens": 0},
    }
    return _lines({"time": TIME, "usage": usage})


def _langfuse(number: int) -> str:
    observation = {"id": f"obs{number}", "traceId": "t", "type": "GENERATION", "startTime": TIME, "model": "gpt-realtime"}
    return _lines({**observation, "usageDetails": {"input": number, "output": 3, "total": number + 3}})


def _langfuse_table(number: int) -> str:
    usage = f'"{{""input"": {number}, ""output"": 3}}"'
    header = "id,trace_id,type,provided_model_name,start_time,usage_details"
    return f"{header}\nobs-t{number},t,GENERATION,gpt-realtime,{TIME},{usage}\n"


def _langsmith(number: int) -> str:
    run = {"id": f"run{number}", "trace_id": f"run{number}", "name": "call", "run_type": "llm", "start_time": TIME}
    usage = {"input_tokens": number, "output_tokens": 3, "total_tokens": number + 3}
    metadata = {"ls_provider": "openai", "ls_model_name": "gpt-realtime"}
    return _lines({"runs": [{**run, "extra": {"metadata": metadata}, "outputs": {"usage_metadata": usage}}]})


def _datadog(number: int) -> str:
    span = {
        "trace_id": f"t{number}",
        "span_id": f"s{number}",
        "parent_id": "undefined",
        "span_kind": "llm",
        "model_name": "gpt-realtime",
        "model_provider": "openai",
        "start_ns": 1793613600123,
        "metrics": {"input_tokens": number, "output_tokens": 3, "total_tokens": number + 3},
    }
    return _lines({"data": [{"id": f"s{number}", "type": "span", "attributes": span}]})


def _vapi(number: int) -> str:
    model = {
        "type": "model",
        "model": {"provider": "openai", "model": "gpt-4.1"},
        "promptTokens": number,
        "completionTokens": 3,
    }
    call = {"id": f"call-{number}", "orgId": "org", "type": "inboundPhoneCall", "status": "ended", "createdAt": TIME}
    return _lines({**call, "startedAt": TIME, "endedAt": "2026-11-20T10:02:00Z", "costs": [model]})


def _retell(number: int) -> str:
    call = {"call_id": f"call_{number}", "call_type": "web_call", "call_status": "ended", "agent_id": "a"}
    return _lines({**call, "start_timestamp": 1793613605000, "end_timestamp": 1793613615000, "duration_ms": number})


def _counts_table(number: int) -> str:
    return f"model,day,input_tokens,input_text_tokens,output_tokens\ngpt-realtime,2026-11-20,{number},{number},0\n"


def _other_counts_table(number: int) -> str:
    return f"model,day,output_tokens,output_text_tokens,input_tokens\ngpt-realtime,2026-11-20,{number},{number},0\n"


def _meters_table(number: int) -> str:
    return f"model;time;text_in;audio_in;text_out;audio_out\ngpt-realtime;{TIME};{number};0;3;0\n"


def _long_table(number: int) -> str:
    return f"key\tmodel\tday\tmeter\tquantity\nk{number}\tgpt-realtime\t2026-11-20\ttext_in\t{number}\n"


def _gemini_live(number: int) -> str:
    usage = {
        "promptTokenCount": number,
        "responseTokenCount": 3,
        "totalTokenCount": number + 3,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": number}],
        "responseTokensDetails": [{"modality": "TEXT", "tokenCount": 3}],
    }
    return _lines({"serverContent": {"turnComplete": True}, "usageMetadata": usage})


def _nova_sonic(number: int) -> str:
    total = {"input": {"speechTokens": 0, "textTokens": number}, "output": {"speechTokens": 0, "textTokens": 3}}
    usage = {
        "sessionId": f"nova{number}",
        "completionId": f"c{number}",
        "promptName": "p",
        "totalInputTokens": number,
        "totalOutputTokens": 3,
        "totalTokens": number + 3,
        "details": {"delta": total, "total": total},
    }
    return _lines({"event": {"usageEvent": usage}})


SAMPLES: Mapping[str, Callable[[int], str]] = {
    "realtime": _realtime,
    "openai-usage": _openai_usage,
    "openai-usage, CSV": _openai_usage_table,
    "livekit": _livekit,
    "livekit, seconds": _livekit_seconds,
    "livekit, characters": _livekit_characters,
    "pipecat": _pipecat,
    "otel, spans": _otel_span,
    "otel, metrics": _otel_metrics,
    "litellm": _litellm,
    "litellm, CSV": _litellm_table,
    "agents": _agents,
    "langfuse": _langfuse,
    "langfuse, CSV": _langfuse_table,
    "langsmith": _langsmith,
    "datadog": _datadog,
    "vapi": _vapi,
    "retell": _retell,
    "gemini-live": _gemini_live,
    "nova-sonic": _nova_sonic,
    "columns": _counts_table,
    "columns, in another order": _other_counts_table,
    "columns, meters": _meters_table,
    "columns, long": _long_table,
}
"""The samples by name: what comes before a comma is the format. Each is a function of a count that it contains."""


def format_of(name: str) -> str:
    """Return the format of a sample."""
    return name.partition(",")[0]


def is_table(name: str) -> bool:
    """Return whether a sample is a table."""
    return "CSV" in name or name.startswith("columns")
