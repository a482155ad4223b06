"""Metrics of LiveKit agents. Shapes: livekit-agents' metrics/usage.py, metrics/base.py and voice/report.py."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.logs.reading import error_texts, read_record, read_records, usage_of
from voicebill.billing.record import Record
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.read import read_log
from voicebill.logs.report import ReadReport

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
    assert (record.kind, usage_of(record), record.provider) == ("session", {"session_ms": 90_000}, "xai")


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


def update(*sums: dict[str, Any], time: float | None = None) -> dict[str, Any]:
    """A session's sums so far; the event names no session."""
    event = {"type": "session_usage_updated", "usage": {"model_usage": list(sums)}}
    return event if time is None else {**event, "created_at": time}


def llm_sum(tokens: int, *, audio: int = 0, model: str = "gpt-realtime") -> dict[str, Any]:
    """A sum of text and audio input, without output."""
    counts = {"input_tokens": tokens + audio, "input_text_tokens": tokens, "input_audio_tokens": audio}
    return {"type": "llm_usage", "provider": "openai", "model": model, **counts}


def single(request: str, tokens: int, *, time: float = 1795345200.0, **fields: object) -> dict[str, Any]:
    """The metrics of a response with text input only."""
    details = {"input_token_details": {"text_tokens": tokens}, "output_token_details": {}}
    return {**SINGLE, **details, "request_id": request, "timestamp": time, "input_tokens": tokens, "output_tokens": 0} | {
        "total_tokens": tokens,
        **fields,
    }


def text_in(content: str) -> list[tuple[int, ...]]:
    """The text input of each record: one number, or those of all candidates in order."""
    return sorted(tuple(sorted(usage["text_in"] for usage in record.usage_candidates)) for record in read_records(content)[0])


def test_a_sum_whose_single_metrics_are_logged_is_skipped() -> None:
    """Two responses and the session's sum of them: the responses count, and the sum is mentioned. 3 s of hearing remain."""
    sums = update(llm_sum(300), {**STT_SUM, "audio_duration": 3.0})
    records, report = read_records(line(single("r1", 100), single("r2", 200), sums))
    assert [(record.kind, usage_of(record)) for record in records] == [
        ("response", {"text_in": 100}),
        ("response", {"text_in": 200}),
        ("transcription", {"audio_ms": 3000}),
    ]
    assert report.skipped == {"sums whose single metrics are in the log too": 1}


def test_a_sum_of_more_than_its_single_metrics_is_a_range() -> None:
    """300 tokens in a sum and 100 in a single response: of one call, or of two."""
    content = line(single("r1", 100), update(llm_sum(300)))
    assert text_in(content) == [(0, 300), (100,)]
    assert read_records(content)[1].ambiguous_sums == 1


def read_files(folder: Path, **contents: str) -> tuple[list[Record], ReadReport]:
    """What several logs give, in one run."""
    report = ReadReport()
    for name, content in contents.items():
        (folder / f"{name}.jsonl").write_text(content)
    return list(read_log(folder, report=report)), report


@pytest.mark.parametrize("named", ["job", "nothing"])
def test_a_report_beside_single_metrics_in_another_file_is_skipped(tmp_path: Path, named: str) -> None:
    """Two calls, of 100 + 200 and of 70 tokens, and the reports of both: 370 tokens, once."""
    jobs = [{"session_id": "s", "job_id": f"AJ_{number}"} if named == "job" else {} for number in (1, 1, 2)]
    singles = [
        {**job, "event": single(f"r{number}", tokens, time=1795345200.0 + number)} if job else single(f"r{number}", tokens)
        for number, (tokens, job) in enumerate(zip((100, 200, 70), jobs, strict=True))
    ]
    reports = [session_report(usage=[llm_sum(tokens)], job_id=f"AJ_{number}") for number, tokens in ((1, 300), (2, 70))]
    records, report = read_files(tmp_path, metrics=line(*singles), one=line(reports[0]), two=line(reports[1]))
    assert sorted(record.usage["text_in"] for record in records) == [70, 100, 200]
    assert report.skipped == {"sums whose single metrics are in the log too": 2}


