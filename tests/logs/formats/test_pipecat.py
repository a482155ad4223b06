"""Pipecat's usage metrics. Shapes: pipecat's metrics/metrics.py, its RTVI observer, and its OpenAI Realtime service's tests."""

import json
from typing import Any

import pytest

from tests.logs.reading import error_texts, read_record, read_records, usage_of
from voicebill.logs.defaults import LogDefaults

TOKENS: dict[str, Any] = {
    "prompt_tokens": 60,
    "completion_tokens": 40,
    "total_tokens": 100,
    "cache_read_input_tokens": 30,
    "cache_creation_input_tokens": None,
    "reasoning_tokens": None,
    "input_audio_tokens": 40,
    "output_audio_tokens": 25,
    "cache_read_input_audio_tokens": 20,
}
"""What its OpenAI Realtime service makes of 20 text and 40 audio in (10 and 20 cached), 15 text and 25 audio out."""
EXPECTED_USAGE = {"text_in": 10, "text_in_cached": 10, "audio_in": 20, "audio_in_cached": 20, "text_out": 15, "audio_out": 25}
METRICS_DATA = {"processor": "OpenAIRealtimeLLMService#0", "model": "gpt-realtime", "value": TOKENS}


def line(*values: object) -> str:
    return "\n".join(json.dumps(value) for value in values)


def test_what_is_not_audio_is_text() -> None:
    """60 in, 40 of them audio; 30 cached, 20 of them audio: 20 text of which 10 cached."""
    record = read_record(line(TOKENS), defaults=LogDefaults(model="gpt-realtime"))
    assert (usage_of(record), record.model, record.status) == (EXPECTED_USAGE, "gpt-realtime", "exact")


@pytest.mark.parametrize(
    "shape",
    [
        METRICS_DATA,
        {"id": 7, "name": "MetricsFrame#2", "pts": None, "data": [{"processor": "x", "value": 0.25}, METRICS_DATA]},
        {"time": "2026-03-01T12:00:00Z", "session_id": "s1", "frame": {"data": [METRICS_DATA]}},
        {"ts": 1795345200, "event": METRICS_DATA},
    ],
)
def test_usage_is_found_in_frames_and_envelopes(shape: object) -> None:
    """The same usage and model, wherever it stands."""
    record = read_record(line(shape))
    assert (usage_of(record), record.model) == (EXPECTED_USAGE, "gpt-realtime")


def test_an_envelope_says_when_and_whose() -> None:
    """Pipecat says neither."""
    record = read_record(line({"time": "2026-03-01T12:00:00Z", "session_id": "s1", "tenant": "acme", "data": [METRICS_DATA]}))
    assert (str(record.day), record.session, record.tenant) == ("2026-03-01", "s1", "acme")


def test_a_message_to_clients_names_no_model_for_its_tokens() -> None:
    """RTVI leaves out the model and what is null; the characters keep their processor."""
    brief = {name: value for name, value in TOKENS.items() if value is not None}
    spoken = {"processor": "AzureTTSService#0", "model": "tts", "value": 145}
    records, report = read_records(
        line(
            {"label": "rtvi-ai", "type": "metrics", "data": {"tokens": [brief], "characters": [spoken], "ttfb": [{"value": 1}]}}
        ),
        defaults=LogDefaults(model="gpt-realtime"),
    )
    assert report.errors == []
    assert [(usage_of(record), record.model, record.provider) for record in records] == [
        (EXPECTED_USAGE, "gpt-realtime", None),
        ({"characters_in": 145}, "tts", "azure"),
    ]


def test_a_cache_beside_the_prompt_is_told_by_the_total() -> None:
    """30 read from a cache beside 30 of the prompt, 100 in all with 40 out: 60 were read."""
    exclusive = {**TOKENS, "prompt_tokens": 30}
    assert usage_of(read_record(line(exclusive))) == EXPECTED_USAGE


def test_without_audio_counts_the_modality_stays_open() -> None:
    """A service that does not tell audio apart may have heard some."""
    unknown = {**TOKENS, "input_audio_tokens": None, "output_audio_tokens": None, "cache_read_input_audio_tokens": None}
    record = read_record(line({**METRICS_DATA, "value": unknown}))
    assert record.status == "ambiguous"
    assert {usage["audio_out"] for usage in record.usage_candidates} == {0, 40}


def test_without_a_split_of_the_cache_its_ends_are_given() -> None:
    """30 cached of 20 text and 40 audio: 0 to 20 of them text."""
    record = read_record(line({**TOKENS, "cache_read_input_audio_tokens": None}))
    assert {usage["text_in_cached"] for usage in record.usage_candidates} == {0, 20}


def test_delays_are_not_characters() -> None:
    """A number with a point, and a whole number of another processor, are other things."""
    records, report = read_records(
        line(
            METRICS_DATA, {"processor": "CartesiaTTSService#0", "value": 0.25}, {"processor": "OpenAILLMService#0", "value": 3}
        )
    )
    assert (len(records), report.other_lines) == (1, 2)


def test_two_equal_measurements_are_two() -> None:
    """They have no identifier: their place tells them apart, and a log read twice counts once."""
    assert len(read_records(line(METRICS_DATA, METRICS_DATA))[0]) == 2
    assert len(read_records(line({"data": [METRICS_DATA, METRICS_DATA]}))[0]) == 2


def test_more_audio_than_there_was_is_flagged() -> None:
    """50 audio tokens of 40 cannot be; 70 of 60 neither."""
    assert read_record(line({**TOKENS, "output_audio_tokens": 50})).status == "inconsistent"
    assert read_record(line({**TOKENS, "input_audio_tokens": 70})).status == "inconsistent"


@pytest.mark.parametrize(("field", "value"), [("prompt_tokens", -1), ("total_tokens", "100"), ("input_audio_tokens", 1.5)])
def test_wrong_counts_are_reported(field: str, value: object) -> None:
    """The line is named, and the next is read."""
    records, report = read_records(line({**TOKENS, field: value}, TOKENS))
    assert len(records) == 1
    assert f"$.{field}" in error_texts(report)[0]


def test_seconds_of_transcription_are_read_alone_and_in_messages() -> None:
    usage = {"processor": "OpenAISTTService#0", "model": "gpt-realtime-whisper", "value": {"audio_seconds": 57.0}}
    message = {"label": "rtvi-ai", "type": "metrics", "data": {"stt_usage": [usage]}}
    for document in (usage, message):
        records, report = read_records(json.dumps(document), "pipecat")
        assert [(record.kind, record.model, usage_of(record)) for record in records] == [
            ("transcription", "gpt-realtime-whisper", {"audio_ms": 57000})
        ]
        assert report.unread_usage is None
