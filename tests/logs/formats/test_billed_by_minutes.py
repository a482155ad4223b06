"""Voice models that are billed by the minute of their sessions: the time that logs have is read, and none is invented.

`acme-voice` is billed by the minute alone, and `acme-voice-text` by the minute and by tokens of text.
"""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.logs.reading import read_record, read_records, usage_of
from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.python_engine import PythonEngine
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.recorded.result import Cost
from voicebill.billing.record import Record
from voicebill.engines.in_duckdb import DuckDBEngine
from voicebill.facts import load_facts
from voicebill.logs import time_meters
from voicebill.logs.defaults import LogDefaults

Json = dict[str, Any]
DAY = LogDefaults(day=date(2026, 11, 22))
MODELS = ("acme-voice", "acme-voice-text")
PRICES = """
provider = "xai"
checked = 2026-11-22
sources = ["invented"]
[[offers]]
model = "acme-voice"
kind = "realtime"
[[offers.prices]]
since = "2026-01-01"
usd = { session_ms = 0.08, messages = 0.004 }
[[offers]]
model = "acme-voice-text"
kind = "realtime"
[[offers.prices]]
since = "2026-01-01"
usd = { session_ms = 0.08, text_in = 0.2, text_out = 6 }
"""


@pytest.fixture(autouse=True)
def minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the built-in facts have both models."""
    meters = dict.fromkeys(MODELS, frozenset({"session_ms"}))
    monkeypatch.setattr(time_meters, "_conversation_meters_by_model", lambda: meters)


def price(records: list[Record], folder: Path) -> Cost:
    """The cost of records, as both engines count it."""
    file = folder / "acme.toml"
    file.write_text(PRICES, encoding="utf-8")
    prices = load_facts(file).prices
    with DuckDBEngine() as engine:
        engine.load(records)
        answer = cost(engine, CostQuery(), prices)
    other = cost(PythonEngine(records), CostQuery(), prices)
    assert (answer.total, answer.lines, answer.unpriced) == (other.total, other.lines, other.unpriced)
    return answer


def livekit_sum(model: str, seconds: float, tokens: int = 132) -> Json:
    counts = {"input_tokens": tokens, "input_text_tokens": 100, "input_audio_tokens": 32} if tokens else {}
    sums = {"type": "llm_usage", "provider": "api.x.ai", "model": model, "session_duration": seconds, **counts}
    return {"job_id": "AJ_1", "room_id": "RM_1", "events": [], "usage": [sums], "timestamp": 1795345200}


def test_a_livekit_sum_has_the_minutes_and_the_tokens(tmp_path: Path) -> None:
    """90 s at $0.08 a minute is $0.12; the tokens of acme-voice are in it, 100 text tokens at $0.20 a million are not."""
    record = read_record(json.dumps(livekit_sum("xai/acme-voice", 90.0)))
    assert usage_of(record) == {"text_in": 100, "audio_in": 32, "session_ms": 90_000}
    answer = price([record], tmp_path)
    assert (answer.total.low, answer.total.unpriced) == (120_000_000_000, 0)
    answer = price([read_record(json.dumps(livekit_sum("acme-voice-text", 90.0)))], tmp_path)
    assert (answer.total.low, answer.total.unpriced) == (120_000_000_000 + 20_000_000, 0)


def test_tokens_of_a_model_billed_by_tokens_are_charged_without_its_seconds() -> None:
    assert usage_of(read_record(json.dumps(livekit_sum("gpt-realtime", 90.0)))) == {"text_in": 100, "audio_in": 32}


def pipecat(model: str, processor: str = "GrokRealtimeLLMService#0") -> str:
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    audio = {"input_audio_tokens": 60, "output_audio_tokens": 5}
    return json.dumps({"processor": processor, "model": model, "value": {**usage, **audio}})


def test_tokens_without_the_time_of_their_session_are_unpriced_and_never_nothing(tmp_path: Path) -> None:
    """Pipecat logs no minutes of Grok: 40 + 60 + 15 + 5 tokens that the unknown minutes include."""
    record = read_record(pipecat("acme-voice"), defaults=DAY)
    assert (record.provider, usage_of(record)) == ("xai", {"text_in": 40, "audio_in": 60, "text_out": 15, "audio_out": 5})
    answer = price([record], tmp_path)
    assert (answer.total.low, answer.total.unpriced, answer.counts.unpriced) == (None, 4, 1)
    assert {line.reason.partition(",")[0] for line in answer.unpriced} == {"acme-voice bills the minutes of a session"}


def test_no_tokens_of_a_model_billed_by_minutes_are_no_usage() -> None:
    zeros = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
    metadata = {"model_name": "acme-voice", "model_provider": "api.x.ai"}
    line = {"type": "realtime_model_metrics", "request_id": "r1", **zeros, "metadata": metadata}
    assert read_record(json.dumps(line)).status == "missing"


def raw_event(second: int, event: Json) -> Json:
    around = {"time": f"2026-11-22T10:15:{second:02}Z", "session_id": "call-1", "provider": "wss://api.x.ai/v1/realtime"}
    return {**around, "event": event}


def test_raw_events_bound_the_minutes_of_a_session_by_their_times(tmp_path: Path) -> None:
    """45 s from the first to the last event: at most $0.06, and the tokens of its responses are included."""
    usage = {"input_tokens": 132, "output_tokens": 21, "input_token_details": {"text_tokens": 100, "audio_tokens": 32}}
    events = (
        raw_event(0, {"type": "session.created", "session": {"id": "sess_1", "model": "acme-voice"}}),
        raw_event(20, {"type": "response.done", "response": {"id": "resp_1", "status": "completed", "usage": usage}}),
        raw_event(45, {"type": "input_audio_buffer.speech_stopped"}),
    )
    records, report = read_records("\n".join(map(json.dumps, events)))
    assert report.sessions_by_times == 1
    assert sorted(record.kind for record in records) == ["response", "session"]
    answer = price(records, tmp_path)
    assert (answer.total.low, answer.total.high, answer.total.unpriced) == (0, 60_000_000_000, 0)
