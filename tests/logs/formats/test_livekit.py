"""Metrics of LiveKit agents. Shapes: livekit-agents' metrics/usage.py, metrics/base.py and voice/report.py."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.logs.reading import error_texts, read_record, read_records, usage_of
from voicebill.logs.defaults import LogDefaults

SINGLE: dict[str, Any] = {
    "type": "realtime_model_metrics",
    "label": "livekit.plugins.openai.realtime.realtime_model.RealtimeModel",
    "request_id": "resp_1",
    "timestamp": 1795345200.25,
    "duration": 2.1,
    "session_duration": 0.0,
    "ttft": 0.4,
    "cancelled": False,
    "input_tokens": 132,
    "output_tokens": 121,
    "total_tokens": 253,
    "tokens_per_second": 57.6,
    "input_token_details": {
        "audio_tokens": 13,
        "text_tokens": 119,
        "image_tokens": 0,
        "cached_tokens": 64,
        "cached_tokens_details": {"audio_tokens": 0, "text_tokens": 64, "image_tokens": 0},
    },
    "output_token_details": {"text_tokens": 30, "audio_tokens": 91, "image_tokens": 0},
    "metadata": {"model_name": "gpt-realtime", "model_provider": "api.openai.com"},
}
SUM: dict[str, Any] = {
    "type": "llm_usage",
    "provider": "api.openai.com",
    "model": "gpt-realtime",
    "input_tokens": 1320,
    "input_cached_tokens": 640,
    "input_audio_tokens": 130,
    "input_cached_audio_tokens": 0,
    "input_text_tokens": 1190,
    "input_cached_text_tokens": 640,
    "input_image_tokens": 0,
    "input_cached_image_tokens": 0,
    "output_tokens": 1210,
    "output_audio_tokens": 910,
    "output_text_tokens": 300,
    "session_duration": 0.0,
}
STT_SUM: dict[str, Any] = {"type": "stt_usage", "provider": "api.openai.com", "model": "gpt-4o-mini-transcribe"}
EXPECTED_SUM = {"text_in": 550, "text_in_cached": 640, "audio_in": 130, "text_out": 300, "audio_out": 910}


def line(*values: object) -> str:
    return "\n".join(json.dumps(value) for value in values)


def session_report(**fields: object) -> dict[str, object]:
    """A session report, as `SessionReport.to_dict` gives it: sums without what has its default, so without their type."""
    base_fields = {"job_id": "AJ_1", "room_id": "RM_1", "room": "support", "events": [], "chat_history": {"items": []}}
    return {**base_fields, "options": {"max_tool_steps": 3}, "timestamp": 1795345200.0, **fields}


def test_a_response_is_read_as_the_api_told_it() -> None:
    """132 in, of which 64 cached text and 13 audio: 119 − 64 = 55 fresh text."""
    record = read_record(line(SINGLE))
    assert usage_of(record) == {"text_in": 55, "text_in_cached": 64, "audio_in": 13, "text_out": 30, "audio_out": 91}
    assert (record.key, record.provider, record.model) == ("resp_1", "openai", "gpt-realtime")
    assert (record.time, record.outcome, record.status) == (
        datetime(2026, 11, 22, 11, 0, 0, 250_000, tzinfo=UTC),
        "completed",
        "exact",
    )


def test_a_cancelled_response_counts_what_it_used() -> None:
    """Nothing is dropped because it was interrupted."""
    record = read_record(line({**SINGLE, "cancelled": True}))
    assert (record.key, record.outcome, record.usage["audio_out"]) == ("resp_1", "cancelled", 91)


def test_a_collected_event_wraps_metrics() -> None:
    """The time is that of the metrics; the session is the envelope's."""
    record = read_record(
        line({"session_id": "s1", "event": {"type": "metrics_collected", "metrics": SINGLE, "created_at": 1.0}})
    )
    assert (record.key, record.session, record.time) == (
        "resp_1",
        "s1",
        datetime(2026, 11, 22, 11, 0, 0, 250_000, tzinfo=UTC),
    )


def test_a_sum_is_one_record() -> None:
    """1,190 text of which 640 cached: 550 fresh."""
    record = read_record(line(SUM))
    assert (usage_of(record), record.provider, record.model) == (EXPECTED_SUM, "openai", "gpt-realtime")


def test_details_that_arrive_as_zero_are_absent() -> None:
    """1,000 in and 200 out with all details 0: text or audio, cached or not, within bounds."""
    record = read_record(
        line(
            {
                "type": "llm_usage",
                "provider": "openai",
                "model": "m",
                "input_tokens": 1000,
                "output_tokens": 200,
                "input_cached_tokens": 300,
                "input_text_tokens": 0,
                "input_audio_tokens": 0,
            }
        )
    )
    assert record.status == "ambiguous"
    assert {usage["audio_in"] + usage["text_in"] for usage in record.usage_candidates} == {700}
    assert {usage["audio_out"] for usage in record.usage_candidates} == {0, 200}