def test_a_report_of_another_call_than_the_single_metrics_counts(tmp_path: Path) -> None:
    """The metrics are a day later than the report, or those of another job."""
    later = single("r1", 100, time=1795345200.0 + 86_400)
    other_job = {"job_id": "AJ_9", "event": single("r2", 50)}
    records, report = read_files(tmp_path, metrics=line(later, other_job), one=line(session_report(usage=[llm_sum(300)])))
    assert sorted(record.usage["text_in"] for record in records) == [50, 100, 300]
    assert (report.skipped, report.ambiguous_sums) == ({}, 0)


def test_a_report_whose_single_metrics_are_among_others_is_skipped(tmp_path: Path) -> None:
    """Three calls in one log of metrics, one after the other, and the report of the second: 40 + 60 tokens."""
    singles = [single(f"r{number}", tokens, time=1795345000.0 + number) for number, tokens in enumerate((100, 200, 40, 60, 70))]
    records, _ = read_files(tmp_path, metrics=line(*singles), one=line(session_report(usage=[llm_sum(100)])))
    assert sum(record.usage["text_in"] for record in records) == 470
    assert {record.status for record in records} == {"exact"}


def test_a_sum_that_shrinks_is_of_another_session() -> None:
    """3,176 tokens, then 385: two sessions, also where only one count shrinks, or a model is missing."""
    assert text_in(line(update(llm_sum(3176)), update(llm_sum(385)))) == [(385,), (3176,)]
    assert text_in(line(update(llm_sum(100, audio=20)), update(llm_sum(300, audio=10)))) == [(100,), (300,)]
    two_models = update(llm_sum(100), llm_sum(5, model="gpt-4.1"))
    assert text_in(line(two_models, update(llm_sum(300)))) == [(5,), (100,), (300,)]


def test_sums_that_interleave_are_exact_if_every_assignment_agrees() -> None:
    """100, 50, 200, 120: whether 200 continues 100 or 50, the sessions end with 200 and 120."""
    assert text_in(line(*(update(llm_sum(tokens)) for tokens in (100, 50, 200, 120)))) == [(120,), (200,)]


def test_sums_that_interleave_are_a_range_if_assignments_differ() -> None:
    """100, 50, 200: 200 continues 100, so 50 + 200, or it continues 50, so 100 + 200."""
    content = line(*(update(llm_sum(tokens), time=1795345200.0 + tokens) for tokens in (100, 50, 200)))
    (own,), (low, high) = sorted(text_in(content), key=len)
    assert (own + low, own + high) == (250, 300)
    assert {record.status for record in read_records(content)[0]} == {"exact", "ambiguous"}


def test_a_copy_of_growing_sums_counts_once(tmp_path: Path) -> None:
    """The same events in two files are the same session."""
    content = line(update(llm_sum(0), time=1795345200.5), update(llm_sum(300), time=1795345201.5))
    records, _ = read_files(tmp_path, a=content, b=content)
    assert [record.usage["text_in"] for record in records] == [300]


def test_growing_sums_and_the_report_of_their_session_count_once(tmp_path: Path) -> None:
    """The last sum is that of the report; a session without a report is counted, too."""
    updates = [update(llm_sum(tokens), time=1795345100.0 + place) for place, tokens in enumerate((100, 300, 40, 80))]
    report = session_report(usage=[llm_sum(300)])
    assert text_in(line(*updates[:2], report, *updates[2:])) == [(0, 80), (300,)]
    assert text_in(line(*updates[:2], report)) == [(300,)]
    records, read_report = read_files(tmp_path, updates=line(*updates[:2]), report=line(report))
    assert [record.usage["text_in"] for record in records] == [300]
    assert read_report.skipped == {"sums of sessions that the log gives in another form too": 1}


def live(seconds: float, time: float | None, session: str = "lsess_1", **fields: object) -> dict[str, Any]:
    """What a live session's seconds grew by, as the plugin reports it."""
    metadata = {"model_name": "gpt-live-1.1", "model_provider": "api.openai.com"}
    details = {"input_token_details": {}, "output_token_details": {}, "metadata": metadata}
    metrics = {"type": "realtime_model_metrics", "request_id": session, "session_duration": seconds, "duration": 0, **details}
    return {**metrics, **fields} if time is None else {**metrics, "timestamp": time, **fields}


