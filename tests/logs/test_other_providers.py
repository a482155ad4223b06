"""Gemini Live and Nova Sonic in the formats of frameworks: the provider and the model are those of an offer, and it is priced.

gemini-3.8-live costs $0.75 text in, $3 audio in, $4.50 text out and $12 audio out per million tokens, so 11 and 58 tokens in
and 26 and 150 out cost 8.25 + 174 + 117 + 1,800 = 2,099.25 millionths of a dollar.
"""

import json
from datetime import date
from typing import Any

import pytest

from tests.logs.reading import read_record, read_records
from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.python_engine import PythonEngine
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.money import format_dollars
from voicebill.facts import load_facts
from voicebill.logs.defaults import LogDefaults

Json = dict[str, Any]
DAY = LogDefaults(day=date(2026, 11, 22))


def livekit(model: str, provider: str, **more: object) -> Json:
    """The metrics of a response as LiveKit's plugins for realtime models log them: modalities without tokens are 0."""
    return {
        "type": "realtime_model_metrics",
        "request_id": "GR_1",
        "timestamp": 1795345200.25,
        "duration": 2.0,
        "session_duration": 0.0,
        "input_tokens": 69,
        "output_tokens": 176,
        "total_tokens": 245,
        "input_token_details": {"audio_tokens": 58, "text_tokens": 11, "image_tokens": 0, "cached_tokens": 0},
        "output_token_details": {"text_tokens": 26, "audio_tokens": 150, "image_tokens": 0},
        "metadata": {"model_name": model, "model_provider": provider},
        **more,
    }


def span(model: str, provider: str) -> Json:
    counts = {"input_tokens": 69, "input_text_tokens": 11, "input_audio_tokens": 58}
    counts |= {"output_tokens": 176, "output_text_tokens": 26, "output_audio_tokens": 150}
    usage = {f"gen_ai.usage.{name}": count for name, count in counts.items()}
    names = {"gen_ai.provider.name": provider, "gen_ai.request.model": model, "gen_ai.operation.name": "chat"}
    return {"trace_id": "t", "span_id": "s", "start_time": "2026-11-22T10:15:00Z", "attributes": {**names, **usage}}


def litellm(model: str, provider: str) -> Json:
    usage = {
        "prompt_tokens": 69,
        "completion_tokens": 176,
        "total_tokens": 245,
        "prompt_tokens_details": {"text_tokens": 11, "audio_tokens": 58},
        "completion_tokens_details": {"text_tokens": 26, "audio_tokens": 150},
    }
    return {
        "request_id": "chatcmpl-1",
        "call_type": "_arealtime",
        "model": model,
        "custom_llm_provider": provider,
        "startTime": "2026-11-22T10:15:00Z",
        "prompt_tokens": 69,
        "completion_tokens": 176,
        "total_tokens": 245,
        "metadata": {"usage_object": usage},
    }


def pipecat(model: str, processor: str) -> Json:
    usage = {"prompt_tokens": 69, "completion_tokens": 176, "total_tokens": 245}
    audio = {"input_audio_tokens": 58, "output_audio_tokens": 150}
    return {"processor": processor, "model": model, "value": {**usage, **audio}}


@pytest.mark.parametrize(
    "line",
    [
        *(livekit("gemini-3.8-live", name) for name in ("Gemini", "Vertex AI", "google", "unknown")),
        livekit("models/gemini-3.8-live", "generativelanguage.googleapis.com"),
        livekit("projects/p/locations/us-east1/publishers/google/models/gemini-3.8-live", "Vertex AI"),
        *(
            span("gemini-3.8-live", name)
            for name in ("gcp.gemini", "gcp.vertex_ai", "gcp.gen_ai", "geminilive", "google_vertex")
        ),
        span("models/gemini-3.8-live", "gemini"),
        *(litellm("gemini-3.8-live", name) for name in ("gemini", "vertex_ai")),
        litellm("gemini/gemini-3.8-live", "gemini"),
        litellm("vertex_ai/gemini-3.8-live", "vertex_ai"),
        pipecat("gemini-3.8-live", "GeminiLiveLLMService#0"),
        pipecat("models/gemini-3.8-live", "GeminiLiveVertexLLMService#3"),
    ],
    ids=str,
)
def test_gemini_live_is_priced_in_every_framework(line: Json) -> None:
    record = read_record(json.dumps(line), defaults=DAY)
    assert (record.provider, record.model, record.status) == ("google", "gemini-3.8-live", "exact")
    answer = cost(PythonEngine([record]), CostQuery(), load_facts().prices)
    assert answer.total.low == answer.total.high
    assert format_dollars(answer.total.low or 0) == "0.00209925"


