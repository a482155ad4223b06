"""Azure Voice Live: the events of the Realtime API, from another product with other prices.

The settings are those of `ResponseSession`, `RequestSession` and `Response` of azure-ai-voicelive 1.3.1, read 2026-11-28.
"""

import json
from datetime import date
from typing import Any

import pytest

from tests.cases import micro_dollars
from tests.logs.reading import read_record, read_records, usage_of
from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.python_engine import PythonEngine
from voicebill.answers.recorded.query import CostQuery
from voicebill.facts import load_facts
from voicebill.logs.defaults import LogDefaults

Json = dict[str, Any]
AZURE = LogDefaults(provider="azure", deployment="global", day=date(2026, 11, 22))


def session(kind: str = "created", **settings: object) -> Json:
    return {"type": f"session.{kind}", "session": {"id": "sess_1", "model": "gpt-realtime", **settings}}


def done(**more: object) -> Json:
    usage = {"input_tokens": 20, "output_tokens": 9, "input_token_details": {"text_tokens": 15, "audio_tokens": 5}}
    usage["output_token_details"] = {"text_tokens": 2, "audio_tokens": 7}
    return {"type": "response.done", "response": {"id": "resp_1", "conversation_id": "conv_1", "usage": usage, **more}}


def provider(*events: Json, defaults: LogDefaults = AZURE) -> str | None:
    return read_record("\n".join(map(json.dumps, events)), defaults=defaults).provider


@pytest.mark.parametrize(
    "settings",
    [
        {"voice": {"type": "azure-standard", "name": "en-US-AvaNeural", "temperature": 0.8}},
        {"voice": {"type": "azure-custom", "name": "ours", "endpoint_id": "e1"}},
        {"voice": {"type": "azure-personal", "name": "ours", "model": "DragonLatestNeural"}},
        {"voice": {"type": "azure-realtime-native", "name": "ours"}},
        {"voice": {"type": "openai", "name": "alloy"}},
        {"voice": "en-US-Ava:DragonHDLatestNeural"},
        {"turn_detection": {"type": "azure_semantic_vad", "silence_duration_ms": 500}},
        {"turn_detection": {"type": "azure_semantic_vad_en"}},
        {"turn_detection": {"type": "azure_semantic_vad_multilingual", "languages": ["en", "de"]}},
        {"input_audio_noise_reduction": {"type": "azure_deep_noise_suppression"}},
        {"input_audio_echo_cancellation": {"type": "server_echo_cancellation"}},
        {"input_audio_echo_cancellation": None, "voice": "alloy"},
        {"input_audio_sampling_rate": 24000},
        {"output_audio_timestamp_types": ["word"]},
        {"avatar": {"character": "lisa", "customized": False}},
        {"animation": {"outputs": ["viseme_id"]}},
        {"interim_response": {"type": "static_interim_response"}},
        {"input_audio_transcription": {"model": "azure-speech"}},
    ],
    ids=str,
)
def test_a_session_with_settings_that_only_voice_live_has_is_no_session_of_azure_openai(settings: Json) -> None:
    assert provider(session(**settings), done()) == "azure-voice-live"
    assert provider(session(), session("updated", **settings), done()) == "azure-voice-live"
    assert provider(session("update", **settings), done()) == "azure-voice-live"


@pytest.mark.parametrize(
    "settings",
    [
        {"voice": "marin"},
        {"voice": {"id": "voice_1234"}},
        {"voice": None, "turn_detection": None, "input_audio_noise_reduction": None},
        {"turn_detection": {"type": "semantic_vad", "eagerness": "low"}},
        {"turn_detection": {"type": "server_vad"}, "input_audio_noise_reduction": {"type": "near_field"}},
        {"audio": {"input": {"transcription": {"model": "whisper-1"}}, "output": {"voice": "alloy"}}},
        {"voice": ["of another shape"], "turn_detection": 5},
    ],
    ids=str,
)
def test_a_session_with_the_realtime_apis_settings_is_of_the_provider_that_is_given(settings: Json) -> None:
    assert provider(session(**settings), done()) == "azure"


def test_what_the_log_shows_counts_more_than_the_provider_that_its_logger_wrote() -> None:
    assert provider(session(avatar={}), {"provider": "azure", "event": done()}) == "azure-voice-live"
    assert provider({"provider": "wss://acme.services.ai.azure.com/voice-live/realtime", "event": done()}) == "azure-voice-live"
    assert provider({"provider": "https://acme.services.ai.azure.com/openai/v1", "event": done()}) == "azure"


def test_without_the_sessions_events_a_response_with_azures_voice_or_an_avatar_shows_it() -> None:
    assert provider(done(voice={"type": "azure-standard", "name": "en-US-AvaNeural"})) == "azure-voice-live"
    assert provider({"type": "session.avatar.connecting", "server_sdp": "v=0"}, done()) == "azure-voice-live"
    assert provider(done(voice="alloy")) == "azure"


def test_a_response_that_waits_for_its_session_is_of_the_product_that_the_session_turns_out_to_be() -> None:
    waiting, named = ({"session_id": "sess_1", "event": event} for event in (done(), session(avatar=None)))
    assert provider(waiting, named) == "azure-voice-live"


def test_only_the_session_with_such_settings_is_of_voice_live() -> None:
    events = (
        {"session_id": "a", "event": session(avatar={})},
        {"session_id": "b", "event": session()},
        {"session_id": "a", "event": done(id="resp_a")},
        {"session_id": "b", "event": done(id="resp_b")},
    )
    records, _ = read_records("\n".join(map(json.dumps, events)), defaults=AZURE)
    assert {record.key: record.provider for record in records} == {"resp_a": "azure-voice-live", "resp_b": "azure"}


def test_its_usage_has_the_prices_of_its_tier() -> None:
    """gpt-realtime is in the pro tier: 700 millionths, and before May 2026 770."""
    prices = load_facts().prices
    for day, written in (
        (date(2026, 11, 22), "15 × 4 + 5 × 32 + 2 × 16 + 7 × 64"),
        (date(2026, 3, 1), "15 × 4.40 + 5 × 35.20 + 2 × 17.60 + 7 × 70.40"),
    ):
        defaults = LogDefaults(provider="azure", deployment="global", day=day)
        record = read_record("\n".join(map(json.dumps, (session(avatar={}), done()))), defaults=defaults)
        assert usage_of(record) == {"text_in": 15, "audio_in": 5, "text_out": 2, "audio_out": 7}
        answer = cost(PythonEngine([record]), CostQuery(), prices)
        assert (answer.total.low, answer.total.unpriced) == (micro_dollars(written), 0)


def test_metrics_and_spans_of_voice_live_are_of_the_same_provider() -> None:
    """LiveKit's plugin for Azure names it `azure-voicelive`, the SDK's telemetry `az.ai.voicelive`."""
    metrics = {
        "type": "realtime_model_metrics",
        "request_id": "r1",
        "input_tokens": 20,
        "output_tokens": 9,
        "total_tokens": 29,
        "input_token_details": {"text_tokens": 15, "audio_tokens": 5, "cached_tokens": 0},
        "output_token_details": {"text_tokens": 2, "audio_tokens": 7},
        "metadata": {"model_name": "gpt-realtime", "model_provider": "azure-voicelive"},
    }
    assert read_record(json.dumps(metrics)).provider == "azure-voice-live"
    names = {"gen_ai.system": "az.ai.voicelive", "gen_ai.request.model": "gpt-realtime"}
    span = {"trace_id": "t", "span_id": "s", "attributes": {**names, "gen_ai.usage.input_tokens": 20}}
    assert read_record(json.dumps(span)).provider == "azure-voice-live"