def test_the_seconds_of_a_live_session_are_added_up(tmp_path: Path) -> None:
    """15 + 15 + 11 s; the end of the session adds nothing. A line that is logged twice, or in two files, counts once."""
    deltas = [live(15.0, 1795345215.5), live(15.0, 1795345230.5), live(11.0, 1795345241.5), live(0.0, 1795345241.6)]
    records, report = read_records(line(*deltas, deltas[0]))
    assert [usage_of(record) for record in records] == [{"session_ms": ms} for ms in (15_000, 15_000, 11_000)]
    assert (report.repeated, report.other_lines) == (1, 0)
    records, _ = read_files(tmp_path, one=line(*deltas[:2]), two=line(*deltas))
    assert sum(record.usage["session_ms"] for record in records) == 41_000


def test_the_seconds_of_a_live_session_without_a_time_are_added_up() -> None:
    """By the place in the log. JavaScript logs milliseconds."""
    javascript = {
        "type": "realtime_model_metrics",
        "requestId": "lsess_2",
        "timestamp": 1795345215500,
        "sessionDurationMs": 2500,
        "durationMs": 0,
        "inputTokens": 0,
        "inputTokenDetails": {"textTokens": 0},
    }
    records, _ = read_records(line(live(15.0, None), live(15.0, None), javascript))
    assert [record.usage["session_ms"] for record in records] == [15_000, 15_000, 2_500]


def test_the_seconds_of_a_live_session_and_its_report_count_once() -> None:
    """15.004 + 15.004 s, and 30.008 s in the report."""
    report = session_report(usage=[{**llm_sum(0, model="gpt-live-1.1"), "session_duration": 30.008}])
    records, _ = read_records(line(live(15.004, 1795345100.0), live(15.004, 1795345101.0), report))
    assert [record.usage["session_ms"] for record in records] == [15_004, 15_004]


def test_metrics_of_a_connection_are_no_record() -> None:
    """Opening a connection is logged with an empty identifier and no usage; a response without usage took some time."""
    connection = {**SINGLE, "request_id": "", "duration": 0.0, "acquire_time": 0.3, "input_tokens": 0, "output_tokens": 0}
    unused = {**connection, "request_id": "resp_9", "duration": 0.8, "input_token_details": {}, "output_token_details": {}}
    records, report = read_records(line(connection, unused))
    assert ([record.key for record in records], report.other_lines) == (["resp_9"], 0)


def test_a_transcription_in_the_metrics_and_in_the_events_counts_once(tmp_path: Path) -> None:
    """The metrics have the identifier of the server's event; 25 audio tokens in and 11 text tokens out."""
    usage = {"type": "tokens", "total_tokens": 36, "input_tokens": 25, "output_tokens": 11}
    event = {
        "type": "conversation.item.input_audio_transcription.completed",
        "event_id": "event_7",
        "item_id": "item_7",
        "usage": {**usage, "input_token_details": {"text_tokens": 0, "audio_tokens": 25}},
    }
    metrics = {"type": "stt_metrics", "request_id": "event_7", "timestamp": 1795345200.0, "duration": 0.0, **usage} | {
        "type": "stt_metrics",
        "input_audio_tokens": 25,
    }
    records, _ = read_files(tmp_path, events=line(event), metrics=line(metrics))
    assert {record.key for record in records} == {"transcription:event_7"}
    assert {tuple(record.usage.items()) for record in records} == {(("audio_in", 25), ("text_out", 11))}


SUMMARY = {
    "llm_prompt_tokens": 3176,
    "llm_prompt_cached_tokens": 1792,
    "llm_input_audio_tokens": 1667,
    "llm_input_cached_audio_tokens": 960,
    "llm_input_text_tokens": 1509,
    "llm_input_cached_text_tokens": 832,
    "llm_completion_tokens": 590,
    "llm_output_audio_tokens": 444,
    "llm_output_text_tokens": 146,
    "tts_characters_count": 0,
    "stt_audio_duration": 0.0,
    "stt_input_tokens": 196,
    "stt_output_tokens": 57,
    "stt_input_audio_tokens": 196,
}


