"""Langfuse's exports. Shapes: Langfuse's public API and ingestion types; both meanings of cached from its issue 10592."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.logs.reading import error_texts, read_record, read_records, usage_of

ONE: dict[str, Any] = {
    "id": "obs_1",
    "traceId": "trace_1",
    "sessionId": "sess_1",
    "type": "GENERATION",
    "name": "realtime",
    "startTime": "2026-03-01T12:00:00.000Z",
    "endTime": "2026-03-01T12:00:02.500Z",
    "model": "gpt-realtime",
    "input": {"said": "never kept"},
    "output": "never kept",
    "calculatedTotalCost": 99.0,
    "usageDetails": {"input": 132, "output": 121, "total": 253},
}


def line(*values: object) -> str:
    return "\n".join(json.dumps(value) for value in values)


def observation(**details: object) -> dict[str, Any]:
    return {**ONE, "usageDetails": details}


def test_an_observation_is_a_response() -> None:
    """132 in and 121 out, text or audio: the map has no more to say."""
    record = read_record(line(ONE))
    assert (record.key, record.model, record.session, record.status) == (
        "langfuse:obs_1",
        "gpt-realtime",
        "sess_1",
        "ambiguous",
    )
    assert record.time == datetime(2026, 3, 1, 12, 0, 2, 500_000, tzinfo=UTC)
    assert {usage["audio_in"] + usage["text_in"] for usage in record.usage_candidates} == {132}


def test_parts_without_a_cache_are_exact() -> None:
    """119 text and 13 audio in, 30 text and 91 audio out, told by parts or with their totals."""
    parts = {"input_text_tokens": 119, "input_audio_tokens": 13, "output_text_tokens": 30, "output_audio_tokens": 91}
    for details in (
        parts,
        {**parts, "input": 132, "output": 121, "total": 253},
        {**parts, "input": 0, "output": 0, "total": 253},
    ):
        record = read_record(line(observation(**details)))
        assert (usage_of(record), record.status) == ({"text_in": 119, "audio_in": 13, "text_out": 30, "audio_out": 91}, "exact")


def test_openais_details_as_langfuse_takes_them_from_the_total() -> None:
    """132 in less 119, 13 and 64 leaves 0: the total of 253 says that the 64 cached are part of the 132."""
    record = read_record(
        line(
            observation(
                input=0,
                output=0,
                total=253,
                input_text_tokens=119,
                input_audio_tokens=13,
                input_cached_tokens=64,
                input_cached_text_tokens=64,
                output_text_tokens=30,
                output_audio_tokens=91,
            )
        )
    )
    assert usage_of(record) == {"text_in": 55, "text_in_cached": 64, "audio_in": 13, "text_out": 30, "audio_out": 91}
    assert record.status == "exact"


def test_cached_beside_or_within_is_told_by_the_total() -> None:
    """17,817 cached: of 17,903 in where the total says so, beside 86 where it says that."""
    inclusive = read_record(line(observation(input=17903, input_cached_tokens=17817, output=10, total=17913)))
    exclusive = read_record(line(observation(input=86, input_cached_tokens=17817, output=10, total=17913)))
    for record in (inclusive, exclusive):
        assert {usage["text_in"] + usage["audio_in"] for usage in record.usage_candidates} == {86}
        assert {usage["text_in_cached"] + usage["audio_in_cached"] for usage in record.usage_candidates} == {17817}


def test_without_a_total_both_are_bounds() -> None:
    """119 text, 64 of them cached, or 64 cached beside 119. A total that adds up all keys proves nothing either."""
    parts = {"input_text_tokens": 119, "input_cached_text_tokens": 64, "output_audio_tokens": 91}
    for details in (parts, {**parts, "total": 119 + 64 + 91}):
        record = read_record(line(observation(**details)))
        assert record.status == "ambiguous"
        assert {usage["text_in"] for usage in record.usage_candidates} == {55, 119}


def test_more_cached_than_read_can_only_be_beside() -> None:
    """86 fresh and 17,817 cached, whatever the total."""
    record = read_record(line(observation(input_text_tokens=86, input_cached_text_tokens=17817)))
    assert (usage_of(record), record.status) == ({"text_in": 86, "text_in_cached": 17817}, "exact")


def test_a_total_that_nothing_adds_up_to_is_flagged() -> None:
    """5 in and 5 out are not 100."""
    assert read_record(line(observation(input=5, output=5, total=100))).status == "inconsistent"


def test_reasoning_is_text_once() -> None:
    """29 out with 19 thought: 29 text where the total says so."""
    record = read_record(
        line(
            observation(input_text_tokens=10, output_text_tokens=29, output_reasoning_tokens=19, output=29, input=10, total=39)
        )
    )
    assert usage_of(record) == {"text_in": 10, "text_out": 29}


@pytest.mark.parametrize(
    "shape",
    [
        {**ONE, "usageDetails": None, "usage": {"input": 132, "output": 121, "total": 253, "unit": "TOKENS"}},
        {**ONE, "usageDetails": {}, "usage": {"promptTokens": 132, "completionTokens": 121, "totalTokens": 253}},
        {**ONE, "usageDetails": {"input": "132", "output": "121", "total": "253"}},
        {**ONE, "usageDetails": None, "promptTokens": 132, "completionTokens": 121},
        {
            "id": "obs_1",
            "trace_id": "t",
            "type": "GENERATION",
            "start_time": "2026-03-01 12:00:00",
            "end_time": "2026-03-01T12:00:02.5Z",
            "provided_model_name": "gpt-realtime",
            "session_id": "sess_1",
            "usage_details": {"input": 132, "output": 121, "total": 253},
        },
        {"data": [ONE], "meta": {"page": 1}},
        {
            "id": "trace_1",
            "sessionId": "sess_1",
            "userId": "u1",
            "observations": [ONE, {"id": "s", "type": "SPAN", "startTime": "x"}],
        },
        [ONE],
    ],
)
def test_all_its_exports_say_the_same(shape: object) -> None:
    """The older usage, numbers as text, the database's names, pages, traces and arrays."""
    for content in (line(shape), json.dumps(shape, indent=2)):
        records, report = read_records(content)
        assert report.errors == []
        assert report.sources == {"a log": "langfuse"}
        assert [(record.key, record.model, record.session) for record in records] == [
            ("langfuse:obs_1", "gpt-realtime", "sess_1")
        ]
        assert {usage["audio_in"] + usage["text_in"] for usage in records[0].usage_candidates} == {132}


