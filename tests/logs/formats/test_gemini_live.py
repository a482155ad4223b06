"""Gemini's Live API: every turn's usage is billed and summed; counts that do not add up are a range.

The shapes are those of `LiveServerMessage` and `UsageMetadata` of Google's SDK for Python, and of usage in public logs of live
sessions; read 2026-11-28. gemini-3.8-live costs $0.75 text in, $3 audio in, $1 images in, $4.50 text out, $12 audio out, per
million tokens.
"""

import json
from datetime import date
from typing import Any

import pytest

from tests.logs.reading import read_record, read_records, usage_of
from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.python_engine import PythonEngine
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.money import format_dollars
from voicebill.billing.record import Record
from voicebill.engines.in_duckdb import DuckDBEngine
from voicebill.facts import load_facts
from voicebill.logs.defaults import LogDefaults

Json = dict[str, Any]
DAY = LogDefaults(day=date(2026, 11, 22))
MODEL = LogDefaults(day=date(2026, 11, 22), model="gemini-3.8-live")
SETUP = {"setup": {"model": "models/gemini-3.8-live", "systemInstruction": {"parts": [{"text": "a secret"}]}}}


def details(**tokens: int) -> list[Json]:
    return [{"modality": modality.upper(), "tokenCount": count} for modality, count in tokens.items()]


def turn(prompt: int | None = 69, response: int | None = 176, total: int | None = 245, **more: object) -> Json:
    """A message at the end of a turn: 58 audio and 11 text tokens in, 150 audio and 26 text tokens out."""
    usage = {
        "promptTokenCount": prompt,
        "responseTokenCount": response,
        "totalTokenCount": total,
        "promptTokensDetails": details(audio=58, text=11),
        "responseTokensDetails": details(text=26, audio=150),
        **more,
    }
    return {
        "usageMetadata": {name: value for name, value in usage.items() if value is not None},
        "serverContent": {"turnComplete": True},
    }


def log(*messages: Json) -> str:
    return "\n".join(map(json.dumps, messages))


def amounts(records: list[Record]) -> tuple[str, str]:
    """The amount at both ends in dollars, as both engines count it."""
    answer = cost(PythonEngine(records), CostQuery(), load_facts().prices)
    with DuckDBEngine() as engine:
        engine.load(records)
        other = cost(engine, CostQuery(), load_facts().prices)
    assert (answer.total, answer.counts) == (other.total, other.counts)
    assert answer.total.low is not None
    assert answer.total.high is not None
    return format_dollars(answer.total.low), format_dollars(answer.total.high)


def test_every_turn_is_billed_with_the_context_that_it_reads_again() -> None:
    """Three turns, in two wordings of the SDK.

    Turn 1: 11 text and 58 audio in, 26 text and 150 audio out; turn 2: 37 and 266 in, 20 and 100 out; turn 3: 57 and 416
    in, 0 and 50 out. Text in 105 × 0.75 = 78.75; audio in 740 × 3 = 2,220; text out 46 × 4.5 = 207; audio out 300 × 12 =
    3,600: 6,105.75 millionths of a dollar. The last turn alone would give 42.75 + 1,248 + 600 = 1,890.75.
    """
    second = {
        "usage_metadata": {
            "prompt_token_count": 303,
            "response_token_count": 120,
            "total_token_count": 423,
            "prompt_tokens_details": [{"modality": "AUDIO", "token_count": 266}, {"modality": "TEXT", "token_count": 37}],
            "response_tokens_details": [{"modality": "AUDIO", "token_count": 100}, {"modality": "TEXT", "token_count": 20}],
        }
    }
    third = turn(473, 50, 523, promptTokensDetails=details(text=57, audio=416), responseTokensDetails=details(audio=50))
    records, report = read_records(log(SETUP, {"setupComplete": {}}, turn(), second, third), defaults=DAY)
    assert [record.model for record in records] == ["gemini-3.8-live"] * 3
    assert {record.provider for record in records} == {"google"}
    assert (report.other_lines, report.error_count, report.unread_usage) == (0, 0, None)
    assert amounts(records) == ("0.00610575", "0.00610575")