@pytest.mark.parametrize("place", ["a document", "usage", "an event"])
def test_a_summary_is_a_record_for_each_part(place: str) -> None:
    """1,509 − 832 text and 1,667 − 960 audio tokens fresh, by the default models."""
    shapes: dict[str, object] = {
        "a document": SUMMARY,
        "usage": {"session_id": "s", "usage": SUMMARY},
        "an event": {"event": "session_complete", "data": {"session_id": "s", "usage": SUMMARY}},
    }
    defaults = LogDefaults(model="gpt-realtime", transcription_model="gpt-4o-mini-transcribe")
    records, report = read_records(json.dumps(shapes[place]), defaults=defaults)
    assert report.sources == {"a log": "livekit"}
    assert [(record.kind, record.model, usage_of(record)) for record in records] == [
        (
            "response",
            "gpt-realtime",
            {
                "text_in": 677,
                "text_in_cached": 832,
                "audio_in": 707,
                "audio_in_cached": 960,
                "text_out": 146,
                "audio_out": 444,
            },
        ),
        ("transcription", "gpt-4o-mini-transcribe", {"audio_in": 196, "text_out": 57}),
    ]


def test_a_summary_of_older_agents_leaves_text_as_the_rest() -> None:
    """2,060 in, 1,455 of them audio, so 605 text; 1,753 out, 1,346 of them audio; 1,408 cached of unknown modality."""
    older = {"llm_prompt_tokens": 2060, "llm_prompt_cached_tokens": 1408, "llm_input_audio_tokens": 1455}
    record = read_record(line({**older, "llm_completion_tokens": 1753, "llm_output_audio_tokens": 1346}))
    assert record.status == "ambiguous"
    assert {usage["text_in"] + usage["text_in_cached"] for usage in record.usage_candidates} == {605}
    assert {usage["text_out"] for usage in record.usage_candidates} == {407}


def test_a_summary_in_javascript_does_not_separate_audio() -> None:
    """1,000 in and 200 out: text or audio; 61.5 s heard and 145 characters spoken."""
    summary = {
        "llmPromptTokens": 1000,
        "llmPromptCachedTokens": 0,
        "llmCompletionTokens": 200,
        "ttsCharactersCount": 145,
        "sttAudioDurationMs": 61_500,
    }
    records, _ = read_records(line(summary))
    assert [record.status for record in records] == ["ambiguous", "exact", "exact"]
    assert [usage_of(record) for record in records[1:]] == [{"audio_ms": 61_500}, {"characters_in": 145}]


def test_summaries_of_several_calls_are_added_up_unless_one_may_contain_another() -> None:
    """300 and then 200 are two calls; 200 and then 300 are two calls, or one that grew."""
    one, two = ({**SUMMARY, "llm_prompt_tokens": 3176 + tokens, "llm_input_text_tokens": 1509 + tokens} for tokens in (0, 100))
    assert [record.status for record in read_records(line(two, one))[0] if record.kind == "response"] == ["exact", "exact"]
    assert [record.status for record in read_records(line(one, two))[0] if record.kind == "response"] == ["ambiguous", "exact"]
    named = line({**one, "session_id": "a"}, {**two, "session_id": "b"})
    assert {record.status for record in read_records(named)[0]} == {"exact"}


def test_a_summary_beside_the_single_metrics_of_its_session_is_skipped() -> None:
    """Its sum is over all models: 100 tokens of one and 200 of another."""
    summary = {"llm_prompt_tokens": 300, "llm_input_text_tokens": 300, "llm_completion_tokens": 0}
    other_model = single("r2", 200, metadata={"model_name": "gpt-realtime-2", "model_provider": "openai"})
    assert text_in(line(single("r1", 100), other_model, summary)) == [(100,), (200,)]


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


