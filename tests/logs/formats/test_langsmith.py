"""LangSmith's runs: only calls count, sums around them do not, and an open split by modality is a range.

The shapes are those of langsmith 0.15.1 (`schemas.Run`, `UsageMetadata`, `_internal/_usage.py`, and its exporter, which finds
usage in the outputs of LangChain), read 2026-11-28.
"""

import json
from datetime import date
from typing import Any

import pytest

from tests.logs.reading import error_texts, read_record, read_records, usage_of
from voicebill.logs.formats import run_trees
from voicebill.logs.formats.run_trees import SUM_OF_OTHER_RUNS

Json = dict[str, Any]


def usage(tokens_in: int, tokens_out: int, **details: Json) -> Json:
    return {"input_tokens": tokens_in, "output_tokens": tokens_out, "total_tokens": tokens_in + tokens_out, **details}


def run(name: str, run_type: str = "llm", *, parent: str | None = None, logged: Json | None = None, **more: Any) -> Json:
    metadata = {"ls_provider": "openai", "ls_model_name": "gpt-4.1", "thread_id": "thread-1", **more.pop("metadata", {})}
    return {
        "id": name,
        "trace_id": "t",
        "parent_run_id": parent,
        "run_type": run_type,
        "start_time": "2026-11-02T10:00:00Z",
        "end_time": "2026-11-02T10:00:02Z",
        "session_id": "the project",
        "inputs": {"messages": ["a secret question"]},
        "outputs": {"content": "a secret reply", **({"usage_metadata": logged} if logged else {})},
        "extra": {"metadata": metadata},
        **more,
    }


def lines(*runs: Json) -> str:
    return "\n".join(map(json.dumps, runs))


def test_a_call_has_the_model_and_the_thread_of_its_metadata() -> None:
    """132 in, of which 13 audio and 64 cached; 121 out, of which 91 audio."""
    details = {"input_token_details": {"audio": 13, "cache_read": 64}, "output_token_details": {"audio": 91}}
    record = read_record(lines(run("r1", logged=usage(132, 121, **details), metadata={"ls_model_name": "gpt-realtime"})))
    assert (record.key, record.provider, record.model) == ("langsmith:r1", "openai", "gpt-realtime")
    assert (record.session, record.day, record.status) == ("thread-1", date(2026, 11, 2), "ambiguous")
    assert {usage["audio_in"] + usage["audio_in_cached"] for usage in record.usage_candidates} >= {13}
    assert all(
        sum(quantity for meter, quantity in usage.items() if "_in" in meter) == 132
        and usage["text_in_cached"] + usage["audio_in_cached"] == 64
        and usage["audio_out"] >= 91
        for usage in record.usage_candidates
    )


@pytest.mark.parametrize(
    "more",
    [
        {"logged": usage(1000, 50)},
        {"metadata": {"usage_metadata": usage(1000, 50)}},
        {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050},
        {"outputs": {"message": {"lc": 1, "kwargs": {"usage_metadata": usage(1000, 50)}}}},
        {"outputs": {"generations": [[{"message": {"kwargs": {"usage_metadata": usage(1000, 50)}}}]]}},
        {"outputs": {"generations": [{"message": {"kwargs": {"usage_metadata": usage(1000, 50)}}}]}},
    ],
    ids=["outputs", "metadata", "columns", "a message", "generations", "one generation"],
)
def test_usage_is_found_wherever_the_sdk_puts_it(more: Json) -> None:
    record = read_record(lines(run("r1", **more)))
    assert {"text_in": 1000, "text_out": 50} in [dict(usage.items()) for usage in record.usage_candidates]


def test_details_of_the_export_complete_the_totals_that_were_logged() -> None:
    details = {"raw": {"cache_read": 512}}
    record = read_record(lines(run("r1", logged=usage(900, 30), prompt_tokens=900, prompt_token_details=details)))
    assert {"text_in": 388, "text_in_cached": 512, "text_out": 30} in [dict(usage.items()) for usage in record.usage_candidates]