def test_thoughts_are_text_whether_the_total_has_them_or_not() -> None:
    """26 + 20 text tokens out."""
    for total in (245, 265):
        record = read_record(log(turn(total=total, thoughtsTokenCount=20)), defaults=MODEL)
        assert (record.status, usage_of(record)["text_out"], usage_of(record)["audio_out"]) == ("exact", 46, 150)


def test_results_of_tools_are_input_whether_the_total_has_them_or_not() -> None:
    """11 + 30 text tokens in, of a list or of the count alone."""
    listed = {"toolUsePromptTokenCount": 30, "toolUsePromptTokensDetails": details(text=30)}
    for more in ({"toolUsePromptTokenCount": 30}, listed):
        for total in (245, 275):
            record = read_record(log(turn(total=total, **more)), defaults=MODEL)
            assert (record.status, usage_of(record)["text_in"], usage_of(record)["audio_in"]) == ("exact", 41, 58)


def test_a_total_that_nothing_explains_is_a_contradiction() -> None:
    assert read_record(log(turn(total=300, thoughtsTokenCount=20)), defaults=MODEL).status == "inconsistent"


def test_prompt_tokens_in_no_modality_are_a_range() -> None:
    """25 of 94 tokens are missing from the list: they are not there, or text, or audio.

    Output 26 × 4.5 + 150 × 12 = 1,917. Without them 11 × 0.75 + 58 × 3 = 182.25: 2,099.25. As audio 11 × 0.75 + 83 × 3 =
    257.25: 2,174.25.
    """
    records, _ = read_records(log(turn(94, total=270)), defaults=MODEL)
    (record,) = records
    inputs = {(usage["text_in"], usage["audio_in"]) for usage in record.usage_candidates}
    assert (record.status, inputs) == ("inconsistent", {(11, 58), (36, 58), (11, 83)})
    assert amounts(records) == ("0.00209925", "0.00217425")


def test_a_list_leaves_out_modalities_without_tokens_so_what_one_lacks_is_not_of_the_other() -> None:
    """Of 69 tokens the list has 58, all audio: 11 are missing."""
    record = read_record(log(turn(promptTokensDetails=details(audio=58))), defaults=MODEL)
    inputs = {(usage["text_in"], usage["audio_in"]) for usage in record.usage_candidates}
    assert (record.status, inputs) == ("inconsistent", {(0, 58), (11, 58), (0, 69)})


def test_without_lists_the_modality_is_open() -> None:
    """69 tokens in and 176 out, 20 of them thoughts beside the response: all text, or audio but for the thoughts."""
    message = turn(total=265, thoughtsTokenCount=20, promptTokensDetails=None, responseTokensDetails=None)
    record = read_record(log(message), defaults=MODEL)
    assert record.status == "ambiguous"
    outputs = {(usage["text_out"], usage["audio_out"]) for usage in record.usage_candidates}
    assert outputs == {(196, 0), (20, 176)}


def test_counts_of_zero_are_left_out() -> None:
    """A turn that only listened: the total is that of the prompt, so nothing was generated."""
    record = read_record(log(turn(response=None, total=69, responseTokensDetails=None)), defaults=MODEL)
    assert (record.status, usage_of(record)) == ("exact", {"text_in": 11, "audio_in": 58})
    record = read_record(log(turn(response=None, total=69, thoughtsTokenCount=20, responseTokensDetails=None)), defaults=MODEL)
    assert (record.status, usage_of(record)) == ("exact", {"text_in": 11, "audio_in": 58, "text_out": 20})


def test_a_response_that_only_the_total_shows_is_open() -> None:
    """245 - 69 = 176 tokens out, with the thoughts or without them: 196."""
    message = turn(response=None, thoughtsTokenCount=20, responseTokensDetails=None)
    record = read_record(log(message), defaults=MODEL)
    outputs = {usage["text_out"] + usage["audio_out"] for usage in record.usage_candidates}
    assert (record.status, outputs) == ("ambiguous", {176, 196})