def test_a_generation_without_usage_has_none() -> None:
    """Langfuse's older API writes zeros for it."""
    for usage in ({}, None, {"input": 0, "output": 0, "total": 0}):
        assert read_record(line({**ONE, "usageDetails": usage})).status == "missing"


def test_characters_are_no_tokens() -> None:
    """The older usage may count something else."""
    assert usage_of(read_record(line({**ONE, "usageDetails": None, "usage": {"input": 145, "unit": "CHARACTERS"}}))) == {
        "characters_in": 145
    }
    records, report = read_records(line({**ONE, "usageDetails": None, "usage": {"input": 3, "unit": "IMAGES"}}))
    assert records[0].status == "missing"
    assert sum(report.skipped.values()) == 1


def test_keys_that_are_not_known_are_mentioned() -> None:
    """An integration's own key may hold what was charged."""
    _, report = read_records(line(observation(input=5, output=5, input_video_tokens=9, total_cost=1)))
    assert report.skipped == {"usage under the key 'input_video_tokens'": 1}


@pytest.mark.parametrize("value", [-1, 1.5, "many"])
def test_wrong_counts_are_reported(value: object) -> None:
    """The line and the key are named; the next observation is read."""
    records, report = read_records(line(observation(input=value), {**ONE, "id": "obs_2"}))
    assert [record.key for record in records] == ["langfuse:obs_2"]
    assert error_texts(report) == ["a log, line 1: the usage input is not a whole number from 0 to 1,000,000,000,000"]


@pytest.mark.parametrize(
    "header",
    [
        "id,traceId,type,model,startTime,endTime,userId,usageDetails,totalCost",
        "id,trace_id,type,provided_model_name,start_time,end_time,user_id,usage_details,total_cost",
    ],
    ids=["from the page", "from blob storage"],
)
def test_exports_as_csv_have_the_usage_as_json_in_a_cell(header: str) -> None:
    """A response and a span without usage; 119 text and 13 audio in. A usage that is cut off is reported."""
    times = "2026-03-01 12:00:00.000000,2026-03-01 12:00:02.500000"
    details = '"{""input_text_tokens"": 119, ""input_audio_tokens"": 13, ""output_text_tokens"": 30}"'
    rows = (
        f"obs_1,trace_1,GENERATION,gpt-realtime,{times},acme,{details},99.0",
        f"obs_2,trace_1,SPAN,,{times},acme,,",
        f'obs_3,trace_1,GENERATION,gpt-realtime,{times},acme,"{{""input"": 5",1.0',
    )
    (record,), report = read_records("\n".join((header, *rows)))
    assert report.sources == {"a log": "langfuse"}
    assert usage_of(record) == {"text_in": 119, "audio_in": 13, "text_out": 30}
    assert (record.key, record.model, record.tenant) == ("langfuse:obs_1", "gpt-realtime", "acme")
    assert record.time == datetime(2026, 3, 1, 12, 0, 2, 500_000, tzinfo=UTC)
    assert [error.line_number for error in report.errors] == [4]
