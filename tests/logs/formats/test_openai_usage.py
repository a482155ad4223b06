"""OpenAI's usage of an organization. Shapes: openai-python's types of `organization/usage` and the dashboard's exports."""

import json
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

import pytest

from tests.logs.reading import error_texts, read_record, read_records, usage_of
from voicebill.answers.recorded.cost import cost
from voicebill.answers.recorded.python_engine import PythonEngine
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.money import format_dollars
from voicebill.facts import load_facts
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.formats.openai_usage import EXCLUDING, INCLUDING, UNDECIDED, usage_sums
from voicebill.logs.read import read_log
from voicebill.logs.report import ReadReport
from voicebill.logs.sources import NumberedLines, Source

MIDNIGHT, DAY, HOUR = 1795564800, 86_400, 3_600
"""2026-11-25, in seconds since 1970."""
EXPORT = (
    "start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,user_id,api_key_id,model,batch,service_tier,"
    "input_tokens,output_tokens,input_cached_tokens,input_uncached_tokens,input_text_tokens,output_text_tokens,"
    "input_cached_text_tokens,input_audio_tokens,input_cached_audio_tokens,output_audio_tokens\n"
)
TIMES = "1795564800,1795651200,2026-11-25T00:00:00+00:00,2026-11-26T00:00:00+00:00"


def result(**fields: object) -> dict[str, Any]:
    """A result of the completions endpoint: 40 text and 10 audio tokens uncached, 60 and 20 cached."""
    return {
        "object": "organization.usage.completions.result",
        "input_tokens": 130,
        "input_cached_tokens": 80,
        "input_text_tokens": 40,
        "input_audio_tokens": 10,
        "input_cached_text_tokens": 60,
        "input_cached_audio_tokens": 20,
        "output_tokens": 12,
        "output_text_tokens": 5,
        "output_audio_tokens": 7,
        "num_model_requests": 3,
        "project_id": "proj_a",
        "model": "gpt-realtime-1.5",
        **fields,
    }


def bucket(*results: object, start: float = MIDNIGHT, seconds: int = DAY) -> dict[str, Any]:
    return {"object": "bucket", "start_time": start, "end_time": start + seconds, "results": list(results)}


def page(*buckets: object) -> str:
    return json.dumps({"object": "page", "data": list(buckets), "has_more": False, "next_page": None})


USAGE = {"text_in": 40, "text_in_cached": 60, "audio_in": 10, "audio_in_cached": 20, "text_out": 5, "audio_out": 7}


@pytest.mark.parametrize(
    "content",
    [
        page(bucket(start=MIDNIGHT - DAY), bucket(result())),
        json.dumps(bucket(result())),
        json.dumps([bucket(result())]),
        json.dumps([json.loads(page(bucket(result())))], indent=1),
        page({"object": "bucket", "start_time": MIDNIGHT, "end_time": MIDNIGHT + DAY, "result": [result()]}),
        json.dumps(result(start_time=MIDNIGHT, end_time=MIDNIGHT + DAY)),
    ],
    ids=["page", "bucket", "array of buckets", "indented array of pages", "older name of the results", "result by itself"],
)
def test_a_page_its_buckets_and_their_results_are_read_alike(content: str) -> None:
    """The provider is OpenAI, its project, the day that of the bucket in UTC; no session, so no calls."""
    record = read_record(content)
    assert usage_of(record) == USAGE
    assert (record.provider, record.model, record.project, record.status) == ("openai", "gpt-realtime-1.5", "proj_a", "exact")
    assert (record.day, record.time, record.session, record.turn) == (date(2026, 11, 25), None, None, None)


@pytest.mark.parametrize(
    ("changes", "remark"),
    [
        ({}, EXCLUDING),
        ({"input_text_tokens": 100, "input_audio_tokens": 30}, INCLUDING),
        ({"input_tokens": 135, "input_uncached_tokens": 50}, EXCLUDING),
    ],
    ids=["40 + 10 + 80 = 130", "100 + 30 = 130", "40 + 10 is the uncached input"],
)
def test_the_totals_decide_whether_the_parts_include_the_cached_tokens(changes: dict[str, object], remark: str) -> None:
    """The same usage in both ways of counting, and what decided is said."""
    (record,), report = read_records(page(bucket(result(**changes))))
    assert (usage_of(record), record.status) == (USAGE, "exact")
    assert report.remarks == {remark: 1}


