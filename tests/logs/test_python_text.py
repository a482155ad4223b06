"""Usage objects that were printed in Python's own form are read like the JSON of the same fields.

The classes are those of livekit-agents 1.8.9, openai-agents 0.24, openai 3.57 and pipecat-ai 1.14. pydantic prints an object
with its class (`repr`) or as its fields side by side (`str`).
"""

import json
from typing import Any

import pytest

from tests.logs.reading import read_record, read_records, usage_of
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.python_text import python_object

USAGE = {"text_in": 55, "text_in_cached": 64, "audio_in": 13, "text_out": 30, "audio_out": 91}
API_USAGE = (
    "RealtimeResponseUsage(input_token_details=RealtimeResponseUsageInputTokenDetails(audio_tokens=13, cached_tokens=64, "
    "cached_tokens_details=CachedTokensDetails(audio_tokens=0, image_tokens=0, text_tokens=64), image_tokens=0, "
    "text_tokens=119), input_tokens=132, output_token_details=RealtimeResponseUsageOutputTokenDetails(audio_tokens=91, "
    "text_tokens=30), output_tokens=121, total_tokens=253)"
)
API_DICT: dict[str, Any] = {
    "total_tokens": 253,
    "input_tokens": 132,
    "output_tokens": 121,
    "input_token_details": {
        "text_tokens": 119,
        "audio_tokens": 13,
        "image_tokens": None,
        "cached_tokens": 64,
        "cached_tokens_details": {"text_tokens": 64, "audio_tokens": 0},
    },
    "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
}
SDK_EVENT = (
    "RealtimeModelUsageEvent(usage=Usage(requests=1, input_tokens=132, input_tokens_details=InputTokensDetails("
    "cached_tokens=64), output_tokens=121, output_tokens_details=OutputTokensDetails(reasoning_tokens=0), total_tokens=253, "
    "request_usage_entries=[]), input_tokens_details=RealtimeModelInputTokensDetails(text_tokens=119, audio_tokens=13, "
    "image_tokens=None, cached_tokens=64, cached_tokens_details=RealtimeModelCachedTokensDetails(text_tokens=64, "
    "audio_tokens=0, image_tokens=None)), output_tokens_details=RealtimeModelOutputTokensDetails(text_tokens=30, "
    "audio_tokens=91), type='usage')"
)
METRICS_REPR = (
    "RealtimeModelMetrics(label='openai', request_id='resp_1', timestamp=1795345200.25, duration=2.1, ttft=0.4, "
    "input_tokens=132, output_tokens=121, total_tokens=253, tokens_per_second=57.6, input_token_details={'audio_tokens': 13, "
    "'text_tokens': 119, 'cached_tokens': 64, 'cached_tokens_details': {'audio_tokens': 0, 'text_tokens': 64, "
    "'image_tokens': 0}}, output_token_details={'text_tokens': 30, 'audio_tokens': 91}, metadata={'model_name': "
    "'gpt-realtime', 'model_provider': 'api.openai.com'})"
)
METRICS_STR = (
    "type='realtime_model_metrics' label='it\\'s one (of two)' request_id='resp_1' timestamp=1795345200.25 duration=2.1 "
    "session_duration=0.0 ttft=-1 cancelled=False input_tokens=132 output_tokens=121 total_tokens=253 tokens_per_second=57.6 "
    "input_token_details=InputTokenDetails(audio_tokens=13, text_tokens=119, image_tokens=0, cached_tokens=64, "
    "cached_tokens_details=CachedTokenDetails(audio_tokens=0, text_tokens=64, image_tokens=0)) "
    "output_token_details=OutputTokenDetails(text_tokens=30, audio_tokens=91, image_tokens=0) acquire_time=0.0 "
    "connection_reused=False metadata=Metadata(model_name='gpt-realtime', model_provider='api.openai.com')"
)
EVENT = (
    "ResponseDoneEvent(event_id='event_1', response=RealtimeResponse(id='resp_1', conversation_id='conv_1', "
    "output=[RealtimeConversationItemAssistantMessage(content=[Content(transcript=\"it's (a) secret\")], role='assistant', "
    f"type='message')], status='completed', usage={API_USAGE}), type='response.done')"
)
SHAPES = {
    "the usage of the API": (API_USAGE, "agents"),
    "a dictionary": (repr(API_DICT), "agents"),
    "a dictionary under usage": (repr({"usage": API_DICT, "final": True}), "agents"),
    "an event of the Agents SDK": (SDK_EVENT, "agents"),
    "metrics of LiveKit": (METRICS_REPR, "livekit"),
    "metrics of LiveKit, by their fields": (METRICS_STR, "livekit"),
    "an event of the API": (EVENT, "realtime"),
    "a dictionary of an event": (repr({"type": "response.done", "response": {"id": "resp_1", "usage": API_DICT}}), "realtime"),
}