def test_metrics_of_the_agents_own_logger_and_with_an_identifier_count_once(tmp_path: Path) -> None:
    """Two responses and a transcription, logged by `log_metrics` and as they are; a third response by the logger alone."""
    singles = [single("r1", 100), single("r2", 100, time=1795345210.0)]
    hearing_metrics = {
        "type": "stt_metrics",
        "request_id": "q",
        "timestamp": 1795345205.0,
        "audio_duration": 2.128,
        "duration": 0.0,
    }
    shared = {"level": "INFO", "model_name": "gpt-realtime", "model_provider": "api.openai.com", "job_id": "AJ_1"}
    counts = {"cached_input_tokens": 0, "output_tokens": 0}
    logged = [
        {"message": "RealtimeModel metrics", **shared, "input_tokens": tokens, "input_text_tokens": tokens, **counts}
        | {"timestamp": f"2026-11-22T11:00:{second}+00:00"}
        for second, tokens in (("02", 100), ("12", 100), ("22", 300))
    ]
    hearing = {"message": "STT metrics", "level": "INFO", "audio_duration": 2.13, "timestamp": "2026-11-22T11:00:05+00:00"}
    records, report = read_files(tmp_path, agent=line(*logged, hearing), metrics=line(*singles, hearing_metrics))
    assert sorted(record.usage["text_in"] for record in records if record.kind == "response") == [100, 100, 300]
    assert [record.usage["audio_ms"] for record in records if record.kind == "transcription"] == [2128]
    assert report.skipped == {"single metrics that the log gives with their identifier too": 3}


def test_equal_metrics_of_the_agents_own_logger_at_other_times_count(tmp_path: Path) -> None:
    """The same counts a day later are another response."""
    logged = {"message": "RealtimeModel metrics", "model_name": "gpt-realtime", "input_tokens": 100, "input_text_tokens": 100}
    logged |= {"cached_input_tokens": 0, "output_tokens": 0, "timestamp": "2026-11-23T11:00:02+00:00"}
    records, _ = read_files(tmp_path, agent=line(logged), metrics=line(single("r1", 100)))
    assert [record.usage["text_in"] for record in records] == [100, 100]


def test_the_seconds_of_a_live_session_and_its_events_count_once(tmp_path: Path) -> None:
    """15 + 15 s in the metrics, and 30 s in the API's own events of the session."""
    events = [
        {"type": "session.created", "session": {"id": "lsess_1", "model": "gpt-live-1.1"}},
        {"type": "session.usage.updated", "usage": {"seconds": 15}},
        {"type": "session.closed", "usage": {"seconds": 30}},
    ]
    deltas = line(live(15.0, 1795345215.5), live(15.0, 1795345230.5), live(2.0, 1795345230.5, session="lsess_2"))
    records, report = read_files(tmp_path, events=line(*events), metrics=deltas)
    assert [record.usage["session_ms"] for record in records] == [30_000, 2_000]
    assert report.skipped == {"seconds of live sessions whose events are in the logs too": 2}


def test_many_sessions_that_interleave_are_read_in_one_pass() -> None:
    """Three sessions at a time, 30 in all, each growing 40 times: the true sum is within the range."""
    totals = [[(place + 1) * (session % 7 + 3) for place in range(40)] for session in range(30)]
    steps = [
        llm_sum(totals[block + session][place]) for block in range(0, 30, 3) for place in range(40) for session in range(3)
    ]
    content = line(*(update(step, time=1795345200.0 + second) for second, step in enumerate(steps)))
    usages = [[usage["text_in"] for usage in record.usage_candidates] for record in read_records(content)[0]]
    assert sum(map(min, usages)) <= sum(counts[-1] for counts in totals) <= sum(map(max, usages))
    assert any(len(usage) > 1 for usage in usages)


@pytest.mark.parametrize(("pause", "statuses"), [(5.0, ["ambiguous", "exact"]), (3600.0, ["exact", "exact"])])
def test_a_session_may_go_on_in_the_next_file_of_a_log(tmp_path: Path, pause: float, statuses: list[str]) -> None:
    """300 tokens at the end of a file, and 400 at the beginning of the next: one session of 400, or two of 700."""
    one = line(update(llm_sum(100), time=1795345200.0), update(llm_sum(300), time=1795345201.0))
    two = line(update(llm_sum(400), time=1795345201.0 + pause), update(llm_sum(500), time=1795345205.0 + pause))
    records, _ = read_files(tmp_path, one=one, two=two)
    assert [record.status for record in records] == statuses
    assert [record.usage["text_in"] for record in records] == [300, 500]