def test_totals_that_do_not_decide_give_both_readings() -> None:
    """170 in, of which 100 are text, 60 cached text: 100 or 40 fresh, and the rest is audio or text."""
    counts = {"input_tokens": 170, "input_text_tokens": 100, "input_cached_tokens": 60, "input_cached_text_tokens": 60}
    absent = {"input_audio_tokens": None, "input_cached_audio_tokens": None}
    (record,), report = read_records(page(bucket(result(**counts, **absent))))
    assert record.status == "ambiguous"
    assert {usage["text_in"] for usage in record.usage_candidates} >= {40, 100}
    assert {usage["text_in_cached"] for usage in record.usage_candidates} == {60}
    assert report.remarks == {UNDECIDED: 1}


def test_counts_that_no_reading_allows_are_inconsistent() -> None:
    """40 + 10 tokens, uncached or not, are more than 30; and 60 + 30 cached ones are more than 80."""
    (record,), report = read_records(page(bucket(result(input_tokens=30))))
    assert record.status == "inconsistent"
    assert report.remarks == {}
    (record,), _ = read_records(page(bucket(result(input_cached_audio_tokens=30, output_text_tokens=None))))
    assert (record.status, len(record.usage_candidates)) == ("inconsistent", 1)


def test_totals_that_exclude_a_reading_decide_too() -> None:
    """300 audio tokens cannot be uncached if 200 of 1,000 are: 800 were cached."""
    counts = {"input_tokens": 1_000, "input_cached_tokens": 800, "input_audio_tokens": 300}
    absent = dict.fromkeys(("input_text_tokens", "input_cached_text_tokens", "input_cached_audio_tokens"))
    (record,), report = read_records(page(bucket(result(**counts, **absent))))
    assert record.status == "ambiguous"
    assert {usage["text_in"] + usage["audio_in"] for usage in record.usage_candidates} == {200}
    assert report.remarks == {INCLUDING: 1}


def test_without_cached_tokens_nothing_has_to_be_decided() -> None:
    """Nothing cached: the parts are the input."""
    cached = {"input_cached_tokens": 0, "input_cached_text_tokens": 0, "input_cached_audio_tokens": 0}
    (record,), report = read_records(page(bucket(result(input_tokens=50, **cached))))
    assert usage_of(record) == {"text_in": 40, "audio_in": 10, "text_out": 5, "audio_out": 7}
    assert report.remarks == {}


def test_an_unsplit_cache_is_a_range() -> None:
    """80 cached of text or audio; the uncached parts are certain: 40 + 10 + 80 = 130."""
    record = read_record(page(bucket(result(input_cached_text_tokens=None, input_cached_audio_tokens=None))))
    assert {(usage["text_in"], usage["audio_in"]) for usage in record.usage_candidates} == {(40, 10)}
    assert {(usage["text_in_cached"], usage["audio_in_cached"]) for usage in record.usage_candidates} == {(80, 0), (0, 80)}


def test_tokens_written_to_the_cache_are_their_own_meter() -> None:
    """16 of 66 input tokens were written to the cache: 40 + 10 + 16."""
    nothing = {"input_cached_tokens": 0, "input_cached_text_tokens": 0, "input_cached_audio_tokens": 0}
    record = read_record(page(bucket(result(input_tokens=66, input_cache_write_tokens=16, **nothing))))
    assert usage_of(record) == {"text_in": 40, "audio_in": 10, "text_in_cache_write": 16, "text_out": 5, "audio_out": 7}


