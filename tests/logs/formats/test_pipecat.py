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


PRINTED = (
    "OpenAIRealtimeLLMService#0 prompt tokens: 60, completion tokens: 40, cache read input tokens: 30, input audio tokens: 40"
)
PRINTED += ", output audio tokens: 25, cache read input audio tokens: 20"
OBSERVED = (
    "📊 [OpenAIRealtimeLLMService#0] LLM TOKEN USAGE (gpt-realtime): prompt: 60, completion: 40, total: 100, cache_read: 30"
)
OBSERVED += ", input_audio: 40, output_audio: 25, cache_read_audio: 20 at 1.17s"
"""The same usage as its processor prints it, and as `MetricsLogObserver` does: pipecat-ai 1.14.0."""


def printed(text: str, time: str = "14:51:20.077") -> str:
    return f"2026-11-28 {time} | DEBUG    | pipecat.processors.metrics:start_llm_usage_metrics:337 - {text}"


@pytest.mark.parametrize(("text", "model"), [(PRINTED, "gpt-realtime-1.5"), (OBSERVED, "gpt-realtime")])
def test_what_pipecat_prints_is_usage(text: str, model: str) -> None:
    """With a logger's prefix or without, and as loguru serializes it; the time is that of the line."""
    serialized = {"text": printed(text), "record": {"message": text, "time": {"timestamp": 1795877480.077}, "extra": {}}}
    for content in (printed(text), text, json.dumps(serialized)):
        record = read_record(content, defaults=LogDefaults(model="gpt-realtime-1.5"))
        assert (usage_of(record), record.model, record.status) == (EXPECTED_USAGE, model, "exact")
        assert str(record.day) == "2026-11-28" or content == text


def test_a_usage_that_is_printed_twice_counts_once() -> None:
    """The processor prints it, and the observer; so does a line of JSON. The next response has the same counts."""
    data = json.dumps({"time": "2026-11-28T14:51:20.1Z", **METRICS_DATA})
    lines = [printed(PRINTED), printed("Bot started speaking"), printed(OBSERVED), data]
    records, report = read_records("\n".join([*lines, printed(PRINTED, "14:52:20.077"), printed(OBSERVED, "14:52:20.078")]))
    assert [(usage_of(record), record.model) for record in records] == [(EXPECTED_USAGE, "gpt-realtime")] * 2
    assert (report.errors, report.other_lines, sum(report.skipped.values())) == ([], 1, 3)


def test_equal_usage_of_other_processors_counts() -> None:
    """Two bots in one process, of which one is observed."""
    records, _ = read_records("\n".join([printed(PRINTED), printed(OBSERVED.replace("#0", "#1"))]))
    assert [record.status for record in records] == ["exact", "exact"]


def test_without_times_a_usage_far_from_its_equal_may_be_the_same() -> None:
    """Far apart in a log without times, nothing says whether it is the same: it counts, or not."""
    lines = [PRINTED, *["a line of the bot"] * 30, OBSERVED]
    records, _ = read_records("\n".join(lines))
    assert [(record.status, len(record.usage_candidates)) for record in records] == [("exact", 1), ("ambiguous", 2)]
    assert usage_of(records[0]) == EXPECTED_USAGE
    records, _ = read_records("\n".join([PRINTED, "a line of the bot", OBSERVED]))
    assert [record.status for record in records] == ["exact"]


def test_a_printed_line_leaves_out_what_is_zero_or_unknown() -> None:
    """Audio that is left out beside other audio is 0, but cached audio may be unknown: its split is open."""
    without_audio_in = "OpenAIRealtimeLLMService#0 prompt tokens: 417, completion tokens: 116, output audio tokens: 97"
    assert usage_of(read_record(without_audio_in)) == {"text_in": 417, "text_out": 19, "audio_out": 97}
    unsplit = "OpenAIRealtimeLLMService#0 prompt tokens: 434, completion tokens: 156, cache read input tokens: 320"
    unsplit += ", input audio tokens: 137, output audio tokens: 127"
    record = read_record(unsplit)
    assert record.status == "ambiguous"
    assert [usage["audio_in_cached"] for usage in record.usage_candidates] == [137, 23]  # of 297 text, and of 137 audio
    assert read_record("OpenAIRealtimeLLMService#0 prompt tokens: 434, completion tokens: 156").status == "ambiguous"


@pytest.mark.parametrize(
    ("service", "inputs"),
    [("OpenAILLMService", [(400, 100)]), ("AnthropicLLMService", [(500, 100)]), ("MyLLM", [(400, 100), (500, 100)])],
)
def test_whether_a_printed_input_includes_what_was_cached(service: str, inputs: list[tuple[int, int]]) -> None:
    """The line has no total, which would show it: the services of OpenAI include it, those of Anthropic do not."""
    text = f"{service}#0 prompt tokens: 500, completion tokens: 20, cache read input tokens: 100"
    record = read_record(text, defaults=LogDefaults(model="gpt-4o-mini"))
    texts = [usage for usage in record.usage_candidates if not usage["audio_in"] and not usage["audio_in_cached"]]
    assert sorted({(usage["text_in"], usage["text_in_cached"]) for usage in texts}) == inputs


def test_printed_speech_and_transcription() -> None:
    """Characters and seconds of audio, each printed by its processor and by the observer."""
    lines = [
        "CartesiaTTSService#0 usage characters: 145",
        "📊 [CartesiaTTSService#0] TTS USAGE (sonic-3): 145 characters at 1.204s",
    ]
    lines += [
        "DeepgramSTTService#0 usage audio seconds: 3.240",
        "📊 [DeepgramSTTService#0] STT USAGE (nova-3): 3.240s audio at 2.0s",
    ]
    records, report = read_records("\n".join(map(printed, lines)))
    assert [(record.kind, record.model, usage_of(record)) for record in records] == [
        ("response", "sonic-3", {"characters_in": 145}),
        ("transcription", "nova-3", {"audio_ms": 3240}),
    ]
    assert report.errors == []


def test_printed_seconds_of_live_sessions() -> None:
    """45 and then 71 s of one session, which closes; then 10 s of another one, whose end is not in the log."""
    lines = ["OpenAILiveLLMService#0: live audio usage: 45.0s (cumulative)"]
    lines += ["📊 [OpenAILiveLLMService#0] LLM TOKEN USAGE (gpt-live-1): prompt: 50, completion: 9, total: 59 at 0.14s"]
    lines += ["OpenAILiveLLMService#0: session closed (close_requested)"]
    lines += ["OpenAILiveLLMService#0: live audio usage: 71.0s (cumulative)"]
    lines += ["OpenAILiveLLMService#0: live audio usage: 10.0s (cumulative)"]
    records, report = read_records("\n".join(lines), defaults=LogDefaults(model="gpt-realtime"))
    assert [(record.kind, record.model, record.status, usage_of(record)) for record in records] == [
        ("response", "gpt-live-1", "exact", {"text_in": 50, "text_out": 9}),
        ("session", "gpt-live-1", "exact", {"session_ms": 71000}),
        ("session", "gpt-live-1", "ambiguous", {"session_ms": 10000}),
    ]
    assert report.open_sessions == 1


def test_images_that_pipecat_does_not_report_are_mentioned() -> None:
    """gpt-realtime has a price for images; gpt-4o-realtime-preview has none."""
    for model, expected in (("gpt-realtime", 1), ("gpt-4o-realtime-preview", 0)):
        _, report = read_records(line({**METRICS_DATA, "model": model}))
        assert sum(report.remarks.values()) == expected