def test_a_worker_that_begins_with_a_new_session_is_not_the_next_file(tmp_path: Path) -> None:
    """Its first sum is smaller."""
    one = line(update(llm_sum(300), time=1795345200.0))
    two = line(update(llm_sum(5), time=1795345201.0), update(llm_sum(500), time=1795345205.0))
    records, _ = read_files(tmp_path, one=one, two=two)
    assert [(record.status, record.usage["text_in"]) for record in records] == [("exact", 300), ("exact", 500)]


def test_a_sum_without_usage_is_one_without_usage() -> None:
    """Speech whose characters are not logged; beside single metrics it adds nothing."""
    sums = [{"type": "tts_usage", "provider": "openai", "model": "tts-1"}]
    assert read_record(line(session_report(usage=sums))).status == "missing"
    speech = {"type": "tts_metrics", "request_id": "q", "timestamp": 1795345200.0, "characters_count": 10}
    records, _ = read_records(line(speech, update(*sums)))
    assert [usage_of(record) for record in records] == [{"characters_in": 10}]


@pytest.mark.parametrize("prefix", ["", "2026-11-28 10:00:00,250 INFO agent: Usage: ", "Usage: "])
def test_a_printed_list_of_sums_is_read_whole(prefix: str) -> None:
    """What `ModelUsageCollector` returns: 60 text and 40 audio in of the voice model, and 25 audio in of the transcriber."""
    voice = "LLMModelUsage(type='llm_usage', provider='openai', model='m', input_tokens=100, input_text_tokens=60, "
    voice += "input_audio_tokens=40, output_tokens=5, output_text_tokens=5, output_audio_tokens=0)"
    transcriber = "STTModelUsage(type='stt_usage', provider='openai', model='t', input_tokens=25, output_tokens=9)"
    records, _ = read_records(f"{prefix}[{voice}, {transcriber}]")
    assert [(record.model, usage_of(record)) for record in records] == [
        ("m", {"text_in": 60, "audio_in": 40, "text_out": 5}),
        ("t", {"audio_in": 25, "text_out": 9}),
    ]


SUMMARY_OF_300 = {"llm_prompt_tokens": 300, "llm_completion_tokens": 0, "llm_input_text_tokens": 300}


def raw_events(*tokens: int, session: str = "sess_1", start: float = 1795345200.0, model: str = "gpt-realtime") -> list[Any]:
    """The raw events of a session whose responses have text input only, a second apart."""
    created = {"ts": start, "event": {"type": "session.created", "session": {"id": session, "model": model}}}
    usages = [{"input_tokens": count, "output_tokens": 0, "input_token_details": {"text_tokens": count}} for count in tokens]
    responses = [{"id": f"resp_{session}_{number}", "usage": usage} for number, usage in enumerate(usages)]
    done = [
        {"ts": start + number, "session_id": session, "event": {"type": "response.done", "response": response}}
        for number, response in enumerate(responses)
    ]
    return [created, *done]


@pytest.mark.parametrize("form", ["report", "update", "summary"])
@pytest.mark.parametrize("model", ["gpt-realtime", "gpt-realtime-2025-08-28"])
def test_a_sum_of_a_session_whose_events_are_in_another_log_is_skipped(tmp_path: Path, form: str, model: str) -> None:
    """100 + 200 tokens in raw events, whose session has another name, and 300 in the agent's sums; another call used 50."""
    sums = {
        "report": session_report(usage=[llm_sum(300)], timestamp=1795345210.0),
        "update": update(llm_sum(300), time=1795345210.0),
        "summary": {**SUMMARY_OF_300, "timestamp": 1795345210.0},
    }
    events = [*raw_events(100, 200, model=model), *raw_events(50, session="sess_2", start=1795345201.5, model=model)]
    records, report = read_files(tmp_path, events=line(*events), sums=line(sums[form]))
    assert sorted((record.usage["text_in"], record.status) for record in records) == [
        (50, "exact"),
        (100, "exact"),
        (200, "exact"),
    ]
    assert report.skipped == {"sums of sessions whose events are in the logs too": 1}


SUMMARY_OF_300 = {
    "llm_prompt_tokens": 300,
    "llm_completion_tokens": 0,
    "llm_input_text_tokens": 300,
    "llm_output_text_tokens": 0,
}