def test_sums_of_a_trace_are_not_counted_beside_their_calls() -> None:
    """1000 + 132 = 1132 in and 50 + 121 = 171 out."""
    root = run("r0", "chain", prompt_tokens=1132, completion_tokens=171, total_tokens=1303)
    inner = run("r9", "chain", parent="r0", prompt_tokens=132, completion_tokens=121, total_tokens=253)
    calls = (run("r1", parent="r0", logged=usage(1000, 50)), run("r2", parent="r9", logged=usage(132, 121)))
    for order in ((root, inner, *calls), (*reversed(calls), inner, root)):
        records, report = read_records(lines(*order))
        assert sorted(record.key for record in records) == ["langsmith:r1", "langsmith:r2"]
        assert report.unread_usage is None


@pytest.mark.parametrize("children", [[], [run("r1", parent="r0", logged=usage(1000, 50))]], ids=["none", "one of two"])
def test_a_sum_of_calls_that_the_export_lacks_is_usage_that_is_not_read(children: list[Json]) -> None:
    root = run("r0", "chain", prompt_tokens=1132, completion_tokens=171, total_tokens=1303)
    records, report = read_records(lines(root, *children))
    assert len(records) == len(children)
    assert report.unread_usage is not None
    assert (report.unread_usage.items, report.unread_usage.counts["total_tokens"]) == (1, 1303)


def test_a_call_around_a_call_with_the_same_counts_is_its_repetition() -> None:
    outer, inner = run("r1", logged=usage(1000, 50)), run("r2", parent="r1", logged=usage(1000, 50))
    records, report = read_records(lines(outer, inner))
    assert [record.key for record in records] == ["langsmith:r2"]
    assert report.skipped[SUM_OF_OTHER_RUNS] == 1


def test_a_service_tier_is_that_of_the_record() -> None:
    """OpenAI's wrapper writes the rest of the input under the name of the tier, and the cached part with it as a prefix."""
    details = {"input_token_details": {"priority": 388, "priority_cache_read": 512}}
    record = read_record(lines(run("r1", logged=usage(900, 30, **details))))
    assert record.tier == "priority"
    assert {"text_in": 388, "text_in_cached": 512, "text_out": 30} in [dict(usage.items()) for usage in record.usage_candidates]


def test_a_response_of_openai_keeps_its_identifier() -> None:
    """So a response in a log of another format counts once."""
    record = read_record(lines(run("r1", outputs={"id": "resp_1", "usage_metadata": usage(10, 2)})))
    assert record.key == "resp_1"


def test_a_page_a_list_and_runs_inside_their_parents_are_read() -> None:
    call = run("r1", parent="r0", logged=usage(10, 2))
    for document in ({"runs": [call], "cursors": {}}, [call], run("r0", "chain", child_runs=[call])):
        assert [record.key for record in read_records(json.dumps(document, indent=1))[0]] == ["langsmith:r1"]


def test_a_call_without_usage_is_a_record_without_usage() -> None:
    record = read_record(lines(run("r1")))
    assert (record.status, usage_of(record)) == ("missing", {})


def test_an_impossible_count_is_an_error_and_not_read() -> None:
    records, report = read_records(lines(run("r1", logged=usage(-5, 25)), run("r2", logged=usage(10, 2))))
    assert [record.key for record in records] == ["langsmith:r2"]
    assert "input_tokens is not a whole number" in error_texts(report)[0]
    assert report.unread_usage is not None


def test_only_so_many_runs_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_trees, "MAX_WAITING_RUNS", 3)
    calls = [{**run(f"r{number}", logged=usage(10, 2)), "trace_id": f"t{number}"} for number in range(10)]
    assert len(read_records(lines(*calls))[0]) == 10


def test_runs_that_are_each_others_parents_are_read() -> None:
    first, second = run("r1", parent="r2", logged=usage(10, 2)), run("r2", parent="r1", logged=usage(20, 3))
    assert len(read_records(lines(first, second))[0]) == 2


def test_nothing_of_the_conversation_is_kept() -> None:
    records, report = read_records(lines(run("r1", logged=usage(10, 2)), run("r2"), run("r0", "chain", prompt_tokens=5)))
    assert "secret" not in repr((records, report))