def test_hearing_is_charged_by_tokens_or_else_by_time() -> None:
    """170 audio tokens in and 90 text out; 61.5 s where there are no tokens; never both."""
    by_tokens, by_time = read_records(
        line({**STT_SUM, "input_tokens": 170, "output_tokens": 90, "audio_duration": 61.5}, {**STT_SUM, "audio_duration": 61.5})
    )[0]
    assert (by_tokens.kind, usage_of(by_tokens)) == ("transcription", {"audio_in": 170, "text_out": 90})
    assert (by_time.kind, usage_of(by_time)) == ("transcription", {"audio_ms": 61_500})


def test_hearing_with_a_prompt_counts_its_text() -> None:
    """170 in, 150 of them audio: 20 are text."""
    record = read_record(line({**STT_SUM, "input_tokens": 170, "input_audio_tokens": 150, "output_tokens": 9}))
    assert usage_of(record) == {"audio_in": 150, "text_in": 20, "text_out": 9}


def test_speaking_is_charged_by_tokens_or_else_by_characters() -> None:
    """145 characters; 40 text tokens in and 900 audio tokens out where the vendor counts tokens."""
    spoken = {"type": "tts_usage", "provider": "azure", "model": "tts", "audio_duration": 9.0, "characters_count": 145}
    characters, tokens = read_records(line(spoken, {**spoken, "input_tokens": 40, "output_tokens": 900}))[0]
    assert usage_of(characters) == {"characters_in": 145}
    assert usage_of(tokens) == {"text_in": 40, "audio_out": 900}


def test_the_tokens_of_a_chat_model_are_text() -> None:
    """100 in, 80 cached, 12 out: a pipeline's language model hears and speaks nothing."""
    record = read_record(
        line(
            {
                "type": "llm_metrics",
                "request_id": "chatcmpl-1",
                "timestamp": 1795345200,
                "label": "x",
                "cancelled": False,
                "prompt_tokens": 100,
                "prompt_cached_tokens": 80,
                "completion_tokens": 12,
                "total_tokens": 112,
                "metadata": {"model_name": "gpt-4.1-mini", "model_provider": "acme.openai.azure.com"},
            }
        )
    )
    assert usage_of(record) == {"text_in": 20, "text_in_cached": 80, "text_out": 12}
    assert (record.key, record.provider, record.model) == ("chatcmpl-1", "azure", "gpt-4.1-mini")


def test_a_session_by_the_second_has_no_tokens() -> None:
    """90 s of a connection that counts none."""
    record = read_record(line({"type": "llm_usage", "provider": "api.x.ai", "model": "grok-voice", "session_duration": 90.0}))
    assert (record.kind, usage_of(record), record.provider) == ("session", {"session_ms": 90_000}, None)


def test_a_session_report_gives_its_sums() -> None:
    """As it is written: without types and without zeros, over many lines."""
    short = {name: value for name, value in SUM.items() if value and name != "type"}
    sums = [
        short,
        {"provider": "deepgram", "model": "nova-3", "audio_duration": 61.5},
        {"provider": "cartesia", "model": "sonic", "characters_count": 900, "audio_duration": 60.0},
        {"provider": "livekit", "model": "adaptive", "total_requests": 4},
    ]
    records, report = read_records(json.dumps(session_report(usage=sums), indent=2))
    assert report.errors == []
    assert report.sources == {"a log": "livekit"}
    assert [(record.kind, usage_of(record), record.provider, record.session) for record in records] == [
        ("response", EXPECTED_SUM, "openai", "AJ_1"),
        ("transcription", {"audio_ms": 61_500}, "deepgram", "AJ_1"),
        ("response", {"characters_in": 900}, "cartesia", "AJ_1"),
    ]


def test_sums_that_grow_count_once() -> None:
    """Told after 1, 2 and 3 responses, and again by the report: the last sum, not their sum."""

    def usage_update(times: int) -> dict[str, Any]:
        return {
            "type": "session_usage_updated",
            "created_at": 1795345200.0,
            "usage": {
                "model_usage": [
                    {
                        **SUM,
                        "input_tokens": 132 * times,
                        "input_text_tokens": 132 * times,
                        "input_audio_tokens": 0,
                        "input_cached_tokens": 0,
                        "input_cached_text_tokens": 0,
                    }
                ]
            },
        }

    assert read_record(line(*map(usage_update, (1, 2, 3)))).usage["text_in"] == 396
    final_report = session_report(
        events=[usage_update(1), usage_update(2), {"type": "agent_state_changed", "created_at": 1.0}],
        usage=[usage_update(3)["usage"]["model_usage"][0]],
    )
    assert read_record(json.dumps(final_report)).usage["text_in"] == 396


def test_two_sessions_each_count() -> None:
    """The same sum in two reports is two sessions; the same report twice is one."""
    assert len(read_records(line(session_report(usage=[SUM]), session_report(usage=[SUM], job_id="AJ_2")))[0]) == 2
    assert len(read_records(line(session_report(usage=[SUM]), session_report(usage=[SUM])))[0]) == 1