def test_a_sum_that_may_be_of_a_session_with_events_is_a_range(tmp_path: Path) -> None:
    """Half of the session's responses are missing in the events. A day later, it is another session."""
    sums = session_report(usage=[llm_sum(300)], timestamp=1795345210.0)
    records, report = read_files(tmp_path, events=line(*raw_events(100)), sums=line(sums))
    assert [record.status for record in records] == ["exact", "ambiguous"]
    assert [usage["text_in"] for usage in records[1].usage_candidates] == [300, 0]
    assert report.ambiguous_sums == 1
    other = line(*raw_events(100, session="sess_3", start=1795345200.0 + 86_400))
    records, _ = read_files(tmp_path, events=other, sums=line(sums))
    assert [record.status for record in records] == ["exact", "exact"]


def test_what_agents_log_beside_their_raw_events_counts_once() -> None:
    """With LK_OPENAI_DEBUG=1: raw events, the lines of `log_metrics`, and the sum of the session, in one log."""
    around = {"message": "<<<", "level": "DEBUG", "name": "livekit.agents"}
    raw = [
        {**around, "lk.pii.event": item["event"], "timestamp": f"2026-11-22T11:00:0{number}+00:00"}
        for number, item in enumerate(raw_events(100, 200))
    ]
    logged = [
        {"message": "RealtimeModel metrics", "model_name": "gpt-realtime", "input_tokens": tokens, "input_text_tokens": tokens}
        | {"cached_input_tokens": 0, "output_tokens": 0, "timestamp": f"2026-11-22T11:00:0{second}+00:00"}
        for second, tokens in ((2, 100), (3, 200))
    ]
    metrics = single("resp_sess_1_0", 100)
    records, report = read_records(line(*raw, *logged, metrics, update(llm_sum(300), time=1795345210.0)))
    assert sorted(
        (record.key, record.usage["text_in"], record.model) for record in {record.key: record for record in records}.values()
    ) == [
        ("resp_sess_1_0", 100, "gpt-realtime"),
        ("resp_sess_1_1", 200, "gpt-realtime"),
    ]
    assert (report.sources, report.unread_usage) == ({"a log": "livekit"}, None)
    assert report.skipped == {
        "single metrics that the log gives with their identifier too": 2,
        "sums of sessions whose events are in the logs too": 1,
    }


def test_the_seconds_of_a_live_session_before_its_events_in_one_log_count_once() -> None:
    """15 + 15 s in the metrics, and 30 s when the session is closed; 30 s in the report."""
    closed = {"type": "session.closed", "session": {"id": "lsess_1", "model": "gpt-live-1.1"}, "usage": {"seconds": 30}}
    raw = {"message": "gpt-live server event", "lk.pii.event": closed, "timestamp": 1795345231.0}
    report_of_session = session_report(
        usage=[{**llm_sum(0, model="gpt-live-1.1"), "session_duration": 30.0}], timestamp=1795345240.0
    )
    records, report = read_records(line(live(15.0, 1795345215.5), live(15.0, 1795345230.5), raw, report_of_session))
    assert [record.usage["session_ms"] for record in records] == [30_000]
    assert report.unread_usage is None


def test_a_sum_among_the_metrics_of_too_many_sessions_is_a_range(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names no session: that its two responses are of one of them is found out only among few."""
    singles = [{**single(f"r{number}", 55 + number // 2), "session_id": f"s{number // 2}"} for number in range(6)]
    content = line(*singles, update(llm_sum(110)))
    assert sorted(text_in(content)) == [(55,), (55,), (56,), (56,), (57,), (57,)]
    monkeypatch.setattr("voicebill.logs.formats.livekit_sessions.MAX_NAMED_SINGLES", 2)
    assert (0, 110) in text_in(content)


def test_a_sum_before_too_many_of_another_form_is_a_range(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report with more than the sum may contain it, if it is not compared with all of them."""
    reports = [session_report(job_id=f"AJ_{number}", room="x", usage=[llm_sum(10 + number)]) for number in range(3)]
    content = line(*reports, update(llm_sum(55)))
    assert (55,) in text_in(content)
    monkeypatch.setattr("voicebill.logs.formats.livekit_sessions.MAX_OTHER_FORMS", 2)
    assert (0, 55) in text_in(content)