def test_frames_of_video_are_images() -> None:
    prompt = details(audio=58, text=11, video=258)
    record = read_record(log(turn(327, total=503, promptTokensDetails=prompt)), defaults=MODEL)
    assert (record.status, usage_of(record)["image_in"]) == ("exact", 258)


def test_a_cache_is_part_of_the_prompt() -> None:
    message = turn(cachedContentTokenCount=8, cacheTokensDetails=details(text=8))
    record = read_record(log(message), defaults=MODEL)
    assert (usage_of(record)["text_in"], usage_of(record)["text_in_cached"]) == (3, 8)


def test_vertex_ai_counts_candidates() -> None:
    message = turn(response=None, responseTokensDetails=None)
    message["usageMetadata"] |= {"candidatesTokenCount": 176, "candidatesTokensDetails": details(text=26, audio=150)}
    assert usage_of(read_record(log(message), defaults=MODEL))["audio_out"] == 150


def test_the_model_is_that_of_the_setup_wherever_it_is() -> None:
    """A usage before the setup, and a setup that names the model by its path on Vertex AI."""
    path = "projects/p/locations/us-central1/publishers/google/models/gemini-live-2.5-flash-native-audio"
    records, _ = read_records(log(turn(), {"setup": {"model": path}}, turn()), defaults=DAY)
    assert [record.model for record in records] == ["gemini-live-2.5-flash-native-audio"] * 2


def test_a_setup_that_python_printed_names_the_model() -> None:
    records, _ = read_records(f"INFO sent {SETUP!r}\nINFO received {turn()!r}", defaults=DAY)
    assert [record.model for record in records] == ["gemini-3.8-live"]


def test_a_new_connection_may_have_another_model() -> None:
    """After the server has said that it goes away, a client continues the session on a new connection."""
    other = {"setup": {"model": "models/gemini-3.1-flash-live-preview", "sessionResumption": {"handle": "h"}}}
    away = ({"sessionResumptionUpdate": {"newHandle": "h", "resumable": True}}, {"goAway": {"timeLeft": "10s"}})
    records, report = read_records(log(SETUP, turn(), *away, other, turn()), defaults=DAY)
    assert [record.model for record in records] == ["gemini-3.8-live", "gemini-3.1-flash-live-preview"]
    assert (report.other_lines, report.unread_usage) == (0, None)


