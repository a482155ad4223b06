"""Models billed by time in formats that count tokens: none of them is no usage, and never an exact $0."""

import json

import pytest

from tests.logs.reading import read_record
from voicebill.logs.defaults import LogDefaults

ZEROS = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
METADATA = {"model_name": "gpt-live-1.1", "model_provider": "api.openai.com"}


@pytest.mark.parametrize(
    ("log_format", "line"),
    [
        ("livekit", {"type": "realtime_model_metrics", "request_id": "lsess_1", **ZEROS, "metadata": METADATA}),
        ("livekit", {"message": "RealtimeModel metrics", "model_name": "gpt-live-1.1", **ZEROS}),
        ("agents", {"type": "usage", "usage": ZEROS}),
        ("otel", {"attributes": {"gen_ai.request.model": "gpt-live-1.1", "gen_ai.usage.input_tokens": 0}}),
        ("pipecat", {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}),
    ],
    ids=["LiveKit's metrics", "LiveKit's logger", "the Agents SDK", "OpenTelemetry", "Pipecat"],
)
def test_no_tokens_of_a_model_that_is_billed_by_time_are_no_usage(log_format: str, line: dict[str, object]) -> None:
    """The log does not have its seconds. A model billed by tokens used none of them, and that is exact."""
    record = read_record(json.dumps(line), log_format, defaults=LogDefaults(model="gpt-live-1.1"))
    assert (record.model, record.status) == ("gpt-live-1.1", "missing")
    other = json.dumps(line).replace("gpt-live-1.1", "gpt-realtime")
    record = read_record(other, log_format, defaults=LogDefaults(model="gpt-realtime"))
    assert (record.model, record.status, dict(record.usage.items())) == ("gpt-realtime", "exact", {})