@pytest.mark.parametrize("prefix", ["", "2026-11-22 10:15:30,250 - INFO livekit.agents - usage: ", "INFO:agent:"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_printed_object_is_read_like_json(shape: str, prefix: str) -> None:
    """132 in (119 text of which 64 cached, 13 audio), 121 out (30 text, 91 audio)."""
    text, log_format = SHAPES[shape]
    other_line = "INFO job started (room=5)\n"
    records, report = read_records(f"{other_line}{prefix}{text}\n", defaults=LogDefaults(model="gpt-realtime"))
    assert report.sources == {"a log": log_format}
    assert [(usage_of(record), record.model) for record in records] == [(USAGE, "gpt-realtime")]
    if prefix.startswith("2026") and "timestamp" not in text:
        assert str(records[0].time) == "2026-11-22 10:15:30.250000+00:00"


def test_the_envelope_of_a_logger_may_carry_a_printed_object() -> None:
    """As text of its message, and with the fields that a logger for terminals prints after it."""
    in_json = json.dumps({"message": f"usage: {SDK_EVENT}", "time": "2026-11-22T10:15:30Z"})
    assert usage_of(read_record(in_json)) == USAGE
    summary = "UsageSummary(llm_prompt_tokens=132, llm_input_audio_tokens=13, llm_completion_tokens=121)"
    colored = f"10:15:30 \x1b[32mINFO\x1b[0m agent Usage: {summary} \x1b[90m{json.dumps({'job_id': 'AJ_1'})}\x1b[0m"
    record = read_record(colored)
    assert (record.session, record.usage["text_in"] + record.usage["audio_in"]) == ("AJ_1", 132)


def test_a_summary_in_a_message_of_livekits_own_logger_is_read() -> None:
    """Its production log is JSON with the summary as text, and the job beside it."""
    message = (
        "Usage: UsageSummary(llm_prompt_tokens=132, llm_input_text_tokens=132, llm_completion_tokens=0, stt_audio_duration=1.5)"
    )
    records, _ = read_records(json.dumps({"message": message, "level": "INFO", "job_id": "AJ_1"}))
    assert [(usage_of(record), record.session) for record in records] == [
        ({"text_in": 132}, "AJ_1"),
        ({"audio_ms": 1500}, "AJ_1"),
    ]


@pytest.mark.parametrize("end", ["", ' {"room": "call-7"}'])
def test_messages_of_older_livekit_agents_have_their_counts_as_text(end: str) -> None:
    """55 tokens in, 40 of them cached, and 9 out: a chat model's are text; a voice model's are text or audio."""
    counts = "ttft=0.42, input_tokens=55,  cached_input_tokens=40, output_tokens=9, tokens_per_second=21.50"
    chat = read_record(f"2026-11-22 10:15:30,250 - INFO livekit.agents - LLM metrics: {counts}{end}")
    assert usage_of(chat) == {"text_in": 15, "text_in_cached": 40, "text_out": 9}
    voice = read_record(f"2026-11-22 10:15:30,250 - INFO livekit.agents - RealtimeModel metrics: {counts}{end}")
    assert voice.status == "ambiguous"
    assert {sum(usage.quantities.values()) for usage in voice.usage_candidates} == {64}


def test_what_livekits_logger_prints_on_a_terminal_is_read() -> None:
    """The counts are JSON behind the message, in gray."""
    counts = {"model_name": "gpt-realtime", "ttft": 0.4, "input_tokens": 132, "cached_input_tokens": 64, "output_tokens": 121}
    details = {"input_text_tokens": 119, "input_cached_text_tokens": 64, "input_audio_tokens": 13, "output_text_tokens": 30}
    fields = {**counts, **details, "output_audio_tokens": 91, "total_tokens": 253, "tokens_per_second": 21.4}
    line = f"10:15:30 \x1b[32mINFO\x1b[0m livekit.agents RealtimeModel metrics \x1b[90m{json.dumps(fields)}\x1b[0m"
    record = read_record(line)
    assert (record.model, usage_of(record)) == ("gpt-realtime", USAGE)


def test_pipecats_metrics_data_is_read() -> None:
    """A frame prints them; 13 of 132 tokens are audio, and 91 of 121."""
    counts = "prompt_tokens=132, completion_tokens=121, total_tokens=253, input_audio_tokens=13, output_audio_tokens=91"
    metrics = f"LLMUsageMetricsData(processor='x#0', model='gpt-realtime', value=LLMTokenUsage({counts}))"
    record = read_record(f"DEBUG | MetricsFrame#3(data: [{metrics}])")
    assert record.model == "gpt-realtime"
    assert usage_of(record) == {"text_in": 119, "audio_in": 13, "text_out": 30, "audio_out": 91}


@pytest.mark.parametrize(
    "text",
    [
        "Usage(requests=1, input_tokens=132, output_tokens=121, owner=<Agent object at 0x7f>)",
        "{'input_tokens': 132, 'output_tokens': 121, 'owner': <Agent>}",
        "Usage(requests=1, input_tokens=132, output_tokens=121",
        "Usage(requests=1, input_tokens=132, at=datetime.datetime(2026, 11, 22))",
    ],
)
def test_an_object_that_cannot_be_parsed_is_usage_that_was_not_read(text: str) -> None:
    """Its line is not valid JSON, and it shows tokens."""
    records, report = read_records(f"{json.dumps({'usage': API_DICT})}\nINFO {text}\n")
    assert len(records) == 1
    assert report.unread_usage is not None
    assert report.unread_usage.counts["input_tokens"] == 132


@pytest.mark.parametrize(
    "line",
    [
        b"INFO listening on port=8080 (max_tokens=4096)",
        b"INFO Settings(model='gpt-realtime', max_output_tokens=4096)",
        b"INFO the user said {'hello'}",
        b"__import__('os').system('true') or Usage(input_tokens=1 + 1)",
        b"Usage(" * 100_000 + b"input_tokens=1",
        b"{'input_tokens': " * 10_000,
        b"a=1 " * 60_000 + b"input_tokens=(",
        b"Event(delta='" + b"QUFB" * 30_000 + b"', x=<object>, output_tokens=1",
        b"QUFB" * 30_000 + b" output_tokens=1 a=(",
    ],
)
def test_other_text_is_no_object(line: bytes) -> None:
    """Nothing is evaluated, limits are not counts, and what is nested or long takes no longer."""
    assert python_object(line) is None


def test_json_behind_a_prefix_is_not_taken_for_a_printed_object() -> None:
    """What the conversation says in it is no usage."""
    event = {"type": "response.done", "response": {"id": "resp_1", "usage": API_DICT, "text": "Usage(input_tokens=999)"}}
    assert usage_of(read_record(f"INFO event: {json.dumps(event)}")) == USAGE


def test_an_event_whose_response_was_printed_is_read() -> None:
    """`json.dumps({"type": event.type, "response": event.response}, default=str)`, with objects of the API's client."""
    printed = "RealtimeResponse(id='resp_7', usage=RealtimeResponseUsage(input_tokens=132, output_tokens=121, "
    printed += "input_token_details=InputTokenDetails(text_tokens=119, audio_tokens=13), "
    printed += "output_token_details=OutputTokenDetails(text_tokens=30, audio_tokens=91)))"
    event = {"type": "response.done", "response": printed}
    for shape in (json.dumps(event), json.dumps({"ts": 1795515330, "event": event})):
        record = read_record(shape)
        assert (record.key, usage_of(record)) == ("resp_7", {"text_in": 119, "audio_in": 13, "text_out": 30, "audio_out": 91})


def test_a_printed_value_that_cannot_be_parsed_is_usage_that_was_not_read() -> None:
    """Beside a line that is read, a line with an object of another shape."""
    lines = [{"usage": API_DICT}, {"message": "done", "result": "Result(input_tokens=132, owner=<Agent at 0x7f>)"}]
    _, report = read_records("\n".join(map(json.dumps, lines)))
    assert report.unread_usage is not None
    assert report.unread_usage.counts == {"input_tokens": 132}