def test_envelopes_give_the_time_the_session_and_the_tenant() -> None:
    def wrapped(session: str, message: Json) -> Json:
        return {"time": "2026-11-22T10:15:00Z", "session_id": session, "tenant": "acme", "event": message}

    other = {"setup": {"model": "models/gemini-3.1-flash-live-preview"}}
    lines = (wrapped("a", SETUP), wrapped("b", other), wrapped("a", turn()), wrapped("b", turn()))
    records, _ = read_records(log(*lines))
    assert [(record.session, record.tenant, record.day, record.model) for record in records] == [
        ("a", "acme", date(2026, 11, 22), "gemini-3.8-live"),
        ("b", "acme", date(2026, 11, 22), "gemini-3.1-flash-live-preview"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        json.dumps({"log": json.dumps(turn()) + "\n", "stream": "stdout", "time": "2026-11-22T10:15:00Z"}),
        json.dumps({"message": "<<< received response", "lk.pii.response": turn(), "timestamp": "2026-11-22T10:15:00Z"}),
        "2026-11-22 10:15:00,250 DEBUG gemini: " + json.dumps(turn()),
        json.dumps({"time": "2026-11-22T10:15:00Z", "payload": json.dumps(turn())}),
        "2026-11-22 10:15:00 INFO prompt_token_count=69 cached_content_token_count=None response_token_count=176 "
        "thoughts_token_count=None total_token_count=245 prompt_tokens_details=[ModalityTokenCount(modality="
        "<MediaModality.AUDIO: 'AUDIO'>, token_count=58), ModalityTokenCount(modality=<MediaModality.TEXT: 'TEXT'>, "
        "token_count=11)] cache_tokens_details=None response_tokens_details=[ModalityTokenCount(modality="
        "<MediaModality.TEXT: 'TEXT'>, token_count=26), ModalityTokenCount(modality=<MediaModality.AUDIO: 'AUDIO'>, "
        "token_count=150)] traffic_type=None",
        "2026-11-22 10:15:00 INFO usage UsageMetadata(prompt_token_count=69, response_token_count=176, total_token_count=245, "
        "prompt_tokens_details=[ModalityTokenCount(modality=<MediaModality.AUDIO: 'AUDIO'>, token_count=58), "
        "ModalityTokenCount(modality=<MediaModality.TEXT: 'TEXT'>, token_count=11)], response_tokens_details="
        "[ModalityTokenCount(modality=<MediaModality.TEXT: 'TEXT'>, token_count=26), "
        "ModalityTokenCount(modality=<MediaModality.AUDIO: 'AUDIO'>, token_count=150)])",
        f"2026-11-22 10:15:00 INFO {turn()!r}",
        json.dumps({"time": "2026-11-22T10:15:00Z", "data": {"usage_metadata": (
            "UsageMetadata(\n  prompt_token_count=69,\n  response_token_count=176,\n  total_token_count=245,\n  "
            "prompt_tokens_details=[\n    ModalityTokenCount(\n      modality=<MediaModality.AUDIO: 'AUDIO'>,\n      "
            "token_count=58\n    ),\n    ModalityTokenCount(\n      modality=<MediaModality.TEXT: 'TEXT'>,\n      "
            "token_count=11\n    ),\n  ],\n  response_tokens_details=[\n    ModalityTokenCount(\n      "
            "modality=<MediaModality.TEXT: 'TEXT'>,\n      token_count=26\n    ),\n    ModalityTokenCount(\n      "
            "modality=<MediaModality.AUDIO: 'AUDIO'>,\n      token_count=150\n    ),\n  ]\n)"
        )}}),
    ],
    ids=["docker", "livekit's debug log", "prefix", "text", "fields", "printed", "dictionary", "printed in JSON"],
)  # fmt: skip
def test_it_is_read_in_every_wrapper(line: str) -> None:
    record = read_record(line, defaults=MODEL)
    assert (record.status, record.day, record.model) == ("exact", date(2026, 11, 22), "gemini-3.8-live")
    assert usage_of(record) == {"text_in": 11, "audio_in": 58, "text_out": 26, "audio_out": 150}


def test_a_streamed_answer_of_generate_content_counts_once() -> None:
    """Its usage grows from piece to piece, under one identifier."""
    pieces = [
        {"responseId": "r1", "modelVersion": "gemini-3.8-live", "usageMetadata": {"promptTokenCount": 5, "totalTokenCount": 5}},
        {"responseId": "r1", "modelVersion": "gemini-3.8-live", "usageMetadata": {"promptTokenCount": 5, "totalTokenCount": 9}},
    ]
    records, _ = read_records(log(*pieces), defaults=DAY)
    assert {record.key for record in records} == {"r1"}


def test_a_session_without_usage_is_counted() -> None:
    content = {"serverContent": {"modelTurn": {"parts": [{"inlineData": {"mimeType": "audio/pcm", "data": "AAAA"}}]}}}
    records, report = read_records(log(SETUP, content))
    assert (records, report.sessions_without_usage, report.sources) == ([], 1, {"a log": "gemini-live"})


def test_usage_of_another_shape_is_reported() -> None:
    broken = turn(prompt=-5)
    records, report = read_records(log(SETUP, turn(), broken), defaults=DAY)
    assert (len(records), report.error_count) == (1, 1)
    assert report.unread_usage is not None


def test_nothing_of_the_conversation_is_kept() -> None:
    records, report = read_records(log(SETUP, turn()), defaults=DAY)
    assert "secret" not in repr((records, report))