def test_seconds_characters_and_embeddings() -> None:
    """90 s of transcription, 420 characters spoken, 70 tokens embedded. Buckets of an hour have a time."""
    results = [
        {
            "object": "organization.usage.audio_transcriptions.result",
            "seconds": 90,
            "num_model_requests": 1,
            "model": "whisper-1",
        },
        {"object": "organization.usage.audio_speeches.result", "characters": 420, "num_model_requests": 1, "model": "tts-1"},
        {"object": "organization.usage.embeddings.result", "input_tokens": 70, "num_model_requests": 1, "model": "e"},
    ]
    records, report = read_records(page(bucket(*results, seconds=HOUR)))
    assert [(record.kind, usage_of(record)) for record in records] == [
        ("transcription", {"audio_ms": 90_000}),
        ("response", {"characters_in": 420}),
        ("response", {"text_in": 70}),
    ]
    assert {record.time for record in records} == {datetime(2026, 11, 25, tzinfo=UTC)}
    assert report.unread_usage is None


def test_what_is_charged_in_other_units_is_unread() -> None:
    """5 images and 3 searches are named; moderations are skipped."""
    results = [
        {"object": "organization.usage.images.result", "images": 5, "num_model_requests": 5, "model": "gpt-image-1"},
        {"object": "organization.usage.web_searches.result", "num_requests": 3, "num_model_requests": 2, "model": "gpt-4.1"},
        {"object": "organization.usage.moderations.result", "input_tokens": 9, "num_model_requests": 1, "model": "m"},
        result(output_image_tokens=4, output_tokens=16),
    ]
    records, report = read_records(page(bucket(*results)))
    assert [usage_of(record) for record in records] == [USAGE]
    assert report.unread_usage is not None
    assert (report.unread_usage.items, report.unread_usage.counts) == (3, {"images": 5})
    assert report.skipped == {"usage of a kind that is not costed": 1}


@pytest.mark.parametrize(
    ("batch", "tier", "expected"),
    [("FALSE", "default", "standard"), ("TRUE", "", "batch"), ("", "priority", "priority"), ("", "", None)],
)
def test_the_dashboards_export_is_read_like_the_api(batch: str, tier: str, expected: str | None) -> None:
    """Counts as floats, days without usage as empty rows; the tier as prices name it."""
    counts = "130.0,12.0,80.0,50.0,40.0,5.0,60.0,10.0,20.0,7.0"
    record = read_record(f"{EXPORT}{TIMES}{',' * 17}\n{TIMES},proj_a,3.0,,key_1,gpt-realtime-1.5,{batch},{tier},{counts}\n")
    assert usage_of(record) == USAGE
    assert (record.project, record.tier, record.day, record.line_number) == ("proj_a", expected, date(2026, 11, 25), 3)


@pytest.mark.parametrize("day", ["start_time", "date"])
def test_results_that_were_saved_as_a_table_are_read_like_the_api(day: str) -> None:
    """Without the dashboard's times: the number of requests is OpenAI's own."""
    moment = {"start_time": "1795564800", "date": "2026-11-25"}[day]
    record = read_record(
        f"{day};model;num_model_requests;input_tokens;input_cached_tokens;input_text_tokens;input_cached_text_tokens;"
        f"input_audio_tokens;input_cached_audio_tokens;output_tokens;output_text_tokens;output_audio_tokens\n"
        f"{moment};gpt-realtime-1.5;3;130;80;40;60;10;20;12;5;7\n"
    )
    assert (usage_of(record), record.day) == (USAGE, date(2026, 11, 25))


def test_an_export_without_any_usage_is_read() -> None:
    """The dashboard then writes the times only."""
    records, report = read_records(f"start_time,end_time,start_time_iso,end_time_iso\n{TIMES}\n")
    assert (records, report.errors) == ([], [])


def test_a_row_with_an_invalid_count_is_reported() -> None:
    """Its line, and its counts as not read."""
    _, report = read_records(f"{EXPORT}{TIMES},p,3,,,m,,,130.5,12,,,,,,,,\n")
    assert error_texts(report) == ["a log, line 2: input_tokens is not a whole number"]
    assert report.unread_usage is not None