def test_a_total_with_thoughts_that_a_plugin_leaves_out_of_the_output_is_a_range() -> None:
    """LiveKit logs Gemini's output without its thoughts, and its total with them: 20 more tokens of text are the upper end."""
    record = read_record(json.dumps(livekit("gemini-3.8-live", "Gemini", total_tokens=265)), defaults=DAY)
    assert record.status == "inconsistent"
    assert {usage["text_out"] for usage in record.usage_candidates} >= {26, 46}


@pytest.mark.parametrize(
    "line",
    [
        livekit("amazon.nova-2-sonic-v1:0", "Amazon"),
        span("amazon.nova-2-sonic-v1:0", "aws.bedrock"),
        span("us.amazon.nova-2-sonic-v1:0", "awsnovasonic"),
        litellm("bedrock/amazon.nova-2-sonic-v1:0", "bedrock"),
        litellm("amazon.nova-2-sonic-v1:0", "bedrock"),
        pipecat("amazon.nova-2-sonic-v1:0", "AWSNovaSonicLLMService#0"),
    ],
    ids=str,
)
def test_nova_sonic_is_named_as_its_offer_is_in_every_framework(line: Json) -> None:
    record = read_record(json.dumps(line), defaults=DAY)
    assert (record.provider, record.model) == ("amazon", "amazon.nova-2-sonic-v1:0")


@pytest.mark.parametrize(
    ("line", "names"),
    [
        (livekit("grok-voice-3.0", "api.x.ai"), ("xai", "grok-voice-3.0")),
        (litellm("xai/grok-voice-3.0", "xai"), ("xai", "grok-voice-3.0")),
        (span("grok-voice-3.0", "x_ai"), ("xai", "grok-voice-3.0")),
        (pipecat("grok-voice-3.0", "GrokRealtimeLLMService#0"), ("xai", "grok-voice-3.0")),
        (livekit("eleven_realtime_v1_mini", "api.elevenlabs.io"), ("elevenlabs", "eleven_realtime_v1_mini")),
        (livekit("qwen3.5-omni-plus-realtime", "dashscope-intl.aliyuncs.com"), ("alibaba", "qwen3.5-omni-plus-realtime")),
        (span("qwen3.5-omni-plus-realtime", "dashscope"), ("alibaba", "qwen3.5-omni-plus-realtime")),
    ],
    ids=str,
)
def test_other_voice_models_are_named_as_their_offers_are(line: Json, names: tuple[str, str]) -> None:
    record = read_record(json.dumps(line), defaults=DAY)
    assert (record.provider, record.model) == names


def test_a_provider_that_is_given_is_taken_for_a_model_of_another_seller() -> None:
    """Without a name in the log, the only seller of a model is its provider, unless another one is given."""
    line = json.dumps(livekit("gemini-3.8-live", "unknown"))
    assert read_record(line, defaults=DAY).provider == "google"
    assert read_record(line, defaults=LogDefaults(provider="acme", day=date(2026, 11, 22))).provider == "acme"
    (alias,), _ = read_records(
        json.dumps(livekit("voice-prod", "unknown")), defaults=LogDefaults(alias={"voice-prod": "gemini-3.8-live"})
    )
    assert (alias.provider, alias.model) == ("google", "gemini-3.8-live")


def test_a_message_that_livekits_plugin_prints_while_it_is_debugged_repeats_the_metrics() -> None:
    """One message has the tokens of the metrics, and the other is of a turn without metrics: it is not read."""
    turn = {"usage_metadata": {"prompt_token_count": 69, "response_token_count": 176, "total_token_count": 245}}
    debug = {"message": "<<< received response", "level": "DEBUG", "lk.pii.response": turn}
    other = json.loads(json.dumps(debug).replace("69", "70"))
    lines = (debug, livekit("gemini-3.8-live", "Gemini"))
    records, report = read_records("\n".join(map(json.dumps, lines)), defaults=DAY)
    assert (len(records), report.unread_usage, sum(report.skipped.values())) == (1, None, 1)
    records, report = read_records("\n".join(map(json.dumps, (*lines, other))), defaults=DAY)
    assert (len(records), report.unread_usage is not None) == (1, True)