def test_a_sum_whose_single_metrics_are_logged_is_skipped() -> None:
    """One response and the session's sum of it: the response counts, and the sum is mentioned."""
    records, report = read_records(
        line(SINGLE, {"type": "session_usage_updated", "usage": {"model_usage": [SUM, {**STT_SUM, "audio_duration": 3.0}]}})
    )
    assert records[0].key == "resp_1"
    assert [record.kind for record in records] == ["response", "transcription"]
    assert report.skipped == {"sums whose single metrics are in the log too": 1}


def test_a_stream_that_is_heard_reports_several_times() -> None:
    """Two reports of one request, at two times, are two."""
    stt_metrics = {
        "type": "stt_metrics",
        "request_id": "req_1",
        "label": "x",
        "duration": 0.0,
        "audio_duration": 5.0,
        "streamed": True,
    }
    records, _ = read_records(line({**stt_metrics, "timestamp": 1795345200.0}, {**stt_metrics, "timestamp": 1795345205.0}))
    assert [usage_of(record) for record in records] == [{"audio_ms": 5000}, {"audio_ms": 5000}]


def test_what_is_not_charged_by_use_is_no_record() -> None:
    """Metrics of turns and interruptions are other lines."""
    _, report = read_records(
        line(SINGLE, {"type": "vad_metrics", "label": "x", "timestamp": 1.0}, {"type": "eou_metrics", "timestamp": 1.0})
    )
    assert (report.records, report.other_lines) == (1, 2)


def test_what_the_log_does_not_name_is_told() -> None:
    """Metrics of older agents name no model."""
    older = {name: value for name, value in SINGLE.items() if name != "metadata"}
    record = read_record(line(older), defaults=LogDefaults(model="gpt-realtime", provider="openai"))
    assert (record.model, record.provider) == ("gpt-realtime", "openai")


@pytest.mark.parametrize(
    ("bad", "because"),
    [
        ({**SUM, "input_tokens": -1}, "Expected `int` >= 0 - at `$.input_tokens`"),
        ({**SUM, "output_tokens": "12"}, "Expected `int | null`, got `str` - at `$.output_tokens`"),
        ({**SINGLE, "input_token_details": []}, "Expected `object | null`, got `array`"),
    ],
)
def test_wrong_types_are_reported(bad: object, because: str) -> None:
    """The line and the field are named, and the next line is read."""
    records, report = read_records(line(bad, SINGLE))
    assert len(records) == 1
    assert because in error_texts(report)[0]
    assert error_texts(report)[0].startswith("a log, line 1: ")


def test_counts_that_contradict_each_other_are_flagged() -> None:
    """More cached than there was input."""
    assert read_record(line({**SUM, "input_cached_text_tokens": 5000})).status == "inconsistent"


def test_the_lines_of_an_agents_own_logger_are_single_metrics() -> None:
    """As `log_metrics` prints them: 57 + 256 text and 92 + 384 audio tokens in, 9 text and 23 audio tokens out."""
    shared = {"level": "INFO", "name": "livekit.agents", "job_id": "AJ_7", "timestamp": "2026-09-02T09:00:31.120000+00:00"}
    realtime = {
        "message": "RealtimeModel metrics",
        **shared,
        "model_name": "gpt-realtime",
        "model_provider": "api.openai.com",
        "ttft": 0.61,
        "input_tokens": 789,
        "cached_input_tokens": 640,
        "input_text_tokens": 313,
        "input_cached_text_tokens": 256,
        "input_image_tokens": 0,
        "input_cached_image_tokens": 0,
        "input_audio_tokens": 476,
        "input_cached_audio_tokens": 384,
        "output_tokens": 32,
        "output_text_tokens": 9,
        "output_audio_tokens": 23,
        "output_image_tokens": 0,
        "total_tokens": 821,
        "tokens_per_second": 21.4,
    }
    transcription = {
        "message": "STT metrics",
        **shared,
        "model_name": "gpt-4o-transcribe",
        "audio_duration": 2.0,
        "input_tokens": 22,
        "input_audio_tokens": 20,
        "output_tokens": 9,
    }
    chat = {"message": "LLM metrics", **shared, "model_name": "gpt-4.1-mini", "prompt_tokens": 1200, "completion_tokens": 80}
    speech = {"message": "TTS metrics", **shared, "model_name": "tts-1", "characters_count": 40, "audio_duration": 3.0}
    records, report = read_records("\n".join(map(json.dumps, (realtime, transcription, chat, speech, realtime))))
    usage = {"text_in": 57, "text_in_cached": 256, "audio_in": 92, "audio_in_cached": 384, "text_out": 9, "audio_out": 23}
    assert [usage_of(record) for record in records] == [
        usage,
        {"text_in": 2, "audio_in": 20, "text_out": 9},
        {"text_in": 1200, "text_out": 80},
        {"characters_in": 40},
        usage,
    ]
    assert {record.session for record in records} == {"AJ_7"}
    assert (records[0].model, records[0].provider, report.unread_usage) == ("gpt-realtime", "openai", None)
    assert read_records(json.dumps(chat))[1].sources == {"a log": "livekit"}