def test_the_sums_are_there_to_be_compared() -> None:
    """Bucket, project, model, requests and key, which a comparison with own logs needs."""
    report = ReadReport()
    content = page(bucket(result(api_key_id="key_1", batch=False, service_tier="default"))).encode()
    (usage_sum,) = usage_sums(NumberedLines(Source("a log", content=BytesIO(content)), report), report)
    assert (usage_sum.start, usage_sum.end) == (datetime(2026, 11, 25, tzinfo=UTC), datetime(2026, 11, 26, tzinfo=UTC))
    assert (usage_sum.kind, usage_sum.project, usage_sum.model) == ("completions", "proj_a", "gpt-realtime-1.5")
    assert (usage_sum.num_model_requests, usage_sum.batch, usage_sum.service_tier) == (3, False, "default")
    assert usage_sum.grouping == {"project", "api_key", "model", "batch", "service_tier"}
    assert "key_1" not in usage_sum.key


def read_pages(*contents: str) -> tuple[int, ReadReport]:
    report = ReadReport()
    sources = [Source(f"page {index}", content=BytesIO(content.encode())) for index, content in enumerate(contents)]
    return len(list(read_log(*sources, report=report))), report


def test_a_page_that_is_fetched_twice_counts_once() -> None:
    """The bucket and its group are the key; a day that went on replaces its earlier sum."""
    count, report = read_pages(page(bucket(result())), page(bucket(result())))
    assert (count, report.repeated) == (1, 1)
    records, _ = read_records(page(bucket(result())) + "\n" + page(bucket(result(output_tokens=13, output_text_tokens=6))))
    assert len({record.key for record in records}) == 1


def test_rows_that_look_alike_in_one_page_or_table_are_different_groups() -> None:
    """Two keys, whose column was left out, with equal or other counts; and rows without a time."""
    records, _ = read_records(page(bucket(result(), result(), result(output_tokens=13, output_text_tokens=6))))
    assert len({record.key for record in records}) == 3
    header = "num_model_requests,model,input_tokens,output_tokens"
    for time in ("", ",start_time"):
        cell = f",{MIDNIGHT}" if time else ""
        records, report = read_records(f"{header}{time}\n1,gpt-4.1,5,0{cell}\n1,gpt-4.1,5,0{cell}\n")
        assert len({record.key for record in records}) == 2
        assert report.repeated == 0


def test_usage_that_may_count_twice_is_said() -> None:
    """One day by project and by key; and the organization's sums beside a log of its responses."""
    grouped = page(bucket(result()))
    count, report = read_pages(grouped, page(bucket(result(api_key_id="key_1"))))
    assert count == 2
    assert any("groups in another way" in remark for remark in report.remarks)
    _, report = read_pages(grouped, page(bucket(result(api_key_id="key_1"), start=MIDNIGHT + DAY)))
    assert not any("groups in another way" in remark for remark in report.remarks)
    event = '{"type": "response.done", "response": {"id": "resp_1", "usage": {"input_tokens": 5, "output_tokens": 0}}}'
    _, report = read_pages(grouped, event)
    assert any("beside logs of single responses" in remark for remark in report.remarks)


def test_usage_that_is_not_grouped_by_model_is_said() -> None:
    """Its model is what the user gives, and else none."""
    records, report = read_records(page(bucket(result(model=None))), defaults=LogDefaults(model="gpt-realtime"))
    assert records[0].model == "gpt-realtime"
    assert "usage without a model: group it by model (group_by=model)" in report.remarks


def test_a_page_costs_what_its_tokens_cost_and_nothing_is_said_per_call() -> None:
    """5,700 × 4 + 25,600 × 0.40 + 9,200 × 32 + 38,400 × 0.40 + 900 × 16 + 2,300 × 64 = 504,400 millionths of a dollar."""
    counts = {
        "input_tokens": 78_900,
        "input_cached_tokens": 64_000,
        "input_text_tokens": 5_700,
        "input_cached_text_tokens": 25_600,
        "input_audio_tokens": 9_200,
        "input_cached_audio_tokens": 38_400,
        "output_tokens": 3_200,
        "output_text_tokens": 900,
        "output_audio_tokens": 2_300,
    }
    records, _ = read_records(page(bucket(result(**counts))))
    answer = cost(PythonEngine(records), CostQuery(by=("project",)), load_facts().prices)
    assert answer.total.low == answer.total.high
    assert format_dollars(answer.total.low or 0) == "0.5044"
    assert answer.per_call is None
    assert answer.repeated_input_cost_share is None
